/* SPDX-License-Identifier: MIT */
/* Domains whose mail is delivered here. */
#include "store/store_int.h"

#include <inttypes.h>

#include "base/limits.h"

#define DOMAIN_ARENA 8192

struct job {
	struct str domain;
	int64_t accounts, aliases;
	char forward[100]; /* an alias that forwards to it */
};

int store_tx_domain_find(struct db_tx *tx, struct str canonical)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(tx, &q, SQL(DOMAIN_FIND), DB_T(canonical));
	rc = db_step(&q);
	return rc > 0 ? 0 : rc < 0 ? rc : -E_NOT_FOUND;
}

static int add_tx(struct db_tx *tx, void *arg)
{
	struct job *j = arg;
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	/* What went elsewhere would come back here and nowhere. */
	DB_QUERY(tx, &q, SQL(FORWARD_TO), DB_T(j->domain));
	rc = db_step(&q);
	if (rc > 0) {
		snprintf(j->forward, sizeof(j->forward), "%" STR_FMT, STR_ARG(db_text(&q, 0)));
		return -E_BUSY;
	}
	if (rc < 0)
		return rc;
	return DB_EXEC(tx, SQL(DOMAIN_ADD), DB_T(j->domain));
}

static bool is_host_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

/* Canonical ones. Labels of letters, digits and hyphens (RFC 1035 2.3.1): nobody can have mail sent to another name. */
static bool is_host_name(struct str s)
{
	struct str label;

	while (str_split(&s, '.', &label)) {
		if (label.n == 0 || label.n > 63 || label.p[0] == '-' || label.p[label.n - 1] == '-')
			return false;
		for (size_t i = 0; i < label.n; i++)
			if (!is_host_char(label.p[i]))
				return false;
	}
	return true;
}

int store_domain_add(struct store *s, struct str domain, struct fault *fault)
{
	AUTO(arena_fini) struct arena a;
	struct job j = { 0 };
	int rc;

	arena_init(&a, DOMAIN_ARENA);
	rc = store_domain_canonical(&a, domain, &j.domain);
	if (rc == 0 && !is_host_name(j.domain))
		rc = -E_SYNTAX;
	if (rc < 0)
		return fault_set(fault, rc,
				 "%" STR_FMT " is not a domain name, write it like example.org",
				 STR_ARG(str_head(domain, 100)));
	rc = db_write(s->db,
		      &(struct db_write_job){ .fn = add_tx, .arg = &j, .durability = DB_DURABLE });
	if (rc == -E_EXISTS)
		return fault_set(fault, rc, "domain %" STR_FMT " is served here already",
				 STR_ARG(j.domain));
	if (rc == -E_BUSY && j.forward[0])
		return fault_set(fault, rc, "alias %s forwards to domain %" STR_FMT "; remove that first", j.forward,
				 STR_ARG(j.domain));
	return rc < 0 ? fault_set(fault, rc, "cannot add the domain: %s", err_row(rc)->text) : 0;
}

static int remove_tx(struct db_tx *tx, void *arg)
{
	struct job *j = arg;
	AUTO(db_done) struct db_query q = { 0 };
	int rc = store_tx_domain_find(tx, j->domain);

	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(DOMAIN_IN_USE), DB_T(j->domain));
	rc = db_step(&q);
	if (rc < 0)
		return rc;
	j->accounts = db_int(&q, 0);
	j->aliases = db_int(&q, 1);
	if (j->accounts || j->aliases)
		return -E_BUSY;
	return DB_EXEC(tx, SQL(DOMAIN_REMOVE), DB_T(j->domain));
}

int store_domain_remove(struct store *s, struct str domain, struct fault *fault)
{
	AUTO(arena_fini) struct arena a;
	struct job j = { 0 };
	int rc;

	arena_init(&a, DOMAIN_ARENA);
	rc = store_domain_canonical(&a, domain, &j.domain);
	if (rc == 0)
		rc = db_write(s->db, &(struct db_write_job){ .fn = remove_tx,
							     .arg = &j,
							     .durability = DB_DURABLE });
	if (rc == -E_BUSY && (j.accounts || j.aliases))
		return fault_set(fault, rc,
				 "domain %" STR_FMT " still has %" PRId64 " accounts and %" PRId64
				 " aliases; remove them first",
				 STR_ARG(j.domain), j.accounts, j.aliases);
	if (rc == -E_NOT_FOUND || rc == -E_SYNTAX)
		return fault_set(fault, -E_NOT_FOUND,
				 "domain %" STR_FMT " is not served here; see: martlet domain list",
				 STR_ARG(str_head(domain, 100)));
	return rc < 0 ? fault_set(fault, rc, "cannot remove the domain: %s", err_row(rc)->text) : 0;
}

int store_domain_list(struct store *s, struct arena *a, struct str **ret, size_t *ret_n)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	struct str *v = NULL;
	size_t n = 0, cap = 0;
	int rc = db_read_begin(s->db, &tx);

	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(DOMAIN_LIST), DB_I(LIMIT_LIST_ROWS));
	while ((rc = db_step(&q)) > 0) {
		if (arena_grow(a, &v, n, &cap, sizeof(*v)) < 0)
			return -E_LIMIT;
		v[n] = arena_str(a, db_text(&q, 0));
		if (!v[n++].p)
			return -E_LIMIT;
	}
	if (rc < 0)
		return rc;
	*ret = v;
	*ret_n = n;
	return 0;
}

int store_domain_find(struct store *s, struct str domain)
{
	AUTO(arena_fini) struct arena a;
	AUTO(db_read_end) struct db_tx *tx = NULL;
	struct str canonical;
	int rc;

	arena_init(&a, DOMAIN_ARENA);
	rc = store_domain_canonical(&a, domain, &canonical);
	if (rc < 0)
		return -E_NOT_FOUND;
	rc = db_read_begin(s->db, &tx);
	return rc < 0 ? rc : store_tx_domain_find(tx, canonical);
}
