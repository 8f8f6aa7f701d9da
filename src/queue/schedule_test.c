/* SPDX-License-Identifier: MIT */
/* The schedule with a sender made of a table: what is tried, when, what becomes of the rows, what senders are told. */
#include "queue/schedule.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/test.h"
#include "queue/queue_int.h"
#include "queue/route.h"
#include "store/account.h"
#include "store/mailbox.h"
#include "store/message.h"

#define WAIT_MS 10000
#define MINUTE_MS 60000
#define HOUR_MS (60 * (int64_t)MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)
#define SEEN_MAX 64
#define MANY 10000
#define MANY_HOSTS 100

enum { Q_LEVEL, Q_REFS, Q_CONTENTS, Q_MESSAGES, Q_RECIPIENTS, Q_DESTINATIONS, Q_TRIED, Q_UNKEY, Q_UNDUE, Q_LARGE, Q_TIMES, Q_LIVE, Q_FILL_MESSAGES,
       Q_FILL_RECIPIENTS, Q_FILL_DESTINATIONS, Q_FILL_REFS, Q_COUNT };
static const struct db_sql checks[Q_COUNT] = {
	[Q_REFS] = { .sql = "SELECT count(*) FROM contents c WHERE coalesce((SELECT r.refs FROM content_refs r"
			    " WHERE r.content = c.id), 1) <>"
			    " (SELECT count(*) FROM messages m WHERE m.content = c.id)"
			    " + (SELECT count(*) FROM queue_messages q WHERE q.content = c.id)" },
	[Q_CONTENTS] = { .sql = "SELECT count(*) FROM contents c WHERE NOT EXISTS"
				" (SELECT 1 FROM content_refs r WHERE r.content = c.id AND r.refs = 0)" },
	[Q_MESSAGES] = { .sql = "SELECT count(*) FROM queue_messages" },
	[Q_RECIPIENTS] = { .sql = "SELECT count(*) FROM queue_recipients" },
	[Q_DESTINATIONS] = { .sql = "SELECT count(*) FROM queue_destinations" },
	[Q_LEVEL] = { .sql = "SELECT coalesce(max(level), 0) FROM domain_tls WHERE domain = 'far.example'" },
	/* as a program without the schedule left them */
	[Q_UNKEY] = { .sql = "UPDATE queue_recipients SET destination = ''" },
	[Q_UNDUE] = { .sql = "DELETE FROM queue_destinations" },
	[Q_TIMES] = { .sql = "SELECT count(DISTINCT next_attempt) FROM queue_recipients" },
	[Q_LIVE] = { .sql = "SELECT count(*) FROM queue_recipients WHERE address LIKE 'a%'" },
	/* MANY messages for MANY_HOSTS, of which the last tenth lives; they share the content of the one that is there */
	[Q_FILL_MESSAGES] = { .sql =
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)"
		" INSERT INTO queue_messages (qid, content, size, reverse_path, submitter, ret, envid, flags, accepted, sid, look)"
		" SELECT 'many' || i, m.content, m.size, '', 0, 0, '', 0, m.accepted, '', m.look FROM n, queue_messages m" },
	[Q_FILL_RECIPIENTS] = { .sql =
		"INSERT INTO queue_recipients (qid, address, orcpt, notify, state, attempts, next_attempt, destination)"
		" SELECT qid, iif(h * 10 < ?1 * 9, 'x', 'a') || '@h' || h || '.example', '', 0, 0, 0, accepted, 'h' || h || '.example'"
		" FROM (SELECT qid, accepted, substr(qid, 5) % ?1 AS h FROM queue_messages WHERE qid LIKE 'many%')" },
	[Q_FILL_DESTINATIONS] = { .sql =
		"INSERT INTO queue_destinations SELECT destination, min(next_attempt), 0, 0, '', '' FROM queue_recipients"
		" WHERE true GROUP BY destination ON CONFLICT DO NOTHING" },
	[Q_FILL_REFS] = { .sql =
		"INSERT INTO content_refs (content, refs) SELECT content, count(*) FROM queue_messages"
		" WHERE true GROUP BY content HAVING count(*) <> 1"
		" ON CONFLICT (content) DO UPDATE SET refs = excluded.refs" },
	[Q_LARGE] = { .sql = "UPDATE queue_messages SET size = 200000000" },
	[Q_TRIED] = { .sql = "SELECT coalesce(sum(attempts), 0) FROM queue_recipients" },
};

