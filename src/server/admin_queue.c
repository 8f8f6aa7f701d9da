/* SPDX-License-Identifier: MIT */
/* Verbs about mail that waits for other hosts. */
#include "server/admin.h"

#include <time.h>

#include "queue/queue.h"

static const char *const states[] = { [QUEUE_WAITING] = "waiting", [QUEUE_HELD] = "held" };

/* "2026-11-26T02:00:00Z"; never: "". */
static json_t *time_json(int64_t s)
{
	char text[32] = "";
	time_t at = s;
	struct tm t;

	if (s > 0)
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&at, &t));
	return json_string(text);
}

static int pick_of(const json_t *args, struct queue_pick *ret, struct fault *fault)
{
	struct str state = admin_arg_opt(args, "state");

	*ret = (struct queue_pick){ .qid = admin_arg_opt(args, "qid"), .to = admin_arg_opt(args, "to"), .from = admin_arg_opt(args, "from") };
	if (state.n == 0)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (str_eq(state, str_z(states[i]))) {
			ret->has_state = true;
			ret->state = (enum queue_state)i;
			return 0;
		}
	return fault_set(fault, -E_USAGE, "state %" STR_FMT ": write waiting or held", STR_ARG(str_head(state, 40)));
}

int admin_queue_list(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	struct queue_item *items = NULL;
	struct queue_pick pick;
	size_t n = 0;
	int r = pick_of(args, &pick, fault);

	if (r == 0)
		r = queue_list(ad->queue, a, &pick, &items, &n);
	if (r < 0)
		return r;
	*ret = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(*ret, json_pack("{s:o, s:o, s:o, s:s, s:I, s:o, s:o, s:I, s:o}",
			"qid", admin_json_str(items[i].qid), "from", admin_json_str(items[i].reverse_path),
			"to", admin_json_str(items[i].recipient), "state", states[items[i].state],
			"size", (json_int_t)items[i].size, "accepted", time_json(items[i].accepted_s),
			"next", time_json(items[i].state == QUEUE_HELD ? 0 : items[i].next_attempt_s),
			"attempts", (json_int_t)items[i].attempts, "last", admin_json_str(items[i].text)));
	return 0;
}

static json_t *item_json(const struct queue_item *i)
{
	return json_pack("{s:o, s:s, s:o, s:I, s:o, s:o, s:o, s:o, s:o}", "to", admin_json_str(i->recipient), "state", states[i->state],
			 "destination", admin_json_str(i->destination), "attempts", (json_int_t)i->attempts, "tried",
			 time_json(i->last_attempt_s), "next", time_json(i->state == QUEUE_HELD ? 0 : i->next_attempt_s), "host",
			 admin_json_str(i->host), "status", admin_json_str(i->enhanced), "reply", admin_json_str(i->text));
}

int admin_queue_show(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	struct queue_item *items = NULL;
	struct queue_pick pick = { 0 };
	size_t n = 0;
	int r = admin_arg(args, "qid", &pick.qid, fault);

	if (r == 0)
		r = queue_list(ad->queue, a, &pick, &items, &n);
	if (r == 0 && n == 0)
		r = fault_set(fault, -E_NOT_FOUND, "nothing waits under %" STR_FMT "; see: martlet queue list, martlet message trace",
			      STR_ARG(str_head(pick.qid, 40)));
	if (r < 0)
		return r;
	*ret = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(*ret, item_json(&items[i]));
	return 0;
}

/* All of the queue is meant only when that is said. */
static int manage(struct admin *ad, const json_t *args, enum queue_deed deed, json_t **ret, struct fault *fault)
{
	struct queue_pick pick;
	int64_t n = 0;
	int r = pick_of(args, &pick, fault);

	if (r == 0 && queue_pick_is_whole(&pick) && !json_is_true(json_object_get(args, "all")))
		r = fault_set(fault, -E_USAGE, "name a queue id, or --to or --from an address or domain, or --all");
	if (r == 0)
		r = queue_manage(ad->queue, &pick, deed, &n);
	if (r == 0 && n == 0 && pick.qid.n > 0)
		r = fault_set(fault, -E_NOT_FOUND, "nothing waits under %" STR_FMT "; see: martlet queue list",
			      STR_ARG(str_head(pick.qid, 40)));
	if (r == 0)
		*ret = json_pack("{s:I}", "recipients", (json_int_t)n);
	return r;
}

int admin_queue_retry(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	(void)a;
	return manage(ad, args, QUEUE_RETRY, ret, fault);
}

int admin_queue_hold(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	(void)a;
	return manage(ad, args, QUEUE_HOLD, ret, fault);
}

int admin_queue_release(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	(void)a;
	return manage(ad, args, QUEUE_RELEASE, ret, fault);
}

int admin_queue_remove(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	(void)a;
	return manage(ad, args, json_is_true(json_object_get(args, "notify")) ? QUEUE_RETURN : QUEUE_REMOVE, ret, fault);
}
