/* SPDX-License-Identifier: MIT */
/*
 * The client's half of an exchange against whatever a server may say. The first line has the mechanisms that are offered, each further line is one of
 * its messages, in base64 unless it begins with '!': the rest of such a line is encoded first. Without a key no message proves anything in SCRAM.
 */
#include "sasl/client.h"

#include "base/limits.h"
#include "base/must.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int step(struct sasl_client *c, struct str line, struct buf *out)
{
	AUTO(buf_fini) struct buf b64 = BUF_INIT(4 * LIMIT_SASL_LINE);
	struct fault fault;

	if (line.n == 0 || line.p[0] != '!')
		return sasl_client_step(c, line, out, &fault);
	text_b64_encode(&b64, str_skip(line, 1));
	return sasl_client_step(c, buf_str(&b64), out, &fault);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(sasl_client_close) struct sasl_client *c = NULL;
	AUTO(buf_fini) struct buf out = BUF_INIT(LIMIT_SASL_LINE);
	struct str in = str_of(data, size), line = S("");
	struct sasl_client_options o = { .user = S("ann"), .password = S("secret"), .service_z = "imap", .host_z = "h" };
	struct fault fault;
	int r = 1;

	(void)str_split(&in, '\n', &line);
	o.offered = line;
	if (sasl_client_open(&o, &c, &fault) < 0)
		return 0;
	if (sasl_client_has_initial(c))
		r = step(c, S(""), &out);
	do {
		while (r == 1 && str_split(&in, '\n', &line))
			r = step(c, line, &out);
		must(str_chr(buf_str(&out), '\n') < 0 && out.n <= LIMIT_SASL_LINE);
		must(!sasl_client_is_proven(c) || !str_istarts(str_z(sasl_client_mechanism_z(c)), S("SCRAM")));
		must(r >= 0 || !sasl_client_is_proven(c));
		r = 1;
	} while (sasl_client_next(c));
	return 0;
}
