// What the small program in front of the copilot needs of the system. It has no Swift runtime below it and no Glibc module:
// the C library's own headers are all that it sees.

#ifndef CFRONTCALLS_H
#define CFRONTCALLS_H

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/// The words of this process's command line, the program's own name first, with a null pointer behind them.
char *_Nullable *_Nullable front_words(void);

/// The number of them.
int front_word_count(void);

/// NAME=VALUE each, with a null pointer behind them.
char *_Nullable *_Nullable front_environment(void);

/// A connection to a unix socket, or -1.
int front_connect(const char *_Nonnull path);

/// Whether it is a folder, not a link to one, that this user owns and nobody else may enter.
int front_is_own_folder(const char *_Nonnull path);

/// Has SIGINT, SIGTERM, SIGHUP and SIGQUIT end the process with this status, where they are not ignored.
void front_end_on_signals(int status);

/// What the last call that failed said.
const char *_Nonnull front_error(void);

#endif
