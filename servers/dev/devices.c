/*
 * The memory devices (Linux drivers/char/mem.c), the random generator and the log.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "servers/dev/dev.h"
#include "servers/dev/random.h"

#include <cpuid.h>

/* ---- null, zero, full ---- */

static long read_nothing(struct request *request, size_t length)
{
	(void)request;
	(void)length;
	return 0;
}

static long read_zeros(struct request *request, size_t length)
{
	return (long)request_give_zeros_result(request, length);
}

static long write_anywhere(struct request *request, size_t length)
{
	(void)request;
	return (long)length;
}

static long write_no_room(struct request *request, size_t length)
{
	(void)request;
	(void)length;
	return -ENOSPC;
}

/* A mapping of /dev/zero is anonymous memory: root makes it, as for mmap without a file. */
static long map_anonymous(void)
{
	struct request *request = serve_request;
	unsigned long m[8];

	memcpy(m, request->m, sizeof(m));
	m[3] |= LINUX_MAP_ANONYMOUS;
	return request_forward(request, SLOT_ROOT, PROC_MAP, m, 0, false);
}

const struct device device_null = { .read = read_nothing, .write = write_anywhere, .unpolled = true };
const struct device device_zero = { .read = read_zeros, .write = write_anywhere, .map = map_anonymous, .unpolled = true };
const struct device device_full = { .read = read_zeros, .write = write_no_room, .unpolled = true };

/* ---- random ---- */

static struct random generator;

#define RNDGETENTCNT 0x80045200u
#define POOL_BITS    256
#define RESEED_BYTES 65536 /* the processor's source is asked again after so many bytes */
static size_t since_seed;

static bool has_rdrand(void)
{
	unsigned a, b, c, d;

	return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_RDRND);
}

/* RDRAND may fail for a moment: ten tries, as Intel's guide says. */
static bool rdrand(u64 *value)
{
	for (int i = 0; i < 10; i++) {
		bool ok;

		__asm__ volatile("rdrand %0" : "=r"(*value), "=@ccc"(ok));
		if (ok)
			return true;
	}
	return false;
}

static void mix_processor(void)
{
	u64 words[4];
	unsigned count = 0;

	while (count < ARRAY_SIZE(words) && rdrand(&words[count]))
		count++;
	random_mix(&generator, words, count * sizeof(words[0]));
}

static void reseed(void)
{
	u64 now = kernel_monotonic();

	random_mix(&generator, &now, sizeof(now));
	if (has_rdrand())
		mix_processor();
	since_seed = 0;
}

void device_random_start(void)
{
	u64 clock = kernel_realtime();

	random_mix(&generator, serve_info()->random, sizeof(serve_info()->random));
	random_mix(&generator, &clock, sizeof(clock));
	reseed();
}

static long random_read(struct request *request, size_t length)
{
	static u8 chunk[8192];
	size_t done = 0;

	while (done < length) {
		size_t n = MIN(length - done, sizeof(chunk)), given;

		random_bytes(&generator, chunk, n);
		given = request_give(request, chunk, n);
		done += given;
		if (given < n)
			break;
	}
	memset(chunk, 0, MIN(length, sizeof(chunk)));
	since_seed += done;
	if (since_seed > RESEED_BYTES)
		reseed();
	return (long)done;
}

static long random_write(struct request *request, size_t length)
{
	u8 chunk[256];
	size_t done = 0;

	while (done < length) {
		size_t n = MIN(length - done, sizeof(chunk)), taken = request_take(request, chunk, n);

		random_mix(&generator, chunk, taken);
		done += taken;
		if (taken < n)
			break;
	}
	return (long)done;
}

static long random_ioctl(struct request *request, unsigned command)
{
	int bits = POOL_BITS;

	if (command != RNDGETENTCNT)
		return -EINVAL; /* Linux's answer here, not ENOTTY */
	request_give(request, &bits, sizeof(bits));
	return 0;
}

const struct device device_random = { .read = random_read, .write = random_write, .ioctl = random_ioctl };
const struct device device_urandom = { .read = random_read, .write = random_write, .ioctl = random_ioctl, .unpolled = true };

/* ---- kmsg ---- */

#define LINE_MAX 976 /* as Linux's LOG_LINE_MAX: more is cut */

/* The log can be written here, not read: it is on the console and in the boot log. */
static long kmsg_open(struct open_file *file)
{
	return (file->flags & LINUX_O_ACCMODE) == LINUX_O_RDONLY ? -EPERM : 0;
}

static long kmsg_read(struct request *request, size_t length)
{
	(void)request;
	(void)length;
	return -EPERM;
}

/* "<N>text": syslog's level is in N's low three bits. */
static int take_level(const char **line)
{
	static const int levels[8] = { LOG_ERROR, LOG_ERROR, LOG_ERROR, LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_INFO, LOG_DEBUG };
	const char *end;
	u64 level;

	if (**line != '<' || !parse_u64(*line + 1, 10, &level, &end) || *end != '>')
		return LOG_WARNING;
	*line = end + 1;
	return levels[level & 7];
}

static long kmsg_write(struct request *request, size_t length)
{
	char line[LINE_MAX + 1];
	size_t want = MIN(length, sizeof(line) - 1), taken = request_take(request, line, want);
	const char *text = line;
	int level;

	if (taken < want)
		return 0;
	line[taken] = 0;
	level = take_level(&text);
	taken = strlen(text);
	while (taken && text[taken - 1] == '\n')
		taken--;
	serve_log(level, "%.*s", (int)taken, text);
	return (long)length;
}

const struct device device_kmsg = { .open = kmsg_open, .read = kmsg_read, .write = kmsg_write };
