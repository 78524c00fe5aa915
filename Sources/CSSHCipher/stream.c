#include "CSSHCipher.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

struct ssh_stream {
    EVP_CIPHER_CTX *context;
    size_t block_length;
};

static const EVP_CIPHER *cipher_of(ssh_stream_cipher cipher) {
    switch (cipher) {
    case SSH_STREAM_AES128_CTR: return EVP_aes_128_ctr();
    case SSH_STREAM_AES192_CTR: return EVP_aes_192_ctr();
    case SSH_STREAM_AES256_CTR: return EVP_aes_256_ctr();
    case SSH_STREAM_AES128_CBC: return EVP_aes_128_cbc();
    case SSH_STREAM_AES192_CBC: return EVP_aes_192_cbc();
    case SSH_STREAM_AES256_CBC: return EVP_aes_256_cbc();
    case SSH_STREAM_3DES_CBC: return EVP_des_ede3_cbc();
    }
    return NULL;
}

ssh_stream *ssh_stream_create(ssh_stream_cipher cipher, const uint8_t *key, size_t key_length, const uint8_t *iv,
                              size_t iv_length, int encrypt) {
    const EVP_CIPHER *kind = cipher_of(cipher);
    if (kind == NULL || (size_t)EVP_CIPHER_get_key_length(kind) != key_length ||
        (size_t)EVP_CIPHER_get_iv_length(kind) != iv_length) {
        return NULL;
    }
    ssh_stream *stream = OPENSSL_zalloc(sizeof *stream);
    if (stream == NULL) {
        return NULL;
    }
    stream->block_length = (size_t)EVP_CIPHER_get_block_size(kind);
    stream->context = EVP_CIPHER_CTX_new();
    if (stream->context == NULL || EVP_CipherInit_ex(stream->context, kind, NULL, key, iv, encrypt) != 1 ||
        EVP_CIPHER_CTX_set_padding(stream->context, 0) != 1) {
        ssh_stream_destroy(stream);
        return NULL;
    }
    return stream;
}

int ssh_stream_apply(ssh_stream *stream, uint8_t *data, size_t length) {
    int written = 0;
    if (length > INT_MAX || length % stream->block_length != 0) {
        return SSH_CIPHER_ARGUMENT;
    }
    if (length == 0) {
        return SSH_CIPHER_OK;
    }
    return EVP_CipherUpdate(stream->context, data, &written, data, (int)length) == 1 && written == (int)length
               ? SSH_CIPHER_OK
               : SSH_CIPHER_FAILED;
}

void ssh_stream_destroy(ssh_stream *stream) {
    if (stream != NULL) {
        EVP_CIPHER_CTX_free(stream->context);
        OPENSSL_clear_free(stream, sizeof *stream);
    }
}
