/* SPDX-License-Identifier: MIT */
/*
 * HTTPS by libcurl, or by the process that has it (https_far.h). Each get or post is a handle of its own: nothing is kept between two, and no two threads share any.
 */
#include "net/https.h"

#include <signal.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/https_far.h"
#include "net/libcurl.h"
#include "net/stream.h"

#define HEAD_MAX (32u << 10) /* all lines of all headers */
#define URL_MAX_BYTES 1024
#define ANSWER_MAX (64u << 10) /* to a post, read and dropped */

struct net_https {
	int far_fd; /* -1: by libcurl here */
	struct libcurl curl;
	char *ca;
	size_t ca_n;
};

int net_https_open(struct str ca_pem, struct net_https **ret, struct fault *fault)
{
	struct net_https *h = MEM_NEW(struct net_https);
	const char *why_z = "";

	if (!libcurl_load(&h->curl, &why_z) || h->curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		mem_free(h);
		return fault_set(fault, -E_IO, "libcurl does not start: %s", why_z);
	}
	if (ca_pem.p) {
		h->ca = mem_dup_z(ca_pem);
		h->ca_n = ca_pem.n;
	}
	h->far_fd = -1;
	*ret = h;
	return 0;
}

struct net_https *net_https_far(int fd)
{
	struct net_https *h = MEM_NEW(struct net_https);

	h->far_fd = fd;
	return h;
}

void net_https_close(struct net_https **hp)
{
	struct net_https *h = *hp;

	if (!h)
		return;
	mem_free(h->ca);
	mem_free(h);
	*hp = NULL;
}

/* ---- one get or post ---- */

struct get {
	struct net_https *h;
	const struct net_https_get *asked;
	CURL *easy;
	struct curl_slist *resolve, *header;
	struct buf *out;      /* NULL: a post */
	struct str document;
	size_t n_head, n_dropped;
	bool is_too_long;
	char url[URL_MAX_BYTES];
	char error[CURL_ERROR_SIZE];
};

static size_t take_body(char *p, size_t size, size_t n, void *arg)
{
	struct get *g = arg;

	if (g->out) {
		buf_add(g->out, str_of(p, size * n));
		g->is_too_long |= buf_overflowed(g->out);
	} else {
		g->n_dropped += size * n;
		g->is_too_long |= g->n_dropped > ANSWER_MAX;
	}
	return g->is_too_long ? 0 : size * n;
}

/* Counted, not looked at: libcurl itself bounds one line only. */
static size_t take_head(char *p, size_t size, size_t n, void *arg)
{
	struct get *g = arg;

	(void)p;
	g->n_head += size * n;
	g->is_too_long |= g->n_head > HEAD_MAX;
	return g->is_too_long ? 0 : size * n;
}

/* "host:port:address,address": libcurl asks nobody else. False: too long, or none. */
static bool set_addresses(struct get *g)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(4096);

	buf_printf(&text, "%s:%u:", g->asked->host_z, g->asked->port);
	for (size_t i = 0; i < g->asked->n_addresses; i++) {
		char address[NET_ADDRESS_TEXT];
		bool is_v6 = g->asked->addresses[i].any.sa_family == AF_INET6;

		net_address_text(&g->asked->addresses[i], address);
		buf_printf(&text, "%s%s%s%s", i > 0 ? "," : "", is_v6 ? "[" : "", address, is_v6 ? "]" : "");
	}
	if (buf_overflowed(&text) || g->asked->n_addresses == 0)
		return false;
	g->resolve = g->h->curl.slist_append(NULL, buf_z(&text));
	return g->resolve != NULL;
}

