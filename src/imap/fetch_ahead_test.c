/* SPDX-License-Identifier: MIT */
/*
 * FETCH of many whole messages, which reads neighbours of a pack together, says the same as FETCH of each alone: with messages
 * larger than what is read at once, with holes between them, with copies that stand elsewhere than their order says, and
 * with a pack whose end is lost.
 */
#include "imap/imap_test.h"

#include <dirent.h>
#include <stdio.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/test.h"
#include "store/mailbox.h"
#include "store/message.h"

#define N 60
#define N_ALL (N + 14)            /* with the copies, without the expunged */
#define TEXT_MAX_ (400u << 10)

static size_t size_of(uint32_t i)
{
	return i % 20 == 7 ? 300u << 10 : i % 5 == 0 ? 0 : i * 997 % 9000;
}

static void append_all(struct imap_fixture *f, struct arena *a, int64_t box)
{
	char *text = mem_alloc(TEXT_MAX_, 1);

	for (uint32_t i = 0; i < N; i++) {
		struct store_content_new content;
		struct store_append one = { .mailbox = box, .content = &content };
		struct store_appended at;
		int n = snprintf(text, TEXT_MAX_, "Subject: %u\r\n\r\n", i);

		for (size_t j = 0; j < size_of(i); j++)
			text[n++] = (char)('a' + (i + j) % 26);
		assert_int_equal(store_content_prepare(a, str_of(text, (size_t)n), &content), 0);
		assert_int_equal(store_append(f->store, &one, 1, &at), 0);
	}
	mem_free(text);
}

/* Its untagged answers, and how many tagged ones are not OK. */
static void say(struct imap_fixture *f, struct str script, struct buf *out, int *ret_failed)
{
	struct imap_peer p;
	struct str all;
	ptrdiff_t at;

	imap_peer_open(f, &p, script, script.n, true);
	all = imap_peer_finish(&p);
	*ret_failed = 0;
	for (at = str_find(all, S("\r\nt NO ")); at >= 0; at = str_find(all, S("\r\nt NO "))) {
		(*ret_failed)++;
		buf_add(out, str_head(all, (size_t)at + 2));
		all = str_skip(all, (size_t)at + 2);
	}
	buf_add(out, all);
	imap_peer_close(&p);
}

/* The lines of FETCH with what they hold, without tagged answers and what SELECT says. */
static void strip(struct buf *b)
{
	struct str rest = buf_str(b);
	ptrdiff_t at = str_find(rest, S("\r\n* 1 FETCH "));
	char *to = b->p;

	assert_true(at >= 0);
	rest = str_skip(rest, (size_t)at + 2);
	while (rest.n > 0) {
		ptrdiff_t end = str_find(rest, S("\r\n"));
		size_t n = end < 0 ? rest.n : (size_t)end + 2;

		if (!str_starts(rest, S("t ")) && !str_starts(rest, S("* BYE"))) {
			memmove(to, rest.p, n);
			to += n;
		}
		rest = str_skip(rest, n);
	}
	buf_truncate(b, (size_t)(to - b->p));
}

static void compare(struct imap_fixture *f, const char *items_z, int want_failed)
{
	AUTO(buf_fini) struct buf together = BUF_INIT(16u << 20), alone = BUF_INIT(16u << 20);
	AUTO(buf_fini) struct buf script = BUF_INIT(1u << 20);
	int failed;

	buf_printf(&script, "s SELECT INBOX\r\nt FETCH 1:* (%s)\r\nq LOGOUT\r\n", items_z);
	say(f, buf_str(&script), &together, &failed);
	assert_int_equal(failed, want_failed > 0);
	buf_reset(&script);
	buf_add(&script, S("s SELECT INBOX\r\n"));
	for (int i = 1; i <= N_ALL; i++)
		buf_printf(&script, "t FETCH %d (%s)\r\n", i, items_z);
	buf_add(&script, S("q LOGOUT\r\n"));
	say(f, buf_str(&script), &alone, &failed);
	assert_int_equal(failed, want_failed);
	strip(&together);
	strip(&alone);
	assert_true(together.n > N_ALL * 10);
	assert_str_eq(buf_str(&together), buf_str(&alone));
}

