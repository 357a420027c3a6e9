/*
 * Leases (F_SETLEASE, F_GETLEASE) and directory notes (F_NOTIFY): who may have them, who is told of what, who waits for whom.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>

#include "tests/guest/show.h"

#include <signal.h>

#ifndef F_SETLEASE
#define F_SETLEASE 1024
#define F_GETLEASE 1025
#define F_NOTIFY   1026
#endif
#ifndef DN_ACCESS
#define DN_ACCESS 1
#define DN_MODIFY 2
#define DN_CREATE 4
#define DN_DELETE 8
#define DN_RENAME 16
#define DN_ATTRIB 32
#define DN_MULTISHOT 0x80000000u
#endif

#define TELL (SIGRTMIN + 3)

static void hold_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	sigaddset(&set, TELL);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static void come_in(const char *what, long seconds)
{
	struct timespec time = { seconds, 0 };
	siginfo_t info;
	sigset_t set;
	int n = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	sigaddset(&set, TELL);
	printf("%s:", what);
	while (sigtimedwait(&set, &info, &time) > 0 && n++ < 10) {
		time.tv_sec = 0;
		if (info.si_code == SI_KERNEL)
			printf(" [%s kernel]", info.si_signo == SIGIO ? "SIGIO" : "other");
		else
			printf(" [%s code %d band %lx fd %d]", info.si_signo == SIGIO ? "SIGIO" : "TELL", info.si_code, info.si_band, info.si_fd);
	}
	printf("\n");
}

static void come(const char *what)
{
	come_in(what, 0);
}

static int make(const char *name, int flags, int as)
{
	int fd = open(name, O_CREAT | O_RDWR, 0644);

	write(fd, "contents", 8);
	close(fd);
	fd = open(name, flags);
	dup2(fd, as);
	close(fd);
	return as;
}

static const char *type(int fd)
{
	int lease = fcntl(fd, F_GETLEASE);

	return lease == F_RDLCK ? "read" : lease == F_WRLCK ? "write" : lease == F_UNLCK ? "none" : "?";
}

/* A process that opens the file. How that ended is its exit status, so that it can say nothing between two lines of the holder's. */
static pid_t opener(const char *name, int flags)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid)
		return pid;
	_exit(open(name, flags) < 0 ? errno : 0);
}

static void wait_for(pid_t pid)
{
	int status;

	waitpid(pid, &status, 0);
	printf("it ended: %s\n", status & 0x7f ? "killed" : strerror(WEXITSTATUS(status)));
}

/* It waits for something: 'S' in its line of /proc. */
static void until_asleep(pid_t pid)
{
	char path[32], line[512], *after = NULL;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	for (int asleep = 0; !asleep; sched_yield()) {
		FILE *f = fopen(path, "r");

		after = f && fgets(line, sizeof line, f) ? strrchr(line, ')') : NULL;
		if (f)
			fclose(f);
		asleep = !after || after[2] == 'S' || after[2] == 'Z';
	}
}

/* ---- who may have one ---- */

static void types(void)
{
	int a = make("file", O_RDONLY, 20), b;

	printf("%s\n", type(a));
	SHOW(fcntl(a, F_SETLEASE, F_RDLCK));
	printf("%s\n", type(a));
	b = dup(a);
	printf("%s\n", type(b));
	SHOW(fcntl(b, F_SETLEASE, F_WRLCK));
	printf("%s\n", type(a));
	SHOW(fcntl(b, F_SETLEASE, F_RDLCK));
	b = open("file", O_RDONLY);
	printf("%s\n", type(b));
	SHOW(fcntl(b, F_SETLEASE, F_RDLCK));
	SHOW(fcntl(b, F_SETLEASE, F_WRLCK));
	SHOW(fcntl(a, F_SETLEASE, F_WRLCK));
	SHOW(fcntl(a, F_SETLEASE, F_UNLCK));
	SHOW(fcntl(a, F_SETLEASE, F_UNLCK));
	SHOW(fcntl(b, F_SETLEASE, F_WRLCK));
	close(a);
	SHOW(fcntl(b, F_SETLEASE, F_WRLCK));
	close(b);
	a = make("file", O_RDWR, 20);
	SHOW(fcntl(a, F_SETLEASE, F_RDLCK));
	SHOW(fcntl(a, F_SETLEASE, F_WRLCK));
	printf("%s\n", type(a));
	close(a);
	a = make("file", O_WRONLY, 20);
	SHOW(fcntl(a, F_SETLEASE, F_RDLCK));
	SHOW(fcntl(a, F_SETLEASE, F_WRLCK));
	close(a);
	unlink("file");
}

