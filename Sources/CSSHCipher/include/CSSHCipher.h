#pragma once
#include <stddef.h>
#include <stdint.h>

// The packet path's cryptography, and nothing else: libcrypto and the BoringSSL inside swift-crypto, behind contexts
// that keep their key schedule, so that protecting a packet allocates nothing and copies nothing.
//
// Why each primitive comes from where it does (packets of 32 KiB; of 64 bytes; one core of an AMD EPYC with AVX-512)
//  - AES-GCM: BoringSSL. 20 GB/s, 110 ns; libcrypto 3.0, without code for wide vectors, has 5.2 GB/s and 190 ns.
//  - AES-CTR and CBC: EVP, which is promised and allocates nothing once it is keyed. 8.4 GB/s, 30 ns.
//  - HMAC: SHA256_Update and its like, deprecated since libcrypto 3.0 and there for all of its major version. The
//    promised ways allocate for each message even when nothing but their data changes: EVP_MAC_init on a kept context
//    twice, EVP_MD_CTX_copy_ex once (counted with a preloaded malloc in 3.0.22). A hash state that is a plain struct is
//    keyed once and copied. 1.95 GB/s either way, the speed of the hash; 157 ns instead of 205.
//  - ChaCha20 and Poly1305: EVP and EVP_MAC for packets worth it, which allocate nothing here: 4.5 GB/s, BoringSSL 1.9.
//    BoringSSL for small packets, because a new nonce costs EVP more than the packet does.
//
// swift-crypto promises nothing about its C module. Therefore its version is pinned in Package.swift, gcm.c and
// small_chacha.c are the only files that know it, and the tests hold them to the published vectors and to
// swift-crypto's public interface. Without that module, EVP_aes_256_gcm and the large path below serve everything.
//
// Rules of every function here
//  - A context belongs to one direction of one connection; none is safe for two threads at once.
//  - `create` gives NULL when the library refuses (out of memory, algorithm disabled by policy).
//  - The others return 0 on success and one of the negative codes below on failure. After a failure the context
//    must not be used again: the connection is over (RFC 4253 §11.1).
//  - Buffers are changed in place. `destroy` accepts NULL and wipes the key.

