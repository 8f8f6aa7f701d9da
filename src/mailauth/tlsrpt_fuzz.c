/* SPDX-License-Identifier: MIT */
/* A record of TLSRPT as arbitrary bytes. The addresses that come out of it are fit for a header field, a command and a request. */
#include "mailauth/tlsrpt.h"

#include "base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void is_clean(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		must(s.p[i] > ' ' && s.p[i] < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = str_of(data, size), rua, uri;
	struct tlsrpt_uri u;
	struct arena a;
	size_t n = 0;

	arena_init(&a, 1u << 20);
	if (tlsrpt_record_parse(&input, 1, &a, &rua)) {
		must(rua.n > 0 && rua.n <= TLSRPT_RUA_MAX);
		while (str_split(&rua, ' ', &uri)) {
			must(tlsrpt_uri_parse(uri, &a, &u));
			must(u.is_mail ? str_chr(u.address, '@') > 0 && str_chr(u.address, '<') < 0
				       : u.host.n > 0 && u.path.p[0] == '/');
			is_clean(u.address);
			is_clean(u.host);
			is_clean(u.path);
			n++;
		}
		must(n > 0 && n <= TLSRPT_URIS);
	}
	arena_fini(&a);
	return 0;
}
