#include "small_chacha.h"

#include <CCryptoBoringSSL.h>

// BoringSSL has the layout of RFC 8439: 96 bits of nonce and a counter of 32. OpenSSH has 64 bits of nonce, the
// sequence number as a big-endian integer, and a counter of 64 whose upper half is never reached: the first word is
// zero.
void small_chacha(uint8_t *out, const uint8_t *in, size_t length, const uint8_t key[32], uint32_t sequence,
                  uint32_t block) {
    const uint8_t nonce[12] = {
        [8] = (uint8_t)(sequence >> 24), [9] = (uint8_t)(sequence >> 16), [10] = (uint8_t)(sequence >> 8),
        [11] = (uint8_t)sequence};
    CRYPTO_chacha_20(out, in, length, key, nonce, block);
}

void small_poly1305(uint8_t tag[16], const uint8_t *data, size_t length, const uint8_t key[32]) {
    poly1305_state state;
    CRYPTO_poly1305_init(&state, key);
    CRYPTO_poly1305_update(&state, data, length);
    CRYPTO_poly1305_finish(&state, tag);
    OPENSSL_cleanse(&state, sizeof state);
}
