/* SPDX-License-Identifier: MIT */
/* The schedule with a sender made of a table: what is tried, when, what becomes of the rows, what senders are told. */
#include "queue/schedule_test.h"

TEST(what_is_delivered_is_gone)
{
	struct fixture x;

	setup(&x);
	send_to(&x, ALICE, "a1@far.example", 0); /* before the schedule runs, and while it does */
	start(&x);
	wait_count(&x, Q_RECIPIENTS, 0);
	send_to(&x, ALICE, "a2@far.example a3@far.example a4@other.example", 0);
	wait_count(&x, Q_MESSAGES, 0);
	wait_count(&x, Q_DESTINATIONS, 0);
	assert_int_equal(count(&x, Q_CONTENTS), 0);
	assert_int_equal(seen(&x), 3);
	assert_int_equal(x.seen[0].n_bytes, strlen("Subject: going out\r\n\r\nThe body.\r\n"));
	assert_int_equal(x.seen[1].n_rcpts + x.seen[2].n_rcpts, 3); /* those of one destination go together */
	assert_int_equal(mails(&x), 0);
	teardown(&x);
}

TEST(what_is_deferred_comes_again_later_and_later)
{
	static const int64_t pauses_ms[] = { 5 * MINUTE_MS, 10 * MINUTE_MS, 20 * MINUTE_MS, 40 * MINUTE_MS };
	struct fixture x;

	setup(&x);
	start(&x);
	send_to(&x, ALICE, "d@far.example a@far.example", 0);
	for (size_t i = 0; i < ARRAY_LEN(pauses_ms); i++) {
		wait_count(&x, Q_TRIED, (int64_t)i + 1);
		assert_int_equal(count(&x, Q_RECIPIENTS), 1); /* the other one has it, and gets it once */
		pass(&x, pauses_ms[i] * 8 / 10);
		stays_seen(&x, i + 1);
		pass(&x, pauses_ms[i] * 2 / 10 + 1000);
		wait_seen(&x, i + 2);
		assert_int_equal(x.seen[i + 1].n_rcpts, 1);
	}
	override(&x, SAYS_250);
	pass(&x, HOUR_MS * 2);
	wait_count(&x, Q_MESSAGES, 0);
	assert_int_equal(mails(&x), 0);
	teardown(&x);
}

TEST(who_sent_what_failed_is_told_once)
{
	struct fixture x;

	setup(&x);
	start(&x);
	send_to(&x, ALICE, "f1@far.example f2@far.example a@far.example", 0);
	wait_count(&x, Q_MESSAGES, 0);
	wait_mails(&x, 1);
	assert_story(&x, "f2@far.example", "Atn", "\"address\":\"a@far.example\",\"outcome\":\"delivered\",\"code\":250");
	send_to(&x, ALICE, "f@far.example", QUEUE_NOTIFY_NEVER);
	send_to(&x, ALICE, "f@far.example", QUEUE_NOTIFY_SUCCESS);
	send_to(&x, "", "f@far.example", 0);
	send_to(&x, "nobody@example.org", "f@far.example", 0);
	wait_count(&x, Q_MESSAGES, 0);
	assert_int_equal(mails(&x), 1);
	send_to(&x, ALICE, "r@far.example", QUEUE_NOTIFY_SUCCESS);
	wait_mails(&x, 2);
	wait_count(&x, Q_MESSAGES, 0);
	assert_int_equal(count(&x, Q_CONTENTS), 2);
	teardown(&x);
}

