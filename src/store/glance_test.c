/* SPDX-License-Identifier: MIT */
/* Bare views: what they tell, and that their messages are found again whatever happened since. */
#include "store/store_test.h"

#include "base/limits.h"
#include "base/lock.h"

static struct store_view *glance(struct store_mbox *m)
{
	struct store_view *v;

	assert_int_equal(store_mbox_glance(m, &v), 0);
	return v;
}

/* A bare view of a mailbox that has none in memory. */
static struct store_view *bare_of(struct test_store *t, int64_t mailbox)
{
	struct store_view *v;

	assert_int_equal(store_glance_load(t->s, mailbox, &v), 0);
	assert_true(v->is_bare);
	return v;
}

static uint32_t first_unseen(struct test_store *t, const struct store_view *v)
{
	uint32_t seq = UINT32_MAX;

	assert_int_equal(store_view_first_unseen(t->s, v, &seq), 0);
	return seq;
}

static void expunge(struct test_store *t, int64_t mailbox, uint32_t lo, uint32_t hi)
{
	const struct uidset uids = test_uids(t, lo, hi);
	struct uidset gone;
	uint64_t modseq;

	assert_int_equal(store_expunge(t->s, &t->a, mailbox, &uids, false, &gone, &modseq), 0);
}

TEST(glance_is_bare_until_somebody_loads)
{
	struct test_store t;
	struct store_mbox *mbox, *other;
	struct store_view *bare, *full, *again;

	test_open(&t);
	test_append(&t, t.inbox, STORE_SEEN, 2);
	test_append(&t, t.inbox, STORE_DELETED, 3);
	assert_int_equal(store_mbox_open(t.s, t.inbox, &mbox), 0);
	bare = glance(mbox);
	assert_true(bare->is_bare);
	assert_int_equal(bare->n, 5);
	assert_int_equal(bare->unseen, 3);
	assert_int_equal(bare->deleted, 3);
	assert_int_equal(bare->uidnext, 6);
	assert_false(store_mbox_has_news(mbox, bare));
	test_append(&t, t.inbox, 0, 1);
	assert_true(store_mbox_has_news(mbox, bare));
	store_view_unref(bare);
	bare = glance(mbox);
	assert_int_equal(bare->n, 6);
	full = test_view(mbox);
	assert_false(full->is_bare);
	assert_int_equal(full->uidvalidity, bare->uidvalidity);
	assert_int_equal(full->highestmodseq, bare->highestmodseq);
	/* It is the mailbox that has a view now, whoever asks. */
	assert_int_equal(store_mbox_open(t.s, t.inbox, &other), 0);
	again = glance(other);
	assert_ptr_equal(again, full);
	store_view_unref(again);
	assert_int_equal(store_mbox_fill(mbox, bare, &again), 0);
	assert_ptr_equal(again, full);
	store_view_unref(again);
	store_view_unref(full);
	store_view_unref(bare);
	store_mbox_close(&other);
	store_mbox_close(&mbox);
	test_close(&t);
}

TEST(glance_of_a_mailbox_that_goes)
{
	struct test_store t;
	struct store_mbox *mbox;
	struct store_view *bare, *none = NULL;
	int64_t id;

	test_open(&t);
	assert_int_equal(store_mailbox_create(t.s, t.alice, S("x"), 0, &id, NULL), 0);
	test_append(&t, id, 0, 3);
	assert_int_equal(store_mbox_open(t.s, id, &mbox), 0);
	bare = glance(mbox);
	assert_int_equal(store_mailbox_delete(t.s, t.alice, S("x"), NULL), 0);
	assert_true(store_mbox_has_news(mbox, bare));
	assert_int_equal(store_view_grown(t.s, bare, &none), -E_NOT_FOUND);
	assert_int_equal(store_mbox_fill(mbox, bare, &none), -E_NOT_FOUND);
	assert_int_equal(store_mbox_glance(mbox, &none), -E_NOT_FOUND);
	assert_null(none);
	store_view_unref(bare);
	store_mbox_close(&mbox);
	test_close(&t);
}

/* ---- the first unseen message ---- */

