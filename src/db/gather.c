/* SPDX-License-Identifier: MIT */
/*
 * Small bodies of many callers go to one pack, under one sync. The caller who finds nobody at it leads: it
 * takes all that wait, appends and syncs their bodies, and hands the jobs to the writer, who meanwhile has
 * gone on with other jobs. So a caller alone needs no other thread for its bodies, and who has none waits for nobody's.
 * Until the writer is done with them all others wait: two small batches, one behind the other, would take two
 * syncs each where one larger takes two. Then those who have come are next (db_gather_end()).
 *
 * States of a job here, who moves it on:
 *  1. in the list (db_gather). JOB_WAITS.
 *  2. JOB_LEADS, told by the writer, or found by itself: it is the first in the list.
 *  3. taken by a leader, or by the writer, its bodies being written. Only who took it touches it.
 *  4. its bodies are synced and hold their pack (db_pack_append); the writer has it. Or they could not
 *     be stored: it is done, and has failed.
 * What a crash leaves: bytes that no row names.
 */
#include "db/job_int.h"

#include "base/must.h"

struct db_gathering {
	struct lock lock; /* guards the other two */
	struct job_list waiting;
	bool is_led; /* somebody stores bodies, or the writer has the jobs of those that were */
};

struct db_gathering *db_gathering_new(void)
{
	struct db_gathering *g = MEM_NEW(struct db_gathering);

	lock_init(&g->lock);
	job_list_init(&g->waiting);
	return g;
}

void db_gathering_free(struct db_gathering **gp)
{
	struct db_gathering *g = *gp;

	if (!g)
		return;
	must(!g->waiting.head && !g->is_led);
	lock_fini(&g->lock);
	mem_free(g);
	*gp = NULL;
}

size_t db_gathering_n_waiting(struct db *db, bool *ret_is_led)
{
	struct db_gathering *g = db->gathering;
	size_t n = 0;

	lock_get(&g->lock);
	for (const struct job *job = g->waiting.head; job; job = job->next)
		n++;
	*ret_is_led = g->is_led;
	lock_put(&g->lock);
	return n;
}

/* Of all jobs; they end up in one pack, or nowhere. */
static int store_bodies(struct db *db, struct job *jobs)
{
	struct db_pack_item *chain = NULL, **tail = &chain;
	int64_t pack;
	size_t n = 0;
	int rc;

	for (const struct job *job = jobs; job; job = job->next, n++) {
		*tail = job->items;
		tail = &job->last_item->next;
	}
	rc = db_pack_append(db->packs, chain, n, &pack);
	for (struct job *job = jobs; job && rc == 0; job = job->next)
		job->pack = pack;
	return rc;
}

static void refuse(struct job *jobs, int rc)
{
	while (jobs) {
		struct job *job = jobs;

		jobs = job->next;
		job->result = rc;
		job_tell(job, JOB_IS_DONE);
	}
}

/* What was taken off the list goes to the writer, the last of it marked. False: all of it has failed. */
static bool hand_over(struct db *db, struct job *jobs)
{
	struct job *last = jobs;
	int rc;

	must(jobs != NULL);
	rc = store_bodies(db, jobs);
	if (rc < 0) {
		refuse(jobs, rc);
		return false;
	}
	while (last->next)
		last = last->next;
	last->ends_gathering = true;
	db_writer_add(db->writer, jobs);
	return true;
}

/* NULL, and nobody leads: nobody waits. */
static struct job *take(struct db_gathering *g)
{
	struct job *jobs;

	lock_get(&g->lock);
	jobs = job_list_take(&g->waiting);
	g->is_led = jobs != NULL;
	lock_put(&g->lock);
	return jobs;
}

/* The first who waits is the next to lead. */
static void appoint(struct db_gathering *g)
{
	struct job *next;

	lock_get(&g->lock);
	next = g->waiting.head;
	g->is_led = next != NULL;
	lock_put(&g->lock);
	if (next)
		job_tell(next, JOB_LEADS);
}

/* The caller's job is the first of those that wait. */
static void lead(struct db *db, struct job *mine)
{
	struct job *jobs;

	mine->state = JOB_WAITS;
	jobs = take(db->gathering);
	must(jobs == mine);
	if (!hand_over(db, jobs))
		appoint(db->gathering);
}

void db_gather_end(struct db *db, bool is_busy)
{
	struct job *jobs;

	if (is_busy) {
		appoint(db->gathering);
		return;
	}
	do {
		jobs = take(db->gathering);
	} while (jobs && !hand_over(db, jobs));
}

void db_gather(struct db *db, struct job *job)
{
	struct db_gathering *g = db->gathering;

	lock_get(&g->lock);
	job_list_add(&g->waiting, job);
	if (!g->is_led) {
		g->is_led = true;
		job->state = JOB_LEADS;
	}
	lock_put(&g->lock);
	while (!job_await(job))
		lead(db, job);
}
