/* SPDX-License-Identifier: MIT */
/* One attempt over the hosts of its destination: who is asked, who is not, what is said to whom. */
#include "send/send_test.h"

#define MAX_SINKS 3

struct walk_row {
	const char *name;
	const char *domain_z;
	struct sink_says says[MAX_SINKS]; /* of h11, h12, h13 */
	unsigned n_sinks;
	struct {
		enum queue_outcome outcome;
		int code;
		const char *enhanced_z;
	} want;
	enum queue_stage stage;
	bool is_down;
	unsigned connections[MAX_SINKS], messages[MAX_SINKS];
	/* the attempt */
	enum queue_tls tls;
	const char *host_z;
	unsigned flags, notify;
	const char *message_z;
	const char *settings_z;
	bool is_ascii, is_8bitmime; /* what the first sink was told and given has to be */
};

#define EHLO_PLAIN "250-sink.test\r\n250 PIPELINING"
#define MESSAGE_8BIT(more) more "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n" \
	"Content-Transfer-Encoding: 8bit\r\n\r\nh\xc3\xa9\r\n"
#define MESSAGE_PART(name) "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" \
	"Content-Type: text/plain; charset=utf-8; name=\"" name "\"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xc3\xa9\r\n--b--\r\n"
#define MESSAGE_INSIDE(more, type) more "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" \
	"Content-Type: " type "\r\nContent-Transfer-Encoding: 8bit\r\n\r\nSubject: \xc3\xa9\r\n\r\n\xc3\xa9\r\n--b--\r\n"
#define MESSAGE_REPORT(more) more "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n" \
	"Content-Transfer-Encoding: 8bit\r\n\r\n--b\r\n\r\nx\r\n--b\r\nContent-Type: message/global-delivery-status\r\n" \
	"Content-Transfer-Encoding: 8bit\r\n\r\nReporting-MTA: dns; we.test\r\n\r\nFinal-Recipient: utf-8; \xc3\xa9@x\r\nAction: failed\r\n" \
	"Status: 5.1.1\r\n\r\n--b--\r\n"
#define EHLO_TLS "250-sink.test\r\n250-PIPELINING\r\n250 STARTTLS"