static void user_leases(void)
{
	int mine;

	setresuid(1000, 1000, 1000);
	SHOW(fcntl(20, F_SETLEASE, F_RDLCK));
	SHOW(fcntl(20, F_SETLEASE, F_UNLCK));
	mine = open("owned", O_RDONLY);
	SHOW(fcntl(mine, F_SETLEASE, F_RDLCK));
}

static void errors(void)
{
	int ends[2], path = open("/", O_PATH);

	make("file", O_RDONLY, 20);
	make("owned", O_RDONLY, 21);
	close(21);
	chown("owned", 1000, 1000);
	pipe(ends);
	SHOW(fcntl(20, F_SETLEASE, 3));
	SHOW(fcntl(20, F_SETLEASE, -1));
	SHOW(fcntl(ends[0], F_SETLEASE, F_RDLCK));
	SHOW(fcntl(ends[0], F_GETLEASE) == F_UNLCK);
	SHOW(fcntl(open("/", O_RDONLY), F_SETLEASE, F_RDLCK));
	SHOW(fcntl(path, F_SETLEASE, F_RDLCK));
	SHOW(fcntl(99, F_GETLEASE));
	apart(user_leases);
	unlink("file");
	unlink("owned");
}

/* ---- breaking ---- */

static void told_by(int fd)
{
	fcntl(fd, F_SETSIG, TELL);
}

static void for_writing(void)
{
	int fd = make("file", O_RDONLY, 20);
	pid_t pid;

	hold_signals();
	told_by(fd);
	SHOW(fcntl(fd, F_SETLEASE, F_RDLCK));
	SHOW(fcntl(fd, F_GETOWN) == getpid());
	wait_for(opener("file", O_RDONLY));
	come("read by another");
	wait_for(opener("file", O_WRONLY | O_NONBLOCK));
	come("not waiting");
	printf("%s\n", type(fd));
	wait_for(opener("file", O_WRONLY | O_NONBLOCK));
	come("told once");
	pid = opener("file", O_WRONLY);
	until_asleep(pid);
	SHOW(waitpid(pid, NULL, WNOHANG));
	SHOW(fcntl(fd, F_SETLEASE, F_UNLCK));
	wait_for(pid);
	/* who gives it up is not told any more */
	SHOW(fcntl(fd, F_GETOWN));
	SHOW(fcntl(fd, F_GETSIG));
	SHOW(fcntl(fd, F_SETLEASE, F_RDLCK));
	pid = opener("file", O_RDWR);
	come_in("SIGIO", 5);
	fcntl(fd, F_SETLEASE, F_UNLCK);
	wait_for(pid);
	unlink("file");
}

static void downgrade(void)
{
	int fd = make("file", O_RDWR, 20);
	pid_t pid, other;

	hold_signals();
	told_by(fd);
	SHOW(fcntl(fd, F_SETLEASE, F_WRLCK));
	pid = opener("file", O_RDONLY);
	come_in("reader", 5);
	printf("%s\n", type(fd));
	SHOW(fcntl(fd, F_SETLEASE, F_RDLCK));
	SHOW(fcntl(fd, F_SETLEASE, F_UNLCK));
	wait_for(pid);
	close(fd);
	fd = make("file", O_RDONLY, 20);
	told_by(fd);
	SHOW(fcntl(fd, F_SETLEASE, F_WRLCK));
	pid = opener("file", O_RDONLY);
	come_in("reader", 5);
	SHOW(fcntl(fd, F_SETLEASE, F_RDLCK));
	wait_for(pid);
	printf("%s\n", type(fd));
	SHOW(fcntl(fd, F_SETLEASE, F_WRLCK));
	pid = opener("file", O_RDONLY);
	come_in("reader", 5);
	other = opener("file", O_WRONLY);
	come_in("and writer", 5);
	printf("%s\n", type(fd));
	SHOW(fcntl(fd, F_SETLEASE, F_UNLCK));
	wait_for(pid);
	wait_for(other);
	unlink("file");
}

