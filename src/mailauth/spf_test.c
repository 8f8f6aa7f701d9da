/* SPDX-License-Identifier: MIT */
/* SPF: the record by a table, macros and check_host() by the examples of RFC 7208, what a look notes. */
#include "mailauth/spf_int.h"

#include "mailauth/lookup_test.h"

#define ARENA (1u << 20)

TEST(an_spf_record_is_read_or_its_mistake_is_named)
{
	static const struct {
		const char *text;
		int rc;
		size_t n, at;
	} rows[] = {
		/* RFC 7208 4.5, 4.6, 12 */
		{ "v=spf1", 0, 0, 0 },
		{ "v=spf1 ", 0, 0, 0 },
		{ "V=SPF1  A   -ALL ", 0, 2, 0 },
		{ "v=spf1 a mx/24 ptr:x.example ip4:192.0.2.0/24 ip6:2001:db8::/32 exists:%{i}.x.example include:_spf.x.example ~all",
		  0, 8, 0 },
		{ "v=spf1 a/0 a//0 a/32//128 a:x.example/24//64 mx:x.example//64", 0, 5, 0 },
		{ "v=spf1 redirect=x.example exp=y.example other=%{d}/x", 0, 0, 0 },
		{ "v=spf1 a:x.example. a:%{d} a:x%% a:x.%{d2r./}", 0, 4, 0 },
		{ "v=spf1 a:x.1-2 a:x.a1", 0, 2, 0 },
		{ "v=spf1 all.x=y", 0, 0, 0 },
		{ "v=spf1 ip4:255.255.255.255/32 ip6:::ffff:192.0.2.1 ip6:::/0", 0, 3, 0 },
		{ "v=spf1 unknown", -E_SYNTAX, 0, 7 },
		{ "v=spf1 a\tmx", -E_SYNTAX, 0, 7 },
		{ "v=spf1 a b", -E_SYNTAX, 0, 9 },
		{ "v=spf1 --all", -E_SYNTAX, 0, 7 },
		{ "v=spf1 all:x.example", -E_SYNTAX, 0, 10 },
		{ "v=spf1 all/8", -E_SYNTAX, 0, 10 },
		{ "v=spf1 include", -E_SYNTAX, 0, 14 },
		{ "v=spf1 include:", -E_SYNTAX, 0, 14 },
		{ "v=spf1 include:x", -E_SYNTAX, 0, 14 },
		{ "v=spf1 exists:x.example/24", -E_SYNTAX, 0, 13 },
		{ "v=spf1 a:x.example/33", -E_SYNTAX, 0, 18 },
		{ "v=spf1 a:x.example/024", -E_SYNTAX, 0, 18 },
		{ "v=spf1 a:x.example//129", -E_SYNTAX, 0, 19 },
		{ "v=spf1 a:x.example/", -E_SYNTAX, 0, 18 },
		{ "v=spf1 a:", -E_SYNTAX, 0, 8 },
		{ "v=spf1 a:x.12", -E_SYNTAX, 0, 8 },
		{ "v=spf1 a:x.-a", -E_SYNTAX, 0, 8 },
		{ "v=spf1 a:%{z}", -E_SYNTAX, 0, 8 },
		{ "v=spf1 a:%{c}", -E_SYNTAX, 0, 8 },
		{ "v=spf1 a:%{d0}", -E_SYNTAX, 0, 8 },
		{ "v=spf1 a:%(d)", -E_SYNTAX, 0, 8 },
		{ "v=spf1 a:%{d", -E_SYNTAX, 0, 8 },
		{ "v=spf1 a:x.%", -E_SYNTAX, 0, 8 },
		{ "v=spf1 -exists:%(ir).sbl.example.org", -E_SYNTAX, 0, 14 },
		{ "v=spf1 ip4:1.2.3", -E_SYNTAX, 0, 11 },
		{ "v=spf1 ip4:1.2.3.256", -E_SYNTAX, 0, 11 },
		{ "v=spf1 ip4:01.2.3.4", -E_SYNTAX, 0, 11 },
		{ "v=spf1 ip4:1.2.3.4/33", -E_SYNTAX, 0, 18 },
		{ "v=spf1 ip4", -E_SYNTAX, 0, 10 },
		{ "v=spf1 ip6:1.2.3.4", -E_SYNTAX, 0, 11 },
		{ "v=spf1 ip6:2001:db8::/129", -E_SYNTAX, 0, 21 },
		{ "v=spf1 redirect=", -E_SYNTAX, 0, 16 },
		{ "v=spf1 -redirect=x.example", -E_SYNTAX, 0, 7 },
		{ "v=spf1 redirect=x.example redirect=x.example", -E_SYNTAX, 0, 26 },
		{ "v=spf1 exp=x.example exp=x.example", -E_SYNTAX, 0, 21 },
		{ "v=spf1 x=%", -E_SYNTAX, 0, 9 },
		{ "v=spf1 =x", -E_SYNTAX, 0, 7 },
		{ "v=spf1 1x=y", -E_SYNTAX, 0, 7 },
		{ "v=spf1 a:\xc3\xa4.example", -E_SYNTAX, 0, 8 },
		{ "v=spf10 all", -E_SYNTAX, 0, 0 },
		{ "v=spf2 all", -E_SYNTAX, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(arena_fini) struct arena a;
		struct spf_record r = { 0 };
		struct spf_mistake m = { 0 };
		char *text = test_copy(str_z(rows[i].text));

		test_row(rows[i].text);
		arena_init(&a, ARENA);
		assert_int_equal(spf_record_parse(str_of(text, strlen(rows[i].text)), &a, &r, &m),
				 rows[i].rc);
		assert_int_equal(r.n, rows[i].n);
		assert_int_equal(m.at, rows[i].at);
		assert_int_equal(m.what_z != NULL, rows[i].rc < 0);
		mem_free(text);
	}
}

TEST(an_spf_record_has_bounds)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(10000);
	AUTO(arena_fini) struct arena a;
	struct spf_record r;
	struct spf_mistake m;

	arena_init(&a, ARENA);
	buf_add(&text, S("v=spf1"));
	for (size_t i = 0; i < SPF_TERMS; i++)
		buf_add(&text, S(" a"));
	assert_int_equal(spf_record_parse(buf_str(&text), &a, &r, &m), 0);
	buf_add(&text, S(" a"));
	assert_int_equal(spf_record_parse(buf_str(&text), &a, &r, &m), -E_LIMIT);
	buf_reset(&text);
	buf_printf(&text, "v=spf1%*s", SPF_RECORD_MAX - 6, "");
	assert_int_equal(spf_record_parse(buf_str(&text), &a, &r, &m), 0);
	buf_add(&text, S(" "));
	assert_int_equal(spf_record_parse(buf_str(&text), &a, &r, &m), -E_LIMIT);
}

