/* SPDX-License-Identifier: MIT */
/* Mailbox access keys for URLAUTH (RFC 4467): rows of the table url_keys. */
#include "store/urlkey.h"

#include "base/rnd.h"
#include "store/store_int.h"

struct job {
	struct store *s;
	int64_t user, mailbox;
	bool is_reset;
	uint8_t key[STORE_URL_KEY_BYTES];
};

/* 1, 0 or negative. */
static int read_key(struct db_tx *tx, struct job *j)
{
	AUTO(db_done) struct db_query q = { 0 };
	struct str key;
	int rc;

	DB_QUERY(tx, &q, SQL(URL_KEY_GET), DB_I(j->user), DB_I(j->mailbox));
	rc = db_step(&q);
	if (rc <= 0)
		return rc;
	key = db_text(&q, 0);
	if (key.n != sizeof(j->key))
		return 0;
	memcpy(j->key, key.p, sizeof(j->key));
	return 1;
}

static int make_tx(struct db_tx *tx, void *arg)
{
	struct job *j = arg;
	unsigned rights;
	int rc = store_tx_rights(j->s, tx, j->mailbox, j->user, &rights);

	if (rc == 0 && !(rights & STORE_R_READ))
		rc = -E_NOT_FOUND;
	if (rc == 0 && !j->is_reset)
		rc = read_key(tx, j);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	rnd_bytes(j->key, sizeof(j->key));
	return DB_EXEC(tx, SQL(URL_KEY_PUT), DB_I(j->user), DB_I(j->mailbox),
		       DB_B(str_of(j->key, sizeof(j->key))));
}

static int remove_tx(struct db_tx *tx, void *arg)
{
	const struct job *j = arg;

	return DB_EXEC(tx, SQL(URL_KEYS_REMOVE_ACCOUNT), DB_I(j->user));
}

static int write(struct job *j, db_write_fn *fn)
{
	return db_write(j->s->db,
			&(struct db_write_job){ .fn = fn, .arg = j, .durability = DB_DURABLE });
}

static int read_now(struct job *j)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	int rc = db_read_begin(j->s->db, &tx);

	return rc < 0 ? rc : read_key(tx, j);
}

int store_url_key(struct store *s, int64_t user, int64_t mailbox, bool may_make,
		  uint8_t ret[STORE_URL_KEY_BYTES])
{
	struct job j = { .s = s, .user = user, .mailbox = mailbox };
	int rc = read_now(&j);

	if (rc == 0)
		rc = may_make ? write(&j, make_tx) : -E_NOT_FOUND;
	if (rc < 0)
		return rc;
	memcpy(ret, j.key, sizeof(j.key));
	mem_wipe(j.key, sizeof(j.key));
	return 0;
}

int store_url_key_reset(struct store *s, int64_t user, int64_t mailbox)
{
	struct job j = { .s = s, .user = user, .mailbox = mailbox, .is_reset = true };

	return write(&j, mailbox != 0 ? make_tx : remove_tx);
}
