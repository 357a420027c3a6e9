/*
 * What a program sees of the machine's cores, and that it can use every one: cores COUNT. The same on Linux. Prints "ok NAME", or "FAIL NAME: expected ...".
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/gate.h"
#include "abi/kernel.h"
#include "abi/native.h"
#include "abi/process.h"

#define TURNS 20
#define CORES_MAX 64

static int count, failed;
static char reason[300];

#define EXPECT(what, got, expected) expect(what, (long)(got), (long)(expected))
static void expect(const char *what, long got, long expected)
{
	if (got != expected && !reason[0])
		snprintf(reason, sizeof reason, "%s: expected %ld, got %ld", what, expected, got);
}

static void expect_text(const char *what, const char *got, const char *expected)
{
	if (strcmp(got, expected) && !reason[0])
		snprintf(reason, sizeof reason, "%s: expected \"%s\", got \"%s\"", what, expected, got);
}

static long set_mask(pid_t tid, unsigned long mask)
{
	return syscall(SYS_sched_setaffinity, tid, sizeof mask, &mask);
}

static unsigned long get_mask(pid_t tid)
{
	unsigned long mask[16] = { 0 };

	EXPECT("sched_getaffinity", syscall(SYS_sched_getaffinity, tid, sizeof mask, mask) > 0, 1);
	return mask[0];
}

static unsigned long all(void)
{
	return count < 64 ? (1ul << count) - 1 : ~0ul;
}

static int here(void)
{
	unsigned core = ~0u, node = ~0u;

	EXPECT("getcpu", syscall(SYS_getcpu, &core, &node, NULL), 0);
	EXPECT("node", node, 0);
	return (int)core;
}

/* ---- files ---- */

static char *whole(const char *path)
{
	static char text[200000];
	size_t have = 0;
	ssize_t n;
	int fd = open(path, O_RDONLY);

	while (fd >= 0 && (n = read(fd, text + have, sizeof text - 1 - have)) > 0)
		have += (size_t)n;
	close(fd);
	text[have] = 0;
	return text;
}

/* Lines that begin so; a digit must follow if `digit`. */
static int lines_with(char *text, const char *start, int digit)
{
	size_t length = strlen(start);
	int found = 0;

	for (char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		found += !strncmp(line, start, length) && (!digit || (line[length] >= '0' && line[length] <= '9'));
		if (!*line)
			break;
	}
	return found;
}

static char *value_of(char *text, const char *name)
{
	char *at = strstr(text, name);

	if (!at)
		return "";
	at += strlen(name);
	at[strcspn(at, "\n")] = 0;
	return at;
}

static void files_say_how_many_there_are(void)
{
	char list[20], path[80];

	snprintf(list, sizeof list, count > 1 ? "0-%d\n" : "0\n", count - 1);
	expect_text("online", whole("/sys/devices/system/cpu/online"), list);
	expect_text("present", whole("/sys/devices/system/cpu/present"), list);
	EXPECT("processors of cpuinfo", lines_with(whole("/proc/cpuinfo"), "processor\t: ", 1), count);
	EXPECT("lines of /proc/stat", lines_with(whole("/proc/stat"), "cpu", 1), count);
	EXPECT("sysconf", sysconf(_SC_NPROCESSORS_ONLN), count);
	for (int i = 0; i < count + 1; i++) {
		snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/core_id", i);
		EXPECT(path, access(path, R_OK), i < count ? 0 : -1);
	}
}

/* ---- masks ---- */

static void masks_hold_the_cores_that_there_are(void)
{
	char list[20];

	EXPECT("at first", get_mask(0), all());
	EXPECT("more than there are", set_mask(0, ~0ul), 0);
	EXPECT("of those", get_mask(0), all());
	EXPECT("none", set_mask(0, 0) == -1 ? errno : 0, EINVAL);
	if (count < 64)
		EXPECT("only others", set_mask(0, ~all()) == -1 ? errno : 0, EINVAL);
	EXPECT("unchanged", get_mask(0), all());
	set_mask(0, 1ul << (count - 1));
	snprintf(list, sizeof list, "%d", count - 1);
	expect_text("Cpus_allowed_list", value_of(whole("/proc/self/status"), "Cpus_allowed_list:\t"), list);
	set_mask(0, all());
}