/* RFC 7208 7.4, and more. */
TEST(macros_mean_what_the_rfc_says)
{
	static const struct {
		const char *text, *want;
		bool is_v6, is_text;
	} rows[] = {
		{ "%{s}", "strong-bad@email.example.com", false, false },
		{ "%{o}", "email.example.com", false, false },
		{ "%{d}", "email.example.com", false, false },
		{ "%{d4}", "email.example.com", false, false },
		{ "%{d3}", "email.example.com", false, false },
		{ "%{d2}", "example.com", false, false },
		{ "%{d1}", "com", false, false },
		{ "%{dr}", "com.example.email", false, false },
		{ "%{d2r}", "example.email", false, false },
		{ "%{l}", "strong-bad", false, false },
		{ "%{l-}", "strong.bad", false, false },
		{ "%{lr}", "strong-bad", false, false },
		{ "%{lr-}", "bad.strong", false, false },
		{ "%{l1r-}", "strong", false, false },
		{ "%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com", false, false },
		{ "%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com", false, false },
		{ "%{lr-}.lp.%{ir}.%{v}._spf.%{d2}",
		  "bad.strong.lp.3.2.0.192.in-addr._spf.example.com", false, false },
		{ "%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}",
		  "3.2.0.192.in-addr.strong.lp._spf.example.com", false, false },
		{ "%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net",
		  false, false },
		{ "%{ir}.%{v}._spf.%{d2}",
		  "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com",
		  true, false },
		{ "%{c}", "2001:db8::cb01", true, true },
		{ "%{c} at %{r}, %{t}%_%%%-", "192.0.2.3 at mx.we.example, 7 %%20", false, true },
		{ "%{S}", "strong-bad%40email.example.com", false, false },
		{ "%{D2}", "example.com", false, false },
		{ "%{h}", "mx.example.org", false, false },
		{ "%{p}", "unknown", false, false },
		{ "%{d99999}", "email.example.com", false, false },
		{ "%{s.@-}", NULL, false, false }, /* "@" is no delimiter */
		{ "%{r}", NULL, false, false },
		{ "%x", NULL, false, false },
		{ "a b", NULL, false, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_fini) struct buf out = BUF_INIT(1000);
		struct spf_query q = { .ip = { 192, 0, 2, 3 },
				       .is_v6 = rows[i].is_v6,
				       .sender = S("strong-bad@email.example.com"),
				       .helo = S("mx.example.org"),
				       .receiver = S("mx.we.example"),
				       .now_s = 7 };
		struct spf_values v = { .query = &q, .domain = S("email.example.com") };

		test_row(rows[i].text);
		if (q.is_v6)
			assert_int_equal(inet_pton(AF_INET6, "2001:db8::cb01", q.ip), 1);
		assert_int_equal(spf_expand(str_z(rows[i].text), &v, rows[i].is_text, &out),
				 rows[i].want != NULL);
		if (rows[i].want)
			assert_str_eq(buf_str(&out), str_z(rows[i].want));
	}
}