static void set_options(struct get *g, int64_t left_ms)
{
	const struct libcurl *curl = &g->h->curl;
	struct curl_blob ca = { g->h->ca, g->h->ca_n, CURL_BLOB_NOCOPY };

	curl->easy_setopt(g->easy, CURLOPT_URL, g->url);
	curl->easy_setopt(g->easy, CURLOPT_RESOLVE, g->resolve);
	curl->easy_setopt(g->easy, CURLOPT_PROTOCOLS_STR, "https");
	curl->easy_setopt(g->easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl->easy_setopt(g->easy, CURLOPT_PROXY, "");
	curl->easy_setopt(g->easy, CURLOPT_NOSIGNAL, 1L);
	curl->easy_setopt(g->easy, CURLOPT_TIMEOUT_MS, (long)left_ms);
	curl->easy_setopt(g->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl->easy_setopt(g->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl->easy_setopt(g->easy, CURLOPT_ERRORBUFFER, g->error);
	curl->easy_setopt(g->easy, CURLOPT_WRITEFUNCTION, take_body);
	curl->easy_setopt(g->easy, CURLOPT_WRITEDATA, g);
	curl->easy_setopt(g->easy, CURLOPT_HEADERFUNCTION, take_head);
	curl->easy_setopt(g->easy, CURLOPT_HEADERDATA, g);
	if (g->h->ca)
		curl->easy_setopt(g->easy, CURLOPT_CAINFO_BLOB, &ca);
}

static bool is_type(struct str given, struct str wanted)
{
	ptrdiff_t semicolon = str_chr(given, ';');
	struct str type;

	given = str_trim(semicolon < 0 ? given : str_head(given, (size_t)semicolon));
	while (str_split(&wanted, ',', &type))
		if (str_ieq(given, type))
			return true;
	return false;
}

/* RFC 8460 3: the certificate may be as bad as that which the report is about. */
static bool set_post(struct get *g)
{
	const struct libcurl *curl = &g->h->curl;
	char type[128];
	struct curl_slist *more;

	snprintf(type, sizeof(type), "Content-Type: %s", g->asked->type_z);
	g->header = curl->slist_append(NULL, type);
	more = g->header ? curl->slist_append(g->header, "Expect:") : NULL; /* 100 is not waited for */
	curl->easy_setopt(g->easy, CURLOPT_POST, 1L);
	curl->easy_setopt(g->easy, CURLOPT_POSTFIELDS, g->document.p);
	curl->easy_setopt(g->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)g->document.n);
	curl->easy_setopt(g->easy, CURLOPT_HTTPHEADER, g->header);
	curl->easy_setopt(g->easy, CURLOPT_SSL_VERIFYPEER, 0L);
	curl->easy_setopt(g->easy, CURLOPT_SSL_VERIFYHOST, 0L);
	return more != NULL;
}

static int another_status(struct get *g, long status, struct fault *fault)
{
	char *to_z = NULL;

	g->h->curl.easy_getinfo(g->easy, CURLINFO_REDIRECT_URL, &to_z);
	if (g->asked->redirect && to_z)
		buf_add(g->asked->redirect, str_z(to_z));
	return fault_set(fault, -E_NOT_FOUND, "%s: the server answers %ld", g->url, status);
}

/* What became of it. */
static int judge(struct get *g, CURLcode code, struct fault *fault)
{
	char *type_z = NULL;
	long status = 0;

	if (g->is_too_long)
		return fault_set(fault, -E_LIMIT, "%s: the answer is too long", g->url);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return fault_set(fault, -E_TIMEOUT, "%s: %s", g->url, g->error);
	if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CONNECT_ERROR)
		return fault_set(fault, -E_TLS, "%s: %s", g->url, g->error);
	if (code != CURLE_OK)
		return fault_set(fault, -E_IO, "%s: %s", g->url, g->error[0] ? g->error : g->h->curl.easy_strerror(code));
	g->h->curl.easy_getinfo(g->easy, CURLINFO_RESPONSE_CODE, &status);
	if (!g->out && status / 100 == 2)
		return 0;
	if (status != 200)
		return another_status(g, status, fault);
	g->h->curl.easy_getinfo(g->easy, CURLINFO_CONTENT_TYPE, &type_z);
	if (!is_type(str_z(type_z ? type_z : ""), str_z(g->asked->type_z)))
		return fault_set(fault, -E_SYNTAX, "%s: the media type is %.80s, not %s", g->url, type_z ? type_z : "not given",
				 g->asked->type_z);
	return 0;
}

static int perform(struct get *g, struct fault *fault)
{
	int64_t left_ms = g->asked->deadline_ms - clock_mono_ms();

	if (left_ms <= 0)
		return fault_set(fault, -E_TIMEOUT, "%s: no time is left", g->url);
	g->easy = g->h->curl.easy_init();
	if (!g->easy || !set_addresses(g))
		return fault_set(fault, -E_IO, "%s: libcurl does not begin", g->url);
	set_options(g, left_ms);
	if (!g->out && !set_post(g))
		return fault_set(fault, -E_IO, "%s: libcurl does not begin", g->url);
	return judge(g, g->h->curl.easy_perform(g->easy), fault);
}

/*
 * With CURLOPT_NOSIGNAL libcurl leaves SIGPIPE to us: a server that resets the connection while TLS says good-bye would end a process that has not put it off. One that
 * comes meanwhile is taken away again.
 */
struct quiet {
	sigset_t broken, before;
};

static void quiet_begin(struct quiet *q)
{
	sigemptyset(&q->broken);
	sigaddset(&q->broken, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &q->broken, &q->before);
}

static void quiet_end(struct quiet *q)
{
	const struct timespec now = { 0 };

	if (!sigismember(&q->before, SIGPIPE)) /* else one may have waited before */
		(void)sigtimedwait(&q->broken, NULL, &now);
	pthread_sigmask(SIG_SETMASK, &q->before, NULL);
}

static int run(struct get *g, struct fault *fault)
{
	struct quiet quiet;
	const struct net_https_get *asked = g->asked;
	int n = snprintf(g->url, sizeof(g->url), "https://%s:%u%s", asked->host_z, asked->port, asked->path_z);
	int rc;

	quiet_begin(&quiet);
	rc = n >= (int)sizeof(g->url) ? fault_set(fault, -E_LIMIT, "%.100s: the path is too long", asked->host_z) : perform(g, fault);
	if (g->easy)
		g->h->curl.easy_cleanup(g->easy);
	if (g->resolve)
		g->h->curl.slist_free_all(g->resolve);
	if (g->header)
		g->h->curl.slist_free_all(g->header);
	quiet_end(&quiet);
	return rc;
}

int net_https_get(struct net_https *h, const struct net_https_get *asked, struct buf *out, struct fault *fault)
{
	return h->far_fd >= 0 ? https_far_ask(h->far_fd, asked, (struct str){ 0 }, out, fault)
			      : run(&(struct get){ .h = h, .asked = asked, .out = out }, fault);
}

int net_https_post(struct net_https *h, const struct net_https_get *asked, struct str document, struct fault *fault)
{
	return h->far_fd >= 0 ? https_far_ask(h->far_fd, asked, document, NULL, fault)
			      : run(&(struct get){ .h = h, .asked = asked, .document = document }, fault);
}
