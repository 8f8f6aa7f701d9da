/* SPDX-License-Identifier: MIT */
/* Where another IMAP server is, as a URL: what is taken has a host and a user without control characters. */
#include "base/must.h"
#include "move/imap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct move_imap_options o = { 0 };
	AUTO(arena_fini) struct arena a;

	arena_init(&a, 8u << 20);
	if (move_imap_url(&a, str_of(data, size), &o)) {
		must(o.host.n > 0 && o.user.n > 0 && o.port > 0);
		must(str_chr(o.host, '\n') < 0 && str_chr(o.user, '\r') < 0);
	}
	return 0;
}
