/* SPDX-License-Identifier: MIT */
/*
 * The stored map of part offsets. Format: one byte version (1), then the parts in pre-order, each
 *
 *   flags         1 byte: cte in bits 0-2, 0x08 multipart, 0x10 message, 0x20 text
 *   descendants   number: how many of the parts that follow are inside this one
 *   header_off header_n body_n   numbers; the body stands directly behind the header
 *
 * Numbers are little endian, 7 bits to a byte, the top bit says "more follows". A map comes from
 * disk: everything in it is checked, and a search only goes forward, so it ends.
 */
#include "mime/mime_int.h"

#define VERSION 1

enum {
	CTE_BITS = 0x07,
	FLAG_MULTIPART = 0x08,
	FLAG_MESSAGE = 0x10,
	FLAG_TEXT = 0x20,
	FLAGS = 0x3F,
};

static void put_number(struct buf *out, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		buf_add_char(out, (char)(v | 0x80));
	buf_add_char(out, (char)v);
}

static uint64_t count_parts(const struct mime_part *part)
{
	uint64_t n = 1;

	for (const struct mime_part *c = part->child; c != NULL; c = c->next)
		n += count_parts(c);
	return n;
}

/* The counting repeats per level: depth times parts at worst, and LIMIT_MIME_DEPTH caps it. */
static void put_part(struct buf *out, const struct mime_part *part)
{
	int flags = (int)part->cte;

	flags |= part->is_multipart ? FLAG_MULTIPART : 0;
	flags |= part->is_message ? FLAG_MESSAGE : 0;
	flags |= str_ieq(part->type, S("text")) ? FLAG_TEXT : 0;
	buf_add_char(out, (char)flags);
	put_number(out, count_parts(part) - 1);
	put_number(out, part->header_off);
	put_number(out, part->header_n);
	put_number(out, part->body_n);
	for (const struct mime_part *c = part->child; c != NULL; c = c->next)
		put_part(out, c);
}

void mime_map_write(struct buf *out, const struct mime_part *root)
{
	buf_add_char(out, VERSION);
	put_part(out, root);
}

/* 1 or -E_SYNTAX. Numbers stay below 2^62: two of them can be added. */
static int get_number(struct str map, size_t *pos, uint64_t *ret)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 63; shift += 7) {
		unsigned char c;

		if (*pos >= map.n)
			return -E_SYNTAX;
		c = (unsigned char)map.p[(*pos)++];
		v |= (uint64_t)(c & 0x7F) << shift;
		if (c < 0x80) {
			if (v >> 62 != 0)
				return -E_SYNTAX;
			*ret = v;
			return 1;
		}
	}
	return -E_SYNTAX;
}

/* One part at *pos; *ret_inside is its number of descendants. 1 or -E_SYNTAX. */
static int get_part(struct str map, size_t *pos, struct mime_map_part *ret, uint64_t *ret_inside)
{
	struct mime_map_part p = { 0 };
	unsigned flags;

	if (*pos >= map.n)
		return -E_SYNTAX;
	flags = (unsigned char)map.p[(*pos)++];
	if (flags > FLAGS || (flags & CTE_BITS) > MIME_CTE_UNKNOWN)
		return -E_SYNTAX;
	if (get_number(map, pos, ret_inside) < 0 || get_number(map, pos, &p.header_off) < 0 ||
	    get_number(map, pos, &p.header_n) < 0 || get_number(map, pos, &p.body_n) < 0)
		return -E_SYNTAX;
	p.body_off = p.header_off + p.header_n;
	if (p.body_off >> 62 != 0 || *ret_inside > map.n)
		return -E_SYNTAX;
	p.cte = (enum mime_cte)(flags & CTE_BITS);
	p.is_multipart = flags & FLAG_MULTIPART;
	p.is_message = flags & FLAG_MESSAGE;
	p.is_text = flags & FLAG_TEXT;
	if ((p.is_message || p.is_multipart) && *ret_inside == 0)
		return -E_SYNTAX;
	*ret = p;
	return 1;
}

/* Like get_part(), with message_header_n taken from the child that follows. */
static int get_whole_part(struct str map, size_t *pos, struct mime_map_part *ret,
			  uint64_t *ret_inside)
{
	struct mime_map_part child;
	uint64_t ignored;
	size_t peek;
	int err = get_part(map, pos, ret, ret_inside);

	if (err < 0 || !ret->is_message)
		return err;
	peek = *pos;
	err = get_part(map, &peek, &child, &ignored);
	if (err == 1)
		ret->message_header_n = child.header_n;
	return err;
}

static int check_version(struct str map)
{
	return map.n > 0 && map.p[0] == VERSION ? 0 : -E_SYNTAX;
}

/*
 * The child number k of the part that was just read at *pos with *inside descendants becomes the
 * part that was just read. 1 there, 0 no such child, -E_SYNTAX.
 */
static int descend(struct str map, size_t *pos, uint32_t k, struct mime_map_part *part,
		   uint64_t *inside)
{
	uint64_t left = *inside, child_inside = 0, skip = 0;
	uint32_t number = 0;

	for (; left > 0; left--) {
		if (get_whole_part(map, pos, part, &child_inside) < 0)
			return -E_SYNTAX;
		if (skip > 0) {
			skip--;
			continue;
		}
		if (child_inside >= left)
			return -E_SYNTAX;
		if (++number == k) {
			*inside = child_inside;
			return 1;
		}
		skip = child_inside;
	}
	return 0;
}

int mime_map_find(struct str map, const uint32_t *section, size_t n, struct mime_map_part *ret)
{
	struct mime_map_part part;
	uint64_t inside;
	size_t pos = 1;

	if (check_version(map) < 0 || get_whole_part(map, &pos, &part, &inside) < 0)
		return -E_SYNTAX;
	for (size_t i = 0; i < n; i++) {
		bool is_message = i == 0;
		int got = 1;

		/*
		 * RFC 9051 6.4.5.1: numbers below message/rfc822 count the parts of the message
		 * inside.
		 */
		if (i > 0 && part.is_message) {
			got = descend(map, &pos, 1, &part, &inside);
			is_message = true;
		}
		if (got == 1 && part.is_multipart)
			got = descend(map, &pos, section[i], &part, &inside);
		else if (!is_message || section[i] != 1)
			return 0;
		if (got != 1)
			return got;
	}
	*ret = part;
	return 1;
}

int mime_map_next(struct str map, size_t *pos, struct mime_map_part *ret)
{
	uint64_t inside;

	if (*pos == 0) {
		if (check_version(map) < 0)
			return -E_SYNTAX;
		*pos = 1;
	}
	if (*pos >= map.n)
		return *pos == 1 ? -E_SYNTAX : 0;
	return get_whole_part(map, pos, ret, &inside);
}
