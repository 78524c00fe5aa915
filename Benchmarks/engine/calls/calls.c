#define _GNU_SOURCE
#include "CBenchmarkCalls.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int bench_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

int bench_close_from(posix_spawn_file_actions_t *actions, int from) {
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
    return posix_spawn_file_actions_addclosefrom_np(actions, from);
#else
    (void)actions;
    (void)from;
    return ENOSYS;
#endif
}
