/* SPDX-License-Identifier: MIT */
/* Accepting: local, remote, mixed, aliases that overlap, LMTP results, failures. */
#include "queue/queue_test.h"

#include "base/buf.h"
#include "base/clock.h"
#include "queue/trace_int.h"
#include "store/mailbox.h"
#include "store/message.h"

/* Rows that are wrong, and how many there are. */
enum { Q_REFS, Q_CONTENTS, Q_RECIPIENTS, Q_EMPTY, Q_DROP_MESSAGE, Q_DROP_RECIPIENTS, Q_DROP_DESTINATION, Q_COUNT };
static const struct db_sql checks[Q_COUNT] = {
	[Q_REFS] = { .sql = "SELECT count(*) FROM contents c LEFT JOIN content_refs r ON r.content = c.id"
			    " WHERE coalesce(refs, 1) <>"
			    " (SELECT count(*) FROM messages m WHERE m.content = c.id)"
			    " + (SELECT count(*) FROM queue_messages q WHERE q.content = c.id) OR refs < 1" },
	[Q_CONTENTS] = { .sql = "SELECT count(*) FROM contents" },
	[Q_RECIPIENTS] = { .sql = "SELECT count(*) FROM queue_recipients" },
	[Q_EMPTY] = { .sql = "SELECT count(*) FROM queue_messages m WHERE NOT EXISTS (SELECT 1 FROM queue_recipients r WHERE r.qid = m.qid)" },
	/* damages for the check */
	[Q_DROP_MESSAGE] = { .sql = "DELETE FROM queue_messages WHERE qid = 'q1'" },
	[Q_DROP_RECIPIENTS] = { .sql = "DELETE FROM queue_recipients WHERE qid = 'q2'" },
	[Q_DROP_DESTINATION] = { .sql = "DELETE FROM queue_destinations" },
};

struct fixture {
	struct db *db;
	struct store *s;
	struct queue *q;
	struct arena a;
	int64_t alice, bob; /* bob's quota is 100 bytes */
	struct spool *spool;
};

static void setup(struct fixture *x)
{
	*x = (struct fixture){ 0 };
	arena_init(&x->a, 8u << 20);
	test_open(checks, Q_COUNT, &x->db, &x->s, &x->q, &x->alice);
	x->bob = test_account(x->s, "bob@example.org", 100);
	queue_trace_keep(x->q, 86400000);
	x->spool = test_spool(x->db, "Message-ID: <q@x>\r\nSubject: queue\r\n\r\nThe body of it, long enough.\r\n");
	assert_int_equal(spool_prepend(x->spool, S("Return-Path: <s@x>\r\n")), 0);
}

static int64_t count(struct fixture *x, int what)
{
	return test_count(x->db, &checks[what]);
}

static uint32_t messages(struct fixture *x, int64_t account)
{
	struct store_mailbox m;

	assert_int_equal(store_mailbox_find(x->s, &x->a, account, S("INBOX"), &m), 0);
	return m.messages;
}

static void teardown(struct fixture *x)
{
	assert_int_equal(count(x, Q_REFS), 0);
	spool_free(x->spool);
	test_close(&x->db, &x->s, &x->q);
	arena_fini(&x->a);
}

static int accept_message(struct fixture *x, const char *qid_z, struct queue_rcpt *r, size_t n,
			  bool is_per_recipient)
{
	struct queue_envelope e = {
		.qid_z = qid_z,
		.sid_z = "sid",
		.reverse_path = S("s@x"),
		.envid = S("id"),
		.rcpts = r,
		.n_rcpts = n,
		.is_per_recipient = is_per_recipient,
		.is_8bit = true,
	};

	return queue_accept(x->q, &e, x->spool);
}

