/*
 * While one process has a large range of memory or of a file made ready, others are served: a process that runs before it, once it is awake, does not wait
 * for the range.
 *
 * calls: fallocate mlock mlockall mmap
 */
#include "report.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define LARGE     (96ul << 20)
#define SHORT_US  10000
#define PAUSE_NS  300000
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

static volatile int *ended, *noted; /* the deed is done; the process that asks has seen it */

/* musl has no sched_setscheduler. */
static long set_policy(int policy, int priority)
{
	return syscall(SYS_sched_setscheduler, 0, policy, &priority);
}

/* Calls that root answers, and the file system. */
static void ask(void)
{
	struct stat st;

	kill(getppid(), 0);
	stat("/tmp", &st);
}

static long long longest_until_ended(void)
{
	long long longest = 0;

	do {
		long long before = now_us(), took;

		/* its end counts, too: it is late while root runs */
		nanosleep(&(struct timespec){ 0, PAUSE_NS }, NULL);
		ask();
		took = now_us() - before;
		longest = took > longest ? took : longest;
	} while (!*ended);
	return longest;
}

/* `deed` says how much came of it, while this process asks. */
static void meanwhile(const char *what, long (*deed)(void))
{
	long long longest;
	int status;
	pid_t pid;

	*ended = *noted = 0;
	pid = child();
	if (pid == 0) {
		long result = deed();

		*ended = 1;
		while (!*noted)
			nap_ms(1);
		_exit(result != 0);
	}
	show("real time", set_policy(SCHED_FIFO, 10));
	longest = longest_until_ended();
	set_policy(SCHED_OTHER, 0);
	*noted = 1;
	waitpid(pid, &status, 0);
	printf("%s: ", what);
	show_status("done", status);
	if (longest >= SHORT_US)
		printf("another waited %lld us\n", longest);
}

static char *map(size_t size, int flags)
{
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

/* How many of the range's pages are not there. */
static long missing(char *memory, size_t size)
{
	size_t pages = size / 4096;
	unsigned char *there = malloc(pages);
	long count = 0;

	if (!memory || mincore(memory, size, there))
		return -1;
	for (size_t i = 0; i < pages; i++)
		count += !(there[i] & 1);
	return count;
}

static long populate(void)
{
	return missing(map(LARGE, MAP_PRIVATE | MAP_POPULATE), LARGE);
}

static long populate_shared(void)
{
	return missing(map(LARGE, MAP_SHARED | MAP_POPULATE), LARGE);
}

static long lock(void)
{
	char *memory = map(LARGE, MAP_PRIVATE);

	return mlock(memory, LARGE) || missing(memory, LARGE);
}

static long lock_all(void)
{
	char *memory = map(LARGE, MAP_PRIVATE);

	return mlockall(MCL_CURRENT) || missing(memory, LARGE);
}

static long lock_future(void)
{
	return mlockall(MCL_FUTURE) || missing(map(LARGE, MAP_PRIVATE), LARGE);
}

static long advise(void)
{
	char *memory = map(LARGE, MAP_PRIVATE);

	return madvise(memory, LARGE, MADV_POPULATE_WRITE) || missing(memory, LARGE);
}

static long allocate_as(int mode, off_t size)
{
	int fd = memfd_create("large", 0);
	struct stat st;

	return fallocate(fd, mode, 0, LARGE) || fstat(fd, &st) || st.st_size != size || st.st_blocks * 512ul != LARGE;
}

static long allocate(void)
{
	return allocate_as(0, LARGE);
}

static long allocate_behind_the_end(void)
{
	return allocate_as(FALLOC_FL_KEEP_SIZE, 0);
}

static void memory(void)
{
	meanwhile("MAP_POPULATE", populate);
	meanwhile("of shared memory", populate_shared);
	meanwhile("mlock", lock);
	meanwhile("mlockall", lock_all);
	meanwhile("MCL_FUTURE", lock_future);
	meanwhile("MADV_POPULATE_WRITE", advise);
}

static void files(void)
{
	meanwhile("fallocate", allocate);
	meanwhile("behind the end", allocate_behind_the_end);
}

int main(int argc, char **argv)
{
	static const struct part parts[] = { PART(memory), PART(files) };

	ended = (volatile int *)map(4096, MAP_SHARED);
	noted = ended + 1;
	return RUN_PARTS(parts, argc, argv);
}
