#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>

#include "CSNTRUP761.h"
#include "declassify.h"
#include "encode.h"
#include "ring.h"

#define HASH_LENGTH 32
#define INVERSE_OFFSET SMALL_LENGTH
#define PUBLIC_KEY_OFFSET (2 * SMALL_LENGTH)
#define REJECTION_OFFSET (PUBLIC_KEY_OFFSET + QUOTIENT_LENGTH)
#define PUBLIC_KEY_HASH_OFFSET (REJECTION_OFFSET + SMALL_LENGTH)

// ---- Random polynomials ----------------------------------------------------------------------------------------

static int random_words(uint32_t words[P], sntrup761_random random, void *context) {
    uint8_t bytes[4 * P];
    int code = random(context, bytes, sizeof bytes);
    for (int i = 0; i < P; i++) {
        words[i] = (uint32_t)bytes[4 * i] | (uint32_t)bytes[4 * i + 1] << 8 | (uint32_t)bytes[4 * i + 2] << 16 |
                   (uint32_t)bytes[4 * i + 3] << 24;
    }
    OPENSSL_cleanse(bytes, sizeof bytes);
    return code == 0 ? 0 : -1;
}

static int random_small(trit polynomial[P], sntrup761_random random, void *context) {
    uint32_t words[P];
    int code = random_words(words, random, context);
    for (int i = 0; i < P; i++) {
        polynomial[i] = (trit)((int32_t)((words[i] & 0x3fffffff) * 3 >> 30) - 1);
    }
    OPENSSL_cleanse(words, sizeof words);
    return code;
}

static void sort_pair(uint32_t *low, uint32_t *high) {
    uint32_t is_greater = (uint32_t)opaque((int32_t)(((uint64_t)*high - *low) >> 32));
    uint32_t difference = is_greater & (*low ^ *high);
    *low ^= difference;
    *high ^= difference;
}

// Batcher's merge exchange (Knuth, volume 3, algorithm 5.2.2M): which places are compared depends on P alone.
static void sort(uint32_t words[P]) {
    const int top = 512;  // the largest power of 2 below P
    for (int p = top; p > 0; p /= 2) {
        int q = top, r = 0, distance = p;
        for (;;) {
            for (int i = 0; i + distance < P; i++) {
                if ((i & p) == r) {
                    sort_pair(&words[i], &words[i + distance]);
                }
            }
            if (q == p) {
                break;
            }
            distance = q - p;
            q /= 2;
            r = p;
        }
    }
}

// W coefficients of 1 or -1 in random places: the low bits carry the value, and sorting by the rest mixes them.
static int random_short(trit polynomial[P], sntrup761_random random, void *context) {
    uint32_t words[P];
    int code = random_words(words, random, context);
    for (int i = 0; i < P; i++) {
        words[i] = i < W ? words[i] & ~1u : (words[i] & ~3u) | 1;
    }
    sort(words);
    for (int i = 0; i < P; i++) {
        polynomial[i] = (trit)((int32_t)(words[i] & 3) - 1);
    }
    OPENSSL_cleanse(words, sizeof words);
    return code;
}

// ---- Hashes ----------------------------------------------------------------------------------------------------

// The first 32 bytes of SHA-512(prefix || first || second).
static int hash(uint8_t digest[HASH_LENGTH], uint8_t prefix, const uint8_t *first, size_t first_length,
                const uint8_t *second, size_t second_length) {
    uint8_t input[1 + QUOTIENT_LENGTH + HASH_LENGTH];
    uint8_t whole[SHA512_DIGEST_LENGTH];
    size_t length = 1 + first_length + second_length;
    if (length > sizeof input) {
        return -1;
    }
    input[0] = prefix;
    memcpy(input + 1, first, first_length);
    if (second_length > 0) {
        memcpy(input + 1 + first_length, second, second_length);
    }
    int code = SHA512(input, length, whole) != NULL ? 0 : -1;
    memcpy(digest, whole, HASH_LENGTH);
    OPENSSL_cleanse(whole, sizeof whole);
    OPENSSL_cleanse(input, sizeof input);
    return code;
}

static int hash_public_key(uint8_t digest[HASH_LENGTH], const uint8_t *public_key) {
    return hash(digest, 4, public_key, QUOTIENT_LENGTH, NULL, 0);
}

static int hash_session(uint8_t secret[HASH_LENGTH], uint8_t prefix, const uint8_t input[SMALL_LENGTH],
                        const uint8_t ciphertext[SNTRUP761_CIPHERTEXT_LENGTH]) {
    uint8_t inner[HASH_LENGTH];
    int code = hash(inner, 3, input, SMALL_LENGTH, NULL, 0);
    code |= hash(secret, prefix, inner, sizeof inner, ciphertext, SNTRUP761_CIPHERTEXT_LENGTH);
    OPENSSL_cleanse(inner, sizeof inner);
    return code;
}

// ---- The core: encryption of a short polynomial, and what makes a ciphertext of it ----------------------------------

// ciphertext = round(h * input) and a hash that confirms `input`.
static int seal(uint8_t ciphertext[SNTRUP761_CIPHERTEXT_LENGTH], uint8_t encoded[SMALL_LENGTH], const trit input[P],
                const uint8_t *public_key, const uint8_t public_key_hash[HASH_LENGTH]) {
    coefficient h[P];
    coefficient product[P];
    uint8_t inner[HASH_LENGTH];
    decode_quotient(h, public_key);
    multiply_small(product, h, input);
    for (int i = 0; i < P; i++) {
        product[i] = (coefficient)(product[i] - reduce3(product[i]));
    }
    encode_rounded(ciphertext, product);
    encode_small(encoded, input);
    int code = hash(inner, 3, encoded, SMALL_LENGTH, NULL, 0);
    code |= hash(ciphertext + ROUNDED_LENGTH, 2, inner, sizeof inner, public_key_hash, HASH_LENGTH);
    OPENSSL_cleanse(inner, sizeof inner);
    OPENSSL_cleanse(product, sizeof product);
    return code;
}

