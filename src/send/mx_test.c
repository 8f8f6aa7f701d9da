/* SPDX-License-Identifier: MIT */
/* What answers of the DNS mean; with real answers: tests/clients/dns.py. */
#include "base/test.h"

#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "send/dns_int.h"

static const char *const own_names[] = { "mail.here.test", "here.test", NULL };

/* "10 mx.example.org" as rdata; "10 ." the root. */
static struct str mx_rdata(struct arena *a, struct str text)
{
	struct buf wire = BUF_INIT(1024);
	struct str preference, label, copy;
	uint64_t n = 0;

	str_split(&text, ' ', &preference);
	assert_true(str_to_u64(preference, 65535, &n));
	buf_add_char(&wire, (char)(n >> 8));
	buf_add_char(&wire, (char)n);
	while (str_split(&text, '.', &label))
		if (label.n > 0) {
			buf_add_char(&wire, (char)label.n);
			buf_add(&wire, label);
		}
	buf_add_char(&wire, '\0');
	copy = arena_str(a, buf_str(&wire));
	buf_fini(&wire);
	return copy;
}

static struct net_dns_answer mx_answer(struct arena *a, const char *records_z)
{
	struct net_dns_answer answer = { .trust = NET_DNS_SECURE, .rdata = ARENA_ARRAY(a, struct str, 300) };
	struct str rest = str_z(records_z);
	struct str record;

	while (str_split(&rest, ',', &record))
		answer.rdata[answer.n++] = mx_rdata(a, record);
	return answer;
}

TEST(mx_answers)
{
	static const struct {
		const char *name, *records, *hosts, *enhanced;
		bool is_nxdomain;
	} rows[] = {
		{ "by preference", "20 b.test,10 a.test,30 c.test", "a.test b.test c.test ", NULL, false },
		{ "upper case", "10 A.Test", "a.test ", NULL, false },
		{ "implicit", "", "example.org ", NULL, false },
		{ "no such domain", "", "", "5.1.2", true },
		{ "null MX", "0 .", "", "5.1.10", false },
		{ "null MX with a preference", "10 .", "", "5.1.10", false },
		{ "null MX beside another", "0 .,10 a.test", "a.test ", NULL, false },
		{ "twice", "20 a.test,10 b.test,5 a.test", "a.test b.test ", NULL, false },
		{ "an address for a name", "10 203.0.113.1", "203.0.113.1 ", NULL, false },
		{ "no names", "10 a b.test,20 c/d.test", "", "5.4.4", false },
		{ "some no names", "10 a b.test,20 c.test", "c.test ", NULL, false },
		{ "ourselves", "10 mail.here.test", "", "5.4.6", false },
		{ "ourselves the best", "10 Mail.Here.Test,20 a.test", "", "5.4.6", false },
		{ "ourselves among equals", "10 a.test,10 here.test,5 b.test", "b.test ", NULL, false },
		{ "ourselves in the middle", "10 a.test,20 mail.here.test,30 c.test,20 b.test", "a.test ", NULL, false },
		{ "ourselves twice", "30 here.test,10 a.test,20 mail.here.test,25 b.test", "a.test ", NULL, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_fini) struct buf names = BUF_INIT(4096);
		struct queue_reply reply = { 0 };
		struct net_dns_answer answer;
		struct send_hosts got;
		struct arena a;

		test_row(rows[i].name);
		arena_init(&a, 1 << 20);
		answer = mx_answer(&a, rows[i].records);
		answer.is_nxdomain = rows[i].is_nxdomain;
		assert_int_equal(send_mx_of(&a, S("example.org"), own_names, &answer, &got, &reply), 0);
		for (size_t j = 0; j < got.n; j++)
			buf_printf(&names, "%" STR_FMT " ", STR_ARG(got.hosts[j].name));
		assert_str_eq(buf_str(&names), str_z(rows[i].hosts));
		assert_str_eq(reply.enhanced, str_z(rows[i].enhanced));
		assert_int_equal(reply.code, str_eq(reply.enhanced, S("5.1.10")) ? 556 : 0);
		assert_int_equal(reply.text.n > 0, got.n == 0);
		assert_true(got.is_secure);
		assert_int_equal(got.n > 0 && got.hosts[0].is_mx, rows[i].records[0] && got.n > 0);
		arena_fini(&a);
	}
}

/* RFC 5321 5.1: the load is spread over equal ones, and never over worse ones. */
TEST(mx_equal_ones_are_mixed)
{
	unsigned first[3] = { 0 };

	for (int i = 0; i < 300; i++) {
		struct queue_reply reply;
		struct net_dns_answer answer;
		struct send_hosts got;
		struct arena a;

		arena_init(&a, 1 << 20);
		answer = mx_answer(&a, "20 z.test,10 a.test,10 b.test,10 c.test");
		assert_int_equal(send_mx_of(&a, S("example.org"), own_names, &answer, &got, &reply), 0);
		assert_int_equal(got.n, 4);
		assert_str_eq(got.hosts[3].name, S("z.test"));
		first[got.hosts[0].name.p[0] - 'a']++;
		arena_fini(&a);
	}
	/* By chance less than 40 of 300: once in 10^12 runs. */
	for (size_t i = 0; i < ARRAY_LEN(first); i++)
		assert_true(first[i] >= 40);
}

