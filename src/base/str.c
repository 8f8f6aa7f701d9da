/* SPDX-License-Identifier: MIT */
/* Slices: comparing, finding, cutting, checking. Pure; ASCII is the only alphabet with case here. */
#include "base/str.h"

#define ONES (UINT64_MAX / 0xff) /* in each of eight bytes */
#define TOPS (ONES << 7)

bool str_ieq(struct str a, struct str b)
{
	return a.n == b.n && str_icmp(a, b) == 0;
}

bool str_istarts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && str_icmp(str_head(s, prefix.n), prefix) == 0;
}

int str_icmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;

	for (size_t i = 0; i < n; i++) {
		unsigned char x = (unsigned char)str_lower_char(a.p[i]);
		unsigned char y = (unsigned char)str_lower_char(b.p[i]);

		if (x != y)
			return x < y ? -1 : 1;
	}
	return (a.n > b.n) - (a.n < b.n);
}

int str_cmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n > 0 ? memcmp(a.p, b.p, n) : 0;

	return c != 0 ? c : (a.n > b.n) - (a.n < b.n);
}

ptrdiff_t str_chr(struct str s, char c)
{
	const char *at = s.n > 0 ? memchr(s.p, c, s.n) : NULL;

	return at != NULL ? at - s.p : -1;
}

ptrdiff_t str_rchr(struct str s, char c)
{
	const char *at = s.n > 0 ? memrchr(s.p, c, s.n) : NULL;

	return at != NULL ? at - s.p : -1;
}

ptrdiff_t str_find(struct str s, struct str needle)
{
	const char *at;

	if (needle.n == 0)
		return 0;
	at = s.n > 0 ? memmem(s.p, s.n, needle.p, needle.n) : NULL;
	return at != NULL ? at - s.p : -1;
}

ptrdiff_t str_ifind(struct str s, struct str needle)
{
	char first = needle.n > 0 ? str_lower_char(needle.p[0]) : 0;

	for (size_t i = 0; i + needle.n <= s.n; i++) {
		if (needle.n > 0 && str_lower_char(s.p[i]) != first)
			continue;
		if (str_istarts(str_skip(s, i), needle))
			return (ptrdiff_t)i;
	}
	return -1;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str s)
{
	while (s.n > 0 && is_space(s.p[0]))
		s = str_skip(s, 1);
	while (s.n > 0 && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

bool str_split(struct str *s, char sep, struct str *ret_head)
{
	ptrdiff_t at;

	if (s->n == 0)
		return false;
	at = str_chr(*s, sep);
	*ret_head = at < 0 ? *s : str_head(*s, (size_t)at);
	*s = str_skip(*s, at < 0 ? s->n : (size_t)at + 1);
	return true;
}

bool str_to_u64(struct str s, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (s.n == 0 || s.n > 20)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned d = (unsigned char)s.p[i] - (unsigned)'0';

		if (d > 9 || v > (UINT64_MAX - d) / 10)
			return false;
		v = v * 10 + d;
	}
	if (v > max)
		return false;
	*ret = v;
	return true;
}

/*
 * RFC 3629 4: how many bytes the sequence at p (n of them left) takes, 0 when it is not one.
 * The second byte carries all the special ranges: overlongs, surrogates, beyond U+10FFFF.
 */
static size_t utf8_len(const unsigned char *p, size_t n)
{
	unsigned char c = p[0], lo = 0x80, hi = 0xBF;
	size_t len;

	if (c < 0x80)
		return 1;
	if (c < 0xC2 || c > 0xF4)
		return 0;
	len = c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
	if (c == 0xE0)
		lo = 0xA0;
	else if (c == 0xED)
		hi = 0x9F;
	else if (c == 0xF0)
		lo = 0x90;
	else if (c == 0xF4)
		hi = 0x8F;
	if (n < len || p[1] < lo || p[1] > hi)
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((p[i] & 0xC0) != 0x80)
			return 0;
	return len;
}

/* So many 32s of bytes without a top bit are at p: whole messages are gone through. */
static size_t ascii_run(const unsigned char *p, size_t n)
{
	uint64_t w[4];
	size_t i;

	for (i = 0; n - i >= sizeof(w); i += sizeof(w)) {
		memcpy(w, p + i, sizeof(w));
		if ((w[0] | w[1] | w[2] | w[3]) & TOPS)
			break;
	}
	return i;
}

bool str_is_utf8(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t i = 0;

	while (i < s.n) {
		uint64_t eight;
		size_t len;

		if (i + sizeof(eight) <= s.n) {
			memcpy(&eight, p + i, sizeof(eight));
			if ((eight & TOPS) == 0) {
				i += sizeof(eight);
				i += ascii_run(p + i, s.n - i);
				continue;
			}
		}
		len = utf8_len(p + i, s.n - i);
		if (len == 0)
			return false;
		i += len;
	}
	return true;
}

size_t str_code_point(struct str s, uint32_t *ret)
{
	unsigned char c = (unsigned char)s.p[0];
	size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

	*ret = n == 1 ? c : c & (0x7fu >> n);
	for (size_t i = 1; i < n; i++)
		*ret = *ret << 6 | ((unsigned char)s.p[i] & 0x3f);
	return n;
}

bool str_is_ascii(struct str s)
{
	size_t i = 0;
	uint64_t w[4];

	/* 32 at a time: without a top bit anywhere, taking 1 from each sets one where 0 was. */
	for (; s.n - i >= sizeof(w); i += sizeof(w)) {
		memcpy(w, s.p + i, sizeof(w));
		if ((w[0] | w[1] | w[2] | w[3] | (w[0] - ONES) | (w[1] - ONES) | (w[2] - ONES) | (w[3] - ONES)) & TOPS)
			return false;
	}
	for (; i < s.n; i++)
		if (s.p[i] == 0 || ((unsigned char)s.p[i] & 0x80) != 0)
			return false;
	return true;
}

bool str_eq_secret(struct str a, struct str b)
{
	volatile unsigned char diff = 0;

	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		diff = (unsigned char)(diff | (a.p[i] ^ b.p[i]));
	return diff == 0;
}
