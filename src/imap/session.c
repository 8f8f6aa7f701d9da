/* SPDX-License-Identifier: MIT */
/*
 * An IMAP session: its states (RFC 9051 3), the table of all commands, and the loop that
 * runs them one after the other.
 *
 *   NOTAUTH  --LOGIN, AUTHENTICATE-->  AUTH  --SELECT, EXAMINE-->  SELECTED
 *   SELECTED --CLOSE, UNSELECT, a failed SELECT, DELETE-->  AUTH
 *   AUTH, SELECTED  --UNAUTHENTICATE-->  NOTAUTH
 *   any      --LOGOUT, BYE-->  LOGOUT
 *
 * Invariants:
 *   1. One command at a time, in the order they came; each gets exactly one tagged
 *      answer, written here (RFC 9051 5.5).
 *   2. A handler runs only in a state that its row names.
 *   3. session.sel is there exactly in SELECTED.
 *   4. A parked session with no command begun holds no command memory: arena and input
 *      are given back (settle()).
 */
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/must.h"
#include "conf/live.h"
#include "imap/events.h"
#include "imap/imap_int.h"
#include "imap/limit.h"
#include "imap/resp.h"
#include "net/conn.h"
#include "store/news.h"
#include "store/view.h"

#define MAGIC 0x1a4bcafe

#define MSN (IMAP_CMD_NO_EXPUNGE | IMAP_CMD_FRESH | IMAP_CMD_SEQS)

