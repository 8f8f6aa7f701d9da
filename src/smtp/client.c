/* SPDX-License-Identifier: MIT */
/*
 * An SMTP or LMTP dialogue from the greeting to the login, RFC 5321 3.1, 3.2. The other side is a stranger.
 *
 *   greeting -> EHLO (HELO where EHLO is refused, LHLO for LMTP) -> STARTTLS, EHLO again -> AUTH -> messages (client_send.c) -> QUIT
 *
 * 1. What was learned before TLS is forgotten (RFC 3207 4.2); what was sent before it, and not asked for, ends the dialogue.
 * 2. A password is sent only to who has shown that it is the one we want (verified TLS), unless the caller says otherwise.
 * 3. Once the dialogue is out of step (c->lost) nothing more is said, not even QUIT; otherwise it always ends with that (RFC 5321 4.1.1.10).
 */
#include "smtp/client_int.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/must.h"

#define MINUTE_MS 60000
#define ARENA (32u << 10)

/* RFC 5321 4.5.3.2; what it has no time for gets five minutes. QUIT: nothing hangs on it. */
static const struct smtp_client_times default_times = {
	.greeting = 5 * MINUTE_MS,
	.command = 5 * MINUTE_MS,
	.mail = 5 * MINUTE_MS,
	.rcpt = 5 * MINUTE_MS,
	.data_begin = 2 * MINUTE_MS,
	.data_block = 3 * MINUTE_MS,
	.data_end = 10 * MINUTE_MS,
	.quit = 2000,
};

static int64_t or_default(int64_t ms, int64_t default_ms)
{
	return ms > 0 ? ms : default_ms;
}

static struct smtp_client_times times_of(const struct smtp_client_times *t)
{
	const struct smtp_client_times *d = &default_times;

	return (struct smtp_client_times){
		.greeting = or_default(t->greeting, d->greeting),
		.command = or_default(t->command, d->command),
		.mail = or_default(t->mail, d->mail),
		.rcpt = or_default(t->rcpt, d->rcpt),
		.data_begin = or_default(t->data_begin, d->data_begin),
		.data_block = or_default(t->data_block, d->data_block),
		.data_end = or_default(t->data_end, d->data_end),
		.quit = or_default(t->quit, d->quit),
	};
}

int64_t smtp_client_deadline(const struct smtp_client *c, int64_t ms)
{
	int64_t deadline_ms = clock_mono_ms() + ms;

	return c->o.until_ms > 0 && c->o.until_ms < deadline_ms ? c->o.until_ms : deadline_ms;
}

void smtp_client_put(struct smtp_client *c, struct str line, const char *traced_z)
{
	int64_t deadline_ms = smtp_client_deadline(c, c->o.times.command);

	if (c->o.trace != NULL)
		c->o.trace(c->o.trace_ctx, true, traced_z != NULL ? str_z(traced_z) : line);
	net_stream_write(c->s, line, deadline_ms);
	net_stream_write(c->s, S("\r\n"), deadline_ms);
}

int smtp_client_flush(struct smtp_client *c, int64_t ms)
{
	int r = net_stream_flush(c->s, smtp_client_deadline(c, ms));

	if (r == 0 || r == -E_CLOSED || r == -E_IO)
		return 0;
	return smtp_client_lose(c, r, "%s", net_stream_fault_z(c->s));
}

int smtp_client_ask(struct smtp_client *c, struct str line, int64_t ms)
{
	int r;

	smtp_client_put(c, line, NULL);
	r = smtp_client_flush(c, ms);
	return r < 0 ? r : smtp_client_reply_read(c, ms);
}

int smtp_client_refused(struct smtp_client *c, const char *to_what_z)
{
	if (c->code >= 400)
		return -E_DENIED;
	return smtp_client_lose(c, -E_SYNTAX, "the server answered %s with %d", to_what_z, c->code);
}

/* ---- the way in ---- */

static int greeting(struct smtp_client *c)
{
	int r = smtp_client_reply_read(c, c->o.times.greeting);

	if (r < 0 || c->code / 100 == 2)
		return r;
	return smtp_client_refused(c, "the connection");
}

static int say_name(struct smtp_client *c, const char *command_z)
{
	char line[300];
	int n = snprintf(line, sizeof(line), "%s %s", command_z, c->o.helo_z);

	must(n > 0 && (size_t)n < sizeof(line));
	return smtp_client_ask(c, str_of(line, (size_t)n), c->o.times.command);
}

/* RFC 5321 3.2: a server of old times refuses EHLO and takes HELO. */
static int hello(struct smtp_client *c)
{
	int r = say_name(c, c->o.is_lmtp ? "LHLO" : "EHLO");

	arena_reset(&c->arena);
	c->caps = (struct smtp_client_caps){ 0 };
	if (r < 0)
		return r;
	if (c->code / 100 == 2) {
		smtp_client_caps_parse(buf_str(&c->text), &c->arena, &c->caps);
		return 0;
	}
	if (c->code / 100 != 5 || c->o.is_lmtp || net_stream_is_tls(c->s))
		return smtp_client_refused(c, "EHLO");
	r = say_name(c, "HELO");
	return r < 0 || c->code / 100 == 2 ? r : smtp_client_refused(c, "HELO");
}

static void note_tls(struct smtp_client *c, enum smtp_client_tls_state state, const char *why_z)
{
	struct smtp_client_tls *seen = c->o.seen;
	struct net_stream_tls_info info;

	if (seen == NULL)
		return;
	*seen = (struct smtp_client_tls){ .state = state };
	if (net_stream_tls_info(c->s, &info))
		seen->problem = info.problem;
	snprintf(seen->why, sizeof(seen->why), "%s",
		 why_z[0] || seen->problem == NET_TLS_FINE ? why_z : info.problem_z);
}

