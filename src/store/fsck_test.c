/* SPDX-License-Identifier: MIT */
/* The check finds what is damaged, and nothing in what is whole; a repair mends it, and takes no message away unasked. */
#include "store/store_test.h"

#include <fcntl.h>
#include <unistd.h>

#include "store/fsck.h"
#include "store/housekeep.h"
#include "store/store_int.h"

struct finding {
	char first[512];
	char unreadable[512]; /* the last */
	int n, n_unreadable, n_repaired;
	const char *want_z;
	bool is_wanted_said;
};

static void keep(void *ctx, const char *text_z)
{
	struct finding *f = ctx;

	if (f->n++ == 0)
		snprintf(f->first, sizeof(f->first), "%s", text_z);
	if (f->want_z && str_starts(str_z(text_z), str_z(f->want_z)))
		f->is_wanted_said = true;
}

static void keep_unreadable(void *ctx, const char *text_z)
{
	struct finding *f = ctx;

	f->n_unreadable++;
	snprintf(f->unreadable, sizeof(f->unreadable), "%s", text_z);
}

static void count_repaired(void *ctx, const char *text_z)
{
	struct finding *f = ctx;

	assert_true(text_z[0] != '\0');
	f->n_repaired++;
}

static struct finding check_for(struct test_store *t, const char *want_z, struct store_fsck_counts *ret)
{
	struct finding f = { .want_z = want_z };
	const struct store_fsck_job job = {
		.say = { .found = keep, .unreadable = keep_unreadable, .ctx = &f },
	};

	assert_int_equal(store_fsck(t->s, &job, ret), 0);
	return f;
}

static struct finding check(struct test_store *t, struct store_fsck_counts *ret)
{
	return check_for(t, NULL, ret);
}

static struct finding repair(struct test_store *t, bool removes_unreadable)
{
	struct store_fsck_counts n;
	struct finding f = { 0 };
	const struct store_fsck_job job = {
		.say = { .found = keep, .unreadable = keep_unreadable, .repaired = count_repaired,
			 .removes_unreadable = removes_unreadable, .ctx = &f },
	};

