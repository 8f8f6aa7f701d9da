/* SPDX-License-Identifier: MIT */
/*
 * Packs: append-only files DIR/pack/NNNNNN.pack of finished message bodies.
 *
 * A record is a header of 32 bytes and the body exactly as it is served. Integers are unsigned and
 * little-endian; offset, size, what:
 *
 *    0  4  magic "MLTB"          16  4  CRC-32 of the body
 *    4  2  version 1             20  4  pack number, low bits
 *    6  2  header size 32        24  4  zero
 *    8  8  body length           28  4  CRC-32 of bytes 0..27
 *
 * A blob_ref names the first body byte; the header stands right before it.
 *
 * States of a body, who moves it on, and what a crash leaves:
 *  1. in the caller's memory or spool. Gone after a crash; nobody was answered.
 *  2. written to the end of the pack (write_chain), not synced. After a crash: some bytes that
 *     no row names. Its pack is busy from here to the end of its job.
 *  3. synced, with its directory entry (db_pack_append). After a crash: dead bytes that no row
 *     names.
 *  4. named by a committed row (writer.c). Safe; only now the caller is answered.
 *
 * Rules that make this hold:
 *  - Each open of the database starts a new pack with its first body: what an earlier process
 *    left at the end of its pack is never appended to, cut or overwritten; it is synced before
 *    the size is written down (blob_pack_final_bytes). Pack numbers only grow; they begin beyond
 *    the highest file.
 *  - After a failed sync the kernel may have dropped the pages and call the next sync a success
 *    (so does Linux). The pack is cut back to its last synced record and left alone from then
 *    on: what was synced in it before stays good, and its size does not count what was lost.
 *  - After a failed write (disk full) the file is cut back to its last good record, which gives
 *    the space back.
 *  - The pack of small bodies is written ahead with zeros: a sync of bytes that overwrite others in place need
 *    not write down where they are and how long the file is, which is what a sync of an appended record
 *    takes longest for. The zeros are cut off when the pack is closed; after a crash they are dead space.
 *  - A body larger than LIMIT_BODY_BATCHED gets a pack of its own, written by its caller's
 *    thread, so that the batch does not wait for it. It is removed when its job did not commit
 *    for sure; else it stays as dead space.
 */
#include "db/pack_int.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <zlib.h>

#include "base/must.h"

#define RECORD_MAGIC 0x42544c4du /* "MLTB" */
#define RECORD_VERSION 1
#define PACK_BYTES_DEFAULT ((int64_t)64 << 20)
#define CHAIN_STEP 32 /* records per write call; on the stack of any thread */
#define AHEAD_BYTES ((int64_t)256 << 10)
#define AHEAD_SHARE 64 /* of a full pack, at most */
#define ZEROS ((size_t)32 << 10)

/* ---- the record ---- */

