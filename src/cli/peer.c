/* SPDX-License-Identifier: MIT */
#include "cli/peer.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "queue/queue.h"

#define ADDRESSES 16
#define CONNECT_MS 30000

int peer_parse(struct peer *p, const char *text_z, const char *option_z, uint16_t default_port,
	       struct fault *fault)
{
	struct str host = str_z(text_z), port = S("");
	ptrdiff_t colon = str_rchr(host, ':');
	bool is_bare_v6 = colon >= 0 && str_chr(host, ':') != colon && !str_starts(host, S("["));
	bool has_port = colon >= 0 && !is_bare_v6 && str_rchr(host, ']') < colon;
	uint64_t number = default_port;

	if (has_port) {
		port = str_skip(host, (size_t)colon + 1);
		host = str_head(host, (size_t)colon);
	}
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = str_of(host.p + 1, host.n - 2);
	if (host.n == 0 || host.p[0] == '[' || host.n >= sizeof(p->host_z) ||
	    (has_port && !str_to_u64(port, 65535, &number)) || number == 0)
		return fault_set(fault, -E_USAGE, "%s needs HOST or HOST:PORT", option_z);
	snprintf(p->host_z, sizeof(p->host_z), "%" STR_FMT, STR_ARG(host));
	p->port = (uint16_t)number;
	return 0;
}

int peer_connect(struct peer *p, struct net_stream **ret, struct fault *fault)
{
	struct net_address addresses[ADDRESSES];
	struct net_stream_connect c = { .addresses = addresses,
					.deadline_ms = clock_mono_ms() + CONNECT_MS };
	size_t index = 0;
	int r = net_address_lookup(p->host_z, p->port, addresses, ADDRESSES, &c.n, fault);

	if (r == 0)
		r = net_stream_connect(&c, ret, &index, fault);
	if (r == 0)
		net_address_text(&addresses[index], p->address);
	return r;
}

/* What a stranger wrote moves no cursor. */
void peer_trace(void *ctx, bool is_ours, struct str line)
{
	(void)ctx;
	fputs(is_ours ? "> " : "< ", stderr);
	cli_print(stderr, line, false);
	fputc('\n', stderr);
}

bool peer_notify(const char *text_z, unsigned *ret)
{
	struct str rest = str_z(text_z), word;

	*ret = 0;
	while (str_split(&rest, ',', &word)) {
		if (str_ieq(word, S("never")))
			*ret |= QUEUE_NOTIFY_NEVER;
		else if (str_ieq(word, S("success")))
			*ret |= QUEUE_NOTIFY_SUCCESS;
		else if (str_ieq(word, S("failure")))
			*ret |= QUEUE_NOTIFY_FAILURE;
		else if (str_ieq(word, S("delay")))
			*ret |= QUEUE_NOTIFY_DELAY;
		else
			return false;
	}
	return *ret != 0 && (*ret == QUEUE_NOTIFY_NEVER || !(*ret & QUEUE_NOTIFY_NEVER));
}

bool peer_ret(const char *text_z, int *ret)
{
	struct str word = str_z(text_z);

	*ret = str_ieq(word, S("full")) ? QUEUE_RET_FULL : QUEUE_RET_HDRS;
	return *ret == QUEUE_RET_FULL || str_ieq(word, S("hdrs"));
}

struct str peer_xtext(struct arena *a, const char *text_z)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(100); /* RFC 3461 4.4 */
	struct str copy;

	for (const char *p = text_z; *p != '\0'; p++) {
		if (*p > 32 && *p < 127 && *p != '+' && *p != '=')
			buf_add_char(&out, *p);
		else
			buf_printf(&out, "+%02X", (unsigned char)*p);
	}
	copy = arena_str(a, buf_str(&out));
	return copy.p && !buf_overflowed(&out) ? copy : S("");
}

void peer_say(FILE *to, const char *about_z, const struct smtp_client_reply *reply)
{
	struct str rest = reply->text, line;

	fprintf(to, "%s: ", about_z);
	if (reply->code != 0)
		fprintf(to, "%d ", reply->code);
	if (reply->enhanced.n > 0)
		fprintf(to, "%" STR_FMT " ", STR_ARG(reply->enhanced));
	while (str_split(&rest, '\n', &line))
		fprintf(to, "%" STR_FMT "%s", STR_ARG(line), rest.n > 0 ? " / " : "");
}

void peer_own_name(char *ret_z, size_t n)
{
	memset(ret_z, 0, n);
	if (gethostname(ret_z, n - 1) < 0 || ret_z[0] == '\0')
		snprintf(ret_z, n, "localhost");
}