	assert_int_equal(store_fsck(t->s, &job, &n), 0);
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

#define DAMAGED_MODSEQ(x) \
	"UPDATE message_states SET states = CAST(substr(states, 1, 16) || " x \
	" || substr(states, 25) AS BLOB) WHERE id = 1 << 26"
#define NO_KEYWORD "mailbox 1 (INBOX): number of keywords that are none is 0, counted 1"
#define NO_SET "mailbox 1 (INBOX): number of sets of keywords that are damaged is 0, counted 1"
/*
 * Each row is one damage; the text is how something begins that must be said. after: what a repair leaves. Of
 * the seven messages those that cannot be read go on request only.
 */
static const struct damage {
	struct db_sql sql;
	const char *said;
	enum { MENDED, UNREADABLE, DAMAGED } after;
	int messages; /* after all that may be done: 7 when not given */
} damages[] = {
	{ .sql = { .sql = "UPDATE accounts SET used = used + 1" }, .said = "account alice@example.org: used is " },
	{ .sql = { .sql = "UPDATE accounts SET messages = 0" }, .said =
	  "account alice@example.org: messages is 0, counted 7" },
	{ .sql = { .sql = "UPDATE accounts SET modseq = 1" }, .said =
	  "account alice@example.org: modseq is 1, must" },
	{ .sql = { .sql = "UPDATE accounts SET annotation_bytes = 1" }, .said =
	  "account alice@example.org: annotation_bytes is 1, counted 0" },
	{ .sql = { .sql = "UPDATE mailboxes SET messages = messages + 1, name = 'x' WHERE name = 'Archive';" }, .said =
	  "account alice@example.org: messages is 7, counted 8" },
	{ .sql = { .sql = "UPDATE mailboxes SET unseen = 9 WHERE name = 'INBOX'" }, .said =
	  "mailbox 1 (INBOX): unseen is 9" },
	{ .sql = { .sql = "UPDATE mailboxes SET deleted = 9 WHERE name = 'INBOX'" }, .said =
	  "mailbox 1 (INBOX): deleted is 9, counted 2" },
	{ .sql = { .sql = "UPDATE mailboxes SET uidnext = 4 WHERE name = 'INBOX'" }, .said =
	  "mailbox 1 (INBOX): uidnext is 4, must be at least 6" },
	{ .sql = { .sql = "UPDATE mailboxes SET highestmodseq = 1 WHERE name = 'INBOX'" }, .said =
	  "mailbox 1 (INBOX): highestmodseq is 1, must" },
	{ .sql = { .sql = "UPDATE message_states SET states = CAST(substr(states, 1, 8) || zeroblob(8)"
		   " || substr(states, 17) AS BLOB) WHERE id = 1 << 26" }, .said =
	  "mailbox 1 (INBOX): unseen is 2, counted 4" },
	{ .sql = { .sql = "DELETE FROM message_states WHERE id = 1 << 26" }, .said =
	  "mailbox 1 (INBOX): number of messages whose flags are damaged is 0, counted 4" },
	{ .sql = { .sql = "UPDATE message_states SET states = substr(states, 1, length(states) - 1)" },
	  .said = "mailbox 1 (INBOX): number of messages whose flags are damaged is 0, counted " },
	{ .sql = { .sql = "UPDATE message_states SET states = CAST(states || states AS BLOB)" },
	  .said = "mailbox 1 (INBOX): number of messages whose flags are damaged is 0, counted 1" },
	{ .sql = { .sql = DAMAGED_MODSEQ("zeroblob(8)") },
	  .said = "mailbox 1 (INBOX): number of messages whose flags are damaged is 0, counted 1" },
	{ .sql = { .sql = DAMAGED_MODSEQ("X'7FFFFFFFFFFFFFFF'") },
	  .said = "mailbox 1 (INBOX): number of messages whose flags are damaged is 0, counted 1" },
	{ .sql = { .sql = DAMAGED_MODSEQ("X'8000000000000000'") },
	  .said = "mailbox 1 (INBOX): number of messages whose flags are damaged is 0, counted 1" },
	{ .sql = { .sql = "INSERT INTO message_states VALUES (1 << 26, -1, ''), ((1 << 26) + 1, 1,"
		   " X'800000000000000100000000000000000000000000000001')"
		   " ON CONFLICT (id) DO UPDATE SET modseq = -1" },
	  .said = "mailbox 1 (INBOX): number of messages whose flags are damaged is 0, counted 3" },
	{ .sql = { .sql = "INSERT INTO message_states VALUES ((1 << 26) + 1, 1,"
		   " X'800000000000000100000000000000000000000000000001')" },
	  /* and the row before it is not the last any more, so its modseq is too low */
	  .said = "mailbox 1 (INBOX): number of messages whose flags are damaged is 0, counted 3" },
	{ .sql = { .sql = "INSERT INTO message_states VALUES (99 << 26, 1, '')" }, .said =
	  "message_states: rows of mailboxes that are not there: 1" },
	{ .sql = { .sql = "INSERT INTO expunged (mailbox, modseq, uid) VALUES (1, 1, 1)" }, .said =
	  "mailbox 1 (INBOX): number of UIDs both there and expunged is 0, counted 1" },
	{ .sql = { .sql = "DELETE FROM accounts" }, .said = "mailbox 1 (INBOX): its account 1 is missing" },
	{ .sql = { .sql = "INSERT INTO messages VALUES (77, 1, 1, 1, 0, 0, 0, 46, 0)" }, .said =
	  "mailbox 77: missing, but has messages", .after = MENDED, .messages = 8 },
	{ .sql = { .sql = "DELETE FROM mailboxes WHERE name = 'INBOX'" }, .said =
	  "account alice@example.org: used is " },
	{ .sql = { .sql = "UPDATE messages SET size = size + 1, content = content"
		   " WHERE mailbox = 1 AND uid = 1" }, .said =
	  "mailbox 1 (INBOX): bytes is " },
	{ .sql = { .sql = "UPDATE content_refs SET refs = refs + 1 WHERE content = 1" }, .said =
	  "content 1: refs is 3, counted 2" },
	{ .sql = { .sql = "UPDATE content_refs SET refs = 0, dead_since = 1 WHERE content = 1" }, .said =
	  "content 1: refs is 0, counted 2" },
	{ .sql = { .sql = "DELETE FROM content_refs WHERE content = 1" }, .said =
	  "content 1: refs is 1, counted 2" },
	{ .sql = { .sql = "INSERT INTO content_refs VALUES (4, 2, NULL)" }, .said =
	  "content 4: refs is 2, counted 1" },
	{ .sql = { .sql = "DELETE FROM content_refs WHERE content = 5" }, .said =
	  "content 5: refs is 1, counted 0" },
	{ .sql = { .sql = "INSERT INTO content_refs VALUES (99, 2, NULL)" }, .said =
	  "content_refs: rows of contents that are not there: 1" },
	{ .sql = { .sql = "UPDATE content_refs SET dead_since = 1 WHERE content = 1" }, .said =
	  "content 1: refs and dead_since do not agree" },
	{ .sql = { .sql = "UPDATE content_refs SET dead_since = NULL WHERE content = 5" }, .said =
	  "content 5: refs and dead_since do not agree" },
	{ .sql = { .sql = "UPDATE contents SET size = size + 1 WHERE id = 1" }, .said = "content 1: has " },
	{ .sql = { .sql = "INSERT INTO credentials VALUES (99, 'x', 'y')" }, .said =
	  "credentials: rows of accounts that are not there: 1" },
	{ .sql = { .sql = "INSERT INTO aliases VALUES ('x@example.org', 99, 'example.org')" }, .said =
	  "aliases: rows of accounts that are not there: 1" },
	{ .sql = { .sql = "INSERT INTO subscriptions VALUES (99, 'x')" }, .said =
	  "subscriptions: rows of accounts that are not there: 1" },
	{ .sql = { .sql = "INSERT INTO threads VALUES (99, 1, 1)" }, .said =
	  "threads: rows of accounts that are not there: 1" },
	{ .sql = { .sql = "INSERT INTO imports VALUES (99, 'x')" }, .said =
	  "imports: rows of mailboxes that are not there: 1" },
	{ .sql = { .sql = "INSERT INTO index_segments VALUES (99, 'x.seg')" }, .said =
	  "index_segments: rows of accounts that are not there: 1" },
	{ .sql = { .sql = "INSERT INTO keywords VALUES (99, 8, 'x')" }, .said =
	  "keywords: rows of mailboxes that are not there: 1" },
	{ .sql = { .sql = "INSERT INTO keywords VALUES (1, 8, 'a(b')" }, .said = NO_KEYWORD },
	{ .sql = { .sql = "INSERT INTO keywords VALUES (1, 8, '')" }, .said = NO_KEYWORD },
	{ .sql = { .sql = "INSERT INTO keywords VALUES (1, 8, 'x'), (1, 9, 'y'), (1, 10, 'X')" }, .said = NO_KEYWORD },
	{ .sql = { .sql = "INSERT INTO keywords VALUES (1, 8, hex(zeroblob(300000)))" }, .said = NO_KEYWORD },
	{ .sql = { .sql = "INSERT INTO keywords VALUES (1, 7, 'x')" }, .said = NO_KEYWORD },
	{ .sql = { .sql = "INSERT INTO keywords VALUES (1, 520, 'x')" }, .said = NO_KEYWORD },
	{ .sql = { .sql = "INSERT INTO keyword_sets VALUES (1, 1, X'0028')" }, .said = NO_KEYWORD },
	{ .sql = { .sql = "INSERT INTO keyword_sets VALUES (1, 0, X'0028')" }, .said = NO_SET },
	{ .sql = { .sql = "INSERT INTO keyword_sets VALUES (1, -5, X'0028')" }, .said = NO_SET },
	{ .sql = { .sql = "INSERT INTO keyword_sets VALUES (1, 65536, X'0028')" }, .said = NO_SET },
	{ .sql = { .sql = "INSERT INTO keyword_sets VALUES (1, 1, X'')" }, .said = NO_SET },
	{ .sql = { .sql = "INSERT INTO keyword_sets VALUES (1, 1, X'28')" }, .said = NO_SET },
	{ .sql = { .sql = "INSERT INTO keyword_sets VALUES (1, 1, X'0027')" }, .said = NO_SET },
	{ .sql = { .sql = "INSERT INTO keyword_sets VALUES (1, 1, X'0200')" }, .said = NO_SET },
	{ .sql = { .sql = "INSERT INTO keyword_sets VALUES (1, 1, X'00290029')" }, .said = NO_SET },
	{ .sql = { .sql = "INSERT INTO keyword_sets VALUES (1, 1, zeroblob(1000))" }, .said = NO_SET },
	{ .sql = { .sql = "UPDATE message_states SET states = CAST(substr(states, 1, 8) || X'0007'"
		   " || substr(states, 11) AS BLOB) WHERE id = 1 << 26" }, .said = NO_SET },
	{ .sql = { .sql = "INSERT INTO keyword_sets VALUES (99, 1, X'0028')" }, .said =
	  "keyword_sets: rows of mailboxes that are not there: 1" },
	{ .sql = { .sql = "INSERT INTO expunged (mailbox, modseq, uid) VALUES (99, 1, 1)" }, .said =
	  "expunged: rows of mailboxes that are not there: 1" },
	{ .sql = { .sql = "INSERT INTO annotations VALUES (99, 0, '/x', 'y', 1)" }, .said =
	  "annotations: rows of mailboxes or users that are not there: 1" },
	{ .sql = { .sql = "INSERT INTO message_annotations VALUES (1, 99, 0, '/x', 'y', 99, 1)" }, .said =
	  "message_annotations: rows of messages or users that are not there: 1" },
	{ .sql = { .sql = "INSERT INTO rights VALUES (99, 0, 1, 3, 'x')" }, .said =
	  "rights: rows of mailboxes or accounts that are not there: 1" },
	{ .sql = { .sql = "INSERT INTO rights VALUES (1, 99, 1, 3, '')" }, .said =
	  "rights: rows of mailboxes or accounts that are not there: 1" },
	{ .sql = { .sql = "INSERT INTO url_keys VALUES (99, 1, 'x')" }, .said =
	  "url_keys: rows of mailboxes or accounts that are not there: 1" },
	{ .sql = { .sql = "UPDATE sort_keys SET content = 99 WHERE content = 1" }, .said =
	  "sort_keys: rows of contents that are not there: 1" },
	{ .sql = { .sql = "UPDATE store_counters SET value = 1" }, .said = "last UIDVALIDITY: is 1, must be at least" },
	{ .sql = { .sql = "INSERT INTO packs (pack, size, live) VALUES (1, 7, 5)" }, .said =
	  "pack 1: live is 5, counted " },
	{ .sql = { .sql = "DELETE FROM contents WHERE id = 1" }, .said = "content 1: missing, but ", .after = UNREADABLE, .messages = 5 },
	{ .sql = { .sql = "UPDATE contents SET pack = 99 WHERE id = 1" }, .said =
	  "content 1: its record in pack 99 at 32 is missing: no such pack", .after = UNREADABLE, .messages = 5 },
	{ .sql = { .sql = "UPDATE contents SET pos = 10000 WHERE id = 4" }, .said =
	  "content 4: its record in pack 1 at 10000 is missing: the pack is too short",
	  .after = UNREADABLE, .messages = 6 },
	{ .sql = { .sql = "UPDATE contents SET pos = pos + 1 WHERE id = 1" }, .said =
	  "content 1: its record in pack 1 at 33 is damaged", .after = DAMAGED },
	{ .sql = { .sql = "UPDATE contents SET pos = pos + 1 WHERE id = 5" }, /* expunged */
	  .said = "content 5: its record in pack 1 at " },
};

static struct db_sql *reopened; /* their rows there */

/* Again, with the statements of the damages known to the database. */
static void reopen(struct test_store *t)
{
	static struct db_sql rows[ARRAY_LEN(damages)];

	for (size_t i = 0; i < ARRAY_LEN(damages); i++)
		rows[i] = damages[i].sql;
	test_reopen_with(t, rows, ARRAY_LEN(rows));
	reopened = rows;
}

static void open_damaged(struct test_store *t, size_t i)
{
	struct db_write_job job = { .fn = run_sql };

	test_open(t);
	fill(t);
	reopen(t);
	job.arg = &reopened[i];
	assert_int_equal(db_write(t->db, &job), 0);
}

static void close_damaged(struct test_store *t)
{
	store_close(&t->s);
	db_close(&t->db);
	arena_fini(&t->a);
}

TEST(damages_are_found)
{
	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		struct test_store t;
		struct store_fsck_counts n;
		struct finding f;

		test_row(damages[i].sql.sql);
		open_damaged(&t, i);
		f = check_for(&t, damages[i].said, &n);
		if (!f.is_wanted_said)
			fail_msg("%s\nsaid: %s", damages[i].sql.sql, f.first);
		assert_true(f.n_unreadable > 0 || damages[i].after == MENDED);
		close_damaged(&t);
	}
}

