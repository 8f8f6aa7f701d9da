/* SPDX-License-Identifier: MIT */
/*
 * Asks. Each question has a thread of its own, which waits: a slow one costs nobody else time, and each has its own measured.
 *
 * The address is private: it goes into no question but the one to the domain's own web servers, inside of TLS whose certificate is theirs, as mail programs
 * ask it. Plain http is never asked: whoever is on the way could name servers of their own, and the password would follow. A redirect is
 * followed when it leads to https at the same port; where it leads is told only what the domain's own server has put there.
 */
#include "doctor/find_int.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"

#define STACK_BYTES (512u << 10)     /* libcurl and OpenSSL need a part of it */
#define ADDRESSES 8                  /* of one host that are looked at */
#define PATH_MAX_BYTES 1000

/* ---- the DNS ---- */

/* A bogus answer is -E_DENIED, one without records -E_NOT_FOUND. */
static int ask(struct find_job *j, struct str name, enum net_dns_type type, int64_t until_ms, struct net_dns_answer *ret)
{
	int r = j->l->dns(j->l->ctx, &j->arena, name, type, until_ms, ret, &j->fault);

	if (r < 0)
		return r;
	if (ret->trust == NET_DNS_BOGUS)
		return fault_set(&j->fault, -E_DENIED, "it is signed, and the signatures are wrong: %" STR_FMT, STR_ARG(ret->why));
	if (ret->n == 0)
		return fault_set(&j->fault, -E_NOT_FOUND, "%s", ret->is_nxdomain ? "there is no such name" : "there are no such records");
	return 0;
}

static void ask_records(struct find_job *j)
{
	static const enum net_dns_type types[] = { [FIND_SRV] = NET_DNS_SRV, [FIND_MX] = NET_DNS_MX, [FIND_TOP] = NET_DNS_SOA };

	j->err = ask(j, j->name, types[j->row->kind], j->what->deadline_ms, &j->answer);
}

static void add_addresses(struct find_addresses *to, const struct net_dns_answer *answer, uint16_t port)
{
	for (size_t i = 0; i < answer->n && i < ADDRESSES; i++)
		to->n += net_address_of_rdata(answer->rdata[i], port, &to->v[to->n]);
}

/* Of both kinds; with one of them the other's failure does not matter, nor the time that it takes: half of what is left. */
static int ask_addresses(struct find_job *j, struct str name, struct find_addresses *ret)
{
	struct net_dns_answer v6 = { 0 }, v4 = { 0 };
	int64_t now_ms = clock_mono_ms();
	int r6, r4;

	*ret = (struct find_addresses){ .v = ARENA_ARRAY(&j->arena, struct net_address, 2 * ADDRESSES) };
	if (!ret->v)
		return -E_LIMIT;
	j->l->ahead(j->l->ctx, name, NET_DNS_A);
	r6 = ask(j, name, NET_DNS_AAAA, now_ms + (j->what->deadline_ms - now_ms) / 2, &v6);
	r4 = ask(j, name, NET_DNS_A, j->what->deadline_ms, &v4);
	if (r6 == 0)
		add_addresses(ret, &v6, j->l->https_port);
	if (r4 == 0)
		add_addresses(ret, &v4, j->l->https_port);
	ret->is_nxdomain = v6.is_nxdomain && v4.is_nxdomain;
	ret->is_bogus = r6 == -E_DENIED || r4 == -E_DENIED;
	ret->is_secure = (r6 < 0 || v6.trust == NET_DNS_SECURE) && (r4 < 0 || v4.trust == NET_DNS_SECURE);
	if (ret->n > 0)
		return 0;
	return r4 == -E_NOT_FOUND && r6 < 0 ? r6 : r4;
}

static void ask_name(struct find_job *j)
{
	j->err = ask_addresses(j, j->name, &j->addresses);
}

/* ---- the web ---- */

/* RFC 3986 2.3: what needs no escape. */
static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c != '\0' && strchr("-._~", c));
}

static void put_path(struct find_job *j, struct buf *out)
{
	static const char hex[] = "0123456789ABCDEF";
	struct str address = j->what->address;

	buf_add(out, str_z(j->row->path_z));
	if (address.n > 0)
		buf_add(out, S("?emailaddress="));
	for (size_t i = 0; i < address.n; i++) {
		unsigned char c = (unsigned char)address.p[i];

		if (is_unreserved(address.p[i]))
			buf_add_char(out, address.p[i]);
		else
			buf_add(out, str_of((char[]){ '%', hex[c >> 4], hex[c & 15] }, 3));
	}
}

