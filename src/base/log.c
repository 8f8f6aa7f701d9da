/* SPDX-License-Identifier: MIT */
/*
 * A line is built on the stack and leaves with one write(2), so lines of several threads never mix
 * and logging takes neither lock nor heap: it works while the process is dying (must.c).
 *
 * Invariants:
 * 1. A line has no control character but its last newline, whatever a peer put in a value.
 * 2. A value is cut at VALUE_MAX bytes (at a character), marked by "...".
 * 3. A field that does not fit the longest line is left out whole and `cut=1` says so; JSON stays valid.
 */
#include "base/log.h"

#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 8192
#define LINE_USUAL 1024 /* most are shorter: only a longer one takes so much of its thread's stack */
#define LINE_RESERVE 32 /* for `cut=1`, the closing brace and the newline */
#define VALUE_MAX 400

struct line {
	char *p;
	size_t n;
	size_t max;
	bool is_full;
};

static _Atomic int out_fd = STDERR_FILENO;
static _Atomic int out_level = LOG_LVL_INFO;
static _Atomic int out_format = LOG_FMT_TEXT;
static _Atomic bool is_for_journal;
static _Thread_local char thread_sid[24];

static const char *const level_names[] = { "error", "warn", "info", "debug" };
static const char *const journal_levels[] = { "<3>", "<4>", "<6>", "<7>" }; /* those of syslog(3) */

/* systemd.exec(5): its standard error is what JOURNAL_STREAM names, unless somebody led it elsewhere. */
static bool is_journal(int fd)
{
	const char *stream_z = getenv("JOURNAL_STREAM");
	uintmax_t dev, ino;
	struct stat st;

	return stream_z && sscanf(stream_z, "%ju:%ju", &dev, &ino) == 2 && fstat(fd, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

void log_setup(int fd, enum log_level level, enum log_format format)
{
	atomic_store(&out_fd, fd);
	atomic_store(&out_level, (int)level);
	atomic_store(&out_format, (int)format);
	atomic_store(&is_for_journal, is_journal(fd));
}

bool log_on(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&out_level, memory_order_relaxed);
}

void log_set_sid(const char *sid_z)
{
	snprintf(thread_sid, sizeof(thread_sid), "%s", sid_z != NULL ? sid_z : "");
}

static void put(struct line *l, const char *p, size_t n)
{
	if (l->is_full || n > l->max - l->n) {
		l->is_full = true;
		return;
	}
	memcpy(l->p + l->n, p, n);
	l->n += n;
}

static void put_z(struct line *l, const char *z)
{
	put(l, z, strlen(z));
}

/* 2026-11-23T20:08:00.123Z */
static void put_time(struct line *l)
{
	int64_t ms = clock_wall_ms();
	time_t s = (time_t)(ms / 1000);
	struct tm tm;
	char text[80];

	if (gmtime_r(&s, &tm) == NULL)
		return;
	snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
		 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(ms % 1000));
	put_z(l, text);
}

/* Cuts before a byte that continues a character, so that valid UTF-8 stays valid. */
static struct str cut_value(struct str s, bool *ret_cut)
{
	size_t n = VALUE_MAX;

	*ret_cut = s.n > VALUE_MAX;
	if (!*ret_cut)
		return s;
	while (n > VALUE_MAX - 4 && ((unsigned char)s.p[n] & 0xC0) == 0x80)
		n--;
	return str_head(s, n);
}

