/* SPDX-License-Identifier: MIT */
/*
 * The room's door: starting, stopping, wakes, counts. The moving parts are waiter.c (who is
 * parked), pool.c (who works) and step.c (what is done with one connection).
 *
 * Stopping: no more accepts; every session gets NET_STOP when it is next parked; after the grace
 * time the sockets of the rest are shut down, so that whoever waits for a peer finds it gone;
 * then the threads end.
 */
#include "net/net.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/must.h"
#include "net/net_int.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define FDS_FOR_OTHERS 256 /* database, packs, logs, spool files */

/* How many connections so many files allow: a body may have one of its own. */
static int64_t max_by_files(int64_t n_files, int64_t max_bodies)
{
	int64_t others = FDS_FOR_OTHERS + max_bodies;

	return n_files > 2 * others ? n_files - others : n_files / 2;
}

/* Raises the limit on open files as far as it goes, and gives it back. */
static int64_t raise_files(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) != 0)
		return FDS_FOR_OTHERS;
	if (lim.rlim_cur < lim.rlim_max) {
		struct rlimit up = { lim.rlim_max, lim.rlim_max };

		if (setrlimit(RLIMIT_NOFILE, &up) == 0)
			lim = up;
	}
	return lim.rlim_cur > INT32_MAX ? INT32_MAX : (int64_t)lim.rlim_cur;
}

/* OpenSSL writes with write(2): a vanished peer must be an error there, not a signal. */
static void ignore_sigpipe(void)
{
	struct sigaction sa;

	if (sigaction(SIGPIPE, NULL, &sa) == 0 && sa.sa_handler == SIG_DFL)
		signal(SIGPIPE, SIG_IGN);
}

static void conf_set(struct net *n, const struct net_conf *conf)
{
	lock_get(&n->lock);
	n->conf = *conf;
	n->max_by_fds = max_by_files(n->n_files, conf->max_bodies);
	lock_put(&n->lock);
	if (conf->max_memory > 0)
		budget_set((size_t)conf->max_memory);
	net_pool_limits(n, conf->max_workers, conf->max_bodies);
	net_behind_limits(n, conf->max_workers, conf->max_bodies);
}

static void net_free(struct net *n)
{
	for (size_t i = 0; i < n->n_listeners; i++) {
		must(n->listeners[i].fd == -1);
		net_tls_unref(n->listeners[i].l->tls);
		mem_free(n->listeners[i].l);
	}
	if (n->epfd >= 0)
		close(n->epfd);
	if (n->wakefd >= 0)
		close(n->wakefd);
	if (n->sparefd >= 0)
		close(n->sparefd);
	net_table_fini(&n->table);
	net_timer_fini(&n->timers);
	net_caps_fini(&n->caps);
	lock_cond_fini(&n->emptied);
	lock_fini(&n->spare_lock);
	lock_fini(&n->lock);
	mem_free(n);
}

int net_open(const struct net_conf *conf, struct net **ret, struct fault *fault)
{
	struct net *n = MEM_NEW(struct net);
	int rc;

	n->epfd = n->wakefd = n->sparefd = -1;
	lock_init(&n->lock);
	lock_init(&n->spare_lock);
	lock_cond_init(&n->emptied);
	net_pool_init(&n->pool);
	net_behind_init(&n->behind);
	n->n_files = raise_files();
	ignore_sigpipe();
	conf_set(n, conf);
	rc = net_waiter_init(n, fault);
	if (rc == 0)
		rc = net_pool_open(n, fault);
	if (rc == 0)
		rc = net_waiter_start(n, fault);
	if (rc < 0) {
		net_pool_close(n);
		net_behind_close(&n->behind);
		net_free(n);
		return rc;
	}
	*ret = n;
	return 0;
}

void net_reload(struct net *n, const struct net_conf *conf)
{
	conf_set(n, conf);
}

