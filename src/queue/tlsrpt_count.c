/* SPDX-License-Identifier: MIT */
/*
 * Sessions counted for reports, in the transaction that writes down what came of the attempt. Equal ones share a row, so a day takes as much as there
 * are kinds of trouble, and that is bounded: whoever publishes a record and has names without end below his domain can make us write to them.
 *
 * States of a report:
 *  1. collecting: its row is there, due is after the end of the day (RFC 8460 4.1: some time within four hours), and sessions of the day are added.
 *  2. due: it is made of the rows and tried (tlsrpt.c); due is moved on with each failure. A crash changes nothing: it is tried again, with
 *     the same id, by which the other side knows what it has (RFC 8460 5.3).
 *  3. sent, or given up: its rows are gone.
 */
#include "queue/queue_int.h"

#include "base/limits.h"
#include "base/rnd.h"

#define DAY_S 86400
#define DELAY_S 14400 /* RFC 8460 4.1 */
#define ROW_BYTES 100 /* of a row beside its texts */

static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\0' || !strchr("abcdefghijklmnopqrstuvwxyz0123456789-._", s.p[i]))
			return false;
	return s.n > 0 && s.n < 255;
}

/* FNV-1a; whoever makes two of his own equal mixes up his own report. */
static uint64_t mix(uint64_t h, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 1099511628211u;
	return (h ^ 0x1ff) * 1099511628211u; /* its end */
}

static int64_t key_of(const struct queue_tlsrpt_policy *p, const struct queue_tlsrpt_session *s)
{
	const unsigned char kinds[2] = { (unsigned char)p->type, (unsigned char)s->outcome };
	const struct str all[] = { str_of(kinds, sizeof(kinds)),
				   p->domain,
				   p->text,
				   s->host,
				   s->peer,
				   s->own,
				   s->reason };
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		h = mix(h, all[i]);
	return (int64_t)(h >> 1);
}

/* 1: there is one of that kind, which is one more now; 0: there is none. */
static int count_again(struct db_tx *tx, int64_t day, struct str domain, int64_t key)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(tx, &q, SQL(TLSRPT_COUNT), DB_I(day), DB_T(domain), DB_I(key));
	rc = db_step(&q);
	while (rc > 0 && db_step(&q) > 0)
		;
	return rc;
}

/* 1: the report of the day is there, with *ret_size; 0: not yet. */
static int find_report(struct db_tx *tx, int64_t day, struct str domain, int64_t *ret_size)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(tx, &q, SQL(TLSRPT_SIZE), DB_I(day), DB_T(domain));
	rc = db_step(&q);
	*ret_size = rc > 0 ? db_int(&q, 0) : 0;
	return rc;
}

static int find_day(struct db_tx *tx, int64_t day, int64_t *ret_domains, int64_t *ret_size)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(tx, &q, SQL(TLSRPT_DAY), DB_I(day));
	rc = db_step(&q);
	*ret_domains = rc > 0 ? db_int(&q, 0) : 0;
	*ret_size = rc > 0 ? db_int(&q, 1) : 0;
	return rc < 0 ? rc : 0;
}

static int add_report(struct db_tx *tx, int64_t day, struct str domain, struct str rua)
{
	char id[17];

	rnd_id_z(id, sizeof(id) - 1);
	return DB_EXEC(tx, SQL(TLSRPT_ADD), DB_I(day), DB_T(domain), DB_T(str_z(id)), DB_T(rua),
		       DB_I((day + 1) * DAY_S + 1 + (int64_t)(rnd_u64() % DELAY_S)));
}

/* One of a kind that was not there. */
static int add_session(struct db_tx *tx, int64_t day, struct str domain, struct str rua,
		       const struct queue_tlsrpt_policy *p, const struct queue_tlsrpt_session *s)
{
	int64_t size = (int64_t)(ROW_BYTES + domain.n + p->domain.n + p->text.n + s->host.n +
				 s->peer.n + s->own.n + s->reason.n);
	int64_t report_size, day_size, domains;
	int found = find_report(tx, day, domain, &report_size);
	int rc = found < 0 ? found : find_day(tx, day, &domains, &day_size);

	if (found == 0)
		size += (int64_t)(ROW_BYTES + domain.n + rua.n);
	if (rc < 0 || report_size + size > LIMIT_TLSRPT_DOMAIN ||
	    day_size + size > LIMIT_TLSRPT_DAY || (found == 0 && domains >= LIMIT_TLSRPT_DOMAINS))
		return rc;
	if (found == 0)
		rc = add_report(tx, day, domain, rua);
	if (rc == 0)
		rc = DB_EXEC(tx, SQL(TLSRPT_SESSION_ADD), DB_I(day), DB_T(domain),
			     DB_I(key_of(p, s)), DB_I(p->type), DB_T(p->domain), DB_T(p->text),
			     DB_I(s->outcome), DB_T(s->host), DB_T(s->peer), DB_T(s->own),
			     DB_T(s->reason));
	if (rc == 0)
		rc = DB_EXEC(tx, SQL(TLSRPT_GREW), DB_I(day), DB_T(domain), DB_I(size));
	return rc == 0 ? DB_EXEC(tx, SQL(TLSRPT_DAY_GREW), DB_I(day), DB_I(found == 0), DB_I(size))
		       : rc;
}

int queue_tlsrpt_count_tx(struct db_tx *tx, struct str domain, const struct queue_tlsrpt_seen *seen,
			  int64_t now_s)
{
	int64_t day = now_s / DAY_S;
	int rc = 0;

	if (!is_name(domain))
		return 0;
	for (size_t i = 0; i < seen->n_sessions && rc == 0; i++) {
		const struct queue_tlsrpt_session *s = &seen->sessions[i];
		const struct queue_tlsrpt_policy *p = &seen->policies[s->policy];

		rc = count_again(tx, day, domain, key_of(p, s));
		rc = rc == 0 ? add_session(tx, day, domain, seen->rua, p, s) : rc > 0 ? 0 : rc;
	}
	return rc;
}
