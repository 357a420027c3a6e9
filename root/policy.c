#include "root/policy.h"

#include "lib/string.h"

#define ALL (POLICY_READ | POLICY_WRITE | POLICY_EXECUTE | POLICY_CREATE)

struct rule {
	u32 role;
	const char *prefix; /* matches the path itself and everything below */
	size_t length;      /* of prefix */
	unsigned rights;
};

#define PREFIX(text) text, sizeof(text) - 1

/* The first rule that matches decides; none: denied. */
static const struct rule rules[] = {
	{ ROLE_SYSTEM, PREFIX(""), ALL },
	{ ROLE_SERVICE, PREFIX(""), ALL },
	{ ROLE_USER, PREFIX("/sys"), POLICY_READ },
	{ ROLE_USER, PREFIX("/proc/sys"), POLICY_READ },
	{ ROLE_USER, PREFIX("/boot"), POLICY_READ },
	{ ROLE_USER, PREFIX(""), ALL },
};

static bool matches(const struct rule *rule, const char *path, size_t length)
{
	size_t n = rule->length;

	return !n || (n <= length && !memcmp(rule->prefix, path, n) && (n == length || path[n] == '/'));
}

bool policy_allows_most(u32 role)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].role == role && !rules[i].length)
			return rules[i].rights == ALL;
	return false;
}

const char *policy_exception(u32 role, unsigned nth)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].role == role && rules[i].length && !nth--)
			return rules[i].prefix;
	return NULL;
}

bool policy_allows(u32 role, const char *path, size_t length, unsigned rights)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].role == role && matches(&rules[i], path, length))
			return !(rights & ~rules[i].rights);
	return false;
}
