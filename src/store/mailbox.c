/* SPDX-License-Identifier: MIT */
/*
 * Mailboxes by name: find, create, delete, rename, subscribe. Each change is one transaction and
 * wakes whoever watches the account. Names are checked and normalised here (name.c), whatever the
 * caller has done.
 *
 * UIDVALIDITY comes from one counter over all accounts that follows the clock and never stands
 * still (RFC 9051 2.3.1.1): a name that comes back has a larger one, and no two mailboxes ever
 * have the same, unless an import brought it (import.c).
 */
#include "store/store_int.h"

#include <stdio.h>

#include "base/limits.h"
#include "base/rnd.h"
#include "store/news.h"

#define NAME_ARENA (4 * LIMIT_MAILBOX_NAME + 4096)
#define RENAME_ARENA ((size_t)LIMIT_MAILBOXES * 2 * (LIMIT_MAILBOX_NAME + 64))

struct job {
	struct store *s;
	struct arena *a;
	int64_t user; /* 0: the server */
	int64_t account;
	struct str name, to;
	unsigned special_use;
	bool is_subscribed;
	int64_t id;
	const char *why_z; /* a refusal in words */
};

static int run(struct job *j, db_write_fn *fn, const char *verb_z, struct fault *fault)
{
	int rc = db_write(j->s->db,
			  &(struct db_write_job){ .fn = fn, .arg = j, .durability = DB_DURABLE });

	if (rc == 0)
		return 0;
	return fault_set(fault, rc, "cannot %s \"%" STR_FMT "\": %s", verb_z,
			 STR_ARG(str_head(j->name, 150)), j->why_z ? j->why_z : err_row(rc)->text);
}

/* ---- finding ---- */

int store_mailbox_row(struct db_query *q, struct arena *a, struct store_mailbox *ret)
{
	struct str name = arena_str(a, db_text(q, 2));
	struct str mailboxid = arena_str(a, db_text(q, 3));

	if (!name.p || !mailboxid.p)
		return -E_LIMIT;
	*ret = (struct store_mailbox){
		.id = db_int(q, 0),
		.account = db_int(q, 1),
		.name = name,
		.mailboxid = mailboxid,
		.uidvalidity = (uint32_t)db_int(q, 4),
		.uidnext = (uint32_t)db_int(q, 5),
		.highestmodseq = (uint64_t)db_int(q, 6),
		.messages = (uint32_t)db_int(q, 7),
		.unseen = (uint32_t)db_int(q, 8),
		.deleted = (uint32_t)db_int(q, 9),
		.size_bytes = (uint64_t)db_int(q, 10),
		.special_use = (unsigned)db_int(q, 11),
		.is_subscribed = db_int(q, 12) != 0,
	};
	return 0;
}

/* The single number that an UPDATE ... RETURNING or a count answers. */
static int ask_number(struct db_tx *tx, const struct db_sql *sql, int64_t arg, int64_t *ret)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(tx, &q, sql, DB_I(arg));
	rc = db_step(&q);
	if (rc <= 0)
		return rc < 0 ? rc : -E_NOT_FOUND;
	*ret = db_int(&q, 0);
	return 0;
}

/* Is there a name below this one? 1, 0 or negative. */
static int has_children(struct db_tx *tx, struct arena *a, int64_t account, struct str name)
{
	AUTO(db_done) struct db_query q = { 0 };
	struct str from = arena_printf(a, "%" STR_FMT "/", STR_ARG(name));
	struct str to = arena_printf(a, "%" STR_FMT "0", STR_ARG(name)); /* '0' follows '/' */

	if (!from.p || !to.p)
		return -E_LIMIT;
	DB_QUERY(tx, &q, SQL(MAILBOX_CHILD), DB_I(account), DB_T(from), DB_T(to));
	return db_step(&q);
}

