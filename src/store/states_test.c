/* SPDX-License-Identifier: MIT */
/*
 * States against a model that keeps flags and modseq of each message: in memory, and in rows through
 * every function that writes them. UIDs are sparse, at the borders of rows, and up to the last.
 */
#include "store/store_test.h"

#define MESSAGES 400
#define ROUNDS 3000

struct message {
	uint32_t uid; /* 0: not there */
	uint64_t flags, modseq;
};
struct model {
	struct message v[MESSAGES];
	size_t n;
	uint64_t seed, modseq;
};

static uint64_t pick(struct model *m, uint64_t n)
{
	m->seed = m->seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (m->seed >> 20) % n;
}

/* ---- one row ---- */

static void same_row(const struct model *m, const struct store_states *s)
{
	const struct store_state *of[STORE_STATE_UIDS];
	char bytes[STORE_STATE_UIDS * STORE_STATE_BYTES];
	struct store_states again = { .n = 0 };
	uint64_t all = 0, newer = 0, unseen = 0;

	store_states_spread(s, of);
	for (unsigned i = 0; i < STORE_STATE_UIDS; i++) {
		const struct message *v = &m->v[i];

		assert_int_equal(of[i] != NULL, v->uid != 0);
		if (!of[i])
			continue;
		assert_int_equal(of[i]->flags, v->flags);
		assert_int_equal(of[i]->modseq, v->modseq);
		all |= (uint64_t)1 << i;
		newer |= (uint64_t)(v->modseq > m->modseq / 2) << i;
		unseen |= (uint64_t) !(v->flags & STORE_SEEN) << i;
	}
	assert_int_equal(store_states_all(s), all);
	assert_int_equal(store_states_since(s, m->modseq / 2), newer);
	assert_int_equal(all & ~store_states_flagged(s, STORE_SEEN), unseen);
	store_states_parse(store_states_print(s->v, s->n, bytes), &again);
	assert_int_equal(again.is_damaged, s->n == 0);
	assert_int_equal(again.n, s->n);
	assert_memory_equal(again.v, s->v, s->n * sizeof(s->v[0]));
}

static uint64_t flags_of(struct model *m)
{
	const uint64_t some[] = { 0, 1, 8, 9, 4, UINT64_C(1) << 63, 0x100 };

	return some[pick(m, ARRAY_LEN(some))];
}

static void step(struct model *m, struct store_states *s)
{
	uint64_t uids = pick(m, 2) ? UINT64_MAX << pick(m, 64) : (uint64_t)1 << pick(m, 64);
	struct store_state_change c = { .keep = pick(m, 2) ? UINT64_MAX : ~flags_of(m),
					.come = flags_of(m),
					.since = pick(m, 2) ? UINT64_MAX : pick(m, m->modseq),
					.modseq = ++m->modseq };
	struct store_state_change want = c;
	uint64_t what = pick(m, 4);

	for (unsigned i = 0; i < STORE_STATE_UIDS; i++) {
		struct message *v = &m->v[i], was = *v;

		if (!(uids >> i & 1))
			continue;
		if (what == 0)
			*v = (struct message){ 0 };
		else if (what == 1)
			*v = (struct message){ 1, was.flags, m->modseq };
		else if (v->uid && v->modseq <= c.since &&
			 ((v->flags & c.keep) | c.come) != v->flags)
			*v = (struct message){ 1, (v->flags & c.keep) | c.come, m->modseq };
		if (what > 1 && v->modseq != was.modseq) {
			want.n++;
			want.unseen += !(v->flags & STORE_SEEN) - !(was.flags & STORE_SEEN);
			want.deleted +=
				!!(v->flags & STORE_DELETED) - !!(was.flags & STORE_DELETED);
		}
	}
	if (what == 0)
		store_states_remove(s, uids);
	else if (what == 1)
		store_states_touch(s, uids, m->modseq);
	else
		store_states_change(s, uids, &c);
	if (what > 1)
		assert_memory_equal(&c, &want, sizeof(c));
}

TEST(states_of_a_row_against_a_model)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct model m = { .seed = seed, .modseq = 1 };
		struct store_states s = { .n = 0 };

		for (unsigned i = 0; i < ROUNDS / 10; i++) {
			step(&m, &s);
			assert_in_range(s.n, 0, STORE_STATE_UIDS);
			same_row(&m, &s);
		}
	}
}

