/*
 * Files and directories: names removed while in use, reading directories that change, nameless files, holes, roots, limits, *at calls.
 *
 * calls: access chroot faccessat fallocate fchdir fchmod fchmodat fchownat fdatasync fstatfs fsync ftruncate getdents getdents64 link linkat
 * mkdirat mknodat openat pwrite64 pwritev readlinkat renameat statfs symlinkat sync syncfs times truncate unlinkat
 */
#include "report.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>

static int put(const char *name, const char *text)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		exit(95);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static const char *get(int fd)
{
	static char text[256];
	ssize_t n = pread(fd, text, sizeof text - 1, 0);
	text[n > 0 ? n : 0] = 0;
	return text;
}

static int links_of(int fd)
{
	struct stat st;
	return fstat(fd, &st) == 0 ? (int)st.st_nlink : -1;
}

static void unlinked(void)
{
	int fd = put("f", "content");
	show("unlink", unlink("f"));
	show("gone", open("f", O_RDONLY));
	printf("still there: %s, links %d\n", get(fd), links_of(fd));
	show("grows", pwrite(fd, "MORE", 4, 7));
	put("f", "another");
	printf("not the new one: %s\n", get(fd));
	char link[64], path[64];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof path);
	printf("its name: %.*s\n", (int)n, path);
	int again = open(link, O_RDONLY);
	printf("opened again: %s\n", again < 0 ? error_name(errno) : get(again));
	show("link it back", linkat(AT_FDCWD, link, AT_FDCWD, "back", AT_SYMLINK_FOLLOW));
	mkdir("d", 0755);
	int d = open("d", O_RDONLY);
	chdir("d");
	show("rmdir of here", rmdir("../d"));
	char here[256];
	show("getcwd", syscall(SYS_getcwd, here, sizeof here));
	show("create here", open("x", O_CREAT | O_RDWR, 0600));
	show("stat .", stat(".", &(struct stat){ 0 }));
	show("up", chdir(".."));
	show("links of the removed", links_of(d));
	show("back into it", fchdir(d));
	show("mkdir in it", mkdir("y", 0755));
}

static void renamed(void)
{
	int a = put("a", "A"), b = put("b", "B");
	show("over a file", rename("a", "b"));
	printf("%s %s links %d %d\n", get(a), get(b), links_of(a), links_of(b));
	link("b", "c");
	show("onto its own link", rename("b", "c"));
	show("both stay", access("b", F_OK) + access("c", F_OK));
	mkdir("d", 0755);
	mkdir("e", 0755);
	put("e/x", "X");
	show("file over directory", rename("b", "d"));
	show("directory over file", rename("d", "b"));
	show("over a full one", rename("d", "e"));
	show("over an empty one", rename("e", "d"));
	show("moved with it", access("d/x", F_OK));
	show("into itself", rename("d", "d/sub"));
	show("missing", rename("nope", "n"));
	show("dot", rename("d/.", "z"));
	show("exchange", syscall(SYS_renameat2, AT_FDCWD, "b", AT_FDCWD, "d", 2));
	show("now a directory", open("b", O_WRONLY));
	show("no replacing", syscall(SYS_renameat2, AT_FDCWD, "d", AT_FDCWD, "c", 1));
	show("bad flags", syscall(SYS_renameat2, AT_FDCWD, "d", AT_FDCWD, "c", 3));
	int open_dir = open("b", O_RDONLY);
	rename("b", "moved");
	show("an open directory moves along", openat(open_dir, "x", O_RDONLY) >= 0);
	char link[64], path[256];
	snprintf(link, sizeof link, "/proc/self/fd/%d", open_dir);
	path[readlink(link, path, sizeof path - 1)] = 0;
	printf("its name: %s\n", strrchr(path, '/'));
}

