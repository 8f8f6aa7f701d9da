/* SPDX-License-Identifier: MIT */
/* The zone, the hosts that take mail, their addresses and the names of those. RFC 1034, RFC 5321 5.1, RFC 7505. */
#include "doctor/domain_int.h"

#include "base/clock.h"

#define ZONE_SERVERS 8 /* name servers that are looked at */
#define MX_RECORDS 64  /* of which the best hosts are chosen; others behind them are not read */

static struct str parent(struct str name)
{
	ptrdiff_t dot = str_chr(name, '.');

	return dot < 0 ? S("") : str_skip(name, (size_t)dot + 1);
}

/* ---- the zone ---- */

/* Does the DNS work at all? The top of the name has to be there. */
static bool is_dns_there(struct domain_check *c)
{
	ptrdiff_t dot = str_rchr(c->d->domain, '.');
	struct net_dns_answer answer;

	return dot >= 0 && domain_ask_quiet(c, str_skip(c->d->domain, (size_t)dot + 1), NET_DNS_NS,
					    &answer, NULL) == 0;
}

static void say_no_answer(struct domain_check *c, int err, const struct fault *fault)
{
	struct str why = domain_printf(c, "%s", fault->text);

	c->is_over = true;
	if (err == -E_DENIED) {
		DOMAIN_SAY(
			c, FAIL, S(""), why,
			"The domain is signed with DNSSEC, and wrong: whoever checks that gets no answer about it, and no mail goes there. Have the "
			"zone signed again, or take the DS record out of the zone above.",
			S(""));
	} else if (is_dns_there(c)) {
		DOMAIN_SAY(
			c, FAIL, S(""), why,
			"The name servers of the domain give no answer, while the DNS above them does. Mail waits at its senders, and comes back "
			"to them after some days.",
			S(""));
	} else {
		DOMAIN_SAY(
			c, SKIPPED, S(""), why,
			"The DNS gives no answer here, also not about others: see [dns] servers, or /etc/resolv.conf.",
			S(""));
		c->is_unasked = true;
	}
}

static void look_at_servers(struct domain_check *c, struct str zone)
{
	struct net_dns_answer answer, address;
	struct str names = S(""), name;
	size_t n_good = 0;

	if (domain_ask(c, zone, NET_DNS_NS, &answer) < 0)
		return;
	for (size_t i = 0; i < answer.n && i < ZONE_SERVERS; i++) {
		if (!net_dns_target(c->a, answer.rdata[i], &name))
			continue;
		names = domain_printf(c, "%" STR_FMT "%s%" STR_FMT, STR_ARG(names),
				      names.n > 0 ? " " : "", STR_ARG(name));
		if (domain_ask_quiet(c, name, NET_DNS_A, &address, NULL) == 0 && address.n == 0 &&
		    domain_ask_quiet(c, name, NET_DNS_AAAA, &address, NULL) == 0 && address.n == 0)
			DOMAIN_SAY(
				c, WARN, name, S("no address"),
				"A name server that the domain names has no address, so nobody can ask it.",
				S(""));
		else
			n_good++;
	}
	if (answer.n == 0)
		DOMAIN_SAY(c, WARN, zone, S("no NS records"),
			   "A zone has to name its servers (RFC 1034 4.2.1).", S(""));
	else if (n_good < 2)
		DOMAIN_SAY(
			c, WARN, zone, names,
			"All of the domain depends on one name server: have two at least (RFC 1034 4.1).",
			S(""));
	else
		DOMAIN_SAY(c, PASS, zone, names, "It has name servers.", S(""));
}

static void look_at_signatures(struct domain_check *c, struct str zone, enum net_dns_trust trust)
{
	if (trust == NET_DNS_SECURE)
		DOMAIN_SAY(c, PASS, zone, S("signed, and validated from the root"),
			   "DNSSEC: nobody can answer in its place.", S(""));
	else if (!net_dns_is_validating(c->d->dns))
		DOMAIN_SAY(
			c, SKIPPED, zone, S("signatures are not checked here"),
			"The resolvers that are asked give no signatures, or [dns] dnssec is off: whether the domain has DNSSEC is not known.",
			S(""));
	else
		DOMAIN_SAY(
			c, INFO, zone, S("not signed"),
			"Without DNSSEC there is no DANE, which keeps mail to the domain from being read on its way. MTA-STS does without.",
			S(""));
}

