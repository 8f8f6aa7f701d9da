/* SPDX-License-Identifier: MIT */
/* What all arenas and buffers may take together, and that it comes back. */
#include "base/budget.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/test.h"
#include "base/work.h"

/* Nobody else in this process holds any. */
static void begin(size_t bytes)
{
	assert_int_equal(budget_used(BUDGET_WORK) + budget_used(BUDGET_HELD), 0);
	budget_set(bytes);
}

static void end(void)
{
	assert_int_equal(budget_used(BUDGET_WORK) + budget_used(BUDGET_HELD), 0);
	budget_set(LIMIT_PEER_MEMORY);
}

TEST(budget_leaves_as_much_as_it_gives)
{
	static const struct {
		size_t have, n;
		bool want;
	} rows[] = {
		{ 0, 1001, false }, { 0, 501, false }, { 0, 500, true },  { 500, 1, false },
		{ 0, 251, false },  { 0, 250, true },  { 0, 125, true },  { 0, 63, false },
		{ 0, 62, true },    { 0, 1, true },    { 0, SIZE_MAX, false },
	};
	unsigned refusals = budget_refusals(), n = 0;
	size_t sum = 0;

	begin(1000);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(budget_take(BUDGET_WORK, rows[i].have, rows[i].n), rows[i].want);
		sum += rows[i].want ? rows[i].n : 0;
		n += !rows[i].want;
		assert_int_equal(budget_used(BUDGET_WORK), sum);
	}
	assert_int_equal(budget_refusals() - refusals, n);
	/* The other purse is another one. */
	assert_true(budget_take(BUDGET_HELD, 0, 500));
	budget_give(BUDGET_HELD, 500);
	budget_give(BUDGET_WORK, sum);
	end();
}

/* However many take as much as they can: small ones still find room. */
TEST(budget_is_never_used_up_by_the_greedy)
{
	size_t have[100] = { 0 }, sum = 0;

	begin(1u << 20);
	for (int round = 0; round < 10000; round++)
		for (size_t i = 0; i < ARRAY_LEN(have); i++)
			if (budget_take(BUDGET_HELD, have[i], 64))
				have[i] += 64;
	for (size_t i = 0; i < ARRAY_LEN(have); i++) {
		sum += have[i];
		assert_in_range(have[i], (1u << 20) / 101 - 128, (1u << 20) / 101 + 128);
	}
	assert_true(budget_take(BUDGET_HELD, 0, 5000));
	budget_give(BUDGET_HELD, sum + 5000);
	end();
}

TEST(budget_of_arenas)
{
	struct arena a, held;
	size_t n = 0;

	begin(1u << 20);
	arena_init(&a, 64u << 20);
	assert_non_null(arena_alloc(&a, 1, 1000)); /* a little is free */
	assert_int_equal(budget_used(BUDGET_WORK), 0);
	while (arena_alloc(&a, 1, 10000) != NULL)
		n += 10000;
	assert_in_range(n, 400000, 600000);
	assert_in_range(budget_used(BUDGET_WORK), 400000, 1u << 19);
	arena_init_held(&held, 64u << 20);
	assert_non_null(arena_alloc(&held, 1, 100000));
	assert_in_range(budget_used(BUDGET_HELD), 80000, 120000);
	arena_reset(&a);
	assert_int_equal(budget_used(BUDGET_WORK), 0);
	assert_non_null(arena_alloc(&a, 1, 100000)); /* and again */
	arena_fini(&a);
	arena_fini(&held);
	assert_non_null(arena_alloc(&held, 1, 100000)); /* it still knows its purse */
	assert_in_range(budget_used(BUDGET_HELD), 80000, 120000);
	arena_fini(&held);
	end();
}

TEST(budget_of_buffers)
{
	struct buf b = BUF_INIT(16u << 20), held;

	begin(1u << 20);
	while (!buf_overflowed(&b))
		buf_add(&b, S("0123456789abcdef"));
	assert_in_range(b.n, BUDGET_BUF_FREE + 400000, BUDGET_BUF_FREE + (1u << 19));
	assert_memory_equal(b.p + b.n - 16, "0123456789abcdef", 16); /* what is there is whole */
	buf_init_held(&held, 16u << 20);
	assert_non_null(buf_reserve(&held, BUDGET_HELD_BUF_FREE));
	assert_int_equal(budget_used(BUDGET_HELD), 0);
	buf_commit(&held, BUDGET_HELD_BUF_FREE);
	assert_null(buf_reserve(&held, 1u << 20));
	assert_true(buf_overflowed(&held));
	buf_reset(&held);
	assert_non_null(buf_reserve(&held, 100000));
	assert_true(budget_used(BUDGET_HELD) > 0);
	buf_fini(&held);
	buf_fini(&b);
	assert_non_null(buf_reserve(&b, 100));
	buf_fini(&b);
	end();
}

/* A buffer never fails within what is free, however little there is. */
TEST(budget_free_bytes_are_free)
{
	struct buf b = BUF_INIT(1u << 20);

	begin(0);
	for (size_t i = 0; i < BUDGET_BUF_FREE; i++)
		buf_add_char(&b, 'x');
	assert_false(buf_overflowed(&b));
	buf_add_char(&b, 'x');
	assert_true(buf_overflowed(&b));
	buf_fini(&b);
	end();
}

static bool count_down(void *ctx)
{
	return --*(int *)ctx > 0;
}

TEST(work_asks_who_runs_the_thread)
{
	int left = 3;

	assert_true(work_go_on());
	work_set(count_down, &left);
	assert_true(work_go_on());
	assert_true(work_go_on());
	assert_false(work_go_on());
	work_set(NULL, NULL);
	assert_true(work_go_on());
}
