/* SPDX-License-Identifier: MIT */
/* Where servers may be: a DNS and a web that are tables, and what is made of them. tests/clients/doctor_find.py asks real ones. */
#include "base/test.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "doctor/find_int.h"

/* ---- a world ---- */

struct record {
	const char *name_z;
	enum net_dns_type type;
	const char *data_z;      /* SRV "0 1 993 host", MX "10 host", address as text; NULL: see err */
	enum net_dns_trust trust;
	int err;                 /* of the question */
};

struct page {
	const char *url_z;       /* host and path, as far as "?" */
	const char *text_z;
	int err;
	const char *redirect_z;
};

struct small_world {
	const struct record *records;
	const struct page *pages;
	const char *chance_z;    /* an address that each name has that is not in the table */
	const char *query_z;     /* that each page must be asked with */
	unsigned n_gets;
};

static void put_u16(struct buf *b, unsigned v)
{
	buf_add_char(b, (char)(v >> 8));
	buf_add_char(b, (char)v);
}

static void put_name(struct buf *b, struct str name)
{
	struct str label;

	while (name.n > 0 && !str_eq(name, S(".")) && str_split(&name, '.', &label)) {
		buf_add_char(b, (char)label.n);
		buf_add(b, label);
	}
	buf_add_char(b, '\0');
}

static void encode(struct buf *b, const struct record *r)
{
	struct net_address address;
	char host[256] = "";
	unsigned priority = 0, weight = 0, port = 0;

	if (r->type == NET_DNS_SRV) {
		assert_int_equal(sscanf(r->data_z, "%u %u %u %255s", &priority, &weight, &port, host), 4);
		put_u16(b, priority);
		put_u16(b, weight);
		put_u16(b, port);
		put_name(b, str_z(host));
	} else if (r->type == NET_DNS_MX) {
		assert_int_equal(sscanf(r->data_z, "%u %255s", &priority, host), 2);
		put_u16(b, priority);
		put_name(b, str_z(host));
	} else {
		assert_true(net_address_parse(str_z(r->data_z), 0, &address));
		if (r->type == NET_DNS_A)
			buf_add(b, str_of(&address.v4.sin_addr, 4));
		else
			buf_add(b, str_of(&address.v6.sin6_addr, 16));
	}
}

static int fake_dns(void *ctx, struct arena *a, struct str name, enum net_dns_type type, int64_t deadline_ms, struct net_dns_answer *ret,
		    struct fault *fault)
{
	const struct small_world *w = ctx;
	const struct record chance = { "", NET_DNS_A, w->chance_z, NET_DNS_INSECURE, 0 };
	bool is_there = false;

	(void)deadline_ms;
	*ret = (struct net_dns_answer){ .canonical = name, .rdata = ARENA_ARRAY(a, struct str, 32), .why = S("") };
	for (const struct record *r = w->records;; r++) {
		AUTO(buf_fini) struct buf rdata = BUF_INIT(1000);

		if (!r->name_z && (is_there || type != NET_DNS_A || !w->chance_z))
			break;
		if (r->name_z && !str_ieq(str_z(r->name_z), name))
			continue;
		is_there = true;
		if (r->name_z && r->type != type)
			continue;
		if (r->name_z && r->err < 0)
			return fault_set(fault, r->err, "trouble");
		ret->trust = r->name_z ? r->trust : NET_DNS_INSECURE;
		if (ret->trust == NET_DNS_BOGUS) {
			ret->why = S("no good signature");
			break;
		}
		encode(&rdata, r->name_z ? r : &chance);
		ret->rdata[ret->n++] = arena_str(a, buf_str(&rdata));
		if (!r->name_z)
			break;
	}
	ret->is_nxdomain = !is_there;
	return 0;
}

static void fake_ahead(void *ctx, struct str name, enum net_dns_type type)
{
	(void)ctx, (void)name, (void)type;
}

