/* SPDX-License-Identifier: MIT */
/*
 * The port as its users see it: values, errors, batches, hooks, durability, failures,
 * reopening, kill -9.
 */
#include "db/db_test.h"

#include "base/limits.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

/* ---- values and errors ---- */

struct value_row {
	const char *name;
	struct db_val v;
	const char *type_z;
};

static int put_values(struct db_tx *tx, void *arg)
{
	const struct value_row *rows = arg;

	for (; rows->name; rows++) {
		int rc = DB_EXEC(tx, &test_sql[T_INSERT], DB_T(str_z(rows->name)), rows->v);

		if (rc < 0)
			return rc;
	}
	return 0;
}

TEST(db_values)
{
	static const struct value_row rows[] = {
		{ "null", { .type = DB_NULL }, "null" },
		{ "zero", { .type = DB_INT }, "integer" },
		{ "max", { .type = DB_INT, .i = INT64_MAX }, "integer" },
		{ "min", { .type = DB_INT, .i = INT64_MIN }, "integer" },
		{ "text", { .type = DB_TEXT, .s = STR_INIT("caf\xc3\xa9") }, "text" },
		{ "empty text", { .type = DB_TEXT }, "text" },
		{ "blob", { .type = DB_BLOB, .s = STR_INIT("a\0b\xff") }, "blob" },
		{ "empty blob", { .type = DB_BLOB }, "blob" },
		{ NULL, { .type = DB_NULL }, NULL },
	};
	struct db *db = test_open(test_dir());
	struct db_write_job j = { .fn = put_values, .arg = (void *)(uintptr_t)rows };
	struct db_tx *tx;

	assert_int_equal(db_write(db, &j), 0);
	assert_int_equal(db_read_begin(db, &tx), 0);
	for (size_t i = 0; rows[i].name; i++) {
		AUTO(db_done) struct db_query q = { 0 };

		test_row(rows[i].name);
		DB_QUERY(tx, &q, &test_sql[T_GET], DB_T(str_z(rows[i].name)));
		assert_int_equal(db_step(&q), 1);
		assert_str_eq(db_text(&q, 1), str_z(rows[i].type_z));
		assert_int_equal(db_is_null(&q, 0), rows[i].v.type == DB_NULL);
		if (rows[i].v.type == DB_INT)
			assert_true(db_int(&q, 0) == rows[i].v.i);
		else
			assert_str_eq(db_text(&q, 0), rows[i].v.s);
		assert_int_equal(db_text(&q, 0).p == NULL, rows[i].v.type == DB_NULL);
		assert_int_equal(db_step(&q), 0);
		assert_int_equal(db_step(&q), 0);
	}
	db_read_end(&tx);
	db_close(&db);
	assert_null(db);
}

static int wrong_sql(struct db_tx *tx, void *arg)
{
	(void)arg;
	return DB_EXEC(tx, &test_sql[T_WRONG]);
}

static int orphan(struct db_tx *tx, void *arg)
{
	(void)arg;
	return DB_EXEC(tx, &test_sql[T_CHILD], DB_I(12345));
}

TEST(db_errors)
{
	struct db *db = test_open(test_dir());
	struct db_write_job j = { .fn = wrong_sql };
	struct fault f = { "" };

	assert_int_equal(test_put(db, "a", S("body")), 0);
	assert_int_equal(test_put(db, "a", S("body")), -E_EXISTS);
	assert_int_equal(db_write(db, &j), -E_BUG);
	j.fn = orphan;
	assert_int_equal(db_write(db, &j), -E_CANNOT);
	assert_int_equal(db_check_sql(db, &f), -E_BUG);
	assert_non_null(strstr(f.text, "nowhere"));
	assert_int_equal(test_count(db), 1);
	assert_int_equal(db_last_fault(db, NULL), 0); /* all of these are the callers' trouble */
	db_close(&db);
}

TEST(db_lock)
{
	const char *dir_z = test_dir();
	struct db *db = test_open(dir_z), *second = NULL;
	const struct db_options o = { .dir_z = dir_z };
	struct fault f = { "" };
	char pid[32];

	assert_int_equal(db_open(&o, &second, &f), -E_BUSY);
	assert_null(second);
	snprintf(pid, sizeof(pid), "(pid %ld)", (long)getpid());
	assert_non_null(strstr(f.text, pid));
	assert_non_null(strstr(f.text, db_dir_z(db)));
	db_close(&db);
	db = test_open(dir_z);
	db_close(&db);
	db_close(&db);
}

static void *hold_lock(void *arg)
{
	struct db *db = arg;

	usleep(150000);
	db_close(&db);
	return NULL;
}

