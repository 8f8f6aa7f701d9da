/* SPDX-License-Identifier: MIT */
/*
 * Transactions: MAIL, RCPT, DATA or BDAT; RFC 5321 3.3, pipelined (RFC 2920 3.1) where the server offers it:
 *
 *   [RSET] MAIL RCPT... DATA    in one write, then their replies    (BDAT waits for those: it cannot be taken back)
 *   message and its end         in one write, then one reply, or one for each recipient (LMTP, RFC 2033 4.2)
 *
 * A recipient's fate, in reply.code while it is open: LATER (not named yet), OPEN (not answered), TAKEN (2xx to RCPT); at the end always a reply.
 *
 * 1. 250 counts as delivered only when it answers the end of the message: anything that lies there before the end is sent is no
 *    answer to it, and the end is then not sent at all.
 * 2. When the connection is lost every open recipient gets code 0, with the stage: from SMTP_CLIENT_END on the message may have arrived.
 * 3. 421 is the last word of the server, wherever it comes (RFC 5321 3.8): all open recipients get it.
 * 4. Each reply has its time, and all replies to the recipients together: a tenth of it for each. A server that answers every
 *    one just in time does not hold us for hours.
 * 5. Whatever the server answered, it is out of its transaction before the next one (RSET goes with the next group).
 * 6. Those that are too many for one transaction, as the server says when it is asked (RFC 5321 4.5.3.1.10) or before (RFC 9422 4.2), get another one. What
 *    is said of the message counts for those who were named, what is said to MAIL for all. Once a message was sent the others are left to the caller, who
 *    writes down first what came of it: nobody gets it twice because of them. Before that each transaction decides at least one recipient, or the next
 *    names fewer, half as many if that was not few enough; and none is begun after the time of one message.
 * 7. Who is in a domain more than the server takes over one connection (RFC 9422 4.3) is for another connection.
 */
#include "smtp/client_int.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/must.h"
#include "queue/queue.h"
#include "smtp/syntax.h"

#define BY_MAX INT64_C(999999999)
#define OPEN (-1)
#define TAKEN (-2)
#define LATER (-3)
#define ORCPT_MAX 500    /* RFC 3461 4.2 */
#define GROUP 100        /* RCPT in one write */
#define LAST_WORDS_MS 1000

struct deal {
	struct smtp_client *c;
	const struct smtp_client_message *m;
	struct smtp_client_rcpt *rcpts;
	size_t n;
	struct arena *a;
	struct smtp_client_lines lines;
	enum smtp_client_stage stage;
	bool is_chunked;      /* BDAT */
	enum smtp_client_stage until; /* SMTP_CLIENT_END, or where a probe stops */
	bool has_data;        /* DATA went with the group */
	bool is_mail_taken;
	size_t n_taken, n_too_many;
	bool has_message;     /* somebody's 2xx to the end */
	bool was_sent;        /* the message, whatever the answer */
	size_t most;          /* recipients of one transaction; 0: all */
	unsigned n_splits;    /* DATA was refused so often, and some had been too many */
	int64_t end_ms;       /* when all replies that are due have to be there */
};

/* ---- what each recipient gets ---- */

static void settle_one(struct deal *d, struct smtp_client_rcpt *rcpt, struct smtp_client_reply reply)
{
	rcpt->reply = reply;
	rcpt->stage = d->stage;
}

/* All that were named in this transaction and are still open, taken ones too. */
static void settle(struct deal *d, struct smtp_client_reply reply)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->rcpts[i].reply.code == OPEN || d->rcpts[i].reply.code == TAKEN)
			settle_one(d, &d->rcpts[i], reply);
}

/* Those as well that would have come later. */
static void settle_all(struct deal *d, struct smtp_client_reply reply)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->rcpts[i].reply.code < 0)
			settle_one(d, &d->rcpts[i], reply);
}

static void refuse(struct deal *d, size_t i, const char *enhanced_z, const char *text_z)
{
	d->rcpts[i].reply = smtp_client_reply_own(d->a, enhanced_z, text_z);
	d->rcpts[i].stage = SMTP_CLIENT_RCPT;
}

