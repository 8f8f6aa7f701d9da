/* SPDX-License-Identifier: MIT */
/* STATUS, RFC 9051 6.3.11, and the items that LIST RETURN (STATUS ...) shares (RFC 5819). */
#include "imap/cmd_list.h"
#include "imap/imap_int.h"
#include "imap/resp.h"
#include "store/mailbox.h"
#include "store/rights.h"

static const struct {
	struct str name;
	enum imap_status_item item;
	const char *rfc;
} items_table[] = {
	{ STR_INIT("MESSAGES"), IMAP_STATUS_MESSAGES, "RFC 9051 6.3.11" },
	{ STR_INIT("UIDNEXT"), IMAP_STATUS_UIDNEXT, "RFC 9051 6.3.11" },
	{ STR_INIT("UIDVALIDITY"), IMAP_STATUS_UIDVALIDITY, "RFC 9051 6.3.11" },
	{ STR_INIT("UNSEEN"), IMAP_STATUS_UNSEEN, "RFC 9051 6.3.11" },
	{ STR_INIT("DELETED"), IMAP_STATUS_DELETED, "RFC 9051 6.3.11" },
	{ STR_INIT("SIZE"), IMAP_STATUS_SIZE, "RFC 9051 6.3.11" },
	{ STR_INIT("RECENT"), IMAP_STATUS_RECENT, "RFC 3501 6.3.10" },
	{ STR_INIT("HIGHESTMODSEQ"), IMAP_STATUS_HIGHESTMODSEQ, "RFC 7162 3.1.7" },
	{ STR_INIT("APPENDLIMIT"), IMAP_STATUS_APPENDLIMIT, "RFC 7889 3.1" },
	{ STR_INIT("MAILBOXID"), IMAP_STATUS_MAILBOXID, "RFC 8474 4.3" },
	{ STR_INIT("DELETED-STORAGE"), IMAP_STATUS_DELETED_STORAGE, "RFC 9208 4.1.4" },
};

/* "(" status-att *(SP status-att) ")" */
int imap_status_parse(struct imap_parse *p, unsigned *ret_items)
{
	struct imap_parse q = *p;
	unsigned items = 0;

	if (imap_parse_char(&q, '(') <= 0)
		return 0;
	do {
		struct str name;
		size_t i;

		if (imap_parse_name(&q, &name) <= 0)
			return 0;
		for (i = 0; i < ARRAY_LEN(items_table) && !str_ieq(name, items_table[i].name); i++)
			;
		if (i == ARRAY_LEN(items_table))
			return 0;
		items |= items_table[i].item;
	} while (imap_parse_sp(&q) > 0);
	if (imap_parse_char(&q, ')') <= 0)
		return 0;
	*ret_items = items;
	p->p = q.p;
	return 1;
}

/* What is not in the row of the mailbox; asked for when it is wanted. */
struct counted {
	uint64_t recent, deleted_bytes;
};

static uint64_t value_of(struct imap_session *s, const struct store_mailbox *box, enum imap_status_item item,
			 const struct counted *counted)
{
	switch (item) {
	case IMAP_STATUS_MESSAGES:
		return box->messages;
	case IMAP_STATUS_UIDNEXT:
		return box->uidnext;
	case IMAP_STATUS_UIDVALIDITY:
		return box->uidvalidity;
	case IMAP_STATUS_UNSEEN:
		return box->unseen;
	case IMAP_STATUS_DELETED:
		return box->deleted;
	case IMAP_STATUS_SIZE:
		return box->size_bytes;
	case IMAP_STATUS_RECENT:
		return counted->recent;
	case IMAP_STATUS_HIGHESTMODSEQ:
		return box->highestmodseq > 0 ? box->highestmodseq : 1;
	case IMAP_STATUS_APPENDLIMIT:
		return (uint64_t)s->conf->max_message_bytes;
	case IMAP_STATUS_DELETED_STORAGE:
		return counted->deleted_bytes;
	case IMAP_STATUS_MAILBOXID:
		break; /* not a number */
	}
	return 0;
}

/* status-att-val */
static void show_value(struct imap_session *s, const struct store_mailbox *box, size_t row,
		       const struct counted *counted)
{
	enum imap_status_item item = items_table[row].item;

	imap_resp(s, items_table[row].name);
	if (item == IMAP_STATUS_MAILBOXID)
		imap_respf(s, " (%" STR_FMT ")", STR_ARG(box->mailboxid));
	else
		imap_respf(s, " %llu", (unsigned long long)value_of(s, box, item, counted));
}

int imap_status_show(struct imap_session *s, const struct store_mailbox *box, unsigned items)
{
	struct counted counted = { 0 };
	struct str sep = S("");
	size_t i;
	int r = 0;

	/* RFC 3501 6.3.10: a STATUS does not take \Recent away from the next SELECT. */
	if (items & IMAP_STATUS_RECENT)
		r = store_mailbox_recent_count(imap_store(s), box->id, &counted.recent);
	if (r == 0 && (items & IMAP_STATUS_DELETED_STORAGE))
		r = store_mailbox_deleted_bytes(imap_store(s), box, &counted.deleted_bytes);
	if (r < 0)
		return r;
	imap_resp(s, S("* STATUS "));
	imap_resp_mailbox(s, box->name);
	imap_resp(s, S(" ("));
	for (i = 0; i < ARRAY_LEN(items_table); i++) {
		if (!(items & items_table[i].item))
			continue;
		imap_resp(s, sep);
		show_value(s, box, i, &counted);
		sep = S(" ");
	}
	imap_resp(s, S(")\r\n"));
	return 0;
}

/* status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")" */
int imap_cmd_status(struct imap_session *s)
{
	struct imap_parse *p = &s->p;
	struct store_mailbox box;
	struct str name;
	unsigned items;
	int r;

	if ((r = imap_need(imap_parse_sp(p))) < 0 ||
	    (r = imap_need(imap_parse_mailbox(p, &name))) < 0 ||
	    (r = imap_need(imap_parse_sp(p))) < 0 ||
	    (r = imap_need(imap_status_parse(p, &items))) < 0 ||
	    (r = imap_need(imap_parse_end(p))) < 0)
		return r;
	r = imap_mailbox_find(s, name, STORE_R_READ, &box);
	if (r == 0 && (items & IMAP_STATUS_HIGHESTMODSEQ))
		imap_condstore_enable(s);
	return r < 0 ? r : imap_status_show(s, &box, items);
}
