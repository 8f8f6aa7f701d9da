/* SPDX-License-Identifier: MIT */
/*
 * Lines and bodies out of hostile bytes: the first two bytes choose chunk size and maximum; a line
 * that begins with a digit is followed by a body of so many bytes. Whatever comes, lines hold no
 * LF, keep to the maximum, and together with their ends and the bodies account for every byte that
 * was not skipped.
 */
#include "net/conn.h"

#include "base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* How many bytes of the body came; less than n: then the input is over. */
static size_t body(struct conn *c, size_t n)
{
	static const struct conn_body_limit limit = { .total_ms = 1000, .min_rate = 1 };
	size_t got = 0;
	struct str s;
	int rc = 0;

	must(conn_body_begin(c, &limit) == 0);
	while (got < n && rc >= 0) {
		rc = conn_body_peek(c, &s);
		must(rc == 0 || rc == 1 || rc == -E_CLOSED);
		if (rc != 1)
			continue;
		must(s.n > 0);
		s = str_head(s, n - got);
		conn_take(c, s.n);
		got += s.n;
	}
	conn_body_end(c);
	return got;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conn_line line;
	struct conn *c;
	size_t max, bytes = 0;
	bool is_skipped = false;
	int rc;

	if (size < 2)
		return 0;
	max = data[1];
	c = conn_new_scripted(str_of(data + 2, size - 2), data[0], false, "192.0.2.7");
	while ((rc = conn_line(c, max, &line)) != -E_CLOSED) {
		must(rc == 0 || rc == 1 || rc == -E_LIMIT);
		is_skipped |= rc == -E_LIMIT;
		if (rc != 1)
			continue;
		must(line.text.n <= max && str_chr(line.text, '\n') < 0);
		must(((line.flags & CONN_LINE_BARE_CR) != 0) == (str_chr(line.text, '\r') >= 0));
		bytes += line.text.n + (line.flags & CONN_LINE_BARE_LF ? 1 : 2);
		if (line.text.n > 0 && line.text.p[0] >= '1' && line.text.p[0] <= '9')
			bytes += body(c, (size_t)(line.text.p[0] - '0') * 7);
	}
	must(is_skipped || bytes + conn_buffered(c).n == size - 2);
	conn_free_scripted(c);
	return 0;
}
