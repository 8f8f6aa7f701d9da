/* SPDX-License-Identifier: MIT */
/* The records of a domain, and the lines of a zone file that they make. */
#include "doctor/zone.h"

#include "base/buf.h"
#include "base/test.h"

#define AREA (1u << 20)

struct fixture {
	struct arena a;
	struct doctor_record *v;
	size_t n;
};

static struct fixture made;

static void make(const struct doctor_zone *z)
{
	arena_fini(&made.a);
	arena_init(&made.a, AREA);
	made.n = 0;
	assert_int_equal(doctor_zone(z, &made.a, &made.v, &made.n), 0);
}

static size_t count(const char *type_z)
{
	size_t n = 0;

	for (size_t i = 0; i < made.n; i++)
		n += str_eq(str_z(made.v[i].type_z), str_z(type_z));
	return n;
}

static const struct doctor_record *find(const char *name_z, const char *type_z)
{
	for (size_t i = 0; i < made.n; i++)
		if (str_eq(made.v[i].name, str_z(name_z)) && str_eq(str_z(made.v[i].type_z), str_z(type_z)))
			return &made.v[i];
	return NULL;
}

static const struct str addresses[] = { STR_INIT("192.0.2.25"), STR_INIT("2001:db8::25") };
static const struct doctor_dkim keys[] = {
	{ STR_INIT("r1"), STR_INIT("MIIB"), false },
	{ STR_INIT("e1"), STR_INIT("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="), true },
};
static const uint8_t spki[1][32] = { { 0xe3, 0xb0, 0xc4, [31] = 0x55 } };

static const struct doctor_zone whole = {
	.domain = STR_INIT("example.org"), .host = STR_INIT("mail.example.org"), .addresses = addresses, .n_addresses = 2,
	.dkim = keys, .n_dkim = 2, .spki_sha256 = spki, .n_spki = 1, .tlsrpt_rua = STR_INIT("mailto:tls@example.org"),
	.dmarc_rua = STR_INIT("mailto:dmarc@example.org"),
	.ports = { [DOCTOR_SUBMISSIONS] = 465, [DOCTOR_SUBMISSION_STARTTLS] = 2587, [DOCTOR_IMAPS] = 993 },
};

TEST(a_zone_has_each_record)
{
	static const struct {
		const char *name, *type, *value;
		enum doctor_need need;
		enum doctor_place place;
	} rows[] = {
		{ "example.org", "MX", "10 mail.example.org.", DOCTOR_MUST, DOCTOR_HERE },
		{ "mail.example.org", "A", "192.0.2.25", DOCTOR_MUST, DOCTOR_HERE },
		{ "mail.example.org", "AAAA", "2001:db8::25", DOCTOR_MUST, DOCTOR_HERE },
		{ "25.2.0.192.in-addr.arpa", "PTR", "mail.example.org.", DOCTOR_MUST, DOCTOR_ELSEWHERE },
		{ "5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", "PTR", "mail.example.org.", DOCTOR_MUST,
		  DOCTOR_ELSEWHERE },
		{ "example.org", "TXT", "v=spf1 mx -all", DOCTOR_MUST, DOCTOR_HERE },
		{ "mail.example.org", "TXT", "v=spf1 a -all", DOCTOR_SHOULD, DOCTOR_HERE },
		{ "r1._domainkey.example.org", "TXT", "v=DKIM1; k=rsa; p=MIIB", DOCTOR_MUST, DOCTOR_HERE },
		{ "e1._domainkey.example.org", "TXT", "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", DOCTOR_MUST,
		  DOCTOR_HERE },
		{ "_dmarc.example.org", "TXT", "v=DMARC1; p=none; rua=mailto:dmarc@example.org", DOCTOR_SHOULD, DOCTOR_HERE },
		{ "_smtp._tls.example.org", "TXT", "v=TLSRPTv1; rua=mailto:tls@example.org", DOCTOR_SHOULD, DOCTOR_HERE },
		{ "_25._tcp.mail.example.org", "TLSA", "3 1 1 e3b0c40000000000000000000000000000000000000000000000000000000055", DOCTOR_MAY,
		  DOCTOR_HERE },
		{ "_submissions._tcp.example.org", "SRV", "0 1 465 mail.example.org.", DOCTOR_SHOULD, DOCTOR_HERE },
		{ "_submission._tcp.example.org", "SRV", "10 1 2587 mail.example.org.", DOCTOR_SHOULD, DOCTOR_HERE },
		{ "_imaps._tcp.example.org", "SRV", "0 1 993 mail.example.org.", DOCTOR_SHOULD, DOCTOR_HERE },
		{ "_imap._tcp.example.org", "SRV", "0 0 0 .", DOCTOR_MAY, DOCTOR_HERE },
		{ "_pop3s._tcp.example.org", "SRV", "0 0 0 .", DOCTOR_MAY, DOCTOR_HERE },
		{ "_pop3._tcp.example.org", "SRV", "0 0 0 .", DOCTOR_MAY, DOCTOR_HERE },
		{ "example.org", "CAA", "0 issue \"letsencrypt.org\"", DOCTOR_MAY, DOCTOR_LATER },
	};

	make(&whole);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct doctor_record *r = find(rows[i].name, rows[i].type);

		test_row(rows[i].name);
		assert_non_null(r);
		assert_str_eq(r->value, str_z(rows[i].value));
		assert_int_equal(r->need, rows[i].need);
		assert_int_equal(r->place, rows[i].place);
		assert_true(r->why_z[0] != '\0');
	}
	assert_non_null(find("_mta-sts.example.org", "TXT"));
	assert_int_equal(made.n, ARRAY_LEN(rows) + 1);
}

