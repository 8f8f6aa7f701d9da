/* SPDX-License-Identifier: MIT */
/*
 * Rights on mailboxes, RFC 4314: rows of the table `rights`, how they add up for a user, and their
 * changes. A change is one transaction; at its commit the generation grows and whoever watches the
 * mailbox is woken, so that a session asks again before it shows or does anything more.
 */
#include "store/rights.h"

#include "base/limits.h"
#include "store/news.h"
#include "store/store_int.h"

/* ---- letters ---- */

static const struct {
	char letter;
	unsigned bits;
} letters[] = {
	{ 'l', STORE_R_LOOKUP }, { 'r', STORE_R_READ },   { 's', STORE_R_SEEN },
	{ 'w', STORE_R_WRITE },  { 'i', STORE_R_INSERT }, { 'p', STORE_R_POST },
	{ 'k', STORE_R_CREATE }, { 'x', STORE_R_DELETE }, { 't', STORE_R_TRASH },
	{ 'e', STORE_R_EXPUNGE }, { 'a', STORE_R_ADMIN }, { 'n', STORE_R_ANNOTATE },
	/* RFC 4314 2.1.1: any member shows them, they mean all members. */
	{ 'c', STORE_R_CREATE | STORE_R_DELETE },
	{ 'd', STORE_R_TRASH | STORE_R_EXPUNGE },
};

bool store_rights_parse(struct str text, unsigned *ret)
{
	unsigned rights = 0;

	for (size_t i = 0; i < text.n; i++) {
		size_t k;

		for (k = 0; k < ARRAY_LEN(letters) && letters[k].letter != text.p[i]; k++)
			;
		if (k == ARRAY_LEN(letters))
			return false;
		rights |= letters[k].bits;
	}
	*ret = rights;
	return true;
}

void store_rights_print(unsigned rights, struct buf *out)
{
	for (size_t k = 0; k < ARRAY_LEN(letters); k++) {
		if (rights & letters[k].bits)
			buf_add_char(out, letters[k].letter);
	}
}

int store_rights_check(unsigned have, unsigned need)
{
	if (!(have & STORE_RIGHTS_ANY))
		return -E_NOT_FOUND;
	if ((have & need) == need)
		return 0;
	return have & STORE_R_LOOKUP ? -E_DENIED : -E_NOT_FOUND;
}

uint64_t store_rights_flags(unsigned rights)
{
	uint64_t flags = 0;

	if (rights & STORE_R_SEEN)
		flags |= STORE_SEEN;
	if (rights & STORE_R_TRASH)
		flags |= STORE_DELETED;
	if (rights & STORE_R_WRITE)
		flags |= ~(uint64_t)(STORE_SEEN | STORE_DELETED);
	return flags;
}

/* ---- what a user has ---- */

unsigned store_rights_sum(const struct store *s, const struct store_rights_rows *r)
{
	bool has_anyone = atomic_load(&s->anyone) == STORE_ANYONE_ALL ||
			  (atomic_load(&s->anyone) == STORE_ANYONE_DOMAIN && r->is_same_domain);
	unsigned given = r->given[0] | (has_anyone ? r->given[1] : 0);

	return given & ~(r->taken[0] | (has_anyone ? r->taken[1] : 0));
}

void store_rights_add_row(struct store_rights_rows *r, bool is_anyone, bool is_negative,
			  unsigned rights)
{
	unsigned *v = is_negative ? r->taken : r->given;

	v[is_anyone] |= rights & STORE_RIGHTS_ALL;
}

int store_tx_rights(struct store *s, struct db_tx *tx, int64_t mailbox, int64_t user,
		    unsigned *ret)
{
	AUTO(db_done) struct db_query q = { 0 };
	struct store_rights_rows rows = { 0 };
	bool is_there = false, is_owner = false;
	int rc;

	if (user == 0) {
		*ret = STORE_RIGHTS_ALL;
		return 0;
	}
	DB_QUERY(tx, &q, SQL(RIGHTS_GET), DB_I(mailbox), DB_I(user));
	while ((rc = db_step(&q)) > 0) {
		is_there = true;
		is_owner = db_int(&q, 0) == user;
		rows.is_same_domain = db_int(&q, 1) != 0;
		store_rights_add_row(&rows, db_int(&q, 2) == 0, db_int(&q, 3) == 0,
				     (unsigned)db_int(&q, 4));
	}
	if (rc < 0 || !is_there)
		return rc < 0 ? rc : -E_NOT_FOUND;
	*ret = is_owner ? STORE_RIGHTS_ALL : store_rights_sum(s, &rows);
	return 0;
}

