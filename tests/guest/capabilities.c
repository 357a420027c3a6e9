/*
 * Linux's capability sets: what programs see of them, how ids and exec change them, what they grant between processes.
 * calls: capget capset prctl setresuid
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/guest/show.h"

#define ALICE 1000
#define BOB   1001
#define BIT(n) (1ul << (n))

struct sets {
	unsigned long effective, permitted, inheritable;
};

static long get(pid_t pid, struct sets *s)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, pid };
	struct __user_cap_data_struct d[2] = { { 0 } };
	long error = syscall(SYS_capget, &header, d);

	*s = (struct sets){ d[0].effective | (unsigned long)d[1].effective << 32, d[0].permitted | (unsigned long)d[1].permitted << 32,
			    d[0].inheritable | (unsigned long)d[1].inheritable << 32 };
	return error;
}

static long set(unsigned long effective, unsigned long permitted, unsigned long inheritable)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = { { (unsigned)effective, (unsigned)permitted, (unsigned)inheritable },
					       { effective >> 32, permitted >> 32, inheritable >> 32 } };

	return syscall(SYS_capset, &header, d);
}

static void show_sets(const char *when)
{
	unsigned long bounding = 0, ambient = 0;
	struct sets s;

	get(0, &s);
	for (int n = 0; n <= CAP_LAST_CAP; n++) {
		if (prctl(PR_CAPBSET_READ, n) == 1)
			bounding |= BIT(n);
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, n, 0, 0) == 1)
			ambient |= BIT(n);
	}
	printf("%s: e %lx p %lx i %lx b %lx a %lx bits %x keep %d\n", when, s.effective, s.permitted, s.inheritable, bounding, ambient,
	       prctl(PR_GET_SECUREBITS), prctl(PR_GET_KEEPCAPS));
}

/* This program once more, which shows its sets. */
static void run_again(void)
{
	fflush(stdout);
	execl("/proc/self/exe", "capabilities", "after_exec", NULL);
	perror("exec");
	_exit(1);
}

static void after_exec(void)
{
	show_sets("after exec");
	printf("ids %d %d, secure %lu, dumpable %d\n", getuid(), geteuid(), getauxval(AT_SECURE), prctl(PR_GET_DUMPABLE));
}

/* ---- capget, capset ---- */

static void calls(void)
{
	struct __user_cap_header_struct header = { 0x1234, 0 };
	struct __user_cap_data_struct d[2] = { { 0 } };
	struct sets s;

	show_sets("first");
	SHOW(syscall(SYS_capget, &header, d));
	printf("version %x\n", header.version);
	header.version = 0x1234;
	SHOW(syscall(SYS_capget, &header, NULL));
	printf("version %x\n", header.version);
	header.version = _LINUX_CAPABILITY_VERSION_1;
	SHOW(syscall(SYS_capget, &header, d));
	printf("%x %x %x, %x\n", d[0].effective, d[0].permitted, d[0].inheritable, d[1].effective);
	header.pid = -1;
	SHOW(syscall(SYS_capget, &header, d));
	SHOW(syscall(SYS_capget, &header, NULL));
	SHOW(syscall(SYS_capset, &header, d));
	header.pid = 1;
	SHOW(syscall(SYS_capset, &header, d));
	SHOW(syscall(SYS_capget, &header, 1));
	SHOW(syscall(SYS_capget, 1, d));
	SHOW(get(1, &s));
	printf("init's: %lx %lx %lx\n", s.effective, s.permitted, s.inheritable);
	SHOW(get(30000, &s));
}

static void sets(void)
{
	SHOW(set(BIT(CAP_KILL), BIT(CAP_KILL) | BIT(CAP_SETPCAP) | BIT(CAP_SYS_NICE), ~0ul));
	show_sets("given up");
	SHOW(set(BIT(CAP_CHOWN), BIT(CAP_KILL), 0));
	SHOW(set(0, BIT(CAP_KILL) | BIT(CAP_CHOWN), 0));
	SHOW(set(BIT(CAP_KILL) | BIT(CAP_SYS_NICE), BIT(CAP_KILL), 0));
	SHOW(set(0, BIT(CAP_KILL), BIT(CAP_KILL)));
	show_sets("fewer");
	SHOW(set(0, BIT(CAP_KILL), BIT(CAP_CHOWN)));
	SHOW(set(BIT(CAP_KILL), BIT(CAP_KILL), 0));
	show_sets("raised");
	run_again();
}

static void capget_capset(void)
{
	apart(calls);
	apart(sets);
}

