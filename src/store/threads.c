/* SPDX-License-Identifier: MIT */
/*
 * THREAD (RFC 5256 3). Messages and dummies are nodes, and while the tree is made a node knows
 * only its parent. Messages are numbered in the order of the mailbox, dummies after them.
 *
 * REFERENCES, by the RFC's steps:
 *   1   link() by the ids; a node that already hangs in another tree than its new parent can make
 *       no loop, which a union of sets tells without a walk
 *   2-3 prune(): the parent of a message becomes the next message above it, or the topmost dummy
 *   4   the threads in the order of their first message, by sent date
 *   5   merge() over a table of base subjects
 *   REFS has no step 5, and instead of 4 sort_latest()
 *   6   build(): children are put to their parents in order of sent date, so they are sorted
 */
#include "store/sort_int.h"

#include "base/limits.h"
#include "base/rnd.h"

#define NONE STORE_NO_NODE

struct msg {
	int64_t sent_s;
	uint64_t *ids; /* own, ancestors */
	uint32_t n_ids;
	bool is_reply;
	struct str subject;
};

struct slot {
	uint64_t key; /* 0: free */
	uint32_t node;
};

struct threading {
	struct arena work;
	bool has_ids;
	struct store_keyed *v;
	struct msg *m;
	uint32_t n_msgs;
	uint32_t *order;  /* messages by sent date */
	uint32_t *parent; /* of each node */
	uint32_t *set;    /* of each node: union of trees */
	uint32_t n, cap;  /* nodes */
	struct slot *slots;
	uint32_t n_slots; /* a power of 2 */
	uint64_t steps;
	uint64_t secret; /* odd; nobody can send mail that falls into one slot */
};

/* ---- nodes ---- */

static int new_node(struct threading *t, uint32_t *ret)
{
	if (t->n >= LIMIT_THREAD_NODES)
		return -E_LIMIT;
	if (t->n == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 1024;
		t->parent = mem_resize(t->parent, t->cap, sizeof(*t->parent));
		t->set = mem_resize(t->set, t->cap, sizeof(*t->set));
	}
	t->parent[t->n] = NONE;
	t->set[t->n] = t->n;
	*ret = t->n++;
	return 0;
}

static struct slot *find_slot(const struct threading *t, uint64_t key)
{
	uint32_t i = (uint32_t)(key * t->secret >> 40) & (t->n_slots - 1);

	while (t->slots[i].key != 0 && t->slots[i].key != key)
		i = (i + 1) & (t->n_slots - 1);
	return &t->slots[i];
}

static void grow_slots(struct threading *t)
{
	struct slot *old = t->slots;
	uint32_t n = t->n_slots;

	t->n_slots = n ? 2 * n : 4096;
	t->slots = mem_alloc(t->n_slots, sizeof(*t->slots));
	for (uint32_t i = 0; i < n; i++)
		if (old[i].key != 0)
			*find_slot(t, old[i].key) = old[i];
	mem_free(old);
}

/* The node of an id, a dummy when there was none. */
static int node_of(struct threading *t, uint64_t id, uint32_t *ret)
{
	struct slot *slot;
	int rc;

	if (t->n_slots < 2 * (t->n + 1))
		grow_slots(t);
	slot = find_slot(t, id);
	if (slot->key == 0) {
		rc = new_node(t, &slot->node);
		if (rc < 0)
			return rc;
		slot->key = id;
	}
	*ret = slot->node;
	return 0;
}

/* ---- links (step 1) ---- */

static uint32_t set_of(struct threading *t, uint32_t node)
{
	while (t->set[node] != node) {
		t->set[node] = t->set[t->set[node]];
		node = t->set[node];
	}
	return node;
}

/* 1: x hangs below node, or is it. */
static int is_below(struct threading *t, uint32_t x, uint32_t node)
{
	while (x != NONE && x != node) {
		x = t->parent[x];
		if (++t->steps > LIMIT_THREAD_STEPS)
			return -E_LIMIT;
	}
	return x == node;
}

/* Unless that makes a loop. The child has no parent. */
static int link(struct threading *t, uint32_t parent, uint32_t child)
{
	uint32_t p = set_of(t, parent), c = set_of(t, child);
	int rc = p == c ? is_below(t, parent, child) : 0;

	if (rc != 0)
		return rc < 0 ? rc : 0;
	t->parent[child] = parent;
	t->set[c] = p;
	return 0;
}

/* 1 A and B for one message. */
static int link_message(struct threading *t, uint32_t at)
{
	const struct msg *m = &t->m[at];
	uint32_t last = NONE, node;

	for (uint32_t i = 1; i < m->n_ids; i++) {
		int rc = node_of(t, m->ids[i], &node);

		if (rc == 0 && last != NONE && t->parent[node] == NONE)
			rc = link(t, last, node);
		if (rc < 0)
			return rc;
		last = node;
	}
	if (last != NONE && t->parent[at] == last)
		return 0;
	t->parent[at] = NONE;
	return last != NONE ? link(t, last, at) : 0;
}

