/*
 * /proc/PID/fdinfo: what it tells of files of each kind. Numbers that differ between systems are looked up elsewhere and compared.
 *
 * calls: eventfd2 signalfd4 timerfd_create epoll_create1 pidfd_open
 */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/guest/show.h"

static int open_info(int pid, int fd)
{
	char name[64];

	snprintf(name, sizeof name, "/proc/%d/fdinfo/%d", pid, fd);
	return open(name, O_RDONLY);
}

static char text[65536];

static int read_info(int pid, int fd)
{
	int info = open_info(pid, fd), length = 0, n;

	text[0] = 0;
	if (info < 0)
		return printf("cannot be opened: %s\n", strerror(errno)), -1;
	while ((n = read(info, text + length, sizeof text - 1 - length)) > 0)
		length += n;
	if (n < 0)
		printf("read: %s\n", strerror(errno));
	text[length] = 0;
	close(info);
	return length;
}

/* Whether /proc/self/mountinfo has that number for the mount at `path`. */
static int is_mount(unsigned id, const char *path)
{
	FILE *f = fopen("/proc/self/mountinfo", "r");
	char line[4096], where[4096];
	unsigned number, found = 0;

	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "%u %*u %*s %*s %4095s", &number, where) == 2 && number == id && !strcmp(where, path))
			found = 1;
	if (f)
		fclose(f);
	return found;
}

static void tell_lock(const char *line, const struct stat *st)
{
	char kind[16], manner[16], type[16], first[32], last[32];
	unsigned number, a, b;
	unsigned long ino;
	int pid;

	if (sscanf(line, "lock: %u: %15s %15s %15s %d %x:%x:%lu %31s %31s", &number, kind, manner, type, &pid, &a, &b, &ino, first, last) != 10) {
		printf("not understood: %s\n", line);
		return;
	}
	printf("%.*s%s pid %s, file %s, %s %s\n", (int)(strstr(line, type) - line), line, type, pid == -1 ? "-1" : pid == getpid() ? "right" : "wrong",
	       ino == st->st_ino && makedev(a, b) == st->st_dev ? "right" : "wrong", first, last);
}

/* The lines, with what names an inode or a mount compared to what stat and mountinfo say. */
static void tell(const char *what, int fd, const char *mount)
{
	struct stat st;
	char *line;

	printf("-- %s\n", what);
	if (read_info(getpid(), fd) < 0)
		return;
	fstat(fd, &st);
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		unsigned long n;

		if (sscanf(line, "ino: %lu", &n) == 1)
			printf("ino: %s\n", n == st.st_ino ? "right" : "wrong");
		else if (sscanf(line, "mnt_id: %lu", &n) == 1)
			printf("mnt_id: %s\n", !mount || is_mount(n, mount) ? "right" : "wrong");
		else if (!strncmp(line, "eventfd-id:", 11))
			printf("eventfd-id\n");
		else if (!strncmp(line, "lock:", 5))
			tell_lock(line, &st);
		else
			printf("%s\n", line);
	}
}

static void plain(void)
{
	int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0644);

	tell("new", fd, "/");
	write(fd, "0123456789", 10);
	tell("written", fd, "/");
	lseek(fd, 3, SEEK_SET);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	tell("sought, close-on-exec", fd, "/");
	fcntl(fd, F_SETFD, 0);
	fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK);
	tell("append, nonblock", fd, "/");
	close(fd);
	fd = open("file", O_WRONLY | O_CLOEXEC | O_APPEND);
	tell("write only", fd, "/");
	close(fd);
	fd = open("file", O_PATH);
	tell("O_PATH", fd, "/");
	close(fd);
	fd = open(".", O_RDONLY | O_DIRECTORY);
	tell("directory", fd, "/");
	close(fd);
	fd = open("/proc/self/status", O_RDONLY);
	tell("in /proc", fd, "/proc");
	close(fd);
	fd = open("/dev/null", O_RDWR);
	tell("device", fd, "/dev");
	close(fd);
}

