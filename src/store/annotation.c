/* SPDX-License-Identifier: MIT */
/*
 * Annotations, RFC 5464. A row belongs to a mailbox (0: the server) and to a user (0: /shared), and
 * is counted against the account that pays for it: the user, or for /shared the mailbox's owner.
 * The bytes of an account are bounded by that counter (accounts.annotation_bytes), so a command is
 * too.
 */
#include "store/annotation.h"

#include "base/limits.h"
#include "store/news.h"
#include "store/store_int.h"

/* ---- names ---- */

/* RFC 5464 3.2 names 0x00 to 0x19; no control character is taken. */
static bool is_entry_char(char c)
{
	return c >= 0x20 && c < 0x7f && c != '*' && c != '%';
}

int store_entry_check(struct arena *a, struct str entry, bool is_set, struct str *ret)
{
	bool is_vendor = str_istarts(entry, S("/private/vendor/")) ||
			 str_istarts(entry, S("/shared/vendor/"));
	size_t components = 0;
	struct str lower;
	char *p;

	if (entry.n == 0 || entry.n > LIMIT_ANNOTATION_ENTRY || entry.p[entry.n - 1] == '/')
		return -E_SYNTAX;
	p = ARENA_ARRAY(a, char, entry.n);
	if (p == NULL)
		return -E_LIMIT;
	for (size_t i = 0; i < entry.n; i++) {
		if (!is_entry_char(entry.p[i]) || (entry.p[i] == '/' && entry.p[i + 1] == '/'))
			return -E_SYNTAX;
		components += entry.p[i] == '/';
		p[i] = str_lower_char(entry.p[i]);
	}
	lower = str_of(p, entry.n);
	if (!str_starts(lower, S("/private/")) && !str_starts(lower, S("/shared/")) &&
	    (is_set || (!str_eq(lower, S("/private")) && !str_eq(lower, S("/shared")))))
		return -E_SYNTAX;
	if (is_set && (components < 2 || (is_vendor && components < 4)))
		return -E_SYNTAX;
	*ret = lower;
	return 0;
}

/* ---- reading ---- */

int store_annotations_list(struct store *s, struct arena *a, int64_t mailbox, int64_t user,
			   struct store_annotation **ret, size_t *ret_n)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	struct store_annotation *v = NULL;
	size_t n = 0, cap = 0;
	int rc = db_read_begin(s->db, &tx);

	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(ANNOTATION_LIST), DB_I(mailbox), DB_I(user));
	while ((rc = db_step(&q)) > 0) {
		if (arena_grow(a, &v, n, &cap, sizeof(*v)) < 0)
			return -E_LIMIT;
		v[n].entry = arena_str(a, db_text(&q, 0));
		v[n].value = arena_str(a, db_text(&q, 1));
		if (v[n].entry.p == NULL || v[n].value.p == NULL)
			return -E_LIMIT;
		n++;
	}
	if (rc < 0)
		return rc;
	*ret = v;
	*ret_n = n;
	return 0;
}

bool store_annotations_may(unsigned rights)
{
	return (rights & STORE_R_LOOKUP) && (rights & (STORE_R_READ | STORE_R_SEEN | STORE_R_WRITE |
						      STORE_R_INSERT | STORE_R_POST));
}

int store_annotation_get(struct store *s, struct arena *a, int64_t user, struct str entry,
			 struct str *ret)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	int rc = db_read_begin(s->db, &tx);

	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(ANNOTATION_GET), DB_I(0), DB_I(user), DB_T(entry));
	rc = db_step(&q);
	if (rc <= 0)
		return rc < 0 ? rc : -E_NOT_FOUND;
	*ret = arena_str(a, db_text(&q, 0));
	return ret->p != NULL ? 0 : -E_LIMIT;
}

/* ---- setting ---- */

struct job {
	struct store *s;
	int64_t mailbox, user;
	int64_t owner; /* of the mailbox */
	const struct store_annotations_change *change;
};

