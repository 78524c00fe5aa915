#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "CFileCalls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/syscall.h>

// As in <linux/openat2.h>, which older header packages lack.
struct resolved_open {
    uint64_t flags;
    uint64_t mode;
    uint64_t resolve;
};

enum { no_magic_links = 0x02, no_symbolic_links = 0x04, beneath = 0x08 };

#ifndef SYS_openat2
#define SYS_openat2 437
#endif

int file_open_beneath(int directory, const char *path, int flags, mode_t mode, int refuses_links) {
    struct resolved_open how;
    memset(&how, 0, sizeof how);
    how.flags = (uint64_t)(flags | O_CLOEXEC);
    // openat2 refuses a mode where nothing is created.
    how.mode = flags & O_CREAT ? mode & 07777 : 0;
    how.resolve = beneath | no_magic_links | (refuses_links ? no_symbolic_links : 0);
    for (int attempt = 0; attempt < 64; attempt++) {
        long result = syscall(SYS_openat2, directory, path, &how, sizeof how);
        // The kernel says EAGAIN when something was renamed meanwhile and it could not be sure.
        if (result >= 0 || (errno != EAGAIN && errno != EINTR)) return (int)result;
    }
    return -1;
}

int file_has_open_beneath(void) {
    int descriptor = file_open_beneath(AT_FDCWD, ".", O_PATH, 0, 0);
    if (descriptor < 0) return 0;
    close(descriptor);
    return 1;
}

int file_rename_without_replacing(int from_directory, const char *from, int to_directory, const char *to) {
#ifdef SYS_renameat2
    return (int)syscall(SYS_renameat2, from_directory, from, to_directory, to, 1u);
#else
    errno = ENOSYS;
    return -1;
#endif
}

ssize_t file_copy_range(int from, int64_t *from_offset, int to, int64_t *to_offset, size_t length) {
#ifdef SYS_copy_file_range
    return (ssize_t)syscall(SYS_copy_file_range, from, from_offset, to, to_offset, length, 0u);
#else
    errno = ENOSYS;
    return -1;
#endif
}

const int file_open_path_only = O_PATH;
const int file_seek_data = SEEK_DATA;
const int file_seek_hole = SEEK_HOLE;

#else

int file_open_beneath(int directory, const char *path, int flags, mode_t mode, int refuses_links) {
    (void)directory, (void)path, (void)flags, (void)mode, (void)refuses_links;
    errno = ENOSYS;
    return -1;
}

int file_has_open_beneath(void) { return 0; }

int file_rename_without_replacing(int from_directory, const char *from, int to_directory, const char *to) {
#ifdef RENAME_EXCL
    return renameatx_np(from_directory, from, to_directory, to, RENAME_EXCL);
#else
    (void)from_directory, (void)from, (void)to_directory, (void)to;
    errno = ENOSYS;
    return -1;
#endif
}

ssize_t file_copy_range(int from, int64_t *from_offset, int to, int64_t *to_offset, size_t length) {
    (void)from, (void)from_offset, (void)to, (void)to_offset, (void)length;
    errno = ENOSYS;
    return -1;
}

const int file_open_path_only = 0;
#ifdef SEEK_DATA
const int file_seek_data = SEEK_DATA;
const int file_seek_hole = SEEK_HOLE;
#else
const int file_seek_data = -1;
const int file_seek_hole = -1;
#endif

#endif
