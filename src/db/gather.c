/* SPDX-License-Identifier: MIT */
/*
 * Small bodies of many callers go to one pack, under one sync. The caller who finds nobody at it leads: it
 * takes all that wait, appends and syncs their bodies, hands the jobs to the writer, and makes the
 * first who has come meanwhile the next leader. So while the writer commits one batch the bodies
 * of the next are synced, and a caller alone needs no other thread for its bodies.
 *
 * States of a job here, who moves it on:
 *  1. in the list (db_gather). JOB_WAITS.
 *  2. JOB_LEADS, told by the leader before it, or found by itself: it is the first in the list.
 *  3. taken by a leader (lead), its bodies being written. Only that leader touches it.
 *  4. its bodies are synced and hold their pack (db_pack_append); the writer has it. Or they could not
 *     be stored: it is done, and has failed.
 * What a crash leaves: bytes that no row names.
 */
#include "db/job_int.h"

#include "base/must.h"

struct db_gathering {
	struct lock lock; /* guards the other two */
	struct job_list waiting;
	bool is_led;
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

/* The caller's job is the first of those that wait. */
static void lead(struct db *db, struct job *mine)
{
	struct db_gathering *g = db->gathering;
	struct job *jobs, *next;
	int rc;

	mine->state = JOB_WAITS;
	lock_get(&g->lock);
	jobs = job_list_take(&g->waiting);
	lock_put(&g->lock);
	must(jobs == mine);
	rc = store_bodies(db, jobs);
	if (rc == 0)
		db_writer_add(db->writer, jobs);
	else
		refuse(jobs, rc);
	lock_get(&g->lock);
	next = g->waiting.head;
	g->is_led = next != NULL;
	lock_put(&g->lock);
	if (next)
		job_tell(next, JOB_LEADS);
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
