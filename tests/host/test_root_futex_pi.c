// sources: root/futex.c root/futex_pi.c
/* Futexes with priority inheritance when root has no memory for a lock's record: nobody has taken anything then. */
#include "root/futex.h"

#include <stdlib.h>

#include "lib/errno.h"
#include "root/object.h"
#include "root/operations.h"
#include "root/permission.h"
#include "root/priority.h"
#include "root/root.h"
#include "tests/host/check.h"

#define CONDITION 0x1000ul
#define LOCK      0x2000ul
#define WAITERS   3

/* ---- what the modules stand on ---- */

static u32 condition, lock_word;
static struct space space;
static struct thread waiters[WAITERS], owner;
static struct process process;
static unsigned allocated, refused;
static bool answered[WAITERS];

void *root_alloc(size_t size)
{
	if (refused) {
		refused--;
		return NULL;
	}
	allocated++;
	return calloc(1, size);
}

void root_free(void *memory)
{
	allocated -= memory != NULL;
	free(memory);
}

u32 *space_word(struct space *in, u64 address)
{
	(void)in;
	return address == LOCK ? &lock_word : &condition;
}

int space_read(struct space *in, u64 address, void *to, u64 length)
{
	(void)in;
	memcpy(to, address == LOCK ? &lock_word : &condition, length);
	return 0;
}

struct thread *thread_find(u32 tid) { return tid == owner.tid ? &owner : NULL; }
bool may_attach(const struct process *who, const struct process *whom) { (void)who; (void)whom; return true; }
struct context_page *thread_context(const struct thread *thread) { (void)thread; return NULL; }
struct region *region_at(const struct region_tree *tree, u64 address) { (void)tree; (void)address; return NULL; }
u64 now_ns(void) { return 1000; }
void timer_set(struct timer *timer, u64 when, void (*fire)(struct timer *timer)) { timer->when = when; timer->fire = fire; }
void priority_update(struct thread *thread) { (void)thread; }

long request_keep(struct request *request, enum wait_kind kind)
{
	request->caller->wait = kind;
	return RESULT_LATER;
}

void thread_answer(struct thread *thread, long result, u64 m1, u64 m2)
{
	(void)result; (void)m1; (void)m2;
	thread->wait = WAIT_NONE;
	answered[thread - waiters] = true;
}

/* ---- tests ---- */

static void start(struct thread *thread, u32 tid)
{
	*thread = (struct thread){ .space = &space, .process = &process, .tid = tid };
	list_init(&thread->pi_held);
}

/* All wait for the condition, to be moved to the lock. */
static void begin(void)
{
	condition = 5;
	lock_word = 0;
	memset(answered, 0, sizeof(answered));
	start(&owner, 99);
	for (u32 i = 0; i < WAITERS; i++) {
		start(&waiters[i], 10 + i);
		CHECK_EQ(op_FUTEX_WAIT(&(struct request){ .caller = &waiters[i], .m = { CONDITION, 5, 0, ~0u, LOCK } }), RESULT_LATER);
	}
}

static long requeue(void)
{
	return op_FUTEX_REQUEUE_PI(&(struct request){ .caller = &owner, .m = { CONDITION, WAITERS, LOCK, 5 } });
}

static void end(void)
{
	for (u32 i = 0; i < WAITERS; i++)
		if (waiters[i].wait == WAIT_PI)
			futex_pi_forget(&waiters[i]);
		else
			futex_forget(&waiters[i]);
	CHECK_EQ(allocated, 0);
}

static void the_first_waiter_gets_a_free_lock_and_the_others_queue_for_it(void)
{
	begin();
	CHECK_EQ(requeue(), WAITERS);
	CHECK_EQ(lock_word, FUTEX_WAITERS_BIT | 10);
	CHECK(answered[0] && !answered[1] && !answered[2]);
	CHECK_EQ(waiters[1].wait, WAIT_PI);
	end();
}

static void without_memory_the_lock_stays_free_and_all_go_on_waiting(void)
{
	begin();
	refused = 1;
	CHECK_EQ(requeue(), -ENOMEM);
	CHECK_EQ(lock_word, 0);
	CHECK(!answered[0] && waiters[0].wait == WAIT_FUTEX);
	CHECK_EQ(requeue(), WAITERS);
	CHECK_EQ(lock_word, FUTEX_WAITERS_BIT | 10);
	CHECK(answered[0]);
	end();
}

static void without_memory_a_lock_that_is_taken_keeps_its_owner(void)
{
	begin();
	lock_word = owner.tid;
	waiters[0].waiting.d = LOCK;
	refused = 1;
	CHECK_EQ(requeue(), -ENOMEM);
	CHECK_EQ(lock_word & FUTEX_TID_MASK, owner.tid);
	CHECK_EQ(requeue(), WAITERS);
	CHECK(!answered[0] && waiters[0].wait == WAIT_PI);
	end();
}

int main(void)
{
	RUN(the_first_waiter_gets_a_free_lock_and_the_others_queue_for_it);
	RUN(without_memory_the_lock_stays_free_and_all_go_on_waiting);
	RUN(without_memory_a_lock_that_is_taken_keeps_its_owner);
	return check_result();
}
