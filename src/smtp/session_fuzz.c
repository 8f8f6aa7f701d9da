/* SPDX-License-Identifier: MIT */
/*
 * Whole sessions with hostile bytes. The first byte chooses role, TLS and chunk size. Replies
 * must have the form of RFC 5321 4.2, be bounded by the input, and the session must end with
 * its input.
 */
#include "smtp/smtp_test.h"

#include <ftw.h>
#include <stdlib.h>

#include "base/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct smtp_fixture fixture;
static char dir[] = "/tmp/martlet-fuzz-smtp-XXXXXX";

static int remove_one(const char *path_z, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path_z);
}

static void fixture_leave(void)
{
	smtp_fixture_close(&fixture);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void fixture_once(void)
{
	if (fixture.db)
		return;
	log_setup(2, LOG_LVL_ERROR, LOG_FMT_TEXT);
	must(mkdtemp(dir) != NULL);
	smtp_fixture_open(
		&fixture, dir,
		"[smtp]\nreject_early_talkers = no\nmax_message_size = 64K\n"
		"[auth]\nfailure_delay = 0ms\nmax_address_failures = 0\nmax_account_failures = 0\n");
	atexit(fixture_leave);
}

static bool is_reply(struct str line)
{
	return line.n >= 5 && line.p[0] >= '2' && line.p[0] <= '5' && line.p[1] >= '0' &&
	       line.p[1] <= '7' && (line.p[3] == ' ' || line.p[3] == '-') &&
	       line.p[line.n - 1] == '\r' && !memchr(line.p, '\r', line.n - 1) &&
	       !memchr(line.p, 0, line.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(64u << 20);
	struct smtp_script script = { 0 };
	struct str rest, line;

	fixture_once();
	if (size < 1)
		return 0;
	script.role = (enum smtp_role)(data[0] % 3);
	script.is_tls = data[0] & 4;
	script.chunk = data[0] >> 3;
	script.input = str_of(data + 1, size - 1);
	smtp_fixture_run(&fixture, &script, &out);
	/* The longest reply to the shortest line is HELP's; what a session held is given back. */
	must(out.n <= 2000 + 100 * size);
	must(budget_used(BUDGET_HELD) == 0 && budget_used(BUDGET_WORK) == 0);
	rest = buf_str(&out);
	must(str_starts(rest, S("220 ")) && str_ends(rest, S("\r\n")));
	rest.n--;
	while (str_split(&rest, '\n', &line))
		must(is_reply(line));
	return 0;
}