TEST(an_alias_forwards_with_a_return_address_of_ours)
{
	const struct str elsewhere[] = { STR_INIT("bob@far.example"), STR_INIT("bob@farther.example") };
	struct queue_item *items;
	struct str back;
	struct fixture x;
	size_t n;

	setup(&x);
	struct queue_rcpt r[] = {
		{ .address = S("carol@example.net") }, /* and one that is not forwarded */
		{ .address = S("b@example.org"), .is_local = true, .accounts = &x.alice, .n_accounts = 1, .forwards = elsewhere,
		  .n_forwards = 2 },
	};
	assert_int_equal(accept_message(&x, "q1", r, 2, false), 0);
	assert_int_equal(messages(&x, x.alice), 1);
	assert_int_equal(count(&x, Q_CONTENTS), 1);
	assert_int_equal(queue_list(x.q, &x.a, &(struct queue_pick){ 0 }, &items, &n), 0);
	assert_int_equal(n, 3);
	assert_str_eq(items[0].recipient, S("carol@example.net"));
	assert_str_eq(items[0].reverse_path, S("s@x"));
	for (size_t i = 1; i < 3; i++) {
		test_row(i == 1 ? "bob@far" : "bob@farther");
		assert_str_eq(items[i].qid, S("q1F"));
		assert_str_eq(items[i].recipient, elsewhere[i - 1]);
		assert_true(str_starts(items[i].reverse_path, S("SRS0=")) && str_ends(items[i].reverse_path, S("=x=s@example.org")));
	}
	assert_int_equal(queue_return_path(x.q, &x.a, items[1].reverse_path, &back), 0);
	assert_str_eq(back, S("s@x"));
	assert_int_equal(queue_return_path(x.q, &x.a, S("SRS0=aaaaaa=aa=x=s@example.org"), &back), -E_NOT_FOUND);
	assert_int_equal(queue_return_path(x.q, &x.a, S("s@x"), &back), -E_NOT_FOUND);
	assert_int_equal(queue_return_path(x.q, &x.a, S("postmaster"), &back), -E_NOT_FOUND);
	teardown(&x);
}

/* One alias under many names, or many aliases with one target: no stranger makes many copies of one message that way. */
TEST(who_is_forwarded_to_gets_one_copy)
{
	const struct str elsewhere[] = { STR_INIT("bob@far.example"), STR_INIT("carol@far.example") };
	struct queue_rcpt r[] = {
		{ .address = S("b+1@example.org"), .is_local = true, .forwards = elsewhere, .n_forwards = 2 },
		{ .address = S("b+2@example.org"), .is_local = true, .forwards = elsewhere, .n_forwards = 2 },
		{ .address = S("c@example.org"), .is_local = true, .forwards = elsewhere + 1, .n_forwards = 1 },
	};
	struct queue_item *items;
	struct fixture x;
	size_t n;

	setup(&x);
	assert_int_equal(accept_message(&x, "q1", r, 3, false), 0);
	assert_int_equal(queue_list(x.q, &x.a, &(struct queue_pick){ 0 }, &items, &n), 0);
	assert_int_equal(n, 2);
	assert_str_eq(items[0].recipient, elsewhere[0]);
	assert_str_eq(items[1].recipient, elsewhere[1]);
	assert_true(str_ends(items[1].reverse_path, S("=x=s@example.org")));
	teardown(&x);
}

#define U_DOMAIN "b\xc3\xbc" "cher.example"
#define A_DOMAIN "xn--bcher-kva.example"

