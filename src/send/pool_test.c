/* SPDX-License-Identifier: MIT */
/* Many attempts at once: connections are shared, the dead hold up nobody, everything has its result. */
#include "send/send_test.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

TEST(pool_shares_connections)
{
	struct sink *sink = sink_open(11, &(struct sink_says){ 0 });
	struct test_send t;

	test_send_open(&t, "idle_timeout = 60s");
	for (uint64_t id = 1; id <= 90; id++)
		test_send_give(&t, id, "h11", 2);
	assert_true(test_send_wait(&t, 90, 30));
	assert_int_equal(t.n_delivered, 90);
	assert_in_range(sink_connections(sink), 1, 2);
	/* One that comes later finds a connection that waits. */
	test_send_give(&t, 91, "h11", 2);
	assert_true(test_send_wait(&t, 91, 30));
	assert_in_range(sink_connections(sink), 1, 2);
	assert_false(send_is_idle(t.send));
	test_send_close(&t);
	assert_int_equal(sink_messages(sink), 91);
	sink_close(sink);
}

TEST(pool_closes_idle_connections)
{
	struct sink *sink = sink_open(11, &(struct sink_says){ 0 });
	struct test_send t;

	test_send_open(&t, "idle_timeout = 1ms");
	test_send_give(&t, 1, "h11", 2);
	assert_true(test_send_wait(&t, 1, 30));
	for (int i = 0; sink_commands(sink, "QUIT") == 0 && i < 3000; i++)
		usleep(10000);
	assert_int_equal(sink_commands(sink, "QUIT"), 1);
	test_send_close(&t);
	sink_close(sink);
}

/* All threads but one may hang at hosts that say nothing; who is known to be alive is served all the same. */
TEST(pool_dead_hold_up_nobody)
{
	struct sink *dead = sink_open(12, &(struct sink_says){ .greeting_z = "" });
	struct sink *live = sink_open(11, &(struct sink_says){ 0 });
	char domain[16];
	struct test_send t;

	test_send_open(&t, "max_sessions = 4\nidle_timeout = 1ms");
	test_send_give(&t, 1, "h11", 2);
	assert_true(test_send_wait(&t, 1, 30));
	for (unsigned i = 0; i < 6; i++) {
		snprintf(domain, sizeof(domain), "h12,h%u", 100 + i); /* six destinations */
		test_send_give(&t, 100 + i, domain, 2);
	}
	for (uint64_t id = 2; id <= 40; id++)
		test_send_give(&t, id, "h11", 2);
	assert_true(test_send_wait(&t, 40, 30));
	sink_release(dead);
	test_send_close(&t);
	assert_int_equal(t.n_delivered, 40);
	assert_int_equal(t.n_results, 46);
	sink_close(live);
	sink_close(dead);
}

/* Hosts that do not answer are given up sooner while somebody waits for their place. */
TEST(pool_crowded)
{
	struct sink *dead = sink_open(12, &(struct sink_says){ .greeting_z = "" });
	struct test_send t;

	test_send_open(&t, "max_sessions = 2\nconnect_timeout = 20s");
	assert_int_equal(send_connect_ms(t.send), 20000);
	test_send_give(&t, 1, "h12,h100", 1);
	test_send_give(&t, 2, "h12,h101", 1); /* has no place: half of one */
	assert_int_equal(send_connect_ms(t.send), 5000);
	sink_release(dead);
	assert_true(test_send_wait(&t, 2, 30));
	assert_int_equal(send_connect_ms(t.send), 20000);
	test_send_close(&t);
	sink_close(dead);
}

/* Whoever has no time left hears of everything once, of what waits and of what hangs. */
TEST(pool_abandons)
{
	struct sink *dead = sink_open(12, &(struct sink_says){ .greeting_z = "" });
	struct sink *live = sink_open(11, &(struct sink_says){ 0 });
	struct test_send t;

	test_send_open(&t, "idle_timeout = 1ms");
	test_send_give(&t, 1, "h11", 2);
	assert_true(test_send_wait(&t, 1, 30));
	for (uint64_t id = 2; id <= 7; id++)
		test_send_give(&t, id, "h12", 2);
	for (int i = 0; sink_connections(dead) < 2 && i < 3000; i++)
		usleep(10000);
	assert_false(send_drain(t.send, 20));
	send_abandon(t.send);
	assert_int_equal(t.n_results, 7);
	assert_int_equal(t.n_delivered, 1);
	send_abandon(t.send);
	sink_release(dead);
	test_send_close(&t);
	assert_int_equal(t.n_results, 7);
	assert_in_range(sink_connections(dead), 2, 2);
	sink_close(live);
	sink_close(dead);
}

