/*
 * Memory: private and shared mappings, files mapped beside read and write, protection, faults, growing and shrinking.
 *
 * calls: brk mmap mprotect msync munmap
 */
#include "report.h"

#include <fcntl.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define PAGE 4096ul

static sigjmp_buf back;
static siginfo_t fault;

static void on_fault(int number, siginfo_t *info, void *context)
{
	(void)number, (void)context;
	fault = *info;
	siglongjmp(back, 1);
}

static void catch_faults(void)
{
	handle_info(SIGSEGV, on_fault, 0);
	handle_info(SIGBUS, on_fault, 0);
}

/* Touches a byte: what happened, and whether the address told is right. */
static void touch(const char *what, volatile char *at, int write)
{
	if (sigsetjmp(back, 1) == 0) {
		char c = *at;
		if (write)
			*at = c;
		printf("%s: %d\n", what, c);
		return;
	}
	printf("%s: %s code %d address %s\n", what, fault.si_signo == SIGBUS ? "SIGBUS" : "SIGSEGV", fault.si_code,
	       fault.si_addr == at ? "right" : "wrong");
}

static char *map(size_t pages, int protection, int flags, int fd, off_t offset)
{
	return mmap(NULL, pages * PAGE, protection, flags, fd, offset);
}

static int file_of(const char *name, size_t size)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
	char *bytes = malloc(size);
	for (size_t i = 0; i < size; i++)
		bytes[i] = 'a' + i / PAGE;
	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
		exit(95);
	free(bytes);
	return fd;
}

static void shared_file(void)
{
	int fd = file_of("f", 2 * PAGE);
	char *m = map(2, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), *n = map(1, PROT_READ, MAP_SHARED, fd, PAGE), c[2];
	m[0] = 'M';
	m[PAGE] = 'N';
	show("read sees the mapping", pread(fd, c, 1, 0) == 1 && c[0] == 'M');
	printf("another mapping sees it: %c\n", n[0]);
	show("write", pwrite(fd, "W", 1, 1));
	printf("the mapping sees write: %c\n", m[1]);
	close(fd);
	m[2] = 'X';
	if (child() == 0) {
		m[3] = 'C';
		_exit(0);
	}
	wait(NULL);
	printf("a child writes it: %c\n", m[3]);
	int again = open("f", O_RDONLY);
	show("the file has it", pread(again, c, 2, 2) == 2 && c[0] == 'X' && c[1] == 'C');
	show("msync", msync(m, PAGE, MS_SYNC));
	unlink("f");
	m[4] = 'U';
	printf("unlinked, still mapped: %c\n", m[4]);
	show("munmap", munmap(m, 2 * PAGE));
	printf("the other stays: %c\n", n[0]);
}

static void private_file(void)
{
	int fd = file_of("f", 2 * PAGE);
	char *m = map(2, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0), c;
	m[0] = 'P';
	show("the file is as it was", pread(fd, &c, 1, 0) == 1 && c == 'a');
	show("write", pwrite(fd, "W", 1, PAGE));
	printf("a page not yet written shows it: %c\n", m[PAGE]);
	if (child() == 0) {
		m[1] = 'C';
		_exit(m[0] != 'P');
	}
	int status;
	wait(&status);
	show_status("child saw the private page", status);
	printf("its write stayed with it: %c\n", m[1]);
	int reader = open("f", O_RDONLY);
	show_ok("private and writable of a reader", (long)map(1, PROT_WRITE, MAP_PRIVATE, reader, 0));
	show_ok("shared and writable of a reader", (long)map(1, PROT_WRITE, MAP_SHARED, reader, 0));
	show_ok("of a writer only", (long)map(1, PROT_READ, MAP_SHARED, open("f", O_WRONLY), 0));
	char *r = map(1, PROT_READ, MAP_SHARED, reader, 0);
	show("made writable", mprotect(r, PAGE, PROT_READ | PROT_WRITE));
}