TEST(damages_are_repaired)
{
	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		const struct damage *d = &damages[i];
		struct test_store t;
		struct store_fsck_counts n;
		struct finding f;

		test_row(d->sql.sql);
		open_damaged(&t, i);
		f = repair(&t, false);
		if (d->after == MENDED && f.n > 0)
			fail_msg("%s\nsaid: %s", d->sql.sql, f.first);
		assert_true(f.n_repaired > 0 || d->after != MENDED);
		f = check(&t, &n);
		assert_int_equal(f.n > 0, d->after != MENDED);
		assert_int_equal(n.messages, d->after == MENDED && d->messages ? d->messages : 7);
		/* on request */
		repair(&t, true);
		f = check(&t, &n);
		assert_int_equal(f.n > 0, d->after == DAMAGED);
		assert_int_equal(f.n_unreadable > 0, d->after == DAMAGED);
		assert_int_equal(n.messages, d->messages ? d->messages : 7);
		close_damaged(&t);
	}
}

/* What was given before is given to nothing else: the next modseq is beyond those of all messages. */
static int lower_modseq(struct db_tx *tx, void *arg)
{
	const struct test_store *t = arg;
	int rc = DB_EXEC(tx, SQL(ACCOUNT_CHANGE), DB_I(t->alice), DB_I(1), DB_I(0), DB_I(0));

	for (int64_t box = t->inbox; rc == 0 && box <= t->archive; box++)
		rc = DB_EXEC(tx, SQL(BOX_CHANGE), DB_I(box), DB_I(100), DB_I(1), DB_I(0), DB_I(0),
			     DB_I(0), DB_I(0), DB_I(1));
	return rc;
}

