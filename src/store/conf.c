/* SPDX-License-Identifier: MIT */
/* The rows of [store]. */
#include "store/store.h"

#include "base/mem.h"

#define AT(member) offsetof(struct store_conf, member)
static const struct conf_row rows[] = {
	{ .key = "default_quota",
	  .type = CONF_SIZE,
	  .offset = AT(default_quota_bytes),
	  .default_z = "0",
	  .min = 0,
	  .max = INT64_MAX,
	  .reload = CONF_LIVE,
	  .help = "How much mail an account may keep when it is added without a quota of its own; 0 for no limit." },
	{ .key = "default_quota_messages",
	  .type = CONF_INT,
	  .offset = AT(default_quota_messages),
	  .default_z = "0",
	  .min = 0,
	  .max = INT64_MAX,
	  .reload = CONF_LIVE,
	  .help = "How many messages an account may keep when it is added without a number of its own; 0 for no limit." },
	{ .key = "default_quota_mailboxes",
	  .type = CONF_INT,
	  .offset = AT(default_quota_mailboxes),
	  .default_z = "0",
	  .min = 0,
	  .max = INT64_MAX,
	  .reload = CONF_LIVE,
	  .help = "How many mailboxes an account may have when it is added without a number of its own; 0 for no limit." },
	{ .key = "checkpoint_pages",
	  .type = CONF_INT,
	  .offset = AT(checkpoint_pages),
	  .default_z = "4000",
	  .min = 10,
	  .max = 1000000,
	  .reload = CONF_RESTART,
	  .help = "How many changed pages of 4 KB are gathered before they are copied into the database file." },
};
#undef AT

const struct conf_table store_conf_table = {
	.section = "store",
	.struct_size = sizeof(struct store_conf),
	.rows = rows,
	.n_rows = ARRAY_LEN(rows),
	.help = "Accounts and their mail.",
};
