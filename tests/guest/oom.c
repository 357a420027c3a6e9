/* Who is chosen when memory runs out: /proc/PID/oom_score_adj. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/guest/show.h"

#define MIB (1ul << 20)

static long set(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY);
	long result = fd < 0 ? -1 : write(fd, value, strlen(value));
	int error = errno;

	close(fd);
	errno = error;
	return result;
}

static long number(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY);
	long got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

	close(fd);
	return got < 0 ? -9999 : atol(text);
}

#define OWN "/proc/self/oom_score_adj"

static void values(void)
{
	static const char *const texts[] = { "500", "-17\n", " 0x10 ", "010", "+3", "1001", "-1001", "1000\n", "-1000", "x", "5 5", "--1", "0" };

	for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++) {
		long result = set(OWN, texts[i]);
		int error = errno;

		printf("\"%s\": %ld %s, %ld\n", texts[i], result, result < 0 ? strerror(error) : "", number(OWN));
	}
	printf("score %d\n", number("/proc/self/oom_score") >= 600 && number("/proc/self/oom_score") <= 700);
	set(OWN, "-1000");
	SHOW(number("/proc/self/oom_score"));
	set(OWN, "900");
	printf("score %d\n", number("/proc/self/oom_score") >= 1200 && number("/proc/self/oom_score") <= 1300);
}

/* Inherited, kept over exec, and lowered by a privileged process alone. */
static void who(void)
{
	char path[64];
	pid_t pid;

	SHOW(set(OWN, "100"));
	snprintf(path, sizeof path, "/proc/%d/oom_score_adj", getpid());
	fflush(stdout);
	if (!(pid = fork())) {
		SHOW(number(OWN));
		SHOW(set(path, "150"));
		SHOW(setuid(1000));
		SHOW(number(OWN));
		SHOW(set(OWN, "200"));
		SHOW(set(path, "300"));
		fflush(stdout);
		execl("/proc/self/exe", "oom", "shown", NULL);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
	SHOW(number(OWN));
	SHOW(set(OWN, "0"));
}

/* After exec its files are its own again. */
static void shown(void)
{
	SHOW(number(OWN));
	SHOW(set(OWN, "200"));
	SHOW(set(OWN, "100"));
	SHOW(set(OWN, "99"));
	SHOW(number(OWN));
}

static void fill(size_t bytes)
{
	volatile char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	for (size_t at = 0; p != MAP_FAILED && at < bytes; at += 4096)
		p[at] = 1;
}

/* The small one that asked for it goes, not the large one. */
static void chosen(void)
{
	int ready[2], status;
	char byte;
	pid_t small, large;

	if (pipe(ready))
		return;
	fflush(stdout);
	if (!(small = fork())) {
		set(OWN, "1000");
		fill(32 * MIB);
		write(ready[1], "r", 1);
		pause();
	}
	read(ready[0], &byte, 1);
	if (!(large = fork()))
		for (;;)
			fill(MIB);
	waitpid(small, &status, 0);
	printf("the small one: %s\n", WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "ended");
	kill(large, SIGKILL);
	waitpid(large, &status, 0);
}

static const struct part parts[] = { { "values", values }, { "who", who }, { "shown", shown }, { "chosen", chosen } };

int main(int argc, char **argv)
{
	return run_parts(parts, sizeof parts / sizeof *parts, argc, argv);
}
