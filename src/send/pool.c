/* SPDX-License-Identifier: MIT */
/*
 * Threads, and which attempt each takes next. A thread works for one destination at a time: it takes its attempts one after the
 * other over one connection, waits with that for more, then closes it and looks for another destination.
 *
 *   given --> a thread waits with a connection to its destination: that one has it
 *         --> the destination has all threads that it may have: it waits in the destination
 *         --> else the destination is listed as ready, and a free or new thread takes the first ready one that may go on
 *
 *  1. At most [queue] max_sessions threads, each with or for one connection. When all are taken and a destination is ready,
 *     the one that has waited longest with a connection gives it up.
 *  2. A destination is fresh until it was tried here; then it is good, or bad when no host of it could be spoken to. At most half of the
 *     threads work for bad ones, three quarters for bad and fresh ones, so that good ones find a thread however many hosts are dead.
 *  3. A thread leaves its destination for a ready one after its turn (TURN attempts), so that a long queue holds up nobody.
 *  4. While a destination waits for a place, hosts that do not answer are given up sooner: most that are ever to answer do so at once, and the others
 *     are tried again.
 *  5. A destination is remembered until there are DESTINATIONS_MAX and it has nothing to do.
 */
#include "send/send_int.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/must.h"
#include "net/dns.h"

#ifdef __SANITIZE_THREAD__ /* has its own data on each stack */
#define STACK_BYTES (2u << 20)
#else
#define STACK_BYTES (512u << 10) /* libunbound takes 200 KB when it sets up a second resolver, all else a tenth of that */
#endif
#define FREE_MS 5000          /* a thread without work ends */
#define TURN 50
#define CROWDED_CONNECT_MS 5000
#define DESTINATIONS_MAX 4096
/* Of messages that are here: more than the schedule lets be under way (queue/flights.c), which knows whom large ones may hold up. */
#define TAKEN_BYTES_MAX ((size_t)2 << 30)

struct job {
	struct queue_attempt attempt;
	struct queue_attempt_map map;
	struct arena *arena;
	struct job *next;
	struct job *all_prev, *all_next; /* of all that are here */
	int64_t stuck_ms;              /* then its walk must be over; 0: it has not begun */
	bool is_told;                  /* its result is told, or being told just now: */
	bool is_being_told;
};

struct send_destination {
	struct send_destination *hash_next, *ready_next;
	char *key;
	size_t n_key;
	struct job *first, *last;      /* pending */
	uint32_t max_sessions;
	uint32_t n_threads;
	uint32_t n_idle;               /* of them, that wait with a connection */
	enum { FRESH, GOOD, BAD } state;
	bool is_ready;
};

/* What one thread is at; the lock's but for the link. */
struct send_session {
	struct send_destination *d;
	struct send_link link;
	struct send_session *idle_prev, *idle_next;
	struct lock_cond wake;
	struct job *given;             /* while idle */
	bool is_idle, must_leave;
	bool is_counted;               /* in n_at[state] */
	unsigned state;
	unsigned n_turn;
};

/* ---- jobs ---- */

/* Before its result is told: whoever hears that finds room. */
static void leave_room(struct send *s, const struct job *j)
{
	must(lock_held(&s->lock));
	s->n_taken--;
	s->taken_bytes -= j->map.n;
}

static void free_job(struct send *s, struct job *j)
{
	must(lock_held(&s->lock));
	if (j->all_prev)
		j->all_prev->all_next = j->all_next;
	else
		s->all_first = j->all_next;
	if (j->all_next)
		j->all_next->all_prev = j->all_prev;
	s->n_given--;
	s->n_telling -= j->is_being_told;
	lock_broadcast(&s->done);
	queue_attempt_unmap(&j->map);
	arena_fini(j->arena);
	mem_free(j->arena);
	mem_free(j);
}

static struct job *pop(struct send_destination *d)
{
	struct job *j = d->first;

	if (j) {
		d->first = j->next;
		d->last = d->first ? d->last : NULL;
	}
	return j;
}

/* ---- destinations ---- */

