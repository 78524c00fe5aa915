#pragma once
#include <stddef.h>
#include <stdint.h>

// Streamlined NTRU Prime with p = 761, q = 4591, w = 286: the key encapsulation mechanism of
// draft-ietf-sshm-ntruprime-ssh, written after the NTRU Prime specification (round 3, 2020).
//
// Time and memory addresses depend on nothing secret, with one exception that the algorithm asks for: key generation
// starts over when a candidate for g has no inverse, and what that tells is about a polynomial that is thrown away.
// docs/constant-time.md says how that was checked.

#ifdef __cplusplus
extern "C" {
#endif

#define SNTRUP761_PUBLIC_KEY_LENGTH 1158
#define SNTRUP761_SECRET_KEY_LENGTH 1763
#define SNTRUP761_CIPHERTEXT_LENGTH 1039
#define SNTRUP761_SECRET_LENGTH 32

// Fills `bytes` with random bytes and returns 0, or returns something else when it has none.
typedef int (*sntrup761_random)(void *context, uint8_t *bytes, size_t length);

// All return 0 on success and -1 when `random` or libcrypto's SHA-512 failed.

int sntrup761_make_key(uint8_t public_key[SNTRUP761_PUBLIC_KEY_LENGTH], uint8_t secret_key[SNTRUP761_SECRET_KEY_LENGTH],
                       sntrup761_random random, void *context);

// Every 1158 bytes are a public key.
int sntrup761_encapsulate(uint8_t ciphertext[SNTRUP761_CIPHERTEXT_LENGTH], uint8_t secret[SNTRUP761_SECRET_LENGTH],
                          const uint8_t public_key[SNTRUP761_PUBLIC_KEY_LENGTH], sntrup761_random random,
                          void *context);

// A ciphertext that nobody encapsulated gives a secret that nobody can tell from a right one: implicit rejection.
int sntrup761_decapsulate(uint8_t secret[SNTRUP761_SECRET_LENGTH],
                          const uint8_t ciphertext[SNTRUP761_CIPHERTEXT_LENGTH],
                          const uint8_t secret_key[SNTRUP761_SECRET_KEY_LENGTH]);

#ifdef __cplusplus
}
#endif
