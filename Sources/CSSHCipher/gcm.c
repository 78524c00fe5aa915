#include "CSSHCipher.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

struct ssh_gcm {
    EVP_CIPHER_CTX *context;
    uint8_t iv[SSH_GCM_IV_LENGTH];
    int encrypt;
};

// RFC 5647 §7.1: the last 8 bytes are a big-endian counter of packets that wraps modulo 2^64.
static void advance_invocation_counter(uint8_t iv[SSH_GCM_IV_LENGTH]) {
    for (int index = SSH_GCM_IV_LENGTH - 1; index >= 4; index--) {
        iv[index]++;
        if (iv[index] != 0) {
            return;
        }
    }
}

ssh_gcm *ssh_gcm_create(const uint8_t *key, size_t key_length, const uint8_t iv[SSH_GCM_IV_LENGTH], int encrypt) {
    const EVP_CIPHER *cipher = key_length == 16 ? EVP_aes_128_gcm() : key_length == 32 ? EVP_aes_256_gcm() : NULL;
    if (cipher == NULL) {
        return NULL;
    }
    ssh_gcm *gcm = OPENSSL_zalloc(sizeof *gcm);
    if (gcm == NULL) {
        return NULL;
    }
    gcm->encrypt = encrypt;
    memcpy(gcm->iv, iv, SSH_GCM_IV_LENGTH);
    gcm->context = EVP_CIPHER_CTX_new();
    if (gcm->context == NULL || EVP_CipherInit_ex(gcm->context, cipher, NULL, key, iv, encrypt) != 1) {
        ssh_gcm_destroy(gcm);
        return NULL;
    }
    return gcm;
}

// The key schedule stays; only the nonce is set anew.
static int gcm_begin(ssh_gcm *gcm, const uint8_t *aad, size_t aad_length, size_t length) {
    int ignored = 0;
    if (aad_length > INT_MAX || length > INT_MAX) {
        return SSH_CIPHER_ARGUMENT;
    }
    if (EVP_CipherInit_ex(gcm->context, NULL, NULL, NULL, gcm->iv, -1) != 1) {
        return SSH_CIPHER_FAILED;
    }
    advance_invocation_counter(gcm->iv);
    if (aad_length > 0 && EVP_CipherUpdate(gcm->context, NULL, &ignored, aad, (int)aad_length) != 1) {
        return SSH_CIPHER_FAILED;
    }
    return SSH_CIPHER_OK;
}

int ssh_gcm_seal(ssh_gcm *gcm, const uint8_t *aad, size_t aad_length, uint8_t *data, size_t length,
                 uint8_t tag[SSH_GCM_TAG_LENGTH]) {
    int written = 0;
    uint8_t rest[16];
    if (!gcm->encrypt) {
        return SSH_CIPHER_ARGUMENT;
    }
    int code = gcm_begin(gcm, aad, aad_length, length);
    if (code != SSH_CIPHER_OK) {
        return code;
    }
    if (EVP_EncryptUpdate(gcm->context, data, &written, data, (int)length) != 1 || written != (int)length ||
        EVP_EncryptFinal_ex(gcm->context, rest, &written) != 1 || written != 0 ||
        EVP_CIPHER_CTX_ctrl(gcm->context, EVP_CTRL_AEAD_GET_TAG, SSH_GCM_TAG_LENGTH, tag) != 1) {
        return SSH_CIPHER_FAILED;
    }
    return SSH_CIPHER_OK;
}

int ssh_gcm_open(ssh_gcm *gcm, const uint8_t *aad, size_t aad_length, uint8_t *data, size_t length,
                 const uint8_t tag[SSH_GCM_TAG_LENGTH]) {
    int written = 0;
    uint8_t rest[16];
    uint8_t expected[SSH_GCM_TAG_LENGTH];
    if (gcm->encrypt) {
        return SSH_CIPHER_ARGUMENT;
    }
    int code = gcm_begin(gcm, aad, aad_length, length);
    if (code != SSH_CIPHER_OK) {
        return code;
    }
    memcpy(expected, tag, SSH_GCM_TAG_LENGTH);
    if (EVP_CIPHER_CTX_ctrl(gcm->context, EVP_CTRL_AEAD_SET_TAG, SSH_GCM_TAG_LENGTH, expected) != 1 ||
        EVP_DecryptUpdate(gcm->context, data, &written, data, (int)length) != 1 || written != (int)length) {
        OPENSSL_cleanse(data, length);
        return SSH_CIPHER_FAILED;
    }
    if (EVP_DecryptFinal_ex(gcm->context, rest, &written) != 1 || written != 0) {
        OPENSSL_cleanse(data, length);
        return SSH_CIPHER_MISMATCH;
    }
    return SSH_CIPHER_OK;
}

void ssh_gcm_destroy(ssh_gcm *gcm) {
    if (gcm != NULL) {
        EVP_CIPHER_CTX_free(gcm->context);
        OPENSSL_clear_free(gcm, sizeof *gcm);
    }
}
