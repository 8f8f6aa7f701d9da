/* SPDX-License-Identifier: MIT */
/*
 * Logging in at another server: AUTHENTICATE (RFC 9051 6.2.2), with its first message in the command where SASL-IR (RFC 4959) lets it; where no mechanism of ours is offered,
 * or only such as this account cannot use, LOGIN (RFC 9051 6.2.3), unless the server forbids it.
 */
#include "imap/client_int.h"

#include "base/limits.h"
#include "base/text.h"
#include "sasl/client.h"

#define MESSAGE (4 * LIMIT_SASL_LINE)

/* A refusal that says nothing about the password (RFC 9051 7.1). */
static bool is_trouble(struct str code)
{
	static const struct str codes[] = { STR_INIT("UNAVAILABLE"), STR_INIT("INUSE"), STR_INIT("LIMIT"), STR_INIT("SERVERBUG"),
					    STR_INIT("PRIVACYREQUIRED") };

	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (str_ieq(code, codes[i]))
			return true;
	return false;
}

static int refused(struct imap_client *c, const struct imap_client_reply *r, struct fault *fault)
{
	return imap_client_says(c, is_trouble(r->code) ? -E_BUSY : -E_AUTH_FAILED, fault);
}

/* ---- AUTHENTICATE ---- */

static int say(struct imap_client *c, struct buf *message, const char *what_z, struct fault *fault)
{
	buf_add(message, S("\r\n"));
	imap_client_write(c, buf_str(message), what_z);
	mem_wipe(message->p, message->n);
	return imap_client_flush(c, fault);
}

/* *ret_is_held: our first message is there, and waits for the server's go. */
static int begin(struct imap_client *c, struct sasl_client *x, struct buf *message, bool *ret_is_held, struct fault *fault)
{
	AUTO(buf_fini) struct buf line = BUF_INIT(MESSAGE);
	AUTO(buf_fini) struct buf traced = BUF_INIT(200);
	bool has_initial = sasl_client_has_initial(x);
	int r = has_initial ? sasl_client_step(x, S(""), message, fault) : 0;

	if (r < 0)
		return r;
	*ret_is_held = has_initial && !c->caps.has_sasl_ir;
	buf_printf(&line, "AUTHENTICATE %s", sasl_client_mechanism_z(x));
	buf_add(&traced, buf_str(&line));
	if (has_initial && !*ret_is_held) {
		buf_add(&traced, S(" <secret>"));
		buf_printf(&line, " %" STR_FMT, STR_ARG(message->n > 0 ? buf_str(message) : S("="))); /* RFC 4959 3: an empty one */
	}
	r = imap_client_command(c, buf_str(&line), buf_z(&traced), NULL, fault);
	mem_wipe(line.p, line.n);
	return r;
}

static int exchange(struct imap_client *c, struct sasl_client *x, struct fault *fault)
{
	AUTO(buf_fini) struct buf message = BUF_INIT(MESSAGE);
	struct imap_client_reply reply = { 0 };
	struct fault why = { 0 };
	int bad = 0; /* why we have cancelled */
	bool is_held;
	int r = begin(c, x, &message, &is_held, fault);

	while (r == 0) {
		r = imap_client_turn(c, &reply, fault);
		if (r < 0 || reply.kind == IMAP_CLIENT_TAGGED)
			break;
		if (bad < 0)
			return imap_client_lose(c, -E_SYNTAX, fault, "the server goes on with a login that was cancelled");
		if (!is_held)
			bad = sasl_client_step(x, reply.text, &message, &why);
		is_held = false;
		if (bad < 0)
			buf_add(&message, S("*"));
		r = say(c, &message, bad < 0 ? "*" : "<secret>", fault);
		bad = bad < 0 ? bad : 0;
	}
	if (message.p != NULL)
		mem_wipe(message.p, message.n);
	if (r < 0)
		return r;
	if (reply.is_ok && sasl_client_is_proven(x))
		return 0;
	if (reply.is_ok)
		return imap_client_lose(c, -E_DENIED, fault, "the server said that the login succeeded, and did not prove that it knows the password");
	if (bad < 0)
		return fault_set(fault, bad == -E_DENIED ? -E_DENIED : -E_AUTH_FAILED, "%s", why.text);
	return refused(c, &reply, fault);
}