static int fake_get(void *ctx, const struct net_https_get *g, struct buf *out, struct fault *fault)
{
	struct small_world *w = ctx;
	size_t path_n = strcspn(g->path_z, "?");
	char url[1200];

	__atomic_add_fetch(&w->n_gets, 1, __ATOMIC_RELAXED);
	snprintf(url, sizeof(url), "%s%.*s", g->host_z, (int)path_n, g->path_z);
	assert_string_equal(g->type_z, "text/xml,application/xml");
	assert_true(g->port == 443 && g->n_addresses > 0);
	for (const struct page *p = w->pages; p && p->url_z; p++) {
		if (strcmp(p->url_z, url) != 0)
			continue;
		if (w->query_z)
			assert_string_equal(g->path_z + path_n, w->query_z);
		buf_add(out, str_z(p->text_z));
		if (p->redirect_z)
			buf_add(g->redirect, str_z(p->redirect_z));
		return p->err < 0 ? fault_set(fault, p->err, "https://%s:443%s: the server answers 404", g->host_z, g->path_z) : 0;
	}
	return fault_set(fault, -E_IO, "https://%s:443%s: no connection", g->host_z, g->path_z);
}

static struct doctor_lookup lookup_of(struct small_world *w)
{
	struct doctor_lookup l = { .ctx = w, .dns = fake_dns, .ahead = fake_ahead, .get = fake_get, .https_port = 443 };
	const char *why_z = "";

	assert_true(libexpat_load(&l.expat, &why_z));
	return l;
}

/* ---- what is found ---- */

/* "srv imap implicit imap.example.org 993", and what else there is. */
static void print(const struct doctor_candidate *c, char *ret, size_t n)
{
	snprintf(ret, n, "%s %s %s %s %u%s%s%s%s%s", doctor_source_names[c->source], doctor_protocol_names[c->protocol],
		 doctor_tls_names[c->tls], c->host_z, c->port, c->alpn_z ? " alpn=" : "", c->alpn_z ? c->alpn_z : "", c->user_z ? " user=" : "",
		 c->user_z ? c->user_z : "", c->is_unproven ? " unproven" : "");
}

/* The candidates of a world, best first, are these, or begin with them. */
static void check(struct small_world *w, const struct doctor_find *what, const char *const *want, bool is_all, struct arena *a,
		  struct doctor_found *found)
{
	struct doctor_lookup l = lookup_of(w);
	struct doctor_find asked = *what;
	size_t i;

	asked.deadline_ms = clock_mono_ms() + 10000;
	assert_int_equal(doctor_find(&l, &asked, a, found), 0);
	for (i = 0; want[i]; i++) {
		char got[600] = "nothing";

		if (i < found->n)
			print(&found->v[i], got, sizeof(got));
		assert_string_equal(got, want[i]);
	}
	if (is_all)
		assert_int_equal(found->n, i);
}

static const struct doctor_hint *hint_of(const struct doctor_found *found, const char *what_z)
{
	for (size_t i = 0; i < found->n_hints; i++)
		if (strcmp(found->hints[i].what_z, what_z) == 0)
			return &found->hints[i];
	fail_msg("no hint about %s", what_z);
	return NULL;
}

static void assert_hint(const struct doctor_found *found, const char *what_z, int err, const char *part_z)
{
	const struct doctor_hint *h = hint_of(found, what_z);

	assert_int_equal(h->err, err);
	if (!strstr(h->found_z, part_z))
		fail_msg("%s: \"%s\", not \"%s\"", what_z, h->found_z, part_z);
}

#define YOU { .address = STR_INIT("you@example.org"), .domain_or_host = STR_INIT("example.org") }
#define READ_AND_SEND (FIND_BIT(DOCTOR_IMAP) | FIND_BIT(DOCTOR_SUBMISSION))

