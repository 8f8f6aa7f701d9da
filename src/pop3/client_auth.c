/* SPDX-License-Identifier: MIT */
/*
 * Logging in as client: USER and PASS (RFC 1939 7). APOP is not spoken: MD5 of a password that everybody on the way may guess from (RFC 6151 2.2).
 */
#include "pop3/client_int.h"

#include "base/limits.h"

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

int pop3_client_auth(struct pop3_client *c, struct fault *fault)
{
	return user_pass(c, fault);
}
