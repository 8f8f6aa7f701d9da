/* SPDX-License-Identifier: MIT */
/* The rows of [queue]. */
#include "queue/queue.h"

#include "base/mem.h"

/* enum queue_tls */
static const char *const tls_names[] = { "may", "none", "encrypt", "verify", "implicit", NULL };

#define DAY_MS ((int64_t)86400000)
#define AT(member) offsetof(struct queue_conf, member)
static const struct conf_row rows[] = {
	{ .key = "send", .type = CONF_BOOL, .offset = AT(is_sending), .default_z = "yes", .reload = CONF_LIVE,
	  .help = "Whether mail for other hosts is sent; else it is accepted and waits." },
	{ .key = "retry_min", .type = CONF_TIME, .offset = AT(retry_min_ms), .default_z = "5m", .min = 1000, .max = DAY_MS,
	  .reload = CONF_LIVE, .help = "The pause before the second try; each further one is twice as long, up to retry_max." },
	{ .key = "retry_max", .type = CONF_TIME, .offset = AT(retry_max_ms), .default_z = "4h", .min = 1000, .max = 7 * DAY_MS,
	  .reload = CONF_LIVE, .help = "The longest pause between two tries." },
	{ .key = "lifetime", .type = CONF_TIME, .offset = AT(lifetime_ms), .default_z = "5d", .min = 60000, .max = 60 * DAY_MS,
	  .reload = CONF_LIVE, .help = "How long a message is tried before it goes back to its sender (RFC 5321 4.5.4.1)." },
	{ .key = "delay_notice", .type = CONF_TIME, .offset = AT(delay_notice_ms), .default_z = "4h", .max = 60 * DAY_MS,
	  .reload = CONF_LIVE, .help = "After how long the sender hears that a message is still on its way; 0s for never." },
	{ .key = "max_messages_per_day", .type = CONF_INT, .offset = AT(max_messages_per_day), .default_z = "0", .max = 1000000000,
	  .reload = CONF_LIVE, .help = "Messages that one account may send in a day (UTC); then it hears 452. 0 for any number." },
	{ .key = "max_new_recipients_per_day", .type = CONF_INT, .offset = AT(max_new_recipients_per_day), .default_z = "0",
	  .max = 1000000000, .reload = CONF_LIVE,
	  .help = "Addresses on other hosts that one account may write to in a day and had not written to in a year; then it hears 452. "
		  "0 for any number." },
	{ .key = "trace", .type = CONF_TIME, .offset = AT(trace_ms), .default_z = "30d", .max = 3650 * DAY_MS, .reload = CONF_LIVE,
	  .help = "How long the story of each message is kept for martlet message trace; 0s for not at all." },
	{ .key = "max_sessions", .type = CONF_INT, .offset = AT(max_sessions), .default_z = "1000", .min = 1, .max = 20000,
	  .reload = CONF_RESTART, .help = "Connections to other hosts at once; destinations that fail may use half of them." },
	{ .key = "max_sessions_per_destination", .type = CONF_INT, .offset = AT(max_sessions_per_destination), .default_z = "20",
	  .min = 1, .max = 1000, .reload = CONF_LIVE, .help = "And to one destination." },
	{ .key = "max_returned", .type = CONF_SIZE, .offset = AT(max_returned), .default_z = "50K", .max = 50 << 20, .reload = CONF_LIVE,
	  .help = "The longest message that is returned whole with a delivery status notification; of longer ones the header is." },
	{ .key = "tls", .type = CONF_ENUM, .offset = AT(tls), .default_z = "may", .names = tls_names, .reload = CONF_LIVE,
	  .help = "What connections to other hosts have to have: may takes TLS when it is offered, encrypt demands it, verify a good certificate as well." },
	{ .key = "ca_file", .type = CONF_STR, .offset = AT(ca_file), .default_z = "", .reload = CONF_LIVE,
	  .help = "Authorities (PEM) that certificates of other hosts are checked against; empty takes the system's." },
	{ .key = "mta_sts", .type = CONF_BOOL, .offset = AT(asks_sts), .default_z = "yes", .reload = CONF_LIVE,
	  .help = "Whether policies of other domains about their hosts and TLS are asked for and kept to (RFC 8461)." },
	{ .key = "mta_sts_port", .type = CONF_INT, .offset = AT(sts_port), .default_z = "443", .min = 1, .max = 65535,
	  .reload = CONF_RESTART, .help = "The port at which they are; another one than 443 is for tests." },
	{ .key = "port", .type = CONF_INT, .offset = AT(port), .default_z = "25", .min = 1, .max = 65535, .reload = CONF_RESTART,
	  .help = "The port at which other hosts take mail." },
	{ .key = "allow_private_addresses", .type = CONF_BOOL, .offset = AT(may_private), .default_z = "no", .reload = CONF_LIVE,
	  .help = "Whether mail may go to hosts with addresses of this host or of private networks, when the DNS names such." },
	{ .key = "source_v4", .type = CONF_STR, .offset = AT(source_v4), .default_z = "", .reload = CONF_LIVE,
	  .help = "The own IPv4 address that mail is sent from; empty lets the system choose." },
	{ .key = "source_v6", .type = CONF_STR, .offset = AT(source_v6), .default_z = "", .reload = CONF_LIVE,
	  .help = "The own IPv6 address that mail is sent from; empty lets the system choose." },
	{ .key = "connect_timeout", .type = CONF_TIME, .offset = AT(connect_timeout_ms), .default_z = "30s", .min = 100, .max = 600000,
	  .reload = CONF_LIVE, .help = "How long a host is waited for before it counts as dead; 5s at most while other destinations wait for a place." },
	{ .key = "command_timeout", .type = CONF_TIME, .offset = AT(command_timeout_ms), .default_z = "5m", .min = 100, .max = 3600000,
	  .reload = CONF_LIVE, .help = "How long a reply is waited for (RFC 5321 4.5.3.2)." },
	{ .key = "data_end_timeout", .type = CONF_TIME, .offset = AT(data_end_timeout_ms), .default_z = "10m", .min = 100,
	  .max = 3600000, .reload = CONF_LIVE, .help = "How long the reply to a whole message is waited for (RFC 5321 4.5.3.2.6)." },
	{ .key = "idle_timeout", .type = CONF_TIME, .offset = AT(idle_ms), .default_z = "2s", .max = 300000, .reload = CONF_LIVE,
	  .help = "How long a connection is kept for the next message to the same destination." },
	{ .key = "sender_idle", .type = CONF_TIME, .offset = AT(sender_idle_ms), .default_z = "1m", .min = 100, .max = DAY_MS,
	  .reload = CONF_LIVE, .help = "How long the processes that send and that fetch policies stay when there is nothing to do." },
};
#undef AT

static int check(const void *values, struct fault *fault)
{
	const struct queue_conf *q = values;

	if (q->retry_max_ms < q->retry_min_ms)
		return fault_set(fault, -E_USAGE, "retry_max is shorter than retry_min");
	return 0;
}

const struct conf_table queue_conf_table = {
	.section = "queue",
	.struct_size = sizeof(struct queue_conf),
	.rows = rows,
	.n_rows = ARRAY_LEN(rows),
	.help = "Mail on its way to other hosts.",
	.check = check,
};