/* What waits for a destination that nobody can speak to hears so at once. */
TEST(pool_trouble_is_shared)
{
	struct sink *dead = sink_open(12, &(struct sink_says){ .greeting_z = "421 4.3.2 not now" });
	struct test_send t;

	test_send_open(&t, "");
	for (uint64_t id = 1; id <= 50; id++)
		test_send_give(&t, id, "h12", 1);
	assert_true(test_send_wait(&t, 50, 30));
	assert_int_equal(t.n_down, 50);
	assert_in_range(sink_connections(dead), 1, 49);
	test_send_close(&t);
	sink_close(dead);
}

/* More destinations than threads, which keep their connections as long as nobody needs the thread. */
TEST(pool_more_destinations_than_threads)
{
	struct sink *sinks[20];
	char domain[16];
	struct test_send t;

	test_send_open(&t, "max_sessions = 3\nidle_timeout = 60s");
	for (unsigned i = 0; i < ARRAY_LEN(sinks); i++)
		sinks[i] = sink_open(20 + i, &(struct sink_says){ 0 });
	for (unsigned k = 0; k < 200; k++) {
		snprintf(domain, sizeof(domain), "h%u", 20 + k % (unsigned)ARRAY_LEN(sinks));
		test_send_give(&t, 1 + k, domain, 2);
	}
	assert_true(test_send_wait(&t, 200, 60));
	assert_int_equal(t.n_delivered, 200);
	assert_int_equal(send_room(t.send), 6);
	test_send_close(&t);
	for (unsigned i = 0; i < ARRAY_LEN(sinks); i++) {
		assert_int_equal(sink_messages(sinks[i]), 10);
		sink_close(sinks[i]);
	}
}

/* An attempt that has not ended when all its timeouts are over never will; one that waits for a thread may wait. */
TEST(pool_sees_who_hangs)
{
	struct sink *dead = sink_open(12, &(struct sink_says){ .greeting_z = "" });
	int64_t now_ms = clock_mono_ms();
	struct test_send t;

	test_send_open(&t, "");
	assert_false(send_is_stuck(t.send, INT64_MAX));
	test_send_give(&t, 1, "h12", 1);
	for (int i = 0; sink_connections(dead) == 0 && i < 3000; i++)
		usleep(10000);
	assert_false(send_is_stuck(t.send, now_ms + 2 * 3600000));
	assert_true(send_is_stuck(t.send, now_ms + 24 * 3600000));
	sink_release(dead);
	assert_true(test_send_wait(&t, 1, 30));
	assert_false(send_is_stuck(t.send, INT64_MAX));
	test_send_close(&t);
	sink_close(dead);
}

/* Some large messages to hosts that hang are no reason to take no small ones (how much there may be is for the schedule to say). */
TEST(pool_has_room_beside_large_messages)
{
	struct sink *dead = sink_open(12, &(struct sink_says){ .greeting_z = "" });
	struct queue_attempt_rcpt rcpt = { .address = S("to@h12") };
	struct queue_attempt a = { .id = 1, .hop = { .destination = S("h12"), .domain = S("h12"), .port = sink_port() }, .rcpts = &rcpt, .n_rcpts = 1,
				   .message = S("Subject: x\r\n\r\nHello\r\n"), .max_sessions = 1 };
	struct arena *arena = MEM_NEW(struct arena);
	struct test_send t;

	test_send_open(&t, "");
	arena_init(arena, 1u << 20);
	send_give(t.send, &a, (struct queue_attempt_map){ .n = (size_t)600 << 20 }, arena);
	assert_int_equal(send_room(t.send), 2 * 1000 - 1);
	sink_release(dead);
	assert_true(test_send_wait(&t, 1, 30));
	test_send_close(&t);
	sink_close(dead);
}
