/* SPDX-License-Identifier: MIT */
/*
 * Fetch over IMAP, and sync, against whatever a server may say: the first byte chooses what is wanted of it, the rest is its script (net_stream_scripted). Whatever comes, it ends; a
 * fetch that is not to delete changes nothing there; a second run goes over what the first has left of the state and the Maildir.
 */
#include "move/fetch.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DELETES = 1, SYNCS = 2, IDLES = 4, KEEPS = 8, ALL_BOXES = 16, MAY_EMPTY = 32 };

static int remove_one(const char *path_z, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path_z);
}

static unsigned flags;

static void trace(void *ctx, bool is_ours, struct str line)
{
	(void)ctx;
	if (is_ours && !(flags & (DELETES | SYNCS)))
		must(str_find(line, S(" STORE ")) < 0 && str_find(line, S("EXPUNGE")) < 0 && str_find(line, S(" SELECT ")) < 0 && str_find(line, S(" APPEND ")) < 0);
}

static void run(const char *to_z, struct str script)
{
	static const struct str boxes[] = { STR_INIT("*") };
	static const struct move_fetch_watch watch = { 0 };
	const struct move_fetch_options o = {
		.host_z = "h",
		.is_insecure = true,
		.user = S("ann"),
		.password = S("secret"),
		.trace = trace,
		.is_delete = (flags & DELETES) && !(flags & SYNCS),
		.is_sync = (flags & SYNCS) != 0,
		.is_idle = (flags & IDLES) && !(flags & SYNCS),
		.keep_s = flags & KEEPS ? 100 : 0,
		.boxes = boxes,
		.n_boxes = flags & ALL_BOXES ? 1 : 0,
		.may_empty = (flags & MAY_EMPTY) != 0,
		.max_message = 1u << 20,
	};
	struct fault fault = { "" };
	struct move_fetch f;
	int r = move_fetch_open(&f, &move_fetch_imap, &o, to_z, NULL, &watch, &fault);

	must(r == 0);
	r = move_fetch_imap.run(&f, net_stream_scripted(script), &fault);
	must(r == 0 || fault.text[0] != '\0');
	must(f.broken == 0 || r < 0);
	if (f.broken == 0)
		must(move_fetch_commit(&f, &fault) == 0);
	move_fetch_close(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str script = str_of(data + (size > 0), size - (size > 0));
	char dir[] = "/tmp/martlet-fuzz-fetch-XXXXXX", to_z[80];

	flags = size > 0 ? data[0] : 0;
	must(mkdtemp(dir) != NULL);
	snprintf(to_z, sizeof(to_z), "maildir:%s", dir);
	run(to_z, script);
	run(to_z, script);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return 0;
}
