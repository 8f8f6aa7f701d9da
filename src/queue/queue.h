/* SPDX-License-Identifier: MIT */
/*
 * The queue: the one door for every message that comes in by SMTP, submission or LMTP. queue_accept() makes ONE commit: local recipients
 * have the message in their mailboxes by it, recipients elsewhere are rows of the queue tables that share the stored content.
 * Only owner of the queue tables. The schedule (schedule.h) takes them from there.
 */
#pragma once

#include "base/arena.h"
#include "conf/conf.h"
#include "store/fsck.h"
#include "store/store.h"

struct queue;
struct queue_sts;
struct spool;
struct store_route;

extern const struct db_sql_set queue_sql_set;
extern const struct db_migration_set queue_migrations;

/* [queue] settings (conf.c). */
extern const struct conf_table queue_conf_table;
struct queue_conf {
	bool is_sending;                    /* else mail for elsewhere waits */
	int64_t retry_min_ms, retry_max_ms; /* doubling from one to the other */
	int64_t lifetime_ms;
	int64_t delay_notice_ms;            /* 0: none */
	int64_t max_messages_per_day, max_new_recipients_per_day; /* of an account; 0: any number */
	int64_t trace_ms;                   /* how long the story of a message is kept; 0: not at all */
	int64_t max_sessions;
	int64_t max_sessions_per_destination;
	int64_t max_returned;               /* bytes of a message that goes back with a DSN; a longer one: its header */
	int tls;                            /* enum queue_tls of queue/attempt.h */
	int64_t port;                       /* of other hosts */
	const char *ca_file;                /* "" : the system's authorities */
	bool asks_sts;
	int64_t sts_port;
	bool may_private;                   /* send to addresses of this host and of private networks */
	const char *source_v4, *source_v6;  /* own addresses to send from; "" any */
	int64_t connect_timeout_ms, command_timeout_ms, data_end_timeout_ms;
	int64_t idle_ms;                    /* how long a connection is kept for the next message */
	int64_t sender_idle_ms;             /* how long the sender stays without work */
};

MUST_CHECK int queue_open(struct store *s, struct queue **ret, struct fault *fault);
void queue_close(struct queue **q);
/*
 * New settings, of which it keeps a reference: where mail goes from now on; hostname: ours, for what senders are told. Any thread.
 * Before the first call: by MX alone.
 */
void queue_configure(struct queue *q, struct conf *c, const char *hostname_z);

enum queue_notify { /* RFC 3461 4.1; 0: not given */
	QUEUE_NOTIFY_NEVER = 1, QUEUE_NOTIFY_SUCCESS = 2, QUEUE_NOTIFY_FAILURE = 4, QUEUE_NOTIFY_DELAY = 8,
};
enum queue_flag { /* of a message: what the next server has to be able to do */
	QUEUE_8BIT = 1, QUEUE_BINARY = 2, QUEUE_SMTPUTF8 = 4, QUEUE_REQUIRETLS = 8,
	QUEUE_TLS_OPTIONAL = 16, /* RFC 8689 3: whatever the other side publishes */
	QUEUE_FOR_A_DAY = 32,    /* given up then, if not sooner: nobody wants it later */
};
enum queue_ret { QUEUE_RET_NONE, QUEUE_RET_FULL, QUEUE_RET_HDRS }; /* RFC 3461 4.3 */

/* When the message is wanted at its recipients, and how urgently. All 0: at the usual time. */
struct queue_wish {
	int64_t by_s;          /* RFC 2852: seconds since the epoch, may be over; 0: not asked for */
	bool by_returns;       /* then it goes back; else its sender hears of the delay */
	bool by_traces;        /* the sender hears of each relay */
	int64_t hold_until_s;  /* RFC 4865: not tried before; 0: not asked for */
	struct str hold;       /* as asked for: "for;3600", "until;2026-12-24T18:00:00Z" */
	int priority;          /* RFC 6710: -9..9, higher first */
	bool has_priority;     /* it was given */
};

struct queue_rcpt {
	struct str address;       /* as given in RCPT */
	bool is_local;
	const int64_t *accounts;  /* local: where it leads (store_route); none: only to others, or nowhere */
	size_t n_accounts;
	const struct str *forwards; /* local: addresses elsewhere that it leads to as well */
	size_t n_forwards;
	unsigned notify;
	struct str orcpt;         /* as given, xtext */
	int result;               /* out: 0 or the negative code of this recipient */
};

/* Where a message came from, for its story (trace.h); each may be empty. */
struct queue_origin {
	struct str peer, helo;
	struct str protocol;      /* "ESMTPSA" */
	struct str tls;           /* "TLSv1.3 TLS_AES_256_GCM_SHA384" */
	struct str user;          /* who had logged in */
};

