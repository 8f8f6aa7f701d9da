/* SPDX-License-Identifier: MIT */
/* Private to the queue: its statements by name. */
#pragma once

#include <stdatomic.h>

#include "base/lock.h"
#include "db/db.h"
#include "queue/attempt.h"
#include "queue/queue.h"
#include "queue/trace.h"
#include "store/message.h"

enum queue_sql_id {
	QUEUE_SQL_MESSAGE_ADD,
	QUEUE_SQL_MESSAGE_GET,
	QUEUE_SQL_MESSAGE_REMOVE,
	QUEUE_SQL_MESSAGE_LOOK,
	QUEUE_SQL_MESSAGES_LATE,
	QUEUE_SQL_NEXT_LOOK,
	QUEUE_SQL_RECIPIENT_ADD,
	QUEUE_SQL_RECIPIENT_REMOVE,
	QUEUE_SQL_RECIPIENT_DEFER,
	QUEUE_SQL_RECIPIENTS_OF,
	QUEUE_SQL_RECIPIENTS_DUE,
	QUEUE_SQL_RECIPIENTS_LEFT,
	QUEUE_SQL_DESTINATION_ADD,
	QUEUE_SQL_DESTINATION_GET,
	QUEUE_SQL_DESTINATION_DOWN,
	QUEUE_SQL_DESTINATION_UP,
	QUEUE_SQL_DESTINATION_FIRST,
	QUEUE_SQL_DESTINATION_DUE,
	QUEUE_SQL_DESTINATION_REMOVE,
	QUEUE_SQL_DESTINATIONS_DUE,
	QUEUE_SQL_DESTINATIONS_FRESH,
	QUEUE_SQL_NEXT_DUE,
	QUEUE_SQL_RECIPIENT_ANY,
	QUEUE_SQL_DESTINATION_ANY,
	QUEUE_SQL_RECIPIENTS_AFTER,
	QUEUE_SQL_RECIPIENT_WITHOUT_KEY,
	QUEUE_SQL_RECIPIENT_KEY,
	QUEUE_SQL_NOTE_GET,
	QUEUE_SQL_NOTE_PUT,
	QUEUE_SQL_RECIPIENTS_PICKED,
	QUEUE_SQL_RECIPIENT_STATE,
	QUEUE_SQL_MESSAGE_LOOK_AT,
	QUEUE_SQL_MESSAGE_AGE_ANEW,
	QUEUE_SQL_DESTINATION_NOW,
	QUEUE_SQL_LEVEL_GET,
	QUEUE_SQL_LEVEL_PUT,
	QUEUE_SQL_STS_GET,
	QUEUE_SQL_STS_PUT,
	QUEUE_SQL_STS_FORGET,
	QUEUE_SQL_LEVELS_FORGET,
	QUEUE_SQL_ALLOWANCE_GET,
	QUEUE_SQL_ALLOWANCE_PUT,
	QUEUE_SQL_ACQUAINTANCE_ADD,
	QUEUE_SQL_ACQUAINTANCE_SEEN,
	QUEUE_SQL_ACQUAINTANCES_FORGET,
	QUEUE_SQL_LIST,
	QUEUE_SQL_COUNT_RECIPIENTS,
	QUEUE_SQL_COUNT_DESTINATIONS,
	QUEUE_SQL_OLDEST,
	QUEUE_SQL_FSCK_REFS,
	QUEUE_SQL_FSCK_ORPHANS,
	QUEUE_SQL_FSCK_EMPTY,
	QUEUE_SQL_FSCK_EMPTY_CONTENTS,
	QUEUE_SQL_FSCK_FORGOTTEN,
	QUEUE_SQL_FSCK_LABEL,
	QUEUE_SQL_REPAIR_ORPHANS,
	QUEUE_SQL_REPAIR_EMPTY,
	QUEUE_SQL_REPAIR_FORGOTTEN,
	QUEUE_SQL_REPAIR_SIZE,
	QUEUE_SQL_REPAIR_RECIPIENTS_OF,
	QUEUE_SQL_REPAIR_MESSAGES_OF,
	QUEUE_SQL_TRACE_ADD,
	QUEUE_SQL_TRACE_ROW,
	QUEUE_SQL_TRACE_AFTER,
	QUEUE_SQL_TRACE_TAIL,
	QUEUE_SQL_TRACE_LAST_BLOCK,
	QUEUE_SQL_TRACE_BLOCKS,
	QUEUE_SQL_TRACE_BLOCK_ADD,
	QUEUE_SQL_TRACE_PRUNE,
	QUEUE_SQL_TRACE_PRUNE_BLOCKS,
	QUEUE_SQL_TLSRPT_COUNT,
	QUEUE_SQL_TLSRPT_SESSION_ADD,
	QUEUE_SQL_TLSRPT_SIZE,
	QUEUE_SQL_TLSRPT_ADD,
	QUEUE_SQL_TLSRPT_GREW,
	QUEUE_SQL_TLSRPT_DAY,
	QUEUE_SQL_TLSRPT_DAY_GREW,
	QUEUE_SQL_TLSRPT_DUE,
	QUEUE_SQL_TLSRPT_NEXT,
	QUEUE_SQL_TLSRPT_ROWS,
	QUEUE_SQL_TLSRPT_PUT_OFF,
	QUEUE_SQL_TLSRPT_SESSIONS_REMOVE,
	QUEUE_SQL_TLSRPT_REMOVE,
	QUEUE_SQL_TLSRPT_DAY_END,
	QUEUE_SQL_COUNT_
};
extern const struct db_sql queue_sql[QUEUE_SQL_COUNT_];
#define SQL(name) (&queue_sql[QUEUE_SQL_##name])

