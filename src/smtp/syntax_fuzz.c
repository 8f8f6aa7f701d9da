/* SPDX-License-Identifier: MIT */
/*
 * Arguments of commands out of hostile bytes. A path that was read is canonical: printed and
 * read again it is the same.
 */
#include "smtp/syntax.h"

#include "base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void path_again(struct arena *a, struct str address, unsigned flags)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(4096);
	struct str in, again;

	buf_printf(&text, "<%" STR_FMT ">", STR_ARG(address));
	in = buf_str(&text);
	must(smtp_path_parse(&in, flags, a, &again) == 1 || text.n > 1024);
	must(in.n > 0 || str_eq(address, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(buf_fini) struct buf ignored = BUF_INIT(1 << 16);
	struct str in = str_of(data + (size > 0), size - (size > 0)), address;
	unsigned flags = size > 0 ? data[0] & 7 : 0;
	struct smtp_param param;
	struct arena a;

	arena_init(&a, 1 << 16);
	must(!smtp_helo_is_valid(in) || str_is_ascii(in));
	must(!smtp_orcpt_is_valid(in, flags & SMTP_PATH_UTF8) || str_chr(in, ';') > 0);
	must(!smtp_xtext_decode(in, &ignored) || ignored.n <= in.n);
	if (smtp_path_parse(&in, flags, &a, &address) == 1)
		path_again(&a, address, flags);
	while (smtp_param_next(&in, &param) == 1)
		must(param.keyword.n > 0);
	arena_fini(&a);
	return 0;
}
