/* SPDX-License-Identifier: MIT */
/*
 * Messages that came one after the other stand one after the other in a pack. FETCH of many whole
 * ones reads some at once, instead of each with a call of its own. The bytes at a place of a pack
 * never change, so what was read is found again by its place; what is not here is read as ever,
 * and so is all after a failure, which then is of one message.
 */
#include "imap/fetch.h"

#include "base/mem.h"
#include "imap/imap_int.h"

#define AHEAD (128 << 10) /* read at once */
#define GAP (4 << 10)     /* passed over rather than read apart: heads of records, bodies of others */

void imap_fetch_ahead_fini(struct imap_fetch_ahead *a)
{
	mem_free(a->bytes);
	*a = (struct imap_fetch_ahead){ 0 };
}

bool imap_fetch_is_whole(const struct imap_fetch *f)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct imap_fetch_item *item = &f->items[i];

		if (item->kind == IMAP_FETCH_SECTION && item->n_part == 0 && !item->has_partial &&
		    (item->text == IMAP_TEXT_ALL || item->text == IMAP_TEXT_TEXT))
			return true;
	}
	return false;
}

static int64_t end_of(const struct blob_ref *ref)
{
	return ref->offset + ref->length;
}

const char *imap_fetch_ahead_find(const struct imap_fetch_ahead *a, const struct store_content *c,
				  uint64_t off, size_t n)
{
	const struct blob_ref *ref = &c->ref;

	if (a == NULL || ref->pack != a->at.pack || ref->offset < a->at.offset || ref->length < 0 ||
	    ref->offset - a->at.offset > a->at.length - ref->length || off > c->size ||
	    n > c->size - off)
		return NULL;
	return a->bytes + (ref->offset - a->at.offset) + off;
}

/* A row may be damaged: what it says must not run over. */
static bool is_small(const struct blob_ref *ref)
{
	return ref->offset >= 0 && ref->offset <= INT64_MAX - AHEAD && ref->length >= 0 &&
	       ref->length <= AHEAD;
}

bool imap_fetch_ahead_fits(const struct store_content *first, const struct store_content *last,
			   const struct store_content *next)
{
	return is_small(&first->ref) && is_small(&next->ref) && next->ref.pack == first->ref.pack &&
	       next->ref.offset >= end_of(&last->ref) &&
	       next->ref.offset - end_of(&last->ref) <= GAP &&
	       end_of(&next->ref) - first->ref.offset <= AHEAD;
}

void imap_fetch_ahead_read(struct imap_fetch_ahead *a, struct imap_session *s,
			   const struct store_content *first, const struct store_content *last)
{
	size_t n = (size_t)(end_of(&last->ref) - first->ref.offset);

	a->at = (struct blob_ref){ 0 };
	if (n > a->cap) {
		mem_free(a->bytes);
		a->bytes = mem_resize(NULL, n, 1); /* not cleared: all of it is read */
		a->cap = n;
	}
	if (store_content_read_through(imap_store(s), first, last, a->bytes) == 0)
		a->at = (struct blob_ref){ first->ref.pack, first->ref.offset, (int64_t)n };
}