/* Between quotes; the same escapes as JSON, which read well in text too. */
static void put_quoted(struct line *l, struct str s)
{
	bool is_cut;
	struct str v = cut_value(s, &is_cut);
	bool is_utf8 = str_is_utf8(v);
	char esc[8];

	put(l, "\"", 1);
	for (size_t i = 0; i < v.n; i++) {
		unsigned char c = (unsigned char)v.p[i];
		/* U+0080..U+009F are control characters of two bytes, C2 80..9F. */
		bool is_c1 = is_utf8 && c == 0xC2 && (unsigned char)v.p[i + 1] < 0xA0;

		if (c == '"' || c == '\\') {
			put(l, "\\", 1);
			put(l, &v.p[i], 1);
		} else if (c == '\n') {
			put(l, "\\n", 2);
		} else if (c == '\r') {
			put(l, "\\r", 2);
		} else if (c == '\t') {
			put(l, "\\t", 2);
		} else if (c < 0x20 || c == 0x7F || is_c1 || (c >= 0x80 && !is_utf8)) {
			snprintf(esc, sizeof(esc), "\\u%04x", is_c1 ? (unsigned char)v.p[++i] : c);
			put_z(l, esc);
		} else {
			put(l, &v.p[i], 1);
		}
	}
	if (is_cut)
		put(l, "...", 3);
	put(l, "\"", 1);
}

static bool is_plain(struct str s)
{
	if (s.n == 0 || s.n > VALUE_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c <= ' ' || c >= 0x7F || c == '"' || c == '\\' || c == '=')
			return false;
	}
	return true;
}

static void put_int(struct line *l, int64_t v)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRId64, v);
	put_z(l, digits);
}

static void put_value(struct line *l, const struct log_field *f, bool is_json)
{
	struct str s = f->type == LOG_F_SECRET ? S("<secret>") : f->s;

	if (f->type == LOG_F_INT)
		put_int(l, f->i);
	else if (!is_json && is_plain(s))
		put(l, s.p, s.n);
	else
		put_quoted(l, s);
}

static void put_field(struct line *l, const struct log_field *f, bool is_json)
{
	size_t before = l->n;

	if (f->type == LOG_F_NONE || l->is_full)
		return;
	put_z(l, is_json ? ",\"" : " ");
	put_z(l, f->key);
	put_z(l, is_json ? "\":" : "=");
	put_value(l, f, is_json);
	if (l->is_full)
		l->n = before;
}

struct event {
	const char *name_z;
	const struct log_field *fields;
	size_t n;
	enum log_level level;
	bool is_json;
};

static void put_head(struct line *l, const struct event *e)
{
	put_z(l, atomic_load_explicit(&is_for_journal, memory_order_relaxed) ? journal_levels[e->level] : "");
	put_z(l, e->is_json ? "{\"time\":\"" : "");
	put_time(l);
	put_z(l, e->is_json ? "\",\"level\":\"" : " ");
	put_z(l, level_names[e->level]);
	put_z(l, e->is_json ? "\",\"event\":\"" : " ");
	put_z(l, e->name_z);
	put_z(l, e->is_json ? "\"" : "");
}

/* False: something did not fit, and was left out. */
static bool put_event(struct line *l, const struct event *e)
{
	put_head(l, e);
	if (thread_sid[0] != '\0')
		put_field(l, &F_Z("sid", thread_sid), e->is_json);
	for (size_t i = 0; i < e->n; i++)
		put_field(l, &e->fields[i], e->is_json);
	return !l->is_full;
}

static void send_line(struct line *l, const struct event *e)
{
	put_z(l, e->is_json ? "}\n" : "\n");
	while (write(atomic_load(&out_fd), l->p, l->n) < 0 && errno == EINTR)
		continue;
}

/* Not inlined: its stack is what this is about. */
static __attribute__((noinline)) void write_long(const struct event *e)
{
	char bytes[LINE_MAX_BYTES];
	struct line l = { .p = bytes, .max = sizeof(bytes) - LINE_RESERVE };
	bool is_whole = put_event(&l, e);

	l.max = sizeof(bytes);
	l.is_full = false;
	if (!is_whole)
		put_field(&l, &F_INT("cut", 1), e->is_json);
	send_line(&l, e);
}

void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t n)
{
	const struct event e = { .name_z = event, .fields = fields, .n = n, .level = level,
				 .is_json = atomic_load(&out_format) == LOG_FMT_JSON };
	char bytes[LINE_USUAL];
	struct line l = { .p = bytes, .max = sizeof(bytes) - LINE_RESERVE };
	int saved = errno;

	if (put_event(&l, &e)) {
		l.max = sizeof(bytes);
		send_line(&l, &e);
	} else {
		write_long(&e);
	}
	errno = saved;
}
