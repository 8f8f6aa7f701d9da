/* SPDX-License-Identifier: MIT */
/* POP3 server sessions: RFC 1939 with RFC 2449, 2595, 5034, 6856. */
#pragma once

#include "base/str.h"
#include "conf/conf.h"
#include "net/net.h"

struct conf_live;
struct sasl;
struct store;

/* What a listener's sessions share; made by room server, outlives them. */
struct pop3_context {
	struct str hostname;
	struct store *store;
	struct sasl *sasl;
	struct conf_live *conf;
	struct net_tls *tls; /* for STARTTLS; NULL: not offered */
};

extern const struct net_protocol pop3_protocol; /* ctx: struct pop3_context */
extern const struct conf_table pop3_conf_table; /* [pop3] */
