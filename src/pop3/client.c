/* SPDX-License-Identifier: MIT */
/*
 * A POP3 dialogue from the greeting to the login, RFC 1939 4. The other side is a stranger.
 *
 *   greeting -> CAPA -> STLS, CAPA again -> UTF8 -> AUTH or USER and PASS -> messages (client_messages.c) -> QUIT
 *
 * 1. What was learned before TLS is forgotten (RFC 2595 4); what was sent before it, and not asked for, ends the dialogue.
 * 2. A password is sent only to who has shown that it is the one we want (verified TLS), unless the caller says otherwise.
 * 3. Once the dialogue is out of step (c->lost) nothing more is said. Only pop3_client_quit() says QUIT to a server that has let us in: it deletes.
 */
#include "pop3/client_int.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/must.h"

#define ARENA (256u << 10)
#define WRITE_MS 120000
#define BYE_MS 2000 /* for the answer to QUIT where nothing hangs on it */

int64_t pop3_client_deadline(const struct pop3_client *c)
{
	int64_t deadline_ms = clock_mono_ms() + (c->o.wait_ms > 0 ? c->o.wait_ms : WRITE_MS);

	return c->o.until_ms > 0 && c->o.until_ms < deadline_ms ? c->o.until_ms : deadline_ms;
}

void pop3_client_put(struct pop3_client *c, struct str line, const char *traced_z)
{
	if (c->o.trace != NULL)
		c->o.trace(c->o.trace_ctx, true, traced_z != NULL ? str_z(traced_z) : line);
	net_stream_write(c->s, line, pop3_client_deadline(c));
	net_stream_write(c->s, S("\r\n"), pop3_client_deadline(c));
}

int pop3_client_flush(struct pop3_client *c, struct fault *fault)
{
	int r = net_stream_flush(c->s, pop3_client_deadline(c));

	/* The last words of a server that left can still be read. */
	return r == 0 || r == -E_CLOSED || r == -E_IO ? 0 : pop3_client_lose(c, fault, r, "%s", net_stream_fault_z(c->s));
}

int pop3_client_say(struct pop3_client *c, struct str line, const char *traced_z, struct fault *fault)
{
	int r;

	pop3_client_put(c, line, traced_z);
	r = pop3_client_flush(c, fault);
	pop3_client_begin(c);
	return r < 0 ? r : pop3_client_status(c, fault);
}

/* ---- the way in ---- */

static int greeting(struct pop3_client *c, struct fault *fault)
{
	int r;

	pop3_client_begin(c);
	r = pop3_client_status(c, fault);
	if (r == 0 && c->is_challenge)
		r = pop3_client_lose(c, fault, -E_SYNTAX, "the server sent what is no greeting of POP3");
	if (r < 0)
		return r;
	buf_add(&c->greeting, buf_str(&c->text));
	return c->is_ok ? 0 : pop3_client_refused(c, fault, -E_DENIED, "the connection");
}

static int handshake(struct pop3_client *c, struct fault *fault)
{
	struct net_stream_tls_info info;
	int r;

	if (pop3_client_unread(c).n > 0)
		return pop3_client_lose(c, fault, -E_TLS, "the server sent something before TLS that was not asked for");
	r = net_stream_starttls(c->s, c->o.tls, &c->o.want, pop3_client_deadline(c));
	if (r == -E_TLS && net_stream_tls_info(c->s, &info) && info.problem_z[0] != '\0')
		return pop3_client_lose(c, fault, r, "the certificate of the server does not verify: %s", info.problem_z);
	return r < 0 ? pop3_client_lose(c, fault, r, "TLS: %s", net_stream_fault_z(c->s)) : 0;
}

/* RFC 2595 4. A refusal is no failure where TLS was not demanded: the dialogue goes on in the clear. */
static int secure(struct pop3_client *c, struct fault *fault)
{
	bool is_must = c->o.starttls == NET_STARTTLS_ALWAYS;
	int r;

	if (c->o.starttls != NET_STARTTLS_IF_OFFERED && !is_must)
		return 0;
	if (!c->caps.has_stls || c->o.tls == NULL)
		return is_must ? fault_set(fault, -E_CANNOT, "the server does not offer STLS") : 0;
	r = pop3_client_say(c, S("STLS"), NULL, fault);
	if (r == 0 && !c->is_ok) {
		c->caps.has_stls = false;
		return is_must ? pop3_client_refused(c, fault, -E_DENIED, "STLS") : 0;
	}
	if (r == 0)
		r = handshake(c, fault);
	return r < 0 ? r : pop3_client_ask_caps(c, fault);
}

