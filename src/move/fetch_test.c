/* SPDX-License-Identifier: MIT */
/* The state and the targets of fetch, with what a crash leaves at each byte. The sources meet servers in tests/clients/fetch.py. */
#include "move/fetch.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/test.h"
#include "move/folder.h"
#include "move/writer.h"

/* ---- what is synced ---- */

/* These stand before those of libc. */
static size_t n_files_synced, n_dirs_synced;
static bool is_fuse;

int fsync(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0)
		*(S_ISDIR(st.st_mode) ? &n_dirs_synced : &n_files_synced) += 1;
	return (int)syscall(SYS_fsync, fd);
}

int fstatfs(int fd, struct statfs *ret)
{
	int r = (int)syscall(SYS_fstatfs, fd, ret);

	if (is_fuse)
		ret->f_type = FUSE_SUPER_MAGIC;
	return r;
}

/* ---- files ---- */

/* One for all tests of this file: each call of test_dir() makes another. */
static const char *home_z(void)
{
	static const char *dir_z;

	if (dir_z == NULL)
		dir_z = test_dir();
	return dir_z;
}

static char *in_dir(const char *name_z)
{
	AUTO(buf_fini) struct buf path = BUF_INIT(4096);

	buf_printf(&path, "%s/%s", home_z(), name_z);
	return mem_dup_z(buf_str(&path));
}

static void read_file(const char *path_z, struct buf *out)
{
	buf_reset(out);
	assert_int_equal(move_read_file(AT_FDCWD, path_z, out, NULL), 0);
}

