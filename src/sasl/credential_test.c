/* SPDX-License-Identifier: MIT */
/* Hashes that are imported, credentials that are made of a password. */
#include "sasl/sasl_test.h"

#include <argon2.h>

#include "base/test.h"

struct import_row {
	const char *hash;
	int want;
};
static const struct import_row import_rows[] = {
	{ "{BLF-CRYPT}$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e", 0 },
	{ "{MD5-CRYPT}$1$abcdefgh$y6iHhJNbuC0xpbk0w9pm80", 0 },
	{ "{sha256-crypt}$5$rounds=1000$saltsalt$R6e4P8ccT9iMqkYg7Z8YtpId/lfsIfnuPkp8WXposU8", 0 },
	{ "{CRYPT}$1$abcdefgh$y6iHhJNbuC0xpbk0w9pm80", 0 },
	{ " $1$abcdefgh$y6iHhJNbuC0xpbk0w9pm80\n", 0 },
	{ "{PLAIN}correct horse", -E_SYNTAX },
	{ "{SSHA}abcd", -E_SYNTAX },
	{ "$9$unknown$x", -E_SYNTAX },
	{ "{CRYPT}", -E_SYNTAX },
	{ "", -E_SYNTAX },
	{ "{CRYPT}*", -E_SYNTAX },
	{ "{ARGON2ID}$argon2id$v=19$m=999999999,t=1,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
	  -E_SYNTAX },
};

TEST(imported_hashes)
{
	for (size_t i = 0; i < ARRAY_LEN(import_rows); i++) {
		AUTO(arena_fini) struct arena a = { .cap = 65536 };
		struct store_credential cred;
		struct fault fault = { 0 };

		test_row(import_rows[i].hash);
		assert_int_equal(sasl_credential_import(&a, str_z(import_rows[i].hash), &cred,
							&fault),
				 import_rows[i].want);
		if (import_rows[i].want < 0) {
			assert_true(fault.text[0] != '\0');
			continue;
		}
		assert_str_eq(cred.kind, S("crypt"));
		assert_true(sasl_hash_matches(SASL_TEST_PASSWORD, cred.value.p));
		assert_false(sasl_hash_matches("wrong", cred.value.p));
	}
}

TEST(argon2)
{
	AUTO(arena_fini) struct arena a = { .cap = 65536 };
	struct store_credential cred;
	char hash[200], imported[256];

	assert_int_equal(argon2id_hash_encoded(1, 64, 1, "pw", 2, "saltsalt", 8, 16, hash,
					       sizeof(hash)),
			 ARGON2_OK);
	snprintf(imported, sizeof(imported), "{ARGON2ID}%s", hash);
	assert_int_equal(sasl_credential_import(&a, str_z(imported), &cred, NULL), 0);
	assert_true(sasl_hash_matches("pw", cred.value.p));
	assert_false(sasl_hash_matches("pW", cred.value.p));
}

struct make_row {
	const char *name;
	struct str password;
	int want;
};
static const struct make_row make_rows[] = {
	{ "letters", STR_INIT("secret"), 0 },
	{ "umlaut", STR_INIT("\xc3\xa4"), 0 },
	{ "emoji", STR_INIT("\xf0\x9f\x90\xa6"), -E_SYNTAX },
	{ "empty", STR_INIT(""), -E_SYNTAX },
	{ "control", STR_INIT("a\x07"), -E_SYNTAX },
	{ "NUL", STR_INIT("a\0b"), -E_SYNTAX },
	{ "not UTF-8", STR_INIT("\xff"), -E_SYNTAX },
};

TEST(made_credentials)
{
	for (size_t i = 0; i < ARRAY_LEN(make_rows); i++) {
		AUTO(arena_fini) struct arena a = { .cap = 65536 };
		struct store_credential creds[3];
		struct sasl_scram scram;
		struct fault fault = { 0 };
		int rc = sasl_credentials_make(&a, make_rows[i].password, creds, &fault);

		test_row(make_rows[i].name);
		assert_int_equal(rc, make_rows[i].want);
		if (rc < 0)
			continue;
		assert_true(str_starts(creds[0].value, S("$y$")));
		assert_true(sasl_scram_parse(sasl_scram_kind_find(creds[1].kind), creds[1].value,
					     &scram));
		assert_true(sasl_scram_parse(sasl_scram_kind_find(creds[2].kind), creds[2].value,
					     &scram));
		assert_false(sasl_scram_parse(sasl_scram_kind_find(creds[2].kind), creds[1].value,
					      &scram));
	}
}
