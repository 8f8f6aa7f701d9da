/* SPDX-License-Identifier: MIT */
/* Views, and everything at random against a model. */
#include "store/store_test.h"

#include "base/lock.h"
#include "store/note.h"

/* ---- a model of three mailboxes ---- */

#define N_BOXES 3
#define N_MAX 20000

struct model_msg {
	uint32_t uid;
	uint64_t flags;
};
struct model_box {
	struct model_msg *m;
	size_t n;
	int64_t id;
	struct store_mbox *mbox;
	struct store_view *shown;
};
struct model {
	struct test_store t;
	int64_t bob; /* alice shares all of them with him */
	struct model_box box[N_BOXES];
	uint64_t seed;
	struct uidset set; /* of the current step */
};

static uint32_t pick(struct model *m, uint32_t n)
{
	m->seed = m->seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(m->seed >> 33) % n;
}

static void pick_set(struct model *m, const struct model_box *b)
{
	uint32_t last = b->n ? b->m[b->n - 1].uid : 1;

	m->set = (struct uidset){ 0 };
	for (uint32_t i = 0, n = 1 + pick(m, 4); i < n; i++) {
		uint32_t lo = 1 + pick(m, last + 2);

		assert_int_equal(uidset_add(&m->t.a, &m->set, lo, lo + pick(m, 1 + last / 6)), 0);
	}
}

static uint64_t pick_flags(struct model *m)
{
	return pick(m, STORE_SYSTEM_FLAGS + 1);
}

static void add(struct model_box *b, uint32_t uid, uint64_t flags)
{
	assert_true(b->n < N_MAX);
	b->m[b->n++] = (struct model_msg){ uid, flags };
}

static void step_append(struct model *m, struct model_box *b)
{
	uint64_t flags = pick_flags(m);
	size_t n = 1 + pick(m, pick(m, 8) ? 3 : 700);
	uint32_t uid = test_append(&m->t, b->id, flags, n);

	for (size_t i = 0; i < n; i++)
		add(b, uid + (uint32_t)i, flags);
}

static void step_flags(struct model *m, struct model_box *b)
{
	struct store_flag_change change = { .op = (enum store_flag_op)pick(m, 3),
					    .flags = pick_flags(m) };
	struct uidset modified;
	uint64_t modseq;

	/* Some of the last steps are newer than that. */
	if (pick(m, 2)) {
		change.has_unchangedsince = true;
		change.unchangedsince = b->shown->highestmodseq - pick(m, 6);
	}
	pick_set(m, b);
	assert_int_equal(store_flags(m->t.s, &m->t.a, b->id, &m->set, &change, &modified, &modseq),
			 0);
	for (size_t i = 0; i < b->n; i++) {
		uint64_t *f = &b->m[i].flags;

		if (!uidset_has(&m->set, b->m[i].uid) || uidset_has(&modified, b->m[i].uid))
			continue;
		*f = change.op == STORE_FLAGS_SET   ? change.flags
		     : change.op == STORE_FLAGS_ADD ? *f | change.flags
						    : *f & ~change.flags;
	}
}

/* Takes out what is in the set and has one of the flags (0: any). */
static void take_out(struct model *m, struct model_box *b, uint64_t mask)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++)
		if (!uidset_has(&m->set, b->m[i].uid) || (mask && !(b->m[i].flags & mask)))
			b->m[n++] = b->m[i];
	b->n = n;
}

static void step_expunge(struct model *m, struct model_box *b)
{
	bool only_deleted = pick(m, 2);
	struct uidset gone;
	uint64_t modseq;
	size_t before = b->n;

	pick_set(m, b);
	assert_int_equal(
		store_expunge(m->t.s, &m->t.a, b->id, &m->set, only_deleted, &gone, &modseq), 0);
	take_out(m, b, only_deleted ? STORE_DELETED : 0);
	assert_int_equal(uidset_count(&gone), before - b->n);
}

