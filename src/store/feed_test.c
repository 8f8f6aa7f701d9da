/* SPDX-License-Identifier: MIT */
/* Who is woken, and what whoever was answered sees. */
#include "store/store_test.h"

#include <pthread.h>

static int woken[10];

static void note_wake(void *ctx, uint64_t watcher)
{
	int *counts = ctx;

	__atomic_add_fetch(&counts[watcher], 1, __ATOMIC_RELAXED);
}

static void assert_woken(const int *want, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(woken[i], want[i]);
		woken[i] = 0;
	}
}

TEST(watchers)
{
	struct test_store t;
	int64_t id;

	test_open_with(&t, note_wake, woken);
	memset(woken, 0, sizeof(woken));
	/* 1: INBOX, 2: INBOX twice and Archive, 3: the account, 4: another account */
	store_watch_add(t.s, t.alice, t.inbox, 1);
	store_watch_add(t.s, t.alice, t.inbox, 2);
	store_watch_add(t.s, t.alice, t.inbox, 2);
	store_watch_add(t.s, t.alice, t.archive, 2);
	store_watch_add(t.s, t.alice, 0, 3);
	store_watch_add(t.s, t.alice + 1, 0, 4);
	test_append(&t, t.inbox, 0, 5);
	assert_woken((const int[]){ 0, 1, 1, 1, 0 }, 5);
	test_append(&t, t.archive, 0, 1);
	assert_woken((const int[]){ 0, 0, 1, 1, 0 }, 5);
	test_flag(&t, t.inbox, 1, 1, STORE_FLAGS_REMOVE, STORE_SEEN);
	assert_woken((const int[]){ 0, 0, 0, 0, 0 }, 5);
	assert_int_equal(store_mailbox_create(t.s, t.alice, S("new"), 0, &id, NULL), 0);
	assert_woken((const int[]){ 0, 0, 0, 1, 0 }, 5);
	assert_int_equal(store_mailbox_rename(t.s, t.alice, S("new"), S("newer"), NULL), 0);
	assert_int_equal(store_mailbox_subscribe(t.s, t.alice, S("newer"), true, NULL), 0);
	assert_int_equal(store_mailbox_delete(t.s, t.alice, S("newer"), NULL), 0);
	assert_woken((const int[]){ 0, 0, 0, 3, 0 }, 5);
	store_watch_remove(t.s, 1);
	store_watch_remove(t.s, 1);
	test_append(&t, t.inbox, 0, 1);
	assert_woken((const int[]){ 0, 0, 1, 1, 0 }, 5);
	store_watch_remove(t.s, 2);
	store_watch_remove(t.s, 3);
	store_watch_remove(t.s, 4);
	test_append(&t, t.inbox, 0, 1);
	assert_woken((const int[]){ 0, 0, 0, 0, 0 }, 5);
	test_close(&t);
}

#define CROWD 3000

/* Exactly those that watch it are woken by a change of this mailbox. */
static void assert_crowd(struct test_store *t, int64_t mailbox, const bool *is_watching, int *counts)
{
	memset(counts, 0, CROWD * sizeof(*counts));
	test_append(t, mailbox, 0, 1);
	for (size_t w = 0; w < CROWD; w++)
		if (counts[w] != is_watching[w])
			fail_msg("watcher %zu of mailbox %" PRId64 ": woken %d times", w, mailbox, counts[w]);
}

