/* SPDX-License-Identifier: MIT */
/*
 * A client that has only selected a mailbox beside one that looked at its messages at once: whatever
 * happens to the mailbox, their next commands have the same answers. What one may show of
 * messages that are expunged already, the other may leave out.
 */
#include "imap/imap_test.h"

#include "base/limits.h"
#include "base/test.h"
#include "store/mailbox.h"
#include "store/message.h"
#include "store/view.h"

#define ROUNDS 150
#define LINES 8

struct pair {
	struct imap_fixture f;
	struct arena a;
	uint64_t seed;
	int64_t box;
	struct store_mbox *mbox; /* to know what is there */
	struct buf script[2];
	struct imap_peer peer[2]; /* bare, and with messages */
};

static uint32_t pick(struct pair *t, uint32_t n)
{
	t->seed = t->seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(t->seed >> 33) % n;
}

/* ---- what happens to the mailbox ---- */

static void append(struct pair *t, uint32_t n)
{
	struct store_content_new content;
	struct store_append *v = mem_alloc(n, sizeof(*v));
	struct store_appended *at = mem_alloc(n, sizeof(*at));

	assert_int_equal(store_content_prepare(&t->a, S("Subject: s\r\n\r\nbody\r\n"), &content), 0);
	for (uint32_t i = 0; i < n; i++)
		v[i] = (struct store_append){ .mailbox = t->box,
					      .content = &content,
					      .flags = pick(t, STORE_SYSTEM_FLAGS + 1) };
	assert_int_equal(store_append(t->f.store, v, n, at), 0);
	mem_free(v);
	mem_free(at);
}

static struct uidset some(struct pair *t, uint32_t max)
{
	struct uidset set = { 0 };
	uint32_t lo = 1 + pick(t, max);

	assert_int_equal(uidset_add(&t->a, &set, lo, lo + pick(t, 1 + pick(t, max))), 0);
	return set;
}

static void happen(struct pair *t, uint32_t max)
{
	const struct str word = pick(t, 2) ? S("one") : S("two");
	const struct store_flag_change change = {
		.op = (enum store_flag_op)pick(t, 3),
		.flags = pick(t, STORE_SYSTEM_FLAGS + 1),
		.keywords = &word,
		.n_keywords = pick(t, 2),
	};
	struct uidset set = some(t, max), gone;
	uint64_t modseq;

	switch (pick(t, 3)) {
	case 0:
		append(t, 1 + pick(t, 4));
		break;
	case 1:
		assert_int_equal(store_expunge(t->f.store, &t->a, t->box, &set, false, &gone,
					       &modseq), 0);
		break;
	default:
		assert_int_equal(store_flags(t->f.store, &t->a, t->box, &set, &change, NULL,
					     &modseq), 0);
	}
}

/* ---- comparing answers ---- */

static bool is_there(struct pair *t, uint64_t uid)
{
	struct store_view *v;
	bool is;

	assert_int_equal(store_mbox_view(t->mbox, &v), 0);
	is = store_view_seq(v, (uint32_t)uid) > 0;
	store_view_unref(v);
	return is;
}

/* The number after a word; 0: the word is not there. */
static uint64_t number_after(struct str line, struct str word)
{
	ptrdiff_t at = str_find(line, word);
	uint64_t n = 0;

	for (size_t i = at < 0 ? line.n : (size_t)at + word.n; i < line.n; i++) {
		if (line.p[i] < '0' || line.p[i] > '9')
			break;
		n = 10 * n + (uint64_t)(line.p[i] - '0');
	}
	return n;
}

/* The UIDs of "* SEARCH 1 2 3" or "* ESEARCH (TAG "x") UID ALL 1:3,5". */
static struct uidset found(struct pair *t, struct str line)
{
	bool is_set = str_starts(line, S("* ESEARCH"));
	ptrdiff_t at = str_find(line, S(" ALL "));
	struct str word, lo;
	struct uidset set = { 0 };

	line = !is_set ? str_skip(line, 8) : at < 0 ? S("") : str_skip(line, (size_t)at + 5);
	while (str_split(&line, is_set ? ',' : ' ', &word)) {
		uint64_t from = 0, to;

		if (word.n == 0)
			continue;
		assert_true(str_split(&word, ':', &lo) && str_to_u64(lo, UINT32_MAX, &from));
		if (!str_to_u64(word, UINT32_MAX, &to))
			to = from;
		assert_int_equal(uidset_add(&t->a, &set, (uint32_t)from, (uint32_t)to), 0);
	}
	return set;
}

