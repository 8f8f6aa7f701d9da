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

/* An account, else the return address: of whom nobody has logged in. */
static uint64_t hash_of(int64_t account, struct str sender)
{
	uint64_t h = (14695981039346656037u ^ (uint64_t)account) * 1099511628211u;

	for (size_t i = 0; account == 0 && i < sender.n; i++)
		h = (h ^ (unsigned char)str_lower_char(sender.p[i])) * 1099511628211u;
	return h;
}

size_t queue_share_take(struct queue *q, int64_t account, struct str sender, size_t n, int64_t now_s)
{
	uint64_t who = hash_of(account, sender);
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