static void a_thread_is_where_its_mask_says(void)
{
	for (int i = 0; i < count; i++) {
		EXPECT("sched_setaffinity", set_mask(0, 1ul << i), 0);
		EXPECT("the core", here(), i);
		EXPECT("the mask", get_mask(0), 1ul << i);
	}
	set_mask(0, all());
}

static void a_child_and_a_program_keep_the_mask(void)
{
	for (int i = 0; i < count; i += count > 8 ? 13 : 1) {
		int status;

		set_mask(0, 1ul << i);
		pid_t child = fork();
		if (child == 0) {
			char number[12];

			snprintf(number, sizeof number, "%d", i);
			execl("/proc/self/exe", "cores", "is", number, (char *)NULL);
			_exit(99);
		}
		waitpid(child, &status, 0);
		EXPECT("the child's status", status, 0);
	}
	set_mask(0, all());
}

/* ---- between cores ---- */

static int ends[2][2];

static void *answer(void *number)
{
	char byte;

	set_mask(0, 1ul << (long)number);
	for (int i = 0; i < TURNS; i++) {
		if (read(ends[0][0], &byte, 1) != 1 || here() != (long)number)
			return NULL;
		(void)!write(ends[1][1], &byte, 1);
	}
	return number;
}

static void each_core_wakes_the_next_one(void)
{
	char byte = 0;

	(void)!pipe(ends[0]);
	(void)!pipe(ends[1]);
	for (long i = 0; i < count; i++) {
		pthread_t thread;
		void *result;

		set_mask(0, 1ul << ((i + 1) % count));
		EXPECT("pthread_create", pthread_create(&thread, NULL, answer, (void *)i), 0);
		for (int k = 0; k < TURNS; k++) {
			(void)!write(ends[0][1], &byte, 1);
			(void)!read(ends[1][0], &byte, 1);
		}
		pthread_join(thread, &result);
		EXPECT("the other's core", (long)result, i);
	}
	set_mask(0, all());
	for (int i = 0; i < 4; i++)
		close(ends[i / 2][i % 2]);
}

static char *page;
static atomic_int touching, caught;
static __thread volatile int fault_ends;

static void fault(int signal)
{
	(void)signal;
	atomic_fetch_add(&caught, 1);
	fault_ends = 1;
	mprotect(page, 4096, PROT_READ | PROT_WRITE);
}

static void *touch(void *number)
{
	set_mask(0, 1ul << (long)number);
	atomic_store(&touching, 1);
	while (!fault_ends)
		*(volatile char *)page = 1;
	return NULL;
}

/* No core writes to a page through what it remembers of it. */
static void a_page_that_is_protected_is_so_on_every_core(void)
{
	signal(SIGSEGV, fault);
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (long i = 0; i < count; i++) {
		pthread_t thread;

		atomic_store(&touching, 0);
		set_mask(0, 1ul << ((i + 1) % count));
		EXPECT("pthread_create", pthread_create(&thread, NULL, touch, (void *)i), 0);
		while (!atomic_load(&touching))
			sched_yield();
		mprotect(page, 4096, PROT_READ);
		pthread_join(thread, NULL);
	}
	EXPECT("faults", atomic_load(&caught), count);
	set_mask(0, all());
}

static atomic_int arrived;
static atomic_ulong seen;

static void *arrive(void *unused)
{
	atomic_fetch_add(&arrived, 1);
	do
		atomic_fetch_or(&seen, 1ul << here());
	while (atomic_load(&arrived) < count);
	return unused;
}

/* As many threads as cores run at once, and nobody has said where. */
static void threads_spread_over_the_cores(void)
{
	pthread_t thread[CORES_MAX];

	for (int i = 1; i < count; i++)
		EXPECT("pthread_create", pthread_create(&thread[i], NULL, arrive, NULL), 0);
	arrive(NULL);
	for (int i = 1; i < count; i++)
		pthread_join(thread[i], NULL);
	EXPECT("cores used", __builtin_popcountl(atomic_load(&seen)) >= (count > 2 ? 2 : 1), 1);
}

