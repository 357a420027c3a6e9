// sources: servers/dev/chacha20.c servers/dev/random.c
#include "check.h"

#include "servers/dev/chacha20.h"
#include "servers/dev/random.h"

/* RFC 8439, section 2.3.2 */
static void chacha20_gives_the_block_of_rfc_8439(void)
{
	static const u8 expected[64] = {
		0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15, 0x50, 0x0f, 0xdd, 0x1f, 0xa3, 0x20, 0x71, 0xc4,
		0xc7, 0xd1, 0xf4, 0xc7, 0x33, 0xc0, 0x68, 0x03, 0x04, 0x22, 0xaa, 0x9a, 0xc3, 0xd4, 0x6c, 0x4e,
		0xd2, 0x82, 0x64, 0x46, 0x07, 0x9f, 0xaa, 0x09, 0x14, 0xc2, 0xd7, 0x05, 0xd9, 0x8b, 0x02, 0xa2,
		0xb5, 0x12, 0x9c, 0xd1, 0xde, 0x16, 0x4e, 0xb9, 0xcb, 0xd0, 0x83, 0xe8, 0xa2, 0x50, 0x3c, 0x4e,
	};
	const u32 nonce[3] = { 0x09000000, 0x4a000000, 0 };
	u32 key[8];
	u8 key_bytes[32], out[64];

	for (int i = 0; i < 32; i++)
		key_bytes[i] = (u8)i;
	memcpy(key, key_bytes, sizeof(key));
	chacha20_block(out, key, 1, nonce);
	for (int i = 0; i < 64; i++)
		CHECK_EQ(out[i], expected[i]);
}

/* Short reads come from the same stream, however they are cut. */
static void random_does_not_depend_on_how_it_is_read(void)
{
	struct random a = { 0 }, b = { 0 };
	u8 whole[100], parts[100];

	random_mix(&a, "seed", 4);
	random_mix(&b, "seed", 4);
	random_bytes(&a, whole, sizeof(whole));
	for (size_t at = 0, n = 1; at < sizeof(parts); at += n, n = n % 37 + 1) {
		if (n > sizeof(parts) - at)
			n = sizeof(parts) - at;
		random_bytes(&b, parts + at, n);
	}
	CHECK(!memcmp(whole, parts, sizeof(whole)));
}

static void random_forgets_what_it_gave(void)
{
	struct random random = { 0 };
	u8 given[32];

	random_mix(&random, "x", 1);
	random_bytes(&random, given, sizeof(given));
	for (size_t i = 0; i + 8 <= sizeof(random); i++)
		for (size_t j = 0; j + 8 <= sizeof(given); j++)
			CHECK(memcmp((u8 *)&random + i, given + j, 8) != 0);
}

static void another_seed_gives_other_bytes(void)
{
	struct random a = { 0 }, b = { 0 };
	u8 x[32], y[32];

	random_mix(&a, "seed", 4);
	random_mix(&b, "seef", 4);
	random_bytes(&a, x, sizeof(x));
	random_bytes(&b, y, sizeof(y));
	CHECK(memcmp(x, y, sizeof(x)) != 0);
}

static void long_reads_repeat_nothing(void)
{
	static u8 bytes[100000], again[100000];
	struct random random = { 0 };
	unsigned seen[256] = { 0 };

	random_mix(&random, "seed", 4);
	random_bytes(&random, bytes, sizeof(bytes));
	random_bytes(&random, again, sizeof(again));
	CHECK(memcmp(bytes, again, sizeof(bytes)) != 0);
	for (size_t i = 0; i + 64 < sizeof(bytes); i += 64)
		CHECK(memcmp(bytes, bytes + i + 64 - i % 64, 32) != 0);
	for (size_t i = 0; i < sizeof(bytes); i++)
		seen[bytes[i]]++;
	for (int i = 0; i < 256; i++)
		CHECK(seen[i] > 250 && seen[i] < 550);
}

int main(void)
{
	RUN(chacha20_gives_the_block_of_rfc_8439);
	RUN(random_does_not_depend_on_how_it_is_read);
	RUN(long_reads_repeat_nothing);
	RUN(random_forgets_what_it_gave);
	RUN(another_seed_gives_other_bytes);
	return check_result();
}
