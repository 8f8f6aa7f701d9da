/* SPDX-License-Identifier: MIT */
/*
 * The client against whatever a server may say: the first byte chooses what we want of it, the rest is its script
 * (net_stream_scripted). Whatever comes, every recipient has a fate that is possible, what is kept of replies is clean text, and
 * what we say is made of whole lines.
 */
#include "smtp/client_int.h"

#include "base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { IS_LMTP = 1, HAS_LOGIN = 2, IS_BINARY = 4, IS_UTF8 = 8, WANTS_TLS = 16, IS_PROBE = 32, AGAIN = 64, TO_DATA = 128 };

static void check_text(struct str s)
{
	must(s.n <= SMTP_CLIENT_TEXT && str_is_utf8(s));
	for (size_t i = 0; i < s.n; i++)
		must(((unsigned char)s.p[i] >= 0x20 || s.p[i] == '\n') && s.p[i] != 0x7f);
}

static void check_reply(const struct smtp_client_reply *r)
{
	must(r->code == 0 || (r->code >= 200 && r->code < 600));
	must(r->enhanced.n < 10);
	check_text(r->text);
	check_text(r->enhanced);
}

static void transaction(struct smtp_client *c, struct arena *a, unsigned flags)
{
	struct smtp_client_rcpt rcpts[2] = { { .address = S("r1@c.example") }, { .address = S("r2@d.example") } };
	const struct smtp_client_message m = {
		.reverse_path = S("a@b.example"),
		.bytes = S("Subject: x\r\n\r\n.hello\r\n.\r\n"),
		.is_binary = (flags & IS_BINARY) != 0,
		.is_smtputf8 = (flags & IS_UTF8) != 0,
		.envid = S("id"),
	};
	int r = flags & IS_PROBE ? smtp_client_probe(c, &m, rcpts, 2, flags & TO_DATA ? SMTP_CLIENT_DATA : SMTP_CLIENT_RCPT, a) : smtp_client_send(c, &m, rcpts, 2, a);

	for (size_t i = 0; i < 2; i++) {
		check_reply(&rcpts[i].reply);
		must(rcpts[i].stage >= SMTP_CLIENT_MAIL && rcpts[i].stage <= SMTP_CLIENT_END);
		must(rcpts[i].reply.code / 100 != 2 || rcpts[i].stage == SMTP_CLIENT_END || (flags & IS_PROBE));
		must(r < 0 || rcpts[i].reply.code != 0 || rcpts[i].reply.enhanced.n > 0 || rcpts[i].is_left);
		must(!rcpts[i].is_left || (r == 0 && rcpts[i].reply.code == 0 && !(flags & IS_PROBE)));
	}
	must(!(rcpts[0].is_left && rcpts[1].is_left));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned flags = size > 0 ? data[0] : 0;
	struct net_stream *s = net_stream_scripted(str_of(data + (size > 0), size - (size > 0)));
	struct smtp_client_options o = {
		.helo_z = "me.example",
		.is_lmtp = (flags & IS_LMTP) != 0,
		.starttls = flags & WANTS_TLS ? NET_STARTTLS_ALWAYS : NET_STARTTLS_NEVER,
		.user = flags & HAS_LOGIN ? S("ann") : S(""),
		.password = S("secret"),
		.may_plain = true,
	};
	struct smtp_client_reply reply;
	enum smtp_client_stage stage;
	struct smtp_client *c = NULL;
	struct arena a;

	arena_init(&a, 1 << 20);
	if (smtp_client_open(s, &o, &a, &c, &stage, &reply) < 0) {
		must(c == NULL && stage <= SMTP_CLIENT_AUTH);
		check_reply(&reply);
	} else {
		transaction(c, &a, flags);
		if (flags & AGAIN)
			transaction(c, &a, flags);
		must(str_ends(net_stream_scripted_said(smtp_client_stream(c)), S("\r\n")));
		smtp_client_close(&c);
	}
	arena_fini(&a);
	return 0;
}