/* Whose mailbox is full hears of it when there is room again: a failure that nobody hears of is mail that is lost. */
TEST(a_notice_waits_for_a_full_mailbox)
{
	struct queue_rcpt bob = { .address = S("bob@example.org"), .is_local = true, .n_accounts = 1 };
	struct queue_envelope e = { .qid_z = "full", .sid_z = "sid", .reverse_path = S(ALICE), .rcpts = &bob, .n_rcpts = 1 };
	struct store_mailbox inbox;
	struct spool *spool;
	struct fixture x;
	int64_t account;

	setup(&x);
	start(&x);
	account = test_account(x.s, "bob@example.org", 10);
	bob.accounts = &account;
	spool = test_spool(x.db, "Return-Path: <>\r\n\r\nThat is all the room there was.\r\n");
	assert_int_equal(queue_accept(x.q, &e, spool), 0);
	spool_free(spool);
	send_to(&x, "bob@example.org", "f@far.example", 0);
	wait_count(&x, Q_TRIED, 1); /* the notice: it waits for room */
	assert_int_equal(count(&x, Q_RECIPIENTS), 1);
	assert_int_equal(store_quota_set(x.s, account, &(struct store_quota){ 0 }), 0);
	pass(&x, 10 * MINUTE_MS);
	wait_count(&x, Q_MESSAGES, 0);
	assert_int_equal(store_mailbox_find(x.s, &x.a, account, S("INBOX"), &inbox), 0);
	assert_int_equal(inbox.messages, 2);
	teardown(&x);
}

/* A notice to an alias that leads nowhere is stored nowhere, and leaves nothing. */
TEST(a_notice_to_nowhere_leaves_nothing)
{
	struct fixture x;
	struct fault fault = { "" };

	setup(&x);
	start(&x);
	assert_int_equal(store_alias_add(x.s, S("nowhere@example.org"), S("/null"), &fault), 0);
	send_to(&x, "nowhere@example.org", "f@far.example", 0);
	wait_count(&x, Q_MESSAGES, 0);
	assert_int_equal(mails(&x), 0);
	assert_int_equal(count(&x, Q_CONTENTS), 0);
	teardown(&x);
}

TEST(a_notice_goes_to_another_host_and_none_follows_it)
{
	struct fixture x;

	setup(&x);
	start(&x);
	send_to(&x, "far@sender.example", "f1@far.example", 0); /* "f": the notice fails as well */
	wait_seen(&x, 2);
	wait_count(&x, Q_MESSAGES, 0);
	assert_string_equal(x.seen[1].first, "far@sender.example");
	stays_seen(&x, 2);
	teardown(&x);
}

TEST(time_runs_out)
{
	struct fixture x;

	setup(&x);
	start(&x);
	send_to(&x, ALICE, "d@far.example", 0);
	wait_count(&x, Q_TRIED, 1);
	pass(&x, 3 * HOUR_MS + 50 * MINUTE_MS);
	wait_count(&x, Q_TRIED, 2);
	assert_int_equal(mails(&x), 0);
	pass(&x, 11 * MINUTE_MS);
	wait_count(&x, Q_TRIED, 3);
	pass(&x, 2 * MINUTE_MS); /* while it is being tried nothing is said */
	wait_mails(&x, 1); /* it is late */
	for (int64_t i = 0; i < 4; i++) {
		pass(&x, DAY_MS);
		wait_count(&x, Q_TRIED, 4 + i);
	}
	assert_int_equal(mails(&x), 1);
	assert_int_equal(count(&x, Q_RECIPIENTS), 1);
	pass(&x, DAY_MS);
	wait_count(&x, Q_TRIED, 8); /* once more, since it was due */
	pass(&x, 2 * MINUTE_MS);
	wait_mails(&x, 2); /* it goes back */
	wait_count(&x, Q_MESSAGES, 0);
	/* "come again" eight times, a notice in between and one at the end. */
	assert_story(&x, "d@far.example", "AtttntttttXn", "\"address\":\"d@far.example\",\"outcome\":\"failed\",\"code\":450,\"enhanced\":\"4.2.0\",\"reply\":\"come again\"");
	teardown(&x);
}

