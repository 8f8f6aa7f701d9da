/* SPDX-License-Identifier: MIT */
/* The client's dialogue with servers that are as they should be, and with others; a peer of memory plays them (net/stream.h). */
#include "imap/client.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/must.h"
#include "base/test.h"
#include "net/tls.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define N "\x1e" /* the server waits until we have said something */
#define L "\r\n"
#define HELLO "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN LITERAL+] hi" L N

struct told {
	struct buf trace;
	unsigned stages; /* bits of those that are over */
	int err;
	char text[400];
};

static void trace(void *ctx, bool is_ours, struct str line)
{
	struct told *t = ctx;

	buf_printf(&t->trace, "%s%" STR_FMT "|", is_ours ? "> " : "< ", STR_ARG(line));
}

static void over(void *ctx, struct imap_client *c, enum imap_client_stage stage, int err, struct str text)
{
	struct told *t = ctx;

	must(c != NULL && (t->stages & 1u << stage) == 0);
	t->stages |= 1u << stage;
	t->err = err;
	snprintf(t->text, sizeof(t->text), "%" STR_FMT, STR_ARG(text));
}

static const struct imap_client_options ann = { .user = STR_INIT("ann"), .password = STR_INIT("secret"), .may_plain = true, .host_z = "h" };

static struct imap_client *open_script(const char *script_z)
{
	struct imap_client *c = NULL;
	enum imap_client_stage stage;
	struct fault fault;

	test_row(script_z);
	if (imap_client_open(net_stream_scripted(str_z(script_z)), &ann, &c, &stage, &fault) < 0)
		fail_msg("%s", fault.text);
	return c;
}

struct way_in {
	const char *name_z, *script_z;
	enum net_starttls starttls;
	bool is_strict; /* not may_plain */
	int r;
	enum imap_client_stage stage; /* when r is negative */
	const char *said_z;           /* of which this must be a part; or of the fault */
};

