/* SPDX-License-Identifier: MIT */
/*
 * A connection to another IMAP server: blocking, with a time limit for each wait. The certificate must verify for the name that was given,
 * and the password goes over TLS only, unless the user says otherwise. RFC 9051 11.1, RFC 8314 3, RFC 9525 6.
 */
#include "move/imap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/text.h"

#define WAIT_S 120
#define CONNECT_MS 15000
#define ARENA_MAX (8u << 20)

struct move_imap {
	const struct move_imap_options *o;
	int fd;
	SSL_CTX *ctx;
	SSL *ssl;
	struct buf in;
	size_t used;      /* of in: the response that was given last */
	struct arena arena;
	unsigned tag;
	bool may_plain, may_login, has_sasl_ir, has_starttls;
};

/* ---- URL ---- */

static int hex(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = memchr(digits, str_lower_char(c), 16);

	return at ? (int)(at - digits) : -1;
}

/* Percent-decoded; false: not well-formed, or with control characters. */
static bool decode(struct arena *a, struct str s, struct str *ret)
{
	char *out = arena_alloc(a, s.n + 1, 1);
	size_t n = 0;

	for (size_t i = 0; out && i < s.n; i++) {
		char c = s.p[i];

		if (c == '%') {
			int high = i + 2 < s.n ? hex(s.p[i + 1]) : -1;
			int low = i + 2 < s.n ? hex(s.p[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = (char)(high << 4 | low);
			i += 2;
		}
		if ((unsigned char)c < 0x20 || c == 0x7f)
			return false;
		out[n++] = c;
	}
	*ret = str_of(out, n);
	return out != NULL;
}

int move_imap_url(struct arena *a, struct str url, struct move_imap_options *ret)
{
	struct str rest = url;
	struct move_imap_options o = { .is_tls = str_istarts(url, S("imaps://")) };
	ptrdiff_t at, colon;
	uint64_t port = o.is_tls ? 993 : 143;

	if (!o.is_tls && !str_istarts(url, S("imap://")))
		return 0;
	rest = str_skip(rest, o.is_tls ? 8 : 7);
	at = str_chr(rest, '/');
	if (at >= 0) {
		if ((size_t)at + 1 != rest.n)
			return 0; /* a mailbox: all are read */
		rest.n = (size_t)at;
	}
	at = str_rchr(rest, '@');
	/* A colon would be a password's, which other users of the machine would see. */
	if (at <= 0 || str_chr(str_head(rest, (size_t)at), ':') >= 0 ||
	    !decode(a, str_head(rest, (size_t)at), &o.user))
		return 0;
	rest = str_skip(rest, (size_t)at + 1);
	colon = str_rchr(rest, ':');
	if (colon >= 0 && str_rchr(rest, ']') < colon) {
		if (!str_to_u64(str_skip(rest, (size_t)colon + 1), 65535, &port) || port == 0)
			return 0;
		rest.n = (size_t)colon;
	}
	if (rest.n > 2 && rest.p[0] == '[' && rest.p[rest.n - 1] == ']')
		rest = str_of(rest.p + 1, rest.n - 2);
	if (rest.n == 0 || !decode(a, rest, &o.host))
		return 0;
	o.port = (uint16_t)port;
	*ret = o;
	return 1;
}

/* ---- bytes ---- */

static int tls_fault(struct fault *fault, int code, const char *what_z)
{
	char text[200] = "the connection was closed";
	unsigned long e = ERR_get_error();

	if (e)
		ERR_error_string_n(e, text, sizeof(text));
	return fault_set(fault, code, "%s: %s", what_z, text);
}

static int lost(struct fault *fault, int errnum)
{
	if (errnum == EAGAIN || errnum == EWOULDBLOCK)
		return fault_set(fault, -E_TIMEOUT, "the server does not answer");
	return fault_set(fault, -E_CLOSED, "the server closed the connection");
}

static int write_all(struct move_imap *c, struct str s, struct fault *fault)
{
	while (s.n) {
		size_t piece = s.n < 65536 ? s.n : 65536;
		ssize_t n = c->ssl ? SSL_write(c->ssl, s.p, (int)piece) : send(c->fd, s.p, piece, MSG_NOSIGNAL);

		if (n <= 0 && !(n < 0 && errno == EINTR))
			return lost(fault, errno);
		if (n > 0)
			s = str_skip(s, (size_t)n);
	}
	return 0;
}

static int fill(struct move_imap *c, struct fault *fault)
{
	char *p = buf_reserve(&c->in, 65536);
	ssize_t n;

	if (!p)
		return fault_set(fault, -E_LIMIT, "there is not enough memory for what the server sends");
	errno = 0;
	do
		n = c->ssl ? SSL_read(c->ssl, p, 65536) : recv(c->fd, p, 65536, 0);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return lost(fault, errno);
	buf_commit(&c->in, (size_t)n);
	return 0;
}

/* ---- commands and responses ---- */

int move_imap_send(struct move_imap *c, struct str command, struct fault *fault)
{
	AUTO(buf_fini) struct buf line = BUF_INIT(1u << 20);
	int r;

	buf_printf(&line, "m%u ", ++c->tag);
	buf_add(&line, command);
	buf_add(&line, S("\r\n"));
	r = buf_overflowed(&line) ? fault_set(fault, -E_LIMIT, "a command is too long") : write_all(c, buf_str(&line), fault);
	mem_wipe(line.p, line.n);
	return r;
}

static void note_capabilities(struct move_imap *c, struct str text)
{
	if (str_ifind(text, S("IMAP4")) < 0)
		return;
	c->may_plain = str_ifind(text, S("AUTH=PLAIN")) >= 0;
	c->may_login = str_ifind(text, S("LOGINDISABLED")) < 0;
	c->has_sasl_ir = str_ifind(text, S("SASL-IR")) >= 0;
	c->has_starttls = str_ifind(text, S("STARTTLS")) >= 0;
}

/* Of the command sent last, not of one whose answer nobody waited for. */
static bool is_ours(const struct move_imap *c, struct str tag)
{
	char ours[16];

	snprintf(ours, sizeof(ours), "m%u", c->tag);
	return str_eq(tag, str_z(ours));
}

int move_imap_next(struct move_imap *c, struct move_imap_reply *ret, struct fault *fault)
{
	size_t n = 0;
	int r;

	buf_consume(&c->in, c->used);
	c->used = 0;
	arena_reset(&c->arena);
	while ((r = move_imap_response(buf_str(&c->in), &n)) == 0) {
		r = fill(c, fault);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return fault_set(fault, -E_LIMIT, "the server sends more than fits");
	c->used = n;
	r = move_imap_parse(&c->arena, str_head(buf_str(&c->in), n), ret);
	if (r < 0)
		return fault_set(fault, -E_SYNTAX, "the server sent what is no IMAP: %" STR_FMT,
				 STR_ARG(str_head(buf_str(&c->in), n < 80 ? n : 80)));
	if (ret->kind == MOVE_IMAP_TAGGED && !is_ours(c, ret->tag))
		ret->kind = MOVE_IMAP_OTHER;
	if (ret->kind == MOVE_IMAP_CAPABILITY || str_istarts(ret->text, S("[CAPABILITY ")))
		note_capabilities(c, ret->text);
	if (ret->kind == MOVE_IMAP_BYE)
		return fault_set(fault, -E_CLOSED, "the server says %" STR_FMT, STR_ARG(str_head(ret->text, 200)));
	return 0;
}

static int take_to_end(struct move_imap *c, struct fault *fault)
{
	struct move_imap_reply reply = { 0 };
	int r;

	do {
		r = move_imap_next(c, &reply, fault);
		if (r < 0)
			return r;
	} while (reply.kind != MOVE_IMAP_TAGGED);
	return reply.is_ok ? 0 : fault_set(fault, -E_CANNOT, "the server says %" STR_FMT, STR_ARG(str_head(reply.text, 200)));
}

int move_imap_ask(struct move_imap *c, struct str command, struct fault *fault)
{
	int r = move_imap_send(c, command, fault);

	return r < 0 ? r : take_to_end(c, fault);
}

/* ---- connecting ---- */

static int connect_one(const struct addrinfo *ai)
{
	const struct timeval wait = { .tv_sec = WAIT_S };
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int err = 0;
	socklen_t n = sizeof(err);

	if (fd < 0)
		return -1;
	errno = 0;
	if (connect(fd, ai->ai_addr, ai->ai_addrlen) == 0 || errno == EINPROGRESS) {
		errno = 0;
		if (poll(&p, 1, CONNECT_MS) != 1)
			errno = ETIMEDOUT;
		else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &n) == 0 && err == 0 && fcntl(fd, F_SETFL, 0) == 0 &&
			 setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) == 0 &&
			 setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) == 0)
			return fd;
	}
	err = err ? err : errno;
	close(fd);
	errno = err;
	return -1;
}

