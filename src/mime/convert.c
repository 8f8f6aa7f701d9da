/* SPDX-License-Identifier: MIT */
/*
 * A message made 7-bit for a peer that takes nothing else (RFC 6152 3). Leaves are encoded; multiparts and message/rfc822 may not be
 * (RFC 2045 6.4), so what is in them is. Everything that needs no change is copied as it is, and one byte that could not be kept makes
 * the whole thing -E_CANNOT: better returned than broken.
 */
#include "mime/mime_int.h"



struct job {
	struct str message;
	struct buf *out;
};

static struct str slice(const struct job *j, uint64_t off, uint64_t n)
{
	return str_of(j->message.p + off, n);
}

/* RFC 2045 2.7 */
static bool is_7bit(struct str s)
{
	return s.n == 0 || (str_is_ascii(s) && mime_has_plain_lines(s));
}

/* ---- which parts may be changed, and how ---- */

/* Signatures in the header of the message cover its body (RFC 6376 5.3, RFC 8617 5). */
static bool is_signed(struct str header)
{
	static const struct str names[] = {
		STR_INIT("DKIM-Signature"), STR_INIT("DomainKey-Signature"), STR_INIT("ARC-Message-Signature"),
	};
	struct mime_field f;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (mime_field_find(header, names[i], &f))
			return true;
	return false;
}

/* RFC 1847 2.1, 2.2: the bytes inside are what was signed. */
static bool is_sealed(const struct mime_part *p)
{
	return str_ieq(p->type, S("multipart")) && (str_ieq(p->subtype, S("signed")) || str_ieq(p->subtype, S("encrypted")));
}

/* RFC 6532 3.7, RFC 6533 4.4: these may be encoded, other than message/rfc822. */
static bool is_global(const struct mime_part *p)
{
	return str_ieq(p->type, S("message")) && str_istarts(p->subtype, S("global"));
}

/* Children are converted, not the part itself. */
static bool is_composite(const struct mime_part *p)
{
	return p->child && !is_sealed(p) && !is_global(p);
}

/* A leaf that may have an encoding; multiparts that could not be opened may not, nor other types of message (RFC 2046 5.2). */
static bool may_encode(const struct mime_part *p)
{
	if (p->has_no_boundary || str_ieq(p->type, S("multipart")) || (str_ieq(p->type, S("message")) && !is_global(p)))
		return false;
	return p->cte != MIME_CTE_UNKNOWN;
}

/*
 * What may stay readable. Not message/global: whether its last line end is its own, or the boundary's, depends on its being read as a
 * message or as text; base64 has none.
 */
static bool is_text(const struct mime_part *p)
{
	return str_ieq(p->type, S("text")) || (is_global(p) && !p->child);
}

/* Text of which at most a third would be encoded stays readable. */
static enum mime_cte choose(const struct mime_part *p, struct str plain)
{
	size_t n = 0;

	for (size_t i = 0; i < plain.n; i++)
		n += (plain.p[i] & 0x80) != 0 || plain.p[i] == '=' || plain.p[i] == '\0';
	return is_text(p) && 3 * n <= plain.n ? MIME_CTE_QP : MIME_CTE_BASE64;
}

/* ---- writing ---- */

/*
 * What a part that was no MIME until now needs (RFC 2045 4, 5.2): the version in the header of a message, and the type of a text that
 * is not US-ASCII.
 */
static void write_missing(const struct mime_part *p, struct str header, struct str plain, struct buf *out)
{
	bool is_message = !p->parent || p->parent->is_message;
	struct mime_field f;

	if (is_message && !mime_field_find(header, S("MIME-Version"), &f))
		buf_add(out, S("MIME-Version: 1.0\r\n"));
	if (!mime_field_find(header, S("Content-Type"), &f) && is_text(p) && !is_global(p))
		buf_add(out, str_is_utf8(plain) ? S("Content-Type: text/plain; charset=utf-8\r\n")
						: S("Content-Type: text/plain; charset=unknown-8bit\r\n"));
}

