/*
 * Descriptors: numbers, copies, flags, sharing over fork and exec, and the errors of each call.
 *
 * calls: pread64 writev
 */

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/guest/show.h"

#define RANGE_CLOEXEC 4

/* Addresses that no program has; the compiler must not know. */
static void *volatile nowhere = (void *)8, *volatile gate = (void *)0xffffff0000000000;

static int range(unsigned first, unsigned last, int flags)
{
	return (int)syscall(SYS_close_range, first, last, flags);
}

static void numbers(void)
{
	int a = SHOW(open("n", O_RDWR | O_CREAT, 0644)), b, p[2];

	SHOW(dup(a));
	SHOW(dup(a));
	SHOW(close(a));
	b = SHOW(open("n", O_RDONLY));
	SHOW(dup2(b, 20));
	SHOW(dup2(b, b));
	SHOW(dup2(99, 30));
	SHOW(dup2(99, 99));
	SHOW(dup3(b, b, 0));
	SHOW(dup3(b, 21, 5));
	SHOW(dup3(b, 21, O_CLOEXEC));
	SHOW(fcntl(21, F_GETFD));
	SHOW(fcntl(20, F_GETFD));
	SHOW(fcntl(b, F_DUPFD, 20));
	SHOW(fcntl(b, F_DUPFD_CLOEXEC, 5));
	SHOW(fcntl(b, F_DUPFD, 100000000));
	SHOW(fcntl(b, F_DUPFD, -1));
	SHOW(pipe(p));
	printf("%d %d\n", p[0], p[1]);
	SHOW(pipe2(p, 4));
	SHOW(close(-1));
	SHOW(close(1000));
	SHOW(range(10, 15, 0));
	SHOW(range(20, 25, RANGE_CLOEXEC));
	SHOW(fcntl(20, F_GETFD));
	SHOW(range(9, 8, 0));
	SHOW(range(3, ~0u, 0));
	SHOW(dup(0));
}

static void limit(void)
{
	struct rlimit r = { 12, 12 };
	int last = -1, n;

	SHOW(setrlimit(RLIMIT_NOFILE, &r));
	while ((n = dup(0)) >= 0)
		last = n;
	printf("last %d: %s\n", last, strerror(errno));
	SHOW(dup2(0, 12));
	SHOW(dup2(0, 11));
	SHOW(open("/", O_RDONLY));
	SHOW(close(5));
	SHOW(open("/", O_RDONLY));
}

static void many(void)
{
	struct rlimit r;
	int n = 0, fd;

	getrlimit(RLIMIT_NOFILE, &r);
	r.rlim_cur = r.rlim_max < 900 ? r.rlim_max : 900;
	SHOW(setrlimit(RLIMIT_NOFILE, &r));
	while ((fd = open("/", O_RDONLY | O_DIRECTORY)) >= 0)
		n = fd;
	printf("highest %d\n", n);
	SHOW(fcntl(n, F_GETFD));
	SHOW(range(3, ~0u, 0));
	SHOW(open("/", O_RDONLY));
}

static void access_modes(void)
{
	char c = 'x';
	int r, w, d, p;

	w = open("m", O_WRONLY | O_CREAT, 0644);
	r = open("m", O_RDONLY);
	d = open(".", O_RDONLY);
	p = open("m", O_PATH);
	SHOW(read(w, &c, 1));
	SHOW(write(r, &c, 1));
	SHOW(read(d, &c, 1));
	SHOW(write(d, &c, 1));
	SHOW(read(p, &c, 1));
	SHOW(lseek(p, 0, SEEK_SET));
	SHOW(ftruncate(r, 0));
	SHOW(ftruncate(w, -1));
	SHOW(fchmod(p, 0600));
	SHOW(fcntl(p, F_GETFD));
	SHOW(fcntl(p, F_SETFL, O_APPEND));
	SHOW(fcntl(p, F_GETFL));
	SHOW(fcntl(r, F_GETFL));
	SHOW(fcntl(w, F_GETFL));
	SHOW(fcntl(d, F_GETFL));
	SHOW(fcntl(w, F_SETFL, O_APPEND | O_NONBLOCK));
	SHOW(fcntl(w, F_GETFL));
	SHOW(fcntl(w, 999, 0));
	SHOW(fcntl(77, F_GETFD));
	SHOW(fcntl(w, F_GETPIPE_SZ));
	SHOW(ioctl(w, FIONBIO, 0));
	SHOW(ioctl(r, TIOCGWINSZ, &c));
	SHOW(ioctl(r, FIOCLEX));
	SHOW(fcntl(r, F_GETFD));
	SHOW(ioctl(r, FIONCLEX));
	SHOW(fcntl(r, F_GETFD));
	SHOW(ioctl(99, FIOCLEX));
	SHOW(isatty(r));
}

