/* SPDX-License-Identifier: MIT */
/* The schedule in trouble: damaged rows and bodies, a full disk, a sender that was taken over, deeds while attempts run. */
#include "queue/schedule_test.h"

#include "base/budget.h"
#include "base/limits.h"

/* What the other host may be taking at this moment does not go back to its sender as well. */
TEST(what_is_being_tried_is_not_returned)
{
	struct fixture x;

	setup(&x);
	start(&x);
	send_to(&x, ALICE, "s@slow.example", 0);
	wait_seen(&x, 1);
	manage(&x, "slow.example", QUEUE_RETURN, 0);
	manage(&x, "slow.example", QUEUE_REMOVE, 0);
	assert_int_equal(count(&x, Q_RECIPIENTS), 1);
	answer_seen(&x, 0, SAYS_450);
	wait_count(&x, Q_TRIED, 1);
	for (int64_t n = 0; n == 0; usleep(2000)) { /* the attempt ends a moment after it is written down */
		const struct queue_pick p = { .to = S("slow.example") };

		assert_int_equal(queue_manage(x.q, &p, QUEUE_RETURN, &n), 0);
	}
	wait_mails(&x, 1);
	assert_int_equal(count(&x, Q_MESSAGES), 0);
	teardown(&x);
}

static void alter(struct fixture *x, int what)
{
	test_alter(x->db, &checks[what]);
}

/* Each attempt has its message in memory: large ones wait for each other, wherever they go. */
TEST(large_messages_are_not_under_way_all_at_once)
{
	struct fixture x;

	setup(&x);
	send_to(&x, ALICE, "s1@a.example s2@b.example s3@c.example s4@d.example s5@e.example s6@f.example", 0);
	alter(&x, Q_LARGE);
	start(&x);
	wait_seen(&x, 3);
	stays_seen(&x, 3);
	override(&x, SAYS_250);
	answer_seen(&x, 0, SAYS_250);
	wait_seen(&x, 6);
	wait_count(&x, Q_RECIPIENTS, 2);
	teardown(&x);
}

/* Hosts that take large messages slowly are in nobody's way but that of large ones, at the same destination too. */
TEST(large_messages_leave_room_for_small_ones)
{
	bool is_under_way[4] = { false };
	char to[] = "a@?.example";
	struct fixture x;
	int n = 0;

	setup(&x);
	send_to(&x, ALICE, "s1@a.example s2@b.example s3@c.example s4@d.example", 0);
	alter(&x, Q_LARGE);
	start(&x);
	wait_seen(&x, 3);
	stays_seen(&x, 3);
	send_to(&x, ALICE, "a@far.example", 0);
	wait_seen(&x, 4);
	wait_count(&x, Q_RECIPIENTS, 4);
	for (size_t i = 0; i < 3; i++)
		is_under_way[x.seen[i].to[0] - 'a'] = true;
	while (is_under_way[n])
		n++;
	to[2] = (char)('a' + n); /* whose large message waits for the others */
	send_to(&x, ALICE, to, 0);
	wait_seen(&x, 5);
	assert_string_equal(x.seen[4].first, to);
	wait_count(&x, Q_RECIPIENTS, 4);
	queue_sched_stop(&x.sched, 0);
	teardown(&x);
}