int net_listen(struct net *n, const struct net_listener *l, struct fault *fault)
{
	struct net_listener *copy;
	size_t i;
	int rc;

	if (l->tls_mode == NET_TLS_IMPLICIT && l->tls == NULL)
		return fault_set(fault, -E_USAGE, "listener %s: TLS without a certificate",
				 l->name);
	copy = MEM_NEW(struct net_listener);
	*copy = *l;
	if (copy->tls != NULL)
		net_tls_ref(copy->tls);
	lock_get(&n->lock);
	i = n->n_listeners;
	if (i < NET_LISTENERS_MAX) {
		n->listeners[i] = (struct net_listener_slot){ .l = copy, .fd = copy->fd };
		n->n_listeners++;
	}
	lock_put(&n->lock);
	if (i == NET_LISTENERS_MAX) {
		net_tls_unref(copy->tls);
		mem_free(copy);
		return fault_set(fault, -E_LIMIT, "more than %d listeners", NET_LISTENERS_MAX);
	}
	rc = net_waiter_add_listener(n, i, fault);
	if (rc < 0)
		n->listeners[i].fd = -1; /* still the caller's */
	return rc;
}

void net_wake(struct net *n, uint64_t id)
{
	struct net_conn_list ready = { .n = 0 };
	struct conn *c;

	lock_get(&n->lock);
	c = net_table_find(&n->table, id);
	if (c != NULL)
		net_waiter_unpark(n, c, NET_TODO_WAKE, &ready);
	lock_put(&n->lock);
	net_pool_push(n, &ready);
}

/* A parked one has input then: the end. */
static bool shut(struct net *n, uint64_t id, int how)
{
	struct conn *c;

	lock_get(&n->lock);
	c = net_table_find(&n->table, id);
	if (c != NULL)
		(void)shutdown(c->fd, how);
	lock_put(&n->lock);
	return c != NULL;
}

void net_cut(struct net *n, uint64_t id)
{
	(void)shut(n, id, SHUT_RDWR);
}

bool net_hang_up(struct net *n, uint64_t id)
{
	return shut(n, id, SHUT_RD);
}

void net_wake_cb(void *ctx, uint64_t id)
{
	net_wake(ctx, id);
}

void net_counts(struct net *n, struct net_counts *ret)
{
	int64_t n_busy, n_behind = net_behind_count(n, &n_busy);

	*ret = (struct net_counts){
		.accepted = atomic_load(&n->n_accepted),
		.refused = atomic_load(&n->n_refused),
	};
	lock_get(&n->lock);
	ret->connections = (int64_t)n->table.n;
	ret->max_connections = n->conf.max_connections < n->max_by_fds ? n->conf.max_connections : n->max_by_fds;
	ret->parked = n->n_parked;
	ret->bodies = n->n_places;
	lock_put(&n->lock);
	lock_get(&n->pool.lock);
	ret->workers = n->pool.n_workers + n_behind;
	ret->workers_busy = n->pool.n_workers - atomic_load(&n->pool.n_idle) + n_busy;
	lock_put(&n->pool.lock);
}

/* ---- stopping ---- */

/* Needs net.lock. What cannot be told to stop politely is shut down. */
static void stop_all(struct net *n, bool is_forced, struct net_conn_list *ready)
{
	for (size_t i = 0; i < n->table.n_buckets; i++)
		for (struct conn *c = n->table.buckets[i]; c != NULL; c = c->next_by_id) {
			if (is_forced)
				(void)shutdown(c->fd, SHUT_RDWR);
			net_waiter_unpark(n, c, NET_TODO_STOP | (is_forced ? NET_TODO_TIMEOUT : 0),
					  ready);
		}
}

void net_stop(struct net *n)
{
	struct net_conn_list ready = { .n = 0 };
	bool was_stopping;

	lock_get(&n->lock);
	was_stopping = n->is_stopping;
	n->is_stopping = true;
	if (!was_stopping)
		stop_all(n, false, &ready);
	lock_put(&n->lock);
	net_pool_push(n, &ready);
	net_waiter_kick(n);
}

void net_close(struct net **np, int64_t grace_ms)
{
	struct net *n = *np;
	struct net_conn_list ready = { .n = 0 };
	int64_t deadline = clock_mono_ms() + (grace_ms > 0 ? grace_ms : 0);

	if (n == NULL)
		return;
	*np = NULL;
	net_stop(n);
	lock_get(&n->lock);
	while (n->table.n > 0 && clock_mono_ms() < deadline)
		(void)lock_wait(&n->lock, &n->emptied, deadline);
	stop_all(n, true, &ready);
	lock_put(&n->lock);
	net_pool_push(n, &ready);

	lock_get(&n->lock);
	while (n->table.n > 0)
		(void)lock_wait(&n->lock, &n->emptied, 0);
	lock_put(&n->lock);
	net_waiter_join(n);
	net_pool_close(n);
	net_behind_close(&n->behind);
	net_free(n);
}