static const struct walk_row walk_rows[] = {
	{ .name = "first host takes it", .domain_z = "h11,h12", .n_sinks = 2, .want = { QUEUE_DELIVERED, 250, "2.0.0" },
	  .stage = QUEUE_AT_END, .connections = { 1, 0 }, .messages = { 1, 0 } },
	{ .name = "first host is dead", .domain_z = "h13,h11", .n_sinks = 1, .want = { QUEUE_DELIVERED, 250, "2.0.0" },
	  .stage = QUEUE_AT_END, .connections = { 1 }, .messages = { 1 } },
	{ .name = "nobody is there", .domain_z = "h13,h14", .want = { QUEUE_DEFERRED, 0, "4.4.1" }, .stage = QUEUE_AT_CONNECT,
	  .is_down = true },
	{ .name = "greeting 421", .domain_z = "h11,h12", .says[0].greeting_z = "421 4.3.2 not now", .n_sinks = 2,
	  .want = { QUEUE_DELIVERED, 250, "2.0.0" }, .stage = QUEUE_AT_END, .connections = { 1, 1 }, .messages = { 0, 1 } },
	{ .name = "greeting 554 is not for ever", .domain_z = "h11", .says[0].greeting_z = "554 5.7.1 not you", .n_sinks = 1,
	  .want = { QUEUE_DEFERRED, 554, "4.7.1" }, .stage = QUEUE_AT_GREETING, .is_down = true, .connections = { 1 } },
	{ .name = "greeting 521 is", .domain_z = "h11", .says[0].greeting_z = "521 takes no mail", .n_sinks = 1,
	  .want = { QUEUE_FAILED, 521, NULL }, .stage = QUEUE_AT_GREETING, .connections = { 1 } },
	{ .name = "521 of one host, 421 of another", .domain_z = "h11,h12", .says[0].greeting_z = "421 not now",
	  .says[1].greeting_z = "521 takes no mail", .n_sinks = 2, .want = { QUEUE_DEFERRED, 421, NULL }, .stage = QUEUE_AT_GREETING,
	  .is_down = true, .connections = { 1, 1 } },
	{ .name = "silent greeting", .domain_z = "h11,h12", .says[0].greeting_z = "", .n_sinks = 2,
	  .settings_z = "command_timeout = 200ms",
	  .want = { QUEUE_DELIVERED, 250, "2.0.0" }, .stage = QUEUE_AT_END, .connections = { 1, 1 }, .messages = { 0, 1 } },
	{ .name = "MAIL 451 is an answer", .domain_z = "h11,h12", .says[0].mail_z = "451 4.7.1 come again", .n_sinks = 2,
	  .want = { QUEUE_DEFERRED, 451, "4.7.1" }, .stage = QUEUE_AT_MAIL, .connections = { 1, 0 } },
	{ .name = "MAIL 421 is the host's trouble", .domain_z = "h11,h12", .says[0].mail_z = "421 4.3.2 closing", .n_sinks = 2,
	  .want = { QUEUE_DELIVERED, 250, "2.0.0" }, .stage = QUEUE_AT_END, .connections = { 1, 1 }, .messages = { 0, 1 } },
	{ .name = "RCPT 550 is final", .domain_z = "h11,h12", .says[0].rcpt_z = "550 5.1.1 nobody", .n_sinks = 2,
	  .want = { QUEUE_FAILED, 550, "5.1.1" }, .stage = QUEUE_AT_RCPT, .connections = { 1, 0 } },
	{ .name = "RCPT 450", .domain_z = "h11,h12", .says[0].rcpt_z = "450 4.2.0 greylisted", .n_sinks = 2,
	  .want = { QUEUE_DEFERRED, 450, "4.2.0" }, .stage = QUEUE_AT_RCPT, .connections = { 1, 0 } },
	{ .name = "content refused", .domain_z = "h11,h12", .says[0].end_z = "554 5.7.1 spam", .n_sinks = 2,
	  .want = { QUEUE_FAILED, 554, "5.7.1" }, .stage = QUEUE_AT_END, .connections = { 1, 0 }, .messages = { 1, 0 } },
	{ .name = "lost at RCPT", .domain_z = "h11,h12", .says[0].rcpt_z = "-", .n_sinks = 2, .want = { QUEUE_DELIVERED, 250, "2.0.0" },
	  .stage = QUEUE_AT_END, .connections = { 1, 1 }, .messages = { 0, 1 } },
	{ .name = "lost at RCPT, and no other", .domain_z = "h11", .says[0].rcpt_z = "-", .n_sinks = 1,
	  .want = { QUEUE_DEFERRED, 0, "4.4.2" }, .stage = QUEUE_AT_RCPT, .connections = { 1 } },
	{ .name = "lost after the whole message", .domain_z = "h11,h12", .says[0].end_z = "-", .n_sinks = 2,
	  .want = { QUEUE_DEFERRED, 0, "4.4.2" }, .stage = QUEUE_AT_END, .connections = { 1, 0 }, .messages = { 1, 0 } },
	{ .name = "it says our name", .domain_z = "h11", .says[0].ehlo_z = "250-We.Test\r\n250 PIPELINING", .n_sinks = 1,
	  .want = { QUEUE_FAILED, 0, "5.4.6" }, .stage = QUEUE_AT_HELO, .connections = { 1 } },
	{ .name = "our own address", .domain_z = "h99", .want = { QUEUE_FAILED, 0, "5.4.6" }, .stage = QUEUE_AT_DNS },
	/* RFC 5321 5.1: those behind us would give it to us. */
	{ .name = "nobody behind ours", .domain_z = "h99,h11", .n_sinks = 1, .want = { QUEUE_FAILED, 0, "5.4.6" }, .stage = QUEUE_AT_DNS },
	{ .name = "nobody behind ours, and who is better is dead", .domain_z = "h13,h99,h11", .n_sinks = 1, .want = { QUEUE_DEFERRED, 0, "4.4.1" },
	  .stage = QUEUE_AT_CONNECT, .is_down = true },
	{ .name = "who is better than ours", .domain_z = "h13,h11,h99", .n_sinks = 1, .want = { QUEUE_DELIVERED, 250, "2.0.0" },
	  .stage = QUEUE_AT_END, .connections = { 1 }, .messages = { 1 } },
	{ .name = "nobody behind an address of this host", .domain_z = "own,h11", .n_sinks = 1, .want = { QUEUE_FAILED, 0, "5.4.4" }, .stage = QUEUE_AT_DNS },
	{ .name = "nobody behind who says our name", .domain_z = "h11,h12", .says[0].ehlo_z = "250-We.Test\r\n250 PIPELINING", .n_sinks = 2,
	  .want = { QUEUE_FAILED, 0, "5.4.6" }, .stage = QUEUE_AT_HELO, .connections = { 1, 0 } },
	{ .name = "null MX", .domain_z = "null", .want = { QUEUE_FAILED, 0, "5.1.10" }, .stage = QUEUE_AT_DNS },
	{ .name = "DNS does not answer", .domain_z = "broken", .want = { QUEUE_DEFERRED, 0, "4.4.3" }, .stage = QUEUE_AT_DNS, .is_down = true },
	{ .name = "one host has no address", .domain_z = "nowhere,h11", .n_sinks = 1, .want = { QUEUE_DELIVERED, 250, "2.0.0" },
	  .stage = QUEUE_AT_END, .connections = { 1 }, .messages = { 1 } },
	{ .name = "TLS is demanded and not offered", .domain_z = "h11", .n_sinks = 1, .tls = QUEUE_TLS_ENCRYPT,
	  .want = { QUEUE_DEFERRED, 0, "4.7.4" }, .stage = QUEUE_AT_TLS, .is_down = true, .connections = { 1 } },
	{ .name = "STARTTLS refused, nobody demands it", .domain_z = "h11", .says[0] = { .ehlo_z = EHLO_TLS, .starttls_z = "454 4.7.0 later" },
	  .n_sinks = 1, .want = { QUEUE_DELIVERED, 250, "2.0.0" }, .stage = QUEUE_AT_END, .connections = { 1 }, .messages = { 1 } },
	{ .name = "handshake fails, nobody demands it", .domain_z = "h11", .says[0] = { .ehlo_z = EHLO_TLS, .starttls_z = "220 go\r\nnonsense" },
	  .n_sinks = 1, .want = { QUEUE_DELIVERED, 250, "2.0.0" }, .stage = QUEUE_AT_END, .connections = { 2 }, .messages = { 1 } },
	{ .name = "handshake fails where TLS is demanded", .domain_z = "h11", .tls = QUEUE_TLS_ENCRYPT,
	  .says[0] = { .ehlo_z = EHLO_TLS, .starttls_z = "220 go\r\nnonsense" }, .n_sinks = 1, .want = { QUEUE_DEFERRED, 0, "4.7.5" },
	  .stage = QUEUE_AT_TLS, .is_down = true, .connections = { 1 } },
	/* What the address said that answered tells more than that the other one did not. */
	{ .name = "TLS is not offered at one address, and the other is dead", .domain_z = "h13+h11", .n_sinks = 1, .tls = QUEUE_TLS_ENCRYPT,
	  .want = { QUEUE_DEFERRED, 0, "4.7.4" }, .stage = QUEUE_AT_TLS, .is_down = true, .connections = { 1 } },
	{ .name = "greeting 521 at one address, and the other is dead", .domain_z = "h13+h11", .says[0].greeting_z = "521 takes no mail", .n_sinks = 1,
	  .want = { QUEUE_DEFERRED, 0, "4.4.1" }, .stage = QUEUE_AT_CONNECT, .is_down = true, .connections = { 1 } },
	{ .name = "one address is dead", .domain_z = "h13+h11", .n_sinks = 1, .want = { QUEUE_DELIVERED, 250, "2.0.0" },
	  .stage = QUEUE_AT_END, .connections = { 1 }, .messages = { 1 } },
	{ .name = "TLS is not even tried", .domain_z = "h11", .tls = QUEUE_TLS_NONE,
	  .says[0] = { .ehlo_z = EHLO_TLS, .starttls_z = "220 go\r\nnonsense" }, .n_sinks = 1, .want = { QUEUE_DELIVERED, 250, "2.0.0" },
	  .stage = QUEUE_AT_END, .connections = { 1 }, .messages = { 1 } },
	{ .name = "REQUIRETLS without DNSSEC", .domain_z = "h11", .flags = QUEUE_REQUIRETLS, .n_sinks = 1,
	  .want = { QUEUE_FAILED, 0, "5.7.30" }, .stage = QUEUE_AT_TLS },
	{ .name = "REQUIRETLS where there is none is no trouble of others", .domain_z = "h11", .host_z = "127.0.0.11", .flags = QUEUE_REQUIRETLS, .n_sinks = 1,
	  .want = { QUEUE_DEFERRED, 0, "4.7.4" }, .stage = QUEUE_AT_TLS, .connections = { 1 } },
	{ .name = "success wanted, no DSN there", .domain_z = "h11", .notify = QUEUE_NOTIFY_SUCCESS, .n_sinks = 1,
	  .want = { QUEUE_RELAYED, 250, "2.0.0" }, .stage = QUEUE_AT_END, .connections = { 1 }, .messages = { 1 } },
	{ .name = "success wanted, DSN there", .domain_z = "h11", .notify = QUEUE_NOTIFY_SUCCESS,
	  .says[0].ehlo_z = "250-sink.test\r\n250 DSN", .n_sinks = 1, .want = { QUEUE_DELIVERED, 250, "2.0.0" }, .stage = QUEUE_AT_END,
	  .connections = { 1 }, .messages = { 1 } },
	{ .name = "8BITMIME declared, not needed", .domain_z = "h11", .flags = QUEUE_8BIT, .says[0].ehlo_z = EHLO_PLAIN, .n_sinks = 1,
	  .want = { QUEUE_DELIVERED, 250, "2.0.0" }, .stage = QUEUE_AT_END, .connections = { 1 }, .messages = { 1 } },
	{ .name = "8-bit, encoded for this server", .domain_z = "h11", .flags = QUEUE_8BIT, .message_z = MESSAGE_8BIT(""),
	  .says[0].ehlo_z = EHLO_PLAIN, .n_sinks = 1, .want = { QUEUE_DELIVERED, 250, "2.0.0" }, .stage = QUEUE_AT_END, .connections = { 1 },
	  .messages = { 1 } },
	{ .name = "8-bit and signed", .domain_z = "h11", .flags = QUEUE_8BIT, .message_z = MESSAGE_8BIT("DKIM-Signature: v=1; b=x\r\n"),
	  .says[0].ehlo_z = EHLO_PLAIN, .n_sinks = 1, .want = { QUEUE_FAILED, 0, "5.6.3" }, .stage = QUEUE_AT_MAIL, .connections = { 1 } },
	{ .name = "8-bit and signed, to who takes it", .domain_z = "h11", .flags = QUEUE_8BIT,
	  .message_z = MESSAGE_8BIT("DKIM-Signature: v=1; b=x\r\n"), .n_sinks = 1, .want = { QUEUE_DELIVERED, 250, "2.0.0" },
	  .stage = QUEUE_AT_END, .connections = { 1 }, .messages = { 1 } },
	{ .name = "8-bit text, not declared, encoded", .domain_z = "h11", .message_z = "MIME-Version: 1.0\r\n"
	  "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xc3\xa9\r\n", .says[0].ehlo_z = EHLO_PLAIN, .n_sinks = 1,
	  .want = { QUEUE_DELIVERED, 250, "2.0.0" }, .stage = QUEUE_AT_END, .connections = { 1 }, .messages = { 1 }, .is_ascii = true },
	{ .name = "8-bit text, not declared, signed", .domain_z = "h11", .message_z = "DKIM-Signature: x\r\nMIME-Version: 1.0\r\n"
	  "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xc3\xa9\r\n", .says[0].ehlo_z = EHLO_PLAIN, .n_sinks = 1,
	  .want = { QUEUE_DELIVERED, 250, "2.0.0" }, .stage = QUEUE_AT_END, .connections = { 1 }, .messages = { 1 } },
	{ .name = "8-bit text, not declared, where it is taken", .domain_z = "h11", .message_z = "Subject: x\r\n\r\n\xc3\xa9\r\n", .n_sinks = 1,
	  .want = { QUEUE_DELIVERED, 250, "2.0.0" }, .stage = QUEUE_AT_END, .connections = { 1 }, .messages = { 1 }, .is_8bitmime = true },
	{ .name = "SMTPUTF8 needed", .domain_z = "h11", .flags = QUEUE_SMTPUTF8, .message_z = "Subject: \xc3\xa9\r\n\r\nx\r\n",
	  .says[0].ehlo_z = EHLO_PLAIN, .n_sinks = 1, .want = { QUEUE_FAILED, 0, "5.6.7" }, .stage = QUEUE_AT_MAIL, .connections = { 1 } },
	/* RFC 6531 3.2: at any level */
	{ .name = "SMTPUTF8 needed by a part", .domain_z = "h11", .flags = QUEUE_SMTPUTF8, .message_z = MESSAGE_PART("\xc3\xa9"),
	  .n_sinks = 1, .want = { QUEUE_FAILED, 0, "5.6.7" }, .stage = QUEUE_AT_MAIL, .connections = { 1 } },
	/* RFC 6532 3.7: encoded with it */
	{ .name = "SMTPUTF8 needed by a message inside", .domain_z = "h11", .flags = QUEUE_SMTPUTF8, .message_z = MESSAGE_INSIDE("", "message/global"),
	  .n_sinks = 1, .want = { QUEUE_DELIVERED, 250, "2.0.0" }, .stage = QUEUE_AT_END, .connections = { 1 }, .messages = { 1 } },
	{ .name = "SMTPUTF8 needed by a message inside, 7-bit", .domain_z = "h11", .flags = QUEUE_SMTPUTF8, .message_z = MESSAGE_INSIDE("", "message/global"),
	  .says[0].ehlo_z = EHLO_PLAIN, .n_sinks = 1, .want = { QUEUE_DELIVERED, 250, "2.0.0" }, .stage = QUEUE_AT_END, .connections = { 1 }, .messages = { 1 } },
	{ .name = "SMTPUTF8 needed by a message inside, signed", .domain_z = "h11", .flags = QUEUE_SMTPUTF8,
	  .message_z = MESSAGE_INSIDE("DKIM-Signature: x\r\n", "message/global"), .n_sinks = 1, .want = { QUEUE_FAILED, 0, "5.6.7" }, .stage = QUEUE_AT_MAIL,
	  .connections = { 1 } },
	{ .name = "SMTPUTF8 needed by a message inside that may not be encoded", .domain_z = "h11", .flags = QUEUE_SMTPUTF8,
	  .message_z = MESSAGE_INSIDE("", "message/rfc822"), .n_sinks = 1, .want = { QUEUE_FAILED, 0, "5.6.7" }, .stage = QUEUE_AT_MAIL, .connections = { 1 } },
	{ .name = "SMTPUTF8 declared, 8-bit text of a part", .domain_z = "h11", .flags = QUEUE_SMTPUTF8, .message_z = MESSAGE_PART("e"),
	  .n_sinks = 1, .want = { QUEUE_DELIVERED, 250, "2.0.0" }, .stage = QUEUE_AT_END, .connections = { 1 }, .messages = { 1 }, .is_8bitmime = true },
	{ .name = "UTF-8 in a part, not declared", .domain_z = "h11", .message_z = MESSAGE_PART("\xc3\xa9"),
	  .n_sinks = 1, .want = { QUEUE_DELIVERED, 250, "2.0.0" }, .stage = QUEUE_AT_END, .connections = { 1 }, .messages = { 1 }, .is_8bitmime = true },
	/* RFC 6533 4.5: a notice to who has an address in ASCII */
	{ .name = "a report in UTF-8, 8BITMIME alone", .domain_z = "h11", .flags = QUEUE_8BIT, .message_z = MESSAGE_REPORT(""), .n_sinks = 1,
	  .want = { QUEUE_DELIVERED, 250, "2.0.0" }, .stage = QUEUE_AT_END, .connections = { 1 }, .messages = { 1 }, .is_ascii = true },
	{ .name = "a report in UTF-8, 7-bit", .domain_z = "h11", .flags = QUEUE_8BIT, .message_z = MESSAGE_REPORT(""), .says[0].ehlo_z = EHLO_PLAIN, .n_sinks = 1,
	  .want = { QUEUE_DELIVERED, 250, "2.0.0" }, .stage = QUEUE_AT_END, .connections = { 1 }, .messages = { 1 }, .is_ascii = true },
	{ .name = "a report in UTF-8 that is signed", .domain_z = "h11", .flags = QUEUE_8BIT, .message_z = MESSAGE_REPORT("DKIM-Signature: x\r\n"), .n_sinks = 1,
	  .want = { QUEUE_DELIVERED, 250, "2.0.0" }, .stage = QUEUE_AT_END, .connections = { 1 }, .messages = { 1 }, .is_8bitmime = true },
	{ .name = "a report in UTF-8, to who takes it", .domain_z = "h11", .flags = QUEUE_8BIT, .message_z = MESSAGE_REPORT(""), .n_sinks = 1,
	  .says[0].ehlo_z = "250-sink.test\r\n250-8BITMIME\r\n250 SMTPUTF8", .want = { QUEUE_DELIVERED, 250, "2.0.0" }, .stage = QUEUE_AT_END,
	  .connections = { 1 }, .messages = { 1 }, .is_8bitmime = true },
	{ .name = "SMTPUTF8 declared, not needed", .domain_z = "h11", .flags = QUEUE_SMTPUTF8, .says[0].ehlo_z = EHLO_PLAIN, .n_sinks = 1,
	  .want = { QUEUE_DELIVERED, 250, "2.0.0" }, .stage = QUEUE_AT_END, .connections = { 1 }, .messages = { 1 } },
	{ .name = "a literal of our network", .domain_z = "[127.0.0.11]", .host_z = "127.0.0.11", .n_sinks = 1,
	  .want = { QUEUE_FAILED, 0, "5.4.4" }, .stage = QUEUE_AT_DNS },
	{ .name = "a host of the settings", .domain_z = "example.test", .host_z = "127.0.0.11", .n_sinks = 1,
	  .want = { QUEUE_DELIVERED, 250, "2.0.0" }, .stage = QUEUE_AT_END, .connections = { 1 }, .messages = { 1 } },
};

