/* SPDX-License-Identifier: MIT */
/* Logins: SCRAM and a server that wants more work than is decent; how long a line may be; what the trace tells. */
#include "smtp/client_int.h"

#include "base/test.h"
#include "base/text.h"

#include <pthread.h>
#include <unistd.h>

#define NEXT "\x1e"  /* as in client_test.c */
#define LINE "\r\n"

struct hungry {
	int fd;
	const char *rounds_z;
	bool is_loose;
	bool is_cancelled;
};

static void say(int fd, const char *text_z)
{
	(void)!send(fd, text_z, strlen(text_z), MSG_NOSIGNAL);
}

/* "AUTH SCRAM-SHA-256 " and in base64 "n,,n=ann,r=NONCE": the same nonce, longer, comes back, by 1 to 3 bytes so that base64 has two '='. */
static void challenge(struct hungry *h, struct str line)
{
	AUTO(buf_fini) struct buf first = BUF_INIT(1000), out = BUF_INIT(1000), answer = BUF_INIT(2000);
	ptrdiff_t nonce;

	assert_true(text_b64_decode(&first, str_trim(str_skip(line, strlen("AUTH SCRAM-SHA-256 ")))));
	nonce = str_find(buf_str(&first), S(",r="));
	assert_true(nonce > 0);
	for (const char *longer_z = "xxx"; out.n % 3 != 1; longer_z++) {
		buf_reset(&out);
		buf_printf(&out, "%" STR_FMT "%s,s=QSXCR+Q6sek8bf92,i=%s", STR_ARG(str_skip(buf_str(&first), (size_t)nonce + 1)), longer_z,
			   h->rounds_z);
	}
	buf_add(&answer, S("334 "));
	text_b64_encode(&answer, buf_str(&out));
	answer.p[answer.n - 3] += h->is_loose; /* RFC 4648 3.5: bits that no byte takes, and that should be zero */
	buf_add(&answer, S("\r\n"));
	say(h->fd, buf_z(&answer));
}

static void *be_hungry(void *arg)
{
	struct hungry *h = arg;
	char line[2000];
	ssize_t n;

	say(h->fd, "220 mx\r\n");
	(void)!recv(h->fd, line, sizeof(line), 0);
	say(h->fd, "250-mx\r\n250 AUTH SCRAM-SHA-256\r\n");
	n = recv(h->fd, line, sizeof(line), 0);
	if (n > 0)
		challenge(h, str_of(line, (size_t)n));
	n = recv(h->fd, line, sizeof(line), 0);
	h->is_cancelled = n == 3 && line[0] == '*';
	say(h->fd, "535 no\r\n");
	return NULL;
}

TEST(client_scram_has_a_bound)
{
	static const struct {
		const char *rounds_z;
		bool is_loose, is_cancelled;
	} rows[] = { { "4096", false, false }, { "2000001", false, true }, { "2147483647", false, true },
		     { "99999999999999999999999", false, true }, { "4096", true, true }, { "2000001", true, true } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(arena_fini) struct arena a = { .cap = 65536 };
		struct smtp_client_options o = { .helo_z = "me", .user = S("ann"), .password = S("secret"), .may_plain = true };
		struct hungry h = { .rounds_z = rows[i].rounds_z, .is_loose = rows[i].is_loose };
		struct smtp_client_reply reply;
		enum smtp_client_stage stage;
		struct smtp_client *c = NULL;
		pthread_t thread;
		int fds[2];

		test_row(rows[i].rounds_z);
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
		h.fd = fds[1];
		assert_int_equal(pthread_create(&thread, NULL, be_hungry, &h), 0);
		assert_int_equal(smtp_client_open(net_stream_of_fd(fds[0]), &o, &a, &c, &stage, &reply), -E_DENIED);
		assert_int_equal(stage, SMTP_CLIENT_AUTH);
		pthread_join(thread, NULL);
		assert_int_equal(h.is_cancelled, rows[i].is_cancelled);
		close(fds[1]);
	}
}

/* RFC 4954 4: a first message that would make the line of AUTH too long waits for the server's go. */
TEST(client_auth_line_has_a_bound)
{
	for (size_t n = 370; n < 390; n++) {
		AUTO(arena_fini) struct arena a = { .cap = 65536 };
		AUTO(buf_fini) struct buf said = BUF_INIT(65536), password = BUF_INIT(1000);
		struct smtp_client_options o = { .helo_z = "me", .user = S("ann"), .may_plain = true };
		struct smtp_client *c = NULL;
		struct smtp_client_reply reply;
		enum smtp_client_stage stage;
		bool is_split = (n + 5 + 2) / 3 * 4 + strlen("AUTH PLAIN " LINE) > 512; /* RFC 5321 4.5.3.1.4 */
		struct net_stream *s = net_stream_scripted(is_split ? S("220 a" LINE NEXT "250-b" LINE "250 AUTH PLAIN" LINE NEXT "334 " LINE NEXT
									"235 ok" LINE NEXT)
								    : S("220 a" LINE NEXT "250-b" LINE "250 AUTH PLAIN" LINE NEXT
									"235 ok" LINE NEXT));

		while (password.n < n)
			buf_add_char(&password, 'x');
		o.password = buf_str(&password);
		assert_int_equal(smtp_client_open(s, &o, &a, &c, &stage, &reply), 0);
		buf_add(&said, net_stream_scripted_said(smtp_client_stream(c)));
		assert_int_equal(str_find(buf_str(&said), S("AUTH PLAIN" LINE "AGFubgB4eHh4")) > 0, is_split);
		assert_int_equal(str_find(buf_str(&said), S("AUTH PLAIN AGFubgB4eHh4")) > 0, !is_split);
		smtp_client_close(&c);
	}
}

static void mask(void *ctx, bool is_ours, struct str line)
{
	buf_printf(ctx, "%s%" STR_FMT "|", is_ours ? "> " : "< ", STR_ARG(line));
}

TEST(client_trace_masks_secrets)
{
	AUTO(arena_fini) struct arena a = { .cap = 65536 };
	AUTO(buf_fini) struct buf traced = BUF_INIT(65536);
	struct smtp_client_options o = { .helo_z = "me", .user = S("ann"), .password = S("secret"), .may_plain = true, .trace = mask,
					 .trace_ctx = &traced };
	struct smtp_client *c = NULL;
	struct smtp_client_reply reply;
	enum smtp_client_stage stage;
	struct net_stream *s = net_stream_scripted(S("220 a" LINE NEXT "250-b" LINE "250 AUTH LOGIN" LINE NEXT "334 VXNlcm5hbWU6" LINE
						      NEXT "334 UGFzc3dvcmQ6" LINE NEXT "235 c" LINE NEXT));

	assert_int_equal(smtp_client_open(s, &o, &a, &c, &stage, &reply), 0);
	assert_str_eq(buf_str(&traced), S("< 220 a|> EHLO me|< 250-b|< 250 AUTH LOGIN|> AUTH LOGIN|< 334 <challenge>|> <secret>|"
					  "< 334 <challenge>|> <secret>|< 235 c|"));
	smtp_client_close(&c);
	smtp_client_close(&c);
}