static const struct way_in ways_in[] = {
	{ "initial response", HELLO "m1 OK [CAPABILITY IMAP4rev1 IDLE] in" L N, 0, false, 0, 0, "m1 AUTHENTICATE PLAIN AGFubgBzZWNyZXQ=" L },
	{ "capabilities are asked for anew", HELLO "m1 OK in" L N "* CAPABILITY IMAP4rev1" L "m2 OK" L N, 0, false, 0, 0, "m2 CAPABILITY" L },
	{ "no SASL-IR", "* OK hi" L N "* CAPABILITY IMAP4rev1 AUTH=PLAIN" L "m1 OK" L N "+" L N "m2 OK [CAPABILITY IMAP4rev1]" L N, 0, false, 0, 0,
	  "m2 AUTHENTICATE PLAIN" L "AGFubgBzZWNyZXQ=" L },
	{ "mechanism LOGIN", "* OK [CAPABILITY IMAP4rev1 AUTH=LOGIN] hi" L N "+ VXNlcm5hbWU6" L N "+ UGFzc3dvcmQ6" L N "m1 OK [CAPABILITY IMAP4rev1]" L N, 0, false, 0, 0,
	  "m1 AUTHENTICATE LOGIN" L "YW5u" L "c2VjcmV0" L },
	{ "command LOGIN", "* OK [CAPABILITY IMAP4rev1] hi" L N "m1 OK [CAPABILITY IMAP4rev1]" L N, 0, false, 0, 0, "m1 LOGIN \"ann\" \"secret\"" L },
	{ "SCRAM is refused, PLAIN is not", "* OK [CAPABILITY IMAP4rev1 AUTH=SCRAM-SHA-256 SASL-IR AUTH=PLAIN] hi" L N "m1 NO no keys" L N
	  "m2 OK [CAPABILITY IMAP4rev1]" L N, 0, false, 0, 0, "m2 AUTHENTICATE PLAIN AGFubgBzZWNyZXQ=" L },
	{ "SCRAM is refused, LOGIN is not", "* OK [CAPABILITY IMAP4rev1 AUTH=SCRAM-SHA-256 SASL-IR] hi" L N "m1 NO no keys" L N
	  "m2 OK [CAPABILITY IMAP4rev1]" L N, 0, false, 0, 0, "m2 LOGIN \"ann\" \"secret\"" L },
	{ "PREAUTH", "* PREAUTH [CAPABILITY IMAP4rev1] hi ann" L N, 0, false, 0, 0, "" },
	{ "unsolicited everything", "* OK hi" L N "* 3 EXISTS" L "* 1 FETCH (FLAGS () BODY[] {3}\r\na\r\n)" L "* LIST () NIL x" L "* BADCHARSET" L "m7 OK" L "m0 NO" L
	  "* CAPABILITY IMAP4rev1" L "x OK" L "m1 OK" L N "m2 OK [CAPABILITY IMAP4rev1]" L N, 0, false, 0, 0, "m2 LOGIN" },
	{ "silence", "", 0, false, -E_CLOSED, IMAP_CLIENT_GREETING, "closed" },
	{ "no answer", "* OK hi" L N N, 0, false, -E_TIMEOUT, IMAP_CLIENT_CAPS, "does not answer" },
	{ "SMTP", "220 mx ESMTP" L N, 0, false, -E_SYNTAX, IMAP_CLIENT_GREETING, "220 mx ESMTP" },
	{ "POP3", "+OK ready" L N, 0, false, -E_SYNTAX, IMAP_CLIENT_GREETING, "" },
	{ "BYE at once", "* BYE too many" L N, 0, false, -E_DENIED, IMAP_CLIENT_GREETING, "the server says too many" },
	{ "BYE in the login", HELLO "* BYE \x1b[2J" L "m1 NO" L N, 0, false, -E_DENIED, IMAP_CLIENT_AUTH, "says ?[2J" },
	{ "wrong password", HELLO "m1 NO [AUTHENTICATIONFAILED] no such" L N, 0, false, -E_AUTH_FAILED, IMAP_CLIENT_AUTH, "[AUTHENTICATIONFAILED] no such" },
	{ "trouble of its own", HELLO "m1 NO [UNAVAILABLE] later" L N, 0, false, -E_BUSY, IMAP_CLIENT_AUTH, "later" },
	{ "BAD to the login", HELLO "m1 BAD what" L N, 0, false, -E_AUTH_FAILED, IMAP_CLIENT_AUTH, "what" },
	{ "wants more than PLAIN has", HELLO "+ eA==" L N "m1 OK" L N, 0, false, -E_DENIED, IMAP_CLIENT_AUTH, "did not prove" },
	{ "goes on after the end", HELLO "+ eA==" L N "+ eA==" L N, 0, false, -E_SYNTAX, IMAP_CLIENT_AUTH, "cancelled" },
	{ "LOGINDISABLED", "* OK [CAPABILITY IMAP4rev1 LOGINDISABLED] hi" L N, 0, false, -E_CANNOT, IMAP_CLIENT_AUTH, "no way to log in" },
	{ "success without proof", "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=SCRAM-SHA-1] hi" L N "m1 OK welcome" L N, 0, false, -E_DENIED, IMAP_CLIENT_AUTH, "did not prove" },
	{ "other protocol of old", "* OK hi" L N "* CAPABILITY IMAP2" L "m1 OK" L N, 0, false, -E_CANNOT, IMAP_CLIENT_CAPS, "IMAP4rev1" },
	{ "no password without TLS", HELLO, 0, true, -E_CANNOT, IMAP_CLIENT_AUTH, "no password is sent" },
	{ "PREAUTH of a stranger", "* PREAUTH hi ann" L N, 0, true, -E_CANNOT, IMAP_CLIENT_GREETING, "PREAUTH" },
	{ "PREAUTH to prevent TLS", "* PREAUTH hi ann" L N, NET_STARTTLS_ALWAYS, false, -E_CANNOT, IMAP_CLIENT_GREETING, "PREAUTH" },
	{ "STARTTLS is not there", HELLO, NET_STARTTLS_ALWAYS, false, -E_CANNOT, IMAP_CLIENT_TLS, "STARTTLS" },
	{ "endless greeting", "* OK {99999999999}" L, 0, false, -E_SYNTAX, IMAP_CLIENT_GREETING, "more than fits" },
};

