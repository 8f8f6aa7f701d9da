/* SPDX-License-Identifier: MIT */
/*
 * What reports about TLS (RFC 8460) are made of: each connection of an attempt, and what kept one from being made. It goes to the server process with
 * the result of the attempt, if the domain publishes where it wants to hear of it. That is asked last, when the message has been
 * spoken of already, and begun to be looked for first.
 *
 *  1. A connection that is used again is no session, nor is a second one without TLS after the first has failed.
 *  2. Hosts that the settings name are the administrator's, so nobody hears of them. Nor of attempts whose message needs no TLS (RFC 8689): reports
 *     themselves are such, so no report follows from a report (RFC 8460 3).
 *  3. A check is nobody's mail: nothing is noted of it.
 */
#include "send/send_int.h"

#include "base/clock.h"
#include "mailauth/tlsrpt.h"
#include "net/dns.h"

#define ASK_MS 5000 /* nothing but a report hangs on it */

static struct str record_name(struct arena *a, const struct queue_attempt *t)
{
	return arena_printf(a, "_smtp._tls.%" STR_FMT, STR_ARG(t->hop.domain));
}

void send_tlsrpt_begin(struct send *s, struct arena *a, const struct queue_attempt *t,
		       struct queue_tlsrpt_seen *seen)
{
	const struct queue_hop *h = &t->hop;
	struct str name;

	*seen = (struct queue_tlsrpt_seen){ 0 };
	if (s->check || !s->tlsrpt->address[0] || !s->names.txt || h->host.n > 0 || h->is_lmtp ||
	    h->tls == QUEUE_TLS_NONE || (t->flags & QUEUE_TLS_OPTIONAL))
		return;
	name = record_name(a, t);
	seen->policies = ARENA_ARRAY(a, struct queue_tlsrpt_policy, QUEUE_TLSRPT_POLICIES);
	if (!name.p || !seen->policies)
		return;
	seen->sessions = ARENA_ARRAY(a, struct queue_tlsrpt_session, QUEUE_TLSRPT_SESSIONS);
	if (seen->sessions && s->names.ahead)
		s->names.ahead(s->names.ctx, name);
}

bool send_tlsrpt_is_on(const struct queue_tlsrpt_seen *seen)
{
	return seen->sessions != NULL;
}

/* ---- policies as text ---- */

/* Lines that do not fit are left out, whole. */
static void add_line(struct buf *out, struct str line)
{
	if (out->n + line.n + 1 > QUEUE_TLSRPT_POLICY)
		return;
	buf_add(out, out->n > 0 ? S("\n") : S(""));
	buf_add(out, line);
}

/* RFC 8460 4.5: "3 0 1 1F85..." (RFC 6698 2.2). */
struct queue_tlsrpt_policy send_tlsrpt_of_tlsa(struct arena *a, const struct send_records *r)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(QUEUE_TLSRPT_POLICY + 1);

	for (size_t i = 0; i < r->n; i++) {
		AUTO(buf_fini) struct buf line = BUF_INIT(QUEUE_TLSRPT_POLICY);
		struct net_dns_tlsa t;

		if (!net_dns_tlsa(r->v[i], &t))
			continue;
		buf_printf(&line, "%u %u %u ", t.usage, t.selector, t.matching);
		for (size_t k = 0; k < t.data.n; k++)
			buf_printf(&line, "%02X", (unsigned char)t.data.p[k]);
		if (!buf_overflowed(&line))
			add_line(&text, buf_str(&line));
	}
	return (struct queue_tlsrpt_policy){ .type = QUEUE_TLSRPT_TLSA,
					     .domain = r->base,
					     .text = arena_str(a, buf_str(&text)) };
}

/* p NULL: what it says is not known. */
struct queue_tlsrpt_policy send_tlsrpt_of_sts(struct arena *a, struct str domain,
					      const struct sts_policy *p)
{
	static const char *const modes_z[] = {
		[STS_NONE] = "none", [STS_TESTING] = "testing", [STS_ENFORCE] = "enforce"
	};
	AUTO(buf_fini) struct buf text = BUF_INIT(QUEUE_TLSRPT_POLICY + 1);

	if (p) {
		add_line(&text, S("version: STSv1"));
		add_line(&text, arena_printf(a, "mode: %s", modes_z[p->mode]));
		for (size_t i = 0; i < p->n_mx; i++)
			add_line(&text, arena_printf(a, "mx: %" STR_FMT, STR_ARG(p->mx[i])));
		add_line(&text, arena_printf(a, "max_age: %lld", (long long)p->max_age_s));
	}
	return (struct queue_tlsrpt_policy){ .type = QUEUE_TLSRPT_STS,
					     .domain = domain,
					     .text = arena_str(a, buf_str(&text)) };
}

/* ---- sessions ---- */

