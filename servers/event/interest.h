/*
 * The interest list of an epoll instance: abi/event.h says what each operation means. Pure but for memory_take and memory_free.
 */
#ifndef EVENT_INTEREST_H
#define EVENT_INTEREST_H

#include "abi/event.h"
#include "lib/rbtree.h"
#include "servers/event/nesting.h"

struct interest {
	struct rb_tree by_key, by_id;
	struct nest nest;
	u64 generation;
	u32 count, next_id;
	u32 most; /* entries that it may have: the owner's to say */
	/* Where the last listing ended, while the generation stays. */
	struct {
		u64 generation;
		u32 index;
		struct rb_node *node;
	} cursor;
};

struct interest_identity {
	u64 endpoint, badge;
};

void interest_init(struct interest *list);
void interest_clear(struct interest *list);

/* 0, -EEXIST, -ENOSPC, -ENOMEM, or -ELOOP of an instance. `pid` is the process that adds; `inner`: the instance that it adds, or NULL. */
int interest_add(struct interest *list, u32 pid, u32 descriptor, struct interest_identity who, u32 events, u64 data, struct interest *inner);
/* 0 or -ENOENT */
int interest_modify(struct interest *list, u32 descriptor, struct interest_identity who, u32 events, u64 data);
int interest_delete(struct interest *list, u32 descriptor, struct interest_identity who);
/* Whether an entry went. */
bool interest_forget(struct interest *list, u32 pid, u32 descriptor, struct interest_identity who);

/* Copies entries from the index-th on; returns how many. */
size_t interest_list(struct interest *list, u32 index, struct epoll_entry *to, size_t max);

/* Whether the claimed events may be reported; remembers that they were. */
bool interest_claim(struct interest *list, const struct epoll_claim *claim);

#endif
