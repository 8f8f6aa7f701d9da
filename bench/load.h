/* SPDX-License-Identifier: MIT */
/*
 * The load program: what is asked for (struct load), one connection (struct client), one worker
 * with its connection and its samples (struct worker). A failure of the server ends the program: a
 * rate that hides refusals is worthless.
 */
#pragma once

#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/buf.h"

/* The command line; read-only while workers run, but for the counter. */
struct load {
	const char *mode_z, *host_z, *dir_z, *password_z, *domain_z, *mix_z;
	uint64_t port, connections, count, size_bytes, per_connection, users, first, threads,
		hold_s, tls, idle;
	uint64_t ms, end_us; /* --ms, and when it is over */
	SSL_CTX *tls_ctx;
	_Atomic uint64_t taken;
};

/* Microseconds on the monotonic clock. */
uint64_t load_now_us(void);
/* Prints a sentence and ends the program. Thread-safe. */
void load_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
/*
 * True as long as one of the --count is left and the time is not over; takes it. *ret_index counts
 * from 0.
 */
bool load_take(struct load *l, uint64_t *ret_index);
/* A message of about so many bytes; no line starts with a dot. */
void load_message(struct buf *out, uint64_t number, uint64_t size_bytes);
/*
 * The address of the account that `index` falls on: u0@domain to u(users - 1)@domain, from
 * --first.
 */
void load_user(const struct load *l, uint64_t index, char *ret, size_t size);

/* One connection inside a strand; calls look as if they blocked and end the program on an error. */
struct client {
	int fd;
	SSL *ssl;
	bool may_have_more; /* the socket: no news will come for what it holds */
	size_t at, end;
	char in[32768];
};

/* Connects, with TLS when --tls is given; reads no greeting. */
void client_open(struct client *c, const struct load *l);
void client_close(struct client *c);
void client_send(struct client *c, struct str s);
void client_printf(struct client *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/*
 * The next line without CRLF, of a very long one the beginning and the end; valid until the next
 * call.
 */
struct str client_line(struct client *c);
void client_skip(struct client *c, uint64_t n);
/* Skips lines up to and with the one that is a dot alone. */
void client_skip_to_dot(struct client *c);
/* Reads an SMTP reply (all its lines) or a POP3 status line that must begin with `want`. */
void client_expect(struct client *c, const char *want_z);

/* The kinds of samples, the steps of a mix among them: one line of output each. */
enum load_kind {
	LOAD_MAIN,
	LOAD_LOGIN,
	LOAD_SELECT,
	LOAD_FLAGS,
	LOAD_ENVELOPE, /* of the newest 50 */
	LOAD_SCREEN, /* of the newest 10, with flags */
	LOAD_BODY,
	LOAD_STORE,
	LOAD_SEARCH,
	LOAD_LIST,
	LOAD_STATUS,
	LOAD_APPEND,
	LOAD_DELETE, /* STORE \Deleted on the oldest */
	LOAD_EXPUNGE,
	LOAD_LOGOUT,
	LOAD_KINDS
};

struct worker {
	struct load *load;
	unsigned index;
	void (*fn)(struct worker *w); /* what it does now */
	uint64_t done;                /* units of work, for the rate */
	struct sample {
		uint32_t us;
		uint8_t kind;
	} * samples;
	size_t n, cap;
	struct client client;
	uint64_t exists; /* messages in the selected mailbox */
};

/* Records that something of this kind took from `since_us` until now. */
void worker_sample(struct worker *w, enum load_kind kind, uint64_t since_us);
/*
 * Prints one line for all work, one for each kind of sample there is, and "count" with the units,
 * the seconds and the milliseconds of processor time that this program took.
 */
void workers_report(const char *name_z, const char *unit_z, const struct worker *w, size_t n,
		    double seconds);

/* The modes: what one worker does; prepare: before the clock starts. */
void load_smtp(struct worker *w);
void load_pop3_drain(struct worker *w);
void load_tls(struct worker *w);
void load_imap_login(struct worker *w);
void load_imap(struct worker *w);
void load_idle(struct worker *w);
void load_limit(struct worker *w);
/* A new file in dir that is gone when it is closed; ends the program when there can be none. */
int limit_file(const char *dir_z);
/* Not loads but servers; see bare.c. */
void load_bare(struct worker *w);
void load_sink(struct worker *w);
