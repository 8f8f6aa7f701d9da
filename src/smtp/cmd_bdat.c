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

/* The first chunk. Where it is refused the transaction is over, so that none of the chunks that follow it is taken for the first. */
static int bdat_begin(struct smtp_session *s)
{
	int r = smtp_receive_begin(s, true);

	if (r < 0)
		smtp_tx_reset(s);
	smtp_session_enter(s, r < 0 ? SMTP_ST_READY : SMTP_ST_BDAT);
	return r;
}

/* 0 if the chunk may belong to a message now, else the reply after its octets. */
static int bdat_order(struct smtp_session *s)
{
	switch (s->state) {
	case SMTP_ST_BDAT:
		return 0;
	case SMTP_ST_RCPT:
		return bdat_begin(s);
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

/* 1: the chunk is whole; 0: more must come. */
static int chunk_take(struct smtp_session *s)
{
	struct smtp_chunk *chunk = &s->chunk;
	struct str bytes;
	int r;

	while (chunk->left > 0) {
		r = conn_body_peek(s->conn, &bytes);
		if (r <= 0)
			return r;
		bytes = str_head(bytes, chunk->left < bytes.n ? (size_t)chunk->left : bytes.n);
		if (chunk->order == 0)
			chunk_add(s, bytes);
		conn_take(s->conn, bytes.n);
		chunk->left -= bytes.n;
	}
	return 1;
}

static int chunk_end(struct smtp_session *s)
{
	if (s->chunk.order != 0) {
		if (s->state != SMTP_ST_BDAT) /* no message holds the place */
			conn_body_end(s->conn);
		return s->chunk.order;
	}
	if (s->chunk.is_last) {
		conn_body_end(s->conn);
		smtp_receive_end(s);
		return SMTP_R_NONE;
	}
	/*
	 * RFC 3030 2: what is wrong with the content of a chunk is said at once where it will
	 * not go away.
	 */
	return s->tx.trouble < 0 ? s->tx.trouble : SMTP_R_CHUNK_OK;
}

static int chunk_fail(struct smtp_session *s, int r)
{
	smtp_session_close(s, err_row(r)->name);
	return r == -E_BUSY ? SMTP_R_TOO_BUSY : r;
}

static int bdat_read_on(struct smtp_session *s)
{
	int r = chunk_take(s);

	if (r == 0)
		return SMTP_R_NONE;
	s->read_on = NULL;
	return r < 0 ? chunk_fail(s, r) : chunk_end(s);
}

/* More than anybody would read only to drop it. */
static bool is_absurd(const struct smtp_session *s, uint64_t n)
{
	uint64_t bound = 2 * (uint64_t)s->conf->max_message_size;

	return n > bound || s->tx.received > bound - n;
}

int smtp_cmd_bdat(struct smtp_session *s, struct str args)
{
	struct smtp_chunk chunk = { 0 };
	bool is_first = s->state != SMTP_ST_BDAT;
	int r = 0;

	if (!bdat_parse(args, &chunk.left, &chunk.is_last)) {
		smtp_session_close(s, "bdat");
		return SMTP_R_SYNTAX_BDAT;
	}
	if (is_absurd(s, chunk.left)) {
		smtp_session_close(s, "bdat");
		return SMTP_R_TOO_BIG;
	}
	chunk.order = bdat_order(s);
	/* From the first chunk to the last the message keeps its place, between chunks too. */
	if (is_first)
		r = smtp_receive_body_begin(s);
	if (r < 0)
		return chunk_fail(s, r);
	s->n_commands -= chunk.left > 0; /* many chunks are no play */
	s->chunk = chunk;
	s->read_on = bdat_read_on;
	return SMTP_R_NONE;
}
