/* SPDX-License-Identifier: MIT */
/* Log lines: their form, escapes, cuts; clock, ids, locks beside them. */
#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/rnd.h"

#include "base/test.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Logs one event with the fields and gives the line without its time; in a static buffer. */
static struct str logged(enum log_format format, const struct log_field *fields, size_t n)
{
	static char line[10000];
	ssize_t got;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	log_setup(fds[1], LOG_LVL_INFO, format);
	log_write(LOG_LVL_INFO, "test.event", fields, n);
	log_setup(STDERR_FILENO, LOG_LVL_INFO, LOG_FMT_TEXT);
	got = read(fds[0], line, sizeof(line));
	close(fds[0]);
	close(fds[1]);
	assert_true(got > 0);
	return str_of(line, (size_t)got);
}

TEST(log_text_values)
{
	static const struct {
		struct str value;
		const char *want;
	} rows[] = {
		{ STR_INIT("plain@x.test"), "k=plain@x.test" },
		{ STR_INIT(""), "k=\"\"" },
		{ STR_INIT("two words"), "k=\"two words\"" },
		{ STR_INIT("a=b"), "k=\"a=b\"" },
		{ STR_INIT("say \"x\"\\"), "k=\"say \\\"x\\\"\\\\\"" },
		{ STR_INIT("x\r\n2026 fake line"), "k=\"x\\r\\n2026 fake line\"" },
		{ STR_INIT("\0\x1b[31m\x7f"), "k=\"\\u0000\\u001b[31m\\u007f\"" },
		{ STR_INIT("gr\xc3\xbc\xc3\x9f"), "k=\"gr\xc3\xbc\xc3\x9f\"" },
		{ STR_INIT("bad \xff"), "k=\"bad \\u00ff\"" },
		{ STR_INIT("c1 \xc2\x9b"), "k=\"c1 \\u009b\"" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str line = logged(LOG_FMT_TEXT, &F_STR("k", rows[i].value), 1);

		test_row(rows[i].want);
		assert_int_equal(line.p[10], 'T');
		assert_int_equal(line.p[23], 'Z');
		line = str_skip(line, 24);
		assert_true(str_starts(line, S(" info test.event ")));
		assert_str_eq(str_trim(str_skip(line, 17)), str_z(rows[i].want));
		assert_int_equal(line.p[line.n - 1], '\n');
	}
}

/* sd-daemon(3): the journal takes the level from the beginning of the line; anything else would show it. */
TEST(log_levels_for_the_journal)
{
	static const enum log_level levels[] = { LOG_LVL_ERROR, LOG_LVL_WARN, LOG_LVL_INFO };
	char name[64], text[300];
	struct stat st;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(fstat(fds[1], &st), 0);
	for (int is_other = 0; is_other < 2; is_other++) {
		snprintf(name, sizeof(name), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino + (uintmax_t)is_other);
		assert_int_equal(setenv("JOURNAL_STREAM", name, 1), 0);
		log_setup(fds[1], LOG_LVL_INFO, LOG_FMT_TEXT);
		for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
			ssize_t n;

			log_write(levels[i], "test.event", NULL, 0);
			n = read(fds[0], text, sizeof(text) - 1);
			assert_true(n > 10);
			text[n] = '\0';
			assert_int_equal(text[0] == '<', is_other == 0);
			if (is_other == 0)
				assert_true(text[1] == "346"[i] && text[2] == '>' && text[7] == '-');
		}
	}
	unsetenv("JOURNAL_STREAM");
	log_setup(STDERR_FILENO, LOG_LVL_INFO, LOG_FMT_TEXT);
	close(fds[0]);
	close(fds[1]);
}

TEST(log_fields)
{
	struct log_field fields[] = { F_INT("n", -5), F_SECRET("password"), F_Z("z", NULL), { .key = "no", .type = LOG_F_NONE } };
	struct str line;

	log_set_sid("k3x");
	line = logged(LOG_FMT_TEXT, fields, 4);
	assert_str_eq(str_skip(line, 24), S(" info test.event sid=k3x n=-5 password=<secret> z=\"\"\n"));
	line = logged(LOG_FMT_JSON, fields, 3);
	assert_true(str_starts(line, S("{\"time\":\"20")));
	assert_true(str_ends(line, S("Z\",\"level\":\"info\",\"event\":\"test.event\",\"sid\":\"k3x\",\"n\":-5,"
				     "\"password\":\"<secret>\",\"z\":\"\"}\n")));
	log_set_sid("");
}