/* What the first has not found is gone. */
static void compare_found(struct pair *t, struct str a, struct str b)
{
	struct uidset x = found(t, a), y = found(t, b);
	struct uidset_iter in_x = { 0 }, in_y = { 0 };

	while (uidset_next(&x, &in_x))
		assert_true(uidset_has(&y, in_x.v));
	while (uidset_next(&y, &in_y))
		assert_true(uidset_has(&x, in_y.v) || !is_there(t, in_y.v));
}

static bool is_search(struct str line)
{
	return str_starts(line, S("* SEARCH")) || str_starts(line, S("* ESEARCH"));
}

static struct str line_of(struct str *rest)
{
	struct str line = { 0 };

	(void)str_split(rest, '\n', &line);
	return str_head(line, line.n > 0 ? line.n - 1 : 0); /* without the CR */
}

static void wrong(struct str command, struct str a, struct str b)
{
	fail_msg("%" STR_FMT "\nbare:\n%" STR_FMT "with messages:\n%" STR_FMT, STR_ARG(command),
		 STR_ARG(a), STR_ARG(b));
}

/* The answer of the client that was bare (a) has what the other one has, but for what is gone. */
static void compare(struct pair *t, struct str command, struct str a, struct str b)
{
	struct str x = a, y = b, line_x = line_of(&x), line_y;
	bool has_lost = false;

	while (y.n > 0) {
		line_y = line_of(&y);
		if (str_eq(line_x, line_y)) {
			line_x = line_of(&x);
		} else if (str_find(line_y, S(" FETCH (UID ")) > 0 &&
			   !is_there(t, number_after(line_y, S("(UID ")))) {
			has_lost = true;
		} else if (is_search(line_x) && is_search(line_y)) {
			compare_found(t, line_x, line_y);
			line_x = line_of(&x);
		} else if (has_lost && str_find(line_x, S(" NO [EXPUNGEISSUED]")) > 0) {
			line_x = line_of(&x);
		} else {
			wrong(command, a, b);
		}
	}
	if (line_x.n > 0 || x.n > 0)
		wrong(command, a, b);
}

/* ---- a round ---- */

static void open_peers(struct pair *t, const char *const first[LINES],
		       const char *const lines[LINES])
{
	for (int i = 0; i < 2; i++) {
		struct buf *b = &t->script[i];

		buf_init(b, 3 * LINES * IMAP_TEST_LINE);
		for (int k = 0; k < LINES && first[k] != NULL; k++)
			imap_test_line(b, "", first[k]);
		if (i == 1)
			imap_test_line(b, "", "UID FETCH 1 UID");
		for (int k = 0; k < LINES && lines[k] != NULL; k++)
			imap_test_line(b, "", lines[k]);
		imap_peer_open(&t->f, &t->peer[i], buf_str(b), IMAP_TEST_LINE, true);
	}
	/* The bare one selects first, while the mailbox has no view. */
	for (int i = 0; i < 2; i++) {
		(void)imap_peer_run(&t->peer[i], NET_START);
		for (int k = 1; first[k] != NULL; k++)
			(void)imap_peer_step(&t->peer[i]);
	}
	(void)imap_peer_step(&t->peer[1]);
	assert_true(t->peer[0].s->sel->view->is_bare);
	assert_false(t->peer[1].s->sel->view->is_bare);
}

static void close_peers(struct pair *t)
{
	for (int i = 0; i < 2; i++) {
		imap_peer_close(&t->peer[i]);
		buf_fini(&t->script[i]);
	}
}

static void play(struct pair *t, const char *const lines[LINES], uint32_t n)
{
	for (uint32_t k = pick(t, 4); k > 0; k--)
		happen(t, n + 3);
	for (int k = 0; k < LINES && lines[k] != NULL; k++) {
		struct str a = imap_peer_step(&t->peer[0]), b = imap_peer_step(&t->peer[1]);

		compare(t, str_z(lines[k]), a, b);
		if (pick(t, 3) == 0)
			happen(t, n + 3);
	}
	if (t->peer[0].s->waiting != IMAP_WAIT_IDLE)
		return;
	happen(t, n + 3);
	compare(t, S("woken"), imap_peer_run(&t->peer[0], NET_WAKE),
		imap_peer_run(&t->peer[1], NET_WAKE));
}

