/*
 * Timers and sleeping by processor time. How long a tick is differs between systems, so what is shown is only that nothing comes early and that it comes.
 * calls: timer_create timer_settime clock_nanosleep setitimer getitimer
 */
#include "report.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>

static volatile int hits;
static siginfo_t last;

static void hit(int number, siginfo_t *info, void *unused)
{
	(void)number;
	(void)unused;
	last = *info;
	hits++;
}

static long long used_us(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return t.tv_sec * 1000000ll + t.tv_nsec / 1000;
}

static void work_ms(clockid_t clock, long ms)
{
	long long end = used_us(clock) + ms * 1000;
	while (used_us(clock) < end)
		for (volatile int i = 0; i < 20000; i++)
			;
}

static long set(timer_t timer, int flags, long ms, long interval_ms)
{
	struct itimerspec s = { { interval_ms / 1000, interval_ms % 1000 * 1000000 }, { ms / 1000, ms % 1000 * 1000000 } };
	return timer_settime(timer, flags, &s, NULL);
}

static long raw_create(int clock, struct sigevent *event, int *id)
{
	return syscall(SYS_timer_create, clock, event, id);
}

static void fires(clockid_t clock, const char *what)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 42 };
	struct itimerspec left;
	timer_t timer;
	hits = 0;
	handle_info(SIGUSR1, hit, SA_RESTART);
	show(what, timer_create(clock, &event, &timer));
	show("set", set(timer, 0, 20, 0));
	nap_ms(100);
	printf("asleep: %d\n", hits);
	timer_gettime(timer, &left);
	printf("left %d\n", left.it_value.tv_nsec > 10000000 && left.it_value.tv_nsec <= 20000000);
	work_ms(clock, 60);
	printf("worked: %d, code %d, value %d\n", hits, last.si_code, last.si_value.sival_int);
	timer_gettime(timer, &left);
	printf("left %ld\n", left.it_value.tv_sec + left.it_value.tv_nsec);
	hits = 0;
	show("again and again", set(timer, 0, 10, 10));
	work_ms(clock, 200);
	printf("%s\n", hits >= 10 && hits <= 20 ? "about as often as it should" : "not as often as it should");
	show("disarm", set(timer, 0, 0, 0));
	hits = 0;
	work_ms(clock, 30);
	printf("disarmed: %d\n", hits);
	show("until a time that is over", set(timer, TIMER_ABSTIME, 1, 0));
	work_ms(clock, 20);
	printf("%d\n", hits);
	show("delete", timer_delete(timer));
}

static void process_clock(void)
{
	fires(CLOCK_PROCESS_CPUTIME_ID, "process");
}

static void thread_clock(void)
{
	fires(CLOCK_THREAD_CPUTIME_ID, "thread");
}

static volatile int stop;

static void *works(void *unused)
{
	(void)unused;
	while (!stop)
		;
	return NULL;
}

/* Of all threads; of one that is not the caller; of another process. */
static void clocks_of_others(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	clockid_t clock;
	timer_t timer;
	pthread_t t;
	int id;
	handle_info(SIGUSR1, hit, SA_RESTART);
	pthread_create(&t, NULL, works, NULL);
	timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer);
	set(timer, 0, 30, 0);
	for (int i = 0; i < 100 && !hits; i++)
		nap_ms(10);
	printf("process: %d\n", hits);
	pthread_getcpuclockid(t, &clock);
	show("of a thread", timer_create(clock, &event, &timer));
	set(timer, 0, 30, 0);
	for (int i = 0; i < 100 && hits < 2; i++)
		nap_ms(10);
	printf("thread: %d\n", hits);
	show("sleep by it", clock_nanosleep(clock, 0, &(struct timespec){ 0, 20000000 }, NULL));
	stop = 1;
	pthread_join(t, NULL);
	pid_t pid = child();
	if (!pid)
		for (;;)
			;
	clock_getcpuclockid(pid, &clock);
	hits = 0;
	show("of another process", timer_create(clock, &event, &timer));
	set(timer, 0, 30, 0);
	for (int i = 0; i < 100 && !hits; i++)
		nap_ms(10);
	printf("other: %d\n", hits);
	show("sleep by it", clock_nanosleep(clock, 0, &(struct timespec){ 0, 20000000 }, NULL));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	show("of no process", raw_create(clock, &event, &id));
	show("no clock", raw_create((int)(~(unsigned)pid << 3 | 3), &event, &id));
	show("no clock", raw_create(100, &event, &id));
}

