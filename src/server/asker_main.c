/* SPDX-License-Identifier: MIT */
/*
 * The asker: a process that asks the identity provider about access tokens (RFC 7662), because the server process may make no
 * connection. It has no data, no keys, no listeners; it takes tokens from one socket (sasl/ask.h), posts each to one URL and
 * hands back what came. Whether the token is good is decided by the server process. libcurl speaks HTTPS.
 *
 *  1. At most ASK_MAX requests run at once; more wait in the socket, and then at their sender.
 *  2. An answer is cut off at LIMIT_OAUTH_ANSWER, its headers at HEAD_MAX, both at [auth] oauth_timeout. No redirects, no
 *     proxies, one host, HTTP/1.1 alone.
 *  3. SIGTERM: what runs is finished, nothing new is taken. SIGKILL comes when the supervisor dies.
 *  4. Tokens and the secret are never logged; buffers of ours that held a token are wiped.
 */
#include "server/server_int.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "net/libcurl.h"
#include "sasl/ask.h"
#include "sasl/sasl.h"
#include "server/helper.h"

static struct libcurl curl;

#define ASK_MAX 16
#define POST_MAX (3 * LIMIT_OAUTH_TOKEN + 64) /* percent-encoded */

#define HEAD_MAX (32u << 10) /* all lines of all headers, of 1xx as well */

struct job {
	CURL *easy; /* NULL: free */
	char *post;
	size_t n_post;
	size_t n_head;
	bool is_too_long;
	struct sasl_ask_answer answer;
};

struct asker {
	const struct sasl_conf *auth;
	int fd, signal_fd;
	char *secret_z;
	char *ca;
	size_t ca_n;
	char *user_z, *password_z; /* RFC 6749 2.3.1: encoded */
	uint16_t port;
	CURLM *multi;
	struct curl_slist *headers;
	size_t n_running;
	bool is_stopping;
	struct job jobs[ASK_MAX];
};

static _Noreturn void fail(const char *why_z)
{
	server_helper_fail(server_asker_kind.start_z, why_z);
}

/* ---- one request ---- */

static size_t take_body(char *p, size_t size, size_t n, void *arg)
{
	struct job *j = arg;

	n *= size;
	if (n > sizeof(j->answer.body) - j->answer.n) {
		j->is_too_long = true;
		return 0;
	}
	memcpy(j->answer.body + j->answer.n, p, n);
	j->answer.n += (uint32_t)n;
	return n;
}

/* Counted, not looked at: libcurl itself bounds one line only. */
static size_t take_head(char *p, size_t size, size_t n, void *arg)
{
	struct job *j = arg;

	(void)p;
	n *= size;
	j->n_head += n;
	j->is_too_long |= j->n_head > HEAD_MAX;
	return j->is_too_long ? 0 : n;
}

static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("-._~", c));
}

/* RFC 7662 2.1 */
static void write_post(struct job *j, struct str token)
{
	size_t n;

	j->post = mem_alloc(POST_MAX, 1);
	n = (size_t)snprintf(j->post, POST_MAX, "token_type_hint=access_token&token=");
	for (size_t i = 0; i < token.n; i++)
		if (is_unreserved(token.p[i]))
			j->post[n++] = token.p[i];
		else
			n += (size_t)snprintf(j->post + n, POST_MAX - n, "%%%02X", (unsigned char)token.p[i]);
	j->n_post = n;
}

