/* SPDX-License-Identifier: MIT */
/*
 * The load program: what is asked for (struct load), one thread with its samples (struct worker), one
 * connection (struct client). A failure of the server ends it: a rate that hides refusals is worthless.
 */
#pragma once

#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/buf.h"

/* The command line; read-only while workers run, but for the counter. */
struct load {
	const char *mode_z, *host_z, *dir_z, *password_z, *domain_z;
	uint64_t port, connections, messages, size_bytes, per_connection, users, first, rounds, hold_s, tls;
	SSL_CTX *tls_ctx;
	_Atomic uint64_t taken;
};

/* The kinds of samples: one line of output each. */
enum load_kind {
	LOAD_MAIN, LOAD_LOGIN, LOAD_SELECT, LOAD_FLAGS, LOAD_ENVELOPE, LOAD_BODY, LOAD_STORE, LOAD_SEARCH,
	LOAD_LOGOUT,
	LOAD_KINDS
};

struct worker {
	struct load *load;
	unsigned index;
	uint64_t done;			/* units of work, for the rate */
	struct sample { uint32_t us; uint8_t kind; } *samples;
	size_t n, cap;
};

/* Microseconds on the monotonic clock. */
uint64_t load_now_us(void);
/* Prints a sentence and ends the program. Thread-safe. */
void load_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
/* Records that something of this kind took from `since_us` until now. */
void load_sample(struct worker *w, enum load_kind kind, uint64_t since_us);
/* True as long as one of the --messages is left; takes it. *ret_index counts from 0. */
bool load_take(struct load *l, uint64_t *ret_index);

/* One blocking connection; every call ends the program on an error or after a minute of silence. */
struct client {
	int fd;
	SSL *ssl;
	size_t at, end;
	char in[32768];
};

/* Connects, with TLS when --tls is given; reads no greeting. */
void client_open(struct client *c, const struct load *l);
void client_close(struct client *c);
void client_send(struct client *c, struct str s);
void client_printf(struct client *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The next line without CRLF, of a very long one the beginning and the end; valid until the next call. */
struct str client_line(struct client *c);
void client_skip(struct client *c, uint64_t n);
/* Reads an SMTP reply (all its lines) or a POP3 status line that must begin with `want`. */
void client_expect(struct client *c, const char *want_z);

/* A message of about so many bytes; no line starts with a dot. */
void load_message(struct buf *out, uint64_t number, uint64_t size_bytes);

/* The address of the account that `index` falls on: u0@domain to u(users - 1)@domain, from --first. */
void load_user(const struct load *l, uint64_t index, char *ret, size_t size);

/* The modes: what one worker thread does. */
void load_smtp(struct worker *w);
void load_imap_fetch(struct worker *w);
void load_imap_mix(struct worker *w);
void load_pop3_drain(struct worker *w);
void load_idle(struct worker *w);
void load_tls(struct worker *w);
void load_limit(struct worker *w);
