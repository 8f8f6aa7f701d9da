/* SPDX-License-Identifier: MIT */
/*
 * \Recent of RFC 3501 2.3.2, the one flag that belongs to sessions: messages from recent_uid on
 * have been shown to nobody. The claim is a row update in the writer, so that of two sessions
 * exactly one gets it; it need not be durable at once. Nothing is written when there is nothing
 * to claim. What a session adds to the mailbox that it shows is claimed with it (append.c).
 */
#include "store/store_int.h"

struct job {
	int64_t mailbox;
	uint32_t first, claim_below;
};

static int read_recent(struct db_tx *tx, struct job *j)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(tx, &q, SQL(RECENT_GET), DB_I(j->mailbox));
	rc = db_step(&q);
	if (rc <= 0)
		return rc < 0 ? rc : -E_NOT_FOUND;
	j->first = (uint32_t)db_int(&q, 0);
	return 0;
}

/*
 * Not up to the mailbox's own uidnext: the claiming session may show an older view, and what came
 * since must stay for the next claim.
 */
static int take_tx(struct db_tx *tx, void *arg)
{
	struct job *j = arg;
	int rc = read_recent(tx, j);

	if (rc < 0 || j->first >= j->claim_below)
		return rc;
	return DB_EXEC(tx, SQL(RECENT_TAKE), DB_I(j->mailbox), DB_I(j->claim_below));
}

static int look(struct store *s, struct job *j)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	int rc = db_read_begin(s->db, &tx);

	return rc < 0 ? rc : read_recent(tx, j);
}

int store_mailbox_recent(struct store *s, int64_t mailbox, uint32_t claim_below,
			 uint32_t *ret_first_uid)
{
	struct job j = { .mailbox = mailbox, .claim_below = claim_below };
	int rc = look(s, &j);

	if (rc == 0 && j.first < claim_below)
		rc = db_write(s->db, &(struct db_write_job){
					     .fn = take_tx, .arg = &j, .durability = DB_LAZY });
	if (rc == 0)
		*ret_first_uid = j.first;
	return rc;
}

int store_mailbox_recent_count(struct store *s, int64_t mailbox, uint64_t *ret)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	int rc = db_read_begin(s->db, &tx);

	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(RECENT_COUNT), DB_I(mailbox));
	rc = db_step(&q);
	if (rc > 0)
		*ret = (uint64_t)db_int(&q, 0);
	return rc > 0 ? 0 : rc < 0 ? rc : -E_NOT_FOUND;
}
