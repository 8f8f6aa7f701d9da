/* SPDX-License-Identifier: MIT */
/* The protocol and the client of echo_test.h. */
#include "net/echo_test.h"

#include "base/mem.h"
#include "base/must.h"
#include "base/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- server ---- */

struct echo {
	struct conn *c;
	struct echo_ctx *ctx;
	char *body; /* BODY, until all of it is there */
	size_t n, got;
};

static void *echo_open(struct conn *c, void *ctx)
{
	struct echo *e = MEM_NEW(struct echo);

	e->c = c;
	e->ctx = ctx;
	atomic_fetch_add(&e->ctx->n_open, 1);
	return e;
}

static void echo_close(void *session)
{
	struct echo *e = session;

	atomic_fetch_add(&e->ctx->n_closed, 1);
	mem_free(e->body);
	mem_free(e);
}

static uint64_t number(struct str s)
{
	uint64_t v = 0;

	must(str_to_u64(s, 1u << 30, &v));
	return v;
}

static void body_end(struct echo *e, int rc)
{
	conn_body_end(e->c);
	if (rc < 0)
		conn_printf(e->c, "failed %s\r\n", err_row(rc)->name);
	else
		conn_printf(e->c, "got %zu %c%c\r\n", e->n, e->body[0], e->body[e->n - 1]);
	mem_free(e->body);
	e->body = NULL;
}

static void do_body(struct echo *e, size_t n)
{
	int rc = conn_body_begin(e->c, &e->ctx->body);

	conn_write(e->c, S("go\r\n"));
	e->body = mem_alloc(n + 1, 1);
	e->n = n;
	e->got = 0;
	if (rc < 0)
		body_end(e, rc);
}

/* False: park. */
static bool more_body(struct echo *e)
{
	struct str s = S("");
	int rc = 1;

	while (e->got < e->n && (rc = conn_body_peek(e->c, &s)) > 0) {
		s = str_head(s, e->n - e->got);
		memcpy(e->body + e->got, s.p, s.n);
		conn_take(e->c, s.n);
		e->got += s.n;
	}
	if (rc != 0)
		body_end(e, rc);
	return rc != 0;
}

static void do_big(struct echo *e, size_t n)
{
	char *p = mem_alloc(n + 1, 1);

	memset(p, 'x', n);
	conn_write(e->c, str_of(p, n));
	conn_write(e->c, S("\r\n"));
	mem_free(p);
}

static void do_info(struct echo *e)
{
	struct conn_tls_info info;
	struct buf b = BUF_INIT(256);

	if (!conn_tls_info(e->c, &info)) {
		conn_write(e->c, S("plain\r\n"));
		return;
	}
	conn_printf(e->c, "%s sni=%s alpn=%s exporter=%d unique=%d\r\n", info.version, info.sni,
		    info.alpn, conn_tls_binding(e->c, CONN_BIND_TLS_EXPORTER, &b),
		    conn_tls_binding(e->c, CONN_BIND_TLS_UNIQUE, &b));
	buf_fini(&b);
}

static void do_gate(struct echo *e)
{
	atomic_fetch_add(&e->ctx->n_at_gate, 1);
	while (!atomic_load(&e->ctx->is_gate_open))
		usleep(1000);
	atomic_fetch_sub(&e->ctx->n_at_gate, 1);
}

static void do_cert(struct echo *e)
{
	struct conn_tls_info info;

	if (conn_tls_info(e->c, &info))
		conn_printf(e->c, "cert %d %s\r\n", info.has_client_cert, info.client_cert_subject);
}

static enum net_next command(struct echo *e, struct str line)
{
	struct str word = S("");

