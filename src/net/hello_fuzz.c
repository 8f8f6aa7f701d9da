/* SPDX-License-Identifier: MIT */
/*
 * The look at a ClientHello before it is read: it never asks for more than the largest, never for
 * what is there already, and more bytes do not turn a no into something else.
 */
#include "net/net_int.h"

#include "base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int before = 0;

	for (size_t n = 0; n <= size; n++) {
		size_t need = 0;
		int rc = net_tls_hello_check(str_of(data, n), &need);

		must(rc == 0 || rc == 1 || rc == -E_LIMIT);
		must(rc != 0 || (need > n && need <= LIMIT_TLS_HELLO + 5));
		must(before == 0 || rc == before);
		before = rc;
	}
	return 0;
}
