/* SPDX-License-Identifier: MIT */
/* Which record of DMARC counts for a domain, and who is of one organization: the DNS Tree Walk. RFC 9989 4.10; RFC 7489 7.1. */
#include "mailauth/dmarc.h"

/* ---- one name ---- */

/* The one valid record at _dmarc.DOMAIN. 1; 0: none, or several; negative. */
static int ask(const struct lookup *l, struct str domain, struct arena *a, struct dmarc_record *ret,
	       size_t *ret_n)
{
	struct str name = arena_printf(a, "_dmarc.%" STR_FMT, STR_ARG(domain)), text = S("");
	struct lookup_answer answer;
	int r;

	*ret_n = 0;
	if (!name.p)
		return -E_LIMIT;
	if (name.n > 253)
		return 0;
	r = l->ask(l->ctx, a, name, LOOKUP_TXT, &answer);
	for (size_t i = 0; r == 0 && i < answer.n; i++)
		if (dmarc_record_is(answer.v[i])) {
			text = answer.v[i];
			(*ret_n)++;
		}
	if (r < 0)
		return r;
	return *ret_n == 1 && dmarc_record_parse(text, ret) == 0;
}

/* ---- the walk ---- */

static size_t count_labels(struct str s)
{
	size_t n = 1;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == '.';
	return n;
}

static struct str parent(struct str s)
{
	ptrdiff_t dot = str_chr(s, '.');

	return dot < 0 ? S("") : str_skip(s, (size_t)dot + 1);
}

/* RFC 9989 4.10, steps 3, 4: at most seven labels behind the first question. */
static struct str next_target(struct str s)
{
	s = parent(s);
	while (s.n > 0 && count_labels(s) > DMARC_WALK - 1)
		s = parent(s);
	return s;
}

struct walk {
	struct {
		struct str domain;
		struct dmarc_record record;
	} found[DMARC_WALK]; /* the valid records, the longest domain first */
	size_t n;
	struct str organization;
	size_t n_own; /* records at the domain itself, valid or not */
};

static struct str one_below(struct str domain, struct str psd)
{
	while (parent(domain).n > psd.n)
		domain = parent(domain);
	return domain;
}

/* RFC 9989 4.10.2: by a psd tag, else the shortest with a record, else the domain itself. */
static struct str organization_of(const struct walk *w, struct str domain)
{
	struct str last = w->n > 0 ? w->found[w->n - 1].domain : domain;
	char psd = w->n > 0 ? w->found[w->n - 1].record.psd : 'u';

	return psd == 'y' && last.n < domain.n ? one_below(domain, last) : last;
}

static int walk(const struct lookup *l, struct str domain, struct arena *a, struct walk *w)
{
	*w = (struct walk){ .n = 0 };
	for (struct str target = domain; target.n > 0 && w->n < DMARC_WALK;
	     target = next_target(target)) {
		size_t n;
		int r = ask(l, target, a, &w->found[w->n].record, &n);

		if (r < 0)
			return r;
		if (target.n == domain.n)
			w->n_own = n;
		if (r == 0)
			continue;
		w->found[w->n++].domain = target;
		if (w->found[w->n - 1].record.psd != 'u')
			break;
	}
	w->organization = organization_of(w, domain);
	return 0;
}

/* RFC 9989 4.10.1: the domain's own, its organization's, its public suffix's. */
static const struct dmarc_record *choose(const struct walk *w, struct str domain,
					 struct str *ret_domain)
{
	const struct str wanted[] = { domain, w->organization };

	for (size_t k = 0; k < ARRAY_LEN(wanted); k++)
		for (size_t i = 0; i < w->n; i++)
			if (w->found[i].domain.n == wanted[k].n) {
				*ret_domain = w->found[i].domain;
				return &w->found[i].record;
			}
	if (w->n == 0 || w->found[w->n - 1].record.psd != 'y')
		return NULL;
	*ret_domain = w->found[w->n - 1].domain;
	return &w->found[w->n - 1].record;
}

static enum dmarc_policy policy_of(const struct dmarc_record *r, bool is_below)
{
	if (!r->has_bad_policy)
		return is_below && r->sp != DMARC_NO_POLICY ? r->sp : r->p;
	for (size_t i = 0; i < r->n_rua; i++)
		if (r->rua[i].host.n > 0)
			return DMARC_NONE;
	return DMARC_NO_POLICY;
}

int dmarc_find(const struct lookup *l, struct str domain, struct arena *a, struct dmarc_found *ret)
{
	const struct dmarc_record *record;
	struct walk w;
	int r = walk(l, domain, a, &w);

	if (r < 0)
		return r;
	*ret = (struct dmarc_found){ .organization = w.organization, .n_own = w.n_own };
	record = choose(&w, domain, &ret->domain);
	if (!record)
		return 0;
	ret->record = *record;
	ret->is_psd = record->psd == 'y';
	ret->policy = policy_of(record, ret->domain.n < domain.n);
	return 0;
}

int dmarc_may_report(const struct lookup *l, const struct dmarc_found *found, struct str host,
		     struct arena *a, struct str *ret_name)
{
	struct lookup_answer answer;
	struct walk w;
	struct str name;
	int r;

	*ret_name = S("");
	if (str_ieq(host, found->organization) || str_ieq(host, found->domain))
		return 1;
	r = walk(l, host, a, &w);
	if (r < 0)
		return r;
	if (str_ieq(w.organization, found->organization))
		return 1;
	name = arena_printf(a, "%" STR_FMT "._report._dmarc.%" STR_FMT, STR_ARG(found->domain),
			    STR_ARG(host));
	if (!name.p)
		return -E_LIMIT;
	*ret_name = name;
	if (name.n > 253) /* RFC 7489 7.1, step 4 */
		return 0;
	r = l->ask(l->ctx, a, name, LOOKUP_TXT, &answer);
	for (size_t i = 0; r == 0 && i < answer.n; i++)
		if (dmarc_record_is(answer.v[i]))
			return 1;
	return r;
}
