/* SPDX-License-Identifier: MIT */
/*
 * Data of each earlier schema, brought up to date: what was there is there, what is new has its
 * default.
 */
#include "store/sort_int.h"

#include "store/store_test.h"

#include "store/housekeep.h"

/* An account with INBOX, as the first schema had it. */
static const struct db_sql old_rows[] = {
	{ .sql = "INSERT INTO domains (name) VALUES ('example.org')" },
	{ .sql = "INSERT INTO accounts (id, name, domain, quota, created)"
		 " VALUES (1, 'alice@example.org', 'example.org', 77, 5)" },
	{ .sql = "INSERT INTO mailboxes (id, account, name, mailboxid, uidvalidity, highestmodseq)"
		 " VALUES (1, 1, 'INBOX', 'abc', 9, 1), (2, 1, 'Other Users/x', 'abd', 10, 1)" },
	/* Of somebody who has the name already that those get. */
	{ .sql = "INSERT INTO accounts (id, name, domain, quota, created)"
		 " VALUES (2, 'mallory@example.org', 'example.org', 0, 5)" },
	{ .sql = "INSERT INTO mailboxes (id, account, name, mailboxid, uidvalidity, highestmodseq)"
		 " VALUES (3, 2, 'Other Users/x', 'abe', 11, 1), (4, 2, 'My Other Users/x', 'abf', 12, 1)" },
	{ .sql = "INSERT INTO subscriptions (account, name)"
		 " VALUES (2, 'Other Users/x'), (2, 'My Other Users/x')" },
};

/* Mail of before step 11, in INBOX: named once, twice, and no more. */
static const struct db_sql old_mail[] = {
	{ .sql = "INSERT INTO contents (id, refs, dead_since, pack, pos, size, header_n, created,"
		 " message_id, base_subject, envelope, structure, map) VALUES"
		 " (1, 1, NULL, 1, 32, 10, 0, 5, '', '', '', '', ''),"
		 " (2, 2, NULL, 1, 74, 10, 0, 5, '', '', '', '', ''),"
		 " (3, 0, 500, 1, 116, 10, 0, 5, '', '', '', '', ''),"
		 " (4, 0, 700, 1, 158, 10, 0, 5, '', '', '', '', '')" },
	{ .sql = "INSERT INTO messages (mailbox, uid, content, modseq, flags, internaldate, savedate,"
		 " size, thread) VALUES (1, 1, 1, 1, 1, 5, 5, 10, 1), (1, 2, 2, 1, 1, 5, 5, 10, 2),"
		 " (1, 3, 2, 1, 1, 5, 5, 10, 2)" },
	{ .sql = "UPDATE mailboxes SET messages = 3, bytes = 30, uidnext = 4 WHERE id = 1" },
	{ .sql = "UPDATE accounts SET messages = 3, used = 30 WHERE id = 1" },
};

/*
 * Mail of before step 14, in mailboxes 1, 2 and one that is being removed: flags with keywords up to
 * the last bit, UIDs at the borders of rows of states and at the end, many in no regular order.
 */
#define EDGES \
	"(1, 1, 0), (63, 9223372036854770000, -1), (64, 2, -9223372036854775807 - 1), (65, 3, 31)," \
	" (127, 3, 1), (128, 3, 1), (1000000, 4611686018427387904, 256), (4294967232, 7, 8)," \
	" (4294967292, 5, 9), (4294967293, 5, 9)"
#define MANY 3000
#define MANY_UID(i) ((i) * 3 + (i) / 100 * 1000)
#define MANY_MODSEQ(i) (1 + (i) * 7919 % 5000)
#define MANY_FLAGS(i) ((i) * 37 % 32 + (i) % 5 * 1152921504606846976)
#define NAME(x) #x
#define TEXT(x) NAME(x)
#define MESSAGE_COLUMNS \
	"INSERT INTO messages (mailbox, uid, content, modseq, flags, internaldate, savedate, size, thread)"
