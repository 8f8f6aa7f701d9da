/* SPDX-License-Identifier: MIT */
/*
 * UIDBATCHES (draft-ietf-mailmaint-imap-uidbatches): ranges of UIDs that part the mailbox, newest first, into
 * batches of as many messages, so that a client without message numbers may do its work in pieces. The
 * ranges leave no UID between them out, and the last one ends at 1.
 */
#include "imap/imap_int.h"
#include "imap/resp.h"
#include "store/view.h"

#define LEAST 500 /* smaller ones would be message numbers by another name (section 3.1.3.2) */

struct batches {
	uint32_t size;
	uint32_t first, last; /* which of them are wanted, from 1 */
};

/* message-batches = "UIDBATCHES" SP nz-number [SP nz-number ":" nz-number] */
static int parse(struct imap_session *s, struct batches *ret)
{
	struct imap_parse *p = &s->p;

	*ret = (struct batches){ .first = 1, .last = UINT32_MAX };
	if (imap_parse_sp(p) <= 0 || imap_parse_nz_number(p, &ret->size) <= 0)
		return -E_SYNTAX;
	if (imap_parse_sp(p) > 0 &&
	    (imap_parse_nz_number(p, &ret->first) <= 0 || imap_parse_char(p, ':') <= 0 ||
	     imap_parse_nz_number(p, &ret->last) <= 0))
		return -E_SYNTAX;
	if (!imap_parse_end(p))
		return -E_SYNTAX;
	if (ret->first > ret->last) {
		imap_code(s, "CLIENTBUG");
		return -E_USAGE;
	}
	if (ret->size < LEAST) {
		imap_code(s, "TOOFEW");
		imap_say(s, "a batch is of 500 messages or more");
		return -E_CANNOT;
	}
	return 0;
}

static uint32_t uid_at(const struct store_view *v, uint64_t seq)
{
	return store_view_at(v, (uint32_t)seq)->uid;
}

/* The batch of the messages up to top: "high:low". Returns how many are left below it. */
static uint64_t print_batch(struct imap_session *s, uint64_t top, uint32_t size)
{
	const struct store_view *v = s->sel->view;
	uint64_t rest = top > size ? top - size : 0;
	uint32_t high = top == v->n ? uid_at(v, top) : uid_at(v, top + 1) - 1;

	imap_respf(s, "%u:%u", high, rest > 0 ? uid_at(v, rest + 1) : 1);
	return rest;
}

int imap_cmd_uidbatches(struct imap_session *s)
{
	const char *sep = " ";
	uint64_t n = s->sel->view->n, skip;
	struct batches q;
	int r = parse(s, &q);

	if (r < 0)
		return r;
	imap_resp(s, S("* UIDBATCHES (TAG \""));
	imap_resp(s, s->cmd.tag);
	imap_resp(s, S("\")"));
	skip = (uint64_t)(q.first - 1) * q.size;
	n = skip < n ? n - skip : 0;
	for (uint32_t i = q.first; n > 0 && i <= q.last; i++) {
		imap_resp(s, str_z(sep));
		n = print_batch(s, n, q.size);
		sep = ",";
	}
	imap_resp_end(s);
	return 0;
}
