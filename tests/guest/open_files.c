/*
 * Descriptors and open files: what is shared over fork and dup, what exec closes, limits, offsets, errors.
 *
 * calls: copy_file_range dup dup2 dup3 lseek newfstatat preadv pwritev sendfile setrlimit
 */
#include "report.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static char *self;

static int make_file(const char *name, const char *text)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		exit(95);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static void show_file(const char *name)
{
	char text[256];
	int fd = open(name, O_RDONLY);
	ssize_t n = read(fd, text, sizeof text - 1);
	text[n > 0 ? n : 0] = 0;
	printf("%s: %s\n", name, text);
	close(fd);
}

static void offset_fork(void)
{
	char text[8] = "";
	int fd = make_file("shared", "0123456789abcdefghij");
	int other = open("shared", O_RDONLY);
	if (child() == 0) {
		_exit(read(fd, text, 3) == 3 && lseek(fd, 2, SEEK_CUR) == 5 ? 0 : 1);
	}
	int status;
	wait(&status);
	show_status("child", status);
	show("parent's offset", lseek(fd, 0, SEEK_CUR));
	show("read", read(fd, text, 4));
	printf("%.4s\n", text);
	show("another open file's offset", lseek(other, 0, SEEK_CUR));
	lseek(fd, 0, SEEK_SET);
	if (child() == 0)
		_exit(write(fd, "child", 5) != 5);
	wait(NULL);
	show("parent writes after it", write(fd, "PARENT", 6));
	show_file("shared");
}

static void append_lines(int fd, char letter, int count)
{
	char line[32];
	memset(line, letter, sizeof line);
	line[31] = '\n';
	for (int i = 0; i < count; i++)
		if (write(fd, line, sizeof line) != sizeof line)
			_exit(1);
}

static void append_two(void)
{
	enum { LINES = 400 };
	for (int i = 0; i < 2; i++)
		if (child() == 0) {
			int fd = open("log", O_WRONLY | O_CREAT | O_APPEND, 0644);
			append_lines(fd, "ab"[i], LINES);
			_exit(0);
		}
	wait(NULL);
	wait(NULL);
	FILE *f = fopen("log", "r");
	char line[64];
	int a = 0, b = 0, broken = 0;
	while (fgets(line, sizeof line, f)) {
		int whole = strlen(line) == 32 && strspn(line, (char[]){ line[0], 0 }) == 31;
		broken += !whole;
		a += whole && line[0] == 'a';
		b += whole && line[0] == 'b';
	}
	fclose(f);
	printf("%d of a, %d of b, %d broken\n", a, b, broken);
	int fd = open("log", O_RDWR | O_APPEND);
	lseek(fd, 0, SEEK_SET);
	show("write", write(fd, "x", 1));
	show("offset after it", lseek(fd, 0, SEEK_CUR));
	show("pwrite appends too", pwrite(fd, "y", 1, 0));
	show("size", lseek(fd, 0, SEEK_END));
	show("offset cleared of O_APPEND", fcntl(fd, F_SETFL, 0));
	show("pwrite at 0", pwrite(fd, "z", 1, 0));
	show("size", lseek(fd, 0, SEEK_END));
}

