/* SPDX-License-Identifier: MIT */
/* Which keys sign for which domain. That what they sign is good is tests/clients/signing.py's to show. */
#include "queue/dkim.h"

#include "base/test.h"
#include "mailauth/dkim.h"

static struct dkim_key *new_key(bool is_ed25519)
{
	AUTO(buf_fini) struct buf pem = BUF_INIT(16384);
	struct dkim_key *key = NULL;

	assert_int_equal(dkim_key_make(is_ed25519, &pem), 0);
	assert_int_equal(dkim_key_parse(buf_str(&pem), &key, NULL), 0);
	return key;
}

static size_t count(struct str text, struct str what)
{
	size_t n = 0;

	for (ptrdiff_t at; (at = str_find(text, what)) >= 0; n++)
		text = str_skip(text, (size_t)at + what.n);
	return n;
}

TEST(the_nearest_domain_with_keys_signs)
{
	static const struct {
		const char *domain_z, *signer_z;
		size_t n;
	} rows[] = {
		{ "example.org", "d=example.org;", 2 },
		{ "EXAMPLE.org", "d=example.org;", 2 },
		{ "mail.example.org", "d=example.org;", 2 },
		{ "sub.example.org", "d=sub.example.org;", 1 },
		{ "a.b.sub.example.org", "d=sub.example.org;", 1 },
		{ "ample.org", "", 0 },
		{ "notexample.org", "", 0 },
		{ "org", "", 0 },
		{ "", "", 0 },
		{ ".", "", 0 },
	};
	struct queue_dkim *d = queue_dkim_new();

	assert_int_equal(queue_dkim_add(d, S("example.org"), QUEUE_DKIM_ED25519, "e", new_key(true), NULL), 0);
	assert_int_equal(queue_dkim_add(d, S("sub.example.org"), QUEUE_DKIM_ED25519, "s", new_key(true), NULL), 0);
	assert_int_equal(queue_dkim_add(d, S("example.org"), QUEUE_DKIM_RSA, "r", new_key(false), NULL), 0);
	assert_int_equal(queue_dkim_add(d, S("example.org"), QUEUE_DKIM_RSA, "r", new_key(true), NULL), -E_USAGE);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_fini) struct buf out = BUF_INIT(16384);

		test_row(rows[i].domain_z);
		buf_add(&out, S("before"));
		assert_int_equal(queue_dkim_has(d, str_z(rows[i].domain_z)), rows[i].n > 0);
		assert_int_equal(queue_dkim_sign(d, str_z(rows[i].domain_z), S("From: a@b\r\n\r\nx\r\n"), 1, &out), 0);
		assert_int_equal(count(buf_str(&out), S("DKIM-Signature: ")), rows[i].n);
		assert_true(rows[i].n == 0 || count(buf_str(&out), str_z(rows[i].signer_z)) == rows[i].n);
	}
	assert_false(queue_dkim_has(NULL, S("example.org")));
	queue_dkim_unref(d);
}

TEST(a_signature_without_room_leaves_nothing)
{
	struct queue_dkim *d = queue_dkim_new();

	assert_int_equal(queue_dkim_add(d, S("example.org"), QUEUE_DKIM_ED25519, "e", new_key(true), NULL), 0);
	assert_int_equal(queue_dkim_add(d, S("example.org"), QUEUE_DKIM_RSA, "r", new_key(false), NULL), 0);
	for (size_t max = 16; max < 900; max += 100) {
		AUTO(buf_fini) struct buf out = BUF_INIT(max);

		buf_add(&out, S("before"));
		assert_int_equal(queue_dkim_sign(d, S("example.org"), S("From: a@b\r\n\r\nx\r\n"), 1, &out), -E_LIMIT);
		assert_str_eq(buf_str(&out), S("before"));
	}
	queue_dkim_unref(d);
}
