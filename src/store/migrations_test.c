/* SPDX-License-Identifier: MIT */
/*
 * Data of each earlier schema, brought up to date: what was there is there, what is new has its
 * default.
 */
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

static int fill_tx(struct db_tx *tx, void *arg)
{
	const struct db_sql_set *set = arg;
	int rc = 0;

	for (size_t i = 0; i < set->n && rc == 0; i++)
		rc = db_exec(tx, &set->rows[i], NULL, 0, NULL);
	return rc;
}

static void make_old(const char *dir_z, size_t steps, bool has_mail)
{
	static struct db_sql_set sets[] = { { "old", old_rows, ARRAY_LEN(old_rows) },
					    { "mail", old_mail, ARRAY_LEN(old_mail) } };
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
	for (size_t i = 0; i <= has_mail; i++)
		assert_int_equal(db_write(db, &(struct db_write_job){ .fn = fill_tx, .arg = &sets[i] }),
				 0);
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
		make_old(dir, steps, false);
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
	make_old(dir, 10, true);
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