static uint32_t slow_first_unseen(const struct store_view *v)
{
	for (uint32_t seq = 1; seq <= v->n; seq++)
		if (!(store_view_at(v, seq)->flags & STORE_SEEN))
			return seq;
	return 0;
}

static void check_first_unseen(struct test_store *t, struct store_mbox *mbox)
{
	struct store_view *bare = bare_of(t, t->inbox), *full = test_view(mbox);

	assert_int_equal(first_unseen(t, full), slow_first_unseen(full));
	assert_int_equal(first_unseen(t, bare), slow_first_unseen(full));
	store_view_unref(bare);
	store_view_unref(full);
}

TEST(glance_first_unseen)
{
	struct test_store t;
	struct store_mbox *mbox;
	uint64_t seed = 7;

	test_open(&t);
	assert_int_equal(store_mbox_open(t.s, t.inbox, &mbox), 0);
	check_first_unseen(&t, mbox);
	test_append(&t, t.inbox, STORE_SEEN, 1500);
	check_first_unseen(&t, mbox);
	for (int i = 0; i < 60; i++) {
		uint32_t lo, hi;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		lo = 1 + (uint32_t)(seed >> 33) % 1500;
		hi = lo + (i % 4 ? (uint32_t)(seed >> 50) % 3 : 1500);
		if (i % 5 == 0)
			expunge(&t, t.inbox, lo, lo + 1);
		else
			test_flag(&t, t.inbox, lo, hi,
				  i % 4 ? STORE_FLAGS_REMOVE : STORE_FLAGS_ADD, STORE_SEEN);
		check_first_unseen(&t, mbox);
	}
	store_mbox_close(&mbox);
	test_close(&t);
}

/* Where it would take too many rows nothing is said; what is said is right. */
TEST(glance_first_unseen_in_a_large_mailbox)
{
	const uint32_t n = 2 * LIMIT_GLANCE_ROWS + 10;
	const struct {
		uint32_t seen_lo, seen_hi, want;
	} rows[] = {
		{ 1, n, 0 },
		{ 1, n - 1, n },
		{ 2, n, 1 },
		{ 1, LIMIT_GLANCE_ROWS - 1, LIMIT_GLANCE_ROWS },
		{ 1, LIMIT_GLANCE_ROWS + 1, 0 }, /* too many unseen for the end */
		{ 1, n - LIMIT_GLANCE_ROWS, n - LIMIT_GLANCE_ROWS + 1 },
	};
	struct test_store t;
	struct store_view *bare;

	test_open(&t);
	test_append(&t, t.inbox, STORE_SEEN, n);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		test_flag(&t, t.inbox, 1, n, STORE_FLAGS_SET, 0);
		test_flag(&t, t.inbox, rows[i].seen_lo, rows[i].seen_hi, STORE_FLAGS_SET,
			  STORE_SEEN);
		bare = bare_of(&t, t.inbox);
		assert_int_equal(first_unseen(&t, bare), rows[i].want);
		store_view_unref(bare);
	}
	/* When the mailbox goes on, the number would not be that of the client. */
	bare = bare_of(&t, t.inbox);
	assert_true(first_unseen(&t, bare) > 0);
	test_append(&t, t.inbox, 0, 1);
	assert_int_equal(first_unseen(&t, bare), 0);
	store_view_unref(bare);
	test_close(&t);
}

/* ---- counting ---- */

static void check_count(struct test_store *t, const struct uidset *uids, int want)
{
	struct store_view *bare = bare_of(t, t->inbox);
	uint32_t n = UINT32_MAX;
	int rc = store_view_count(t->s, bare, uids, &n);

	assert_int_equal(want < 0 ? rc : (int)n, want);
	assert_int_equal(rc < 0, want < 0);
	store_view_unref(bare);
}

