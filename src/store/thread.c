/* SPDX-License-Identifier: MIT */
/*
 * Threads (RFC 8474 5.2 THREADID), settled at delivery and never changed: a message belongs to
 * the thread of the first message id of its own header (its own, then its references, nearest
 * first) that the account has met before, else it begins a thread that is named by its content
 * id. All its ids are then known, so that answers find each other even when the message that they
 * answer comes later or never.
 */
#include "store/store_int.h"

/* FNV-1a, 64 bits, finished so that close ids lie far apart. Stored: never change it. */
uint64_t store_thread_key(struct str message_id)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < message_id.n; i++)
		h = (h ^ (unsigned char)message_id.p[i]) * 0x100000001b3u;
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdu;
	return h ^ h >> 33;
}

static int find(struct db_tx *tx, int64_t account, int64_t key, int64_t *ret)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(tx, &q, SQL(THREAD_GET), DB_I(account), DB_I(key));
	rc = db_step(&q);
	if (rc > 0)
		*ret = db_int(&q, 0);
	return rc;
}

int store_tx_thread(struct db_tx *tx, int64_t account, const struct store_content_new *c,
		    int64_t content, int64_t *ret_thread)
{
	int64_t thread = content;
	size_t known = c->n_thread_keys; /* the first key that is known */
	int rc = 0;

	for (size_t i = 0; i < c->n_thread_keys && known == c->n_thread_keys; i++) {
		rc = find(tx, account, c->thread_keys[i], &thread);
		if (rc < 0)
			return rc;
		if (rc > 0)
			known = i;
	}
	rc = 0;
	for (size_t i = 0; i < c->n_thread_keys && rc == 0; i++)
		if (i != known)
			rc = DB_EXEC(tx, SQL(THREAD_ADD), DB_I(account), DB_I(c->thread_keys[i]),
				     DB_I(thread));
	if (rc == 0)
		*ret_thread = thread;
	return rc;
}
