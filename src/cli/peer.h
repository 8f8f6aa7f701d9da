/* SPDX-License-Identifier: MIT */
/* A server that a command talks to: its name as people write it, the connection, the dialogue shown. The main thread only. */
#pragma once

#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "net/stream.h"
#include "smtp/client.h"

struct peer {
	char host_z[256];
	uint16_t port;
	char address[NET_ADDRESS_TEXT]; /* the one that it was reached by */
};

/* HOST, HOST:PORT, [ADDRESS]:PORT or an IPv6 address. -E_USAGE; option_z: what the user wrote it behind. */
MUST_CHECK int peer_parse(struct peer *p, const char *text_z, const char *option_z,
			  uint16_t default_port, struct fault *fault);
/* By the system's resolver, all its addresses. -E_NOT_FOUND, -E_CLOSED, -E_TIMEOUT. */
MUST_CHECK int peer_connect(struct peer *p, struct net_stream **ret, struct fault *fault);
/* "success,failure,delay" or "never" as enum queue_notify, "full" or "hdrs" as enum queue_ret (RFC 3461 4.1, 4.3). */
MUST_CHECK bool peer_notify(const char *text_z, unsigned *ret);
MUST_CHECK bool peer_ret(const char *text_z, int *ret);
/* RFC 3461 4: an ENVID, in the arena; empty when it is longer than 100 then (4.4). */
struct str peer_xtext(struct arena *a, const char *text_z);
/* "ABOUT: 550 5.1.1 words / words", without a line end; words of strangers as the client cleaned them. */
void peer_say(FILE *to, const char *about_z, const struct smtp_client_reply *reply);
/* The name of this host, "localhost" when it has none. */
void peer_own_name(char *ret_z, size_t n);
/* A line of the dialogue on standard error, "> " ours (smtp_client_options.trace). */
void peer_trace(void *ctx, bool is_ours, struct str line);
