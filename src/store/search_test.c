/* SPDX-License-Identifier: MIT */
/*
 * Searching a view: order, batches and short cuts of the walk, and text that stands across
 * the pieces in which a body is read. What each key of RFC 9051 6.4.4 matches is tested
 * through IMAP (imap/messages_test.c).
 */
#include "store/search.h"

#include "base/text.h"
#include "mime/mime.h"
#include "store/part.h"
#include "store/store_test.h"

static struct store_search *key(struct test_store *t, enum store_search_op op, const char *value_z)
{
	struct store_search *k = store_search_new(&t->a, op);
	AUTO(buf_fini) struct buf folded = BUF_INIT(1000);

	assert_non_null(k);
	mime_casemap(str_z(value_z), &folded);
	k->value = arena_str(&t->a, buf_str(&folded));
	k->number = strtoull(value_z, NULL, 10);
	return k;
}

static struct store_search *both(struct test_store *t, enum store_search_op op,
				 struct store_search *a, struct store_search *b)
{
	struct store_search *k = key(t, op, ""), **at = &k->child;

	store_search_add(&at, a);
	store_search_add(&at, b);
	return k;
}

static void expect(struct test_store *t, struct store_search *tree, enum store_search_want want,
		   const char *set_z)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(10000);
	struct store_mbox *m;
	struct store_view *v;
	struct uidset found = { 0 };

	assert_int_equal(store_mbox_open(t->s, t->inbox, &m), 0);
	v = test_view(m);
	assert_int_equal(store_search_run(t->s, &t->a, v, tree, want, &found), 0);
	uidset_print(&out, &found);
	assert_str_eq(buf_str(&out), str_z(set_z));
	store_view_unref(v);
	store_mbox_close(&m);
}

static void append(struct test_store *t, struct str bytes)
{
	AUTO(arena_fini) struct arena a = { .cap = LIMIT_MIME_ARENA };
	struct store_content_new c = test_prepare(&a, bytes);
	struct store_append v = { .mailbox = t->inbox, .content = &c };
	struct store_appended done;

	assert_int_equal(store_append(t->s, &v, 1, &done), 0);
}

TEST(search_walk)
{
	struct test_store t;

	test_open(&t);
	test_append(&t, t.inbox, 0, 300);
	append(&t, S("Subject: x\r\n\r\nneedle\r\n"));
	test_append(&t, t.inbox, STORE_SEEN, 700);
	append(&t, S("Subject: x\r\n\r\nNEEDLE\r\n"));
	expect(&t, key(&t, STORE_S_ALL, ""), STORE_SEARCH_ALL, "1:1002");
	expect(&t, key(&t, STORE_S_NONE, ""), STORE_SEARCH_ALL, "");
	expect(&t, key(&t, STORE_S_BODY, "Needle"), STORE_SEARCH_ALL, "301,1002");
	expect(&t, key(&t, STORE_S_BODY, "needle"), STORE_SEARCH_FIRST, "301");
	expect(&t, key(&t, STORE_S_BODY, "needle"), STORE_SEARCH_LAST, "1002");
	expect(&t, key(&t, STORE_S_BODY, "hay"), STORE_SEARCH_LAST, "");
	/* Answers from the view and from the text, mixed in one batch. */
	expect(&t,
	       both(&t, STORE_S_OR, key(&t, STORE_S_BODY, "needle"), key(&t, STORE_S_FLAGS, "1")),
	       STORE_SEARCH_ALL, "301:1002");
	expect(&t,
	       both(&t, STORE_S_AND, key(&t, STORE_S_BODY, "hello"), key(&t, STORE_S_FLAGS, "1")),
	       STORE_SEARCH_ALL, "302:1001");
	test_close(&t);
}

TEST(search_within_a_set)
{
	struct test_store t;
	struct store_search *seqs;

	test_open(&t);
	test_append(&t, t.inbox, 0, 1200);
	seqs = key(&t, STORE_S_SEQS, "");
	expect(&t, seqs, STORE_SEARCH_ALL, "");
	assert_int_equal(uidset_add(&t.a, &seqs->set, 500, 520), 0);
	assert_int_equal(uidset_add(&t.a, &seqs->set, 1199, 1300), 0);
	expect(&t, both(&t, STORE_S_AND, seqs, key(&t, STORE_S_ALL, "")), STORE_SEARCH_ALL,
	       "500:520,1199:1200");
	expect(&t, both(&t, STORE_S_AND, seqs, key(&t, STORE_S_ALL, "")), STORE_SEARCH_FIRST,
	       "500");
	expect(&t, both(&t, STORE_S_AND, seqs, key(&t, STORE_S_ALL, "")), STORE_SEARCH_LAST,
	       "1200");
	test_close(&t);
}

