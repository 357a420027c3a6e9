/*
 * inotify: what is told of each thing that can happen to a file or directory, and how it is read. Cookies are shown by the order in which they appear.
 *
 * calls: inotify_init inotify_init1 inotify_add_watch inotify_rm_watch
 */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "tests/guest/show.h"

#define EVENTS_ROOM 65536

static const struct {
	unsigned bit;
	const char *name;
} bits[] = {
	{ IN_ACCESS, "ACCESS" }, { IN_MODIFY, "MODIFY" }, { IN_ATTRIB, "ATTRIB" }, { IN_CLOSE_WRITE, "CLOSE_WRITE" },
	{ IN_CLOSE_NOWRITE, "CLOSE_NOWRITE" }, { IN_OPEN, "OPEN" }, { IN_MOVED_FROM, "MOVED_FROM" }, { IN_MOVED_TO, "MOVED_TO" },
	{ IN_CREATE, "CREATE" }, { IN_DELETE, "DELETE" }, { IN_DELETE_SELF, "DELETE_SELF" }, { IN_MOVE_SELF, "MOVE_SELF" },
	{ IN_UNMOUNT, "UNMOUNT" }, { IN_Q_OVERFLOW, "Q_OVERFLOW" }, { IN_IGNORED, "IGNORED" }, { IN_ISDIR, "ISDIR" },
};

static unsigned cookies[16], cookie_count;

static unsigned cookie_number(unsigned cookie)
{
	unsigned i = 0;

	if (!cookie)
		return 0;
	while (i < cookie_count && cookies[i] != cookie)
		i++;
	if (i == cookie_count && i < 16)
		cookies[cookie_count++] = cookie;
	return i + 1;
}

static void show_event(const struct inotify_event *e)
{
	printf("  %d:", e->wd);
	for (unsigned i = 0; i < sizeof bits / sizeof *bits; i++)
		if (e->mask & bits[i].bit)
			printf(" %s", bits[i].name);
	if (e->cookie)
		printf(" cookie %u", cookie_number(e->cookie));
	if (e->len)
		printf(" \"%s\" (%u)", e->name, e->len);
	printf("\n");
}

static char buffer[EVENTS_ROOM] __attribute__((aligned(8)));

/* All that is there now. */
static void events(const char *what, int fd)
{
	ssize_t n;

	printf("%s\n", what);
	while ((n = read(fd, buffer, sizeof buffer)) > 0)
		for (char *at = buffer; at < buffer + n; at += sizeof(struct inotify_event) + ((struct inotify_event *)at)->len)
			show_event((struct inotify_event *)at);
	if (n == 0 || errno != EAGAIN)
		printf("  read: %zd %s\n", n, strerror(errno));
}

static int instance(void)
{
	return inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
}

static void put_file(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		printf("cannot write %s: %s\n", name, strerror(errno));
	close(fd);
}

static void of_a_file(void)
{
	int i = instance(), fd;
	struct timespec times[2] = { { 5, 0 }, { 6, 0 } };
	char c;

	put_file("f", "hello");
	SHOW(inotify_add_watch(i, "f", IN_ALL_EVENTS));
	fd = open("f", O_RDWR);
	events("open", i);
	read(fd, &c, 1);
	pread(fd, &c, 1, 2);
	lseek(fd, 0, SEEK_END);
	read(fd, &c, 1);
	events("read, pread, read at the end", i);
	write(fd, "x", 1);
	events("write", i);
	ftruncate(fd, 2);
	events("ftruncate", i);
	fchmod(fd, 0600);
	events("fchmod", i);
	fchown(fd, 1, -1);
	events("fchown", i);
	futimens(fd, times);
	events("futimens", i);
	times[0].tv_nsec = UTIME_OMIT;
	futimens(fd, times);
	events("futimens, mtime only", i);
	times[0].tv_nsec = 0;
	times[1].tv_nsec = UTIME_OMIT;
	futimens(fd, times);
	events("futimens, atime only", i);
	fallocate(fd, 0, 0, 8192);
	events("fallocate", i);
	fsetxattr(fd, "trusted.a", "1", 1, 0);
	events("fsetxattr", i);
	fremovexattr(fd, "trusted.a");
	events("fremovexattr", i);
	close(fd);
	events("close", i);
	close(open("f", O_RDONLY));
	events("open, close for reading", i);
	close(open("f", O_PATH));
	events("O_PATH", i);
	close(open("f", O_WRONLY | O_TRUNC));
	events("open with O_TRUNC", i);
	truncate("f", 100);
	events("truncate", i);
	chmod("f", 0644);
	link("f", "g");
	events("chmod, link", i);
	unlink("g");
	events("unlink the link", i);
	rename("f", "h");
	events("rename", i);
	unlink("h");
	events("unlink", i);
	SHOW(inotify_rm_watch(i, 1));
}

