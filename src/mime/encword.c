/* SPDX-License-Identifier: MIT */
/*
 * RFC 2047 encoded words in text. White space between two of them vanishes (6.2). Words that
 * follow each other in the same charset are converted as one, because many senders cut in the
 * middle of a character. DEVIATION(RFC 2047 5): words are also read inside other text and longer
 * than 75 characters, and Q text may hold spaces and question marks: seen from many senders, and no other reading
 * makes sense.
 */
#include "mime/mime_int.h"

struct decoder {
	struct buf *out;
	struct str charset; /* of what waits in raw */
	struct buf raw;
};

/* RFC 2047 2: encoded-word = "=?" charset "?" encoding "?" encoded-text "?=" */
struct word {
	struct str charset, text;
	bool is_base64;
	size_t n; /* length of all */
};

#define QUESTION_MAX 998 /* RFC 5322 2.1.1 */

/* Up to the next "?", which is skipped. */
static bool take_field(struct str *s, struct str *ret)
{
	ptrdiff_t at = str_chr(*s, '?');

	if (at < 0)
		return false;
	*ret = str_head(*s, (size_t)at);
	*s = str_skip(*s, (size_t)at + 1);
	return true;
}

/*
 * Encoded text up to "?=", which is skipped. Q text may have a "?" in it, which is not allowed (RFC 2047 4.2): then it ends within QUESTION_MAX and
 * no other word begins in it, which is looked for on the way: text full of begins costs no more than it is long.
 */
static bool take_text(struct str *s, bool is_base64, struct str *ret)
{
	struct str rest = *s;
	ptrdiff_t at;

	while ((at = str_chr(rest, '?')) >= 0) {
		size_t n = (size_t)(rest.p - s->p) + (size_t)at;

		rest = str_skip(rest, (size_t)at + 1);
		if (rest.n > 0 && rest.p[0] == '=') {
			*ret = str_head(*s, n);
			*s = str_skip(*s, n + 2);
			return true;
		}
		if (is_base64 || n + 2 > QUESTION_MAX || (n > 0 && s->p[n - 1] == '='))
			return false;
		rest = str_head(rest, QUESTION_MAX - n - 1);
	}
	return false;
}

/* s starts with "=?". The charset is cut at "*" (RFC 2231 5: language). */
static bool read_word(struct str s, struct word *ret)
{
	struct str rest = str_skip(s, 2), window = str_head(rest, LIMIT_MIME_CHARSET + 20);
	struct word w;
	ptrdiff_t star;
	char encoding;

	if (!take_field(&window, &w.charset) || w.charset.n == 0)
		return false;
	rest = str_skip(rest, w.charset.n + 1);
	if (rest.n < 2 || rest.p[1] != '?')
		return false;
	encoding = str_lower_char(rest.p[0]);
	if (encoding != 'q' && encoding != 'b')
		return false;
	w.is_base64 = encoding == 'b';
	rest = str_skip(rest, 2);
	if (!take_text(&rest, w.is_base64, &w.text))
		return false;
	star = str_chr(w.charset, '*');
	if (star >= 0)
		w.charset.n = (size_t)star;
	w.n = s.n - rest.n;
	*ret = w;
	return true;
}

/* RFC 2047 4.2: "_" is a space, the rest as in quoted-printable. */
static void add_q(struct buf *out, struct str s)
{
	struct str head;

	while (s.n > 0) {
		ptrdiff_t at = str_chr(s, '_');

		head = str_head(s, at < 0 ? s.n : (size_t)at);
		mime_cte_decode(MIME_CTE_QP, head, out);
		if (at >= 0)
			buf_add_char(out, ' ');
		s = str_skip(s, head.n + 1);
	}
}

static void flush(struct decoder *d)
{
	if (d->raw.n > 0 && mime_to_utf8(d->charset, buf_str(&d->raw), d->out) < 0)
		mime_utf8_clean(buf_str(&d->raw), d->out);
	buf_reset(&d->raw);
	d->charset = str_head(d->charset, 0);
}

/* Can mime_to_utf8() do it? A word in an unknown charset stays as it is. */
static bool is_known(struct str charset)
{
	AUTO(buf_fini) struct buf nothing = BUF_INIT(1);

	return mime_to_utf8(charset, S(""), &nothing) == 0;
}

static bool add_word(struct decoder *d, const struct word *w)
{
	if (!str_ieq(d->charset, w->charset)) {
		if (!is_known(w->charset))
			return false;
		flush(d);
		d->charset = w->charset;
	}
	if (w->is_base64)
		mime_cte_decode(MIME_CTE_BASE64, w->text, &d->raw);
	else
		add_q(&d->raw, w->text);
	return true;
}

static bool is_blank(struct str s)
{
	return str_trim(s).n == 0;
}

void mime_encword_decode(struct str text, struct buf *out)
{
	struct decoder d = { .out = out, .raw = BUF_INIT(text.n + 1) };
	bool is_after_word = false;
	size_t plain = 0, i = 0;

	while (i < text.n && !buf_overflowed(out)) {
		ptrdiff_t at = str_find(str_skip(text, i), S("=?"));
		struct str between;
		struct word w;

		if (at < 0)
			break;
		i += (size_t)at;
		between = str_of(text.p + plain, i - plain);
		if (!read_word(str_skip(text, i), &w)) {
			i += 2;
			continue;
		}
		i += w.n;
		if (is_after_word && is_blank(between) && add_word(&d, &w)) {
			plain = i;
			continue;
		}
		flush(&d);
		is_after_word = add_word(&d, &w);
		if (!is_after_word)
			continue;
		mime_utf8_guess(between, out);
		plain = i;
	}
	flush(&d);
	mime_utf8_guess(str_skip(text, plain), out);
	buf_fini(&d.raw);
}
