/*
 * What a program that speaks to root and servers itself, past the runtime, does not get. On Linux there are none to speak to: only the judgement is
 * shown, which must be the same.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "abi/file.h"
#include "abi/gate.h"
#include "abi/kernel.h"
#include "abi/native.h"
#include "abi/process.h"
#include "tests/guest/show.h"

#define ROOT (CPTR_SYSTEM | SLOT_ROOT)

static int is_uxrt(void)
{
	return access("/proc/uxrt", F_OK) == 0;
}

static const struct native_api *native(void)
{
	return (const struct native_api *)GATE_NATIVE;
}

/* The answer's m[0]. */
static long ask(unsigned long target, unsigned label, const unsigned long m[8], const void *data, unsigned bytes)
{
	struct message_buffer *message = native()->message();
	struct ipc ipc = { .target = target, .info = INFO(label, bytes) };
	long error;

	for (int i = 0; i < 8; i++)
		ipc.m[i] = m ? m[i] : 0;
	memcpy(message->data, data, bytes);
	message->recv_slot[0] = SLOT_NONE;
	error = native()->ipc(KCALL_call, &ipc);
	return error ? -1000 + error : (long)ipc.m[0];
}

static void judge(const char *what, long result, long wanted)
{
	if (is_uxrt() && result != wanted)
		printf("%s: %ld instead of %ld\n", what, result, wanted);
	else
		printf("%s: refused\n", what);
}

/* ---- requests that only services have ---- */

static void requests(void)
{
	static const struct {
		const char *name;
		unsigned label;
	} of_services[] = {
		{ "processes", PROC_PROC_LIST }, { "process", PROC_PROC_INFO }, { "threads", PROC_PROC_THREADS }, { "files", PROC_PROC_FILES },
		{ "memory", PROC_PROC_MEMORY }, { "regions", PROC_PROC_REGIONS }, { "region", PROC_PROC_REGION_NAME }, { "pages", PROC_PROC_REGION_PAGES },
		{ "terminal signal", PROC_TTY_SIGNAL }, { "session", PROC_SESSION_TTY }, { "orphans", PROC_ORPHANED },
		{ "ready", PROC_SERVICE_READY }, { "ports", PROC_NEEDS_IO }, { "map", PROC_MAP_OBJECT }, { "create", PROC_OBJECT_CREATE },
		{ "image", PROC_OBJECT_IMAGE },
	};
	const unsigned long m[8] = { 1, 1, 16 };

	for (size_t i = 0; i < sizeof of_services / sizeof *of_services; i++)
		judge(of_services[i].name, is_uxrt() ? ask(ROOT, of_services[i].label, m, "", 0) : 0, -EPERM);
	judge("continue", is_uxrt() ? ask(ROOT, FILE_CONTINUE, m, "abc", 3) : 0, -EPERM);
}

/* ---- what only root says about an open file ---- */

static void files(void)
{
	int file = open("/etc/passwd", O_RDONLY), directory = open("/etc", O_RDONLY);
	const unsigned long m[8] = { O_RDWR };

	for (int i = 0; i < 2; i++) {
		int fd = i ? directory : file;

		judge("reopen", is_uxrt() ? ask(fd, FILE_REOPEN, m, "", 0) : 0, -EPERM);
		judge("place", is_uxrt() ? ask(fd, FILE_PLACE, m, "", 0) : 0, -EPERM);
		judge("locate", is_uxrt() ? ask(fd, FILE_LOCATE, m, "", 0) : 0, -EPERM);
		judge("resolve", is_uxrt() ? ask(fd, FILE_RESOLVE, m, "", 0) : 0, -EPERM);
		judge("open", is_uxrt() ? ask(fd, FILE_OPEN, m, "", 0) : 0, i ? -EINVAL : -EXDEV); /* a directory's takes paths, but not of nothing */
	}
}

/* ---- paths with a NUL, which servers keep for names of their own ---- */