static int read_one(struct db_tx *tx, struct db_query *q, struct arena *a,
		    struct store_mailbox *ret)
{
	struct store_mailbox m;
	int rc = db_step(q);

	if (rc <= 0)
		return rc < 0 ? rc : -E_NOT_FOUND;
	rc = store_mailbox_row(q, a, &m);
	if (rc == 0)
		rc = has_children(tx, a, m.account, m.name);
	if (rc < 0)
		return rc;
	m.has_children = rc > 0;
	*ret = m;
	return 0;
}

int store_mailbox_find(struct store *s, struct arena *a, int64_t account, struct str name,
		       struct store_mailbox *ret)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	struct str checked;
	int rc = store_name_check(a, name, &checked, NULL);

	if (rc == -E_CANNOT)
		return -E_NOT_FOUND;
	if (rc == 0)
		rc = db_read_begin(s->db, &tx);
	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(MAILBOX_FIND), DB_I(account), DB_T(checked));
	return read_one(tx, &q, a, ret);
}

/* A name without a row. */
static int look_name(struct db_tx *tx, struct arena *a, int64_t account, struct str name,
		     struct store_mailbox *ret)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc = has_children(tx, a, account, name);

	*ret = (struct store_mailbox){ .account = account, .name = name, .has_children = rc > 0 };
	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(SUBSCRIPTION_HAS), DB_I(account), DB_T(name));
	rc = db_step(&q);
	ret->is_subscribed = rc > 0;
	return rc < 0 ? rc : 0;
}

int store_mailbox_look(struct store *s, struct arena *a, int64_t account, struct str name,
		       struct store_mailbox *ret)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	int rc = db_read_begin(s->db, &tx);

	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(MAILBOX_FIND), DB_I(account), DB_T(name));
	rc = read_one(tx, &q, a, ret);
	return rc == -E_NOT_FOUND ? look_name(tx, a, account, name, ret) : rc;
}

int store_mailbox_deleted_bytes(struct store *s, const struct store_mailbox *m, uint64_t *ret)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	int rc;

	*ret = 0;
	if (m->deleted <= 0)
		return 0;
	rc = db_read_begin(s->db, &tx);
	return rc < 0 ? rc : store_tx_rows_bytes(tx, m->id, STORE_DELETED, ret);
}

int store_mailbox_get(struct store *s, struct arena *a, int64_t id, struct store_mailbox *ret)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	int rc = db_read_begin(s->db, &tx);

	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(MAILBOX_GET), DB_I(id));
	return read_one(tx, &q, a, ret);
}

/* ---- one row ---- */

int store_tx_mailbox_add(struct store *s, struct db_tx *tx, int64_t account, struct str name,
			 unsigned special_use, int64_t *ret_id)
{
	char mailboxid[17];
	int64_t uidvalidity, modseq;
	int rc = ask_number(tx, SQL(UIDVALIDITY_NEXT), store_now_s(), &uidvalidity);

	if (rc == 0)
		rc = ask_number(tx, SQL(ACCOUNT_MODSEQ), account, &modseq);
	if (rc < 0)
		return rc;
	if (uidvalidity > UINT32_MAX)
		return -E_LIMIT;
	rnd_id_z(mailboxid, sizeof(mailboxid) - 1);
	rc = DB_EXEC(tx, SQL(MAILBOX_ADD), DB_I(account), DB_T(name), DB_T(str_z(mailboxid)),
		     DB_I(uidvalidity), DB_I(modseq), DB_I(special_use));
	if (rc < 0)
		return rc;
	*ret_id = db_last_id(tx);
	store_announce(s, tx, &(struct store_event){
				      .account = account,
				      .mailbox = *ret_id,
				      .kinds = STORE_NEWS_CREATED,
				      .name = name });
	return 0;
}

