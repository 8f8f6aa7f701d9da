/* SPDX-License-Identifier: MIT */
/*
 * A program that is asked again and again (RFC 5267 4.3). All that it points to is copied, and
 * sequence numbers, which mean other messages later, become UIDs.
 */
#include "store/search.h"

#include "store/view.h"

struct keeping {
	struct arena *a;
	const struct store_view *view;
	bool is_volatile;
};

static int copy_set(struct arena *a, const struct uidset *set, struct uidset *ret)
{
	struct uidset out = { 0 };
	int r = 0;

	for (size_t i = 0; i < set->n && r == 0; i++)
		r = uidset_add(a, &out, set->r[i].lo, set->r[i].hi);
	*ret = out;
	return r;
}

/* One range of UIDs for each of sequence numbers: what is between was expunged, and no UID comes again. */
static int uids_of_seqs(struct keeping *k, const struct uidset *seqs, struct uidset *ret)
{
	struct uidset out = { 0 };
	int r = 0;

	for (size_t i = 0; i < seqs->n && r == 0; i++) {
		const struct store_msg *first = store_view_at(k->view, seqs->r[i].lo);
		const struct store_msg *last = store_view_at(k->view, seqs->r[i].hi);

		if (first != NULL && last != NULL)
			r = uidset_add(k->a, &out, first->uid, last->uid);
	}
	*ret = out;
	return r;
}

static int copy_fields(struct keeping *k, const struct store_search *from, struct store_search *to)
{
	int r = 0;

	*to = *from;
	to->child = to->next = NULL;
	to->hits = NULL;
	to->scores = NULL;
	to->name = from->name.n > 0 ? arena_str(k->a, from->name) : (struct str){ 0 };
	to->value = from->value.n > 0 ? arena_str(k->a, from->value) : (struct str){ 0 };
	if ((from->name.n > 0 && to->name.p == NULL) || (from->value.n > 0 && to->value.p == NULL))
		return -E_LIMIT;
	to->set = to->uids = (struct uidset){ 0 };
	if (from->op == STORE_S_SEQS) {
		to->op = STORE_S_UIDS;
		r = from->uids.n > 0 ? copy_set(k->a, &from->uids, &to->set)
				     : uids_of_seqs(k, &from->set, &to->set);
	}
	return r;
}

static int keep(struct keeping *k, const struct store_search *key, struct store_search **ret)
{
	struct store_search **at;
	int r;

	if (key->op == STORE_S_UIDS || key->op == STORE_S_UNTIL || key->op == STORE_S_FROM)
		return -E_CANNOT;
	if (key->op == STORE_S_FLAGS || key->op == STORE_S_KEYWORD || key->op == STORE_S_MODSEQ ||
	    key->op == STORE_S_ANNOTATION)
		k->is_volatile = true;
	*ret = store_search_new(k->a, key->op);
	r = *ret != NULL ? copy_fields(k, key, *ret) : -E_LIMIT;
	if (r < 0)
		return r;
	at = &(*ret)->child;
	for (const struct store_search *child = key->child; child != NULL && r == 0;
	     child = child->next) {
		struct store_search *copy;

		r = keep(k, child, &copy);
		if (r == 0)
			store_search_add(&at, copy);
	}
	return r;
}

int store_search_keep(struct arena *a, const struct store_view *v, const struct store_search *tree,
		      struct store_search **ret, bool *ret_is_volatile)
{
	struct keeping k = { .a = a, .view = v };
	int r = keep(&k, tree, ret);

	*ret_is_volatile = k.is_volatile;
	return r;
}