void domain_zone(struct domain_check *c)
{
	struct str zone = c->d->domain;
	struct net_dns_answer answer;
	struct fault fault = { 0 };
	int r = domain_ask_quiet(c, zone, NET_DNS_SOA, &answer, &fault);

	if (r < 0) {
		say_no_answer(c, r, &fault);
		return;
	}
	if (answer.is_nxdomain) {
		c->is_over = true;
		DOMAIN_SAY(
			c, FAIL, S(""), S("NXDOMAIN"),
			"There is no such domain, as far as the DNS knows: it was never registered, has run out, or is mistyped.",
			S(""));
		return;
	}
	/* A name inside a zone has none of its own (RFC 1034 4.2). */
	while ((answer.n == 0 || !str_ieq(answer.canonical, zone)) && parent(zone).n > 0) {
		zone = parent(zone);
		if (domain_ask(c, zone, NET_DNS_SOA, &answer) < 0)
			return;
	}
	look_at_servers(c, zone);
	look_at_signatures(c, zone, answer.trust);
}

/* ---- MX ---- */

static bool has_addresses(struct domain_check *c, struct str name)
{
	struct net_dns_answer answer;

	return (domain_ask_quiet(c, name, NET_DNS_A, &answer, NULL) == 0 && answer.n > 0) ||
	       (domain_ask_quiet(c, name, NET_DNS_AAAA, &answer, NULL) == 0 && answer.n > 0);
}

static struct str usual_host(struct domain_check *c)
{
	return domain_printf(c, "10 mail.%" STR_FMT ".", STR_ARG(c->d->domain));
}

static void take_host(struct domain_check *c, struct str name, uint16_t preference)
{
	size_t i = 0;

	while (i < c->n_hosts && !str_ieq(c->hosts[i].name, name))
		i++;
	if (i < c->n_hosts) {
		uint16_t other = c->hosts[i].preference,
			 best = preference < other ? preference : other;

		c->hosts[i].preference = best;
		DOMAIN_SAY(c, WARN, name,
			   domain_printf(c, "preferences %u and %u", best,
					 best == other ? preference : other),
			   "The host is named twice: one of the records does nothing.", S(""));
		return;
	}
	if (c->n_hosts < MX_RECORDS)
		c->hosts[c->n_hosts++] =
			(struct domain_host){ .name = name, .preference = preference, .check = c };
}

/* RFC 5321 5.1: the domain itself takes its mail. */
static void look_at_no_mx(struct domain_check *c)
{
	struct str domain = c->d->domain;

	if (has_addresses(c, domain)) {
		c->is_implicit_mx = true;
		take_host(c, domain, 0);
		DOMAIN_SAY(
			c, WARN, S(""), S("no MX records"),
			"Mail goes to the addresses of the domain itself, which is often a web server. Say which host takes it.",
			domain_record(c, domain, "MX",
				      domain_printf(c, "10 %" STR_FMT ".", STR_ARG(domain))));
		return;
	}
	DOMAIN_SAY(
		c, FAIL, S(""), S("no MX records and no address"),
		"The domain takes no mail. Name a host that does; if none should, say so with the record \"0 .\" (RFC 7505).",
		domain_record(c, domain, "MX", usual_host(c)));
}

static int compare_hosts(const void *a, const void *b)
{
	const struct domain_host *x = a, *y = b;

	return x->preference != y->preference ? (x->preference < y->preference ? -1 : 1)
					      : str_icmp(x->name, y->name);
}

/* RFC 7505 3: alone. */
static void look_at_null(struct domain_check *c, size_t n_others)
{
	if (n_others > 0) {
		DOMAIN_SAY(
			c, FAIL, S(""), S("MX 0 . beside other MX records"),
			"The one says that the domain takes no mail, the others name hosts: who sends mail may believe either (RFC 7505 3). Take one away.",
			S(""));
		return;
	}
	c->is_null_mx = true;
	DOMAIN_SAY(c, PASS, S(""), S("MX 0 ."), "The domain takes no mail, and says so (RFC 7505).",
		   S(""));
}

static void read_mx(struct domain_check *c, const struct net_dns_answer *answer)
{
	size_t n_null = 0, n_others = 0;

	for (size_t i = 0; i < answer->n; i++) {
		uint16_t preference = 0;
		struct net_address literal;
		struct str name = S("");
		bool is_read = net_dns_mx(c->a, answer->rdata[i], &preference, &name);

		n_null += is_read && name.n == 0;
		n_others += is_read && name.n > 0;
		if (is_read && name.n == 0)
			continue;
		if (is_read && net_address_parse(name, 0, &literal))
			DOMAIN_SAY(
				c, FAIL, name,
				domain_printf(c, "MX %u %" STR_FMT, preference, STR_ARG(name)),
				"An address stands where a name has to: most senders find nobody there (RFC 1035 3.3.9).",
				S(""));
		else if (!is_read || !net_dns_is_name(name))
			DOMAIN_SAY(c, FAIL, S(""),
				   domain_printf(c, "MX %u %" STR_FMT, preference, STR_ARG(name)),
				   "That is no name of a host.", S(""));
		else
			take_host(c, name, preference);
	}
	if (n_null > 0)
		look_at_null(c, n_others);
}