struct queue_envelope {
	const char *qid_z;        /* the id under which the message is traced; made by the session (rnd_id_z, 16) */
	const char *sid_z;
	struct queue_origin origin;
	struct str reverse_path;  /* empty: the null reverse-path */
	int64_t submitter;        /* account that submitted, 0: none */
	enum queue_ret dsn_ret;
	struct str envid;
	bool is_8bit, is_binary, is_smtputf8, is_requiretls;
	bool is_for_a_day;    /* a report */
	bool is_tls_optional; /* its header says "TLS-Required: No", and nobody demands the contrary */
	struct queue_wish wish;
	struct queue_rcpt *rcpts;
	size_t n_rcpts;
	bool is_per_recipient;    /* LMTP: each recipient has its own result; else local quota is not asked again: all or none */
};

/*
 * Stores the message durably. The spool's bytes are the message as it will be served, beginning with our Return-Path line. An account or an address
 * elsewhere that several recipients lead to (of one ORCPT) gets one copy. 0: every recipient's result is set (all 0 unless is_per_recipient). Negative: nothing was
 * stored; -E_ALLOWANCE: the submitter has sent as much as he may today.
 */
MUST_CHECK int queue_accept(struct queue *q, struct queue_envelope *e, struct spool *message);

/* Makes it a recipient here: where store_route() says that its address leads. */
void queue_rcpt_here(struct queue_rcpt *r, const struct store_route *route);

/*
 * Whom a return address that we gave to forwarded mail stands for (mailauth/srs.h); address: local@domain. Ask before store_route(), to
 * which it is an address like others, so one for the catch-all. 0 with *ret in the arena; -E_NOT_FOUND: it is none, or none of ours, or too old.
 */
MUST_CHECK int queue_return_path(struct queue *q, struct arena *a, struct str address, struct str *ret);

enum queue_state {         /* of a recipient; numbers are stored */
	QUEUE_WAITING = 0, /* next_attempt_s says when */
	QUEUE_HELD = 1,    /* until somebody releases it */
	QUEUE_N_STATES
};

struct queue_item {
	struct str qid;
	struct str reverse_path;
	struct str recipient;
	int64_t accepted_s;
	uint64_t size;
	enum queue_state state;
	struct str destination;
	int64_t attempts, next_attempt_s, last_attempt_s;
	struct str enhanced, text, host; /* of the last one; empty: there was none */
};
/* Which recipients; what is empty chooses all. */
struct queue_pick {
	struct str qid;        /* of the message */
	struct str to, from;   /* an address, or a domain; from "<>": bounces */
	bool has_state;
	enum queue_state state;
};
bool queue_pick_is_whole(const struct queue_pick *p);
/* Waiting recipients, oldest first, at most LIMIT_LIST_ROWS. */
MUST_CHECK int queue_list(struct queue *q, struct arena *a, const struct queue_pick *p, struct queue_item **ret, size_t *ret_n);

enum queue_deed {
	QUEUE_RETRY,   /* now, also where the destination is down */
	QUEUE_HOLD,    /* not before it is released; its time begins anew then */
	QUEUE_RELEASE,
	QUEUE_REMOVE,  /* nobody hears of it */
	QUEUE_RETURN,  /* removed, and its sender is told */
};
/* *ret_n: recipients that were looked at; not those that cannot be removed, as they are being tried. Durable, some at a time: with a failure a part is done. */
MUST_CHECK int queue_manage(struct queue *q, const struct queue_pick *p, enum queue_deed deed, int64_t *ret_n);

/* The MTA-STS policy of a domain that is remembered, also one that is too old; an empty id: none. In the arena. Any thread. */
MUST_CHECK int queue_policy_get(struct queue *q, struct arena *a, struct str domain, struct queue_sts *ret);

/* Keeps what was learned of that many domains, those that mail went to last (give or take a day). Any thread but the writer's; one short transaction. */
MUST_CHECK int queue_forget_domains(struct queue *q, int64_t keep);

struct queue_counts {
	int64_t recipients, held;      /* that wait, and those of them that are held */
	int64_t destinations, failing; /* that something waits for, and those whose last attempt failed */
	int64_t oldest_s;              /* when the message that waits for longest came; 0: none waits */
	int64_t active, attempts;      /* destinations that are being tried, and by how many attempts */
};
/* Looks at all that waits. Any thread. */
MUST_CHECK int queue_count(struct queue *q, struct queue_counts *ret);

/*
 * Checks store and queue together: what they keep against each other and against the packs, and repairs it when asked to; see
 * store/fsck.h. 0: all was looked at.
 */
MUST_CHECK int queue_fsck(struct queue *q, const struct store_fsck_say *say, struct store_fsck_counts *ret);
