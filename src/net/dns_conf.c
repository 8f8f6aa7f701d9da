/* SPDX-License-Identifier: MIT */
/* The rows of [dns]. */
#include "net/dns_int.h"

#include <arpa/inet.h>

static const char *const dnssec_names[] = { "no", "auto", "required", NULL };

#define AT(member) offsetof(struct net_dns_conf, member)
static const struct conf_row rows[] = {
	{ .key = "servers", .type = CONF_LIST, .offset = AT(servers), .default_z = "", .reload = CONF_LIVE,
	  .help = "Resolvers to ask, each an address or ADDRESS@PORT; empty takes those of /etc/resolv.conf, and without any asks from the root on." },
	{ .key = "dnssec", .type = CONF_ENUM, .offset = AT(dnssec), .default_z = "auto", .names = dnssec_names, .reload = CONF_LIVE,
	  .help = "Whether signatures of the DNS are checked: auto does not when the resolvers give none even for the root, required lets mail wait then." },
	{ .key = "trust_anchor_file", .type = CONF_STR, .offset = AT(trust_anchor_file), .default_z = "", .reload = CONF_LIVE,
	  .help = "DS or DNSKEY records of the root, one a line; empty takes " NET_DNS_TRUST_ANCHOR_FILE ", or the ones built in when it is not there." },
	{ .key = "unsigned_domains", .type = CONF_LIST, .offset = AT(unsigned_domains), .default_z = "", .reload = CONF_LIVE,
	  .help = "Domains whose answers need no signatures, such as those that only the own network knows." },
	{ .key = "timeout", .type = CONF_TIME, .offset = AT(timeout_ms), .default_z = "20s", .min = 100, .max = 300000,
	  .reload = CONF_LIVE, .help = "How long the answer to one question is waited for." },
};
#undef AT

bool net_dns_is_server(struct str text)
{
	unsigned char room[sizeof(struct in6_addr)];
	char address[INET6_ADDRSTRLEN];
	ptrdiff_t at = str_chr(text, '@');
	struct str head = at < 0 ? text : str_head(text, (size_t)at);
	uint64_t port;

	if (at >= 0 && (!str_to_u64(str_skip(text, (size_t)at + 1), 65535, &port) || port == 0))
		return false;
	if (head.n >= sizeof(address))
		return false;
	memcpy(address, head.p, head.n);
	address[head.n] = '\0';
	return inet_pton(AF_INET, address, room) == 1 || inet_pton(AF_INET6, address, room) == 1;
}

static int check(const void *values, struct fault *fault)
{
	const struct net_dns_conf *c = values;

	for (size_t i = 0; i < c->servers.n; i++)
		if (!net_dns_is_server(str_z(c->servers.v[i])))
			return fault_set(fault, -E_USAGE, "servers = %.100s: write addresses, such as 192.0.2.53 or 192.0.2.53@5353",
					 c->servers.v[i]);
	for (size_t i = 0; i < c->unsigned_domains.n; i++)
		if (!net_dns_is_name(str_z(c->unsigned_domains.v[i])))
			return fault_set(fault, -E_USAGE, "unsigned_domains = %.100s: not a domain name", c->unsigned_domains.v[i]);
	if (c->trust_anchor_file[0] && c->trust_anchor_file[0] != '/')
		return fault_set(fault, -E_USAGE, "trust_anchor_file = %.100s: write the whole path, from / on", c->trust_anchor_file);
	return 0;
}

const struct conf_table net_dns_conf_table = {
	.section = "dns",
	.struct_size = sizeof(struct net_dns_conf),
	.rows = rows,
	.n_rows = ARRAY_LEN(rows),
	.help = "How other hosts are looked up.",
	.check = check,
};
