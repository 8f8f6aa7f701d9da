/* SPDX-License-Identifier: MIT */
/* long: all mechanisms are tried with the client and the store of this file */
/*
 * Logins of every kind against a real store. The SCRAM client is GNU SASL's own, so that both
 * sides of the protocol are exercised; conn_new_scripted() pretends TLS and gives channel binding
 * bytes.
 */
#include "sasl/sasl_test.h"

#include <argon2.h>
#include <pthread.h>
#include <unistd.h>
#include <stdatomic.h>

#include "base/test.h"
#include "base/text.h"

#define UNCOUNTED "[auth]\nfailure_delay = 0ms\nthrottle_exempt = 192.0.2.0/24\n"
#define PLAIN_SETTINGS UNCOUNTED
#define LOOPBACK_SETTINGS UNCOUNTED "plaintext_on_loopback = yes\n"

static void fixture_open(struct sasl_fixture *f, const char *settings_z)
{
	sasl_fixture_open(f, test_dir(), settings_z);
}

static struct conn *tls_conn(void)
{
	return conn_new_scripted(S(""), 0, true, "192.0.2.7");
}

static void assert_alice(const struct sasl_identity *id, const char *mechanism_z)
{
	assert_string_equal(id->name, "alice@example.test");
	assert_string_equal(id->mechanism, mechanism_z);
}

/* ---- where logins are permitted, what is offered ---- */

struct offer_row {
	const char *name;
	const char *settings;
	bool is_tls;
	const char *peer;
	const char *want;
};
static const struct offer_row offer_rows[] = {
	{ "tls", PLAIN_SETTINGS, true, "192.0.2.7",
	  "AUTH=SCRAM-SHA-256-PLUS AUTH=SCRAM-SHA-1-PLUS AUTH=SCRAM-SHA-256 AUTH=SCRAM-SHA-1 AUTH=PLAIN AUTH=LOGIN" },
	{ "no tls", PLAIN_SETTINGS, false, "192.0.2.7", "" },
	{ "loopback, not configured", PLAIN_SETTINGS, false, "127.0.0.1", "" },
	{ "loopback", LOOPBACK_SETTINGS, false, "127.0.0.1",
	  "AUTH=SCRAM-SHA-256 AUTH=SCRAM-SHA-1 AUTH=PLAIN AUTH=LOGIN" },
	{ "not loopback", LOOPBACK_SETTINGS, false, "192.0.2.7", "" },
	{ "unix", PLAIN_SETTINGS, false, "unix",
	  "AUTH=SCRAM-SHA-256 AUTH=SCRAM-SHA-1 AUTH=PLAIN AUTH=LOGIN" },
	{ "chosen order", "[auth]\nmechanisms = plain SCRAM-SHA-256 EXTERNAL\n", true, "::1",
	  "AUTH=PLAIN AUTH=SCRAM-SHA-256" },
};

TEST(offered_mechanisms)
{
	for (size_t i = 0; i < ARRAY_LEN(offer_rows); i++) {
		const struct offer_row *row = &offer_rows[i];
		AUTO(buf_fini) struct buf out = BUF_INIT(1024);
		struct sasl_fixture f;
		struct conn *c = conn_new_scripted(S(""), 0, row->is_tls, row->peer);

		test_row(row->name);
		fixture_open(&f, row->settings);
		sasl_mechanisms(f.sasl, c, "AUTH=", " ", &out);
		assert_str_eq(buf_str(&out), str_z(row->want));
		assert_int_equal(sasl_is_permitted(f.sasl, c), row->want[0] != '\0');
		conn_free_scripted(c);
		sasl_fixture_close(&f);
	}
}

TEST(unknown_mechanism_in_settings)
{
	static const struct conf_table *const tables[] = { &sasl_conf_table };
	struct conf *conf = NULL;
	struct fault fault;

	assert_int_equal(conf_parse(tables, 1, "t", S("[auth]\nmechanisms = PLAIN NTLM\n"), &conf,
				    &fault),
			 -E_USAGE);
	assert_non_null(strstr(fault.text, "NTLM"));
}