void domain_mx(struct domain_check *c)
{
	struct net_dns_answer answer;
	struct str list = S("");

	c->hosts = ARENA_ARRAY(c->a, struct domain_host, MX_RECORDS);
	c->is_full |= !c->hosts;
	if (!c->hosts || domain_ask(c, c->d->domain, NET_DNS_MX, &answer) < 0)
		return;
	c->is_mx_secure = answer.trust == NET_DNS_SECURE;
	if (!str_ieq(answer.canonical, c->d->domain))
		DOMAIN_SAY(
			c, WARN, S(""),
			domain_printf(c, "CNAME %" STR_FMT, STR_ARG(answer.canonical)),
			"The domain is another name of a second one, whose records count: some senders write that into the addresses (RFC 5321 2.3.5).",
			S(""));
	if (answer.n == 0)
		look_at_no_mx(c);
	read_mx(c, &answer);
	qsort(c->hosts, c->n_hosts, sizeof(*c->hosts), compare_hosts);
	if (c->n_hosts > DOCTOR_DOMAIN_HOSTS) {
		DOMAIN_SAY(
			c, INFO, S(""), domain_printf(c, "%zu hosts", c->n_hosts),
			"Only the best ten are looked at here; the same number limits \"mx\" in SPF.",
			S(""));
		c->n_hosts = DOCTOR_DOMAIN_HOSTS;
	}
	for (size_t i = 0; i < c->n_hosts; i++) {
		domain_ahead(c, c->hosts[i].name, NET_DNS_A);
		domain_ahead(c, c->hosts[i].name, NET_DNS_AAAA);
		list = domain_printf(c, "%" STR_FMT "%s%u %" STR_FMT, STR_ARG(list),
				     i > 0 ? "\n" : "", c->hosts[i].preference,
				     STR_ARG(c->hosts[i].name));
	}
	if (c->n_hosts > 0 && !c->is_implicit_mx)
		DOMAIN_SAY(c, PASS, S(""), list,
			   "These hosts take its mail, the smallest number first.", S(""));
}

/* ---- addresses ---- */

static struct str address_list(struct domain_check *c, const struct domain_host *h)
{
	struct str list = S("");

	for (size_t i = 0; i < h->n; i++)
		list = domain_printf(c, "%" STR_FMT "%s%" STR_FMT, STR_ARG(list), i > 0 ? " " : "",
				     STR_ARG(domain_address_text(c, &h->v[i])));
	return list;
}

static void say_addresses(struct domain_check *c, const struct domain_host *h, bool is_nxdomain)
{
	struct str list = address_list(c, h);

	if (h->cname.n > 0)
		DOMAIN_SAY(
			c, WARN, h->name, domain_printf(c, "CNAME %" STR_FMT, STR_ARG(h->cname)),
			"An MX record has to name the host itself, not an alias: some senders take that for a mistake (RFC 5321 5.1, RFC 2181 10.3).",
			c->is_implicit_mx
				? S("")
				: domain_record(c, c->d->domain, "MX",
						domain_printf(c, "%u %" STR_FMT ".", h->preference,
							      STR_ARG(h->cname))));
	if (h->n == 0)
		DOMAIN_SAY(
			c, FAIL, h->name,
			is_nxdomain ? S("NXDOMAIN") : S("no A and no AAAA record"),
			"Mail goes to a host that has no address. Publish its address, or take it out of the MX records: who can register a name that is free gets the mail.",
			S(""));
	else if (h->has_private && !c->may_private)
		DOMAIN_SAY(
			c, FAIL, h->name, list,
			"An address of a private network, or of nobody: from the Internet nobody reaches it. It is not connected to.",
			S(""));
	else
		DOMAIN_SAY(c, PASS, h->name, list, "It has addresses.", S(""));
}