static void step_copy(struct model *m, struct model_box *b)
{
	struct model_box *to = &m->box[pick(m, N_BOXES)];
	bool is_move = pick(m, 2);
	struct store_copied copied;
	uint64_t *flags;

	pick_set(m, b);
	if (to->n + b->n > N_MAX / 2)
		return;
	assert_int_equal(store_copy(m->t.s, &m->t.a, b->id, &m->set, to->id, is_move, &copied), 0);
	flags = mem_alloc(copied.n, sizeof(*flags));
	for (size_t i = 0, k = 0; i < b->n; i++) {
		if (!uidset_has(&m->set, b->m[i].uid))
			continue;
		assert_int_equal(copied.from[k], b->m[i].uid);
		flags[k++] = b->m[i].flags;
	}
	if (is_move)
		take_out(m, b, 0);
	for (size_t i = 0; i < copied.n; i++)
		add(to, copied.to[i], flags[i]);
	mem_free(flags);
}

/* Changes modseqs alone. */
static void step_notes(struct model *m, struct model_box *b)
{
	static const struct str values[] = { STR_INIT("one"), STR_INIT("two"), { NULL, 0 } };
	const struct store_note note = { .entry = S("/comment"),
					 .value = values[pick(m, ARRAY_LEN(values))],
					 .is_shared = pick(m, 2) };
	const struct store_notes_change change = { .user = pick(m, 3) ? m->t.alice : m->bob,
						   .v = &note,
						   .n = 1 };
	struct uidset modified;
	uint64_t modseq;

	pick_set(m, b);
	assert_int_equal(
		store_notes_set(m->t.s, &m->t.a, b->id, &m->set, &change, &modified, &modseq), 0);
}

/* A commit that fails has changed nothing, and has told nothing. */
static void step_lost(struct model *m, struct model_box *b)
{
	const struct store_flag_change flags = { .op = STORE_FLAGS_SET, .flags = pick_flags(m) };
	const struct store_note note = { .entry = S("/lost"), .value = S("x"), .is_shared = true };
	const struct store_notes_change notes = { .user = m->t.alice, .v = &note, .n = 1 };
	struct store_content_new c = test_prepare(&m->t.a, S("Subject: lost\r\n\r\n"));
	struct store_append v = { .mailbox = b->id, .content = &c };
	const int64_t to = m->box[pick(m, N_BOXES)].id;
	struct store_appended appended;
	struct store_copied copied;
	struct uidset set;
	uint64_t modseq;
	int rc;

	/* Durable: no late sync of flags takes the failure for itself. */
	add(b, test_append(&m->t, b->id, 0, 1), 0);
	pick_set(m, b);
	db_fail_next(m->t.db, DB_FAIL_COMMIT, 1, E_DISK_FULL);
	switch (pick(m, 5)) {
	case 0:
		rc = store_flags(m->t.s, &m->t.a, b->id, &m->set, &flags, NULL, &modseq);
		break;
	case 1:
		rc = store_notes_set(m->t.s, &m->t.a, b->id, &m->set, &notes, &set, &modseq);
		break;
	case 2:
		rc = store_append(m->t.s, &v, 1, &appended);
		break;
	case 3:
		rc = store_expunge(m->t.s, &m->t.a, b->id, &m->set, false, &set, &modseq);
		break;
	default:
		rc = store_copy(m->t.s, &m->t.a, b->id, &m->set, to, pick(m, 2), &copied);
	}
	db_fail_next(m->t.db, DB_FAIL_NONE, 0, 0);
	assert_int_equal(rc, -E_DISK_FULL);
}

/* The model knows no keywords: only a view that is loaded afresh tells whether they are right. */
static void step_keyword(struct model *m, struct model_box *b)
{
	static const struct str words[] = { STR_INIT("one"), STR_INIT("two"), STR_INIT("three") };
	const struct store_flag_change change = { .op = pick(m, 2) ? STORE_FLAGS_ADD
								   : STORE_FLAGS_REMOVE,
						  .keywords = &words[pick(m, ARRAY_LEN(words))],
						  .n_keywords = 1 };
	struct uidset modified;
	uint64_t modseq;

	pick_set(m, b);
	assert_int_equal(store_flags(m->t.s, &m->t.a, b->id, &m->set, &change, &modified, &modseq),
			 0);
}