static struct queue_attempt attempt_of(const struct walk_row *row, struct queue_attempt_rcpt *rcpts, size_t n)
{
	struct queue_attempt t = { .id = 7, .reverse_path = S("from@we.test"), .flags = row->flags, .max_sessions = 1, .rcpts = rcpts,
				   .n_rcpts = n };

	t.hop = (struct queue_hop){ .destination = str_z(row->domain_z), .domain = str_z(row->domain_z), .port = sink_port(),
				    .tls = row->tls, .host = str_z(row->host_z) };
	t.message = row->message_z ? str_z(row->message_z) : S("Subject: x\r\n\r\nHello\r\n");
	return t;
}

static void check_walk(const struct walk_row *row)
{
	struct queue_attempt_rcpt rcpt = { .address = S("to@there.test"), .notify = row->notify };
	struct queue_attempt t = attempt_of(row, &rcpt, 1);
	struct queue_rcpt_result got;
	struct queue_result r = { .rcpts = &got };
	struct sink *sinks[MAX_SINKS] = { NULL };
	struct send_link link;
	struct test_send s;
	struct arena a;

	test_row(row->name);
	test_send_open(&s, row->settings_z ? row->settings_z : "");
	arena_init(&a, 1 << 20);
	send_link_init(&link);
	for (unsigned i = 0; i < row->n_sinks; i++)
		sinks[i] = sink_open(11 + i, &row->says[i]);
	send_walk(s.send, &t, &a, &link, &r);
	assert_int_equal(got.outcome, row->want.outcome);
	assert_int_equal(got.reply.code, row->want.code);
	if (row->want.enhanced_z)
		assert_str_eq(got.reply.enhanced, str_z(row->want.enhanced_z));
	assert_int_equal(r.stage, row->stage);
	assert_int_equal(r.is_down, row->is_down);
	assert_int_equal(r.id, 7);
	assert_int_equal(r.n_rcpts, 1);
	send_link_close(&link);
	if (row->is_ascii)
		assert_false(sink_saw_8bit(sinks[0]));
	if (row->is_8bitmime)
		assert_true(sink_saw_8bit(sinks[0]) && sink_saw_8bitmime(sinks[0]));
	for (unsigned i = 0; i < row->n_sinks; i++) {
		assert_int_equal(sink_connections(sinks[i]), row->connections[i]);
		assert_int_equal(sink_messages(sinks[i]), row->messages[i]);
		sink_close(sinks[i]);
	}
	arena_fini(&a);
	test_send_close(&s);
}

