/* SPDX-License-Identifier: MIT */
/*
 * What the tests of store share: a fresh store, short ways to fill it, and the recount of all
 * counters. Only for *_test.c.
 */
#pragma once

#include <inttypes.h>
#include <stdio.h>

#include "base/test.h"
#include "base/limits.h"
#include "store/store_int.h"

/* Each answers how many rows are wrong. */
static const struct db_sql recounts[] __attribute__((unused)) = {
	{ .sql = "SELECT count(*) FROM mailboxes b WHERE account <> 0 AND ("
		 " messages <> (SELECT count(*) FROM messages m WHERE m.mailbox = b.id) OR"
		 " bytes <> (SELECT coalesce(sum(size), 0) FROM messages m WHERE m.mailbox ="
		 " b.id))" },
	{ .sql = "SELECT count(*) FROM mailboxes b WHERE account <> 0 AND ("
		 " uidnext <= (SELECT coalesce(max(uid), 0) FROM messages m WHERE m.mailbox ="
		 " b.id) OR"
		 " uidnext <= (SELECT coalesce(max(uid), 0) FROM expunged m WHERE m.mailbox ="
		 " b.id) OR"
		 " highestmodseq < (SELECT coalesce(max(modseq), 0) FROM expunged m WHERE"
		 " m.mailbox = b.id))" },
	{ .sql = "SELECT count(*) FROM accounts a WHERE"
		 " used <> (SELECT coalesce(sum(bytes), 0) FROM mailboxes b WHERE b.account ="
		 " a.id) OR"
		 " messages <> (SELECT coalesce(sum(messages), 0) FROM mailboxes b WHERE"
		 " b.account = a.id) OR"
		 " modseq < (SELECT coalesce(max(highestmodseq), 0) FROM mailboxes b WHERE"
		 " b.account = a.id)" },
	{ .sql = "SELECT count(*) FROM accounts a WHERE annotation_bytes <>"
		 " (SELECT coalesce(sum(length(entry) + length(value)), 0) FROM annotations n"
		 " WHERE n.payer = a.id) + (SELECT coalesce(sum(32 + length(entry) +"
		 " coalesce(length(value), 0)), 0) FROM message_annotations n WHERE n.payer = a.id)" },
	{ .sql = "SELECT count(*) FROM message_annotations n WHERE"
		 " NOT EXISTS (SELECT 1 FROM messages m WHERE m.mailbox = n.mailbox AND m.uid = n.uid) OR"
		 " user <> 0 AND (payer <> user OR NOT EXISTS (SELECT 1 FROM accounts a WHERE a.id = n.user)) OR"
		 " user = 0 AND payer <> (SELECT account FROM mailboxes b WHERE b.id = n.mailbox)" },
	{ .sql = "SELECT count(*) FROM annotations n WHERE"
		 " mailbox <> 0 AND NOT EXISTS (SELECT 1 FROM mailboxes b WHERE b.id = n.mailbox) OR"
		 " user <> 0 AND NOT EXISTS (SELECT 1 FROM accounts a WHERE a.id = n.user)" },
	{ .sql = "SELECT count(*) FROM contents c"
		 " LEFT JOIN (SELECT content, count(*) AS n FROM messages GROUP BY content) m ON"
		 " m.content = c.id LEFT JOIN content_refs r ON r.content = c.id"
		 " WHERE coalesce(refs, 1) <> coalesce(n, 0)"
		 " OR (coalesce(refs, 1) = 0) <> (dead_since IS NOT NULL)" },
	{ .sql = "SELECT count(*) FROM content_refs r WHERE"
		 " NOT EXISTS (SELECT 1 FROM contents c WHERE c.id = r.content)" },
	{ .sql = "SELECT count(*) FROM sort_keys k WHERE"
		 " NOT EXISTS (SELECT 1 FROM contents c WHERE c.id = k.content)" },
	{ .sql = "SELECT count(*) FROM messages m WHERE"
		 " NOT EXISTS (SELECT 1 FROM contents c WHERE c.id = m.content AND c.size ="
		 " m.size) OR"
		 " NOT EXISTS (SELECT 1 FROM mailboxes b WHERE b.id = m.mailbox)" },
	{ .sql = "SELECT count(*) FROM packs p WHERE live <>"
		 " (SELECT coalesce(sum(size + 32), 0) FROM contents c WHERE c.pack = p.pack)" },
	{ .sql = "SELECT count(*) FROM expunged e"
		 " WHERE EXISTS (SELECT 1 FROM messages m WHERE m.mailbox = e.mailbox AND m.uid"
		 " = e.uid)" },
	{ .sql = "SELECT count(*) FROM message_states s WHERE"
		 " NOT EXISTS (SELECT 1 FROM mailboxes b WHERE b.id = s.id >> 26)" },
	/* Not counted: what states say, and what is said of each mailbox and of its annotations. */
	{ .sql = "SELECT id, unseen, deleted, highestmodseq FROM mailboxes WHERE account <> 0" },
	{ .sql = "SELECT uid, modseq FROM message_annotations WHERE mailbox = ?1" },
};
#define RECOUNTS (ARRAY_LEN(recounts) - 2)

