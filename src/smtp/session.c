/* SPDX-License-Identifier: MIT */
/*
 * The server session: states, the table of commands, and the loop that takes lines and walks
 * the table. Permission and order rules are in the rows and are checked here, before a handler
 * runs.
 *
 * Invariants
 * 1. One command line, one reply (LMTP: one for each recipient behind the message), in
 *    order. RFC 5321 4.2, RFC 2033 4.2.
 * 2. A line end is CR LF. A line with a bare LF, bare CR or NUL is refused whole; nothing of
 *    it is run, nor what stands between a bare LF and the next CR LF.
 * 3. smtp_tx_reset() ends a transaction on every way out; outside one the arena is empty.
 * 4. Refusals are counted where replies are written, so no handler can forget it.
 * 5. A session that waits is parked, in the middle of a body too: it holds no thread.
 */
#include "smtp/smtp_int.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "conf/live.h"
#include "db/blob.h"
#include "net/conn.h"

#define SESSION_MAGIC 0x534d5450u

/* ---- states and replies ---- */

void smtp_session_enter(struct smtp_session *s, enum smtp_state to)
{
	static const struct {
		enum smtp_state to;
		unsigned from;
	} moves[] = {
		{ SMTP_ST_NEW, SMTP_ST_GREET | SMTP_ST_READY | SMTP_ST_MAIL | SMTP_ST_RCPT },
		{ SMTP_ST_READY, ~0u & ~(unsigned)SMTP_ST_GREET },
		{ SMTP_ST_AUTH, SMTP_ST_READY },
		{ SMTP_ST_MAIL, SMTP_ST_READY },
		{ SMTP_ST_RCPT, SMTP_ST_MAIL },
		{ SMTP_ST_BDAT, SMTP_ST_RCPT },
	};

	for (size_t i = 0; i < ARRAY_LEN(moves); i++)
		if (moves[i].to == to)
			must(moves[i].from & s->state);
	s->state = to;
}

void smtp_session_close(struct smtp_session *s, const char *why)
{
	s->is_closing = true;
	if (!s->why_closed)
		s->why_closed = why;
}

void smtp_session_reply(struct smtp_session *s, int reply, struct str detail)
{
	struct smtp_reply_row room;
	const struct smtp_reply_row *row = smtp_reply_row(reply, &room);

	conn_printf(s->conn, "%d %s%s%s%s%" STR_FMT "\r\n", row->code, row->enhanced,
		    row->enhanced[0] ? " " : "", row->text, detail.n > 0 ? " " : "",
		    STR_ARG(detail));
	if (row->code >= 500)
		s->n_errors++;
	if (row->code == 421) /* RFC 5321 3.8: says itself that the connection closes */
		smtp_session_close(s, "421");
}

void smtp_tx_reset(struct smtp_session *s)
{
	conn_body_end(s->conn);
	spool_free(s->tx.spool);
	smtp_rcpts_free(&s->tx);
	s->tx = (struct smtp_tx){ 0 };
	arena_reset(&s->arena);
}

/* ---- commands ---- */

#define MX (1u << SMTP_MX)
#define SUBMISSION (1u << SMTP_SUBMISSION)
#define LMTP (1u << SMTP_LMTP)
#define ALL (MX | SUBMISSION | LMTP)

#define NEW SMTP_ST_NEW
#define READY SMTP_ST_READY
#define MAIL SMTP_ST_MAIL
#define RCPT SMTP_ST_RCPT
#define BDAT SMTP_ST_BDAT
#define ANY (NEW | READY | MAIL | RCPT | BDAT)

enum {
	CMD_LAST = 1,    /* must be the last of a pipelined group: RFC 2920 3.1 */
	CMD_SUBMITS = 2, /* in submission needs TLS and a login: RFC 6409 4.3, RFC 8314 3.3 */
	CMD_NO_ARGS = 4,
};

