/*
 * The ChaCha20 block function (RFC 8439, section 2.3).
 */
#ifndef DEV_CHACHA20_H
#define DEV_CHACHA20_H

#include "lib/types.h"

#define CHACHA20_BLOCK 64

/* key: 8 words, counter: word 12, nonce: words 13..15, all as numbers. */
void chacha20_block(u8 out[CHACHA20_BLOCK], const u32 key[8], u32 counter, const u32 nonce[3]);

#endif
