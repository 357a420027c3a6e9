/*
 * The ipc server: System V shared memory, semaphores, message queues; POSIX message queues as the files of /dev/mqueue; /proc/sysvipc.
 */
#ifndef IPC_IPC_H
#define IPC_IPC_H

#include "abi/ipc.h"
#include "lib/list.h"
#include "serve/serve.h"

/* Linux's numbers (include/uapi/linux/{ipc,shm,sem,msg}.h). */
#define IPC_CREAT  01000
#define IPC_EXCL   02000
#define IPC_NOWAIT 04000
#define IPC_PRIVATE 0
enum { IPC_RMID, IPC_SET, IPC_STAT, IPC_INFO };

/* ---- identifiers: the table that every kind has (ids.c) ---- */

#define ID_INDEX_BITS 15
#define ID_SEQUENCE_MAX (1u << (31 - ID_INDEX_BITS))

struct ipc_object {
	struct ipc_permissions permissions;
	int id;
	unsigned index;
};

struct ipc_table {
	struct ipc_object **slot; /* by index; NULL: free */
	unsigned size, used;
	unsigned last_index, sequence;
};

/* Who asks. */
struct ipc_caller {
	unsigned pid, uid, gid;
};
struct ipc_caller ipc_caller(const struct request *request);

/* 0, or -EACCES: `want` 4 read, 2 write. */
long ipc_permit(const struct ipc_object *object, const struct ipc_caller *who, unsigned want);
/* 0, or -EPERM: neither owner nor creator. */
long ipc_permit_owner(const struct ipc_object *object, const struct ipc_caller *who);

/* What a get call finds: an id, -ENOENT with *make: a new one is to be made, or an error. *found is the object of the id. */
long ipc_find_key(const struct ipc_table *table, const struct ipc_caller *who, int key, unsigned flags, struct ipc_object **found, bool *make);
/* A new object's id, or -ENOSPC: there are `most` already; -ENOMEM. */
long ipc_add(struct ipc_table *table, u64 most, struct ipc_object *object, const struct ipc_caller *who, int key, unsigned mode);
void ipc_remove(struct ipc_table *table, const struct ipc_object *object);
/* NULL: no such identifier. */
struct ipc_object *ipc_find(const struct ipc_table *table, int id);
/* For the STAT commands, by index. */
struct ipc_object *ipc_at(const struct ipc_table *table, int place);
int ipc_last_index(const struct ipc_table *table);
/* IPC_SET's part that is common. */
void ipc_set(struct ipc_object *object, const struct ipc_permissions *from);

/* Answers with a structure. */
long ipc_give(struct request *request, const void *from, size_t size, long result);

long ipc_seconds(void);

/* ---- the kinds ---- */
long shm_message(struct request *request);
long sem_message(struct request *request);
long msg_message(struct request *request);
/* Processes have ended: undo what their semaphores owe. */
void sem_sweep(void);

/* The text of /proc/sysvipc's files: added piece by piece. */
struct text {
	char *bytes;
	size_t size, length;
};
void text_add(struct text *text, const char *format, ...) __printf(2, 3);
void shm_text(struct text *text);
void sem_text(struct text *text);
void msg_text(struct text *text);

#define NODES_FIXED 5 /* above are pointers of queues */

/* ---- POSIX queues (queue.c): the nodes of mount 0 ---- */
struct queue;
long queue_message(struct request *request);
void queue_flush(struct open_file *file, unsigned pid);
void queue_sweep(void);

struct queue *queue_first(void);
struct queue *queue_next(const struct queue *queue);
struct queue *queue_find(const char *name, size_t length);
long queue_create(const char *name, size_t length, unsigned mode, struct queue **made);
long queue_unlink(const char *name, size_t length);
void queue_hold(struct queue *queue);
void queue_unhold(struct queue *queue);
void queue_open(struct queue *queue, struct open_file *file);
unsigned queue_poll(const struct queue *queue);
long queue_read(struct request *request, struct queue *queue, u64 offset, size_t length);
void queue_getattr(const struct queue *queue, struct file_attr *attr);
void queue_setattr(struct queue *queue, unsigned mask, const struct file_attr *attr);
const char *queue_name(const struct queue *queue, bool *deleted);
u64 queue_cookie(const struct queue *queue);

#endif
