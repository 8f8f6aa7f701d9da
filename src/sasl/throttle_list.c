/* SPDX-License-Identifier: MIT */
/* What an operator sees of the throttling, and lifts. */
#include "sasl/sasl_int.h"

#include "base/clock.h"
#include "base/limits.h"

static const char *const scope_names[SASL_N_LABELS] = {
	[SASL_ADDRESS] = "address",
	[SASL_NETWORK] = "network",
	[SASL_ACCOUNT] = "account",
};

/* What an entry with that count means now. */
static bool is_at_limit(const struct sasl_tally_entry *e, enum sasl_scope scope, int64_t count,
			struct sasl_rate r, int64_t now_ms)
{
	return scope == SASL_ACCOUNT ? r.limit > 0 && count >= r.limit : e->until_ms > now_ms;
}

/* Under the lock: calls fn for each entry that counts. */
typedef int each_fn(void *ctx, enum sasl_scope scope, const char *label_z,
		    const struct sasl_tally_entry *e, int64_t count, bool is_limited,
		    int64_t now_ms);

static int each(struct sasl *s, each_fn *fn, void *ctx)
{
	AUTO(sasl_conf_put) struct conf *hold = NULL;
	const struct sasl_conf *set = sasl_conf_get(s, &hold);
	int64_t now_ms = clock_mono_ms();
	int rc = 0;

	lock_get(&s->throttle->lock);
	for (enum sasl_scope scope = 0; scope < SASL_N_LABELS && rc == 0; scope++) {
		const struct sasl_tally *t = &s->throttle->tallies[scope];
		struct sasl_rate r = sasl_throttle_rate(set, scope);

		for (size_t i = 0; i < t->n && rc == 0; i++) {
			const struct sasl_tally_entry *e = &t->entries[i];
			int64_t n = sasl_tally_count(e, r, now_ms);

			if (n > 0)
				rc = fn(ctx, scope, t->labels[i], e, n,
					is_at_limit(e, scope, n, r, now_ms), now_ms);
		}
	}
	lock_put(&s->throttle->lock);
	return rc;
}

struct listing {
	struct arena *a;
	struct sasl_throttled *v;
	size_t n, cap;
};

static int list_one(void *ctx, enum sasl_scope scope, const char *label_z,
		    const struct sasl_tally_entry *e, int64_t count, bool is_limited,
		    int64_t now_ms)
{
	struct listing *l = ctx;

	if (arena_grow(l->a, &l->v, l->n, &l->cap, sizeof(*l->v)) < 0)
		return -E_LIMIT;
	l->v[l->n] = (struct sasl_throttled){
		.scope_z = scope_names[scope],
		.name = arena_str(l->a, str_z(label_z)),
		.failures = count,
		.is_limited = is_limited,
		.wait_s = scope != SASL_ACCOUNT && is_limited ? (e->until_ms - now_ms + 999) / 1000
							      : 0,
	};
	return l->v[l->n++].name.p != NULL ? 0 : -E_LIMIT;
}

int sasl_throttled_list(struct sasl *s, struct arena *a, struct sasl_throttled **ret, size_t *ret_n)
{
	struct listing l = { .a = a };
	int rc = each(s, list_one, &l);

	if (rc < 0)
		return rc;
	*ret = l.v;
	*ret_n = l.n;
	return 0;
}

static int count_one(void *ctx, enum sasl_scope scope, const char *label_z,
		     const struct sasl_tally_entry *e, int64_t count, bool is_limited,
		     int64_t now_ms)
{
	struct sasl_counts *n = ctx;

	(void)label_z, (void)e, (void)count, (void)now_ms;
	if (is_limited)
		(*(scope == SASL_ACCOUNT ? &n->accounts_attacked : &n->addresses_refused))++;
	return 0;
}

void sasl_counts(struct sasl *s, struct sasl_counts *ret)
{
	struct sasl_counts n;

	lock_get(&s->throttle->lock);
	n = s->throttle->n;
	lock_put(&s->throttle->lock);
	(void)each(s, count_one, &n);
	n.logged_in = sasl_seats_count(s->seats);
	*ret = n;
}

int sasl_throttled_forget(struct sasl *s, struct str what)
{
	int64_t now_ms = clock_mono_ms();
	int n_found = 0;

	lock_get(&s->throttle->lock);
	for (enum sasl_scope scope = 0; scope < SASL_N_LABELS; scope++) {
		struct sasl_tally *t = &s->throttle->tallies[scope];

		for (size_t i = 0; i < t->n; i++) {
			if (t->entries[i].key == 0 ||
			    !str_ieq(str_z(t->labels[i]), str_head(what, SASL_LABEL - 1)))
				continue;
			n_found += t->entries[i].end_ms > now_ms;
			t->entries[i] = (struct sasl_tally_entry){ 0 };
		}
	}
	lock_put(&s->throttle->lock);
	return n_found > 0 ? 0 : -E_NOT_FOUND;
}
