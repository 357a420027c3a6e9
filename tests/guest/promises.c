/* Promises of POSIX that only show when something else happens at the same time: atomic writes to pipes, files that lose
 * their last name, masks that children inherit. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/guest/show.h"

#define RECORD  4096
#define WRITERS 4
#define RECORDS 40

static char record[RECORD];

/* Free room of less than a record takes none of it. */
static void no_part_of_a_record(void)
{
	static char big[1 << 20];
	int ends[2];

	SHOW(pipe2(ends, O_NONBLOCK));
	SHOW(write(ends[1], big, sizeof big));
	SHOW(read(ends[0], big, RECORD));
	SHOW(write(ends[1], record, RECORD));
	SHOW(read(ends[0], big, RECORD / 2));
	SHOW(write(ends[1], record, RECORD));
	SHOW(read(ends[0], big, RECORD / 2));
	SHOW(write(ends[1], record, RECORD));
	close(ends[0]);
	close(ends[1]);
}

static void writer(int fd, char letter)
{
	memset(record, letter, RECORD);
	for (int i = 0; i < RECORDS; i++)
		if (write(fd, record, RECORD) != RECORD)
			_exit(1);
	_exit(0);
}

/* Reads until there are size bytes or the end. */
static size_t read_all(int fd, char *to, size_t size)
{
	size_t done = 0;
	ssize_t n;

	/* By odd sizes, so that room comes free by less than a record. */
	while (done < size && (n = read(fd, to + done, size - done < 777 ? size - done : 777)) > 0)
		done += n;
	return done;
}

static void records_of_many_writers(void)
{
	char got[RECORD];
	unsigned records = 0, torn = 0, failed = 0;
	int ends[2], status;

	SHOW(pipe(ends));
	fflush(stdout);
	for (int i = 0; i < WRITERS; i++)
		if (fork() == 0)
			writer(ends[1], 'a' + i);
	close(ends[1]);
	while (read_all(ends[0], got, RECORD) == RECORD) {
		records++;
		for (int i = 1; i < RECORD; i++)
			if (got[i] != got[0]) {
				torn++;
				break;
			}
	}
	while (wait(&status) > 0)
		failed += status != 0;
	printf("%u records, %u of them torn, %u writers failed\n", records, torn, failed);
}

static void unlinked(void)
{
	char text[16] = "";
	struct stat st;
	int old = open("file", O_RDWR | O_CREAT, 0600), new;

	SHOW(write(old, "first", 5));
	SHOW(unlink("file"));
	new = open("file", O_RDWR | O_CREAT | O_EXCL, 0600);
	SHOW(write(new, "second", 6));
	SHOW(pread(old, text, 15, 0));
	puts(text);
	SHOW(write(old, " and more", 9));
	SHOW(fstat(old, &st));
	printf("links %d, size %d\n", (int)st.st_nlink, (int)st.st_size);
	memset(text, 0, sizeof text);
	SHOW(pread(new, text, 15, 0));
	puts(text);
	SHOW(fstat(new, &st));
	printf("links %d, size %d\n", (int)st.st_nlink, (int)st.st_size);
	for (int i = 0; i < 100; i++) {
		char name[16];

		snprintf(name, sizeof name, "other%d", i);
		int fd = open(name, O_WRONLY | O_CREAT, 0600);
		if (fd < 0 || write(fd, name, strlen(name)) < 0)
			puts("cannot make another file");
		close(fd);
	}
	memset(text, 0, sizeof text);
	SHOW(pread(old, text, 15, 0));
	puts(text);
}

static void show_mask(const char *who)
{
	sigset_t blocked, pending;

	sigprocmask(SIG_BLOCK, NULL, &blocked);
	sigpending(&pending);
	printf("%s:", who);
	for (int i = 1; i < 32; i++)
		if (sigismember(&blocked, i))
			printf(" %d%s", i, sigismember(&pending, i) ? " pending" : "");
	puts("");
	fflush(stdout);
}

static void *thread_mask(void *argument)
{
	show_mask("thread");
	return argument;
}

/* A child inherits what is blocked, not what is pending. */
static void mask_over_fork(void)
{
	pthread_t thread;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGTERM);
	SHOW(sigprocmask(SIG_BLOCK, &set, NULL));
	raise(SIGUSR1);
	show_mask("parent");
	/* The library's fork sets the child's mask by itself. */
	if (syscall(SYS_fork) == 0) {
		show_mask("child");
		raise(SIGTERM);
		show_mask("child");
		_exit(0);
	}
	wait(NULL);
	pthread_create(&thread, NULL, thread_mask, NULL);
	pthread_join(thread, NULL);
	show_mask("parent");
}

static const struct part parts[] = {
	{ "no_part_of_a_record", no_part_of_a_record },
	{ "records_of_many_writers", records_of_many_writers },
	{ "unlinked", unlinked },
	{ "mask_over_fork", mask_over_fork },
};

int main(int argc, char **argv)
{
	return run_parts(parts, sizeof parts / sizeof *parts, argc, argv);
}
