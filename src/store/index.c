/* SPDX-License-Identifier: MIT */
/*
 * The directory of segments, and the passes that keep it: contents that are not indexed yet are read
 * and written as a segment; segments of about the same size become one. A pass looks only at
 * accounts that changed. States: index_write.c, index_merge.c.
 */
#include "store/index_int.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "db/os_file.h"
#include "store/search_int.h"

#define ROWS 256
#define ROWS_BYTES (8u << 20)
#define BATCH_DOCS 4096
#define BATCH_BYTES (32u << 20)
#define TEXT_MAX (8u << 20)     /* of one content; longer ones are indexed in part */
#define FAN 8                   /* as many segments of a size become one */
#define REST_FACTOR 10          /* an account rests so many times as long as its pass took */

/* ---- directories ---- */

int index_dir(struct store *s, int64_t account, bool may_make)
{
	AUTO(os_file_close) int data = os_file_open_dir(AT_FDCWD, db_dir_z(s->db));
	AUTO(os_file_close) int all = -1;
	char name_z[24];

	if (data < 0)
		return data;
	if (may_make && os_file_make_dir(data, "search") < 0)
		return -E_IO;
	all = os_file_open_dir(data, "search");
	if (all < 0)
		return all;
	snprintf(name_z, sizeof(name_z), "%lld", (long long)account);
	if (may_make && os_file_make_dir(all, name_z) < 0)
		return -E_IO;
	return os_file_open_dir(all, name_z);
}

static void dir_close(DIR **d)
{
	if (*d != NULL)
		closedir(*d);
}

static DIR *list(int dir_fd)
{
	int fd = os_file_open_dir(dir_fd, ".");
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (d == NULL)
		os_file_close(&fd);
	return d;
}

static void remove_files(int dir_fd)
{
	AUTO(dir_close) DIR *d = list(dir_fd);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (e->d_name[0] != '.')
			os_file_unlink(dir_fd, e->d_name);
	}
}

void store_index_remove(struct store *s, int64_t account)
{
	AUTO(os_file_close) int fd = index_dir(s, account, false);
	AUTO(os_file_close) int up = fd < 0 ? -1 : os_file_open_dir(fd, "..");
	char name_z[24];

	if (up < 0)
		return;
	remove_files(fd);
	snprintf(name_z, sizeof(name_z), "%lld", (long long)account);
	(void)!unlinkat(up, name_z, AT_REMOVEDIR);
}

void index_close_all(struct index_segment **v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		index_segment_close(&v[i]);
	mem_free(v);
}

/* ---- the segments that the database names ---- */

struct names {
	char v[INDEX_SEGMENTS_MAX][INDEX_NAME_SIZE];
	size_t n;
};

static int read_names(struct store *s, int64_t account, struct names *ret)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	int r = db_read_begin(s->db, &tx);

	ret->n = 0;
	if (r < 0)
		return r;
	DB_QUERY(tx, &q, SQL(INDEX_SEGMENTS), DB_I(account), DB_I(INDEX_SEGMENTS_MAX));
	while ((r = db_step(&q)) > 0) {
		struct str name = db_text(&q, 0);

		if (name.n < INDEX_NAME_SIZE && str_chr(name, '/') < 0)
			snprintf(ret->v[ret->n++], INDEX_NAME_SIZE, "%" STR_FMT, STR_ARG(name));
	}
	return r;
}

int index_open_all(struct store *s, int64_t account, int dir_fd, struct index_segment ***ret_v,
		   size_t *ret_n)
{
	AUTO(mem_auto_free) struct names *names = MEM_NEW(struct names);
	struct index_segment **v = mem_alloc(INDEX_SEGMENTS_MAX, sizeof(struct index_segment *));
	size_t n = 0;
	int rc = read_names(s, account, names);

	for (size_t i = 0; i < names->n && rc == 0; i++) {
		int r = index_segment_open(dir_fd, names->v[i], &v[n]);

		if (r == 0 && v[n]->n_docs > 0)
			n++;
		else if (r == 0)
			index_segment_close(&v[n]);
		else if (r == -E_BUG || r == -E_IO)
			os_file_unlink(dir_fd, names->v[i]);
	}
	*ret_v = v;
	*ret_n = n;
	return rc;
}

/* One segment comes in place of some. */
struct naming {
	int64_t account;
	const char *new_z;           /* "": none */
	const char *const *old_z;
	size_t n_old;
};

