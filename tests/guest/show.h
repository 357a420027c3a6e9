/* What every guest test shows of a call: its text, its result, and the error. */
#ifndef TESTS_GUEST_SHOW_H
#define TESTS_GUEST_SHOW_H

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* SHOW(call): the result as a number; OK(call): only whether it failed (for descriptors and sizes that need not be equal). */
#define SHOW(call) show(#call, (errno = 0, (long)(call)))
#define OK(call) show_ok(#call, (errno = 0, (long)(call)))

static inline long show(const char *text, long value)
{
	printf("%s = %ld%s%s\n", text, value, value == -1 ? " " : "", value == -1 ? strerror(errno) : "");
	return value;
}

static inline long show_ok(const char *text, long value)
{
	printf("%s %s%s\n", text, value == -1 ? "failed: " : "ok", value == -1 ? strerror(errno) : "");
	return value;
}

/* A test program is a list of named parts; each argument names one. */
struct part {
	const char *name;
	void (*run)(void);
};

static inline int run_parts(const struct part *parts, int count, int argc, char **argv)
{
	for (int a = 1; a < argc; a++) {
		int found = 0;

		for (int i = 0; i < count; i++) {
			if (strcmp(parts[i].name, argv[a]))
				continue;
			parts[i].run();
			found = 1;
		}
		if (!found)
			return printf("no part %s\n", argv[a]), 2;
		fflush(stdout);
	}
	return 0;
}

/* A deed in a process of its own; shows how that ended, if not well. Whether a core was dumped does not matter. */
static inline void apart(void (*deed)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		deed();
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (status)
		printf("status %x\n", status & 0x7f ? status & 0x7f : status);
}

#endif
