/* Moving a message's parts. User memory is reached only through the physmap: message pages are pinned by thread_set_area. */
#include "kernel/endpoint.h"
#include "kernel/park.h"
#include "lib/string.h"

#define DATA_OFFSET  offsetof(struct message_buffer, data)
#define LOW_DATA     (PAGE_SIZE - DATA_OFFSET) /* bytes of data[] in the first page */

/* The kernel's address of data[offset], and how many bytes follow it in that page. */
static u8 *data_at(struct thread *t, unsigned offset, unsigned *room)
{
	if (offset < LOW_DATA) {
		*room = LOW_DATA - offset;
		return (u8 *)t->message_low + DATA_OFFSET + offset;
	}
	*room = PAGE_SIZE - (offset - LOW_DATA);
	return t->message_high + (offset - LOW_DATA);
}

void message_data_read(struct thread *t, unsigned offset, void *to, unsigned bytes)
{
	u8 *out = to;

	ASSERT(offset + bytes <= MESSAGE_BYTES);
	while (bytes) {
		unsigned room, n;
		u8 *at = data_at(t, offset, &room);

		n = MIN(room, bytes);
		memcpy(out, at, n);
		out += n;
		offset += n;
		bytes -= n;
	}
}

void message_data_write(struct thread *t, unsigned offset, const void *from, unsigned bytes)
{
	const u8 *in = from;

	ASSERT(offset + bytes <= MESSAGE_BYTES);
	while (bytes) {
		unsigned room, n;
		u8 *at = data_at(t, offset, &room);

		n = MIN(room, bytes);
		memcpy(at, in, n);
		in += n;
		offset += n;
		bytes -= n;
	}
}

/* The notes of closed Handles lie in the second page, behind data[]. The thread may write anything there at any time. */
#define HIGH(t, field) ((void *)((t)->message_high + offsetof(struct message_buffer, field) - PAGE_SIZE))
_Static_assert(offsetof(struct message_buffer, closed_later) >= PAGE_SIZE && sizeof(struct message_buffer) <= 2 * PAGE_SIZE, "in the second page");

bool message_note_closed(struct thread *t, u64 badge)
{
	volatile u32 *count = HIGH(t, closed_count);
	u64 *closed = HIGH(t, closed);
	u32 n;

	if (!t->message_high || !*(volatile u32 *)HIGH(t, closed_later))
		return false;
	n = *count;
	if (n >= CLOSED_MAX)
		return false;
	closed[n] = badge;
	*count = n + 1;
	return true;
}

bool message_take_noted(struct thread *t, u64 *badge)
{
	volatile u32 *count = HIGH(t, closed_count);
	u32 n = t->message_high ? *count : 0;

	if (!n || n > CLOSED_MAX)
		return false;
	*badge = ((u64 *)HIGH(t, closed))[n - 1];
	*count = n - 1;
	return true;
}

u64 message_data_word(struct thread *t, unsigned index)
{
	u64 value;

	message_data_read(t, index * 8, &value, 8);
	return value;
}

void message_data_set_word(struct thread *t, unsigned index, u64 value)
{
	message_data_write(t, index * 8, &value, 8);
}

void message_data_copy(struct thread *to, struct thread *from, unsigned bytes)
{
	this_core()->bytes_copied += bytes;
	if (thread_parked(from)) {
		message_data_write(to, 0, thread_park(from), bytes);
		return;
	}
	/* both buffers have the same layout: two pieces at most */
	memcpy((u8 *)to->message_low + DATA_OFFSET, (u8 *)from->message_low + DATA_OFFSET, MIN(bytes, (unsigned)LOW_DATA));
	if (bytes > LOW_DATA)
		memcpy(to->message_high, from->message_high, bytes - LOW_DATA);
}

void message_data_park(struct thread *in, struct thread *from, unsigned bytes)
{
	message_data_read(from, 0, thread_park(in), bytes);
}

