/*
 * Clocks and timers: interval timers, POSIX timers, sleeping until a time, processor time.
 *
 * calls: alarm clock_getres clock_gettime clock_nanosleep getrusage time timer_delete timer_gettime timer_settime
 */
#include "report.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>

static volatile sig_atomic_t ticks, overruns;

static void on_tick(int number)
{
	(void)number;
	ticks++;
}

static struct itimerval every(long first_us, long interval_us)
{
	return (struct itimerval){ { interval_us / 1000000, interval_us % 1000000 }, { first_us / 1000000, first_us % 1000000 } };
}

static void intervals(void)
{
	struct itimerval t = every(20000, 10000), old;
	handle(SIGALRM, on_tick, 0);
	long long start = now_us();
	show("set", setitimer(ITIMER_REAL, &t, NULL));
	while (ticks < 5)
		pause();
	printf("not before their time %d\n", now_us() - start >= 60000);
	show("get", getitimer(ITIMER_REAL, &old));
	printf("interval %ld\n", (long)old.it_interval.tv_usec);
	t = every(0, 0);
	show("stop", setitimer(ITIMER_REAL, &t, &old));
	int before = ticks;
	nap_ms(30);
	printf("stopped %d\n", ticks == before);
	t = every(5000000, 0);
	setitimer(ITIMER_REAL, &t, NULL);
	show("alarm replaces it", alarm(100));
	show("alarm again", alarm(0));
	t = every(0, 2000000);
	t.it_value.tv_usec = 1000000;
	show("bad microseconds", setitimer(ITIMER_REAL, &t, NULL));
	show("unknown", setitimer(7, &t, NULL));
	t = every(50000, 0);
	setitimer(ITIMER_REAL, &t, NULL);
	ticks = 0;
	if (child() == 0) {
		getitimer(ITIMER_REAL, &old);
		_exit(old.it_value.tv_usec != 0);
	}
	int status;
	while (wait(&status) < 0)
		;
	show_status("a child has no timer", status);
	while (!ticks)
		nap_ms(1);
	printf("the parent's rings\n");
}

static void processor_timers(void)
{
	struct itimerval t = every(10000, 10000), off = every(0, 0);
	int kinds[] = { ITIMER_VIRTUAL, ITIMER_PROF }, numbers[] = { SIGVTALRM, SIGPROF };
	for (int i = 0; i < 2; i++) {
		ticks = 0;
		handle(numbers[i], on_tick, SA_RESTART);
		setitimer(kinds[i], &t, NULL);
		nap_ms(50);
		int slept = ticks;
		volatile long work = 0;
		while (ticks < 3)
			work++;
		setitimer(kinds[i], &off, NULL);
		printf("sleeping counts %d, working does\n", slept);
	}
}

static void on_value(int number, siginfo_t *info, void *context)
{
	(void)number, (void)context;
	ticks += info->si_code == SI_TIMER ? info->si_value.sival_int : 1000;
	overruns += info->si_overrun;
}

static void posix_timers(void)
{
	timer_t id;
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 10 };
	struct itimerspec t = { { 0, 0 }, { 0, 10000000 } }, now;
	handle_info(SIGRTMIN, on_value, 0);
	show("create", timer_create(CLOCK_MONOTONIC, &event, &id));
	show("set", timer_settime(id, 0, &t, NULL));
	nap_ms(30);
	printf("rang once: %d\n", (int)ticks);
	timer_gettime(id, &now);
	printf("over: %ld %ld\n", (long)now.it_value.tv_sec, now.it_value.tv_nsec);
	clock_gettime(CLOCK_MONOTONIC, &t.it_value);
	t.it_value.tv_nsec += 1;
	if (t.it_value.tv_nsec == 1000000000)
		t.it_value.tv_nsec = 0, t.it_value.tv_sec++;
	show("at a time that is over", timer_settime(id, TIMER_ABSTIME, &t, NULL));
	nap_ms(10);
	printf("rang: %d\n", (int)ticks);
	block(SIG_BLOCK, SIGRTMIN);
	t = (struct itimerspec){ { 0, 5000000 }, { 0, 5000000 } };
	timer_settime(id, 0, &t, NULL);
	nap_ms(52);
	block(SIG_UNBLOCK, SIGRTMIN);
	t = (struct itimerspec){ { 0, 0 }, { 0, 0 } };
	timer_settime(id, 0, &t, NULL);
	printf("one signal, overruns counted: %d\n", overruns >= 8 && overruns <= 11);
	show("delete", timer_delete(id));
	show("again", syscall(SYS_timer_delete, 12345));
	struct sigevent none = { .sigev_notify = SIGEV_NONE };
	show("silent", timer_create(CLOCK_REALTIME, &none, &id));
	t.it_value.tv_sec = 100;
	timer_settime(id, 0, &t, NULL);
	timer_gettime(id, &now);
	printf("runs down: %d\n", now.it_value.tv_sec == 99 || now.it_value.tv_sec == 100);
	show("unknown clock", timer_create(99, &none, &id));
	event.sigev_signo = 99;
	show("unknown signal", timer_create(CLOCK_MONOTONIC, &event, &id));
}