TEST(find_srv)
{
	static const struct record records[] = {
		{ "example.org", NET_DNS_SRV, "0 0 0 .", 0, 0 },
		{ "_imaps._tcp.example.org", NET_DNS_SRV, "10 1 993 second.example.org", 0, 0 },
		{ "_imaps._tcp.example.org", NET_DNS_SRV, "0 1 993 light.example.org", 0, 0 },
		{ "_imaps._tcp.example.org", NET_DNS_SRV, "0 9 1993 Heavy.Example.ORG", 0, 0 },
		{ "_imap._tcp.example.org", NET_DNS_SRV, "5 0 143 imap.hoster.test", 0, 0 },
		{ "_submissions._tcp.example.org", NET_DNS_SRV, "0 1 465 smtp.hoster.test", NET_DNS_SECURE, 0 },
		{ "_submission._tcp.example.org", NET_DNS_SRV, "0 0 0 .", 0, 0 },
		{ "_sieve._tcp.example.org", NET_DNS_SRV, "7 0 4190 example.org", 0, 0 },
		{ "_pop3s._tcp.example.org", NET_DNS_SRV, NULL, 0, -E_TIMEOUT },
		{ "_pop3._tcp.example.org", NET_DNS_SRV, NULL, NET_DNS_BOGUS, 0 },
		{ NULL, 0, NULL, 0, 0 },
	};
	static const char *const want[] = {
		"srv submission implicit smtp.hoster.test 465", /* weight 1 of priority 0, as light */
		NULL,
	};
	static const char *const all[] = {
		"srv imap implicit heavy.example.org 1993", "srv imap implicit light.example.org 993",
		"srv submission implicit smtp.hoster.test 465",
		"srv imap starttls imap.hoster.test 143 unproven", "srv imap plain imap.hoster.test 143 unproven",
		"srv sieve starttls example.org 4190", "srv sieve plain example.org 4190",
		"srv imap implicit second.example.org 993", NULL,
	};
	static const char *const imap_993[] = { "srv imap implicit light.example.org 993", "srv imap implicit second.example.org 993", NULL };
	const struct doctor_find what = YOU, submission = { .domain_or_host = S("example.org"), .protocols = FIND_BIT(DOCTOR_SUBMISSION) },
				 port = { .domain_or_host = S("example.org."), .protocols = FIND_BIT(DOCTOR_IMAP), .port = 993 };
	struct small_world w = { .records = records };
	struct doctor_found found;
	struct arena a;

	arena_init(&a, 1 << 20);
	check(&w, &what, all, true, &a, &found);
	assert_hint(&found, "SRV _imaps._tcp.example.org", 0, "0 9 1993 Heavy.Example.ORG, 0 1 993 light.example.org, 10 1 993 second.example.org");
	assert_hint(&found, "SRV _imap._tcp.example.org", 0, "outside of example.org and not signed");
	assert_hint(&found, "SRV _submission._tcp.example.org", 0, "no such service");
	assert_hint(&found, "SRV _pop3s._tcp.example.org", -E_TIMEOUT, "trouble");
	assert_hint(&found, "SRV _pop3._tcp.example.org", -E_DENIED, "no good signature");
	assert_hint(&found, "A, AAAA imap.example.org", -E_NOT_FOUND, "no such name");
	assert_true(found.is_bogus && !found.is_nxdomain && !found.is_deaf && !found.is_wildcard && !found.is_null_mx);
	check(&w, &submission, want, true, &a, &found);
	check(&w, &port, imap_993, true, &a, &found);
	assert_int_equal(w.n_gets, 0); /* the web servers have no addresses */
	arena_fini(&a);
}

/* RFC 6186 3.4: a service that the domain says it has not is not guessed at; others are. */
TEST(find_denied)
{
	static const struct record records[] = {
		{ "example.org", NET_DNS_MX, "10 mx.example.org", 0, 0 },
		{ "mail.example.org", NET_DNS_A, "192.0.2.1", 0, 0 },
		{ "_imap._tcp.example.org", NET_DNS_SRV, "0 0 0 .", 0, 0 },
		{ "_submissions._tcp.example.org", NET_DNS_SRV, "0 0 0 .", 0, 0 },
		{ NULL, 0, NULL, 0, 0 },
	};
	static const char *const want[] = {
		"mx imap implicit mx.example.org 993", "mx submission starttls mx.example.org 587", "mx submission starttls mx.example.org 2525",
		"mx submission plain mx.example.org 587", "name imap implicit mail.example.org 993", "name submission starttls mail.example.org 587",
		"name submission starttls mail.example.org 2525", "name submission plain mail.example.org 587", NULL,
	};
	const struct doctor_find what = { .domain_or_host = S("example.org"), .protocols = READ_AND_SEND };
	struct small_world w = { .records = records };
	struct doctor_found found;
	struct arena a;

	arena_init(&a, 1 << 20);
	check(&w, &what, want, true, &a, &found);
	arena_fini(&a);
}

