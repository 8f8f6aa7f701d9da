/* SPDX-License-Identifier: MIT */
/*
 * Where the servers may be: all questions at once, then what came of them, best first and once each.
 *
 *  1. Nobody's word is taken for that of another: a candidate has the best source that names it, a hint tells what each question came to.
 *  2. What is published (SRV, autoconfig) does not keep the usual names from being tried: it may be wrong, and then that is what is to be told. Only where SRV
 *     says that there is no such service (RFC 2782: the target ".") no guess is made.
 *  3. No list of providers is built in: what a domain says today is true, what a list says was true once.
 */
#include "doctor/find_int.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/rnd.h"

#define JOB_ARENA (256u << 10) /* an answer of the DNS has at most 64 KB, a file LIMIT_AUTOCONFIG */
#define CHANCE_LABEL 12

#define READ_AND_SEND (FIND_BIT(DOCTOR_IMAP) | FIND_BIT(DOCTOR_POP3) | FIND_BIT(DOCTOR_SUBMISSION))
#define GUESSED (READ_AND_SEND | FIND_BIT(DOCTOR_SIEVE))
#define ANY (~0u)
#define IMPLICIT (1u << DOCTOR_IMPLICIT)
#define UPGRADED (1u << DOCTOR_STARTTLS | 1u << DOCTOR_PLAIN)

static const struct find_row rows[] = {
	{ FIND_SRV, "_imaps._tcp.", FIND_BIT(DOCTOR_IMAP), IMPLICIT, NULL },             /* RFC 6186 3.2 */
	{ FIND_SRV, "_imap._tcp.", FIND_BIT(DOCTOR_IMAP), UPGRADED, NULL },
	{ FIND_SRV, "_pop3s._tcp.", FIND_BIT(DOCTOR_POP3), IMPLICIT, NULL },             /* RFC 6186 3.3 */
	{ FIND_SRV, "_pop3._tcp.", FIND_BIT(DOCTOR_POP3), UPGRADED, NULL },
	{ FIND_SRV, "_submissions._tcp.", FIND_BIT(DOCTOR_SUBMISSION), IMPLICIT, NULL }, /* RFC 8314 5.1 */
	{ FIND_SRV, "_submission._tcp.", FIND_BIT(DOCTOR_SUBMISSION), UPGRADED, NULL },  /* RFC 6186 3.1 */
	{ FIND_SRV, "_sieve._tcp.", FIND_BIT(DOCTOR_SIEVE), UPGRADED, NULL },            /* RFC 5804 1.8 */
	{ FIND_AUTOCONFIG, "autoconfig.", READ_AND_SEND, 0, "/mail/config-v1.1.xml" },
	{ FIND_AUTOCONFIG, "", READ_AND_SEND, 0, "/.well-known/autoconfig/mail/config-v1.1.xml" },
	{ FIND_MX, "", ANY, 0, NULL },
	{ FIND_NAME, "imap.", FIND_BIT(DOCTOR_IMAP) | FIND_BIT(DOCTOR_SIEVE), 0, NULL },
	{ FIND_NAME, "pop.", FIND_BIT(DOCTOR_POP3), 0, NULL },
	{ FIND_NAME, "pop3.", FIND_BIT(DOCTOR_POP3), 0, NULL },
	{ FIND_NAME, "smtp.", FIND_BIT(DOCTOR_SUBMISSION), 0, NULL },
	{ FIND_NAME, "mail.", GUESSED, 0, NULL },
	{ FIND_NAME, "mx.", GUESSED, 0, NULL },
	{ FIND_NAME, "", ANY, 0, NULL }, /* these two are always asked for, and are the last: take() */
	{ FIND_CHANCE, "", ANY, 0, NULL },
};

/* ---- candidates ---- */

int find_add(struct finding *f, struct doctor_candidate c)
{
	const struct doctor_find *what = f->what;

	if ((what->protocols && !(what->protocols & FIND_BIT(c.protocol))) || (what->port != 0 && what->port != c.port))
		return 0;
	if (arena_grow(f->arena, &f->found.v, f->found.n, &f->cap, sizeof(c)) < 0)
		return -E_LIMIT;
	f->found.v[f->found.n++] = c;
	return 0;
}

static bool is_guess(const struct doctor_candidate *c)
{
	return c->source == DOCTOR_BY_MX || c->source == DOCTOR_BY_NAME;
}

