/* SPDX-License-Identifier: MIT */
/* IMAP: the mixes of commands, and connections that only stay. */
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
	if (open >= 0 &&
	    str_to_u64(str_of(line.p + open + 1, line.n - (size_t)open - 2), UINT32_MAX, &n))
		client_skip(c, n);
}

/* What is answered until the OK of the command that text_z is about; the last EXISTS goes to *exists. */
static void finish(struct client *c, const char *text_z, uint64_t *exists)
{
	struct str line, n;

	for (;;) {
		line = client_line(c);
		if (str_starts(line, S("t ")))
			break;
		if (exists && str_ends(line, S(" EXISTS"))) {
			struct str rest = str_skip(line, 2);

			if (str_split(&rest, ' ', &n))
				str_to_u64(n, UINT32_MAX, exists);
		}
		skip_literal(c, line);
	}
	if (!str_starts(line, S("t OK")))
		load_fail("%s: %" STR_FMT, text_z, STR_ARG(line));
}

static void command(struct client *c, const char *text_z, uint64_t *exists)
{
	client_printf(c, "t %s\r\n", text_z);
	finish(c, text_z, exists);
}

static void login(struct worker *w, unsigned index)
{
	char user[256], line[600];

	client_open(&w->client, w->load);
	client_line(&w->client);
	load_user(w->load, index, user, sizeof(user));
	snprintf(line, sizeof(line), "LOGIN %s %s", user, w->load->password_z);
	command(&w->client, line, NULL);
}

/*
 * What a mail program does in a mailbox: look, show a screen of envelopes, read, mark, search,
 * leave. Mixes that do not begin with a login do it, and SELECT, before the clock starts.
 */
static const struct mix {
	const char *name_z;
	enum load_kind steps[LOAD_KINDS]; /* up to LOAD_MAIN */
} mixes[] = {
	{ "session",
	  { LOAD_LOGIN, LOAD_SELECT, LOAD_FLAGS, LOAD_ENVELOPE, LOAD_BODY, LOAD_STORE, LOAD_SEARCH,
	    LOAD_LOGOUT } },
	/* All that a program does with a mailbox, each time with a login of its own. */
	{ "mixed",
	  { LOAD_LOGIN, LOAD_LIST, LOAD_STATUS, LOAD_SELECT, LOAD_SCREEN, LOAD_STORE, LOAD_APPEND,
	    LOAD_DELETE, LOAD_EXPUNGE, LOAD_LOGOUT } },
	/* The same without the logins. */
	{ "long",
	  { LOAD_LIST, LOAD_STATUS, LOAD_SELECT, LOAD_SCREEN, LOAD_STORE, LOAD_APPEND, LOAD_DELETE,
	    LOAD_EXPUNGE } },
	{ "visit", { LOAD_LOGIN, LOAD_SELECT, LOAD_LOGOUT } },
	{ "select", { LOAD_SELECT } },
	{ "flags", { LOAD_FLAGS } },
	{ "fetch", { LOAD_ENVELOPE, LOAD_BODY, LOAD_BODY, LOAD_BODY } },
	{ "search", { LOAD_SEARCH } },
	{ "store", { LOAD_STORE } },
};

static const struct mix *mix_of(const struct load *l)
{
	for (size_t i = 0; i < ARRAY_LEN(mixes); i++)
		if (str_eq(str_z(l->mix_z), str_z(mixes[i].name_z)))
			return &mixes[i];
	load_fail("no mix %s", l->mix_z);
}

/* A synchronizing literal, which every server takes. */
static void append(struct worker *w, uint64_t number)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(1 << 26);
	struct client *c = &w->client;
	struct str line;

	load_message(&text, number, w->load->size_bytes);
	client_printf(c, "t APPEND INBOX {%zu}\r\n", text.n);
	while (line = client_line(c), !str_starts(line, S("+")))
		if (str_starts(line, S("t ")))
			load_fail("APPEND: %" STR_FMT, STR_ARG(line));
	client_send(c, buf_str(&text));
	client_send(c, S("\r\n"));
	finish(c, "APPEND", NULL);
}

