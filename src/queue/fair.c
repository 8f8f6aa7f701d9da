/* SPDX-License-Identifier: MIT */
/*
 * Who sends little does not stand behind who sends much. What waits for a destination goes by the time at which it is due (flights.c), so one sender with
 * tens of thousands of recipients would have all sessions of a large provider for as long as they take. So the first of each sender are due
 * QUEUE_AHEAD_S before they came, AHEAD_RCPTS of them in that time at most: all are tried at once, but where they have to wait those beyond stand behind newer
 * mail of others, and no longer than that.
 *
 * In memory alone, and with one slot for many senders: whoever finds it taken by another begins with a full share.
 */
#include "queue/queue_int.h"

#define AHEAD_RCPTS 100

size_t queue_share_take(struct queue *q, int64_t account, struct str sender, size_t n, int64_t now_s)
{
	uint64_t who = account ? (uint64_t)account : queue_address_hash(sender);
	struct queue_share *s = &q->shares[who % QUEUE_SHARES];
	int64_t back;
	size_t taken;

	lock_get(&q->lock);
	/* What was used comes back as time goes by; a clock that was set back gives nothing. */
	back = now_s > s->at_s ? (now_s - s->at_s) * AHEAD_RCPTS / QUEUE_AHEAD_S : 0;
	if (s->who != who || back >= (int64_t)s->used)
		*s = (struct queue_share){ .who = who, .at_s = now_s };
	else if (back > 0 || now_s < s->at_s)
		*s = (struct queue_share){ .who = who, .used = s->used - (size_t)back, .at_s = now_s };
	taken = AHEAD_RCPTS - s->used < n ? AHEAD_RCPTS - s->used : n;
	s->used += taken;
	lock_put(&q->lock);
	return taken;
}
