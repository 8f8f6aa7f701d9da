/* SPDX-License-Identifier: MIT */
/*
 * The waiter and the workers. A waiter thread (epoll) holds every idle connection and the
 * listeners; a session with input (or a wake, or a deadline) goes to a worker of the pool, which
 * calls run() and parks the connection again. TLS handshakes run in steps the same way. run() is
 * never called by two threads at once for one connection; between two calls any worker may take
 * it (memory is handed over properly).
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "conf/conf.h"

struct conn;
struct net;
struct net_tls;

enum net_reason {
	NET_START,   /* first call: the connection stands (implicit TLS is done); greet */
	NET_INPUT,   /* something to read, or the peer is gone (reading tells) */
	NET_WAKE,    /* net_wake() was called for it */
	NET_TIMEOUT, /* parked longer than conn_set_idle_ms() */
	NET_STOP,    /* the server stops: say good-bye and return NET_CLOSE */
};

enum net_next {
	NET_PARK,  /* wait for input; output is flushed, buffers go back when empty */
	NET_CLOSE, /* flush and close */
};

/* One protocol as listeners know it. */
struct net_protocol {
	const char *name;
	/*
	 * The session of a fresh connection; ctx is the listener's. May not write. NULL closes
	 * it.
	 */
	void *(*open)(struct conn *c, void *ctx);
	enum net_next (*run)(void *session, enum net_reason why);
	/* Always called once at the end, also when the peer vanished. Frees the session. */
	void (*close)(void *session);
	/*
	 * What is written to a connection that is refused, e.g. "421 4.7.0 Too many
	 * connections\r\n". -E_BUSY: too many in all; -E_LIMIT: too many of one address.
	 */
	struct str (*refuse_text)(int err);
};

enum net_tls_mode { NET_TLS_NONE, NET_TLS_STARTTLS, NET_TLS_IMPLICIT };

/* A bound socket, made by the supervisor (net_bind) and handed to the server process. */
struct net_listener {
	char name[64];       /* of the settings section */
	int fd;
	enum net_tls_mode tls_mode;
	struct net_tls *tls; /* for IMPLICIT; with STARTTLS the session gives conn_starttls() one */
	const struct net_protocol *protocol;
	void *ctx;
};

/* [net] settings (net/conf.c): caps on connections, workers, bodies, deadlines. */
extern const struct conf_table net_conf_table;
struct net_conf {
	int64_t max_connections;             /* in all */
	int64_t max_connections_per_address;
	int64_t max_workers;
	int64_t max_bodies;                  /* bodies, and replies that wait for their peer */
	int64_t max_bodies_per_address;
	bool is_loopback_exempt;             /* from what is per address */
	int64_t max_memory;                  /* base/budget.h; 0: as it was */
	int64_t handshake_timeout_ms;
	int64_t write_timeout_ms;
	int64_t line_timeout_ms;             /* whole of an unfinished command line */
};

/*
 * Binds "address" ("127.0.0.1", "::", "*") and port, or a unix socket "/path" with mode 0666
 * less umask. Any thread.
 */
MUST_CHECK int net_bind(const char *address_z, uint16_t port, int *ret_fd, struct fault *fault);

/* The port that a bound TCP socket got; for port 0. -E_CANNOT: a unix socket. Any thread. */
MUST_CHECK int net_bound_port(int fd, uint16_t *ret);

/*
 * Starts the waiter and the first workers. conf is copied. Raises the process's limit on open files
 * as far as it may, and ignores SIGPIPE unless somebody handles it.
 */
MUST_CHECK int net_open(const struct net_conf *conf, struct net **ret, struct fault *fault);
/*
 * Adds a listener (the struct is copied, its fd is ours on success and closed at the latest by
 * net_close()). Before or while running.
 */
MUST_CHECK int net_listen(struct net *n, const struct net_listener *l, struct fault *fault);
/* New settings for connections to come. */
void net_reload(struct net *n, const struct net_conf *conf);
/* Stops accepting and runs every session with NET_STOP as soon as it is parked; does not wait. */
void net_stop(struct net *n);
/*
 * Does net_stop() unless that was done, waits until all are
 * closed or grace_ms passed, closes the rest, joins all threads. After it *n is NULL. Accepts a
 * pointer to NULL.
 */
void net_close(struct net **n, int64_t grace_ms);

/*
 * Makes run(NET_WAKE) happen for the connection, soon; wakes may merge; unknown ids are ignored.
 * Any thread, never blocks long.
 */
void net_wake(struct net *n, uint64_t id);
/* The same as a plain function for rooms that may not know net: ctx is the struct net. */
void net_wake_cb(void *ctx, uint64_t id);
/*
 * Cuts the connection, whatever its session is doing: it ends as if the peer had closed it. Unknown ids
 * are ignored. Any thread, never blocks long.
 */
void net_cut(struct net *n, uint64_t id);
/*
 * The gentle half of it: nothing more is read, what the session has to say still leaves. False: the connection is gone. Any thread,
 * never blocks long.
 */
bool net_hang_up(struct net *n, uint64_t id);

/* Open connections and workers, for the status verb. */
struct net_counts {
	int64_t connections, parked, workers, workers_busy, bodies, accepted, refused;
	int64_t max_connections; /* by the settings, or fewer by the limit on open files */
};
void net_counts(struct net *n, struct net_counts *ret);
