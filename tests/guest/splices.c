/*
 * splice, tee, vmsplice.
 *
 * calls: splice tee vmsplice
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/guest/show.h"

static void nap(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&t, &t) < 0)
		;
}

static void drain(int fd)
{
	char text[100] = "";
	long n = read(fd, text, 99);

	printf("%ld [%s]\n", n, text);
}

static int file_with(const char *name, const char *text)
{
	int fd = open(name, O_CREAT | O_RDWR | O_TRUNC, 0600);

	write(fd, text, strlen(text));
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static void files(void)
{
	int p[2], in = file_with("in", "0123456789"), out = file_with("out", "");
	off_t at = 3, to = 5;
	char text[40] = "";

	pipe2(p, O_NONBLOCK);
	SHOW(splice(in, NULL, p[1], NULL, 4, 0));
	SHOW(lseek(in, 0, SEEK_CUR));
	drain(p[0]);
	SHOW(splice(in, &at, p[1], NULL, 100, 0));
	printf("offset %ld, position %ld\n", (long)at, (long)lseek(in, 0, SEEK_CUR));
	SHOW(splice(p[0], NULL, out, NULL, 3, 0));
	SHOW(splice(p[0], NULL, out, &to, 100, 0));
	printf("offset %ld, position %ld\n", (long)to, (long)lseek(out, 0, SEEK_CUR));
	SHOW(pread(out, text, 40, 0));
	printf("%s %d %s\n", text, text[3], text + 5);
	SHOW(splice(p[0], NULL, out, NULL, 10, 0));
	SHOW(splice(in, &at, p[1], NULL, 10, 0));
	SHOW(splice(p[0], NULL, in, NULL, 0, 0));
	SHOW(splice(p[0], NULL, out, NULL, 10, 0x100));
	SHOW(splice(in, NULL, out, NULL, 10, 0));
	SHOW(splice(p[0], &at, out, NULL, 10, 0));
	SHOW(splice(in, NULL, p[1], &at, 10, 0));
	SHOW(splice(99, NULL, p[1], NULL, 10, 0));
	SHOW(splice(in, NULL, 99, NULL, 10, 0));
	SHOW(splice(p[1], NULL, out, NULL, 10, 0));
	SHOW(splice(in, NULL, p[0], NULL, 10, 0));
	at = -1;
	SHOW(splice(in, &at, p[1], NULL, 10, 0));
	SHOW(splice(in, (void *)8, p[1], NULL, 10, 0));
	write(p[1], "x", 1);
	fcntl(out, F_SETFL, O_APPEND);
	SHOW(splice(p[0], NULL, out, NULL, 10, 0));
	close(p[1]);
	drain(p[0]);
	SHOW(splice(p[0], NULL, in, NULL, 10, 0));
}

static void pipes(void)
{
	int a[2], b[2];
	char text[20] = "";

	pipe(a);
	pipe(b);
	write(a[1], "abcdef", 6);
	SHOW(tee(a[0], b[1], 100, 0));
	drain(b[0]);
	SHOW(splice(a[0], NULL, b[1], NULL, 4, 0));
	drain(b[0]);
	drain(a[0]);
	fflush(stdout);
	if (fork() == 0) {
		nap(30);
		write(a[1], "late", 4);
		_exit(0);
	}
	SHOW(tee(a[0], b[1], 100, 0));
	wait(NULL);
	SHOW(splice(a[0], NULL, b[1], NULL, 100, SPLICE_F_NONBLOCK));
	SHOW(splice(a[0], NULL, b[1], NULL, 100, SPLICE_F_NONBLOCK));
	SHOW(read(b[0], text, 20));
	puts(text);
	SHOW(tee(a[0], b[1], 100, SPLICE_F_NONBLOCK));
	SHOW(tee(a[0], b[1], 0, 0));
	SHOW(tee(a[0], b[1], 10, 0x100));
	SHOW(tee(a[0], a[1], 10, 0));
	SHOW(splice(a[0], NULL, a[1], NULL, 10, 0));
	SHOW(tee(b[1], a[1], 10, 0));
	SHOW(tee(1, a[1], 10, 0));
	SHOW(tee(99, a[1], 10, 0));
	int f = open("f", O_CREAT | O_RDWR, 0600);
	SHOW(tee(f, a[1], 10, 0));
	fcntl(b[1], F_SETPIPE_SZ, 4096);
	write(b[1], "full", 4);
	write(a[1], "more", 4);
	SHOW(splice(a[0], NULL, b[1], NULL, 100, SPLICE_F_NONBLOCK));
	drain(b[0]);
	drain(a[0]);
	close(b[0]);
	write(a[1], "x", 1);
	signal(SIGPIPE, SIG_IGN);
	SHOW(splice(a[0], NULL, b[1], NULL, 100, 0));
	SHOW(tee(a[0], b[1], 100, 0));
	close(a[1]);
	drain(a[0]);
	pipe(b);
	SHOW(splice(a[0], NULL, b[1], NULL, 100, 0));
	SHOW(tee(a[0], b[1], 100, 0));
}

static void memory(void)
{
	int p[2];
	char one[] = "first ", two[] = "second", x[4] = "", y[20] = "";
	struct iovec v[2] = { { one, 6 }, { two, 6 } }, r[2] = { { x, 3 }, { y, 20 } };
	static char big[100000];
	struct iovec large = { big, sizeof big };

	pipe(p);
	SHOW(vmsplice(p[1], v, 2, 0));
	SHOW(vmsplice(p[0], r, 2, 0));
	printf("%s|%s\n", x, y);
	SHOW(vmsplice(p[1], v, 0, 0));
	SHOW(vmsplice(p[1], v, 1025, 0));
	SHOW(vmsplice(p[1], v, 2, 0x100));
	SHOW(vmsplice(p[1], (void *)8, 1, 0));
	SHOW(vmsplice(99, v, 1, 0));
	SHOW(vmsplice(open("f", O_CREAT | O_RDWR, 0600), v, 1, 0));
	SHOW(vmsplice(p[0], r, 2, SPLICE_F_NONBLOCK));
	SHOW(vmsplice(p[1], &large, 1, SPLICE_F_NONBLOCK) <= 65536);
	SHOW(vmsplice(p[1], v, 1, SPLICE_F_NONBLOCK));
}

/* A pipeline through splice alone, with a checksum. */
static void much(void)
{
	int a[2], b[2], out = open("copy", O_CREAT | O_RDWR | O_TRUNC, 0600), in = open("source", O_CREAT | O_RDWR | O_TRUNC, 0600);
	static unsigned char block[65536];
	unsigned long sum = 0, copy = 0;
	long n;

	for (int i = 0; i < 20; i++) {
		for (unsigned k = 0; k < sizeof block; k++)
			sum += block[k] = (unsigned char)(k * 7 + i);
		write(in, block, sizeof block - i);
		for (int k = 0; k < i; k++)
			sum -= block[sizeof block - 1 - k];
	}
	lseek(in, 0, SEEK_SET);
	pipe(a);
	pipe(b);
	if (fork() == 0) {
		close(a[0]);
		while (splice(in, NULL, a[1], NULL, 100000, 0) > 0)
			;
		_exit(0);
	}
	close(a[1]);
	if (fork() == 0) {
		close(b[0]);
		while (splice(a[0], NULL, b[1], NULL, 50000, 0) > 0)
			;
		_exit(0);
	}
	close(a[0]);
	close(b[1]);
	while (splice(b[0], NULL, out, NULL, 70000, 0) > 0)
		;
	while (wait(NULL) > 0)
		;
	lseek(out, 0, SEEK_SET);
	while ((n = read(out, block, sizeof block)) > 0)
		for (long k = 0; k < n; k++)
			copy += block[k];
	printf("%d, %ld bytes\n", sum == copy, (long)lseek(out, 0, SEEK_END));
}

int main(int argc, char **argv)
{
	static const struct part parts[] = { { "files", files }, { "pipes", pipes }, { "memory", memory }, { "much", much } };

	return run_parts(parts, sizeof parts / sizeof *parts, argc, argv);
}
