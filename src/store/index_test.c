/* SPDX-License-Identifier: MIT */
/*
 * The search index: the same answers without it, with it, with a part of it, and with one that
 * was damaged in any way.
 */
#include "store/index.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "mime/mime.h"
#include "store/index_int.h"
#include "store/part.h"
#include "store/search.h"
#include "store/store_test.h"

static uint32_t seed;

static uint32_t dice(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

/* ---- a corpus ---- */

/* What folds, decomposes, grows, or stands between words. */
static const char *const bits[] = {
	"stra\xc3\x9f" "e", "STRASSE", "\xc4\xb1stanbul", "\xc4\xb0STANBUL", "istanbul", "I", "\xce\xa3\xce\x99\xce\xa3\xce\xa5\xce\xa6\xce\x9f\xce\xa3",
	"\xcf\x83\xce\xaf\xcf\x83\xcf\x85\xcf\x86\xce\xbf\xcf\x82", "cafe\xcc\x81", "caf\xc3\xa9", "\xef\xac\x81sh", "fish", "\xef\xbc\xa1\xef\xbc\xa2\xef\xbc\xa3", "abc", "a.b.c",
	"x@y.example", "foo-bar", "foo", "bar", "--", "_under_score_", "1234567", "\xe6\x9d\xb1\xe4\xba\xac\xe9\x83\xbd", "\xe6\x9d\xb1\xe4\xba\xac", "don't",
	"\xc2\xa0nbsp", "\xf0\x9f\x98\x80", "e\xcc\x81\xcc\xa3", "e\xcc\xa3\xcc\x81", "the", "then", "other", "=?", "?=", "q\xc7\x84z", "q\xc7\x86z",
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
	"0a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6q7r8s9t0u1v2w3x4y5z6A7B8C9D0E1F2G3H4I5J6K7L8M9N0O1P2Q3R4S5T6U7V8W9X0Y1Z2.3-4_5@6",
};

static void phrase(struct buf *out, size_t n)
{
	static const char *const gaps[] = { " ", "  ", ", ", ".", "-", " - ", "@", "/", "", "._", ": ", " (", ") ", "\"", "\\", " @ ", ">, <", ";" };

	for (size_t i = 0; i < n; i++) {
		buf_add(out, str_z(bits[dice(ARRAY_LEN(bits))]));
		buf_add(out, str_z(gaps[dice(ARRAY_LEN(gaps))]));
		if (dice(9) == 0)
			buf_printf(out, "w%u", dice(300));
	}
}

static void encoded_word(struct buf *out, struct str text)
{
	buf_add(out, S("=?utf-8?B?"));
	text_b64_encode(out, text);
	buf_add(out, S("?="));
}

/* A header field as it is, or encoded, broken anywhere, also in the middle of a character. */
static void field(struct buf *out, const char *name_z)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(10000);
	size_t cut;

	phrase(&text, 1 + dice(4));
	buf_printf(out, "%s: ", name_z);
	cut = dice((uint32_t)text.n + 1);
	switch (dice(4)) {
	case 0:
		buf_add(out, buf_str(&text));
		break;
	case 1:
		encoded_word(out, buf_str(&text));
		break;
	case 2:
		encoded_word(out, str_head(buf_str(&text), cut));
		buf_add(out, S("\r\n "));
		encoded_word(out, str_skip(buf_str(&text), cut));
		break;
	default:
		buf_add(out, S("plain words foo\r\n\tfolded-bar"));
	}
	buf_add(out, S("\r\n"));
}