static void write_file(const char *path_z, struct str bytes)
{
	AUTO(move_close_fd) int fd = open(path_z, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(move_write_all(fd, bytes, NULL), 0);
}

static size_t count_files(const char *path_z)
{
	AUTO(move_close_fd) int fd = open(path_z, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char **names_z = NULL;
	size_t n = fd < 0 ? 0 : move_list_names(fd, &names_z);

	for (size_t i = 0; i < n; i++)
		mem_free(names_z[i]);
	mem_free(names_z);
	return n;
}

/* ---- the state ---- */

#define WHO S("pop3 ann@mail.example")

static int open_state(const char *path_z, struct move_state **ret, struct fault *fault)
{
	AUTO(move_close_fd) int dir = open(home_z(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return move_state_open(dir, strrchr(path_z, '/') + 1, WHO, ret, fault);
}

TEST(fetch_state_keeps)
{
	AUTO(mem_auto_free) char *path_z = in_dir("state");
	struct move_state *s = NULL, *other = NULL;
	struct fault fault = { "" };

	assert_int_equal(open_state(path_z, &s, &fault), 0);
	move_state_set(s, S("a"), S("1"));
	move_state_set(s, S("b c"), S("2\t3"));
	move_state_set(s, S("gone"), S(""));
	move_state_remove(s, S("gone"));
	move_state_remove(s, S("never"));
	assert_int_equal(move_state_sync(s, &fault), 0);
	move_state_set(s, S("a"), S("not synced"));
	assert_int_equal(open_state(path_z, &other, &fault), -E_BUSY);
	move_state_close(&s);
	assert_int_equal(open_state(path_z, &s, &fault), 0);
	assert_str_eq(move_state_get(s, S("a")), S("1"));
	assert_str_eq(move_state_get(s, S("b c")), S("2\t3"));
	assert_null(move_state_get(s, S("gone")).p);
	assert_null(move_state_get(s, S("x")).p);
	move_state_close(&s);
	write_file(path_z, S("martlet-fetch 1 pop3 bob@mail.example\n"));
	assert_int_equal(open_state(path_z, &s, &fault), -E_CANNOT);
	unlink(path_z);
}

/* What is there when the file was cut at each byte: what was written up to there, and the next change goes well. */
TEST(fetch_state_cut_at_each_byte)
{
	AUTO(mem_auto_free) char *path_z = in_dir("state");
	AUTO(buf_fini) struct buf whole = BUF_INIT(10000);
	struct move_state *s = NULL;

	assert_int_equal(open_state(path_z, &s, NULL), 0);
	move_state_set(s, S("one"), S("1"));
	move_state_set(s, S("two"), S("2"));
	assert_int_equal(move_state_sync(s, NULL), 0);
	move_state_close(&s);
	read_file(path_z, &whole);
	for (size_t cut = 0; cut <= whole.n; cut++) {
		size_t first = (size_t)str_chr(buf_str(&whole), '\n') + 1, second = first + (size_t)str_chr(str_skip(buf_str(&whole), first), '\n') + 1;

		write_file(path_z, str_head(buf_str(&whole), cut));
		assert_int_equal(open_state(path_z, &s, NULL), 0);
		assert_int_equal(move_state_get(s, S("one")).p != NULL, cut >= second);
		assert_int_equal(move_state_get(s, S("two")).p != NULL, cut == whole.n);
		move_state_set(s, S("three"), S("3"));
		assert_int_equal(move_state_sync(s, NULL), 0);
		move_state_close(&s);
		assert_int_equal(open_state(path_z, &s, NULL), 0);
		assert_str_eq(move_state_get(s, S("three")), S("3"));
		move_state_close(&s);
	}
	/* A byte that is wrong: nothing from there on is believed. */
	whole.p[whole.n - 2] ^= 1;
	write_file(path_z, buf_str(&whole));
	assert_int_equal(open_state(path_z, &s, NULL), 0);
	assert_true(move_state_get(s, S("one")).p != NULL && move_state_get(s, S("two")).p == NULL);
	move_state_close(&s);
	unlink(path_z);
}

TEST(fetch_state_is_written_anew)
{
	AUTO(mem_auto_free) char *path_z = in_dir("state");
	struct move_state *s = NULL;
	struct str key, value;
	struct stat st;
	size_t at = 0, n = 0;

	assert_int_equal(open_state(path_z, &s, NULL), 0);
	for (unsigned i = 0; i < 20000; i++) {
		char key_z[32];

		snprintf(key_z, sizeof(key_z), "k%u", i % 5000);
		move_state_set(s, str_z(key_z), S("value"));
		if (i >= 15010)
			move_state_remove(s, str_z(key_z));
	}
	assert_int_equal(move_state_sync(s, NULL), 0);
	move_state_close(&s);
	assert_int_equal(stat(path_z, &st), 0);
	assert_true(st.st_size < 1000);
	assert_int_equal(open_state(path_z, &s, NULL), 0);
	while (move_state_next(s, &at, &key, &value))
		n++;
	assert_int_equal(n, 10);
	move_state_close(&s);
	unlink(path_z);
}

/* ---- targets ---- */

static const struct move_fetch_watch nobody = { 0 };
static const struct move_fetch_options options = { .host_z = "mail.example", .user = { "ann", 3 } };

static void open_fetch(struct move_fetch *f, const char *kind_z, const char *path_z)
{
	AUTO(buf_fini) struct buf to = BUF_INIT(4096);
	static char kept[4096]; /* the target keeps the pointer */
	struct fault fault = { "" };

	buf_printf(&to, "%s:%s", kind_z, path_z);
	snprintf(kept, sizeof(kept), "%s", buf_z(&to));
	if (move_fetch_open(f, &move_fetch_pop3, &options, kept, NULL, &nobody, &fault) < 0)
		fail_msg("%s", fault.text);
}

static int put(struct move_fetch *f, const char *name_z, struct str bytes, unsigned flags)
{
	AUTO(buf_fini) struct buf key = BUF_INIT(100);
	struct move_fetched m = { .box = S("INBOX"), .bytes = bytes, .name = str_z(name_z), .flags = flags, .value = S("v"), .date_s = 1795464480 };
	struct fault fault = { "" };
	int r;

	buf_printf(&key, "u%s", name_z);
	m.key = buf_str(&key);
	if (move_state_get(f->state, m.key).p != NULL)
		return 2;
	r = move_fetch_put(f, &m, &fault);
	if (r < 0)
		fail_msg("%s", fault.text);
	return r;
}

#define MESSAGE S("Subject: x\r\n\r\nFrom me\r\n.\r\n")
#define OTHER S("Subject: y\r\n\r\nbare\nline\r\n")

TEST(fetch_to_maildir)
{
	AUTO(mem_auto_free) char *path_z = in_dir("mail"), *new_z = in_dir("mail/new"), *cur_z = in_dir("mail/cur"), *tmp_z = in_dir("mail/tmp");
	struct move_fetch f;
	struct fault fault;

	open_fetch(&f, "maildir", path_z);
	assert_int_equal(put(&f, "a", MESSAGE, 0), 0);
	assert_int_equal(count_files(new_z), 0); /* before the commit there is nothing */
	move_fetch_close(&f);
	assert_int_equal(count_files(new_z) + count_files(cur_z) + count_files(tmp_z), 0);

	open_fetch(&f, "maildir", path_z);
	assert_int_equal(put(&f, "a", MESSAGE, 0), 0);
	assert_int_equal(put(&f, "b", MESSAGE, STORE_SEEN | STORE_FLAGGED), 0);
	assert_int_equal(put(&f, "c", OTHER, 0), 0);
	assert_int_equal(move_fetch_commit(&f, &fault), 0);
	assert_int_equal(put(&f, "a", MESSAGE, 0), 2);
	move_fetch_close(&f);
	assert_int_equal(count_files(new_z), 2);
	assert_int_equal(count_files(cur_z), 1);
	assert_int_equal(count_files(tmp_z), 0);
}

/* A file system in user space hears of no syncfs: each file is synced, the closed ones too. */
TEST(fetch_to_maildir_in_user_space)
{
	AUTO(mem_auto_free) char *path_z = in_dir("mail3"), *new_z = in_dir("mail3/new");
	struct move_fetch f;
	struct fault fault;

	for (int turn = 0; turn < 2; turn++) {
		is_fuse = turn == 1;
		open_fetch(&f, "maildir", path_z);
		for (int i = 0; i < 20; i++) {
			char name_z[8];

			snprintf(name_z, sizeof(name_z), "%d", 20 * turn + i);
			assert_int_equal(put(&f, name_z, MESSAGE, 0), 0);
		}
		n_files_synced = 0;
		assert_int_equal(move_fetch_commit(&f, &fault), 0);
		assert_int_equal(n_files_synced, 20 * turn);
		move_fetch_close(&f);
	}
	is_fuse = false;
	assert_int_equal(count_files(new_z), 40);
}

/* The state is lost: the same messages are known by their names; other bytes under an old name are new. */
TEST(fetch_to_maildir_again)
{
	AUTO(mem_auto_free) char *path_z = in_dir("mail2"), *new_z = in_dir("mail2/new"), *cur_z = in_dir("mail2/cur");
	AUTO(buf_fini) struct buf command = BUF_INIT(4096);
	struct move_fetch f;
	struct fault fault;

	open_fetch(&f, "maildir", path_z);
	assert_int_equal(put(&f, "a", MESSAGE, 0), 0);
	assert_int_equal(put(&f, "b", MESSAGE, STORE_SEEN), 0);
	assert_int_equal(move_fetch_commit(&f, &fault), 0);
	move_fetch_close(&f);
	buf_printf(&command, "rm %s/martlet-fetch-*", path_z);
	assert_int_equal(system(buf_z(&command)), 0);
	open_fetch(&f, "maildir", path_z);
	assert_int_equal(put(&f, "a", MESSAGE, 0), 0);
	assert_int_equal(put(&f, "b", MESSAGE, 0), 0);
	assert_int_equal(put(&f, "b", OTHER, 0), 0);
	assert_int_equal(move_fetch_commit(&f, &fault), 0);
	assert_int_equal(f.n_there, 2);
	assert_int_equal(f.n_fetched, 1);
	move_fetch_close(&f);
	assert_int_equal(count_files(new_z), 2);
	assert_int_equal(count_files(cur_z), 1);
}

/* ---- an mbox and a crash ---- */

static void put_three(struct move_fetch *f)
{
	struct fault fault;

	(void)put(f, "a", MESSAGE, 0);
	(void)put(f, "b", OTHER, 0);
	(void)put(f, "c", MESSAGE, 0);
	assert_int_equal(move_fetch_commit(f, &fault), 0);
}

/* What the process leaves that dies right after the commit. */
static void die_after_commit(const char *path_z)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct move_fetch f;

		open_fetch(&f, "mbox", path_z);
		put_three(&f);
		_exit(0);
	}
	assert_true(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
}

/* The state before the messages were told of: up to the end of the last note. */
static struct str before_told(struct str state)
{
	ptrdiff_t at = str_find(state, S(" +ua\t"));

	assert_true(at > 0);
	return str_head(state, (size_t)str_rchr(str_head(state, (size_t)at), '\n') + 1);
}

static char *state_of(const char *path_z)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(4096), command = BUF_INIT(4096);
	FILE *p;
	char line[4096] = "";

	buf_printf(&command, "ls %s.martlet-fetch-*", path_z);
	p = popen(buf_z(&command), "r");
	assert_true(p != NULL && fgets(line, sizeof(line), p) != NULL);
	pclose(p);
	return mem_dup_z(str_trim(str_z(line)));
}

/* A crash at each byte of the batch: it is whole when the next run is over, each message once; what was there before stays. */
TEST(fetch_to_mbox_crash)
{
	AUTO(mem_auto_free) char *path_z = in_dir("box"), *state_z = NULL;
	AUTO(buf_fini) struct buf whole = BUF_INIT(10000), log = BUF_INIT(10000), now = BUF_INIT(10000);
	const struct str before = S("From somebody Thu Nov 26 10:00:00 2026\nSubject: old\n\nold\n");
	struct move_fetch f;
	size_t second;

	write_file(path_z, before);
	die_after_commit(path_z);
	state_z = state_of(path_z);
	read_file(path_z, &whole);
	read_file(state_z, &log);
	assert_true(str_starts(buf_str(&whole), before));
	assert_true(str_find(buf_str(&whole), S("\n>From me\n")) > 0);
	second = before.n + 2 + (size_t)str_find(str_skip(buf_str(&whole), before.n + 2), S("From MAILER"));
	for (size_t cut = before.n; cut <= whole.n; cut++) {
		write_file(path_z, str_head(buf_str(&whole), cut));
		write_file(state_z, before_told(buf_str(&log)));
		open_fetch(&f, "mbox", path_z);
		put_three(&f);
		assert_int_equal(f.n_fetched < 3, cut >= second);
		move_fetch_close(&f);
		read_file(path_z, &now);
		assert_str_eq(buf_str(&now), buf_str(&whole));
	}
}

/* Somebody else may give the name to another file between two batches: the directory is synced with each. */
TEST(fetch_to_mbox_syncs_its_directory)
{
	AUTO(mem_auto_free) char *path_z = in_dir("box2");
	struct move_fetch f;
	struct fault fault;

	open_fetch(&f, "mbox", path_z);
	assert_int_equal(put(&f, "a", MESSAGE, 0), 0);
	assert_int_equal(move_fetch_commit(&f, &fault), 0);
	assert_int_equal(unlink(path_z), 0);
	assert_int_equal(put(&f, "b", MESSAGE, 0), 0);
	n_dirs_synced = 0;
	assert_int_equal(move_fetch_commit(&f, &fault), 0);
	assert_int_equal(n_dirs_synced, 1);
	move_fetch_close(&f);
}

/* Somebody else has written behind what was torn, or has put another file there: nothing of theirs is cut. */
TEST(fetch_to_mbox_of_others)
{
	AUTO(mem_auto_free) char *path_z = in_dir("box2"), *state_z = NULL;
	AUTO(buf_fini) struct buf whole = BUF_INIT(10000), log = BUF_INIT(10000), now = BUF_INIT(10000), with = BUF_INIT(10000);
	const struct str theirs = S("\nFrom x\n\ny\n\n");
	struct move_fetch f;

	die_after_commit(path_z);
	state_z = state_of(path_z);
	read_file(path_z, &whole);
	read_file(state_z, &log);
	buf_add(&with, str_head(buf_str(&whole), whole.n - 16));
	buf_add(&with, theirs);
	write_file(path_z, buf_str(&with));
	write_file(state_z, before_told(buf_str(&log)));
	open_fetch(&f, "mbox", path_z);
	put_three(&f);
	move_fetch_close(&f);
	read_file(path_z, &now);
	assert_true(str_starts(buf_str(&now), buf_str(&with)));
	/* Another file, as long as a torn one. */
	buf_reset(&with);
	buf_add(&with, S("From them Thu Nov 26 10:00:00 2026\n\n"));
	while (with.n < whole.n - 20)
		buf_add(&with, S("their text\n"));
	write_file(path_z, buf_str(&with));
	write_file(state_z, before_told(buf_str(&log)));
	open_fetch(&f, "mbox", path_z);
	move_fetch_close(&f);
	read_file(path_z, &now);
	assert_str_eq(buf_str(&now), buf_str(&with));
}

TEST(fetch_targets_are_named)
{
	static const struct {
		const char *text_z;
		const struct move_target_kind *kind;
		const char *path_z;
	} rows[] = {
		{ "maildir:/x", &move_to_maildir, "/x" }, { "mbox:x:y", &move_to_mbox, "x:y" }, { "stdout", &move_to_stdout, "" },
		{ "command:cat >x", &move_to_command, "cat >x" }, { "maildir:", NULL, "" }, { "maildir", NULL, "" }, { "stdout:", NULL, "" },
		{ "/x", NULL, "" }, { "", NULL, "" }, { "mboxx", NULL, "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct move_target_kind *kind = NULL;
		const char *at_z = "";

		test_row(rows[i].text_z);
		assert_int_equal(move_target_parse(rows[i].text_z, &kind, &at_z, NULL), rows[i].kind != NULL ? 0 : -E_USAGE);
		assert_ptr_equal(kind, rows[i].kind);
		assert_string_equal(at_z, rows[i].path_z);
	}
}
