/* Many of everything: forks, processes alive, threads, bytes, kills at any moment. Prints counts and sums only. */
#include "report.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>

static void forks_1000(void)
{
	int sum = 0, status;
	for (int i = 0; i < 1000; i++) {
		pid_t pid = child();
		if (pid == 0)
			_exit(i % 251);
		if (waitpid(pid, &status, 0) == pid && WIFEXITED(status))
			sum += WEXITSTATUS(status);
	}
	printf("sum %d\n", sum);
}

static void alive_100(void)
{
	struct turn t;
	turn_make(&t);
	pid_t pids[100];
	for (int i = 0; i < 100; i++) {
		pids[i] = child();
		if (pids[i] == 0) {
			turn_post(t.from[1]);
			turn_wait(t.to[0]);
			_exit(i);
		}
	}
	for (int i = 0; i < 100; i++)
		turn_wait(t.from[0]);
	int alive = 0, sum = 0, status;
	for (int i = 0; i < 100; i++)
		alive += kill(pids[i], 0) == 0;
	for (int i = 0; i < 100; i++)
		turn_post(t.to[1]);
	while (wait(&status) > 0)
		sum += WEXITSTATUS(status);
	printf("alive %d, sum %d\n", alive, sum);
}

/* A binary tree of processes seven deep, each of which reports by its exit status how many leaves it has. */
static int grow(int depth)
{
	if (depth == 0)
		return 1;
	int leaves = 0, status;
	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();
		if (pid == 0)
			_exit(grow(depth - 1));
		if (pid > 0 && waitpid(pid, &status, 0) == pid)
			leaves += WEXITSTATUS(status);
	}
	return leaves;
}

static void tree(void)
{
	fflush(stdout);
	printf("leaves %d\n", grow(7));
}

static void execs_100(void)
{
	int ok = 0, status;
	for (int i = 0; i < 100; i++) {
		if (child() == 0) {
			execl("/bin/busybox", "busybox", i % 2 ? "true" : "false", NULL);
			_exit(99);
		}
		wait(&status);
		ok += WIFEXITED(status) && WEXITSTATUS(status) == !(i % 2);
	}
	printf("ok %d\n", ok);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t barrier;
static long counter;

static void *contender(void *number)
{
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < 400; i++) {
		pthread_mutex_lock(&mutex);
		long seen = counter;
		if (i % 50 == 0)
			sched_yield();
		counter = seen + (long)number % 3;
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

static void threads_50(void)
{
	pthread_t t[50];
	pthread_attr_t attributes;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 64 << 10);
	pthread_barrier_init(&barrier, NULL, 50);
	for (long i = 0; i < 50; i++)
		if (pthread_create(&t[i], &attributes, contender, (void *)i) != 0)
			printf("thread %ld was not made\n", i);
	for (int i = 0; i < 50; i++)
		pthread_join(t[i], NULL);
	printf("counter %ld\n", counter);
}

static void *nothing(void *argument)
{
	return argument;
}

static void threads_500(void)
{
	long sum = 0;
	for (long i = 0; i < 500; i++) {
		pthread_t t;
		void *value = NULL;
		if (pthread_create(&t, NULL, nothing, (void *)i) == 0)
			pthread_join(t, &value);
		sum += (long)value;
	}
	printf("sum %ld\n", sum);
}

static uint32_t hash(uint32_t h, const unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i += 8)
		h = (h ^ *(const uint32_t *)(bytes + i)) * 16777619u;
	return h;
}

static void fill(unsigned char *bytes, size_t size, uint32_t *seed)
{
	for (size_t i = 0; i + 4 <= size; i += 4)
		memcpy(bytes + i, &(uint32_t){ *seed = *seed * 1664525u + 1013904223u }, 4);
}

/* Writes and reads of changing sizes, all multiples of 8. */
static void transfer(const int p[2], size_t all)
{
	static unsigned char bytes[128 << 10];
	uint32_t seed = 1, sum = 2166136261u;
	if (child() == 0) {
		close(p[0]);
		size_t left = all;
		for (int i = 0; left; i++) {
			size_t size = (i * 7919u % 12000 + 1) * 8;
			size = size < left ? size : left;
			fill(bytes, size, &seed);
			for (size_t done = 0; done < size;) {
				ssize_t n = write(p[1], bytes + done, size - done);
				if (n <= 0)
					_exit(1);
				done += n;
			}
			left -= size;
		}
		_exit(0);
	}
	close(p[1]);
	size_t total = 0, kept = 0;
	ssize_t n;
	while ((n = read(p[0], bytes + kept, 70000 - kept)) > 0) {
		total += n;
		kept += n;
		sum = hash(sum, bytes, kept & ~7ul);
		memmove(bytes, bytes + (kept & ~7ul), kept & 7);
		kept &= 7;
	}
	int status;
	wait(&status);
	show_status("writer", status);
	printf("bytes %zu, sum %08x\n", total, sum);
}

static void bytes_16m(void)
{
	int p[2];
	if (pipe(p) == 0)
		transfer(p, 16 << 20);
}

static void sockets_64m(void)
{
	int s[2];
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0)
		transfer(s, 64 << 20);
}

