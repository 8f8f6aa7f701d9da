/* SPDX-License-Identifier: MIT */
/* Verbs of `martlet export`: mailboxes, their messages by UID, and the bytes of one, which follow the answer. */
#include "server/admin.h"

#include "base/limits.h"
#include "store/account.h"
#include "store/mailbox.h"
#include "store/view.h"

#define ROWS 500 /* of one answer */

int admin_export_mailboxes(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	struct store_account account = { 0 };
	struct store_mailbox *v = NULL;
	size_t n = 0;
	int r = admin_arg_account(ad, a, args, &account, fault);

	if (r == 0)
		r = store_mailbox_list(ad->store, a, account.id, &v, &n);
	if (r < 0)
		return r;
	*ret = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(*ret, json_pack("{s:I, s:o, s:I, s:I, s:I, s:b}",
			"mailbox", (json_int_t)v[i].id, "name", admin_json_str(v[i].name),
			"uidvalidity", (json_int_t)v[i].uidvalidity, "uidnext", (json_int_t)v[i].uidnext,
			"messages", (json_int_t)v[i].messages, "subscribed", v[i].is_subscribed));
	return 0;
}

static json_t *keywords_of(const struct store_view *v, const struct store_msg *m)
{
	uint16_t numbers[STORE_KEYWORDS_MAX];
	size_t n = store_keywords_of(v->keywords, m->flags, numbers);
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, admin_json_str(v->keywords->v[numbers[i]]));
	return list;
}

/* Messages with a UID from "from" on. */
int admin_export_list(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	json_int_t from = json_integer_value(json_object_get(args, "from"));
	struct store_mbox *mbox = NULL;
	struct store_view *view = NULL;
	int r = store_mbox_open(ad->store, json_integer_value(json_object_get(args, "mailbox")), &mbox);

	(void)a;
	(void)fault;
	if (r == 0)
		r = store_mbox_view(mbox, &view);
	if (r == 0 && view->is_gone)
		r = -E_NOT_FOUND;
	if (r == 0) {
		uint32_t seq = store_view_seq_from(view, from < 1 || from > UINT32_MAX ? 1 : (uint32_t)from);

		*ret = json_array();
		for (uint32_t i = 0; i < ROWS && seq + i <= view->n; i++) {
			const struct store_msg *m = store_view_at(view, seq + i);

			json_array_append_new(*ret, json_pack("{s:I, s:I, s:I, s:I, s:I, s:o}",
				"uid", (json_int_t)m->uid, "content", (json_int_t)m->content, "size", (json_int_t)m->size,
				"flags", (json_int_t)(m->flags & STORE_SYSTEM_FLAGS), "date", (json_int_t)m->internaldate_s,
				"keywords", keywords_of(view, m)));
		}
	}
	store_view_unref(view);
	store_mbox_close(&mbox);
	return r;
}

/* Its last byte is read beforehand: a body that cannot be read is mostly seen there. */
int admin_export_body(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	struct store_reader *reader = NULL;
	struct store_content c = { 0 };
	char last;
	int r = store_reader_open(ad->store, &reader);

	(void)fault;
	if (r == 0)
		r = store_content_get(reader, a, json_integer_value(json_object_get(args, "content")), 0, &c);
	store_reader_close(&reader);
	if (r == 0 && c.size)
		r = store_content_read(ad->store, &c, c.size - 1, &last, 1);
	if (r < 0)
		return r;
	ad->sends = c;
	*ret = json_pack("{s:I}", "bytes", (json_int_t)c.size);
	return 0;
}
