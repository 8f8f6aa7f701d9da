/* SPDX-License-Identifier: MIT */
/* The current settings snapshot behind one lock; the critical sections are a pointer copy long. */
#include "conf/live.h"

#include "base/lock.h"
#include "base/mem.h"

struct conf_live {
	struct lock lock;
	struct conf *now;
};

struct conf_live *conf_live_new(struct conf *first)
{
	struct conf_live *l = MEM_NEW(struct conf_live);

	lock_init(&l->lock);
	l->now = first;
	return l;
}

void conf_live_free(struct conf_live *l)
{
	if (!l)
		return;
	conf_unref(l->now);
	lock_fini(&l->lock);
	mem_free(l);
}

struct conf *conf_live_get(struct conf_live *l)
{
	struct conf *c;

	lock_get(&l->lock);
	c = conf_ref(l->now);
	lock_put(&l->lock);
	return c;
}

void conf_live_swap(struct conf_live *l, struct conf *next)
{
	struct conf *old;

	lock_get(&l->lock);
	old = l->now;
	l->now = next;
	lock_put(&l->lock);
	conf_unref(old);
}
