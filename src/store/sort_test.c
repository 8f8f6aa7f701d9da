/* SPDX-License-Identifier: MIT */
/*
 * Threads of random messages against the steps of RFC 5256 3 written down literally, with lists of
 * children and recursion; sorting against an insertion sort; contents without keys.
 */
#include "store/sort_int.h"

#include "store/store_test.h"

static uint64_t seed;

static uint32_t pick(uint32_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % n;
}

#define MAX 40
#define IDS 30

struct letter {
	int id, refs[6], n_refs; /* id 0: none */
	int subject;             /* 0: none */
	bool is_reply;
	int64_t sent_s;
};

static void add(struct test_store *t, const struct letter *l)
{
	AUTO(buf_fini) struct buf b = BUF_INIT(10000);
	struct store_content_new content;
	struct store_appended at;
	char date[40];

	mime_date_print_z(date, l->sent_s, 0);
	buf_printf(&b, "Date: %s\r\n", date);
	if (l->id)
		buf_printf(&b, "Message-ID: <%d@x>\r\n", l->id);
	if (l->subject)
		buf_printf(&b, "Subject: %ssubject %d\r\n", l->is_reply ? "Re: " : "", l->subject);
	for (int i = 0; i < l->n_refs; i++)
		buf_printf(&b, "%s<%d@x>%s", i ? " " : "References: ", l->refs[i],
			   i + 1 == l->n_refs ? "\r\n" : "");
	buf_add(&b, S("\r\nx\r\n"));
	assert_int_equal(store_content_prepare(&t->a, buf_str(&b), &content), 0);
	assert_int_equal(store_append(t->s, &(struct store_append){ .mailbox = t->inbox, .content = &content },
				      1, &at), 0);
}

/* ---- the RFC, literally ---- */

#define NODES (MAX + IDS + MAX + 1)
struct node {
	const struct letter *l; /* NULL: a dummy */
	int seq;
	struct node *parent, *kids[NODES];
	int n_kids;
};
struct model {
	struct node nodes[NODES], root, *by_id[IDS + 1];
	int n;
};

static void unlink_node(struct node *x)
{
	struct node *p = x->parent;
	int k = 0;

	if (!p)
		return;
	for (int i = 0; i < p->n_kids; i++)
		if (p->kids[i] != x)
			p->kids[k++] = p->kids[i];
	p->n_kids = k;
	x->parent = NULL;
}

static void hang(struct node *p, struct node *x)
{
	unlink_node(x);
	x->parent = p;
	p->kids[p->n_kids++] = x;
}

static bool descends(const struct node *x, const struct node *from)
{
	for (; x; x = x->parent)
		if (x == from)
			return true;
	return false;
}

static struct node *model_id(struct model *m, int id)
{
	if (!m->by_id[id])
		m->by_id[id] = &m->nodes[m->n++];
	return m->by_id[id];
}

static void step_1(struct model *m, const struct letter *v, int n)
{
	for (m->n = 0; m->n < n; m->n++) {
		m->nodes[m->n].l = &v[m->n];
		m->nodes[m->n].seq = m->n + 1;
		if (v[m->n].id && !m->by_id[v[m->n].id])
			m->by_id[v[m->n].id] = &m->nodes[m->n];
	}
	for (int i = 0; i < n; i++) {
		struct node *x = &m->nodes[i], *last = NULL;

		for (int k = 0; k < v[i].n_refs; k++) {
			struct node *ref = model_id(m, v[i].refs[k]);

			if (last && !ref->parent && !descends(last, ref))
				hang(last, ref);
			last = ref;
		}
		unlink_node(x);
		if (last && !descends(last, x))
			hang(last, x);
	}
}

static void step_2(struct model *m)
{
	for (int i = 0; i < m->n; i++)
		if (!m->nodes[i].parent)
			hang(&m->root, &m->nodes[i]);
}

static void step_3(struct model *m, struct node *x)
{
	struct node *kids[NODES], *p = x->parent;
	int n = x->n_kids;

	memcpy(kids, x->kids, sizeof(kids));
	for (int i = 0; i < n; i++)
		step_3(m, kids[i]);
	if (x == &m->root || x->l || (p == &m->root && x->n_kids > 1))
		return;
	while (x->n_kids)
		hang(p, x->kids[0]);
	unlink_node(x);
}

static bool is_before(const struct node *a, const struct node *b)
{
	const struct node *x = a->l ? a : a->kids[0], *y = b->l ? b : b->kids[0];

	return x->l->sent_s != y->l->sent_s ? x->l->sent_s < y->l->sent_s : x->seq < y->seq;
}

