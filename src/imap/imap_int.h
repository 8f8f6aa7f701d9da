/* SPDX-License-Identifier: MIT */
/*
 * What the files of the IMAP room share: the session, the command being run, the table of
 * commands, the outcome convention, and the face of notify.c, caps.c, input.c and the
 * cmd_*.c files. The pieces with a life of their own have headers of their own: parse.h
 * (cursor), seqset.h, resp.h (writing), utf7.h.
 *
 * How a command runs (session.c): input.c collects a whole command with its literals in
 * session.in; the loop parses tag and name, checks the row (state, TLS), calls the
 * handler with the cursor after the name, then notify.c shows pending changes if the row
 * allows it, then the tagged answer is written, and arena and input are given back.
 * Handlers are straight-line code, write untagged responses themselves (resp.h), never
 * the tagged one.
 *
 * Outcome of a handler:
 *   0                 tag OK [code] text       ("NAME completed" when no text was set)
 *   -E_SYNTAX -E_USAGE  tag BAD text           (counted; too many: BYE)
 *   -E_CLOSED -E_TIMEOUT  the connection is done for, nothing is written
 *   other negative    tag NO [code] text       (from err_row() unless imap_code(), imap_say())
 *   IMAP_PARKED       no answer yet: session.waiting says who continues (IDLE, AUTHENTICATE)
 * Handlers parse all of their arguments up to imap_parse_end() before they change anything.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/uidset.h"
#include "conf/conf.h"
#include "imap/imap.h"
#include "imap/language.h"
#include "imap/parse.h"
#include "sasl/sasl.h"

struct imap_append;
struct imap_update;
struct imap_event_filter;
struct spool;
struct store_mailbox;
struct store_mbox;
struct store_msg;
struct imap_shared;
struct store_news;
struct store_view;

/* ---- settings (conf.c) ---- */

struct imap_conf {
	int64_t idle_timeout_ms;   /* RFC 9051 5.4: at least 30 minutes */
	int64_t login_timeout_ms;  /* from connect to login */
	int64_t max_errors;        /* BADs before BYE */
	int64_t progress_ms;       /* between notices of a long command (RFC 9585) */
	int64_t max_message_bytes; /* APPEND */
	int64_t message_limit;     /* messages of one command (RFC 9738); 0: any number */
	bool is_limit_for_copies;  /* it is for COPY and APPEND alone: SAVELIMIT */
	int language; /* enum imap_language, for LANGUAGE "default" */
	bool may_compress, may_unauthenticate;
	const char *server_comment, *server_admin; /* RFC 5464 3.2.1.1; "": none */
	struct conf_list quota_admins; /* login names; see imap_is_quota_admin() */
	struct conf_list submit_users; /* login names; RFC 4467 3, "submit+" */
};

/* ---- the session ---- */

/* RFC 9051 3: bits, so that a row can name several. */
enum imap_state { IMAP_ST_NOTAUTH = 1, IMAP_ST_AUTH = 2, IMAP_ST_SELECTED = 4, IMAP_ST_LOGOUT = 8 };
#define IMAP_IN_AUTH (IMAP_ST_AUTH | IMAP_ST_SELECTED)
#define IMAP_IN_ANY (IMAP_ST_NOTAUTH | IMAP_ST_AUTH | IMAP_ST_SELECTED)

/* A set of flags this session has shown itself, so that notify.c does not echo them. */
struct imap_shown {
	struct uidset uids;
	uint64_t modseq;
	struct imap_shown *next;
};

