/*
 * System V shared memory, semaphores, message queues. Identifiers themselves are not shown: they depend on what ran before.
 *
 * calls: msgctl msgget msgrcv msgsnd semctl semget semop semtimedop setresgid setresuid shmat shmctl shmdt shmget
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/guest/show.h"

#define PAGE 4096
#define KEY(n) (0x55520000 + (n))

union semun {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
};

static void nap(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&t, &t) < 0)
		;
}

static pid_t begin(void)
{
	fflush(stdout);
	return fork();
}

static void end(void)
{
	fflush(stdout);
	_exit(0);
}

static void handler(int signal)
{
	(void)signal;
}

static void interrupted_after(long ms, int flags)
{
	struct sigaction a = { .sa_handler = handler, .sa_flags = flags };

	sigaction(SIGALRM, &a, NULL);
	ualarm((useconds_t)ms * 1000, 0);
}

/* The text that a file of /proc/sysvipc has of an identifier. */
static void show_row(const char *name, int id)
{
	char path[64], line[400];
	FILE *f;

	snprintf(path, sizeof path, "/proc/sysvipc/%s", name);
	f = fopen(path, "r");
	if (!f) {
		puts("no file");
		return;
	}
	fgets(line, sizeof line, f);
	fputs(line, stdout);
	while (fgets(line, sizeof line, f)) {
		int key, found;
		unsigned mode;

		if (sscanf(line, "%d %d %o", &key, &found, &mode) == 3 && found == id)
			printf("a row, mode %o, length %zu\n", mode, strlen(line));
	}
	fclose(f);
}

/* ---- shared memory ---- */

static void show_shm(int id)
{
	struct shmid_ds d;

	SHOW(shmctl(id, IPC_STAT, &d));
	printf("size %zu attached %lu mode %o owner %d %d creator %d last me %d times %d %d %d\n", d.shm_segsz, (unsigned long)d.shm_nattch,
	       d.shm_perm.mode, d.shm_perm.uid, d.shm_perm.cuid, d.shm_cpid == getpid(), d.shm_lpid == getpid(), d.shm_atime != 0, d.shm_dtime != 0,
	       d.shm_ctime != 0);
}

static void segments(void)
{
	int id = shmget(IPC_PRIVATE, 10000, IPC_CREAT | 0640), other;
	char *a, *b;

	OK(id);
	show_shm(id);
	a = shmat(id, NULL, 0);
	b = shmat(id, NULL, SHM_RDONLY);
	OK(a == (void *)-1 ? -1 : 0);
	strcpy(a + 9000, "shared");
	printf("%s %d\n", b + 9000, a != b);
	show_shm(id);
	show_row("shm", id);
	if (begin() == 0) {
		struct shmid_ds d;

		shmctl(id, IPC_STAT, &d);
		printf("in the child: %lu\n", (unsigned long)d.shm_nattch);
		strcpy(a, "from the child");
		SHOW(shmdt(b));
		end();
	}
	wait(NULL);
	puts(a);
	show_shm(id);
	SHOW(shmctl(id, IPC_RMID, NULL));
	show_shm(id);
	SHOW(shmdt(b));
	SHOW(shmdt(b));
	puts(a);
	SHOW(shmdt(a));
	SHOW(shmctl(id, IPC_STAT, NULL));
	OK((long)shmat(id, NULL, 0));
	id = shmget(KEY(1), PAGE, IPC_CREAT | IPC_EXCL | 0600);
	other = shmget(KEY(1), 100, 0);
	SHOW(id == other);
	SHOW(shmget(KEY(1), PAGE, IPC_CREAT | IPC_EXCL | 0600));
	SHOW(shmget(KEY(1), PAGE + 1, 0));
	SHOW(shmget(KEY(2), PAGE, 0));
	SHOW(shmget(KEY(2), 0, IPC_CREAT));
	SHOW(shmctl(id, IPC_RMID, NULL));
	SHOW(shmget(KEY(1), PAGE, 0));
}