TEST(a_dead_destination_costs_one_row)
{
	struct fixture x;

	setup(&x);
	for (int i = 0; i < 5; i++)
		send_to(&x, ALICE, "x@dead.example", 0);
	start(&x);
	wait_count(&x, Q_TRIED, 1);
	stays_seen(&x, 1); /* the others wait with it */
	send_to(&x, ALICE, "x@dead.example", 0);
	send_to(&x, ALICE, "a@alive.example", 0);
	wait_count(&x, Q_MESSAGES, 6);
	stays_seen(&x, 2);
	pass(&x, 5 * MINUTE_MS);
	wait_seen(&x, 3);
	stays_seen(&x, 3);
	override(&x, SAYS_250);
	pass(&x, 10 * MINUTE_MS);
	wait_count(&x, Q_MESSAGES, 0);
	wait_count(&x, Q_DESTINATIONS, 0);
	teardown(&x);
}

TEST(what_a_dead_sender_had_counts_as_tried)
{
	struct fixture x;

	setup(&x);
	start(&x);
	send_to(&x, ALICE, "s@slow.example", 0);
	wait_seen(&x, 1);
	send_to(&x, ALICE, "l@lost.example", 0);
	wait_count(&x, Q_TRIED, 2);
	stays_seen(&x, 2);
	override(&x, SAYS_250);
	pass(&x, 5 * MINUTE_MS);
	wait_count(&x, Q_MESSAGES, 0);
	assert_int_equal(seen(&x), 4);
	teardown(&x);
}

TEST(what_an_older_program_left_goes_out_too)
{
	struct fixture x;

	setup(&x);
	send_to(&x, ALICE, "a1@far.example", 0);
	send_to(&x, ALICE, "a2@other.example", 0);
	test_alter(x.db, &checks[Q_UNKEY]);
	test_alter(x.db, &checks[Q_UNDUE]);
	start(&x);
	wait_count(&x, Q_MESSAGES, 0);
	wait_count(&x, Q_DESTINATIONS, 0);
	assert_int_equal(seen(&x), 2);
	teardown(&x);
}

TEST(an_administrator_holds_and_hurries)
{
	struct fixture x;

	setup(&x);
	send_to(&x, ALICE, "a@far.example", 0);
	manage(&x, "far.example", QUEUE_HOLD, 1);
	start(&x);
	pass(&x, 6 * DAY_MS); /* nor does its time run out */
	stays_seen(&x, 0);
	manage(&x, "a@far.example", QUEUE_RETRY, 1);
	stays_seen(&x, 0);
	assert_int_equal(mails(&x), 0);
	override(&x, SAYS_450);
	manage(&x, "far.example", QUEUE_RELEASE, 1); /* its time begins anew */
	wait_count(&x, Q_TRIED, 1);
	pass(&x, 2 * MINUTE_MS);
	stays_seen(&x, 1);
	assert_int_equal(count(&x, Q_MESSAGES), 1);
	assert_int_equal(mails(&x), 0);
	override(&x, 0);
	pass(&x, 5 * MINUTE_MS);
	wait_count(&x, Q_MESSAGES, 0);
	send_to(&x, ALICE, "x@dead.example", 0);
	send_to(&x, ALICE, "x@dead.example", 0);
	wait_count(&x, Q_TRIED, 1);
	override(&x, SAYS_250);
	manage(&x, "dead.example", QUEUE_RETRY, 2); /* while the destination is down */
	wait_count(&x, Q_MESSAGES, 0);
	teardown(&x);
}