enum { NEVER = QUEUE_NOTIFY_NEVER, SUCCESS = QUEUE_NOTIFY_SUCCESS, FAILURE = QUEUE_NOTIFY_FAILURE, DELAY = QUEUE_NOTIFY_DELAY };
static const struct elsewhere_row {
	const char *name;
	struct {
		const char *address_z, *orcpt_z, *forward_z;
		unsigned notify;
	} asked[3];
	size_t n_asked;
	struct {
		const char *qid_z, *address_z, *orcpt_z;
		unsigned notify;
	} want[2];
	size_t n_want;
} elsewhere_rows[] = {
	{ "twice", { { "bob@far.example", "", NULL, 0 }, { "bob@far.example", "", NULL, 0 } }, 2, { { "q", "bob@far.example", "", 0 } }, 1 },
	{ "case of the domain", { { "bob@far.example", "", NULL, 0 }, { "bob@FAR.Example", "", NULL, 0 } }, 2, { { "q", "bob@far.example", "", 0 } }, 1 },
	{ "case of the local part", { { "bob@far.example", "", NULL, 0 }, { "Bob@far.example", "", NULL, 0 } }, 2,
	  { { "q", "bob@far.example", "", 0 }, { "q", "Bob@far.example", "", 0 } }, 2 },
	{ "A-label, U-label", { { "b@" A_DOMAIN, "", NULL, 0 }, { "b@" U_DOMAIN, "", NULL, 0 } }, 2, { { "q", "b@" A_DOMAIN, "", 0 } }, 1 },
	{ "literal", { { "b@[IPv6:2001:db8::A]", "", NULL, 0 }, { "b@[ipv6:2001:DB8::a]", "", NULL, 0 } }, 2, { { "q", "b@[IPv6:2001:db8::A]", "", 0 } }, 1 },
	{ "the order asked for", { { "z@far.example", "", NULL, 0 }, { "a@far.example", "", NULL, 0 }, { "z@far.example", "", NULL, 0 } }, 3,
	  { { "q", "z@far.example", "", 0 }, { "q", "a@far.example", "", 0 } }, 2 },
	{ "by aliases", { { "x@example.org", "", "bob@far.example", SUCCESS }, { "y@example.org", "rfc822;y", "bob@FAR.example", FAILURE } }, 2,
	  { { "qF", "bob@far.example", "rfc822;y", SUCCESS | FAILURE } }, 1 },
	{ "by an alias, and itself", { { "x@example.org", "", "bob@far.example", 0 }, { "bob@far.example", "", NULL, SUCCESS } }, 2,
	  { { "q", "bob@far.example", "", SUCCESS | FAILURE | DELAY } }, 1 },
	{ "by an alias, and another itself", { { "x@example.org", "", "bob@far.example", 0 }, { "carol@far.example", "", NULL, 0 } }, 2,
	  { { "q", "carol@far.example", "", 0 }, { "qF", "bob@far.example", "", 0 } }, 2 },
	{ "never and usually", { { "b@far.example", "rfc822;one", NULL, NEVER }, { "b@far.example", "rfc822;one", NULL, 0 } }, 2,
	  { { "q", "b@far.example", "rfc822;one", 0 } }, 1 },
	{ "names of their own", { { "b@far.example", "rfc822;one", NULL, SUCCESS }, { "b@FAR.example", "rfc822;two", NULL, SUCCESS },
				  { "b@far.example", "rfc822;one", NULL, 0 } }, 3,
	  { { "q", "b@far.example", "rfc822;one", SUCCESS | FAILURE | DELAY }, { "q", "b@FAR.example", "rfc822;two", SUCCESS } }, 2 },
	{ "a name, and none", { { "b@FAR.example", "", NULL, SUCCESS }, { "a@far.example", "", NULL, 0 }, { "b@far.example", "rfc822;two", NULL, 0 } }, 3,
	  { { "q", "b@FAR.example", "rfc822;two", SUCCESS | FAILURE | DELAY }, { "q", "a@far.example", "", 0 } }, 2 },
	{ "aliases of their own", { { "x@example.org", "rfc822;x", "bob@far.example", SUCCESS }, { "y@example.org", "rfc822;y", "bob@far.example", 0 } }, 2,
	  { { "qF", "bob@far.example", "rfc822;x", SUCCESS }, { "qF", "bob@far.example", "rfc822;y", 0 } }, 2 },
	{ "by an alias with a name, and itself", { { "x@example.org", "rfc822;x", "bob@far.example", SUCCESS }, { "bob@far.example", "rfc822;bob", NULL, 0 } }, 2,
	  { { "q", "bob@far.example", "rfc822;bob", 0 }, { "qF", "bob@far.example", "rfc822;x", SUCCESS } }, 2 },
	{ "never and success", { { "b@far.example", "", NULL, SUCCESS }, { "b@far.example", "rfc822;two", NULL, NEVER } }, 2,
	  { { "q", "b@far.example", "rfc822;two", SUCCESS } }, 1 },
	{ "success and delay", { { "b@far.example", "", NULL, SUCCESS }, { "b@far.example", "", NULL, DELAY } }, 2,
	  { { "q", "b@far.example", "", SUCCESS | DELAY } }, 1 },
};

