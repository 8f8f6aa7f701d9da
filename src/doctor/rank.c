/* SPDX-License-Identifier: MIT */
/* See rank.h. */
#include "doctor/rank.h"

#include "base/mem.h"

static int compare(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

/* More is better. */
static int security(const struct doctor_attempt *a)
{
	bool is_newest = str_eq(str_z(a->version_z), S("TLSv1.3"));

	return !a->is_tls ? 0 : !a->is_verified ? 1 : is_newest ? 3 : 2;
}

/* Ports that are there for a protocol; others, such as 443, 2525, and 25 for submission, are ways round. */
static bool is_usual(const struct doctor_candidate *c)
{
	static const struct {
		enum doctor_protocol protocol;
		uint16_t port;
	} rows[] = {
		{ DOCTOR_IMAP, 993 }, { DOCTOR_IMAP, 143 }, { DOCTOR_POP3, 995 }, { DOCTOR_POP3, 110 }, { DOCTOR_SUBMISSION, 465 },
		{ DOCTOR_SUBMISSION, 587 }, { DOCTOR_SMTP, 25 }, { DOCTOR_LMTP, 24 }, { DOCTOR_SIEVE, 4190 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].protocol == c->protocol && rows[i].port == c->port)
			return true;
	return false;
}

int64_t doctor_rank_ms(const struct doctor_attempt *a)
{
	int64_t ms = 0;

	for (int i = DOCTOR_AT_TCP; i <= DOCTOR_AT_CAPABILITIES; i++)
		ms += a->stages[i].ms;
	return ms;
}

int doctor_rank_hope(const struct doctor_candidate *a, const struct doctor_candidate *b)
{
	int order[] = {
		compare(a->source, b->source), compare(is_usual(b), is_usual(a)), compare(a->tls, b->tls), compare(a->rank, b->rank),
	};

	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		if (order[i] != 0)
			return order[i];
	return 0;
}

int doctor_rank_compare(const struct doctor_attempt *a, const struct doctor_attempt *b)
{
	const struct doctor_candidate *ca = a->candidate, *cb = b->candidate;
	int order[] = {
		compare(security(b), security(a)),
		compare(a->cause == DOCTOR_WORKS_LATE, b->cause == DOCTOR_WORKS_LATE),
		compare(is_usual(cb), is_usual(ca)),
		compare(ca->tls, cb->tls),
		compare(b->is_host_named, a->is_host_named),
		compare(ca->source, cb->source),
		compare(ca->rank, cb->rank),
		compare(doctor_rank_ms(a), doctor_rank_ms(b)),
	};

	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		if (order[i] != 0)
			return order[i];
	return 0;
}

struct doctor_attempt *doctor_rank_best(struct doctor_attempt *v, size_t n, enum doctor_protocol protocol)
{
	struct doctor_attempt *best = NULL;

	for (size_t i = 0; i < n; i++)
		if (v[i].candidate->protocol == protocol && doctor_is_good((enum doctor_cause)v[i].cause) &&
		    (!best || doctor_rank_compare(&v[i], best) < 0))
			best = &v[i];
	return best;
}