/* ---- checks ---- */

static void check_view(const struct model_box *b, const struct store_view *v)
{
	uint32_t unseen = 0, deleted = 0;

	assert_int_equal(v->n, b->n);
	for (uint32_t i = 0; i < b->n; i++) {
		const struct store_msg *msg = store_view_at(v, i + 1);

		assert_int_equal(msg->uid, b->m[i].uid);
		assert_int_equal(msg->flags & STORE_SYSTEM_FLAGS, b->m[i].flags);
		assert_int_equal(store_view_seq(v, msg->uid), i + 1);
		unseen += !(msg->flags & STORE_SEEN);
		deleted += !!(msg->flags & STORE_DELETED);
	}
	assert_int_equal(v->unseen, unseen);
	assert_int_equal(v->deleted, deleted);
	assert_null(store_view_at(v, 0));
	assert_null(store_view_at(v, v->n + 1));
	assert_int_equal(store_view_seq(v, UINT32_MAX), 0);
	assert_int_equal(store_view_seq_from(v, v->uidnext), v->n + 1);
}

/* The diff against what the two views say message by message. */
static void check_diff(struct model *m, const struct store_view *old, const struct store_view *now)
{
	struct store_diff d;
	size_t expunged = 0, changed = 0;
	uint32_t first_new = 0;

	assert_int_equal(store_view_diff(&m->t.a, old, now, &d), 0);
	for (uint32_t i = 1; i <= old->n; i++) {
		const struct store_msg *x = store_view_at(old, i);
		uint32_t seq = store_view_seq(now, x->uid);

		if (seq == 0) {
			assert_true(uidset_has(&d.expunged, x->uid));
			expunged++;
		} else if (store_view_at(now, seq)->modseq != x->modseq) {
			assert_true(changed < d.n_changed);
			assert_int_equal(d.changed[changed++], x->uid);
		}
	}
	if (store_view_seq_from(now, old->uidnext) <= now->n)
		first_new = store_view_at(now, store_view_seq_from(now, old->uidnext))->uid;
	assert_int_equal(uidset_count(&d.expunged), expunged);
	assert_int_equal(d.n_changed, changed);
	assert_int_equal(d.first_new_uid, first_new);
}

/* Everything of now, and of old what now has no more. */
static void check_keep(struct model *m, struct store_view *old, struct store_view *now)
{
	struct store_view *both = store_view_keep(old, now);
	uint32_t last_uid = 0, n_gone = 0;

	for (uint32_t i = 1; i <= both->n; i++) {
		const struct store_msg *x = store_view_at(both, i);
		uint32_t seq = store_view_seq(now, x->uid);
		const struct store_view *from = seq > 0 ? now : old;

		assert_true(x->uid > last_uid);
		last_uid = x->uid;
		n_gone += seq == 0;
		seq = store_view_seq(from, x->uid);
		assert_true(seq > 0);
		assert_memory_equal(x, store_view_at(from, seq), sizeof(*x));
	}
	assert_int_equal(both->n, now->n + n_gone);
	for (uint32_t i = 1; i <= old->n; i++)
		assert_true(store_view_seq(both, store_view_at(old, i)->uid) > 0);
	assert_int_equal(both->highestmodseq, old->highestmodseq);
	check_diff(m, both, now);
	store_view_unref(both);
}

