/* SPDX-License-Identifier: MIT */
/* See run.h. An attempt belongs to one thread at a time; what they share is the counter of a crew and see(), behind its lock. */
#include "doctor/run.h"

#include "base/clock.h"
#include "base/lock.h"
#include "doctor/host.h"
#include "doctor/rank.h"

#define STACK (256u << 10)
#define SHARE_NAMES 4 /* of what is left, this part is for the names */
#define SHARE_LOGIN 3 /* and this one for logins, where there are any */
#define MIN_LOGIN_MS 500

/* ---- a crew: n jobs, some threads ---- */

struct crew {
	struct lock lock;
	size_t next, n, n_done;
	void (*job)(struct crew *c, size_t i);
	const struct doctor_run *run;
	struct doctor_report *report;
	int64_t until_ms;
};

static bool take(struct crew *c, size_t *ret)
{
	bool is_left;

	lock_get(&c->lock);
	is_left = c->next < c->n;
	*ret = c->next;
	c->next += is_left;
	lock_put(&c->lock);
	return is_left;
}

static void *work(void *arg)
{
	struct crew *c = arg;
	size_t i;

	while (take(c, &i))
		c->job(c, i);
	return NULL;
}

static void run_crew(struct crew *c)
{
	pthread_t threads[LIMIT_DOCTOR_THREADS];
	size_t n = 0, wanted = c->n < LIMIT_DOCTOR_THREADS ? c->n : LIMIT_DOCTOR_THREADS;
	pthread_attr_t attr;

	lock_init(&c->lock);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	while (n < wanted && pthread_create(&threads[n], &attr, work, c) == 0)
		n++;
	if (n == 0)
		work(c);
	while (n > 0)
		pthread_join(threads[--n], NULL);
	pthread_attr_destroy(&attr);
	lock_fini(&c->lock);
}

static int64_t share(const struct doctor_setup *s, int64_t part)
{
	int64_t now_ms = clock_mono_ms();

	return now_ms + (s->deadline_ms - now_ms) / part;
}

/* ---- names ---- */

static void find_host(struct crew *c, size_t i)
{
	doctor_host_find(&c->report->hosts[i], c->run->setup, c->until_ms);
}

static struct doctor_host *host_of(const struct doctor_report *r, const struct doctor_candidate *c)
{
	for (size_t i = 0; i < r->n_hosts; i++)
		if (str_ieq(str_z(r->hosts[i].name_z), str_z(c->host_z)))
			return &r->hosts[i];
	return NULL;
}

static void name_host(struct doctor_report *r, const struct doctor_candidate *c)
{
	struct doctor_host *h = host_of(r, c);

	if (!h && r->n_hosts < LIMIT_DOCTOR_HOSTS) {
		h = &r->hosts[r->n_hosts++];
		h->name_z = c->host_z;
	}
	if (h)
		h->is_named |= c->source <= DOCTOR_BY_AUTOCONFIG;
}

static void find_hosts(const struct doctor_run *run, struct doctor_report *r)
{
	struct crew c = { .job = find_host, .run = run, .report = r, .until_ms = share(run->setup, SHARE_NAMES) };

	r->hosts = mem_alloc(LIMIT_DOCTOR_HOSTS, sizeof(*r->hosts));
	for (size_t i = 0; i < run->n; i++)
		name_host(r, &run->candidates[i]);
	c.n = r->n_hosts;
	run_crew(&c);
}

/* ---- attempts ---- */

static struct doctor_attempt *add_attempt(struct doctor_report *r, const struct doctor_candidate *c, const struct doctor_host *h)
{
	struct doctor_attempt *a = &r->v[r->n];

	if (r->n == LIMIT_DOCTOR_ATTEMPTS) {
		r->n_left_out++;
		return NULL;
	}
	*a = (struct doctor_attempt){ .candidate = c, .is_host_named = h->is_named, .stages[DOCTOR_AT_DNS] = h->stage };
	doctor_attempt_init(a);
	r->n++;
	return a;
}

/* A name without addresses fails once for each protocol: at the port that a program would try first. */
static bool has_failed(struct doctor_report *r, const struct doctor_candidate *c)
{
	for (size_t i = 0; i < r->n; i++) {
		struct doctor_attempt *a = &r->v[i];

		if (a->has_address || a->candidate->protocol != c->protocol || !str_ieq(str_z(a->candidate->host_z), str_z(c->host_z)))
			continue;
		if (doctor_rank_hope(c, a->candidate) < 0)
			a->candidate = c;
		return true;
	}
	return false;
}

