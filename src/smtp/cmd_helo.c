/* SPDX-License-Identifier: MIT */
/*
 * EHLO, HELO, LHLO: who the client says it is. Nothing is decided by the name; it goes to the
 * log and the trace header.
 */
#include "smtp/smtp_int.h"

#include "base/mem.h"

#define HELO_MAX 255 /* RFC 5321 4.5.3.1.2 */

/*
 * RFC 5321 4.1.1.1 wants a domain or address literal. Any one word is taken: clients name
 * themselves with "_", bare addresses, even spaces turned into "-" and non-ASCII letters;
 * received.c prints only what is valid.
 */
static int helo(struct smtp_session *s, struct str name, bool is_extended)
{
	if (name.n == 0 || name.n > HELO_MAX || str_chr(name, ' ') >= 0 || str_chr(name, '\t') >= 0)
		return SMTP_R_HELO_SYNTAX;
	/* RFC 5321 4.1.4: also ends a transaction */
	smtp_tx_reset(s);
	mem_free(s->helo_z);
	s->helo_z = mem_dup_z(name);
	s->is_extended = is_extended;
	smtp_session_enter(s, SMTP_ST_READY);
	return SMTP_R_NONE;
}

int smtp_cmd_helo(struct smtp_session *s, struct str args)
{
	int r = helo(s, args, false);

	if (r != SMTP_R_NONE)
		return r;
	/* RFC 2034 3: replies to HELO have no enhanced code, so this is not a row. */
	smtp_helo_write(s);
	return SMTP_R_NONE;
}

/* Also LHLO: RFC 2033 4.1. */
int smtp_cmd_ehlo(struct smtp_session *s, struct str args)
{
	int r = helo(s, args, true);

	if (r != SMTP_R_NONE)
		return r;
	smtp_ehlo_write(s);
	return SMTP_R_NONE;
}