static void of_a_directory(void)
{
	int i = instance(), fd;
	DIR *d;
	char c;

	mkdir("d", 0755);
	mkdir("e", 0755);
	SHOW(inotify_add_watch(i, "d", IN_ALL_EVENTS));
	put_file("d/f", "hello");
	events("create, write, close", i);
	fd = open("d/f", O_RDONLY);
	read(fd, &c, 1);
	close(fd);
	events("open, read, close", i);
	mkdir("d/sub", 0755);
	events("mkdir", i);
	symlink("f", "d/link");
	events("symlink", i);
	mknod("d/fifo", S_IFIFO | 0644, 0);
	events("mknod", i);
	link("d/f", "d/a name of more than sixteen bytes");
	events("link", i);
	chmod("d/f", 0600);
	events("chmod", i);
	chmod("d/sub", 0700);
	events("chmod of a directory", i);
	chmod("d", 0700);
	events("chmod of itself", i);
	rename("d/f", "d/g");
	events("rename within", i);
	rename("d/g", "e/g");
	events("rename out", i);
	rename("e/g", "d/h");
	events("rename in", i);
	rename("d/sub", "d/sub2");
	events("rename of a directory", i);
	put_file("d/x", "1");
	events("another", i);
	rename("d/h", "d/x");
	events("rename over", i);
	syscall(SYS_renameat2, AT_FDCWD, "d/x", AT_FDCWD, "d/link", 2);
	events("exchange", i);
	d = opendir("d");
	while (readdir(d))
		;
	closedir(d);
	events("listing", i);
	d = opendir("d/sub2");
	while (readdir(d))
		;
	closedir(d);
	events("listing of a directory in it", i);
	unlink("d/x");
	unlink("d/link");
	unlink("d/fifo");
	unlink("d/a name of more than sixteen bytes");
	events("unlink", i);
	rmdir("d/sub2");
	events("rmdir", i);
	rename("d", "d2");
	events("rename of itself", i);
	rmdir("d2");
	events("rmdir of itself", i);
}

static void ends(void)
{
	int i = instance(), fd;

	put_file("f", "x");
	put_file("g", "x");
	SHOW(inotify_add_watch(i, "f", IN_ALL_EVENTS & ~IN_OPEN));
	SHOW(inotify_add_watch(i, ".", IN_DELETE | IN_MOVE));
	fd = open("f", O_RDWR);
	unlink("f");
	events("unlinked while open", i);
	write(fd, "x", 1);
	events("written", i);
	close(fd);
	events("closed", i);
	put_file("f", "x");
	SHOW(inotify_add_watch(i, "f", IN_DELETE_SELF | IN_ATTRIB));
	rename("g", "f");
	events("replaced", i);
	SHOW(inotify_add_watch(i, "f", IN_MODIFY));
	unlink("f");
	events("deleted, not asked for", i);
	mkdir("dir", 0755);
	SHOW(inotify_add_watch(i, "dir", IN_ALL_EVENTS));
	rmdir("dir");
	events("rmdir", i);
}

