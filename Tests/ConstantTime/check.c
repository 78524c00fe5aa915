// Runs the secret-handling code under valgrind's memcheck with every secret marked as undefined: memcheck then reports
// each branch and each memory address that depends on one (the method of Langley's ctgrind). What is published on
// purpose is declassified where it leaves the arithmetic.
//
//     check sntrup761 | dh | compare | leak
//
// `leak` does what must not be done, so that the test knows that the method sees it.

#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <valgrind/memcheck.h>

#include "CSNTRUP761.h"
#include "CSSHCipher.h"
#include "CSSHKeyExchange.h"

// Random bytes that count as secret.
static int secret_random(void *context, uint8_t *bytes, size_t length) {
    (void)context;
    if (RAND_bytes(bytes, (int)length) != 1) {
        return -1;
    }
    VALGRIND_MAKE_MEM_UNDEFINED(bytes, length);
    return 0;
}

static int check_sntrup761(void) {
    static uint8_t public_key[SNTRUP761_PUBLIC_KEY_LENGTH];
    static uint8_t secret_key[SNTRUP761_SECRET_KEY_LENGTH];
    static uint8_t ciphertext[SNTRUP761_CIPHERTEXT_LENGTH];
    uint8_t sent[SNTRUP761_SECRET_LENGTH];
    uint8_t received[SNTRUP761_SECRET_LENGTH];
    if (sntrup761_make_key(public_key, secret_key, secret_random, NULL) != 0) {
        return 1;
    }
    VALGRIND_MAKE_MEM_DEFINED(public_key, sizeof public_key);
    if (sntrup761_encapsulate(ciphertext, sent, public_key, secret_random, NULL) != 0) {
        return 1;
    }
    VALGRIND_MAKE_MEM_DEFINED(ciphertext, sizeof ciphertext);
    for (int damaged = 0; damaged < 2; damaged++) {
        ciphertext[0] ^= (uint8_t)damaged;
        VALGRIND_MAKE_MEM_UNDEFINED(secret_key, sizeof secret_key);
        if (sntrup761_decapsulate(received, ciphertext, secret_key) != 0) {
            return 1;
        }
        VALGRIND_MAKE_MEM_DEFINED(sent, sizeof sent);
        VALGRIND_MAKE_MEM_DEFINED(received, sizeof received);
        if ((memcmp(sent, received, sizeof sent) != 0) != damaged) {
            return 1;
        }
    }
    return 0;
}

static int check_dh(void) {
    static uint8_t prime[256], share[256], secret[256];
    uint8_t exponent[64];
    const uint8_t generator = 2;
    if (ssh_modp_prime(2048, prime, sizeof prime) != 0 || secret_random(NULL, exponent, sizeof exponent) != 0) {
        return 1;
    }
    // The first bit of an exponent is always set, so it has no leading zeros to tell anything by. Memcheck does not
    // follow single bits here; the first word counts as known.
    exponent[0] |= 0x80;
    VALGRIND_MAKE_MEM_DEFINED(exponent, 8);
    if (ssh_modular_power(&generator, 1, exponent, sizeof exponent, prime, sizeof prime, share) != 0) {
        return 1;
    }
    VALGRIND_MAKE_MEM_DEFINED(share, sizeof share);
    return ssh_modular_power(share, sizeof share, exponent, sizeof exponent, prime, sizeof prime, secret);
}

static int check_compare(void) {
    uint8_t key[64], data[100] = {0}, tag[64];
    secret_random(NULL, key, sizeof key);
    for (size_t length = 20; length <= 64; length += length == 20 ? 12 : 32) {
        ssh_hmac *hmac = ssh_hmac_create(length, key, length);
        if (hmac == NULL || ssh_hmac_packet(hmac, 7, data, sizeof data, tag) != 0) {
            return 1;
        }
        tag[3] ^= 1;
        // The verdict is public, the way to it is not.
        int verdict = ssh_hmac_verify(hmac, 7, data, sizeof data, tag);
        VALGRIND_MAKE_MEM_DEFINED(&verdict, sizeof verdict);
        ssh_hmac_destroy(hmac);
        if (verdict != SSH_CIPHER_MISMATCH) {
            return 1;
        }
    }
    return 0;
}

static int check_leak(void) {
    static volatile int steps;
    uint8_t secret[32];
    secret_random(NULL, secret, sizeof secret);
    for (size_t index = 0; index < sizeof secret && secret[index] != 0; index++) {
        steps++;
    }
    return 0;
}

int main(int count, char **arguments) {
    const char *what = count > 1 ? arguments[1] : "";
    int failed = strcmp(what, "sntrup761") == 0 ? check_sntrup761()
                 : strcmp(what, "dh") == 0      ? check_dh()
                 : strcmp(what, "compare") == 0 ? check_compare()
                 : strcmp(what, "leak") == 0    ? check_leak()
                                                : 2;
    printf("%s: %s\n", what, failed == 0 ? "done" : "failed");
    return failed;
}
