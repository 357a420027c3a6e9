/* Snapshots of /proc/uxrt/objects, and whether a deed leaves something behind. For UX/RT only. */
#ifndef TESTS_GUEST_OBJECTS_H
#define TESTS_GUEST_OBJECTS_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* as abi/process.h says, which a program built for Linux cannot include */
#define PRINCIPALS_MAX 4096
#define LINES_MAX 40
#define NUMBERS_MAX 2
#define RUNS      8
#define RUNS_MAX  24
#define SETTLE_MS 20
#define SETTLE_MAX 25 /* times */

struct snapshot {
	int count;
	char text[4096], frames[64];
	char *line[LINES_MAX];
};

static inline void read_whole(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	if (n <= 0) {
		printf("FAIL objects: cannot read %s: %s\n", path, strerror(errno));
		exit(2);
	}
	close(fd);
	text[n] = 0;
}

/* The number of a line of /proc/uxrt/audit. */
static inline long audited(const char *name)
{
	char text[1024], *at;

	read_whole("/proc/uxrt/audit", text, sizeof text);
	at = strstr(text, name);
	return at ? atol(at + strcspn(at, " ")) : 0;
}

/*
 * /proc/uxrt/objects, but for the pages of the boot image among the frames counted: one that a server or shell has touched stays mapped, and with
 * random work there is always one that nobody has touched before.
 */
static inline void snapshot_take(struct snapshot *s)
{
	read_whole("/proc/uxrt/objects", s->text, sizeof s->text);
	s->count = 0;
	for (char *line = strtok(s->text, "\n"); line && s->count < LINES_MAX; line = strtok(NULL, "\n")) {
		if (!strncmp(line, "FRAMES_COUNTED", 14)) {
			snprintf(s->frames, sizeof s->frames, "FRAMES_COUNTED %ld (without the boot image's)",
				 atol(line + strcspn(line, " ")) - audited("BOOT_COUNTED"));
			line = s->frames;
		}
		s->line[s->count++] = line;
	}
}

/* The numbers of a line. */
static inline int numbers_of(const char *line, unsigned long number[NUMBERS_MAX])
{
	int count = 0;
	char *end;

	for (line += strcspn(line, " "); count < NUMBERS_MAX; line = end) {
		number[count] = strtoul(line, &end, 10);
		if (end == line)
			break;
		count++;
	}
	return count;
}

/* Whether each number of a line lies between those that earlier snapshots had there: what has always been the same must be the same. */
static inline int line_returns(const struct snapshot *before, int count, const struct snapshot *now, int line)
{
	unsigned long low[NUMBERS_MAX], high[NUMBERS_MAX], other[NUMBERS_MAX];
	int numbers = numbers_of(before[0].line[line], low);

	memcpy(high, low, sizeof high);
	for (int k = 1; k < count; k++) {
		numbers_of(before[k].line[line], other);
		for (int i = 0; i < numbers; i++) {
			low[i] = other[i] < low[i] ? other[i] : low[i];
			high[i] = other[i] > high[i] ? other[i] : high[i];
		}
	}
	if (numbers_of(now->line[line], other) != numbers)
		return 0;
	for (int i = 0; i < numbers; i++)
		if (other[i] < low[i] || other[i] > high[i])
			return 0;
	return 1;
}

static inline int any_line_astray(const struct snapshot *before, int count, const struct snapshot *now)
{
	int found = before->count != now->count;

	for (int i = 0; i < now->count && !found; i++)
		found = !line_returns(before, count, now, i);
	return found;
}

static inline const char *values_of(const char *line)
{
	line += strcspn(line, " ");
	return line + strspn(line, " ");
}

/* What each of the snapshots had in the lines that were astray in any of them. */
static inline void show_history(const struct snapshot *all, int count)
{
	for (int i = 0; i < all->count; i++) {
		int astray = 0;

		for (int k = 1; k < count && !astray; k++)
			astray = all[k].count != all->count || !line_returns(all, k, &all[k], i);
		if (!astray)
			continue;
		printf("  %.*s", (int)strcspn(all->line[i], " "), all->line[i]);
		for (int k = 0; k < count; k++)
			printf("%s%s", k ? ", " : "  ", i < all[k].count ? values_of(all[k].line[i]) : "none");
		printf("\n");
	}
}

/* Whether all is as it was; what ends by itself is given some time. */
static inline int snapshot_returns(const struct snapshot *before, int count, struct snapshot *now)
{
	struct timespec pause = { 0, SETTLE_MS * 1000000 };

	for (int i = 0; i < SETTLE_MAX; i++) {
		snapshot_take(now);
		if (!any_line_astray(before, count, now))
			return 1;
		nanosleep(&pause, NULL);
	}
	return 0;
}

/*
 * Root gives each thread the next entry of the table of principals (abi/process.h), whose pages come when they are first used and stay: once
 * around, so that this does not show as a loss.
 */
static inline void use_all_principals(void)
{
	for (int i = 0; i < PRINCIPALS_MAX; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		if (pid > 0)
			waitpid(pid, NULL, 0);
	}
}

/*
 * What the kernel and root have lost by their own records, found by looking up every page's use (/proc/uxrt/audit): 0, whatever a deed left. The
 * last line counts pages of the boot image that are mapped, which is no loss.
 */
static inline int nothing_is_lost(const char *name)
{
	char text[1024], *end;
	int fd = open("/proc/uxrt/audit", O_RDONLY), good = 1;
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

	close(fd);
	text[n > 0 ? n : 0] = 0;
	end = strstr(text, "BOOT_COUNTED");
	if (!end) {
		printf("FAIL %s: cannot read /proc/uxrt/audit: %s\n", name, strerror(errno));
		return 0;
	}
	*end = 0;
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (atol(line + strcspn(line, " ")) == 0)
			continue;
		printf("FAIL %s: expected 0 in /proc/uxrt/audit, got %s\n", name, line);
		good = 0;
	}
	return good;
}

/*
 * Does the deed until a run leaves everything as it was before some run: objects by type, memory, processes. The first runs may leave what is
 * kept for the next (docs/testing.md lists it): that ends, and a deed that loses something goes on losing. False: it went on for so many runs, RUNS_MAX at most.
 */
static inline int leaves_nothing_within(int runs, const char *name, void (*deed)(void *), void *context)
{
	static struct snapshot before[RUNS_MAX + 1];

	/* Its own pages have to be there before the first snapshot, or each snapshot finds one page more: the last one's. */
	memset(before, 1, sizeof before);
	snapshot_take(&before[0]);
	for (int run = 0; run < runs; run++) {
		int returns;

		deed(context);
		returns = snapshot_returns(before, run + 1, &before[run + 1]);
		if (!nothing_is_lost(name))
			return 0;
		if (returns) {
			printf("ok %s\n", name);
			return 1;
		}
	}
	printf("FAIL %s: each of %d runs left something behind; what there was before them and after each:\n", name, runs);
	show_history(before, runs + 1);
	return 0;
}

static inline int leaves_nothing(const char *name, void (*deed)(void *), void *context)
{
	return leaves_nothing_within(RUNS, name, deed, context);
}

#endif