/* RFC 7208 7.3 */
TEST(names_that_macros_make_are_cut_from_the_left)
{
	static char local[200];
	const struct spf_query q = { .sender = str_of(local, sizeof(local)) };
	struct spf_values v = { .query = &q, .domain = S("example.com") };
	AUTO(arena_fini) struct arena a;
	struct str name;

	arena_init(&a, ARENA);
	memset(local, 'x', sizeof(local));
	local[60] = '.';
	local[199] = '@';
	assert_true(spf_expand_name(
		S("%{l}.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example.com."),
		&v, &a, &name));
	assert_int_equal(name.n, 199 - 61 + 1 + 64 + 12);
	assert_true(str_ends(name, S(".example.com")));
	assert_false(spf_expand_name(S("%{h}"), &v, &a, &name));
}

/* ---- check_host() ---- */

/* RFC 7208 A, B; and domains of our own below .test. */
static const struct lookup_row rows_of_rfc[] = {
	{ "example.com", LOOKUP_MX, "mail-a.example.com" },
	{ "example.com", LOOKUP_MX, "mail-b.example.com" },
	{ "example.com", LOOKUP_A, "192.0.2.10" },
	{ "example.com", LOOKUP_A, "192.0.2.11" },
	{ "amy.example.com", LOOKUP_A, "192.0.2.65" },
	{ "bob.example.com", LOOKUP_A, "192.0.2.66" },
	{ "mail-a.example.com", LOOKUP_A, "192.0.2.129" },
	{ "mail-b.example.com", LOOKUP_A, "192.0.2.130" },
	{ "example.org", LOOKUP_MX, "mail-c.example.org" },
	{ "mail-c.example.org", LOOKUP_A, "192.0.2.140" },
	{ "10.2.0.192.in-addr.arpa", LOOKUP_PTR, "example.com" },
	{ "65.2.0.192.in-addr.arpa", LOOKUP_PTR, "amy.example.com" },
	{ "140.2.0.192.in-addr.arpa", LOOKUP_PTR, "mail-c.example.org" },
	{ "4.0.0.10.in-addr.arpa", LOOKUP_PTR, "bob.example.com" },
	{ "mary.mobile-users._spf.example.com", LOOKUP_A, "127.0.0.2" },
	{ "15.15.168.192.joel.remote-users._spf.example.com", LOOKUP_A, "127.0.0.2" },
	{ "mobile-users._spf.example.com", LOOKUP_TXT, "v=spf1 exists:%{l1r+}.%{d}" },
	{ "remote-users._spf.example.com", LOOKUP_TXT, "v=spf1 exists:%{ir}.%{l1r+}.%{d}" },
	{ "ip4._spf.example.com", LOOKUP_TXT, "v=spf1 -ip4:192.0.2.0/24 +all" },
	{ "ptr._spf.example.com", LOOKUP_TXT, "v=spf1 -ptr:example.com +all" },
	{ "v6.test", LOOKUP_AAAA, "2001:db8::1" },
	{ "soft.test", LOOKUP_TXT, "v=spf1 ~all" },
	{ "fails.test", LOOKUP_TXT, "v=spf1 -all exp=why.test" },
	{ "why.test", LOOKUP_TXT, "%{i} is not one of %{d}'s, see http://%{d}/?%{S}" },
	{ "two.test", LOOKUP_TXT, "v=spf1 +all" },
	{ "two.test", LOOKUP_TXT, "v=spf1 -all" },
	{ "other.test", LOOKUP_TXT, "something else" },
	{ "other.test", LOOKUP_TXT, "v=spf10 +all" },
	{ "wrong.test", LOOKUP_TXT, "v=spf1 +all what" },
	{ "timeout.test", LOOKUP_TXT, NULL },
	{ "timeout.test", LOOKUP_A, NULL },
	{ "timeout.test", LOOKUP_MX, NULL },
	{ "loop.test", LOOKUP_TXT, "v=spf1 include:loop.test -all" },
	{ "rloop.test", LOOKUP_TXT, "v=spf1 redirect=rloop.test" },
	{ "many.test", LOOKUP_MX, "a1.test" },
	{ "many.test", LOOKUP_MX, "a2.test" },
	{ "many.test", LOOKUP_MX, "a3.test" },
	{ "many.test", LOOKUP_MX, "a4.test" },
	{ "many.test", LOOKUP_MX, "a5.test" },
	{ "many.test", LOOKUP_MX, "a6.test" },
	{ "many.test", LOOKUP_MX, "a7.test" },
	{ "many.test", LOOKUP_MX, "a8.test" },
	{ "many.test", LOOKUP_MX, "a9.test" },
	{ "many.test", LOOKUP_MX, "a10.test" },
	{ "many.test", LOOKUP_MX, "a11.test" },
	{ "null.test", LOOKUP_MX, "" },
	{ "long.test", LOOKUP_TXT,
	  "v=spf1 ip4:192.0.2.1 ip4:192.0.2.2 ip4:192.0.2.3 ip4:192.0.2.4 ip4:192.0.2.5 ip4:192.0.2.6 ip4:192.0.2.7 ip4:192.0.2.8 ip4:192.0.2.9 "
	  "ip4:192.0.2.1 ip4:192.0.2.2 ip4:192.0.2.3 ip4:192.0.2.4 ip4:192.0.2.5 ip4:192.0.2.6 ip4:192.0.2.7 ip4:192.0.2.8 ip4:192.0.2.9 "
	  "ip4:192.0.2.1 ip4:192.0.2.2 ip4:192.0.2.3 ip4:192.0.2.4 ip4:192.0.2.5 ip4:192.0.2.6 ip4:192.0.2.7 ip4:192.0.2.8 ip4:192.0.2.9 "
	  "ip4:192.0.2.1 ip4:192.0.2.2 ip4:192.0.2.3 ip4:192.0.2.4 ip4:192.0.2.5 ip4:192.0.2.6 ip4:192.0.2.7 ip4:192.0.2.8 ip4:192.0.2.9 -all" },
};

