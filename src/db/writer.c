/* SPDX-License-Identifier: MIT */
/*
 * Group commit: one thread writes for all. While it works on one batch the next jobs gather; it
 * takes them all at once, those that need no sync first.
 *
 * States of a job (a delivery, say), who moves it on, and what a crash leaves:
 *  1. its bodies written and synced (gather.c; a large one by its caller, into a pack of its own):
 *     bytes that no row names.
 *  2. queued (db_writer_add): the same.
 *  3. fn ran in the batch's transaction, each job in its own savepoint (run_job): rolled back
 *     by the next open.
 *  4. committed (run_transaction): synced for DB_DURABLE; for DB_LAZY within LAZY_MS, or with
 *     any durable commit before that. A crash of the machine may undo lazy jobs, newest first,
 *     never a durable one.
 *  5. hooks called, in commit order; 6. the caller woken. A crash in 4 or 5 leaves the change
 *     without an answer: the peer repeats the message. Twice is allowed, lost is not.
 *
 * Failures: a job whose bodies cannot be stored does not get here. fn's own failure undoes that
 * job. When the database throws the whole transaction away (disk full), the jobs that had run in
 * it fail with it, and those that had not run yet go on in a new one: fn runs at most once. A
 * failed commit fails all jobs of it; one whose sync failed ends the process instead (db_lose).
 */
#include "db/job_int.h"

#include <linux/futex.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/must.h"

#define LAZY_MS 1000
#define REST_MS 10000
#define HOOKS_KEPT 1024 /* a larger list is given back after its batch */

static _Thread_local uint64_t actor_of_thread;

struct hook {
	db_commit_hook *fn;
	void *ctx, *owned;
};

struct db_writer {
	struct db *db;
	pthread_t thread;
	struct lock lock; /* guards the next four */
	struct lock_cond wake;
	struct job_list queue;
	bool is_waiting, is_closing;
	int64_t rest_at_ms; /* 0: nothing to look after */
	/* the writer thread's own */
	struct db_tx tx;
	struct hook *hooks;
	size_t n_hooks, cap_hooks;
	void (*after_hooks)(void *ctx);
	void *after_ctx;
	int64_t lazy_since_ms; /* 0: everything is synced */
	int64_t last_batch_ms;
};

/* ---- a job's way ---- */

void job_list_init(struct job_list *l)
{
	l->head = NULL;
	l->tail = &l->head;
}

void job_list_add(struct job_list *l, struct job *job)
{
	job->next = NULL;
	*l->tail = job;
	l->tail = &job->next;
}

struct job *job_list_take(struct job_list *l)
{
	struct job *first = l->head, *last = first;
	size_t n = 1, bytes;

	if (!first)
		return NULL;
	for (bytes = first->bytes; last->next && n < BATCH_JOBS; n++) {
		bytes += last->next->bytes;
		if (bytes > BATCH_BYTES)
			break;
		last = last->next;
	}
	l->head = last->next;
	if (!l->head)
		l->tail = &l->head;
	last->next = NULL;
	return first;
}

