/* SPDX-License-Identifier: MIT */
/*
 * Setting notes (RFC 5257 4.5, 4.7), and what becomes of them with their message: they are copied
 * (4.6), move and go with it. A note is counted in the bytes of the account that pays for it
 * (accounts.annotation_bytes): its user, or for a shared one the mailbox's owner. A whole range of
 * UIDs is set by one statement; what it will take is counted first.
 *
 * A removed note leaves a row without a value (note.h: store_notes_changed()). It is counted too;
 * when an account comes to its bound all such rows of it are forgotten first. So they never grow
 * without bound, and never stand in the way.
 */
#include "store/note.h"

#include "base/limits.h"
#include "base/must.h"
#include "store/news.h"
#include "store/store_int.h"

/* ---- bytes ---- */

/*
 * What the account has too much: rows without values are forgotten, but for those of this change.
 */
static int forget_removed(struct db_tx *tx, int64_t payer, const struct store_box *box)
{
	int rc = DB_EXEC(tx, SQL(NOTE_FORGET_BYTES), DB_I(payer), DB_I(box->id), DB_I(box->modseq));

	return rc < 0 ? rc
		      : DB_EXEC(tx, SQL(NOTE_FORGET), DB_I(payer), DB_I(box->id),
				DB_I(box->modseq));
}

static int has_room(struct db_tx *tx, int64_t account)
{
	int rc = store_tx_annotation_room(tx, account);

	return rc == -E_LIMIT ? -E_NOTES : rc;
}

/* ---- setting ---- */

static int64_t user_of(const struct store_noting *n, const struct store_note *v)
{
	return v->is_shared ? 0 : n->user;
}

static int64_t payer_of(const struct store_noting *n, const struct store_note *v)
{
	return v->is_shared ? n->box->account : n->user;
}

/* How many messages of the range the note changes, and by how many bytes the payer's grow. */
static int count(struct db_tx *tx, const struct store_noting *n, const struct store_note *v,
		 struct uid_range r, int64_t *ret_n, int64_t *ret_bytes)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	if (v->value.p != NULL)
		DB_QUERY(tx, &q, SQL(NOTE_COUNT_SET), DB_I(n->box->id), DB_I(r.lo), DB_I(r.hi),
			 DB_I(user_of(n, v)), DB_T(v->entry), DB_B(v->value));
	else
		DB_QUERY(tx, &q, SQL(NOTE_COUNT_REMOVE), DB_I(n->box->id), DB_I(r.lo), DB_I(r.hi),
			 DB_I(user_of(n, v)), DB_T(v->entry));
	rc = db_step(&q);
	if (rc <= 0)
		return rc < 0 ? rc : -E_BUG;
	*ret_n = db_int(&q, 0);
	*ret_bytes = *ret_n * (int64_t)(STORE_NOTE_BYTES + v->entry.n + v->value.n) - db_int(&q, 1);
	return 0;
}

/* Counts the growth; what there is no room for is not written. */
static int take_room(struct db_tx *tx, struct store_noting *n, const struct store_note *v,
		     struct uid_range r, int64_t *ret_n)
{
	int64_t payer = payer_of(n, v), bytes = 0;
	int rc = 0;

	for (int turn = 0; turn < 2; turn++) {
		rc = count(tx, n, v, r, ret_n, &bytes);
		if (rc == 0 && *ret_n > 0)
			rc = DB_EXEC(tx, SQL(ANNOTATION_BYTES_ADD), DB_I(payer), DB_I(bytes));
		if (rc == 0 && *ret_n > 0 && v->value.p != NULL)
			rc = has_room(tx, payer);
		if (rc != -E_NOTES || turn > 0)
			return rc;
		rc = DB_EXEC(tx, SQL(ANNOTATION_BYTES_ADD), DB_I(payer), DB_I(-bytes));
		if (rc == 0)
			rc = forget_removed(tx, payer, n->box);
		if (rc < 0)
			return rc;
	}
	return rc;
}

static int put_one(struct db_tx *tx, struct store_noting *n, const struct store_note *v,
		   struct uid_range r)
{
	int64_t n_rows = 0;
	int rc = take_room(tx, n, v, r, &n_rows);