static long path_call(unsigned label, const char *first, unsigned first_length, const char *second, unsigned second_length)
{
	const unsigned long m[8] = { 1, 0, 0, CPTR_SYSTEM | SLOT_FSROOT, first_length, second_length, CPTR_SYSTEM | SLOT_FSROOT };
	char both[64];

	memcpy(both, first, first_length);
	memcpy(both + first_length, second, second_length);
	return ask(ROOT, label, m, both, first_length + second_length);
}

static void names(void)
{
	judge("link to a NUL", is_uxrt() ? path_call(FILE_SYMLINK, "/tmp/case/l", 11, "\0abcdefgh", 9) : 0, -EINVAL);
	judge("open of a NUL", is_uxrt() ? path_call(FILE_OPEN, "/tmp/\0bcdefgh", 13, "", 0) : 0, -EINVAL);
	judge("link from a NUL", is_uxrt() ? path_call(FILE_LINK, "/tmp/\0bcdefgh", 13, "/tmp/case/x", 11) : 0, -EINVAL);
	judge("link as a NUL", is_uxrt() ? path_call(FILE_LINK, "/etc/passwd", 11, "/tmp/\0bcdefgh", 13) : 0, -EINVAL);
	SHOW(access("/tmp/case/l", F_OK));
}

/* ---- the Handle by which programs ask the file system itself ---- */

#define TREE   (CPTR_SYSTEM | SLOT_TREE)
#define NO_CAP (-1000 + K_INVALID_CAP)

static long tree_call(unsigned long target, unsigned label, const char *path, unsigned length)
{
	const unsigned long m[8] = { [4] = length };

	return ask(target, label, m, path, length);
}

static void tree_judge(unsigned label, const char *path, unsigned length, long wanted)
{
	judge(path, is_uxrt() ? tree_call(TREE, label, path, length) : 0, wanted);
}

static void tree_paths(void)
{
	const unsigned long too_long[8] = { [4] = 12 };
	static const char *const elsewhere[] = { "/dev/null", "/proc/self/mem", "/sys", "/", "//etc", "/etc/", "/etc/../dev/null", "/..", "/etc/./passwd", "etc/passwd", "" };

	for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
		tree_judge(FILE_OPEN, elsewhere[i], strlen(elsewhere[i]), -EXDEV);
	SHOW(symlink("/dev/null", "/tmp/case/null"));
	SHOW(symlink("../../proc", "/tmp/case/proc"));
	SHOW(symlink("/tmp/case/turning", "/tmp/case/turning"));
	tree_judge(FILE_OPEN, "/tmp/case/null", 14, -EXDEV);
	tree_judge(FILE_OPEN, "/tmp/case/proc/1/mem", 20, -EXDEV);
	tree_judge(FILE_STAT, "/tmp/case/turning", 17, -EXDEV);
	tree_judge(FILE_OPEN, "/tmp/\0bcdefgh", 13, -EXDEV);
	tree_judge(FILE_MKDIR, "/tmp/case/\0x", 12, -EXDEV);
	tree_judge(FILE_RENAME, "/etc/passwd", 11, -EPERM);
	tree_judge(FILE_SETATTR, "/etc/passwd", 11, -EPERM);
	tree_judge(FILE_RESOLVE, "/etc/passwd", 11, -EPERM);
	tree_judge(FILE_READ, "/etc/passwd", 11, -EBADF);
	judge("a path longer than the message", is_uxrt() ? ask(TREE, FILE_STAT, too_long, "/etc/passwd", 11) : 0, -EINVAL);
	printf("what it is for: %d\n", !is_uxrt() || tree_call(TREE, FILE_STAT, "/etc/passwd", 11) == 0);
}

