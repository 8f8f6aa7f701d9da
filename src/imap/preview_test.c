/* SPDX-License-Identifier: MIT */
/*
 * PREVIEW of messages that were stored before there were any (RFC 8970 3.2, 4.1): NIL or made now,
 * and then kept.
 */
#include "imap/script_test.h"

#include "base/limits.h"
#include "store/mailbox.h"
#include "store/message.h"

static void append_old(struct imap_fixture *f, struct str bytes)
{
	AUTO(arena_fini) struct arena a = { .cap = LIMIT_MIME_ARENA };
	struct store_content_new content;
	struct store_append row = { .content = &content };
	struct store_appended at;
	struct store_mailbox box;

	must(store_mailbox_find(f->store, &a, f->alice, S("INBOX"), &box) == 0);
	must(store_content_prepare(&a, bytes, &content) == 0);
	content.preview = (struct str){ 0 };
	row.mailbox = box.id;
	must(store_append(f->store, &row, 1, &at) == 0);
}

TEST(preview_of_old_messages)
{
	static const struct imap_script script = {
		"old",
		STR_INIT("a SELECT INBOX\r\nb FETCH 1:2 PREVIEW (LAZY)\r\nc FETCH 1:2 (PREVIEW UID)\r\n"
			 "d FETCH 1:2 PREVIEW (LAZY)\r\n"),
		{ "a OK", "* 1 FETCH (PREVIEW NIL)\r\n* 2 FETCH (PREVIEW NIL)\r\nb OK",
		  "* 1 FETCH (UID 1 PREVIEW \"Hello\")\r\n* 2 FETCH (UID 2 PREVIEW \"\")\r\nc OK",
		  "* 1 FETCH (PREVIEW \"Hello\")\r\n* 2 FETCH (PREVIEW \"\")\r\nd OK" },
	};
	struct imap_fixture f;

	imap_fixture_open(&f, test_dir(), "");
	append_old(&f, S("Subject: x\r\nContent-Type: text/html\r\n\r\n<p>Hello</p>\r\n"));
	append_old(&f, S("Subject: nothing\r\n\r\n"));
	imap_script_run(&f, &script, 0);
	imap_fixture_close(&f);
}
