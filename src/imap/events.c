/* SPDX-License-Identifier: MIT */
/*
 * News of an account, told. A session that wants any has a queue in the store (store/news.h); a
 * commit that puts something into it wakes the session, which tells it when no command runs, or
 * in IDLE. The queue says what has happened; how things are is read when it is told. So ten
 * messages that come at once are one STATUS, and what is told is never older than what was told
 * before.
 *
 * The order: names first, so that a STATUS never comes before the LIST with the new name; then
 * annotations, then messages.
 *
 * A queue that was too long, or news that cannot be read, end the NOTIFY (RFC 5465 5.8).
 */
#include "imap/events.h"

#include "base/limits.h"
#include "base/log.h"
#include "imap/cmd_list.h"
#include "imap/event_filter.h"
#include "imap/imap_int.h"
#include "imap/resp.h"
#include "net/conn.h"
#include "store/annotation.h"
#include "store/mailbox.h"
#include "store/news.h"
#include "store/rights.h"
#include "store/view.h"

#define METADATA (STORE_NEWS_METADATA | STORE_NEWS_SERVER_METADATA)

/* ---- which ---- */

void imap_events_update(struct imap_session *s)
{
	unsigned kinds = s->has_metadata ? METADATA : 0;

	if (s->events != NULL)
		kinds |= s->events->kinds;
	if (s->events != NULL && imap_event_filter_has_others(s->events))
		kinds |= STORE_NEWS_SHARED;
	if (s->account == 0 || !(kinds & STORE_NEWS_SHARED))
		imap_shared_unwatch(s);
	if (kinds == 0 || s->account == 0)
		store_news_free(&s->news);
	else if (s->news == NULL)
		s->news = store_news_new(imap_store(s), s->account, conn_id(s->conn), kinds);
	else
		store_news_want(s->news, kinds);
	imap_events_watch(s);
}

void imap_events_watch(struct imap_session *s)
{
	bool is_on = s->waiting == IMAP_WAIT_IDLE || (s->events != NULL && s->events->selected);
	int64_t mailbox = is_on && s->sel != NULL ? s->sel->mailbox : 0;

	if (mailbox == s->watched)
		return;
	if (s->watched != 0)
		store_watch_remove(imap_store(s), conn_id(s->conn));
	s->watched = mailbox;
	if (mailbox != 0)
		store_watch_add(imap_store(s), s->account, mailbox, conn_id(s->conn));
}

void imap_events_set(struct imap_session *s, struct imap_event_filter *f)
{
	imap_event_filter_free(&s->events);
	s->events = f;
	imap_events_update(s);
}

/* ---- mailboxes ---- */

/* ENABLE METADATA is for all of them (RFC 5464 4.1). */
unsigned imap_events_wanted(const struct imap_session *s, const struct store_mailbox *box)
{
	unsigned kinds = s->has_metadata ? METADATA : 0;

	if (s->events != NULL)
		kinds |= imap_event_filter_kinds(s->events, box->name, box->is_subscribed);
	return kinds;
}

/*
 * RFC 5465 5.1 to 5.3, and UNSEEN to those who want flags: it is the one thing that a client
 * without CONDSTORE can learn of them.
 */
unsigned imap_events_status_items(const struct imap_session *s, unsigned happened, unsigned want)
{
	unsigned items = IMAP_STATUS_UIDVALIDITY;

	if (happened & (STORE_NEWS_ADDED | STORE_NEWS_EXPUNGED))
		items |= IMAP_STATUS_MESSAGES | IMAP_STATUS_UIDNEXT;
	if (want & STORE_NEWS_FLAGS)
		items |= IMAP_STATUS_UNSEEN;
	if (s->has_condstore)
		items |= IMAP_STATUS_HIGHESTMODSEQ;
	return items;
}