static void truncating(void)
{
	int fd = make("file", O_RDONLY, 20);
	struct stat s;
	pid_t pid;

	hold_signals();
	told_by(fd);
	SHOW(fcntl(fd, F_SETLEASE, F_RDLCK));
	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(truncate("file", 3) < 0 ? errno : 0);
	come_in("truncate", 5);
	fstat(fd, &s);
	SHOW(s.st_size);
	fcntl(fd, F_SETLEASE, F_UNLCK);
	wait_for(pid);
	fstat(fd, &s);
	SHOW(s.st_size);
	told_by(fd);
	SHOW(fcntl(fd, F_SETLEASE, F_RDLCK));
	SHOW(chmod("file", 0600));
	SHOW(rename("file", "other"));
	SHOW(link("other", "file"));
	SHOW(unlink("other"));
	come("names and modes");
	unlink("file");
}

static void set_break_time(const char *text)
{
	int fd = open("/proc/sys/fs/lease-break-time", O_WRONLY);

	write(fd, text, strlen(text));
	close(fd);
}

static void in_time(void)
{
	int fd = make("file", O_RDONLY, 20);
	time_t start;

	hold_signals();
	set_break_time("2");
	told_by(fd);
	SHOW(fcntl(fd, F_SETLEASE, F_RDLCK));
	start = time(NULL);
	wait_for(opener("file", O_WRONLY));
	printf("%d\n", time(NULL) - start >= 1 && time(NULL) - start <= 3);
	come("told");
	printf("%s\n", type(fd));
	SHOW(fcntl(fd, F_SETLEASE, F_UNLCK));
	SHOW(fcntl(fd, F_SETLEASE, F_WRLCK));
	wait_for(opener("file", O_RDONLY));
	printf("%s\n", type(fd));
	set_break_time("45");
	close(fd);
	unlink("file");
}

static void nothing(int signal)
{
	(void)signal;
}

static void interrupted(void)
{
	struct itimerval in = { .it_value.tv_usec = 100000 };
	int fd = make("file", O_RDONLY, 20);

	hold_signals();
	told_by(fd);
	sigaction(SIGALRM, &(struct sigaction){ .sa_handler = nothing }, NULL);
	SHOW(fcntl(fd, F_SETLEASE, F_RDLCK));
	setitimer(ITIMER_REAL, &in, NULL);
	/* one's own lease is in the way, too */
	SHOW(open("file", O_WRONLY));
	setitimer(ITIMER_REAL, &in, NULL);
	SHOW(truncate("file", 1));
	come("told");
	printf("%s\n", type(fd));
	close(fd);
	SHOW(truncate("file", 1));
	unlink("file");
}

static void ends(void)
{
	int fd = make("file", O_RDONLY, 20), waiting[2];
	char byte;
	pid_t pid;

	close(fd);
	hold_signals();
	pipe(waiting);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		fd = open("file", O_RDONLY);
		fcntl(fd, F_SETLEASE, F_RDLCK);
		write(waiting[1], "", 1);
		for (;;)
			pause();
	}
	read(waiting[0], &byte, 1);
	SHOW(open("file", O_WRONLY | O_NONBLOCK));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	OK(open("file", O_WRONLY | O_NONBLOCK));
	unlink("file");
}

