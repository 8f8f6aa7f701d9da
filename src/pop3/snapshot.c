/* SPDX-License-Identifier: MIT */
/*
 * The maildrop of a session. Message numbers are sequence numbers of the view that was newest at
 * login; what other sessions deliver or expunge meanwhile changes nothing here.
 *
 * What happens to a message that is deleted here:
 * 1. DELE sets its bit; nobody else sees anything. RSET, a lost connection, autologout: nothing
 *    has happened.
 * 2. QUIT expunges exactly the marked UIDs in one durable transaction, then answers +OK. A crash
 *    before the commit leaves state 1 behind; after it the messages are gone although the client
 *    may not have seen the answer, which RFC 1939 6 allows.
 */
#include "pop3/pop3_int.h"

#include "base/must.h"
#include "store/mailbox.h"
#include "store/message.h"

#define SNAPSHOT_ARENA (64u << 10)

int pop3_snapshot_open(struct pop3_snapshot *p, struct store *s, int64_t account)
{
	AUTO(arena_fini) struct arena a = { .cap = SNAPSHOT_ARENA };
	AUTO(store_mbox_close) struct store_mbox *mbox = NULL;
	struct store_mailbox inbox;
	int rc = store_mailbox_find(s, &a, account, S("INBOX"), &inbox);

	must(p->view == NULL);
	if (rc == 0)
		rc = store_mbox_open(s, inbox.id, &mbox);
	if (rc == 0)
		rc = store_mbox_view(mbox, &p->view);
	return rc;
}

void pop3_snapshot_close(struct pop3_snapshot *p)
{
	store_view_unref(p->view);
	mem_free(p->deleted);
	*p = (struct pop3_snapshot){ 0 };
}

static bool is_deleted(const struct pop3_snapshot *p, uint32_t number)
{
	return p->deleted != NULL && (p->deleted[number / 8] & 1u << number % 8) != 0;
}

const struct store_msg *pop3_snapshot_at(const struct pop3_snapshot *p, uint64_t number)
{
	if (number == 0 || number > p->view->n || is_deleted(p, (uint32_t)number))
		return NULL;
	return store_view_at(p->view, (uint32_t)number);
}

void pop3_snapshot_delete(struct pop3_snapshot *p, uint32_t number)
{
	must(number >= 1 && number <= p->view->n);
	if (p->deleted == NULL)
		p->deleted = mem_alloc(p->view->n / 8 + 1, 1);
	if (!is_deleted(p, number))
		p->n_deleted++;
	p->deleted[number / 8] |= (uint8_t)(1u << number % 8);
}

void pop3_snapshot_undelete_all(struct pop3_snapshot *p)
{
	mem_free(p->deleted);
	p->deleted = NULL;
	p->n_deleted = 0;
}

void pop3_snapshot_count(const struct pop3_snapshot *p, uint32_t *ret_n, uint64_t *ret_octets)
{
	const struct store_msg *run;
	uint64_t octets = 0;
	uint32_t n;

	for (uint32_t seq = 1; (n = store_view_run(p->view, seq, &run)) > 0; seq += n)
		for (uint32_t i = 0; i < n; i++)
			octets += is_deleted(p, seq + i) ? 0 : run[i].size;
	*ret_n = p->view->n - p->n_deleted;
	*ret_octets = octets;
}

int pop3_snapshot_expunge(const struct pop3_snapshot *p, struct store *s, uint32_t *ret_n)
{
	/*
	 * A range takes 8 bytes, the growing array at most four times that; the store needs about
	 * as much again.
	 */
	AUTO(arena_fini) struct arena a = { .cap = SNAPSHOT_ARENA + (size_t)p->n_deleted * 128 };
	struct uidset uids = { 0 }, expunged = { 0 };
	uint64_t modseq;
	int rc = 0;

	*ret_n = 0;
	for (uint32_t i = 1; rc == 0 && p->n_deleted > 0 && i <= p->view->n; i++)
		if (is_deleted(p, i)) {
			uint32_t uid = store_view_at(p->view, i)->uid;

			rc = uidset_add(&a, &uids, uid, uid);
		}
	/* An empty set must not reach the store by accident: there NULL means everything. */
	if (rc < 0 || uids.n == 0)
		return rc;
	rc = store_expunge(s, &a, p->view->mailbox, &uids, false, &expunged, &modseq);
	if (rc == 0)
		*ret_n = (uint32_t)uidset_count(&expunged);
	return rc;
}
