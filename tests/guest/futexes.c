/* Futexes by their bare calls: waiting, waking, requeueing, between processes, robust lists, the thread id that the kernel clears. */
#include "report.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/syscall.h>

static int a, b;
static volatile int woken[8];

static long futex(int *word, int op, int value, const void *timeout, int *other, int value3)
{
	return syscall(SYS_futex, word, op, value, timeout, other, value3);
}

static void results(void)
{
	struct timespec t = { 0, 20000000 }, bad = { 0, 2000000000 }, past = { 1, 0 };
	show("value differs", futex(&a, FUTEX_WAIT, 1, NULL, NULL, 0));
	show("timeout", futex(&a, FUTEX_WAIT, 0, &t, NULL, 0));
	show("private timeout", futex(&a, FUTEX_WAIT_PRIVATE, 0, &t, NULL, 0));
	show("bad timeout", futex(&a, FUTEX_WAIT, 0, &bad, NULL, 0));
	show("until a time that is over", futex(&a, FUTEX_WAIT_BITSET, 0, &past, NULL, -1));
	show("no bits", futex(&a, FUTEX_WAIT_BITSET, 0, &t, NULL, 0));
	show("wake none", futex(&a, FUTEX_WAKE, 1, NULL, NULL, 0));
	show("unaligned", futex((int *)((char *)&a + 1), FUTEX_WAIT, 0, &t, NULL, 0));
	show("unmapped", futex((int *)0x1000, FUTEX_WAIT, 0, &t, NULL, 0));
	show("unknown", futex(&a, 77, 0, NULL, NULL, 0));
	show("requeue compares", futex(&a, FUTEX_CMP_REQUEUE, 1, (void *)1, &b, 5));
	int *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	show("read only page", futex(page, FUTEX_WAIT_PRIVATE, 1, &t, NULL, 0));
}

static void *waiter(void *number)
{
	futex(&a, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
	woken[(long)number] = 1;
	return NULL;
}

static int count_woken(void)
{
	int count = 0;
	nap_ms(30);
	for (int i = 0; i < 8; i++)
		count += woken[i];
	return count;
}

static void requeue(void)
{
	pthread_t t[8];
	for (long i = 0; i < 8; i++)
		pthread_create(&t[i], NULL, waiter, (void *)i);
	nap_ms(30);
	show("wake two", futex(&a, FUTEX_WAKE_PRIVATE, 2, NULL, NULL, 0));
	printf("woken %d\n", count_woken());
	show("wake one, move two", futex(&a, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG, 1, (void *)2, &b, 0));
	printf("woken %d\n", count_woken());
	show("wake the moved", futex(&b, FUTEX_WAKE_PRIVATE, 100, NULL, NULL, 0));
	printf("woken %d\n", count_woken());
	show("move the rest", futex(&a, FUTEX_REQUEUE | FUTEX_PRIVATE_FLAG, 0, (void *)100, &b, 0));
	show("none at the first", futex(&a, FUTEX_WAKE_PRIVATE, 100, NULL, NULL, 0));
	show("all at the second", futex(&b, FUTEX_WAKE_PRIVATE, 100, NULL, NULL, 0));
	for (int i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	printf("woken %d\n", count_woken());
}

static void *bit_waiter(void *bits)
{
	futex(&a, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, NULL, (long)bits);
	woken[(long)bits] = 1;
	return NULL;
}

static void bits(void)
{
	pthread_t t[2];
	for (long i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, bit_waiter, (void *)(i + 1));
	nap_ms(30);
	show("other bits", futex(&a, FUTEX_WAKE_BITSET_PRIVATE, 10, NULL, NULL, 4));
	show("second bit", futex(&a, FUTEX_WAKE_BITSET_PRIVATE, 10, NULL, NULL, 2));
	count_woken();
	printf("%d %d\n", woken[1], woken[2]);
	b = 5;
	int op = FUTEX_OP_ADD << 28 | FUTEX_OP_CMP_EQ << 24 | 3 << 12 | 5;
	show("wake and add", futex(&a, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 10, (void *)10, &b, op));
	printf("second word %d\n", b);
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
}

static void between_processes(void)
{
	int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < 3; i++)
		if (child() == 0) {
			while (*(volatile int *)shared == 0)
				futex(shared, FUTEX_WAIT, 0, NULL, NULL, 0);
			_exit(0);
		}
	nap_ms(50);
	show("a private wake does not reach them", futex(shared, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0));
	*shared = 1;
	show("a shared one does", futex(shared, FUTEX_WAKE, 10, NULL, NULL, 0));
	while (wait(NULL) > 0)
		;
	sem_t *s = (sem_t *)(shared + 16);
	sem_init(s, 1, 0);
	if (child() == 0) {
		for (int i = 0; i < 100; i++)
			sem_post(s);
		_exit(0);
	}
	for (int i = 0; i < 100; i++)
		sem_wait(s);
	wait(NULL);
	show("a hundred taken", sem_trywait(s));
	FILE *f = fopen("word", "w");
	fwrite(&a, 1, 4, f);
	fclose(f);
	f = fopen("word", "r+");
	int *x = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(f), 0), *y = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(f), 0);
	if (child() == 0)
		_exit(futex(x, FUTEX_WAIT, 0, NULL, NULL, 0) != 0);
	nap_ms(50);
	show("the same file at two addresses", futex(y, FUTEX_WAKE, 1, NULL, NULL, 0));
	int status;
	wait(&status);
	show_status("child", status);
}