	if (rc < 0 || n_rows == 0)
		return rc;
	n->n_changed += n_rows;
	n->scopes |= v->is_shared ? STORE_NOTE_SHARED : STORE_NOTE_PRIVATE;
	if (v->value.p == NULL)
		return DB_EXEC(tx, SQL(NOTE_REMOVE), DB_I(n->box->id), DB_I(r.lo), DB_I(r.hi),
			       DB_I(user_of(n, v)), DB_T(v->entry), DB_I(n->box->modseq));
	return DB_EXEC(tx, SQL(NOTE_SET), DB_I(n->box->id), DB_I(r.lo), DB_I(r.hi),
		       DB_I(user_of(n, v)), DB_T(v->entry), DB_B(v->value), DB_I(payer_of(n, v)),
		       DB_I(n->box->modseq));
}

int store_tx_notes_put(struct db_tx *tx, struct store_noting *n, const struct store_note *v,
		       size_t n_v, struct uid_range r)
{
	int rc = 0;

	must(n->user != 0);
	for (size_t i = 0; i < n_v && rc == 0; i++)
		rc = put_one(tx, n, &v[i], r);
	return rc;
}

/* Does a message of this change have too many? */
static int check_crowd(struct db_tx *tx, const struct store_noting *n, int64_t user)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(tx, &q, SQL(NOTE_CROWD), DB_I(n->box->id), DB_I(user), DB_I(n->box->modseq),
		 DB_I(LIMIT_MESSAGE_ANNOTATIONS));
	rc = db_step(&q);
	return rc > 0 ? -E_NOTES : rc;
}

int store_tx_notes_end(struct db_tx *tx, const struct store_noting *n)
{
	struct db_query q;
	int rc = 0;

	if (n->n_changed == 0)
		return 0;
	if (n->scopes & STORE_NOTE_SHARED)
		rc = check_crowd(tx, n, 0);
	if (rc == 0 && (n->scopes & STORE_NOTE_PRIVATE))
		rc = check_crowd(tx, n, n->user);
	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(NOTE_UIDS), DB_I(n->box->id), DB_I(n->box->modseq));
	return store_tx_states_touch(tx, n->box->id, &q, n->box->modseq);
}

int store_tx_notes_allowed(unsigned rights, const struct store_note *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!(rights & (v[i].is_shared ? STORE_R_ANNOTATE : STORE_R_READ)))
			return -E_DENIED;
		if (v[i].value.n > LIMIT_ANNOTATION_VALUE)
			return -E_NOTE_SIZE;
	}
	return 0;
}

struct job {
	struct store *s;
	struct arena *a;
	int64_t mailbox;
	const struct uidset *uids;
	const struct store_notes_change *change;
	struct uidset modified;
	uint64_t modseq;
};

/* The messages that changed after UNCHANGEDSINCE; they stay as they are. */
static int find_modified(struct job *j, struct db_tx *tx)
{
	AUTO(store_states_end) struct store_states_walk w =
		store_states_walk(tx, j->mailbox, j->uids);
	int rc = 0, added = 0;

	while (added == 0 && (rc = store_states_next(&w)) > 0)
		added = store_states_modified(j->a, &w, j->change->unchangedsince, &j->modified);
	return added < 0 ? added : rc;
}

/* What is between the modified ones; *at: the first of these that may be in the range. */
static int set_range(struct job *j, struct db_tx *tx, struct store_noting *n, struct uid_range r,
		     size_t *at)
{
	const struct store_notes_change *c = j->change;
	const struct uidset *modified = &j->modified;
	int rc = 0;

	while (*at < modified->n && modified->r[*at].hi < r.lo)
		(*at)++;
	for (; rc == 0 && *at < modified->n && modified->r[*at].lo <= r.hi; (*at)++) {
		struct uid_range m = modified->r[*at];

		if (m.lo > r.lo)
			rc = store_tx_notes_put(tx, n, c->v, c->n, (struct uid_range){ r.lo, m.lo - 1 });
		if (m.hi >= r.hi)
			return rc;
		r.lo = m.hi + 1;
	}
	return rc < 0 ? rc : store_tx_notes_put(tx, n, c->v, c->n, r);
}

/* What somebody keeps for himself is news of his own account, whosever the mailbox is. */
static int announce(struct store *s, struct db_tx *tx, const struct store_noting *n,
		    struct store_box *box)
{
	box->news = STORE_NEWS_NOTES;
	box->is_told = !(n->scopes & STORE_NOTE_SHARED);
	if (box->is_told)
		store_announce(s, tx,
			       &(struct store_event){ .account = n->user,
						      .mailbox = box->id,
						      .is_private = true,
						      .kinds = STORE_NEWS_NOTES });
	return store_tx_box_change(s, tx, box);
}