static void body(struct buf *out)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(100000);
	static const char *const charsets[] = { "utf-8", "iso-8859-1", "iso-2022-jp", "nonsense", "utf-16be", "windows-1254" };
	const char *charset_z = charsets[dice(3) == 0 ? dice(ARRAY_LEN(charsets)) : 0];
	uint32_t how = dice(3);

	for (uint32_t i = dice(5) + 1; i > 0; i--) {
		phrase(&text, 1 + dice(12));
		buf_add(&text, S("\r\n"));
	}
	buf_printf(out, "Content-Type: text/%s; charset=%s\r\n", dice(3) == 0 ? "html" : "plain", charset_z);
	buf_printf(out, "Content-Transfer-Encoding: %s\r\n\r\n",
		   how == 0 ? "8bit" : how == 1 ? "base64" : "quoted-printable");
	if (how == 1)
		text_b64_encode(out, buf_str(&text));
	for (size_t i = 0; how == 2 && i < text.n; i++)
		buf_printf(out, i % 30 == 29 ? "=%02X=\r\n" : "=%02X", (unsigned char)text.p[i]);
	if (how == 0)
		buf_add(out, buf_str(&text));
	buf_add(out, S("\r\n"));
}

static void message(struct buf *out)
{
	static const char *const names[] = { "Subject", "From", "To", "Cc", "X-Note", "Subject" };

	for (uint32_t i = dice(5) + 1; i > 0; i--)
		field(out, names[dice(ARRAY_LEN(names))]);
	if (dice(4) > 0) {
		body(out);
		return;
	}
	buf_add(out, S("Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n--b\r\n"));
	body(out);
	buf_add(out, S("--b\r\nContent-Type: message/rfc822\r\n\r\n"));
	field(out, "Subject");
	body(out);
	buf_add(out, S("--b\r\nX-Part: "));
	phrase(out, 1);
	buf_add(out, S("\r\n"));
	body(out);
	buf_add(out, S("--b--\r\n"));
}

/* In one transaction. */
static void append_some(struct test_store *t, size_t n)
{
	AUTO(arena_fini) struct arena a = { .cap = LIMIT_MIME_ARENA };
	struct store_append *v = mem_alloc(n, sizeof(*v));
	struct store_appended *done = mem_alloc(n, sizeof(*done));

	for (size_t i = 0; i < n; i++) {
		AUTO(buf_fini) struct buf bytes = BUF_INIT(1u << 20);
		struct store_content_new *c = ARENA_NEW(&a, struct store_content_new);

		message(&bytes);
		*c = test_prepare(&a, arena_str(&a, buf_str(&bytes)));
		v[i] = (struct store_append){ .mailbox = t->inbox, .content = c };
	}
	assert_int_equal(store_append(t->s, v, n, done), 0);
	mem_free(v);
	mem_free(done);
}

/* ---- needles ---- */

#define NEEDLES 300

struct needle {
	enum store_search_op op;
	const char *name_z;
	struct str value;
	bool is_fuzzy;
	struct str want; /* the set and the scores, as text */
};

static struct needle needles[NEEDLES];

static void make_needles(struct test_store *t)
{
	static const char *const names[] = { "Subject", "From", "To", "Cc", "X-Note", "Content-Type" };

	for (size_t i = 0; i < NEEDLES; i++) {
		AUTO(buf_fini) struct buf text = BUF_INIT(10000), folded = BUF_INIT(10000);
		struct str v;
		size_t from;

		phrase(&text, 1 + dice(2) * dice(3));
		mime_casemap(buf_str(&text), &folded);
		v = str_trim(buf_str(&folded));
		from = dice(2) == 0 ? 0 : dice((uint32_t)v.n);
		while (from < v.n && ((unsigned char)v.p[from] & 0xc0) == 0x80)
			from++;
		v = str_skip(v, from);
		if (dice(2) == 0)
			v = str_head(v, 3 + dice(8));
		while (v.n > 0 && !str_is_utf8(v))
			v.n--;
		needles[i].op = (enum store_search_op)(STORE_S_HEADER + dice(3));
		needles[i].name_z = names[dice(ARRAY_LEN(names))];
		/* Only the first four have a fuzzy form (imap/search_parse.c). */
		needles[i].is_fuzzy = dice(10) == 0 && needles[i].name_z[0] != 'X' && str_icmp(str_z(needles[i].name_z), S("Content-Type")) != 0;
		needles[i].value = arena_str(&t->a, v);
	}
}

