/* SPDX-License-Identifier: MIT */
/* SMTP delivery, POP3 and TLS handshakes: the modes without tagged answers. */
#include "load.h"

/* One command each way at a time, as smtp-source and most senders do; RFC 5321 D.1. */
static void deliver(struct worker *w, struct client *c, uint64_t number, struct buf *message)
{
	char rcpt[256];

	load_user(w->load, number, rcpt, sizeof(rcpt));
	buf_reset(message);
	load_message(message, number, w->load->size_bytes);
	buf_add(message, S(".\r\n"));
	client_send(c, S("MAIL FROM:<load@bench.test>\r\n"));
	client_expect(c, "250");
	client_printf(c, "RCPT TO:<%s>\r\n", rcpt);
	client_expect(c, "250");
	client_send(c, S("DATA\r\n"));
	client_expect(c, "354");
	client_send(c, buf_str(message));
	client_expect(c, "250");
	w->done++;
}

static void leave(struct client *c)
{
	client_send(c, S("QUIT\r\n"));
	client_expect(c, "221");
	client_close(c);
}

void load_smtp(struct worker *w)
{
	struct client *c = &w->client;
	struct buf message = BUF_INIT(w->load->size_bytes + 4096);
	uint64_t number, on_this = 0, start = 0;

	while (load_take(w->load, &number)) {
		start = load_now_us();
		if (on_this == 0) {
			client_open(c, w->load);
			client_expect(c, "220");
			client_send(c, S("EHLO bench.test\r\n"));
			client_expect(c, "250");
		}
		deliver(w, c, number, &message);
		worker_sample(w, LOAD_MAIN, start);
		if (++on_this < w->load->per_connection)
			continue;
		leave(c);
		on_this = 0;
	}
	if (on_this)
		leave(c);
	buf_fini(&message);
}

/* STAT's first number. */
static uint64_t count(struct client *c)
{
	struct str line, n;
	uint64_t messages;

	client_send(c, S("STAT\r\n"));
	line = client_line(c);
	line = str_skip(line, 4);
	if (!str_split(&line, ' ', &n) || !str_to_u64(n, UINT32_MAX, &messages))
		load_fail("STAT is refused");
	return messages;
}

void load_pop3_drain(struct worker *w)
{
	struct client *c = &w->client;
	char user[256];
	uint64_t n;

	if (w->index >= w->load->users)
		return;
	load_user(w->load, w->index, user, sizeof(user));
	client_open(c, w->load);
	client_expect(c, "+OK");
	client_printf(c, "USER %s\r\n", user);
	client_expect(c, "+OK");
	client_printf(c, "PASS %s\r\n", w->load->password_z);
	client_expect(c, "+OK");
	n = count(c);
	for (uint64_t i = 1; i <= n; i++) {
		uint64_t start = load_now_us();

		client_printf(c, "RETR %llu\r\n", (unsigned long long)i);
		client_expect(c, "+OK");
		client_skip_to_dot(c);
		client_printf(c, "DELE %llu\r\n", (unsigned long long)i);
		client_expect(c, "+OK");
		worker_sample(w, LOAD_MAIN, start);
		w->done++;
	}
	client_send(c, S("QUIT\r\n"));
	client_expect(c, "+OK");
	client_close(c);
}

/* Full handshakes, nothing is resumed; after the greeting the server's part is over. */
void load_tls(struct worker *w)
{
	struct client *c = &w->client;
	uint64_t number;

	w->load->tls = 1;
	while (load_take(w->load, &number)) {
		uint64_t start = load_now_us();

		client_open(c, w->load);
		client_line(c);
		worker_sample(w, LOAD_MAIN, start);
		client_close(c);
		w->done++;
	}
}