int imap_events_status(struct imap_session *s, const struct imap_event_filter *f)
{
	struct store_mailbox *boxes;
	size_t n;
	int r;

	r = s->shared == NULL
		    ? store_mailbox_list(imap_store(s), &s->arena, s->account, &boxes, &n)
		    : store_mailbox_list_visible(imap_store(s), &s->arena, s->account, &boxes, &n);

	for (size_t i = 0; i < n && r == 0; i++) {
		unsigned kinds = imap_event_filter_kinds(f, boxes[i].name, boxes[i].is_subscribed);
		unsigned items = imap_events_status_items(s, kinds, kinds);

		if (boxes[i].id == 0 || !(kinds & STORE_NEWS_MESSAGES) ||
		    !(boxes[i].rights & STORE_R_READ) ||
		    (s->sel != NULL && s->sel->mailbox == boxes[i].id))
			continue;
		/* RFC 5465 3.1: whether the client has enabled CONDSTORE or not. */
		if (kinds & (STORE_NEWS_FLAGS | STORE_NEWS_NOTES))
			items |= IMAP_STATUS_HIGHESTMODSEQ;
		r = imap_status_show(s, &boxes[i], items);
		if (conn_failed(s->conn))
			r = -E_CLOSED;
	}
	return r;
}

/* ---- names ---- */

struct name {
	unsigned kind;
	int64_t mailbox; /* that has got it; 0: not known */
	bool is_superior; /* of one that was created or deleted, and nothing else */
	struct str name, old_name;
};

struct telling {
	struct imap_session *s;
	struct arena arena;
	struct name *names;
	size_t n, cap;
	struct store_mailbox *visible; /* read when somebody else's name is told */
	size_t n_visible;
};

static bool is_within(struct str name, struct str superior)
{
	return str_starts(name, superior) && (name.n == superior.n || name.p[superior.n] == '/');
}

/*
 * Once each, unless it is renamed again: what has that name after a RENAME took it away is something
 * else.
 */
static struct name *find_name(struct telling *t, const struct name *v)
{
	for (size_t i = t->n; i-- > 0;) {
		struct name *at = &t->names[i];

		if (str_eq(at->name, v->name) &&
		    (v->old_name.n == 0 || str_eq(v->old_name, at->old_name)))
			return at;
		if (at->old_name.n > 0 && is_within(v->name, at->old_name))
			break;
	}
	return NULL;
}

static int add_name(struct telling *t, const struct name *v)
{
	struct name *at = find_name(t, v);

	if (at != NULL) {
		at->kind |= v->kind;
		at->mailbox = v->mailbox != 0 ? v->mailbox : at->mailbox;
		at->is_superior &= v->is_superior;
		return 0;
	}
	if (arena_grow(&t->arena, &t->names, t->n, &t->cap, sizeof(*t->names)) < 0)
		return -E_LIMIT;
	t->names[t->n++] = *v;
	return 0;
}

/* RFC 5465 5.4: of what is created or deleted the superior is affected too. */
static int add_names(struct telling *t, const struct store_news_item *item)
{
	struct name v = { item->kinds, item->mailbox, false, item->name, item->old_name };
	ptrdiff_t slash = str_rchr(item->name, '/');
	int r = add_name(t, &v);

	if (r == 0 && slash > 0 && (item->kinds & (STORE_NEWS_CREATED | STORE_NEWS_DELETED))) {
		v = (struct name){ .kind = item->kinds, .is_superior = true };
		v.name = str_head(item->name, (size_t)slash);
		r = add_name(t, &v);
	}
	return r;
}

/* How the user sees a mailbox of somebody else, or that he does not. */
static int look_at_other(struct telling *t, struct str name, struct store_mailbox *ret)
{
	struct imap_session *s = t->s;
	int r = 0;

	*ret = (struct store_mailbox){ .name = name };
	if (t->visible == NULL)
		r = store_mailbox_list_visible(imap_store(s), &t->arena, s->account, &t->visible,
					       &t->n_visible);
	for (size_t i = 0; i < t->n_visible && r == 0; i++) {
		if (str_eq(t->visible[i].name, name))
			*ret = t->visible[i];
	}
	return r;
}