int store_tx_rights_need(struct store *s, struct db_tx *tx, int64_t mailbox, int64_t user,
			 unsigned need, unsigned *ret)
{
	unsigned rights;
	int rc = store_tx_rights(s, tx, mailbox, user, &rights);

	if (rc == 0)
		rc = store_rights_check(rights, need);
	if (rc == 0 && ret)
		*ret = rights;
	return rc;
}

int store_rights_get(struct store *s, int64_t mailbox, int64_t user, unsigned *ret)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	int rc = db_read_begin(s->db, &tx);

	return rc < 0 ? rc : store_tx_rights(s, tx, mailbox, user, ret);
}

uint64_t store_rights_generation(struct store *s)
{
	return atomic_load(&s->rights_generation);
}

/* ---- the rows of a mailbox ---- */

static int list_entry(struct arena *a, struct str name, bool is_negative, unsigned rights,
		      struct store_rights_entry *ret)
{
	ret->identifier = arena_printf(a, "%s%" STR_FMT, is_negative ? "-" : "", STR_ARG(name));
	ret->rights = rights;
	return ret->identifier.p ? 0 : -E_LIMIT;
}

int store_rights_list(struct store *s, struct arena *a, int64_t mailbox,
		      struct store_rights_entry **ret, size_t *ret_n)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	struct store_rights_entry *v = NULL;
	size_t n = 0, cap = 0;
	int rc = db_read_begin(s->db, &tx);

	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(RIGHTS_LIST), DB_I(mailbox));
	while ((rc = db_step(&q)) > 0) {
		bool is_owner = db_int(&q, 0) != 0;

		if (arena_grow(a, &v, n, &cap, sizeof(*v)) < 0)
			return -E_LIMIT;
		rc = list_entry(a, db_text(&q, 1), db_int(&q, 2) == 0,
				is_owner ? STORE_RIGHTS_ALL : (unsigned)db_int(&q, 3), &v[n++]);
		if (rc < 0)
			return rc;
	}
	if (rc < 0 || n == 0)
		return rc < 0 ? rc : -E_NOT_FOUND;
	*ret = v;
	*ret_n = n;
	return 0;
}

/* ---- identifiers ---- */

static int find_owner(struct store *s, int64_t mailbox, int64_t *ret)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	struct store_box box;
	int rc = db_read_begin(s->db, &tx);

	if (rc == 0)
		rc = store_tx_box(tx, mailbox, &box);
	if (rc == 0)
		*ret = box.account;
	return rc;
}

int store_identifier_find(struct store *s, struct arena *a, int64_t mailbox, struct str text,
			  struct store_identifier *ret)
{
	struct store_identifier id = { .is_negative = str_starts(text, S("-")) };
	struct store_account account;
	int64_t owner;
	int rc;

	if (id.is_negative)
		text = str_skip(text, 1);
	if (text.n == 0 || !str_is_utf8(text) || str_chr(text, '\0') >= 0)
		return -E_SYNTAX;
	rc = find_owner(s, mailbox, &owner);
	if (rc == 0 && !str_eq(text, S("anyone"))) {
		rc = store_account_find(s, a, text, &account);
		if (rc == 0)
			id.who = account.id;
		id.is_owner = id.who == owner;
	}
	if (rc == 0)
		*ret = id;
	return rc;
}

/* ---- changes ---- */

struct job {
	struct store *s;
	int64_t mailbox, user;
	const struct store_identifier *id;
	enum store_rights_op op;
	unsigned rights;
};

static int ask_rights(struct db_tx *tx, const struct job *j, unsigned *ret_rights,
		      int64_t *ret_count)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(tx, &q, SQL(RIGHTS_ROW), DB_I(j->mailbox), DB_I(j->id->who),
		 DB_I(!j->id->is_negative));
	rc = db_step(&q);
	if (rc <= 0)
		return rc < 0 ? rc : -E_BUG;
	*ret_rights = (unsigned)db_int(&q, 0);
	*ret_count = db_int(&q, 1);
	return 0;
}

void store_rights_announce(struct store *s, struct db_tx *tx, int64_t account, int64_t mailbox)
{
	store_announce(s, tx, &(struct store_event){
				      .account = account, .mailbox = mailbox, .is_rights = true });
}