/* A command that was at work when the server began does not keep it from starting. */
TEST(db_lock_is_waited_for)
{
	const char *dir_z = test_dir();
	struct db *db = test_open(dir_z), *second = NULL;
	struct db_options o = { .dir_z = dir_z, .lock_wait_ms = 50 };
	int64_t start_ms = clock_mono_ms();
	struct fault f = { "" };
	pthread_t thread;

	assert_int_equal(db_open(&o, &second, &f), -E_BUSY);
	assert_true(clock_mono_ms() - start_ms >= 50);
	assert_int_equal(pthread_create(&thread, NULL, hold_lock, db), 0);
	o.lock_wait_ms = 20000;
	assert_int_equal(db_open(&o, &second, &f), 0);
	pthread_join(thread, NULL);
	db_close(&second);
}

TEST(db_snapshot)
{
	struct db *db = test_open(test_dir());
	struct db_tx *tx;

	assert_int_equal(db_read_begin(db, &tx), 0);
	for (int i = 0; i < 2; i++) {
		AUTO(db_done) struct db_query q = { 0 };

		DB_QUERY(tx, &q, &test_sql[T_COUNT]);
		assert_int_equal(db_step(&q), 1);
		assert_int_equal(db_int(&q, 0), 0);
		if (i == 0)
			assert_int_equal(test_put(db, "new", S("x")), 0);
	}
	db_read_end(&tx);
	assert_null(tx);
	assert_int_equal(test_count(db), 1);
	db_close(&db);
}

/* ---- one batch of several jobs: a first job holds the writer until all have queued up ---- */

#define CREW 32

struct crew_job {
	struct db *db;
	struct test_put put;
	enum db_durability durability;
	pthread_t thread;
	int result;
	atomic_bool is_over;
	char name[32];
};

static void *crew_main(void *arg)
{
	struct crew_job *c = arg;

	c->result = test_put_as(c->db, &c->put, c->durability);
	atomic_store(&c->is_over, true);
	return NULL;
}

/* In the writer's queue, with a body behind those that are there, or not let in. */
static size_t n_settled(struct db *db, struct crew_job *crew, size_t n)
{
	bool is_led;
	size_t settled = db_writer_n_waiting(db) + db_gathering_n_waiting(db, &is_led);

	for (size_t i = 0; i < n; i++)
		settled += atomic_load(&crew[i].is_over);
	return settled;
}

/* Runs the jobs as one batch, in order, and then those with bodies, but for the first of these. */
static void run_crew(struct db *db, struct crew_job *crew, size_t n)
{
	struct test_gate g;

	test_gate_close(&g, db);
	for (size_t i = 0; i < n; i++) {
		crew[i].db = db;
		if (!crew[i].put.name.n) {
			snprintf(crew[i].name, sizeof(crew[i].name), "crew %zu", i);
			crew[i].put.name = str_z(crew[i].name);
		}
		assert_int_equal(pthread_create(&crew[i].thread, NULL, crew_main, &crew[i]), 0);
		while (n_settled(db, crew, i + 1) <= i)
			usleep(100);
	}
	test_gate_open(&g);
	for (size_t i = 0; i < n; i++)
		pthread_join(crew[i].thread, NULL);
}

TEST(db_batch_one_fails)
{
	struct db *db = test_open(test_dir());
	struct crew_job crew[CREW] = { 0 };

	for (size_t i = 0; i < CREW; i++) {
		crew[i].put.fail = i == 7 ? -E_QUOTA : 0;
		crew[i].put.body.bytes = i % 2 ? S("a body") : (struct str){ 0 };
		crew[i].durability = i % 3 ? DB_LAZY : DB_DURABLE;
	}
	crew[9].put.name = S("crew 3"); /* exists by then */
	run_crew(db, crew, CREW);
	for (size_t i = 0; i < CREW; i++) {
		test_row(crew[i].name);
		assert_int_equal(crew[i].result, i == 7 ? -E_QUOTA : i == 9 ? -E_EXISTS : 0);
	}
	assert_int_equal(test_count(db), CREW - 2);
	test_body_is(db, "crew 5", S("a body"));
	db_close(&db);
}

struct fail_row {
	const char *name;
	enum db_fail_point point;
	int err;
	int want_plain, want_first, want_later; /* without a body, with the first, with one of the others */
};

