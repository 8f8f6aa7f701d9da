/* SPDX-License-Identifier: MIT */
/*
 * The checks of a domain: a table of rows, each a function that adds findings, walked from top to bottom. The DNS is asked ahead, so most answers wait when a row
 * asks; hosts are spoken to on threads of their own while the rows that only ask the DNS run (domain_walk.c).
 */
#include "doctor/domain_int.h"

#include "base/buf.h"
#include "base/clock.h"
#include "queue/queue.h"

const char *const doctor_domain_state_names[DOCTOR_DOMAIN_N_STATES] = { "fail", "warn", "pass",
									"info", "skipped" };

static const struct {
	const char *name_z;
	void (*run)(struct domain_check *c);
} rows[] = {
	{ "zone", domain_zone },
	{ "mx", domain_mx },
	{ "addresses", domain_addresses },
	{ "walk", domain_walks_begin },
	{ "ipv6", domain_ipv6 },
	{ "ptr", domain_ptr },
	{ "spf", domain_spf },
	{ "dkim", domain_dkim },
	{ "dmarc", domain_dmarc },
	{ "mta-sts", domain_sts },
	{ "caa", domain_caa },
	{ "dnsbl", domain_dnsbl },
	{ "server", domain_server },
	{ "walk", domain_walks_end },
	{ "port", domain_port },
	{ "starttls", domain_starttls },
	{ "certificate", domain_certificate },
	{ "dane", domain_dane },
	{ "tlsrpt", domain_tlsrpt },
};

/* ---- findings ---- */

/* What strangers wrote moves no cursor: LF is ours, and they have none left. */
static struct str shown(struct domain_check *c, struct str s)
{
	char *p = arena_z(c->a, s);

	if (!p)
		c->is_full = true;
	for (size_t i = 0; p && i < s.n; i++)
		if (p[i] != '\n' && ((unsigned char)p[i] < 0x20 || (unsigned char)p[i] >= 0x7f))
			p[i] = '?';
	return p ? str_of(p, s.n) : S("");
}

static void add(struct domain_check *c, const struct doctor_domain_finding *f)
{
	if (arena_grow(c->a, &c->findings, c->n, &c->cap, sizeof(*f)) < 0) {
		c->is_full = true;
		return;
	}
	c->findings[c->n++] = (struct doctor_domain_finding){
		.check_z = c->check_z,
		.state = f->state,
		.what = shown(c, f->what.n > 0 ? f->what : c->d->domain),
		.evidence = shown(c, f->evidence),
		.reason = shown(c, f->reason),
		.record = shown(c, f->record)
	};
}

void domain_add(struct domain_check *c, const struct doctor_domain_finding *f)
{
	static const struct doctor_domain_finding more = { .state = DOCTOR_DOMAIN_INFO,
							   .reason = STR_INIT(
								   "There is more of this; it is left out.") };
	size_t n = c->n_of[f->state == DOCTOR_DOMAIN_FAIL]++;

	if (n <= DOCTOR_DOMAIN_FINDINGS)
		add(c, n < DOCTOR_DOMAIN_FINDINGS ? f : &more);
}

struct str domain_printf(struct domain_check *c, const char *fmt, ...)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(16384);
	struct str ret;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&out, fmt, ap);
	va_end(ap);
	ret = arena_str(c->a, buf_str(&out));
	if (!ret.p)
		c->is_full = true;
	return ret.p ? ret : S("");
}

struct str domain_record(struct domain_check *c, struct str name, const char *type_z,
			 struct str value)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(16384);
	struct doctor_record r = { .name = name, .type_z = type_z, .value = value };

	doctor_record_print(&r, &out);
	return domain_printf(c, "%" STR_FMT, STR_ARG(str_trim(buf_str(&out))));
}

/* ---- questions ---- */

int domain_ask_quiet(struct domain_check *c, struct str name, enum net_dns_type type,
		     struct net_dns_answer *ret, struct fault *fault)
{
	int r;

	*ret = (struct net_dns_answer){ 0 };
	if (c->n_questions >= DOCTOR_DOMAIN_QUESTIONS)
		return fault_set(fault, -E_LIMIT, "too many questions to the DNS");
	if (clock_mono_ms() >= c->deadline_ms)
		return fault_set(fault, -E_TIMEOUT, "no time is left");
	c->n_questions++;
	r = net_dns_ask(c->d->dns, c->a, name, type, c->deadline_ms, ret, fault);
	if (r == 0 && ret->trust == NET_DNS_BOGUS)
		return fault_set(fault, -E_DENIED, "wrong DNSSEC signatures: %" STR_FMT,
				 STR_ARG(ret->why));
	return r;
}