/* The world above, and one record at the domain that is asked for. */
static struct lookup_row *world_with(const char *domain_z, const char *record_z)
{
	struct lookup_row *rows = mem_alloc(ARRAY_LEN(rows_of_rfc) + 2, sizeof(*rows));

	memcpy(rows, rows_of_rfc, sizeof(rows_of_rfc));
	rows[ARRAY_LEN(rows_of_rfc)] =
		(struct lookup_row){ record_z ? domain_z : NULL, LOOKUP_TXT, record_z };
	return rows;
}

#define FIVE(x) " a:" x " a:" x " a:" x " a:" x " a:" x

static const struct {
	const char *record, *ip, *sender;
	enum spf_result want;
	const char *matched;
} hosts[] = {
	/* RFC 7208 A.1 */
	{ "v=spf1 +all", "10.9.9.9", "x@example.com", SPF_PASS, "+all" },
	{ "v=spf1 a -all", "192.0.2.10", "x@example.com", SPF_PASS, "a" },
	{ "v=spf1 a -all", "192.0.2.11", "x@example.com", SPF_PASS, "a" },
	{ "v=spf1 a -all", "192.0.2.12", "x@example.com", SPF_FAIL, "-all" },
	{ "v=spf1 a:example.org -all", "192.0.2.10", "x@example.com", SPF_FAIL, "-all" },
	{ "v=spf1 mx -all", "192.0.2.130", "x@example.com", SPF_PASS, "mx" },
	{ "v=spf1 mx:example.org -all", "192.0.2.140", "x@example.com", SPF_PASS,
	  "mx:example.org" },
	{ "v=spf1 mx mx:example.org -all", "192.0.2.140", "x@example.com", SPF_PASS,
	  "mx:example.org" },
	{ "v=spf1 mx/30 mx:example.org/30 -all", "192.0.2.131", "x@example.com", SPF_PASS,
	  "mx/30" },
	{ "v=spf1 mx/30 mx:example.org/30 -all", "192.0.2.143", "x@example.com", SPF_PASS,
	  "mx:example.org/30" },
	{ "v=spf1 mx/30 mx:example.org/30 -all", "192.0.2.132", "x@example.com", SPF_FAIL, "-all" },
	{ "v=spf1 ptr -all", "192.0.2.65", "x@example.com", SPF_PASS, "ptr" },
	{ "v=spf1 ptr -all", "192.0.2.140", "x@example.com", SPF_FAIL, "-all" },
	{ "v=spf1 ptr -all", "10.0.0.4", "x@example.com", SPF_FAIL, "-all" },
	{ "v=spf1 ip4:192.0.2.128/28 -all", "192.0.2.65", "x@example.com", SPF_FAIL, "-all" },
	{ "v=spf1 ip4:192.0.2.128/28 -all", "192.0.2.129", "x@example.com", SPF_PASS,
	  "ip4:192.0.2.128/28" },
	/* RFC 7208 A.3 */
	{ "v=spf1 mx include:mobile-users._spf.%{d} include:remote-users._spf.%{d} -all",
	  "10.1.1.1", "mary@example.com", SPF_PASS, "include:mobile-users._spf.%{d}" },
	{ "v=spf1 mx include:mobile-users._spf.%{d} include:remote-users._spf.%{d} -all",
	  "192.168.15.15", "joel@example.com", SPF_PASS, "include:remote-users._spf.%{d}" },
	{ "v=spf1 mx include:mobile-users._spf.%{d} include:remote-users._spf.%{d} -all",
	  "192.168.15.17", "joel@example.com", SPF_FAIL, "-all" },
	/* RFC 7208 A.4 */
	{ "v=spf1 -include:ip4._spf.%{d} -include:ptr._spf.%{d} +all", "192.0.2.65",
	  "x@example.com", SPF_PASS, "+all" },
	{ "v=spf1 -include:ip4._spf.%{d} -include:ptr._spf.%{d} +all", "192.0.3.65",
	  "x@example.com", SPF_FAIL, "-include:ip4._spf.%{d}" },
	{ "v=spf1 -include:ip4._spf.%{d} -include:ptr._spf.%{d} +all", "192.0.2.140",
	  "x@example.com", SPF_FAIL, "-include:ptr._spf.%{d}" },
	/* RFC 7208 4.3, 2.4 */
	{ "v=spf1 exists:postmaster.x.test -all", "10.1.1.1", "@example.com", SPF_FAIL, "-all" },
	{ "v=spf1 a:%{l}.test -all", "10.1.1.1", "@localhost", SPF_NONE, "" },
	{ "v=spf1 +all", "10.1.1.1", "", SPF_PASS, "+all" }, /* of HELO */
	/* both kinds of addresses */
	{ "v=spf1 a:v6.test -all", "2001:db8::1", "x@example.com", SPF_PASS, "a:v6.test" },
	{ "v=spf1 a:v6.test//64 -all", "2001:db8::2", "x@example.com", SPF_PASS, "a:v6.test//64" },
	{ "v=spf1 a:v6.test//127 -all", "2001:db8::2", "x@example.com", SPF_FAIL, "-all" },
	{ "v=spf1 ip4:0.0.0.0/0 ?all", "2001:db8::2", "x@example.com", SPF_NEUTRAL, "?all" },
	{ "v=spf1 ip6:2001:db8::/32 -all", "2001:db8:ffff::2", "x@example.com", SPF_PASS,
	  "ip6:2001:db8::/32" },
	{ "v=spf1 ip6:::/0 -all", "192.0.2.1", "x@example.com", SPF_FAIL, "-all" },
	{ "v=spf1 ip6:::/0 a -all", "::ffff:192.0.2.10", "x@example.com", SPF_PASS, "a" },
	/* ends and results */
	{ "v=spf1", "10.1.1.1", "x@example.com", SPF_NEUTRAL, "" },
	{ "v=spf1 ip4:192.0.2.1 ~all", "10.1.1.1", "x@example.com", SPF_SOFTFAIL, "~all" },
	{ NULL, "10.1.1.1", "x@nowhere.test", SPF_NONE, "" },
	{ NULL, "10.1.1.1", "x@other.test", SPF_NONE, "" },
	{ NULL, "10.1.1.1", "x@two.test", SPF_PERMERROR, "" },
	{ NULL, "10.1.1.1", "x@wrong.test", SPF_PERMERROR,
	  "" }, /* RFC 7208 4.6: before anything is evaluated */
	{ NULL, "10.1.1.1", "x@timeout.test", SPF_TEMPERROR, "" },
	{ NULL, "10.1.1.1", "x@loop.test", SPF_PERMERROR, "" },
	{ NULL, "10.1.1.1", "x@rloop.test", SPF_PERMERROR, "" },
	{ "v=spf1 redirect=soft.test", "10.1.1.1", "x@example.com", SPF_SOFTFAIL, "~all" },
	{ "v=spf1 redirect=soft.test -all", "10.1.1.1", "x@example.com", SPF_FAIL, "-all" },
	{ "v=spf1 redirect=nowhere.test", "10.1.1.1", "x@example.com", SPF_PERMERROR, "" },
	/* RFC 7208 5.2 */
	{ "v=spf1 include:soft.test ?all", "10.1.1.1", "x@example.com", SPF_NEUTRAL, "?all" },
	{ "v=spf1 include:fails.test ?all", "10.1.1.1", "x@example.com", SPF_NEUTRAL, "?all" },
	{ "v=spf1 include:nowhere.test ?all", "10.1.1.1", "x@example.com", SPF_PERMERROR, "" },
	{ "v=spf1 include:wrong.test ?all", "10.1.1.1", "x@example.com", SPF_PERMERROR, "" },
	{ "v=spf1 include:timeout.test ?all", "10.1.1.1", "x@example.com", SPF_TEMPERROR, "" },
	{ "v=spf1 a:timeout.test ?all", "10.1.1.1", "x@example.com", SPF_TEMPERROR, "" },
	{ "v=spf1 mx:timeout.test ?all", "10.1.1.1", "x@example.com", SPF_TEMPERROR, "" },
	{ "v=spf1 exists:timeout.test ?all", "10.1.1.1", "x@example.com", SPF_TEMPERROR, "" },
	{ "v=spf1 ip4:10.1.1.1 include:wrong.test ?all", "10.1.1.1", "x@example.com", SPF_PASS,
	  "ip4:10.1.1.1" },
	{ "v=spf1 include:soft.test", "10.1.1.1", "x@example.com", SPF_NEUTRAL, "" },
	/* RFC 7208 4.6.4 */
	{ "v=spf1" FIVE("example.com") FIVE("example.com") " -all", "10.1.1.1", "x@example.com",
	  SPF_FAIL, "-all" },
	{ "v=spf1" FIVE("example.com") FIVE("example.com") " a:example.com -all", "10.1.1.1",
	  "x@example.com", SPF_PERMERROR, "" },
	{ "v=spf1" FIVE("example.com") FIVE("example.com") " redirect=soft.test", "10.1.1.1",
	  "x@example.com", SPF_PERMERROR, "" },
	{ "v=spf1 a:no1.test a:no2.test -all", "10.1.1.1", "x@example.com", SPF_FAIL, "-all" },
	{ "v=spf1 a:no1.test exists:no2.test mx:no3.test -all", "10.1.1.1", "x@example.com",
	  SPF_PERMERROR, "" },
	{ "v=spf1 mx:many.test -all", "10.1.1.1", "x@example.com", SPF_PERMERROR, "" },
	{ "v=spf1 mx:null.test -all", "10.1.1.1", "x@example.com", SPF_FAIL, "-all" },
};