TEST(what_is_held_for_somebody_here_comes_at_its_time)
{
	struct queue_rcpt rcpts[2] = { { .address = S(ALICE), .is_local = true, .n_accounts = 1, .notify = QUEUE_NOTIFY_SUCCESS },
				       { .address = S("a@far.example") } };
	struct queue_envelope e = { .qid_z = "held", .sid_z = "sid", .reverse_path = S(ALICE), .rcpts = rcpts, .n_rcpts = 2,
				    .wish = { .hold_until_s = clock_wall_ms() / 1000 + 3600, .hold = S("for;3600") } };
	struct fixture x;
	struct spool *spool;

	setup(&x);
	rcpts[0].accounts = &x.alice;
	start(&x);
	spool = test_spool(x.db, "Return-Path: <x@y>\r\nSubject: later\r\n\r\nThe body.\r\n");
	assert_int_equal(queue_accept(x.q, &e, spool), 0);
	spool_free(spool);
	stays_seen(&x, 0);
	pass(&x, HOUR_MS - MINUTE_MS);
	stays_seen(&x, 0);
	assert_int_equal(mails(&x), 0);
	pass(&x, MINUTE_MS + 1000);
	wait_seen(&x, 1);
	wait_mails(&x, 2); /* and the notification that it came */
	wait_count(&x, Q_MESSAGES, 0);
	teardown(&x);
}

TEST(a_domain_that_is_served_here_since_is_no_other_host)
{
	struct fixture x;
	struct fault f = { "" };
	int64_t id;

	setup(&x);
	send_to(&x, ALICE, "bob@moved.example nobody@moved.example", 0);
	assert_int_equal(store_domain_add(x.s, S("moved.example"), &f), 0);
	assert_int_equal(store_account_add(x.s, S("bob@moved.example"), NULL, NULL, 0, &id, &f), 0);
	start(&x);
	wait_count(&x, Q_MESSAGES, 0);
	assert_int_equal(seen(&x), 0);
	wait_mails(&x, 1); /* there is no nobody */
	assert_int_equal(count(&x, Q_CONTENTS), 2);
	teardown(&x);
}

TEST(how_well_a_domain_is_protected_is_remembered)
{
	static const enum queue_level seen_levels[] = { QUEUE_LEVEL_ENCRYPTED, QUEUE_LEVEL_VERIFIED, QUEUE_LEVEL_UNKNOWN, QUEUE_LEVEL_PLAIN };
	static const int64_t kept[] = { QUEUE_LEVEL_ENCRYPTED, QUEUE_LEVEL_VERIFIED, QUEUE_LEVEL_VERIFIED, QUEUE_LEVEL_PLAIN };
	struct fixture x;

	setup(&x);
	start(&x);
	for (size_t i = 0; i < ARRAY_LEN(seen_levels); i++) {
		lock_get(&x.lock);
		x.level = seen_levels[i];
		lock_put(&x.lock);
		send_to(&x, ALICE, "a@far.example", 0);
		wait_count(&x, Q_MESSAGES, 0);
		assert_int_equal(count(&x, Q_LEVEL), kept[i]);
	}
	/* One that mail goes to as ever is not older than what strangers teach today. */
	pass(&x, 2 * DAY_MS);
	send_to(&x, ALICE, "a@new.example", 0);
	wait_count(&x, Q_MESSAGES, 0);
	send_to(&x, ALICE, "a@far.example", 0);
	wait_count(&x, Q_MESSAGES, 0);
	assert_int_equal(queue_forget_domains(x.q, 1), 0);
	wait_count(&x, Q_LEVEL, QUEUE_LEVEL_PLAIN);
	teardown(&x);
}

static bool next_knows_of_root(struct fixture *x, bool is_root_signed)
{
	bool knows;

	lock_get(&x->lock);
	x->is_root_signed = is_root_signed;
	lock_put(&x->lock);
	send_to(x, ALICE, "a@far.example", 0);
	wait_count(x, Q_MESSAGES, 0);
	lock_get(&x->lock);
	knows = x->seen[x->n_seen - 1].is_root_signed;
	lock_put(&x->lock);
	return knows;
}

