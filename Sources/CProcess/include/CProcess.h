// Starting programs the way Swift cannot: between fork and exec only async-signal-safe calls are made. Linux alone.
#ifndef COPILOT_CPROCESS_H
#define COPILOT_CPROCESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// MARK: Starting

// Where a start failed, beside its errno.
enum process_step {
    process_step_prepare = 1,
    process_step_session = 2,
    process_step_terminal = 3,
    process_step_descriptors = 4,
    process_step_groups = 5,
    process_step_account = 6,
    process_step_folder = 7,
    process_step_execute = 8,
};

struct process_launch {
    const char *executable; // a path
    char *const *arguments; // NULL at the end
    char *const *environment; // NULL at the end
    const char *folder; // NULL: where this process is
    const char *spare_folder; // taken where `folder` cannot be entered; NULL: that is an error
    int input, output, error; // what become descriptors 0, 1 and 2
    int makes_session; // a session and process group of its own
    int has_terminal; // `input` is a terminal, which becomes the session's
    int switches_account;
    uid_t user;
    gid_t group;
    const gid_t *groups;
    size_t group_count;
    uint64_t descriptor_limit; // the soft limit of open files; 0: as here
};

// Starts a program. Returns 0, or an errno with `*step`. The caller owns `*descriptor`, a pidfd, and reaps the process.
int process_start(const struct process_launch *launch, pid_t *process, int *descriptor, int *step);

// Signals a process group with the rights of the account of a launch, by a child that has become it: the number of a group
// that ended may be anybody's by now, and what the account may not signal itself, nobody shall signal for it.
void process_signal_group_as(const struct process_launch *account, pid_t group, int number);

// This process's own environment.
char *const *process_environment(void);

// MARK: Its end

// How a process ended: 0 it has not, 1 by itself with `*status`, 2 by signal `*status`, 3 by a signal with a core image.
// It stays to be reaped unless `reaps`. A negative errno means that the process is not ours to wait for.
int process_exit_status(int descriptor, int reaps, int *status);

// A descriptor that waits for many processes; -1 with errno.
int process_watch_make(void);
// Reports the process once when it has ended. 0 or an errno.
int process_watch_add(int watch, int descriptor, uint64_t number);
// Waits for ends; returns how many `numbers` were filled in.
int process_watch_wait(int watch, uint64_t *numbers, int count);

// Two sockets that are connected with each other: what a program reads and writes. 0 or an errno. The first one does not block.
int process_make_sockets(int *ours, int *theirs);

// MARK: Pseudo-terminals

struct process_terminal_mode {
    uint8_t opcode; // RFC 4254 §8
    uint32_t argument;
};

struct process_terminal {
    uint16_t columns, rows, width, height;
    const struct process_terminal_mode *modes;
    size_t mode_count;
    int switches_owner; // the terminal is to belong to `owner`
    uid_t owner;
};

// Opens a terminal; `name` gets its path. 0 or an errno. The master does not block.
int process_open_terminal(const struct process_terminal *setup, int *master, int *slave, char *name, size_t name_size);
// 0 or an errno. The foreground group learns of it by SIGWINCH.
int process_resize_terminal(int master, uint16_t columns, uint16_t rows, uint16_t width, uint16_t height);
// The foreground process group; 0 where there is none.
pid_t process_foreground_group(int master);
// What ends the input of a program that reads lines; 0 where the terminal has no such character.
uint8_t process_end_of_file_character(int terminal);
// Whether bytes wait to be read; what the program wrote before its end is counted in.
int process_has_input(int descriptor);

// MARK: Another account's rights, for one call of this thread

struct process_account {
    uid_t user;
    gid_t group;
    const gid_t *groups;
    size_t group_count;
};

// Runs `body` with the rights of the account, if there is one, on this thread alone; the other threads keep theirs.
// Returns what it returns, or -errno when the rights cannot be taken. Ends the process when they cannot be given back.
int process_with_account(const struct process_account *account, int (*body)(void *), void *context);

// MARK: PAM, where the system has it

// An open conversation with the system's PAM: for a process of its own, since modules do as they like.
struct login;

enum login_answer {
    login_allowed = 0,
    login_refused = 1,
    login_password_expired = 2,
    login_unavailable = 3,
};

// Opens one. The library is looked for here and nowhere else.
enum login_answer login_begin(
    const char *service, const char *user, const char *host, const char *terminal, struct login **login);
enum login_answer login_authenticate(struct login *login, const char *password);
enum login_answer login_check_account(struct login *login);
enum login_answer login_open_session(struct login *login);
// "NAME=VALUE", NULL at the end; they live as long as the process. NULL for none.
char **login_environment(struct login *login);
// What the modules said to the user.
const char *login_words(const struct login *login);
// Closes the session, if one is open, and the conversation.
void login_end(struct login *login);
// Waits for a child while passing SIGHUP and SIGTERM on to it; whatever the terminal sends to us is the child's alone.
// The result is that of process_exit_status.
int login_wait(pid_t process, int descriptor, int *status);
// Ends this process as the child ended.
void login_exit_like(int kind, int status);
// The whole of a process that speaks with PAM for a server that runs as root: `check`, or `session` and what it starts.
int login_main(int count, char **words);

#endif
