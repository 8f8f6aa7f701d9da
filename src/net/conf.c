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
	  "Connections in all; also bounded by the limit on open files, less max_bodies and 256. "
	  "When all are taken the silent one that nobody has logged in on makes room." },
	{ "max_connections_per_address", CONF_INT,
	  offsetof(struct net_conf, max_connections_per_address), "200", 1, 10000000, NULL,
	  CONF_LIVE,
	  "Connections from one IPv4 address or one IPv6 /64." },
	{ "loopback_exempt", CONF_BOOL, offsetof(struct net_conf, is_loopback_exempt), "yes", 0, 0,
	  NULL, CONF_LIVE,
	  "Whether what is per address holds not for connections from this machine itself." },
	{ "max_workers", CONF_INT, offsetof(struct net_conf, max_workers), "128", 2, 10000, NULL,
	  CONF_LIVE,
	  "Threads that run commands at once, those not counted that wait for their peer or for "
	  "their turn at a password hash." },
	{ "max_bodies", CONF_INT, offsetof(struct net_conf, max_bodies), "512", 1, 10000, NULL,
	  CONF_LIVE,
	  "Message bodies and literals under way, and long replies that wait for their reader, "
	  "at once. When all places are taken the slowest makes room." },
	{ "max_bodies_per_address", CONF_INT, offsetof(struct net_conf, max_bodies_per_address),
	  "50", 1, 10000, NULL, CONF_LIVE, "How many of them may be those of one address." },
	{ "max_memory", CONF_SIZE, offsetof(struct net_conf, max_memory), "256M", 16 << 20,
	  1ll << 40, NULL, CONF_LIVE,
	  "Memory that all running commands may take together beyond a little each, and as much "
	  "again for what waits for its peer: unfinished commands and messages." },
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
