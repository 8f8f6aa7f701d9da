/* SPDX-License-Identifier: MIT */
/* The domain beside what this server needs (doctor/zone.h): what is missing, what differs, and whether mail from here passes SPF. */
#include "doctor/domain_int.h"

#include <arpa/inet.h>

#include "base/text.h"
#include "mailauth/dkim_record.h"
#include "mailauth/spf.h"

/* ---- records as zone files have them ---- */

static struct str address_of(struct domain_check *c, struct str rdata)
{
	char text[INET6_ADDRSTRLEN] = "";

	if ((rdata.n == 4 || rdata.n == 16) &&
	    inet_ntop(rdata.n == 4 ? AF_INET : AF_INET6, rdata.p, text, sizeof(text)))
		return domain_printf(c, "%s", text);
	return S("");
}

static struct str mx_of(struct domain_check *c, struct str rdata)
{
	uint16_t preference;
	struct str name;

	return net_dns_mx(c->a, rdata, &preference, &name)
		       ? domain_printf(c, "%u %" STR_FMT ".", preference, STR_ARG(name))
		       : S("");
}

static struct str target_of(struct domain_check *c, struct str rdata)
{
	struct str name;

	return net_dns_target(c->a, rdata, &name) ? domain_printf(c, "%" STR_FMT ".", STR_ARG(name))
						  : S("");
}

static struct str text_of(struct domain_check *c, struct str rdata)
{
	struct str text;

	return domain_text(c->a, rdata, &text) ? text : S("");
}

static struct str srv_of(struct domain_check *c, struct str rdata)
{
	struct net_dns_srv s;

	return net_dns_srv(c->a, rdata, &s) ? domain_printf(c, "%u %u %u %" STR_FMT ".", s.priority,
							    s.weight, s.port, STR_ARG(s.target))
					    : S("");
}

static struct str tlsa_of(struct domain_check *c, struct str rdata)
{
	AUTO(buf_fini) struct buf hex = BUF_INIT(2048);
	struct net_dns_tlsa t;

	if (!net_dns_tlsa(rdata, &t))
		return S("");
	text_hex(&hex, t.data);
	return domain_printf(c, "%u %u %u %" STR_FMT, t.usage, t.selector, t.matching,
			     STR_ARG(buf_str(&hex)));
}

/* ---- is it the same? ---- */

static bool is_equal(struct domain_check *c, struct str wanted, struct str seen)
{
	(void)c;
	return str_ieq(wanted, seen);
}

static bool is_same_address(struct domain_check *c, struct str wanted, struct str seen)
{
	struct net_address a;

	return net_address_parse(wanted, 0, &a) && str_ieq(domain_address_text(c, &a), seen);
}

/* The last words, n of them: the numbers before them order things and no more. */
static struct str last_words(struct str s, size_t n)
{
	size_t at = s.n;

	while (at > 0 && !(s.p[at - 1] == ' ' && --n == 0))
		at--;
	return str_skip(s, at);
}

static bool is_same_mx(struct domain_check *c, struct str wanted, struct str seen)
{
	(void)c;
	return str_ieq(last_words(wanted, 1), last_words(seen, 1));
}

static bool is_same_srv(struct domain_check *c, struct str wanted, struct str seen)
{
	(void)c;
	return str_ieq(last_words(wanted, 2), last_words(seen, 2));
}

static bool is_same_text(struct domain_check *c, struct str wanted, struct str seen)
{
	struct dkim_record a, b;
	const char *what_z;

	if (str_eq(wanted, seen))
		return true;
	if (!str_starts(wanted, S("v=DKIM1")))
		return false;
	return dkim_record_parse(wanted, c->a, &a, &what_z) == 0 &&
	       dkim_record_parse(seen, c->a, &b, &what_z) == 0 && a.kind == b.kind &&
	       str_eq(a.key, b.key);
}

