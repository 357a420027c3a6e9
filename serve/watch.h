/* Watches on nodes, for inotify: what happens to them is told to the event server (abi/inotify.h). The framework's own; servers see only watch_node_gone. */
#ifndef SERVE_WATCH_H
#define SERVE_WATCH_H

#include "abi/inotify.h"
#include "serve/file.h"

/* How many watches there are: 0 as a rule, and then nothing below costs more than this test. */
extern unsigned watch_count;

/* All INOTIFY_ events; a directory's ISDIR is added. Call only if watch_count. */
void watch_tell_node(struct node node, unsigned mode, unsigned events);   /* watches of the node itself */
void watch_tell(struct node node, unsigned mode, unsigned events);        /* and of its directory, by its name there */
void watch_tell_file(const struct open_file *file, unsigned events);      /* the same, of what was done by a descriptor */
/* To watches of the directory. mode: of what the name is or was of. */
void watch_tell_name(struct node directory, const char *name, size_t length, unsigned mode, unsigned events, u32 cookie);
u32 watch_cookie(void);
/* Nodes that have gone meanwhile: DELETE_SELF, IGNORED. */
void watch_tell_gone(void);

/* Beside INOTIFY_ events, for F_NOTIFY: a name was changed within its directory. */
#define WATCH_RENAMED 0x08000000u
/* ---- notify.c: F_NOTIFY. Who wishes counts in watch_count, too ---- */
extern unsigned notify_count;
void notify_tell(u64 id, unsigned events);
void notify_drop(struct open_file *file);

/* A request of that label was answered so. */
void watch_answered(const struct open_file *file, unsigned label, long result);
/* The open file of a watch goes. */
void watch_closed(struct open_file *file);

#endif
