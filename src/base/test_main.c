/* SPDX-License-Identifier: MIT */
/*
 * main() of every room's test binary: collects what TEST() registered, lets cmocka run it, and ends
 * with one line `N passed, N failed, N skipped` that tools/run-tests adds up.
 *
 * A test that hangs is ended after TEST_SECONDS, and the binary with it. One that fails leaves its threads behind,
 * in a stack frame that is gone: the tests after it are left out then, as nothing that they say could be trusted.
 */
#include "base/test.h"

#include "base/must.h"

#include <dirent.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define TEST_SECONDS 600 /* for one test, instrumented, on a busy machine */

static struct test_entry *entries;
static size_t n_started, n_finished;
static unsigned n_threads_before;
static const struct test_entry *running; /* NULL: none, or it has come to its end */
static bool is_skipped;
static bool is_spoiled;                  /* threads of a test that failed go on */
static char row[101];
static char dirs[1000][256];
static size_t n_dirs;

void test_register(struct test_entry *e)
{
	e->next = entries;
	entries = e;
}

void test_row(const char *name_z)
{
	snprintf(row, sizeof(row), "%s", name_z != NULL ? name_z : "");
}

void test_skips(void)
{
	is_skipped = true;
}

int64_t test_cpu_ms(void)
{
	struct timespec t;

	must(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) == 0);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static unsigned n_threads(void)
{
	DIR *d = opendir("/proc/self/task");
	unsigned n = 0;

	while (d != NULL && readdir(d) != NULL)
		n++;
	if (d != NULL)
		closedir(d);
	return n;
}

/* In the middle of anything, so without stdio. */
static void hangs(int sig)
{
	const struct test_entry *e = running;

	(void)sig;
	if (e != NULL)
		(void)!write(STDERR_FILENO, e->name, strlen(e->name));
	(void)!write(STDERR_FILENO, ": no end\n", 9);
	signal(SIGALRM, SIG_DFL);
	raise(SIGALRM);
}

/* cmocka leaves a failing or skipped test by longjmp, so only a passing one reaches the end. */
static void run_entry(void **state)
{
	const struct test_entry *e = *state;

	n_started++;
	row[0] = '\0';
	is_skipped = false;
	if (is_spoiled)
		skip();
	n_threads_before = n_threads();
	running = e;
	alarm(TEST_SECONDS);
	e->fn(state);
	row[0] = '\0';
	n_finished++;
	running = NULL;
}

static int end_entry(void **state)
{
	const struct test_entry *e = *state;

	alarm(0);
	if (row[0] != '\0')
		print_error("%s: last row: %s\n", e->name, row);
	row[0] = '\0';
	if (running != NULL && !is_skipped && n_threads() > n_threads_before) {
		print_error("%s: its threads go on; the tests behind it are left out\n", e->name);
		is_spoiled = true;
	}
	running = NULL;
	return 0;
}

char *test_copy(struct str s)
{
	char *p = mem_alloc(s.n, 1);

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return p;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static void remove_dirs(void)
{
	for (size_t i = 0; i < n_dirs; i++)
		nftw(dirs[i], remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *test_dir(void)
{
	const char *tmp = getenv("TMPDIR");

	must(n_dirs < ARRAY_LEN(dirs));
	snprintf(dirs[n_dirs], sizeof(dirs[0]), "%s/martlet-test-XXXXXX", tmp ? tmp : "/tmp");
	must(mkdtemp(dirs[n_dirs]) != NULL);
	return dirs[n_dirs++];
}

static void print_str(const char *label, struct str s)
{
	print_error("  %s (%zu bytes): \"", label, s.n);
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c >= 0x20 && c < 0x7F && c != '\\')
			print_error("%c", c);
		else
			print_error("\\x%02x", c);
	}
	print_error("\"\n");
}

void test_str_eq(struct str got, struct str want, const char *file, int line)
{
	if (str_eq(got, want))
		return;
	print_str("want", want);
	print_str("got ", got);
	_fail(file, line);
}

int main(int argc, char **argv)
{
	struct CMUnitTest *tests;
	size_t n = 0;
	int n_failed;

	for (struct test_entry *e = entries; e != NULL; e = e->next)
		n++;
	tests = mem_alloc(n, sizeof(*tests));
	/* Registered newest first; run in the order of the file. */
	n_failed = (int)n;
	for (struct test_entry *e = entries; e != NULL; e = e->next)
		tests[--n_failed] = (struct CMUnitTest){ .name = e->name,
							 .test_func = run_entry,
							 .teardown_func = end_entry,
							 .initial_state = e };
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	atexit(remove_dirs);
	signal(SIGALRM, hangs);
	setvbuf(stdout, NULL, _IOLBF, BUFSIZ); /* what has been said is read when it is killed, too */
	n_failed = _cmocka_run_group_tests("tests", tests, n, NULL, NULL);
	mem_free(tests);
	fflush(stderr);
	printf("%zu passed, %d failed, %zu skipped\n", n_finished, n_failed,
	       n_started - n_finished - (size_t)n_failed);
	if (is_spoiled) { /* exit() would wait for the FILEs that they read */
		fflush(stdout);
		remove_dirs();
		_exit(1);
	}
	return n_failed > 0;
}
