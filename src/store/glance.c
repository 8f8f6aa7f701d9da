/* SPDX-License-Identifier: MIT */
/*
 * Bare views: what SELECT tells of a mailbox, from its counters and a few rows, so that selecting
 * does not wait for the messages. What would take more than LIMIT_GLANCE_ROWS rows is not found
 * out here.
 *
 * The counters also say when a walk over some rows has found all that there is: the first unseen
 * message is found from the end when as many unseen ones have been passed as the mailbox has.
 */
#include "store/store_int.h"

#include "base/limits.h"

/* ---- the bare view ---- */

static int load(struct db_tx *tx, int64_t mailbox, const struct store_view *old,
		struct store_view **ret)
{
	const struct store_keywords *keywords = NULL;
	struct store_view_row row;
	struct store_view *v;
	int rc = store_tx_view_row(tx, mailbox, &row);

	if (rc == 0)
		rc = store_tx_view_keywords(tx, mailbox, old, &keywords);
	if (rc < 0)
		return rc;
	v = MEM_NEW(struct store_view);
	v->refs = 1;
	v->mailbox = mailbox;
	store_view_set_row(v, &row);
	v->n = row.messages;
	v->keywords = keywords;
	v->is_bare = true;
	*ret = v;
	return 0;
}

int store_glance_load(struct store *s, int64_t mailbox, struct store_view **ret)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	int rc = db_read_begin(s->db, &tx);

	return rc < 0 ? rc : load(tx, mailbox, NULL, ret);
}

/* Messages with those UIDs; more than max: max + 1. */
static int count_range(struct db_tx *tx, int64_t mailbox, struct uid_range uids, uint32_t max,
		       uint32_t *ret)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(tx, &q, SQL(GLANCE_COUNT), DB_I(mailbox), DB_I(uids.lo), DB_I(uids.hi),
		 DB_I((int64_t)max + 1));
	rc = db_step(&q);
	if (rc < 0)
		return rc;
	*ret = (uint32_t)db_int(&q, 0);
	return 0;
}

/* ---- growing ---- */

/* 1: some that the view has were expunged since. */
static int has_expunged(struct db_tx *tx, const struct store_view *since)
{
	AUTO(db_done) struct db_query q = { 0 };

	DB_QUERY(tx, &q, SQL(GLANCE_EXPUNGED), DB_I(since->mailbox), DB_I(since->highestmodseq),
		 DB_I(since->uidnext));
	return db_step(&q);
}

/* 1: some that the view has were changed since. */
static int has_changed(struct db_tx *tx, const struct store_view *since)
{
	AUTO(db_done) struct db_query q = { 0 };
	struct store_states s;
	int rc;

	store_tx_states_newer(tx, &q, since);
	while ((rc = db_step(&q)) > 0) {
		uint64_t uids;

		store_states_row(&q, &s);
		uids = store_states_since(&s, since->highestmodseq);
		if (uids && store_states_range(s.first_uid, uids).lo < since->uidnext)
			return 1;
	}
	return rc;
}

/*
 * As many more as there are new UIDs? Not when what is kept about expunged messages does not go
 * back to the bare view.
 */
static int is_sum_right(struct db_tx *tx, const struct store_view *bare,
			const struct store_view *now)
{
	const struct uid_range new = { bare->uidnext, UINT32_MAX };
	uint32_t n = 0;
	int rc;

	if (now->n < bare->n)
		return 0;
	rc = count_range(tx, bare->mailbox, new, now->n - bare->n, &n);
	return rc < 0 ? rc : n == now->n - bare->n;
}

int store_view_grown(struct store *s, const struct store_view *bare, struct store_view **ret)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	struct store_view *now = NULL;
	int rc = db_read_begin(s->db, &tx);

	if (rc == 0)
		rc = has_expunged(tx, bare);
	if (rc == 0)
		rc = has_changed(tx, bare);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	rc = load(tx, bare->mailbox, bare, &now);
	if (rc == 0)
		rc = is_sum_right(tx, bare, now);
	if (rc > 0)
		*ret = now;
	else
		store_view_unref(now);
	return rc;
}

/* ---- the first unseen message ---- */

struct pass {
	bool is_down;
	uint32_t n_unseen; /* to be passed still */
	uint32_t n;        /* messages that were passed */
};

static void pass_row(struct pass *p, const struct store_states *s)
{
	uint64_t all = store_states_all(s), seen = store_states_flagged(s, STORE_SEEN);

	while (all && p->n_unseen > 0 && p->n < LIMIT_GLANCE_ROWS) {
		int bit = p->is_down ? 63 - __builtin_clzll(all) : __builtin_ctzll(all);

		p->n++;
		p->n_unseen -= !(seen >> bit & 1);
		all &= ~((uint64_t)1 << bit);
	}
}