TEST(find_mx)
{
	static const struct {
		const char *name;
		struct record records[5];
		bool is_null, is_nxdomain, is_deaf;
		const char *want[3]; /* of SMTP */
		int err;
		const char *hint;
	} rows[] = {
		{ "two", { { "example.org", NET_DNS_MX, "20 b.example.org", 0, 0 }, { "example.org", NET_DNS_MX, "10 a.hoster.test", 0, 0 } },
		  false, false, false, { "mx smtp starttls a.hoster.test 25 unproven", "mx smtp plain a.hoster.test 25 unproven",
		  "mx smtp starttls b.example.org 25" }, 0, "10 a.hoster.test, 20 b.example.org" },
		{ "signed", { { "example.org", NET_DNS_MX, "10 a.hoster.test", NET_DNS_SECURE, 0 } }, false, false, false,
		  { "mx smtp starttls a.hoster.test 25", NULL, NULL }, 0, "10 a.hoster.test" },
		{ "null", { { "example.org", NET_DNS_MX, "0 .", 0, 0 }, { "example.org", NET_DNS_A, "192.0.2.1", 0, 0 } }, true, false, false,
		  { NULL, NULL, NULL }, 0, "takes no mail" },
		{ "none, but an address", { { "example.org", NET_DNS_A, "192.0.2.1", 0, 0 } }, false, false, false,
		  { "mx smtp starttls example.org 25", "mx smtp plain example.org 25", NULL }, -E_NOT_FOUND, "no such records" },
		{ "none at all", { { "example.org", NET_DNS_TXT, NULL, 0, 0 } }, false, false, false, { NULL, NULL, NULL }, -E_NOT_FOUND,
		  "no such records" },
		{ "no such domain", { { NULL, 0, NULL, 0, 0 } }, false, true, false, { NULL, NULL, NULL }, -E_NOT_FOUND, "no such name" },
		{ "no answer", { { "example.org", NET_DNS_MX, NULL, 0, -E_IO }, { "example.org", NET_DNS_A, "192.0.2.1", 0, 0 } }, false, false,
		  false, { NULL, NULL, NULL }, -E_IO, "trouble" },
	};
	const struct doctor_find what = { .domain_or_host = S("EXAMPLE.org"), .protocols = FIND_BIT(DOCTOR_SMTP) };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *want[4] = { rows[i].want[0], rows[i].want[1], rows[i].want[2], NULL };
		struct small_world w = { .records = rows[i].records };
		struct doctor_found found;
		struct arena a;

		test_row(rows[i].name);
		arena_init(&a, 1 << 20);
		check(&w, &what, want, !want[0], &a, &found);
		assert_hint(&found, "MX example.org", rows[i].err, rows[i].hint);
		assert_int_equal(found.is_null_mx, rows[i].is_null);
		assert_int_equal(found.is_nxdomain, rows[i].is_nxdomain);
		assert_int_equal(found.is_deaf, rows[i].is_deaf);
		arena_fini(&a);
	}
}

static int deaf(void *ctx, struct arena *a, struct str name, enum net_dns_type type, int64_t deadline_ms, struct net_dns_answer *ret,
		struct fault *fault)
{
	(void)ctx, (void)a, (void)name, (void)type, (void)deadline_ms, (void)ret;
	return fault_set(fault, -E_TIMEOUT, "the DNS gives no answer in time");
}