/* In whatever way an address is written, and whoever leads to it; what was asked about notices is asked for once (RFC 3461 4.1, 4.2). */
TEST(who_is_elsewhere_gets_one_copy)
{
	struct fixture x;

	setup(&x);
	for (size_t i = 0; i < ARRAY_LEN(elsewhere_rows); i++) {
		struct queue_rcpt r[3] = { 0 };
		struct str forwards[3];
		struct queue_rcpt_row *got;
		struct db_tx *tx;
		char qid[8];
		size_t n = 0, n_got;

		test_row(elsewhere_rows[i].name);
		snprintf(qid, sizeof(qid), "%c", (int)('a' + i));
		for (size_t k = 0; k < elsewhere_rows[i].n_asked; k++) {
			const char *orcpt_z = elsewhere_rows[i].asked[k].orcpt_z, *forward_z = elsewhere_rows[i].asked[k].forward_z;

			forwards[k] = forward_z ? str_z(forward_z) : S("");
			r[k] = (struct queue_rcpt){ .address = str_z(elsewhere_rows[i].asked[k].address_z), .notify = elsewhere_rows[i].asked[k].notify, .result = 1,
						    .orcpt = orcpt_z ? str_z(orcpt_z) : S(""), .is_local = forward_z,
						    .forwards = &forwards[k], .n_forwards = forward_z ? 1 : 0 };
		}
		assert_int_equal(accept_message(&x, qid, r, elsewhere_rows[i].n_asked, false), 0);
		for (size_t k = 0; k < elsewhere_rows[i].n_asked; k++)
			assert_int_equal(r[k].result, 0);
		assert_int_equal(db_read_begin(x.db, &tx), 0);
		for (size_t f = 0; f < 2; f++) {
			snprintf(qid, sizeof(qid), "%c%s", (int)('a' + i), f ? "F" : "");
			assert_int_equal(queue_rcpts_get(tx, &x.a, SQL(RECIPIENTS_OF), (const struct db_val[]){ DB_T(str_z(qid)) }, 1, &got, &n_got), 0);
			for (size_t k = 0; k < n_got; k++, n++) {
				assert_true(n < elsewhere_rows[i].n_want);
				assert_str_eq(str_skip(got[k].qid, 1), str_skip(str_z(elsewhere_rows[i].want[n].qid_z), 1));
				assert_str_eq(got[k].address, str_z(elsewhere_rows[i].want[n].address_z));
				assert_str_eq(got[k].orcpt, str_z(elsewhere_rows[i].want[n].orcpt_z));
				assert_int_equal(got[k].notify, elsewhere_rows[i].want[n].notify);
			}
		}
		db_read_end(&tx);
		assert_int_equal(n, elsewhere_rows[i].n_want);
	}
	assert_int_equal(count(&x, Q_EMPTY), 0);
	teardown(&x);
}

struct due {
	const char *from_z;
	size_t n;
};

/* In which order a destination's recipients go now: by their messages, each with how many in a row. */
static void assert_due(struct fixture *x, const struct due *want, size_t n_want)
{
	const struct db_val args[] = { DB_T(S("far.example")), DB_I(clock_wall_ms() / 1000), DB_I(10000) };
	struct queue_rcpt_row *got;
	struct db_tx *tx;
	size_t n, at = 0;

	assert_int_equal(db_read_begin(x->db, &tx), 0);
	assert_int_equal(queue_rcpts_get(tx, &x->a, SQL(RECIPIENTS_DUE), args, ARRAY_LEN(args), &got, &n), 0);
	db_read_end(&tx);
	for (size_t i = 0; i < n_want; i++) {
		test_row(want[i].from_z);
		for (size_t k = 0; k < want[i].n; k++, at++)
			assert_true(at < n && str_starts(got[at].qid, str_z(want[i].from_z)));
	}
	assert_int_equal(at, n);
}

static void send_many(struct fixture *x, const char *qid_z, const char *from_z, size_t n, int priority)
{
	struct queue_rcpt r[300] = { 0 };
	struct queue_envelope e = { .qid_z = qid_z, .sid_z = "sid", .reverse_path = str_z(from_z), .rcpts = r, .n_rcpts = n, .wish.priority = priority };

	for (size_t i = 0; i < n; i++)
		r[i].address = arena_printf(&x->a, "r%zu@far.example", i);
	assert_int_equal(queue_accept(x->q, &e, x->spool), 0);
}