static void check_boxes(struct model *m)
{
	struct store_view *anew;

	for (size_t i = 0; i < N_BOXES; i++) {
		struct model_box *b = &m->box[i];
		struct store_view *now = test_view(b->mbox);

		check_view(b, now);
		check_diff(m, b->shown, now);
		check_keep(m, b->shown, now);
		assert_int_equal(store_mbox_has_news(b->mbox, b->shown),
				 now->highestmodseq > b->shown->highestmodseq);
		assert_false(store_mbox_has_news(b->mbox, now));
		store_view_unref(b->shown);
		b->shown = now;
		/* A view loaded afresh is the same. */
		anew = test_view_anew(&m->t, b->id);
		test_same_view(now, anew);
		store_view_unref(anew);
	}
	struct model_box *b = &m->box[pick(m, N_BOXES)];

	if (pick(m, 10) == 0) {
		struct store_view *fresh;

		store_mbox_close(&b->mbox);
		store_mbox_fini(m->t.s);
		assert_int_equal(store_mbox_open(m->t.s, b->id, &b->mbox), 0);
		fresh = test_view(b->mbox);
		check_view(b, fresh);
		store_view_unref(fresh);
	}
}

TEST(random_operations_against_a_model)
{
	static void (*const steps[])(struct model *, struct model_box *) = {
		step_append, step_append,  step_flags, step_flags, step_expunge,
		step_copy,   step_keyword, step_notes, step_notes, step_lost,
	};
	struct model *m = MEM_NEW(struct model);

	m->seed = 20261123;
	test_open(&m->t);
	m->box[0].id = m->t.inbox;
	m->box[1].id = m->t.archive;
	m->box[2].id = test_mailbox(&m->t, "Junk");
	assert_int_equal(store_account_add(m->t.s, S("bob@example.org"), NULL, NULL, 0, &m->bob,
					   &(struct fault){ "" }),
			 0);
	for (size_t i = 0; i < N_BOXES; i++)
		test_share(&m->t, m->box[i].id, m->bob, "lrn");
	for (size_t i = 0; i < N_BOXES; i++) {
		m->box[i].m = mem_alloc(N_MAX, sizeof(struct model_msg));
		assert_int_equal(store_mbox_open(m->t.s, m->box[i].id, &m->box[i].mbox), 0);
		m->box[i].shown = test_view(m->box[i].mbox);
	}
	for (int i = 0; i < 300; i++) {
		steps[pick(m, ARRAY_LEN(steps))](m, &m->box[pick(m, N_BOXES)]);
		if (i % 3 == 0)
			check_boxes(m);
		if (i % 10 == 0)
			test_recount(&m->t);
		arena_reset(&m->t.a);
	}
	check_boxes(m);
	for (size_t i = 0; i < N_BOXES; i++) {
		store_view_unref(m->box[i].shown);
		store_mbox_close(&m->box[i].mbox);
		mem_free(m->box[i].m);
	}
	test_close(&m->t);
	mem_free(m);
}

TEST(view_of_a_large_mailbox_shares_chunks)
{
	struct test_store t;
	struct store_mbox *mbox;
	struct store_view *old, *now;
	struct store_diff d;
	const struct store_msg *run;
	uint32_t shared = 0, n, seen = 0;

	test_open(&t);
	test_append(&t, t.inbox, 0, 10000);
	assert_int_equal(store_mbox_open(t.s, t.inbox, &mbox), 0);
	old = test_view(mbox);
	test_flag(&t, t.inbox, 5000, 5000, STORE_FLAGS_ADD, STORE_SEEN);
	test_append(&t, t.inbox, 0, 1);
	now = test_view(mbox);
	assert_int_equal(now->n, 10001);
	for (uint32_t i = 0; i < old->n_chunks; i++)
		shared += old->chunks[i] == now->chunks[i];
	assert_int_equal(shared, old->n_chunks - 2);
	assert_int_equal(store_view_diff(&t.a, old, now, &d), 0);
	assert_int_equal(d.n_changed, 1);
	assert_int_equal(d.changed[0], 5000);
	assert_int_equal(d.first_new_uid, 10001);
	for (uint32_t seq = 1; (n = store_view_run(now, seq, &run)) > 0; seq += n)
		for (uint32_t i = 0; i < n; i++)
			assert_int_equal(run[i].uid, ++seen);
	assert_int_equal(seen, 10001);
	assert_true(sizeof(struct store_msg) + 8 <= 64);
	store_view_unref(old);
	store_view_unref(now);
	store_mbox_close(&mbox);
	test_close(&t);
}

