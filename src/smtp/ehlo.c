/* SPDX-License-Identifier: MIT */
/*
 * What EHLO and LHLO announce: one row for each extension, with the condition under which it is
 * there. RFC 5321 4.1.1.1.
 */
#include "smtp/smtp_int.h"

#include "base/limits.h"
#include "net/conn.h"

static bool starttls_is_offered(const struct smtp_session *s)
{
	return s->ctx->tls && !conn_is_tls(s->conn);
}

/* RFC 8689 2: only where the connection is protected. */
static bool requiretls_is_offered(const struct smtp_session *s)
{
	return conn_is_tls(s->conn);
}

static bool auth_is_offered(const struct smtp_session *s)
{
	return s->ctx->role == SMTP_SUBMISSION && !s->is_authenticated &&
	       sasl_is_permitted(s->ctx->sasl, s->conn);
}

static void size_print(const struct smtp_session *s, struct buf *out)
{
	buf_printf(out, " %lld", (long long)s->conf->max_message_size);
}

static void limits_print(const struct smtp_session *s, struct buf *out)
{
	if (s->conf->max_messages > 0)
		buf_printf(out, " MAILMAX=%lld", (long long)s->conf->max_messages);
	buf_printf(out, " RCPTMAX=%lld", (long long)s->conf->max_recipients);
}

static void auth_print(const struct smtp_session *s, struct buf *out)
{
	buf_add_char(out, ' ');
	sasl_mechanisms(s->ctx->sasl, s->conn, "", " ", out);
}

static const struct {
	const char *word;
	bool (*is_offered)(const struct smtp_session *s); /* NULL: always */
	void (*print)(const struct smtp_session *s,
		      struct buf *out); /* what stands behind the word */
	const char *rfc;
} words[] = {
	{ "PIPELINING", NULL, NULL, "RFC 2920 2" },
	{ "SIZE", NULL, size_print, "RFC 1870 4" },
	{ "8BITMIME", NULL, NULL, "RFC 6152 2" },
	{ "SMTPUTF8", NULL, NULL, "RFC 6531 3.1" },
	{ "ENHANCEDSTATUSCODES", NULL, NULL, "RFC 2034 3" },
	{ "CHUNKING", NULL, NULL, "RFC 3030 2" },
	{ "BINARYMIME", NULL, NULL, "RFC 3030 3" },
	{ "DSN", NULL, NULL, "RFC 3461 4" },
	{ "LIMITS", NULL, limits_print, "RFC 9422 3" },
	{ "DELIVERBY", NULL, NULL, "RFC 2852 3" },
	{ "MT-PRIORITY", NULL, NULL, "RFC 6710 3" },
	{ "STARTTLS", starttls_is_offered, NULL, "RFC 3207 2" },
	{ "REQUIRETLS", requiretls_is_offered, NULL, "RFC 8689 2" },
	{ "FUTURERELEASE", smtp_hold_is_offered, smtp_hold_print, "RFC 4865 3" },
	{ "AUTH", auth_is_offered, auth_print, "RFC 4954 3" },
};

void smtp_ehlo_write(struct smtp_session *s)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(4096);
	size_t last = 0; /* where the last line's "-" becomes a space */

	buf_printf(&out, "250-%" STR_FMT "\r\n", STR_ARG(s->ctx->hostname));
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (words[i].is_offered && !words[i].is_offered(s))
			continue;
		last = out.n + 3;
		buf_printf(&out, "250-%s", words[i].word);
		if (words[i].print)
			words[i].print(s, &out);
		buf_add(&out, S("\r\n"));
	}
	out.p[last] = ' ';
	conn_write(s->conn, buf_str(&out));
}

void smtp_helo_write(struct smtp_session *s)
{
	conn_printf(s->conn, "250 %" STR_FMT "\r\n", STR_ARG(s->ctx->hostname));
}