/* ---- pieces ---- */

enum encoding { PLAIN, LINES, BASE64, QP };

/* A body whose decoded text has the needle at that offset. */
static void make(enum encoding encoding, size_t at, struct buf *out)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(4u << 20);
	static const char *const ctes[] = { "8bit", "8bit", "base64", "quoted-printable" };

	while (text.n < at)
		buf_add_char(&text, text.n % 70 == 69 && encoding == LINES ? '\n' : 'x');
	buf_add(&text, S("N\xc3\xa4" "delchen"));
	while (text.n < 3 * STORE_PART_PIECE)
		buf_add_char(&text, 'y');
	buf_add(out, S("Content-Type: text/plain; charset=utf-8\r\n"));
	buf_printf(out, "Content-Transfer-Encoding: %s\r\n\r\n", ctes[encoding]);
	if (encoding == BASE64)
		text_b64_encode(out, buf_str(&text));
	else if (encoding == QP)
		for (size_t i = 0; i < text.n; i++)
			buf_printf(out, "=%02X", (unsigned char)text.p[i]);
	else
		buf_add(out, buf_str(&text));
}

TEST(search_across_pieces)
{
	static const char want[] = "n\xc3\xa4" "DELCHEN";
	struct test_store t;
	char set[20];
	int n = 0;

	test_open(&t);
	for (enum encoding e = PLAIN; e <= QP; e++) {
		/* Raw bytes of one character of text, times 12. */
		size_t twelfths = e == BASE64 ? 16 : e == QP ? 36 : 12;

		for (size_t back = 0; back < 12; back++) {
			AUTO(buf_fini) struct buf mail = BUF_INIT(8u << 20);

			make(e, STORE_PART_PIECE * 12 / twelfths - back, &mail);
			append(&t, buf_str(&mail));
			n++;
		}
	}
	snprintf(set, sizeof(set), "1:%d", n);
	expect(&t, key(&t, STORE_S_BODY, want), STORE_SEARCH_ALL, set);
	expect(&t, key(&t, STORE_S_TEXT, "chenyyy"), STORE_SEARCH_ALL, set);
	expect(&t, key(&t, STORE_S_BODY, "xyz"), STORE_SEARCH_ALL, "");
	test_close(&t);
}

/* The pieces together are what the whole decodes to. */
TEST(search_part_pieces)
{
	static const enum mime_cte ctes[] = { MIME_CTE_8BIT, MIME_CTE_8BIT, MIME_CTE_BASE64,
					      MIME_CTE_QP };
	struct test_store t;

	test_open(&t);
	for (enum encoding e = PLAIN; e <= QP; e++) {
		AUTO(buf_fini) struct buf mail = BUF_INIT(8u << 20);
		AUTO(buf_fini) struct buf want = BUF_INIT(8u << 20);
		AUTO(buf_fini) struct buf got = BUF_INIT(8u << 20);
		AUTO(store_part_fini) struct store_part p;
		AUTO(store_reader_close) struct store_reader *reader = NULL;
		struct store_content c;
		struct store_mbox *m;
		struct store_view *v;
		struct str piece;
		int r;

		make(e, 1000, &mail);
		append(&t, buf_str(&mail));
		assert_int_equal(store_mbox_open(t.s, t.inbox, &m), 0);
		v = test_view(m);
		assert_int_equal(store_reader_open(t.s, &reader), 0);
		assert_int_equal(
			store_content_get(reader, &t.a, store_view_at(v, v->n)->content, 0, &c), 0);
		store_reader_close(&reader);
		mime_cte_decode(ctes[e], str_skip(buf_str(&mail), c.header_n), &want);
		store_part_init(&p, t.s, &c, c.header_n, c.size - c.header_n, ctes[e], true);
		while ((r = store_part_next(&p, &piece)) > 0) {
			assert_true(piece.n > 0 && piece.n <= STORE_PART_PIECE);
			buf_add(&got, piece);
		}
		assert_int_equal(r, 0);
		assert_true(str_eq(buf_str(&got), buf_str(&want)));
		store_view_unref(v);
		store_mbox_close(&m);
	}
	test_close(&t);
}