static void masks(void)
{
	int i = instance();

	put_file("f", "x");
	symlink("f", "link");
	mkdir("dir", 0755);
	SHOW(inotify_add_watch(i, "f", IN_MODIFY));
	SHOW(inotify_add_watch(i, "./f", IN_ATTRIB));
	put_file("f", "y");
	chmod("f", 0600);
	events("changed to ATTRIB", i);
	SHOW(inotify_add_watch(i, "f", IN_MODIFY | IN_MASK_ADD));
	put_file("f", "y");
	chmod("f", 0600);
	events("MASK_ADD", i);
	SHOW(inotify_add_watch(i, "f", IN_MODIFY | IN_MASK_CREATE));
	SHOW(inotify_add_watch(i, "dir", IN_CREATE | IN_MASK_CREATE));
	SHOW(inotify_add_watch(i, "f", IN_MODIFY | IN_MASK_CREATE | IN_MASK_ADD));
	SHOW(inotify_add_watch(i, "f", IN_MODIFY | IN_ONLYDIR));
	SHOW(inotify_add_watch(i, "dir", IN_CREATE | IN_ONLYDIR));
	SHOW(inotify_add_watch(i, "link", IN_MODIFY));
	SHOW(inotify_add_watch(i, "link", IN_DELETE_SELF | IN_DONT_FOLLOW));
	unlink("link");
	events("the link itself", i);
	SHOW(inotify_rm_watch(i, 1));
	SHOW(inotify_rm_watch(i, 1));
	events("removed", i);
	SHOW(inotify_add_watch(i, "f", IN_MODIFY | IN_ONESHOT));
	put_file("f", "one");
	put_file("f", "two");
	events("ONESHOT", i);
	SHOW(inotify_add_watch(i, "f", IN_MODIFY));
}

static void unlinked(void)
{
	int i = instance(), fd, other;

	mkdir("d", 0755);
	put_file("d/f", "x");
	put_file("d/g", "x");
	SHOW(inotify_add_watch(i, "d", IN_MODIFY | IN_EXCL_UNLINK));
	fd = open("d/f", O_RDWR);
	other = open("d/g", O_RDWR);
	write(fd, "x", 1);
	unlink("d/f");
	write(fd, "x", 1);
	write(other, "x", 1);
	events("EXCL_UNLINK", i);
	SHOW(inotify_add_watch(i, "d", IN_MODIFY));
	write(fd, "x", 1);
	events("without", i);
}

static void errors(void)
{
	int i = instance(), p[2];

	pipe(p);
	SHOW(syscall(SYS_inotify_init1, 1));
	SHOW(inotify_add_watch(99, ".", IN_CREATE));
	SHOW(inotify_add_watch(p[0], ".", IN_CREATE));
	SHOW(inotify_add_watch(p[0], "not there", IN_CREATE));
	SHOW(inotify_add_watch(i, "not there", IN_CREATE));
	SHOW(inotify_add_watch(i, "", IN_CREATE));
	SHOW(inotify_add_watch(i, ".", 0));
	SHOW(inotify_add_watch(i, ".", 0x10000));
	SHOW(inotify_add_watch(i, (char *)1, IN_CREATE));
	SHOW(inotify_rm_watch(i, 1));
	SHOW(inotify_rm_watch(i, -1));
	SHOW(inotify_rm_watch(p[0], 1));
	SHOW(inotify_rm_watch(99, 1));
	SHOW(write(i, "x", 1));
	SHOW(lseek(i, 5, SEEK_SET));
	SHOW(pread(i, buffer, 100, 0));
	SHOW(fcntl(i, F_GETFL));
	SHOW(fcntl(i, F_GETFD));
	SHOW(fcntl(inotify_init(), F_GETFL) & ~O_CLOEXEC);
	printf("%.*s\n", (int)readlink("/proc/self/fd/3", buffer, 100), buffer);
}

static void reading(void)
{
	int i = instance(), n = -1;

	mkdir("d", 0755);
	inotify_add_watch(i, "d", IN_CREATE | IN_DELETE);
	SHOW(ioctl(i, FIONREAD, &n));
	SHOW(n);
	put_file("d/short", "");
	put_file("d/a name of seventeen", "");
	put_file("d/x", "");
	SHOW(ioctl(i, FIONREAD, &n));
	SHOW(n);
	SHOW(read(i, buffer, 16));
	SHOW(read(i, buffer, 31));
	SHOW(read(i, buffer, 32));
	SHOW(read(i, buffer, 47));
	SHOW(read(i, buffer, 79));
	SHOW(ioctl(i, FIONREAD, &n));
	SHOW(n);
	SHOW(read(i, buffer, 100));
	SHOW(read(i, buffer, 100));
	put_file("d/y", "");
	SHOW(read(i, (char *)1, 100));
}

