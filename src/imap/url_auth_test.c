/* SPDX-License-Identifier: MIT */
/* URLs that authorize: RFC 4467 7, 9, RFC 5092 11, RFC 3339 5.8; and parts of a BODYSTRUCTURE. */
#include "imap/url.h"

#include "base/test.h"
#include "imap/structure.h"

#define HEX "91354a473744909de610943775f92038"
#define NONE INT64_MIN

static const struct {
	const char *url, *user, *mailbox, *section, *access_user, *rump;
	enum imap_url_access access;
	uint32_t uid;
	int64_t expire_s;
	const char *token; /* NULL: none */
} rows[] = {
	{ "imap://joe@example.com/INBOX/;uid=20/;section=1.2;urlauth=submit+fred:internal:" HEX, "joe",
	  "INBOX", "1.2", "fred",
	  "imap://joe@example.com/INBOX/;uid=20/;section=1.2;urlauth=submit+fred", IMAP_ACCESS_SUBMIT, 20,
	  NONE, HEX },
	{ "imap://joe@example.com/INBOX/;uid=20/;section=1.2;urlauth=submit+fred", "joe", "INBOX", "1.2",
	  "fred", "imap://joe@example.com/INBOX/;uid=20/;section=1.2;urlauth=submit+fred",
	  IMAP_ACCESS_SUBMIT, 20, NONE, NULL },
	{ "IMAP://joe%40x.org;AUTH=*@[::1]:143/a/b;UIDVALIDITY=9/;UID=1;EXPIRE=1985-04-12T23:20:50.52Z"
	  ";URLAUTH=ANONYMOUS",
	  "joe@x.org", "a/b", "", "",
	  "IMAP://joe%40x.org;AUTH=*@[::1]:143/a/b;UIDVALIDITY=9/;UID=1;EXPIRE=1985-04-12T23:20:50.52Z"
	  ";URLAUTH=ANONYMOUS",
	  IMAP_ACCESS_ANONYMOUS, 1, 482196050, NULL },
	{ "imap://j@h/x/;UID=1;EXPIRE=1996-12-19T16:39:57-08:00;URLAUTH=authuser", "j", "x", "", "",
	  "imap://j@h/x/;UID=1;EXPIRE=1996-12-19T16:39:57-08:00;URLAUTH=authuser", IMAP_ACCESS_AUTHUSER, 1,
	  851042397, NULL },
	{ "imap://j@h/x/;UID=1;EXPIRE=1990-12-31T23:59:60Z;URLAUTH=user+a%2Bb", "j", "x", "", "a+b",
	  "imap://j@h/x/;UID=1;EXPIRE=1990-12-31T23:59:60Z;URLAUTH=user+a%2Bb", IMAP_ACCESS_USER, 1,
	  662688000, NULL },
	{ "imap://j@h/x/;UID=1;EXPIRE=2000-02-29t00:00:00z;URLAUTH=authuser", "j", "x", "", "",
	  "imap://j@h/x/;UID=1;EXPIRE=2000-02-29t00:00:00z;URLAUTH=authuser", IMAP_ACCESS_AUTHUSER, 1,
	  951782400, NULL },
};

static const char *const refused[] = {
	"",
	"imap://",
	"imap://joe@example.com/INBOX/;uid=20/;section=1.2",
	"imap://example.com/Shared/;uid=20/;section=1.2;urlauth=submit+fred",
	"imap://@example.com/x/;uid=20;urlauth=anonymous",
	"imap://joe@/x/;uid=20;urlauth=anonymous",
	"imap://joe@ex ample/x/;uid=20;urlauth=anonymous",
	"imap://joe%00@h/x/;uid=20;urlauth=anonymous",
	"imap://joe%ff@h/x/;uid=20;urlauth=anonymous",
	"imap://joe:pw@h/x/;uid=20;urlauth=anonymous",
	"imap://joe;AUTH=@h/x/;uid=20;urlauth=anonymous",
	"imap://joe@h/x;urlauth=anonymous",
	"imap://joe@h/;uid=20;urlauth=anonymous",
	"imap://joe@h/../x/;uid=20;urlauth=anonymous",
	"imap://joe@h/x/;uid=0;urlauth=anonymous",
	"imap://joe@h/x/;uid=20;urlauth=",
	"imap://joe@h/x/;uid=20;urlauth=user+",
	"imap://joe@h/x/;uid=20;urlauth=stream",
	"imap://joe@h/x/;uid=20;urlauth=anonymousx",
	"imap://joe@h/x/;uid=20;urlauth=anonymous:internal",
	"imap://joe@h/x/;uid=20;urlauth=anonymous::" HEX,
	"imap://joe@h/x/;uid=20;urlauth=anonymous:internal:",
	"imap://joe@h/x/;uid=20;urlauth=anonymous:internal:91354a473744909de610943775f9203",
	"imap://joe@h/x/;uid=20;urlauth=anonymous:internal:" HEX "x",
	"imap://joe@h/x/;uid=20;urlauth=anonymous:internal:" HEX ":" HEX,
	"imap://joe@h/x/;uid=20;urlauth=anonymous;expire=2030-01-01T00:00:00Z",
	"imap://joe@h/x/;uid=20;expire=2030-02-29T00:00:00Z;urlauth=anonymous",
	"imap://joe@h/x/;uid=20;expire=2030-13-01T00:00:00Z;urlauth=anonymous",
	"imap://joe@h/x/;uid=20;expire=2030-00-01T00:00:00Z;urlauth=anonymous",
	"imap://joe@h/x/;uid=20;expire=2030-01-01T24:00:00Z;urlauth=anonymous",
	"imap://joe@h/x/;uid=20;expire=2030-01-01T00:00:00;urlauth=anonymous",
	"imap://joe@h/x/;uid=20;expire=2030-01-01T00:00:00.Z;urlauth=anonymous",
	"imap://joe@h/x/;uid=20;expire=2030-01-01 00:00:00Z;urlauth=anonymous",
	"imap://joe@h/x/;uid=20;expire=+030-01-01T00:00:00Z;urlauth=anonymous",
	"imaps://joe@h/x/;uid=20;urlauth=anonymous",
};

