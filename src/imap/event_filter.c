/* SPDX-License-Identifier: MIT */
/*
 * The grammar of NOTIFY SET (RFC 5465 8) and what its groups mean for a mailbox. Several groups
 * may name the same one: then all their events are wanted (6). Names are compared as they are
 * at the time of the event, whether such mailboxes exist or not: so one that comes later is in
 * it too.
 *
 * The filter keeps a copy of the command, and is parsed from that: what fetch-atts and names point
 * to lives as long as it.
 */
#include "imap/event_filter.h"

#include "base/limits.h"
#include "imap/parse.h"
#include "store/mailbox.h"
#include "store/news.h"
#include "store/rights.h"

static const struct {
	struct str name;
	unsigned kinds;
} events[] = {
	{ STR_INIT("MessageNew"), STORE_NEWS_ADDED },
	{ STR_INIT("MessageExpunge"), STORE_NEWS_EXPUNGED },
	{ STR_INIT("FlagChange"), STORE_NEWS_FLAGS },
	{ STR_INIT("AnnotationChange"), STORE_NEWS_NOTES },
	{ STR_INIT("MailboxName"), STORE_NEWS_CREATED | STORE_NEWS_DELETED | STORE_NEWS_RENAMED },
	{ STR_INIT("SubscriptionChange"), STORE_NEWS_SUBSCRIBED },
	{ STR_INIT("MailboxMetadataChange"), STORE_NEWS_METADATA },
	{ STR_INIT("ServerMetadataChange"), STORE_NEWS_SERVER_METADATA },
};

static const struct {
	struct str name;
	bool has_names;
} places[] = {
	[IMAP_EVENTS_SELECTED] = { STR_INIT("selected"), false },
	[IMAP_EVENTS_DELAYED] = { STR_INIT("selected-delayed"), false },
	[IMAP_EVENTS_INBOXES] = { STR_INIT("inboxes"), false },
	[IMAP_EVENTS_PERSONAL] = { STR_INIT("personal"), false },
	[IMAP_EVENTS_SUBSCRIBED] = { STR_INIT("subscribed"), false },
	[IMAP_EVENTS_SUBTREE] = { STR_INIT("subtree"), true },
	[IMAP_EVENTS_MAILBOXES] = { STR_INIT("mailboxes"), true },
};

void imap_event_names_print(struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		buf_printf(out, "%s%s", i > 0 ? " " : "", events[i].name.p);
}

struct imap_event_filter *imap_event_filter_new(void)
{
	struct imap_event_filter *f = MEM_NEW(struct imap_event_filter);

	arena_init_held(&f->arena, LIMIT_NOTIFY_BYTES);
	return f;
}

void imap_event_filter_free(struct imap_event_filter **fp)
{
	if (*fp == NULL)
		return;
	arena_fini(&(*fp)->arena);
	mem_free(*fp);
	*fp = NULL;
}

/* ---- parsing ---- */

static bool is_selected(const struct imap_event_group *g)
{
	return g->where == IMAP_EVENTS_SELECTED || g->where == IMAP_EVENTS_DELAYED;
}

/* mailbox; one that cannot be (store_place_parse()) is ignored like one that does not exist. */
static int parse_mailbox(struct imap_parse *p, struct imap_event_filter *f,
			 struct imap_event_group *g)
{
	struct store_place place;
	struct str raw;
	int r = imap_parse_mailbox(p, &raw);

	if (r <= 0)
		return r;
	r = store_place_parse(p->arena, raw, &place, NULL);
	if (r == -E_CANNOT || raw.n > LIMIT_MAILBOX_NAME)
		return 1;
	if (r < 0 || ++f->n_names > LIMIT_NOTIFY_NAMES ||
	    arena_grow(p->arena, &g->names, g->n, &g->cap, sizeof(raw)) < 0)
		return -E_LIMIT;
	g->names[g->n++] = place.shown;
	return 1;
}

/* one-or-more-mailbox = mailbox / "(" mailbox *(SP mailbox) ")" */
static int parse_mailboxes(struct imap_parse *p, struct imap_event_filter *f,
			   struct imap_event_group *g)
{
	int r;

	if (imap_parse_char(p, '(') <= 0)
		return parse_mailbox(p, f, g);
	do {
		r = parse_mailbox(p, f, g);
		if (r <= 0)
			return r;
	} while (imap_parse_sp(p) > 0);
	return imap_parse_char(p, ')');
}

/* filter-mailboxes = filter-mailboxes-selected / filter-mailboxes-other */
static int parse_place(struct imap_parse *p, struct imap_event_filter *f,
		       struct imap_event_group *g)
{
	struct str name;
	size_t i;

	if (imap_parse_name(p, &name) <= 0)
		return 0;
	for (i = 0; i < ARRAY_LEN(places) && !str_ieq(name, places[i].name); i++)
		;
	if (i == ARRAY_LEN(places))
		return 0;
	g->where = (enum imap_event_where)i;
	if (!places[i].has_names)
		return 1;
	return imap_parse_sp(p) > 0 ? parse_mailboxes(p, f, g) : 0;
}

/*
 * event; behind MessageNew [SP "(" fetch-att *(SP fetch-att) ")"], for the selected mailbox
 * only. The attributes never set \Seen: nobody has asked for the message yet.
 */
static int parse_event(struct imap_parse *p, struct imap_event_filter *f,
		       struct imap_event_group *g)
{
	struct imap_parse q;
	struct str name;
	size_t i;
	int r;

