/*
 * What a hostile program can do to the kernel: make any kernel call from its gate with any registers. Processes that do so are forked and
 * killed while another one does ordinary work; the system and that work must not notice. On Linux there are no such calls, and only the
 * ordinary work is shown. With "root" as the first argument: any request of root instead, with any words.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "abi/gate.h"
#include "abi/kernel.h"
#include "abi/native.h"
#include "abi/process.h"
#include "tests/guest/show.h"

#define CALLS_EACH 2000
#define PATIENCE   1000000ul /* ns that one call may wait */
#define LIMIT_MS   400       /* what a process without a way to root takes to be noticed */

static struct progress {
	volatile unsigned long calls;
	volatile int finished;
} *progress;

static uint64_t state;

static uint64_t any(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % below;
}

static uint64_t any_word(void)
{
	switch (any(9)) {
	case 0: return 0;
	case 1: return any(64);
	case 2: return any(5000);
	case 3: return -1 - any(4);
	case 4: return 1ul << any(64);
	case 5: return GATE_BASE + (any(1ul << 31) & ~0xffful);
	case 6: return PAGE_REF(any(40), any(4));
	case 7: return any(1ul << 47) & ~0xffful;
	default: return any(UINT64_MAX);
	}
}

/* Mostly one that is there. */
static uint64_t any_cptr(void)
{
	switch (any(8)) {
	case 0: return any(8);
	case 1: return any_word();
	case 2: return CPTR_SYSTEM | any(700);
	case 3: return any(2) ? CPTR_FILES : CPTR_SYSTEM | SLOT_SYSTEM;
	default: return CPTR_SYSTEM | any(40);
	}
}

/* No label that root or a server knows: what those do when asked properly is another test's matter. */
static uint64_t any_info(void)
{
	uint64_t label = any(4) ? 0x4000 + any(0x4000) : LABEL_KERNEL - 2 + any(6);

	return INFO(label, any(2) ? 0 : any(MESSAGE_BYTES + 10)) | INFO_CAPS(any(3) ? 0 : any(8)) | INFO_WINDOWS(any(3) ? 0 : any(20)) |
	       (any(3) ? 0 : INFO_INTERRUPTIBLE) | (any(50) ? 0 : (any_word() & ~INFO_LABEL_MASK));
}

static void fill_message(struct message_buffer *message)
{
	for (int i = 0; i < MESSAGE_CAPS; i++) {
		message->recv_slot[i] = any(3) ? any_cptr() : SLOT_NONE;
		message->send_slot[i] = any_cptr();
	}
	for (int i = 0; i < MESSAGE_WINDOWS; i++) {
		message->window[i].base = any_word();
		message->window[i].len = any_word();
	}
	for (int i = 0; i < 16; i++)
		message->data[any(MESSAGE_BYTES)] = any(256);
}

static int ask_root;

/* Any request of root but those that rightly end or change other processes or the machine, or make more that do this. */
static unsigned root_label(void)
{
	static const unsigned meant_for_others[] = { PROC_CLONE, PROC_RLIMIT, PROC_KILL, PROC_TGKILL, PROC_SIGQUEUE, PROC_LOG, PROC_REBOOT,
							  PROC_SET_TIME, PROC_TTY_SIGNAL, PROC_EXIT, PROC_SIGDEFAULT };
	unsigned label, i;

	do {
		label = 256 + any(160);
		for (i = 0; i < sizeof meant_for_others / sizeof *meant_for_others && meant_for_others[i] != label; i++)
			;
	} while (i < sizeof meant_for_others / sizeof *meant_for_others);
	return label;
}

static void ipc_call(const struct native_api *native)
{
	struct ipc ipc = { .target = any_cptr(), .info = any_info(), .reply = any_cptr(),
			   .deadline = any(3) ? native->monotonic() + any(PATIENCE) : DEADLINE_NOW };

	for (int i = 0; i < MESSAGE_WORDS; i++)
		ipc.m[i] = any_word();
	if (ask_root && any(4)) {
		ipc.target = CPTR_SYSTEM | SLOT_ROOT;
		ipc.info = INFO(root_label(), INFO_BYTES_OF(ipc.info)) | INFO_WINDOWS(INFO_WINDOWS_OF(ipc.info)) | INFO_INTERRUPTIBLE;
		native->ipc(KCALL_call, &ipc);
		return;
	}
	native->ipc(any(7), &ipc);
}