/* The first message with an id has it. */
static int link_all(struct threading *t)
{
	int rc = 0;

	for (uint32_t i = 0; i < t->n_msgs && rc == 0; i++) {
		struct slot *slot;

		if (t->n_slots < 2 * (i + 1))
			grow_slots(t);
		slot = t->m[i].ids[0] != 0 ? find_slot(t, t->m[i].ids[0]) : NULL;
		if (slot && slot->key == 0)
			*slot = (struct slot){ t->m[i].ids[0], i };
	}
	for (uint32_t i = 0; i < t->n_msgs && rc == 0; i++)
		rc = link_message(t, i);
	return rc;
}

/* ---- pruning (steps 2 and 3) ---- */

static bool is_dummy(const struct threading *t, uint32_t node)
{
	return node >= t->n_msgs;
}

/*
 * A dummy's parent becomes the first message above it, or itself when it is the topmost one, or what is above that:
 * each step of the way is made short for those that come after.
 */
static uint32_t above(struct threading *t, uint32_t node)
{
	uint32_t top = node;

	while (top != NONE && is_dummy(t, top) && t->parent[top] != NONE && t->parent[top] != top)
		top = t->parent[top];
	while (node != NONE && node != top) {
		uint32_t next = t->parent[node];

		if (!is_dummy(t, node))
			break;
		t->parent[node] = top;
		node = next;
	}
	return top;
}

/* A dummy at the top with a single child goes too. */
static void prune(struct threading *t)
{
	uint32_t *n_children = mem_alloc(t->n + 1, sizeof(*n_children));

	for (uint32_t i = 0; i < t->n_msgs; i++) {
		if (t->parent[i] != NONE)
			t->parent[i] = above(t, t->parent[i]);
		if (t->parent[i] != NONE)
			n_children[t->parent[i]]++;
	}
	for (uint32_t i = 0; i < t->n_msgs; i++) {
		uint32_t p = t->parent[i];

		if (p != NONE && is_dummy(t, p) && n_children[p] == 1)
			t->parent[i] = NONE;
	}
	for (uint32_t i = t->n_msgs; i < t->n; i++)
		t->parent[i] = NONE;
	mem_free(n_children);
}

/* ---- subjects (step 5) ---- */

struct top {
	uint32_t node;
	uint32_t first; /* message of it, by sent date: the node itself unless it is a dummy */
};

struct subjects {
	struct top *table; /* open addresses; node NONE: free */
	uint32_t n_table;  /* a power of 2 */
	struct top *tops;  /* in their order */
	uint32_t n_tops;
};

static uint64_t hash_subject(const struct threading *t, struct str s)
{
	uint64_t h = t->secret;

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3u;
	return h * t->secret >> 40;
}

static struct top *find_subject(const struct threading *t, const struct subjects *g, struct str subject)
{
	uint32_t i = (uint32_t)hash_subject(t, subject) & (g->n_table - 1);

	while (g->table[i].node != NONE && !str_eq(t->m[g->table[i].first].subject, subject))
		i = (i + 1) & (g->n_table - 1);
	return &g->table[i];
}

/* Steps 4 and 5 A: the threads by their first messages. */
static void list_tops(struct threading *t, struct subjects *g)
{
	bool *is_listed = mem_alloc(t->n + 1, sizeof(*is_listed));

	g->tops = mem_alloc(t->n_msgs + 1, sizeof(*g->tops));
	for (uint32_t i = 0; i < t->n_msgs; i++) {
		uint32_t at = t->order[i], p = t->parent[at];
		uint32_t top = p == NONE ? at : p;

		if ((p != NONE && !is_dummy(t, p)) || is_listed[top])
			continue;
		is_listed[top] = true;
		g->tops[g->n_tops++] = (struct top){ top, at };
	}
	g->n_table = 16;
	while (g->n_table < 2 * (g->n_tops + 1))
		g->n_table *= 2;
	g->table = mem_alloc(g->n_table, sizeof(*g->table));
	for (uint32_t i = 0; i < g->n_table; i++)
		g->table[i].node = NONE;
	mem_free(is_listed);
}

/* 5 B: a dummy, or what is no reply, represents the subject. */
static void fill_table(struct threading *t, struct subjects *g)
{
	for (uint32_t i = 0; i < g->n_tops; i++) {
		struct top x = g->tops[i], *in;
		const struct msg *m = &t->m[x.first];

		if (m->subject.n == 0)
			continue;
		in = find_subject(t, g, m->subject);
		if (in->node == NONE ||
		    (!is_dummy(t, in->node) &&
		     (is_dummy(t, x.node) || (t->m[in->node].is_reply && !m->is_reply))))
			*in = x;
	}
}

