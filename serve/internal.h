/* What the framework's own files share; servers do not include it. */
#ifndef SERVE_INTERNAL_H
#define SERVE_INTERNAL_H

#include "lib/errno.h"
#include "lib/path.h"
#include "serve/async.h"
#include "serve/lease.h"
#include "serve/lock.h"
#include "serve/serve.h"
#include "serve/watch.h"

extern const struct serve_operations *serve_operations;

/* ---- request.c ---- */
struct request *request_new(void);
void request_recycle(struct request *request);
/* The kept request whose Reply is in that slot; NULL: none. */
struct request *request_by_slot(unsigned slot);
/* For request_fill_message: of an answer with data[] or capabilities. An error takes neither along. */
unsigned long request_fill_extras(struct request *request, long result);

/* The words and the info word of an answer with that result. */
static inline unsigned long request_fill_message(struct request *request, long result)
{
	if (request->form == FORM_READ_REGISTERS && result > 0) {
		if (likely(result <= REGISTER_BYTES))
			return FILE_REPLY_REGISTERS + (unsigned long)result;
		result = -EIO;
	}
	request->answer[0] = (unsigned long)result;
	if (likely(!(request->answer_bytes | request->answer_caps)))
		return 0;
	return request_fill_extras(request, result);
}

/* The same when a transfer stopped early. */
unsigned long request_fill_stopped(struct request *request, long result);

/* Ends the request: its answer[] is what goes out then, with the info word that this returns. */
static inline unsigned long request_fill_answer(struct request *request, long result)
{
	/* a transfer of a seekable file moved its offset */
	if (request->at_offset && result > 0)
		request->file->offset = request->position + (u64)result;
	if (unlikely(watch_count) && request->file)
		watch_answered(request->file, request->label, result);
	if (unlikely(request->stopped) && result >= 0)
		return request_fill_stopped(request, result);
	return request_fill_message(request, result);
}
/* Answers by a reply call of its own, and deletes Handles that nobody took. Does not recycle. */
void request_send_answer(struct request *request, long result);
/* With REQUEST_FORWARDED: the message, and whom to. */
extern struct ipc serve_forward;
/* The first `count` capabilities of the message to send were not taken. */
void request_unsent(unsigned count);
/* The answer could not be sent. True: it is to be sent again, or another in its place. */
bool request_answer_again(struct request *request, long error, unsigned long *info);

/* ---- dispatch.c ---- */
extern unsigned long serve_sequence; /* counts the requests */

/* ---- open.c ---- */
void open_file_closed(unsigned long badge);

/* By index. A badge is an index and a generation above it. */
extern struct open_file **open_table;
extern unsigned open_table_size;
#define OPEN_INDEX_BITS 24
#define OPEN_INDEX_MASK ((1ul << OPEN_INDEX_BITS) - 1)

static inline struct open_file *open_file_look(unsigned long badge)
{
	unsigned long index = badge & OPEN_INDEX_MASK;
	struct open_file *file = index < open_table_size ? open_table[index] : NULL;

	return file && file->badge == badge ? file : NULL;
}

/* ---- same_node.c: the open files of a node ---- */
void same_node_add(struct open_file *file);
void same_node_remove(struct open_file *file);
/* For so many open files, a power of two. False: no memory, and nothing has changed. */
bool same_node_grow(unsigned count);
struct open_file *same_node_first(u64 id);
struct open_file *same_node_next(const struct open_file *file);

/* open.c: -ETXTBSY while the node is run. */
long node_text(struct node node);

/* Opens a node for the caller: checks flags against its type, truncates, calls the server, answers. */
long open_node(struct request *request, struct node node, unsigned mount, unsigned flags, bool fresh);
/* The rest of opening, once the file is there and no lease stands in the way: 0, the Handle is in the answer; REQUEST_KEPT; or the file has gone. */
long open_node_go_on(struct request *request, struct open_file *file, unsigned flags);
long op_reopen(struct request *request);
/* The caller is passed on to the socket server: SOCKET_NAME_ of a socket's node. */
long forward_socket_name(struct request *request, struct node node, unsigned mount, unsigned purpose);
long op_locate(struct request *request);

/* Nobody else has a capability of this Endpoint without a badge. */
static inline bool from_root(const struct request *request)
{
	return request->forwarded && !request->badge;
}

/* ---- tree.c: requests that come by a tree Handle, or by that of a directory ---- */
static inline bool by_tree(const struct request *request)
{
	return (request->badge & (BADGE_SERVICE | BADGE_TREE)) == (BADGE_SERVICE | BADGE_TREE) && !request->forwarded;
}

struct walk;
/*
 * Of a request that did not come from root. 0: what is asked may be; `place` and its fellows are then set, and the request's words are as root would have sent
 * them, and as if a tree Handle of the caller's role had brought it. -EPERM, -EINVAL, -EXDEV
 */
long tree_begin(struct request *request);
/* Number of the mount that is "/"; -1: another server has it. */
extern long tree_mount;
/* Whether paths may start at the open file. */
bool tree_takes_paths(const struct open_file *file);
/* 0: the walk's path is one that root would take as it is. -EXDEV */
long tree_path_check(const struct walk *walk);
/* At the link of that name: the walk's path is what the link leads to, to be walked from the start: WALK_AGAIN. -EXDEV: only root can follow it. */
long tree_follow(struct walk *walk, const struct path_component *component, const char *link, size_t length);
#define WALK_AGAIN 1

