/* SPDX-License-Identifier: MIT */
/*
 * A tree of parts as IMAP BODYSTRUCTURE (RFC 9051 7.5.2, grammar in 9: body, body-type-*,
 * body-ext-*). Extension data stands between MARK_BEGIN and MARK_END, so that one stored text
 * serves BODY too. Recursion is as deep as the tree, which mime_parse() limits.
 */
#include "mime/mime_int.h"

#define MARK_BEGIN '\x01'
#define MARK_END '\x02'

static struct str nil_if_empty(struct str s)
{
	return s.n > 0 ? s : (struct str){ NULL, 0 };
}

static bool is_attribute_char(char c)
{
	/* RFC 2231 7: attribute-char, less some that are never needed */
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '-' || c == '_';
}

/*
 * RFC 2231 4: clients read "name*" as they would in the header, so its value, which was joined and
 * decoded, is encoded again.
 */
static void print_extended(struct buf *out, const struct mime_param *param)
{
	static const char digits[] = "0123456789ABCDEF";
	AUTO(buf_fini) struct buf value = BUF_INIT(3 * 3 * LIMIT_MIME_HEADER_FIELD + 16);

	buf_printf(out, "\"%" STR_FMT "*\" ", STR_ARG(param->name));
	buf_add(&value, S("utf-8''"));
	for (size_t i = 0; i < param->value.n; i++) {
		unsigned char c = (unsigned char)param->value.p[i];

		if (is_attribute_char((char)c)) {
			buf_add_char(&value, (char)c);
			continue;
		}
		buf_add_char(&value, '%');
		buf_add_char(&value, digits[c >> 4]);
		buf_add_char(&value, digits[c & 15]);
	}
	mime_quote_string(out, mime_buf_text(&value));
}

/* body-fld-param = "(" string SP string *(SP string SP string) ")" / nil */
static void print_params(struct buf *out, const struct mime_param *params, size_t n)
{
	if (n == 0)
		buf_add(out, S("NIL"));
	for (size_t i = 0; i < n; i++) {
		buf_add_char(out, i == 0 ? '(' : ' ');
		if (params[i].is_extended) {
			print_extended(out, &params[i]);
			continue;
		}
		mime_quote_string(out, params[i].name);
		buf_add_char(out, ' ');
		mime_quote_string(out, params[i].value);
	}
	if (n > 0)
		buf_add_char(out, ')');
}

/* body-fld-lang = nstring / "(" string *(SP string) ")"; RFC 3282 2: a list with commas. */
static void print_languages(struct buf *out, struct str languages)
{
	struct str language;
	size_t n = 0;

	while (n < LIMIT_MIME_LANGUAGES && str_split(&languages, ',', &language)) {
		ptrdiff_t comment;

		mime_cfws_skip(&language);
		comment = str_chr(language, '(');
		language = str_trim(str_head(language, comment < 0 ? language.n : (size_t)comment));
		if (language.n == 0)
			continue;
		buf_add_char(out, n++ == 0 ? '(' : ' ');
		mime_quote_string(out, language);
	}
	buf_add(out, n > 0 ? S(")") : S("NIL"));
}

/*
 * [SP body-fld-dsp [SP body-fld-lang [SP body-fld-loc]]], the end of both kinds of extension data
 */
static void print_extension_end(struct buf *out, const struct mime_part *part)
{
	if (part->disposition.n > 0) {
		buf_add(out, S(" ("));
		mime_quote_string(out, part->disposition);
		buf_add_char(out, ' ');
		print_params(out, part->disposition_params, part->n_disposition_params);
		buf_add(out, S(") "));
	} else {
		buf_add(out, S(" NIL "));
	}
	print_languages(out, part->languages);
	buf_add_char(out, ' ');
	mime_quote_nstring(out, nil_if_empty(part->location));
	buf_add_char(out, MARK_END);
}

/*
 * body-fields = body-fld-param SP body-fld-id SP body-fld-desc SP body-fld-enc SP body-fld-octets
 */
