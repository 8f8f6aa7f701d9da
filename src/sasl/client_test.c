/* SPDX-License-Identifier: MIT */
/* The client's half against GNU SASL's server, which tells the truth or not; with a real TLS connection for channel binding. */
#include "sasl/client.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/must.h"
#include "base/test.h"
#include "base/text.h"
#include "net/tls.h"

#include <gsasl.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

struct server {
	const char *password_z, *rounds_z, *binding_z;
};

static int answer(Gsasl *ctx, Gsasl_session *session, Gsasl_property property)
{
	const struct server *s = gsasl_callback_hook_get(ctx);

	switch (property) {
	case GSASL_PASSWORD:
		gsasl_property_set(session, property, s->password_z);
		return GSASL_OK;
	case GSASL_SCRAM_ITER:
		gsasl_property_set(session, property, s->rounds_z);
		return GSASL_OK;
	case GSASL_SCRAM_SALT:
		gsasl_property_set(session, property, "QSXCR+Q6sek8bf92");
		return GSASL_OK;
	case GSASL_CB_TLS_EXPORTER:
		gsasl_property_set(session, property, s->binding_z);
		return GSASL_OK;
	default:
		return GSASL_NO_CALLBACK;
	}
}

static struct sasl_client *open_for(const char *offered_z, const struct net_stream *stream)
{
	const struct sasl_client_options o = {
		.offered = str_z(offered_z),
		.user = S("ann"),
		.password = S("secret"),
		.service_z = "imap",
		.host_z = "mail.example.test",
		.stream = stream,
	};
	struct sasl_client *c = NULL;
	struct fault fault = { 0 };

	if (sasl_client_open(&o, &c, &fault) < 0)
		must(c == NULL && fault.text[0] != '\0');
	return c;
}

/* Takes the exchange to its end on both sides: what ours answered last; *ret_is_in: the server lets us in. */
static int run(struct sasl_client *c, const struct server *s, bool *ret_is_in)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(LIMIT_SASL_LINE);
	struct fault fault = { 0 };
	Gsasl *ctx = NULL;
	Gsasl_session *x = NULL;
	char *theirs = NULL;
	int rc = GSASL_NEEDS_MORE, r = 1;

	assert_int_equal(gsasl_init(&ctx), GSASL_OK);
	gsasl_callback_hook_set(ctx, (void *)(uintptr_t)s);
	gsasl_callback_set(ctx, answer);
	assert_int_equal(gsasl_server_start(ctx, sasl_client_mechanism_z(c), &x), GSASL_OK);
	if (!sasl_client_has_initial(c))
		assert_int_equal(gsasl_step64(x, "", &theirs), GSASL_NEEDS_MORE);
	for (int i = 0; i < 9 && r >= 0 && rc == GSASL_NEEDS_MORE; i++) {
		r = sasl_client_step(c, str_z(theirs), &out, &fault);
		gsasl_free(theirs);
		theirs = NULL;
		if (r >= 0)
			rc = gsasl_step64(x, buf_z(&out), &theirs);
	}
	if (r == 1 && rc == GSASL_OK) /* what came along with the success */
		r = sasl_client_step(c, str_z(theirs), &out, &fault);
	gsasl_free(theirs);
	gsasl_finish(x);
	gsasl_done(ctx);
	*ret_is_in = rc == GSASL_OK;
	return r;
}

