/* SPDX-License-Identifier: MIT */
/* Buffers and arenas: growth, the caps and what stays after them. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include "base/test.h"

TEST(buf_grows_to_its_maximum)
{
	AUTO(buf_fini) struct buf b = BUF_INIT(1000);

	assert_string_equal(buf_z(&b), "");
	for (int i = 0; i < 1000; i++)
		buf_add_char(&b, 'x');
	assert_false(buf_overflowed(&b));
	assert_int_equal(strlen(buf_z(&b)), 1000);
	buf_add(&b, S(""));
	assert_false(buf_overflowed(&b));
	buf_add_char(&b, 'y');
	assert_true(buf_overflowed(&b));
	assert_int_equal(b.n, 1000);
	buf_reset(&b);
	assert_false(buf_overflowed(&b));
	assert_null(buf_reserve(&b, 1001));
	assert_non_null(buf_reserve(&b, 1000));
}

TEST(buf_prints)
{
	AUTO(buf_fini) struct buf b = BUF_INIT(200);

	buf_add_u64(&b, 0);
	buf_add_u64(&b, UINT64_MAX);
	buf_printf(&b, " %s %d", "a long text that does not fit the first sixty-four bytes", 5);
	assert_string_equal(buf_z(&b), "018446744073709551615 a long text that does not fit the first "
				       "sixty-four bytes 5");
	buf_consume(&b, 1);
	buf_truncate(&b, 20);
	assert_str_eq(buf_str(&b), S("18446744073709551615"));
	buf_printf(&b, "%*d", 181, 1);
	assert_true(buf_overflowed(&b));
	assert_int_equal(b.n, 20);
	buf_printf(&b, "%*d", 180, 1);
	assert_int_equal(b.n, 200);
	buf_consume(&b, 200);
	assert_int_equal(b.n, 0);
}

TEST(arena_zeroes_and_aligns)
{
	struct arena a;

	arena_init(&a, 1 << 20);
	for (int turn = 0; turn < 3; turn++) {
		for (size_t n = 1; n < 300; n += 7) {
			unsigned char *p = arena_alloc(&a, n, 3);

			assert_non_null(p);
			assert_int_equal((uintptr_t)p % 16, 0);
			for (size_t i = 0; i < n * 3; i++)
				assert_int_equal(p[i], 0);
			memset(p, 0xFF, n * 3);
		}
		assert_true(a.used <= a.cap);
		arena_reset(&a);
		assert_true(a.used < 100);
	}
	arena_fini(&a);
	assert_null(a.chunks);
}

TEST(arena_stops_at_its_cap)
{
	struct arena a;
	size_t n = 0;

	arena_init(&a, 10000);
	while (arena_alloc(&a, 1, 100) != NULL)
		n++;
	assert_true(n > 60 && n <= 100);
	assert_null(arena_alloc(&a, SIZE_MAX, 2));
	assert_null(arena_alloc(&a, SIZE_MAX, 1));
	assert_null(arena_str(&a, str_of("x", 9000)).p);
	arena_reset(&a);
	assert_non_null(arena_alloc(&a, 1, 9000));
	arena_fini(&a);
}

TEST(arena_texts)
{
	struct arena a;
	struct str s;

	arena_init(&a, 100000);
	s = arena_str(&a, S(""));
	assert_true(s.p != NULL && s.n == 0);
	assert_str_eq(arena_str(&a, S("abc")), S("abc"));
	assert_string_equal(arena_z(&a, S("abc")), "abc");
	assert_str_eq(arena_printf(&a, "%s-%d", "x", 7), S("x-7"));
	arena_fini(&a);
}

TEST(arena_grow)
{
	struct arena a;
	int *items = NULL;
	size_t n = 0, cap = 0;

	arena_init(&a, 20000);
	while (arena_grow(&a, &items, n, &cap, sizeof(*items)) == 0) {
		items[n] = (int)n;
		n++;
	}
	assert_true(n > 1000);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(items[i], i);
	arena_fini(&a);
}

TEST(err_rows_and_faults)
{
	struct fault f = { "old" };

	assert_int_equal(err_row(-E_QUOTA)->smtp, 452);
	assert_string_equal(err_row(E_QUOTA)->enhanced, "4.2.2");
	assert_string_equal(err_row(12345)->name, "BUG");
	assert_int_equal(err_from_errno(28), -E_DISK_FULL);
	assert_int_equal(err_from_errno(5), -E_IO);
	assert_int_equal(fault_set(NULL, -E_IO, "x"), -E_IO);
	assert_int_equal(fault_set(&f, -E_IO, "new: %s", f.text), -E_IO);
	assert_string_equal(f.text, "new: old");
	assert_int_equal(fault_errno(&f, 2, "open %s", "x"), -E_NOT_FOUND);
	assert_string_equal(f.text, "open x: No such file or directory");
	fault_set(&f, -E_IO, "%*d", 1000, 1);
	assert_int_equal(strlen(f.text), sizeof(f.text) - 1);
}
