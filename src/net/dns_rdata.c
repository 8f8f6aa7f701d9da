/* SPDX-License-Identifier: MIT */
/* Names as text, and the data of records: cursors over bytes that strangers wrote. */
#include "net/dns.h"

#define NAME_MAX_BYTES 255  /* RFC 1035 2.3.4, on the wire */
#define NAME_MAX_TEXT 253   /* the same as text without the last dot */
#define LABEL_MAX 63

static bool is_label(struct str label)
{
	for (size_t i = 0; i < label.n; i++) {
		char c = str_lower_char(label.p[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_')
			return false;
	}
	return label.n >= 1 && label.n <= LABEL_MAX;
}

bool net_dns_is_name(struct str name)
{
	struct str label;

	if (str_ends(name, S(".")))
		name.n--;
	if (name.n == 0 || name.n > NAME_MAX_TEXT)
		return false;
	if (name.p[name.n - 1] == '.')
		return false;
	while (str_split(&name, '.', &label))
		if (!is_label(label))
			return false;
	return true;
}

/* ---- the wire ---- */

/* A byte that would read as something else in a name as text is written as RFC 1035 5.1 has it: \DDD. */
static size_t put_byte(char *to, unsigned char c)
{
	bool is_plain = c > ' ' && c < 127 && c != '.' && c != '\\';

	if (is_plain) {
		to[0] = (char)c;
		return 1;
	}
	to[0] = '\\';
	to[1] = (char)('0' + c / 100);
	to[2] = (char)('0' + c / 10 % 10);
	to[3] = (char)('0' + c % 10);
	return 4;
}

/* RFC 1035 3.1: labels and a zero byte, no pointers. Moves *s behind it; text without the last dot. */
static bool take_name(struct arena *a, struct str *s, struct str *ret)
{
	char text[4 * NAME_MAX_BYTES];
	size_t n = 0, i = 0;

	for (;;) {
		size_t label;

		if (i >= s->n || i >= NAME_MAX_BYTES)
			return false;
		label = (unsigned char)s->p[i++];
		if (label == 0)
			break;
		if (label > LABEL_MAX || label > s->n - i || i + label >= NAME_MAX_BYTES)
			return false;
		if (n > 0)
			text[n++] = '.';
		for (size_t end = i + label; i < end; i++)
			n += put_byte(text + n, (unsigned char)s->p[i]);
	}
	*s = str_skip(*s, i);
	*ret = arena_str(a, str_of(text, n));
	return ret->p != NULL;
}

static uint16_t u16_at(struct str s, size_t i)
{
	return (uint16_t)((unsigned char)s.p[i] << 8 | (unsigned char)s.p[i + 1]);
}

bool net_dns_mx(struct arena *a, struct str rdata, uint16_t *ret_preference, struct str *ret_exchange)
{
	if (rdata.n < 2)
		return false;
	*ret_preference = u16_at(rdata, 0);
	rdata = str_skip(rdata, 2);
	return take_name(a, &rdata, ret_exchange) && rdata.n == 0;
}

bool net_dns_srv(struct arena *a, struct str rdata, struct net_dns_srv *ret)
{
	struct str target = str_skip(rdata, 6);

	if (rdata.n < 6)
		return false;
	*ret = (struct net_dns_srv){ .priority = u16_at(rdata, 0), .weight = u16_at(rdata, 2), .port = u16_at(rdata, 4) };
	return take_name(a, &target, &ret->target) && target.n == 0;
}

bool net_dns_target(struct arena *a, struct str rdata, struct str *ret)
{
	return take_name(a, &rdata, ret) && rdata.n == 0;
}

bool net_dns_txt(struct arena *a, struct str rdata, struct str *ret)
{
	char *text = arena_alloc(a, rdata.n + 1, 1);
	size_t n = 0;

	if (!text || rdata.n == 0)
		return false;
	while (rdata.n > 0) {
		size_t part = (unsigned char)rdata.p[0];

		rdata = str_skip(rdata, 1);
		if (part > rdata.n)
			return false;
		memcpy(text + n, rdata.p, part);
		n += part;
		rdata = str_skip(rdata, part);
	}
	*ret = str_of(text, n);
	return true;
}

bool net_dns_tlsa(struct str rdata, struct net_dns_tlsa *ret)
{
	if (rdata.n < 4) /* at least a byte of data */
		return false;
	*ret = (struct net_dns_tlsa){ .usage = (uint8_t)rdata.p[0], .selector = (uint8_t)rdata.p[1], .matching = (uint8_t)rdata.p[2],
				      .data = str_skip(rdata, 3) };
	return true;
}

/* A tag is of ASCII letters and digits, 1 to 255 of them. */
bool net_dns_caa(struct str rdata, struct net_dns_caa *ret)
{
	size_t n = rdata.n >= 2 ? (unsigned char)rdata.p[1] : 0;

	if (n == 0 || n > rdata.n - 2)
		return false;
	for (size_t i = 2; i < 2 + n; i++) {
		char c = str_lower_char(rdata.p[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9'))
			return false;
	}
	*ret = (struct net_dns_caa){ .is_critical = (rdata.p[0] & 0x80) != 0, .tag = str_of(rdata.p + 2, n), .value = str_skip(rdata, 2 + n) };
	return true;
}
