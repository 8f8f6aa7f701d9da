/* SPDX-License-Identifier: MIT */
/*
 * AUTH: RFC 4954. The exchange is room sasl's; here are its lines. Between two of them the
 * session is parked in SMTP_ST_AUTH. SMTP has no place for a last server message (SCRAM has
 * one), so it goes out as a challenge that wants an empty answer.
 */
#include "smtp/smtp_int.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/conn.h"

void smtp_auth_end(struct smtp_session *s)
{
	if (s->state != SMTP_ST_AUTH)
		return;
	sasl_exchange_free(s->exchange);
	s->exchange = NULL;
	s->is_last_challenge = false;
	if (!s->is_authenticated) {
		mem_free(s->identity);
		s->identity = NULL;
	}
	smtp_session_enter(s, SMTP_ST_READY);
}

static void log_refused(struct smtp_session *s, const char *user_z, int err)
{
	static const struct sasl_refusal none = SASL_REFUSAL_INIT;
	const struct sasl_refusal *why = s->exchange ? sasl_exchange_refusal(s->exchange) : &none;

	LOG(INFO, "smtp.login-refused",
	    F_STR("user", user_z        ? str_z(user_z)
			  : s->exchange ? sasl_exchange_user(s->exchange)
					: S("")),
	    F_Z("mech", s->exchange ? sasl_exchange_mechanism_z(s->exchange) : ""),
	    F_Z("err", err_row(err)->name), F_STR("peer", conn_peer(s->conn)), SASL_F_REFUSAL(why));
}

static int auth_failed(struct smtp_session *s, int err)
{
	static const struct {
		int err;
		enum smtp_reply reply;
		bool is_counted; /* towards max_auth_failures */
	} replies[] = {
		{ -E_AUTH_FAILED, SMTP_R_AUTH_FAILED, true },
		{ -E_THROTTLED, SMTP_R_AUTH_THROTTLED, true },
		{ -E_BUSY, SMTP_R_AUTH_TROUBLE, true },
		{ -E_SYNTAX, SMTP_R_AUTH_SYNTAX, false },
		{ -E_CANNOT, SMTP_R_AUTH_MECHANISM, false },
		{ -E_TLS, SMTP_R_AUTH_NEEDS_TLS, false },
	};
	enum smtp_reply reply = SMTP_R_AUTH_TROUBLE;
	bool is_counted = false;

	log_refused(s, NULL, err);
	smtp_auth_end(s);
	for (size_t i = 0; i < ARRAY_LEN(replies); i++)
		if (replies[i].err == err) {
			reply = replies[i].reply;
			is_counted = replies[i].is_counted;
		}
	if (!is_counted || ++s->n_auth_failures < (size_t)s->conf->max_auth_failures)
		return reply;
	smtp_session_reply(s, reply, S(""));
	return SMTP_R_TOO_MANY_ERRORS;
}

static int auth_done(struct smtp_session *s)
{
	int r = sasl_seat_take(s->ctx->sasl, s->identity->account, conn_id(s->conn), &s->seat);

	if (r < 0 && r != -E_LIMIT)
		return auth_failed(s, r);
	if (r < 0) {
		log_refused(s, s->identity->name, r);
		smtp_auth_end(s);
		return SMTP_R_TOO_MANY_SEATS;
	}
	s->is_authenticated = true;
	conn_logged_in(s->conn);
	LOG(INFO, "smtp.login", F_Z("user", s->identity->name), F_Z("mech", s->identity->mechanism),
	    F_STR("peer", conn_peer(s->conn)), F_INT("tls", conn_is_tls(s->conn)));
	smtp_auth_end(s);
	return SMTP_R_AUTH_OK;
}

/* What a step of the exchange came to. */
static int auth_stepped(struct smtp_session *s, int r, struct str out,
			const struct sasl_identity *identity)
{
	if (r < 0)
		return auth_failed(s, r);
	if (r == SASL_WAITS)
		return SMTP_R_NONE;
	if (r == 0) {
		s->identity = MEM_NEW(struct sasl_identity);
		*s->identity = *identity;
		if (out.n == 0)
			return auth_done(s);
		s->is_last_challenge = true;
	}
	conn_printf(s->conn, "334 %" STR_FMT "\r\n", STR_ARG(out));
	return SMTP_R_NONE;
}

/* client: a message in base64, or NULL for none yet. */
static int auth_step(struct smtp_session *s, struct str client)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(LIMIT_SMTP_LINE);
	struct sasl_identity identity = { 0 };
	int r = sasl_exchange_step(s->exchange, client, &out, &identity);

	return auth_stepped(s, r, buf_str(&out), &identity);
}

int smtp_auth_wake(struct smtp_session *s)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(LIMIT_SMTP_LINE);
	struct sasl_identity identity = { 0 };
	int r;

	if (s->state != SMTP_ST_AUTH || !sasl_exchange_is_waiting(s->exchange))
		return SMTP_R_NONE;
	r = sasl_exchange_resume(s->exchange, &out, &identity);
	return auth_stepped(s, r, buf_str(&out), &identity);
}

int smtp_auth_continue(struct smtp_session *s, struct str line)
{
	bool is_empty = line.n == 0;

	if (s->is_last_challenge) {
		if (is_empty || str_eq(line, S("=")))
			return auth_done(s);
		smtp_auth_end(s);
		return str_eq(line, S("*")) ? SMTP_R_AUTH_CANCELLED : SMTP_R_AUTH_SYNTAX;
	}
	/* RFC 4954 4: "*" cancels; an empty line is an empty response. */
	if (str_eq(line, S("*"))) {
		smtp_auth_end(s);
		return SMTP_R_AUTH_CANCELLED;
	}
	return auth_step(s, is_empty ? S("=") : line);
}

/* "AUTH" SP sasl-mech [SP initial-response]     initial-response = base64 / "=" */
int smtp_cmd_auth(struct smtp_session *s, struct str args)
{
	struct str mechanism = { 0 };
	int r;

	if (s->is_authenticated)
		return SMTP_R_AUTH_ALREADY;
	if (!str_split(&args, ' ', &mechanism) || mechanism.n == 0)
		return SMTP_R_SYNTAX_AUTH;
	args = str_trim(args);
	if (str_chr(args, ' ') >= 0)
		return SMTP_R_SYNTAX_AUTH;
	r = sasl_exchange_new(s->ctx->sasl, s->conn, "smtp", mechanism, &s->exchange);
	if (r < 0)
		return auth_failed(s, r);
	smtp_session_enter(s, SMTP_ST_AUTH);
	return auth_step(s, args.n > 0 ? args : (struct str){ 0 });
}
