#include "root/settings.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "root/limits.h"
#include "root/log.h"
#include "root/object.h"
#include "root/operations.h"
#include "root/policy.h"
#include "root/services.h"

static u64 values[SETTING_COUNT] = {
#define X(name, first, least, most) [SETTING_##name] = first,
	SETTINGS(X)
#undef X
};

static const struct {
	u64 least, most;
} bounds[SETTING_COUNT] = {
#define X(name, first, least, most) [SETTING_##name] = { least, most },
	SETTINGS(X)
#undef X
};

_Static_assert(sizeof(values) <= PAGE_SIZE, "settings are one page");

static struct object *shown;

u64 setting(enum setting which)
{
	return values[which];
}

struct object *settings_object(void)
{
	return shown;
}

/* Each word is stored as one, so a server sees the old value or the new. */
static void show(void)
{
	pfn_t replaced, pfn = object_page(shown, 0, true, &replaced);
	volatile u64 *page = pfn ? page_virt(pfn) : NULL;

	if (!page)
		root_panic("no memory for the settings; give the machine more");
	for (unsigned i = 0; i < SETTING_COUNT; i++)
		page[i] = values[i];
}

void settings_init(void)
{
	shown = object_create(PAGE_SIZE, ROLE_SYSTEM);
	if (!shown)
		root_panic("no memory for the settings; give the machine more");
	show();
}

/* ---- changing ---- */

static u64 round_pipe_size(u64 size)
{
	u64 rounded = PAGE_SIZE;

	while (rounded < size)
		rounded *= 2;
	return rounded;
}

/* The ports that the system chooses are a range, above those for which one must be privileged. */
static bool ports_fit(const u64 new[SETTING_COUNT])
{
	return new[SETTING_PORT_FIRST] <= new[SETTING_PORT_LAST] && new[SETTING_PORT_FIRST] >= new[SETTING_PORT_UNPRIVILEGED];
}

static long check(const u64 new[SETTING_COUNT], u64 first, u64 count)
{
	for (u64 i = first; i < first + count; i++)
		if (new[i] < bounds[i].least || new[i] > bounds[i].most)
			return i == SETTING_SEM_SETS ? -ERANGE : -EINVAL;
	return ports_fit(new) ? 0 : -EINVAL;
}

long op_SETTING(struct request *request)
{
	u64 first = request->m[0], count = request->m[1], new[SETTING_COUNT];
	long error;

	if (!service_may(request->caller->process, SERVICE_PROCESSES))
		return -EPERM;
	if (first >= SETTING_COUNT || !count || count > SETTINGS_AT_ONCE || count > SETTING_COUNT - first)
		return -EINVAL;
	memcpy(new, values, sizeof(new));
	memcpy(&new[first], &request->m[2], count * sizeof(new[0]));
	error = check(new, first, count);
	if (error)
		return error;
	new[SETTING_PIPE_MAX_SIZE] = round_pipe_size(new[SETTING_PIPE_MAX_SIZE]);
	memcpy(values, new, sizeof(values));
	show();
	limits_setting_changed();
	return 0;
}
