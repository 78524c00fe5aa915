#include "CSSHCipher.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "small_chacha.h"

#define POLY1305_KEY_LENGTH 32
// Bytes of body from which a context pays off: measured, the two ways take the same time at about this size.
#define LARGE_BODY 1024

struct ssh_chacha {
    EVP_CIPHER_CTX *payload;
    EVP_MAC_CTX *mac;
    uint8_t key[SSH_CHACHA_KEY_LENGTH];
};

static const uint8_t *payload_key(const ssh_chacha *chacha) { return chacha->key; }
static const uint8_t *length_key(const ssh_chacha *chacha) { return chacha->key + 32; }

ssh_chacha *ssh_chacha_create(const uint8_t key[SSH_CHACHA_KEY_LENGTH]) {
    ssh_chacha *chacha = OPENSSL_zalloc(sizeof *chacha);
    if (chacha == NULL) {
        return NULL;
    }
    memcpy(chacha->key, key, sizeof chacha->key);
    const uint8_t iv[16] = {0};
    EVP_MAC *poly1305 = EVP_MAC_fetch(NULL, "POLY1305", NULL);
    chacha->payload = EVP_CIPHER_CTX_new();
    chacha->mac = poly1305 == NULL ? NULL : EVP_MAC_CTX_new(poly1305);
    EVP_MAC_free(poly1305);
    if (chacha->payload == NULL || chacha->mac == NULL ||
        EVP_EncryptInit_ex(chacha->payload, EVP_chacha20(), NULL, payload_key(chacha), iv) != 1) {
        ssh_chacha_destroy(chacha);
        return NULL;
    }
    return chacha;
}

// The payload starts at block 1 of its stream.
static int apply_to_body(ssh_chacha *chacha, uint32_t sequence, uint8_t *body, size_t length) {
    int written = 0;
    if (length < LARGE_BODY) {
        small_chacha(body, body, length, payload_key(chacha), sequence, 1);
        return SSH_CIPHER_OK;
    }
    if (length > INT_MAX) {
        return SSH_CIPHER_ARGUMENT;
    }
    // libcrypto takes a little-endian block counter of 64 bits, then the nonce.
    uint8_t iv[16] = {1};
    iv[12] = (uint8_t)(sequence >> 24);
    iv[13] = (uint8_t)(sequence >> 16);
    iv[14] = (uint8_t)(sequence >> 8);
    iv[15] = (uint8_t)sequence;
    return EVP_EncryptInit_ex(chacha->payload, NULL, NULL, NULL, iv) == 1 &&
                   EVP_EncryptUpdate(chacha->payload, body, &written, body, (int)length) == 1 &&
                   written == (int)length
               ? SSH_CIPHER_OK
               : SSH_CIPHER_FAILED;
}

// The tag over `packet` under the packet's one-time key: the first half of block 0 of the payload's stream.
static int authenticate(ssh_chacha *chacha, uint32_t sequence, const uint8_t *packet, size_t length,
                        uint8_t tag[SSH_CHACHA_TAG_LENGTH]) {
    uint8_t key[POLY1305_KEY_LENGTH] = {0};
    size_t written = SSH_CHACHA_TAG_LENGTH;
    int done = 1;
    small_chacha(key, key, sizeof key, payload_key(chacha), sequence, 0);
    if (length < LARGE_BODY) {
        small_poly1305(tag, packet, length, key);
    } else {
        done = EVP_MAC_init(chacha->mac, key, sizeof key, NULL) == 1 &&
               EVP_MAC_update(chacha->mac, packet, length) == 1 &&
               EVP_MAC_final(chacha->mac, tag, &written, SSH_CHACHA_TAG_LENGTH) == 1 &&
               written == SSH_CHACHA_TAG_LENGTH;
    }
    OPENSSL_cleanse(key, sizeof key);
    return done ? SSH_CIPHER_OK : SSH_CIPHER_FAILED;
}

int ssh_chacha_seal(ssh_chacha *chacha, uint32_t sequence, uint8_t *packet, size_t length,
                    uint8_t tag[SSH_CHACHA_TAG_LENGTH]) {
    if (length < SSH_CHACHA_HEADER_LENGTH) {
        return SSH_CIPHER_ARGUMENT;
    }
    small_chacha(packet, packet, SSH_CHACHA_HEADER_LENGTH, length_key(chacha), sequence, 0);
    int code =
        apply_to_body(chacha, sequence, packet + SSH_CHACHA_HEADER_LENGTH, length - SSH_CHACHA_HEADER_LENGTH);
    return code == SSH_CIPHER_OK ? authenticate(chacha, sequence, packet, length, tag) : code;
}

int ssh_chacha_length(ssh_chacha *chacha, uint32_t sequence, const uint8_t header[SSH_CHACHA_HEADER_LENGTH],
                      uint32_t *packet_length) {
    uint8_t plain[SSH_CHACHA_HEADER_LENGTH];
    small_chacha(plain, header, sizeof plain, length_key(chacha), sequence, 0);
    *packet_length = (uint32_t)plain[0] << 24 | (uint32_t)plain[1] << 16 | (uint32_t)plain[2] << 8 | plain[3];
    return SSH_CIPHER_OK;
}

int ssh_chacha_open(ssh_chacha *chacha, uint32_t sequence, uint8_t *packet, size_t length,
                    const uint8_t tag[SSH_CHACHA_TAG_LENGTH]) {
    uint8_t expected[SSH_CHACHA_TAG_LENGTH];
    if (length < SSH_CHACHA_HEADER_LENGTH) {
        return SSH_CIPHER_ARGUMENT;
    }
    int code = authenticate(chacha, sequence, packet, length, expected);
    if (code != SSH_CIPHER_OK) {
        return code;
    }
    if (CRYPTO_memcmp(expected, tag, SSH_CHACHA_TAG_LENGTH) != 0) {
        return SSH_CIPHER_MISMATCH;
    }
    return apply_to_body(chacha, sequence, packet + SSH_CHACHA_HEADER_LENGTH, length - SSH_CHACHA_HEADER_LENGTH);
}

void ssh_chacha_destroy(ssh_chacha *chacha) {
    if (chacha != NULL) {
        EVP_CIPHER_CTX_free(chacha->payload);
        EVP_MAC_CTX_free(chacha->mac);
        OPENSSL_clear_free(chacha, sizeof *chacha);
    }
}
