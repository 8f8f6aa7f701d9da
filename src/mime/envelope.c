/* SPDX-License-Identifier: MIT */
/*
 * The IMAP ENVELOPE of a header (RFC 9051 7.5.2, grammar in 9): one pass finds the fields, then
 * they are printed in order. Nothing is decoded; folds go away in mime_quote_string().
 */
#include "mime/mime_int.h"

/* In the order of the envelope. */
enum { DATE, SUBJECT, FROM, SENDER, REPLY_TO, TO, CC, BCC, IN_REPLY_TO, MESSAGE_ID, N_ITEMS };

static const struct mime_field_row items[] = {
	{ STR_INIT("Date"), DATE },
	{ STR_INIT("Subject"), SUBJECT },
	{ STR_INIT("From"), FROM },
	{ STR_INIT("Sender"), SENDER },
	{ STR_INIT("Reply-To"), REPLY_TO },
	{ STR_INIT("To"), TO },
	{ STR_INIT("Cc"), CC },
	{ STR_INIT("Bcc"), BCC },
	{ STR_INIT("In-Reply-To"), IN_REPLY_TO },
	{ STR_INIT("Message-ID"), MESSAGE_ID },
};

/* RFC 5322 4.5.3: several fields with recipients count as one list. */
#define REPEATS_MAX 20

struct item {
	struct str value[REPEATS_MAX];
	size_t n;
};

static void find_items(struct str header, struct item found[N_ITEMS])
{
	struct mime_field f;

	while (mime_field_next(&header, &f) == 1) {
		int id = mime_field_row(items, ARRAY_LEN(items), f.name);
		size_t max = id == TO || id == CC || id == BCC ? REPEATS_MAX : 1;

		if (id >= 0 && found[id].n < max)
			found[id].value[found[id].n++] = f.value;
	}
}

static void print_text(struct buf *out, const struct item *item)
{
	if (item->n == 0)
		buf_add(out, S("NIL"));
	else
		mime_quote_string(out, str_head(str_trim(item->value[0]), LIMIT_MIME_HEADER_FIELD));
}

static struct str nil_if_empty(struct str s)
{
	return s.n > 0 ? s : (struct str){ NULL, 0 };
}

/* address = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")" */
static void print_address(struct buf *out, const struct mime_address *address)
{
	struct str mailbox = address->mailbox, host = address->domain;

	/* A NIL mailbox or host means a group: an address without one has it empty. */
	mailbox.p = mailbox.p == NULL ? "" : mailbox.p;
	host.p = host.p == NULL ? "" : host.p;
	if (address->kind != MIME_ADDR_MAILBOX)
		host.p = NULL;
	if (address->kind == MIME_ADDR_GROUP_END)
		mailbox.p = NULL;
	buf_add_char(out, '(');
	mime_quote_nstring(out, nil_if_empty(address->name));
	buf_add_char(out, ' ');
	mime_quote_nstring(out, nil_if_empty(address->route));
	buf_add_char(out, ' ');
	mime_quote_nstring(out, mailbox);
	buf_add_char(out, ' ');
	mime_quote_nstring(out, host);
	buf_add_char(out, ')');
}

/* "(" 1*address ")"; nothing and false when there are no addresses. */
static bool print_addresses(struct buf *out, const struct item *item, struct mime_address_reader *r)
{
	struct mime_address address;
	bool has_any = false;

	for (size_t i = 0; i < item->n; i++) {
		mime_address_reader_start(r, item->value[i]);
		while (mime_address_reader_next(r, &address) == 1) {
			if (!has_any)
				buf_add_char(out, '(');
			has_any = true;
			print_address(out, &address);
		}
	}
	if (has_any)
		buf_add_char(out, ')');
	return has_any;
}

static void print(struct buf *out, const struct item found[N_ITEMS])
{
	AUTO(mime_address_reader_fini) struct mime_address_reader r;

	mime_address_reader_init(&r);
	for (int i = 0; i < N_ITEMS; i++) {
		bool is_text = i <= SUBJECT || i >= IN_REPLY_TO;
		bool has_default = i == SENDER || i == REPLY_TO;

		buf_add_char(out, i == 0 ? '(' : ' ');
		if (is_text)
			print_text(out, &found[i]);
		else if (!print_addresses(out, &found[i], &r) &&
			 !(has_default && print_addresses(out, &found[FROM], &r)))
			buf_add(out, S("NIL"));
	}
	buf_add_char(out, ')');
}

int mime_envelope_print(struct arena *a, struct str header, struct buf *out)
{
	struct item found[N_ITEMS] = { 0 };
	size_t begin = out->n;

	(void)a;
	if (buf_overflowed(out))
		return -E_LIMIT;
	find_items(header, found);
	print(out, found);
	if (!buf_overflowed(out))
		return 0;
	/* An envelope that does not fit is an empty one: the mail itself is not refused for it. */
	buf_truncate(out, begin);
	out->overflowed = false;
	memset(found, 0, sizeof(found));
	print(out, found);
	return buf_overflowed(out) ? -E_LIMIT : 0;
}