static void catch(int number)
{
	(void)number;
	hits++;
}

static void *signals_me(void *to)
{
	nap_ms(30);
	pthread_kill(*(pthread_t *)to, SIGUSR2);
	nap_ms(30);
	stop = 1;
	return NULL;
}

static void sleeping(void)
{
	struct timespec t = { 0, 20000000 }, left = { 9, 9 }, bad = { 0, -1 };
	pthread_t worker, sender, self = pthread_self();
	handle(SIGUSR2, catch, 0);
	show("own clock", syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &t, NULL));
	show("own clock by number", syscall(SYS_clock_nanosleep, (int)(~0u << 3 | 6), 0, &t, NULL));
	show("bad time", syscall(SYS_clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, 0, &bad, NULL));
	pthread_create(&worker, NULL, works, NULL);
	long long before = used_us(CLOCK_PROCESS_CPUTIME_ID);
	show("process", syscall(SYS_clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, 0, &t, NULL));
	printf("not early: %d\n", used_us(CLOCK_PROCESS_CPUTIME_ID) - before >= 20000);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	show("absolute, over", syscall(SYS_clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, TIMER_ABSTIME, &t, NULL));
	t.tv_nsec += 20000000;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	show("absolute", syscall(SYS_clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, TIMER_ABSTIME, &t, NULL));
	pthread_create(&sender, NULL, signals_me, &self);
	t = (struct timespec){ 100, 0 };
	show("interrupted", syscall(SYS_clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, 0, &t, &left));
	printf("caught %d, left %d\n", hits, left.tv_sec == 99);
	pthread_join(sender, NULL);
	pthread_join(worker, NULL);
}

static void interval_timers(void)
{
	static const int which[] = { ITIMER_VIRTUAL, ITIMER_PROF }, signals[] = { SIGVTALRM, SIGPROF };
	for (int i = 0; i < 2; i++) {
		struct itimerval set = { { 0, 0 }, { 0, 20000 } }, now;
		hits = 0;
		handle(signals[i], catch, 0);
		show("set", setitimer(which[i], &set, NULL));
		nap_ms(50);
		getitimer(which[i], &now);
		printf("asleep %d, left %d\n", hits, now.it_value.tv_usec > 10000);
		work_ms(CLOCK_PROCESS_CPUTIME_ID, 80);
		getitimer(which[i], &now);
		printf("worked %d, left %ld\n", hits, (long)now.it_value.tv_usec);
		set.it_interval.tv_usec = 10000;
		hits = 0;
		setitimer(which[i], &set, NULL);
		work_ms(CLOCK_PROCESS_CPUTIME_ID, 200);
		set = (struct itimerval){ 0 };
		setitimer(which[i], &set, NULL);
		printf("%s\n", hits >= 8 && hits <= 20 ? "often" : "not often");
	}
}

static void spin_to_death(void)
{
	struct rlimit limit = { 1, 2 };
	handle(SIGXCPU, catch, 0);
	setrlimit(RLIMIT_CPU, &limit);
	hits = 0;
	work_ms(CLOCK_PROCESS_CPUTIME_ID, 1500);
	printf("told %d\n", hits);
	fflush(stdout);
	for (;;)
		;
}

static void limit(void)
{
	show_status("spins", in_child(spin_to_death));
}

int main(int argc, char **argv)
{
	static const struct part parts[] = {
		PART(process_clock), PART(thread_clock), PART(clocks_of_others), PART(sleeping), PART(interval_timers), PART(limit),
	};
	return RUN_PARTS(parts, argc, argv);
}