static void streams(void)
{
	int p[2];

	pipe2(p, O_CLOEXEC);
	tell("pipe, reading", p[0], NULL);
	tell("pipe, writing", p[1], NULL);
}

static void events(void)
{
	sigset_t set;
	struct itimerspec t = { { 2, 5 }, { 0, 0 } };
	int fd = eventfd(0x1234, EFD_NONBLOCK), status;

	tell("eventfd", fd, NULL);
	fd = eventfd(0, EFD_CLOEXEC);
	tell("eventfd, close-on-exec", fd, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMAX);
	fd = signalfd(-1, &set, 0);
	tell("signalfd", fd, NULL);
	fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	tell("timerfd", fd, NULL);
	timerfd_settime(fd, 0, &t, NULL);
	tell("timerfd, interval", fd, NULL);
	fd = timerfd_create(CLOCK_REALTIME, 0);
	t = (struct itimerspec){ { 0, 0 }, { 1, 0 } };
	timerfd_settime(fd, TFD_TIMER_ABSTIME, &t, NULL);
	tell("timerfd, expired", fd, NULL);

	pid_t pid = fork();

	if (!pid)
		pause(), _exit(0);
	fd = syscall(SYS_pidfd_open, pid, 0);
	read_info(getpid(), fd);
	printf("-- pidfd: %s\n", strstr(text, "Pid:\t") && atoi(strstr(text, "Pid:\t") + 5) == pid ? "right" : "wrong");
	printf("NSpid: %s\n", strstr(text, "NSpid:\t") && atoi(strstr(text, "NSpid:\t") + 7) == pid ? "right" : "wrong");
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	read_info(getpid(), fd);
	printf("pidfd of one that is gone: %s", strstr(text, "Pid:"));
}

/* The line of an epoll instance about that descriptor, with the place of the file compared to what stat says. */
static void tell_entry(const char *line, int wanted)
{
	int fd, length = 0;
	long pos;
	unsigned long ino;
	unsigned dev;
	struct stat st;

	if (sscanf(line, "tfd: %d events: %*x data: %*x%n  pos:%ld ino:%lx sdev:%x", &fd, &length, &pos, &ino, &dev) != 4)
		printf("not understood: %s\n", line);
	if (fd != wanted)
		return;
	fstat(fd, &st);
	printf("%.*s pos %ld %s %s\n", length, line, pos, ino == st.st_ino ? "right" : "wrong",
	       dev == (major(st.st_dev) << 20 | minor(st.st_dev)) ? "right" : "wrong");
}

/* By descriptor: Linux lists them by where the files lie in its memory. */
static void tell_epoll(int ep)
{
	for (int fd = 0; fd < 16; fd++) {
		read_info(getpid(), ep);
		for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
			if (!strncmp(line, "tfd:", 4))
				tell_entry(line, fd);
	}
}

static void epolls(void)
{
	int ep = epoll_create1(0), p[2], fd, inner = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event e = { EPOLLIN, { .u64 = 0x123456789abcdef } };

	tell("epoll, empty", ep, NULL);
	pipe(p);
	epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e);
	fd = eventfd(1, 0);
	e = (struct epoll_event){ EPOLLIN | EPOLLET | EPOLLONESHOT, { .fd = fd } };
	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
	e = (struct epoll_event){ EPOLLOUT, { .fd = 0 } };
	epoll_ctl(ep, EPOLL_CTL_ADD, inner, &e);
	tell_epoll(ep);
	epoll_wait(ep, &e, 1, 0);
	tell_epoll(ep);
}

static void many(void)
{
	int ep = epoll_create1(0), lines = 0;

	for (int i = 0; i < 200; i++) {
		struct epoll_event e = { EPOLLIN, { .fd = i } };

		epoll_ctl(ep, EPOLL_CTL_ADD, eventfd(0, 0), &e);
	}
	printf("%d bytes\n", read_info(getpid(), ep) > 15000);
	for (char *at = text; (at = strstr(at, "tfd:")); at++)
		lines++;
	printf("%d entries\n", lines);
}

