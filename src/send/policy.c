/* SPDX-License-Identifier: MIT */
/*
 * What TLS a connection has to have: the one place where the settings' word, the message's (REQUIRETLS, RFC 8689) and what the
 * other side publishes (DANE, RFC 7672) come together. The strictest counts:
 *
 *   the hop says          none        nothing is tried
 *                         may         what is published, else STARTTLS if offered, and without it if it fails (RFC 7435)
 *                         encrypt     what is published, else STARTTLS with any certificate
 *                         verify      what is published, else STARTTLS and a certificate for the host
 *                         implicit    TLS from the start and a certificate for the host
 *   published, usable     DANE        the certificate has to fit the records
 *   published, unusable   DANE        STARTTLS with any certificate (RFC 7672 2.2)
 *   published, enforced   MTA-STS     one of its hosts, with a certificate for it, where DANE says nothing (RFC 8461 2)
 *   the message says      TLS-Required: No   nothing that is published counts, nor does a failure (RFC 8689 4.2.2)
 *   the message says      REQUIRETLS  verified in one of these ways, to a host that DNSSEC or MTA-STS named
 */
#include "send/send_int.h"

#include "base/clock.h"

static const struct {
	enum net_starttls starttls;
	enum net_trust trust;
	enum send_level level;
	bool may_plain, is_asked; /* is_asked: what is published counts */
} rows[QUEUE_N_TLS] = {
	[QUEUE_TLS_MAY] = { NET_STARTTLS_IF_OFFERED, NET_TRUST_ANY, SEND_PLAIN, true, true },
	[QUEUE_TLS_NONE] = { NET_STARTTLS_NEVER, NET_TRUST_ANY, SEND_PLAIN, true, false },
	[QUEUE_TLS_ENCRYPT] = { NET_STARTTLS_ALWAYS, NET_TRUST_ANY, SEND_ENCRYPTED, false, true },
	[QUEUE_TLS_VERIFY] = { NET_STARTTLS_ALWAYS, NET_TRUST_PKIX, SEND_VERIFIED, false, true },
	[QUEUE_TLS_IMPLICIT] = { NET_STARTTLS_FROM_START, NET_TRUST_PKIX, SEND_VERIFIED, false, false },
};

/* How a kept connection's host was named is not remembered, so REQUIRETLS asks anew. */
bool send_level_of(const struct queue_attempt *t, enum send_level *ret)
{
	*ret = rows[t->hop.tls].level;
	return !(t->flags & QUEUE_REQUIRETLS);
}

/* RFC 7672 3.2.2: the name that the records stand at, and the domain whose mail it is. */
static int set_names(struct arena *a, const struct queue_attempt *t, struct str host, struct send_policy *p)
{
	const char **names = ARENA_ARRAY(a, const char *, 3);

	if (!names)
		return -E_LIMIT;
	names[0] = arena_z(a, host);
	if (t->hop.host.n == 0 && p->want.trust == NET_TRUST_DANE)
		names[1] = arena_z(a, t->hop.domain);
	p->want.names_z = names;
	p->want.sni_z = names[0];
	return names[0] ? 0 : -E_LIMIT;
}

/* A certificate by an authority, from here on. */
static void demand_pkix(struct send_policy *p, const char *by_z)
{
	p->may_plain = false;
	p->level = SEND_VERIFIED;
	if (p->starttls == NET_STARTTLS_IF_OFFERED)
		p->starttls = NET_STARTTLS_ALWAYS;
	if (p->want.trust != NET_TRUST_ANY)
		return;
	p->want.trust = NET_TRUST_PKIX;
	p->by_z = by_z;
}

/* RFC 7672 2.2: TLSA records are worth what the answers are that led to them. */
static int ask_dane(struct send *s, struct arena *a, const struct send_domain *d, const struct send_host *host,
		    const struct send_place *place, struct send_policy *p, struct queue_reply *ret_reply)
{
	struct send_records records = { 0 };
	int r;

	if (!d->hosts.is_secure || !place->is_secure || host->name.n == 0) {
		send_see(s, &(struct send_seen){ .step = SEND_SAW_DANE, .records = &records });
		return 0;
	}
	r = s->names.tlsa(s->names.ctx, a, place, d->attempt->hop.port, send_deadline(s, s->q->command_timeout_ms), &records, ret_reply);
	send_see(s, &(struct send_seen){ .step = SEND_SAW_DANE, .records = &records, .is_secure = true, .err = r,
					 .reply = r < 0 ? *ret_reply : (struct queue_reply){ 0 },
					 .outcome = r < 0 ? QUEUE_DEFERRED : QUEUE_DELIVERED });
	if (r == -E_DENIED) {
		p->published = (struct queue_tlsrpt_policy){ .type = QUEUE_TLSRPT_TLSA, .domain = host->name };
		p->trouble = QUEUE_TLSRPT_DNSSEC_INVALID;
	}
	if (r < 0 || records.n == 0)
		return r;
	if (d->is_reported)
		p->published = send_tlsrpt_of_tlsa(a, &records);
	p->starttls = NET_STARTTLS_ALWAYS;
	p->may_plain = false;
	/* What OpenSSL can use decides (RFC 7671 10.1.1): a certificate in it may be none. */
	if (!records.is_usable || net_stream_tlsa_usable(s->tls, records.v, records.n) == 0) {
		p->trouble = QUEUE_TLSRPT_TLSA_INVALID;
		p->level = p->level > SEND_ENCRYPTED ? p->level : SEND_ENCRYPTED;
		return 0;
	}
	p->want.trust = NET_TRUST_DANE;
	p->want.tlsa = records.v;
	p->want.n_tlsa = records.n;
	p->level = SEND_VERIFIED;
	p->by_z = "DANE";
	return set_names(a, d->attempt, records.base, p);
}

