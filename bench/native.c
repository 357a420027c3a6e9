/*
 * Rows of native messages between two programs (include/uxrt/native.h): a client, and servers that it forks. They are about the kernel: a server here does
 * nothing with a message but answer it, or pass its sender on to the other one.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "abi/file.h"
#include "bench/rows.h"
#include "include/uxrt/native.h"

#define PATH_A "/native-a"
#define PATH_B "/native-b"

/* Messages of these servers; the file protocol's labels are below. */
enum { ECHO = 0x4000, PASS_ON, TAKE, LOOK, ECHO_DATA, PLAY };

#define SMALL 4096
#define DATA_WORDS 120 /* seL4's longest message */
#define LARGE (1 << 20)
#define SLOT_REPLY  SLOT_IRQ /* slots that a program does not use otherwise */
#define SLOT_GIVEN  (SLOT_IRQ + 1)
#define SLOT_PEER   (SLOT_IRQ + 2)

static unsigned char large[LARGE] __attribute__((aligned(4096)));
static volatile unsigned char *shared; /* LARGE, of all three */
static volatile unsigned long *data; /* of the process's messages */
static int server_a, server_b; /* descriptors */
static pid_t process_a, process_b;

/* The Handle goes into the client's descriptor, whoever it is. */
static void answer_open(struct ipc *ipc)
{
	unsigned long a[8] = { CPTR_SYSTEM | SLOT_POOL, CPTR_SYSTEM | SLOT_ENDPOINT, 1, CPTR_SYSTEM | SLOT_GIVEN };

	*ipc = (struct ipc){ .info = INFO(0, 0), .reply = ipc->reply };
	if (uxrt_native()->object(KCALL_handle_mint, a)) {
		ipc->m[0] = -12ul;
		return;
	}
	uxrt_native()->message()->send_slot[0] = CPTR_SYSTEM | SLOT_GIVEN;
	ipc->m[1] = 0100600;
	ipc->info |= INFO_CAPS(1);
}

/* A program has one Notification a thread, with all rights to it: its slot's number is that of the thread's area. */
static unsigned long own_notification(void)
{
	const struct context_page *context = (const void *)((unsigned long)uxrt_native()->message() - THREAD_AREA_MESSAGE + THREAD_AREA_CONTEXT);

	return SLOT_THREADS + context->thread_index;
}

/* The message that is sent next takes a copy of it along, which does no more than signal. */
static void give_notification(void)
{
	unsigned long a[8] = { CPTR_SYSTEM | SLOT_SYSTEM, SLOT_GIVEN, CPTR_SYSTEM | SLOT_SYSTEM, own_notification(), RIGHT_SEND, 1 };

	MUST(uxrt_native()->object(KCALL_cap_copy, a) == 0);
	uxrt_native()->message()->send_slot[0] = CPTR_SYSTEM | SLOT_GIVEN;
}

/* Where a capability goes that a message brings. */
static void receive_into(unsigned long cptr)
{
	uxrt_native()->message()->recv_slot[0] = cptr;
}

static void forget_peer(void)
{
	unsigned long a[8] = { CPTR_SYSTEM | SLOT_SYSTEM, SLOT_PEER };

	MUST(uxrt_native()->object(KCALL_cap_delete, a) == 0);
}

/* The server's half of the game: it answers with its Notification, and then gives back each signal. */
static void play(unsigned long rounds)
{
	unsigned long own = CPTR_SYSTEM | own_notification(), bits;
	struct ipc answer = { .info = INFO_CAPS(1), .reply = CPTR_SYSTEM | SLOT_REPLY };

	give_notification();
	MUST(uxrt_enter(KCALL_reply, &answer) == 0);
	for (unsigned long i = 0; i < rounds; i++)
		MUST(uxrt_wait(own, &bits) == 0 && bits == 1 && uxrt_signal(CPTR_SYSTEM | SLOT_PEER) == 0);
	forget_peer();
}

static void take(unsigned long length)
{
	unsigned long a[8] = { CPTR_SYSTEM | SLOT_REPLY, COPY_IN, 0, (unsigned long)large, length };

	while (a[4] && uxrt_native()->object(KCALL_copy, a) == 0) {
		a[2] += a[0];
		a[3] = (unsigned long)large + a[2];
		a[4] = length - a[2];
		a[0] = CPTR_SYSTEM | SLOT_REPLY;
		a[1] = COPY_IN;
	}
}

/* A byte of each page, where the client has put it. */
static unsigned long look(unsigned long length)
{
	unsigned long sum = 0;

	for (unsigned long at = 0; at < length; at += 4096)
		sum += shared[at];
	return sum;
}

/* What comes seldom: the kernel call to go on with. */
static __attribute__((noinline)) unsigned long handle_rare(struct ipc *ipc)
{
	switch (INFO_LABEL(ipc->info)) {
	case TAKE:
		take(ipc->m[0]);
		ipc->info = 0;
		return KCALL_reply_recv;
	case LOOK:
		ipc->m[0] = look(ipc->m[0]);
		ipc->info = 0;
		return KCALL_reply_recv;
	case PLAY:
		play(ipc->m[0]);
		return KCALL_recv;
	case FILE_OPEN:
		answer_open(ipc);
		return KCALL_reply_recv;
	case LABEL_CLOSED:
		return KCALL_recv;
	}
	*ipc = (struct ipc){ .m = { -38ul } };
	return KCALL_reply_recv;
}

