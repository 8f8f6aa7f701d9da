/* SPDX-License-Identifier: MIT */
/*
 * Steps of quickstart that ask the network: does port 25 leave it, is this host called what it says it is. All is bounded in time, and what comes is a
 * stranger's, so root is given up first.
 */
#include "cli/quickstart.h"

#include <stdio.h>

#include "base/clock.h"
#include "net/dns.h"
#include "net/stream.h"
#include "server/server.h"

#define EACH_MS 5000 /* of one question, connection, line */
#define STEP_MS 20000
#define GREETING_MAX 1000
#define ADDRESSES 8 /* of one host that are looked at */

/*
 * Whose mail hosts are tried when nobody names one: large ones, which are always up and greet everybody. They are asked for nothing but their greeting.
 */
static const char *const large[] = { "gmail.com", "outlook.com", "yahoo.com" };

/* For what is waited for now. */
static int64_t soon(const struct quickstart *q)
{
	int64_t at_ms = clock_mono_ms() + EACH_MS;

	return at_ms < q->until_ms ? at_ms : q->until_ms;
}

static struct net_dns *open_dns(struct quickstart *q, struct fault *fault)
{
	struct net_dns *dns = NULL;

	return net_dns_open(conf_get(q->conf, &net_dns_conf_table), &dns, fault) == 0 ? dns : NULL;
}

static void end_dns(struct net_dns **d)
{
	if (*d)
		net_dns_close(d);
}

/* 1: go on, without root; 0: nobody is asked, *ret says why; negative. */
static int begin(struct quickstart *q, enum quickstart_state *ret, struct fault *fault)
{
	int r;

	*ret = QUICKSTART_WOULD;
	q->until_ms = clock_mono_ms() + STEP_MS;
	if (!q->has_network) {
		quickstart_say(q, "not looked at (--no-network)");
		return 0;
	}
	r = server_privileges_drop(q->server, fault);
	if (r < 0 && q->is_dry) { /* the user is one of those things that would be made */
		quickstart_say(q, "not looked at, as root does not do that: %s", fault->text);
		return 0;
	}
	return r < 0 ? r : 1;
}

/* Adds the addresses of a host; how many there are then, or negative. */
static int find_addresses(struct quickstart *q, struct net_dns *dns, struct str host, uint16_t port, struct net_address *v, size_t *n,
			  struct fault *fault)
{
	static const enum net_dns_type types[] = { NET_DNS_A, NET_DNS_AAAA };
	int r = 0, worst = 0;

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct net_dns_answer answer = { 0 };

		r = net_dns_ask(dns, &q->arena, host, types[i], soon(q), &answer, fault);
		worst = r < 0 ? r : worst;
		for (size_t k = 0; r == 0 && k < answer.n && *n < ADDRESSES; k++) {
			struct net_address *to = &v[*n];

			*to = (struct net_address){ 0 };
			if (types[i] == NET_DNS_A && answer.rdata[k].n == 4) {
				to->v4.sin_family = AF_INET;
				to->v4.sin_port = htons(port);
				memcpy(&to->v4.sin_addr, answer.rdata[k].p, 4);
				++*n;
			} else if (types[i] == NET_DNS_AAAA && answer.rdata[k].n == 16) {
				to->v6.sin6_family = AF_INET6;
				to->v6.sin6_port = htons(port);
				memcpy(&to->v6.sin6_addr, answer.rdata[k].p, 16);
				++*n;
			}
		}
	}
	return *n > 0 ? 0 : worst;
}

/* ---- port 25 ---- */

/* HOST or HOST:PORT, [IPv6]:PORT. */
static bool split_target(struct str text, struct str *ret_host, uint16_t *ret_port)
{
	ptrdiff_t colon = str_rchr(text, ':');
	uint64_t port = 25;
	bool is_literal6 = str_starts(text, S("[")) || str_chr(text, ':') != colon;

	if (is_literal6 && !str_starts(text, S("[")))
		colon = -1;
	if (str_ends(text, S("]")))
		colon = -1;
	if (colon >= 0 && (!str_to_u64(str_skip(text, (size_t)colon + 1), 65535, &port) || port == 0))
		return false;
	*ret_host = colon < 0 ? text : str_head(text, (size_t)colon);
	if (str_starts(*ret_host, S("[")))
		*ret_host = str_head(str_skip(*ret_host, 1), ret_host->n - 2);
	*ret_port = (uint16_t)port;
	return ret_host->n > 0;
}

