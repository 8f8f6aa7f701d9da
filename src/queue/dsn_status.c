/* SPDX-License-Identifier: MIT */
/*
 * The part for machines: message/delivery-status (RFC 3464 2), or message/global-delivery-status when there are addresses in UTF-8 and the
 * message was for peers that take such (RFC 6533 4.1).
 */
#include "queue/dsn_int.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "mime/mime.h"

static const char *const action_names[] = {
	[QUEUE_DSN_FAILED] = "failed",
	[QUEUE_DSN_DELAYED] = "delayed",
	[QUEUE_DSN_DELIVERED] = "delivered",
	[QUEUE_DSN_RELAYED] = "relayed",
};

const char *queue_dsn_action_z(enum queue_dsn_action action)
{
	return action_names[action];
}

static void field(struct buf *out, const char *name_z)
{
	buf_printf(out, "%s: ", name_z);
}

static void end_field(struct buf *out)
{
	buf_add(out, S("\r\n"));
}

static void date_field(struct buf *out, const char *name_z, int64_t at_s)
{
	char date[40];

	mime_date_print_z(date, at_s, 0);
	buf_printf(out, "%s: %s\r\n", name_z, date);
}

/* RFC 3464 2.2 */
static void write_message_fields(const struct queue_dsn *d, struct buf *out)
{
	if (d->envid.n > 0) {
		field(out, "Original-Envelope-Id");
		if (!dsn_xtext(d->envid, out))
			dsn_words(d->envid, false, out);
		end_field(out);
	}
	field(out, "Reporting-MTA");
	buf_add(out, S("dns; "));
	dsn_words(str_z(d->hostname_z), false, out);
	end_field(out);
	date_field(out, "Arrival-Date", d->accepted_s);
}

static void write_address(struct str type, struct str address, bool is_global, struct buf *out)
{
	dsn_words(type, false, out);
	buf_add(out, S("; "));
	if (!str_ieq(type, S("utf-8")))
		dsn_words(address, false, out);
	else if (is_global)
		dsn_utf8_address(address, out);
	else
		dsn_utf8_xtext(address, out);
}

/* addr-type = atom: what RFC 3461 4.2 allows of one in ORCPT */
static bool is_type(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '-' && !(s.p[i] >= '0' && s.p[i] <= '9') && !(str_lower_char(s.p[i]) >= 'a' && str_lower_char(s.p[i]) <= 'z'))
			return false;
	return s.n > 0 && s.n <= 40;
}

/* original-recipient-address = addr-type ";" xtext     RFC 3461 4.2, RFC 6533 3 */
static void write_original(struct str orcpt, bool is_global, struct buf *out)
{
	AUTO(buf_fini) struct buf plain = BUF_INIT(DSN_WORDS);
	struct str type;

	if (!str_split(&orcpt, ';', &type) || !is_type(type) || orcpt.n == 0)
		return;
	if (!str_ieq(type, S("utf-8")) && dsn_xtext(orcpt, &plain))
		orcpt = buf_str(&plain);
	field(out, "Original-Recipient");
	write_address(type, orcpt, is_global, out);
	end_field(out);
}

/*
 * RFC 3463 2: status-code = class "." subject "." detail. What fits the action, else its general one. A failure may have a 4.x.x: it
 * was tried until its time was over.
 */
static bool is_status(enum queue_dsn_action action, struct str s)
{
	static const char *const classes[] = {
		[QUEUE_DSN_FAILED] = "54", [QUEUE_DSN_DELAYED] = "4", [QUEUE_DSN_DELIVERED] = "2", [QUEUE_DSN_RELAYED] = "2",
	};
	struct str rest = s, digits;
	uint64_t v;
	int n = 0;

	for (; str_split(&rest, '.', &digits); n++)
		if (digits.n > 3 || !str_to_u64(digits, 999, &v))
			return false;
	return n == 3 && s.p[1] == '.' && s.p[s.n - 1] != '.' && strchr(classes[action], s.p[0]);
}