static const unsigned char cap_calls[] = { KCALL_cap_copy, KCALL_cap_move, KCALL_cap_delete, KCALL_cap_revoke, KCALL_cap_copy_range,
					   KCALL_cap_delete_range, KCALL_cap_identify };

static void object_call(const struct native_api *native)
{
	unsigned long a[8], number = any(3) ? cap_calls[any(sizeof cap_calls)] : 16 + any(KCALL_COUNT - 10);

	for (int i = 0; i < 8; i++)
		a[i] = any(2) ? any_cptr() : any(2) ? any(40) : any_word();
	/* else every process would soon have nothing left to name */
	if ((number == KCALL_cap_delete || number == KCALL_cap_delete_range) && any(16))
		a[2] = 1 + any(3), a[1] = 16 + any(60);
	native->object(number, a);
}

static void make_calls(uint64_t seed)
{
	const struct native_api *native = (const struct native_api *)GATE_NATIVE;

	state = seed * 0x9e3779b97f4a7c15ul;
	for (int i = 0; i < CALLS_EACH; i++) {
		if (!any(4))
			fill_message(native->message());
		if (any(3) && !ask_root)
			object_call(native);
		else
			ipc_call(native);
		progress->calls++;
	}
	progress->finished = 1;
	_exit(0);
}

static void pause_ms(unsigned ms)
{
	struct timespec time = { .tv_nsec = ms * 1000000ul };

	nanosleep(&time, NULL);
}

/* A process that has deleted its way to root can only be killed. */
static void attack(uint64_t seed)
{
	pid_t pid;

	progress->finished = 0;
	pid = fork();
	if (!pid) {
		if (setgid(65534) || setuid(65534))
			_exit(1);
		make_calls(seed);
	}
	for (unsigned ms = 0; ms < LIMIT_MS && !progress->finished && !waitpid(pid, NULL, WNOHANG); ms += 2)
		pause_ms(2);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* ---- ordinary work ---- */

static int piped(unsigned round)
{
	unsigned char buffer[1000], expected = round;
	int ends[2], status, right = 1;
	ssize_t n;

	if (pipe(ends))
		return 0;
	if (!fork()) {
		close(ends[0]);
		memset(buffer, expected, sizeof buffer);
		for (int i = 0; i < 20; i++)
			if (write(ends[1], buffer, sizeof buffer) != sizeof buffer)
				_exit(1);
		_exit(expected);
	}
	close(ends[1]);
	for (unsigned total = 0; (n = read(ends[0], buffer, sizeof buffer)) > 0; total += n)
		for (ssize_t i = 0; i < n; i++)
			right &= buffer[i] == expected;
	close(ends[0]);
	wait(&status);
	return right && WIFEXITED(status) && WEXITSTATUS(status) == expected;
}

static int filed(unsigned round)
{
	char name[] = "work", text[64] = { 0 }, back[64] = { 0 };
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);

	for (unsigned i = 0; i < sizeof text; i++)
		text[i] = round * 31 + i;
	if (write(fd, text, sizeof text) != sizeof text || lseek(fd, 0, SEEK_SET) || read(fd, back, sizeof back) != sizeof back)
		return 0;
	return !close(fd) && !unlink(name) && !memcmp(text, back, sizeof text);
}

static void work(volatile int *stop, volatile unsigned *right, volatile unsigned *wrong)
{
	for (unsigned round = 0; !*stop; round++) {
		if (piped(round & 127) && filed(round))
			++*right;
		else
			++*wrong;
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "root"))
		ask_root = 1, argv++, argc--;
	unsigned processes = argc > 1 ? atoi(argv[1]) : 100;
	struct {
		int stop;
		unsigned right, wrong;
	} volatile *sibling = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t first_seed = argc > 2 ? strtoul(argv[2], NULL, 0) : 1;
	int uxrt = !access("/proc/uxrt", F_OK);
	pid_t pid;
	int status;

	progress = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid = fork();
	if (!pid)
		work(&sibling->stop, &sibling->right, &sibling->wrong);
	for (unsigned i = 0; i < processes && uxrt; i++)
		attack(first_seed + i);
	while (sibling->right + sibling->wrong < 20)
		pause_ms(10);
	sibling->stop = 1;
	show("sibling", waitpid(pid, &status, 0) == pid ? status : -1);
	show("wrong rounds", sibling->wrong);
	if (argc > 1)
		show("kernel calls", progress->calls);
	return 0;
}
