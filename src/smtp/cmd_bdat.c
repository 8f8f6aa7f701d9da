/* SPDX-License-Identifier: MIT */
/*
 * BDAT: RFC 3030 2. A chunk's octets are on the wire as soon as the command is, so they are
 * read whatever is thought of the command, and dropped when it is refused; the session stays in
 * step.
 *
 * DEVIATION(RFC 5321 3.8): a BDAT whose length cannot be read closes the session. How many
 * octets follow is not known then, and to take them for commands would let a message speak as
 * its sender.
 */
#include "smtp/smtp_int.h"

#include "net/conn.h"

/* bdat-cmd ::= "BDAT" SP chunk-size [ SP end-marker ]     end-marker ::= "LAST" */
static bool bdat_parse(struct str args, uint64_t *ret_n, bool *ret_is_last)
{
	struct str number = { 0 };

	if (!str_split(&args, ' ', &number))
		return false;
	args = str_trim(args);
	if (!str_to_u64(number, UINT64_MAX, ret_n) || (args.n > 0 && !str_ieq(args, S("LAST"))))
		return false;
	*ret_is_last = args.n > 0;
	return true;
}

/* 0 if the chunk may belong to a message now, else the reply after its octets. */
static int bdat_order(struct smtp_session *s)
{
	int r;

	switch (s->state) {
	case SMTP_ST_BDAT:
		return 0;
	case SMTP_ST_RCPT:
		r = smtp_receive_begin(s, true);
		if (r == 0)
			smtp_session_enter(s, SMTP_ST_BDAT);
		return r;
	case SMTP_ST_MAIL:
		return s->tx.n_refused > 0 && s->ctx->role != SMTP_LMTP ? SMTP_R_NO_VALID_RCPT
									: SMTP_R_NEED_RCPT;
	case SMTP_ST_NEW:
		return SMTP_R_NEED_HELO;
	default:
		return SMTP_R_NEED_MAIL;
	}
}

static void chunk_add(struct smtp_session *s, struct str bytes)
{
	struct str slice;

	if (s->tx.body == SMTP_BODY_BINARYMIME) {
		smtp_receive_add(s, bytes);
		return;
	}
	while (smtp_dotstream_next(&s->tx.dots, &bytes, &slice) == SMTP_DOT_SLICE)
		smtp_receive_add(s, slice);
}

/* Reads n octets; is_kept: they belong to the message. */
static int chunk_read(struct smtp_session *s, uint64_t n, bool is_kept)
{
	struct str chunk;
	int r;

	while (n > 0) {
		r = conn_peek_wait(s->conn, &chunk);
		if (r < 0)
			return r;
		chunk = str_head(chunk, n < chunk.n ? (size_t)n : chunk.n);
		if (is_kept)
			chunk_add(s, chunk);
		conn_take(s->conn, chunk.n);
		n -= chunk.n;
	}
	return 0;
}

/* More than anybody would read only to drop it. */
static bool is_absurd(const struct smtp_session *s, uint64_t n)
{
	uint64_t bound = 2 * (uint64_t)s->conf->max_message_size;

	return n > bound || s->tx.received > bound - n;
}

int smtp_cmd_bdat(struct smtp_session *s, struct str args)
{
	uint64_t n;
	bool is_last;
	int order, r;

	if (!bdat_parse(args, &n, &is_last)) {
		smtp_session_close(s, "bdat");
		return SMTP_R_SYNTAX_BDAT;
	}
	if (is_absurd(s, n)) {
		smtp_session_close(s, "bdat");
		return SMTP_R_TOO_BIG;
	}
	order = bdat_order(s);
	r = smtp_receive_body_begin(s);
	if (r == 0)
		r = chunk_read(s, n, order == 0);
	conn_body_end(s->conn);
	if (r < 0) {
		smtp_session_close(s, err_row(r)->name);
		return r == -E_BUSY ? SMTP_R_TOO_BUSY : r;
	}
	if (order != 0)
		return order;
	if (is_last) {
		smtp_receive_end(s);
		return SMTP_R_NONE;
	}
	/*
	 * RFC 3030 2: what is wrong with the content of a chunk is said at once where it will
	 * not go away.
	 */
	return s->tx.trouble < 0 ? s->tx.trouble : SMTP_R_CHUNK_OK;
}
