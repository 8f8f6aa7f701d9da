/* SPDX-License-Identifier: MIT */
/*
 * Unit tests: TEST(name) { ... } registers itself, the main() of each room's test binary is
 * base/test_main.c, the assertions are cmocka's. Only for *_test.c.
 *
 *   build/test/mime_test              runs all tests of the room
 *   build/test/mime_test 'header_*'   only those whose name matches
 *
 * Table-driven tests name the row that fails: test_row(rows[i].name) at the start of each turn.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"

typedef void test_fn(void **state);

struct test_entry {
	const char *name;
	test_fn *fn;
	struct test_entry *next;
};

/* Called by TEST() before main(). e lives for ever. */
void test_register(struct test_entry *e);
/* cmocka's, told to main(): the test is neither good nor bad. */
void test_skips(void);
#undef skip
#define skip() (test_skips(), _skip(__FILE__, __LINE__))
/* Time that this thread has used the processor, in ms: what else the machine does is not in it. */
int64_t test_cpu_ms(void);
/* The table row being tested, printed when the test fails; copied, cut at 100 bytes. */
void test_row(const char *name_z);

#define TEST(name) \
	static void test_##name(void **state); \
	__attribute__((constructor)) static void test_register_##name(void) \
	{ \
		static struct test_entry e = { #name, test_##name, NULL }; \
		test_register(&e); \
	} \
	static void test_##name(void **state __attribute__((unused)))

/* The bytes in a heap block of exactly their size, so that ASan sees an over-read; free with mem_free(). */
char *test_copy(struct str s);
/* A new empty directory below $TMPDIR or /tmp, removed with its content when the binary ends. */
const char *test_dir(void);

/* Compares two struct str and prints both, escaped, when they differ. */
void test_str_eq(struct str got, struct str want, const char *file, int line);
#define assert_str_eq(got, want) test_str_eq((got), (want), __FILE__, __LINE__)
