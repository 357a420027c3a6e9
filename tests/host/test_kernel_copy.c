// sources: KERNEL
/*
 * The copy call against a model of two pieces of memory: of the caller, seen through windows of all shapes, and of the Reply's holder. Pages are missing or may not be
 * written here and there, and both pieces cross the ends of page tables; every byte up to the first obstacle must arrive, no other may change, and the call must say where it stopped.
 */
#include "ipc_machine.h"
#include "random.h"

#define PAGES  24
#define BYTES  ((u64)PAGES * PAGE_SIZE)
#define CALLER (0x200000ul - PAGES / 2 * PAGE_SIZE)       /* across two last-level tables */
#define HOLDER (0x7fc0000000ul - PAGES / 2 * PAGE_SIZE)   /* across two of the level above */
#define TABLES (SCRATCH + 1)
#define MEMORY (SCRATCH + 2)

enum access { MISSING, READ_ONLY, WRITABLE };

static struct piece {
	u64 base;
	unsigned first; /* frame */
	enum access access[PAGES];
	u8 bytes[BYTES];
} caller = { .base = CALLER, .first = 0 }, holder = { .base = HOLDER, .first = PAGES };

static u8 *frame_bytes(unsigned frame)
{
	return (u8 *)cspace_system_slot(root, MEMORY)->object + frame * PAGE_SIZE;
}

static void map_piece(struct piece *p)
{
	for (unsigned i = 0; i < PAGES; i++) {
		p->access[i] = rnd(12) ? rnd(12) ? WRITABLE : READ_ONLY : MISSING;
		CHECK_EQ(kcall(root, KCALL_vspace_unmap, SYS(SPACE), p->base + i * PAGE_SIZE, 1, 0, 0, 0, 0), 0);
		if (p->access[i] == MISSING)
			continue;
		CHECK_EQ(kcall(root, KCALL_vspace_map, SYS(SPACE), p->base + i * PAGE_SIZE, 1, p->access[i] == WRITABLE ? VSPACE_READ | VSPACE_WRITE : VSPACE_READ,
			       PAGE_REF(MEMORY, p->first + i), 0, 0), 0);
	}
	for (u64 i = 0; i < BYTES; i++)
		p->bytes[i] = frame_bytes(p->first)[i] = (u8)rnd(256);
}

static void compare_piece(const struct piece *p, const char *which)
{
	for (u64 i = 0; i < BYTES; i++)
		if (p->bytes[i] != frame_bytes(p->first)[i]) {
			CHECK_FAIL("byte %lu of the %s is %u, to be %u", i, which, frame_bytes(p->first)[i], p->bytes[i]);
			return;
		}
}

static void prepare(void)
{
	retype(OBJECT_FRAME, 4, TABLES, 1);
	retype(OBJECT_FRAME, 6, MEMORY, 1);
	for (unsigned n = 0; n < 16; n++)
		message_data_set_word(root, n, PAGE_REF(TABLES, n));
	CHECK_EQ(kcall(root, KCALL_vspace_topup, SYS(SPACE), 16, 0, 0, 0, 0, 0), 0);
	serve(1, SYS(10));
}

/* Windows one after the other in the caller's piece, with gaps. How many; *bytes in all. */
static unsigned make_windows(u64 *bytes)
{
	unsigned count = 1 + (unsigned)rnd(4);
	u64 at = rnd(3) ? rnd(3 * PAGE_SIZE) : 0;

	*bytes = 0;
	for (unsigned i = 0; i < count; i++) {
		u64 length = rnd(4) ? rnd(6 * PAGE_SIZE) : rnd(40);

		length = MIN(length, BYTES - at);
		buffer[0]->window[i] = (struct message_window){ CALLER + at, length };
		*bytes += length;
		at = MIN(at + length + rnd(200), BYTES - 1);
	}
	return count;
}

/* Where the window's byte `offset` is in the caller's piece; BYTES: in none. */
static u64 window_byte(unsigned count, u64 offset)
{
	for (unsigned i = 0; i < count; i++) {
		if (offset < buffer[0]->window[i].len)
			return buffer[0]->window[i].base - CALLER + offset;
		offset -= buffer[0]->window[i].len;
	}
	return BYTES;
}