static struct send_destination **slot_of(struct send *s, struct str key)
{
	uint32_t h = 2166136261u;
	struct send_destination **p;

	for (size_t i = 0; i < key.n; i++)
		h = (h ^ (unsigned char)key.p[i]) * 16777619u;
	for (p = &s->table[h % ARRAY_LEN(s->table)]; *p; p = &(*p)->hash_next)
		if (str_eq(str_of((*p)->key, (*p)->n_key), key))
			break;
	return p;
}

static bool is_unused(const struct send_destination *d)
{
	return d->n_threads == 0 && !d->first && !d->is_ready;
}

static void forget(struct send *s, struct send_destination **p)
{
	struct send_destination *d = *p;

	*p = d->hash_next;
	mem_free(d->key);
	mem_free(d);
	s->n_destinations--;
}

static void forget_unused(struct send *s)
{
	for (size_t i = 0; i < ARRAY_LEN(s->table); i++)
		for (struct send_destination **p = &s->table[i]; *p;)
			if (is_unused(*p))
				forget(s, p);
			else
				p = &(*p)->hash_next;
}

static struct send_destination *destination_of(struct send *s, const struct queue_attempt *a)
{
	struct send_destination **p = slot_of(s, a->hop.destination);

	if (!*p && s->n_destinations >= DESTINATIONS_MAX) {
		forget_unused(s);
		p = slot_of(s, a->hop.destination);
	}
	if (!*p) {
		*p = MEM_NEW(struct send_destination);
		(*p)->key = mem_dup_z(a->hop.destination);
		(*p)->n_key = a->hop.destination.n;
		s->n_destinations++;
	}
	(*p)->max_sessions = a->max_sessions > 0 ? a->max_sessions : 1;
	return *p;
}

/* ---- who may go on ---- */

static size_t max_threads(const struct send *s)
{
	return (size_t)s->q->max_sessions;
}

static size_t at_least_one(size_t n)
{
	return n > 0 ? n : 1;
}

static bool has_place(const struct send *s, const struct send_destination *d)
{
	if (d->state == GOOD)
		return true;
	if (s->n_at[FRESH] + s->n_at[BAD] >= at_least_one(max_threads(s) * 3 / 4))
		return false;
	return d->state == FRESH || s->n_at[BAD] < at_least_one(max_threads(s) / 2);
}

static void list_ready(struct send *s, struct send_destination *d)
{
	if (d->is_ready || !d->first || d->n_threads >= d->max_sessions)
		return;
	d->is_ready = true;
	d->ready_next = NULL;
	if (s->ready_last)
		s->ready_last->ready_next = d;
	else
		s->ready_first = d;
	s->ready_last = d;
}

/* The first that may go on; NULL: none. */
static struct send_destination *take_ready(struct send *s)
{
	struct send_destination *before = NULL;
	struct send_destination *d = s->ready_first;

	for (; d && !has_place(s, d); d = d->ready_next)
		before = d;
	if (!d)
		return NULL;
	if (before)
		before->ready_next = d->ready_next;
	else
		s->ready_first = d->ready_next;
	if (s->ready_last == d)
		s->ready_last = before;
	d->is_ready = false;
	return d;
}

/* ---- sessions that wait with a connection ---- */

static void idle_in(struct send *s, struct send_session *e)
{
	e->idle_prev = s->idle_last;
	e->idle_next = NULL;
	if (s->idle_last)
		s->idle_last->idle_next = e;
	else
		s->idle_first = e;
	s->idle_last = e;
	e->is_idle = true;
	e->d->n_idle++;
}

static void idle_out(struct send *s, struct send_session *e)
{
	if (!e->is_idle)
		return;
	if (e->idle_prev)
		e->idle_prev->idle_next = e->idle_next;
	else
		s->idle_first = e->idle_next;
	if (e->idle_next)
		e->idle_next->idle_prev = e->idle_prev;
	else
		s->idle_last = e->idle_prev;
	e->is_idle = false;
	e->d->n_idle--;
}