static void directory_changes(void)
{
	char name[300];
	mkdir("d", 0755);
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof name, "d/f%d", i);
		close(put(name, ""));
	}
	DIR *d = opendir("d");
	struct dirent *e;
	int seen = 0, dots = 0, types = 0;
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.') {
			dots++;
			continue;
		}
		snprintf(name, sizeof name, "d/%s", e->d_name);
		seen += unlink(name) == 0;
		types += e->d_type == DT_REG;
	}
	printf("removed while reading: %d, dots %d, regular %d\n", seen, dots, types);
	rewinddir(d);
	seen = 0;
	while (readdir(d))
		seen++;
	printf("left: %d\n", seen);
	closedir(d);
	show("rmdir", rmdir("d"));
	mkdir("e", 0755);
	static char found[100];
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "e/f%d", i);
		close(put(name, ""));
	}
	d = opendir("e");
	int twice = 0, added = 0;
	for (int n = 0; (e = readdir(d)) != NULL; n++) {
		if (e->d_name[0] == 'f')
			twice += found[atoi(e->d_name + 1)]++;
		if (n < 50) {
			snprintf(name, sizeof name, "e/g%d", n);
			close(put(name, ""));
			added++;
		}
	}
	seen = 0;
	for (int i = 0; i < 100; i++)
		seen += found[i] > 0;
	printf("while others are added: each old one seen %d, twice %d, added %d\n", seen, twice, added);
	char small[8];
	show("getdents into little room", syscall(SYS_getdents64, open("e", O_RDONLY), small, sizeof small));
	show("getdents of a file", syscall(SYS_getdents64, open("e/f1", O_RDONLY), small, sizeof small));
	rewinddir(d);
	readdir(d);
	long at = telldir(d);
	e = readdir(d);
	strcpy(name, e->d_name);
	readdir(d);
	seekdir(d, at);
	e = readdir(d);
	show("seekdir comes back", strcmp(name, e->d_name) == 0);
}

