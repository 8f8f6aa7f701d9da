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
 *     no row names.
 *  3. synced, with its directory entry (db_pack_append). After a crash: dead bytes that no row
 *     names.
 *  4. named by a committed row (writer.c). Safe; only now the caller is answered.
 *
 * Rules that make this hold:
 *  - Each open of the database starts a new pack with its first body: what an earlier process
 *    left at the end of its pack is never appended to, cut or overwritten. Pack numbers only
 *    grow; they begin beyond the highest file.
 *  - After a failed sync the kernel may have dropped the pages and call the next sync a success
 *    (so does Linux). The pack is left alone from then on; what was synced in it before stays
 *    good.
 *  - After a failed write (disk full) the file is cut back to its last good record, which gives
 *    the space back.
 *  - A body larger than LIMIT_BODY_BATCHED gets a pack of its own, written by its caller's
 *    thread, so that the batch does not wait for it. It is removed when its job did not commit
 *    for sure; else it stays as dead space.
 */
#include "db/db_int.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>
#include <zlib.h>

#include "base/limits.h"
#include "base/must.h"

#define RECORD_HEAD 32
#define RECORD_MAGIC 0x42544c4du /* "MLTB" */
#define RECORD_VERSION 1
#define PACK_BYTES_DEFAULT ((int64_t)256 << 20)
#define READ_FDS 64   /* packs kept open for reading */
#define CHAIN_STEP 256 /* records per write call */
#define VERIFY_BYTES 65536

struct read_fd {
	int64_t pack;
	int fd; /* -1: free slot */
	unsigned refs;
	uint64_t used;
};

struct db_packs {
	struct db *db;
	int dir_fd;
	int64_t pack_bytes;
	atomic_int_fast64_t next;
	/* the pack that batches go to; writer thread only */
	int fd; /* -1: none yet */
	int64_t number;
	int64_t end; /* of the last synced record */
	bool is_named; /* its directory entry is synced */
	/* packs open for reading */
	struct lock lock;
	struct read_fd readers[READ_FDS];
	uint64_t tick;
};

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

static void head_put(uint8_t *h, int64_t pack, uint64_t length, uint32_t body_crc)
{
	put_le(h, RECORD_MAGIC, 4);
	put_le(h + 4, RECORD_VERSION, 2);
	put_le(h + 6, RECORD_HEAD, 2);
	put_le(h + 8, length, 8);
	put_le(h + 16, body_crc, 4);
	put_le(h + 20, (uint32_t)pack, 4);
	put_le(h + 24, 0, 4);
	put_le(h + 28, crc_of(h, 28), 4);
}

static bool head_is_good(const uint8_t *h, const struct blob_ref *ref)
{
	return get_le(h, 4) == RECORD_MAGIC && get_le(h + 4, 2) == RECORD_VERSION &&
	       get_le(h + 28, 4) == crc_of(h, 28) && get_le(h + 8, 8) == (uint64_t)ref->length &&
	       get_le(h + 20, 4) == (uint32_t)ref->pack;
}

void db_pack_item_init(struct db_pack_item *item, struct db_body *body)
{
	item->next = NULL;
	item->body = body;
	item->crc = crc_of(body->bytes.n ? body->bytes.p : "", body->bytes.n);
}

/* ---- the room of packs ---- */

static void pack_name(char out[32], int64_t pack)
{
	snprintf(out, 32, "%06" PRId64 ".pack", pack);
}

/* The highest number in use, by file names; 0 when there is none. */
static int highest_pack(int dir_fd, int64_t *ret)
{
	int fd = os_file_open_dir(dir_fd, ".");
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	uint64_t v;

	if (!dir) {
		os_file_close(&fd);
		return -E_IO;
	}
	*ret = 0;
	while ((e = readdir(dir))) {
		struct str name = str_z(e->d_name);

		if (!str_ends(name, S(".pack")) ||
		    !str_to_u64(str_head(name, name.n - 5), INT64_MAX - 1, &v))
			continue;
		if ((int64_t)v > *ret)
			*ret = (int64_t)v;
	}
	closedir(dir);
	return 0;
}

