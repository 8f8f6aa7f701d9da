/* SPDX-License-Identifier: MIT */
/* What a server can do: CAPA, RFC 2449 5, 6. Unknown capabilities are kept as words and mean nothing. */
#include "pop3/client_int.h"

#include "base/limits.h"
#include "base/must.h"
#include "base/text.h"

/* A day's number or NEVER; "USER" behind it says that accounts differ (RFC 2449 6.7). */
static void expire(struct pop3_client_caps *caps, struct str args)
{
	uint64_t days;
	struct str word;

	if (!str_split(&args, ' ', &word))
		return;
	if (str_ieq(word, S("NEVER")))
		caps->expire_days = INT64_MAX;
	else if (str_to_u64(word, 1000000, &days))
		caps->expire_days = (int64_t)days;
}

static void take_line(struct pop3_client_caps *caps, struct str line)
{
	const struct {
		struct str name;
		bool *has;
		struct str *args;
	} rows[] = {
		{ S("USER"), &caps->has_user, NULL },
		{ S("UIDL"), &caps->has_uidl, NULL },
		{ S("TOP"), &caps->has_top, NULL },
		{ S("STLS"), &caps->has_stls, NULL },
		{ S("PIPELINING"), &caps->has_pipelining, NULL },
		{ S("RESP-CODES"), &caps->has_resp_codes, NULL },
		{ S("UTF8"), &caps->has_utf8, NULL },
		{ S("SASL"), NULL, &caps->auth },
		{ S("IMPLEMENTATION"), NULL, &caps->implementation },
	};
	struct str rest = line, name = S("");

	if (!str_split(&rest, ' ', &name))
		return;
	if (str_ieq(name, S("EXPIRE")))
		expire(caps, rest);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!str_ieq(name, rows[i].name))
			continue;
		if (rows[i].has != NULL)
			*rows[i].has = true;
		else
			*rows[i].args = str_trim(rest);
	}
}

/* All lines, each ended by LF, into the arena: those of caps point there. */
static int keep(struct pop3_client *c, struct str lines, struct fault *fault)
{
	struct str copy = arena_str(&c->arena, lines), all = arena_str(&c->arena, lines), line;

	if (copy.p == NULL || all.p == NULL)
		return pop3_client_lose(c, fault, -E_LIMIT, "the server lists too many capabilities");
	while (str_split(&copy, '\n', &line))
		take_line(&c->caps, line);
	for (size_t i = 0; i < all.n; i++)
		if (all.p[i] == '\n')
			((char *)(uintptr_t)all.p)[i] = ' ';
	c->caps.all = str_trim(all);
	return 0;
}

int pop3_client_ask_caps(struct pop3_client *c, struct fault *fault)
{
	AUTO(buf_fini) struct buf lines = BUF_INIT(LIMIT_POP3_CLIENT_CAPS);
	struct str line;
	size_t total = 0;
	int r = pop3_client_say(c, S("CAPA"), NULL, fault);

	if (r < 0)
		return r;
	arena_reset(&c->arena);
	c->caps = (struct pop3_client_caps){ .is_told = c->is_ok, .expire_days = -1, .has_user = !c->is_ok, .has_top = !c->is_ok, .has_uidl = !c->is_ok,
					     .all = S(""), .auth = S(""), .implementation = S("") };
	if (!c->is_ok)
		return 0;
	while ((r = pop3_client_more(c, &line, fault)) > 0) {
		total += line.n + 1;
		if (total > LIMIT_POP3_CLIENT_CAPS)
			return pop3_client_lose(c, fault, -E_LIMIT, "the server lists capabilities without end");
		text_clean(&lines, line);
		buf_add_char(&lines, '\n');
	}
	return r < 0 ? r : keep(c, buf_str(&lines), fault);
}
