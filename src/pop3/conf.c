/* SPDX-License-Identifier: MIT */
/* The rows of [pop3]. */
#include "pop3/pop3_int.h"

#define AT(member) offsetof(struct pop3_conf, member)
static const struct conf_row rows[] = {
	/* RFC 1939 3: an autologout timer must be of at least 10 minutes. */
	{ .key = "idle_timeout",
	  .type = CONF_TIME,
	  .offset = AT(idle_timeout_ms),
	  .default_z = "10m",
	  .min = 600000,
	  .max = 24 * 3600 * 1000,
	  .reload = CONF_NEW_SESSIONS,
	  .help = "How long a session may be silent before it is closed without deleting anything." },
	{ .key = "login_timeout",
	  .type = CONF_TIME,
	  .offset = AT(login_timeout_ms),
	  .default_z = "3m",
	  .min = 1000,
	  .max = 3600 * 1000,
	  .reload = CONF_NEW_SESSIONS,
	  .help = "How long a client may take to log in." },
	{ .key = "max_errors",
	  .type = CONF_INT,
	  .offset = AT(max_errors),
	  .default_z = "20",
	  .min = 1,
	  .max = 10000,
	  .reload = CONF_NEW_SESSIONS,
	  .help = "How many commands of a session may be refused before it is closed." },
};
#undef AT

const struct conf_table pop3_conf_table = {
	.section = "pop3",
	.struct_size = sizeof(struct pop3_conf),
	.rows = rows,
	.n_rows = ARRAY_LEN(rows),
	.help = "POP3 sessions.",
};
