/* SPDX-License-Identifier: MIT */
/* What every helper does first. */
#include "server/helper.h"

#include <netdb.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/log.h"
#include "server/server_int.h"

_Noreturn void server_helper_fail(const char *event_z, const char *why_z)
{
	LOG(ERROR, event_z, F_Z("fault", why_z));
	_exit(1);
}

/* Nothing that the supervisor has open is of use here, but the log and our sockets. */
static void close_others(const struct server_helper_start *start)
{
	const int other = start->fetcher_fd < 0 ? start->fd : start->fetcher_fd;
	const int first = start->fd < other ? start->fd : other, last = start->fd < other ? other : start->fd;

	close_range(STDERR_FILENO + 1, (unsigned)first - 1, 0); /* a range that ends before it begins is none */
	close_range((unsigned)first + 1, (unsigned)last - 1, 0);
	close_range((unsigned)last + 1, ~0u, 0);
}

/* Libraries of the system's resolver are loaded before the door closes. */
static void load_early(void)
{
	struct addrinfo *found = NULL;

	if (getaddrinfo("localhost", NULL, NULL, &found) == 0)
		freeaddrinfo(found);
}

int server_helper_begin(const struct server_helper_start *start, const char *event_z)
{
	struct fault fault = { 0 };
	sigset_t wanted;
	int fd;

	close_others(start);
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGTERM); /* blocked by the supervisor, as all that it waits for */
	fd = signalfd(-1, &wanted, SFD_CLOEXEC);
	if (fd < 0)
		server_helper_fail(event_z, "signalfd");
	if (server_privileges_drop(conf_get(start->conf, &server_conf_table), &fault) < 0)
		server_helper_fail(event_z, fault.text);
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* only now: becoming another user clears it */
	if (getppid() != start->supervisor)
		_exit(1);
	if (server_privileges_none(&fault) < 0)
		server_helper_fail(event_z, fault.text);
	load_early();
	return fd;
}

char *server_helper_file(const struct server_helper_start *start, const char *path_z, size_t *ret_n)
{
	struct str bytes = path_z[0] ? server_files_get(start->files, path_z) : (struct str){ 0 };

	*ret_n = bytes.n;
	return bytes.p ? mem_dup_z(bytes) : NULL;
}