static void list_open(void)
{
	for (int fd = 3; fd < 40; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			printf("open: %d\n", fd);
}

static void cloexec(void)
{
	int fd = make_file("f", "text");
	dup2(fd, 20);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	dup3(fd, 21, O_CLOEXEC);
	dup2(21, 22);
	fcntl(fd, F_DUPFD_CLOEXEC, 23);
	fcntl(fd, F_DUPFD, 24);
	close(open("f", O_RDONLY | O_CLOEXEC));
	int p[2];
	if (pipe2(p, O_CLOEXEC) == 0)
		dup2(p[1], 30);
	show("flag of 20", fcntl(20, F_GETFD));
	show("flag of 21", fcntl(21, F_GETFD));
	show("flag of 22", fcntl(22, F_GETFD));
	if (child() == 0) {
		execl(self, self, "list_open", NULL);
		_exit(1);
	}
	wait(NULL);
	char c;
	close(p[1]);
	close(30);
	show("end of the pipe", read(p[0], &c, 1));
}

static void duplicates(void)
{
	int fd = make_file("f", "0123456789");
	show("lowest", dup(fd) - fd);
	show("dup2 onto itself", dup2(fd, fd) == fd);
	show("dup3 onto itself", dup3(fd, fd, 0));
	show("dup3 bad flag", syscall(SYS_dup3, fd, 30, O_APPEND));
	show("dup of closed", dup(50));
	show("dup2 of closed", dup2(50, 51));
	show("dup2 of closed onto itself", dup2(50, 50));
	show("dup2 to -1", dup2(fd, -1));
	show("F_DUPFD from 40", fcntl(fd, F_DUPFD, 40));
	show("F_DUPFD from 40 again", fcntl(fd, F_DUPFD, 40));
	show("F_DUPFD from -1", fcntl(fd, F_DUPFD, -1));
	lseek(40, 4, SEEK_SET);
	show("offset is shared", lseek(fd, 0, SEEK_CUR));
	show("append for one", fcntl(41, F_SETFL, O_APPEND));
	show("append for the other", (fcntl(fd, F_GETFL) & O_APPEND) != 0);
	show("cloexec for one", fcntl(41, F_SETFD, FD_CLOEXEC));
	show("cloexec for the other", fcntl(fd, F_GETFD));
	show("access mode stays", (fcntl(fd, F_SETFL, O_WRONLY), fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR);
	show("close", close(fd));
	show("close again", close(fd));
	char c;
	show("still open by the other", read(40, &c, 1));
	show("unknown fcntl", fcntl(40, 12345, 0));
	show("close_range", syscall(SYS_close_range, 40, 60, 0));
	show("closed", fcntl(41, F_GETFD));
}

static void seeking(void)
{
	int p[2];
	if (pipe(p) != 0)
		return;
	int fd = make_file("f", "0123456789");
	show("set", lseek(fd, 3, SEEK_SET));
	show("current", lseek(fd, 3, SEEK_CUR));
	show("end", lseek(fd, -1, SEEK_END));
	show("before the start", lseek(fd, -11, SEEK_END));
	show("offset unchanged", lseek(fd, 0, SEEK_CUR));
	show("bad whence", lseek(fd, 0, 9));
	show("too far", lseek(fd, LLONG_MAX, SEEK_CUR));
	show("past the end", lseek(fd, 100, SEEK_SET));
	char c = 'x';
	show("read past the end", read(fd, &c, 1));
	show("write past the end", write(fd, &c, 1));
	show("size", lseek(fd, 0, SEEK_END));
	show("the gap reads zero", pread(fd, &c, 1, 50) == 1 && c == 0);
	show("pipe", lseek(p[0], 0, SEEK_SET));
	show("pread of a pipe", pread(p[0], &c, 1, 0));
	show("pread negative", pread(fd, &c, 1, -1));
	show("offset after pread", lseek(fd, 0, SEEK_CUR));
	int d = open(".", O_RDONLY);
	show("read of a directory", read(d, &c, 1));
	show("write-only", read(open("f", O_WRONLY), &c, 1));
	show("read-only", write(open("f", O_RDONLY), &c, 1));
	show("truncated below the offset", ftruncate(fd, 5));
	show("offset stays", lseek(fd, 0, SEEK_CUR));
}

static void vectors(void)
{
	int fd = make_file("f", "abcdefghij");
	char a[3], b[4], c[5];
	struct iovec v[] = { { a, 3 }, { NULL, 0 }, { b, 4 }, { c, 5 } };
	show("readv", readv(fd, v, 4));
	printf("%.3s %.4s %.3s\n", a, b, c);
	show("preadv", preadv(fd, v, 1, 7));
	printf("%.3s\n", a);
	show("offset", lseek(fd, 0, SEEK_CUR));
	show("writev", writev(fd, v, 3));
	show("pwritev", pwritev(fd, v, 1, 0));
	show_file("f");
	show("no elements", readv(fd, v, 0));
	show("too many", readv(fd, v, IOV_MAX + 1));
	show("negative count", readv(fd, v, -1));
	v[0].iov_len = -1;
	show("negative length", writev(fd, v, 1));
	struct iovec bad[] = { { a, 3 }, { (void *)8, 4 } };
	lseek(fd, 0, SEEK_SET);
	show("second buffer bad", readv(fd, bad, 2) > 0);
	static struct iovec many[IOV_MAX];
	static char bytes[IOV_MAX];
	for (int i = 0; i < IOV_MAX; i++)
		many[i] = (struct iovec){ &bytes[i], 1 };
	memset(bytes, 'm', sizeof bytes);
	show("the most", pwritev(fd, many, IOV_MAX, 0));
	show("size", lseek(fd, 0, SEEK_END));
}

static void bad_descriptors(void)
{
	char buffer[8];
	struct stat st;
	int closed[] = { -1, 50, 1000000, INT_MAX, INT_MIN };
	for (size_t i = 0; i < sizeof closed / sizeof *closed; i++) {
		int fd = closed[i];
		int all = read(fd, buffer, 1) == -1 && errno == EBADF;
		all += write(fd, buffer, 1) == -1 && errno == EBADF;
		all += close(fd) == -1 && errno == EBADF;
		all += fstat(fd, &st) == -1 && errno == EBADF;
		all += lseek(fd, 0, SEEK_SET) == -1 && errno == EBADF;
		all += fcntl(fd, F_GETFL) == -1 && errno == EBADF;
		all += ioctl(fd, FIONREAD, buffer) == -1 && errno == EBADF;
		all += ftruncate(fd, 0) == -1 && errno == EBADF;
		all += fsync(fd) == -1 && errno == EBADF;
		all += fchdir(fd) == -1 && errno == EBADF;
		all += fchmod(fd, 0) == -1 && errno == EBADF;
		all += dup(fd) == -1 && errno == EBADF;
		printf("%d of 12 say EBADF\n", all);
	}
	show("fstatat", fstatat(50, "x", &st, 0));
	show("fstatat with an absolute path", fstatat(50, "/", &st, 0));
	show("openat", openat(50, "x", O_RDONLY));
	show("ioctl of a file", ioctl(make_file("f", ""), TIOCGPGRP, buffer));
	show("isatty of a file", (errno = 0, isatty(make_file("f", ""))));
	show("isatty's error is ENOTTY", errno == ENOTTY);
}

static void limits(void)
{
	struct rlimit old, few = { 10, 10 };
	getrlimit(RLIMIT_NOFILE, &old);
	few.rlim_max = old.rlim_max;
	show("setrlimit", setrlimit(RLIMIT_NOFILE, &few));
	int last = -1, fd, opened = 0;
	while ((fd = open("/dev/null", O_RDONLY)) >= 0)
		last = fd, opened++;
	show("open", fd);
	printf("last %d, all up to it: %d\n", last, opened >= 1);
	int p[2];
	show("pipe", pipe(p));
	show("dup", dup(0));
	show("dup2 to the limit", dup2(0, 10));
	show("F_DUPFD to the limit", fcntl(0, F_DUPFD, 10));
	close(9);
	show("pipe needs two", pipe(p));
	show("one is free", open("/dev/null", O_RDONLY));
	few.rlim_cur = 5;
	show("lowered", setrlimit(RLIMIT_NOFILE, &few));
	char c;
	show("those above stay open", read(9, &c, 1));
	few.rlim_cur = few.rlim_max + 1;
	show("above the hard limit", setrlimit(RLIMIT_NOFILE, &few));
}

static void copying(void)
{
	int in = make_file("in", "0123456789"), out = make_file("out", "");
	off_t at = 2;
	show("sendfile", sendfile(out, in, &at, 5));
	printf("at %lld, offset %lld\n", (long long)at, (long long)lseek(in, 0, SEEK_CUR));
	show("sendfile from the offset", sendfile(out, in, NULL, 100));
	show_file("out");
	show("at the end", sendfile(out, in, NULL, 100));
	int p[2];
	if (pipe(p) != 0)
		return;
	at = 0;
	show("sendfile to a pipe", sendfile(p[1], in, &at, 4));
	show("sendfile from a pipe", sendfile(out, p[0], NULL, 4));
	show("sendfile for appending", sendfile(open("out", O_WRONLY | O_APPEND), in, &at, 4));
	off_t from = 8, to = 1;
	int copy = make_file("copy", "abcdefghij");
	show("copy_file_range", copy_file_range(in, &from, copy, &to, 10, 0));
	printf("from %lld to %lld\n", (long long)from, (long long)to);
	show_file("copy");
	show("copy_file_range flags", copy_file_range(in, &from, copy, &to, 10, 1));
	show("copy_file_range of a pipe", copy_file_range(p[0], NULL, copy, NULL, 1, 0));
	from = 0, to = 3;
	show("onto itself", copy_file_range(copy, &from, copy, &to, 5, 0));
}

#define PAGE 4096

static unsigned sum_of(const unsigned char *bytes, ssize_t n)
{
	unsigned sum = 0;

	for (ssize_t i = 0; i < n; i++)
		sum = sum * 31 + bytes[i];
	return sum;
}

/* Into a page that was never touched, one that was, and one that may not be. */
static void read_over(const char *name, unsigned char *m, long offset, size_t start, size_t length)
{
	int fd = open(name, O_RDONLY);
	ssize_t n;

	madvise(m, PAGE, MADV_DONTNEED);
	memset(m + PAGE, 0xee, PAGE);
	lseek(fd, offset, SEEK_SET);
	n = read(fd, m + start, length);
	printf("%s from %ld to %zu, %zu: %zd %s, sum %08x, at %ld, again %zd\n", name, offset, start, length, n, n < 0 ? strerror(errno) : "", sum_of(m + start, n),
	       (long)lseek(fd, 0, SEEK_CUR), pread(fd, m + start, length, offset));
	close(fd);
}

static void write_over(const char *name, const unsigned char *m, size_t start, size_t length)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct stat st;
	ssize_t n = write(fd, m + start, length);

	fstat(fd, &st);
	printf("%s of %zu, %zu: %zd %s, size %ld, at %ld\n", name, start, length, n, n < 0 ? strerror(errno) : "", (long)st.st_size, (long)lseek(fd, 0, SEEK_CUR));
	close(fd);
}

/* A small file, a large one, and what has no file: how much of a transfer is done when the buffer ends too early, and where that leaves the offset. */
static void missing_pages(void)
{
	unsigned char *m = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), bytes[5 * PAGE];
	static const char *const names[] = { "small", "large", "/dev/zero" };

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)(i * 7 + i / 251);
	for (int i = 0; i < 2; i++) {
		int fd = open(names[i], O_WRONLY | O_CREAT, 0600);
		show(names[i], write(fd, bytes, i ? sizeof bytes : 3000));
		close(fd);
	}
	mprotect(m + 2 * PAGE, PAGE, PROT_NONE);
	for (int i = 0; i < 3; i++) {
		read_over(names[i], m, 0, 0, 2 * PAGE);
		read_over(names[i], m, 10, PAGE - 100, 3000);
		read_over(names[i], m, 100, 2 * PAGE - 500, 1000);
		read_over(names[i], m, 0, 2 * PAGE, 100);
	}
	write_over("w", m, 0, 3 * PAGE);
	write_over("w", m, 2 * PAGE - 70, 200);
	write_over("w", m, 2 * PAGE, 200);
}

