// What Swift cannot do on this machine. Inside of a signal handler: a terminal gets its settings back whatever ends or
// stops the process, and signals that the program wants to hear of are passed on through a pipe. And descriptors that go
// over a unix socket, whose messages are made of C's macros.

#ifndef CLOCALCALLS_H
#define CLOCALCALLS_H

/// Changes the terminal's settings, and has them changed back by whatever ends the process: exit, a fatal signal, a trap.
/// A stop (SIGTSTP) gives the terminal back for as long as it lasts. One terminal at a time. `settings` is a struct termios.
/// Returns 0, or -1 with errno.
int terminal_guard_begin(int descriptor, const void *settings);

/// Gives the terminal its settings back. Does nothing when none was changed. May be called in a signal handler.
void terminal_guard_end(void);

/// Makes the change again, after somebody else changed the terminal while this process was stopped.
void terminal_guard_again(void);

/// Notes the status flags of a descriptor that may be shared with other processes, to be put back at the process's end.
void terminal_guard_keep_flags(int descriptor);

/// The end to read of a pipe into which each watched signal writes its number as one byte; the same one each time.
/// Returns -1 with errno.
int terminal_signals_open(void);

/// Has a signal's number written into the pipe instead of its usual effect, unless it is ignored already. A second SIGINT,
/// SIGTERM, SIGHUP or SIGQUIT that comes while the first is not dealt with ends the process with status 255.
void terminal_signals_watch(int signal_number);

/// The signal was taken out of the pipe and dealt with.
void terminal_signals_done(int signal_number);

/// Sends bytes with up to three descriptors over a unix socket. Returns the number of bytes sent, or -1 with errno.
long descriptors_send(int socket, const void *bytes, unsigned long count, const int *descriptors, int descriptor_count);

/// Receives bytes, and the descriptors that came with them, three at most; further ones are closed. Returns the number of
/// bytes, 0 at the end, or -1 with errno.
long descriptors_receive(int socket, void *bytes, unsigned long count, int *descriptors, int *descriptor_count);

/// The user at the other end of a unix socket. Returns 0, or -1 with errno.
int peer_user(int socket, unsigned *user);

/// Lets this process have as many descriptors as the system allows it, if it does.
void descriptors_allow_many(void);

/// Has a program that is to be started get no descriptor from this number on. `actions` is a posix_spawn_file_actions_t.
int spawn_close_from(void *actions, int first);

/// Lets a pipe hold more, where the system allows it. Anything else is left as it is.
void pipe_enlarge(int descriptor, int bytes);

/// Lets nobody but root attach to this process or read its memory, and leaves no core dump: for one that holds keys.
/// Returns 0, or -1 with errno.
int process_forbid_inspection(void);

#endif