static struct str found(struct test_store *t, const struct needle *n)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(100000);
	struct store_search *k = store_search_new(&t->a, n->op);
	struct store_scores scores = { 0 };
	struct uidset set = { 0 };
	struct store_mbox *m;
	struct store_view *v;

	k->name = str_z(n->name_z);
	k->value = n->value;
	k->is_fuzzy = n->is_fuzzy;
	k->scores = &scores;
	assert_int_equal(store_mbox_open(t->s, t->inbox, &m), 0);
	v = test_view(m);
	assert_int_equal(store_search_run(t->s, &t->a, v, k, STORE_SEARCH_ALL, &set), 0);
	uidset_print(&out, &set);
	assert_int_equal(scores.n, uidset_count(&set));
	for (size_t i = 0; i < scores.n && n->is_fuzzy; i++)
		buf_printf(&out, " %u", scores.v[i]);
	store_view_unref(v);
	store_mbox_close(&m);
	return arena_str(&t->a, buf_str(&out));
}

static void set_index(struct test_store *t, bool is_on)
{
	atomic_store(&t->s->search_index, is_on);
	atomic_store(&t->s->search_index_after, 1);
	atomic_store(&t->s->min_free_bytes, 0);
}

static void learn(struct test_store *t)
{
	set_index(t, false);
	for (size_t i = 0; i < NEEDLES; i++)
		needles[i].want = found(t, &needles[i]);
	set_index(t, true);
}

static void check(struct test_store *t, size_t step)
{
	for (size_t i = 0; i < NEEDLES; i += step) {
		struct str got = found(t, &needles[i]);
		char row[300];

		snprintf(row, sizeof(row), "op %d %s%s [%.*s]", needles[i].op, needles[i].is_fuzzy ? "fuzzy " : "", needles[i].name_z,
			 STR_ARG(needles[i].value));
		test_row(row);
		assert_str_eq(got, needles[i].want);
	}
}

static struct store_indexed pass(struct test_store *t)
{
	struct store_indexer *x = store_indexer_new(t->s);
	const struct store_index_job job = { 0 };
	struct store_indexed done;

	assert_int_equal(store_indexer_pass(x, &job, &done), 0);
	store_indexer_free(&x);
	return done;
}

TEST(index_answers_as_without)
{
	struct test_store t;

	seed = 1;
	test_open(&t);
	append_some(&t, 300);
	make_needles(&t);
	learn(&t);
	check(&t, 1);
	assert_int_equal(pass(&t).contents, 300);
	check(&t, 1);
	assert_int_equal(pass(&t).contents, 0);
	append_some(&t, 100); /* half of it is there */
	learn(&t);
	check(&t, 1);
	assert_int_equal(pass(&t).contents, 100);
	check(&t, 1);
	test_close(&t);
}

TEST(index_merges_and_forgets)
{
	struct test_store t;
	struct uidset uids, gone = { 0 };
	uint64_t modseq;
	int64_t merged = 0;

	seed = 2;
	test_open(&t);
	set_index(&t, true);
	for (int i = 0; i < 20; i++) {
		struct store_indexed done;

		append_some(&t, 15);
		done = pass(&t);
		assert_int_equal(done.contents, 15);
		merged += done.merged;
	}
	assert_true(merged >= 16);
	make_needles(&t);
	learn(&t);
	check(&t, 1);
	/* Expunged mail leaves it by and by. */
	uids = test_uids(&t, 1, 280);
	assert_int_equal(store_expunge(t.s, &t.a, t.inbox, &uids, false, &gone, &modseq), 0);
	assert_true(pass(&t).removed > 100);
	learn(&t);
	check(&t, 1);
	test_close(&t);
}