/* Nor is one large message to a whole list in the way of the small ones behind it. */
TEST(a_large_message_to_many_leaves_room_for_small_ones)
{
	struct queue_rcpt r[150] = { 0 };
	struct queue_envelope e = { .qid_z = "list", .sid_z = "sid", .reverse_path = S(ALICE), .rcpts = r, .n_rcpts = ARRAY_LEN(r) };
	AUTO(buf_fini) struct buf text = BUF_INIT(8u << 20);
	struct spool *spool;
	struct fixture x;

	setup(&x);
	send_to(&x, ALICE, "s1@a.example s2@b.example s3@c.example", 0);
	alter(&x, Q_LARGE);
	start(&x);
	wait_seen(&x, 3);
	for (size_t i = 0; i < ARRAY_LEN(r); i++)
		r[i].address = arena_printf(&x.a, "s%zu@d.example", i);
	buf_add(&text, S("Return-Path: <x@y>\r\nSubject: large\r\n\r\n"));
	while (text.n < (5u << 20))
		buf_add(&text, S("A line of it.\r\n"));
	assert_int_equal(spool_new(x.db, text.n, &spool), 0);
	assert_int_equal(spool_append(spool, buf_str(&text)), 0);
	assert_int_equal(queue_accept(x.q, &e, spool), 0);
	spool_free(spool);
	stays_seen(&x, 3);
	send_to(&x, ALICE, "a@d.example", 0);
	wait_seen(&x, 4);
	assert_string_equal(x.seen[3].first, "a@d.example");
	wait_count(&x, Q_RECIPIENTS, 3 + (int64_t)ARRAY_LEN(r));
	queue_sched_stop(&x.sched, 0);
	teardown(&x);
}

/* Destinations whose large messages wait for memory give their places to others. */
TEST(large_messages_that_wait_keep_no_destination_out)
{
	struct fixture x;

	setup(&x);
	configure(&x, "[queue]\nmax_sessions = 8\n"); /* of which 6 are for destinations that nobody knows */
	send_to(&x, ALICE, "s1@a.example s2@b.example s3@c.example s4@d.example s5@e.example s6@f.example", 0);
	alter(&x, Q_LARGE);
	start(&x);
	wait_seen(&x, 3);
	stays_seen(&x, 3);
	send_to(&x, ALICE, "a@far.example", 0);
	wait_seen(&x, 4);
	assert_string_equal(x.seen[3].first, "a@far.example");
	stays_seen(&x, 4);
	answer_seen(&x, 0, SAYS_250);
	pass(&x, MINUTE_MS);
	wait_seen(&x, 5);
	queue_sched_stop(&x.sched, 0);
	teardown(&x);
}

/* Peers that use up what they all may hold (base/budget.h) keep no mail from going out, nor from coming back. */
TEST(memory_that_peers_hold_is_not_needed)
{
	struct queue_rcpt r[] = { { .address = S("a@far.example") }, { .address = S("f@far.example") } };
	struct queue_envelope e = { .qid_z = "big", .sid_z = "sid", .reverse_path = S(ALICE), .rcpts = r, .n_rcpts = 2 };
	AUTO(buf_fini) struct buf text = BUF_INIT(1u << 20);
	struct spool *spool;
	struct fixture x;

	setup(&x);
	buf_add(&text, S("Return-Path: <x@y>\r\nSubject: big\r\n\r\n"));
	while (text.n < 900000)
		buf_add(&text, S("A line of it.\r\n"));
	buf_add_char(&text, '\0');
	spool = test_spool(x.db, text.p);
	assert_int_equal(queue_accept(x.q, &e, spool), 0);
	spool_free(spool);
	budget_set(1u << 20);
	start(&x);
	wait_mails(&x, 1);
	wait_count(&x, Q_MESSAGES, 0);
	budget_set(LIMIT_PEER_MEMORY);
	assert_in_range(x.seen[0].n_bytes, 899000, 900100);
	assert_int_equal(seen(&x), 1);
	teardown(&x);
}

/* A damaged pack: the sender hears that it failed, without the message; and those that wait behind it are looked at too. */
TEST(what_cannot_be_read_goes_back_and_is_in_nobody_s_way)
{
	struct fixture x;

	setup(&x);
	send_to(&x, ALICE, "d1@far.example", 0);
	alter(&x, Q_LOST_BYTES);
	send_to(&x, ALICE, "d2@far.example", 0);
	start(&x);
	wait_count(&x, Q_TRIED, 2);
	assert_int_equal(seen(&x), 1);
	pass(&x, 5 * DAY_MS + MINUTE_MS);
	wait_seen(&x, 2); /* once more, since it was due */
	wait_mails(&x, 1);
	pass(&x, 2 * MINUTE_MS);
	wait_mails(&x, 2);
	wait_count(&x, Q_MESSAGES, 0);
	teardown(&x);
}

