/* SPDX-License-Identifier: MIT */
/*
 * The items that the view itself answers, formatted by hand: clients ask for UID and FLAGS of
 * a million messages at a time. Lines are gathered in one buffer and go to the connection in
 * large pieces; the text of a set of flags is kept from one message to the next, because
 * neighbours mostly have the same.
 */
#include "imap/fetch_line.h"

#include "base/limits.h"
#include "imap/imap_int.h"
#include "net/conn.h"

#define OUT_PIECE (32u << 10)
#define FLAGS_MAX (STORE_KEYWORDS_MAX * (LIMIT_IMAP_KEYWORD_BYTES + 1) + 256)
#define YEAR_1 (-62135596800)   /* its first second */
#define YEAR_9999 253402300799  /* its last */
#define LINE_MAX_ 512 /* all that a line has besides its flags */

void imap_fetch_line_init(struct imap_fetch_line *l, struct imap_session *s)
{
	*l = (struct imap_fetch_line){ .session = s };
	buf_init(&l->out, OUT_PIECE + LINE_MAX_ + FLAGS_MAX);
	buf_init(&l->flags_text, FLAGS_MAX);
}

void imap_fetch_line_fini(struct imap_fetch_line *l)
{
	buf_fini(&l->out);
	buf_fini(&l->flags_text);
}

void imap_fetch_line_flush(struct imap_fetch_line *l)
{
	conn_write(l->session->conn, buf_str(&l->out));
	buf_reset(&l->out);
}

/* ---- pieces; each returns the end of what it wrote ---- */

static char *put(char *to, struct str s)
{
	memcpy(to, s.p, s.n);
	return to + s.n;
}

