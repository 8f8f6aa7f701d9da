/* SPDX-License-Identifier: MIT */
/* Which way mail goes: the first section that fits, its key, and settings that make no sense. */
#include "queue/route.h"

#include "base/test.h"

static const struct conf_table *const tables[] = { &queue_conf_table, &queue_route_table };

static const char settings[] =
	"[queue]\nport = 2525\ntls = encrypt\n"
	"[route \"inside\"]\ndomains = lists.example.org .inner.example\nhost = 10.0.0.1\nprotocol = lmtp\nport = 24\ntls = none\n"
	"[route \"bounces\"]\nsenders = <>\nhost = bounce.example.net\n"
	"[route \"alice\"]\nsenders = alice@example.org @alice.example\ndomains = example.com\nhost = relay.example.net\nport = 587\n"
	"tls = verify\nuser = martlet\npassword_file = /etc/secret\n"
	"[route \"safe\"]\ndomains = bank.example\nhost = mx\ntls = verify\n";

static const struct row {
	const char *sender, *domain;           /* given */
	const char *destination, *host, *file; /* found */
	uint16_t port;
	enum queue_tls tls;
	bool is_lmtp;
} rows[] = {
	{ "bob@b.example", "example.com", "example.com", "", "", 2525, QUEUE_TLS_ENCRYPT, false },
	{ "bob@b.example", "lists.example.org", "lmtp:[10.0.0.1]:24", "10.0.0.1", "", 24, QUEUE_TLS_NONE, true },
	{ "", "a.b.inner.example", "lmtp:[10.0.0.1]:24", "10.0.0.1", "", 24, QUEUE_TLS_NONE, true },
	{ "bob@b.example", "inner.example", "inner.example", "", "", 2525, QUEUE_TLS_ENCRYPT, false },
	{ "bob@b.example", "xinner.example", "xinner.example", "", "", 2525, QUEUE_TLS_ENCRYPT, false },
	{ "", "example.com", "[bounce.example.net]:25", "bounce.example.net", "", 25, QUEUE_TLS_MAY, false },
	{ "Alice@Example.org", "example.com", "[relay.example.net]:587 martlet", "relay.example.net", "/etc/secret", 587,
	  QUEUE_TLS_VERIFY, false },
	{ "x@alice.example", "example.com", "[relay.example.net]:587 martlet", "relay.example.net", "/etc/secret", 587, QUEUE_TLS_VERIFY,
	  false },
	{ "x@not-alice.example", "example.com", "example.com", "", "", 2525, QUEUE_TLS_ENCRYPT, false },
	{ "alice@example.org", "example.net", "example.net", "", "", 2525, QUEUE_TLS_ENCRYPT, false },
	{ "bob@b.example", "bank.example", "bank.example", "", "", 25, QUEUE_TLS_VERIFY, false },
	{ "bob@b.example", "[192.0.2.1]", "[192.0.2.1]:2525", "192.0.2.1", "", 2525, QUEUE_TLS_ENCRYPT, false },
	{ "bob@b.example", "[IPv6:2001:db8::1]", "[2001:db8::1]:2525", "2001:db8::1", "", 2525, QUEUE_TLS_ENCRYPT, false },
};

TEST(the_first_route_that_fits_is_taken)
{
	struct conf *c = NULL;
	struct fault fault = { 0 };

	assert_int_equal(conf_parse(tables, ARRAY_LEN(tables), "t", str_z(settings), &c, &fault), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(arena_fini) struct arena a;
		const char *file;
		struct queue_hop hop;

		test_row(rows[i].domain);
		arena_init(&a, 65536);
		assert_int_equal(queue_route_find(c, &a, str_z(rows[i].sender), str_z(rows[i].domain), &hop, &file), 0);
		assert_str_eq(hop.destination, str_z(rows[i].destination));
		assert_str_eq(hop.host, str_z(rows[i].host));
		assert_str_eq(hop.domain, str_z(rows[i].domain));
		assert_str_eq(str_z(file), str_z(rows[i].file));
		assert_int_equal(hop.port, rows[i].port);
		assert_int_equal(hop.tls, rows[i].tls);
		assert_int_equal(hop.is_lmtp, rows[i].is_lmtp);
	}
	conf_unref(c);
}

TEST(a_route_that_makes_no_sense_is_a_mistake)
{
	static const char *const bad[] = {
		"[route \"a\"]\ndomains = example.org\n",
		"[route \"a\"]\nhost = [10.0.0.1]\n",
		"[route \"a\"]\nhost = a b\n",
		"[route \"a\"]\nhost = a\nuser = b\ntls = verify\n",
		"[route \"a\"]\nhost = a\npassword_file = /b\n",
		"[route \"a\"]\nhost = a\nuser = b\npassword_file = /b\n",
		"[route \"a\"]\nhost = a\nuser = b\npassword_file = /b\ntls = encrypt\n",
		"[route \"a\"]\nhost = mx\nprotocol = lmtp\n",
		"[route \"a\"]\nhost = 10.0.0.1\ntls = implicit\n",
		"[route \"a\"]\nhost = 2001:db8::1\ntls = verify\n",
		"[route \"a\"]\nhost = mx\nuser = b\npassword_file = /b\ntls = verify\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct conf *c = NULL;
		struct fault fault = { 0 };

		test_row(bad[i]);
		assert_int_equal(conf_parse(tables, ARRAY_LEN(tables), "t", str_z(bad[i]), &c, &fault), -E_USAGE);
	}
}