/* RFC 8460 4.3.1 */
static enum queue_tlsrpt_outcome outcome_of(enum net_tls_problem problem)
{
	static const enum queue_tlsrpt_outcome outcomes[] = {
		[NET_TLS_FINE] = QUEUE_TLSRPT_VALIDATION,
		[NET_TLS_OTHER_NAME] = QUEUE_TLSRPT_HOST_MISMATCH,
		[NET_TLS_EXPIRED] = QUEUE_TLSRPT_EXPIRED,
		[NET_TLS_UNTRUSTED] = QUEUE_TLSRPT_NOT_TRUSTED,
		[NET_TLS_OTHER] = QUEUE_TLSRPT_VALIDATION,
	};

	return outcomes[problem];
}

enum queue_tlsrpt_outcome send_tlsrpt_judge(const struct send_policy *p,
					    const struct smtp_client_tls *tls)
{
	if (tls->state == SMTP_CLIENT_TLS_NOT_THERE)
		return QUEUE_TLSRPT_NO_STARTTLS;
	if (p->trouble != QUEUE_TLSRPT_SUCCESS)
		return p->trouble;
	/* Where nothing is published a certificate proves nothing, so it is not what a handshake has failed for. */
	if (p->published.type == QUEUE_TLSRPT_NONE)
		return tls->state == SMTP_CLIENT_TLS_DONE ? QUEUE_TLSRPT_SUCCESS
							  : QUEUE_TLSRPT_VALIDATION;
	if (tls->state == SMTP_CLIENT_TLS_FAILED)
		return outcome_of(tls->problem);
	/* A policy in testing mode is looked at only. */
	return tls->problem == NET_TLS_FINE ? QUEUE_TLSRPT_SUCCESS : outcome_of(tls->problem);
}

static bool is_same(const struct queue_tlsrpt_policy *a, const struct queue_tlsrpt_policy *b)
{
	return a->type == b->type && str_eq(a->domain, b->domain) && str_eq(a->text, b->text);
}

/* Its number; QUEUE_TLSRPT_POLICIES: there is no room for it. */
static size_t number_of(struct queue_tlsrpt_seen *seen, const struct queue_tlsrpt_policy *p)
{
	size_t i = 0;

	while (i < seen->n_policies && !is_same(&seen->policies[i], p))
		i++;
	if (i == seen->n_policies && i < QUEUE_TLSRPT_POLICIES)
		seen->policies[seen->n_policies++] = *p;
	return i;
}

/* Cut where a character begins. */
static struct str cut(struct str s, size_t max)
{
	size_t n = s.n < max ? s.n : max;

	while (n < s.n && n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
		n--;
	return str_head(s, n);
}

void send_tlsrpt_note(struct arena *a, struct queue_tlsrpt_seen *seen,
		      const struct queue_tlsrpt_policy *p,
		      const struct queue_tlsrpt_session *session)
{
	struct queue_tlsrpt_session s = *session;
	bool is_success = s.outcome == QUEUE_TLSRPT_SUCCESS;

	s.policy = seen->n_sessions < QUEUE_TLSRPT_SESSIONS ? number_of(seen, p)
							    : QUEUE_TLSRPT_POLICIES;
	if (s.policy == QUEUE_TLSRPT_POLICIES)
		return;
	/* Of what went well the report has the number only. */
	s.host = arena_str(a, is_success ? S("") : s.host);
	s.peer = arena_str(a, is_success ? S("") : s.peer);
	s.own = arena_str(a, is_success ? S("") : s.own);
	s.reason = arena_str(a, is_success || !str_is_utf8(s.reason)
					? S("")
					: cut(s.reason, QUEUE_TLSRPT_REASON));
	if (s.host.p && s.peer.p && s.own.p && s.reason.p)
		seen->sessions[seen->n_sessions++] = s;
}

void send_tlsrpt_end(struct send *s, struct arena *a, const struct queue_attempt *t,
		     struct queue_tlsrpt_seen *seen)
{
	struct str name, rua, *records = NULL;
	size_t n = 0;

	if (seen->n_sessions > 0) {
		name = record_name(a, t);
		if (name.p &&
		    s->names.txt(s->names.ctx, a, name, clock_mono_ms() + ASK_MS, &records, &n) ==
			    0 &&
		    tlsrpt_record_parse(records, n, a, &rua)) {
			seen->rua = rua;
			return;
		}
	}
	*seen = (struct queue_tlsrpt_seen){ 0 };
}

/* ---- a report on its way ---- */

void send_tlsrpt_post(struct send *s, const struct queue_attempt *t, struct arena *a, struct queue_result *ret)
{
	int64_t begun_ms = clock_mono_ms();
	struct fault fault = { 0 };
	int r = s->names.post(s->names.ctx, a, t->post, t->message, &fault);

	*ret = (struct queue_result){ .id = t->id, .rcpts = ret->rcpts, .n_rcpts = t->n_rcpts, .ms = clock_mono_ms() - begun_ms };
	ret->stage = r < 0 ? QUEUE_AT_CONNECT : QUEUE_AT_END;
	for (size_t i = 0; i < t->n_rcpts; i++) {
		ret->rcpts[i].outcome = r < 0 ? QUEUE_DEFERRED : QUEUE_DELIVERED;
		ret->rcpts[i].reply = r < 0 ? send_say(a, "4.4.0", "%s", fault.text) : send_say(a, "2.0.0", "taken");
	}
}
