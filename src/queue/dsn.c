/* SPDX-License-Identifier: MIT */
/*
 * The frame of a notification: multipart/report (RFC 6522) of three parts, the human one (dsn_text.c), the machine's (dsn_status.c), and the
 * message or its header. The first two are 7-bit, in quoted-printable where they have to be; 8-bit is what came so, and UTF-8 addresses.
 */
#include "queue/dsn_int.h"

#include "base/must.h"
#include "base/rnd.h"
#include "mime/mime.h"

#define HEADER_MAX (32u << 10) /* of a header that is returned alone; the rest of a longer one is left out */
#define TEXT_MAX (1u << 20)    /* the human part; beyond that many recipients the machine part has them */
#define REFERENCE_MAX 250

bool queue_dsn_is_due(struct str reverse_path, unsigned notify, enum queue_dsn_action action)
{
	static const struct {
		unsigned asked;
		bool is_default; /* RFC 3461 4.1: without NOTIFY */
	} rows[] = {
		[QUEUE_DSN_FAILED] = { QUEUE_NOTIFY_FAILURE, true },
		[QUEUE_DSN_DELAYED] = { QUEUE_NOTIFY_DELAY, true },
		[QUEUE_DSN_DELIVERED] = { QUEUE_NOTIFY_SUCCESS, false },
		[QUEUE_DSN_RELAYED] = { QUEUE_NOTIFY_SUCCESS, false },
	};

	if (reverse_path.n == 0 || (notify & QUEUE_NOTIFY_NEVER))
		return false;
	return notify ? notify & rows[action].asked : rows[action].is_default;
}

static bool has_action(const struct queue_dsn *d, enum queue_dsn_action action)
{
	for (size_t i = 0; i < d->n_rcpts; i++)
		if (d->rcpts[i].action == action)
			return true;
	return false;
}

/* ---- the third part ---- */

struct returned {
	const char *type_z;
	struct str text;
	bool is_8bit, is_qp;
};

/* Of a header alone: whole lines, without the empty one at its end. */
static struct str header_cut(struct str header)
{
	struct str h = str_head(header, HEADER_MAX);

	if (h.n < header.n) {
		ptrdiff_t nl = str_rchr(h, '\n');

		h = str_head(h, nl < 0 ? h.n : (size_t)nl + 1);
	}
	if (str_ends(h, S("\r\n\r\n")))
		h.n -= 2;
	return str_eq(h, S("\r\n")) ? S("") : h;
}

/*
 * RFC 3461 4.3: RET counts for failures only, of others the header is enough. A message that cannot stand in another as it is (RFC 2046
 * 5.2.1: no encoding for message/rfc822) gives its header.
 */
static struct returned choose_returned(const struct queue_dsn *d)
{
	struct returned r = { 0 };
	struct str header, body;
	bool is_whole, is_utf8;

	mime_split(d->message, &header, &body);
	is_whole = has_action(d, QUEUE_DSN_FAILED) && d->ret != QUEUE_RET_HDRS && d->message.n <= d->max_returned &&
		   mime_has_plain_lines(d->message);
	r.text = is_whole ? d->message : header_cut(header);
	r.is_8bit = r.text.n > 0 && !str_is_ascii(r.text);
	is_utf8 = d->is_smtputf8 && !str_is_ascii(header) && header.n > 0 && str_is_utf8(header);
	if (is_whole) {
		r.type_z = is_utf8 ? "message/global" : "message/rfc822";
		return r;
	}
	r.type_z = is_utf8 ? "message/global-headers" : "text/rfc822-headers";
	if ((r.is_8bit && !is_utf8) || !mime_has_plain_lines(r.text)) {
		r.is_qp = true;
		r.is_8bit = false;
	}
	return r;
}

/* ---- the frame ---- */

static void write_subject(const struct queue_dsn *d, struct buf *out)
{
	static const char *const subjects[] = {
		[QUEUE_DSN_FAILED] = "Your message could not be delivered",
		[QUEUE_DSN_DELAYED] = "Your message is delayed",
		[QUEUE_DSN_DELIVERED] = "Your message was delivered",
		[QUEUE_DSN_RELAYED] = "Your message was passed on",
	};

	for (size_t i = 0; i < QUEUE_DSN_N_ACTIONS; i++) {
		if (has_action(d, (enum queue_dsn_action)i)) {
			buf_printf(out, "Subject: %s\r\n", subjects[i]);
			return;
		}
	}
}

