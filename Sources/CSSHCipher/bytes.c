#include "CSSHCipher.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#ifdef __linux__
#include <sys/random.h>
#endif

int ssh_constant_time_equals(const uint8_t *a, const uint8_t *b, size_t length) {
    return CRYPTO_memcmp(a, b, length) == 0 ? 1 : 0;
}

void ssh_wipe(void *bytes, size_t length) {
    OPENSSL_cleanse(bytes, length);
}

int ssh_random(uint8_t *bytes, size_t length) {
#ifdef __linux__
    while (length > 0) {
        ssize_t count = getrandom(bytes, length, 0);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return SSH_CIPHER_FAILED;
        }
        bytes += count;
        length -= (size_t)count;
    }
#else
    arc4random_buf(bytes, length);
#endif
    return SSH_CIPHER_OK;
}
