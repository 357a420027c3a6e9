/* Services: what root starts from the bundle and starts anew when it dies. */
#ifndef ROOT_SERVICES_H
#define ROOT_SERVICES_H

#include "root/root.h"

#define SERVICES_MAX  32 /* root's own, and programs that serve */
#define SERVE_PATH_MAX 128

/* What a service may ask of root beyond what every service may. */
enum service_rights {
	SERVICE_PROCESSES = 1, /* PROC_ requests, names of threads, files of processes (CONTINUE_REOPEN) */
	SERVICE_TERMINALS = 2, /* TTY_SIGNAL, ORPHANED, SESSION_TTY, PROC_INFO */
	SERVICE_IMAGE = 4,     /* the boot image */
	SERVICE_SIGNALS = 8,   /* SERVICE_SIGNAL */
};

struct service_io {
	u16 first, last;   /* ports, first > last: none */
	s16 irq;           /* GSI, -1: none */
};

/* Lines of the log: op_system.c. */
struct log_allowance {
	u64 since, used, dropped;
};

struct service {
	const char *name;  /* in the bundle, and process_info.name */
	const char *const *mounts; /* mount points by mount number, NULL-terminated */
	unsigned handle_bits;      /* of its first HandlePool: 1 << bits Handles */
	unsigned slot_bits;        /* of its system CNode: a slot for each request that waits */
	struct service_io io[4];
	unsigned rights;           /* SERVICE_ */
	/* what follows is root's */
	bool present, ready;
	struct process *process;
	struct kobject endpoint, pools[SERVICE_POOLS_MAX], notify;
	unsigned pool_count;
	u32 program_handle;        /* slot: Handle for SLOT_SERVICE_PIPE, _EVENT, _SOCKET */
	u64 endpoint_id;           /* as cap_identify tells it of a Handle */
	struct log_allowance log;
	u32 failures;              /* ends in a row before it was ready */
	u64 names;                 /* what it said last: CONTINUE_PLACE in abi/file.h */
	char path[SERVE_PATH_MAX]; /* a program's only mount point */
};

struct service *service_get(u16 number); /* NULL: no such number */
u16 service_find(const char *name);      /* 0: none */
u16 service_number(const struct service *service);
u16 service_of_endpoint(u64 id);         /* 0: none */
/* Whether the process is a service that has one of these rights. */
bool service_may(const struct process *process, unsigned rights);
void services_start(void);
/* A program that serves a path has ended: nobody serves it any more. */
void service_withdraw(struct process *process);
/* The process of a service has ended; its wait status. */
void service_ended(u16 number, u32 status);
/* A session leader with a terminal has ended: consoles and ptys look. */
void service_session_ended(u16 number);
void services_process_ended(void); /* one that had locks */
void services_clock_set(void);     /* the realtime clock */
void services_watched_ended(void); /* a process with a pidfd */
/* Fills the slots of a new process's system CNode that name services. */
void services_fill_slots(struct process *process);

#endif