int store_tx_mailbox_doom(struct store *s, struct db_tx *tx, int64_t account, int64_t mailbox)
{
	struct store_box box;
	int rc = store_tx_box(tx, mailbox, &box);

	if (rc == 0)
		rc = DB_EXEC(tx, SQL(ACCOUNT_CHANGE), DB_I(account), DB_I(box.modseq),
			     DB_I(-box.bytes), DB_I(-box.messages));
	if (rc == 0)
		rc = store_tx_annotations_remove(tx, mailbox);
	if (rc == 0)
		rc = store_rights_announce_shared(s, tx, account, mailbox, (struct str){ 0 });
	if (rc == 0)
		rc = DB_EXEC(tx, SQL(RIGHTS_REMOVE_MAILBOX), DB_I(mailbox));
	if (rc == 0)
		rc = DB_EXEC(tx, SQL(URL_KEYS_REMOVE_MAILBOX), DB_I(mailbox));
	if (rc == 0)
		rc = DB_EXEC(tx, SQL(MAILBOX_DOOM), DB_I(mailbox));
	if (rc == 0)
		store_announce(s, tx, &(struct store_event){ .account = account,
							     .mailbox = mailbox,
							     .modseq = STORE_GONE });
	return rc;
}

/* 1, 0 or negative. */
static int exists(struct db_tx *tx, int64_t account, struct str name, int64_t *ret_id)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(tx, &q, SQL(MAILBOX_FIND), DB_I(account), DB_T(name));
	rc = db_step(&q);
	if (rc > 0)
		*ret_id = db_int(&q, 0);
	return rc;
}

static bool is_owner(const struct job *j)
{
	return j->user == 0 || j->user == j->account;
}

/*
 * RFC 4314 4: "k" on the nearest superior that exists. All refusals are the same one, so that none
 * tells what there is.
 */
static int check_create(const struct job *j, struct db_tx *tx, struct str name)
{
	ptrdiff_t slash;
	int64_t id = 0;
	int rc = 0;

	if (is_owner(j))
		return 0;
	while (rc == 0 && (slash = str_rchr(name, '/')) > 0) {
		name = str_head(name, (size_t)slash);
		rc = exists(tx, j->account, name, &id);
	}
	if (rc > 0)
		rc = store_tx_rights_need(j->s, tx, id, j->user, STORE_R_CREATE, NULL);
	else if (rc == 0)
		rc = -E_DENIED;
	return rc == -E_NOT_FOUND ? -E_DENIED : rc;
}

/* May there be this many mailboxes? */
static int check_count(struct job *j, const struct store_quota *limit, int64_t count)
{
	if (count > LIMIT_MAILBOXES)
		return -E_LIMIT;
	if (limit->mailboxes == 0 || count <= limit->mailboxes)
		return 0;
	j->why_z = "the account may not have more mailboxes";
	return -E_QUOTA;
}

static int copy_rights(const struct job *j, struct db_tx *tx, int64_t from, int64_t to)
{
	int rc = DB_EXEC(tx, SQL(RIGHTS_COPY), DB_I(from), DB_I(to));

	return rc < 0 ? rc
		      : store_rights_announce_shared(j->s, tx, j->account, to, (struct str){ 0 });
}

/* The mailbox and those above it that are missing. */
static int add_with_superiors(struct job *j, struct db_tx *tx, struct str name,
			      unsigned special_use, int64_t *ret_id)
{
	struct store_quota limit, used;
	int64_t id = 0, parent = 0;
	bool has_copied = false;
	int rc = store_tx_quota(tx, j->account, &limit, &used);

	for (size_t i = 0; i <= name.n && rc >= 0; i++) {
		if (i < name.n && name.p[i] != '/')
			continue;
		rc = exists(tx, j->account, str_head(name, i), &parent);
		if (rc < 0)
			return rc;
		if (rc > 0 && i == name.n)
			return -E_EXISTS;
		if (rc > 0)
			continue;
		rc = check_count(j, &limit, ++used.mailboxes);
		if (rc == 0)
			rc = store_tx_mailbox_add(j->s, tx, j->account, str_head(name, i),
						  i == name.n ? special_use : 0, &id);
		/* RFC 4314 4: it has the rights of its superior. */
		has_copied |= parent != 0;
		if (rc == 0 && parent != 0)
			rc = copy_rights(j, tx, parent, id);
		if (rc == 0)
			*ret_id = parent = id;
	}
	return rc == 0 && has_copied ? store_tx_rights_room(tx, j->account) : rc;
}

