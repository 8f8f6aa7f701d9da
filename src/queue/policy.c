/* SPDX-License-Identifier: MIT */
/* The MTA-STS policies of other domains that are remembered (RFC 8461 3.3): settle.c keeps them, forget.c bounds them. */
#include "queue/queue_int.h"

int queue_policy_get(struct queue *q, struct arena *a, struct str domain, struct queue_sts *ret)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query row = { 0 };
	struct queue_sts got = { 0 };
	int rc = db_read_begin(store_db(q->store), &tx);

	if (rc < 0)
		return rc;
	DB_QUERY(tx, &row, SQL(STS_GET), DB_T(domain));
	rc = db_step(&row);
	if (rc > 0)
		got = (struct queue_sts){ arena_str(a, db_text(&row, 0)), arena_str(a, db_text(&row, 1)), db_int(&row, 2) };
	if (rc > 0 && (!got.id.p || !got.text.p))
		rc = -E_LIMIT;
	if (rc < 0)
		return rc;
	*ret = got;
	return 0;
}
