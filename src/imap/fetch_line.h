/* SPDX-License-Identifier: MIT */
/*
 * The fast part of FETCH responses, also for STORE's: what stands in a view, gathered in
 * large pieces.
 */
#pragma once

#include "base/buf.h"
#include "imap/fetch.h"
#include "store/view.h"

struct imap_fetch_line {
	struct imap_session *session; /* with UIDONLY: "* 7 UIDFETCH (" */
	struct buf out;
	struct buf flags_text;    /* of the flags below */
	uint64_t flags;
	bool is_recent;
	const struct store_keywords *keywords;
};

/* Only while a mailbox is selected. */
void imap_fetch_line_init(struct imap_fetch_line *l, struct imap_session *s);
void imap_fetch_line_fini(struct imap_fetch_line *l);
/*
 * "* seq FETCH (UID 1 FLAGS (...)": the items of bits (enum imap_fetch_bit); keywords: of the
 * view that m comes from.
 */
void imap_fetch_line_begin(struct imap_fetch_line *l, uint32_t seq, unsigned bits,
			   const struct store_keywords *keywords, const struct store_msg *m);
/* ")" CRLF */
void imap_fetch_line_end(struct imap_fetch_line *l);
/* To the connection: before anything else is written there, and at the end. */
void imap_fetch_line_flush(struct imap_fetch_line *l);
