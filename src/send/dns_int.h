/* SPDX-License-Identifier: MIT */
/* What mx.c, addresses.c and dane.c share. */
#pragma once

#include "net/dns.h"
#include "send/send_int.h"

/*
 * One question whose failure is the caller's: -E_IO, -E_TIMEOUT with the reply 4.4.3; a bogus answer is a failure too, -E_DENIED with 4.7.5
 * (RFC 7672 2.1.1).
 */
MUST_CHECK int send_dns_ask(struct net_dns *d, struct arena *a, struct str name, enum net_dns_type type, int64_t deadline_ms,
			    struct net_dns_answer *ret, struct queue_reply *ret_reply);

/* What an answer to the question for MX records means, without the DNS. As send_mx(). */
MUST_CHECK int send_mx_of(struct arena *a, struct str domain, const char *const *own_names, const struct net_dns_answer *answer,
			  struct send_hosts *ret, struct queue_reply *ret_reply);
/* Both kinds of addresses in turn, what may not be used left out. False: the arena. */
bool send_addresses_of(struct arena *a, const struct net_dns_answer *v6, const struct net_dns_answer *v4, uint16_t port,
		       bool may_private, struct send_place *ret);
