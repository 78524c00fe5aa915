#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "CProcess.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __linux__
#include <sched.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef P_PIDFD
#define P_PIDFD 3
#endif

enum { close_on_exec = 4, stack_size = 64 * 1024 };

struct failure {
    int number;
    int step;
};

struct child {
    const struct process_launch *launch;
    int report;
    unsigned long descriptors; // the hard limit, where close_range is missing
};

static void give_up(const struct child *child, int step) {
    struct failure failure = {errno, step};
    // A pipe takes so little whole or not at all; whoever started us is waiting for it.
    ssize_t written = write(child->report, &failure, sizeof failure);
    (void)written;
    _exit(127);
}

static void reset_signals(void) {
    struct sigaction standard;
    memset(&standard, 0, sizeof standard);
    standard.sa_handler = SIG_DFL;
    for (int number = 1; number < 65; number++) {
        if (number != SIGKILL && number != SIGSTOP) sigaction(number, &standard, NULL);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void close_others_at_exec(const struct child *child) {
    if (syscall(SYS_close_range, 3u, ~0u, close_on_exec) == 0) return;
    for (unsigned long descriptor = 3; descriptor < child->descriptors; descriptor++) {
        fcntl((int)descriptor, F_SETFD, FD_CLOEXEC);
    }
}

// Descriptors 0 to 2, also where some of the given ones are among these already.
static void place_descriptors(const struct child *child) {
    int given[3] = {child->launch->input, child->launch->output, child->launch->error};
    for (int place = 0; place < 3; place++) {
        if (given[place] >= 3) continue;
        given[place] = fcntl(given[place], F_DUPFD_CLOEXEC, 3);
        if (given[place] < 0) give_up(child, process_step_descriptors);
    }
    for (int place = 0; place < 3; place++) {
        if (dup2(given[place], place) < 0) give_up(child, process_step_descriptors);
    }
}

// The library's setuid and setgroups change all threads of a process, through memory that we may be sharing: the kernel's
// own calls concern the caller alone.
static void become(const struct child *child) {
    const struct process_launch *launch = child->launch;
    if (!launch->switches_account) return;
    if (syscall(SYS_setgroups, launch->group_count, launch->groups) != 0) give_up(child, process_step_groups);
    if (syscall(SYS_setresgid, launch->group, launch->group, launch->group) != 0) {
        give_up(child, process_step_account);
    }
    if (syscall(SYS_setresuid, launch->user, launch->user, launch->user) != 0) give_up(child, process_step_account);
    // Nothing may lead back.
    if (launch->user != 0 && syscall(SYS_setresuid, -1, 0, -1) == 0) {
        errno = EPERM;
        give_up(child, process_step_account);
    }
}

static int run_child(void *context) {
    const struct child *child = context;
    const struct process_launch *launch = child->launch;
    if (launch->makes_session && setsid() < 0) give_up(child, process_step_session);
    if (launch->has_terminal && ioctl(launch->input, TIOCSCTTY, 0) != 0) give_up(child, process_step_terminal);
    place_descriptors(child);
    close_others_at_exec(child);
    if (launch->descriptor_limit != 0) {
        struct rlimit limit;
        if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && launch->descriptor_limit <= limit.rlim_max) {
            limit.rlim_cur = (rlim_t)launch->descriptor_limit;
            setrlimit(RLIMIT_NOFILE, &limit);
        }
    }
    become(child);
    if (launch->folder != NULL && chdir(launch->folder) != 0
        && (launch->spare_folder == NULL || chdir(launch->spare_folder) != 0)) {
        give_up(child, process_step_folder);
    }
    reset_signals();
    execve(launch->executable, launch->arguments, launch->environment);
    give_up(child, process_step_execute);
    return 127;
}

// A child that shares our memory until it executes costs a tenth of one that copies its tables. One that switches to an
// account with fewer rights gets a copy: nothing of that account may be running in our memory.
static pid_t clone_function(int (*run)(void *), void *context, int sharing, int *descriptor) {
    char *stack = mmap(NULL, stack_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) return -1;
    sigset_t all, before;
    sigfillset(&all);
    // No handler of ours may run in the child.
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t process = clone(run, stack + stack_size, CLONE_PIDFD | SIGCHLD | sharing, context, descriptor);
    int number = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    munmap(stack, stack_size);
    errno = number;
    return process;
}

static pid_t clone_child(struct child *child, int *descriptor) {
    return clone_function(
        run_child, child, child->launch->switches_account ? 0 : CLONE_VM | CLONE_VFORK, descriptor);
}

int process_start(const struct process_launch *launch, pid_t *process, int *descriptor, int *step) {
    int report[2];
    *step = process_step_prepare;
    if (pipe2(report, O_CLOEXEC) != 0) return errno;
    // Beyond the places of the program's own.
    if (report[1] < 3) {
        int higher = fcntl(report[1], F_DUPFD_CLOEXEC, 3);
        int number = errno;
        close(report[1]);
        if (higher < 0) {
            close(report[0]);
            return number;
        }
        report[1] = higher;
    }
    struct rlimit limit;
    struct child child = {launch, report[1], 1024};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) child.descriptors = limit.rlim_cur;
    *process = clone_child(&child, descriptor);
    int number = errno;
    close(report[1]);
    if (*process < 0) {
        close(report[0]);
        return number;
    }
    struct failure failure = {0, 0};
    ssize_t count;
    do {
        count = read(report[0], &failure, sizeof failure);
    } while (count < 0 && errno == EINTR);
    close(report[0]);
    if (count != (ssize_t)sizeof failure) return 0;
    int status;
    process_exit_status(*descriptor, 2, &status);
    close(*descriptor);
    *step = failure.step;
    return failure.number != 0 ? failure.number : EIO;
}

