/* SPDX-License-Identifier: MIT */
/* TLSA records: asked for, and which are of use. What they do to a handshake is net/stream_tls.c's. */
#include "send/dns_int.h"

#define DANE_TA 2
#define DANE_EE 3

/* RFC 6698 2.1.2 to 2.1.4; RFC 7672 3.1.3: usages 0 and 1 are of no use for mail. */
bool send_tlsa_is_usable(struct str rdata)
{
	static const size_t lengths[] = { 0, 32, 64 }; /* whole, SHA-256, SHA-512 */
	struct net_dns_tlsa t;

	if (!net_dns_tlsa(rdata, &t) || (t.usage != DANE_TA && t.usage != DANE_EE) || t.selector > 1 || t.matching >= ARRAY_LEN(lengths))
		return false;
	return t.matching == 0 || t.data.n == lengths[t.matching];
}

static int ask_base(struct net_dns *d, struct arena *a, struct str base, uint16_t port, int64_t deadline_ms, struct send_records *ret,
		    struct queue_reply *ret_reply)
{
	struct str name = arena_printf(a, "_%u._tcp.%" STR_FMT, port, STR_ARG(base));
	struct net_dns_answer answer;
	int r;

	if (!net_dns_is_name(name)) /* too long to be in the DNS */
		return 0;
	r = send_dns_ask(d, a, name, NET_DNS_TLSA, deadline_ms, &answer, ret_reply);
	if (r < 0 || answer.trust != NET_DNS_SECURE || answer.n == 0)
		return r;
	*ret = (struct send_records){ .v = answer.rdata, .n = answer.n, .base = base };
	for (size_t i = 0; i < answer.n; i++)
		ret->is_usable |= send_tlsa_is_usable(answer.rdata[i]);
	return 0;
}

int send_tlsa(struct net_dns *d, struct arena *a, const struct send_place *place, uint16_t port, int64_t deadline_ms,
	      struct send_records *ret, struct queue_reply *ret_reply)
{
	const struct str bases[2] = { place->tlsa_base, place->tlsa_base_2 };
	int r = 0;

	*ret = (struct send_records){ 0 };
	for (size_t i = 0; place->is_secure && r == 0 && ret->n == 0 && i < ARRAY_LEN(bases); i++)
		if (bases[i].n > 0)
			r = ask_base(d, a, bases[i], port, deadline_ms, ret, ret_reply);
	return r;
}
