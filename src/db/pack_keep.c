/* SPDX-License-Identifier: MIT */
/*
 * Which packs there are, copying bodies from one to another, removing packs. Which body is alive
 * is known above; here is what must hold for any choice.
 *
 * States of a body that is copied, who moves it on, and what a crash leaves:
 *  1. in its old pack, named by its row. A copy begins behind the last good record of the pack
 *     that copies go to (blob_copy). After a crash: bytes that no row names; the old pack is whole.
 *  2. copied and found to match its checksum, not synced. After a crash: the same.
 *  3. synced, with the directory entry (blob_copy_sync). After a crash: two records, the row
 *     names the old one.
 *  4. the row names the copy (the caller's transaction). A crash of the machine may undo it, as
 *     long as it is lazy: both records are there.
 *  5. a durable commit, in which the caller saw that no row names the old pack, has made 4 final.
 *     The old pack is removed (blob_pack_drop). After a crash it is gone, or still there without
 *     a row that names it: the caller finds it again among the packs.
 *
 * Rules that make this hold:
 *  - A pack is busy from before its file exists until its writer has settled it and each job with a
 *    body in it has a certain end, so that a body whose row is not committed yet is never taken for dead.
 *  - A commit that may or may not have reached the disk ends the process (db_lose): no durable
 *    commit follows it, so nothing that state 5 has not seen can come back.
 *  - A pack is removed only when a higher one with a synced record stays, so that numbers, which
 *    begin beyond the highest file, are never used for a second pack that rows name. Old copies
 *    of the directory rely on it too.
 */
#include "db/pack_int.h"

#include <stdlib.h>
#include <zlib.h>

#include "base/clock.h"

#define COPY_BYTES (256u << 10) /* memory of a copy */

/* ---- which there are ---- */

static int compare_packs(const void *pa, const void *pb)
{
	const struct blob_pack *a = pa, *b = pb;

	return (a->number > b->number) - (a->number < b->number);
}

/*
 * Files first: one that is made after that is not in the list, one that was busy while they were
 * read and is settled by now has its rows committed.
 */
int blob_packs(struct db *db, struct blob_pack **ret, size_t *ret_n)
{
	struct db_packs *p = db->packs;
	AUTO(mem_auto_free) int64_t *numbers = NULL;
	struct blob_pack *v;
	size_t n = 0;
	int rc = pack_numbers(p->dir_fd, &numbers, &n);

	if (rc < 0)
		return rc;
	v = mem_alloc(n + 1, sizeof(*v));
	lock_get(&p->lock);
	for (size_t i = 0; i < n; i++)
		v[i] = (struct blob_pack){ numbers[i], pack_busy_find(p, numbers[i]) != NULL };
	lock_put(&p->lock);
	qsort(v, n, sizeof(*v), compare_packs);
	*ret = v;
	*ret_n = n;
	return 0;
}

int64_t blob_pack_limit(const struct db *db)
{
	return db->packs->pack_bytes;
}

int blob_pack_bytes(struct db *db, int64_t pack, int64_t *ret)
{
	struct db_packs *p = db->packs;
	char name[32];
	bool is_open;

	lock_get(&p->batch_lock);
	is_open = p->batch.fd >= 0 && p->batch.number == pack;
	if (is_open)
		*ret = p->batch.end;
	lock_put(&p->batch_lock);
	if (is_open)
		return 0;
	pack_name(name, pack);
	return os_file_size(p->dir_fd, name, ret); /* it has no zeros any more */
}

int blob_pack_final_bytes(struct db *db, int64_t pack, int64_t *ret)
{
	AUTO(os_file_close) int fd = -1;
	char name[32];
	int rc;

	pack_name(name, pack);
	fd = os_file_open_read(db->packs->dir_fd, name);
	if (fd < 0)
		return fd;
	rc = pack_sync(db->packs, fd);
	if (rc < 0)
		return pack_note(db->packs, rc, "cannot sync a pack at rest");
	return blob_pack_bytes(db, pack, ret);
}

/* ---- removing ---- */

void blob_pack_finish(struct db *db, int64_t pack)
{
	struct db_packs *p = db->packs;

	lock_get(&p->batch_lock);
	if (p->batch.fd >= 0 && p->batch.number == pack)
		pack_out_close(p, &p->batch);
	lock_put(&p->batch_lock);
}

bool blob_pack_may_drop(struct db *db, int64_t pack)
{
	struct db_packs *p = db->packs;
	bool may;

	lock_get(&p->lock);
	may = pack < p->top && !pack_busy_find(p, pack) && clock_mono_ms() >= p->hold_until_ms;
	lock_put(&p->lock);
	return may;
}

int blob_pack_drop(struct db *db, int64_t pack)
{
	struct db_packs *p = db->packs;
	char name[32];
	int rc;

	if (!blob_pack_may_drop(db, pack))
		return -E_BUSY;
	pack_name(name, pack);
	rc = os_file_unlink(p->dir_fd, name);
	if (rc == 0)
		pack_forget(p, pack);
	return rc;
}