/* The connection is of no more use: tells those who wait. Of those that were not named yet nothing can have arrived. Returns c->lost. */
static int lost(struct deal *d)
{
	struct smtp_client *c = d->c;
	const struct smtp_client_reply reply = c->why[0] == '\0' ? smtp_client_reply_keep(c, d->a) /* 421 */
								 : smtp_client_reply_own(d->a, "", c->why);

	settle(d, reply);
	d->stage = SMTP_CLIENT_MAIL;
	settle_all(d, reply);
	return c->lost;
}

/* ---- what cannot be sent at all ---- */

/* May it stand between < and >? No control characters, and what ends a path only in quotes. */
static bool is_path(struct str s)
{
	bool is_quoted = false;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char ch = (unsigned char)s.p[i];

		if (ch < 0x20 || ch == 0x7f || (!is_quoted && (ch == ' ' || ch == '<' || ch == '>')))
			return false;
		if (is_quoted && ch == '\\' && i + 1 < s.n && (unsigned char)s.p[i + 1] >= 0x20)
			i++;
		else if (ch == '"')
			is_quoted = !is_quoted;
	}
	return !is_quoted && s.n <= LIMIT_SMTP_PATH;
}

/* A parameter's value (RFC 5321 4.1.2, esmtp-value), or nothing. */
static bool is_value(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == '=' || s.p[i] == 0x7f)
			return false;
	return s.n <= LIMIT_SMTP_PATH;
}

static bool is_verified(const struct smtp_client *c)
{
	struct net_stream_tls_info info;

	return net_stream_tls_info(c->s, &info) && info.is_verified;
}

/* RFC 2852 4: nine digits. */
static int64_t by_left_s(const struct smtp_client_message *m)
{
	int64_t left_s = m->by_s - clock_wall_ms() / 1000;

	return left_s > BY_MAX ? BY_MAX : left_s < -BY_MAX ? -BY_MAX : left_s;
}

/* Why the message cannot go to this server; NULL: it can. RFC 3463 3.7, RFC 6531 3.7.4.2 and RFC 8689 5 have the codes. */
static const char *unfit(struct deal *d, const char **ret_enhanced_z)
{
	const struct smtp_client_caps *caps = &d->c->caps;
	const struct smtp_client_message *m = d->m;
	const struct {
		bool is_so;
		const char *enhanced_z, *text_z;
	} rows[] = {
		{ !is_path(m->reverse_path), "5.1.7", "the sender's address cannot be sent" },
		{ !is_value(m->envid), "5.5.4", "the envelope id cannot be sent" },
		{ m->is_smtputf8 && !caps->has_smtputf8, "5.6.7", "the message needs SMTPUTF8, which the server does not offer" },
		{ !m->is_smtputf8 && !str_is_ascii(m->reverse_path), "5.6.7", "the sender's address needs SMTPUTF8" },
		{ m->is_requiretls && m->reverse_path.n > 0 && !caps->has_requiretls, "5.7.30", "the message needs REQUIRETLS, which the server does not offer" },
		{ m->is_requiretls && m->reverse_path.n > 0 && !is_verified(d->c), "5.7.10", "the message needs TLS with a certificate that verifies" },
		/* RFC 2852 4.1.4.1 */
		{ m->by_s != 0 && m->by_returns && !caps->has_deliverby, "5.3.3",
		  "the message needs DELIVERBY, which the server does not offer" },
		{ m->by_s != 0 && m->by_returns && by_left_s(m) < 1, "5.4.7", "the time by which the message is wanted is over" },
		{ m->by_s != 0 && m->by_returns && by_left_s(m) < (int64_t)caps->min_by_s, "5.4.7",
		  "the server does not promise delivery as soon as the message is wanted" },
		{ m->is_binary && !(caps->has_binarymime && caps->has_chunking), "5.6.3",
		  "the message needs BINARYMIME, which the server does not offer" },
		{ m->is_8bit && !m->is_binary && !caps->has_8bitmime, "5.6.3",
		  "the message needs 8BITMIME, which the server does not offer" },
		{ d->lines.is_bare && !caps->has_chunking, "5.6.0", "the message has a CR or LF that stands alone" },
		{ caps->max_size > 0 && m->bytes.n > caps->max_size, "5.3.4", "the message is larger than the server takes" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!rows[i].is_so)
			continue;
		*ret_enhanced_z = rows[i].enhanced_z;
		return rows[i].text_z;
	}
	return NULL;
}