/* All are due at once; but who sends to many is behind who comes later and does not, for a while. */
TEST(who_sends_little_is_not_behind_who_sends_much)
{
	static const struct due first[] = { { "a", 100 }, { "c", 1 }, { "a", 200 }, { "b", 100 } },
				later[] = { { "a", 100 }, { "c", 1 }, { "a", 200 }, { "b", 100 }, { "d", 1 }, { "e", 100 }, { "e", 200 } };
	struct fixture x;

	setup(&x);
	send_many(&x, "a1", "list@x", 300, 0);
	send_many(&x, "b1", "LIST@x", 100, 0); /* the same sender, in one second or two */
	send_many(&x, "c1", "carol@x", 1, 0);
	assert_due(&x, first, ARRAY_LEN(first));
	clock_shift_ms(601000);
	send_many(&x, "d1", "carol@x", 1, 0);
	send_many(&x, "e1", "list@x", 300, 0);
	assert_due(&x, later, ARRAY_LEN(later));
	clock_shift_ms(-601000);
	teardown(&x);
}

TEST(a_forwarded_bounce_stays_one_and_what_goes_nowhere_is_taken)
{
	const struct str elsewhere = STR_INIT("bob@far.example");
	struct queue_rcpt nowhere = { .address = S("b@example.org"), .is_local = true, .result = 1 };
	struct queue_rcpt r = { .address = S("b@example.org"), .is_local = true, .forwards = &elsewhere, .n_forwards = 1 };
	struct queue_item *items;
	struct fixture x;
	size_t n;

	setup(&x);
	struct queue_envelope e = { .qid_z = "q1", .sid_z = "sid", .rcpts = &r, .n_rcpts = 1 };

	assert_int_equal(queue_accept(x.q, &e, x.spool), 0);
	assert_int_equal(queue_list(x.q, &x.a, &(struct queue_pick){ 0 }, &items, &n), 0);
	assert_int_equal(n, 1);
	assert_str_eq(items[0].reverse_path, S(""));
	assert_int_equal(accept_message(&x, "q2", &nowhere, 1, false), 0);
	assert_int_equal(nowhere.result, 0);
	assert_int_equal(count(&x, Q_CONTENTS), 1);
	nowhere.result = 1;
	assert_int_equal(accept_message(&x, "q3", &nowhere, 1, true), 0);
	assert_int_equal(nowhere.result, 0);
	assert_int_equal(count(&x, Q_CONTENTS), 1);
	teardown(&x);
}

TEST(accept_mixed_recipients)
{
	struct fixture x;
	struct queue_item *items;
	size_t n;

	setup(&x);
	const int64_t both[] = { x.bob, x.alice };
	struct queue_rcpt r[] = {
		{ .address = S("alice@example.org"),
		  .is_local = true,
		  .accounts = &x.alice,
		  .n_accounts = 1,
		  .result = 1 },
		{ .address = S("both@example.org"),
		  .is_local = true,
		  .accounts = both,
		  .n_accounts = 2,
		  .result = 1 },
		{ .address = S("far@elsewhere.test"),
		  .orcpt = S("rfc822;far"),
		  .notify = QUEUE_NOTIFY_NEVER,
		  .result = 1 },
		{ .address = S("farther@elsewhere.test"), .result = 1 },
	};

	assert_int_equal(accept_message(&x, "q1", r, 4, false), 0);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(r[i].result, 0);
	assert_int_equal(messages(&x, x.alice), 1);
	assert_int_equal(messages(&x, x.bob), 1);
	assert_int_equal(count(&x, Q_CONTENTS), 1);
	assert_int_equal(queue_list(x.q, &x.a, &(struct queue_pick){ 0 }, &items, &n), 0);
	assert_int_equal(n, 2);
	assert_str_eq(items[0].qid, S("q1"));
	assert_str_eq(items[0].reverse_path, S("s@x"));
	assert_str_eq(items[0].recipient, S("far@elsewhere.test"));
	assert_str_eq(items[1].recipient, S("farther@elsewhere.test"));
	assert_int_equal(items[0].size, spool_size(x.spool));
	assert_true(items[0].accepted_s > 1700000000);
	assert_int_equal(items[0].next_attempt_s, items[0].accepted_s); /* and no earlier */
	teardown(&x);
}