static bool give_to_idle(struct send *s, struct send_destination *d, struct job *j)
{
	struct send_session *e = d->n_idle > 0 ? s->idle_last : NULL;

	while (e && e->d != d)
		e = e->idle_prev;
	if (!e)
		return false;
	idle_out(s, e);
	e->given = j;
	lock_signal(&e->wake);
	return true;
}

static void dismiss(struct send *s, struct send_session *e)
{
	idle_out(s, e);
	e->must_leave = true;
	lock_signal(&e->wake);
}

/* ---- threads ---- */

static void *thread_main(void *arg);

static void start_thread(struct send *s)
{
	pthread_attr_t attr;
	pthread_t t;

	must(pthread_attr_init(&attr) == 0);
	must(pthread_attr_setstacksize(&attr, STACK_BYTES) == 0);
	must(pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED) == 0);
	s->n_threads++;
	if (pthread_create(&t, &attr, thread_main, s) != 0)
		s->n_threads--; /* one that runs takes it later; without any, send_room() tries again */
	pthread_attr_destroy(&attr);
}

/* Something is ready: somebody has to take it. */
static void find_thread(struct send *s)
{
	bool may_go_on = false;

	for (const struct send_destination *d = s->ready_first; d && !may_go_on; d = d->ready_next)
		may_go_on = has_place(s, d);
	if (!may_go_on)
		return;
	if (s->n_free > 0)
		lock_signal(&s->work);
	else if (s->n_threads < max_threads(s))
		start_thread(s);
	else if (s->idle_first)
		dismiss(s, s->idle_first);
}

/* Counts the thread at its destination as that is now. */
static void count_again(struct send *s, struct send_session *e)
{
	if (e->is_counted)
		s->n_at[e->state]--;
	e->is_counted = e->d != NULL;
	if (!e->d)
		return;
	e->state = e->d->state;
	s->n_at[e->state]++;
}

/* Takes all that waits for a destination. */
static struct job *take_pending(struct send_destination *d)
{
	struct job *all = d->first;

	d->first = d->last = NULL;
	return all;
}

/* The same for each recipient of another attempt. Without the lock. */
static void answer_same(struct send *s, uint64_t id, size_t n_rcpts, const struct queue_result *r)
{
	struct queue_result same = *r;

	same.tlsrpt = (struct queue_tlsrpt_seen){ 0 }; /* sessions are counted once */
	same.id = id;
	same.n_rcpts = n_rcpts;
	same.ms = 0;
	same.rcpts = mem_alloc(same.n_rcpts, sizeof(*same.rcpts));
	for (size_t i = 0; i < same.n_rcpts; i++)
		same.rcpts[i] = r->rcpts[0];
	s->result(s->ctx, &same);
	mem_free(same.rcpts);
}

/*
 * When no host could be spoken to, those that waited for the same ones meanwhile hear that too, instead of waiting as long again: all that
 * were given before the first result is told, for whoever hears that may try anew.
 */
static struct job *settle(struct send *s, struct send_session *e, const struct job *j, const struct queue_result *r)
{
	struct job *others = r->is_down ? take_pending(e->d) : NULL;

	e->d->state = r->is_down ? BAD : GOOD;
	count_again(s, e);
	leave_room(s, j);
	for (const struct job *o = others; o; o = o->next)
		leave_room(s, o);
	return others;
}

static void begin_telling(struct send *s, struct job *j)
{
	j->is_told = j->is_being_told = true;
	s->n_telling++;
}

static void free_all(struct send *s, struct job *first)
{
	while (first) {
		struct job *j = first;

		first = j->next;
		free_job(s, j);
	}
}

/* The first result is there: told to all whom it concerns, without the lock. */
static void tell(struct send *s, struct send_session *e, struct job *j, const struct queue_result *r)
{
	struct job *others = settle(s, e, j, r);

	begin_telling(s, j);
	for (struct job *o = others; o; o = o->next)
		begin_telling(s, o);
	lock_put(&s->lock);
	s->result(s->ctx, r);
	for (const struct job *o = others; o; o = o->next)
		answer_same(s, o->attempt.id, o->attempt.n_rcpts, r);
	lock_get(&s->lock);
	free_all(s, others);
}