#define QUEUE_HINTS 64

#define QUEUE_SHARES 1024

struct queue_sched;

struct queue_share { /* of a sender (fair.c) */
	uint64_t who;
	size_t used;
	int64_t at_s;  /* when that was so */
};

struct queue {
	struct store *store;
	uint8_t srs_key[STORE_SECRET_BYTES];
	struct lock lock;       /* of what follows */
	struct conf *conf;      /* NULL: none yet */
	/* Destinations that something new waits for: where the schedule looks without being asked to. */
	char hostname[256];
	struct dkim_key *dkim;  /* NULL: none; tlsrpt.c */
	struct queue_dkim *signers; /* NULL: none; dkim.c */
	char *hints[QUEUE_HINTS];
	size_t n_hints;
	bool has_more_hints;    /* than fit: look everywhere */
	struct queue_share shares[QUEUE_SHARES];
	void (*wake)(void *ctx); /* NULL: nobody sends */
	void *wake_ctx;
	/*
	 * Of which rows have an attempt: held while the schedule takes rows into attempts or lets them go, and while others take rows away.
	 * Taken before lock.
	 */
	struct lock flying;
	struct queue_sched *sched; /* NULL: none runs */
	_Atomic int64_t trace_ms;       /* trace.c */
	_Atomic int64_t trace_hour;     /* in which trace_refused were kept */
	_Atomic int64_t trace_refused;
};

/* ---- accept.c: one message on its way in, in two steps ---- */

struct queue_target { /* an account that gets a copy */
	int64_t account;
	int result;
};

struct queue_elsewhere { /* an address elsewhere that was asked for, or that an alias here leads to */
	struct str address, key;
	struct str id;         /* the same for all ways to write it */
	bool is_forward;
	struct str orcpt;      /* of all recipients that lead to it */
	unsigned notify;
	size_t nth;
};

/* An event to be written: made on the caller's thread, so that the writer has one statement to run (trace.c). */
struct trace_row {
	enum queue_trace_event event;
	struct buf keys, story;
};

struct queue_notice;

struct queue_mail {
	struct queue *q;
	struct queue_envelope *e;
	struct store_content_new content;
	struct db_body body;
	struct queue_target *targets; /* heap: each account once, sorted */
	size_t n_targets;
	struct queue_elsewhere *elsewhere; /* heap: each address once, as they were asked for */
	size_t n_elsewhere;
	size_t n_ahead;               /* of them, that are due before those of who sends much */
	struct str return_path;       /* of what is forwarded */
	struct str forward_qid;
	bool has_remote, has_forwards;
	bool has_trace;
	struct trace_row trace;       /* made for the case that nobody refuses */
	struct queue_notice *told;    /* heap: to its sender, of success here */
	struct db_body *bodies;       /* heap, when there are such: its own and theirs */
	size_t n_told;
	int64_t now_s, look_s;
	int64_t max_messages, max_recipients; /* of its submitter, in a day */
};

/*
 * Parses and decides; nothing is stored. bytes, envelope and arena must outlive *m. 0 or negative; queue_mail_done() in any
 * case.
 */
