/* SPDX-License-Identifier: MIT */
/*
 * Whatever a URL is: what is decoded is never longer than it, names are UTF-8, numbers are in their
 * range.
 */
#include "imap/url.h"

#include "base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena_fini) struct arena a;
	struct imap_url u = { 0 };
	int r;

	arena_init(&a, 1u << 20);
	r = imap_url_parse(&a, str_of(data, size), &u);
	must(r == 0 || r == 1 || r == -E_LIMIT);
	if (r != 1)
		return 0;
	must(u.uid > 0 && u.mailbox.n < size && u.section.n < size && str_is_utf8(u.mailbox));
	must(!u.has_partial || u.start <= INT64_MAX);
	return 0;
}
