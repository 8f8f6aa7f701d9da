/* SPDX-License-Identifier: MIT */
/* Verbs about the running server itself: its counts, how it is closed in, the settings that it was started with. */
#include "server/server_int.h"

#include <unistd.h>

#include "base/budget.h"
#include "base/clock.h"
#include "net/net.h"
#include "queue/queue.h"
#include "sasl/sasl.h"

#define SETTINGS_MAX (16u << 20)

static int add_queue(struct queue *q, json_t *to)
{
	struct queue_counts c;
	int64_t age_s;
	int r = queue_count(q, &c);

	if (r < 0)
		return r;
	age_s = c.oldest_s > 0 ? clock_wall_ms() / 1000 - c.oldest_s : 0;
	return json_object_update_new(to, json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "queue_recipients", (json_int_t)c.recipients,
			 "queue_held", (json_int_t)c.held, "queue_destinations", (json_int_t)c.destinations,
			 "queue_destinations_failing", (json_int_t)c.failing, "queue_destinations_active", (json_int_t)c.active,
			 "queue_attempts", (json_int_t)c.attempts, "queue_oldest_seconds", (json_int_t)age_s));
}

int admin_status(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	struct net_counts c;
	struct sasl_counts l;
	json_t *result;
	int r;

	(void)a;
	(void)args;
	(void)fault;
	net_counts(ad->net, &c);
	result = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s}", "connections", (json_int_t)c.connections,
			 "max_connections", (json_int_t)c.max_connections, "parked", (json_int_t)c.parked, "workers", (json_int_t)c.workers,
			 "workers_busy", (json_int_t)c.workers_busy, "accepted", (json_int_t)c.accepted,
			 "refused", (json_int_t)c.refused, "bodies", (json_int_t)c.bodies,
			 "memory_working", (json_int_t)budget_used(BUDGET_WORK),
			 "memory_waiting", (json_int_t)budget_used(BUDGET_HELD), "pid", (json_int_t)getpid(), "uid", (json_int_t)geteuid(),
			 "sandbox", ad->process->sandbox.text);
	sasl_counts(ad->sasl, &l);
	json_object_update_new(result, json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "logged_in", (json_int_t)l.logged_in,
			 "logins", (json_int_t)l.succeeded, "logins_failed", (json_int_t)l.failed,
			 "logins_failed_again", (json_int_t)l.repeated, "logins_throttled", (json_int_t)l.throttled,
			 "addresses_refused", (json_int_t)l.addresses_refused,
			 "accounts_attacked", (json_int_t)l.accounts_attacked));
	r = admin_add_space(ad->store, result);
	if (r == 0)
		r = add_queue(ad->queue, result);
	if (r < 0)
		json_decref(result);
	else
		*ret = result;
	return r;
}

/* The text of the settings that hold until a restart: a reload changes all but those whose rows need one. */
int admin_started(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(SETTINGS_MAX);

	(void)a;
	(void)args;
	conf_print(ad->process->first, &out, false);
	if (buf_overflowed(&out))
		return fault_set(fault, -E_LIMIT, "the settings are too long to print");
	*ret = json_pack("{s:o}", "settings", admin_json_str(buf_str(&out)));
	return 0;
}