TEST(mx_limits)
{
	struct net_dns_answer answer = { 0 };
	struct queue_reply reply = { 0 };
	struct send_hosts got;
	struct arena a, small;

	arena_init(&a, 1 << 20);
	arena_init(&small, 64);
	answer.rdata = ARENA_ARRAY(&a, struct str, 300);
	for (; answer.n < 300; answer.n++) {
		char text[32];

		snprintf(text, sizeof(text), "%zu h%zu.test", 1000 - answer.n, answer.n);
		answer.rdata[answer.n] = mx_rdata(&a, str_z(text));
	}
	assert_int_equal(send_mx_of(&a, S("example.org"), own_names, &answer, &got, &reply), 0);
	assert_int_equal(got.n, SEND_HOSTS);
	assert_int_equal(send_mx_of(&small, S("example.org"), own_names, &answer, &got, &reply), -E_LIMIT);
	assert_str_eq(reply.enhanced, S("4.3.0"));
	arena_fini(&a);
	arena_fini(&small);
}

/* ---- addresses ---- */

static struct net_dns_answer addresses(struct arena *a, const char *list_z)
{
	struct net_dns_answer answer = { .rdata = ARENA_ARRAY(a, struct str, 300) };
	struct str rest = str_z(list_z);
	struct str text;

	while (str_split(&rest, ' ', &text)) {
		struct net_address address;

		assert_true(net_address_parse(text, 0, &address));
		answer.rdata[answer.n++] = address.any.sa_family == AF_INET ? arena_str(a, str_of(&address.v4.sin_addr, 4))
									   : arena_str(a, str_of(&address.v6.sin6_addr, 16));
	}
	return answer;
}

TEST(mx_addresses)
{
	static const struct {
		const char *name, *v6, *v4, *want;
		bool may_private;
	} rows[] = {
		{ "in turn", "2001:db8::1 2001:db8::2", "203.0.113.1 203.0.113.2", "2001:db8::1 203.0.113.1 2001:db8::2 203.0.113.2 ", false },
		{ "more of one kind", "2001:db8::1", "203.0.113.1 203.0.113.2 203.0.113.3", "2001:db8::1 203.0.113.1 203.0.113.2 203.0.113.3 ", false },
		{ "IPv4 alone", "", "203.0.113.1", "203.0.113.1 ", false },
		{ "IPv6 alone", "2001:db8::1", "", "2001:db8::1 ", false },
		{ "none", "", "", "", false },
		{ "private", "::1 fe80::1 fd00::1 2001:db8::1 ::ffff:10.0.0.1", "127.0.0.1 10.0.0.1 192.168.1.1 203.0.113.1",
		  "2001:db8::1 203.0.113.1 ", false },
		{ "private alone", "::1", "127.0.0.1", "", false },
		{ "private, allowed", "::1", "127.0.0.1", "::1 127.0.0.1 ", true },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_fini) struct buf got = BUF_INIT(4096);
		struct send_place place = { 0 };
		struct net_dns_answer v6, v4;
		struct arena a;

		test_row(rows[i].name);
		arena_init(&a, 1 << 20);
		v6 = addresses(&a, rows[i].v6);
		v4 = addresses(&a, rows[i].v4);
		assert_true(send_addresses_of(&a, &v6, &v4, 25, rows[i].may_private, &place));
		for (size_t j = 0; j < place.n; j++) {
			char text[NET_ADDRESS_TEXT];

			net_address_text(&place.v[j], text);
			buf_printf(&got, "%s ", text);
			assert_int_equal(ntohs(place.v[j].any.sa_family == AF_INET ? place.v[j].v4.sin_port : place.v[j].v6.sin6_port), 25);
		}
		assert_str_eq(buf_str(&got), str_z(rows[i].want));
		arena_fini(&a);
	}
}

/* What interfaces have is this host's, private or not. */
TEST(mx_own_addresses)
{
	struct ifaddrs *all = NULL;

	assert_int_equal(getifaddrs(&all), 0);
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		struct net_dns_answer none = { 0 };
		struct net_dns_answer own = { 0 };
		struct send_place place = { 0 };
		struct arena a;

		if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET || !(i->ifa_flags & IFF_UP))
			continue;
		arena_init(&a, 1 << 20);
		own.rdata = ARENA_ARRAY(&a, struct str, 1);
		own.rdata[own.n++] = str_of(&((const struct sockaddr_in *)(const void *)i->ifa_addr)->sin_addr, 4);
		assert_true(send_addresses_of(&a, &none, &own, 25, false, &place));
		assert_int_equal(place.n, 0);
		assert_int_equal(place.has_own, own.rdata[0].p[0] != 127); /* who names that means nobody */
		arena_fini(&a);
	}
	freeifaddrs(all);
}

static bool is_kept(const char *bytes)
{
	AUTO(arena_fini) struct arena a = { .cap = 1 << 20 };
	struct str one = str_of(bytes, 4);
	const struct net_dns_answer none = { 0 }, v4 = { .rdata = &one, .n = 1 };
	struct send_place place = { 0 };

	return send_addresses_of(&a, &none, &v4, 25, false, &place) && place.n == 1;
}