/* Refuses what is not to be sent; false: nobody is left. */
static bool look_over(struct deal *d)
{
	const char *enhanced_z = "", *why_z;
	size_t n = 0;

	for (size_t i = 0; i < d->n; i++) {
		d->rcpts[i].reply = (struct smtp_client_reply){ .code = LATER };
		d->rcpts[i].stage = SMTP_CLIENT_MAIL;
		d->rcpts[i].is_too_many = d->rcpts[i].is_left = false;
	}
	d->stage = SMTP_CLIENT_MAIL;
	why_z = unfit(d, &enhanced_z);
	if (why_z != NULL) {
		settle_all(d, smtp_client_reply_own(d->a, enhanced_z, why_z));
		return false;
	}
	for (size_t i = 0; i < d->n; i++) {
		if (d->rcpts[i].address.n == 0 || !is_path(d->rcpts[i].address))
			refuse(d, i, "5.1.3", "the address cannot be sent");
		else if (!d->m->is_smtputf8 && !str_is_ascii(d->rcpts[i].address))
			refuse(d, i, "5.6.7", "the address needs SMTPUTF8");
		else
			n++;
	}
	return n > 0;
}

/* ---- commands ---- */

static void put_mail(struct deal *d)
{
	AUTO(buf_fini) struct buf line = BUF_INIT(4096);
	const struct smtp_client_caps *caps = &d->c->caps;
	const struct smtp_client_message *m = d->m;
	bool is_binary = d->is_chunked && caps->has_binarymime && (m->is_binary || d->lines.is_bare);

	buf_printf(&line, "MAIL FROM:<%" STR_FMT ">", STR_ARG(m->reverse_path));
	if (caps->has_size && m->bytes.n > 0)
		buf_printf(&line, " SIZE=%zu", m->bytes.n);
	if (is_binary || (m->is_8bit && caps->has_8bitmime))
		buf_printf(&line, " BODY=%s", is_binary ? "BINARYMIME" : "8BITMIME");
	if (m->is_smtputf8)
		buf_add(&line, S(" SMTPUTF8"));
	if (m->is_requiretls && caps->has_requiretls && net_stream_is_tls(d->c->s)) /* else it is a bounce, RFC 8689 5 */
		buf_add(&line, S(" REQUIRETLS"));
	if (caps->has_deliverby && m->by_s != 0)
		buf_printf(&line, " BY=%lld;%c%s", (long long)by_left_s(m), m->by_returns ? 'R' : 'N', m->by_traces ? "T" : "");
	if (caps->has_mt_priority && m->has_priority)
		buf_printf(&line, " MT-PRIORITY=%d", m->priority);
	if (caps->has_dsn && m->dsn_ret != QUEUE_RET_NONE)
		buf_printf(&line, " RET=%s", m->dsn_ret == QUEUE_RET_FULL ? "FULL" : "HDRS");
	if (caps->has_dsn && m->envid.n > 0)
		buf_printf(&line, " ENVID=%" STR_FMT, STR_ARG(m->envid));
	smtp_client_put(d->c, buf_str(&line), NULL);
	d->c->n_mails++;
}

/* RFC 3461 4.1. */
static void add_notify(struct buf *line, unsigned notify)
{
	static const struct {
		unsigned bit;
		const char *word_z;
	} words[] = {
		{ QUEUE_NOTIFY_NEVER, "NEVER" },
		{ QUEUE_NOTIFY_SUCCESS, "SUCCESS" },
		{ QUEUE_NOTIFY_FAILURE, "FAILURE" },
		{ QUEUE_NOTIFY_DELAY, "DELAY" },
	};
	const char *before_z = " NOTIFY=";

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if ((notify & words[i].bit) == 0)
			continue;
		buf_printf(line, "%s%s", before_z, words[i].word_z);
		before_z = ",";
	}
}

