/* SPDX-License-Identifier: MIT */
/*
 * What stands before a message when it is stored, in this order: Return-Path, Received, and in
 * submission Date and Message-ID where they were missing.
 *
 * Every message that this room hands to room queue begins with exactly one Return-Path line of
 * ours. It belongs to final delivery (RFC 5321 4.4); whoever relays the stored message leaves
 * that first line out.
 *
 * DEVIATION(RFC 5321 4.4): in submission the From-domain is left out, so that neither the
 * address nor the name of the client's machine is disclosed; RFC 5322 3.6.7 allows any tokens
 * there. RFC 6409 8 is silent on it.
 */
#include "smtp/smtp_int.h"

#include "base/clock.h"
#include "base/rnd.h"
#include "mime/mime.h"
#include "net/conn.h"
#include "smtp/syntax.h"

void smtp_protocol_print(const struct smtp_session *s, struct buf *out)
{
	bool is_tls = conn_is_tls(s->conn);
	bool is_extended = s->is_extended || is_tls || s->is_authenticated;

	if (s->tx.is_smtputf8)
		buf_add(out, S("UTF8"));
	else if (is_extended && s->ctx->role != SMTP_LMTP)
		buf_add_char(out, 'E');
	buf_add(out, s->ctx->role == SMTP_LMTP ? S("LMTP") : S("SMTP"));
	if (is_tls)
		buf_add_char(out, 'S');
	if (s->is_authenticated)
		buf_add_char(out, 'A');
}

/* Extended-Domain = Domain [FWS "(" TCP-info ")"]     TCP-info = address-literal */
static void from_print(const struct smtp_session *s, struct buf *out)
{
	struct str helo = str_z(s->helo_z), peer = conn_peer(s->conn);

	if (s->ctx->role == SMTP_SUBMISSION)
		return;
	buf_add(out, S("from "));
	buf_add(out, smtp_helo_is_valid(helo) ? helo : S("unknown"));
	if (!conn_is_unix(s->conn))
		buf_printf(out, " ([%s%" STR_FMT "])", str_chr(peer, ':') >= 0 ? "IPv6:" : "",
			   STR_ARG(peer));
	buf_add(out, S("\r\n\t"));
}

/*
 * tls-cipher-clause = CFWS "tls" FWS tls-cipher (RFC 8314 4.3): only names of the IANA
 * registry, as TLS 1.3 has them.
 */
static void tls_print(const struct conn_tls_info *tls, struct buf *out)
{
	if (str_starts(str_z(tls->cipher), S("TLS_")))
		buf_printf(out, "\r\n\ttls %s", tls->cipher);
}

static void received_print(const struct smtp_session *s, int64_t now_s, struct buf *out)
{
	struct conn_tls_info tls = { 0 };
	bool is_tls = conn_tls_info(s->conn, &tls);
	char date[40];

	mime_date_print_z(date, now_s, 0);
	buf_add(out, S("Received: "));
	from_print(s, out);
	buf_printf(out, "by %" STR_FMT " with ", STR_ARG(s->ctx->hostname));
	smtp_protocol_print(s, out);
	if (is_tls)
		buf_printf(out, "\r\n\t(%s %s %d bits)", tls.version ? tls.version : "TLS",
			   tls.cipher ? tls.cipher : "", tls.bits);
	buf_printf(out, "\r\n\tid %s", s->tx.qid);
	/*
	 * RFC 5321 7.2: with more recipients "for" would give the others away. <Postmaster>
	 * is no Path as the clause wants it.
	 */
	if (s->tx.n_rcpts == 1 && str_chr(s->tx.rcpts[0].address, '@') >= 0)
		buf_printf(out, "\r\n\tfor <%" STR_FMT ">", STR_ARG(s->tx.rcpts[0].address));
	if (s->tx.wish.has_priority) /* RFC 6710 4.1 */
		buf_printf(out, "\r\n\tPRIORITY %d", s->tx.wish.priority);
	if (is_tls)
		tls_print(&tls, out);
	buf_printf(out, ";\r\n\t%s\r\n", date);
}

void smtp_trace_print(struct smtp_session *s, bool adds_date, bool adds_message_id, struct buf *out)
{
	int64_t now_s = clock_wall_ms() / 1000;
	char date[40];

	buf_printf(out, "Return-Path: <%" STR_FMT ">\r\n", STR_ARG(s->tx.reverse_path));
	received_print(s, now_s, out);
	mime_date_print_z(date, now_s, 0);
	if (adds_date)
		buf_printf(out, "Date: %s\r\n", date);
	if (adds_message_id)
		buf_printf(out, "Message-ID: <%s.%016llx@%" STR_FMT ">\r\n", s->tx.qid,
			   (unsigned long long)rnd_u64(), STR_ARG(s->ctx->hostname));
}