/* One step; `one` is the message that it is about. */
static void step(struct worker *w, enum load_kind kind, uint64_t one, bool is_odd)
{
	struct client *c = &w->client;
	char line[200];

	switch (kind) {
	case LOAD_LOGIN:
		login(w, w->index);
		return;
	case LOAD_SELECT:
		command(c, "SELECT INBOX", &w->exists);
		if (w->exists == 0)
			load_fail("the INBOX of user %u is empty", w->index);
		return;
	case LOAD_FLAGS:
		command(c, "FETCH 1:* (UID FLAGS)", NULL);
		return;
	case LOAD_ENVELOPE:
		snprintf(line, sizeof(line), "FETCH %llu:* (UID ENVELOPE RFC822.SIZE INTERNALDATE)",
			 (unsigned long long)(w->exists > 50 ? w->exists - 49 : 1));
		break;
	case LOAD_SCREEN:
		snprintf(line, sizeof(line), "FETCH %llu:* (UID FLAGS ENVELOPE RFC822.SIZE)",
			 (unsigned long long)(w->exists > 10 ? w->exists - 9 : 1));
		break;
	case LOAD_LIST:
		command(c, "LIST \"\" *", NULL);
		return;
	case LOAD_STATUS:
		command(c, "STATUS INBOX (MESSAGES UNSEEN UIDNEXT)", NULL);
		return;
	case LOAD_APPEND:
		append(w, one);
		return;
	case LOAD_DELETE:
		command(c, "STORE 1 +FLAGS.SILENT (\\Deleted)", NULL);
		return;
	case LOAD_EXPUNGE:
		command(c, "EXPUNGE", NULL);
		return;
	case LOAD_BODY:
		snprintf(line, sizeof(line), "FETCH %llu (UID BODY.PEEK[])",
			 (unsigned long long)one);
		break;
	case LOAD_STORE:
		snprintf(line, sizeof(line), "STORE %llu %cFLAGS (\\Seen)", (unsigned long long)one,
			 is_odd ? '-' : '+');
		break;
	case LOAD_SEARCH:
		command(c, "SEARCH UNSEEN SUBJECT \"Message 1\"", NULL);
		return;
	default:
		command(c, "LOGOUT", NULL);
		client_close(c);
		return;
	}
	command(c, line, NULL);
}

void load_imap_login(struct worker *w)
{
	if (mix_of(w->load)->steps[0] == LOAD_LOGIN)
		return;
	step(w, LOAD_LOGIN, 0, false);
	step(w, LOAD_SELECT, 0, false);
}

void load_imap(struct worker *w)
{
	const struct mix *m = mix_of(w->load);
	uint64_t number;

	for (uint64_t round = 0; load_take(w->load, &number); round++) {
		for (size_t i = 0; m->steps[i] != LOAD_MAIN; i++) {
			/* A STORE and the next one, which undoes it, are about the same message. */
			uint64_t one =
				(round / 2 * 7919 + i + w->index) % (w->exists ? w->exists : 1) + 1;
			uint64_t start = load_now_us();

			step(w, m->steps[i], one, round % 2);
			worker_sample(w, m->steps[i], start);
			w->done++;
		}
	}
	if (m->steps[0] != LOAD_LOGIN)
		step(w, LOAD_LOGOUT, 0, false);
}

/* The connections are left open on purpose. */
void load_idle(struct worker *w)
{
	struct client *c = &w->client;

	for (uint64_t i = 0; i < w->load->connections; i++) {
		uint64_t start = load_now_us();

		login(w, (unsigned)i);
		worker_sample(w, LOAD_LOGIN, start);
		w->done++;
		if (!w->load->idle)
			continue;
		command(c, "SELECT INBOX", NULL);
		client_send(c, S("t IDLE\r\n"));
		client_expect(c, "+");
	}
}
