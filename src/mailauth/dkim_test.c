/* SPDX-License-Identifier: MIT */
/*
 * Signatures: canonical forms by the examples of RFC 6376 3.4.5 and RFC 8463 A, keys, and the field. That other programs believe them is
 * tests/clients/tlsrpt.py's to show.
 */
#include "mailauth/dkim.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/test.h"
#include "base/text.h"

TEST(relaxed_fields)
{
	static const struct {
		const char *field_z, *want_z;
	} rows[] = {
		{ "A: X\r\n", "a:X" },
		{ "B : Y\t\r\n\tZ  \r\n", "b:Y Z" },
		{ "Subject:  many   words \t here", "subject:many words here" },
		{ "X:\r\n", "x:" },
		{ "X:\r\n \r\n", "x:" },
		{ "X: a:b\r\n", "x:a:b" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_fini) struct buf out = BUF_INIT(1024);

		test_row(rows[i].field_z);
		dkim_relaxed_field(str_z(rows[i].field_z), &out);
		assert_str_eq(buf_str(&out), str_z(rows[i].want_z));
	}
}

TEST(relaxed_bodies)
{
	static const struct {
		const char *body_z, *want_z;
	} rows[] = {
		{ " C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n" },
		{ "", "" },
		{ "\r\n", "" },
		{ "\r\n\r\n \t\r\n", "" },
		{ "\r\na\r\n\r\nb", "\r\na\r\n\r\nb\r\n" },
		{ "a \r\n", "a\r\n" },
		{ "\t\ta\r\n", " a\r\n" },
		{ "a\rb\n  c\r\n", "a\rb\n c\r\n" }, /* ends of lines are CRLF */
		{ "\n\r\n\na\n", "\n\r\n\na\n\r\n" },
		{ "a\r\r\nb\r", "a\r\r\nb\r\r\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_fini) struct buf out = BUF_INIT(1024);

		test_row(rows[i].body_z);
		dkim_relaxed_body(str_z(rows[i].body_z), &out);
		assert_str_eq(buf_str(&out), str_z(rows[i].want_z));
	}
}

/* RFC 8463 A.2, as PEM; it is everybody's. */
static const char ed25519_pem[] = "-----BEGIN PRIVATE KEY-----\n"
				  "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
				  "-----END PRIVATE KEY-----\n";

/* RFC 8463 A.3 */
static const char message[] = "From: Joe SixPack <joe@football.example.com>\r\n"
			      "To: Suzie Q <suzie@shopping.example.net>\r\n"
			      "Subject: Is dinner ready?\r\n"
			      "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
			      "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
			      "\r\n"
			      "Hi.\r\n"
			      "\r\n"
			      "We lost the game.  Are you hungry yet?\r\n"
			      "\r\n"
			      "Joe.\r\n";

static void sign(const char *pem_z, struct str text, struct buf *out)
{
	struct dkim_key *key = NULL;
	struct fault fault = { "" };

	if (dkim_key_parse(str_z(pem_z), &key, &fault) < 0)
		fail_msg("%s", fault.text);
	assert_int_equal(dkim_sign(&(struct dkim_signer){ key, S("football.example.com"), S("brisbane"), 1528637909 }, text, out), 0);
	dkim_key_unref(key);
}

/* Without what folds it. */
static void unfold(struct str s, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '\r' && s.p[i] != '\n' && s.p[i] != '\t')
			buf_add_char(out, s.p[i]);
}

TEST(a_signature_has_what_it_must_have)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(65536);
	AUTO(buf_fini) struct buf flat = BUF_INIT(65536);
	struct str rest, line;

	sign(ed25519_pem, str_z(message), &out);
	unfold(buf_str(&out), &flat);
	/* The hash of the body is that of RFC 8463 A.3; no l= (RFC 8460 3). */
	assert_true(str_starts(buf_str(&flat), S("DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;d=football.example.com;s=brisbane; "
						 "t=1528637909;h=Message-ID:Date:Subject:To:From:From:To:Subject:Date:Content-Type;"
						 "bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;b=")));
	assert_true(str_ends(buf_str(&out), S("==\r\n")));
	for (rest = buf_str(&out); str_split(&rest, '\n', &line);)
		assert_true(line.n < 80);
}