/* RFC 3834 3.1.5, so that it is shown beside what it is about. */
static void write_references(const struct queue_dsn *d, struct buf *out)
{
	struct mime_field f;
	struct str header, body, id;

	mime_split(d->message, &header, &body);
	if (!mime_field_find(str_head(header, HEADER_MAX), S("Message-ID"), &f))
		return;
	id = str_trim(f.value);
	if (id.n < 5 || id.n > REFERENCE_MAX || id.p[0] != '<' || id.p[id.n - 1] != '>')
		return;
	for (size_t i = 1; i < id.n - 1; i++)
		if (id.p[i] <= 32 || id.p[i] >= 127 || id.p[i] == '<' || id.p[i] == '>')
			return;
	buf_printf(out, "In-Reply-To: %" STR_FMT "\r\nReferences: %" STR_FMT "\r\n", STR_ARG(id), STR_ARG(id));
}

static void write_header(const struct queue_dsn *d, const char *boundary_z, bool is_8bit, struct buf *out)
{
	char date[40], id[25];

	mime_date_print_z(date, d->now_s, 0);
	rnd_id_z(id, sizeof(id) - 1);
	buf_add(out, S("From: Mail system <postmaster@"));
	dsn_words(str_z(d->hostname_z), false, out);
	buf_add(out, S(">\r\nTo: <"));
	dsn_words(d->to, true, out);
	buf_add(out, S(">\r\n"));
	write_subject(d, out);
	buf_printf(out, "Date: %s\r\nMessage-ID: <%s@", date, id);
	dsn_words(str_z(d->hostname_z), false, out);
	buf_add(out, S(">\r\n"));
	write_references(d, out);
	buf_printf(out,
		   "Auto-Submitted: auto-replied\r\n" /* RFC 3834 5 */
		   "MIME-Version: 1.0\r\n"
		   "Content-Type: multipart/report; report-type=delivery-status;\r\n"
		   "\tboundary=\"%s\"\r\n", boundary_z);
	if (is_8bit)
		buf_add(out, S("Content-Transfer-Encoding: 8bit\r\n"));
	buf_add(out, S("\r\n"));
}

static void begin_part(struct buf *out, const char *boundary_z, const char *type_z, const char *what_z)
{
	buf_printf(out, "--%s\r\nContent-Type: %s\r\nContent-Description: %s\r\n", boundary_z, type_z, what_z);
}

static void write_text(const struct queue_dsn *d, const char *boundary_z, struct buf *out)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(TEXT_MAX);
	bool is_ascii;

	dsn_text_write(d, &text);
	is_ascii = str_is_ascii(buf_str(&text));
	begin_part(out, boundary_z, is_ascii ? "text/plain; charset=us-ascii" : "text/plain; charset=utf-8", "Notification");
	if (is_ascii) {
		buf_add(out, S("\r\n"));
		buf_add(out, buf_str(&text));
		return;
	}
	buf_add(out, S("Content-Transfer-Encoding: quoted-printable\r\n\r\n"));
	mime_qp_encode(buf_str(&text), out);
}

void queue_dsn_write(const struct queue_dsn *d, struct buf *out)
{
	struct returned r = choose_returned(d);
	bool is_global = dsn_status_is_global(d);
	char boundary[25];

	must(d->n_rcpts > 0 && d->to.n > 0);
	rnd_id_z(boundary, sizeof(boundary) - 1); /* nobody knows it in advance, so no text has it */
	write_header(d, boundary, r.is_8bit || is_global, out);
	write_text(d, boundary, out);

	buf_add(out, S("\r\n"));
	begin_part(out, boundary, is_global ? "message/global-delivery-status" : "message/delivery-status", "Delivery report");
	buf_add(out, is_global ? S("Content-Transfer-Encoding: 8bit\r\n\r\n") : S("\r\n"));
	dsn_status_write(d, out);

	buf_add(out, S("\r\n"));
	begin_part(out, boundary, r.type_z, strstr(r.type_z, "header") ? "Header of the message" : "The message");
	buf_add(out, r.is_qp   ? S("Content-Transfer-Encoding: quoted-printable\r\n\r\n")
		     : r.is_8bit ? S("Content-Transfer-Encoding: 8bit\r\n\r\n")
				 : S("\r\n"));
	if (r.is_qp)
		mime_qp_encode(r.text, out);
	else
		buf_add(out, r.text);
	buf_printf(out, "\r\n--%s--\r\n", boundary);
}
