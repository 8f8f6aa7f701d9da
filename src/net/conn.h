/* SPDX-License-Identifier: MIT */
/*
 * One connection as a session sees it: bytes in, bytes out, TLS in between. Sockets in production,
 * a scripted peer in memory for unit tests and fuzzers.
 *
 * Input: conn_line() takes whole lines and answers 0 when the line is not complete yet, so that
 * the session parks and costs no thread. Bodies (DATA, BDAT, literals) come the same
 * way by conn_body_peek(), between conn_body_begin() and conn_body_end(). Output is
 * buffered; write errors stick (conn_failed), so handlers write straight on and the session loop
 * asks once. A connection belongs to one thread at a time.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct conn;
struct net_tls; /* net/tls.h */

/* ---- who ---- */

/* The session id, 12 characters; stands in each log line of this connection. */
const char *conn_sid(const struct conn *c);
/* For net_wake(): names the connection across threads; never reused. */
uint64_t conn_id(const struct conn *c);
/*
 * Peer and own address as text without port ("127.0.0.1", "2001:db8::1", "unix"); valid with the
 * conn.
 */
struct str conn_peer(const struct conn *c);
struct str conn_local(const struct conn *c);
uint16_t conn_peer_port(const struct conn *c);
bool conn_is_loopback(const struct conn *c); /* peer on loopback or a unix socket */
bool conn_is_unix(const struct conn *c);
/* For unix sockets: the peer's user id, or -1. */
int64_t conn_peer_uid(const struct conn *c);

/* ---- reading ---- */

enum conn_line_flags {
	CONN_LINE_BARE_LF = 1, /* the line ended in LF without CR */
	CONN_LINE_BARE_CR = 2, /* a CR stands somewhere inside */
	CONN_LINE_NUL = 4,
	CONN_LINE_8BIT = 8,
};

struct conn_line {
	struct str text; /* without the line end; valid until the next read call */
	unsigned flags;
};

/*
 * Takes the next line. 1: it is there; 0: not complete, park; -E_LIMIT: longer than max bytes
 * (once for that line; the rest of it is skipped); -E_CLOSED, -E_TLS, -E_IO. Never blocks. max <=
 * LIMIT_CONN_IN. It also answers 0 when this session has had a worker for long or much output
 * waits: park, and run() comes back at once. So leave only by returning NET_PARK, never by
 * spinning on it. Between the pieces of a body it keeps the body's limits (-E_TIMEOUT, -E_BUSY).
 */
MUST_CHECK int conn_line(struct conn *c, size_t max, struct conn_line *ret);

/*
 * Brackets the reading of a body. The whole of it must be done within limit->total_ms (0: none),
 * each wait within idle_ms, and once 10 s have passed the average must be at least min_rate
 * bytes/s, else -E_TIMEOUT. -E_BUSY: no place (net settings). The bracket stays while the session
 * is parked, until conn_body_end() or the session's end; a wake or the stop of the server waits
 * until then. A body may come in pieces with lines between them (BDAT chunks, the literals of one
 * command).
 */
struct conn_body_limit {
	int64_t total_ms;
	int64_t idle_ms;
	int64_t min_rate; /* bytes a second; 0: none */
};
MUST_CHECK int conn_body_begin(struct conn *c, const struct conn_body_limit *limit);
void conn_body_end(struct conn *c); /* slices of the last line or of the body are gone then */
/*
 * Inside a body only: shows what is buffered (1..LIMIT_CONN_IN bytes) without taking it. 1: it is
 * there; 0: nothing is there yet: leave by returning NET_PARK, run() comes back with NET_INPUT;
 * -E_TIMEOUT; -E_BUSY: all places were needed and this was the slowest; -E_CLOSED, -E_TLS, -E_IO.
 */
MUST_CHECK int conn_body_peek(struct conn *c, struct str *ret);

/* Takes n bytes of what conn_body_peek() showed. */
void conn_take(struct conn *c, size_t n);
/* What is buffered now; never blocks; empty is possible. */
struct str conn_buffered(const struct conn *c);
/* Is input there (buffered, in TLS, or in the kernel) at this moment? For early talkers. */
bool conn_has_input(struct conn *c);

/* ---- writing ---- */

