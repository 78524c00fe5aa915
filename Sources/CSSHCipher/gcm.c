#include "CSSHCipher.h"

#include <CCryptoBoringSSL.h>
#include <stdlib.h>
#include <string.h>

struct ssh_gcm {
    EVP_AEAD_CTX context;
    uint8_t iv[SSH_GCM_IV_LENGTH];
};

ssh_gcm *ssh_gcm_create(const uint8_t *key, size_t key_length, const uint8_t iv[SSH_GCM_IV_LENGTH]) {
    const EVP_AEAD *aead = key_length == 16   ? EVP_aead_aes_128_gcm()
                           : key_length == 32 ? EVP_aead_aes_256_gcm()
                                              : NULL;
    ssh_gcm *gcm = aead == NULL ? NULL : calloc(1, sizeof *gcm);
    if (gcm == NULL) {
        return NULL;
    }
    if (EVP_AEAD_CTX_init(&gcm->context, aead, key, key_length, SSH_GCM_TAG_LENGTH, NULL) != 1) {
        free(gcm);
        return NULL;
    }
    memcpy(gcm->iv, iv, SSH_GCM_IV_LENGTH);
    return gcm;
}

// RFC 5647 §7.1: the last 8 bytes are a big-endian counter of packets that wraps modulo 2^64.
static void advance_invocation_counter(uint8_t iv[SSH_GCM_IV_LENGTH]) {
    for (int index = SSH_GCM_IV_LENGTH - 1; index >= 4; index--) {
        iv[index]++;
        if (iv[index] != 0) {
            return;
        }
    }
}

int ssh_gcm_seal(ssh_gcm *gcm, const uint8_t *aad, size_t aad_length, uint8_t *data, size_t length,
                      uint8_t tag[SSH_GCM_TAG_LENGTH]) {
    size_t written = 0;
    int done = EVP_AEAD_CTX_seal_scatter(&gcm->context, data, tag, &written, SSH_GCM_TAG_LENGTH, gcm->iv, SSH_GCM_IV_LENGTH,
                                         data, length, NULL, 0, aad, aad_length);
    advance_invocation_counter(gcm->iv);
    return done == 1 && written == SSH_GCM_TAG_LENGTH ? SSH_CIPHER_OK : SSH_CIPHER_FAILED;
}

// On a mismatch BoringSSL has set `data` to zeros. It says no more than that it failed, and nothing else can.
int ssh_gcm_open(ssh_gcm *gcm, const uint8_t *aad, size_t aad_length, uint8_t *data, size_t length,
                      const uint8_t tag[SSH_GCM_TAG_LENGTH]) {
    int done = EVP_AEAD_CTX_open_gather(&gcm->context, data, gcm->iv, SSH_GCM_IV_LENGTH, data, length, tag,
                                        SSH_GCM_TAG_LENGTH, aad, aad_length);
    advance_invocation_counter(gcm->iv);
    if (done != 1) {
        ERR_clear_error();
        return SSH_CIPHER_MISMATCH;
    }
    return SSH_CIPHER_OK;
}

void ssh_gcm_destroy(ssh_gcm *gcm) {
    if (gcm != NULL) {
        EVP_AEAD_CTX_cleanup(&gcm->context);
        OPENSSL_cleanse(gcm, sizeof *gcm);
        free(gcm);
    }
}
