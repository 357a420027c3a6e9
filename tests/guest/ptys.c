/*
 * Pseudo-terminals: both ends, their names, and what closing, sessions and packet mode do.
 *
 * calls: close ioctl setsid vhangup
 */
#include "report.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <termios.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif

#define SHOW(call) show(#call, (errno = 0, (long)(call)))
#define OK(call)   show_ok(#call, (errno = 0, (long)(call)))

static int master, slave;

static void print_bytes(const char *what, const char *bytes, long n)
{
	if (n < 0) {
		printf("%s: %s\n", what, error_name(errno));
		return;
	}
	printf("%s: %ld \"", what, n);
	for (long i = 0; i < n; i++)
		if (bytes[i] >= ' ' && bytes[i] < 127)
			putchar(bytes[i]);
		else
			printf("\\%o", (unsigned char)bytes[i]);
	printf("\"\n");
}

static void show_read(const char *what, int fd, size_t size)
{
	char bytes[8192];

	errno = 0;
	print_bytes(what, bytes, read(fd, bytes, size));
}

/* All that comes within a while: what is echoed and what is written come in pieces. */
static void show_all(const char *what, int fd)
{
	char bytes[16384];
	long n = 0, got;
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while (poll(&p, 1, 50) == 1 && p.revents & POLLIN && (got = read(fd, bytes + n, sizeof(bytes) - n)) > 0)
		n += got;
	print_bytes(what, bytes, n);
}

static void put(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		printf("write: %s\n", error_name(errno));
}

static int open_master(int flags)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY | flags), unlock = 0;

	if (fd < 0 || ioctl(fd, TIOCSPTLCK, &unlock) != 0)
		printf("openpt: %s\n", error_name(errno));
	return fd;
}

static void open_pair(int flags)
{
	master = open_master(flags);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | flags);
	if (slave < 0)
		printf("slave: %s\n", error_name(errno));
}

static void close_pair(void)
{
	close(slave);
	close(master);
}

static void set_raw(int fd)
{
	struct termios t;

	tcgetattr(fd, &t);
	cfmakeraw(&t);
	tcsetattr(fd, TCSANOW, &t);
}

static void show_poll(const char *what, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT | POLLPRI };

	printf("%s:", what);
	if (poll(&p, 1, 20) >= 0)
		printf("%s%s%s%s%s\n", p.revents & POLLIN ? " IN" : "", p.revents & POLLPRI ? " PRI" : "", p.revents & POLLOUT ? " OUT" : "",
		       p.revents & POLLHUP ? " HUP" : "", p.revents & POLLERR ? " ERR" : "");
}

/* ---- names ---- */

static void show_stat(const char *what, const struct stat *s)
{
	printf("%s: mode %o, owner %d:%d, device %u:%u, links %d\n", what, s->st_mode, s->st_uid, s->st_gid, (unsigned)(s->st_rdev >> 8 & 0xfff),
	       (unsigned)(s->st_rdev & 0xff), (int)s->st_nlink);
}

static void list_pts(void)
{
	DIR *dir = opendir("/dev/pts");
	struct dirent *entry;
	int names = 0, same = 1;

	while ((entry = readdir(dir))) {
		char path[300];
		struct stat s;

		snprintf(path, sizeof(path), "/dev/pts/%s", entry->d_name);
		names++;
		same &= entry->d_name[0] == '.' || (stat(path, &s) == 0 && s.st_ino == entry->d_ino && entry->d_type == DT_CHR);
	}
	closedir(dir);
	printf("%d names, %s\n", names, same ? "as stat says" : "not as stat says");
}

