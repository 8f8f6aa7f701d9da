/* SPDX-License-Identifier: MIT */
/*
 * Parameters of Content-Type and Content-Disposition: RFC 2045 5.1, with continuations and
 * charsets of RFC 2231. First all segments as they stand, into an array; then one answer per
 * name. Seen from real senders and read: spaces around "=", missing ";", unquoted values with
 * spaces. Encoded words in a quoted value stay as they are: the client decides.
 */
#include "mime/mime_int.h"

#include "base/text.h"

#define TSPECIALS "()<>@,;:\\\"/[]?="
#define FEW 8 /* on the stack, of which each thread keeps what was once used; hardly any field has more */

struct segment {
	struct str name; /* without *0* */
	struct str value;
	int index;       /* of "*0", or -1 */
	bool is_coded;   /* "*" at the end: percent-coded, perhaps with a charset */
	bool is_done;
};

static bool is_token_char(char c)
{
	return c > 32 && c < 127 && strchr(TSPECIALS, c) == NULL;
}

struct str mime_token_take(struct str *s)
{
	struct str token;
	size_t n = 0;

	while (n < s->n && is_token_char(s->p[n]))
		n++;
	token = str_head(*s, n);
	*s = str_skip(*s, n);
	return token;
}

/* RFC 5322 3.2.4 quoted-string; one that does not end takes the rest. Copies only when it must. */
static int take_quoted(struct arena *a, struct str *s, struct str *ret)
{
	size_t i = 1, n = 0;
	bool has_more = false;
	char *to;

	for (; i < s->n && s->p[i] != '"'; i++) {
		has_more |= s->p[i] == '\\' || s->p[i] == '\r' || s->p[i] == '\n';
		if (s->p[i] == '\\' && i + 1 < s->n)
			i++;
	}
	*ret = str_of(s->p + 1, i - 1);
	*s = str_skip(*s, i + 1);
	if (!has_more)
		return 0;
	to = arena_alloc(a, ret->n, 1);
	if (to == NULL)
		return -E_LIMIT;
	for (i = 0; i < ret->n; i++) {
		if (ret->p[i] == '\\' && i + 1 < ret->n)
			i++;
		if (ret->p[i] != '\r' && ret->p[i] != '\n')
			to[n++] = ret->p[i];
	}
	*ret = str_of(to, n);
	return 0;
}

static bool ends_line(struct str s)
{
	return s.n == 0 || strchr(";\r\n", s.p[0]) != NULL; /* NUL too */
}

/* Is there that character before the line ends? */
static bool line_has(struct str s, char c)
{
	while (!ends_line(s) && s.p[0] != c)
		s = str_skip(s, 1);
	return !ends_line(s);
}

/* What is in it is of one line, without ";". */
static bool is_within_line(struct str s)
{
	while (!ends_line(s))
		s = str_skip(s, 1);
	return s.n == 0;
}

/*
 * A token, or more than a token: up to ";", a comment or the end of the line. "Invoice (1).pdf" is the name of a file: a comment is what
 * nothing but blanks, comments (RFC 5322 3.2.2) or another parameter follows, or what does not end before the line does.
 * Time is linear however many parentheses there are: where no parameter follows the first, none follows another.
 */
static struct str take_unquoted(struct str *s)
{
	struct str rest = *s, value;
	bool has_looked = false;

	while (!ends_line(rest)) {
		struct str after = rest;

		if (rest.p[0] != '(') {
			rest = str_skip(rest, 1);
			continue;
		}
		mime_cfws_skip(&after);
		if (!is_within_line(str_head(rest, rest.n - after.n)) || ends_line(after) ||
		    (!has_looked && line_has(after, '=')))
			break;
		has_looked = true;
		rest = after;
	}
	value = str_trim(str_head(*s, s->n - rest.n));
	*s = rest;
	return value;
}

static void skip_to_semicolon(struct str *s)
{
	ptrdiff_t at = str_chr(*s, ';');

	*s = str_skip(*s, at < 0 ? s->n : (size_t)at);
}

/* RFC 2231 7: parameter names as name, name*, name*0, name*0*. */
static void split_name(struct segment *g)
{
	struct str s = g->name, digits;
	bool is_coded = s.n > 1 && s.p[s.n - 1] == '*';
	ptrdiff_t star;
	uint64_t index;

	g->index = -1;
	if (is_coded)
		s.n--;
	star = str_chr(s, '*');
	if (star < 0) {
		g->is_coded = is_coded;
		g->name = s;
		return;
	}
	digits = str_skip(s, (size_t)star + 1);
	if (star == 0 || !str_to_u64(digits, 999, &index))
		return;
	g->name = str_head(s, (size_t)star);
	g->index = (int)index;
	g->is_coded = is_coded;
}

/* One parameter: 1 read, 0 nothing usable here (*s moved on), -E_LIMIT. */
static int take_segment(struct arena *a, struct str *s, struct segment *ret)
{
	struct segment g = { 0 };
	int err = 0;

	g.name = mime_token_take(s);
	mime_cfws_skip(s);
	if (g.name.n == 0 || g.name.n > LIMIT_MIME_TOKEN || s->n == 0 || s->p[0] != '=') {
		skip_to_semicolon(s);
		return 0;
	}
	*s = str_skip(*s, 1);
	mime_cfws_skip(s);
	if (s->n > 0 && s->p[0] == '"')
		err = take_quoted(a, s, &g.value);
	else
		g.value = take_unquoted(s);
	if (err < 0)
		return err;
	split_name(&g);
	*ret = g;
	return 1;
}

