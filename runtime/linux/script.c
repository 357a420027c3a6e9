#include "runtime/linux/script.h"

#include "lib/errno.h"
#include "lib/string.h"

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

static const char *skip_blanks(const char *at, const char *end)
{
	while (at < end && blank(*at))
		at++;
	return at;
}

static const char *skip_word(const char *at, const char *end)
{
	while (at < end && !blank(*at) && *at)
		at++;
	return at;
}

bool script_parse(const char *head, size_t size, struct script *script, int *error)
{
	size_t n = MIN(size, (size_t)SCRIPT_LINE);
	const char *end, *word;

	if (n < 2 || head[0] != '#' || head[1] != '!')
		return false;
	*error = -ENOEXEC;
	end = memchr(head, '\n', n);
	if (!end) {
		/* cut off: acceptable only if at least the interpreter's name is whole */
		end = head + n;
		word = skip_blanks(head + 2, end);
		if (size >= SCRIPT_LINE && skip_word(word, end) == end)
			return true;
	}
	while (end > head + 2 && blank(end[-1]))
		end--;
	script->interp = skip_blanks(head + 2, end);
	word = skip_word(script->interp, end);
	script->interp_length = (size_t)(word - script->interp);
	if (!script->interp_length)
		return true;
	script->argument = skip_blanks(word, end);
	script->argument_length = strnlen(script->argument, (size_t)(end - script->argument));
	*error = 0;
	return true;
}
