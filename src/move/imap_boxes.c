/* SPDX-License-Identifier: MIT */
/* The mailboxes of another IMAP server, and what we call them. */
#include "move/imap.h"

#include <stdlib.h>

static int keep(struct move_imap_boxes *b, const struct imap_client_reply *r)
{
	struct str raw = arena_str(&b->arena, r->name);

	if (raw.p == NULL || arena_grow(&b->arena, &b->v, b->n, &b->cap, sizeof(*b->v)) < 0)
		return -E_LIMIT;
	b->v[b->n++] = (struct move_imap_box){ .raw = raw, .delimiter = r->delimiter, .is_noselect = r->is_noselect };
	return 0;
}

static int see(void *ctx, const struct imap_client_reply *r, struct fault *fault)
{
	if (r->kind == IMAP_CLIENT_LIST && keep(ctx, r) < 0)
		return fault_set(fault, -E_LIMIT, "the server has too many mailboxes");
	return 0;
}

int move_imap_boxes_take(struct move_imap_boxes *b, struct imap_client *c, struct str command, struct fault *fault)
{
	return imap_client_ask(c, command, see, b, fault);
}

bool move_imap_boxes_find_prefix(struct move_imap_boxes *b)
{
	size_t n_others = 0;

	for (size_t i = 0; i < b->n; i++) {
		struct str raw = b->v[i].raw;

		if (str_ieq(raw, S("INBOX")))
			continue;
		if (!str_istarts(raw, S("INBOX")) || raw.n < 7 || raw.p[5] != b->v[i].delimiter)
			return false;
		n_others++;
	}
	if (n_others > 0)
		b->prefix_n = 6;
	return n_others > 0;
}

bool move_imap_boxes_name(const struct move_imap_boxes *b, struct str raw, char delimiter, struct buf *out)
{
	if (raw.n > b->prefix_n && str_istarts(raw, S("INBOX")))
		raw = str_skip(raw, b->prefix_n);
	return move_name_read(out, raw, delimiter ? delimiter : '/');
}

struct named {
	struct str name;
	struct move_imap_box *box;
};

static int by_name(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int c = str_cmp(x->name, y->name);

	return c != 0 ? c : x->box < y->box ? -1 : x->box > y->box;
}

int move_imap_boxes_find_twins(struct move_imap_boxes *b)
{
	struct named *v = ARENA_ARRAY(&b->arena, struct named, b->n + 1);
	size_t n = 0;

	for (size_t i = 0; v != NULL && i < b->n; i++) {
		AUTO(buf_fini) struct buf name = BUF_INIT(65536);

		if (b->v[i].is_noselect)
			continue;
		(void)move_imap_boxes_name(b, b->v[i].raw, b->v[i].delimiter, &name);
		v[n++] = (struct named){ arena_str(&b->arena, str_ieq(buf_str(&name), S("INBOX")) ? S("INBOX") : buf_str(&name)), &b->v[i] };
		if (v[n - 1].name.p == NULL)
			return -E_LIMIT;
	}
	if (v != NULL && n > 0)
		qsort(v, n, sizeof(*v), by_name);
	for (size_t i = 1; i < n; i++) {
		bool is_told_twice = str_eq(v[i].box->raw, v[i - 1].box->raw);

		v[i].box->is_twin = str_eq(v[i].name, v[i - 1].name) && !is_told_twice;
		v[i].box->is_noselect = is_told_twice;
	}
	return v != NULL ? 0 : -E_LIMIT;
}
