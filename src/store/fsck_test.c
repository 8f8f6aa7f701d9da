/* SPDX-License-Identifier: MIT */
/* The check finds what is damaged, and nothing in what is whole. */
#include "store/store_test.h"

#include <fcntl.h>
#include <unistd.h>

#include "store/fsck.h"

struct finding {
	char first[512];
	int n;
};

static void keep(void *ctx, const char *text_z)
{
	struct finding *f = ctx;

	if (f->n++ == 0)
		snprintf(f->first, sizeof(f->first), "%s", text_z);
}

static struct finding check(struct test_store *t, struct store_fsck_counts *ret)
{
	struct finding f = { "", 0 };
	const struct store_fsck_job job = { .found = keep, .ctx = &f };

	assert_int_equal(store_fsck(t->s, &job, ret), 0);
	return f;
}

/* Contents 1 to 5 in INBOX, 3 of them also in Archive, 1 expunged. */
static void fill(struct test_store *t)
{
	const struct uidset copied = test_uids(t, 1, 3), last = test_uids(t, 5, 5);
	struct uidset gone;
	struct store_copied c;
	uint64_t modseq;

	test_append(t, t->inbox, STORE_SEEN, 2);
	test_append(t, t->inbox, STORE_DELETED, 3);
	assert_int_equal(store_copy(t->s, &t->a, t->inbox, &copied, t->archive, false, &c), 0);
	assert_int_equal(store_expunge(t->s, &t->a, t->inbox, &last, false, &gone, &modseq), 0);
}

TEST(whole)
{
	struct test_store t;
	struct store_fsck_counts n;
	struct finding f;

	test_open(&t);
	f = check(&t, &n);
	assert_string_equal(f.first, "");
	assert_int_equal(n.accounts, 1);
	assert_int_equal(n.messages, 0);
	fill(&t);
	f = check(&t, &n);
	assert_string_equal(f.first, "");
	assert_int_equal(n.messages, 4 + 3);
	assert_true(n.contents > 0);
	assert_true(n.bytes > 0);
	test_close(&t);
}

static int run_sql(struct db_tx *tx, void *arg)
{
	const struct db_sql *sql = arg;

	return db_exec(tx, sql, NULL, 0, NULL);
}

/* Each row is one damage; the text is how the first thing said begins. */
static const struct damage {
	struct db_sql sql;
	const char *said;
} damages[] = {
	{ { .sql = "UPDATE accounts SET used = used + 1" }, "account alice@example.org: used is " },
	{ { .sql = "UPDATE accounts SET messages = 0" },
	  "account alice@example.org: messages is 0, counted 7" },
	{ { .sql = "UPDATE accounts SET modseq = 1" },
	  "account alice@example.org: modseq is 1, must" },
	{ { .sql = "UPDATE accounts SET annotation_bytes = 1" },
	  "account alice@example.org: annotation_bytes is 1, counted 0" },
	{ { .sql = "UPDATE mailboxes SET messages = messages + 1, name = 'x' WHERE name = 'Archive';" },
	  "account alice@example.org: messages is 7, counted 8" },
	{ { .sql = "UPDATE mailboxes SET unseen = 9 WHERE name = 'INBOX'" },
	  "mailbox 1 (INBOX): unseen is 9" },
	{ { .sql = "UPDATE mailboxes SET deleted = 9 WHERE name = 'INBOX'" },
	  "mailbox 1 (INBOX): deleted is 9, counted 2" },
	{ { .sql = "UPDATE mailboxes SET uidnext = 4 WHERE name = 'INBOX'" },
	  "mailbox 1 (INBOX): uidnext is 4, must be at least 6" },
	{ { .sql = "UPDATE mailboxes SET highestmodseq = 1 WHERE name = 'INBOX'" },
	  "mailbox 1 (INBOX): highestmodseq is 1, must" },
	{ { .sql = "UPDATE messages SET flags = 0 WHERE mailbox = 1 AND uid = 1" },
	  "mailbox 1 (INBOX): unseen is 2, counted 3" },
	{ { .sql = "INSERT INTO expunged (mailbox, modseq, uid) VALUES (1, 1, 1)" },
	  "mailbox 1 (INBOX): number of UIDs both there and expunged is 0, counted 1" },
	{ { .sql = "DELETE FROM accounts" }, "mailbox 1 (INBOX): its account 1 is missing" },
	{ { .sql = "INSERT INTO messages VALUES (77, 1, 1, 1, 0, 0, 0, 46, 0)" },
	  "mailbox 77: missing, but has messages" },
	{ { .sql = "UPDATE messages SET size = size + 1, content = content"
		   " WHERE mailbox = 1 AND uid = 1" },
	  "mailbox 1 (INBOX): bytes is " },
	{ { .sql = "UPDATE contents SET refs = refs + 1 WHERE id = 1" }, "content 1: refs is " },
	{ { .sql = "UPDATE contents SET dead_since = 1 WHERE id = 1" },
	  "content 1: refs and dead_since do not agree" },
	{ { .sql = "DELETE FROM contents WHERE id = 1" }, "content 1: missing, but " },
	{ { .sql = "UPDATE contents SET size = size + 1 WHERE id = 1" }, "content 1: has " },
	{ { .sql = "UPDATE contents SET pos = pos + 1 WHERE id = 1" },
	  "content 1: its record in pack 1 at 33 is damaged" },
	{ { .sql = "UPDATE contents SET pack = 99 WHERE id = 1" },
	  "content 1: its record in pack 99 at 32 is missing: no such pack" },
};