static void sort_kids(struct node *x, bool is_deep)
{
	for (int i = 0; i < x->n_kids; i++)
		if (is_deep || !x->kids[i]->l)
			sort_kids(x->kids[i], is_deep);
	for (int i = 1; i < x->n_kids; i++)
		for (int k = i; k > 0 && is_before(x->kids[k], x->kids[k - 1]); k--) {
			struct node *swap = x->kids[k];

			x->kids[k] = x->kids[k - 1];
			x->kids[k - 1] = swap;
		}
}

static const struct letter *letter_of(const struct node *x)
{
	return x->l ? x->l : x->kids[0]->l;
}

static void step_5(struct model *m)
{
	struct node *table[10] = { 0 }, *tops[NODES];
	int n = m->root.n_kids;

	memcpy(tops, m->root.kids, sizeof(tops));
	for (int i = 0; i < n; i++) {
		struct node *x = tops[i], **in = &table[letter_of(x)->subject];

		if (letter_of(x)->subject &&
		    (!*in || ((*in)->l && (!x->l || ((*in)->l->is_reply && !x->l->is_reply)))))
			*in = x;
	}
	for (int i = 0; i < n; i++) {
		struct node *x = tops[i], **in = &table[letter_of(x)->subject];

		if (!letter_of(x)->subject || *in == x || x->parent != &m->root)
			continue;
		if (!x->l && !(*in)->l) {
			while (x->n_kids)
				hang(*in, x->kids[0]);
			unlink_node(x);
		} else if (!(*in)->l || (x->l->is_reply && !(*in)->l->is_reply)) {
			hang(*in, x);
		} else {
			struct node *dummy = &m->nodes[m->n++];

			hang(&m->root, dummy);
			hang(dummy, *in);
			hang(dummy, x);
			*in = dummy;
		}
	}
}

static void print_model(const struct node *x, struct buf *out)
{
	buf_printf(out, "(%d", x->seq);
	for (int i = 0; i < x->n_kids; i++)
		print_model(x->kids[i], out);
	buf_add_char(out, ')');
}

static void print_threads(const struct store_threads *t, uint32_t at, struct buf *out)
{
	for (; at != STORE_NO_NODE; at = t->nodes[at].next) {
		buf_printf(out, "(%u", t->nodes[at].seq);
		print_threads(t, t->nodes[at].child, out);
		buf_add_char(out, ')');
	}
}

static struct store_view *view_of(struct test_store *t)
{
	struct store_mbox *mbox;
	struct store_view *v;

	assert_int_equal(store_mbox_open(t->s, t->inbox, &mbox), 0);
	assert_int_equal(store_mbox_view(mbox, &v), 0);
	store_mbox_close(&mbox);
	return v;
}

static void check_threads(struct test_store *t, const struct letter *v, int n)
{
	AUTO(mem_auto_free) struct model *m = MEM_NEW(struct model);
	AUTO(buf_fini) struct buf want = BUF_INIT(10000), got = BUF_INIT(10000);
	struct store_view *view = view_of(t);
	struct store_threads threads;
	struct uidset all = { 0 };

	step_1(m, v, n);
	step_2(m);
	step_3(m, &m->root);
	sort_kids(&m->root, false);
	step_5(m);
	sort_kids(&m->root, true);
	for (int i = 0; i < m->root.n_kids; i++)
		print_model(m->root.kids[i], &want);
	assert_int_equal(uidset_add(&t->a, &all, 1, (uint32_t)n), 0);
	assert_int_equal(store_thread_run(t->s, view, &all, STORE_THREAD_REFERENCES, &threads), 0);
	print_threads(&threads, threads.first, &got);
	assert_string_equal(buf_z(&got), buf_z(&want));
	store_threads_fini(&threads);
	store_view_unref(view);
}

TEST(sort_threads_as_the_rfc)
{
	for (int round = 0; round < 120; round++) {
		struct letter v[MAX] = { 0 };
		struct test_store t;
		int n = 1 + (int)pick(MAX), ids = 3 + (int)pick(IDS - 3);

		test_open(&t);
		for (int i = 0; i < n; i++) {
			v[i].id = (int)pick((uint32_t)ids + 1);
			v[i].n_refs = pick(3) ? (int)pick(7) : 0;
			for (int k = 0; k < v[i].n_refs; k++)
				v[i].refs[k] = 1 + (int)pick((uint32_t)ids);
			v[i].subject = (int)pick(10);
			v[i].is_reply = v[i].subject && pick(2);
			v[i].sent_s = 1000000000 + pick(20);
			add(&t, &v[i]);
		}
		check_threads(&t, v, n);
		test_close(&t);
	}
}

