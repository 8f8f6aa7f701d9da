/* SPDX-License-Identifier: MIT */
/* SMTP server sessions: between servers (MX), submission, LMTP. One engine, three roles. */
#pragma once

#include "base/str.h"
#include "conf/conf.h"
#include "net/net.h"

struct conf_live;
struct queue;
struct sasl;
struct store;

enum smtp_role { SMTP_MX, SMTP_SUBMISSION, SMTP_LMTP };

/* What a listener's sessions share; made by room server, outlives them. */
struct smtp_context {
	enum smtp_role role;
	struct str hostname;
	struct store *store;
	struct queue *queue;
	struct sasl *sasl;
	struct conf_live *conf;
	struct net_tls *tls; /* for STARTTLS; NULL: not offered */
};

extern const struct net_protocol smtp_protocol; /* ctx: struct smtp_context */
extern const struct conf_table smtp_conf_table; /* [smtp] */
