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

/* ---- which mailboxes there are (imap_boxes.c) ---- */

struct move_imap_box {
	struct str raw;   /* as the server writes it */
	char delimiter;   /* 0: none */
	bool is_noselect;
	bool is_twin;     /* one before it has the same name here */
};
struct move_imap_boxes {
	struct arena arena; /* to be initialised by the caller */
	struct move_imap_box *v;
	size_t n, cap;
	size_t prefix_n;    /* "INBOX." before all other names, which is left out */
};
/* Adds what a LIST or LSUB answers. -E_CANNOT with the server's words. */
MUST_CHECK int move_imap_boxes_take(struct move_imap_boxes *b, struct imap_client *c, struct str command, struct fault *fault);
/* Some servers have all mailboxes below INBOX: true, and b->prefix_n is set. */
bool move_imap_boxes_find_prefix(struct move_imap_boxes *b);
/* Our name for it: UTF-8, '/' between levels, added to out. False: it had to be changed to be one. */
bool move_imap_boxes_name(const struct move_imap_boxes *b, struct str raw, char delimiter, struct buf *out);

/* Marks twins: what is known by our name would be known of both. -E_LIMIT. */
MUST_CHECK int move_imap_boxes_find_twins(struct move_imap_boxes *b);

/* ---- the walk ---- */

/* All mailboxes of the account. A connection that breaks is made again. */
MUST_CHECK int move_imap(const struct move_imap_options *o, const struct move_sink *sink, struct fault *fault);
