/* SPDX-License-Identifier: MIT */
/*
 * Logging in: USER and PASS, AUTH (RFC 5034), STLS (RFC 2595), and opening the maildrop.
 *
 * An AUTH exchange takes several lines. The session notes where it stands (sasl_state) and parks;
 * the next line comes back here:
 *   NONE --AUTH--> STEP      the mechanism goes on (pop3_auth_line takes the client's next
 *                            response)
 *   STEP --------> LAST      done, but the server has final data, which POP3 can only send as a
 *                            challenge (RFC 5034 4); an empty response follows
 *   STEP, LAST --> NONE      logged in, failed, or cancelled by "*"
 */
#include "pop3/pop3_int.h"

#include "base/buf.h"
#include "base/log.h"
#include "store/account.h"

#define SASL_REPLY_MAX 16384

static void log_refused(struct pop3_session *s, const char *how, struct str user, int rc,
			const struct sasl_refusal *why)
{
	LOG(INFO, "pop3.login-refused", F_STR("user", user), F_Z("mech", how),
	    F_Z("err", err_row(rc)->name), F_STR("peer", conn_peer(s->conn)), SASL_F_REFUSAL(why));
}

static void refuse(struct pop3_session *s, const char *how, struct str user, int rc,
		   const struct sasl_refusal *why)
{
	log_refused(s, how, user, rc, why);
	pop3_fail(s, how, rc);
}

/* RFC 2449 8.1.2: the login was right, but others of the account are here. */
static void refuse_in_use(struct pop3_session *s, const struct sasl_identity *id, int rc,
			  const char *text)
{
	static const struct sasl_refusal none = SASL_REFUSAL_INIT;

	pop3_session_leave(s);
	log_refused(s, id->mechanism, str_z(id->name), rc, &none);
	pop3_err(s, "[IN-USE] %s", text);
}

/*
 * The end of every way in. The lock is taken before the snapshot, so that the snapshot is the
 * newest there is.
 */
static void enter(struct pop3_session *s, const struct sasl_identity *id)
{
	uint64_t octets;
	uint32_t n;
	int rc = sasl_seat_take(s->ctx->sasl, id->account, conn_id(s->conn), &s->seat);

	if (rc == -E_LIMIT) {
		refuse_in_use(s, id, rc, "too many connections of this account, try again later");
		return;
	}
	if (rc == 0)
		rc = store_pop3_lock(s->ctx->store, id->account);
	if (rc == -E_BUSY) {
		refuse_in_use(s, id, rc, "another session has this maildrop");
		return;
	}
	if (rc == 0) {
		s->account = id->account;
		s->has_lock = true;
		rc = pop3_snapshot_open(&s->box, s->ctx->store, id->account);
	}
	if (rc < 0) {
		pop3_session_leave(s);
		pop3_fail(s, "open", rc);
		return;
	}
	s->state = POP3_TRANSACTION;
	s->errors = 0;
	conn_logged_in(s->conn);
	conn_set_idle_ms(s->conn, s->set->idle_timeout_ms);
	pop3_snapshot_count(&s->box, &n, &octets);
	LOG(INFO, "pop3.login", F_Z("user", id->name), F_Z("mech", id->mechanism),
	    F_STR("peer", conn_peer(s->conn)), F_INT("tls", conn_is_tls(s->conn)),
	    F_INT("messages", n));
	pop3_ok(s, "%u messages, %llu octets", n, (unsigned long long)octets);
}

/* RFC 1939 7: USER name. Says nothing about whether there is such a user. */
void pop3_cmd_user(struct pop3_session *s, struct str args)
{
	if (!sasl_is_permitted(s->ctx->sasl, s->conn)) {
		pop3_fail(s, "user", -E_TLS);
		return;
	}
	mem_free(s->user);
	s->user = mem_dup_z(args);
	pop3_ok(s, "now the password");
}

/* RFC 1939 7: PASS string. All that follows the space is the password, with its spaces. */
void pop3_cmd_pass(struct pop3_session *s, struct str args)
{
	struct sasl_identity id;
	struct sasl_refusal why;
	int rc;

	if (s->user == NULL) {
		pop3_err(s, "USER comes first");
		return;
	}
	rc = sasl_login(s->ctx->sasl, s->conn, str_z(s->user), args, &id, &why);
	if (rc == 0)
		enter(s, &id);
	else
		refuse(s, "plaintext", str_z(s->user), rc, &why);
	mem_free(s->user);
	s->user = NULL;
}

