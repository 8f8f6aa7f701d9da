/* SPDX-License-Identifier: MIT */
/* Private to the room: what the DNS is asked, what a host's TLS has to be, one connection, one attempt. */
#pragma once

#include "base/lock.h"
#include "mailauth/sts.h"
#include "net/stream.h"
#include "send/check.h"
#include "send/send.h"
#include "smtp/client.h"

/* ---- the questions of one attempt: the DNS, or a test ---- */

/* All: 0 with *ret (which may be empty, with a reply that says why), negative: no answer now, with a reply. */
struct send_names {
	int (*mx)(void *ctx, struct arena *a, struct str domain, const char *const *own_names, int64_t deadline_ms,
		  struct send_hosts *ret, struct queue_reply *ret_reply);
	int (*addresses)(void *ctx, struct arena *a, struct str host, uint16_t port, bool may_private, int64_t deadline_ms,
			 struct send_place *ret, struct queue_reply *ret_reply);
	int (*tlsa)(void *ctx, struct arena *a, const struct send_place *place, uint16_t port, int64_t deadline_ms,
		    struct send_records *ret, struct queue_reply *ret_reply);
	/* The strings of each TXT record put together; also 0 when there are none. */
	int (*txt)(void *ctx, struct arena *a, struct str name, int64_t deadline_ms, struct str **ret, size_t *ret_n);
	/* One text by HTTPS. Negative: with fault. */
	int (*get)(void *ctx, struct arena *a, struct str host, struct str path, struct buf *out, struct fault *fault);
	/* One report to there (RFC 8460 5.4). 0; negative with the fault. */
	int (*post)(void *ctx, struct arena *a, struct str uri, struct str report, struct fault *fault);
	/* A TXT question that will be asked soon; may be NULL. */
	void (*ahead)(void *ctx, struct str name);
	void *ctx;
};
extern const struct send_names send_names_dns; /* names.c; ctx: struct send */

/* ---- sts.c ---- */

struct send_sts_failed { /* a domain whose policy could not be fetched */
	uint64_t hash;
	int64_t until_ms;
	enum queue_tlsrpt_outcome trouble;
};
/*
 * What the domain of the attempt asks by MTA-STS (RFC 8461). False: nothing. *ret_new: what was fetched just now. *ret_trouble: why a policy that is
 * published could not be had, else a success. In the arena.
 */
bool send_sts_of(struct send *s, struct arena *a, const struct queue_attempt *t, struct sts_policy *ret, struct queue_sts *ret_new,
		 enum queue_tlsrpt_outcome *ret_trouble);

/* ---- policy.c ---- */

struct send_policy {
	enum net_starttls starttls;
	struct net_stream_tls_want want;
	enum send_level level;    /* the least that a connection has to have */
	enum send_level asked;    /* of that, what the settings and the other side ask, whatever the message says */
	bool may_plain;           /* a handshake that failed is no reason to keep the message */
	const char *by_z;         /* whose word verifies: "DANE", "MTA-STS", "certificate" */
	struct queue_tlsrpt_policy published; /* what the other side says of itself, for reports; also of a host that may not be used */
	enum queue_tlsrpt_outcome trouble;    /* with that, before anything was tried; a success: none */
};
/*
 * What a connection to this host has to be. 0; negative: it cannot be known or there is none that would do, so not this host, with the
 * reply, and of *ret what is for reports. The policy lives in the arena.
 */
struct send_domain { /* what is known of the destination before its hosts are visited */
	const struct queue_attempt *attempt;
	struct send_hosts hosts;
	struct sts_policy sts;
	bool has_sts;
	bool is_reported; /* what is found is for a report too */
};
MUST_CHECK int send_policy_of(struct send *s, struct arena *a, const struct send_domain *d, const struct send_host *host,
			      const struct send_place *place, struct send_policy *ret, struct queue_reply *ret_reply);
/* What a kept connection has to have for this attempt, whatever its host's policy was. False: it needs one of its own. */
bool send_level_of(const struct queue_attempt *t, enum send_level *ret);

/* ---- reply.c: words for people ---- */

