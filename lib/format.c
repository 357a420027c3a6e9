#include "lib/format.h"
#include "lib/string.h"

struct out {
	format_emit *emit;
	void *ctx;
	size_t count;
};

/* One conversion as parsed. */
struct spec {
	bool left, zero, plus, space, alt;
	size_t width;
	bool has_precision;
	size_t precision;
	int size; /* log2 of the argument's bytes */
};

static void put(struct out *out, const char *text, size_t n)
{
	if (n)
		out->emit(out->ctx, text, n);
	out->count += n;
}

static void pad(struct out *out, char c, size_t n)
{
	char run[16];

	memset(run, c, MIN(n, sizeof(run)));
	for (; n > sizeof(run); n -= sizeof(run))
		put(out, run, sizeof(run));
	put(out, run, n);
}

static void put_text(struct out *out, const struct spec *spec, const char *text, size_t n)
{
	size_t fill = spec->width > n ? spec->width - n : 0;

	if (!spec->left)
		pad(out, ' ', fill);
	put(out, text, n);
	if (spec->left)
		pad(out, ' ', fill);
}

static void put_string(struct out *out, const struct spec *spec, const char *s)
{
	if (!s)
		s = "(null)";
	put_text(out, spec, s, spec->has_precision ? strnlen(s, spec->precision) : strlen(s));
}

/* The digits of `value` before `end` (none for 0); returns how many. */
static size_t digits_of(u64 value, unsigned base, bool upper, char *end)
{
	const char *set = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	size_t n = 0;

	for (; value; value /= base)
		end[-(long)++n] = set[value % base];
	return n;
}

static void put_number(struct out *out, const struct spec *spec, u64 value, unsigned base, bool upper,
		       const char *prefix)
{
	char digits[24], *end = digits + sizeof(digits);
	size_t n = digits_of(value, base, upper, end);
	size_t least = spec->has_precision ? spec->precision : 1;
	size_t zeros = least > n ? least - n : 0;
	size_t prefixed = strlen(prefix), used = prefixed + zeros + n;
	size_t fill = spec->width > used ? spec->width - used : 0;

	if (spec->zero && !spec->left && !spec->has_precision) {
		zeros += fill;
		fill = 0;
	}
	if (!spec->left)
		pad(out, ' ', fill);
	put(out, prefix, prefixed);
	pad(out, '0', zeros);
	put(out, end - n, n);
	if (spec->left)
		pad(out, ' ', fill);
}

static void put_signed(struct out *out, const struct spec *spec, s64 value)
{
	u64 magnitude = value < 0 ? 0 - (u64)value : (u64)value;
	const char *sign = value < 0 ? "-" : spec->plus ? "+" : spec->space ? " " : "";

	put_number(out, spec, magnitude, 10, false, sign);
}

/* va_list may be an array type: a struct lets it be passed on by address. */
struct args {
	va_list list;
};

static u64 take_unsigned(struct args *args, const struct spec *spec)
{
	if (spec->size == 3)
		return va_arg(args->list, u64);
	if (spec->size == 2)
		return va_arg(args->list, unsigned);
	return va_arg(args->list, unsigned) & (BIT(8 << spec->size) - 1);
}

static s64 take_signed(struct args *args, const struct spec *spec)
{
	if (spec->size == 3)
		return va_arg(args->list, s64);
	if (spec->size == 2)
		return va_arg(args->list, int);
	return spec->size ? (s16)va_arg(args->list, int) : (s8)va_arg(args->list, int);
}

static const char *parse_flags(const char *fmt, struct spec *spec)
{
	for (;; fmt++) {
		switch (*fmt) {
		case '-': spec->left = true; break;
		case '0': spec->zero = true; break;
		case '+': spec->plus = true; break;
		case ' ': spec->space = true; break;
		case '#': spec->alt = true; break;
		default: return fmt;
		}
	}
}

static const char *parse_count(const char *fmt, struct args *args, int *count)
{
	*count = 0;
	if (*fmt == '*') {
		*count = va_arg(args->list, int);
		return fmt + 1;
	}
	while (*fmt >= '0' && *fmt <= '9' && *count < 100000)
		*count = *count * 10 + (*fmt++ - '0');
	return fmt;
}

