/* SPDX-License-Identifier: MIT */
/*
 * Header blocks cut into fields (RFC 5322 2.2). A header is everything up to the first empty line;
 * lines in it that are no field are kept as junk, so that all raw slices together give the block.
 * Lines end in LF, with or without a CR before it; a bare CR is an ordinary byte.
 */
#include "mime/mime_int.h"

static const char *line_end(const char *p, const char *end)
{
	const char *nl = memchr(p, '\n', (size_t)(end - p));

	return nl != NULL ? nl + 1 : end;
}

static bool is_wsp(char c)
{
	return c == ' ' || c == '\t';
}

/* p..end is not empty. */
static bool is_empty_line(const char *p, const char *end)
{
	return p[0] == '\n' || (p[0] == '\r' && end - p >= 2 && p[1] == '\n');
}

static struct str without_line_end(struct str s)
{
	if (s.n > 0 && s.p[s.n - 1] == '\n')
		s.n--;
	if (s.n > 0 && s.p[s.n - 1] == '\r')
		s.n--;
	return s;
}

/* RFC 5322 3.6.8: field-name = 1*ftext; 4.5: white space before the colon in obsolete ones. */
static void split_name(struct mime_field *f)
{
	size_t n = 0, colon;

	while (n < f->raw.n && f->raw.p[n] > 32 && f->raw.p[n] < 127 && f->raw.p[n] != ':')
		n++;
	for (colon = n; colon < f->raw.n && is_wsp(f->raw.p[colon]);)
		colon++;
	if (n == 0 || colon == f->raw.n || f->raw.p[colon] != ':') {
		f->name = str_head(f->raw, 0);
		f->value = without_line_end(f->raw);
		return;
	}
	f->name = str_head(f->raw, n);
	f->value = without_line_end(str_skip(f->raw, colon + 1));
}

int mime_field_next(struct str *rest, struct mime_field *ret)
{
	const char *begin = rest->p, *end, *p;

	if (rest->n == 0)
		return 0;
	end = begin + rest->n;
	if (is_empty_line(begin, end)) {
		*rest = str_skip(*rest, begin[0] == '\n' ? 1 : 2);
		return 0;
	}
	p = line_end(begin, end);
	while (p < end && is_wsp(*p))
		p = line_end(p, end);
	ret->raw = str_of(begin, (size_t)(p - begin));
	split_name(ret);
	*rest = str_of(p, (size_t)(end - p));
	return 1;
}

bool mime_field_find(struct str header, struct str name, struct mime_field *ret)
{
	struct mime_field f;

	while (mime_field_next(&header, &f) == 1) {
		if (str_ieq(f.name, name)) {
			*ret = f;
			return true;
		}
	}
	return false;
}

int mime_field_row(const struct mime_field_row *rows, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++) {
		if (rows[i].name.n == name.n && str_ieq(rows[i].name, name))
			return rows[i].id;
	}
	return -1;
}

int mime_unfold_view(struct arena *a, struct str value, struct str *ret)
{
	char *to;
	size_t n = 0;

	value = str_trim(value);
	if (str_chr(value, '\n') < 0) {
		*ret = value;
		return 0;
	}
	to = arena_alloc(a, value.n, 1);
	if (to == NULL)
		return -E_LIMIT;
	for (size_t i = 0; i < value.n; i++) {
		bool is_crlf = value.p[i] == '\r' && i + 1 < value.n && value.p[i + 1] == '\n';

		if (value.p[i] != '\n' && !is_crlf)
			to[n++] = value.p[i];
	}
	*ret = str_of(to, n);
	return 0;
}

int mime_unfold(struct arena *a, struct str value, struct str *ret)
{
	struct str view, copy;
	int err = mime_unfold_view(a, value, &view);

	if (err < 0)
		return err;
	copy = arena_str(a, view);
	if (copy.p == NULL)
		return -E_LIMIT;
	*ret = copy;
	return 0;
}

void mime_split(struct str message, struct str *ret_header, struct str *ret_body)
{
	const char *p, *end;

	if (message.n == 0)
		message = S("");
	p = message.p;
	end = p + message.n;
	while (p < end) {
		const char *next = line_end(p, end);

		if (is_empty_line(p, end)) {
			p = next;
			break;
		}
		p = next;
	}
	*ret_header = str_of(message.p, (size_t)(p - message.p));
	*ret_body = str_of(p, (size_t)(end - p));
}

/* RFC 5322 3.2.2: comment = "(" *([FWS] ccontent) [FWS] ")"; 0: it does not end. */
static size_t comment_length(struct str s)
{
	size_t depth = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '(')
			depth++;
		else if (s.p[i] == ')' && --depth == 0)
			return i + 1;
	}
	return 0;
}

bool mime_comment_skip(struct str *s)
{
	size_t n = comment_length(*s);

	*s = str_skip(*s, n);
	return n > 0;
}

bool mime_cfws_skip(struct str *s)
{
	size_t n = s->n;

	while (s->n > 0) {
		char c = s->p[0];

		if (is_wsp(c) || c == '\r' || c == '\n')
			*s = str_skip(*s, 1);
		else if (c != '(')
			break;
		else if (!mime_comment_skip(s))
			*s = str_skip(*s, s->n);
	}
	return s->n != n;
}

/* UTF-8 counts (RFC 6532 3.3); white space and control characters do not. */
static bool is_msg_id_char(char c)
{
	return ((unsigned char)c > 32 && c != 127) && c != '<' && c != '>';
}

/*
 * RFC 5322 3.6.4: msg-id = [CFWS] "<" id-left "@" id-right ">" [CFWS]; what stands between does
 * not count.
 */
int mime_msg_id_next(struct str *s, struct str *ret)
{
	while (s->n > 0) {
		ptrdiff_t begin = str_chr(*s, '<');
		size_t n = 1;

		if (begin < 0)
			break;
		*s = str_skip(*s, (size_t)begin);
		while (n < s->n && is_msg_id_char(s->p[n]))
			n++;
		if (n > 1 && n < s->n && s->p[n] == '>' && n < LIMIT_MIME_MSG_ID) {
			*ret = str_head(*s, n + 1);
			*s = str_skip(*s, n + 1);
			return 1;
		}
		*s = str_skip(*s, n);
	}
	*s = str_skip(*s, s->n);
	return 0;
}
