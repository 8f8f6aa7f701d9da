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
	  .help = "How long the answer to a failed login is held back; costs no thread." },
	{ .key = "max_address_failures",
	  .type = CONF_INT,
	  .offset = AT(max_address_failures),
	  .default_z = "10",
	  .max = 1000000,
	  .reload = CONF_LIVE,
	  .help = "Different wrong passwords after which an address (IPv6: a /64) must wait before each further try; 0 for any number." },
	{ .key = "max_account_failures",
	  .type = CONF_INT,
	  .offset = AT(max_account_failures),
	  .default_z = "50",
	  .max = 1000000,
	  .reload = CONF_LIVE,
	  .help = "Different wrong passwords, from several addresses, after which an account takes logins only from addresses that it knows and now and then from a new one; 0 for any number." },
	{ .key = "failure_memory",
	  .type = CONF_TIME,
	  .offset = AT(failure_memory_ms),
	  .default_z = "6h",
	  .min = 1000,
	  .max = 7 * 24 * 3600 * 1000,
	  .reload = CONF_LIVE,
	  .help = "How long a wrong password counts." },
	{ .key = "max_wait",
	  .type = CONF_TIME,
	  .offset = AT(max_wait_ms),
	  .default_z = "15m",
	  .min = 100,
	  .max = 24 * 3600 * 1000,
	  .reload = CONF_LIVE,
	  .help = "The longest time that an address must wait after a wrong password." },
	{ .key = "known_memory",
	  .type = CONF_TIME,
	  .offset = AT(known_memory_ms),
	  .default_z = "30d",
	  .max = 365ll * 24 * 3600 * 1000,
	  .reload = CONF_LIVE,
	  .help = "How long after a login an address is known to the account, so that it is not throttled there." },
	{ .key = "throttle_exempt",
	  .type = CONF_LIST,
	  .offset = AT(throttle_exempt),
	  .default_z = "127.0.0.0/8 ::1",
	  .reload = CONF_LIVE,
	  .help = "Networks whose failed logins are not counted, such as that of a webmail server, which must throttle itself." },
	{ .key = "max_connections_per_account",
	  .type = CONF_INT,
	  .offset = AT(max_connections_per_account),
	  .default_z = "100",
	  .min = 1,
	  .max = 1000000,
	  .reload = CONF_LIVE,
	  .help = "Logged-in connections of one account over IMAP, POP3 and submission together." },
};
#undef AT

static int check_networks(const struct conf_list *networks, struct fault *fault)
{
	for (size_t i = 0; i < networks->n; i++) {
		struct sasl_peer p;
		unsigned bits;

		if (!sasl_network_parse(str_z(networks->v[i]), &p, &bits))
			return fault_set(fault, -E_USAGE,
					 "throttle_exempt: \"%s\" is no network; write one like "
					 "192.0.2.0/24, 2001:db8::/32, or an address",
					 networks->v[i]);
	}
	return 0;
}

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
	return check_networks(&v->throttle_exempt, fault);
}

const struct conf_table sasl_conf_table = {
	.section = "auth",
	.struct_size = sizeof(struct sasl_conf),
	.rows = rows,
	.n_rows = ARRAY_LEN(rows),
	.help = "How people prove who they are.",
	.check = check,
};
