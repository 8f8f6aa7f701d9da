/* SPDX-License-Identifier: MIT */
/* Servers of memory for the tests of the client: what one says from MAIL on, and what must come of it. */
#pragma once

#include "smtp/client_int.h"

#include "base/test.h"
#include "queue/queue.h"

#define NEXT "\x1e"  /* what follows is said when the client has said something */
#define LINE "\r\n"

#define MAX 3
struct send_row {
	const char *name_z;
	const char *caps_z;     /* EHLO words, each with CRLF in front of the next */
	struct str script;      /* from MAIL on */
	size_t n;               /* recipients */
	bool is_lmtp;
	struct smtp_client_message m;
	int want;
	struct {
		int code;
		enum smtp_client_stage stage;
		const char *text_z, *enhanced_z;
	} fates[MAX];
	struct str said;        /* from MAIL on */
};

#define MAIL "MAIL FROM:<a@b.example>" LINE
#define RCPT(n) "RCPT TO:<r" #n "@c.example>" LINE
#define DATA "DATA" LINE
#define BODY "Subject: x" LINE LINE "hi" LINE
#define TEXT { .reverse_path = STR_INIT("a@b.example"), .bytes = STR_INIT(BODY) }
#define OK "250 2.0.0 ok" LINE
#define NO "550 5.1.1 unknown" LINE
#define GO "354 go" LINE
#define IN_GROUP .caps_z = "PIPELINING"

static inline struct smtp_client *connected(const char *caps_z, struct str script, bool is_lmtp, struct arena *a)
{
	AUTO(buf_fini) struct buf all = BUF_INIT(1 << 20);
	struct smtp_client_options o = { .helo_z = "me", .is_lmtp = is_lmtp };
	struct smtp_client *c = NULL;
	struct smtp_client_reply reply;
	enum smtp_client_stage stage;

	buf_printf(&all, "220 mx" LINE NEXT "250-mx" LINE "250-%s" LINE "250 X" LINE NEXT, caps_z);
	buf_add(&all, script);
	assert_int_equal(smtp_client_open(net_stream_scripted(buf_str(&all)), &o, a, &c, &stage, &reply), 0);
	return c;
}

static inline void address(struct smtp_client_rcpt *r, struct arena *a, size_t i)
{
	*r = (struct smtp_client_rcpt){ .address = arena_printf(a, "r%zu@c.example", i),
					.orcpt = S("rfc822;x@y"), .notify = QUEUE_NOTIFY_SUCCESS | QUEUE_NOTIFY_DELAY };
}

/* Those that are left come again until nobody is. */
static inline int send_all(struct smtp_client *c, const struct smtp_client_message *m, struct smtp_client_rcpt *rcpts, size_t n, struct arena *a)
{
	struct smtp_client_rcpt left[MAX];
	size_t places[MAX], n_left = 0;
	int r = smtp_client_send(c, m, rcpts, n, a);

	for (size_t i = 0; r == 0 && i < n; i++)
		if (rcpts[i].is_left) {
			left[n_left] = rcpts[i];
			places[n_left++] = i;
		}
	assert_true(n_left == 0 || n_left < n);
	r = n_left > 0 ? send_all(c, m, left, n_left, a) : r;
	for (size_t i = 0; i < n_left; i++)
		rcpts[places[i]] = left[i];
	return r;
}

static inline void run_row(const struct send_row *r)
{
	AUTO(arena_fini) struct arena a = { .cap = 65536 };
	struct smtp_client *c = connected(r->caps_z, r->script, r->is_lmtp, &a);
	struct smtp_client_rcpt rcpts[MAX];

	test_row(r->name_z);
	for (size_t j = 0; j < r->n; j++)
		address(&rcpts[j], &a, j);
	assert_int_equal(send_all(c, &r->m, rcpts, r->n, &a), r->want);
	assert_str_eq(str_skip(net_stream_scripted_said(smtp_client_stream(c)), 9), r->said);
	for (size_t j = 0; j < r->n; j++) {
		assert_str_eq(rcpts[j].reply.text, str_z(r->fates[j].text_z));
		assert_str_eq(rcpts[j].reply.enhanced, str_z(r->fates[j].enhanced_z));
		assert_int_equal(rcpts[j].reply.code, r->fates[j].code);
		assert_int_equal(rcpts[j].stage, r->fates[j].stage);
	}
	smtp_client_close(&c);
}