TEST(exchange_is_refused)
{
	struct sasl_fixture f;
	struct sasl_exchange *x = NULL;
	struct conn *plain = conn_new_scripted(S(""), 0, false, "192.0.2.7"), *tls = tls_conn();

	fixture_open(&f, PLAIN_SETTINGS);
	assert_int_equal(sasl_exchange_new(f.sasl, plain, "imap", S("PLAIN"), &x), -E_TLS);
	assert_int_equal(sasl_exchange_new(f.sasl, tls, "imap", S("NTLM"), &x), -E_CANNOT);
	assert_int_equal(sasl_exchange_new(f.sasl, tls, "imap", S("EXTERNAL"), &x), -E_CANNOT);
	assert_null(x);
	conn_free_scripted(plain);
	conn_free_scripted(tls);
	sasl_fixture_close(&f);
}

/* ---- PLAIN, LOGIN and USER/PASS ---- */

struct plain_row {
	const char *name;
	const char *mechanism;
	struct str messages[3]; /* before base64; p NULL: no initial response */
	size_t n;
	int want;
};
static const struct plain_row plain_rows[] = {
	{ "plain", "PLAIN", { STR_INIT("\0alice@example.test\0correct horse") }, 1, 0 },
	{ "plain, name in capitals",
	  "plain",
	  { STR_INIT("\0ALICE@Example.Test\0correct horse") },
	  1,
	  0 },
	{ "plain, own authzid",
	  "PLAIN",
	  { STR_INIT("alice@example.test\0alice@example.test\0correct horse") },
	  1,
	  0 },
	{ "plain, other authzid",
	  "PLAIN",
	  { STR_INIT("bob@example.test\0alice@example.test\0correct horse") },
	  1,
	  -E_AUTH_FAILED },
	{ "plain, no initial response",
	  "PLAIN",
	  { { NULL, 0 }, STR_INIT("\0alice@example.test\0correct horse") },
	  2,
	  0 },
	{ "plain, wrong",
	  "PLAIN",
	  { STR_INIT("\0alice@example.test\0correct Horse") },
	  1,
	  -E_AUTH_FAILED },
	{ "plain, prefix",
	  "PLAIN",
	  { STR_INIT("\0alice@example.test\0correct hors") },
	  1,
	  -E_AUTH_FAILED },
	{ "plain, NUL in the password",
	  "PLAIN",
	  { STR_INIT("\0alice@example.test\0correct horse\0x") },
	  1,
	  -E_AUTH_FAILED },
	{ "plain, empty password",
	  "PLAIN",
	  { STR_INIT("\0alice@example.test\0") },
	  1,
	  -E_AUTH_FAILED },
	{ "plain, unknown user",
	  "PLAIN",
	  { STR_INIT("\0carol@example.test\0correct horse") },
	  1,
	  -E_AUTH_FAILED },
	{ "plain, no domain", "PLAIN", { STR_INIT("\0alice\0correct horse") }, 1, -E_AUTH_FAILED },
	{ "plain, no NUL", "PLAIN", { STR_INIT("alice") }, 1, -E_AUTH_FAILED },
	{ "plain, one NUL", "PLAIN", { STR_INIT("\0alice") }, 1, -E_AUTH_FAILED },
	{ "plain, not UTF-8",
	  "PLAIN",
	  { STR_INIT("\0alice@example.test\0\xff\xfe") },
	  1,
	  -E_AUTH_FAILED },
	{ "plain, imported hash",
	  "PLAIN",
	  { STR_INIT("\0bob@example.test\0correct horse") },
	  1,
	  0 },
	{ "login",
	  "LOGIN",
	  { { NULL, 0 }, STR_INIT("alice@example.test"), STR_INIT("correct horse") },
	  3,
	  0 },
	{ "login, initial response",
	  "LOGIN",
	  { STR_INIT("alice@example.test"), STR_INIT("correct horse") },
	  2,
	  0 },
	{ "login, wrong",
	  "LOGIN",
	  { STR_INIT("alice@example.test"), STR_INIT("wrong") },
	  2,
	  -E_AUTH_FAILED },
	{ "login, unknown",
	  "LOGIN",
	  { STR_INIT("x@example.test"), STR_INIT("wrong") },
	  2,
	  -E_AUTH_FAILED },
	{ "login, empty password",
	  "LOGIN",
	  { STR_INIT("alice@example.test"), STR_INIT("") },
	  2,
	  -E_AUTH_FAILED },
};