static void try_way_in(const struct way_in *w)
{
	struct told told = { .trace = BUF_INIT(65536) };
	struct imap_client_options o = ann;
	struct net_stream *s = net_stream_scripted(str_z(w->script_z));
	struct imap_client *c = NULL;
	enum imap_client_stage stage = IMAP_CLIENT_N_STAGES;
	struct fault fault = { 0 };

	o.may_plain = !w->is_strict;
	o.starttls = w->starttls;
	o.over = over;
	o.over_ctx = &told;
	assert_int_equal(imap_client_open(s, &o, &c, &stage, &fault), w->r);
	assert_int_equal(told.err, w->r);
	if (w->r < 0) {
		assert_int_equal(stage, w->stage);
		assert_true(told.stages >> stage == 1);
		assert_true(str_find(str_z(fault.text), str_z(w->said_z)) >= 0);
		assert_string_equal(told.text, fault.text);
		assert_null(c);
	} else {
		assert_true(str_find(net_stream_scripted_said(imap_client_stream(c)), str_z(w->said_z)) >= 0);
		assert_int_equal(told.stages, (1u << IMAP_CLIENT_N_STAGES) - 1);
	}
	imap_client_close(&c);
	buf_fini(&told.trace);
}

TEST(client_ways_in)
{
	for (size_t i = 0; i < ARRAY_LEN(ways_in); i++) {
		test_row(ways_in[i].name_z);
		try_way_in(&ways_in[i]);
	}
}

/* Nothing of the login is said to who is not trusted. */
TEST(client_says_no_password_in_the_clear)
{
	static const char *const scripts[] = { HELLO, "* OK [CAPABILITY IMAP4rev1] hi" L N, "* PREAUTH [CAPABILITY IMAP4rev1] hi" L N };

	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		struct told told = { .trace = BUF_INIT(65536) };
		struct imap_client_options o = ann;
		struct imap_client *c = NULL;
		enum imap_client_stage stage;
		struct fault fault;

		o.may_plain = false;
		o.trace = trace;
		o.trace_ctx = &told;
		assert_int_equal(imap_client_open(net_stream_scripted(str_z(scripts[i])), &o, &c, &stage, &fault), -E_CANNOT);
		assert_int_equal(str_find(buf_str(&told.trace), S("AUTHENTICATE")), -1);
		assert_int_equal(str_find(buf_str(&told.trace), S("LOGIN ")), -1);
		buf_fini(&told.trace);
	}
}

/* RFC 9051 4.3, RFC 7888: what no quoted string can have goes as a literal. */
TEST(client_login_with_literals)
{
	static const struct {
		const char *caps_z, *answers_z, *said_z;
	} rows[] = {
		{ "", "+ go" L N "+ go" L N "m1 OK [CAPABILITY IMAP4rev1]" L N, "m1 LOGIN {4}" L "b\xc3\xb6" "b {3}" L "a\xff" "c" L },
		{ " LITERAL+", "m1 OK [CAPABILITY IMAP4rev1]" L N, "m1 LOGIN {4+}" L "b\xc3\xb6" "b {3+}" L "a\xff" "c" L },
		{ " LITERAL-", "m1 OK [CAPABILITY IMAP4rev1]" L N, "m1 LOGIN {4+}" L "b\xc3\xb6" "b {3+}" L "a\xff" "c" L },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_fini) struct buf script = BUF_INIT(65536);
		struct imap_client_options o = ann;
		struct imap_client *c = NULL;
		enum imap_client_stage stage;
		struct fault fault = { 0 };

		test_row(rows[i].caps_z);
		o.user = S("b\xc3\xb6" "b");
		o.password = S("a\xff" "c");
		buf_printf(&script, "* OK [CAPABILITY IMAP4rev1%s] hi" L N "%s", rows[i].caps_z, rows[i].answers_z);
		if (imap_client_open(net_stream_scripted(buf_str(&script)), &o, &c, &stage, &fault) < 0)
			fail_msg("%s", fault.text);
		assert_true(str_find(net_stream_scripted_said(imap_client_stream(c)), str_z(rows[i].said_z)) >= 0);
		imap_client_close(&c);
	}
}