static int name_tx(struct db_tx *tx, void *arg)
{
	const struct naming *j = arg;
	int r = 0;

	if (j->new_z[0] != 0)
		r = DB_EXEC(tx, SQL(INDEX_SEGMENT_ADD), DB_I(j->account), DB_T(str_z(j->new_z)));
	for (size_t i = 0; i < j->n_old && r == 0; i++)
		r = DB_EXEC(tx, SQL(INDEX_SEGMENT_REMOVE), DB_I(j->account),
			    DB_T(str_z(j->old_z[i])));
	return r;
}

/* Then the files of the old ones go; after an error that of the new one. */
static int name_segment(struct store *s, int dir_fd, struct naming *j)
{
	int r = db_write(s->db, &(struct db_write_job){
					.fn = name_tx, .arg = j, .durability = DB_LAZY });

	if (r < 0 && j->new_z[0] != 0)
		os_file_unlink(dir_fd, j->new_z);
	for (size_t i = 0; i < j->n_old && r == 0; i++)
		os_file_unlink(dir_fd, j->old_z[i]);
	return r;
}

static bool has_name(const struct names *names, const char *name_z)
{
	size_t i = 0;

	while (i < names->n && strcmp(names->v[i], name_z) != 0)
		i++;
	return i < names->n;
}

/* Files without a name in the database, and names without a file. */
static int tidy_account(struct store *s, int64_t account, int dir_fd)
{
	AUTO(mem_auto_free) struct names *names = MEM_NEW(struct names);
	AUTO(dir_close) DIR *d = list(dir_fd);
	const char *lost_z[INDEX_SEGMENTS_MAX];
	struct naming j = { .account = account, .new_z = "", .old_z = lost_z };
	int r = read_names(s, account, names);
	struct dirent *e;

	while (r == 0 && d != NULL && (e = readdir(d)) != NULL) {
		if (e->d_name[0] != '.' && !has_name(names, e->d_name))
			os_file_unlink(dir_fd, e->d_name);
	}
	for (size_t i = 0; i < names->n && r == 0; i++) {
		int64_t size;

		if (os_file_size(dir_fd, names->v[i], &size) < 0)
			lost_z[j.n_old++] = names->v[i];
	}
	return r == 0 && j.n_old > 0 ? name_segment(s, dir_fd, &j) : r;
}

/* ---- a pass over one account ---- */

struct row {
	int64_t content;
	uint32_t size;
};

struct pass {
	struct store *s;
	const struct store_index_job *job;
	struct store_indexed *done;
	struct index_builder *builder;
	int64_t account;
	int dir_fd;
	struct index_segment **v;
	size_t n;
	int64_t *live; /* contents of the account, ascending */
	struct row *todo;
	size_t n_live, n_todo, cap;
	bool is_over;
};

static bool has_room(struct store *s, int64_t bytes)
{
	int64_t left;

	return db_free_bytes(s->db, &left) < 0 ||
	       left > atomic_load(&s->min_free_bytes) + bytes + (16 << 20);
}

/* Waits as long as the work took, so that half of a processor stays for others. */
static bool rest(struct pass *p, int64_t since_ms)
{
	int64_t ms = clock_mono_ms() - since_ms;

	if (p->job->pause != NULL && !p->job->pause(p->job->ctx, ms < 1 ? 1 : ms))
		p->is_over = true;
	if (!atomic_load(&p->s->search_index))
		p->is_over = true;
	return !p->is_over;
}

static bool is_indexed(const struct pass *p, int64_t content)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct index_doc *v = p->v[i]->docs;
		size_t lo = 0, hi = p->v[i]->n_docs;

		if (v[0].content > content || v[hi - 1].content < content)
			continue;
		while (lo < hi) {
			size_t mid = lo + (hi - lo) / 2;

			if (v[mid].content == content)
				return true;
			if (v[mid].content < content)
				lo = mid + 1;
			else
				hi = mid;
		}
	}
	return false;
}

static int read_contents(struct pass *p, int64_t account)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	int r = db_read_begin(p->s->db, &tx);

	if (r < 0)
		return r;
	DB_QUERY(tx, &q, SQL(INDEX_CONTENTS), DB_I(account));
	while ((r = db_step(&q)) > 0) {
		int64_t content = db_int(&q, 0);

		if (p->n_live == p->cap) {
			p->cap = p->cap * 2 + 1024;
			p->live = mem_resize(p->live, p->cap, sizeof(*p->live));
			p->todo = mem_resize(p->todo, p->cap, sizeof(*p->todo));
		}
		if (p->n_live > 0 && p->live[p->n_live - 1] == content)
			continue;
		p->live[p->n_live++] = content;
		if (!is_indexed(p, content))
			p->todo[p->n_todo++] = (struct row){ content, (uint32_t)db_int(&q, 1) };
	}
	return r;
}