/* RFC 2852 4.1.4.2: who wants it by a time, of which the server knows nothing, hears when it is late. */
static unsigned notify_of(const struct deal *d, const struct smtp_client_rcpt *r)
{
	if (d->m->by_s == 0 || d->m->by_returns || d->c->caps.has_deliverby || (r->notify & QUEUE_NOTIFY_NEVER))
		return r->notify;
	return (r->notify ? r->notify : QUEUE_NOTIFY_FAILURE) | QUEUE_NOTIFY_DELAY;
}

/* RFC 6533 3: in UTF-8 only where that may go. One that is too long then (RFC 3461 4.2), or is no value of a parameter, is left out: the message is not. */
static void add_orcpt(const struct deal *d, struct buf *line, struct str orcpt)
{
	AUTO(buf_fini) struct buf ascii = BUF_INIT(ORCPT_MAX);

	if (!d->m->is_smtputf8 && !str_is_ascii(orcpt)) {
		if (!str_is_utf8(orcpt))
			return;
		smtp_orcpt_add_ascii(orcpt, &ascii);
		orcpt = buf_overflowed(&ascii) ? S("") : buf_str(&ascii);
	}
	if (orcpt.n > 0 && is_value(orcpt))
		buf_printf(line, " ORCPT=%" STR_FMT, STR_ARG(orcpt));
}

static void put_rcpt(struct deal *d, const struct smtp_client_rcpt *r)
{
	AUTO(buf_fini) struct buf line = BUF_INIT(4096);

	buf_printf(&line, "RCPT TO:<%" STR_FMT ">", STR_ARG(r->address));
	if (d->c->caps.has_dsn) {
		add_notify(&line, notify_of(d, r));
		add_orcpt(d, &line, r->orcpt);
	}
	smtp_client_put(d->c, buf_str(&line), NULL);
}

/* ---- replies ---- */

static void set_end(struct deal *d, int64_t first_ms, int64_t each_ms)
{
	d->end_ms = smtp_client_deadline(d->c, first_ms + each_ms + each_ms / 10 * (int64_t)d->n);
}

static int64_t at_most(const struct deal *d, int64_t ms)
{
	int64_t left = d->end_ms - clock_mono_ms();

	return left < 0 ? 0 : left < ms ? left : ms;
}

/* Positive, or a refusal; anything else is no answer to such a command. */
static int reply_to(struct deal *d, enum smtp_client_stage stage, const char *what_z, int64_t ms)
{
	int r;

	d->stage = stage;
	r = smtp_client_reply_read(d->c, at_most(d, ms));
	if (r == 0 && d->c->code / 100 == 3)
		r = smtp_client_lose(d->c, -E_SYNTAX, "the server answered %s with %d", what_z, d->c->code);
	return r < 0 ? r : d->c->lost;
}

static int read_mail(struct deal *d)
{
	int r = reply_to(d, SMTP_CLIENT_MAIL, "MAIL", d->c->o.times.mail);

	d->is_mail_taken = r == 0 && d->c->code / 100 == 2;
	if (r == 0 && (!d->is_mail_taken || d->until == SMTP_CLIENT_MAIL))
		settle_all(d, smtp_client_reply_keep(d->c, d->a));
	return r;
}

/*
 * RFC 5321 4.5.3.1.10: 452, and 552 of old servers, behind those that were taken. Not when it says that something is wrong with this address or mailbox
 * (RFC 3463 3.2, 3.3); and any other code that says so itself (RFC 3463 3.6: X.5.3).
 */
static bool is_too_many(const struct deal *d, const struct smtp_client_reply *r)
{
	struct str what = str_skip(r->enhanced, 2); /* behind the class */
	bool is_its_own = str_starts(what, S("1.")) || str_starts(what, S("2."));
	bool is_said = str_eq(what, S("5.3"));

	return r->code >= 400 && d->n_taken > 0 && (is_said || ((r->code == 452 || r->code == 552) && !is_its_own));
}

