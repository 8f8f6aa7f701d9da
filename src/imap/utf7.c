/* SPDX-License-Identifier: MIT */
/*
 * Modified UTF-7: printable US-ASCII stands for itself, "&" is "&-", everything else is
 * UTF-16 in base64 (with "," for "/" and no padding) between "&" and "-". Each name has
 * exactly one spelling, and only that one is taken: two spellings of one mailbox would be
 * two mailboxes to a client.
 *
 * RFC 9051 appendix A.1, RFC 3501 5.1.3
 */
#include "imap/utf7.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

static bool is_direct(uint32_t c)
{
	return c >= 0x20 && c <= 0x7e;
}

/* The next character of valid UTF-8. */
static uint32_t utf8_take(struct str *s)
{
	const unsigned char *u = (const unsigned char *)s->p;
	size_t n = u[0] < 0x80 ? 1 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
	uint32_t c = n == 1 ? u[0] : u[0] & (0x7fu >> n);
	size_t i;

	for (i = 1; i < n && i < s->n; i++)
		c = c << 6 | (u[i] & 0x3f);
	*s = str_skip(*s, n);
	return c;
}

static void utf8_add(struct buf *out, uint32_t c)
{
	if (c < 0x80) {
		buf_add_char(out, (char)c);
		return;
	}
	if (c < 0x800) {
		buf_add_char(out, (char)(0xc0 | c >> 6));
	} else if (c < 0x10000) {
		buf_add_char(out, (char)(0xe0 | c >> 12));
		buf_add_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
	} else {
		buf_add_char(out, (char)(0xf0 | c >> 18));
		buf_add_char(out, (char)(0x80 | (c >> 12 & 0x3f)));
		buf_add_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
	}
	buf_add_char(out, (char)(0x80 | (c & 0x3f)));
}

struct bits {
	uint32_t v;
	unsigned n; /* how many low bits of v count; < 6 between units */
};

static void unit_add(struct buf *out, struct bits *b, uint32_t unit)
{
	b->v = b->v << 16 | unit;
	b->n += 16;
	while (b->n >= 6) {
		b->n -= 6;
		buf_add_char(out, digits[b->v >> b->n & 0x3f]);
	}
	b->v &= (1u << b->n) - 1;
}

/* The run of characters that need it, between "&" and "-". */
static void shift_encode(struct buf *out, struct str *s)
{
	struct bits b = { 0 };

	buf_add_char(out, '&');
	while (s->n > 0 && !is_direct((unsigned char)s->p[0])) {
		uint32_t c = utf8_take(s);

		if (c >= 0x10000) {
			unit_add(out, &b, 0xd800 + ((c - 0x10000) >> 10));
			c = 0xdc00 + ((c - 0x10000) & 0x3ff);
		}
		unit_add(out, &b, c);
	}
	if (b.n > 0)
		buf_add_char(out, digits[b.v << (6 - b.n) & 0x3f]);
	buf_add_char(out, '-');
}

void imap_utf7_encode(struct buf *out, struct str utf8)
{
	while (utf8.n > 0) {
		if (!is_direct((unsigned char)utf8.p[0])) {
			shift_encode(out, &utf8);
			continue;
		}
		buf_add_char(out, utf8.p[0]);
		if (utf8.p[0] == '&')
			buf_add_char(out, '-');
		utf8 = str_skip(utf8, 1);
	}
}

/*
 * One UTF-16 unit after those before it; *high is a high surrogate that waits for its
 * pair, or 0.
 */
static bool unit_decode(struct buf *out, uint32_t unit, uint32_t *high)
{
	bool is_low = unit >= 0xdc00 && unit <= 0xdfff;

	if (is_low != (*high != 0))
		return false;
	if (is_low) {
		utf8_add(out, 0x10000 + ((*high - 0xd800) << 10) + (unit - 0xdc00));
		*high = 0;
		return true;
	}
	if (unit >= 0xd800 && unit <= 0xdbff) {
		*high = unit;
		return true;
	}
	if (is_direct(unit))
		return false;
	utf8_add(out, unit);
	return true;
}

/* What stands between "&" and "-" (not empty). */
static bool shift_decode(struct buf *out, struct str run)
{
	struct bits b = { 0 };
	uint32_t high = 0;
	size_t i;

	for (i = 0; i < run.n; i++) {
		const char *d = run.p[i] == '\0' ? NULL : strchr(digits, run.p[i]);

		if (d == NULL)
			return false;
		b.v = b.v << 6 | (uint32_t)(d - digits);
		b.n += 6;
		if (b.n < 16)
			continue;
		b.n -= 16;
		if (!unit_decode(out, b.v >> b.n & 0xffff, &high))
			return false;
		b.v &= (1u << b.n) - 1;
	}
	/* Left over is padding only: less than one digit, and zero. */
	return high == 0 && b.n < 6 && b.v == 0;
}

bool imap_utf7_decode(struct buf *out, struct str utf7)
{
	while (utf7.n > 0) {
		struct str rest = str_skip(utf7, 1);
		ptrdiff_t end;

		if (!is_direct((unsigned char)utf7.p[0]))
			return false;
		if (utf7.p[0] != '&') {
			buf_add_char(out, utf7.p[0]);
			utf7 = rest;
			continue;
		}
		end = str_chr(rest, '-');
		if (end < 0)
			return false;
		utf7 = str_skip(rest, (size_t)end + 1);
		if (end == 0) {
			buf_add_char(out, '&');
			continue;
		}
		if (!shift_decode(out, str_head(rest, (size_t)end)))
			return false;
		/* Two runs side by side should have been one. */
		if (utf7.n >= 2 && utf7.p[0] == '&' && utf7.p[1] != '-')
			return false;
	}
	return true;
}