static void robust(void)
{
	pthread_mutexattr_t attributes;
	pthread_mutex_t *mutex = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&mutex[0], &attributes);
	pthread_mutex_init(&mutex[1], &attributes);
	struct turn t;
	turn_make(&t);
	pid_t pid = child();
	if (pid == 0) {
		pthread_mutex_lock(&mutex[0]);
		pthread_mutex_lock(&mutex[1]);
		turn_post(t.from[1]);
		pause();
	}
	turn_wait(t.from[0]);
	printf("held: %s\n", error_name(pthread_mutex_trylock(&mutex[0])));
	if (child() == 0) {
		int error = pthread_mutex_lock(&mutex[1]);
		_exit(error == EOWNERDEAD ? 5 : 6);
	}
	nap_ms(30);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	int status;
	wait(&status);
	show_status("one that waited", status);
	printf("after the kill: %s\n", error_name(pthread_mutex_lock(&mutex[0])));
	printf("made consistent: %d\n", pthread_mutex_consistent(&mutex[0]));
	pthread_mutex_unlock(&mutex[0]);
	printf("again: %d\n", pthread_mutex_trylock(&mutex[0]));
	printf("the child that had it ended too: %s\n", error_name(pthread_mutex_lock(&mutex[1])));
	pthread_mutex_unlock(&mutex[1]);
	printf("not made consistent: %s\n", error_name(pthread_mutex_lock(&mutex[1])));
}

static char stack[65536] __attribute__((aligned(16)));
static int tid_word = 1;

static int thread_body(void *argument)
{
	nap_ms(30);
	*(volatile int *)argument = 9;
	return 0;
}

/* A thread made by a bare clone: the kernel writes and clears its id. */
static void thread_ids(void)
{
	static int parent_word, result;
	int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
	int tid = clone(thread_body, stack + sizeof stack, flags, &result, &parent_word, NULL, &tid_word);
	show_ok("clone", tid);
	show("the parent was told", parent_word == tid);
	while (*(volatile int *)&tid_word != 0)
		futex(&tid_word, FUTEX_WAIT, 1, NULL, NULL, 0);
	printf("cleared, result %d\n", result);
	tid = clone(thread_body, stack + sizeof stack, CLONE_VM | SIGCHLD, &result);
	result = 0;
	int status;
	show("a process in the same memory", waitpid(tid, &status, 0) == tid);
	show_status("it", status);
	printf("wrote %d\n", result);
	tid = clone(thread_body, stack + sizeof stack, SIGUSR2 | CLONE_VM, &result);
	signal(SIGUSR2, SIG_IGN);
	show("not waited for without __WALL", waitpid(tid, &status, 0));
	show("with it", waitpid(tid, &status, __WALL) == tid);
	show("a thread without its memory", clone(thread_body, stack + sizeof stack, CLONE_THREAD, &result));
	show("handlers without memory", clone(thread_body, stack + sizeof stack, CLONE_SIGHAND, &result));
}

/* Its owner has released the lock, and ends before it wakes who waits: what it was about to do is in its robust list. */
static void robust_pending(void)
{
	struct shared { int word; struct robust_list_head head; } *shared =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct timespec patience = { 3, 0 };
	pid_t waiting = child(), owner;
	int status;

	if (waiting == 0) {
		show("woken", futex(&shared->word, FUTEX_WAIT, 0, &patience, NULL, 0));
		fflush(stdout);
		_exit(0);
	}
	nap_ms(50);
	owner = child();
	if (owner == 0) {
		shared->head.list.next = &shared->head.list;
		shared->head.futex_offset = 0;
		shared->head.list_op_pending = (struct robust_list *)&shared->word;
		show("set_robust_list", syscall(SYS_set_robust_list, &shared->head, sizeof shared->head));
		fflush(stdout);
		_exit(0);
	}
	waitpid(owner, &status, 0);
	waitpid(waiting, &status, 0);
	show_status("who waited", status);
}

static int there, back;

static int answer(void *unused)
{
	while (__atomic_load_n(&there, __ATOMIC_SEQ_CST) == 0)
		futex(&there, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
	nap_ms(20);
	__atomic_store_n(&back, 1, __ATOMIC_SEQ_CST);
	futex(&back, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	return unused != NULL;
}

/* Private futexes belong to the memory, however many processes there are in it. */
static void processes_in_one_memory(void)
{
	int status;
	pid_t pid = clone(answer, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL);
	nap_ms(20);
	there = 1;
	show("woken over there", futex(&there, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
	while (__atomic_load_n(&back, __ATOMIC_SEQ_CST) == 0)
		futex(&back, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
	waitpid(pid, &status, 0);
	show_status("it", status);
}

int main(int argc, char **argv)
{
	static const struct part parts[] = { PART(results), PART(requeue), PART(bits), PART(between_processes), PART(robust), PART(robust_pending), PART(processes_in_one_memory), PART(thread_ids) };
	return RUN_PARTS(parts, argc, argv);
}