TEST(log_cuts)
{
	struct log_field fields[100];
	char big[1000];
	struct str line;

	memset(big, 'x', sizeof(big));
	line = logged(LOG_FMT_TEXT, &F_STR("k", str_of(big, sizeof(big))), 1);
	assert_true(str_ends(line, S("xxx...\"\n")) && line.n < 500);
	/* A character of two bytes stands across the cut. */
	memcpy(big + 399, "\xc3\xbc", 2);
	line = logged(LOG_FMT_TEXT, &F_STR("k", str_of(big, sizeof(big))), 1);
	assert_true(str_ends(line, S("xxx...\"\n")));
	memset(big, 1, sizeof(big));
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		fields[i] = F_STR("k", str_of(big, sizeof(big)));
	line = logged(LOG_FMT_JSON, fields, ARRAY_LEN(fields));
	assert_true(str_ends(line, S("...\",\"cut\":1}\n")) && line.n <= 8192);
}

/* Nothing of a line depends on how long it is. */
TEST(log_lines_of_every_length_are_whole)
{
	char value[400];

	memset(value, 'x', sizeof(value));
	for (size_t n = 1; n <= sizeof(value); n++) {
		struct log_field fields[4];
		struct str line;

		for (size_t i = 0; i < ARRAY_LEN(fields); i++)
			fields[i] = F_STR("k", str_of(value, n));
		line = logged(n % 2 ? LOG_FMT_TEXT : LOG_FMT_JSON, fields, ARRAY_LEN(fields));
		assert_true(str_ends(line, n % 2 ? S("x\n") : S("x\"}\n")));
		assert_int_equal(line.n, (n % 2 ? S("2026-11-23T20:08:00.123Z info test.event k= k= k= k=\n") :
					  S("{\"time\":\"2026-11-23T20:08:00.123Z\",\"level\":\"info\",\"event\":\"test.event\",\"k\":\"\","
					    "\"k\":\"\",\"k\":\"\",\"k\":\"\"}\n")).n + 4 * n);
	}
}

TEST(log_levels)
{
	log_setup(STDERR_FILENO, LOG_LVL_WARN, LOG_FMT_TEXT);
	assert_true(log_on(LOG_LVL_ERROR) && log_on(LOG_LVL_WARN) && !log_on(LOG_LVL_INFO));
	LOG(DEBUG, "never.seen");
	log_setup(STDERR_FILENO, LOG_LVL_INFO, LOG_FMT_TEXT);
}

TEST(rnd_ids_differ)
{
	char a[17], b[17];

	rnd_id_z(a, 16);
	rnd_id_z(b, 16);
	assert_int_equal(strlen(a), 16);
	assert_string_not_equal(a, b);
	assert_int_equal(strspn(a, "0123456789bcdfghjklmnpqrstvwxz"), 16);
	assert_true(memcmp(a, b, 6) <= 0);
}

TEST(clock_shifts_wall_time_only)
{
	int64_t wall = clock_wall_ms(), mono = clock_mono_ms();

	clock_shift_ms(1000000);
	assert_true(clock_wall_ms() - wall >= 1000000);
	assert_true(clock_mono_ms() - mono < 500000);
	clock_shift_ms(-1000000);
}

struct shared {
	struct lock lock;
	struct lock_cond cond;
	int value;
};

static void *set_value(void *arg)
{
	struct shared *s = arg;

	lock_get(&s->lock);
	s->value = 1;
	lock_broadcast(&s->cond);
	lock_put(&s->lock);
	return NULL;
}

TEST(lock_waits_and_times_out)
{
	struct shared s = { .lock = LOCK_INIT };
	pthread_t thread;
	int64_t start = clock_mono_ms();

	lock_cond_init(&s.cond);
	lock_get(&s.lock);
	assert_true(lock_held(&s.lock));
	while (lock_wait(&s.lock, &s.cond, start + 20))
		continue;
	assert_true(clock_mono_ms() - start >= 20 && lock_held(&s.lock));
	assert_int_equal(pthread_create(&thread, NULL, set_value, &s), 0);
	while (s.value == 0)
		lock_wait(&s.lock, &s.cond, 0);
	lock_put(&s.lock);
	assert_false(lock_held(&s.lock));
	pthread_join(thread, NULL);
	lock_cond_fini(&s.cond);
	lock_fini(&s.lock);
}