const struct imap_cmd imap_cmds[] = {
	{ "CAPABILITY", imap_cmd_capability, IMAP_IN_ANY, 0, "RFC 9051 6.1.1" },
	{ "NOOP", imap_cmd_noop, IMAP_IN_ANY, 0, "RFC 9051 6.1.2" },
	{ "LOGOUT", imap_cmd_logout, IMAP_IN_ANY, IMAP_CMD_QUIET, "RFC 9051 6.1.3" },
	{ "ID", imap_cmd_id, IMAP_IN_ANY, 0, "RFC 2971 3.1" },
	{ "LANGUAGE", imap_cmd_language, IMAP_IN_ANY, 0, "RFC 5255 3.2" },
	{ "COMPARATOR", imap_cmd_comparator, IMAP_IN_AUTH, 0, "RFC 5255 4.7" },
	{ "STARTTLS", imap_cmd_starttls, IMAP_ST_NOTAUTH, 0, "RFC 9051 6.2.1" },
	{ "AUTHENTICATE", imap_cmd_authenticate, IMAP_ST_NOTAUTH, IMAP_CMD_SECRET,
	  "RFC 9051 6.2.2" },
	{ "LOGIN", imap_cmd_login, IMAP_ST_NOTAUTH, IMAP_CMD_SECRET, "RFC 9051 6.2.3" },
	{ "COMPRESS", imap_cmd_compress, IMAP_IN_AUTH, 0, "RFC 4978 3" },
	{ "UNAUTHENTICATE", imap_cmd_unauthenticate, IMAP_IN_AUTH, IMAP_CMD_QUIET, "RFC 8437 3" },
	{ "ENABLE", imap_cmd_enable, IMAP_IN_AUTH, 0, "RFC 9051 6.3.1" },
	{ "SELECT", imap_cmd_select, IMAP_IN_AUTH, IMAP_CMD_QUIET, "RFC 9051 6.3.2" },
	{ "EXAMINE", imap_cmd_examine, IMAP_IN_AUTH, IMAP_CMD_QUIET, "RFC 9051 6.3.3" },
	{ "CREATE", imap_cmd_create, IMAP_IN_AUTH, 0, "RFC 9051 6.3.4" },
	{ "DELETE", imap_cmd_delete, IMAP_IN_AUTH, 0, "RFC 9051 6.3.5" },
	{ "RENAME", imap_cmd_rename, IMAP_IN_AUTH, 0, "RFC 9051 6.3.6" },
	{ "SUBSCRIBE", imap_cmd_subscribe, IMAP_IN_AUTH, 0, "RFC 9051 6.3.7" },
	{ "UNSUBSCRIBE", imap_cmd_unsubscribe, IMAP_IN_AUTH, 0, "RFC 9051 6.3.8" },
	{ "LIST", imap_cmd_list, IMAP_IN_AUTH, 0, "RFC 9051 6.3.9" },
	{ "LSUB", imap_cmd_lsub, IMAP_IN_AUTH, 0, "RFC 3501 6.3.9" },
	{ "NAMESPACE", imap_cmd_namespace, IMAP_IN_AUTH, 0, "RFC 9051 6.3.10" },
	{ "STATUS", imap_cmd_status, IMAP_IN_AUTH, 0, "RFC 9051 6.3.11" },
	{ "GETQUOTA", imap_cmd_getquota, IMAP_IN_AUTH, 0, "RFC 9208 4.1.1" },
	{ "GETQUOTAROOT", imap_cmd_getquotaroot, IMAP_IN_AUTH, 0, "RFC 9208 4.1.2" },
	{ "SETQUOTA", imap_cmd_setquota, IMAP_IN_AUTH, 0, "RFC 9208 4.1.3" },
	{ "GETMETADATA", imap_cmd_getmetadata, IMAP_IN_AUTH, 0, "RFC 5464 4.2" },
	{ "SETMETADATA", imap_cmd_setmetadata, IMAP_IN_AUTH, 0, "RFC 5464 4.3" },
	{ "SETACL", imap_cmd_setacl, IMAP_IN_AUTH, 0, "RFC 4314 3.1" },
	{ "DELETEACL", imap_cmd_deleteacl, IMAP_IN_AUTH, 0, "RFC 4314 3.2" },
	{ "GETACL", imap_cmd_getacl, IMAP_IN_AUTH, 0, "RFC 4314 3.3" },
	{ "LISTRIGHTS", imap_cmd_listrights, IMAP_IN_AUTH, 0, "RFC 4314 3.4" },
	{ "MYRIGHTS", imap_cmd_myrights, IMAP_IN_AUTH, 0, "RFC 4314 3.5" },
	{ "GENURLAUTH", imap_cmd_genurlauth, IMAP_IN_AUTH, 0, "RFC 4467 7" },
	{ "URLFETCH", imap_cmd_urlfetch, IMAP_IN_AUTH, 0, "RFC 4467 7" },
	{ "RESETKEY", imap_cmd_resetkey, IMAP_IN_AUTH, 0, "RFC 4467 7" },
	{ "APPEND", imap_cmd_append, IMAP_IN_AUTH, 0, "RFC 9051 6.3.12" },
	{ "NOTIFY", imap_cmd_notify, IMAP_IN_AUTH, 0, "RFC 5465 3.1" },
	{ "IDLE", imap_cmd_idle, IMAP_IN_AUTH, 0, "RFC 9051 6.3.13" },
	{ "CHECK", imap_cmd_noop, IMAP_ST_SELECTED, IMAP_CMD_BARE, "RFC 3501 6.4.1" },
	{ "CLOSE", imap_cmd_close, IMAP_ST_SELECTED, IMAP_CMD_QUIET | IMAP_CMD_BARE,
	  "RFC 9051 6.4.1" },
	{ "UNSELECT", imap_cmd_unselect, IMAP_ST_SELECTED, IMAP_CMD_QUIET | IMAP_CMD_BARE,
	  "RFC 9051 6.4.2" },
	{ "EXPUNGE", imap_cmd_expunge, IMAP_ST_SELECTED, IMAP_CMD_WRITE | IMAP_CMD_BARE,
	  "RFC 9051 6.4.3" },
	{ "SEARCH", imap_cmd_search, IMAP_ST_SELECTED, MSN | IMAP_CMD_FINDS, "RFC 9051 6.4.4" },
	{ "ESEARCH", imap_cmd_esearch, IMAP_IN_AUTH, IMAP_CMD_FRESH, "RFC 7377 2" },
	{ "UIDBATCHES", imap_cmd_uidbatches, IMAP_ST_SELECTED, IMAP_CMD_FRESH,
	  "draft-ietf-mailmaint-imap-uidbatches" },
	{ "CANCELUPDATE", imap_cmd_cancelupdate, IMAP_ST_SELECTED, IMAP_CMD_BARE,
	  "RFC 5267 4.3.5" },
	{ "SORT", imap_cmd_sort, IMAP_ST_SELECTED, MSN | IMAP_CMD_FINDS, "RFC 5256 3" },
	{ "THREAD", imap_cmd_thread, IMAP_ST_SELECTED, MSN | IMAP_CMD_FINDS, "RFC 5256 3" },
	{ "FETCH", imap_cmd_fetch, IMAP_ST_SELECTED, MSN, "RFC 9051 6.4.5" },
	{ "STORE", imap_cmd_store, IMAP_ST_SELECTED, MSN, "RFC 9051 6.4.6" },
	{ "REPLACE", imap_cmd_replace, IMAP_ST_SELECTED, IMAP_CMD_WRITE | IMAP_CMD_SEQS,
	  "RFC 8508 3.2" },
	{ "COPY", imap_cmd_copy, IMAP_ST_SELECTED, IMAP_CMD_SEQS, "RFC 9051 6.4.7" },
	{ "MOVE", imap_cmd_move, IMAP_ST_SELECTED, IMAP_CMD_WRITE | IMAP_CMD_SEQS,
	  "RFC 9051 6.4.8" },
	{ "UID SEARCH", imap_cmd_search, IMAP_ST_SELECTED, IMAP_CMD_FRESH | IMAP_CMD_FINDS, "RFC 9051 6.4.9" },
	{ "UID SORT", imap_cmd_sort, IMAP_ST_SELECTED, IMAP_CMD_FRESH | IMAP_CMD_FINDS, "RFC 5256 3" },
	{ "UID THREAD", imap_cmd_thread, IMAP_ST_SELECTED, IMAP_CMD_FRESH | IMAP_CMD_FINDS, "RFC 5256 3" },
	{ "UID FETCH", imap_cmd_fetch, IMAP_ST_SELECTED, IMAP_CMD_FRESH, "RFC 9051 6.4.9" },
	{ "UID STORE", imap_cmd_store, IMAP_ST_SELECTED, IMAP_CMD_FRESH, "RFC 9051 6.4.9" },
	{ "UID REPLACE", imap_cmd_replace, IMAP_ST_SELECTED, IMAP_CMD_FRESH | IMAP_CMD_WRITE,
	  "RFC 8508 3.3" },
	{ "UID COPY", imap_cmd_copy, IMAP_ST_SELECTED, IMAP_CMD_FRESH, "RFC 9051 6.4.9" },
	{ "UID MOVE", imap_cmd_move, IMAP_ST_SELECTED, IMAP_CMD_FRESH | IMAP_CMD_WRITE,
	  "RFC 9051 6.4.9" },
	{ "UID EXPUNGE", imap_cmd_expunge, IMAP_ST_SELECTED, IMAP_CMD_FRESH | IMAP_CMD_WRITE,
	  "RFC 9051 6.4.9" },
};
const size_t imap_cmds_n = ARRAY_LEN(imap_cmds);

