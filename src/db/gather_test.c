/* SPDX-License-Identifier: MIT */
/* Bodies of many callers on their way to one pack, beside a writer that is busy. */
#include "db/db_test.h"

#include <stdio.h>
#include <unistd.h>

#define CALLERS 6
#define ROUNDS 40

struct putter {
	struct db *db;
	struct test_put put;
	pthread_t thread;
	int result;
};

static void *put_main(void *arg)
{
	struct putter *p = arg;

	p->result = test_put_as(p->db, &p->put, DB_DURABLE);
	return NULL;
}

static void start(struct putter *p, struct db *db, const char *name_z, struct str body)
{
	*p = (struct putter){ .db = db, .put = { .name = str_z(name_z), .body = { .bytes = body } } };
	assert_int_equal(pthread_create(&p->thread, NULL, put_main, p), 0);
}

static int end(struct putter *p)
{
	pthread_join(p->thread, NULL);
	return p->result;
}

static void await_queued(struct db *db, size_t n)
{
	while (db_writer_n_waiting(db) < n)
		usleep(100);
}

static void await_gathered(struct db *db, size_t n)
{
	bool is_led;

	while (db_gathering_n_waiting(db, &is_led) != n || !is_led)
		usleep(100);
}

/* Whether the pack with that place in the list is busy. */
static bool is_busy(struct db *db, size_t i, int64_t *ret_number)
{
	AUTO(mem_auto_free) struct blob_pack *v = NULL;
	size_t n;

	assert_int_equal(blob_packs(db, &v, &n), 0);
	assert_true(i < n);
	*ret_number = v[i].number;
	return v[i].is_busy;
}

/* The writer has done nothing yet, and the bodies are there; nobody may take them for dead. */
TEST(bodies_are_stored_beside_a_busy_writer)
{
	struct db *db = test_open(test_dir());
	struct putter a, b;
	struct test_gate g;
	int64_t first, second, bytes;

	test_gate_close(&g, db);
	start(&a, db, "a", S("aaaa"));
	await_queued(db, 1);
	assert_true(is_busy(db, 0, &first));
	assert_int_equal(blob_pack_final_bytes(db, first, &bytes), 0);
	assert_int_equal(bytes, 4 + BLOB_RECORD_EXTRA);
	blob_pack_finish(db, first);
	assert_true(is_busy(db, 0, &first));
	assert_int_equal(blob_pack_drop(db, first), -E_BUSY);
	start(&b, db, "b", S("bb"));
	await_gathered(db, 1);
	test_gate_open(&g);
	assert_int_equal(end(&a), 0);
	assert_int_equal(end(&b), 0);
	assert_false(is_busy(db, 0, &first));
	assert_true(is_busy(db, 1, &second)); /* it goes on */
	assert_int_equal(a.put.body.ref.pack, first);
	assert_int_equal(b.put.body.ref.pack, second);
	assert_int_equal(blob_pack_drop(db, first), 0);
	test_body_is(db, "b", S("bb"));
	db_close(&db);
}

/* Bodies that have come meanwhile are stored while the writer is busy with what has none. */
TEST(bodies_are_stored_beside_other_jobs)
{
	struct db *db = test_open(test_dir());
	struct test_gate first, second, third;
	struct putter a, b;

	test_gate_close(&first, db);
	start(&a, db, "a", S("aaaa"));
	await_queued(db, 1);
	test_gate_queue(&second, db);
	await_queued(db, 2);
	start(&b, db, "b", S("bb"));
	await_gathered(db, 1);
	test_gate_open(&first);
	sem_wait(&second.entered); /* with a in one transaction */
	test_gate_queue(&third, db);
	await_queued(db, 1);
	test_gate_open(&second);
	assert_int_equal(end(&a), 0);
	sem_wait(&third.entered);
	await_queued(db, 1);
	assert_true(b.put.body.ref.pack > 0);
	test_gate_open(&third);
	assert_int_equal(end(&b), 0);
	test_body_is(db, "a", S("aaaa"));
	test_body_is(db, "b", S("bb"));
	db_close(&db);
}

/* Bodies that cannot be stored wait for nobody, and those after them are stored. */
TEST(bodies_that_cannot_be_stored)
{
	struct db *db = test_open(test_dir());
	struct putter a, b;
	struct test_gate g;

	test_gate_close(&g, db);
	db_fail_next(db, DB_FAIL_PACK_SYNC, 1, -E_IO);
	start(&a, db, "a", S("aaaa"));
	assert_int_equal(end(&a), -E_IO);
	assert_int_equal(a.put.body.ref.pack, 0);
	start(&b, db, "b", S("bb"));
	await_queued(db, 1);
	test_gate_open(&g);
	assert_int_equal(end(&b), 0);
	assert_int_equal(test_count(db), 1);
	test_body_is(db, "b", S("bb"));
	db_close(&db);
}

