/* Calls: how a message gets from a thread to another and back. endpoint.c, message.c, reply.c. */
#ifndef KERNEL_ENDPOINT_H
#define KERNEL_ENDPOINT_H

#include "kernel/object.h"
#include "kernel/thread.h"

/* What a message is made of, wherever it comes from. */
struct message {
	u64 info;
	u64 badge;
	u64 principal;
};

/* The words of a message, in the registers that carry them. */
static inline void message_words_copy(struct thread *to, const struct thread *from)
{
	to->frame.rdx = from->frame.rdx;
	to->frame.r8 = from->frame.r8;
	to->frame.r9 = from->frame.r9;
	to->frame.r10 = from->frame.r10;
	to->frame.rbx = from->frame.rbx;
	to->frame.r12 = from->frame.r12;
	to->frame.r13 = from->frame.r13;
	to->frame.r14 = from->frame.r14;
}

/* What new Handles are made of. */
struct mint {
	struct handle_pool *pool; /* NULL: none are asked for */
	struct cte *endpoint;
	struct endpoint *object;  /* which that named when it was looked at */
};

/* message.c: the parts that move between two threads' message pages and CNodes. */
/* data[] of `bytes` from one message buffer to another thread's. */
void message_data_copy(struct thread *to, struct thread *from, unsigned bytes);
/* The same for a sender that is just sending, so that its data is where it wrote it, nowhere else. */
static inline __attribute__((always_inline)) void message_data_copy_fast(struct thread *to, struct thread *from, unsigned bytes)
{
	typedef u64 __attribute__((may_alias, aligned(1))) any_u64;
	u8 *out = to->message_low->data;
	const u8 *in = from->message_low->data;
	u64 words = bytes / 8;

	if (unlikely(bytes < 8 || bytes > PAGE_SIZE - offsetof(struct message_buffer, data))) {
		message_data_copy(to, from, bytes);
		return;
	}
	this_core()->bytes_copied += bytes;
	*(any_u64 *)(out + bytes - 8) = *(const any_u64 *)(in + bytes - 8);
	arch_copy_words(out, in, words);
}
/* The data of a forwarded message is kept in the kernel until it is received, so that nobody can change it meanwhile. */
void message_data_park(struct thread *in, struct thread *from, unsigned bytes);
/* Moves up to `count` capabilities; returns how many the receiver had room for (the rest stays with the sender). */
unsigned message_caps_move(struct thread *to, struct thread *from, unsigned count, const struct mint *mint);
/* The i-th capability of a message into that slot (NULL: it has no place). False: it stays with the sender; a new Handle is closed. */
bool message_cap_move(struct cte *dst, struct thread *from, unsigned i, const struct mint *mint);
/* The empty slot where the receiver wants the first; NULL: there is none. */
struct cte *message_cap_place(struct thread *to);
/* Whether the new Handles (SEND_NEW_HANDLE) among a reply's can be made. message_caps_move with `mint` then makes them; with NULL there are none. */
int message_caps_check(struct thread *from, unsigned count, struct mint *mint);
/* Bytes of a thread's own data[], for kernel calls that carry arrays: reads and writes across its two pages. */
void message_data_read(struct thread *t, unsigned offset, void *to, unsigned bytes);
void message_data_write(struct thread *t, unsigned offset, const void *from, unsigned bytes);
/* Notes a closed Handle in the buffer of a thread that waits to receive. False: it wants to be told, or there is no room. */
bool message_note_closed(struct thread *t, u64 badge);
/* Takes back the note that was made last. False: there is none. */
bool message_take_noted(struct thread *t, u64 *badge);
u64 message_data_word(struct thread *t, unsigned index);
void message_data_set_word(struct thread *t, unsigned index, u64 value);
/* What an answer with windows copies first (copy.c). False: not all can be, and there is to be no answer; no thread has changed. */
bool answer_copy(struct thread *t, struct thread *caller);
/* K_OK, or what is wrong with an info word that a thread wants to send. */
int message_check(const struct thread *t, u64 info, bool call);