/* ---- what handlers say ---- */

__attribute__((format(printf, 2, 0))) static struct str
arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	AUTO(buf_fini) struct buf b = BUF_INIT(1 << 20);

	buf_vprintf(&b, fmt, ap);
	return arena_str(a, buf_str(&b));
}

void imap_code(struct imap_session *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	s->cmd.code = arena_vprintf(&s->arena, fmt, ap);
	va_end(ap);
}

void imap_say(struct imap_session *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	s->cmd.text = arena_vprintf(&s->arena, fmt, ap);
	va_end(ap);
}

int imap_uid_required(struct imap_session *s)
{
	imap_code(s, "UIDREQUIRED");
	imap_say(s, "message numbers are not allowed with UIDONLY");
	return -E_USAGE;
}

struct store *imap_store(const struct imap_session *s)
{
	return s->ctx->store;
}

/* ---- the tagged answer ---- */

static void bye(struct imap_session *s, const char *text)
{
	imap_resp_untagged(s, "BYE %s", text);
	s->is_over = true;
}

/* tag SP ("OK" / "NO" / "BAD") SP ["[" code "]" SP] text */
static void answer(struct imap_session *s, int r)
{
	bool is_bad = r == -E_SYNTAX || r == -E_USAGE;
	const struct err_row *row = err_row(r);
	struct str code = s->cmd.code, text = s->cmd.text;

	if (code.n == 0 && r < 0 && !is_bad)
		code = str_z(row->imap);
	if (text.n == 0 && r < 0)
		text = str_z(row->text);
	imap_resp(s, s->cmd.tag.n > 0 ? s->cmd.tag : S("*"));
	imap_resp(s, r >= 0 ? S(" OK ") : is_bad ? S(" BAD ") : S(" NO "));
	if (code.n > 0) {
		imap_resp(s, S("["));
		imap_resp(s, code);
		imap_resp(s, S("] "));
	}
	if (text.n == 0) {
		imap_resp(s, str_z(s->cmd.row != NULL ? s->cmd.row->name : "command"));
		text = S(" completed");
	}
	imap_resp(s, imap_language_text(s->language, text));
	imap_resp_end(s);
}

