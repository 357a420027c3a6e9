/*
 * Paths: what each call that takes one does and answers, with links, missing parts, wrong types and relative bases.
 *
 * calls: chdir chmod chown fchown fstat getcwd lchown lstat mkdir mknod open readlink rename renameat2 rmdir stat umask unlink utime utimensat
 * utimes
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>
#include <utime.h>

#include "tests/guest/show.h"

static char longest[5000], component[300];

static void tree(void)
{
	mkdir("d", 0755);
	mkdir("d/e", 0755);
	close(open("f", O_CREAT | O_WRONLY, 0644));
	close(open("d/g", O_CREAT | O_WRONLY, 0644));
	symlink("f", "lf");
	symlink("d", "ld");
	symlink("nowhere", "dangling");
	symlink("loop2", "loop1");
	symlink("loop1", "loop2");
	memset(longest, 'a', sizeof longest - 1);
	memset(component, 'c', sizeof component - 1);
}

static void opens(void)
{
	tree();
	OK(open("missing", O_RDONLY));
	OK(open("", O_RDONLY));
	OK(open("f/x", O_RDONLY));
	OK(open("f/", O_RDONLY));
	OK(open("d/", O_RDONLY));
	OK(open("d", O_WRONLY));
	OK(open("d", O_RDONLY | O_CREAT, 0600));
	OK(open("d/", O_RDWR | O_CREAT, 0600));
	OK(open("newfile/", O_RDWR | O_CREAT, 0600));
	OK(open("f", O_RDONLY | O_DIRECTORY));
	OK(open("f", O_CREAT | O_EXCL | O_RDWR, 0600));
	OK(open("lf", O_RDONLY | O_NOFOLLOW));
	OK(open("lf", O_PATH | O_NOFOLLOW));
	OK(open("ld", O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
	OK(open("dangling", O_RDONLY));
	OK(open("dangling", O_CREAT | O_EXCL | O_RDWR, 0600));
	OK(open("dangling", O_CREAT | O_RDWR, 0600));
	OK(access("nowhere", F_OK));
	OK(open("loop1", O_RDONLY));
	OK(open(longest, O_RDONLY));
	OK(open(component, O_RDONLY));
	OK(open("missing/x", O_CREAT | O_RDWR, 0600));
	OK(open("ld/g", O_RDONLY));
	OK(open("ld/../f", O_RDONLY));
	OK(open("d/./e/../../f", O_RDONLY));
	OK(open("//d///g", O_RDONLY));
	OK(open(".//d///g", O_RDONLY));
	OK(open("/..", O_RDONLY));
	OK(open(".", O_TMPFILE | O_RDONLY, 0600));
	OK(open("f", O_RDONLY | O_TRUNC));
	OK(openat(99, "f", O_RDONLY));
	OK(openat(99, "/", O_RDONLY));
	OK(openat(open("f", O_RDONLY), "x", O_RDONLY));
	OK(openat(open("d", O_RDONLY), "g", O_RDONLY));
	OK(openat(open("d", O_PATH), "e/../g", O_RDONLY));
}

static void show_stat(const char *name, const struct stat *s)
{
	printf("%s: mode %o nlink %d size %ld blocks %ld blksize %ld\n", name, s->st_mode, (int)s->st_nlink,
		S_ISDIR(s->st_mode) ? 0 : (long)s->st_size, S_ISDIR(s->st_mode) ? 0 : (long)s->st_blocks, (long)s->st_blksize);
}

static void stats(void)
{
	struct stat s, l;
	int fd;

	tree();
	umask(027);
	fd = open("sized", O_RDWR | O_CREAT, 0666);
	write(fd, longest, 4999);
	SHOW(fstat(fd, &s));
	show_stat("sized", &s);
	SHOW(stat("lf", &s));
	show_stat("lf", &s);
	SHOW(lstat("lf", &l));
	show_stat("lf itself", &l);
	SHOW(stat("d", &s));
	show_stat("d", &s);
	SHOW(stat("dangling", &s));
	SHOW(lstat("dangling/", &s));
	SHOW(lstat("ld/", &s));
	show_stat("ld/", &s);
	SHOW(stat("f/", &s));
	SHOW(fstat(99, &s));
	SHOW(fstatat(fd, "", &s, AT_EMPTY_PATH));
	SHOW(syscall(SYS_newfstatat, fd, "", &s, 0));
	SHOW(syscall(SYS_newfstatat, fd, "", &s, 0x40000));
	SHOW(fstatat(AT_FDCWD, "", &s, AT_EMPTY_PATH));
	show_stat("cwd", &s);
	SHOW(mkdir("made", 0777));
	SHOW(stat("made", &s));
	show_stat("made", &s);
	SHOW(mknod("fifo", S_IFIFO | 0666, 0));
	SHOW(stat("fifo", &s));
	show_stat("fifo", &s);
	SHOW(mknod("plain", 0600, 0));
	SHOW(mknod("dir", S_IFDIR | 0600, 0));
	SHOW(mknod("f", 0600, 0));
	SHOW(ftruncate(fd, 1 << 20));
	SHOW(fstat(fd, &s));
	show_stat("grown", &s);
	SHOW(lseek(fd, 0, SEEK_HOLE));
	SHOW(lseek(fd, 5000, SEEK_DATA));
	SHOW(lseek(fd, 1 << 21, SEEK_DATA));
	SHOW(access("f", R_OK | W_OK));
	SHOW(access("missing", F_OK));
	SHOW(access("f", 8));
	SHOW(faccessat(99, "f", F_OK, 0));
}

static void links(void)
{
	char text[100];
	struct stat s;

	tree();
	SHOW(link("f", "hard"));
	SHOW(link("f", "hard"));
	SHOW(link("d", "hard_d"));
	SHOW(link("missing", "x"));
	SHOW(link("lf", "hard_link"));
	SHOW(lstat("hard_link", &s));
	printf("link to link: %d\n", S_ISLNK(s.st_mode));
	SHOW(linkat(AT_FDCWD, "lf", AT_FDCWD, "hard_file", AT_SYMLINK_FOLLOW));
	SHOW(stat("f", &s));
	printf("nlink %d\n", (int)s.st_nlink);
	SHOW(linkat(AT_FDCWD, "f", AT_FDCWD, "h2", 0x80000));
	SHOW(linkat(open(".", O_TMPFILE | O_RDWR, 0600), "", AT_FDCWD, "was_nameless", AT_EMPTY_PATH));
	SHOW(stat("was_nameless", &s));
	printf("nlink %d\n", (int)s.st_nlink);
	SHOW(linkat(99, "", AT_FDCWD, "no", AT_EMPTY_PATH));
	SHOW(symlink("", "empty"));
	SHOW(symlink("text", "f"));
	SHOW(symlink("text", "missing/x"));
	SHOW(readlink("lf", text, sizeof text));
	SHOW(readlink("f", text, sizeof text));
	SHOW(readlink("missing", text, sizeof text));
	SHOW(readlink("dangling", text, 3));
	SHOW(syscall(SYS_readlink, "lf", text, 0));
	SHOW(unlink("d"));
	SHOW(unlink("missing"));
	SHOW(unlink("lf/"));
	SHOW(unlink("ld/"));
	SHOW(unlink("lf"));
	SHOW(unlink("hard"));
	SHOW(unlinkat(AT_FDCWD, "d", AT_REMOVEDIR));
	SHOW(unlinkat(AT_FDCWD, "d", 5));
	SHOW(rmdir("f"));
	SHOW(rmdir("d/e"));
	SHOW(rmdir("d/."));
	SHOW(rmdir("d/.."));
	SHOW(rmdir("ld"));
	SHOW(rmdir("/"));
	SHOW(mkdir("d", 0700));
	SHOW(mkdir("lf/x", 0700));
	SHOW(mkdir("new/", 0700));
	SHOW(mkdir("missing/x", 0700));
	SHOW(mkdir("dangling", 0700));
	SHOW(mkdir(component, 0700));
	SHOW(mkdir("/", 0700));
}

static void renames(void)
{
	struct stat s;
	int fd;

	tree();
	SHOW(rename("f", "f2"));
	SHOW(rename("f", "f3"));
	SHOW(rename("f2", "d"));
	SHOW(rename("d", "f2"));
	SHOW(rename("d", "d/e/x"));
	SHOW(rename("d", "d"));
	SHOW(rename("d/e", "f2/x"));
	SHOW(rename("d/g", "g"));
	SHOW(mkdir("full", 0700));
	SHOW(mkdir("full/x", 0700));
	SHOW(rename("d", "full"));
	SHOW(rename("full/x", "d/e"));
	SHOW(rename("lf", "lf2"));
	SHOW(lstat("lf2", &s));
	SHOW(rename("ld/", "ld2"));
	SHOW(syscall(SYS_renameat2, AT_FDCWD, "g", AT_FDCWD, "f2", 1));
	SHOW(syscall(SYS_renameat2, AT_FDCWD, "g", AT_FDCWD, "f2", 2));
	SHOW(syscall(SYS_renameat2, AT_FDCWD, "g", AT_FDCWD, "none", 2));
	SHOW(syscall(SYS_renameat2, AT_FDCWD, "g", AT_FDCWD, "f2", 3));
	SHOW(rename("g", "moved/"));
	SHOW(rename(".", "here"));
	fd = open("g", O_RDWR);
	write(fd, "old", 3);
	close(open("h", O_CREAT | O_WRONLY, 0600));
	SHOW(rename("h", "g"));
	SHOW(fstat(fd, &s));
	printf("replaced: nlink %d size %ld\n", (int)s.st_nlink, (long)s.st_size);
	SHOW(stat("g", &s));
	printf("new: nlink %d size %ld\n", (int)s.st_nlink, (long)s.st_size);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void directories(void)
{
	char path[4096], small[20];
	struct dirent **list;
	int n, fd, d = 0;
	char name[32];

	tree();
	n = scandir(".", &list, NULL, by_name);
	for (int i = 0; i < n; i++)
		printf("%s %d\n", list[i]->d_name, list[i]->d_type);
	mkdir("many", 0700);
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof name, "many/file%d", i);
		close(open(name, O_CREAT | O_WRONLY, 0600));
	}
	printf("many: %d\n", scandir("many", &list, NULL, by_name));
	fd = open("many", O_RDONLY);
	SHOW(syscall(SYS_getdents64, fd, small, sizeof small));
	SHOW(syscall(SYS_getdents64, open("f", O_RDONLY), small, sizeof small));
	SHOW(syscall(SYS_getdents64, 99, small, sizeof small));
	DIR *dir = opendir("many");
	for (struct dirent *e; (e = readdir(dir));) {
		snprintf(name, sizeof name, "many/%.20s", e->d_name);
		if (e->d_name[0] == 'f' && unlink(name) == 0)
			d++;
	}
	printf("removed while reading: %d\n", d);
	rewinddir(dir);
	for (d = 0; readdir(dir); d++)
		;
	printf("left: %d\n", d);
	SHOW(chdir("many"));
	printf("%s\n", getcwd(path, sizeof path));
	SHOW(rmdir("../many"));
	printf("%s\n", getcwd(path, sizeof path) ? path : strerror(errno));
	OK(open("x", O_CREAT | O_WRONLY, 0600));
	SHOW(chdir("/tmp/case"));
	SHOW(chdir("f"));
	SHOW(chdir("missing"));
	SHOW(chdir("ld"));
	printf("%s\n", getcwd(path, sizeof path));
	SHOW(fchdir(99));
	SHOW(syscall(SYS_getcwd, path, 3));
	SHOW(chdir("/"));
	printf("%s\n", getcwd(path, sizeof path));
	SHOW(chdir("../../.."));
	printf("%s\n", getcwd(path, sizeof path));
}

static void times(void)
{
	struct timespec t[2] = { { 1000000, 123456789 }, { 2000000, 987654321 } };
	struct timeval v[2] = { { 3000, 5 }, { 4000, 6 } };
	struct utimbuf u = { 100, 200 };
	struct stat s;
	int fd;

	tree();
	fd = open("f", O_RDONLY);
#define TIMES() (stat("f", &s), printf("%ld.%09ld %ld.%09ld\n", (long)s.st_atim.tv_sec, s.st_atim.tv_nsec, (long)s.st_mtim.tv_sec, s.st_mtim.tv_nsec))
	SHOW(utimensat(AT_FDCWD, "f", t, 0));
	TIMES();
	t[0].tv_nsec = UTIME_OMIT;
	t[1].tv_sec = 77;
	SHOW(futimens(fd, t));
	TIMES();
	t[1].tv_nsec = 1000000000;
	SHOW(futimens(fd, t));
	SHOW(utimes("f", v));
	TIMES();
	v[0].tv_usec = 1000000;
	SHOW(syscall(SYS_utimes, "f", v));
	SHOW(utime("f", &u));
	TIMES();
	SHOW(utimensat(AT_FDCWD, "missing", NULL, 0));
	SHOW(utimensat(99, "f", NULL, 0));
	SHOW(utimensat(AT_FDCWD, "f", NULL, 0x4));
	SHOW(utimensat(AT_FDCWD, "dangling", NULL, AT_SYMLINK_NOFOLLOW));
	SHOW(utimensat(AT_FDCWD, "dangling", NULL, 0));
	u.modtime = -5;
	SHOW(utime("f", &u));
	TIMES();
}

static void modes(void)
{
	struct stat s;
	int fd;

	tree();
	fd = open("f", O_RDWR);
#define MODE(path) (stat(path, &s), printf("%s %o\n", path, s.st_mode))
	SHOW(chmod("f", 0));
	MODE("f");
	SHOW(fchmod(fd, 07777));
	MODE("f");
	SHOW(chmod("lf", 0600));
	MODE("f");
	SHOW(chmod("missing", 0600));
	SHOW(fchmod(99, 0600));
	SHOW(fchmodat(AT_FDCWD, "d", 01755, 0));
	MODE("d");
	SHOW(chown("f", 5, 6));
	SHOW(stat("f", &s));
	printf("%d %d\n", s.st_uid, s.st_gid);
	SHOW(fchown(fd, -1, 9));
	SHOW(stat("f", &s));
	printf("%d %d\n", s.st_uid, s.st_gid);
	SHOW(lchown("lf", 3, 3));
	SHOW(lstat("lf", &s));
	printf("%d %d\n", s.st_uid, s.st_gid);
	SHOW(chown("missing", 0, 0));
	SHOW(truncate("f", 10));
	SHOW(truncate("d", 10));
	SHOW(truncate("missing", 10));
	SHOW(truncate("f", -1));
	SHOW(umask(0));
	SHOW(umask(0777));
	SHOW(umask(07777));
	SHOW(umask(022));
}

int main(int argc, char **argv)
{
	static const struct part parts[] = {
		{ "opens", opens }, { "stats", stats }, { "links", links }, { "renames", renames }, { "directories", directories },
		{ "times", times }, { "modes", modes },
	};

	return run_parts(parts, sizeof parts / sizeof *parts, argc, argv);
}
