// File calls of Linux that Swift's view of the C library leaves out. Each returns what the call returns and sets errno.
#pragma once

#include <stdint.h>
#include <sys/types.h>

// open(2) that is resolved by the kernel within `directory` (openat2(2)). ENOSYS where the kernel has no such call.
// With `refuses_links` no symbolic link is passed at all.
int file_open_beneath(int directory, const char *path, int flags, mode_t mode, int refuses_links);

// Whether this kernel has openat2(2).
int file_has_open_beneath(void);

// rename(2) that fails with EEXIST when the target exists. ENOSYS or EINVAL where kernel or file system cannot.
int file_rename_without_replacing(int from_directory, const char *from, int to_directory, const char *to);

// copy_file_range(2). ENOSYS, EXDEV or EINVAL where it cannot be used.
ssize_t file_copy_range(int from, int64_t *from_offset, int to, int64_t *to_offset, size_t length);

// An open(2) flag for a descriptor that only names a file: O_PATH, or 0 where there is none.
extern const int file_open_path_only;

// Whether lseek(2) can find data and holes, and the two values for it.
extern const int file_seek_data;
extern const int file_seek_hole;
