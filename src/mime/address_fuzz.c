/* SPDX-License-Identifier: MIT */
/* Address lists: bounded, and groups come in pairs. */
#include "base/must.h"
#include "mime/mime_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena_fini) struct arena a = { .cap = 64u << 20 };
	struct mime_addresses list;
	bool is_in_group = false;
	size_t bytes = 0;

	must(mime_addresses_parse(&a, str_of(data, size), &list) == 0);
	must(list.n <= LIMIT_MIME_ADDRESSES + 1);
	for (size_t i = 0; i < list.n; i++) {
		const struct mime_address *v = &list.v[i];

		must((v->kind == MIME_ADDR_GROUP_START) <= !is_in_group);
		must((v->kind == MIME_ADDR_GROUP_END) <= is_in_group);
		is_in_group = v->kind == MIME_ADDR_GROUP_START ||
			      (is_in_group && v->kind != MIME_ADDR_GROUP_END);
		bytes += v->mailbox.n + v->domain.n + v->route.n;
	}
	must(!is_in_group && bytes <= 2 * size);
	return 0;
}
