/* SPDX-License-Identifier: MIT */
/*
 * What the files of room net share: struct conn and struct net, and who may touch which of their
 * members.
 *
 * A conn is at each moment in exactly one of three hands:
 *   worker   the thread that runs net_step() on it; owns all members except the "table" ones
 *   queue    waits for a worker (linked into the pool)
 *   parked   armed in epoll; c->park says what for
 * Moves: queue -> worker (net_pool), worker -> parked (net_waiter_park), parked -> worker or queue
 * (net_waiter_unpark under net.lock: by a worker for input, by the waiter thread for deadlines, by
 * any thread for a wake or the stop).
 * Members named "table" are guarded by net.lock in all three states.
 */
#pragma once

#include "base/buf.h"
#include "base/limits.h"
#include "base/lock.h"
#include "net/conn.h"
#include "net/net.h"
#include "net/tls.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>

#define NET_CONN_MAGIC 0x436f6e6eu
#define NET_READ_CHUNK 4096u       /* asked of the kernel at once for commands */
#define NET_READ_CHUNK_BODY 32768u /* the same inside a body */
#define NET_LISTENERS_MAX 64
#define NET_OVERDUE 64 /* conns beyond the maximum, while those cut off for them leave */
#define NET_SLICE_MS 20    /* a session with more input than this lets others go first */
#define NET_LONG_MS 100    /* a command that runs so much longer than a slice goes behind others */
#define NET_LOST_MS 5000   /* and after so long it ends when its peer is gone */
#define NET_LINGER_MS 2000 /* how long a peer that still sends may read our last words */
#define NET_IDLE_DEFAULT_MS 300000

/* ---- transports: how bytes come and go ---- */

/*
 * Both return 0 and a count, or a negative code. A count of 0 means "not now": then read_wants
 * or write_wants of the conn says what to poll for. End of file is -E_CLOSED. They never block.
 */
struct net_transport {
	int (*read)(struct conn *c, void *p, size_t n, size_t *ret_n);
	int (*write)(struct conn *c, const void *p, size_t n, size_t *ret_n);
	/* Says good-bye on its level (close_notify); best effort. */
	void (*shutdown)(struct conn *c);
};
extern const struct net_transport net_plain_transport;
extern const struct net_transport net_tls_transport;
extern const struct net_transport net_scripted_transport;
/* Above one of those (c->deflate); conn_deflate.c. */
extern const struct net_transport net_deflate_transport;
struct net_deflate;

/* ---- a connection ---- */

enum net_phase {
	NET_PHASE_HANDSHAKE, /* TLS, in steps; there may be a session already (STARTTLS) */
	NET_PHASE_GREET,     /* the session is to be opened and run with NET_START */
	NET_PHASE_OPEN,      /* the session runs and parks */
	NET_PHASE_CLOSING,   /* the session is gone; the rest of the output leaves */
	NET_PHASE_LINGER,    /* all is sent and shut; input is thrown away for a moment */
};

/* Why a parked connection sits in epoll. */
enum net_park {
	NET_PARK_NONE,
	NET_PARK_HANDSHAKE,
	NET_PARK_INPUT,
	NET_PARK_BODY,
	NET_PARK_OUTPUT,
	NET_PARK_HOLD, /* nothing is sent and nothing read, see conn_hold() */
	NET_PARK_AWAIT, /* nothing is read until a wake, see conn_await() */
	NET_PARK_LINGER
};

/* What has happened to a connection and waits to be handled. */
enum net_todo { NET_TODO_IO = 1, NET_TODO_WAKE = 2, NET_TODO_TIMEOUT = 4, NET_TODO_STOP = 8 };

struct net_addr_key {
	uint8_t b[16]; /* IPv6, or IPv4-mapped */
};

struct net_tls_peer; /* ALPN and client certificate, only when there are some */

struct conn {
	unsigned magic;
	int fd; /* -1: scripted */
	uint64_t id;
	struct net *net; /* NULL: scripted */
	const struct net_transport *transport;
	char sid[13];
	char peer[46];
	char local[46];
	uint16_t peer_port;
	bool is_unix, is_loopback;
	bool is_capped; /* counted in the caps table */
	struct net_addr_key addr;

	/* input: bytes in_at .. in.n are buffered; the first `scanned` of them hold no LF */
	struct buf in;
	size_t in_at, scanned;
	int in_err;       /* sticky */
	bool is_drained;  /* the transport had nothing more when last asked */
	bool is_starved;  /* conn_line() answered 0 and nothing has come since */
	bool is_yielding; /* conn_line() answered 0 to be fair, there may be more lines */
	bool is_skipping; /* inside a line that was too long */
	bool saw_in_err;  /* the session knows of in_err */
	short read_wants, write_wants;
	uint64_t progress;     /* bytes received and taken, for "did anything happen" */
	int64_t line_since_ms; /* first sight of an unfinished line; 0: none */