/* Is it at least of its kind? Of one name there may be texts of many. */
static bool is_of_kind(struct str wanted, struct str seen)
{
	size_t n = 0;

	while (n < wanted.n && wanted.p[n] != ' ' && wanted.p[n] != ';')
		n++;
	return str_istarts(seen, str_head(wanted, n));
}

static const struct {
	const char *name_z;
	enum net_dns_type type;
	struct str (*text)(struct domain_check *c, struct str rdata);
	bool (*is_same)(struct domain_check *c, struct str wanted, struct str seen);
} types[] = {
	{ "A", NET_DNS_A, address_of, is_same_address },
	{ "AAAA", NET_DNS_AAAA, address_of, is_same_address },
	{ "MX", NET_DNS_MX, mx_of, is_same_mx },
	{ "PTR", NET_DNS_PTR, target_of, is_equal },
	{ "CNAME", NET_DNS_CNAME, target_of, is_equal },
	{ "TXT", NET_DNS_TXT, text_of, is_same_text },
	{ "TLSA", NET_DNS_TLSA, tlsa_of, is_equal },
	{ "SRV", NET_DNS_SRV, srv_of, is_same_srv },
};

/* ---- one record ---- */

/* A text of its kind that says something else is a choice of the domain's, but for keys; others are missing. */
static enum doctor_domain_state state_of(const struct doctor_record *r, struct str other)
{
	static const enum doctor_domain_state missing[] = { [DOCTOR_MUST] = DOCTOR_DOMAIN_FAIL,
							    [DOCTOR_SHOULD] = DOCTOR_DOMAIN_WARN,
							    [DOCTOR_MAY] = DOCTOR_DOMAIN_INFO };

	if (other.n > 0 && str_eq(str_z(r->type_z), S("TLSA")))
		return DOCTOR_DOMAIN_FAIL;
	if (other.n > 0 && str_eq(str_z(r->type_z), S("TXT")) &&
	    !str_starts(r->value, S("v=DKIM1")))
		return DOCTOR_DOMAIN_INFO;
	return missing[r->need];
}

static void say_difference(struct domain_check *c, const struct doctor_record *r, struct str other)
{
	struct doctor_domain_finding f = {
		.state = state_of(r, other),
		.what = domain_printf(c, "%s %" STR_FMT, r->type_z, STR_ARG(r->name)),
		.evidence = other.n > 0 ? other : S("no such record"),
		.record = domain_record(c, r->name, r->type_z, r->value)
	};

	if (other.n > 0 && f.state == DOCTOR_DOMAIN_INFO)
		f.reason = domain_printf(
			c, "The domain says something else than is proposed for this server. %s.",
			r->why_z);
	else if (other.n > 0)
		f.reason = domain_printf(c, "Not what this server has. %s.", r->why_z);
	else
		f.reason = domain_printf(c, "This server needs it. %s.", r->why_z);
	domain_add(c, &f);
}

/* True: it is there. */
static bool compare(struct domain_check *c, const struct doctor_record *r)
{
	struct net_dns_answer answer;
	struct str other = S("");
	bool is_text = str_eq(str_z(r->type_z), S("TXT"));
	size_t t = 0;

	while (t < ARRAY_LEN(types) && !str_eq(str_z(types[t].name_z), str_z(r->type_z)))
		t++;
	if (t == ARRAY_LEN(types) || domain_ask(c, r->name, types[t].type, &answer) < 0)
		return false;
	for (size_t i = 0; i < answer.n; i++) {
		struct str seen = types[t].text(c, answer.rdata[i]);

		if (types[t].is_same(c, r->value, seen))
			return true;
		if (other.n < DOMAIN_EVIDENCE && (!is_text || is_of_kind(r->value, seen)))
			other = domain_printf(c, "%" STR_FMT "%s%" STR_FMT, STR_ARG(other),
					      other.n > 0 ? "\n" : "", STR_ARG(seen));
	}
	say_difference(c, r, other);
	return false;
}

/* ---- mail from here ---- */

