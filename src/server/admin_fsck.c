/* SPDX-License-Identifier: MIT */
/* The verb that checks the data and repairs it; what is said comes back as lines of text, the first LINES_MAX of each kind. */
#include "server/admin.h"

#include "base/mem.h"
#include "base/str.h"
#include "queue/queue.h"

#define LINES_MAX 10000

struct lines {
	json_t *v;
	json_int_t n;
};

struct said {
	struct lines found, unreadable, repaired;
};

static void keep(struct lines *l, const char *text_z)
{
	if (l->n++ < LINES_MAX)
		json_array_append_new(l->v, admin_json_str(str_z(text_z)));
}

static void keep_found(void *ctx, const char *text_z)
{
	keep(&((struct said *)ctx)->found, text_z);
}

static void keep_unreadable(void *ctx, const char *text_z)
{
	keep(&((struct said *)ctx)->unreadable, text_z);
}

static void keep_repaired(void *ctx, const char *text_z)
{
	keep(&((struct said *)ctx)->repaired, text_z);
}

static json_t *result(const struct said *said, const struct store_fsck_counts *n)
{
	return json_pack("{s:O, s:O, s:O, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "fault",
			 said->found.v, "unreadable", said->unreadable.v, "repaired", said->repaired.v, "accounts",
			 (json_int_t)n->accounts, "mailboxes", (json_int_t)n->mailboxes, "messages",
			 (json_int_t)n->messages, "contents", (json_int_t)n->contents, "bytes", (json_int_t)n->bytes,
			 "packs", (json_int_t)n->packs.n, "pack_bytes", (json_int_t)n->packs.bytes, "dead_bytes",
			 (json_int_t)n->packs.dead_bytes, "packs_unnamed", (json_int_t)n->packs.unnamed, "repairs",
			 said->repaired.n, "unreadable_messages", said->unreadable.n, "faults", said->found.n, "clean",
			 said->found.n == 0);
}

int admin_fsck(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	bool repairs = json_is_true(json_object_get(args, "repair"));
	struct said said = { .found.v = json_array(), .unreadable.v = json_array(), .repaired.v = json_array() };
	const struct store_fsck_say say = {
		.found = keep_found,
		.unreadable = keep_unreadable,
		.repaired = repairs ? keep_repaired : NULL,
		.removes_unreadable = json_is_true(json_object_get(args, "remove_unreadable")),
		.ctx = &said,
	};
	struct store_fsck_counts n;
	int r = say.removes_unreadable && !repairs ?
			fault_set(fault, -E_USAGE, "--remove-unreadable is a part of --repair: give both") : 0;

	(void)a;
	if (r == 0) {
		r = queue_fsck(ad->queue, &say, &n);
		if (r == 0)
			*ret = result(&said, &n);
		else
			fault_set(fault, r, "the data cannot be %s to the end: %s", repairs ? "repaired" : "read",
				  r == -E_CLOSED ? "the server stops" : err_row(r)->text);
	}
	json_decref(said.found.v);
	json_decref(said.unreadable.v);
	json_decref(said.repaired.v);
	return r;
}