static int handshake(struct smtp_client *c)
{
	int r = net_stream_starttls(c->s, c->o.tls, &c->o.want, smtp_client_deadline(c, c->o.times.command));

	note_tls(c, r < 0 ? SMTP_CLIENT_TLS_FAILED : SMTP_CLIENT_TLS_DONE,
		 r < 0 ? net_stream_fault_z(c->s) : "");
	return r < 0 ? smtp_client_lose(c, r, "%s", net_stream_fault_z(c->s)) : 0;
}

/* RFC 3207 4. A refusal is no failure where TLS was not demanded: the dialogue goes on in the clear. */
static int secure(struct smtp_client *c)
{
	bool is_must = c->o.starttls == NET_STARTTLS_ALWAYS;
	int r;

	if (c->o.starttls == NET_STARTTLS_NEVER)
		return 0;
	note_tls(c, SMTP_CLIENT_TLS_NOT_THERE, "");
	if (!c->caps.has_starttls || c->o.tls == NULL)
		return is_must ? smtp_client_decline(c, "the server does not offer STARTTLS") : 0;
	r = smtp_client_ask(c, S("STARTTLS"), c->o.times.command);
	if (r == 0 && c->code / 100 != 2)
		r = smtp_client_refused(c, "STARTTLS");
	if (r == -E_DENIED && !is_must && c->lost == 0) {
		c->caps.has_starttls = false;
		return 0;
	}
	if (r == 0)
		r = handshake(c);
	return r < 0 ? r : hello(c);
}

static int log_in(struct smtp_client *c, struct arena *a, struct smtp_client_reply *ret_own)
{
	struct net_stream_tls_info info;

	if (c->o.user.n == 0)
		return 0;
	if (!c->o.may_plain && !(net_stream_tls_info(c->s, &info) && info.is_verified))
		return smtp_client_decline(c, "no password is sent without TLS and a certificate that verifies");
	return smtp_client_auth(c, a, ret_own);
}

/* A stage is over, well. */
static void pass(struct smtp_client *c, struct arena *a, enum smtp_client_stage stage)
{
	struct smtp_client_reply reply;

	if (c->o.over == NULL)
		return;
	reply = smtp_client_reply_keep(c, a);
	c->o.over(c->o.over_ctx, c, stage, 0, &reply);
}

static int dialogue(struct smtp_client *c, struct arena *a, enum smtp_client_stage *stage, struct smtp_client_reply *ret_own)
{
	static const struct {
		enum smtp_client_stage stage;
		int (*run)(struct smtp_client *c);
	} rows[] = {
		{ SMTP_CLIENT_TLS, handshake }, /* from the start, and then not the last */
		{ SMTP_CLIENT_GREETING, greeting },
		{ SMTP_CLIENT_HELO, hello },
		{ SMTP_CLIENT_TLS, secure },
	};
	size_t is_tls_first = c->o.starttls == NET_STARTTLS_FROM_START;
	int r = 0;

	for (size_t i = 1 - is_tls_first; i < ARRAY_LEN(rows) - is_tls_first && r == 0; i++) {
		*stage = rows[i].stage;
		r = rows[i].run(c);
		if (r == 0)
			pass(c, a, *stage);
	}
	if (r < 0)
		return r;
	*stage = SMTP_CLIENT_AUTH;
	r = log_in(c, a, ret_own);
	if (r == 0 && c->o.user.n > 0)
		pass(c, a, *stage);
	return r;
}

static void destroy(struct smtp_client *c)
{
	net_stream_close(&c->s);
	buf_fini(&c->text);
	buf_fini(&c->domains);
	arena_fini(&c->arena);
	mem_free(c);
}

void smtp_client_close(struct smtp_client **cp)
{
	struct smtp_client *c = *cp;

	if (c == NULL)
		return;
	*cp = NULL;
	if (c->lost == 0)
		(void)!smtp_client_ask(c, S("QUIT"), c->o.times.quit);
	destroy(c);
}

int smtp_client_open(struct net_stream *s, const struct smtp_client_options *o, struct arena *a, struct smtp_client **ret,
		     enum smtp_client_stage *ret_stage, struct smtp_client_reply *ret_reply)
{
	struct smtp_client *c = MEM_NEW(struct smtp_client);
	struct smtp_client_reply own = { 0 };
	int r;

	must(strlen(o->helo_z) < 256);
	c->s = s;
	c->o = *o;
	c->o.times = times_of(&o->times);
	buf_init(&c->text, LIMIT_SMTP_REPLY_KEPT + 1);
	buf_init(&c->domains, SMTP_CLIENT_DOMAINS);
	arena_init(&c->arena, ARENA);
	r = dialogue(c, a, ret_stage, &own);
	c->o.user = c->o.password = S("");
	c->o.want = (struct net_stream_tls_want){ 0 };
	c->o.seen = NULL;
	if (r == 0) {
		*ret = c;
		return 0;
	}
	if (own.text.n > 0)
		*ret_reply = own;
	else if (r == -E_DENIED)
		*ret_reply = smtp_client_reply_keep(c, a);
	else
		*ret_reply = smtp_client_reply_own(a, "", c->why);
	if (c->o.over != NULL)
		c->o.over(c->o.over_ctx, c, *ret_stage, r, ret_reply);
	*ret = NULL;
	smtp_client_close(&c);
	return r;
}

const struct smtp_client_caps *smtp_client_caps(const struct smtp_client *c)
{
	return &c->caps;
}

bool smtp_client_is_used_up(const struct smtp_client *c)
{
	return c->is_used_up || (c->caps.max_mails > 0 && c->n_mails >= c->caps.max_mails);
}

struct net_stream *smtp_client_stream(struct smtp_client *c)
{
	return c->s;
}
