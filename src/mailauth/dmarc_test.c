/* SPDX-License-Identifier: MIT */
/* DMARC: records by a table, the walk by the examples of RFC 9989 4.10.2, who agreed to get reports. */
#include "mailauth/dmarc.h"

#include "mailauth/lookup_test.h"

#define ARENA (1u << 20)
#define BIT(x) (1u << (x))

TEST(a_dmarc_record_is_read_with_its_mistakes)
{
	static const struct {
		const char *text;
		int rc;
		unsigned notes;
		enum dmarc_policy p, sp, np;
		size_t n_rua, n_ruf;
		const char *host; /* of the first rua */
	} rows[] = {
		{ "v=DMARC1; p=none", 0, 0, DMARC_NONE, 0, 0, 0, 0, "" },
		{ "v=DMARC1;p=reject;sp=quarantine;np=reject;adkim=s;aspf=r;fo=1:d:s;t=n;psd=u;", 0,
		  0, DMARC_REJECT, DMARC_QUARANTINE, DMARC_REJECT, 0, 0, "" },
		{ " V =\tDMARC1 ; P = Reject ;", 0, 0, DMARC_REJECT, 0, 0, 0, 0, "" },
		{ "v=DMARC1; p=none; rua=mailto:a@x.example , https://y.example:443/r?x ; ruf=mailto:b@x.example",
		  0, 0, DMARC_NONE, 0, 0, 2, 1, "x.example" },
		{ "v=DMARC1; p=none; rua=mailto:a@x.example!10m", 0, BIT(DMARC_NOTE_SIZE),
		  DMARC_NONE, 0, 0, 1, 0, "x.example" },
		{ "v=DMARC1; p=none; rua=mailto:a%40x", 0, BIT(DMARC_NOTE_URI), DMARC_NONE, 0, 0, 1,
		  0, "" },
		{ "v=DMARC1; p=none; rua=ftp://x.example", 0, BIT(DMARC_NOTE_URI), DMARC_NONE, 0, 0,
		  1, 0, "" },
		{ "v=DMARC1; p=none; rua=a@x.example", 0, BIT(DMARC_NOTE_URI), DMARC_NONE, 0, 0, 1,
		  0, "" },
		{ "v=DMARC1; p=none; rua=mailto:@x.example", 0, BIT(DMARC_NOTE_URI), DMARC_NONE, 0,
		  0, 1, 0, "" },
		{ "v=DMARC1; rua=mailto:a@x.example", 0, BIT(DMARC_NOTE_NO_P), 0, 0, 0, 1, 0,
		  "x.example" },
		{ "v=DMARC1", 0, BIT(DMARC_NOTE_NO_P), 0, 0, 0, 0, 0, "" },
		{ "v=DMARC1; p=no", 0, BIT(DMARC_NOTE_VALUE), 0, 0, 0, 0, 0, "" },
		{ "v=DMARC1; p=none; sp=all; adkim=x; aspf=rs; fo=0:1; t=maybe; psd=x", 0,
		  BIT(DMARC_NOTE_VALUE), DMARC_NONE, 0, 0, 0, 0, "" },
		{ "v=DMARC1; p=none; pct=50; ri=86400; rf=afrf", 0, BIT(DMARC_NOTE_OLD), DMARC_NONE,
		  0, 0, 0, 0, "" },
		{ "v=DMARC1; p=none; p=reject", 0, BIT(DMARC_NOTE_TWICE), DMARC_NONE, 0, 0, 0, 0,
		  "" },
		{ "v=DMARC1; p=none; x=y", 0, BIT(DMARC_NOTE_UNKNOWN), DMARC_NONE, 0, 0, 0, 0, "" },
		{ "v=DMARC1; p none; p=", 0, BIT(DMARC_NOTE_SYNTAX) | BIT(DMARC_NOTE_NO_P), 0, 0, 0,
		  0, 0, "" },
		{ "v=DMARC1;; p=none", 0, BIT(DMARC_NOTE_SYNTAX), DMARC_NONE, 0, 0, 0, 0, "" },
		{ "v=DMARC1; p=none; fo=2", 0, BIT(DMARC_NOTE_VALUE), DMARC_NONE, 0, 0, 0, 0, "" },
		{ "v=DMARC1; p=none; fo=d:d", 0, BIT(DMARC_NOTE_VALUE), DMARC_NONE, 0, 0, 0, 0,
		  "" },
		{ "v=DMARC1 p=none", -E_SYNTAX, 0, 0, 0, 0, 0, 0, "" },
		{ "v=dmarc1; p=none", -E_SYNTAX, 0, 0, 0, 0, 0, 0, "" },
		{ "v=DMARC2; p=none", -E_SYNTAX, 0, 0, 0, 0, 0, 0, "" },
		{ "p=none; v=DMARC1", -E_SYNTAX, 0, 0, 0, 0, 0, 0, "" },
		{ "", -E_SYNTAX, 0, 0, 0, 0, 0, 0, "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct dmarc_record r = { 0 };
		char *text = test_copy(str_z(rows[i].text));
		unsigned notes = 0;

		test_row(rows[i].text);
		assert_int_equal(dmarc_record_parse(str_of(text, strlen(rows[i].text)), &r),
				 rows[i].rc);
		for (size_t k = 0; k < r.n_notes; k++)
			notes |= BIT(r.notes[k].kind);
		assert_int_equal(notes, rows[i].notes);
		assert_int_equal(r.p, rows[i].p);
		assert_int_equal(r.sp, rows[i].sp);
		assert_int_equal(r.np, rows[i].np);
		assert_int_equal(r.n_rua, rows[i].n_rua);
		assert_int_equal(r.n_ruf, rows[i].n_ruf);
		if (r.n_rua > 0)
			assert_str_eq(r.rua[0].host, str_z(rows[i].host));
		mem_free(text);
	}
}

#define RECORD(domain, tags) \
	{ \
		"_dmarc." domain, LOOKUP_TXT, "v=DMARC1; " tags \
	}

static const struct lookup_row rows[] = {
	/* RFC 9989 4.10.2 */
	RECORD("mail.example.com", "p=none"),
	RECORD("example.com", "p=quarantine; sp=reject"),
	RECORD("mail.example.net", "p=none; psd=n"),
	RECORD("example.net", "p=reject"),
	RECORD("suffix.test", "p=reject; psd=y"),
	RECORD("a.b.c.suffix.test", "p=none"),
	RECORD("b.other.test", "p=none"),
	RECORD("other.test", "p=bad; rua=mailto:a@other.test"),
	RECORD("unreported.test", "p=reject; sp=bad"),
	RECORD("bare.test", "adkim=s; rua=http://bare.test/"),
	RECORD("subs.test", "p=reject; np=bad; rua=mailto:a@subs.test"),
	RECORD("twice.test", "p=none"),
	RECORD("twice.test", "p=reject"),
	{ "_dmarc.x.timeout.test", LOOKUP_TXT, "v=DMARC1; p=none" },
	{ "_dmarc.timeout.test", LOOKUP_TXT, NULL },
	{ "_dmarc.text.test", LOOKUP_TXT, "something else" },
	/* RFC 7489 7.1 */
	{ "example.com._report._dmarc.reports.test", LOOKUP_TXT, "v=DMARC1" },
	{ "example.com._report._dmarc.wrong.test", LOOKUP_TXT, "yes" },
	{ "example.com._report._dmarc.silent.test", LOOKUP_TXT, NULL },
	{ 0 },
};

TEST(the_record_that_counts_is_found_by_a_walk)
{
	static const struct {
		const char *domain, *found, *organization;
		enum dmarc_policy policy;
		size_t n_own;
		int rc;
		unsigned n_asked;
	} wants[] = {
		{ "a.mail.example.com", "example.com", "example.com", DMARC_REJECT, 0, 0, 4 },
		{ "mail.example.com", "mail.example.com", "example.com", DMARC_NONE, 1, 0, 3 },
		{ "example.com", "example.com", "example.com", DMARC_QUARANTINE, 1, 0, 2 },
		{ "a.mail.example.net", "mail.example.net", "mail.example.net", DMARC_NONE, 0, 0,
		  2 },
		{ "x.example.net", "example.net", "example.net", DMARC_REJECT, 0, 0, 3 },
		{ "x.c.suffix.test", "suffix.test", "c.suffix.test", DMARC_REJECT, 0, 0, 3 },
		/* A record that is neither the domain's nor its organization's is nobody's. */
		{ "x.a.b.c.suffix.test", "suffix.test", "c.suffix.test", DMARC_REJECT, 0, 0, 5 },
		{ "a.b.c.suffix.test", "a.b.c.suffix.test", "c.suffix.test", DMARC_NONE, 1, 0, 4 },
		{ "suffix.test", "suffix.test", "suffix.test", DMARC_REJECT, 1, 0, 1 },
		{ "x.b.other.test", "other.test", "other.test", DMARC_NONE, 0, 0, 4 },
		/* RFC 9989 4.10.1: a policy that is none makes none of all */
		{ "unreported.test", "unreported.test", "unreported.test", DMARC_NO_POLICY, 1, 0, 2 },
		{ "bare.test", "bare.test", "bare.test", DMARC_NO_POLICY, 1, 0, 2 },
		{ "subs.test", "subs.test", "subs.test", DMARC_NONE, 1, 0, 2 },
		{ "twice.test", "", "twice.test", DMARC_NO_POLICY, 2, 0, 2 },
		{ "text.test", "", "text.test", DMARC_NO_POLICY, 0, 0, 2 },
		{ "x.timeout.test", "", "", DMARC_NO_POLICY, 0, -E_TIMEOUT, 2 },
		/* RFC 9989 4.10: eight questions, whatever the length */
		{ "a.b.c.d.e.f.g.h.i.j.mail.example.com", "example.com", "example.com",
		  DMARC_REJECT, 0, 0, 8 },
		{ "a.b.c.d.e.f.example.com", "example.com", "example.com", DMARC_REJECT, 0, 0, 8 },
	};

	for (size_t i = 0; i < ARRAY_LEN(wants); i++) {
		AUTO(arena_fini) struct arena a;
		struct lookup_world w = { .rows = rows };
		const struct lookup l = { .ask = lookup_table, .ctx = &w };
		struct dmarc_found f = { 0 };

		test_row(wants[i].domain);
		arena_init(&a, ARENA);
		assert_int_equal(dmarc_find(&l, str_z(wants[i].domain), &a, &f), wants[i].rc);
		assert_str_eq(f.domain, str_z(wants[i].found));
		assert_str_eq(f.organization, str_z(wants[i].organization));
		assert_int_equal(f.policy, wants[i].policy);
		assert_int_equal(f.n_own, wants[i].n_own);
		assert_int_equal(w.n_asked, wants[i].n_asked);
	}
}

TEST(reports_go_where_they_are_wanted)
{
	static const struct {
		const char *host, *name;
		int want;
	} wants[] = {
		{ "example.com", "", 1 },
		{ "a.example.com", "", 1 },
		{ "example.net", "example.com._report._dmarc.example.net", 0 },
		{ "reports.test", "example.com._report._dmarc.reports.test", 1 },
		{ "wrong.test", "example.com._report._dmarc.wrong.test", 0 },
		{ "silent.test", "example.com._report._dmarc.silent.test", -E_TIMEOUT },
		{ "timeout.test", "", -E_TIMEOUT },
	};
	AUTO(arena_fini) struct arena a;
	struct lookup_world w = { .rows = rows };
	const struct lookup l = { .ask = lookup_table, .ctx = &w };
	struct dmarc_found f;

	arena_init(&a, ARENA);
	assert_int_equal(dmarc_find(&l, S("example.com"), &a, &f), 0);
	for (size_t i = 0; i < ARRAY_LEN(wants); i++) {
		struct str name;

		test_row(wants[i].host);
		assert_int_equal(dmarc_may_report(&l, &f, str_z(wants[i].host), &a, &name),
				 wants[i].want);
		assert_str_eq(name, str_z(wants[i].name));
	}
}