static int compare(const void *left, const void *right)
{
	const struct doctor_candidate *a = left, *b = right;

	if (a->source != b->source)
		return a->source < b->source ? -1 : 1;
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	if (a->protocol != b->protocol)
		return a->protocol < b->protocol ? -1 : 1;
	if (a->tls != b->tls)
		return a->tls < b->tls ? -1 : 1;
	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;
	return strcmp(a->host_z, b->host_z);
}

static bool is_alike(const struct doctor_candidate *a, const struct doctor_candidate *b)
{
	return a->protocol == b->protocol && a->tls == b->tls && a->port == b->port && strcmp(a->host_z, b->host_z) == 0 &&
	       str_eq(str_z(a->alpn_z), str_z(b->alpn_z));
}

static struct doctor_candidate *find_alike(struct doctor_found *found, size_t n, const struct doctor_candidate *c)
{
	for (size_t i = 0; i < n; i++)
		if (is_alike(&found->v[i], c))
			return &found->v[i];
	return NULL;
}

/* Sorted: whoever is like one before is worse, and only tells it what it does not know. */
static void fold(struct finding *f)
{
	struct doctor_found *found = &f->found;
	size_t n = 0;

	if (found->n > 0)
		qsort(found->v, found->n, sizeof(*found->v), compare);
	for (size_t i = 0; i < found->n; i++) {
		struct doctor_candidate c = found->v[i], *other = find_alike(found, n, &c);

		if (is_guess(&c) && (f->denied[c.protocol] & (1u << c.tls)))
			continue;
		if (!other && n < LIMIT_DOCTOR_CANDIDATES)
			found->v[n++] = c;
		if (!other)
			continue;
		if (!other->user_z)
			other->user_z = c.user_z;
		other->is_unproven &= c.is_unproven;
	}
	found->n = n;
}

/* ---- a domain ---- */

static bool is_wanted(const struct doctor_find *what, const struct find_row *row)
{
	return what->protocols == 0 || (row->protocols & what->protocols);
}

static int plan(struct finding *f, struct doctor_lookup *l, struct find_job *jobs, size_t *ret_n)
{
	char chance[CHANCE_LABEL + 2];

	rnd_id_z(chance, CHANCE_LABEL);
	chance[CHANCE_LABEL] = '.';
	chance[CHANCE_LABEL + 1] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct find_job *j = &jobs[*ret_n];

		if (!is_wanted(f->what, &rows[i]))
			continue;
		*j = (struct find_job){ .row = &rows[i], .what = f->what, .l = l, .domain = f->domain };
		j->name = arena_printf(f->arena, "%s%" STR_FMT, rows[i].kind == FIND_CHANCE ? chance : rows[i].label_z, STR_ARG(f->domain));
		if (!j->name.p)
			return -E_LIMIT;
		arena_init(&j->arena, JOB_ARENA);
		++*ret_n;
	}
	return 0;
}

static int take(struct finding *f, const struct find_job *jobs, size_t n)
{
	f->chance = &jobs[n - 1].addresses;
	for (size_t i = 0; i < n; i++)
		if (find_take(f, &jobs[i]) < 0)
			return -E_LIMIT;
	f->found.is_deaf = f->n_deaf == f->n_asked;
	return find_take_implicit_mx(f, &jobs[n - 2].addresses);
}

static int find_domain(struct finding *f, struct doctor_lookup *l)
{
	struct find_job jobs[ARRAY_LEN(rows)];
	size_t n = 0;
	int r = plan(f, l, jobs, &n);

	if (r == 0) {
		find_ask(jobs, n);
		r = take(f, jobs, n);
	}
	for (size_t i = 0; i < n; i++)
		arena_fini(&jobs[i].arena);
	fold(f);
	return r;
}

/* ---- a host ---- */

static int find_host(struct finding *f, const char *host_z)
{
	struct doctor_candidate c = { .source = DOCTOR_BY_USER, .host_z = host_z };
	int r = find_add_ports(f, c, ANY, false);

	fold(f);
	return r;
}

int doctor_find(struct doctor_lookup *l, const struct doctor_find *what, struct arena *a, struct doctor_found *ret)
{
	struct finding f = { .what = what, .arena = a };
	const char *name_z = NULL;
	int r = doctor_find_host(a, what->domain_or_host, &name_z);

	if (r < 0)
		return r;
	if (what->is_host || find_is_address(str_z(name_z))) {
		r = find_host(&f, name_z);
	} else {
		f.domain = str_z(name_z);
		r = find_domain(&f, l);
	}
	if (r == 0)
		*ret = f.found;
	return r;
}
