/* SPDX-License-Identifier: MIT */
/*
 * The preview of a message (RFC 8970 3.3): what a reader would see first, as one line of plain
 * text.
 *
 * The first part that gives any text is taken: of alternatives the plain one, attachments never, of
 * an encrypted message nothing. Quoted lines, signatures and ruled lines of plain text are passed
 * over when there is something else. At most RAW_MAX bytes of a part, ALL_MAX of PARTS_MAX parts
 * are looked at, whatever the message is.
 */
#include "mime/preview.h"

#include <utf8proc.h>

#define RAW_MAX (128u << 10) /* of one part; what stands before the text of an HTML mail is often long */
#define ALL_MAX (2 * RAW_MAX)
#define PARTS_MAX 16

struct preview {
	struct str message;
	struct mime_line line;
	size_t parts, bytes; /* looked at */
	bool is_over; /* there is nothing to be found */
};

/* ---- characters ---- */

static bool is_space(int32_t c)
{
	return c == ' ' || (c >= 0x09 && c <= 0x0d) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
	       (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
	       c == 0x205f || c == 0x3000 || c == 0x2800;
}

/*
 * Controls; soft hyphens, joiners of nothing, marks of direction: they fill mails to push text out
 * of sight.
 */
static bool is_invisible(int32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0xad || c == 0x34f || c == 0x61c ||
	       c == 0x115f || c == 0x1160 || c == 0x17b4 || c == 0x17b5 || c == 0x180e ||
	       c == 0x200b || (c >= 0x200e && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x206f) || c == 0x3164 || c == 0xfeff || c == 0xffa0 ||
	       (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff;
}

/* Joiners, which mean something between two characters. */
static bool is_joiner(int32_t c)
{
	return c == 0x200c || c == 0x200d;
}

bool mime_line_is_full(const struct mime_line *l)
{
	return l->n >= l->max;
}

void mime_line_space(struct mime_line *l)
{
	l->has_space = l->n > 0;
}

void mime_line_add(struct mime_line *l, int32_t code)
{
	utf8proc_uint8_t bytes[4];
	utf8proc_ssize_t n;

	if (is_space(code))
		mime_line_space(l);
	if (is_space(code) || is_invisible(code) || mime_line_is_full(l) ||
	    (is_joiner(code) && (l->has_space || l->n == 0)))
		return;
	if (l->has_space) {
		l->has_space = false;
		buf_add_char(l->out, ' ');
		if (++l->n == l->max)
			return;
	}
	n = utf8proc_encode_char(code, bytes);
	buf_add(l->out, str_of(bytes, (size_t)n));
	l->n++;
}

/* ---- plain text ---- */

static void add_text(struct mime_line *l, struct str text)
{
	while (text.n > 0 && !mime_line_is_full(l)) {
		utf8proc_int32_t code;
		utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)text.p,
						      (utf8proc_ssize_t)text.n, &code);

		mime_line_add(l, n > 0 ? code : 0xfffd);
		text = str_skip(text, n > 0 ? (size_t)n : 1);
	}
}

/* A line that is drawn, not written. */
static bool is_ruled(struct str line)
{
	for (size_t i = 0; i < line.n; i++) {
		char c = str_lower_char(line.p[i]);

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80)
			return false;
	}
	return true;
}

static void plain_text(struct str text, bool has_quotes, struct mime_line *out)
{
	struct str line;

	while (!mime_line_is_full(out) && str_split(&text, '\n', &line)) {
		if (str_ends(line, S("\r")))
			line.n--;
		/* RFC 3676 4.3: the line before a signature. */
		if (str_eq(line, S("-- ")) && out->n > 0)
			return;
		if (is_ruled(line) || (!has_quotes && str_starts(line, S(">"))))
			continue;
		add_text(out, line);
		mime_line_space(out);
	}
}

/* ---- parts ---- */

static void try_text(struct preview *p, const struct mime_part *part, bool is_html)
{
	AUTO(buf_fini) struct buf decoded = BUF_INIT(RAW_MAX + 4096);
	AUTO(buf_fini) struct buf utf8 = BUF_INIT(4 * RAW_MAX);
	struct str raw = str_head(str_skip(p->message, part->body_off), part->body_n);
	struct str charset = mime_param_find(part->params, part->n_params, S("charset"));

	raw = str_head(raw, RAW_MAX);
	p->bytes += raw.n;
	if (++p->parts > PARTS_MAX || p->bytes > ALL_MAX) {
		p->is_over = true;
		return;
	}
	mime_cte_decode(part->cte, raw, &decoded);
	if (mime_to_utf8(charset, mime_buf_text(&decoded), &utf8) < 0)
		mime_utf8_guess(mime_buf_text(&decoded), &utf8);
	if (is_html) {
		mime_html_text(mime_buf_text(&utf8), &p->line);
		return;
	}
	plain_text(mime_buf_text(&utf8), false, &p->line);
	if (p->line.n == 0)
		plain_text(mime_buf_text(&utf8), true, &p->line);
}

static bool is_type(const struct mime_part *part, struct str type, struct str subtype)
{
	return str_ieq(part->type, type) && str_ieq(part->subtype, subtype);
}

static bool is_plain(const struct mime_part *part)
{
	return is_type(part, S("text"), S("plain")) || is_type(part, S("text"), S("markdown"));
}

static void try_part(struct preview *p, const struct mime_part *part);

/* RFC 2046 5.1.4: all children say the same; the plain one says it shortest. */
static void try_children(struct preview *p, const struct mime_part *part)
{
	bool is_alternative = str_ieq(part->subtype, S("alternative"));

	for (int turn = is_alternative ? 0 : 1; turn < 2; turn++) {
		for (const struct mime_part *c = part->child; c != NULL; c = c->next) {
			if (p->line.n > 0 || p->is_over)
				return;
			if (turn == 1 ? !(is_alternative && is_plain(c)) : is_plain(c))
				try_part(p, c);
		}
	}
}

static void try_part(struct preview *p, const struct mime_part *part)
{
	if (p->line.n > 0 || p->is_over || str_ieq(part->disposition, S("attachment")))
		return;
	if (is_type(part, S("multipart"), S("encrypted")))
		p->is_over = true;
	else if (part->child != NULL)
		try_children(p, part);
	else if (is_plain(part))
		try_text(p, part, false);
	else if (is_type(part, S("text"), S("html")))
		try_text(p, part, true);
}

void mime_preview(struct str message, const struct mime_part *root, struct buf *out)
{
	struct preview p = { .message = message,
			     .line = { .out = out, .max = MIME_PREVIEW_CHARS } };

	try_part(&p, root);
	/* A space that was the last character for which there was room. */
	if (out->n > 0 && out->p[out->n - 1] == ' ')
		buf_truncate(out, out->n - 1);
}