/* What is signed, by hand: RFC 6376 3.7, RFC 8463 3. */
TEST(a_signature_verifies)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(65536);
	AUTO(buf_fini) struct buf hashed = BUF_INIT(65536);
	AUTO(buf_fini) struct buf flat = BUF_INIT(65536);
	AUTO(buf_fini) struct buf signature = BUF_INIT(1024);
	BIO *bio = BIO_new_mem_buf(ed25519_pem, -1);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t digest[32];
	unsigned n = sizeof(digest);
	ptrdiff_t at;

	sign(ed25519_pem, str_z(message), &out);
	buf_add(&hashed, S("message-id:<20030712040037.46341.5F8J@football.example.com>\r\n"
			   "date:Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
			   "subject:Is dinner ready?\r\n"
			   "to:Suzie Q <suzie@shopping.example.net>\r\n"
			   "from:Joe SixPack <joe@football.example.com>\r\n"));
	at = str_find(buf_str(&out), S("b=\r\n"));
	if (at < 0)
		at = str_find(buf_str(&out), S("\tb=")) + 1;
	dkim_relaxed_field(str_head(buf_str(&out), (size_t)at + 2), &hashed);
	unfold(str_skip(buf_str(&out), (size_t)at + 2), &flat);
	assert_true(text_b64_decode(&signature, buf_str(&flat)));
	assert_int_equal(EVP_Digest(hashed.p, hashed.n, digest, &n, EVP_sha256(), NULL), 1);
	assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key), 1);
	assert_int_equal(EVP_DigestVerify(ctx, (const unsigned char *)signature.p, signature.n, digest, n), 1);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	BIO_free(bio);
}

/* Fields that servers add do not count, others with the same name do, from the last up; folded ones are whole. */
TEST(which_fields_are_signed)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(65536);
	AUTO(buf_fini) struct buf flat = BUF_INIT(65536);

	sign(ed25519_pem,
	     S("Return-Path: <>\r\nReceived: from a\r\n\tby b\r\nFrom: a@b\r\nX: 1\r\nX: 2\r\n 3\r\nDKIM-Signature: v=1\r\nTo : c@d\r\n\r\n"),
	     &out);
	unfold(buf_str(&out), &flat);
	assert_true(str_find(buf_str(&flat), S(";h=To:X:X:From:From:To:Subject:Date:Content-Type;")) > 0);
}

TEST(what_is_no_key)
{
	static const char ec_pem[] = "-----BEGIN EC PRIVATE KEY-----\n"
				     "MHcCAQEEIIrYSSNQFaA2Hwf1duRSxKtLYX5CB04fSeQ6tF1aY/PuoAoGCCqGSM49\n"
				     "AwEHoUQDQgAEPR3tU2Fta9ktY+6P9G0cWO+0kETA6SFs38GecTyudlHz6xvCdz8q\n"
				     "EKTcWGekdmdDPsHloRNtsiCa697B2O9IFA==\n"
				     "-----END EC PRIVATE KEY-----\n";
	static const char *const rows[] = { "", "nonsense", ec_pem,
					    "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct dkim_key *key = NULL;
		struct fault fault = { "" };

		test_row(rows[i]);
		assert_int_equal(dkim_key_parse(str_z(rows[i]), &key, &fault), -E_USAGE);
		assert_null(key);
		assert_true(fault.text[0] != '\0');
	}
}