struct smtp_cmd {
	const char *name;
	int (*handler)(struct smtp_session *s, struct str args);
	unsigned roles;
	unsigned states;
	unsigned flags;
	const char *rfc;
};

static const struct smtp_cmd cmds[] = {
	{ "MAIL", smtp_cmd_mail, ALL, READY, CMD_SUBMITS, "RFC 5321 4.1.1.2" },
	{ "RCPT", smtp_cmd_rcpt, ALL, MAIL | RCPT, 0, "RFC 5321 4.1.1.3" },
	{ "DATA", smtp_cmd_data, ALL, RCPT, CMD_LAST | CMD_NO_ARGS, "RFC 5321 4.1.1.4" },
	/* BDAT out of order: its handler drops the octets before it refuses. */
	{ "BDAT", smtp_cmd_bdat, ALL, ANY, 0, "RFC 3030 2" },
	{ "RSET", smtp_cmd_rset, ALL, ANY, CMD_NO_ARGS, "RFC 5321 4.1.1.5" },
	{ "EHLO", smtp_cmd_ehlo, MX | SUBMISSION, ANY, CMD_LAST, "RFC 5321 4.1.1.1" },
	{ "HELO", smtp_cmd_helo, MX | SUBMISSION, ANY, CMD_LAST, "RFC 5321 4.1.1.1" },
	{ "LHLO", smtp_cmd_ehlo, LMTP, ANY, CMD_LAST, "RFC 2033 4.1" },
	{ "STARTTLS", smtp_cmd_starttls, ALL, READY | MAIL | RCPT, CMD_NO_ARGS, "RFC 3207 4" },
	{ "AUTH", smtp_cmd_auth, SUBMISSION, READY, CMD_LAST, "RFC 4954 4" },
	{ "QUIT", smtp_cmd_quit, ALL, ANY, CMD_NO_ARGS, "RFC 5321 4.1.1.10" },
	{ "NOOP", smtp_cmd_noop, ALL, ANY, 0, "RFC 5321 4.1.1.9" },
	{ "VRFY", smtp_cmd_vrfy, ALL, ANY, CMD_LAST, "RFC 5321 4.1.1.6" },
	{ "HELP", smtp_cmd_help, ALL, ANY, 0, "RFC 5321 4.1.1.8" },
	{ "EXPN", smtp_cmd_not_here, 0, ANY, 0, "RFC 5321 4.1.1.7" },
	{ "ETRN", smtp_cmd_not_here, 0, ANY, 0, "RFC 1985 3" },
	{ "ATRN", smtp_cmd_not_here, 0, ANY, 0, "RFC 2645 5" },
	{ "TURN", smtp_cmd_not_here, 0, ANY, 0, "RFC 5321 F.1" },
	{ "SEND", smtp_cmd_not_here, 0, ANY, 0, "RFC 5321 F.6" },
	{ "SOML", smtp_cmd_not_here, 0, ANY, 0, "RFC 5321 F.6" },
	{ "SAML", smtp_cmd_not_here, 0, ANY, 0, "RFC 5321 F.6" },
};

static const struct smtp_cmd *cmd_find(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(cmds); i++)
		if (str_ieq(name, str_z(cmds[i].name)))
			return &cmds[i];
	return NULL;
}

/* RFC 5321 4.1.1.8: lists what this role has. It stands here because the table does. */
int smtp_cmd_help(struct smtp_session *s, struct str args)
{
	AUTO(buf_fini) struct buf names = BUF_INIT(1024);

	(void)args;
	for (size_t i = 0; i < ARRAY_LEN(cmds); i++)
		if (cmds[i].roles & (1u << s->ctx->role))
			buf_printf(&names, "%s%s", names.n > 0 ? " " : "", cmds[i].name);
	smtp_session_reply(s, SMTP_R_HELP, buf_str(&names));
	return SMTP_R_NONE;
}

