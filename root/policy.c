#include "root/policy.h"

#include "lib/string.h"

#define ALL (POLICY_READ | POLICY_WRITE | POLICY_EXECUTE | POLICY_CREATE)

struct rule {
	u32 role;
	const char *prefix; /* matches the path itself and everything below */
	unsigned rights;
};

/* The first rule that matches decides; none: denied. */
static const struct rule rules[] = {
	{ ROLE_SYSTEM, "", ALL },
	{ ROLE_SERVICE, "", ALL },
	{ ROLE_USER, "/sys", POLICY_READ },
	{ ROLE_USER, "/boot", POLICY_READ },
	{ ROLE_USER, "", ALL },
};

static bool matches(const struct rule *rule, const char *path, size_t length)
{
	size_t n = strlen(rule->prefix);

	return n <= length && !memcmp(rule->prefix, path, n) && (n == length || path[n] == '/');
}

bool policy_allows(u32 role, const char *path, size_t length, unsigned rights)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].role == role && matches(&rules[i], path, length))
			return !(rights & ~rules[i].rights);
	return false;
}