/* The schedule waits: it does not turn and turn. */
static void assert_waits(struct fixture *x)
{
	int64_t before = x->sched->n_turns;

	usleep(300000);
	assert_in_range(x->sched->n_turns - before, 0, 20);
}

TEST(recipients_without_a_message_do_not_keep_it_busy)
{
	struct fixture x;

	setup(&x);
	send_to(&x, ALICE, "a@far.example", 0);
	alter(&x, Q_ORPHAN);
	start(&x);
	assert_waits(&x);
	send_to(&x, ALICE, "a2@far.example", 0);
	wait_seen(&x, 1);
	queue_sched_stop(&x.sched, 2000);
	close(x.fds[0]);
	pthread_join(x.sender, NULL);
	close(x.fds[1]);
	queue_close(&x.q);
	store_close(&x.s);
	db_close(&x.db);
	arena_fini(&x.a);
}

/* The routes change while an attempt runs: its row waits at another destination, where nothing can be done about it. */
TEST(new_routes_do_not_keep_it_busy)
{
	struct fixture x;

	setup(&x);
	configure(&x, "[queue]\n");
	start(&x);
	send_to(&x, ALICE, "s@slow.example", 0);
	wait_seen(&x, 1);
	configure(&x, "[queue]\n[route \"all\"]\nhost = relay.example\n");
	queue_sched_wake(x.q);
	settle(&x);
	assert_waits(&x);
	assert_int_equal(seen(&x), 1);
	answer_seen(&x, 0, SAYS_250);
	wait_count(&x, Q_MESSAGES, 0);
	pass(&x, 2 * MINUTE_MS);
	wait_count(&x, Q_DESTINATIONS, 0);
	stays_seen(&x, 1);
	teardown(&x);
}

static bool waits_at(struct fixture *x, const char *destination_z)
{
	struct db_tx *tx;
	struct db_query q;
	bool is_there;

	assert_int_equal(db_read_begin(x->db, &tx), 0);
	db_query(tx, &q, &checks[Q_WHERE], NULL, 0);
	assert_int_equal(db_step(&q), 1);
	is_there = str_eq(db_text(&q, 0), str_z(destination_z));
	db_done(&q);
	db_read_end(&tx);
	return is_there;
}

/* Whatever of the routes it is that has changed. */
TEST(what_waits_follows_the_routes)
{
	static const struct {
		const char *route, *destination;
	} rows[] = {
		{ "domains = other.example\nhost = a.example\n", "far.example" },
		{ "domains = far.example\nhost = a.example\n", "[a.example]:25" },
		{ "domains = far.example\nhost = b.example\n", "[b.example]:25" },
		{ "domains = far.example\nhost = b.example\nport = 26\n", "[b.example]:26" },
		{ "domains = far.example\nhost = b.example\nport = 26\nprotocol = lmtp\n", "lmtp:[b.example]:26" },
		{ "domains = far.example\nhost = b.example\nport = 26\n", "[b.example]:26" },
		{ "domains = far.example\nhost = b.example\nport = 26\ntls = verify\nuser = u\npassword_file = /p\n", "[b.example]:26 u tls=verify" },
		{ "domains = far.example\nhost = b.example\nport = 26\ntls = none\n", "[b.example]:26 tls=none" },
		{ "domains = far.example\nhost = b.example\nport = 26\n", "[b.example]:26" },
		{ "senders = somebody@else.example\nhost = b.example\nport = 26\n", "far.example" },
		{ "senders = alice@example.org\nhost = b.example\nport = 26\n", "[b.example]:26" },
	};
	struct fixture x;
	char text[300];

	setup(&x);
	start(&x);
	send_to(&x, ALICE, "d@far.example", 0);
	wait_count(&x, Q_TRIED, 1);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t end_ms = clock_mono_ms() + WAIT_MS;

		test_row(rows[i].route);
		snprintf(text, sizeof(text), "[queue]\n[route \"one\"]\n%s", rows[i].route);
		configure(&x, text);
		queue_sched_wake(x.q);
		for (; !waits_at(&x, rows[i].destination); usleep(2000))
			assert_true(clock_mono_ms() < end_ms);
	}
	teardown(&x);
}

