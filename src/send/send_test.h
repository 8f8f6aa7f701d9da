/* SPDX-License-Identifier: MIT */
/* For the tests of this room: servers on loopback addresses that say what a test wants, and a DNS that is a table. */
#pragma once

#include "base/test.h"
#include "send/send_int.h"

struct sink_says {               /* NULL: the usual 2xx; "": nothing, for ever; "-": the connection is closed instead */
	const char *greeting_z, *ehlo_z, *starttls_z, *mail_z, *rcpt_z, *data_z, *end_z;
	bool has_bad_rcpt;       /* 550 for recipients that begin with "bad" */
	unsigned close_after;    /* messages of one connection; 0: any */
};

struct sink;
/* Listens at 127.0.0.HOST and the port that all sinks of a test binary share, and serves each connection on a thread. */
struct sink *sink_open(unsigned host, const struct sink_says *says);
void sink_close(struct sink *s);
unsigned sink_connections(struct sink *s);
unsigned sink_messages(struct sink *s);   /* whole ones that it answered or would have answered */
unsigned sink_commands(struct sink *s, const char *verb_z);
bool sink_saw_8bit(struct sink *s);       /* in a message */
bool sink_saw_8bitmime(struct sink *s);   /* as a parameter of MAIL */
uint16_t sink_port(void);
/* Silent sinks go on, by closing. */
void sink_release(struct sink *s);

/* A DNS of the tests: "h11" is 127.0.0.11; "h11+h12" has both addresses; "own" is this host, and left out; the domain of an attempt names its hosts, as "h11,h12" in order of preference; h11 is there.test's. */
extern const struct send_names test_names;

struct test_send {
	struct send *send;
	struct conf *conf;
	struct net_address own;
	struct lock lock;
	struct lock_cond more;
	size_t n_results, n_delivered, n_down;
	uint64_t order[4096];    /* ids, as results came */
};
void test_send_open(struct test_send *t, const char *settings_z);
void test_send_close(struct test_send *t);
/* False: not so many within the seconds. */
bool test_send_wait(struct test_send *t, size_t n_results, int seconds);
/* To "domain", with one recipient; id is taken as it is. */
void test_send_give(struct test_send *t, uint64_t id, const char *domain_z, uint32_t max_sessions);