TEST(repair_of_lost_modseqs)
{
	struct store_view *before, *v;
	struct test_store t;
	struct finding f;

	test_open(&t);
	fill(&t);
	for (int i = 0; i < 50; i++)
		test_flag(&t, t.inbox, 1, 1, i % 2 ? STORE_FLAGS_REMOVE : STORE_FLAGS_ADD, STORE_FLAGGED);
	before = test_view_anew(&t, t.inbox);
	assert_int_equal(db_write(t.db, &(struct db_write_job){ .fn = lower_modseq, .arg = &t }), 0);
	f = repair(&t, false);
	assert_int_equal(f.n, 0);
	v = test_view_anew(&t, t.inbox);
	assert_true(v->highestmodseq > before->highestmodseq);
	for (uint32_t i = 1; i <= v->n; i++)
		assert_int_equal(store_view_at(v, i)->modseq, store_view_at(before, i)->modseq);
	store_view_unref(v);
	store_view_unref(before);
	test_close(&t);
}

static size_t damage_of(const char *sql_z)
{
	for (size_t i = 0; i < ARRAY_LEN(damages); i++)
		if (strcmp(damages[i].sql.sql, sql_z) == 0)
			return i;
	fail_msg("no such damage");
	return 0;
}

/* Whose it is, by every name it has. */
TEST(unreadable_messages_are_told)
{
	struct store_fsck_counts n;
	struct test_store t;
	struct finding f;

	open_damaged(&t, damage_of("UPDATE contents SET pos = 10000 WHERE id = 4"));
	f = check(&t, &n);
	assert_int_equal(f.n, 1);
	assert_int_equal(f.n_unreadable, 1);
	assert_string_equal(f.unreadable, "alice@example.org, mailbox INBOX, UID 4, subject \"TEST\":"
					  " content 4 is missing");
	f = repair(&t, false);
	assert_string_equal(f.first,
			    "content 4: its record in pack 1 at 10000 is missing: the pack is too short;"
			    " kept, as readable as it is; a backup may have it");
	assert_int_equal(f.n_unreadable, 1);
	close_damaged(&t);
}