static void print_fields(struct buf *out, const struct mime_part *part)
{
	bool is_plain = str_ieq(part->type, S("text")) && str_ieq(part->subtype, S("plain"));

	/* RFC 2046 4.1.2: the default of text/plain */
	if (is_plain && part->n_params == 0)
		buf_add(out, S("(\"charset\" \"us-ascii\")"));
	else
		print_params(out, part->params, part->n_params);
	buf_add_char(out, ' ');
	mime_quote_nstring(out, nil_if_empty(part->id));
	buf_add_char(out, ' ');
	mime_quote_nstring(out, nil_if_empty(part->description));
	buf_add_char(out, ' ');
	mime_quote_string(out, part->cte_text);
	buf_add_char(out, ' ');
	buf_add_u64(out, part->body_n);
}

/*
 * Type and subtype. A container that was not opened must not look like one (RFC 9051 9
 * media-basic).
 */
static void print_media(struct buf *out, const struct mime_part *part)
{
	bool is_closed = str_ieq(part->type, S("multipart")) ||
			 (mime_part_names_message(part) && !part->is_message);

	if (is_closed) {
		buf_add(out, S("\"application\" \"octet-stream\" "));
		return;
	}
	mime_quote_string(out, part->type);
	buf_add_char(out, ' ');
	mime_quote_string(out, part->subtype);
	buf_add_char(out, ' ');
}

static int print_body(struct arena *a, struct str message, const struct mime_part *part,
		      struct buf *out);

/* body-type-msg, after its fields: SP envelope SP body SP body-fld-lines */
static int print_message(struct arena *a, struct str message, const struct mime_part *part,
			 struct buf *out)
{
	const struct mime_part *inner = part->child;
	int err;

	buf_add_char(out, ' ');
	err = mime_envelope_print(a, str_of(message.p + inner->header_off, inner->header_n), out);
	if (err < 0)
		return err;
	buf_add_char(out, ' ');
	return print_body(a, message, inner, out);
}

static int print_1part(struct arena *a, struct str message, const struct mime_part *part,
		       struct buf *out)
{
	int err = 0;

	print_media(out, part);
	print_fields(out, part);
	if (part->is_message)
		err = print_message(a, message, part, out);
	if (part->is_message || str_ieq(part->type, S("text"))) {
		buf_add_char(out, ' ');
		buf_add_u64(out, part->body_lines);
	}
	buf_add_char(out, MARK_BEGIN);
	buf_add_char(out, ' ');
	mime_quote_nstring(out, nil_if_empty(part->md5));
	print_extension_end(out, part);
	return err;
}

/* body-type-mpart = 1*body SP media-subtype [SP body-ext-mpart] */
static int print_mpart(struct arena *a, struct str message, const struct mime_part *part,
		       struct buf *out)
{
	int err = 0;

	for (const struct mime_part *c = part->child; c != NULL && err == 0; c = c->next)
		err = print_body(a, message, c, out);
	buf_add_char(out, ' ');
	mime_quote_string(out, part->subtype);
	buf_add_char(out, MARK_BEGIN);
	buf_add_char(out, ' ');
	print_params(out, part->params, part->n_params);
	print_extension_end(out, part);
	return err;
}

/* body = "(" (body-type-1part / body-type-mpart) ")" */
static int print_body(struct arena *a, struct str message, const struct mime_part *part,
		      struct buf *out)
{
	int err;

	buf_add_char(out, '(');
	if (part->is_multipart)
		err = print_mpart(a, message, part, out);
	else
		err = print_1part(a, message, part, out);
	buf_add_char(out, ')');
	return err;
}

int mime_bodystructure_print(struct arena *a, struct str message, const struct mime_part *root,
			     struct buf *out)
{
	struct mime_part opaque = {
		.type = S("application"), .subtype = S("octet-stream"), .cte_text = S("binary"),
		.body_n = root->body_n,
	};
	size_t begin = out->n;
	int err;

	if (buf_overflowed(out))
		return -E_LIMIT;
	err = print_body(a, message, root, out);
	if (err == 0 && !buf_overflowed(out))
		return 0;
	/*
	 * A structure that does not fit is that of a leaf: the mail itself is not refused for it.
	 */
	buf_truncate(out, begin);
	out->overflowed = false;
	err = print_body(a, message, &opaque, out);
	return err == 0 && buf_overflowed(out) ? -E_LIMIT : err;
}

void mime_bodystructure_view(struct str stored, bool with_extension, struct buf *out)
{
	struct str text;

	while (str_split(&stored, MARK_BEGIN, &text)) {
		buf_add(out, text);
		if (str_split(&stored, MARK_END, &text) && with_extension)
			buf_add(out, text);
	}
}