static void names(void)
{
	struct stat s;
	struct statfs fs;
	int number = -1, lock = -1, one = 1, zero = 0, second;

	master = posix_openpt(O_RDWR | O_NOCTTY);
	SHOW(ioctl(master, TIOCGPTN, &number));
	printf("number %d, name %s\n", number, ptsname(master));
	SHOW(ioctl(master, TIOCGPTLCK, &lock));
	printf("locked %d\n", lock);
	SHOW(open("/dev/pts/0", O_RDWR | O_NOCTTY));
	SHOW(grantpt(master));
	SHOW(unlockpt(master));
	SHOW(ioctl(master, TIOCGPTLCK, &lock));
	printf("locked %d\n", lock);
	OK(slave = open("/dev/pts/0", O_RDWR | O_NOCTTY));
	fstat(slave, &s);
	show_stat("slave", &s);
	fstat(master, &s);
	show_stat("master", &s);
	stat("/dev/pts", &s);
	printf("/dev/pts: mode %o, inode %d, links %d\n", s.st_mode, (int)s.st_ino, (int)s.st_nlink);
	SHOW(fstatfs(slave, &fs));
	printf("type %lx\n", (long)fs.f_type);
	printf("ttyname %s, isatty %d %d\n", ttyname(slave), isatty(slave), isatty(master));
	second = open_master(0);
	printf("second %s\n", ptsname(second));
	list_pts();
	SHOW(ioctl(master, TIOCSPTLCK, &one));
	SHOW(open("/dev/pts/0", O_RDWR | O_NOCTTY));
	SHOW(ioctl(master, TIOCSPTLCK, &zero));
	SHOW(open("/dev/pts/7", O_RDWR | O_NOCTTY));
	SHOW(open("/dev/pts/00", O_RDWR | O_NOCTTY));
	SHOW(open("/dev/pts/new", O_RDWR | O_CREAT, 0600));
	SHOW(unlink("/dev/pts/0"));
	SHOW(mkdir("/dev/pts/d", 0700));
	SHOW(rename("/dev/pts/0", "/dev/pts/9"));
	SHOW(chmod("/dev/pts/0", 0600));
	SHOW(chown("/dev/pts/0", 12, 34));
	stat("/dev/pts/0", &s);
	show_stat("changed", &s);
	close(master);
	SHOW(open("/dev/pts/0", O_RDWR | O_NOCTTY));
	list_pts();
	/* the number is free again when the slave has gone, too */
	master = open_master(0);
	printf("third %s\n", ptsname(master));
	close(slave);
	slave = open_master(0);
	printf("fourth %s\n", ptsname(slave));
	list_pts();
	close(second);
	close_pair();
	list_pts();
}

static void peers(void)
{
	char link[64] = { 0 };
	int peer;

	master = posix_openpt(O_RDWR | O_NOCTTY);
	SHOW(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY));
	unlockpt(master);
	OK(peer = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
	printf("flags %x %x\n", fcntl(peer, F_GETFD), fcntl(peer, F_GETFL) & O_ACCMODE);
	printf("ttyname %s\n", ttyname(peer));
	SHOW(ioctl(peer, TIOCGPTPEER, O_RDWR));
	put(master, "line\n");
	show_read("peer", peer, 100);
	show_all("echo", master);
	close(master);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", peer);
	char text[64] = { 0 };
	SHOW(readlink(link, text, sizeof(text) - 1));
	printf("%s\n", text);
	close(peer);
}

/* ---- bytes ---- */

static void lines(void)
{
	int n;

	open_pair(0);
	put(master, "one\ntwo\nthr");
	SHOW(ioctl(slave, FIONREAD, &n));
	printf("can be read %d\n", n);
	show_read("slave", slave, 100);
	show_read("slave", slave, 2);
	show_read("slave", slave, 100);
	put(master, "ex\x7f" "e\x17" "four\x15" "five\x04\x04");
	show_read("slave", slave, 100);
	show_read("slave", slave, 100);
	show_all("master", master);
	put(slave, "a\tb\nc");
	SHOW(ioctl(master, FIONREAD, &n));
	SHOW(ioctl(slave, TIOCOUTQ, &n));
	printf("unsent %d\n", n);
	show_read("master", master, 3);
	show_all("master", master);
	close_pair();
}