void pop3_auth_cancel(struct pop3_session *s)
{
	sasl_exchange_free(s->exchange);
	s->exchange = NULL;
	mem_free(s->pending);
	s->pending = NULL;
	s->sasl_state = POP3_SASL_NONE;
}

static void challenge(struct pop3_session *s, const struct buf *text, enum pop3_sasl_state next)
{
	conn_printf(s->conn, "+ %" STR_FMT "\r\n", STR_ARG(buf_str(text)));
	s->sasl_state = next;
}

/* What a step of the exchange came to. */
static void stepped(struct pop3_session *s, int rc, const struct buf *out, const struct sasl_identity *id)
{
	if (rc == SASL_WAITS) {
		s->sasl_state = POP3_SASL_STEP;
		return;
	}
	if (rc == 1) {
		challenge(s, out, POP3_SASL_STEP);
		return;
	}
	if (rc < 0)
		refuse(s, sasl_exchange_mechanism_z(s->exchange),
		       sasl_exchange_user(s->exchange), rc, sasl_exchange_refusal(s->exchange));
	pop3_auth_cancel(s);
	if (rc < 0)
		return;
	if (out->n > 0) {
		s->pending = MEM_NEW(struct sasl_identity);
		*s->pending = *id;
		challenge(s, out, POP3_SASL_LAST);
	} else {
		enter(s, id);
	}
}

static void step(struct pop3_session *s, struct str response)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(SASL_REPLY_MAX);
	struct sasl_identity id = { 0 };
	int rc = sasl_exchange_step(s->exchange, response, &out, &id);

	stepped(s, rc, &out, &id);
}

void pop3_auth_wake(struct pop3_session *s)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(SASL_REPLY_MAX);
	struct sasl_identity id = { 0 };

	if (sasl_exchange_is_waiting(s->exchange)) {
		int rc = sasl_exchange_resume(s->exchange, &out, &id);

		stepped(s, rc, &out, &id);
	}
}

/* Everything was proven; but a client that found the server's proof wrong says "*" here. */
static void last(struct pop3_session *s, struct str line)
{
	struct sasl_identity id = *s->pending;

	pop3_auth_cancel(s);
	if (line.n > 0 && !str_eq(line, S("=")))
		pop3_fail(s, "sasl", -E_SYNTAX);
	else
		enter(s, &id);
}

void pop3_auth_line(struct pop3_session *s, struct str line)
{
	if (s->sasl_state == POP3_SASL_LAST)
		last(s, line);
	else
		step(s, line.n > 0 ? line : S(""));
}

/*
 * RFC 5034 4: AUTH mechanism [initial-response]; without arguments some clients want a list (RFC
 * 1734 had none, but it is common).
 */
void pop3_cmd_auth(struct pop3_session *s, struct str args)
{
	AUTO(buf_fini) struct buf mechanisms = BUF_INIT(1024);
	struct str mechanism;
	int rc;

	if (!str_split(&args, ' ', &mechanism)) {
		sasl_mechanisms(s->ctx->sasl, s->conn, "", "\r\n", &mechanisms);
		pop3_ok(s, "mechanisms follow");
		conn_printf(s->conn, "%" STR_FMT "%s.\r\n", STR_ARG(buf_str(&mechanisms)),
			    mechanisms.n > 0 ? "\r\n" : "");
		return;
	}
	rc = sasl_exchange_new(s->ctx->sasl, s->conn, "pop", mechanism, &s->exchange);
	if (rc < 0) {
		pop3_fail(s, "auth", rc);
		return;
	}
	args = str_trim(args);
	step(s, args.n > 0 ? args : (struct str){ 0 });
}

/*
 * RFC 2595 4: what was said before TLS is forgotten, and input that came early is dropped by
 * conn_starttls().
 */
void pop3_cmd_stls(struct pop3_session *s, struct str args)
{
	int rc;

	(void)args;
	if (s->ctx->tls == NULL || conn_is_tls(s->conn)) {
		pop3_err(s, conn_is_tls(s->conn) ? "TLS is on already" : "TLS is not offered here");
		return;
	}
	pop3_ok(s, "begin TLS");
	rc = conn_starttls(s->conn, s->ctx->tls);
	mem_free(s->user);
	s->user = NULL;
	s->is_tls_starting = rc == 0;
	s->is_over = rc < 0;
}
