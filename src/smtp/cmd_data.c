/* SPDX-License-Identifier: MIT */
/*
 * DATA: reads the message up to its end, as it comes, under the body limits. A message that is
 * refused is read to its real end all the same (RFC 5321 4.1.1.4), so that nothing of it is ever
 * taken for a command.
 */
#include "smtp/smtp_int.h"

#include "net/conn.h"

/* 1: the end was seen; 0: more must come. */
static int data_take(struct smtp_session *s)
{
	enum smtp_dot_what what = SMTP_DOT_MORE;
	struct str chunk, rest, slice;
	int r;

	while (what != SMTP_DOT_END) {
		r = conn_body_peek(s->conn, &chunk);
		if (r <= 0)
			return r;
		rest = chunk;
		while ((what = smtp_dotstream_next(&s->tx.dots, &rest, &slice)) == SMTP_DOT_SLICE)
			smtp_receive_add(s, slice);
		conn_take(s->conn, chunk.n - rest.n);
		if (smtp_receive_is_hopeless(s))
			return -E_TOO_BIG;
	}
	return 1;
}

static int data_read_on(struct smtp_session *s)
{
	int r = data_take(s);

	if (r == 0)
		return SMTP_R_NONE;
	s->read_on = NULL;
	if (r < 0) {
		smtp_session_close(s, err_row(r)->name);
		return r == -E_BUSY ? SMTP_R_TOO_BUSY : r;
	}
	conn_body_end(s->conn);
	smtp_receive_end(s);
	return SMTP_R_NONE;
}

int smtp_cmd_data(struct smtp_session *s, struct str args)
{
	int r;

	(void)args;
	/* RFC 3030 3 */
	if (s->tx.body == SMTP_BODY_BINARYMIME)
		return SMTP_R_NEED_BDAT;
	r = smtp_receive_begin(s, false);
	if (r < 0)
		return r;
	r = smtp_receive_body_begin(s);
	if (r < 0)
		return r == -E_BUSY ? SMTP_R_TOO_BUSY : r;
	s->read_on = data_read_on;
	return SMTP_R_CONTINUE_DATA;
}
