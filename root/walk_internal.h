/* Between the files of walks: walk.c (start, send), walk_continue.c, walk_place.c, walk_reopen.c, walk_text.c. See walk.c for the theory. */
#ifndef ROOT_WALK_INTERNAL_H
#define ROOT_WALK_INTERNAL_H

#include "lib/string.h"
#include "root/names.h"
#include "root/root.h"

#define WALK_LINKS_MAX 40
#define PLACE_TEXT 224 /* longer paths are asked for each time */

/* What was asked of the server that has the caller now: it may continue the walk only by an answer to that. */
enum stage { STAGE_NONE, STAGE_PLACE, STAGE_WALK, STAGE_RESOLVE, STAGE_LOCATE, STAGE_FILE, STAGE_INFO };

/* What a server said, copied. */
struct continuation {
	u64 kind;
	const struct mount *mount;
	const char *prefix, *link, *rest;
	u64 prefix_length, link_length, rest_length;
	u64 m5, m6, m7;
};

/* ---- the path being made: one walk step at a time runs ---- */

ROOT_DATA char text_bytes[2 * PATH_LIMIT + 512];
ROOT_DATA size_t text_length;

/* 0 or -ENAMETOOLONG. */
void text_start(void);
int text_add(const char *bytes, size_t length);
int text_join(const char *bytes, size_t length); /* a component boundary, then bytes */
int text_add_chroot(const struct thread *thread);
int text_prefix(const struct continuation *c); /* starts anew with mount and prefix */
bool text_inside_chroot(const struct thread *thread, size_t length);
/* As a path of the client's: below its root directory. */
const char *text_visible(const struct thread *thread, size_t *length);

int walk_text_save(struct walk_text *saved, const void *data, size_t length);
void walk_text_free(struct walk_text *saved);

/* Whether texts of servers and clients may stand in a path. */
static inline bool text_clean(const char *bytes, size_t length)
{
	return !length || !memchr(bytes, 0, length);
}

/* ---- steps: a result, or RESULT_LATER: the caller was forwarded or waits ---- */

/* link and rename: each path is resolved by itself first. */
bool walk_resolves(const struct walk *walk);
/* POLICY_ rights that the walk's operation needs on the path it ends at. */
unsigned walk_rights(const struct walk *walk);
/* The path being made is absolute: on to its mount. `request` is NULL when a service has come for a walk that waited. */
long walk_go(struct thread *thread, struct request *request, u32 reply);
/* From a path as the client gave it. */
long walk_begin(struct thread *thread, struct request *request, const char *path, size_t length, u64 base);

/* Whether a path may start there. */
bool walk_is_base(u64 cptr, const struct thread *thread);
/* Records of where open directories are (place.c). */
struct place {
	u64 badge, names;
	u16 service, length;
	const struct mount *mount;
	char text[PLACE_TEXT];   /* absolute and normal, without a slash at its end: the root directory's is empty */
};
/* Where the directory is that the caller names by that cptr; NULL: its server has to be asked. */
const struct place *place_find(const struct thread *thread, u64 cptr);
/* The text is what the service says of its open file. */
void place_keep(u16 service, const struct continuation *c);

/* Asks the base directory's server for its place; the rest of the path waits in walk->path. */
long walk_ask_place(struct thread *thread, struct request *request, u64 base);
long walk_placed(struct thread *thread, struct request *request, const struct continuation *c);

/* The open file that the process names by that cptr; false: none, or its server is gone. */
bool file_named(const struct process *process, const struct files *files, u64 cptr, struct walk_file *file);
/*
 * An operation on an open file in the walk's name, on root's own word: to the server's Endpoint with the file's badge in m[6], which no one else
 * can send.
 */
long walk_send_to_file(struct thread *thread, u32 reply, struct walk_file file, unsigned label, u64 m[MESSAGE_WORDS], u64 bytes);

/* openat2's restrictions (walk_restrict.c): 0 or the errno that Linux has for what they forbid. */
int walk_restrict_start(struct walk *walk, const struct mount *mount); /* the text is where the walk starts */
int walk_restrict_link(const struct walk *walk, bool absolute);
int walk_restrict_magic(const struct walk *walk);
int walk_restrict_mount(const struct walk *walk, const struct mount *mount);
int walk_restrict_step(const struct walk *walk);
int walk_restrict_root(const struct thread *thread); /* starts the text with what an absolute link begins at */

long walk_describe(struct thread *thread, struct request *request, const struct continuation *c);
long walk_reopen(struct thread *thread, struct request *request, const struct continuation *c);
/* The walk's end is that open file, or, with a rest, starts there. */
long walk_to_file(struct thread *thread, struct request *request, struct walk_file file, const struct continuation *c);
/* FILE_LOCATE is answered: the policy may look at the path. */
long walk_located(struct thread *thread, struct request *request, const struct continuation *c);
/* FILE_INFO is answered (walk_info.c). */
long walk_informed(struct thread *thread, struct request *request, const struct continuation *c);

#endif
