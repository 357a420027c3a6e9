/*
 * openat2 with RESOLVE_ flags, close_range with all of its flags, unshare of the descriptor table.
 *
 * calls: close_range openat2 symlink
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/guest/show.h"

struct open_how {
	uint64_t flags, mode, resolve;
};

#define NO_XDEV 1
#define NO_MAGICLINKS 2
#define NO_SYMLINKS 4
#define BENEATH 8
#define IN_ROOT 16
#define CACHED 32

static int openat2(int dir, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = { flags, flags & O_CREAT ? 0600 : 0, resolve };

	return (int)syscall(SYS_openat2, dir, path, &how, sizeof how);
}

/* What was reached: the file's only byte, or "directory". */
static void look(int dir, const char *path, uint64_t resolve)
{
	char c = '-';
	struct stat s;
	int fd = openat2(dir, path, O_RDONLY, resolve);

	if (fd < 0) {
		printf("%s, %lu: %s\n", path, (unsigned long)resolve, strerror(errno));
		return;
	}
	fstat(fd, &s);
	if (S_ISREG(s.st_mode))
		read(fd, &c, 1);
	printf("%s, %lu: %s %c\n", path, (unsigned long)resolve, S_ISDIR(s.st_mode) ? "directory" : "file", c);
	close(fd);
}

static void make(const char *path, char c)
{
	int fd = open(path, O_CREAT | O_WRONLY, 0600);

	write(fd, &c, 1);
	close(fd);
}

static void tree(void)
{
	mkdir("base", 0700);
	mkdir("base/in", 0700);
	mkdir("base/in/deep", 0700);
	make("outside", 'o');
	make("base/file", 'f');
	make("base/in/file", 'i');
	make("base/outside", 'b');
	symlink("../file", "base/in/up");
	symlink("../../outside", "base/in/out");
	symlink("file", "base/link");
	symlink("/file", "base/absolute");
	symlink("/", "base/slash");
	symlink("in", "base/dir");
	symlink("../../../../../../../outside", "base/in/far");
	symlink("/proc/self/exe", "base/magic");
}

static void scopes(void)
{
	static const char *const paths[] = {
		"file", "in/file", "in/../file", "in/up", "in/out", "..", "../outside", "in/../../outside", "link", "dir/file", "absolute", "slash",
		"slash/file", "/file", "/", ".", "in/deep/../../file", "in/deep/../../../outside", "in/far", "./.././outside", "in//..//file", "nothing",
		"in/nothing", "/../../file", "file/",
	};
	int base;

	tree();
	base = open("base", O_PATH | O_DIRECTORY);
	for (unsigned i = 0; i < sizeof paths / sizeof *paths; i++) {
		look(base, paths[i], BENEATH);
		look(base, paths[i], IN_ROOT);
		look(base, paths[i], NO_SYMLINKS);
	}
	chdir("base");
	look(AT_FDCWD, "in/up", BENEATH);
	look(AT_FDCWD, "../outside", BENEATH);
	look(AT_FDCWD, "/file", IN_ROOT);
	chdir("in");
	look(AT_FDCWD, "up", BENEATH);
	look(AT_FDCWD, "up", IN_ROOT);
	look(AT_FDCWD, "deep/..", BENEATH);
	close(base);
	base = open("/", O_PATH);
	look(base, "..", BENEATH);
	look(base, "../..", IN_ROOT);
	look(base, "proc/../..", BENEATH);
	look(base, "etc/../../etc", BENEATH);
	look(base, "etc/..", BENEATH);
	look(base, "etc/../../etc", IN_ROOT);
}