/* Why a command of that row is out of order now. RFC 5321 4.1.4. */
static int order_reply(const struct smtp_session *s, const struct smtp_cmd *cmd)
{
	switch (s->state) {
	case SMTP_ST_NEW:
		return SMTP_R_NEED_HELO;
	case SMTP_ST_BDAT:
		return SMTP_R_IN_BDAT;
	case SMTP_ST_MAIL:
		if (!(cmd->states & SMTP_ST_RCPT))
			return SMTP_R_NESTED_MAIL;
		/*
		 * RFC 2033 4.2 wants 503 from LMTP; RFC 5321 3.3 allows 554 where all were
		 * refused.
		 */
		if (s->tx.n_refused > 0 && s->ctx->role != SMTP_LMTP)
			return SMTP_R_NO_VALID_RCPT;
		return SMTP_R_NEED_RCPT;
	case SMTP_ST_RCPT:
		return SMTP_R_NESTED_MAIL;
	default:
		return SMTP_R_NEED_MAIL;
	}
}

static int command_run(struct smtp_session *s, struct str line)
{
	const struct smtp_cmd *cmd;
	struct str name = { 0 };

	str_split(&line, ' ', &name);
	line = str_trim(line);
	cmd = cmd_find(name);
	if (!cmd)
		return SMTP_R_UNKNOWN;
	/* RFC 2033 4.1: 500 is recommended for HELO and EHLO. */
	if (!(cmd->roles & (1u << s->ctx->role)))
		return s->ctx->role == SMTP_LMTP ? SMTP_R_UNKNOWN : SMTP_R_NOT_HERE;
	if ((cmd->flags & CMD_LAST) && s->conf->rejects_bad_pipelining &&
	    conn_buffered(s->conn).n > 0) {
		smtp_session_close(s, "pipelining");
		return SMTP_R_BAD_PIPELINING;
	}
	if (!(cmd->states & s->state))
		return order_reply(s, cmd);
	if ((cmd->flags & CMD_NO_ARGS) && line.n > 0)
		return SMTP_R_SYNTAX_NO_ARGS;
	if ((cmd->flags & CMD_SUBMITS) && s->ctx->role == SMTP_SUBMISSION) {
		if (!sasl_is_permitted(s->ctx->sasl, s->conn))
			return SMTP_R_NEED_TLS;
		if (!s->is_authenticated)
			return SMTP_R_NEED_AUTH;
	}
	return cmd->handler(s, line);
}

/*
 * Another protocol by mistake or by a trick (a browser made to post to port 25): stop listening
 * at once.
 */
static bool is_http(struct str line)
{
	return str_istarts(line, S("GET /")) || str_istarts(line, S("POST /")) ||
	       str_istarts(line, S("CONNECT "));
}

/*
 * Refused before it is a command. Behind a BDAT that is not understood stand octets that nobody
 * can count: see cmd_bdat.c.
 */
static int line_refuse(struct smtp_session *s, struct str line, enum smtp_reply reply)
{
	if (s->state == SMTP_ST_AUTH)
		smtp_auth_end(s);
	else if (str_istarts(line, S("BDAT")))
		smtp_session_close(s, "bdat");
	return reply;
}

/*
 * RFC 5321 2.3.8: a bare LF ends no line. It is refused as soon as it is seen, so that who types
 * by hand hears why; what stands behind it up to CR LF belongs to the refused line and never runs.
 */
static int line_run(struct smtp_session *s, const struct conn_line *line)
{
	bool is_rest = s->is_in_bad_line;

	s->is_in_bad_line = line->flags & CONN_LINE_BARE_LF;
	if (is_rest && !s->is_in_bad_line)
		return SMTP_R_NONE;
	if (line->flags & (CONN_LINE_BARE_LF | CONN_LINE_BARE_CR | CONN_LINE_NUL))
		return line_refuse(s, line->text, SMTP_R_BAD_LINE);
	if (s->state == SMTP_ST_AUTH)
		return smtp_auth_continue(s, line->text);
	if ((line->flags & CONN_LINE_8BIT) && !str_is_utf8(line->text))
		return line_refuse(s, line->text, SMTP_R_NOT_UTF8);
	if (is_http(line->text)) {
		smtp_session_close(s, "http");
		return SMTP_R_UNKNOWN;
	}
	return command_run(s, line->text);
}