static void set_options(struct asker *a, struct job *j)
{
	struct curl_blob ca = { a->ca, a->ca_n, CURL_BLOB_COPY };
	CURL *e = j->easy;

	curl.easy_setopt(e, CURLOPT_URL, a->auth->oauth_introspection_url);
	curl.easy_setopt(e, CURLOPT_PROTOCOLS_STR, "https,http");
	curl.easy_setopt(e, CURLOPT_POSTFIELDS, j->post);
	curl.easy_setopt(e, CURLOPT_POSTFIELDSIZE, (long)j->n_post);
	curl.easy_setopt(e, CURLOPT_HTTPHEADER, a->headers);
	curl.easy_setopt(e, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
	curl.easy_setopt(e, CURLOPT_USERNAME, a->user_z);
	curl.easy_setopt(e, CURLOPT_PASSWORD, a->password_z);
	curl.easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl.easy_setopt(e, CURLOPT_PROXY, "");
	curl.easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl.easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)a->auth->oauth_timeout_ms);
	curl.easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl.easy_setopt(e, CURLOPT_WRITEFUNCTION, take_body);
	curl.easy_setopt(e, CURLOPT_WRITEDATA, j);
	curl.easy_setopt(e, CURLOPT_HEADERFUNCTION, take_head);
	curl.easy_setopt(e, CURLOPT_HEADERDATA, j);
	curl.easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl.easy_setopt(e, CURLOPT_PRIVATE, j);
	if (a->ca)
		curl.easy_setopt(e, CURLOPT_CAINFO_BLOB, &ca);
}

/* The request is gone, with or without an answer. */
static void finish(struct asker *a, struct job *j)
{
	size_t n = SASL_ASK_ANSWER_HEAD + j->answer.n;

	if (send(a->fd, &j->answer, n, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)n)
		LOG(WARN, "asker.answer", F_Z("fault", "the server process takes no answers, dropping one"));
	if (j->easy) {
		curl.multi_remove_handle(a->multi, j->easy);
		curl.easy_cleanup(j->easy);
	}
	mem_wipe(j->post, j->n_post);
	mem_free(j->post);
	mem_wipe(j, sizeof(*j));
	a->n_running--;
}

static void trouble(struct job *j, const char *why_z, long status)
{
	LOG(WARN, "asker.trouble", F_Z("fault", why_z), F_INT("http_status", status));
	j->answer.status = 0;
	j->answer.n = 0;
}

static void completed(struct asker *a, struct job *j, CURLcode code)
{
	long status = 0;

	curl.easy_getinfo(j->easy, CURLINFO_RESPONSE_CODE, &status);
	j->answer.status = (uint32_t)status;
	if (j->is_too_long)
		trouble(j, "the answer is too long", status);
	else if (code != CURLE_OK)
		trouble(j, curl.easy_strerror(code), status);
	else if (status != 200)
		trouble(j, "the identity provider does not answer the question", status);
	finish(a, j);
}

static void begin(struct asker *a, const struct sasl_ask_request *request, size_t n_token)
{
	struct job *j = a->jobs;

	while (j->post)
		j++;
	*j = (struct job){ .answer.id = request->id };
	write_post(j, str_of(request->token, n_token));
	a->n_running++;
	j->easy = curl.easy_init();
	if (j->easy)
		set_options(a, j);
	if (!j->easy || curl.multi_add_handle(a->multi, j->easy) != CURLM_OK) {
		trouble(j, "libcurl does not begin a request", 0);
		finish(a, j);
	}
}

/* ---- the loop ---- */

static void take_requests(struct asker *a)
{
	struct sasl_ask_request request;

	while (a->n_running < ASK_MAX) {
		ssize_t n = recv(a->fd, &request, sizeof(request), MSG_DONTWAIT);

		if (n < 0)
			break;
		if (n == 0) /* shut down: it would be readable for ever */
			fail("the server process has closed its end");
		if (n > (ssize_t)SASL_ASK_REQUEST_HEAD)
			begin(a, &request, (size_t)n - SASL_ASK_REQUEST_HEAD);
	}
	mem_wipe(&request, sizeof(request));
}

static void take_answers(struct asker *a)
{
	CURLMsg *m;
	int left;

	while ((m = curl.multi_info_read(a->multi, &left)) != NULL) {
		char *j = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl.easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &j);
		completed(a, (struct job *)(void *)j, m->data.result);
	}
}

static _Noreturn void serve(struct asker *a)
{
	for (;;) {
		struct curl_waitfd fds[2] = { { .fd = a->signal_fd, .events = CURL_WAIT_POLLIN },
					      { .fd = a->fd, .events = CURL_WAIT_POLLIN } };
		bool may_take = a->n_running < ASK_MAX && !a->is_stopping;
		struct signalfd_siginfo info;
		int running;

		curl.multi_perform(a->multi, &running);
		take_answers(a);
		if (a->is_stopping && a->n_running == 0)
			_exit(0);
		if (curl.multi_poll(a->multi, fds, may_take ? 2 : 1, 60000, NULL) != CURLM_OK)
			fail("libcurl cannot wait");
		if (fds[0].revents && read(a->signal_fd, &info, sizeof(info)) > 0)
			a->is_stopping = true;
		if (may_take && fds[1].revents && !a->is_stopping)
			take_requests(a);
	}
}

