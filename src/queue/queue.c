/* SPDX-License-Identifier: MIT */
/* Opening, closing, settings, hints to the schedule, the list and the number of what waits. */
#include "queue/queue_int.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "mailauth/dkim.h"
#include "mailauth/srs.h"
#include "queue/dkim.h"
#include "queue/route.h"
#include "queue/schedule.h"
#include "store/account.h"

#define DOMAIN_ARENA 8192

int queue_open(struct store *s, struct queue **ret, struct fault *fault)
{
	struct queue *q = MEM_NEW(struct queue);
	int rc = store_secret(s, S("srs"), q->srs_key);

	if (rc < 0) {
		mem_free(q);
		return fault_set(fault, rc, "cannot read the key of return addresses: %s", err_row(rc)->text);
	}
	q->store = s;
	lock_init(&q->lock);
	lock_init(&q->flying);
	snprintf(q->hostname, sizeof(q->hostname), "localhost");
	*ret = q;
	return 0;
}

void queue_close(struct queue **qp)
{
	struct queue *q = *qp;

	if (!q)
		return;
	for (size_t i = 0; i < q->n_hints; i++)
		mem_free(q->hints[i]);
	conf_unref(q->conf);
	dkim_key_unref(q->dkim);
	queue_dkim_unref(q->signers);
	lock_fini(&q->lock);
	lock_fini(&q->flying);
	mem_wipe(q->srs_key, sizeof(q->srs_key));
	mem_free(q);
	*qp = NULL;
}

/* ---- settings ---- */

void queue_configure(struct queue *q, struct conf *c, const char *hostname_z)
{
	struct conf *old;

	lock_get(&q->lock);
	old = q->conf;
	q->conf = conf_ref(c);
	snprintf(q->hostname, sizeof(q->hostname), "%s", hostname_z);
	lock_put(&q->lock);
	conf_unref(old);
	queue_trace_keep(q, queue_conf_of(c)->trace_ms);
}

struct conf *queue_conf_get(struct queue *q)
{
	struct conf *c;

	lock_get(&q->lock);
	c = q->conf ? conf_ref(q->conf) : NULL;
	lock_put(&q->lock);
	return c;
}

const struct queue_conf *queue_conf_of(const struct conf *c)
{
	static const struct queue_conf defaults = {
		.is_sending = true, .retry_min_ms = 300000, .retry_max_ms = 14400000, .lifetime_ms = 432000000,
		.delay_notice_ms = 14400000, .max_sessions = 1000, .max_sessions_per_destination = 20, .max_returned = 50 << 10,
		.port = 25,
	};

	return c ? conf_get(c, &queue_conf_table) : &defaults;
}

/* ---- where to ---- */

/* The domain of an address as a key: of a literal its lower case, of a name its A-labels, of what is neither itself. */
static int domain_of(struct arena *a, struct str address, struct str *ret)
{
	struct str domain = str_skip(address, (size_t)(str_rchr(address, '@') + 1));
	char *p;
	int rc = store_domain_canonical(a, domain, ret);

	if (rc != -E_SYNTAX)
		return rc;
	p = arena_alloc(a, domain.n + 1, 1);
	if (!p)
		return -E_LIMIT;
	for (size_t i = 0; i < domain.n; i++)
		p[i] = str_lower_char(domain.p[i]);
	*ret = str_of(p, domain.n);
	return 0;
}

int queue_hop_find(const struct conf *c, struct arena *a, struct str reverse_path, struct str address, struct queue_hop *ret)
{
	const char *file;
	struct str domain;
	int rc = domain_of(a, address, &domain);

	if (rc < 0)
		return rc;
	if (c)
		return queue_route_find(c, a, reverse_path, domain, ret, &file);
	*ret = (struct queue_hop){ .destination = domain, .domain = domain, .port = 25 };
	return 0;
}

int queue_hop_fallback(const struct conf *c, struct arena *a, struct str reverse_path, struct str address, struct queue_hop *ret)
{
	struct str domain;
	int rc = domain_of(a, address, &domain);

	if (rc < 0)
		return rc;
	return c ? queue_route_fallback(c, a, reverse_path, domain, ret) : -E_NOT_FOUND;
}

int queue_return_path(struct queue *q, struct arena *a, struct str address, struct str *ret)
{
	ptrdiff_t at = str_rchr(address, '@');
	int rc = at < 0 ? -E_NOT_FOUND
			: srs_reverse(q->srs_key, clock_wall_ms() / 1000, str_head(address, (size_t)at), a, ret);

	if (rc == 0)
		rc = store_domain_find(q->store, str_skip(address, (size_t)at + 1));
	return rc == -E_DENIED ? -E_NOT_FOUND : rc;
}

void queue_rcpt_here(struct queue_rcpt *r, const struct store_route *route)
{
	r->is_local = true;
	r->accounts = route->accounts;
	r->n_accounts = route->n_accounts;
	r->forwards = route->forwards;
	r->n_forwards = route->n_forwards;
}