TEST(states_that_are_damaged)
{
	static const struct {
		const char *bytes;
		size_t n;
		bool is_damaged;
		uint64_t all;
	} rows[] = {
		{ "", 0, true, 0 },
		{ "\0\0\0\0\0\0\0\3"
		  "\0\0\0\0\0\0\0\1"
		  "\0\0\0\0\0\0\0\2",
		  24, false, 3 },
		{ "\0\0\0\0\0\0\0\3"
		  "\0\0\0\0\0\0\0\1"
		  "\0\0\0\0\0\0\0\2"
		  "\0\0\0",
		  27, true, 3 },
		{ "\0\0\0\0\0\0\0\3"
		  "\0\0\0\0\0\0\0\1"
		  "\0\0\0\0\0\0\0",
		  23, true, 0 },
		{ "\0\0\0\0\0\0\0\0"
		  "\0\0\0\0\0\0\0\1"
		  "\0\0\0\0\0\0\0\2",
		  24, true, 0 },
		{ "\0\0\0\0\0\0\0\3"
		  "\0\0\0\0\0\0\0\1"
		  "\0\0\0\0\0\0\0\2"
		  "\0\0\0\0\0\0\0\6"
		  "\0\0\0\0\0\0\0\1"
		  "\0\0\0\0\0\0\0\2",
		  48, true, 7 },
	};
	char many[100 * STORE_STATE_BYTES];
	struct store_states s;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		store_states_parse(str_of(rows[i].bytes, rows[i].n), &s);
		assert_int_equal(s.is_damaged, rows[i].is_damaged);
		assert_int_equal(store_states_all(&s), rows[i].all);
	}
	for (size_t i = 0; i < sizeof(many); i++)
		many[i] = (char)(i * 37);
	store_states_parse(str_of(many, sizeof(many)), &s);
	assert_true(s.is_damaged && s.n <= STORE_STATE_UIDS);
}

/* ---- rows ---- */

struct job {
	struct test_store *t;
	struct model *m;
};

/* New ones behind all that there were. */
static int add(struct db_tx *tx, struct job *j)
{
	struct store_states_adding adding = { .n = 0 };
	struct model *m = j->m;
	uint64_t n = 1 + pick(m, 60);
	int rc = 0;

	for (; rc == 0 && n > 0 && m->n < MESSAGES; n--) {
		const uint64_t gaps[] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 63, 64, 65, 100000 };
		uint32_t last = m->n ? m->v[m->n - 1].uid : 0;
		struct message v = { .uid = last + (uint32_t)gaps[pick(m, ARRAY_LEN(gaps))],
				     .flags = pick(m, 2) ? 0 : pick(m, 64) << 58,
				     .modseq = m->modseq };

		if (m->n + 4 > MESSAGES) /* the last that there can be */
			v.uid = UINT32_MAX - (uint32_t)(MESSAGES - m->n);
		m->v[m->n++] = v;
		rc = store_tx_states_add(
			tx, &adding, j->t->inbox, last,
			&(struct store_msg){ .uid = v.uid, .flags = v.flags, .modseq = v.modseq });
	}
	return rc < 0 ? rc : store_tx_states_added(tx, &adding);
}

static struct uidset pick_set(struct job *j)
{
	struct uidset set = { 0 };
	struct model *m = j->m;

	for (uint64_t n = 1 + pick(m, 40); n > 0; n--) {
		uint32_t uid = m->v[pick(m, m->n)].uid;

		assert_int_equal(uidset_add(&j->t->a, &set, uid, uid + (uint32_t)pick(m, 3)), 0);
	}
	if (pick(m, 8) == 0)
		assert_int_equal(uidset_add(&j->t->a, &set, 1, UINT32_MAX), 0);
	return set;
}

