/* SPDX-License-Identifier: MIT */
/*
 * BODYSTRUCTURE as a text, walked to one of its parts: a cursor over strings, atoms and lists. The
 * text is our own (mime_bodystructure_print()), but nothing here relies on that.
 *
 *   body = "(" (1*body SP subtype ... / type SP subtype SP params SP id SP desc SP enc SP octets ...) ")"
 */
#include "imap/structure.h"

#include "mime/mime.h"

#define STRUCTURE_MAX (4u << 20)

static bool skip_quoted(struct str *s)
{
	for (size_t i = 1; i < s->n; i++) {
		if (s->p[i] == '\\') {
			i++;
		} else if (s->p[i] == '"') {
			*s = str_skip(*s, i + 1);
			return true;
		}
	}
	return false;
}

/* "{" number "}" CRLF and so many bytes */
static bool skip_literal(struct str *s)
{
	ptrdiff_t close = str_chr(*s, '}');
	uint64_t n;

	if (close < 2 || !str_to_u64(str_skip(str_head(*s, (size_t)close), 1), STRUCTURE_MAX, &n) ||
	    s->n < (size_t)close + 3 + n)
		return false;
	*s = str_skip(*s, (size_t)close + 3 + (size_t)n);
	return true;
}

static bool skip_atom(struct str *s)
{
	size_t n = 0;

	while (n < s->n && s->p[n] != ' ' && s->p[n] != '(' && s->p[n] != ')')
		n++;
	*s = str_skip(*s, n);
	return n > 0;
}

/* A string, an atom, or a list with all that is in it. */
static bool skip_value(struct str *s)
{
	size_t depth = 0;

	do {
		char c = s->n > 0 ? s->p[0] : '\0';
		bool is_there = true;

		if (c == '(' || c == ')' || c == ' ') {
			depth += c == '(';
			if (c == ')' && depth-- == 0)
				return false;
			if (c == ' ' && depth == 0)
				return false;
			*s = str_skip(*s, 1);
		} else if (c == '"') {
			is_there = skip_quoted(s);
		} else if (c == '{') {
			is_there = skip_literal(s);
		} else {
			is_there = skip_atom(s);
		}
		if (!is_there)
			return false;
	} while (depth > 0);
	return true;
}

/* The value with that number in a list, from 0; spaces between values are optional. */
static bool nth(struct str list, size_t i, struct str *ret)
{
	struct str s = str_skip(list, 1);

	for (;; i--) {
		struct str from;

		if (s.n > 0 && s.p[0] == ' ')
			s = str_skip(s, 1);
		from = s;
		if (!skip_value(&s))
			return false;
		if (i == 0) {
			*ret = str_head(from, (size_t)(s.p - from.p));
			return true;
		}
	}
}

static bool is_multipart(struct str body)
{
	return body.n > 1 && body.p[1] == '(';
}

static bool is_message(struct str body)
{
	struct str type, subtype;

	return nth(body, 0, &type) && nth(body, 1, &subtype) && str_ieq(type, S("\"message\"")) &&
	       (str_ieq(subtype, S("\"rfc822\"")) || str_ieq(subtype, S("\"global\"")));
}

/* is_root: a message's whole body, where 1 is also what is not a multipart. */
static int find(struct str body, const uint32_t *part, size_t n, struct str *ret)
{
	bool is_root = true;

	while (n > 0) {
		if (is_multipart(body)) {
			if (part[0] == 0 || !nth(body, part[0] - 1, &body) || body.p[0] != '(')
				return -E_NOT_FOUND;
		} else if (!is_root) {
			if (!is_message(body) || !nth(body, 8, &body) || body.p[0] != '(')
				return -E_NOT_FOUND;
			is_root = true;
			continue;
		} else if (part[0] != 1) {
			return -E_NOT_FOUND;
		}
		is_root = false;
		part++;
		n--;
	}
	*ret = body;
	return 0;
}

/* The encoding and the size are what they are without it. */
static int print_decoded(struct str body, uint64_t size, struct buf *out)
{
	struct str encoding, octets;

	if (is_multipart(body) || is_message(body) || !nth(body, 5, &encoding) ||
	    !nth(body, 6, &octets)) {
		buf_add(out, body);
		return 0;
	}
	buf_add(out, str_head(body, (size_t)(encoding.p - body.p)));
	buf_printf(out, "\"BINARY\" %llu", (unsigned long long)size);
	buf_add(out, str_skip(body, (size_t)(octets.p + octets.n - body.p)));
	return 0;
}

int imap_structure_part(struct str stored, const uint32_t *part, size_t n,
			const uint64_t *decoded_size, struct buf *out)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(STRUCTURE_MAX);
	struct str body;
	int r;

	mime_bodystructure_view(stored, true, &text);
	if (text.n == 0 || buf_overflowed(&text) || buf_str(&text).p[0] != '(')
		return -E_LIMIT;
	r = find(buf_str(&text), part, n, &body);
	if (r < 0)
		return r;
	if (decoded_size)
		return print_decoded(body, *decoded_size, out);
	buf_add(out, body);
	return 0;
}