/* What we use may be told only to who has logged in (RFC 2449 5). */
static int ask_again(struct pop3_client *c, struct fault *fault)
{
	const struct pop3_client_caps *caps = &c->caps;

	if (!caps->is_told || (caps->has_uidl && caps->has_top && caps->has_pipelining))
		return 0;
	return pop3_client_ask_caps(c, fault);
}

static int log_in(struct pop3_client *c, struct fault *fault)
{
	struct net_stream_tls_info info;
	int r = 0;

	if (!c->o.may_plain && !(net_stream_tls_info(c->s, &info) && info.is_verified))
		return fault_set(fault, -E_CANNOT, "no password is sent without TLS and a certificate that verifies");
	/* RFC 6856 2.1: else a message with UTF-8 in its header may come changed. A refusal changes nothing. */
	if (c->caps.has_utf8)
		r = pop3_client_say(c, S("UTF8"), NULL, fault);
	if (r == 0)
		r = pop3_client_auth(c, fault);
	return r < 0 ? r : ask_again(c, fault);
}

static void pass(struct pop3_client *c, enum pop3_client_stage stage, int err, struct str text)
{
	if (c->o.over != NULL)
		c->o.over(c->o.over_ctx, c, stage, err, text);
}

static int dialogue(struct pop3_client *c, enum pop3_client_stage *stage, struct fault *fault)
{
	static const struct {
		enum pop3_client_stage stage;
		int (*run)(struct pop3_client *c, struct fault *fault);
	} rows[] = {
		{ POP3_CLIENT_TLS, handshake }, /* from the start, and then not the last but one */
		{ POP3_CLIENT_GREETING, greeting },
		{ POP3_CLIENT_CAPS, pop3_client_ask_caps },
		{ POP3_CLIENT_TLS, secure },
		{ POP3_CLIENT_AUTH, log_in },
	};
	size_t is_tls_first = c->o.starttls == NET_STARTTLS_FROM_START;
	size_t n = ARRAY_LEN(rows) - (c->o.user.n == 0);
	int r = 0;

	for (size_t i = 1 - is_tls_first; i < n && r == 0; i++) {
		*stage = rows[i].stage;
		r = rows[i].run(c, fault);
		if (r == 0)
			pass(c, *stage, 0, buf_str(&c->text));
	}
	return r;
}

/* ---- life ---- */

void pop3_client_close(struct pop3_client **cp)
{
	struct pop3_client *c = *cp;

	if (c == NULL)
		return;
	*cp = NULL;
	net_stream_close(&c->s);
	buf_fini(&c->greeting);
	buf_fini(&c->in);
	buf_fini(&c->text);
	buf_fini(&c->code);
	arena_fini(&c->arena);
	mem_free(c);
}

static struct pop3_client *new_client(struct net_stream *s, const struct pop3_client_options *o)
{
	struct pop3_client *c = MEM_NEW(struct pop3_client);

	c->s = s;
	c->o = *o;
	buf_init(&c->greeting, 4 * LIMIT_POP3_CLIENT_LINE);
	buf_init(&c->text, 4 * LIMIT_POP3_CLIENT_LINE);
	buf_init(&c->code, 4 * LIMIT_POP3_CLIENT_LINE);
	buf_init(&c->in, 2 * LIMIT_POP3_CLIENT_LINE + (256u << 10));
	arena_init(&c->arena, ARENA);
	c->caps = (struct pop3_client_caps){ .all = S(""), .auth = S(""), .implementation = S(""), .expire_days = -1 };
	return c;
}

int pop3_client_open(struct net_stream *s, const struct pop3_client_options *o, struct pop3_client **ret, enum pop3_client_stage *ret_stage,
		     struct fault *fault)
{
	struct pop3_client *c = new_client(s, o);
	struct fault why = { "" };
	int r = dialogue(c, ret_stage, &why);

	c->o.user = c->o.password = S("");
	c->o.want = (struct net_stream_tls_want){ 0 };
	if (r == 0) {
		*ret = c;
		return 0;
	}
	(void)fault_set(fault, r, "%s", why.text);
	pass(c, *ret_stage, r, str_z(why.text));
	*ret = NULL;
	if (c->lost == 0) { /* nobody is logged in: nothing is deleted */
		c->o.wait_ms = BYE_MS;
		(void)!pop3_client_say(c, S("QUIT"), NULL, &why);
	}
	pop3_client_close(&c);
	return r;
}

const struct pop3_client_caps *pop3_client_caps(const struct pop3_client *c)
{
	return &c->caps;
}

struct net_stream *pop3_client_stream(struct pop3_client *c)
{
	return c->s;
}

struct str pop3_client_greeting(const struct pop3_client *c)
{
	return buf_str(&c->greeting);
}
