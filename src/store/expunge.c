/* SPDX-License-Identifier: MIT */
/*
 * EXPUNGE: rows go, their UIDs are remembered with the modseq of the removal (RFC 7162 3.2),
 * contents lose a reference each. One transaction, durable.
 */
#include "store/store_int.h"

struct job {
	struct store *s;
	struct arena *a;
	int64_t user, mailbox;
	const struct uidset *uids;
	uint64_t mask;
	struct store_rows rows;
	struct uidset expunged;
	uint64_t modseq;
};

static int drop_rows(struct job *j, struct db_tx *tx, struct store_box *box)
{
	int rc = store_tx_rows_expunge(tx, box, &j->rows);

	for (size_t i = 0; i < j->rows.n && rc == 0; i++) {
		rc = store_tx_content_ref(tx, j->rows.v[i].content, -1);
		if (rc == 0)
			rc = uidset_add(j->a, &j->expunged, j->rows.v[i].uid, j->rows.v[i].uid);
	}
	return rc < 0 ? rc : store_tx_box_change(j->s, tx, box);
}

static int expunge_tx(struct db_tx *tx, void *arg)
{
	struct job *j = arg;
	struct store_box box;
	unsigned rights, need = STORE_R_READ | STORE_R_EXPUNGE;
	int rc = store_tx_box(tx, j->mailbox, &box);

	if (rc == 0)
		rc = store_tx_rights(j->s, tx, j->mailbox, j->user, &rights);
	if (rc == 0 && (rights & need) != need)
		rc = -E_DENIED;
	if (rc == 0)
		rc = store_tx_rows(tx, j->mailbox, j->uids, j->mask, &j->rows);
	if (rc < 0)
		return rc;
	j->modseq = j->rows.n ? box.modseq : box.highestmodseq;
	return j->rows.n ? drop_rows(j, tx, &box) : 0;
}

int store_expunge(struct store *s, struct arena *a, int64_t mailbox, const struct uidset *uids,
		  bool only_deleted, struct uidset *ret_expunged, uint64_t *ret_modseq)
{
	return store_expunge_by(s, a, 0, mailbox, uids, only_deleted, ret_expunged, ret_modseq);
}

int store_expunge_by(struct store *s, struct arena *a, int64_t user, int64_t mailbox,
		     const struct uidset *uids, bool only_deleted, struct uidset *ret_expunged,
		     uint64_t *ret_modseq)
{
	struct job j = {
		.s = s,
		.a = a,
		.user = user,
		.mailbox = mailbox,
		.uids = uids,
		.mask = only_deleted ? STORE_DELETED : 0,
	};
	int rc = db_write(s->db, &(struct db_write_job){
					 .fn = expunge_tx, .arg = &j, .durability = DB_DURABLE });

	store_rows_fini(&j.rows);
	if (rc < 0)
		return rc;
	*ret_expunged = j.expunged;
	*ret_modseq = j.modseq;
	return 0;
}

static int read_floor(struct db_tx *tx, int64_t mailbox, uint64_t *ret)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(tx, &q, SQL(EXPUNGED_FLOOR), DB_I(mailbox));
	rc = db_step(&q);
	if (rc > 0)
		*ret = (uint64_t)db_int(&q, 0);
	return rc > 0 ? 0 : rc < 0 ? rc : -E_NOT_FOUND;
}

int store_expunged_since(struct store *s, struct arena *a, int64_t mailbox, uint64_t modseq,
			 struct uidset *ret, uint64_t *ret_floor)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	struct uidset found = { 0 };
	int rc = db_read_begin(s->db, &tx);

	if (rc == 0)
		rc = read_floor(tx, mailbox, ret_floor);
	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(EXPUNGED_SINCE), DB_I(mailbox),
		 DB_I(modseq < INT64_MAX ? modseq : INT64_MAX));
	while ((rc = db_step(&q)) > 0) {
		uint32_t uid = (uint32_t)db_int(&q, 0);

		if (uidset_add(a, &found, uid, uid) < 0)
			return -E_LIMIT;
	}
	if (rc == 0)
		*ret = found;
	return rc;
}
