/* SPDX-License-Identifier: MIT */
/*
 * Reading from packs. A few packs are kept open; a descriptor is borrowed for each read, so that
 * any number of threads share it. A pack that was removed loses its descriptor with its last
 * reader: the space comes back only then.
 */
#include "db/pack_int.h"

#include <zlib.h>

#include "base/must.h"

#define VERIFY_BYTES 65536

/* Under the lock: the slot of the pack, one reference more; -1 when it is not open. */
static int slot_take(struct db_packs *p, int64_t pack)
{
	for (int i = 0; i < PACK_READ_FDS; i++) {
		struct pack_read_fd *r = &p->readers[i];

		if (r->fd >= 0 && r->pack == pack && !r->is_gone) {
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

	for (int i = 0; i < PACK_READ_FDS; i++) {
		struct pack_read_fd *r = &p->readers[i];

		if (r->fd < 0)
			return i;
		if (r->refs == 0 && (best < 0 || r->used < p->readers[best].used))
			best = i;
	}
	return best;
}

/* Under the lock: gives the freshly opened *fd to the table; *fd is then what is to be closed. */
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
	p->readers[slot] = (struct pack_read_fd){ pack, *fd, 1, ++p->tick, false };
	*fd = old;
	return slot;
}

/* Opened while some pack was removed: it may be that one, and is not kept. */
static int borrow_new(struct db_packs *p, int64_t pack, uint64_t n_gone, struct pack_borrowed *ret)
{
	char name[32];
	int fd;

	pack_name(name, pack);
	fd = os_file_open_read(p->dir_fd, name);
	if (fd < 0)
		return fd;
	lock_get(&p->lock);
	ret->fd = fd;
	ret->slot = p->n_gone == n_gone ? slot_fill(p, pack, &fd) : -1;
	if (ret->slot >= 0)
		ret->fd = p->readers[ret->slot].fd;
	lock_put(&p->lock);
	if (ret->slot >= 0)
		os_file_close(&fd);
	return 0;
}

int pack_borrow(struct db_packs *p, int64_t pack, struct pack_borrowed *ret)
{
	uint64_t n_gone;

	lock_get(&p->lock);
	*ret = (struct pack_borrowed){ .p = p, .slot = slot_take(p, pack), .fd = -1 };
	if (ret->slot >= 0)
		ret->fd = p->readers[ret->slot].fd;
	n_gone = p->n_gone;
	lock_put(&p->lock);
	return ret->slot >= 0 ? 0 : borrow_new(p, pack, n_gone, ret);
}

void pack_give_back(struct pack_borrowed *b)
{
	struct pack_read_fd *r;
	int fd = -1;

	if (b->slot < 0) {
		os_file_close(&b->fd);
		return;
	}
	lock_get(&b->p->lock);
	r = &b->p->readers[b->slot];
	must(r->refs > 0);
	if (--r->refs == 0 && r->is_gone) {
		fd = r->fd;
		*r = (struct pack_read_fd){ .fd = -1 };
	}
	lock_put(&b->p->lock);
	os_file_close(&fd);
}

void pack_forget(struct db_packs *p, int64_t pack)
{
	int fd = -1;

	lock_get(&p->lock);
	p->n_gone++;
	for (int i = 0; i < PACK_READ_FDS; i++) {
		struct pack_read_fd *r = &p->readers[i];

		if (r->fd < 0 || r->pack != pack || r->is_gone)
			continue;
		r->is_gone = r->refs > 0;
		if (!r->is_gone) {
			fd = r->fd;
			*r = (struct pack_read_fd){ .fd = -1 };
		}
	}
	lock_put(&p->lock);
	os_file_close(&fd);
}

int blob_read(struct db *db, const struct blob_ref *ref, uint64_t off, void *dst, size_t n)
{
	AUTO(pack_give_back) struct pack_borrowed b = PACK_NOT_BORROWED;
	int rc;

	if (ref->pack <= 0 || ref->offset < PACK_HEAD || ref->length < 0 ||
	    off > (uint64_t)ref->length || n > (uint64_t)ref->length - off)
		return -E_IO;
	rc = pack_borrow(db->packs, ref->pack, &b);
	return rc < 0 ? rc : os_file_read(b.fd, dst, n, (off_t)((uint64_t)ref->offset + off));
}

int blob_length(struct db *db, const struct blob_ref *ref, int64_t *ret)
{
	AUTO(pack_give_back) struct pack_borrowed b = PACK_NOT_BORROWED;
	struct blob_ref said = *ref;
	uint8_t head[PACK_HEAD];
	int rc;

	if (ref->pack <= 0 || ref->offset < PACK_HEAD)
		return -E_IO;
	rc = pack_borrow(db->packs, ref->pack, &b);
	if (rc == 0)
		rc = os_file_read(b.fd, head, sizeof(head), (off_t)ref->offset - PACK_HEAD);
	if (rc < 0)
		return rc;
	said.length = pack_head_length(head);
	if (said.length < 0 || !pack_head_is_good(head, &said))
		return -E_IO;
	*ret = said.length;
	return 0;
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
	AUTO(pack_give_back) struct pack_borrowed b = PACK_NOT_BORROWED;
	uint8_t head[PACK_HEAD];
	int rc;

	if (ref->pack <= 0 || ref->offset < PACK_HEAD || ref->length < 0)
		return -E_IO;
	rc = pack_borrow(db->packs, ref->pack, &b);
	if (rc == 0)
		rc = os_file_read(b.fd, head, sizeof(head), (off_t)ref->offset - PACK_HEAD);
	if (rc < 0)
		return rc;
	if (!pack_head_is_good(head, ref))
		return -E_IO;
	return verify_body(b.fd, ref, pack_head_crc(head));
}
