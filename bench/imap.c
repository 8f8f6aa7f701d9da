/* SPDX-License-Identifier: MIT */
/* IMAP: fetching, whole sessions, and connections that only stay. */
#include "load.h"

#include <stdio.h>

#include "base/mem.h"

/* RFC 9051 4.3: {n} CRLF and n bytes, which are passed over: none of them is an answer. */
static void skip_literal(struct client *c, struct str line)
{
	ptrdiff_t open;
	uint64_t n;

	if (line.n < 3 || line.p[line.n - 1] != '}')
		return;
	open = str_rchr(line, '{');
	if (open >= 0 && str_to_u64(str_of(line.p + open + 1, line.n - (size_t)open - 2), UINT32_MAX, &n))
		client_skip(c, n);
}

/* One command until its OK; returns the number of untagged lines, and the last EXISTS. */
static uint64_t command(struct client *c, const char *text_z, uint64_t *exists)
{
	struct str line, n;
	uint64_t lines = 0;

	client_printf(c, "t %s\r\n", text_z);
	for (;;) {
		line = client_line(c);
		if (str_starts(line, S("t ")))
			break;
		lines += str_starts(line, S("* "));
		if (exists && str_ends(line, S(" EXISTS"))) {
			struct str rest = str_skip(line, 2);

			if (str_split(&rest, ' ', &n))
				str_to_u64(n, UINT32_MAX, exists);
		}
		skip_literal(c, line);
	}
	if (!str_starts(line, S("t OK")))
		load_fail("%s: %" STR_FMT, text_z, STR_ARG(line));
	return lines;
}

static void timed(struct worker *w, struct client *c, enum load_kind kind, const char *text_z,
		  uint64_t *exists)
{
	uint64_t start = load_now_us();

	command(c, text_z, exists);
	load_sample(w, kind, start);
	w->done++;
}

static void login(struct worker *w, struct client *c, unsigned index, enum load_kind kind)
{
	char user[256], line[600];
	uint64_t start = load_now_us();

	client_open(c, w->load);
	client_line(c);
	load_user(w->load, index, user, sizeof(user));
	snprintf(line, sizeof(line), "LOGIN %s %s", user, w->load->password_z);
	command(c, line, NULL);
	load_sample(w, kind, start);
}

void load_imap_fetch(struct worker *w)
{
	struct client c;
	uint64_t exists = 0;

	login(w, &c, w->index, LOAD_LOGIN);
	timed(w, &c, LOAD_SELECT, "SELECT INBOX", &exists);
	w->done = 0;
	for (uint64_t i = 0; exists && i < w->load->rounds; i++) {
		uint64_t start = load_now_us();

		w->done += command(&c, "FETCH 1:* (UID FLAGS)", NULL);
		load_sample(w, LOAD_FLAGS, start);
	}
	command(&c, "LOGOUT", NULL);
	client_close(&c);
}

/* What a mail program does in a mailbox: look, show a screen of envelopes, read, mark, search, leave. */
void load_imap_mix(struct worker *w)
{
	struct client c;
	char line[200];

	for (uint64_t i = 0; i < w->load->rounds; i++) {
		uint64_t exists = 0, one, first;

		login(w, &c, w->index, LOAD_LOGIN);
		w->done++;
		timed(w, &c, LOAD_SELECT, "SELECT INBOX", &exists);
		if (exists == 0)
			load_fail("the INBOX of user %u is empty", w->index);
		timed(w, &c, LOAD_FLAGS, "FETCH 1:* (UID FLAGS)", NULL);
		first = exists > 50 ? exists - 49 : 1;
		one = 1 + (i * 7919 + w->index) % exists;
		snprintf(line, sizeof(line), "FETCH %llu:* (UID ENVELOPE RFC822.SIZE INTERNALDATE)",
			 (unsigned long long)first);
		timed(w, &c, LOAD_ENVELOPE, line, NULL);
		snprintf(line, sizeof(line), "FETCH %llu (UID BODY.PEEK[])", (unsigned long long)one);
		timed(w, &c, LOAD_BODY, line, NULL);
		snprintf(line, sizeof(line), "STORE %llu %cFLAGS (\\Seen)", (unsigned long long)one, i % 2 ? '-' : '+');
		timed(w, &c, LOAD_STORE, line, NULL);
		timed(w, &c, LOAD_SEARCH, "SEARCH UNSEEN SUBJECT \"Message 1\"", NULL);
		timed(w, &c, LOAD_LOGOUT, "LOGOUT", NULL);
		client_close(&c);
	}
}

/* The connections are left open on purpose. */
void load_idle(struct worker *w)
{
	struct client *c = mem_alloc(1, sizeof(*c));

	for (uint64_t i = 0; i < w->load->connections; i++) {
		login(w, c, (unsigned)i, LOAD_LOGIN);
		w->done++;
	}
	mem_free(c);
}