// MARK: Signals

struct errand {
    struct child child;
    pid_t group;
    int number;
};

static int run_errand(void *context) {
    const struct errand *errand = context;
    become(&errand->child);
    _exit(kill(-errand->group, errand->number) == 0 ? 0 : 1);
}

void process_signal_group_as(const struct process_launch *account, pid_t group, int number) {
    struct errand errand = {{account, -1, 0}, group, number};
    int descriptor, status;
    if (group <= 1 || clone_function(run_errand, &errand, 0, &descriptor) < 0) return;
    process_exit_status(descriptor, 2, &status);
    close(descriptor);
}

// MARK: The end

int process_exit_status(int descriptor, int reaps, int *status) {
    siginfo_t info;
    int result;
    // 2: the process is about to end, and is waited for.
    int options = WEXITED | (reaps == 0 ? WNOWAIT : 0) | (reaps == 2 ? 0 : WNOHANG);
    do {
        memset(&info, 0, sizeof info);
        result = waitid((idtype_t)P_PIDFD, (id_t)descriptor, &info, options);
    } while (result < 0 && errno == EINTR);
    if (result < 0) return -errno;
    if (info.si_pid == 0) return 0;
    *status = info.si_status;
    switch (info.si_code) {
    case CLD_EXITED: return 1;
    case CLD_DUMPED: return 3;
    default: return 2;
    }
}

int process_watch_make(void) { return epoll_create1(EPOLL_CLOEXEC); }

int process_watch_add(int watch, int descriptor, uint64_t number) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data = {.u64 = number}};
    return epoll_ctl(watch, EPOLL_CTL_ADD, descriptor, &event) == 0 ? 0 : errno;
}

int process_watch_wait(int watch, uint64_t *numbers, int count) {
    struct epoll_event events[64];
    int found;
    do {
        found = epoll_wait(watch, events, count < 64 ? count : 64, -1);
    } while (found < 0 && errno == EINTR);
    for (int index = 0; index < found; index++) numbers[index] = events[index].data.u64;
    return found;
}

int process_make_sockets(int *ours, int *theirs) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return errno;
    fcntl(pair[0], F_SETFL, fcntl(pair[0], F_GETFL) | O_NONBLOCK);
    *ours = pair[0];
    *theirs = pair[1];
    return 0;
}

#else

int process_start(const struct process_launch *launch, pid_t *process, int *descriptor, int *step) {
    (void)launch;
    (void)process;
    (void)descriptor;
    *step = process_step_prepare;
    return ENOSYS;
}

int process_exit_status(int descriptor, int reaps, int *status) {
    (void)descriptor;
    (void)reaps;
    (void)status;
    return -ENOSYS;
}

int process_watch_make(void) {
    errno = ENOSYS;
    return -1;
}

int process_watch_add(int watch, int descriptor, uint64_t number) {
    (void)watch;
    (void)descriptor;
    (void)number;
    return ENOSYS;
}

int process_watch_wait(int watch, uint64_t *numbers, int count) {
    (void)watch;
    (void)numbers;
    (void)count;
    return -1;
}

int process_make_sockets(int *ours, int *theirs) {
    (void)ours;
    (void)theirs;
    return ENOSYS;
}

#endif
