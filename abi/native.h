/*
 * The native API: entry points of the runtime that a program or server may call directly, at GATE_NATIVE and as symbols of the
 * vDSO. All are ordinary System V functions; kernel calls made through them are kernel calls, since they come from the gate.
 */
#ifndef ABI_NATIVE_H
#define ABI_NATIVE_H

/* Registers of an IPC call, see abi/kernel.h. In and out. */
struct ipc {
	unsigned long target;    /* in: cptr; out: badge */
	unsigned long info;
	unsigned long m[8];
	unsigned long reply;     /* in: reply slot; out: principal */
	unsigned long deadline;
};

struct native_api {
	unsigned long version;                  /* 2: GATE_ENTER is there */
	/* IPC calls (KCALL_call .. KCALL_wait): returns rax */
	long (*ipc)(unsigned long number, struct ipc *ipc);
	/* object calls: a[0..7] in, v[0..1] out in a[0..1]; returns rax */
	long (*object)(unsigned long number, unsigned long a[8]);
	/* the calling thread's struct message_buffer */
	struct message_buffer *(*message)(void);
	/* monotonic and realtime clocks in ns */
	unsigned long (*monotonic)(void);
	unsigned long (*realtime)(void);
};

#endif
