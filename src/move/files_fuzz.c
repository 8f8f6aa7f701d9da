/* SPDX-License-Identifier: MIT */
/*
 * Files of other systems: the first byte chooses what the rest is. Cursors end, slices stay inside, names that are read can be written
 * and read again.
 */
#include "base/must.h"
#include "imap/utf7.h"
#include "move/move.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void is_inside(struct str part, struct str whole)
{
	must(part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n));
}

static void try_mbox(struct str in)
{
	struct str whole = in;
	struct move_mbox_part part;
	struct move_message m = { 0 };

	while (in.n) {
		size_t before = in.n;
		AUTO(buf_fini) struct buf b = BUF_INIT(1 << 20);

		if (move_mbox_next(&in, &part) != 1)
			break;
		must(in.n < before);
		is_inside(part.header, whole);
		is_inside(part.body, whole);
		must(move_mbox_message(&part, MOVE_MBOXRD, &b, &m) == 0);
		move_mbox_is_internal(&part);
	}
}

static void try_uidlist(struct str in)
{
	struct str whole = in;
	struct move_uidlist list;
	struct str file;
	uint32_t uid;
	int r;

	if (!move_uidlist_head(&in, &list))
		return;
	while ((r = move_uidlist_entry(&in, &list, &uid, &file)) != 0) {
		if (r != 1)
			continue;
		must(uid > 0 && file.n > 0);
		is_inside(file, whole);
	}
}

static void try_lists(struct str in)
{
	struct move_subscriptions s = { 0 };
	struct str rest = in, name;
	unsigned letter;
	int r;

	while ((r = move_keyword_entry(&rest, &letter, &name)) != 0)
		must(r < 0 || (letter < 26 && name.n > 0));
	for (r = 1; r == 1;) {
		AUTO(buf_fini) struct buf b = BUF_INIT(1 << 20);

		r = move_subscription_entry(&in, &s, &b);
	}
}

static void try_names(struct str in)
{
	AUTO(buf_fini) struct buf name = BUF_INIT(1 << 20);
	AUTO(buf_fini) struct buf disk = BUF_INIT(1 << 20);
	AUTO(buf_fini) struct buf again = BUF_INIT(1 << 20);
	struct move_file_name file = move_file_name_parse(in);

	is_inside(file.base, in);
	move_name_read(&name, in, '.');
	must(name.n > 0 && str_is_utf8(buf_str(&name)));
	move_name_write(&disk, buf_str(&name), '.');
	move_name_read(&again, buf_str(&disk), '.');
	must(str_eq(buf_str(&again), buf_str(&name)));
	buf_reset(&name);
	move_path_plain(&name, in);
	must(name.n <= in.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const tries[])(struct str) = { try_mbox, try_uidlist, try_lists, try_names };

	if (size == 0 || size > 65536)
		return 0;
	tries[data[0] % ARRAY_LEN(tries)](str_of(data + 1, size - 1));
	return 0;
}
