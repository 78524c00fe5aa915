#define _GNU_SOURCE
#include "CLocalCalls.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

// Written by the program's threads before a handler can run on their account, and read by handlers.
static volatile sig_atomic_t guarded_descriptor = -1;
static struct termios before, during;
static volatile sig_atomic_t is_installed;

enum { kept_limit = 3 };
static struct {
    int descriptor, flags;
} kept[kept_limit];
static volatile sig_atomic_t kept_count;

static int signal_pipe[2] = {-1, -1};
static volatile sig_atomic_t is_watched[NSIG], is_pending[NSIG];

static void give_back(void)
{
    int error = errno;
    int descriptor = guarded_descriptor;
    // A process in the background would be stopped for touching the terminal, which is somebody else's then.
    if (descriptor >= 0 && tcgetpgrp(descriptor) == getpgrp())
        tcsetattr(descriptor, TCSADRAIN, &before);
    for (int index = 0; index < kept_count; index++)
        fcntl(kept[index].descriptor, F_SETFL, kept[index].flags);
    errno = error;
}

static void act_by_default(int number)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = SIG_DFL;
    sigaction(number, &action, NULL);
    raise(number);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    // Delivered here, if it was not yet.
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void end_by_signal(int number)
{
    give_back();
    act_by_default(number);
}

static void stop_by_signal(int number);

static void install(int number, void (*handler)(int))
{
    struct sigaction action, old;
    if (sigaction(number, NULL, &old) != 0 || old.sa_handler == SIG_IGN)
        return;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

static void stop_by_signal(int number)
{
    int error = errno;
    give_back();
    act_by_default(number);
    // Continued: in the foreground the terminal is ours again.
    terminal_guard_again();
    for (int index = 0; index < kept_count; index++)
        fcntl(kept[index].descriptor, F_SETFL, kept[index].flags | O_NONBLOCK);
    install(number, stop_by_signal);
    errno = error;
}

static void install_all(void)
{
    if (is_installed)
        return;
    is_installed = 1;
    static const int fatal[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV};
    for (unsigned index = 0; index < sizeof fatal / sizeof *fatal; index++)
        if (!is_watched[fatal[index]])
            install(fatal[index], end_by_signal);
    install(SIGTSTP, stop_by_signal);
    atexit(give_back);
}

int terminal_guard_begin(int descriptor, const void *settings)
{
    terminal_guard_end();
    if (tcgetattr(descriptor, &before) != 0)
        return -1;
    memcpy(&during, settings, sizeof during);
    install_all();
    guarded_descriptor = descriptor;
    if (tcsetattr(descriptor, TCSADRAIN, &during) == 0)
        return 0;
    int error = errno;
    terminal_guard_end();
    errno = error;
    return -1;
}

void terminal_guard_end(void)
{
    int descriptor = guarded_descriptor;
    if (descriptor < 0)
        return;
    tcsetattr(descriptor, TCSADRAIN, &before);
    guarded_descriptor = -1;
}

void terminal_guard_again(void)
{
    int descriptor = guarded_descriptor;
    if (descriptor >= 0 && tcgetpgrp(descriptor) == getpgrp())
        tcsetattr(descriptor, TCSADRAIN, &during);
}

void terminal_guard_keep_flags(int descriptor)
{
    int flags = fcntl(descriptor, F_GETFL);
    if (flags < 0 || kept_count >= kept_limit)
        return;
    kept[kept_count].descriptor = descriptor;
    kept[kept_count].flags = flags;
    kept_count++;
    install_all();
}

int terminal_signals_open(void)
{
    if (signal_pipe[0] >= 0)
        return signal_pipe[0];
    if (pipe(signal_pipe) != 0)
        return -1;
    for (int index = 0; index < 2; index++)
        fcntl(signal_pipe[index], F_SETFD, FD_CLOEXEC);
    fcntl(signal_pipe[1], F_SETFL, O_NONBLOCK);
    return signal_pipe[0];
}

static void pass_on(int number)
{
    int error = errno;
    int ends = number == SIGINT || number == SIGTERM || number == SIGHUP || number == SIGQUIT;
    if (ends && is_pending[number]) {
        give_back();
        _exit(255);
    }
    is_pending[number] = 1;
    unsigned char byte = (unsigned char)number;
    if (write(signal_pipe[1], &byte, 1) != 1 && ends) {
        give_back();
        _exit(255);
    }
    errno = error;
}

void terminal_signals_watch(int number)
{
    if (number <= 0 || number >= NSIG || signal_pipe[1] < 0)
        return;
    is_watched[number] = 1;
    install(number, pass_on);
}

void terminal_signals_done(int number)
{
    if (number > 0 && number < NSIG)
        is_pending[number] = 0;
}
