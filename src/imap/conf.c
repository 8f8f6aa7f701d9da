/* SPDX-License-Identifier: MIT */
/* [imap] settings. */
#include "imap/imap_int.h"

static const struct conf_row rows[] = {
	/* RFC 9051 5.4: an autologout timer of a logged-in session is at least 30 minutes. */
	{ .key = "idle_timeout",
	  .type = CONF_TIME,
	  .offset = offsetof(struct imap_conf, idle_timeout_ms),
	  .default_z = "30m",
	  .min = 1800000,
	  .max = 86400000,
	  .reload = CONF_NEW_SESSIONS,
	  .help = "How long a logged-in session may be silent before it is closed." },
	{ .key = "login_timeout",
	  .type = CONF_TIME,
	  .offset = offsetof(struct imap_conf, login_timeout_ms),
	  .default_z = "3m",
	  .min = 1000,
	  .max = 3600000,
	  .reload = CONF_NEW_SESSIONS,
	  .help = "How long a client may take to log in." },
	{ .key = "max_errors",
	  .type = CONF_INT,
	  .offset = offsetof(struct imap_conf, max_errors),
	  .default_z = "20",
	  .min = 1,
	  .max = 1000000,
	  .reload = CONF_NEW_SESSIONS,
	  .help = "After so many bad commands and failed logins in a row a session is closed." },
	{ .key = "max_message_size",
	  .type = CONF_SIZE,
	  .offset = offsetof(struct imap_conf, max_message_bytes),
	  .default_z = "50M",
	  .min = 65536,
	  .max = 1 << 30,
	  .reload = CONF_NEW_SESSIONS,
	  .help = "The largest message that APPEND takes." },
	{ .key = "quota_admins",
	  .type = CONF_LIST,
	  .offset = offsetof(struct imap_conf, quota_admins),
	  .default_z = "",
	  .reload = CONF_NEW_SESSIONS,
	  .help = "Accounts that may see and set the quotas of all accounts (SETQUOTA)." },
};

const struct conf_table imap_conf_table = {
	.section = "imap",
	.struct_size = sizeof(struct imap_conf),
	.rows = rows,
	.n_rows = ARRAY_LEN(rows),
	.help = "IMAP sessions.",
};
