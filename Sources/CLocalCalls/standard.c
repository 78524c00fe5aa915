// Before anything of the program runs: the standard descriptors are open, whoever started it. The first file that a runtime
// opens would otherwise take the place of a closed one, and be written to as somebody's output, or be replaced.

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

__attribute__((constructor(101))) static void open_standard_descriptors(void)
{
    for (int descriptor = 0; descriptor < 3; descriptor++) {
        if (fcntl(descriptor, F_GETFD) < 0 && errno == EBADF)
            // The lowest number that is free is this one.
            (void)open("/dev/null", O_RDWR);
    }
}