/* The selected mailbox. Heap; made and freed by cmd_select.c only. */
struct imap_selected {
	struct store_mbox *mbox;
	/*
	 * What the client was shown; sequence numbers are its. Bare until its messages are
	 * needed for the first time: see imap_view_need().
	 */
	struct store_view *view;
	int64_t mailbox;  /* id */
	bool is_examined; /* EXAMINE */
	bool is_readonly; /* that, or the rights change nothing (RFC 4314 5.2) */
	bool has_annotate; /* SELECT (ANNOTATE): changes of annotations are told (RFC 5257 4.2) */
	int64_t owner;    /* account; not always the session's */
	unsigned rights;  /* of the session's account: see imap_rights_refresh() */
	uint64_t rights_generation;
	struct arena saved_arena;
	struct uidset saved; /* "$", RFC 5182: UIDs; see imap_saved_set() */
	struct arena shown_arena;
	struct imap_shown *shown; /* since the view was shown */
	bool has_own;             /* this session itself has changed something that is not shown yet */
	struct arena own_arena;
	struct uidset own;        /* UIDs that it added; only with NOTIFY */
	struct arena told_arena;
	struct uidset told; /* UIDs of which flags were told that may cross the next command: see is_in_front */
	struct arena recent_arena;
	struct uidset recent; /* UIDs that are \Recent here (rev1) */
	uint32_t recent_below; /* all UIDs below are some session's */
	uint32_t n_recent;    /* as the client was told */
	size_t n_keywords;    /* the same */
	struct imap_update *updates; /* searches that are kept up to date (update.h) */
};

/* The command being run; all of it lives in session.arena or session.in. */
struct imap_command {
	struct str tag;
	const struct imap_cmd *row;
	bool is_uid;     /* came as "UID name" */
	bool has_seqs;   /* UID SEARCH with sequence numbers: no EXPUNGE at its end (RFC 7162 3.2.10.2) */
	bool has_ghosts; /* others have expunged messages that are shown still */
	/*
	 * News are being told that the client may read after it has sent the command: in front of its own
	 * answers (IMAP_CMD_FRESH), and since the last tagged answer (NOTIFY).
	 */
	bool is_in_front;
	uint32_t lowest_done; /* UID: the set was cut, and this is the lowest one left (limit.h); 0: it was not */
	struct str code; /* response code of the tagged answer, without brackets; empty: none */
	struct str text; /* text of the tagged answer; empty: the default */
};

/* A literal that is being read (input.c). */
enum imap_literal_to { IMAP_LIT_NONE, IMAP_LIT_COMMAND, IMAP_LIT_SPOOL, IMAP_LIT_NOWHERE };
struct imap_literal {
	enum imap_literal_to to;
	uint64_t left;
};

/* Of the command that runs (progress.c). */
struct imap_progress {
	int64_t next_ms;     /* monotonic: when the client is told next */
	uint64_t done, goal; /* goal > 0: of the command itself, whatever its parts report */
};

enum imap_waiting { IMAP_WAIT_COMMAND, IMAP_WAIT_AUTH, IMAP_WAIT_IDLE };

struct imap_session {
	uint32_t magic;
	enum imap_state state;
	enum imap_waiting waiting;
	struct conn *conn;
	const struct imap_context *ctx;
	struct conf *conf_snapshot;
	const struct imap_conf *conf;

	bool is_rev2;         /* ENABLE IMAP4rev2: UTF-8 names, ESEARCH always, no \Recent */
	bool has_utf8;        /* ENABLE UTF8=ACCEPT: see imap_is_utf8() */
	enum imap_language language; /* of texts (RFC 5255) */
	bool has_condstore;   /* RFC 7162 3.1: see imap_condstore_enable() */
	bool has_uidonly;     /* ENABLE UIDONLY (RFC 9586): no sequence number goes either way */
	bool has_qresync;     /* ENABLE QRESYNC (RFC 7162 3.2.3): VANISHED instead of EXPUNGE */
	bool is_starting_tls; /* the handshake begins after the tagged answer */
	bool is_changing_compression; /* it begins, or ends, after the tagged answer */
	bool is_over;         /* BYE was written: close after the flush */
	int64_t errors;       /* BADs and failed logins so far */
	int64_t errors_in_row; /* since the last command of a logged-in session that was not BAD */
	int64_t commands;
	int64_t login_by_ms;  /* monotonic; nobody logged in by then: BYE */
	bool has_said_id;     /* ID was logged */
	struct imap_progress progress;