static int look_at(struct telling *t, struct arena *a, struct str name, struct store_mailbox *ret)
{
	int r;

	if (str_starts(name, S(STORE_OTHER_USERS "/")))
		return look_at_other(t, name, ret);
	r = store_mailbox_look(imap_store(t->s), a, t->s->account, name, ret);
	ret->rights = STORE_RIGHTS_ALL;
	return r;
}

/*
 * RFC 5465 5.4: the inferiors of what is renamed go along untold. So one that the client does not know by
 * the name that it had then is told by the name that it has now.
 */
static int look_again(struct telling *t, struct arena *a, const struct name *v,
		      struct store_mailbox *box)
{
	struct store_mailbox now;
	int r;

	if (v->mailbox == 0 || box->id == v->mailbox)
		return 0;
	r = store_mailbox_get(imap_store(t->s), a, v->mailbox, &now);
	if (r < 0)
		return r == -E_NOT_FOUND ? 0 : r;
	*box = now;
	box->rights = STORE_RIGHTS_ALL;
	return 0;
}

/* The name that a superior has after the renames that came later. */
static int name_now(struct telling *t, struct arena *a, const struct name *v, struct str *ret)
{
	const struct name *end = t->names + t->n;

	*ret = v->name;
	for (const struct name *at = v + 1; v->is_superior && at < end; at++) {
		if (at->old_name.n == 0 || !is_within(*ret, at->old_name))
			continue;
		*ret = arena_printf(a, "%" STR_FMT "%" STR_FMT, STR_ARG(at->name),
				    STR_ARG(str_skip(*ret, at->old_name.n)));
		if (ret->p == NULL)
			return -E_LIMIT;
	}
	return 0;
}

static int tell_name(struct telling *t, const struct name *v)
{
	struct imap_session *s = t->s;
	AUTO(arena_fini) struct arena a;
	struct store_mailbox box;
	struct str name;
	unsigned want;
	int r;

	arena_init(&a, LIMIT_SESSION_ARENA);
	r = name_now(t, &a, v, &name);
	if (r == 0)
		r = look_at(t, &a, name, &box);
	if (r == 0)
		r = look_again(t, &a, v, &box);
	if (r < 0)
		return r;
	/* RFC 5465 6.4: what was subscribed a moment ago counts as subscribed. */
	if (v->kind & STORE_NEWS_SUBSCRIBED)
		want = imap_event_filter_kinds(s->events, v->name, true);
	else
		want = imap_events_wanted(s, &box);
	if (v->old_name.n > 0)
		want |= imap_event_filter_kinds(s->events, v->old_name, false);
	if (!(want & v->kind))
		return 0;
	imap_list_tell(s, &box, v->old_name, false);
	/* RFC 5465 5.1: its UIDVALIDITY is new. */
	if (box.id != 0 && (v->kind & STORE_NEWS_CREATED) && (want & STORE_NEWS_FLAGS))
		r = imap_status_show(s, &box, imap_events_status_items(s, STORE_NEWS_ADDED, want));
	return r;
}

static int tell_names(struct telling *t, const struct store_news_item *list)
{
	int r = 0;

	for (; list != NULL && r == 0; list = list->next) {
		if (list->kinds & STORE_NEWS_NAMES)
			r = add_names(t, list);
	}
	for (size_t i = 0; i < t->n && r == 0 && !conn_failed(t->s->conn); i++)
		r = tell_name(t, &t->names[i]);
	return r;
}

/* ---- annotations and messages ---- */

static int tell_metadata(struct imap_session *s, const struct store_mailbox *box,
			 const struct store_news_item *item)
{
	if (box->account != s->account && !store_annotations_may(box->rights))
		return 0;
	if (imap_events_wanted(s, box) & STORE_NEWS_METADATA)
		imap_metadata_tell(s, box, item->entries);
	return 0;
}