#define CROWD_CORES 8
static atomic_ulong counted[CROWD_CORES + 2];
static atomic_int enough;

static void *count_on(void *number)
{
	while (!atomic_load(&enough))
		atomic_fetch_add(&counted[(long)number], 1);
	return NULL;
}

/* Two threads more than cores, none of which ever waits: all of them get on, again and again. */
static void threads_that_compute_all_have_their_turn(void)
{
	int crowd = (count < CROWD_CORES ? count : CROWD_CORES) + 2;
	pthread_t thread[CROWD_CORES + 2];

	set_mask(0, all() & ((1ul << CROWD_CORES) - 1));
	for (long i = 0; i < crowd; i++)
		EXPECT("pthread_create", pthread_create(&thread[i], NULL, count_on, (void *)i), 0);
	for (int round = 0; round < 5; round++)
		for (int i = 0; i < crowd; i++)
			for (unsigned long before = atomic_load(&counted[i]); atomic_load(&counted[i]) == before;)
				usleep(1000);
	atomic_store(&enough, 1);
	for (int i = 0; i < crowd; i++)
		pthread_join(thread[i], NULL);
	set_mask(0, all());
}

static atomic_int tid_of[CROWD_CORES + 2];

static void *count_anywhere(void *number)
{
	atomic_store(&tid_of[(long)number], (int)syscall(SYS_gettid));
	return count_on(number);
}

static void *keep_a_core(void *core)
{
	set_mask(0, 1ul << (long)core);
	EXPECT("SCHED_FIFO", syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &(struct sched_param){ .sched_priority = 50 }), 0);
	atomic_store(&arrived, 1);
	while (!atomic_load(&enough))
		;
	return NULL;
}

/* One core is a real-time thread's, which never waits. Those that are behind it get on nevertheless, among the others, none of which ever waits. */
static void threads_behind_a_real_time_one_have_their_turn_elsewhere(void)
{
	int cores = count < CROWD_CORES ? count : CROWD_CORES, crowd = cores + 1, hog = cores - 1;
	unsigned long mask = all() & ((1ul << CROWD_CORES) - 1);
	pthread_t thread[CROWD_CORES + 2];

	if (count == 1)
		return;
	atomic_store(&enough, 0);
	atomic_store(&arrived, 0);
	set_mask(0, 1);
	for (long i = 0; i < crowd; i++) {
		EXPECT("pthread_create", pthread_create(&thread[i], NULL, count_anywhere, (void *)i), 0);
		while (!atomic_load(&tid_of[i]))
			usleep(1000);
		set_mask(tid_of[i], 1ul << (i + hog) % cores);
	}
	EXPECT("pthread_create", pthread_create(&thread[crowd], NULL, keep_a_core, (void *)(long)hog), 0);
	while (!atomic_load(&arrived))
		usleep(1000);
	for (int i = 0; i < crowd; i++)
		set_mask(tid_of[i], mask);
	for (int round = 0; round < 5; round++)
		for (int i = 0; i < crowd; i++)
			for (unsigned long before = atomic_load(&counted[i]); atomic_load(&counted[i]) == before;)
				usleep(1000);
	atomic_store(&enough, 1);
	for (int i = 0; i <= crowd; i++)
		pthread_join(thread[i], NULL);
	set_mask(0, all());
}

static void run(const char *name, void (*part)(void))
{
	reason[0] = 0;
	part();
	if (reason[0])
		printf("FAIL %s: %s\n", name, reason);
	else
		printf("ok %s\n", name);
	fflush(stdout);
	failed |= reason[0] != 0;
}
#define RUN(part) run(#part, part)

/* ---- a program that becomes another one while its other thread closes descriptors ---- */

#define DESCRIPTORS 1000
#define EXECS       10
#define CONSISTENT  33

static atomic_int closing;

static void *close_all(void *unused)
{
	atomic_store(&closing, 1);
	for (int fd = DESCRIPTORS; fd > 2; fd--)
		close(fd);
	return unused;
}

