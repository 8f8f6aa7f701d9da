/* SPDX-License-Identifier: MIT */
/*
 * The two halves of the cage, see sandbox.h. Each part is best effort unless the settings require it: a mail server on an older
 * kernel is better than none, and the log says what is missing.
 *
 * What a library would read from outside of the data directory later is read in the first half: modules of character sets, time
 * zone, OpenSSL's settings, the seed of JSON tables, the unwinder that a backtrace needs.
 */
#include "server/sandbox.h"

#include <execinfo.h>
#include <jansson.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <time.h>

#include "base/log.h"
#include "mime/mime.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_BUILT false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_BUILT false
#endif
#endif
#ifndef IS_BUILT
#define IS_BUILT true
#endif

bool server_sandbox_is_built(void)
{
	return IS_BUILT;
}

static void load_early(enum server_cage who)
{
	void *frame[1];

	if (who == SERVER_CAGE_SERVER)
		mime_charsets_load(); /* 1 MB; helpers look into no text */
	tzset();
	OPENSSL_init_ssl(0, NULL);
	json_object_seed(0);
	backtrace(frame, 1);
}

static void set_text(struct server_sandbox *s)
{
	char files[24] = "";

	if (s->landlock_abi > 0)
		snprintf(files, sizeof(files), "landlock %d%s", s->landlock_abi, s->has_seccomp ? ", " : "");
	snprintf(s->text, sizeof(s->text), "%s%s", files, s->has_seccomp ? "seccomp" : files[0] ? "" : "none");
}

static void add_missing(struct server_sandbox *s, const char *what_z)
{
	size_t n = strlen(s->missing);

	snprintf(s->missing + n, sizeof(s->missing) - n, "%s%s", n > 0 ? "; " : "", what_z);
}

/* What is not there is an error when the settings require it. */
static int take_missing(struct server_sandbox *s, const char *what_z, struct fault *fault)
{
	if (s->mode == SERVER_SANDBOX_REQUIRED)
		return fault_set(fault, -E_CANNOT, "[server] sandbox = required: %s; with sandbox = yes the server does without", what_z);
	add_missing(s, what_z);
	return 0;
}

/* 1: Landlock is next. 0 or negative: there is none in this case. */
static int begin(struct server_sandbox *s, enum server_sandbox_mode mode, enum server_cage who, struct fault *fault)
{
	*s = (struct server_sandbox){ .mode = mode };
	set_text(s);
	if (mode == SERVER_SANDBOX_NO)
		return 0;
	if (!IS_BUILT)
		return take_missing(s, "this build has a sanitizer, which a sandbox would stop", fault);
	load_early(who);
	return 1;
}

/* What came of Landlock: r, and why. */
static int see_files(struct server_sandbox *s, int r, const struct fault *why, struct fault *fault)
{
	char gaps[sizeof(s->missing)];

	if (r < 0)
		return fault_set(fault, r, "%s", why->text);
	if (s->landlock_abi == 0)
		return take_missing(s, why->text, fault);
	server_landlock_gaps(s->landlock_abi, gaps, sizeof(gaps));
	if (gaps[0])
		add_missing(s, gaps);
	set_text(s);
	return 0;
}

int server_sandbox_begin(struct server_sandbox *s, enum server_sandbox_mode mode, const char *data_dir_z, struct fault *fault)
{
	struct fault why = { 0 };
	int r = begin(s, mode, SERVER_CAGE_SERVER, fault);

	if (r <= 0)
		return r;
	r = server_landlock_enter(data_dir_z, &s->landlock_abi, &why);
	return see_files(s, r, &why, fault);
}

static int finish(struct server_sandbox *s, enum server_cage who, struct fault *fault)
{
	struct fault why = { 0 };

	if (s->mode == SERVER_SANDBOX_NO || !IS_BUILT)
		return 0;
	s->has_seccomp = server_seccomp_enter(who, &why) == 0;
	set_text(s);
	return s->has_seccomp ? 0 : take_missing(s, why.text, fault);
}

int server_sandbox_finish(struct server_sandbox *s, struct fault *fault)
{
	return finish(s, SERVER_CAGE_SERVER, fault);
}

int server_sandbox_helper_begin(struct server_sandbox *s, enum server_sandbox_mode mode, enum server_cage who, const struct server_doors *doors,
				struct fault *fault)
{
	struct fault why = { 0 };
	int r = begin(s, mode, who, fault);

	if (r <= 0)
		return r;
	r = server_landlock_enter_helper(who, doors, &s->landlock_abi, &why);
	return see_files(s, r, &why, fault);
}

int server_sandbox_helper_finish(struct server_sandbox *s, enum server_cage who, struct fault *fault)
{
	return finish(s, who, fault);
}