/* Gives the message of a sender to a receiver that is not queued any more; makes the Reply. False: the receiver's reply slot is
 * not usable; the receiver was woken with K_OCCUPIED, the sender is as it was. */
bool message_deliver(struct thread *sender, struct thread *receiver);
/* Sends `sender`, whose message is in its frame, to an Endpoint: delivered or queued. */
void endpoint_send(struct endpoint *ep, struct thread *sender);
/* Where a capability sends to; NULL and *err if it cannot. */
struct endpoint *endpoint_of(const struct cte *cap, int *err);
/* Something besides a sender has come (a cancelled request, a closed Handle): a waiting receiver gets it. */
void endpoint_poke(struct endpoint *ep);
/* A Handle is closed: told at once, or noted for the receiver that waits, if that is enough for it. */
void endpoint_closed(struct endpoint *ep, struct handle *h);
/* The core has nothing to run: who waits with notes of closed Handles gets to know. */
void endpoint_tell_noticed(struct core *core);
int endpoint_receive(struct thread *t, struct endpoint *ep, u64 deadline);
/* A bound thread receiving gets the Notification's bits as a message. */
bool endpoint_notify_bound(struct thread *t, u64 bits);

/* reply.c */
/* The caller behind a Reply; NULL: it is gone (reply.c). */
static inline struct thread *reply_caller(const struct cte *slot)
{
	return (u64)slot->object & 1 ? NULL : slot->object;
}
/* The word that a thread's call goes out with: its principal, and who pays, which is whom it serves (slot: where it received last; NULL: nowhere). */
static inline u64 reply_word(const struct thread *t, const struct cte *slot)
{
	const struct thread *served = slot && cap_type(slot) == OBJECT_REPLY ? reply_caller(slot) : NULL;

	return served ? (t->principal & PRINCIPAL_MASK) | (served->principal_sent & ~PRINCIPAL_MASK) : t->principal;
}
/* A thread is about to call. */
void reply_charge(struct thread *t);
/* The word of a new Reply in the slot of that number. */
u64 reply_fresh(u32 number);
/* In the slot where the receiver receives. */
void reply_make(struct thread *caller, struct cte *slot, const struct thread *receiver);
/* The Endpoint goes: what it knows of outstanding requests is forgotten, the Replies stay good. */
void reply_endpoint_gone(struct endpoint *ep);
/* The caller goes: its Reply stays, naming nobody, and the holder is told. */
void reply_caller_gone(struct thread *caller);
int reply_send(struct thread *t, struct cte *slot);
int reply_forward(struct thread *t, struct cte *slot, struct cte *target);
bool reply_next_cancelled(struct endpoint *ep, u64 *number, u64 *why, u64 *principal);
/* Tells the holder of the Reply that its caller was interrupted (0), timed out (1) or is gone (2). */
void reply_cancel(struct thread *caller, unsigned why);
void thread_timed_out(struct thread *t);
/* thread_interrupt's effect, see abi/gate.h. */
void thread_interrupt(struct thread *t);
/* gate.c: the thread enters its gate with the frame as it stands. */
void gate_enter(struct thread *t, u64 entry);
void gate_exception(struct thread *t);

/* Lookup: the slot a cptr names, NULL if none. */
static inline struct cte *cnode_slot(const struct cte *cap, u64 number)
{
	struct cnode *cn = cap->object;

	if (unlikely(cap_type(cap) != OBJECT_CNODE || number >= cn->slots))
		return NULL;
	return &cn->slot[number];
}
static inline struct cte *cspace_system_slot(struct thread *t, u64 number)
{
	return cnode_slot(&t->system_cnode, number);
}
static inline struct cte *cspace_slot(struct thread *t, u64 cptr)
{
	if (cptr & CPTR_SYSTEM)
		return cnode_slot(&t->system_cnode, cptr & ~(u64)CPTR_SYSTEM);
	return cnode_slot(&t->files_cnode, cptr);
}

#endif