/* The sender keeps nothing; that the root of the DNS is signed the next one hears, for a day after the last one said so, or until the settings change. */
TEST(a_signed_root_is_remembered)
{
	struct fixture x;

	setup(&x);
	configure(&x, "[queue]\n");
	start(&x);
	assert_false(next_knows_of_root(&x, true));
	assert_true(next_knows_of_root(&x, false));
	pass(&x, 23 * HOUR_MS);
	assert_true(next_knows_of_root(&x, false));
	pass(&x, 2 * HOUR_MS);
	assert_false(next_knows_of_root(&x, true));
	configure(&x, "[queue]\n");
	queue_sched_wake(x.q);
	assert_false(next_knows_of_root(&x, true));
	teardown(&x);
}

TEST(sessions_grow_with_success)
{
	struct fixture x;

	setup(&x);
	for (int i = 0; i < 40; i++)
		send_to(&x, ALICE, "a@far.example", 0);
	start(&x);
	wait_count(&x, Q_MESSAGES, 0);
	assert_int_equal(seen(&x), 40);
	assert_int_equal(x.seen[0].max_sessions, 1); /* nobody knows yet */
	assert_true(x.seen[39].max_sessions > 5 && x.seen[39].max_sessions <= 20);
	teardown(&x);
}

/* A host that is there and says that it has enough of us (RFC 5321 3.8) gets fewer of them. */
TEST(sessions_shrink_with_good_byes)
{
	struct fixture x;

	setup(&x);
	for (int i = 0; i < 20; i++)
		send_to(&x, ALICE, "a@far.example", 0);
	send_to(&x, ALICE, "s@far.example", 0); /* so that it stays in memory */
	start(&x);
	wait_count(&x, Q_RECIPIENTS, 1);
	wait_seen(&x, 21);
	send_to(&x, ALICE, "q@far.example", 0);
	wait_count(&x, Q_TRIED, 1);
	send_to(&x, ALICE, "a@far.example", 0);
	wait_seen(&x, 23);
	assert_int_equal(x.seen[22].max_sessions, x.seen[21].max_sessions / 2);
	queue_sched_stop(&x.sched, 0);
	teardown(&x);
}

/* Those of one message that are deferred together come together again. */
TEST(what_is_deferred_together_stays_together)
{
	struct fixture x;

	setup(&x);
	start(&x);
	send_to(&x, ALICE, "d1@f.example d2@f.example d3@f.example d4@f.example d5@f.example d6@f.example d7@f.example", 0);
	wait_count(&x, Q_TRIED, 7);
	assert_int_equal(count(&x, Q_TIMES), 1);
	pass(&x, 5 * MINUTE_MS);
	wait_count(&x, Q_TRIED, 14);
	assert_int_equal(count(&x, Q_TIMES), 1);
	assert_int_equal(seen(&x), 2);
	teardown(&x);
}

/* A busy destination has all places; each that becomes free is for the other one until that has its share. */
TEST(a_busy_destination_leaves_places_to_others)
{
	struct fixture x;

	setup(&x);
	configure(&x, "[queue]\nmax_sessions = 10\n");
	for (int i = 0; i < 8; i++)
		send_to(&x, ALICE, "s@small.example", 0);
	for (int i = 0; i < 40; i++)
		send_to(&x, ALICE, "a@very-busy.example", 0); /* found after the small one, so looked at before it */
	x.silent_after = 12;
	start(&x);
	wait_seen(&x, 12 + 19);
	stays_seen(&x, 12 + 19); /* 20 attempts run, 19 of them the busy one's */
	answer_seen(&x, x.seen[0].first[0] == 's' ? 0 : 1, SAYS_250);
	for (int i = 0; i < 4; i++)
		answer_seen(&x, 12 + (size_t)i, SAYS_250);
	wait_seen(&x, 12 + 19 + 5);
	for (size_t i = 12 + 19; i < 12 + 19 + 5; i++)
		assert_string_equal(x.seen[i].first, "s@small.example");
	queue_sched_stop(&x.sched, 0);
	teardown(&x);
}

/* Six of them, after six days in which nobody tried: the server was off, or its clock was set. */
static void wait_for_days(struct fixture *x)
{
	for (int i = 0; i < 6; i++)
		send_to(x, ALICE, "x@dead.example", 0);
	start(x);
	wait_count(x, Q_TRIED, 1);
}

