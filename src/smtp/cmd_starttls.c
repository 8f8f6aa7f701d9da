/* SPDX-License-Identifier: MIT */
/*
 * STARTTLS: RFC 3207. Everything that the client said in clear is forgotten (4.2), and what it
 * sent behind the command is dropped by conn_starttls(), so that nobody on the way can put
 * commands into the protected session.
 */
#include "smtp/smtp_int.h"

#include "base/mem.h"
#include "net/conn.h"

int smtp_cmd_starttls(struct smtp_session *s, struct str args)
{
	(void)args;
	if (conn_is_tls(s->conn))
		return SMTP_R_TLS_ALREADY;
	if (!s->ctx->tls)
		return SMTP_R_NOT_HERE;
	smtp_session_reply(s, SMTP_R_TLS_GO, S(""));
	if (conn_starttls(s->conn, s->ctx->tls) < 0) {
		smtp_session_close(s, "tls");
		return SMTP_R_NONE;
	}
	smtp_tx_reset(s);
	mem_free(s->helo_z);
	s->helo_z = NULL;
	mem_free(s->identity);
	s->identity = NULL;
	sasl_seat_give(&s->seat);
	s->is_authenticated = false;
	smtp_session_enter(s, SMTP_ST_NEW);
	s->is_starting_tls = true;
	return SMTP_R_NONE;
}
