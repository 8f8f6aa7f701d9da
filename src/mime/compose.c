/* SPDX-License-Identifier: MIT */
/*
 * A message from its pieces: everything in 7-bit (RFC 2045 2.7) but an address that is UTF-8 itself (RFC 6532), lines of at most 76 where
 * they are ours. What a person wrote comes back byte for byte from each part, the text with CRLF line ends.
 */
#include "base/rnd.h"
#include "base/text.h"
#include "mime/mime_int.h"

#define LINE 76 /* RFC 2047 2, RFC 2045 6.8 */
#define WORD_BYTES \
	36 /* of an encoded word: 48 in base64, so that a line holds it behind "Subject: " */
#define ATOM_LINE \
	900 /* RFC 5322 2.1.1: a word without spaces that is longer is encoded, and so divided */
#define NAME_LINE 60    /* bytes of a name that stands as it is, with its quotes and what is before it */
#define ADDRESS_LINE 36 /* bytes of name and address in one line, even if the name is encoded */
#define FILENAME_LINE 40 /* bytes of a file name in one piece (RFC 2231 3) */

static const char atom_specials[] = "()<>[]:;@\\,.\"";

/* ---- header fields ---- */

static bool is_printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 32 || s.p[i] == 127)
			return false;
	return str_is_utf8(s);
}

static size_t longest_word(struct str s)
{
	struct str word;
	size_t longest = 0;

	while (str_split(&s, ' ', &word))
		longest = word.n > longest ? word.n : longest;
	return longest;
}

/* RFC 2047 2, 5: whole characters in each word, one word a line. */
static void write_encoded(struct str s, struct buf *out)
{
	while (s.n > 0) {
		size_t n = s.n < WORD_BYTES ? s.n : WORD_BYTES;

		while (n < s.n && ((unsigned char)s.p[n] & 0xc0) == 0x80)
			n--;
		buf_add(out, S("=?utf-8?B?"));
		text_b64_encode(out, str_head(s, n));
		buf_add(out, S("?="));
		s = str_skip(s, n);
		if (s.n > 0)
			buf_add(out, S("\r\n "));
	}
}

/* Unstructured text; used: columns that stand in its line already. */
static void write_text(struct str s, size_t used, struct buf *out)
{
	struct str word;

	/* Spaces at the ends would be lost, and so would a line that is nothing else. */
	if (!str_is_ascii(s) || str_find(s, S("=?")) >= 0 || longest_word(s) > ATOM_LINE ||
	    str_find(s, S("  ")) >= 0 || str_trim(s).n != s.n) {
		write_encoded(s, out);
		return;
	}
	for (bool is_first = true; str_split(&s, ' ', &word); is_first = false) {
		if (!is_first) {
			buf_add(out, used + 1 + word.n > LINE ? S("\r\n ") : S(" "));
			used = used + 1 + word.n > LINE ? 0 : used;
		}
		buf_add(out, word);
		used += 1 + word.n;
	}
}

/* RFC 5322 3.2.3: atoms and dots between them. */
static bool is_dot_atom(struct str s)
{
	struct str atom;
	size_t dots = 0, atoms = 0;

	for (size_t i = 0; i < s.n; i++) {
		dots += s.p[i] == '.';
		if (s.p[i] == ' ' || (s.p[i] != '.' && strchr(atom_specials, s.p[i]) != NULL))
			return false;
	}
	while (str_split(&s, '.', &atom)) {
		if (atom.n == 0)
			return false;
		atoms++;
	}
	return atoms == dots + 1;
}

/* RFC 5322 3.2.5: a phrase may stand without quotes when it has nothing special. A long one is encoded, and so divided. */
static void write_name(struct str name, struct buf *out)
{
	bool is_plain = true;

	if (!str_is_ascii(name) || str_find(name, S("=?")) >= 0 || name.n > NAME_LINE) {
		write_encoded(name, out);
		return;
	}
	for (size_t i = 0; i < name.n; i++)
		is_plain = is_plain && strchr(atom_specials, name.p[i]) == NULL;
	if (is_plain)
		buf_add(out, name);
	else
		text_quote(out, name);
}

void mime_addr_spec(const struct mime_address *a, struct buf *out)
{
	if (is_dot_atom(a->mailbox))
		buf_add(out, a->mailbox);
	else
		text_quote(out, a->mailbox);
	buf_add_char(out, '@');
	buf_add(out, a->domain);
}

void mime_address_write(const struct mime_address *a, struct buf *out)
{
	if (a->name.n > 0) {
		write_name(a->name, out);
		buf_add(out, a->name.n + a->mailbox.n + a->domain.n > ADDRESS_LINE ? S("\r\n <") : S(" <"));
	}
	mime_addr_spec(a, out);
	if (a->name.n > 0)
		buf_add_char(out, '>');
}

