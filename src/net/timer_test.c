/* SPDX-License-Identifier: MIT */
/* The parts that the waiter is made of, alone: deadlines, the id table, the caps. */
#include "net/net_int.h"

#include "base/rnd.h"
#include "base/test.h"

#define N_CONNS 500

TEST(timer_random_moves_come_out_in_order)
{
	static struct conn conns[N_CONNS];
	struct net_timers t = { 0 };
	struct conn *c;
	int64_t now = 0;
	size_t n_due = 0, n_parked = 0;

	for (size_t i = 0; i < N_CONNS; i++)
		conns[i] = (struct conn){ .heap_at = -1 };
	for (size_t round = 0; round < 10 * N_CONNS; round++) {
		c = &conns[rnd_u64() % N_CONNS];
		if (round % 7 == 0)
			net_timer_remove(&t, c);
		c->park = round % 3 == 0 ? NET_PARK_NONE : NET_PARK_INPUT;
		c->deadline_ms = 1 + (int64_t)(rnd_u64() % 1000);
		if (c->park != NET_PARK_NONE)
			net_timer_set(&t, c);
	}
	for (size_t i = 0; i < N_CONNS; i++)
		n_parked += conns[i].park != NET_PARK_NONE && conns[i].heap_at >= 0;
	for (now = 0; now <= 1000; now++)
		while ((c = net_timer_due(&t, now)) != NULL) {
			assert_int_equal(c->deadline_ms, now);
			assert_int_equal(c->heap_at, -1);
			n_due++;
		}
	assert_int_equal(n_due, n_parked);
	assert_int_equal(t.n, 0);
	net_timer_fini(&t);
}

TEST(timer_later_deadline_is_found_lazily)
{
	struct conn c = { .heap_at = -1, .park = NET_PARK_INPUT, .deadline_ms = 100 };
	struct net_timers t = { 0 };

	net_timer_set(&t, &c);
	c.deadline_ms = 200;
	net_timer_set(&t, &c);
	assert_int_equal(net_timer_next_ms(&t), 100);
	assert_null(net_timer_due(&t, 150));
	assert_int_equal(net_timer_next_ms(&t), 200);
	c.deadline_ms = 160;
	net_timer_set(&t, &c);
	assert_int_equal(net_timer_next_ms(&t), 160);
	c.park = NET_PARK_NONE;
	assert_null(net_timer_due(&t, 300));
	assert_int_equal(net_timer_next_ms(&t), INT64_MAX);
	net_timer_fini(&t);
}

TEST(table_finds_what_is_in_it)
{
	static struct conn conns[N_CONNS];
	struct net_table t = { 0 };

	for (size_t i = 0; i < N_CONNS; i++) {
		conns[i].id = i + 1;
		net_table_add(&t, &conns[i]);
	}
	for (size_t i = 0; i < N_CONNS; i += 2)
		net_table_remove(&t, &conns[i]);
	for (size_t i = 0; i < N_CONNS; i++)
		assert_ptr_equal(net_table_find(&t, i + 1), i % 2 ? &conns[i] : NULL);
	for (size_t i = 1; i < N_CONNS; i += 2)
		net_table_remove(&t, &conns[i]);
	net_table_fini(&t);
}

TEST(caps_count_each_address)
{
	struct net_addr_key a = { { 1 } }, b = { { 2 } };
	struct net_caps t = { 0 };

	assert_true(net_caps_take(&t, &a, 2));
	assert_true(net_caps_take(&t, &a, 2));
	assert_false(net_caps_take(&t, &a, 2));
	assert_true(net_caps_take(&t, &b, 2));
	net_caps_give(&t, &a);
	assert_true(net_caps_take(&t, &a, 2));
	net_caps_give(&t, &a);
	net_caps_give(&t, &a);
	net_caps_give(&t, &b);
	net_caps_fini(&t);
}
