/* What the guest programs share: they print what they see in words that are equal on every system, and run parts by name. */
#ifndef TESTS_GUEST_REPORT_H
#define TESTS_GUEST_REPORT_H

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct part {
	const char *name;
	void (*run)(void);
};

#define PART(function) { #function, function }

static const char *error_name(int error)
{
#define NAME(e) case e: return #e
	switch (error) {
	NAME(EPERM); NAME(ENOENT); NAME(ESRCH); NAME(EINTR); NAME(EIO); NAME(ENXIO); NAME(E2BIG); NAME(ENOEXEC); NAME(EBADF);
	NAME(ECHILD); NAME(EAGAIN); NAME(ENOMEM); NAME(EACCES); NAME(EFAULT); NAME(EBUSY); NAME(EEXIST); NAME(EXDEV); NAME(ENODEV);
	NAME(ENOTDIR); NAME(EISDIR); NAME(EINVAL); NAME(ENFILE); NAME(EMFILE); NAME(ENOTTY); NAME(ETXTBSY); NAME(EFBIG); NAME(ENOSPC);
	NAME(ESPIPE); NAME(EROFS); NAME(EMLINK); NAME(EPIPE); NAME(EDOM); NAME(ERANGE); NAME(EDEADLK); NAME(ENAMETOOLONG); NAME(ENOLCK);
	NAME(ENOSYS); NAME(ENOTEMPTY); NAME(ELOOP); NAME(EOVERFLOW); NAME(EOPNOTSUPP); NAME(ETIMEDOUT); NAME(EOWNERDEAD); NAME(ENOTRECOVERABLE);
	NAME(ENOTSOCK); NAME(ELIBBAD); NAME(ENODATA);
	NAME(EAFNOSUPPORT); NAME(ECONNREFUSED); NAME(ECONNRESET); NAME(EISCONN); NAME(ENOTCONN); NAME(EADDRINUSE); NAME(EPROTOTYPE);
	NAME(EMSGSIZE); NAME(EDESTADDRREQ); NAME(ENOPROTOOPT); NAME(ESOCKTNOSUPPORT); NAME(EPROTONOSUPPORT); NAME(ETOOMANYREFS);
	NAME(ENOBUFS); NAME(EADDRNOTAVAIL); NAME(ENETUNREACH); NAME(EINPROGRESS); NAME(EALREADY); NAME(ECONNABORTED); NAME(EPFNOSUPPORT);
	NAME(EHOSTUNREACH);
	}
#undef NAME
	static char text[16];
	snprintf(text, sizeof text, "errno %d", error);
	return text;
}

/* Prints the result of a call: its value, or the name of its error. */
static inline long show(const char *what, long value)
{
	int error = errno;
	if (value == -1)
		printf("%s: %s\n", what, error_name(error));
	else
		printf("%s: %ld\n", what, value);
	return value;
}

/* The same for a call whose value differs between systems: prints only whether it failed. */
static inline long show_ok(const char *what, long value)
{
	int error = errno;
	printf("%s: %s\n", what, value == -1 ? error_name(error) : "ok");
	return value;
}

static inline void show_status(const char *what, int status)
{
	if (WIFEXITED(status))
		printf("%s: exit %d\n", what, WEXITSTATUS(status));
	else if (WIFSIGNALED(status))
		printf("%s: signal %d%s\n", what, WTERMSIG(status), WCOREDUMP(status) ? " core" : "");
	else if (WIFSTOPPED(status))
		printf("%s: stopped %d\n", what, WSTOPSIG(status));
	else
		printf("%s: continued %d\n", what, WIFCONTINUED(status));
}

static inline void nap_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };
	while (nanosleep(&t, &t) != 0 && errno == EINTR)
		;
}

static inline long long now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000ll + t.tv_nsec / 1000;
}

/* fork() that cannot fail; the child's output is not the parent's. */
static inline pid_t child(void)
{
	fflush(stdout);
	pid_t pid = fork();
	if (pid < 0) {
		printf("fork: %s\n", error_name(errno));
		exit(99);
	}
	return pid;
}

/* Runs a function in a child and returns how it ended. */
static inline int in_child(void (*function)(void))
{
	int status = -1;
	pid_t pid = child();
	if (pid == 0) {
		function();
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return status;
}

/* Two pipes by which a parent and a child take turns. */
struct turn {
	int to[2], from[2];
};

static inline void turn_make(struct turn *t)
{
	if (pipe(t->to) != 0 || pipe(t->from) != 0)
		exit(98);
}

static inline void turn_post(int fd)
{
	if (write(fd, "x", 1) != 1)
		exit(97);
}

static inline void turn_wait(int fd)
{
	char c;
	ssize_t n;
	do
		n = read(fd, &c, 1);
	while (n < 0 && errno == EINTR);
	if (n != 1)
		_exit(96);
}

static inline struct sigaction handle(int number, void (*function)(int), int flags)
{
	struct sigaction action = { .sa_handler = function, .sa_flags = flags }, old;
	sigaction(number, &action, &old);
	return old;
}

static inline struct sigaction handle_info(int number, void (*function)(int, siginfo_t *, void *), int flags)
{
	struct sigaction action = { .sa_sigaction = function, .sa_flags = flags | SA_SIGINFO }, old;
	sigaction(number, &action, &old);
	return old;
}

static inline void block(int how, int number)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, number);
	sigprocmask(how, &set, NULL);
}

static inline int run_parts(const struct part *parts, size_t count, int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	for (int i = 1; i < argc; i++) {
		size_t at = 0;
		while (at < count && strcmp(parts[at].name, argv[i]) != 0)
			at++;
		if (at == count) {
			fprintf(stderr, "%s: there is no part %s\n", argv[0], argv[i]);
			return 2;
		}
		parts[at].run();
	}
	return 0;
}

#define RUN_PARTS(parts, argc, argv) run_parts(parts, sizeof parts / sizeof *parts, argc, argv)

#endif