/* The TLS of an address literal is that of [queue]. */
TEST(what_waits_for_a_literal_follows_its_tls)
{
	static const char *const tls_z[] = { "encrypt", "verify", "none" };
	struct fixture x;
	char text[100], want[100];

	setup(&x);
	configure(&x, "[queue]\n");
	start(&x);
	override(&x, SAYS_450);
	send_to(&x, ALICE, "d@[192.0.2.1]", 0);
	wait_count(&x, Q_TRIED, 1);
	assert_true(waits_at(&x, "[192.0.2.1]:25"));
	for (size_t i = 0; i < ARRAY_LEN(tls_z); i++) {
		int64_t end_ms = clock_mono_ms() + WAIT_MS;

		snprintf(text, sizeof(text), "[queue]\ntls = %s\n", tls_z[i]);
		snprintf(want, sizeof(want), "[192.0.2.1]:25 tls=%s", tls_z[i]);
		configure(&x, text);
		for (queue_sched_wake(x.q); !waits_at(&x, want); usleep(2000))
			assert_true(clock_mono_ms() < end_ms);
	}
	teardown(&x);
}

/* Something for somebody here, which no disk takes. */
TEST(a_full_disk_does_not_keep_it_busy)
{
	struct fixture x;
	struct fault f = { "" };
	int64_t id, before;

	setup(&x);
	start(&x);
	send_to(&x, ALICE, "d@moved.example", 0);
	wait_count(&x, Q_TRIED, 1);
	stays_seen(&x, 1);
	assert_int_equal(store_domain_add(x.s, S("moved.example"), &f), 0);
	assert_int_equal(store_account_add(x.s, S("d@moved.example"), NULL, NULL, 0, &id, &f), 0);
	before = x.sched->n_turns;
	db_fail_next(x.db, DB_FAIL_COMMIT, 1, E_DISK_FULL);
	pass(&x, 5 * MINUTE_MS);
	for (int64_t end = clock_mono_ms() + 300; clock_mono_ms() < end || x.sched->n_turns == before;) /* nearly each commit fails */
		db_fail_next(x.db, DB_FAIL_COMMIT, 1, E_DISK_FULL);
	assert_in_range(x.sched->n_turns - before, 1, 20);
	db_fail_next(x.db, DB_FAIL_NONE, 0, 0);
	pass(&x, 11 * MINUTE_MS);
	wait_count(&x, Q_MESSAGES, 0);
	assert_int_equal(seen(&x), 1);
	teardown(&x);
}

/* A sender that somebody took over. */
TEST(nonsense_of_the_sender_does_not_fill_it)
{
	struct fixture x;
	char nonsense[2000];
	struct pollfd p;

	setup(&x);
	start(&x);
	memset(nonsense, 'n', sizeof(nonsense));
	for (int i = 0; i < 20; i++)
		assert_int_equal(send(x.fds[1], nonsense, sizeof(nonsense), 0), (ssize_t)sizeof(nonsense));
	p = (struct pollfd){ .fd = x.fds[1], .events = POLLOUT };
	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	send_to(&x, ALICE, "a@far.example", 0);
	wait_count(&x, Q_MESSAGES, 0);
	teardown(&x);
}

/* A result that cannot be read is the only one that its attempt has. */
TEST(nonsense_ends_its_attempt)
{
	struct fixture x;
	char nonsense[200];

	setup(&x);
	start(&x);
	send_to(&x, ALICE, "s@slow.example", 0);
	wait_seen(&x, 1);
	memset(nonsense, 'n', sizeof(nonsense));
	memcpy(nonsense, &x.seen[0].id, sizeof(x.seen[0].id));
	assert_int_equal(send(x.fds[1], nonsense, sizeof(nonsense), 0), (ssize_t)sizeof(nonsense));
	wait_count(&x, Q_TRIED, 1);
	pass(&x, 5 * MINUTE_MS);
	wait_seen(&x, 2);
	answer_seen(&x, 1, SAYS_250);
	wait_count(&x, Q_MESSAGES, 0);
	teardown(&x);
}

