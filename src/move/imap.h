/* SPDX-License-Identifier: MIT */
/* Another IMAP server as a source: where it is, a connection (imap_link.c), the walk (imap_source.c). The dialogue is imap/client. */
#pragma once

#include "base/arena.h"
#include "imap/client.h"
#include "move/move.h"

struct move_imap_options {
	struct str host, user;
	uint16_t port;
	bool is_tls;            /* from the first byte; else STARTTLS */
	bool is_insecure;       /* a certificate that does not verify, or no TLS, is taken */
	const char *ca_file_z;  /* NULL: those of the system */
	struct str password;
};
/* "imaps://user%40example.org@host:993/" or "imap://...": 1 or 0; user and host in the arena. */
int move_imap_url(struct arena *a, struct str url, struct move_imap_options *ret);

/*
 * Connected, with TLS and logged in: the certificate must verify for the name that was given, and the password goes over TLS only, unless the user says otherwise. The
 * client is NULL when it is not open.
 */
struct move_imap_link {
	struct net_stream_tls *tls;
	struct imap_client *client;
};
MUST_CHECK int move_imap_link_open(const struct move_imap_options *o, struct move_imap_link *ret, struct fault *fault);
void move_imap_link_close(struct move_imap_link *l);

/* ---- the walk ---- */

/* All mailboxes of the account. A connection that breaks is made again. */
MUST_CHECK int move_imap(const struct move_imap_options *o, const struct move_sink *sink, struct fault *fault);