static void on_text(void *ctx, unsigned zones, struct str folded, bool is_end)
{
	index_builder_add(ctx, zones, folded, is_end);
}

/* Rows of some contents from `from` on; ids that are gone have none. Returns how far it came, or negative. */
static int read_rows(struct pass *p, size_t from, struct arena *a, struct store_content *ret)
{
	AUTO(store_reader_close) struct store_reader *reader = NULL;
	int r = store_reader_open(p->s, &reader);
	size_t i = from;

	for (; r >= 0 && i < p->n_todo && i < from + ROWS && a->used < ROWS_BYTES; i++) {
		r = store_content_get(reader, a, p->todo[i].content, STORE_C_MAP, &ret[i - from]);
		if (r == -E_NOT_FOUND) {
			ret[i - from] = (struct store_content){ 0 };
			r = 0;
		}
	}
	return r < 0 ? r : (int)i;
}

static int write_segment(struct pass *p)
{
	int64_t n = (int64_t)index_builder_docs(p->builder);
	char name_z[INDEX_NAME_SIZE];
	struct naming j = { .account = p->account, .new_z = name_z };
	int r;

	if (n == 0)
		return 0;
	if (!has_room(p->s, (int64_t)index_builder_bytes(p->builder)))
		return -E_DISK_FULL;
	r = index_builder_write(p->builder, p->dir_fd, name_z);
	if (r == 0)
		r = name_segment(p->s, p->dir_fd, &j);
	if (r == 0) {
		p->done->contents += n;
		p->done->segments++;
	}
	return r;
}

static void add_content(struct pass *p, struct search_msg *msg, const struct row *row,
			const struct store_content *c)
{
	struct search_sink sink = { .add = on_text, .ctx = p->builder, .left = TEXT_MAX };

	index_builder_begin(p->builder, row->content, row->size);
	search_msg_begin(msg, c);
	search_text_collect(msg, &sink);
	search_msg_begin(msg, NULL);
	index_builder_end(p->builder, sink.is_short);
}

static int add_rows(struct pass *p, struct search_msg *msg, struct arena *a, size_t *at)
{
	AUTO(mem_auto_free) struct store_content *v = mem_alloc(ROWS, sizeof(*v));
	int64_t since_ms = clock_mono_ms();
	size_t from = *at;
	int end = read_rows(p, from, a, v), r = 0;

	if (end < 0)
		return end;
	for (; *at < (size_t)end && r == 0 && !p->is_over; ++*at) {
		if (v[*at - from].size > 0)
			add_content(p, msg, &p->todo[*at], &v[*at - from]);
		if (clock_mono_ms() - since_ms > 20) {
			rest(p, since_ms);
			since_ms = clock_mono_ms();
		}
		if (index_builder_docs(p->builder) >= BATCH_DOCS ||
		    index_builder_bytes(p->builder) >= BATCH_BYTES)
			r = write_segment(p);
	}
	arena_reset(a);
	return r;
}

static int add_all(struct pass *p)
{
	AUTO(arena_fini) struct arena a = { 0 };
	struct search_msg msg;
	size_t at = 0;
	int r = 0;

	arena_init(&a, LIMIT_COMMAND_ARENA);
	search_msg_init(&msg, p->s);
	while (at < p->n_todo && r == 0 && !p->is_over)
		r = add_rows(p, &msg, &a, &at);
	search_msg_fini(&msg);
	if (r == 0 && !p->is_over)
		r = write_segment(p);
	return r;
}

/* ---- merging ---- */

static unsigned tier(const struct index_segment *g)
{
	unsigned t = 0;

	for (uint32_t n = g->n_docs / 64; n > 0; n /= FAN)
		t++;
	return t;
}

static int by_docs(const void *x, const void *y)
{
	struct index_segment *const *a = x, *const *b = y;

	return ((*a)->n_docs > (*b)->n_docs) - ((*a)->n_docs < (*b)->n_docs);
}

