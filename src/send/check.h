/* SPDX-License-Identifier: MIT */
/*
 * What would become of mail for a domain, found out without sending any: the walk of an attempt (walk.c), which looks at every host instead of ending
 * with the first that answers, says at most MAIL and RCPT and takes them back with RSET, and tells each step.
 */
#pragma once

#include "mailauth/sts.h"
#include "queue/attempt.h"
#include "send/send.h"
#include "smtp/client.h"

enum send_step {
	SEND_SAW_MX,        /* hosts */
	SEND_SAW_STS,       /* sts */
	SEND_SAW_ADDRESSES, /* place; this and all below: of one host */
	SEND_SAW_DANE,      /* records, is_secure */
	SEND_SAW_POLICY,    /* level, starttls, by_z: what a connection has to have */
	SEND_SAW_CONNECT,   /* address_z, others_z */
	SEND_SAW_GREETING,
	SEND_SAW_HELO,      /* caps */
	SEND_SAW_TLS,       /* starttls, tls: STARTTLS is over or was left out, or the handshake, before the greeting, where TLS is from the start */
	SEND_SAW_AUTH,
	SEND_SAW_LIMITS,    /* caps, that count: of the last EHLO */
	SEND_SAW_RCPT,      /* rcpt_stage */
	SEND_SAW_HOST,      /* what the host alone would lead to */
	SEND_N_STEPS
};

/* What came of the question for a domain's MTA-STS policy. */
struct send_sts {
	struct str id;               /* of the record; empty: there is none */
	bool has_policy;             /* one that holds, also with mode none */
	struct sts_policy policy;
	const char *why_z;           /* whether there is a newer one is not known, or it could not be fetched; else "" */
	bool is_remembered;          /* it is that of the check */
};

/* One step; what does not belong to it is 0. Lives until the function that is told returns. */
struct send_seen {
	enum send_step step;
	struct str host;             /* empty: of the domain */
	int64_t ms;                  /* since the step before */
	int err;                     /* negative: it failed so */
	bool is_out_of_time;         /* that was because the check is at its end: an attempt waits longer */
	enum queue_outcome outcome;  /* DELIVERED: mail goes on from here; else what becomes of it if no other way is left */
	struct queue_reply reply;    /* the other side's, or ours */
	const struct send_hosts *hosts;
	const struct send_sts *sts;
	const struct send_place *place;
	const struct send_records *records;
	bool is_secure;              /* the DNS that leads to this host was validated, so records were asked for */
	enum send_level level;
	enum net_starttls starttls;
	const char *by_z;
	const char *address_z, *others_z; /* the one that answered; those that did not, and why */
	const struct smtp_client_caps *caps;
	const struct net_stream_tls_info *tls;
	enum smtp_client_stage rcpt_stage; /* where its fate was decided */
};

struct send_check {
	struct queue_hop hop;        /* as of an attempt */
	struct queue_sts sts;        /* the domain's policy that the server remembers; none where that is not known */
	struct str from, to;         /* to empty: nothing is said after EHLO */
	bool is_dns_only;            /* nobody is connected to, no policy is fetched */
	int64_t ms;                  /* for all of it; hosts share what is left */
	void (*see)(void *ctx, const struct send_seen *seen);
	void *ctx;
};

/*
 * s: opened for this alone, given no attempts. What mail would come to is in *ret, with the reply its sender would get for it; strings in the
 * arena. Returns when all is over, in c->ms and little more. A policy that was fetched is not kept.
 */
void send_check(struct send *s, const struct send_check *c, struct arena *a, struct queue_rcpt_result *ret);
