/* SPDX-License-Identifier: MIT */
/* Messages for a peer that takes 7-bit only: what is encoded how, what is left alone, what is refused. */
#include "base/rnd.h"
#include "base/test.h"
#include "mime/mime_int.h"

#define U "\xc3\xbc" /* a character of two bytes */
#define MIME "MIME-Version: 1.0\r\n"
#define MIXED MIME "Content-Type: multipart/mixed; boundary=b\r\n"
#define TEXT "Content-Type: text/plain; charset=utf-8\r\n"
#define CTE "Content-Transfer-Encoding: "

/* RFC 6152 3, RFC 2045 6.4 */
TEST(convert_messages)
{
	static const struct {
		const char *name;
		struct str in, want;
	} rows[] = {
		{ "nothing to do", STR_INIT("A: b\r\n" CTE "8bit\r\n\r\nx\r\n"), STR_INIT("A: b\r\n" CTE "8bit\r\n\r\nx\r\n") },
		{ "empty", STR_INIT(""), STR_INIT("") },
		{ "text", STR_INIT(MIME TEXT CTE "8bit\r\nA: b\r\n\r\ngr" U "n is all my color\r\n"),
		  STR_INIT(MIME TEXT "A: b\r\n" CTE "quoted-printable\r\n\r\ngr=C3=BCn is all my color\r\n") },
		{ "no MIME", STR_INIT("A: b\r\n\r\ngr" U "n is all\r\n"),
		  STR_INIT("A: b\r\n" MIME TEXT CTE "quoted-printable\r\n\r\ngr=C3=BCn is all\r\n") },
		{ "no MIME and no UTF-8", STR_INIT("A: b\r\n\r\ngr\xfcn is all\r\n"),
		  STR_INIT("A: b\r\n" MIME "Content-Type: text/plain; charset=unknown-8bit\r\n" CTE "quoted-printable\r\n\r\ngr=FCn is all\r\n") },
		{ "mostly not ASCII", STR_INIT(MIME TEXT "\r\n" U U U "\r\n"), STR_INIT(MIME TEXT CTE "base64\r\n\r\nw7zDvMO8DQo=\r\n") },
		{ "other types", STR_INIT(MIME "Content-Type: image/png\r\n" CTE "binary\r\n\r\nabcdefghijk\0\r"),
		  STR_INIT(MIME "Content-Type: image/png\r\n" CTE "base64\r\n\r\nYWJjZGVmZ2hpamsADQ==\r\n") },
		{ "lines that are no lines", STR_INIT(MIME TEXT CTE "binary\r\n\r\na\nb\rc\r\n"),
		  STR_INIT(MIME TEXT CTE "quoted-printable\r\n\r\na=0Ab=0Dc\r\n") },
		{ "8-bit in quoted-printable", STR_INIT(MIME TEXT CTE "quoted-printable\r\n\r\n" U "=3D all the same\r\n"),
		  STR_INIT(MIME TEXT CTE "quoted-printable\r\n\r\n=C3=BC=3D all the same\r\n") },
		{ "two encodings", STR_INIT(MIME TEXT CTE "8bit\r\n" CTE "7bit\r\n\r\nsome gr" U "n\r\n"),
		  STR_INIT(MIME TEXT CTE "quoted-printable\r\n\r\nsome gr=C3=BCn\r\n") },
		{ "parts", STR_INIT(MIXED CTE "8bit\r\n\r\npre\r\n--b\r\n" TEXT "\r\nsome gr" U "n\r\n--b\r\nX: y\r\n\r\nplain\r\n--b--\r\npost"),
		  STR_INIT(MIXED CTE "7bit\r\n\r\npre\r\n--b\r\n" TEXT CTE "quoted-printable\r\n\r\nsome gr=C3=BCn\r\n--b\r\nX: y\r\n\r\nplain\r\n--b--\r\npost") },
		{ "message in message",
		  STR_INIT(MIXED "\r\n--b\r\nContent-Type: message/rfc822\r\n" CTE "8bit\r\n\r\nDKIM-Signature: x\r\n\r\nsome gr" U "n\r\n--b--\r\n"),
		  STR_INIT(MIXED "\r\n--b\r\nContent-Type: message/rfc822\r\n" CTE "7bit\r\n\r\nDKIM-Signature: x\r\n" MIME TEXT CTE
				 "quoted-printable\r\n\r\nsome gr=C3=BCn\r\n--b--\r\n") },
		{ "message/global", STR_INIT(MIME "Content-Type: message/global\r\n" CTE "8bit\r\n\r\nSubject: gr" U "n\r\n\r\nx\r\n"),
		  STR_INIT(MIME "Content-Type: message/global\r\n" CTE "base64\r\n\r\nU3ViamVjdDogZ3LDvG4NCg0KeA0K\r\n") },
		{ "message/global-headers", STR_INIT(MIME "Content-Type: message/global-headers\r\n" CTE "8bit\r\n\r\nSubject: gr" U "n\r\n"),
		  STR_INIT(MIME "Content-Type: message/global-headers\r\n" CTE "quoted-printable\r\n\r\nSubject: gr=C3=BCn\r\n") },
		{ "message/global that is all header", STR_INIT(MIXED "\r\n--b\r\nContent-Type: message/global\r\n\r\nSubject: gr" U "n\r\n--b--\r\n"),
		  STR_INIT(MIXED "\r\n--b\r\nContent-Type: message/global\r\n" CTE "base64\r\n\r\nU3ViamVjdDogZ3LDvG4NCg==\r\n--b--\r\n") },
		{ "signed part in 7-bit", STR_INIT(MIXED "\r\n--b\r\nContent-Type: multipart/signed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--c--\r\n--b\r\n\r\n"
						  "some gr" U "n\r\n--b--\r\n"),
		  STR_INIT(MIXED "\r\n--b\r\nContent-Type: multipart/signed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--c--\r\n--b\r\n"
				 TEXT CTE "quoted-printable\r\n\r\nsome gr=C3=BCn\r\n--b--\r\n") },
		{ "a multipart that is all header",
		  STR_INIT(MIXED "\r\n--b\r\nContent-Type: multipart/mixed; boundary=b\r\n" CTE "8bit\r\n--b\r\n" TEXT "\r\nsome gr" U "n\r\n--b--\r\n"),
		  STR_INIT(MIXED "\r\n--b\r\nContent-Type: multipart/mixed; boundary=b\r\n" CTE "8bit\r\n--b\r\n" TEXT CTE
				 "quoted-printable\r\n\r\nsome gr=C3=BCn\r\n--b--\r\n") },
		/* A soft line break must not make a boundary. */
		{ "hyphens", STR_INIT(MIXED "\r\n--b\r\n" TEXT "\r\n0123456789012345678901234567890123456789012345678901234567890123456789" U "--b\r\n--b--\r\n"),
		  STR_INIT(MIXED "\r\n--b\r\n" TEXT CTE "quoted-printable\r\n\r\n"
				 "0123456789012345678901234567890123456789012345678901234567890123456789=C3=\r\n=BC--b\r\n--b--\r\n") },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_fini) struct buf out = BUF_INIT(10000), small = BUF_INIT(rows[i].want.n ? rows[i].want.n : 1);
		AUTO(mem_auto_free) char *copy = test_copy(rows[i].in);

		test_row(rows[i].name);
		assert_int_equal(mime_convert_7bit(str_of(copy, rows[i].in.n), &out), 0);
		assert_str_eq(buf_str(&out), rows[i].want);
		/* Exactly so much room is enough, and less is said. */
		assert_int_equal(mime_convert_7bit(rows[i].in, &small), 0);
		if (rows[i].want.n > 1) {
			AUTO(buf_fini) struct buf smaller = BUF_INIT(rows[i].want.n - 1);

			assert_int_equal(mime_convert_7bit(rows[i].in, &smaller), -E_LIMIT);
		}
	}
}