void conn_write(struct conn *c, struct str s);
void conn_printf(struct conn *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/*
 * Sends what is buffered; blocks up to the write deadline (net settings). The net loop flushes
 * before parking. 0 or negative; -E_BUSY: it would have to wait, and too many wait already.
 */
int conn_flush(struct conn *c);
bool conn_failed(const struct conn *c);

/* ---- who it is ---- */

/* Somebody has logged in: this connection is not one of those that make room for new ones. */
void conn_logged_in(struct conn *c);
void conn_logged_out(struct conn *c); /* and out again on the same connection */

/* ---- time ---- */

/*
 * How long the connection may stay parked before the session is run with NET_TIMEOUT.
 * Milliseconds from each park.
 */
void conn_set_idle_ms(struct conn *c, int64_t ms);

/*
 * Holds the connection back, for the answer to a guess: until ms have passed from now nothing
 * leaves that is not sent yet, conn_line() answers 0, and a session that closes is not closed
 * towards the peer. No thread waits. Wakes stay pending; a stop of the server ends it. A peer
 * that hangs up keeps its place in the caps until then. Of two calls the later end counts. A
 * scripted conn is not held.
 */
void conn_hold(struct conn *c, int64_t ms);

/*
 * Somebody else is asked for the session: it is not run until net_wake() for it or ms have passed,
 * and then with NET_WAKE, once. Until then what is written leaves, conn_line() answers 0 and what
 * the peer sends stays where it is. No thread waits; a stop of the server ends it. A scripted conn
 * awaits nothing.
 */
void conn_await(struct conn *c, int64_t ms);
/*
 * The session's thread is about to wait for its turn at something that only so many may do at once
 * (true), or has done so (false): meanwhile another thread may take its place, as for one that
 * waits for its peer (net.max_bodies). Nothing happens with a scripted conn, or NULL.
 */
void conn_stand_by(struct conn *c, bool is_waiting);

/* ---- TLS ---- */

/*
 * STARTTLS: call after writing the "go ahead" reply and return NET_PARK. Does not block: the net
 * loop sends what is written, without holding a thread, before the handshake. All plaintext
 * input that is buffered is dropped (RFC 3207 4.2: commands injected before the handshake). The
 * next run() comes with input after a finished handshake. Fails with -E_BUG when TLS is on
 * already.
 */
MUST_CHECK int conn_starttls(struct conn *c, struct net_tls *tls);
bool conn_is_tls(const struct conn *c);

struct conn_tls_info {
	const char *version; /* "TLSv1.3" */
	const char *cipher;
	int bits;
	const char *sni;     /* "" when not sent */
	const char *alpn;    /* "" when none */
	bool has_client_cert;   /* sent and verified against the configured CA */
	const char *client_cert_subject; /* RFC 2253 text; "" */
	const char *const *client_cert_emails; /* rfc822Name of subjectAltName */
	size_t n_client_cert_emails;
};
/* False when the connection is not TLS. Slices are valid with the conn. */
bool conn_tls_info(const struct conn *c, struct conn_tls_info *ret);

enum conn_binding { CONN_BIND_TLS_UNIQUE, CONN_BIND_TLS_EXPORTER };
/* Channel binding bytes (RFC 5929 3: TLS 1.2 only; RFC 9266). False when there are none. */
bool conn_tls_binding(const struct conn *c, enum conn_binding which, struct buf *out);

/* ---- compression (RFC 4978) ---- */

/*
 * From here on input and output are raw DEFLATE: what was written before leaves as it is, what is
 * buffered and not taken is already the peer's stream. Not in a body; not when it is on. 0, or
 * negative: close.
 */
MUST_CHECK int conn_compress_start(struct conn *c);
/*
 * Ends both streams: what was written before is the end of ours; the peer's ends where it flushed behind
 * the last line that was taken. Nothing when it is off.
 */
void conn_compress_stop(struct conn *c);
bool conn_is_compressed(const struct conn *c);

/* ---- for tests and fuzzers ---- */

/*
 * A conn without a socket: input is what the peer sends (chunk bytes at a time to exercise
 * partial lines; 0: all at once), then end of file. Output is collected. TLS can be pretended
 * (is_tls, conn_starttls() with any net_tls). After each chunk comes one "not now": conn_line()
 * and conn_body_peek() answer 0 there and go on when called again.
 * conn_tls_binding(EXPORTER) gives 32 bytes of 0x42.
 */
struct conn *conn_new_scripted(struct str input, size_t chunk, bool is_tls, const char *peer_z);
struct str conn_scripted_output(const struct conn *c);
void conn_free_scripted(struct conn *c);
