#pragma once
#include <stddef.h>
#include <stdint.h>

// Arithmetic modulo a prime for Diffie-Hellman over MODP groups (RFC 4253 §8, RFC 4419, RFC 8268), by libcrypto's
// constant-time exponentiation. The BN functions used here are public and not deprecated in libcrypto 3, whereas its DH
// functions want a named group or test an unknown one for primality, which a group of a peer's choice has no use for:
// who chose the prime knows the secret anyway, and signs for it.
//
// Numbers are big-endian bytes. Functions return 0 on success and -1 when libcrypto refused or an argument is out of
// its range.

#ifdef __cplusplus
extern "C" {
#endif

// Writes the prime of `bits` bits: 1024 is RFC 2409 §6.2 (Oakley group 2); 2048, 3072, 4096, 6144 and 8192 are groups
// 14 to 18 of RFC 3526. `length` is bits / 8.
int ssh_modp_prime(int bits, uint8_t *prime, size_t length);

// result = base ^ exponent mod modulus, in a time that depends on the lengths and on modulus alone, not on the value of
// the exponent or of the base. `modulus` is odd; `result` has `modulus_length` bytes and is filled up with zeros.
int ssh_modular_power(const uint8_t *base, size_t base_length, const uint8_t *exponent, size_t exponent_length,
                      const uint8_t *modulus, size_t modulus_length, uint8_t *result);

// 0 if 2 <= value <= modulus - 2, else -1. Neither is secret.
int ssh_modular_share_check(const uint8_t *value, size_t value_length, const uint8_t *modulus, size_t modulus_length);

#ifdef __cplusplus
}
#endif