TEST(db_batch_failures)
{
	static const struct fail_row rows[] = {
		{ "pack write", DB_FAIL_PACK_WRITE, -E_DISK_FULL, 0, -E_DISK_FULL, 0 },
		{ "pack sync", DB_FAIL_PACK_SYNC, -E_IO, 0, -E_IO, 0 },
		{ "commit, full", DB_FAIL_COMMIT, -E_DISK_FULL, -E_DISK_FULL, -E_DISK_FULL, 0 },
		{ "commit, broken", DB_FAIL_COMMIT, -E_IO, -E_IO, -E_IO, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *dir_z = test_dir();
		struct db *db = test_open(dir_z);
		struct crew_job crew[8] = { 0 };
		struct fault f = { "" };
		/* the gate's own commit is the first one */
		int nth = rows[i].point == DB_FAIL_COMMIT ? 2 : 1;
		int64_t good = rows[i].want_plain == 0 ? 7 : 3;

		test_row(rows[i].name);
		for (size_t k = 0; k < ARRAY_LEN(crew); k++)
			crew[k].put.body.bytes = k % 2 ? S("a body") : (struct str){ 0 };
		db_fail_next(db, rows[i].point, nth, rows[i].err);
		run_crew(db, crew, ARRAY_LEN(crew));
		for (size_t k = 0; k < ARRAY_LEN(crew); k++)
			assert_int_equal(crew[k].result, k % 2 == 0 ? rows[i].want_plain :
							 k == 1	    ? rows[i].want_first :
								      rows[i].want_later);
		assert_int_equal(db_last_fault(db, &f), 1);
		assert_int_equal(test_count(db), good);
		/* it works again, and what it says then stays */
		assert_int_equal(test_put(db, "after", S("after")), 0);
		db_close(&db);
		db = test_open(dir_z);
		assert_int_equal(test_count(db), good + 1);
		test_body_is(db, "after", S("after"));
		db_close(&db);
	}
}

static int small_database(struct db_tx *tx, void *arg)
{
	return tx->db->driver->script(tx->conn, arg);
}

static int too_much(struct db_tx *tx, void *arg)
{
	(void)arg;
	static char big[1 << 20];
	int rc = DB_EXEC(tx, &test_sql[T_INSERT], DB_T(S("big")), DB_B(str_of(big, sizeof(big))));

	/* Who goes on has no transaction any more, and nothing of it may stay. */
	if (rc < 0)
		(void)!DB_EXEC(tx, &test_sql[T_INSERT], DB_T(S("late")), DB_I(1));
	return rc;
}

static void *too_much_main(void *arg)
{
	struct crew_job *c = arg;
	struct db_write_job j = { .fn = too_much };

	c->result = db_write(c->db, &j);
	return NULL;
}

/*
 * A full database throws the whole transaction away: who ran before fails too, who comes after
 * goes on.
 */
TEST(db_batch_lost_transaction)
{
	char limit[] = "PRAGMA max_page_count=40", no_limit[] = "PRAGMA max_page_count=1000000";
	struct db *db = test_open(test_dir());
	struct db_write_job j = { .fn = small_database, .arg = limit };
	struct test_gate g;
	struct crew_job before = { .db = db, .put = { .name = S("before") } };
	struct crew_job big = { .db = db };
	struct crew_job after = { .db = db, .put = { .name = S("after") } };
	struct blob_ref ref;

	assert_int_equal(db_write(db, &j), 0);
	test_gate_close(&g, db);
	pthread_create(&before.thread, NULL, crew_main, &before);
	while (db_writer_n_waiting(db) < 1)
		usleep(100);
	pthread_create(&big.thread, NULL, too_much_main, &big);
	while (db_writer_n_waiting(db) < 2)
		usleep(100);
	pthread_create(&after.thread, NULL, crew_main, &after);
	while (db_writer_n_waiting(db) < 3)
		usleep(100);
	test_gate_open(&g);
	pthread_join(before.thread, NULL);
	pthread_join(big.thread, NULL);
	pthread_join(after.thread, NULL);
	assert_int_equal(big.result, -E_DISK_FULL);
	assert_int_equal(before.result, -E_DISK_FULL);
	assert_int_equal(after.result, 0);
	assert_int_equal(test_count(db), 1);
	assert_true(test_ref(db, "after", &ref));

	j = (struct db_write_job){ .fn = small_database, .arg = no_limit };
	assert_int_equal(db_write(db, &j), 0);
	j = (struct db_write_job){ .fn = too_much };
	assert_int_equal(db_write(db, &j), 0);
	db_close(&db);
}

TEST(db_statement_failure)
{
	struct db *db = test_open(test_dir());

	for (int nth = 1; nth <= 2; nth++) {
		db_fail_next(db, DB_FAIL_STATEMENT, nth, -E_IO);
		assert_int_equal(test_put(db, nth == 1 ? "a" : "b", S("x")), nth == 1 ? -E_IO : 0);
	}
	db_fail_next(db, DB_FAIL_NONE, 0, 0);
	assert_int_equal(test_count(db), 1);
	db_close(&db);
}

/* ---- hooks ---- */

struct heard {
	int64_t a[16];
	size_t n;
};

static void hear(void *ctx, void *owned)
{
	struct heard *h = ctx;
	const int64_t *a = owned;

	h->a[h->n++] = *a;
}

struct hook_job {
	struct heard *h;
	int64_t a;
	int result;
	uint64_t actor;
};

static int hook_fn(struct db_tx *tx, void *arg)
{
	struct hook_job *job = arg;

	for (int i = 0; i < 2; i++) {
		int64_t *a = MEM_NEW(int64_t);

		*a = job->a + i;
		db_on_commit(tx, hear, job->h, a);
	}
	job->actor = db_actor(tx);
	return job->result;
}

TEST(db_hooks)
{
	struct db *db = test_open(test_dir());
	struct heard h = { 0 };
	struct hook_job job = { .h = &h, .a = 10 };
	struct db_write_job j = { .fn = hook_fn, .arg = &job };

	assert_int_equal(db_write(db, &j), 0);
	assert_int_equal(job.actor, 0);
	db_act_as(7);
	job = (struct hook_job){ .h = &h, .a = 20, .result = -E_QUOTA };
	assert_int_equal(db_write(db, &j), -E_QUOTA);
	assert_int_equal(job.actor, 7);
	db_act_as(0);
	job = (struct hook_job){ .h = &h, .a = 25 }; /* with whose commit none of those before it comes */
	assert_int_equal(db_write(db, &j), 0);
	assert_int_equal(h.n, 4);
	job = (struct hook_job){ .h = &h, .a = 30 };
	db_fail_next(db, DB_FAIL_COMMIT, 1, -E_DISK_FULL);
	assert_int_equal(db_write(db, &j), -E_DISK_FULL);
	job.a = 40;
	assert_int_equal(db_write(db, &j), 0);
	assert_int_equal(h.n, 6);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(h.a[i], ((const int64_t[]){ 10, 11, 25, 26, 40, 41 })[i]);
	db_close(&db);
}

/* ---- durability ---- */

/* A lazy change is visible at once; its sync comes within a second, without any other writer. */
TEST(db_lazy_sync)
{
	const char *dir_z = test_dir();
	struct db *db = test_open(dir_z);
	struct test_put p = { .name = S("lazy") };
	int64_t start = clock_mono_ms();

	assert_int_equal(test_put_as(db, &p, DB_LAZY), 0);
	assert_int_equal(test_count(db), 1);
	/* the next sync is the lazy one: it is seen by its failure */
	db_fail_next(db, DB_FAIL_COMMIT, 1, -E_IO);
	while (db_last_fault(db, NULL) == 0 && clock_mono_ms() - start < 30000)
		usleep(20000);
	assert_int_equal(db_last_fault(db, NULL), 1);
	assert_true(clock_mono_ms() - start < 20000); /* at all, by nobody else */
	p.name = S("after it");
	assert_int_equal(test_put_as(db, &p, DB_DURABLE), 0);
	p.name = S("lazy at the end");
	assert_int_equal(test_put_as(db, &p, DB_LAZY), 0);
	db_close(&db);
	db = test_open(dir_z);
	assert_int_equal(test_count(db), 3);
	db_close(&db);
}

#define KILLED_WRITERS 4

struct killed {
	struct db *db;
	int fd;
	int who;
};

/* Writes for ever; tells each number that was answered. */
static void *killed_main(void *arg)
{
	struct killed *k = arg;

	for (int i = 0;; i++) {
		char name[32], body[256];
		int n = snprintf(body, sizeof(body), "body of %d-%d", k->who, i);

		snprintf(name, sizeof(name), "%d-%d", k->who, i);
		if (test_put(k->db, name, str_of(body, (size_t)n)) < 0)
			_exit(1);
		if (write(k->fd, &(int[]){ k->who, i }, 2 * sizeof(int)) < 0)
			_exit(1);
	}
	return NULL;
}

static _Noreturn void killed_child(const char *dir_z, int fd)
{
	struct killed k[KILLED_WRITERS];
	pthread_t t;
	struct db *db = test_open(dir_z);

	for (int i = 0; i < KILLED_WRITERS; i++) {
		k[i] = (struct killed){ db, fd, i };
		pthread_create(&t, NULL, killed_main, &k[i]);
	}
	for (;;)
		pause();
}

/* Everything that was answered before kill -9 is there, byte for byte. */
TEST(db_kill)
{
	const char *dir_z = test_dir();

	for (int round = 0; round < 3; round++) {
		char dir[512];
		int p[2], told[2], answered = 0, status;
		pid_t pid;

		snprintf(dir, sizeof(dir), "%s/%d", dir_z, round);
		assert_int_equal(pipe(p), 0);
		pid = fork();
		if (pid == 0)
			killed_child(dir, p[1]);
		assert_true(pid > 0);
		close(p[1]);
		/* let it answer some, then kill it in the middle of things */
		int last[KILLED_WRITERS] = { -1, -1, -1, -1 };

		while (read(p[0], told, sizeof(told)) == sizeof(told)) {
			assert_true(told[0] >= 0 && told[0] < KILLED_WRITERS);
			last[told[0]] = told[1];
			if (++answered == 60 + 13 * round)
				kill(pid, SIGKILL);
		}
		close(p[0]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		struct db *db = test_open(dir);

		for (int who = 0; who < KILLED_WRITERS; who++)
			for (int i = 0; i <= last[who]; i++) {
				char name[32], body[64];

				snprintf(name, sizeof(name), "%d-%d", who, i);
				snprintf(body, sizeof(body), "body of %s", name);
				test_body_is(db, name, str_z(body));
			}
		assert_int_equal(test_put(db, "after", S("after")), 0);
		db_close(&db);
	}
}

/* ---- many threads ---- */

#define THREADS 32
#define WRITES 20

struct worker {
	struct db *db;
	int who;
	pthread_t thread;
};

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	char name[32], body[3000];

	for (int i = 0; i < WRITES; i++) {
		size_t n = (size_t)(100 + (w->who * 89 + i * 131) % 2900);

		memset(body, 'a' + w->who % 26, n);
		snprintf(name, sizeof(name), "%d-%d", w->who, i);
		struct test_put p = { .name = str_z(name), .body = { .bytes = str_of(body, n) } };

		assert_int_equal(test_put_as(w->db, &p, i % 4 ? DB_DURABLE : DB_LAZY), 0);
		test_body_is(w->db, name, str_of(body, n));
	}
	return NULL;
}

TEST(db_threads)
{
	struct db *db = test_open_with(test_dir(), 100000);
	struct worker w[THREADS];

	for (int i = 0; i < THREADS; i++) {
		w[i] = (struct worker){ .db = db, .who = i };
		assert_int_equal(pthread_create(&w[i].thread, NULL, worker_main, &w[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(w[i].thread, NULL);
	assert_int_equal(test_count(db), THREADS * WRITES);
	assert_int_equal(db_last_fault(db, NULL), 0);
	db_close(&db);
}

/* What is added is refused in time, what changes or takes away is not. */
TEST(db_room_is_kept)
{
	struct db *db = test_open(test_dir());
	struct spool *spool = NULL;
	struct fault f = { "" };
	int64_t have = 0;
	size_t n = LIMIT_BODY_BATCHED + 1;
	AUTO(mem_auto_free) char *large = mem_alloc(n, 1);

	assert_int_equal(db_free_bytes(db, &have), 0);
	assert_true(have > 0);
	assert_true(db_has_room(db, INT64_MAX / 2)); /* nobody asked for any */
	db_keep_free(db, INT64_MAX / 2);
	assert_false(db_has_room(db, 0));
	assert_int_equal(db_last_fault(db, &f), 1);
	assert_non_null(strstr(f.text, "are kept for deletions"));
	assert_int_equal(test_put(db, "small", S("body")), -E_DISK_FULL);
	assert_int_equal(test_put(db, "large", str_of(large, n)), -E_DISK_FULL);
	assert_int_equal(spool_new(db, 1000, &spool), -E_DISK_FULL);
	assert_int_equal(test_put(db, "row", (struct str){ 0 }), 0);
	assert_int_equal(test_count(db), 1);
	/* a message that was on its way when the room ended */
	db_keep_free(db, 0);
	assert_int_equal(spool_new(db, n, &spool), 0);
	db_keep_free(db, INT64_MAX / 2);
	assert_int_equal(spool_append(spool, str_of(large, n)), -E_DISK_FULL);
	spool_free(spool);
	/* and there is room again */
	db_keep_free(db, 1);
	assert_true(db_has_room(db, 0));
	assert_int_equal(test_put(db, "large", str_of(large, n)), 0);
	db_close(&db);
}