/* 5 C. The children of a dummy that goes follow parent[] of the dummy. */
static int merge_one(struct threading *t, struct top x, struct top *in)
{
	uint32_t dummy;
	int rc;

	if (is_dummy(t, in->node) || (!is_dummy(t, x.node) && t->m[x.node].is_reply &&
				      !t->m[in->node].is_reply)) {
		t->parent[x.node] = in->node;
		return 0;
	}
	rc = new_node(t, &dummy);
	if (rc < 0)
		return rc;
	t->parent[x.node] = t->parent[in->node] = dummy;
	in->node = dummy;
	return 0;
}

static int merge(struct threading *t)
{
	struct subjects g = { 0 };
	int rc = 0;

	list_tops(t, &g);
	fill_table(t, &g);
	for (uint32_t i = 0; i < g.n_tops && rc == 0; i++) {
		struct top x = g.tops[i], *in;

		if (t->m[x.first].subject.n == 0)
			continue;
		in = find_subject(t, &g, t->m[x.first].subject);
		/* A message of the table may hang below a dummy by now: it is the current one too. */
		if (in->node != x.node && in->first != x.first)
			rc = merge_one(t, x, in);
	}
	mem_free(g.tops);
	mem_free(g.table);
	return rc;
}

/* ---- ORDEREDSUBJECT ---- */

static int compare_sent(const void *a, const void *b, void *ctx)
{
	const struct threading *t = ctx;
	uint32_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	if (t->m[x].sent_s != t->m[y].sent_s)
		return t->m[x].sent_s < t->m[y].sent_s ? -1 : 1;
	return (x > y) - (x < y);
}

/* The first by sent date of each subject is the parent of the others. */
static void by_subject(struct threading *t)
{
	struct subjects g = { 0 };

	list_tops(t, &g);
	for (uint32_t i = 0; i < t->n_msgs; i++) {
		uint32_t at = t->order[i];
		struct top *in = find_subject(t, &g, t->m[at].subject);

		if (in->node == NONE)
			*in = (struct top){ at, at };
		else
			t->parent[at] = in->node;
	}
	mem_free(g.tops);
	mem_free(g.table);
}

/* ---- the result (step 6) ---- */

static void put_last(struct store_thread_node *nodes, uint32_t *first, uint32_t *last, uint32_t node)
{
	if (*first == NONE)
		*first = node;
	else
		nodes[*last].next = node;
	*last = node;
}

/* Messages by sent date; a dummy stands where its first one does. */
static void build(struct threading *t, struct store_threads *ret)
{
	struct store_thread_node *nodes = mem_alloc(t->n + 1, sizeof(*nodes));
	uint32_t *last = mem_alloc(t->n + 1, sizeof(*last)), last_top = NONE;

	for (uint32_t i = 0; i < t->n; i++) {
		nodes[i] = (struct store_thread_node){ 0, NONE, NONE, NONE };
		nodes[i].seq = i < t->n_msgs ? t->v[i].seq : 0;
	}
	ret->first = NONE;
	for (uint32_t i = 0; i < t->n_msgs; i++) {
		uint32_t at = t->order[i], p = t->parent[at];

		if (p != NONE)
			p = above(t, p);
		nodes[at].parent = p;
		if (p == NONE)
			put_last(nodes, &ret->first, &last_top, at);
		else if (is_dummy(t, p) && nodes[p].child == NONE)
			put_last(nodes, &ret->first, &last_top, p);
		if (p != NONE)
			put_last(nodes, &nodes[p].child, &last[p], at);
	}
	ret->nodes = nodes;
	mem_free(last);
}

/* ---- REFS: threads by their last arrival ---- */

struct arrival {
	uint32_t top;
	uint32_t last; /* highest number of a message in it */
	int64_t at_s;  /* latest internal date in it */
};

static int compare_arrivals(const void *a, const void *b)
{
	const struct arrival *x = a, *y = b;

	if (x->at_s != y->at_s)
		return x->at_s < y->at_s ? -1 : 1;
	return (x->last > y->last) - (x->last < y->last);
}

/* The top of a node; the way is made short for those that come after. */
static uint32_t top_of(struct store_thread_node *nodes, uint32_t *up, uint32_t node)
{
	uint32_t top = node;

	while (nodes[top].parent != NONE)
		top = up[top] != NONE ? up[top] : nodes[top].parent;
	while (node != top) {
		uint32_t next = up[node] != NONE ? up[node] : nodes[node].parent;

		up[node] = top;
		node = next;
	}
	return top;
}

