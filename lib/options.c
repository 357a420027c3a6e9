#include "lib/options.h"

#include "lib/string.h"

const char *option_value(const char *line, const char *name, size_t *length)
{
	const char *found = NULL;
	size_t word, n = strlen(name);

	for (; *line; line += word) {
		while (*line == ' ')
			line++;
		for (word = 0; line[word] && line[word] != ' '; word++)
			;
		if (word == 2 && !strncmp(line, "--", 2))
			break;
		if (word <= n || strncmp(line, name, n) || line[n] != '=')
			continue;
		found = line + n + 1;
		*length = word - n - 1;
	}
	return found;
}