TEST(what_nobody_tried_while_the_server_was_off_is_tried_before_it_goes_back)
{
	struct fixture x;

	setup(&x);
	wait_for_days(&x);
	queue_sched_stop(&x.sched, 2000);
	clock_shift_ms(6 * DAY_MS);
	start(&x);
	wait_count(&x, Q_TRIED, 2);
	pass(&x, 30 * MINUTE_MS); /* the destination was down */
	wait_count(&x, Q_TRIED, 3);
	assert_int_equal(mails(&x), 0);
	assert_int_equal(count(&x, Q_MESSAGES), 6);
	override(&x, SAYS_250);
	pass(&x, 25 * MINUTE_MS);
	wait_count(&x, Q_MESSAGES, 0);
	assert_int_equal(mails(&x), 0);
	teardown(&x);
}

TEST(what_is_tried_in_vain_after_the_server_was_off_goes_back)
{
	struct fixture x;

	setup(&x);
	wait_for_days(&x);
	queue_sched_stop(&x.sched, 2000);
	clock_shift_ms(6 * DAY_MS);
	start(&x);
	wait_count(&x, Q_TRIED, 2);
	pass(&x, 61 * MINUTE_MS);
	wait_mails(&x, 5);
	pass(&x, 2 * MINUTE_MS); /* of what is just being tried the age is looked at a little later */
	wait_mails(&x, 6);
	wait_count(&x, Q_MESSAGES, 0);
	teardown(&x);
}

TEST(a_clock_that_is_set_ahead_sends_nothing_back_untried)
{
	struct fixture x;

	setup(&x);
	wait_for_days(&x);
	override(&x, SAYS_250);
	clock_step_ms(6 * DAY_MS);
	queue_sched_wake(x.q);
	wait_count(&x, Q_MESSAGES, 0);
	assert_int_equal(mails(&x), 0);
	teardown(&x);
}

TEST(what_is_not_to_be_sent_waits)
{
	struct fixture x;

	setup(&x);
	configure(&x, "[queue]\nsend = no\n");
	send_to(&x, ALICE, "d@far.example", 0);
	start(&x);
	pass(&x, 5 * HOUR_MS);
	wait_mails(&x, 1); /* its sender hears that it is late */
	pass(&x, 6 * DAY_MS);
	stays_seen(&x, 0);
	pass(&x, 6 * DAY_MS);
	stays_seen(&x, 0);
	assert_int_equal(count(&x, Q_MESSAGES), 1);
	assert_int_equal(mails(&x), 1);
	teardown(&x);
}

/* And when it is to be sent after all, it is tried at once, whatever its age. */
TEST(what_was_not_to_be_sent_is_tried_before_it_goes_back)
{
	struct fixture x;

	setup(&x);
	configure(&x, "[queue]\nsend = no\n");
	for (int i = 0; i < 20; i++)
		send_to(&x, ALICE, "a@far.example", QUEUE_NOTIFY_FAILURE);
	start(&x);
	pass(&x, 6 * DAY_MS);
	stays_seen(&x, 0);
	pass(&x, DAY_MS - 10 * MINUTE_MS);
	stays_seen(&x, 0);
	configure(&x, "[queue]\nsend = yes\n");
	queue_sched_wake(x.q);
	wait_count(&x, Q_MESSAGES, 0);
	pass(&x, 20 * MINUTE_MS);
	settle(&x);
	assert_int_equal(mails(&x), 0);
	assert_int_equal(seen(&x), 20);
	teardown(&x);
}

