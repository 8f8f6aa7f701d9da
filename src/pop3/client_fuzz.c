/* SPDX-License-Identifier: MIT */
/*
 * The client against whatever a server may say: the first byte chooses what we want of it, the rest is its script
 * (net_stream_scripted). Whatever comes, numbers are in order, names have bounds, what is shown is clean, a message is not longer than what
 * was sent, and what we say is made of whole lines.
 */
#include "pop3/client_int.h"

#include "base/limits.h"
#include "base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HAS_LOGIN = 1, WANTS_TLS = 2, IS_SMALL = 4, DELETES = 8, IS_TOP = 16, IS_ONE = 32 };

static void check_text(struct str s)
{
	must(str_is_utf8(s));
	for (size_t i = 0; i < s.n; i++)
		must((unsigned char)s.p[i] >= 0x20 && s.p[i] != 0x7f);
}

static void check_list(const struct pop3_client_message *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		must(v[i].number > (i > 0 ? v[i - 1].number : 0));
		must(v[i].uidl.n <= LIMIT_POP3_CLIENT_UIDL);
		for (size_t k = 0; k < v[i].uidl.n; k++)
			must(v[i].uidl.p[k] > ' ' && v[i].uidl.p[k] != 0x7f);
	}
}

static void messages(struct pop3_client *c, const struct pop3_client_message *v, size_t n, unsigned flags, size_t size)
{
	size_t window = pop3_client_caps(c)->has_pipelining && !(flags & IS_ONE) ? 4 : 1, asked = 0;
	int r = 0;

	for (size_t i = 0; i < n && r != -E_CLOSED; i++) {
		AUTO(buf_fini) struct buf out = BUF_INIT(flags & IS_SMALL ? 8 : 1 << 20);

		while (asked < n && asked < i + window && r == 0)
			r = pop3_client_ask(c, v[asked++].number, flags & IS_TOP ? 0 : -1, NULL);
		if (r < 0)
			return;
		r = pop3_client_take(c, &out, NULL);
		must(out.n <= size);
		if (r < 0 && r != -E_NOT_FOUND && r != -E_TOO_BIG)
			return;
		r = 0;
	}
	if (n > 0 && (flags & DELETES))
		(void)!pop3_client_dele(c, &v[0].number, 1, NULL);
}

static void maildrop(struct pop3_client *c, unsigned flags, size_t size)
{
	struct pop3_client_message *v = NULL;
	struct arena a;
	size_t n = 0;
	int r;

	arena_init(&a, 1 << 20);
	r = pop3_client_list(c, &a, &v, &n, NULL);
	must(n == 0 || r == 0 || r == -E_CANNOT);
	check_list(v, n);
	if (r == 0 || r == -E_CANNOT)
		messages(c, v, n, flags, size);
	arena_fini(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned flags = size > 0 ? data[0] : 0;
	struct net_stream *s = net_stream_scripted(str_of(data + (size > 0), size - (size > 0)));
	struct pop3_client_options o = {
		.starttls = flags & WANTS_TLS ? NET_STARTTLS_ALWAYS : NET_STARTTLS_NEVER,
		.user = flags & HAS_LOGIN ? S("ann") : S(""),
		.password = S("secret"),
		.may_plain = true,
	};
	enum pop3_client_stage stage;
	struct pop3_client *c = NULL;
	struct fault fault = { "" };

	if (pop3_client_open(s, &o, &c, &stage, &fault) < 0) {
		must(c == NULL && stage <= POP3_CLIENT_AUTH);
		must(fault.text[0] != 0);
		return 0;
	}
	check_text(pop3_client_greeting(c));
	check_text(pop3_client_caps(c)->all);
	maildrop(c, flags, size);
	must(str_ends(net_stream_scripted_said(pop3_client_stream(c)), S("\r\n")));
	if (flags & DELETES)
		(void)!pop3_client_quit(&c, &fault);
	pop3_client_close(&c);
	return 0;
}