TEST(check_host_is_that_of_the_rfc)
{
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		AUTO(arena_fini) struct arena a;
		struct lookup_row *all = world_with("example.com", hosts[i].record);
		struct lookup_world w = { .rows = all };
		const struct lookup l = { .ask = lookup_table, .ctx = &w };
		struct spf_query q = { .sender = str_z(hosts[i].sender), .helo = S("example.com") };
		struct spf_verdict v;

		test_row(hosts[i].record ? hosts[i].record : hosts[i].sender);
		arena_init(&a, ARENA);
		q.is_v6 = inet_pton(AF_INET, hosts[i].ip, q.ip) != 1;
		if (q.is_v6)
			assert_int_equal(inet_pton(AF_INET6, hosts[i].ip, q.ip), 1);
		spf_check_host(&l, &q, &a, &v);
		assert_int_equal(v.result, hosts[i].want);
		assert_str_eq(v.matched, str_z(hosts[i].matched));
		assert_int_equal(v.problem.n > 0,
				 v.result == SPF_PERMERROR || v.result == SPF_TEMPERROR);
		mem_free(all);
	}
}

/* RFC 7208 6.2 */
TEST(a_fail_has_the_words_of_the_domain)
{
	AUTO(arena_fini) struct arena a;
	struct lookup_row *all =
		world_with("r.test", "v=spf1 redirect=fails.test exp=elsewhere.test");
	struct lookup_world w = { .rows = all };
	const struct lookup l = { .ask = lookup_table, .ctx = &w };
	const struct spf_query direct = { .ip = { 192, 0, 2, 1 }, .sender = S("a@fails.test") },
			       redirected = { .ip = { 192, 0, 2, 1 }, .sender = S("a@r.test") };
	struct spf_verdict v;

	arena_init(&a, ARENA);
	spf_check_host(&l, &direct, &a, &v);
	assert_str_eq(
		v.explanation,
		S("192.0.2.1 is not one of fails.test's, see http://fails.test/?a%40fails.test"));
	spf_check_host(&l, &redirected, &a, &v);
	assert_str_eq(v.explanation,
		      S("192.0.2.1 is not one of fails.test's, see http://fails.test/?a%40r.test"));
	mem_free(all);
}