/* RFC 4865: of a message that was held, what is for somebody here goes to nobody else, though all mail has one way out. */
TEST(what_was_held_for_here_and_elsewhere_is_parted)
{
	struct queue_rcpt r[] = { { .address = S("a@far.example") }, { .address = S(ALICE), .is_local = true },
				  { .address = S("a2@far.example") } };
	struct queue_envelope e = { .qid_z = "held", .sid_z = "sid", .reverse_path = S("x@y"), .rcpts = r, .n_rcpts = ARRAY_LEN(r),
				    .wish.hold_until_s = clock_wall_ms() / 1000 + 3600 };
	struct spool *spool;
	struct fixture x;
	size_t n = 0;

	setup(&x);
	configure(&x, "[route \"all\"]\nhost = smart.example\n");
	r[1].accounts = &x.alice;
	r[1].n_accounts = 1;
	spool = test_spool(x.db, "Return-Path: <x@y>\r\n\r\nLater.\r\n");
	assert_int_equal(queue_accept(x.q, &e, spool), 0);
	spool_free(spool);
	start(&x);
	stays_seen(&x, 0);
	pass(&x, 61 * MINUTE_MS);
	wait_count(&x, Q_MESSAGES, 0);
	for (size_t i = 0; i < seen(&x); i++)
		n += x.seen[i].n_rcpts;
	assert_int_equal(n, 2);
	assert_int_equal(mails(&x), 1);
	teardown(&x);
}

/* What the notice says of a recipient that was never tried is what is known of its own destination. */
TEST(the_trouble_told_is_that_of_the_own_destination)
{
	struct fixture x;

	setup(&x);
	start(&x);
	send_to(&x, ALICE, "x@one.example", QUEUE_NOTIFY_NEVER);
	send_to(&x, ALICE, "x@two.example", QUEUE_NOTIFY_NEVER);
	wait_count(&x, Q_TRIED, 2);
	send_to(&x, ALICE, "x@one.example x2@two.example", 0);
	pass(&x, 6 * DAY_MS);
	wait_mails(&x, 1);
	assert_story(&x, "x2@two.example", "AXn", "\"address\":\"x2@two.example\",\"outcome\":\"failed\",\"enhanced\":\"4.4.1\",\"reply\":\"two.example\"");
	teardown(&x);
}

/* What cannot be written is written later, once; nothing is sent again for it. */
TEST(results_outlive_a_full_disk)
{
	static const struct {
		enum db_fail_point point;
		int err;
	} rows[] = { { DB_FAIL_COMMIT, E_LIMIT }, { DB_FAIL_PACK_WRITE, E_DISK_FULL }, { DB_FAIL_COMMIT, E_DISK_FULL } };
	struct fixture x;

	setup(&x);
	start(&x);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		send_to(&x, ALICE, "s@slow.example", 0);
		wait_seen(&x, i + 1);
		db_fail_next(x.db, rows[i].point, 1, rows[i].err);
		answer_seen(&x, i, SAYS_550);
		wait_count(&x, Q_MESSAGES, 0);
		wait_mails(&x, (uint32_t)i + 1);
		db_fail_next(x.db, DB_FAIL_NONE, 0, 0);
		wait_count(&x, Q_DESTINATIONS, 0);
	}
	stays_seen(&x, ARRAY_LEN(rows));
	teardown(&x);
}

/* That an attempt runs stands nowhere: who comes after a crash tries again, and hears nothing of the old one. */
TEST(what_was_being_tried_is_tried_again)
{
	struct fixture x;

	setup(&x);
	start(&x);
	send_to(&x, ALICE, "s@slow.example", 0);
	wait_seen(&x, 1);
	queue_sched_stop(&x.sched, 0);
	assert_int_equal(count(&x, Q_RECIPIENTS), 1);
	assert_int_equal(count(&x, Q_TRIED), 0);
	start(&x);
	wait_seen(&x, 2);
	answer_seen(&x, 0, SAYS_550); /* of another life */
	answer_seen(&x, 1, SAYS_250);
	wait_count(&x, Q_MESSAGES, 0);
	assert_int_equal(mails(&x), 0);
	teardown(&x);
}