/* ---- the start ---- */

/* What is needed of the files is copied, the rest of them (keys of certificates!) is wiped. */
static void take_files(struct asker *a, const struct server_helper_start *start)
{
	struct str secret = str_trim(server_files_get(start->files, a->auth->oauth_client_secret_file));

	while (secret.n > 0 && strchr("\r\n \t", secret.p[secret.n - 1]))
		secret.n--;
	a->secret_z = mem_dup_z(secret);
	a->ca = server_helper_file(start, a->auth->oauth_ca_file, &a->ca_n);
	server_files_free(start->files);
}

static void find_port(struct asker *a)
{
	CURLU *u = curl.url();
	char *port_z = NULL;
	uint64_t port = 0;

	if (!u || curl.url_set(u, CURLUPART_URL, a->auth->oauth_introspection_url, 0) != CURLUE_OK ||
	    curl.url_get(u, CURLUPART_PORT, &port_z, CURLU_DEFAULT_PORT) != CURLUE_OK ||
	    !str_to_u64(str_z(port_z), UINT16_MAX, &port))
		fail("[auth] oauth_introspection_url is no URL");
	a->port = (uint16_t)port;
	curl.release(port_z);
	curl.url_cleanup(u);
}

static void open_curl(struct asker *a)
{
	const char *why_z;

	if (!libcurl_load(&curl, &why_z))
		fail(why_z);
	if (curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		fail("libcurl does not start");
	a->multi = curl.multi_init();
	a->headers = curl.slist_append(NULL, "Accept: application/json");
	a->user_z = curl.easy_escape(NULL, a->auth->oauth_client_id, 0);
	a->password_z = curl.easy_escape(NULL, a->secret_z, 0);
	if (!a->multi || !a->headers || !a->user_z || !a->password_z)
		fail("libcurl does not start");
	curl.multi_setopt(a->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)ASK_MAX);
	mem_wipe(a->secret_z, strlen(a->secret_z));
	find_port(a);
}

__attribute__((noreturn)) static void asker_main(const struct server_helper_start *start)
{
	const struct server_conf *server = conf_get(start->conf, &server_conf_table);
	struct asker a = { .auth = conf_get(start->conf, &sasl_conf_table), .fd = start->fd };
	uint16_t ports[] = { 0, 53 /* answers of DNS that UDP has no room for */ };
	const struct server_doors doors = { .ports = ports, .n_ports = ARRAY_LEN(ports) };
	struct server_sandbox sandbox;
	struct fault fault = { 0 };

	take_files(&a, start);
	a.signal_fd = server_helper_begin(start, server_asker_kind.start_z);
	open_curl(&a);
	ports[0] = a.port;
	if (server_sandbox_helper_begin(&sandbox, (enum server_sandbox_mode)server->sandbox, SERVER_CAGE_ASKER, &doors, &fault) < 0 ||
	    server_sandbox_helper_finish(&sandbox, SERVER_CAGE_ASKER, &fault) < 0)
		fail(fault.text);
	LOG(INFO, "asker.start", F_INT("pid", getpid()), F_Z("sandbox", sandbox.text));
	serve(&a);
}

/* ---- what the supervisor knows of it ---- */

static bool is_wanted(const struct conf *conf)
{
	const struct sasl_conf *auth = conf_get(conf, &sasl_conf_table);

	return auth->oauth_introspection_url[0] != '\0';
}

static int tell_lost(int fd)
{
	const struct sasl_ask_answer all = { .id = 0 };

	return send(fd, &all, SASL_ASK_ANSWER_HEAD, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -E_IO : 0;
}

const struct server_helper_kind server_asker_kind = {
	.start_z = "asker.start", .died_z = "asker.died",
	.is_wanted = is_wanted, .tell_lost = tell_lost, .main = asker_main,
};
