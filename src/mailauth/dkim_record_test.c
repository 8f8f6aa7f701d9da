/* SPDX-License-Identifier: MIT */
/* Key records of DKIM, by a table; the Ed25519 key is that of RFC 8463 A.2. */
#include "mailauth/dkim_record.h"

#include "base/test.h"

#define RSA512 \
	"MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAOjDXHm4f8apiOoUQxdH4PM5tzdnV79yHRZXd0f73DMIzKwM6s8FTgxuNlMTFdKR1fBw" \
	"YY5WWKLhWERdMQfdr2kCAwEAAQ=="
#define RSA1024 \
	"MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC8/i/f7wnX5n8fWIoKjNp4UDzZsvkylAbPSpmEMK0L/BLrZ1782T7upkZAqB4F" \
	"VRFBAJgPxC1veuXTGBjrDl6b+FznNchmffU43oVkYXRql4WDzvTNjYndZITK1bp01l3mQWQipGzCP/irzCORPKmFHAVsC58kyzX+" \
	"tdVgzpzbSQIDAQAB"
#define RSA2048 \
	"MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAilIUsjuxbWd7XrUshdgPWG9KExGSLCpAL207IecZyt3FJmmphJyNRnUj" \
	"8I9OxSas9k9XWB0GwnqyQ5/c/a4s9RPMU2ViHm2/N0b3GUCGwBLFwWrmufkkpAypU2365mLyPPLOAXL0Ta9U2ce1jaAvPg1OfuOT" \
	"gCcmRLN7/2jBV0EuJUxUIPSMmUTGXf4NYxMjZlzVJ8+EZE6DFTZfSSUgxRQezJYVZsr+o2nS5gG++w6U9dYFXXhwDPzOCxb9YlLh" \
	"yORW5h40OnnM0PTsYdFeK3m8VVnM3icoZzvM9p2CszaDut6RexG1g8a5mNnHAd1pJZxmD/aHkwGlmxojiDQq/QIDAQAB"
#define RSA2048_BARE \
	"MIIBCgKCAQEAilIUsjuxbWd7XrUshdgPWG9KExGSLCpAL207IecZyt3FJmmphJyNRnUj8I9OxSas9k9XWB0GwnqyQ5/c/a4s9RPM" \
	"U2ViHm2/N0b3GUCGwBLFwWrmufkkpAypU2365mLyPPLOAXL0Ta9U2ce1jaAvPg1OfuOTgCcmRLN7/2jBV0EuJUxUIPSMmUTGXf4N" \
	"YxMjZlzVJ8+EZE6DFTZfSSUgxRQezJYVZsr+o2nS5gG++w6U9dYFXXhwDPzOCxb9YlLhyORW5h40OnnM0PTsYdFeK3m8VVnM3ico" \
	"ZzvM9p2CszaDut6RexG1g8a5mNnHAd1pJZxmD/aHkwGlmxojiDQq/QIDAQAB"
#define ED25519 "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