static void positions(void)
{
	char b[32];
	int fd = open("pos", O_RDWR | O_CREAT | O_TRUNC, 0644), copy = dup(fd), other = open("pos", O_RDWR), p[2];

	SHOW(write(fd, "0123456789", 10));
	SHOW(lseek(copy, 0, SEEK_CUR));
	SHOW(lseek(other, 0, SEEK_CUR));
	SHOW(lseek(fd, -3, SEEK_END));
	SHOW(read(copy, b, 2));
	SHOW(lseek(fd, 0, SEEK_CUR));
	SHOW(lseek(fd, -1, SEEK_SET));
	SHOW(lseek(fd, -100, SEEK_CUR));
	SHOW(lseek(fd, 0, 99));
	SHOW(lseek(99, 0, SEEK_SET));
	SHOW(pread(fd, b, 4, 3));
	printf("%.4s\n", b);
	SHOW(pread(fd, b, 4, -1));
	SHOW(pread(fd, b, 4, 100));
	SHOW(pwrite(fd, "AB", 2, 15));
	SHOW(lseek(fd, 0, SEEK_END));
	SHOW(lseek(fd, 0, SEEK_CUR));
	SHOW(pread(fd, b, 32, 0));
	for (int i = 0; i < 17; i++)
		printf("%02x", (unsigned char)b[i]);
	printf("\n");
	SHOW(ftruncate(fd, 5));
	SHOW(read(other, b, 32));
	SHOW(ftruncate(fd, 4096));
	SHOW(lseek(fd, 0, SEEK_END));
	SHOW(fcntl(fd, F_SETFL, O_APPEND));
	SHOW(lseek(fd, 0, SEEK_SET));
	SHOW(write(fd, "end", 3));
	SHOW(lseek(fd, 0, SEEK_CUR));
	pipe(p);
	SHOW(lseek(p[0], 0, SEEK_CUR));
	SHOW(pread(p[0], b, 1, 0));
	SHOW(pwrite(p[1], b, 1, 0));
	if (fork() == 0) {
		lseek(fd, 77, SEEK_SET);
		_exit(0);
	}
	wait(NULL);
	SHOW(lseek(copy, 0, SEEK_CUR));
}

static void vectors(void)
{
	static char big[100][37], in[5000];
	struct iovec v[100], bad[2] = { { big, 10 }, { nowhere, 10 } };
	int fd = open("vec", O_RDWR | O_CREAT | O_TRUNC, 0644);
	unsigned sum = 0;

	for (int i = 0; i < 100; i++) {
		memset(big[i], 'a' + i % 26, sizeof big[i]);
		v[i] = (struct iovec){ big[i], i % 7 ? sizeof big[i] : 0 };
	}
	SHOW(writev(fd, v, 100));
	SHOW(pread(fd, in, sizeof in, 0));
	for (unsigned i = 0; i < sizeof in; i++)
		sum = sum * 31 + (unsigned char)in[i];
	printf("sum %u\n", sum);
	memset(big, 0, sizeof big);
	SHOW(lseek(fd, 5, SEEK_SET));
	SHOW(readv(fd, v, 100));
	printf("%c %c %c\n", big[1][0], big[1][36], big[99][0]);
	SHOW(preadv(fd, v, 3, 1000));
	SHOW(pwritev(fd, v, 2, 10));
	SHOW(writev(fd, v, -1));
	SHOW(writev(fd, v, 1025));
	SHOW(writev(fd, v, 0));
	SHOW(readv(fd, bad, 2));
	SHOW(lseek(fd, 0, SEEK_SET));
	SHOW(writev(fd, nowhere, 1));
	SHOW(readv(fd, bad, 2));
	v[1].iov_len = -1;
	SHOW(writev(fd, v, 2));
	SHOW(syscall(SYS_preadv2, fd, v, 1, -1, -1, 0x100));
}

