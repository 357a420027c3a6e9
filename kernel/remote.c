#include "kernel/remote.h"
#include "kernel/lock.h"

#define FLUSH_MAX 32 /* single entries; more: the whole address space */

enum remote_kind { REMOTE_FLUSH, REMOTE_LEAVE, REMOTE_EVICT };

union node_lock node_lock_state;

/* Written by the lock's holder while `pending` is 0; read by cores whose bit is in `pending`. */
static struct {
	u64 pending; /* cores that have not answered yet; atomic */
	enum remote_kind kind;
	struct vspace *space;   /* FLUSH, LEAVE */
	unsigned count;         /* FLUSH: addresses; above FLUSH_MAX: everything */
	u64 address[FLUSH_MAX];
} request;

/* What the present kernel entry has unmapped, for other cores to forget. Guard: the node's lock. */
static struct vspace *flush_space;

static void ask(enum remote_kind kind, u64 mask)
{
	request.kind = kind;
	__atomic_store_n(&request.pending, mask, __ATOMIC_RELEASE);
	for (u64 left = mask; left; left &= left - 1)
		arch_interrupt_core(cores[__builtin_ctzll(left)], ARCH_IPI_REQUEST);
	while (__atomic_load_n(&request.pending, __ATOMIC_ACQUIRE))
		arch_relax();
}

/* An idle core has no use for user pages: it leaves the address space, and is not asked again. */
static void answer_flush(struct core *core)
{
	if (core->space != request.space)
		return;
	if (core->current == core->idle) {
		core->space = NULL;
		arch_leave_address_space();
	} else if (request.count > FLUSH_MAX) {
		arch_flush_all();
	} else {
		for (unsigned i = 0; i < request.count; i++)
			arch_flush_page(request.address[i]);
	}
}

static void answer_leave(struct core *core)
{
	ASSERT(core->current == core->idle);
	if (core->space != request.space)
		return;
	core->space = NULL;
	arch_leave_address_space();
}

bool remote_answer(void)
{
	struct core *core = this_core();
	enum remote_kind kind;

	if (likely(!(__atomic_load_n(&request.pending, __ATOMIC_ACQUIRE) & core->mask)))
		return false;
	kind = request.kind;
	if (kind == REMOTE_FLUSH)
		answer_flush(core);
	else if (kind == REMOTE_LEAVE)
		answer_leave(core);
	__atomic_fetch_and(&request.pending, ~core->mask, __ATOMIC_RELEASE);
	return kind == REMOTE_EVICT;
}

bool node_lock_wait(const struct thread *thread)
{
	const struct core *core = this_core();
	const u32 mine = (core->number + 1) << 8;
	const u64 since = arch_clock_ns();
	unsigned stood_back = 0;

	for (;;) {
		u32 seen = __atomic_load_n(&node_lock_state.word, __ATOMIC_RELAXED);

		if ((seen == 0 || seen == mine || stood_back == LOCK_STAND_BACK) && !node_lock_held(seen) && node_lock_take(seen))
			return core->current == thread;
		stood_back = node_lock_held(seen) || stood_back == LOCK_STAND_BACK ? 0 : stood_back + 1;
		/* a core that starts makes no claims until it is one of the node's */
		if (seen >> 8 == 0 && core->mask && arch_clock_ns() - since > LOCK_PATIENCE_NS)
			__atomic_compare_exchange_n(&node_lock_state.word, &seen, seen | mine, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
		remote_answer();
		arch_relax();
	}
}

/* The cores that have left vs by themselves are no longer in its mask. */
static void mask_update(struct vspace *vs, u64 asked)
{
	for (u64 left = asked; left; left &= left - 1) {
		struct core *core = cores[__builtin_ctzll(left)];

		if (core->space != vs)
			vs->cores &= ~core->mask;
	}
}

void remote_flush_add(struct vspace *vs, u64 address)
{
	struct core *core = this_core();

	if (core->space == vs)
		arch_flush_page(address);
	if (!(vs->cores & ~core->mask))
		return;
	if (flush_space != vs) {
		remote_flush_commit();
		flush_space = vs;
		request.count = 0;
	}
	if (request.count < FLUSH_MAX)
		request.address[request.count] = address;
	if (request.count <= FLUSH_MAX)
		request.count++;
}

bool remote_flush_pending(void)
{
	return flush_space;
}

void remote_flush_commit(void)
{
	struct vspace *vs = flush_space;
	u64 others;

	if (likely(!vs))
		return;
	flush_space = NULL;
	others = vs->cores & ~this_core()->mask;
	request.space = vs;
	ask(REMOTE_FLUSH, others);
	mask_update(vs, others);
}

void remote_leave_space(struct vspace *vs)
{
	struct core *core = this_core();
	u64 others = vs->cores & ~core->mask;

	if (core->space == vs) {
		core->space = NULL;
		arch_leave_address_space();
	}
	if (others) {
		request.space = vs;
		ask(REMOTE_LEAVE, others);
	}
	vs->cores = 0;
}

/*
 * The other core is in the kernel once it has answered, waiting for the lock, and looks at its current thread again when it has it
 * (node_lock): whatever the thread had come for is dropped.
 */
void remote_evict(struct thread *thread)
{
	struct core *core = thread->core;

	ASSERT(core != this_core() && core->current == thread && thread != core->idle);
	ask(REMOTE_EVICT, core->mask);
	thread_account(thread, core->idle);
	core->context_switches++;
	core->current = core->idle;
	core->needed = true;
}