TEST(walk_over_hosts)
{
	for (size_t i = 0; i < ARRAY_LEN(walk_rows); i++)
		check_walk(&walk_rows[i]);
}

/* Each recipient has its own answer; one transaction. */
TEST(walk_recipients)
{
	static const struct walk_row row = { .domain_z = "h11" };
	struct queue_attempt_rcpt rcpts[] = { { .address = S("bad1@there.test") }, { .address = S("good@there.test") },
					      { .address = S("bad2@there.test") } };
	struct queue_attempt t = attempt_of(&row, rcpts, ARRAY_LEN(rcpts));
	struct queue_rcpt_result got[ARRAY_LEN(rcpts)];
	struct queue_result r = { .rcpts = got };
	struct sink *sink = sink_open(11, &(struct sink_says){ .has_bad_rcpt = true });
	struct send_link link;
	struct test_send s;
	struct arena a;

	test_send_open(&s, "");
	arena_init(&a, 1 << 20);
	send_link_init(&link);
	send_walk(s.send, &t, &a, &link, &r);
	assert_int_equal(got[0].outcome, QUEUE_FAILED);
	assert_int_equal(got[1].outcome, QUEUE_DELIVERED);
	assert_int_equal(got[2].outcome, QUEUE_FAILED);
	assert_str_eq(got[2].reply.text, S("nobody of that name"));
	assert_str_eq(r.host, S("h11"));
	assert_str_eq(r.address, S("127.0.0.11"));
	send_link_close(&link);
	assert_int_equal(sink_messages(sink), 1);
	assert_int_equal(sink_commands(sink, "MAIL"), 1);
	sink_close(sink);
	arena_fini(&a);
	test_send_close(&s);
}

