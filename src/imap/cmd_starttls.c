/* SPDX-License-Identifier: MIT */
/* STARTTLS, RFC 9051 6.2.1. The handshake itself begins in session.c, after the OK. */
#include "imap/imap_int.h"
#include "net/conn.h"

int imap_cmd_starttls(struct imap_session *s)
{
	if (!imap_parse_end(&s->p))
		return -E_SYNTAX;
	if (conn_is_tls(s->conn)) {
		imap_say(s, "TLS is on already");
		return -E_USAGE;
	}
	if (s->ctx->tls == NULL) {
		imap_say(s, "TLS is not available here");
		return -E_CANNOT;
	}
	s->is_starting_tls = true;
	imap_say(s, "begin TLS now");
	return 0;
}
