/* SPDX-License-Identifier: MIT */
/*
 * COMPRESS=DEFLATE (RFC 4978): a layer above whichever transport the connection has. What is
 * written is compressed before the transport encrypts it, what is read is decompressed after it
 * (RFC 4978 3).
 *
 * Output. Each piece that the connection hands down is compressed at once and ends in a sync flush,
 * so that the peer can read all of it. The piece counts as written only when its compressed form is
 * gone ("owed"); until then it stays in the connection's buffer, as with SSL_write().
 *
 * Input. Compressed bytes are read into a small buffer and expanded into the space that the reader
 * gives, so a reader meets no more of a bomb than it asked for. A peer that sends much and says
 * nothing is cut off (BARREN_MAX). A read ends where the peer flushed: what comes behind the last
 * command of a peer that ends its compression is not taken for more of it.
 *
 * Idle. A parked connection keeps no compressor: after a sync flush the stream goes on as well with
 * a new one that is given the last bytes as its dictionary. The decompressor is given up in the
 * same way where the peer has flushed; what it may still refer to, at most 32 KiB, is kept, in a
 * block of just that size.
 *
 * States of the output side (out_state):
 *   RAW_HEAD  what was written before the start goes out as it is (raw_left bytes)
 *   ON        compressed
 *   ENDING    conn_compress_stop(): the last raw_left bytes are compressed and end the stream
 *   RAW       as it is; the layer is only in the way
 * and of the input side (in_state): ON; ENDING, the rest of the peer's stream up to its end or to
 * the empty block that its flush ends with, however late that comes: it is no text; RAW.
 */
#include "net/net_int.h"

#include "base/mem.h"
#include "base/must.h"

#include <zlib.h>

#define IN_MAX 16384       /* compressed bytes read ahead */
#define WRITE_MAX 65536    /* of one piece */
#define DICTIONARY 4096    /* of what was written last, for the next compressor */
#define BARREN_MAX 65536   /* compressed bytes that may come without a byte of text */
#define WINDOW_BITS (-15)  /* raw DEFLATE; the peer may look back 32 KiB */
#define OUT_WINDOW_BITS (-14)
#define OUT_MEM_LEVEL 7    /* with the window 128 KiB, in blocks that malloc() has at hand */
#define FLUSHED 0x0000ffffu /* a flush ends in these bytes: an empty stored block */

enum deflate_state { RAW_HEAD, ON, ENDING, RAW };

struct net_deflate {
	const struct net_transport *below;

	enum deflate_state out_state;
	size_t raw_left;
	z_stream out;
	bool has_out;   /* the compressor is there */
	struct buf zout; /* compressed and not sent */
	size_t zout_at;
	size_t owed;    /* bytes of text that zout is */
	size_t n_last;
	char last[DICTIONARY];

	enum deflate_state in_state;
	z_stream in;
	bool has_in;
	bool has_more;  /* the decompressor may hold text */
	bool has_ended; /* the peer's stream */
	uint32_t in_last; /* the last four bytes of it that were taken */
	bool is_drained_below;
	size_t barren;
	struct buf zin; /* compressed and not expanded */
	size_t zin_at;
	struct buf history; /* for the next decompressor */
};

/* ---- output ---- */

static void out_begin(struct net_deflate *z)
{
	if (z->has_out)
		return;
	memset(&z->out, 0, sizeof(z->out));
	must(deflateInit2(&z->out, Z_BEST_SPEED, Z_DEFLATED, OUT_WINDOW_BITS, OUT_MEM_LEVEL,
			  Z_DEFAULT_STRATEGY) == Z_OK);
	if (z->n_last > 0)
		must(deflateSetDictionary(&z->out, (const Bytef *)z->last, (uInt)z->n_last) ==
		     Z_OK);
	z->has_out = true;
}

static void out_end(struct net_deflate *z)
{
	if (z->has_out)
		(void)deflateEnd(&z->out);
	z->has_out = false;
}

static void remember(struct net_deflate *z, struct str text)
{
	size_t keep = z->n_last;

	if (text.n >= DICTIONARY) {
		text = str_skip(text, text.n - DICTIONARY);
		keep = 0;
	} else if (keep + text.n > DICTIONARY) {
		keep = DICTIONARY - text.n;
	}
	memmove(z->last, z->last + z->n_last - keep, keep);
	memcpy(z->last + keep, text.p, text.n);
	z->n_last = keep + text.n;
}