static int set_tx(struct db_tx *tx, void *arg)
{
	struct job *j = arg;
	const struct store_notes_change *c = j->change;
	struct store_box box;
	struct store_noting n = { .box = &box, .user = c->user };
	unsigned rights = 0;
	size_t at = 0;
	int rc = store_tx_box(tx, j->mailbox, &box);

	if (rc == 0)
		rc = store_tx_rights(j->s, tx, j->mailbox, c->user, &rights);
	if (rc == 0 && !(rights & STORE_R_READ))
		rc = -E_DENIED;
	if (rc == 0)
		rc = store_tx_notes_allowed(rights, c->v, c->n);
	if (rc == 0 && c->has_unchangedsince)
		rc = find_modified(j, tx);
	for (size_t i = 0; rc == 0 && i < j->uids->n; i++)
		rc = set_range(j, tx, &n, j->uids->r[i], &at);
	if (rc == 0)
		rc = store_tx_notes_end(tx, &n);
	if (rc < 0)
		return rc;
	j->modseq = n.n_changed > 0 ? box.modseq : box.highestmodseq;
	return n.n_changed > 0 ? announce(j->s, tx, &n, &box) : 0;
}

int store_notes_set(struct store *s, struct arena *a, int64_t mailbox, const struct uidset *uids,
		    const struct store_notes_change *change, struct uidset *ret_modified,
		    uint64_t *ret_modseq)
{
	struct job j = { .s = s, .a = a, .mailbox = mailbox, .uids = uids, .change = change };
	int rc = db_write(
		s->db, &(struct db_write_job){ .fn = set_tx, .arg = &j, .durability = DB_DURABLE });

	if (rc == 0) {
		*ret_modified = j.modified;
		*ret_modseq = j.modseq;
	}
	return rc;
}

/* ---- with the message ---- */

int store_tx_notes_any(struct db_tx *tx, int64_t mailbox, bool *ret)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(tx, &q, SQL(NOTE_ANY), DB_I(mailbox));
	rc = db_step(&q);
	*ret = rc > 0;
	return rc < 0 ? rc : 0;
}

int store_tx_notes_expunge(struct db_tx *tx, int64_t mailbox, uint64_t modseq)
{
	bool has_any;
	int rc = store_tx_notes_any(tx, mailbox, &has_any);

	if (rc < 0 || !has_any)
		return rc;
	rc = DB_EXEC(tx, SQL(NOTE_EXPUNGE_BYTES), DB_I(mailbox), DB_I(modseq));
	return rc < 0 ? rc : DB_EXEC(tx, SQL(NOTE_EXPUNGE), DB_I(mailbox), DB_I(modseq));
}

int store_tx_notes_purge(struct db_tx *tx, int64_t mailbox, int64_t uid)
{
	int rc = DB_EXEC(tx, SQL(NOTE_PURGE_BYTES), DB_I(mailbox), DB_I(uid));

	return rc < 0 ? rc : DB_EXEC(tx, SQL(NOTE_PURGE), DB_I(mailbox), DB_I(uid));
}

int store_tx_notes_copy(struct db_tx *tx, struct store_notes_copying *c, uint32_t from_uid,
			uint32_t uid)
{
	const struct db_val args[] = { DB_I(c->from), DB_I(from_uid),       DB_I(c->to->id),
				       DB_I(uid),     DB_I(c->to->account), DB_I(c->to->modseq),
				       DB_I(c->user), DB_I(c->scopes) };
	int64_t n = 0;
	int rc = c->has_any ? db_exec(tx, SQL(NOTE_COPY), args, ARRAY_LEN(args), &n) : 0;

	c->n += n;
	return rc;
}

int store_tx_notes_copied(struct db_tx *tx, const struct store_notes_copying *c)
{
	const struct store_box *to = c->to;
	int rc;

	if (c->n == 0)
		return 0;
	rc = DB_EXEC(tx, SQL(NOTE_COPIED_BYTES), DB_I(to->id), DB_I(to->modseq));
	if (rc == 0 && c->user != 0)
		rc = store_tx_notes_fit(tx, to->account, to);
	if (rc == 0 && c->user != 0 && c->user != to->account)
		rc = store_tx_notes_fit(tx, c->user, to);
	return rc;
}

int store_tx_notes_fit(struct db_tx *tx, int64_t account, const struct store_box *box)
{
	int rc = has_room(tx, account);

	if (rc == -E_NOTES) {
		rc = forget_removed(tx, account, box);
		if (rc == 0)
			rc = has_room(tx, account);
	}
	return rc;
}