/* Before its "all", or at its end. */
static struct str record_with(struct domain_check *c, struct str address)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(SPF_RECORD_MAX + 128);
	struct str *texts = NULL, record = S("v=spf1 -all"), rest, term;
	struct str own = domain_printf(c, "ip%d:%" STR_FMT, str_chr(address, ':') < 0 ? 4 : 6,
				       STR_ARG(address));
	size_t n = 0;
	bool is_in = false;

	if (domain_texts(c, c->d->domain, &texts, &n) < 0)
		return S("");
	for (size_t i = 0; i < n; i++)
		if (spf_record_is(texts[i]))
			record = texts[i];
	rest = record;
	while (str_split(&rest, ' ', &term)) {
		bool is_end = str_ieq(term, S("all")) ||
			      (term.n == 4 && str_ieq(str_skip(term, 1), S("all"))) ||
			      str_istarts(term, S("redirect="));

		if (is_end && !is_in)
			buf_printf(&out, "%" STR_FMT " ", STR_ARG(own));
		is_in |= is_end;
		if (term.n > 0)
			buf_printf(&out, "%" STR_FMT " ", STR_ARG(term));
	}
	if (!is_in)
		buf_add(&out, own);
	return domain_record(c, c->d->domain, "TXT", str_trim(buf_str(&out)));
}

static void check_own(struct domain_check *c, struct str text)
{
	struct spf_query q = { .sender = domain_printf(c, "postmaster@%" STR_FMT,
						       STR_ARG(c->d->domain)),
			       .helo = str_z(c->d->helo_z) };
	struct net_address address;
	struct spf_verdict v;
	struct str what = domain_printf(c, "SPF of mail from %" STR_FMT, STR_ARG(text)), evidence;

	if (!net_address_parse(text, 0, &address))
		return;
	q.is_v6 = address.any.sa_family == AF_INET6;
	memcpy(q.ip,
	       q.is_v6 ? (const void *)&address.v6.sin6_addr : (const void *)&address.v4.sin_addr,
	       q.is_v6 ? 16 : 4);
	spf_check_host(&c->lookup, &q, c->a, &v);
	evidence = domain_printf(c, "%s%s%" STR_FMT "%s%" STR_FMT, spf_result_names[v.result],
				 v.matched.n > 0 ? " by " : "", STR_ARG(v.matched),
				 v.problem.n > 0 ? ": " : "", STR_ARG(v.problem));
	if (v.result == SPF_PASS)
		DOMAIN_SAY(c, PASS, what, evidence, "Mail of the domain from this server passes.",
			   S(""));
	else if (v.result == SPF_TEMPERROR)
		DOMAIN_SAY(c, SKIPPED, what, evidence, "The DNS gives no answer to all of it.",
			   S(""));
	else
		DOMAIN_SAY(
			c, FAIL, what, evidence,
			"Mail of the domain from this server does not pass: large providers refuse it, or call it spam. Name the address.",
			record_with(c, text));
}

void domain_server(struct domain_check *c)
{
	size_t n_good = 0, n_all = 0;
	struct str notes = c->d->notes, line;

	if (!c->d->wanted)
		return;
	while (str_split(&notes, '\n', &line))
		if (line.n > 0)
			DOMAIN_SAY(c, SKIPPED, S(""), line,
				   "It could not be found out here, so it was not compared.",
				   S(""));
	for (size_t i = 0; i < c->d->n_wanted; i++)
		domain_ahead(c, c->d->wanted[i].name, NET_DNS_TXT);
	for (size_t i = 0; i < c->d->n_wanted; i++)
		if (c->d->wanted[i].place != DOCTOR_LATER) {
			n_good += compare(c, &c->d->wanted[i]);
			n_all++;
		}
	for (size_t i = 0; i < c->d->n_own; i++)
		check_own(c, c->d->own[i]);
	if (n_good > 0)
		DOMAIN_SAY(c, PASS, S(""), domain_printf(c, "%zu of %zu records", n_good, n_all),
			   "These are published as this server needs them.", S(""));
}
