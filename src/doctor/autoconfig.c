/* SPDX-License-Identifier: MIT */
/*
 * One file, in one pass: clientConfig > emailProvider > incomingServer or outgoingServer > hostname, port, socketType, username, authentication. What
 * stands elsewhere is passed over.
 */
#include "doctor/autoconfig.h"

#include "base/buf.h"
#include "base/limits.h"
#include "doctor/find_int.h"

enum field { FIELD_HOSTNAME, FIELD_PORT, FIELD_SOCKET, FIELD_USERNAME, FIELD_LOGIN, N_FIELDS, NO_FIELD = N_FIELDS };

static const char *const field_names[N_FIELDS] = { [FIELD_HOSTNAME] = "hostname", [FIELD_PORT] = "port", [FIELD_SOCKET] = "socketType",
						   [FIELD_USERNAME] = "username", [FIELD_LOGIN] = "authentication" };

static const struct {
	const char *element_z, *type_z;
	enum doctor_protocol protocol;
} kinds[] = {
	{ "incomingServer", "imap", DOCTOR_IMAP },
	{ "incomingServer", "pop3", DOCTOR_POP3 },
	{ "outgoingServer", "smtp", DOCTOR_SUBMISSION },
};

static const struct {
	const char *name_z;
	enum doctor_tls tls;
} sockets[] = {
	{ "SSL", DOCTOR_IMPLICIT }, { "TLS", DOCTOR_IMPLICIT }, { "STARTTLS", DOCTOR_STARTTLS }, { "plain", DOCTOR_PLAIN },
};

struct reading {
	const struct libexpat *x;
	XML_Parser parser;
	const struct doctor_autoconfig_who *who;
	struct arena *arena;
	struct doctor_autoconfig got;
	size_t cap;
	unsigned depth;       /* of the element that is open; 1: the root */
	unsigned n_providers;
	bool is_in_server;    /* one whose kind is known */
	struct doctor_autoconfig_server server;
	struct str fields[N_FIELDS];
	enum field field;
	struct buf text;      /* of that field */
	int err;
	struct fault *fault;
};

static void stop(struct reading *r, int err, const char *why_z)
{
	if (r->err == 0)
		r->err = fault_set(r->fault, err, "%s", why_z);
	r->x->StopParser(r->parser, XML_FALSE);
}

/* ---- one server ---- */

/* C0, DEL, and C1 (U+0080 to U+009F) in UTF-8. */
static bool is_printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i], next = i + 1 < s.n ? (unsigned char)s.p[i + 1] : 0;

		if (c < ' ' || c == 0x7f || (c == 0xc2 && next < 0xa0))
			return false;
	}
	return true;
}

/* A placeholder at the beginning of *s: what it stands for, *s moved behind it. False: there is none. */
static bool take_placeholder(struct str *s, const struct doctor_autoconfig_who *who, struct str *ret)
{
	ptrdiff_t at = str_rchr(who->address, '@');
	struct str local = str_head(who->address, at < 0 ? 0 : (size_t)at);
	const struct {
		struct str name, value;
	} rows[] = {
		{ S("%EMAILADDRESS%"), who->address },
		{ S("%EMAILLOCALPART%"), local },
		{ S("%EMAILDOMAIN%"), who->domain },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (str_starts(*s, rows[i].name)) {
			*s = str_skip(*s, rows[i].name.n);
			*ret = rows[i].value;
			return true;
		}
	return false;
}

/* False: too long, or it needs the address, which is not known. */
static bool fill(const struct doctor_autoconfig_who *who, struct str s, struct buf *out)
{
	while (s.n > 0) {
		struct str value = str_head(s, 1);

		if (!take_placeholder(&s, who, &value))
			s = str_skip(s, 1);
		if (value.n == 0)
			return false;
		buf_add(out, value);
	}
	return !buf_overflowed(out);
}

/* 1; 0: it does not say, or nothing that can be used; -E_LIMIT. */
static int finish_user(struct reading *r)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(LIMIT_SMTP_PATH);
	struct str user = r->fields[FIELD_USERNAME];

	if (user.n == 0 || !fill(r->who, user, &text) || !is_printable(buf_str(&text)))
		return 0;
	r->server.user_z = arena_z(r->arena, buf_str(&text));
	return r->server.user_z ? 1 : -E_LIMIT;
}

static int finish_host(struct reading *r)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(LIMIT_AUTOCONFIG_TEXT);
	int rc = fill(r->who, r->fields[FIELD_HOSTNAME], &text) ? doctor_find_host(r->arena, buf_str(&text), &r->server.host_z) : -E_SYNTAX;

	return rc == -E_SYNTAX ? 0 : rc < 0 ? rc : 1;
}

static bool finish_port(struct reading *r)
{
	uint64_t port = 0;

	if (!str_to_u64(r->fields[FIELD_PORT], UINT16_MAX, &port) || port == 0)
		return false;
	r->server.port = (uint16_t)port;
	return true;
}

static bool finish_socket(struct reading *r)
{
	for (size_t i = 0; i < ARRAY_LEN(sockets); i++)
		if (str_ieq(r->fields[FIELD_SOCKET], str_z(sockets[i].name_z))) {
			r->server.tls = sockets[i].tls;
			return true;
		}
	return false;
}

static int keep_server(struct reading *r)
{
	struct str login = r->fields[FIELD_LOGIN];
	int rc = finish_user(r);

	r->server.login_z = arena_z(r->arena, is_printable(login) ? login : S(""));
	if (rc < 0 || !r->server.login_z)
		return -E_LIMIT;
	if (arena_grow(r->arena, &r->got.v, r->got.n, &r->cap, sizeof(*r->got.v)) < 0)
		return -E_LIMIT;
	r->got.v[r->got.n++] = r->server;
	return 0;
}