/* The message stays in registers for the calls that are counted. */
static inline __attribute__((always_inline)) unsigned long handle(struct ipc *ipc)
{
	struct ipc rare;
	unsigned long number;

	if (__builtin_expect(INFO_LABEL(ipc->info) == ECHO, 1)) {
		ipc->info = 0;
		return KCALL_reply_recv;
	}
	if (INFO_LABEL(ipc->info) == ECHO_DATA) {
		data[DATA_WORDS - 1]++;
		ipc->info = INFO(0, DATA_WORDS * sizeof(long));
		return KCALL_reply_recv;
	}
	ipc->target = 0; /* the badge: nobody looks at it */
	rare = *ipc;
	number = handle_rare(&rare);
	*ipc = rare;
	return number;
}

static _Noreturn void serve(const char *path, const char *next_path, int ready)
{
	unsigned long next = (unsigned long)(next_path ? open(next_path, O_RDONLY) : -1), number = KCALL_recv;
	struct ipc ipc = { 0 };

	if (uxrt_serve(path) || write(ready, "", 1) != 1)
		_exit(1);
	for (unsigned i = 0; i < LARGE; i += 4096)
		large[i] = 1;
	data = (void *)uxrt_native()->message()->data;
	receive_into(CPTR_SYSTEM | SLOT_PEER);
	for (;;) {
		ipc.target = CPTR_SYSTEM | SLOT_ENDPOINT;
		ipc.reply = CPTR_SYSTEM | SLOT_REPLY;
		MUST(uxrt_enter(number, &ipc) == 0);
		while (ipc.info == INFO(PASS_ON, 0)) {
			ipc.target = next;
			ipc.info = INFO(ECHO, 0);
			ipc.reply = CPTR_SYSTEM | SLOT_REPLY;
			MUST(uxrt_forward_recv(&ipc, CPTR_SYSTEM | SLOT_ENDPOINT) == 0);
		}
		number = handle(&ipc);
	}
}

static int start(const char *path, const char *next, pid_t *server)
{
	int ready[2], fd;
	char byte;

	MUST(pipe(ready) == 0);
	pid_t child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(path, next, ready[1]);
	}
	*server = child;
	close(ready[1]);
	MUST(child > 0 && read(ready[0], &byte, 1) == 1);
	close(ready[0]);
	fd = open(path, O_RDONLY);
	MUST(fd >= 0);
	return fd;
}