static int ask(struct db_tx *tx, const struct db_sql *sql, int64_t mailbox, int64_t user,
	       struct str entry, int64_t *ret)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	if (entry.p != NULL)
		DB_QUERY(tx, &q, sql, DB_I(mailbox), DB_I(user), DB_T(entry));
	else
		DB_QUERY(tx, &q, sql, DB_I(mailbox), DB_I(user));
	rc = db_step(&q);
	if (rc > 0)
		*ret = db_int(&q, 0);
	return rc;
}

static int set_one(const struct job *j, struct db_tx *tx, const struct store_annotation *v)
{
	int64_t user = str_starts(v->entry, S("/private/")) ? j->user : 0;
	int64_t payer = user != 0 ? user : j->owner;
	int64_t before = 0, count = 0;
	int rc = ask(tx, SQL(ANNOTATION_SIZE), j->mailbox, user, v->entry, &before);

	if (rc == 0 && v->value.p != NULL) {
		rc = ask(tx, SQL(ANNOTATION_COUNT), j->mailbox, user, (struct str){ 0 }, &count);
		if (rc > 0 && count >= LIMIT_ANNOTATIONS)
			return -E_LIMIT;
	}
	if (rc < 0)
		return rc;
	if (v->value.p == NULL)
		rc = DB_EXEC(tx, SQL(ANNOTATION_REMOVE), DB_I(j->mailbox), DB_I(user),
			     DB_T(v->entry));
	else
		rc = DB_EXEC(tx, SQL(ANNOTATION_SET), DB_I(j->mailbox), DB_I(user), DB_T(v->entry),
			     DB_B(v->value), DB_I(payer));
	if (rc < 0)
		return rc;
	return DB_EXEC(tx, SQL(ANNOTATION_BYTES_ADD), DB_I(payer),
		       DB_I((v->value.p != NULL ? (int64_t)(v->entry.n + v->value.n) : 0) - before));
}

int store_tx_annotation_room(struct db_tx *tx, int64_t account)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(tx, &q, SQL(ANNOTATION_BYTES), DB_I(account));
	rc = db_step(&q);
	if (rc <= 0)
		return rc < 0 ? rc : -E_NOT_FOUND;
	return db_int(&q, 0) <= LIMIT_ANNOTATION_BYTES ? 0 : -E_LIMIT;
}

/* What is left of notes that were removed stands in nobody's way. */
static int check_bytes(struct db_tx *tx, int64_t account)
{
	static const struct store_box none;
	int rc = store_tx_notes_fit(tx, account, &none);

	return rc == -E_NOTES ? -E_LIMIT : rc;
}

static void announce_entries(const struct job *j, struct db_tx *tx, int64_t account,
			     int64_t mailbox, struct str entries)
{
	store_announce(j->s, tx, &(struct store_event){
					 .account = account,
					 .mailbox = mailbox,
					 .is_private = str_starts(entries, S("/private/")),
					 .kinds = mailbox != 0 ? STORE_NEWS_METADATA
							       : STORE_NEWS_SERVER_METADATA,
					 .entries = entries });
}

/* Of the mailboxes that have had these uses so far each is told too. */
static int set_special_use(const struct job *j, struct db_tx *tx)
{
	AUTO(db_done) struct db_query q = { 0 };
	unsigned use = j->change->special_use;
	int rc;

	DB_QUERY(tx, &q, SQL(MAILBOX_USE_TAKE), DB_I(j->owner), DB_I(use), DB_I(j->mailbox));
	while ((rc = db_step(&q)) > 0)
		announce_entries(j, tx, j->owner, db_int(&q, 0), S(STORE_ENTRY_SPECIAL_USE "\n"));
	return rc < 0 ? rc : DB_EXEC(tx, SQL(MAILBOX_USE_SET), DB_I(j->mailbox), DB_I(use));
}