static void sleeping(void)
{
	struct timespec t, left = { 0, 0 };
	clock_gettime(CLOCK_MONOTONIC, &t);
	long long start = now_us();
	t.tv_nsec += 20000000;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	printf("until: %d\n", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL));
	printf("late enough %d\n", now_us() - start >= 20000);
	printf("until the past: %d\n", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL));
	handle(SIGALRM, on_tick, SA_RESTART);
	struct itimerval alarm_soon = every(20000, 0);
	setitimer(ITIMER_REAL, &alarm_soon, NULL);
	t = (struct timespec){ 10, 0 };
	printf("interrupted: %s\n", error_name(clock_nanosleep(CLOCK_REALTIME, 0, &t, &left)));
	printf("left: %d\n", left.tv_sec == 9);
	setitimer(ITIMER_REAL, &alarm_soon, NULL);
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += 10;
	left = (struct timespec){ 77, 77 };
	printf("until, interrupted: %s\n", error_name(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, &left)));
	printf("nothing is told: %ld\n", (long)left.tv_sec);
	t = (struct timespec){ 0, 1000000000 };
	show("bad nanoseconds", nanosleep(&t, NULL));
	t = (struct timespec){ -1, 0 };
	show("negative", nanosleep(&t, NULL));
	printf("unknown clock: %s\n", error_name(clock_nanosleep(99, 0, &t, NULL)));
	struct timespec *volatile bad = (void *)8;
	show("bad address", nanosleep(bad, NULL));
}

static void *spend(void *unused)
{
	struct timespec t;
	do
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	while (t.tv_sec == 0 && t.tv_nsec < 20000000);
	return unused;
}

static void clocks(void)
{
	clockid_t ids[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW,
		CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, 99, -1 };
	struct timespec a, b, resolution;
	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
		int result = clock_gettime(ids[i], &a);
		if (result != 0) {
			printf("%d: %s %s\n", ids[i], error_name(errno), clock_getres(ids[i], &resolution) ? error_name(errno) : "ok");
			continue;
		}
		clock_gettime(ids[i], &b);
		printf("%d: forward %d, resolution %d\n", ids[i], a.tv_sec < b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec <= b.tv_nsec),
		       clock_getres(ids[i], &resolution) == 0 && resolution.tv_nsec > 0);
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	pthread_t t[2];
	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, spend, NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	long spent = (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000;
	printf("a process's time is its threads' %d\n", spent >= 38);
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	printf("usage %d\n", usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_sec * 1000000 + usage.ru_stime.tv_usec > 20000);
	struct timeval tv;
	gettimeofday(&tv, NULL);
	printf("the year is plausible %d, time() agrees %d\n", tv.tv_sec > 1500000000, labs((long)(time(NULL) - tv.tv_sec)) <= 1);
	show("unknown who", getrusage(7, &usage));
	show("clock() counts", clock() > 30000);
}

/* The processor time of a thread or process by its id. */
static clockid_t clock_of(int id, int thread)
{
	return (clockid_t)(~(unsigned)id << 3 | (thread ? 4 : 0) | 2);
}

static long spent_us(clockid_t clock)
{
	struct timespec t;

	return clock_gettime(clock, &t) ? -1 : t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static pthread_barrier_t both;
static int other_id;

static void *spend_and_wait(void *unused)
{
	struct timespec t;

	other_id = (int)syscall(SYS_gettid);
	spend(unused);
	printf("the process's own by the thread's own id %d\n", spent_us(clock_of(other_id, 0)) >= 20000);
	show("its resolution", clock_getres(clock_of(other_id, 0), &t));
	pthread_barrier_wait(&both);
	pthread_barrier_wait(&both);
	return unused;
}

static void processor_clocks(void)
{
	pthread_t thread;
	clockid_t clock;
	struct timespec t;
	int self = getpid(), child_id;

	pthread_barrier_init(&both, NULL, 2);
	pthread_create(&thread, NULL, spend_and_wait, NULL);
	pthread_barrier_wait(&both);
	printf("another thread's by pthread_getcpuclockid %d\n", pthread_getcpuclockid(thread, &clock) == 0 && spent_us(clock) >= 20000);
	printf("by its id %d\n", spent_us(clock_of(other_id, 1)) >= 20000);
	printf("the process's own %d\n", spent_us(clock_of(self, 0)) >= 20000);
	show("the process's own by another thread's id", spent_us(clock_of(other_id, 0)));
	printf("one's own thread's %d\n", spent_us(clock_of(0, 1)) >= 0 && spent_us(clock_of(self, 1)) < spent_us(clock_of(self, 0)));
	show("resolution of a thread's", clock_getres(clock, &t));
	pthread_barrier_wait(&both);
	pthread_join(thread, NULL);
	child_id = child();
	if (child_id == 0) {
		pause();
		_exit(0);
	}
	printf("another process's by clock_getcpuclockid %d\n", clock_getcpuclockid(child_id, &clock) == 0 && spent_us(clock) >= 0);
	show("another process's thread", spent_us(clock_of(child_id, 1)));
	kill(child_id, SIGKILL);
	siginfo_t info;
	waitid(P_PID, (id_t)child_id, &info, WEXITED | WNOWAIT);
	printf("of one not waited for %d\n", spent_us(clock_of(child_id, 0)) >= 0);
	waitpid(child_id, NULL, 0);
	show("of none", spent_us(clock_of(child_id, 0)));
	show("resolution of none", clock_getres(clock_of(child_id, 0), &t));
	show("no such kind", spent_us((clockid_t)(~0u << 3 | 3)));
}

int main(int argc, char **argv)
{
	static const struct part parts[] = { PART(intervals), PART(processor_timers), PART(posix_timers), PART(sleeping), PART(clocks), PART(processor_clocks) };
	return RUN_PARTS(parts, argc, argv);
}
