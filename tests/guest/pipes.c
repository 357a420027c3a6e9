/*
 * Pipes: writes that stay whole, many writers and readers, ends that go away, big transfers, waiting on both sides.
 *
 * calls: pipe2
 */
#include "report.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>

static int p[2];

static void open_pipe(void)
{
	if (pipe(p) != 0)
		exit(98);
}

/* Writes of PIPE_BUF bytes by several processes must not be mixed. */
static void whole_writes(void)
{
	enum { WRITERS = 4, WRITES = 60 };
	open_pipe();
	for (int i = 0; i < WRITERS; i++)
		if (child() == 0) {
			char block[PIPE_BUF];
			memset(block, 'a' + i, sizeof block);
			for (int j = 0; j < WRITES; j++)
				if (write(p[1], block, sizeof block) != sizeof block)
					_exit(1);
			_exit(0);
		}
	close(p[1]);
	static char got[PIPE_BUF];
	int counts[WRITERS] = { 0 }, mixed = 0;
	for (;;) {
		size_t have = 0;
		ssize_t n = 1;
		while (have < sizeof got && (n = read(p[0], got + have, sizeof got - have)) > 0)
			have += n;
		if (have == 0)
			break;
		int same = 1;
		for (size_t i = 1; i < have; i++)
			same &= got[i] == got[0];
		mixed += !same || have != sizeof got;
		counts[got[0] - 'a']++;
	}
	printf("%d %d %d %d, mixed %d\n", counts[0], counts[1], counts[2], counts[3], mixed);
	while (wait(NULL) > 0)
		;
}

static void nonblocking_whole(void)
{
	static char bytes[65536];
	open_pipe();
	fcntl(p[1], F_SETFL, O_NONBLOCK);
	show("fills", write(p[1], bytes, 65536));
	show("full", write(p[1], bytes, 1));
	read(p[0], bytes, 100);
	show("too little room for a whole write", write(p[1], bytes, 4096));
	read(p[0], bytes, 3996);
	show("a page is free", write(p[1], bytes, 4096));
	read(p[0], bytes, 8192);
	show("larger writes may be cut", write(p[1], bytes, 65536));
	struct pollfd poll_write = { .fd = p[1], .events = POLLOUT };
	show("not writable", poll(&poll_write, 1, 0));
	show("set size", fcntl(p[1], F_SETPIPE_SZ, 131072) >= 131072);
	show("more room", write(p[1], bytes, 65536));
	show("smaller than its content", fcntl(p[1], F_SETPIPE_SZ, 4096));
	int count = 0;
	ioctl(p[0], FIONREAD, &count);
	printf("content %d\n", count);
}

static volatile int signals;

static void on_signal(int number)
{
	(void)number;
	signals++;
}

static void no_reader(void)
{
	static char bytes[200000];
	open_pipe();
	if (child() == 0) {
		close(p[1]);
		nap_ms(20);
		read(p[0], bytes, 1000);
		_exit(0);
	}
	close(p[0]);
	handle(SIGPIPE, on_signal, 0);
	long n = write(p[1], bytes, sizeof bytes);
	printf("a write that waits for room gets what it wrote or an end: %d\n", n > 0 || errno == EPIPE);
	show("next", write(p[1], bytes, 1));
	printf("signals %d\n", signals >= 1);
	signal(SIGPIPE, SIG_IGN);
	show("ignored", write(p[1], bytes, 1));
	struct pollfd f = { .fd = p[1], .events = POLLOUT };
	poll(&f, 1, 0);
	printf("poll %x\n", f.revents);
	wait(NULL);
	show("no writer", (open_pipe(), close(p[1]), read(p[0], bytes, 10)));
	f = (struct pollfd){ .fd = p[0], .events = POLLIN };
	poll(&f, 1, 0);
	printf("poll %x\n", f.revents);
}

static void both_wait(void)
{
	int back[2];
	open_pipe();
	if (pipe(back) != 0)
		return;
	if (child() == 0) {
		int n;
		close(p[1]);
		while (read(p[0], &n, sizeof n) == sizeof n) {
			n = n * 2 + 1;
			if (write(back[1], &n, sizeof n) != sizeof n)
				_exit(1);
		}
		_exit(0);
	}
	long sum = 0;
	for (int i = 0; i < 1000; i++) {
		int n = i;
		if (write(p[1], &n, sizeof n) == sizeof n && read(back[0], &n, sizeof n) == sizeof n)
			sum += n;
	}
	close(p[1]);
	int status;
	wait(&status);
	show_status("child", status);
	printf("sum %ld\n", sum);
}

static void many_readers(void)
{
	enum { READERS = 5, ITEMS = 500 };
	open_pipe();
	for (int i = 0; i < READERS; i++)
		if (child() == 0) {
			int item, taken = 0;
			close(p[1]);
			while (read(p[0], &item, sizeof item) == sizeof item)
				taken++;
			_exit(taken > 250 ? 250 : taken);
		}
	for (int i = 0; i < ITEMS; i++) {
		if (write(p[1], &i, sizeof i) != sizeof i)
			return;
		if (i % 10 == 0)
			nap_ms(1);
	}
	close(p[1]);
	int status, total = 0, capped = 0;
	while (wait(&status) > 0) {
		total += WEXITSTATUS(status);
		capped |= WEXITSTATUS(status) == 250;
	}
	printf("taken once each %d\n", total == ITEMS || capped);
}

