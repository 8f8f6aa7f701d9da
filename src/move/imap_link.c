/* SPDX-License-Identifier: MIT */
/* Where another IMAP server is (RFC 5092), and a connection to it (RFC 8314 3, RFC 9525 6). */
#include "move/imap.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/text.h"
#include "net/stream.h"

#define WAIT_MS 120000
#define CONNECT_MS 15000 /* to one address */
#define ADDRESSES 16

/* ---- URL ---- */

/* Percent-decoded; false: not well-formed, or with control characters. */
static bool decode(struct arena *a, struct str s, struct str *ret)
{
	char *out = arena_alloc(a, s.n + 1, 1);
	size_t n = 0;

	for (size_t i = 0; out && i < s.n; i++) {
		char c = s.p[i];

		if (c == '%') {
			int high = i + 2 < s.n ? text_hex_digit(s.p[i + 1]) : -1;
			int low = i + 2 < s.n ? text_hex_digit(s.p[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = (char)(high << 4 | low);
			i += 2;
		}
		if ((unsigned char)c < 0x20 || c == 0x7f)
			return false;
		out[n++] = c;
	}
	*ret = str_of(out, n);
	return out != NULL;
}

int move_imap_url(struct arena *a, struct str url, struct move_imap_options *ret)
{
	struct str rest = url;
	struct move_imap_options o = { .is_tls = str_istarts(url, S("imaps://")) };
	ptrdiff_t at, colon;
	uint64_t port = o.is_tls ? 993 : 143;

	if (!o.is_tls && !str_istarts(url, S("imap://")))
		return 0;
	rest = str_skip(rest, o.is_tls ? 8 : 7);
	at = str_chr(rest, '/');
	if (at >= 0) {
		if ((size_t)at + 1 != rest.n)
			return 0; /* a mailbox: all are read */
		rest.n = (size_t)at;
	}
	at = str_rchr(rest, '@');
	/* A colon would be a password's, which other users of the machine would see. */
	if (at <= 0 || str_chr(str_head(rest, (size_t)at), ':') >= 0 ||
	    !decode(a, str_head(rest, (size_t)at), &o.user))
		return 0;
	rest = str_skip(rest, (size_t)at + 1);
	colon = str_rchr(rest, ':');
	if (colon >= 0 && str_rchr(rest, ']') < colon) {
		if (!str_to_u64(str_skip(rest, (size_t)colon + 1), 65535, &port) || port == 0)
			return 0;
		rest.n = (size_t)colon;
	}
	if (rest.n > 2 && rest.p[0] == '[' && rest.p[rest.n - 1] == ']')
		rest = str_of(rest.p + 1, rest.n - 2);
	if (rest.n == 0 || !decode(a, rest, &o.host))
		return 0;
	o.port = (uint16_t)port;
	*ret = o;
	return 1;
}

/* ---- a connection ---- */

static int connect_to(const struct move_imap_options *o, const char *host_z, struct net_stream **ret, struct fault *fault)
{
	struct net_address addresses[ADDRESSES];
	struct net_stream_connect to = { .addresses = addresses, .each_ms = CONNECT_MS, .deadline_ms = clock_mono_ms() + WAIT_MS };
	struct fault why = { "" };
	size_t index;
	int r = net_address_lookup(host_z, o->port, addresses, ADDRESSES, &to.n, fault);

	if (r < 0)
		return r;
	r = net_stream_connect(&to, ret, &index, &why);
	return r < 0 ? fault_set(fault, r, "cannot connect to %s port %u: %s", host_z, o->port, why.text) : 0;
}

/* What the user can do about it. */
static int advise(int r, const char *host_z, enum imap_client_stage stage, struct fault *why, struct fault *fault)
{
	if (r == -E_TLS)
		return fault_set(fault, r, "TLS with %s: %.150s; name a certificate to trust with --ca-file, or take any with --insecure", host_z, why->text);
	if (r == -E_CANNOT && stage == IMAP_CLIENT_TLS)
		return fault_set(fault, -E_TLS, "%.150s; use imaps://, or send the password readably with --insecure", why->text);
	if (r == -E_CANNOT || (r == -E_DENIED && stage == IMAP_CLIENT_AUTH))
		r = -E_AUTH_FAILED;
	return fault_set(fault, r, "%s", why->text);
}

int move_imap_link_open(const struct move_imap_options *o, struct move_imap_link *ret, struct fault *fault)
{
	AUTO(mem_auto_free) char *host_z = mem_dup_z(o->host);
	const char *names_z[] = { host_z, NULL };
	struct net_address literal;
	struct imap_client_options c = {
		.starttls = o->is_tls ? NET_STARTTLS_FROM_START : o->is_insecure ? NET_STARTTLS_IF_OFFERED : NET_STARTTLS_ALWAYS,
		.want = { .trust = o->is_insecure ? NET_TRUST_ANY : NET_TRUST_PKIX, .names_z = names_z },
		.user = o->user,
		.password = o->password,
		.may_plain = o->is_insecure,
		.host_z = host_z,
	};
	struct move_imap_link l = { 0 };
	struct net_stream *stream = NULL;
	enum imap_client_stage stage = IMAP_CLIENT_GREETING;
	struct fault why = { "" };
	int r = net_stream_tls_new_file(o->ca_file_z, &l.tls, fault);

	if (r == 0)
		r = connect_to(o, host_z, &stream, fault);
	if (r < 0) {
		move_imap_link_close(&l);
		return r;
	}
	c.tls = l.tls;
	c.want.sni_z = net_address_parse(o->host, 0, &literal) ? NULL : host_z;
	r = imap_client_open(stream, &c, &l.client, &stage, &why);
	if (r < 0) {
		move_imap_link_close(&l);
		return advise(r, host_z, stage, &why, fault);
	}
	*ret = l;
	return 0;
}

void move_imap_link_close(struct move_imap_link *l)
{
	imap_client_close(&l->client);
	net_stream_tls_free(l->tls);
	l->tls = NULL;
}
