/* SPDX-License-Identifier: MIT */
/*
 * When a message is wanted at its recipients, and how urgently: the parameters of DELIVERBY (RFC 2852), FUTURERELEASE (RFC 4865) and
 * MT-PRIORITY (RFC 6710).
 */
#include "smtp/smtp_int.h"

#include <stdio.h>
#include <time.h>

#include "base/clock.h"

#define BY_DIGITS 9
#define HOLD_DIGITS 9
#define PRIORITY_MAX 9

/* ---- DELIVERBY ---- */

/* by-value = by-time ";" by-mode [by-trace]     RFC 2852 4 */
int smtp_apply_by(struct smtp_session *s, void *target, struct str value)
{
	struct queue_wish *wish = &((struct smtp_tx *)target)->wish;
	bool is_negative = str_starts(value, S("-"));
	struct str digits, mode = value;
	uint64_t seconds;

	(void)s;
	if (is_negative || str_starts(value, S("+")))
		mode = str_skip(value, 1);
	if (!str_split(&mode, ';', &digits) || digits.n > BY_DIGITS || !str_to_u64(digits, UINT64_MAX, &seconds))
		return SMTP_R_SYNTAX_PARAM;
	wish->by_traces = mode.n == 2 && str_lower_char(mode.p[1]) == 't';
	if (mode.n != 1 && !wish->by_traces)
		return SMTP_R_SYNTAX_PARAM;
	wish->by_returns = str_lower_char(mode.p[0]) == 'r';
	if (!wish->by_returns && str_lower_char(mode.p[0]) != 'n')
		return SMTP_R_SYNTAX_PARAM;
	if (wish->by_returns && (is_negative || seconds == 0))
		return SMTP_R_SYNTAX_PARAM;
	wish->by_s = clock_wall_ms() / 1000 + (is_negative ? -(int64_t)seconds : (int64_t)seconds);
	return 0;
}

/* ---- FUTURERELEASE ---- */

static int set_hold(struct smtp_session *s, struct queue_wish *wish, int64_t until_s, struct str kind, struct str value)
{
	int64_t now_s = clock_wall_ms() / 1000;

	/* Only one of the two (RFC 4865 4.2), and not beyond what EHLO said. */
	if (wish->hold_until_s != 0 || until_s > now_s + s->conf->max_hold_ms / 1000)
		return SMTP_R_SYNTAX_PARAM;
	/* A time that is over is no error: the message was to wait until then, and it has. */
	wish->hold_until_s = until_s > now_s ? until_s : now_s;
	wish->hold = arena_printf(&s->arena, "%" STR_FMT ";%" STR_FMT, STR_ARG(kind), STR_ARG(value));
	return wish->hold.p ? 0 : -E_LIMIT;
}

/* future-release-integer = %x31-39 *8DIGIT */
int smtp_apply_holdfor(struct smtp_session *s, void *target, struct str value)
{
	uint64_t seconds;

	if (value.n == 0 || value.n > HOLD_DIGITS || value.p[0] == '0' || !str_to_u64(value, UINT64_MAX, &seconds))
		return SMTP_R_SYNTAX_PARAM;
	return set_hold(s, &((struct smtp_tx *)target)->wish, clock_wall_ms() / 1000 + (int64_t)seconds, S("for"), value);
}

/* Takes two digits and what must stand behind them. */
static bool take_two(struct str *s, const char *behind_z, int *ret)
{
	struct str behind = str_z(behind_z);
	uint64_t v;

	if (s->n < 2 || !str_to_u64(str_head(*s, 2), 99, &v) || !str_starts(str_skip(*s, 2), behind))
		return false;
	*s = str_skip(*s, 2 + behind.n);
	*ret = (int)v;
	return true;
}

/* Internet-style-date-time-UTC: RFC 3339 5.6 with "Z" */
static bool parse_time(struct str text, int64_t *ret_s)
{
	struct tm t = { 0 }, again;
	int century, year;
	time_t at;

	if (!take_two(&text, "", &century) || !take_two(&text, "-", &year) || !take_two(&text, "-", &t.tm_mon) ||
	    !take_two(&text, "", &t.tm_mday) || text.n == 0 || str_lower_char(text.p[0]) != 't')
		return false;
	text = str_skip(text, 1);
	if (!take_two(&text, ":", &t.tm_hour) || !take_two(&text, ":", &t.tm_min) || !take_two(&text, "", &t.tm_sec))
		return false;
	if (str_starts(text, S(".")))
		do
			text = str_skip(text, 1);
		while (text.n > 0 && text.p[0] >= '0' && text.p[0] <= '9');
	t.tm_year = century * 100 + year - 1900;
	t.tm_mon--;
	if (t.tm_sec == 60) /* a leap second */
		t.tm_sec = 59;
	at = timegm(&t);
	/* What is no date comes back as another one. */
	if (!gmtime_r(&at, &again) || again.tm_mon != t.tm_mon || again.tm_mday != t.tm_mday || again.tm_hour != t.tm_hour ||
	    again.tm_min != t.tm_min || again.tm_sec != t.tm_sec)
		return false;
	*ret_s = at;
	return str_ieq(text, S("z"));
}

int smtp_apply_holduntil(struct smtp_session *s, void *target, struct str value)
{
	int64_t until_s;

	if (!parse_time(value, &until_s))
		return SMTP_R_SYNTAX_PARAM;
	return set_hold(s, &((struct smtp_tx *)target)->wish, until_s, S("until"), value);
}

bool smtp_hold_is_offered(const struct smtp_session *s)
{
	return s->ctx->role == SMTP_SUBMISSION && s->conf->max_hold_ms >= 1000;
}

void smtp_hold_print(const struct smtp_session *s, struct buf *out)
{
	time_t until = clock_wall_ms() / 1000 + s->conf->max_hold_ms / 1000;
	char date[32];
	struct tm t;

	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&until, &t));
	buf_printf(out, " %lld %s", (long long)(s->conf->max_hold_ms / 1000), date);
}

/* RFC 4865 5.2.2: what is held until after the time by which it is wanted. */
bool smtp_wish_contradicts(const struct queue_wish *wish)
{
	return wish->hold_until_s != 0 && wish->by_s != 0 && wish->hold_until_s > wish->by_s;
}

/* ---- MT-PRIORITY ---- */

/* priority-value = (["-"] NZDIGIT) / "0"     RFC 6710 7 */
int smtp_apply_priority(struct smtp_session *s, void *target, struct str value)
{
	struct queue_wish *wish = &((struct smtp_tx *)target)->wish;
	bool is_negative = value.n == 2 && value.p[0] == '-';
	uint64_t v;

	if (is_negative)
		value = str_skip(value, 1);
	if (value.n != 1 || !str_to_u64(value, PRIORITY_MAX, &v) || (is_negative && v == 0))
		return SMTP_R_SYNTAX_PARAM;
	/* RFC 6710 4.1: strangers may lower theirs, and raise none. */
	if (s->ctx->role == SMTP_MX && v > 0 && !is_negative)
		v = 0;
	wish->priority = is_negative ? -(int)v : (int)v;
	wish->has_priority = true;
	return 0;
}