static void past_the_end(void)
{
	int fd = file_of("f", PAGE + 100);
	char *m = map(4, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	catch_faults();
	touch("inside", m + PAGE + 99, 1);
	touch("rest of the last page", m + PAGE + 100, 1);
	touch("behind it", m + 2 * PAGE, 0);
	show("grown", ftruncate(fd, 3 * PAGE));
	touch("now inside", m + 2 * PAGE, 1);
	touch("still behind", m + 3 * PAGE, 1);
	show("shrunk", ftruncate(fd, 10));
	touch("cut off", m + 2 * PAGE, 0);
	touch("kept", m + 9, 0);
	m[20] = 'z';
	show("grown again", ftruncate(fd, PAGE));
	char c = 'x';
	pread(fd, &c, 1, 9);
	touch("first byte", m, 0);
	char buffer[8];
	show("read into what is gone", read(open("/dev/zero", O_RDONLY), m + 2 * PAGE, 8));
	show("write from what is gone", write(open("w", O_CREAT | O_WRONLY, 0644), m + 2 * PAGE, sizeof buffer));
}

static void protection(void)
{
	catch_faults();
	char *m = map(4, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	m[0] = m[PAGE] = 1;
	show("read only", mprotect(m, PAGE, PROT_READ));
	touch("read", m, 0);
	touch("write", m, 1);
	show("none", mprotect(m + PAGE, PAGE, PROT_NONE));
	touch("read", m + PAGE, 0);
	show("back", mprotect(m, 2 * PAGE, PROT_READ | PROT_WRITE));
	touch("write", m + PAGE, 1);
	munmap(m + 2 * PAGE, PAGE);
	touch("unmapped", m + 2 * PAGE, 0);
	show("over a hole", mprotect(m, 4 * PAGE, PROT_READ));
	touch("changed up to the hole", m + PAGE, 1);
	show("unaligned", syscall(SYS_mprotect, m + 1, PAGE, PROT_READ));
	show("unknown bits", mprotect(m, PAGE, 0x80));
	touch("low", (char *)16, 0);
	touch("high", (char *)0x7ffffffff000, 0);
	if (sigsetjmp(back, 1) == 0)
		*(volatile char *)0xffff800000000000;
	printf("kernel's half: code %d\n", fault.si_code);
	if (sigsetjmp(back, 1) == 0)
		*(volatile char *)0x1234567890abcdef;
	printf("no address: signal %d code %d\n", fault.si_signo, fault.si_code);
}

static void executing(void)
{
	static const unsigned char code[] = { 0xb8, 42, 0, 0, 0, 0xc3 };
	catch_faults();
	char *m = map(1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memcpy(m, code, sizeof code);
	int (*volatile function)(void) = (int (*)(void))m;
	if (sigsetjmp(back, 1) == 0)
		printf("ran %d\n", function());
	else
		printf("data: code %d at it: %d\n", fault.si_code, fault.si_addr == m);
	show("executable", mprotect(m, PAGE, PROT_READ | PROT_EXEC));
	printf("ran %d\n", function());
	touch("not writable", m, 1);
	mprotect(m, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
	m[1] = 43;
	printf("changed %d\n", function());
	int fd = open("code", O_RDWR | O_CREAT, 0755);
	if (write(fd, code, sizeof code) != sizeof code)
		return;
	m = map(1, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	function = (int (*)(void))m;
	printf("from a file %d\n", function());
}

static void placement(void)
{
	char *m = map(8, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < 8; i++)
		m[i * PAGE] = i + 1;
	show("fixed replaces", mmap(m + 2 * PAGE, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == m + 2 * PAGE);
	printf("%d %d %d %d\n", m[PAGE], m[2 * PAGE], m[3 * PAGE], m[4 * PAGE]);
	show("not over another", (long)mmap(m + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
	show("unmapped in the middle", munmap(m + 4 * PAGE, PAGE));
	show("free place", mmap(m + 4 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == m + 4 * PAGE);
	show("hint taken", (munmap(m, PAGE), mmap(m, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == m));
	show_ok("hint occupied", (long)mmap(m, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	show("no length", (long)mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	show("neither private nor shared", (long)mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0));
	show("offset unaligned", (long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 0, 100));
	show("no descriptor", (long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, -1, 0));
	show("a directory", (long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, open(".", O_RDONLY), 0));
	show("fixed unaligned", (long)mmap(m + 1, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	show("fixed in the kernel's half", (long)mmap((void *)0xffff800000000000, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	show("whole address space", (long)mmap(NULL, 1ul << 47, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	show("munmap unaligned", munmap(m + 1, PAGE));
	show("munmap nothing", munmap(m, 0));
	show("munmap a hole", munmap((void *)0x10000000000, PAGE));
	char *big = mmap(NULL, 64ul << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	show_ok("64 GiB reserved", (long)big);
	show("a piece used", mprotect(big + (32ul << 30), PAGE, PROT_READ | PROT_WRITE));
	big[32ul << 30] = 5;
	show("released", munmap(big, 64ul << 30));
}

static void remapping(void)
{
	char *m = map(4, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < 4; i++)
		m[i * PAGE] = i + 1;
	char *n = mremap(m, 4 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
	printf("grown: %d %d %d %d, new %d\n", n[0], n[PAGE], n[2 * PAGE], n[3 * PAGE], n[63 * PAGE]);
	show("shrunk", mremap(n, 64 * PAGE, 2 * PAGE, 0) == n);
	catch_faults();
	touch("cut off", n + 2 * PAGE, 0);
	char *to = map(4, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	show("moved to a place", mremap(n, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	touch("there", to + PAGE, 1);
	touch("no longer here", n, 0);
	show("of nothing", (long)mremap(n, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
	show("unaligned", (long)mremap(to + 1, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
	show("to no length", (long)mremap(to, PAGE, 0, MREMAP_MAYMOVE));
	show("in place without room", (long)mremap(to, PAGE, 4 * PAGE, 0));
	int fd = file_of("f", 3 * PAGE);
	char *f = map(1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	f = mremap(f, PAGE, 3 * PAGE, MREMAP_MAYMOVE);
	printf("a file's mapping shows more of it: %c %c\n", f[0], f[2 * PAGE]);
	f[2 * PAGE] = 'R';
	char c;
	show("still shared", pread(fd, &c, 1, 2 * PAGE) == 1 && c == 'R');
}

static void advice(void)
{
	char *m = map(4, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(m, 'x', 4 * PAGE);
	show("don't need", madvise(m + PAGE, 2 * PAGE, MADV_DONTNEED));
	printf("%d %d %d %d\n", m[0], m[PAGE], m[2 * PAGE], m[3 * PAGE]);
	int fd = file_of("f", 2 * PAGE);
	char *f = map(2, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0), *s = map(1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	f[0] = 'P';
	s[1] = 'S';
	madvise(f, 2 * PAGE, MADV_DONTNEED);
	madvise(s, PAGE, MADV_DONTNEED);
	printf("the file again: %c, shared kept: %c\n", f[0], s[1]);
	show("free", madvise(m, PAGE, MADV_FREE));
	show("will need", madvise(f, PAGE, MADV_WILLNEED));
	show("sequential", madvise(f, PAGE, MADV_SEQUENTIAL));
	show("unaligned", madvise(m + 1, PAGE, MADV_DONTNEED));
	show("unknown", madvise(m, PAGE, 9999));
	munmap(m + PAGE, PAGE);
	show("hole", madvise(m, 3 * PAGE, MADV_DONTNEED));
	show("lock", mlock(f, PAGE));
	show("unlock", munlock(f, PAGE));
	unsigned char in[4];
	show("mincore of a hole", mincore(m, 3 * PAGE, in));
	char *child_free = map(1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*child_free = 1;
	show("not for children", madvise(child_free, PAGE, MADV_DONTFORK));
	catch_faults();
	if (child() == 0) {
		touch("in the child", child_free, 0);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

static void breaks(void)
{
	char *start = (char *)syscall(SYS_brk, 0);
	show("grown", (char *)syscall(SYS_brk, start + 10 * PAGE) == start + 10 * PAGE);
	printf("zero: %d\n", start[9 * PAGE]);
	memset(start, 'b', 10 * PAGE);
	show("shrunk", (char *)syscall(SYS_brk, start + PAGE) == start + PAGE);
	catch_faults();
	touch("cut off", start + 5 * PAGE, 0);
	syscall(SYS_brk, start + 10 * PAGE);
	touch("zero again", start + 5 * PAGE, 1);
	show("absurd leaves it", (char *)syscall(SYS_brk, 1ul << 62) == start + 10 * PAGE);
	show("below the start leaves it", (char *)syscall(SYS_brk, 1) == start + 10 * PAGE);
	if (child() == 0)
		_exit((char *)syscall(SYS_brk, 0) != start + 10 * PAGE);
	int status;
	wait(&status);
	show_status("child has the same", status);
	struct rlimit limit = { 20 * PAGE, 20 * PAGE };
	setrlimit(RLIMIT_DATA, &limit);
	show("limit", (char *)syscall(SYS_brk, start + (64 << 20)) == start + 10 * PAGE);
}

static long depth_of(long left)
{
	volatile char frame[1000];
	frame[0] = left;
	return left ? depth_of(left - 1) + (frame[0] == (char)left) : 0;
}

static void overflow(void)
{
	depth_of(1000000000);
}

static void stack(void)
{
	printf("5 MB deep: %ld\n", depth_of(5000));
	show_status("too deep", in_child(overflow));
	struct rlimit limit = { 256 << 10, RLIM_INFINITY };
	setrlimit(RLIMIT_STACK, &limit);
	show_status("deep under a smaller limit", in_child(overflow));
	volatile char big[100 << 10];
	big[0] = 1;
	printf("100 KB at once: %d\n", big[0]);
}

static void between_processes(void)
{
	volatile int *m = (int *)map(1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < 4; i++)
		if (child() == 0) {
			for (int j = 0; j < 1000; j++)
				__atomic_add_fetch(m, 1, __ATOMIC_SEQ_CST);
			_exit(0);
		}
	while (wait(NULL) > 0)
		;
	printf("counted %d\n", *m);
	if (child() == 0) {
		if (child() == 0) {
			m[1] = 7;
			munmap((void *)m, PAGE);
			_exit(0);
		}
		wait(NULL);
		_exit(m[1]);
	}
	int status;
	wait(&status);
	show_status("over two forks", status);
	int fd = memfd_create("name", 0);
	show("memfd sized", ftruncate(fd, PAGE));
	char *a = map(1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), *b = map(1, PROT_READ, MAP_SHARED, fd, 0);
	strcpy(a, "memfd");
	printf("%s\n", b);
	fd = shm_open("/name", O_RDWR | O_CREAT | O_EXCL, 0600);
	show_ok("shm_open", fd);
	ftruncate(fd, PAGE);
	a = map(1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (child() == 0) {
		int other = shm_open("/name", O_RDWR, 0);
		strcpy(map(1, PROT_READ | PROT_WRITE, MAP_SHARED, other, 0), "by name");
		_exit(0);
	}
	wait(NULL);
	printf("%s\n", a);
	show("shm_unlink", shm_unlink("/name"));
	show("gone", shm_open("/name", O_RDWR, 0));
	char *zero = map(1, PROT_READ | PROT_WRITE, MAP_PRIVATE, open("/dev/zero", O_RDWR), 0);
	printf("/dev/zero: %d\n", zero[100]);
}

int main(int argc, char **argv)
{
	static const struct part parts[] = { PART(shared_file), PART(private_file), PART(past_the_end), PART(protection), PART(executing),
		PART(placement), PART(remapping), PART(advice), PART(breaks), PART(stack), PART(between_processes) };
	return RUN_PARTS(parts, argc, argv);
}