/* Gives the command's memory back. */
static void settle(struct imap_session *s)
{
	imap_input_reset(s);
	arena_fini(&s->arena);
	s->cmd = (struct imap_command){ 0 };
	s->p = (struct imap_parse){ 0 };
	s->append = NULL;
}

static bool is_dead(int r)
{
	return r == -E_CLOSED || r == -E_TIMEOUT;
}

/*
 * A client that stays for days may err now and then; one that only errs is sent away. Before
 * login everything but OK is an error, and nothing makes good for it.
 */
static void count_error(struct imap_session *s, int r)
{
	if (r == -E_SYNTAX || r == -E_USAGE || (r < 0 && s->state == IMAP_ST_NOTAUTH)) {
		s->errors++;
		s->errors_in_row++;
	} else if (s->state != IMAP_ST_NOTAUTH) {
		s->errors_in_row = 0;
	}
}

/* What others did is shown now; false: the session is over. */
static bool notify(struct imap_session *s)
{
	bool may_expunge = !(s->cmd.row->flags & IMAP_CMD_NO_EXPUNGE) && !s->cmd.has_seqs;
	int r = imap_notify(s, may_expunge);

	if (is_dead(r))
		return false;
	if (r < 0) {
		LOG(WARN, "imap.notify", F_Z("err", err_row(r)->name),
		    F_Z("note", "changes are not shown, retrying with the next command"));
		/* RFC 7162 3.2: it would say that they were. */
		if (str_starts(s->cmd.code, S("HIGHESTMODSEQ ")))
			s->cmd.code = (struct str){ 0 };
	}
	if (r < 0 || !may_expunge)
		imap_notify_delay(s);
	return true;
}

