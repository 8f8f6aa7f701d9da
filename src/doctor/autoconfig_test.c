/* SPDX-License-Identifier: MIT */
/* Autoconfig files: those that domains have, those that are wrong, those that are meant to harm. */
#include "base/test.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/limits.h"
#include "doctor/autoconfig.h"

#define BEFORE "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<clientConfig version=\"1.1\">\n<emailProvider id=\"example.org\"><domain>example.org</domain>"
#define AFTER "</emailProvider></clientConfig>\n"
#define SERVER(more) "<incomingServer type=\"imap\"><hostname>h.test</hostname><port>993</port><socketType>SSL</socketType>" more "</incomingServer>"

static struct libexpat *expat(void)
{
	static struct libexpat x;
	const char *why_z = "";

	assert_true(x.Parse || libexpat_load(&x, &why_z));
	return &x;
}

static const struct doctor_autoconfig_who you = { STR_INIT("you@example.org"), STR_INIT("example.org") };

static int parse(struct str text, const struct doctor_autoconfig_who *who, struct arena *a, struct doctor_autoconfig *ret, struct fault *fault)
{
	char *copy = test_copy(text);
	int r = doctor_autoconfig_parse(expat(), str_of(copy, text.n), who, a, ret, fault);

	mem_free(copy);
	return r;
}

/* "imap implicit h.test 993 user login", one line each */
static void print(const struct doctor_autoconfig *got, struct buf *out)
{
	for (size_t i = 0; i < got->n; i++)
		buf_printf(out, "%s%s %s %s %u %s%s%s", i > 0 ? "; " : "", doctor_protocol_names[got->v[i].protocol], doctor_tls_names[got->v[i].tls],
			   got->v[i].host_z, got->v[i].port, got->v[i].user_z ? got->v[i].user_z : "-", got->v[i].login_z[0] ? " " : "",
			   got->v[i].login_z);
}