/* What SEND_NEW_HANDLE in a reply makes Handles of. */
static bool mint_find(struct thread *t, struct mint *mint)
{
	const struct cte *pool = cspace_slot(t, *(volatile u64 *)HIGH(t, mint_pool));
	struct cte *endpoint = cspace_slot(t, *(volatile u64 *)HIGH(t, mint_endpoint));

	if (!pool || cap_type(pool) != OBJECT_HANDLE_POOL || !endpoint || cap_type(endpoint) != OBJECT_ENDPOINT ||
	    !(cap_rights(endpoint) & RIGHT_RECV) || !cap_can_derive(endpoint))
		return false;
	*mint = (struct mint){ pool->object, endpoint, endpoint->object };
	return true;
}

struct cte *message_cap_place(struct thread *to)
{
	struct cte *slot = cspace_slot(to, *(volatile u64 *)&to->message_low->recv_slot[0]);

	return slot && cap_empty(slot) ? slot : NULL;
}

int message_caps_check(struct thread *from, unsigned count, struct mint *mint)
{
	unsigned fresh = 0;

	mint->pool = NULL;
	for (unsigned i = 0; i < count; i++)
		fresh += from->message_low->send_slot[i] == SEND_NEW_HANDLE;
	if (!fresh)
		return K_OK;
	if (!mint_find(from, mint))
		return K_INVALID_CAP;
	return mint->pool->total - mint->pool->used >= fresh ? K_OK : K_NO_MEMORY;
}

/* Unless an earlier capability of the same message was it. */
static bool mint_has_endpoint(const struct mint *mint)
{
	return cap_type(mint->endpoint) == OBJECT_ENDPOINT && mint->endpoint->object == mint->object;
}

/* False: it is closed, since there is no place for it. */
static bool mint_into(const struct mint *mint, u64 badge, struct cte *dst)
{
	if (dst && cap_empty(dst) && mint_has_endpoint(mint))
		return handle_mint(mint->pool, mint->endpoint, badge, dst) == K_OK;
	handle_mint_closed(mint->pool, mint->object, badge);
	return false;
}

static bool move_one(struct cte *dst, struct cte *src)
{
	if (!src || !dst || cap_empty(src) || !cap_empty(dst) || !cap_copyable(src))
		return false;
	cap_move(dst, src);
	return true;
}

/* A thread that shares the sender's memory may change send_slot[] meanwhile: what was no new Handle when it was counted is none. */
bool message_cap_move(struct cte *dst, struct thread *from, unsigned i, const struct mint *mint)
{
	u64 source = *(volatile u64 *)&from->message_low->send_slot[i];

	if (source == SEND_NEW_HANDLE && mint && mint->pool)
		return mint_into(mint, ((u64 *)HIGH(from, mint_badge))[i], dst);
	return move_one(dst, cspace_slot(from, source));
}

unsigned message_caps_move(struct thread *to, struct thread *from, unsigned count, const struct mint *mint)
{
	unsigned moved = 0;

	/* after one that found no place none comes */
	for (unsigned i = 0; i < count; i++)
		moved += message_cap_move(moved == i ? cspace_slot(to, to->message_low->recv_slot[i]) : NULL, from, i, mint);
	return moved;
}

int message_check(const struct thread *t, u64 info, bool call)
{
	if (unlikely(INFO_LABEL(info) >= LABEL_KERNEL || INFO_BYTES_OF(info) > MESSAGE_BYTES ||
		     INFO_CAPS_OF(info) > MESSAGE_CAPS || INFO_WINDOWS_OF(info) > MESSAGE_WINDOWS))
		return K_INVALID_ARG;
	if (unlikely(!t->context && (info & ~(INFO_LABEL_MASK | INFO_INTERRUPTIBLE))))
		return K_INVALID_ARG;
	if (call && (info & INFO_INTERRUPTIBLE) && t->context && t->context->interrupt_flag)
		return K_INTERRUPTED;
	return K_OK;
}