static void bad_addresses(void)
{
	int fd = open("bad", O_RDWR | O_CREAT | O_TRUNC, 0644), p[2];
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(page + 4096, 4096);
	memset(page, 'q', 4096);
	pipe(p);
	SHOW(write(fd, nowhere, 10));
	SHOW(write(fd, page + 4090, 100));
	SHOW(lseek(fd, 0, SEEK_SET));
	SHOW(read(fd, nowhere, 3));
	SHOW(read(fd, gate, 3));
	SHOW(read(fd, page, -1));
	SHOW(write(p[1], nowhere, 10));
	SHOW(write(p[1], "hello", 5));
	SHOW(read(p[0], nowhere, 3));
	SHOW(read(p[0], page, 100));
	SHOW(open(nowhere, O_RDONLY));
	SHOW(syscall(SYS_stat, "bad", nowhere));
	SHOW(pipe(nowhere));
	SHOW(syscall(SYS_getcwd, nowhere, 100));
	SHOW(syscall(SYS_readlink, "bad", nowhere, 10));
	mprotect(page, 4096, PROT_READ);
	SHOW(lseek(fd, 0, SEEK_SET));
	SHOW(read(fd, page, 3));
	SHOW(write(fd, page, 3));
}

static void exec_part(void)
{
	char a[8], b[8];
	int keep = open("x", O_RDWR | O_CREAT, 0644), gone = open("x", O_RDONLY | O_CLOEXEC);

	write(keep, "kept", 4);
	snprintf(a, sizeof a, "%d", keep);
	snprintf(b, sizeof b, "%d", gone);
	setenv("KEEP", a, 1);
	setenv("GONE", b, 1);
	fflush(stdout);
	execl("/proc/self/exe", "descriptors", "after_exec", NULL);
	printf("exec: %s\n", strerror(errno));
}

static void after_exec(void)
{
	int keep = atoi(getenv("KEEP")), gone = atoi(getenv("GONE"));

	SHOW(fcntl(keep, F_GETFD));
	SHOW(fcntl(gone, F_GETFD));
	SHOW(lseek(keep, 0, SEEK_CUR));
	SHOW(write(keep, "!", 1));
	SHOW(lseek(keep, 0, SEEK_END));
}

static int lock_type(int fd, int type, long start, long length)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length };

	return fcntl(fd, F_SETLK, &l);
}

static void lock_probe(int fd, long start)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = 1 };

	fcntl(fd, F_GETLK, &l);
	printf("at %ld: type %d start %ld len %ld parent %d\n", start, l.l_type, (long)l.l_start, (long)l.l_len, l.l_pid == getppid());
}

