/* SPDX-License-Identifier: MIT */
/*
 * Addresses of hosts: text to struct and back, and which of them lie outside of the public network. One table of prefixes for
 * IPv4; IPv6 forms that carry an IPv4 address (mapped, RFC 4291 2.5.5.2; NAT64, RFC 6052 2.1; 6to4, RFC 3056 2) are judged by it.
 */
#include "net/stream.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>

#include "base/mem.h"

void net_address_text(const struct net_address *a, char ret[NET_ADDRESS_TEXT])
{
	const void *bytes = a->any.sa_family == AF_INET6 ? (const void *)&a->v6.sin6_addr : (const void *)&a->v4.sin_addr;

	if ((a->any.sa_family != AF_INET && a->any.sa_family != AF_INET6) ||
	    inet_ntop(a->any.sa_family, bytes, ret, NET_ADDRESS_TEXT) == NULL)
		snprintf(ret, NET_ADDRESS_TEXT, "?");
}

bool net_address_parse(struct str text, uint16_t port, struct net_address *ret)
{
	struct net_address a = { 0 };
	char z[NET_ADDRESS_TEXT];

	if (text.n == 0 || text.n >= sizeof(z) || memchr(text.p, '\0', text.n) != NULL)
		return false;
	memcpy(z, text.p, text.n);
	z[text.n] = '\0';
	if (inet_pton(AF_INET, z, &a.v4.sin_addr) == 1) {
		a.v4.sin_family = AF_INET;
		a.v4.sin_port = htons(port);
	} else if (inet_pton(AF_INET6, z, &a.v6.sin6_addr) == 1) {
		a.v6.sin6_family = AF_INET6;
		a.v6.sin6_port = htons(port);
	} else {
		return false;
	}
	*ret = a;
	return true;
}

bool net_address_of_rdata(struct str rdata, uint16_t port, struct net_address *ret)
{
	struct net_address a = { 0 };

	if (rdata.n == sizeof(a.v4.sin_addr)) {
		a.v4.sin_family = AF_INET;
		a.v4.sin_port = htons(port);
		memcpy(&a.v4.sin_addr, rdata.p, rdata.n);
	} else if (rdata.n == sizeof(a.v6.sin6_addr)) {
		a.v6.sin6_family = AF_INET6;
		a.v6.sin6_port = htons(port);
		memcpy(&a.v6.sin6_addr, rdata.p, rdata.n);
	} else {
		return false;
	}
	*ret = a;
	return true;
}

uint16_t net_address_port(const struct net_address *a)
{
	return ntohs(a->any.sa_family == AF_INET ? a->v4.sin_port : a->v6.sin6_port);
}

bool net_address_is_same_host(const struct net_address *a, const struct net_address *b)
{
	if (a->any.sa_family != b->any.sa_family)
		return false;
	if (a->any.sa_family == AF_INET)
		return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
	return memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof(a->v6.sin6_addr)) == 0;
}

struct prefix {
	uint8_t bytes[12];
	unsigned bits;
};

static const struct prefix private_v4[] = {
	{ { 0 }, 8 },           /* RFC 1122 3.2.1.3: this host */
	{ { 10 }, 8 },          /* RFC 1918 3 */
	{ { 100, 64 }, 10 },    /* RFC 6598 7 */
	{ { 127 }, 8 },
	{ { 169, 254 }, 16 },   /* RFC 3927 2.1 */
	{ { 172, 16 }, 12 },
	{ { 192, 0, 0 }, 24 },  /* RFC 6890 2.2.2: of protocols; clouds have services there */
	{ { 192, 168 }, 16 },
	{ { 198, 18 }, 15 },    /* RFC 2544: for measuring, in use as private ones */
	{ { 224 }, 3 },         /* multicast, reserved, broadcast */
};
static const struct prefix private_v6[] = {
	{ { 0xfe, 0x80 }, 10 }, /* RFC 4291 2.5.6 */
	{ { 0xfe, 0xc0 }, 10 }, /* RFC 3879: once site-local */
	{ { 0xfc }, 7 },        /* RFC 4193 3.1 */
	{ { 0, 0x64, 0xff, 0x9b, 0, 1 }, 48 }, /* RFC 8215: NAT64 of the own network */
	{ { 0xff }, 8 },        /* multicast */
};
/* What stands before an IPv4 address. */
static const struct prefix carriers[] = {
	{ { 0 }, 96 },          /* ::1 and :: too, as 0.0.0.1 and 0.0.0.0 */
	{ { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff }, 96 },
	{ { 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff }, 96 }, /* RFC 7915 1: translated */
	{ { 0, 0x64, 0xff, 0x9b }, 96 },
	{ { 0x20, 0x02 }, 16 },
};

static bool has_prefix(const uint8_t *address, const struct prefix *p)
{
	unsigned whole = p->bits / 8, rest = p->bits % 8;

	if (memcmp(address, p->bytes, whole) != 0)
		return false;
	return rest == 0 || ((address[whole] ^ p->bytes[whole]) >> (8 - rest)) == 0;
}

static bool is_in(const uint8_t *address, const struct prefix *table, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (has_prefix(address, &table[i]))
			return true;
	return false;
}

bool net_address_is_private(const struct net_address *a)
{
	const uint8_t *v6 = a->v6.sin6_addr.s6_addr;

	if (a->any.sa_family == AF_INET)
		return is_in((const uint8_t *)&a->v4.sin_addr, private_v4, ARRAY_LEN(private_v4));
	if (a->any.sa_family != AF_INET6)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(carriers); i++)
		if (has_prefix(v6, &carriers[i]))
			return is_in(v6 + carriers[i].bits / 8, private_v4, ARRAY_LEN(private_v4));
	return is_in(v6, private_v6, ARRAY_LEN(private_v6));
}

int net_address_lookup(const char *host_z, uint16_t port, struct net_address *ret, size_t max, size_t *ret_n, struct fault *fault)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	char port_z[8];
	size_t n = 0;
	int r;

	snprintf(port_z, sizeof(port_z), "%u", port);
	r = getaddrinfo(host_z, port_z, &hints, &list);
	if (r != 0)
		return fault_set(fault, -E_NOT_FOUND, "%s: %s", host_z, gai_strerror(r));
	for (const struct addrinfo *ai = list; ai != NULL && n < max; ai = ai->ai_next) {
		if (ai->ai_family != AF_INET && ai->ai_family != AF_INET6)
			continue;
		ret[n] = (struct net_address){ 0 };
		memcpy(&ret[n++], ai->ai_addr, ai->ai_addrlen);
	}
	freeaddrinfo(list);
	*ret_n = n;
	return n > 0 ? 0 : fault_set(fault, -E_NOT_FOUND, "%s: it has no address", host_z);
}