TEST(client_login_can_be_refused_at_a_literal)
{
	struct imap_client_options o = ann;
	struct imap_client *c = NULL;
	enum imap_client_stage stage;
	struct fault fault;

	o.password = S("\xff");
	assert_int_equal(imap_client_open(net_stream_scripted(S("* OK [CAPABILITY IMAP4rev1] hi" L N "m1 NO too many" L N)), &o, &c, &stage, &fault), -E_AUTH_FAILED);
	assert_string_equal(fault.text, "the server says too many");
	o.password = S("a\0b");
	assert_int_equal(imap_client_open(net_stream_scripted(S("* OK [CAPABILITY IMAP4rev1] hi" L N)), &o, &c, &stage, &fault), -E_CANNOT);
}

TEST(client_trace_masks_secrets)
{
	struct told told = { .trace = BUF_INIT(65536) };
	struct imap_client_options o = ann;
	struct imap_client *c = NULL;
	enum imap_client_stage stage;
	struct fault fault;

	o.trace = trace;
	o.trace_ctx = &told;
	assert_int_equal(imap_client_open(net_stream_scripted(S("* OK [CAPABILITY IMAP4rev1 AUTH=LOGIN] hi" L N "+ VXNlcm5hbWU6" L N "+ UGFzc3dvcmQ6" L N
								"m1 OK [CAPABILITY IMAP4rev1]" L N "* 1 FETCH (BODY[] {6}" L "a" L "b" L " UID 7)" L "m2 OK" L N)),
					  &o, &c, &stage, &fault), 0);
	assert_int_equal(imap_client_ask(c, S("NOOP"), NULL, NULL, &fault), 0);
	assert_str_eq(buf_str(&told.trace), S("< * OK [CAPABILITY IMAP4rev1 AUTH=LOGIN] hi|> m1 AUTHENTICATE LOGIN|< + <challenge>|> <secret>|< + <challenge>|"
					      "> <secret>|< m1 OK [CAPABILITY IMAP4rev1]|> m2 NOOP|< * 1 FETCH (BODY[] {6} UID 7)|< m2 OK|"));
	imap_client_close(&c);
	imap_client_close(&c);
	buf_fini(&told.trace);
}

TEST(client_capabilities)
{
	struct imap_client *c = open_script("* OK [CAPABILITY imap4REV2 AUTH=PLAIN AUTH=X\x01 APPENDLIMIT=5 QRESYNC FOO] hi\x7f" L N "m1 OK" L N
					    "* CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=X\x01 APPENDLIMIT=5 QRESYNC FOO" L "m2 OK" L N);
	const struct imap_client_caps *caps = imap_client_caps(c);

	assert_str_eq(caps->all, S("IMAP4rev1 AUTH=PLAIN AUTH=X? APPENDLIMIT=5 QRESYNC FOO"));
	assert_str_eq(caps->auth, S("PLAIN X?"));
	assert_true(caps->is_rev1 && !caps->is_rev2 && caps->has_appendlimit && caps->has_qresync && caps->has_condstore && !caps->has_idle);
	assert_str_eq(imap_client_greeting(c), S("hi?"));
	imap_client_close(&c);
	c = open_script("* PREAUTH [CAPABILITY IMAP4rev2] hi" L N);
	caps = imap_client_caps(c);
	assert_true(caps->is_rev2 && caps->has_uidplus && caps->has_idle && caps->has_literal_minus && !caps->has_literal_plus && !caps->has_condstore);
	imap_client_close(&c);
}

/* ---- commands ---- */

#define IN "* PREAUTH [CAPABILITY IMAP4rev1] hi" L N

