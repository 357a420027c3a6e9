/*
 * The first program of a root image, on UX/RT and on Linux alike. The kernel's command line says what it does:
 *
 *   init.argv=A,B,C    run the command A with arguments B, C; then power off. Its output goes to ttyS1, its errors to ttyS2.
 *   init.cases=1-5,8   run these cases of /tests/list, one after the other; then power off. Results go to ttyS1.
 *   (neither)          an interactive shell on ttyS0; power off when it ends
 *   init.size=COLSxROWS, init.term=NAME   the terminal of the interactive shell
 *
 * In init.argv a byte other than a letter, digit or one of "/._-=+:@" is written %XX. ttyS3 carries what tools/run needs to know:
 * lines "exit STATUS". ttyS1 to ttyS3 are raw byte channels. Only POSIX calls and mount, reboot, sethostname are used, and few of those.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <net/if.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define CASE_DIR "/tmp/case"
#define CASE_OUT "/tmp/.case-out"
#define CASE_ERR "/tmp/.case-err"
/* What a case may print before the rest is dropped. */
#define OUTPUT_MAX (4 << 20)
/* How long output of the command's orphans is waited for. */
#define ORPHAN_MS 300
#define ARGS_MAX 256

static int out_fd = -1, err_fd = -1, control_fd = -1;

static void complain(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fprintf(stderr, "init: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, ": %s\n", strerror(errno));
	va_end(args);
}

static void write_all(int fd, const void *data, size_t size)
{
	const char *p = data;
	while (size) {
		ssize_t n = write(fd, p, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		p += n;
		size -= n;
	}
}

static void say(int fd, const char *format, ...)
{
	char line[512];
	va_list args;
	va_start(args, format);
	int n = vsnprintf(line, sizeof line, format, args);
	va_end(args);
	write_all(fd, line, n);
}

static void power_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	complain("cannot power off");
	for (;;)
		pause();
}

/* Whether the kernel says that it has this type of file system; before /proc is there it is taken to. */
static int has_type(const char *type)
{
	FILE *list = fopen("/proc/filesystems", "r");
	char line[128], name[64];
	int found = !list;

	while (!found && fgets(line, sizeof(line), list)) {
		char *last = strrchr(line, '\t');

		found = last && sscanf(last, " %63s", name) == 1 && strcmp(name, type) == 0;
	}
	if (list)
		fclose(list);
	return found;
}

/* UX/RT's root file system has these already; on Linux they are mounted here. */
static void mount_if_missing(const char *probe, const char *type, const char *where, unsigned long flags, const char *options)
{
	if (access(probe, F_OK) == 0 || !has_type(type))
		return;
	mkdir(where, 0755);
	if (mount(type, where, type, flags, options) != 0)
		complain("cannot mount %s on %s", type, where);
}

static void mount_all(void)
{
	mount_if_missing("/dev/ttyS1", "devtmpfs", "/dev", MS_NOSUID, "mode=0755");
	mount_if_missing("/proc/self", "proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mount_if_missing("/sys/kernel", "sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mount_if_missing("/dev/pts/ptmx", "devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "mode=0620,ptmxmode=0666");
	mount_if_missing("/dev/shm", "tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777");
	const char *links[][2] = { { "/proc/self/fd", "/dev/fd" }, { "/proc/self/fd/0", "/dev/stdin" },
	                           { "/proc/self/fd/1", "/dev/stdout" }, { "/proc/self/fd/2", "/dev/stderr" } };
	for (size_t i = 0; i < sizeof links / sizeof *links; i++)
		if (access(links[i][1], F_OK) != 0 && symlink(links[i][0], links[i][1]) != 0 && errno != EEXIST)
			complain("cannot link %s", links[i][1]);
}

/* Linux's loopback interface comes down; 127.0.0.1 and ::1 come with it. A kernel without the family has none. */
static void raise_loopback(void)
{
	struct ifreq request = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		if (errno != EAFNOSUPPORT)
			complain("cannot make a socket");
		return;
	}
	if (ioctl(fd, SIOCGIFFLAGS, &request) != 0) {
		complain("cannot read the state of lo");
	} else if (!(request.ifr_flags & IFF_UP)) {
		request.ifr_flags |= IFF_UP;
		if (ioctl(fd, SIOCSIFFLAGS, &request) != 0)
			complain("cannot bring lo up");
	}
	close(fd);
}

static int open_channel(const char *path)
{
	int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0) {
		complain("cannot open %s", path);
		return -1;
	}
	struct termios t;
	if (tcgetattr(fd, &t) == 0) {
		cfmakeraw(&t);
		t.c_cflag |= CLOCAL;
		cfsetspeed(&t, B115200);
		if (tcsetattr(fd, TCSANOW, &t) != 0)
			complain("cannot make %s raw", path);
	}
	return fd;
}

static void open_channels(void)
{
	out_fd = open_channel("/dev/ttyS1");
	err_fd = open_channel("/dev/ttyS2");
	control_fd = open_channel("/dev/ttyS3");
}

/* The value of a parameter of the kernel's command line, or NULL. */
static char *parameter(const char *name)
{
	static char line[8192];
	static char value[8192];
	if (!line[0]) {
		int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof line - 1);
		if (n < 0)
			complain("cannot read /proc/cmdline");
		line[n < 0 ? 0 : n] = 0;
		if (fd >= 0)
			close(fd);
	}
	size_t length = strlen(name);
	for (const char *p = line; *p; p += strspn(p, " \n")) {
		size_t word = strcspn(p, " \n");
		if (word > length && strncmp(p, name, length) == 0 && p[length] == '=') {
			memcpy(value, p + length + 1, word - length - 1);
			value[word - length - 1] = 0;
			return strdup(value);
		}
		p += word;
	}
	return NULL;
}