static void walk_again(struct test_send *s, struct send_link *link, struct queue_result *r)
{
	static const struct walk_row row = { .domain_z = "h11" };
	struct queue_attempt_rcpt rcpt = { .address = S("to@there.test") };
	struct queue_attempt t = attempt_of(&row, &rcpt, 1);
	struct arena a;

	arena_init(&a, 1 << 20);
	send_walk(s->send, &t, &a, link, r);
	assert_int_equal(r->rcpts[0].outcome, QUEUE_DELIVERED);
	arena_fini(&a);
}

/* The next attempt goes over the same connection; when that has died meanwhile, over a new one, and nobody hears of it. */
TEST(walk_keeps_connection)
{
	struct sink *sink = sink_open(11, &(struct sink_says){ .close_after = 2 });
	struct queue_rcpt_result got;
	struct queue_result r = { .rcpts = &got };
	struct send_link link;
	struct test_send s;

	test_send_open(&s, "");
	send_link_init(&link);
	walk_again(&s, &link, &r);
	assert_false(r.is_reused);
	walk_again(&s, &link, &r);
	assert_true(r.is_reused);
	assert_int_equal(sink_connections(sink), 1);
	walk_again(&s, &link, &r);
	assert_false(r.is_reused);
	assert_int_equal(sink_connections(sink), 2);
	assert_int_equal(sink_messages(sink), 3);
	send_link_close(&link);
	sink_close(sink);
	test_send_close(&s);
}

