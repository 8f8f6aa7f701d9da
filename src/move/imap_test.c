/* SPDX-License-Identifier: MIT */
/* RFC 5092: where another server is. */
#include "move/imap.h"

#include "base/test.h"

TEST(imap_urls)
{
	static const struct {
		const char *url, *user, *host; /* user NULL: none */
		uint16_t port;
		bool is_tls;
	} rows[] = {
		{ "imaps://bob@mail.example.org/", "bob", "mail.example.org", 993, true },
		{ "imaps://bob%40example.org@mail.example.org:1993", "bob@example.org", "mail.example.org", 1993, true },
		{ "imap://bob@example.org@host", "bob@example.org", "host", 143, false },
		{ "IMAPS://b@[::1]:7/", "b", "::1", 7, true },
		{ "imaps://b@[::1]", "b", "::1", 993, true },
		{ "imaps://mail.example.org/", NULL, NULL, 0, false },
		{ "imaps://b@host/INBOX", NULL, NULL, 0, false },
		{ "imaps://b@host:0", NULL, NULL, 0, false },
		{ "imaps://b@", NULL, NULL, 0, false },
		{ "imaps://b:secret@host", NULL, NULL, 0, false },
		{ "imaps://b%3Ac@host", "b:c", "host", 993, true },
		{ "imaps://b%0d@host", NULL, NULL, 0, false },
		{ "/home/bob/Maildir", NULL, NULL, 0, false },
	};
	AUTO(arena_fini) struct arena a;

	arena_init(&a, 1u << 20);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct move_imap_options o = { 0 };

		test_row(rows[i].url);
		assert_int_equal(move_imap_url(&a, str_z(rows[i].url), &o), rows[i].user != NULL);
		if (!rows[i].user)
			continue;
		assert_str_eq(o.user, str_z(rows[i].user));
		assert_str_eq(o.host, str_z(rows[i].host));
		assert_int_equal(o.port, rows[i].port);
		assert_int_equal(o.is_tls, rows[i].is_tls);
	}
}
