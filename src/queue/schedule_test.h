/* SPDX-License-Identifier: MIT */
/* A sender made of a table, for tests of the schedule. */
#pragma once
#include "queue/queue_test.h"

#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "queue/schedule_int.h"
#include "store/mailbox.h"
#include "store/message.h"

#define WAIT_MS 60000 /* for what comes; how long nothing is waited for does not depend on it */
#define MINUTE_MS 60000
#define HOUR_MS (60 * (int64_t)MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)
#define SEEN_MAX 64

enum { Q_LEVEL, Q_REFS, Q_CONTENTS, Q_MESSAGES, Q_RECIPIENTS, Q_DESTINATIONS, Q_TRIED, Q_UNKEY, Q_UNDUE, Q_LARGE, Q_TIMES, Q_LIVE, Q_FILL_MESSAGES,
       Q_FILL_RECIPIENTS, Q_FILL_DESTINATIONS, Q_FILL_REFS, Q_ORPHAN, Q_LOST_BYTES, Q_LEARN_POLICIES, Q_LEARN_LEVELS, Q_POLICIES, Q_LEVELS, Q_NEWEST_LEVELS, Q_WHERE, Q_STUCK, Q_UNSTUCK,
       Q_RPT_ROWS, Q_RPT_SESSIONS, Q_RPT_REPORTS, Q_RPT_DAYS, Q_COUNT };
static const struct db_sql checks[Q_COUNT] = {
	[Q_REFS] = { .sql = "SELECT count(*) FROM contents c WHERE coalesce((SELECT r.refs FROM content_refs r"
			    " WHERE r.content = c.id), 1) <>"
			    " (SELECT count(*) FROM messages m WHERE m.content = c.id)"
			    " + (SELECT count(*) FROM queue_messages q WHERE q.content = c.id)" },
	[Q_CONTENTS] = { .sql = "SELECT count(*) FROM contents c WHERE NOT EXISTS"
				" (SELECT 1 FROM content_refs r WHERE r.content = c.id AND r.refs = 0)" },
	[Q_MESSAGES] = { .sql = "SELECT count(*) FROM queue_messages" },
	[Q_RECIPIENTS] = { .sql = "SELECT count(*) FROM queue_recipients" },
	[Q_DESTINATIONS] = { .sql = "SELECT count(*) FROM queue_destinations" },
	[Q_LEVEL] = { .sql = "SELECT coalesce(max(level), 0) FROM domain_tls WHERE domain = 'far.example'" },
	/* as a program without the schedule left them */
	[Q_UNKEY] = { .sql = "UPDATE queue_recipients SET destination = ''" },
	[Q_UNDUE] = { .sql = "DELETE FROM queue_destinations" },
	[Q_TIMES] = { .sql = "SELECT count(DISTINCT next_attempt) FROM queue_recipients" },
	[Q_LIVE] = { .sql = "SELECT count(*) FROM queue_recipients WHERE address LIKE 'a%'" },
	/* so many messages for so many hosts, of which the last tenth lives; they share the content of the one that is there */
	[Q_FILL_MESSAGES] = { .sql =
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)"
		" INSERT INTO queue_messages (qid, content, size, reverse_path, submitter, ret, envid, flags, accepted, sid, look)"
		" SELECT 'many' || i, m.content, m.size, '', 0, 0, '', 0, m.accepted, '', m.look FROM n, queue_messages m" },
	[Q_FILL_RECIPIENTS] = { .sql =
		"INSERT INTO queue_recipients (qid, address, orcpt, notify, state, attempts, next_attempt, destination)"
		" SELECT qid, iif(h * 10 < ?1 * 9, 'x', 'a') || '@h' || h || '.example', '', 0, 0, 0, accepted, 'h' || h || '.example'"
		" FROM (SELECT qid, accepted, substr(qid, 5) % ?1 AS h FROM queue_messages WHERE qid LIKE 'many%')" },
	[Q_FILL_DESTINATIONS] = { .sql =
		"INSERT INTO queue_destinations (name, due, failures, is_failing, enhanced, text) SELECT destination, min(next_attempt), 0, 0, '', '' FROM queue_recipients"
		" WHERE true GROUP BY destination ON CONFLICT DO NOTHING" },
	[Q_FILL_REFS] = { .sql =
		"INSERT INTO content_refs (content, refs) SELECT content, count(*) FROM queue_messages"
		" WHERE true GROUP BY content HAVING count(*) <> 1"
		" ON CONFLICT (content) DO UPDATE SET refs = excluded.refs" },
	[Q_ORPHAN] = { .sql = "DELETE FROM queue_messages" },
	/* of the message that came first: it cannot be read any more */
	[Q_LOST_BYTES] = { .sql = "UPDATE contents SET pack = 999999 WHERE id = (SELECT min(content) FROM queue_messages)" },
	/* of c9.example last, as the clock of tests may be far ahead, and one long ago */
	[Q_LEARN_POLICIES] = { .sql =
		"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9) INSERT INTO sts_policies"
		" SELECT 'c' || i || '.example', 'id', 'text', iif(i = 8, 1, unixepoch() + 1000000000 + i) FROM n" },
	[Q_LEARN_LEVELS] = { .sql = "INSERT INTO domain_tls (domain, level, since) SELECT domain, 1, fetched FROM sts_policies" },
	[Q_POLICIES] = { .sql = "SELECT count(*) FROM sts_policies" },
	[Q_LEVELS] = { .sql = "SELECT count(*) FROM domain_tls" },
	[Q_NEWEST_LEVELS] = { .sql = "SELECT count(*) FROM domain_tls WHERE domain IN ('c9.example', 'c7.example', 'c6.example')" },
	[Q_WHERE] = { .sql = "SELECT destination FROM queue_recipients" },
	[Q_STUCK] = { .sql = "CREATE TRIGGER stuck BEFORE DELETE ON queue_recipients BEGIN SELECT raise(ABORT, 'stuck'); END" },
	[Q_UNSTUCK] = { .sql = "DROP TRIGGER IF EXISTS stuck" },
	[Q_RPT_ROWS] = { .sql = "SELECT count(*) FROM tlsrpt_sessions" },
	[Q_RPT_SESSIONS] = { .sql = "SELECT coalesce(sum(sessions), 0) FROM tlsrpt_sessions" },
	[Q_RPT_REPORTS] = { .sql = "SELECT count(*) FROM tlsrpt_reports" },
	[Q_RPT_DAYS] = { .sql = "SELECT count(*) FROM tlsrpt_days" },
	[Q_LARGE] = { .sql = "UPDATE queue_messages SET size = 100000000" },
	[Q_TRIED] = { .sql = "SELECT coalesce(sum(attempts), 0) FROM queue_recipients" },
};

