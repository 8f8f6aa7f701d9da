/* SPDX-License-Identifier: MIT */
/*
 * A hostile compressed stream: the first byte chooses the size of the pieces and whether the
 * connection is parked between lines, the second after how many lines the compression ends. Lines
 * keep to their maximum, and it comes to an end.
 */
#include "net/net_int.h"

#include "base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conn_line line;
	struct conn *c;
	int rc, n = 0;

	if (size < 2)
		return 0;
	c = conn_new_scripted(str_of(data + 2, size - 2), data[0] & 0x7f, false, "192.0.2.7");
	conn_write(c, S("OK\r\n"));
	must(conn_compress_start(c) == 0);
	while ((rc = conn_line(c, 500, &line)) >= 0 || rc == -E_LIMIT) {
		must(rc != 1 || (line.text.n <= 500 && str_chr(line.text, '\n') < 0));
		conn_write(c, line.text.n > 0 && rc == 1 ? line.text : S("?"));
		if (data[0] & 0x80)
			net_conn_release(c);
		if (rc == 1 && ++n == data[1])
			conn_compress_stop(c);
	}
	must(rc == -E_CLOSED || rc == -E_IO);
	conn_free_scripted(c);
	return 0;
}