static void announce_to(struct store *s, struct db_tx *tx, int64_t who)
{
	store_announce(s, tx,
		       &(struct store_event){ .account = who, .kinds = STORE_NEWS_SHARED });
}

int store_rights_announce_shared(struct store *s, struct db_tx *tx, int64_t account,
				 int64_t mailbox, struct str name)
{
	AUTO(db_done) struct db_query q = { 0 };
	AUTO(buf_fini) struct buf range = BUF_INIT(2 * LIMIT_MAILBOX_NAME + 4);
	int rc;

	if (name.n == 0) {
		DB_QUERY(tx, &q, SQL(RIGHTS_WHO), DB_I(mailbox));
	} else {
		buf_printf(&range, "%" STR_FMT "/%" STR_FMT "0", STR_ARG(name), STR_ARG(name));
		if (range.n != 2 * name.n + 2)
			return -E_LIMIT;
		DB_QUERY(tx, &q, SQL(RIGHTS_WHO_BELOW), DB_I(account), DB_T(name),
			 DB_T(str_head(buf_str(&range), name.n + 1)),
			 DB_T(str_skip(buf_str(&range), name.n + 1)));
	}
	while ((rc = db_step(&q)) > 0)
		announce_to(s, tx, db_int(&q, 0));
	return rc;
}

int store_tx_rights_room(struct db_tx *tx, int64_t account)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(tx, &q, SQL(RIGHTS_COUNT), DB_I(account), DB_I(LIMIT_RIGHTS_ACCOUNT + 1));
	rc = db_step(&q);
	if (rc <= 0)
		return rc < 0 ? rc : -E_BUG;
	return db_int(&q, 0) > LIMIT_RIGHTS_ACCOUNT ? -E_LIMIT : 0;
}

static int change_row(struct db_tx *tx, const struct job *j, unsigned before, int64_t count)
{
	unsigned after = j->op == STORE_RIGHTS_SET   ? j->rights
			 : j->op == STORE_RIGHTS_ADD ? before | j->rights
						     : before & ~j->rights;

	if (after == 0)
		return DB_EXEC(tx, SQL(RIGHTS_REMOVE), DB_I(j->mailbox), DB_I(j->id->who),
			       DB_I(!j->id->is_negative));
	if (before == 0 && count >= LIMIT_RIGHTS)
		return -E_LIMIT;
	return DB_EXEC(tx, SQL(RIGHTS_PUT), DB_I(j->mailbox), DB_I(j->id->who),
		       DB_I(!j->id->is_negative), DB_I(after));
}

/* The account may have been removed since it was found. */
static int check_who(struct db_tx *tx, int64_t who)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	if (who == 0)
		return 0;
	DB_QUERY(tx, &q, SQL(ACCOUNT_BY_ID), DB_I(who));
	rc = db_step(&q);
	return rc > 0 ? 0 : rc < 0 ? rc : -E_NOT_FOUND;
}

static int change_tx(struct db_tx *tx, void *arg)
{
	const struct job *j = arg;
	struct store_box box;
	unsigned before = 0;
	int64_t count = 0;
	int rc = store_tx_rights_need(j->s, tx, j->mailbox, j->user, STORE_R_ADMIN, NULL);

	if (rc == 0)
		rc = store_tx_box(tx, j->mailbox, &box);
	if (rc == 0 && (box.account == 0 || j->id->who == box.account))
		rc = box.account == 0 ? -E_NOT_FOUND : -E_CANNOT;
	if (rc == 0)
		rc = check_who(tx, j->id->who);
	if (rc == 0)
		rc = ask_rights(tx, j, &before, &count);
	if (rc == 0)
		rc = change_row(tx, j, before, count);
	if (rc == 0 && before == 0 && j->op != STORE_RIGHTS_TAKE)
		rc = store_tx_rights_room(tx, box.account);
	if (rc == 0) {
		announce_to(j->s, tx, j->id->who);
		store_rights_announce(j->s, tx, box.account, j->mailbox);
	}
	return rc;
}

int store_rights_change(struct store *s, int64_t mailbox, int64_t user,
			const struct store_identifier *id, enum store_rights_op op,
			unsigned rights)
{
	struct job j = { .s = s,
			 .mailbox = mailbox,
			 .user = user,
			 .id = id,
			 .op = op,
			 .rights = rights & STORE_RIGHTS_ALL };

	return db_write(s->db, &(struct db_write_job){
				       .fn = change_tx, .arg = &j, .durability = DB_DURABLE });
}