static int run_plain(struct sasl_fixture *f, const struct plain_row *row, struct sasl_identity *id)
{
	struct conn *c = tls_conn();
	struct sasl_exchange *x = NULL;
	AUTO(buf_fini) struct buf out = BUF_INIT(4096);
	int rc = 0;

	assert_int_equal(sasl_exchange_new(f->sasl, c, "imap", str_z(row->mechanism), &x), 0);
	for (size_t i = 0; i < row->n; i++) {
		AUTO(buf_fini) struct buf b64 = BUF_INIT(4096);
		struct str message = row->messages[i];

		text_b64_encode(&b64, message);
		rc = sasl_exchange_step(x,
					message.p == NULL ? (struct str){ 0 }
					: message.n == 0  ? S("=")
							  : buf_str(&b64),
					&out, id);
		assert_int_equal(rc, i + 1 < row->n ? 1 : row->want);
	}
	assert_int_equal(sasl_exchange_step(x, S("="), &out, id), -E_AUTH_FAILED);
	sasl_exchange_free(x);
	conn_free_scripted(c);
	return rc;
}

TEST(plain_and_login)
{
	struct sasl_fixture f;

	fixture_open(&f, PLAIN_SETTINGS);
	for (size_t i = 0; i < ARRAY_LEN(plain_rows); i++) {
		struct sasl_identity id = { 0 };

		test_row(plain_rows[i].name);
		if (run_plain(&f, &plain_rows[i], &id) == 0)
			assert_true(id.account == f.alice || id.account == f.bob);
		else
			assert_int_equal(id.account, 0);
	}
	sasl_fixture_close(&f);
}

TEST(login_prompts)
{
	struct sasl_fixture f;
	struct conn *c = tls_conn();
	struct sasl_exchange *x = NULL;
	struct sasl_identity id;
	AUTO(buf_fini) struct buf out = BUF_INIT(4096);

	fixture_open(&f, PLAIN_SETTINGS);
	assert_int_equal(sasl_exchange_new(f.sasl, c, "smtp", S("LOGIN"), &x), 0);
	assert_int_equal(sasl_exchange_step(x, (struct str){ 0 }, &out, &id), 1);
	assert_str_eq(buf_str(&out), S("VXNlcm5hbWU6"));
	assert_int_equal(sasl_exchange_step(x, S("YWxpY2VAZXhhbXBsZS50ZXN0"), &out, &id), 1);
	assert_str_eq(buf_str(&out), S("UGFzc3dvcmQ6"));
	assert_int_equal(sasl_exchange_step(x, S("Y29ycmVjdCBob3JzZQ=="), &out, &id), 0);
	assert_alice(&id, "LOGIN");
	sasl_exchange_free(x);
	conn_free_scripted(c);
	sasl_fixture_close(&f);
}

struct bad_row {
	const char *name;
	struct str text;
};
static const struct bad_row bad_rows[] = {
	{ "cancelled", STR_INIT("*") },        { "not base64", STR_INIT("a-b_") },
	{ "no padding", STR_INIT("YQ") },      { "padding inside", STR_INIT("YQ==YQ==") },
	{ "padding first", STR_INIT("=AAA") },
};