TEST(a_key_record_is_read_or_refused)
{
	enum { TEST_MODE = 1, EXACT = 2, NOT_MAIL = 4, NO_SHA256 = 8, REVOKED = 16 };
	static const struct {
		const char *text;
		int rc, bits;
		enum dkim_key_kind kind;
		int flags;
	} rows[] = {
		{ "v=DKIM1; k=rsa; p=" RSA2048, 0, 2048, DKIM_KEY_RSA, 0 },
		{ "p=" RSA2048, 0, 2048, DKIM_KEY_RSA, 0 },
		{ "v=DKIM1;p=" RSA1024 ";", 0, 1024, DKIM_KEY_RSA, 0 },
		{ "v=DKIM1; p=" RSA512, 0, 512, DKIM_KEY_RSA, 0 },
		{ "v=DKIM1; p=" RSA2048_BARE, 0, 2048, DKIM_KEY_RSA, 0 },
		{ " v = DKIM1 ; k=ed25519 ; p= 11qYAYKxCrfVS/7TyWQHOg7 hcvPapiMlrwIaaPcHURo ", 0,
		  256, DKIM_KEY_ED25519, 0 },
		{ "v=DKIM1; k=ed25519; p=" ED25519 "; t=y : s; h=sha1:sha256; s=email; n=a note", 0,
		  256, DKIM_KEY_ED25519, TEST_MODE | EXACT },
		{ "v=DKIM1; k=ed25519; p=" ED25519 "; s=other; h=sha1; t=x", 0, 256,
		  DKIM_KEY_ED25519, NOT_MAIL | NO_SHA256 },
		{ "v=DKIM1; k=ed25519; p=" ED25519 "; s=*", 0, 256, DKIM_KEY_ED25519, 0 },
		{ "v=DKIM1; p=", 0, 0, DKIM_KEY_RSA, REVOKED },
		{ "v=DKIM1; k=pq; p=AAAA", 0, 0, DKIM_KEY_OTHER, 0 },
		{ "v=DKIM1; k=rsa", -E_SYNTAX, 0, 0, 0 },
		{ "v=DKIM1; k=rsa; p=" ED25519, -E_SYNTAX, 0, 0, 0 },
		{ "v=DKIM1; k=ed25519; p=" RSA2048, -E_SYNTAX, 0, 0, 0 },
		{ "v=DKIM1; p=" RSA2048 "AAAA", -E_SYNTAX, 0, 0, 0 },
		{ "v=DKIM1; p=!!!!", -E_SYNTAX, 0, 0, 0 },
		{ "k=rsa; v=DKIM1; p=" RSA1024, -E_SYNTAX, 0, 0, 0 },
		{ "v=DKIM2; p=" RSA1024, -E_SYNTAX, 0, 0, 0 },
		{ "v=DKIM1; p=" RSA1024 "; p=", -E_SYNTAX, 0, 0, 0 },
		{ "v=DKIM1; x=1; x=2; p=" RSA1024, -E_SYNTAX, 0, 0, 0 },
		{ "v=DKIM1; k; p=" RSA1024, -E_SYNTAX, 0, 0, 0 },
		{ "v=DKIM1;; p=" RSA1024, -E_SYNTAX, 0, 0, 0 },
		{ "v=spf1 -all", -E_SYNTAX, 0, 0, 0 },
		{ "", -E_SYNTAX, 0, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(arena_fini) struct arena a;
		struct dkim_record r = { .is_for_mail = true, .has_sha256 = true };
		char *text = test_copy(str_z(rows[i].text));
		const char *what_z = NULL;

		test_row(rows[i].text);
		arena_init(&a, 1u << 16);
		assert_int_equal(dkim_record_parse(str_of(text, strlen(rows[i].text)), &a, &r,
						   &what_z),
				 rows[i].rc);
		assert_non_null(what_z);
		assert_int_equal(r.bits, rows[i].bits);
		assert_int_equal(r.kind, rows[i].kind);
		assert_int_equal(r.is_test, (rows[i].flags & TEST_MODE) != 0);
		assert_int_equal(r.is_exact, (rows[i].flags & EXACT) != 0);
		assert_int_equal(!r.is_for_mail, (rows[i].flags & NOT_MAIL) != 0);
		assert_int_equal(!r.has_sha256, (rows[i].flags & NO_SHA256) != 0);
		assert_int_equal(r.is_revoked, (rows[i].flags & REVOKED) != 0);
		mem_free(text);
	}
}

TEST(what_is_meant_to_be_a_key_record)
{
	assert_true(dkim_record_is(S("v=DKIM1; k=rsa")));
	assert_true(dkim_record_is(S("k=rsa; p=x")));
	assert_true(dkim_record_is(S(" p=")));
	assert_false(dkim_record_is(S("v=spf1 -all")));
	assert_false(dkim_record_is(S("v=DMARC1; p=none")));
	assert_false(dkim_record_is(S("")));
}
