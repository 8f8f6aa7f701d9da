/* SPDX-License-Identifier: MIT */
/* What the files of net_stream share. */
#pragma once

#include <openssl/ssl.h>

#include "base/buf.h"
#include "net/stream.h"

#define STREAM_READ 16384           /* asked of the kernel at once while more than STREAM_FIRST comes */
#define STREAM_FIRST 2048           /* as long as answers are short: what a stream needs while it waits for the rest of one */
#define STREAM_OUT 16384            /* gathered before it is sent; one TLS record */
#define STREAM_COPY 8192            /* pieces from this size on are not copied (without TLS) */
#define STREAM_SEAL 65536           /* given to TLS at once */
#define STREAM_WIRE (4 * STREAM_SEAL)
#define STREAM_AHEAD (256u << 10)   /* read while we wait to write */

struct net_stream {
	int fd;               /* -1: scripted */
	struct buf in;        /* what came; the first `used` bytes were taken */
	size_t used, looked;  /* looked: behind used, so many bytes have no LF */
	bool has_much;        /* the last reading brought all that it asked for */
	struct buf out;       /* what is to be sent, before TLS */
	bool is_held;         /* the kernel was told that more comes */
	int broken;           /* negative: writing has failed, stays */
	bool is_ended;        /* the peer has closed */
	char fault[256];
	/* TLS */
	SSL *ssl;
	struct buf wire;      /* records to be sent */
	size_t noise;         /* bytes of the peer without data among them */
	bool is_shaking, is_tls_dead, has_leaf, has_eof;
	struct net_stream_tls_info info;
	char subject[256], issuer[256], names[512], problem[160];
	/* scripted */
	struct buf script, said;
	size_t script_at;
	bool is_scripted, has_said;
};

/* Remembers what went wrong, and returns code. */
int net_stream_fail(struct net_stream *s, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Waits for POLLIN or POLLOUT. 0 (*ret_events), -E_TIMEOUT. */
MUST_CHECK int net_stream_wait(struct net_stream *s, short events, int64_t deadline_ms, short *ret_events);
/* Reads what is there now, of the socket or TLS. >0 so many bytes; 0: nothing; negative: failed or ended. */
MUST_CHECK int net_stream_take(struct net_stream *s, char *p, size_t n);
/* Sends raw bytes, and reads ahead meanwhile. */
MUST_CHECK int net_stream_send(struct net_stream *s, struct str first, struct str second, bool has_more, int64_t deadline_ms);
/* Sends what TLS has made. */
MUST_CHECK int net_stream_send_wire(struct net_stream *s, int64_t deadline_ms);
/* Small pieces go at once, and what the kernel holds goes now. */
void net_stream_no_delay(struct net_stream *s);

/* stream_tls.c */
MUST_CHECK int net_stream_tls_take(struct net_stream *s, char *p, size_t n);
/* Seals bytes into s->wire. 0 or negative. */
MUST_CHECK int net_stream_tls_seal(struct net_stream *s, struct str bytes);
void net_stream_tls_bye(struct net_stream *s);
