/* SPDX-License-Identifier: MIT */
/* COMPRESS, RFC 4978 3. The compression itself begins in session.c, behind the OK. */
#include "imap/imap_int.h"
#include "net/conn.h"

/* compress = "COMPRESS" SP algorithm, algorithm = "DEFLATE" */
int imap_cmd_compress(struct imap_session *s)
{
	struct str algorithm;

	if (imap_parse_sp(&s->p) <= 0 || imap_parse_atom(&s->p, &algorithm) <= 0 ||
	    !imap_parse_end(&s->p))
		return -E_SYNTAX;
	if (!str_ieq(algorithm, S("DEFLATE")) || !s->conf->may_compress) {
		imap_say(s, "no such compression");
		return -E_USAGE;
	}
	if (conn_is_compressed(s->conn)) {
		imap_code(s, "COMPRESSIONACTIVE");
		imap_say(s, "DEFLATE is active already");
		return -E_USAGE;
	}
	s->is_changing_compression = true;
	imap_say(s, "DEFLATE active");
	return 0;
}