bool mime_address_is_whole(const struct mime_address *a)
{
	for (size_t i = 0; i < a->domain.n; i++)
		if (a->domain.p[i] != '\0' && strchr(" <>(),;\"@\\", a->domain.p[i]) != NULL) /* what would end it */
			return false;
	return a->kind == MIME_ADDR_MAILBOX && a->mailbox.n > 0 && a->domain.n > 0 &&
	       is_printable(a->name) && is_printable(a->mailbox) && is_printable(a->domain);
}

/* One address a line: each is short, and a list of them easy to read. */
static int write_addresses(struct str name, const struct mime_addresses *list, struct buf *out)
{
	if (list->n == 0)
		return 0;
	buf_add(out, name);
	buf_add(out, S(": "));
	for (size_t i = 0; i < list->n; i++) {
		if (!mime_address_is_whole(&list->v[i]))
			return -E_SYNTAX;
		if (i > 0)
			buf_add(out, S(",\r\n "));
		mime_address_write(&list->v[i], out);
	}
	buf_add(out, S("\r\n"));
	return 0;
}

/* ---- parts ---- */

static void add_lines(struct str s, struct buf *out)
{
	struct str line;

	while (str_split(&s, '\n', &line)) {
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		buf_add(out, line);
		buf_add(out, S("\r\n"));
	}
}

/* RFC 2045 6.2, 6.7, 6.8: readable when most of it is ASCII. */
static void write_body(struct str s, struct buf *out)
{
	size_t odd = 0;

	for (size_t i = 0; i < s.n; i++)
		odd += (s.p[i] & 0x80) != 0 || s.p[i] == '\0';
	if (odd == 0 && mime_has_plain_lines(s)) {
		buf_add(out, S("Content-Transfer-Encoding: 7bit\r\n\r\n"));
		buf_add(out, s);
	} else if (3 * odd <= s.n) {
		buf_add(out, S("Content-Transfer-Encoding: quoted-printable\r\n\r\n"));
		mime_qp_encode(s, out);
	} else {
		buf_add(out, S("Content-Transfer-Encoding: base64\r\n\r\n"));
		mime_b64_encode(s, out);
	}
}

/* What a part holds by the end of its file's name; text is told apart by its bytes. */
static const struct {
	const char *end_z, *type_z;
} types[] = {
	{ ".bz2", "application/x-bzip2" },
	{ ".css", "text/css" },
	{ ".csv", "text/csv" },
	{ ".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document" },
	{ ".eml", "message/rfc822" },
	{ ".gif", "image/gif" },
	{ ".gz", "application/gzip" },
	{ ".htm", "text/html" },
	{ ".html", "text/html" },
	{ ".ics", "text/calendar" },
	{ ".jpeg", "image/jpeg" },
	{ ".jpg", "image/jpeg" },
	{ ".json", "application/json" },
	{ ".log", "text/plain" },
	{ ".md", "text/markdown" },
	{ ".mp3", "audio/mpeg" },
	{ ".mp4", "video/mp4" },
	{ ".odp", "application/vnd.oasis.opendocument.presentation" },
	{ ".ods", "application/vnd.oasis.opendocument.spreadsheet" },
	{ ".odt", "application/vnd.oasis.opendocument.text" },
	{ ".pdf", "application/pdf" },
	{ ".png", "image/png" },
	{ ".pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation" },
	{ ".svg", "image/svg+xml" },
	{ ".tar", "application/x-tar" },
	{ ".tif", "image/tiff" },
	{ ".tiff", "image/tiff" },
	{ ".txt", "text/plain" },
	{ ".vcf", "text/vcard" },
	{ ".webp", "image/webp" },
	{ ".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" },
	{ ".xml", "application/xml" },
	{ ".zip", "application/zip" },
};

static struct str type_of(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct str end = str_z(types[i].end_z);

		if (name.n > end.n && str_ieq(str_skip(name, name.n - end.n), end))
			return str_z(types[i].type_z);
	}
	return S("application/octet-stream");
}

static void write_percent(struct str s, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if ((c >= '0' && c <= '9') ||
		    (str_lower_char(c) >= 'a' && str_lower_char(c) <= 'z') || c == '.' ||
		    c == '-' || c == '_')
			buf_add_char(out, c);
		else
			buf_printf(out, "%%%02X", (unsigned char)c);
	}
}

