/* SPDX-License-Identifier: MIT */
/* Parameters: RFC 2045 5.1, the examples of RFC 2231 3 and 4, and what senders get wrong. */
#include "mime/mime_int.h"

#include <time.h>

#include "base/test.h"

TEST(param_lists)
{
	static const struct {
		const char *in, *want; /* name=value, one per line */
	} rows[] = {
		{ "", "" },
		{ "; charset=us-ascii (Plain text)", "charset=us-ascii" },
		{ "; charset=\"us-ascii\"", "charset=us-ascii" },
		{ ";a = b ; c\r\n = \"d e\"", "a=b\nc=d e" },
		{ "; a=\"x\\\"y\\\\z\r\n w\"", "a=x\"y\\z w" },
		{ " a=b;;c=d;", "a=b\nc=d" },
		{ "; name=foo bar.txt; x=y", "name=foo bar.txt\nx=y" },
		{ "; filename=Invoice (1).pdf; size=3", "filename=Invoice (1).pdf\nsize=3" },
		{ "; filename=Invoice (1) (final).pdf (c)", "filename=Invoice (1) (final).pdf" },
		{ "; filename=a (b) ; x=y", "filename=a\nx=y" },
		{ "; charset=us-ascii (a (really) plain text)", "charset=us-ascii" },
		{ "; charset=us-ascii (a) (b) ", "charset=us-ascii" },
		{ "; charset=us-ascii (a\\) b); x=y", "charset=us-ascii\nx=y" },
		{ "; filename=a (b (c)) d (e", "filename=a (b (c)) d" },
		{ "; a=b (c (d)) e=f", "a=b\ne=f" },
		{ "; filename=a(b\r\n c); x=y", "filename=a\nx=y" },
		{ "; filename=a (1)\r\n b; x=y", "filename=a\nx=y" },
		{ "; filename=a (b; c=d) ; x=y", "filename=a\nx=y" },
		{ "; filename=a (1) b (c; d) e=f", "filename=a (1) b\ne=f" },
		{ "; filename=a (1) b (2) c; x=y", "filename=a (1) b (2) c\nx=y" },
		{ "; a=b (no semicolon) c=d", "a=b\nc=d" },
		{ "; novalue; =x; a=b", "a=b" },
		{ "; a=\"open; b=c", "a=open; b=c" },
		{ "; a=", "a=" },
		/* RFC 2231 3 */
		{ "; access-type=URL;\r\n URL*0=\"ftp://\";\r\n URL*1=\"cs.utk.edu/pub/x.tar\"",
		  "access-type=URL\nURL=ftp://cs.utk.edu/pub/x.tar" },
		/* RFC 2231 4 */
		{ "; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A", "title*=This is ***fun***" },
		/* RFC 2231 4.1 */
		{ ";\r\n title*0*=us-ascii'en'This%20is%20even%20more%20;\r\n"
		  " title*1*=%2A%2A%2Afun%2A%2A%2A%20;\r\n title*2=\"isn't it!\"",
		  "title*=This is even more ***fun*** isn't it!" },
		{ "; f*1=b; f*0=a; f*3=d", "f=ab" },
		{ "; f*=iso-8859-1''%FC", "f*=\xC3\xBC" },
		{ "; f*=nosuch''%FC", "f*=\xEF\xBF\xBD" },
		{ "; f=old; f*=utf-8''new", "f*=new" },
		{ "; f*=plain; g*x=1; h*=a'b", "f*=plain\ng*x=1\nh*=a'b" },
		{ "; f*=utf-8''a%zz%4", "f*=a%zz%4" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(arena_fini) struct arena a = { .cap = 100000 };
		AUTO(buf_fini) struct buf got = BUF_INIT(10000);
		AUTO(mem_auto_free) char *copy = test_copy(str_z(rows[i].in));
		struct mime_param *params;
		size_t n;

		test_row(rows[i].in);
		assert_int_equal(mime_params_parse(&a, str_of(copy, strlen(rows[i].in)), &params, &n), 0);
		for (size_t k = 0; k < n; k++)
			buf_printf(&got, "%s%" STR_FMT "%s=%" STR_FMT, k > 0 ? "\n" : "",
				   STR_ARG(params[k].name), params[k].is_extended ? "*" : "",
				   STR_ARG(params[k].value));
		assert_str_eq(buf_str(&got), str_z(rows[i].want));
	}
}

TEST(param_count_is_capped)
{
	AUTO(arena_fini) struct arena a = { .cap = 1u << 20 };
	AUTO(buf_fini) struct buf in = BUF_INIT(1u << 20);
	struct mime_param *params;
	size_t n;

	for (int i = 0; i < 10000; i++)
		buf_printf(&in, "; a%d=b", i);
	assert_int_equal(mime_params_parse(&a, buf_str(&in), &params, &n), 0);
	assert_int_equal(n, LIMIT_MIME_PARAMS);
}

/* None is lost or read twice, however many there are; the parts of one value may stand far from each other (RFC 2231 3). */
TEST(param_counts)
{
	for (int count = 0; count <= LIMIT_MIME_PARAMS; count++) {
		AUTO(arena_fini) struct arena a = { .cap = 1u << 20 };
		AUTO(buf_fini) struct buf in = BUF_INIT(1u << 20);
		struct mime_param *params;
		size_t n;

		for (int i = 0; i < count; i++)
			if (i == 0 || i == count - 1)
				buf_printf(&in, "; f*%d=\"p\\%d\"", i > 0, i);
			else
				buf_printf(&in, "; junk; a%d=\"\\%d\"", i, i);
		assert_int_equal(mime_params_parse(&a, buf_str(&in), &params, &n), 0);
		assert_int_equal(n, count < 2 ? count : count - 1);
		for (size_t i = 0; i < n; i++) {
			char name[32], value[32];

			snprintf(name, sizeof(name), i == 0 ? "f" : "a%zu", i);
			snprintf(value, sizeof(value), i > 0 ? "%zu" : count == 1 ? "p0" : "p0p%zu", i > 0 ? i : (size_t)count - 1);
			assert_str_eq(params[i].name, str_z(name));
			assert_str_eq(params[i].value, str_z(value));
		}
	}
}

/* Of the best of some parses of a field of 60,000 bytes that repeats this. */
static int64_t parse_ns(const char *begin_z, const char *unit_z)
{
	AUTO(buf_fini) struct buf field = BUF_INIT(70000);
	int64_t best_ns = INT64_MAX;

	buf_add(&field, str_z(begin_z));
	while (field.n < 60000)
		buf_add(&field, str_z(unit_z));
	for (int i = 0; i < 5; i++) {
		AUTO(arena_fini) struct arena a = { .cap = 1000000 };
		struct mime_param *params;
		struct timespec from, to;
		int64_t ns;
		size_t n;

		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
		assert_int_equal(mime_params_parse(&a, buf_str(&field), &params, &n), 0);
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
		ns = (to.tv_sec - from.tv_sec) * 1000000000 + to.tv_nsec - from.tv_nsec;
		best_ns = ns < best_ns ? ns : best_ns;
	}
	return best_ns;
}

/* The end of the line is not looked for again and again: one long comment is read once. */
TEST(param_time_is_linear)
{
	int64_t once_ns = parse_ns("; a=b (", "x");

	assert_true(parse_ns("; x=y", " a=b (c)") < 10 * once_ns);
	assert_true(parse_ns("; x=", "(a)x ") < 10 * once_ns);
	assert_true(parse_ns("; x=y", " a=b ((c) d=e") < 10 * once_ns);
	assert_true(parse_ns("; x=y", " a=b (c)\r\n (d)") < 10 * once_ns);
}