int domain_ask(struct domain_check *c, struct str name, enum net_dns_type type,
	       struct net_dns_answer *ret)
{
	struct fault fault = { 0 };
	int r = domain_ask_quiet(c, name, type, ret, &fault);

	if (r == -E_DENIED)
		DOMAIN_SAY(
			c, FAIL, name, domain_printf(c, "%s", fault.text),
			"Whoever checks DNSSEC gets no answer at all: have the zone signed again, or take the DS record out of the zone above.",
			S(""));
	else if (r < 0)
		DOMAIN_SAY(c, SKIPPED, name, domain_printf(c, "%s", fault.text),
			   "It could not be asked.", S(""));
	return r;
}

void domain_ahead(struct domain_check *c, struct str name, enum net_dns_type type)
{
	if (name.n == 0 || c->n_ahead >= DOCTOR_DOMAIN_QUESTIONS)
		return;
	c->n_ahead++;
	net_dns_ahead(c->d->dns, name, type);
}

bool domain_text(struct arena *a, struct str rdata, struct str *ret)
{
	struct str text;
	char *p;

	if (!net_dns_txt(a, rdata, &text) || !(p = arena_z(a, text)))
		return false;
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)p[i] < 0x20 && p[i] != '\t')
			p[i] = 0x7f;
	*ret = str_of(p, text.n);
	return true;
}

struct str domain_line(struct domain_check *c, struct str s)
{
	char *p = arena_z(c->a, s);

	c->is_full |= !p;
	for (size_t i = 0; p && i < s.n; i++)
		if ((unsigned char)p[i] < 0x20)
			p[i] = ' ';
	return p ? str_of(p, s.n) : S("");
}

static int texts_of(struct arena *a, const struct net_dns_answer *answer, struct str **ret,
		    size_t *ret_n)
{
	size_t n = 0;

	*ret = ARENA_ARRAY(a, struct str, answer->n + 1);
	if (!*ret)
		return -E_LIMIT;
	for (size_t i = 0; i < answer->n; i++)
		n += domain_text(a, answer->rdata[i], &(*ret)[n]);
	*ret_n = n;
	return 0;
}

int domain_texts(struct domain_check *c, struct str name, struct str **ret, size_t *ret_n)
{
	struct net_dns_answer answer;
	int r = domain_ask(c, name, NET_DNS_TXT, &answer);

	return r < 0 ? r : texts_of(c->a, &answer, ret, ret_n);
}

/* ---- the port of room mailauth ---- */

static const enum net_dns_type types[LOOKUP_N_TYPES] = { [LOOKUP_TXT] = NET_DNS_TXT,
							 [LOOKUP_A] = NET_DNS_A,
							 [LOOKUP_AAAA] = NET_DNS_AAAA,
							 [LOOKUP_MX] = NET_DNS_MX,
							 [LOOKUP_PTR] = NET_DNS_PTR };

static bool take_record(struct arena *a, enum lookup_type type, struct str rdata, struct str *ret)
{
	uint16_t preference;

	switch (type) {
	case LOOKUP_TXT:
		return domain_text(a, rdata, ret);
	case LOOKUP_MX:
		return net_dns_mx(a, rdata, &preference, ret);
	case LOOKUP_PTR:
		return net_dns_target(a, rdata, ret);
	default:
		*ret = rdata;
		return true;
	}
}

/* A name that no host has (macros make such) has no records. */
static int look_up(void *ctx, struct arena *a, struct str name, enum lookup_type type,
		   struct lookup_answer *ret)
{
	struct domain_check *c = ctx;
	struct net_dns_answer answer;
	int r = domain_ask_quiet(c, name, types[type], &answer, NULL);
	size_t n = 0;

	*ret = (struct lookup_answer){ .is_nxdomain = r == -E_SYNTAX || answer.is_nxdomain };
	if (r < 0)
		return r == -E_SYNTAX ? 0 : r;
	ret->v = ARENA_ARRAY(a, struct str, answer.n + 1);
	if (!ret->v)
		return -E_LIMIT;
	for (size_t i = 0; i < answer.n; i++)
		n += take_record(a, type, answer.rdata[i], &ret->v[n]);
	ret->n = n;
	return 0;
}

