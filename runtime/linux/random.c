/*
 * getrandom: ChaCha20 under the key that root draws for each exec, mixed for each call with what the CPU's generator gives, where there is
 * one. A forked process has its parent's key, so process id and time go into the nonce, and a counter makes each block different.
 */
#include "runtime/linux/random.h"

#include "lib/atomic.h"
#include "lib/string.h"
#include "runtime/call.h"
#include "runtime/linux/process.h"
#include "runtime/linux/signal.h"
#include "runtime/uaccess.h"

#define GRND_ALL 7u
#define GRND_RANDOM_INSECURE 6u

static u32 blocks;

static inline u32 rotate(u32 x, unsigned n)
{
	return x << n | x >> (32 - n);
}

static void quarter(u32 *x, unsigned a, unsigned b, unsigned c, unsigned d)
{
	x[a] += x[b]; x[d] = rotate(x[d] ^ x[a], 16);
	x[c] += x[d]; x[b] = rotate(x[b] ^ x[c], 12);
	x[a] += x[b]; x[d] = rotate(x[d] ^ x[a], 8);
	x[c] += x[d]; x[b] = rotate(x[b] ^ x[c], 7);
}

void chacha20_stream_block(const u8 key[32], u32 counter, const u32 nonce[3], u8 out[64])
{
	u32 start[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 }, x[16];

	memcpy(&start[4], key, 32);
	start[12] = counter;
	memcpy(&start[13], nonce, 12);
	memcpy(x, start, sizeof(x));
	for (unsigned i = 0; i < 10; i++) {
		for (unsigned j = 0; j < 4; j++)
			quarter(x, j, j + 4, j + 8, j + 12);
		quarter(x, 0, 5, 10, 15);
		quarter(x, 1, 6, 11, 12);
		quarter(x, 2, 7, 8, 13);
		quarter(x, 3, 4, 9, 14);
	}
	for (unsigned i = 0; i < 16; i++)
		x[i] += start[i];
	memcpy(out, x, 64);
}

static bool has_rdrand(void)
{
	unsigned a = 1, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return c >> 30 & 1;
}

static void key_make(u64 key[4])
{
	static signed char rdrand; /* 0: not known yet; the answer is the same for every thread */

	memcpy(key, ((const struct process_info *)GATE_INFO)->random, 32);
	if (!rdrand)
		rdrand = has_rdrand() ? 1 : -1;
	for (unsigned i = 0; i < 4 && rdrand > 0; i++) {
		u64 word;
		bool ok;

		__asm__ volatile("rdrand %0; setc %1" : "=r"(word), "=qm"(ok) : : "cc");
		if (ok)
			key[i] ^= word;
	}
}

long linux_getrandom(struct thread_record *t, const unsigned long a[6])
{
	u64 key[4], now = clock_monotonic();
	const u32 nonce[3] = { process_pid(t->process), (u32)now, (u32)(now >> 32) };
	size_t length = MIN(a[1], 0x7ffff000ul), done = 0;
	u8 block[64];

	key_make(key);
	if ((unsigned)a[2] & ~GRND_ALL || ((unsigned)a[2] & GRND_RANDOM_INSECURE) == GRND_RANDOM_INSECURE)
		return -EINVAL;
	while (done < length) {
		size_t n = MIN(length - done, sizeof(block));

		chacha20_stream_block((const u8 *)key, atomic_fetch_add(&blocks, 1), nonce, block);
		if (copy_to_user(a[0] + done, block, n))
			return done ? (long)done : -EFAULT;
		done += n;
		if (done % PAGE_SIZE == 0 && signal_waiting(t))
			break;
	}
	memset(block, 0, sizeof(block));
	memset(key, 0, sizeof(key));
	return (long)done;
}