/* A file that fits into a page, then does not; is mapped, written through the map, and cut again: bytes, blocks and holes stay what they are. */
static void small_files(void)
{
	int fd = make_file("f", "small"), other = open("f", O_RDONLY);
	char *map, text[16] = "";
	struct stat st;

	fstat(fd, &st);
	printf("size %ld, blocks %ld\n", (long)st.st_size, (long)st.st_blocks);
	map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	printf("mapped: %.5s, %d\n", map, map[5]);
	memcpy(map, "SMALL", 5);
	show("read what the map has", pread(other, text, 10, 0));
	printf("%s\n", text);
	show("write behind", pwrite(fd, "end", 3, PAGE - 1));
	printf("the map sees %c\n", map[PAGE - 1]);
	show("cut", ftruncate(fd, 2));
	printf("cut: %c%c%d%d\n", map[0], map[1], map[2], map[PAGE - 1]);
	show("grow", ftruncate(fd, 3000));
	show("data", lseek(fd, 0, SEEK_DATA));
	show("hole", lseek(fd, 0, SEEK_HOLE));
	fd = make_file("g", "");
	show("a hole alone", ftruncate(fd, 1000));
	fstat(fd, &st);
	printf("size %ld, blocks %ld\n", (long)st.st_size, (long)st.st_blocks);
	show("no data", lseek(fd, 0, SEEK_DATA));
	show("one byte", pwrite(fd, "x", 1, 500));
	fstat(fd, &st);
	printf("size %ld, blocks %ld\n", (long)st.st_size, (long)st.st_blocks);
	show("in front of it", pread(fd, text, 16, 490));
	printf("%d %c %d\n", text[9], text[10], text[11]);
	show("empty", ftruncate(fd, 0));
	fstat(fd, &st);
	printf("size %ld, blocks %ld\n", (long)st.st_size, (long)st.st_blocks);
	show("reserved", fallocate(fd, 0, 100, 200));
	show("written there", pwrite(fd, "y", 1, 99));
	fstat(fd, &st);
	printf("size %ld, blocks %ld\n", (long)st.st_size, (long)st.st_blocks);
}

int main(int argc, char **argv)
{
	self = argv[0];
	static const struct part parts[] = { PART(offset_fork), PART(append_two), PART(list_open), PART(cloexec), PART(duplicates), PART(seeking),
		PART(vectors), PART(bad_descriptors), PART(limits), PART(copying), PART(missing_pages), PART(small_files) };
	return RUN_PARTS(parts, argc, argv);
}
