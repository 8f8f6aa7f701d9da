/* SPDX-License-Identifier: MIT */
/*
 * A connection to another IMAP server: blocking, with a time limit for each wait. The certificate must verify for the name that was given,
 * and the password goes over TLS only, unless the user says otherwise. RFC 9051 11.1, RFC 8314 3, RFC 9525 6.
 */
#include "move/imap.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"
#include "net/stream.h"

#define WAIT_MS 120000
#define CONNECT_MS 15000 /* to one address */
#define ADDRESSES 16
#define ARENA_MAX (8u << 20)

struct move_imap {
	const struct move_imap_options *o;
	struct net_stream *stream;
	struct net_stream_tls *tls;
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

static int64_t deadline(void)
{
	return clock_mono_ms() + WAIT_MS;
}

static int lost(struct move_imap *c, int code, struct fault *fault)
{
	if (code == -E_TIMEOUT)
		return fault_set(fault, code, "the server does not answer");
	if (code == -E_CLOSED)
		return fault_set(fault, code, "the server closed the connection");
	return fault_set(fault, -E_CLOSED, "the connection was lost: %s", net_stream_fault_z(c->stream));
}

static int write_all(struct move_imap *c, struct str s, struct fault *fault)
{
	int r;

	net_stream_write(c->stream, s, deadline());
	r = net_stream_flush(c->stream, deadline());
	return r < 0 ? lost(c, r, fault) : 0;
}

static int fill(struct move_imap *c, struct fault *fault)
{
	char *p = buf_reserve(&c->in, 65536);
	int n;

	if (!p)
		return fault_set(fault, -E_LIMIT, "there is not enough memory for what the server sends");
	n = net_stream_read(c->stream, p, 65536, deadline());
	if (n < 0)
		return lost(c, n, fault);
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

static int connect_to(struct move_imap *c, struct fault *fault)
{
	AUTO(mem_auto_free) char *host_z = mem_dup_z(c->o->host);
	struct net_address addresses[ADDRESSES];
	struct net_stream_connect to = { .addresses = addresses, .each_ms = CONNECT_MS, .deadline_ms = deadline() };
	struct fault why = { "" };
	size_t index;
	int r = net_address_lookup(host_z, c->o->port, addresses, ADDRESSES, &to.n, fault);

	if (r < 0)
		return r;
	r = net_stream_connect(&to, &c->stream, &index, &why);
	return r < 0 ? fault_set(fault, r, "cannot connect to %s port %u: %s", host_z, c->o->port, why.text) : 0;
}

static int start_tls(struct move_imap *c, struct fault *fault)
{
	AUTO(mem_auto_free) char *host_z = mem_dup_z(c->o->host);
	const char *names_z[] = { host_z, NULL };
	struct net_address literal;
	struct net_stream_tls_want want = { .trust = c->o->is_insecure ? NET_TRUST_ANY : NET_TRUST_PKIX, .names_z = names_z };
	struct net_stream_tls_info info;
	int r = net_stream_tls_new_file(c->o->ca_file_z, &c->tls, fault);

	if (r < 0)
		return r;
	want.sni_z = net_address_parse(c->o->host, 0, &literal) ? NULL : host_z;
	r = net_stream_starttls(c->stream, c->tls, &want, deadline());
	if (r == -E_TLS && net_stream_tls_info(c->stream, &info) && info.problem_z[0])
		return fault_set(fault, r, "the certificate of %s does not verify: %s; name the one to trust with --ca-file, or take any with "
				 "--insecure", host_z, info.problem_z);
	return r < 0 ? fault_set(fault, r, "TLS with %s: %s", host_z, net_stream_fault_z(c->stream)) : 0;
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
		text_quote(&line, c->o->user);
		buf_add_char(&line, ' ');
		text_quote(&line, c->o->password);
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

	*c = (struct move_imap){ .o = o, .in = BUF_INIT(LIMIT_IMPORT_MESSAGE + 2 * LIMIT_MOVE_LINE) };
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
	net_stream_close(&c->stream);
	net_stream_tls_free(c->tls);
	buf_fini(&c->in);
	arena_fini(&c->arena);
	mem_free(c);
	*cp = NULL;
}
