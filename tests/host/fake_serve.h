/*
 * The framework as servers' sources see it, without a kernel: requests are made by the test, their windows are arrays, and answers are
 * looked at afterwards.
 */
#ifndef TESTS_HOST_FAKE_SERVE_H
#define TESTS_HOST_FAKE_SERVE_H

#include "serve/serve.h"

#define FAKE_NOT_ANSWERED (-99999l)

struct fake_request {
	struct request request;
	u8 *window;
	size_t size;  /* of the window */
	size_t there; /* bytes of it that can be reached */
	long result;  /* FAKE_NOT_ANSWERED: it waits */
};

/* A read, write or ioctl of `file`, by the principal. */
struct fake_request *fake_new(struct open_file *file, unsigned label, void *window, size_t size, unsigned long principal);
/* What the operation returned is the answer, unless the request was kept. */
void fake_done(struct fake_request *fake, long result);
/* The kernel cancels a request that waits. */
void fake_cancel(struct fake_request *fake, unsigned reason);
/* Frees it; it must have been answered. */
void fake_free(struct fake_request *fake);

extern size_t fake_memory_used;
extern unsigned fake_requests_kept;
extern u64 fake_now; /* the monotonic clock */

/* Root, as the test plays it; NULL: every call is -ENOSYS. */
extern long (*fake_root)(unsigned label, unsigned long m[8], unsigned bytes);
extern struct principal_entry fake_principals[16];
extern u64 fake_settings[SETTING_COUNT];

struct open_file *fake_file(unsigned flags);

#endif