/* Routes may have changed since their destination got its name: what was made for another host or domain, or another login, is not used. */
TEST(walk_keeps_no_connection_of_another_hop)
{
	static const struct walk_row row = { .domain_z = "h11" };
	struct sink *sinks[] = { sink_open(11, &(struct sink_says){ 0 }), sink_open(12, &(struct sink_says){ 0 }) };
	struct queue_attempt_rcpt rcpt = { .address = S("to@there.test") };
	struct queue_attempt t = attempt_of(&row, &rcpt, 1);
	const struct queue_hop h11 = t.hop;
	struct queue_hop hops[] = { h11, h11, h11, h11 };
	struct queue_rcpt_result got;
	struct queue_result r = { .rcpts = &got };
	struct send_link link;
	struct test_send s;

	hops[1].domain = S("h12");
	hops[2].host = S("127.0.0.11");
	hops[3].host = S("127.0.0.11");
	hops[3].user = S("u");
	test_send_open(&s, "");
	send_link_init(&link);
	for (size_t i = 0; i < ARRAY_LEN(hops); i++) {
		AUTO(arena_fini) struct arena a = { .cap = 1 << 20 };

		t.hop = hops[i];
		send_walk(s.send, &t, &a, &link, &r);
		assert_int_equal(got.outcome, i < 3 ? QUEUE_DELIVERED : QUEUE_DEFERRED); /* no password in the clear */
	}
	send_link_close(&link);
	assert_int_equal(sink_connections(sinks[0]), 3);
	assert_int_equal(sink_messages(sinks[1]), 1);
	for (size_t i = 0; i < ARRAY_LEN(sinks); i++)
		sink_close(sinks[i]);
	test_send_close(&s);
}