/* ---- place.c ---- */
/* The path of an open directory below its mount's root, with a slash at its end alone, the root's empty; NULL: it has none any more. Good until the next call. */
const char *place_of(const struct open_file *directory, size_t *length);
/* A directory has moved or gone. */
void places_changed(void);

/* ---- walk.c ---- */
struct walk {
	/* in */
	unsigned mount;
	const char *path;
	size_t length;
	bool follow;     /* a link in the last component */
	bool directory;  /* what is found must be one */
	bool keep_link;  /* the operation is on the last name itself: a slash after it neither follows a link nor demands a directory */
	bool stay;       /* never pass on to root: a link or ".." on the way is ENOENT */
	unsigned long tree; /* badge of the tree Handle that it came by, 0: root has sent it */
	unsigned links;  /* followed, with `tree` */
	/* out */
	struct node parent, node;
	unsigned mode;   /* of the node; 0: the last component does not exist */
	const char *name; /* last component, in path; name_length 0: the mount's root */
	size_t name_length;
	bool slash;      /* the last component was followed by a slash */
	bool plain;      /* the path has neither empty components nor "." nor a slash at its end */
};

/* 0, or -errno, or REQUEST_ANSWERED: the caller was passed on to root. A missing last component is no error. */
long walk_path(struct request *request, struct walk *walk);

/* ---- walk_known.c: for servers with names_last ---- */
/*
 * Starts the walk from what is known: the walk's length: all of it, and it is filled in as walk_path does; more than 0: from its node, which the text up
 * to there leads to (a slash is its last character); 0: nothing.
 */
size_t walk_recall(struct walk *walk);
/* The text's first `length` bytes, which are as root normalises paths, led to that node by no link. */
void walk_learn(const struct walk *walk, size_t length, struct node node, struct node parent);
/* The walk's name, not a directory's, is gone; or others are. */
void walk_unlearn(const struct walk *walk);
void walk_unlearn_all(void);

/* A walk over the first path of a path operation, whose text is copied out of the message. */
void walk_begin(struct request *request, struct walk *walk);
/* The text after the first path: m[5] bytes. NULL: the lengths do not fit the message. */
const char *walk_second(struct request *request, size_t *length);

/* Sends FILE_CONTINUE: three texts, and words m[4..6]. */
struct continuation {
	unsigned kind, mount;
	const char *prefix, *text, *rest;
	size_t prefix_length, text_length, rest_length;
	unsigned long m5, m6, m7;
};
long walk_continue(struct request *request, const struct continuation *continuation);

/* The path text up to `end` without "." and double slashes. Returns the length. */
size_t walk_prefix(const char *path, const char *end, char *out);

/*
 * The path of a node below its mount's root, at the end of `buffer`; *path points to it. Its length, or -ENAMETOOLONG; *deleted: it has no
 * name any more (the path is then what it last was, if the server still knows it).
 */
long node_path(struct node node, char buffer[PATH_SIZE], const char **path, bool *deleted);

/* ---- path operations (path_ops.c) and operations of open files (file_ops.c, ...) ---- */
typedef long serve_handler(struct request *request);
serve_handler path_open, path_stat, path_readlink, path_mkdir, path_mknod, path_unlink, path_symlink, path_link, path_rename, path_access,
	path_setattr, path_statfs, path_getxattr, path_setxattr, path_listxattr, path_removexattr, path_resolve, op_place, op_resolve;
void buffer_drop(struct open_file *file);
serve_handler op_buffer, op_read, op_write, op_seek, op_fstat, op_fsetattr, op_readdir, op_fsync, op_lock, op_ioctl, op_poll, op_map, op_describe,
	op_flags, op_owner, op_lease, op_notify, op_info, op_watch, op_kind, op_seals, op_flush, op_allocate, op_fgetxattr, op_fsetxattr, op_flistxattr, op_fremovexattr,
	op_fstatfs;

/* Shared by path and open-file forms. */
long node_getattr(struct request *request, struct node node);
long node_setattr(struct request *request, struct node node, unsigned mask, const unsigned char *data, size_t bytes);
long node_statfs(struct request *request, struct node node);
long node_getxattr(struct request *request, struct node node, const char *name, size_t length);
long node_setxattr(struct request *request, struct node node, const char *text, size_t length, unsigned flags);
long node_listxattr(struct request *request, struct node node);
long node_removexattr(struct node node, const char *name, size_t length);
/* Size 0 for O_TRUNC. */
long node_truncate(struct node node);

/* ---- poll.c ---- */
/* An open file goes: its armings too. */
void poll_forget(struct open_file *file);

/* ---- lock_ops.c ---- */
void locks_closed(struct open_file *file);
/* Who waits for a lock waits for files to be closed. */
extern struct lock_table serve_locks;
/* The file's locks, as /proc/PID/fdinfo of that process shows them. Returns the length. */
size_t locks_text(const struct open_file *file, unsigned pid, const struct file_info *info, char *text, size_t size);
void locks_sweep(void); /* some process with POSIX locks has ended */

#endif
