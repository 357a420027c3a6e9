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
enum { ECHO = 0x4000, PASS_ON, TAKE, LOOK };

#define SMALL 4096
#define LARGE (1 << 20)
#define SLOT_REPLY  SLOT_IRQ /* slots that a program does not use otherwise */
#define SLOT_HANDLE (SLOT_IRQ + 1)

static unsigned char large[LARGE] __attribute__((aligned(4096)));
static volatile unsigned char *shared; /* LARGE, of all three */
static int server_a, server_b; /* descriptors */
static pid_t process_a, process_b;

/* The Handle goes into the client's descriptor, whoever it is. */
static void answer_open(struct ipc *ipc)
{
	unsigned long a[8] = { CPTR_SYSTEM | SLOT_POOL, CPTR_SYSTEM | SLOT_ENDPOINT, 1, CPTR_SYSTEM | SLOT_HANDLE };

	*ipc = (struct ipc){ .info = INFO(0, 0), .reply = ipc->reply };
	if (uxrt_native()->object(KCALL_handle_mint, a)) {
		ipc->m[0] = -12ul;
		return;
	}
	uxrt_native()->message()->send_slot[0] = CPTR_SYSTEM | SLOT_HANDLE;
	ipc->m[1] = 0100600;
	ipc->info |= INFO_CAPS(1);
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

	if (INFO_LABEL(ipc->info) == ECHO) {
		ipc->info = 0;
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

/* One word goes out and comes back. */
static unsigned long row_word(unsigned n)
{
	unsigned long word = 1;

	native_prepare();
	unsigned long start = ticks();
	for (unsigned i = 0; i < n; i++) {
		struct ipc ipc = { .target = (unsigned long)server_a, .info = ECHO, .m = { word } };

		MUST(uxrt_enter(KCALL_call, &ipc) == 0);
		word = ipc.m[0] + 1;
	}
	start = ticks() - start;
	MUST(word == n + 1);
	return start;
}

/* All eight. */
static unsigned long row_words(unsigned n)
{
	unsigned long sum = 0;

	native_prepare();
	unsigned long start = ticks();
	for (unsigned i = 0; i < n; i++) {
		struct ipc ipc = { .target = (unsigned long)server_a, .info = ECHO, .m = { i, 1, 2, 3, 4, 5, 6, 7 } };

		MUST(uxrt_enter(KCALL_call, &ipc) == 0);
		sum += ipc.m[0] + ipc.m[1] + ipc.m[2] + ipc.m[3] + ipc.m[4] + ipc.m[5] + ipc.m[6] + ipc.m[7];
	}
	start = ticks() - start;
	MUST(sum == n * 28ul + n * (n - 1ul) / 2);
	return start;
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

const struct row native_rows[] = {
	{ "native", "native call and answer, two processes", 1000, row_empty },
	{ "native_8", "the same with 8 bytes in registers both ways", 1000, row_word },
	{ "native_64", "the same with 64 bytes in registers both ways", 1000, row_words },
	{ "native_4k", "the same with 4 KiB copied from the client", 200, row_data },
	{ "native_1m", "the same with 1 MiB copied from the client's window", 5, row_window },
	{ "native_shared", "the same with 1 MiB in memory that both map, the server looks at each page", 200, row_shared },
	{ "native_forward", "native call, forwarded by one server, answered by another", 1000, row_forward },
	{ 0 },
};
