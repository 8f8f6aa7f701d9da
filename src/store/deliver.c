/* SPDX-License-Identifier: MIT */
/*
 * One delivered message into one INBOX, as part of queue/accept's transaction: about six
 * statements, because all deliveries of the server run on one thread. The states of a message
 * stand at the head of append.c.
 */
#include "store/store_int.h"

int store_tx_deliver(struct store *s, struct db_tx *tx, int64_t account, int64_t content,
		     const struct store_content_new *c, bool has_quota, int64_t *ret_mailbox,
		     uint32_t *ret_uid)
{
	struct store_adding m = {
		.content = content,
		.internaldate_s = store_now_s(),
		.size = (int64_t)c->bytes.n,
	};
	struct store_box box;
	int rc = store_tx_box_named(tx, account, S("INBOX"), &box);

	if (rc == 0 && has_quota)
		rc = store_box_fits(&box, 1, m.size);
	if (rc == 0)
		rc = store_tx_thread(tx, account, c, content, &m.thread);
	if (rc == 0)
		rc = store_tx_box_add(tx, &box, &m, ret_uid);
	if (rc == 0)
		rc = store_tx_box_change(s, tx, &box);
	if (rc == 0)
		*ret_mailbox = box.id;
	return rc;
}