	if (imap_parse_atom(p, &name) <= 0)
		return 0;
	for (i = 0; i < ARRAY_LEN(events) && !str_ieq(name, events[i].name); i++)
		;
	f->has_unsupported |= i == ARRAY_LEN(events);
	if (i == ARRAY_LEN(events))
		return 1;
	g->kinds |= events[i].kinds;
	q = *p;
	if (events[i].kinds != STORE_NEWS_ADDED || imap_parse_sp(&q) <= 0 ||
	    imap_parse_peek(&q) != '(')
		return 1;
	if (!is_selected(g) || f->has_fetch)
		return 0;
	r = imap_fetch_atts_parse(&q, &f->fetch);
	f->fetch.sets_seen = false;
	f->has_fetch = true;
	p->p = q.p;
	return r;
}

/* events = ( "(" event *(SP event) ")" ) / "NONE" */
static int parse_events(struct imap_parse *p, struct imap_event_filter *f,
			struct imap_event_group *g)
{
	int r;

	if (imap_parse_word(p, S("NONE")) > 0)
		return 1;
	if (imap_parse_char(p, '(') <= 0)
		return 0;
	do {
		r = parse_event(p, f, g);
		if (r <= 0)
			return r;
	} while (imap_parse_sp(p) > 0);
	return imap_parse_char(p, ')');
}

/* RFC 5465 5: new and expunged messages together or not at all, flags and annotations only with them; 6.1. */
static bool is_allowed(const struct imap_event_filter *f, const struct imap_event_group *g)
{
	unsigned messages = g->kinds & STORE_NEWS_MESSAGES;
	unsigned both = STORE_NEWS_ADDED | STORE_NEWS_EXPUNGED;

	if (messages != 0 && (messages & both) != both)
		return false;
	return !is_selected(g) || (messages == g->kinds && !f->has_selected);
}

/* event-group = "(" filter-mailboxes SP events ")" */
static int parse_group(struct imap_parse *p, struct imap_event_filter *f)
{
	struct imap_event_group *g = ARENA_NEW(p->arena, struct imap_event_group);
	int r;

	if (g == NULL)
		return -E_LIMIT;
	if (imap_parse_char(p, '(') <= 0)
		return 0;
	r = parse_place(p, f, g);
	if (r > 0)
		r = imap_parse_sp(p);
	if (r > 0)
		r = parse_events(p, f, g);
	if (r > 0)
		r = imap_parse_char(p, ')');
	if (r <= 0)
		return r;
	if (!is_allowed(f, g))
		return 0;
	if (is_selected(g)) {
		f->has_selected = true;
		f->is_delayed = g->where == IMAP_EVENTS_DELAYED;
		f->selected = g->kinds;
		return 1;
	}
	f->kinds |= g->kinds;
	g->next = f->groups;
	f->groups = g;
	return 1;
}

int imap_event_filter_parse(const struct imap_parse *p, struct imap_event_filter *ret)
{
	struct str text = arena_str(&ret->arena, str_of(p->p, (size_t)(p->end - p->p)));
	struct imap_parse q;
	int r;

	if (text.p == NULL)
		return -E_LIMIT;
	imap_parse_init(&q, &ret->arena, text, p->is_utf8);
	do {
		r = imap_need(parse_group(&q, ret));
	} while (r == 0 && imap_parse_sp(&q) > 0);
	return r < 0 ? r : imap_need(imap_parse_end(&q));
}

/* ---- matching ---- */

static bool has_name(const struct imap_event_group *g, struct str name)
{
	bool is_tree = g->where == IMAP_EVENTS_SUBTREE;

	for (size_t i = 0; i < g->n; i++) {
		struct str root = g->names[i];

		if (str_eq(name, root) || (is_tree && name.n > root.n && name.p[root.n] == '/' &&
					   str_starts(name, root)))
			return true;
	}
	return false;
}

unsigned imap_event_filter_kinds(const struct imap_event_filter *f, struct str name,
				 bool is_subscribed)
{
	unsigned kinds = 0;

	for (const struct imap_event_group *g = f->groups; g != NULL; g = g->next) {
		bool is_in = false;

		switch (g->where) {
		case IMAP_EVENTS_INBOXES: /* user+tag reaches the user's INBOX */
			is_in = str_eq(name, S("INBOX"));
			break;
		case IMAP_EVENTS_PERSONAL:
			is_in = !str_starts(name, S(STORE_OTHER_USERS "/"));
			break;
		case IMAP_EVENTS_SUBSCRIBED:
			is_in = is_subscribed;
			break;
		case IMAP_EVENTS_SUBTREE:
		case IMAP_EVENTS_MAILBOXES:
			is_in = has_name(g, name);
			break;
		case IMAP_EVENTS_SELECTED:
		case IMAP_EVENTS_DELAYED:
			break;
		}
		kinds |= is_in ? g->kinds : 0;
	}
	return kinds;
}

static bool is_of_others(struct str name)
{
	return str_eq(name, S(STORE_OTHER_USERS)) || str_starts(name, S(STORE_OTHER_USERS "/"));
}

bool imap_event_filter_has_others(const struct imap_event_filter *f)
{
	for (const struct imap_event_group *g = f->groups; g != NULL; g = g->next) {
		bool has_any = g->where == IMAP_EVENTS_SUBSCRIBED;

		for (size_t i = 0; i < g->n && !has_any; i++)
			has_any = is_of_others(g->names[i]);
		if (has_any && g->kinds != 0)
			return true;
	}
	return false;
}