TEST(a_host_of_another_domain_is_in_another_zone)
{
	struct doctor_zone z = whole;

	z.domain = S("example.net");
	make(&z);
	assert_int_equal(find("example.net", "MX")->place, DOCTOR_HERE);
	assert_int_equal(find("mail.example.org", "A")->place, DOCTOR_ELSEWHERE);
	assert_int_equal(find("mail.example.org", "TXT")->place, DOCTOR_ELSEWHERE);
	assert_int_equal(find("_25._tcp.mail.example.org", "TLSA")->place, DOCTOR_ELSEWHERE);
	z.domain = S("ample.org"); /* the end of a label is none of the name */
	make(&z);
	assert_int_equal(find("mail.example.org", "A")->place, DOCTOR_ELSEWHERE);
}

/* Its own TXT is the one with mx: two SPF records are an error (RFC 7208 4.5). */
TEST(a_host_that_is_the_domain_has_one_spf_record)
{
	struct doctor_zone z = whole;

	z.host = z.domain;
	z.n_dkim = z.n_spki = 0;
	z.tlsrpt_rua = z.dmarc_rua = S("");
	make(&z);
	assert_int_equal(count("TXT"), 3); /* SPF, DMARC, MTA-STS */
	assert_str_eq(find("example.org", "TXT")->value, S("v=spf1 mx -all"));
	assert_str_eq(find("_dmarc.example.org", "TXT")->value, S("v=DMARC1; p=none"));
	assert_int_equal(find("example.org", "A")->place, DOCTOR_HERE);
}

TEST(other_addresses_may_send)
{
	static const struct str senders[] = { STR_INIT("192.0.2.26"), STR_INIT("2001:db8::26") };
	struct doctor_zone z = whole;

	z.senders = senders;
	z.n_senders = 2;
	make(&z);
	assert_str_eq(find("example.org", "TXT")->value, S("v=spf1 mx ip4:192.0.2.26 ip6:2001:db8::26 -all"));
	assert_str_eq(find("mail.example.org", "TXT")->value, S("v=spf1 a ip4:192.0.2.26 ip6:2001:db8::26 -all"));
	assert_non_null(find("26.2.0.192.in-addr.arpa", "PTR"));
	assert_int_equal(count("PTR"), 4);
	assert_int_equal(count("A"), 1);
}

TEST(a_relay_does_not_fail)
{
	struct doctor_zone z = whole;

	z.relay = S("smtp.provider.example");
	make(&z);
	assert_str_eq(find("example.org", "TXT")->value, S("v=spf1 mx a:smtp.provider.example ~all"));
	assert_null(find("mail.example.org", "TXT"));
}

TEST(the_id_of_a_policy_is_that_of_its_text)
{
	struct doctor_zone z = whole;
	const struct doctor_record *r;
	struct buf policy = BUF_INIT(1024);
	char first[64] = "";

	make(&z);
	r = find("_mta-sts.example.org", "TXT");
	assert_int_equal(r->place, DOCTOR_LATER);
	assert_true(str_starts(r->value, S("v=STSv1; id=")));
	memcpy(first, r->value.p, r->value.n);
	make(&z);
	assert_str_eq(find("_mta-sts.example.org", "TXT")->value, str_z(first));
	z.host = S("mx.example.org");
	z.has_sts_host = true;
	make(&z);
	r = find("_mta-sts.example.org", "TXT");
	assert_int_equal(r->place, DOCTOR_HERE);
	assert_false(str_eq(r->value, str_z(first)));
	z.sts_id = S("7");
	make(&z);
	assert_str_eq(find("_mta-sts.example.org", "TXT")->value, S("v=STSv1; id=7"));
	doctor_sts_policy(&z, &policy);
	assert_str_eq(buf_str(&policy), S("version: STSv1\r\nmode: testing\r\nmx: mx.example.org\r\nmax_age: 86400\r\n"));
	buf_fini(&policy);
}

TEST(a_full_arena_is_told)
{
	struct doctor_record *v;
	size_t n;

	for (size_t cap = 64; cap < 3000; cap += 64) {
		struct arena a;

		arena_init(&a, cap);
		assert_int_equal(doctor_zone(&whole, &a, &v, &n), -E_LIMIT);
		arena_fini(&a);
	}
}

TEST(a_record_is_a_line_of_a_zone_file)
{
	static char text[600];
	struct doctor_record r = { .name = S("k._domainkey.example.org"), .type_z = "TXT" };
	struct buf out = BUF_INIT(4096);

	memset(text, 'a', sizeof(text));
	r.value = str_of(text, 255);
	doctor_record_print(&r, &out);
	assert_int_equal(out.n, sizeof("k._domainkey.example.org. IN TXT \"\"\n") - 1 + 255);
	buf_reset(&out);
	r.value = str_of(text, 511);
	doctor_record_print(&r, &out);
	assert_int_equal(out.n, sizeof("k._domainkey.example.org. IN TXT \"\" \"\" \"\"\n") - 1 + 511);
	assert_true(str_ends(buf_str(&out), S("\" \"a\"\n")));
	buf_reset(&out);
	r.value = S("a\"b\\c;d\x01\xff");
	doctor_record_print(&r, &out);
	assert_str_eq(buf_str(&out), S("k._domainkey.example.org. IN TXT \"a\\\"b\\\\c;d\\001\\255\"\n"));
	buf_reset(&out);
	r.value = S("");
	doctor_record_print(&r, &out);
	assert_str_eq(buf_str(&out), S("k._domainkey.example.org. IN TXT \"\"\n"));
	buf_reset(&out);
	doctor_record_print(&(struct doctor_record){ .name = S("example.org"), .type_z = "MX", .value = S("10 a.example.") }, &out);
	assert_str_eq(buf_str(&out), S("example.org. IN MX 10 a.example.\n"));
	buf_fini(&out);
	arena_fini(&made.a);
}