/* Each message of the set once; changes or removes them, and the model's. */
static int change(struct db_tx *tx, struct job *j)
{
	struct model *m = j->m;
	struct uidset set = pick_set(j);
	AUTO(store_states_end)
	struct store_states_walk w = store_states_walk(tx, j->t->inbox, &set);
	struct store_state_change c = { .keep = UINT64_MAX << pick(m, 2),
					.come = flags_of(m),
					.since = UINT64_MAX,
					.modseq = m->modseq };
	bool is_removal = pick(m, 10) == 0 && m->n + 10 < MESSAGES;
	uint64_t n = 0;
	int rc;

	while ((rc = store_states_next(&w)) > 0) {
		n += (uint64_t)__builtin_popcountll(w.uids);
		if (is_removal)
			store_states_remove(&w.s, w.uids);
		else
			store_states_change(&w.s, w.uids, &c);
		assert_int_equal(is_removal ? store_tx_states_shrink(tx, &w.s)
					    : store_tx_states_put(tx, &w.s),
				 0);
	}
	for (size_t i = 0; i < m->n; i++) {
		struct message *v = &m->v[i];
		uint64_t flags = (v->flags & c.keep) | c.come;

		if (!v->modseq || !uidset_has(&set, v->uid))
			continue;
		n--;
		if (is_removal)
			v->modseq = 0;
		else if (flags != v->flags)
			v->flags = flags, v->modseq = m->modseq;
	}
	assert_int_equal(n, 0);
	return rc;
}

static int step_tx(struct db_tx *tx, void *arg)
{
	struct job *j = arg;

	j->m->modseq++;
	return j->m->n == 0 || pick(j->m, 20) == 0 ? add(tx, j) : change(tx, j);
}

static void check_rows(struct job *j)
{
	struct db_tx *tx;
	struct store_states_walk w;
	size_t at = 0;
	int rc;

	assert_int_equal(db_read_begin(j->t->db, &tx), 0);
	w = store_states_walk(tx, j->t->inbox, NULL);
	while ((rc = store_states_next(&w)) > 0) {
		const struct store_state *of[STORE_STATE_UIDS];

		assert_int_equal(w.uids, store_states_all(&w.s));
		store_states_spread(&w.s, of);
		for (uint64_t rest = w.uids; rest; rest &= rest - 1, at++) {
			unsigned bit = (unsigned)__builtin_ctzll(rest);

			while (at < j->m->n && !j->m->v[at].modseq)
				at++;
			assert_true(at < j->m->n);
			assert_int_equal(w.s.first_uid + bit, j->m->v[at].uid);
			assert_int_equal(of[bit]->flags, j->m->v[at].flags);
			assert_int_equal(of[bit]->modseq, j->m->v[at].modseq);
		}
	}
	assert_int_equal(rc, 0);
	while (at < j->m->n && !j->m->v[at].modseq)
		at++;
	assert_int_equal(at, j->m->n);
	store_states_end(&w);
	db_read_end(&tx);
}

static int wipe_tx(struct db_tx *tx, void *arg)
{
	const struct test_store *t = arg;

	return DB_EXEC(tx, SQL(STATES_PURGE), DB_I(store_states_id(t->inbox, 0)),
		       DB_I(store_states_id(t->inbox, UINT32_MAX)));
}

TEST(states_in_rows_against_a_model)
{
	struct test_store t;
	struct model m = { .seed = 5, .modseq = 1 };
	struct job j = { .t = &t, .m = &m };

	test_open(&t);
	for (int i = 0; i < ROUNDS / 4; i++) {
		assert_int_equal(db_write(t.db, &(struct db_write_job){ .fn = step_tx,
									.arg = &j,
									.durability = DB_LAZY }),
				 0);
		arena_reset(&t.a);
		check_rows(&j);
	}
	assert_int_equal(m.n, MESSAGES);
	assert_int_equal(db_write(t.db, &(struct db_write_job){ .fn = wipe_tx, .arg = &t }), 0);
	test_close(&t);
}

/* A mailbox has neighbours on both sides. */
TEST(states_of_one_mailbox_only)
{
	const struct uidset set = { &(struct uid_range){ 1, UINT32_MAX }, 1, 1 };
	struct test_store t;
	struct db_tx *tx;

	test_open(&t);
	for (int64_t box = t.inbox; box <= t.inbox + 2; box++)
		test_append(&t, box, 0, 3);
	test_flag(&t, t.inbox + 1, 1, UINT32_MAX, STORE_FLAGS_ADD, STORE_SEEN);
	assert_int_equal(db_read_begin(t.db, &tx), 0);
	for (int64_t box = t.inbox; box <= t.inbox + 2; box++) {
		struct store_states_walk w = store_states_walk(tx, box, box % 2 ? &set : NULL);

		assert_int_equal(store_states_next(&w), 1);
		assert_int_equal(w.uids, 14);
		assert_int_equal(w.s.v[0].flags, box == t.inbox + 1 ? STORE_SEEN : 0);
		assert_int_equal(store_states_next(&w), 0);
		store_states_end(&w);
	}
	db_read_end(&tx);
	test_close(&t);
}