/* The end of a command: notices, tagged answer, count of errors. */
static void finish(struct imap_session *s, int r)
{
	const struct imap_cmd *row = s->cmd.row;

	if (r == IMAP_PARKED)
		return;
	if (is_dead(r) || (row != NULL && !(row->flags & IMAP_CMD_QUIET) && !notify(s))) {
		s->is_over = true;
		return;
	}
	if (r == 0)
		imap_limit_answer(s);
	/* RFC 5530 3: what was found may be gone, and cannot be told yet. */
	if (r == 0 && row != NULL && row->flags & IMAP_CMD_FINDS && s->cmd.has_ghosts && s->cmd.code.n == 0)
		imap_code(s, "EXPUNGEISSUED");
	answer(s, r);
	imap_notify_tagged(s);
	s->commands++;
	count_error(s, r);
	LOG(DEBUG, "imap.command", F_Z("name", row != NULL ? row->name : "?"),
	    F_Z("result", r == 0 ? "OK" : err_row(r)->name));
	if (s->errors_in_row >= s->conf->max_errors && !s->is_over)
		bye(s, "too many errors");
}

/* ---- one command ---- */

static const struct imap_cmd *find_row(struct str name, bool is_uid)
{
	size_t i;

	for (i = 0; i < imap_cmds_n; i++) {
		struct str row = str_z(imap_cmds[i].name);

		if (is_uid != str_starts(row, S("UID ")))
			continue;
		if (str_ieq(is_uid ? str_skip(row, 4) : row, name))
			return &imap_cmds[i];
	}
	return NULL;
}

/* tag SP command-name; the cursor then stands after the name. */
static int parse_name(struct imap_session *s)
{
	struct str tag, name;

	imap_parse_init(&s->p, &s->arena, buf_str(&s->in), imap_is_utf8(s));
	if (imap_parse_tag(&s->p, &tag) <= 0 ||
	    (imap_parse_sp(&s->p) <= 0 && !imap_parse_end(&s->p))) {
		imap_say(s, "a command is: tag SP name");
		return -E_SYNTAX;
	}
	s->cmd.tag = tag;
	if (imap_parse_atom(&s->p, &name) <= 0)
		return -E_SYNTAX;
	if (str_ieq(name, S("UID"))) {
		s->cmd.is_uid = true;
		if (imap_parse_sp(&s->p) <= 0 || imap_parse_atom(&s->p, &name) <= 0)
			return -E_SYNTAX;
	}
	s->cmd.row = find_row(name, s->cmd.is_uid);
	if (s->cmd.row == NULL) {
		imap_say(s, "unknown command");
		return -E_SYNTAX;
	}
	return 0;
}

/* What the row demands. */
static int check_row(struct imap_session *s)
{
	const struct imap_cmd *row = s->cmd.row;

	if (!(row->states & s->state)) {
		if (s->state == IMAP_ST_NOTAUTH)
			imap_say(s, "log in first");
		else if (row->states & IMAP_ST_NOTAUTH)
			imap_say(s, "already logged in");
		else
			imap_say(s, "no mailbox is selected");
		return -E_USAGE;
	}
	if ((row->flags & IMAP_CMD_SEQS) && s->has_uidonly)
		return imap_uid_required(s);
	if ((row->flags & IMAP_CMD_WRITE) && s->sel != NULL && s->sel->is_readonly) {
		imap_say(s, "the mailbox is open for reading only");
		return -E_DENIED;
	}
	return 0;
}

/* input: what imap_input() returned (1 or a refusal). */
static int run_command(struct imap_session *s, int input)
{
	int r = parse_name(s);

	if (input < 0)
		return r < 0 ? r : input;
	/* Whatever the command is: nothing of a mailbox is told that may not be read any more. */
	if (r == 0)
		r = imap_rights_refresh(s);
	if (r == 0)
		r = check_row(s);
	/* What needs a selected mailbox looks at its messages, unless the row says otherwise. */
	if (r == 0 && s->cmd.row->states == IMAP_ST_SELECTED &&
	    !(s->cmd.row->flags & IMAP_CMD_BARE))
		r = imap_view_need(s);
	if (r < 0)
		return r;
	if (s->cmd.row->flags & IMAP_CMD_FRESH) {
		s->cmd.is_in_front = true;
		r = imap_notify(s, false);
		s->cmd.is_in_front = false;
		if (is_dead(r))
			return r;
	}
	imap_progress_begin(s);
	r = s->cmd.row->run(s);
	imap_progress_end();
	return r;
}

