#pragma once
#include <stddef.h>
#include <stdint.h>

#include "ring.h"

#define SMALL_LENGTH 191
#define ROUNDED_LENGTH 1007
#define QUOTIENT_LENGTH 1158

// A small polynomial, four coefficients a byte.
void encode_small(uint8_t bytes[SMALL_LENGTH], const trit polynomial[P]);
void decode_small(trit polynomial[P], const uint8_t bytes[SMALL_LENGTH]);

// A polynomial of R/q.
void encode_quotient(uint8_t bytes[QUOTIENT_LENGTH], const coefficient polynomial[P]);
// Takes public data alone: its divisions may depend on it.
void decode_quotient(coefficient polynomial[P], const uint8_t bytes[QUOTIENT_LENGTH]);

// A polynomial whose coefficients are multiples of 3 in [-2295, 2295].
void encode_rounded(uint8_t bytes[ROUNDED_LENGTH], const coefficient polynomial[P]);
// Takes public data alone.
void decode_rounded(coefficient polynomial[P], const uint8_t bytes[ROUNDED_LENGTH]);