TEST(view_keeps_a_deleted_mailbox_readable)
{
	struct test_store t;
	struct store_mbox *mbox, *late;
	struct store_view *old, *gone, *none;
	struct store_reader *reader;
	struct store_content c;
	int64_t id;

	test_open(&t);
	assert_int_equal(store_mailbox_create(t.s, t.alice, S("x"), 0, &id, NULL), 0);
	test_append(&t, id, 0, 3);
	assert_int_equal(store_mbox_open(t.s, id, &mbox), 0);
	old = test_view(mbox);
	assert_int_equal(store_mailbox_delete(t.s, t.alice, S("x"), NULL), 0);
	assert_true(store_mbox_has_news(mbox, old));
	gone = test_view(mbox);
	assert_true(gone->is_gone);
	assert_int_equal(gone->n, 3);
	assert_false(store_mbox_has_news(mbox, gone));
	assert_int_equal(store_reader_open(t.s, &reader), 0);
	assert_int_equal(store_content_get(reader, &t.a, store_view_at(gone, 2)->content, 0, &c),
			 0);
	store_reader_close(&reader);
	store_view_unref(old);
	store_view_unref(gone);
	store_mbox_close(&mbox);
	assert_int_equal(store_mbox_open(t.s, id, &late), 0);
	assert_int_equal(store_mbox_view(late, &none), -E_NOT_FOUND);
	store_mbox_close(&late);
	test_close(&t);
}

/* The view of a mailbox that nobody uses is kept, brought up to date by its next user, and goes. */
TEST(view_stays_for_the_next_user)
{
	struct test_store t;
	struct store_mbox *mbox;
	struct store_view *first, *second;
	struct fault f;
	int64_t id;

	test_open(&t);
	assert_int_equal(store_mailbox_create(t.s, t.alice, S("box"), 0, &id, &f), 0);
	test_append(&t, id, 0, 3);
	assert_int_equal(store_mbox_open(t.s, id, &mbox), 0);
	first = test_view(mbox);
	store_mbox_close(&mbox);
	assert_int_equal(store_mbox_open(t.s, id, &mbox), 0);
	second = test_view(mbox);
	assert_ptr_equal(first, second);
	store_view_unref(second);
	store_mbox_close(&mbox);
	/* What happened meanwhile is in the view of the next. */
	test_append(&t, id, 0, 2);
	assert_int_equal(store_mbox_open(t.s, id, &mbox), 0);
	second = test_view(mbox);
	assert_int_equal(second->n, 5);
	store_view_unref(second);
	store_mbox_close(&mbox);
	/* Deleted: there is nothing to load any more. */
	assert_int_equal(store_mailbox_delete(t.s, t.alice, S("box"), &f), 0);
	assert_int_equal(store_mbox_open(t.s, id, &mbox), 0);
	assert_int_equal(store_mbox_view(mbox, &second), -E_NOT_FOUND);
	store_mbox_close(&mbox);
	assert_int_equal(first->n, 3);
	store_view_unref(first);
	test_close(&t);
}

/* Idle views are bounded together: the oldest go first. */
TEST(view_idle_ones_are_bounded)
{
	struct test_store t;
	struct store_mbox *mbox;

	test_open(&t);
	/* Entries without a view count too, so ids that never were do. */
	for (int64_t id = 1000; id < 12000; id++) {
		assert_int_equal(store_mbox_open(t.s, id, &mbox), 0);
		store_mbox_close(&mbox);
	}
	assert_in_range(t.s->mboxes.n, 1, 8192);
	assert_null(store_idmap_get(&t.s->mboxes, 1000));
	assert_non_null(store_idmap_get(&t.s->mboxes, 11999));
	test_close(&t);
}
