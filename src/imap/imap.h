/* SPDX-License-Identifier: MIT */
/* IMAP server sessions: RFC 9051 (IMAP4rev2) and RFC 3501 (rev1) in one. */
#pragma once

#include "base/str.h"
#include "conf/conf.h"
#include "net/net.h"

struct conf_live;
struct sasl;
struct store;

/* What a listener's sessions share; made by room server, outlives them. */
struct imap_context {
	struct str hostname;
	struct store *store;
	struct sasl *sasl;
	struct conf_live *conf;
	struct net_tls *tls;   /* for STARTTLS; NULL: not offered */
};

extern const struct net_protocol imap_protocol; /* ctx: struct imap_context */
extern const struct conf_table imap_conf_table; /* [imap] */
