/* SPDX-License-Identifier: MIT */
/* The server process gives up root before it opens the data or reads a byte from the network. */
#include "server/server_int.h"

#include "base/must.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static int become(const struct passwd *pw, const struct server_conf *conf, struct fault *fault)
{
	if (mkdir(conf->data_dir, 0700) < 0 && errno != EEXIST)
		return fault_errno(fault, errno, "cannot make data_dir %s", conf->data_dir);
	if (chown(conf->data_dir, pw->pw_uid, pw->pw_gid) < 0)
		return fault_errno(fault, errno, "cannot give data_dir %s to user %s", conf->data_dir, conf->user);
	if (initgroups(pw->pw_name, pw->pw_gid) < 0 || setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) < 0 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) < 0)
		return fault_errno(fault, errno, "cannot become user %s", conf->user);
	must(setuid(0) < 0); /* root is really gone */
	return 0;
}

int server_privileges_drop(const struct server_conf *conf, struct fault *fault)
{
	char space[4096];
	struct passwd pw;
	struct passwd *found = NULL;
	int r;

	if (geteuid() == 0 && conf->user[0]) {
		getpwnam_r(conf->user, &pw, space, sizeof(space), &found);
		if (!found)
			return fault_set(fault, -E_USAGE,
					 "[server] user = %s: no such user; make it with: useradd --system %s",
					 conf->user, conf->user);
		r = become(found, conf, fault);
		if (r < 0)
			return r;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return fault_errno(fault, errno, "cannot set no_new_privs");
	return 0;
}
