/* SPDX-License-Identifier: MIT */
/*
 * Accounts: adding with the usual mailboxes, removing, finding; and the one POP3 session that each
 * may have.
 *
 * Removing: one transaction takes the account, its names and its mailboxes away; what was in them
 * goes in small steps (purge.c), so that deliveries to others need not wait.
 */
#include "store/index.h"
#include "store/store_int.h"

#include "base/limits.h"
#include "base/must.h"

#define ACCOUNT_ARENA 16384

/* RFC 6154 2 names the uses; the names of the mailboxes are what most clients expect. */
static const struct {
	struct str name;
	unsigned special_use;
} first_mailboxes[] = {
	{ STR_INIT("INBOX"), STORE_USE_NONE },  { STR_INIT("Drafts"), STORE_USE_DRAFTS },
	{ STR_INIT("Sent"), STORE_USE_SENT },   { STR_INIT("Junk"), STORE_USE_JUNK },
	{ STR_INIT("Trash"), STORE_USE_TRASH }, { STR_INIT("Archive"), STORE_USE_ARCHIVE },
};

struct job {
	struct store *s;
	struct store_address address;
	struct store_quota quota;
	const struct store_credential *creds;
	size_t n_creds;
	bool is_enabled;
	int64_t id;
};

/* ---- adding ---- */

static int is_free(struct db_tx *tx, struct str address)
{
	AUTO(db_done) struct db_query account = { 0 };
	AUTO(db_done) struct db_query alias = { 0 };
	int rc;

	DB_QUERY(tx, &account, SQL(ACCOUNT_BY_NAME), DB_T(address));
	rc = db_step(&account);
	if (rc != 0)
		return rc < 0 ? rc : -E_EXISTS;
	DB_QUERY(tx, &alias, SQL(ALIAS_COUNT), DB_T(address));
	rc = db_step(&alias);
	if (rc < 0)
		return rc;
	return db_int(&alias, 0) == 0 ? 0 : -E_EXISTS;
}

static int add_tx(struct db_tx *tx, void *arg)
{
	struct job *j = arg;
	int rc = store_tx_domain_find(tx, j->address.domain);

	if (rc == 0)
		rc = is_free(tx, j->address.full);
	if (rc == 0)
		rc = DB_EXEC(tx, SQL(ACCOUNT_ADD), DB_T(j->address.full), DB_T(j->address.domain),
			     DB_I(j->quota.bytes), DB_I(store_now_s()),
			     DB_I(j->quota.messages), DB_I(j->quota.mailboxes));
	if (rc < 0)
		return rc;
	j->id = db_last_id(tx);
	rc = store_tx_credentials_add(tx, j->id, j->creds, j->n_creds);
	for (size_t i = 0; i < ARRAY_LEN(first_mailboxes) && rc == 0; i++) {
		int64_t mailbox;

		rc = store_tx_mailbox_add(j->s, tx, j->id, first_mailboxes[i].name,
					  first_mailboxes[i].special_use, &mailbox);
		if (rc == 0)
			rc = store_tx_subscribe(tx, j->id, first_mailboxes[i].name);
	}
	return rc;
}

int store_account_add(struct store *s, struct str address, const struct store_quota *quota,
		      const struct store_credential *creds, size_t n_creds, int64_t *ret_id,
		      struct fault *fault)
{
	AUTO(arena_fini) struct arena a;
	struct job j = { .s = s,
			 .quota = store_quota_or_default(s, quota),
			 .creds = creds,
			 .n_creds = n_creds };
	int rc;

	arena_init(&a, ACCOUNT_ARENA);
	if (store_address_parse(&a, address, false, &j.address) < 0)
		return fault_set(fault, -E_SYNTAX,
				 "%" STR_FMT " is not an address; write name@domain",
				 STR_ARG(str_head(address, 100)));
	rc = db_write(s->db,
		      &(struct db_write_job){ .fn = add_tx, .arg = &j, .durability = DB_DURABLE });
	if (rc == -E_NOT_FOUND)
		return fault_set(fault, rc,
				 "domain %" STR_FMT " is not served here; add it with: "
				 "martlet domain add %" STR_FMT,
				 STR_ARG(str_head(j.address.domain, 100)),
				 STR_ARG(str_head(j.address.domain, 100)));
	if (rc == -E_EXISTS)
		return fault_set(fault, rc, "%" STR_FMT " is an account or an alias already",
				 STR_ARG(str_head(j.address.full, 200)));
	if (rc < 0)
		return fault_set(fault, rc, "cannot add the account: %s", err_row(rc)->text);
	*ret_id = j.id;
	return 0;
}

