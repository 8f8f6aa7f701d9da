/* SPDX-License-Identifier: MIT */
/*
 * What the queue, in the server process that has the mail, and the sender, a process that has connections and no mail, say to each
 * other over a pair of SOCK_SEQPACKET sockets: attempts to the sender, one result for each back (docs/decisions/029-the-sender.md).
 *
 * An attempt has its envelope and message in the packet, or, when it is long, in a sealed memory file (memfd) whose descriptor the packet has. A result is
 * one packet. Both ends are of one build. The sender talks to strangers, so what comes from it is read as a stranger's.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "queue/queue.h"
#include "queue/tlsrpt.h"

#define QUEUE_ATTEMPT_RCPTS 100     /* of one attempt; RFC 5321 4.5.3.1.8: every server takes so many */
#define QUEUE_ATTEMPT_HEAD (512u << 10) /* its bytes before the message */
#define QUEUE_RESULT_MAX (128u << 10)
#define QUEUE_REPLY_TEXT 512        /* of a reply that is kept, all its lines */

enum queue_tls {              /* what a connection has to have */
	QUEUE_TLS_MAY,        /* whatever the other side's published policy asks (DANE, MTA-STS), else STARTTLS if offered */
	QUEUE_TLS_NONE,       /* not even tried */
	QUEUE_TLS_ENCRYPT,    /* STARTTLS or nothing, any certificate */
	QUEUE_TLS_VERIFY,     /* STARTTLS and a certificate for the host's name */
	QUEUE_TLS_IMPLICIT,   /* TLS from the first byte, verified as above */
	QUEUE_N_TLS
};

/* Where to: a domain whose MX are asked for, or one host. */
struct queue_hop {
	struct str destination; /* the key by which attempts share connections and trouble */
	struct str host;        /* of a host: name or address literal without brackets; empty: MX of the domain */
	struct str domain;      /* the recipients', in A-labels, lower case */
	uint16_t port;
	enum queue_tls tls;
	bool is_lmtp;
	struct str user, password; /* AUTH; empty: none */
};

/*
 * What is known of a domain's MTA-STS policy (RFC 8461). The sender keeps nothing, so the server process does: the last one goes out with
 * each attempt, a newer one comes back with its result. An empty id: none.
 */
#define QUEUE_STS_TEXT (32u << 10) /* of a policy that is kept; one that is longer is asked for again */
struct queue_sts {
	struct str id;
	struct str text;      /* as fetched */
	int64_t fetched_s;
};

struct queue_attempt_rcpt {
	struct str address;
	struct str orcpt;   /* as given, xtext; empty: none */
	unsigned notify;    /* enum queue_notify */
};

struct queue_attempt {
	uint64_t id;          /* never 0 */
	uint64_t n_lost;      /* results with id 0 that were read before: with less than the sender knows of it counts as lost already */
	bool is_root_signed;  /* the root of the DNS has been seen signed lately */
	struct queue_hop hop;
	struct queue_sts sts;
	struct str qid;       /* for the log */
	struct str reverse_path;
	struct str envid;
	enum queue_ret dsn_ret;
	unsigned flags;       /* enum queue_flag */
	struct queue_wish wish; /* without hold, which is over */
	uint32_t max_sessions; /* to this destination, at once */
	bool has_fallback;    /* the settings name a host that takes it instead (result.fallback) */
	struct queue_attempt_rcpt *rcpts;
	size_t n_rcpts;       /* 1..QUEUE_ATTEMPT_RCPTS */
	struct str message;   /* as it goes out, before dots are doubled */
	struct str post;      /* not empty: no mail, but a report (gzip) that goes there by HTTPS; one recipient stands for it, of the hop the key counts */
};

enum queue_outcome {
	QUEUE_DELIVERED,      /* the other side has it */
	QUEUE_RELAYED,        /* has it, and will not send the DSN that was asked for (RFC 3461 5.2.2) */
	QUEUE_DEFERRED,       /* try again */
	QUEUE_FAILED,         /* never */
	QUEUE_LEFT,           /* not tried: the host takes fewer at once, and has the others; now is the time for these. Never all of an attempt */
	QUEUE_N_OUTCOMES
};

