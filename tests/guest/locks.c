/*
 * Record locks of processes and of open files, flock, and what ends them.
 *
 * calls: flock
 */
#include "report.h"

#include <fcntl.h>
#include <sys/file.h>

static int lock_file(void)
{
	int fd = open("locked", O_RDWR | O_CREAT, 0644);
	if (fd < 0)
		exit(95);
	return fd;
}

static int set_lock(int fd, int command, int type, off_t start, off_t length)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length };
	return fcntl(fd, command, &l);
}

/* What another process sees of a range. */
static void probe(const char *when, off_t start, off_t length)
{
	if (child() == 0) {
		struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = length };
		int fd = open("locked", O_RDWR);
		if (fcntl(fd, F_GETLK, &l) != 0)
			printf("%s: %s\n", when, error_name(errno));
		else if (l.l_type == F_UNLCK)
			printf("%s: free\n", when);
		else
			printf("%s: %s %lld+%lld by %s\n", when, l.l_type == F_RDLCK ? "read" : "write", (long long)l.l_start,
			       (long long)l.l_len, l.l_pid == getppid() ? "parent" : l.l_pid == -1 ? "an open file" : "another");
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

static void lost_on_close(void)
{
	int fd = lock_file(), other = lock_file();
	show("lock", set_lock(fd, F_SETLK, F_WRLCK, 0, 0));
	probe("held", 0, 0);
	show("the same process may lock again", set_lock(other, F_SETLK, F_RDLCK, 10, 5));
	probe("a part is now shared", 10, 1);
	close(other);
	probe("after the other descriptor was closed", 0, 0);
	set_lock(fd, F_SETLK, F_WRLCK, 0, 0);
	close(dup(fd));
	probe("after a duplicate was closed", 0, 0);
}

static void ranges(void)
{
	int fd = lock_file();
	set_lock(fd, F_SETLK, F_WRLCK, 10, 80);
	set_lock(fd, F_SETLK, F_UNLCK, 40, 20);
	probe("whole", 0, 0);
	probe("hole", 40, 20);
	probe("second part", 50, 100);
	set_lock(fd, F_SETLK, F_WRLCK, 40, 20);
	probe("joined again", 0, 0);
	set_lock(fd, F_SETLK, F_RDLCK, 0, 20);
	probe("start is shared", 0, 0);
	probe("rest", 20, 1);
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_END, .l_start = 0, .l_len = -5 };
	show("before the start", fcntl(fd, F_SETLK, &l));
	if (ftruncate(fd, 200) != 0)
		return;
	show("relative to the end", fcntl(fd, F_SETLK, &l));
	probe("there", 190, 10);
	show("unlock all", set_lock(fd, F_SETLK, F_UNLCK, 0, 0));
	probe("all", 0, 0);
	show("write lock by a reader", set_lock(open("locked", O_RDONLY), F_SETLK, F_WRLCK, 0, 1));
	show("unknown type", set_lock(fd, F_SETLK, 77, 0, 1));
}

