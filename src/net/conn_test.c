/* SPDX-License-Identifier: MIT */
/* Lines, bodies and output on the scripted connection. */
#include "net/conn.h"

#include "base/limits.h"
#include "base/test.h"

#define LINE(text, flags) \
	{ \
		STR_INIT(text), (flags) \
	}

struct want_line {
	struct str text;
	unsigned flags;
};

static const struct {
	const char *name;
	struct str input;
	size_t max;
	struct want_line want[4]; /* an empty p: end */
} line_rows[] = {
	{ "one", STR_INIT("EHLO x\r\n"), 100, { LINE("EHLO x", 0) } },
	{ "two", STR_INIT("a\r\nb\r\n"), 100, { LINE("a", 0), LINE("b", 0) } },
	{ "empty", STR_INIT("\r\n\r\n"), 100, { LINE("", 0), LINE("", 0) } },
	{ "bare LF",
	  STR_INIT("a\n\nb\r\n"),
	  100,
	  { LINE("a", CONN_LINE_BARE_LF), LINE("", CONN_LINE_BARE_LF), LINE("b", 0) } },
	{ "bare CR",
	  STR_INIT("a\rb\r\nc\r\r\n"),
	  100,
	  { LINE("a\rb", CONN_LINE_BARE_CR), LINE("c\r", CONN_LINE_BARE_CR) } },
	{ "NUL", STR_INIT("a\0b\r\n"), 100, { LINE("a\0b", CONN_LINE_NUL) } },
	{ "8bit",
	  STR_INIT("\xc3\xa4\n"),
	  100,
	  { LINE("\xc3\xa4", CONN_LINE_8BIT | CONN_LINE_BARE_LF) } },
	{ "as long as may be",
	  STR_INIT("12345\r\n12345\n"),
	  5,
	  { LINE("12345", 0), LINE("12345", CONN_LINE_BARE_LF) } },
	{ "unfinished", STR_INIT("a\r\nb"), 100, { LINE("a", 0) } },
};

/* Takes the next line as a session would: 0 means come again. */
static int next_line(struct conn *c, size_t max, struct conn_line *ret)
{
	int rc;

	do {
		rc = conn_line(c, max, ret);
	} while (rc == 0);
	return rc;
}

TEST(lines_in_all_chunk_sizes)
{
	for (size_t i = 0; i < ARRAY_LEN(line_rows); i++)
		for (size_t chunk = 0; chunk <= 4; chunk++) {
			struct conn *c =
				conn_new_scripted(line_rows[i].input, chunk, false, "192.0.2.7");
			const struct want_line *w = line_rows[i].want;
			struct conn_line got;

			test_row(line_rows[i].name);
			for (; w->text.p != NULL; w++) {
				assert_int_equal(next_line(c, line_rows[i].max, &got), 1);
				assert_str_eq(got.text, w->text);
				assert_int_equal(got.flags, w->flags);
			}
			assert_int_equal(next_line(c, line_rows[i].max, &got), -E_CLOSED);
			conn_free_scripted(c);
		}
}

TEST(line_too_long_is_told_once_and_skipped)
{
	static const struct str inputs[] = { STR_INIT("123456\r\nok\r\n"),
					     STR_INIT("123456\nok\r\n"),
					     STR_INIT("1234567890123456789\r\nok\r\n") };

	for (size_t i = 0; i < ARRAY_LEN(inputs); i++)
		for (size_t chunk = 0; chunk <= 8; chunk++) {
			struct conn *c = conn_new_scripted(inputs[i], chunk, false, "192.0.2.7");
			struct conn_line got;

			assert_int_equal(next_line(c, 5, &got), -E_LIMIT);
			assert_int_equal(next_line(c, 5, &got), 1);
			assert_str_eq(got.text, S("ok"));
			conn_free_scripted(c);
		}
}

TEST(line_of_the_largest_size)
{
	char *in = mem_alloc(LIMIT_CONN_IN + 2, 1);
	struct conn_line got;
	struct conn *c;

	memset(in, 'a', LIMIT_CONN_IN);
	in[LIMIT_CONN_IN] = '\r';
	in[LIMIT_CONN_IN + 1] = '\n';
	c = conn_new_scripted(str_of(in, LIMIT_CONN_IN + 2), 1000, false, "192.0.2.7");
	assert_int_equal(next_line(c, LIMIT_CONN_IN, &got), 1);
	assert_int_equal(got.text.n, LIMIT_CONN_IN);
	conn_free_scripted(c);
	mem_free(in);
}

TEST(line_is_not_complete_between_chunks)
{
	struct conn *c = conn_new_scripted(S("ab\r\n"), 2, false, "127.0.0.1");
	struct conn_line got;

	assert_int_equal(conn_line(c, 100, &got), 0);
	assert_int_equal(conn_line(c, 100, &got), 1);
	assert_str_eq(got.text, S("ab"));
	assert_true(conn_is_loopback(c));
	conn_free_scripted(c);
}

