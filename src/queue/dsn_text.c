/* SPDX-License-Identifier: MIT */
/* The part for people: what happened, to whom, what the other host said in its own words, and what can be done. */
#include "queue/dsn_int.h"

#include "mime/mime.h"
#include "queue/explain.h"

#define WIDTH 76

/* ONE or MANY recipients */
struct wording {
	const char *one_z, *many_z; /* the sentence before the addresses */
	const char *next_z;         /* after them */
};

static const struct wording wordings[] = {
	[QUEUE_DSN_FAILED] = {
		"Your message could not be delivered to this address, and will not be tried\r\nagain:",
		"Your message could not be delivered to these addresses, and will not be tried\r\nagain:",
		"The address did not get your message. When what stands in the way is mended,\r\nplease send it again.",
	},
	[QUEUE_DSN_DELAYED] = {
		"Your message has not been delivered to this address yet:",
		"Your message has not been delivered to these addresses yet:",
		NULL,
	},
	[QUEUE_DSN_DELIVERED] = {
		"Your message was delivered to this address, as you asked to be told:",
		"Your message was delivered to these addresses, as you asked to be told:",
		NULL,
	},
	[QUEUE_DSN_RELAYED] = {
		"Your message was passed on to the mail system of this address, which sends no\r\nsuch confirmations. Most likely it arrives, but you will hear no more of it:",
		"Your message was passed on to the mail systems of these addresses, which send\r\nno such confirmations. Most likely it arrives, but you will hear no more of it:",
		NULL,
	},
};

static void write_reply(const struct queue_dsn_rcpt *r, struct buf *out)
{
	struct str rest = str_head(r->reply.text, QUEUE_REPLY_TEXT), line;

	if ((r->reply.code == 0 && rest.n == 0) || (r->host.n == 0 && r->action == QUEUE_DSN_DELIVERED))
		return;
	if (r->reply.code > 0 && r->host.n > 0) { /* else these are our words, also with a code (RFC 7505 4.1) */
		buf_add(out, S("    The mail server "));
		dsn_words(r->host, true, out);
		buf_add(out, S(" said:\r\n"));
	} else {
		buf_add(out, S("    The reason:\r\n"));
	}
	do {
		if (!str_split(&rest, '\n', &line))
			line = S("");
		buf_add(out, S("      "));
		dsn_reply_line(&r->reply, line, true, out);
		buf_add(out, S("\r\n"));
	} while (rest.n > 0);
}

/* The address that the sender wrote to, when it became another on the way. */
static void write_original(const struct queue_dsn_rcpt *r, struct buf *out)
{
	AUTO(buf_fini) struct buf plain = BUF_INIT(DSN_WORDS);
	struct str address = r->orcpt, type;

	if (r->orcpt.n == 0 || !str_split(&address, ';', &type))
		return;
	if (str_ieq(type, S("utf-8")))
		dsn_utf8_address(address, &plain);
	else if (!str_ieq(type, S("rfc822")) || !dsn_xtext(address, &plain))
		return;
	if (str_ieq(buf_str(&plain), r->address))
		return;
	buf_add(out, S("    (you wrote to "));
	buf_add(out, buf_str(&plain));
	buf_add(out, S(")\r\n"));
}

/* Words of ours, in lines of at most WIDTH. */
static void write_wrapped(const char *before_z, const char *text_z, struct buf *out)
{
	struct str rest = str_z(text_z), word;
	size_t column = strlen(before_z) + 4;

	buf_printf(out, "    %s", before_z);
	while (str_split(&rest, ' ', &word)) {
		if (column + 1 + word.n > WIDTH) {
			buf_add(out, S("\r\n     "));
			column = 5;
		}
		buf_add_char(out, ' ');
		buf_add(out, word);
		column += 1 + word.n;
	}
	buf_add(out, S("\r\n"));
}

/* What the refusal means; who waits need not do anything. */
static void write_advice(const struct queue_dsn_rcpt *r, struct buf *out)
{
	struct str status = r->status.n > 0 ? r->status : r->reply.enhanced;
	const struct queue_explain *e;

	if ((r->action != QUEUE_DSN_FAILED && r->action != QUEUE_DSN_DELAYED) || (r->reply.code == 0 && status.n == 0))
		return;
	e = queue_explain(r->reply.code, status, r->reply.text, r->host);
	write_wrapped("This means:", e->meaning_z, out);
	if (r->action == QUEUE_DSN_FAILED)
		write_wrapped("What to do:", e->sender_z, out);
}

static void write_recipient(const struct queue_dsn_rcpt *r, struct buf *out)
{
	buf_add(out, S("\r\n  <"));
	dsn_words(r->address, true, out);
	buf_add(out, S(">\r\n"));
	write_original(r, out);
	write_reply(r, out);
	write_advice(r, out);
}

static void write_delay(const struct queue_dsn *d, int64_t until_s, struct buf *out)
{
	char date[40];

	mime_date_print_z(date, d->accepted_s, 0);
	buf_printf(out, "\r\nIt has been waiting since %s.\r\n", date);
	if (until_s > 0) {
		mime_date_print_z(date, until_s, 0);
		buf_printf(out, "It will be tried until %s,\r\nand is returned to you after that.\r\n", date);
	}
	buf_add(out, S("You need not do anything, and need not send it again.\r\n"));
}

static void write_group(const struct queue_dsn *d, enum queue_dsn_action action, bool is_next, struct buf *out)
{
	const struct wording *w = &wordings[action];
	int64_t until_s = 0;
	size_t n = 0;

	for (size_t i = 0; i < d->n_rcpts; i++)
		n += d->rcpts[i].action == action;
	if (is_next)
		buf_add(out, S("\r\n"));
	buf_printf(out, "%s\r\n", n == 1 ? w->one_z : w->many_z);
	for (size_t i = 0; i < d->n_rcpts; i++) {
		if (d->rcpts[i].action != action)
			continue;
		write_recipient(&d->rcpts[i], out);
		if (d->rcpts[i].retry_until_s > until_s)
			until_s = d->rcpts[i].retry_until_s;
	}
	if (action == QUEUE_DSN_DELAYED)
		write_delay(d, until_s, out);
	else if (w->next_z)
		buf_printf(out, "\r\n%s\r\n", w->next_z);
}

void dsn_text_write(const struct queue_dsn *d, struct buf *out)
{
	bool has[QUEUE_DSN_N_ACTIONS] = { false }, is_next = false;

	buf_add(out, S("This is the mail system at "));
	dsn_words(str_z(d->hostname_z), true, out);
	buf_add(out, S(".\r\n\r\n"));
	for (size_t i = 0; i < d->n_rcpts; i++)
		has[d->rcpts[i].action] = true;
	for (size_t i = 0; i < QUEUE_DSN_N_ACTIONS; i++) {
		if (has[i])
			write_group(d, (enum queue_dsn_action)i, is_next, out);
		is_next = is_next || has[i];
	}
	buf_add(out, S("\r\nThe postmaster can find your message by its number: "));
	dsn_words(d->qid, false, out);
	buf_add(out, S("\r\nThe same for mail programs, and your message or its header, are below.\r\n"));
}
