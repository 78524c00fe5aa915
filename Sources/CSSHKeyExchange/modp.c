#include "CSSHKeyExchange.h"

#include <limits.h>
#include <openssl/bn.h>

int ssh_modp_prime(int bits, uint8_t *prime, size_t length) {
    BIGNUM *(*const make)(BIGNUM *) = bits == 1024   ? BN_get_rfc2409_prime_1024
                                      : bits == 2048 ? BN_get_rfc3526_prime_2048
                                      : bits == 3072 ? BN_get_rfc3526_prime_3072
                                      : bits == 4096 ? BN_get_rfc3526_prime_4096
                                      : bits == 6144 ? BN_get_rfc3526_prime_6144
                                      : bits == 8192 ? BN_get_rfc3526_prime_8192
                                                     : NULL;
    if (make == NULL || length != (size_t)bits / 8) {
        return -1;
    }
    BIGNUM *number = make(NULL);
    int done = number != NULL && BN_bn2binpad(number, prime, (int)length) == (int)length;
    BN_free(number);
    return done ? 0 : -1;
}

int ssh_modular_power(const uint8_t *base, size_t base_length, const uint8_t *exponent, size_t exponent_length,
                      const uint8_t *modulus, size_t modulus_length, uint8_t *result) {
    if (base_length > INT_MAX || exponent_length > INT_MAX || modulus_length > INT_MAX) {
        return -1;
    }
    BN_CTX *context = BN_CTX_secure_new();
    BIGNUM *b = BN_bin2bn(base, (int)base_length, NULL);
    BIGNUM *e = BN_secure_new();
    BIGNUM *m = BN_bin2bn(modulus, (int)modulus_length, NULL);
    BIGNUM *r = BN_secure_new();
    int done = context != NULL && b != NULL && e != NULL && m != NULL && r != NULL && BN_is_odd(m) &&
               BN_bin2bn(exponent, (int)exponent_length, e) != NULL;
    if (done) {
        // The flag makes the exponent count as long as the modulus, whatever its leading bits are.
        BN_set_flags(e, BN_FLG_CONSTTIME);
        done = BN_mod_exp_mont_consttime(r, b, e, m, context, NULL) == 1 &&
               BN_bn2binpad(r, result, (int)modulus_length) == (int)modulus_length;
    }
    BN_clear_free(r);
    BN_free(m);
    BN_clear_free(e);
    BN_free(b);
    BN_CTX_free(context);
    return done ? 0 : -1;
}

int ssh_modular_share_check(const uint8_t *value, size_t value_length, const uint8_t *modulus, size_t modulus_length) {
    if (value_length > INT_MAX || modulus_length > INT_MAX) {
        return -1;
    }
    BIGNUM *y = BN_bin2bn(value, (int)value_length, NULL);
    BIGNUM *limit = BN_bin2bn(modulus, (int)modulus_length, NULL);
    // 1 < y < p - 1
    int valid = y != NULL && limit != NULL && BN_sub_word(limit, 1) == 1 && BN_cmp(y, BN_value_one()) > 0 &&
                BN_cmp(y, limit) < 0;
    BN_free(limit);
    BN_free(y);
    return valid ? 0 : -1;
}
