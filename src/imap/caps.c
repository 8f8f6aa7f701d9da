/* SPDX-License-Identifier: MIT */
/*
 * Capabilities: one row each, with the condition under which it is shown (RFC 9051
 * 7.2.2). Only what is complete stands here. Before login the list is short: what a
 * client needs to log in, and the names of the protocols.
 */
#include "base/limits.h"
#include "imap/imap_int.h"
#include "imap/limit.h"
#include "net/conn.h"

enum caps_when { ALWAYS, BEFORE_LOGIN, AFTER_LOGIN, CAN_STARTTLS, NO_LOGIN, QUOTA_ADMIN, CAN_COMPRESS, CAN_UNAUTHENTICATE };

static const struct {
	const char *name;
	enum caps_when when;
	const char *rfc;
} caps[] = {
	{ "IMAP4rev1", ALWAYS, "RFC 3501" },
	{ "IMAP4rev2", ALWAYS, "RFC 9051" },
	{ "LITERAL+", ALWAYS, "RFC 7888" },
	{ "SASL-IR", BEFORE_LOGIN, "RFC 4959" },
	{ "ID", ALWAYS, "RFC 2971" },
	{ "ENABLE", ALWAYS, "RFC 5161" },
	{ "IDLE", ALWAYS, "RFC 2177" },
	{ "LANGUAGE", ALWAYS, "RFC 5255 3" },
	{ "STARTTLS", CAN_STARTTLS, "RFC 9051 6.2.1" },
	{ "LOGINDISABLED", NO_LOGIN, "RFC 9051 6.2.3" },
	{ "NAMESPACE", AFTER_LOGIN, "RFC 2342" },
	{ "UNSELECT", AFTER_LOGIN, "RFC 3691" },
	{ "UIDPLUS", AFTER_LOGIN, "RFC 4315" },
	/* The second is more than the first; some clients look for that. */
	{ "I18NLEVEL=1", AFTER_LOGIN, "RFC 5255 4.3" },
	{ "I18NLEVEL=2", AFTER_LOGIN, "RFC 5255 4.4" },
	{ "PREVIEW", AFTER_LOGIN, "RFC 8970" },
	{ "UTF8=ACCEPT", AFTER_LOGIN, "RFC 6855, RFC 9755" },
	{ "COMPRESS=DEFLATE", CAN_COMPRESS, "RFC 4978" },
	{ "UNAUTHENTICATE", CAN_UNAUTHENTICATE, "RFC 8437" },
	{ "MULTIAPPEND", AFTER_LOGIN, "RFC 3502" },
	{ "CATENATE", AFTER_LOGIN, "RFC 4469" },
	{ "URL-PARTIAL", AFTER_LOGIN, "RFC 5550 5.7.1" },
	{ "URLAUTH", AFTER_LOGIN, "RFC 4467" },
	{ "URLAUTH=BINARY", AFTER_LOGIN, "RFC 5524" },
	{ "REPLACE", AFTER_LOGIN, "RFC 8508" },
	{ "MOVE", AFTER_LOGIN, "RFC 6851" },
	{ "CHILDREN", AFTER_LOGIN, "RFC 3348" },
	{ "LIST-EXTENDED", AFTER_LOGIN, "RFC 5258" },
	{ "LIST-STATUS", AFTER_LOGIN, "RFC 5819" },
	{ "SPECIAL-USE", AFTER_LOGIN, "RFC 6154" },
	{ "CREATE-SPECIAL-USE", AFTER_LOGIN, "RFC 6154" },
	{ "STATUS=SIZE", AFTER_LOGIN, "RFC 8438" },
	{ "ESEARCH", AFTER_LOGIN, "RFC 4731" },
	{ "WITHIN", AFTER_LOGIN, "RFC 5032" },
	{ "SEARCH=FUZZY", AFTER_LOGIN, "RFC 6203" },
	{ "PARTIAL", AFTER_LOGIN, "RFC 9394" },
	{ "SEARCHRES", AFTER_LOGIN, "RFC 5182" },
	{ "SORT", AFTER_LOGIN, "RFC 5256" },
	{ "SORT=DISPLAY", AFTER_LOGIN, "RFC 5957" },
	{ "ESORT", AFTER_LOGIN, "RFC 5267 3.1" },
	{ "THREAD=ORDEREDSUBJECT", AFTER_LOGIN, "RFC 5256" },
	{ "THREAD=REFERENCES", AFTER_LOGIN, "RFC 5256" },
	{ "THREAD=REFS", AFTER_LOGIN, "draft-ietf-morg-inthread" },
	{ "CONTEXT=SEARCH", AFTER_LOGIN, "RFC 5267 4" },
	{ "CONTEXT=SORT", AFTER_LOGIN, "RFC 5267 4" },
	{ "FILTERS", AFTER_LOGIN, "RFC 5466" },
	{ "INPROGRESS", AFTER_LOGIN, "RFC 9585" },
	{ "MULTISEARCH", AFTER_LOGIN, "RFC 7377" },
	{ "CONDSTORE", AFTER_LOGIN, "RFC 7162" },
	{ "QRESYNC", AFTER_LOGIN, "RFC 7162 3.2" },
	{ "UIDONLY", AFTER_LOGIN, "RFC 9586" },
	{ "UIDBATCHES", AFTER_LOGIN, "draft-ietf-mailmaint-imap-uidbatches" },
	{ "BINARY", AFTER_LOGIN, "RFC 3516" },
	{ "OBJECTID", AFTER_LOGIN, "RFC 8474" },
	{ "SAVEDATE", AFTER_LOGIN, "RFC 8514" },
	/* The second is a part of the first; some clients look for that. */
	{ "NOTIFY", AFTER_LOGIN, "RFC 5465" },
	{ "METADATA", AFTER_LOGIN, "RFC 5464" },
	{ "METADATA-SERVER", AFTER_LOGIN, "RFC 5464" },
	{ "LIST-METADATA", AFTER_LOGIN, "RFC 9590" },
	{ "ANNOTATE-EXPERIMENT-1", AFTER_LOGIN, "RFC 5257" },
	{ "ACL", AFTER_LOGIN, "RFC 4314" },
	{ "RIGHTS=kxten", AFTER_LOGIN, "RFC 4314 2.2, RFC 5257 3.4" },
	{ "LIST-MYRIGHTS", AFTER_LOGIN, "RFC 8440" },
	{ "QUOTA", AFTER_LOGIN, "RFC 9208" },
	{ "QUOTA=RES-STORAGE", AFTER_LOGIN, "RFC 9208 5.1" },
	{ "QUOTA=RES-MESSAGE", AFTER_LOGIN, "RFC 9208 5.2" },
	{ "QUOTA=RES-MAILBOX", AFTER_LOGIN, "RFC 9208 5.3" },
	{ "QUOTASET", QUOTA_ADMIN, "RFC 9208 4.1.3" },
};

