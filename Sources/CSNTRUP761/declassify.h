#pragma once
#include <stddef.h>

// Says that what was computed from secrets may be known from here on. It means something to the constant-time test
// alone, which runs this code under valgrind with its secrets marked as undefined.
#ifdef SSH_CONSTANT_TIME_TEST
#include <valgrind/memcheck.h>
static inline void declassify(const void *bytes, size_t length) { VALGRIND_MAKE_MEM_DEFINED(bytes, length); }
#else
static inline void declassify(const void *bytes, size_t length) {
    (void)bytes;
    (void)length;
}
#endif
