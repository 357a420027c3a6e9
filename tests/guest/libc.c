/* What a static musl program uses of its system: memory, files, directories, processes, time, threads. One part an argument. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void result(const char *what, int value)
{
	printf("%s: %d %s\n", what, value, value < 0 ? strerror(errno) : "");
}

static void memory(void)
{
	size_t sum = 0;
	for (int i = 0; i < 2000; i++) {
		size_t size = (i * 7919u) % 200000 + 1;
		unsigned char *p = malloc(size);
		memset(p, i, size);
		p = realloc(p, size * 2);
		sum += p[size - 1];
		free(p);
	}
	printf("malloc: %zu\n", sum);
	char *map = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	printf("mmap: %d zero=%d\n", map != MAP_FAILED, map[12345] == 0);
	map[4096] = 7;
	printf("mprotect: %d\n", mprotect(map, 8192, PROT_READ));
	printf("munmap: %d\n", munmap(map, 1 << 20));
	printf("munmap again: %d\n", munmap(map, 1 << 20));
}

static void files(void)
{
	char buffer[64];
	struct stat st;
	FILE *f = fopen("file", "w+");
	for (int i = 0; i < 1000; i++)
		fprintf(f, "line %d\n", i);
	fseek(f, 100, SEEK_SET);
	printf("fgets: %s", fgets(buffer, sizeof buffer, f));
	fclose(f);
	stat("file", &st);
	printf("size %lld mode %o links %d\n", (long long)st.st_size, st.st_mode, (int)st.st_nlink);
	int fd = open("file", O_RDWR);
	printf("pread: %zd\n", pread(fd, buffer, 6, 7));
	printf("%.6s\n", buffer);
	printf("ftruncate: %d\n", ftruncate(fd, 10));
	printf("end: %lld\n", (long long)lseek(fd, 0, SEEK_END));
	result("open missing", open("missing", O_RDONLY));
	result("open excl", open("file", O_CREAT | O_EXCL, 0600));
	result("rename", rename("file", "renamed"));
	result("unlink old", unlink("file"));
	mkdir("dir", 0755);
	close(open("dir/a", O_CREAT | O_WRONLY, 0600));
	DIR *d = opendir("dir");
	int count = 0;
	while (readdir(d))
		count++;
	closedir(d);
	printf("entries: %d\n", count);
}

static void processes(void)
{
	int p[2], status;
	char buffer[32] = "";
	if (pipe(p) != 0)
		return;
	pid_t pid = fork();
	if (pid == 0) {
		close(p[0]);
		if (write(p[1], "from the child", 14) != 14)
			_exit(1);
		_exit(11);
	}
	close(p[1]);
	ssize_t n = read(p[0], buffer, sizeof buffer);
	waitpid(pid, &status, 0);
	printf("%zd %s, status %d\n", n, buffer, WEXITSTATUS(status));
	printf("end %zd\n", read(p[0], buffer, 1));
	fflush(stdout);
	FILE *f = popen("echo popen; exit 3", "r");
	printf("%s", fgets(buffer, sizeof buffer, f));
	printf("pclose: %d\n", WEXITSTATUS(pclose(f)));
	result("wait", wait(NULL));
}

static sigjmp_buf back;
static volatile int caught;
static volatile int *volatile nowhere = (volatile int *)8;

static void on_signal(int number)
{
	caught = number;
	if (number == SIGSEGV)
		siglongjmp(back, 1);
}

static void signals(void)
{
	signal(SIGUSR1, on_signal);
	raise(SIGUSR1);
	printf("caught %d\n", caught == SIGUSR1);
	signal(SIGSEGV, on_signal);
	if (sigsetjmp(back, 1) == 0)
		*nowhere = 1;
	printf("segv %d\n", caught == SIGSEGV);
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	caught = 0;
	raise(SIGUSR1);
	sigpending(&set);
	printf("blocked %d pending %d\n", caught == 0, sigismember(&set, SIGUSR1));
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	printf("delivered %d\n", caught == SIGUSR1);
}

static void clocks(void)
{
	struct timespec a, b, nap = { 0, 20000000 };
	clock_gettime(CLOCK_MONOTONIC, &a);
	nanosleep(&nap, NULL);
	clock_gettime(CLOCK_MONOTONIC, &b);
	long long ns = (b.tv_sec - a.tv_sec) * 1000000000ll + b.tv_nsec - a.tv_nsec;
	printf("slept at least 20 ms: %d, under 2 s: %d\n", ns >= 20000000, ns < 2000000000);
	time_t t = 86400 * 365;
	char text[64];
	strftime(text, sizeof text, "%F %T", gmtime(&t));
	puts(text);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long total;

static void *add(void *arg)
{
	for (int i = 0; i < 10000; i++) {
		pthread_mutex_lock(&mutex);
		total += (long)arg;
		pthread_mutex_unlock(&mutex);
	}
	return arg;
}

static void threads(void)
{
	pthread_t t[8];
	long sum = 0;
	for (long i = 0; i < 8; i++)
		pthread_create(&t[i], NULL, add, (void *)(i + 1));
	for (int i = 0; i < 8; i++) {
		void *value;
		pthread_join(t[i], &value);
		sum += (long)value;
	}
	printf("joined %ld, total %ld\n", sum, total);
}

int main(int argc, char **argv)
{
	struct {
		const char *name;
		void (*run)(void);
	} parts[] = { { "memory", memory }, { "files", files }, { "processes", processes },
		      { "signals", signals }, { "clocks", clocks }, { "threads", threads } };
	for (int i = 1; i < argc; i++)
		for (size_t j = 0; j < sizeof parts / sizeof *parts; j++)
			if (strcmp(argv[i], parts[j].name) == 0)
				parts[j].run();
	return 0;
}