static void percent_decode(char *text)
{
	char *to = text;
	for (char *from = text; *from; from++) {
		char digits[3];
		if (*from == '%' && from[1] && from[2]) {
			memcpy(digits, from + 1, 2);
			digits[2] = 0;
			*to++ = strtol(digits, NULL, 16);
			from += 2;
		} else {
			*to++ = *from;
		}
	}
	*to = 0;
}

static void set_environment(const char *term)
{
	clearenv();
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", "/root", 1);
	setenv("TERM", term, 1);
	setenv("SHELL", "/bin/sh", 1);
	setenv("USER", "root", 1);
	setenv("LOGNAME", "root", 1);
	if (chdir("/root") != 0 && chdir("/") != 0)
		complain("cannot enter /root");
}

static void move_fd(int from, int to)
{
	if (dup2(from, to) < 0)
		_exit(125);
	if (from > 2)
		close(from);
}

static void exec_or_explain(char **argv)
{
	execvp(argv[0], argv);
	int error = errno;
	say(2, "init: cannot run %s: %s\n", argv[0], strerror(error));
	_exit(error == ENOENT ? 127 : 126);
}

static int exit_code(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Waits for pid, reaping whatever else ends meanwhile. */
static int wait_for(pid_t pid)
{
	int status;
	for (;;) {
		pid_t ended = waitpid(-1, &status, 0);
		if (ended == pid)
			return exit_code(status);
		if (ended < 0 && errno != EINTR) {
			complain("cannot wait for process %d", (int)pid);
			return 125;
		}
	}
}

static void nap(long microseconds)
{
	struct timespec t = { microseconds / 1000000, microseconds % 1000000 * 1000 };
	nanosleep(&t, NULL);
}

static long long now_ms(void)
{
	struct timespec t = { 0, 0 };
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}

/* --- One command --- */

/* A process that carries what comes through a pipe to a channel, so that the command's output is a pipe, not a terminal. */
static pid_t carry(int pipe_read, int channel)
{
	pid_t pid = fork();
	if (pid != 0) {
		close(pipe_read);
		return pid;
	}
	char buffer[4096];
	ssize_t n;
	while ((n = read(pipe_read, buffer, sizeof buffer)) > 0 || (n < 0 && errno == EINTR))
		if (n > 0)
			write_all(channel, buffer, n);
	tcdrain(channel);
	_exit(0);
}

static void command_child(char **argv, int out, int err)
{
	setsid();
	int null = open("/dev/null", O_RDONLY);
	if (null < 0)
		complain("cannot open /dev/null");
	else
		move_fd(null, 0);
	move_fd(out, 1);
	move_fd(err, 2);
	exec_or_explain(argv);
}

/* Waits until both carriers have seen the end; orphans that keep the pipes open are given a moment and then killed. */
static void finish_carriers(pid_t a, pid_t b)
{
	long long limit = now_ms() + ORPHAN_MS;
	while (a > 0 || b > 0) {
		pid_t ended = waitpid(-1, NULL, WNOHANG);
		if (ended == a)
			a = 0;
		else if (ended == b)
			b = 0;
		else if (ended < 0)
			return;
		if (ended > 0)
			continue;
		if (now_ms() > limit) {
			kill(-1, SIGKILL);
			limit += ORPHAN_MS;
		}
		nap(500);
	}
}

static void run_command(char *encoded)
{
	char *argv[ARGS_MAX + 1];
	int count = 0;
	for (char *p = encoded; p && count < ARGS_MAX;)
		argv[count++] = strsep(&p, ",");
	argv[count] = NULL;
	for (int i = 0; i < count; i++)
		percent_decode(argv[i]);

	int out[2], err[2];
	if (pipe(out) != 0 || pipe(err) != 0) {
		complain("cannot make a pipe");
		say(control_fd, "exit 125\n");
		return;
	}
	/* Each carrier must hold only the read end of its own pipe. */
	fcntl(out[1], F_SETFD, FD_CLOEXEC);
	fcntl(err[1], F_SETFD, FD_CLOEXEC);
	pid_t command = fork();
	if (command == 0) {
		close(out[0]);
		close(err[0]);
		command_child(argv, out[1], err[1]);
	}
	if (command < 0)
		complain("cannot start a process for the command");
	close(out[1]);
	close(err[1]);
	pid_t out_carrier = carry(out[0], out_fd);
	pid_t err_carrier = carry(err[0], err_fd);
	int status = command < 0 ? 125 : wait_for(command);
	finish_carriers(out_carrier, err_carrier);
	tcdrain(out_fd);
	tcdrain(err_fd);
	say(control_fd, "exit %d\n", status);
	tcdrain(control_fd);
}

/* --- Cases --- */

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void remove_tree(const char *path)
{
	if (access(path, F_OK) == 0 && nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0)
		complain("cannot remove %s", path);
}

static void kill_leftovers(void)
{
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
}

static void send_file(const char *kind, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	off_t size = fd >= 0 && fstat(fd, &st) == 0 ? st.st_size : 0;
	if (size > OUTPUT_MAX)
		size = OUTPUT_MAX;
	say(out_fd, "%s %lld\n", kind, (long long)size);
	char buffer[4096];
	while (size > 0) {
		ssize_t n = read(fd, buffer, size < (off_t)sizeof buffer ? size : (off_t)sizeof buffer);
		if (n <= 0) { /* the frame has its length whatever happens to the file */
			memset(buffer, 0, sizeof buffer);
			n = size < (off_t)sizeof buffer ? size : (off_t)sizeof buffer;
		}
		write_all(out_fd, buffer, n);
		size -= n;
	}
	if (fd >= 0)
		close(fd);
}

static void case_child(char **argv, const char *input)
{
	setsid();
	umask(022);
	int in = open(input, O_RDONLY);
	int out = open(CASE_OUT, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
	int err = open(CASE_ERR, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
	if (in < 0 || out < 0 || err < 0 || chdir(CASE_DIR) != 0) {
		complain("cannot prepare a case");
		_exit(125);
	}
	move_fd(in, 0);
	move_fd(out, 1);
	move_fd(err, 2);
	exec_or_explain(argv);
}

/* One line of the list: number TAB seconds TAB standard input TAB argument TAB argument ... */
static void run_case(char *line)
{
	char *number = strsep(&line, "\t");
	char *seconds = strsep(&line, "\t");
	char *input = strsep(&line, "\t");
	char *argv[ARGS_MAX + 1];
	int count = 0;
	while (line && count < ARGS_MAX)
		argv[count++] = strsep(&line, "\t");
	argv[count] = NULL;

	say(out_fd, "case %s\n", number);
	remove_tree(CASE_DIR);
	if (mkdir(CASE_DIR, 0755) != 0)
		complain("cannot make %s", CASE_DIR);
	unlink(CASE_OUT);
	unlink(CASE_ERR);

	long long limit = now_ms() + strtoll(seconds, NULL, 10) * 1000;
	pid_t pid = fork();
	if (pid == 0)
		case_child(argv, input);
	int status = 0;
	pid_t ended = 0;
	long pause_us = 200;
	while (pid > 0 && now_ms() < limit) {
		ended = waitpid(-1, &status, WNOHANG);
		if (ended == pid || ended < 0)
			break;
		if (ended == 0) {
			nap(pause_us);
			pause_us = pause_us < 4000 ? pause_us * 2 : 5000;
		}
	}
	kill_leftovers();
	send_file("out", CASE_OUT);
	send_file("err", CASE_ERR);
	if (ended == pid && pid > 0)
		say(out_fd, "status %d\n", exit_code(status));
	else
		say(out_fd, pid > 0 ? "status timeout\n" : "status unstarted\n");
}

/* Whether a list of ranges such as 1-5,8 has the number. */
static int selected(const char *ranges, long number)
{
	for (const char *p = ranges; *p;) {
		char *end;
		long first = strtol(p, &end, 10), last = first;
		if (*end == '-')
			last = strtol(end + 1, &end, 10);
		if (number >= first && number <= last)
			return 1;
		p = *end ? end + 1 : end;
	}
	return 0;
}

static void run_cases(const char *ranges)
{
	FILE *list = fopen("/tests/list", "re");
	if (!list) {
		complain("cannot open /tests/list");
		return;
	}
	static char line[8192];
	while (fgets(line, sizeof line, list)) {
		line[strcspn(line, "\n")] = 0;
		if (selected(ranges, strtol(line, NULL, 10)))
			run_case(line);
	}
	fclose(list);
	say(out_fd, "end\n");
	tcdrain(out_fd);
}

/* --- A shell --- */

static void shell_child(const char *size)
{
	setsid();
	int tty = open("/dev/ttyS0", O_RDWR);
	if (tty < 0) {
		complain("cannot open /dev/ttyS0");
		_exit(125);
	}
	if (ioctl(tty, TIOCSCTTY, 0) != 0)
		complain("cannot make /dev/ttyS0 the controlling terminal");
	struct winsize w = { .ws_row = 24, .ws_col = 80 };
	if (size)
		sscanf(size, "%hux%hu", &w.ws_col, &w.ws_row);
	if (ioctl(tty, TIOCSWINSZ, &w) != 0)
		complain("cannot set the terminal's size");
	move_fd(tty, 0);
	move_fd(0, 1);
	move_fd(0, 2);
	char *bash[] = { "-bash", NULL }, *sh[] = { "-sh", NULL };
	setenv("SHELL", "/bin/bash", 1);
	execv("/bin/bash", bash);
	setenv("SHELL", "/bin/sh", 1);
	execv("/bin/sh", sh);
	complain("the image has neither /bin/bash nor /bin/sh");
	_exit(127);
}

static void run_shell(void)
{
	char *size = parameter("init.size");
	pid_t pid = fork();
	if (pid == 0)
		shell_child(size);
	if (pid < 0)
		complain("cannot fork");
	else
		wait_for(pid);
}

int main(void)
{
	if (getpid() != 1) {
		fprintf(stderr, "init: this is the first process of a root image; it does nothing elsewhere\n");
		return 1;
	}
	mount_all();
	sethostname("uxrt", 4);
	raise_loopback();
	char *term = parameter("init.term");
	set_environment(term ? term : "vt100");
	char *argv = parameter("init.argv");
	char *cases = parameter("init.cases");
	if (argv || cases)
		open_channels();
	if (cases)
		run_cases(cases);
	else if (argv)
		run_command(argv);
	else
		run_shell();
	power_off();
}
