/* SPDX-License-Identifier: MIT */
/*
 * Spools: a message body while it is received.
 *
 * The idea: one block of memory with the headroom in front. When it is full
 * (LIMIT_SPOOL_MEMORY) its bytes go to a nameless file, with the same headroom at the front of
 * the file, and the block becomes the buffer before that file. So the body is one contiguous
 * piece in both forms: a slice of the block, or of a mapping of the file. Beyond its first size a
 * block takes from the budget of what waits for peers (base/budget.h); when that gives nothing
 * the file comes earlier.
 *
 * Nothing here is durable: a crash leaves nothing (a file that never had a name, or, on file
 * systems without O_TMPFILE, at worst a DIR/tmp/spool-* that the next db_open() removes).
 * db_write() makes a body durable.
 *
 * Invariants: front <= SPOOL_HEADROOM; the body is bytes [front, SPOOL_HEADROOM + size) of the
 * form that is used; fd >= 0: the file holds all but the last n_block bytes, and the headroom's
 * bytes too.
 */
#include "db/db_int.h"

#include <sys/mman.h>

#include "base/budget.h"
#include "base/limits.h"
#include "base/must.h"

#define BLOCK_FIRST 16384 /* with the headroom */
#define BLOCK_LAST (LIMIT_SPOOL_MEMORY + SPOOL_HEADROOM)

struct spool {
	struct db *db;
	size_t max;
	int err; /* sticky */
	size_t front;
	size_t size; /* appended bytes, without prepended ones */
	char *block;
	size_t cap;
	size_t n_block; /* bytes in the block after the headroom; after n_file bytes of the file */
	int fd;
	size_t n_file;
	char *map;
	size_t n_map;
};

int spool_new(struct db *db, size_t max_bytes, struct spool **ret)
{
	struct spool *s;

	if (!db_has_room(db, 0))
		return -E_DISK_FULL;
	s = MEM_NEW(struct spool);
	s->db = db;
	s->max = max_bytes;
	s->front = SPOOL_HEADROOM;
	s->fd = -1;
	*ret = s;
	return 0;
}

static void unmap(struct spool *s)
{
	if (s->map)
		munmap(s->map, s->n_map);
	s->map = NULL;
}

/* What a block of that size has of the budget. */
static size_t counted(size_t cap)
{
	return cap > BLOCK_FIRST ? cap - BLOCK_FIRST : 0;
}

void spool_free(struct spool *s)
{
	if (!s)
		return;
	unmap(s);
	os_file_close(&s->fd);
	mem_free(s->block);
	budget_give(BUDGET_HELD, counted(s->cap));
	mem_free(s);
}

static int write_at(struct spool *s, const char *p, size_t n, size_t off)
{
	struct iovec iov = { (void *)(uintptr_t)p, n };

	return os_file_write(s->fd, &iov, 1, (off_t)off);
}

/* Moves the block's bytes to the file; prepended ones stand in the headroom of both. */
static int flush(struct spool *s)
{
	int rc = 0;

	if (!db_has_room(s->db, (int64_t)s->n_block))
		return -E_DISK_FULL;
	if (s->fd < 0) {
		s->fd = os_file_temp(s->db->tmp_fd);
		if (s->fd < 0)
			return s->fd;
		if (s->front < SPOOL_HEADROOM)
			rc = write_at(s, s->block + s->front, SPOOL_HEADROOM - s->front, s->front);
	}
	if (rc == 0)
		rc = write_at(s, s->block + SPOOL_HEADROOM, s->n_block, SPOOL_HEADROOM + s->n_file);
	if (rc < 0)
		return rc;
	s->n_file += s->n_block;
	s->n_block = 0;
	return 0;
}

/* Room for want bytes (headroom counted) in the block, as far as it may grow. */
static void grow(struct spool *s, size_t want)
{
	size_t cap = s->cap ? s->cap : BLOCK_FIRST;

	while (cap < want && cap < BLOCK_LAST)
		cap *= 2;
	if (cap > BLOCK_LAST)
		cap = BLOCK_LAST;
	if (cap == s->cap)
		return;
	if (cap > BLOCK_FIRST &&
	    !budget_take(BUDGET_HELD, counted(s->cap), counted(cap) - counted(s->cap)))
		cap = BLOCK_FIRST; /* which every spool may have */
	if (cap <= s->cap)
		return;
	s->block = mem_resize(s->block, cap, 1);
	s->cap = cap;
}

static int add(struct spool *s, struct str bytes)
{
	while (bytes.n) {
		size_t room;

		grow(s, SPOOL_HEADROOM + s->n_block + bytes.n);
		room = s->cap - SPOOL_HEADROOM - s->n_block;
		if (room == 0) {
			int rc = flush(s);

			if (rc < 0)
				return rc;
			continue;
		}
		struct str part = str_head(bytes, room);

		memcpy(s->block + SPOOL_HEADROOM + s->n_block, part.p, part.n);
		s->n_block += part.n;
		s->size += part.n;
		bytes = str_skip(bytes, part.n);
	}
	return 0;
}

int spool_append(struct spool *s, struct str bytes)
{
	unmap(s);
	if (s->err == 0 && bytes.n > s->max - s->size)
		s->err = -E_TOO_BIG;
	if (s->err == 0)
		s->err = add(s, bytes);
	return s->err;
}

int spool_prepend(struct spool *s, struct str bytes)
{
	unmap(s);
	if (s->err < 0)
		return s->err;
	if (bytes.n > s->front)
		return -E_LIMIT;
	if (bytes.n == 0)
		return 0;
	grow(s, SPOOL_HEADROOM);
	memcpy(s->block + s->front - bytes.n, bytes.p, bytes.n);
	if (s->fd >= 0)
		s->err = write_at(s, bytes.p, bytes.n, s->front - bytes.n);
	if (s->err == 0)
		s->front -= bytes.n;
	return s->err;
}

size_t spool_size(const struct spool *s)
{
	return s->size + SPOOL_HEADROOM - s->front;
}

int spool_view(struct spool *s, struct str *ret)
{
	if (s->err < 0)
		return s->err;
	if (s->fd < 0) {
		*ret = s->block ? str_of(s->block + s->front, spool_size(s)) : S("");
		return 0;
	}
	if (!s->map) {
		if (s->n_block)
			s->err = flush(s);
		if (s->err < 0)
			return s->err;
		s->n_map = SPOOL_HEADROOM + s->size;
		void *map = mmap(NULL, s->n_map, PROT_READ, MAP_SHARED, s->fd, 0);

		if (map == MAP_FAILED)
			return -E_IO;
		s->map = map;
	}
	*ret = str_of(s->map + s->front, spool_size(s));
	return 0;
}