/* RFC 2183 2.3, RFC 2231 3, 4. */
static void write_filename(struct str name, struct buf *out)
{
	buf_add(out, S("Content-Disposition: attachment"));
	if (name.n > 0 && name.n <= FILENAME_LINE && str_is_ascii(name)) {
		buf_add(out, S(";\r\n filename="));
		text_quote(out, name);
		name.n = 0;
	}
	if (name.n > 0 && name.n <= FILENAME_LINE / 2) {
		buf_add(out, S(";\r\n filename*=utf-8''"));
		write_percent(name, out);
		name.n = 0;
	}
	for (int i = 0; name.n > 0; i++) {
		buf_printf(out, ";\r\n filename*%d*=%s", i, i == 0 ? "utf-8''" : "");
		write_percent(str_head(name, FILENAME_LINE / 2), out);
		name = str_skip(name, FILENAME_LINE / 2);
	}
	buf_add(out, S("\r\n"));
}

/* A message must not be encoded (RFC 2046 5.2.1): one that cannot stand as it is goes as plain bytes. */
static bool write_message(struct str bytes, struct buf *out)
{
	AUTO(buf_fini) struct buf lines = BUF_INIT(out->max);

	add_lines(bytes, &lines);
	if (buf_overflowed(&lines) || !str_is_ascii(buf_str(&lines)) ||
	    !mime_has_plain_lines(buf_str(&lines)))
		return false;
	buf_add(out, S("Content-Type: message/rfc822\r\n\r\n"));
	buf_add(out, buf_str(&lines));
	return true;
}

static int write_attachment(const struct mime_attachment *a, struct buf *out)
{
	struct str type = type_of(a->name);

	if (!is_printable(a->name))
		return -E_SYNTAX;
	write_filename(a->name, out);
	if (str_eq(type, S("message/rfc822"))) {
		if (write_message(a->bytes, out))
			return 0;
		type = S("application/octet-stream");
	}
	buf_add(out, S("Content-Type: "));
	buf_add(out, type);
	if (str_starts(type, S("text/")))
		buf_add(out,
			str_is_utf8(a->bytes) ? S("; charset=utf-8") : S("; charset=unknown-8bit"));
	buf_add(out, S("\r\nContent-Transfer-Encoding: base64\r\n\r\n"));
	mime_b64_encode(a->bytes, out);
	return 0;
}

static void write_main_text(struct str text, struct buf *out)
{
	AUTO(buf_fini) struct buf lines = BUF_INIT(2 * text.n + 2);

	add_lines(text, &lines);
	buf_printf(out, "Content-Type: text/plain; charset=%s\r\n",
		   str_is_utf8(text) ? "utf-8" : "unknown-8bit");
	write_body(mime_buf_text(&lines), out);
}

/* ---- the whole ---- */

static int write_header(const struct mime_draft *d, struct buf *out)
{
	char date_z[40], id_z[25];
	int rc;

	if (!is_printable(d->subject) || !is_printable(d->host) || d->from.n != 1)
		return -E_SYNTAX;
	rc = write_addresses(S("From"), &d->from, out);
	if (rc == 0)
		rc = write_addresses(S("To"), &d->to, out);
	if (d->subject.n > 0) {
		buf_add(out, S("Subject: "));
		write_text(d->subject, sizeof("Subject: ") - 1, out);
		buf_add(out, S("\r\n"));
	}
	mime_date_print_z(date_z, d->sent_s, d->zone_min);
	rnd_id_z(id_z, sizeof(id_z) - 1);
	buf_printf(out, "Date: %s\r\nMessage-ID: <%s@%" STR_FMT ">\r\nMIME-Version: 1.0\r\n",
		   date_z, id_z, STR_ARG(d->host));
	return rc;
}

int mime_compose(const struct mime_draft *d, struct buf *out)
{
	char boundary_z[21];
	int rc = write_header(d, out);

	if (rc == 0 && d->n_attachments == 0)
		write_main_text(d->text, out);
	if (rc < 0 || d->n_attachments == 0)
		return rc < 0 ? rc : buf_overflowed(out) ? -E_LIMIT : 0;
	/* RFC 2045 6.7: "=_" is in nothing that is encoded. */
	rnd_id_z(boundary_z, sizeof(boundary_z) - 1);
	buf_printf(out, "Content-Type: multipart/mixed; boundary=\"=_%s\"\r\n\r\n--=_%s\r\n",
		   boundary_z, boundary_z);
	write_main_text(d->text, out);
	for (size_t i = 0; i < d->n_attachments && rc == 0; i++) {
		buf_printf(out, "\r\n--=_%s\r\n", boundary_z);
		rc = write_attachment(&d->attachments[i], out);
	}
	buf_printf(out, "\r\n--=_%s--\r\n", boundary_z);
	return rc < 0 ? rc : buf_overflowed(out) ? -E_LIMIT : 0;
}