// The short polynomial in the ciphertext; some fixed one where there is none.
static void decrypt(trit input[P], const uint8_t *ciphertext, const uint8_t *secret_key) {
    struct {
        trit f[P], inverse[P], remainder[P];
        coefficient product[P];
    } state;
    coefficient c[P];
    decode_rounded(c, ciphertext);
    decode_small(state.f, secret_key);
    decode_small(state.inverse, secret_key + INVERSE_OFFSET);
    multiply_small(state.product, c, state.f);
    for (int i = 0; i < P; i++) {
        state.remainder[i] = reduce3(reduce_small(3 * state.product[i]));
    }
    multiply3(input, state.remainder, state.inverse);
    int32_t weight = 0;
    for (int i = 0; i < P; i++) {
        weight += input[i] & 1;
    }
    // With another weight than W it becomes 1 in the first W places and 0 in the others.
    const int32_t mask = mask_nonzero(weight - W);
    for (int i = 0; i < P; i++) {
        const int32_t fixed = i < W ? 1 : 0;
        input[i] = (trit)(input[i] ^ (mask & (input[i] ^ fixed)));
    }
    OPENSSL_cleanse(&state, sizeof state);
}

int sntrup761_make_key(uint8_t public_key[SNTRUP761_PUBLIC_KEY_LENGTH], uint8_t secret_key[SNTRUP761_SECRET_KEY_LENGTH],
                       sntrup761_random random, void *context) {
    struct {
        trit f[P], g[P], g_inverse[P];
        coefficient f_inverse[P], h[P];
    } state;
    int code = 0;
    int is_invertible = 0;
    while (code == 0 && !is_invertible) {
        code = random_small(state.g, random, context);
        int rejected = invert3(state.g_inverse, state.g);
        declassify(&rejected, sizeof rejected);
        is_invertible = rejected == 0;
    }
    if (code == 0) {
        code = random_short(state.f, random, context);
        invert_triple(state.f_inverse, state.f);
        multiply_small(state.h, state.f_inverse, state.g);
        encode_quotient(public_key, state.h);
        declassify(public_key, QUOTIENT_LENGTH);
        encode_small(secret_key, state.f);
        encode_small(secret_key + INVERSE_OFFSET, state.g_inverse);
        memcpy(secret_key + PUBLIC_KEY_OFFSET, public_key, QUOTIENT_LENGTH);
        code |= random(context, secret_key + REJECTION_OFFSET, SMALL_LENGTH) == 0 ? 0 : -1;
        code |= hash_public_key(secret_key + PUBLIC_KEY_HASH_OFFSET, public_key);
    }
    OPENSSL_cleanse(&state, sizeof state);
    return code;
}

int sntrup761_encapsulate(uint8_t ciphertext[SNTRUP761_CIPHERTEXT_LENGTH], uint8_t secret[SNTRUP761_SECRET_LENGTH],
                          const uint8_t public_key[SNTRUP761_PUBLIC_KEY_LENGTH], sntrup761_random random,
                          void *context) {
    trit input[P];
    uint8_t encoded[SMALL_LENGTH];
    uint8_t public_key_hash[HASH_LENGTH];
    int code = random_short(input, random, context);
    code |= hash_public_key(public_key_hash, public_key);
    code |= seal(ciphertext, encoded, input, public_key, public_key_hash);
    code |= hash_session(secret, 1, encoded, ciphertext);
    OPENSSL_cleanse(encoded, sizeof encoded);
    OPENSSL_cleanse(input, sizeof input);
    return code;
}

int sntrup761_decapsulate(uint8_t secret[SNTRUP761_SECRET_LENGTH],
                          const uint8_t ciphertext[SNTRUP761_CIPHERTEXT_LENGTH],
                          const uint8_t secret_key[SNTRUP761_SECRET_KEY_LENGTH]) {
    trit input[P];
    uint8_t encoded[SMALL_LENGTH];
    uint8_t again[SNTRUP761_CIPHERTEXT_LENGTH];
    // The public key lies between secrets in the same array.
    uint8_t public_key[QUOTIENT_LENGTH];
    memcpy(public_key, secret_key + PUBLIC_KEY_OFFSET, sizeof public_key);
    declassify(public_key, sizeof public_key);

    decrypt(input, ciphertext, secret_key);
    int code = seal(again, encoded, input, public_key, secret_key + PUBLIC_KEY_HASH_OFFSET);
    int32_t difference = 0;
    for (size_t i = 0; i < sizeof again; i++) {
        difference |= ciphertext[i] ^ again[i];
    }
    const int32_t mask = mask_nonzero(difference);
    for (int i = 0; i < SMALL_LENGTH; i++) {
        encoded[i] = (uint8_t)(encoded[i] ^ (mask & (encoded[i] ^ secret_key[REJECTION_OFFSET + i])));
    }
    code |= hash_session(secret, (uint8_t)(1 + mask), encoded, ciphertext);
    OPENSSL_cleanse(again, sizeof again);
    OPENSSL_cleanse(encoded, sizeof encoded);
    OPENSSL_cleanse(input, sizeof input);
    return code;
}