TEST(find_deaf)
{
	struct small_world w = { .records = NULL };
	struct doctor_lookup l = lookup_of(&w);
	const struct doctor_find what = YOU;
	struct doctor_found found;
	struct arena a;

	l.dns = deaf;
	arena_init(&a, 1 << 20);
	assert_int_equal(doctor_find(&l, &what, &a, &found), 0);
	assert_true(found.is_deaf && found.n == 0 && found.n_hints == 17);
	assert_hint(&found, "https://autoconfig.example.org/mail/config-v1.1.xml", -E_TIMEOUT, "in time");
	arena_fini(&a);
}

TEST(find_names)
{
	static const struct record records[] = {
		{ "example.org", NET_DNS_A, "192.0.2.80", 0, 0 },
		{ "imap.example.org", NET_DNS_AAAA, "2001:db8::1", 0, 0 },
		{ "imap.example.org", NET_DNS_A, NULL, 0, -E_IO },
		{ "mail.example.org", NET_DNS_A, "192.0.2.1", 0, 0 },
		{ "pop.example.org", NET_DNS_A, NULL, NET_DNS_BOGUS, 0 },
		{ NULL, 0, NULL, 0, 0 },
	};
	static const char *const plain[] = {
		"name imap implicit imap.example.org 993", "name imap starttls imap.example.org 143", "name imap plain imap.example.org 143",
		"name imap implicit mail.example.org 993", "name imap starttls mail.example.org 143", "name imap plain mail.example.org 143",
		"name pop3 implicit mail.example.org 995", "name pop3 starttls mail.example.org 110", "name pop3 plain mail.example.org 110",
		"name imap implicit example.org 993", "name imap starttls example.org 143", "name imap plain example.org 143",
		"name pop3 implicit example.org 995", NULL,
	};
	/* Each name has an address: those that have their own come first. */
	static const char *const wild[] = {
		"name imap implicit imap.example.org 993", "name imap starttls imap.example.org 143", "name imap plain imap.example.org 143",
		"name imap implicit mail.example.org 993", "name imap starttls mail.example.org 143", "name imap plain mail.example.org 143",
		"name imap implicit example.org 993", "name imap starttls example.org 143", "name imap plain example.org 143",
		"name imap implicit mx.example.org 993", NULL,
	};
	const struct doctor_find what = { .domain_or_host = S("example.org"), .protocols = FIND_BIT(DOCTOR_IMAP) | FIND_BIT(DOCTOR_POP3) },
				 imap = { .domain_or_host = S("example.org"), .protocols = FIND_BIT(DOCTOR_IMAP) };
	struct small_world w = { .records = records };
	struct doctor_found found;
	struct arena a;

	arena_init(&a, 1 << 20);
	check(&w, &what, plain, false, &a, &found);
	assert_hint(&found, "A, AAAA imap.example.org", 0, "2001:db8::1");
	assert_hint(&found, "A, AAAA pop.example.org", -E_DENIED, "no good signature");
	assert_true(found.is_bogus && !found.is_wildcard && found.n == 15);
	w.chance_z = "192.0.2.99";
	check(&w, &imap, wild, false, &a, &found);
	assert_hint(&found, "A, AAAA mx.example.org", 0, "192.0.2.99: as any name of this domain");
	assert_true(found.is_wildcard && found.n == 12);
	assert_non_null(strstr(found.hints[found.n_hints - 1].found_z, "made by chance"));
	arena_fini(&a);
}

#define IMAP_XML "<clientConfig version='1.1'><emailProvider id='x'><incomingServer type='imap'><hostname>imap.hoster.test</hostname><port>993</port>" \
	"<socketType>SSL</socketType><username>%EMAILLOCALPART%</username></incomingServer></emailProvider></clientConfig>"
#define FIRST "https://autoconfig.example.org/mail/config-v1.1.xml"
#define SECOND "https://example.org/.well-known/autoconfig/mail/config-v1.1.xml"