enum queue_stage { /* where an attempt ended; the order is that of the dialogue */
	QUEUE_AT_DNS, QUEUE_AT_CONNECT, QUEUE_AT_GREETING, QUEUE_AT_HELO, QUEUE_AT_TLS, QUEUE_AT_AUTH, QUEUE_AT_MAIL, QUEUE_AT_RCPT,
	QUEUE_AT_DATA, QUEUE_AT_END, QUEUE_N_STAGES
};

struct queue_reply {
	int code;              /* 200..599; 0: no reply, text is our own words */
	struct str enhanced;   /* "5.1.1": given, or ours */
	struct str text;       /* lines joined by LF, at most QUEUE_REPLY_TEXT bytes, no control characters */
};

struct queue_rcpt_result {
	enum queue_outcome outcome;
	struct queue_reply reply;
};

enum queue_level { /* how well a connection was protected; numbers are stored */
	QUEUE_LEVEL_UNKNOWN, QUEUE_LEVEL_PLAIN, QUEUE_LEVEL_ENCRYPTED, QUEUE_LEVEL_VERIFIED, QUEUE_N_LEVELS
};

struct queue_result {
	uint64_t id;           /* 0: whatever was given so far is lost, count it as tried */
	enum queue_stage stage;
	bool is_down;          /* no host of the destination could be spoken to: others need not try now */
	bool is_reused;        /* the connection had been used before */
	/*
	 * The hosts could not be reached, or refused for now, in a way that a fallback is for: with connections that are at least so, or better, it may
	 * have the mail. UNKNOWN: it may not.
	 */
	enum queue_level fallback;
	struct str host;       /* that answered last; empty: none */
	struct str address;
	struct str tls;        /* "TLSv1.3 TLS_AES_256_GCM_SHA384, DANE verified"; empty: none */
	enum queue_level level; /* of the connection that carried the message; UNKNOWN: none did */
	bool is_root_signed;   /* the sender has seen the root of the DNS signed: to be told to the next one */
	struct queue_sts sts;  /* fetched just now: to be kept */
	struct queue_tlsrpt_seen tlsrpt; /* sessions of this attempt that its domain wants to hear of */
	int64_t ms;
	struct queue_rcpt_result *rcpts; /* as many as the attempt's, in its order; 0 with id 0 */
	size_t n_rcpts;
};

/*
 * Sends one attempt. Server process, one thread. 0; -E_BUSY: the sender takes none now, which poll() tells the end of; -E_CLOSED: the socket is shut; -E_LIMIT: the
 * envelope is longer than QUEUE_ATTEMPT_HEAD; -E_IO: no memory file.
 */
MUST_CHECK int queue_attempt_send(int fd, const struct queue_attempt *a);
/*
 * Takes the next one. 1: *ret, whose slices point into *ret_map (to be given to queue_attempt_unmap()) and its arrays into the arena;
 * 0: none is there now; negative: the other end is gone (-E_CLOSED) or talks nonsense (-E_SYNTAX).
 */
struct queue_attempt_map {
	void *p;
	size_t n;
	bool is_heap;
};
MUST_CHECK int queue_attempt_receive(int fd, struct arena *a, struct queue_attempt *ret, struct queue_attempt_map *ret_map);
void queue_attempt_unmap(struct queue_attempt_map *m); /* accepts one that is empty */

/* The result's strings must keep the limits above. Any thread; blocks while the server process takes none. */
MUST_CHECK int queue_result_send(int fd, const struct queue_result *r);
/* 1, 0, negative as above. Strings and array are in the arena. With -E_SYNTAX ret->id is that of the attempt, as far as it can be read, else 0. */
MUST_CHECK int queue_result_receive(int fd, struct arena *a, struct queue_result *ret);

/* ---- the bytes, for tests and the fuzz target ---- */

void queue_attempt_write(const struct queue_attempt *a, struct buf *out); /* without the message */
/* bytes: what write gave, then the message. 0 or -E_SYNTAX, -E_LIMIT. */
MUST_CHECK int queue_attempt_read(struct str bytes, struct arena *a, struct queue_attempt *ret);
void queue_result_write(const struct queue_result *r, struct buf *out);
MUST_CHECK int queue_result_read(struct str bytes, struct arena *a, struct queue_result *ret);
