/* Very many of everything, and programs that take all they can get, under limits and without. Prints counts and sums only. */
#include "report.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

static void forks_10000(void)
{
	long sum = 0;
	int status;
	for (int i = 0; i < 10000; i++) {
		pid_t pid = child();
		if (pid == 0)
			_exit(i % 251);
		if (waitpid(pid, &status, 0) == pid && WIFEXITED(status))
			sum += WEXITSTATUS(status);
	}
	printf("sum %ld\n", sum);
}

static void alive_500(void)
{
	enum { COUNT = 500 };
	static pid_t pids[COUNT];
	struct turn t;
	turn_make(&t);
	for (int i = 0; i < COUNT; i++) {
		pids[i] = child();
		if (pids[i] == 0) {
			turn_post(t.from[1]);
			turn_wait(t.to[0]);
			_exit(i % 100);
		}
	}
	for (int i = 0; i < COUNT; i++)
		turn_wait(t.from[0]);
	int alive = 0, sum = 0, status;
	for (int i = 0; i < COUNT; i++)
		alive += kill(pids[i], 0) == 0;
	for (int i = 0; i < COUNT; i++)
		turn_post(t.to[1]);
	while (wait(&status) > 0)
		sum += WEXITSTATUS(status);
	printf("alive %d, sum %d\n", alive, sum);
}

/* ---- threads ---- */

enum { THREADS = 200 };
static pthread_mutex_t mutexes[3] = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER };
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static long counters[3], turns;

static void *contender(void *number)
{
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < 100; i++) {
		int at = ((long)number + i) % 3;
		pthread_mutex_lock(&mutexes[at]);
		long seen = counters[at];
		if (i % 20 == 0)
			sched_yield();
		counters[at] = seen + 1;
		pthread_mutex_unlock(&mutexes[at]);
	}
	pthread_mutex_lock(&mutexes[0]);
	while (turns != (long)number)
		pthread_cond_wait(&turned, &mutexes[0]);
	turns++;
	pthread_cond_broadcast(&turned);
	pthread_mutex_unlock(&mutexes[0]);
	return number;
}

/* Two hundred contend for three mutexes, then end one after another, each waking all that are left. */
static void threads_200(void)
{
	static pthread_t t[THREADS];
	pthread_attr_t attributes;
	long sum = 0;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 64 << 10);
	pthread_barrier_init(&barrier, NULL, THREADS);
	for (long i = 0; i < THREADS; i++)
		if (pthread_create(&t[i], &attributes, contender, (void *)i) != 0)
			printf("thread %ld was not made\n", i);
	for (int i = 0; i < THREADS; i++) {
		void *value;
		pthread_join(t[i], &value);
		sum += (long)value;
	}
	printf("counters %ld %ld %ld, sum %ld\n", counters[0], counters[1], counters[2], sum);
}

/* ---- bytes ---- */

static uint32_t hash(uint32_t h, const unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i += 8)
		h = (h ^ *(const uint32_t *)(bytes + i)) * 16777619u;
	return h;
}

static unsigned char bytes[128 << 10];

/* In writes of changing sizes, all multiples of 8. */
static int send_bytes(int fd, size_t left)
{
	uint32_t seed = 1;
	for (unsigned i = 0; left; i++) {
		size_t size = (i * 7919u % 12000 + 1) * 8;
		size = size < left ? size : left;
		for (size_t k = 0; k < size; k += 8)
			*(uint32_t *)(bytes + k) = seed = seed * 1664525u + 1013904223u;
		for (size_t done = 0; done < size;) {
			ssize_t n = write(fd, bytes + done, size - done);
			if (n <= 0)
				return 1;
			done += n;
		}
		left -= size;
	}
	return 0;
}

static void receive_bytes(const char *name, int fd)
{
	uint32_t sum = 2166136261u;
	size_t total = 0, kept = 0;
	ssize_t n;
	while ((n = read(fd, bytes + kept, 70000 - kept)) > 0) {
		total += n;
		kept += n;
		sum = hash(sum, bytes, kept & ~7ul);
		memmove(bytes, bytes + (kept & ~7ul), kept & 7);
		kept &= 7;
	}
	printf("%s: bytes %zu, sum %08x\n", name, total, sum);
}