TEST(url_auth_taken)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(arena_fini) struct arena a = { .cap = 1u << 16 };
		struct imap_url_auth u;

		test_row(rows[i].url);
		assert_int_equal(imap_url_auth_parse(&a, str_z(rows[i].url), &u), 1);
		assert_str_eq(u.user, str_z(rows[i].user));
		assert_str_eq(u.url.mailbox, str_z(rows[i].mailbox));
		assert_str_eq(u.url.section, str_z(rows[i].section));
		assert_int_equal(u.url.uid, rows[i].uid);
		assert_int_equal(u.access, rows[i].access);
		assert_str_eq(u.access_user, str_z(rows[i].access_user));
		assert_str_eq(u.rump, str_z(rows[i].rump));
		assert_int_equal(u.has_expire, rows[i].expire_s != NONE);
		if (u.has_expire)
			assert_int_equal(u.expire_s, rows[i].expire_s);
		assert_int_equal(u.token.p != NULL, rows[i].token != NULL);
		if (rows[i].token)
			assert_str_eq(u.token, str_z(rows[i].token));
	}
}

TEST(url_auth_refused)
{
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		AUTO(arena_fini) struct arena a = { .cap = 1u << 16 };
		struct str url = str_z(refused[i]);
		AUTO(mem_auto_free) char *copy = test_copy(url);
		struct imap_url_auth u;

		test_row(refused[i]);
		assert_int_equal(imap_url_auth_parse(&a, str_of(copy, url.n), &u), 0);
	}
}

/* Parts as RFC 9051 6.4.5 numbers them. */
TEST(structure_parts)
{
#define TEXT "(\"text\" \"plain\" (\"charset\" \"a)(b\") NIL NIL \"base64\" 9 1 NIL NIL)"
#define IMAGE "(\"image\" \"png\" NIL {3}\r\na(b NIL \"base64\" 90 NIL NIL)"
#define INNER "(" TEXT IMAGE " \"alternative\")"
#define MESSAGE "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 99 (NIL \"a (\" NIL) " INNER " 7)"
#define WHOLE "(" TEXT MESSAGE "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 99 (NIL) " IMAGE " 7) \"mixed\")"
	static const struct {
		const char *whole, *part, *text;
		uint64_t decoded;
	} cases[] = {
		{ WHOLE, "", WHOLE, 0 },
		{ WHOLE, "1", TEXT, 0 },
		{ WHOLE, "2", MESSAGE, 0 },
		{ WHOLE, "21", TEXT, 0 },
		{ WHOLE, "22", IMAGE, 0 },
		{ WHOLE, "31", IMAGE, 0 },
		{ WHOLE, "22", "(\"image\" \"png\" NIL {3}\r\na(b NIL \"BINARY\" 42 NIL NIL)", 42 },
		{ WHOLE, "2", MESSAGE, 42 },
		{ TEXT, "1", TEXT, 0 },
		{ WHOLE, "4", NULL, 0 },
		{ WHOLE, "11", NULL, 0 },
		{ WHOLE, "32", NULL, 0 },
		{ WHOLE, "221", NULL, 0 },
		{ TEXT, "2", NULL, 0 },
		{ "((", "1", NULL, 0 },
		{ "(\"text", "1", "(\"text", 0 },
		{ "(\"message\" \"rfc822\" NIL", "11", NULL, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(buf_fini) struct buf out = BUF_INIT(1u << 16);
		uint32_t part[4];
		size_t n = strlen(cases[i].part);
		int r;

		for (size_t k = 0; k < n; k++)
			part[k] = (uint32_t)(cases[i].part[k] - '0');
		r = imap_structure_part(str_z(cases[i].whole), part, n,
					cases[i].decoded ? &cases[i].decoded : NULL, &out);
		test_row(cases[i].part);
		assert_int_equal(r, cases[i].text ? 0 : -E_NOT_FOUND);
		if (cases[i].text)
			assert_str_eq(buf_str(&out), str_z(cases[i].text));
	}
}
