/* SPDX-License-Identifier: MIT */
/* Stories: written with what they tell of, found by id, address and Message-ID, in blocks and behind them, and pruned. */
#include "queue/queue_test.h"

#include "base/buf.h"
#include "base/clock.h"
#include "queue/trace_int.h"

enum { Q_ROWS, Q_BLOCKS, Q_COUNT };
static const struct db_sql checks[Q_COUNT] = {
	[Q_ROWS] = { .sql = "SELECT count(*) FROM queue_trace" },
	[Q_BLOCKS] = { .sql = "SELECT count(*) FROM queue_trace_blocks" },
};

struct fixture {
	struct db *db;
	struct store *s;
	struct queue *q;
	struct arena a;
	int64_t alice, bob; /* bob's mailbox takes nothing */
};

static void setup(struct fixture *x)
{
	*x = (struct fixture){ 0 };
	arena_init(&x->a, 64u << 20);
	test_open(checks, Q_COUNT, &x->db, &x->s, &x->q, &x->alice);
	x->bob = test_account(x->s, "bob@example.org", 1);
	queue_trace_keep(x->q, 30 * 86400000LL);
}

static void teardown(struct fixture *x)
{
	test_close(&x->db, &x->s, &x->q);
	arena_fini(&x->a);
}

static int64_t count(struct fixture *x, int what)
{
	return test_count(x->db, &checks[what]);
}

static int accept_message(struct fixture *x, const char *qid_z, struct queue_rcpt *r, size_t n, bool is_per_recipient)
{
	struct spool *spool = test_spool(x->db, "Message-ID: <Id.1@far.test>\r\n\r\nHello.\r\n");
	struct queue_envelope e = {
		.qid_z = qid_z,
		.sid_z = "sid1",
		.origin = { S("192.0.2.1"), S("client.test"), S("ESMTPSA"), S("TLSv1.3 TLS_AES_256_GCM_SHA384"), S("carol@example.org") },
		.reverse_path = S("Sender@far.test"),
		.rcpts = r,
		.n_rcpts = n,
		.is_per_recipient = is_per_recipient,
	};
	int rc;

	rc = queue_accept(x->q, &e, spool);
	spool_free(spool);
	return rc;
}

/* The events that are found, and all their stories in one text. */
static size_t find(struct fixture *x, const char *what_z, struct str *ret)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(8u << 20);
	struct queue_trace_row *rows;
	size_t n;

	assert_int_equal(queue_trace_find(x->q, &x->a, str_z(what_z), &rows, &n), 0);
	for (size_t i = 0; i < n; i++)
		buf_printf(&text, "%d %" STR_FMT "\n", rows[i].event, STR_ARG(rows[i].json));
	*ret = arena_str(&x->a, buf_str(&text));
	return n;
}

static struct queue_rcpt elsewhere(const char *address_z)
{
	return (struct queue_rcpt){ .address = str_z(address_z) };
}

/* ---- events, in transactions of their own ---- */

struct adding {
	struct queue *q;
	const struct queue_trace_entry *e;
	size_t times;
};

static int add_tx(struct db_tx *tx, void *arg)
{
	struct adding *a = arg;
	int rc = 0;

	for (size_t i = 0; i < a->times && rc == 0; i++)
		rc = queue_trace_add(a->q, tx, a->e);
	return rc;
}

static void add(struct fixture *x, const struct queue_trace_entry *e, size_t times)
{
	struct adding a = { x->q, e, times };
	struct db_write_job w = { .fn = add_tx, .arg = &a, .durability = DB_LAZY };

	assert_int_equal(db_write(x->db, &w), 0);
}