static void locks(void)
{
	int fd = open("file", O_RDWR | O_CREAT, 0644), other = open("file", O_RDWR);
	struct flock range = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 5 };

	fcntl(fd, F_SETLK, &range);
	tell("POSIX", fd, "/");
	tell("POSIX, by another descriptor", other, "/");
	range = (struct flock){ .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 100 };
	fcntl(fd, F_OFD_SETLK, &range);
	flock(fd, LOCK_SH);
	tell("all kinds", fd, "/");
	tell("the other descriptor", other, "/");
}

static void reading(void)
{
	int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0644), info, n;
	char part[8];

	lseek(fd, 12345, SEEK_SET);
	info = open_info(getpid(), fd);
	while ((n = read(info, part, sizeof part)) > 0)
		if (!memchr(part, 'm', n))
			printf("%.*s|", n, part);
		else
			break;
	printf("\n");
	SHOW(lseek(info, 0, SEEK_CUR));
	lseek(fd, 7, SEEK_SET);
	SHOW(lseek(info, 0, SEEK_SET));
	SHOW(read(info, part, 6));
	printf("%.6s\n", part);
	SHOW(pread(info, part, 3, 5));
	SHOW(write(info, "x", 1));
	close(fd);
	lseek(info, 0, SEEK_SET);
	SHOW(read(info, part, 6));
	SHOW(open("/proc/self/fdinfo/99", O_RDONLY));
	SHOW(open("/proc/self/fdinfo/x", O_RDONLY));
	SHOW(open_info(getpid(), 0) < 0);
}

static void *reader(void *argument)
{
	int info = *(int *)argument;
	char part[4096];

	for (int i = 0; i < 50; i++)
		if (pread(info, part, sizeof part, 0) < 100)
			return (void *)"short";
	return NULL;
}

static void together(void)
{
	int ep = epoll_create1(0), info;
	pthread_t threads[4];

	for (int i = 0; i < 5; i++) {
		struct epoll_event e = { EPOLLIN, { .fd = i } };

		epoll_ctl(ep, EPOLL_CTL_ADD, eventfd(0, 0), &e);
	}
	info = open_info(getpid(), ep);
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, reader, &info);
	for (int i = 0; i < 4; i++) {
		void *result;

		pthread_join(threads[i], &result);
		printf("%s\n", result ? (char *)result : "whole");
	}
}

static void listing(void)
{
	DIR *d = opendir("/proc/self/fdinfo");
	struct dirent *e;
	struct stat st;
	int seen[16] = { 0 };

	while (d && (e = readdir(d))) {
		int n = atoi(e->d_name);

		if (e->d_name[0] != '.' && n < 16)
			seen[n] = e->d_type == DT_REG || e->d_type == DT_UNKNOWN ? 1 : 2;
	}
	for (int i = 0; i < 4; i++)
		printf("%d: %d\n", i, seen[i]);
	stat("/proc/self/fdinfo", &st);
	printf("%o\n", st.st_mode);
	stat("/proc/self/fdinfo/0", &st);
	printf("%o %ld\n", st.st_mode, (long)st.st_size);
}

static void of_another(void)
{
	int fd = open("file", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), status;
	pid_t pid = fork();

	if (!pid)
		pause(), _exit(0);
	lseek(fd, 77, SEEK_SET);
	read_info(pid, fd);
	printf("%.*s\n", (int)strcspn(strchr(text, '\n') + 1, "\n"), strchr(text, '\n') + 1);
	printf("%.*s\n", (int)strcspn(text, "\n"), text);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	read_info(pid, fd);
}

int main(int argc, char **argv)
{
	static const struct part parts[] = {
		{ "plain", plain }, { "streams", streams }, { "events", events }, { "epolls", epolls }, { "many", many }, { "locks", locks },
		{ "reading", reading }, { "together", together }, { "listing", listing }, { "of_another", of_another },
	};

	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	return run_parts(parts, sizeof parts / sizeof *parts, argc, argv);
}
