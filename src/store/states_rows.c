/* SPDX-License-Identifier: MIT */
/* Rows of states: read, walked through, written. */
#include "store/states_int.h"

#include "base/must.h"
#include "store/store_int.h"

int64_t store_states_id(int64_t mailbox, uint32_t uid)
{
	return mailbox << STORE_STATE_ROW_BITS | uid >> STORE_STATE_UIDS_LOG;
}

void store_states_row(struct db_query *q, struct store_states *ret)
{
	ret->id = db_int(q, 0);
	ret->first_uid = (uint32_t)ret->id << STORE_STATE_UIDS_LOG;
	store_states_parse(db_text(q, 1), ret);
}

int store_tx_states_get(struct db_tx *tx, int64_t mailbox, uint32_t uid, struct store_states *ret)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	ret->id = store_states_id(mailbox, uid);
	ret->first_uid = uid & ~(uint32_t)(STORE_STATE_UIDS - 1);
	ret->n = 0;
	DB_QUERY(tx, &q, SQL(STATES_GET), DB_I(ret->id));
	rc = db_step(&q);
	if (rc > 0)
		store_states_row(&q, ret);
	return rc;
}

static uint64_t largest(const struct store_state *v, unsigned n)
{
	uint64_t modseq = 0;

	for (unsigned i = 0; i < n; i++)
		modseq = v[i].modseq > modseq ? v[i].modseq : modseq;
	return modseq;
}

void store_tx_states_newer(struct db_tx *tx, struct db_query *q, const struct store_view *view)
{
	DB_QUERY(tx, q, SQL(STATES_NEWER), DB_I(view->mailbox), DB_I(view->highestmodseq),
		 DB_I(store_states_id(view->mailbox, view->uidnext - 1)),
		 DB_I(store_states_id(view->mailbox, UINT32_MAX)));
}

int store_tx_states_put(struct db_tx *tx, const struct store_states *s)
{
	char bytes[STORE_STATE_UIDS * STORE_STATE_BYTES];

	if (s->n == 0)
		return DB_EXEC(tx, SQL(STATES_REMOVE), DB_I(s->id));
	return DB_EXEC(tx, SQL(STATES_CHANGE), DB_I(s->id), DB_I(largest(s->v, s->n)),
		       DB_B(store_states_print(s->v, s->n, bytes)));
}

int store_tx_states_shrink(struct db_tx *tx, const struct store_states *s)
{
	char bytes[STORE_STATE_UIDS * STORE_STATE_BYTES];

	return s->n == 0 ? DB_EXEC(tx, SQL(STATES_REMOVE), DB_I(s->id))
			 : DB_EXEC(tx, SQL(STATES_SHRINK), DB_I(s->id),
				   DB_B(store_states_print(s->v, s->n, bytes)));
}

/* Behind those that the row has. */
static int append(struct db_tx *tx, int64_t id, const struct store_state *v, unsigned n)
{
	char bytes[STORE_STATE_UIDS * STORE_STATE_BYTES];

	return DB_EXEC(tx, SQL(STATES_ADD), DB_I(id), DB_I(largest(v, n)),
		       DB_B(store_states_print(v, n, bytes)));
}

int store_tx_states_renew(struct db_tx *tx, const struct store_states *s)
{
	int rc = DB_EXEC(tx, SQL(STATES_REMOVE), DB_I(s->id));

	return rc < 0 || s->n == 0 ? rc : append(tx, s->id, s->v, s->n);
}

/* ---- walking ---- */

static const struct uid_range everything = { 1, UINT32_MAX };

static const struct uid_range *ranges_of(const struct store_states_walk *w, size_t *ret_n)
{
	*ret_n = w->set ? w->set->n : 1;
	return w->set ? w->set->r : &everything;
}

/* Ranges whose rows are next to each other are one query. */
static bool open_next(struct store_states_walk *w)
{
	size_t n;
	const struct uid_range *r = ranges_of(w, &n);
	uint32_t lo, hi;

	if (w->next == n)
		return false;
	lo = r[w->next].lo;
	do {
		hi = r[w->next++].hi;
	} while (w->next < n &&
		 r[w->next].lo >> STORE_STATE_UIDS_LOG <= (hi >> STORE_STATE_UIDS_LOG) + 1);
	DB_QUERY(w->tx, &w->q, SQL(STATES_RANGE), DB_I(store_states_id(w->mailbox, lo)),
		 DB_I(store_states_id(w->mailbox, hi)));
	w->is_open = true;
	return true;
}

/* Bits lo..hi. */
static uint64_t bits(uint32_t lo, uint32_t hi)
{
	return UINT64_MAX >> (STORE_STATE_UIDS - 1 - (hi - lo)) << lo;
}