static void look_ahead(void *ctx, struct str name, enum lookup_type type)
{
	domain_ahead(ctx, name, types[type]);
}

/* ---- addresses ---- */

struct str domain_reversed(struct domain_check *c, const struct net_address *address)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(128);
	const uint8_t *b = address->any.sa_family == AF_INET6
				   ? address->v6.sin6_addr.s6_addr
				   : (const uint8_t *)&address->v4.sin_addr;

	if (address->any.sa_family == AF_INET6)
		for (size_t i = 16; i-- > 0;)
			buf_printf(&out, "%x.%x.", b[i] & 15, b[i] >> 4);
	else
		buf_printf(&out, "%u.%u.%u.%u.", b[3], b[2], b[1], b[0]);
	return domain_printf(c, "%" STR_FMT, STR_ARG(buf_str(&out)));
}

struct str domain_reverse_name(struct domain_check *c, const struct net_address *address)
{
	return domain_printf(c, "%" STR_FMT "%s", STR_ARG(domain_reversed(c, address)),
			     address->any.sa_family == AF_INET6 ? "ip6.arpa" : "in-addr.arpa");
}

struct str domain_address_text(struct domain_check *c, const struct net_address *address)
{
	char text[NET_ADDRESS_TEXT];

	net_address_text(address, text);
	return domain_printf(c, "%s", text);
}

size_t domain_addresses_of(const struct net_dns_answer *answer, uint16_t port,
			   struct net_address *v, size_t n, size_t max)
{
	for (size_t i = 0; i < answer->n && n < max; i++)
		n += net_address_of_rdata(answer->rdata[i], port, &v[n]);
	return n;
}

/* ---- all of it ---- */

static void ask_ahead(struct domain_check *c)
{
	static const struct {
		const char *before_z;
		enum net_dns_type type;
	} names[] = { { "", NET_DNS_SOA },
		      { "", NET_DNS_NS },
		      { "", NET_DNS_MX },
		      { "", NET_DNS_TXT },
		      { "_dmarc.", NET_DNS_TXT },
		      { "_mta-sts.", NET_DNS_TXT },
		      { "_smtp._tls.", NET_DNS_TXT },
		      { "mta-sts.", NET_DNS_A },
		      { "mta-sts.", NET_DNS_AAAA },
		      { "", NET_DNS_CAA } };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		domain_ahead(c,
			     domain_printf(c, "%s%" STR_FMT, names[i].before_z,
					   STR_ARG(c->d->domain)),
			     names[i].type);
}

/* Sorted by state, which is worst first, without a change of order among equals. */
static int sort(struct domain_check *c, struct doctor_domain_report *ret)
{
	struct doctor_domain_finding *v = ARENA_ARRAY(c->a, struct doctor_domain_finding, c->n + 1);

	if (!v || c->is_full)
		return -E_LIMIT;
	for (size_t state = 0; state < DOCTOR_DOMAIN_N_STATES; state++)
		for (size_t i = 0; i < c->n; i++)
			if (c->findings[i].state == state) {
				v[ret->n++] = c->findings[i];
				ret->counts[state]++;
			}
	ret->findings = v;
	ret->is_unasked = c->is_unasked;
	return 0;
}

int doctor_domain(const struct doctor_domain *d, struct arena *a, struct doctor_domain_report *ret)
{
	const struct queue_conf *q = conf_get(d->conf, &queue_conf_table);
	struct domain_check c = { .d = d,
				  .a = a,
				  .deadline_ms = clock_mono_ms() + d->ms,
				  .may_private = q->may_private };

	*ret = (struct doctor_domain_report){ .n = 0 };
	c.lookup = (struct lookup){ .ask = look_up, .ahead = look_ahead, .ctx = &c };
	ask_ahead(&c);
	for (size_t i = 0; i < ARRAY_LEN(rows) && !c.is_over; i++) {
		c.check_z = rows[i].name_z;
		c.n_of[0] = c.n_of[1] = 0;
		rows[i].run(&c);
	}
	domain_walks_free(&c);
	return sort(&c, ret);
}
