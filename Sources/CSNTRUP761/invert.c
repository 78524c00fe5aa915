#include "ring.h"

#include <openssl/crypto.h>
#include <string.h>

// Inverses by division steps (Bernstein and Yang, "Fast constant-time gcd computation and modular inversion", 2019):
// 2 P - 1 steps whatever the input is. f starts as the reversed modulus, g as the reversed input. Each step
// swaps (f, v) and (g, r) under a condition, subtracts so that g loses its lowest coefficient, and divides g by x; v is
// multiplied by x in turn. In the end f is a constant and v the reversed inverse times that constant.

#define STEPS (2 * P - 1)

// ---- Modulo 3: a polynomial is two planes of bits, the places of 1 and the places of -1 -----------------------------

#define WORDS ((P + 1 + 63) / 64)

typedef struct {
    uint64_t plus[WORDS];
    uint64_t minus[WORDS];
} planes;

static uint64_t widen(int32_t mask) { return (uint64_t)(int64_t)mask; }

static uint64_t bit_mask(uint64_t word) { return widen(opaque(-(int32_t)(word & 1))); }

static void planes_set(planes *target, int index, trit value) {
    uint64_t bits = (uint64_t)(uint8_t)value;
    target->plus[index / 64] |= (bits & ~(bits >> 1) & 1) << (index % 64);
    target->minus[index / 64] |= (bits >> 1 & 1) << (index % 64);
}

static void planes_swap(planes *a, planes *b, uint64_t mask) {
    for (int i = 0; i < WORDS; i++) {
        uint64_t plus = mask & (a->plus[i] ^ b->plus[i]);
        uint64_t minus = mask & (a->minus[i] ^ b->minus[i]);
        a->plus[i] ^= plus;
        b->plus[i] ^= plus;
        a->minus[i] ^= minus;
        b->minus[i] ^= minus;
    }
}

// a += sign * b, where sign is 1 if `plus` is all ones, -1 if `minus` is, 0 if neither.
static void planes_add(planes *a, const planes *b, uint64_t plus, uint64_t minus) {
    for (int i = 0; i < WORDS; i++) {
        uint64_t bp = (b->plus[i] & plus) | (b->minus[i] & minus);
        uint64_t bm = (b->minus[i] & plus) | (b->plus[i] & minus);
        uint64_t ap = a->plus[i];
        uint64_t am = a->minus[i];
        uint64_t a_zero = ~(ap | am);
        uint64_t b_zero = ~(bp | bm);
        a->plus[i] = (ap & b_zero) | (bp & a_zero) | (am & bm);
        a->minus[i] = (am & b_zero) | (bm & a_zero) | (ap & bp);
    }
}

static void shift_up(uint64_t plane[WORDS]) {
    for (int i = WORDS - 1; i > 0; i--) {
        plane[i] = plane[i] << 1 | plane[i - 1] >> 63;
    }
    plane[0] <<= 1;
}

static void shift_down(uint64_t plane[WORDS]) {
    for (int i = 0; i < WORDS - 1; i++) {
        plane[i] = plane[i] >> 1 | plane[i + 1] << 63;
    }
    plane[WORDS - 1] >>= 1;
}

int invert3(trit inverse[P], const trit a[P]) {
    struct {
        planes f, g, v, r;
    } state;
    memset(&state, 0, sizeof state);
    planes *f = &state.f, *g = &state.g, *v = &state.v, *r = &state.r;
    planes_set(f, 0, 1);
    planes_set(f, P - 1, -1);
    planes_set(f, P, -1);
    planes_set(r, 0, 1);
    for (int i = 0; i < P; i++) {
        planes_set(g, P - 1 - i, a[i]);
    }
    int32_t delta = 1;
    for (int step = 0; step < STEPS; step++) {
        shift_up(v->plus);
        shift_up(v->minus);
        uint64_t g_plus = bit_mask(g->plus[0]);
        uint64_t g_minus = bit_mask(g->minus[0]);
        uint64_t f_plus = bit_mask(f->plus[0]);
        uint64_t f_minus = bit_mask(f->minus[0]);
        int32_t swap = mask_negative(-delta) & (int32_t)(g_plus | g_minus);
        delta = (delta ^ (swap & (delta ^ -delta))) + 1;
        planes_swap(f, g, widen(swap));
        planes_swap(v, r, widen(swap));
        // The sign is -f(0) g(0), the same before and after the swap.
        uint64_t same = (f_plus & g_plus) | (f_minus & g_minus);
        uint64_t opposite = (f_plus & g_minus) | (f_minus & g_plus);
        planes_add(g, f, opposite, same);
        planes_add(r, v, opposite, same);
        shift_down(g->plus);
        shift_down(g->minus);
    }
    int32_t negate = (int32_t)(f->minus[0] & 1);
    for (int i = 0; i < P; i++) {
        int place = P - 1 - i;
        int32_t value = (int32_t)(v->plus[place / 64] >> (place % 64) & 1) -
                        (int32_t)(v->minus[place / 64] >> (place % 64) & 1);
        inverse[i] = (trit)((value ^ -negate) + negate);
    }
    OPENSSL_cleanse(&state, sizeof state);
    return mask_nonzero(delta);
}