/* ---- ids ---- */

static void ids_given_up(void)
{
	SHOW(setresuid(-1, ALICE, -1));
	show_sets("effective id");
	SHOW(setresuid(-1, 0, -1));
	show_sets("root again");
	SHOW(setresuid(ALICE, ALICE, 0));
	show_sets("saved only");
	SHOW(setresuid(ALICE, 0, 0));
	show_sets("from saved");
	SHOW(setresuid(ALICE, ALICE, ALICE));
	show_sets("all ids");
	SHOW(setresuid(0, 0, 0));
	SHOW(setgid(BOB));
	SHOW(setgroups(0, NULL));
	SHOW(set(0, 0, 0));
	SHOW(set(0, BIT(CAP_KILL), 0));
	run_again();
}

static void ids_kept(void)
{
	SHOW(prctl(PR_SET_KEEPCAPS, 2));
	SHOW(prctl(PR_SET_KEEPCAPS, 1));
	SHOW(setresuid(ALICE, ALICE, ALICE));
	show_sets("kept");
	SHOW(set(BIT(CAP_SETUID) | BIT(CAP_SETGID), BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_KILL), BIT(CAP_SETUID)));
	SHOW(setgid(BOB));
	SHOW(setuid(BOB));
	show_sets("another user");
	printf("%d %d\n", getuid(), getgid());
	SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SETUID, 0, 0));
	SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
	show_sets("ambient");
	run_again();
}

static void no_fixup(void)
{
	SHOW(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP));
	SHOW(setresuid(ALICE, ALICE, ALICE));
	show_sets("no fixup");
	SHOW(setresuid(0, ALICE, ALICE));
	show_sets("real id 0");
	run_again();
}

static void effective_only(void)
{
	SHOW(setresuid(ALICE, 0, 0));
	show_sets("effective id 0");
	run_again();
}

static void no_new_privileges(void)
{
	SHOW(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	SHOW(set(BIT(CAP_KILL), BIT(CAP_KILL), 0));
	run_again();
}

static void no_new_privileges_other_id(void)
{
	SHOW(setresuid(ALICE, 0, 0));
	SHOW(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	run_again();
}

static void ids(void)
{
	apart(ids_given_up);
	apart(ids_kept);
	apart(no_fixup);
	apart(effective_only);
	apart(no_new_privileges);
	apart(no_new_privileges_other_id);
}

/* ---- bounding set, securebits, ambient set ---- */

static void bounds(void)
{
	SHOW(prctl(PR_CAPBSET_READ, CAP_LAST_CAP));
	SHOW(prctl(PR_CAPBSET_READ, CAP_LAST_CAP + 1));
	SHOW(prctl(PR_CAPBSET_DROP, 64));
	SHOW(prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN));
	SHOW(prctl(PR_CAPBSET_DROP, CAP_CHOWN));
	show_sets("dropped");
	SHOW(set(~0ul, ~0ul, BIT(CAP_CHOWN)));
	SHOW(set(BIT(CAP_KILL), BIT(CAP_KILL), BIT(CAP_KILL)));
	SHOW(prctl(PR_CAPBSET_DROP, CAP_KILL));
	run_again();
}

static void bits(void)
{
	SHOW(prctl(PR_SET_SECUREBITS, 0x100));
	SHOW(prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS | SECBIT_KEEP_CAPS_LOCKED));
	SHOW(prctl(PR_SET_KEEPCAPS, 0));
	SHOW(prctl(PR_GET_SECUREBITS));
	SHOW(prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS_LOCKED));
	SHOW(prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS));
	SHOW(prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS | SECBIT_KEEP_CAPS_LOCKED | SECBIT_NOROOT));
	show_sets("bits");
	run_again();
}

static void bits_of_others(void)
{
	SHOW(setresuid(ALICE, ALICE, ALICE));
	SHOW(prctl(PR_SET_SECUREBITS, 0));
	SHOW(prctl(PR_CAPBSET_DROP, CAP_KILL));
	SHOW(prctl(PR_SET_KEEPCAPS, 1));
	show_sets("another user");
}