TEST(convert_refuses)
{
	static const struct {
		const char *name;
		struct str in;
	} rows[] = {
		{ "8-bit header", STR_INIT("Subject: " U "\r\n\r\nx\r\n") },
		{ "8-bit header of a part", STR_INIT(MIXED "\r\n--b\r\nX: " U "\r\n\r\nx\r\n--b--\r\n") },
		{ "bare LF in the header", STR_INIT("A: b\nB: c\r\n\r\n" U "\r\n") },
		{ "DKIM", STR_INIT("dkim-signature: v=1\r\n\r\n" U "\r\n") },
		{ "ARC", STR_INIT("ARC-Message-Signature: i=1\r\n\r\n" U "\r\n") },
		{ "multipart/signed", STR_INIT(MIME "Content-Type: Multipart/Signed; boundary=b\r\n\r\n--b\r\n\r\n" U "\r\n--b--\r\n") },
		{ "multipart/encrypted", STR_INIT(MIME "Content-Type: multipart/encrypted; boundary=b\r\n\r\n--b\r\n\r\n" U "\r\n--b--\r\n") },
		{ "signed inside", STR_INIT(MIXED "\r\n--b\r\nContent-Type: multipart/signed; boundary=c\r\n\r\n--c\r\n\r\n" U "\r\n--c--\r\n--b--\r\n") },
		{ "preamble", STR_INIT(MIXED "\r\n" U "\r\n--b\r\n\r\nx\r\n--b--\r\n") },
		{ "epilogue", STR_INIT(MIXED "\r\n--b\r\n\r\nx\r\n--b--\r\n" U) },
		{ "unknown encoding", STR_INIT(CTE "x-uuencode\r\n\r\n" U "\r\n") },
		{ "encoded multipart", STR_INIT(MIXED CTE "base64\r\n\r\n--b\r\n\r\n" U "\r\n--b--\r\n") },
		{ "multipart without boundary", STR_INIT("Content-Type: multipart/mixed\r\n\r\n" U "\r\n") },
		{ "message/delivery-status", STR_INIT("Content-Type: message/delivery-status\r\n\r\n" U "\r\n") },
		{ "message/partial", STR_INIT("Content-Type: message/partial\r\n\r\n" U "\r\n") },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_fini) struct buf out = BUF_INIT(10000);

		test_row(rows[i].name);
		assert_int_equal(mime_convert_7bit(rows[i].in, &out), -E_CANNOT);
	}
}

/* Long lines, many levels, and everything that is not ASCII, in one that is as large as it can be. */
TEST(convert_is_bounded)
{
	AUTO(buf_fini) struct buf in = BUF_INIT(8u << 20), out = BUF_INIT(32u << 20);

	for (int i = 0; i < 1000; i++)
		buf_printf(&in, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i);
	while (in.n < 4u << 20)
		buf_add(&in, S("\xff\xfe"));
	assert_int_equal(mime_convert_7bit(buf_str(&in), &out), -E_CANNOT);
	buf_reset(&in);
	buf_add(&in, S("Content-Type: text/plain\r\n\r\n"));
	while (in.n < 4u << 20)
		buf_add(&in, S("\xff\xfe"));
	assert_int_equal(mime_convert_7bit(buf_str(&in), &out), 0);
	assert_in_range(out.n, in.n, in.n * 3 / 2);
}