int db_packs_open(struct db *db, struct db_packs **ret, struct fault *f)
{
	struct db_packs *p;
	int64_t top = 0;
	int made = os_file_make_dir(db->dir_fd, "pack");
	int fd = made < 0 ? made : os_file_open_dir(db->dir_fd, "pack");
	int rc = fd;

	if (rc >= 0 && made == 1)
		rc = os_file_sync_dir(db->dir_fd);
	if (rc >= 0)
		rc = highest_pack(fd, &top);
	if (rc < 0) {
		os_file_close(&fd);
		return fault_errno(f, errno, "cannot open %s/pack", db->dir_z);
	}
	p = MEM_NEW(struct db_packs);
	p->db = db;
	p->dir_fd = fd;
	p->pack_bytes = db->o.pack_bytes > 0 ? db->o.pack_bytes : PACK_BYTES_DEFAULT;
	p->fd = -1;
	atomic_init(&p->next, top + 1);
	lock_init(&p->lock);
	for (size_t i = 0; i < READ_FDS; i++)
		p->readers[i].fd = -1;
	*ret = p;
	return 0;
}

void db_packs_close(struct db_packs **pp)
{
	struct db_packs *p = *pp;

	if (!p)
		return;
	for (size_t i = 0; i < READ_FDS; i++) {
		must(p->readers[i].refs == 0);
		os_file_close(&p->readers[i].fd);
	}
	os_file_close(&p->fd);
	os_file_close(&p->dir_fd);
	lock_fini(&p->lock);
	mem_free(p);
	*pp = NULL;
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

			head_put(chain->head, pack, s.n, chain->crc);
			chain->body->ref = (struct blob_ref){
				.pack = pack, .offset = off + RECORD_HEAD, .length = (int64_t)s.n,
			};
			iov[n++] = (struct iovec){ chain->head, RECORD_HEAD };
			/* the kernel only reads from it */
			iov[n++] = (struct iovec){ (void *)(uintptr_t)s.p, s.n };
			off += RECORD_HEAD + (int64_t)s.n;
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

static int sync_pack(struct db_packs *p, int fd)
{
	int rc = os_fail_hit(&p->db->fail, DB_FAIL_PACK_SYNC);

	return rc < 0 ? rc : os_file_sync(fd);
}

/* Nothing is appended to the current pack any more; it goes when it holds nothing. */
static void abandon(struct db_packs *p)
{
	char name[32];

	if (p->fd < 0)
		return;
	os_file_close(&p->fd);
	if (p->end == 0) {
		pack_name(name, p->number);
		os_file_unlink(p->dir_fd, name);
	}
}

static int make_pack(struct db_packs *p, int64_t *ret_number)
{
	char name[32];

	*ret_number = atomic_fetch_add(&p->next, 1);
	pack_name(name, *ret_number);
	return os_file_create(p->dir_fd, name);
}

static int choose_pack(struct db_packs *p)
{
	if (p->fd >= 0 && p->end < p->pack_bytes)
		return 0;
	abandon(p);
	p->end = 0;
	p->is_named = false;
	p->fd = make_pack(p, &p->number);
	return p->fd < 0 ? p->fd : 0;
}

static int note(struct db_packs *p, int rc, const char *what_z)
{
	db_note_fault(p->db, rc, what_z, errno ? strerror(errno) : "failure asked for by a test");
	return rc;
}

int db_pack_append(struct db_packs *p, struct db_pack_item *chain)
{
	int64_t end = 0;
	int rc = choose_pack(p);

	if (rc < 0)
		return note(p, rc, "cannot make a pack");
	rc = write_chain(p, p->fd, p->number, p->end, chain, &end);
	if (rc < 0) {
		note(p, rc, "cannot write to a pack");
		if (os_file_truncate(p->fd, p->end) < 0)
			abandon(p);
		return rc;
	}
	rc = sync_pack(p, p->fd);
	if (rc == 0 && !p->is_named)
		rc = os_file_sync_dir(p->dir_fd);
	if (rc < 0) {
		note(p, rc, "cannot sync a pack");
		abandon(p);
		return rc;
	}
	p->is_named = true;
	p->end = end;
	return 0;
}

int db_pack_write_own(struct db_packs *p, struct db_pack_item *chain)
{
	int64_t number, end;
	AUTO(os_file_close) int fd = make_pack(p, &number);
	int rc = fd;

	if (rc < 0)
		return note(p, rc, "cannot make a pack");
	rc = write_chain(p, fd, number, 0, chain, &end);
	if (rc == 0)
		rc = sync_pack(p, fd);
	if (rc == 0)
		rc = os_file_sync_dir(p->dir_fd);
	if (rc < 0) {
		note(p, rc, "cannot write a large body");
		db_pack_drop_own(p, number);
	}
	return rc;
}

void db_pack_drop_own(struct db_packs *p, int64_t pack)
{
	char name[32];

	pack_name(name, pack);
	os_file_unlink(p->dir_fd, name);
}

/* ---- reading ---- */

/* A borrowed descriptor; slot -1: of nobody else, closed after use. */
struct borrowed {
	struct db_packs *p;
	int slot;
	int fd;
};

/* Under the lock: the slot of the pack, one reference more; -1 when it is not open. */
static int slot_take(struct db_packs *p, int64_t pack)
{
	for (int i = 0; i < READ_FDS; i++) {
		struct read_fd *r = &p->readers[i];

		if (r->fd >= 0 && r->pack == pack) {
			r->refs++;
			r->used = ++p->tick;
			return i;
		}
	}
	return -1;
}

/* Under the lock: a free slot, or the longest unused one; -1 when all are in use. */
static int slot_victim(struct db_packs *p)
{
	int best = -1;

	for (int i = 0; i < READ_FDS; i++) {
		struct read_fd *r = &p->readers[i];

		if (r->fd < 0)
			return i;
		if (r->refs == 0 && (best < 0 || r->used < p->readers[best].used))
			best = i;
	}
	return best;
}

/* Gives the freshly opened *fd to the table; *fd becomes what the caller has to close. */
static int slot_fill(struct db_packs *p, int64_t pack, int *fd)
{
	int slot = slot_take(p, pack);
	int old;

	if (slot >= 0)
		return slot;
	slot = slot_victim(p);
	if (slot < 0)
		return -1;
	old = p->readers[slot].fd;
	p->readers[slot] = (struct read_fd){ pack, *fd, 1, ++p->tick };
	*fd = old;
	return slot;
}

static int borrow(struct db_packs *p, int64_t pack, struct borrowed *ret)
{
	char name[32];
	int fd;

	lock_get(&p->lock);
	*ret = (struct borrowed){ .p = p, .slot = slot_take(p, pack), .fd = -1 };
	if (ret->slot >= 0)
		ret->fd = p->readers[ret->slot].fd;
	lock_put(&p->lock);
	if (ret->slot >= 0)
		return 0;

	pack_name(name, pack);
	fd = os_file_open_read(p->dir_fd, name);
	if (fd < 0)
		return fd;
	lock_get(&p->lock);
	ret->fd = fd;
	ret->slot = slot_fill(p, pack, &fd);
	if (ret->slot >= 0)
		ret->fd = p->readers[ret->slot].fd;
	lock_put(&p->lock);
	if (ret->slot >= 0)
		os_file_close(&fd);
	return 0;
}

static void give_back(struct borrowed *b)
{
	if (b->slot < 0) {
		os_file_close(&b->fd);
		return;
	}
	lock_get(&b->p->lock);
	must(b->p->readers[b->slot].refs > 0);
	b->p->readers[b->slot].refs--;
	lock_put(&b->p->lock);
}

int blob_read(struct db *db, const struct blob_ref *ref, uint64_t off, void *dst, size_t n)
{
	AUTO(give_back) struct borrowed b = { .slot = -1, .fd = -1 };
	int rc;

	if (ref->pack <= 0 || ref->offset < RECORD_HEAD || ref->length < 0 ||
	    off > (uint64_t)ref->length || n > (uint64_t)ref->length - off)
		return -E_IO;
	rc = borrow(db->packs, ref->pack, &b);
	return rc < 0 ? rc : os_file_read(b.fd, dst, n, (off_t)((uint64_t)ref->offset + off));
}

static int verify_body(int fd, const struct blob_ref *ref, uint32_t want)
{
	AUTO(mem_auto_free) char *block = mem_alloc(VERIFY_BYTES, 1);
	uLong crc = crc32_z(0, NULL, 0);

	for (int64_t at = 0; at < ref->length;) {
		int64_t left = ref->length - at;
		size_t n = left < VERIFY_BYTES ? (size_t)left : VERIFY_BYTES;
		int rc = os_file_read(fd, block, n, (off_t)(ref->offset + at));

		if (rc < 0)
			return rc;
		crc = crc32_z(crc, (const unsigned char *)block, n);
		at += (int64_t)n;
	}
	return (uint32_t)crc == want ? 0 : -E_IO;
}

int blob_verify(struct db *db, const struct blob_ref *ref)
{
	AUTO(give_back) struct borrowed b = { .slot = -1, .fd = -1 };
	uint8_t head[RECORD_HEAD];
	int rc;

	if (ref->pack <= 0 || ref->offset < RECORD_HEAD || ref->length < 0)
		return -E_IO;
	rc = borrow(db->packs, ref->pack, &b);
	if (rc == 0)
		rc = os_file_read(b.fd, head, sizeof(head), (off_t)ref->offset - RECORD_HEAD);
	if (rc < 0)
		return rc;
	if (!head_is_good(head, ref))
		return -E_IO;
	return verify_body(b.fd, ref, (uint32_t)get_le(head + 16, 4));
}