static void send_to_many(struct fixture *x, unsigned n)
{
	struct queue_rcpt *rcpts = mem_alloc(n, sizeof(*rcpts));
	struct queue_envelope e = { .qid_z = "many", .sid_z = "sid", .reverse_path = S(ALICE), .rcpts = rcpts, .n_rcpts = n };
	struct spool *spool;

	for (unsigned i = 0; i < n; i++)
		rcpts[i].address = arena_printf(&x->a, "x%u@far.example", i);
	assert_int_equal(spool_new(x->db, 1u << 20, &spool), 0);
	assert_int_equal(spool_append(spool, S("Return-Path: <x@y>\r\nSubject: to many\r\n\r\nThe body.\r\n")), 0);
	assert_int_equal(queue_accept(x->q, &e, spool), 0);
	spool_free(spool);
	mem_free(rcpts);
}

/* One notification has room for a hundred recipients: their sender hears of the delay and of the end of all. */
TEST(of_many_recipients_none_is_left_out)
{
	struct fixture x;

	setup(&x);
	start(&x);
	send_to_many(&x, 250);
	wait_count(&x, Q_TRIED, 100); /* the others wait with their destination */
	pass(&x, 4 * HOUR_MS + MINUTE_MS);
	wait_mails(&x, 3);
	settle(&x);
	assert_int_equal(mails(&x), 3);
	pass(&x, 5 * DAY_MS);
	wait_count(&x, Q_MESSAGES, 0);
	wait_mails(&x, 6);
	teardown(&x);
}

/* Whoever has a domain has any number of them. */
TEST(domains_are_known_in_bounded_number)
{
	struct fixture x;

	setup(&x);
	alter(&x, Q_LEARN_POLICIES);
	alter(&x, Q_LEARN_LEVELS);
	assert_int_equal(count(&x, Q_POLICIES), 10);
	assert_int_equal(queue_forget_domains(x.q, 20), 0);
	assert_int_equal(count(&x, Q_POLICIES), 9); /* the old one is worth nothing */
	assert_int_equal(count(&x, Q_LEVELS), 10);
	assert_int_equal(queue_forget_domains(x.q, 3), 0);
	assert_int_equal(count(&x, Q_POLICIES), 3);
	assert_int_equal(count(&x, Q_LEVELS), 3);
	assert_int_equal(count(&x, Q_NEWEST_LEVELS), 3);
	queue_sched_stop(&x.sched, 0);
	teardown(&x);
}

static void lose_all(struct fixture *x)
{
	const struct queue_attempt none = { .id = 1 };

	lock_get(&x->lock);
	answer(x, &none, SAYS_LOST);
	lock_put(&x->lock);
}

/* What the other host has is not sent again and again because nothing of it can be written down. */
TEST(what_cannot_be_written_down_is_not_sent_again)
{
	struct fixture x;

	setup(&x);
	start(&x);
	send_to(&x, ALICE, "s@slow.example", 0);
	wait_seen(&x, 1);
	alter(&x, Q_STUCK);
	answer_seen(&x, 0, SAYS_250);
	stays_seen(&x, 1);
	assert_int_equal(count(&x, Q_RECIPIENTS), 1);
	alter(&x, Q_UNSTUCK);
	stays_seen(&x, 1);
	lose_all(&x); /* nor because the sender has died since */
	stays_seen(&x, 1);
	pass(&x, 10 * MINUTE_MS);
	stays_seen(&x, 1);
	assert_int_equal(count(&x, Q_TRIED), 0);
	override(&x, SAYS_250);
	queue_sched_stop(&x.sched, 0);
	start(&x);
	wait_count(&x, Q_MESSAGES, 0);
	teardown(&x);
}