static void put_le(uint8_t *p, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static uint64_t get_le(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

static uint32_t crc_of(const void *p, size_t n)
{
	return (uint32_t)crc32_z(0, p, n);
}

void pack_head_put(uint8_t *h, int64_t pack, uint64_t length, uint32_t body_crc)
{
	put_le(h, RECORD_MAGIC, 4);
	put_le(h + 4, RECORD_VERSION, 2);
	put_le(h + 6, (uint64_t)PACK_HEAD, 2);
	put_le(h + 8, length, 8);
	put_le(h + 16, body_crc, 4);
	put_le(h + 20, (uint32_t)pack, 4);
	put_le(h + 24, 0, 4);
	put_le(h + 28, crc_of(h, 28), 4);
}

bool pack_head_is_good(const uint8_t *h, const struct blob_ref *ref)
{
	return get_le(h, 4) == RECORD_MAGIC && get_le(h + 4, 2) == RECORD_VERSION &&
	       get_le(h + 28, 4) == crc_of(h, 28) && get_le(h + 8, 8) == (uint64_t)ref->length &&
	       get_le(h + 20, 4) == (uint32_t)ref->pack;
}

uint32_t pack_head_crc(const uint8_t *h)
{
	return (uint32_t)get_le(h + 16, 4);
}

int64_t pack_head_length(const uint8_t *h)
{
	return (int64_t)get_le(h + 8, 8);
}

void db_pack_item_init(struct db_pack_item *item, struct db_body *body)
{
	item->next = NULL;
	item->body = body;
	item->crc = crc_of(body->bytes.n ? body->bytes.p : "", body->bytes.n);
}

/* ---- the room of packs ---- */

void pack_name(char out[32], int64_t pack)
{
	snprintf(out, 32, "%06" PRId64 ".pack", pack);
}

int pack_numbers(int dir_fd, int64_t **ret, size_t *ret_n)
{
	int fd = os_file_open_dir(dir_fd, ".");
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	size_t n = 0, cap = 0;
	struct dirent *e;
	int64_t *v = NULL;
	uint64_t number;

	if (!dir) {
		os_file_close(&fd);
		return -E_IO;
	}
	while ((e = readdir(dir))) {
		struct str name = str_z(e->d_name);

		if (!str_ends(name, S(".pack")) ||
		    !str_to_u64(str_head(name, name.n - 5), INT64_MAX - 1, &number))
			continue;
		if (n == cap) {
			cap = cap ? 2 * cap : 64;
			v = mem_resize(v, cap, sizeof(*v));
		}
		v[n++] = (int64_t)number;
	}
	closedir(dir);
	*ret = v;
	*ret_n = n;
	return 0;
}

/*
 * Opens the directory and finds the highest number in use, 0 for none. Its entry is synced: later
 * packs may be removed because this one is there (blob_pack_drop).
 */
static int open_dir(struct db *db, int *ret_fd, int64_t *ret_top)
{
	int made = os_file_make_dir(db->dir_fd, "pack");
	int fd = made < 0 ? made : os_file_open_dir(db->dir_fd, "pack");
	int64_t *numbers = NULL;
	size_t n = 0;
	int rc = fd;

	if (rc >= 0 && made == 1)
		rc = os_file_sync_dir(db->dir_fd);
	if (rc >= 0)
		rc = os_file_sync_dir(fd);
	if (rc >= 0)
		rc = pack_numbers(fd, &numbers, &n);
	if (rc < 0) {
		os_file_close(&fd);
		return rc;
	}
	*ret_top = 0;
	for (size_t i = 0; i < n; i++)
		*ret_top = numbers[i] > *ret_top ? numbers[i] : *ret_top;
	mem_free(numbers);
	*ret_fd = fd;
	return 0;
}

int db_packs_open(struct db *db, struct db_packs **ret, struct fault *f)
{
	struct db_packs *p;
	int64_t top;
	int fd;
	int rc = open_dir(db, &fd, &top);

	if (rc < 0)
		return fault_errno(f, errno, "cannot open %s/pack", db->dir_z);
	p = MEM_NEW(struct db_packs);
	p->db = db;
	p->dir_fd = fd;
	p->pack_bytes = db->o.pack_bytes > 0 ? db->o.pack_bytes : PACK_BYTES_DEFAULT;
	p->batch.fd = p->moved.fd = -1;
	p->top = top;
	atomic_init(&p->next, top + 1);
	lock_init(&p->batch_lock);
	lock_init(&p->lock);
	for (size_t i = 0; i < PACK_READ_FDS; i++)
		p->readers[i].fd = -1;
	*ret = p;
	return 0;
}

void db_packs_close(struct db_packs **pp)
{
	struct db_packs *p = *pp;

	if (!p)
		return;
	for (size_t i = 0; i < PACK_READ_FDS; i++) {
		must(p->readers[i].refs == 0);
		os_file_close(&p->readers[i].fd);
	}
	pack_out_close(p, &p->batch);
	pack_out_close(p, &p->moved);
	os_file_close(&p->dir_fd);
	lock_fini(&p->batch_lock);
	lock_fini(&p->lock);
	mem_free(p->busy);
	mem_free(p);
	*pp = NULL;
}

/* ---- packs that are written to ---- */

/* Busy before its file exists, so that nobody takes it for a forgotten one. */
int pack_make(struct db_packs *p, int64_t *ret_number)
{
	int64_t pack = atomic_fetch_add(&p->next, 1);
	char name[32];
	int fd;

	lock_get(&p->lock);
	if (p->n_busy == p->cap_busy) {
		p->cap_busy = p->cap_busy ? 2 * p->cap_busy : 16;
		p->busy = mem_resize(p->busy, p->cap_busy, sizeof(*p->busy));
	}
	p->busy[p->n_busy++] = (struct pack_busy){ pack, 1 };
	lock_put(&p->lock);
	pack_name(name, pack);
	fd = os_file_create(p->dir_fd, name);
	if (fd < 0)
		pack_settle(p, pack, false);
	*ret_number = pack;
	return fd;
}

static void raise_top(struct db_packs *p, int64_t pack)
{
	must(lock_held(&p->lock));
	if (pack > p->top)
		p->top = pack;
}

struct pack_busy *pack_busy_find(const struct db_packs *p, int64_t pack)
{
	must(lock_held(&p->lock));
	for (size_t i = 0; i < p->n_busy; i++)
		if (p->busy[i].pack == pack)
			return &p->busy[i];
	return NULL;
}

static void hold(struct db_packs *p, int64_t pack, size_t n)
{
	struct pack_busy *b;

	lock_get(&p->lock);
	b = pack_busy_find(p, pack);
	must(b); /* its writer holds it */
	b->n_holds += n;
	lock_put(&p->lock);
}

void pack_settle(struct db_packs *p, int64_t pack, bool stays)
{
	struct pack_busy *b;

	lock_get(&p->lock);
	b = pack_busy_find(p, pack);
	must(b && b->n_holds > 0);
	if (--b->n_holds == 0)
		*b = p->busy[--p->n_busy];
	if (stays)
		raise_top(p, pack);
	lock_put(&p->lock);
}

int pack_out_open(struct db_packs *p, struct pack_out *o)
{
	if (o->fd >= 0)
		return 0;
	o->end = o->synced = o->ready = 0;
	o->is_named = false;
	o->fd = pack_make(p, &o->number);
	return o->fd < 0 ? o->fd : 0;
}

void pack_out_close(struct db_packs *p, struct pack_out *o)
{
	char name[32];

	if (o->fd < 0)
		return;
	if (o->ready > o->end)
		(void)!os_file_truncate(o->fd, o->end); /* else it is dead space */
	os_file_close(&o->fd);
	if (!o->is_named) {
		pack_name(name, o->number);
		os_file_unlink(p->dir_fd, name);
	}
	pack_settle(p, o->number, o->is_named);
}

/* ---- writing ---- */

/* Writes the chain at off and fills in the refs; *ret_end: where it ends. */
static int write_chain(struct db_packs *p, int fd, int64_t pack, int64_t off,
		       struct db_pack_item *chain, int64_t *ret_end)
{
	struct iovec iov[2 * CHAIN_STEP];

	while (chain) {
		int64_t start = off;
		size_t n = 0;
		int rc;

		for (; chain && n < 2 * CHAIN_STEP; chain = chain->next) {
			struct str s = chain->body->bytes;

			pack_head_put(chain->head, pack, s.n, chain->crc);
			chain->body->ref = (struct blob_ref){
				.pack = pack, .offset = off + PACK_HEAD, .length = (int64_t)s.n,
			};
			iov[n++] = (struct iovec){ chain->head, PACK_HEAD };
			/* the kernel only reads from it */
			iov[n++] = (struct iovec){ (void *)(uintptr_t)s.p, s.n };
			off += PACK_HEAD + (int64_t)s.n;
		}
		rc = os_fail_hit(&p->db->fail, DB_FAIL_PACK_WRITE);
		if (rc == 0)
			rc = os_file_write(fd, iov, n, start);
		if (rc < 0)
			return rc;
	}
	*ret_end = off;
	return 0;
}

/*
 * After a chain of small bodies more of them will come: room for them. Nothing depends on it; when it fails in the
 * middle the room is given back, others may need it. Large chains are not worth writing twice.
 */
static void write_ahead(struct db_packs *p, struct pack_out *o, int64_t end)
{
	static char zeros[ZEROS];
	struct iovec iov[AHEAD_BYTES / ZEROS];
	size_t pieces = ARRAY_LEN(iov);
	int64_t n;

	if (pieces > (size_t)p->pack_bytes / AHEAD_SHARE / ZEROS)
		pieces = (size_t)p->pack_bytes / AHEAD_SHARE / ZEROS;
	n = (int64_t)(pieces * ZEROS);
	if (end <= o->ready || end - o->end > n / 16)
		return;
	for (size_t i = 0; i < pieces; i++)
		iov[i] = (struct iovec){ zeros, ZEROS };
	if (os_file_write(o->fd, iov, pieces, end) == 0)
		o->ready = end + n;
	else
		(void)!os_file_truncate(o->fd, end); /* else it is overwritten, or dead space */
}

int pack_sync(struct db_packs *p, int fd)
{
	int rc = os_fail_hit(&p->db->fail, DB_FAIL_PACK_SYNC);

	return rc < 0 ? rc : os_file_sync(fd);
}

int pack_note(struct db_packs *p, int rc, const char *what_z)
{
	db_note_fault(p->db, rc, what_z, errno ? strerror(errno) : "failure asked for by a test");
	return rc;
}

void pack_out_undo(struct db_packs *p, struct pack_out *o)
{
	o->ready = o->end;
	if (os_file_truncate(o->fd, o->end) < 0)
		pack_out_close(p, o);
}

int pack_out_sync(struct db_packs *p, struct pack_out *o, int64_t end)
{
	int rc = pack_sync(p, o->fd);

	if (rc == 0 && !o->is_named)
		rc = os_file_sync_dir(p->dir_fd);
	if (rc < 0) {
		pack_note(p, rc, "cannot sync a pack");
		o->end = o->synced;
		pack_out_undo(p, o);
		pack_out_close(p, o);
		return rc;
	}
	if (!o->is_named) {
		lock_get(&p->lock);
		raise_top(p, o->number);
		lock_put(&p->lock);
	}
	o->is_named = true;
	o->end = o->synced = end;
	return 0;
}

/* Under batch_lock. */
static int append(struct db_packs *p, struct db_pack_item *chain)
{
	struct pack_out *o = &p->batch;
	int64_t end = 0;
	int rc;

	if (o->end >= p->pack_bytes)
		pack_out_close(p, o);
	rc = pack_out_open(p, o);
	if (rc < 0)
		return pack_note(p, rc, "cannot make a pack");
	rc = write_chain(p, o->fd, o->number, o->end, chain, &end);
	if (rc < 0) {
		pack_note(p, rc, "cannot write to a pack");
		pack_out_undo(p, o);
		return rc;
	}
	write_ahead(p, o, end);
	return pack_out_sync(p, o, end);
}

int db_pack_append(struct db_packs *p, struct db_pack_item *chain, size_t n_holds, int64_t *ret_pack)
{
	int rc;

	lock_get(&p->batch_lock);
	rc = append(p, chain);
	if (rc == 0) {
		*ret_pack = p->batch.number;
		hold(p, *ret_pack, n_holds);
	}
	lock_put(&p->batch_lock);
	return rc;
}

void db_pack_let_go(struct db_packs *p, int64_t pack)
{
	pack_settle(p, pack, true);
}

int db_pack_write_own(struct db_packs *p, struct db_pack_item *chain)
{
	int64_t number, end;
	AUTO(os_file_close) int fd = pack_make(p, &number);
	int rc = fd;

	if (rc < 0)
		return pack_note(p, rc, "cannot make a pack");
	rc = write_chain(p, fd, number, 0, chain, &end);
	if (rc == 0)
		rc = pack_sync(p, fd);
	if (rc == 0)
		rc = os_file_sync_dir(p->dir_fd);
	if (rc < 0) {
		pack_note(p, rc, "cannot write a large body");
		db_pack_drop_own(p, number);
	}
	return rc;
}

void db_pack_drop_own(struct db_packs *p, int64_t pack)
{
	char name[32];

	pack_name(name, pack);
	os_file_unlink(p->dir_fd, name);
	pack_settle(p, pack, false);
}

void db_pack_keep_own(struct db_packs *p, int64_t pack)
{
	pack_settle(p, pack, true);
}