static int read_rcpt(struct deal *d, struct smtp_client_rcpt *rcpt)
{
	int r = reply_to(d, SMTP_CLIENT_RCPT, "RCPT", d->c->o.times.rcpt);

	if (r < 0 || !d->is_mail_taken)
		return r;
	rcpt->stage = SMTP_CLIENT_RCPT;
	if (d->c->code / 100 == 2 && d->until > SMTP_CLIENT_RCPT) {
		rcpt->reply.code = TAKEN;
	} else {
		rcpt->reply = smtp_client_reply_keep(d->c, d->a);
		rcpt->is_too_many = is_too_many(d, &rcpt->reply);
		d->n_too_many += rcpt->is_too_many;
	}
	d->n_taken += d->c->code / 100 == 2;
	return r;
}

/* ---- the envelope ---- */

/* RFC 5321 4.3.2: it has no other answer. Where it did nothing a MAIL that follows is refused (503), which is not the message's fault. */
static int read_rset(struct deal *d)
{
	int r = reply_to(d, SMTP_CLIENT_MAIL, "RSET", d->c->o.times.command);

	if (r == 0 && d->c->code / 100 != 2)
		r = smtp_client_lose(d->c, -E_SYNTAX, "the server answered RSET with %d", d->c->code);
	return r;
}

/* Sends and takes the replies of what was written: RSET and MAIL when they were, and of the recipients that were sent. */
static int exchange(struct deal *d, bool has_rset, bool has_mail, const size_t *sent, size_t n_sent)
{
	int r = smtp_client_flush(d->c, d->c->o.times.command);

	if (r == 0 && has_rset)
		r = read_rset(d);
	if (r == 0 && has_mail)
		r = read_mail(d);
	for (size_t i = 0; r == 0 && i < n_sent; i++)
		r = read_rcpt(d, &d->rcpts[sent[i]]);
	return r;
}

/* Writes up to max RCPT from *next on, skipping those that are refused already. How many; their places in sent. */
static size_t put_group(struct deal *d, size_t *next, size_t max, size_t sent[GROUP])
{
	size_t n = 0;

	for (; *next < d->n && n < max; ++*next) {
		if (d->rcpts[*next].reply.code != OPEN)
			continue;
		put_rcpt(d, &d->rcpts[*next]);
		sent[n++] = *next;
	}
	return n;
}

static bool is_any_open(const struct deal *d, size_t from)
{
	for (size_t i = from; i < d->n; i++)
		if (d->rcpts[i].reply.code == OPEN)
			return true;
	return false;
}

/* RSET, MAIL, all RCPT, and DATA where it may go along. */
static int envelope(struct deal *d)
{
	struct smtp_client *c = d->c;
	bool is_grouped = c->caps.has_pipelining, has_rset = c->needs_rset, has_mail = true;
	size_t max = d->until == SMTP_CLIENT_MAIL ? 0 : is_grouped ? GROUP : 1;
	size_t sent[GROUP] = { 0 }, next = 0, n;
	int r = 0;

	set_end(d, c->o.times.command + c->o.times.mail, c->o.times.rcpt);
	if (has_rset)
		smtp_client_put(c, S("RSET"), NULL);
	if (has_rset && !is_grouped) {
		r = exchange(d, true, false, sent, 0);
		has_rset = false;
	}
	if (r < 0)
		return r;
	c->needs_rset = true;
	put_mail(d);
	if (!is_grouped) {
		r = exchange(d, false, true, sent, 0);
		has_mail = false;
	}
	while (r == 0 && (has_mail || (d->is_mail_taken && is_any_open(d, next)))) {
		n = put_group(d, &next, max, sent);
		d->has_data = is_grouped && !d->is_chunked && d->until >= SMTP_CLIENT_DATA && !is_any_open(d, next);
		if (d->has_data)
			smtp_client_put(c, S("DATA"), NULL);
		r = exchange(d, has_rset, has_mail, sent, n);
		has_rset = has_mail = false;
	}
	return r;
}

/* ---- the message ---- */

