/*
 * The native API's functions that are no plain kernel calls. They run on the caller's own stack, so current() does not work here.
 */
#include "abi/gate.h"
#include "abi/kernel.h"
#include "abi/native.h"

struct message_buffer *native_message(void);

/* Of the process's first thread: programs that use the native API have one. */
struct message_buffer *native_message(void)
{
	return (struct message_buffer *)(GATE_THREAD_AREA(0) + THREAD_AREA_MESSAGE);
}
