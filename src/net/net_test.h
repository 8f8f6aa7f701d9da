/* SPDX-License-Identifier: MIT */
/* What net_test.c and body_test.c share: a server of echo_test.h with its context. Only for *_test.c. */
#pragma once

#include "base/test.h"
#include "net/echo_test.h"

/* A server with its context. */
struct fixture {
	struct echo_ctx ctx;
	struct net *net;
	uint16_t port;
};

static inline void start(struct fixture *f, const struct net_conf *conf)
{
	*f = (struct fixture){ .ctx.body = { .total_ms = 60000, .idle_ms = 60000 } };
	f->net = echo_server(conf, &f->ctx, NET_TLS_NONE, &f->port);
}

static inline void stop(struct fixture *f)
{
	net_close(&f->net, 60000); /* sooner when all have ended */
	assert_null(f->net);
	assert_int_equal(atomic_load(&f->ctx.n_open), atomic_load(&f->ctx.n_closed));
}

static inline struct net_counts counts(struct fixture *f)
{
	struct net_counts c;

	net_counts(f->net, &c);
	return c;
}