/* What the sender says of an attempt: one letter for each recipient, by the first of its local part. */
enum { SAYS_250 = 'a', SAYS_450 = 'd', SAYS_550 = 'f', SAYS_DOWN = 'x', SAYS_LOST = 'l', SAYS_NOTHING = 's', SAYS_RELAYED = 'r',
       SAYS_AROUND = 'b', /* down, where the DNS leads; where the settings do, what at_host says */
       SAYS_PUT_OFF = 'p', /* the same, but 451 to MAIL */
       SAYS_CANNOT = 'c' /* our own words, for ever */, SAYS_421 = 'q' /* to MAIL */ };

struct fixture {
	struct db *db;
	struct store *s;
	struct queue *q;
	struct queue_sched *sched;
	struct arena a;
	int64_t alice;
	int fds[2];
	pthread_t sender;
	struct lock lock;
	size_t n_seen;
	struct {
		uint64_t id;
		char first[64];
		size_t n_rcpts, n_bytes;
		unsigned max_sessions;
		char post[100], from[64];
		unsigned flags;
		bool is_root_signed;
		char to[64]; /* the key */
	} seen[SEEN_MAX];
	char last[16384]; /* the message of the last one */
	size_t n_last;
	enum queue_level level; /* of its connections */
	bool is_root_signed;
	char override; /* says this of all */
	char at_host; /* 0: 250 */
	enum queue_level needs; /* says that a fallback has to be so */
	bool is_requiretls; /* what is sent */
	size_t silent_after; /* so many attempts; 0: never */
};