bool blob_packs_hold(struct db *db, int64_t ms)
{
	struct db_packs *p = db->packs;
	int64_t now_ms = clock_mono_ms();
	bool was_held;

	lock_get(&p->lock);
	was_held = now_ms < p->hold_until_ms;
	if (now_ms + ms > p->hold_until_ms)
		p->hold_until_ms = now_ms + ms;
	lock_put(&p->lock);
	return was_held;
}

bool blob_packs_held(struct db *db)
{
	struct db_packs *p = db->packs;
	bool is_held;

	lock_get(&p->lock);
	is_held = clock_mono_ms() < p->hold_until_ms;
	lock_put(&p->lock);
	return is_held;
}

/* ---- copying ---- */

static int write_piece(int fd, void *bytes, size_t n, int64_t off)
{
	struct iovec iov = { bytes, n };

	return os_file_write(fd, &iov, 1, off);
}

/* The body, piece by piece, and its checksum. */
static int copy_bytes(int from_fd, const struct blob_ref *from, int to_fd, int64_t to,
		      uint32_t *ret_crc, bool *ret_is_damaged)
{
	AUTO(mem_auto_free) char *piece = mem_alloc(COPY_BYTES, 1);
	uLong crc = crc32_z(0, NULL, 0);

	for (int64_t at = 0; at < from->length;) {
		int64_t left = from->length - at;
		size_t n = left < (int64_t)COPY_BYTES ? (size_t)left : COPY_BYTES;
		int rc = os_file_read(from_fd, piece, n, from->offset + at);

		*ret_is_damaged = rc < 0;
		if (rc == 0)
			rc = write_piece(to_fd, piece, n, to + at);
		if (rc < 0)
			return rc;
		crc = crc32_z(crc, (const unsigned char *)piece, n);
		at += (int64_t)n;
	}
	*ret_crc = (uint32_t)crc;
	return 0;
}

/* Its header must be right before a byte is written, its body before the copy counts. */
static int copy_record(struct db_packs *p, int from_fd, const struct blob_ref *from,
		       bool *ret_is_damaged)
{
	struct pack_out *o = &p->moved;
	uint8_t head[PACK_HEAD];
	uint32_t want, crc = 0;
	int rc = os_file_read(from_fd, head, sizeof(head), from->offset - PACK_HEAD);

	*ret_is_damaged = rc < 0 || !pack_head_is_good(head, from);
	if (*ret_is_damaged)
		return -E_IO;
	want = pack_head_crc(head);
	pack_head_put(head, o->number, (uint64_t)from->length, want);
	rc = os_fail_hit(&p->db->fail, DB_FAIL_PACK_WRITE);
	if (rc == 0)
		rc = write_piece(o->fd, head, sizeof(head), o->end);
	if (rc == 0)
		rc = copy_bytes(from_fd, from, o->fd, o->end + PACK_HEAD, &crc, ret_is_damaged);
	if (rc == 0 && crc != want) {
		*ret_is_damaged = true;
		rc = -E_IO;
	}
	return rc;
}

int blob_copy(struct db *db, const struct blob_ref *from, struct blob_ref *ret,
	      bool *ret_is_damaged)
{
	struct db_packs *p = db->packs;
	struct pack_out *o = &p->moved;
	AUTO(pack_give_back) struct pack_borrowed b = PACK_NOT_BORROWED;
	int rc = pack_out_open(p, o);

	*ret_is_damaged = false;
	if (rc < 0)
		return pack_note(p, rc, "cannot make a pack");
	if (from->pack > 0 && from->offset >= PACK_HEAD && from->length >= 0)
		rc = pack_borrow(p, from->pack, &b);
	else
		rc = -E_IO;
	if (rc < 0)
		*ret_is_damaged = true;
	else
		rc = copy_record(p, b.fd, from, ret_is_damaged);
	if (rc < 0 && !*ret_is_damaged) {
		pack_note(p, rc, "cannot copy to a pack");
		pack_out_undo(p, o);
	}
	if (rc < 0)
		return rc;
	*ret = (struct blob_ref){ o->number, o->end + PACK_HEAD, from->length };
	o->end += PACK_HEAD + from->length;
	return 0;
}

int blob_copy_sync(struct db *db)
{
	struct db_packs *p = db->packs;
	struct pack_out *o = &p->moved;
	int rc;

	if (o->fd < 0)
		return -E_IO; /* a failure closed it: nothing of it may be used */
	rc = pack_out_sync(p, o, o->end);
	if (rc == 0 && o->end >= p->pack_bytes)
		pack_out_close(p, o);
	return rc;
}

void blob_copy_end(struct db *db, int64_t pack)
{
	struct db_packs *p = db->packs;

	if (p->moved.fd >= 0 && p->moved.number == pack)
		pack_out_close(p, &p->moved);
}
