#include "CSSHCipher.h"
int32_t ssh_cipher_placeholder(void) { return 0; }
