#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "CProcess.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/signalfd.h>
#endif

// The interface of Linux-PAM (pam(3)), declared here so that nothing has to be installed to build.
struct message {
    int style;
    const char *text;
};

struct response {
    char *text;
    int code;
};

struct conversation {
    int (*converse)(int count, const struct message **messages, struct response **responses, void *context);
    void *context;
};

enum {
    success = 0,
    buffer_error = 5,
    new_password_required = 12,
    conversation_error = 19,
    item_terminal = 3,
    item_host = 4,
    prompt_hidden = 1,
    prompt_shown = 2,
    silent = 0x8000,
    no_empty_password = 1,
    establish_credentials = 2,
    delete_credentials = 4,
};

struct login {
    void *handle;
    int last;
    int has_session;
    const char *password;
    char words[4096];
    struct conversation conversation;
    int (*authenticate)(void *, int);
    int (*check_account)(void *, int);
    int (*set_credentials)(void *, int);
    int (*open_session)(void *, int);
    int (*close_session)(void *, int);
    int (*set_item)(void *, int, const void *);
    char **(*environment)(void *);
    int (*end)(void *, int);
};

static void say(struct login *login, const char *text) {
    size_t used = strlen(login->words);
    size_t length = strlen(text);
    if (used + length + 2 > sizeof login->words) return;
    memcpy(login->words + used, text, length);
    login->words[used + length] = '\n';
    login->words[used + length + 1] = 0;
}

static int converse(int count, const struct message **messages, struct response **responses, void *context) {
    struct login *login = context;
    if (count <= 0 || count > 32) return conversation_error;
    struct response *answers = calloc((size_t)count, sizeof *answers);
    if (answers == NULL) return buffer_error;
    for (int index = 0; index < count; index++) {
        int style = messages[index]->style;
        const char *text = messages[index]->text != NULL ? messages[index]->text : "";
        if (style != prompt_hidden && style != prompt_shown) {
            say(login, text);
            continue;
        }
        // Only a password was given: to anything else that is asked there is no answer.
        answers[index].text = style == prompt_hidden && login->password != NULL ? strdup(login->password) : NULL;
        if (answers[index].text != NULL) continue;
        for (int earlier = 0; earlier < index; earlier++) free(answers[earlier].text);
        free(answers);
        return conversation_error;
    }
    *responses = answers;
    return success;
}

static enum login_answer answer(struct login *login, int result) {
    login->last = result;
    if (result == success) return login_allowed;
    return result == new_password_required ? login_password_expired : login_refused;
}

enum login_answer login_begin(
    const char *service, const char *user, const char *host, const char *terminal, struct login **made) {
    void *library = dlopen("libpam.so.0", RTLD_NOW | RTLD_GLOBAL);
    if (library == NULL) return login_unavailable;
    int (*begin)(const char *, const char *, const struct conversation *, void **) = dlsym(library, "pam_start");
    struct login *login = calloc(1, sizeof *login);
    if (login == NULL) return login_unavailable;
    login->authenticate = dlsym(library, "pam_authenticate");
    login->check_account = dlsym(library, "pam_acct_mgmt");
    login->set_credentials = dlsym(library, "pam_setcred");
    login->open_session = dlsym(library, "pam_open_session");
    login->close_session = dlsym(library, "pam_close_session");
    login->set_item = dlsym(library, "pam_set_item");
    login->environment = dlsym(library, "pam_getenvlist");
    login->end = dlsym(library, "pam_end");
    login->conversation.converse = converse;
    login->conversation.context = login;
    if (begin == NULL || login->authenticate == NULL || login->check_account == NULL || login->set_credentials == NULL
        || login->open_session == NULL || login->close_session == NULL || login->set_item == NULL
        || login->environment == NULL || login->end == NULL
        || begin(service, user, &login->conversation, &login->handle) != success) {
        free(login);
        return login_unavailable;
    }
    if (host != NULL) login->set_item(login->handle, item_host, host);
    // Some modules want a terminal's name whether there is one or not.
    login->set_item(login->handle, item_terminal, terminal != NULL ? terminal : "ssh");
    *made = login;
    return login_allowed;
}

enum login_answer login_authenticate(struct login *login, const char *password) {
    login->password = password;
    enum login_answer result = answer(login, login->authenticate(login->handle, no_empty_password));
    login->password = NULL;
    return result;
}

enum login_answer login_check_account(struct login *login) {
    return answer(login, login->check_account(login->handle, no_empty_password));
}

enum login_answer login_open_session(struct login *login) {
    enum login_answer result = answer(login, login->set_credentials(login->handle, establish_credentials));
    if (result != login_allowed) return result;
    result = answer(login, login->open_session(login->handle, 0));
    login->has_session = result == login_allowed;
    return result;
}

char **login_environment(struct login *login) { return login->environment(login->handle); }

const char *login_words(const struct login *login) { return login->words; }

void login_end(struct login *login) {
    if (login->has_session) {
        login->last = login->close_session(login->handle, silent);
        login->set_credentials(login->handle, delete_credentials | silent);
    }
    login->end(login->handle, login->last);
    free(login);
}

#ifdef __linux__

int login_wait(pid_t process, int descriptor, int *status) {
    sigset_t signals;
    sigfillset(&signals);
    sigprocmask(SIG_SETMASK, &signals, NULL);
    int incoming = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    while (1) {
        int kind = process_exit_status(descriptor, 0, status);
        if (kind != 0) return kind;
        struct pollfd waiting[2] = {{.fd = descriptor, .events = POLLIN}, {.fd = incoming, .events = POLLIN}};
        if (poll(waiting, incoming < 0 ? 1 : 2, -1) < 0 && errno != EINTR) return -errno;
        struct signalfd_siginfo info;
        while (incoming >= 0 && read(incoming, &info, sizeof info) == (ssize_t)sizeof info) {
            if (info.ssi_signo == SIGHUP || info.ssi_signo == SIGTERM) kill(process, (int)info.ssi_signo);
        }
    }
}

#else

int login_wait(pid_t process, int descriptor, int *status) {
    (void)process;
    (void)descriptor;
    (void)status;
    return -ENOSYS;
}

#endif

void login_exit_like(int kind, int status) {
    if (kind != 2 && kind != 3) _exit(kind == 1 ? status : 255);
    // The image would be ours.
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    signal(status, SIG_DFL);
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, status);
    kill(getpid(), status);
    sigprocmask(SIG_UNBLOCK, &one, NULL);
    _exit(128 + status);
}