/* ---- the loop ---- */

/* Takes one command, or one line for a parked one. 0: park; 1: go on. */
static int step(struct imap_session *s)
{
	struct conn_line line;
	int r;

	if (s->waiting == IMAP_WAIT_COMMAND) {
		r = imap_input(s);
		if (r == 0)
			return 0;
		finish(s, is_dead(r) ? r : run_command(s, r));
	} else {
		r = conn_line(s->conn, LIMIT_SASL_LINE, &line);
		if (r == 0)
			return 0;
		if (r == -E_LIMIT || (r == 1 && (line.flags & CONN_LINE_BARE_LF)))
			line.text = S("?"); /* neither base64 nor DONE */
		else if (r < 0)
			line.text = (struct str){ 0 };
		s->cmd.tag = str_z(s->parked_tag);
		s->cmd.row = find_row(s->waiting == IMAP_WAIT_IDLE ? S("IDLE") : S("AUTHENTICATE"),
				      false);
		if (r < 0 && r != -E_LIMIT)
			finish(s, -E_CLOSED);
		else
			finish(s, s->waiting == IMAP_WAIT_IDLE ? imap_idle_line(s, line.text)
							       : imap_auth_line(s, line.text));
	}
	settle(s);
	return 1;
}

/*
 * RFC 9051 6.2.1: the OK goes out in the clear, then the handshake; what was learned
 * before does not count.
 */
static enum net_next start_tls(struct imap_session *s)
{
	s->is_starting_tls = false;
	s->language = IMAP_LANG_DEFAULT; /* RFC 5255 3.1 */
	if (conn_starttls(s->conn, s->ctx->tls) < 0)
		return NET_CLOSE;
	return NET_PARK;
}

/* RFC 4978 3, RFC 8437 4.1: the OK is the last thing before compression, and the last within it. */
static int change_compression(struct imap_session *s)
{
	s->is_changing_compression = false;
	if (!conn_is_compressed(s->conn))
		return conn_compress_start(s->conn);
	conn_compress_stop(s->conn);
	return 0;
}

/*
 * What the client wants to know at once (NOTIFY) is told between two commands, and while none is
 * there; not within one. False: the session is over.
 */
static bool tell(struct imap_session *s)
{
	bool is_idling = s->waiting == IMAP_WAIT_IDLE;
	bool is_between = s->waiting == IMAP_WAIT_COMMAND && s->in.n == 0 && !s->is_in_body;

	if (!is_idling && (!is_between || (s->events == NULL && s->news == NULL)))
		return true;
	return imap_events_tell(s, is_idling) == 0;
}

/*
 * How long it may stay parked. The time to log in is counted from the beginning: a client that
 * keeps saying NOOP is no reason to keep a connection for nobody.
 */
static int64_t patience_ms(const struct imap_session *s)
{
	int64_t left = s->login_by_ms - clock_mono_ms();

	if (s->state != IMAP_ST_NOTAUTH)
		return s->conf->idle_timeout_ms;
	return left > 1 ? left : 1;
}

static enum net_next loop(struct imap_session *s)
{
	if (s->state == IMAP_ST_NOTAUTH && clock_mono_ms() >= s->login_by_ms) {
		bye(s, "it took too long to log in");
		return NET_CLOSE;
	}
	for (;;) {
		int r = tell(s) ? step(s) : -E_CLOSED;

		if (r < 0)
			return NET_CLOSE;
		if (s->is_over || conn_failed(s->conn))
			return NET_CLOSE;
		if (s->is_starting_tls)
			return start_tls(s);
		if (s->is_changing_compression && change_compression(s) < 0)
			return NET_CLOSE;
		if (r == 0)
			break;
	}
	if (s->in.n == 0 && !s->is_in_body)
		settle(s);
	conn_set_idle_ms(s->conn, patience_ms(s));
	return NET_PARK;
}

