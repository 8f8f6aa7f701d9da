/* SPDX-License-Identifier: MIT */
/*
 * SASL exchanges with arbitrary client messages. The first line names the mechanism, each further
 * line is a message, base64 unless it begins with '!': the rest of such a line is encoded first,
 * so that the fuzzer reaches the mechanisms' own parsers. The same bytes are tried as a stored
 * SCRAM value. Nothing but the right password may log in; nothing may crash.
 */
#include "sasl/sasl_test.h"

#include <ftw.h>
#include <stdlib.h>

#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sasl_fixture fixture;
static char dir[] = "/tmp/martlet-fuzz-sasl-XXXXXX";

static int remove_one(const char *path_z, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path_z);
}

static void fixture_leave(void)
{
	sasl_fixture_close(&fixture);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void fixture_once(void)
{
	if (fixture.sasl != NULL)
		return;
	must(mkdtemp(dir) != NULL);
	sasl_fixture_open(&fixture, dir,
			  "[auth]\nfailure_delay = 0ms\n"
			  "max_address_failures = 0\nmax_account_failures = 0\n"
			  "oauth_jwks_file = /keys\noauth_issuer = i\noauth_audience = a\n");
	atexit(fixture_leave);
}

static int message(struct sasl_exchange *x, struct str line, struct buf *out,
		   struct sasl_identity *id)
{
	AUTO(buf_fini) struct buf b64 = BUF_INIT(65536);

	if (line.n == 0 || line.p[0] != '!')
		return sasl_exchange_step(x, line, out, id);
	text_b64_encode(&b64, str_skip(line, 1));
	return sasl_exchange_step(x, b64.n == 0 ? S("=") : buf_str(&b64), out, id);
}

static void exchange(struct str input)
{
	struct conn *c = conn_new_scripted(S(""), 0, true, "192.0.2.7");
	struct sasl_exchange *x = NULL;
	struct str line = S("");
	struct sasl_identity id;

	if (str_split(&input, '\n', &line) &&
	    sasl_exchange_new(fixture.sasl, c, "imap", line, &x) == 0) {
		AUTO(buf_fini) struct buf out = BUF_INIT(65536);
		int rc = 1;

		while (rc == 1 && str_split(&input, '\n', &line))
			rc = message(x, line, &out, &id);
		must(rc != 0 || id.account == fixture.alice || id.account == fixture.bob);
	}
	sasl_exchange_free(x);
	conn_free_scripted(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = str_of(data, size);
	struct sasl_scram scram;

	fixture_once();
	exchange(input);
	if (sasl_scram_parse(sasl_scram_kind_find(S("scram-sha-256")), input, &scram))
		must(strlen(scram.stored_key) == 44);
	return 0;
}