TEST(client_commands_under_way)
{
	struct imap_client *c = open_script(IN "* 1 EXISTS" L "m2 OK" L "m2 OK" L "m9 OK" L "m1 NO what" L);
	struct imap_client_reply r;
	struct fault fault = { 0 };
	unsigned first, second;

	assert_int_equal(imap_client_send(c, S("A"), &first, &fault), 0);
	assert_int_equal(imap_client_send(c, S("B"), &second, &fault), 0);
	assert_int_equal(imap_client_next(c, &r, &fault), 0);
	assert_true(r.kind == IMAP_CLIENT_EXISTS && r.number == 1);
	assert_int_equal(imap_client_next(c, &r, &fault), 0);
	assert_true(r.kind == IMAP_CLIENT_TAGGED && imap_client_tag(r.tag) == second);
	assert_int_equal(imap_client_next(c, &r, &fault), 0); /* once more, and of nobody */
	assert_int_equal(r.kind, IMAP_CLIENT_OTHER);
	assert_int_equal(imap_client_next(c, &r, &fault), 0);
	assert_int_equal(r.kind, IMAP_CLIENT_OTHER);
	assert_int_equal(imap_client_next(c, &r, &fault), 0);
	assert_true(r.kind == IMAP_CLIENT_TAGGED && imap_client_tag(r.tag) == first);
	assert_int_equal(imap_client_result(c, &r, &fault), -E_CANNOT);
	assert_string_equal(fault.text, "the server says what");
	assert_int_equal(imap_client_next(c, &r, &fault), -E_CLOSED);
	assert_int_equal(imap_client_ask(c, S("C"), NULL, NULL, &fault), -E_CLOSED);
	imap_client_close(&c);
}

TEST(client_commands_under_way_are_bounded)
{
	struct imap_client *c = open_script(IN);
	struct fault fault;
	int n = 0;

	while (n < 1000 && imap_client_send(c, S("NOOP"), NULL, &fault) == 0)
		n++;
	assert_int_equal(n, 64);
	imap_client_close(&c);
}

TEST(client_waits_for_news)
{
	struct imap_client *c = open_script(IN "+ idling" L "* 4 EXISTS" L N "m1 OK" L N);
	struct imap_client_reply r;
	struct fault fault;

	assert_int_equal(imap_client_send(c, S("IDLE"), NULL, &fault), 0);
	assert_int_equal(imap_client_next(c, &r, &fault), 0);
	assert_int_equal(r.kind, IMAP_CLIENT_CONTINUE);
	assert_int_equal(imap_client_await(c, 10, &r, &fault), 1);
	assert_int_equal(r.kind, IMAP_CLIENT_EXISTS);
	assert_int_equal(imap_client_await(c, 10, &r, &fault), 0);
	assert_int_equal(imap_client_await(c, 10, &r, &fault), 0);
	assert_int_equal(imap_client_put(c, S("DONE" L), &fault), 0);
	assert_int_equal(imap_client_next(c, &r, &fault), 0);
	assert_true(r.kind == IMAP_CLIENT_TAGGED && r.is_ok);
	imap_client_close(&c);
}