static void look_up_host(struct domain_check *c, struct domain_host *h)
{
	struct net_dns_answer v6, v4;
	bool has_v6 = domain_ask(c, h->name, NET_DNS_AAAA, &v6) == 0,
	     has_v4 = domain_ask(c, h->name, NET_DNS_A, &v4) == 0;

	if (!has_v6)
		v6 = (struct net_dns_answer){ 0 };
	if (!has_v4)
		v4 = (struct net_dns_answer){ 0 };
	h->is_unasked = (!has_v6 || !has_v4) && v4.n == 0 && v6.n == 0;
	if (h->is_unasked)
		return;
	h->n = domain_addresses_of(&v4, c->d->port, h->v, 0, DOCTOR_DOMAIN_ADDRESSES);
	h->n = domain_addresses_of(&v6, c->d->port, h->v, h->n, DOCTOR_DOMAIN_ADDRESSES);
	h->is_secure = (v4.n == 0 || v4.trust == NET_DNS_SECURE) &&
		       (v6.n == 0 || v6.trust == NET_DNS_SECURE);
	h->cname = has_v4 ? v4.canonical : v6.canonical;
	if (str_ieq(h->cname, h->name))
		h->cname = S("");
	for (size_t i = 0; i < h->n; i++) {
		bool is_private = net_address_is_private(&h->v[i]);

		h->has_private |= is_private;
		h->has_public |= !is_private;
		domain_ahead(c, domain_reverse_name(c, &h->v[i]), NET_DNS_PTR);
	}
	say_addresses(c, h, has_v4 && v4.is_nxdomain);
}

void domain_addresses(struct domain_check *c)
{
	for (size_t i = 0; i < c->n_hosts; i++)
		look_up_host(c, &c->hosts[i]);
}

void domain_ipv6(struct domain_check *c)
{
	size_t n_hosts = 0;

	for (size_t i = 0; i < c->n_hosts; i++)
		for (size_t k = 0; k < c->hosts[i].n; k++)
			if (c->hosts[i].v[k].any.sa_family == AF_INET6) {
				n_hosts++;
				break;
			}
	if (c->n_hosts == 0)
		return;
	if (n_hosts > 0)
		DOMAIN_SAY(c, PASS, S(""),
			   domain_printf(c, "%zu of %zu hosts", n_hosts, c->n_hosts),
			   "Mail can come by IPv6.", S(""));
	else
		DOMAIN_SAY(c, INFO, S(""), S("no AAAA records"),
			   "Mail comes by IPv4 only. That is no trouble for now.", S(""));
}

/* ---- names of addresses ---- */

static bool leads_back(struct domain_check *c, struct str name, const struct net_address *address)
{
	bool is_v6 = address->any.sa_family == AF_INET6;
	struct net_dns_answer answer;
	struct str wanted =
		is_v6 ? str_of(&address->v6.sin6_addr, 16) : str_of(&address->v4.sin_addr, 4);

	if (domain_ask_quiet(c, name, is_v6 ? NET_DNS_AAAA : NET_DNS_A, &answer, NULL) < 0)
		return false;
	for (size_t i = 0; i < answer.n; i++)
		if (str_eq(answer.rdata[i], wanted))
			return true;
	return false;
}

static void look_at_name(struct domain_check *c, const struct domain_host *h,
			 const struct net_address *address)
{
	struct str text = domain_address_text(c, address),
		   reverse = domain_reverse_name(c, address), names = S(""), name;
	struct str record = domain_record(c, reverse, "PTR",
					  domain_printf(c, "%" STR_FMT ".", STR_ARG(h->name)));
	struct net_dns_answer answer;
	bool is_good = false;

	if (domain_ask(c, reverse, NET_DNS_PTR, &answer) < 0)
		return;
	for (size_t i = 0; i < answer.n && i < 10; i++)
		if (net_dns_target(c->a, answer.rdata[i], &name)) {
			is_good |= leads_back(c, name, address);
			names = domain_printf(c, "%" STR_FMT "%s%" STR_FMT, STR_ARG(names),
					      names.n > 0 ? " " : "", STR_ARG(name));
		}
	if (is_good)
		DOMAIN_SAY(c, PASS, text, names,
			   "The address has a name, and the name leads back to it.", S(""));
	else if (names.n == 0)
		DOMAIN_SAY(
			c, WARN, text, S("no PTR record"),
			"If mail goes out from this address, large providers refuse it: whoever gave you the address sets its name. For an "
			"address that only takes mail it does not matter.",
			record);
	else
		DOMAIN_SAY(
			c, WARN, text, names,
			"The name of the address does not lead back to it, so it is not believed. That matters if mail goes out from here.",
			record);
}

void domain_ptr(struct domain_check *c)
{
	for (size_t i = 0; i < c->n_hosts; i++)
		for (size_t k = 0; k < c->hosts[i].n; k++)
			if (c->may_private || !net_address_is_private(&c->hosts[i].v[k]))
				look_at_name(c, &c->hosts[i], &c->hosts[i].v[k]);
}
