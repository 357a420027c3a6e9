/* What the modules of root share: its endpoint and handle pool, the boot's facts, the request being handled. */
#ifndef ROOT_ROOT_H
#define ROOT_ROOT_H

#include "abi/boot.h"
#include "root/memory.h"
#include "root/process.h"

ROOT_DATA struct kobject root_endpoint, root_pool;
ROOT_DATA const struct boot_info *boot_info;

/* The boot option's value: text after NAME= up to the next blank, copied; NULL if it is not there. */
const char *boot_option(const char *name, char *buffer, size_t size);

/*
 * A call to root. Handlers return a result (answered as m[0], with m[1..7] as the handler leaves them in out[] and `bytes` of data[]) or
 * RESULT_LATER: the Reply was kept, forwarded or dropped.
 */
struct request {
	struct thread *caller;
	u64 m[MESSAGE_WORDS];
	u64 info;
	u32 bytes;               /* of data[] that came */
	u32 charge;              /* the role that pays: the caller's own, or that of whom the caller serves */
	u32 reply;               /* slot of the Reply */
	u16 service;             /* whose capability it came by, 0: a program's */
	bool forwarded;
	u64 out[MESSAGE_WORDS];  /* out[0] is unused */
	u32 out_bytes;
	u64 forward_to, forward_info; /* with RESULT_FORWARD */
	long (*forward_failed)(struct request *request); /* then, NULL: the call ends as if its server had died. A result, as a handler's */
};
#define RESULT_LATER   (-100000)
#define RESULT_FORWARD (-100001) /* of request_forward_last */
/* The Reply is used up, or will be. */
static inline bool result_goes_on(long result)
{
	return result == RESULT_LATER || result == RESULT_FORWARD;
}
typedef long request_handler(struct request *request);

/* Keeps the caller waiting; the answer comes by thread_answer. */
long request_keep(struct request *request, enum wait_kind kind);
/* Forwards the caller to a service or a Handle (cptr of root's). The message's words are given, data[] is set. The Reply is used up unless it fails. */
long request_forward(struct thread *caller, u32 reply, u64 target, u64 info, const u64 m[MESSAGE_WORDS]);

/*
 * The same as the last thing that is done for a request: it goes out with the loop's next receive, in one kernel entry, so data[] must stay as it is. The
 * handler returns what this returns.
 */
long request_forward_last(struct request *request, u64 target, u64 info, const u64 m[MESSAGE_WORDS]);

/* The thread's own memory through its window. 0 or -EFAULT. */
int window_read(struct request *request, u64 offset, void *to, u64 length);
int window_write(struct request *request, u64 offset, const void *from, u64 length);

/* Ends a wait without an answer: takes the thread off whatever queue it is on. */
void thread_stop_waiting(struct thread *thread);

void threads_init(void);
struct object *principals_object(void);
struct object *runtime_object(void);

u64 random_u64(void);
noreturn void init_ended(u32 status);
void replies_init(void);
noreturn void root_loop(void);

#endif
