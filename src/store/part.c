/* SPDX-License-Identifier: MIT */
/*
 * Reading a part piece by piece. A piece is what can be decoded without the bytes after it:
 * for base64 a multiple of four characters, for everything else whole lines. Without a line
 * end in sight it is cut anywhere but in the middle of a quoted-printable "=XX".
 */
#include "store/part.h"

void store_part_init(struct store_part *p, struct store *s, const struct store_content *content,
		     uint64_t off, uint64_t n, enum mime_cte cte, bool is_strict)
{
	uint64_t rest = off < content->size ? content->size - off : 0;

	*p = (struct store_part){
		.store = s, .content = content, .cte = cte, .is_strict = is_strict, .off = off
	};
	p->left = n < rest ? n : rest;
	buf_init(&p->raw, STORE_PART_PIECE);
	buf_init(&p->out, 4 * STORE_PART_PIECE);
}

void store_part_fini(struct store_part *p)
{
	buf_fini(&p->raw);
	buf_fini(&p->out);
}

static bool is_base64(char c)
{
	char l = str_lower_char(c);

	return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/' || c == '=';
}

/* The longest head whose base64 characters are a multiple of four. */
static size_t cut_base64(struct str raw)
{
	size_t n = 0, end = 0;

	for (size_t i = 0; i < raw.n; i++) {
		if (is_base64(raw.p[i]) && ++n % 4 == 0)
			end = i + 1;
	}
	return end;
}

static size_t cut_lines(struct str raw)
{
	ptrdiff_t at = str_rchr(raw, '\n');
	size_t end = raw.n;

	if (at >= 0)
		return (size_t)at + 1;
	for (size_t back = 1; back <= 2 && back < raw.n; back++) {
		if (raw.p[raw.n - back] == '=')
			end = raw.n - back;
	}
	return end;
}

static int fill(struct store_part *p)
{
	size_t n = STORE_PART_PIECE - p->raw.n;
	char *to;
	int r;

	if (n > p->left)
		n = (size_t)p->left;
	if (n == 0)
		return 0;
	to = buf_reserve(&p->raw, n);
	r = store_content_read(p->store, p->content, p->off, to, n);
	if (r < 0)
		return r;
	buf_commit(&p->raw, n);
	p->off += n;
	p->left -= n;
	return 0;
}

static int decode(struct store_part *p, struct str raw, struct str *ret)
{
	int r = 0;

	if (p->cte == MIME_CTE_7BIT || p->cte == MIME_CTE_8BIT || p->cte == MIME_CTE_BINARY) {
		*ret = raw;
		return 1;
	}
	buf_reset(&p->out);
	if (p->is_strict)
		r = mime_cte_decode_strict(p->cte, raw, &p->out);
	else
		mime_cte_decode(p->cte, raw, &p->out);
	if (r == 0 && buf_overflowed(&p->out))
		r = -E_LIMIT;
	if (r < 0)
		return r;
	*ret = buf_str(&p->out);
	return 1;
}

int store_part_next(struct store_part *p, struct str *ret_piece)
{
	size_t n;
	int r;

	buf_consume(&p->raw, p->taken);
	p->taken = 0;
	r = fill(p);
	if (r < 0)
		return r;
	n = p->raw.n;
	if (p->left > 0)
		n = p->cte == MIME_CTE_BASE64 ? cut_base64(buf_str(&p->raw))
					      : cut_lines(buf_str(&p->raw));
	/* A window without four base64 characters holds nothing that could be decoded. */
	if (n == 0)
		n = p->raw.n;
	if (n == 0)
		return 0;
	p->taken = n;
	return decode(p, str_head(buf_str(&p->raw), n), ret_piece);
}