/* To the end of zout, all of it; flush: Z_SYNC_FLUSH or Z_FINISH. */
static void compress_text(struct net_deflate *z, struct str text, int flush)
{
	out_begin(z);
	z->out.next_in = (Bytef *)(uintptr_t)text.p;
	z->out.avail_in = (uInt)text.n;
	do {
		/* Text that does not shrink grows by a few bytes for each 16 KiB. */
		size_t room = text.n / 2 + 128;
		char *to = buf_reserve(&z->zout, room);

		must(to != NULL);
		z->out.next_out = (Bytef *)to;
		z->out.avail_out = (uInt)room;
		must(deflate(&z->out, flush) != Z_STREAM_ERROR);
		buf_commit(&z->zout, room - z->out.avail_out);
	} while (z->out.avail_out == 0);
	must(z->out.avail_in == 0);
	remember(z, text);
}

/* Sends of zout what the transport takes. 1: all gone; 0: some is left; negative. */
static int send_zout(struct conn *c, struct net_deflate *z)
{
	while (z->zout_at < z->zout.n) {
		size_t n;
		int rc = z->below->write(c, z->zout.p + z->zout_at, z->zout.n - z->zout_at, &n);

		if (rc < 0 || n == 0)
			return rc;
		z->zout_at += n;
	}
	z->zout_at = 0;
	buf_reset(&z->zout);
	return 1;
}

/* The last piece that is owed is gone: on to the next state? */
static void settle(struct net_deflate *z, size_t n)
{
	if (z->out_state != ENDING)
		return;
	z->raw_left -= n;
	if (z->raw_left == 0) {
		z->out_state = RAW;
		out_end(z);
	}
}

static int deflate_write(struct conn *c, const void *p, size_t n, size_t *ret_n)
{
	struct net_deflate *z = c->deflate;
	bool is_last;
	int rc;

	*ret_n = 0;
	if (z->out_state == RAW_HEAD && z->raw_left == 0)
		z->out_state = ON;
	if (z->out_state == RAW_HEAD) {
		rc = z->below->write(c, p, n < z->raw_left ? n : z->raw_left, ret_n);
		z->raw_left -= *ret_n;
		return rc;
	}
	if (z->out_state == RAW)
		return z->below->write(c, p, n, ret_n);
	if (z->owed == 0) {
		z->owed = n < WRITE_MAX ? n : WRITE_MAX;
		if (z->out_state == ENDING && z->owed > z->raw_left)
			z->owed = z->raw_left;
		is_last = z->out_state == ENDING && z->owed == z->raw_left;
		compress_text(z, str_of(p, z->owed), is_last ? Z_FINISH : Z_SYNC_FLUSH);
	}
	rc = send_zout(c, z);
	if (rc <= 0)
		return rc;
	*ret_n = z->owed;
	z->owed = 0;
	settle(z, *ret_n);
	return 0;
}

/* ---- input ---- */

static void in_begin(struct net_deflate *z)
{
	if (z->has_in)
		return;
	memset(&z->in, 0, sizeof(z->in));
	must(inflateInit2(&z->in, WINDOW_BITS) == Z_OK);
	if (z->history.n > 0)
		must(inflateSetDictionary(&z->in, (const Bytef *)z->history.p,
					  (uInt)z->history.n) == Z_OK);
	buf_fini(&z->history);
	z->has_in = true;
}

static void in_end(struct net_deflate *z)
{
	if (z->has_in)
		(void)inflateEnd(&z->in);
	z->has_in = z->has_more = false;
}

/* zlib's data_type: 128 between two blocks, the low bits of a byte that is not used up. */
static bool is_at_flush(const struct net_deflate *z)
{
	return (z->in.data_type & 128) != 0 && (z->in.data_type & 7) == 0;
}

/* As above; 64 in the last block. zlib says Z_STREAM_END with the call after that. */
static bool is_behind_last(const struct net_deflate *z)
{
	return (z->in.data_type & (128 | 64)) == (128 | 64);
}

/*
 * Between two blocks, and the last one was that of a flush. A block of text may end with a byte as
 * well, while the flush behind it is still to come.
 */