MUST_CHECK int queue_mail_prepare(struct queue_mail *m, struct queue *q, struct queue_envelope *e, struct str bytes, struct arena *a);
/* For db_write(): durable, with the bodies that fn has to hand to queue_mail_tx() through *m. fn may do more. */
struct db_write_job queue_mail_job(struct queue_mail *m, db_write_fn *fn, void *arg);
/* Inside db_write() with such a job, or whose job has m->body among its bodies. -E_QUOTA also when nothing is kept of it, see queue_mail_is_void(). */
MUST_CHECK int queue_mail_tx(struct queue_mail *m, struct db_tx *tx);
/* The transaction said rc: were all recipients refused, or go nowhere, which is no failure? */
bool queue_mail_is_void(const struct queue_mail *m, int rc);
/* It is stored: sets the recipients' results, wakes the schedule. */
void queue_mail_stored(struct queue_mail *m);
void queue_mail_done(struct queue_mail *m);

/* ---- allowance.c ---- */

/* Inside the transaction that accepts it: counts it for its submitter. 0; -E_ALLOWANCE: he has sent enough; other codes. */
MUST_CHECK int queue_allowance_tx(const struct queue_mail *m, struct db_tx *tx);
/* Of an address in any case (FNV-1a); kept in rows, so it stays what it is. */
uint64_t queue_address_hash(struct str address);

/* ---- fair.c ---- */

#define QUEUE_AHEAD_S 600
/* How many of n more recipients of a sender are due so much before they came. account 0: the return address counts. Any thread. */
size_t queue_share_take(struct queue *q, int64_t account, struct str sender, size_t n, int64_t now_s);

/* ---- plan.c ---- */

enum { QUEUE_BY_RETURNS = 1, QUEUE_BY_TRACES = 2 }; /* by_flags of a message row */

/* The pause before the next attempt after so many in a row that failed, at least 1. */
int64_t queue_pause_s(const struct queue_conf *c, int64_t attempts);
struct queue_age {
	int64_t accepted_s, held_until_s, by_s;
	bool by_returns, is_told, is_for_a_day;
};
/* When it goes back, when its sender hears that it is late (INT64_MAX: never, or he has), and the first of both. */
int64_t queue_ends_s(const struct queue_conf *c, const struct queue_age *a);
int64_t queue_tells_s(const struct queue_conf *c, const struct queue_age *a);
int64_t queue_look_s(const struct queue_conf *c, const struct queue_age *a);

/* ---- rows.c ---- */

struct queue_message_row {
	struct str qid, reverse_path, envid, hold;
	int64_t content;
	uint64_t size;
	enum queue_ret dsn_ret;
	unsigned flags;
	struct queue_age age;
	bool by_traces, has_priority;
	int priority;
};
struct queue_rcpt_row {
	int64_t id;
	struct str qid, address, orcpt, destination, host;
	unsigned notify;
	enum queue_state state;
	int64_t attempts, last_attempt_s;
	struct queue_reply reply; /* of the last attempt */
};
/* Copies of the current row. 0 or -E_LIMIT. */
MUST_CHECK int queue_row_message(struct db_query *q, struct arena *a, struct queue_message_row *ret);
MUST_CHECK int queue_row_rcpt(struct db_query *q, struct arena *a, struct queue_rcpt_row *ret);
MUST_CHECK int queue_message_get(struct db_tx *tx, struct arena *a, struct str qid, struct queue_message_row *ret);
MUST_CHECK int queue_rcpts_get(struct db_tx *tx, struct arena *a, const struct db_sql *sql, const struct db_val *args, size_t n_args,
			       struct queue_rcpt_row **ret, size_t *ret_n);
/*
 * The whole stored message, in *ret_heap, which is the caller's: not from the purse of what peers may hold (base/budget.h), so that nobody keeps mail from going
 * out by using that up. One thread reads one at a time. No snapshot may be open.
 */
MUST_CHECK int queue_body_read(struct queue *q, int64_t content, char **ret_heap, struct str *ret);
/* Without our own Return-Path line, which belongs to final delivery (RFC 5321 4.4). */
struct str queue_body_outgoing(struct str bytes);

/* ---- notice.c: what senders are told ---- */

struct queue_notice_rcpt {
	const struct queue_rcpt_row *row;
	int action;                /* enum queue_dsn_action */
	struct queue_reply reply;
	struct str host;
	struct str status;         /* as in queue_verdict */
	int64_t last_attempt_s;    /* 0: there was none */
};
struct queue_notice {
	struct queue_mail mail;
	struct queue_envelope envelope;
	struct queue_rcpt rcpt;
	struct buf text;
	struct arena arena;
	char qid[17];
	const struct queue_rcpt *of; /* told only if he has got it; NULL: whatever became of them */
	struct str about;          /* the id of the message that it is about */
	const char *what_z;        /* failed, delayed ...: of the first recipient */
};
/*
 * Makes the notification that the sender of the message is to get about those of the recipients of which he wants to hear. 1: *ret is to be stored (queue_notice_tx), then
 * queue_notice_stored() when that is committed, and queue_notice_done(); 0: there is nothing to be told, or nobody to tell, which it has logged; negative.
 */