static void greet(struct imap_session *s)
{
	AUTO(buf_fini) struct buf caps = BUF_INIT(4096);

	imap_caps_print(s, &caps);
	imap_resp(s, S("* OK [CAPABILITY "));
	imap_resp(s, buf_str(&caps));
	imap_respf(s, "] %" STR_FMT " Martlet ready", STR_ARG(s->ctx->hostname));
	imap_resp_end(s);
}

/* The answer about an access token. */
static void wake_auth(struct imap_session *s)
{
	s->cmd.tag = str_z(s->parked_tag);
	s->cmd.row = find_row(S("AUTHENTICATE"), false);
	finish(s, imap_auth_wake(s));
	settle(s);
}

static enum net_next run_for(struct imap_session *s, enum net_reason why)
{
	switch (why) {
	case NET_START:
		greet(s);
		break;
	case NET_TIMEOUT:
		bye(s, "idle for too long");
		return NET_CLOSE;
	case NET_STOP:
		bye(s, "the server stops");
		return NET_CLOSE;
	case NET_WAKE: /* the loop tells what else there is */
		if (sasl_exchange_is_waiting(s->exchange))
			wake_auth(s);
		break;
	case NET_INPUT:
		break;
	}
	return s->is_over ? NET_CLOSE : loop(s);
}

static enum net_next run(void *session, enum net_reason why)
{
	struct imap_session *s = session;
	enum net_next next;

	must(s->magic == MAGIC);
	log_set_sid(conn_sid(s->conn));
	store_act_as(conn_id(s->conn));
	next = run_for(s, why);
	store_act_as(0); /* the thread goes on to others */
	return next;
}

/* ---- life ---- */

static void *open_session(struct conn *c, void *ctx)
{
	struct imap_session *s = MEM_NEW(struct imap_session);

	s->magic = MAGIC;
	s->state = IMAP_ST_NOTAUTH;
	s->conn = c;
	s->ctx = ctx;
	s->conf_snapshot = conf_live_get(s->ctx->conf);
	s->conf = conf_get(s->conf_snapshot, &imap_conf_table);
	arena_init(&s->arena, LIMIT_COMMAND_ARENA);
	buf_init_held(&s->in, LIMIT_IMAP_COMMAND);
	s->login_by_ms = clock_mono_ms() + s->conf->login_timeout_ms;
	conn_set_idle_ms(c, s->conf->login_timeout_ms);
	return s;
}

static void close_session(void *session)
{
	struct imap_session *s = session;

	must(s->magic == MAGIC);
	log_set_sid(conn_sid(s->conn));
	imap_deselect(s);
	imap_events_set(s, NULL);
	store_news_free(&s->news);
	settle(s);
	sasl_exchange_free(s->exchange);
	mem_free(s->identity);
	sasl_seat_give(&s->seat);
	/* Who neither logged in nor erred is no news: port scans would fill the log. */
	if (s->account != 0 || s->errors > 0 || log_on(LOG_LVL_DEBUG))
		LOG(INFO, "imap.end", F_Z("user", s->name), F_STR("peer", conn_peer(s->conn)),
		    F_INT("commands", s->commands), F_INT("errors", s->errors));
	conf_unref(s->conf_snapshot);
	s->magic = 0;
	mem_free(s);
}

static struct str refuse_text(int err)
{
	return err == -E_LIMIT ? S("* BYE [LIMIT] too many connections, try again later\r\n")
			       : S("* BYE [UNAVAILABLE] try again later\r\n");
}

const struct net_protocol imap_protocol = {
	.name = "imap",
	.open = open_session,
	.run = run,
	.close = close_session,
	.refuse_text = refuse_text,
};
