/*
 * Handles. A Handle lives as long as a capability names it or a call sent through it is queued; then its Endpoint's server receives
 * LABEL_CLOSED, exactly once, and only then its room in the pool is free again.
 */
#include "kernel/endpoint.h"
#include "kernel/object.h"

#define POOL_EMPTY_BATCH 64

static struct handle *pool_handle(struct handle_pool *pool, u32 i)
{
	return (struct handle *)(pool + 1) + i;
}

void handle_pool_init(struct handle_pool *pool, unsigned size_bits)
{
	pool->total = (1u << size_bits) - 1;
	for (u32 i = pool->total; i-- > 0;) {
		pool_handle(pool, i)->next_free = pool->free;
		pool->free = pool_handle(pool, i);
	}
}

static struct handle *handle_new(struct handle_pool *pool, struct endpoint *ep, u64 badge)
{
	struct handle *h = pool->free;

	if (!h)
		return NULL;
	pool->free = h->next_free;
	pool->used++;
	*h = (struct handle){ .endpoint = ep, .badge = badge, .pool = pool };
	object_born(OBJECT_HANDLE, sizeof(*h));
	return h;
}

int handle_mint(struct handle_pool *pool, struct cte *endpoint_cap, u64 badge, struct cte *dst)
{
	struct handle *h = cap_can_derive(endpoint_cap) ? handle_new(pool, endpoint_cap->object, badge) : NULL;

	if (!h)
		return K_NO_MEMORY;
	cap_insert_child(dst, endpoint_cap, cap_word(OBJECT_HANDLE, RIGHT_SEND, 0, 0), h);
	return K_OK;
}

void handle_release(struct handle *h)
{
	struct handle_pool *pool = h->pool;

	ASSERT(h->caps == 0 && h->calls == 0 && pool);
	if (list_linked(&h->closed))
		list_remove(&h->closed);
	*h = (struct handle){ .next_free = pool->free };
	pool->free = h;
	pool->used--;
	object_gone(OBJECT_HANDLE, sizeof(*h));
}

static void close_if_unused(struct handle *h)
{
	if (h->caps || h->calls)
		return;
	endpoint_closed(h->endpoint, h);
}

void handle_mint_closed(struct handle_pool *pool, struct endpoint *ep, u64 badge)
{
	struct handle *h = handle_new(pool, ep, badge);

	if (h)
		close_if_unused(h);
}

void handle_last_cap_gone(struct handle *h)
{
	h->run = NULL;
	close_if_unused(h);
}

void handle_call_ended(struct handle *h)
{
	ASSERT(h->calls > 0);
	h->calls--;
	close_if_unused(h);
}

static struct thread *queued_through(const struct handle *h)
{
	list_for_each(node, &h->endpoint->queue) {
		struct thread *t = list_entry(node, struct thread, queue);

		if (t->handle == h)
			return t;
	}
	panic("a Handle counts calls that are not queued");
}

/* The pool's memory goes: every Handle of it dies; calls queued through one end with K_PEER_DEAD. One that ends may give others another place in the queue (priority.h). */
static void handle_kill_queued(struct handle *h)
{
	while (h->calls)
		thread_wake_dead(queued_through(h));
}

int handle_pool_empty(struct handle_pool *pool)
{
	unsigned done = 0;

	for (u32 i = 0; i < pool->total && pool->used; i++) {
		struct handle *h = pool_handle(pool, i);

		if (!h->pool)
			continue;
		while (h->pool && h->run) { /* as many copies as processes have made */
			int err = done++ == POOL_EMPTY_BATCH ? CALL_RESTART : cap_delete(h->run);

			if (err)
				return err;
		}
		if (done++ >= POOL_EMPTY_BATCH)
			return CALL_RESTART;
		if (h->pool)
			handle_kill_queued(h);
		if (h->pool)
			handle_release(h);
	}
	return K_OK;
}