static void play_round(struct pair *t, int round)
{
	static const char *const enable[] = { "NOOP", "ENABLE CONDSTORE", "ENABLE IMAP4rev2" };
	static const char *const commands[] = {
		"NOOP", "CHECK", "FETCH 1:* (UID FLAGS)", "UID FETCH 1:* (FLAGS)",
		"UID SEARCH NOT DELETED", "UID SEARCH RECENT", "FETCH 2 (UID ENVELOPE)",
		"EXPUNGE", "UID SEARCH BODY body", "FETCH * (UID)",
		"UID EXPUNGE 1:4", "NOOP\r\ni IDLE",
	};
	const char *lines[LINES] = { NULL };
	char examine[64], name[32];
	const char *const first[LINES] = { enable[pick(t, 3)], examine };
	struct fault fault;
	uint32_t n = pick(t, 4) ? pick(t, 30) : STORE_CHUNK + pick(t, 2 * STORE_CHUNK);

	snprintf(name, sizeof(name), "box%d", round);
	snprintf(examine, sizeof(examine), "EXAMINE %s", name);
	assert_int_equal(store_mailbox_create(t->f.store, t->f.alice, str_z(name), 0, &t->box, &fault),
			 0);
	if (n > 0)
		append(t, n);
	for (int k = 0; k < LINES - 2; k++)
		lines[k] = commands[pick(t, ARRAY_LEN(commands))];
	lines[LINES - 2] = "NOOP";
	lines[LINES - 1] = "UID FETCH 1:* (FLAGS)";
	for (int k = 0; k < LINES; k++)
		if (str_ends(str_z(lines[k]), S("IDLE")))
			lines[k + 1] = NULL; /* idling to the end */
	open_peers(t, first, lines);
	assert_int_equal(store_mbox_open(t->f.store, t->box, &t->mbox), 0);
	play(t, lines, n);
	store_mbox_close(&t->mbox);
	close_peers(t);
}

TEST(bare_client_beside_one_with_messages)
{
	struct pair *t = MEM_NEW(struct pair);

	t->seed = 20261125;
	imap_fixture_open(&t->f, test_dir(), "");
	arena_init(&t->a, 64u << 20);
	for (int round = 0; round < ROUNDS; round++) {
		play_round(t, round);
		arena_reset(&t->a);
	}
	arena_fini(&t->a);
	imap_fixture_close(&t->f);
	mem_free(t);
}

/* RFC 3501 7.3.2: too many recent ones, among too many others, to be counted by rows. */
TEST(bare_select_counts_many_recent)
{
	const uint32_t n = LIMIT_GLANCE_ROWS + 1;
	struct pair *t = MEM_NEW(struct pair);
	const char *const lines[LINES] = { "SELECT box" };
	uint32_t first;
	struct fault fault;

	imap_fixture_open(&t->f, test_dir(), "");
	arena_init(&t->a, 64u << 20);
	assert_int_equal(store_mailbox_create(t->f.store, t->f.alice, S("box"), 0, &t->box, &fault),
			 0);
	append(t, n);
	assert_int_equal(store_mailbox_recent(t->f.store, t->box, n + 1, &first), 0);
	append(t, n);
	for (int i = 0; i < 2; i++) {
		struct str want = i == 0 ? S("* 8193 RECENT\r\n") : S("* 0 RECENT\r\n");

		buf_init(&t->script[0], IMAP_TEST_LINE);
		imap_test_line(&t->script[0], "", lines[0]);
		imap_peer_open(&t->f, &t->peer[0], buf_str(&t->script[0]), IMAP_TEST_LINE, true);
		assert_true(str_find(imap_peer_run(&t->peer[0], NET_START), want) > 0);
		imap_peer_close(&t->peer[0]);
		buf_fini(&t->script[0]);
	}
	arena_fini(&t->a);
	imap_fixture_close(&t->f);
	mem_free(t);
}