TEST(glance_counts_a_set)
{
	const uint32_t n = 3 * LIMIT_GLANCE_ROWS;
	struct test_store t;
	struct store_mbox *mbox;
	struct uidset set = { 0 };
	struct store_view *full;
	uint32_t got;

	test_open(&t);
	check_count(&t, &set, 0);
	test_append(&t, t.inbox, 0, n);
	expunge(&t, t.inbox, 11, 20);
	expunge(&t, t.inbox, n - 5, n);
	set = test_uids(&t, 1, n);
	check_count(&t, &set, (int)n - 16);
	set = test_uids(&t, 2, n);
	check_count(&t, &set, (int)n - 17);
	set = test_uids(&t, LIMIT_GLANCE_ROWS + 11, n);
	check_count(&t, &set, (int)n - 16 - LIMIT_GLANCE_ROWS);
	set = test_uids(&t, LIMIT_GLANCE_ROWS + 12, n);
	check_count(&t, &set, -E_LIMIT); /* too many on both sides */
	set = test_uids(&t, 2 * LIMIT_GLANCE_ROWS + 1, n);
	check_count(&t, &set, LIMIT_GLANCE_ROWS - 6);
	set = test_uids(&t, 1, n - 1);
	check_count(&t, &set, -E_LIMIT); /* not to the end: another message may be there */
	set = test_uids(&t, 5, 15);
	assert_int_equal(uidset_add(&t.a, &set, 18, 22), 0);
	assert_int_equal(uidset_add(&t.a, &set, n, UINT32_MAX), 0);
	check_count(&t, &set, 6 + 2);
	assert_int_equal(store_mbox_open(t.s, t.inbox, &mbox), 0);
	full = test_view(mbox);
	assert_int_equal(store_view_count(t.s, full, &set, &got), 0);
	assert_int_equal(got, 8);
	store_view_unref(full);
	store_mbox_close(&mbox);
	test_close(&t);
}

/* ---- growing ---- */

/* 1: only grown, with that many messages; 0: not. */
static void check_grown(struct test_store *t, const struct store_view *bare, int want, uint32_t n)
{
	struct store_view *now = NULL;

	assert_int_equal(store_view_grown(t->s, bare, &now), want);
	if (want == 0) {
		assert_null(now);
		return;
	}
	assert_true(now->is_bare);
	assert_int_equal(now->n, n);
	store_view_unref(now);
}

TEST(glance_tells_whether_a_mailbox_only_grew)
{
	const struct store_flag_change change = { .op = STORE_FLAGS_ADD,
						  .keywords = &S("word"),
						  .n_keywords = 1 };
	struct test_store t;
	struct store_view *bare;
	struct uidset uids;
	uint64_t modseq;

	test_open(&t);
	test_append(&t, t.inbox, 0, 10);
	bare = bare_of(&t, t.inbox);
	check_grown(&t, bare, 1, 10);
	test_append(&t, t.inbox, 0, 3);
	check_grown(&t, bare, 1, 13);
	/* What happens to the new ones is part of how they are new. */
	test_flag(&t, t.inbox, 11, 12, STORE_FLAGS_ADD, STORE_SEEN);
	expunge(&t, t.inbox, 13, 13);
	check_grown(&t, bare, 1, 12);
	uids = test_uids(&t, 12, 12);
	assert_int_equal(store_flags(t.s, &t.a, t.inbox, &uids, &change, NULL, &modseq), 0);
	check_grown(&t, bare, 1, 12);
	test_flag(&t, t.inbox, 10, 10, STORE_FLAGS_ADD, STORE_SEEN);
	check_grown(&t, bare, 0, 0);
	store_view_unref(bare);
	bare = bare_of(&t, t.inbox);
	assert_int_equal(bare->keywords->n, 1);
	check_grown(&t, bare, 1, 12);
	expunge(&t, t.inbox, 1, 1);
	check_grown(&t, bare, 0, 0);
	store_view_unref(bare);
	test_close(&t);
}

/* ---- filling ---- */

static uint32_t pick(uint64_t *seed, uint32_t n)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*seed >> 33) % n;
}

static void random_step(struct test_store *t, uint64_t *seed, uint32_t uidnext)
{
	uint32_t lo = 1 + pick(seed, uidnext), hi = lo + pick(seed, 1 + pick(seed, 400));

	switch (pick(seed, 4)) {
	case 0:
		test_append(t, t->inbox, pick(seed, 2) * STORE_SEEN,
			    1 + pick(seed, pick(seed, 6) ? 3 : 900));
		break;
	case 1:
		expunge(t, t->inbox, lo, hi);
		break;
	default:
		test_flag(t, t->inbox, lo, hi, (enum store_flag_op)pick(seed, 3),
			  pick(seed, STORE_SYSTEM_FLAGS + 1));
	}
}

