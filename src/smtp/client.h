/* SPDX-License-Identifier: MIT */
/*
 * The client of an SMTP or LMTP dialogue: greeting, EHLO, STARTTLS, AUTH, then messages, over a stream that is connected. Straight-line
 * code that blocks with the deadlines of RFC 5321 4.5.3.2. It reads replies of strangers: each line, each reply and each
 * dialogue has a bound. One thread at a time. Used by the sender (room send) and by the command line.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "net/stream.h"

struct smtp_client;

#define SMTP_CLIENT_TEXT 2048 /* of one reply that is kept; the rest of it is read and dropped */

struct smtp_client_reply {
	int code;             /* 200..599; 0: there was none, text says why in our words */
	struct str enhanced;  /* as given ("5.7.1"), or empty */
	struct str text;      /* lines joined by LF without codes; control characters and bytes that are no UTF-8 replaced; cut */
};

enum smtp_client_stage { SMTP_CLIENT_GREETING, SMTP_CLIENT_HELO, SMTP_CLIENT_TLS, SMTP_CLIENT_AUTH, SMTP_CLIENT_MAIL, SMTP_CLIENT_RCPT,
			 SMTP_CLIENT_DATA, SMTP_CLIENT_END, SMTP_CLIENT_N_STAGES };

enum smtp_client_tls_state {
	SMTP_CLIENT_TLS_UNSEEN,    /* not asked for, or the dialogue did not come so far */
	SMTP_CLIENT_TLS_NOT_THERE, /* STARTTLS is not offered, or refused */
	SMTP_CLIENT_TLS_FAILED,
	SMTP_CLIENT_TLS_DONE,
};
/* What came of TLS, also when the dialogue ended. */
struct smtp_client_tls {
	enum smtp_client_tls_state state;
	enum net_tls_problem problem; /* with the certificate; also where it does not matter */
	char why[160];                /* what failed, or else the problem, for people */
};

/* All times in milliseconds; 0: the value of RFC 5321 4.5.3.2. */
struct smtp_client_times {
	int64_t greeting, command, mail, rcpt, data_begin, data_block, data_end, quit;
};

struct smtp_client_options {
	const char *helo_z;            /* own name, or address literal */
	bool is_lmtp;
	enum net_starttls starttls;
	struct net_stream_tls *tls;
	struct net_stream_tls_want want;
	struct smtp_client_tls *seen;  /* out; may be NULL */
	struct str user, password;     /* empty user: no AUTH. Never sent without verified TLS, unless may_plain */
	bool may_plain;
	struct smtp_client_times times;
	/* Each line of the dialogue, secrets masked; may be NULL. */
	void (*trace)(void *ctx, bool is_ours, struct str line);
	void *trace_ctx;
	int64_t until_ms;              /* clock_mono_ms: whatever the times say, nothing is waited for longer; 0: no such end */
	/*
	 * Each stage up to AUTH once it is over: 0 and what the server said last, or what smtp_client_open() returns. The client lives until it
	 * returns, also one that has failed. May be NULL.
	 */
	void (*over)(void *ctx, struct smtp_client *c, enum smtp_client_stage stage, int err, const struct smtp_client_reply *reply);
	void *over_ctx;
};

/* What the server said it can do (EHLO after TLS). */
struct smtp_client_caps {
	bool is_extended;   /* it took EHLO */
	bool has_pipelining, has_8bitmime, has_binarymime, has_chunking, has_smtputf8, has_dsn, has_size, has_starttls, has_requiretls,
		has_enhanced, has_deliverby, has_mt_priority, has_futurerelease, has_limits;
	uint64_t max_size;  /* 0: none told */
	uint64_t min_by_s;  /* of DELIVERBY with return (RFC 2852 3); 0: none told */
	uint64_t max_mails, max_rcpts; /* of LIMITS (RFC 9422 4.1, 4.2): of one connection, of one transaction; 0: none told */
	uint64_t max_domains; /* of the recipients of one connection (RFC 9422 4.3); 0: none told */
	struct str auth;    /* mechanisms as told */
	struct str limits;  /* as told (RFC 9422 4) */
	struct str name;    /* its own, of the first line */
};