/*
 * RFC 8689 4.2.2: with "TLS-Required: No" no policy counted, so whoever answered then may be anybody, and gets nobody else's message. The same when the
 * settings want no TLS for some senders' mail to the domain.
 */
TEST(walk_keeps_no_connection_without_policy)
{
	static const struct {
		const char *name;
		unsigned flags;
		enum queue_tls tls;
	} rows[] = { { "TLS-Required: No", QUEUE_TLS_OPTIONAL, QUEUE_TLS_MAY }, { "tls = none", 0, QUEUE_TLS_NONE } };
	static const struct walk_row row = { .domain_z = "h11" };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sink *sink = sink_open(11, &(struct sink_says){ 0 });
		struct queue_attempt_rcpt rcpt = { .address = S("to@there.test") };
		struct queue_attempt t = attempt_of(&row, &rcpt, 1);
		struct queue_rcpt_result got;
		struct queue_result r = { .rcpts = &got };
		struct send_link link;
		struct test_send s;
		struct arena a;

		test_row(rows[i].name);
		test_send_open(&s, "");
		arena_init(&a, 1 << 20);
		send_link_init(&link);
		t.flags = rows[i].flags;
		t.hop.tls = rows[i].tls;
		send_walk(s.send, &t, &a, &link, &r);
		send_walk(s.send, &t, &a, &link, &r);
		assert_true(r.is_reused);
		t.flags = 0;
		t.hop.tls = QUEUE_TLS_MAY;
		send_walk(s.send, &t, &a, &link, &r);
		assert_false(r.is_reused);
		assert_int_equal(got.outcome, QUEUE_DELIVERED);
		assert_int_equal(sink_connections(sink), 2);
		send_link_close(&link);
		sink_close(sink);
		arena_fini(&a);
		test_send_close(&s);
	}
}