static void raw(void)
{
	char bytes[6000];
	int n;

	open_pair(0);
	set_raw(slave);
	put(master, "ab\r\n\x03\x04");
	show_read("slave", slave, 100);
	put(slave, "x\ny\n");
	show_all("master", master);
	memset(bytes, 'z', sizeof(bytes));
	SHOW(write(master, bytes, sizeof(bytes)));
	for (n = 0; n < (int)sizeof(bytes); )
		n += read(slave, bytes, sizeof(bytes) - n);
	printf("arrived %d\n", n);
	SHOW(write(slave, bytes, sizeof(bytes)));
	for (n = 0; n < (int)sizeof(bytes); )
		n += read(master, bytes, sizeof(bytes) - n);
	printf("arrived %d\n", n);
	close_pair();
}

/* A writer waits for a reader, in both directions; sums tell that nothing is lost. */
static void pump(int from, int to, const char *what)
{
	unsigned char bytes[1000];
	unsigned sum = 0, total = 0;
	pid_t pid = child();

	if (!pid) {
		for (int i = 0; i < 100; i++) {
			for (int k = 0; k < (int)sizeof(bytes); k++)
				bytes[k] = (unsigned char)(i * 7 + k * 13);
			for (int at = 0; at < (int)sizeof(bytes); )
				at += write(from, bytes + at, sizeof(bytes) - at);
		}
		_exit(0);
	}
	while (total < 100000) {
		long n = read(to, bytes, sizeof(bytes));

		for (long k = 0; k < n; k++)
			sum = sum * 31 + bytes[k];
		total += n;
	}
	waitpid(pid, NULL, 0);
	printf("%s: %u bytes, sum %x\n", what, total, sum);
}

static void much(void)
{
	open_pair(0);
	set_raw(slave);
	pump(master, slave, "to the slave");
	pump(slave, master, "to the master");
	close_pair();
}

static void not_waiting(void)
{
	char bytes[4096];
	long n, total = 0;

	open_pair(O_NONBLOCK);
	set_raw(slave);
	show_read("slave", slave, 10);
	show_read("master", master, 10);
	memset(bytes, 'x', sizeof(bytes));
	while ((n = write(slave, bytes, sizeof(bytes))) > 0)
		total += n;
	printf("filled: %s, %s\n", error_name(errno), total > 4096 && total < 70000 ? "some thousand bytes" : "not that");
	while ((n = read(master, bytes, sizeof(bytes))) > 0)
		total -= n;
	printf("emptied: %s, left %ld\n", error_name(errno), total);
	show_poll("slave", slave);
	while ((n = write(master, bytes, sizeof(bytes))) > 0)
		total += n;
	printf("filled: %s, %s\n", error_name(errno), total > 4096 && total < 70000 ? "some thousand bytes" : "not that");
	while ((n = read(slave, bytes, sizeof(bytes))) > 0)
		total -= n;
	printf("emptied: %s, left %ld\n", error_name(errno), total);
	close_pair();
}

/* ---- closing ---- */

static void slave_closes(void)
{
	int fd = open_master(0);

	show_poll("never opened", fd);
	close(fd);
	open_pair(0);
	show_poll("open", master);
	put(slave, "last words\n");
	put(master, "unread\n");
	close(slave);
	show_poll("closed", master);
	show_all("master", master);
	show_read("master", master, 10);
	show_poll("empty", master);
	SHOW(write(master, "more\n", 5));
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	show_poll("open again", master);
	show_read("slave", slave, 100);
	show_read("slave", slave, 100);
	close_pair();
}

static void reader_of_closed(void)
{
	open_pair(0);
	pid_t pid = child();

	if (!pid) {
		close(slave);
		show_read("waits", master, 10);
		show_read("again", master, 10);
		fflush(stdout);
		_exit(0);
	}
	nap_ms(50);
	put(slave, "x");
	nap_ms(50);
	close(slave);
	waitpid(pid, NULL, 0);
	close(master);
}

static void master_closes(void)
{
	struct termios t;
	int group;

	open_pair(0);
	put(master, "unread\n");
	close(master);
	show_read("slave", slave, 10);
	SHOW(write(slave, "x", 1));
	SHOW(tcgetattr(slave, &t));
	SHOW(ioctl(slave, TIOCSPGRP, &group));
	SHOW(isatty(slave));
	show_poll("slave", slave);
	close(slave);
}

