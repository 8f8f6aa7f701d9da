/* SPDX-License-Identifier: MIT */
/* Housekeeping while others read and write, and killed with -9 while it does: nothing is lost, nothing comes back. */
#include "store/housekeep_test.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- threads ---- */

struct busy {
	struct test_store *t;
	atomic_bool is_over;
	atomic_int n_read;
};

/* Reads everything again and again, in pieces, as sessions do. */
static void *reader_main(void *arg)
{
	struct busy *b = arg;
	struct store_mbox *m;

	assert_int_equal(store_mbox_open(b->t->s, b->t->inbox, &m), 0);
	while (!atomic_load(&b->is_over)) {
		struct store_view *v = test_view(m);

		for (uint32_t seq = 1; seq <= v->n; seq++) {
			AUTO(arena_fini) struct arena a = { .cap = 4096 };
			AUTO(buf_fini) struct buf want = BUF_INIT(1u << 20);
			char got[2000];
			struct store_content c;
			struct store_reader *r;
			int rc;

			assert_int_equal(store_reader_open(b->t->s, &r), 0);
			rc = store_content_get(r, &a, store_view_at(v, seq)->content, 0, &c);
			store_reader_close(&r);
			for (size_t at = 0; rc == 0 && at < c.size; at += 100)
				rc = store_content_read(b->t->s, &c, at, got + at,
							c.size - at < 100 ? c.size - at : 100);
			if (rc == -E_NOT_FOUND) /* expunged behind this view */
				continue;
			assert_int_equal(rc, 0);
			print_mail(&want, number_of(str_of(got, c.size)), c.size);
			assert_str_eq(str_of(got, c.size), buf_str(&want));
			atomic_fetch_add(&b->n_read, 1);
		}
		store_view_unref(v);
	}
	store_mbox_close(&m);
	return NULL;
}

static void *keeper_main(void *arg)
{
	struct busy *b = arg;

	while (!atomic_load(&b->is_over)) {
		const struct store_keep_job job = { .is_asked = true };
		struct store_kept kept;

		assert_int_equal(store_keep_house(b->t->s, &job, &kept), 0);
		assert_int_equal(kept.damaged, 0);
	}
	return NULL;
}

TEST(sessions_and_housekeeping_together)
{
	struct test_store t;
	struct busy b = { .t = &t };
	pthread_t threads[4];
	uint32_t last = 0;

	open_small(&t);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		pthread_create(&threads[i], NULL, i < 2 ? reader_main : keeper_main, &b);
	for (int i = 1; i <= 300; i++) {
		last = add(&t, t.inbox, i, 300);
		if (i % 3 == 0)
			expunge(&t, t.inbox, last - 1, last);
	}
	while (atomic_load(&b.n_read) < 200)
		usleep(1000);
	atomic_store(&b.is_over, true);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(check_mailbox(&t, t.inbox, NULL), 100);
	check_all(&t);
	close_small(&t);
}

/* Who waits for his turn does not wait when the store is told to stop. */
TEST(nobody_waits_for_a_turn_that_does_not_come)
{
	struct test_store t;
	struct busy b = { .t = &t };
	pthread_t thread;
	bool is_waiting = false;

	open_small(&t);
	assert_true(store_keep_enter(t.s));
	pthread_create(&thread, NULL, keeper_main, &b);
	while (!is_waiting) {
		lock_get(&t.s->keep_lock);
		is_waiting = t.s->n_keep_waiting > 0;
		lock_put(&t.s->keep_lock);
	}
	atomic_store(&b.is_over, true);
	store_keep_stop(t.s);
	pthread_join(thread, NULL);
	store_keep_leave(t.s);
	assert_false(store_keep_enter(t.s));
	close_small(&t);
}

/* ---- kill -9 ---- */

struct told {
	char what; /* a: this UID is answered; e: it will be expunged; g: it is; r: a pass ended */
	uint32_t uid;
};

static void tell(int fd, char what, uint32_t uid)
{
	const struct told told = { what, uid };

	if (write(fd, &told, sizeof(told)) != sizeof(told))
		_exit(1);
}

static void *child_keeps(void *arg)
{
	struct busy *b = arg;
	const struct store_keep_job job = { .is_asked = true };
	struct store_kept kept;

	while (store_keep_house(b->t->s, &job, &kept) == 0)
		;
	_exit(1);
}

static _Noreturn void child_main(const char *dir_z, int fd)
{
	struct test_store t = { 0 };
	struct busy b = { .t = &t };
	pthread_t thread;

	arena_init(&t.a, 64u << 20);
	test_reopen(&t, NULL, NULL, dir_z);
	store_configure(t.s, &eager);
	t.alice = 1;
	t.inbox = test_mailbox(&t, "INBOX");
	pthread_create(&thread, NULL, child_keeps, &b);
	for (;;) {
		uint32_t uid = 0;

		for (int i = 0; i < 6; i++) {
			uid = add(&t, t.inbox, (int)(uid + 1000000), 400);
			tell(fd, 'a', uid);
		}
		for (uint32_t k = uid - 5; k < uid; k += 1 + uid % 2) {
			tell(fd, 'e', k);
			expunge(&t, t.inbox, k, k);
			tell(fd, 'g', k);
		}
	}
}

#define UIDS_MAX 20000

static void follow(int fd, pid_t pid, int kill_after, char *state)
{
	struct told told;
	int n = 0;

	while (read(fd, &told, sizeof(told)) == sizeof(told)) {
		assert_true(told.uid < UIDS_MAX);
		state[told.uid] = told.what;
		if (++n == kill_after)
			kill(pid, SIGKILL);
	}
}

/* What was answered and not asked to go is there; what was answered as gone is not. */
static void check_after_kill(const char *dir_z, const char *state)
{
	struct test_store t = { 0 };
	struct store_mbox *m;
	struct store_view *v;

	arena_init(&t.a, 64u << 20);
	test_reopen(&t, NULL, NULL, dir_z);
	t.alice = 1;
	t.inbox = test_mailbox(&t, "INBOX");
	check_mailbox(&t, t.inbox, NULL);
	check_all(&t);
	assert_int_equal(store_mbox_open(t.s, t.inbox, &m), 0);
	v = test_view(m);
	for (uint32_t uid = 1; uid < UIDS_MAX; uid++) {
		if (state[uid] == 'a' && !store_view_seq(v, uid))
			fail_msg("%u was lost", uid);
		if (state[uid] == 'g' && store_view_seq(v, uid))
			fail_msg("%u came back", uid);
	}
	store_view_unref(v);
	store_mbox_close(&m);
	test_close(&t);
}

TEST(killed_while_it_keeps_house)
{
	static char uids[UIDS_MAX];
	char dir[600];
	struct test_store t;

	open_small(&t);
	snprintf(dir, sizeof(dir), "%s", db_dir_z(t.db));
	test_close(&t);
	memset(uids, 0, sizeof(uids));
	for (int round = 0; round < 8; round++) {
		int p[2], status;
		pid_t pid;

		assert_int_equal(pipe(p), 0);
		pid = fork();
		if (pid == 0) {
			close(p[0]);
			child_main(dir, p[1]);
		}
		close(p[1]);
		follow(p[0], pid, 100 + 37 * round, uids);
		close(p[0]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		check_after_kill(dir, uids);
	}
	test_pack_bytes = 0;
}
