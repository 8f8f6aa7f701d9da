/* SPDX-License-Identifier: MIT */
/*
 * Logging in as client: AUTH (RFC 5034 4) with the messages of sasl/client, where a mechanism that we know is offered; a server that refuses SCRAM is asked once
 * more with what is next. Else USER and PASS (RFC 1939 7). APOP is not spoken: whoever plays the server can find the password from it (RFC 6151 2.1).
 */
#include "pop3/client_int.h"

#include <stdio.h>

#include "base/limits.h"
#include "sasl/client.h"

#define COMMAND_LINE (255 - 2) /* RFC 5034 4: that of RFC 2449 4, without CRLF */

/* No word of ours may become two lines. */
static bool is_sendable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return true;
}

static int say_secret(struct pop3_client *c, const char *command_z, struct str secret, const char *traced_z, struct fault *fault)
{
	AUTO(buf_fini) struct buf line = BUF_INIT(2 * LIMIT_POP3_CLIENT_LINE);
	int r;

	buf_printf(&line, "%s ", command_z);
	buf_add(&line, secret);
	if (buf_overflowed(&line))
		r = fault_set(fault, -E_CANNOT, "the name or the password is too long");
	else
		r = pop3_client_say(c, buf_str(&line), traced_z, fault);
	mem_wipe(line.p, line.n);
	return r;
}

static int user_pass(struct pop3_client *c, struct fault *fault)
{
	int r;

	if (!c->caps.has_user)
		return fault_set(fault, -E_CANNOT, "the server offers no way to log in that we know (%.*s)", (int)(c->caps.auth.n < 100 ? c->caps.auth.n : 100),
				 c->caps.auth.n > 0 ? c->caps.auth.p : "");
	if (!is_sendable(c->o.user) || !is_sendable(c->o.password) || str_chr(c->o.user, ' ') >= 0)
		return fault_set(fault, -E_CANNOT, "the name or the password has characters that USER and PASS cannot send");
	r = say_secret(c, "USER", c->o.user, NULL, fault);
	if (r < 0 || !c->is_ok)
		return r < 0 ? r : pop3_client_refused(c, fault, -E_AUTH_FAILED, "the login");
	r = say_secret(c, "PASS", c->o.password, "PASS <secret>", fault);
	return r < 0 || c->is_ok ? r : pop3_client_refused(c, fault, -E_AUTH_FAILED, "the login");
}

/* *ret_is_held: the first message is too long for the line of the command (RFC 5034 4), and has not been said. */
static int begin(struct pop3_client *c, struct sasl_client *x, struct buf *message, bool *ret_is_held, struct fault *fault)
{
	AUTO(buf_fini) struct buf line = BUF_INIT(LIMIT_POP3_CLIENT_LINE);
	bool has_initial = sasl_client_has_initial(x);
	char traced[64];
	int r = has_initial ? sasl_client_step(x, S(""), message, fault) : 0;

	if (r < 0)
		return r;
	buf_printf(&line, "AUTH %s", sasl_client_mechanism_z(x));
	*ret_is_held = has_initial && line.n + 1 + message->n > COMMAND_LINE;
	/* RFC 5034 4: "=" is an empty one. */
	if (has_initial && !*ret_is_held)
		buf_printf(&line, " %" STR_FMT, STR_ARG(message->n > 0 ? buf_str(message) : S("=")));
	snprintf(traced, sizeof(traced), "AUTH %s%s", sasl_client_mechanism_z(x), has_initial && !*ret_is_held ? " <secret>" : "");
	r = pop3_client_say(c, buf_str(&line), traced, fault);
	mem_wipe(line.p, line.n);
	return r;
}

/* What is cancelled is over (RFC 5034 4), whatever the server says to it. */
static int exchange(struct pop3_client *c, struct sasl_client *x, struct fault *fault)
{
	AUTO(buf_fini) struct buf message = BUF_INIT(LIMIT_POP3_CLIENT_LINE);
	bool is_held = false;
	int r = begin(c, x, &message, &is_held, fault), wrong = 0;

	while (r == 0 && c->is_challenge && wrong == 0) {
		wrong = is_held ? 0 : sasl_client_step(x, buf_str(&c->text), &message, fault);
		wrong = wrong < 0 ? wrong : 0;
		is_held = false;
		r = wrong < 0 ? pop3_client_say(c, S("*"), NULL, NULL) : pop3_client_say(c, buf_str(&message), "<secret>", fault);
	}
	if (message.p != NULL)
		mem_wipe(message.p, message.n);
	return wrong < 0 ? wrong : r;
}

static int try_mech(struct pop3_client *c, struct sasl_client *x, struct fault *fault)
{
	int r = exchange(c, x, fault);

	if (r < 0)
		return r;
	if (!c->is_ok)
		return pop3_client_refused(c, fault, -E_AUTH_FAILED, "the login");
	if (!sasl_client_is_proven(x))
		return pop3_client_lose(c, fault, -E_DENIED, "the server said that the login succeeded, and did not prove that it knows the password");
	return 0;
}

int pop3_client_auth(struct pop3_client *c, struct fault *fault)
{
	const struct sasl_client_options o = { .offered = c->caps.auth, .user = c->o.user, .password = c->o.password, .service_z = "pop",
					       .host_z = c->o.host_z != NULL ? c->o.host_z : "", .stream = c->s };
	AUTO(sasl_client_close) struct sasl_client *x = NULL;
	int r = sasl_client_open(&o, &x, fault);

	if (r < 0)
		return user_pass(c, fault);
	c->hides = true; /* a password could be guessed from all of them */
	do
		r = try_mech(c, x, fault);
	while (r == -E_AUTH_FAILED && c->lost == 0 && sasl_client_next(x));
	c->hides = false;
	return r;
}