/* RFC 8461 4.1, 4.2; 2: where DANE is used, its word counts. */
static int ask_sts(struct arena *a, const struct send_domain *d, const struct send_host *host, struct send_policy *p,
		   struct queue_reply *ret_reply)
{
	bool is_named;

	if (!d->has_sts || p->want.trust == NET_TRUST_DANE)
		return 0;
	is_named = sts_policy_has_mx(&d->sts, host->name);
	if (d->is_reported && p->published.type == QUEUE_TLSRPT_NONE) {
		p->published = send_tlsrpt_of_sts(a, d->attempt->hop.domain, &d->sts);
		p->trouble = is_named ? QUEUE_TLSRPT_SUCCESS : QUEUE_TLSRPT_VALIDATION;
	}
	if (d->sts.mode != STS_ENFORCE)
		return 0;
	if (!is_named) {
		*ret_reply = send_say(a, "4.7.5", "%" STR_FMT " is none of the hosts that the domain's MTA-STS policy names", STR_ARG(host->name));
		return -E_DENIED;
	}
	demand_pkix(p, "MTA-STS");
	return 0;
}

/* RFC 8689 4.2.1: verified, and to a host that DNSSEC or a policy named. */
static int require(struct arena *a, const struct send_domain *d, struct send_policy *p, struct queue_reply *ret_reply)
{
	if (d->attempt->hop.tls == QUEUE_TLS_NONE) {
		*ret_reply = send_say(a, "5.7.30", "REQUIRETLS was asked for, and TLS is off for this destination");
		return -E_DENIED;
	}
	if (!d->hosts.is_secure && !(d->has_sts && d->sts.mode == STS_ENFORCE)) {
		*ret_reply = send_say(a, "5.7.30", "REQUIRETLS was asked for, and neither DNSSEC nor MTA-STS says which hosts take the domain's mail");
		return -E_DENIED;
	}
	demand_pkix(p, "certificate");
	return 0;
}

static void see(struct send *s, const struct send_policy *p, int r, const struct queue_reply *reply)
{
	if (r < 0)
		send_see(s, &(struct send_seen){ .step = SEND_SAW_POLICY, .err = r, .reply = *reply,
						 .outcome = send_outcome_before(QUEUE_AT_TLS, reply) });
	else
		send_see(s, &(struct send_seen){ .step = SEND_SAW_POLICY, .level = p->level, .starttls = p->starttls, .by_z = p->by_z });
}

int send_policy_of(struct send *s, struct arena *a, const struct send_domain *d, const struct send_host *host,
		   const struct send_place *place, struct send_policy *ret, struct queue_reply *ret_reply)
{
	const struct queue_attempt *t = d->attempt;
	struct send_policy p = { .starttls = rows[t->hop.tls].starttls, .want.trust = rows[t->hop.tls].trust,
				 .level = rows[t->hop.tls].level, .may_plain = rows[t->hop.tls].may_plain, .by_z = "certificate",
				 .published.domain = t->hop.domain };
	bool is_asked = rows[t->hop.tls].is_asked && !(t->flags & QUEUE_TLS_OPTIONAL);
	bool is_known;
	int r = 0;

	*ret_reply = send_say(a, "4.3.0", "the TLS policy takes too much memory");
	if (host->name.n > 0)
		r = set_names(a, t, host->name, &p);
	if (r == 0 && is_asked)
		r = ask_dane(s, a, d, host, place, &p, ret_reply);
	is_known = r == 0;
	if (r == 0 && is_asked)
		r = ask_sts(a, d, host, &p, ret_reply);
	/* What is published was not looked at: it may be anything. */
	p.asked = is_asked ? p.level : SEND_VERIFIED;
	/* A bounce goes without rather than not at all (RFC 8689 5). */
	if (r == 0 && (t->flags & QUEUE_REQUIRETLS) && t->reverse_path.n > 0)
		r = require(a, d, &p, ret_reply);
	if (is_known)
		see(s, &p, r, ret_reply);
	*ret = p;
	return r;
}
