/* SPDX-License-Identifier: MIT */
/* What the state of a fetch over IMAP has of a mailbox, and when mail has been here long enough. */
#include "move/fetch_imap.h"

#include "base/test.h"

TEST(fetch_row_is_read_as_it_was_written)
{
	static const char *const rows[] = { "7 0 - - 0 -", "4294967295 4294967295 1,3:5 9 1795464480 1795464480:12,1795464500:4294967295" };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(arena_fini) struct arena a = { .cap = 65536 };
		AUTO(buf_fini) struct buf out = BUF_INIT(1000);
		struct move_fetch_row row;

		test_row(rows[i]);
		assert_true(move_fetch_row_parse(&a, str_z(rows[i]), &row));
		move_fetch_row_print(&out, &row);
		assert_str_eq(buf_str(&out), str_z(rows[i]));
	}
}

TEST(fetch_row_that_is_none)
{
	static const char *const rows[] = { "", "7 0 - - 0", "7 x - - 0 -", "7 0 1: - 0 -", "7 0 1,,2 - 0 -", "7 0 - - 0 1", "7 0 - - -1 -", "4294967296 0 - - 0 -", "7 0 - - 0 1:x" };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(arena_fini) struct arena a = { .cap = 65536 };
		struct move_fetch_row row;

		test_row(rows[i]);
		assert_false(move_fetch_row_parse(&a, str_z(rows[i]), &row));
	}
}

/* A message comes each hour for a hundred days, and goes not before it has been here for ten, nor much later. */
TEST(fetch_row_marks)
{
	enum { HOUR = 3600, KEEP = 10 * 24 * HOUR };
	struct move_fetch_row row = { .uidvalidity = 1 };

	for (uint32_t uid = 1; uid < 100 * 24; uid++) {
		int64_t now_s = 1000000 + (int64_t)uid * HOUR;
		uint32_t kept;

		row.last = uid;
		move_fetch_row_mark(&row, now_s, KEEP);
		assert_true(row.n_marks <= 40);
		kept = move_fetch_row_kept(&row, now_s, KEEP);
		assert_true(kept == 0 || now_s - (1000000 + (int64_t)kept * HOUR) >= KEEP);
		assert_true(uid < 12 * 24 || kept + 11 * 24 > uid);
		assert_int_equal(move_fetch_row_kept(&row, now_s, 0), uid);
	}
}

/* Nothing more comes: what is here goes when it is time. */
TEST(fetch_row_marks_of_a_quiet_mailbox)
{
	struct move_fetch_row row = { .uidvalidity = 1, .last = 5 };

	for (int64_t now_s = 1000; now_s < 1100; now_s++)
		move_fetch_row_mark(&row, now_s, 100);
	assert_int_equal(row.n_marks, 1);
	assert_int_equal(move_fetch_row_kept(&row, 1099, 100), 0);
	assert_int_equal(move_fetch_row_kept(&row, 1100, 100), 5);
}

/* It is used for shorter and for longer times. */
TEST(fetch_row_marks_of_other_times)
{
	struct move_fetch_row row = { .uidvalidity = 1 };

	for (uint32_t i = 1; i < 5000; i++) {
		row.last = i;
		move_fetch_row_mark(&row, i * 100, i % 2 ? 60 : 86400L * 365);
		assert_true(row.n_marks <= MOVE_FETCH_MARKS);
	}
}