static int mx_elsewhere(void *ctx, struct arena *a, struct str domain, const char *const *own_names, int64_t deadline_ms, struct send_hosts *ret,
			struct queue_reply *ret_reply)
{
	(void)domain;
	return test_names.mx(ctx, a, S("h13"), own_names, deadline_ms, ret, ret_reply);
}

/* It has said no to one of them before it died: that is his alone, and nobody who waits for its hosts hears it as his own answer. */
TEST(walk_heard_a_kept_connection_that_died)
{
	static const struct walk_row row = { .domain_z = "h11" };
	struct sink *sink = sink_open(11, &(struct sink_says){ .has_bad_rcpt = true, .data_z = "-" });
	struct queue_attempt_rcpt rcpts[2] = { { .address = S("bad@there.test") }, { .address = S("to@there.test") } };
	struct queue_attempt t = attempt_of(&row, rcpts, 1);
	struct queue_rcpt_result got[2];
	struct queue_result r = { .rcpts = got };
	struct send_link link;
	struct test_send s;
	struct arena a;

	test_send_open(&s, "");
	arena_init(&a, 1 << 20);
	send_link_init(&link);
	send_walk(s.send, &t, &a, &link, &r);
	assert_int_equal(got[0].outcome, QUEUE_FAILED);
	s.send->names.mx = mx_elsewhere;
	t.n_rcpts = 2;
	t.has_fallback = true;
	send_walk(s.send, &t, &a, &link, &r);
	assert_int_equal(sink_connections(sink), 1);
	assert_int_equal(got[0].outcome, QUEUE_FAILED);
	assert_int_equal(got[1].outcome, QUEUE_DEFERRED);
	assert_false(r.is_down);
	send_link_close(&link);
	sink_close(sink);
	arena_fini(&a);
	test_send_close(&s);
}

/* Hosts that all hold us up: not one after the other until the last. */
TEST(walk_has_an_end)
{
	static const struct walk_row row = { .domain_z = "h11,h12,h13,h14,h15,h16,h17,h18,h19,h20" };
	struct queue_attempt_rcpt rcpt = { .address = S("to@there.test") };
	struct queue_attempt t = attempt_of(&row, &rcpt, 1);
	struct sink *sinks[10];
	struct queue_rcpt_result got;
	struct queue_result r = { .rcpts = &got };
	unsigned n_connections = 0;
	struct send_link link;
	struct test_send s;
	struct arena a;

	test_send_open(&s, "command_timeout = 100ms");
	arena_init(&a, 1 << 20);
	send_link_init(&link);
	for (unsigned i = 0; i < ARRAY_LEN(sinks); i++)
		sinks[i] = sink_open(11 + i, &(struct sink_says){ .greeting_z = "" });
	send_walk(s.send, &t, &a, &link, &r);
	assert_int_equal(got.outcome, QUEUE_DEFERRED);
	assert_int_equal(r.stage, QUEUE_AT_GREETING);
	for (unsigned i = 0; i < ARRAY_LEN(sinks); i++) {
		n_connections += sink_connections(sinks[i]);
		sink_release(sinks[i]);
		sink_close(sinks[i]);
	}
	assert_in_range(n_connections, 1, 7);
	arena_fini(&a);
	test_send_close(&s);
}

/* What a peer says is cut, and harmless. */
TEST(reply_is_clean)
{
	char text[QUEUE_REPLY_TEXT + 10];
	struct smtp_client_reply from = { .code = 550, .text = { text, sizeof(text) } };
	struct queue_reply r;
	struct arena a;

	arena_init(&a, 1 << 16);
	memset(text, 'x', sizeof(text));
	memcpy(text, "a\x1b[2Jb\r\nc", 9);
	memcpy(text + QUEUE_REPLY_TEXT - 1, "\xc3\xa9", 2); /* across the cut */
	r = send_reply_of(&a, &from);
	assert_int_equal(r.text.n, QUEUE_REPLY_TEXT - 1);
	assert_memory_equal(r.text.p, "a?[2Jb?\nc", 9);
	from.text = S("\xff\xfe is no UTF-8");
	r = send_reply_of(&a, &from);
	assert_str_eq(r.text, S("?? is no UTF-8"));
	from.enhanced = S("9.1");
	assert_int_equal(send_reply_of(&a, &from).enhanced.n, 0);
	arena_fini(&a);
}