/* A reply of ours, without a code; text is formatted into the arena, cut, cleaned. */
struct queue_reply send_say(struct arena *a, const char *enhanced_z, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The peer's, cut to what is kept. */
struct queue_reply send_reply_of(struct arena *a, const struct smtp_client_reply *r);
/* The same with another class: 5.7.8 as 4.7.8. */
struct queue_reply send_reply_soft(struct arena *a, struct queue_reply r);
bool send_is_permanent(const struct queue_reply *r);
/*
 * What a host says before the transaction: only that it takes no mail at all is for ever (RFC 7504 4.1); 554 may be said to a
 * client that it does not like today.
 */
struct queue_reply send_reply_before(struct arena *a, struct queue_reply r);
/* Trouble before the transaction: is it for ever? FAILED or DEFERRED. */
enum queue_outcome send_outcome_before(enum queue_stage stage, const struct queue_reply *r);

/* ---- link.c: one connection, kept for the next attempt of its destination ---- */

struct send_link {
	struct smtp_client *client;    /* NULL: none */
	struct arena arena;            /* what the client was opened with */
	struct smtp_client_options options;
	enum send_level level;
	unsigned n_used;               /* attempts that it has carried */
	int64_t opened_ms;
	char host[256];
	char address[NET_ADDRESS_TEXT];
	char tls[256];
	struct buf made_for;           /* whom it speaks to, and as whom */
};
void send_link_init(struct send_link *l);
void send_link_close(struct send_link *l);
/* Is it there, alive, not worn out, good enough, and of the same hop? (A destination's name may be older than the routes.) Closes it if not. */
bool send_link_is_good(struct send_link *l, const struct queue_attempt *t);

struct send_session_seen { /* what reports say of a connection */
	struct smtp_client_tls tls;
	char own[NET_ADDRESS_TEXT];
};
struct send_target {
	const struct queue_attempt *attempt;
	struct str host;
	const struct net_address *addresses;
	size_t n;
	const struct send_policy *policy;
	int64_t deadline_ms;           /* of the connection alone */
	struct send_session_seen *seen; /* out */
};
/*
 * Connects to the first address that answers, and speaks up to AUTH. 0; -E_TLS: TLS alone failed, so without it there might be a
 * connection; other negative: no connection. Then *ret_stage, *ret_reply (in a). *ret_index: the address, n when none answered.
 */
MUST_CHECK int send_link_open(struct send *s, struct send_link *l, const struct send_target *t, struct arena *a, size_t *ret_index,
			      enum queue_stage *ret_stage, struct queue_reply *ret_reply);

/* ---- tlsrpt.c: what the domain may want to hear of its TLS (RFC 8460) ---- */

/* Begins with nothing; when no reports are made, or none about this attempt, nothing is noted from there on. */
void send_tlsrpt_begin(struct send *s, struct arena *a, const struct queue_attempt *t,
		       struct queue_tlsrpt_seen *seen);
bool send_tlsrpt_is_on(const struct queue_tlsrpt_seen *seen);
/* RFC 8460 4.5. One that does not fit the arena has no text. */
struct queue_tlsrpt_policy send_tlsrpt_of_sts(struct arena *a, struct str domain,
					      const struct sts_policy *p);
struct queue_tlsrpt_policy send_tlsrpt_of_tlsa(struct arena *a, const struct send_records *r);
/* One session, which may have ended before it began: then host or addresses are empty. */
void send_tlsrpt_note(struct arena *a, struct queue_tlsrpt_seen *seen,
		      const struct queue_tlsrpt_policy *p,
		      const struct queue_tlsrpt_session *session);
/* How it went with what is published. */
enum queue_tlsrpt_outcome send_tlsrpt_judge(const struct send_policy *p,
					    const struct smtp_client_tls *tls);
/* Asks where the domain wants to hear of it. Nowhere: nothing is left of it. */
void send_tlsrpt_end(struct send *s, struct arena *a, const struct queue_attempt *t,
		     struct queue_tlsrpt_seen *seen);

/* The attempt is a report: it goes there by HTTPS. As send_walk(). */
void send_tlsrpt_post(struct send *s, const struct queue_attempt *t, struct arena *a, struct queue_result *ret);

/* ---- check.c: when nothing is sent ---- */

/* Tells a check; nothing without one. */
void send_see(struct send *s, const struct send_seen *seen);
/* The next host, with its part of the time. */
void send_check_host(struct send *s, struct str host, size_t n_left);
/* ms from now, or the end of a check. */
int64_t send_deadline(const struct send *s, int64_t ms);

/* ---- walk.c: one attempt ---- */

/* Fills *ret, which has its array of results; its strings are in the arena. The link is what is left of the connection. */
void send_walk(struct send *s, const struct queue_attempt *t, struct arena *a, struct send_link *link, struct queue_result *ret);
/* It takes no longer, whatever hosts do: all its timeouts together and more. */
int64_t send_walk_max_ms(const struct send *s, const struct queue_attempt *t);

/* ---- convert.c ---- */

/*
 * The message and its flags for a server with these abilities: 8-bit and binary parts are encoded where it takes none. 0: *ret (its bytes
 * in the map or in *out); -E_CANNOT: it would break a signature, or cannot be read.
 */
MUST_CHECK int send_convert(const struct queue_attempt *t, const struct smtp_client_caps *caps, struct buf *out,
			    struct smtp_client_message *ret);

/* ---- send.c, pool.c ---- */

struct send_destination;
struct send_session;
struct job;

struct send {
	const struct conf *conf;
	const struct queue_conf *q;
	const struct queue_tlsrpt_conf *tlsrpt;
	struct net_dns *dns;
	struct send_names names;
	struct net_stream_tls *tls;
	struct net_https *https;       /* NULL: MTA-STS and reports are off */
	const char *helo_z;
	const char *own_names[2];      /* NULL-terminated */
	const struct send_secret *secrets;
	size_t n_secrets;
	const struct net_address *own;
	size_t n_own;
	struct net_address from_v4, from_v6;
	bool has_from_v4, has_from_v6;
	send_result_fn *result;
	void *ctx;

	struct lock lock;              /* all below */
	struct lock_cond work;         /* free threads wait here */
	struct lock_cond done;         /* whoever waits for the end */
	struct send_destination *table[1024];
	size_t n_destinations;
	struct send_destination *ready_first, *ready_last; /* have something to do and are allowed a thread more */
	struct send_session *idle_first, *idle_last; /* wait with a connection, the longest first */
	size_t n_threads, n_free;
	size_t n_at[3];                /* threads by the state of their destination, pool.c */
	size_t n_given;                /* whose result has not been told */
	size_t n_telling;              /* of them, whose result is being told */
	struct job *all_first;         /* of them */
	size_t n_taken, taken_bytes;   /* that take room */
	bool is_draining, is_closing;
	struct send_sts_failed sts_failed[256];

	/* Of a check, on its one thread; all 0 when mail is sent. */
	const struct send_check *check;
	struct str check_host;         /* that is being looked at */
	int64_t check_end_ms;
	int64_t until_ms;              /* nothing is waited for longer */
	int64_t seen_ms;               /* when the last step was told */
};
void send_pool_fini(struct send *s);
/* How long a host is waited for to take a connection, now. */
int64_t send_connect_ms(struct send *s);