/* The lock is given up for the walk, and while results are told. What was abandoned has its result. */
static void run_job(struct send *s, struct send_session *e, struct job *j)
{
	struct queue_result r = { .rcpts = mem_alloc(j->attempt.n_rcpts, sizeof(*r.rcpts)) };

	if (!j->is_told) {
		j->stuck_ms = clock_mono_ms() + send_walk_max_ms(s, &j->attempt);
		lock_put(&s->lock);
		if (j->attempt.post.n > 0)
			send_tlsrpt_post(s, &j->attempt, j->arena, &r);
		else
			send_walk(s, &j->attempt, j->arena, &e->link, &r);
		e->n_turn++;
		lock_get(&s->lock);
		j->stuck_ms = 0;
	}
	if (j->is_told)
		leave_room(s, j);
	else
		tell(s, e, j, &r);
	mem_free(r.rcpts);
	free_job(s, j);
	find_thread(s);
}

/* Another job for the thread's destination; NULL: it leaves. */
static struct job *next_job(struct send *s, struct send_session *e)
{
	struct job *j;
	int64_t until_ms;

	if (e->n_turn >= TURN && s->ready_first)
		return NULL;
	j = pop(e->d);
	if (j || !e->link.client || s->is_draining || (s->ready_first && s->n_free == 0 && s->n_threads >= max_threads(s)))
		return j;
	until_ms = clock_mono_ms() + s->q->idle_ms;
	idle_in(s, e);
	while (!e->given && !e->must_leave && lock_wait(&s->lock, &e->wake, until_ms))
		;
	idle_out(s, e);
	e->must_leave = false;
	j = e->given;
	e->given = NULL;
	return j;
}

static void serve_destination(struct send *s, struct send_session *e, struct send_destination *d)
{
	struct job *j = pop(d);

	e->d = d;
	e->n_turn = 0;
	d->n_threads++;
	count_again(s, e);
	list_ready(s, d);
	find_thread(s);
	for (; j; j = next_job(s, e))
		run_job(s, e, j);
	e->d = NULL;
	count_again(s, e);
	d->n_threads--;
	list_ready(s, d);
	if (!e->link.client)
		return;
	lock_put(&s->lock);
	send_link_close(&e->link);
	lock_get(&s->lock);
}

/* Waits for a ready destination; NULL: there was none for long. */
static struct send_destination *wait_ready(struct send *s)
{
	int64_t until_ms = clock_mono_ms() + FREE_MS;
	struct send_destination *d;
	bool is_in_time = true;

	s->n_free++;
	while ((d = take_ready(s)) == NULL && is_in_time && !s->is_closing && !s->is_draining)
		is_in_time = lock_wait(&s->lock, &s->work, until_ms);
	s->n_free--;
	return d;
}

static void *thread_main(void *arg)
{
	struct send *s = arg;
	struct send_session e = { 0 };
	struct send_destination *d;

	pthread_setname_np(pthread_self(), "send");
	send_link_init(&e.link);
	lock_cond_init(&e.wake);
	lock_get(&s->lock);
	while ((d = wait_ready(s)) != NULL)
		serve_destination(s, &e, d);
	lock_put(&s->lock);
	send_link_close(&e.link);
	lock_cond_fini(&e.wake);
	lock_get(&s->lock);
	s->n_threads--;
	find_thread(s);
	lock_broadcast(&s->done);
	lock_put(&s->lock);
	return NULL;
}

/* ---- the face ---- */

