/* SPDX-License-Identifier: MIT */
/* Content transfer encodings (RFC 2045 6.7, 6.8), tolerant and strict. */
#include "base/test.h"
#include "mime/mime_int.h"

TEST(cte_tolerant)
{
	static const struct {
		enum mime_cte cte;
		const char *in, *want;
	} rows[] = {
		{ MIME_CTE_8BIT, "a=41", "a=41" },
		{ MIME_CTE_UNKNOWN, "a=41", "a=41" },
		{ MIME_CTE_QP, "a=41=c3=BC", "aA\xC3\xBC" },
		{ MIME_CTE_QP, "soft=\r\nline=\nend=  \t\r\n!", "softlineend!" },
		{ MIME_CTE_QP, "trailing  \t\r\nx \ny", "trailing\r\nx\ny" },
		{ MIME_CTE_QP, "=zz=4=", "=zz=4" },
		{ MIME_CTE_QP, "=", "" },
		{ MIME_CTE_QP, "=\r", "=\r" },
		{ MIME_CTE_BASE64, "Zm9vYmFy", "foobar" },
		{ MIME_CTE_BASE64, "Zm9v\r\nYg==\r\n", "foob" },
		{ MIME_CTE_BASE64, "Zm-9!v", "foo" },
		{ MIME_CTE_BASE64, "Zg==Zm9v", "ffoo" },
		{ MIME_CTE_BASE64, "Zm8", "fo" },
		{ MIME_CTE_BASE64, "Z", "" },
		{ MIME_CTE_BASE64, "====", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_fini) struct buf got = BUF_INIT(1000);
		AUTO(mem_auto_free) char *copy = test_copy(str_z(rows[i].in));

		test_row(rows[i].in);
		mime_cte_decode(rows[i].cte, str_of(copy, strlen(rows[i].in)), &got);
		assert_str_eq(buf_str(&got), str_z(rows[i].want));
	}
}

TEST(cte_strict)
{
	static const struct {
		enum mime_cte cte;
		const char *in, *want; /* NULL: refused */
	} rows[] = {
		{ MIME_CTE_7BIT, "x", "x" },
		{ MIME_CTE_QP, "=41", "A" },
		{ MIME_CTE_UNKNOWN, "x", NULL },
		{ MIME_CTE_BASE64, "", "" },
		{ MIME_CTE_BASE64, "Zm9v\r\nYmE=\r\n", "fooba" },
		{ MIME_CTE_BASE64, "Zm9vYg=\r\n=", "foob" },
		{ MIME_CTE_BASE64, "Zg", NULL },
		{ MIME_CTE_BASE64, "Zg=", NULL },
		{ MIME_CTE_BASE64, "Zm8==", NULL },
		{ MIME_CTE_BASE64, "Z===", NULL },
		{ MIME_CTE_BASE64, "=", NULL },
		{ MIME_CTE_BASE64, "Zg==Zg==", NULL },
		{ MIME_CTE_BASE64, "Zm9v-", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_fini) struct buf got = BUF_INIT(1000);
		int err;

		test_row(rows[i].in);
		err = mime_cte_decode_strict(rows[i].cte, str_z(rows[i].in), &got);
		assert_int_equal(err, rows[i].want == NULL ? -E_UNKNOWN_CTE : 0);
		if (rows[i].want != NULL)
			assert_str_eq(buf_str(&got), str_z(rows[i].want));
	}
}
