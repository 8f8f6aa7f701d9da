/* SPDX-License-Identifier: MIT */
/* A reader goes from row to row, forward, back, over gaps, with and without texts, and always has the right one. */
#include "store/store_test.h"

#include <sys/wait.h>
#include <unistd.h>

#define N 300

static const struct db_sql removal[] = {
	{ .sql = "DELETE FROM contents WHERE id % 7 = 3 OR id BETWEEN 100 AND 130 OR id > 290" },
};

static int remove_tx(struct db_tx *tx, void *arg)
{
	(void)arg;
	return db_exec(tx, &removal[0], NULL, 0, NULL);
}

/* Content i has a header of i spaces more than others, and the subject i. */
static void add_one(struct test_store *t, int i)
{
	AUTO(buf_fini) struct buf b = BUF_INIT(4000);
	struct store_content_new c;
	struct store_append v = { .mailbox = t->inbox, .content = &c };
	struct store_appended done;

	buf_printf(&b, "Subject: number %d\r\nX-Fill:", i);
	for (int k = 0; k < i; k++)
		buf_add_char(&b, '.');
	buf_add(&b, S("\r\n\r\nbody\r\n"));
	assert_int_equal(store_content_prepare(&t->a, buf_str(&b), &c), 0);
	assert_int_equal(store_append(t->s, &v, 1, &done), 0);
}

static void check_one(struct test_store *t, struct store_reader *r, int64_t id, unsigned fields)
{
	bool is_gone = id < 1 || id > 290 || id % 7 == 3 || (id >= 100 && id <= 130);
	char subject[32];
	struct store_content c = { 0 };
	int rc = store_content_get(r, &t->a, id, fields, &c);

	assert_int_equal(rc, is_gone ? -E_NOT_FOUND : 0);
	if (is_gone)
		return;
	snprintf(subject, sizeof(subject), "\"number %d\"", (int)id);
	assert_int_equal(c.id, id);
	assert_int_equal(c.header_n, strlen(subject) - 2 + strlen("Subject: \r\nX-Fill:\r\n\r\n") +
					     (size_t)id);
	assert_int_equal(c.size, c.header_n + strlen("body\r\n"));
	assert_int_equal(c.sent_s, INT64_MIN);
	assert_true((fields & STORE_C_ENVELOPE) ? str_find(c.envelope, str_z(subject)) > 0
						: c.envelope.n == 0);
	assert_int_equal(c.map.n > 0, (fields & STORE_C_MAP) != 0);
}

TEST(content_reader_in_any_order)
{
	struct db_write_job job = { .fn = remove_tx };
	struct store_reader *r;
	struct test_store t;
	uint64_t seed = 3;

	test_open(&t);
	for (int i = 1; i <= N; i++)
		add_one(&t, i);
	test_reopen_with(&t, removal, ARRAY_LEN(removal));
	assert_int_equal(db_write(t.db, &job), 0);
	assert_int_equal(store_reader_open(t.s, &r), 0);
	for (int64_t id = -1; id < N + 20; id++)
		check_one(&t, r, id, 0);
	for (int64_t id = N + 20; id > -2; id--)
		check_one(&t, r, id, STORE_C_ENVELOPE | STORE_C_MAP);
	for (int i = 0, id = 1; i < 5000; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		id = (seed >> 40) % 8 ? id + (int)(seed >> 50) % 13 - 1 : (int)(seed >> 50) % N;
		check_one(&t, r, id, (seed >> 33) % 9 ? 0 : STORE_C_ENVELOPE);
	}
	store_reader_close(&r);
	store_close(&t.s);
	db_close(&t.db);
	arena_fini(&t.a);
}

static int read_first(struct test_store *t, struct store_reader *r)
{
	struct store_content c;
	char first;
	int rc = store_content_get(r, &t->a, 1, 0, &c);

	return rc < 0 ? rc : store_content_read(t->s, &c, 0, &first, 1);
}

/* Whoever reads a body with a reader open is found at once, not when compaction moves the body. */
TEST(content_read_with_reader_open)
{
	struct store_reader *r;
	struct store_content c;
	struct test_store t;
	char first;
	int status;
	pid_t pid;

	test_open(&t);
	add_one(&t, 1);
	assert_int_equal(store_reader_open(t.s, &r), 0);
	assert_int_equal(store_content_get(r, &t.a, 1, 0, &c), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)!freopen("/dev/null", "w", stderr);
		_exit(read_first(&t, r) == 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	store_reader_close(&r);
	assert_int_equal(store_content_read(t.s, &c, 0, &first, 1), 0);
	assert_int_equal(first, 'S');
	store_close(&t.s);
	db_close(&t.db);
	arena_fini(&t.a);
}