static bool may(const struct piece *p, u64 at, bool write)
{
	return p->access[at / PAGE_SIZE] >= (write ? WRITABLE : READ_ONLY);
}

/* What the call does: its result, *done, *touch. */
static s64 model_copy(unsigned windows, bool in, u64 offset, u64 own, u64 length, u64 *done, u64 *touch)
{
	*touch = 0;
	for (*done = 0; *done < length; ++*done) {
		u64 theirs = window_byte(windows, offset + *done);

		if (theirs == BYTES)
			return K_INVALID_ARG;
		if (!may(&caller, theirs, !in)) {
			*touch = CALLER + theirs;
			return K_PARTIAL;
		}
		if (own + *done >= BYTES || !may(&holder, own + *done, in)) {
			*touch = HOLDER + own + *done;
			return K_FAULT;
		}
		if (in)
			holder.bytes[own + *done] = caller.bytes[theirs];
		else
			caller.bytes[theirs] = holder.bytes[own + *done];
	}
	return K_OK;
}

/* One call of the holder's, restarted as a thread's is. */
static s64 copy(struct thread *t, bool in, u64 offset, u64 own, u64 length)
{
	unsigned parts = 0;

	t->frame.rdi = 10;
	t->frame.rsi = in ? COPY_IN : COPY_OUT;
	t->frame.rdx = offset;
	t->frame.r8 = HOLDER + own;
	t->frame.r9 = length;
	t->frame.r10 = 0;
	do {
		t->frame.rip = GATE_BASE + 0x1002;
		t->frame.vector = VECTOR_SYSCALL;
		kernel_syscall(t->frame.rdi, t->frame.rsi, KCALL_copy, t);
		CHECK(++parts <= 1 + length / 0x10000);
	} while (t->frame.rip == GATE_BASE + 0x1000);
	return (s64)t->frame.rax;
}

static void one_copy(struct thread *server, unsigned windows, u64 window_bytes)
{
	u64 offset = rnd(4) ? rnd(window_bytes + 1) : 0, own = rnd(4) ? rnd(BYTES) : rnd(PAGE_SIZE);
	u64 length = rnd(8) ? rnd(window_bytes - offset + 1) : rnd(2 * BYTES), done, touch;
	bool in = rnd(2);
	s64 wanted = model_copy(windows, in, offset, own, length, &done, &touch);

	CHECK_EQ(copy(server, in, offset, own, length), wanted);
	CHECK_EQ(server->frame.rdx, done);
	CHECK_EQ(server->frame.r8, touch);
	compare_piece(&caller, "caller");
	compare_piece(&holder, "holder");
}

static void every_byte_up_to_an_obstacle_arrives_and_no_other_changes(void)
{
	for (int round = 0; round < 150 && !CHECK_FAILED(); round++) {
		u64 bytes;
		unsigned windows = make_windows(&bytes);

		run(root);
		map_piece(&caller);
		map_piece(&holder);
		ipc(run(member[0]), KCALL_call, SYS(1), INFO(1, 0) | INFO_WINDOWS(windows), 0, 0, 0);
		for (int i = 0; i < 6 && !CHECK_FAILED(); i++)
			one_copy(run(member[1]), windows, bytes);
		ipc(run(member[1]), KCALL_reply_recv, SYS(1), 0, 0, SYS(10), 0);
	}
}

static u64 with_copy(struct thread *t, u64 number, u64 own, u64 length)
{
	t->frame.r13 = HOLDER + own;
	t->frame.r14 = length;
	ipc(t, number, SYS(1), INFO(7, 0) | INFO_WINDOWS(1), length, SYS(10), 0);
	return t->state == THREAD_RECEIVING ? K_OK : t->frame.rax;
}