static const struct db_sql old_states[] = {
	{ .sql = "INSERT INTO mailboxes (id, account, name, mailboxid, uidvalidity, highestmodseq)"
		 " VALUES (5, 0, 'gone', 'gone', 13, 1)" },
	{ .sql = "INSERT INTO contents (id, unused_refs, pack, pos, size, header_n, created, message_id,"
		 " base_subject, envelope, structure, map) VALUES (1, 0, 1, 32, 10, 0, 5, '', '', '', '', '')" },
	{ .sql = "WITH m(uid, modseq, flags) AS (VALUES " EDGES ") " MESSAGE_COLUMNS
		 " SELECT b.column1, uid, 1, modseq, flags, 5, 5, 10, 1 FROM m, (VALUES (1), (5)) b" },
	{ .sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " TEXT(MANY) ") "
		 MESSAGE_COLUMNS " SELECT 2, " TEXT(MANY_UID(i)) ", 1, " TEXT(MANY_MODSEQ(i)) ", "
		 TEXT(MANY_FLAGS(i)) ", i, i, 10, i FROM n" },
	{ .sql = "UPDATE mailboxes SET (messages, unseen, deleted, bytes, uidnext, highestmodseq) ="
		 " (SELECT count(*), coalesce(sum(flags & 1 = 0), 0), coalesce(sum(flags & 8 <> 0), 0),"
		 " 10 * count(*), 1 + coalesce(max(uid), 0), coalesce(max(modseq), 1)"
		 " FROM messages WHERE mailbox = mailboxes.id)" },
	/* and all keywords that a mailbox could have */
	{ .sql = "WITH RECURSIVE n(i) AS (SELECT 8 UNION ALL SELECT i + 1 FROM n WHERE i < 63)"
		 " INSERT INTO keywords (mailbox, bit, name) SELECT b.column1, i, 'k' || i FROM n, (VALUES (1), (2), (5)) b" },
	{ .sql = "UPDATE mailboxes SET uidnext = " TEXT(MANY_UID(MANY) + 1) " WHERE id = 2" },
	{ .sql = "UPDATE accounts SET quota = 0, (used, messages, modseq) = (SELECT sum(bytes), sum(messages),"
		 " max(highestmodseq) FROM mailboxes WHERE account = accounts.id)" },
	{ .sql = "INSERT INTO content_refs SELECT 1, count(*), NULL FROM messages" },
};

/* What SORT compares, as it was before step 16: of these only the last is as it would be now. */
static const struct db_sql old_keys[] = {
	{ .sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6)"
		 " INSERT INTO contents (id, unused_refs, pack, pos, size, header_n, created, message_id, base_subject, envelope, structure, map)"
		 " SELECT i, 0, 1, 32, 10, 0, 5, '', '', '', '', '' FROM n" },
	{ .sql = "INSERT INTO content_refs SELECT id, 0, 5 FROM contents" },
	{ .sql = "INSERT INTO sort_keys (content, sent, is_reply, ids, subject, from_mailbox, to_mailbox, cc_mailbox, from_display,"
		 " to_display) VALUES (1, NULL, 0, '', 'A', 'A', 'A', '', 'A', 'A'), (2, 0, 0, '', '=?X?Q?A?=', 'A', 'A', '', 'A', 'A'),"
		 " (3, 0, 0, '', 'A', 'A', 'A', '', char(133), 'A'), (4, 0, 0, '', 'A', 'A', 'A', '', 'A', char(65533)),"
		 " (5, 0, 0, '', char(128) || 'A', 'A', 'A', '', 'A', 'A'), (6, 0, 0, '', '?= ' || char(196), 'A', 'A', '', 'A', 'A')" },
};

static int fill_tx(struct db_tx *tx, void *arg)
{
	const struct db_sql_set *set = arg;
	int rc = 0;

	for (size_t i = 0; i < set->n && rc == 0; i++)
		rc = db_exec(tx, &set->rows[i], NULL, 0, NULL);
	return rc;
}

enum old_set { NO_MAIL, MAIL, STATES, KEYS };

static void make_old(const char *dir_z, size_t steps, enum old_set more)
{
	static struct db_sql_set sets[] = { { "old", old_rows, ARRAY_LEN(old_rows) },
					    { "mail", old_mail, ARRAY_LEN(old_mail) },
					    { "states", old_states, ARRAY_LEN(old_states) },
					    { "keys", old_keys, ARRAY_LEN(old_keys) } };
	struct db_migration_set set = store_migrations;
	struct fault f = { "" };
	struct db *db;

	set.n = steps;
	assert_int_equal(db_open(&(struct db_options){ .dir_z = dir_z,
						       .sql = sets,
						       .n_sql = ARRAY_LEN(sets),
						       .migrations = &set,
						       .n_migrations = 1 },
				 &db, &f),
			 0);
	assert_int_equal(db_write(db, &(struct db_write_job){ .fn = fill_tx, .arg = &sets[0] }), 0);
	if (more != NO_MAIL)
		assert_int_equal(
			db_write(db, &(struct db_write_job){ .fn = fill_tx, .arg = &sets[more] }), 0);
	db_close(&db);
}

/* The name was not free: both mailboxes are there, and the one that moved is subscribed still. */
static void check_taken(struct test_store *t, size_t steps)
{
	struct store_mailbox was, moved;

	assert_int_equal(store_mailbox_get(t->s, &t->a, 4, &was), 0);
	assert_str_eq(was.name, S("My Other Users/x"));
	assert_true(was.is_subscribed);
	assert_int_equal(store_mailbox_get(t->s, &t->a, 3, &moved), 0);
	assert_true(moved.is_subscribed);
	if (steps >= 7)
		return;
	assert_true(str_starts(moved.name, S("My Other Users ")));
	assert_true(str_ends(moved.name, S("/x")));
}

