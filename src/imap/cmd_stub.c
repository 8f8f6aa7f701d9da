/* SPDX-License-Identifier: MIT */
/* Stand-ins for commands whose files are not there yet: weak, so that the real ones win. To be deleted with the last. */
#include "imap/imap_int.h"

#define STUB(name) \
	__attribute__((weak)) int name(struct imap_session *s) \
	{ \
		(void)s; \
		return -E_CANNOT; \
	}

STUB(imap_cmd_fetch)
STUB(imap_cmd_store)
STUB(imap_cmd_copy)
STUB(imap_cmd_move)
STUB(imap_cmd_expunge)
STUB(imap_cmd_search)
STUB(imap_close_expunge)
