/* SPDX-License-Identifier: MIT */
/*
 * Aliases: an address, or "@domain" for all others of a domain, that leads to one or more targets: accounts,
 * addresses elsewhere, or nothing ("/null").
 */
#include "store/store_int.h"

#include "base/limits.h"

#define ALIAS_ARENA 16384

struct job {
	struct store_address address, target;
	struct str forward; /* the target as it is kept when it is no account */
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

#define NULL_TARGET S("/null")

/* 1: it goes elsewhere; 0: the target should be an account. */
static int is_elsewhere(struct db_tx *tx, const struct job *j)
{
	int rc;

	if (!j->target.full.p)
		return 1;
	rc = store_tx_domain_find(tx, j->target.domain);
	return rc == -E_NOT_FOUND ? 1 : rc;
}

static int add_target(struct db_tx *tx, struct job *j)
{
	int64_t target;
	int rc = is_elsewhere(tx, j);

	if (rc < 0)
		return rc;
	if (rc > 0) {
		j->why_z = "a forwarding target must be a plain name@domain, without quotes";
		if (!j->forward.p)
			return -E_SYNTAX;
		j->why_z = "it has that target already";
		return DB_EXEC(tx, SQL(FORWARD_ADD), DB_T(j->address.full), DB_T(j->forward), DB_T(j->address.domain),
			       DB_T(j->target.full.p ? j->target.domain : S("")));
	}
	rc = account_id(tx, j->target.full, &target);
	if (rc == -E_NOT_FOUND)
		j->why_z = "the target is not an account; see: martlet account list";
	if (rc < 0)
		return rc;
	j->why_z = "it has that target already";
	return DB_EXEC(tx, SQL(ALIAS_ADD), DB_T(j->address.full), DB_I(target),
		       DB_T(j->address.domain));
}

static int add_tx(struct db_tx *tx, void *arg)
{
	struct job *j = arg;
	int64_t other;
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
	rc = has_room(tx, j->address.full);
	return rc < 0 ? rc : add_target(tx, j);
}

static int run(struct store *s, db_write_fn *fn, struct job *j, struct str address,
	       const char *verb_z, struct fault *fault)
{
	int rc = db_write(s->db,
			  &(struct db_write_job){ .fn = fn, .arg = j, .durability = DB_DURABLE });

	if (rc == 0)
		return 0;
	if (!j->why_z || (rc != -E_NOT_FOUND && rc != -E_EXISTS && rc != -E_SYNTAX))
		j->why_z = err_row(rc)->text;
	return fault_set(fault, rc, "cannot %s alias %" STR_FMT ": %s", verb_z,
			 STR_ARG(str_head(address, 150)), j->why_z);
}

/*
 * Another host compares local parts as it likes, so this one is kept as it was given. Left empty when its
 * form needs quotes (RFC 5321 4.1.2), which nobody writes.
 */
static int set_forward(struct arena *a, struct str target, struct job *j)
{
	struct str local = str_head(target, (size_t)str_rchr(target, '@'));

	for (size_t i = 0; i < local.n; i++)
		if ((unsigned char)local.p[i] <= ' ' || strchr("()<>[]:;,\\\"@\x7f", local.p[i]))
			return 0;
	if (str_starts(local, S(".")) || str_ends(local, S(".")))
		return 0;
	j->forward = arena_printf(a, "%" STR_FMT "@%" STR_FMT, STR_ARG(local), STR_ARG(j->target.domain));
	return j->forward.p ? 0 : -E_LIMIT;
}

/* 0 or -E_SYNTAX, -E_LIMIT. */
static int parse_target(struct arena *a, struct str target, struct job *j)
{
	int rc;

	if (str_eq(target, NULL_TARGET)) {
		j->forward = NULL_TARGET;
		return 0;
	}
	rc = store_address_parse(a, target, false, &j->target);
	return rc < 0 ? rc : set_forward(a, target, j);
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
	if (parse_target(&a, target, &j) < 0)
		return fault_set(fault, -E_SYNTAX, "%" STR_FMT " is not an address, nor /null",
				 STR_ARG(str_head(target, 100)));
	return run(s, add_tx, &j, address, "add", fault);
}

/* Runs a statement about the alias and *ret_n more rows. */
static int remove_rows(struct db_tx *tx, const struct db_sql *sql, const struct db_val *args, size_t n, int64_t *ret_n)
{
	int64_t changes = 0;
	int rc = db_exec(tx, sql, args, n, &changes);

	*ret_n += changes;
	return rc;
}

static int remove_target(struct db_tx *tx, const struct job *j, int64_t *ret_n)
{
	const struct db_val address = DB_T(j->address.full);
	int64_t target;
	int rc = j->target.full.p ? account_id(tx, j->target.full, &target) : -E_NOT_FOUND;

	if (rc == 0)
		return remove_rows(tx, SQL(ALIAS_REMOVE), (const struct db_val[]){ address, DB_I(target) }, 2, ret_n);
	if (rc != -E_NOT_FOUND || !j->forward.p)
		return rc;
	return remove_rows(tx, SQL(FORWARD_REMOVE), (const struct db_val[]){ address, DB_T(j->forward) }, 2, ret_n);
}

static int remove_tx(struct db_tx *tx, void *arg)
{
	struct job *j = arg;
	const struct db_val address = DB_T(j->address.full);
	int64_t n = 0;
	int rc;

	j->why_z = "there is no such alias; see: martlet alias list";
	if (j->is_whole) {
		rc = remove_rows(tx, SQL(ALIAS_REMOVE_ALL), &address, 1, &n);
		if (rc == 0)
			rc = remove_rows(tx, SQL(FORWARD_REMOVE_ALL), &address, 1, &n);
	} else {
		rc = remove_target(tx, j, &n);
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
	if (!j.is_whole && parse_target(&a, target, &j) < 0)
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
