/* SPDX-License-Identifier: MIT */
/*
 * Whole sessions: the first byte chooses the size of the pieces in which the rest
 * arrives, and whether the client is logged in already with a mailbox selected. Nothing
 * may crash, nothing may be answered without end.
 */
#include "imap/imap_test.h"

#include <ftw.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct imap_fixture fixture;
static char dir[] = "/tmp/martlet-fuzz-imap-XXXXXX";
static int runs;

static int remove_one(const char *path_z, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path_z);
}

static void fixture_leave(void)
{
	imap_fixture_close(&fixture);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A fresh store now and then, so that what earlier inputs left behind stays small. */
static void fixture_ready(void)
{
	if (runs++ % 2000 != 0)
		return;
	if (runs > 1) {
		fixture_leave();
		snprintf(dir, sizeof(dir), "/tmp/martlet-fuzz-imap-XXXXXX");
	} else {
		atexit(fixture_leave);
	}
	must(mkdtemp(dir) != NULL);
	imap_fixture_open(
		&fixture, dir,
		"[auth]\nfailure_delay = 0ms\n"
		"max_address_failures = 0\nmax_account_failures = 0\n[imap]\nmax_message_size = 64K\n");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(buf_fini) struct buf script = BUF_INIT(1 << 20);
	struct imap_peer p;
	bool is_logged_in;

	if (size < 1 || size > 16384)
		return 0;
	fixture_ready();
	is_logged_in = !(data[0] & 0x80);
	if (is_logged_in)
		buf_add(&script, S("A SELECT INBOX\r\nB APPEND INBOX {43+}\r\n"
				   "From: a@b\r\nSubject: c\r\n\r\nbody one\r\nline 2\r\n\r\n"));
	buf_add(&script, str_of(data + 1, size - 1));
	imap_peer_open(&fixture, &p, buf_str(&script), data[0] & 0x7f, is_logged_in);
	(void)imap_peer_run(&p, NET_START);
	must(imap_peer_finish(&p).n < 64u << 20);
	/* Unfinished commands and sets: what may be held is what has come. */
	must(budget_used(BUDGET_HELD) <= 8u << 20);
	imap_peer_close(&p);
	must(budget_used(BUDGET_HELD) == 0);
	return 0;
}