/* What the sender says of an attempt: one letter for each recipient, by the first of its local part. */
enum { SAYS_250 = 'a', SAYS_450 = 'd', SAYS_550 = 'f', SAYS_DOWN = 'x', SAYS_LOST = 'l', SAYS_NOTHING = 's', SAYS_RELAYED = 'r' };

struct fixture {
	struct db *db;
	struct store *s;
	struct queue *q;
	struct queue_sched *sched;
	struct arena a;
	int64_t alice;
	int fds[2];
	pthread_t sender;
	struct lock lock;
	size_t n_seen;
	struct {
		uint64_t id;
		char first[64];
		size_t n_rcpts, n_bytes;
		unsigned max_sessions;
	} seen[SEEN_MAX];
	enum queue_level level; /* of its connections */
	char override; /* says this of all */
	size_t silent_after; /* so many attempts; 0: never */
};

static void answer(struct fixture *x, const struct queue_attempt *a, char says)
{
	struct queue_rcpt_result rcpts[QUEUE_ATTEMPT_RCPTS];
	struct queue_result r = { .id = a->id, .stage = QUEUE_AT_END, .host = S("mx.far.example"), .address = S("192.0.2.1"), .tls = S(""),
				  .sts = { S(""), S(""), 0 }, .rcpts = rcpts, .n_rcpts = a->n_rcpts };

	for (size_t i = 0; i < a->n_rcpts; i++) {
		char one = x->override ? x->override : a->rcpts[i].address.p[0];

		rcpts[i] = (struct queue_rcpt_result){ QUEUE_DELIVERED, { 250, S("2.0.0"), S("ok") } };
		if (one == SAYS_450 || one == SAYS_DOWN)
			rcpts[i] = (struct queue_rcpt_result){ QUEUE_DEFERRED, { 450, S("4.2.0"), S("come again") } };
		if (one == SAYS_550)
			rcpts[i] = (struct queue_rcpt_result){ QUEUE_FAILED, { 550, S("5.1.1"), S("nobody of that name") } };
		if (one == SAYS_RELAYED)
			rcpts[i].outcome = QUEUE_RELAYED;
	}
	r.level = x->level;
	if (says == SAYS_DOWN) {
		r.stage = QUEUE_AT_CONNECT;
		r.is_down = true;
		for (size_t i = 0; i < a->n_rcpts; i++) /* in words that tell which one */
			rcpts[i].reply = (struct queue_reply){ 0, S("4.4.1"), a->hop.destination };
	}
	if (says == SAYS_LOST)
		r = (struct queue_result){ .host = S(""), .address = S(""), .tls = S(""), .sts = { S(""), S(""), 0 } };
	assert_int_equal(queue_result_send(x->fds[1], &r), 0);
}

static void *sender_main(void *arg)
{
	struct fixture *x = arg;

	for (;;) {
		AUTO(arena_fini) struct arena a;
		struct pollfd p = { .fd = x->fds[1], .events = POLLIN };
		struct queue_attempt_map map = { 0 };
		struct queue_attempt attempt;
		char says;
		int rc;

		arena_init(&a, 1u << 20);
		poll(&p, 1, -1);
		rc = queue_attempt_receive(x->fds[1], &a, &attempt, &map);
		if (rc < 0)
			return NULL;
		if (rc == 0)
			continue;
		lock_get(&x->lock);
		says = x->override ? x->override : attempt.rcpts[0].address.p[0];
		if (x->n_seen < SEEN_MAX) {
			x->seen[x->n_seen].id = attempt.id;
			x->seen[x->n_seen].n_rcpts = attempt.n_rcpts;
			x->seen[x->n_seen].n_bytes = attempt.message.n;
			x->seen[x->n_seen].max_sessions = attempt.max_sessions;
			snprintf(x->seen[x->n_seen].first, sizeof(x->seen[0].first), "%.*s", (int)attempt.rcpts[0].address.n,
				 attempt.rcpts[0].address.p);
		}
		x->n_seen++;
		if (x->silent_after > 0 && x->n_seen > x->silent_after)
			says = SAYS_NOTHING;
		if (says != SAYS_NOTHING)
			answer(x, &attempt, says);
		lock_put(&x->lock);
		queue_attempt_unmap(&map);
	}
}