int queue_rcpt_find(struct queue *q, struct arena *a, struct str address, struct queue_rcpt *ret)
{
	struct store_route route;
	struct str sender;
	int rc = queue_return_path(q, a, address, &sender);

	*ret = (struct queue_rcpt){ .address = rc == 0 ? sender : address };
	if (rc != -E_NOT_FOUND)
		return rc;
	rc = store_route(q->store, a, address, 0, &route);
	if (rc == -E_DENIED)
		return str_chr(address, '@') > 0 ? 0 : -E_NOT_FOUND;
	if (rc < 0)
		return rc;
	queue_rcpt_here(ret, &route);
	return 0;
}

/* ---- hints ---- */

static bool has_hint(const struct queue *q, struct str name)
{
	for (size_t i = 0; i < q->n_hints; i++)
		if (str_eq(str_z(q->hints[i]), name))
			return true;
	return false;
}

void queue_hint(struct queue *q, struct str name)
{
	void (*wake)(void *ctx);
	void *ctx;

	lock_get(&q->lock);
	if (name.n == 0 || q->n_hints == QUEUE_HINTS)
		q->has_more_hints = true;
	else if (q->wake && !has_hint(q, name))
		q->hints[q->n_hints++] = mem_dup_z(name);
	wake = q->wake;
	ctx = q->wake_ctx;
	if (wake)
		wake(ctx); /* under the lock, so that it is not gone meanwhile; it only writes to an eventfd */
	lock_put(&q->lock);
}

bool queue_hints_take(struct queue *q, char *ret[QUEUE_HINTS], size_t *ret_n)
{
	bool has_more;

	lock_get(&q->lock);
	memcpy(ret, q->hints, q->n_hints * sizeof(ret[0]));
	*ret_n = q->n_hints;
	has_more = q->has_more_hints;
	q->n_hints = 0;
	q->has_more_hints = false;
	lock_put(&q->lock);
	return has_more;
}

/* ---- the list ---- */

/* What is known of a recipient that waits for its destination is what is known of that. */
static int read_item(struct db_query *q, struct arena *a, struct queue_item *ret)
{
	bool is_down = db_int(q, 13) > 0;
	int64_t due_s = db_int(q, 14), accepted_s = db_int(q, 3);
	int64_t next_s = db_int(q, 8) > accepted_s ? db_int(q, 8) : accepted_s; /* its place in the line may be one before it came */

	*ret = (struct queue_item){
		.qid = arena_str(a, db_text(q, 0)),
		.reverse_path = arena_str(a, db_text(q, 1)),
		.recipient = arena_str(a, db_text(q, 2)),
		.accepted_s = accepted_s,
		.size = (uint64_t)db_int(q, 4),
		.state = (enum queue_state)db_int(q, 5),
		.destination = arena_str(a, db_text(q, 6)),
		.attempts = db_int(q, 7),
		.next_attempt_s = is_down && due_s > next_s ? due_s : next_s,
		.last_attempt_s = db_int(q, 9),
		.enhanced = arena_str(a, db_text(q, is_down ? 15 : 10)),
		.text = arena_str(a, db_text(q, is_down ? 16 : 11)),
		.host = arena_str(a, is_down ? S("") : db_text(q, 12)),
	};
	return ret->qid.p && ret->recipient.p ? 0 : -E_LIMIT;
}

int queue_list(struct queue *queue, struct arena *a, const struct queue_pick *p, struct queue_item **ret, size_t *ret_n)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	struct queue_item *v = NULL;
	size_t n = 0, cap = 0;
	int rc = db_read_begin(store_db(queue->store), &tx);

	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(LIST), DB_T(p->qid.p ? p->qid : S("")), DB_T(p->to.p ? p->to : S("")), DB_T(p->from.p ? p->from : S("")),
		 DB_I(p->has_state ? (int64_t)p->state : -1), DB_I(LIMIT_LIST_ROWS));
	while ((rc = db_step(&q)) > 0) {
		if (arena_grow(a, &v, n, &cap, sizeof(*v)) < 0 || read_item(&q, a, &v[n]) < 0)
			return -E_LIMIT;
		n++;
	}
	if (rc < 0)
		return rc;
	*ret = v;
	*ret_n = n;
	return 0;
}

/* The two numbers of a row. */
static int read_counts(struct db_tx *tx, const struct db_sql *sql, int64_t *ret_first, int64_t *ret_second)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	db_query(tx, &q, sql, NULL, 0);
	rc = db_step(&q);
	if (rc <= 0)
		return rc;
	*ret_first = db_int(&q, 0);
	if (ret_second)
		*ret_second = db_int(&q, 1);
	return 0;
}

int queue_count(struct queue *q, struct queue_counts *ret)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	int rc = db_read_begin(store_db(q->store), &tx);

	*ret = (struct queue_counts){ 0 };
	queue_sched_counts(q, ret);
	if (rc == 0)
		rc = read_counts(tx, SQL(COUNT_RECIPIENTS), &ret->recipients, &ret->held);
	if (rc == 0)
		rc = read_counts(tx, SQL(COUNT_DESTINATIONS), &ret->destinations, &ret->failing);
	return rc == 0 ? read_counts(tx, SQL(OLDEST), &ret->oldest_s, NULL) : rc;
}
