#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "CProcess.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

extern char **environ;

char *const *process_environment(void) { return environ; }

#ifdef __linux__
#include <sys/syscall.h>

enum { most_groups = 65536 };

// The kernel's own calls concern this thread alone; those of the library would change every thread of the process.
static int change(uid_t user, gid_t group, const gid_t *groups, size_t count) {
    if (syscall(SYS_setgroups, count, groups) != 0) return errno;
    if (syscall(SYS_setresgid, -1, group, -1) != 0) return errno;
    if (syscall(SYS_setresuid, -1, user, -1) != 0) return errno;
    return 0;
}

int process_with_account(const struct process_account *account, int (*body)(void *), void *context) {
    if (account == NULL || geteuid() != 0) return body(context);
    gid_t *before = malloc(most_groups * sizeof(gid_t));
    if (before == NULL) return -ENOMEM;
    long count = syscall(SYS_getgroups, most_groups, before);
    gid_t group = getegid();
    if (count < 0) {
        int number = errno;
        free(before);
        return -number;
    }
    int number = change(account->user, account->group, account->groups, account->group_count);
    int result = number == 0 ? body(context) : -number;
    // First root again, which may set the rest. A thread that cannot have its own rights back must not go on.
    if (syscall(SYS_setresuid, -1, 0, -1) != 0 || syscall(SYS_setresgid, -1, group, -1) != 0
        || syscall(SYS_setgroups, (size_t)count, before) != 0) {
        abort();
    }
    free(before);
    return result;
}

#else

int process_with_account(const struct process_account *account, int (*body)(void *), void *context) {
    return account == NULL ? body(context) : -ENOSYS;
}

#endif
