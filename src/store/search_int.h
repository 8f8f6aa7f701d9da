/* SPDX-License-Identifier: MIT */
/* Between search.c, which walks, and search_text.c, which looks into one message. */
#pragma once

#include "base/buf.h"
#include "mime/mime.h"
#include "store/message.h"
#include "store/search.h"

/* Of header fields that are looked at; the rest of a longer header is not searched. */
#define SEARCH_HEADER_MAX (4u << 20)

/* A message being looked into; buffers are kept from one to the next. */
struct search_msg {
	struct store *store;
	const struct store_content *content; /* NULL: only the view is there yet */
	struct buf header;        /* of the message, when has_header */
	bool has_header;
	struct buf plain, utf8, folded; /* scratch */
	bool is_given_up;         /* nobody waits for the answer any more (base/work.h) */
};

void search_msg_init(struct search_msg *m, struct store *s);
void search_msg_fini(struct search_msg *m);
/* Goes on to another message. */
void search_msg_begin(struct search_msg *m, const struct store_content *c);

/* Each answers one key for a message with its content. */
bool search_text_header(struct search_msg *m, const struct store_search *key);
bool search_text_body(struct search_msg *m, const struct store_search *key, bool with_headers);
/*
 * The day (midnight UTC in seconds) that the Date field names in its own zone. False: no
 * date.
 */
bool search_text_sent_day(struct search_msg *m, int64_t *ret_day_s);