static bool has_flushed(const struct net_deflate *z)
{
	return (!z->has_in || is_at_flush(z)) && z->in_last == FLUSHED;
}

static size_t zin_left(const struct net_deflate *z)
{
	return z->zin.n - z->zin_at;
}

static struct str zin_rest(const struct net_deflate *z)
{
	return zin_left(z) > 0 ? str_of(z->zin.p + z->zin_at, zin_left(z)) : S("");
}

/* 1: bytes came; 0: not now; negative. */
static int fill_zin(struct conn *c, struct net_deflate *z)
{
	size_t got = 0;
	char *to;
	int rc;

	z->zin_at = 0;
	buf_reset(&z->zin);
	to = buf_reserve(&z->zin, IN_MAX);
	must(to != NULL);
	rc = z->below->read(c, to, IN_MAX, &got);
	z->is_drained_below = c->is_drained;
	if (rc < 0)
		return rc;
	buf_commit(&z->zin, got);
	return got > 0;
}

static void take_zin(struct net_deflate *z, size_t n)
{
	for (size_t i = n < 4 ? 0 : n - 4; i < n; i++)
		z->in_last = z->in_last << 8 | (unsigned char)z->zin.p[z->zin_at + i];
	z->zin_at += n;
}

/*
 * Expands up to the next flush of the peer that has text before it (at the end: up to any), or as
 * much as there is room or input for.
 */
static int expand(struct net_deflate *z, void *p, size_t n, size_t *ret_n)
{
	size_t left = zin_left(z);
	int rc;

	in_begin(z);
	z->in.next_out = p;
	z->in.avail_out = (uInt)n;
	z->in.next_in = (Bytef *)(uintptr_t)zin_rest(z).p;
	z->in.avail_in = (uInt)left;
	do {
		rc = inflate(&z->in, Z_BLOCK);
	} while (rc == Z_OK && z->in.avail_in > 0 && z->in.avail_out > 0 &&
		 !(is_at_flush(z) && (z->in.avail_out < n || z->in_state == ENDING)));
	take_zin(z, left - z->in.avail_in);
	z->has_more = z->in.avail_out == 0;
	z->has_ended = rc == Z_STREAM_END || is_behind_last(z);
	*ret_n = n - z->in.avail_out;
	z->barren = *ret_n > 0 ? 0 : z->barren + (left - zin_left(z));
	if (*ret_n == 0 && z->has_ended && z->in_state == ON)
		return -E_CLOSED;
	if (*ret_n == 0 && !z->has_ended && rc != Z_OK && rc != Z_BUF_ERROR)
		return -E_IO;
	return z->barren > BARREN_MAX ? -E_IO : 0;
}

/* What was read ahead when the compression ended, then from below. */
static int read_raw(struct conn *c, struct net_deflate *z, void *p, size_t n, size_t *ret_n)
{
	if (zin_left(z) == 0)
		return z->below->read(c, p, n, ret_n);
	*ret_n = n < zin_left(z) ? n : zin_left(z);
	memcpy(p, zin_rest(z).p, *ret_n);
	z->zin_at += *ret_n;
	c->is_drained = zin_left(z) == 0 && z->is_drained_below;
	return 0;
}

/* Has the peer's stream come to where it may end? Then what follows is not compressed. */
static bool end_input(struct net_deflate *z)
{
	if (!z->has_ended && !has_flushed(z))
		return false;
	in_end(z);
	buf_fini(&z->history);
	z->in_state = RAW;
	return true;
}

/* 1: expanded something, or nothing; 0: not now; negative. */
static int expand_more(struct conn *c, struct net_deflate *z, void *p, size_t n, size_t *ret_n)
{
	int rc;

	if (zin_left(z) == 0 && !z->has_more) {
		rc = fill_zin(c, z);
		if (rc <= 0)
			return rc;
	}
	rc = expand(z, p, n, ret_n);
	return rc < 0 ? rc : 1;
}