	int64_t account;           /* 0 before login */
	char name[320];            /* login name */
	struct imap_selected *sel; /* exactly in IMAP_ST_SELECTED */

	struct imap_command cmd;
	struct imap_parse p; /* cursor of the command: handlers start after its name */
	struct arena arena; /* command arena: reset after each command, given back before parking */

	struct buf in;       /* the command as it came, literals included (input.c) */
	struct imap_literal literal;
	bool is_in_body;     /* it has had a literal, and so a place (net/conn.h) */
	int in_refused;      /* its rest is read and dropped, then this is the outcome (input.c) */
	struct spool *spool; /* APPEND's message literals; owned */
	struct imap_append *append; /* its arguments, in the arena (append.h) */
	struct imap_event_filter *events; /* of the last NOTIFY; NULL: there was none */
	struct store_news *news;  /* NULL: none are wanted */
	struct imap_shared *shared; /* mailboxes of others that NOTIFY watches; NULL: none */
	bool has_metadata;        /* ENABLE METADATA (RFC 5464 4.1) */
	int64_t watched;          /* the mailbox whose changes wake it, see imap_events_watch() */
	char parked_tag[72]; /* of a parked IDLE or AUTHENTICATE; longer tags are refused there */
	struct sasl_exchange *exchange;
	struct sasl_seat seat;          /* taken while somebody is logged in */
	struct sasl_identity *identity; /* SCRAM's last message was sent; counts with its answer */
};

/* ---- commands ---- */

#define IMAP_PARKED 1

enum imap_cmd_flag {
	/* RFC 9051 7.5.1: no EXPUNGE while it runs (FETCH, STORE, SEARCH, without UID). */
	IMAP_CMD_NO_EXPUNGE = 1,
	/* News without expunges are shown before the handler too: it works on the newest view. */
	IMAP_CMD_FRESH = 2,
	/* Nothing pending is shown at its end (LOGOUT, CLOSE, ...). */
	IMAP_CMD_QUIET = 4,
	/* Arguments are never logged. */
	IMAP_CMD_SECRET = 8,
	/* Refused with NO in an EXAMINEd mailbox. */
	IMAP_CMD_WRITE = 16,
	/* Its handler looks at no message, so none is read for it (bare.c). */
	IMAP_CMD_BARE = 32,
	/* Its arguments are sequence numbers: BAD with UIDONLY. */
	IMAP_CMD_SEQS = 64,
	/* Its result may name what others have expunged (SEARCH, SORT, THREAD). */
	IMAP_CMD_FINDS = 128,
};

struct imap_cmd {
	const char *name; /* "FETCH", "UID FETCH" */
	int (*run)(struct imap_session *s);
	unsigned states; /* where it is allowed */
	unsigned flags;
	const char *rfc;
};

/* One row per command, in session.c. */
extern const struct imap_cmd imap_cmds[];
extern const size_t imap_cmds_n;

/*
 * Sets response code / text of the tagged answer (copied to the arena; printf). Not with
 * peer text. A text of a user's refusal has a row in language.c.
 */