TEST(accept_bytes_are_what_the_spool_has)
{
	struct fixture x;
	struct store_mailbox inbox;
	struct store_mbox *mbox;
	struct store_view *view;
	struct store_reader *reader;
	struct store_content c;
	struct str want;
	char got[500];

	setup(&x);
	struct queue_rcpt r = { .is_local = true, .accounts = &x.alice, .n_accounts = 1 };

	assert_int_equal(accept_message(&x, "q1", &r, 1, false), 0);
	assert_int_equal(store_mailbox_find(x.s, &x.a, x.alice, S("INBOX"), &inbox), 0);
	assert_int_equal(store_mbox_open(x.s, inbox.id, &mbox), 0);
	assert_int_equal(store_mbox_view(mbox, &view), 0);
	assert_int_equal(view->n, 1);
	assert_int_equal(store_reader_open(x.s, &reader), 0);
	assert_int_equal(store_content_get(reader, &x.a, store_view_at(view, 1)->content, 0, &c),
			 0);
	store_reader_close(&reader);
	assert_int_equal(spool_view(x.spool, &want), 0);
	assert_int_equal(c.size, want.n);
	assert_int_equal(store_content_read(x.s, &c, 0, got, want.n), 0);
	assert_memory_equal(got, want.p, want.n);
	assert_int_equal(blob_verify(x.db, &c.ref), 0);
	store_view_unref(view);
	store_mbox_close(&mbox);
	teardown(&x);
}

TEST(accept_lmtp_has_a_result_for_each)
{
	struct fixture x;

	setup(&x);
	const int64_t both[] = { x.bob, x.alice }, nobody = 4711;
	struct queue_rcpt r[] = {
		{ .is_local = true, .accounts = &x.bob, .n_accounts = 1 },
		{ .is_local = true, .accounts = &x.alice, .n_accounts = 1 },
		{ .is_local = true, .accounts = both, .n_accounts = 2 },
		{ .is_local = true, .accounts = &nobody, .n_accounts = 1 },
	};

	assert_int_equal(accept_message(&x, "q1", r, 4, true), 0);
	assert_int_equal(accept_message(&x, "q2", r, 4, true), 0);
	assert_int_equal(r[0].result, -E_QUOTA);
	assert_int_equal(r[1].result, 0);
	assert_int_equal(r[2].result, 0);
	assert_int_equal(r[3].result, -E_NOT_FOUND);
	assert_int_equal(messages(&x, x.bob), 1);
	assert_int_equal(messages(&x, x.alice), 2);
	/* everybody refuses: nothing stays */
	assert_int_equal(accept_message(&x, "q3", r, 1, true), 0);
	assert_int_equal(r[0].result, -E_QUOTA);
	assert_int_equal(count(&x, Q_CONTENTS), 2);
	/* not per recipient: quota is not asked again, and a vanished account refuses all */
	assert_int_equal(accept_message(&x, "q4", r, 1, false), 0);
	assert_int_equal(messages(&x, x.bob), 2);
	assert_int_equal(accept_message(&x, "q5", r, 4, false), -E_NOT_FOUND);
	assert_int_equal(count(&x, Q_CONTENTS), 3);
	teardown(&x);
}