static void add_percent_decoded(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		int hi = s.p[i] == '%' && i + 2 < s.n ? text_hex_digit(s.p[i + 1]) : -1;
		int lo = hi >= 0 ? text_hex_digit(s.p[i + 2]) : -1;

		if (lo < 0) {
			buf_add_char(out, s.p[i]);
			continue;
		}
		buf_add_char(out, (char)(hi * 16 + lo));
		i += 2;
	}
}

/* RFC 2231 4: [charset] "'" [language] "'" text; without the two quotes all is text. */
static struct str take_charset(struct str *value)
{
	struct str rest = *value, charset, language;

	if (!str_split(&rest, '\'', &charset) || charset.n == value->n ||
	    str_chr(rest, '\'') < 0 || !str_split(&rest, '\'', &language))
		return str_head(*value, 0);
	*value = rest;
	return charset;
}

/* The segment after v[last] of the same name, searched from there on and around. */
static struct segment *next_segment(struct segment *v, size_t n, size_t last)
{
	for (size_t k = 1; k < n; k++) {
		struct segment *g = &v[(last + k) % n];

		if (g->index == v[last].index + 1 && !g->is_done && str_ieq(g->name, v[last].name))
			return g;
	}
	return NULL;
}

/* RFC 2231 3, 4: from v[first], which is name*, name*0 or name*0*, to the whole value in UTF-8. */
static int join(struct arena *a, struct segment *v, size_t n, size_t first, struct mime_param *ret)
{
	AUTO(buf_fini) struct buf raw = BUF_INIT(LIMIT_MIME_HEADER_FIELD);
	AUTO(buf_fini) struct buf utf8 = BUF_INIT(LIMIT_MIME_HEADER_FIELD * 3);
	struct segment *g = &v[first];
	struct str charset = S(""), value = g->value;

	if (g->is_coded)
		charset = take_charset(&value);
	ret->is_extended = g->is_coded;
	while (g != NULL) {
		if (g->is_coded)
			add_percent_decoded(&raw, value);
		else
			buf_add(&raw, value);
		g->is_done = true;
		g = g->index < 0 ? NULL : next_segment(v, n, (size_t)(g - v));
		value = g != NULL ? g->value : value;
	}
	if (mime_to_utf8(charset, mime_buf_text(&raw), &utf8) < 0)
		mime_utf8_clean(mime_buf_text(&raw), &utf8);
	ret->value = arena_str(a, mime_buf_text(&utf8));
	return ret->value.p == NULL ? -E_LIMIT : 0;
}

/* A plain parameter that stands beside a coded one of the same name is its fallback: left out. */
static bool has_coded_twin(const struct segment *v, size_t n, size_t i)
{
	for (size_t k = 0; k < n; k++) {
		if (v[k].index <= 0 && (v[k].is_coded || v[k].index == 0) &&
		    str_ieq(v[k].name, v[i].name))
			return true;
	}
	return false;
}

static int resolve(struct arena *a, struct segment *v, size_t n, struct mime_param *ret,
		   size_t *ret_n)
{
	bool has_rfc2231 = false;
	size_t n_out = 0;

	for (size_t i = 0; i < n; i++)
		has_rfc2231 |= v[i].is_coded || v[i].index >= 0;
	for (size_t i = 0; i < n; i++) {
		struct mime_param p = { .name = v[i].name, .value = v[i].value };
		bool is_plain = v[i].index < 0 && !v[i].is_coded;
		int err = 0;

		if (v[i].is_done || v[i].index > 0)
			continue;
		if (is_plain && has_rfc2231 && has_coded_twin(v, n, i))
			continue;
		if (!is_plain)
			err = join(a, v, n, i, &p);
		if (err < 0)
			return err;
		ret[n_out++] = p;
	}
	*ret_n = n_out;
	return 0;
}

/* Those from v[*n] on, up to max. 1: there are more. */
static int take_segments(struct arena *a, struct str *s, struct segment *v, size_t max, size_t *n)
{
	for (;;) {
		int got;

		while (mime_cfws_skip(s) || (s->n > 0 && s->p[0] == ';'))
			*s = str_skip(*s, s->n > 0 && s->p[0] == ';');
		if (s->n == 0 || *n == max)
			return s->n > 0;
		got = take_segment(a, s, &v[*n]);
		if (got < 0)
			return got;
		*n += (size_t)got;
	}
}

static int take_params(struct arena *a, struct segment *v, size_t n, struct mime_param **ret, size_t *ret_n)
{
	struct mime_param *params;
	size_t n_params;
	int got;

	*ret = NULL;
	*ret_n = 0;
	if (n == 0)
		return 0;
	params = ARENA_ARRAY(a, struct mime_param, n);
	if (params == NULL)
		return -E_LIMIT;
	got = resolve(a, v, n, params, &n_params);
	if (got < 0)
		return got;
	*ret = params;
	*ret_n = n_params;
	return 0;
}

int mime_params_parse(struct arena *a, struct str s, struct mime_param **ret, size_t *ret_n)
{
	struct segment few[FEW], *many;
	size_t n = 0;
	int r = take_segments(a, &s, few, FEW, &n);

	if (r <= 0)
		return r < 0 ? r : take_params(a, few, n, ret, ret_n);
	many = mem_alloc(LIMIT_MIME_PARAMS, sizeof(*many));
	memcpy(many, few, sizeof(few));
	r = take_segments(a, &s, many, LIMIT_MIME_PARAMS, &n); /* what is beyond is left out */
	if (r >= 0)
		r = take_params(a, many, n, ret, ret_n);
	mem_free(many);
	return r;
}

struct str mime_param_find(const struct mime_param *params, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++) {
		if (str_ieq(params[i].name, name))
			return params[i].value;
	}
	return (struct str){ NULL, 0 };
}
