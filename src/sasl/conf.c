/* SPDX-License-Identifier: MIT */
/* The rows of [auth]. */
#include "sasl/sasl_int.h"

#define AT(member) offsetof(struct sasl_conf, member)
static const struct conf_row rows[] = {
	{ .key = "mechanisms",
	  .type = CONF_LIST,
	  .offset = AT(mechanisms),
	  .default_z =
		  "SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN EXTERNAL",
	  .reload = CONF_LIVE,
	  .help = "The SASL mechanisms that are offered, in this order; each only where it can work." },
	{ .key = "plaintext_on_loopback",
	  .type = CONF_BOOL,
	  .offset = AT(has_plaintext_on_loopback),
	  .default_z = "no",
	  .reload = CONF_LIVE,
	  .help = "Allows logins without TLS from this machine itself." },
	{ .key = "cache_ttl",
	  .type = CONF_TIME,
	  .offset = AT(cache_ttl_ms),
	  .default_z = "10m",
	  .max = 24 * 3600 * 1000,
	  .reload = CONF_LIVE,
	  .help = "How long a right password is remembered, as a keyed digest in memory; 0 checks the slow hash each time." },
	{ .key = "failure_delay",
	  .type = CONF_TIME,
	  .offset = AT(failure_delay_ms),
	  .default_z = "1s",
	  .max = 10000,
	  .reload = CONF_LIVE,
	  .help = "How long the answer to a failed login is held back." },
};
#undef AT

static int check(const void *values, struct fault *fault)
{
	const struct sasl_conf *v = values;

	for (size_t i = 0; i < v->mechanisms.n; i++) {
		const char *name_z = v->mechanisms.v[i];

		if (sasl_mech_find(str_z(name_z)) == NULL)
			return fault_set(fault, -E_USAGE,
					 "mechanisms: \"%s\" is not known; take some of: %s",
					 name_z, rows[0].default_z);
	}
	return 0;
}

const struct conf_table sasl_conf_table = {
	.section = "auth",
	.struct_size = sizeof(struct sasl_conf),
	.rows = rows,
	.n_rows = ARRAY_LEN(rows),
	.help = "How people prove who they are.",
	.check = check,
};
