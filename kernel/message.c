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

unsigned message_caps_move(struct thread *to, struct thread *from, unsigned count)
{
	unsigned moved = 0;

	for (unsigned i = 0; i < count; i++) {
		struct cte *src = cspace_slot(from, from->message_low->send_slot[i]);
		struct cte *dst = cspace_slot(to, to->message_low->recv_slot[i]);

		if (!src || !dst || cap_empty(src) || !cap_empty(dst) || !cap_copyable(src))
			break;
		cap_move(dst, src);
		moved++;
	}
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

struct message_window message_window(struct thread *t, unsigned index)
{
	return t->message_low->window[index];
}