/* Of a content that is missing nobody can take a reference twice: its count goes like others. */
TEST(references_to_a_missing_content_go)
{
	struct test_store t;
	struct store_kept kept;
	struct uidset one, gone;
	uint64_t modseq;

	open_damaged(&t, damage_of("DELETE FROM contents WHERE id = 1"));
	one = test_uids(&t, 1, 1);
	for (int64_t mailbox = 1; mailbox <= t.archive; mailbox++)
		assert_int_equal(store_expunge(t.s, &t.a, mailbox, &one, false, &gone, &modseq), 0);
	store_configure(t.s, &(struct store_conf){ .compact_percent = 100 });
	for (int left = 2; left >= 0; left -= 2) { /* 1, and 5, which was expunged before */
		assert_int_equal(store_keep_house(t.s, &(struct store_keep_job){ 0 }, &kept), 0);
		assert_int_equal(kept.contents, left);
	}
	(void)repair(&t, false); /* sort keys of 1 */
	assert_int_equal(repair(&t, false).n, 0);
	close_damaged(&t);
}

/* A damaged message is its owner's to delete; then nothing of it is left. */
TEST(damaged_message_is_expunged)
{
	struct store_fsck_counts n;
	struct test_store t;
	struct finding f;
	struct uidset one, gone;
	uint64_t modseq;

	open_damaged(&t, damage_of("UPDATE contents SET pos = pos + 1 WHERE id = 1"));
	one = test_uids(&t, 1, 1);
	for (int64_t mailbox = 1; mailbox <= t.archive; mailbox++)
		assert_int_equal(store_expunge(t.s, &t.a, mailbox, &one, false, &gone, &modseq), 0);
	f = repair(&t, false);
	assert_int_equal(f.n, 0);
	f = check(&t, &n);
	assert_int_equal(f.n, 0);
	assert_int_equal(n.messages, 5);
	close_damaged(&t);
}