/* RFC 2920 3.1: the server wants a message although it takes no recipient: it gets an empty one. */
static int take_back(struct deal *d)
{
	struct smtp_client *c = d->c;
	int r = smtp_client_reply_read(c, c->o.times.data_begin);

	if (r < 0 || c->lost < 0)
		return r < 0 ? r : c->lost;
	if (c->code / 100 == 2)
		return smtp_client_lose(c, -E_SYNTAX, "the server answered DATA with %d", c->code);
	if (c->code / 100 != 3)
		return 0;
	if (c->o.is_lmtp) /* RFC 2033 4.2: as many answers as recipients, so none would come */
		return smtp_client_lose(c, -E_SYNTAX, "the server answered DATA with %d, and takes no recipient", c->code);
	r = smtp_client_ask(c, S("."), c->o.times.data_end);
	return r < 0 ? r : c->lost;
}

/*
 * As some have been too many the others are refused as well (Exim's recipients_max_reject): all come again, and fewer at once. As many as were taken
 * should be few enough; a server that then takes one less, and so on, does not get us to try every number.
 */
static void split(struct deal *d)
{
	size_t half = d->most / 2;

	for (size_t i = 0; i < d->n; i++)
		if (d->rcpts[i].reply.code == TAKEN || d->rcpts[i].is_too_many)
			d->rcpts[i].reply.code = LATER;
	d->most = d->n_splits++ > 0 && half < d->n_taken ? half : d->n_taken;
}

/* May the message be sent? 1; 0: refused, those who were taken know it. */
static int begin_data(struct deal *d)
{
	struct smtp_client *c = d->c;
	int r;

	d->stage = SMTP_CLIENT_DATA;
	if (!d->has_data)
		smtp_client_put(c, S("DATA"), NULL);
	r = d->has_data ? 0 : smtp_client_flush(c, c->o.times.data_begin);
	if (r == 0)
		r = smtp_client_reply_read(c, c->o.times.data_begin);
	if (r < 0 || c->lost < 0)
		return r < 0 ? r : c->lost;
	if (c->code / 100 == 3)
		return 1;
	if (c->code / 100 == 2)
		return smtp_client_lose(c, -E_SYNTAX, "the server answered DATA with %d", c->code);
	if (d->n_too_many > 0 && d->until == SMTP_CLIENT_END)
		split(d);
	else if (d->n_splits > 0 && c->code / 100 == 4) /* then it is not their number: all have been named, and the rest hears the same */
		settle_all(d, smtp_client_reply_keep(c, d->a));
	else
		settle(d, smtp_client_reply_keep(c, d->a));
	return 0;
}

/* Something came while we were sending: a refusal counts, anything else is out of step, and the end is not sent. */
static int interrupted(struct deal *d)
{
	struct smtp_client *c = d->c;
	int r = smtp_client_reply_read(c, LAST_WORDS_MS);

	if (r < 0 || c->lost < 0)
		return r < 0 ? r : c->lost;
	if (c->code < 400)
		return smtp_client_lose(c, -E_SYNTAX, "the server answered with %d before the message was over", c->code);
	settle(d, smtp_client_reply_keep(c, d->a));
	return smtp_client_lose(c, -E_CLOSED, "the server refused the message before it was over");
}

static int put_message(struct deal *d)
{
	struct smtp_client *c = d->c;
	char line[40];
	int n;

	d->stage = SMTP_CLIENT_DATA;
	if (!d->is_chunked) {
		smtp_client_put_data(c, d->m->bytes, &d->lines);
		if (net_stream_has_input(c->s))
			return interrupted(d);
		smtp_client_put(c, S("."), NULL);
	} else {
		size_t n_first = d->m->bytes.n > 0 ? d->m->bytes.n - 1 : 0;

		n = snprintf(line, sizeof(line), "BDAT %zu LAST", d->m->bytes.n);
		smtp_client_put(c, str_of(line, (size_t)n), NULL);
		smtp_client_put_chunk(c, str_head(d->m->bytes, n_first));
		if (net_stream_has_input(c->s))
			return interrupted(d);
		smtp_client_put_chunk(c, str_skip(d->m->bytes, n_first));
	}
	n = net_stream_flush(c->s, smtp_client_deadline(c, c->o.times.data_block));
	if (n < 0 && n != -E_CLOSED)
		return smtp_client_lose(c, n, "%s", net_stream_fault_z(c->s));
	return n < 0 ? interrupted(d) : 0;
}

