/* SPDX-License-Identifier: MIT */
/*
 * The quotas of an account: how many bytes, messages and mailboxes it may have (RFC 9208 5.1-5.3).
 * They are checked where something is added: store_box_fits() (box.c) for messages, mailbox.c for
 * mailboxes. What is used is counted by the counters of the account, and by its mailboxes.
 */
#include "store/store_int.h"

struct job {
	int64_t account;
	struct store_quota limit;
};

struct store_quota store_quota_or_default(struct store *s, const struct store_quota *quota)
{
	struct store_quota q = quota ? *quota : (struct store_quota){ -1, -1, -1 };

	if (q.bytes < 0)
		q.bytes = atomic_load(&s->default_quota.bytes);
	if (q.messages < 0)
		q.messages = atomic_load(&s->default_quota.messages);
	if (q.mailboxes < 0)
		q.mailboxes = atomic_load(&s->default_quota.mailboxes);
	return q;
}

int store_tx_quota(struct db_tx *tx, int64_t account, struct store_quota *ret_limit,
		   struct store_quota *ret_used)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(tx, &q, SQL(ACCOUNT_QUOTA_GET), DB_I(account));
	rc = db_step(&q);
	if (rc <= 0)
		return rc < 0 ? rc : -E_NOT_FOUND;
	*ret_limit = (struct store_quota){ db_int(&q, 0), db_int(&q, 1), db_int(&q, 2) };
	*ret_used = (struct store_quota){ db_int(&q, 3), db_int(&q, 4), db_int(&q, 5) };
	return 0;
}

int store_quota_get(struct store *s, int64_t account, struct store_quota *ret_limit,
		    struct store_quota *ret_used)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	int rc = db_read_begin(s->db, &tx);

	return rc < 0 ? rc : store_tx_quota(tx, account, ret_limit, ret_used);
}

static struct db_val or_null(int64_t v)
{
	return v < 0 ? DB_N : DB_I(v);
}

static int set_tx(struct db_tx *tx, void *arg)
{
	const struct job *j = arg;
	const struct db_val args[] = { DB_I(j->account), or_null(j->limit.bytes),
				       or_null(j->limit.messages), or_null(j->limit.mailboxes) };
	int64_t n = 0;
	int rc = db_exec(tx, SQL(ACCOUNT_QUOTA), args, ARRAY_LEN(args), &n);

	if (rc < 0)
		return rc;
	return n > 0 ? 0 : -E_NOT_FOUND;
}

int store_quota_set(struct store *s, int64_t account, const struct store_quota *limit)
{
	struct job j = { .account = account, .limit = *limit };

	return db_write(s->db, &(struct db_write_job){
				       .fn = set_tx, .arg = &j, .durability = DB_DURABLE });
}