/* "https://HOST[:PORT]/PATH" of a redirect: what it leads to, when that is a host by name at the same port. */
static bool split_url(struct find_job *j, struct str url, struct str *ret_host, struct buf *out_path)
{
	struct str host, port;
	uint64_t number = 0;
	ptrdiff_t end;

	if (!str_istarts(url, S("https://")))
		return false;
	url = str_skip(url, 8);
	end = str_chr(url, '/');
	host = end < 0 ? url : str_head(url, (size_t)end);
	buf_reset(out_path);
	buf_add(out_path, end < 0 ? S("/") : str_skip(url, (size_t)end));
	port = host;
	(void)str_split(&port, ':', ret_host);
	if (ret_host->n < host.n && !str_to_u64(port, UINT16_MAX, &number))
		return false;
	*ret_host = arena_str(&j->arena, *ret_host);
	return (number ? number : 443) == j->l->https_port && ret_host->p && net_dns_is_name(*ret_host) && !buf_overflowed(out_path);
}

/* One GET. 1: a redirect, host and path are where to. */
static int get(struct find_job *j, struct str *host, struct buf *path, struct buf *document)
{
	AUTO(buf_fini) struct buf to = BUF_INIT(PATH_MAX_BYTES);
	struct net_https_get g = { .host_z = arena_z(&j->arena, *host), .port = j->l->https_port, .path_z = buf_z(path),
				   .type_z = "text/xml,application/xml", .deadline_ms = j->what->deadline_ms, .redirect = &to };
	int r = ask_addresses(j, *host, &j->addresses);

	if (r < 0 || !g.host_z)
		return r < 0 ? r : -E_LIMIT;
	g.addresses = j->addresses.v;
	g.n_addresses = j->addresses.n;
	buf_reset(document);
	r = j->l->get(j->l->ctx, &g, document, &j->fault);
	if (r != -E_NOT_FOUND || to.n == 0)
		return r;
	if (split_url(j, buf_str(&to), host, path))
		return 1;
	return fault_set(&j->fault, r, "it redirects to what is not followed: %.*s", (int)strcspn(buf_z(&to), "?"), buf_z(&to));
}

static void ask_autoconfig(struct find_job *j)
{
	AUTO(buf_fini) struct buf path = BUF_INIT(PATH_MAX_BYTES), document = BUF_INIT(LIMIT_AUTOCONFIG);
	const struct doctor_autoconfig_who who = { .address = j->what->address, .domain = j->domain };
	struct str host = j->name;
	int r = 1;

	put_path(j, &path);
	if (!j->l->get)
		r = fault_set(&j->fault, -E_CANNOT, "%s", j->l->why.text);
	else if (buf_overflowed(&path))
		r = fault_set(&j->fault, -E_LIMIT, "the address is too long");
	for (unsigned n = 0; r == 1 && n <= LIMIT_AUTOCONFIG_REDIRECTS; n++)
		r = get(j, &host, &path, &document);
	if (r == 1)
		r = fault_set(&j->fault, -E_NOT_FOUND, "it redirects too often");
	j->err = r < 0 ? r : doctor_autoconfig_parse(&j->l->expat, buf_str(&document), &who, &j->arena, &j->config, &j->fault);
}

/* ---- threads ---- */

static void run(struct find_job *j)
{
	static void (*const asks[])(struct find_job *) = { [FIND_SRV] = ask_records, [FIND_MX] = ask_records, [FIND_TOP] = ask_records,
							   [FIND_NAME] = ask_name, [FIND_CHANCE] = ask_name, [FIND_AUTOCONFIG] = ask_autoconfig };
	int64_t begin_ms = clock_mono_ms();

	asks[j->row->kind](j);
	j->ms = clock_mono_ms() - begin_ms;
}

static void *thread_main(void *arg)
{
	run(arg);
	return NULL;
}

void find_ask(struct find_job *jobs, size_t n)
{
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	for (size_t i = 0; i < n; i++)
		jobs[i].has_thread = pthread_create(&jobs[i].thread, &attr, thread_main, &jobs[i]) == 0;
	pthread_attr_destroy(&attr);
	for (size_t i = 0; i < n; i++)
		if (jobs[i].has_thread)
			pthread_join(jobs[i].thread, NULL);
		else
			run(&jobs[i]);
}