static void write_status(const struct queue_dsn_rcpt *r, struct buf *out)
{
	static const char *const general[] = {
		[QUEUE_DSN_FAILED] = "5.0.0", [QUEUE_DSN_DELAYED] = "4.0.0", [QUEUE_DSN_DELIVERED] = "2.0.0", [QUEUE_DSN_RELAYED] = "2.0.0",
	};

	struct str status = r->status.n > 0 ? r->status : r->reply.enhanced;

	field(out, "Status");
	buf_add(out, is_status(r->action, status) ? status : str_z(general[r->action]));
	end_field(out);
}

/* RFC 3464 2.3.6. Our own words are of no registered type; the lines of a reply are folds. */
static void write_diagnostic(const struct queue_reply *r, bool is_global, struct buf *out)
{
	struct str rest = str_head(r->text, QUEUE_REPLY_TEXT), line;
	bool is_first = true;

	if (r->code == 0 && r->text.n == 0)
		return;
	field(out, "Diagnostic-Code");
	buf_add(out, r->code > 0 ? S("smtp; ") : S("X-Martlet; "));
	if (rest.n == 0)
		dsn_reply_line(r, rest, is_global, out);
	while (str_split(&rest, '\n', &line)) {
		if (str_trim(line).n == 0)
			continue;
		buf_add(out, is_first ? S("") : S("\r\n    "));
		dsn_reply_line(r, str_trim(line), is_global, out);
		is_first = false;
	}
	end_field(out);
}

/* RFC 3464 2.1.2, RFC 5321 4.1.3: a host that is known by its address has it in brackets. */
static void write_remote(struct str host, struct buf *out)
{
	unsigned char bytes[16];
	char host_z[INET6_ADDRSTRLEN];
	bool is_v4, is_v6;

	snprintf(host_z, sizeof(host_z), "%" STR_FMT, STR_ARG(host));
	is_v4 = host.n < sizeof(host_z) && inet_pton(AF_INET, host_z, bytes) == 1;
	is_v6 = host.n < sizeof(host_z) && inet_pton(AF_INET6, host_z, bytes) == 1;
	field(out, "Remote-MTA");
	buf_add(out, is_v6 ? S("dns; [IPv6:") : is_v4 ? S("dns; [") : S("dns; "));
	dsn_words(host, false, out);
	buf_add(out, is_v4 || is_v6 ? S("]") : S(""));
	end_field(out);
}

/* RFC 3464 2.3 */
static void write_recipient(const struct queue_dsn_rcpt *r, bool is_global, struct buf *out)
{
	end_field(out); /* the empty line before each */
	if (r->orcpt.n > 0)
		write_original(r->orcpt, is_global, out);
	field(out, "Final-Recipient");
	write_address(str_is_ascii(r->address) || !str_is_utf8(r->address) ? S("rfc822") : S("utf-8"), r->address, is_global, out);
	end_field(out);
	field(out, "Action");
	buf_add(out, str_z(action_names[r->action]));
	end_field(out);
	write_status(r, out);
	if (r->host.n > 0)
		write_remote(r->host, out);
	write_diagnostic(&r->reply, is_global, out);
	if (r->last_attempt_s > 0)
		date_field(out, "Last-Attempt-Date", r->last_attempt_s);
	if (r->action == QUEUE_DSN_DELAYED && r->retry_until_s > 0)
		date_field(out, "Will-Retry-Until", r->retry_until_s);
}

static bool needs_utf8(struct str s)
{
	return !str_is_ascii(s) && str_is_utf8(s);
}

bool dsn_status_is_global(const struct queue_dsn *d)
{
	for (size_t i = 0; d->is_smtputf8 && i < d->n_rcpts; i++)
		if (needs_utf8(d->rcpts[i].address) || needs_utf8(d->rcpts[i].orcpt))
			return true;
	return false;
}

void dsn_status_write(const struct queue_dsn *d, struct buf *out)
{
	bool is_global = dsn_status_is_global(d);

	write_message_fields(d, out);
	for (size_t i = 0; i < d->n_rcpts; i++)
		write_recipient(&d->rcpts[i], is_global, out);
}