static void merged(void)
{
	int i = instance(), a, b;

	put_file("f", "");
	put_file("g", "");
	inotify_add_watch(i, "f", IN_MODIFY | IN_ATTRIB);
	inotify_add_watch(i, "g", IN_MODIFY | IN_ATTRIB);
	a = open("f", O_WRONLY);
	b = open("g", O_WRONLY);
	for (int k = 0; k < 5; k++)
		write(a, "x", 1);
	events("five writes", i);
	write(a, "x", 1);
	write(b, "x", 1);
	write(a, "x", 1);
	write(a, "x", 1);
	fchmod(a, 0600);
	write(a, "x", 1);
	events("in turn", i);
}

static void overflow(void)
{
	int i = instance(), a, b, limit = 0, events_read = 0, last = 0;
	FILE *f = fopen("/proc/sys/fs/inotify/max_queued_events", "r");
	ssize_t n;

	SHOW(fscanf(f, "%d", &limit));
	SHOW(limit);
	put_file("f", "");
	put_file("g", "");
	inotify_add_watch(i, "f", IN_MODIFY);
	inotify_add_watch(i, "g", IN_MODIFY);
	a = open("f", O_WRONLY);
	b = open("g", O_WRONLY);
	for (int k = 0; k < limit / 2 + 50; k++) {
		write(a, "x", 1);
		write(b, "x", 1);
	}
	while ((n = read(i, buffer, sizeof buffer)) > 0)
		for (char *at = buffer; at < buffer + n; at += sizeof(struct inotify_event)) {
			events_read++;
			last = (int)((struct inotify_event *)at)->mask;
			if (last == IN_Q_OVERFLOW)
				show_event((struct inotify_event *)at);
		}
	SHOW(events_read);
	write(a, "x", 1);
	events("and on", i);
}

static void *write_later(void *argument)
{
	struct timespec t = { 0, 50000000 };

	nanosleep(&t, NULL);
	put_file(argument, "x");
	return NULL;
}

static void waiting(void)
{
	int i = inotify_init1(0), ep = epoll_create1(0);
	struct epoll_event e = { EPOLLIN | EPOLLET, { .fd = 7 } };
	struct pollfd p = { i, POLLIN | POLLOUT, 0 };
	pthread_t thread;

	mkdir("d", 0755);
	inotify_add_watch(i, "d", IN_CREATE);
	SHOW(poll(&p, 1, 0));
	pthread_create(&thread, NULL, write_later, "d/one");
	SHOW(read(i, buffer, sizeof buffer));
	show_event((struct inotify_event *)buffer);
	pthread_join(thread, NULL);
	pthread_create(&thread, NULL, write_later, "d/two");
	SHOW(poll(&p, 1, 5000));
	SHOW(p.revents);
	pthread_join(thread, NULL);
	SHOW(read(i, buffer, sizeof buffer));
	epoll_ctl(ep, EPOLL_CTL_ADD, i, &e);
	SHOW(epoll_wait(ep, &e, 1, 0));
	pthread_create(&thread, NULL, write_later, "d/three");
	SHOW(epoll_wait(ep, &e, 1, 5000));
	pthread_join(thread, NULL);
	SHOW(epoll_wait(ep, &e, 1, 0));
	put_file("d/four", "");
	SHOW(epoll_wait(ep, &e, 1, 0));
	SHOW(read(i, buffer, sizeof buffer));
	pthread_create(&thread, NULL, write_later, "d/long");
	SHOW(read(i, buffer, 20));
	pthread_join(thread, NULL);
}

