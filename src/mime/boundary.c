/* SPDX-License-Identifier: MIT */
/*
 * The stack of boundaries of open multiparts (RFC 2046 5.1.1), made so that a line that starts
 * with "--" costs one hash of the line and not a comparison with each of up to LIMIT_MIME_DEPTH
 * boundaries. Slots are chains through the stack, newest first: a push links in front, a pop
 * unlinks the front.
 */
#include "mime/mime_int.h"

#include "base/must.h"

_Static_assert(LIMIT_MIME_DEPTH < 255, "indexes are bytes");

static uint32_t hash_of(struct str s)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 16777619u;
	return h ^ h >> 16;
}

void mime_boundaries_push(struct mime_boundaries *b, struct mime_part *part, struct str text)
{
	uint32_t hash = hash_of(text);
	uint8_t *slot = &b->slots[hash & 0xFF];

	must(b->n < ARRAY_LEN(b->v));
	b->v[b->n] = (struct mime_boundary){
		.part = part, .text = text, .hash = hash, .next = *slot
	};
	*slot = (uint8_t)++b->n;
}

void mime_boundaries_pop(struct mime_boundaries *b)
{
	must(b->n > 0);
	b->n--;
	b->slots[b->v[b->n].hash & 0xFF] = b->v[b->n].next;
}

static int find(const struct mime_boundaries *b, struct str text)
{
	uint32_t hash;

	if (text.n == 0 || text.n > LIMIT_MIME_BOUNDARY)
		return -1;
	hash = hash_of(text);
	for (size_t i = b->slots[hash & 0xFF]; i > 0; i = b->v[i - 1].next) {
		if (b->v[i - 1].hash == hash && str_eq(b->v[i - 1].text, text))
			return (int)i - 1;
	}
	return -1;
}

/* RFC 2046 5.1.1: transport-padding; and the CR of the line end. */
static bool is_padding(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

int mime_boundaries_match(const struct mime_boundaries *b, struct str line, bool *ret_is_close)
{
	struct str text = str_skip(line, 2);
	int open, closed = -1;

	if (b->n == 0 || !str_starts(line, S("--")))
		return -1;
	while (text.n > 0 && is_padding(text.p[text.n - 1]))
		text.n--;
	open = find(b, text);
	if (str_ends(text, S("--")))
		closed = find(b, str_head(text, text.n - 2));
	*ret_is_close = closed > open;
	return closed > open ? closed : open;
}
