/* SPDX-License-Identifier: MIT */
/*
 * MTA-STS as a sender sees it (RFC 8461 5.1): the TXT record says whether the policy that is known is the newest; a newer one is fetched.
 * What was known and is not too old counts as long as nothing newer can be had: neither a record that is gone nor a web server
 * that is down takes it back. Long before it ends it is fetched again, whatever the record says (RFC 8461 10.2): who wants to take it away has to
 * be in the way all the time, and not just then. The sender keeps nothing: what is known comes with the attempt and goes back with its result.
 */
#include "send/send_int.h"

#include "base/clock.h"

#define WELL_KNOWN "/.well-known/mta-sts.txt"
#define FAILED_MS 300000 /* RFC 8461 3.3: no web server is asked again and again */
#define REFRESH_S 86400  /* the same */

static bool parse(struct arena *a, const struct queue_sts *known, struct sts_policy *ret)
{
	int64_t now_s = clock_wall_ms() / 1000;

	return known->id.n > 0 && sts_policy_parse(known->text, a, ret) == 0 && now_s >= known->fetched_s &&
	       now_s - known->fetched_s < ret->max_age_s;
}

/* ---- domains whose fetch failed lately ---- */

static struct send_sts_failed *failed_slot(struct send *s, struct str domain, uint64_t *ret_hash)
{
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < domain.n; i++)
		h = (h ^ (unsigned char)domain.p[i]) * 1099511628211u;
	*ret_hash = h;
	return &s->sts_failed[h % ARRAY_LEN(s->sts_failed)];
}

/* Why; a success: it has not. */
static enum queue_tlsrpt_outcome has_failed(struct send *s, struct str domain)
{
	uint64_t hash;
	struct send_sts_failed *f = failed_slot(s, domain, &hash);
	enum queue_tlsrpt_outcome r;

	lock_get(&s->lock);
	r = f->hash == hash && clock_mono_ms() < f->until_ms ? f->trouble : QUEUE_TLSRPT_SUCCESS;
	lock_put(&s->lock);
	return r;
}

static enum queue_tlsrpt_outcome note_failed(struct send *s, struct str domain,
					     enum queue_tlsrpt_outcome trouble)
{
	uint64_t hash;
	struct send_sts_failed *f = failed_slot(s, domain, &hash);

	lock_get(&s->lock);
	*f = (struct send_sts_failed){ hash, clock_mono_ms() + FAILED_MS, trouble };
	lock_put(&s->lock);
	return trouble;
}

/* ---- the newest ---- */

static enum queue_tlsrpt_outcome fail(struct send *s, struct arena *a, struct str domain, enum queue_tlsrpt_outcome trouble,
				      const char *text_z, const char **ret_why_z)
{
	*ret_why_z = arena_z(a, str_z(text_z));
	if (!*ret_why_z || !**ret_why_z)
		*ret_why_z = "it could not be fetched";
	return note_failed(s, domain, trouble);
}

/* RFC 8461 3.3. A success, or why not (RFC 8460 4.3.2.2). */
static enum queue_tlsrpt_outcome fetch(struct send *s, struct arena *a, const struct queue_attempt *t, struct str id,
				       struct sts_policy *ret, struct queue_sts *ret_new, const char **ret_why_z)
{
	struct fault fault = { 0 };
	AUTO(buf_fini) struct buf text = BUF_INIT(STS_POLICY_MAX);
	struct str host = arena_printf(a, "mta-sts.%" STR_FMT, STR_ARG(t->hop.domain));
	struct queue_sts got = { .id = arena_str(a, id), .fetched_s = clock_wall_ms() / 1000 };
	bool is_dns_only = s->check && s->check->is_dns_only;
	enum queue_tlsrpt_outcome trouble = has_failed(s, t->hop.domain);
	int r;

	*ret_why_z = is_dns_only ? "nobody is connected to" : "it could not be fetched lately";
	if (!host.p || is_dns_only || trouble != QUEUE_TLSRPT_SUCCESS)
		return trouble != QUEUE_TLSRPT_SUCCESS ? trouble : QUEUE_TLSRPT_STS_FETCH;
	r = s->names.get(s->names.ctx, a, host, S(WELL_KNOWN), &text, &fault);
	if (r < 0)
		return fail(s, a, t->hop.domain, r == -E_TLS ? QUEUE_TLSRPT_STS_WEBPKI : QUEUE_TLSRPT_STS_FETCH, fault.text, ret_why_z);
	got.text = arena_str(a, buf_str(&text));
	if (!got.text.p || !got.id.p || !parse(a, &got, ret))
		return fail(s, a, t->hop.domain, QUEUE_TLSRPT_STS_INVALID, "what is there is no policy", ret_why_z);
	*ret_why_z = "";
	if (got.text.n <= QUEUE_STS_TEXT)
		*ret_new = got;
	return QUEUE_TLSRPT_SUCCESS;
}

/* Is it time to fetch what is known again? */
static bool is_due(const struct queue_sts *known, const struct sts_policy *policy)
{
	int64_t age_s = clock_wall_ms() / 1000 - known->fetched_s;

	return age_s >= REFRESH_S || age_s >= policy->max_age_s / 2;
}

/* The id of the record. 1; 0: none; negative: no answer. */
static int find_id(struct send *s, struct arena *a, struct str domain, struct str *ret)
{
	struct str name = arena_printf(a, "_mta-sts.%" STR_FMT, STR_ARG(domain));
	struct str *records = NULL;
	size_t n = 0;
	int r = name.p ? s->names.txt(s->names.ctx, a, name, send_deadline(s, s->q->command_timeout_ms), &records, &n) : -E_LIMIT;

	return r < 0 ? r : sts_record_parse(records, n, ret);
}

/* Which policy holds, if there is one. */
static void choose(struct send *s, struct arena *a, const struct queue_attempt *t, struct send_sts *ret, struct queue_sts *ret_new,
		   enum queue_tlsrpt_outcome *ret_trouble)
{
	struct sts_policy known, newest;
	bool is_known = parse(a, &t->sts, &known);
	bool is_wanted = is_known && is_due(&t->sts, &known);
	struct str id;
	int found = find_id(s, a, t->hop.domain, &id);

	if (found < 0)
		ret->why_z = "the DNS gives no answer for its record";
	if (found > 0) {
		ret->id = id;
		is_wanted |= !is_known || !str_eq(id, t->sts.id);
	} else {
		id = t->sts.id;
	}
	if (is_wanted)
		*ret_trouble = fetch(s, a, t, id, &newest, ret_new, &ret->why_z);
	if (is_wanted && *ret_trouble == QUEUE_TLSRPT_SUCCESS) {
		ret->policy = newest;
		ret->has_policy = true;
	} else if (is_known) {
		ret->policy = known;
		ret->has_policy = ret->is_remembered = true;
	}
}

bool send_sts_of(struct send *s, struct arena *a, const struct queue_attempt *t, struct sts_policy *ret, struct queue_sts *ret_new,
		 enum queue_tlsrpt_outcome *ret_trouble)
{
	struct send_sts sts = { .why_z = "" };

	*ret_trouble = QUEUE_TLSRPT_SUCCESS;
	if (!s->q->asks_sts || t->hop.host.n > 0 || !s->names.txt)
		return false;
	choose(s, a, t, &sts, ret_new, ret_trouble);
	send_see(s, &(struct send_seen){ .step = SEND_SAW_STS, .sts = &sts });
	*ret = sts.policy;
	return sts.has_policy && sts.policy.mode != STS_NONE;
}