#ifdef __cplusplus
extern "C" {
#endif

enum {
    SSH_CIPHER_OK = 0,
    SSH_CIPHER_FAILED = -1,     // the library refused: our fault, or memory
    SSH_CIPHER_MISMATCH = -2,   // the tag does not belong to the data; the data was wiped or left encrypted
    SSH_CIPHER_ARGUMENT = -3    // a length that the algorithm does not have
};

// ---- AES-GCM, RFC 5647 §7 --------------------------------------------------------------------------------------
// The nonce is a fixed field of 4 bytes and an invocation counter of 64 bits that counts packets (§7.1).

#define SSH_GCM_IV_LENGTH 12
#define SSH_GCM_TAG_LENGTH 16

typedef struct ssh_gcm ssh_gcm;

// `key_length` is 16 or 32. One context seals or opens, not both: they share the counter.
ssh_gcm *ssh_gcm_create(const uint8_t *key, size_t key_length, const uint8_t iv[SSH_GCM_IV_LENGTH]);
// Encrypts `data`, authenticates `aad` and the ciphertext into `tag`, and advances the invocation counter.
int ssh_gcm_seal(ssh_gcm *gcm, const uint8_t *aad, size_t aad_length, uint8_t *data, size_t length,
                 uint8_t tag[SSH_GCM_TAG_LENGTH]);
// The reverse. On a mismatch `data` is wiped: GCM decrypts before it can compare.
int ssh_gcm_open(ssh_gcm *gcm, const uint8_t *aad, size_t aad_length, uint8_t *data, size_t length,
                 const uint8_t tag[SSH_GCM_TAG_LENGTH]);
void ssh_gcm_destroy(ssh_gcm *gcm);

// ---- AES-CTR, RFC 4344 §4, and the legacy CBC modes, RFC 4253 §6.3 -----------------------------------------------
// The counter, or the last block in CBC, goes on from packet to packet.

typedef enum {
    SSH_STREAM_AES128_CTR,
    SSH_STREAM_AES192_CTR,
    SSH_STREAM_AES256_CTR,
    SSH_STREAM_AES128_CBC,
    SSH_STREAM_AES192_CBC,
    SSH_STREAM_AES256_CBC,
    SSH_STREAM_3DES_CBC
} ssh_stream_cipher;

typedef struct ssh_stream ssh_stream;

// NULL also when a length is not the cipher's own. `encrypt` is 1 for a context that seals, 0 for one that opens.
ssh_stream *ssh_stream_create(ssh_stream_cipher cipher, const uint8_t *key, size_t key_length, const uint8_t *iv,
                              size_t iv_length, int encrypt);
// `length` is a multiple of the block in CBC.
int ssh_stream_apply(ssh_stream *stream, uint8_t *data, size_t length);
void ssh_stream_destroy(ssh_stream *stream);

// ---- HMAC-SHA2, RFC 6668, HMAC-SHA1, RFC 4253 §6.4, RFC 2104 -----------------------------------------------------

#define SSH_HMAC_MAXIMUM_TAG_LENGTH 64

typedef struct ssh_hmac ssh_hmac;

// `digest_length` is 32 (SHA-256), 64 (SHA-512) or 20 (SHA-1). The key is at most one block of the hash (64 bytes, 128
// for SHA-512).
ssh_hmac *ssh_hmac_create(size_t digest_length, const uint8_t *key, size_t key_length);
// tag = HMAC(key, be32(sequence) || data): RFC 4253 §6.4. Writes `digest_length` bytes.
int ssh_hmac_packet(ssh_hmac *hmac, uint32_t sequence, const uint8_t *data, size_t length, uint8_t *tag);
// Computes the same and compares in constant time; SSH_CIPHER_MISMATCH if `tag` is another.
int ssh_hmac_verify(ssh_hmac *hmac, uint32_t sequence, const uint8_t *data, size_t length, const uint8_t *tag);
void ssh_hmac_destroy(ssh_hmac *hmac);

// ---- chacha20-poly1305@openssh.com, OpenSSH's PROTOCOL.chacha20poly1305 -----------------------------------------
// Two ChaCha20 keys: the first 32 bytes of `key` protect the payload, the last 32 the length. The nonce is the
// packet's sequence number. The Poly1305 key is block 0 of the payload's stream; the payload starts at block 1.

#define SSH_CHACHA_KEY_LENGTH 64
#define SSH_CHACHA_TAG_LENGTH 16
#define SSH_CHACHA_HEADER_LENGTH 4

typedef struct ssh_chacha ssh_chacha;

ssh_chacha *ssh_chacha_create(const uint8_t key[SSH_CHACHA_KEY_LENGTH]);
// Encrypts the 4 byte length at `packet` and the `length - 4` bytes after it, writes the tag over both.
int ssh_chacha_seal(ssh_chacha *chacha, uint32_t sequence, uint8_t *packet, size_t length,
                    uint8_t tag[SSH_CHACHA_TAG_LENGTH]);
// Decrypts a copy of the encrypted length. The result is not authenticated yet.
int ssh_chacha_length(ssh_chacha *chacha, uint32_t sequence, const uint8_t header[SSH_CHACHA_HEADER_LENGTH],
                      uint32_t *packet_length);
// Verifies the tag over `length` bytes and only then decrypts everything after the 4 byte header, which stays as it is.
int ssh_chacha_open(ssh_chacha *chacha, uint32_t sequence, uint8_t *packet, size_t length,
                    const uint8_t tag[SSH_CHACHA_TAG_LENGTH]);
void ssh_chacha_destroy(ssh_chacha *chacha);

// ---- Small things ----------------------------------------------------------------------------------------------

// 1 if the two have the same bytes, 0 if not, in a time that depends on `length` alone.
int ssh_constant_time_equals(const uint8_t *a, const uint8_t *b, size_t length);
// Sets to zero, also where the compiler could prove that nobody reads it again.
void ssh_wipe(void *bytes, size_t length);
// Fills with random bytes of the system, fit for padding and salts: libcrypto's own generator reads configuration and
// sets up providers first, a tenth of what a short connection costs.
int ssh_random(uint8_t *bytes, size_t length);

#ifdef __cplusplus
}
#endif