static void crossings(void)
{
	int proc = open("/proc", O_PATH), base;

	tree();
	base = open("base", O_PATH | O_DIRECTORY);
	look(AT_FDCWD, "/etc", NO_XDEV);
	look(AT_FDCWD, "/proc", NO_XDEV);
	look(AT_FDCWD, "/proc/self/status", NO_XDEV);
	look(proc, "self/status", NO_XDEV | NO_MAGICLINKS);
	look(proc, "..", NO_XDEV);
	look(proc, "../etc", NO_XDEV);
	look(base, "file", NO_XDEV);
	look(base, "magic", NO_XDEV);
	look(base, "magic", NO_MAGICLINKS);
	look(base, "magic", NO_SYMLINKS);
	look(base, "magic", BENEATH);
	look(base, "magic", IN_ROOT);
	look(AT_FDCWD, "/proc/self/fd", NO_MAGICLINKS);
	look(AT_FDCWD, "/proc/self/exe", NO_MAGICLINKS);
	look(AT_FDCWD, "/proc/self/cwd/outside", NO_MAGICLINKS);
	look(AT_FDCWD, "/proc/self/cwd/outside", 0);
	look(AT_FDCWD, "/proc/self/root", NO_SYMLINKS);
	look(proc, "self/exe", BENEATH);
	look(proc, "self/exe", IN_ROOT);
	look(proc, "self/status", BENEATH | NO_MAGICLINKS);
	look(base, "file", CACHED);
	look(base, "file", BENEATH | CACHED);
}

static void creating(void)
{
	int base;

	tree();
	base = open("base", O_PATH | O_DIRECTORY);
	OK(openat2(base, "new", O_CREAT | O_WRONLY, BENEATH));
	OK(openat2(base, "../new", O_CREAT | O_WRONLY, BENEATH));
	OK(openat2(base, "/newer", O_CREAT | O_WRONLY, IN_ROOT));
	OK(openat2(base, "in/deep/../up", O_RDWR | O_TRUNC, BENEATH));
	OK(openat2(base, "cached", O_CREAT | O_WRONLY, CACHED));
	OK(openat2(base, "in/up", O_PATH | O_NOFOLLOW, NO_SYMLINKS));
	OK(openat2(base, "in/up", O_RDONLY | O_NOFOLLOW, 0));
	OK(openat2(base, "link", O_PATH, NO_SYMLINKS));
	OK(openat2(base, "in/../in/file", O_PATH, BENEATH | NO_XDEV | NO_SYMLINKS));
	struct stat s;
	SHOW(stat("base/new", &s));
	SHOW(stat("base/newer", &s));
	SHOW(stat("new", &s));
	SHOW(stat("base/file", &s));
	printf("size %ld\n", (long)s.st_size);
}

static void refused(void)
{
	struct open_how how = { O_RDONLY, 0, 0 };
	struct { struct open_how how; uint64_t more; } longer = { { O_RDONLY, 0, 0 }, 0 };
	static char page[8192] __attribute__((aligned(4096)));

	mkdir("d", 0700);
	OK(openat2(AT_FDCWD, "d", O_RDONLY, 64));
	OK(openat2(AT_FDCWD, "d", O_RDONLY, BENEATH | IN_ROOT));
	OK(openat2(AT_FDCWD, "d", 1ull << 40, 0));
	OK(openat2(AT_FDCWD, "d", O_PATH | O_TRUNC, 0));
	how.mode = 0600;
	OK(syscall(SYS_openat2, AT_FDCWD, "d", &how, sizeof how));
	how.mode = 010000;
	how.flags = O_CREAT;
	OK(syscall(SYS_openat2, AT_FDCWD, "d/x", &how, sizeof how));
	how = (struct open_how){ 0 };
	OK(syscall(SYS_openat2, AT_FDCWD, "d", &how, 23));
	OK(syscall(SYS_openat2, AT_FDCWD, "d", &how, 0));
	OK(syscall(SYS_openat2, AT_FDCWD, "d", &longer, sizeof longer));
	longer.more = 1;
	OK(syscall(SYS_openat2, AT_FDCWD, "d", &longer, sizeof longer));
	OK(syscall(SYS_openat2, AT_FDCWD, "d", page, 4097));
	OK(syscall(SYS_openat2, AT_FDCWD, "d", NULL, sizeof how));
	OK(syscall(SYS_openat2, AT_FDCWD, NULL, &how, sizeof how));
	OK(openat2(99, "d", O_RDONLY, BENEATH));
	OK(openat2(AT_FDCWD, "", O_RDONLY, IN_ROOT));
	OK(openat2(99, "/", O_RDONLY, IN_ROOT));
	OK(openat2(AT_FDCWD, "//", O_RDONLY, IN_ROOT));
}

/* ---- close_range ---- */

static long close_range_(unsigned first, unsigned last, unsigned flags)
{
	return syscall(SYS_close_range, first, last, flags);
}

