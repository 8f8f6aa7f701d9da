/* SPDX-License-Identifier: MIT */
/* What a server says that it can do. */
#include "smtp/client_int.h"

#include "base/test.h"

TEST(client_caps)
{
	AUTO(arena_fini) struct arena a = { .cap = 65536 };
	struct smtp_client_caps caps;

	smtp_client_caps_parse(S("mx.example greets you\nPIPELINING\nsize 1000000\n8BITMIME\nBinaryMIME\nCHUNKING\nSMTPUTF8\nDSN\nSTARTTLS"
				 "\nREQUIRETLS\nENHANCEDSTATUSCODES\nDELIVERBY 240\nMT-PRIORITY MIXER\nFUTURERELEASE 1 2\nAUTH=LOGIN"
				 "\nAUTH  PLAIN\n\nPIPELININGS\n"), &a, &caps);
	assert_true(caps.is_extended && caps.has_pipelining && caps.has_size && caps.has_8bitmime && caps.has_binarymime);
	assert_true(caps.has_chunking && caps.has_smtputf8 && caps.has_dsn && caps.has_starttls && caps.has_requiretls);
	assert_true(caps.has_enhanced && caps.has_deliverby && caps.has_mt_priority && caps.has_futurerelease);
	assert_int_equal(caps.max_size, 1000000);
	assert_str_eq(caps.auth, S("LOGIN"));
	assert_str_eq(caps.name, S("mx.example"));
	smtp_client_caps_parse(S("x\nSIZE\nPIPELININGS\nX-DSN"), &a, &caps);
	assert_true(caps.has_size && !caps.has_pipelining && !caps.has_dsn);
	assert_int_equal(caps.max_size, 0);
	smtp_client_caps_parse(S(""), &a, &caps);
	assert_str_eq(caps.name, S(""));
}