/* No own mailbox has a name that means one of others. */
static int check_name(struct arena *a, struct str name, struct str *ret, struct fault *fault)
{
	int rc = store_name_check(a, name, ret, fault);

	if (rc == 0 && store_name_is_reserved(*ret))
		return fault_set(fault, -E_CANNOT,
				 "the mailboxes of others are below \"" STORE_OTHER_USERS "\"");
	return rc;
}

/* ---- create, delete, subscribe ---- */

static int create_tx(struct db_tx *tx, void *arg)
{
	struct job *j = arg;
	int rc = check_create(j, tx, j->name);

	return rc < 0 ? rc : add_with_superiors(j, tx, j->name, j->special_use, &j->id);
}

int store_mailbox_create(struct store *s, int64_t account, struct str name, unsigned special_use,
			 int64_t *ret_id, struct fault *fault)
{
	return store_mailbox_create_by(s, 0, account, name, special_use, ret_id, fault);
}

int store_mailbox_create_by(struct store *s, int64_t user, int64_t account, struct str name,
			    unsigned special_use, int64_t *ret_id, struct fault *fault)
{
	AUTO(arena_fini) struct arena a;
	struct job j = { .s = s, .user = user, .account = account, .special_use = special_use };
	int rc;

	arena_init(&a, NAME_ARENA);
	rc = check_name(&a, name, &j.name, fault);
	if (rc == 0 && special_use != 0 && !is_owner(&j))
		rc = fault_set(fault, -E_CANNOT, "only the owner gives a mailbox a special use");
	if (rc == 0)
		rc = run(&j, create_tx, "create", fault);
	if (rc == 0)
		*ret_id = j.id;
	return rc;
}

static int find_id(struct db_tx *tx, int64_t account, struct str name, int64_t *ret)
{
	int rc = exists(tx, account, name, ret);

	return rc > 0 ? 0 : rc < 0 ? rc : -E_NOT_FOUND;
}

static void tell_name(const struct job *j, struct db_tx *tx, unsigned kind, struct str name,
		      struct str old_name)
{
	store_announce(j->s, tx, &(struct store_event){ .account = j->account,
							.mailbox = kind == STORE_NEWS_RENAMED ? j->id : 0,
							.kinds = kind,
							.name = name,
							.old_name = old_name });
}

static int delete_tx(struct db_tx *tx, void *arg)
{
	struct job *j = arg;
	int rc = find_id(tx, j->account, j->name, &j->id);

	if (rc == 0)
		rc = store_tx_rights_need(j->s, tx, j->id, j->user, STORE_R_DELETE, NULL);
	if (rc == 0 && str_eq(j->name, S("INBOX"))) {
		j->why_z = "INBOX cannot be deleted";
		rc = -E_CANNOT;
	}
	if (rc == 0)
		rc = store_tx_mailbox_doom(j->s, tx, j->account, j->id);
	if (rc == 0)
		tell_name(j, tx, STORE_NEWS_DELETED, j->name, (struct str){ 0 });
	return rc;
}

int store_mailbox_delete(struct store *s, int64_t account, struct str name, struct fault *fault)
{
	return store_mailbox_delete_by(s, 0, account, name, fault);
}

int store_mailbox_delete_by(struct store *s, int64_t user, int64_t account, struct str name,
			    struct fault *fault)
{
	AUTO(arena_fini) struct arena a;
	struct job j = { .s = s, .user = user, .account = account };
	int rc;