TEST(watchers_in_any_order_of_leaving)
{
	static bool of_inbox[CROWD], of_archive[CROWD];
	static int counts[CROWD];
	struct test_store t;
	uint64_t seed = 1;

	test_open_with(&t, note_wake, counts);
	for (uint64_t w = 0; w < CROWD; w++) {
		store_watch_add(t.s, t.alice, w % 3 ? t.inbox : t.archive, w);
		(w % 3 ? of_inbox : of_archive)[w] = true;
	}
	for (int i = 0; i < 20000; i++) {
		uint64_t w;

		seed = seed * 6364136223846793005u + 1;
		w = (seed >> 33) % CROWD;
		store_watch_remove(t.s, w);
		of_inbox[w] = of_archive[w] = false;
		if (seed >> 62 == 0) {
			w = (seed >> 40) % CROWD;
			store_watch_add(t.s, t.alice, t.inbox, w);
			of_inbox[w] = true;
		}
		if (i % 1000 == 0) {
			assert_crowd(&t, t.inbox, of_inbox, counts);
			assert_crowd(&t, t.archive, of_archive, counts);
		}
	}
	for (uint64_t w = 0; w < CROWD; w++)
		store_watch_remove(t.s, w);
	memset(of_inbox, 0, sizeof(of_inbox));
	assert_crowd(&t, t.inbox, of_inbox, counts);
	test_close(&t);
}

/* ---- several threads ---- */

#define N_THREADS 6

struct worker {
	struct test_store *t;
	pthread_t thread;
	uint64_t id;
};

static int work_once(struct worker *w, struct arena *a, struct store_content_new *c, int i)
{
	struct store *s = w->t->s;
	struct store_append v = { .mailbox = w->t->inbox, .content = c };
	struct store_appended done;
	struct store_mbox *mbox = NULL;
	struct store_view *view = NULL;
	struct uidset set = { 0 }, gone;
	uint64_t modseq = 0;
	int rc = store_append(s, &v, 1, &done);

	if (rc == 0)
		rc = store_mbox_open(s, w->t->inbox, &mbox);
	if (rc == 0)
		rc = store_mbox_view(mbox, &view);
	/* What was appended before the question is in the answer. */
	if (rc == 0 && store_view_seq(view, done.uid) == 0)
		rc = -E_BUG;
	if (rc == 0)
		rc = uidset_add(a, &set, done.uid, done.uid);
	if (rc == 0 && i % 3 == 0)
		rc = store_expunge(s, a, w->t->inbox, &set, false, &gone, &modseq);
	else if (rc == 0)
		rc = store_flags(s, a, w->t->inbox, &set,
				 &(struct store_flag_change){ .op = STORE_FLAGS_ADD,
							      .flags = STORE_SEEN },
				 NULL, &modseq);
	store_view_unref(view);
	view = NULL;
	if (rc == 0)
		rc = store_mbox_view(mbox, &view);
	if (rc == 0 && view->highestmodseq < modseq)
		rc = -E_BUG;
	store_view_unref(view);
	store_mbox_close(&mbox);
	return rc;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	AUTO(arena_fini) struct arena a;
	struct store_content_new c;
	intptr_t rc;

	arena_init(&a, 16u << 20);
	rc = store_content_prepare(&a, S("Message-ID: <t@x>\r\n\r\nx\r\n"), &c);
	for (int i = 0; i < 60 && rc == 0; i++) {
		store_watch_add(w->t->s, w->t->alice, w->t->inbox, w->id);
		rc = work_once(w, &a, &c, i);
		store_watch_remove(w->t->s, w->id);
	}
	return (void *)rc;
}

TEST(threads_see_what_was_answered)
{
	struct test_store t;
	struct worker workers[N_THREADS];
	int total = 0;

	memset(woken, 0, sizeof(woken));
	test_open_with(&t, note_wake, woken);
	for (size_t i = 0; i < N_THREADS; i++) {
		workers[i] = (struct worker){ .t = &t, .id = i };
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (size_t i = 0; i < N_THREADS; i++) {
		void *rc;

		assert_int_equal(pthread_join(workers[i].thread, &rc), 0);
		assert_int_equal((intptr_t)rc, 0);
		total += __atomic_load_n(&woken[i], __ATOMIC_RELAXED);
	}
	assert_true(total >= 2 * 60 * N_THREADS);
	test_close(&t);
}