/* ---- one that is there ---- */

static int find_tx(struct db_tx *tx, struct job *j)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(tx, &q, SQL(ACCOUNT_BY_NAME), DB_T(j->address.full));
	rc = db_step(&q);
	if (rc <= 0)
		return rc < 0 ? rc : -E_NOT_FOUND;
	j->id = db_int(&q, 0);
	return 0;
}

/* Finds it and changes it, durably. -E_NOT_FOUND: the address is no account's. */
static int change(struct store *s, struct str address, db_write_fn *fn, struct job *j)
{
	AUTO(arena_fini) struct arena a;
	int rc;

	arena_init(&a, ACCOUNT_ARENA);
	rc = store_address_parse(&a, address, false, &j->address);
	if (rc == 0)
		rc = db_write(s->db, &(struct db_write_job){
					     .fn = fn, .arg = j, .durability = DB_DURABLE });
	return rc == -E_SYNTAX ? -E_NOT_FOUND : rc;
}

/* ---- removing ---- */

static int doom_mailboxes(struct store *s, struct db_tx *tx, int64_t account)
{
	AUTO(mem_auto_free) int64_t *ids = mem_alloc(LIMIT_MAILBOXES, sizeof(*ids));
	size_t n = 0;
	int rc;

	do {
		AUTO(db_done) struct db_query q = { 0 };

		DB_QUERY(tx, &q, SQL(MAILBOX_LIST), DB_I(account), DB_I(LIMIT_MAILBOXES));
		for (n = 0; (rc = db_step(&q)) > 0; n++)
			ids[n] = db_int(&q, 0);
		db_done(&q);
		for (size_t i = 0; i < n && rc == 0; i++)
			rc = store_tx_mailbox_doom(s, tx, account, ids[i]);
	} while (rc == 0 && n == LIMIT_MAILBOXES);
	return rc;
}

static int remove_tx(struct db_tx *tx, void *arg)
{
	static const enum store_sql_id by_account[] = {
		STORE_SQL_CREDENTIALS_REMOVE,   STORE_SQL_ALIAS_REMOVE_ACCOUNT,
		STORE_SQL_SUBSCRIPTIONS_REMOVE, STORE_SQL_THREADS_REMOVE,
		STORE_SQL_ANNOTATIONS_REMOVE_USER, STORE_SQL_RIGHTS_REMOVE_ACCOUNT,
		STORE_SQL_NOTES_REMOVE_USER,
		STORE_SQL_URL_KEYS_REMOVE_ACCOUNT, STORE_SQL_INDEX_SEGMENTS_REMOVE,
		STORE_SQL_ACCOUNT_REMOVE,
	};
	struct job *j = arg;
	int rc = find_tx(tx, j);

	if (rc == 0)
		rc = doom_mailboxes(j->s, tx, j->id);
	for (size_t i = 0; i < ARRAY_LEN(by_account) && rc == 0; i++)
		rc = DB_EXEC(tx, &store_sql[by_account[i]], DB_I(j->id));
	if (rc == 0)
		store_announce(j->s, tx, &(struct store_event){ .account = j->id });
	if (rc == 0)
		store_rights_announce(j->s, tx, j->id, 0);
	return rc;
}

static int no_account(struct str address, struct fault *fault)
{
	return fault_set(fault, -E_NOT_FOUND, "no account %" STR_FMT "; see: martlet account list",
			 STR_ARG(str_head(address, 200)));
}