static void end_server(struct reading *r)
{
	int rc = r->got.n < LIMIT_AUTOCONFIG_SERVERS && finish_port(r) && finish_socket(r) ? finish_host(r) : 0;

	r->is_in_server = false;
	if (rc > 0)
		rc = keep_server(r);
	else
		r->got.n_unusable++;
	if (rc < 0)
		stop(r, rc, "it takes too much memory");
}

/* ---- elements ---- */

static const char *attribute(const XML_Char **attributes, const char *name_z)
{
	for (size_t i = 0; attributes[i]; i += 2)
		if (strcmp(attributes[i], name_z) == 0)
			return attributes[i + 1];
	return "";
}

static void start_server(struct reading *r, const char *name_z, const XML_Char **attributes)
{
	const char *type_z = attribute(attributes, "type");

	if (strcmp(name_z, "incomingServer") != 0 && strcmp(name_z, "outgoingServer") != 0)
		return;
	memset(r->fields, 0, sizeof(r->fields));
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(name_z, kinds[i].element_z) == 0 && str_ieq(str_z(type_z), str_z(kinds[i].type_z))) {
			r->server = (struct doctor_autoconfig_server){ .protocol = kinds[i].protocol };
			r->is_in_server = true;
			return;
		}
	r->got.n_unusable++;
}

/* Of a field that is there twice the first counts. */
static void start_field(struct reading *r, const char *name_z)
{
	for (size_t i = 0; i < N_FIELDS; i++)
		if (strcmp(name_z, field_names[i]) == 0 && !r->fields[i].p)
			r->field = (enum field)i;
	buf_reset(&r->text);
}

static void on_start(void *ctx, const XML_Char *name_z, const XML_Char **attributes)
{
	struct reading *r = ctx;

	if (++r->depth > LIMIT_AUTOCONFIG_DEPTH)
		stop(r, -E_LIMIT, "its elements are nested too deeply");
	else if (r->depth == 1 && strcmp(name_z, "clientConfig") != 0)
		stop(r, -E_SYNTAX, "it is XML, but of another kind: its first element is not clientConfig");
	else if (r->depth == 2)
		r->n_providers += strcmp(name_z, "emailProvider") == 0;
	else if (r->depth == 3 && r->n_providers == 1)
		start_server(r, name_z, attributes);
	else if (r->depth == 4 && r->is_in_server)
		start_field(r, name_z);
}

static void on_end(void *ctx, const XML_Char *name_z)
{
	struct reading *r = ctx;

	(void)name_z;
	if (r->depth == 4 && r->field != NO_FIELD) {
		r->fields[r->field] = arena_str(r->arena, buf_overflowed(&r->text) ? S("") : str_trim(buf_str(&r->text)));
		if (!r->fields[r->field].p)
			stop(r, -E_LIMIT, "it takes too much memory");
		r->field = NO_FIELD;
	} else if (r->depth == 3 && r->is_in_server) {
		end_server(r);
	}
	r->depth--;
}

static void on_text(void *ctx, const XML_Char *p, int n)
{
	struct reading *r = ctx;

	if (r->depth == 4 && r->field != NO_FIELD)
		buf_add(&r->text, str_of(p, (size_t)n));
}

/* Nothing that a mail program needs stands in one, and all that is dangerous about XML does. */
static void on_doctype(void *ctx, const XML_Char *name_z, const XML_Char *system_z, const XML_Char *public_z, int has_subset)
{
	(void)name_z, (void)system_z, (void)public_z, (void)has_subset;
	stop(ctx, -E_DENIED, "it has a document type declaration (DOCTYPE), which such a file may not have");
}

/* ---- the file ---- */

static int parse(struct reading *r, struct str text)
{
	r->x->SetUserData(r->parser, r);
	r->x->SetElementHandler(r->parser, on_start, on_end);
	r->x->SetCharacterDataHandler(r->parser, on_text);
	r->x->SetStartDoctypeDeclHandler(r->parser, on_doctype);
	if (r->x->Parse(r->parser, text.p, (int)text.n, XML_TRUE) == XML_STATUS_OK)
		return 0;
	if (r->err < 0)
		return r->err;
	return fault_set(r->fault, -E_SYNTAX, "it is not well-formed XML: line %lu: %s", (unsigned long)r->x->GetCurrentLineNumber(r->parser),
			 r->x->ErrorString(r->x->GetErrorCode(r->parser)));
}

int doctor_autoconfig_parse(const struct libexpat *x, struct str text, const struct doctor_autoconfig_who *who, struct arena *a,
			    struct doctor_autoconfig *ret, struct fault *fault)
{
	struct reading r = { .x = x, .who = who, .arena = a, .field = NO_FIELD, .text = BUF_INIT(LIMIT_AUTOCONFIG_TEXT), .fault = fault };
	int rc;

	if (text.n > LIMIT_AUTOCONFIG)
		return fault_set(fault, -E_LIMIT, "it is longer than %u bytes", LIMIT_AUTOCONFIG);
	r.parser = x->ParserCreate(NULL);
	rc = r.parser ? parse(&r, text) : fault_set(fault, -E_LIMIT, "no memory for a parser");
	if (r.parser)
		x->ParserFree(r.parser);
	buf_fini(&r.text);
	if (rc == 0)
		*ret = r.got;
	return rc;
}