	arena_init(&a, NAME_ARENA);
	rc = store_name_check(&a, name, &j.name, fault);
	if (rc < 0)
		return rc;
	if (is_owner(&j) && str_eq(j.name, S("INBOX")))
		return fault_set(fault, -E_CANNOT, "INBOX cannot be deleted");
	rc = run(&j, delete_tx, "delete", fault);
	if (rc == 0 && store_purge(s) < 0)
		return 0; /* it is deleted; what was in it goes at the next start */
	return rc;
}

int store_tx_subscribe(struct db_tx *tx, int64_t account, struct str name)
{
	return DB_EXEC(tx, SQL(SUBSCRIPTION_ADD), DB_I(account), DB_T(name));
}

static int subscribe_tx(struct db_tx *tx, void *arg)
{
	struct job *j = arg;
	int64_t count = 0;
	int rc;

	if (!j->is_subscribed) {
		rc = DB_EXEC(tx, SQL(SUBSCRIPTION_REMOVE), DB_I(j->account), DB_T(j->name));
	} else {
		rc = ask_number(tx, SQL(SUBSCRIPTION_COUNT), j->account, &count);
		if (rc == 0 && count >= LIMIT_MAILBOXES)
			return -E_LIMIT;
		if (rc == 0)
			rc = store_tx_subscribe(tx, j->account, j->name);
	}
	if (rc == 0)
		tell_name(j, tx, STORE_NEWS_SUBSCRIBED, j->name, (struct str){ 0 });
	return rc;
}

int store_mailbox_subscribe(struct store *s, int64_t account, struct str name, bool is_subscribed,
			    struct fault *fault)
{
	AUTO(arena_fini) struct arena a;
	struct job j = { .s = s, .account = account, .is_subscribed = is_subscribed };
	int rc;

	arena_init(&a, NAME_ARENA);
	rc = store_name_check(&a, name, &j.name, fault);
	return rc < 0 ? rc
		      : run(&j, subscribe_tx, is_subscribed ? "subscribe to" : "unsubscribe from",
			    fault);
}

/* ---- rename ---- */

struct named {
	int64_t id;
	struct str name;
};

/* The mailbox itself and all below it. */
static int gather_family(const struct job *j, struct db_tx *tx, struct named **ret, size_t *ret_n)
{
	AUTO(db_done) struct db_query q = { 0 };
	struct str from = arena_printf(j->a, "%" STR_FMT "/", STR_ARG(j->name));
	struct str to = arena_printf(j->a, "%" STR_FMT "0", STR_ARG(j->name));
	size_t cap = 0;
	int rc;

	if (!from.p || !to.p)
		return -E_LIMIT;
	DB_QUERY(tx, &q, SQL(MAILBOX_NAMES), DB_I(j->account), DB_T(j->name), DB_T(from), DB_T(to));
	while ((rc = db_step(&q)) > 0) {
		struct named *v;

		if (arena_grow(j->a, ret, *ret_n, &cap, sizeof(**ret)) < 0)
			return -E_LIMIT;
		v = &(*ret)[(*ret_n)++];
		v->id = db_int(&q, 0);
		v->name = arena_str(j->a, db_text(&q, 1));
		if (!v->name.p)
			return -E_LIMIT;
	}
	return rc;
}

/* Makes the superiors of the new name. */
static int add_above(struct job *j, struct db_tx *tx)
{
	ptrdiff_t slash = str_rchr(j->to, '/');
	int64_t id;
	int rc;

	if (slash < 0)
		return 0;
	rc = add_with_superiors(j, tx, str_head(j->to, (size_t)slash), 0, &id);
	return rc == -E_EXISTS ? 0 : rc;
}

