/* SPDX-License-Identifier: MIT */
/*
 * The session and its transaction, shared by the files of this room.
 *
 * A command handler takes the session and the command's argument (what follows the first space,
 * trimmed) and returns the reply: enum smtp_reply, SMTP_R_NONE when it has answered itself, or
 * a negative code, whose row of base/err.h is the reply. What a handler may rely on (role,
 * state, TLS, authentication) is said by its row in session.c.
 */
#pragma once

#include "base/arena.h"
#include "base/str.h"
#include "queue/queue.h"
#include "sasl/sasl.h"
#include "smtp/dotstream.h"
#include "smtp/reply.h"
#include "smtp/smtp.h"

struct conn;
struct spool;

/* ---- settings (conf.c) ---- */

enum smtp_bare_lf { SMTP_BARE_LF_REJECT, SMTP_BARE_LF_NORMALISE };

struct smtp_conf {
	int64_t max_message_size;
	int64_t max_recipients;
	int64_t max_errors;
	int64_t max_auth_failures;
	int64_t max_messages;
	int64_t max_commands;
	int64_t max_hops;
	int64_t greet_delay_ms;
	int64_t command_timeout_ms;
	int64_t data_idle_timeout_ms;
	int64_t data_total_timeout_ms;
	int64_t data_min_rate;
	int64_t max_hold_ms;
	int submission_bare_lf; /* enum smtp_bare_lf */
	struct conf_list relay_networks;
	bool rejects_early_talkers;
	bool rejects_bad_pipelining;
};

/* ---- session ---- */

/*
 * GREET  -> NEW    the greeting is written
 * NEW    -> READY  EHLO, HELO, LHLO            (helo.c)
 * READY  -> AUTH -> READY                      (cmd_auth.c)
 * READY  -> MAIL   MAIL                        (cmd_mail.c)
 * MAIL   -> RCPT   the first accepted RCPT     (cmd_rcpt.c)
 * RCPT   -> READY  the message is complete     (cmd_data.c, receive.c)
 * RCPT   -> BDAT   first chunk -> READY        (cmd_bdat.c)
 * any    -> READY  RSET, EHLO;  -> NEW STARTTLS
 * All moves go through smtp_session_enter().
 */
enum smtp_state {
	SMTP_ST_GREET = 1,
	SMTP_ST_NEW = 2,
	SMTP_ST_READY = 4,
	SMTP_ST_AUTH = 8,
	SMTP_ST_MAIL = 16,
	SMTP_ST_RCPT = 32,
	SMTP_ST_BDAT = 64,
};

enum smtp_body { SMTP_BODY_7BIT, SMTP_BODY_8BITMIME, SMTP_BODY_BINARYMIME };

/*
 * From MAIL to the end of the message. Slices live in the session's arena, which
 * smtp_tx_reset() empties.
 */
struct smtp_tx {
	char qid[17]; /* "" outside a transaction */
	int64_t start_ms;
	struct str reverse_path;
	enum smtp_body body;
	bool is_smtputf8, is_requiretls;
	bool is_tls_optional; /* by its header */
	uint64_t announced_size;
	enum queue_ret dsn_ret;
	struct str envid;
	struct queue_wish wish;
	struct queue_rcpt *rcpts; /* heap, from the budget; grows up to max_recipients */
	size_t n_rcpts, cap_rcpts;
	size_t n_refused;
	/* the body (receive.c) */
	struct spool *spool;
	struct smtp_dotstream dots;
	uint64_t received; /* octets of the body, kept or not */
	int trouble;       /* first refusal of a body byte: 0 or a negative code */
};

/* A chunk of BDAT that is being read (cmd_bdat.c). */
struct smtp_chunk {
	uint64_t left;
	bool is_last;
	int order; /* 0: it belongs to the message; else it is dropped and this is the reply */
};

struct smtp_session {
	uint32_t magic;
	enum smtp_state state;
	struct conn *conn;
	const struct smtp_context *ctx;
	struct conf *snapshot;
	const struct smtp_conf *conf;
	bool is_extended; /* EHLO or LHLO, not HELO */
	bool is_closing;
	bool is_starting_tls;
	bool is_in_bad_line; /* behind a bare LF: the rest of that line is no command */
	bool is_authenticated;
	char *helo_z;                   /* heap; NULL before HELO */
	struct sasl_identity *identity; /* heap; with is_authenticated */
	struct sasl_exchange *exchange; /* in SMTP_ST_AUTH */
	struct sasl_seat seat;          /* with is_authenticated */
	bool is_last_challenge;         /* the exchange is done, an empty answer is awaited */
	struct arena arena;
	struct smtp_tx tx;
	/*
	 * What comes is not a command line but a body (cmd_data.c, cmd_bdat.c); NULL: lines. It
	 * takes what is there and gives back a reply and NULL here, or, when more must come,
	 * SMTP_R_NONE and itself.
	 */
	int (*read_on)(struct smtp_session *s);
	struct smtp_chunk chunk;
	int64_t start_ms;
	size_t n_errors, n_auth_failures;
	size_t n_commands;      /* since the last message; a recipient that is taken is none */
	size_t n_mails;         /* MAIL commands accepted */
	size_t n_messages;      /* messages accepted */
	size_t n_refused;       /* recipients and messages refused */
	const char *why_closed; /* for the log */
};

