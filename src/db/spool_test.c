/* SPDX-License-Identifier: MIT */
/* Spools: every form (memory, file, mapped) holds the same bytes; limits are kept. */
#include "db/db_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/budget.h"
#include "base/limits.h"

static char byte_at(size_t i)
{
	return (char)('a' + (i * 7 + i / 251) % 26);
}

static void append_pattern(struct spool *s, size_t from, size_t n)
{
	char *p = mem_alloc(n + 1, 1);

	for (size_t i = 0; i < n; i++)
		p[i] = byte_at(from + i);
	assert_int_equal(spool_append(s, str_of(p, n)), 0);
	mem_free(p);
}

/* head, then size bytes of the pattern */
static void view_is(struct spool *s, struct str head, size_t size)
{
	struct str got;

	assert_int_equal(spool_view(s, &got), 0);
	assert_int_equal(got.n, head.n + size);
	assert_int_equal(spool_size(s), got.n);
	assert_str_eq(str_head(got, head.n), head);
	got = str_skip(got, head.n);
	for (size_t i = 0; i < size; i++)
		if (got.p[i] != byte_at(i))
			fail_msg("byte %zu of %zu differs", i, size);
}

TEST(spool_sizes)
{
	static const struct {
		size_t size, chunk;
	} rows[] = {
		{ 0, 1 }, { 1, 1 }, { 100, 7 }, { 8192, 100 }, { 8193, 8193 }, { 20000, 999 },
		{ LIMIT_SPOOL_MEMORY - 1, 4096 }, { LIMIT_SPOOL_MEMORY, 4096 },
		{ LIMIT_SPOOL_MEMORY + 1, 4096 },
		{ LIMIT_SPOOL_MEMORY + 1, LIMIT_SPOOL_MEMORY + 1 },
		{ 1000000, 65536 }, { 1000000, 1000000 },
	};
	struct db *db = test_open(test_dir());

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct spool *s;
		size_t done = 0;
		char name[64];

		snprintf(name, sizeof(name), "%zu by %zu", rows[i].size, rows[i].chunk);
		test_row(name);
		assert_int_equal(spool_new(db, 2000000, &s), 0);
		while (done < rows[i].size) {
			size_t left = rows[i].size - done;
			size_t n = rows[i].chunk < left ? rows[i].chunk : left;

			append_pattern(s, done, n);
			done += n;
		}
		view_is(s, S(""), rows[i].size);
		assert_int_equal(spool_prepend(s, S("Subject: x\r\n\r\n")), 0);
		assert_int_equal(spool_prepend(s, S("Received: y\r\n")), 0);
		view_is(s, S("Received: y\r\nSubject: x\r\n\r\n"), rows[i].size);
		append_pattern(s, done, 300000);
		view_is(s, S("Received: y\r\nSubject: x\r\n\r\n"), rows[i].size + 300000);
		spool_free(s);
	}
	db_close(&db);
}

/* Without memory for a larger block the file comes earlier; nothing else changes. */
TEST(spool_when_memory_is_short)
{
	struct db *db = test_open(test_dir());
	struct spool *s, *t;
	size_t used;

	assert_int_equal(budget_used(BUDGET_HELD), 0);
	budget_set(100000);
	assert_int_equal(spool_new(db, 2000000, &s), 0);
	assert_int_equal(spool_new(db, 2000000, &t), 0);
	append_pattern(s, 0, 500000);
	used = budget_used(BUDGET_HELD);
	assert_in_range(used, 1, 50000);
	budget_set(0);
	for (size_t i = 0; i < 100; i++)
		append_pattern(t, i * 3000, 3000);
	assert_int_equal(budget_used(BUDGET_HELD), used);
	assert_int_equal(spool_prepend(t, S("head")), 0);
	view_is(s, S(""), 500000);
	view_is(t, S("head"), 300000);
	spool_free(s);
	spool_free(t);
	assert_int_equal(budget_used(BUDGET_HELD), 0);
	budget_set(LIMIT_PEER_MEMORY);
	db_close(&db);
}

TEST(spool_prepend_first)
{
	struct db *db = test_open(test_dir());
	struct spool *s;

	assert_int_equal(spool_new(db, 2000000, &s), 0);
	assert_int_equal(spool_prepend(s, S("head")), 0);
	view_is(s, S("head"), 0);
	append_pattern(s, 0, 400000);
	view_is(s, S("head"), 400000);
	spool_free(s);
	spool_free(NULL);
	db_close(&db);
}

TEST(spool_limits)
{
	struct db *db = test_open(test_dir());
	static const char head[SPOOL_HEADROOM];
	struct spool *s;
	struct str got;

	assert_int_equal(spool_new(db, 10, &s), 0);
	append_pattern(s, 0, 10);
	assert_int_equal(spool_prepend(s, str_of(head, sizeof(head) - 1)), 0);
	assert_int_equal(spool_prepend(s, S("ab")), -E_LIMIT);
	assert_int_equal(spool_prepend(s, S("a")), 0);
	assert_int_equal(spool_prepend(s, S("a")), -E_LIMIT);
	assert_int_equal(spool_size(s), 10 + SPOOL_HEADROOM);
	assert_int_equal(spool_append(s, S("")), 0);
	assert_int_equal(spool_append(s, S("x")), -E_TOO_BIG);
	assert_int_equal(spool_append(s, S("")), -E_TOO_BIG);
	assert_int_equal(spool_view(s, &got), -E_TOO_BIG);
	spool_free(s);
	db_close(&db);
}

/* A body goes from its spool into a pack without a copy. */
TEST(spool_to_pack)
{
	struct db *db = test_open(test_dir());
	struct spool *s;
	struct str view;

	assert_int_equal(spool_new(db, 1 << 20, &s), 0);
	append_pattern(s, 0, 500000);
	assert_int_equal(spool_prepend(s, S("Received: z\r\n")), 0);
	assert_int_equal(spool_view(s, &view), 0);
	assert_int_equal(test_put(db, "mail", view), 0);
	test_body_is(db, "mail", view);
	spool_free(s);
	db_close(&db);
}

TEST(spool_leftovers)
{
	const char *dir_z = test_dir();
	struct db *db = test_open(dir_z);
	int fd = openat(db->tmp_fd, "spool-left", O_CREAT | O_WRONLY, 0600);

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(faccessat(db->tmp_fd, "spool-left", F_OK, 0), 0);
	db_close(&db);
	db = test_open(dir_z);
	assert_int_not_equal(faccessat(db->tmp_fd, "spool-left", F_OK, 0), 0);
	db_close(&db);
}