static inline char word_of(const struct fixture *x, const struct queue_attempt *a, char one)
{
	if (one != SAYS_AROUND && one != SAYS_PUT_OFF)
		return one;
	if (a->hop.host.n > 0)
		return x->at_host ? x->at_host : SAYS_250;
	return one == SAYS_AROUND ? SAYS_DOWN : one;
}

static inline void answer(struct fixture *x, const struct queue_attempt *a, char says)
{
	struct queue_rcpt_result rcpts[QUEUE_ATTEMPT_RCPTS];
	struct queue_result r = { .id = a->id, .stage = QUEUE_AT_END, .host = S("mx.far.example"), .address = S("192.0.2.1"), .tls = S(""),
				  .sts = { S(""), S(""), 0 }, .rcpts = rcpts, .n_rcpts = a->n_rcpts };

	for (size_t i = 0; i < a->n_rcpts; i++) {
		char one = x->override ? x->override : word_of(x, a, a->rcpts[i].address.p[0]);

		rcpts[i] = (struct queue_rcpt_result){ QUEUE_DELIVERED, { 250, S("2.0.0"), S("ok") } };
		if (one == SAYS_450 || one == SAYS_DOWN || one == SAYS_PUT_OFF)
			rcpts[i] = (struct queue_rcpt_result){ QUEUE_DEFERRED, { 450, S("4.2.0"), S("come again") } };
		if (one == SAYS_550)
			rcpts[i] = (struct queue_rcpt_result){ QUEUE_FAILED, { 550, S("5.1.1"), S("nobody of that name") } };
		if (one == SAYS_CANNOT)
			rcpts[i] = (struct queue_rcpt_result){ QUEUE_FAILED, { 0, S("5.7.30"), S("no REQUIRETLS there") } };
		if (one == SAYS_421)
			rcpts[i] = (struct queue_rcpt_result){ QUEUE_DEFERRED, { 421, S("4.7.0"), S("too many connections") } };
		if (one == SAYS_RELAYED)
			rcpts[i].outcome = QUEUE_RELAYED;
	}
	r.level = x->level;
	r.is_root_signed = x->is_root_signed;
	if (says == SAYS_DOWN) {
		r.stage = QUEUE_AT_CONNECT;
		r.is_down = true;
		r.fallback = x->needs;
		for (size_t i = 0; i < a->n_rcpts; i++) /* in words that tell which one */
			rcpts[i].reply = (struct queue_reply){ 0, S("4.4.1"), a->hop.destination };
	}
	if (says == SAYS_PUT_OFF || says == SAYS_421)
		r.stage = QUEUE_AT_MAIL;
	if (says == SAYS_PUT_OFF)
		r.fallback = x->needs;
	if (says == SAYS_LOST)
		r = (struct queue_result){ .host = S(""), .address = S(""), .tls = S(""), .sts = { S(""), S(""), 0 } };
	assert_int_equal(queue_result_send(x->fds[1], &r), 0);
}

static inline void *sender_main(void *arg)
{
	struct fixture *x = arg;

	for (;;) {
		AUTO(arena_fini) struct arena a;
		struct pollfd p = { .fd = x->fds[1], .events = POLLIN };
		struct queue_attempt_map map = { 0 };
		struct queue_attempt attempt;
		char says;
		int rc;

		arena_init(&a, 1u << 20);
		poll(&p, 1, -1);
		lock_get(&x->lock); /* who has it finds an attempt in the socket, or answered */
		rc = queue_attempt_receive(x->fds[1], &a, &attempt, &map);
		if (rc <= 0)
			lock_put(&x->lock);
		if (rc < 0)
			return NULL;
		if (rc == 0)
			continue;
		says = x->override ? x->override : word_of(x, &attempt, attempt.rcpts[0].address.p[0]);
		if (x->n_seen < SEEN_MAX) {
			x->seen[x->n_seen].id = attempt.id;
			x->seen[x->n_seen].n_rcpts = attempt.n_rcpts;
			x->seen[x->n_seen].n_bytes = attempt.message.n;
			x->seen[x->n_seen].max_sessions = attempt.max_sessions;
			x->seen[x->n_seen].is_root_signed = attempt.is_root_signed;
			snprintf(x->seen[x->n_seen].to, sizeof(x->seen[0].to), "%.*s", (int)attempt.hop.destination.n, attempt.hop.destination.p);
			snprintf(x->seen[x->n_seen].first, sizeof(x->seen[0].first), "%.*s", (int)attempt.rcpts[0].address.n,
				 attempt.rcpts[0].address.p);
			snprintf(x->seen[x->n_seen].post, sizeof(x->seen[0].post), "%" STR_FMT, STR_ARG(attempt.post));
			snprintf(x->seen[x->n_seen].from, sizeof(x->seen[0].from), "%" STR_FMT, STR_ARG(attempt.reverse_path));
			x->seen[x->n_seen].flags = attempt.flags;
			x->n_last = attempt.message.n < sizeof(x->last) ? attempt.message.n : sizeof(x->last);
			memcpy(x->last, attempt.message.p, x->n_last);
		}
		x->n_seen++;
		if (x->silent_after > 0 && x->n_seen > x->silent_after)
			says = SAYS_NOTHING;
		if (says != SAYS_NOTHING)
			answer(x, &attempt, says);
		lock_put(&x->lock);
		queue_attempt_unmap(&map);
	}
}