TEST(find_autoconfig)
{
	static const struct record records[] = {
		{ "autoconfig.example.org", NET_DNS_A, "192.0.2.1", 0, 0 },
		{ "example.org", NET_DNS_AAAA, "2001:db8::1", 0, 0 },
		{ "there.hoster.test", NET_DNS_AAAA, "2001:db8::2", 0, 0 },
		{ "_imaps._tcp.example.org", NET_DNS_SRV, "0 0 993 imap.hoster.test", 0, 0 },
		{ NULL, 0, NULL, 0, 0 },
	};
	static const struct {
		const char *name;
		struct page pages[3];
		unsigned gets;
		int err;              /* of the first */
		const char *hint;
		bool is_found;
	} rows[] = {
		{ "there", { { "autoconfig.example.org/mail/config-v1.1.xml", IMAP_XML, 0, NULL } }, 2, 0, "imap imap.hoster.test port 993 implicit",
		  true },
		{ "not there", { { "autoconfig.example.org/mail/config-v1.1.xml", "", -E_NOT_FOUND, NULL } }, 2, -E_NOT_FOUND,
		  "the server answers 404", false },
		{ "a certificate", { { "autoconfig.example.org/mail/config-v1.1.xml", "", -E_TLS, NULL } }, 2, -E_TLS, "the server answers",
		  false },
		{ "no XML", { { "autoconfig.example.org/mail/config-v1.1.xml", "hello", 0, NULL } }, 2, -E_SYNTAX, "not well-formed", false },
		{ "elsewhere", { { "autoconfig.example.org/mail/config-v1.1.xml", "go", -E_NOT_FOUND, "https://there.hoster.test/c.xml?q=1" },
		  { "there.hoster.test/c.xml", IMAP_XML, 0, NULL } }, 3, 0, "imap imap.hoster.test", true },
		{ "elsewhere with a port", { { "autoconfig.example.org/mail/config-v1.1.xml", "go", -E_NOT_FOUND, "https://there.hoster.test:443/c.xml" },
		  { "there.hoster.test/c.xml", IMAP_XML, 0, NULL } }, 3, 0, "imap imap.hoster.test", true },
		{ "to itself", { { "autoconfig.example.org/mail/config-v1.1.xml", "go", -E_NOT_FOUND, "https://autoconfig.example.org/mail/config-v1.1.xml" } },
		  1 + 1 + LIMIT_AUTOCONFIG_REDIRECTS, -E_NOT_FOUND, "too often", false },
		{ "to nowhere", { { "autoconfig.example.org/mail/config-v1.1.xml", "go", -E_NOT_FOUND, "https://none.hoster.test/" } }, 2, -E_NOT_FOUND,
		  "no such name", false },
		{ "to http", { { "autoconfig.example.org/mail/config-v1.1.xml", "go", -E_NOT_FOUND, "http://there.hoster.test/c.xml?a=you" } }, 2,
		  -E_NOT_FOUND, "what is not followed: http://there.hoster.test/c.xml", false },
		{ "to an address", { { "autoconfig.example.org/mail/config-v1.1.xml", "go", -E_NOT_FOUND, "https://[2001:db8::2]/c.xml" } }, 2,
		  -E_NOT_FOUND, "not followed", false },
		{ "to another port", { { "autoconfig.example.org/mail/config-v1.1.xml", "go", -E_NOT_FOUND, "https://there.hoster.test:25/c.xml" } }, 2,
		  -E_NOT_FOUND, "not followed", false },
		{ "with a user", { { "autoconfig.example.org/mail/config-v1.1.xml", "go", -E_NOT_FOUND, "https://a@there.hoster.test/c.xml" } }, 2,
		  -E_NOT_FOUND, "not followed", false },
	};
	const struct doctor_find what = { .address = S("you+x@example.org"), .domain_or_host = S("example.org"), .protocols = FIND_BIT(DOCTOR_IMAP) };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		/* SRV has the better word, autoconfig proves it and knows the user. */
		const char *want[] = { rows[i].is_found ? "srv imap implicit imap.hoster.test 993 user=you+x" : "srv imap implicit imap.hoster.test 993 unproven",
				       NULL };
		struct small_world w = { .records = records, .pages = rows[i].pages };
		struct doctor_found found;
		struct arena a;

		test_row(rows[i].name);
		if (!strstr(rows[i].name, "elsewhere") && strcmp(rows[i].name, "to itself") != 0)
			w.query_z = "?emailaddress=you%2Bx%40example.org";
		arena_init(&a, 1 << 20);
		check(&w, &what, want, false, &a, &found);
		assert_hint(&found, FIRST, rows[i].err, rows[i].hint);
		assert_hint(&found, SECOND, -E_IO, "no connection");
		assert_int_equal(w.n_gets, rows[i].gets);
		for (size_t k = 0; k < found.n_hints; k++) /* a report is shown to others */
			assert_null(strstr(found.hints[k].found_z, "you"));
		arena_fini(&a);
	}
}

