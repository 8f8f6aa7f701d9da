/* SPDX-License-Identifier: MIT */
/*
 * Table-driven tests of whole commands: what a client sends, and what must come back. Only for
 * *_test.c.
 */
#pragma once

#include "base/test.h"
#include "imap/imap_test.h"

/* Pieces of the answer in their order; with "!" in front: must not come anywhere. */
struct imap_script {
	const char *name;
	struct str input;
	const char *want[16];
};

/*
 * A client of alice, logged in, that sends chunk bytes at a time (0: all at once); with settings of
 * its own, unless conf is NULL.
 */
static inline void imap_script_run_with(struct imap_fixture *f, const struct imap_script *script,
					size_t chunk, const struct imap_conf *conf)
{
	struct imap_peer p;
	struct str all, out;

	test_row(script->name);
	imap_peer_open(f, &p, script->input, chunk, true);
	if (conf != NULL)
		p.s->conf = conf;
	(void)imap_peer_run(&p, NET_START);
	all = out = imap_peer_finish(&p);
	for (size_t i = 0; i < ARRAY_LEN(script->want) && script->want[i] != NULL; i++) {
		const char *want = script->want[i];
		ptrdiff_t at;

		if (want[0] == '!') {
			if (str_find(all, str_z(want + 1)) >= 0)
				fail_msg("%s: <%s> in <%" STR_FMT ">", script->name, want + 1,
					 STR_ARG(all));
			continue;
		}
		at = str_find(out, str_z(want));
		if (at < 0)
			fail_msg("%s: no <%s> in <%" STR_FMT "> of <%" STR_FMT ">", script->name,
				 want, STR_ARG(out), STR_ARG(all));
		out = str_skip(out, (size_t)at + strlen(want));
	}
	imap_peer_close(&p);
}

static inline void imap_script_run(struct imap_fixture *f, const struct imap_script *script,
				   size_t chunk)
{
	imap_script_run_with(f, script, chunk, NULL);
}

/* Each row with a store of its own, with the input at once and in pieces. */
static inline void imap_scripts_run(const char *settings_z, const struct imap_script *v, size_t n)
{
	static const size_t chunks[] = { 0, 1 };
	const char *root_z = test_dir();

	for (size_t i = 0; i < n * ARRAY_LEN(chunks); i++) {
		struct imap_fixture f;
		char dir[300];

		snprintf(dir, sizeof(dir), "%s/%zu", root_z, i);
		imap_fixture_open(&f, dir, settings_z);
		imap_script_run(&f, &v[i / ARRAY_LEN(chunks)], chunks[i % ARRAY_LEN(chunks)]);
		imap_fixture_close(&f);
	}
}