void imap_code(struct imap_session *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void imap_say(struct imap_session *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Mailbox names, and quoted strings to the client, are UTF-8 (RFC 9051 5.1, RFC 6855 3). */
static inline bool imap_is_utf8(const struct imap_session *s)
{
	return s->is_rev2 || s->has_utf8;
}

/* RFC 9586 3: [UIDREQUIRED]; returns -E_USAGE. */
int imap_uid_required(struct imap_session *s);

/* The account's own store, shortcut for s->ctx->store. */
struct store *imap_store(const struct imap_session *s);

/* cmd_misc.c */
int imap_cmd_capability(struct imap_session *s);
int imap_cmd_noop(struct imap_session *s); /* also CHECK: the work is the notices after it */
int imap_cmd_logout(struct imap_session *s);
int imap_cmd_id(struct imap_session *s);
int imap_cmd_namespace(struct imap_session *s);
int imap_cmd_enable(struct imap_session *s);
/* cmd_language.c */
int imap_cmd_language(struct imap_session *s);
int imap_cmd_comparator(struct imap_session *s);
/* cmd_compress.c, cmd_starttls.c, cmd_login.c */
int imap_cmd_compress(struct imap_session *s);
int imap_cmd_starttls(struct imap_session *s);
int imap_cmd_login(struct imap_session *s);
int imap_cmd_authenticate(struct imap_session *s);
int imap_cmd_unauthenticate(struct imap_session *s);
/* cmd_select.c */
int imap_cmd_select(struct imap_session *s);
int imap_cmd_examine(struct imap_session *s);
int imap_cmd_close(struct imap_session *s);
int imap_cmd_unselect(struct imap_session *s);
/* cmd_list.c, cmd_mailbox.c, cmd_status.c, cmd_append.c, cmd_idle.c */
int imap_cmd_list(struct imap_session *s);
int imap_cmd_lsub(struct imap_session *s);
int imap_cmd_create(struct imap_session *s);
int imap_cmd_delete(struct imap_session *s);
int imap_cmd_rename(struct imap_session *s);
int imap_cmd_subscribe(struct imap_session *s);
int imap_cmd_unsubscribe(struct imap_session *s);
int imap_cmd_status(struct imap_session *s);
int imap_cmd_append(struct imap_session *s);
int imap_cmd_idle(struct imap_session *s);
/* cmd_acl.c */
int imap_cmd_setacl(struct imap_session *s);
int imap_cmd_deleteacl(struct imap_session *s);
int imap_cmd_getacl(struct imap_session *s);
int imap_cmd_listrights(struct imap_session *s);
int imap_cmd_myrights(struct imap_session *s);
/* "* MYRIGHTS name rights", for LIST too (RFC 8440). */
void imap_myrights_show(struct imap_session *s, const struct store_mailbox *box);
/* cmd_urlauth.c */
int imap_cmd_genurlauth(struct imap_session *s);
int imap_cmd_urlfetch(struct imap_session *s);
int imap_cmd_resetkey(struct imap_session *s);
/* cmd_notify.c */
int imap_cmd_notify(struct imap_session *s);
/* cmd_metadata.c */
int imap_cmd_getmetadata(struct imap_session *s);
int imap_cmd_setmetadata(struct imap_session *s);
/* cmd_quota.c */
int imap_cmd_getquota(struct imap_session *s);
int imap_cmd_getquotaroot(struct imap_session *s);
int imap_cmd_setquota(struct imap_session *s);
/*
 * cmd_fetch.c, cmd_store.c, cmd_replace.c, cmd_copy.c, cmd_expunge.c, cmd_search.c; s->cmd.is_uid
 * tells the UID forms
 */
int imap_cmd_fetch(struct imap_session *s);
int imap_cmd_store(struct imap_session *s);
int imap_cmd_replace(struct imap_session *s);
int imap_cmd_copy(struct imap_session *s);
int imap_cmd_move(struct imap_session *s);
int imap_cmd_expunge(struct imap_session *s);
int imap_cmd_search(struct imap_session *s);
/* cmd_uidbatches.c */
int imap_cmd_uidbatches(struct imap_session *s);
/* cmd_esearch.c */
int imap_cmd_esearch(struct imap_session *s);
/* update.c */
int imap_cmd_cancelupdate(struct imap_session *s);
/* cmd_sort.c */
int imap_cmd_sort(struct imap_session *s);
int imap_cmd_thread(struct imap_session *s);

/* ---- helpers between commands ---- */

/*
 * CLOSE (cmd_expunge.c): removes \Deleted messages of the selected read-write mailbox,
 * writes nothing. 0 or negative.
 */
MUST_CHECK int imap_close_expunge(struct imap_session *s);
/*
 * Leaves the selected mailbox (state AUTH), writes nothing; accepts that none is selected
 * (cmd_select.c).
 */
void imap_deselect(struct imap_session *s);
/*
 * A command of RFC 7162 3.1 was used (MODSEQ in FETCH or SEARCH, CHANGEDSINCE,
 * UNCHANGEDSINCE, HIGHESTMODSEQ in STATUS, SELECT (CONDSTORE), ENABLE): from now on FETCH
 * FLAGS carries MODSEQ. Writes "* OK [HIGHESTMODSEQ n]" the first time when a mailbox is
 * selected (cmd_select.c).
 */
void imap_condstore_enable(struct imap_session *s);
/* "$" becomes this set of UIDs (copied); -E_LIMIT leaves it empty (cmd_select.c). */
MUST_CHECK int imap_saved_set(struct imap_session *s, const struct uidset *uids);
/* May this user see and set the quotas of all accounts (cmd_quota.c)? Without login: no. */
bool imap_is_quota_admin(const struct imap_session *s);

/* ---- rights (rights.c) ---- */

/*
 * EVERY command that takes the name of a mailbox goes through this: a name as parsed, and its row,
 * if the user has the rights `need` there (enum store_right; 0: any that tells that it exists).
 * ret->name is what the client is told, ret->rights what the user may. -E_NOT_FOUND also when it
 * may not be known that it is there; -E_DENIED; -E_CANNOT (store/rights.h: store_mailbox_lookup()).
 */
MUST_CHECK int imap_mailbox_find(struct imap_session *s, struct str name, unsigned need,
				 struct store_mailbox *ret);
/* Does the user have these in the selected mailbox? 0 or -E_DENIED. */
MUST_CHECK int imap_rights_need(const struct imap_session *s, unsigned need);
/*
 * What the user may do in the selected mailbox now: before each command and each notice. Tells FLAGS
 * and PERMANENTFLAGS when they have changed; -E_CLOSED after a BYE when it may not be read any
 * more (RFC 4314 5.1.1). Costs a compare while nobody's rights change.
 */
MUST_CHECK int imap_rights_refresh(struct imap_session *s);
/* Sets the rights of the selected mailbox, and is_readonly from them. */
void imap_rights_set(struct imap_selected *sel, unsigned rights);

/* ---- notices (notify.c) ---- */

/*
 * Shows what happened in the selected mailbox since it was shown last: EXPUNGE, EXISTS,
 * RECENT, FLAGS, FETCH FLAGS; then s->sel->view is the newest view. Without may_expunge
 * what was expunged is not told, and the view keeps those messages until the next command
 * that may. Nothing selected, no news: does nothing. After NOTIFY only what it asks for is shown
 * (RFC 5465 3.1); when it asks for nothing, the view stays where it is. 0, or
 * negative for trouble (then the view is as before). The session loop calls it before
 * each tagged answer, with may_expunge by the row.
 */
MUST_CHECK int imap_notify(struct imap_session *s, bool may_expunge);
/*
 * After imap_notify() that may not have told all, before the tagged answer. RFC 7162 3.2, 5: the client may
 * have seen a larger modseq than that of an expunge which it has not been told; when the
 * connection is lost now it must ask from here on. Nothing when all is told, or without QRESYNC.
 */
void imap_notify_delay(struct imap_session *s);
/*
 * For imap_notify(), with a bare view (bare.c). 1: all is told; 0: nothing is, that takes the
 * messages.
 */
MUST_CHECK int imap_bare_notify(struct imap_session *s);
/*
 * The messages of the selected mailbox are needed (bare.c): from now on s->sel->view has them, as
 * they were when the mailbox was shown last. 0, or negative: -E_CLOSED after a BYE when it is
 * deleted, or no longer known.
 */
MUST_CHECK int imap_view_need(struct imap_session *s);
/*
 * The caller has itself answered (or, .SILENT, need not answer) the flags of these UIDs
 * as they are at modseq: notify does not repeat them unless they change again. For STORE,
 * after store_flags(). (STORE's rows are IMAP_CMD_FRESH, so what others changed before
 * has been shown and is not hidden by this.)
 */
void imap_notify_flags_shown(struct imap_session *s, const struct uidset *uids, uint64_t modseq);
/*
 * This command has added messages lo to hi to that mailbox (lo 0: it has changed it otherwise). They
 * are told whatever NOTIFY wants, and not fetched for it (RFC 5465 5.2).
 */
void imap_notify_own(struct imap_session *s, int64_t mailbox, uint32_t lo, uint32_t hi);
/* Does this session claim what it adds to that mailbox as \Recent? */
bool imap_notify_wants_recent(const struct imap_session *s, int64_t mailbox);
/* The messages lo to hi, which it has added, are \Recent here, and all below are some session's. */
void imap_notify_own_recent(struct imap_session *s, uint32_t lo, uint32_t hi);
/* FLAGS and PERMANENTFLAGS of a view of the selected mailbox. */
void imap_notify_keywords(struct imap_session *s, const struct store_view *v);
/* The same when the client was told of other keywords: RFC 9051 7.3.5, before flags of that view are told. */
void imap_notify_new_keywords(struct imap_session *s, const struct store_view *v);
/* The tagged answer is written: which flags were told before it is certain now. */
void imap_notify_tagged(struct imap_session *s);
/* The client knows that view now; takes it. */
void imap_notify_shown(struct imap_selected *sel, struct store_view *now);
/*
 * RFC 2180 3.3: the sequence numbers of a deleted mailbox mean nothing any more. BYE; returns
 * -E_CLOSED.
 */
int imap_notify_gone(struct imap_session *s);
/*
 * Claims what is \Recent now and counts it; nothing in rev2. -E_LIMIT: the view is bare and
 * counting takes its messages. For cmd_select.c.
 */
MUST_CHECK int imap_notify_recent(struct imap_session *s, const struct store_view *now);
/* Is the message \Recent in this session (never in rev2)? */
bool imap_is_recent(const struct imap_session *s, uint32_t uid);

/* ---- progress (progress.c) ---- */

/*
 * From here to imap_progress_end() the client is told now and then how far the work of this thread is (RFC 9585 4, base/work.h).
 * Handlers ask for long work only between whole responses.
 */
void imap_progress_begin(struct imap_session *s);
void imap_progress_end(void);

/* ---- capabilities (caps.c) ---- */

/* "IMAP4rev1 IMAP4rev2 ..." as they are at this moment of the session. */
void imap_caps_print(struct imap_session *s, struct buf *out);

/* ---- input (input.c) ---- */

/*
 * Collects the next command in s->in: lines joined by CRLF, each literal right after its
 * "{n}" CRLF (only APPEND's message goes to s->spool instead, and nothing stands in its
 * place). 1: complete; 0: park; -E_SYNTAX, -E_LIMIT, -E_TOO_BIG, -E_QUOTA...: this
 * command is refused, its tag is the first word of s->in (the loop answers and goes on);
 * -E_CLOSED etc.: the connection is over (a BYE was written where it helps).
 */
MUST_CHECK int imap_input(struct imap_session *s);
/* Empties it for the next command and gives large memory back. */
void imap_input_reset(struct imap_session *s);
/*
 * Is the literal of n bytes whose "{n}" ends so_far a message of APPEND or REPLACE (append.c)? 1:
 * yes, s->spool is ready for it; 0: no; -E_TOO_BIG, -E_NOT_FOUND mailbox, -E_DISK_FULL: refused
 * before it is read.
 */
MUST_CHECK int imap_append_literal(struct imap_session *s, struct str so_far, uint64_t n);

/* ---- continuing a parked command: as handlers, with the line (cmd_login.c, cmd_idle.c) ---- */
int imap_auth_line(struct imap_session *s, struct str line);
/* The exchange waited for somebody (sasl_exchange_is_waiting()), and the session was woken. */
int imap_auth_wake(struct imap_session *s);
int imap_idle_line(struct imap_session *s, struct str line);

