/* SPDX-License-Identifier: MIT */
/* What a URL names in a mailbox, for CATENATE and URLFETCH. */
#include "imap/fetch.h"
#include "imap/imap_int.h"
#include "imap/url.h"
#include "store/message.h"

int imap_url_content(struct imap_session *s, int64_t mailbox, uint32_t uid, unsigned fields,
		     struct store_content *ret)
{
	AUTO(store_reader_close) struct store_reader *reader = NULL;
	int64_t id = 0;
	int r = store_reader_open(imap_store(s), &reader);

	if (r == 0)
		r = store_content_find(reader, mailbox, uid, &id);
	return r < 0 ? r : store_content_get(reader, &s->arena, id, fields, ret);
}

int imap_url_item(struct arena *a, const struct imap_url *url, struct imap_fetch_item *ret)
{
	struct str text = arena_printf(a, "[%" STR_FMT "]", STR_ARG(url->section));
	struct imap_parse p;
	int r;

	if (text.p == NULL)
		return -E_LIMIT;
	imap_parse_init(&p, a, text, false);
	r = imap_fetch_section_parse(&p, ret);
	if (r <= 0 || !imap_parse_end(&p))
		return r < 0 ? r : 0;
	ret->has_partial = url->has_partial;
	ret->start = url->start;
	ret->count = url->count > 0 ? url->count : UINT64_MAX;
	return 1;
}