TEST(bad_base64)
{
	struct sasl_fixture f;

	fixture_open(&f, PLAIN_SETTINGS);
	for (size_t i = 0; i < ARRAY_LEN(bad_rows); i++) {
		struct conn *c = tls_conn();
		struct sasl_exchange *x = NULL;
		struct sasl_identity id;
		AUTO(buf_fini) struct buf out = BUF_INIT(4096);

		test_row(bad_rows[i].name);
		assert_int_equal(sasl_exchange_new(f.sasl, c, "imap", S("PLAIN"), &x), 0);
		assert_int_equal(sasl_exchange_step(x, bad_rows[i].text, &out, &id), -E_SYNTAX);
		sasl_exchange_free(x);
		conn_free_scripted(c);
	}
	sasl_fixture_close(&f);
}

TEST(empty_messages_end)
{
	struct sasl_fixture f;
	struct conn *c = tls_conn();
	struct sasl_exchange *x = NULL;
	struct sasl_identity id;
	AUTO(buf_fini) struct buf out = BUF_INIT(4096);
	int rc = 1;

	fixture_open(&f, PLAIN_SETTINGS);
	assert_int_equal(sasl_exchange_new(f.sasl, c, "imap", S("PLAIN"), &x), 0);
	for (int i = 0; i < 20 && rc == 1; i++)
		rc = sasl_exchange_step(x, S("="), &out, &id);
	assert_int_equal(rc, -E_AUTH_FAILED);
	sasl_exchange_free(x);
	conn_free_scripted(c);
	sasl_fixture_close(&f);
}

TEST(user_and_password)
{
	struct sasl_fixture f;
	struct conn *tls = tls_conn(), *plain = conn_new_scripted(S(""), 0, false, "192.0.2.7");
	struct sasl_identity id;
	struct sasl_refusal why;

	fixture_open(&f, PLAIN_SETTINGS);
	assert_int_equal(sasl_login(f.sasl, tls, S("alice@example.test"),
				    S(SASL_TEST_PASSWORD), &id, &why),
			 0);
	assert_alice(&id, "plaintext");
	assert_int_equal(sasl_login(f.sasl, plain, S("alice@example.test"),
				    S(SASL_TEST_PASSWORD), &id, &why),
			 -E_TLS);
	assert_int_equal(sasl_login(f.sasl, tls, S("alice@example.test"), S("x"), &id, &why),
			 -E_AUTH_FAILED);
	assert_int_equal(sasl_login(f.sasl, tls, S(""), S(""), &id, &why), -E_AUTH_FAILED);
	assert_int_equal(sasl_login(f.sasl, tls, S("x@y"), S("\x01"), &id, &why), -E_AUTH_FAILED);
	conn_free_scripted(tls);
	conn_free_scripted(plain);
	sasl_fixture_close(&f);
}

/* ---- SCRAM ---- */

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

/* ---- EXTERNAL ---- */

struct external_row {
	const char *name;
	const char *emails[3];
	size_t n;
	bool has_cert;
	const char *authzid;
	int want;
};
static const struct external_row external_rows[] = {
	{ "one name", { "alice@example.test" }, 1, true, "", 0 },
	{ "second name is the account",
	  { "alice@elsewhere.test", "Alice@Example.test" },
	  2,
	  true,
	  "",
	  0 },
	{ "chosen",
	  { "bob@example.test", "alice@example.test" },
	  2,
	  true,
	  "alice@example.test",
	  0 },
	{ "not in the certificate",
	  { "bob@example.test" },
	  1,
	  true,
	  "alice@example.test",
	  -E_AUTH_FAILED },
	{ "no account", { "alice@elsewhere.test" }, 1, true, "", -E_AUTH_FAILED },
	{ "no certificate", { "alice@example.test" }, 1, false, "", -E_AUTH_FAILED },
	{ "no names", { NULL }, 0, true, "", -E_AUTH_FAILED },
};