/* The header with this encoding instead of its own; one that had none gets it at its end. */
static void write_header(const struct mime_part *p, struct str header, const char *cte_z, struct str plain, struct buf *out)
{
	struct str rest = header;
	struct mime_field f;

	while (mime_field_next(&rest, &f) == 1)
		if (!str_ieq(f.name, S("Content-Transfer-Encoding")))
			buf_add(out, f.raw);
	if (plain.p)
		write_missing(p, header, plain, out);
	buf_printf(out, "Content-Transfer-Encoding: %s\r\n\r\n", cte_z);
}

static int write_leaf(struct job *j, const struct mime_part *p, struct str header, struct str body)
{
	AUTO(buf_fini) struct buf plain = BUF_INIT(j->message.n + 1);
	enum mime_cte cte;

	if (!may_encode(p))
		return -E_CANNOT;
	mime_cte_decode(p->cte, body, &plain);
	if (buf_overflowed(&plain))
		return -E_LIMIT;
	cte = choose(p, mime_buf_text(&plain));
	write_header(p, header, cte == MIME_CTE_QP ? "quoted-printable" : "base64", mime_buf_text(&plain), j->out);
	if (cte == MIME_CTE_QP)
		mime_qp_encode(buf_str(&plain), j->out);
	else
		mime_b64_encode(buf_str(&plain), j->out);
	return 0;
}

static int write_part(struct job *j, const struct mime_part *p);

/* Before, between and behind the children: boundaries, and texts that nobody reads. */
static int write_between(struct job *j, uint64_t from, uint64_t to)
{
	struct str s = slice(j, from, to - from);

	if (!is_7bit(s))
		return -E_CANNOT;
	buf_add(j->out, s);
	return 0;
}

static int write_composite(struct job *j, const struct mime_part *p, struct str header)
{
	uint64_t at = p->body_off;
	int r = 0;

	/* RFC 2045 6.4: no other encoding is possible. */
	if (p->cte != MIME_CTE_7BIT && p->cte != MIME_CTE_8BIT && p->cte != MIME_CTE_BINARY)
		return -E_CANNOT;
	/* A header that a boundary ends has nothing behind it. */
	if (p->cte == MIME_CTE_7BIT || !(str_eq(header, S("\r\n")) || str_ends(header, S("\r\n\r\n"))))
		buf_add(j->out, header);
	else
		write_header(p, header, "7bit", (struct str){ 0 }, j->out);
	for (const struct mime_part *c = p->child; c && r == 0; c = c->next) {
		r = write_between(j, at, c->header_off);
		if (r == 0)
			r = write_part(j, c);
		at = c->body_off + c->body_n;
	}
	return r == 0 ? write_between(j, at, p->body_off + p->body_n) : r;
}

/* Recursion: LIMIT_MIME_DEPTH. Each byte is looked at once on its way down to a leaf, whatever the depth. */
static int write_part(struct job *j, const struct mime_part *p)
{
	struct str header = slice(j, p->header_off, p->header_n), body = slice(j, p->body_off, p->body_n);

	if (!is_7bit(header))
		return -E_CANNOT;
	if (is_composite(p))
		return write_composite(j, p, header);
	if (!is_7bit(body))
		return write_leaf(j, p, header, body);
	buf_add(j->out, header);
	buf_add(j->out, body);
	return 0;
}

static size_t count(const struct mime_part *p)
{
	size_t n = 1;

	for (const struct mime_part *c = p->child; c; c = c->next)
		n += count(c);
	return n;
}

int mime_convert_7bit(struct str message, struct buf *out)
{
	AUTO(arena_fini) struct arena a = { .cap = LIMIT_MIME_ARENA };
	struct job j = { .message = message, .out = out };
	struct mime_part *root;
	int r;

	if (is_7bit(message)) {
		buf_add(out, message);
		return buf_overflowed(out) ? -E_LIMIT : 0;
	}
	r = mime_parse(&a, message, &root);
	if (r < 0)
		return r;
	/* With that many parts the last one may hold others that were not looked for. */
	if (is_signed(slice(&j, root->header_off, root->header_n)) || count(root) >= LIMIT_MIME_PARTS)
		return -E_CANNOT;
	r = write_part(&j, root);
	return r == 0 && buf_overflowed(out) ? -E_LIMIT : r;
}
