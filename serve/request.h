/*
 * A request is one message of a caller that waits for the answer; it owns the reply slot. An operation either returns its result, and the
 * framework answers, or keeps the request: it returns request_wait(...) and answers later with request_answer(), exactly once.
 */
#ifndef SERVE_REQUEST_H
#define SERVE_REQUEST_H

#include "abi/kernel.h"
#include "lib/list.h"
#include "lib/types.h"

struct open_file;
struct request;

/* What an operation returns when it does not give a result now. */
#define REQUEST_KEPT     (-0x10000l) /* waits: request_answer() will come */
#define REQUEST_ANSWERED (-0x10001l) /* answered or passed on already */
#define REQUEST_FORWARDED (-0x10002l) /* is passed on when the operation returns this, with serve_message->data as it is then */
/* True for results that the framework must not answer with. */
#define REQUEST_TAKEN(result) ((result) <= REQUEST_KEPT)

/*
 * Called when a kept request is interrupted, timed out or its caller killed: takes the request off whatever it waits on and returns what to
 * answer: -EINTR as a rule, or the bytes done so far.
 */
typedef long request_cancel(struct request *request, unsigned reason);
#define CANCEL_INTERRUPTED 0
#define CANCEL_TIMED_OUT   1
#define CANCEL_KILLED      2

#define ANSWER_COPIES 0x80000000u

/* How the bytes of a request travel. */
enum transfer_form {
	FORM_WINDOW,             /* the kernel copies */
	FORM_BUFFER,             /* in the open file's buffer, m[3] bytes into it */
	FORM_READ_REGISTERS,     /* in answer[0..7] */
	FORM_WRITE_REGISTERS,    /* in m[0..7] */
	FORM_WRITE_REGISTERS_AT, /* in m[1..7] */
};

struct request {
	/* what came */
	unsigned slot;            /* holds the Reply */
	unsigned label;
	/* side by side, for a new request sets all of them to 0 */
	u16 bytes;                /* of data[] */
	bool forwarded;
	u8 form;                  /* enum transfer_form */
	bool stopped;             /* a transfer stopped early */
	bool at_offset;           /* framework: the open file's offset becomes `position` plus the result, unless the server clears it */
	u16 pools_tried;          /* framework: that had no room for the answer's Handles */
	bool kept;
	unsigned long badge, principal;
	unsigned long sender;     /* `principal` with the charge above it, as it came */
	unsigned long m[8];
	struct open_file *file;   /* the badge's; NULL: none */
	unsigned received[MESSAGE_CAPS]; /* slots of the capabilities that came with it; 0: none. Taken: set it to 0 */

	/* the transfer */
	size_t wanted;            /* of a write in registers: the bytes, and where: what others have in m[0] and m[1] */
	u64 offset;
	size_t moved;             /* bytes done: transfers go on from here */
	unsigned long touch;      /* with `stopped`: at this address of the caller; 0: at none that it could touch */
	u64 position;             /* where a transfer of a seekable file starts; an append sets it */

	/* the answer beside its result: words m[1..7], and so many bytes of serve_message->data; filled right before answering */
	unsigned long answer[8];
	unsigned answer_bytes;    /* or ANSWER_COPIES: answer[6] and [7] say what the kernel copies */
	unsigned answer_caps;     /* Handles put there by open_file_give() */

	/* for whoever keeps it, who sets what it reads */
	struct list_node link;
	request_cancel *cancel;
	void *context;
	u64 scratch[4];

	/* framework, of a path that came by a tree Handle or a directory's: what stands before it, and where in data[] it starts */
	const char *place;
	unsigned place_length, path_start;
	struct open_file *opening; /* framework: the file whose open waits */
	struct request *next;      /* framework: free list; all requests by slot */
};

/* The role that pays for what is done for the caller. */
static inline unsigned request_charge(const struct request *request)
{
	return (unsigned)(request->sender >> PRINCIPAL_CHARGE_SHIFT);
}

/*
 * Keeps the request: `cancel` as above. Returns REQUEST_KEPT, or -ENOMEM if no reply slot would be left to receive with (then the request was
 * not kept, and must not be on any list). Put it on a list only if the result is REQUEST_KEPT.
 */
long request_wait(struct request *request, request_cancel *cancel);

/* Answers a kept request: result >= 0 or a negative errno. The request is not to be touched afterwards. */
void request_answer(struct request *request, long result);

/* Puts a capability of the own system CNode into the answer, at place `index`. It is moved; if nobody takes it, the slot is as it was or empty. */
void request_give_capability(struct request *request, unsigned slot, unsigned index);

/*
 * Passes the caller on. `target`: number of a slot of the own system CNode; m: words of the new message; `bytes` of serve_message->data
 * go with it. keep_window: the new holder may use the caller's window. Return what it returns: REQUEST_FORWARDED, REQUEST_ANSWERED, or a negative errno
 * (still to be answered).
 */
long request_forward(struct request *request, unsigned target, unsigned label, const unsigned long m[8], unsigned bytes, bool keep_window);

/*
 * Transfers of a read's, write's, ioctl's or readdir's bytes, whatever form the client used (inline or window): from request->moved on, which
 * they advance. They return the bytes moved. Fewer than `length`: the caller's memory is not there (request->stopped): stop and return
 * what was done so far, 0 too; the framework then answers PARTIAL with the address, and the client's runtime touches it and asks for the rest.
 */
size_t request_give(struct request *request, const void *from, size_t length); /* to the caller */
size_t request_take(struct request *request, void *to, size_t length);         /* from the caller */
size_t request_give_zeros(struct request *request, size_t length);

/*
 * The same for who returns what it returns at once, and whose memory at `from` stays as it is until the caller is answered: the kernel then copies as it answers. What does
 * not arrive is taken off the result later, so nothing may follow from it.
 */
size_t request_give_result(struct request *request, const void *from, size_t length);
size_t request_give_zeros_result(struct request *request, size_t length);

/* Whether a read or write that cannot go on now should fail with EAGAIN: O_NONBLOCK or TRANSFER_NONBLOCK. */
bool request_nonblocking(const struct request *request);

/* The caller's current request, for node operations that depend on who asks. */
extern struct request *serve_request;

#endif
