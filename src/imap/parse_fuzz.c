/* SPDX-License-Identifier: MIT */
/*
 * Every production on arbitrary bytes (the first one picks it, the second the spelling of
 * names): only success moves the cursor.
 */
#include "base/must.h"
#include "imap/cmd_list.h"
#include "imap/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int parse_one(struct imap_parse *p, unsigned which)
{
	struct str text;
	struct imap_seqset set;
	struct imap_flags flags = { 0 };
	struct imap_partial partial;
	bool is_binary;
	uint64_t v64;
	uint32_t v;
	int64_t t;
	unsigned items;

	switch (which % 21) {
	case 0:
		return imap_parse_tag(p, &text);
	case 1:
		return imap_parse_atom(p, &text);
	case 2:
		return imap_parse_name(p, &text);
	case 3:
		return imap_parse_number(p, &v);
	case 4:
		return imap_parse_nz_number(p, &v);
	case 5:
		return imap_parse_number64(p, &v64);
	case 6:
		return imap_parse_quoted(p, &text);
	case 7:
		return imap_parse_literal(p, &text, &is_binary);
	case 8:
		return imap_parse_literal(p, &text, NULL);
	case 9:
		return imap_parse_string(p, &text);
	case 10:
		return imap_parse_nstring(p, &text);
	case 11:
		return imap_parse_astring(p, &text);
	case 12:
		return imap_parse_list_mailbox(p, &text);
	case 13:
		return imap_parse_mailbox(p, &text);
	case 14:
		return imap_parse_seqset(p, &set);
	case 15:
		return imap_parse_flag(p, &flags);
	case 16:
		return imap_parse_flag_list(p, &flags);
	case 17:
		return imap_parse_date_time(p, &t);
	case 18:
		return imap_parse_date(p, &t);
	case 19:
		return imap_parse_partial(p, &partial);
	default:
		return imap_status_parse(p, &items);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena_fini) struct arena a = { .cap = 4u << 20 };
	struct imap_parse p;

	if (size < 2)
		return 0;
	imap_parse_init(&p, &a, str_of(data + 2, size - 2), data[1] & 1);
	for (;;) {
		const char *before = p.p;
		int r = parse_one(&p, data[0]);

		must(p.p <= p.end && (r > 0 ? p.p > before : p.p == before));
		if (r <= 0 && !imap_parse_end(&p))
			p.p++;
		if (imap_parse_end(&p))
			return 0;
	}
}
