/* SPDX-License-Identifier: MIT */
/* SCRAM: the client is GNU SASL's own, so that both sides of the protocol are exercised. */
#include "sasl/exchange_test.h"

static int client_callback(Gsasl *gsasl, Gsasl_session *session, Gsasl_property property)
{
	(void)gsasl, (void)session, (void)property;
	return GSASL_NO_CALLBACK;
}

struct scram_row {
	const char *name;
	const char *mechanism;
	const char *user;
	const char *password;
	const char *authzid;
	const char
		*binding; /* base64 of what the client binds to, as tls-exporter (RFC 9266 2) */
	int want;
};
#define BIND_42 "QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI="
#define BIND_43 "Q0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0M="
static const struct scram_row scram_rows[] = {
	{ "sha-1", "SCRAM-SHA-1", "alice@example.test", SASL_TEST_PASSWORD, NULL, NULL, 0 },
	{ "sha-256", "SCRAM-SHA-256", "alice@example.test", SASL_TEST_PASSWORD, NULL, NULL, 0 },
	{ "sha-1-plus", "SCRAM-SHA-1-PLUS", "alice@example.test", SASL_TEST_PASSWORD, NULL, BIND_42,
	  0 },
	{ "sha-256-plus", "SCRAM-SHA-256-PLUS", "alice@example.test", SASL_TEST_PASSWORD, NULL,
	  BIND_42, 0 },
	{ "plus, other channel", "SCRAM-SHA-256-PLUS", "alice@example.test", SASL_TEST_PASSWORD,
	  NULL, BIND_43, -E_AUTH_FAILED },
	{ "own authzid", "SCRAM-SHA-256", "alice@example.test", SASL_TEST_PASSWORD,
	  "alice@example.test", NULL, 0 },
	{ "other authzid", "SCRAM-SHA-256", "alice@example.test", SASL_TEST_PASSWORD,
	  "bob@example.test", NULL, -E_AUTH_FAILED },
	{ "wrong password", "SCRAM-SHA-256", "alice@example.test", "wrong", NULL, NULL,
	  -E_AUTH_FAILED },
	{ "unknown user", "SCRAM-SHA-256", "carol@example.test", SASL_TEST_PASSWORD, NULL, NULL,
	  -E_AUTH_FAILED },
	{ "no keys yet", "SCRAM-SHA-1", "bob@example.test", SASL_TEST_PASSWORD, NULL, NULL,
	  -E_AUTH_FAILED },
};

/*
 * Runs client and server against each other; the server's first challenge goes to ret_first when
 * not NULL.
 */
static int run_scram(struct sasl_fixture *f, const struct scram_row *row, struct sasl_identity *id,
		     struct buf *ret_first)
{
	struct conn *c = tls_conn();
	struct sasl_exchange *x = NULL;
	AUTO(buf_fini) struct buf out = BUF_INIT(4096);
	Gsasl *gsasl = NULL;
	Gsasl_session *client = NULL;
	char *text_z = NULL;
	int rc = 1, steps = 0;

	assert_int_equal(gsasl_init(&gsasl), GSASL_OK);
	gsasl_callback_set(gsasl, client_callback);
	assert_int_equal(gsasl_client_start(gsasl, row->mechanism, &client), GSASL_OK);
	gsasl_property_set(client, GSASL_AUTHID, row->user);
	gsasl_property_set(client, GSASL_PASSWORD, row->password);
	gsasl_property_set(client, GSASL_AUTHZID, row->authzid);
	gsasl_property_set(client, GSASL_CB_TLS_EXPORTER, row->binding);
	assert_int_equal(sasl_exchange_new(f->sasl, c, "imap", str_z(row->mechanism), &x), 0);
	assert_int_equal(gsasl_step64(client, "", &text_z), GSASL_NEEDS_MORE);
	while (rc == 1 && steps++ < 5) {
		rc = sasl_exchange_step(x, str_z(text_z), &out, id);
		gsasl_free(text_z);
		text_z = NULL;
		if (steps == 1 && ret_first != NULL)
			buf_add(ret_first, buf_str(&out));
		if (rc >= 0) /* with rc 0 the client checks the server's proof */
			assert_int_equal(gsasl_step64(client, buf_z(&out), &text_z),
					 rc == 0 ? GSASL_OK : GSASL_NEEDS_MORE);
	}
	gsasl_free(text_z);
	gsasl_finish(client);
	gsasl_done(gsasl);
	sasl_exchange_free(x);
	conn_free_scripted(c);
	return rc;
}

TEST(scram)
{
	struct sasl_fixture f;

	fixture_open(&f, PLAIN_SETTINGS);
	for (size_t i = 0; i < ARRAY_LEN(scram_rows); i++) {
		struct sasl_identity id = { 0 };

		test_row(scram_rows[i].name);
		assert_int_equal(run_scram(&f, &scram_rows[i], &id, NULL), scram_rows[i].want);
		if (scram_rows[i].want == 0)
			assert_alice(&id, scram_rows[i].mechanism);
		else
			assert_int_equal(id.account, 0);
	}
	sasl_fixture_close(&f);
}

/*
 * First messages that end it. Made by hand, because GNU SASL's client is too careful to send
 * them.
 */
