#include "CSSHCipher.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

int ssh_constant_time_equals(const uint8_t *a, const uint8_t *b, size_t length) {
    return CRYPTO_memcmp(a, b, length) == 0 ? 1 : 0;
}

void ssh_wipe(void *bytes, size_t length) {
    OPENSSL_cleanse(bytes, length);
}

int ssh_random(uint8_t *bytes, size_t length) {
    if (length > INT_MAX) {
        return SSH_CIPHER_ARGUMENT;
    }
    return RAND_bytes(bytes, (int)length) == 1 ? SSH_CIPHER_OK : SSH_CIPHER_FAILED;
}
