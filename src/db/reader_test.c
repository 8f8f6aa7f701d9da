/* SPDX-License-Identifier: MIT */
/* Reading connections: few, for many threads, also when the process has no descriptors for more. */
#include "db/db_test.h"

#include <pthread.h>
#include <semaphore.h>
#include <sys/resource.h>
#include <unistd.h>

#define CROWD 40
#define READS 50

struct holder {
	struct db *db;
	sem_t begun, may_end;
	pthread_t thread;
};

static void *hold_main(void *arg)
{
	struct holder *h = arg;
	struct db_tx *tx;

	if (db_read_begin(h->db, &tx) < 0)
		abort();
	sem_post(&h->begun);
	sem_wait(&h->may_end);
	db_read_end(&tx);
	return NULL;
}

static void hold(struct holder *h, struct db *db)
{
	h->db = db;
	sem_init(&h->begun, 0, 0);
	sem_init(&h->may_end, 0, 0);
	pthread_create(&h->thread, NULL, hold_main, h);
	sem_wait(&h->begun);
}

static void let_go(struct holder *h)
{
	sem_post(&h->may_end);
	pthread_join(h->thread, NULL);
	sem_destroy(&h->begun);
	sem_destroy(&h->may_end);
}

static void *read_main(void *arg)
{
	struct db *db = arg;
	intptr_t failed = 0;

	for (int i = 0; i < READS; i++) {
		struct db_tx *tx = NULL;

		failed += db_read_begin(db, &tx) < 0;
		db_read_end(&tx);
	}
	return (void *)failed;
}

static rlim_t allow_files(rlim_t n)
{
	struct rlimit files;
	rlim_t before;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
	before = files.rlim_cur;
	files.rlim_cur = n;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
	return before;
}

/* None reads for long, so all come to it, whoever does. */
TEST(readers_for_many_while_some_read_long)
{
	struct db *db = test_open(test_dir());
	struct holder holders[3];
	pthread_t crowd[CROWD];
	void *failed;

	for (size_t i = 0; i < ARRAY_LEN(holders); i++)
		hold(&holders[i], db);
	for (size_t i = 0; i < CROWD; i++)
		pthread_create(&crowd[i], NULL, read_main, db);
	for (size_t i = 0; i < CROWD; i++) {
		pthread_join(crowd[i], &failed);
		assert_null(failed);
	}
	for (size_t i = 0; i < ARRAY_LEN(holders); i++)
		let_go(&holders[i]);
	db_close(&db);
}

/* Who cannot open one waits for one that is there; where none is, the failure is told. */
TEST(readers_without_descriptors)
{
	struct db *db = test_open(test_dir());
	struct holder holder;
	pthread_t crowd[CROWD];
	struct db_tx *tx;
	void *failed;
	rlim_t before;

	before = allow_files(0);
	assert_int_equal(db_read_begin(db, &tx), -E_IO);
	(void)allow_files(before);
	hold(&holder, db);
	(void)allow_files(0);
	for (size_t i = 0; i < CROWD; i++)
		pthread_create(&crowd[i], NULL, read_main, db);
	usleep(20000); /* some have tried to open one */
	let_go(&holder);
	for (size_t i = 0; i < CROWD; i++) {
		pthread_join(crowd[i], &failed);
		assert_null(failed);
	}
	(void)allow_files(before);
	db_close(&db);
}