static size_t n_alive(const struct pass *p, const struct index_segment *g)
{
	size_t n = 0, at = 0;

	for (uint32_t i = 0; i < g->n_docs; i++) {
		while (at < p->n_live && p->live[at] < g->docs[i].content)
			at++;
		n += at < p->n_live && p->live[at] == g->docs[i].content;
	}
	return n;
}

static int merge(struct pass *p, size_t from, size_t n)
{
	int64_t bytes = 0, docs = 0;
	int64_t since_ms = clock_mono_ms();
	char name_z[INDEX_NAME_SIZE];
	const char *old_z[FAN];
	struct naming j = { .account = p->account, .new_z = name_z, .old_z = old_z, .n_old = n };
	int r;

	for (size_t i = from; i < from + n; i++) {
		old_z[i - from] = p->v[i]->name_z;
		bytes += (int64_t)p->v[i]->size;
		docs += p->v[i]->n_docs;
	}
	if (!has_room(p->s, bytes))
		return -E_DISK_FULL;
	if (docs > INDEX_DOCS_MAX)
		return 0;
	r = index_merge(p->dir_fd, p->v + from, n, p->live, p->n_live, name_z);
	if (r == 0)
		r = name_segment(p->s, p->dir_fd, &j);
	if (r == 0)
		p->done->merged += (int64_t)n;
	rest(p, since_ms);
	return r;
}

/* The smallest segments first; one that is half dead alone. 1: something was merged. */
static int merge_some(struct pass *p)
{
	int r;

	qsort(p->v, p->n, sizeof(struct index_segment *), by_docs);
	for (size_t i = 0, from = 0; i < p->n; i++) {
		if (tier(p->v[i]) != tier(p->v[from]))
			from = i;
		if (i - from + 1 == FAN) {
			r = merge(p, from, FAN);
			return r < 0 ? r : 1;
		}
	}
	for (size_t i = 0; i < p->n; i++) {
		size_t alive = n_alive(p, p->v[i]);

		if (alive * 2 >= p->v[i]->n_docs)
			continue;
		p->done->removed += (int64_t)(p->v[i]->n_docs - alive);
		r = merge(p, i, 1);
		return r < 0 ? r : 1;
	}
	return 0;
}

static int reopen(struct pass *p)
{
	index_close_all(p->v, p->n);
	p->v = NULL;
	p->n = 0;
	return index_open_all(p->s, p->account, p->dir_fd, &p->v, &p->n);
}

static int merge_all(struct pass *p)
{
	int r = reopen(p);

	while (r == 0 && !p->is_over && (r = merge_some(p)) > 0)
		r = reopen(p);
	return r;
}

static int index_account(struct pass *p)
{
	int64_t account = p->account;
	size_t after = (size_t)atomic_load(&p->s->search_index_after);
	int r;

	p->dir_fd = index_dir(p->s, account, false);
	r = p->dir_fd >= 0 ? reopen(p) : 0;
	if (r == 0)
		r = read_contents(p, account);
	if (r == 0 && p->n_todo >= after && p->n_todo > 0 && p->dir_fd < 0) {
		p->dir_fd = index_dir(p->s, account, true);
		r = p->dir_fd < 0 ? p->dir_fd : 0;
	}
	if (r < 0 || p->dir_fd < 0)
		return r;
	r = tidy_account(p->s, account, p->dir_fd);
	if (r == 0 && p->n_todo >= after)
		r = add_all(p);
	return r == 0 && !p->is_over ? merge_all(p) : r;
}

/* ---- passes ---- */

struct seen {
	int64_t modseq, rests_until_ms;
};

struct store_indexer {
	struct store *s;
	struct store_idmap seen;
	int64_t *ids, *modseqs;
	size_t n, cap;
	size_t n_tidied; /* accounts when the directories were looked through */
};

struct store_indexer *store_indexer_new(struct store *s)
{
	struct store_indexer *x = MEM_NEW(struct store_indexer);

	x->s = s;
	return x;
}

void store_indexer_free(struct store_indexer **xp)
{
	struct store_indexer *x = *xp;

	if (x == NULL)
		return;
	for (size_t i = 0; i < x->n; i++) {
		mem_free(store_idmap_get(&x->seen, x->ids[i]));
		store_idmap_remove(&x->seen, x->ids[i]);
	}
	store_idmap_fini(&x->seen);
	mem_free(x->ids);
	mem_free(x->modseqs);
	mem_free(x);
	*xp = NULL;
}