static inline void setup(struct fixture *x)
{
	*x = (struct fixture){ 0 };
	arena_init(&x->a, 8u << 20);
	lock_init(&x->lock);
	test_open(checks, Q_COUNT, &x->db, &x->s, &x->q, &x->alice);
	queue_trace_keep(x->q, 30 * DAY_MS);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, x->fds), 0);
	assert_int_equal(pthread_create(&x->sender, NULL, sender_main, x), 0);
}

/* What the trace tells of the messages that are found by that, an event a letter: accepted, attempt, notified, expired. */
static inline void assert_story(struct fixture *x, const char *what_z, const char *events_z, const char *has_z)
{
	static const char letters[QUEUE_TRACE_N_EVENTS] = { [QUEUE_TRACE_ACCEPTED] = 'A', [QUEUE_TRACE_ATTEMPT] = 't',
							    [QUEUE_TRACE_DSN] = 'n', [QUEUE_TRACE_EXPIRED] = 'X' };
	struct queue_trace_row *rows;
	char got[100] = "";
	bool has = false;
	size_t n;

	assert_int_equal(queue_trace_find(x->q, &x->a, str_z(what_z), &rows, &n), 0);
	for (size_t i = 0; i < n && i < sizeof(got) - 1; i++) {
		got[i] = letters[rows[i].event];
		has |= str_find(rows[i].json, str_z(has_z)) >= 0;
	}
	assert_string_equal(got, events_z);
	assert_true(has);
}

static inline void start(struct fixture *x)
{
	struct fault f = { "" };

	assert_int_equal(queue_sched_start(x->q, x->fds[0], &x->sched, &f), 0);
}

/* From now on that is said of all; 0: what their addresses say again. */
static inline void override(struct fixture *x, char says)
{
	lock_get(&x->lock);
	x->override = says;
	lock_put(&x->lock);
}

/* The result of one that was not answered, from there. */
static inline void answer_seen(struct fixture *x, size_t nth, char says)
{
	struct queue_attempt_rcpt rcpt = { .address = str_of(&says, 1) };
	const struct queue_attempt a = { .id = x->seen[nth].id, .rcpts = &rcpt, .n_rcpts = 1 };

	assert_int_equal(x->seen[nth].n_rcpts, 1);
	lock_get(&x->lock);
	answer(x, &a, says);
	lock_put(&x->lock);
}

static inline void configure(struct fixture *x, const char *text_z)
{
	test_configure(x->q, text_z);
}

static inline int64_t count(struct fixture *x, int what)
{
	return test_count(x->db, &checks[what]);
}

static inline void wait_count(struct fixture *x, int what, int64_t want)
{
	for (int64_t end = clock_mono_ms() + WAIT_MS; count(x, what) != want; usleep(2000))
		if (clock_mono_ms() > end)
			fail_msg("check %d: %lld, not %lld", what, (long long)count(x, what), (long long)want);
}

static inline size_t seen(struct fixture *x)
{
	size_t n;

	lock_get(&x->lock);
	n = x->n_seen;
	lock_put(&x->lock);
	return n;
}