TEST(trace_of_an_accepted_message)
{
	struct fixture x;
	struct str got;
	struct queue_rcpt r[2] = { { .address = S("alice@example.org"), .is_local = true, .accounts = &x.alice, .n_accounts = 1 },
				   elsewhere("Bob@Elsewhere.Test") };
	static const char *const names[] = { "q123456789abcdef", "sender@FAR.test", "<sender@far.test>", "alice@example.org",
					     "bob@elsewhere.test", "id.1@far.test", "<Id.1@far.test>" };

	setup(&x);
	assert_int_equal(accept_message(&x, "q123456789abcdef", r, 2, false), 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		test_row(names[i]);
		assert_int_equal(find(&x, names[i], &got), 1);
		assert_str_eq(got, S("1 {\"qid\":\"q123456789abcdef\",\"from\":\"Sender@far.test\",\"message_id\":\"<Id.1@far.test>\",\"size\":39,"
				     "\"peer\":\"192.0.2.1\",\"helo\":\"client.test\",\"tls\":\"TLSv1.3 TLS_AES_256_GCM_SHA384\",\"protocol\":\"ESMTPSA\","
				     "\"user\":\"carol@example.org\",\"sid\":\"sid1\",\"to\":[{\"address\":\"alice@example.org\",\"into\":\"INBOX\"},"
				     "{\"address\":\"Bob@Elsewhere.Test\",\"into\":\"queue\"}]}\n"));
	}
	assert_int_equal(find(&x, "nobody@example.org", &got), 0);
	assert_int_equal(find(&x, "", &got), 0);
	teardown(&x);
}

/* LMTP: whose mailbox was full is known in the transaction; when nobody took it, nothing was accepted. */
TEST(trace_of_one_who_was_refused)
{
	struct fixture x;
	struct str got;

	setup(&x);
	{
		struct queue_rcpt r[2] = { { .address = S("alice@example.org"), .is_local = true, .accounts = &x.alice, .n_accounts = 1 },
					   { .address = S("bob@example.org"), .is_local = true, .accounts = &x.bob, .n_accounts = 1 } };

		assert_int_equal(accept_message(&x, "q1", r, 2, true), 0);
		assert_int_equal(find(&x, "q1", &got), 1);
		assert_true(str_find(got, S("{\"address\":\"alice@example.org\",\"into\":\"INBOX\"},"
					    "{\"address\":\"bob@example.org\",\"refused\":\"QUOTA\"}")) >= 0);
		assert_int_equal(accept_message(&x, "q2", &r[1], 1, true), 0);
		assert_int_equal(find(&x, "q2", &got), 0);
	}
	teardown(&x);
}

/* Off: nothing is written, by anybody. */
TEST(trace_can_be_switched_off)
{
	struct fixture x;
	struct queue_rcpt r = elsewhere("b@x.test");
	const struct queue_trace_entry held = { .event = QUEUE_TRACE_HELD, .qid = S("q1"), .at_s = 1 };
	const struct queue_envelope e = { .qid_z = "q2", .rcpts = &r, .n_rcpts = 1 };
	const struct queue_reply no = { 554, S("5.6.0"), S("no") };

	setup(&x);
	queue_trace_keep(x.q, 0);
	assert_int_equal(accept_message(&x, "q1", &r, 1, false), 0);
	add(&x, &held, 1);
	assert_int_equal(queue_trace_refused(x.q, &e, 1, &no), 0);
	assert_int_equal(count(&x, Q_ROWS), 0);
	teardown(&x);
}