static void waiter_of_hung_up(void)
{
	open_pair(0);
	pid_t pid = child();

	if (!pid) {
		close(master);
		show_read("waits", slave, 10);
		fflush(stdout);
		_exit(0);
	}
	nap_ms(50);
	close(master);
	waitpid(pid, NULL, 0);
	close(slave);
}

/* ---- settings ---- */

static void settings(void)
{
	struct termios t;
	struct winsize w = { 0 };
	int value;

	open_pair(0);
	tcgetattr(slave, &t);
	printf("%x %x %x %x\n", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag);
	t.c_cflag |= PARENB | CS5;
	t.c_lflag &= ~ECHO;
	SHOW(tcsetattr(master, TCSANOW, &t));
	tcgetattr(slave, &t);
	printf("%x %x %x %x\n", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag);
	SHOW(ioctl(slave, TIOCGWINSZ, &w));
	printf("%d x %d\n", w.ws_row, w.ws_col);
	w.ws_row = 30, w.ws_col = 100;
	SHOW(ioctl(master, TIOCSWINSZ, &w));
	memset(&w, 0, sizeof(w));
	SHOW(ioctl(slave, TIOCGWINSZ, &w));
	printf("%d x %d\n", w.ws_row, w.ws_col);
	SHOW(tcdrain(slave));
	SHOW(tcsendbreak(slave, 0));
	SHOW(ioctl(slave, TIOCSBRK));
	SHOW(ioctl(slave, TIOCMGET, &value));
	SHOW(ioctl(slave, TIOCGPTN, &value));
	SHOW(ioctl(master, TIOCGETD, &value));
	SHOW(ioctl(master, TIOCGDEV, &value));
	printf("device %x\n", value);
	SHOW(ioctl(slave, TIOCEXCL));
	SHOW(ioctl(slave, TIOCGEXCL, &value));
	printf("exclusive %d\n", value);
	SHOW(ioctl(slave, TIOCNXCL));
	put(master, "no echo\n");
	show_all("master", master);
	show_read("slave", slave, 100);
	close_pair();
}

static void flushing(void)
{
	open_pair(0);
	put(master, "dropped\nrest");
	SHOW(tcflush(slave, TCIFLUSH));
	put(master, "line\n");
	show_read("slave", slave, 100);
	show_all("master", master);
	put(slave, "arrived\n");
	nap_ms(20);
	SHOW(tcflush(slave, TCOFLUSH));
	show_all("master", master);
	put(slave, "dropped\n");
	nap_ms(20);
	SHOW(tcflush(master, TCIFLUSH));
	put(slave, "kept\n");
	show_all("master", master);
	SHOW(tcflush(slave, 3));
	close_pair();
}

static void flow(void)
{
	open_pair(O_NONBLOCK);
	put(master, "\x13");
	nap_ms(20);
	SHOW(write(slave, "held", 4));
	show_poll("stopped", slave);
	put(master, "\x11");
	nap_ms(20);
	SHOW(write(slave, "goes", 4));
	show_all("master", master);
	SHOW(tcflow(slave, TCOOFF));
	SHOW(write(slave, "held", 4));
	put(master, "\x11");
	nap_ms(20);
	SHOW(write(slave, "still", 5));
	SHOW(tcflow(slave, TCOON));
	SHOW(write(slave, "goes", 4));
	show_all("master", master);
	SHOW(tcflow(slave, TCIOFF));
	SHOW(tcflow(slave, TCION));
	show_all("master", master);
	SHOW(tcflow(slave, 9));
	close_pair();
}

static void timed(void)
{
	struct termios t;
	long long before;

	open_pair(0);
	tcgetattr(slave, &t);
	cfmakeraw(&t);
	t.c_cc[VMIN] = 0;
	t.c_cc[VTIME] = 2;
	tcsetattr(slave, TCSANOW, &t);
	before = now_us();
	show_read("nothing", slave, 10);
	printf("waited %s\n", now_us() - before >= 190000 ? "long enough" : "not long enough");
	t.c_cc[VMIN] = 5;
	tcsetattr(slave, TCSANOW, &t);
	put(master, "abc");
	show_read("three", slave, 10);
	put(master, "abcdefg");
	show_read("more than five", slave, 10);
	close_pair();
}

