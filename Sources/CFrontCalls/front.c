#define _GNU_SOURCE
#include "CFrontCalls.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static int word_count;
static char **word_list;
static int status_on_signal;

// The system gives a constructor what it gives main, which is Swift's here.
__attribute__((constructor)) static void take_words(int count, char **words)
{
    word_count = count;
    word_list = words;
}

char **front_words(void) { return word_list; }

int front_word_count(void) { return word_count; }

char **front_environment(void) { return environ; }

int front_connect(const char *path)
{
    struct sockaddr_un address;
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    size_t length = strlen(path);
    if (length >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path, length);
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return -1;
    if (connect(descriptor, (struct sockaddr *)&address, sizeof address) == 0)
        return descriptor;
    close(descriptor);
    return -1;
}

int front_is_own_folder(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == geteuid() &&
           (status.st_mode & 077) == 0;
}

static void end(int number)
{
    (void)number;
    _exit(status_on_signal);
}

void front_end_on_signals(int status)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    status_on_signal = status;
    for (unsigned index = 0; index < sizeof numbers / sizeof *numbers; index++) {
        struct sigaction before, action;
        memset(&action, 0, sizeof action);
        action.sa_handler = end;
        if (sigaction(numbers[index], 0, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(numbers[index], &action, 0);
    }
}

const char *front_error(void) { return strerror(errno); }