static inline void wait_seen(struct fixture *x, size_t want)
{
	for (int64_t end = clock_mono_ms() + WAIT_MS; seen(x) < want; usleep(2000))
		if (clock_mono_ms() > end)
			fail_msg("%zu attempts, not %zu", seen(x), want);
}

/* Until the schedule has come to the end of a turn, the one that it is in or the next one. */
static inline void wake_once(struct fixture *x)
{
	int64_t before = x->sched->n_turns, end = clock_mono_ms() + WAIT_MS;

	queue_sched_wake(x->q);
	for (; x->sched->n_turns == before; usleep(200))
		if (clock_mono_ms() > end)
			fail_msg("the schedule does not turn");
}

/* A whole turn, with all that is there now. */
static inline void wait_turn(struct fixture *x)
{
	wake_once(x);
	wake_once(x);
}

/* Is anything on its way between the schedule and the sender? */
static inline bool is_quiet(struct fixture *x, size_t *ret_seen)
{
	struct pollfd fds[2] = { { .fd = x->fds[0], .events = POLLIN }, { .fd = x->fds[1], .events = POLLIN } };
	bool r;

	lock_get(&x->lock);
	r = poll(fds, 2, 0) == 0;
	*ret_seen = x->n_seen;
	lock_put(&x->lock);
	return r;
}

/* Until all that is due has been tried, and what came of it is written down. */
static inline void settle(struct fixture *x)
{
	size_t before, n = 0;
	bool was_quiet = false;

	for (int64_t end = clock_mono_ms() + WAIT_MS;;) {
		before = n;
		wait_turn(x);
		if (is_quiet(x, &n) && was_quiet && n == before)
			return;
		was_quiet = is_quiet(x, &n);
		if (clock_mono_ms() > end)
			fail_msg("the schedule goes on and on");
	}
}

/* Nothing more than that is tried, for a while. */
static inline void stays_seen(struct fixture *x, size_t want)
{
	usleep(50000);
	settle(x);
	assert_int_equal(seen(x), want);
}

static inline void pass(struct fixture *x, int64_t ms)
{
	clock_shift_ms(ms);
	queue_sched_wake(x->q);
}

static inline uint32_t mails(struct fixture *x)
{
	struct store_mailbox m;

	assert_int_equal(store_mailbox_find(x->s, &x->a, x->alice, S("INBOX"), &m), 0);
	return m.messages;
}

static inline void wait_mails(struct fixture *x, uint32_t want)
{
	for (int64_t end = clock_mono_ms() + WAIT_MS; mails(x) != want; usleep(2000))
		if (clock_mono_ms() > end)
			fail_msg("%u messages in INBOX, not %u", mails(x), want);
}

static inline void teardown(struct fixture *x)
{
	queue_sched_stop(&x->sched, 2000);
	close(x->fds[0]);
	pthread_join(x->sender, NULL);
	close(x->fds[1]);
	assert_int_equal(count(x, Q_REFS), 0);
	test_close(&x->db, &x->s, &x->q);
	arena_fini(&x->a);
}

/* To so many of these, separated by spaces. */
static inline void send_to(struct fixture *x, const char *from_z, const char *to_z, unsigned notify)
{
	struct queue_rcpt rcpts[16] = { 0 };
	struct queue_envelope e = { .sid_z = "sid", .reverse_path = str_z(from_z), .rcpts = rcpts, .is_requiretls = x->is_requiretls };
	struct str rest = str_z(to_z), one;
	static int n;
	struct spool *spool = test_spool(x->db, "Return-Path: <x@y>\r\nSubject: going out\r\n\r\nThe body.\r\n");
	char qid[17];

	snprintf(qid, sizeof(qid), "qid%d", ++n);
	e.qid_z = qid;
	while (str_split(&rest, ' ', &one))
		rcpts[e.n_rcpts++] = (struct queue_rcpt){ .address = one, .notify = notify };
	assert_int_equal(queue_accept(x->q, &e, spool), 0);
	spool_free(spool);
}

static inline void manage(struct fixture *x, const char *to_z, enum queue_deed deed, int64_t want)
{
	const struct queue_pick p = { .to = str_z(to_z) };
	int64_t n;

	assert_int_equal(queue_manage(x->q, &p, deed, &n), 0);
	assert_int_equal(n, want);
}

#define ALICE "alice@example.org"