TEST(autoconfig_servers)
{
	static const struct {
		const char *name, *text, *want;
		size_t n_unusable;
	} rows[] = {
		{ "what a provider has", BEFORE "<displayName>X &amp; Y</displayName>"
		  "<incomingServer type=\"imap\"><hostname>imap.%EMAILDOMAIN%</hostname><port>993</port><socketType>SSL</socketType>"
		  "<authentication>password-cleartext</authentication><username>%EMAILADDRESS%</username></incomingServer>"
		  "<incomingServer type=\"pop3\"><hostname> pop.Example.org\n</hostname><port> 110 </port><socketType>STARTTLS</socketType>"
		  "<username>%EMAILLOCALPART%</username><pop3><leaveMessagesOnServer>true</leaveMessagesOnServer></pop3></incomingServer>"
		  "<outgoingServer type=\"smtp\"><hostname>smtp.example.org</hostname><port>587</port><socketType>plain</socketType>"
		  "<authentication>OAuth2</authentication><authentication>password-cleartext</authentication><username>x/%EMAILLOCALPART%/%EMAILDOMAIN%</username>"
		  "</outgoingServer><documentation url=\"http://x\"><descr lang=\"de\">\xc3\xa4</descr></documentation></emailProvider>"
		  "<clientConfigUpdate url=\"https://x/\"/></clientConfig>",
		  "imap implicit imap.example.org 993 you@example.org password-cleartext; pop3 starttls pop.example.org 110 you; "
		  "submission plain smtp.example.org 587 x/you/example.org OAuth2", 0 },
		{ "of other kinds", BEFORE "<incomingServer type=\"exchange\"><hostname>h</hostname><port>443</port><socketType>SSL</socketType></incomingServer>"
		  "<incomingServer type=\"jmap\"><url>x</url></incomingServer><incomingServer><hostname>h</hostname></incomingServer>"
		  "<outgoingServer type=\"imap\"><hostname>h</hostname><port>1</port><socketType>SSL</socketType></outgoingServer>" SERVER("") AFTER,
		  "imap implicit h.test 993 -", 4 },
		{ "no port", BEFORE "<incomingServer type=\"imap\"><hostname>h</hostname><socketType>SSL</socketType></incomingServer>" AFTER, "", 1 },
		{ "port 0", BEFORE "<incomingServer type=\"imap\"><hostname>h</hostname><port>0</port><socketType>SSL</socketType></incomingServer>" AFTER, "", 1 },
		{ "port 65536", BEFORE "<incomingServer type=\"imap\"><hostname>h</hostname><port>65536</port><socketType>SSL</socketType></incomingServer>" AFTER, "", 1 },
		{ "port of words", BEFORE "<incomingServer type=\"imap\"><hostname>h</hostname><port>imap</port><socketType>SSL</socketType></incomingServer>" AFTER, "", 1 },
		{ "no kind of TLS", BEFORE "<incomingServer type=\"imap\"><hostname>h</hostname><port>1</port></incomingServer>" AFTER, "", 1 },
		{ "another kind of TLS", BEFORE "<incomingServer type=\"imap\"><hostname>h</hostname><port>1</port><socketType>rot13</socketType></incomingServer>" AFTER, "", 1 },
		{ "no host", BEFORE "<incomingServer type=\"imap\"><port>1</port><socketType>SSL</socketType></incomingServer>" AFTER, "", 1 },
		{ "not a host", BEFORE "<incomingServer type=\"imap\"><hostname>https://h/</hostname><port>1</port><socketType>SSL</socketType></incomingServer>" AFTER, "", 1 },
		{ "an address", BEFORE "<incomingServer type=\"imap\"><hostname>192.0.2.1</hostname><port>1</port><socketType>ssl</socketType></incomingServer>" AFTER,
		  "imap implicit 192.0.2.1 1 -", 0 },
		{ "a name that is not ASCII", BEFORE "<incomingServer type=\"imap\"><hostname>b\xc3\xbc" "cher.example</hostname><port>1</port><socketType>SSL</socketType>"
		  "</incomingServer>" AFTER, "imap implicit xn--bcher-kva.example 1 -", 0 },
		{ "twice the same field", BEFORE SERVER("<hostname>other.test</hostname><port>1</port>") AFTER, "imap implicit h.test 993 -", 0 },
		{ "an element in a field", BEFORE SERVER("<username>a<b>c</b>d</username>") AFTER, "imap implicit h.test 993 ad", 0 },
		{ "CDATA and characters by number", BEFORE SERVER("<username><![CDATA[<%EMAILLOCALPART%>]]>&#65;&lt;</username>") AFTER,
		  "imap implicit h.test 993 <you>A<", 0 },
		{ "a placeholder in a placeholder", BEFORE SERVER("<username>%EMAIL%EMAILLOCALPART%ADDRESS%</username>") AFTER,
		  "imap implicit h.test 993 %EMAILyouADDRESS%", 0 },
		{ "a control character", BEFORE SERVER("<username>a&#10;b</username>") AFTER, "imap implicit h.test 993 -", 0 },
		{ "another one", BEFORE SERVER("<username>a&#155;31mb</username><authentication>x&#127;</authentication>") AFTER, "imap implicit h.test 993 -", 0 },
		{ "fields outside", BEFORE "<hostname>h</hostname><port>1</port><socketType>SSL</socketType>" AFTER, "", 0 },
		{ "servers outside", "<clientConfig>" SERVER("") "<x>" SERVER("") "</x></clientConfig>", "", 0 },
		{ "a second provider", BEFORE SERVER("") "</emailProvider><emailProvider>" SERVER("<username>b</username>") AFTER, "imap implicit h.test 993 -", 0 },
		{ "no server", BEFORE AFTER, "", 0 },
		{ "ISO 8859-1", "<?xml version='1.0' encoding='ISO-8859-1'?><clientConfig><emailProvider>" SERVER("<username>\xe4</username>") AFTER,
		  "imap implicit h.test 993 \xc3\xa4", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_fini) struct buf text = BUF_INIT(4000);
		struct doctor_autoconfig got = { 0 };
		struct fault fault = { 0 };
		struct arena a;

		test_row(rows[i].name);
		arena_init(&a, 1 << 20);
		assert_int_equal(parse(str_z(rows[i].text), &you, &a, &got, &fault), 0);
		print(&got, &text);
		assert_str_eq(buf_str(&text), str_z(rows[i].want));
		assert_int_equal(got.n_unusable, rows[i].n_unusable);
		arena_fini(&a);
	}
}