/* Connects and reads the first line. 0: a mail server greeted. */
static int greet(struct quickstart *q, const struct net_address *v, size_t n, const char *name_z, struct fault *fault)
{
	const struct net_stream_connect c = { .addresses = v, .n = n, .deadline_ms = soon(q) };
	struct net_stream *s = NULL;
	char text[NET_ADDRESS_TEXT];
	struct str line = { 0 };
	size_t index = 0;
	int r = net_stream_connect(&c, &s, &index, fault);

	if (r < 0)
		return r;
	net_address_text(&v[index], text);
	r = net_stream_line(s, GREETING_MAX, soon(q), &line);
	if (r < 0)
		r = fault_set(fault, r, "%s (%s) took the connection and said nothing: %s", name_z, text, net_stream_fault_z(s));
	else if (!str_starts(line, S("220")))
		r = fault_set(fault, -E_CANNOT, "%s (%s) said: %" STR_FMT, name_z, text, STR_ARG(str_head(line, 100)));
	else
		quickstart_say(q, "%s (%s) greets", name_z, text);
	net_stream_write(s, S("QUIT\r\n"), soon(q));
	if (r == 0)
		(void)!net_stream_flush(s, soon(q));
	net_stream_close(&s);
	return r;
}

static int try_host(struct quickstart *q, struct net_dns *dns, struct str host, uint16_t port, struct fault *fault)
{
	struct net_address v[ADDRESSES];
	const char *name_z = arena_z(&q->arena, host);
	size_t n = 0;

	if (!name_z)
		return -E_LIMIT;
	if (net_address_parse(host, port, &v[0]))
		return greet(q, v, 1, name_z, fault);
	if (!dns)
		return fault_set(fault, -E_CANNOT, "%s: the DNS cannot be asked", name_z);
	if (find_addresses(q, dns, host, port, v, &n, fault) < 0)
		return -E_IO;
	return n > 0 ? greet(q, v, n, name_z, fault) : fault_set(fault, -E_NOT_FOUND, "%s has no address", name_z);
}

/* The first host of those that its MX records name. */
static int try_domain(struct quickstart *q, struct net_dns *dns, const char *domain_z, struct fault *fault)
{
	struct net_dns_answer answer = { 0 };
	uint16_t preference, best = UINT16_MAX;
	struct str host = { 0 }, exchange;
	int r = dns ? net_dns_ask(dns, &q->arena, str_z(domain_z), NET_DNS_MX, soon(q), &answer, fault)
		    : fault_set(fault, -E_CANNOT, "the DNS cannot be asked");

	for (size_t i = 0; r == 0 && i < answer.n; i++) {
		if (!net_dns_mx(&q->arena, answer.rdata[i], &preference, &exchange) || exchange.n == 0 || preference >= best)
			continue;
		best = preference;
		host = exchange;
	}
	if (r == 0 && answer.trust == NET_DNS_BOGUS)
		r = fault_set(fault, -E_DENIED, "%s: its DNS records are signed wrongly, as seen from here", domain_z);
	else if (r == 0 && host.n == 0)
		r = fault_set(fault, -E_NOT_FOUND, "%s has no MX records, as seen from here", domain_z);
	return r < 0 ? r : try_host(q, dns, host, 25, fault);
}

/* Those that were named, or else large ones; the first that greets is enough. 1: one did; 0: none; -E_USAGE. */
static int try_all(struct quickstart *q, struct net_dns *dns, struct fault *fault)
{
	bool is_named = cli_option(q->args, "--probe") != NULL;
	size_t n = is_named ? q->args->n_options : ARRAY_LEN(large);

	for (size_t i = 0; i < n; i++) {
		struct fault f = { 0 };
		struct str host;
		uint16_t port;
		int r;

		if (is_named && !str_eq(str_z(q->args->options[i].name), S("--probe")))
			continue;
		if (is_named && !split_target(str_z(q->args->options[i].value), &host, &port))
			return fault_set(fault, -E_USAGE, "--probe %.100s: write HOST or HOST:PORT", q->args->options[i].value);
		r = is_named ? try_host(q, dns, host, port, &f) : try_domain(q, dns, large[i], &f);
		if (r == 0)
			return 1;
		quickstart_say(q, "%s", f.text[0] ? f.text : err_row(r)->text);
	}
	return 0;
}