static void pump(const char *name, int out, int in, size_t total)
{
	int status;
	if (child() == 0) {
		close(in);
		_exit(send_bytes(out, total));
	}
	close(out);
	receive_bytes(name, in);
	close(in);
	wait(&status);
	show_status("writer", status);
}

static void bytes_64m(void)
{
	int p[2];
	if (pipe(p) == 0)
		pump("pipe", p[1], p[0], 64 << 20);
	if (mkfifo("fifo", 0600) != 0)
		return;
	int both = open("fifo", O_RDWR), in = open("fifo", O_RDONLY), out = open("fifo", O_WRONLY);
	close(both);
	unlink("fifo");
	pump("fifo", out, in, 16 << 20);
}

/* ---- files ---- */

static void name_of(char *name, int worker, int i, char letter)
{
	snprintf(name, 32, "%s/%c%d-%d", i % 2 ? "shared" : (char[]){ 'w', '0' + worker, 0 }, letter, worker, i);
}

static int files_of(int worker, int count)
{
	char name[32], to[32];
	struct stat st;
	int sum = 0;
	mkdir((char[]){ 'w', '0' + worker, 0 }, 0700);
	for (int i = 0; i < count; i++) {
		name_of(name, worker, i, 'f');
		int fd = open(name, O_CREAT | O_EXCL | O_WRONLY, 0600);
		if (fd < 0 || write(fd, name, i % 16) != i % 16)
			return -1;
		close(fd);
	}
	for (int i = 0; i < count; i += 3) {
		name_of(name, worker, i, 'f');
		name_of(to, worker, i + 1, 'g'); /* into the other directory */
		if (rename(name, to) != 0)
			return -1;
	}
	for (int i = 0; i < count; i++) {
		name_of(name, worker, i % 3 ? i : i + 1, i % 3 ? 'f' : 'g');
		if (stat(name, &st) == 0)
			sum += st.st_size + 1;
		if (unlink(name) != 0)
			return -1;
	}
	rmdir((char[]){ 'w', '0' + worker, 0 });
	return sum;
}

/* Five thousand files made, renamed and removed by eight processes, half of them in one directory. */
static void files_by_8(void)
{
	int p[2], sum, status;
	mkdir("shared", 0700);
	if (pipe(p) != 0)
		return;
	for (int worker = 0; worker < 8; worker++) {
		if (child() == 0) {
			sum = files_of(worker, 625);
			_exit(write(p[1], &sum, sizeof sum) != sizeof sum);
		}
	}
	for (int worker = 0; worker < 8; worker++)
		if (read(p[0], &sum, sizeof sum) == sizeof sum)
			printf("sum %d\n", sum);
	while (wait(&status) > 0)
		if (status)
			show_status("worker", status);
	show("nothing is left", rmdir("shared"));
}

/* ---- those who take all they can get ---- */

static void limit(int resource, rlim_t most)
{
	struct rlimit r = { most, most };
	if (setrlimit(resource, &r) != 0)
		printf("setrlimit: %s\n", error_name(errno));
}

struct bomb {
	volatile int alive, refused, threads;
};

/* Forks as long as it can, and so do its children; then all of them wait. */
static void explode(struct bomb *bomb)
{
	for (;;) {
		pid_t pid = fork();
		if (pid == 0) {
			__atomic_add_fetch(&bomb->alive, 1, __ATOMIC_SEQ_CST);
		} else if (pid < 0) {
			__atomic_add_fetch(&bomb->refused, errno == EAGAIN, __ATOMIC_SEQ_CST);
			for (;;)
				pause();
		}
	}
}

/* The limit holds for the processes of one user, however they came to be; who is somebody else goes on. Root has no limit on Linux. */
static void fork_bomb(void)
{
	struct bomb *bomb = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status, gone = 0;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid_t pid = child();
	if (pid == 0) {
		setpgid(0, 0);
		limit(RLIMIT_NPROC, 80);
		if (setgid(1000) != 0 || setuid(1000) != 0)
			_exit(1);
		bomb->alive = 1;
		explode(bomb);
	}
	while (bomb->refused < 80)
		nap_ms(10);
	printf("alive %d, refused %d\n", bomb->alive, bomb->refused);
	show_status("another", in_child(tzset));
	kill(-pid, SIGKILL);
	while (wait(&status) > 0)
		gone += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	printf("killed %d\n", gone);
}