static void over_fork(void)
{
	int fd = lock_file();
	set_lock(fd, F_SETLK, F_WRLCK, 0, 10);
	if (child() == 0) {
		show("child tries the parent's lock", set_lock(fd, F_SETLK, F_WRLCK, 0, 10));
		show("child locks elsewhere", set_lock(fd, F_SETLK, F_WRLCK, 20, 10));
		close(fd);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	probe("the child's close left it", 0, 10);
	probe("the child's end freed its own", 20, 10);
}

static volatile sig_atomic_t alarms;

static void on_alarm(int number)
{
	(void)number;
	alarms++;
}

static void waiting(void)
{
	int fd = lock_file();
	struct turn t;
	turn_make(&t);
	pid_t pid = child();
	if (pid == 0) {
		set_lock(fd, F_SETLK, F_WRLCK, 0, 0);
		turn_post(t.from[1]);
		turn_wait(t.to[0]);
		nap_ms(50);
		_exit(0);
	}
	turn_wait(t.from[0]);
	show("at once", set_lock(fd, F_SETLK, F_RDLCK, 5, 1));
	handle(SIGALRM, on_alarm, 0);
	alarm(1);
	show("interrupted", set_lock(fd, F_SETLKW, F_RDLCK, 5, 1));
	turn_post(t.to[1]);
	show("got when the holder ended", set_lock(fd, F_SETLKW, F_WRLCK, 5, 1));
	wait(NULL);
	printf("alarms %d\n", (int)alarms);
}

static void deadlock(void)
{
	int fd = lock_file();
	struct turn t;
	turn_make(&t);
	set_lock(fd, F_SETLK, F_WRLCK, 0, 1);
	if (child() == 0) {
		set_lock(fd, F_SETLK, F_WRLCK, 1, 1);
		turn_post(t.from[1]);
		_exit(set_lock(fd, F_SETLKW, F_WRLCK, 0, 1) == 0 ? 0 : 1);
	}
	turn_wait(t.from[0]);
	nap_ms(100);
	show("circle", set_lock(fd, F_SETLKW, F_WRLCK, 1, 1));
	set_lock(fd, F_SETLK, F_UNLCK, 0, 1);
	int status;
	wait(&status);
	show_status("the other went on", status);
}

static void of_open_files(void)
{
	int fd = lock_file(), other = lock_file();
	show("lock", set_lock(fd, F_OFD_SETLK, F_WRLCK, 0, 10));
	show("another open file of this process", set_lock(other, F_OFD_SETLK, F_WRLCK, 5, 10));
	show("a process lock over it", set_lock(other, F_SETLK, F_WRLCK, 5, 1));
	close(other);
	probe("closing another leaves it", 0, 10);
	int copy = dup(fd);
	if (child() == 0) {
		show("child shares it", set_lock(fd, F_OFD_SETLK, F_RDLCK, 0, 5));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	probe("changed by the child", 0, 1);
	close(fd);
	probe("a duplicate holds it", 5, 5);
	close(copy);
	probe("the last one gone", 0, 10);
	struct flock l = { .l_type = F_WRLCK, .l_pid = 5 };
	show("l_pid must be zero", fcntl(lock_file(), F_OFD_SETLK, &l));
}

static void whole_files(void)
{
	int a = lock_file(), b = lock_file();
	show("shared", flock(a, LOCK_SH));
	show("shared too", flock(b, LOCK_SH));
	show("exclusive", flock(b, LOCK_EX | LOCK_NB));
	show("unlock", flock(a, LOCK_UN));
	show("exclusive now", flock(b, LOCK_EX | LOCK_NB));
	show("shared against it", flock(a, LOCK_SH | LOCK_NB));
	probe("record locks do not see it", 0, 0);
	if (child() == 0)
		_exit(flock(b, LOCK_EX | LOCK_NB));
	int status;
	wait(&status);
	show_status("child has the same lock", status);
	show("it ended, the lock stays", flock(a, LOCK_SH | LOCK_NB));
	if (child() == 0) {
		nap_ms(50);
		_exit(0);
	}
	close(b);
	show("waits for the child's copy", flock(a, LOCK_EX));
	show("bad operation", flock(a, 77));
	show("neither", flock(a, 0));
	wait(NULL);
}

static void many(void)
{
	enum { HOLDERS = 8, ROUNDS = 40 };
	int fd = lock_file();
	if (write(fd, "0", 1) != 1)
		return;
	for (int i = 0; i < HOLDERS; i++)
		if (child() == 0) {
			int own = lock_file();
			for (int j = 0; j < ROUNDS; j++) {
				char text[16] = "";
				set_lock(own, F_SETLKW, F_WRLCK, 0, 0);
				pread(own, text, sizeof text - 1, 0);
				int n = snprintf(text, sizeof text, "%d", atoi(text) + 1);
				pwrite(own, text, n, 0);
				set_lock(own, F_SETLK, F_UNLCK, 0, 0);
			}
			_exit(0);
		}
	while (wait(NULL) > 0)
		;
	char text[16] = "";
	show("read", pread(fd, text, sizeof text - 1, 0));
	printf("count %s\n", text);
}

int main(int argc, char **argv)
{
	static const struct part parts[] = { PART(lost_on_close), PART(ranges), PART(over_fork), PART(waiting), PART(deadlock),
		PART(of_open_files), PART(whole_files), PART(many) };
	return RUN_PARTS(parts, argc, argv);
}