/* The answer to the end, for one recipient or (NULL) for all. */
static int read_end(struct deal *d, struct smtp_client_rcpt *rcpt)
{
	int r = reply_to(d, SMTP_CLIENT_END, "the end of the message", d->c->o.times.data_end);

	if (r < 0)
		return r;
	d->c->needs_rset |= d->is_chunked && d->c->code / 100 != 2; /* DATA is over in any case, RFC 5321 4.1.1.4 */
	d->has_message |= d->c->code / 100 == 2;
	if (rcpt == NULL) {
		settle(d, smtp_client_reply_keep(d->c, d->a));
	} else {
		rcpt->stage = SMTP_CLIENT_END;
		rcpt->reply = smtp_client_reply_keep(d->c, d->a);
	}
	return 0;
}

static int message(struct deal *d)
{
	int r = d->is_chunked ? 1 : begin_data(d);

	if (r <= 0)
		return r;
	r = put_message(d);
	d->stage = r == 0 ? SMTP_CLIENT_END : d->stage;
	if (r < 0)
		return r;
	d->c->needs_rset = false;
	d->was_sent = true;
	set_end(d, 0, d->c->o.times.data_end);
	if (!d->c->o.is_lmtp)
		return read_end(d, NULL);
	for (size_t i = 0; i < d->n && r == 0; i++)
		if (d->rcpts[i].reply.code == TAKEN)
			r = read_end(d, &d->rcpts[i]);
	return r;
}

/* The end of a probe at DATA. */
static int look_no_further(struct deal *d)
{
	int r = begin_data(d);

	if (r <= 0)
		return r;
	settle(d, smtp_client_reply_keep(d->c, d->a));
	smtp_client_lose(d->c, -E_CLOSED, "the message was only announced");
	return 0;
}

/* ---- the whole ---- */

/* A kept connection on which the server has said something since: its good-bye, or it is out of step. */
static int stale(struct deal *d)
{
	struct smtp_client *c = d->c;

	d->stage = SMTP_CLIENT_MAIL;
	if (c->lost < 0 || !net_stream_has_input(c->s))
		return c->lost;
	if (smtp_client_reply_read(c, LAST_WORDS_MS) == 0 && c->lost == 0)
		smtp_client_lose(c, -E_SYNTAX, "the server said %d without being asked", c->code);
	return c->lost;
}

/* ---- domains of one connection: RFC 9422 4.3 ---- */

static bool has_domain(const struct smtp_client *c, struct str domain)
{
	struct str rest = buf_str(&c->domains), one;

	while (str_split(&rest, '\n', &one))
		if (str_ieq(one, domain))
			return true;
	return false;
}

/* May recipients of its domain be named over this connection? */
static bool takes_domain(struct smtp_client *c, struct str address)
{
	struct str domain = str_skip(address, (size_t)(str_rchr(address, '@') + 1));

	if (c->caps.max_domains == 0 || has_domain(c, domain))
		return true;
	if (c->n_domains >= c->caps.max_domains || domain.n + 1 > SMTP_CLIENT_DOMAINS - c->domains.n)
		return false;
	buf_add(&c->domains, domain);
	buf_add_char(&c->domains, '\n');
	c->n_domains++;
	return true;
}

/* ---- the next transaction ---- */

static bool is_later(const struct smtp_client_rcpt *r)
{
	return r->reply.code == LATER;
}

static bool is_any_later(const struct deal *d)
{
	for (size_t i = 0; i < d->n; i++)
		if (is_later(&d->rcpts[i]))
			return true;
	return false;
}

/* Who is in it. How many. */
static size_t choose(struct deal *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n && (d->most == 0 || n < d->most); i++) {
		if (!is_later(&d->rcpts[i]) || (d->until == SMTP_CLIENT_END && !takes_domain(d->c, d->rcpts[i].address)))
			continue;
		d->rcpts[i].reply.code = OPEN;
		d->rcpts[i].is_too_many = false;
		n++;
	}
	return n;
}