static const char *parse_size(const char *fmt, struct spec *spec)
{
	spec->size = 2;
	for (;; fmt++) {
		if (*fmt == 'l' || *fmt == 'z' || *fmt == 't' || *fmt == 'j')
			spec->size = 3;
		else if (*fmt == 'h')
			spec->size--;
		else
			return fmt;
		if (spec->size < 0)
			spec->size = 0;
	}
}

static const char *parse_spec(const char *fmt, struct args *args, struct spec *spec)
{
	int count;

	fmt = parse_flags(fmt, spec);
	fmt = parse_count(fmt, args, &count);
	if (count < 0) {
		spec->left = true;
		spec->width = (size_t)-(s64)count;
	} else {
		spec->width = (size_t)count;
	}
	if (*fmt == '.') {
		fmt = parse_count(fmt + 1, args, &count);
		spec->has_precision = count >= 0;
		spec->precision = spec->has_precision ? (size_t)count : 0;
	}
	return parse_size(fmt, spec);
}

/* False if `conversion` is not one of ours; then nothing was printed. */
static bool convert(struct out *out, const struct spec *spec, char conversion, struct args *args)
{
	u64 value;
	char c;

	switch (conversion) {
	case 'd':
	case 'i':
		put_signed(out, spec, take_signed(args, spec));
		return true;
	case 'u':
		put_number(out, spec, take_unsigned(args, spec), 10, false, "");
		return true;
	case 'o':
		put_number(out, spec, take_unsigned(args, spec), 8, false, "");
		return true;
	case 'x':
	case 'X':
		value = take_unsigned(args, spec);
		put_number(out, spec, value, 16, conversion == 'X',
			   !spec->alt || !value ? "" : conversion == 'X' ? "0X" : "0x");
		return true;
	case 'p':
		put_number(out, spec, (uintptr_t)va_arg(args->list, void *), 16, false, "0x");
		return true;
	case 's':
		put_string(out, spec, va_arg(args->list, const char *));
		return true;
	case 'c':
		c = (char)va_arg(args->list, int);
		put_text(out, spec, &c, 1);
		return true;
	case '%':
		put(out, "%", 1);
		return true;
	}
	return false;
}

/* What is no conversion. */
static const char *put_run(struct out *out, const char *fmt)
{
	const char *start = fmt;

	while (*fmt && *fmt != '%')
		fmt++;
	put(out, start, (size_t)(fmt - start));
	return fmt;
}

size_t vformat(format_emit *emit, void *ctx, const char *fmt, va_list list)
{
	struct out out = { .emit = emit, .ctx = ctx };
	struct args args;

	va_copy(args.list, list);
	while (*(fmt = put_run(&out, fmt))) {
		struct spec spec = { 0 };
		const char *start = fmt;

		fmt = parse_spec(fmt + 1, &args, &spec);
		if (*fmt && convert(&out, &spec, *fmt, &args))
			fmt++;
		else
			put(&out, start, (size_t)(fmt - start));
	}
	va_end(args.list);
	return out.count;
}

struct buffer {
	char *at;
	size_t left; /* for bytes, and the NUL */
};

static void buffer_emit(void *ctx, const char *text, size_t n)
{
	struct buffer *buffer = ctx;

	if (buffer->left <= 1)
		return;
	n = MIN(n, buffer->left - 1);
	memcpy(buffer->at, text, n);
	buffer->at += n;
	buffer->left -= n;
}

size_t vsnformat(char *buf, size_t size, const char *fmt, va_list args)
{
	struct buffer buffer = { .at = buf, .left = size };
	size_t length = vformat(buffer_emit, &buffer, fmt, args);

	if (size)
		*buffer.at = 0;
	return length;
}

size_t snformat(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;
	size_t length;

	va_start(args, fmt);
	length = vsnformat(buf, size, fmt, args);
	va_end(args);
	return length;
}
