/* SPDX-License-Identifier: MIT */
/* When: pauses between attempts, and when the age of a message is looked at. Pure. */
#include "queue/queue_int.h"

#include "base/rnd.h"

#define DAY_S 86400

int64_t queue_pause_s(const struct queue_conf *c, int64_t attempts)
{
	int64_t ms = c->retry_min_ms;

	for (int64_t i = 1; i < attempts && ms < c->retry_max_ms; i++)
		ms *= 2;
	if (ms > c->retry_max_ms)
		ms = c->retry_max_ms;
	/* Up to a tenth less, so that what failed together does not come again together. */
	ms -= (int64_t)(rnd_u64() % (uint64_t)(ms / 10 + 1));
	return (ms + 999) / 1000;
}

int64_t queue_ends_s(const struct queue_conf *c, const struct queue_age *a)
{
	int64_t born_s = a->held_until_s > a->accepted_s ? a->held_until_s : a->accepted_s;
	int64_t ends_s = born_s + c->lifetime_ms / 1000;

	if (a->is_for_a_day && ends_s > born_s + DAY_S)
		ends_s = born_s + DAY_S;
	return a->by_s != 0 && a->by_returns && a->by_s < ends_s ? a->by_s : ends_s;
}

int64_t queue_tells_s(const struct queue_conf *c, const struct queue_age *a)
{
	int64_t born_s = a->held_until_s > a->accepted_s ? a->held_until_s : a->accepted_s;
	int64_t tells_s = c->delay_notice_ms > 0 ? born_s + c->delay_notice_ms / 1000 : INT64_MAX;

	/* RFC 2852 4.1.3 */
	if (a->by_s != 0 && !a->by_returns && a->by_s < tells_s)
		tells_s = a->by_s > born_s ? a->by_s : born_s;
	return a->is_told ? INT64_MAX : tells_s;
}

int64_t queue_look_s(const struct queue_conf *c, const struct queue_age *a)
{
	int64_t ends_s = queue_ends_s(c, a), tells_s = queue_tells_s(c, a);

	return tells_s < ends_s ? tells_s : ends_s;
}
