/* Every page's use looked up anew, for tests: what root believes, what the kernel counts and what is really there must agree. */
#include "lib/errno.h"
#include "lib/string.h"
#include "root/log.h"
#include "root/object.h"
#include "root/operations.h"
#include "root/root.h"

#if DEBUG

/* ---- what the records name ---- */

struct named {
	u64 tables, objects, pinned;
};

/* Objects without a name live as long as somebody maps them; each is counted at the first of its regions. */
static u64 unnamed_present(const struct space *space)
{
	u64 present = 0;

	for (struct region *r = region_first(&space->regions); r; r = region_next(r))
		if (r->object && !r->object->named && list_first_entry(&r->object->regions, struct region, object_node) == r)
			present += r->object->present;
	return present;
}

static void add_space(struct named *named, const struct space *space)
{
	named->tables += space->table_count;
	named->objects += unnamed_present(space);
	named->pinned += space->info_page != 0;
	for (unsigned i = 0; i < GATE_SHARED_MAX; i++)
		named->pinned += space->shared_pages[i] != 0;
}

/* Whether t comes first, in the order of the lists, of those that run in its address space. */
static bool first_of_space(const struct thread *t)
{
	list_for_each_entry(p, &process_list, struct process, all)
		list_for_each_entry(other, &p->threads, struct thread, in_process)
			if (other->space == t->space)
				return other == t;
	return false;
}

static struct named look_up(void)
{
	struct named named = { .objects = objects_named_present() };

	list_for_each_entry(p, &process_list, struct process, all) {
		list_for_each_entry(t, &p->threads, struct thread, in_process) {
			named.pinned += 3; /* context and messages */
			if (first_of_space(t))
				add_space(&named, t->space);
		}
	}
	return named;
}

/* ---- what the pages say ---- */

static void add_page(struct audit_info *audit, u64 by_type[PAGE_TYPE_COUNT], pfn_t pfn, u32 count)
{
	enum page_type type = page_type(pfn);

	by_type[type]++;
	audit->free_counted += type == PAGE_FREE && count;
	audit->anonymous_lost += type == PAGE_ANON && !count;
	audit->tables_lost += type == PAGE_TABLE && !count;
	audit->boot_counted += type == PAGE_FIXED && count;
}

static void look_at_pages(struct audit_info *audit, u64 by_type[PAGE_TYPE_COUNT])
{
	struct kvalues v;

	for (pfn_t pfn = 0; pfn < page_limit; pfn += v.v0) {
		const u32 *counts = (const u32 *)root_words();

		MUST(kobject_call(KCALL_system_frames, SYS(ROOT_SLOT_SYSTEM), pfn, 0, 0, 0, 0, 0, &v));
		if (!v.v0)
			break;
		for (u64 i = 0; i < v.v0 && pfn + i < page_limit; i++)
			add_page(audit, by_type, pfn + i, counts[i]);
	}
}

static u64 difference(u64 a, u64 b)
{
	return a > b ? a - b : b - a;
}

long op_AUDIT(struct request *request)
{
	struct audit_info audit = { 0 };
	u64 by_type[PAGE_TYPE_COUNT] = { 0 };
	struct named named = look_up();
	struct kvalues v;

	if (!request->caller->process->service)
		return -EPERM;
	if (kobject_call(KCALL_system_audit, SYS(ROOT_SLOT_SYSTEM), 0, 0, 0, 0, 0, 0, &v))
		return -EIO;
	audit.frames_wrong = v.v0;
	look_at_pages(&audit, by_type);
	audit.tables_lost += difference(by_type[PAGE_TABLE], named.tables);
	audit.objects_lost = difference(by_type[PAGE_OBJECT], named.objects);
	audit.pinned_lost = difference(by_type[PAGE_PINNED], named.pinned);
	for (unsigned type = PAGE_ANON; type < PAGE_TYPE_COUNT; type++)
		audit.types_wrong += by_type[type] != memory_counts.by_type[type];
	/* Blocks that hold kernel objects are taken as a whole; their pages say that they are free. */
	audit.types_wrong += by_type[PAGE_FREE] < memory_counts.free_pages || (by_type[PAGE_FREE] - memory_counts.free_pages) % BLOCK_PAGES;
	memcpy(root_message()->data, &audit, sizeof(audit));
	request->out_bytes = sizeof(audit);
	return 0;
}

#else

long op_AUDIT(struct request *request)
{
	(void)request;
	return -ENOSYS;
}

#endif