TEST(trace_of_attempts)
{
	struct fixture x;
	struct str got;
	struct queue_rcpt r[2] = { elsewhere("b@x.test"), elsewhere("c@x.test") };
	struct queue_attempt_rcpt rcpts[2] = { { .address = S("b@x.test") }, { .address = S("c@x.test") } };
	struct queue_rcpt_result results[2] = {
		{ QUEUE_DELIVERED, { 250, S("2.1.5"), S("ok") } },
		{ QUEUE_DEFERRED, { 451, S("4.7.1"), S("grey \"listed\"\nwait\x01\xff") } },
	};
	const struct queue_result result = { .id = 7, .stage = QUEUE_AT_END, .is_reused = true, .host = S("mx.x.test"), .address = S("192.0.2.9"),
					     .tls = S("TLSv1.3"), .ms = 12, .rcpts = results, .n_rcpts = 2 };
	const struct queue_result lost = { .id = 0 };
	struct queue_trace_entry e = { .event = QUEUE_TRACE_ATTEMPT, .qid = S("q1"), .at_s = 5, .rcpts = rcpts, .n_rcpts = 2, .result = &result };

	setup(&x);
	assert_int_equal(accept_message(&x, "q1", r, 2, false), 0);
	assert_int_equal(accept_message(&x, "q2", r, 1, false), 0);
	add(&x, &e, 1);
	e.result = &lost;
	add(&x, &e, 1);
	e = (struct queue_trace_entry){ .event = QUEUE_TRACE_DSN, .qid = S("q1"), .at_s = 6, .rcpts = &rcpts[1], .n_rcpts = 1, .detail = S("q3") };
	add(&x, &e, 1);
	assert_int_equal(find(&x, "q1", &got), 4);
	assert_true(str_find(got, S("\n3 {\"qid\":\"q1\",\"host\":\"mx.x.test\",\"ip\":\"192.0.2.9\",\"tls\":\"TLSv1.3\",\"stage\":\"end\",\"ms\":12,"
				    "\"reused\":true,\"to\":["
				    "{\"address\":\"b@x.test\",\"outcome\":\"delivered\",\"code\":250,\"enhanced\":\"2.1.5\",\"reply\":\"ok\"},"
				    "{\"address\":\"c@x.test\",\"outcome\":\"deferred\",\"code\":451,\"enhanced\":\"4.7.1\","
				    "\"reply\":\"grey \\\"listed\\\"\\u000await\\u0001?\"}]}\n"
				    "3 {\"qid\":\"q1\",\"lost\":true,\"to\":[{\"address\":\"b@x.test\"},{\"address\":\"c@x.test\"}]}\n"
				    "4 {\"qid\":\"q1\",\"detail\":\"q3\",\"to\":[{\"address\":\"c@x.test\"}]}\n")) > 0);
	/* The notification leads back to what it is about; an address to all its messages, the oldest first. */
	assert_int_equal(find(&x, "q3", &got), 4);
	assert_int_equal(find(&x, "b@x.test", &got), 5);
	assert_true(str_ends(str_head(got, (size_t)str_rchr(str_head(got, got.n - 1), '\n')), S("\"address\":\"c@x.test\"}]}")));
	assert_true(str_find(got, S("\n1 {\"qid\":\"q2\"")) > 0);
	/* A message that an alias forwarded is part of the story of the one that came. */
	e = (struct queue_trace_entry){ .event = QUEUE_TRACE_EXPIRED, .qid = S("q123456789abcdefF"), .at_s = 6 };
	assert_int_equal(accept_message(&x, "q123456789abcdef", r, 1, false), 0);
	add(&x, &e, 1);
	assert_int_equal(find(&x, "q123456789abcdef", &got), 2);
	assert_int_equal(find(&x, "q123456789abcdefF", &got), 2);
	teardown(&x);
}

/* What is refused at the end of DATA; so much of an hour and no more. */
TEST(trace_of_refusals_is_bounded)
{
	struct fixture x;
	struct str got;
	struct queue_rcpt r = elsewhere("b@x.test");
	const struct queue_envelope e = { .qid_z = "q2", .reverse_path = S("a@x.test"), .rcpts = &r, .n_rcpts = 1 };
	const struct queue_reply no = { 554, S("5.6.0"), S("bare LF") };

	setup(&x);
	for (int i = 0; i < QUEUE_TRACE_REFUSALS; i++)
		assert_int_equal(queue_trace_refused(x.q, &e, 77, &no), 0);
	assert_int_equal(find(&x, "a@x.test", &got), QUEUE_TRACE_ROWS);
	assert_true(str_starts(got, S("2 {\"qid\":\"q2\",\"from\":\"a@x.test\",\"size\":77,\"code\":554,\"enhanced\":\"5.6.0\",\"reply\":\"bare LF\","
				      "\"to\":[{\"address\":\"b@x.test\"}]}\n")));
	assert_int_equal(queue_trace_refused(x.q, &e, 77, &no), 0);
	assert_int_equal(count(&x, Q_ROWS), QUEUE_TRACE_REFUSALS);
	clock_shift_ms(3600000);
	assert_int_equal(queue_trace_refused(x.q, &e, 77, &no), 0);
	assert_int_equal(count(&x, Q_ROWS), QUEUE_TRACE_REFUSALS + 1);
	clock_shift_ms(-3600000);
	teardown(&x);
}

