/* SPDX-License-Identifier: MIT */
/* Stored proofs of identity: opaque texts by kind. */
#include "store/store_int.h"

struct job {
	int64_t account;
	const struct store_credential *creds;
	size_t n;
	const struct store_credential *expected; /* NULL: whatever is there */
};

int store_tx_credentials_add(struct db_tx *tx, int64_t account,
			     const struct store_credential *creds, size_t n)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++)
		rc = DB_EXEC(tx, SQL(CREDENTIAL_ADD), DB_I(account), DB_T(creds[i].kind),
			     DB_T(creds[i].value));
	return rc;
}

static int account_check(struct db_tx *tx, int64_t account)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(tx, &q, SQL(ACCOUNT_BY_ID), DB_I(account));
	rc = db_step(&q);
	return rc > 0 ? 0 : rc < 0 ? rc : -E_NOT_FOUND;
}

static int expected_check(struct db_tx *tx, int64_t account, const struct store_credential *want)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(tx, &q, SQL(CREDENTIAL_GET), DB_I(account), DB_T(want->kind));
	rc = db_step(&q);
	if (rc < 0)
		return rc;
	return rc > 0 && str_eq_secret(db_text(&q, 0), want->value) ? 0 : -E_BUSY;
}

static int set_tx(struct db_tx *tx, void *arg)
{
	const struct job *j = arg;
	int rc = account_check(tx, j->account);

	if (rc == 0 && j->expected)
		rc = expected_check(tx, j->account, j->expected);
	if (rc == 0)
		rc = DB_EXEC(tx, SQL(CREDENTIALS_REMOVE), DB_I(j->account));
	return rc < 0 ? rc : store_tx_credentials_add(tx, j->account, j->creds, j->n);
}

static int set(struct store *s, struct job *j)
{
	return db_write(
		s->db, &(struct db_write_job){ .fn = set_tx, .arg = j, .durability = DB_DURABLE });
}

int store_credentials_set(struct store *s, int64_t account, const struct store_credential *creds,
			  size_t n)
{
	struct job j = { .account = account, .creds = creds, .n = n };

	return set(s, &j);
}

int store_credentials_set_if(struct store *s, int64_t account,
			     const struct store_credential *expected,
			     const struct store_credential *creds, size_t n)
{
	struct job j = { .account = account, .creds = creds, .n = n, .expected = expected };

	return set(s, &j);
}

int store_credential_get(struct store *s, struct arena *a, int64_t account, struct str kind,
			 struct str *ret_value)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	struct str value;
	int rc = db_read_begin(s->db, &tx);

	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(CREDENTIAL_GET), DB_I(account), DB_T(kind));
	rc = db_step(&q);
	if (rc <= 0)
		return rc < 0 ? rc : -E_NOT_FOUND;
	value = arena_str(a, db_text(&q, 0));
	if (!value.p)
		return -E_LIMIT;
	*ret_value = value;
	return 0;
}