/* Pairs, connections, names and sockets in each other's messages come and go. */
static void sockets_1000(void)
{
	int sum = 0, listener = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "\0stress" };
	bind(listener, (struct sockaddr *)&name, 9);
	listen(listener, 10);
	for (int i = 0; i < 1000; i++) {
		union {
			struct cmsghdr header;
			char room[CMSG_SPACE(2 * sizeof(int))];
		} control = { 0 };
		struct iovec v = { "text", 4 };
		struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room };
		int s[2], client = socket(AF_UNIX, SOCK_STREAM, 0);
		connect(client, (struct sockaddr *)&name, 9);
		int accepted = i % 3 ? accept(listener, NULL, NULL) : -1;
		socketpair(AF_UNIX, i % 2 ? SOCK_STREAM : SOCK_DGRAM, 0, s);
		control.header.cmsg_len = CMSG_LEN(2 * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(&control.header), (int[2]){ s[i % 4 < 2], client }, 2 * sizeof(int));
		sum += sendmsg(s[0], &m, 0);
		close(client);
		if (accepted >= 0)
			close(accepted);
		else
			close(accept(listener, NULL, NULL));
		close(s[0]);
		close(s[1]);
	}
	close(listener);
	printf("sum %d\n", sum);
}

/* One child of a kill: always busy with files, pipes, memory and children of its own. */
static void busy(int number)
{
	char name[32], byte = 0;
	snprintf(name, sizeof name, "busy%d", number);
	for (;;) {
		int p[2], fd = open(name, O_RDWR | O_CREAT, 0600);
		if (pipe(p) != 0 || fd < 0)
			_exit(1);
		if (fork() == 0)
			_exit(write(p[1], "x", 1) != 1);
		char *map = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		map[4096 * (number % 16)] = 1;
		if (read(p[0], &byte, 1) != 1 || write(fd, map, 100) != 100)
			_exit(2);
		wait(NULL);
		munmap(map, 65536);
		close(p[0]);
		close(p[1]);
		close(fd);
		unlink(name);
	}
}

static void kills_100(void)
{
	uint32_t seed = 12345;
	int killed = 0, status;
	for (int i = 0; i < 100; i++) {
		pid_t pid = child();
		if (pid == 0) {
			setpgid(0, 0);
			busy(i);
		}
		setpgid(pid, pid);
		seed = seed * 1664525u + 1013904223u;
		struct timespec t = { 0, seed % 4000000 };
		nanosleep(&t, NULL);
		kill(i % 2 ? pid : -pid, SIGKILL);
		waitpid(pid, &status, 0);
		killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
		kill(-pid, SIGKILL);
	}
	printf("killed %d\n", killed);
	int p[2];
	char c = 0;
	if (pipe(p) == 0 && child() == 0)
		_exit(write(p[1], "y", 1) != 1);
	show("all goes on", read(p[0], &c, 1));
}

static void *busy_thread(void *unused)
{
	for (;;) {
		pthread_mutex_lock(&mutex);
		counter++;
		pthread_mutex_unlock(&mutex);
		if (counter % 16 == 0)
			nap_ms(0);
	}
	return unused;
}

/* Processes of several threads, killed in the middle, by a signal and by exec. */
static void kills_of_threads(void)
{
	int ended = 0, status;
	for (int i = 0; i < 40; i++) {
		pid_t pid = child();
		if (pid == 0) {
			pthread_t t;
			for (int j = 0; j < 4; j++)
				pthread_create(&t, NULL, busy_thread, NULL);
			nap_ms(i % 4);
			if (i % 4 == 1)
				_exit(0);
			if (i % 4 == 2)
				execl("/bin/busybox", "busybox", "true", NULL);
			busy_thread(NULL);
		}
		nap_ms(5 + i % 3);
		if (i % 4 == 0 || i % 4 == 3)
			kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		ended += i % 4 == 0 || i % 4 == 3 ? WIFSIGNALED(status) : WIFEXITED(status) && WEXITSTATUS(status) == 0;
	}
	printf("ended %d\n", ended);
}

static int received;

static void on_signal(int number)
{
	(void)number;
	received++;
}

/* Two processes send each other signals, one at a time. */
static void signals_2000(void)
{
	handle(SIGUSR1, on_signal, 0);
	sigset_t none, one;
	sigemptyset(&none);
	sigemptyset(&one);
	sigaddset(&one, SIGUSR1);
	sigprocmask(SIG_BLOCK, &one, NULL);
	pid_t parent = getpid(), pid = child();
	for (int i = 0; i < 1000; i++) {
		if (pid) {
			kill(pid, SIGUSR1);
			sigsuspend(&none);
		} else {
			sigsuspend(&none);
			kill(parent, SIGUSR1);
		}
	}
	if (pid == 0)
		_exit(received == 1000 ? 0 : 1);
	int status;
	wait(&status);
	show_status("child", status);
	printf("received %d\n", received);
}

static void files_2000(void)
{
	char name[32];
	struct stat st;
	long sum = 0;
	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof name, "f%d", i);
		int fd = open(name, O_CREAT | O_EXCL | O_WRONLY, 0600);
		if (write(fd, name, i % 16) != i % 16)
			return;
		close(fd);
	}
	for (int i = 0; i < 2000; i += 3) {
		char to[32];
		snprintf(name, sizeof name, "f%d", i);
		snprintf(to, sizeof to, "g%d", i);
		rename(name, to);
	}
	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof name, "%c%d", i % 3 ? 'f' : 'g', i);
		if (stat(name, &st) == 0)
			sum += st.st_size + 1;
		unlink(name);
	}
	printf("sum %ld\n", sum);
}

int main(int argc, char **argv)
{
	static const struct part parts[] = { PART(forks_1000), PART(alive_100), PART(tree), PART(execs_100), PART(threads_50), PART(threads_500),
		PART(bytes_16m), PART(sockets_64m), PART(sockets_1000), PART(kills_100), PART(kills_of_threads), PART(signals_2000), PART(files_2000) };
	return RUN_PARTS(parts, argc, argv);
}