static void start_behind(struct putter *v, size_t n, struct db *db)
{
	static const char *const names[] = { "leader", "a", "b", "c" };

	assert_true(n <= ARRAY_LEN(names));
	for (size_t i = 0; i < n; i++) {
		start(&v[i], db, names[i], str_z(names[i]));
		/* The first takes itself out of the list and waits for the pack. */
		await_gathered(db, i);
	}
}

/* Who comes while the first is being stored has one sync with the others, and its end. */
TEST(bodies_have_one_end)
{
	/* by which sync fails: that of the leader, that of the others, none */
	static const int want[][4] = { { -E_IO, 0, 0, 0 }, { 0, -E_IO, -E_IO, -E_IO }, { 0, 0, 0, 0 } };
	static const int n_stored[] = { 3, 1, 4 };
	struct putter v[4];

	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		struct db *db = test_open(test_dir());

		lock_get(&db->packs->batch_lock);
		start_behind(v, ARRAY_LEN(v), db);
		db_fail_next(db, DB_FAIL_PACK_SYNC, (int)i + 1, -E_IO);
		lock_put(&db->packs->batch_lock);
		for (size_t k = 0; k < ARRAY_LEN(v); k++)
			assert_int_equal(end(&v[k]), want[i][k]);
		assert_int_equal(test_count(db), n_stored[i]);
		db_close(&db);
	}
}

/* A job that fails lets go of its pack as well. */
TEST(bodies_of_a_job_that_fails)
{
	struct db *db = test_open(test_dir());
	struct test_put p = { .name = S("a"), .body = { .bytes = S("aaaa") }, .fail = -E_QUOTA };
	int64_t pack;

	assert_int_equal(test_put_as(db, &p, DB_DURABLE), -E_QUOTA);
	assert_int_equal(p.body.ref.pack, 0);
	assert_true(is_busy(db, 0, &pack));
	blob_pack_finish(db, pack);
	assert_false(is_busy(db, 0, &pack));
	assert_int_equal(test_count(db), 0);
	/* One for which there was no room is not on the disk, */
	p.fail = 0;
	db_fail_next(db, DB_FAIL_COMMIT, 1, -E_DISK_FULL);
	assert_int_equal(test_put_as(db, &p, DB_DURABLE), -E_DISK_FULL);
	blob_pack_finish(db, pack + 1);
	assert_false(is_busy(db, 1, &pack));
	/* and of one that failed otherwise nobody knows. */
	db_fail_next(db, DB_FAIL_COMMIT, 1, -E_IO);
	assert_int_equal(test_put_as(db, &p, DB_DURABLE), -E_IO);
	assert_true(is_busy(db, 2, &pack));
	blob_pack_finish(db, pack);
	assert_true(is_busy(db, 2, &pack));
	db_close(&db);
}

struct crew {
	struct db *db;
	unsigned number;
	pthread_t thread;
};

static void crew_text(char out[32], unsigned number, unsigned round)
{
	snprintf(out, 32, "body %u of caller %u", round, number);
}

static void *crew_main(void *arg)
{
	const struct crew *c = arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		char text[32];

		crew_text(text, c->number, i);
		assert_int_equal(test_put(c->db, text, str_z(text)), 0);
	}
	return NULL;
}

TEST(bodies_of_many_callers)
{
	struct db *db = test_open_with(test_dir(), 2000); /* packs that end soon */
	struct crew crew[CALLERS];

	for (unsigned i = 0; i < CALLERS; i++) {
		crew[i] = (struct crew){ .db = db, .number = i };
		assert_int_equal(pthread_create(&crew[i].thread, NULL, crew_main, &crew[i]), 0);
	}
	for (unsigned i = 0; i < CALLERS; i++)
		pthread_join(crew[i].thread, NULL);
	assert_int_equal(test_count(db), CALLERS * ROUNDS);
	for (unsigned i = 0; i < CALLERS * ROUNDS; i++) {
		char text[32];

		crew_text(text, i / ROUNDS, i % ROUNDS);
		test_body_is(db, text, str_z(text));
	}
	assert_true(db->packs->n_busy <= 1);
	db_close(&db);
}
