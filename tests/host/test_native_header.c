/* include/uxrt/native.h compiles where the compiler keeps rbp for itself, as here: the calls need nearly all other registers. Nothing is called. */
#include "check.h"

#include "include/uxrt/native.h"

typedef long (*forward_receive)(struct ipc *ipc, unsigned long endpoint);

static long forward_to_any(struct ipc *ipc, unsigned long endpoint)
{
	return uxrt_forward_recv(ipc, endpoint);
}

static long forward_to_one(struct ipc *ipc, unsigned long endpoint)
{
	(void)endpoint;
	return uxrt_forward_recv(ipc, CPTR_SYSTEM | 1);
}

static void the_endpoint_of_a_forward_may_be_any_or_a_constant(void)
{
	volatile forward_receive any = forward_to_any, one = forward_to_one;

	CHECK(any != one);
}

int main(void)
{
	RUN(the_endpoint_of_a_forward_may_be_any_or_a_constant);
	return check_result();
}
