/* SPDX-License-Identifier: MIT */
/*
 * martlet check mx: the decision where mail for a domain goes, made without sending. Room send makes it (send/check.h) and tells each step; the
 * rows of check_rows.c say what it found, for people and for programs. To add one: a function and a row there.
 */
#pragma once

#include <jansson.h>

#include "base/arena.h"
#include "conf/conf.h"
#include "net/dns.h"
#include "net/stream.h"
#include "send/check.h"


/* What a stage came to, worst last. */
enum check_state {
	CHECK_OK,
	CHECK_NONE,    /* not there, and need not be */
	CHECK_LATER,   /* mail would wait */
	CHECK_FAILED,  /* mail would come back */
	CHECK_N_STATES
};
extern const char *const check_state_names[CHECK_N_STATES];
enum check_state check_state_of(enum queue_outcome outcome);

struct check {
	struct arena arena;
	struct conf *conf;
	struct net_dns *dns;
	struct send *send;
	struct buf ca, password;
	char hostname[256];       /* ours */
	struct net_address *own; /* addresses of this host */
	struct str domain;        /* A-labels, or an address literal */
	struct send_check what;   /* whose ctx is this struct */
	bool is_json;
	json_t *rows;             /* array of what was found, so far */
	struct sts_policy sts;    /* of the domain */
	bool has_sts;
	bool has_memory;          /* the running server was asked what it remembers: what.sts, is_local */
	bool is_local;            /* its own domain: nothing goes out */
	bool is_sending;
	bool is_out_of_time;      /* something took longer than the check may */
	/* the host of now */
	bool has_starttls;        /* it is offered */
	bool is_tls_off;          /* by the settings */
	char tls[512];            /* what the connection has, for people */
};

/* One line of what a stage found. */
struct check_finding {
	enum check_state state;
	const char *trust_z;      /* "secure", "insecure", "bogus", or "" where there is no such thing */
	json_t *found;            /* array of strings, for people; the stage adds to it */
	json_t *details;          /* object, for programs; the stage adds to it */
};

/* Adds the rows of a step to c->rows, and prints them unless is_json. For struct send_check; ctx: struct check. */
void check_see(void *ctx, const struct send_seen *seen);
/* "550 5.1.1 no such user", or without a code; empty for none. In the arena. */
struct str check_reply_text(struct arena *a, const struct queue_reply *r);
/* Prints a line of a stranger's, and what follows a line end in it below, indented. */
void check_print(struct str text);
