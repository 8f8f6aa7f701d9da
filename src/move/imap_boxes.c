/* SPDX-License-Identifier: MIT */
/* The mailboxes of another IMAP server, and what we call them. */
#include "move/imap.h"

static int keep(struct move_imap_boxes *b, const struct imap_client_reply *r)
{
	struct str raw = arena_str(&b->arena, r->name);

	if (raw.p == NULL || arena_grow(&b->arena, &b->v, b->n, &b->cap, sizeof(*b->v)) < 0)
		return -E_LIMIT;
	b->v[b->n++] = (struct move_imap_box){ raw, r->delimiter, r->is_noselect };
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
