/* SPDX-License-Identifier: MIT */
/*
 * Delivery status notifications: the message that tells a sender what became of his (RFC 3461, RFC 6522, RFC 3464; RFC 6533 for
 * internationalized addresses), and whether one is due at all. No I/O.
 */
#pragma once

#include "queue/attempt.h"

enum queue_dsn_action { QUEUE_DSN_FAILED, QUEUE_DSN_DELAYED, QUEUE_DSN_DELIVERED, QUEUE_DSN_RELAYED, QUEUE_DSN_N_ACTIONS };

struct queue_dsn_rcpt {
	struct str address;
	struct str orcpt;           /* xtext as given; empty: none */
	enum queue_dsn_action action;
	struct queue_reply reply;   /* the last one, quoted as it is */
	struct str status;          /* enhanced code, where the reply is not why; else empty */
	struct str host;            /* that gave it; empty: we did */
	int64_t last_attempt_s;
	int64_t retry_until_s;      /* DELAYED */
};

struct queue_dsn {
	const char *hostname_z;     /* ours: reporting MTA */
	struct str to;              /* the reverse-path that it goes to; never empty */
	struct str qid, envid;
	int64_t accepted_s, now_s;
	enum queue_ret ret;
	bool is_smtputf8;           /* the message was: message/global-delivery-status where needed */
	struct str message;         /* the whole one */
	size_t max_returned;        /* longer ones: the header alone */
	const struct queue_dsn_rcpt *rcpts;
	size_t n_rcpts;             /* at least 1 */
};

/*
 * Does the sender hear of this recipient (RFC 3461 4.1, 5.2, 6.2)? notify: enum queue_notify, 0: not given (failure, delay). Never for the null
 * reverse-path.
 */
bool queue_dsn_is_due(struct str reverse_path, unsigned notify, enum queue_dsn_action action);

/* failed, delayed, delivered or relayed, as in Action: (RFC 3464 2.3.3) */
const char *queue_dsn_action_z(enum queue_dsn_action action);

/*
 * The whole message, CRLF, 7-bit if the original allows it, with From, To, Date, Message-ID, Auto-Submitted; overflow of out is the caller's to see.
 * It needs SMTPUTF8 when `to` is not ASCII, and 8BITMIME when out is not. What strangers wrote (addresses, replies, the message) may be anything.
 */
void queue_dsn_write(const struct queue_dsn *d, struct buf *out);
