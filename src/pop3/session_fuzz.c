/* SPDX-License-Identifier: MIT */
/*
 * A POP3 session with arbitrary input: must not crash, must end, and its reply is bounded by its
 * input (the maildrop is small). The first byte chooses the size of the chunks and whether a
 * login stands in front. The maildrop is filled again when QUIT has emptied it.
 */
#include "pop3/pop3_test.h"

#include <ftw.h>
#include <stdlib.h>

#include "base/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LOGIN "USER alice@example.test\r\nPASS pass word\r\n"
#define INPUT_MAX 16384

static struct pop3_fixture fixture;
static char dir[] = "/tmp/martlet-fuzz-pop3-XXXXXX";

static int remove_one(const char *path_z, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path_z);
}

static void fixture_leave(void)
{
	pop3_fixture_close(&fixture);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void fixture_once(void)
{
	AUTO(arena_fini) struct arena a = { .cap = 65536 };
	struct store_mailbox inbox;

	if (fixture.store == NULL) {
		must(mkdtemp(dir) != NULL);
		log_setup(2, LOG_LVL_ERROR, LOG_FMT_TEXT);
		pop3_fixture_open(&fixture, dir,
				  "[auth]\nfailure_delay = 0ms\n"
				  "max_address_failures = 0\nmax_account_failures = 0\n");
		atexit(fixture_leave);
	}
	must(store_mailbox_get(fixture.store, &a, fixture.inbox, &inbox) == 0);
	for (uint32_t n = inbox.messages; n < 2; n++)
		pop3_fixture_add(&fixture, S("Subject: x\r\n\r\n.a\r\n.\r\nb\r\n"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(buf_fini) struct buf input = BUF_INIT(INPUT_MAX + 64);
	uint8_t how = size > 0 ? data[0] : 0;
	struct conn *c;

	if (size > INPUT_MAX)
		return 0;
	fixture_once();
	if (how & 1)
		buf_add(&input, S(LOGIN));
	if (size > 1)
		buf_add(&input, str_of(data + 1, size - 1));
	c = conn_new_scripted(buf_str(&input), how >> 2, (how & 2) != 0, "192.0.2.7");
	pop3_fixture_run(&fixture, c, 4 * INPUT_MAX);
	/* The longest reply to the shortest line is CAPA's. */
	must(conn_scripted_output(c).n <= 1000 + input.n * 100);
	must(budget_used(BUDGET_HELD) == 0);
	conn_free_scripted(c);
	return 0;
}
