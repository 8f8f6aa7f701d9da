/* SPDX-License-Identifier: MIT */
/*
 * LOGIN (RFC 9051 6.2.3), AUTHENTICATE (6.2.2, with RFC 4959 initial responses) and what undoes
 * them, UNAUTHENTICATE (RFC 8437). An
 * exchange is parked between its messages: session.waiting is IMAP_WAIT_AUTH and each
 * line comes to imap_auth_line(). An access token may have to be asked about: then the session is
 * woken, see imap_auth_wake().
 *
 * Where a mechanism ends with a message of the server (SCRAM), IMAP has no place for it
 * in the OK: it is sent as a last challenge, the client answers with an empty line, and
 * only then the login counts (session.identity holds it until then).
 */
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "imap/events.h"
#include "imap/imap_int.h"
#include "imap/resp.h"
#include "net/conn.h"

static int refused(struct imap_session *s, const char *mech_z, struct str user, int r,
		   const struct sasl_refusal *why)
{
	LOG(INFO, "imap.login-refused", F_STR("user", user), F_Z("mech", mech_z),
	    F_Z("err", err_row(r)->name), F_STR("peer", conn_peer(s->conn)), SASL_F_REFUSAL(why));
	if (r == -E_TLS)
		imap_say(s, "use TLS before logging in");
	if (r == -E_BUSY) /* RFC 5530 3: no mailbox is in use, it is the server that is */
		imap_code(s, "UNAVAILABLE");
	/* RFC 9051 7.1: another password would not help. SCRAM says so for every name, unproved. */
	if (r == -E_AUTH_FAILED && str_eq(str_z(why->reason), S("authorization-id"))) {
		imap_code(s, "AUTHORIZATIONFAILED");
		imap_say(s, "not permitted");
	}
	return r;
}

static const struct sasl_refusal no_refusal = SASL_REFUSAL_INIT;

/* NOTAUTH -> AUTH. */
static int logged_in(struct imap_session *s, const struct sasl_identity *who)
{
	AUTO(buf_fini) struct buf caps = BUF_INIT(4096);
	int r = sasl_seat_take(s->ctx->sasl, who->account, conn_id(s->conn), &s->seat);

	if (r == -E_LIMIT) /* RFC 5530 3 */
		imap_say(s, "too many connections of this account, try again later");
	if (r < 0)
		return refused(s, who->mechanism, str_z(who->name), r, &no_refusal);
	s->account = who->account;
	snprintf(s->name, sizeof(s->name), "%s", who->name);
	s->state = IMAP_ST_AUTH;
	conn_logged_in(s->conn);
	LOG(INFO, "imap.login", F_Z("user", who->name), F_Z("mech", who->mechanism),
	    F_STR("peer", conn_peer(s->conn)), F_INT("tls", conn_is_tls(s->conn)));
	imap_caps_print(s, &caps);
	imap_code(s, "CAPABILITY %s", buf_z(&caps));
	imap_say(s, "logged in");
	return 0;
}

/* login = "LOGIN" SP userid SP password */
int imap_cmd_login(struct imap_session *s)
{
	struct imap_parse *p = &s->p;
	struct sasl_identity who;
	struct sasl_refusal why;
	struct str user, password;
	int r;

	if (imap_parse_sp(p) <= 0 || imap_parse_astring(p, &user) <= 0 || imap_parse_sp(p) <= 0 ||
	    imap_parse_astring(p, &password) <= 0 || !imap_parse_end(p))
		return -E_SYNTAX;
	if (!sasl_is_permitted(s->ctx->sasl, s->conn))
		return refused(s, "plaintext", user, -E_TLS, &no_refusal);
	r = sasl_login(s->ctx->sasl, s->conn, user, password, &who, &why);
	return r < 0 ? refused(s, "plaintext", user, r, &why) : logged_in(s, &who);
}

static void challenge(struct imap_session *s, struct str text)
{
	imap_resp(s, S("+ "));
	imap_resp(s, text);
	imap_resp_end(s);
}

/* The exchange is over, this way or the other. */
static int done(struct imap_session *s, int r, const struct sasl_identity *who)
{
	s->waiting = IMAP_WAIT_COMMAND;
	r = r < 0 ? refused(s, sasl_exchange_mechanism_z(s->exchange),
			    sasl_exchange_user(s->exchange), r, sasl_exchange_refusal(s->exchange))
		  : logged_in(s, who);
	sasl_exchange_free(s->exchange);
	s->exchange = NULL;
	mem_free(s->identity);
	s->identity = NULL;
	return r;
}