void job_tell(struct job *job, enum job_state state)
{
	uint32_t *word = &job->state;

	__atomic_store_n(word, state, __ATOMIC_RELEASE);
	/*
	 * The job may be gone by now; waking a stale address wakes nobody or somebody who looks
	 * again.
	 */
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

bool job_await(struct job *job)
{
	uint32_t state;

	while ((state = __atomic_load_n(&job->state, __ATOMIC_ACQUIRE)) == JOB_WAITS)
		syscall(SYS_futex, &job->state, FUTEX_WAIT_PRIVATE, JOB_WAITS, NULL, NULL, 0);
	return state == JOB_IS_DONE;
}

/* ---- hooks ---- */

void db_on_commit(struct db_tx *tx, db_commit_hook *hook, void *ctx, void *owned)
{
	struct db_writer *w = tx->db->writer;

	must(tx->magic == DB_TX_MAGIC && tx == &w->tx);
	if (w->n_hooks == w->cap_hooks) {
		w->cap_hooks = w->cap_hooks ? 2 * w->cap_hooks : 64;
		w->hooks = mem_resize(w->hooks, w->cap_hooks, sizeof(*w->hooks));
	}
	w->hooks[w->n_hooks++] = (struct hook){ hook, ctx, owned };
}

void db_after_hooks(struct db *db, void (*fn)(void *ctx), void *ctx)
{
	db->writer->after_hooks = fn;
	db->writer->after_ctx = ctx;
}

/* Those from mark on never run. */
static void drop_hooks(struct db_writer *w, size_t mark)
{
	while (w->n_hooks > mark)
		mem_free(w->hooks[--w->n_hooks].owned);
}

static void run_hooks(struct db_writer *w)
{
	for (size_t i = 0; i < w->n_hooks; i++)
		w->hooks[i].fn(w->hooks[i].ctx, w->hooks[i].owned);
	if (w->n_hooks > 0 && w->after_hooks)
		w->after_hooks(w->after_ctx);
	drop_hooks(w, 0);
	if (w->cap_hooks > HOOKS_KEPT) {
		mem_free(w->hooks);
		w->hooks = NULL;
		w->cap_hooks = 0;
	}
}

/* ---- one batch ---- */

static int begin(struct db_writer *w, const struct job *from)
{
	enum db_begin how = DB_BEGIN_LAZY;

	for (; from; from = from->next)
		if (from->j->durability == DB_DURABLE)
			how = DB_BEGIN_DURABLE;
	return w->db->driver->begin(w->tx.conn, how);
}

/* What the other jobs of a lost transaction are told: the trouble, not the job's own refusal. */
static int lost_code(int rc)
{
	return rc == -E_DISK_FULL || rc == -E_BUSY ? rc : -E_IO;
}

/*
 * 0, whether the job succeeded or not; negative: the transaction is lost. One that is alone needs no
 * savepoint: what undoes it undoes the transaction.
 */
static int run_job(struct db_writer *w, struct job *job, bool is_alone)
{
	const struct db_driver *d = w->db->driver;
	size_t mark = w->n_hooks;
	int rc = is_alone ? 0 : d->savepoint(w->tx.conn, DB_SAVEPOINT_SET);

	if (rc < 0)
		return lost_code(rc);
	w->tx.actor = job->actor;
	job->result = job->j->fn(&w->tx, job->j->arg);
	must(job->result <= 0);
	must(w->tx.n_open == 0); /* a query was not ended */
	if (!d->is_in_tx(w->tx.conn))
		return lost_code(job->result);
	if (job->result < 0)
		drop_hooks(w, mark);
	if (is_alone)
		return 0;
	rc = d->savepoint(w->tx.conn, job->result < 0 ? DB_SAVEPOINT_UNDO : DB_SAVEPOINT_KEEP);
	return rc < 0 ? lost_code(rc) : 0;
}

static int commit(struct db_writer *w)
{
	int rc = w->db->driver->commit(w->tx.conn);

	if (rc < 0)
		db_note_fault(w->db, rc, "commit failed", w->db->driver->error_z(w->tx.conn));
	return rc;
}

static void fail_jobs(struct job *from, const struct job *end, int rc, bool is_unsure)
{
	for (; from != end; from = from->next) {
		if (from->result < 0)
			continue;
		from->result = rc;
		from->is_unsure = is_unsure;
	}
}

/*
 * Runs jobs from the given one on; returns the first that has not run yet, NULL when all have
 * their result.
 */
static struct job *run_transaction(struct db_writer *w, struct job *from)
{
	struct job *end = from;
	bool is_committing = false, is_alone = !from->next;
	int rc = begin(w, from);

	if (rc < 0) {
		db_note_fault(w->db, rc, "cannot begin", w->db->driver->error_z(w->tx.conn));
		fail_jobs(from, NULL, rc, false);
		return NULL;
	}
	for (; end && rc == 0; end = end->next)
		rc = run_job(w, end, is_alone);
	if (rc == 0 && is_alone && from->result < 0) {
		w->db->driver->rollback(w->tx.conn);
		return NULL;
	}
	if (rc == 0) {
		is_committing = true;
		rc = commit(w);
	} else {
		db_note_fault(w->db, rc, "transaction lost", w->db->driver->error_z(w->tx.conn));
	}
	if (rc == 0) {
		run_hooks(w);
		return end;
	}
	drop_hooks(w, 0);
	w->db->driver->rollback(w->tx.conn);
	/* When there was no room for it, its last frame is not on the disk. */
	fail_jobs(from, end, rc, is_committing && rc != -E_DISK_FULL);
	return end;
}

/* Jobs of one kind, and their callers woken. */
static void run_jobs(struct db_writer *w, struct job *jobs)
{
	struct job *job = jobs;

	while (job)
		job = run_transaction(w, job);
	while (jobs) {
		job = jobs;
		jobs = job->next;
		job_tell(job, JOB_IS_DONE);
	}
}

static bool has_jobs(struct db_writer *w)
{
	bool has;

	lock_get(&w->lock);
	has = w->queue.head != NULL;
	lock_put(&w->lock);
	return has;
}

/*
 * What need not be synced goes first, in a transaction of its own: nobody waits for a sync that he has
 * not asked for. All of a batch wait at the same time, so none of them can tell which came first.
 */
static void run_batch(struct db_writer *w, struct job *batch)
{
	struct job_list lazy, durable;
	bool ends_gathering = false;

	job_list_init(&lazy);
	job_list_init(&durable);
	while (batch) {
		struct job *job = batch;

		batch = job->next;
		ends_gathering |= job->ends_gathering;
		job_list_add(job->j->durability == DB_LAZY ? &lazy : &durable, job);
	}
	run_jobs(w, lazy.head);
	run_jobs(w, durable.head);
	if (ends_gathering)
		db_gather_end(w->db, has_jobs(w));
}

/* ---- between batches ---- */

static void sync_lazy(struct db_writer *w)
{
	const struct db_driver *d = w->db->driver;
	int64_t now = clock_mono_ms();
	int rc;

	if (!d->is_unsynced(w->tx.conn)) {
		w->lazy_since_ms = 0;
		return;
	}
	if (!w->lazy_since_ms)
		w->lazy_since_ms = now;
	if (now - w->lazy_since_ms < LAZY_MS && !w->is_closing)
		return;
	rc = d->sync(w->tx.conn);
	if (rc < 0)
		db_note_fault(w->db, rc, "sync failed", d->error_z(w->tx.conn));
	w->lazy_since_ms = rc < 0 ? now : 0; /* failed: again in a while */
}

static void tidy(struct db_writer *w, bool is_rest)
{
	const struct db_driver *d = w->db->driver;
	enum db_tidy what = DB_TIDY_REST;
	int rc;

	if (!is_rest)
		what = has_jobs(w) ? DB_TIDY_BUSY : DB_TIDY_IDLE;
	rc = d->tidy(w->tx.conn, what);
	if (rc < 0)
		db_note_fault(w->db, rc, "checkpoint failed", d->error_z(w->tx.conn));
}

static void rest(struct db_writer *w)
{
	int64_t now = clock_mono_ms();
	bool is_due, is_any;

	lock_get(&w->lock);
	is_due = w->rest_at_ms && now >= w->rest_at_ms;
	if (is_due)
		w->rest_at_ms = 0;
	lock_put(&w->lock);
	if (!is_due)
		return;
	is_any = db_readers_shrink(w->db, now);
	if (now - w->last_batch_ms >= REST_MS)
		tidy(w, true);
	else
		is_any = true;
	lock_get(&w->lock);
	if (is_any)
		w->rest_at_ms = now + REST_MS;
	lock_put(&w->lock);
}

static int64_t next_deadline(const struct db_writer *w)
{
	int64_t lazy = w->lazy_since_ms ? w->lazy_since_ms + LAZY_MS : 0;

	if (!lazy || !w->rest_at_ms)
		return lazy ? lazy : w->rest_at_ms;
	return lazy < w->rest_at_ms ? lazy : w->rest_at_ms;
}

/* The next batch; NULL when something else is due. False: closing, and nothing is left to do. */
static bool wait_for_work(struct db_writer *w, struct job **ret)
{
	bool is_open;

	lock_get(&w->lock);
	if (!w->queue.head && !w->is_closing) {
		int64_t deadline = next_deadline(w);

		w->is_waiting = true;
		if (!deadline || deadline > clock_mono_ms())
			lock_wait(&w->lock, &w->wake, deadline);
		w->is_waiting = false;
	}
	*ret = job_list_take(&w->queue);
	if (*ret && !w->rest_at_ms)
		w->rest_at_ms = clock_mono_ms() + REST_MS;
	is_open = *ret || !w->is_closing;
	lock_put(&w->lock);
	return is_open;
}

static void *writer_main(void *arg)
{
	struct db_writer *w = arg;
	struct job *batch;

	pthread_setname_np(pthread_self(), "db-writer");
	while (wait_for_work(w, &batch)) {
		if (batch) {
			run_batch(w, batch);
			w->last_batch_ms = clock_mono_ms();
			tidy(w, false);
		}
		sync_lazy(w);
		rest(w);
	}
	sync_lazy(w);
	return NULL;
}

struct db_writer *db_writer_new(struct db *db, struct db_conn *conn)
{
	struct db_writer *w = MEM_NEW(struct db_writer);
	sigset_t all, old;

	w->db = db;
	job_list_init(&w->queue);
	w->tx = (struct db_tx){ .magic = DB_TX_MAGIC, .is_write = true, .db = db, .conn = conn };
	lock_init(&w->lock);
	lock_cond_init(&w->wake);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	must(pthread_create(&w->thread, NULL, writer_main, w) == 0);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return w;
}

void db_writer_stop(struct db_writer *w)
{
	if (!w)
		return;
	lock_get(&w->lock);
	w->is_closing = true;
	lock_signal(&w->wake);
	lock_put(&w->lock);
	must(pthread_join(w->thread, NULL) == 0);
}

void db_writer_free(struct db_writer **wp)
{
	struct db_writer *w = *wp;

	if (!w)
		return;
	w->db->driver->close(w->tx.conn);
	lock_cond_fini(&w->wake);
	lock_fini(&w->lock);
	mem_free(w->hooks);
	mem_free(w);
	*wp = NULL;
}

void db_writer_nudge(struct db *db)
{
	struct db_writer *w = db->writer;

	lock_get(&w->lock);
	if (!w->rest_at_ms) {
		w->rest_at_ms = clock_mono_ms() + REST_MS;
		if (w->is_waiting)
			lock_signal(&w->wake);
	}
	lock_put(&w->lock);
}

bool db_writer_is_me(const struct db *db)
{
	return db->writer && pthread_equal(db->writer->thread, pthread_self());
}

size_t db_writer_n_waiting(struct db *db)
{
	struct db_writer *w = db->writer;
	size_t n = 0;

	lock_get(&w->lock);
	for (const struct job *job = w->queue.head; job; job = job->next)
		n++;
	lock_put(&w->lock);
	return n;
}

/* ---- the callers' side ---- */

void db_act_as(uint64_t actor)
{
	actor_of_thread = actor;
}

uint64_t db_actor(const struct db_tx *tx)
{
	return tx->actor;
}

void db_writer_add(struct db_writer *w, struct job *jobs)
{
	bool needs_wake;

	lock_get(&w->lock);
	must(!w->is_closing);
	while (jobs) {
		struct job *job = jobs;

		jobs = job->next;
		job_list_add(&w->queue, job);
	}
	needs_wake = w->is_waiting;
	w->is_waiting = false; /* one signal is enough */
	lock_put(&w->lock);
	if (needs_wake)
		lock_signal(&w->wake);
}

/* Chains the items of all bodies; returns their bytes. */
static size_t chain_items(struct db_write_job *j, struct db_pack_item *items)
{
	size_t bytes = 0;

	for (size_t i = 0; i < j->n_bodies; i++) {
		db_pack_item_init(&items[i], &j->bodies[i]);
		if (i)
			items[i - 1].next = &items[i];
		bytes += j->bodies[i].bytes.n;
	}
	return bytes;
}

/* A ref of a failed job names nothing that may be relied on. */
static int forget_refs(struct db_write_job *j, int rc)
{
	for (size_t i = 0; i < j->n_bodies; i++)
		j->bodies[i].ref = (struct blob_ref){ 0 };
	return rc;
}

static int write_with(struct db *db, struct db_write_job *j, struct db_pack_item *items)
{
	struct job job = { .j = j, .bytes = chain_items(j, items), .actor = actor_of_thread };
	bool has_own = job.bytes > LIMIT_BODY_BATCHED;
	int rc = j->n_bodies && !db_has_room(db, (int64_t)job.bytes) ? -E_DISK_FULL : 0;

	if (rc == 0 && has_own)
		rc = db_pack_write_own(db->packs, items);
	if (rc < 0)
		return forget_refs(j, rc);
	if (j->n_bodies && !has_own) {
		job.items = items;
		job.last_item = &items[j->n_bodies - 1];
		db_gather(db, &job);
	} else {
		db_writer_add(db->writer, &job);
		must(job_await(&job));
	}
	if (job.pack && !job.is_unsure)
		db_pack_let_go(db->packs, job.pack);
	if (has_own && job.result == 0)
		db_pack_keep_own(db->packs, j->bodies[0].ref.pack);
	else if (has_own && !job.is_unsure)
		db_pack_drop_own(db->packs, j->bodies[0].ref.pack);
	return job.result < 0 ? forget_refs(j, job.result) : 0;
}

int db_write(struct db *db, struct db_write_job *j)
{
	struct db_pack_item few[2];

	must(!db_writer_is_me(db)); /* a job or hook that waits for the writer waits for itself */
	if (j->n_bodies <= ARRAY_LEN(few))
		return write_with(db, j, few);
	AUTO(mem_auto_free) struct db_pack_item *many = mem_alloc(j->n_bodies, sizeof(*many));

	return write_with(db, j, many);
}