/* ---- LOGIN ---- */

static bool is_quotable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || (unsigned char)s.p[i] >= 0x7f)
			return false;
	return true;
}

/* One argument into the command, which goes to the server up to the head of a literal and waits where it must. 0; 1: the server has refused it. */
static int argument(struct imap_client *c, struct buf *line, struct str s, bool *is_begun, struct imap_client_reply *ret, struct fault *fault)
{
	bool is_waiting = !c->caps.has_literal_plus && !(c->caps.has_literal_minus && s.n <= 4096); /* RFC 7888 5 */
	int r;

	buf_add_char(line, ' ');
	if (is_quotable(s)) {
		text_quote(line, s);
		return 0;
	}
	buf_printf(line, "{%zu%s}", s.n, is_waiting ? "" : "+");
	if (!is_waiting) {
		buf_add(line, S("\r\n"));
		buf_add(line, s);
		return 0;
	}
	r = *is_begun ? say(c, line, "<secret>", fault) : imap_client_command(c, buf_str(line), "LOGIN <secret>", NULL, fault);
	*is_begun = true;
	buf_reset(line);
	if (r == 0)
		r = imap_client_turn(c, ret, fault);
	buf_add(line, s);
	return r < 0 ? r : ret->kind == IMAP_CLIENT_TAGGED;
}

static int login(struct imap_client *c, struct fault *fault)
{
	AUTO(buf_fini) struct buf line = BUF_INIT(MESSAGE);
	struct imap_client_reply reply = { 0 };
	bool is_begun = false;
	int r;

	if (str_chr(c->o.user, '\0') >= 0 || str_chr(c->o.password, '\0') >= 0)
		return fault_set(fault, -E_CANNOT, "LOGIN cannot carry this name and password");
	buf_add(&line, S("LOGIN"));
	r = argument(c, &line, c->o.user, &is_begun, &reply, fault);
	if (r == 0)
		r = argument(c, &line, c->o.password, &is_begun, &reply, fault);
	if (r == 0 && buf_overflowed(&line))
		r = imap_client_lose(c, -E_CANNOT, fault, "LOGIN cannot carry this name and password");
	if (r == 0)
		r = is_begun ? say(c, &line, "<secret>", fault) : imap_client_command(c, buf_str(&line), "LOGIN <secret>", NULL, fault);
	if (r == 0)
		r = imap_client_turn(c, &reply, fault);
	if (line.p != NULL)
		mem_wipe(line.p, line.n);
	if (r < 0)
		return r;
	if (reply.kind != IMAP_CLIENT_TAGGED)
		return imap_client_lose(c, -E_SYNTAX, fault, "the server wants more than LOGIN has");
	return reply.is_ok ? 0 : refused(c, &reply, fault);
}

int imap_client_auth(struct imap_client *c, struct fault *fault)
{
	const struct sasl_client_options o = {
		.offered = c->caps.auth,
		.user = c->o.user,
		.password = c->o.password,
		.service_z = "imap",
		.host_z = c->o.host_z,
		.stream = c->s,
	};
	AUTO(sasl_client_close) struct sasl_client *x = NULL;
	bool may_login = !c->caps.is_login_disabled;
	int r = sasl_client_open(&o, &x, fault);

	if (r < 0)
		return may_login ? login(c, fault) : r;
	r = exchange(c, x, fault);
	if (r == -E_AUTH_FAILED && c->lost == 0 && sasl_client_next(x))
		return exchange(c, x, fault);
	/* It has no mechanism more: all were of SCRAM, for which accounts often have no keys. */
	if (r == -E_AUTH_FAILED && c->lost == 0 && may_login && sasl_client_mechanism_z(x)[0] == '\0')
		return login(c, fault);
	return r;
}
