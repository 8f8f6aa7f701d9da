/* SPDX-License-Identifier: MIT */
/*
 * The compression layer (RFC 4978) against zlib itself: both directions, parking, the end, and what
 * is hostile.
 */
#include "net/net_int.h"

#include "base/must.h"
#include "base/rnd.h"
#include "base/test.h"

#include <malloc.h>
#include <zlib.h>

/* ---- a peer ---- */

struct peer {
	z_stream z;
};

static void peer_begin(struct peer *p)
{
	memset(p, 0, sizeof(*p));
	must(deflateInit2(&p->z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) == Z_OK);
}

static void peer_says(struct peer *p, struct buf *out, struct str text, int flush)
{
	p->z.next_in = (Bytef *)(uintptr_t)text.p;
	p->z.avail_in = (uInt)text.n;
	do {
		char *to = buf_reserve(out, 65536);

		must(to != NULL);
		p->z.next_out = (Bytef *)to;
		p->z.avail_out = 65536;
		(void)deflate(&p->z, flush);
		buf_commit(out, 65536 - p->z.avail_out);
	} while (p->z.avail_out == 0);
}

static void peer_end(struct peer *p)
{
	(void)deflateEnd(&p->z);
}

/* What a peer makes of the bytes; *ret_rest: how many were behind the end of the stream. */
static void understand(struct str bytes, struct buf *out, size_t *ret_rest)
{
	z_stream z = { 0 };
	int rc;

	must(inflateInit2(&z, -15) == Z_OK);
	z.next_in = (Bytef *)(uintptr_t)bytes.p;
	z.avail_in = (uInt)bytes.n;
	do {
		char *to = buf_reserve(out, 65536);

		must(to != NULL);
		z.next_out = (Bytef *)to;
		z.avail_out = 65536;
		rc = inflate(&z, Z_SYNC_FLUSH);
		buf_commit(out, 65536 - z.avail_out);
	} while (rc == Z_OK && (z.avail_in > 0 || z.avail_out == 0));
	assert_true(rc == Z_OK || rc == Z_BUF_ERROR || rc == Z_STREAM_END);
	assert_true(rc == Z_STREAM_END || ret_rest == NULL);
	if (ret_rest != NULL)
		*ret_rest = z.avail_in;
	(void)inflateEnd(&z);
}

static int next_line(struct conn *c, size_t max, struct conn_line *ret)
{
	int rc;

	do {
		rc = conn_line(c, max, ret);
	} while (rc == 0);
	return rc;
}

/* ---- both directions ---- */

/* chunk bytes at a time; is_parked: parked after each line. */
static void talk(size_t chunk, bool is_parked)
{
	AUTO(buf_fini) struct buf script = BUF_INIT(4u << 20);
	AUTO(buf_fini) struct buf text = BUF_INIT(4u << 20);
	AUTO(buf_fini) struct buf want = BUF_INIT(4u << 20);
	struct conn_line line;
	struct peer peer;
	struct conn *c;

	peer_begin(&peer);
	buf_add(&script, S("clear\r\n"));
	for (int i = 0; i < 300; i++) {
		char said[80];

		snprintf(said, sizeof(said), "a%d UID FETCH 1:* (FLAGS) %d\r\n", i, i * i);
		peer_says(&peer, &script, str_z(said),
			  i % 7 == 6 ? Z_FULL_FLUSH : i % 5 == 4 ? Z_NO_FLUSH : Z_SYNC_FLUSH);
	}
	peer_says(&peer, &script, S("end\r\n"), Z_SYNC_FLUSH);
	peer_end(&peer);
	c = conn_new_scripted(buf_str(&script), chunk, false, "192.0.2.7");
	assert_int_equal(next_line(c, 100, &line), 1);
	conn_write(c, S("OK\r\n"));
	assert_int_equal(conn_compress_start(c), 0);
	assert_true(conn_is_compressed(c));
	for (int i = 0; i <= 300; i++) {
		char said[80];

		assert_int_equal(next_line(c, 100, &line), 1);
		snprintf(said, sizeof(said), "a%d UID FETCH 1:* (FLAGS) %d", i, i * i);
		assert_str_eq(line.text, str_z(i < 300 ? said : "end"));
		conn_printf(c, "* %d FETCH (UID %d FLAGS (\\Seen))\r\n", i, i);
		buf_printf(&want, "* %d FETCH (UID %d FLAGS (\\Seen))\r\n", i, i);
		if (is_parked)
			net_conn_release(c);
	}
	assert_int_equal(next_line(c, 100, &line), -E_CLOSED);
	assert_true(str_starts(conn_scripted_output(c), S("OK\r\n")));
	understand(str_skip(conn_scripted_output(c), 4), &text, NULL);
	assert_str_eq(buf_str(&text), buf_str(&want));
	/* Half of it at least is saved, however often it was parked. */
	assert_true(conn_scripted_output(c).n < want.n / 2);
	conn_free_scripted(c);
}

