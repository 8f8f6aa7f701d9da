/* SPDX-License-Identifier: MIT */
/*
 * Where an address leads, and who may send as it. The steps stand in a table-like order in
 * find(): exact account, alias, the same without the +tag (RFC 5233), the catch-all, and for
 * postmaster (RFC 5321 4.5.1) the first account.
 */
#include "store/store_int.h"

#include "base/limits.h"

struct route {
	struct db_tx *tx;
	struct arena *a;
	int64_t size;
	struct store_route found;
	size_t cap, cap_forwards;
	size_t n_full;
};

/* What a row says of an account. */
struct row {
	int64_t id, quota, used, quota_messages, messages;
};

/* No room for one more message of the announced size. */
static bool is_full(const struct route *r, const struct row *v)
{
	if (v->quota > 0 && (v->used >= v->quota || r->size > v->quota - v->used))
		return true;
	return v->quota_messages > 0 && v->messages >= v->quota_messages;
}

static int add_account(struct route *r, const struct row *v)
{
	if (arena_grow(r->a, &r->found.accounts, r->found.n_accounts, &r->cap, sizeof(int64_t)) < 0)
		return -E_LIMIT;
	r->found.accounts[r->found.n_accounts++] = v->id;
	r->n_full += is_full(r, v);
	return 0;
}

static int find_account(struct route *r, const struct db_sql *sql, struct str name)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	if (name.p)
		DB_QUERY(r->tx, &q, sql, DB_T(name));
	else
		db_query(r->tx, &q, sql, NULL, 0);
	rc = db_step(&q);
	if (rc <= 0)
		return rc;
	return add_account(r, &(struct row){ .id = db_int(&q, 0),
					     .quota = db_int(&q, 2),
					     .used = db_int(&q, 3),
					     .messages = db_int(&q, 4),
					     .quota_messages = db_int(&q, 7) });
}

static bool has_found(const struct route *r)
{
	return r->found.n_accounts > 0 || r->found.n_forwards > 0 || r->found.is_dropped;
}

static int find_forwards(struct route *r, struct str address)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(r->tx, &q, SQL(FORWARD_GET), DB_T(address), DB_I(LIMIT_ALIAS_TARGETS));
	while ((rc = db_step(&q)) > 0) {
		struct str target = db_text(&q, 0);

		if (str_starts(target, S("/"))) {
			r->found.is_dropped = true;
			continue;
		}
		if (arena_grow(r->a, &r->found.forwards, r->found.n_forwards, &r->cap_forwards, sizeof(struct str)) < 0)
			return -E_LIMIT;
		target = arena_str(r->a, target);
		if (!target.p)
			return -E_LIMIT;
		r->found.forwards[r->found.n_forwards++] = target;
	}
	return rc;
}

static int find_alias(struct route *r, struct str address)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(r->tx, &q, SQL(ALIAS_GET), DB_T(address), DB_I(LIMIT_ALIAS_TARGETS));
	while ((rc = db_step(&q)) > 0) {
		rc = add_account(r, &(struct row){ .id = db_int(&q, 0),
						   .quota = db_int(&q, 1),
						   .used = db_int(&q, 2),
						   .quota_messages = db_int(&q, 3),
						   .messages = db_int(&q, 4) });
		if (rc < 0)
			return rc;
	}
	return rc < 0 ? rc : find_forwards(r, address);
}

static int find_address(struct route *r, struct str address)
{
	int rc = find_account(r, SQL(ACCOUNT_BY_NAME), address);

	return rc < 0 || r->found.n_accounts ? rc : find_alias(r, address);
}

/* The address without its tag; an empty slice when it has none. */
static int without_tag(struct arena *a, const struct store_address *address, struct str *ret)
{
	ptrdiff_t plus = str_chr(address->local, '+');

	*ret = (struct str){ 0 };
	if (plus <= 0)
		return 0;
	*ret = arena_printf(a, "%" STR_FMT "@%" STR_FMT,
			    STR_ARG(str_head(address->local, (size_t)plus)),
			    STR_ARG(address->domain));
	return ret->p ? 0 : -E_LIMIT;
}

/* "@domain", which is also how a full address ends. */
static struct str catch_all(const struct store_address *address)
{
	return str_skip(address->full, address->local.n);
}

static int find(struct route *r, const struct store_address *address)
{
	struct str bare;
	int rc = store_tx_domain_find(r->tx, address->domain);

	if (rc < 0)
		return rc == -E_NOT_FOUND ? -E_DENIED : rc;
	rc = find_address(r, address->full);
	if (rc == 0 && !has_found(r)) {
		rc = without_tag(r->a, address, &bare);
		if (rc == 0 && bare.n)
			rc = find_address(r, bare);
	}
	if (rc == 0 && !has_found(r))
		rc = find_alias(r, catch_all(address));
	if (rc == 0 && !has_found(r) && str_eq(address->local, S("postmaster")))
		rc = find_account(r, SQL(ACCOUNT_FIRST), (struct str){ 0 });
	return rc;
}

/* What a malformed address is told: ours or not, there is nobody of that name. */
static int refuse(struct route *r, struct str address)
{
	struct str domain;
	int rc = store_domain_canonical(
		r->a, str_skip(address, (size_t)(str_rchr(address, '@') + 1)), &domain);

	if (rc == 0)
		rc = store_tx_domain_find(r->tx, domain);
	return rc == 0 ? -E_NOT_FOUND : rc == -E_NOT_FOUND || rc == -E_SYNTAX ? -E_DENIED : rc;
}

int store_route(struct store *s, struct arena *a, struct str address, int64_t size_bytes,
		struct store_route *ret)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	struct route r = { .a = a, .size = size_bytes };
	struct store_address parsed;
	int rc = db_read_begin(s->db, &tx);

	if (rc < 0)
		return rc;
	r.tx = tx;
	if (str_ieq(address, S("postmaster"))) {
		rc = find_account(&r, SQL(ACCOUNT_FIRST), (struct str){ 0 });
	} else {
		rc = store_address_parse(a, address, false, &parsed);
		rc = rc == 0 ? find(&r, &parsed) : rc == -E_SYNTAX ? refuse(&r, address) : rc;
	}
	if (rc < 0)
		return rc;
	if (!has_found(&r))
		return -E_NOT_FOUND;
	if (r.found.n_accounts > 0 && r.found.n_accounts == r.n_full && r.found.n_forwards == 0 && !r.found.is_dropped)
		return -E_QUOTA;
	*ret = r.found;
	return 0;
}

/* ---- senders ---- */

#define SENDER_ARENA 1048576 /* the targets of the largest alias */

int store_may_send_as(struct store *s, int64_t account, struct str address)
{
	AUTO(arena_fini) struct arena a;
	AUTO(db_read_end) struct db_tx *tx = NULL;
	struct route r = { .a = &a };
	struct store_address parsed;
	int rc;

	arena_init(&a, SENDER_ARENA);
	rc = store_address_parse(&a, address, false, &parsed);
	if (rc == 0)
		rc = db_read_begin(s->db, &tx);
	r.tx = tx;
	if (rc == 0)
		rc = find(&r, &parsed);
	if (rc < 0)
		return rc == -E_SYNTAX ? -E_DENIED : rc;
	for (size_t i = 0; i < r.found.n_accounts; i++)
		if (r.found.accounts[i] == account)
			return 0;
	return -E_DENIED;
}
