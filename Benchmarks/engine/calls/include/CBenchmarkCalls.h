// Calls that Swift's view of the C library leaves out.
#pragma once

#include <spawn.h>

// pipe2(2) with both ends closed on exec.
int bench_pipe(int ends[2]);

// A program that is started gets no descriptor from `from` on, whoever made it. ENOSYS where the C library cannot.
int bench_close_from(posix_spawn_file_actions_t *actions, int from);
