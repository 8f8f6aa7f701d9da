/* SPDX-License-Identifier: MIT */
/* Who waits for whom at the writer. */
#include "db/db_test.h"

#include <pthread.h>
#include <semaphore.h>
#include <time.h>
#include <unistd.h>

#define LONG_S 10

/* A caller whose job stays in its transaction until it may go on. */
struct caller {
	struct db *db;
	enum db_durability durability;
	sem_t entered, open, answered;
	pthread_t thread;
	int result;
};

static int held_fn(struct db_tx *tx, void *arg)
{
	struct caller *c = arg;

	(void)tx;
	sem_post(&c->entered);
	sem_wait(&c->open);
	return 0;
}

static void *call_main(void *arg)
{
	struct caller *c = arg;

	c->result = db_write(c->db, &(struct db_write_job){ .fn = held_fn, .arg = c, .durability = c->durability });
	sem_post(&c->answered);
	return NULL;
}

static void call(struct caller *c, struct db *db, enum db_durability durability)
{
	*c = (struct caller){ .db = db, .durability = durability };
	sem_init(&c->entered, 0, 0);
	sem_init(&c->open, 0, 0);
	sem_init(&c->answered, 0, 0);
	assert_int_equal(pthread_create(&c->thread, NULL, call_main, c), 0);
}

static bool comes(sem_t *s)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += LONG_S;
	return sem_timedwait(s, &until) == 0;
}

static void end(struct caller *c)
{
	pthread_join(c->thread, NULL);
	assert_int_equal(c->result, 0);
	sem_destroy(&c->entered);
	sem_destroy(&c->open);
	sem_destroy(&c->answered);
}

static void await_queued(struct db *db, size_t n)
{
	while (db_writer_n_waiting(db) < n)
		usleep(100);
}

/* Both wait, the durable one longer; the other is answered while the durable one is not even written. */
TEST(db_lazy_waits_for_no_sync_of_others)
{
	struct caller first, durable, lazy;
	struct db *db = test_open(test_dir());

	call(&first, db, DB_DURABLE);
	assert_true(comes(&first.entered));
	call(&durable, db, DB_DURABLE);
	await_queued(db, 1);
	call(&lazy, db, DB_LAZY);
	await_queued(db, 2);
	sem_post(&lazy.open);
	sem_post(&first.open);
	assert_true(comes(&durable.entered));
	assert_true(comes(&lazy.answered));
	sem_post(&durable.open);
	end(&first);
	end(&lazy);
	end(&durable);
	db_close(&db);
}
