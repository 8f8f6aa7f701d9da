/* SPDX-License-Identifier: MIT */
/*
 * The cage of the server process: what is left to whoever takes it over through a byte from the network. Two halves, because
 * Landlock binds the calling thread and those that it makes, so it comes before all threads; the list of system calls (seccomp)
 * comes last before the listeners, for all threads at once, so that it need not hold what only a start needs.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"

enum server_sandbox_mode { SERVER_SANDBOX_NO, SERVER_SANDBOX_YES, SERVER_SANDBOX_REQUIRED };

struct server_sandbox {
	enum server_sandbox_mode mode;
	int landlock_abi;      /* 0: none */
	bool has_seccomp;
	char missing[256];     /* what the kernel refused, for people; "" when nothing */
	char text[48];         /* "landlock 7, seccomp", "none": for the log and the status verb */
};

/*
 * False in builds with the address or thread sanitizer, whose own machinery reads /proc, traces the process and maps what it likes.
 * No half does anything there, and SERVER_SANDBOX_REQUIRED fails.
 */
bool server_sandbox_is_built(void);

/*
 * First half: no core dumps and no tracing of a process that holds keys, then files only in the data directory (which must exist),
 * no TCP by name, no signals to others. What libraries read once is read before. In the server process, after it became its user,
 * before its first thread. Negative with fault: the mode is required and files cannot be closed off, or the directory is not there.
 */
MUST_CHECK int server_sandbox_begin(struct server_sandbox *s, enum server_sandbox_mode mode, const char *data_dir_z,
				    struct fault *fault);
/* Second half: system calls by the table of seccomp.c, for all threads. Nothing from the network may have been read. */
MUST_CHECK int server_sandbox_finish(struct server_sandbox *s, struct fault *fault);

/* Whose cage: bits, for the tables. */
enum server_cage { SERVER_CAGE_SERVER = 1, SERVER_CAGE_ASKER = 2, SERVER_CAGE_SENDER = 4, SERVER_CAGE_FETCHER = 8 };
/* What the settings open in the cage of a helper, beside the tables. */
struct server_doors {
	const uint16_t *ports; /* TCP, to connect to */
	size_t n_ports;
	const char *const *files; /* to read */
	size_t n_files;
};
/*
 * The same two halves for a helper (helper.h), which may connect to these TCP ports, read the system's authorities, and nothing of the data; all but the
 * fetcher may also ask the DNS and read how names become addresses. The first before its first thread, when its libraries are loaded.
 */
MUST_CHECK int server_sandbox_helper_begin(struct server_sandbox *s, enum server_sandbox_mode mode, enum server_cage who,
					   const struct server_doors *doors, struct fault *fault);
MUST_CHECK int server_sandbox_helper_finish(struct server_sandbox *s, enum server_cage who, struct fault *fault);

/* ---- the parts, for those above and the tests ---- */

/* landlock.c. *ret_abi is the kernel's version, 0 with a text in fault when it has none. Negative: the directory cannot be opened. */
MUST_CHECK int server_landlock_enter(const char *data_dir_z, int *ret_abi, struct fault *fault);
MUST_CHECK int server_landlock_enter_helper(enum server_cage who, const struct server_doors *doors, int *ret_abi,
					    struct fault *fault);
/* What a kernel of that ABI cannot close off, as words; "" when nothing. */
void server_landlock_gaps(int abi, char *buf, size_t n);
/*
 * sandbox_try.c. One attempt by name of what is forbidden (or must work: "inside", "thread"); dir_z is the data directory, on port
 * somebody listens, pid is another process. *ret_errno 0: it could be done. -E_NOT_FOUND: no such attempt. May be the end of the process.
 */
MUST_CHECK int server_sandbox_try(const char *name_z, const char *dir_z, int port, int pid, int *ret_errno);
/* seccomp.c. -E_CANNOT with fault when the kernel or the library refuses. */
MUST_CHECK int server_seccomp_enter(enum server_cage who, struct fault *fault);
