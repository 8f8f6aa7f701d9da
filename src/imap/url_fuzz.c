/* SPDX-License-Identifier: MIT */
/*
 * Whatever a URL is: what is decoded is never longer than it, names are UTF-8, numbers are in their
 * range; what is signed is the beginning of it, the token its end.
 */
#include "imap/url.h"

#include "base/must.h"
#include "imap/structure.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_auth(struct arena *a, struct str url)
{
	struct imap_url_auth u = { 0 };
	int r = imap_url_auth_parse(a, url, &u);

	must(r == 0 || r == 1 || r == -E_LIMIT);
	if (r != 1)
		return;
	must(u.url.uid > 0 && u.user.n > 0 && str_is_utf8(u.user) && str_is_utf8(u.access_user));
	must(str_starts(url, u.rump) && u.url.mailbox.p != NULL);
	must(u.token.p == NULL || (u.token.n >= 32 && str_ends(url, u.token)));
}

/* A structure is the store's own; a broken one harms nobody. */
static void try_structure(struct str text)
{
	static const uint32_t parts[][3] = { { 1, 1, 1 }, { 2, 1, 2 }, { 1, 2, 3 } };
	const uint64_t size = 7;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		AUTO(buf_fini) struct buf out = BUF_INIT(1u << 20);
		int r = imap_structure_part(text, parts[i], 1 + i, i == 1 ? &size : NULL, &out);

		must(r == 0 || r == -E_NOT_FOUND || r == -E_LIMIT);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena_fini) struct arena a;
	struct imap_url u = { 0 };
	int r;

	arena_init(&a, 1u << 20);
	try_auth(&a, str_of(data, size));
	try_structure(str_of(data, size));
	r = imap_url_parse(&a, str_of(data, size), &u);
	must(r == 0 || r == 1 || r == -E_LIMIT);
	if (r != 1)
		return 0;
	must(u.uid > 0 && u.mailbox.n < size && u.section.n < size && str_is_utf8(u.mailbox));
	must(!u.has_partial || u.start <= INT64_MAX);
	return 0;
}
