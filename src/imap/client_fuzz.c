/* SPDX-License-Identifier: MIT */
/*
 * The client against whatever a server may say: the first byte chooses what we want of it, the rest is its script (net_stream_scripted). Whatever comes, it ends; what was
 * said is made of whole lines; no password is said where none may be; texts of strangers are clean.
 */
#include "imap/client.h"

#include "base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAY_PLAIN = 1, HAS_LOGIN = 2, WANTS_TLS = 4, BY_LITERAL = 8, APPENDS = 16, IDLES = 32, TRACED = 64 };

static void check_text(struct str s)
{
	must(str_is_utf8(s));
	for (size_t i = 0; i < s.n; i++)
		must((unsigned char)s.p[i] >= 0x20 && s.p[i] != 0x7f);
}

static void trace(void *ctx, bool is_ours, struct str line)
{
	(void)ctx;
	must(!is_ours || str_find(line, S("hush")) < 0);
}

static int see(void *ctx, const struct imap_client_reply *r, struct fault *fault)
{
	(void)fault;
	must(r->kind != IMAP_CLIENT_BYE && ++*(unsigned *)ctx < 1000000);
	return 0;
}

static void talk(struct imap_client *c, unsigned flags)
{
	struct imap_client_reply reply;
	struct fault fault;
	unsigned n = 0;

	check_text(imap_client_caps(c)->all);
	check_text(imap_client_greeting(c));
	if (flags & APPENDS)
		(void)!imap_client_append(c, S("INBOX"), S("\\Seen"), S(""), S("a: b\r\n\r\n"), &reply, &fault);
	(void)!imap_client_ask(c, S("SELECT INBOX"), see, &n, &fault);
	if ((flags & IDLES) && imap_client_send(c, S("IDLE"), NULL, &fault) == 0 && imap_client_await(c, 0, &reply, &fault) >= 0)
		(void)!imap_client_put(c, S("DONE\r\n"), &fault);
	(void)!imap_client_ask(c, S("NOOP"), see, &n, &fault);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned flags = size > 0 ? data[0] : 0;
	struct net_stream *s = net_stream_scripted(str_of(data + (size > 0), size - (size > 0)));
	struct imap_client_options o = {
		.starttls = flags & WANTS_TLS ? NET_STARTTLS_ALWAYS : NET_STARTTLS_NEVER,
		.user = flags & HAS_LOGIN ? S("ann") : S(""),
		.password = flags & BY_LITERAL ? S("hush\xff") : S("hushhush"),
		.may_plain = (flags & MAY_PLAIN) != 0,
		.host_z = "h",
		.max_literal = 1u << 20,
		.trace = flags & TRACED ? trace : NULL,
	};
	struct fault fault = { 0 };
	enum imap_client_stage stage;
	struct imap_client *c = NULL;

	if (imap_client_open(s, &o, &c, &stage, &fault) < 0) {
		must(c == NULL && stage < IMAP_CLIENT_N_STAGES && fault.text[0] != '\0');
		check_text(str_z(fault.text));
		return 0;
	}
	must((flags & MAY_PLAIN) || !(flags & HAS_LOGIN));
	talk(c, flags);
	must(net_stream_scripted_said(imap_client_stream(c)).n == 0 || str_ends(net_stream_scripted_said(imap_client_stream(c)), S("\r\n")));
	imap_client_close(&c);
	return 0;
}