/* A word that stands across the pieces in which a body is read. */
TEST(index_across_pieces)
{
	AUTO(buf_fini) struct buf bytes = BUF_INIT(4u << 20);
	AUTO(arena_fini) struct arena a = { .cap = LIMIT_MIME_ARENA };
	struct needle n = { .op = STORE_S_BODY, .name_z = "", .value = S("CROSSING") };
	struct store_content_new c;
	struct test_store t;

	test_open(&t);
	seed = 7;
	append_some(&t, 30);
	for (size_t at = STORE_PART_PIECE - 7; at < STORE_PART_PIECE + 2; at++) {
		struct store_append v = { .mailbox = t.inbox, .content = &c };
		struct store_appended done;
		size_t head;

		buf_reset(&bytes);
		buf_add(&bytes, S("Subject: x\r\n\r\n"));
		head = bytes.n;
		while (bytes.n < head + at)
			buf_add_char(&bytes, '/');
		buf_add(&bytes, S("crossing"));
		while (bytes.n < head + 2 * STORE_PART_PIECE)
			buf_add_char(&bytes, '/');
		c = test_prepare(&a, buf_str(&bytes));
		assert_int_equal(store_append(t.s, &v, 1, &done), 0);
	}
	set_index(&t, true);
	assert_int_equal(pass(&t).contents, 39);
	assert_str_eq(found(&t, &n), S("31:39"));
	test_close(&t);
}

/* ---- damage ---- */

static int open_dir(struct test_store *t)
{
	int fd = index_dir(t->s, t->alice, false);

	assert_true(fd >= 0);
	return fd;
}

/* Calls fn for each segment; how many there are. */
static size_t each(struct test_store *t, void (*fn)(int dir_fd, const char *name_z))
{
	int fd = open_dir(t);
	DIR *d = fdopendir(dup(fd));
	struct dirent *e;
	size_t n = 0;

	rewinddir(d);
	while ((e = readdir(d))) {
		if (!str_ends(str_z(e->d_name), S(".seg")))
			continue;
		n++;
		if (fn)
			fn(fd, e->d_name);
	}
	closedir(d);
	close(fd);
	return n;
}

static void cut_off(int dir_fd, const char *name_z)
{
	int fd = openat(dir_fd, name_z, O_RDWR);
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(ftruncate(fd, dice((uint32_t)st.st_size)), 0);
	close(fd);
}

static void flip(int dir_fd, const char *name_z)
{
	int fd = openat(dir_fd, name_z, O_RDWR);
	struct stat st;
	off_t at;
	char c;

	assert_int_equal(fstat(fd, &st), 0);
	at = (off_t)dice((uint32_t)st.st_size);
	assert_int_equal(pread(fd, &c, 1, at), 1);
	c = (char)(c ^ (1 << dice(8)));
	assert_int_equal(pwrite(fd, &c, 1, at), 1);
	close(fd);
}

static void remove_it(int dir_fd, const char *name_z)
{
	assert_int_equal(unlinkat(dir_fd, name_z, 0), 0);
}

static void empty_it(int dir_fd, const char *name_z)
{
	int fd = openat(dir_fd, name_z, O_RDWR | O_TRUNC);

	close(fd);
}

TEST(index_damaged_is_never_wrong)
{
	static void (*const harm[])(int, const char *) = { cut_off, flip, remove_it, empty_it };
	struct test_store t;

	seed = 3;
	test_open(&t);
	append_some(&t, 120);
	make_needles(&t);
	learn(&t);
	assert_int_equal(pass(&t).contents, 120);
	for (size_t i = 0; i < 40; i++) {
		if (each(&t, NULL) == 0)
			(void)pass(&t);
		each(&t, i % 3 == 0 ? flip : harm[dice(ARRAY_LEN(harm))]);
		check(&t, 8);
	}
	/* Gone for good: it is made again. */
	each(&t, remove_it);
	check(&t, 8);
	assert_int_equal(pass(&t).contents, 120);
	check(&t, 1);
	test_close(&t);
}