int store_account_remove(struct store *s, struct str address, struct fault *fault)
{
	struct job j = { .s = s };
	int rc = change(s, address, remove_tx, &j);

	if (rc == -E_NOT_FOUND)
		return no_account(address, fault);
	if (rc == 0)
		store_index_remove(s, j.id);
	if (rc == 0)
		rc = store_purge(s);
	return rc < 0 ? fault_set(fault, rc, "cannot remove the account: %s", err_row(rc)->text)
		      : 0;
}

/* ---- enabling ---- */

static int enable_tx(struct db_tx *tx, void *arg)
{
	struct job *j = arg;
	int rc = find_tx(tx, j);

	return rc < 0 ? rc : DB_EXEC(tx, SQL(ACCOUNT_ENABLE), DB_I(j->id), DB_I(j->is_enabled));
}

int store_account_enable(struct store *s, struct str address, bool is_enabled, int64_t *ret_id,
			 struct fault *fault)
{
	struct job j = { .s = s, .is_enabled = is_enabled };
	int rc = change(s, address, enable_tx, &j);

	if (rc == -E_NOT_FOUND)
		return no_account(address, fault);
	if (rc < 0)
		return fault_set(fault, rc, "cannot change the account: %s", err_row(rc)->text);
	*ret_id = j.id;
	return 0;
}

/* ---- finding ---- */

static int read_account(struct db_query *q, struct arena *a, struct store_account *ret)
{
	struct str name = arena_str(a, db_text(q, 1));

	if (!name.p)
		return -E_LIMIT;
	*ret = (struct store_account){
		.id = db_int(q, 0),
		.name = name,
		.quota = { db_int(q, 2), db_int(q, 7), db_int(q, 8) },
		.used_bytes = db_int(q, 3),
		.messages = db_int(q, 4),
		.created_s = db_int(q, 5),
		.is_enabled = db_int(q, 6) != 0,
	};
	return 0;
}

int store_account_find(struct store *s, struct arena *a, struct str name, struct store_account *ret)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	struct store_address address;
	int rc = store_address_parse(a, name, false, &address);

	if (rc < 0)
		return rc == -E_SYNTAX ? -E_NOT_FOUND : rc;
	rc = db_read_begin(s->db, &tx);
	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(ACCOUNT_BY_NAME), DB_T(address.full));
	rc = db_step(&q);
	if (rc <= 0)
		return rc < 0 ? rc : -E_NOT_FOUND;
	return read_account(&q, a, ret);
}

int store_account_get(struct store *s, struct arena *a, int64_t id, struct store_account *ret)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	int rc = db_read_begin(s->db, &tx);

	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(ACCOUNT_BY_ID), DB_I(id));
	rc = db_step(&q);
	if (rc <= 0)
		return rc < 0 ? rc : -E_NOT_FOUND;
	return read_account(&q, a, ret);
}

int store_account_list(struct store *s, struct arena *a, struct store_account **ret, size_t *ret_n)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	struct store_account *v = NULL;
	size_t n = 0, cap = 0;
	int rc = db_read_begin(s->db, &tx);

	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(ACCOUNT_LIST), DB_I(LIMIT_LIST_ROWS));
	while ((rc = db_step(&q)) > 0) {
		if (arena_grow(a, &v, n, &cap, sizeof(*v)) < 0 || read_account(&q, a, &v[n]) < 0)
			return -E_LIMIT;
		n++;
	}
	if (rc < 0)
		return rc;
	*ret = v;
	*ret_n = n;
	return 0;
}

/* ---- the POP3 lock ---- */

int store_pop3_lock(struct store *s, int64_t account)
{
	static char is_locked;
	bool is_free_now;

	lock_get(&s->pop3_lock);
	is_free_now = !store_idmap_get(&s->pop3, account);
	if (is_free_now)
		store_idmap_put(&s->pop3, account, &is_locked);
	lock_put(&s->pop3_lock);
	return is_free_now ? 0 : -E_BUSY;
}

void store_pop3_unlock(struct store *s, int64_t account)
{
	lock_get(&s->pop3_lock);
	store_idmap_remove(&s->pop3, account);
	lock_put(&s->pop3_lock);
}
