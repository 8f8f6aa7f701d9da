/* SPDX-License-Identifier: MIT */
/*
 * LIST patterns (RFC 9051 6.3.9) as a set of positions: bit i is on when the first i
 * elements of the pattern match what was read of the name. Each character of the name
 * moves all positions at once, a word of 64 at a time, so there is no backtracking for a
 * pattern to blow up. Runs of wildcards are one wildcard, so that two never stand side by
 * side.
 */
#include "base/limits.h"
#include "imap/list.h"
#include "store/mailbox.h"

#define POSITIONS (LIMIT_MAILBOX_NAME * 2 + 3)
#define WORDS ((POSITIONS + 63) / 64)

struct imap_list_pattern {
	size_t words; /* that are in use */
	size_t n;     /* elements; 0 with is_hopeless */
	bool is_hopeless;
	uint64_t any[WORDS];      /* elements that are "*" */
	uint64_t level[WORDS];    /* "%" */
	unsigned char index[256]; /* of a character in same[]; 0: not in the pattern */
	uint64_t (*same)[WORDS];  /* elements that are this character */
};

static void set_bit(uint64_t *set, size_t i)
{
	set[i / 64] |= UINT64_C(1) << (i % 64);
}

static bool get_bit(const uint64_t *set, size_t i)
{
	return set[i / 64] >> (i % 64) & 1;
}

static void add_wildcard(struct imap_list_pattern *p, char c)
{
	bool is_after_any = p->n > 0 && get_bit(p->any, p->n - 1);
	bool is_after_level = p->n > 0 && get_bit(p->level, p->n - 1);

	if (is_after_any || (is_after_level && c == '%'))
		return;
	if (is_after_level) {
		p->n--;
		p->level[p->n / 64] &= ~(UINT64_C(1) << (p->n % 64));
	}
	set_bit(c == '*' ? p->any : p->level, p->n++);
}

struct imap_list_pattern *imap_list_pattern_new(struct arena *a, struct str pattern)
{
	struct imap_list_pattern *p = ARENA_NEW(a, struct imap_list_pattern);
	unsigned distinct = 0;
	size_t i;

	if (p == NULL)
		return NULL;
	for (i = 0; i < pattern.n; i++) {
		unsigned char c = (unsigned char)pattern.p[i];

		if (c != '*' && c != '%' && p->index[c] == 0 && distinct < 255)
			p->index[c] = (unsigned char)++distinct;
	}
	p->same = arena_alloc(a, distinct + 1, sizeof(*p->same));
	if (p->same == NULL)
		return NULL;
	for (i = 0; i < pattern.n; i++) {
		unsigned char c = (unsigned char)pattern.p[i];

		if (p->n + 2 > POSITIONS) {
			p->is_hopeless = true;
			return p;
		}
		if (c == '*' || c == '%')
			add_wildcard(p, (char)c);
		else
			set_bit(p->same[p->index[c]], p->n++);
	}
	p->words = p->n / 64 + 1;
	return p;
}

int imap_list_pattern_parse(struct arena *a, struct str text, struct imap_list_pattern **ret)
{
	int r = str_is_ascii(text) ? 0 : store_name_nfc(a, text, &text);

	if (r < 0)
		return r;
	*ret = imap_list_pattern_new(a, text);
	return *ret == NULL ? -E_LIMIT : 0;
}

/* A wildcard may also stand for nothing: its position goes on to the next. */
static void skip_wildcards(const struct imap_list_pattern *p, uint64_t *at)
{
	uint64_t carry = 0;
	size_t w;

	for (w = 0; w < p->words; w++) {
		uint64_t moved = at[w] & (p->any[w] | p->level[w]);

		at[w] |= moved << 1 | carry;
		carry = moved >> 63;
	}
}

/* other: the same letter in the other case where that counts (INBOX), else c again. */
static void read_char(const struct imap_list_pattern *p, uint64_t *at, unsigned char c,
		      unsigned char other)
{
	const uint64_t *same = p->same[p->index[c]], *same2 = p->same[p->index[other]];
	uint64_t carry = 0;
	size_t w;

	for (w = 0; w < p->words; w++) {
		uint64_t moved = at[w] & (same[w] | same2[w]);
		uint64_t stay = at[w] & (c == '/' ? p->any[w] : p->any[w] | p->level[w]);

		at[w] = moved << 1 | carry | stay;
		carry = moved >> 63;
	}
	skip_wildcards(p, at);
}

bool imap_list_pattern_match(const struct imap_list_pattern *p, struct str name)
{
	/* RFC 9051 5.1: INBOX in any case. */
	bool is_inbox = str_eq(name, S("INBOX")) || str_starts(name, S("INBOX/"));
	uint64_t at[WORDS] = { 1 };
	size_t i;

	if (p->is_hopeless)
		return false;
	skip_wildcards(p, at);
	for (i = 0; i < name.n; i++) {
		unsigned char c = (unsigned char)name.p[i];

		read_char(p, at, c, is_inbox && i < 5 ? (unsigned char)str_lower_char((char)c) : c);
	}
	return get_bit(at, p->n);
}
