/* SPDX-License-Identifier: MIT */
/* See host.h. RFC 6761 6.3: "localhost" is loopback, whatever the DNS says. */
#include "doctor/host.h"

#include <stdio.h>

#include "base/clock.h"
#include "net/dns.h"

static void add(struct doctor_host *h, const struct net_address *a)
{
	size_t same = 0;

	for (size_t i = 0; i < h->n; i++)
		same += h->addresses[i].any.sa_family == a->any.sa_family;
	if (same < LIMIT_DOCTOR_ADDRESSES)
		h->addresses[h->n++] = *a;
}

static void add_text(struct doctor_host *h, struct str text)
{
	struct net_address a;

	if (net_address_parse(text, 0, &a))
		add(h, &a);
}

/* ---- /etc/hosts ---- */

static bool next_word(struct str *s, struct str *ret)
{
	size_t n = 0;

	*s = str_trim(*s);
	while (n < s->n && s->p[n] != ' ' && s->p[n] != '\t')
		n++;
	*ret = str_head(*s, n);
	*s = str_skip(*s, n);
	return n > 0;
}

void doctor_host_scan(struct doctor_host *h, struct str file)
{
	struct str line, address, word;

	while (str_split(&file, '\n', &line)) {
		ptrdiff_t comment = str_chr(line, '#');
		bool is_found = false;

		line = comment < 0 ? line : str_head(line, (size_t)comment);
		if (!next_word(&line, &address))
			continue;
		while (next_word(&line, &word))
			is_found |= str_ieq(word, str_z(h->name_z));
		if (is_found)
			add_text(h, address);
	}
}

static void read_hosts(struct doctor_host *h, const char *path_z)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(LIMIT_DOCTOR_HOSTS_FILE);
	FILE *f = fopen(path_z ? path_z : "/etc/hosts", "re");
	char *p = buf_reserve(&text, LIMIT_DOCTOR_HOSTS_FILE);

	if (f && p) {
		buf_commit(&text, fread(p, 1, LIMIT_DOCTOR_HOSTS_FILE, f));
		doctor_host_scan(h, buf_str(&text));
	}
	if (f)
		fclose(f);
}

/* ---- the DNS ---- */

static void add_rdata(struct doctor_host *h, enum net_dns_type type, struct str rdata)
{
	struct net_address a;

	if (net_address_of_rdata(rdata, 0, &a) && (type == NET_DNS_AAAA) == (a.any.sa_family == AF_INET6))
		add(h, &a);
}

/* 0, also without records; *ret_is_name: there is such a name. */
static int ask(struct doctor_host *h, struct net_dns *dns, enum net_dns_type type, int64_t until_ms, bool *is_name)
{
	struct net_dns_answer answer = { 0 };
	struct fault fault = { 0 };
	struct arena a;
	int r;

	arena_init(&a, 64u << 10);
	r = net_dns_ask(dns, &a, str_z(h->name_z), type, until_ms, &answer, &fault);
	if (r == 0 && answer.trust == NET_DNS_BOGUS)
		r = -E_DENIED;
	if (r < 0)
		snprintf(h->text, sizeof(h->text), "%.150s", fault.text[0] ? fault.text : err_row(r)->text);
	for (size_t i = 0; r == 0 && i < answer.n; i++)
		add_rdata(h, type, answer.rdata[i]);
	*is_name |= r == 0 && !answer.is_nxdomain;
	arena_fini(&a);
	return r;
}

/* Some resolvers and name servers never answer about AAAA: that takes half of the time, and A, which is asked ahead, has come meanwhile. */
static int ask_dns(struct doctor_host *h, struct net_dns *dns, int64_t until_ms)
{
	int64_t now_ms = clock_mono_ms();
	bool is_name = false;
	int v6, v4;

	if (!dns)
		return -E_NOT_FOUND;
	net_dns_ahead(dns, str_z(h->name_z), NET_DNS_A);
	v6 = ask(h, dns, NET_DNS_AAAA, now_ms + (until_ms - now_ms) / 2, &is_name);
	v4 = ask(h, dns, NET_DNS_A, until_ms, &is_name);
	if (h->n > 0)
		return 0;
	return v4 < 0 ? v4 : v6 < 0 ? v6 : is_name ? -E_CANNOT : -E_NOT_FOUND;
}

static bool is_localhost(struct str name)
{
	return str_ieq(name, S("localhost")) || (name.n > 10 && str_ieq(str_skip(name, name.n - 10), S(".localhost")));
}

static int find(struct doctor_host *h, const struct doctor_setup *setup, int64_t until_ms)
{
	struct str name = str_z(h->name_z);

	add_text(h, name);
	if (h->n > 0)
		return 0;
	read_hosts(h, setup->hosts_file_z);
	if (h->n == 0 && is_localhost(name)) {
		add_text(h, S("::1"));
		add_text(h, S("127.0.0.1"));
	}
	if (h->n > 0) {
		snprintf(h->text, sizeof(h->text), "by the file of hosts on this host");
		return 0;
	}
	if (!net_dns_is_name(name))
		return -E_NOT_FOUND;
	return ask_dns(h, setup->dns, until_ms);
}

void doctor_host_find(struct doctor_host *h, const struct doctor_setup *setup, int64_t until_ms)
{
	int64_t begun_ms = clock_mono_ms();
	int r = find(h, setup, until_ms);

	if (r == -E_NOT_FOUND || r == -E_CANNOT)
		snprintf(h->text, sizeof(h->text), "%s", r == -E_CANNOT ? "no address" : "no such name");
	if (r == 0 && !h->text[0])
		snprintf(h->text, sizeof(h->text), "%zu address%s", h->n, h->n == 1 ? "" : "es");
	h->stage = (struct doctor_stage){ .state = r < 0 ? DOCTOR_FAILED : DOCTOR_OK, .err = r, .ms = clock_mono_ms() - begun_ms, .text_z = h->text };
}