static void sort_latest(const struct threading *t, struct store_threads *ret)
{
	struct store_thread_node *nodes = ret->nodes;
	struct arrival *by_node = mem_alloc(t->n + 1, sizeof(*by_node)), *tops;
	uint32_t *up = mem_alloc(t->n + 1, sizeof(*up)), n = 0;

	for (uint32_t i = 0; i < t->n; i++) {
		up[i] = NONE;
		by_node[i] = (struct arrival){ .top = i, .at_s = INT64_MIN };
	}
	for (uint32_t i = 0; i < t->n_msgs; i++) {
		struct arrival *a = &by_node[top_of(nodes, up, i)];
		int64_t at_s = t->v[i].m->internaldate_s;

		a->at_s = at_s > a->at_s ? at_s : a->at_s;
		a->last = i; /* they ascend */
	}
	tops = mem_alloc(t->n + 1, sizeof(*tops));
	for (uint32_t at = ret->first; at != NONE; at = nodes[at].next)
		tops[n++] = by_node[at];
	qsort(tops, n, sizeof(*tops), compare_arrivals);
	for (uint32_t i = 0; i < n; i++)
		nodes[tops[i].top].next = i + 1 < n ? tops[i + 1].top : NONE;
	ret->first = n > 0 ? tops[0].top : NONE;
	mem_free(by_node);
	mem_free(tops);
	mem_free(up);
}

/* ---- reading ---- */

static int gather(void *ctx, size_t i, const struct store_keys *k)
{
	struct threading *t = ctx;
	struct msg *m = &t->m[i];

	m->sent_s = store_keys_sent(k, t->v[i].m);
	m->is_reply = k->is_reply;
	m->subject = arena_str(&t->work, k->text[STORE_K_SUBJECT]);
	if (!m->subject.p)
		return -E_LIMIT;
	if (!t->has_ids)
		return 0;
	m->n_ids = (uint32_t)(k->ids.n / STORE_ID_BYTES);
	m->ids = ARENA_ARRAY(&t->work, uint64_t, m->n_ids + 1);
	for (size_t j = 0; m->ids && j < m->n_ids * (size_t)STORE_ID_BYTES; j++)
		m->ids[j / STORE_ID_BYTES] |= (uint64_t)(unsigned char)k->ids.p[j] << j % STORE_ID_BYTES * 8;
	return m->ids ? 0 : -E_LIMIT;
}

static int read_all(struct threading *t, struct store *s, const struct store_view *v,
		    const struct uidset *seqs)
{
	size_t n = 0;
	uint32_t node;
	int rc = store_keyed_list(&t->work, v, seqs, &t->v, &n);

	if (rc < 0)
		return rc;
	t->m = ARENA_ARRAY(&t->work, struct msg, n);
	t->order = ARENA_ARRAY(&t->work, uint32_t, n);
	if (!t->m || !t->order)
		return -E_LIMIT;
	for (t->n_msgs = 0; t->n_msgs < n && rc == 0; t->n_msgs++) {
		t->order[t->n_msgs] = t->n_msgs;
		rc = new_node(t, &node);
	}
	if (rc == 0)
		rc = store_keys_read(s, t->v, n, STORE_KEYS_THREAD, gather, t);
	if (rc == 0)
		qsort_r(t->order, n, sizeof(*t->order), compare_sent, t);
	return rc;
}

int store_thread_run(struct store *s, const struct store_view *v, const struct uidset *seqs,
		     enum store_thread_algorithm algorithm, struct store_threads *ret)
{
	struct threading t = { .has_ids = algorithm != STORE_THREAD_ORDEREDSUBJECT };
	int rc;

	arena_init(&t.work, LIMIT_SORT_ARENA);
	rnd_bytes(&t.secret, sizeof(t.secret));
	t.secret |= 1;
	*ret = (struct store_threads){ .first = NONE };
	rc = read_all(&t, s, v, seqs);
	if (rc == 0 && algorithm == STORE_THREAD_ORDEREDSUBJECT)
		by_subject(&t);
	if (rc == 0 && t.has_ids) {
		rc = link_all(&t);
		if (rc == 0)
			prune(&t);
		if (rc == 0 && algorithm == STORE_THREAD_REFERENCES)
			rc = merge(&t);
	}
	if (rc == 0)
		build(&t, ret);
	if (rc == 0 && algorithm == STORE_THREAD_REFS)
		sort_latest(&t, ret);
	mem_free(t.parent);
	mem_free(t.set);
	mem_free(t.slots);
	arena_fini(&t.work);
	return rc;
}

void store_threads_fini(struct store_threads *t)
{
	mem_free(t->nodes);
	*t = (struct store_threads){ .first = NONE };
}