void send_give(struct send *s, const struct queue_attempt *a, struct queue_attempt_map map, struct arena *arena)
{
	struct job *j = MEM_NEW(struct job);
	struct send_destination *d;

	must(a->n_rcpts > 0 && a->n_rcpts <= QUEUE_ATTEMPT_RCPTS);
	if (s->dns)
		net_dns_expect_root(s->dns, a->is_root_signed);
	*j = (struct job){ .attempt = *a, .map = map, .arena = arena };
	lock_get(&s->lock);
	j->all_next = s->all_first;
	if (j->all_next)
		j->all_next->all_prev = j;
	s->all_first = j;
	s->n_given++;
	s->n_taken++;
	s->taken_bytes += map.n;
	d = destination_of(s, a);
	if (!give_to_idle(s, d, j)) {
		if (d->last)
			d->last->next = j;
		else
			d->first = j;
		d->last = j;
		list_ready(s, d);
		find_thread(s);
	}
	lock_put(&s->lock);
}

int64_t send_connect_ms(struct send *s)
{
	bool is_crowded;

	lock_get(&s->lock);
	is_crowded = s->ready_first != NULL;
	lock_put(&s->lock);
	return is_crowded && s->q->connect_timeout_ms > CROWDED_CONNECT_MS ? CROWDED_CONNECT_MS : s->q->connect_timeout_ms;
}

size_t send_room(struct send *s)
{
	size_t room = 0;

	lock_get(&s->lock);
	find_thread(s); /* again, when there was none to be had */
	if (s->n_taken < 2 * max_threads(s) && (s->taken_bytes < TAKEN_BYTES_MAX || s->n_taken == 0))
		room = 2 * max_threads(s) - s->n_taken;
	lock_put(&s->lock);
	return room;
}

bool send_is_idle(struct send *s)
{
	bool is_idle;

	lock_get(&s->lock);
	is_idle = s->n_given == 0 && s->n_threads == s->n_free;
	lock_put(&s->lock);
	return is_idle;
}

bool send_is_stuck(struct send *s, int64_t now_ms)
{
	bool is_stuck = false;

	lock_get(&s->lock);
	for (const struct job *j = s->all_first; j && !is_stuck; j = j->all_next)
		is_stuck = j->stuck_ms > 0 && now_ms >= j->stuck_ms;
	lock_put(&s->lock);
	return is_stuck;
}

bool send_drain(struct send *s, int64_t ms)
{
	int64_t until_ms = clock_mono_ms() + ms;
	bool is_done;

	lock_get(&s->lock);
	s->is_draining = true;
	while (s->idle_first)
		dismiss(s, s->idle_first);
	lock_broadcast(&s->work);
	while ((s->n_given > 0 || s->n_threads > 0) && lock_wait(&s->lock, &s->done, until_ms))
		;
	is_done = s->n_given == 0;
	lock_put(&s->lock);
	return is_done;
}

void send_abandon(struct send *s)
{
	struct queue_rcpt_result one = { QUEUE_DEFERRED, { .enhanced = S("4.3.2"), .text = S("the sending process could wait no longer") } };
	const struct queue_result r = { .stage = QUEUE_AT_CONNECT, .rcpts = &one };
	struct untold {
		uint64_t id;
		size_t n_rcpts;
	} *untold;
	size_t n = 0;

	lock_get(&s->lock);
	untold = mem_alloc(s->n_given + 1, sizeof(*untold));
	for (struct job *j = s->all_first; j; j = j->all_next) {
		if (j->is_told)
			continue;
		j->is_told = true;
		untold[n++] = (struct untold){ j->attempt.id, j->attempt.n_rcpts };
	}
	lock_put(&s->lock);
	for (size_t i = 0; i < n; i++)
		answer_same(s, untold[i].id, untold[i].n_rcpts, &r);
	mem_free(untold);
	lock_get(&s->lock); /* the others are being told at this moment */
	while (s->n_telling > 0)
		lock_wait(&s->lock, &s->done, 0);
	lock_put(&s->lock);
}

void send_pool_fini(struct send *s)
{
	must(s->n_given == 0);
	lock_get(&s->lock);
	s->is_closing = true;
	while (s->idle_first)
		dismiss(s, s->idle_first);
	lock_broadcast(&s->work);
	while (s->n_threads > 0)
		lock_wait(&s->lock, &s->done, 0);
	forget_unused(s);
	lock_put(&s->lock);
}
