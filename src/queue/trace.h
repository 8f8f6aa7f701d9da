/* SPDX-License-Identifier: MIT */
/*
 * The story of each message for administrators (docs/decisions/031-the-trace.md): how it came, what was decided, every attempt with the other host's exact
 * words, what its sender was told. Kept for [queue] trace, in the database; written in the transactions that do what it tells of.
 */
#pragma once

#include "queue/attempt.h"

struct db_tx;

enum queue_trace_event { /* numbers are stored */
	QUEUE_TRACE_ACCEPTED = 1, QUEUE_TRACE_REFUSED = 2, QUEUE_TRACE_ATTEMPT = 3, QUEUE_TRACE_DSN = 4, QUEUE_TRACE_EXPIRED = 5,
	QUEUE_TRACE_HELD = 6, QUEUE_TRACE_RELEASED = 7, QUEUE_TRACE_REMOVED = 8, QUEUE_TRACE_RETRIED = 9, QUEUE_TRACE_N_EVENTS
};

/* What happens to a message after it was accepted. All strings may be a stranger's: they are stored escaped and cut. */
struct queue_trace_entry {
	enum queue_trace_event event;
	struct str qid;                         /* of the message that the story is of */
	int64_t at_s;
	const struct queue_attempt_rcpt *rcpts; /* whom it is about; ATTEMPT: in the order of the result's */
	size_t n_rcpts;                         /* may be 0: all, or the message itself */
	const struct queue_result *result;      /* ATTEMPT; EXPIRED: only what each recipient's last one met */
	struct str fallback_for;                /* ATTEMPT: it went to the fallback of this destination; else empty */
	struct str detail;                      /* DSN: the notification's own queue id; others: plain words, may be empty */
};

/* Inside the caller's transaction. Does nothing when no trace is kept. 0 or the database's error. */
MUST_CHECK int queue_trace_add(struct queue *q, struct db_tx *tx, const struct queue_trace_entry *e);

/* How long stories are kept, from now on; 0: none is written. Any thread. Before the first call: none. */
void queue_trace_keep(struct queue *q, int64_t ms);
/*
 * Keeps house, a step: makes what is new quick to find, removes what is too old. 1: there is more to do, 0: done, negative. One thread
 * at a time.
 */
MUST_CHECK int queue_trace_tidy(struct queue *q);

/*
 * The story of a message that was refused when it was complete. At most QUEUE_TRACE_REFUSALS an hour are kept, so that hostile peers cannot
 * fill the disk with them; recipients that are refused stand in the log only.
 */
#define QUEUE_TRACE_REFUSALS 1000
MUST_CHECK int queue_trace_refused(struct queue *q, const struct queue_envelope *e, uint64_t size, const struct queue_reply *reply);

struct queue_trace_row {
	struct str qid;
	int64_t at_s;
	enum queue_trace_event event;
	struct str json; /* one object */
};
#define QUEUE_TRACE_ROWS 1000
/*
 * The stories of the message with that queue id or Message-ID, or of the newest 100 from or to that address: at most QUEUE_TRACE_ROWS
 * events, message after message, the oldest first. 0 (*ret_n may be 0) or negative.
 */
MUST_CHECK int queue_trace_find(struct queue *q, struct arena *a, struct str what, struct queue_trace_row **ret, size_t *ret_n);