TEST(autoconfig_without_an_address)
{
	const struct doctor_autoconfig_who nobody = { .domain = S("example.org") };
	static const char *const users[][2] = { { "%EMAILADDRESS%", NULL }, { "x%EMAILLOCALPART%", NULL }, { "%EMAILDOMAIN%", "example.org" }, { "joe", "joe" } };

	for (size_t i = 0; i < ARRAY_LEN(users); i++) {
		AUTO(buf_fini) struct buf text = BUF_INIT(4000);
		struct doctor_autoconfig got;
		struct arena a;

		arena_init(&a, 1 << 20);
		buf_printf(&text, BEFORE SERVER("<username>%s</username>") AFTER, users[i][0]);
		assert_int_equal(parse(buf_str(&text), &nobody, &a, &got, NULL), 0);
		assert_int_equal(got.n, 1);
		assert_str_eq(str_z(got.v[0].user_z), str_z(users[i][1]));
		arena_fini(&a);
	}
}

TEST(autoconfig_refused)
{
	static const struct {
		const char *name, *text;
		int want;
		const char *fault;
	} rows[] = {
		{ "nothing", "", -E_SYNTAX, "not well-formed" },
		{ "a web page", "<!DOCTYPE html><html><body>no</body></html>", -E_DENIED, "DOCTYPE" },
		{ "XML of another kind", "<html xmlns='http://www.w3.org/1999/xhtml'/>", -E_SYNTAX, "clientConfig" },
		{ "cut", BEFORE SERVER(""), -E_SYNTAX, "not well-formed" },
		{ "crossed", "<clientConfig><a><b></a></b></clientConfig>", -E_SYNTAX, "not well-formed" },
		{ "an entity that is not there", "<clientConfig>&bomb;</clientConfig>", -E_SYNTAX, "not well-formed" },
		{ "not UTF-8", "<clientConfig>\xff</clientConfig>", -E_SYNTAX, "not well-formed" },
		{ "an encoding that nobody has", "<?xml version='1.0' encoding='utf-7'?><clientConfig/>", -E_SYNTAX, "not well-formed" },
		{ "a billion laughs", "<!DOCTYPE c [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'><!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;'>]>"
		  "<clientConfig>&c;</clientConfig>", -E_DENIED, "DOCTYPE" },
		{ "a file of this host", "<!DOCTYPE c [<!ENTITY f SYSTEM 'file:///etc/passwd'>]><clientConfig>&f;</clientConfig>", -E_DENIED, "DOCTYPE" },
		{ "an external subset", "<!DOCTYPE c SYSTEM 'http://127.0.0.1/x.dtd'><clientConfig/>", -E_DENIED, "DOCTYPE" },
		{ "parameter entities", "<!DOCTYPE c [<!ENTITY % p SYSTEM 'file:///dev/random'> %p;]><clientConfig/>", -E_DENIED, "DOCTYPE" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct doctor_autoconfig got;
		struct fault fault = { 0 };
		struct arena a;

		test_row(rows[i].name);
		arena_init(&a, 1 << 20);
		assert_int_equal(parse(str_z(rows[i].text), &you, &a, &got, &fault), rows[i].want);
		assert_non_null(strstr(fault.text, rows[i].fault));
		arena_fini(&a);
	}
}

static void repeat(struct buf *out, const char *z, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_add(out, str_z(z));
}

TEST(autoconfig_bounds)
{
	static const struct {
		const char *name, *before, *middle;
		size_t n;
		const char *after;
		int want;
		size_t want_n, want_unusable;
	} rows[] = {
		{ "servers", BEFORE, SERVER(""), 16, AFTER, 0, 16, 0 },
		{ "more servers", BEFORE, SERVER(""), 100, AFTER, 0, 16, 84 },
		{ "depth", "<clientConfig>", "<a>", 15, "", -E_SYNTAX, 0, 0 },
		{ "more depth", "<clientConfig>", "<a>", 16, "", -E_LIMIT, 0, 0 },
		{ "much more depth", "<clientConfig>", "<a>", 20000, "", -E_LIMIT, 0, 0 },
		{ "a long host", BEFORE "<incomingServer type='imap'><port>1</port><socketType>SSL</socketType><hostname>", "a.", 300,
		  "</hostname></incomingServer>" AFTER, 0, 0, 1 },
		{ "a long user", BEFORE "<incomingServer type='imap'><port>1</port><socketType>SSL</socketType><hostname>h</hostname><username>", "a", 513,
		  "</username></incomingServer>" AFTER, 0, 1, 0 },
		{ "attributes", "<clientConfig ", "a='b' ", 2, "/>", -E_SYNTAX, 0, 0 },
		{ "bytes", BEFORE, " ", LIMIT_AUTOCONFIG - sizeof(BEFORE AFTER) + 1, AFTER, 0, 0, 0 },
		{ "more bytes", BEFORE, " ", LIMIT_AUTOCONFIG - sizeof(BEFORE AFTER) + 2, AFTER, -E_LIMIT, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_fini) struct buf text = BUF_INIT(1 << 20);
		struct doctor_autoconfig got = { 0 };
		struct fault fault = { 0 };
		struct arena a;

		test_row(rows[i].name);
		buf_add(&text, str_z(rows[i].before));
		repeat(&text, rows[i].middle, rows[i].n);
		buf_add(&text, str_z(rows[i].after));
		arena_init(&a, 1 << 20);
		assert_int_equal(parse(buf_str(&text), &you, &a, &got, &fault), rows[i].want);
		assert_int_equal(got.n, rows[i].want_n);
		assert_int_equal(got.n_unusable, rows[i].want_unusable);
		if (got.n == 1)
			assert_null(got.v[0].user_z);
		arena_fini(&a);
	}
}

/* What placeholders make of a short text. */
TEST(autoconfig_long_user)
{
	static const struct {
		const char *address_z;
		bool want;
	} rows[] = { { "a-local-part-of-some-length@example.org", true }, { "a-local-part-of-a-length-that-few-have@example.org", false } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_fini) struct buf text = BUF_INIT(4000);
		struct doctor_autoconfig got;
		struct arena a;

		test_row(rows[i].address_z);
		buf_add(&text, S(BEFORE "<incomingServer type='imap'><port>1</port><socketType>SSL</socketType><hostname>h</hostname><username>"));
		repeat(&text, "%EMAILADDRESS%", 25);
		buf_add(&text, S("</username></incomingServer>" AFTER));
		arena_init(&a, 1 << 20);
		assert_int_equal(parse(buf_str(&text), &(struct doctor_autoconfig_who){ str_z(rows[i].address_z), S("example.org") }, &a, &got, NULL), 0);
		assert_true(got.n == 1 && (got.v[0].user_z != NULL) == rows[i].want);
		arena_fini(&a);
	}
}

TEST(autoconfig_small_arena)
{
	struct doctor_autoconfig got;
	struct arena a;

	arena_init(&a, 100);
	assert_int_equal(parse(S(BEFORE SERVER("") AFTER), &you, &a, &got, NULL), -E_LIMIT);
	arena_fini(&a);
}
