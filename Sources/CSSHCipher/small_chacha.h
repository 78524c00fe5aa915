#pragma once
#include <stddef.h>
#include <stdint.h>

// ChaCha20 and Poly1305 by functions that take key and nonce with each call and keep nothing: for the packet's length,
// its one-time key, and packets too small to be worth a context. See CSSHCipher.h.

// out = in ^ stream, from `block` on, for the nonce that `sequence` is.
void small_chacha(uint8_t *out, const uint8_t *in, size_t length, const uint8_t key[32], uint32_t sequence,
                  uint32_t block);
void small_poly1305(uint8_t tag[16], const uint8_t *data, size_t length, const uint8_t key[32]);