/* Reads n bytes of a body as a session would: 0 means come again. 0 or negative. */
static int read_body(struct conn *c, char *to, size_t n)
{
	struct str s;

	while (n > 0) {
		int rc = conn_body_peek(c, &s);

		if (rc < 0)
			return rc;
		if (rc == 0)
			continue;
		s = str_head(s, n);
		memcpy(to, s.p, s.n);
		conn_take(c, s.n);
		to += s.n;
		n -= s.n;
	}
	return 0;
}

TEST(body_reads)
{
	static const struct conn_body_limit limit = { .total_ms = 1000,
						      .idle_ms = 1000,
						      .min_rate = 1 };

	for (size_t chunk = 0; chunk <= 5; chunk++) {
		struct conn *c =
			conn_new_scripted(S("BDAT\r\n0123456789line\r\nrest"), chunk, false, "::1");
		struct conn_line line;
		char b[10];

		assert_int_equal(next_line(c, 100, &line), 1);
		assert_int_equal(conn_body_begin(c, &limit), 0);
		assert_int_equal(read_body(c, b, sizeof(b)), 0);
		assert_str_eq(str_of(b, sizeof(b)), S("0123456789"));
		assert_int_equal(next_line(c, 100, &line), 1);
		assert_str_eq(line.text, S("line"));
		assert_int_equal(read_body(c, b, 4), 0);
		assert_str_eq(str_of(b, 4), S("rest"));
		assert_int_equal(read_body(c, b, 1), -E_CLOSED);
		conn_body_end(c);
		conn_free_scripted(c);
	}
}

TEST(body_larger_than_the_buffer)
{
	static const struct conn_body_limit limit = { 0 };
	size_t n = 300000;
	char *in = mem_alloc(n, 1), *out = mem_alloc(n, 1);
	struct conn *c;

	for (size_t i = 0; i < n; i++)
		in[i] = (char)(i * 7 + i / 251);
	c = conn_new_scripted(str_of(in, n), 777, false, "192.0.2.7");
	assert_int_equal(conn_body_begin(c, &limit), 0);
	assert_int_equal(read_body(c, out, n - 1), 0);
	assert_memory_equal(in, out, n - 1);
	assert_int_equal(read_body(c, out, 1), 0);
	assert_int_equal(read_body(c, out, 1), -E_CLOSED);
	conn_body_end(c);
	conn_free_scripted(c);
	mem_free(in);
	mem_free(out);
}

TEST(output_keeps_its_order)
{
	struct conn *c = conn_new_scripted(S(""), 0, false, "192.0.2.7");
	char *big = mem_alloc(3 * LIMIT_CONN_OUT + 5, 1);

	memset(big, 'b', 3 * LIMIT_CONN_OUT + 5);
	conn_write(c, S("a"));
	conn_write(c, str_of(big, 3 * LIMIT_CONN_OUT + 5));
	conn_printf(c, "%s%0600d", "c", 7);
	assert_int_equal(conn_flush(c), 0);
	assert_false(conn_failed(c));
	assert_int_equal(conn_scripted_output(c).n, 1 + 3 * LIMIT_CONN_OUT + 5 + 1 + 600);
	assert_int_equal(conn_scripted_output(c).p[0], 'a');
	assert_int_equal(conn_scripted_output(c).p[3 * LIMIT_CONN_OUT + 6], 'c');
	conn_free_scripted(c);
	mem_free(big);
}

/* RFC 3207 4.2: a command that was injected before the handshake is not executed after it. */
TEST(starttls_drops_what_is_buffered)
{
	struct conn *c =
		conn_new_scripted(S("STARTTLS\r\nRSET\r\nAFTER\r\n"), 16, false, "192.0.2.7");
	struct conn_tls_info info;
	struct conn_line line;

	assert_false(conn_tls_info(c, &info));
	assert_int_equal(next_line(c, 100, &line), 1);
	assert_int_equal(conn_starttls(c, NULL), 0);
	assert_int_equal(conn_starttls(c, NULL), -E_BUG);
	assert_true(conn_tls_info(c, &info));
	assert_int_equal(next_line(c, 100, &line), 1);
	assert_str_eq(line.text, S("AFTER"));
	conn_free_scripted(c);
}

TEST(has_input_shows_early_talkers)
{
	struct conn *talker = conn_new_scripted(S("EHLO"), 0, false, "192.0.2.7");
	struct conn *silent = conn_new_scripted(S(""), 0, false, "192.0.2.7");

	assert_true(conn_has_input(talker));
	assert_false(conn_has_input(silent));
	conn_free_scripted(talker);
	conn_free_scripted(silent);
}