static void injected(void)
{
	open_pair(0);
	const char *text = "in\n";

	for (int i = 0; i < 3; i++)
		SHOW(ioctl(slave, TIOCSTI, &text[i]));
	show_read("slave", slave, 10);
	show_all("master", master);
	close_pair();
}

/* ---- packet mode ---- */

static void packets(void)
{
	struct termios t;
	int on = 1, value = 0;

	open_pair(O_NONBLOCK);
	SHOW(ioctl(master, TIOCPKT, &on));
	SHOW(ioctl(master, TIOCGPKT, &value));
	printf("packet mode %d\n", value);
	show_read("nothing", master, 100);
	put(slave, "data");
	nap_ms(20);
	show_poll("data", master);
	show_read("data", master, 3);
	show_read("data", master, 1);
	show_read("data", master, 100);
	SHOW(tcflow(slave, TCOOFF));
	show_poll("stopped", master);
	show_read("stopped", master, 100);
	SHOW(tcflow(slave, TCOON));
	show_read("started", master, 100);
	SHOW(tcflush(slave, TCIFLUSH));
	show_read("flushed input", master, 100);
	SHOW(tcflush(slave, TCOFLUSH));
	show_read("flushed output", master, 100);
	tcgetattr(slave, &t);
	t.c_iflag &= ~IXON;
	tcsetattr(slave, TCSANOW, &t);
	show_read("no flow", master, 100);
	t.c_iflag |= IXON;
	tcsetattr(slave, TCSANOW, &t);
	show_read("flow", master, 100);
	t.c_lflag |= EXTPROC;
	tcsetattr(slave, TCSANOW, &t);
	show_read("ioctl", master, 100);
	put(master, "by itself");
	nap_ms(20);
	show_read("slave", slave, 100);
	put(slave, "tail");
	nap_ms(20);
	tcflow(slave, TCOOFF);
	show_read("first the status", master, 100);
	show_read("then the data", master, 100);
	on = 0;
	SHOW(ioctl(master, TIOCPKT, &on));
	tcflow(slave, TCOON);
	put(slave, "plain");
	nap_ms(20);
	show_read("plain", master, 100);
	close_pair();
}

/* ---- readiness ---- */

static void show_epoll(const char *what, int ep)
{
	struct epoll_event events[4];
	int n = epoll_wait(ep, events, 4, 20);

	printf("%s:", what);
	for (int i = 0; i < n; i++)
		printf(" %c%s%s%s", events[i].data.fd == master ? 'm' : 's', events[i].events & EPOLLIN ? " in" : "",
		       events[i].events & EPOLLOUT ? " out" : "", events[i].events & EPOLLHUP ? " hup" : "");
	printf("\n");
}

static void polls(void)
{
	int ep = epoll_create1(0);
	fd_set set;

	open_pair(O_NONBLOCK);
	show_poll("slave", slave);
	show_poll("master", master);
	put(master, "half a line");
	nap_ms(20);
	show_poll("half", slave);
	put(master, "\n");
	nap_ms(20);
	show_poll("whole", slave);
	show_poll("echoed", master);
	FD_ZERO(&set);
	FD_SET(master, &set);
	FD_SET(slave, &set);
	SHOW(select(slave + master + 1, &set, NULL, NULL, &(struct timeval){ 1, 0 }));
	show_all("echo", master);
	show_all("line", slave);
	epoll_ctl(ep, EPOLL_CTL_ADD, master, &(struct epoll_event){ .events = EPOLLIN, .data.fd = master });
	epoll_ctl(ep, EPOLL_CTL_ADD, slave, &(struct epoll_event){ .events = EPOLLIN | EPOLLET, .data.fd = slave });
	show_epoll("quiet", ep);
	put(slave, "x");
	show_epoll("written", ep);
	show_epoll("still", ep);
	show_all("master", master);
	put(master, "\n");
	nap_ms(20);
	show_all("echo", master);
	show_epoll("line", ep);
	show_epoll("edge is over", ep);
	close(slave);
	show_epoll("closed", ep);
	close(master);
	close(ep);
}

