#include "lib/options.h"

#include "lib/string.h"
#include "tests/host/check.h"

static const char *value(const char *line, const char *name)
{
	static char text[64];
	size_t length;
	const char *at = option_value(line, name, &length);

	if (!at)
		return "none";
	sprintf(text, "%.*s", (int)length, at);
	return text;
}

static void an_option_is_a_word(void)
{
	CHECK_STR(value("", "log"), "none");
	CHECK_STR(value("log=debug", "log"), "debug");
	CHECK_STR(value("  a  log=debug  b", "log"), "debug");
	CHECK_STR(value("xlog=debug", "log"), "none");
	CHECK_STR(value("x.log=debug log2=a logs", "log"), "none");
	CHECK_STR(value("log", "log"), "none");
	CHECK_STR(value("trace=log=a", "log"), "none");
}

static void values_are_empty_or_have_anything_but_spaces(void)
{
	CHECK_STR(value("log=", "log"), "");
	CHECK_STR(value("log= a", "log"), "");
	CHECK_STR(value("log=a=b,c a", "log"), "a=b,c");
}

static void the_last_of_a_name_counts(void)
{
	CHECK_STR(value("init=/a init.cases=1 init=/b log=x", "init"), "/b");
}

static void what_is_behind_two_dashes_is_no_option(void)
{
	CHECK_STR(value("log=a -- log=b", "log"), "a");
	CHECK_STR(value("-- log=b", "log"), "none");
	CHECK_STR(value("--log=b log=c", "log"), "c");
}

int main(void)
{
	RUN(an_option_is_a_word);
	RUN(values_are_empty_or_have_anything_but_spaces);
	RUN(the_last_of_a_name_counts);
	RUN(what_is_behind_two_dashes_is_no_option);
	return check_result();
}
