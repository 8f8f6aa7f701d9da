/* SPDX-License-Identifier: MIT */
/* Networks as settings name them: "192.0.2.0/24", "2001:db8::/32", a single address. Any thread. */
#pragma once

#include <stdint.h>

#include "base/str.h"

struct net_network {
	uint8_t bytes[16]; /* IPv4 as ::ffff:a.b.c.d */
	unsigned bits;     /* of them that count */
};

/* False: not well-formed, or bits are set behind the prefix. */
bool net_network_parse(struct str text, struct net_network *ret);
/* Is the address ("127.0.0.1", "2001:db8::1") in it? Of other texts none is. An IPv4-mapped address is the IPv4 one. */
bool net_network_has(const struct net_network *n, struct str address);
