/* SPDX-License-Identifier: MIT */
/* The states of 64 messages, in memory. */
#include "store/states_int.h"

#include <endian.h>
#include <string.h>

#include "store/view.h"

/* ---- asking ---- */

uint64_t store_states_all(const struct store_states *s)
{
	uint64_t uids = 0;

	for (unsigned i = 0; i < s->n; i++)
		uids |= s->v[i].uids;
	return uids;
}

uint64_t store_states_flagged(const struct store_states *s, uint64_t flags)
{
	uint64_t uids = 0;

	for (unsigned i = 0; i < s->n; i++)
		uids |= s->v[i].flags & flags ? s->v[i].uids : 0;
	return uids;
}

uint64_t store_states_since(const struct store_states *s, uint64_t modseq)
{
	uint64_t uids = 0;

	for (unsigned i = 0; i < s->n; i++)
		uids |= s->v[i].modseq > modseq ? s->v[i].uids : 0;
	return uids;
}

void store_states_spread(const struct store_states *s,
			 const struct store_state *ret[STORE_STATE_UIDS])
{
	memset(ret, 0, STORE_STATE_UIDS * sizeof(ret[0]));
	for (unsigned i = 0; i < s->n; i++)
		for (uint64_t rest = s->v[i].uids; rest; rest &= rest - 1)
			ret[__builtin_ctzll(rest)] = &s->v[i];
}

struct uid_range store_states_range(uint32_t first_uid, uint64_t uids)
{
	return (struct uid_range){
		first_uid + (uint32_t)__builtin_ctzll(uids),
		first_uid + STORE_STATE_UIDS - 1 - (uint32_t)__builtin_clzll(uids),
	};
}

/* ---- changing ---- */

/* States that come into a row: few, because all have one modseq. */
struct coming {
	struct store_state v[STORE_STATE_UIDS];
	unsigned n;
};

static void come(struct coming *c, uint64_t uids, uint64_t flags, uint64_t modseq)
{
	unsigned i = 0;

	while (i < c->n && c->v[i].flags != flags)
		i++;
	if (i == c->n)
		c->v[c->n++] = (struct store_state){ .flags = flags, .modseq = modseq };
	c->v[i].uids |= uids;
}

/* What has lost its UIDs goes, what comes stands at the end. */
static void settle(struct store_states *s, const struct coming *c)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->n; i++)
		if (s->v[i].uids)
			s->v[n++] = s->v[i];
	memcpy(&s->v[n], c->v, c->n * sizeof(c->v[0]));
	s->n = n + c->n;
}

static void count(struct store_state_change *c, int64_t n, uint64_t before, uint64_t after)
{
	c->n += n;
	c->unseen += n * ((int)!(after & STORE_SEEN) - (int)!(before & STORE_SEEN));
	c->deleted += n * ((int)!!(after & STORE_DELETED) - (int)!!(before & STORE_DELETED));
}

uint64_t store_states_changed(const struct store_state_change *c, uint64_t flags)
{
	const uint64_t set = UINT64_MAX << STORE_SET_BIT;
	uint64_t out = (flags & c->keep) | c->come;

	return c->sets ? (out & ~set) | (uint64_t)c->sets[flags >> STORE_SET_BIT] << STORE_SET_BIT : out;
}

void store_states_change(struct store_states *s, uint64_t uids, struct store_state_change *c)
{
	struct coming coming;

	coming.n = 0;
	for (unsigned i = 0; i < s->n; i++) {
		struct store_state *v = &s->v[i];
		uint64_t flags = store_states_changed(c, v->flags), hit = v->uids & uids;

		if (!hit || flags == v->flags || v->modseq > c->since)
			continue;
		count(c, __builtin_popcountll(hit), v->flags, flags);
		v->uids &= ~hit;
		come(&coming, hit, flags, c->modseq);
	}
	settle(s, &coming);
}

void store_states_touch(struct store_states *s, uint64_t uids, uint64_t modseq)
{
	uint64_t rest = uids & ~store_states_all(s);
	struct coming coming;

	coming.n = 0;
	if (rest)
		come(&coming, rest, 0, modseq);
	for (unsigned i = 0; i < s->n; i++) {
		struct store_state *v = &s->v[i];

		if (v->uids & uids)
			come(&coming, v->uids & uids, v->flags, modseq);
		v->uids &= ~uids;
	}
	settle(s, &coming);
}

void store_states_remove(struct store_states *s, uint64_t uids)
{
	const struct coming none = { .n = 0 };

	for (unsigned i = 0; i < s->n; i++)
		s->v[i].uids &= ~uids;
	settle(s, &none);
}

/* ---- bytes ---- */

struct str store_states_print(const struct store_state *v, unsigned n, char *to)
{
	for (unsigned i = 0; i < n; i++) {
		const uint64_t be[3] = { htobe64(v[i].uids), htobe64(v[i].flags),
					 htobe64(v[i].modseq) };

		memcpy(to + i * sizeof(be), be, sizeof(be));
	}
	return str_of(to, n * STORE_STATE_BYTES);
}

/* RFC 7162 3.1: 1 to 2^63 - 1; after the last none could come. */
static bool is_modseq(uint64_t modseq)
{
	return modseq > 0 && modseq < INT64_MAX;
}

/* A UID that two states have is of the first; a modseq that cannot be is the oldest. */
void store_states_parse(struct str bytes, struct store_states *ret)
{
	uint64_t seen = 0;

	ret->n = 0;
	ret->is_damaged = bytes.n == 0 || bytes.n % STORE_STATE_BYTES != 0;
	for (; bytes.n >= STORE_STATE_BYTES; bytes = str_skip(bytes, STORE_STATE_BYTES)) {
		uint64_t be[3], uids, modseq;

		memcpy(be, bytes.p, sizeof(be));
		uids = be64toh(be[0]) & ~seen;
		modseq = be64toh(be[2]);
		ret->is_damaged |= uids == 0 || uids != be64toh(be[0]) || !is_modseq(modseq);
		seen |= uids;
		if (uids != 0)
			ret->v[ret->n++] = (struct store_state){ uids, be64toh(be[1]),
								 is_modseq(modseq) ? modseq : 1 };
	}
}