	str_split(&line, ' ', &word);
	if (str_eq(word, S("ECHO")))
		conn_printf(e->c, "%" STR_FMT "\r\n", STR_ARG(line));
	else if (str_eq(word, S("BODY")))
		do_body(e, number(line));
	else if (str_eq(word, S("BIG")))
		do_big(e, number(line));
	else if (str_eq(word, S("SLEEP"))) {
		usleep((useconds_t)number(line) * 1000);
		atomic_fetch_add(&e->ctx->n_slept, 1);
	} else if (str_eq(word, S("GATE")))
		do_gate(e);
	else if (str_eq(word, S("LOGIN")))
		conn_logged_in(e->c);
	else if (str_eq(word, S("IDLE")))
		conn_set_idle_ms(e->c, (int64_t)number(line));
	else if (str_eq(word, S("HOLD"))) {
		conn_hold(e->c, (int64_t)number(line));
		conn_write(e->c, S("held\r\n"));
	} else if (str_eq(word, S("AWAIT"))) {
		conn_await(e->c, (int64_t)number(line));
		conn_write(e->c, S("asked\r\n"));
	} else if (str_eq(word, S("LEAVE"))) {
		conn_hold(e->c, (int64_t)number(line));
		conn_write(e->c, S("left\r\n"));
		return NET_CLOSE;
	} else if (str_eq(word, S("INFO")))
		do_info(e);
	else if (str_eq(word, S("CERT")))
		do_cert(e);
	else if (str_eq(word, S("ID")))
		conn_printf(e->c, "%llu\r\n", (unsigned long long)conn_id(e->c));
	else if (str_eq(word, S("STLS"))) {
		conn_write(e->c, S("go\r\n"));
		if (conn_starttls(e->c, e->ctx->tls) < 0)
			return NET_CLOSE;
	} else {
		conn_write(e->c, S("bye\r\n"));
		return NET_CLOSE;
	}
	return NET_PARK;
}

static enum net_next echo_run(void *session, enum net_reason why)
{
	static const struct str says[] = { [NET_START] = STR_INIT("hello\r\n"),
					   [NET_WAKE] = STR_INIT("* wake\r\n"),
					   [NET_TIMEOUT] = STR_INIT("* timeout\r\n"),
					   [NET_STOP] = STR_INIT("* stop\r\n"),
					   [NET_INPUT] = STR_INIT("") };
	struct echo *e = session;
	struct conn_line line;
	int rc;

	conn_write(e->c, says[why]);
	if (why == NET_TIMEOUT || why == NET_STOP)
		return NET_CLOSE;
	if (why != NET_INPUT)
		return NET_PARK;
	for (;;) {
		if (e->body != NULL && !more_body(e))
			return NET_PARK;
		rc = conn_line(e->c, 1000, &line);
		if (rc != 1)
			break;
		if (command(e, line.text) == NET_CLOSE)
			return NET_CLOSE;
	}
	if (rc == -E_LIMIT)
		conn_write(e->c, S("too long\r\n"));
	return rc == 0 || rc == -E_LIMIT ? NET_PARK : NET_CLOSE;
}

static struct str echo_refuse(int err)
{
	(void)err;
	return S("refused\r\n");
}

const struct net_protocol echo_protocol = { "echo", echo_open, echo_run, echo_close, echo_refuse };

struct net_conf echo_conf(void)
{
	return (struct net_conf){ .max_connections = 10000,
				  .max_connections_per_address = 10000,
				  .max_workers = 16,
				  .max_bodies = 16,
				  .max_bodies_per_address = 10000,
				  .is_loopback_exempt = true,
				  .handshake_timeout_ms = 60000,
				  .write_timeout_ms = 60000,
				  .line_timeout_ms = 60000 };
}

struct net *echo_server(const struct net_conf *conf, struct echo_ctx *ctx, enum net_tls_mode mode,
			uint16_t *ret_port)
{
	struct net_listener l = { .name = "test",
				  .tls_mode = mode,
				  .protocol = &echo_protocol,
				  .ctx = ctx,
				  .tls = mode == NET_TLS_IMPLICIT ? ctx->tls : NULL };
	struct net *n;

	assert_int_equal(net_open(conf, &n, NULL), 0);
	assert_int_equal(net_bind("127.0.0.1", 0, &l.fd, NULL), 0);
	assert_int_equal(net_bound_port(l.fd, ret_port), 0);
	assert_int_equal(net_listen(n, &l, NULL), 0);
	return n;
}

void echo_open_gate(struct echo_ctx *ctx)
{
	atomic_store(&ctx->is_gate_open, 1);
}

struct net_tls_cert echo_cert(const char *const *names_z)
{
	static char paths[64][300];
	static size_t n;
	struct net_tls_cert cert = { 0 };
	const char *dir = test_dir();
	struct fault f = { "" };