static char *put_u64(char *to, uint64_t v)
{
	char digits[20];
	size_t i = sizeof(digits);

	do {
		digits[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	return put(to, str_of(digits + i, sizeof(digits) - i));
}

static char *put_2(char *to, unsigned v)
{
	to[0] = (char)('0' + v / 10 % 10);
	to[1] = (char)('0' + v % 10);
	return to + 2;
}

/*
 * Always in UTC:
 * date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE
 */
static char *put_date(char *to, int64_t epoch_s)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	/* Four digits of year are all that the grammar has. */
	int64_t t = epoch_s < YEAR_1 ? YEAR_1 : epoch_s > YEAR_9999 ? YEAR_9999 : epoch_s;
	int64_t day = t / 86400 - (t % 86400 < 0), s = t - day * 86400;
	/* Days to a date: years from 1 March, in eras of 400 of them. */
	int64_t z = day + 719468, era = z / 146097, doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
	unsigned month = (unsigned)(mp < 10 ? mp + 2 : mp - 10); /* 0: January */
	unsigned year = (unsigned)(yoe + era * 400 + (month < 2));

	*to++ = '"';
	to = put_2(to, (unsigned)(doy - (153 * mp + 2) / 5 + 1));
	if (to[-2] == '0')
		to[-2] = ' ';
	*to++ = '-';
	to = put(to, str_of(months + 3 * month, 3));
	*to++ = '-';
	to = put_2(put_2(to, year / 100), year % 100);
	*to++ = ' ';
	to = put_2(to, (unsigned)(s / 3600));
	*to++ = ':';
	to = put_2(to, (unsigned)(s / 60 % 60));
	*to++ = ':';
	to = put_2(to, (unsigned)(s % 60));
	return put(to, S(" +0000\""));
}

/* ---- flags ---- */

static const struct {
	uint64_t flag;
	struct str name;
} flag_names[] = {
	{ STORE_ANSWERED, STR_INIT("\\Answered ") },
	{ STORE_FLAGGED, STR_INIT("\\Flagged ") },
	{ STORE_DELETED, STR_INIT("\\Deleted ") },
	{ STORE_SEEN, STR_INIT("\\Seen ") },
	{ STORE_DRAFT, STR_INIT("\\Draft ") },
};

static void format_flags(struct buf *b, const struct store_keywords *keywords, uint64_t flags,
			 bool is_recent)
{
	uint16_t numbers[STORE_KEYWORDS_MAX];
	size_t n;

	buf_reset(b);
	buf_add_char(b, '(');
	for (size_t i = 0; i < ARRAY_LEN(flag_names); i++) {
		if (flags & flag_names[i].flag)
			buf_add(b, flag_names[i].name);
	}
	if (is_recent)
		buf_add(b, S("\\Recent "));
	n = flags >> STORE_KEYWORD_BIT ? store_keywords_of(keywords, flags, numbers) : 0;
	for (size_t i = 0; i < n; i++) {
		buf_add(b, keywords->v[numbers[i]]);
		buf_add_char(b, ' ');
	}
	if (b->n > 1)
		buf_truncate(b, b->n - 1);
	buf_add_char(b, ')');
}

static struct str flags_text(struct imap_fetch_line *l, const struct store_keywords *keywords,
			     const struct store_msg *m)
{
	bool is_recent = l->session->sel->recent.n > 0 && imap_is_recent(l->session, m->uid);

	if (l->flags_text.n == 0 || l->flags != m->flags || l->is_recent != is_recent ||
	    l->keywords != keywords) {
		format_flags(&l->flags_text, keywords, m->flags, is_recent);
		l->flags = m->flags;
		l->is_recent = is_recent;
		l->keywords = keywords;
	}
	return buf_str(&l->flags_text);
}

/* ---- the line ---- */

static char *put_id(char *to, struct str name, char letter, int64_t id)
{
	to = put(to, name);
	if (id <= 0)
		return put(to, S("NIL "));
	*to++ = '(';
	*to++ = letter;
	to = put_u64(to, (uint64_t)id);
	return put(to, S(") "));
}

static char *put_rare(char *to, unsigned bits, const struct store_msg *m)
{
	if (bits & IMAP_FETCH_EMAILID)
		to = put_id(to, S("EMAILID "), 'E', m->content);
	if (bits & IMAP_FETCH_THREADID)
		to = put_id(to, S("THREADID "), 'T', m->thread);
	if (bits & IMAP_FETCH_SAVEDATE) {
		to = put(to, S("SAVEDATE "));
		to = m->savedate_s == 0 ? put(to, S("NIL")) : put_date(to, m->savedate_s);
		*to++ = ' ';
	}
	return to;
}

void imap_fetch_line_begin(struct imap_fetch_line *l, uint32_t seq, unsigned bits,
			   const struct store_keywords *keywords, const struct store_msg *m)
{
	struct str flags = bits & IMAP_FETCH_FLAGS ? flags_text(l, keywords, m) : S("");
	char *from, *to;

	if (l->out.n > OUT_PIECE)
		imap_fetch_line_flush(l);
	from = to = buf_reserve(&l->out, LINE_MAX_ + flags.n);
	/* RFC 9586 3.3 */
	to = put_u64(put(to, S("* ")), l->session->has_uidonly ? m->uid : seq);
	to = put(to, l->session->has_uidonly ? S(" UIDFETCH (") : S(" FETCH ("));
	if (bits & IMAP_FETCH_UID) {
		to = put_u64(put(to, S("UID ")), m->uid);
		*to++ = ' ';
	}
	if (bits & IMAP_FETCH_FLAGS) {
		to = put(put(to, S("FLAGS ")), flags);
		*to++ = ' ';
	}
	if (bits & IMAP_FETCH_MODSEQ) {
		to = put_u64(put(to, S("MODSEQ (")), m->modseq);
		to = put(to, S(") "));
	}
	if (bits & IMAP_FETCH_INTERNALDATE) {
		to = put_date(put(to, S("INTERNALDATE ")), m->internaldate_s);
		*to++ = ' ';
	}
	if (bits & IMAP_FETCH_SIZE) {
		to = put_u64(put(to, S("RFC822.SIZE ")), m->size);
		*to++ = ' ';
	}
	to = put_rare(to, bits, m);
	/* The blank after the last item; "(" stays when there is none. */
	if (to[-1] == ' ')
		to--;
	buf_commit(&l->out, (size_t)(to - from));
}

void imap_fetch_line_end(struct imap_fetch_line *l)
{
	buf_add(&l->out, S(")\r\n"));
}
