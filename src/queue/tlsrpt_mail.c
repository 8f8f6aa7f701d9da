/* SPDX-License-Identifier: MIT */
/* A report as a signed message. Pure. RFC 8460 5.3. */
#include "queue/tlsrpt_int.h"

#include "base/rnd.h"
#include "base/text.h"
#include "mime/mime.h"

#define ENCODED_LINE 57 /* bytes of a line of 76 (RFC 2045 6.8) */

static void write_header(const struct queue_tlsrpt_report *r, struct str to, const char *boundary_z, int64_t now_s, struct buf *out)
{
	struct str domain = str_skip(r->address, (size_t)(str_chr(r->address, '@') + 1));
	char date[40];

	mime_date_print_z(date, now_s, 0);
	buf_printf(out,
		   "From: <%" STR_FMT ">\r\n"
		   "To: <%" STR_FMT ">\r\n"
		   "Subject: Report Domain: %" STR_FMT "\r\n"
		   " Submitter: %" STR_FMT "\r\n"
		   " Report-ID: <%" STR_FMT ">\r\n"
		   "Date: %s\r\n"
		   "Message-ID: <%" STR_FMT ">\r\n"
		   "TLS-Report-Domain: %" STR_FMT "\r\n"
		   "TLS-Report-Submitter: %" STR_FMT "\r\n"
		   "TLS-Required: No\r\n" /* RFC 8689 5 */
		   "Auto-Submitted: auto-generated\r\n"
		   "MIME-Version: 1.0\r\n"
		   "Content-Type: multipart/report; report-type=\"tlsrpt\";\r\n"
		   "\tboundary=\"%s\"\r\n"
		   "Content-Language: en\r\n"
		   "\r\n",
		   STR_ARG(r->address), STR_ARG(to), STR_ARG(r->domain), STR_ARG(domain), STR_ARG(r->id), date, STR_ARG(r->id),
		   STR_ARG(r->domain), STR_ARG(domain), boundary_z);
}

static void write_text(const struct queue_tlsrpt_report *r, const char *boundary_z, struct buf *out)
{
	buf_printf(out,
		   "--%s\r\n"
		   "Content-Type: text/plain; charset=us-ascii\r\n"
		   "\r\n"
		   "This is an aggregate TLS report (RFC 8460) about %" STR_FMT ",\r\n"
		   "from the servers that %" STR_FMT " answers for.\r\n"
		   "\r\n",
		   boundary_z, STR_ARG(r->domain), STR_ARG(r->address));
}

static void write_report(const struct queue_tlsrpt_report *r, struct str packed, const char *boundary_z, struct buf *out)
{
	buf_printf(out,
		   "--%s\r\n"
		   "Content-Type: application/tlsrpt+gzip\r\n"
		   "Content-Transfer-Encoding: base64\r\n"
		   "Content-Disposition: attachment;\r\n"
		   "\tfilename=\"",
		   boundary_z);
	queue_tlsrpt_filename(r, out);
	buf_add(out, S("\"\r\n\r\n"));
	while (packed.n > 0) {
		text_b64_encode(out, str_head(packed, ENCODED_LINE));
		buf_add(out, S("\r\n"));
		packed = str_skip(packed, ENCODED_LINE);
	}
	buf_printf(out, "\r\n--%s--\r\n", boundary_z);
}

int queue_tlsrpt_mail(const struct queue_tlsrpt_report *r, struct str to, struct str packed, const struct dkim_signer *signer, struct buf *out)
{
	AUTO(buf_fini) struct buf message = BUF_INIT(QUEUE_TLSRPT_MAIL);
	char boundary[25];
	int rc;

	rnd_id_z(boundary, sizeof(boundary) - 1); /* nobody knows it in advance */
	write_header(r, to, boundary, signer->now_s, &message);
	write_text(r, boundary, &message);
	write_report(r, packed, boundary, &message);
	if (buf_overflowed(&message))
		return -E_LIMIT;
	buf_add(out, S("Return-Path: <>\r\n"));
	rc = dkim_sign(signer, buf_str(&message), out);
	buf_add(out, buf_str(&message));
	return rc < 0 ? rc : buf_overflowed(out) ? -E_LIMIT : 0;
}
