#include "CSSHCipher.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

// Written over EVP_Digest because libcrypto 3's own HMAC duplicates its keyed state with two allocations for each
// message. Starting the hash anew and hashing the padded key block costs one compression more and allocates nothing.

#define MAXIMUM_BLOCK_LENGTH 128

struct ssh_hmac {
    EVP_MD_CTX *context;
    size_t digest_length;
    size_t block_length;
    uint8_t inner[MAXIMUM_BLOCK_LENGTH];
    uint8_t outer[MAXIMUM_BLOCK_LENGTH];
};

ssh_hmac *ssh_hmac_create(size_t digest_length, const uint8_t *key, size_t key_length) {
    const EVP_MD *digest = digest_length == 32 ? EVP_sha256() : digest_length == 64 ? EVP_sha512() : NULL;
    if (digest == NULL) {
        return NULL;
    }
    ssh_hmac *hmac = OPENSSL_zalloc(sizeof *hmac);
    if (hmac == NULL) {
        return NULL;
    }
    hmac->digest_length = digest_length;
    hmac->block_length = (size_t)EVP_MD_block_size(digest);
    hmac->context = EVP_MD_CTX_new();
    if (hmac->context == NULL || hmac->block_length > MAXIMUM_BLOCK_LENGTH || key_length > hmac->block_length ||
        EVP_DigestInit_ex(hmac->context, digest, NULL) != 1) {
        ssh_hmac_destroy(hmac);
        return NULL;
    }
    for (size_t index = 0; index < hmac->block_length; index++) {
        uint8_t byte = index < key_length ? key[index] : 0;
        hmac->inner[index] = byte ^ 0x36;
        hmac->outer[index] = byte ^ 0x5c;
    }
    return hmac;
}

static int hmac_compute(ssh_hmac *hmac, const uint8_t *prefix, size_t prefix_length, const uint8_t *data,
                        size_t length, uint8_t *tag) {
    uint8_t inner_digest[SSH_HMAC_MAXIMUM_TAG_LENGTH];
    EVP_MD_CTX *context = hmac->context;
    if (EVP_DigestInit_ex(context, NULL, NULL) != 1 ||
        EVP_DigestUpdate(context, hmac->inner, hmac->block_length) != 1 ||
        EVP_DigestUpdate(context, prefix, prefix_length) != 1 || EVP_DigestUpdate(context, data, length) != 1 ||
        EVP_DigestFinal_ex(context, inner_digest, NULL) != 1 || EVP_DigestInit_ex(context, NULL, NULL) != 1 ||
        EVP_DigestUpdate(context, hmac->outer, hmac->block_length) != 1 ||
        EVP_DigestUpdate(context, inner_digest, hmac->digest_length) != 1 ||
        EVP_DigestFinal_ex(context, tag, NULL) != 1) {
        return SSH_CIPHER_FAILED;
    }
    return SSH_CIPHER_OK;
}

int ssh_hmac_packet(ssh_hmac *hmac, uint32_t sequence, const uint8_t *data, size_t length, uint8_t *tag) {
    const uint8_t prefix[4] = {(uint8_t)(sequence >> 24), (uint8_t)(sequence >> 16), (uint8_t)(sequence >> 8),
                               (uint8_t)sequence};
    return hmac_compute(hmac, prefix, sizeof prefix, data, length, tag);
}

int ssh_hmac_verify(ssh_hmac *hmac, uint32_t sequence, const uint8_t *data, size_t length, const uint8_t *tag) {
    uint8_t expected[SSH_HMAC_MAXIMUM_TAG_LENGTH];
    int code = ssh_hmac_packet(hmac, sequence, data, length, expected);
    if (code != SSH_CIPHER_OK) {
        return code;
    }
    return CRYPTO_memcmp(expected, tag, hmac->digest_length) == 0 ? SSH_CIPHER_OK : SSH_CIPHER_MISMATCH;
}

int ssh_hmac_digest(ssh_hmac *hmac, const uint8_t *data, size_t length, uint8_t *tag) {
    return hmac_compute(hmac, NULL, 0, data, length, tag);
}

void ssh_hmac_destroy(ssh_hmac *hmac) {
    if (hmac != NULL) {
        EVP_MD_CTX_free(hmac->context);
        OPENSSL_clear_free(hmac, sizeof *hmac);
    }
}