static void switched_off(void)
{
	int fd = make("file", O_RDONLY, 20), off = open("/proc/sys/fs/leases-enable", O_WRONLY);

	write(off, "0", 1);
	SHOW(fcntl(fd, F_SETLEASE, F_RDLCK));
	pwrite(off, "1", 1, 0);
	SHOW(fcntl(fd, F_SETLEASE, F_RDLCK));
	close(fd);
	off = open("/proc/sys/fs/dir-notify-enable", O_WRONLY);
	fd = open(".", O_RDONLY);
	write(off, "0", 1);
	SHOW(fcntl(fd, F_NOTIFY, DN_CREATE));
	pwrite(off, "1", 1, 0);
	SHOW(fcntl(fd, F_NOTIFY, DN_CREATE));
	unlink("file");
}

/* ---- directory notes ---- */

static int directory(unsigned events)
{
	int fd;

	mkdir("d", 0755);
	fd = open("d", O_RDONLY);
	dup2(fd, 20);
	close(fd);
	told_by(20);
	SHOW(fcntl(20, F_NOTIFY, events));
	return 20;
}

static void touch(const char *name)
{
	close(open(name, O_CREAT | O_WRONLY, 0644));
}

static void deeds(void)
{
	char text[300];
	int fd;

	come("nothing");
	touch("d/a");
	come("created");
	fd = open("d/a", O_RDWR);
	write(fd, "abc", 3);
	come("written");
	pread(fd, text, 3, 0);
	come("read");
	ftruncate(fd, 1);
	come("truncated");
	fchmod(fd, 0600);
	come("mode");
	close(fd);
	come("closed");
	rename("d/a", "d/b");
	come("renamed");
	rename("d/b", "outside");
	come("moved out");
	rename("outside", "d/c");
	come("moved in");
	link("d/c", "d/e");
	come("linked");
	unlink("d/e");
	come("unlinked");
	mkdir("d/sub", 0755);
	come("directory made");
	touch("d/sub/x");
	come("below that");
	unlink("d/sub/x");
	rmdir("d/sub");
	come("directory removed");
	chmod("d", 0700);
	come("its own mode");
	unlink("d/c");
	come("gone");
}

static void each_note(void)
{
	static const unsigned each[] = { DN_ACCESS, DN_MODIFY, DN_CREATE, DN_DELETE, DN_RENAME, DN_ATTRIB };

	hold_signals();
	for (int i = 0; i < 6; i++) {
		printf("- %x\n", each[i]);
		directory(each[i] | DN_MULTISHOT);
		deeds();
		close(20);
		rmdir("d");
		come("closed");
	}
}

static void notes(void)
{
	hold_signals();
	directory(DN_CREATE | DN_DELETE);
	SHOW(fcntl(20, F_GETOWN) == getpid());
	touch("d/a");
	touch("d/b");
	come("once");
	SHOW(fcntl(20, F_NOTIFY, DN_CREATE | DN_MULTISHOT));
	SHOW(fcntl(20, F_NOTIFY, DN_DELETE));
	touch("d/c");
	touch("d/d");
	unlink("d/a");
	come("many, of both");
	SHOW(fcntl(20, F_NOTIFY, 0));
	touch("d/a");
	come("no more");
	SHOW(fcntl(20, F_NOTIFY, DN_CREATE));
	fcntl(20, F_SETSIG, 0);
	touch("d/e");
	come("SIGIO");
	SHOW(fcntl(open("/etc/passwd", O_RDONLY), F_NOTIFY, DN_CREATE));
	SHOW(fcntl(open("d", O_PATH), F_NOTIFY, DN_CREATE));
	system("rm -r d");
}

int main(int argc, char **argv)
{
	static const struct part parts[] = {
		{ "types", types }, { "errors", errors }, { "for_writing", for_writing }, { "downgrade", downgrade }, { "truncating", truncating },
		{ "in_time", in_time }, { "interrupted", interrupted }, { "ends", ends }, { "switched_off", switched_off }, { "notes", notes },
		{ "each_note", each_note },
	};

	return run_parts(parts, sizeof parts / sizeof *parts, argc, argv);
}
