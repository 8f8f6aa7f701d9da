/* SPDX-License-Identifier: MIT */
/*
 * Annotations of messages against a model: two users set and remove them, copy, move and expunge messages, in
 * two mailboxes, one of each. What each of them sees is what the model says, and bytes are counted right.
 */
#include "store/note.h"

#include "store/store_test.h"

enum { SHARED, ALICE, BOB, WHO };
#define ENTRIES 3
#define MESSAGES 200 /* of a mailbox at most */
#define ROUNDS 600

struct message {
	uint32_t uid;
	char value[WHO][ENTRIES]; /* 0: none */
};
struct box {
	int64_t id;
	struct message v[MESSAGES];
	size_t n;
};
struct model {
	struct test_store t;
	int64_t user[WHO];
	struct box box[2];
	uint64_t seed;
	struct uidset set;
};

static const struct str entries[ENTRIES] = { STR_INIT("/a"), STR_INIT("/a/b"),
					     STR_INIT("/comment") };

static uint32_t pick(struct model *m, uint32_t n)
{
	m->seed = m->seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)(m->seed >> 33) % n;
}

static bool has(const struct model *m, const struct message *v)
{
	return uidset_has(&m->set, v->uid);
}

static void pick_set(struct model *m, const struct box *b)
{
	uint32_t last = b->n > 0 ? b->v[b->n - 1].uid : 1;

	m->set = (struct uidset){ 0 };
	for (uint32_t n = 1 + pick(m, 3); n > 0; n--) {
		uint32_t lo = 1 + pick(m, last);

		assert_int_equal(uidset_add(&m->t.a, &m->set, lo, lo + pick(m, 5)), 0);
	}
}

static void step_append(struct model *m, struct box *b)
{
	if (b->n < MESSAGES)
		b->v[b->n++] = (struct message){ .uid = test_append(&m->t, b->id, 0, 1) };
}

static void step_set(struct model *m, struct box *b)
{
	int who = (int)(ALICE + pick(m, 2)), whose = pick(m, 2) ? SHARED : who;
	uint32_t entry = pick(m, ENTRIES);
	char value = pick(m, 3) ? (char)('a' + pick(m, 3)) : '\0';
	const struct store_note v = { .entry = entries[entry],
				      .value = value ? str_of(&value, 1) : (struct str){ 0 },
				      .is_shared = whose == SHARED };
	const struct store_notes_change change = { .user = m->user[who], .v = &v, .n = 1 };
	struct uidset modified;
	uint64_t modseq;

	pick_set(m, b);
	assert_int_equal(
		store_notes_set(m->t.s, &m->t.a, b->id, &m->set, &change, &modified, &modseq), 0);
	for (size_t i = 0; i < b->n; i++) {
		if (has(m, &b->v[i]))
			b->v[i].value[whose][entry] = value;
	}
}

static void take_out(struct model *m, struct box *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++) {
		if (!has(m, &b->v[i]))
			b->v[n++] = b->v[i];
	}
	b->n = n;
}

static void step_expunge(struct model *m, struct box *b)
{
	struct uidset gone;
	uint64_t modseq;

	pick_set(m, b);
	assert_int_equal(store_expunge(m->t.s, &m->t.a, b->id, &m->set, false, &gone, &modseq), 0);
	take_out(m, b);
}

/* RFC 5257 4.6: what is shared, and what is his who copies. */
static void step_copy(struct model *m, struct box *b)
{
	int who = (int)(ALICE + pick(m, 2)), other = who == ALICE ? BOB : ALICE;
	struct box *to = &m->box[pick(m, 2)];
	struct message v[MESSAGES];
	bool is_move = pick(m, 2);
	struct store_copied done;
	size_t n = 0;

	if (to->n + b->n > MESSAGES)
		return;
	pick_set(m, b);
	assert_int_equal(test_copy_by(m->t.s, &m->t.a, m->user[who], b->id, &m->set, to->id,
				       is_move, &done),
			 0);
	for (size_t i = 0; i < b->n; i++) {
		if (!has(m, &b->v[i]))
			continue;
		v[n] = b->v[i];
		memset(v[n].value[other], 0, sizeof(v[n].value[other]));
		v[n].uid = done.to[n];
		n++;
	}
	assert_int_equal(n, done.n);
	if (is_move)
		take_out(m, b);
	for (size_t i = 0; i < n; i++)
		to->v[to->n++] = v[i];
}

static void check_message(struct model *m, struct store_reader *r, const struct box *b,
			  const struct message *want, int who)
{
	struct store_note *v;
	size_t n, n_want = 0;

	assert_int_equal(store_notes_get(r, &m->t.a, b->id, m->user[who], want->uid, &v, &n), 0);
	for (int i = 0; i < ENTRIES; i++)
		n_want += (want->value[SHARED][i] != 0) + (size_t)(want->value[who][i] != 0);
	assert_int_equal(n, n_want);
	for (size_t i = 0; i < n; i++) {
		size_t e = 0;

		while (!str_eq(v[i].entry, entries[e]))
			e++;
		assert_int_equal(v[i].value.n, 1);
		assert_int_equal(v[i].value.p[0], want->value[v[i].is_shared ? SHARED : who][e]);
	}
}

static void check(struct model *m)
{
	for (size_t i = 0; i < ARRAY_LEN(m->box); i++) {
		AUTO(store_reader_close) struct store_reader *r = NULL;

		assert_int_equal(store_reader_open(m->t.s, &r), 0);
		for (size_t k = 0; k < m->box[i].n; k++) {
			check_message(m, r, &m->box[i], &m->box[i].v[k], ALICE);
			check_message(m, r, &m->box[i], &m->box[i].v[k], BOB);
		}
	}
	test_recount(&m->t);
}

TEST(notes_at_random)
{
	static void (*const steps[])(struct model *, struct box *) = {
		step_append, step_append, step_append, step_set,  step_set,
		step_set,    step_set,    step_copy,   step_copy, step_expunge,
	};
	struct model *m = MEM_NEW(struct model);
	struct fault f;

	m->seed = 20261126;
	test_open(&m->t);
	m->user[ALICE] = m->t.alice;
	assert_int_equal(store_account_add(m->t.s, S("bob@example.org"), NULL, NULL, 0,
					   &m->user[BOB], &f),
			 0);
	m->box[0].id = m->t.inbox;
	assert_int_equal(store_mailbox_create(m->t.s, m->user[BOB], S("box"), 0, &m->box[1].id, &f),
			 0);
	test_share(&m->t, m->box[0].id, m->user[BOB], "lrswiten");
	test_share(&m->t, m->box[1].id, m->user[ALICE], "lrswiten");
	for (int i = 0; i < ROUNDS; i++) {
		steps[pick(m, ARRAY_LEN(steps))](m, &m->box[pick(m, 2)]);
		if (i % 10 == 0)
			check(m);
		arena_reset(&m->t.a);
	}
	check(m);
	/* A new name for INBOX takes everybody's along. */
	assert_int_equal(store_mailbox_rename(m->t.s, m->t.alice, S("INBOX"), S("Old"), &f), 0);
	m->box[0].id = test_mailbox(&m->t, "Old");
	for (size_t k = 0; k < m->box[0].n; k++)
		m->box[0].v[k].uid = (uint32_t)k + 1;
	check(m);
	test_close(&m->t);
	mem_free(m);
}