TEST(migrations_from_each_step)
{
	for (size_t steps = 1; steps <= store_migrations.n; steps++) {
		struct test_store t = { 0 };
		struct store_account account;
		char dir[300];

		snprintf(dir, sizeof(dir), "%s/from%zu", test_dir(), steps);
		make_old(dir, steps, NO_MAIL);
		arena_init(&t.a, 64u << 20);
		test_reopen(&t, NULL, NULL, dir);
		assert_int_equal(db_check_sql(t.db, NULL), 0);
		assert_int_equal(store_account_get(t.s, &t.a, 1, &account), 0);
		assert_str_eq(account.name, S("alice@example.org"));
		assert_int_equal(account.quota.bytes, 77);
		assert_int_equal(account.quota.messages, 0);
		assert_int_equal(account.quota.mailboxes, 0);
		t.alice = 1;
		/* Step 7 gives that name another meaning. */
		(void)test_mailbox(&t, steps < 7 ? "My Other Users/x" : "Other Users/x");
		t.inbox = test_mailbox(&t, "INBOX");
		check_taken(&t, steps);
		test_append(&t, t.inbox, 0, 1);
		test_close(&t);
	}
}

/* Step 11: what named a content names it still, and what is dead died when it did. */
TEST(migrations_keep_references)
{
	struct test_store t = { .alice = 1, .inbox = 1 };
	struct store_kept kept;
	struct store_content c;
	struct store_reader *r;
	struct uidset gone;
	uint64_t modseq;
	char dir[300];

	snprintf(dir, sizeof(dir), "%s/references", test_dir());
	make_old(dir, 10, MAIL);
	arena_init(&t.a, 1u << 20);
	test_reopen(&t, NULL, NULL, dir);
	test_recount(&t);
	store_configure(t.s, &(struct store_conf){ .expunge_grace_ms = (store_now_s() - 600) * 1000 });
	assert_int_equal(store_keep_house(t.s, &(struct store_keep_job){ 0 }, &kept), 0);
	assert_int_equal(kept.contents, 1); /* 3; 4 has 100 seconds left */
	for (uint32_t uid = 1; uid <= 2; uid++) {
		const struct uidset one = test_uids(&t, uid, uid);

		assert_int_equal(store_expunge(t.s, &t.a, 1, &one, false, &gone, &modseq), 0);
		test_recount(&t);
	}
	store_configure(t.s, &(struct store_conf){ .expunge_grace_ms = 0 });
	assert_int_equal(store_keep_house(t.s, &(struct store_keep_job){ 0 }, &kept), 0);
	assert_int_equal(kept.contents, 2); /* 1 and 4 */
	assert_int_equal(store_reader_open(t.s, &r), 0);
	assert_int_equal(store_content_get(r, &t.a, 2, 0, &c), 0);
	store_reader_close(&r);
	test_close(&t);
}

TEST(migrations_have_keys_made_anew)
{
	struct test_store t = { .alice = 1, .inbox = 1 };
	struct store_reader *r;
	char dir[300];

	snprintf(dir, sizeof(dir), "%s/keys", test_dir());
	make_old(dir, 14, KEYS);
	arena_init(&t.a, 1u << 20);
	test_reopen(&t, NULL, NULL, dir);
	assert_int_equal(store_reader_open(t.s, &r), 0);
	for (int64_t content = 1; content <= 6; content++) {
		struct store_keys k;

		assert_int_equal(store_content_keys(r, content, STORE_KEYS_ALL, &k), content < 6 ? -E_NOT_FOUND : 0);
	}
	store_reader_close(&r);
	test_close(&t);
}

/* ---- step 14: states ---- */

static const struct {
	uint32_t uid;
	int64_t modseq, flags;
} edges[] = {
	{ 1, 1, 0 },
	{ 63, 9223372036854770000, -1 },
	{ 64, 2, INT64_MIN },
	{ 65, 3, 31 },
	{ 127, 3, 1 },
	{ 128, 3, 1 },
	{ 1000000, 4611686018427387904, 256 },
	{ 4294967232, 7, 8 },
	{ 4294967292, 5, 9 },
	{ 4294967293, 5, 9 },
};