TEST(external)
{
	struct sasl_fixture f;

	fixture_open(&f, PLAIN_SETTINGS);
	for (size_t i = 0; i < ARRAY_LEN(external_rows); i++) {
		const struct external_row *row = &external_rows[i];
		const struct conn_tls_info info = { .has_client_cert = row->has_cert,
						    .client_cert_emails = row->emails,
						    .n_client_cert_emails = row->n };
		struct sasl_identity id;

		test_row(row->name);
		assert_int_equal(sasl_external_check(f.sasl, &info, str_z(row->authzid), &id),
				 row->want);
		if (row->want == 0)
			assert_alice(&id, "EXTERNAL");
	}
	sasl_fixture_close(&f);
}

/* ---- the cache ---- */

static int64_t timed_login(struct sasl_fixture *f, const char *password_z, int want)
{
	struct conn *c = tls_conn();
	struct sasl_identity id;
	struct sasl_refusal why;
	int64_t start_us = sasl_test_now_us();

	assert_int_equal(sasl_login(f->sasl, c, S("alice@example.test"), str_z(password_z), &id,
				    &why),
			 want);
	conn_free_scripted(c);
	return sasl_test_now_us() - start_us;
}

/* Without a gate a slow hash would crash. */
TEST(repeated_login_costs_no_hash)
{
	struct sasl_fixture f;
	struct sasl_gate *gate;
	int64_t quick_us = INT64_MAX;

	fixture_open(&f, PLAIN_SETTINGS);
	timed_login(&f, SASL_TEST_PASSWORD, 0);
	gate = f.sasl->gate;
	f.sasl->gate = NULL;
	for (int i = 0; i < 20; i++) {
		int64_t us = timed_login(&f, SASL_TEST_PASSWORD, 0);

		quick_us = us < quick_us ? us : quick_us;
	}
	f.sasl->gate = gate;
	/* A wrong one is not let in by the cache, nor does it throw out the right one. */
	timed_login(&f, "wrong", -E_AUTH_FAILED);
	f.sasl->gate = NULL;
	timed_login(&f, SASL_TEST_PASSWORD, 0);
	f.sasl->gate = gate;
	sasl_forget(f.sasl, f.alice);
	assert_true(timed_login(&f, SASL_TEST_PASSWORD, 0) > quick_us);
	sasl_fixture_close(&f);
}

/* Only roughly: that the slow hash runs at all for a name that does not exist. */
TEST(unknown_user_costs_a_hash_too)
{
	struct sasl_fixture f;
	struct sasl_identity id;
	struct sasl_refusal why;
	struct conn *c = tls_conn();
	int64_t wrong_us, unknown_us, start_us;

	fixture_open(&f, PLAIN_SETTINGS);
	wrong_us = timed_login(&f, "wrong", -E_AUTH_FAILED);
	start_us = sasl_test_now_us();
	assert_int_equal(sasl_login(f.sasl, c, S("carol@example.test"), S("wrong"), &id, &why),
			 -E_AUTH_FAILED);
	unknown_us = sasl_test_now_us() - start_us;
	assert_true(unknown_us * 4 > wrong_us);
	conn_free_scripted(c);
	sasl_fixture_close(&f);
}

struct crowd {
	struct sasl_fixture *f;
	int n_wrong; /* answers that should not have been */
};

static void *crowd_member(void *arg)
{
	struct crowd *crowd = arg;
	struct conn *c = tls_conn();

	for (int i = 0; i < 6; i++) {
		bool is_right = i % 3 != 0;
		struct sasl_identity id;
		struct sasl_refusal why;
		int rc = sasl_login(crowd->f->sasl, c, S("alice@example.test"),
				    is_right ? S(SASL_TEST_PASSWORD) : S("wrong"), &id, &why);

		if (rc != (is_right ? 0 : -E_AUTH_FAILED))
			__atomic_add_fetch(&crowd->n_wrong, 1, __ATOMIC_RELAXED);
		if (i == 4)
			sasl_forget(crowd->f->sasl, crowd->f->alice);
	}
	conn_free_scripted(c);
	return NULL;
}