TEST(client_append)
{
	static const struct {
		const char *caps_z, *answers_z, *said_z;
		int r;
		bool is_ok;
	} rows[] = {
		{ "", "+ go" L N "* 3 EXISTS" L "m1 OK [APPENDUID 7 9] done" L N, "m1 APPEND \"a\\\"b\" (\\Seen x) \"01-Jan-2026 00:00:00 +0000\" {3}" L "a" L L, 0, true },
		{ " LITERAL+", "m1 OK [APPENDUID 7 9]" L N, "{3+}" L "a" L L, 0, true },
		{ " LITERAL-", "m1 OK [APPENDUID 7 9]" L N, "{3+}" L "a" L L, 0, true },
		{ "", "m1 NO [OVERQUOTA] full" L N, "{3}" L, 0, false },
		{ "", "* BYE" L N, "{3}" L, -E_CLOSED, false },
		{ "", "+ go" L N, "{3}" L "a" L L, -E_CLOSED, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_fini) struct buf script = BUF_INIT(65536);
		struct imap_client_reply r = { 0 };
		struct imap_client *c;
		struct fault fault;

		buf_printf(&script, "* PREAUTH [CAPABILITY IMAP4rev1%s] hi" L N "%s", rows[i].caps_z, rows[i].answers_z);
		c = open_script(buf_z(&script));
		assert_int_equal(imap_client_append(c, S("a\"b"), S("\\Seen x"), S("01-Jan-2026 00:00:00 +0000"), S("a" L), &r, &fault), rows[i].r);
		assert_true(str_ends(net_stream_scripted_said(imap_client_stream(c)), str_z(rows[i].said_z)));
		if (rows[i].r == 0)
			assert_int_equal(r.is_ok, rows[i].is_ok);
		if (rows[i].is_ok)
			assert_true(r.uidvalidity == 7 && str_eq(r.uids_to, S("9")));
		assert_int_equal(imap_client_append(c, S("a\nb"), S(""), S(""), S("x"), &r, &fault), -E_CANNOT);
		imap_client_close(&c);
	}
}

/* ---- hostile servers ---- */

static int count(void *ctx, const struct imap_client_reply *r, struct fault *fault)
{
	(void)r, (void)fault;
	++*(int *)ctx;
	return 0;
}

TEST(client_answers_that_end_the_connection)
{
	static const struct {
		const char *answer_z;
		int r;
	} rows[] = {
		{ "* 1 FETCH (BODY[] {268435457}" L, -E_LIMIT },
		{ "* 1 FETCH (BODY[] {5}" L "abc", -E_CLOSED },
		{ "* BYE later" L, -E_CLOSED },
		{ "* 1 FETCH (FLAGS (" L, -E_SYNTAX },
		{ "hello" L, -E_SYNTAX },
		{ L, -E_SYNTAX },
		{ "m1 MAYBE" L, -E_SYNTAX },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_fini) struct buf script = BUF_INIT(65536);
		struct fault fault = { 0 };
		struct imap_client *c;
		int n = 0;

		buf_printf(&script, IN "* 1 EXISTS" L "%s", rows[i].answer_z);
		c = open_script(buf_z(&script));
		assert_int_equal(imap_client_ask(c, S("NOOP"), count, &n, &fault), rows[i].r);
		assert_int_equal(n, 1);
		assert_true(fault.text[0] != '\0');
		assert_true(imap_client_ask(c, S("NOOP"), count, &n, &fault) < 0);
		assert_true(str_ends(net_stream_scripted_said(imap_client_stream(c)), S("m1 NOOP" L))); /* and nothing more is said */
		imap_client_close(&c);
	}
}

TEST(client_login_has_an_end)
{
	AUTO(buf_fini) struct buf script = BUF_INIT(1u << 20);
	enum imap_client_stage stage;
	struct imap_client *c = NULL;
	struct fault fault;

	buf_add(&script, S(HELLO));
	while (script.n < 500000)
		buf_add(&script, S("* OK wait" L));
	assert_int_equal(imap_client_open(net_stream_scripted(buf_str(&script)), &ann, &c, &stage, &fault), -E_SYNTAX);
	assert_string_equal(fault.text, "the server talks without an end");
}

/* ---- TLS: a server on a thread ---- */

struct tls_server {
	int fd;
	const char *clear_z;  /* said before the handshake, in answer to STARTTLS */
	bool is_after;        /* and then a handshake, and a login */
	SSL_CTX *ctx;
	char heard[500];
};

