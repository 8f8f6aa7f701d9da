/* SPDX-License-Identifier: MIT */
/* The rows of [smtp]. They hold for all three roles unless the help says otherwise. */
#include "base/limits.h"
#include "net/network.h"
#include "smtp/smtp_int.h"

static const char *const bare_lf_names[] = { "reject", "normalise", NULL };

#define AT(member) offsetof(struct smtp_conf, member)
static const struct conf_row rows[] = {
	{ .key = "max_message_size", .type = CONF_SIZE, .offset = AT(max_message_size),
	  .default_z = "50M",
	  .min = 65536, .max = 1ll << 30, .reload = CONF_NEW_SESSIONS,
	  .help = "The largest message that is accepted (RFC 1870; RFC 5321 4.5.3.1.7 asks "
		  "for 64K at least)." },
	{ .key = "max_recipients", .type = CONF_INT, .offset = AT(max_recipients),
	  .default_z = "1000",
	  .min = 100, .max = LIMIT_SMTP_RCPTS, .reload = CONF_NEW_SESSIONS,
	  .help = "Recipients of one message (RFC 5321 4.5.3.1.8 asks for 100 at least)." },
	{ .key = "max_errors", .type = CONF_INT, .offset = AT(max_errors), .default_z = "20",
	  .min = 1, .max = 100000, .reload = CONF_NEW_SESSIONS,
	  .help = "Refused commands after which a session is closed; not for LMTP." },
	{ .key = "max_auth_failures", .type = CONF_INT, .offset = AT(max_auth_failures),
	  .default_z = "3",
	  .min = 1, .max = 1000, .reload = CONF_NEW_SESSIONS,
	  .help = "Failed logins after which a submission session is closed." },
	{ .key = "max_messages", .type = CONF_INT, .offset = AT(max_messages), .default_z = "0",
	  .max = 1000000000, .reload = CONF_NEW_SESSIONS,
	  .help = "Transactions that may be begun in one session; 0 for any number." },
	{ .key = "max_commands", .type = CONF_INT, .offset = AT(max_commands),
	  .default_z = "1000",
	  .min = 20, .max = 1000000000, .reload = CONF_NEW_SESSIONS,
	  .help = "Commands without a message among them, taken recipients not counted, after "
		  "which a session is closed; not for LMTP." },
	{ .key = "max_hops", .type = CONF_INT, .offset = AT(max_hops), .default_z = "100",
	  .min = 10, .max = 1000, .reload = CONF_NEW_SESSIONS,
	  .help = "Received lines in a message beyond which it is refused as looping (RFC "
		  "5321 6.3)." },
	{ .key = "greet_delay", .type = CONF_TIME, .offset = AT(greet_delay_ms),
	  .default_z = "0s",
	  .max = 60000, .reload = CONF_NEW_SESSIONS,
	  .help = "How long a server that connects waits for the greeting, so that early "
		  "talkers show themselves; costs no thread." },
	{ .key = "reject_early_talkers", .type = CONF_BOOL, .offset = AT(rejects_early_talkers),
	  .default_z = "yes",
	  .reload = CONF_NEW_SESSIONS,
	  .help = "Refuses servers that speak before the greeting (RFC 5321 3.1); not for "
		  "submission and LMTP." },
	{ .key = "reject_bad_pipelining", .type = CONF_BOOL, .offset = AT(rejects_bad_pipelining),
	  .default_z = "no",
	  .reload = CONF_NEW_SESSIONS,
	  .help = "Closes sessions that send more behind a command that must end a "
		  "pipelined group (RFC 2920 3.1)." },
	{ .key = "command_timeout", .type = CONF_TIME, .offset = AT(command_timeout_ms),
	  .default_z = "5m",
	  .min = 1000, .max = 3600000, .reload = CONF_NEW_SESSIONS,
	  .help = "How long the next command is waited for (RFC 5321 4.5.3.2.7)." },
	{ .key = "data_idle_timeout", .type = CONF_TIME, .offset = AT(data_idle_timeout_ms),
	  .default_z = "3m",
	  .min = 1000, .max = 3600000, .reload = CONF_NEW_SESSIONS,
	  .help = "How long the next bytes of a message are waited for (RFC 5321 4.5.3.2.5)." },
	{ .key = "data_total_timeout", .type = CONF_TIME, .offset = AT(data_total_timeout_ms),
	  .default_z = "2h",
	  .min = 10000, .max = 86400000, .reload = CONF_NEW_SESSIONS,
	  .help = "How long one message or chunk may take in all." },
	{ .key = "data_min_rate", .type = CONF_SIZE, .offset = AT(data_min_rate),
	  .default_z = "256",
	  .max = 1 << 20, .reload = CONF_NEW_SESSIONS,
	  .help = "Bytes a second that a message must come with on average; 0 for any rate." },
	{ .key = "max_hold", .type = CONF_TIME, .offset = AT(max_hold_ms), .default_z = "30d",
	  .max = 999999999000, .reload = CONF_NEW_SESSIONS,
	  .help = "How long a client may have a submitted message held before it leaves "
		  "(FUTURERELEASE, RFC 4865); 0s offers it to nobody." },
	{ .key = "relay_networks", .type = CONF_LIST, .offset = AT(relay_networks), .default_z = "",
	  .reload = CONF_NEW_SESSIONS,
	  .help = "Networks, as 192.0.2.0/24, whose clients may send to anybody without a login, on "
		  "listeners with protocol = smtp; empty for none." },
	{ .key = "submission_bare_lf", .type = CONF_ENUM, .offset = AT(submission_bare_lf),
	  .default_z = "reject",
	  .names = bare_lf_names, .reload = CONF_NEW_SESSIONS,
	  .help = "What happens to a submitted message with a bare LF: reject it, or "
		  "normalise it to CR LF." },
};
#undef AT

static int check(const void *values, struct fault *fault)
{
	const struct smtp_conf *c = values;
	struct net_network n;

	for (size_t i = 0; i < c->relay_networks.n; i++)
		if (!net_network_parse(str_z(c->relay_networks.v[i]), &n))
			return fault_set(fault, -E_USAGE,
					 "relay_networks: %.80s is not a network, write for example 192.0.2.0/24 "
					 "or 2001:db8::1",
					 c->relay_networks.v[i]);
	return 0;
}

const struct conf_table smtp_conf_table = {
	.section = "smtp",
	.struct_size = sizeof(struct smtp_conf),
	.rows = rows,
	.n_rows = ARRAY_LEN(rows),
	.check = check,
	.help = "Receiving mail: SMTP from other servers, submission, LMTP.",
};
