/* SPDX-License-Identifier: MIT */
/*
 * The client's dialogue: greeting, capabilities, TLS, login, then commands and what is answered.
 *
 * 1. What was learned before TLS is forgotten; what the server sent before it and was not asked for ends the dialogue (RFC 9051 11.1).
 * 2. Neither a password nor anything of the user's goes to who has not shown that it is the one we want (verified TLS), unless the caller says
 *    otherwise: PREAUTH without TLS is refused too.
 * 3. A response may take wait_ms, and a millisecond more for each of its bytes, so that who sends slowly is no reason to wait for ever.
 * 4. A tagged answer to none of the commands under way is no answer.
 * 5. Once the connection is lost nothing more is said; otherwise it ends with LOGOUT, if no command is under way.
 */
#include "imap/client_int.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"

#define WAIT_MS 120000
#define LOGOUT_MS 2000
#define READ 65536u
#define ARENA (8u << 20)
#define COMMAND (1u << 20)
#define WORDS 1000           /* of a status, that are kept */
#define LITERAL_MINUS 4096   /* RFC 7888 5 */

/* ---- what went wrong ---- */

int imap_client_lose(struct imap_client *c, int code, struct fault *fault, const char *fmt, ...)
{
	char text[sizeof(fault->text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->lost = code;
	return fault_set(fault, code, "%s", text);
}

void imap_client_clean(struct buf *out, struct str s)
{
	size_t from = out->n;

	text_clean(out, s);
	for (size_t i = from; i < out->n; i++)
		if (out->p[i] == '\n') /* there may be literals where none belong */
			out->p[i] = ' ';
}

int imap_client_says(struct imap_client *c, int code, struct fault *fault)
{
	AUTO(buf_fini) struct buf shown = BUF_INIT(250); /* whole characters */

	imap_client_clean(&shown, c->words.n > 0 ? buf_str(&c->words) : S("no"));
	return fault_set(fault, code, "the server says %s", buf_z(&shown));
}

static int lose_stream(struct imap_client *c, int code, struct fault *fault)
{
	if (code == -E_TIMEOUT)
		return imap_client_lose(c, code, fault, "the server does not answer");
	if (code == -E_CLOSED)
		return imap_client_lose(c, code, fault, "the server closed the connection");
	return imap_client_lose(c, code, fault, "the connection was lost: %s", net_stream_fault_z(c->s));
}

static int64_t deadline(const struct imap_client *c, int64_t ms)
{
	int64_t deadline_ms = clock_mono_ms() + ms;

	return c->o.until_ms > 0 && c->o.until_ms < deadline_ms ? c->o.until_ms : deadline_ms;
}

/* ---- writing ---- */

void imap_client_write(struct imap_client *c, struct str bytes, const char *what_z)
{
	if (c->o.trace != NULL)
		c->o.trace(c->o.trace_ctx, true, str_z(what_z));
	c->n_responses = 0;
	net_stream_write(c->s, bytes, deadline(c, c->o.wait_ms));
}

int imap_client_flush(struct imap_client *c, struct fault *fault)
{
	int r = c->lost < 0 ? c->lost : net_stream_flush(c->s, deadline(c, c->o.wait_ms));

	/* A server that has said why and closed can still be read. */
	if (r == 0 || (c->lost == 0 && (r == -E_CLOSED || r == -E_IO)))
		return 0;
	return lose_stream(c, r, fault);
}

/* Ours as the trace shows it: up to its first literal. */
static void trace_command(struct imap_client *c, struct str line)
{
	ptrdiff_t end = str_chr(line, '\r');

	if (c->o.trace != NULL)
		c->o.trace(c->o.trace_ctx, true, end < 0 ? line : str_head(line, (size_t)end));
}

int imap_client_command(struct imap_client *c, struct str command, const char *what_z, unsigned *ret_tag, struct fault *fault)
{
	AUTO(buf_fini) struct buf line = BUF_INIT(COMMAND);
	char traced[100];
	int r;

	if (c->lost < 0)
		return lose_stream(c, c->lost, fault);
	if (c->n_under_way == ARRAY_LEN(c->under_way))
		return fault_set(fault, -E_LIMIT, "too many commands are under way");
	buf_printf(&line, "m%u ", c->tag + 1);
	buf_add(&line, command);
	buf_add(&line, S("\r\n"));
	if (buf_overflowed(&line))
		return fault_set(fault, -E_LIMIT, "a command is too long");
	c->under_way[c->n_under_way++] = ++c->tag;
	if (ret_tag != NULL)
		*ret_tag = c->tag;
	c->n_responses = 0;
	snprintf(traced, sizeof(traced), "m%u %s", c->tag, what_z != NULL ? what_z : "");
	trace_command(c, what_z != NULL ? str_z(traced) : buf_str(&line));
	net_stream_write(c->s, buf_str(&line), deadline(c, c->o.wait_ms));
	r = imap_client_flush(c, fault);
	if (what_z != NULL)
		mem_wipe(line.p, line.n);
	return r;
}

int imap_client_send(struct imap_client *c, struct str command, unsigned *ret_tag, struct fault *fault)
{
	return imap_client_command(c, command, NULL, ret_tag, fault);
}

int imap_client_put(struct imap_client *c, struct str bytes, struct fault *fault)
{
	if (c->lost < 0)
		return lose_stream(c, c->lost, fault);
	trace_command(c, bytes);
	c->n_responses = 0;
	net_stream_write(c->s, bytes, deadline(c, c->o.wait_ms));
	return imap_client_flush(c, fault);
}

bool imap_client_add_name(struct buf *out, struct str raw)
{
	for (size_t i = 0; i < raw.n; i++)
		if (raw.p[i] == '\r' || raw.p[i] == '\n' || raw.p[i] == '\0')
			return false;
	text_quote(out, raw);
	return true;
}

/* ---- reading ---- */

static struct str unread(const struct imap_client *c)
{
	return str_skip(buf_str(&c->in), c->used);
}

static int fill(struct imap_client *c, int64_t deadline_ms)
{
	char *p;
	int n;

	buf_consume(&c->in, c->used);
	c->used = 0;
	if (c->in.n == 0 && c->in.cap > 4 * READ)
		buf_fini(&c->in); /* a large message has gone */
	p = buf_reserve(&c->in, READ);
	if (p == NULL)
		return -E_LIMIT;
	n = net_stream_read(c->s, p, READ, deadline_ms);
	if (n < 0)
		return n;
	buf_commit(&c->in, (size_t)n);
	return 0;
}

/* The response without the bytes of its literals; challenges are not shown. */
static void trace_response(struct imap_client *c, struct str response)
{
	AUTO(buf_fini) struct buf line = BUF_INIT(LIMIT_IMAP_RESPONSE);
	struct imap_client_scan s = { 0 };
	struct str rest = response;
	size_t n = 0;

	if (c->o.trace == NULL)
		return;
	if (c->hides_challenges && str_starts(response, S("+"))) {
		c->o.trace(c->o.trace_ctx, false, S("+ <challenge>"));
		return;
	}
	while (rest.n > 0) {
		ptrdiff_t lf = str_chr(rest, '\n');
		size_t line_n = lf < 0 ? rest.n : (size_t)lf + 1;

		buf_add(&line, str_head(rest, line_n >= 2 && rest.p[line_n - 2] == '\r' ? line_n - 2 : line_n));
		s = (struct imap_client_scan){ 0 };
		if (imap_client_scan(&s, str_head(rest, line_n), UINT32_MAX, &n) != 0)
			break;
		rest = str_skip(rest, s.at);
	}
	c->o.trace(c->o.trace_ctx, false, buf_str(&line));
}

static void note_capabilities(struct imap_client *c, const struct imap_client_reply *r)
{
	bool is_code = str_istarts(r->code, S("CAPABILITY "));
	struct str text = is_code ? str_skip(r->code, 11) : r->text;

	if (!is_code && r->kind != IMAP_CLIENT_CAPABILITY)
		return;
	arena_reset(&c->caps_arena);
	imap_client_caps_parse(text, &c->caps_arena, &c->caps);
	c->n_caps_told++;
}

static void note_words(struct imap_client *c, const struct imap_client_reply *r)
{
	if (r->kind != IMAP_CLIENT_TAGGED && r->kind != IMAP_CLIENT_UNTAGGED && r->kind != IMAP_CLIENT_BYE && r->kind != IMAP_CLIENT_PREAUTH)
		return;
	buf_reset(&c->words);
	if (r->code.n > 0 && !str_istarts(r->code, S("CAPABILITY "))) {
		imap_client_clean(&c->words, S("["));
		imap_client_clean(&c->words, str_head(r->code, 100));
		imap_client_clean(&c->words, S("] "));
	}
	imap_client_clean(&c->words, r->text);
}

/* False: nobody has asked. */
static bool take_tag(struct imap_client *c, struct str tag)
{
	unsigned number = imap_client_tag(tag);

	for (size_t i = 0; i < c->n_under_way; i++) {
		if (c->under_way[i] == number) {
			c->under_way[i] = c->under_way[--c->n_under_way];
			return true;
		}
	}
	return false;
}

unsigned imap_client_tag(struct str tag)
{
	uint64_t v;

	return str_starts(tag, S("m")) && str_to_u64(str_skip(tag, 1), UINT32_MAX, &v) ? (unsigned)v : 0;
}

static int lose_syntax(struct imap_client *c, struct str response, struct fault *fault)
{
	AUTO(buf_fini) struct buf shown = BUF_INIT(80);

	imap_client_clean(&shown, str_trim(response));
	return imap_client_lose(c, -E_SYNTAX, fault, "the server sent what is no IMAP: %s", buf_z(&shown));
}

/* One that is there. */
static int take(struct imap_client *c, size_t n, struct imap_client_reply *ret, struct fault *fault)
{
	struct str response = str_head(unread(c), n);
	int r;

	c->used += n;
	if (++c->n_responses > c->max_responses)
		return imap_client_lose(c, -E_LIMIT, fault, "the server talks without an end");
	trace_response(c, response);
	r = imap_client_parse(&c->arena, response, ret);
	if (r == -E_LIMIT)
		return imap_client_lose(c, r, fault, "the server sends more than fits");
	if (r < 0)
		return lose_syntax(c, response, fault);
	if (ret->kind == IMAP_CLIENT_TAGGED && !take_tag(c, ret->tag))
		ret->kind = IMAP_CLIENT_OTHER;
	note_words(c, ret);
	note_capabilities(c, ret);
	if (ret->kind != IMAP_CLIENT_BYE)
		return 0;
	c->is_bye = true;
	c->lost = -E_CLOSED;
	return imap_client_says(c, -E_CLOSED, fault);
}

int imap_client_next(struct imap_client *c, struct imap_client_reply *ret, struct fault *fault)
{
	int64_t begun_ms = clock_mono_ms();
	size_t n = 0;
	int r;

	arena_reset(&c->arena);
	if (c->lost < 0)
		return lose_stream(c, c->lost, fault);
	while ((r = imap_client_scan(&c->scan, unread(c), c->o.max_literal, &n)) == 0) {
		int64_t until_ms = begun_ms + c->o.wait_ms + (int64_t)(c->in.n - c->used);

		r = fill(c, c->o.until_ms > 0 && c->o.until_ms < until_ms ? c->o.until_ms : until_ms);
		if (r < 0)
			break;
	}
	if (r == -E_LIMIT)
		return imap_client_lose(c, r, fault, "the server sends more than fits");
	return r < 0 ? lose_stream(c, r, fault) : take(c, n, ret, fault);
}

int imap_client_await(struct imap_client *c, int64_t ms, struct imap_client_reply *ret, struct fault *fault)
{
	int r = 0;

	if (c->lost == 0 && unread(c).n == 0) {
		r = fill(c, deadline(c, ms));
		if (r == -E_TIMEOUT)
			return 0;
	}
	if (r < 0)
		return lose_stream(c, r, fault);
	r = imap_client_next(c, ret, fault);
	return r < 0 ? r : 1;
}

int imap_client_turn(struct imap_client *c, struct imap_client_reply *ret, struct fault *fault)
{
	int r;

	do
		r = imap_client_next(c, ret, fault);
	while (r == 0 && ret->kind != IMAP_CLIENT_TAGGED && ret->kind != IMAP_CLIENT_CONTINUE);
	return r;
}

/* ---- commands ---- */

int imap_client_result(struct imap_client *c, const struct imap_client_reply *tagged, struct fault *fault)
{
	return tagged->is_ok ? 0 : imap_client_says(c, -E_CANNOT, fault);
}

int imap_client_ask(struct imap_client *c, struct str command, int (*see)(void *ctx, const struct imap_client_reply *r, struct fault *fault), void *ctx,
		    struct fault *fault)
{
	struct imap_client_reply reply = { 0 };
	unsigned tag = 0;
	int r = imap_client_send(c, command, &tag, fault);

	while (r == 0) {
		r = imap_client_next(c, &reply, fault);
		if (r == 0 && reply.kind == IMAP_CLIENT_TAGGED && imap_client_tag(reply.tag) == tag)
			return imap_client_result(c, &reply, fault);
		if (r == 0 && see != NULL)
			r = see(ctx, &reply, fault);
	}
	return r;
}

int imap_client_append(struct imap_client *c, struct str mailbox, struct str flags, struct str date, struct str bytes, struct imap_client_reply *ret,
		       struct fault *fault)
{
	AUTO(buf_fini) struct buf line = BUF_INIT(COMMAND);
	bool is_waiting = !c->caps.has_literal_plus && !(c->caps.has_literal_minus && bytes.n <= LITERAL_MINUS);
	struct imap_client_reply reply = { 0 };
	int r;

	buf_add(&line, S("APPEND "));
	if (!imap_client_add_name(&line, mailbox))
		return fault_set(fault, -E_CANNOT, "the name of the mailbox has characters that no command can carry");
	if (flags.n > 0)
		buf_printf(&line, " (%" STR_FMT ")", STR_ARG(flags));
	if (date.n > 0)
		buf_printf(&line, " \"%" STR_FMT "\"", STR_ARG(date));
	buf_printf(&line, " {%zu%s}", bytes.n, is_waiting ? "" : "+");
	r = imap_client_send(c, buf_str(&line), NULL, fault);
	if (r == 0 && is_waiting)
		r = imap_client_turn(c, &reply, fault);
	if (r == 0 && reply.kind != IMAP_CLIENT_TAGGED) {
		net_stream_write(c->s, bytes, deadline(c, c->o.wait_ms + (int64_t)bytes.n));
		net_stream_write(c->s, S("\r\n"), deadline(c, c->o.wait_ms));
		r = imap_client_flush(c, fault);
	}
	while (r == 0 && reply.kind != IMAP_CLIENT_TAGGED)
		r = imap_client_turn(c, &reply, fault);
	if (r == 0)
		*ret = reply;
	return r;
}

/* ---- the way in ---- */

/* What the options demand of who is to have anything of the user's. */
static bool is_trusted(const struct imap_client *c)
{
	struct net_stream_tls_info info;

	return c->o.may_plain || (net_stream_tls_info(c->s, &info) && info.is_verified);
}

static int greet(struct imap_client *c, struct fault *fault)
{
	struct imap_client_reply reply = { 0 };
	int r = imap_client_next(c, &reply, fault);

	if (r < 0)
		return r;
	buf_add(&c->greeting, buf_str(&c->words));
	c->is_preauth = reply.kind == IMAP_CLIENT_PREAUTH;
	if (!c->is_preauth && (reply.kind != IMAP_CLIENT_UNTAGGED || !reply.is_ok))
		return imap_client_lose(c, -E_SYNTAX, fault, "the server does not greet as an IMAP server");
	if (c->is_preauth && c->o.starttls == NET_STARTTLS_ALWAYS)
		return fault_set(fault, -E_CANNOT, "the server takes us as logged in (PREAUTH), and then there can be no TLS");
	if (c->is_preauth && c->o.user.n > 0 && !is_trusted(c))
		return fault_set(fault, -E_CANNOT, "the server takes us as logged in (PREAUTH), without TLS and a certificate that verifies");
	return 0;
}

static int capabilities(struct imap_client *c, struct fault *fault)
{
	int r = c->n_caps_told > 0 ? 0 : imap_client_ask(c, S("CAPABILITY"), NULL, NULL, fault);

	if (r == -E_CANNOT)
		r = -E_DENIED;
	if (r == 0 && !c->caps.is_rev1 && !c->caps.is_rev2)
		r = fault_set(fault, -E_CANNOT, "the server offers neither IMAP4rev1 nor IMAP4rev2");
	return r;
}

static int handshake(struct imap_client *c, struct fault *fault)
{
	int r = net_stream_starttls(c->s, c->o.tls, &c->o.want, deadline(c, c->o.wait_ms));

	return r < 0 ? imap_client_lose(c, r, fault, "%s", net_stream_fault_z(c->s)) : 0;
}

/* RFC 9051 6.2.1. A refusal is no failure where TLS was not demanded: the dialogue goes on in the clear. */
static int secure(struct imap_client *c, struct fault *fault)
{
	bool is_must = c->o.starttls == NET_STARTTLS_ALWAYS;
	int r;

	if (c->o.starttls == NET_STARTTLS_NEVER || c->o.starttls == NET_STARTTLS_FROM_START || c->is_preauth)
		return 0;
	if (!c->caps.has_starttls || c->o.tls == NULL)
		return is_must ? fault_set(fault, -E_CANNOT, "the server does not offer STARTTLS") : 0;
	r = imap_client_ask(c, S("STARTTLS"), NULL, NULL, fault);
	if (r == -E_CANNOT)
		return is_must ? -E_DENIED : 0;
	if (r == 0 && unread(c).n > 0)
		r = imap_client_lose(c, -E_TLS, fault, "the server sent something between its answer and TLS");
	if (r == 0)
		r = handshake(c, fault);
	if (r < 0)
		return r;
	c->n_caps_told = 0;
	c->caps = (struct imap_client_caps){ 0 };
	return capabilities(c, fault);
}

static int log_in(struct imap_client *c, struct fault *fault)
{
	unsigned n_told = c->n_caps_told;
	int r;

	if (c->o.user.n == 0 || c->is_preauth)
		return 0;
	if (!is_trusted(c))
		return fault_set(fault, -E_CANNOT, "no password is sent without TLS and a certificate that verifies");
	c->hides_challenges = true;
	r = imap_client_auth(c, fault);
	c->hides_challenges = false;
	if (r < 0 || c->n_caps_told > n_told)
		return r;
	c->n_caps_told = 0; /* RFC 9051 6.2.2: they may be others now */
	return capabilities(c, fault);
}

static void pass(struct imap_client *c, enum imap_client_stage stage, int err, struct str text)
{
	if (c->o.over != NULL)
		c->o.over(c->o.over_ctx, c, stage, err, text);
}

static int dialogue(struct imap_client *c, enum imap_client_stage *stage, struct fault *fault)
{
	static const struct {
		enum imap_client_stage stage;
		int (*run)(struct imap_client *c, struct fault *fault);
	} rows[] = {
		{ IMAP_CLIENT_TLS, handshake }, /* from the start, and then not again */
		{ IMAP_CLIENT_GREETING, greet },
		{ IMAP_CLIENT_CAPS, capabilities },
		{ IMAP_CLIENT_TLS, secure },
		{ IMAP_CLIENT_AUTH, log_in },
	};
	bool is_tls_first = c->o.starttls == NET_STARTTLS_FROM_START;
	int r = 0;

	for (size_t i = !is_tls_first; i < ARRAY_LEN(rows) && r == 0; i++) {
		*stage = rows[i].stage;
		buf_reset(&c->words);
		r = rows[i].run(c, fault);
		if (r == 0 && !(is_tls_first && i == 3) && (*stage != IMAP_CLIENT_AUTH || c->o.user.n > 0))
			pass(c, *stage, 0, buf_str(&c->words));
	}
	if (c->is_bye)
		return -E_DENIED;
	return r == -E_LIMIT ? -E_SYNTAX : r;
}

static void destroy(struct imap_client *c)
{
	net_stream_close(&c->s);
	buf_fini(&c->in);
	buf_fini(&c->greeting);
	buf_fini(&c->words);
	arena_fini(&c->arena);
	arena_fini(&c->caps_arena);
	mem_free(c);
}

int imap_client_open(struct net_stream *s, const struct imap_client_options *o, struct imap_client **ret, enum imap_client_stage *ret_stage,
		     struct fault *fault)
{
	struct imap_client *c = MEM_NEW(struct imap_client);
	struct fault own = { 0 };
	int r;

	*c = (struct imap_client){ .s = s, .o = *o, .max_responses = LIMIT_IMAP_RESPONSES_EARLY };
	c->o.wait_ms = o->wait_ms > 0 ? o->wait_ms : WAIT_MS;
	c->o.max_literal = o->max_literal > 0 ? o->max_literal : LIMIT_IMPORT_MESSAGE;
	buf_init(&c->in, c->o.max_literal + LIMIT_IMAP_RESPONSE + 2 * READ);
	buf_init(&c->greeting, WORDS);
	buf_init(&c->words, WORDS);
	arena_init(&c->arena, ARENA);
	arena_init(&c->caps_arena, 4 * LIMIT_IMAP_RESPONSE);
	r = dialogue(c, ret_stage, &own);
	c->o.user = c->o.password = S("");
	c->o.want = (struct net_stream_tls_want){ 0 };
	c->max_responses = LIMIT_IMAP_RESPONSES;
	if (r == 0) {
		*ret = c;
		return 0;
	}
	pass(c, *ret_stage, r, str_z(own.text));
	*ret = NULL;
	imap_client_close(&c);
	return fault_set(fault, r, "%s", own.text);
}

void imap_client_close(struct imap_client **cp)
{
	struct imap_client *c = *cp;
	struct fault fault;

	if (c == NULL)
		return;
	*cp = NULL;
	if (c->lost == 0 && c->n_under_way == 0) {
		c->o.wait_ms = LOGOUT_MS;
		c->o.until_ms = deadline(c, LOGOUT_MS);
		c->max_responses = LIMIT_IMAP_RESPONSES_EARLY;
		(void)!imap_client_ask(c, S("LOGOUT"), NULL, NULL, &fault);
	}
	destroy(c);
}

/* ---- what others ask ---- */

const struct imap_client_caps *imap_client_caps(const struct imap_client *c)
{
	return &c->caps;
}

struct net_stream *imap_client_stream(struct imap_client *c)
{
	return c->s;
}

struct str imap_client_greeting(const struct imap_client *c)
{
	return buf_str(&c->greeting);
}
