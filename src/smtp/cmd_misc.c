/* SPDX-License-Identifier: MIT */
/*
 * The commands that need a few lines each: RSET, NOOP, VRFY, QUIT, and those that are not
 * implemented. HELP is in session.c.
 */
#include "smtp/smtp_int.h"

/* RFC 5321 4.1.1.5; RFC 3030 2: also clears the chunks of BDAT. */
int smtp_cmd_rset(struct smtp_session *s, struct str args)
{
	(void)args;
	smtp_tx_reset(s);
	if (s->state != SMTP_ST_NEW)
		smtp_session_enter(s, SMTP_ST_READY);
	return SMTP_R_OK;
}

/* RFC 5321 4.1.1.9: an argument is ignored. */
int smtp_cmd_noop(struct smtp_session *s, struct str args)
{
	(void)s;
	(void)args;
	return SMTP_R_OK;
}

/* RFC 5321 3.5.3, 7.3: names are not given away, and 252 is the honest answer. */
int smtp_cmd_vrfy(struct smtp_session *s, struct str args)
{
	(void)s;
	return args.n > 0 ? SMTP_R_VRFY : SMTP_R_SYNTAX_VRFY;
}

/* RFC 5321 4.1.1.10 */
int smtp_cmd_quit(struct smtp_session *s, struct str args)
{
	(void)args;
	smtp_session_close(s, "quit");
	return SMTP_R_BYE;
}

/* Rows with no role: the loop answers 502 (RFC 5321 4.2.4) before it comes here. */
int smtp_cmd_not_here(struct smtp_session *s, struct str args)
{
	(void)s;
	(void)args;
	return SMTP_R_NOT_HERE;
}