static void kept_open(void)
{
	char c;
	open_pipe();
	int copy = dup(p[1]);
	close(p[1]);
	if (child() == 0) {
		nap_ms(20);
		_exit(write(copy, "x", 1) != 1);
	}
	close(copy);
	show("the child's copy keeps it", read(p[0], &c, 1));
	show("then it ends", read(p[0], &c, 1));
	wait(NULL);
	open_pipe();
	pid_t pid = child();
	if (pid == 0)
		for (;;)
			pause();
	close(p[1]);
	kill(pid, SIGSTOP);
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	show("a stopped holder", read(p[0], &c, 1));
	fcntl(p[0], F_SETFL, 0);
	kill(pid, SIGKILL);
	show("a killed one", read(p[0], &c, 1));
	wait(NULL);
	struct stat st;
	fstat(p[0], &st);
	printf("a FIFO %d, size %d, links %d\n", S_ISFIFO(st.st_mode), (int)st.st_size, (int)st.st_nlink);
}

static void pieces(void)
{
	char a[4] = "", b[8] = "", one[64];
	open_pipe();
	struct iovec out[] = { { "ab", 2 }, { "", 0 }, { "cdefg", 5 } }, in[] = { { a, 3 }, { b, 8 } };
	show("writev", writev(p[1], out, 3));
	show("readv", readv(p[0], in, 2));
	printf("%.3s %.4s\n", a, b);
	for (int i = 0; i < 3; i++)
		write(p[1], "xyz", 3);
	show("joined", read(p[0], one, sizeof one));
	write(p[1], "abcdef", 6);
	show("part", read(p[0], one, 2));
	show("rest", read(p[0], one, sizeof one));
	show("empty write", write(p[1], one, 0));
	struct pollfd f = { .fd = p[0], .events = POLLIN };
	show("nothing to read", poll(&f, 1, 0));
	show("bad flags", pipe2(p, 1));
	int *volatile bad = (int *)8;
	show("bad address", pipe(bad));
	write(p[1], "kept", 4);
	void *volatile nowhere = (void *)8;
	show("into nowhere", read(p[0], nowhere, 4));
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	show("still there", read(p[0], one, sizeof one));
	show("from nowhere", write(p[1], nowhere, 4));
}

static void packets(void)
{
	int d[2];
	char one[64];
	show("packets", pipe2(d, O_DIRECT));
	write(d[1], "first", 5);
	write(d[1], "second", 6);
	show("one at a time", read(d[0], one, sizeof one));
	show("the rest of a packet is lost", read(d[0], one, 3));
	fcntl(d[0], F_SETFL, O_NONBLOCK);
	show("none left", read(d[0], one, 3));
}

#define WAITERS 1800

static int got, failed;

static void *wait_for_one(void *unused)
{
	char c;
	ssize_t n = read(p[0], &c, 1);
	__atomic_fetch_add(n == 1 ? &got : &failed, 1, __ATOMIC_SEQ_CST);
	return unused;
}

/* As many may wait at once as there can be threads. */
static void thousands_of_readers(void)
{
	static pthread_t threads[WAITERS];
	static const char bytes[WAITERS];
	pthread_attr_t small;
	int made = 0;
	open_pipe();
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 16384);
	while (made < WAITERS && pthread_create(&threads[made], &small, wait_for_one, NULL) == 0)
		made++;
	show("threads", made);
	nap_ms(100);
	show("written", write(p[1], bytes, sizeof bytes));
	for (int i = 0; i < made; i++)
		pthread_join(threads[i], NULL);
	printf("got one %d, failed %d\n", got, failed);
}

/* Another thread waits at an end whose last descriptor is closed, so only its call still has it; then the other end goes. */
static void *waits_at_end(void *writes)
{
	static char bytes[1 << 17];
	ssize_t n = writes ? write(p[1], bytes, sizeof bytes) : read(p[0], bytes, sizeof bytes);
	int error = errno;

	return (void *)(n < 0 ? -(long)error : (long)n);
}

static void closed_while_waiting(void)
{
	int other[2]; /* what serves pipes was not started anew meanwhile */

	signal(SIGPIPE, SIG_IGN);
	if (pipe(other) != 0)
		exit(98);
	show("another", write(other[1], "x", 1));
	for (int writes = 0; writes < 2; writes++)
		for (int i = 0; i < 50; i++) {
			pthread_t thread;
			void *result;

			open_pipe();
			pthread_create(&thread, NULL, waits_at_end, writes ? p : NULL);
			nap_ms(2);
			close(p[writes]);
			close(p[!writes]);
			pthread_join(thread, &result);
			if (i == 49)
				printf("%s: %ld\n", writes ? "written" : "read", (long)result);
		}
	char byte;
	show("the other", read(other[0], &byte, 1));
}

int main(int argc, char **argv)
{
	static const struct part parts[] = { PART(closed_while_waiting), PART(whole_writes), PART(nonblocking_whole), PART(no_reader), PART(both_wait), PART(many_readers),
		PART(kept_open), PART(pieces), PART(packets), PART(thousands_of_readers) };
	return RUN_PARTS(parts, argc, argv);
}