/* Who else sees these entries is told their names. */
static void announce(const struct job *j, struct db_tx *tx, bool is_private)
{
	const struct store_annotations_change *c = j->change;
	AUTO(buf_fini) struct buf entries = BUF_INIT((c->n + 1) * (LIMIT_ANNOTATION_ENTRY + 1));

	for (size_t i = 0; i < c->n; i++) {
		if (str_starts(c->v[i].entry, S("/private/")) != is_private)
			continue;
		buf_add(&entries, c->v[i].entry);
		buf_add_char(&entries, '\n');
	}
	if (is_private && c->sets_special_use)
		buf_add(&entries, S(STORE_ENTRY_SPECIAL_USE "\n"));
	if (entries.n > 0)
		announce_entries(j, tx, is_private ? j->user : j->owner, j->mailbox,
				 buf_str(&entries));
}

/* RFC 5464 3.3; the special use is the owner's own affair. */
static int check_rights(const struct job *j, struct db_tx *tx)
{
	unsigned rights;
	int rc = store_tx_rights_need(j->s, tx, j->mailbox, j->user, STORE_R_LOOKUP, &rights);

	if (rc == 0 && !store_annotations_may(rights))
		rc = -E_DENIED;
	return rc == 0 && j->change->sets_special_use && j->owner != j->user ? -E_DENIED : rc;
}

static int set_tx(struct db_tx *tx, void *arg)
{
	struct job *j = arg;
	struct store_box box = { .account = j->user };
	int rc = j->mailbox != 0 ? store_tx_box(tx, j->mailbox, &box) : 0;

	j->owner = box.account;
	if (rc == 0 && j->mailbox != 0)
		rc = check_rights(j, tx);
	for (size_t i = 0; i < j->change->n && rc == 0; i++)
		rc = set_one(j, tx, &j->change->v[i]);
	if (rc == 0 && j->change->sets_special_use)
		rc = set_special_use(j, tx);
	if (rc == 0)
		rc = check_bytes(tx, j->user);
	/* RFC 7162 3.2: the mailbox has changed. */
	box.is_told = true;
	if (rc == 0 && j->mailbox != 0)
		rc = store_tx_box_change(j->s, tx, &box);
	if (rc == 0) {
		announce(j, tx, true);
		announce(j, tx, false);
	}
	return rc == 0 && j->owner != j->user ? check_bytes(tx, j->owner) : rc;
}

int store_annotations_set(struct store *s, int64_t mailbox, int64_t user,
			  const struct store_annotations_change *change)
{
	struct job j = { .s = s, .mailbox = mailbox, .user = user, .change = change };

	if (mailbox == 0 && change->sets_special_use)
		return -E_CANNOT;
	for (size_t i = 0; i < change->n; i++) {
		if (mailbox == 0 && str_starts(change->v[i].entry, S("/shared/")))
			return -E_DENIED;
		if (change->v[i].value.n > LIMIT_ANNOTATION_VALUE)
			return -E_TOO_BIG;
	}
	return db_write(s->db, &(struct db_write_job){
				       .fn = set_tx, .arg = &j, .durability = DB_DURABLE });
}

/* ---- with the mailbox ---- */

int store_tx_annotations_remove(struct db_tx *tx, int64_t mailbox)
{
	int rc = DB_EXEC(tx, SQL(ANNOTATION_BYTES_DROP), DB_I(mailbox));

	return rc < 0 ? rc : DB_EXEC(tx, SQL(ANNOTATIONS_REMOVE), DB_I(mailbox));
}

int store_tx_annotations_copy(struct db_tx *tx, int64_t account, int64_t from, int64_t to)
{
	int rc = DB_EXEC(tx, SQL(ANNOTATIONS_COPY), DB_I(from), DB_I(to));

	if (rc == 0)
		rc = DB_EXEC(tx, SQL(ANNOTATION_BYTES_TAKE), DB_I(to));
	return rc < 0 ? rc : check_bytes(tx, account);
}
