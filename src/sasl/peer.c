/* SPDX-License-Identifier: MIT */
/*
 * Addresses of peers, as throttling counts them. IPv4 addresses are written as IPv4-mapped IPv6
 * (RFC 4291 2.5.5.2), so there is one form; prefix lengths are those of IPv6 (IPv4 adds 96).
 */
#include "sasl/sasl_int.h"

#include <arpa/inet.h>

#define MAPPED_BITS 96

bool sasl_peer_parse(struct str text, struct sasl_peer *ret)
{
	struct sasl_peer p = { .b = { [10] = 0xff, [11] = 0xff } };
	char z[INET6_ADDRSTRLEN];

	if (text.n >= sizeof(z))
		return false;
	snprintf(z, sizeof(z), "%" STR_FMT, STR_ARG(text));
	p.is_v4 = inet_pton(AF_INET, z, p.b + 12) == 1;
	if (!p.is_v4 && inet_pton(AF_INET6, z, p.b) != 1)
		return false;
	*ret = p;
	return true;
}

void sasl_peer_cut(struct sasl_peer *p, unsigned bits)
{
	for (unsigned i = 0; i < sizeof(p->b); i++) {
		unsigned keep = bits > i * 8 ? bits - i * 8 : 0;

		if (keep < 8)
			p->b[i] &= (uint8_t)(0xff00u >> keep);
	}
}

bool sasl_network_parse(struct str text, struct sasl_peer *ret, unsigned *ret_bits)
{
	struct sasl_peer p;
	struct str head;
	uint64_t bits;

	if (!str_split(&text, '/', &head) || !sasl_peer_parse(head, &p))
		return false;
	bits = p.is_v4 ? 32 : 128;
	if (text.n > 0 && !str_to_u64(text, bits, &bits))
		return false;
	*ret_bits = (unsigned)bits + (p.is_v4 ? MAPPED_BITS : 0);
	sasl_peer_cut(&p, *ret_bits);
	*ret = p;
	return true;
}

bool sasl_peer_is_in(const struct sasl_peer *p, const struct conf_list *networks)
{
	for (size_t i = 0; i < networks->n; i++) {
		struct sasl_peer network, mine = *p;
		unsigned bits;

		if (!sasl_network_parse(str_z(networks->v[i]), &network, &bits))
			continue;
		sasl_peer_cut(&mine, bits);
		if (memcmp(mine.b, network.b, sizeof(mine.b)) == 0)
			return true;
	}
	return false;
}

void sasl_peer_print(const struct sasl_peer *p, unsigned bits, char out[SASL_LABEL])
{
	char z[INET6_ADDRSTRLEN] = "";

	inet_ntop(p->is_v4 ? AF_INET : AF_INET6, p->b + (p->is_v4 ? 12 : 0), z, sizeof(z));
	if (bits == 128)
		snprintf(out, SASL_LABEL, "%s", z);
	else
		snprintf(out, SASL_LABEL, "%s/%u", z, bits - (p->is_v4 ? MAPPED_BITS : 0));
}