void native_prepare(void)
{
	if (server_a)
		return;
	data = (void *)uxrt_native()->message()->data;
	for (unsigned i = 0; i < LARGE; i += 4096)
		large[i] = 1;
	shared = mmap(NULL, LARGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	MUST(shared != MAP_FAILED);
	for (unsigned i = 0; i < LARGE; i += 4096)
		shared[i] = 1;
	server_b = start(PATH_B, NULL, &process_b);
	server_a = start(PATH_A, PATH_B, &process_a);
}

void native_call(void)
{
	unsigned long sent = ECHO;

	MUST(uxrt_call_label((unsigned long)server_a, &sent) == 0);
}

void native_call_word(void)
{
	struct ipc ipc = { .target = (unsigned long)server_a, .info = ECHO, .m = { 1 } };

	MUST(uxrt_enter(KCALL_call, &ipc) == 0 && ipc.m[0] == 1);
}

void native_call_words(void)
{
	struct ipc ipc = { .target = (unsigned long)server_a, .info = ECHO, .m = { 1, 2, 3, 4, 5, 6, 7, 8 } };

	MUST(uxrt_enter(KCALL_call, &ipc) == 0 && ipc.m[7] == 8);
}

void native_call_data(void)
{
	unsigned long sent = INFO(ECHO, SMALL);

	MUST(uxrt_call_label((unsigned long)server_a, &sent) == 0);
}

void native_call_shared(void)
{
	struct ipc ipc = { .target = (unsigned long)server_a, .info = LOOK, .m = { LARGE } };

	MUST(uxrt_enter(KCALL_call, &ipc) == 0 && ipc.m[0] == LARGE / 4096);
}

int native_server(void)
{
	return process_a;
}

static unsigned long calls(unsigned n, unsigned long info)
{
	native_prepare();
	unsigned long server = (unsigned long)server_a;
	unsigned long start = ticks();
	for (unsigned i = 0; i < n; i++) {
		unsigned long sent = info;

		MUST(uxrt_call_label(server, &sent) == 0);
	}
	return ticks() - start;
}

static unsigned long row_empty(unsigned n)
{
	return calls(n, ECHO);
}

/* The first `count` words go out and come back. */
static inline __attribute__((always_inline)) unsigned long words(unsigned n, unsigned count)
{
	unsigned long sum = 0;

	native_prepare();
	unsigned long start = ticks();
	for (unsigned i = 0; i < n; i++) {
		struct ipc ipc = { .target = (unsigned long)server_a, .info = ECHO, .m = { i } };

#pragma GCC unroll 8
		for (unsigned w = 1; w < count; w++)
			ipc.m[w] = w;
		MUST(uxrt_enter(KCALL_call, &ipc) == 0);
#pragma GCC unroll 8
		for (unsigned w = 0; w < count; w++)
			sum += ipc.m[w];
	}
	start = ticks() - start;
	MUST(sum == n * (count * (count - 1ul) / 2) + n * (n - 1ul) / 2);
	return start;
}

static unsigned long row_word(unsigned n)
{
	return words(n, 1);
}

static unsigned long row_4_words(unsigned n)
{
	return words(n, 4);
}

static unsigned long row_5_words(unsigned n)
{
	return words(n, 5);
}

static unsigned long row_8_words(unsigned n)
{
	return words(n, 8);
}

/* In data[], there and back. */
static unsigned long row_120_words(unsigned n)
{
	native_prepare();
	unsigned long start = ticks();
	for (unsigned i = 0; i < n; i++) {
		unsigned long info = INFO(ECHO_DATA, DATA_WORDS * sizeof(long));

		data[DATA_WORDS - 1] = i;
		MUST(uxrt_call_label((unsigned long)server_a, &info) == 0 && data[DATA_WORDS - 1] == i + 1);
	}
	return ticks() - start;
}

static unsigned long row_data(unsigned n)
{
	return calls(n, INFO(ECHO, SMALL));
}

static unsigned long row_window(unsigned n)
{
	struct message_buffer *message = uxrt_native()->message();

	native_prepare();
	message->window[0] = (struct message_window){ (unsigned long)large, LARGE };
	unsigned long start = ticks();
	for (unsigned i = 0; i < n; i++) {
		struct ipc ipc = { .target = (unsigned long)server_a, .info = TAKE | INFO_WINDOWS(1), .m = { LARGE } };

		MUST(uxrt_enter(KCALL_call, &ipc) == 0);
	}
	return ticks() - start;
}

static unsigned long row_shared(unsigned n)
{
	native_prepare();
	unsigned long start = ticks();
	for (unsigned i = 0; i < n; i++)
		native_call_shared();
	return ticks() - start;
}

static unsigned long row_forward(unsigned n)
{
	return calls(n, PASS_ON);
}

/* Each signals the other's Notification and waits for its own. */
static unsigned long row_signals(unsigned n)
{
	unsigned long own = CPTR_SYSTEM | own_notification(), bits;

	native_prepare();
	struct ipc ipc = { .target = (unsigned long)server_a, .info = PLAY | INFO_CAPS(1), .m = { n } };
	give_notification();
	receive_into(CPTR_SYSTEM | SLOT_PEER);
	MUST(uxrt_enter(KCALL_call, &ipc) == 0 && INFO_CAPS_OF(ipc.info) == 1);
	receive_into(SLOT_NONE);
	unsigned long start = ticks();
	for (unsigned i = 0; i < n; i++)
		MUST(uxrt_signal(CPTR_SYSTEM | SLOT_PEER) == 0 && uxrt_wait(own, &bits) == 0 && bits == 1);
	start = ticks() - start;
	forget_peer();
	return start;
}

/* No call has this number: the kernel is entered, looks at it, and is left. */
static unsigned long row_null(unsigned n)
{
	unsigned long start = ticks();

	for (unsigned i = 0; i < n; i++)
		MUST(uxrt_enter_plain(KCALL_COUNT) == K_BAD_CALL);
	return ticks() - start;
}

static unsigned long row_yield(unsigned n)
{
	unsigned long start = ticks();

	for (unsigned i = 0; i < n; i++)
		MUST(uxrt_enter_plain(KCALL_yield) == K_OK);
	return ticks() - start;
}

const struct row native_rows[] = {
	{ "null", "null kernel call: a number that no call has", 4000, row_null },
	{ "yield", "yield, nobody else is ready", 4000, row_yield },
	{ "native", "native call and answer, two processes", 1000, row_empty },
	{ "native_8", "the same with 8 bytes in registers both ways", 1000, row_word },
	{ "native_32", "the same with 32 bytes (4 words) in registers both ways", 1000, row_4_words },
	{ "native_40", "the same with 40 bytes (5 words) in registers both ways", 1000, row_5_words },
	{ "native_64", "the same with 64 bytes in registers both ways", 1000, row_8_words },
	{ "native_960", "the same with 960 bytes (120 words) copied both ways", 1000, row_120_words },
	{ "native_4k", "the same with 4 KiB copied from the client", 200, row_data },
	{ "native_1m", "the same with 1 MiB copied from the client's window", 5, row_window },
	{ "native_shared", "the same with 1 MiB in memory that both map, the server looks at each page", 200, row_shared },
	{ "native_forward", "native call, forwarded by one server, answered by another", 1000, row_forward },
	{ "native_signal", "Notification ping-pong, two processes: a signal there and one back", 1000, row_signals },
	{ 0 },
};
