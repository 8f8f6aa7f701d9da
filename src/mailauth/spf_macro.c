/* SPDX-License-Identifier: MIT */
/* Macros of SPF: RFC 7208 7. A text is read in pieces, of which each is a literal or a letter with what is to be done to its value. */
#include "mailauth/spf_int.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "mailauth/txt.h"

#define VALUE_MAX 1024 /* of one letter: a sender is longer than a name may be */
#define PARTS 128      /* RFC 7208 7.3: 127 labels; more of a value is nobody's name */

struct piece {
	struct str literal; /* when letter is 0 */
	char letter;        /* lower case */
	bool is_escaped;    /* it was upper case */
	bool is_reversed;
	unsigned keep;         /* right-hand parts; 0: all */
	struct str delimiters; /* empty: "." */
};

/* transformers = *DIGIT [ "r" ] */
static bool take_transformers(struct str *s, struct piece *p)
{
	size_t n = 0;
	uint64_t keep = 0;

	while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9')
		n++;
	if (n > 0 && (!str_to_u64(str_head(*s, n), UINT32_MAX, &keep) || keep == 0))
		return false;
	p->keep = keep > PARTS ? PARTS : (unsigned)keep;
	*s = str_skip(*s, n);
	p->is_reversed = s->n > 0 && str_lower_char(s->p[0]) == 'r';
	*s = str_skip(*s, p->is_reversed);
	return true;
}

/* "%{" macro-letter transformers *delimiter "}" */
static int take_macro(struct str *s, bool is_text, struct piece *p)
{
	struct str rest = str_skip(*s, 2);
	ptrdiff_t end = str_chr(rest, '}');

	if (end < 1)
		return -E_SYNTAX;
	*s = str_skip(rest, (size_t)end + 1);
	rest = str_head(rest, (size_t)end);
	p->letter = str_lower_char(rest.p[0]);
	p->is_escaped = p->letter != rest.p[0];
	if (str_chr(is_text ? S("slodiphcrtv") : S("slodiphv"), p->letter) < 0)
		return -E_SYNTAX;
	rest = str_skip(rest, 1);
	if (!take_transformers(&rest, p))
		return -E_SYNTAX;
	for (size_t i = 0; i < rest.n; i++)
		if (str_chr(S(".-+,/_="), rest.p[i]) < 0)
			return -E_SYNTAX;
	p->delimiters = rest;
	return 1;
}

/* macro-literal = %x21-24 / %x26-7E, as many as there are; SP in an explanation. */
static int take_literal(struct str *s, bool is_text, struct piece *p)
{
	size_t n = 0;

	while (n < s->n && s->p[n] != '%' && s->p[n] < 0x7f &&
	       (s->p[n] > ' ' || (is_text && s->p[n] == ' ')))
		n++;
	p->literal = str_head(*s, n);
	*s = str_skip(*s, n);
	return n > 0 ? 1 : -E_SYNTAX;
}

/* macro-expand = ( "%{" ... "}" ) / "%%" / "%_" / "%-". 1; 0: at the end; negative. Advances only on success. */
static int take_piece(struct str *s, bool is_text, struct piece *ret)
{
	static const struct {
		char c;
		struct str means;
	} escapes[] = { { '%', STR_INIT("%") }, { '_', STR_INIT(" ") }, { '-', STR_INIT("%20") } };
	struct piece p = { 0 };
	struct str rest = *s;
	int r = -E_SYNTAX;

	if (rest.n == 0)
		return 0;
	if (str_starts(rest, S("%{")))
		r = take_macro(&rest, is_text, &p);
	else if (rest.p[0] != '%')
		r = take_literal(&rest, is_text, &p);
	for (size_t i = 0; r < 0 && rest.n > 1 && rest.p[0] == '%' && i < ARRAY_LEN(escapes); i++)
		if (rest.p[1] == escapes[i].c) {
			p.literal = escapes[i].means;
			rest = str_skip(rest, 2);
			r = 1;
		}
	if (r < 0)
		return r;
	*s = rest;
	*ret = p;
	return 1;
}

bool spf_macro_string_is(struct str s)
{
	struct piece p;
	int r;

	while ((r = take_piece(&s, false, &p)) > 0)
		;
	return r == 0;
}

/* toplabel: letters, digits, "-" inside, not digits alone */
static bool is_top_label(struct str s)
{
	bool has_letter = false;

	for (size_t i = 0; i < s.n; i++) {
		if (!txt_is_alnum(s.p[i]) && !(s.p[i] == '-' && i > 0 && i + 1 < s.n))
			return false;
		has_letter |= s.p[i] == '-' || s.p[i] > '9';
	}
	return has_letter;
}

/* domain-end = ( "." toplabel [ "." ] ) / macro-expand */
bool spf_domain_spec_is(struct str s)
{
	struct str rest = s, last = S("");
	struct piece p = { 0 };
	ptrdiff_t dot;
	int r;

	while ((r = take_piece(&rest, false, &p)) > 0)
		last = p.letter || p.literal.p < s.p || p.literal.p >= s.p + s.n ? S("")
										 : p.literal;
	if (r < 0 || s.n == 0)
		return false;
	if (last.n == 0)
		return true; /* it ends in a macro */
	if (str_ends(last, S(".")))
		last.n--;
	dot = str_rchr(last, '.');
	return dot >= 0 && is_top_label(str_skip(last, (size_t)dot + 1));
}

