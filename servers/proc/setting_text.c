#include "servers/proc/setting_text.h"

#include "lib/errno.h"

#define NUMBER_LENGTH_MAX 20 /* Linux looks at no more of a number */

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static unsigned digit_value(char c)
{
	return c >= '0' && c <= '9' ? (unsigned)(c - '0') : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10 : 99;
}

/* The base that the digits are in, as C has it; *skip: how many characters say so. */
static unsigned base_of(const char *text, size_t length, size_t *skip)
{
	*skip = 0;
	if (length < 2 || text[0] != '0')
		return 10;
	if (length > 2 && (text[1] == 'x' || text[1] == 'X') && digit_value(text[2]) < 16) {
		*skip = 2;
		return 16;
	}
	return 8;
}

/* A number at the start of the text: its length, 0: there is none. */
static size_t number(const char *text, size_t length, u64 *value)
{
	size_t at, end = MIN(length, (size_t)NUMBER_LENGTH_MAX + 1);
	unsigned base = base_of(text, end, &at), digit;
	size_t first = at;

	for (*value = 0; at < end && (digit = digit_value(text[at])) < base; at++)
		if (__builtin_mul_overflow(*value, base, value) || __builtin_add_overflow(*value, digit, value))
			return 0;
	/* what comes next must be known */
	if (at == first || at > NUMBER_LENGTH_MAX || (at < length && text[at] != ' ' && text[at] != '\t' && text[at] != '\n'))
		return 0;
	return at;
}

long setting_text_parse(const char *text, size_t length, u64 *values, unsigned wanted, unsigned *count)
{
	size_t at = 0;

	for (*count = 0; *count < wanted; ++*count) {
		size_t taken;

		while (at < length && is_space(text[at]))
			at++;
		if (at == length)
			break;
		taken = number(text + at, length - at, &values[*count]);
		if (!taken)
			return -EINVAL;
		at += taken;
	}
	while (at < length && is_space(text[at]))
		at++;
	return *count ? (long)at : -EINVAL;
}