/* Without an address nothing is said of one, and a user name that needs it is not told. */
TEST(find_autoconfig_of_a_domain)
{
	static const struct record records[] = { { "example.org", NET_DNS_A, "192.0.2.1", 0, 0 }, { NULL, 0, NULL, 0, 0 } };
	static const struct page pages[] = { { "example.org/.well-known/autoconfig/mail/config-v1.1.xml", IMAP_XML, 0, NULL }, { NULL, NULL, 0, NULL } };
	static const char *const want[] = { "autoconfig imap implicit imap.hoster.test 993", NULL };
	const struct doctor_find what = { .domain_or_host = S("example.org"), .protocols = FIND_BIT(DOCTOR_IMAP) },
				 sieve = { .domain_or_host = S("example.org"), .protocols = FIND_BIT(DOCTOR_SIEVE) };
	struct small_world w = { .records = records, .pages = pages, .query_z = "" };
	struct doctor_found found;
	struct doctor_lookup l;
	struct arena a;

	arena_init(&a, 1 << 20);
	check(&w, &what, want, false, &a, &found);
	assert_int_equal(w.n_gets, 1);
	check(&w, &sieve, (const char *const[]){ "name sieve starttls example.org 4190", "name sieve plain example.org 4190", NULL }, true, &a, &found);
	assert_int_equal(w.n_gets, 1); /* it has nothing to say of that */
	l = lookup_of(&w);
	l.get = NULL;
	(void)fault_set(&l.why, -E_CANNOT, "there is no libcurl");
	assert_int_equal(doctor_find(&l, &what, &a, &found), 0);
	assert_hint(&found, SECOND, -E_CANNOT, "there is no libcurl");
	arena_fini(&a);
}