/* Sessions see what was counted anew. */
TEST(repair_is_seen_by_views)
{
	struct test_store t;
	struct store_mbox *m;
	struct store_view *v;

	open_damaged(&t, damage_of("UPDATE mailboxes SET unseen = 9 WHERE name = 'INBOX'"));
	assert_int_equal(store_mbox_open(t.s, t.inbox, &m), 0);
	v = test_view(m);
	assert_int_equal(v->unseen, 9);
	store_view_unref(v);
	assert_int_equal(repair(&t, false).n, 0);
	v = test_view(m);
	assert_int_equal(v->unseen, 2);
	assert_int_equal(v->n, 4);
	store_view_unref(v);
	store_mbox_close(&m);
	close_damaged(&t);
}

/* Nobody knows what was told of a damaged row: all of it is told again. */
TEST(repair_of_damaged_flags_is_seen)
{
	struct test_store t;
	struct store_view *v;

	open_damaged(&t, damage_of("UPDATE message_states SET states = CAST(states || states AS BLOB)"));
	assert_int_equal(repair(&t, false).n, 0);
	v = test_view_anew(&t, t.inbox);
	for (uint32_t i = 1; i <= v->n; i++)
		assert_int_equal(store_view_at(v, i)->modseq, v->highestmodseq);
	store_view_unref(v);
	close_damaged(&t);
}

/* What is lost comes to an account that somebody can be let into. */
TEST(lost_mail_is_given_a_place)
{
	struct store_account account;
	struct store_mailbox mailbox;
	struct test_store t;

	open_damaged(&t, damage_of("DELETE FROM mailboxes WHERE name = 'INBOX'"));
	assert_int_equal(repair(&t, false).n, 0);
	assert_int_equal(store_account_find(t.s, &t.a, S("messages@recovered.invalid"), &account), 0);
	assert_int_equal(account.messages, 4);
	assert_int_equal(store_mailbox_find(t.s, &t.a, account.id, S("mailbox-1"), &mailbox), 0);
	assert_int_equal(mailbox.messages, 4);
	assert_int_equal(mailbox.uidnext, 6);
	close_damaged(&t);
}

/* A server that stops does not wait for a check of all bodies. */
TEST(check_ends_with_the_server)
{
	struct finding f = { 0 };
	struct store_fsck_job job = { .say = { .found = keep, .unreadable = keep_unreadable, .ctx = &f } };
	struct store_fsck_counts n;
	struct test_store t;

	test_open(&t);
	fill(&t);
	store_keep_stop(t.s);
	assert_int_equal(store_fsck(t.s, &job, &n), -E_CLOSED);
	job.say.repaired = count_repaired;
	assert_int_equal(store_fsck(t.s, &job, &n), -E_CLOSED);
	assert_int_equal(f.n, 0);
	test_close(&t);
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
	assert_int_equal(f.n_unreadable, 2);
	assert_string_equal(f.first, "content 1: its record in pack 1 at 32 is damaged");
	test_close(&t);
}

static int add_pack(struct db_tx *tx, void *arg)
{
	(void)arg;
	return DB_EXEC(tx, SQL(PACK_ADD), DB_I(7), DB_I(90528), DB_I(0));
}

/* A backup may have the beginning of a pack that has died since: nothing is lost with it. */
TEST(part_of_a_dead_pack_is_no_damage)
{
	struct db_write_job job = { .fn = add_pack };
	struct test_store t;
	struct store_fsck_counts n;
	struct finding f;
	char path[600];
	int fd;

	test_open(&t);
	fill(&t);
	assert_int_equal(db_write(t.db, &job), 0);
	snprintf(path, sizeof(path), "%s/pack/000007.pack", db_dir_z(t.db));
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "short", 5, 0), 5);
	close(fd);
	f = check(&t, &n);
	assert_string_equal(f.first, "");
	test_close(&t);
}