// ---- Modulo q: coefficients in Montgomery form where they need not be exact ----------------------------------------

#define Q_INVERSE 15631  // q * 15631 = 1 modulo 2^16

// a * b / 2^16 modulo q, with a magnitude of at most |a b| / 2^16 + q / 2. `scaled` is b / q modulo 2^16.
static inline int16_t montgomery(int16_t a, int16_t b, uint16_t scaled) {
    int16_t low = (int16_t)(uint16_t)((uint32_t)(uint16_t)a * scaled);
    int16_t high = (int16_t)(((int32_t)a * b) >> 16);
    return (int16_t)(high - (int16_t)(((int32_t)low * Q) >> 16));
}

// target = (a * target - b * other) / 2^16 modulo q.
//
// Every row (g with r, f with v) may be multiplied by a constant, so the factors 2^-16 do no harm. Inputs of at most
// 5600 give outputs of at most 2 * (5600^2 / 2^16 + 2298) < 5600: nothing has to be reduced on the way.
VECTORS static void combine(int16_t *restrict target, const int16_t *restrict other, int16_t a, int16_t b) {
    const uint16_t a_scaled = (uint16_t)((uint32_t)(uint16_t)a * Q_INVERSE);
    const uint16_t b_scaled = (uint16_t)((uint32_t)(uint16_t)b * Q_INVERSE);
    for (int i = 0; i <= P; i++) {
        target[i] = (int16_t)(montgomery(target[i], a, a_scaled) - montgomery(other[i], b, b_scaled));
    }
}

VECTORS static void swap_rows(int16_t *restrict a, int16_t *restrict b, int16_t mask) {
    for (int i = 0; i <= P; i++) {
        int16_t difference = mask & (a[i] ^ b[i]);
        a[i] ^= difference;
        b[i] ^= difference;
    }
}

// 1 / a modulo q as a^(q - 2): the exponent is no secret.
static coefficient scalar_inverse(coefficient a) {
    coefficient power = 1;
    for (int bit = 12; bit >= 0; bit--) {
        power = reduce((int32_t)power * power);
        if ((Q - 2) >> bit & 1) {
            power = reduce((int32_t)power * a);
        }
    }
    return power;
}

void invert_triple(coefficient inverse[P], const trit a[P]) {
    struct {
        int16_t f[P + 1], g[P + 1], v[P + 1], r[P + 1];
    } state;
    memset(&state, 0, sizeof state);
    int16_t *f = state.f, *g = state.g, *v = state.v, *r = state.r;
    f[0] = 1;
    f[P - 1] = -1;
    f[P] = -1;
    r[0] = -1530;  // 1/3: 3 * 1530 = q - 1
    for (int i = 0; i < P; i++) {
        g[P - 1 - i] = a[i];
    }
    int32_t delta = 1;
    for (int step = 0; step < STEPS; step++) {
        memmove(v + 1, v, P * sizeof *v);
        v[0] = 0;
        int32_t swap = mask_negative(-delta) & mask_nonzero(reduce_small(g[0]));
        delta = (delta ^ (swap & (delta ^ -delta))) + 1;
        swap_rows(f, g, (int16_t)swap);
        swap_rows(v, r, (int16_t)swap);
        int16_t f0 = f[0];
        int16_t g0 = g[0];
        combine(g, f, f0, g0);
        combine(r, v, f0, g0);
        memmove(g, g + 1, P * sizeof *g);
        g[P] = 0;
    }
    coefficient scale = scalar_inverse(reduce_small(f[0]));
    for (int i = 0; i < P; i++) {
        inverse[i] = reduce((int32_t)scale * reduce_small(v[P - 1 - i]));
    }
    OPENSSL_cleanse(&state, sizeof state);
}
