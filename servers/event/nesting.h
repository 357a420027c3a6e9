/*
 * Which epoll instance has which in its list: a graph without cycles, and with no chain of more than NEST_DEPTH_MAX links, as on Linux, so that who asks
 * whether an instance is ready comes to an end. Both directions are kept: how deep a new link makes a chain depends on what lies above it and below.
 */
#ifndef EVENT_NESTING_H
#define EVENT_NESTING_H

#include "lib/list.h"

#define NEST_DEPTH_MAX 4

/* An instance. */
struct nest {
	struct list_node inner; /* nest_link.of_outer, of the links that lead from here */
	struct list_node outer; /* nest_link.of_inner, of those that lead here */
	u64 seen_down, seen_up; /* the look that last came by */
	unsigned down, up;      /* and the longest chain it found */
};

/* An entry of a list. Zeroed memory is no link. */
struct nest_link {
	struct list_node of_outer, of_inner;
	struct nest *from, *to;
};

void nest_init(struct nest *nest);
/* The instance goes: no link leads to it any more. Those from it must be cut already. */
void nest_end(struct nest *nest);
/* Whether `from` may have `to` in its list. */
bool nest_may_link(struct nest *from, struct nest *to);
void nest_connect(struct nest_link *link, struct nest *from, struct nest *to);
/* Nothing, where there is no link. */
void nest_cut(struct nest_link *link);

#endif