static int64_t test_pack_bytes __attribute__((unused)); /* of stores that are opened; 0: as usual */

struct test_store {
	struct db *db;
	struct store *s;
	struct arena a;
	int64_t alice, inbox, archive;
};

static inline void test_reopen(struct test_store *t, store_wake_fn *wake, void *ctx,
			       const char *dir_z)
{
	static struct db_sql_set sets[2];
	const struct db_options o = {
		.dir_z = dir_z,
		.sql = sets,
		.n_sql = 2,
		.migrations = &store_migrations,
		.n_migrations = 1,
		.pack_bytes = test_pack_bytes,
	};
	struct fault f = { "" };

	sets[0] = store_sql_set;
	sets[1] = (struct db_sql_set){ "recount", recounts, ARRAY_LEN(recounts) };
	if (db_open(&o, &t->db, &f) < 0)
		fail_msg("db_open: %s", f.text);
	assert_int_equal(store_open(t->db, wake, ctx, &t->s, &f), 0);
}

/* Again, with other statements than the recounts; n rows. */
static inline void test_reopen_with(struct test_store *t, const struct db_sql *rows, size_t n)
{
	static struct db_sql_set sets[2];
	char dir[600];
	const struct db_options o = { .dir_z = dir, .sql = sets, .n_sql = 2, .migrations = &store_migrations, .n_migrations = 1 };
	struct fault f = { "" };

	snprintf(dir, sizeof(dir), "%s", db_dir_z(t->db));
	store_close(&t->s);
	db_close(&t->db);
	sets[0] = store_sql_set;
	sets[1] = (struct db_sql_set){ "of the test", rows, n };
	assert_int_equal(db_open(&o, &t->db, &f), 0);
	assert_int_equal(store_open(t->db, NULL, NULL, &t->s, &f), 0);
}

static inline int64_t test_mailbox(struct test_store *t, const char *name_z)
{
	struct store_mailbox m;

	assert_int_equal(store_mailbox_find(t->s, &t->a, t->alice, str_z(name_z), &m), 0);
	return m.id;
}

/* A store with example.org and alice, without quota. */
static inline void test_open_with(struct test_store *t, store_wake_fn *wake, void *ctx)
{
	static const char *all_z;
	static int n;
	char dir[300];
	struct fault f = { "" };

	if (!all_z)
		all_z = test_dir();
	*t = (struct test_store){ 0 };
	arena_init(&t->a, 64u << 20);
	snprintf(dir, sizeof(dir), "%s/store%d", all_z, ++n);
	test_reopen(t, wake, ctx, dir);
	assert_int_equal(store_domain_add(t->s, S("example.org"), &f), 0);
	assert_int_equal(store_account_add(t->s, S("alice@example.org"), NULL, NULL, 0, &t->alice, &f),
			 0);
	t->inbox = test_mailbox(t, "INBOX");
	t->archive = test_mailbox(t, "Archive");
}

static inline void test_open(struct test_store *t)
{
	test_open_with(t, NULL, NULL);
}

/* An annotation changes its message. */
static inline void test_recount_notes(struct db_tx *tx, int64_t mailbox)
{
	struct store_states states;
	struct db_query q;

	DB_QUERY(tx, &q, &recounts[RECOUNTS + 1], DB_I(mailbox));
	while (db_step(&q) > 0) {
		uint32_t uid = (uint32_t)db_int(&q, 0);
		uint64_t modseq = (uint64_t)db_int(&q, 1);

		assert_int_equal(store_tx_states_get(tx, mailbox, uid, &states), 1);
		assert_true(store_states_since(&states, modseq - 1) >> (uid % 64) & 1);
	}
	db_done(&q);
}

static inline void test_recount_states(struct db_tx *tx)
{
	struct store_keywords_sum keywords;
	struct store_states_sum sum;
	struct db_query q;

	db_query(tx, &q, &recounts[RECOUNTS], NULL, 0);
	while (db_step(&q) > 0) {
		assert_int_equal(store_tx_states_sum(tx, db_int(&q, 0), &sum), 0);
		assert_int_equal(sum.wrong, 0);
		assert_int_equal(sum.unseen, db_int(&q, 1));
		assert_int_equal(sum.deleted, db_int(&q, 2));
		assert_true(sum.modseq <= db_int(&q, 3));
		assert_int_equal(store_tx_keywords_sum(tx, db_int(&q, 0), sum.flags, &keywords), 0);
		assert_int_equal(keywords.wrong_names, 0);
		assert_int_equal(keywords.wrong_sets, 0);
		test_recount_notes(tx, db_int(&q, 0));
	}
	db_done(&q);
}

