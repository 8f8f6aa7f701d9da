/* SPDX-License-Identifier: MIT */
/*
 * Message bytes as lines of a multi-line reply (RFC 1939 3): a line that begins with "." gets
 * another one in front, and the reply ends with a line that is only ".". Works on pieces of any
 * size, keeps no bytes.
 *
 * 1. A message is sent as it is stored, byte for byte, except for what follows.
 * 2. One that does not end in CRLF gets the missing bytes, because the "." needs a line of its
 *    own. Those two octets are not in the size that LIST gives (DEVIATION(RFC 1939 11): to know
 *    them every body would have to be read).
 * 3. A line begins after LF, also a bare one. Many clients read that way, and an unstuffed "."
 *    after a bare LF would end the message for them, and the rest of it would be taken for
 *    replies. Such messages do not come in by SMTP.
 */
#include "pop3/pop3_int.h"

/* End of a line (c is its LF): is this the end of the header, or the last line that TOP wants? */
static void end_line(struct pop3_stuff *f)
{
	if (f->in_body && f->lines_left > 0)
		f->lines_left--;
	if (!f->in_body && f->is_empty_so_far)
		f->in_body = true;
	f->is_done = !f->is_whole && f->in_body && f->lines_left == 0;
	f->at_line_start = true;
	f->is_empty_so_far = true;
}

/* The part of the piece up to and with its first LF. */
static struct str first_line(struct str piece)
{
	ptrdiff_t at = str_chr(piece, '\n');

	return at < 0 ? piece : str_head(piece, (size_t)at + 1);
}

void pop3_stuff_add(struct pop3_stuff *f, struct conn *c, struct str piece)
{
	while (piece.n > 0 && !f->is_done) {
		struct str line = first_line(piece);

		if (f->at_line_start && line.p[0] == '.')
			conn_write(c, S("."));
		conn_write(c, line);
		f->at_line_start = false;
		if (!(str_eq(line, S("\n")) || str_eq(line, S("\r")) || str_eq(line, S("\r\n"))))
			f->is_empty_so_far = false;
		/*
		 * "\r" alone is a cut CRLF or a line that begins with CR; only the next byte
		 * tells.
		 */
		if (f->last == '\r' && line.p[0] != '\n')
			f->is_empty_so_far = false;
		f->ends_crlf = line.p[line.n - 1] == '\n' &&
			       (line.n > 1 ? line.p[line.n - 2] : f->last) == '\r';
		f->last = line.p[line.n - 1];
		if (f->last == '\n')
			end_line(f);
		piece = str_skip(piece, line.n);
	}
}

void pop3_stuff_end(struct pop3_stuff *f, struct conn *c)
{
	if (!f->ends_crlf)
		conn_write(c, f->last == '\r' ? S("\n") : S("\r\n"));
	conn_write(c, S(".\r\n"));
}