static void setup(struct fixture *x)
{
	static struct db_sql_set sets[3];
	static struct db_migration_set migrations[2];
	static int n;
	char dir[300];
	const struct db_options o = { .dir_z = dir, .sql = sets, .n_sql = 3, .migrations = migrations, .n_migrations = 2 };
	struct fault f = { "" };

	*x = (struct fixture){ 0 };
	arena_init(&x->a, 8u << 20);
	lock_init(&x->lock);
	sets[0] = store_sql_set;
	sets[1] = queue_sql_set;
	sets[2] = (struct db_sql_set){ "checks", checks, Q_COUNT };
	migrations[0] = store_migrations;
	migrations[1] = queue_migrations;
	snprintf(dir, sizeof(dir), "%s/sched%d", test_dir(), ++n);
	if (db_open(&o, &x->db, &f) < 0 || db_check_sql(x->db, &f) < 0)
		fail_msg("%s", f.text);
	assert_int_equal(store_open(x->db, NULL, NULL, &x->s, &f), 0);
	assert_int_equal(queue_open(x->s, &x->q, &f), 0);
	queue_trace_keep(x->q, 30 * DAY_MS);
	assert_int_equal(store_domain_add(x->s, S("example.org"), &f), 0);
	assert_int_equal(store_account_add(x->s, S("alice@example.org"), NULL, NULL, 0, &x->alice, &f), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, x->fds), 0);
	assert_int_equal(pthread_create(&x->sender, NULL, sender_main, x), 0);
}

/* What the trace tells of the messages that are found by that, an event a letter: accepted, attempt, notified, expired. */
static void assert_story(struct fixture *x, const char *what_z, const char *events_z, const char *has_z)
{
	static const char letters[QUEUE_TRACE_N_EVENTS] = { [QUEUE_TRACE_ACCEPTED] = 'A', [QUEUE_TRACE_ATTEMPT] = 't',
							    [QUEUE_TRACE_DSN] = 'n', [QUEUE_TRACE_EXPIRED] = 'X' };
	struct queue_trace_row *rows;
	char got[100] = "";
	bool has = false;
	size_t n;

	assert_int_equal(queue_trace_find(x->q, &x->a, str_z(what_z), &rows, &n), 0);
	for (size_t i = 0; i < n && i < sizeof(got) - 1; i++) {
		got[i] = letters[rows[i].event];
		has |= str_find(rows[i].json, str_z(has_z)) >= 0;
	}
	assert_string_equal(got, events_z);
	assert_true(has);
}

static void start(struct fixture *x)
{
	struct fault f = { "" };

	assert_int_equal(queue_sched_start(x->q, x->fds[0], &x->sched, &f), 0);
}

/* The result of one that was not answered, from there. */
static void answer_seen(struct fixture *x, size_t nth, char says)
{
	struct queue_attempt_rcpt rcpt = { .address = str_of(&says, 1) };
	const struct queue_attempt a = { .id = x->seen[nth].id, .rcpts = &rcpt, .n_rcpts = 1 };

	assert_int_equal(x->seen[nth].n_rcpts, 1);
	lock_get(&x->lock);
	answer(x, &a, says);
	lock_put(&x->lock);
}

static void configure(struct fixture *x, const char *text_z)
{
	static const struct conf_table *const tables[] = { &queue_conf_table, &queue_route_table };
	struct conf *c = NULL;
	struct fault f = { "" };

	assert_int_equal(conf_parse(tables, ARRAY_LEN(tables), "t", str_z(text_z), &c, &f), 0);
	queue_configure(x->q, c, "mx.example.org");
	conf_unref(c);
}

static int64_t count(struct fixture *x, int what)
{
	struct db_tx *tx;
	struct db_query q;
	int64_t n;

	assert_int_equal(db_read_begin(x->db, &tx), 0);
	db_query(tx, &q, &checks[what], NULL, 0);
	assert_int_equal(db_step(&q), 1);
	n = db_int(&q, 0);
	db_done(&q);
	db_read_end(&tx);
	return n;
}

static void wait_count(struct fixture *x, int what, int64_t want)
{
	for (int64_t end = clock_mono_ms() + WAIT_MS; count(x, what) != want; usleep(2000))
		if (clock_mono_ms() > end)
			fail_msg("check %d: %lld, not %lld", what, (long long)count(x, what), (long long)want);
}