static void shared(void)
{
	int i = instance(), status;
	pid_t pid;

	mkdir("d", 0755);
	inotify_add_watch(i, "d", IN_CREATE | IN_DELETE);
	pid = fork();
	if (!pid) {
		put_file("d/child", "");
		inotify_add_watch(i, ".", IN_CREATE);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	put_file("mine", "");
	events("what a child did", i);
	pid = fork();
	if (!pid)
		pause();
	unlink("d/child");
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	events("after a holder was killed", i);
}

static void two_instances(void)
{
	int i = instance(), k = instance();

	mkdir("d", 0755);
	SHOW(inotify_add_watch(i, "d", IN_CREATE));
	SHOW(inotify_add_watch(k, "d", IN_DELETE));
	put_file("d/f", "");
	unlink("d/f");
	events("one", i);
	events("other", k);
	close(i);
	put_file("d/f", "");
	unlink("d/f");
	events("when one is closed", k);
}

static void devices(void)
{
	int i = instance(), fd;
	char c;

	SHOW(inotify_add_watch(i, "/dev/null", IN_ALL_EVENTS) > 0);
	fd = open("/dev/null", O_RDWR);
	write(fd, "x", 1);
	read(fd, &c, 1);
	close(fd);
	events("/dev/null", i);
	SHOW(inotify_add_watch(i, "/dev/shm", IN_CREATE | IN_DELETE) > 0);
	put_file("/dev/shm/inotify", "x");
	unlink("/dev/shm/inotify");
	events("/dev/shm", i);
	SHOW(inotify_add_watch(i, "/proc/self/status", IN_OPEN | IN_ACCESS | IN_CLOSE) > 0);
	fd = open("/proc/self/status", O_RDONLY);
	read(fd, &c, 1);
	close(fd);
	events("/proc", i);
}

static void limits(void)
{
	int fds[200], count = 0, failed = 0, limit = 0;
	FILE *f = fopen("/proc/sys/fs/inotify/max_user_instances", "r");

	SHOW(fscanf(f, "%d", &limit));
	SHOW(limit);
	while (count < 200 && (fds[count] = inotify_init1(0)) >= 0)
		count++;
	failed = errno;
	printf("%s %s\n", count == limit ? "as many as the limit says" : "not as many", strerror(failed));
	for (int k = 0; k < count; k++)
		close(fds[k]);
	SHOW(inotify_init1(0) >= 0);
}

static void many(void)
{
	int i = instance(), seen = 0;
	char name[32];
	ssize_t n;

	for (int k = 0; k < 500; k++) {
		sprintf(name, "file%d", k);
		put_file(name, "");
		if (inotify_add_watch(i, name, IN_MODIFY | IN_DELETE_SELF) != k + 1)
			printf("wrong number\n");
	}
	for (int k = 0; k < 500; k++) {
		sprintf(name, "file%d", k);
		put_file(name, "x");
	}
	for (int k = 0; k < 500; k += 2) {
		sprintf(name, "file%d", k);
		unlink(name);
	}
	for (int k = 1; k < 500; k += 2)
		inotify_rm_watch(i, k + 1);
	while ((n = read(i, buffer, sizeof buffer)) > 0)
		for (char *at = buffer; at < buffer + n; at += sizeof(struct inotify_event))
			seen++;
	SHOW(seen);
}

/* The lines of fdinfo, their numbers compared to what stat says. */
static void info(void)
{
	int i = instance();
	char line[256];
	struct stat st;
	FILE *f;

	put_file("f", "");
	inotify_add_watch(i, "f", IN_MODIFY);
	inotify_add_watch(i, ".", IN_CREATE | IN_DELETE | IN_ONLYDIR);
	sprintf(line, "/proc/self/fdinfo/%d", i);
	f = fopen(line, "r");
	while (f && fgets(line, sizeof line, f)) {
		unsigned wd, dev, mask;
		unsigned long ino;

		if (sscanf(line, "inotify wd:%x ino:%lx sdev:%x mask:%x ignored_mask:0", &wd, &ino, &dev, &mask) != 4)
			continue;
		stat(wd == 1 ? "f" : ".", &st);
		printf("%u %x %s\n", wd, mask, ino == st.st_ino ? "right" : "wrong");
	}
}

int main(int argc, char **argv)
{
	static const struct part parts[] = {
		{ "of_a_file", of_a_file }, { "of_a_directory", of_a_directory }, { "ends", ends }, { "masks", masks }, { "unlinked", unlinked },
		{ "errors", errors }, { "reading", reading }, { "merged", merged }, { "overflow", overflow }, { "waiting", waiting },
		{ "shared", shared }, { "two_instances", two_instances }, { "devices", devices }, { "limits", limits }, { "many", many },
		{ "info", info },
	};

	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	return run_parts(parts, sizeof parts / sizeof *parts, argc, argv);
}