/* Who has another root directory, and that one's children, have none. */
static void tree_of_a_jail(void)
{
	int status;

	fflush(stdout);
	if (!fork()) {
		SHOW(chroot("/tmp/case"));
		judge("in a jail", is_uxrt() ? tree_call(TREE, FILE_STAT, "/etc/passwd", 11) : 0, NO_CAP);
		fflush(stdout);
		if (!fork()) {
			judge("a child in a jail", is_uxrt() ? tree_call(TREE, FILE_STAT, "/etc/passwd", 11) : 0, NO_CAP);
			fflush(stdout);
			_exit(0);
		}
		wait(&status);
		_exit(0);
	}
	wait(&status);
}

/* A program's mount is among the paths: what the Handle said before is no more so. */
static void tree_under_a_mount(void)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		if (is_uxrt() && ask(ROOT, PROC_SERVE, NULL, "/tmp/case/served", 16))
			_exit(1);
		raise(SIGSTOP);
		_exit(0);
	}
	waitpid(pid, &status, WUNTRACED);
	judge("what is mounted on", is_uxrt() ? tree_call(TREE, FILE_STAT, "/tmp/case/served", 16) : 0, -EXDEV);
	kill(pid, SIGCONT);
	waitpid(pid, &status, 0);
	printf("the server ended with %d\n", WEXITSTATUS(status));
	printf("after it the path is a path: %d\n", access("/tmp/case/served", F_OK) != 0 && access("/tmp/case", F_OK) == 0);
}

static void tree(void)
{
	tree_paths();
	tree_of_a_jail();
	tree_under_a_mount();
}

/* ---- the Handles of directories, which take relative paths ---- */

#define HERE (CPTR_SYSTEM | SLOT_CWD)

static void base_judge(unsigned long base, unsigned label, const char *path, unsigned length, long wanted)
{
	judge(path, is_uxrt() ? tree_call(base, label, path, length) : 0, wanted);
}

/* Out of the mount, into another, absolute, with a NUL, about names that dots are not. */
static void base_paths(unsigned long base)
{
	static const char *const elsewhere[] = { "../../../dev/null", "../../../proc/1/mem", "../../../sys", "null", "proc/1/mem", "turning", "/etc/passwd", "//", "../../..", "../../../..",
						 "../../../../etc/passwd", "x//y", ".//x", "x/../y", "x/..", "x/" };

	for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
		base_judge(base, FILE_OPEN, elsewhere[i], strlen(elsewhere[i]), -EXDEV);
	base_judge(base, FILE_OPEN, "\0bcdefgh", 8, -EXDEV);
	base_judge(base, FILE_MKDIR, "x\0y", 3, -EXDEV);
	base_judge(base, FILE_MKDIR, ".", 1, -EXDEV);
	base_judge(base, FILE_MKNOD, "..", 2, -EXDEV);
	base_judge(base, FILE_UNLINK, "./..", 4, -EXDEV);
	base_judge(base, FILE_STAT, "", 0, -EINVAL);
	base_judge(base, FILE_RENAME, "x", 1, -EPERM);
	base_judge(base, FILE_SETATTR, "x", 1, -EPERM);
	base_judge(base, FILE_RESOLVE, "x", 1, -EPERM);
	base_judge(base, FILE_BUFFER, "x", 1, -EPERM);
	judge("more than there is", is_uxrt() ? ask(base, FILE_STAT, (const unsigned long[8]){ [4] = 2 }, "x", 1) : 0, -EINVAL);
	judge("a second text", is_uxrt() ? ask(base, FILE_STAT, (const unsigned long[8]){ [4] = 1, [5] = 1 }, "xx", 2) : 0, -EINVAL);
	judge("the dots of root", is_uxrt() ? ask(base, FILE_UNLINK, (const unsigned long[8]){ [4] = 1, [7] = WALK_LAST_DOT }, "x", 1) : 0, -EINVAL);
	judge("openat2's flags", is_uxrt() ? ask(base, FILE_STAT, (const unsigned long[8]){ [4] = 1, [7] = WALK_BENEATH }, "x", 1) : 0, -EINVAL);
	printf("what it is for: %d\n", !is_uxrt() || (tree_call(base, FILE_STAT, "x", 1) == 0 && tree_call(base, FILE_STAT, "../../../etc/passwd", 19) == 0));
}

