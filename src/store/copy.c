/* SPDX-License-Identifier: MIT */
/*
 * COPY and MOVE: rows are gathered, for a MOVE taken out of the source, and put
 * into the destination with new UIDs. Contents are shared: a COPY adds a reference to each, a
 * MOVE keeps them as they are. Both halves of a MOVE are one transaction with one modseq (RFC
 * 6851 3.3: nobody sees a message twice or not at all), or two in two accounts.
 *
 * Between accounts the thread goes along as it is: threads are named after contents, so it means no
 * other one there. Later mail finds it only if it is that account's by its message ids too.
 */
#include "store/note.h"
#include "store/store_int.h"

#define ROW_BYTES 200 /* what a copy takes, roughly, with its places in indexes */
#define CACHED 64 /* flags that are found again without asking */

struct copy {
	struct store *s;
	struct db_tx *tx;
	bool is_move;
	uint64_t may_set; /* flags that the user may set in the destination */
	struct store_notes_copying notes;
	struct store_box from, to;
	struct keyword_map *map; /* NULL: there are no keywords */
};

/* Keywords of the source in the destination. */
struct keyword_map {
	struct arena a;
	struct store_keyword_names from, to;
	struct {
		bool is_known;
		int to; /* -1: there is none */
	} numbers[LIMIT_IMAP_KEYWORDS];
	struct store_sets sets;
	struct {
		uint64_t from, to; /* flags, without system flags */
	} cache[CACHED];
	uint64_t *flags; /* of each row, in the destination */
};

static void map_end(struct keyword_map **m)
{
	if (!*m)
		return;
	store_sets_end(&(*m)->sets);
	arena_fini(&(*m)->a);
	mem_free((*m)->flags);
	mem_free(*m);
	*m = NULL;
}

/*
 * Keywords go along by name; one that finds no room in the destination, or is none (of an old
 * import), stays behind (RFC 9051 6.4.7: SHOULD).
 */
static int map_number(struct copy *c, unsigned number)
{
	struct keyword_map *m = c->map;
	struct store_keyword_list one = { .n = 0 };
	int rc = 0;

	if (m->numbers[number].is_known)
		return 0;
	if (number < m->from.n && m->from.v[number].n)
		rc = store_tx_keyword_numbers(c->tx, c->to.id, &m->to, &m->from.v[number], 1, true, &one);
	if (rc < 0 && rc != -E_LIMIT && rc != -E_SYNTAX)
		return rc;
	m->numbers[number].to = rc == 0 && one.n ? one.v[0] : -1;
	m->numbers[number].is_known = true;
	return 0;
}

static int map_list(struct copy *c, uint64_t flags, uint64_t *ret)
{
	struct store_keyword_list from = { .n = 0 }, to = { .n = 0 };
	int rc = store_tx_keyword_list(c->tx, c->from.id, flags, &from);

	for (size_t i = 0; i < from.n && rc == 0; i++) {
		rc = map_number(c, from.v[i]);
		if (rc == 0 && c->map->numbers[from.v[i]].to >= 0)
			(void)!store_keyword_list_add(&to, (unsigned)c->map->numbers[from.v[i]].to);
	}
	if (rc == 0)
		rc = store_tx_keyword_flags(c->tx, &c->map->sets, &to, ret);
	if (rc != -E_LIMIT)
		return rc;
	while (to.n > 0 && to.v[to.n - 1] >= STORE_KEYWORD_BITS)
		to.n--;
	return store_tx_keyword_flags(c->tx, &c->map->sets, &to, ret);
}

