/* SPDX-License-Identifier: MIT */
/*
 * The schedule's thread. One turn: take what the sender says, look where something new is, start attempts, look at old messages, let
 * destinations go that have nothing to do, wait. Everything that it knows can be read from the rows again; hints
 * only save it from looking.
 */
#include "queue/schedule_int.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rnd.h"

#define WAIT_MAX_MS 60000  /* wall clocks jump */
#define TROUBLE_MS 1000    /* the database cannot be read */
#define RESULTS_ARENA (16u << 20)
#define FIRST_LOOK_MS 500  /* is waited for at the start */
#define LOOK_S 60          /* how late the age of a message that has just come may be seen */
#define STEP_MS 300000     /* a clock that is so far off at once was set, or slept */

/* ---- one turn ---- */

static int take_hints(struct queue_sched *s)
{
	char *hints[QUEUE_HINTS];
	size_t n;
	int rc = 0;

	if (queue_hints_take(s->q, hints, &n)) {
		s->wants_scan = true;
		s->next_look_s = 0;
	}
	if (n > 0 && s->next_look_s > s->now_s + LOOK_S)
		s->next_look_s = s->now_s + LOOK_S;
	for (size_t i = 0; i < n; i++) {
		if (rc == 0)
			rc = queue_dests_hint(s, str_z(hints[i]));
		mem_free(hints[i]);
	}
	s->wants_scan |= rc < 0;
	return rc;
}

static int work(struct queue_sched *s)
{
	int rc = take_hints(s);

	if (rc == 0 && (s->conf != s->keyed || !s->is_keyed)) {
		s->configured_id = s->last_id;
		s->root_signed_s = 0; /* there may be other resolvers */
		rc = queue_rekey(s);
		if (rc == 0 && !s->is_keyed)
			rc = queue_dests_refresh(s);
		conf_unref(s->keyed);
		s->keyed = s->conf ? conf_ref(s->conf) : NULL;
		s->is_keyed = rc == 0;
	}
	if (rc == 0 && (s->next_due_s <= s->now_s || s->wants_scan || (s->has_unseen && s->has_room)))
		rc = queue_dests_scan(s);
	if (rc == 0)
		rc = queue_flights_start(s);
	if (rc == 0 && s->next_look_s <= s->now_s)
		rc = queue_age_look(s);
	if (rc == 0 && s->next_report_s <= s->now_s)
		queue_reports_look(s);
	return rc == 0 ? queue_dests_rest(s) : rc;
}

static void look_at_clock(struct queue_sched *s)
{
	int64_t ahead_ms = clock_ahead_ms(), step_ms = ahead_ms - s->ahead_ms;

	s->now_s = clock_wall_ms() / 1000;
	if (s->n_turns == 0 || step_ms > STEP_MS || step_ms < -STEP_MS)
		s->since_s = s->now_s;
	s->ahead_ms = ahead_ms;
}

/* What waited while nothing was to be sent is due, whatever its age. */
static void look_at_settings(struct queue_sched *s)
{
	if (s->set->is_sending && !s->was_sending) {
		s->since_s = s->now_s;
		s->wants_scan = true;
		s->is_keyed = false;
	}
	s->was_sending = s->set->is_sending;
}

static void turn(struct queue_sched *s, int *ret_rc)
{
	s->conf = queue_conf_get(s->q);
	s->set = queue_conf_of(s->conf);
	look_at_clock(s);
	look_at_settings(s);
	queue_results_take(s);
	if (!s->is_stopping && !s->is_cut_off && s->retry_ms == 0)
		*ret_rc = work(s);
	s->n_turns++;
	s->n_active_seen = (int64_t)s->n_dests;
	s->n_flights_seen = (int64_t)s->n_flights;
	conf_unref(s->conf);
	s->conf = NULL;
}

/* ---- waiting ---- */

/* May something be started at once? */
static bool has_more(const struct queue_sched *s)
{
	if (s->is_stopping || s->is_full || s->is_cut_off || s->retry_ms > 0)
		return false;
	return s->next_look_s <= s->now_s || s->wants_scan || (s->has_unseen && s->has_room);
}

static int wait_ms(const struct queue_sched *s, int rc)
{
	int64_t next_s = s->next_due_s < s->next_look_s ? s->next_due_s : s->next_look_s;
	int64_t ms;

	if (next_s > s->next_report_s)
		next_s = s->next_report_s;
	if (rc < 0)
		return TROUBLE_MS;
	if (s->is_stopping || s->retry_ms > 0)
		return 100;
	if (has_more(s))
		return 0;
	if (next_s >= INT64_MAX / 1000)
		return WAIT_MAX_MS;
	ms = next_s * 1000 - clock_wall_ms();
	return ms < 1 ? 1 : ms < WAIT_MAX_MS ? (int)ms : WAIT_MAX_MS;
}