/*
 * Greeting to AUTH. The stream is the client's from here on, whatever comes back. 0 with *ret. -E_TIMEOUT, -E_CLOSED, -E_IO,
 * -E_TLS, -E_DENIED (a reply refuses: ret_reply->code), -E_SYNTAX (it does not speak SMTP), -E_CANNOT (what options demand is not
 * offered): *ret is NULL, *ret_stage and *ret_reply (strings in the arena) say where and what.
 */
MUST_CHECK int smtp_client_open(struct net_stream *s, const struct smtp_client_options *o, struct arena *a, struct smtp_client **ret,
				enum smtp_client_stage *ret_stage, struct smtp_client_reply *ret_reply);
const struct smtp_client_caps *smtp_client_caps(const struct smtp_client *c);
struct net_stream *smtp_client_stream(struct smtp_client *c);
/* Has it taken as many messages (RFC 9422 4.1), or domains (4.3), as it takes over one connection? Over another one it may take more. */
bool smtp_client_is_used_up(const struct smtp_client *c);
/* The words of those that are known here, at most max. */
size_t smtp_client_caps_words(const struct smtp_client_caps *c, struct str *ret, size_t max);

struct smtp_client_rcpt {
	struct str address;
	struct str orcpt;    /* xtext as given; empty: none */
	unsigned notify;     /* enum queue_notify; 0: not given */
	/* out */
	enum smtp_client_stage stage; /* where its fate was decided */
	struct smtp_client_reply reply; /* 2xx: the server has the message for it. Strings in the arena */
	bool is_too_many;    /* refused for the number of those before it: for now, whatever its code (RFC 5321 4.5.3.1.10) */
	bool is_left;        /* not asked, or only too late, as the server takes fewer at once: for another call, once the others are written down. No reply */
};

struct smtp_client_message {
	struct str reverse_path;
	struct str envid;
	int dsn_ret;          /* enum queue_ret */
	bool is_8bit, is_binary, is_smtputf8, is_requiretls;
	int64_t by_s;         /* when it is wanted there (RFC 2852), seconds since the epoch; 0: at the usual time */
	bool by_returns, by_traces;
	bool has_priority;    /* RFC 6710 */
	int priority;
	struct str bytes;     /* CRLF line ends if not binary; dots are doubled on the way (or BDAT, RFC 3030) */
};

/*
 * One transaction: MAIL, all RCPT, DATA or BDAT, pipelined when offered (RFC 2920), never a message to nobody. Where the server takes fewer recipients at
 * once some are left, never all. What the server cannot take
 * (8-bit without 8BITMIME, SMTPUTF8, BINARYMIME without CHUNKING, REQUIRETLS, too big for SIZE) is refused here with our own reply
 * (code 0 with enhanced 5.6.x or 5.3.4 ...): the caller may convert and come again.
 * 0: every recipient has its reply, or is left; the connection can be used for another. Negative: the connection is lost or out of step; recipients have what is
 * known (code 0 for those without an answer), and a message whose last answer never came may have arrived.
 */
MUST_CHECK int smtp_client_send(struct smtp_client *c, const struct smtp_client_message *m, struct smtp_client_rcpt *rcpts, size_t n,
				struct arena *a);
/*
 * The same up to a stage, for checks: would it be taken? SMTP_CLIENT_MAIL: only MAIL is said, and every recipient has its reply;
 * SMTP_CLIENT_RCPT: the RCPT too; both end with RSET. SMTP_CLIENT_DATA: DATA too, and those who were taken have its reply (354); then there is no way
 * back, and the connection can only be closed.
 */
MUST_CHECK int smtp_client_probe(struct smtp_client *c, const struct smtp_client_message *m, struct smtp_client_rcpt *rcpts, size_t n,
				 enum smtp_client_stage until, struct arena *a);
/* QUIT, and close. Does not wait long. Accepts a pointer to NULL. */
void smtp_client_close(struct smtp_client **c);
