#include "root/tree.h"

#include "abi/file.h"
#include "root/kcall.h"
#include "root/names.h"
#include "root/policy.h"
#include "root/services.h"

/*
 * Room also for Handles of before, which calls that are under way keep, and whoever has copied one. What is excluded only grows, a bit at a time, so that programs
 * cannot make root do this again and again.
 */
#define POOL_BITS 7
_Static_assert((1 << POOL_BITS) > (32 + 1) * ROLE_COUNT, "a Handle for each role and each bit that is excluded in turn");

static struct kobject pool;
static struct {
	u32 slot;     /* 0: none */
	u32 excluded;
} trees[ROLE_COUNT];
static u32 excluded_by_mounts; /* those that are gone, too */

/* `path` is not "/". */
static u32 bit_of(const char *path)
{
	return 1u << TREE_BIT((u8)path[1], path[2] ? (u8)path[2] : '/');
}

static u32 excluded_by_policy(u32 role)
{
	const char *path;
	u32 excluded = 0;

	if (!policy_allows_most(role))
		return TREE_ALL;
	for (unsigned i = 0; (path = policy_exception(role, i)); i++)
		if (path[0])
			excluded |= bit_of(path);
	return excluded;
}

static void drop(u32 role)
{
	if (!trees[role].slot)
		return;
	KCALL2(cap_delete, ROOT_CNODE, trees[role].slot);
	slot_free(trees[role].slot, 1);
	trees[role].slot = 0;
}

static void make(u32 role, const struct service *service)
{
	u32 excluded = excluded_by_mounts | excluded_by_policy(role), slot = excluded == TREE_ALL ? 0 : slot_alloc(1);
	u64 badge = BADGE_SERVICE | BADGE_TREE | (u64)mount_root->number << TREE_MOUNT_SHIFT | excluded;

	if (!slot)
		return;
	if (KCALL4(handle_mint, SYS(pool.slot), SYS(service->endpoint.slot), badge, SYS(slot))) {
		slot_free(slot, 1);
		return;
	}
	trees[role].slot = slot;
	trees[role].excluded = excluded;
}

static void make_all(void)
{
	const struct service *service = mount_root ? service_get(mount_root->service) : NULL;

	for (u32 role = 0; role < ROLE_COUNT; role++)
		drop(role);
	if (!service || !service->present || (!pool.slot && kobject_create(&pool, OBJECT_HANDLE_POOL, POOL_BITS)))
		return;
	for (u32 role = 0; role < ROLE_COUNT; role++)
		make(role, service);
}

void trees_begin(void)
{
	const struct mount *mount;

	for (unsigned i = 0; (mount = mount_nth(i)); i++)
		if (mount->length)
			excluded_by_mounts |= bit_of(mount->path);
	trees_renew();
}

void trees_exclude(const char *path)
{
	if (excluded_by_mounts & bit_of(path))
		return;
	excluded_by_mounts |= bit_of(path);
	trees_renew();
}

void trees_renew(void)
{
	make_all();
	list_for_each_entry(p, &process_list, struct process, all) {
		if (p->state != PROCESS_ALIVE || !p->system_cnode.slot || p->service)
			continue;
		tree_fill(p);
		process_publish(p);
	}
}

/* One with a root directory of its own names paths that are not the mount table's. */
static u32 slot_for(const struct process *process)
{
	return process->chroot_path || process->service ? 0 : trees[process->role].slot;
}

void tree_fill(const struct process *process)
{
	u64 cnode = SYS(process->system_cnode.slot);
	u32 slot = slot_for(process);

	if (slot)
		cap_put(cnode, SLOT_TREE, slot, RIGHT_SEND);
	else
		KCALL2(cap_delete, cnode, SLOT_TREE);
}

u32 tree_excluded(const struct process *process)
{
	return slot_for(process) ? trees[process->role].excluded : TREE_ALL;
}