TEST(deflate_both_ways)
{
	static const size_t chunks[] = { 0, 1, 2, 3, 7, 100 };

	for (size_t i = 0; i < 2 * ARRAY_LEN(chunks); i++)
		talk(chunks[i / 2], i % 2 != 0);
}

/* What does not shrink, in pieces of all sizes, up to ones that pass by the buffer. */
TEST(deflate_random_bytes)
{
	AUTO(buf_fini) struct buf want = BUF_INIT(4u << 20);
	AUTO(buf_fini) struct buf text = BUF_INIT(4u << 20);
	struct conn *c = conn_new_scripted(S(""), 0, false, "192.0.2.7");
	char *bytes = mem_alloc(300000, 1);

	rnd_bytes(bytes, 300000);
	assert_int_equal(conn_compress_start(c), 0);
	for (size_t n = 1; n <= 300000; n = n * 3 + 1) {
		conn_write(c, str_of(bytes, n));
		buf_add(&want, str_of(bytes, n));
		if (n % 2 == 0)
			net_conn_release(c);
	}
	understand(conn_scripted_output(c), &text, NULL);
	assert_str_eq(buf_str(&text), buf_str(&want));
	mem_free(bytes);
	conn_free_scripted(c);
}

/* ---- a transport that takes little ---- */

static struct {
	struct buf sent;
	unsigned turn;
} slow;

static int slow_read(struct conn *c, void *p, size_t n, size_t *ret_n)
{
	(void)p, (void)n;
	c->is_drained = true;
	*ret_n = 0;
	return 0;
}

static int slow_write(struct conn *c, const void *p, size_t n, size_t *ret_n)
{
	(void)c;
	*ret_n = slow.turn++ % 3 == 0 ? 0 : n < 5 ? n : 5;
	buf_add(&slow.sent, str_of(p, *ret_n));
	return 0;
}

static void slow_shutdown(struct conn *c)
{
	(void)c;
}

static const struct net_transport slow_transport = { slow_read, slow_write, slow_shutdown };

/* Clear, compressed, clear, compressed again, each with more waiting than goes at once. */
TEST(deflate_slow_writes)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(1u << 20);
	struct conn *c = net_conn_new(&slow_transport, -1);
	size_t rest = 0;

	slow.turn = 0;
	buf_init(&slow.sent, 1u << 20);
	c->write_timeout_ms = 1000;
	buf_add(&c->out, S("* clear\r\na OK begin\r\n"));
	assert_int_equal(conn_compress_start(c), 0);
	buf_add(&c->out, S("* compressed\r\n"));
	while (net_conn_flush_some(c) == 0)
		net_conn_release(c);
	buf_add(&c->out, S("* more\r\n"));
	assert_int_equal(net_conn_flush_some(c), 0);
	buf_add(&c->out, S("b OK end\r\n"));
	conn_compress_stop(c);
	assert_true(!conn_is_compressed(c));
	buf_add(&c->out, S("* clear again\r\n"));
	while (net_conn_flush_some(c) == 0)
		net_conn_release(c);
	assert_true(str_starts(buf_str(&slow.sent), S("* clear\r\na OK begin\r\n")));
	understand(str_skip(buf_str(&slow.sent), 21), &text, &rest);
	assert_str_eq(buf_str(&text), S("* compressed\r\n* more\r\nb OK end\r\n"));
	assert_str_eq(str_skip(buf_str(&slow.sent), slow.sent.n - rest), S("* clear again\r\n"));
	buf_reset(&slow.sent);
	buf_reset(&text);
	assert_int_equal(conn_compress_start(c), 0);
	buf_add(&c->out, S("second"));
	while (net_conn_flush_some(c) == 0)
		;
	understand(buf_str(&slow.sent), &text, NULL);
	assert_str_eq(buf_str(&text), S("second"));
	net_conn_free(c);
	buf_fini(&slow.sent);
}

/* ---- the end (RFC 8437 4.1) ---- */

/* As the net loop does it: between two reads nothing is kept that can be done without. */
static int next_line_parked(struct conn *c, struct conn_line *ret)
{
	int rc;

	while ((rc = conn_line(c, 100, ret)) == 0)
		net_conn_release(c);
	return rc;
}