/* Most rows have the flags of one before. */
static int map_flags(struct copy *c, uint64_t flags, uint64_t *ret)
{
	uint64_t keywords = flags & (UINT64_MAX << STORE_KEYWORD_BIT) & c->may_set;
	size_t at = (keywords * 0x9e3779b97f4a7c15u) >> 58;
	int rc = 0;

	if (keywords != c->map->cache[at].from) {
		rc = map_list(c, keywords, &c->map->cache[at].to);
		c->map->cache[at].from = rc == 0 ? keywords : 0;
		if (rc < 0)
			c->map->cache[at].to = 0;
	}
	*ret = (flags & STORE_SYSTEM_FLAGS & c->may_set) | c->map->cache[at].to;
	return rc;
}

/* Before anything is taken out of the source: its sets must still be there. */
static int map_keywords(struct copy *c, const struct store_rows *rows)
{
	uint64_t used = 0;
	int rc;

	for (size_t i = 0; i < rows->n; i++)
		used |= rows->v[i].flags;
	if ((used & c->may_set) >> STORE_KEYWORD_BIT == 0)
		return 0;
	c->map = MEM_NEW(struct keyword_map);
	c->map->sets.box = &c->to;
	c->map->flags = mem_alloc(rows->n, sizeof(*c->map->flags));
	arena_init(&c->map->a, 2 * STORE_KEYWORD_ARENA);
	rc = store_tx_keywords(c->tx, &c->map->a, c->from.id, &c->map->from);
	if (rc == 0)
		rc = store_tx_keywords(c->tx, &c->map->a, c->to.id, &c->map->to);
	for (size_t i = 0; i < rows->n && rc == 0; i++)
		rc = map_flags(c, rows->v[i].flags, &c->map->flags[i]);
	return rc;
}

static int check(const struct copy *c, const struct store_rows *rows)
{
	int64_t bytes = 0;

	if (c->is_move && c->from.account == c->to.account)
		return 0;
	if (!db_has_room(c->s->db, (int64_t)rows->n * ROW_BYTES))
		return -E_DISK_FULL;
	for (size_t i = 0; i < rows->n; i++)
		bytes += rows->v[i].size;
	return store_box_fits(&c->to, (int64_t)rows->n, bytes);
}

static int add_row(struct copy *c, const struct store_rows *rows, size_t i, uint32_t *ret_uid)
{
	const struct store_row *row = &rows->v[i];
	const struct store_adding m = {
		.content = row->content,
		.flags = c->map ? c->map->flags[i] : row->flags & STORE_SYSTEM_FLAGS & c->may_set,
		.internaldate_s = row->internaldate_s,
		.size = row->size,
		.thread = row->thread,
	};
	int rc = store_tx_box_add(c->tx, &c->to, &m, ret_uid);

	if (rc == 0 && !c->is_move)
		rc = store_tx_content_ref(c->tx, row->content, 1);
	return rc < 0 ? rc : store_tx_notes_copy(c->tx, &c->notes, row->uid, *ret_uid);
}

/* The source's go first: then a MOVE within one account takes no room. */
static int end_notes(const struct copy *c)
{
	int rc = c->is_move ? store_tx_notes_expunge(c->tx, c->from.id, c->from.modseq) : 0;

	return rc < 0 ? rc : store_tx_notes_copied(c->tx, &c->notes);
}

static int move_rows(struct copy *c, struct arena *a, const struct store_rows *rows,
		     struct store_copied *ret)
{
	int rc = check(c, rows);

