#include "CSSHCipher.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#define CHACHA_BLOCK_LENGTH 64
#define POLY1305_KEY_LENGTH 32

struct ssh_chacha {
    EVP_CIPHER_CTX *payload;
    EVP_CIPHER_CTX *header;
    EVP_MAC_CTX *mac;
};

// libcrypto's ChaCha20 takes 16 bytes: a little-endian block counter of 64 bits, then the nonce. OpenSSH's nonce is
// the sequence number as a big-endian integer of 64 bits. The counter starts at 0.
static int chacha_begin(EVP_CIPHER_CTX *context, uint32_t sequence) {
    uint8_t iv[16] = {0};
    iv[12] = (uint8_t)(sequence >> 24);
    iv[13] = (uint8_t)(sequence >> 16);
    iv[14] = (uint8_t)(sequence >> 8);
    iv[15] = (uint8_t)sequence;
    return EVP_EncryptInit_ex(context, NULL, NULL, NULL, iv) == 1 ? SSH_CIPHER_OK : SSH_CIPHER_FAILED;
}

static int chacha_apply(EVP_CIPHER_CTX *context, uint8_t *out, const uint8_t *in, size_t length) {
    int written = 0;
    if (length > INT_MAX) {
        return SSH_CIPHER_ARGUMENT;
    }
    if (length == 0) {
        return SSH_CIPHER_OK;
    }
    return EVP_EncryptUpdate(context, out, &written, in, (int)length) == 1 && written == (int)length
               ? SSH_CIPHER_OK
               : SSH_CIPHER_FAILED;
}

ssh_chacha *ssh_chacha_create(const uint8_t key[SSH_CHACHA_KEY_LENGTH]) {
    ssh_chacha *chacha = OPENSSL_zalloc(sizeof *chacha);
    if (chacha == NULL) {
        return NULL;
    }
    const uint8_t iv[16] = {0};
    EVP_MAC *poly1305 = EVP_MAC_fetch(NULL, "POLY1305", NULL);
    chacha->payload = EVP_CIPHER_CTX_new();
    chacha->header = EVP_CIPHER_CTX_new();
    chacha->mac = poly1305 == NULL ? NULL : EVP_MAC_CTX_new(poly1305);
    EVP_MAC_free(poly1305);
    if (chacha->payload == NULL || chacha->header == NULL || chacha->mac == NULL ||
        EVP_EncryptInit_ex(chacha->payload, EVP_chacha20(), NULL, key, iv) != 1 ||
        EVP_EncryptInit_ex(chacha->header, EVP_chacha20(), NULL, key + 32, iv) != 1) {
        ssh_chacha_destroy(chacha);
        return NULL;
    }
    return chacha;
}

// Leaves the payload's stream at block 1 and the one-time key of the packet in `key`.
static int begin_packet(ssh_chacha *chacha, uint32_t sequence, uint8_t key[CHACHA_BLOCK_LENGTH]) {
    static const uint8_t zeros[CHACHA_BLOCK_LENGTH] = {0};
    int code = chacha_begin(chacha->payload, sequence);
    return code == SSH_CIPHER_OK ? chacha_apply(chacha->payload, key, zeros, CHACHA_BLOCK_LENGTH) : code;
}

static int authenticate(ssh_chacha *chacha, const uint8_t *key, const uint8_t *packet, size_t length,
                        uint8_t tag[SSH_CHACHA_TAG_LENGTH]) {
    size_t written = 0;
    if (EVP_MAC_init(chacha->mac, key, POLY1305_KEY_LENGTH, NULL) != 1 ||
        EVP_MAC_update(chacha->mac, packet, length) != 1 ||
        EVP_MAC_final(chacha->mac, tag, &written, SSH_CHACHA_TAG_LENGTH) != 1 || written != SSH_CHACHA_TAG_LENGTH) {
        return SSH_CIPHER_FAILED;
    }
    return SSH_CIPHER_OK;
}

int ssh_chacha_seal(ssh_chacha *chacha, uint32_t sequence, uint8_t *packet, size_t length,
                    uint8_t tag[SSH_CHACHA_TAG_LENGTH]) {
    uint8_t key[CHACHA_BLOCK_LENGTH];
    if (length < SSH_CHACHA_HEADER_LENGTH) {
        return SSH_CIPHER_ARGUMENT;
    }
    int code = chacha_begin(chacha->header, sequence);
    if (code == SSH_CIPHER_OK) {
        code = chacha_apply(chacha->header, packet, packet, SSH_CHACHA_HEADER_LENGTH);
    }
    if (code == SSH_CIPHER_OK) {
        code = begin_packet(chacha, sequence, key);
    }
    if (code == SSH_CIPHER_OK) {
        uint8_t *body = packet + SSH_CHACHA_HEADER_LENGTH;
        code = chacha_apply(chacha->payload, body, body, length - SSH_CHACHA_HEADER_LENGTH);
    }
    if (code == SSH_CIPHER_OK) {
        code = authenticate(chacha, key, packet, length, tag);
    }
    OPENSSL_cleanse(key, sizeof key);
    return code;
}

int ssh_chacha_length(ssh_chacha *chacha, uint32_t sequence, const uint8_t header[SSH_CHACHA_HEADER_LENGTH],
                      uint32_t *packet_length) {
    uint8_t plain[SSH_CHACHA_HEADER_LENGTH];
    int code = chacha_begin(chacha->header, sequence);
    if (code == SSH_CIPHER_OK) {
        code = chacha_apply(chacha->header, plain, header, SSH_CHACHA_HEADER_LENGTH);
    }
    if (code == SSH_CIPHER_OK) {
        *packet_length = (uint32_t)plain[0] << 24 | (uint32_t)plain[1] << 16 | (uint32_t)plain[2] << 8 | plain[3];
    }
    return code;
}

int ssh_chacha_open(ssh_chacha *chacha, uint32_t sequence, uint8_t *packet, size_t length,
                    const uint8_t tag[SSH_CHACHA_TAG_LENGTH]) {
    uint8_t key[CHACHA_BLOCK_LENGTH];
    uint8_t expected[SSH_CHACHA_TAG_LENGTH];
    if (length < SSH_CHACHA_HEADER_LENGTH) {
        return SSH_CIPHER_ARGUMENT;
    }
    int code = begin_packet(chacha, sequence, key);
    if (code == SSH_CIPHER_OK) {
        code = authenticate(chacha, key, packet, length, expected);
    }
    OPENSSL_cleanse(key, sizeof key);
    if (code != SSH_CIPHER_OK) {
        return code;
    }
    if (CRYPTO_memcmp(expected, tag, SSH_CHACHA_TAG_LENGTH) != 0) {
        return SSH_CIPHER_MISMATCH;
    }
    uint8_t *body = packet + SSH_CHACHA_HEADER_LENGTH;
    return chacha_apply(chacha->payload, body, body, length - SSH_CHACHA_HEADER_LENGTH);
}

void ssh_chacha_destroy(ssh_chacha *chacha) {
    if (chacha != NULL) {
        EVP_CIPHER_CTX_free(chacha->payload);
        EVP_CIPHER_CTX_free(chacha->header);
        EVP_MAC_CTX_free(chacha->mac);
        OPENSSL_clear_free(chacha, sizeof *chacha);
    }
}