/* said: what comes before, so that the last block ends somewhere in a byte, or with one */
static void end_with(int flush, int level, size_t chunk, struct str said)
{
	AUTO(buf_fini) struct buf script = BUF_INIT(1u << 20);
	AUTO(buf_fini) struct buf text = BUF_INIT(1u << 20);
	struct conn_line line;
	struct peer peer;
	struct conn *c;
	size_t rest;

	peer_begin(&peer);
	(void)deflateParams(&peer.z, level, Z_DEFAULT_STRATEGY);
	peer_says(&peer, &script, said, Z_SYNC_FLUSH);
	peer_says(&peer, &script, S("b UNAUTHENTICATE\r\n"), flush);
	peer_end(&peer);
	buf_add(&script, S("c NOOP\r\nd NOOP\r\n"));
	c = conn_new_scripted(buf_str(&script), chunk, false, "192.0.2.7");
	assert_int_equal(conn_compress_start(c), 0);
	assert_int_equal(next_line_parked(c, &line), 1);
	assert_int_equal(next_line_parked(c, &line), 1);
	assert_str_eq(line.text, S("b UNAUTHENTICATE"));
	conn_write(c, S("b OK\r\n"));
	conn_compress_stop(c);
	conn_compress_stop(c);
	conn_write(c, S("clear\r\n"));
	assert_int_equal(next_line_parked(c, &line), 1);
	assert_str_eq(line.text, S("c NOOP"));
	net_conn_release(c);
	assert_int_equal(next_line_parked(c, &line), 1);
	assert_str_eq(line.text, S("d NOOP"));
	assert_int_equal(next_line_parked(c, &line), -E_CLOSED);
	understand(conn_scripted_output(c), &text, &rest);
	assert_str_eq(buf_str(&text), S("b OK\r\n"));
	assert_int_equal(rest, 7);
	conn_free_scripted(c);
}

TEST(deflate_end)
{
	static const int flushes[] = { Z_SYNC_FLUSH, Z_FULL_FLUSH, Z_FINISH };
	static const size_t chunks[] = { 0, 1, 2, 5 };
	char said[40];

	for (int i = 0; i < 24 * 20; i++) {
		snprintf(said, sizeof(said), "%.*s NOOP\r\n", 1 + i / 24, "abcdefghijklmnopqrstuvwxyz");
		end_with(flushes[i % 3], i % 2 ? 6 : 0, chunks[i / 6 % 4], str_z(said));
	}
}

/* ---- memory ---- */

static size_t in_use(void)
{
	return mallinfo2().uordblks;
}

/* What 200 idle connections take whose peers have said much, or little. */
static size_t idle_bytes(size_t said)
{
	AUTO(buf_fini) struct buf script = BUF_INIT(8u << 20);
	struct conn *conns[200];
	struct conn_line line;
	struct peer peer;
	size_t before, after;

	peer_begin(&peer);
	while (peer.z.total_in < said)
		peer_says(&peer, &script, S("a UID FETCH 1:* (FLAGS)\r\n"), Z_SYNC_FLUSH);
	peer_end(&peer);
	for (size_t i = 0; i < ARRAY_LEN(conns); i++)
		conns[i] = conn_new_scripted(buf_str(&script), 0, false, "192.0.2.7");
	before = in_use();
	for (size_t i = 0; i < ARRAY_LEN(conns); i++) {
		struct conn *c = conns[i];

		assert_int_equal(conn_compress_start(c), 0);
		while (next_line(c, 100, &line) == 1)
			;
		net_conn_release(c);
	}
	after = in_use();
	for (size_t i = 0; i < ARRAY_LEN(conns); i++)
		conn_free_scripted(conns[i]);
	return (after - before) / ARRAY_LEN(conns);
}

TEST(deflate_idle_memory)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	(void)idle_bytes(1000); /* their allocators count elsewhere */
#else
	assert_in_range(idle_bytes(1000), 1000, 7000);
	assert_in_range(idle_bytes(200000), 1000, 40000);
#endif
}

/* ---- hostile peers ---- */

static int first_answer(struct str script)
{
	struct conn *c = conn_new_scripted(script, 0, false, "192.0.2.7");
	struct conn_line line;
	int rc;

	assert_int_equal(conn_compress_start(c), 0);
	rc = next_line(c, 1000, &line);
	assert_true(c->in.cap <= 2 * LIMIT_CONN_IN);
	conn_free_scripted(c);
	return rc;
}

TEST(deflate_hostile)
{
	AUTO(buf_fini) struct buf script = BUF_INIT(8u << 20);
	char *zeros = mem_alloc(1u << 20, 1);
	struct peer peer;

	/* A hundred megabytes in a hundred kilobytes: one line that is too long. */
	peer_begin(&peer);
	for (int i = 0; i < 100; i++)
		peer_says(&peer, &script, str_of(zeros, 1u << 20), Z_NO_FLUSH);
	peer_says(&peer, &script, S("\r\n"), Z_SYNC_FLUSH);
	peer_end(&peer);
	assert_true(script.n < 200000);
	assert_int_equal(first_answer(buf_str(&script)), -E_LIMIT);
	/* Blocks with nothing in them, for ever. */
	buf_reset(&script);
	for (int i = 0; i < 100000; i++)
		buf_add(&script, S("\0\0\0\xff\xff"));
	assert_int_equal(first_answer(buf_str(&script)), -E_IO);
	/* No stream at all; a reference to what was never sent; an end that comes at once. */
	assert_int_equal(first_answer(S("a NOOP\r\n")), -E_IO);
	assert_int_equal(first_answer(S("\x02\x02\x02\x02\x02")), -E_IO);
	assert_int_equal(first_answer(S("\x03\x00")), -E_CLOSED);
	assert_int_equal(first_answer(S("")), -E_CLOSED);
	mem_free(zeros);
}