TEST(find_host)
{
	static const struct {
		const char *host_z;
		unsigned protocols;
		uint16_t port;
		bool is_host;
		size_t n;
		const char *want[3];
	} rows[] = {
		{ "Mail.Example.org.", 0, 0, true, 19, { "user imap implicit mail.example.org 443 alpn=imap", "user imap implicit mail.example.org 993",
		  "user imap starttls mail.example.org 143" } },
		{ "mail.example.org", FIND_BIT(DOCTOR_LMTP), 0, true, 2, { "user lmtp starttls mail.example.org 24", "user lmtp plain mail.example.org 24" } },
		{ "mail.example.org", 0, 143, true, 2, { "user imap starttls mail.example.org 143", "user imap plain mail.example.org 143" } },
		{ "mail.example.org", 0, 443, true, 3, { "user imap implicit mail.example.org 443 alpn=imap", "user pop3 implicit mail.example.org 443 alpn=pop3",
		  "user submission implicit mail.example.org 443 alpn=smtp" } },
		{ "mail.example.org", 0, 10143, true, 18, { "user imap implicit mail.example.org 10143", "user imap starttls mail.example.org 10143",
		  "user imap plain mail.example.org 10143" } },
		{ "mail.example.org", FIND_BIT(DOCTOR_POP3), 993, true, 3, { "user pop3 implicit mail.example.org 993", "user pop3 starttls mail.example.org 993",
		  "user pop3 plain mail.example.org 993" } },
		{ "192.0.2.1", FIND_BIT(DOCTOR_SMTP), 0, false, 2, { "user smtp starttls 192.0.2.1 25", "user smtp plain 192.0.2.1 25" } },
		{ "[IPv6:2001:DB8::1]", FIND_BIT(DOCTOR_SMTP), 0, false, 2, { "user smtp starttls 2001:db8::1 25" } },
		{ "b\xc3\xbc" "cher.example", FIND_BIT(DOCTOR_SMTP), 0, true, 2, { "user smtp starttls xn--bcher-kva.example 25" } },
		{ "my_host", FIND_BIT(DOCTOR_SMTP), 0, true, 2, { "user smtp starttls my_host 25" } },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct doctor_find what = { .domain_or_host = str_z(rows[i].host_z), .protocols = rows[i].protocols, .port = rows[i].port,
						  .is_host = rows[i].is_host };
		const char *want[4] = { rows[i].want[0], rows[i].want[1], rows[i].want[2], NULL };
		struct small_world w = { .records = NULL };
		struct doctor_found found;
		struct arena a;

		test_row(rows[i].host_z);
		arena_init(&a, 1 << 20);
		check(&w, &what, want, false, &a, &found);
		assert_int_equal(found.n, rows[i].n);
		assert_int_equal(found.n_hints, 0);
		arena_fini(&a);
	}
}

TEST(find_no_host)
{
	static const char *const rows[] = { "", ".", "a..b", "a b", "x\n", "[1.2.3]", "a..", "http://x", "\xff\xfe", "*.example.org", "\xe2\x80\xae.example" };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct doctor_find what = { .domain_or_host = str_z(rows[i]) };
		struct small_world w = { .records = NULL };
		struct doctor_lookup l = lookup_of(&w);
		struct doctor_found found;
		struct arena a;

		test_row(rows[i]);
		arena_init(&a, 1 << 20);
		assert_int_equal(doctor_find(&l, &what, &a, &found), -E_SYNTAX);
		arena_fini(&a);
	}
}

/* However much a domain publishes, what comes of it has bounds, and the best of it is there. */
TEST(find_bounds)
{
	static const char *const services[] = { "_imaps._tcp.example.org", "_imap._tcp.example.org", "_pop3._tcp.example.org", "_submission._tcp.example.org",
						"_sieve._tcp.example.org", "example.org" };
	struct record records[6 * 30 + 1] = { { 0 } };
	char data[6 * 30][40];
	const struct doctor_find what = { .domain_or_host = S("example.org") };
	struct small_world w = { .records = records, .chance_z = "192.0.2.1" };
	struct doctor_lookup l = lookup_of(&w);
	struct doctor_found found;
	struct arena a;

	for (size_t i = 0; i < ARRAY_LEN(data); i++) {
		unsigned host = (unsigned)(i % 30), is_mx = i >= 150;

		snprintf(data[i], sizeof(data[i]), is_mx ? "%u h%u.example.org" : "%u 0 143 h%u.example.org", 100 - host, host);
		records[i] = (struct record){ services[i / 30], is_mx ? NET_DNS_MX : NET_DNS_SRV, data[i], 0, 0 };
	}
	arena_init(&a, 1 << 20);
	assert_int_equal(doctor_find(&l, &what, &a, &found), 0);
	assert_int_equal(found.n, LIMIT_DOCTOR_CANDIDATES);
	for (size_t i = 0; i < found.n; i++)
		assert_true(found.v[i].source != DOCTOR_BY_SRV || (strcmp(found.v[i].host_z, "h22") >= 0 && found.v[i].host_z[2] != '.'));
	assert_string_equal(found.v[0].host_z, "h29.example.org");
	arena_fini(&a);
	arena_init(&a, 20000);
	assert_int_equal(doctor_find(&l, &what, &a, &found), -E_LIMIT);
	arena_fini(&a);
}