	must(n + 2 <= ARRAY_LEN(paths));
	snprintf(paths[n], sizeof(paths[0]), "%s/cert.pem", dir);
	cert.cert_path_z = paths[n++];
	snprintf(paths[n], sizeof(paths[0]), "%s/key.pem", dir);
	cert.key_path_z = paths[n++];
	if (net_tls_make_self_signed(cert.cert_path_z, cert.key_path_z, names_z, 30, &f) < 0)
		fail_msg("%s", f.text);
	return cert;
}

struct net_tls *echo_tls(const char *alpn_z, bool has_tickets)
{
	const char *names[] = { "localhost", "127.0.0.1", NULL };
	struct net_tls_cert cert = echo_cert(names);
	struct net_tls_options o = {
		.certs = &cert,
		.n_certs = 1,
		.alpn_z = alpn_z,
		.has_tickets = has_tickets,
	};
	struct net_tls *t;
	struct fault f = { "" };

	if (net_tls_new(&o, &t, &f) < 0)
		fail_msg("%s", f.text);
	return t;
}

/* ---- client ---- */

struct peer peer_open(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval patience = { .tv_sec = 60 };
	struct peer p = { .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	int one = 1;

	assert_true(p.fd >= 0);
	setsockopt(p.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(p.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	assert_int_equal(connect(p.fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return p;
}

void peer_cert(struct peer *p, const struct net_tls_cert *cert)
{
	p->ctx = SSL_CTX_new(TLS_client_method());
	assert_non_null(p->ctx);
	if (cert == NULL)
		return;
	assert_int_equal(SSL_CTX_use_certificate_chain_file(p->ctx, cert->cert_path_z), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey_file(p->ctx, cert->key_path_z, SSL_FILETYPE_PEM),
			 1);
}

bool peer_tls(struct peer *p, const char *sni_z, const char *alpn_z, int max_version)
{
	unsigned char alpn[64];
	char sni[256];

	if (p->ctx == NULL)
		peer_cert(p, NULL);
	if (max_version != 0)
		SSL_CTX_set_max_proto_version(p->ctx, max_version);
	p->ssl = SSL_new(p->ctx);
	assert_int_equal(SSL_set_fd(p->ssl, p->fd), 1);
	if (sni_z != NULL) {
		snprintf(sni, sizeof(sni), "%s", sni_z);
		SSL_set_tlsext_host_name(p->ssl, sni);
	}
	if (alpn_z != NULL) {
		alpn[0] = (unsigned char)strlen(alpn_z);
		memcpy(alpn + 1, alpn_z, alpn[0]);
		SSL_set_alpn_protos(p->ssl, alpn, alpn[0] + 1u);
	}
	return SSL_connect(p->ssl) == 1;
}

static ssize_t get(struct peer *p, void *to, size_t n)
{
	if (p->ssl != NULL)
		return SSL_read(p->ssl, to, (int)n);
	return recv(p->fd, to, n, 0);
}

void peer_send(struct peer *p, const char *z)
{
	ssize_t n = (ssize_t)strlen(z);

	if (p->ssl != NULL)
		assert_int_equal(SSL_write(p->ssl, z, (int)n), n);
	else
		assert_int_equal(send(p->fd, z, (size_t)n, MSG_NOSIGNAL), n);
}

void peer_expect(struct peer *p, const char *z)
{
	char got[1000] = "";
	size_t want = strlen(z), n = 0;

	while (n < want) {
		ssize_t rc = get(p, got + n, want - n);

		if (rc <= 0)
			fail_msg("end of input (%zd, %s) instead of \"%s\" after \"%s\"", rc,
				 strerror(errno), z, got);
		n += (size_t)rc;
	}
	assert_string_equal(got, z);
}

void peer_line(struct peer *p, char *line, size_t n)
{
	size_t i = 0;

	while (i + 1 < n && get(p, line + i, 1) == 1 && line[i] != '\n')
		if (line[i] != '\r')
			i++;
	line[i] = '\0';
}

void peer_expect_end(struct peer *p)
{
	char c;

	errno = 0;
	assert_true(get(p, &c, 1) <= 0);
	assert_int_not_equal(errno, EAGAIN);
}

void peer_close(struct peer *p)
{
	SSL_free(p->ssl);
	SSL_CTX_free(p->ctx);
	close(p->fd);
	*p = (struct peer){ .fd = -1 };
}
