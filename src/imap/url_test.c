/* SPDX-License-Identifier: MIT */
/* Relative IMAP URLs: RFC 5092 9.1, 11, RFC 4469 appendix A, and what is refused. */
#include "imap/url.h"

#include "base/test.h"

#define ALL UINT64_MAX

static const struct {
	const char *url;
	const char *mailbox; /* NULL: the selected one */
	uint32_t uidvalidity, uid;
	const char *section;
	uint64_t start, count; /* start ALL: no partial */
} rows[] = {
	{ "/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER", "Drafts", 385759045, 20,
	  "HEADER", ALL, 0 },
	{ "/Drafts;UIDVALIDITY=385759045/;UID=20/;section=1.MIME", "Drafts", 385759045, 20,
	  "1.MIME", ALL, 0 },
	{ "/INBOX;UIDVALIDITY=785799047/;UID=11467", "INBOX", 785799047, 11467, "", ALL, 0 },
	{ "/Drafts/;UID=3002", "Drafts", 0, 3002, "", ALL, 0 },
	{ "/a/b/c/;uid=1", "a/b/c", 0, 1, "", ALL, 0 },
	{ "/gray-council/;UID=20/;SECTION=1.2/;PARTIAL=0.1024", "gray-council", 0, 20, "1.2", 0,
	  1024 },
	{ "/x/;UID=20/;PARTIAL=7", "x", 0, 20, "", 7, 0 },
	{ "/x/;UID=4294967295/;PARTIAL=0.9223372036854775807", "x", 0, 4294967295, "", 0,
	  INT64_MAX },
	{ "/%E6%97%A5%20%25;UIDVALIDITY=1/;UID=2", "\xe6\x97\xa5 %", 1, 2, "", ALL, 0 },
	{ "/x%2f%3b/;UID=2/;SECTION=HEADER.FIELDS%20(To)", "x/;", 0, 2, "HEADER.FIELDS (To)", ALL,
	  0 },
	{ "/a..b/.c/;UID=2", "a..b/.c", 0, 2, "", ALL, 0 },
	{ "/%2e%2e/;UID=2", "..", 0, 2, "", ALL, 0 },
	{ ";UID=20", NULL, 0, 20, "", ALL, 0 },
	{ ";UID=20/;SECTION=2/;PARTIAL=1.1", NULL, 0, 20, "2", 1, 1 },
	{ "/x/;UID=1/;SECTION=1/x", "x", 0, 1, "1/x", ALL, 0 }, /* FETCH has no such section */
};

/* Other kinds of URL; wrong ones. */
static const char *const refused[] = {
	"",
	"/",
	"/foo",
	"/foo/",
	"/foo?SUBJECT%20x",
	"imap://joe@example.com/INBOX/;uid=20",
	"//example.com/INBOX/;UID=20",
	"INBOX/;UID=20",
	"/;UID=20",
	"/x/;UID=20;URLAUTH=anonymous:internal:00",
	"/x/;UID=20/;section=1.2;urlauth=submit+fred:internal:00",
	"/x/;UID=20;EXPIRE=2030-01-01T00:00:00Z",
	"/foo/;UID=20/..",
	"/../foo/;UID=20",
	"/a/./b/;UID=20",
	"/x;UID=20",
	"/x;UIDVALIDITY=1;UID=20",
	"/x;UIDVALIDITY=0/;UID=20",
	"/x/;UID=0",
	"/x/;UID=01",
	"/x/;UID=4294967296",
	"/x/;UID=",
	"/x/;UID=1:2",
	"/x/;UID=1/",
	"/x/;UID=1/;SECTION=",
	"/x/;UID=1/;SECTION=/;PARTIAL=1.1",
	"/x/;UID=1/;SECTION=1/;SECTION=1",
	"/x/;UID=1/;PARTIAL=",
	"/x/;UID=1/;PARTIAL=1.",
	"/x/;UID=1/;PARTIAL=1.0",
	"/x/;UID=1/;PARTIAL=.1",
	"/x/;UID=1/;PARTIAL=1.1/;SECTION=1",
	"/x%/;UID=1",
	"/x%4/;UID=1",
	"/x%zz/;UID=1",
	"/%FF/;UID=1",
	"/x%00/;UID=1",
	"/x y/;UID=1",
	"/x\xc3\xbc/;UID=1",
	"/x/;UID=1/;SECTION=%",
};

TEST(url_rows)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str url = str_z(rows[i].url);
		char *copy = test_copy(url);
		AUTO(arena_fini) struct arena a;
		struct imap_url u = { 0 };

		test_row(rows[i].url);
		arena_init(&a, 1u << 16);
		assert_int_equal(imap_url_parse(&a, str_of(copy, url.n), &u), 1);
		mem_free(copy);
		assert_int_equal(u.mailbox.p == NULL, rows[i].mailbox == NULL);
		assert_str_eq(u.mailbox, str_z(rows[i].mailbox));
		assert_int_equal(u.uidvalidity, rows[i].uidvalidity);
		assert_int_equal(u.uid, rows[i].uid);
		assert_str_eq(u.section, str_z(rows[i].section));
		assert_int_equal(u.has_partial, rows[i].start != ALL);
		if (rows[i].start != ALL)
			assert_int_equal(u.start, rows[i].start);
		assert_int_equal(u.count, rows[i].count);
	}
}

TEST(url_refused)
{
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct str url = str_z(refused[i]);
		char *copy = test_copy(url);
		AUTO(arena_fini) struct arena a;
		struct imap_url u = { 0 };

		test_row(refused[i]);
		arena_init(&a, 1u << 16);
		assert_int_equal(imap_url_parse(&a, str_of(copy, url.n), &u), 0);
		assert_int_equal(u.uid, 0);
		mem_free(copy);
	}
}

TEST(url_arena_full)
{
	AUTO(arena_fini) struct arena a;
	struct imap_url u;

	arena_init(&a, 1);
	assert_int_equal(imap_url_parse(&a, S("/x/;UID=1"), &u), -E_LIMIT);
}
