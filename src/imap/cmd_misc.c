/* SPDX-License-Identifier: MIT */
/* Small commands: CAPABILITY, NOOP, CHECK, LOGOUT, ID, NAMESPACE, ENABLE. */
#include "base/log.h"
#include "imap/events.h"
#include "imap/imap_int.h"
#include "imap/resp.h"
#include "store/rights.h"

/* capability = "CAPABILITY" */
int imap_cmd_capability(struct imap_session *s)
{
	AUTO(buf_fini) struct buf caps = BUF_INIT(4096);

	if (!imap_parse_end(&s->p))
		return -E_SYNTAX;
	imap_caps_print(s, &caps);
	imap_resp(s, S("* CAPABILITY "));
	imap_resp(s, buf_str(&caps));
	imap_resp_end(s);
	return 0;
}

int imap_cmd_noop(struct imap_session *s)
{
	return imap_parse_end(&s->p) ? 0 : -E_SYNTAX;
}

int imap_cmd_logout(struct imap_session *s)
{
	if (!imap_parse_end(&s->p))
		return -E_SYNTAX;
	imap_deselect(s);
	s->state = IMAP_ST_LOGOUT;
	s->is_over = true;
	imap_resp_untagged(s, "BYE see you");
	return 0;
}

/*
 * id = "ID" SP id_params_list id_params_list = "(" [string SP nstring *(SP string SP
 * nstring)] ")" / nil      RFC 2971 4: at most 30 pairs
 */
static int parse_id(struct imap_session *s)
{
	struct imap_parse *p = &s->p;
	struct str key, value;
	int n;

	if (imap_parse_word(p, S("NIL")) > 0)
		return imap_need(imap_parse_end(p));
	if (imap_parse_char(p, '(') <= 0)
		return -E_SYNTAX;
	for (n = 0; imap_parse_char(p, ')') <= 0; n++) {
		if (n == 30 || (n > 0 && imap_parse_sp(p) <= 0) ||
		    imap_parse_string(p, &key) <= 0 || imap_parse_sp(p) <= 0 ||
		    imap_parse_nstring(p, &value) <= 0)
			return -E_SYNTAX;
		/* Once: it needs no login, and a log line is worth more than the bytes for it. */
		if (str_ieq(key, S("name")) && !s->has_said_id) {
			LOG(INFO, "imap.id", F_STR("client", value));
			s->has_said_id = true;
		}
	}
	return imap_need(imap_parse_end(p));
}

int imap_cmd_id(struct imap_session *s)
{
	int r = imap_need(imap_parse_sp(&s->p));

	if (r == 0)
		r = parse_id(s);
	if (r == 0)
		imap_resp_untagged(s, "ID (\"name\" \"Martlet\")");
	return r;
}

/* RFC 9051 6.3.10: one personal namespace, that of other users (store/rights.h), no shared ones. */
int imap_cmd_namespace(struct imap_session *s)
{
	if (!imap_parse_end(&s->p))
		return -E_SYNTAX;
	imap_resp_untagged(s, "NAMESPACE ((\"\" \"/\")) ((\"" STORE_OTHER_USERS "/\" \"/\")) NIL");
	return 0;
}

static void enable_rev2(struct imap_session *s)
{
	s->is_rev2 = true;
}

static void enable_utf8(struct imap_session *s)
{
	s->has_utf8 = true;
}

static void enable_qresync(struct imap_session *s)
{
	s->has_qresync = true;
	imap_condstore_enable(s);
}

static void enable_uidonly(struct imap_session *s)
{
	s->has_uidonly = true;
}

static void enable_metadata(struct imap_session *s)
{
	s->has_metadata = true;
	imap_events_update(s);
}

/* What can be enabled (RFC 5161 3.1). */
static const struct {
	struct str name;
	void (*enable)(struct imap_session *s);
} extensions[] = {
	{ STR_INIT("IMAP4rev2"), enable_rev2 },           /* RFC 9051 6.3.1 */
	{ STR_INIT("CONDSTORE"), imap_condstore_enable }, /* RFC 7162 3.1 */
	{ STR_INIT("UTF8=ACCEPT"), enable_utf8 },         /* RFC 6855 3 */
	{ STR_INIT("QRESYNC"), enable_qresync },          /* RFC 7162 3.2.3 */
	{ STR_INIT("UIDONLY"), enable_uidonly },          /* RFC 9586 3.1 */
	{ STR_INIT("METADATA"), enable_metadata },        /* RFC 5464 4.1 */
	{ STR_INIT("METADATA-SERVER"), enable_metadata },
};

/* enable = "ENABLE" 1*(SP capability); unknown ones are ignored. */
int imap_cmd_enable(struct imap_session *s)
{
	bool is_wanted[ARRAY_LEN(extensions)] = { false };
	struct str cap;

	do {
		if (imap_parse_sp(&s->p) <= 0 || imap_parse_atom(&s->p, &cap) <= 0)
			return -E_SYNTAX;
		for (size_t i = 0; i < ARRAY_LEN(extensions); i++)
			is_wanted[i] |= str_ieq(cap, extensions[i].name);
	} while (!imap_parse_end(&s->p));
	imap_resp(s, S("* ENABLED"));
	for (size_t i = 0; i < ARRAY_LEN(extensions); i++) {
		if (!is_wanted[i])
			continue;
		imap_resp(s, S(" "));
		imap_resp(s, extensions[i].name);
	}
	imap_resp_end(s);
	for (size_t i = 0; i < ARRAY_LEN(extensions); i++) {
		if (is_wanted[i])
			extensions[i].enable(s);
	}
	return 0;
}