/* No directory, one of another server or of another mount, and one that was removed. */
static void base_others(void)
{
	int file = open("x", O_RDONLY), proc = open("/proc", O_RDONLY), shm = open("/dev/shm", O_RDONLY), pipes[2];

	pipe(pipes);
	mkdir("gone", 0755);
	int gone = open("gone", O_RDONLY);

	SHOW(rmdir("gone"));
	base_judge((unsigned long)file, FILE_STAT, "x", 1, -EXDEV);
	base_judge((unsigned long)proc, FILE_STAT, "1", 1, -EXDEV);
	base_judge((unsigned long)shm, FILE_MKDIR, "made", 4, -EXDEV);
	base_judge((unsigned long)pipes[0], FILE_STAT, "x", 1, -EXDEV);
	base_judge((unsigned long)gone, FILE_MKDIR, "made", 4, -EXDEV);
	base_judge((unsigned long)gone, FILE_OPEN, "../x", 4, -EXDEV);
	SHOW(access("/dev/shm/made", F_OK));
}

/* Who has another root directory, and that one's children, start nowhere without root. */
static void base_of_a_jail(void)
{
	int above = open("/tmp", O_RDONLY), status;

	fflush(stdout);
	if (!fork()) {
		SHOW(chroot("/tmp/case"));
		base_judge(HERE, FILE_STAT, "x", 1, -EXDEV);
		base_judge((unsigned long)above, FILE_OPEN, "../etc/passwd", 13, -EXDEV);
		fflush(stdout);
		if (!fork()) {
			base_judge(HERE, FILE_STAT, "x", 1, -EXDEV);
			base_judge((unsigned long)above, FILE_STAT, "case", 4, -EXDEV);
			fflush(stdout);
			_exit(0);
		}
		wait(&status);
		_exit(0);
	}
	wait(&status);
}

static void base_under_a_mount(void)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		if (is_uxrt() && ask(ROOT, PROC_SERVE, NULL, "/served", 7))
			_exit(1);
		raise(SIGSTOP);
		_exit(0);
	}
	waitpid(pid, &status, WUNTRACED);
	base_judge(HERE, FILE_STAT, "../../../served", 15, -EXDEV);
	kill(pid, SIGCONT);
	waitpid(pid, &status, 0);
	printf("the server ended with %d\n", WEXITSTATUS(status));
}

static void bases(void)
{
	int directory;

	SHOW(mkdir("/tmp/case/in", 0755));
	SHOW(chdir("/tmp/case/in"));
	close(open("x", O_CREAT | O_RDWR, 0600));
	SHOW(symlink("/dev/null", "null") + symlink("../../../proc", "proc") + symlink("turning", "turning"));
	directory = open(".", O_RDONLY);
	base_paths(HERE);
	base_paths((unsigned long)directory);
	base_others();
	base_of_a_jail();
	base_under_a_mount();
}

/* ---- ids that were given up ---- */

static void ids(void)
{
	const unsigned long zero[8] = { 63 };
	unsigned group = 0;
	const unsigned long groups[8] = { 1 };
	int status;

	fflush(stdout);
	if (!fork()) {
		setresgid(1000, 1000, 1000);
		setresuid(1000, 1000, 1000);
		judge("ids", is_uxrt() ? ask(ROOT, PROC_SET_CREDENTIALS, zero, "", 0) : 0, -EPERM);
		judge("groups", is_uxrt() ? ask(ROOT, PROC_SET_GROUPS, groups, &group, 4) : 0, -EPERM);
		printf("user %d\n", geteuid());
		fflush(stdout);
		_exit(0);
	}
	wait(&status);
}

