/* SPDX-License-Identifier: MIT */
/*
 * Aliases: an address, or "@domain" for all others of a domain, that leads to one or more
 * accounts.
 */
#include "store/store_int.h"

#include "base/limits.h"

#define ALIAS_ARENA 16384

struct job {
	struct store_address address, target;
	bool is_whole;
	const char *why_z; /* what to do about a failure */
};

static int account_id(struct db_tx *tx, struct str name, int64_t *ret)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(tx, &q, SQL(ACCOUNT_BY_NAME), DB_T(name));
	rc = db_step(&q);
	if (rc > 0)
		*ret = db_int(&q, 0);
	return rc > 0 ? 0 : rc < 0 ? rc : -E_NOT_FOUND;
}

static int has_room(struct db_tx *tx, struct str address)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(tx, &q, SQL(ALIAS_COUNT), DB_T(address));
	rc = db_step(&q);
	if (rc < 0)
		return rc;
	return db_int(&q, 0) < LIMIT_ALIAS_TARGETS ? 0 : -E_LIMIT;
}

static int add_tx(struct db_tx *tx, void *arg)
{
	struct job *j = arg;
	int64_t target, other;
	int rc = store_tx_domain_find(tx, j->address.domain);

	if (rc == -E_NOT_FOUND)
		j->why_z = "its domain is not served here; add it with: martlet domain add DOMAIN";
	if (rc < 0)
		return rc;
	rc = account_id(tx, j->address.full, &other);
	if (rc != -E_NOT_FOUND) {
		j->why_z = "it is an account";
		return rc < 0 ? rc : -E_EXISTS;
	}
	rc = account_id(tx, j->target.full, &target);
	if (rc == -E_NOT_FOUND)
		j->why_z = "the target is not an account; see: martlet account list";
	if (rc == 0)
		rc = has_room(tx, j->address.full);
	if (rc < 0)
		return rc;
	j->why_z = "it has that target already";
	return DB_EXEC(tx, SQL(ALIAS_ADD), DB_T(j->address.full), DB_I(target),
		       DB_T(j->address.domain));
}

static int run(struct store *s, db_write_fn *fn, struct job *j, struct str address,
	       const char *verb_z, struct fault *fault)
{
	int rc = db_write(s->db,
			  &(struct db_write_job){ .fn = fn, .arg = j, .durability = DB_DURABLE });

	if (rc == 0)
		return 0;
	if (!j->why_z || (rc != -E_NOT_FOUND && rc != -E_EXISTS))
		j->why_z = err_row(rc)->text;
	return fault_set(fault, rc, "cannot %s alias %" STR_FMT ": %s", verb_z,
			 STR_ARG(str_head(address, 150)), j->why_z);
}

int store_alias_add(struct store *s, struct str address, struct str target, struct fault *fault)
{
	AUTO(arena_fini) struct arena a;
	struct job j = { 0 };

	arena_init(&a, ALIAS_ARENA);
	if (store_address_parse(&a, address, true, &j.address) < 0)
		return fault_set(fault, -E_SYNTAX,
				 "%" STR_FMT
				 " is not an address; write name@domain, or @domain for "
				 "a catch-all",
				 STR_ARG(str_head(address, 100)));
	if (store_address_parse(&a, target, false, &j.target) < 0)
		return fault_set(fault, -E_SYNTAX, "%" STR_FMT " is not an account's address",
				 STR_ARG(str_head(target, 100)));
	return run(s, add_tx, &j, address, "add", fault);
}

static int remove_tx(struct db_tx *tx, void *arg)
{
	struct job *j = arg;
	const struct str address = j->address.full;
	int64_t target = 0, n = 0;
	int rc = 0;

	j->why_z = "there is no such alias; see: martlet alias list";
	if (j->is_whole) {
		rc = db_exec(tx, SQL(ALIAS_REMOVE_ALL), (const struct db_val[]){ DB_T(address) }, 1,
			     &n);
	} else {
		rc = account_id(tx, j->target.full, &target);
		if (rc == 0)
			rc = db_exec(tx, SQL(ALIAS_REMOVE),
				     (const struct db_val[]){ DB_T(address), DB_I(target) }, 2, &n);
	}
	if (rc < 0)
		return rc;
	return n > 0 ? 0 : -E_NOT_FOUND;
}

int store_alias_remove(struct store *s, struct str address, struct str target, struct fault *fault)
{
	AUTO(arena_fini) struct arena a;
	struct job j = { .is_whole = target.n == 0 };

	arena_init(&a, ALIAS_ARENA);
	if (store_address_parse(&a, address, true, &j.address) < 0)
		return fault_set(fault, -E_SYNTAX, "%" STR_FMT " is not an address",
				 STR_ARG(str_head(address, 100)));
	if (!j.is_whole && store_address_parse(&a, target, false, &j.target) < 0)
		return fault_set(fault, -E_SYNTAX, "%" STR_FMT " is not an address",
				 STR_ARG(str_head(target, 100)));
	return run(s, remove_tx, &j, address, "remove", fault);
}

int store_alias_list(struct store *s, struct arena *a, struct store_alias **ret, size_t *ret_n)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	struct store_alias *v = NULL;
	size_t n = 0, cap = 0;
	int rc = db_read_begin(s->db, &tx);

	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(ALIAS_LIST), DB_I(LIMIT_LIST_ROWS));
	while ((rc = db_step(&q)) > 0) {
		if (arena_grow(a, &v, n, &cap, sizeof(*v)) < 0)
			return -E_LIMIT;
		v[n].address = arena_str(a, db_text(&q, 0));
		v[n].target = arena_str(a, db_text(&q, 1));
		if (!v[n].address.p || !v[n].target.p)
			return -E_LIMIT;
		n++;
	}
	if (rc < 0)
		return rc;
	*ret = v;
	*ret_n = n;
	return 0;
}