static int connect_to(struct move_imap *c, struct fault *fault)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	AUTO(mem_auto_free) char *host_z = mem_dup_z(c->o->host);
	char port[8];
	int r;

	snprintf(port, sizeof(port), "%u", c->o->port);
	r = getaddrinfo(host_z, port, &hints, &list);
	if (r != 0)
		return fault_set(fault, -E_NOT_FOUND, "%s: %s", host_z, gai_strerror(r));
	for (const struct addrinfo *ai = list; ai && c->fd < 0; ai = ai->ai_next)
		c->fd = connect_one(ai);
	r = errno;
	freeaddrinfo(list);
	return c->fd < 0 ? fault_errno(fault, r, "cannot connect to %s port %s", host_z, port) : 0;
}

static bool is_address(const char *host_z)
{
	struct in6_addr v;

	return inet_pton(AF_INET, host_z, &v) == 1 || inet_pton(AF_INET6, host_z, &v) == 1;
}

static bool expect_name(SSL *ssl, char *host_z)
{
	if (is_address(host_z))
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host_z) == 1;
	return SSL_set1_host(ssl, host_z) == 1 && SSL_set_tlsext_host_name(ssl, host_z) == 1;
}

static int start_tls(struct move_imap *c, struct fault *fault)
{
	AUTO(mem_auto_free) char *host_z = mem_dup_z(c->o->host);

	c->ctx = SSL_CTX_new(TLS_client_method());
	if (!c->ctx || SSL_CTX_set_min_proto_version(c->ctx, TLS1_2_VERSION) != 1)
		return tls_fault(fault, -E_TLS, "cannot start TLS");
	if (c->o->ca_file_z ? SSL_CTX_load_verify_locations(c->ctx, c->o->ca_file_z, NULL) != 1
			    : SSL_CTX_set_default_verify_paths(c->ctx) != 1)
		return tls_fault(fault, -E_USAGE, "cannot read the certificates to trust");
	SSL_CTX_set_verify(c->ctx, c->o->is_insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
	c->ssl = SSL_new(c->ctx);
	if (!c->ssl || !expect_name(c->ssl, host_z) || SSL_set_fd(c->ssl, c->fd) != 1)
		return tls_fault(fault, -E_TLS, "cannot start TLS");
	SSL_set_mode(c->ssl, SSL_MODE_AUTO_RETRY);
	if (SSL_connect(c->ssl) == 1)
		return 0;
	if (SSL_get_verify_result(c->ssl) != X509_V_OK)
		return fault_set(fault, -E_TLS, "the certificate of %s does not verify: %s; name the one to trust with --ca-file, "
				 "or take any with --insecure", host_z, X509_verify_cert_error_string(SSL_get_verify_result(c->ssl)));
	return tls_fault(fault, -E_TLS, "TLS failed");
}

/* RFC 3501 9: quoted; the server sees any byte of it as it is. */
static void add_quoted(struct buf *out, struct str s)
{
	buf_add_char(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, s.p[i]);
	}
	buf_add_char(out, '"');
}

