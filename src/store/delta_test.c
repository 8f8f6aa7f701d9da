/* SPDX-License-Identifier: MIT */
/* What commits tell the views (delta.c), and what has to be read. Random operations: view_test.c. */
#include "store/store_test.h"

/* Behind the back of the views: who reads what is newer than his view sees it. */
static int behind_tx(struct db_tx *tx, void *arg)
{
	static uint64_t before;
	const struct test_store *t = arg;
	const struct store_state *of[STORE_STATE_UIDS];
	struct store_state_change c = { .come = STORE_DRAFT, .since = UINT64_MAX, .modseq = 1000 };
	struct store_states s;
	int rc = store_tx_states_get(tx, t->inbox, 1, &s);

	store_states_spread(&s, of);
	if (of[1]->modseq == c.modseq) /* and back */
		c = (struct store_state_change){ .since = UINT64_MAX, .modseq = before };
	before = of[1]->modseq;
	store_states_change(&s, 1 << 1, &c);
	return rc < 0 ? rc : store_tx_states_put(tx, &s);
}

static void change_behind(struct test_store *t)
{
	assert_int_equal(db_write(t->db, &(struct db_write_job){ .fn = behind_tx, .arg = t }), 0);
}

/* Is the newest view made of what was told (the change behind its back is not in it)? */
static bool was_told(struct store_mbox *m, uint32_t n)
{
	struct store_view *v = test_view(m);
	bool is_unread = store_view_at(v, 1)->flags == 0;

	assert_int_equal(v->n, n);
	store_view_unref(v);
	return is_unread;
}

static void flag_keyword(struct test_store *t, uint32_t uid)
{
	const struct uidset one = test_uids(t, uid, uid);
	const struct str name = S("word");
	const struct store_flag_change change = { .op = STORE_FLAGS_ADD,
						  .keywords = &name,
						  .n_keywords = 1 };
	uint64_t modseq;

	assert_int_equal(store_flags(t->s, &t->a, t->inbox, &one, &change, NULL, &modseq), 0);
}

TEST(views_learn_from_commits)
{
	struct store_view *v, *anew;
	struct test_store t;
	struct store_mbox *m;
	struct uidset one, gone;
	uint64_t modseq;

	test_open(&t);
	test_append(&t, t.inbox, 0, 10);
	assert_int_equal(store_mbox_open(t.s, t.inbox, &m), 0);
	store_view_unref(test_view(m));
	change_behind(&t);
	test_flag(&t, t.inbox, 2, 3, STORE_FLAGS_ADD, STORE_SEEN);
	assert_true(was_told(m, 10));
	test_append(&t, t.inbox, 0, STORE_DELTA_ADDED_MAX);
	assert_true(was_told(m, 14));
	one = test_uids(&t, 4, 5);
	assert_int_equal(store_expunge(t.s, &t.a, t.inbox, &one, false, &gone, &modseq), 0);
	test_flag(&t, t.inbox, 2, 2, STORE_FLAGS_REMOVE, STORE_SEEN);
	test_append(&t, t.inbox, 0, 1);
	assert_true(was_told(m, 13)); /* three at once */
	change_behind(&t);
	v = test_view(m);
	anew = test_view_anew(&t, t.inbox);
	test_same_view(v, anew);
	store_view_unref(v);
	store_view_unref(anew);
	store_mbox_close(&m);
	test_close(&t);
}

TEST(views_read_what_commits_do_not_tell)
{
	static const char *const cases[] = {
		"keyword", "many added",   "many ranges",          "many commits",
		"within",  "nobody there", "nobody there any more"
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct test_store t;
		struct store_mbox *m;
		struct store_copied copied;
		struct store_view *v;
		struct uidset set;

		test_row(cases[i]);
		test_open(&t);
		test_append(&t, t.inbox, 0, 100);
		assert_int_equal(store_mbox_open(t.s, t.inbox, &m), 0);
		store_view_unref(test_view(m));
		change_behind(&t);
		set = test_uids(&t, 2, 2);
		for (uint32_t uid = 4; uid <= 2 * (STORE_DELTA_RANGES + 1); uid += 2)
			assert_int_equal(uidset_add(&t.a, &set, uid, uid), 0);
		if (i == 0)
			flag_keyword(&t, 2);
		if (i == 1)
			test_append(&t, t.inbox, 0, STORE_DELTA_ADDED_MAX + 1);
		if (i == 2)
			assert_int_equal(
				store_flags(t.s, &t.a, t.inbox, &set,
					    &(struct store_flag_change){ .op = STORE_FLAGS_ADD,
									 .flags = STORE_FLAGGED },
					    NULL, &(uint64_t){ 0 }),
				0);
		for (uint32_t uid = 2; i == 3 && uid < 20; uid++)
			test_flag(&t, t.inbox, uid, uid, STORE_FLAGS_ADD, STORE_SEEN);
		if (i == 4)
			assert_int_equal(
				store_copy(t.s, &t.a, t.inbox, &set, t.inbox, true, &copied), 0);
		if (i == 5)
			store_mbox_close(&m);
		if (i >= 5)
			test_flag(&t, t.inbox, 2, 3, STORE_FLAGS_ADD, STORE_SEEN);
		if (i == 6)
			store_mbox_close(&m);
		if (i >= 5)
			assert_int_equal(store_mbox_open(t.s, t.inbox, &m), 0);
		v = test_view(m);
		assert_int_equal(store_view_at(v, 1)->flags, STORE_DRAFT);
		assert_int_equal(v->n, i == 1 ? 105 : 100);
		if (i == 0)
			assert_int_equal(store_keywords_find(v->keywords, S("word")), 0);
		store_view_unref(v);
		change_behind(&t);
		store_mbox_close(&m);
		test_close(&t);
	}
}
