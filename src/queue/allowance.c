/* SPDX-License-Identifier: MIT */
/*
 * How much an account may send in a day ([queue] max_messages_per_day, max_new_recipients_per_day), so that a stolen password is no open
 * relay. Counted in the transaction that accepts the message, so that sessions beside each other cannot exceed it:
 *
 *  1. queue_allowances has one row for each account, with the day (UTC) that its numbers are of.
 *  2. queue_acquaintances has the addresses elsewhere that it has sent to, as hashes, with the day when it did last.
 *     Those of more than ACQUAINTANCE_DAYS ago go at its first message of a day.
 *
 * Nothing is counted for accounts while both settings are 0. Two addresses with one hash are taken for one, which costs nothing.
 */
#include "queue/queue_int.h"

#define ACQUAINTANCE_DAYS 365
#define DAY_S 86400

struct used {
	int64_t messages, recipients; /* today */
};

uint64_t queue_address_hash(struct str address)
{
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < address.n; i++)
		h = (h ^ (unsigned char)str_lower_char(address.p[i])) * 1099511628211u;
	return h;
}

static int64_t hash_of(struct str address)
{
	return (int64_t)(queue_address_hash(address) >> 1);
}

static int read_used(struct db_tx *tx, int64_t account, int64_t day, struct used *ret)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	*ret = (struct used){ 0 };
	DB_QUERY(tx, &q, SQL(ALLOWANCE_GET), DB_I(account));
	rc = db_step(&q);
	if (rc < 0)
		return rc;
	if (rc > 0 && db_int(&q, 0) == day) {
		*ret = (struct used){ db_int(&q, 1), db_int(&q, 2) };
		return 0;
	}
	db_done(&q);
	return DB_EXEC(tx, SQL(ACQUAINTANCES_FORGET), DB_I(account), DB_I(day - ACQUAINTANCE_DAYS));
}

/* 1: it had never sent there; 0; negative. */
static int meet(struct db_tx *tx, int64_t account, int64_t day, struct str address)
{
	const struct db_val args[] = { DB_I(account), DB_I(hash_of(address)), DB_I(day) };
	int64_t n = 0;
	int rc = db_exec(tx, SQL(ACQUAINTANCE_ADD), args, ARRAY_LEN(args), &n);

	if (rc < 0 || n > 0)
		return rc < 0 ? rc : 1;
	return db_exec(tx, SQL(ACQUAINTANCE_SEEN), args, ARRAY_LEN(args), NULL);
}

int queue_allowance_tx(const struct queue_mail *m, struct db_tx *tx)
{
	const struct queue_envelope *e = m->e;
	int64_t day = m->now_s / DAY_S;
	struct used used;
	int rc;

	if (e->submitter == 0 || (m->max_messages == 0 && m->max_recipients == 0))
		return 0;
	rc = read_used(tx, e->submitter, day, &used);
	for (size_t i = 0; i < e->n_rcpts && rc >= 0; i++) {
		if (e->rcpts[i].is_local)
			continue;
		rc = meet(tx, e->submitter, day, e->rcpts[i].address);
		used.recipients += rc > 0;
	}
	if (rc < 0)
		return rc;
	used.messages++;
	if ((m->max_messages > 0 && used.messages > m->max_messages) || (m->max_recipients > 0 && used.recipients > m->max_recipients))
		return -E_ALLOWANCE;
	return DB_EXEC(tx, SQL(ALLOWANCE_PUT), DB_I(e->submitter), DB_I(day), DB_I(used.messages), DB_I(used.recipients));
}
