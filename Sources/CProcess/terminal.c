#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "CProcess.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#ifdef __linux__

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

// RFC 4254 §8 and RFC 8160. Opcodes that Linux has nothing for (VSWTCH stands for SWTC, VSTATUS and VDSUSP are not there)
// are passed over, as the RFC allows.
struct named_flag {
    uint8_t opcode;
    tcflag_t flag;
};

static const struct named_flag input_flags[] = {
    {30, IGNPAR}, {31, PARMRK}, {32, INPCK}, {33, ISTRIP}, {34, INLCR}, {35, IGNCR}, {36, ICRNL},
    {37, IUCLC},  {38, IXON},   {39, IXANY}, {40, IXOFF},  {41, IMAXBEL}, {42, IUTF8},
};
static const struct named_flag local_flags[] = {
    {50, ISIG},   {51, ICANON}, {52, XCASE},  {53, ECHO},    {54, ECHOE},  {55, ECHOK},
    {56, ECHONL}, {57, NOFLSH}, {58, TOSTOP}, {59, IEXTEN},  {60, ECHOCTL}, {61, ECHOKE}, {62, PENDIN},
};
static const struct named_flag output_flags[] = {
    {70, OPOST}, {71, OLCUC}, {72, ONLCR}, {73, OCRNL}, {74, ONOCR}, {75, ONLRET},
};
static const struct named_flag control_flags[] = {{92, PARENB}, {93, PARODD}};

static const struct {
    uint8_t opcode;
    uint8_t place;
} characters[] = {
    {1, VINTR},  {2, VQUIT},   {3, VERASE},   {4, VKILL},    {5, VEOF},    {6, VEOL},    {7, VEOL2},
    {8, VSTART}, {9, VSTOP},   {10, VSUSP},   {12, VREPRINT}, {13, VWERASE}, {14, VLNEXT}, {16, VSWTC},
    {18, VDISCARD},
};

static const struct {
    uint32_t rate;
    speed_t speed;
} speeds[] = {
    {50, B50},       {75, B75},       {110, B110},     {134, B134},     {150, B150},     {200, B200},
    {300, B300},     {600, B600},     {1200, B1200},   {1800, B1800},   {2400, B2400},   {4800, B4800},
    {9600, B9600},   {19200, B19200}, {38400, B38400}, {57600, B57600}, {115200, B115200}, {230400, B230400},
};

static void set_flag(
    tcflag_t *flags, const struct named_flag *table, size_t count, const struct process_terminal_mode *mode) {
    for (size_t index = 0; index < count; index++) {
        if (table[index].opcode != mode->opcode) continue;
        if (mode->argument != 0) {
            *flags |= table[index].flag;
        } else {
            *flags &= ~table[index].flag;
        }
    }
}

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void apply(struct termios *settings, const struct process_terminal_mode *mode) {
    set_flag(&settings->c_iflag, input_flags, COUNT(input_flags), mode);
    set_flag(&settings->c_lflag, local_flags, COUNT(local_flags), mode);
    set_flag(&settings->c_oflag, output_flags, COUNT(output_flags), mode);
    set_flag(&settings->c_cflag, control_flags, COUNT(control_flags), mode);
    // 90 is CS7 and 91 is CS8: set by being named, and only when it is on.
    if (mode->opcode == 90 && mode->argument != 0) settings->c_cflag = (settings->c_cflag & ~(tcflag_t)CSIZE) | CS7;
    if (mode->opcode == 91 && mode->argument != 0) settings->c_cflag = (settings->c_cflag & ~(tcflag_t)CSIZE) | CS8;
    for (size_t index = 0; index < COUNT(characters); index++) {
        if (characters[index].opcode != mode->opcode) continue;
        // RFC 4254 §8: 255 turns a character off.
        settings->c_cc[characters[index].place] =
            mode->argument == 255 ? _POSIX_VDISABLE : (cc_t)(mode->argument & 0xff);
    }
    if (mode->opcode != 128 && mode->opcode != 129) return;
    for (size_t index = 0; index < COUNT(speeds); index++) {
        if (speeds[index].rate != mode->argument) continue;
        if (mode->opcode == 128) {
            cfsetispeed(settings, speeds[index].speed);
        } else {
            cfsetospeed(settings, speeds[index].speed);
        }
    }
}

static int set_up(const struct process_terminal *setup, int slave) {
    struct winsize size = {setup->rows, setup->columns, setup->width, setup->height};
    if (ioctl(slave, TIOCSWINSZ, &size) != 0) return errno;
    struct termios settings;
    if (tcgetattr(slave, &settings) != 0) return errno;
    for (size_t index = 0; index < setup->mode_count; index++) apply(&settings, &setup->modes[index]);
    if (setup->mode_count > 0 && tcsetattr(slave, TCSANOW, &settings) != 0) return errno;
    if (setup->switches_owner && fchown(slave, setup->owner, (gid_t)-1) != 0) return errno;
    return 0;
}

int process_open_terminal(const struct process_terminal *setup, int *master, int *slave, char *name, size_t name_size) {
    *slave = -1;
    *master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (*master < 0) return errno;
    int number = 0;
    if (grantpt(*master) != 0 || unlockpt(*master) != 0) number = errno;
    if (number == 0) number = ptsname_r(*master, name, name_size);
    if (number == 0) {
        // By the master and not by its name: no other mount and no race comes between.
        *slave = ioctl(*master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (*slave < 0) *slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
        number = *slave < 0 ? errno : set_up(setup, *slave);
    }
    if (number != 0) {
        if (*slave >= 0) close(*slave);
        close(*master);
    }
    return number;
}

#else

int process_open_terminal(const struct process_terminal *setup, int *master, int *slave, char *name, size_t name_size) {
    (void)setup;
    (void)name;
    (void)name_size;
    *master = *slave = -1;
    return ENOSYS;
}

#endif

int process_resize_terminal(int master, uint16_t columns, uint16_t rows, uint16_t width, uint16_t height) {
    struct winsize size = {rows, columns, width, height};
    return ioctl(master, TIOCSWINSZ, &size) == 0 ? 0 : errno;
}

pid_t process_foreground_group(int master) {
    pid_t group = 0;
    return ioctl(master, TIOCGPGRP, &group) == 0 && group > 0 ? group : 0;
}

uint8_t process_end_of_file_character(int terminal) {
    struct termios settings;
    if (tcgetattr(terminal, &settings) != 0) return 0;
    return settings.c_cc[VEOF] == _POSIX_VDISABLE ? 0 : settings.c_cc[VEOF];
}

int process_has_input(int descriptor) {
    struct pollfd waiting = {.fd = descriptor, .events = POLLIN};
    return poll(&waiting, 1, 0) > 0 && (waiting.revents & POLLIN) != 0;
}
