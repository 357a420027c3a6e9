// sources: root/cpu_clock.c
/* Threads asleep on the clock of their own process: how often root reads it for them, and that none is woken too early or late. */
#include "root/cpu_clock.h"

#include "lib/errno.h"
#include "root/operations.h"
#include "tests/host/check.h"

#define SLEEPERS 200

static struct process process = { .pid = 7, .serial = 1, .thread_count = SLEEPERS + 1 };
static struct thread sleepers[SLEEPERS];
static u64 now, used, readings, awake;

u64 now_ns(void) { return now; }
struct process *process_find(u32 pid) { return pid == process.pid ? &process : NULL; }
struct thread *thread_find(u32 tid) { (void)tid; return NULL; }
struct thread *thread_by_principal(u64 principal) { (void)principal; return NULL; }
void thread_account(const struct thread *thread, struct usage *usage) { (void)thread; (void)usage; }
void timer_set_in(struct timer *timer, u64 delay, void (*fire)(struct timer *timer)) { timer->when = now + delay; timer->fire = fire; }

u64 process_cpu_ns(const struct process *of)
{
	(void)of;
	readings++;
	return used;
}

long request_keep(struct request *request, enum wait_kind kind)
{
	request->caller->wait = kind;
	return RESULT_LATER;
}

void thread_answer(struct thread *thread, long result, u64 m1, u64 m2)
{
	CHECK_EQ(result | (long)m1 | (long)m2, 0);
	CHECK(used >= thread->waiting.b);
	thread->wait = WAIT_NONE;
	awake++;
}

/* Until that moment: each timer when it is due, in their order. */
static void run_until(u64 moment)
{
	for (;;) {
		struct thread *next = NULL;

		for (unsigned i = 0; i < SLEEPERS; i++)
			if (sleepers[i].wait == WAIT_CPU && (!next || sleepers[i].waiting.timer.when < next->waiting.timer.when))
				next = &sleepers[i];
		if (!next || next->waiting.timer.when > moment)
			break;
		now = MAX(now, next->waiting.timer.when);
		next->waiting.timer.fire(&next->waiting.timer);
	}
	now = moment;
}

static void all_sleep(u64 target)
{
	now = 1;
	readings = awake = used = 0;
	process.cpu_seen_at = 0;
	for (unsigned i = 0; i < SLEEPERS; i++) {
		sleepers[i] = (struct thread){ .process = &process, .tid = 100 + i };
		CHECK_EQ(op_CPU_SLEEP(&(struct request){ .caller = &sleepers[i], .m = { 2, 0, target } }), RESULT_LATER);
	}
}

static void many_sleepers_share_a_reading(void)
{
	all_sleep(1000000);
	readings = 0;
	run_until(100 * CPU_LOOK_NS);
	CHECK(readings <= 200);
	CHECK_EQ(awake, 0);
}

static void all_wake_within_two_looks(void)
{
	all_sleep(1000000);
	run_until(10 * CPU_LOOK_NS);
	used = 999999;
	run_until(20 * CPU_LOOK_NS);
	CHECK_EQ(awake, 0);
	used = 1000000;
	run_until(22 * CPU_LOOK_NS);
	CHECK_EQ(awake, SLEEPERS);
}

int main(void)
{
	RUN(many_sleepers_share_a_reading);
	RUN(all_wake_within_two_looks);
	return check_result();
}