static void addresses(void)
{
	int id = shmget(IPC_PRIVATE, 2 * PAGE, 0600);
	char *free_place = mmap(NULL, 8 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *a;

	munmap(free_place, 8 * PAGE);
	a = shmat(id, free_place, 0);
	SHOW(a == free_place);
	SHOW(shmat(id, free_place + PAGE, 0) == (void *)-1 ? -1 : 0);
	SHOW(shmat(id, free_place + 4 * PAGE + 5, 0) == (void *)-1 ? -1 : 0);
	SHOW((char *)shmat(id, free_place + 4 * PAGE + 5, SHM_RND) == free_place + 4 * PAGE);
	SHOW((char *)shmat(id, free_place + 4 * PAGE, SHM_REMAP) == free_place + 4 * PAGE);
	SHOW(shmat(id, NULL, SHM_REMAP) == (void *)-1 ? -1 : 0);
	SHOW(shmdt(a + 1));
	SHOW(shmdt(a + PAGE));
	SHOW(shmdt(NULL));
	munmap(a, PAGE);
	SHOW(shmdt(a));
	SHOW(shmdt(a + PAGE));
	a = shmat(id, NULL, 0);
	mprotect(a, PAGE, PROT_READ);
	show_shm(id);
	SHOW(shmdt(a));
	show_shm(id);
	a = shmat(id, NULL, SHM_RDONLY);
	SHOW(mprotect(a, PAGE, PROT_READ | PROT_WRITE));
	SHOW(shmctl(id, SHM_LOCK, NULL));
	show_shm(id);
	SHOW(shmctl(id, SHM_UNLOCK, NULL));
	struct shmid_ds d;
	shmctl(id, IPC_STAT, &d);
	d.shm_perm.mode = 0444;
	d.shm_perm.uid = 12;
	SHOW(shmctl(id, IPC_SET, &d));
	show_shm(id);
	SHOW(shmctl(id, 99, &d));
	SHOW(shmctl(-1, IPC_STAT, &d));
	SHOW(shmctl(id, IPC_STAT, (void *)8));
	SHOW(shmctl(id, IPC_SET, (void *)8));
	if (begin() == 0) {
		setresgid(77, 77, 77);
		setresuid(1000, 1000, 1000);
		SHOW(shmat(id, NULL, 0) == (void *)-1 ? -1 : 0);
		SHOW(shmat(id, NULL, SHM_RDONLY) == (void *)-1 ? -1 : 0);
		SHOW(shmctl(id, IPC_RMID, NULL));
		SHOW(shmctl(id, IPC_SET, &d));
		SHOW(shmctl(id, IPC_STAT, &d));
		end();
	}
	wait(NULL);
	SHOW(shmctl(id, IPC_RMID, NULL));
}

/* Who dies or execs lets go; the last one of a removed segment frees it. */
static void lives(void)
{
	int id = shmget(IPC_PRIVATE, PAGE, 0600);
	struct shmid_ds d;
	pid_t pid = begin();

	if (!pid) {
		shmat(id, NULL, 0);
		raise(SIGKILL);
	}
	waitpid(pid, NULL, 0);
	shmctl(id, IPC_STAT, &d);
	printf("attached %lu\n", (unsigned long)d.shm_nattch);
	if (begin() == 0) {
		char *a = shmat(id, NULL, 0);

		strcpy(a, "kept");
		shmctl(id, IPC_RMID, NULL);
		pid = fork();
		if (!pid) {
			nap(30);
			puts(a);
			end();
		}
		SHOW(shmctl(id, IPC_STAT, &d));
		printf("attached %lu mode %o key %d\n", (unsigned long)d.shm_nattch, d.shm_perm.mode, d.shm_perm.__key);
		wait(NULL);
		end();
	}
	wait(NULL);
	SHOW(shmctl(id, IPC_STAT, &d));
}

/* ---- semaphores ---- */

static int op(int id, int number, int by, int flags)
{
	struct sembuf b = { (unsigned short)number, (short)by, (short)flags };

	return semop(id, &b, 1);
}

static int value(int id, int number)
{
	return semctl(id, number, GETVAL);
}

static void semaphores(void)
{
	int id = semget(IPC_PRIVATE, 3, 0600);
	unsigned short values[3] = { 5, 6, 7 };
	union semun arg = { .array = values };
	struct semid_ds d;
	struct sembuf two[2] = { { 0, -2, 0 }, { 1, 3, 0 } };

	OK(id);
	SHOW(semctl(id, 0, SETALL, arg));
	memset(values, 0, sizeof values);
	SHOW(semctl(id, 0, GETALL, arg));
	printf("%d %d %d\n", values[0], values[1], values[2]);
	SHOW(semop(id, two, 2));
	printf("%d %d\n", value(id, 0), value(id, 1));
	two[1] = (struct sembuf){ 2, -100, IPC_NOWAIT };
	SHOW(semop(id, two, 2));
	printf("%d\n", value(id, 0));
	SHOW(op(id, 2, 0, IPC_NOWAIT));
	SHOW(op(id, 2, -7, 0));
	SHOW(op(id, 2, 0, IPC_NOWAIT));
	SHOW(op(id, 2, 32767, 0));
	SHOW(op(id, 2, 1, 0));
	SHOW(semctl(id, 2, GETPID) == getpid());
	SHOW(semctl(id, 0, GETNCNT));
	SHOW(semctl(id, 1, SETVAL, (union semun){ .val = 9 }));
	SHOW(value(id, 1));
	SHOW(semctl(id, 1, SETVAL, (union semun){ .val = 40000 }));
	SHOW(semctl(id, 1, SETVAL, (union semun){ .val = -1 }));
	values[1] = 40000;
	SHOW(semctl(id, 0, SETALL, arg));
	SHOW(semctl(id, 3, GETVAL));
	SHOW(op(id, 3, 1, 0));
	SHOW(semop(id, two, 0));
	SHOW(syscall(SYS_semop, id, two, 501));
	SHOW(semop(id, (void *)8, 1));
	SHOW(semop(-1, two, 1));
	SHOW(semctl(id, 0, IPC_STAT, (union semun){ .buf = &d }));
	printf("%lu mode %o times %d %d\n", (unsigned long)d.sem_nsems, d.sem_perm.mode, d.sem_otime != 0, d.sem_ctime != 0);
	show_row("sem", id);
	d.sem_perm.mode = 0666;
	SHOW(semctl(id, 0, IPC_SET, (union semun){ .buf = &d }));
	SHOW(semctl(id, 0, 99));
	SHOW(semctl(id, 0, IPC_RMID));
	SHOW(op(id, 0, 1, 0));
	id = semget(KEY(3), 2, IPC_CREAT | IPC_EXCL | 0600);
	SHOW(semget(KEY(3), 2, IPC_CREAT | IPC_EXCL));
	SHOW(semget(KEY(3), 3, 0));
	SHOW(semget(KEY(3), 0, 0) == id);
	SHOW(semget(KEY(4), 2, 0));
	SHOW(semget(KEY(4), 0, IPC_CREAT));
	SHOW(semget(KEY(4), -1, IPC_CREAT));
	SHOW(semget(KEY(4), 40000, IPC_CREAT));
	SHOW(semctl(id, 0, IPC_RMID));
}

static void semaphores_waited_for(void)
{
	int id = semget(IPC_PRIVATE, 2, 0600);
	struct sembuf take = { 0, -2, 0 };
	struct timespec soon = { 0, 50000000 }, wrong = { 0, 1000000000 };
	pid_t pid;

	if ((pid = begin()) == 0) {
		SHOW(op(id, 0, -2, 0));
		SHOW(op(id, 1, 0, 0));
		SHOW(op(id, 0, -1, 0));
		end();
	}
	nap(30);
	printf("waiting %d %d\n", semctl(id, 0, GETNCNT), semctl(id, 0, GETZCNT));
	op(id, 0, 1, 0);
	nap(30);
	printf("waiting %d, value %d\n", semctl(id, 0, GETNCNT), value(id, 0));
	semctl(id, 1, SETVAL, (union semun){ .val = 1 });
	op(id, 0, 1, 0);
	nap(30);
	printf("waiting %d %d\n", semctl(id, 1, GETNCNT), semctl(id, 1, GETZCNT));
	semctl(id, 1, SETVAL, (union semun){ .val = 0 });
	nap(30);
	SHOW(semctl(id, 0, IPC_RMID));
	waitpid(pid, NULL, 0);
	id = semget(IPC_PRIVATE, 2, 0600);
	SHOW(semtimedop(id, &take, 1, &soon));
	SHOW(semtimedop(id, &take, 1, &wrong));
	SHOW(semtimedop(id, &take, 1, (void *)8));
	op(id, 0, 2, 0);
	SHOW(semtimedop(id, &take, 1, &soon));
	interrupted_after(30, SA_RESTART);
	SHOW(semop(id, &take, 1));
	/* the oldest that can go on goes first */
	for (int i = 0; i < 3; i++) {
		if (begin() == 0) {
			nap(10 * i);
			op(id, 1, -1 - (i == 1), 0);
			printf("taker %d\n", i);
			end();
		}
	}
	nap(100);
	op(id, 1, 1, 0);
	nap(50);
	op(id, 1, 1, 0);
	nap(50);
	op(id, 1, 2, 0);
	while (wait(NULL) > 0)
		;
	semctl(id, 0, IPC_RMID);
}

static void undoing(void)
{
	int id = semget(IPC_PRIVATE, 2, 0600);
	pid_t pid;

	semctl(id, 0, SETVAL, (union semun){ .val = 3 });
	if ((pid = begin()) == 0) {
		op(id, 0, -2, SEM_UNDO);
		op(id, 1, 5, SEM_UNDO);
		op(id, 1, 1, 0);
		printf("%d %d\n", value(id, 0), value(id, 1));
		end();
	}
	waitpid(pid, NULL, 0);
	nap(10);
	printf("%d %d\n", value(id, 0), value(id, 1));
	if ((pid = begin()) == 0) {
		op(id, 0, -3, SEM_UNDO);
		raise(SIGKILL);
	}
	if (begin() == 0) {
		nap(20);
		SHOW(op(id, 0, -3, 0));
		end();
	}
	while (wait(NULL) > 0)
		;
	if (begin() == 0) {
		op(id, 0, 4, SEM_UNDO);
		semctl(id, 0, SETVAL, (union semun){ .val = 7 });
		end();
	}
	wait(NULL);
	nap(10);
	printf("%d\n", value(id, 0));
	semctl(id, 0, IPC_RMID);
}

/* ---- messages ---- */

struct text {
	long type;
	char bytes[9000];
};

static int post(int id, long type, const char *text, int flags)
{
	static struct text m;

	m.type = type;
	strcpy(m.bytes, text);
	return msgsnd(id, &m, strlen(text) + 1, flags);
}

static void take(int id, long type, size_t size, int flags)
{
	static struct text m;
	long n;

	memset(&m, 0, sizeof m);
	errno = 0;
	n = msgrcv(id, &m, size, type, flags);
	if (n < 0)
		printf("take %ld: %s\n", type, strerror(errno));
	else
		printf("take %ld: %ld bytes of type %ld, %.20s\n", type, n, m.type, m.bytes);
}

static void messages(void)
{
	int id = msgget(IPC_PRIVATE, 0600);
	struct msqid_ds d;

	OK(id);
	SHOW(post(id, 3, "three", 0));
	SHOW(post(id, 1, "one", 0));
	SHOW(post(id, 2, "two", 0));
	SHOW(post(id, 3, "three again", 0));
	SHOW(msgctl(id, IPC_STAT, &d));
	printf("%lu messages %lu bytes limit %lu last %d %d\n", (unsigned long)d.msg_qnum, (unsigned long)d.msg_cbytes, (unsigned long)d.msg_qbytes,
	       d.msg_lspid == getpid(), d.msg_lrpid);
	show_row("msg", id);
	take(id, 2, 100, 0);
	take(id, -2, 100, 0);
	take(id, -2, 100, IPC_NOWAIT);
	take(id, 3, 3, 0);
	take(id, 3, 3, MSG_NOERROR);
	take(id, 3, 100, 020000 /* MSG_EXCEPT */ | IPC_NOWAIT);
	take(id, 0, 100, 0);
	take(id, 0, 100, IPC_NOWAIT);
	post(id, 9, "copied", 0);
	take(id, 0, 100, 040000 | IPC_NOWAIT);
	take(id, 1, 100, 040000 | IPC_NOWAIT);
	take(id, 0, 100, 040000);
	take(id, 0, 100, 0);
	SHOW(post(id, 0, "no type", 0));
	SHOW(post(id, -1, "no type", 0));
	SHOW(msgsnd(id, (void *)8, 1, 0));
	SHOW(msgsnd(id, &d, 8193, 0));
	SHOW(msgrcv(id, (void *)8, (size_t)-1, 0, 0));
	SHOW(msgsnd(-1, &d, 1, 0));
	d.msg_qbytes = 20;
	SHOW(msgctl(id, IPC_SET, &d));
	SHOW(post(id, 1, "0123456789012345", IPC_NOWAIT));
	SHOW(post(id, 1, "0123456789", IPC_NOWAIT));
	SHOW(msgctl(id, 99, &d));
	SHOW(msgctl(id, IPC_RMID, NULL));
	SHOW(post(id, 1, "gone", 0));
	id = msgget(KEY(5), IPC_CREAT | IPC_EXCL | 0600);
	SHOW(msgget(KEY(5), IPC_CREAT | IPC_EXCL));
	SHOW(msgget(KEY(5), 0) == id);
	SHOW(msgget(KEY(6), 0));
	SHOW(msgctl(id, IPC_RMID, NULL));
}

static void messages_waited_for(void)
{
	int id = msgget(IPC_PRIVATE, 0600);
	static struct text big;
	pid_t pid;

	if (begin() == 0) {
		take(id, 7, 100, 0);
		end();
	}
	nap(20);
	post(id, 6, "not this", 0);
	post(id, 7, "this", 0);
	wait(NULL);
	take(id, 0, 100, 0);
	big.type = 1;
	memset(big.bytes, 'b', 8192);
	SHOW(msgsnd(id, &big, 8192, 0));
	SHOW(msgsnd(id, &big, 8192, 0));
	SHOW(msgsnd(id, &big, 1, IPC_NOWAIT));
	if ((pid = begin()) == 0) {
		big.type = 5;
		SHOW(msgsnd(id, &big, 4000, 0));
		end();
	}
	nap(20);
	take(id, 0, 8192, 0);
	waitpid(pid, NULL, 0);
	take(id, 5, 8192, 0);
	interrupted_after(30, SA_RESTART);
	SHOW(msgrcv(id, &big, 100, 77, 0));
	if ((pid = begin()) == 0) {
		take(id, 78, 100, 0);
		end();
	}
	nap(20);
	msgctl(id, IPC_RMID, NULL);
	waitpid(pid, NULL, 0);
}

static void limits(void)
{
	struct { unsigned long max, min, segments, per_process, all, unused[4]; } shm;
	struct { int map, sets, all, undos, per_set, per_call, undo_entries, undo_size, value, adjust; } sem;
	struct { int pool, map, message, queue, queues, size, headers; unsigned short segments; } msg;

	OK(shmctl(0, IPC_INFO, (void *)&shm));
	printf("%d %lu %lu\n", shm.max > 1ul << 60, shm.min, shm.segments);
	OK(syscall(SYS_semctl, 0, 0, IPC_INFO, &sem));
	printf("%d %d %d %d %d\n", sem.sets, sem.all, sem.per_set, sem.per_call, sem.value);
	OK(msgctl(0, IPC_INFO, (void *)&msg));
	printf("%d %d\n", msg.message, msg.queue);
	OK(shmctl(0, 14 /* SHM_INFO */, (void *)&shm));
	OK(syscall(SYS_semctl, 0, 0, 19 /* SEM_INFO */, &sem));
	OK(msgctl(0, 12 /* MSG_INFO */, (void *)&msg));
	int id = shmget(IPC_PRIVATE, PAGE, 0600), found = 0;
	struct shmid_ds d;
	for (int i = 0; i <= shmctl(0, 14, (void *)&shm); i++)
		found |= shmctl(i, 13 /* SHM_STAT */, &d) == id;
	SHOW(found);
	shmctl(id, IPC_RMID, NULL);
	SHOW(shmctl(30000, 13, &d));
}

int main(int argc, char **argv)
{
	static const struct part parts[] = {
		{ "segments", segments }, { "addresses", addresses }, { "lives", lives }, { "semaphores", semaphores },
		{ "semaphores_waited_for", semaphores_waited_for }, { "undoing", undoing }, { "messages", messages },
		{ "messages_waited_for", messages_waited_for }, { "limits", limits },
	};

	return run_parts(parts, sizeof parts / sizeof *parts, argc, argv);
}