static void add_candidate(struct doctor_report *r, const struct doctor_candidate *c)
{
	const struct doctor_host *h = host_of(r, c);
	struct doctor_attempt *a;

	if (!h) {
		r->n_left_out++;
		return;
	}
	if (h->n == 0 && !has_failed(r, c))
		(void)add_attempt(r, c, h);
	for (size_t i = 0; i < h->n; i++) {
		a = add_attempt(r, c, h);
		if (!a)
			return;
		a->has_address = true;
		a->address = h->addresses[i];
		a->address.v4.sin_port = htons(c->port); /* at the same place in both */
	}
}

static void see(struct crew *c, const struct doctor_attempt *a)
{
	lock_get(&c->lock);
	c->n_done++;
	if (c->run->see)
		c->run->see(c->run->ctx, a, c->n_done, c->n);
	lock_put(&c->lock);
}

static void try_attempt(struct crew *c, size_t i)
{
	struct doctor_attempt *a = &c->report->v[i];

	if (a->has_address && clock_mono_ms() < c->until_ms)
		doctor_attempt_run(a, c->run->setup, false, c->until_ms);
	see(c, a);
}

static void try_all(const struct doctor_run *run, struct doctor_report *r)
{
	const struct doctor_setup *s = run->setup;
	int64_t now_ms = clock_mono_ms(), left_ms = s->deadline_ms - now_ms;
	struct crew c = { .job = try_attempt, .run = run, .report = r, .until_ms = s->deadline_ms };

	if (s->user.n > 0)
		c.until_ms -= left_ms / SHARE_LOGIN;
	r->v = mem_alloc(LIMIT_DOCTOR_ATTEMPTS, sizeof(*r->v));
	for (size_t i = 0; i < run->n; i++)
		add_candidate(r, &run->candidates[i]);
	c.n = r->n;
	run_crew(&c);
}

/* ---- logins ---- */

static bool may_log_in(enum doctor_protocol p)
{
	return p == DOCTOR_IMAP || p == DOCTOR_POP3 || p == DOCTOR_SUBMISSION;
}

/* The attempt again, with the login; what it comes to replaces what it came to, which is all that is known if the time was short: false. */
static bool log_in(struct doctor_attempt *a, const struct doctor_setup *s)
{
	struct doctor_attempt with = { .candidate = a->candidate, .address = a->address, .has_address = true, .is_host_named = a->is_host_named,
				       .stages[DOCTOR_AT_DNS] = a->stages[DOCTOR_AT_DNS] };

	doctor_attempt_init(&with);
	doctor_attempt_run(&with, s, true, s->deadline_ms);
	with.cause = doctor_cause_of(&with);
	if (with.cause == DOCTOR_NO_TIME) {
		doctor_attempt_fini(&with);
		return false;
	}
	doctor_attempt_fini(a);
	*a = with;
	return true;
}

static const char *why_stopped(const struct doctor_attempt *a)
{
	if (a->cause == DOCTOR_LOGIN_REFUSED)
		return "one was refused, and more of them may shut the account out";
	return a->cause == DOCTOR_LOGIN_LATER ? "the server cannot check logins now" : NULL;
}

static const char no_time_z[] = "there was no time left";

/* RFC 6186 6, RFC 8314 5.1: who forges an unsigned DNS must not get a password that way. NULL: nothing speaks against it. */
static const char *why_not(const struct doctor_attempt *a, const struct doctor_setup *s)
{
	if (a->candidate->is_unproven)
		return "a host is outside of the domain, and only a DNS without signatures names it; if it is the right one, check that host itself with --user";
	return s->deadline_ms - clock_mono_ms() < MIN_LOGIN_MS ? no_time_z : NULL;
}

static void log_in_everywhere(const struct doctor_run *run, struct doctor_report *r)
{
	const char *stopped_z = NULL;

	for (unsigned p = 0; p < DOCTOR_N_PROTOCOLS && !stopped_z; p++) {
		struct doctor_attempt *a = doctor_rank_best(r->v, r->n, (enum doctor_protocol)p);
		const char *why_not_z;

		if (!a || !may_log_in(a->candidate->protocol) || !a->is_verified)
			continue;
		why_not_z = why_not(a, run->setup);
		if (why_not_z) {
			r->login_stopped_z = why_not_z;
			continue;
		}
		if (log_in(a, run->setup))
			stopped_z = why_stopped(a);
		else
			r->login_stopped_z = no_time_z;
	}
	if (stopped_z)
		r->login_stopped_z = stopped_z;
}

void doctor_run(const struct doctor_run *run, struct doctor_report *ret)
{
	*ret = (struct doctor_report){ 0 };
	find_hosts(run, ret);
	try_all(run, ret);
	doctor_judge(ret->v, ret->n);
	if (run->setup->user.n > 0)
		log_in_everywhere(run, ret);
}

void doctor_report_fini(struct doctor_report *r)
{
	for (size_t i = 0; i < r->n; i++)
		doctor_attempt_fini(&r->v[i]);
	mem_free(r->v);
	mem_free(r->hosts);
	*r = (struct doctor_report){ 0 };
}