/* Every byte of a segment that is read is covered: damage anywhere is found when the segment is opened or used. */
TEST(index_flips_are_found_by_a_merge)
{
	struct test_store t;
	size_t n = 0;

	seed = 4;
	test_open(&t);
	set_index(&t, true);
	append_some(&t, 40);
	for (size_t i = 0; i < 60; i++) {
		struct index_segment **v;
		size_t n_v;
		int fd;
		int64_t live[1] = { 1 };
		char name_z[INDEX_NAME_SIZE];

		(void)pass(&t);
		assert_true(each(&t, flip) >= 1);
		fd = open_dir(&t);
		assert_int_equal(index_open_all(t.s, t.alice, fd, &v, &n_v), 0);
		if (n_v == 1) /* hashes are not read by a merge */
			n += index_merge(fd, v, n_v, live, 1, name_z) == 0;
		index_close_all(v, n_v);
		close(fd);
		if (i % 2 == 0)
			each(&t, remove_it);
	}
	assert_true(n < 60);
	test_close(&t);
}

/* ---- a database from a backup ---- */

/* All of one size. */
static void append_words(struct test_store *t, const char *word_z, size_t n)
{
	AUTO(arena_fini) struct arena a = { .cap = LIMIT_MIME_ARENA };

	for (size_t i = 0; i < n; i++) {
		struct str bytes = arena_printf(&a, "Subject: %s %03zu\r\n\r\nbody\r\n", word_z, i);
		struct store_content_new c = test_prepare(&a, bytes);
		struct store_append v = { .mailbox = t->inbox, .content = &c };
		struct store_appended done;

		assert_int_equal(store_append(t->s, &v, 1, &done), 0);
	}
}

static void copy_file(const char *from_z, const char *to_z)
{
	AUTO(buf_fini) struct buf command = BUF_INIT(2000);

	buf_printf(&command, "cp '%s' '%s'", from_z, to_z);
	assert_int_equal(system(buf_z(&command)), 0);
}

static void close_it(struct test_store *t)
{
	store_close(&t->s);
	db_close(&t->db);
}

/*
 * It gives ids again that the one it replaces had given, to messages of the same size; and a merge
 * brings nothing of the lost ones along.
 */
TEST(index_of_a_database_that_went_back)
{
	static const struct needle lost = { .op = STORE_S_TEXT, .name_z = "", .value = STR_INIT("LOST") };
	static const struct needle came = { .op = STORE_S_TEXT, .name_z = "", .value = STR_INIT("CAME") };
	static const struct needle kept = { .op = STORE_S_TEXT, .name_z = "", .value = STR_INIT("KEPT") };
	char dir_z[300], db_z[400], saved_z[400];
	struct test_store t;

	test_open(&t);
	snprintf(dir_z, sizeof(dir_z), "%s", db_dir_z(t.db));
	snprintf(db_z, sizeof(db_z), "%s/martlet.db", dir_z);
	snprintf(saved_z, sizeof(saved_z), "%s/saved.db", dir_z);
	set_index(&t, true);
	append_words(&t, "kept", 30);
	assert_int_equal(pass(&t).contents, 30);
	close_it(&t);
	copy_file(db_z, saved_z);
	test_reopen(&t, NULL, NULL, dir_z);
	set_index(&t, true);
	append_words(&t, "lost", 30);
	assert_int_equal(pass(&t).contents, 30);
	assert_int_equal(each(&t, NULL), 2);
	assert_str_eq(found(&t, &lost), S("31:60"));
	close_it(&t);
	copy_file(saved_z, db_z);
	test_reopen(&t, NULL, NULL, dir_z);
	set_index(&t, true);
	append_words(&t, "came", 30);
	for (int i = 0; i < 2; i++) {
		assert_str_eq(found(&t, &lost), S(""));
		assert_str_eq(found(&t, &came), S("31:60"));
		assert_str_eq(found(&t, &kept), S("1:30"));
		assert_int_equal(pass(&t).contents, i == 0 ? 30 : 0);
		assert_int_equal(each(&t, NULL), 2);
	}
	test_close(&t);
}