/* session.c */
void smtp_session_enter(struct smtp_session *s, enum smtp_state to);
/* Closes after what is written is sent. why is a word for the log. */
void smtp_session_close(struct smtp_session *s, const char *why);
/* Writes a reply: as handlers return it, with more text behind the row's. Counts refusals. */
void smtp_session_reply(struct smtp_session *s, int reply, struct str detail);
/* Ends the transaction, if there is one. */
void smtp_tx_reset(struct smtp_session *s);

/*
 * signing.c: puts trace before the message of the transaction, and below its first line the signatures, if the author's domain has keys here. message: the
 * spool's, which may be another one afterwards: what is signed is made 7-bit first.
 */
MUST_CHECK int smtp_sign(struct smtp_session *s, struct str message, struct str trace);

/* ehlo.c: the whole reply to EHLO or LHLO; to HELO. */
void smtp_ehlo_write(struct smtp_session *s);
void smtp_helo_write(struct smtp_session *s);

/* params.c: ESMTP parameters of MAIL and RCPT by table. */
struct smtp_param_row {
	const char *keyword;
	enum { SMTP_VALUE_NONE, SMTP_VALUE_NEEDED } value;
	bool (*is_offered)(const struct smtp_session *s);                     /* NULL: always */
	int (*apply)(struct smtp_session *s, void *target, struct str value); /* 0 or a reply */
	const char *rfc;
};
/* Walks all parameters in args. 0 or a reply. */
int smtp_params_apply(struct smtp_session *s, struct str args, const struct smtp_param_row *rows,
		      size_t n_rows, void *target);

/* wish.c: parameters about time and urgency; 0 or a reply. */
int smtp_apply_by(struct smtp_session *s, void *target, struct str value);
int smtp_apply_holdfor(struct smtp_session *s, void *target, struct str value);
int smtp_apply_holduntil(struct smtp_session *s, void *target, struct str value);
int smtp_apply_priority(struct smtp_session *s, void *target, struct str value);
bool smtp_wish_contradicts(const struct queue_wish *wish);
/* What stands behind FUTURERELEASE in the reply to EHLO. */
void smtp_hold_print(const struct smtp_session *s, struct buf *out);
/* Is it offered? RFC 4865 4.2: in submission only. */
bool smtp_hold_is_offered(const struct smtp_session *s);

/* received.c: all that stands before the message when it is stored. */
void smtp_trace_print(struct smtp_session *s, bool adds_date, bool adds_message_id,
		      struct buf *out);

/* RFC 3848 and RFC 6531 4.3: the protocol in the "with" clause; only "SMTP" itself has a form without extensions. */
void smtp_protocol_print(const struct smtp_session *s, struct buf *out);

/* receive.c */
/* Opens the spool. 0 or negative. */
int smtp_receive_begin(struct smtp_session *s, bool is_chunked);
/* One slice of the body, dots already removed. Trouble is kept for the end. */
void smtp_receive_add(struct smtp_session *s, struct str bytes);
/* So much came that reading on serves nobody: close. */
bool smtp_receive_is_hopeless(const struct smtp_session *s);
/* The message's place and the limits of its reading, until smtp_tx_reset(). 0 or negative. */
int smtp_receive_body_begin(struct smtp_session *s);
/*
 * The message is complete: refuses or stores it, answers (LMTP: once for each recipient), ends
 * the transaction.
 */
void smtp_receive_end(struct smtp_session *s);

/* cmd_rcpt.c */
void smtp_rcpts_free(struct smtp_tx *tx);

/* cmd_auth.c: a line of the exchange, or NULL text for one that was too long. */
int smtp_auth_continue(struct smtp_session *s, struct str line);
/* The session was woken, maybe because somebody answered about an access token. */
int smtp_auth_wake(struct smtp_session *s);
void smtp_auth_end(struct smtp_session *s);

/* ---- command handlers ---- */

int smtp_cmd_helo(struct smtp_session *s, struct str args);
int smtp_cmd_ehlo(struct smtp_session *s, struct str args);
int smtp_cmd_starttls(struct smtp_session *s, struct str args);
int smtp_cmd_auth(struct smtp_session *s, struct str args);
int smtp_cmd_mail(struct smtp_session *s, struct str args);
int smtp_cmd_rcpt(struct smtp_session *s, struct str args);
int smtp_cmd_data(struct smtp_session *s, struct str args);
int smtp_cmd_bdat(struct smtp_session *s, struct str args);
int smtp_cmd_rset(struct smtp_session *s, struct str args);
int smtp_cmd_noop(struct smtp_session *s, struct str args);
int smtp_cmd_vrfy(struct smtp_session *s, struct str args);
int smtp_cmd_help(struct smtp_session *s, struct str args);
int smtp_cmd_quit(struct smtp_session *s, struct str args);
int smtp_cmd_not_here(struct smtp_session *s, struct str args);