bool spf_has_macro(struct str s)
{
	struct piece p;

	while (take_piece(&s, false, &p) > 0)
		if (p.letter && p.letter != 'd')
			return true;
	return false;
}

/* ---- values ---- */

/* RFC 7208 7.3: "1.0.b.c....", the nibbles of an IPv6 address with dots. */
static void add_dotted(const struct spf_query *q, struct buf *out)
{
	if (!q->is_v6)
		buf_printf(out, "%u.%u.%u.%u", q->ip[0], q->ip[1], q->ip[2], q->ip[3]);
	for (size_t i = 0; q->is_v6 && i < 16; i++)
		buf_printf(out, "%s%x.%x", i > 0 ? "." : "", q->ip[i] >> 4, q->ip[i] & 15);
}

static void add_readable(const struct spf_query *q, struct buf *out)
{
	char text[INET6_ADDRSTRLEN] = "";

	if (inet_ntop(q->is_v6 ? AF_INET6 : AF_INET, q->ip, text, sizeof(text)))
		buf_add(out, str_z(text));
}

/* RFC 7208 7.2 */
static void add_value(const struct spf_values *v, char letter, struct buf *out)
{
	const struct spf_query *q = v->query;
	ptrdiff_t at = str_rchr(q->sender, '@');

	switch (letter) {
	case 's':
		buf_add(out, q->sender);
		break;
	case 'l':
		buf_add(out, str_head(q->sender, at < 0 ? 0 : (size_t)at));
		break;
	case 'o':
		buf_add(out, str_skip(q->sender, (size_t)(at + 1)));
		break;
	case 'd':
		buf_add(out, v->domain);
		break;
	case 'i':
		add_dotted(q, out);
		break;
	case 'p':
		buf_add(out, v->validated ? v->validated(v->ctx) : S("unknown"));
		break;
	case 'v':
		buf_add(out, q->is_v6 ? S("ip6") : S("in-addr"));
		break;
	case 'h':
		buf_add(out, q->helo);
		break;
	case 'c':
		add_readable(q, out);
		break;
	case 'r':
		buf_add(out, q->receiver.n > 0 ? q->receiver : S("unknown"));
		break;
	default:
		buf_add_u64(out, (uint64_t)q->now_s);
		break; /* t */
	}
}

static bool is_delimiter(const struct piece *p, char c)
{
	return str_chr(p->delimiters.n > 0 ? p->delimiters : S("."), c) >= 0;
}

/* RFC 3986 2.3 */
static void add_escaped(struct str s, bool is_escaped, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_escaped || txt_is_alnum(s.p[i]) || str_chr(S("-._~"), s.p[i]) >= 0)
			buf_add_char(out, s.p[i]);
		else
			buf_printf(out, "%%%02X", (unsigned char)s.p[i]);
}

/* Split, reversed, the right-hand parts of it joined with dots. */
static bool add_parts(struct str value, const struct piece *p, struct buf *out)
{
	struct str parts[PARTS];
	size_t n = 0, begin = 0, first;

	for (size_t i = 0; i <= value.n; i++) {
		if (i < value.n && !is_delimiter(p, value.p[i]))
			continue;
		if (n == PARTS)
			return false;
		parts[n++] = str_of(value.p + begin, i - begin);
		begin = i + 1;
	}
	first = p->keep > 0 && p->keep < n ? n - p->keep : 0;
	for (size_t i = first; i < n; i++) {
		if (i > first)
			buf_add_char(out, '.');
		add_escaped(parts[p->is_reversed ? n - 1 - i : i], p->is_escaped, out);
	}
	return true;
}

static bool add_piece(const struct piece *p, const struct spf_values *v, struct buf *out)
{
	AUTO(buf_fini) struct buf value = BUF_INIT(VALUE_MAX);

	if (!p->letter) {
		buf_add(out, p->literal);
		return true;
	}
	add_value(v, p->letter, &value);
	return !buf_overflowed(&value) &&
	       add_parts(str_of(value.n > 0 ? value.p : "", value.n), p, out);
}

bool spf_expand(struct str s, const struct spf_values *v, bool is_text, struct buf *out)
{
	struct piece p;
	int r;

	while ((r = take_piece(&s, is_text, &p)) > 0)
		if (!add_piece(&p, v, out))
			return false;
	return r == 0 && !buf_overflowed(out);
}

bool spf_expand_name(struct str s, const struct spf_values *v, struct arena *a, struct str *ret)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(SPF_RECORD_MAX + VALUE_MAX);
	struct str name, label;

	if (!spf_expand(s, v, false, &out))
		return false;
	name = buf_str(&out);
	if (str_ends(name, S(".")))
		name.n--;
	while (name.n > SPF_NAME_MAX && str_split(&name, '.', &label))
		;
	*ret = arena_str(a, name);
	return ret->p && name.n > 0;
}