/*
 * From the end or the beginning until n_unseen unseen ones have been passed. *ret: how many
 * messages that took; 0: not within the limit.
 */
static int pass_unseen(struct db_tx *tx, bool is_down, int64_t mailbox, uint32_t n_unseen,
		       uint32_t *ret)
{
	AUTO(db_done) struct db_query q = { 0 };
	struct pass p = { .is_down = is_down, .n_unseen = n_unseen };
	struct store_states s;
	int rc = 1;

	DB_QUERY(tx, &q, is_down ? SQL(STATES_DOWN) : SQL(STATES_RANGE),
		 DB_I(store_states_id(mailbox, 0)), DB_I(store_states_id(mailbox, UINT32_MAX)));
	while (p.n_unseen > 0 && p.n < LIMIT_GLANCE_ROWS && (rc = db_step(&q)) > 0) {
		store_states_row(&q, &s);
		pass_row(&p, &s);
	}
	if (rc < 0)
		return rc;
	*ret = p.n_unseen == 0 ? p.n : 0;
	return 0;
}

/* In the mailbox as v has it; as it may be later, nothing is known. */
static int find_unseen(struct db_tx *tx, const struct store_view *v, uint32_t *ret_seq)
{
	struct store_view_row row;
	uint32_t n = 0;
	int rc = store_tx_view_row(tx, v->mailbox, &row);

	if (rc < 0 || row.highestmodseq != v->highestmodseq)
		return rc;
	if (v->unseen <= LIMIT_GLANCE_ROWS)
		rc = pass_unseen(tx, true, v->mailbox, v->unseen, &n);
	if (rc == 0 && n > 0 && n <= v->n)
		*ret_seq = v->n - n + 1;
	else if (rc == 0)
		rc = pass_unseen(tx, false, v->mailbox, 1, ret_seq);
	return rc;
}

int store_view_first_unseen(struct store *s, const struct store_view *v, uint32_t *ret_seq)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	uint32_t i = 0;
	int rc;

	*ret_seq = 0;
	if (v->unseen == 0)
		return 0;
	if (v->is_bare) {
		rc = db_read_begin(s->db, &tx);
		return rc < 0 ? rc : find_unseen(tx, v, ret_seq);
	}
	while (i < v->n_chunks && v->chunks[i]->unseen == 0)
		i++;
	for (uint32_t k = 0; i < v->n_chunks && *ret_seq == 0; k++)
		if (!(v->chunks[i]->m[k].flags & STORE_SEEN))
			*ret_seq = v->first_seq[i] + k;
	return 0;
}

/* ---- counting ---- */

/* Of a range that goes to the end: by what is before it. */
static int count_before(struct db_tx *tx, const struct store_view *v, uint32_t lo, uint32_t *ret)
{
	const struct uid_range before = { 1, lo - 1 };
	uint32_t n = 0;
	int rc = lo > 1 ? count_range(tx, v->mailbox, before, LIMIT_GLANCE_ROWS, &n) : 0;

	if (rc < 0)
		return rc;
	if (n > LIMIT_GLANCE_ROWS)
		return -E_LIMIT;
	*ret = v->n > n ? v->n - n : 0;
	return 0;
}

static int count_rows(struct db_tx *tx, const struct store_view *v, const struct uidset *uids,
		      uint32_t *ret)
{
	uint32_t sum = 0, n;
	int rc = 0;

	for (size_t i = 0; i < uids->n && rc == 0 && sum <= LIMIT_GLANCE_ROWS; i++) {
		rc = count_range(tx, v->mailbox, uids->r[i], LIMIT_GLANCE_ROWS, &n);
		sum += rc == 0 ? n : 0;
	}
	if (rc < 0)
		return rc;
	if (sum > LIMIT_GLANCE_ROWS)
		return uids->n == 1 && uids->r[0].hi >= v->uidnext - 1
			       ? count_before(tx, v, uids->r[0].lo, ret)
			       : -E_LIMIT;
	*ret = sum;
	return 0;
}

int store_view_count(struct store *s, const struct store_view *v, const struct uidset *uids,
		     uint32_t *ret)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	uint32_t n = 0;
	int rc;

	if (v->is_bare && uids->n > 0) {
		rc = db_read_begin(s->db, &tx);
		return rc < 0 ? rc : count_rows(tx, v, uids, ret);
	}
	for (size_t i = 0; i < uids->n; i++) {
		uint32_t hi = uids->r[i].hi;

		n += (hi == UINT32_MAX ? v->n + 1 : store_view_seq_from(v, hi + 1)) -
		     store_view_seq_from(v, uids->r[i].lo);
	}
	*ret = n;
	return 0;
}
