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
	"[route \"safe\"]\ndomains = bank.example\nhost = mx\ntls = verify\n"
	"[route \"unicode\"]\ndomains = B\xc3\xbc" "cher.example .m\xc3\xbcller.example xn--gre-6ka8i.example\nhost = u.example.net\n"
	"[route \"unicode senders\"]\nsenders = jos\xc3\xa9@b\xc3\xbc" "cher.example @m\xc3\xbcller.example @xn--gre-6ka8i.example\nhost = s.example.net\n";

static const struct row {
	const char *sender, *domain;           /* given */
	const char *destination, *host, *file; /* found */
	uint16_t port;
	enum queue_tls tls;
	bool is_lmtp;
} rows[] = {
	{ "bob@b.example", "example.com", "example.com", "", "", 2525, QUEUE_TLS_ENCRYPT, false },
	{ "bob@b.example", "lists.example.org", "lmtp:[10.0.0.1]:24 tls=none", "10.0.0.1", "", 24, QUEUE_TLS_NONE, true },
	{ "", "a.b.inner.example", "lmtp:[10.0.0.1]:24 tls=none", "10.0.0.1", "", 24, QUEUE_TLS_NONE, true },
	{ "bob@b.example", "inner.example", "inner.example", "", "", 2525, QUEUE_TLS_ENCRYPT, false },
	{ "bob@b.example", "xinner.example", "xinner.example", "", "", 2525, QUEUE_TLS_ENCRYPT, false },
	{ "", "example.com", "[bounce.example.net]:25", "bounce.example.net", "", 25, QUEUE_TLS_MAY, false },
	{ "Alice@Example.org", "example.com", "[relay.example.net]:587 martlet tls=verify", "relay.example.net", "/etc/secret", 587,
	  QUEUE_TLS_VERIFY, false },
	{ "x@alice.example", "example.com", "[relay.example.net]:587 martlet tls=verify", "relay.example.net", "/etc/secret", 587, QUEUE_TLS_VERIFY,
	  false },
	{ "x@not-alice.example", "example.com", "example.com", "", "", 2525, QUEUE_TLS_ENCRYPT, false },
	{ "alice@example.org", "example.net", "example.net", "", "", 2525, QUEUE_TLS_ENCRYPT, false },
	{ "bob@b.example", "bank.example", "bank.example", "", "", 25, QUEUE_TLS_VERIFY, false },
	/* The domain comes in A-labels, a sender as he was written. */
	{ "bob@b.example", "xn--bcher-kva.example", "[u.example.net]:25", "u.example.net", "", 25, QUEUE_TLS_MAY, false },
	{ "bob@b.example", "a.xn--mller-kva.example", "[u.example.net]:25", "u.example.net", "", 25, QUEUE_TLS_MAY, false },
	{ "bob@b.example", "xn--mller-kva.example", "xn--mller-kva.example", "", "", 2525, QUEUE_TLS_ENCRYPT, false },
	{ "bob@b.example", "xn--gre-6ka8i.example", "[u.example.net]:25", "u.example.net", "", 25, QUEUE_TLS_MAY, false },
	{ "jos\xc3\xa9@b\xc3\xbc" "cher.example", "example.net", "[s.example.net]:25", "s.example.net", "", 25, QUEUE_TLS_MAY, false },
	{ "jos\xc3\xa9@XN--bcher-kva.example", "example.net", "[s.example.net]:25", "s.example.net", "", 25, QUEUE_TLS_MAY, false },
	{ "joe@b\xc3\xbc" "cher.example", "example.net", "example.net", "", "", 2525, QUEUE_TLS_ENCRYPT, false },
	{ "joe@xn--mller-kva.example", "example.net", "[s.example.net]:25", "s.example.net", "", 25, QUEUE_TLS_MAY, false },
	{ "joe@gr\xc3\xb6\xc3\x9f" "e.example", "example.net", "[s.example.net]:25", "s.example.net", "", 25, QUEUE_TLS_MAY, false },
	{ "bob@b.example", "[192.0.2.1]", "[192.0.2.1]:2525 tls=encrypt", "192.0.2.1", "", 2525, QUEUE_TLS_ENCRYPT, false },
	{ "bob@b.example", "[IPv6:2001:db8::1]", "[2001:db8::1]:2525 tls=encrypt", "2001:db8::1", "", 2525, QUEUE_TLS_ENCRYPT, false },
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

/* Of the section that fits; a section that is only for that fits nothing. */
TEST(the_fallback_of_a_route_is_found)
{
	static const char fallbacks[] =
		"[queue]\nport = 2525\n"
		"[route \"b\"]\nonly_fallback = yes\nhost = b.example.net\n"
		"[route \"a\"]\nonly_fallback = yes\nhost = a.example.net\nport = 465\ntls = implicit\nuser = martlet\npassword_file = /etc/secret\n"
		"[route \"none\"]\ndomains = none.example\nhost = mx\n"
		"[route \"other\"]\ndomains = other.example\nhost = h.example\nfallback = b\n"
		"[route \"all\"]\nhost = mx\nfallback = a\n";
	static const struct {
		const char *domain, *direct, *fallback; /* NULL: none */
		enum queue_tls tls;
	} wants[] = {
		{ "none.example", "none.example", NULL, QUEUE_TLS_MAY },
		{ "other.example", "[h.example]:25", "[b.example.net]:25", QUEUE_TLS_MAY },
		{ "x.example", "x.example", "[a.example.net]:465 martlet tls=implicit", QUEUE_TLS_IMPLICIT },
		{ "[192.0.2.1]", "[192.0.2.1]:25", "[a.example.net]:465 martlet tls=implicit", QUEUE_TLS_IMPLICIT },
	};
	struct conf *c = NULL;
	struct fault fault = { 0 };

	assert_int_equal(conf_parse(tables, ARRAY_LEN(tables), "t", str_z(fallbacks), &c, &fault), 0);
	for (size_t i = 0; i < ARRAY_LEN(wants); i++) {
		AUTO(arena_fini) struct arena a = { .cap = 65536 };
		const char *file;
		struct queue_hop hop;
		int rc;

		test_row(wants[i].domain);
		assert_int_equal(queue_route_find(c, &a, S("x@y.example"), str_z(wants[i].domain), &hop, &file), 0);
		assert_str_eq(hop.destination, str_z(wants[i].direct));
		rc = queue_route_fallback(c, &a, S("x@y.example"), str_z(wants[i].domain), &hop);
		assert_int_equal(rc, wants[i].fallback ? 0 : -E_NOT_FOUND);
		if (rc < 0)
			continue;
		assert_str_eq(hop.destination, str_z(wants[i].fallback));
		assert_str_eq(hop.domain, str_z(wants[i].domain));
		assert_int_equal(hop.tls, wants[i].tls);
	}
	conf_unref(c);
}

/* With the line of the section, and what to write instead. */
TEST(a_fallback_that_makes_no_sense_is_a_mistake)
{
	static const struct {
		const char *text, *fault;
	} bad[] = {
		{ "[route \"a\"]\nhost = mx\nfallback = b\n", "t:1: [route \"a\"]: fallback = b: there is no section [route \"b\"]; write one" },
		{ "\n[route \"a\"]\nhost = h\nfallback = a\n", "t:2: [route \"a\"]: fallback = a: that is the same host; name" },
		{ "[route \"b\"]\nhost = H\n[route \"a\"]\nhost = h\nfallback = b\n", "t:3: [route \"a\"]: fallback = b: that is the same host" },
		{ "[route \"a\"]\nhost = h\nfallback = b\n[route \"b\"]\nhost = mx\n", "t:1: [route \"a\"]: fallback = b: its host is mx" },
		{ "[route \"a\"]\nhost = mx\nfallback = b\n[route \"b\"]\nhost = x\nprotocol = lmtp\n", "t:1: [route \"a\"]: fallback = b: it has protocol" },
		{ "[route \"a\"]\nhost = x\nonly_fallback = yes\ndomains = x.example\n", "t:1: [route \"a\"]: only_fallback = yes: it takes" },
		{ "[route \"a\"]\nhost = x\nonly_fallback = yes\nfallback = a\n", "t:1: [route \"a\"]: only_fallback = yes: a fallback of" },
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct conf *c = NULL;
		struct fault fault = { 0 };

		test_row(bad[i].text);
		assert_int_equal(conf_parse(tables, ARRAY_LEN(tables), "t", str_z(bad[i].text), &c, &fault), -E_USAGE);
		if (!str_starts(str_z(fault.text), str_z(bad[i].fault)))
			fail_msg("%s", fault.text);
	}
}

TEST(a_route_that_makes_no_sense_is_a_mistake)
{
	static const char *const bad[] = {
		"[route \"a\"]\ndomains = example.org\n",
		"[route \"a\"]\nhost = [10.0.0.1]\n",
		"[route \"a\"]\nhost = a b\n",
		"[route \"a\"]\nhost = m\xc3\xbcller.example\n",
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