static size_t seen(struct fixture *x)
{
	size_t n;

	lock_get(&x->lock);
	n = x->n_seen;
	lock_put(&x->lock);
	return n;
}

static void wait_seen(struct fixture *x, size_t want)
{
	for (int64_t end = clock_mono_ms() + WAIT_MS; seen(x) < want; usleep(2000))
		if (clock_mono_ms() > end)
			fail_msg("%zu attempts, not %zu", seen(x), want);
}

/* Nothing more than that is tried, for a while. */
static void stays_seen(struct fixture *x, size_t want)
{
	usleep(50000);
	assert_int_equal(seen(x), want);
}

static void pass(struct fixture *x, int64_t ms)
{
	clock_shift_ms(ms);
	queue_sched_wake(x->q);
}

static uint32_t mails(struct fixture *x)
{
	struct store_mailbox m;

	assert_int_equal(store_mailbox_find(x->s, &x->a, x->alice, S("INBOX"), &m), 0);
	return m.messages;
}

static void wait_mails(struct fixture *x, uint32_t want)
{
	for (int64_t end = clock_mono_ms() + WAIT_MS; mails(x) != want; usleep(2000))
		if (clock_mono_ms() > end)
			fail_msg("%u messages in INBOX, not %u", mails(x), want);
}

static void teardown(struct fixture *x)
{
	queue_sched_stop(&x->sched, 2000);
	close(x->fds[0]);
	pthread_join(x->sender, NULL);
	close(x->fds[1]);
	assert_int_equal(count(x, Q_REFS), 0);
	queue_close(&x->q);
	store_close(&x->s);
	db_close(&x->db);
	arena_fini(&x->a);
}

/* To so many of these, separated by spaces. */
static void send_to(struct fixture *x, const char *from_z, const char *to_z, unsigned notify)
{
	struct queue_rcpt rcpts[16] = { 0 };
	struct queue_envelope e = { .sid_z = "sid", .reverse_path = str_z(from_z), .rcpts = rcpts };
	struct str rest = str_z(to_z), one;
	static int n;
	struct spool *spool;
	char qid[17];

	snprintf(qid, sizeof(qid), "qid%d", ++n);
	e.qid_z = qid;
	while (str_split(&rest, ' ', &one))
		rcpts[e.n_rcpts++] = (struct queue_rcpt){ .address = one, .notify = notify };
	assert_int_equal(spool_new(x->db, 1u << 20, &spool), 0);
	assert_int_equal(spool_append(spool, S("Return-Path: <x@y>\r\nSubject: going out\r\n\r\nThe body.\r\n")), 0);
	assert_int_equal(queue_accept(x->q, &e, spool), 0);
	spool_free(spool);
}

#define ALICE "alice@example.org"

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
	lock_get(&x.lock);
	x.override = SAYS_250;
	lock_put(&x.lock);
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
	assert_story(&x, "d@far.example", "AtttntttttXn", "\"address\":\"d@far.example\",\"outcome\":\"failed\",\"code\":450,\"enhanced\":\"4.4.7\",\"reply\":\"come again\"");
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
	lock_get(&x.lock);
	x.override = SAYS_250;
	lock_put(&x.lock);
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
	lock_get(&x.lock);
	x.override = SAYS_250;
	lock_put(&x.lock);
	pass(&x, 5 * MINUTE_MS);
	wait_count(&x, Q_MESSAGES, 0);
	assert_int_equal(seen(&x), 4);
	teardown(&x);
}

static int unkey_tx(struct db_tx *tx, void *arg)
{
	int rc = db_exec(tx, &checks[Q_UNKEY], NULL, 0, NULL);

	(void)arg;
	return rc < 0 ? rc : db_exec(tx, &checks[Q_UNDUE], NULL, 0, NULL);
}

TEST(what_an_older_program_left_goes_out_too)
{
	struct fixture x;

	setup(&x);
	send_to(&x, ALICE, "a1@far.example", 0);
	send_to(&x, ALICE, "a2@other.example", 0);
	assert_int_equal(db_write(x.db, &(struct db_write_job){ .fn = unkey_tx }), 0);
	start(&x);
	wait_count(&x, Q_MESSAGES, 0);
	wait_count(&x, Q_DESTINATIONS, 0);
	assert_int_equal(seen(&x), 2);
	teardown(&x);
}