/* ---- a long thread, and its reverse, and what makes loops: linear, or refused ---- */

static int thread_chain(int n, bool is_reverse)
{
	struct test_store t;
	struct store_threads threads;
	struct store_view *view;
	struct uidset all = { 0 };
	int r;

	test_open(&t);
	for (int i = 1; i <= n; i++) {
		struct letter l = { .id = is_reverse ? n - i + 1 : i, .sent_s = 1000000000 };

		l.refs[0] = l.id - 1;
		l.n_refs = l.refs[0] > 0;
		add(&t, &l);
	}
	view = view_of(&t);
	assert_int_equal(uidset_add(&t.a, &all, 1, (uint32_t)n), 0);
	r = store_thread_run(t.s, view, &all, STORE_THREAD_REFERENCES, &threads);
	assert_int_equal(r, 0);
	r = 0;
	for (uint32_t at = threads.first; at != STORE_NO_NODE; at = threads.nodes[at].child)
		r++;
	store_threads_fini(&threads);
	store_view_unref(view);
	test_close(&t);
	return r;
}

TEST(sort_long_threads)
{
	assert_int_equal(thread_chain(2000, false), 2000);
	assert_int_equal(thread_chain(2000, true), 2000);
}

/* ---- SORT ---- */

static const struct db_sql forget[] = {
	{ .sql = "DELETE FROM sort_keys WHERE content % 3 <> 0" },
	{ .sql = "SELECT count(*) FROM sort_keys" },
};

static int forget_tx(struct db_tx *tx, void *arg)
{
	(void)arg;
	return db_exec(tx, &forget[0], NULL, 0, NULL);
}

static int64_t count_keys(struct test_store *t)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };

	assert_int_equal(db_read_begin(t->db, &tx), 0);
	db_query(tx, &q, &forget[1], NULL, 0);
	assert_int_equal(db_step(&q), 1);
	return db_int(&q, 0);
}

static void check_order(struct test_store *t, const struct letter *v, uint32_t n)
{
	static const struct store_sort by[] = {
		{ .by = STORE_SORT_TEXT + STORE_K_SUBJECT, .is_reverse = true },
		{ .by = STORE_SORT_DATE, .is_reverse = false },
	};
	struct store_view *view = view_of(t);
	struct uidset all = { 0 };
	uint32_t *got;
	size_t n_got;

	assert_int_equal(uidset_add(&t->a, &all, 1, n), 0);
	assert_int_equal(store_sort_run(t->s, &t->a, view, &all, by, 2, &got, &n_got), 0);
	assert_int_equal(n_got, n);
	for (uint32_t i = 1; i < n; i++) {
		const struct letter *x = &v[got[i - 1] - 1], *y = &v[got[i] - 1];

		assert_true(x->subject >= y->subject);
		if (x->subject == y->subject)
			assert_true(x->sent_s < y->sent_s ||
				    (x->sent_s == y->sent_s && got[i - 1] < got[i]));
	}
	store_view_unref(view);
}

/* Also of contents that have no keys yet; they are kept then. */
TEST(sort_order)
{
	static struct db_sql_set sets[2];
	struct letter v[MAX] = { 0 };
	struct test_store t;
	struct fault f = { "" };
	char dir[600];
	const struct db_options o = { .dir_z = dir, .sql = sets, .n_sql = 2,
				      .migrations = &store_migrations, .n_migrations = 1 };

	test_open(&t);
	for (int i = 0; i < MAX; i++) {
		v[i].subject = (int)pick(10);
		v[i].sent_s = 1000000000 + pick(20);
		add(&t, &v[i]);
	}
	check_order(&t, v, MAX);
	snprintf(dir, sizeof(dir), "%s", db_dir_z(t.db));
	store_close(&t.s);
	db_close(&t.db);
	sets[0] = store_sql_set;
	sets[1] = (struct db_sql_set){ "forget", forget, ARRAY_LEN(forget) };
	assert_int_equal(db_open(&o, &t.db, &f), 0);
	assert_int_equal(store_open(t.db, NULL, NULL, &t.s, &f), 0);
	assert_int_equal(db_write(t.db, &(struct db_write_job){ .fn = forget_tx, .durability = DB_LAZY }), 0);
	assert_true(count_keys(&t) < MAX);
	check_order(&t, v, MAX);
	assert_int_equal(count_keys(&t), MAX);
	check_order(&t, v, MAX);
	store_close(&t.s);
	db_close(&t.db);
	arena_fini(&t.a);
}
