/* SPDX-License-Identifier: MIT */
/* Line ends, and the keys by which messages are known again. */
#include "move/move.h"

#include <openssl/evp.h>

#include "base/must.h"

void move_add_crlf(struct buf *out, struct str s, char last)
{
	while (s.n) {
		ptrdiff_t lf = str_chr(s, '\n');

		if (lf < 0) {
			buf_add(out, s);
			return;
		}
		buf_add(out, str_head(s, (size_t)lf));
		if (lf > 0)
			last = s.p[lf - 1];
		buf_add(out, last == '\r' ? S("\n") : S("\r\n"));
		last = '\n';
		s = str_skip(s, (size_t)lf + 1);
	}
}

static void add(EVP_MD_CTX *ctx, struct str s)
{
	uint64_t n = s.n;

	must(EVP_DigestUpdate(ctx, &n, sizeof(n)) == 1 && EVP_DigestUpdate(ctx, s.p, s.n) == 1);
}

void move_key(struct str kind, struct str name, struct str bytes, uint8_t ret[STORE_IMPORT_KEY])
{
	static EVP_MD_CTX *ctx; /* one thread */
	uint8_t hash[EVP_MAX_MD_SIZE];

	if (!ctx)
		ctx = EVP_MD_CTX_new();
	must(ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1);
	add(ctx, kind);
	add(ctx, name);
	add(ctx, bytes);
	must(EVP_DigestFinal_ex(ctx, hash, NULL) == 1);
	memcpy(ret, hash, STORE_IMPORT_KEY);
}