/* Step 15: those of the last bits are sets by now. */
static void same_keywords(const struct store_view *v, const struct store_msg *m, uint64_t flags)
{
	uint16_t numbers[STORE_KEYWORDS_MAX];
	size_t n = store_keywords_of(v->keywords, m->flags, numbers);

	assert_int_equal(v->keywords->n, 56);
	assert_int_equal(n, __builtin_popcountll(flags >> 8));
	for (size_t i = 0; i < n; i++, flags &= flags - 1) {
		uint64_t bit;

		flags &= UINT64_MAX << 8;
		assert_true(str_to_u64(str_skip(v->keywords->v[numbers[i]], 1), 63, &bit));
		assert_int_equal(bit, __builtin_ctzll(flags));
	}
}

static void same_state(const struct store_view *v, uint32_t seq, uint32_t uid, int64_t modseq,
		       int64_t flags)
{
	const struct store_msg *m = store_view_at(v, seq);

	assert_int_equal(m->uid, uid);
	assert_int_equal(m->modseq, modseq);
	assert_int_equal((int64_t)m->flags, flags);
	assert_int_equal(m->size, 10);
	same_keywords(v, m, (uint64_t)flags);
}

static void check_states(struct test_store *t)
{
	struct store_view *v = test_view_anew(t, 1);

	assert_int_equal(v->n, ARRAY_LEN(edges));
	for (uint32_t i = 0; i < v->n; i++)
		same_state(v, i + 1, edges[i].uid, edges[i].modseq, edges[i].flags);
	store_view_unref(v);
	v = test_view_anew(t, 2);
	assert_int_equal(v->n, MANY);
	for (int64_t i = 1; i <= MANY; i++) {
		same_state(v, (uint32_t)i, (uint32_t)MANY_UID(i), MANY_MODSEQ(i), MANY_FLAGS(i));
		assert_int_equal(store_view_at(v, (uint32_t)i)->internaldate_s, i);
	}
	store_view_unref(v);
}

/* What a client that knows a modseq is told (RFC 7162 3.2.5): what is newer, and nothing else. */
static void check_since(struct test_store *t, uint64_t modseq)
{
	struct store_view *now = test_view_anew(t, 2), *v;
	struct store_view old = { .mailbox = 2, .highestmodseq = modseq, .uidnext = now->uidnext };
	struct store_states s;
	struct db_query q;
	struct db_tx *tx;
	int n = 0, want = 0;

	for (uint32_t i = 1; i <= now->n; i++)
		want += store_view_at(now, i)->modseq > modseq;
	assert_int_equal(db_read_begin(t->db, &tx), 0);
	store_tx_states_newer(tx, &q, &old);
	while (db_step(&q) > 0) {
		store_states_row(&q, &s);
		n += __builtin_popcountll(store_states_since(&s, modseq));
	}
	db_done(&q);
	assert_int_equal(n, want);
	/* A view of then, brought up to date. */
	old = *now;
	old.highestmodseq = modseq;
	assert_int_equal(store_view_load(tx, 2, &old, &v), 0);
	test_same_view(v, now);
	db_read_end(&tx);
	store_view_unref(v);
	store_view_unref(now);
}

/* Of a message that has all. */
static void lose_keyword(struct test_store *t)
{
	const struct store_flag_change change = { .op = STORE_FLAGS_REMOVE, .keywords = &S("k63"), .n_keywords = 1 };
	const struct uidset one = test_uids(t, 63, 63);
	uint16_t numbers[STORE_KEYWORDS_MAX];
	struct store_view *v;
	uint64_t modseq;

	assert_int_equal(store_flags(t->s, &t->a, 1, &one, &change, NULL, &modseq), 0);
	test_recount(t);
	v = test_view_anew(t, 1);
	assert_int_equal(store_keywords_of(v->keywords, store_view_at(v, 2)->flags, numbers), 55);
	assert_int_equal(numbers[54], 54);
	store_view_unref(v);
}

TEST(migrations_keep_states)
{
	struct test_store t = { .alice = 1, .inbox = 1 };
	struct uidset all, gone;
	char dir[300];
	uint64_t modseq;

	snprintf(dir, sizeof(dir), "%s/states", test_dir());
	make_old(dir, 13, STATES);
	arena_init(&t.a, 16u << 20);
	test_reopen(&t, NULL, NULL, dir); /* and what was being removed is gone */
	test_recount(&t);
	check_states(&t);
	for (modseq = 1; modseq < 5000; modseq += 499)
		check_since(&t, modseq);
	lose_keyword(&t);
	/* It goes on: some change, some go, some come. */
	test_flag(&t, 2, 100, 5000, STORE_FLAGS_ADD, STORE_SEEN);
	test_recount(&t);
	check_since(&t, 4900);
	all = test_uids(&t, 1, UINT32_MAX);
	assert_int_equal(store_expunge(t.s, &t.a, 2, &all, true, &gone, &modseq), 0);
	test_append(&t, 2, 0, 100);
	test_recount(&t);
	check_since(&t, 4900);
	check_since(&t, modseq);
	test_close(&t);
}
