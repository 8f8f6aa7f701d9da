/* SPDX-License-Identifier: MIT */
/* The verb that checks the data; what is wrong comes back as lines of text, the first FAULTS_MAX of them. */
#include "server/admin.h"

#include "base/mem.h"
#include "base/str.h"
#include "queue/queue.h"

#define FAULTS_MAX 1000

struct faults {
	json_t *lines;
	json_int_t n;
};

static void keep_fault(void *ctx, const char *text_z)
{
	struct faults *f = ctx;

	if (f->n++ < FAULTS_MAX)
		json_array_append_new(f->lines, admin_json_str(str_z(text_z)));
}

int admin_fsck(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	struct faults f = { .lines = json_array() };
	struct store_fsck_counts n;
	int r = queue_fsck(ad->queue, keep_fault, &f, &n);

	(void)a;
	(void)args;
	if (r < 0) {
		json_decref(f.lines);
		return fault_set(fault, r, "the data cannot be read to the end: %s", err_row(r)->text);
	}
	*ret = json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "fault", f.lines, "accounts",
			 (json_int_t)n.accounts, "mailboxes", (json_int_t)n.mailboxes, "messages",
			 (json_int_t)n.messages, "contents", (json_int_t)n.contents, "bytes",
			 (json_int_t)n.bytes, "faults", f.n, "clean", f.n == 0);
	return 0;
}
