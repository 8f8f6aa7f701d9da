/* SPDX-License-Identifier: MIT */
/* Names, data of records, and the resolver against a DNS server of our own on loopback; DNSSEC is in tests/clients/dns.py. */
#include "base/test.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/must.h"
#include "net/dns_int.h"

/* ---- names and records ---- */

TEST(dns_names)
{
	static const struct {
		const char *name;
		bool want;
	} rows[] = {
		{ "example.org", true }, { "example.org.", true }, { "_25._tcp.mx-1.example.org", true }, { "org", true },
		{ "xn--bcher-kva.example", true }, { "1.2.0.192.in-addr.arpa", true },
		{ "", false }, { ".", false }, { "..", false }, { "example.org..", false }, { ".example.org", false }, { "a..b", false },
		{ "exa mple.org", false }, { "a\\046b.org", false }, { "a\nb", false }, { "b\xc3\xbc.example", false }, { "*.example.org", false },
		{ "[192.0.2.1]", false },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.org", true },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.org", false },
	};
	char name[254];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		test_row(rows[i].name);
		assert_int_equal(net_dns_is_name(str_z(rows[i].name)), rows[i].want);
	}
	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = i % 10 == 9 ? '.' : 'a';
	assert_true(net_dns_is_name(str_of(name, 253)));
	assert_false(net_dns_is_name(str_of(name, 254)));
}