/* Of what is open by its flags the file is there, too. */
static int descriptors_are_whole(void)
{
	struct stat st;

	for (int fd = 0; fd <= DESCRIPTORS; fd++)
		if ((fcntl(fd, F_GETFD) >= 0) != (fstat(fd, &st) == 0))
			return 1;
	return CONSISTENT;
}

static void descriptors_that_are_closed_during_exec_are_open_or_closed(void)
{
	for (int i = 0; i < EXECS; i++) {
		pid_t child = fork();
		int status;

		if (child == 0) {
			pthread_t closer;

			while (dup(0) < DESCRIPTORS)
				;
			pthread_create(&closer, NULL, close_all, NULL);
			while (!atomic_load(&closing))
				sched_yield();
			usleep((useconds_t)i * 20);
			execl("/proc/self/exe", "cores", "whole", (char *)NULL);
			_exit(99);
		}
		waitpid(child, &status, 0);
		EXPECT("status of the new program", status, CONSISTENT << 8);
	}
}

/* ---- slots of a process that root fills, and the process, too ---- */

#define SERVERS 60

static const struct native_api *const native = (const struct native_api *)GATE_NATIVE;
static atomic_int filling;

/* Until it is told to stop, into slots first to last. */
static void *fill_slots(void *range)
{
	const unsigned *slots = range;

	filling = 1;
	while (filling)
		for (unsigned slot = slots[0]; slot <= slots[1]; slot++) {
			unsigned long copy[8] = { CPTR_SYSTEM | SLOT_SYSTEM, slot, CPTR_SYSTEM | SLOT_SYSTEM, SLOT_ROOT, RIGHT_ALL };

			native->object(KCALL_cap_copy, copy);
		}
	return NULL;
}

static pthread_t filler(const unsigned slots[2])
{
	pthread_t thread;

	pthread_create(&thread, NULL, fill_slots, (void *)slots);
	while (!filling)
		sched_yield();
	return thread;
}

/* Root gives it the slots of a server, and to everybody new tree Handles, since what it serves begins with letters of its own. */
static int serve_something(int number)
{
	const unsigned of_servers[2] = { SLOT_ENDPOINT, SLOT_NOTIFY };
	struct ipc ipc = { .target = CPTR_SYSTEM | SLOT_ROOT, .info = INFO(PROC_SERVE, 3) };
	char path[4] = { '/', (char)('A' + number / 4), (char)('0' + number % 4), 0 };

	filling = 0;
	filler(of_servers);
	memcpy(native->message()->data, path, 3);
	return native->ipc(KCALL_call, &ipc) || ipc.m[0];
}

static void root_and_a_process_may_fill_the_same_slots(void)
{
	const unsigned tree[2] = { SLOT_TREE, SLOT_TREE };
	pthread_t thread;

	if (access("/proc/uxrt", F_OK))
		return;
	thread = filler(tree);
	for (int i = 0; i < SERVERS; i++) {
		pid_t child = fork();
		int status;

		if (!child)
			_exit(serve_something(i));
		waitpid(child, &status, 0);
		EXPECT("status of the server", status, 0);
	}
	filling = 0;
	pthread_join(thread, NULL);
	EXPECT("files are there", access("/proc/self/exe", F_OK), 0);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "whole"))
		return descriptors_are_whole();
	if (argc == 3 && !strcmp(argv[1], "is"))
		return get_mask(0) != 1ul << atoi(argv[2]) || here() != atoi(argv[2]);
	count = argc > 1 ? atoi(argv[1]) : 1;
	RUN(files_say_how_many_there_are);
	RUN(masks_hold_the_cores_that_there_are);
	RUN(a_thread_is_where_its_mask_says);
	RUN(a_child_and_a_program_keep_the_mask);
	RUN(each_core_wakes_the_next_one);
	RUN(a_page_that_is_protected_is_so_on_every_core);
	RUN(threads_spread_over_the_cores);
	RUN(threads_that_compute_all_have_their_turn);
	RUN(threads_behind_a_real_time_one_have_their_turn_elsewhere);
	RUN(descriptors_that_are_closed_during_exec_are_open_or_closed);
	RUN(root_and_a_process_may_fill_the_same_slots);
	return failed;
}
