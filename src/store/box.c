/* SPDX-License-Identifier: MIT */
/*
 * A mailbox inside a write transaction, with the account's counters: read once, changed once,
 * however many messages come and go between. All counters are kept here and nowhere else.
 */
#include "store/news.h"
#include "store/store_int.h"

static int read_box(struct db_query *q, struct store_box *ret)
{
	int rc = db_step(q);

	if (rc <= 0)
		return rc < 0 ? rc : -E_NOT_FOUND;
	*ret = (struct store_box){
		.id = db_int(q, 0),
		.account = db_int(q, 1),
		.uidvalidity = (uint32_t)db_int(q, 2),
		.uidnext = (uint32_t)db_int(q, 3),
		.highestmodseq = (uint64_t)db_int(q, 4),
		.messages = db_int(q, 5),
		.bytes = db_int(q, 6),
		.modseq = (uint64_t)db_int(q, 7) + 1,
		.quota = db_int(q, 8),
		.used = db_int(q, 9),
		.quota_messages = db_int(q, 10),
		.used_messages = db_int(q, 11),
		.reserved_uid = (uint32_t)db_int(q, 12),
		.recent_uid = (uint32_t)db_int(q, 13),
	};
	return 0;
}

int store_tx_box(struct db_tx *tx, int64_t mailbox, struct store_box *ret)
{
	AUTO(db_done) struct db_query q = { 0 };

	DB_QUERY(tx, &q, SQL(BOX_BY_ID), DB_I(mailbox));
	return read_box(&q, ret);
}

int store_tx_box_named(struct db_tx *tx, int64_t account, struct str name, struct store_box *ret)
{
	AUTO(db_done) struct db_query q = { 0 };

	DB_QUERY(tx, &q, SQL(BOX_BY_NAME), DB_I(account), DB_T(name));
	return read_box(&q, ret);
}

int store_box_fits(const struct store_box *b, int64_t messages, int64_t bytes)
{
	messages += b->d.messages;
	bytes += b->d.bytes;
	if (b->quota > 0 && bytes > 0 && bytes > b->quota - b->used)
		return -E_QUOTA;
	if (b->quota_messages > 0 && messages > 0 &&
	    messages > b->quota_messages - b->used_messages)
		return -E_QUOTA;
	return 0;
}

/* What has happened to the box, for views; NULL: it cannot be told. */
static const struct store_delta *end_delta(struct store_box *b)
{
	struct store_delta *d = &b->delta;

	d->from = b->highestmodseq;
	d->to = b->modseq;
	d->uidnext = b->uidnext;
	d->messages = b->messages + b->d.messages;
	d->unseen = b->d.unseen;
	d->deleted = b->d.deleted;
	return d->kind == STORE_DELTA_NONE || d->kind == STORE_DELTA_UNTOLD ? NULL : d;
}

int store_tx_box_change(struct store *s, struct db_tx *tx, struct store_box *b)
{
	const struct store_box_delta *d = &b->d;
	int rc = store_tx_states_added(tx, &b->adding);

	if (rc == 0 && b->has_lost_sets)
		rc = store_tx_sets_trim(tx, b);
	if (rc == 0)
		rc = DB_EXEC(tx, SQL(BOX_CHANGE), DB_I(b->id), DB_I(b->uidnext), DB_I(b->modseq),
			     DB_I(d->messages), DB_I(d->unseen), DB_I(d->deleted), DB_I(d->bytes),
			     DB_I(b->recent_uid));
	if (rc == 0)
		rc = DB_EXEC(tx, SQL(ACCOUNT_CHANGE), DB_I(b->account), DB_I(b->modseq),
			     DB_I(d->bytes), DB_I(d->messages));
	if (rc == 0)
		store_announce(s, tx, &(struct store_event){
					      .account = b->account,
					      .mailbox = b->id,
					      .modseq = (int64_t)b->modseq,
					      .delta = end_delta(b),
					      .kinds = b->is_told ? 0 : b->news ? b->news : STORE_NEWS_FLAGS });
	return rc;
}

int store_tx_box_add(struct db_tx *tx, struct store_box *b, const struct store_adding *m,
		     uint32_t *ret_uid)
{
	uint32_t uid = b->uidnext > b->reserved_uid ? b->uidnext : b->reserved_uid;
	int64_t now_s = store_now_s();
	struct store_msg msg;
	int rc;

	if (m->uid >= b->uidnext)
		uid = m->uid;
	if (uid >= UINT32_MAX - 1)
		return -E_LIMIT;
	msg = (struct store_msg){
		.uid = uid,
		.size = (uint32_t)m->size,
		.flags = m->flags,
		.modseq = b->modseq,
		.content = m->content,
		.thread = m->thread,
		.internaldate_s = m->internaldate_s,
		.savedate_s = (uint32_t)now_s,
	};
	rc = DB_EXEC(tx, SQL(MESSAGE_ADD), DB_I(b->id), DB_I(uid), DB_I(m->content),
		     DB_I(m->internaldate_s), DB_I(now_s), DB_I(m->size), DB_I(m->thread));
	if (rc == 0)
		rc = store_tx_states_add(tx, &b->adding, b->id, b->uidnext - 1, &msg);
	if (rc < 0)
		return rc;
	store_delta_added(&b->delta, &msg);
	b->uidnext = uid + 1;
	b->news |= STORE_NEWS_ADDED;
	b->d.messages++;
	b->d.unseen += !(m->flags & STORE_SEEN);
	b->d.deleted += !!(m->flags & STORE_DELETED);
	b->d.bytes += m->size;
	*ret_uid = uid;
	return 0;
}