/* RFC 4616 2. */
static void add_plain(struct buf *out, const struct move_imap_options *o)
{
	AUTO(buf_fini) struct buf message = BUF_INIT(65536);

	buf_add_char(&message, '\0');
	buf_add(&message, o->user);
	buf_add_char(&message, '\0');
	buf_add(&message, o->password);
	text_b64_encode(out, buf_str(&message));
	mem_wipe(message.p, message.n);
}

/* Without SASL-IR (RFC 4959) the server asks for it. */
static int authenticate_plain(struct move_imap *c, struct fault *fault)
{
	AUTO(buf_fini) struct buf plain = BUF_INIT(131072);
	AUTO(buf_fini) struct buf line = BUF_INIT(131072);
	struct move_imap_reply reply = { 0 };
	int r;

	add_plain(&plain, c->o);
	buf_add(&line, S("AUTHENTICATE PLAIN"));
	if (c->has_sasl_ir)
		buf_printf(&line, " %" STR_FMT, STR_ARG(buf_str(&plain)));
	r = move_imap_send(c, buf_str(&line), fault);
	while (r == 0 && !c->has_sasl_ir && reply.kind != MOVE_IMAP_CONTINUE) {
		r = move_imap_next(c, &reply, fault);
		if (r == 0 && reply.kind == MOVE_IMAP_TAGGED)
			r = fault_set(fault, -E_AUTH_FAILED, "the server refuses the login");
	}
	if (r == 0 && !c->has_sasl_ir) {
		buf_add(&plain, S("\r\n"));
		r = write_all(c, buf_str(&plain), fault);
	}
	mem_wipe(plain.p, plain.n);
	mem_wipe(line.p, line.n);
	return r < 0 ? r : take_to_end(c, fault);
}

