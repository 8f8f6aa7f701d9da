/* SPDX-License-Identifier: MIT */
/*
 * Writing responses (RFC 9051 7, 9 "response"). Pieces are written straight to the
 * connection; a write error sticks there, so nothing here can fail. An untagged response
 * is put together from pieces and ended with imap_resp_end().
 */
#pragma once

#include "base/str.h"
#include "base/uidset.h"

struct imap_session;
struct store_msg;
struct store_view;

/* Raw bytes / printf; for keywords and numbers, never for peer text. */
void imap_resp(struct imap_session *s, struct str text);
void imap_respf(struct imap_session *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void imap_resp_end(struct imap_session *s); /* CRLF */

/*
 * string: quoted where that is possible (8-bit only as UTF-8, see imap_is_utf8()), else a
 * literal.
 */
void imap_resp_string(struct imap_session *s, struct str v);
/* nstring: NIL for p == NULL. */
void imap_resp_nstring(struct imap_session *s, struct str v);
/* "{n}" CRLF or "~{n}" CRLF; the caller writes the n bytes after it. */
void imap_resp_literal(struct imap_session *s, uint64_t n, bool is_binary);
/* A mailbox name (UTF-8) in the session's spelling: UTF-8, see imap_is_utf8(), or modified UTF-7. */
void imap_resp_mailbox(struct imap_session *s, struct str name);
/* "(\Seen $Junk)" of a message of that view; \Recent in rev1. */
void imap_resp_flags(struct imap_session *s, const struct store_view *v, const struct store_msg *m);
/* "1,3:5"; must not be empty. */
void imap_resp_uidset(struct imap_session *s, const struct uidset *set);
/*
 * "* OK [code] text" and the like in one go: imap_resp_untagged(s, "OK [UNSEEN %u] first
 * unseen", n).
 */
void imap_resp_untagged(struct imap_session *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