	if (rc == 0)
		rc = map_keywords(c, rows);
	if (rc == 0)
		rc = store_tx_notes_any(c->tx, c->from.id, &c->notes.has_any);
	if (rc == 0 && c->is_move)
		rc = store_tx_rows_take(c->tx, &c->from, rows);
	if (rc == 0 && a) {
		ret->from = ARENA_ARRAY(a, uint32_t, rows->n + 1);
		ret->to = ARENA_ARRAY(a, uint32_t, rows->n + 1);
		rc = ret->from && ret->to ? 0 : -E_LIMIT;
	}
	for (size_t i = 0; i < rows->n && rc == 0; i++) {
		uint32_t uid;

		rc = add_row(c, rows, i, &uid);
		if (rc == 0 && a) {
			ret->from[i] = rows->v[i].uid;
			ret->to[i] = uid;
		}
	}
	if (rc == 0)
		rc = end_notes(c);
	/* Two halves of one change: views learn of it from the rows. */
	if (c->from.id == c->to.id)
		c->from.delta.kind = c->to.delta.kind = STORE_DELTA_UNTOLD;
	if (c->from.id == c->to.id)
		c->from.has_lost_sets = false; /* the messages are back with c->to */
	/* The source first: when it is the destination too, the new uidnext is written last. */
	if (rc == 0 && c->is_move)
		rc = store_tx_box_change(c->s, c->tx, &c->from);
	return rc < 0 ? rc : store_tx_box_change(c->s, c->tx, &c->to);
}

/* RFC 4314 4, RFC 6851 4.2 */
static int check_rights(struct copy *c, int64_t src, int64_t dst, int64_t user)
{
	unsigned need = c->is_move ? STORE_R_READ | STORE_R_TRASH | STORE_R_EXPUNGE : STORE_R_READ;
	unsigned from = 0, to = 0;
	int rc = store_tx_rights(c->s, c->tx, src, user, &from);

	if (rc == 0 && (from & need) != need)
		rc = -E_DENIED;
	if (rc == 0)
		rc = store_tx_rights_need(c->s, c->tx, dst, user, STORE_R_INSERT, &to);
	c->may_set = store_rights_flags(to);
	c->notes.scopes = (to & STORE_R_READ ? STORE_NOTE_PRIVATE : 0) |
			  (to & STORE_R_ANNOTATE ? STORE_NOTE_SHARED : 0);
	return rc;
}

int store_tx_copy(struct store *s, struct db_tx *tx, struct arena *a,
		  const struct store_copying *how, struct store_copied *ret)
{
	AUTO(store_rows_fini) struct store_rows rows = { 0 };
	struct copy c = { .s = s, .tx = tx, .is_move = how->is_move };
	int rc;

	c.notes = (struct store_notes_copying){ .from = how->src, .to = &c.to, .user = how->user };
	rc = check_rights(&c, how->src, how->dst, how->user);
	if (rc == 0)
		rc = store_tx_box(tx, how->src, &c.from);
	if (rc == 0)
		rc = store_tx_box(tx, how->dst, &c.to);
	if (rc == 0)
		rc = store_tx_rows(tx, how->src, how->uids, 0, &rows);
	if (rc < 0)
		return rc;
	if (rows.n < how->want)
		rows.n = 0;
	*ret = (struct store_copied){
		.uidvalidity = c.to.uidvalidity,
		.n = rows.n,
		.src_modseq = how->is_move && rows.n ? c.from.modseq : c.from.highestmodseq,
	};
	if (rows.n > 0)
		rc = move_rows(&c, a, &rows, ret);
	map_end(&c.map);
	return rc;
}

struct job {
	struct store *s;
	struct arena *a;
	const struct store_copying *how;
	struct store_copied copied;
};

static int copy_tx(struct db_tx *tx, void *arg)
{
	struct job *j = arg;

	return store_tx_copy(j->s, tx, j->a, j->how, &j->copied);
}

int store_copy(struct store *s, struct arena *a, int64_t src, const struct uidset *uids,
	       int64_t dst, bool is_move, struct store_copied *ret)
{
	const struct store_copying how = { .src = src, .uids = uids, .dst = dst, .is_move = is_move };

	return store_copy_by(s, a, &how, ret);
}

int store_copy_by(struct store *s, struct arena *a, const struct store_copying *how,
		  struct store_copied *ret)
{
	struct job j = { .s = s, .a = a, .how = how };
	int rc = db_write(s->db, &(struct db_write_job){
					 .fn = copy_tx, .arg = &j, .durability = DB_DURABLE });

	if (rc == 0)
		*ret = j.copied;
	return rc;
}
