/* SPDX-License-Identifier: MIT */
#include "base/dl.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/test.h"

/* Of files that are mapped; 0: this kernel does not say. */
static long file_kb(void)
{
	FILE *f = fopen("/proc/self/smaps_rollup", "re");
	long rss_kb = 0, anonymous_kb = 0, kb;
	char line[200];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Rss: %ld", &kb) == 1)
			rss_kb = kb;
		if (sscanf(line, "Anonymous: %ld", &kb) == 1)
			anonymous_kb = kb;
	}
	if (f)
		fclose(f);
	return rss_kb - anonymous_kb;
}

/* Pointers that the loader has written stand among constants, in the program and in libraries: they have to survive. */
static const char *const relocated[] = { "one", "two", "three" };

TEST(dl_settle_gives_back_and_breaks_nothing)
{
	long before, after;

	assert_non_null(err_row(-E_IO));
	before = file_kb();
	dl_settle();
	after = file_kb();
	for (size_t i = 0; i < ARRAY_LEN(relocated); i++)
		assert_true(relocated[i][0] != '\0');
	assert_string_equal(relocated[2], "three");
	assert_non_null(err_row(-E_IO));
	if (before > 0)
		assert_true(after < before * 3 / 4);
}

/* Pages that are as in the file, of mappings of a file whose name contains this. -1: this kernel does not say. */
static long unwritten_kb_of(const char *name_z)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	long sum_kb = -1, kb;
	bool is_its = false;
	char line[4200];

	while (f && fgets(line, sizeof(line), f)) {
		if (strchr(line, '-') != NULL && strstr(line, "kB") == NULL)
			is_its = strstr(line, name_z) != NULL;
		if (sum_kb < 0)
			sum_kb = 0;
		if (is_its && sscanf(line, "Rss: %ld", &kb) == 1)
			sum_kb += kb;
		if (is_its && sscanf(line, "Anonymous: %ld", &kb) == 1)
			sum_kb -= kb;
	}
	if (f)
		fclose(f);
	return sum_kb;
}

/* A library that nobody calls meanwhile has nothing of its file in memory: its last pages and what describes it neither. */
TEST(dl_settle_leaves_nothing_of_what_is_not_used)
{
	long before = unwritten_kb_of("/libcmocka");

	dl_settle();
	if (before > 0)
		assert_int_equal(unwritten_kb_of("/libcmocka"), 0);
}