MUST_CHECK int queue_notice_make(struct queue *q, const struct queue_message_row *m, const struct queue_notice_rcpt *rcpts, size_t n,
				 struct queue_notice *ret);
/* Inside db_write() whose job has n->mail.body among its bodies: stores it, and tells of it in the story of what it is about. */
MUST_CHECK int queue_notice_tx(struct queue_notice *n, struct db_tx *tx);
void queue_notice_stored(struct queue_notice *n);
void queue_notice_done(struct queue_notice *n);
/*
 * Of recipients here that want to hear of success: fills m->told, to be stored in the transaction that gives them the message. Up to
 * QUEUE_ATTEMPT_RCPTS in one; of LMTP, where each may be refused by himself, one for each.
 */
MUST_CHECK int queue_told_make(struct queue_mail *m);

/* ---- settle.c: what came of attempts ---- */

struct queue_verdict {
	const struct queue_rcpt_row *row;
	enum queue_outcome outcome;
	struct queue_reply reply;
	struct str host;
	struct str status;                 /* enhanced code of ours, where the reply is not why (RFC 3464 2.3.4); else empty */
};
struct queue_settlement {
	const struct queue_message_row *message;
	const struct queue_verdict *verdicts;
	size_t n;
	const struct queue_result *result; /* of the attempt; NULL: there was none */
	struct str destination;            /* where it went */
	struct str fallback_for;           /* whose mail it was, when that was its fallback; else empty */
	bool is_quiet;                     /* nobody hears of it */
	enum queue_trace_event event;      /* for its story, where it was no attempt */
	bool is_down, is_up;               /* the destination itself; neither: nothing was learned of it */
	int64_t failures, until_s;         /* is_down: what its row says from now on */
	enum queue_level fallback;         /* is_down: what a fallback has to be; UNKNOWN: there is none */
	enum queue_level level;            /* another than was known; UNKNOWN: none */
	int64_t now_s;
};
/* ---- tlsrpt_count.c: sessions for reports ---- */

/* Inside db_write(): counts what was seen in the attempt, as far as there is room. */
MUST_CHECK int queue_tlsrpt_count_tx(struct db_tx *tx, struct str domain,
				     const struct queue_tlsrpt_seen *seen, int64_t now_s);

/* Inside db_write(): the message's row goes when its last recipient has. */
MUST_CHECK int queue_message_end(struct db_tx *tx, struct str qid);
#define QUEUE_SETTLE 64
/*
 * At most QUEUE_SETTLE at once, in one transaction, with the notifications that follow, then durable; without such it is synced within a second.
 * 0 or negative: nothing changed.
 */
MUST_CHECK int queue_settle(struct queue *q, const struct queue_settlement *v, size_t n);

/* ---- flights.c ---- */

/* Is that row in an attempt? Its answer holds as long as q->flying is held, as it has to be. */
bool queue_flies(const struct queue *q, int64_t rcpt);

/* ---- queue.c ---- */

/* The settings now, with a reference; NULL: none yet. */
struct conf *queue_conf_get(struct queue *q);
/* [queue] of them; the defaults when there are none. */
const struct queue_conf *queue_conf_of(const struct conf *c);
/* The next hop of an address (route.h); hop and file as there. c may be NULL. */
MUST_CHECK int queue_hop_find(const struct conf *c, struct arena *a, struct str reverse_path, struct str address, struct queue_hop *ret);
/* The hop of its fallback (route.h). -E_NOT_FOUND: there is none. */
MUST_CHECK int queue_hop_fallback(const struct conf *c, struct arena *a, struct str reverse_path, struct str address, struct queue_hop *ret);
/* Tells the schedule. name empty: look everywhere. */
void queue_hint(struct queue *q, struct str name);
/* Takes the hints: heap strings that are the caller's. True: look everywhere. */
bool queue_hints_take(struct queue *q, char *ret[QUEUE_HINTS], size_t *ret_n);
/*
 * Where an address leads, local or elsewhere, as RCPT would say it: fills the recipient. -E_NOT_FOUND: to nobody; -E_QUOTA.
 */
MUST_CHECK int queue_rcpt_find(struct queue *q, struct arena *a, struct str address, struct queue_rcpt *ret);
