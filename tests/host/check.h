/*
 * The whole test framework. A test program is a main() that calls test functions by RUN and returns check_result().
 * Each RUN prints one line: `ok NAME`, or `FAIL NAME: expected X, got Y` with the place of the first failure.
 */
#ifndef TESTS_HOST_CHECK_H
#define TESTS_HOST_CHECK_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int check_failures;     /* tests that failed */
static char check_reason[512]; /* of the running test; empty while it holds */

/* Records why the running test fails, the first time. */
static inline __attribute__((__format__(__printf__, 1, 2))) void check_fail(const char *fmt, ...)
{
	va_list args;

	if (check_reason[0])
		return;
	va_start(args, fmt);
	vsnprintf(check_reason, sizeof(check_reason), fmt, args);
	va_end(args);
}

#define CHECK_FAIL(...) check_fail(__VA_ARGS__)

/* Integers of any type, compared as 64 bits. */
#define CHECK_EQ(got, expected)                                                                    \
	do {                                                                                       \
		long long got_ = (long long)(got), expected_ = (long long)(expected);              \
		if (got_ != expected_)                                                             \
			CHECK_FAIL("%s:%d: %s: expected %lld (0x%llx), got %lld (0x%llx)",         \
				   __FILE__, __LINE__, #got, expected_,                            \
				   (unsigned long long)expected_, got_, (unsigned long long)got_); \
	} while (0)

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			CHECK_FAIL("%s:%d: expected %s, got false", __FILE__, __LINE__, #condition); \
	} while (0)

#define CHECK_STR(got, expected)                                                                   \
	do {                                                                                       \
		const char *got_ = (got), *expected_ = (expected);                                 \
		if (!got_ || strcmp(got_, expected_))                                              \
			CHECK_FAIL("%s:%d: %s: expected \"%.180s\", got \"%.180s\"", __FILE__, __LINE__, \
				   #got, expected_, got_ ? got_ : "(null)");                       \
	} while (0)

/* True once the running test has failed: lets a long loop stop early. */
#define CHECK_FAILED() (check_reason[0] != 0)

#define RUN(test)                                                                                  \
	do {                                                                                       \
		check_reason[0] = 0;                                                               \
		test();                                                                            \
		if (check_reason[0]) {                                                             \
			check_failures++;                                                          \
			printf("FAIL %s: %s\n", #test, check_reason);                              \
		} else {                                                                           \
			printf("ok %s\n", #test);                                                  \
		}                                                                                  \
		fflush(stdout);                                                                    \
	} while (0)

static inline int check_result(void)
{
	return check_failures != 0;
}

#endif
