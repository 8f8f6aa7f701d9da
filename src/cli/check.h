/* SPDX-License-Identifier: MIT */
/*
 * martlet check mx: the decision where mail for a domain goes, made without sending, a row of stages (cmd_check.c). Each stage writes what it
 * found; a stage about a host runs once for each. To add one: a function and a row.
 */
#pragma once

#include <jansson.h>

#include "base/arena.h"
#include "conf/conf.h"
#include "net/dns.h"
#include "send/send.h"

#define CHECK_MS 60000 /* for one stage */

/* What a stage came to, worst last; the worst of all is the answer. */
enum check_state {
	CHECK_OK,
	CHECK_NONE,    /* not there, and need not be */
	CHECK_LATER,   /* mail would wait */
	CHECK_FAILED,  /* mail would come back */
	CHECK_N_STATES
};

struct check_host {
	struct str name;
	struct send_place place;
	struct send_records records;
	bool is_out;   /* mail passes it over */
};

struct check {
	struct arena arena;
	struct conf *conf;
	struct net_dns *dns;
	char hostname[256];       /* the machine's, when the settings name none */
	const char *own_names[2]; /* NULL-terminated */
	struct str domain;        /* A-labels, or an address literal */
	uint16_t port;
	struct send_hosts hosts;
	struct check_host *host;  /* as many as hosts.n */
};

/* One line of what a stage found. */
struct check_finding {
	enum check_state state;
	const char *trust_z;      /* "secure", "insecure", "bogus", or "" where there is no such thing */
	struct queue_reply reply; /* what would be said to the sender; empty: nothing */
	json_t *found;            /* array of strings, for people; the stage adds to it */
	json_t *details;          /* object, for programs; the stage adds to it */
};
