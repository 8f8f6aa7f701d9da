/* SPDX-License-Identifier: MIT */
/* What is offered where; PLAIN, LOGIN, USER/PASS and EXTERNAL against a real store. */
#include "sasl/exchange_test.h"

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