static void nameless(void)
{
	int fd = open(".", O_TMPFILE | O_RDWR, 0640);
	show_ok("O_TMPFILE", fd);
	printf("links %d\n", links_of(fd));
	show("write", write(fd, "nameless", 8));
	char link[64];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	show("given a name", linkat(AT_FDCWD, link, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	printf("links %d, %s\n", links_of(fd), get(open("named", O_RDONLY)));
	show("again", linkat(AT_FDCWD, link, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	fd = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600);
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	show("O_EXCL forbids it", linkat(AT_FDCWD, link, AT_FDCWD, "never", AT_SYMLINK_FOLLOW));
	show("read only", open(".", O_TMPFILE | O_RDONLY, 0600));
	show("in a file", open("named", O_TMPFILE | O_RDWR, 0600));
}

static void show_blocks(const char *what, int fd)
{
	struct stat st;
	fstat(fd, &st);
	printf("%s: size %lld, blocks %lld\n", what, (long long)st.st_size, (long long)st.st_blocks);
}

static void holes(void)
{
	int fd = put("f", "");
	show("far", pwrite(fd, "x", 1, 1 << 20));
	show_blocks("one page", fd);
	pwrite(fd, "y", 1, 8192);
	show("data", lseek(fd, 0, SEEK_DATA));
	show("hole after it", lseek(fd, 8192, SEEK_HOLE));
	show("next data", lseek(fd, 12288, SEEK_DATA));
	show("end counts as hole", lseek(fd, 1 << 20, SEEK_HOLE));
	show("behind the end", lseek(fd, 1 << 21, SEEK_DATA));
	char c = 'z';
	show("the hole reads zero", pread(fd, &c, 1, 500000) == 1 && c == 0);
	show_blocks("reading takes nothing", fd);
	show("cut", ftruncate(fd, 8193));
	show_blocks("cut", fd);
	show("allocate", posix_fallocate(fd, 0, 20000));
	show_blocks("allocated", fd);
	show("punch", fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 8192, 4096));
	show_blocks("punched", fd);
	show("zero there", pread(fd, &c, 1, 8192) == 1 && c == 0);
	show("2 GiB and more", ftruncate(fd, 5l << 30));
	show("write there", pwrite(fd, "x", 1, (5l << 30) - 1));
	show_blocks("huge", fd);
	show("negative", ftruncate(fd, -1));
	show("by name", truncate("f", 3));
	show("missing", truncate("nope", 3));
	show("directory", truncate(".", 3));
}

static bool all_zero(int fd, size_t size)
{
	static char bytes[65536];
	memset(bytes, 1, sizeof bytes);
	if (pread(fd, bytes, size, 0) != (ssize_t)size)
		return false;
	for (size_t i = 0; i < size; i++)
		if (bytes[i])
			return false;
	return true;
}

static void longer_again(const char *what, int fd)
{
	show(what, ftruncate(fd, 0));
	show_blocks("empty", fd);
	show("longer", ftruncate(fd, 65536));
	show("zeros", all_zero(fd, 65536));
	show_blocks("read", fd);
}

/* Pages that lie behind a file's end, reserved or left by a write that did not come to its end, are not those of the file once it is longer. */
static void reserved(void)
{
	int fd = open("r", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	show("reserve", fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 65536));
	show_blocks("reserved", fd);
	show("twice", fallocate(fd, FALLOC_FL_KEEP_SIZE, 32768, 65536));
	show_blocks("counted once", fd);
	show("write", pwrite(fd, "x", 1, 0));
	show_blocks("written", fd);
	longer_again("cut", fd);
	show("reserve behind", fallocate(fd, FALLOC_FL_KEEP_SIZE, 65536, 65536));
	show("punch behind", fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 65536, 32768));
	show_blocks("punched", fd);
	show("same size", ftruncate(fd, 65536));
	show_blocks("what was behind has gone", fd);
	munmap(page + 4096, 4096);
	show("half a write", pwrite(fd, page, 8192, 65536));
	show("half a write of much", pwritev(fd, (struct iovec[]){ { page, 4096 }, { page + 4096, 1 << 20 } }, 2, 0));
	longer_again("cut", fd);
}

/* How many bytes of the last page, which is mapped, are not zero behind the file's end. */
static int bytes_behind(const char *path)
{
	int fd = open(path, O_RDONLY), count = 0;
	struct stat st;
	fstat(fd, &st);
	size_t size = st.st_size, whole = (size + 4095) & ~4095ul;
	char *bytes = mmap(NULL, whole, PROT_READ, MAP_PRIVATE, fd, 0);
	for (size_t i = size; bytes != MAP_FAILED && i < whole; i++)
		count += bytes[i] != 0;
	close(fd);
	return count;
}

/* Files that came with the system's image lie one behind the other in it. */
static void ends_of_image(void)
{
	DIR *directory = opendir("/tests/bin");
	struct dirent *entry;
	int count = 0, bytes = 0;
	chdir("/tests/bin");
	while ((entry = readdir(directory)))
		if (entry->d_type == DT_REG && ++count)
			bytes += bytes_behind(entry->d_name);
	closedir(directory);
	show("enough files", count > 20);
	show("bytes behind their ends", bytes);
}

static void roots(void)
{
	mkdir("r", 0755);
	mkdir("r/in", 0755);
	put("r/f", "inside");
	symlink("/f", "r/link");
	symlink("../../../../f", "r/in/up");
	int outside = open(".", O_RDONLY);
	if (child() == 0) {
		show("chroot", chroot("r"));
		show("chdir", chdir("/"));
		printf("%s\n", get(open("/f", O_RDONLY)));
		printf("%s\n", get(open("link", O_RDONLY)));
		printf("%s\n", get(open("in/up", O_RDONLY)));
		show("no way up", access("../../tmp", F_OK));
		char here[64] = "";
		chdir("in");
		printf("%s\n", getcwd(here, sizeof here));
		show("a descriptor from outside", openat(outside, "r/f", O_RDONLY) >= 0);
		show("to a file", chroot("/f"));
		show("to nothing", chroot("/nope"));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	show("the parent's root stays", access("/bin/busybox", F_OK));
}

static void relative(void)
{
	mkdir("d", 0755);
	int d = open("d", O_RDONLY | O_DIRECTORY), p = open("d", O_PATH), f = put("f", "");
	show("mkdirat", mkdirat(d, "sub", 0700));
	show("openat", openat(d, "sub/new", O_CREAT | O_RDWR, 0600) >= 0);
	show("linkat", linkat(d, "sub/new", AT_FDCWD, "linked", 0));
	show("symlinkat", symlinkat("sub/new", p, "sym"));
	char text[64];
	show("readlinkat", readlinkat(d, "sym", text, sizeof text));
	show("renameat", renameat(d, "sub/new", AT_FDCWD, "moved"));
	show("faccessat", faccessat(d, "sym", F_OK, 0));
	show("fstatat of the link itself", fstatat(d, "sym", &(struct stat){ 0 }, AT_SYMLINK_NOFOLLOW));
	show("fchmodat", fchmodat(AT_FDCWD, "moved", 0755, 0));
	show("fchownat", fchownat(p, "sub", 1, 2, 0));
	struct timespec times[2] = { { 5, 6 }, { 7, 8 } };
	struct stat st;
	show("utimensat", utimensat(d, "sub", times, 0));
	fstatat(d, "sub", &st, 0);
	printf("%ld.%09ld %ld.%09ld %o %d:%d\n", (long)st.st_atim.tv_sec, st.st_atim.tv_nsec, (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
	       st.st_mode, st.st_uid, st.st_gid);
	times[0].tv_nsec = UTIME_OMIT;
	times[1].tv_nsec = 2000000000;
	show("bad nanoseconds", utimensat(d, "sub", times, 0));
	times[1].tv_nsec = UTIME_OMIT;
	show("neither", utimensat(d, "none", times, 0));
	show("unlinkat", unlinkat(d, "sym", 0));
	show("a directory without the flag", unlinkat(d, "sub", 0));
	show("with it", unlinkat(d, "sub", AT_REMOVEDIR));
	show("a file with it", unlinkat(AT_FDCWD, "f", AT_REMOVEDIR));
	show("relative to a file", openat(f, "x", O_RDONLY));
	show("read by O_PATH", read(p, text, 1));
	show("write mode of O_PATH", fcntl(p, F_GETFL) & O_PATH ? 1 : 0);
	show("fchdir by O_PATH", fchdir(p));
	show("fchmod by O_PATH", fchmod(p, 0700));
	show("mknodat", mknodat(d, "fifo", S_IFIFO | 0600, 0));
}

static volatile int signals;

static void on_signal(int number)
{
	signals += number == SIGXFSZ;
}

static void size_limit(void)
{
	struct rlimit limit = { 1000, RLIM_INFINITY };
	static char bytes[2000];
	int fd = put("f", "");
	setrlimit(RLIMIT_FSIZE, &limit);
	handle(SIGXFSZ, on_signal, 0);
	show("up to the limit", write(fd, bytes, 2000));
	show("at the limit", write(fd, bytes, 1));
	printf("signals %d\n", signals);
	show("before it", pwrite(fd, bytes, 500, 800));
	show("truncate above", ftruncate(fd, 1001));
	show("truncate at", ftruncate(fd, 1000));
	printf("signals %d\n", signals);
	int p[2];
	show("a pipe has none", pipe(p) == 0 && write(p[1], bytes, 1500) == 1500);
	signal(SIGXFSZ, SIG_DFL);
	if (child() == 0)
		_exit(write(fd, bytes, 2) == 2);
	int status;
	wait(&status);
	show_status("by default", status);
}

static void systems(void)
{
	struct statfs s;
	show("statfs", statfs(".", &s));
	printf("block %ld, name length %ld, free %d, files %d\n", (long)s.f_bsize, (long)s.f_namelen, s.f_bfree <= s.f_blocks, s.f_ffree <= s.f_files);
	show("proc", statfs("/proc", &s));
	printf("type %lx\n", (long)s.f_type);
	show("fstatfs of a pipe", ({ int p[2]; pipe(p); fstatfs(p[0], &s); }));
	printf("type %lx\n", (long)s.f_type);
	show("missing", statfs("nope", &s));
	show("sync", (sync(), 0));
	int fd = put("f", "x");
	show("fsync", fsync(fd));
	show("fdatasync", fdatasync(fd));
	show("syncfs", syncfs(fd));
	show("other mount", link("f", "/proc/f"));
	show("rename to it", rename("f", "/proc/f"));
	show("create in proc", open("/proc/newfile", O_CREAT | O_WRONLY, 0600));
	struct statfs t;
	show("shm", statfs("/dev/shm", &t));
	show("link to shm", link("f", "/dev/shm/f"));
}

/* What the relative name says where we are, seen twice: the second look may rest on what the first one learned. */
static void look_here(const char *when, int d)
{
	char text[64], *to = text;

	for (int i = 0; i < 2; i++) {
		int fd = openat(d, "name", O_RDONLY);
		struct stat st;

		to += sprintf(to, "%s %s, ", fd < 0 ? error_name(errno) : get(fd), fstatat(d, "name", &st, 0) < 0 ? error_name(errno) : "there");
		close(fd);
	}
	printf("%s: %s\n", when, text);
}

static void make_named(const char *directory, const char *text)
{
	char name[64];

	mkdir(directory, 0755);
	snprintf(name, sizeof name, "%s/name", directory);
	close(put(name, text));
}

static void move_up(void)
{
	show("move", rename("../up", "../elsewhere"));
}

/* Relative paths start at the directory wherever it is now, whoever moved it, and never at another one that has come to its place. */
static void moved(void)
{
	mkdir("up", 0755);
	make_named("up/one", "one");
	make_named("up/two", "two");
	chdir("up");
	int one = open("one", O_RDONLY | O_DIRECTORY), two = open("two", O_PATH);

	look_here("start", one);
	show("rename", rename("one", "three"));
	look_here("renamed", one);
	make_named("one", "new one");
	look_here("another at its place", one);
	show("exchange", syscall(SYS_renameat2, AT_FDCWD, "two", AT_FDCWD, "three", 2));
	look_here("exchanged", one);
	look_here("and the other", two);
	in_child(move_up);
	look_here("above it moved", one);
	show("here", access("two/name", F_OK));
	show("below itself", rename("two", "two/name/x"));
	look_here("nothing moved", one);
	unlinkat(one, "name", 0);
	show("rmdir", rmdir("two"));
	make_named("two", "new two");
	look_here("removed", one);
	show("make there", openat(one, "x", O_CREAT | O_WRONLY, 0644));
	show("above it", faccessat(one, "../two/name", F_OK, 0));
	show("empty", mkdir("empty", 0755));
	int empty = open("empty", O_RDONLY);

	look_here("empty", empty);
	show("replace it", rename("three", "empty"));
	look_here("replaced", empty);
	look_here("what replaced it", two);
	chdir("/proc/self");
	show("in proc", access("status", F_OK));
	chdir("/dev");
	show("in dev", access("null", F_OK));
	show("again", access("null", F_OK));
	chdir("/");
	show("in the root", access("proc/self/status", F_OK));
	show("again", access("dev/null", F_OK));
}

int main(int argc, char **argv)
{
	static const struct part parts[] = { PART(moved), PART(unlinked), PART(renamed), PART(directory_changes), PART(nameless), PART(holes), PART(reserved), PART(ends_of_image), PART(roots),
		PART(relative), PART(size_limit), PART(systems) };
	return RUN_PARTS(parts, argc, argv);
}