static struct db_sql *reopened; /* their rows there */

/* Again, with the statements of the damages known to the database. */
static void reopen(struct test_store *t)
{
	static struct db_sql rows[ARRAY_LEN(damages)];
	static struct db_sql_set sets[2];
	char dir[600];
	const struct db_options o = {
		.dir_z = dir,
		.sql = sets,
		.n_sql = ARRAY_LEN(sets),
		.migrations = &store_migrations,
		.n_migrations = 1,
	};
	struct fault f = { "" };

	snprintf(dir, sizeof(dir), "%s", db_dir_z(t->db));
	store_close(&t->s);
	db_close(&t->db);
	for (size_t i = 0; i < ARRAY_LEN(damages); i++)
		rows[i] = damages[i].sql;
	sets[0] = store_sql_set;
	sets[1] = (struct db_sql_set){ "damages", rows, ARRAY_LEN(rows) };
	assert_int_equal(db_open(&o, &t->db, &f), 0);
	assert_int_equal(store_open(t->db, NULL, NULL, &t->s, &f), 0);
	reopened = rows;
}

TEST(damages_are_found)
{
	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		struct test_store t;
		struct store_fsck_counts n;
		struct finding f;
		struct db_write_job job = { .fn = run_sql };

		test_open(&t);
		fill(&t);
		reopen(&t);
		job.arg = &reopened[i];
		assert_int_equal(db_write(t.db, &job), 0);
		f = check(&t, &n);
		if (strncmp(f.first, damages[i].said, strlen(damages[i].said)) != 0)
			fail_msg("%s\nsaid: %s", damages[i].sql.sql, f.first);
		store_close(&t.s);
		db_close(&t.db);
		arena_fini(&t.a);
	}
}

TEST(flipped_byte_is_found)
{
	struct test_store t;
	struct store_fsck_counts n;
	struct finding f;
	char path[600], byte;
	int fd;

	test_open(&t);
	fill(&t);
	snprintf(path, sizeof(path), "%s/pack/000001.pack", db_dir_z(t.db));
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, 40), 1);
	byte ^= 0x20;
	assert_int_equal(pwrite(fd, &byte, 1, 40), 1);
	close(fd);
	f = check(&t, &n);
	assert_int_equal(f.n, 1);
	assert_string_equal(f.first, "content 1: its record in pack 1 at 32 is damaged");
	test_close(&t);
}