int quickstart_port25(struct quickstart *q, enum quickstart_state *ret, struct fault *fault)
{
	AUTO(end_dns) struct net_dns *dns = NULL;
	struct fault f = { 0 };
	int r = begin(q, ret, fault);

	if (r <= 0)
		return r;
	dns = open_dns(q, &f);
	if (!dns)
		quickstart_say(q, "%s", f.text);
	r = try_all(q, dns, fault);
	if (r < 0)
		return r;
	*ret = r > 0 ? QUICKSTART_DONE : QUICKSTART_LEFT;
	if (r == 0) {
		quickstart_say(q, "no mail server can be reached from here: your provider may have to open port 25 for outgoing mail, or a firewall here does not let it out");
		quickstart_say(q, "or all mail goes by a relay: a section [route \"relay\"] with host, port = 465, tls = implicit, user, password_file");
	}
	return 0;
}

/* ---- names ---- */

static bool is_ours(const struct quickstart *q, struct str text)
{
	for (size_t i = 0; i < q->zone.n_addresses; i++)
		if (str_eq(q->zone.addresses[i], text))
			return true;
	return false;
}

/* From the address back to the name. */
static bool leads_back(struct quickstart *q, struct net_dns *dns, const struct net_address *address, struct str *ret_other)
{
	struct net_dns_answer answer = { 0 };
	struct fault f = { 0 };
	int r = net_dns_ask(dns, &q->arena, doctor_reverse_name(&q->arena, address), NET_DNS_PTR, soon(q), &answer, &f);

	*ret_other = r < 0 ? S("nothing (the DNS does not answer)") : S("nothing");
	for (size_t i = 0; r == 0 && i < answer.n; i++) {
		struct str name;

		if (!net_dns_target(&q->arena, answer.rdata[i], &name))
			continue;
		if (str_ieq(name, str_z(q->hostname)))
			return true;
		*ret_other = name;
	}
	return false;
}

/* False: something is left to do. */
static bool look_at_address(struct quickstart *q, struct net_dns *dns, const struct net_address *address)
{
	char text[NET_ADDRESS_TEXT];
	struct str other;
	bool is_known, is_back;

	net_address_text(address, text);
	is_known = q->zone.n_addresses == 0 || is_ours(q, str_z(text));
	is_back = leads_back(q, dns, address, &other);
	quickstart_say(q, "%s is %s%s", q->hostname, text, is_back ? ", and that is it" : "");
	if (q->zone.n_addresses == 0)
		quickstart_say(q, "this host has only private addresses: whoever has %s has to hand its ports on to here", text);
	if (!is_known)
		quickstart_say(q, "%s is no address of this host: correct the record, or name it by --address", text);
	if (!is_back)
		quickstart_say(q, "%s is called %" STR_FMT ": whoever gave you the address has to set its PTR record to %s", text, STR_ARG(other), q->hostname);
	return is_known && is_back;
}

int quickstart_names(struct quickstart *q, enum quickstart_state *ret, struct fault *fault)
{
	AUTO(end_dns) struct net_dns *dns = NULL;
	struct net_address v[ADDRESSES];
	struct fault f = { 0 };
	size_t n = 0;
	int r = begin(q, ret, fault);

	if (r <= 0)
		return r;
	*ret = QUICKSTART_LEFT;
	dns = open_dns(q, &f);
	if (!dns) {
		quickstart_say(q, "%s", f.text);
		return 0;
	}
	if (find_addresses(q, dns, str_z(q->hostname), 0, v, &n, &f) < 0) {
		quickstart_say(q, "%s: the DNS does not answer: %s", q->hostname, f.text);
		return 0;
	}
	if (n == 0)
		quickstart_say(q, "%s has no address yet: publish the records below", q->hostname);
	else
		*ret = QUICKSTART_DONE;
	for (size_t i = 0; i < n; i++)
		if (!look_at_address(q, dns, &v[i]))
			*ret = QUICKSTART_LEFT;
	return 0;
}
