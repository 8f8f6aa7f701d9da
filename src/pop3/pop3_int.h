/* SPDX-License-Identifier: MIT */
/*
 * What the files of this room share: the session, the command row, the snapshot of a maildrop.
 *
 *   session.c   states, the command table, the loop
 *   cmd_auth.c  USER PASS AUTH STLS, the SASL exchange over several lines, opening the maildrop
 *   cmd_misc.c  CAPA LANG UTF8 NOOP RSET QUIT STAT LIST UIDL DELE
 *   cmd_retr.c  RETR TOP
 *   snapshot.c  the messages as this session sees them, and which are marked deleted
 *   stuff.c     message bytes to lines of a reply: dot-stuffing, TOP's cut (pure)
 *   reply.c     +OK and -ERR
 */
#pragma once

#include "base/arena.h"
#include "conf/live.h"
#include "net/conn.h"
#include "pop3/pop3.h"
#include "sasl/sasl.h"
#include "store/view.h"

/* [pop3] */
struct pop3_conf {
	int64_t idle_timeout_ms, login_timeout_ms;
	int64_t max_errors;
};

/* RFC 1939 3: the states; UPDATE lasts as long as QUIT runs. Bits, for the command table. */
enum pop3_state {
	POP3_AUTHORIZATION = 1,
	POP3_TRANSACTION = 2,
};

/* Where an AUTH command stands between two lines. */
enum pop3_sasl_state {
	POP3_SASL_NONE,
	POP3_SASL_STEP, /* the next line is a client response */
	POP3_SASL_LAST, /* the server's final data is sent, an empty response is due (RFC 5034 4) */
};

/* ---- snapshot.c ---- */

/*
 * A maildrop as it was at login (RFC 1939 3: fixed for the session): a reference to the mailbox
 * view that all sessions share, and one bit a message, allocated at the first DELE.
 */
struct pop3_snapshot {
	struct store_view *view; /* NULL: closed */
	uint8_t *deleted;        /* NULL: none */
	uint32_t n_deleted;
};

/* INBOX of the account, whose POP3 lock the caller holds. 0 or trouble. */
MUST_CHECK int pop3_snapshot_open(struct pop3_snapshot *p, struct store *s, int64_t account);
void pop3_snapshot_close(struct pop3_snapshot *p);
/* The message with that number, NULL when there is none or it is marked deleted. */
const struct store_msg *pop3_snapshot_at(const struct pop3_snapshot *p, uint64_t number);
void pop3_snapshot_delete(struct pop3_snapshot *p, uint32_t number);
void pop3_snapshot_undelete_all(struct pop3_snapshot *p);
/* What is not marked deleted. */
void pop3_snapshot_count(const struct pop3_snapshot *p, uint32_t *ret_n, uint64_t *ret_octets);
/* Removes the marked messages for good. Durable. Nothing is removed on failure. */
MUST_CHECK int pop3_snapshot_expunge(const struct pop3_snapshot *p, struct store *s,
				     uint32_t *ret_n);

/* ---- stuff.c ---- */

/*
 * Turns the bytes of a message into the lines of a multi-line reply, piece by piece. Begin with
 * POP3_STUFF_RETR or POP3_STUFF_TOP(lines).
 */
struct pop3_stuff {
	bool is_whole;       /* RETR; else TOP */
	uint64_t lines_left; /* of the body, for TOP */
	bool in_body;
	bool is_done; /* TOP has all of its lines */
	bool at_line_start;
	bool is_empty_so_far; /* the current line has nothing but perhaps a CR */
	char last;
	bool ends_crlf; /* what was written so far does; true before the first byte */
};
#define POP3_STUFF_AT_START .at_line_start = true, .is_empty_so_far = true, .ends_crlf = true
#define POP3_STUFF_RETR ((struct pop3_stuff){ .is_whole = true, POP3_STUFF_AT_START })
#define POP3_STUFF_TOP(n) ((struct pop3_stuff){ .lines_left = (n), POP3_STUFF_AT_START })
/* Writes the piece, stuffed (RFC 1939 3). */
void pop3_stuff_add(struct pop3_stuff *f, struct conn *c, struct str piece);
/* Ends an unfinished line and writes the terminating ".". */
void pop3_stuff_end(struct pop3_stuff *f, struct conn *c);

/* ---- session.c ---- */

#define POP3_SESSION_MAGIC 0x504f5033u

struct pop3_session {
	uint32_t magic;
	struct conn *conn;
	const struct pop3_context *ctx;
	struct conf *conf; /* the settings this session began with */
	const struct pop3_conf *set;
	enum pop3_state state;
	int64_t login_by_ms; /* monotonic; nobody logged in by then: the end */
	enum pop3_sasl_state sasl_state;
	bool is_over;         /* close after this command */
	bool is_tls_starting; /* park for the handshake after this command */
	int64_t errors;
	char *user; /* of USER, NULL before */
	struct sasl_exchange *exchange;
	struct sasl_seat seat;         /* with has_lock */
	struct sasl_identity *pending; /* authenticated, waiting for the empty response */
	int64_t account;               /* 0: nobody */
	bool has_lock;                 /* the POP3 lock of account is ours */
	struct pop3_snapshot box;
	int64_t n_retr, n_top, n_expunged, octets;
};

/* One command: the loop checks state and arguments by the row, then calls. */
struct pop3_cmd {
	const char *name;
	void (*run)(struct pop3_session *s, struct str args);
	unsigned states; /* enum pop3_state bits */
	enum { POP3_ARGS_NONE, POP3_ARGS_MAY, POP3_ARGS_MUST } args;
	const char *rfc;
};

/* Gives the maildrop back: view and lock, and the account's seat. */
void pop3_session_leave(struct pop3_session *s);

/* ---- reply.c ---- */

void pop3_ok(struct pop3_session *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The client's mistake; counts towards max_errors. */
void pop3_err(struct pop3_session *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/*
 * A failure by code, with its response code (RFC 2449 8, RFC 3206) and a log line when it is
 * ours.
 */
void pop3_fail(struct pop3_session *s, const char *what, int err);

/* ---- commands ---- */

void pop3_cmd_user(struct pop3_session *s, struct str args);
void pop3_cmd_pass(struct pop3_session *s, struct str args);
void pop3_cmd_auth(struct pop3_session *s, struct str args);
void pop3_cmd_stls(struct pop3_session *s, struct str args);
/* A line of a running AUTH exchange. */
void pop3_auth_line(struct pop3_session *s, struct str line);
void pop3_auth_cancel(struct pop3_session *s);
/* The session was woken, maybe because somebody answered about an access token. */
void pop3_auth_wake(struct pop3_session *s);

void pop3_cmd_capa(struct pop3_session *s, struct str args);
void pop3_cmd_lang(struct pop3_session *s, struct str args);
void pop3_cmd_utf8(struct pop3_session *s, struct str args);
void pop3_cmd_noop(struct pop3_session *s, struct str args);
void pop3_cmd_rset(struct pop3_session *s, struct str args);
void pop3_cmd_quit(struct pop3_session *s, struct str args);
void pop3_cmd_stat(struct pop3_session *s, struct str args);
void pop3_cmd_list(struct pop3_session *s, struct str args);
void pop3_cmd_uidl(struct pop3_session *s, struct str args);
void pop3_cmd_dele(struct pop3_session *s, struct str args);
void pop3_cmd_retr(struct pop3_session *s, struct str args);
void pop3_cmd_top(struct pop3_session *s, struct str args);

/* The message an argument names; NULL with the error answered. */
const struct store_msg *pop3_message(struct pop3_session *s, struct str number,
				     uint32_t *ret_number);
