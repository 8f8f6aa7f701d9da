/* SPDX-License-Identifier: MIT */
/*
 * Who the processes are and what they may. The supervisor keeps what a restart, a stop and a reload need and gives up the rest
 * once its sockets are bound; the server process gives up root, if it is told a user, and every capability before it opens the
 * data or reads a byte from the network.
 */
#include "server/server_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/must.h"
#include "server/sandbox.h"

#define LAST_CAP 63 /* of the two words of version 3 */

/* What the supervisor needs after its sockets are bound. */
static const struct {
	int cap;
	bool is_for_user; /* only when the server process becomes another user */
} supervisor_caps[] = {
	{ CAP_DAC_READ_SEARCH, false }, /* certificates and keys, on reload */
	{ CAP_SETUID, true },           /* the next server process */
	{ CAP_SETGID, true },
	{ CAP_KILL, true },             /* telling it to reload and to stop, and, by PR_SET_PDEATHSIG, that we died */
};

static int find_user(const struct server_conf *conf, struct passwd *pw, char *space, size_t n, struct fault *fault)
{
	struct passwd *found = NULL;

	getpwnam_r(conf->user, pw, space, n, &found);
	if (!found)
		return fault_set(fault, -E_USAGE, "[server] user = %s: no such user; make it with: useradd --system %s",
				 conf->user, conf->user);
	return 0;
}

static bool changes_user(const struct server_conf *conf)
{
	return geteuid() == 0 && conf->user[0];
}

/*
 * Data that another user made could not be opened by the server process, which would only hear "Permission denied". Only root comes
 * here with a choice: user was not set at first, or is not set any more, or a copy was put in place by root.
 */
static int check_owner(const struct server_conf *conf, uid_t uid, struct fault *fault)
{
	const char *user = conf->user[0] ? conf->user : "root";
	char path[4096], space[4096];
	struct passwd pw;
	struct passwd *owner = NULL;
	struct stat st;

	snprintf(path, sizeof(path), "%s/martlet.lock", conf->data_dir);
	if (lstat(path, &st) < 0 || st.st_uid == uid)
		return 0;
	getpwuid_r(st.st_uid, &pw, space, sizeof(space), &owner);
	return fault_set(fault, -E_USAGE, "the data in %s belongs to user %s, the server would run as %s; change [server] user, or give it away: "
			 "chown -R %s %s", conf->data_dir, owner ? owner->pw_name : "that is not known", user, user, conf->data_dir);
}

/* Directories that data_dir may have before there are data: of data that come, and what a new file system has. */
static bool is_ours(const char *name_z)
{
	static const char *const names[] = { ".", "..", "pack", "tmp", "search", "lost+found" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq(str_z(name_z), str_z(names[i])))
			return true;
	return false;
}

/*
 * A directory of the system, which must not be given away because data_dir was mistyped: it is not the user's, has other directories in it, and no data of ours.
 */
static int check_place(const struct server_conf *conf, uid_t uid, struct fault *fault)
{
	const struct dirent *entry;
	bool has_others = false, has_data = false;
	struct stat st;
	DIR *dir;

	if (stat(conf->data_dir, &st) < 0 || st.st_uid == uid)
		return 0;
	dir = opendir(conf->data_dir);
	while (dir && (entry = readdir(dir)) != NULL) {
		has_data |= str_starts(str_z(entry->d_name), S("martlet."));
		has_others |= !is_ours(entry->d_name) && fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
	}
	if (dir)
		closedir(dir);
	if (has_data || !has_others)
		return 0;
	return fault_set(fault, -E_USAGE, "data_dir %s is a directory of others, with directories of theirs in it: name one of its own", conf->data_dir);
}

/* Why it cannot be had where a unit of systemd has ProtectSystem=strict, for the end of a fault. */
static const char *unit_hint(int errnum)
{
	return errnum == EROFS ? " (a service writes only where its unit says so: ReadWritePaths=, by systemctl edit martlet)" : "";
}

int server_privileges_prepare(const struct server_conf *conf, struct fault *fault)
{
	char space[4096];
	struct passwd pw;
	int r;

	if (!changes_user(conf))
		return geteuid() == 0 ? check_owner(conf, 0, fault) : 0;
	r = find_user(conf, &pw, space, sizeof(space), fault);
	if (r == 0)
		r = check_owner(conf, pw.pw_uid, fault);
	if (r == 0)
		r = check_place(conf, pw.pw_uid, fault);
	if (r < 0)
		return r;
	if (mkdir(conf->data_dir, 0700) < 0 && errno != EEXIST)
		return fault_errno(fault, errno, "cannot make data_dir %s%s", conf->data_dir, unit_hint(errno));
	if (chown(conf->data_dir, pw.pw_uid, pw.pw_gid) < 0)
		return fault_errno(fault, errno, "cannot give data_dir %s to user %s%s", conf->data_dir, conf->user, unit_hint(errno));
	return 0;
}

int server_privileges_drop(const struct server_conf *conf, struct fault *fault)
{
	char space[4096];
	struct passwd pw;

	if (changes_user(conf)) {
		int r = find_user(conf, &pw, space, sizeof(space), fault);

		if (r < 0)
			return r;
		if (initgroups(pw.pw_name, pw.pw_gid) < 0 || setresgid(pw.pw_gid, pw.pw_gid, pw.pw_gid) < 0 ||
		    setresuid(pw.pw_uid, pw.pw_uid, pw.pw_uid) < 0)
			return fault_errno(fault, errno, "cannot become user %s", conf->user);
		must(setuid(0) < 0); /* root is really gone */
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return fault_errno(fault, errno, "cannot set no_new_privs");
	return 0;
}

/* Keeps the capabilities of the set that we have; nothing is left to inherit or to gain by a program that is run. */
static int keep_caps(uint64_t wanted, struct fault *fault)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct now[2] = { 0 };

	if (syscall(SYS_capget, &head, now) < 0)
		return fault_errno(fault, errno, "cannot read capabilities");
	for (int cap = 0; cap <= LAST_CAP; cap++)
		(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0); /* refused without CAP_SETPCAP, and then not needed: see no_new_privs */
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	for (size_t i = 0; i < ARRAY_LEN(now); i++) {
		now[i].permitted &= (uint32_t)(wanted >> (32 * i));
		now[i].effective = now[i].permitted;
		now[i].inheritable = 0;
	}
	if (syscall(SYS_capset, &head, now) < 0)
		return fault_errno(fault, errno, "cannot give up capabilities");
	return 0;
}

/* A process that holds keys leaves no image on the disk and opens its memory to nobody but root. */
static int keep_memory(struct fault *fault)
{
	const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) < 0)
		return fault_errno(fault, errno, "cannot forbid core dumps");
	if (server_sandbox_is_built() && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return fault_errno(fault, errno, "cannot close the process's memory");
	return 0;
}

int server_privileges_narrow(const struct server_conf *conf, struct fault *fault)
{
	uint64_t wanted = 0;
	int r;

	for (size_t i = 0; i < ARRAY_LEN(supervisor_caps); i++)
		if (!supervisor_caps[i].is_for_user || changes_user(conf))
			wanted |= 1ull << supervisor_caps[i].cap;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return fault_errno(fault, errno, "cannot set no_new_privs");
	r = keep_caps(wanted, fault);
	return r < 0 ? r : keep_memory(fault);
}

int server_privileges_none(struct fault *fault)
{
	int r = keep_caps(0, fault);

	return r < 0 ? r : keep_memory(fault);
}