/* ---- a child of one's parent is one's own in all else ---- */

static void siblings(void)
{
	int status, ended = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		setsid();
		setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 50, 60 });
		setresgid(1000, 1000, 1000);
		setresuid(1000, 1000, 1000);
		pid = getpid();
		if (!syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0)) {
			struct rlimit files;

			getrlimit(RLIMIT_NOFILE, &files);
			printf("sibling: user %d, group %d, own session %d, files %d %d, kill %d\n", geteuid(), getegid(), getsid(0) == pid && getpgrp() == pid,
			       (int)files.rlim_cur, (int)files.rlim_max, kill(1, 0));
			fflush(stdout);
		}
		_exit(0);
	}
	while (wait(&status) > 0)
		ended++;
	printf("children that ended %d\n", ended);
}

/* ---- the log: nobody may fill it ---- */

static void flood(void)
{
	static const char text[] = "\033[2Jhostile\nline";
	const unsigned long debug[8] = { 2 }, bad[8] = { 99 };
	int refused = 0;

	judge("level", is_uxrt() ? ask(ROOT, PROC_LOG, bad, text, sizeof text - 1) : 0, -EINVAL);
	for (int i = 0; i < 1000 && is_uxrt(); i++)
		refused += ask(ROOT, PROC_LOG, debug, text, sizeof text - 1) == -EAGAIN;
	printf("most lines are refused: %d\n", !is_uxrt() || refused > 800);
}

/* ---- timers: nobody may keep root with them ---- */

static void run_timers(int signal, void (*handler)(int))
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = signal };
	struct itimerspec soon = { .it_interval = { 0, 1 }, .it_value = { 0, 1 } };
	timer_t id;

	sigaction(signal, &(struct sigaction){ .sa_handler = handler }, NULL);
	for (int i = 0; i < 200 && !timer_create(CLOCK_MONOTONIC, &event, &id); i++)
		timer_settime(id, 0, &soon, NULL);
}

static void nothing(int signal)
{
	(void)signal;
}

/* An interval whose end is before its beginning; then hundreds that have no time between them, ignored, blocked and caught. */
static void hostile_timers(int kind)
{
	const unsigned long forever[8] = { ITIMER_REAL, 1, ~0ul, 1000 }, used[8] = { ITIMER_PROF, 1, ~0ul, 1000 };
	sigset_t usr1;

	signal(SIGALRM, nothing);
	signal(SIGPROF, nothing);
	if (kind == 0 && is_uxrt()) {
		ask(ROOT, PROC_ITIMER, forever, "", 0);
		ask(ROOT, PROC_ITIMER, used, "", 0);
	}
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	if (kind == 2)
		sigprocmask(SIG_BLOCK, &usr1, NULL);
	if (kind)
		run_timers(SIGUSR1, kind == 1 ? SIG_IGN : nothing);
	for (;;)
		pause();
}

static void timers(void)
{
	static const char *const kinds[] = { "without end", "ignored", "blocked", "caught" };

	for (int kind = 0; kind < 4; kind++) {
		struct timespec some = { 0, 5000000 };
		int ended = 0, status;
		pid_t pid = fork();

		if (pid == 0)
			hostile_timers(kind);
		nanosleep(&some, NULL);
		for (int i = 0; i < 20; i++) {
			pid_t other = fork();

			if (other == 0)
				_exit(i);
			ended += waitpid(other, &status, 0) == other && WEXITSTATUS(status) == i;
		}
		printf("timers %s: others go on %d\n", kinds[kind], ended);
		fflush(stdout);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

static const struct part parts[] = { { "requests", requests }, { "files", files }, { "names", names }, { "tree", tree }, { "bases", bases }, { "ids", ids }, { "flood", flood },
				     { "timers", timers }, { "siblings", siblings } };

int main(int argc, char **argv)
{
	return run_parts(parts, sizeof parts / sizeof *parts, argc, argv);
}