/* Where the last record ends: behind it there are zeros for the next ones. */
static off_t end_of_records(int fd)
{
	off_t at = lseek(fd, 0, SEEK_END);
	char byte = 0;

	while (at > 0 && byte == 0)
		assert_int_equal(pread(fd, &byte, 1, --at), 1);
	return at + 1;
}

/* Takes so many bytes from the end of the pack. */
static void lose_end(const char *dir_z, off_t bytes)
{
	char path[1000];
	int n_packs = 0;
	struct dirent *e;
	int fd;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/pack", dir_z);
	dir = opendir(path);
	assert_non_null(dir);
	while ((e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/pack/%s", dir_z, e->d_name);
		fd = open(path, O_RDWR | O_CLOEXEC);
		assert_true(fd >= 0);
		assert_int_equal(ftruncate(fd, end_of_records(fd) - bytes), 0);
		close(fd);
		n_packs++;
	}
	closedir(dir);
	assert_int_equal(n_packs, 1);
}

TEST(fetch_ahead)
{
	AUTO(arena_fini) struct arena a = { .cap = 64u << 20 };
	AUTO(buf_fini) struct buf answer = BUF_INIT(1u << 20);
	struct imap_fixture f;
	const char *dir_z = test_dir();
	struct store_mailbox inbox;
	int failed;

	imap_fixture_open(&f, dir_z, "");
	assert_int_equal(store_mailbox_find(f.store, &a, f.alice, S("INBOX"), &inbox), 0);
	append_all(&f, &a, inbox.id);
	/* Copies at the end of what stands at the beginning; holes where messages were. */
	say(&f, S("s SELECT INBOX\r\nc COPY 5:9,31:50 INBOX\r\nd STORE 10:13,22,24 +FLAGS.SILENT (\\Deleted)\r\n"
		  "e STORE 26,61:64 +FLAGS.SILENT (\\Deleted)\r\nx EXPUNGE\r\nq LOGOUT\r\n"),
	    &answer, &failed);
	assert_true(str_find(buf_str(&answer), S("\r\nx OK")) >= 0);
	assert_true(str_find(buf_str(&answer), S("* 85 EXISTS")) >= 0);
	compare(&f, "UID BODY.PEEK[]", 0);
	compare(&f, "BODY.PEEK[TEXT] UID BODY.PEEK[HEADER] BODY.PEEK[]<10.20>", 0);
	compare(&f, "BODY.PEEK[1] RFC822.SIZE BODY.PEEK[TEXT]", 0);
	lose_end(dir_z, 50);
	compare(&f, "UID BODY.PEEK[]", 1);
	imap_fixture_close(&f);
}

/* RFC 9051 4.3.1: each NUL is 0x80, wherever it stands and however many there are. */
TEST(fetch_nul)
{
	AUTO(arena_fini) struct arena a = { .cap = 64u << 20 };
	AUTO(buf_fini) struct buf text = BUF_INIT(1u << 20), want = BUF_INIT(1u << 20), got = BUF_INIT(1u << 20);
	struct imap_fixture f;
	struct store_mailbox inbox;
	struct store_content_new content;
	struct store_append one = { .content = &content };
	struct store_appended at;
	int failed;

	imap_fixture_open(&f, test_dir(), "");
	assert_int_equal(store_mailbox_find(f.store, &a, f.alice, S("INBOX"), &inbox), 0);
	buf_add(&text, S("A: b\r\n\r\n"));
	for (unsigned i = 0; i < 150000; i++)
		buf_add_char(&text, i % 7000 < 3000 || i % 1023 < 3 ? '\0' : (char)('a' + i % 26));
	buf_add(&want, S("BODY[] {150008}\r\n"));
	for (size_t i = 0; i < text.n; i++)
		buf_add_char(&want, text.p[i] != '\0' ? text.p[i] : '\x80');
	buf_add(&want, S(")\r\n"));
	assert_int_equal(store_content_prepare(&a, buf_str(&text), &content), 0);
	one.mailbox = inbox.id;
	assert_int_equal(store_append(f.store, &one, 1, &at), 0);
	say(&f, S("s SELECT INBOX\r\nt FETCH 1 BODY.PEEK[]\r\nq LOGOUT\r\n"), &got, &failed);
	assert_int_equal(failed, 0);
	assert_true(str_find(buf_str(&got), buf_str(&want)) >= 0);
	imap_fixture_close(&f);
}
