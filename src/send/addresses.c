/* SPDX-License-Identifier: MIT */
/*
 * The addresses of one host, which of them may be used, and under which name its TLSA records stand.
 *
 * RFC 7672 2.2.2, by the answer for the addresses:
 *
 *   not an alias, secure     the host            alias, secure                      what it leads to, else the host
 *   not an alias, insecure   none                alias, insecure, itself secure     the host
 *                                                alias, insecure                    none
 */
#include "send/dns_int.h"

#include <unistd.h>

#include "base/must.h"

/* RFC 5321 4.1.3, or without brackets. */
static bool is_literal(struct str host, uint16_t port, struct net_address *ret)
{
	bool is_ipv6 = false;

	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']') {
		host = str_head(str_skip(host, 1), host.n - 2);
		is_ipv6 = str_istarts(host, S("IPv6:"));
		if (is_ipv6)
			host = str_skip(host, 5);
		else if (str_chr(host, ':') >= 0)
			return false;
	}
	return net_address_parse(host, port, ret) && (!is_ipv6 || ret->any.sa_family == AF_INET6);
}

static socklen_t length_of(const struct net_address *a)
{
	return a->any.sa_family == AF_INET ? sizeof(a->v4) : sizeof(a->v6);
}

/* Do packets to it come from itself? No packet is sent. */
static bool is_own_way(const struct net_address *a)
{
	struct net_address from = { 0 };
	socklen_t n = sizeof(from);
	int fd = socket(a->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool is_ours = fd >= 0 && connect(fd, &a->any, length_of(a)) == 0 && getsockname(fd, &from.any, &n) == 0 && net_address_is_same_host(&from, a);

	if (fd >= 0)
		close(fd);
	return is_ours;
}

static bool can_bind(const struct net_address *a)
{
	struct net_address any_port = *a;
	int fd = socket(a->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool r;

	if (a->any.sa_family == AF_INET)
		any_port.v4.sin_port = 0;
	else
		any_port.v6.sin6_port = 0;
	r = fd >= 0 && bind(fd, &any_port.any, length_of(a)) == 0;
	if (fd >= 0)
		close(fd);
	return r;
}

/* Hosts that share an address by turns let a socket be bound to anything (ip_nonlocal_bind): nobody's (RFC 1112 4, RFC 6666 4) too. */
static bool is_bind_for_all(int family)
{
	struct net_address nobody = { 0 };

	must(net_address_parse(family == AF_INET ? S("240.0.0.1") : S("100::1"), 0, &nobody));
	return can_bind(&nobody);
}

/* One that a socket can be bound to, whatever it is called. */
static bool is_of_this_host(const struct net_address *a)
{
	return can_bind(a) && (!is_bind_for_all(a->any.sa_family) || is_own_way(a));
}

static bool is_loopback(const struct net_address *a)
{
	if (a->any.sa_family == AF_INET)
		return ntohl(a->v4.sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr);
}

static bool may_be_used(const struct net_address *a, bool may_private, struct send_place *place)
{
	bool is_own = !may_private && is_of_this_host(a);

	place->has_own |= is_own && !is_loopback(a);
	return may_private || (!net_address_is_private(a) && !is_own);
}

/* The next address of an answer that may be used. */
static bool next_address(const struct net_dns_answer *answer, size_t *i, uint16_t port, bool may_private, struct send_place *place)
{
	struct net_address *ret = &place->v[place->n];

	while (*i < answer->n && *i < 4 * SEND_ADDRESSES)
		if (net_address_of_rdata(answer->rdata[(*i)++], port, ret) && may_be_used(ret, may_private, place))
			return true;
	return false;
}

bool send_addresses_of(struct arena *a, const struct net_dns_answer *v6, const struct net_dns_answer *v4, uint16_t port,
		       bool may_private, struct send_place *ret)
{
	const struct net_dns_answer *const answers[2] = { v6, v4 };
	size_t at[2] = { 0 };
	bool has_more = true;

	ret->v = ARENA_ARRAY(a, struct net_address, SEND_ADDRESSES);
	if (!ret->v)
		return false;
	while (has_more && ret->n < SEND_ADDRESSES) {
		has_more = false;
		for (size_t k = 0; k < ARRAY_LEN(answers) && ret->n < SEND_ADDRESSES; k++)
			if (next_address(answers[k], &at[k], port, may_private, ret)) {
				ret->n++;
				has_more = true;
			}
	}
	return true;
}

static int find_bases(struct net_dns *d, struct arena *a, struct str host, const struct net_dns_answer *addresses, int64_t deadline_ms,
		      struct send_place *ret, struct queue_reply *ret_reply)
{
	bool is_alias = !str_ieq(addresses->canonical, host);
	struct net_dns_answer alias;
	int r;

	ret->is_secure = addresses->trust == NET_DNS_SECURE;
	ret->tlsa_base = host;
	if (is_alias && ret->is_secure) {
		ret->tlsa_base = addresses->canonical;
		ret->tlsa_base_2 = host;
	} else if (is_alias && net_dns_is_validating(d)) {
		r = send_dns_ask(d, a, host, NET_DNS_CNAME, deadline_ms, &alias, ret_reply);
		if (r < 0)
			return r;
		ret->is_secure = alias.trust == NET_DNS_SECURE && alias.n > 0;
	}
	return 0;
}

static int use_literal(struct arena *a, struct str host, const struct net_address *address, bool may_private, struct send_place *ret,
		       struct queue_reply *ret_reply)
{
	ret->v = ARENA_ARRAY(a, struct net_address, 1);
	if (!ret->v)
		return -E_LIMIT;
	ret->v[0] = *address;
	ret->n = may_be_used(address, may_private, ret);
	if (ret->n == 0)
		*ret_reply = send_say(a, "5.4.4", "%" STR_FMT " is an address of this host or of a private network", STR_ARG(host));
	return 0;
}

/* The kinds that there is an answer for; with one of them the other's failure does not matter. */
static int ask_both(struct net_dns *d, struct arena *a, struct str host, int64_t deadline_ms, struct net_dns_answer *v6,
		    struct net_dns_answer *v4, struct queue_reply *ret_reply)
{
	int r6, r4;

	net_dns_ahead(d, host, NET_DNS_A);
	r6 = send_dns_ask(d, a, host, NET_DNS_AAAA, deadline_ms, v6, ret_reply);
	if (r6 < 0)
		*v6 = (struct net_dns_answer){ 0 };
	r4 = send_dns_ask(d, a, host, NET_DNS_A, deadline_ms, v4, ret_reply);
	if (r4 < 0)
		*v4 = (struct net_dns_answer){ 0 };
	if (v6->n > 0 || v4->n > 0)
		return 0;
	return r6 < 0 ? r6 : r4;
}

int send_addresses(struct net_dns *d, struct arena *a, struct str host, uint16_t port, bool may_private, int64_t deadline_ms,
		   struct send_place *ret, struct queue_reply *ret_reply)
{
	struct net_address literal;
	struct net_dns_answer v6, v4;
	int r;

	*ret = (struct send_place){ 0 };
	if (is_literal(host, port, &literal))
		return use_literal(a, host, &literal, may_private, ret, ret_reply);
	if (!net_dns_is_name(host)) {
		*ret_reply = send_say(a, "5.4.4", "no name of a host: %" STR_FMT, STR_ARG(str_head(host, 255)));
		return 0;
	}
	if (str_ends(host, S(".")))
		host.n--;
	r = ask_both(d, a, host, deadline_ms, &v6, &v4, ret_reply);
	if (r < 0)
		return r;
	if (!send_addresses_of(a, &v6, &v4, port, may_private, ret)) {
		*ret_reply = send_say(a, "4.3.0", "the answer of the DNS for %" STR_FMT " is too long", STR_ARG(host));
		return -E_LIMIT;
	}
	if (ret->n > 0) /* as secure as the less secure of both */
		return find_bases(d, a, host, v6.n == 0 || (v4.n > 0 && v4.trust != NET_DNS_SECURE) ? &v4 : &v6, deadline_ms, ret, ret_reply);
	if (v6.n > 0 || v4.n > 0)
		*ret_reply = send_say(a, "5.4.4", "%" STR_FMT " has addresses of this host or of private networks only", STR_ARG(host));
	else
		*ret_reply = send_say(a, "5.4.4", "%s %" STR_FMT, v6.is_nxdomain || v4.is_nxdomain ? "there is no host" : "no address of",
					    STR_ARG(host));
	return 0;
}
