#pragma once
#include <limits.h>  // for __GLIBC__
#include <stdint.h>

// The rings of sntrup761: R = Z[x] / (x^761 - x - 1), R/3 and the field R/q. A polynomial is an array of its
// coefficients, lowest first; modulo q they are in [-2295, 2295], modulo 3 in [-1, 1].

#define P 761
#define Q 4591
#define W 286
#define HALF_Q ((Q - 1) / 2)

// Compiles a loop twice, for every x86-64 and for those with vectors of 256 bits, and takes the right one when the
// program starts. Needs a dynamic linker that can (glibc's), and no sanitizer that would be called while the choice is made.
#if defined(__has_feature)
#define SANITIZES_THREADS __has_feature(thread_sanitizer)
#else
#define SANITIZES_THREADS 0
#endif
#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__) && !SANITIZES_THREADS
#define VECTORS __attribute__((target_clones("avx2", "default")))
#else
#define VECTORS
#endif

typedef int8_t trit;
typedef int16_t coefficient;

// Keeps the compiler from finding out that a mask has two values, and from making a branch of it.
static inline int32_t opaque(int32_t value) {
    __asm__("" : "+r"(value));
    return value;
}

// -1 if value < 0, else 0.
static inline int32_t mask_negative(int32_t value) { return opaque(value >> 31); }

// -1 if value != 0, else 0; for |value| < 2^31.
static inline int32_t mask_nonzero(int32_t value) { return mask_negative(value | -value); }

// To [-1, 1], for |value| <= 16000. 10923 / 2^15 is a third; rounding to the nearest makes it exact in that range.
static inline trit reduce3(int32_t value) { return (trit)(value - 3 * ((10923 * value + (1 << 14)) >> 15)); }

// To [-2295, 2295], for |value| <= 70000. 29235 / 2^27 is 1 / q within 10^-11.
static inline coefficient reduce_small(int32_t value) {
    return (coefficient)(value - Q * ((29235 * value + (1 << 26)) >> 27));
}

// The same for |value| <= 9000000: a first step with 228 / 2^20 leaves less than 5 q.
static inline coefficient reduce(int32_t value) {
    return reduce_small(value - Q * ((228 * value + (1 << 19)) >> 20));
}

// product = a * b in R/q, b with small coefficients.
void multiply_small(coefficient product[P], const coefficient a[P], const trit b[P]);
// product = a * b in R/3.
void multiply3(trit product[P], const trit a[P], const trit b[P]);
// inverse = 1 / a in R/3. Returns 0, or -1 if there is none.
int invert3(trit inverse[P], const trit a[P]);
// inverse = 1 / (3 a) in R/q, where everything but zero has one.
void invert_triple(coefficient inverse[P], const trit a[P]);