	/* output: bytes out_at .. out.n wait */
	struct buf out;
	size_t out_at;
	int out_err; /* sticky */

	/* body bracket */
	bool in_body;
	bool is_slow; /* in this body the peer has not answered at once */
	struct conn_body_limit body;
	size_t lingered;     /* bytes dropped after the end */
	bool may_be_sending; /* when the session closed: input is likely to be on its way */
	int64_t body_start_ms, body_last_ms;
	uint64_t body_bytes;
	bool is_in_reply; /* this run() has waited for its reader */
	/* place (places.c) */
	atomic_int_fast64_t place_paid_us;
	atomic_bool is_evicted;

	/* TLS */
	bool is_tls, is_tls_dead;
	bool is_hello_cut;  /* the socket waits for the rest of a ClientHello */
	uint64_t tls_heard; /* bytes that had come when the last data was among them */
	SSL *ssl;
	struct net_tls *tls;         /* our reference, until the handshake is done */
	struct net_tls_set *tls_set; /* what the SSL was made of; our reference */
	struct net_tls_peer *tls_peer;

	struct net_deflate *deflate; /* NULL: never compressed */

	/* session */
	const struct net_listener *listener;
	void *session;
	enum net_phase phase;
	unsigned todo; /* enum net_todo; the holder's */
	int64_t idle_ms;
	bool is_idle_set;
	int32_t write_timeout_ms, line_timeout_ms, handshake_timeout_ms;
	int64_t slice_end_ms, looked_ms;
	int64_t idle_deadline_ms;
	int64_t hold_until_ms;     /* conn_hold(); 0: not held */
	int64_t await_until_ms;    /* conn_await(); 0: nothing is awaited */
	int64_t phase_deadline_ms; /* of a handshake, a blocked flush, a linger; 0: none */
	/* what to park for; set by the phase before it answers "wait" */
	enum net_park wait;
	int64_t wait_deadline_ms; /* 0: none */

	/* table */
	unsigned pending; /* enum net_todo that came while not parked */
	enum net_park park;
	int64_t deadline_ms, parked_ms;
	int64_t heap_ms;
	int32_t heap_at;  /* -1: not in the heap */
	bool is_in_epoll; /* the worker's */
	struct conn *next_by_id;
	bool has_place, is_replying;
	struct conn *next_place, *prev_place;
	bool is_stranger; /* in net.strangers */
	struct conn *newer_stranger, *older_stranger;

	struct conn *next_queued; /* the queue's */
};

/* conn.c: a conn without socket or net; the caller fills in the rest. */
struct conn *net_conn_new(const struct net_transport *transport, int fd);
/* Closes the socket and frees all. The session must be gone. */
void net_conn_free(struct conn *c);

/*
 * conn_read.c: one read without blocking into the buffer: 1 got bytes, 0 nothing there, negative
 * (sticky).
 */
int net_conn_fill(struct conn *c);
/*
 * conn_body.c: the earliest moment at which one of the body's limits is broken if nothing more
 * comes; 0: none.
 */
int64_t net_conn_body_deadline(const struct conn *c);
/* Is the body still within its limits? 0, -E_TIMEOUT, -E_BUSY. */
int net_conn_body_check(const struct conn *c, int64_t now_ms);
/* Polls for events until the deadline (0: none); counts as a blocked worker. 0 or -E_TIMEOUT. */
int net_conn_wait(struct conn *c, short events, int64_t deadline_ms);
/* conn_write.c: writes what can be written now. 1: all gone; 0: some is left; negative (sticky). */
int net_conn_flush_some(struct conn *c);
/* Gives back the memory of empty buffers. */
void net_conn_release(struct conn *c);

/* conn_deflate.c: gives back what a parked conn can do without. Accepts that there is no compression. */
void net_deflate_release(struct conn *c);
/* Takes the layer out; what is not sent or not read of it is lost. */
void net_deflate_free(struct conn *c);
/* tls_hello.c: of what has come. 1: go on; 0: *ret_need bytes are wanted; -E_LIMIT: refused. */
int net_tls_hello_check(struct str s, size_t *ret_need);
/* The same for what has come to the socket: 1; 0: park until more is there; -E_TLS, -E_CLOSED. */
int net_tls_hello_wait(struct conn *c, struct fault *fault);

/* conn_tls.c: 1 done; 0 wants read_wants; -E_TLS, -E_CLOSED. */
int net_tls_handshake(struct conn *c, struct fault *fault);
void net_tls_conn_fini(struct conn *c);
/* tls.c: the set of contexts that is in force, with a reference. */
struct net_tls_set *net_tls_set_get(struct net_tls *t);
void net_tls_set_unref(struct net_tls_set *s);
SSL_CTX *net_tls_set_default(struct net_tls_set *s);
/* The newest OpenSSL error of this thread as text; clears the queue. */
const char *net_tls_error_z(void);