/* A file that no row names is not believed and goes; so does a row without a file. */
TEST(index_segments_and_their_rows)
{
	struct test_store t;
	int fd;

	test_open(&t);
	set_index(&t, true);
	append_words(&t, "here", 30);
	assert_int_equal(pass(&t).contents, 30);
	each(&t, remove_it);
	append_words(&t, "here", 1);
	assert_int_equal(pass(&t).contents, 31);
	fd = open_dir(&t);
	close(openat(fd, "aaaa.seg", O_CREAT | O_WRONLY, 0600));
	close(openat(fd, "new-aaaa", O_CREAT | O_WRONLY, 0600));
	close(fd);
	append_words(&t, "here", 1);
	assert_int_equal(pass(&t).contents, 1);
	assert_int_equal(each(&t, NULL), 2);
	test_close(&t);
}

TEST(index_of_a_removed_account_goes)
{
	struct test_store t;
	struct fault f;

	seed = 5;
	test_open(&t);
	set_index(&t, true);
	append_some(&t, 5);
	(void)pass(&t);
	assert_int_equal(each(&t, NULL), 1);
	assert_int_equal(store_account_remove(t.s, S("alice@example.org"), &f), 0);
	assert_int_equal(index_dir(t.s, t.alice, false), -E_NOT_FOUND);
	store_close(&t.s);
	db_close(&t.db);
	arena_fini(&t.a);
}

TEST(index_waits_for_room_and_numbers)
{
	struct test_store t;

	seed = 6;
	test_open(&t);
	set_index(&t, true);
	append_some(&t, 5);
	atomic_store(&t.s->search_index_after, 6);
	assert_int_equal(pass(&t).contents, 0);
	assert_int_equal(index_dir(t.s, t.alice, false), -E_NOT_FOUND);
	atomic_store(&t.s->search_index_after, 5);
	atomic_store(&t.s->min_free_bytes, INT64_MAX / 2);
	assert_int_equal(pass(&t).contents, 0);
	atomic_store(&t.s->min_free_bytes, 0);
	assert_int_equal(pass(&t).contents, 5);
	test_close(&t);
}

/* ---- pieces ---- */

TEST(index_pieces_of_needles)
{
	static const struct {
		const char *needle_z, *first_z;
		size_t n;
		bool is_exact, begins, ends;
	} rows[] = {
		{ "AB", "", 0, false, false, false },
		{ "ABC", "ABC", 1, true, false, false },
		{ "A.B@C", "A.B@C", 1, true, false, false },
		{ ".ABC", "ABC", 1, false, false, false },
		{ "ABC.", "ABC", 1, false, false, false },
		{ " ABC ", "ABC", 1, false, true, true },
		{ "..ABC", "ABC", 1, false, true, false },
		{ "ABC DEFG", "DEFG", 2, false, true, false },
		{ "ABCDE. FGH", "ABCDE", 2, false, false, true },
		{ "A B C", "", 0, false, false, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct index_piece v[INDEX_PIECES];
		bool is_exact;

		test_row(rows[i].needle_z);
		assert_int_equal(index_pieces(str_z(rows[i].needle_z), v, &is_exact), rows[i].n);
		assert_int_equal(is_exact, rows[i].is_exact);
		if (rows[i].n == 0)
			continue;
		assert_str_eq(v[0].text, str_z(rows[i].first_z));
		assert_int_equal(v[0].begins, rows[i].begins);
		assert_int_equal(v[0].ends, rows[i].ends);
	}
}