static inline void test_recount(struct test_store *t)
{
	struct db_tx *tx;

	assert_int_equal(db_read_begin(t->db, &tx), 0);
	test_recount_states(tx);
	for (size_t i = 0; i < RECOUNTS; i++) {
		struct db_query q;
		int64_t wrong;

		db_query(tx, &q, &recounts[i], NULL, 0);
		assert_int_equal(db_step(&q), 1);
		wrong = db_int(&q, 0);
		db_done(&q);
		if (wrong)
			fail_msg("recount %zu: %" PRId64 " wrong", i, wrong);
	}
	db_read_end(&tx);
}

static inline void test_close(struct test_store *t)
{
	test_recount(t);
	store_close(&t->s);
	db_close(&t->db);
	arena_fini(&t->a);
}

/* Gives an account exactly these rights (0: anyone). */
static inline void test_share(struct test_store *t, int64_t mailbox, int64_t who, const char *rights_z)
{
	const struct store_identifier id = { .who = who };
	unsigned rights;

	assert_true(store_rights_parse(str_z(rights_z), &rights));
	assert_int_equal(store_rights_change(t->s, mailbox, 0, &id, STORE_RIGHTS_SET, rights), 0);
}

static inline struct store_content_new test_prepare(struct arena *a, struct str bytes)
{
	struct store_content_new c;

	assert_int_equal(store_content_prepare(a, bytes, &c), 0);
	return c;
}

/* n small messages; returns the first UID. */
static inline uint32_t test_append(struct test_store *t, int64_t mailbox, uint64_t flags, size_t n)
{
	AUTO(arena_fini) struct arena a;
	struct store_append *v = mem_alloc(n, sizeof(*v));
	struct store_appended *done = mem_alloc(n, sizeof(*done));
	struct store_content_new c;
	uint32_t uid;

	arena_init(&a, 1u << 20);
	c = test_prepare(&a, S("From: a@example.org\r\nSubject: test\r\n\r\nHello\r\n"));
	for (size_t i = 0; i < n; i++)
		v[i] = (struct store_append){ .mailbox = mailbox, .content = &c, .flags = flags };
	assert_int_equal(store_append(t->s, v, n, done), 0);
	uid = done[0].uid;
	for (size_t i = 0; i < n; i++)
		assert_int_equal(done[i].uid, uid + i);
	mem_free(v);
	mem_free(done);
	return uid;
}

static inline int test_copy_by(struct store *s, struct arena *a, int64_t user, int64_t src,
			       const struct uidset *uids, int64_t dst, bool is_move,
			       struct store_copied *ret)
{
	const struct store_copying how = { .user = user, .src = src, .dst = dst, .uids = uids,
					   .is_move = is_move };

	return store_copy_by(s, a, &how, ret);
}

static inline struct uidset test_uids(struct test_store *t, uint32_t lo, uint32_t hi)
{
	struct uidset set = { 0 };

	assert_int_equal(uidset_add(&t->a, &set, lo, hi), 0);
	return set;
}

static inline uint64_t test_flag(struct test_store *t, int64_t mailbox, uint32_t lo, uint32_t hi,
				 enum store_flag_op op, uint64_t flags)
{
	const struct uidset uids = test_uids(t, lo, hi);
	const struct store_flag_change change = { .op = op, .flags = flags };
	uint64_t modseq;

	assert_int_equal(store_flags(t->s, &t->a, mailbox, &uids, &change, NULL, &modseq), 0);
	return modseq;
}

static inline struct store_view *test_view(struct store_mbox *m)
{
	struct store_view *v;

	assert_int_equal(store_mbox_view(m, &v), 0);
	return v;
}

/* What the database says. */
static inline struct store_view *test_view_anew(struct test_store *t, int64_t mailbox)
{
	struct store_view *v;
	struct db_tx *tx;

	assert_int_equal(db_read_begin(t->db, &tx), 0);
	assert_int_equal(store_view_load(tx, mailbox, NULL, &v), 0);
	db_read_end(&tx);
	return v;
}

/* However it came about. */
static inline void test_same_view(const struct store_view *v, const struct store_view *w)
{
	assert_int_equal(v->uidvalidity, w->uidvalidity);
	assert_int_equal(v->uidnext, w->uidnext);
	assert_int_equal(v->highestmodseq, w->highestmodseq);
	assert_int_equal(v->unseen, w->unseen);
	assert_int_equal(v->deleted, w->deleted);
	assert_int_equal(v->n, w->n);
	for (uint32_t i = 1; i <= v->n; i++)
		assert_memory_equal(store_view_at(v, i), store_view_at(w, i),
				    sizeof(struct store_msg));
}