/* The caller's answer comes with the bytes, and without where they were; or it does not come, and there is one without bytes. */
static bool one_answer(struct thread *server, unsigned windows, u64 number)
{
	u64 own = rnd(4) ? rnd(BYTES) : rnd(PAGE_SIZE), length = rnd(3) ? rnd(2 * PAGE_SIZE) : rnd(BYTES), done, touch;
	bool whole = length <= ANSWER_COPY_MAX && model_copy(windows, false, 0, own, length, &done, &touch) == K_OK;
	u64 general = host_core->general_entries;
	struct thread *client = member[0];
	bool fast;

	CHECK_EQ(with_copy(server, number, own, length), whole ? K_OK : (u64)K_PARTIAL);
	fast = whole && host_core->general_entries == general;
	compare_piece(&caller, "caller");
	compare_piece(&holder, "holder");
	if (whole) {
		CHECK_EQ(client->frame.rsi, INFO(7, 0));
		CHECK_EQ(client->frame.rdx, length);
		CHECK(client->frame.r13 == 0 && client->frame.r14 == 0);
	} else {
		CHECK_EQ(client->state, THREAD_REPLY);
		ipc(run(server), KCALL_reply, 0, 0, 0, SYS(10), 0);
	}
	CHECK_EQ(client->state, THREAD_READY);
	CHECK_EQ(client->frame.rax, K_OK);
	if (server->state == THREAD_READY)
		ipc(run(server), KCALL_recv, SYS(1), 0, 0, SYS(10), 0);
	return fast;
}

static void an_answer_copies_all_or_is_none(void)
{
	u64 fast = 0;

	for (int round = 0; round < 400 && !CHECK_FAILED(); round++) {
		u64 bytes;
		unsigned windows = make_windows(&bytes);

		run(root);
		if (round % 8 == 0) {
			map_piece(&caller);
			map_piece(&holder);
		}
		ipc(run(member[0]), KCALL_call, SYS(1), INFO(1, 0) | INFO_WINDOWS(windows), 0, 0, 0);
		fast += one_answer(run(member[1]), windows, rnd(2) ? KCALL_reply_recv : KCALL_reply);
	}
	CHECK(fast > 50);
}

/* 64 KiB, then an interrupt may be taken: the bytes are counted over the parts. */
static void a_long_copy_is_done_in_parts(void)
{
	run(root);
	map_piece(&caller);
	map_piece(&holder);
	for (unsigned i = 0; i < PAGES; i++) {
		caller.access[i] = holder.access[i] = WRITABLE;
		CHECK_EQ(kcall(root, KCALL_vspace_map, SYS(SPACE), CALLER + i * PAGE_SIZE, 1, VSPACE_READ | VSPACE_WRITE | VSPACE_REPLACE, PAGE_REF(MEMORY, i), 0, 0), 0);
		CHECK_EQ(kcall(root, KCALL_vspace_map, SYS(SPACE), HOLDER + i * PAGE_SIZE, 1, VSPACE_READ | VSPACE_WRITE | VSPACE_REPLACE, PAGE_REF(MEMORY, PAGES + i), 0, 0), 0);
	}
	buffer[0]->window[0] = (struct message_window){ CALLER + 3, BYTES - 3 };
	ipc(run(member[0]), KCALL_call, SYS(1), INFO(1, 0) | INFO_WINDOWS(1), 0, 0, 0);
	CHECK_EQ(copy(run(member[1]), true, 5, 1, BYTES - 9), K_OK);
	CHECK_EQ(member[1]->frame.rdx, BYTES - 9);
	memcpy(holder.bytes + 1, caller.bytes + 8, BYTES - 9);
	compare_piece(&holder, "holder");
	compare_piece(&caller, "caller");
	/* a caller without windows shares nothing */
	ipc(run(member[1]), KCALL_reply_recv, SYS(1), 0, 0, SYS(10), 0);
	ipc(run(member[0]), KCALL_call, SYS(1), INFO(1, 0), 0, 0, 0);
	CHECK_EQ(copy(run(member[1]), true, 0, 0, 1), K_NO_RIGHT);
	ipc(run(member[1]), KCALL_reply_recv, SYS(1), 0, 0, SYS(10), 0);
}

int main(int argc, char **argv)
{
	random_begin(argc, argv, 1);
	machine_boot();
	setup();
	prepare();
	RUN(every_byte_up_to_an_obstacle_arrives_and_no_other_changes);
	RUN(an_answer_copies_all_or_is_none);
	RUN(a_long_copy_is_done_in_parts);
	return check_result();
}
