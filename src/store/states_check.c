/* SPDX-License-Identifier: MIT */
/* Rows of states against rows of messages: both come by UID and are merged, 64 UIDs at a time. */
#include "base/mem.h"
#include "store/states_int.h"
#include "store/store_int.h"

/* The next 64 UIDs that have anything. */
struct pairing {
	struct db_query messages, states;
	bool has_message, has_states;
	uint32_t uid;              /* of the message, if there is one */
	struct store_states ahead; /* the row, if there is one */
	int64_t ahead_modseq;
	/* */
	uint64_t uids;         /* messages */
	struct store_states s; /* their states; none: the row is not there */
	bool is_low;           /* the row's modseq */
};

static int next_message(struct pairing *p)
{
	int rc = db_step(&p->messages);

	p->has_message = rc > 0;
	p->uid = rc > 0 ? (uint32_t)db_int(&p->messages, 0) : 0;
	return rc < 0 ? rc : 0;
}

static int next_states(struct pairing *p)
{
	int rc = db_step(&p->states);

	p->has_states = rc > 0;
	if (rc > 0) {
		store_states_row(&p->states, &p->ahead);
		p->ahead_modseq = db_int(&p->states, 2);
	}
	return rc < 0 ? rc : 0;
}

static int pairing_start(struct pairing *p, struct db_tx *tx, int64_t mailbox)
{
	int rc;

	DB_QUERY(tx, &p->messages, SQL(STATES_MESSAGES), DB_I(mailbox));
	DB_QUERY(tx, &p->states, SQL(STATES_RANGE), DB_I(store_states_id(mailbox, 0)),
		 DB_I(store_states_id(mailbox, UINT32_MAX)));
	rc = next_message(p);
	return rc < 0 ? rc : next_states(p);
}

static void pairing_end(struct pairing *p)
{
	db_done(&p->messages);
	db_done(&p->states);
}

/* Takes the row that is ahead, if it is that one. */
static int take_states(struct pairing *p, uint32_t first)
{
	int64_t modseq;
	int rc;

	p->s.n = 0;
	p->s.first_uid = first;
	p->s.is_damaged = p->is_low = false;
	if (!p->has_states || p->ahead.first_uid != first)
		return 0;
	p->s = p->ahead;
	modseq = p->ahead_modseq;
	rc = next_states(p);
	p->is_low = p->has_states && store_states_since(&p->s, modseq > 0 ? (uint64_t)modseq : 0);
	return rc;
}

/* 1, 0 at the end. */
static int pairing_next(struct pairing *p)
{
	uint32_t first = p->uid & ~(uint32_t)(STORE_STATE_UIDS - 1);
	int rc;

	if (!p->has_message && !p->has_states)
		return 0;
	if (!p->has_message || (p->has_states && p->ahead.first_uid < first))
		first = p->ahead.first_uid;
	rc = take_states(p, first);
	p->uids = 0;
	while (rc == 0 && p->has_message && p->uid - first < STORE_STATE_UIDS) {
		p->uids |= (uint64_t)1 << (p->uid - first);
		rc = next_message(p);
	}
	return rc < 0 ? rc : 1;
}

static bool is_wrong(const struct pairing *p)
{
	return p->s.is_damaged || p->is_low || p->uids != store_states_all(&p->s);
}

int store_tx_states_sum(struct db_tx *tx, int64_t mailbox, struct store_states_sum *ret)
{
	AUTO(pairing_end) struct pairing p = { .has_message = false };
	struct store_states_sum sum = { 0 };
	int rc = pairing_start(&p, tx, mailbox);

	if (rc < 0)
		return rc;
	while ((rc = pairing_next(&p)) > 0) {
		int differ = __builtin_popcountll(p.uids ^ store_states_all(&p.s));

		sum.wrong += differ > 0 ? differ : is_wrong(&p);
		for (unsigned i = 0; i < p.s.n; i++) {
			const struct store_state *v = &p.s.v[i];
			int64_t n = __builtin_popcountll(v->uids), modseq = (int64_t)v->modseq;

			sum.unseen += v->flags & STORE_SEEN ? 0 : n;
			sum.deleted += v->flags & STORE_DELETED ? n : 0;
			sum.flags |= v->flags;
			sum.modseq = modseq > sum.modseq ? modseq : sum.modseq;
		}
	}
	if (rc == 0)
		*ret = sum;
	return rc;
}

/* ---- mending ---- */

struct wrong {
	uint32_t first_uid;
	uint64_t uids; /* messages */
};

static int find_wrong(struct db_tx *tx, int64_t mailbox, struct wrong **ret, size_t *ret_n)
{
	AUTO(pairing_end) struct pairing p = { .has_message = false };
	size_t cap = 0;
	int rc = pairing_start(&p, tx, mailbox);

	while (rc == 0 && (rc = pairing_next(&p)) > 0) {
		rc = 0;
		if (!is_wrong(&p))
			continue;
		if (*ret_n == cap) {
			cap = cap ? 2 * cap : 64;
			*ret = mem_resize(*ret, cap, sizeof(**ret));
		}
		(*ret)[(*ret_n)++] = (struct wrong){ p.s.first_uid, p.uids };
	}
	return rc;
}

static int mend_row(struct db_tx *tx, int64_t mailbox, const struct wrong *w, uint64_t modseq)
{
	struct store_states s;
	int rc = store_tx_states_get(tx, mailbox, w->first_uid, &s);

	if (rc < 0)
		return rc;
	store_states_remove(&s, ~w->uids);
	store_states_touch(&s, s.is_damaged ? w->uids : w->uids & ~store_states_all(&s), modseq);
	return store_tx_states_renew(tx, &s);
}

int store_tx_states_mend(struct db_tx *tx, int64_t mailbox, uint64_t modseq)
{
	AUTO(mem_auto_free) struct wrong *wrong = NULL;
	size_t n = 0;
	int rc = find_wrong(tx, mailbox, &wrong, &n);

	for (size_t i = 0; i < n && rc == 0; i++)
		rc = mend_row(tx, mailbox, &wrong[i], modseq);
	return rc;
}