TEST(client_logs_in)
{
	static const struct {
		const char *offered_z, *mechanism_z, *password_z, *rounds_z;
		int r;
		bool is_in;
	} rows[] = {
		{ "LOGIN PLAIN SCRAM-SHA-1 SCRAM-SHA-256", "SCRAM-SHA-256", "secret", "4096", 0, true },
		{ "plain scram-sha-1", "SCRAM-SHA-1", "secret", "4096", 0, true },
		{ "SCRAM-SHA-256-PLUS PLAIN", "PLAIN", "secret", "4096", 0, true }, /* nothing to bind to */
		{ "XOAUTH2 LOGIN", "LOGIN", "secret", "4096", 0, true },
		{ "LOGIN", "LOGIN", "other", "4096", 0, false },
		{ "SCRAM-SHA-256", "SCRAM-SHA-256", "other", "4096", 1, false },
		{ "SCRAM-SHA-256", "SCRAM-SHA-256", "secret", "2000001", -E_DENIED, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct server s = { .password_z = rows[i].password_z, .rounds_z = rows[i].rounds_z };
		AUTO(sasl_client_close) struct sasl_client *c = open_for(rows[i].offered_z, NULL);
		bool is_in;

		test_row(rows[i].offered_z);
		assert_non_null(c);
		assert_string_equal(sasl_client_mechanism_z(c), rows[i].mechanism_z);
		assert_false(sasl_client_is_proven(c));
		assert_int_equal(run(c, &s, &is_in), rows[i].r);
		assert_int_equal(is_in, rows[i].is_in);
		assert_int_equal(sasl_client_is_proven(c), rows[i].r == 0);
	}
	assert_null(open_for("GSSAPI XOAUTH2", NULL));
	assert_null(open_for("", NULL));
	assert_null(open_for("SCRAM-SHA-256-PLUS", NULL));
}

/* ---- servers that lie: the bytes of the exchange are made by hand ---- */

static int step_plain(struct sasl_client *c, const char *theirs_z, struct buf *ours)
{
	AUTO(buf_fini) struct buf in = BUF_INIT(LIMIT_SASL_LINE), out = BUF_INIT(LIMIT_SASL_LINE);
	struct fault fault = { 0 };
	int r;

	text_b64_encode(&in, str_z(theirs_z));
	r = sasl_client_step(c, buf_str(&in), &out, &fault);
	buf_reset(ours);
	assert_int_equal(r < 0, fault.text[0] != '\0');
	if (r >= 0)
		assert_true(text_b64_decode(ours, buf_str(&out)));
	return r;
}

/* "n,,n=ann,r=NONCE" -> "r=NONCExyz,s=...,i=4096" */
static void first_of_server(struct buf *first, struct buf *ret)
{
	ptrdiff_t nonce = str_find(buf_str(first), S(",r="));

	assert_true(nonce > 0);
	buf_printf(ret, "%" STR_FMT "xyz,s=QSXCR+Q6sek8bf92,i=4096", STR_ARG(str_skip(buf_str(first), (size_t)nonce + 1)));
}

TEST(client_believes_no_false_server)
{
	static const struct {
		const char *name_z, *first_z, *final_z; /* NULL: as it should be, and missing */
		int r;
		bool may_go_on; /* with a password that it can read */
	} rows[] = {
		{ "success without proof", NULL, NULL, 1, true },
		{ "wrong proof", NULL, "v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", -E_DENIED, false },
		{ "no proof", NULL, "", -E_SYNTAX, true },
		{ "an error", NULL, "e=invalid-proof", -E_SYNTAX, true },
		{ "other nonce", "r=abc,s=QSXCR+Q6sek8bf92,i=4096", NULL, -E_DENIED, false },
		{ "no salt", "r=abc,i=4096", NULL, -E_SYNTAX, true },
		{ "no rounds", "r=abc,s=QSXCR+Q6sek8bf92", NULL, -E_SYNTAX, true },
		{ "huge rounds", "r=abc,s=QSXCR+Q6sek8bf92,i=99999999999999999999", NULL, -E_DENIED, true },
		{ "negative rounds", "r=abc,s=QSXCR+Q6sek8bf92,i=-1", NULL, -E_DENIED, true },
		{ "empty", "", NULL, -E_SYNTAX, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(sasl_client_close) struct sasl_client *c = open_for("SCRAM-SHA-256 PLAIN", NULL);
		AUTO(buf_fini) struct buf ours = BUF_INIT(LIMIT_SASL_LINE), first = BUF_INIT(LIMIT_SASL_LINE);
		int r;

		test_row(rows[i].name_z);
		assert_int_equal(step_plain(c, "", &ours), 1);
		first_of_server(&ours, &first);
		r = step_plain(c, rows[i].first_z ? rows[i].first_z : buf_z(&first), &ours);
		if (rows[i].final_z != NULL) {
			assert_int_equal(r, 1);
			r = step_plain(c, rows[i].final_z, &ours);
		}
		assert_int_equal(r, rows[i].r);
		assert_false(sasl_client_is_proven(c));
		if (r < 0)
			assert_int_equal(step_plain(c, buf_z(&first), &ours), -E_SYNTAX); /* it stays at an end */
		assert_int_equal(sasl_client_next(c), rows[i].may_go_on);
		assert_string_equal(sasl_client_mechanism_z(c), rows[i].may_go_on ? "PLAIN" : "SCRAM-SHA-256");
	}
}

TEST(client_goes_on_with_the_next)
{
	AUTO(sasl_client_close) struct sasl_client *c = open_for("SCRAM-SHA-1 LOGIN SCRAM-SHA-256", NULL);
	AUTO(buf_fini) struct buf ours = BUF_INIT(LIMIT_SASL_LINE);
	struct fault fault;

	assert_int_equal(step_plain(c, "", &ours), 1);
	assert_true(sasl_client_next(c));
	assert_string_equal(sasl_client_mechanism_z(c), "LOGIN");
	assert_false(sasl_client_has_initial(c));
	assert_int_equal(step_plain(c, "Username:", &ours), 1);
	assert_str_eq(buf_str(&ours), S("ann"));
	assert_int_equal(step_plain(c, "Password:", &ours), 0);
	assert_str_eq(buf_str(&ours), S("secret"));
	assert_true(sasl_client_is_proven(c));
	assert_int_equal(step_plain(c, "More:", &ours), -E_SYNTAX);
	assert_false(sasl_client_is_proven(c));
	assert_false(sasl_client_next(c));
	sasl_client_close(&c);
	c = open_for("SCRAM-SHA-256", NULL);
	assert_false(sasl_client_next(c)); /* there is none: and nothing goes on */
	assert_int_equal(sasl_client_step(c, S(""), &ours, &fault), -E_CANNOT);
	assert_string_equal(sasl_client_mechanism_z(c), "");
}

/* ---- channel binding ---- */

struct tls_server {
	int fd;
	char cert_z[200], key_z[200];
	uint8_t exporter[32];
};

static void *shake(void *arg)
{
	struct tls_server *t = arg;
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	SSL *ssl;
	char c;

	must(SSL_CTX_use_certificate_chain_file(ctx, t->cert_z) == 1 && SSL_CTX_use_PrivateKey_file(ctx, t->key_z, SSL_FILETYPE_PEM) == 1);
	ssl = SSL_new(ctx);
	SSL_set_fd(ssl, t->fd);
	must(SSL_accept(ssl) == 1);
	/* RFC 9266 2 */
	must(SSL_export_keying_material(ssl, t->exporter, 32, "EXPORTER-Channel-Binding", 24, (const uint8_t *)"", 0, 1) == 1);
	(void)SSL_read(ssl, &c, 1);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	return NULL;
}

TEST(client_binds_to_the_channel)
{
	static const char *const names_z[] = { "localhost", NULL };
	static const struct net_stream_tls_want want = { .trust = NET_TRUST_ANY };
	struct tls_server t;
	struct net_stream_tls *tls = NULL;
	struct net_stream *stream;
	struct fault fault = { 0 };
	pthread_t thread;
	int fds[2];

	snprintf(t.cert_z, sizeof(t.cert_z), "%s/cert", test_dir());
	snprintf(t.key_z, sizeof(t.key_z), "%s/key", test_dir());
	assert_int_equal(net_tls_make_self_signed(t.cert_z, t.key_z, names_z, 2, &fault), 0);
	assert_int_equal(net_stream_tls_new_file(t.cert_z, &tls, &fault), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	t.fd = fds[1];
	assert_int_equal(pthread_create(&thread, NULL, shake, &t), 0);
	stream = net_stream_of_fd(fds[0]);
	assert_int_equal(net_stream_starttls(stream, tls, &want, clock_mono_ms() + 20000), 0);
	net_stream_write(stream, S("x"), clock_mono_ms() + 20000);
	assert_int_equal(net_stream_flush(stream, clock_mono_ms() + 20000), 0);
	pthread_join(thread, NULL);
	for (int is_other = 0; is_other < 2; is_other++) {
		AUTO(sasl_client_close) struct sasl_client *c = open_for("SCRAM-SHA-256 SCRAM-SHA-256-PLUS PLAIN", stream);
		AUTO(buf_fini) struct buf binding = BUF_INIT(100);
		struct server s = { .password_z = "secret", .rounds_z = "4096" };
		bool is_in;

		t.exporter[7] ^= (uint8_t)is_other; /* somebody stands between */
		text_b64_encode(&binding, str_of(t.exporter, 32));
		s.binding_z = buf_z(&binding);
		assert_string_equal(sasl_client_mechanism_z(c), "SCRAM-SHA-256-PLUS");
		assert_int_equal(run(c, &s, &is_in), is_other ? 1 : 0);
		assert_int_equal(is_in, !is_other);
	}
	net_stream_close(&stream);
	net_stream_tls_free(tls);
	close(fds[1]);
}