TEST(logins_from_many_threads)
{
	pthread_t threads[8];
	struct sasl_fixture f;
	struct crowd crowd = { .f = &f };

	fixture_open(&f, "[auth]\nfailure_delay = 1ms\nmax_address_failures = 1000000\n");
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, crowd_member, &crowd), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(crowd.n_wrong, 0);
	sasl_fixture_close(&f);
}

TEST(changed_password_is_not_cached)
{
	AUTO(arena_fini) struct arena a = { .cap = 65536 };
	struct store_credential creds[3];
	struct sasl_fixture f;

	fixture_open(&f, PLAIN_SETTINGS);
	timed_login(&f, SASL_TEST_PASSWORD, 0);
	assert_int_equal(sasl_credentials_make(&a, S("new one"), creds, NULL), 0);
	assert_int_equal(store_credentials_set(f.store, f.alice, creds, 3), 0);
	/* Nobody called sasl_forget(). */
	timed_login(&f, SASL_TEST_PASSWORD, -E_AUTH_FAILED);
	timed_login(&f, "new one", 0);
	sasl_fixture_close(&f);
}

TEST(cache_entries)
{
	struct sasl_cache *c = sasl_cache_new();

	sasl_cache_add(c, 1, S("pw"), S("h"), 60000);
	assert_true(sasl_cache_has(c, 1, S("pw"), S("h")));
	assert_false(sasl_cache_has(c, 2, S("pw"), S("h")));
	assert_false(sasl_cache_has(c, 1, S("pwh"), S("")));
	assert_false(sasl_cache_has(c, 1, S("pw"), S("H")));
	sasl_cache_add(c, 1, S("pw2"), S("h2"), 60000);
	assert_false(sasl_cache_has(c, 1, S("pw"), S("h")));
	assert_true(sasl_cache_has(c, 1, S("pw2"), S("h2")));
	sasl_cache_forget(c, 1);
	assert_false(sasl_cache_has(c, 1, S("pw2"), S("h2")));
	sasl_cache_add(c, 1, S("pw"), S("h"), 0);
	assert_false(sasl_cache_has(c, 1, S("pw"), S("h")));
	for (int64_t i = 1; i < 20000; i++)
		sasl_cache_add(c, i, S("pw"), S("h"), 60000);
	assert_true(sasl_cache_has(c, 19999, S("pw"), S("h")));
	assert_false(sasl_cache_has(c, 1, S("pw"), S("h")));
	sasl_cache_free(c);
}

/* ---- credentials ---- */

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

/* ---- the gate ---- */

#define STORM 150
#define MAY_WAIT 96

struct storm {
	struct sasl_gate *gate;
	atomic_int n_checked, n_refused;
};

static void *storm_member(void *arg)
{
	struct storm *s = arg;
	int rc = sasl_gate_enter(s->gate, NULL);

	if (rc == 0)
		sasl_gate_leave(s->gate);
	atomic_fetch_add(rc == -E_BUSY ? &s->n_refused : &s->n_checked, 1);
	return NULL;
}

/* Guesses wait for their turn only up to a number: each that waits holds a thread. */
TEST(gate_lets_only_some_wait)
{
	struct storm s = { .gate = sasl_gate_new(1) };
	pthread_t threads[STORM];

	assert_int_equal(sasl_gate_enter(s.gate, NULL), 0);
	for (size_t i = 0; i < STORM; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, storm_member, &s), 0);
	/* As long as one is inside, those beyond the number are refused at once, and nobody else comes to an end. */
	while (s.n_refused < STORM - MAY_WAIT)
		usleep(1000);
	assert_int_equal(s.n_checked, 0);
	sasl_gate_leave(s.gate);
	for (size_t i = 0; i < STORM; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(s.n_checked, MAY_WAIT);
	assert_int_equal(s.n_refused, STORM - MAY_WAIT);
	sasl_gate_free(s.gate);
}