static const struct plain_row scram_first_rows[] = {
	/* RFC 5802 6: the client could bind and was made to believe that the server cannot. */
	{ "downgrade",
	  "SCRAM-SHA-256",
	  { STR_INIT("y,,n=alice@example.test,r=abcdefgh") },
	  1,
	  -E_AUTH_FAILED },
	{ "unknown binding",
	  "SCRAM-SHA-256-PLUS",
	  { STR_INIT("p=tls-other,,n=alice@example.test,r=abcdefgh") },
	  1,
	  -E_AUTH_FAILED },
	{ "binding that is not there",
	  "SCRAM-SHA-256-PLUS",
	  { STR_INIT("p=tls-unique,,n=alice@example.test,r=abcdefgh") },
	  1,
	  -E_AUTH_FAILED },
	{ "plus without binding",
	  "SCRAM-SHA-256-PLUS",
	  { STR_INIT("n,,n=alice@example.test,r=abcdefgh") },
	  1,
	  -E_AUTH_FAILED },
	{ "no nonce", "SCRAM-SHA-256", { STR_INIT("n,,n=alice@example.test") }, 1, -E_AUTH_FAILED },
	{ "no name", "SCRAM-SHA-256", { STR_INIT("n,,n=,r=abcdefgh") }, 1, -E_AUTH_FAILED },
	{ "extension",
	  "SCRAM-SHA-256",
	  { STR_INIT("n,,m=x,n=alice@example.test,r=abcdefgh") },
	  1,
	  -E_AUTH_FAILED },
	{ "no proof",
	  "SCRAM-SHA-256",
	  { STR_INIT("n,,n=alice@example.test,r=abcdefgh"), STR_INIT("c=biws,r=abcdefgh") },
	  2,
	  -E_AUTH_FAILED },
};

TEST(scram_first_messages)
{
	struct sasl_fixture f;

	fixture_open(&f, PLAIN_SETTINGS);
	for (size_t i = 0; i < ARRAY_LEN(scram_first_rows); i++) {
		struct sasl_identity id = { 0 };

		test_row(scram_first_rows[i].name);
		run_plain(&f, &scram_first_rows[i], &id);
		assert_int_equal(id.account, 0);
	}
	sasl_fixture_close(&f);
}

TEST(y_is_fine_where_plus_is_not_offered)
{
	const struct plain_row row = { "",
				       "SCRAM-SHA-256",
				       { STR_INIT("y,,n=alice@example.test,r=abcdefgh"),
					 STR_INIT("*") },
				       2,
				       -E_AUTH_FAILED };
	struct sasl_identity id = { 0 };
	struct sasl_fixture f;

	fixture_open(&f, UNCOUNTED "mechanisms = SCRAM-SHA-256\n");
	run_plain(&f, &row, &id);
	sasl_fixture_close(&f);
}

/* "r=nonce,s=salt,i=4096" without the nonce, which is new each time. */
static struct str salt_of(const struct buf *first_b64, struct buf *decoded)
{
	assert_true(text_b64_decode(decoded, buf_str(first_b64)));
	return str_skip(buf_str(decoded), (size_t)str_find(buf_str(decoded), S(",s=")));
}

TEST(scram_unknown_user_looks_the_same_twice)
{
	const char *const names[] = { "carol@example.test", "CAROL@example.test",
				      "dave@example.test", "alice@example.test" };
	struct buf text[4];
	struct str salts[4];
	struct sasl_fixture f;

	fixture_open(&f, PLAIN_SETTINGS);
	for (size_t i = 0; i < 4; i++) {
		const struct scram_row row = { "", "SCRAM-SHA-256", names[i], "x", NULL, NULL, 0 };
		AUTO(buf_fini) struct buf first = BUF_INIT(1024);
		struct sasl_identity id;

		buf_init(&text[i], 1024);
		assert_int_equal(run_scram(&f, &row, &id, &first), -E_AUTH_FAILED);
		salts[i] = salt_of(&first, &text[i]);
		sasl_close(&f.sasl); /* nor does a restart */
		assert_int_equal(sasl_open(f.store, f.conf, &f.sasl, NULL), 0);
	}
	assert_str_eq(salts[0], salts[1]);
	assert_false(str_eq(salts[0], salts[2]));
	/* Nothing in the shape tells them from a real one. */
	assert_int_equal(salts[0].n, salts[3].n);
	assert_true(str_ends(salts[0], S(",i=10000")) && str_ends(salts[3], S(",i=10000")));
	for (size_t i = 0; i < 4; i++)
		buf_fini(&text[i]);
	sasl_fixture_close(&f);
}

TEST(plain_login_adds_scram_keys)
{
	const struct plain_row plain = {
		"", "PLAIN", { STR_INIT("\0bob@example.test\0correct horse") }, 1, 0
	};
	const struct scram_row scram = {
		"", "SCRAM-SHA-1-PLUS", "bob@example.test", SASL_TEST_PASSWORD, NULL, BIND_42, 0
	};
	AUTO(arena_fini) struct arena a = { .cap = 65536 };
	struct sasl_fixture f;
	struct sasl_identity id;
	struct str before, after;

	fixture_open(&f, PLAIN_SETTINGS);
	assert_int_equal(store_credential_get(f.store, &a, f.bob, S("crypt"), &before), 0);
	assert_int_equal(run_plain(&f, &plain, &id), 0);
	assert_int_equal(run_scram(&f, &scram, &id, NULL), 0);
	assert_int_equal(id.account, f.bob);
	assert_int_equal(store_credential_get(f.store, &a, f.bob, S("crypt"), &after), 0);
	assert_str_eq(after, before);
	sasl_fixture_close(&f);
}

TEST(damaged_scram_values)
{
	static const char *const values[] = {
		"",
		"4096",
		"4096,",
		"0,YQ==,,",
		"x,YQ==,YQ==,YQ==",
		"4096,YQ==,YQ==,YQ==",
		"99999999999,YQ==,YQ==,YQ==",
	};
	struct sasl_scram scram;

	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		test_row(values[i]);
		assert_false(sasl_scram_parse(sasl_scram_kind_find(S("scram-sha-1")),
					      str_z(values[i]), &scram));
	}
}
