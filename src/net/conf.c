/* SPDX-License-Identifier: MIT */
/* The [net] settings. Deadlines apply to connections to come, caps at once. */
#include "net/net.h"

#include "base/mem.h"

#include <stddef.h>

#define MS 1
#define SECONDS (1000 * MS)
#define MINUTES (60 * SECONDS)

static const struct conf_row rows[] = {
	{ "max_connections", CONF_INT, offsetof(struct net_conf, max_connections), "20000", 1,
	  10000000, NULL, CONF_LIVE,
	  "Connections in all; also bounded by the limit on open files, less 256." },
	{ "max_connections_per_address", CONF_INT,
	  offsetof(struct net_conf, max_connections_per_address), "200", 1, 10000000, NULL,
	  CONF_LIVE,
	  "Connections from one IPv4 address or one IPv6 /64; loopback is exempt." },
	{ "max_workers", CONF_INT, offsetof(struct net_conf, max_workers), "128", 2, 10000, NULL,
	  CONF_LIVE,
	  "Threads that run commands at once, those not counted that wait for their peer." },
	{ "max_bodies", CONF_INT, offsetof(struct net_conf, max_bodies), "512", 1, 10000, NULL,
	  CONF_LIVE,
	  "Message bodies, literals and long replies that may wait for their peer at once; each "
	  "holds a thread." },
	{ "handshake_timeout", CONF_TIME, offsetof(struct net_conf, handshake_timeout_ms), "30s",
	  100 * MS, 10 * MINUTES, NULL, CONF_NEW_SESSIONS, "Time for a whole TLS handshake." },
	{ "write_timeout", CONF_TIME, offsetof(struct net_conf, write_timeout_ms), "2m", 100 * MS,
	  60 * MINUTES, NULL, CONF_NEW_SESSIONS,
	  "Time in which the peer must take each 64 KB of a reply." },
	{ "line_timeout", CONF_TIME, offsetof(struct net_conf, line_timeout_ms), "1m", 100 * MS,
	  60 * MINUTES, NULL, CONF_NEW_SESSIONS,
	  "Time from the first byte of a command line to its end." },
};

const struct conf_table net_conf_table = {
	.section = "net",
	.struct_size = sizeof(struct net_conf),
	.rows = rows,
	.n_rows = ARRAY_LEN(rows),
	.help = "Caps and deadlines of all connections.",
};