static void wait_for_news(struct queue_sched *s, int rc)
{
	struct pollfd fds[2] = { { .fd = s->event_fd, .events = POLLIN },
				 { .fd = s->is_cut_off ? -1 : s->fd, .events = POLLIN } };
	uint64_t n;

	if (s->is_full)
		fds[1].events |= POLLOUT;
	/* What cannot be written down stays where it is. */
	if (s->retry_ms > 0)
		fds[1].fd = -1;
	if (poll(fds, 2, wait_ms(s, rc)) > 0) {
		if (fds[0].revents && read(s->event_fd, &n, sizeof(n)) < 0 && errno != EAGAIN)
			LOG(ERROR, "queue.schedule", F_Z("fault", "cannot read the eventfd"));
		s->is_full = s->is_full && !(fds[1].revents & POLLOUT);
	}
}

static bool is_done(const struct queue_sched *s)
{
	return s->is_stopping && ((s->n_flights == 0 && s->retry_ms == 0) || s->is_cut_off || clock_mono_ms() >= s->stop_ms);
}

static void wake(int event_fd)
{
	uint64_t one = 1;

	(void)!write(event_fd, &one, sizeof(one)); /* full: who reads it is awake */
}

static void *run(void *arg)
{
	struct queue_sched *s = arg;
	bool is_first = true;

	prctl(PR_SET_NAME, "schedule");
	while (!is_done(s)) {
		int rc = 0;

		turn(s, &rc);
		if (is_first)
			wake(s->looked_fd);
		is_first = false;
		if (rc < 0)
			LOG(WARN, "queue.schedule", F_Z("err", err_row(rc)->name), F_Z("then", "trying again"));
		if (!is_done(s))
			wait_for_news(s, rc);
	}
	return NULL;
}

/* ---- from outside ---- */

static void wake_schedule(void *ctx)
{
	wake(((struct queue_sched *)ctx)->event_fd);
}

static void set_wake(struct queue *q, void (*fn)(void *ctx), struct queue_sched *s)
{
	lock_get(&q->flying);
	q->sched = s;
	lock_put(&q->flying);
	lock_get(&q->lock);
	q->wake = fn;
	q->wake_ctx = s;
	lock_put(&q->lock);
}

/* Signals go to the main thread. */
static bool start_thread(struct queue_sched *s)
{
	sigset_t all, before;
	bool is_started;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	is_started = pthread_create(&s->thread, NULL, run, s) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return is_started;
}

static void close_fds(struct queue_sched *s)
{
	if (s->event_fd >= 0)
		close(s->event_fd);
	if (s->looked_fd >= 0)
		close(s->looked_fd);
}

int queue_sched_start(struct queue *q, int fd, struct queue_sched **ret, struct fault *fault)
{
	struct queue_sched *s = MEM_NEW(struct queue_sched);

	s->q = q;
	s->fd = fd;
	s->wants_scan = true;
	s->last_id = rnd_u64() >> 1; /* ids of another life mean nothing */
	arena_init(&s->results, RESULTS_ARENA);
	s->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->looked_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	set_wake(q, wake_schedule, s);
	if (s->event_fd >= 0 && s->looked_fd >= 0 && start_thread(s)) {
		(void)poll(&(struct pollfd){ .fd = s->looked_fd, .events = POLLIN }, 1, FIRST_LOOK_MS);
		*ret = s;
		return 0;
	}
	set_wake(q, NULL, NULL);
	close_fds(s);
	mem_free(s);
	return fault_set(fault, -E_IO, "cannot start the schedule of outgoing mail");
}

void queue_sched_stop(struct queue_sched **sp, int64_t ms)
{
	struct queue_sched *s = *sp;

	if (!s)
		return;
	s->stop_ms = clock_mono_ms() + ms;
	s->is_stopping = true;
	wake(s->event_fd);
	pthread_join(s->thread, NULL);
	set_wake(s->q, NULL, NULL);
	for (size_t b = 0; b < SCHED_BUCKETS; b++)
		while (s->by_id[b])
			queue_flight_end(s, s->by_id[b]);
	queue_dests_free(s);
	arena_fini(&s->results);
	conf_unref(s->keyed);
	close_fds(s);
	mem_free(s);
	*sp = NULL;
}

void queue_sched_wake(struct queue *q)
{
	queue_hint(q, (struct str){ 0 });
}

void queue_sched_counts(struct queue *q, struct queue_counts *ret)
{
	lock_get(&q->lock);
	if (q->wake) {
		const struct queue_sched *s = q->wake_ctx;

		ret->active = s->n_active_seen;
		ret->attempts = s->n_flights_seen;
	}
	lock_put(&q->lock);
}
