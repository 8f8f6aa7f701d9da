/* SPDX-License-Identifier: MIT */
/* The verbs about the files of bodies: give space back now, leave them all in place for a while. */
#include "server/admin.h"

#include "base/mem.h"
#include "base/str.h"
#include "db/db.h"
#include "store/housekeep.h"

#define DAMAGE_MAX 1000
#define HOLD_MS 600000 /* a backup that is not heard of for so long has to begin anew; a slow disk syncs for minutes */

static void keep_line(void *ctx, const char *text_z)
{
	json_t *lines = ctx;

	if (json_array_size(lines) < DAMAGE_MAX)
		json_array_append_new(lines, admin_json_str(str_z(text_z)));
}

int admin_add_space(struct store *store, json_t *to)
{
	struct store_space space;
	int64_t free_bytes = 0;
	int r = store_space(store, &space);

	if (r == 0)
		r = db_free_bytes(store_db(store), &free_bytes);
	if (r < 0)
		return r;
	json_object_set_new(to, "packs", json_integer(space.packs));
	json_object_set_new(to, "pack_bytes", json_integer(space.bytes));
	json_object_set_new(to, "live_bytes", json_integer(space.bytes - space.dead_bytes));
	json_object_set_new(to, "dead_bytes", json_integer(space.dead_bytes));
	json_object_set_new(to, "waiting", json_integer(space.waiting));
	json_object_set_new(to, "free_bytes", json_integer(free_bytes));
	return 0;
}

int admin_compact(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	json_t *damage = json_array();
	const struct store_keep_job job = { .damaged = keep_line, .ctx = damage, .is_asked = true };
	struct store_kept kept;
	int r = store_keep_house(ad->store, &job, &kept);
	json_t *result;

	(void)a;
	(void)args;
	result = json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "damaged", damage, "contents_removed",
			   (json_int_t)kept.contents, "expunged_forgotten", (json_int_t)kept.expunged, "moved",
			   (json_int_t)kept.moved, "moved_bytes", (json_int_t)kept.moved_bytes, "packs_removed",
			   (json_int_t)kept.packs, "freed_bytes", (json_int_t)kept.freed_bytes, "clean",
			   kept.damaged == 0);
	if (r == 0)
		r = admin_add_space(ad->store, result);
	if (r < 0) {
		json_decref(result);
		return fault_set(fault, r, "it ended early, after %lld bytes were freed: %s", (long long)kept.freed_bytes,
				 err_row(r)->text);
	}
	*ret = result;
	return 0;
}

/* Said again and again while a backup runs; was_held tells it whether it was heard in time. */
int admin_backup_hold(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	bool was_held = blob_packs_hold(store_db(ad->store), HOLD_MS);

	(void)a;
	(void)args;
	(void)fault;
	*ret = json_pack("{s:b, s:I}", "was_held", was_held, "ms", (json_int_t)HOLD_MS);
	return 0;
}