/* full is what the client would have had if it had read the messages at once. */
static void check_filled(const struct store_view *filled, const struct store_view *full,
			 const struct store_view *now)
{
	assert_int_equal(filled->n, full->n);
	assert_int_equal(filled->uidnext, full->uidnext);
	assert_int_equal(filled->highestmodseq, full->highestmodseq);
	for (uint32_t seq = 1; seq <= full->n; seq++) {
		const struct store_msg *m = store_view_at(filled, seq), *was;
		uint32_t at;

		was = store_view_at(full, seq);
		at = store_view_seq(now, was->uid);
		assert_int_equal(m->uid, was->uid);
		assert_int_equal(m->is_lost, at == 0);
		assert_true(m->modseq <= full->highestmodseq);
		if (at > 0)
			assert_int_equal(m->flags, store_view_at(now, at)->flags);
	}
}

static void check_same_diff(struct test_store *t, const struct store_view *filled,
			    const struct store_view *full, const struct store_view *now)
{
	struct store_diff a, b;

	assert_int_equal(store_view_diff(&t->a, filled, now, &a), 0);
	assert_int_equal(store_view_diff(&t->a, full, now, &b), 0);
	assert_int_equal(a.first_new_uid, b.first_new_uid);
	assert_int_equal(a.n_changed, b.n_changed);
	for (size_t i = 0; i < a.n_changed; i++)
		assert_int_equal(a.changed[i], b.changed[i]);
	assert_int_equal(a.expunged.n, b.expunged.n);
	for (size_t i = 0; i < a.expunged.n; i++) {
		assert_int_equal(a.expunged.r[i].lo, b.expunged.r[i].lo);
		assert_int_equal(a.expunged.r[i].hi, b.expunged.r[i].hi);
	}
}

TEST(glance_is_filled_as_it_was)
{
	struct test_store t;
	struct store_mbox *mbox;
	uint64_t seed = 20261125;
	uint32_t shared = 0;

	test_open(&t);
	for (int i = 0; i < 120; i++) {
		struct store_view *bare, *full, *filled, *now;

		assert_int_equal(store_mbox_open(t.s, t.inbox, &mbox), 0);
		bare = bare_of(&t, t.inbox);
		full = test_view(mbox);
		/* Sometimes the mailbox is read afresh, sometimes its view is in memory. */
		if (pick(&seed, 2)) {
			store_mbox_close(&mbox);
			store_mbox_fini(t.s);
			assert_int_equal(store_mbox_open(t.s, t.inbox, &mbox), 0);
		}
		for (uint32_t k = pick(&seed, 5); k > 0; k--)
			random_step(&t, &seed, bare->uidnext + 2);
		assert_int_equal(store_mbox_fill(mbox, bare, &filled), 0);
		now = test_view(mbox);
		check_filled(filled, full, now);
		check_same_diff(&t, filled, full, now);
		for (uint32_t k = 0; k < filled->n_chunks && k < now->n_chunks; k++)
			shared += filled != now && filled->chunks[k] == now->chunks[k];
		store_view_unref(bare);
		store_view_unref(full);
		store_view_unref(filled);
		store_view_unref(now);
		store_mbox_close(&mbox);
		arena_reset(&t.a);
	}
	assert_true(shared > 0);
	test_close(&t);
}

/* Expunged between the two reads: it is in the newest view, and among the expunged. */
TEST(glance_is_filled_while_one_is_expunged)
{
	struct test_store t;
	struct store_mbox *mbox;
	struct store_view *bare, *now, *filled;

	test_open(&t);
	test_append(&t, t.inbox, 0, 5);
	assert_int_equal(store_mbox_open(t.s, t.inbox, &mbox), 0);
	bare = bare_of(&t, t.inbox);
	expunge(&t, t.inbox, 2, 2);
	now = test_view(mbox);
	expunge(&t, t.inbox, 3, 4);
	assert_int_equal(store_view_fill(t.s, bare, now, &filled), 0);
	for (uint32_t uid = 1; uid <= 5; uid++) {
		assert_int_equal(store_view_at(filled, uid)->uid, uid);
		assert_int_equal(store_view_at(filled, uid)->is_lost, uid == 2);
	}
	store_view_unref(bare);
	store_view_unref(now);
	store_view_unref(filled);
	store_mbox_close(&mbox);
	test_close(&t);
}

