#include "runtime/linux/start_stack.h"

#include "lib/string.h"

#define AT_NULL     0
#define AT_PLATFORM 15
#define AT_RANDOM   25
#define AT_EXECFN   31

static const char platform[] = "x86_64";

struct cursor {
	char *memory; /* the end, in the memory being written */
	u64 top, at;  /* the end's address; the lowest address in use */
};

static void *cursor_memory(const struct cursor *c)
{
	return c->memory - (c->top - c->at);
}

static u64 push(struct cursor *c, const void *bytes, size_t n)
{
	c->at -= n;
	memcpy(cursor_memory(c), bytes, n);
	return c->at;
}

static size_t words_size(const struct stack_content *content)
{
	return (1 + content->argc + 1 + content->envc + 1 + 2 * (content->auxv_count + 4)) * sizeof(u64);
}

size_t stack_size(const struct stack_content *content)
{
	return 8 + strlen(content->execfn) + 1 + content->envp_bytes + content->argv_bytes + sizeof(platform) + 16 + 32 + words_size(content);
}

/* The addresses of `count` strings that lie at `at`, and a zero. */
static u64 *put_pointers(u64 *to, const char *strings, unsigned int count, u64 at)
{
	for (unsigned int i = 0; i < count; i++) {
		size_t n = strlen(strings) + 1;

		*to++ = at;
		at += n;
		strings += n;
	}
	*to++ = 0;
	return to;
}

static u64 *put_aux(u64 *to, u64 type, u64 value)
{
	to[0] = type;
	to[1] = value;
	return to + 2;
}

void stack_build(char *memory, u64 top, const struct stack_content *content, struct stack_places *places)
{
	struct cursor c = { memory, top, top };
	const u64 zero = 0;
	u64 execfn, platform_at, random;
	u64 *to;

	push(&c, &zero, sizeof(zero));
	execfn = push(&c, content->execfn, strlen(content->execfn) + 1);
	places->env_end = c.at;
	places->env_start = push(&c, content->envp, content->envp_bytes);
	places->arg_end = c.at;
	places->arg_start = push(&c, content->argv, content->argv_bytes);
	platform_at = push(&c, platform, sizeof(platform));
	random = push(&c, content->random, 16);
	c.at = ALIGN_DOWN(c.at - words_size(content), 16);
	places->sp = c.at;

	to = cursor_memory(&c);
	*to++ = content->argc;
	to = put_pointers(to, content->argv, content->argc, places->arg_start);
	to = put_pointers(to, content->envp, content->envc, places->env_start);
	for (size_t i = 0; i < content->auxv_count; i++)
		to = put_aux(to, content->auxv[i][0], content->auxv[i][1]);
	to = put_aux(to, AT_RANDOM, random);
	to = put_aux(to, AT_EXECFN, execfn);
	to = put_aux(to, AT_PLATFORM, platform_at);
	put_aux(to, AT_NULL, 0);
}

size_t strings_size(const char *strings, size_t size, unsigned int count, bool *ok)
{
	size_t used = 0;

	*ok = true;
	for (unsigned int i = 0; i < count; i++) {
		const char *end = used < size ? memchr(strings + used, 0, size - used) : NULL;

		if (!end) {
			*ok = false;
			return 0;
		}
		used = (size_t)(end - strings) + 1;
	}
	return used;
}