/* ---- the life of a session ---- */

static void greet(struct smtp_session *s)
{
	conn_printf(s->conn, "220 %" STR_FMT " %s Martlet\r\n", STR_ARG(s->ctx->hostname),
		    s->ctx->role == SMTP_LMTP ? "LMTP" : "ESMTP");
	conn_set_idle_ms(s->conn, s->conf->command_timeout_ms);
	smtp_session_enter(s, SMTP_ST_NEW);
}

static enum net_next refuse_early_talker(struct smtp_session *s)
{
	smtp_session_close(s, "early-talker");
	smtp_session_reply(s, SMTP_R_EARLY_TALKER, S(""));
	return NET_CLOSE;
}

/* RFC 5321 3.1: the server speaks first. */
static enum net_next start(struct smtp_session *s)
{
	if (s->ctx->role == SMTP_MX && s->conf->rejects_early_talkers) {
		if (conn_has_input(s->conn))
			return refuse_early_talker(s);
		if (s->conf->greet_delay_ms > 0) {
			conn_set_idle_ms(s->conn, s->conf->greet_delay_ms);
			return NET_PARK;
		}
	}
	greet(s);
	return NET_PARK;
}

/* Not for LMTP: its peer is a mail server of ours that hands on what others sent. */
static bool has_erred_enough(const struct smtp_session *s)
{
	return !s->is_closing && s->ctx->role != SMTP_LMTP &&
	       s->n_errors >= (size_t)s->conf->max_errors;
}

/* conn_line() had no line: the reply, or nothing when nobody is there to read it. */
static int line_trouble(struct smtp_session *s, int r)
{
	if (r == -E_LIMIT) {
		r = s->state == SMTP_ST_AUTH ? SMTP_R_AUTH_LONG : SMTP_R_LONG_LINE;
		smtp_auth_end(s);
		return r;
	}
	smtp_session_close(s, err_row(r)->name);
	if (r == -E_BUSY) /* between two chunks of BDAT */
		return SMTP_R_TOO_BUSY;
	return r == -E_TIMEOUT ? SMTP_R_TIMED_OUT : SMTP_R_NONE;
}

/* Takes a line, or more of a body. False: park. *ret: the reply. */
static bool take_next(struct smtp_session *s, int *ret)
{
	struct conn_line line;
	int r;

	if (s->read_on != NULL) {
		*ret = s->read_on(s);
		return s->read_on == NULL;
	}
	r = conn_line(s->conn, LIMIT_SMTP_LINE, &line);
	s->n_commands += r != 0;
	if (r != 0)
		*ret = r < 0 ? line_trouble(s, r) : line_run(s, &line);
	return r != 0;
}

/* Commands without end that lead nowhere: NOOP, RSET, MAIL and RSET again. */
static bool has_played_enough(const struct smtp_session *s)
{
	return !s->is_closing && s->ctx->role != SMTP_LMTP &&
	       s->n_commands >= (size_t)s->conf->max_commands;
}

static enum net_next serve(struct smtp_session *s, enum net_reason why)
{
	int r = why == NET_WAKE ? smtp_auth_wake(s) : SMTP_R_NONE;

	if (r != SMTP_R_NONE)
		smtp_session_reply(s, r, S(""));
	s->is_starting_tls = false;
	while (!s->is_closing && !s->is_starting_tls) {
		if (conn_failed(s->conn)) {
			smtp_session_close(s, "write");
			break;
		}
		if (!take_next(s, &r))
			break;
		if (r != SMTP_R_NONE)
			smtp_session_reply(s, r, S(""));
		if (has_erred_enough(s))
			smtp_session_reply(s, SMTP_R_TOO_MANY_ERRORS, S(""));
		if (has_played_enough(s))
			smtp_session_reply(s, SMTP_R_TOO_MANY_COMMANDS, S(""));
	}
	if (!s->tx.qid[0])
		arena_fini(&s->arena);
	return s->is_closing ? NET_CLOSE : NET_PARK;
}