TEST(a_key_that_was_made_has_a_public_half)
{
	for (int is_ed25519 = 0; is_ed25519 < 2; is_ed25519++) {
		AUTO(buf_fini) struct buf pem = BUF_INIT(16384), text = BUF_INIT(4096), bytes = BUF_INIT(4096);
		struct dkim_key *key = NULL;

		assert_int_equal(dkim_key_make(is_ed25519, &pem), 0);
		assert_int_equal(dkim_key_parse(buf_str(&pem), &key, NULL), 0);
		assert_int_equal(dkim_key_is_ed25519(key), is_ed25519);
		assert_int_equal(dkim_key_public(key, &text), 0);
		assert_true(text_b64_decode(&bytes, buf_str(&text)));
		assert_int_equal(bytes.n, is_ed25519 ? 32 : 294);
		dkim_key_unref(key);
	}
}

/* RFC 8463 A.2 */
TEST(the_public_half_is_that_of_the_rfc)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(4096);
	struct dkim_key *key = NULL;

	assert_int_equal(dkim_key_parse(str_z(ed25519_pem), &key, NULL), 0);
	assert_int_equal(dkim_key_public(key, &text), 0);
	assert_str_eq(buf_str(&text), S("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="));
	dkim_key_unref(key);
}

/* The body hash of a signature, in base64. */
static struct str body_hash(struct str field)
{
	struct str rest = str_skip(field, (size_t)str_find(field, S("bh=")) + 3);

	return str_head(rest, (size_t)str_chr(rest, ';'));
}

/* The body is hashed in pieces: empty lines and lines of any length do not matter. */
TEST(bodies_are_hashed_in_pieces)
{
	static const struct {
		const char *name_z;
		size_t empty, wide, lines;
	} rows[] = { { "empty lines", 100000, 10, 2 }, { "a wide line", 1, 300000, 1 }, { "many lines", 0, 70, 5000 }, { "little", 0, 1, 1 } };
	struct dkim_key *key = NULL;

	assert_int_equal(dkim_key_parse(str_z(ed25519_pem), &key, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_fini) struct buf whole = BUF_INIT(1u << 20), canonical = BUF_INIT(1u << 20), out = BUF_INIT(8192), want = BUF_INIT(64);
		unsigned char digest[32];
		struct str body;

		test_row(rows[i].name_z);
		buf_add(&whole, S("From: a@example.org\r\n\r\n"));
		for (size_t k = 0; k < rows[i].lines; k++) {
			for (size_t n = 0; n < rows[i].empty; n++)
				buf_add(&whole, S("\r\n"));
			for (size_t n = 0; n < rows[i].wide; n++)
				buf_add(&whole, S("x  "));
			buf_add(&whole, S("\r\n"));
		}
		body = str_skip(buf_str(&whole), sizeof("From: a@example.org\r\n\r\n") - 1);
		dkim_relaxed_body(body, &canonical);
		assert_int_equal(EVP_Digest(canonical.p, canonical.n, digest, NULL, EVP_sha256(), NULL), 1);
		text_b64_encode(&want, str_of(digest, 32));
		assert_int_equal(dkim_sign(&(struct dkim_signer){ key, S("example.org"), S("s"), 1 }, buf_str(&whole), &out), 0);
		assert_str_eq(body_hash(buf_str(&out)), buf_str(&want));
	}
	dkim_key_unref(key);
}

/* A piece is at most 16 KB: lines that end about there. */
TEST(pieces_fit)
{
	struct dkim_key *key = NULL;

	assert_int_equal(dkim_key_parse(str_z(ed25519_pem), &key, NULL), 0);
	for (size_t n = 16380; n < 16390; n++) {
		AUTO(buf_fini) struct buf whole = BUF_INIT(1u << 20), out = BUF_INIT(8192);

		buf_add(&whole, S("From: a@example.org\r\n\r\n"));
		for (size_t i = 0; i < n; i++)
			buf_add_char(&whole, 'x');
		buf_add(&whole, S("\r\n "));
		for (size_t i = 0; i < 16384; i++)
			buf_add_char(&whole, 'y');
		assert_int_equal(dkim_sign(&(struct dkim_signer){ key, S("example.org"), S("s"), 1 }, buf_str(&whole), &out), 0);
	}
	dkim_key_unref(key);
}