/* ---- a look ---- */

#define BIT(x) (1u << (x))

TEST(a_look_counts_and_notes)
{
	static const struct {
		const char *record; /* of example.com */
		unsigned notes, lookups, voids;
		enum spf_result rest;
		bool is_error;
	} rows[] = {
		{ "v=spf1 a mx -all", 0, 2, 0, SPF_FAIL, false },
		{ "v=spf1 include:soft.test ~all", 0, 1, 0, SPF_SOFTFAIL, false },
		{ "v=spf1 redirect=soft.test", 0, 1, 0, SPF_SOFTFAIL, false },
		{ "v=spf1 a", BIT(SPF_NOTE_NO_ALL), 1, 0, SPF_NEUTRAL, false },
		{ "v=spf1 +all", BIT(SPF_NOTE_PLUS_ALL), 0, 0, SPF_PASS, false },
		{ "v=spf1 ?all", BIT(SPF_NOTE_NEUTRAL_ALL), 0, 0, SPF_NEUTRAL, false },
		{ "v=spf1 -all a", BIT(SPF_NOTE_AFTER_ALL), 0, 0, SPF_FAIL, false },
		{ "v=spf1 -all redirect=soft.test", BIT(SPF_NOTE_AFTER_ALL), 0, 0, SPF_FAIL,
		  false },
		{ "v=spf1 ptr -all", BIT(SPF_NOTE_PTR), 1, 0, SPF_FAIL, false },
		{ "v=spf1 exists:%{i}.x.test -all", BIT(SPF_NOTE_MACRO), 1, 0, SPF_FAIL, false },
		{ "v=spf1 include:mobile-users._spf.%{d} -all", BIT(SPF_NOTE_MACRO), 2, 0, SPF_FAIL,
		  false },
		{ "v=spf1 a:nowhere.test -all", BIT(SPF_NOTE_VOID), 1, 1, SPF_FAIL, false },
		{ "v=spf1 a:v6.test -all", 0, 1, 0, SPF_FAIL, false },
		{ "v=spf1 a:no1.test mx:no2.test exists:no3.test a:no4.test -all",
		  BIT(SPF_NOTE_VOID) | BIT(SPF_NOTE_VOIDS), 4, 4, SPF_FAIL, true },
		{ "v=spf1" FIVE("example.com") FIVE("example.com") " -all", 0, 10, 0, SPF_FAIL,
		  false },
		{ "v=spf1" FIVE("example.com") FIVE("example.com") " mx a -all",
		  BIT(SPF_NOTE_LOOKUPS), 12, 0, SPF_FAIL, true },
		{ "v=spf1 mx:many.test -all", BIT(SPF_NOTE_NAMES), 1, 0, SPF_FAIL, true },
		{ "v=spf1 include:nowhere.test -all", BIT(SPF_NOTE_NO_TARGET) | BIT(SPF_NOTE_VOID),
		  1, 1, SPF_FAIL, true },
		{ "v=spf1 include:other.test -all", BIT(SPF_NOTE_NO_TARGET), 1, 0, SPF_FAIL, true },
		{ "v=spf1 include:two.test -all", BIT(SPF_NOTE_MANY_RECORDS), 1, 0, SPF_FAIL,
		  true },
		{ "v=spf1 include:wrong.test -all", BIT(SPF_NOTE_SYNTAX), 1, 0, SPF_FAIL, true },
		{ "v=spf1 include:timeout.test a:timeout.test -all", BIT(SPF_NOTE_NO_ANSWER), 2, 0,
		  SPF_FAIL, false },
		{ "v=spf1 include:loop.test -all", BIT(SPF_NOTE_LOOP), 2, 0, SPF_FAIL, true },
		{ "v=spf1 redirect=rloop.test", BIT(SPF_NOTE_LOOP), 2, 0, SPF_NEUTRAL, true },
		{ "v=spf1 include:long.test -all", BIT(SPF_NOTE_LONG), 1, 0, SPF_FAIL, false },
		{ "v=spf1 what", BIT(SPF_NOTE_SYNTAX), 0, 0, SPF_NEUTRAL, true },
		{ NULL, BIT(SPF_NOTE_NO_RECORD), 0, 0, SPF_NEUTRAL, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(arena_fini) struct arena a;
		struct lookup_row *all = world_with("example.com", rows[i].record);
		struct lookup_world w = { .rows = all };
		const struct lookup l = { .ask = lookup_table, .ctx = &w };
		struct spf_report r;
		unsigned notes = 0;

		test_row(rows[i].record ? rows[i].record : "no record");
		arena_init(&a, ARENA);
		assert_int_equal(spf_look(&l, S("example.com"), &a, &r), 0);
		for (size_t k = 0; k < r.n_notes; k++)
			notes |= BIT(r.notes[k].kind);
		assert_int_equal(notes, rows[i].notes);
		assert_int_equal(r.lookups, rows[i].lookups);
		assert_int_equal(r.voids, rows[i].voids);
		assert_int_equal(r.rest, rows[i].rest);
		assert_int_equal(r.is_error, rows[i].is_error);
		mem_free(all);
	}
}

/* A tree of records that grows with each one read. */
static int ask_tree(void *ctx, struct arena *a, struct str name, enum lookup_type type,
		    struct lookup_answer *ret)
{
	*ret = (struct lookup_answer){ .v = ARENA_ARRAY(a, struct str, 1), .n = 1 };
	(*(unsigned *)ctx)++;
	ret->v[0] = arena_printf(a, "v=spf1 include:a.%" STR_FMT " include:b.%" STR_FMT " mx -all",
				 STR_ARG(name), STR_ARG(name));
	return type == LOOKUP_TXT ? 0 : -E_TIMEOUT;
}

TEST(a_look_at_a_tree_without_end_has_one)
{
	AUTO(arena_fini) struct arena a;
	unsigned asked = 0;
	const struct lookup l = { .ask = ask_tree, .ctx = &asked };
	const struct spf_query q = { .sender = S("a@example.com") };
	struct spf_report r;
	struct spf_verdict v;

	arena_init(&a, ARENA);
	assert_int_equal(spf_look(&l, S("example.com"), &a, &r), 0);
	assert_true(asked <= 60);
	assert_int_equal(r.notes[r.n_notes - 1].kind, SPF_NOTE_MORE);
	asked = 0;
	spf_check_host(&l, &q, &a, &v);
	assert_int_equal(v.result, SPF_PERMERROR);
	assert_true(asked <= 11);
}