static void *session_open(struct conn *c, void *ctx)
{
	struct smtp_session *s = MEM_NEW(struct smtp_session);

	s->magic = SESSION_MAGIC;
	s->state = SMTP_ST_GREET;
	s->conn = c;
	s->ctx = ctx;
	s->snapshot = conf_live_get(s->ctx->conf);
	s->conf = conf_get(s->snapshot, &smtp_conf_table);
	s->start_ms = clock_mono_ms();
	arena_init_held(&s->arena, LIMIT_SESSION_ARENA);
	return s;
}

static enum net_next session_run(void *session, enum net_reason why)
{
	struct smtp_session *s = session;

	must(s->magic == SESSION_MAGIC);
	switch (why) {
	case NET_START:
		return start(s);
	case NET_STOP: /* RFC 5321 3.8 */
		smtp_session_reply(s, SMTP_R_STOPPING, S(""));
		return NET_CLOSE;
	case NET_TIMEOUT:
		if (s->state == SMTP_ST_GREET) {
			greet(s);
			return NET_PARK;
		}
		smtp_session_reply(s, SMTP_R_TIMED_OUT, S(""));
		return NET_CLOSE;
	case NET_WAKE:
	case NET_INPUT:
		break;
	}
	if (s->state != SMTP_ST_GREET)
		return serve(s, why);
	if (conn_has_input(s->conn))
		return refuse_early_talker(s);
	smtp_session_close(s, "CLOSED");
	return NET_CLOSE;
}

/* Who did nothing is none: port scans and health checks would fill the log. */
static bool is_news(const struct smtp_session *s)
{
	return s->n_mails > 0 || s->n_errors > 0 || s->n_refused > 0 || s->is_authenticated ||
	       log_on(LOG_LVL_DEBUG);
}

static void session_close(void *session)
{
	static const char *const roles[] = {
		[SMTP_MX] = "smtp", [SMTP_SUBMISSION] = "submission", [SMTP_LMTP] = "lmtp"
	};
	struct smtp_session *s = session;

	must(s->magic == SESSION_MAGIC);
	if (is_news(s))
		LOG(INFO, "smtp.end", F_Z("role", roles[s->ctx->role]), F_STR("peer", conn_peer(s->conn)),
		    F_Z("helo", s->helo_z ? s->helo_z : ""),
		    F_Z("user", s->identity ? s->identity->name : ""), F_INT("tls", conn_is_tls(s->conn)),
		    F_INT("messages", s->n_messages), F_INT("refused", s->n_refused),
		    F_INT("errors", s->n_errors), F_Z("why", s->why_closed ? s->why_closed : ""),
		    F_INT("ms", clock_mono_ms() - s->start_ms));
	smtp_tx_reset(s);
	arena_fini(&s->arena);
	sasl_exchange_free(s->exchange);
	mem_free(s->identity);
	sasl_seat_give(&s->seat);
	mem_free(s->helo_z);
	conf_unref(s->snapshot);
	s->magic = 0;
	mem_free(s);
}

/* RFC 5321 3.8, RFC 3463 3.8. */
static struct str session_refuse_text(int err)
{
	if (err == -E_LIMIT)
		return S("421 4.7.0 Too many connections from your address, try again later\r\n");
	return S("421 4.3.2 Too many connections, try again later\r\n");
}

const struct net_protocol smtp_protocol = {
	.name = "smtp",
	.open = session_open,
	.run = session_run,
	.close = session_close,
	.refuse_text = session_refuse_text,
};
