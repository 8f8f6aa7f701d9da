/* SPDX-License-Identifier: MIT */
/*
 * What the workers of both kinds (pool.c, behind.c) have in common: how they begin and end, and
 * how important they are. The kernel lets a thread lower its own priority and not raise it again,
 * so one that had to (a search through all mail) ends after that.
 */
#include "net/net_int.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"

#include <string.h>
#include <sys/resource.h>

#define BEHIND_NICE 5 /* a third of the processor beside the others, when it is wanted */
#define TIRED_NICE 10 /* a tenth */

/* Virtual memory, touched as needed; sanitizers multiply the need. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STACK_BYTES (2u << 20)
#else
#define STACK_BYTES (256u << 10)
#endif

struct net_worker {
	pthread_t thread;
	struct net *net;
	struct net_worker *next;
};

static _Thread_local bool is_behind, is_tired;

struct net_worker *net_worker_start(struct net *n, void *(*fn)(void *worker))
{
	struct net_worker *w = MEM_NEW(struct net_worker);
	pthread_attr_t attr;
	int rc;

	w->net = n;
	must(pthread_attr_init(&attr) == 0);
	must(pthread_attr_setstacksize(&attr, STACK_BYTES) == 0);
	rc = pthread_create(&w->thread, &attr, fn, w);
	pthread_attr_destroy(&attr);
	if (rc == 0)
		return w;
	LOG(DEBUG, "net.pool", F_Z("err", strerror(rc)));
	mem_free(w);
	return NULL;
}

/* Linux: 0 is this thread alone. Where it is not allowed, all are equal. */
static void set_nice(int nice)
{
	(void)setpriority(PRIO_PROCESS, 0, nice);
}

struct net *net_worker_begin(struct net_worker *w, enum net_worker_kind kind)
{
	pthread_setname_np(pthread_self(), "net-worker");
	is_behind = kind == NET_BEHIND;
	if (is_behind)
		set_nice(BEHIND_NICE);
	return w->net;
}

void net_worker_end(struct net_worker *w, struct net_worker **ended)
{
	w->next = *ended;
	*ended = w;
}

void net_worker_join(struct net_worker **ended)
{
	while (*ended != NULL) {
		struct net_worker *w = *ended;

		*ended = w->next;
		must(pthread_join(w->thread, NULL) == 0);
		mem_free(w);
	}
}

bool net_worker_is_behind(void)
{
	return is_behind;
}

bool net_worker_is_tired(void)
{
	return is_tired;
}

void net_worker_tire(void)
{
	if (!is_tired)
		set_nice(TIRED_NICE);
	is_tired = true;
}