/* What a step of the exchange came to. */
static int stepped(struct imap_session *s, int r, struct str out, const struct sasl_identity *who)
{
	if (r < 0)
		return done(s, r, who);
	if (r == 0 && out.n == 0)
		return done(s, 0, who);
	if (r == 0) {
		s->identity = MEM_NEW(struct sasl_identity);
		*s->identity = *who;
	}
	if (r != SASL_WAITS)
		challenge(s, out);
	s->waiting = IMAP_WAIT_AUTH;
	return IMAP_PARKED;
}

static int exchange_step(struct imap_session *s, struct str client_b64)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(LIMIT_SASL_LINE);
	struct sasl_identity who = { 0 };
	int r = sasl_exchange_step(s->exchange, client_b64, &out, &who);

	return stepped(s, r, buf_str(&out), &who);
}

int imap_auth_wake(struct imap_session *s)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(LIMIT_SASL_LINE);
	struct sasl_identity who = { 0 };
	int r = sasl_exchange_resume(s->exchange, &out, &who);

	return stepped(s, r, buf_str(&out), &who);
}

int imap_auth_line(struct imap_session *s, struct str line)
{
	if (str_eq(line, S("*")))
		imap_say(s, "the login was cancelled");
	if (s->identity == NULL)
		return exchange_step(s, line.p == NULL ? S("") : line);
	/* The answer to the last server message carries nothing; "*" would cancel. */
	return done(s, line.n == 0 ? 0 : -E_SYNTAX, s->identity);
}

/* authenticate = "AUTHENTICATE" SP auth-type [SP initial-resp] *(CRLF base64) */
int imap_cmd_authenticate(struct imap_session *s)
{
	struct imap_parse *p = &s->p;
	struct str mechanism, initial = { 0 };
	int r;

	if (imap_parse_sp(p) <= 0 || imap_parse_atom(p, &mechanism) <= 0)
		return -E_SYNTAX;
	if (imap_parse_sp(p) > 0) {
		initial = str_of(p->p, (size_t)(p->end - p->p));
		p->p = p->end;
		if (initial.n == 0 || str_chr(initial, ' ') >= 0 || str_chr(initial, '\n') >= 0)
			return -E_SYNTAX;
	}
	if (!imap_parse_end(p) || s->cmd.tag.n >= sizeof(s->parked_tag))
		return -E_SYNTAX;
	r = sasl_exchange_new(s->ctx->sasl, s->conn, "imap", mechanism, &s->exchange);
	if (r < 0)
		return refused(s, "", S(""), r, &no_refusal);
	snprintf(s->parked_tag, sizeof(s->parked_tag), "%" STR_FMT, STR_ARG(s->cmd.tag));
	return exchange_step(s, initial);
}

/*
 * AUTH, SELECTED -> NOTAUTH. All that the session has from its user goes, and all that it enabled
 * (RFC 8437 4.1); who adds something like that to struct imap_session resets it here.
 */
static void forget_user(struct imap_session *s)
{
	imap_deselect(s);
	sasl_seat_give(&s->seat);
	s->state = IMAP_ST_NOTAUTH;
	conn_logged_out(s->conn);
	s->account = 0;
	s->has_metadata = false;
	imap_events_set(s, NULL);
	s->name[0] = '\0';
	s->is_rev2 = s->has_utf8 = false;
	s->has_condstore = false;
	s->has_qresync = false;
	s->has_uidonly = false;
	s->language = IMAP_LANG_DEFAULT;
	s->is_changing_compression = conn_is_compressed(s->conn);
	s->login_by_ms = clock_mono_ms() + s->conf->login_timeout_ms;
}

/* RFC 8437 3: OK or BAD, never NO, because the next login may be on its way. */
int imap_cmd_unauthenticate(struct imap_session *s)
{
	if (!imap_parse_end(&s->p) || !s->conf->may_unauthenticate)
		return -E_SYNTAX;
	LOG(INFO, "imap.unauthenticate", F_Z("user", s->name), F_STR("peer", conn_peer(s->conn)));
	forget_user(s);
	return 0;
}
