#ifndef RUNTIME_LINUX_RANDOM_H
#define RUNTIME_LINUX_RANDOM_H

#include "lib/types.h"

/* One ChaCha20 block (RFC 8439 section 2.3). Pure. */
void chacha20_stream_block(const u8 key[32], u32 counter, const u32 nonce[3], u8 out[64]);

#endif