static int transaction(struct deal *d)
{
	struct smtp_client *c = d->c;
	int r;

	d->stage = SMTP_CLIENT_MAIL;
	d->has_data = d->is_mail_taken = d->has_message = false;
	d->n_taken = d->n_too_many = 0;
	if (smtp_client_is_used_up(c))
		return smtp_client_lose(c, -E_CLOSED, "the server takes no more messages over this connection");
	if (choose(d) == 0) {
		c->is_used_up = true;
		return smtp_client_lose(c, -E_CLOSED, "the server takes no more domains over this connection");
	}
	r = envelope(d);
	if (r == 0 && d->n_taken == 0 && d->has_data)
		r = take_back(d);
	else if (r == 0 && d->n_taken > 0 && d->until == SMTP_CLIENT_END)
		r = message(d);
	else if (r == 0 && d->n_taken > 0 && d->until == SMTP_CLIENT_DATA)
		r = look_no_further(d);
	return r;
}

/* The server takes the message, and no more recipients at once than it has just taken. */
static void come_again(struct deal *d)
{
	for (size_t i = 0; i < d->n; i++) {
		if (!d->rcpts[i].is_too_many)
			continue;
		d->rcpts[i].is_too_many = false;
		d->rcpts[i].reply.code = LATER;
		d->c->max_rcpts = d->n_taken;
	}
}

/* They have no reply. */
static void leave(struct deal *d)
{
	for (size_t i = 0; i < d->n; i++) {
		if (!is_later(&d->rcpts[i]))
			continue;
		d->rcpts[i].reply = (struct smtp_client_reply){ 0 };
		d->rcpts[i].is_left = true;
	}
}

/* Those that have not been named are for later. */
static void leave_rest(struct deal *d)
{
	d->stage = SMTP_CLIENT_MAIL;
	settle_all(d, smtp_client_reply_own(d->a, "4.5.3", "the server takes few recipients at once, and time is over"));
}

/* As it said, or less as it turned out. */
static size_t most_of(const struct smtp_client *c)
{
	size_t said = (size_t)c->caps.max_rcpts;

	return c->max_rcpts > 0 && (said == 0 || c->max_rcpts < said) ? c->max_rcpts : said;
}

static int run(struct deal *d)
{
	int64_t until_ms = smtp_client_deadline(d->c, d->c->o.times.data_end);
	int r;

	smtp_client_lines(d->m->bytes, &d->lines);
	d->is_chunked = d->m->is_binary || d->lines.is_bare;
	if (!look_over(d))
		return 0;
	d->most = d->until == SMTP_CLIENT_END ? most_of(d->c) : 0;
	r = stale(d);
	while (r == 0 && !d->was_sent && is_any_later(d)) {
		r = transaction(d);
		if (r == 0 && !d->was_sent && clock_mono_ms() >= until_ms)
			leave_rest(d);
	}
	if (r < 0)
		return lost(d);
	if (d->has_message)
		come_again(d);
	leave(d);
	return 0;
}

int smtp_client_send(struct smtp_client *c, const struct smtp_client_message *m, struct smtp_client_rcpt *rcpts, size_t n,
		     struct arena *a)
{
	struct deal d = { .c = c, .m = m, .rcpts = rcpts, .n = n, .a = a, .until = SMTP_CLIENT_END };

	return run(&d);
}

int smtp_client_probe(struct smtp_client *c, const struct smtp_client_message *m, struct smtp_client_rcpt *rcpts, size_t n,
		      enum smtp_client_stage until, struct arena *a)
{
	struct deal d = { .c = c, .m = m, .rcpts = rcpts, .n = n, .a = a, .until = until };
	int r;

	must(until == SMTP_CLIENT_MAIL || until == SMTP_CLIENT_RCPT || until == SMTP_CLIENT_DATA);
	r = run(&d);
	if (r == 0 && c->lost == 0 && c->needs_rset) {
		r = smtp_client_ask(c, S("RSET"), c->o.times.command);
		c->needs_rset = false;
		r = r < 0 ? r : c->lost;
	}
	return r;
}