/* A process that waits in poll is woken by the other end. */
static void woken(void)
{
	int status;

	open_pair(0);
	pid_t pid = child();

	if (!pid) {
		struct pollfd p = { .fd = slave, .events = POLLIN };
		char line[10];

		if (poll(&p, 1, 5000) != 1 || p.revents != POLLIN || read(slave, line, sizeof line) != 2)
			_exit(1);
		put(slave, "answer");
		_exit(0);
	}
	nap_ms(30);
	put(master, "q\n");
	show_read("echo", master, 3);
	show_read("answer", master, 6);
	waitpid(pid, &status, 0);
	show_status("woken", status);
	close_pair();
}

/* ---- sessions ---- */

static int received;

static void on_signal(int number)
{
	received = number;
}

/* Fields 7 and 8 of /proc/self/stat: terminal and foreground group. */
static void show_terminal(const char *what)
{
	FILE *f = fopen("/proc/self/stat", "r");
	int pgrp, session, tty, foreground, fd = open("/dev/tty", O_RDWR);

	if (fscanf(f, "%*d %*s %*c %*d %d %d %d %d", &pgrp, &session, &tty, &foreground) != 4)
		printf("no stat\n");
	fclose(f);
	printf("%s: device %x, foreground %s, /dev/tty %s\n", what, tty, foreground == getpgrp() ? "own" : foreground == -1 ? "none" : "another",
	       fd < 0 ? error_name(errno) : "opens");
	if (fd >= 0)
		close(fd);
}

static void leader_opens(void)
{
	struct stat s;
	char text[64] = { 0 }, link[64];
	pid_t group;
	int fd;

	setsid();
	show_terminal("new session");
	SHOW(tcgetpgrp(slave));
	fd = open(ptsname(master), O_RDWR | O_NOCTTY);
	show_terminal("O_NOCTTY");
	close(fd);
	fd = open(ptsname(master), O_WRONLY);
	show_terminal("for writing only");
	close(fd);
	close(open(ptsname(master), O_RDWR));
	show_terminal("opened");
	printf("group %s\n", tcgetpgrp(slave) == getpid() ? "own" : "another");
	printf("session %s\n", tcgetsid(slave) == getpid() ? "own" : "another");
	printf("by the master: group %s\n", ioctl(master, TIOCGPGRP, &group) == 0 && group == getpid() ? "own" : "another");
	fd = open("/dev/tty", O_RDWR);
	fstat(fd, &s);
	show_stat("/dev/tty", &s);
	printf("ttyname %s\n", ttyname(fd));
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	OK(readlink(link, text, sizeof(text) - 1));
	printf("%s\n", text);
	put(fd, "by /dev/tty\n");
	show_all("master", master);
	SHOW(ioctl(fd, TIOCSCTTY, 0));
	close(fd);
	handle(SIGHUP, on_signal, 0);
	handle(SIGCONT, SIG_IGN, 0);
	SHOW(ioctl(slave, TIOCNOTTY));
	printf("signal %d\n", received);
	show_terminal("given up");
	SHOW(ioctl(slave, TIOCSCTTY, 0));
	show_terminal("taken again");
}

static void controlling(void)
{
	open_pair(0);
	show_status("leader", in_child(leader_opens));
	SHOW(tcgetpgrp(master));
	SHOW(tcgetsid(master));
	close_pair();
}