/* Blocks change nothing but the time it takes; old rows go, in steps, and their blocks with the last of them. */
TEST(trace_index_and_prune)
{
	struct fixture x;
	struct str got;
	struct queue_rcpt r = elsewhere("b@x.test");
	int64_t now_s = clock_wall_ms() / 1000;
	struct queue_trace_entry e = { .event = QUEUE_TRACE_HELD, .qid = S("other"), .at_s = now_s - 31 * 86400 };
	int steps = 0, rc;

	setup(&x);
	add(&x, &e, 5000);
	assert_int_equal(accept_message(&x, "q1", &r, 1, false), 0);
	add(&x, &e, 5000);
	e.qid = S("q1");
	add(&x, &e, 1);
	assert_int_equal(find(&x, "q1", &got), 2);
	assert_int_equal(queue_trace_tidy(x.q), 1);
	assert_int_equal(count(&x, Q_BLOCKS), 1);
	assert_int_equal(queue_trace_tidy(x.q), 1);
	assert_int_equal(count(&x, Q_BLOCKS), 2);
	assert_int_equal(count(&x, Q_ROWS), 10002);
	assert_int_equal(find(&x, "q1", &got), 2);
	assert_int_equal(find(&x, "b@x.test", &got), 2);
	assert_int_equal(find(&x, "other", &got), QUEUE_TRACE_ROWS);
	while ((rc = queue_trace_tidy(x.q)) == 1)
		steps++;
	assert_int_equal(rc, 0);
	/* One that is younger stays, and nothing waits for it. */
	assert_int_equal(steps, 10);
	assert_int_equal(count(&x, Q_ROWS), 1);
	assert_int_equal(count(&x, Q_BLOCKS), 1);
	assert_int_equal(find(&x, "q1", &got), 1);
	clock_shift_ms(31 * 86400000LL);
	while ((rc = queue_trace_tidy(x.q)) == 1)
		continue;
	clock_shift_ms(-31 * 86400000LL);
	assert_int_equal(rc, 0);
	assert_int_equal(count(&x, Q_ROWS), 0);
	assert_int_equal(count(&x, Q_BLOCKS), 0);
	/* Ids begin anew: nothing of before is found. */
	e.qid = S("q9");
	add(&x, &e, 1);
	assert_int_equal(find(&x, "q9", &got), 1);
	assert_int_equal(find(&x, "other", &got), 0);
	teardown(&x);
}

/* More recipients than a story has room for: it says how many, and each of them finds it. */
TEST(trace_of_very_many_recipients)
{
	struct fixture x;
	struct str got;
	size_t n = 3000;
	struct queue_rcpt *r = mem_alloc(n, sizeof(*r));
	char last[400];

	setup(&x);
	for (size_t i = 0; i < n; i++) {
		char address[400];

		snprintf(address, sizeof(address), "%0390zu@x", i);
		r[i].address = arena_str(&x.a, str_z(address));
		snprintf(last, sizeof(last), "%s", address);
	}
	assert_int_equal(accept_message(&x, "q1", r, n, false), 0);
	assert_int_equal(find(&x, "q1", &got), 1);
	assert_true(str_ends(got, S(",\"recipients\":3000}\n")));
	assert_int_equal(find(&x, last, &got), 1);
	mem_free(r);
	teardown(&x);
}

/* Of an address the newest hundred messages are told, the oldest of them first. */
TEST(trace_of_a_busy_address)
{
	struct fixture x;
	struct str got;
	struct queue_rcpt r = elsewhere("b@x.test");
	char qid[17];

	setup(&x);
	for (int i = 0; i < 150; i++) {
		snprintf(qid, sizeof(qid), "q%03d", i);
		assert_int_equal(accept_message(&x, qid, &r, 1, false), 0);
	}
	assert_int_equal(find(&x, "b@x.test", &got), 100);
	assert_true(str_starts(got, S("1 {\"qid\":\"q050\"")));
	assert_true(str_find(got, S("\n1 {\"qid\":\"q149\"")) > str_find(got, S("\n1 {\"qid\":\"q148\"")));
	assert_int_equal(find(&x, "q000", &got), 1);
	teardown(&x);
}
