/* SPDX-License-Identifier: MIT */
/* The verb that tells a message's story. */
#include "server/admin.h"

#include "queue/trace.h"

static const char *const event_names[QUEUE_TRACE_N_EVENTS] = {
	[QUEUE_TRACE_ACCEPTED] = "accepted", [QUEUE_TRACE_REFUSED] = "refused", [QUEUE_TRACE_ATTEMPT] = "attempt",
	[QUEUE_TRACE_DSN] = "dsn",           [QUEUE_TRACE_EXPIRED] = "expired", [QUEUE_TRACE_HELD] = "held",
	[QUEUE_TRACE_RELEASED] = "released", [QUEUE_TRACE_REMOVED] = "removed", [QUEUE_TRACE_RETRIED] = "retried",
};

static json_t *event(const struct queue_trace_row *row)
{
	bool is_known = row->event > 0 && row->event < QUEUE_TRACE_N_EVENTS;
	json_t *v = json_pack("{s:I, s:s}", "at", (json_int_t)row->at_s, "event", is_known ? event_names[row->event] : "unknown");
	json_t *story = json_loadb(row->json.p, row->json.n, JSON_ALLOW_NUL, NULL);

	json_object_update(v, story);
	json_decref(story);
	return v;
}

int admin_message_trace(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	struct queue_trace_row *rows = NULL;
	struct str what = { 0 };
	size_t n = 0;
	int r = admin_arg(args, "what", &what, fault);

	if (r == 0)
		r = queue_trace_find(ad->queue, a, what, &rows, &n);
	if (r < 0)
		return r;
	if (n == 0)
		return fault_set(fault, -E_NOT_FOUND, "no message with that id or address is in the trace; queue.trace says how long it is kept");
	*ret = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(*ret, event(&rows[i]));
	return 0;
}