/* Forgets accounts that are gone, and removes what they had. */
static void forget(struct store_indexer *x, const int64_t *old, size_t n_old)
{
	for (size_t i = 0, at = 0; i < n_old; i++) {
		while (at < x->n && x->ids[at] < old[i])
			at++;
		if (at < x->n && x->ids[at] == old[i])
			continue;
		mem_free(store_idmap_get(&x->seen, old[i]));
		store_idmap_remove(&x->seen, old[i]);
		store_index_remove(x->s, old[i]);
	}
}

static int read_accounts(struct store_indexer *x)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	AUTO(mem_auto_free) int64_t *old = x->ids;
	size_t n_old = x->n;
	int r = db_read_begin(x->s->db, &tx);

	x->ids = mem_alloc(x->cap + 1, sizeof(*x->ids));
	x->n = 0;
	if (r == 0) {
		DB_QUERY(tx, &q, SQL(INDEX_ACCOUNTS));
		while ((r = db_step(&q)) > 0) {
			if (x->n == x->cap) {
				x->cap = x->cap * 2 + 64;
				x->ids = mem_resize(x->ids, x->cap + 1, sizeof(*x->ids));
				x->modseqs = mem_resize(x->modseqs, x->cap + 1, sizeof(*x->modseqs));
			}
			x->ids[x->n] = db_int(&q, 0);
			x->modseqs[x->n++] = db_int(&q, 1);
		}
	}
	if (r < 0) { /* nothing is known to be gone */
		mem_free(x->ids);
		x->ids = old;
		x->n = n_old;
		old = NULL;
		return r;
	}
	forget(x, old, n_old);
	return 0;
}

/* Directories of accounts that went while nobody looked. */
static void tidy(struct store_indexer *x)
{
	AUTO(os_file_close) int data = os_file_open_dir(AT_FDCWD, db_dir_z(x->s->db));
	AUTO(os_file_close) int all = data < 0 ? -1 : os_file_open_dir(data, "search");
	AUTO(dir_close) DIR *d = all < 0 ? NULL : list(all);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		uint64_t id;
		size_t i = 0;

		if (!str_to_u64(str_z(e->d_name), INT64_MAX, &id))
			continue;
		while (i < x->n && x->ids[i] != (int64_t)id)
			i++;
		if (i == x->n)
			store_index_remove(x->s, (int64_t)id);
	}
}

static int pass_account(struct store_indexer *x, size_t i, const struct store_index_job *job,
			struct store_indexed *done, bool *is_over)
{
	struct seen *seen = store_idmap_get(&x->seen, x->ids[i]);
	struct pass p = { .s = x->s, .job = job, .done = done,
			  .account = x->ids[i], .dir_fd = -1 };
	int64_t since_ms = clock_mono_ms(), took_ms;
	int r;

	if (seen == NULL) {
		seen = MEM_NEW(struct seen);
		store_idmap_put(&x->seen, x->ids[i], seen);
	}
	if (seen->modseq == x->modseqs[i] || since_ms < seen->rests_until_ms)
		return 0;
	p.builder = index_builder_new();
	r = index_account(&p);
	index_builder_free(&p.builder);
	index_close_all(p.v, p.n);
	os_file_close(&p.dir_fd);
	mem_free(p.live);
	mem_free(p.todo);
	took_ms = clock_mono_ms() - since_ms;
	seen->rests_until_ms = job->pause != NULL ? since_ms + took_ms * REST_FACTOR : 0;
	if (seen->rests_until_ms > since_ms + took_ms + 20000)
		seen->rests_until_ms = since_ms + took_ms + 20000;
	if (r == 0 && !p.is_over)
		seen->modseq = x->modseqs[i];
	*is_over = p.is_over;
	return r == -E_NOT_FOUND || r == -E_DISK_FULL ? 0 : r;
}

int store_indexer_pass(struct store_indexer *x, const struct store_index_job *job,
		       struct store_indexed *ret)
{
	bool is_over = false;
	int r, first = 0;

	*ret = (struct store_indexed){ 0 };
	if (!atomic_load(&x->s->search_index) || !has_room(x->s, 0))
		return 0;
	r = read_accounts(x);
	if (r < 0)
		return r;
	if (x->n_tidied != x->n)
		tidy(x);
	x->n_tidied = x->n;
	for (size_t i = 0; i < x->n && !is_over; i++) {
		r = pass_account(x, i, job, ret, &is_over);
		if (r < 0 && first == 0)
			first = r;
	}
	return first;
}
