/* Page faults as the kernel reports them, and what happens when memory has run out. */
#include "lib/errno.h"
#include "root/log.h"
#include "root/oom.h"
#include "root/operations.h"
#include "root/root.h"
#include "root/space.h"

#define ERROR_WRITE 2u
#define ERROR_FETCH 16u

static unsigned access_of(u64 error)
{
	if (error & ERROR_FETCH)
		return REGION_EXEC;
	return error & ERROR_WRITE ? REGION_WRITE : REGION_READ;
}

static enum touch touch_reported(struct request *request)
{
	const u64 *m = request->m;
	struct page_entry entry = { .pfn = m[4] >> PAGE_SHIFT, .rights = m[4] & 7, .count = m[5] };
	struct region *region = space_region(request->caller->space, m[0]);

	if (!region)
		return TOUCH_NO_REGION;
	return region_touch(region, m[0], access_of(m[2]), &entry);
}

static long verdict(enum touch result)
{
	switch (result) {
	case TOUCH_OK:
		return FAULT_RESUME;
	case TOUCH_NO_ACCESS:
		return FAULT_DELIVER | FAULT_REASON_ACCESS;
	case TOUCH_BUS:
		return FAULT_DELIVER | FAULT_REASON_BUS;
	default:
		return FAULT_DELIVER;
	}
}

long fault_handle(struct request *request)
{
	u64 principal = request->caller->principal;
	enum touch result = touch_reported(request);

	while (result == TOUCH_NO_MEMORY) {
		if (!oom_kill())
			return FAULT_DELIVER | FAULT_REASON_BUS;
		if (!thread_by_principal(principal)) {
			KCALL2(cap_delete, ROOT_CNODE, request->reply);
			return RESULT_LATER;
		}
		/* The kernel's report is old: the page may have gone or lost its sharers. */
		result = space_touch(request->caller->space, request->m[0], access_of(request->m[2]));
	}
	return verdict(result);
}