static int forget_tx(struct db_tx *tx, void *arg)
{
	return DB_EXEC(tx, SQL(EXPUNGED_REMOVE), DB_I(*(int64_t *)arg));
}

/* When what was expunged is not known any more: no wrong numbers for a client, a right view all the same. */
TEST(glance_older_than_what_is_kept)
{
	struct test_store t;
	struct store_mbox *mbox;
	struct store_view *bare, *old, *now, *none = NULL;

	test_open(&t);
	test_append(&t, t.inbox, 0, 2000);
	assert_int_equal(store_mbox_open(t.s, t.inbox, &mbox), 0);
	bare = glance(mbox);
	old = test_view(mbox);
	expunge(&t, t.inbox, 5, 6);
	test_append(&t, t.inbox, 0, 1);
	assert_int_equal(db_write(t.db, &(struct db_write_job){ .fn = forget_tx, .arg = &t.inbox }),
			 0);
	assert_int_equal(store_mbox_fill(mbox, bare, &none), -E_CANNOT);
	check_grown(&t, bare, 0, 0);
	now = test_view(mbox);
	assert_int_equal(now->n, 1999);
	test_append(&t, t.inbox, 0, 4);
	check_grown(&t, bare, 0, 0);
	assert_int_equal(store_view_seq(now, 5), 0);
	assert_int_equal(store_view_seq(now, 7), 5);
	store_view_unref(bare);
	store_view_unref(old);
	store_view_unref(now);
	store_mbox_close(&mbox);
	test_close(&t);
}

/* ---- several threads ---- */

#define N_THREADS 4

static int work_once(struct test_store *t, struct arena *a, struct store_content_new *c, int i)
{
	struct store_append v = { .mailbox = t->inbox, .content = c };
	struct store_appended done = { 0 };
	struct store_mbox *mbox = NULL;
	struct store_view *bare = NULL, *full = NULL;
	struct uidset set = { 0 }, gone;
	uint64_t modseq;
	int rc = store_mbox_open(t->s, t->inbox, &mbox);

	if (rc == 0)
		rc = store_mbox_glance(mbox, &bare);
	if (rc == 0)
		rc = store_append(t->s, &v, 1, &done);
	if (rc == 0)
		rc = uidset_add(a, &set, done.uid > 9 ? done.uid - 9 : 1, done.uid);
	if (rc == 0 && i % 2)
		rc = store_expunge(t->s, a, t->inbox, &set, false, &gone, &modseq);
	if (rc == 0 && bare->is_bare)
		rc = store_mbox_fill(mbox, bare, &full);
	if (rc == 0 && full && (full->n != bare->n || !store_mbox_has_news(mbox, full)))
		rc = -E_BUG;
	store_view_unref(full);
	store_view_unref(bare);
	store_mbox_close(&mbox);
	if (i % 3 == 0)
		store_mbox_fini(t->s); /* the next one has no view */
	return rc;
}

static void *work(void *arg)
{
	AUTO(arena_fini) struct arena a;
	struct store_content_new c;
	intptr_t rc;

	arena_init(&a, 16u << 20);
	rc = store_content_prepare(&a, S("Subject: x\r\n\r\nx\r\n"), &c);
	for (int i = 0; i < 80 && rc == 0; i++)
		rc = work_once(arg, &a, &c, i);
	return (void *)rc;
}

TEST(glance_and_fill_while_others_work)
{
	struct test_store t;
	pthread_t threads[N_THREADS];

	test_open(&t);
	for (size_t i = 0; i < N_THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, &t), 0);
	for (size_t i = 0; i < N_THREADS; i++) {
		void *rc;

		assert_int_equal(pthread_join(threads[i], &rc), 0);
		assert_int_equal((intptr_t)rc, 0);
	}
	test_close(&t);
}