/* ---- the room ---- */

struct net_timers {
	struct conn **v; /* binary heap by heap_ms */
	size_t n, cap;
};
/* timer.c; all need net.lock. Moves a conn earlier if need be; never later (see the file). */
void net_timer_set(struct net_timers *t, struct conn *c);
void net_timer_remove(struct net_timers *t, struct conn *c);
/* The next conn that is due, put back or taken out as the file says. NULL: none. */
struct conn *net_timer_due(struct net_timers *t, int64_t now_ms);
int64_t net_timer_next_ms(const struct net_timers *t); /* INT64_MAX: none */
void net_timer_fini(struct net_timers *t);

struct net_table {
	struct conn **buckets;
	size_t n_buckets, n;
};
/* table.c: id -> conn; needs net.lock. */
void net_table_add(struct net_table *t, struct conn *c);
void net_table_remove(struct net_table *t, struct conn *c);
struct conn *net_table_find(const struct net_table *t, uint64_t id);
void net_table_fini(struct net_table *t);

struct net_cap;
struct net_caps {
	struct net_cap **buckets;
	uint64_t seed;
};
/* caps.c: connections of each address; needs net.lock. False: at the maximum. */
bool net_caps_take(struct net_caps *t, const struct net_addr_key *key, int64_t max);
void net_caps_give(struct net_caps *t, const struct net_addr_key *key);
/* Places of an address that has connections. */
int64_t net_caps_places(const struct net_caps *t, const struct net_addr_key *key);
void net_caps_place_add(struct net_caps *t, const struct net_addr_key *key, int by);
void net_caps_fini(struct net_caps *t);

/*
 * places.c: one of the places of [net] max_bodies, for a body or for a worker that waits until its
 * reply is read. 0; -E_BUSY: there is none, or this conn was thrown out of one. Any worker.
 */
MUST_CHECK int net_place_take(struct conn *c, bool is_reply);
void net_place_give(struct conn *c); /* also without one */
/* Bytes have moved: this keeps the place. By whoever works on the conn. */
void net_place_begin(struct conn *c, int64_t now_ms);
void net_place_pay(struct conn *c, size_t bytes, int64_t now_ms);

/* strangers.c; all need net.lock. */
struct net_strangers {
	struct conn *oldest, *newest; /* by the time of their last park */
};
void net_stranger_add(struct net *n, struct conn *c);
/* It has just been parked: now it is the newest. */
void net_stranger_parked(struct net *n, struct conn *c);
void net_stranger_remove(struct net *n, struct conn *c); /* also one that is none */

struct net_conn_list {
	struct conn *head, *tail;
	size_t n;
};
void net_conn_list_add(struct net_conn_list *l, struct conn *c);
struct conn *net_conn_list_pop(struct net_conn_list *l); /* NULL: empty */
/*
 * Cuts off the stranger that has been silent for longest, if that is long, and hands it to the
 * pool. False: none.
 */
bool net_stranger_evict(struct net *n, struct net_conn_list *ready);

struct net_worker;
enum net_worker_kind { NET_FRONT, NET_BEHIND };
/* worker.c: fn gets the worker. NULL: the system has no thread for us. */
struct net_worker *net_worker_start(struct net *n, void *(*fn)(void *worker));
/* The first and the last that fn does with it; it is then in *ended, to be joined. */
struct net *net_worker_begin(struct net_worker *w, enum net_worker_kind kind);
void net_worker_end(struct net_worker *w, struct net_worker **ended);
void net_worker_join(struct net_worker **ended);
/* Of the calling thread; false for others than workers. */
bool net_worker_is_behind(void);
bool net_worker_is_tired(void);
/* It is at something long: lowers its priority, and it is tired from now on. */
void net_worker_tire(void);

struct net_behind {
	struct lock lock;
	struct lock_cond work; /* something is queued, or the end */
	struct lock_cond gone; /* a worker ended */
	struct net_conn_list queue;
	int64_t n_idle, n_workers, n_blocked, max_workers, max_blocked;
	struct net_worker *ended;
	bool is_ending;
};
/* behind.c */
void net_behind_init(struct net_behind *b);
/* Ends and joins the workers; the queue must be empty for good. */
void net_behind_close(struct net_behind *b);
void net_behind_limits(struct net *n, int64_t max_workers, int64_t max_blocked);
/* c has had its slice: others go on with it, behind those that have news. */
void net_behind_push(struct net *n, struct conn *c);
/* As net_pool_block(), which calls it. */
void net_behind_block(struct net *n, int by);
/* How many workers there are, and how many of them work. */
int64_t net_behind_count(struct net *n, int64_t *ret_busy);