static int log_in(struct move_imap *c, struct fault *fault)
{
	AUTO(buf_fini) struct buf line = BUF_INIT(131072);
	int r;

	if (c->may_plain) {
		r = authenticate_plain(c, fault);
	} else if (!c->may_login) {
		r = fault_set(fault, -E_AUTH_FAILED, "the server offers neither AUTH=PLAIN nor LOGIN");
	} else {
		buf_add(&line, S("LOGIN "));
		add_quoted(&line, c->o->user);
		buf_add_char(&line, ' ');
		add_quoted(&line, c->o->password);
		r = move_imap_ask(c, buf_str(&line), fault);
		mem_wipe(line.p, line.n);
	}
	if (r == -E_CANNOT)
		r = -E_AUTH_FAILED;
	return r;
}

/* Greeting, TLS, login. */
static int begin(struct move_imap *c, struct fault *fault)
{
	struct move_imap_reply greeting = { 0 };
	int r = connect_to(c, fault);

	if (r == 0 && c->o->is_tls)
		r = start_tls(c, fault);
	if (r == 0)
		r = move_imap_next(c, &greeting, fault);
	if (r == 0 && !c->o->is_tls) {
		r = move_imap_ask(c, S("CAPABILITY"), fault);
		if (r == 0 && c->has_starttls) {
			r = move_imap_ask(c, S("STARTTLS"), fault);
			buf_reset(&c->in); /* what came before TLS is nobody's */
			c->used = 0;
			if (r == 0)
				r = start_tls(c, fault);
		} else if (r == 0 && !c->o->is_insecure) {
			r = fault_set(fault, -E_TLS, "the server offers no STARTTLS; use imaps://, or send the password readably with --insecure");
		}
	}
	if (r == 0)
		r = move_imap_ask(c, S("CAPABILITY"), fault);
	return r < 0 || greeting.kind == MOVE_IMAP_GREETING_AUTH ? r : log_in(c, fault);
}

int move_imap_open(const struct move_imap_options *o, struct move_imap **ret, struct fault *fault)
{
	struct move_imap *c = MEM_NEW(struct move_imap);
	int r;

	*c = (struct move_imap){ .o = o, .fd = -1, .in = BUF_INIT(LIMIT_IMPORT_MESSAGE + 2 * LIMIT_MOVE_LINE) };
	arena_init(&c->arena, ARENA_MAX);
	r = begin(c, fault);
	if (r < 0)
		move_imap_close(&c);
	else
		*ret = c;
	return r;
}

void move_imap_close(struct move_imap **cp)
{
	struct move_imap *c = *cp;

	if (!c)
		return;
	SSL_free(c->ssl);
	SSL_CTX_free(c->ctx);
	if (c->fd >= 0)
		close(c->fd);
	buf_fini(&c->in);
	arena_fini(&c->arena);
	mem_free(c);
	*cp = NULL;
}
