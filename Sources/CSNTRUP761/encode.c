#include "encode.h"

#include <openssl/crypto.h>

// The specification's "Encode" and "Decode": a sequence of numbers, each below its own modulus, in about as many bits
// as the product of the moduli has. Neighbours are joined to a number below the product of their moduli, low bytes are
// put out while that product is LIMIT or more, and what remains is a sequence of half the length. All moduli are the
// same here, but for the last one of a round.

#define LIMIT 16384
#define ROUNDS 10  // 2^10 >= P

typedef struct {
    uint32_t modulus;
    int bytes;  // put out before a joined number is below LIMIT
} joint;

static joint join(uint32_t first, uint32_t second) {
    joint joint = {first * second, 0};
    while (joint.modulus >= LIMIT) {
        joint.modulus = (joint.modulus + 255) >> 8;
        joint.bytes++;
    }
    return joint;
}

// Overwrites `numbers`. Multiplies and shifts numbers, divides none: they may be secret.
static void encode(uint8_t *bytes, uint16_t numbers[P], uint32_t modulus) {
    uint32_t last = modulus;
    for (int count = P; count > 1; count = (count + 1) / 2) {
        const joint usual = join(modulus, modulus);
        const joint final = join(modulus, last);
        for (int i = 0; i + 1 < count; i += 2) {
            uint32_t value = numbers[i] + numbers[i + 1] * modulus;
            for (int k = i + 2 == count ? final.bytes : usual.bytes; k > 0; k--) {
                *bytes++ = (uint8_t)value;
                value >>= 8;
            }
            numbers[i / 2] = (uint16_t)value;
        }
        if (count % 2 == 1) {
            numbers[count / 2] = numbers[count - 1];
        } else {
            last = final.modulus;
        }
        modulus = usual.modulus;
    }
    uint32_t value = numbers[0];
    for (uint32_t rest = last; rest > 1; rest = (rest + 255) >> 8) {
        *bytes++ = (uint8_t)value;
        value >>= 8;
    }
}

typedef struct {
    uint32_t modulus, last;
    int count;
    const uint8_t *bytes;
} stage;

static uint32_t read_low(const uint8_t *bytes, int count) {
    uint32_t value = 0;
    for (int k = count - 1; k >= 0; k--) {
        value = value << 8 | bytes[k];
    }
    return value;
}

static void decode(uint16_t numbers[P], const uint8_t *bytes, uint32_t modulus) {
    stage stages[ROUNDS];
    int depth = 0;
    uint32_t last = modulus;
    int count = P;
    for (; count > 1; count = (count + 1) / 2) {
        stages[depth++] = (stage){modulus, last, count, bytes};
        const joint usual = join(modulus, modulus);
        const joint final = join(modulus, last);
        bytes += (count / 2 - 1) * usual.bytes + (count % 2 == 0 ? final.bytes : usual.bytes);
        if (count % 2 == 0) {
            last = final.modulus;
        }
        modulus = usual.modulus;
    }
    int length = last == 1 ? 0 : last <= 256 ? 1 : 2;
    numbers[0] = (uint16_t)(read_low(bytes, length) % last);
    while (depth > 0) {
        const stage stage = stages[--depth];
        const joint usual = join(stage.modulus, stage.modulus);
        const joint final = join(stage.modulus, stage.last);
        if (stage.count % 2 == 1) {
            numbers[stage.count - 1] = numbers[stage.count / 2];
        }
        // From the end, since the halves lie where the wholes will be.
        for (int i = (stage.count / 2 - 1) * 2; i >= 0; i -= 2) {
            int is_last = i + 2 == stage.count;
            int low = is_last ? final.bytes : usual.bytes;
            uint32_t value = ((uint32_t)numbers[i / 2] << (8 * low)) + read_low(stage.bytes + i / 2 * usual.bytes, low);
            numbers[i] = (uint16_t)(value % stage.modulus);
            numbers[i + 1] = (uint16_t)(value / stage.modulus % (is_last ? stage.last : stage.modulus));
        }
    }
}

void encode_small(uint8_t bytes[SMALL_LENGTH], const trit polynomial[P]) {
    for (int i = 0; i < SMALL_LENGTH; i++) {
        unsigned value = 0;
        for (int k = 0; k < 4 && 4 * i + k < P; k++) {
            value |= (unsigned)(polynomial[4 * i + k] + 1) << (2 * k);
        }
        bytes[i] = (uint8_t)value;
    }
}

void decode_small(trit polynomial[P], const uint8_t bytes[SMALL_LENGTH]) {
    for (int i = 0; i < P; i++) {
        polynomial[i] = (trit)((bytes[i / 4] >> (2 * (i % 4)) & 3) - 1);
    }
}

void encode_quotient(uint8_t bytes[QUOTIENT_LENGTH], const coefficient polynomial[P]) {
    uint16_t numbers[P];
    for (int i = 0; i < P; i++) {
        numbers[i] = (uint16_t)(polynomial[i] + HALF_Q);
    }
    encode(bytes, numbers, Q);
    OPENSSL_cleanse(numbers, sizeof numbers);
}

void decode_quotient(coefficient polynomial[P], const uint8_t bytes[QUOTIENT_LENGTH]) {
    uint16_t numbers[P];
    decode(numbers, bytes, Q);
    for (int i = 0; i < P; i++) {
        polynomial[i] = (coefficient)(numbers[i] - HALF_Q);
    }
}

void encode_rounded(uint8_t bytes[ROUNDED_LENGTH], const coefficient polynomial[P]) {
    uint16_t numbers[P];
    for (int i = 0; i < P; i++) {
        // Exact thirds of 0 ... 4590.
        numbers[i] = (uint16_t)((polynomial[i] + HALF_Q) * 10923 >> 15);
    }
    encode(bytes, numbers, (Q + 2) / 3);
    OPENSSL_cleanse(numbers, sizeof numbers);
}

void decode_rounded(coefficient polynomial[P], const uint8_t bytes[ROUNDED_LENGTH]) {
    uint16_t numbers[P];
    decode(numbers, bytes, (Q + 2) / 3);
    for (int i = 0; i < P; i++) {
        polynomial[i] = (coefficient)(numbers[i] * 3 - HALF_Q);
    }
}