static void *wait_for_end(void *unused)
{
	pause();
	return unused;
}

static void thread_bomb_of_1000(void)
{
	pthread_attr_t attributes;
	pthread_t t;
	int error, made = 0;
	limit(RLIMIT_NPROC, 80);
	if (setgid(1000) != 0 || setuid(1000) != 0)
		return;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 16 << 10);
	while (made < 200 && (error = pthread_create(&t, &attributes, wait_for_end, NULL)) == 0)
		made++;
	printf("threads %d, %s\n", made, error_name(error));
	show("fork", fork());
}

/* Threads count as processes do. */
static void thread_bomb(void)
{
	show_status("ended", in_child(thread_bomb_of_1000));
}

static void take_all(void)
{
	size_t megabytes = 0;
	char *p;
	while ((p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) != MAP_FAILED) {
		memset(p, 1, 1 << 20);
		megabytes++;
	}
	printf("%s after %s MiB\n", error_name(errno), megabytes > 50 && megabytes <= 64 ? "50 to 64" : "other");
	show_ok("brk", (long)sbrk(1 << 20));
	show_ok("small", mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0);
}

static void hog_of_64m(void)
{
	limit(RLIMIT_AS, 64 << 20);
	take_all();
}

static void memory_hog(void)
{
	show_status("ended", in_child(hog_of_64m));
}

static void hog(void)
{
	for (;;) {
		char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			_exit(1);
		for (int i = 0; i < 1 << 20; i += 4096)
			p[i] = 1;
	}
}

/* Whoever takes all memory there is is killed, and others go on. */
static void hogs(void)
{
	for (int i = 0; i < 3; i++)
		show_status("hog", in_child(hog));
	char *p = mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(p, 1, 4 << 20);
	show_status("another", in_child(tzset));
}

/* ---- kills ---- */

/* Maps files of which others have the same in use, shared, private, cut and removed, until it is killed. */
static void map_files(uint32_t seed)
{
	enum { SIZE = 1 << 18 };
	char name[32];
	for (;;) {
		seed = seed * 1664525u + 1013904223u;
		snprintf(name, sizeof name, "map%u", seed >> 16 & 7);
		int fd = open(name, O_RDWR | O_CREAT, 0600);
		if (fd < 0 || ftruncate(fd, SIZE) != 0)
			_exit(1);
		char *shared = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		char *private = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
		char *own = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		for (int i = 0; i < SIZE; i += 4096 * (1 + (seed >> 20 & 3)))
			own[i] = private[i] = shared[i] = 1; /* SIGBUS if another has cut it: an end like any other */
		if (seed >> 24 & 1 && fork() == 0)
			_exit(own[0] + private[SIZE / 2]);
		if (write(fd, own, 5000) != 5000 || ftruncate(fd, SIZE / 2) != 0)
			_exit(1);
		if (seed >> 25 & 1)
			unlink(name);
		close(fd);
		munmap(seed >> 26 & 1 ? private : shared, SIZE);
		munmap(own, SIZE);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

static void kills_of_mappings(void)
{
	uint32_t seed = 4711;
	int ended = 0, status;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (int i = 0; i < 60; i += 3) {
		pid_t pids[3];
		for (int k = 0; k < 3; k++) {
			pids[k] = child();
			if (pids[k] == 0)
				map_files(seed + i + k);
		}
		seed = seed * 1664525u + 1013904223u;
		struct timespec t = { 0, seed % 8000000 };
		nanosleep(&t, NULL);
		for (int k = 0; k < 3; k++) {
			kill(pids[k], SIGKILL);
			ended += waitpid(pids[k], &status, 0) == pids[k];
		}
	}
	while (wait(NULL) > 0)
		;
	printf("ended %d\n", ended);
}

int main(int argc, char **argv)
{
	static const struct part parts[] = { PART(forks_10000), PART(alive_500), PART(threads_200), PART(bytes_64m), PART(files_by_8),
		PART(fork_bomb), PART(thread_bomb), PART(memory_hog), PART(hogs), PART(kills_of_mappings) };
	return RUN_PARTS(parts, argc, argv);
}