TEST(dns_mx_records)
{
	static const struct {
		const char *name;
		struct str rdata;
		bool want;
		uint16_t preference;
		const char *exchange;
	} rows[] = {
		{ "plain", STR_INIT("\0\x0a\2mx\7example\3org\0"), true, 10, "mx.example.org" },
		{ "null", STR_INIT("\0\0\0"), true, 0, "" },
		{ "high preference", STR_INIT("\xff\xfe\1a\0"), true, 65534, "a" },
		{ "bytes that no host has", STR_INIT("\0\0\4a. \xff\0"), true, 0, "a\\046\\032\\255" },
		{ "no name", STR_INIT("\0\0"), false, 0, NULL },
		{ "too short", STR_INIT("\0"), false, 0, NULL },
		{ "nothing", STR_INIT(""), false, 0, NULL },
		{ "cut in a label", STR_INIT("\0\0\5abc"), false, 0, NULL },
		{ "no end", STR_INIT("\0\0\3abc"), false, 0, NULL },
		{ "a pointer", STR_INIT("\0\0\xc0\x0c"), false, 0, NULL },
		{ "more behind it", STR_INIT("\0\0\1a\0\0"), false, 0, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *copy = test_copy(rows[i].rdata);
		struct arena a;
		uint16_t preference;
		struct str exchange;

		test_row(rows[i].name);
		arena_init(&a, 65536);
		assert_int_equal(net_dns_mx(&a, str_of(copy, rows[i].rdata.n), &preference, &exchange), rows[i].want);
		if (rows[i].want) {
			assert_int_equal(preference, rows[i].preference);
			assert_str_eq(exchange, str_z(rows[i].exchange));
		}
		arena_fini(&a);
		mem_free(copy);
	}
}

TEST(dns_srv_records)
{
	static const struct {
		const char *name;
		struct str rdata;
		bool want;
		uint16_t priority, weight, port;
		const char *target;
	} rows[] = {
		{ "plain", STR_INIT("\0\x0a\0\5\3\xe1\4imap\7example\3org\0"), true, 10, 5, 993, "imap.example.org" },
		{ "not there", STR_INIT("\0\0\0\0\0\0\0"), true, 0, 0, 0, "" },
		{ "all high", STR_INIT("\xff\xff\xff\xff\xff\xff\1a\0"), true, 65535, 65535, 65535, "a" },
		{ "bytes that no host has", STR_INIT("\0\0\0\0\0\0\2.\n\0"), true, 0, 0, 0, "\\046\\010" },
		{ "no name", STR_INIT("\0\0\0\0\0\0"), false, 0, 0, 0, NULL },
		{ "too short", STR_INIT("\0\0\0\0\0"), false, 0, 0, 0, NULL },
		{ "nothing", STR_INIT(""), false, 0, 0, 0, NULL },
		{ "cut in a label", STR_INIT("\0\0\0\0\0\0\5abc"), false, 0, 0, 0, NULL },
		{ "a pointer", STR_INIT("\0\0\0\0\0\0\xc0\x0c"), false, 0, 0, 0, NULL },
		{ "more behind it", STR_INIT("\0\0\0\0\0\0\1a\0\0"), false, 0, 0, 0, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *copy = test_copy(rows[i].rdata);
		struct net_dns_srv srv;
		struct arena a;

		test_row(rows[i].name);
		arena_init(&a, 65536);
		assert_int_equal(net_dns_srv(&a, str_of(copy, rows[i].rdata.n), &srv), rows[i].want);
		if (rows[i].want) {
			assert_int_equal(srv.priority, rows[i].priority);
			assert_int_equal(srv.weight, rows[i].weight);
			assert_int_equal(srv.port, rows[i].port);
			assert_str_eq(srv.target, str_z(rows[i].target));
		}
		arena_fini(&a);
		mem_free(copy);
	}
}

/* RFC 8659 4.1 */
TEST(dns_caa_records)
{
	static const struct {
		struct str rdata;
		const char *tag, *value;
		bool is_critical;
	} rows[] = {
		{ STR_INIT("\0\5issueca.example.net"), "issue", "ca.example.net", false },
		{ STR_INIT("\200\3tbs"), "tbs", "", true },
		{ STR_INIT("\0\5issue;"), "issue", ";", false },
		{ STR_INIT("\0\0x"), NULL, NULL, false },
		{ STR_INIT("\0\6issue"), NULL, NULL, false },
		{ STR_INIT("\0\5iss-e"), NULL, NULL, false },
		{ STR_INIT("\0"), NULL, NULL, false },
		{ STR_INIT(""), NULL, NULL, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *copy = test_copy(rows[i].rdata);
		struct net_dns_caa caa = { 0 };

		assert_int_equal(net_dns_caa(str_of(copy, rows[i].rdata.n), &caa), rows[i].tag != NULL);
		assert_str_eq(caa.tag, str_z(rows[i].tag));
		assert_str_eq(caa.value, str_z(rows[i].value));
		assert_int_equal(caa.is_critical, rows[i].is_critical);
		mem_free(copy);
	}
}

TEST(dns_other_records)
{
	struct net_dns_tlsa tlsa;
	struct arena a;
	struct str text;

	arena_init(&a, 65536);
	assert_true(net_dns_txt(&a, S("\6v=spf1\5 -all"), &text));
	assert_str_eq(text, S("v=spf1 -all"));
	assert_true(net_dns_txt(&a, S("\0"), &text));
	assert_str_eq(text, S(""));
	assert_false(net_dns_txt(&a, S(""), &text));
	assert_false(net_dns_txt(&a, S("\6v=s"), &text));
	assert_true(net_dns_target(&a, S("\3www\7example\0"), &text));
	assert_str_eq(text, S("www.example"));
	assert_false(net_dns_target(&a, S("\3www\7example"), &text));
	assert_true(net_dns_tlsa(S("\3\1\1abcd"), &tlsa));
	assert_int_equal(tlsa.usage * 100 + tlsa.selector * 10 + tlsa.matching, 311);
	assert_str_eq(tlsa.data, S("abcd"));
	assert_false(net_dns_tlsa(S("\3\1\1"), &tlsa));
	assert_false(net_dns_tlsa(S(""), &tlsa));
	arena_fini(&a);
}

/* ---- a server ---- */

/* By the first label of the name. {Q}: the name asked for. */
static const struct {
	const char *label;
	int rcode; /* -1: nothing is said */
	struct str records; /* type, class, ttl, length, data */
	int n;
} zone[] = {
	{ "a", 0, STR_INIT("\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1"), 1 },
	{ "two", 0, STR_INIT("\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\2"), 2 },
	{ "alias", 0, STR_INIT("\xc0\x0c\0\5\0\1\0\0\0\x3c\0\4\1a\xc0\x12\1a\xc0\x12\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1"), 2 },
	{ "nodata", 0, STR_INIT(""), 0 },
	{ "nx", 3, STR_INIT(""), 0 },
	{ "fail", 2, STR_INIT(""), 0 },
	{ "refused", 5, STR_INIT(""), 0 },
	{ "silent", -1, STR_INIT(""), 0 },
	{ "", 0, STR_INIT(""), 0 }, /* the root: no keys, no signatures */
};

struct world {
	int fd;
	bool is_silent, is_ending;
	pthread_t thread;
	char server_z[64];
	const char *servers[1];
};

static int find_row(struct str question)
{
	size_t n = question.n > 0 ? (unsigned char)question.p[0] : 0;

	for (size_t i = 0; i < ARRAY_LEN(zone); i++)
		if (str_ieq(str_head(str_skip(question, 1), n), str_z(zone[i].label)))
			return (int)i;
	return -1;
}

/* An answer with the question's first 12 bytes and question, without what is additional. */
static size_t answer(const struct world *w, char *packet, size_t n)
{
	size_t end = 12;
	int row = n > 12 ? find_row(str_of(packet + 12, n - 12)) : -1;

	if (row < 0 || zone[row].rcode < 0 || __atomic_load_n(&w->is_silent, __ATOMIC_RELAXED))
		return 0;
	while (end < n && packet[end])
		end += 1 + (size_t)(unsigned char)packet[end];
	end += 5;
	packet[2] = (char)0x84; /* QR, AA */
	packet[3] = (char)(0x80 | zone[row].rcode);
	memset(packet + 6, 0, 6);
	packet[7] = (char)zone[row].n;
	memcpy(packet + end, zone[row].records.p, zone[row].records.n);
	return end + zone[row].records.n;
}

static void *world_main(void *arg)
{
	struct world *w = arg;

	while (!__atomic_load_n(&w->is_ending, __ATOMIC_RELAXED)) {
		struct pollfd fd = { .fd = w->fd, .events = POLLIN };
		struct sockaddr_in from;
		socklen_t len = sizeof(from);
		char packet[2048];
		ssize_t n;

		if (poll(&fd, 1, 50) <= 0)
			continue;
		n = recvfrom(w->fd, packet, 1024, 0, (struct sockaddr *)&from, &len);
		n = n > 0 ? (ssize_t)answer(w, packet, (size_t)n) : 0;
		if (n > 0)
			(void)!sendto(w->fd, packet, (size_t)n, 0, (struct sockaddr *)&from, len);
	}
	return NULL;
}

static struct net_dns *world_open_as(struct world *w, int64_t timeout_ms, enum net_dns_dnssec dnssec)
{
	struct net_dns_conf conf = { .servers = { w->servers, 1 }, .trust_anchor_file = "", .timeout_ms = timeout_ms, .dnssec = dnssec };
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	struct fault fault = { 0 };
	struct net_dns *d = NULL;

	*w = (struct world){ .fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) };
	assert_true(w->fd >= 0);
	assert_int_equal(bind(w->fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(getsockname(w->fd, (struct sockaddr *)&at, &len), 0);
	assert_int_equal(pthread_create(&w->thread, NULL, world_main, w), 0);
	snprintf(w->server_z, sizeof(w->server_z), "127.0.0.1@%d", ntohs(at.sin_port));
	w->servers[0] = w->server_z;
	if (net_dns_open(&conf, &d, &fault) < 0)
		fail_msg("%s", fault.text);
	return d;
}

static struct net_dns *world_open(struct world *w, int64_t timeout_ms)
{
	return world_open_as(w, timeout_ms, NET_DNS_DNSSEC_NO);
}

static void world_close(struct world *w, struct net_dns **d)
{
	net_dns_close(d);
	__atomic_store_n(&w->is_ending, true, __ATOMIC_RELAXED);
	pthread_join(w->thread, NULL);
	close(w->fd);
}

/* ---- the resolver ---- */

TEST(dns_asks)
{
	static const struct {
		const char *name;
		int r;
		size_t n;
		bool is_nxdomain;
		const char *canonical;
	} rows[] = {
		{ "a.example", 0, 1, false, "a.example" },
		{ "a.example.", 0, 1, false, "a.example" },
		{ "two.example", 0, 2, false, "two.example" },
		{ "alias.example", 0, 1, false, "a.example" },
		{ "nodata.example", 0, 0, false, "nodata.example" },
		{ "nx.example", 0, 0, true, "nx.example" },
		{ "fail.example", -E_IO, 0, false, NULL },
		{ "refused.example", -E_IO, 0, false, NULL },
		{ "no name", -E_SYNTAX, 0, false, NULL },
		{ "a.test", 0, 1, false, "a.test" }, /* not kept from the servers, as libunbound does by itself */
	};
	struct world w;
	struct net_dns *d = world_open(&w, 20000);
	struct arena a;

	arena_init(&a, 1 << 20);
	assert_false(net_dns_is_validating(d));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct net_dns_answer got;
		struct fault fault = { 0 };

		test_row(rows[i].name);
		assert_int_equal(net_dns_ask(d, &a, str_z(rows[i].name), NET_DNS_A, INT64_MAX, &got, &fault), rows[i].r);
		if (rows[i].r < 0) {
			assert_true(fault.text[0] != '\0');
			continue;
		}
		assert_int_equal(got.n, rows[i].n);
		assert_int_equal(got.is_nxdomain, rows[i].is_nxdomain);
		assert_int_equal(got.trust, NET_DNS_INSECURE);
		assert_str_eq(got.canonical, str_z(rows[i].canonical));
		if (got.n > 0) {
			assert_true(got.ttl_s > 0 && got.ttl_s <= 60);
			assert_int_equal(got.rdata[0].n, 4);
		}
	}
	arena_fini(&a);
	world_close(&w, &d);
	assert_null(d);
}

TEST(dns_small_arena)
{
	struct world w;
	struct net_dns *d = world_open(&w, 20000);
	struct net_dns_answer got;
	struct arena a;

	arena_init(&a, 16);
	assert_int_equal(net_dns_ask(d, &a, S("a.example"), NET_DNS_A, INT64_MAX, &got, NULL), -E_LIMIT);
	arena_fini(&a);
	world_close(&w, &d);
}

/* Who asked is gone before libunbound gives up; then everything is closed under it. */
TEST(dns_no_answer)
{
	struct world w;
	struct net_dns *d = world_open(&w, 150);
	struct net_dns_answer got;
	struct fault fault = { 0 };
	int64_t begin_ms = clock_mono_ms();
	struct arena a;

	arena_init(&a, 65536);
	assert_int_equal(net_dns_ask(d, &a, S("silent.example"), NET_DNS_A, INT64_MAX, &got, &fault), -E_TIMEOUT);
	assert_true(clock_mono_ms() - begin_ms >= 150);
	assert_int_equal(net_dns_ask(d, &a, S("silent.example"), NET_DNS_MX, clock_mono_ms() + 10, &got, &fault), -E_TIMEOUT);
	assert_int_equal(net_dns_ask(d, &a, S("silent.example"), NET_DNS_MX, 0, &got, &fault), -E_TIMEOUT);
	assert_int_equal(net_dns_ask(d, &a, S("a.example"), NET_DNS_A, INT64_MAX, &got, &fault), 0);
	arena_fini(&a);
	world_close(&w, &d);
}

#define SMALL_STACK (64u << 10)

struct member {
	struct net_dns *d;
	int n_right;
};

static void *member_main(void *arg)
{
	struct member *m = arg;

	for (int i = 0; i < 50; i++) {
		struct net_dns_answer got;
		struct arena a;
		char name[64];
		bool is_silent = i % 10 == 9;

		arena_init(&a, 65536);
		snprintf(name, sizeof(name), "%s.n%d.example", is_silent ? "silent" : i % 2 ? "nx" : "a", i);
		if (is_silent)
			m->n_right += net_dns_ask(m->d, &a, str_z(name), NET_DNS_A, clock_mono_ms() + 5, &got, NULL) == -E_TIMEOUT;
		else
			m->n_right += net_dns_ask(m->d, &a, str_z(name), NET_DNS_A, INT64_MAX, &got, NULL) == 0 &&
				      got.is_nxdomain == (i % 2 == 1) && got.n == (i % 2 ? 0 : 1);
		arena_fini(&a);
	}
	return NULL;
}

TEST(dns_many_ask_at_once)
{
	struct world w;
	struct net_dns *d = world_open(&w, 60000);
	struct member members[16];
	pthread_t threads[ARRAY_LEN(members)];

	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		members[i] = (struct member){ .d = d };
		assert_int_equal(pthread_create(&threads[i], NULL, member_main, &members[i]), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		assert_int_equal(members[i].n_right, 50);
	world_close(&w, &d);
}

/* Resolvers without signatures: the second context is made while we wait, and not on our stack, which may be small. */
TEST(dns_without_signatures_on_a_small_stack)
{
	struct world w;
	struct net_dns *d = world_open_as(&w, 60000, NET_DNS_DNSSEC_AUTO);
	struct member members[4];
	pthread_t threads[ARRAY_LEN(members)];
	pthread_attr_t attr;

	assert_true(net_dns_is_validating(d));
	assert_int_equal(pthread_attr_init(&attr), 0);
	assert_int_equal(pthread_attr_setstacksize(&attr, SMALL_STACK), 0);
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		members[i] = (struct member){ .d = d };
		assert_int_equal(pthread_create(&threads[i], &attr, member_main, &members[i]), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(members[i].n_right, 50);
	}
	assert_false(net_dns_is_validating(d));
	pthread_attr_destroy(&attr);
	world_close(&w, &d);
}

/* One before it has seen the root signed: whoever takes the signatures away now gets no answer believed. */
TEST(dns_root_is_expected)
{
	struct world w;
	struct net_dns *d = world_open_as(&w, 60000, NET_DNS_DNSSEC_AUTO);
	struct net_dns_answer got;
	struct arena a;

	arena_init(&a, 1 << 20);
	assert_int_equal(net_dns_ask(d, &a, S("a.example"), NET_DNS_A, INT64_MAX, &got, NULL), 0);
	assert_int_equal(got.trust, NET_DNS_INSECURE);
	assert_false(net_dns_has_root(d) || net_dns_is_validating(d));
	net_dns_expect_root(d, true);
	assert_true(net_dns_is_validating(d));
	assert_int_equal(net_dns_ask(d, &a, S("a.one.example"), NET_DNS_A, INT64_MAX, &got, NULL), 0);
	assert_int_equal(got.trust, NET_DNS_BOGUS);
	assert_false(net_dns_has_root(d));
	net_dns_expect_root(d, false);
	assert_int_equal(net_dns_ask(d, &a, S("a.two.example"), NET_DNS_A, INT64_MAX, &got, NULL), 0);
	assert_int_equal(got.trust, NET_DNS_INSECURE);
	arena_fini(&a);
	world_close(&w, &d);
}

/* A resolver that was away for a moment. */
TEST(dns_server_comes_back)
{
	struct world w;
	struct net_dns *d = world_open(&w, 1000);
	struct net_dns_answer got;
	struct arena a;
	int64_t end_ms;
	int r;

	arena_init(&a, 1 << 20);
	__atomic_store_n(&w.is_silent, true, __ATOMIC_RELAXED);
	assert_true(net_dns_ask(d, &a, S("a.example"), NET_DNS_A, INT64_MAX, &got, NULL) < 0);
	assert_true(net_dns_ask(d, &a, S("a.one.example"), NET_DNS_A, INT64_MAX, &got, NULL) < 0);
	__atomic_store_n(&w.is_silent, false, __ATOMIC_RELAXED);
	end_ms = clock_mono_ms() + 30000;
	do {
		r = net_dns_ask(d, &a, S("a.two.example"), NET_DNS_A, INT64_MAX, &got, NULL);
	} while (r < 0 && clock_mono_ms() < end_ms);
	assert_int_equal(r, 0);
	arena_fini(&a);
	world_close(&w, &d);
}

/* Whatever else was heard at the same time: once the root was right, nobody is believed who gives no signatures. */
TEST(dns_stays_with_signatures)
{
	struct net_dns_conf conf = { .dnssec = NET_DNS_DNSSEC_AUTO, .trust_anchor_file = "", .timeout_ms = 1000 };
	struct net_dns *d = NULL;

	assert_int_equal(net_dns_open(&conf, &d, NULL), 0);
	d->unsigned_until_ms = INT64_MAX;
	assert_false(net_dns_is_validating(d));
	d->is_root_validated = true;
	assert_true(net_dns_is_validating(d));
	net_dns_close(&d);
}

TEST(dns_settings)
{
	static const struct {
		const char *text, *fault;
	} rows[] = {
		{ "[dns]\nservers = 192.0.2.53, 2001:db8::53@5353 127.0.0.1@53\ndnssec = required\nunsigned_domains = corp.example lan\n", NULL },
		{ "[dns]\nservers = dns.example.org\n", "addresses" },
		{ "[dns]\nservers = 127.0.0.1@\n", "addresses" },
		{ "[dns]\nservers = 127.0.0.1@70000\n", "addresses" },
		{ "[dns]\nunsigned_domains = a..b\n", "domain name" },
		{ "[dns]\ntrust_anchor_file = root.key\n", "whole path" },
	};
	const struct conf_table *const tables[] = { &net_dns_conf_table };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct conf *conf = NULL;
		struct fault fault = { 0 };
		int r = conf_parse(tables, 1, "x", str_z(rows[i].text), &conf, &fault);

		test_row(rows[i].text);
		assert_int_equal(r, rows[i].fault ? -E_USAGE : 0);
		if (rows[i].fault)
			assert_non_null(strstr(fault.text, rows[i].fault));
		conf_unref(conf);
	}
}

/* What cannot be used is told at the start. */
TEST(dns_bad_files)
{
	struct net_dns_conf conf = { .dnssec = NET_DNS_DNSSEC_REQUIRED, .timeout_ms = 1000 };
	struct fault fault = { 0 };
	struct net_dns *d = NULL;
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/anchor", test_dir());
	conf.trust_anchor_file = path;
	assert_true(net_dns_open(&conf, &d, &fault) < 0);
	assert_non_null(strstr(fault.text, path));
	f = fopen(path, "we");
	assert_non_null(f);
	fputs("; nothing\n\n", f);
	fclose(f);
	assert_int_equal(net_dns_open(&conf, &d, &fault), -E_USAGE);
	assert_non_null(strstr(fault.text, "no trust anchor"));
	f = fopen(path, "we");
	assert_non_null(f);
	fputs(". IN DS nonsense\n", f);
	fclose(f);
	assert_int_equal(net_dns_open(&conf, &d, &fault), -E_USAGE);
	assert_null(d);
	conf.trust_anchor_file = ""; /* the one of the system, or the one built in */
	assert_int_equal(net_dns_open(&conf, &d, &fault), 0);
	assert_true(net_dns_is_validating(d));
	net_dns_close(&d);
}
