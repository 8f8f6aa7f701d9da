/* SPDX-License-Identifier: MIT */
/*
 * AUTH as client, RFC 4954 4: the messages of sasl/client in the commands of SMTP. A server that refuses SCRAM is asked once more with what is next.
 */
#include "smtp/client_int.h"

#include "base/limits.h"
#include "sasl/client.h"

#define COMMAND_LINE (512 - 2) /* RFC 5321 4.5.3.1.4, without CRLF */

static int say_secret(struct smtp_client *c, struct str line, const char *traced_z)
{
	int r;

	smtp_client_put(c, line, traced_z);
	r = smtp_client_flush(c, c->o.times.command);
	return r < 0 ? r : smtp_client_reply_read(c, c->o.times.command);
}

/* *ret_is_held: the first message is too long for the line of the command (RFC 4954 4), and has not been said. */
static int begin(struct smtp_client *c, struct sasl_client *x, struct buf *message, bool *ret_is_held, struct fault *why)
{
	AUTO(buf_fini) struct buf line = BUF_INIT(LIMIT_SMTP_REPLY_LINE);
	bool has_initial = sasl_client_has_initial(x);
	char traced[64];
	int r;

	*ret_is_held = false;
	buf_printf(&line, "AUTH %s", sasl_client_mechanism_z(x));
	if (has_initial) {
		r = sasl_client_step(x, S(""), message, why);
		if (r < 0)
			return r;
		*ret_is_held = line.n + 1 + message->n > COMMAND_LINE;
		/* RFC 4954 4: "=" is an empty one. */
		if (!*ret_is_held)
			buf_printf(&line, " %" STR_FMT, STR_ARG(message->n > 0 ? buf_str(message) : S("=")));
	}
	snprintf(traced, sizeof(traced), "AUTH %s%s", sasl_client_mechanism_z(x), has_initial && !*ret_is_held ? " <secret>" : "");
	r = say_secret(c, buf_str(&line), traced);
	mem_wipe(line.p, line.n);
	return r;
}

/* What is cancelled is over (RFC 4954 4), whatever the server says to it. */
static int exchange(struct smtp_client *c, struct sasl_client *x, struct fault *why)
{
	AUTO(buf_fini) struct buf message = BUF_INIT(LIMIT_SMTP_REPLY_LINE);
	bool is_held, is_cancelled = false;
	int r = begin(c, x, &message, &is_held, why);

	while (r == 0 && c->code / 100 == 3 && !is_cancelled) {
		is_cancelled = !is_held && sasl_client_step(x, buf_str(&c->text), &message, why) < 0;
		is_held = false;
		r = is_cancelled ? say_secret(c, S("*"), NULL) : say_secret(c, buf_str(&message), "<secret>");
	}
	if (message.p != NULL)
		mem_wipe(message.p, message.n);
	return r;
}

static int try_mech(struct smtp_client *c, struct sasl_client *x, struct arena *a, struct smtp_client_reply *ret_own)
{
	struct fault why = { 0 };
	int r = exchange(c, x, &why);

	if (r < 0)
		return r == -E_CANNOT ? smtp_client_decline(c, "%s", why.text) : r;
	if (c->code / 100 == 2 && sasl_client_is_proven(x))
		return 0;
	if (c->code / 100 == 2) {
		*ret_own = smtp_client_reply_own(a, "", "the server said that the login succeeded, and did not prove that it knows the password");
		return smtp_client_lose(c, -E_DENIED, "no proof");
	}
	return smtp_client_refused(c, "AUTH");
}

int smtp_client_auth(struct smtp_client *c, struct arena *a, struct smtp_client_reply *ret_own)
{
	const struct sasl_client_options o = {
		.offered = c->caps.auth,
		.user = c->o.user,
		.password = c->o.password,
		.service_z = "smtp",
		.host_z = "",
		.stream = c->s,
	};
	AUTO(sasl_client_close) struct sasl_client *x = NULL;
	struct fault why = { 0 };
	int r = sasl_client_open(&o, &x, &why);

	if (r < 0)
		return smtp_client_decline(c, "%s", why.text);
	c->hides_challenges = true; /* a password could be guessed from all of them */
	r = try_mech(c, x, a, ret_own);
	if (r == -E_DENIED && c->lost == 0 && c->code / 100 == 5 && sasl_client_next(x))
		r = try_mech(c, x, a, ret_own);
	c->hides_challenges = false;
	return r;
}