static bool write_one(const char *path_z)
{
	int fd = open(path_z, O_WRONLY | O_CLOEXEC);
	bool is_written = fd >= 0 && write(fd, "1", 1) == 1;

	if (fd >= 0)
		close(fd);
	return is_written;
}

/* An own network, where sockets may be bound to anything and 203.0.113.1 is ours. */
static bool make_network(void)
{
	struct ifreq r = { .ifr_name = "lo" };
	struct sockaddr_in own = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0xcb007101) };
	int fd;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0 || !write_one("/proc/sys/net/ipv4/ip_nonlocal_bind"))
		return false;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	memcpy(&r.ifr_addr, &own, sizeof(own));
	if (ioctl(fd, SIOCSIFADDR, &r) < 0)
		return false;
	r.ifr_flags = IFF_UP;
	return ioctl(fd, SIOCSIFFLAGS, &r) == 0 && close(fd) == 0;
}

/* Where nothing hinders a socket from being bound to any address (ip_nonlocal_bind), not all the world is this host. */
TEST(mx_own_addresses_with_nonlocal_bind)
{
	pid_t pid = fork();
	int status = 0;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(!make_network() ? 77 : !is_kept("\x08\x08\x08\x08") ? 1 : is_kept("\xcb\0\x71\x01") ? 2 : 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip(); /* no network of our own here */
	assert_int_equal(WEXITSTATUS(status), 0);
}

TEST(mx_many_addresses)
{
	struct net_dns_answer v6 = { 0 }, v4 = { 0 };
	struct send_place place = { 0 };
	struct arena a;

	arena_init(&a, 1 << 20);
	v4.rdata = ARENA_ARRAY(&a, struct str, 200);
	for (; v4.n < 200; v4.n++)
		v4.rdata[v4.n] = S("\313\0\161\1");
	v6.rdata = ARENA_ARRAY(&a, struct str, 1);
	v6.rdata[v6.n++] = S("not an address");
	assert_true(send_addresses_of(&a, &v6, &v4, 25, false, &place));
	assert_int_equal(place.n, SEND_ADDRESSES);
	arena_fini(&a);
}

/* No question is asked, so nobody to ask is needed. */
TEST(mx_literals)
{
	static const struct {
		const char *host;
		size_t n;
		bool may_private;
	} rows[] = {
		{ "203.0.113.1", 1, false }, { "[203.0.113.1]", 1, false }, { "[IPv6:2001:db8::1]", 1, false }, { "[ipv6:2001:db8::1]", 1, false },
		{ "2001:db8::1", 1, false }, { "[127.0.0.1]", 0, false }, { "[127.0.0.1]", 1, true }, { "[IPv6:::1]", 0, false },
		{ "10.1.2.3", 0, false },
		{ "[2001:db8::1]", 0, false }, { "[IPv6:203.0.113.1]", 0, false }, { "[203.0.113.1", 0, false }, { "[]", 0, false }, { "", 0, false },
		{ "[x.test]", 0, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct queue_reply reply = { 0 };
		struct send_place place;
		struct arena a;

		test_row(rows[i].host);
		arena_init(&a, 1 << 20);
		assert_int_equal(send_addresses(NULL, &a, str_z(rows[i].host), 25, rows[i].may_private, 0, &place, &reply), 0);
		assert_int_equal(place.n, rows[i].n);
		assert_false(place.is_secure);
		assert_str_eq(reply.enhanced, str_z(rows[i].n ? "" : "5.4.4"));
		arena_fini(&a);
	}
}

/* ---- TLSA ---- */

#define DIGEST "0123456789abcdef0123456789abcdef"

TEST(mx_usable_tlsa)
{
	static const struct {
		const char *name;
		struct str rdata;
		bool want;
	} rows[] = {
		{ "3 1 1", STR_INIT("\3\1\1" DIGEST), true }, { "2 0 1", STR_INIT("\2\0\1" DIGEST), true },
		{ "3 0 2", STR_INIT("\3\0\2" DIGEST DIGEST), true }, { "3 1 0", STR_INIT("\3\1\0whole"), true },
		{ "PKIX-TA", STR_INIT("\0\1\1" DIGEST), false }, { "PKIX-EE", STR_INIT("\1\1\1" DIGEST), false },
		{ "usage 4", STR_INIT("\4\1\1" DIGEST), false }, { "PrivCert", STR_INIT("\377\1\1" DIGEST), false },
		{ "selector 2", STR_INIT("\3\2\1" DIGEST), false }, { "digest 3", STR_INIT("\3\1\3" DIGEST), false },
		{ "SHA-256 too short", STR_INIT("\3\1\1abc"), false }, { "SHA-512 too short", STR_INIT("\3\1\2" DIGEST), false },
		{ "nothing", STR_INIT("\3\1\1"), false }, { "empty", STR_INIT(""), false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		test_row(rows[i].name);
		assert_int_equal(send_tlsa_is_usable(rows[i].rdata), rows[i].want);
	}
}