struct net_pool {
	struct lock lock;
	struct lock_cond gone;        /* a worker ended */
	struct net_conn_list queue;   /* lock, as what follows */
	int64_t n_workers, n_blocked;
	int64_t max_workers, max_blocked, n_eager;
	struct net_worker *ended;     /* to be joined */
	bool is_ticking;              /* nobody waited lately: the waiter watches */
	int n_calm;                   /* ticks since then with somebody waiting */
	int burst;                    /* workers that the last tick started */
	int64_t probe_ms;             /* a probe is on its way since; 0: none */
	int pokefd;                   /* semaphore: one for each in the queue, and the probe */
	atomic_int_fast64_t n_idle;   /* wait in epoll_wait() */
	atomic_bool is_ending;
};
/* pool.c */
void net_pool_init(struct net_pool *p);
MUST_CHECK int net_pool_open(struct net *n, struct fault *fault);
/* Ends and joins the workers; the queue must be empty for good. After net_pool_init() at least. */
void net_pool_close(struct net *n);
void net_pool_limits(struct net *n, int64_t max_workers, int64_t max_blocked);
/* Queues all of l (empty afterwards). Not under a lock. */
void net_pool_push(struct net *n, struct net_conn_list *l);
/* The same for all but the first, which is the calling worker's. NULL: l was empty. */
struct conn *net_pool_first(struct net *n, struct net_conn_list *l);
/* The waiter's: starts workers when work has waited too long. True: call again soon. */
bool net_pool_tick(struct net *n);
/* The calling worker begins (+1) or ends (-1) to wait for its peer. */
void net_pool_block(struct net *n, int by);

/* What net_listen() was given, and the state of it. */
struct net_listener_slot {
	struct net_listener *l; /* set once, freed at the end */
	int fd;                 /* lock; -1: closed */
	int n_accepting;        /* lock; workers that are at it */
};

struct net {
	struct lock lock;
	struct lock_cond emptied;
	struct net_conf conf;     /* lock */
	struct net_table table;   /* lock */
	struct net_timers timers; /* lock */
	struct net_caps caps;     /* lock */
	struct conn *places;      /* lock: a list */
	int64_t n_places;         /* lock */
	struct net_strangers strangers; /* lock */
	int64_t n_parked;         /* lock */
	int64_t waiting_until_ms; /* lock: when the waiter wakes by itself */
	bool is_stopping, is_ending; /* lock; at the first the listeners are closed */
	struct net_listener_slot listeners[NET_LISTENERS_MAX];
	size_t n_listeners; /* lock */
	int64_t n_files;    /* that this process may have open */
	int64_t max_by_fds; /* lock: connections that this allows */
	atomic_int_fast64_t n_accepted, n_refused, n_patient;
	atomic_bool is_untrimmed; /* something was done since memory was given back */
	atomic_uint_fast64_t last_id;
	int epfd, wakefd;
	struct lock spare_lock;
	int sparefd; /* spare_lock: given up to refuse when out of files */
	pthread_t waiter;
	struct net_pool pool;
	struct net_behind behind;
};

/* waiter.c */
enum net_park_result { NET_PARKED, NET_PARK_AGAIN, NET_PARK_FAILED };
/*
 * Parks c for c->wait until c->wait_deadline_ms. NET_PARKED: c belongs to the waiter now, do not
 * touch it. NET_PARK_AGAIN: something came in between (see c->todo), c is still the caller's.
 */
enum net_park_result net_waiter_park(struct net *n, struct conn *c);
/* Instead of parking, when there is more input: takes the marks that would have ended a wait for it. */
void net_waiter_pass(struct net *n, struct conn *c);
/*
 * Needs net.lock: marks why, and when c is parked for something that this may interrupt moves it
 * to ready.
 */
void net_waiter_unpark(struct net *n, struct conn *c, unsigned why, struct net_conn_list *ready);
/* Makes the waiter look around. */
void net_waiter_kick(struct net *n);
#define NET_EVENT_POKE 0 /* the event of the fd to watch, which is the pool's */
/* A worker's: the conn that any other event of n->epfd is about, to be run; or NULL. */
struct conn *net_waiter_take(struct net *n, uint64_t id);
MUST_CHECK int net_waiter_init(struct net *n, struct fault *fault);
MUST_CHECK int net_waiter_watch_poke(struct net *n, int fd); /* errno */
MUST_CHECK int net_waiter_start(struct net *n, struct fault *fault);
void net_waiter_join(struct net *n);
MUST_CHECK int net_waiter_add_listener(struct net *n, size_t i, struct fault *fault);

/*
 * listen.c: takes what waits on the listener; one thread at a time for each. New conns go to
 * ready or are parked.
 */
void net_listen_accept(struct net *n, const struct net_listener *l, struct net_conn_list *ready);

/* step.c: a worker runs c until it is parked, queued again or gone. */
void net_step(struct net *n, struct conn *c);