static int rename_one(const struct job *j, struct db_tx *tx, const struct named *v)
{
	struct str name = arena_printf(j->a, "%" STR_FMT "%" STR_FMT, STR_ARG(j->to),
				       STR_ARG(str_skip(v->name, j->name.n)));

	if (!name.p || name.n > LIMIT_MAILBOX_NAME)
		return -E_LIMIT;
	return DB_EXEC(tx, SQL(MAILBOX_NAME), DB_I(v->id), DB_T(name));
}

static int rename_tx(struct db_tx *tx, void *arg)
{
	struct job *j = arg;
	struct named *family = NULL;
	size_t n = 0;
	unsigned rights = 0;
	int64_t other;
	int rc = find_id(tx, j->account, j->name, &j->id);

	if (rc == 0)
		rc = store_tx_rights_need(j->s, tx, j->id, j->user, STORE_R_DELETE, &rights);
	if (rc == 0)
		rc = check_create(j, tx, j->to);
	/* Who had the right to go, and not to know. */
	if (rc == -E_DENIED && (rights & STORE_R_DELETE) && !(rights & STORE_R_LOOKUP))
		rc = -E_NOT_FOUND;
	if (rc == 0)
		rc = exists(tx, j->account, j->to, &other);
	if (rc != 0)
		return rc < 0 ? rc : -E_EXISTS;
	rc = gather_family(j, tx, &family, &n);
	if (rc == 0)
		rc = add_above(j, tx);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = rename_one(j, tx, &family[i]);
	if (rc == 0)
		rc = store_rights_announce_shared(j->s, tx, j->account, j->id, j->to);
	if (rc == 0)
		tell_name(j, tx, STORE_NEWS_RENAMED, j->to, j->name);
	return rc;
}

/*
 * RFC 9051 6.3.6: the messages go to a new mailbox; INBOX stays, empty, and its inferiors stay
 * below it. RFC 5464 4.1: both have its annotations then.
 */
static int rename_inbox_tx(struct db_tx *tx, void *arg)
{
	struct job *j = arg;
	struct store_copied copied;
	int64_t inbox, to = 0;
	int rc = find_id(tx, j->account, j->name, &inbox);

	tell_name(j, tx, STORE_NEWS_RENAMED, j->to, j->name);
	if (rc == 0)
		rc = store_tx_rights_need(j->s, tx, inbox, j->user, STORE_R_DELETE, NULL);
	if (rc == 0 && !is_owner(j)) {
		j->why_z = "only the owner renames INBOX";
		rc = -E_CANNOT;
	}
	if (rc == 0)
		rc = add_with_superiors(j, tx, j->to, 0, &to);
	if (rc == 0)
		rc = store_tx_annotations_copy(tx, j->account, inbox, to);
	return rc < 0 ? rc
		      : store_tx_copy(j->s, tx, NULL,
				      &(struct store_copying){ .src = inbox, .dst = to, .is_move = true },
				      &copied);
}

int store_mailbox_rename(struct store *s, int64_t account, struct str from, struct str to,
			 struct fault *fault)
{
	return store_mailbox_rename_by(s, 0, account, from, to, fault);
}

int store_mailbox_rename_by(struct store *s, int64_t user, int64_t account, struct str from,
			    struct str to, struct fault *fault)
{
	AUTO(arena_fini) struct arena a;
	struct job j = { .s = s, .a = &a, .user = user, .account = account };
	bool is_inbox;
	int rc;

	arena_init(&a, RENAME_ARENA);
	rc = store_name_check(&a, from, &j.name, fault);
	if (rc == 0)
		rc = check_name(&a, to, &j.to, fault);
	if (rc < 0)
		return rc;
	is_inbox = str_eq(j.name, S("INBOX"));
	if (!is_inbox && str_starts(j.to, j.name) && j.to.n > j.name.n && j.to.p[j.name.n] == '/')
		return fault_set(fault, -E_CANNOT, "a mailbox cannot be renamed to below itself");
	return run(&j, is_inbox ? rename_inbox_tx : rename_tx, "rename", fault);
}