/* The selected mailbox has its own rules (RFC 5465 3.1). */
static int tell_messages(struct imap_session *s, const struct store_mailbox *box,
			 const struct store_news_item *item)
{
	unsigned want = imap_events_wanted(s, box);

	if (!(item->kinds & want) || !(box->rights & STORE_R_READ) ||
	    (s->sel != NULL && s->sel->mailbox == box->id))
		return 0;
	return imap_status_show(s, box, imap_events_status_items(s, item->kinds & want, want));
}

/*
 * What is about a mailbox that is still there, and may still be seen: the entries that a user has
 * in another one's mailbox are news of his own account.
 */
static int tell_boxes(struct imap_session *s, const struct store_news_item *list, unsigned kinds,
		      int (*fn)(struct imap_session *s, const struct store_mailbox *box,
				const struct store_news_item *item))
{
	AUTO(arena_fini) struct arena a;
	struct store_mailbox box;
	int r = 0;

	arena_init(&a, LIMIT_SESSION_ARENA);
	for (; list != NULL && r == 0 && !conn_failed(s->conn); list = list->next) {
		if (!(list->kinds & kinds))
			continue;
		r = store_mailbox_get_for(imap_store(s), &a, s->account, list->mailbox,
					  STORE_R_LOOKUP, &box);
		r = r == 0 ? fn(s, &box, list) : r == -E_NOT_FOUND || r == -E_DENIED ? 0 : r;
		arena_reset(&a);
	}
	return r;
}

static int tell_shared(struct imap_session *s, const struct store_news_item *list)
{
	unsigned kinds = 0;

	for (; list != NULL; list = list->next)
		kinds |= list->kinds;
	if (!(kinds & (STORE_NEWS_SHARED | STORE_NEWS_SHARED_OWN)))
		return 0;
	return imap_shared_changed(s, kinds & STORE_NEWS_SHARED);
}

static int tell_list(struct imap_session *s, const struct store_news_item *list)
{
	struct telling t = { .s = s };
	int r = 0;

	arena_init(&t.arena, LIMIT_COMMAND_ARENA);
	if (s->events != NULL)
		r = tell_names(&t, list);
	if (r == 0 && s->shared != NULL)
		r = tell_shared(s, list);
	arena_fini(&t.arena);
	for (const struct store_news_item *i = list; i != NULL; i = i->next) {
		if (i->kinds & STORE_NEWS_SERVER_METADATA)
			imap_metadata_tell(s, NULL, i->entries);
	}
	if (r == 0)
		r = tell_boxes(s, list, STORE_NEWS_METADATA, tell_metadata);
	return r < 0 ? r : tell_boxes(s, list, STORE_NEWS_MESSAGES, tell_messages);
}

/* ---- when ---- */

/* RFC 5465 5.8: as if NOTIFY NONE had come. */
static void overflow(struct imap_session *s)
{
	if (s->events == NULL)
		return;
	imap_resp_untagged(s, "OK [NOTIFICATIONOVERFLOW] too much has happened, NOTIFY is off");
	imap_events_set(s, imap_event_filter_new());
}

static void tell_news(struct imap_session *s)
{
	bool is_lost;
	struct store_news_item *list = store_news_take(s->news, &is_lost);
	int r = tell_list(s, list);

	store_news_items_free(list);
	if (r < 0)
		LOG(WARN, "imap.notify", F_Z("err", err_row(r)->name),
		    F_Z("note", "news cannot be told, ending the NOTIFY"));
	if (is_lost || r < 0)
		overflow(s);
}

int imap_events_tell(struct imap_session *s, bool is_idling)
{
	int r = 0;

	if (is_idling || (s->events != NULL && s->events->selected != 0)) {
		s->cmd.is_in_front = !is_idling; /* the tagged answer of IDLE follows what it told */
		r = imap_notify(s, is_idling || !s->events->is_delayed);
		s->cmd.is_in_front = false;
	}
	/* Other trouble shows again, and is logged, at the end of the next command. */
	if (r == -E_CLOSED || r == -E_TIMEOUT)
		return r;
	if (s->news != NULL && store_news_has(s->news))
		tell_news(s);
	return conn_failed(s->conn) ? -E_CLOSED : 0;
}
