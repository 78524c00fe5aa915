#pragma once
#include <stdint.h>
int32_t ssh_cipher_placeholder(void);
