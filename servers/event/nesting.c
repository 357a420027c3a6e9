#include "servers/event/nesting.h"

#include "lib/types.h"

/* Each look has its number, so that an instance that many lists have is gone through once a look. */
static u64 look;

void nest_init(struct nest *nest)
{
	*nest = (struct nest){ 0 };
	list_init(&nest->inner);
	list_init(&nest->outer);
}

void nest_end(struct nest *nest)
{
	list_for_each_safe(node, &nest->outer)
		nest_cut(list_entry(node, struct nest_link, of_inner));
}

/* Links in the longest chain from here on. The recursion is as deep as that, which is NEST_DEPTH_MAX at most. */
static unsigned chain_down(struct nest *nest)
{
	if (nest->seen_down == look)
		return nest->down;
	nest->seen_down = look;
	nest->down = 0;
	list_for_each_entry(link, &nest->inner, struct nest_link, of_outer)
		nest->down = MAX(nest->down, chain_down(link->to) + 1);
	return nest->down;
}

static unsigned chain_up(struct nest *nest)
{
	if (nest->seen_up == look)
		return nest->up;
	nest->seen_up = look;
	nest->up = 0;
	list_for_each_entry(link, &nest->outer, struct nest_link, of_inner)
		nest->up = MAX(nest->up, chain_up(link->from) + 1);
	return nest->up;
}

bool nest_may_link(struct nest *from, struct nest *to)
{
	look++;
	if (chain_down(to) + 1 + chain_up(from) > NEST_DEPTH_MAX)
		return false;
	/* the look down from `to` came by `from`: a cycle */
	return from != to && from->seen_down != look;
}

void nest_connect(struct nest_link *link, struct nest *from, struct nest *to)
{
	link->from = from;
	link->to = to;
	list_push_back(&from->inner, &link->of_outer);
	list_push_back(&to->outer, &link->of_inner);
}

void nest_cut(struct nest_link *link)
{
	if (!link->to)
		return;
	list_remove(&link->of_outer);
	list_remove(&link->of_inner);
	link->from = link->to = NULL;
}
