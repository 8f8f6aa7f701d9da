/* SPDX-License-Identifier: MIT */
#include "server/background.h"

#include <signal.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/must.h"

static void *background_main(void *arg)
{
	struct server_background *b = arg;

	pthread_setname_np(pthread_self(), b->name_z);
	(void)setpriority(PRIO_PROCESS, 0, b->nice); /* of this thread; without it we are only less polite */
	b->run(b->arg);
	return NULL;
}

void server_background_start(struct server_background *b)
{
	sigset_t all, old;

	lock_init(&b->lock);
	lock_cond_init(&b->wake);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	must(pthread_create(&b->thread, NULL, background_main, b) == 0);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

bool server_background_rest(struct server_background *b, int64_t ms)
{
	int64_t until = clock_mono_ms() + ms;
	bool goes_on;

	lock_get(&b->lock);
	while (!b->is_stopping && lock_wait(&b->lock, &b->wake, until))
		;
	goes_on = !b->is_stopping;
	lock_put(&b->lock);
	return goes_on;
}

void server_background_stop(struct server_background *b)
{
	lock_get(&b->lock);
	b->is_stopping = true;
	lock_signal(&b->wake);
	lock_put(&b->lock);
	must(pthread_join(b->thread, NULL) == 0);
	lock_cond_fini(&b->wake);
	lock_fini(&b->lock);
}
