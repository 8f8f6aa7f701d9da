/* SPDX-License-Identifier: MIT */
/*
 * A POP3 session: greeting, the command table, the loop that takes lines until input runs out and
 * then parks.
 *
 *   AUTHORIZATION --login--> TRANSACTION --QUIT--> (UPDATE) closed
 *
 * 1. From login to QUIT's answer, or the end of the connection, the session holds the account's
 *    POP3 lock (RFC 1939 4), given back in pop3_session_leave().
 * 2. Messages are deleted by QUIT and by nothing else: a timeout, a lost connection and the
 *    server's stop delete nothing (RFC 1939 3).
 * 3. A parked session is this struct, a reference to a shared view, and a bit a message once
 *    something is marked.
 *
 * A new command is a row in the table and its function.
 */
#include "pop3/pop3_int.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/must.h"
#include "store/account.h"

#define BOTH (POP3_AUTHORIZATION | POP3_TRANSACTION)

static const struct pop3_cmd cmds[] = {
	{ "USER", pop3_cmd_user, POP3_AUTHORIZATION, POP3_ARGS_MUST, "RFC 1939 7" },
	{ "PASS", pop3_cmd_pass, POP3_AUTHORIZATION, POP3_ARGS_MUST, "RFC 1939 7" },
	{ "AUTH", pop3_cmd_auth, POP3_AUTHORIZATION, POP3_ARGS_MAY, "RFC 5034 4" },
	{ "STLS", pop3_cmd_stls, POP3_AUTHORIZATION, POP3_ARGS_NONE, "RFC 2595 4" },
	{ "UTF8", pop3_cmd_utf8, POP3_AUTHORIZATION, POP3_ARGS_NONE, "RFC 6856 2.1" },
	{ "CAPA", pop3_cmd_capa, BOTH, POP3_ARGS_NONE, "RFC 2449 5" },
	{ "LANG", pop3_cmd_lang, BOTH, POP3_ARGS_MAY, "RFC 6856 3.2" },
	{ "QUIT", pop3_cmd_quit, BOTH, POP3_ARGS_NONE, "RFC 1939 6" },
	{ "STAT", pop3_cmd_stat, POP3_TRANSACTION, POP3_ARGS_NONE, "RFC 1939 5" },
	{ "LIST", pop3_cmd_list, POP3_TRANSACTION, POP3_ARGS_MAY, "RFC 1939 5" },
	{ "UIDL", pop3_cmd_uidl, POP3_TRANSACTION, POP3_ARGS_MAY, "RFC 1939 7" },
	{ "RETR", pop3_cmd_retr, POP3_TRANSACTION, POP3_ARGS_MUST, "RFC 1939 5" },
	{ "TOP", pop3_cmd_top, POP3_TRANSACTION, POP3_ARGS_MUST, "RFC 1939 7" },
	{ "DELE", pop3_cmd_dele, POP3_TRANSACTION, POP3_ARGS_MUST, "RFC 1939 5" },
	{ "RSET", pop3_cmd_rset, POP3_TRANSACTION, POP3_ARGS_NONE, "RFC 1939 5" },
	{ "NOOP", pop3_cmd_noop, POP3_TRANSACTION, POP3_ARGS_NONE, "RFC 1939 5" },
};

static const struct pop3_cmd *find(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(cmds); i++)
		if (str_ieq(name, str_z(cmds[i].name)))
			return &cmds[i];
	return NULL;
}

static void command(struct pop3_session *s, struct str line)
{
	const struct pop3_cmd *cmd;
	struct str args = line, name = S("");

	if (!str_split(&args, ' ', &name))
		args = S("");
	cmd = find(name);
	/* PASS: spaces belong to the password. */
	if (cmd != NULL && cmd->run != pop3_cmd_pass)
		args = str_trim(args);
	if (cmd == NULL)
		pop3_err(s, "unknown command");
	else if (!(cmd->states & s->state))
		pop3_err(s,
			 s->state == POP3_AUTHORIZATION ? "log in first" : "not after the login");
	else if (cmd->args == POP3_ARGS_MUST && args.n == 0)
		pop3_err(s, "%s needs an argument", cmd->name);
	else if (cmd->args == POP3_ARGS_NONE && args.n > 0)
		pop3_err(s, "%s takes no argument", cmd->name);
	else
		cmd->run(s, args);
}

/*
 * DEVIATION(RFC 5034 4): an initial response that makes AUTH longer than a command line is taken, because access tokens are,
 * and clients send them so.
 */
static size_t line_max(const struct pop3_session *s)
{
	if (s->sasl_state != POP3_SASL_NONE)
		return LIMIT_SASL_LINE;
	return s->state == POP3_AUTHORIZATION ? LIMIT_POP3_AUTH_LINE : LIMIT_POP3_LINE;
}