static void not_a_leader(void)
{
	setsid();
	SHOW(ioctl(slave, TIOCSCTTY, 0));
	pid_t pid = child();

	if (!pid) {
		show_terminal("inherited");
		SHOW(ioctl(slave, TIOCSCTTY, 0));
		SHOW(ioctl(slave, TIOCNOTTY));
		show_terminal("given up");
		close(open(ptsname(master), O_RDWR));
		show_terminal("opened");
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	show_terminal("the leader's");
}

static void another_session(void)
{
	SHOW(ioctl(slave, TIOCSCTTY, 0));
	setsid();
	show_terminal("another session");
	SHOW(ioctl(slave, TIOCSCTTY, 0));
	close(open(ptsname(master), O_RDWR));
	show_terminal("opened");
	SHOW(ioctl(slave, TIOCSCTTY, 1));
	show_terminal("stolen");
}

static void members(void)
{
	open_pair(0);
	show_status("leader", in_child(not_a_leader));
	pid_t pid = child();

	if (!pid) {
		setsid();
		ioctl(slave, TIOCSCTTY, 0);
		show_status("thief", in_child(another_session));
		show_terminal("robbed");
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	close_pair();
}

/* What job `pid` does, as its parent sees it. */
static void show_job(const char *what, pid_t pid)
{
	int status;

	waitpid(pid, &status, WUNTRACED);
	show_status(what, status);
}

/* A child in a group of its own, which does `work` when it is let go. */
static pid_t job(int (*work)(void), int foreground)
{
	struct turn turn;
	turn_make(&turn);
	pid_t pid = child();

	if (!pid) {
		turn_wait(turn.to[0]);
		int result = work();

		fflush(stdout);
		_exit(result);
	}
	setpgid(pid, pid);
	if (foreground && tcsetpgrp(slave, pid) != 0)
		printf("tcsetpgrp: %s\n", error_name(errno));
	turn_post(turn.to[1]);
	return pid;
}

static int reads(void)
{
	show_read("job", slave, 100);
	return 0;
}

static int writes(void)
{
	SHOW(write(slave, "w", 1));
	return 0;
}

static int sets(void)
{
	struct termios t;

	tcgetattr(slave, &t);
	SHOW(tcsetattr(slave, TCSANOW, &t));
	return 0;
}

static int sets_unnoticed(void)
{
	signal(SIGTTOU, SIG_IGN);
	signal(SIGTTIN, SIG_IGN);
	show_read("ignoring SIGTTIN", slave, 10);
	return sets();
}

static int sleeps(void)
{
	close(master);
	nap_ms(5000);
	return 0;
}

static void restart(const char *what, pid_t pid)
{
	tcsetpgrp(slave, pid);
	kill(-pid, SIGCONT);
	show_job(what, pid);
	tcsetpgrp(slave, getpid());
}

static void shell(void)
{
	struct termios t;
	pid_t pid;

	setsid();
	signal(SIGTTOU, SIG_IGN);
	ioctl(slave, TIOCSCTTY, 0);
	put(master, "line\n");
	pid = job(reads, 0);
	show_job("background read", pid);
	restart("goes on", pid);
	show_job("foreground read", (put(master, "second\n"), job(reads, 1)));
	tcsetpgrp(slave, getpid());
	show_job("background write", job(writes, 0));
	tcgetattr(slave, &t);
	t.c_lflag |= TOSTOP;
	tcsetattr(slave, TCSANOW, &t);
	pid = job(writes, 0);
	show_job("with TOSTOP", pid);
	restart("goes on", pid);
	pid = job(sets, 0);
	show_job("background tcsetattr", pid);
	restart("goes on", pid);
	show_job("ignored", job(sets_unnoticed, 0));
	pid = job(sleeps, 1);
	nap_ms(20);
	put(master, "\x1a");
	show_job("^Z", pid);
	kill(-pid, SIGCONT);
	waitpid(pid, NULL, WCONTINUED);
	put(master, "\x03");
	show_job("^C", pid);
	pid = job(sleeps, 1);
	nap_ms(20);
	put(master, "\x1c");
	show_job("^\\", pid);
	pid = job(sleeps, 1);
	nap_ms(20);
	SHOW(ioctl(master, TIOCSIG, SIGINT));
	show_job("TIOCSIG", pid);
	SHOW(ioctl(master, TIOCSIG, SIGHUP));
	tcsetpgrp(slave, getpid());
	show_all("master", master);
	SHOW(tcsetpgrp(slave, 1));
	SHOW(tcsetpgrp(slave, 999999));
}

static void jobs(void)
{
	open_pair(0);
	show_status("shell", in_child(shell));
	close_pair();
}

static void window_changes(void)
{
	struct winsize w = { .ws_row = 10, .ws_col = 20 };

	setsid();
	ioctl(slave, TIOCSCTTY, 0);
	handle(SIGWINCH, on_signal, 0);
	SHOW(ioctl(master, TIOCSWINSZ, &w));
	printf("signal %d\n", received);
	received = 0;
	SHOW(ioctl(slave, TIOCSWINSZ, &w));
	printf("unchanged: signal %d\n", received);
	w.ws_row++;
	SHOW(ioctl(slave, TIOCSWINSZ, &w));
	printf("signal %d\n", received);
}

static void window(void)
{
	open_pair(0);
	show_status("leader", in_child(window_changes));
	close_pair();
}

/* A leader with a job in the foreground and one in the background. They say which signal they got. */
static struct turn told, ready;

static int tells(void)
{
	close(master);
	handle(SIGHUP, on_signal, 0);
	handle(SIGCONT, SIG_DFL, 0);
	turn_post(told.to[1]);
	for (int i = 0; i < 100 && !received; i++)
		nap_ms(10);
	printf("%s job: signal %d\n", getpgrp() == tcgetpgrp(slave) ? "foreground" : "background", received);
	show_terminal("job");
	fflush(stdout);
	turn_post(told.from[1]);
	return 0;
}

static void leader_of_two(void)
{
	setsid();
	signal(SIGTTOU, SIG_IGN);
	ioctl(slave, TIOCSCTTY, 0);
	job(tells, 1);
	turn_wait(told.to[0]);
	job(sleeps, 0);
}

static void leader_ends(void)
{
	open_pair(0);
	turn_make(&told);
	show_status("leader", in_child(leader_of_two));
	turn_wait(told.from[0]);
	SHOW(write(slave, "alive\n", 6));
	show_all("master", master);
	close_pair();
}

static void leader_hung_up(void)
{
	handle(SIGHUP, on_signal, 0);
	leader_of_two();
	close(master);
	turn_post(ready.to[1]);
	for (int i = 0; i < 100 && !received; i++)
		nap_ms(10);
	printf("leader: signal %d\n", received);
	show_terminal("leader");
	SHOW(write(slave, "x", 1));
}

static void master_of_session_closes(void)
{
	open_pair(0);
	turn_make(&told);
	turn_make(&ready);
	pid_t pid = child();

	if (!pid) {
		leader_hung_up();
		fflush(stdout);
		_exit(0);
	}
	turn_wait(ready.to[0]);
	close(master);
	close(slave);
	waitpid(pid, NULL, 0);
	turn_wait(told.from[0]);
}

static void vhangs(void)
{
	setsid();
	ioctl(slave, TIOCSCTTY, 0);
	handle(SIGHUP, on_signal, 0);
	put(slave, "before\n");
	SHOW(vhangup());
	printf("signal %d\n", received);
	show_terminal("hung up");
	SHOW(write(slave, "x", 1));
	show_read("slave", slave, 10);
	show_all("master", master);
	SHOW(close(slave));
	show_poll("master", master);
	OK(slave = open(ptsname(master), O_RDWR | O_NOCTTY));
	SHOW(write(slave, "after\n", 6));
	show_all("master", master);
}

static void hanging_up(void)
{
	open_pair(0);
	show_status("leader", in_child(vhangs));
	close_pair();
}

static const struct part parts[] = {
	PART(names), PART(peers), PART(lines), PART(raw), PART(much), PART(not_waiting), PART(slave_closes), PART(reader_of_closed),
	PART(master_closes), PART(waiter_of_hung_up), PART(settings), PART(flushing), PART(flow), PART(timed), PART(injected), PART(packets),
	PART(polls), PART(woken), PART(controlling), PART(members), PART(jobs), PART(window), PART(leader_ends),
	PART(master_of_session_closes), PART(hanging_up),
};

int main(int argc, char **argv)
{
	return RUN_PARTS(parts, argc, argv);
}