TEST(accept_failures_leave_nothing)
{
	struct fixture x;

	setup(&x);
	struct queue_rcpt r[] = {
		{ .address = S("alice@example.org"),
		  .is_local = true,
		  .accounts = &x.alice,
		  .n_accounts = 1 },
		{ .address = S("far@elsewhere.test") },
	};
	static const struct {
		enum db_fail_point point;
		int nth, err, want;
	} rows[] = {
		{ DB_FAIL_STATEMENT, 1, E_IO, -E_IO },
		{ DB_FAIL_STATEMENT, 2, E_IO, -E_IO },
		{ DB_FAIL_STATEMENT, 3, E_IO, -E_IO },
		{ DB_FAIL_STATEMENT, 4, E_IO, -E_IO },
		{ DB_FAIL_STATEMENT, 5, E_IO, -E_IO },
		{ DB_FAIL_STATEMENT, 6, E_IO, -E_IO },
		{ DB_FAIL_STATEMENT, 7, E_IO, -E_IO },
		{ DB_FAIL_STATEMENT, 8, E_DISK_FULL, -E_DISK_FULL },
		{ DB_FAIL_STATEMENT, 9, E_IO, -E_IO },
		{ DB_FAIL_STATEMENT, 10, E_IO, -E_IO },
		{ DB_FAIL_PACK_WRITE, 1, E_DISK_FULL, -E_DISK_FULL },
		{ DB_FAIL_PACK_SYNC, 1, E_IO, -E_IO },
		{ DB_FAIL_COMMIT, 1, E_DISK_FULL, -E_DISK_FULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		db_fail_next(x.db, rows[i].point, rows[i].nth, rows[i].err);
		assert_int_equal(accept_message(&x, "q1", r, 2, false), rows[i].want);
		db_fail_next(x.db, DB_FAIL_NONE, 0, 0);
		assert_int_equal(count(&x, Q_CONTENTS), 0);
		assert_int_equal(count(&x, Q_RECIPIENTS), 0);
		assert_int_equal(messages(&x, x.alice), 0);
	}
	assert_int_equal(accept_message(&x, "q1", r, 2, false), 0);
	assert_int_equal(accept_message(&x, "q1", r, 2, false), -E_IO); /* the id is taken */
	assert_int_equal(messages(&x, x.alice), 1);
	teardown(&x);
}

static int accept_with_notify(struct fixture *x, const char *qid_z, struct queue_rcpt *r, size_t n, bool is_per_recipient)
{
	struct queue_envelope e = { .qid_z = qid_z, .sid_z = "", .reverse_path = S("alice@example.org"), .rcpts = r, .n_rcpts = n,
				    .is_per_recipient = is_per_recipient };

	return queue_accept(x->q, &e, x->spool);
}

/* RFC 3461 5.2.3: who asked for it hears of success by the same commit, so that what is answered with a failure was not delivered. */
TEST(accept_tells_of_success_or_nothing_happened)
{
	struct fixture x;
	int rc = -1, n_failed = 0;

	setup(&x);
	struct queue_rcpt r[] = { { .address = S("bob@example.org"), .is_local = true, .accounts = &x.bob, .n_accounts = 1,
				    .notify = QUEUE_NOTIFY_SUCCESS } };

	for (int nth = 1; nth < 60 && rc < 0; nth++) {
		db_fail_next(x.db, DB_FAIL_STATEMENT, nth, E_DISK_FULL);
		rc = accept_with_notify(&x, "q1", r, 1, false);
		db_fail_next(x.db, DB_FAIL_NONE, 0, 0);
		n_failed += rc < 0;
		assert_int_equal(messages(&x, x.bob), rc == 0);
		assert_int_equal(messages(&x, x.alice), rc == 0);
	}
	assert_int_equal(rc, 0);
	assert_true(n_failed > 10);
	assert_int_equal(count(&x, Q_CONTENTS), 2);
	teardown(&x);
}

/* LMTP: nobody is told that what was refused has been delivered. */
TEST(accept_lmtp_tells_of_those_who_have_it)
{
	struct fixture x;

	setup(&x);
	struct queue_rcpt r[] = {
		{ .address = S("bob@example.org"), .is_local = true, .accounts = &x.bob, .n_accounts = 1, .notify = QUEUE_NOTIFY_SUCCESS },
		{ .address = S("alice@example.org"), .is_local = true, .accounts = &x.alice, .n_accounts = 1,
		  .notify = QUEUE_NOTIFY_SUCCESS },
	};

	assert_int_equal(accept_with_notify(&x, "q1", r, 2, true), 0);
	assert_int_equal(r[0].result, 0);
	assert_int_equal(messages(&x, x.alice), 3); /* the message, and one notice for each */
	assert_int_equal(accept_with_notify(&x, "q2", r, 2, true), 0);
	assert_int_equal(r[0].result, -E_QUOTA);
	assert_int_equal(r[1].result, 0);
	assert_int_equal(messages(&x, x.bob), 1);
	assert_int_equal(messages(&x, x.alice), 5);
	assert_int_equal(accept_with_notify(&x, "q3", r, 1, true), 0);
	assert_int_equal(r[0].result, -E_QUOTA);
	assert_int_equal(messages(&x, x.alice), 5);
	teardown(&x);
}

static void collect(void *ctx, const char *text_z)
{
	buf_add(ctx, str_z(text_z));
	buf_add_char(ctx, '\n');
}

/* References of the queue are counted, and its tables belong together (fsck.c). */
TEST(check_of_store_and_queue)
{
	AUTO(buf_fini) struct buf said = BUF_INIT(65536);
	struct queue_rcpt r[] = { { .address = S("far@elsewhere.test") } };
	struct store_fsck_say say = { .found = collect, .unreadable = collect, .ctx = &said };
	struct store_fsck_counts n;
	struct fixture x;

	setup(&x);
	assert_int_equal(accept_message(&x, "q1", r, 1, false), 0);
	assert_int_equal(accept_message(&x, "q2", r, 1, false), 0);
	assert_int_equal(queue_fsck(x.q, &say, &n), 0);
	assert_str_eq(buf_str(&said), S(""));
	assert_int_equal(n.contents, 2);
	test_alter(x.db, &checks[Q_DROP_MESSAGE]);
	test_alter(x.db, &checks[Q_DROP_RECIPIENTS]);
	assert_int_equal(queue_fsck(x.q, &say, &n), 0);
	assert_str_eq(buf_str(&said), S("queue q1: a recipient without its message, far@elsewhere.test\n"
					"queue q2: a message without recipients\n"
					"content 1: refs is 1, counted 0\n"));
	buf_reset(&said);
	say.repaired = collect;
	assert_int_equal(queue_fsck(x.q, &say, &n), 0);
	assert_str_eq(buf_str(&said),
		      S("queue q1: a recipient without its message, far@elsewhere.test; removed\n"
			"queue q2: a message without recipients; removed\n"
			"content 1: refs is 1, counted 0; counted anew\n"));
	buf_reset(&said);
	assert_int_equal(queue_fsck(x.q, &say, &n), 0);
	assert_str_eq(buf_str(&said), S(""));
	assert_int_equal(n.contents, 2);
	assert_int_equal(count(&x, Q_RECIPIENTS), 0);
	assert_int_equal(accept_message(&x, "q3", r, 1, false), 0);
	test_alter(x.db, &checks[Q_DROP_DESTINATION]);
	assert_int_equal(queue_fsck(x.q, &say, &n), 0);
	assert_str_eq(buf_str(&said), S("queue elsewhere.test: mail for there that nothing says when to try; tried now\n"));
	buf_reset(&said);
	assert_int_equal(queue_fsck(x.q, &say, &n), 0);
	assert_str_eq(buf_str(&said), S(""));
	spool_free(x.spool);
	test_close(&x.db, &x.s, &x.q);
	arena_fini(&x.a);
}

static int submit(struct fixture *x, int64_t account, const char *to_z, const char *to2_z)
{
	struct queue_rcpt r[] = { { .address = str_z(to_z) }, { .address = str_z(to2_z) } };
	struct queue_envelope e = { .sid_z = "sid", .reverse_path = S("alice@example.org"), .submitter = account, .rcpts = r, .n_rcpts = 2 };
	static int n;
	char qid[17];

	snprintf(qid, sizeof(qid), "allow%d", ++n);
	e.qid_z = qid;
	return queue_accept(x->q, &e, x->spool);
}

TEST(an_account_sends_so_much_a_day)
{
	struct fixture x;

	setup(&x);
	test_configure(x.q, "[queue]\nmax_messages_per_day = 3\nmax_new_recipients_per_day = 3\n");
	assert_int_equal(submit(&x, x.alice, "a@far.test", "b@far.test"), 0);
	assert_int_equal(submit(&x, x.alice, "c@far.test", "d@far.test"), -E_ALLOWANCE);
	assert_int_equal(count(&x, Q_RECIPIENTS), 2);
	assert_int_equal(submit(&x, x.alice, "A@Far.test", "b@far.test"), 0); /* whom it knows */
	assert_int_equal(submit(&x, x.alice, "b@far.test", "c@far.test"), 0);
	assert_int_equal(submit(&x, x.alice, "a@far.test", "b@far.test"), -E_ALLOWANCE);
	assert_int_equal(submit(&x, x.bob, "c@far.test", "d@far.test"), 0);   /* everybody has his own */
	assert_int_equal(submit(&x, 0, "e@far.test", "f@far.test"), 0);
	clock_shift_ms(86400000);
	assert_int_equal(submit(&x, x.alice, "a@far.test", "d@far.test"), 0);
	assert_int_equal(submit(&x, x.alice, "e@far.test", "f@far.test"), 0);
	assert_int_equal(submit(&x, x.alice, "g@far.test", "a@far.test"), -E_ALLOWANCE);
	clock_shift_ms((int64_t)366 * 86400000);
	assert_int_equal(submit(&x, x.alice, "b@far.test", "c@far.test"), 0);
	assert_int_equal(submit(&x, x.alice, "a@far.test", "d@far.test"), -E_ALLOWANCE); /* forgotten: they are new again */
	teardown(&x);
}
