/* SPDX-License-Identifier: MIT */
/*
 * For the tests of room net: a small line protocol on the server side, and a blocking client. One
 * command to a line:
 *
 *   ECHO text       answers text
 *   BODY n          reads n bytes as a body, answers "got n"
 *   BIG n           answers n bytes of 'x' and CRLF
 *   HOLD ms         holds the connection and answers "held"
 *   LEAVE ms        the same with "left", and closes
 *   GATE            keeps its worker until echo_open_gate()
 *   SLEEP ms, IDLE ms, LOGIN, STLS, INFO, CERT, ID, QUIT
 */
#pragma once

#include "net/conn.h"
#include "net/net.h"
#include "net/tls.h"

#include <openssl/ssl.h>
#include <stdatomic.h>

struct echo_ctx {
	struct net_tls *tls;
	struct conn_body_limit body;
	atomic_int n_open, n_closed;
	atomic_int n_at_gate, is_gate_open;
	atomic_int n_slept; /* SLEEP */
};
extern const struct net_protocol echo_protocol;

/* Settings fit for tests: deadlines that nobody meets who is only slow. */
struct net_conf echo_conf(void);
/* A server with one listener on a free port of 127.0.0.1. */
struct net *echo_server(const struct net_conf *conf, struct echo_ctx *ctx, enum net_tls_mode mode,
			uint16_t *ret_port);

/* Those at the gate go on, and nobody waits there any more. */
void echo_open_gate(struct echo_ctx *ctx);

/* A self-signed pair for these names, in a directory of its own. */
struct net_tls_cert echo_cert(const char *const *names_z);
struct net_tls *echo_tls(const char *alpn_z, bool has_tickets);

struct peer {
	int fd;
	SSL *ssl;
	SSL_CTX *ctx;
};
struct peer peer_open(uint16_t port);
/* The certificate to show in peer_tls(); NULL: none. */
void peer_cert(struct peer *p, const struct net_tls_cert *cert);
/* Client side of a handshake; false when it fails. sni_z and alpn_z (one name) may be NULL. */
bool peer_tls(struct peer *p, const char *sni_z, const char *alpn_z, int max_version);
void peer_send(struct peer *p, const char *z);
/* Reads as many bytes as z has and compares. */
void peer_expect(struct peer *p, const char *z);
/* Reads up to and including LF, without CRLF. */
void peer_line(struct peer *p, char *line, size_t n);
/* The server must close (or reset) now. */
void peer_expect_end(struct peer *p);
void peer_close(struct peer *p);
/* Waits up to 60 s until the condition holds. */
#define EVENTUALLY(cond) \
	do { \
		for (int tries_ = 0; !(cond) && tries_ < 6000; tries_++) \
			usleep(10000); \
		assert_true(cond); \
	} while (0)
