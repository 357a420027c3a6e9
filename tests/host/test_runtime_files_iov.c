// sources: runtime/linux/iov.c
/* Buffers cut into windows: nothing lost, nothing twice, in order. */
#include "runtime/linux/iov.h"

#include <errno.h>

#include "check.h"
#include "random.h"

/* The program's byte number `at` of the whole transfer. */
static unsigned long address_of(const struct buffer *b, unsigned long at)
{
	while (at >= b->len)
		at -= b++->len;
	return b->base + at;
}

static void check_windows(const struct cursor *c, const struct buffer *buffers, unsigned long done)
{
	struct message_window w[MESSAGE_WINDOWS];
	unsigned long bytes, sum = 0;
	unsigned n = cursor_windows(c, w, &bytes);

	for (unsigned i = 0; i < n; i++) {
		CHECK(w[i].len > 0);
		CHECK_EQ(w[i].base, address_of(buffers, done + sum));
		sum += w[i].len;
		CHECK_EQ(w[i].base + w[i].len - 1, address_of(buffers, done + sum - 1));
	}
	CHECK_EQ(bytes, sum);
	CHECK(n == MESSAGE_WINDOWS || sum == c->left);
	if (n)
		CHECK(cursor_holds(c, w[n - 1].base) && cursor_holds(c, w[0].base + w[0].len - 1));
}

static void random_vectors_are_covered_once(void)
{
	for (int round = 0; round < 3000 && !CHECK_FAILED(); round++) {
		struct buffer b[64];
		unsigned long count = rnd(64), done = 0;
		struct cursor c;
		long total;

		for (unsigned long i = 0; i < count; i++)
			b[i] = (struct buffer){ 0x10000 + i * 0x10000, rnd(3) ? rnd(5000) : 0 };
		total = buffers_check(b, count);
		cursor_start(&c, b, count, (unsigned long)total);
		while (c.left && !CHECK_FAILED()) {
			struct message_window w[MESSAGE_WINDOWS];
			unsigned long bytes, step;

			check_windows(&c, b, done);
			cursor_windows(&c, w, &bytes);
			step = rnd(2) ? bytes : 1 + rnd(bytes);
			cursor_advance(&c, step);
			done += step;
		}
		CHECK_EQ(done, total);
		CHECK_EQ(c.count, 0);
		CHECK(!cursor_holds(&c, 0x10000));
	}
}

static void bad_vectors_are_refused_as_linux_does(void)
{
	struct buffer negative[] = { { USER_END, 9 }, { 0, ~0ul } };
	struct buffer beyond[] = { { USER_END - 4, 5 } };
	struct buffer edge[] = { { USER_END - 4, 4 }, { USER_END, 0 } };
	struct buffer gate[] = { { 0xffffff0000000000ul, 1 } };

	CHECK_EQ(buffers_check(negative, 2), -EINVAL);
	CHECK_EQ(buffers_check(beyond, 1), -EFAULT);
	CHECK_EQ(buffers_check(edge, 2), 4);
	CHECK_EQ(buffers_check(gate, 1), -EFAULT);
	CHECK_EQ(buffers_check(NULL, 0), 0);
}

static void totals_are_clamped(void)
{
	struct buffer b[] = { { 0x1000, 0x7fffe000 }, { 0x90000000, 0x7fffe000 }, { 0x1000, 5 } };
	struct cursor c;

	CHECK_EQ(buffers_check(b, 3), TRANSFER_MAX);
	CHECK_EQ(b[1].len, 0x1000);
	CHECK_EQ(b[2].len, 0);
	cursor_start(&c, b, 3, TRANSFER_MAX);
	cursor_advance(&c, TRANSFER_MAX);
	CHECK_EQ(c.count, 0);
}

static void a_smaller_total_cuts_the_windows(void)
{
	struct buffer b[] = { { 0x1000, 100 }, { 0x5000, 100 }, { 0x9000, 100 } };
	struct message_window w[MESSAGE_WINDOWS];
	unsigned long bytes;
	struct cursor c;

	cursor_start(&c, b, 3, 150);
	CHECK_EQ(cursor_windows(&c, w, &bytes), 2);
	CHECK_EQ(bytes, 150);
	CHECK_EQ(w[1].len, 50);
	cursor_advance(&c, 120);
	CHECK_EQ(cursor_windows(&c, w, &bytes), 1);
	CHECK_EQ(bytes, 30);
	CHECK_EQ(w[0].base, 0x5000 + 20);
}

int main(int argc, char **argv)
{
	random_begin(argc, argv, 7);
	RUN(random_vectors_are_covered_once);
	RUN(bad_vectors_are_refused_as_linux_does);
	RUN(totals_are_clamped);
	RUN(a_smaller_total_cuts_the_windows);
	return check_result();
}
