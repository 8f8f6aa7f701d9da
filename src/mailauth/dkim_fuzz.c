/* SPDX-License-Identifier: MIT */
/* A message as arbitrary bytes is signed: one field, bounded, without anything in it that ends it early. */
#include "mailauth/dkim.h"

#include "base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* RFC 8463 A.2: everybody's. */
static const char pem[] = "-----BEGIN PRIVATE KEY-----\n"
			  "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
			  "-----END PRIVATE KEY-----\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(1u << 20);
	static struct dkim_key *key;
	struct str rest, line;
	bool is_first = true;

	if (!key)
		must(dkim_key_parse(str_z(pem), &key, NULL) == 0);
	if (dkim_sign(&(struct dkim_signer){ key, S("example.org"), S("s"), 1 }, str_of(data, size), &out) < 0)
		return 0;
	must(str_ends(buf_str(&out), S("\r\n")));
	for (rest = buf_str(&out); str_split(&rest, '\n', &line); is_first = false)
		must(line.n > 0 && line.p[line.n - 1] == '\r' && (is_first || line.p[0] == '\t'));
	return 0;
}
