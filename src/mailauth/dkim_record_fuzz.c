/* SPDX-License-Identifier: MIT */
/* A key record as arbitrary bytes. */
#include "mailauth/dkim_record.h"

#include "base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = str_of(data, size);
	struct dkim_record r;
	const char *what_z = NULL;
	struct arena a;
	int rc;

	arena_init(&a, 1u << 16);
	rc = dkim_record_parse(input, &a, &r, &what_z);
	if (rc == 0)
		must(r.bits >= 0 && r.is_revoked == (r.key.n == 0) &&
		     (r.kind == DKIM_KEY_OTHER || r.is_revoked || r.bits > 0));
	else
		must(what_z != NULL);
	(void)dkim_record_is(input);
	arena_fini(&a);
	return 0;
}
