/* SPDX-License-Identifier: MIT */
/*
 * Lines out of hostile bytes: the first two bytes choose chunk size and maximum. Whatever comes,
 * lines hold no LF, keep to the maximum, and together with their ends account for every byte that
 * was not skipped.
 */
#include "net/conn.h"

#include "base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
	}
	must(is_skipped || bytes + conn_buffered(c).n == size - 2);
	conn_free_scripted(c);
	return 0;
}