static void ambient(void)
{
	SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_LAST_CAP + 1, 0, 0));
	SHOW(prctl(PR_CAP_AMBIENT, 9, CAP_KILL, 0, 0));
	SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 1, 0));
	SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
	SHOW(set(~0ul, ~0ul, BIT(CAP_KILL) | BIT(CAP_CHOWN)));
	SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
	SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0));
	show_sets("raised");
	SHOW(set(~0ul, ~0ul, BIT(CAP_KILL)));
	show_sets("no longer inherited");
	SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, CAP_KILL, 0, 0));
	SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 1, 0, 0));
	SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
	SHOW(prctl(PR_SET_SECUREBITS, SECBIT_NO_CAP_AMBIENT_RAISE));
	SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
	SHOW(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP));
	SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
	SHOW(setresuid(ALICE, ALICE, ALICE));
	run_again();
}

static void bounding(void)
{
	apart(bounds);
	apart(bits);
	apart(bits_of_others);
	apart(ambient);
}

/* ---- what they grant between processes ---- */

static pid_t target;

static void tries(void)
{
	struct rlimit limit;

	SHOW(kill(target, 0));
	SHOW(setpriority(PRIO_PROCESS, target, 0));
	SHOW(setpriority(PRIO_PROCESS, 0, -1));
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max = limit.rlim_max + 100;
	SHOW(setrlimit(RLIMIT_NOFILE, &limit));
	SHOW(prlimit(target, RLIMIT_CORE, NULL, &limit));
	SHOW(setgroups(0, NULL));
	SHOW(chroot("/"));
	SHOW(sethostname("x", 1000));
	SHOW(setgid(BOB));
	SHOW(setuid(BOB));
}

static void without_any(void)
{
	SHOW(set(0, 0, 0));
	tries();
}

static void with_some(void)
{
	unsigned long some = BIT(CAP_KILL) | BIT(CAP_SYS_RESOURCE) | BIT(CAP_SYS_CHROOT);

	prctl(PR_SET_KEEPCAPS, 1);
	SHOW(setresuid(ALICE, ALICE, ALICE));
	SHOW(set(some, some, 0));
	tries();
}

static void looked_into_by_equals(void)
{
	char path[40];

	setresgid(BOB, BOB, BOB);
	setresuid(BOB, BOB, BOB);
	snprintf(path, sizeof(path), "/proc/%d/fd", target);
	OK(open(path, O_RDONLY | O_DIRECTORY));
}

/* A process of BOB's that waits; with all capabilities, or with none. */
static void start_target(int keep)
{
	int ready[2];
	char byte;

	pipe(ready);
	target = fork();
	if (!target) {
		setresgid(BOB, BOB, BOB);
		prctl(PR_SET_KEEPCAPS, keep);
		setresuid(BOB, BOB, BOB);
		prctl(PR_SET_DUMPABLE, 1);
		write(ready[1], "", 1);
		for (;;)
			pause();
	}
	read(ready[0], &byte, 1);
	close(ready[0]);
	close(ready[1]);
}

static void end_target(void)
{
	kill(target, SIGKILL);
	waitpid(target, NULL, 0);
}

static void grants(void)
{
	start_target(0);
	apart(without_any);
	apart(with_some);
	apart(looked_into_by_equals);
	end_target();
	start_target(1);
	apart(looked_into_by_equals);
	end_target();
}

/* ---- hard limits ---- */

static void raise_limits(void)
{
	static const int which[] = { RLIMIT_NOFILE, RLIMIT_RTPRIO, RLIMIT_NICE, RLIMIT_MEMLOCK, RLIMIT_MSGQUEUE };
	struct rlimit l, more = { 65536, 1 << 20 };

	for (unsigned i = 0; i < sizeof(which) / sizeof(*which); i++) {
		l = (struct rlimit){ 10, 20 };
		SHOW(setrlimit(which[i], &l));
		l = (struct rlimit){ 30, 50000 };
		SHOW(setrlimit(which[i], &l));
		getrlimit(which[i], &l);
		printf("%ld %ld\n", (long)l.rlim_cur, (long)l.rlim_max);
	}
	SHOW(setrlimit(RLIMIT_NOFILE, &more));
	more.rlim_max++;
	SHOW(setrlimit(RLIMIT_NOFILE, &more));
	SHOW(dup2(1, 5000));
	SHOW(dup2(1, 65536));
	SHOW(fcntl(1, F_DUPFD, 6000));
}

static void hard_limits(void)
{
	apart(raise_limits);
}

int main(int argc, char **argv)
{
	static const struct part parts[] = {
		{ "after_exec", after_exec }, { "capget_capset", capget_capset }, { "ids", ids }, { "bounding", bounding }, { "grants", grants },
		{ "hard_limits", hard_limits },
	};

	return run_parts(parts, sizeof(parts) / sizeof(parts[0]), argc, argv);
}
