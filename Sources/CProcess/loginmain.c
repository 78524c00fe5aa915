#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "CProcess.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef O_PATH
#define O_PATH O_RDONLY
#endif

enum { longest_request = 16384 };

static void fail(const char *what, const char *why) {
    dprintf(2, "%s%s\n", what, why);
    _exit(255);
}

// MARK: May they come in

// Standard input has the service, the account, the address and what is asked, each with a zero byte behind it, and then the
// password. The status is a login_answer; what the modules say to the user goes to standard output.
static int check(void) {
    static char request[longest_request + 1];
    size_t length = 0;
    ssize_t count;
    while (length < longest_request && (count = read(0, request + length, longest_request - length)) > 0) {
        length += (size_t)count;
    }
    char *fields[5];
    char *next = request;
    for (int index = 0; index < 5; index++) {
        if (next > request + length) return login_unavailable;
        fields[index] = next;
        next += strlen(next) + 1;
    }
    struct login *login;
    enum login_answer answer =
        login_begin(fields[0], fields[1], fields[2][0] != 0 ? fields[2] : NULL, NULL, &login);
    if (answer != login_allowed) return login_unavailable;
    if (strcmp(fields[3], "password") == 0) answer = login_authenticate(login, fields[4]);
    explicit_bzero(request, sizeof request);
    if (answer == login_allowed) answer = login_check_account(login);
    dprintf(1, "%s", login_words(login));
    login_end(login);
    return (int)answer;
}

// MARK: The session about a program

// The program's variables come with this before their names, and never become variables of this process: modules and
// libraries, which run as root here, would heed what an account wrote.
static const char prefix[] = "SESSION:";

static size_t name_length(const char *variable) {
    const char *equals = strchr(variable, '=');
    return equals != NULL ? (size_t)(equals - variable) : 0;
}

// The place of the variable of the same name; `count` where there is none.
static size_t find(char *const *variables, size_t count, const char *variable) {
    size_t length = name_length(variable);
    for (size_t index = 0; index < count; index++) {
        if (strncmp(variables[index], variable, length + 1) == 0) return index;
    }
    return count;
}

// What the server decided and what the modules add. NULL when there is no memory.
static char **program_environment(struct login *login) {
    char **added = login_environment(login);
    size_t room = 1;
    for (char *const *each = process_environment(); *each != NULL; each++) room++;
    for (char **each = added; each != NULL && *each != NULL; each++) room++;
    char **variables = calloc(room, sizeof *variables);
    if (variables == NULL) return NULL;
    size_t count = 0;
    for (char *const *each = process_environment(); *each != NULL; each++) {
        if (strncmp(*each, prefix, sizeof prefix - 1) == 0) variables[count++] = *each + sizeof prefix - 1;
    }
    for (char **each = added; each != NULL && *each != NULL; each++) {
        size_t length = name_length(*each);
        if (length == 0) continue;
        size_t place = find(variables, count, *each);
        // What the server decided stays, but for the path.
        if (place == count) {
            variables[count++] = *each;
        } else if (length == 4 && strncmp(*each, "PATH", 4) == 0) {
            variables[place] = *each;
        }
    }
    return variables;
}

static gid_t *groups_of(const struct passwd *account, int *count) {
    *count = 64;
    gid_t *groups = NULL;
    for (int attempt = 0; attempt < 8; attempt++) {
        int room = *count;
        gid_t *more = realloc(groups, (size_t)room * sizeof *groups);
        if (more == NULL) break;
        groups = more;
        if (getgrouplist(account->pw_name, account->pw_gid, groups, count) >= 0) return groups;
        if (*count <= room) *count = room * 2;
    }
    free(groups);
    return NULL;
}

// words: the service, the account, the address, the program's path, and the program's own arguments.
static int session(char **words) {
    const struct passwd *account = getpwnam(words[1]);
    if (account == NULL) fail("There is no account ", words[1]);
    int group_count;
    gid_t *groups = groups_of(account, &group_count);
    if (groups == NULL) fail("The groups cannot be read of ", words[1]);
    const char *terminal = ttyname(0);
    struct login *login;
    if (login_begin(words[0], words[1], words[2][0] != 0 ? words[2] : NULL, terminal, &login) != login_allowed) {
        fail("PAM cannot be asked.", "");
    }
    if (login_open_session(login) != login_allowed) fail("PAM refuses the session. ", login_words(login));
    // The message of the day and the like are for a person who comes to a login shell.
    if (terminal != NULL && words[4][0] == '-') dprintf(1, "%s", login_words(login));
    char **environment = program_environment(login);
    if (environment == NULL) fail("There is no memory for the environment.", "");
    // The server's own program, which the account may not be able to find by its path: it executes what is open here.
    char open_path[64];
    const char *executable = words[3];
    if (strncmp(executable, "/proc/", 6) == 0) {
        int program = open(executable, O_PATH | O_CLOEXEC);
        if (program < 0) fail("The server's program is gone: ", strerror(errno));
        snprintf(open_path, sizeof open_path, "/proc/self/fd/%d", program);
        executable = open_path;
    }
    struct process_launch launch = {
        .executable = executable,
        .arguments = words + 4,
        .environment = environment,
        .folder = account->pw_dir,
        .spare_folder = "/",
        .input = 0,
        .output = 1,
        .error = 2,
        .switches_account = 1,
        .user = account->pw_uid,
        .group = account->pw_gid,
        .groups = groups,
        .group_count = (size_t)group_count,
    };
    pid_t process;
    int descriptor, step;
    int number = process_start(&launch, &process, &descriptor, &step);
    if (number != 0) {
        login_end(login);
        fail("The program could not be started: ", strerror(number));
    }
    // The program alone holds the streams: their end is its end.
    for (int stream = 0; terminal == NULL && stream < 3; stream++) close(stream);
    int status = 0;
    int kind = login_wait(process, descriptor, &status);
    login_end(login);
    login_exit_like(kind, status);
    return 255;
}

int login_main(int count, char **words) {
    if (geteuid() != 0) return login_unavailable;
    if (count == 1 && strcmp(words[0], "check") == 0) return check();
    if (count >= 6 && strcmp(words[0], "session") == 0) return session(words + 1);
    return login_unavailable;
}