static int enlarge_tx(struct db_tx *tx, void *arg)
{
	(void)arg;
	return db_exec(tx, &checks[Q_LARGE], NULL, 0, NULL);
}

/* Each attempt has its message in memory: large ones wait for each other, wherever they go. */
TEST(large_messages_are_not_under_way_all_at_once)
{
	struct queue_attempt_rcpt rcpt = { .address = S("a@far.example") };
	struct queue_attempt first = { .rcpts = &rcpt, .n_rcpts = 1 };
	struct fixture x;

	setup(&x);
	send_to(&x, ALICE, "s1@a.example s2@b.example s3@c.example s4@d.example s5@e.example s6@f.example", 0);
	assert_int_equal(db_write(x.db, &(struct db_write_job){ .fn = enlarge_tx }), 0);
	start(&x);
	wait_seen(&x, 3);
	stays_seen(&x, 3);
	lock_get(&x.lock);
	x.override = SAYS_250;
	first.id = x.seen[0].id;
	answer(&x, &first, SAYS_250);
	lock_put(&x.lock);
	wait_seen(&x, 6);
	wait_count(&x, Q_RECIPIENTS, 2);
	teardown(&x);
}

static void manage(struct fixture *x, const char *to_z, enum queue_deed deed, int64_t want)
{
	const struct queue_pick p = { .to = str_z(to_z) };
	int64_t n;

	assert_int_equal(queue_manage(x->q, &p, deed, &n), 0);
	assert_int_equal(n, want);
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
	manage(&x, "far.example", QUEUE_RELEASE, 1); /* but it has, and it goes back or out */
	wait_count(&x, Q_MESSAGES, 0);
	send_to(&x, ALICE, "x@dead.example", 0);
	send_to(&x, ALICE, "x@dead.example", 0);
	wait_count(&x, Q_TRIED, 1);
	lock_get(&x.lock);
	x.override = SAYS_250;
	lock_put(&x.lock);
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
	assert_int_equal(spool_new(x.db, 1u << 20, &spool), 0);
	assert_int_equal(spool_append(spool, S("Return-Path: <x@y>\r\nSubject: later\r\n\r\nThe body.\r\n")), 0);
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
	assert_story(&x, "x2@two.example", "AXn", "\"address\":\"x2@two.example\",\"outcome\":\"failed\",\"enhanced\":\"4.4.7\",\"reply\":\"two.example\"");
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

static int fill_tx(struct db_tx *tx, void *arg)
{
	int rc = DB_EXEC(tx, &checks[Q_FILL_MESSAGES], DB_I(MANY));

	(void)arg;
	if (rc == 0)
		rc = DB_EXEC(tx, &checks[Q_FILL_RECIPIENTS], DB_I(MANY_HOSTS));
	if (rc == 0)
		rc = db_exec(tx, &checks[Q_FILL_DESTINATIONS], NULL, 0, NULL);
	return rc == 0 ? db_exec(tx, &checks[Q_FILL_REFS], NULL, 0, NULL) : rc;
}

/* The dead cost an attempt each, whatever waits for them, and the living ones get all of theirs. */
TEST(many_dead_ones_are_in_nobody_s_way)
{
	struct queue_counts counts;
	struct fixture x;

	setup(&x);
	configure(&x, "[queue]\nmax_sessions = 20\n");
	send_to(&x, ALICE, "a@alive.example", 0);
	assert_int_equal(db_write(x.db, &(struct db_write_job){ .fn = fill_tx }), 0);
	start(&x);
	wait_count(&x, Q_LIVE, 0);
	wait_count(&x, Q_TRIED, MANY_HOSTS * 9 / 10);
	assert_int_equal(count(&x, Q_MESSAGES), MANY * 9 / 10);
	assert_int_equal(seen(&x), MANY / 10 + 1 + MANY_HOSTS * 9 / 10);
	wait_count(&x, Q_DESTINATIONS, MANY_HOSTS * 9 / 10);
	assert_int_equal(queue_count(x.q, &counts), 0);
	assert_int_equal(counts.recipients, MANY * 9 / 10);
	assert_int_equal(counts.destinations, MANY_HOSTS * 9 / 10);
	assert_int_equal(counts.failing, MANY_HOSTS * 9 / 10);
	pass(&x, 5 * MINUTE_MS);
	wait_count(&x, Q_TRIED, MANY_HOSTS * 9 / 10 * 2);
	teardown(&x);
}
