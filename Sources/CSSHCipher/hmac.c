// CSSHCipher.h says why the deprecated functions.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "CSSHCipher.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>

#define MAXIMUM_BLOCK_LENGTH 128

typedef union {
    SHA_CTX sha1;
    SHA256_CTX sha256;
    SHA512_CTX sha512;
} hash_state;

struct ssh_hmac {
    size_t digest_length;
    hash_state inner;  // after the block key ^ ipad (RFC 2104 §2)
    hash_state outer;  // after the block key ^ opad
};

static int state_init(size_t digest_length, hash_state *state) {
    switch (digest_length) {
    case SHA256_DIGEST_LENGTH: return SHA256_Init(&state->sha256);
    case SHA512_DIGEST_LENGTH: return SHA512_Init(&state->sha512);
    default: return SHA1_Init(&state->sha1);
    }
}

static int state_update(size_t digest_length, hash_state *state, const uint8_t *data, size_t length) {
    switch (digest_length) {
    case SHA256_DIGEST_LENGTH: return SHA256_Update(&state->sha256, data, length);
    case SHA512_DIGEST_LENGTH: return SHA512_Update(&state->sha512, data, length);
    default: return SHA1_Update(&state->sha1, data, length);
    }
}

static int state_final(size_t digest_length, hash_state *state, uint8_t *digest) {
    switch (digest_length) {
    case SHA256_DIGEST_LENGTH: return SHA256_Final(digest, &state->sha256);
    case SHA512_DIGEST_LENGTH: return SHA512_Final(digest, &state->sha512);
    default: return SHA1_Final(digest, &state->sha1);
    }
}

static int key_state(size_t digest_length, hash_state *state, const uint8_t *key, size_t key_length, uint8_t pad) {
    uint8_t block[MAXIMUM_BLOCK_LENGTH];
    size_t block_length = digest_length == SHA512_DIGEST_LENGTH ? SHA512_CBLOCK : SHA256_CBLOCK;
    if (key_length > block_length) {
        return 0;
    }
    for (size_t index = 0; index < block_length; index++) {
        block[index] = (index < key_length ? key[index] : 0) ^ pad;
    }
    int done = state_init(digest_length, state) && state_update(digest_length, state, block, block_length);
    OPENSSL_cleanse(block, sizeof block);
    return done;
}

ssh_hmac *ssh_hmac_create(size_t digest_length, const uint8_t *key, size_t key_length) {
    if (digest_length != SHA256_DIGEST_LENGTH && digest_length != SHA512_DIGEST_LENGTH &&
        digest_length != SHA_DIGEST_LENGTH) {
        return NULL;
    }
    ssh_hmac *hmac = OPENSSL_zalloc(sizeof *hmac);
    if (hmac == NULL) {
        return NULL;
    }
    hmac->digest_length = digest_length;
    if (!key_state(digest_length, &hmac->inner, key, key_length, 0x36) ||
        !key_state(digest_length, &hmac->outer, key, key_length, 0x5c)) {
        ssh_hmac_destroy(hmac);
        return NULL;
    }
    return hmac;
}

static int hmac_compute(const ssh_hmac *hmac, const uint8_t *prefix, size_t prefix_length, const uint8_t *data,
                        size_t length, uint8_t *tag) {
    size_t digest_length = hmac->digest_length;
    uint8_t inner_digest[SSH_HMAC_MAXIMUM_TAG_LENGTH];
    hash_state inner = hmac->inner;
    hash_state outer = hmac->outer;
    int done = state_update(digest_length, &inner, prefix, prefix_length) &&
               state_update(digest_length, &inner, data, length) &&
               state_final(digest_length, &inner, inner_digest) &&
               state_update(digest_length, &outer, inner_digest, digest_length) &&
               state_final(digest_length, &outer, tag);
    return done ? SSH_CIPHER_OK : SSH_CIPHER_FAILED;
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

void ssh_hmac_destroy(ssh_hmac *hmac) {
    OPENSSL_clear_free(hmac, sizeof *hmac);
}