static bool is_shown(const struct imap_session *s, enum caps_when when)
{
	bool is_before = s->state == IMAP_ST_NOTAUTH;

	switch (when) {
	case ALWAYS:
		return true;
	case BEFORE_LOGIN:
		return is_before;
	case AFTER_LOGIN:
		return !is_before;
	case CAN_STARTTLS:
		return is_before && s->ctx->tls != NULL && !conn_is_tls(s->conn);
	case NO_LOGIN:
		return is_before && !sasl_is_permitted(s->ctx->sasl, s->conn);
	case CAN_COMPRESS:
		return !is_before && s->conf->may_compress && !conn_is_compressed(s->conn);
	case CAN_UNAUTHENTICATE:
		return !is_before && s->conf->may_unauthenticate;
	case QUOTA_ADMIN:
		return imap_is_quota_admin(s);
	}
	return false;
}

void imap_caps_print(struct imap_session *s, struct buf *out)
{
	const char *sep = "";
	size_t i;

	for (i = 0; i < ARRAY_LEN(caps); i++) {
		if (is_shown(s, caps[i].when)) {
			buf_printf(out, "%s%s", sep, caps[i].name);
			sep = " ";
		}
	}
	if (s->state == IMAP_ST_NOTAUTH) {
		size_t before = out->n;

		buf_add_char(out, ' ');
		sasl_mechanisms(s->ctx->sasl, s->conn, "AUTH=", " ", out);
		if (out->n == before + 1)
			buf_truncate(out, before);
	} else {
		/* RFC 7889 3: one limit for all mailboxes. */
		buf_printf(out, " APPENDLIMIT=%lld", (long long)s->conf->max_message_bytes);
		imap_limit_caps(s, out);
	}
}