static void *serve(void *arg)
{
	struct tls_server *t = arg;
	char line[500];
	SSL *ssl;
	int n;

	(void)!send(t->fd, "* OK [CAPABILITY IMAP4rev1 STARTTLS AUTH=EVIL] hi\r\n", 51, MSG_NOSIGNAL);
	(void)!recv(t->fd, line, sizeof(line), 0);
	(void)!send(t->fd, t->clear_z, strlen(t->clear_z), MSG_NOSIGNAL);
	if (!t->is_after)
		return NULL;
	ssl = SSL_new(t->ctx);
	SSL_set_fd(ssl, t->fd);
	must(SSL_accept(ssl) == 1);
	n = SSL_read(ssl, line, sizeof(line));
	(void)SSL_write(ssl, "* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN\r\nm2 OK\r\n", 50);
	snprintf(t->heard, sizeof(t->heard), "%.*s", n > 0 ? n : 0, line);
	n = SSL_read(ssl, line, sizeof(line));
	(void)SSL_write(ssl, "m3 OK [CAPABILITY IMAP4rev1] in\r\n", 33);
	snprintf(t->heard + strlen(t->heard), sizeof(t->heard) - strlen(t->heard), "%.*s", n > 0 ? n : 0, line);
	(void)SSL_read(ssl, line, sizeof(line));
	SSL_free(ssl);
	return NULL;
}

static SSL_CTX *certificate(struct net_stream_tls **ret)
{
	static const char *const names_z[] = { "localhost", NULL };
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	char cert_z[200], key_z[200];
	struct fault fault = { 0 };

	snprintf(cert_z, sizeof(cert_z), "%s/cert", test_dir());
	snprintf(key_z, sizeof(key_z), "%s/key", test_dir());
	assert_int_equal(net_tls_make_self_signed(cert_z, key_z, names_z, 2, &fault), 0);
	assert_int_equal(net_stream_tls_new_file(cert_z, ret, &fault), 0);
	must(SSL_CTX_use_certificate_chain_file(ctx, cert_z) == 1 && SSL_CTX_use_PrivateKey_file(ctx, key_z, SSL_FILETYPE_PEM) == 1);
	return ctx;
}

TEST(client_starttls)
{
	static const char *const names_z[] = { "localhost", NULL };
	static const struct {
		const char *name_z, *clear_z;
		int r;
	} rows[] = {
		{ "as it should be", "m1 OK go" L, 0 },
		{ "injected behind the answer", "m1 OK go" L "* CAPABILITY IMAP4rev1 AUTH=EVIL" L, -E_TLS }, /* RFC 9051 11.1 */
		{ "injected, cut", "m1 OK go" L "* ", -E_TLS },
		{ "refused", "m1 NO not now" L, -E_DENIED },
		{ "refused as unknown", "* OK x" L "m1 BAD what" L, -E_DENIED },
	};
	struct net_stream_tls *tls = NULL;
	SSL_CTX *ctx = certificate(&tls);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct imap_client_options o = ann;
		struct tls_server t = { .clear_z = rows[i].clear_z, .ctx = ctx, .is_after = rows[i].r == 0 };
		struct imap_client *c = NULL;
		enum imap_client_stage stage;
		struct fault fault = { 0 };
		pthread_t thread;
		int fds[2], r;

		test_row(rows[i].name_z);
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
		t.fd = fds[1];
		assert_int_equal(pthread_create(&thread, NULL, serve, &t), 0);
		o.may_plain = false;
		o.starttls = NET_STARTTLS_ALWAYS;
		o.tls = tls;
		o.want = (struct net_stream_tls_want){ .trust = NET_TRUST_PKIX, .names_z = names_z, .sni_z = "localhost" };
		r = imap_client_open(net_stream_of_fd(fds[0]), &o, &c, &stage, &fault);
		if (r != rows[i].r)
			fail_msg("%d: %s", r, fault.text);
		if (r == 0)
			assert_str_eq(imap_client_caps(c)->all, S("IMAP4rev1"));
		else
			assert_int_equal(stage, IMAP_CLIENT_TLS);
		imap_client_close(&c);
		close(fds[1]);
		pthread_join(thread, NULL);
		if (r == 0) /* the mechanisms told before TLS are forgotten */
			assert_string_equal(t.heard, "m2 CAPABILITY" L "m3 AUTHENTICATE PLAIN AGFubgBzZWNyZXQ=" L);
	}
	SSL_CTX_free(ctx);
	net_stream_tls_free(tls);
}
