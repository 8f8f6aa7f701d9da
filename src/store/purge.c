/* SPDX-License-Identifier: MIT */
/*
 * What was in a deleted mailbox goes in small transactions, so that a million messages do not
 * hold up deliveries.
 *
 * States: 1. the mailbox belongs to account 0 (store_tx_mailbox_doom, with the answer to the
 * user): nobody sees it any more.
 * 2. its messages go, SLICE at a time, each with its reference to a content. 3. its row goes. A
 *    crash in 1 or 2 leaves the rest to the next store_open().
 */
#include "store/store_int.h"

#define SLICE 1000

struct job {
	bool is_done;
};

static int next_doomed(struct db_tx *tx, int64_t *ret)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	db_query(tx, &q, SQL(DOOMED_NEXT), NULL, 0);
	rc = db_step(&q);
	if (rc > 0)
		*ret = db_int(&q, 0);
	return rc;
}

/* How many there were, or negative. */
static int remove_slice(struct db_tx *tx, int64_t mailbox)
{
	int64_t contents[SLICE], uid = 0;
	int n, rc;
	struct db_query q;

	DB_QUERY(tx, &q, SQL(DOOMED_MESSAGES), DB_I(mailbox), DB_I(SLICE));
	for (n = 0; (rc = db_step(&q)) > 0 && n < SLICE; n++) {
		uid = db_int(&q, 0);
		contents[n] = db_int(&q, 1);
	}
	db_done(&q);
	if (rc < 0 || n == 0)
		return rc < 0 ? rc : 0;
	rc = DB_EXEC(tx, SQL(DOOMED_MESSAGE_REMOVE), DB_I(mailbox), DB_I(uid));
	if (rc == 0) /* with those of the next few: nobody asks for them */
		rc = DB_EXEC(tx, SQL(STATES_PURGE), DB_I(store_states_id(mailbox, 0)),
			     DB_I(store_states_id(mailbox, (uint32_t)uid)));
	if (rc == 0)
		rc = store_tx_notes_purge(tx, mailbox, uid);
	for (int i = 0; i < n && rc == 0; i++)
		rc = store_tx_content_ref(tx, contents[i], -1);
	return rc < 0 ? rc : n;
}

static int purge_tx(struct db_tx *tx, void *arg)
{
	struct job *j = arg;
	int64_t mailbox;
	int rc = next_doomed(tx, &mailbox);

	j->is_done = rc == 0;
	if (rc <= 0)
		return rc;
	rc = remove_slice(tx, mailbox);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	rc = DB_EXEC(tx, SQL(STATES_PURGE), DB_I(store_states_id(mailbox, 0)),
		     DB_I(store_states_id(mailbox, UINT32_MAX)));
	if (rc == 0)
		rc = DB_EXEC(tx, SQL(EXPUNGED_REMOVE), DB_I(mailbox));
	if (rc == 0)
		rc = DB_EXEC(tx, SQL(KEYWORDS_REMOVE), DB_I(mailbox));
	if (rc == 0)
		rc = DB_EXEC(tx, SQL(KEYWORD_SETS_REMOVE), DB_I(mailbox));
	if (rc == 0)
		rc = DB_EXEC(tx, SQL(IMPORTS_REMOVE), DB_I(mailbox));
	if (rc == 0)
		rc = DB_EXEC(tx, SQL(DOOMED_REMOVE), DB_I(mailbox));
	return rc;
}

int store_purge(struct store *s)
{
	struct job j = { false };
	int rc;

	do {
		rc = db_write(s->db, &(struct db_write_job){
					     .fn = purge_tx, .arg = &j, .durability = DB_LAZY });
	} while (rc == 0 && !j.is_done);
	return rc;
}