static void in_child(void (*run)(int), int fd)
{
	fflush(stdout);
	if (fork() == 0) {
		run(fd);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

static void probe_all(int fd)
{
	lock_probe(fd, 0);
	lock_probe(fd, 15);
	lock_probe(fd, 25);
	SHOW(lock_type(fd, F_WRLCK, 12, 1));
	SHOW(lock_type(fd, F_RDLCK, 40, 5));
}

static void flock_probe(int fd)
{
	int other = open("lock", O_RDWR);

	SHOW(flock(fd, LOCK_EX | LOCK_NB));
	SHOW(flock(other, LOCK_SH | LOCK_NB));
	SHOW(flock(other, LOCK_EX | LOCK_NB));
}

static void locks(void)
{
	int fd = open("lock", O_RDWR | O_CREAT, 0644), other = open("lock", O_RDONLY);
	struct flock bad = { .l_type = 9 };

	write(fd, "0123456789", 10);
	SHOW(lock_type(fd, F_WRLCK, 10, 10));
	SHOW(lock_type(fd, F_RDLCK, 20, 0));
	in_child(probe_all, fd);
	SHOW(lock_type(fd, F_UNLCK, 14, 2));
	in_child(probe_all, fd);
	SHOW(close(other));
	in_child(probe_all, fd);
	other = open("lock", O_RDONLY);
	SHOW(lock_type(other, F_WRLCK, 0, 1));
	SHOW(lock_type(other, F_RDLCK, -5, 1));
	SHOW(lock_type(99, F_RDLCK, 0, 1));
	SHOW(fcntl(fd, F_SETLK, &bad));
	SHOW(flock(fd, LOCK_EX));
	in_child(flock_probe, fd);
	SHOW(flock(fd, LOCK_SH));
	in_child(flock_probe, fd);
	SHOW(flock(fd, 77));
	SHOW(flock(99, LOCK_SH));
}

static void copies(void)
{
	int in = open("in", O_RDWR | O_CREAT | O_TRUNC, 0644), out = open("out", O_RDWR | O_CREAT | O_TRUNC, 0644), p[2];
	static char b[200000];
	off_t at = 100;
	loff_t from = 0, to = 10;

	for (unsigned i = 0; i < sizeof b; i++)
		b[i] = (char)(i * 7 >> 3);
	SHOW(write(in, b, sizeof b));
	SHOW(sendfile(out, in, &at, 150000));
	printf("at %ld\n", (long)at);
	SHOW(lseek(in, 0, SEEK_CUR));
	SHOW(lseek(out, 0, SEEK_CUR));
	memset(b, 0, sizeof b);
	SHOW(pread(out, b, 4, 0));
	printf("%d %d\n", b[0], b[3]);
	SHOW(lseek(in, 199990, SEEK_SET));
	SHOW(sendfile(out, in, NULL, 100));
	SHOW(sendfile(out, in, NULL, 100));
	SHOW(copy_file_range(in, &from, out, &to, 1000, 0));
	printf("%ld %ld\n", (long)from, (long)to);
	SHOW(copy_file_range(in, NULL, out, NULL, 1000, 1));
	from = 0;
	to = 10;
	SHOW(copy_file_range(in, &from, in, &to, 100, 0));
	pipe(p);
	SHOW(sendfile(p[1], in, &at, 100));
	SHOW(sendfile(out, p[0], NULL, 100));
	SHOW(copy_file_range(p[0], NULL, out, NULL, 10, 0));
	at = -1;
	SHOW(sendfile(out, in, &at, 10));
}

/* ---- many threads ---- */

#define WORKERS 8
#define TURNS 60

static volatile int wrong;

static void expect(int good)
{
	if (!good)
		wrong++;
}

/* A file of the thread's own is seen through every copy of its descriptor, whatever the others open and close. */
static void one_turn(int self, int turn)
{
	char name[20], text[20], back[20] = "";
	int fd, copy, p[2];

	snprintf(name, sizeof name, "own%d", self);
	snprintf(text, sizeof text, "%d of %d", turn, self);
	fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	expect(write(fd, text, sizeof text) == sizeof text);
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 3 + turn % 50);
	close(fd);
	expect(pread(copy, back, sizeof back, 0) == sizeof back && !strcmp(text, back));
	expect(pipe(p) == 0);
	expect(write(p[1], text, sizeof text) == sizeof text);
	struct pollfd f[2] = { { p[0], POLLIN, 0 }, { copy, POLLIN, 0 } };
	expect(poll(f, 2, 1000) == 2);
	memset(back, 0, sizeof back);
	expect(read(p[0], back, sizeof back) == sizeof back && !strcmp(text, back));
	close(p[1]);
	expect(read(p[0], back, sizeof back) == 0);
	close(p[0]);
	close(copy);
}

static void *worker(void *arg)
{
	for (int turn = 0; turn < TURNS; turn++) {
		one_turn((int)(long)arg, turn);
		if (turn % 20 == 7) {
			pid_t pid = fork();

			if (pid == 0) {
				one_turn(100 + (int)(long)arg, turn);
				_exit(wrong != 0);
			}
			int status;
			expect(waitpid(pid, &status, 0) == pid && status == 0);
		}
	}
	return NULL;
}

static void threads(void)
{
	pthread_t t[WORKERS];

	for (long i = 0; i < WORKERS; i++)
		pthread_create(&t[i], NULL, worker, (void *)i);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(t[i], NULL);
	printf("wrong %d, next number %d\n", wrong, dup(0));
}

int main(int argc, char **argv)
{
	static const struct part parts[] = {
		{ "numbers", numbers }, { "limit", limit }, { "many", many }, { "access_modes", access_modes }, { "positions", positions },
		{ "vectors", vectors }, { "bad_addresses", bad_addresses }, { "exec", exec_part }, { "after_exec", after_exec },
		{ "locks", locks }, { "copies", copies },
		{ "threads", threads },
	};

	return run_parts(parts, sizeof parts / sizeof *parts, argc, argv);
}
