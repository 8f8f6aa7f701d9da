/* SPDX-License-Identifier: MIT */
/* All in 16 bytes: an IPv4 network is one below ::ffff:0:0/96 (RFC 4291 2.5.5.2). */
#include "net/network.h"

#include <arpa/inet.h>

#define V4_BITS 96 /* before the address */

/* Bits of the address, 32 or 128; 0: it is none. */
static unsigned parse_address(struct str text, uint8_t ret[16])
{
	char z[INET6_ADDRSTRLEN];
	struct in_addr v4;

	if (text.n == 0 || text.n >= sizeof(z) || memchr(text.p, '\0', text.n))
		return 0;
	memcpy(z, text.p, text.n);
	z[text.n] = '\0';
	if (inet_pton(AF_INET6, z, ret) == 1)
		return 128;
	if (inet_pton(AF_INET, z, &v4) != 1)
		return 0;
	memset(ret, 0, 16);
	ret[10] = ret[11] = 0xff;
	memcpy(ret + 12, &v4, sizeof(v4));
	return 32;
}

/* Are the first bits the same? */
static bool is_same(const uint8_t a[16], const uint8_t b[16], unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

static bool has_rest(const struct net_network *n)
{
	for (unsigned i = n->bits; i < 128; i++)
		if (n->bytes[i / 8] & (0x80 >> i % 8))
			return true;
	return false;
}

bool net_network_parse(struct str text, struct net_network *ret)
{
	ptrdiff_t slash = str_chr(text, '/');
	struct net_network n = { 0 };
	unsigned all = parse_address(slash < 0 ? text : str_head(text, (size_t)slash), n.bytes);
	uint64_t bits = all;

	if (all == 0)
		return false;
	if (slash >= 0 && !str_to_u64(str_skip(text, (size_t)slash + 1), all, &bits))
		return false;
	n.bits = (unsigned)bits + (all == 32 ? V4_BITS : 0);
	if (has_rest(&n))
		return false;
	*ret = n;
	return true;
}

bool net_network_has(const struct net_network *n, struct str address)
{
	uint8_t bytes[16];

	return parse_address(address, bytes) != 0 && is_same(bytes, n->bytes, n->bits);
}