static int deflate_read(struct conn *c, void *p, size_t n, size_t *ret_n)
{
	struct net_deflate *z = c->deflate;
	size_t dropped;
	int rc = 1;

	*ret_n = 0;
	while (z->in_state == ENDING && !end_input(z)) {
		rc = expand_more(c, z, p, n, &dropped);
		if (rc <= 0)
			return rc;
	}
	if (z->in_state == RAW)
		return read_raw(c, z, p, n, ret_n);
	while (*ret_n == 0) {
		rc = expand_more(c, z, p, n, ret_n);
		if (rc <= 0)
			return rc;
	}
	c->is_drained = zin_left(z) == 0 && !z->has_more && z->is_drained_below;
	return 0;
}

static void deflate_shutdown(struct conn *c)
{
	c->deflate->below->shutdown(c);
}

const struct net_transport net_deflate_transport = {
	.read = deflate_read,
	.write = deflate_write,
	.shutdown = deflate_shutdown,
};

/* ---- its life ---- */

/* What the peer may still refer to, in a block of just that size. */
static void in_hibernate(struct net_deflate *z)
{
	uInt n = 0;
	char *to;

	if (!z->has_in || z->has_more || z->has_ended || zin_left(z) > 0 || !is_at_flush(z))
		return;
	must(inflateGetDictionary(&z->in, NULL, &n) == Z_OK);
	buf_init(&z->history, n > 0 ? n : 1);
	to = buf_reserve(&z->history, n > 0 ? n : 1);
	must(to != NULL && inflateGetDictionary(&z->in, (Bytef *)to, &n) == Z_OK);
	buf_commit(&z->history, n);
	in_end(z);
}

void net_deflate_release(struct conn *c)
{
	struct net_deflate *z = c->deflate;

	if (z == NULL)
		return;
	out_end(z);
	in_hibernate(z);
	if (z->zout_at == z->zout.n) {
		buf_fini(&z->zout);
		z->zout_at = 0;
	}
	if (zin_left(z) == 0) {
		buf_fini(&z->zin);
		z->zin_at = 0;
	}
}

void net_deflate_free(struct conn *c)
{
	struct net_deflate *z = c->deflate;

	if (z == NULL)
		return;
	out_end(z);
	in_end(z);
	buf_fini(&z->zout);
	buf_fini(&z->zin);
	buf_fini(&z->history);
	c->transport = z->below;
	c->deflate = NULL;
	mem_free(z);
}

bool conn_is_compressed(const struct conn *c)
{
	return c->deflate != NULL && c->deflate->in_state == ON;
}

int conn_compress_start(struct conn *c)
{
	struct net_deflate *z;

	must(c->magic == NET_CONN_MAGIC && !c->in_body && !conn_is_compressed(c));
	/* The remains of an earlier one: what was written then must be gone first. */
	if (c->deflate != NULL && (conn_flush(c) < 0 || zin_left(c->deflate) > 0))
		return c->out_err != 0 ? c->out_err : -E_BUSY;
	net_deflate_free(c);
	z = MEM_NEW(struct net_deflate);
	z->below = c->transport;
	z->out_state = RAW_HEAD;
	z->in_state = ON;
	z->in_last = FLUSHED;
	z->raw_left = c->out.n - c->out_at;
	buf_init(&z->zout, 2 * WRITE_MAX);
	buf_init(&z->zin, c->in.max);
	z->is_drained_below = c->is_drained;
	/* What came too early must be compressed as well; it is not, if the peer did not wait. */
	if (c->in.n > c->in_at)
		buf_add(&z->zin, str_of(c->in.p + c->in_at, c->in.n - c->in_at));
	conn_take(c, c->in.n - c->in_at);
	c->deflate = z;
	c->transport = &net_deflate_transport;
	c->is_drained = c->is_starved = false;
	c->line_since_ms = 0;
	return 0;
}

void conn_compress_stop(struct conn *c)
{
	struct net_deflate *z = c->deflate;

	must(c->magic == NET_CONN_MAGIC);
	if (!conn_is_compressed(c))
		return;
	z->in_state = ENDING;
	(void)end_input(z);
	z->raw_left = c->out.n - c->out_at;
	if (z->raw_left > 0) {
		z->out_state = ENDING;
		return;
	}
	/* Nothing is to be sent that could end the stream: the end itself is. */
	compress_text(z, S(""), Z_FINISH);
	out_end(z);
	z->out_state = RAW;
	buf_add(&c->out, buf_str(&z->zout));
	buf_fini(&z->zout);
	z->zout_at = 0;
	if (c->net == NULL)
		(void)conn_flush(c);
}