#define UNSHARE 2
#define CLOEXEC 4

static int open_ones(void)
{
	int bits = 0;

	for (int fd = 3; fd < 20; fd++) {
		/* both what the table says and what is there */
		bits |= (fcntl(fd, F_GETFD) >= 0 && fcntl(fd, F_GETFL) >= 0) << (fd - 3);
	}
	return bits;
}

static void open_some(void)
{
	for (int fd = 3; fd < 12; fd++)
		dup2(1, fd);
}

static void ranges(void)
{
	open_some();
	SHOW(close_range_(5, 7, 0));
	printf("%x\n", open_ones());
	SHOW(close_range_(10, 10, CLOEXEC));
	SHOW(fcntl(10, F_GETFD));
	SHOW(fcntl(11, F_GETFD));
	SHOW(close_range_(9, 8, 0));
	SHOW(close_range_(3, 3, 1));
	SHOW(close_range_(100, ~0u, 0));
	SHOW(close_range_(3, ~0u, CLOEXEC));
	printf("%x\n", open_ones());
	SHOW(fcntl(3, F_GETFD));
	SHOW(close_range_(4, ~0u, 0));
	printf("%x\n", open_ones());
}

static int seen_by_other;
static pthread_barrier_t barrier;

static void *other(void *arg)
{
	(void)arg;
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	seen_by_other = open_ones();
	return NULL;
}

static void shared(const char *what, int (*act)(void))
{
	pthread_t thread;

	open_some();
	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&thread, NULL, other, NULL);
	pthread_barrier_wait(&barrier);
	int result = act();
	int own = open_ones();
	pthread_barrier_wait(&barrier);
	pthread_join(thread, NULL);
	printf("%s: %d, here %x, there %x\n", what, result, own, seen_by_other);
}

static int plain_close(void) { return (int)close_range_(5, 6, 0); }
static int unshare_close(void) { return (int)close_range_(5, 8, UNSHARE); }
static int unshare_cloexec(void) { return (int)close_range_(5, 8, UNSHARE | CLOEXEC); }
static int unshare_then_close(void) { return unshare(CLONE_FILES) | close(7); }
static int unshare_then_open(void) { return unshare(CLONE_FILES) | (dup2(1, 15) != 15); }

static void shared_tables(void)
{
	void (*in_child[])(void) = { NULL };

	(void)in_child;
	static const struct { const char *what; int (*act)(void); } acts[] = {
		{ "plain", plain_close }, { "unshare", unshare_close }, { "unshare and cloexec", unshare_cloexec }, { "unshare call", unshare_then_close },
		{ "unshare and open", unshare_then_open },
	};
	for (unsigned i = 0; i < sizeof acts / sizeof *acts; i++) {
		fflush(stdout);
		if (fork() == 0) {
			shared(acts[i].what, acts[i].act);
			fflush(stdout);
			_exit(0);
		}
		wait(NULL);
	}
}

/* By its descriptor it can still be reached. */
static void removed_by_descriptor(void)
{
	struct stat own, up, got;
	char name[64];

	mkdir("gone", 0755);
	int fd = open("gone", O_RDONLY | O_DIRECTORY);
	fstat(fd, &own);
	stat(".", &up);
	SHOW(rmdir("gone"));
	for (const char *const *rest = (const char *const[]){ "", "/", "/.", "/..", "/../.", "/x", "/../gone", NULL }; *rest; rest++) {
		snprintf(name, sizeof name, "/proc/self/fd/%d%s", fd, *rest);
		int opened = open(name, O_RDONLY);
		int error = errno;
		printf("%s: ", *rest);
		if (opened < 0)
			printf("%s\n", strerror(error));
		else
			printf("%s\n", fstat(opened, &got) ? "?" : got.st_ino == own.st_ino ? "itself" : got.st_ino == up.st_ino ? "above" : "another");
		close(opened);
	}
}

int main(int argc, char **argv)
{
	static const struct part parts[] = {
		{ "scopes", scopes }, { "crossings", crossings }, { "creating", creating }, { "refused", refused }, { "ranges", ranges },
		{ "shared_tables", shared_tables }, { "removed_by_descriptor", removed_by_descriptor },
	};

	return run_parts(parts, sizeof parts / sizeof *parts, argc, argv);
}