static void one_line(struct pop3_session *s, const struct conn_line *line)
{
	if (line->flags & (CONN_LINE_NUL | CONN_LINE_BARE_CR)) {
		pop3_auth_cancel(s);
		pop3_err(s, "a command is one line of text");
	} else if (s->sasl_state != POP3_SASL_NONE) {
		pop3_auth_line(s, line->text);
	} else if (line->text.n > LIMIT_POP3_LINE && !str_istarts(line->text, S("AUTH "))) {
		pop3_err(s, "the line is too long");
	} else {
		command(s, line->text);
	}
}

static void too_many_errors(struct pop3_session *s)
{
	if (s->errors < s->set->max_errors || s->is_over)
		return;
	pop3_err(s, "too many errors, good-bye");
	s->is_over = true;
}

/*
 * The time to log in is counted from the beginning: a client that keeps saying CAPA is no reason
 * to keep a connection for nobody. DEVIATION(RFC 1939 3): the 10 minutes that a silent client is
 * due begin with the login.
 */
static enum net_next park(struct pop3_session *s)
{
	int64_t left = s->login_by_ms - clock_mono_ms();

	if (s->state == POP3_AUTHORIZATION && left <= 0)
		return NET_CLOSE;
	if (s->state == POP3_AUTHORIZATION)
		conn_set_idle_ms(s->conn, left);
	return NET_PARK;
}

static enum net_next run_lines(struct pop3_session *s)
{
	while (!s->is_over && !conn_failed(s->conn)) {
		struct conn_line line;
		int rc = conn_line(s->conn, line_max(s), &line);

		if (rc == 0)
			return park(s);
		if (rc < 0 && rc != -E_LIMIT)
			return NET_CLOSE;
		if (rc == -E_LIMIT) {
			pop3_auth_cancel(s);
			pop3_err(s, "the line is too long");
		} else {
			one_line(s, &line);
		}
		if (s->is_tls_starting) {
			s->is_tls_starting = false;
			return NET_PARK;
		}
		too_many_errors(s);
	}
	return NET_CLOSE;
}

/* May not write. */
static void *session_open(struct conn *c, void *ctx)
{
	struct pop3_session *s = MEM_NEW(struct pop3_session);

	s->magic = POP3_SESSION_MAGIC;
	s->conn = c;
	s->ctx = ctx;
	s->conf = conf_live_get(s->ctx->conf);
	s->set = conf_get(s->conf, &pop3_conf_table);
	s->state = POP3_AUTHORIZATION;
	s->login_by_ms = clock_mono_ms() + s->set->login_timeout_ms;
	conn_set_idle_ms(c, s->set->login_timeout_ms);
	return s;
}

static enum net_next session_run(void *session, enum net_reason why)
{
	struct pop3_session *s = session;

	must(s->magic == POP3_SESSION_MAGIC);
	switch (why) {
	case NET_START:
		pop3_ok(s, "%" STR_FMT " Martlet POP3 ready", STR_ARG(s->ctx->hostname));
		return run_lines(s);
	case NET_INPUT:
		return run_lines(s);
	case NET_WAKE:
		pop3_auth_wake(s);
		return run_lines(s);
	case NET_TIMEOUT: /* RFC 1939 3: closed without a response, nothing is deleted */
	case NET_STOP:
		break;
	}
	return NET_CLOSE;
}

void pop3_session_leave(struct pop3_session *s)
{
	sasl_seat_give(&s->seat);
	if (!s->has_lock)
		return;
	pop3_snapshot_close(&s->box);
	store_pop3_unlock(s->ctx->store, s->account);
	s->has_lock = false;
	s->state = POP3_AUTHORIZATION;
}

static void session_close(void *session)
{
	struct pop3_session *s = session;

	must(s->magic == POP3_SESSION_MAGIC);
	pop3_auth_cancel(s);
	pop3_session_leave(s); /* before the log says so: the maildrop is free then */
	/* Who neither logged in nor erred is no news: port scans would fill the log. */
	if (s->account != 0 || s->errors > 0 || log_on(LOG_LVL_DEBUG))
		LOG(INFO, "pop3.end", F_STR("peer", conn_peer(s->conn)),
		    F_INT("account", s->account), F_INT("retr", s->n_retr),
		    F_INT("top", s->n_top), F_INT("octets", s->octets),
		    F_INT("expunged", s->n_expunged), F_INT("errors", s->errors));
	mem_free(s->user);
	conf_unref(s->conf);
	s->magic = 0;
	mem_free(s);
}

/* RFC 3206 4 */
static struct str refuse_text(int err)
{
	(void)err;
	return S("-ERR [SYS/TEMP] too many connections, try again later\r\n");
}

const struct net_protocol pop3_protocol = {
	.name = "pop3",
	.open = session_open,
	.run = session_run,
	.close = session_close,
	.refuse_text = refuse_text,
};