/* Those of the set in the 64 from first on; rows come by UID. */
static uint64_t uids_of_row(struct store_states_walk *w, uint32_t first)
{
	uint32_t last = first + STORE_STATE_UIDS - 1;
	uint64_t uids = 0;
	size_t n;
	const struct uid_range *r = ranges_of(w, &n);

	while (w->at < n && r[w->at].hi < first)
		w->at++;
	for (size_t i = w->at; i < n && r[i].lo <= last; i++)
		uids |= bits(r[i].lo > first ? r[i].lo - first : 0,
			     (r[i].hi < last ? r[i].hi : last) - first);
	return uids;
}

struct store_states_walk store_states_walk(struct db_tx *tx, int64_t mailbox,
					   const struct uidset *uids)
{
	return (struct store_states_walk){ .tx = tx, .mailbox = mailbox, .set = uids };
}

int store_states_next(struct store_states_walk *w)
{
	int rc;

	w->uids = 0;
	while (w->is_open || open_next(w)) {
		rc = db_step(&w->q);
		if (rc < 0)
			return rc;
		if (rc == 0) {
			db_done(&w->q);
			w->is_open = false;
			continue;
		}
		store_states_row(&w->q, &w->s);
		w->uids = uids_of_row(w, w->s.first_uid) & store_states_all(&w->s);
		if (w->uids)
			return 1;
	}
	return 0;
}

void store_states_end(struct store_states_walk *w)
{
	db_done(&w->q);
}

int store_states_modified(struct arena *a, const struct store_states_walk *w, uint64_t since,
			  struct uidset *ret)
{
	uint64_t rest = store_states_since(&w->s, since) & w->uids;
	int rc = 0;

	for (; rest && rc == 0; rest &= rest - 1) {
		uint32_t uid = w->s.first_uid + (uint32_t)__builtin_ctzll(rest);

		rc = uidset_add(a, ret, uid, uid);
	}
	return rc;
}

/* ---- adding ---- */

int store_tx_states_added(struct db_tx *tx, struct store_states_adding *a)
{
	unsigned n = a->n;

	a->n = 0;
	return n == 0 ? 0 : append(tx, a->id, a->v, n);
}

int store_tx_states_add(struct db_tx *tx, struct store_states_adding *a, int64_t mailbox,
			uint32_t last, const struct store_msg *m)
{
	int64_t id = store_states_id(mailbox, m->uid), last_id = store_states_id(mailbox, last);
	unsigned i = 0;
	int rc = 0;

	while (i < a->n && a->v[i].flags != m->flags)
		i++;
	if (a->n > 0 && (a->id != id || i == STORE_STATES_ADDING)) {
		rc = store_tx_states_added(tx, a);
		i = 0;
	}
	if (rc == 0 && last_id != id)
		rc = DB_EXEC(tx, SQL(STATES_RAISE), DB_I(last_id), DB_I(m->modseq));
	if (i == a->n)
		a->v[a->n++] = (struct store_state){ .flags = m->flags, .modseq = m->modseq };
	a->id = id;
	a->v[i].uids |= (uint64_t)1 << (m->uid % STORE_STATE_UIDS);
	return rc;
}

/* ---- touching ---- */

static int touch_row(struct db_tx *tx, int64_t mailbox, uint32_t uid, uint64_t uids,
		     uint64_t modseq)
{
	struct store_states s;
	int rc = store_tx_states_get(tx, mailbox, uid, &s);

	uids &= store_states_all(&s);
	if (rc <= 0 || !uids)
		return rc < 0 ? rc : 0;
	store_states_touch(&s, uids, modseq);
	return store_tx_states_put(tx, &s);
}

int store_tx_states_touch(struct db_tx *tx, int64_t mailbox, struct db_query *q, uint64_t modseq)
{
	uint32_t last = 0; /* a UID of the row that is gathered */
	uint64_t uids = 0;
	int rc, more;

	do {
		uint32_t uid;

		more = db_step(q);
		uid = more > 0 ? (uint32_t)db_int(q, 0) : 0;
		rc = more < 0 ? more : 0;
		if (rc == 0 && uids &&
		    (more == 0 ||
		     store_states_id(mailbox, uid) != store_states_id(mailbox, last))) {
			rc = touch_row(tx, mailbox, last, uids, modseq);
			uids = 0;
		}
		uids |= more > 0 ? (uint64_t)1 << (uid % STORE_STATE_UIDS) : 0;
		last = uid;
	} while (rc == 0 && more > 0);
	db_done(q);
	return rc;
}
