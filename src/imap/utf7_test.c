/* SPDX-License-Identifier: MIT */
/* Modified UTF-7: RFC 9051 appendix A.1 with its examples, and every spelling that is refused. */
#include "imap/utf7.h"

#include "base/test.h"

static const struct {
	const char *utf8, *utf7;
} pairs[] = {
	{ "", "" },
	{ "INBOX", "INBOX" },
	{ "a&b", "a&-b" },
	{ "&", "&-" },
	{ "~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e",
	  "~peter/mail/&U,BTFw-/&ZeVnLIqe-" },
	{ "Entw\xc3\xbcrfe", "Entw&APw-rfe" },
	{ "\xc3\xa9&", "&AOk-&-" },
	{ "\xf0\x9f\x90\xa6", "&2D3cJg-" },
	{ "\xf0\x9f\x90\xa6\xc3\xa9x", "&2D3cJgDp-x" },
};

TEST(utf7_pairs)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(pairs); i++) {
		AUTO(buf_fini) struct buf there = BUF_INIT(200);
		AUTO(buf_fini) struct buf back = BUF_INIT(200);
		char *in = test_copy(str_z(pairs[i].utf7));

		test_row(pairs[i].utf7);
		imap_utf7_encode(&there, str_z(pairs[i].utf8));
		assert_str_eq(buf_str(&there), str_z(pairs[i].utf7));
		assert_true(imap_utf7_decode(&back, str_of(in, strlen(pairs[i].utf7))));
		assert_str_eq(buf_str(&back), str_z(pairs[i].utf8));
		mem_free(in);
	}
}

static const char *const refused[] = {
	"&",        "a&b",   "&AOk",     "&A-",      "&AO-",       "&AOl-", "&AOkA-",
	"&AGE-",    "&2D0-", "&3Cbc-",   "&2D0A6Q-", "&AOk-&AOk-", "\x01",  "\x7f",
	"\xc3\xa9", "&A*k-", "&U/BTFw-", "&AOk=-",   "&Jjo!",
};

TEST(utf7_refused)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(refused); i++) {
		AUTO(buf_fini) struct buf out = BUF_INIT(200);
		char *in = test_copy(str_z(refused[i]));

		test_row(refused[i]);
		assert_false(imap_utf7_decode(&out, str_of(in, strlen(refused[i]))));
		mem_free(in);
	}
}
