/* SPDX-License-Identifier: MIT */
/* The walk of an attempt that sends nothing: its end, its time, and whom it tells. */
#include "send/send_int.h"

#include "base/clock.h"

#define TIMERS_MS 20 /* may end that much too early */

int64_t send_deadline(const struct send *s, int64_t ms)
{
	int64_t deadline_ms = clock_mono_ms() + ms;

	return s->until_ms > 0 && s->until_ms < deadline_ms ? s->until_ms : deadline_ms;
}

void send_see(struct send *s, const struct send_seen *seen)
{
	struct send_seen told = *seen;

	if (!s->check)
		return;
	told.host = told.step < SEND_SAW_ADDRESSES ? S("") : s->check_host;
	told.ms = clock_mono_ms() - s->seen_ms;
	told.is_out_of_time = s->until_ms - clock_mono_ms() < TIMERS_MS && (told.err == -E_TIMEOUT || (told.sts && told.sts->why_z[0]));
	if (told.outcome == QUEUE_RELAYED)
		told.outcome = QUEUE_DELIVERED;
	s->check->see(s->check->ctx, &told);
	s->seen_ms = clock_mono_ms();
}

/* Hosts that answer at once leave their time to the others. */
void send_check_host(struct send *s, struct str host, size_t n_left)
{
	int64_t now_ms = clock_mono_ms(), left_ms = s->check_end_ms - now_ms;

	s->check_host = host;
	s->until_ms = now_ms + (left_ms > 0 ? left_ms / (int64_t)n_left : 0);
}

void send_check(struct send *s, const struct send_check *c, struct arena *a, struct queue_rcpt_result *ret)
{
	struct queue_attempt_rcpt rcpt = { .address = c->to.n > 0 ? c->to : S("postmaster") };
	const struct queue_attempt t = { .id = 1, .hop = c->hop, .sts = c->sts, .qid = S("check"), .reverse_path = c->from, .max_sessions = 1, .rcpts = &rcpt,
					 .n_rcpts = 1, .message = S(""),
					 .flags = str_is_ascii(c->to) && str_is_ascii(c->from) ? 0 : QUEUE_SMTPUTF8 };
	struct queue_result result = { .rcpts = ret };
	struct send_link link;

	s->check = c;
	s->seen_ms = clock_mono_ms();
	s->check_end_ms = s->seen_ms + c->ms;
	s->until_ms = s->seen_ms + c->ms / 2; /* the other half is the hosts' */
	send_link_init(&link);
	send_walk(s, &t, a, &link, &result);
	send_link_close(&link);
	s->check = NULL;
	s->until_ms = 0;
}
