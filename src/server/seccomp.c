/* SPDX-License-Identifier: MIT */
/*
 * seccomp: the system calls that a serving process makes, in one table; any other ends the process at once (the supervisor starts
 * it again and says SIGSYS in the log; the kernel's log has the number). No sockets are made, nothing is executed, no process
 * is started, looked into or signalled, no memory becomes code, no user, limit or mount changes.
 *
 * A library may try a new call first and use an older one when there is none: such calls get an errno here. Calls that this
 * machine's libseccomp does not know are skipped, so the table may name what is newer than it, or of other processors.
 *
 * The asker (asker_main.c) has the same table and, as its work, sockets of its own: TCP and UDP, as Landlock's rules of ports know
 * nothing of others (MPTCP reaches any TCP port), and no MSG_FASTOPEN, which connects past them.
 */
#include "server/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"

/* Named calls that are allowed whatever their arguments. */
static const struct group {
	const char *calls_z; /* separated by spaces */
	const char *why_z;
} groups[] = {
	{ "read pread64 write writev pwrite64 pwritev lseek close fstat fsync fdatasync ftruncate fallocate "
	  "getdents64 fchown fchmod fstatfs",
	  "open files: database, packs, spools, the log" },
	{ "open openat access faccessat faccessat2 stat lstat newfstatat fstatat64 statx readlink readlinkat getcwd "
	  "unlink unlinkat rename renameat renameat2 mkdir mkdirat",
	  "files by name: Landlock says which" },
	{ "accept accept4 recvfrom recvmsg shutdown getsockname getpeername getsockopt",
	  "connections of listeners that are there" },
	{ "epoll_wait epoll_pwait epoll_ctl poll ppoll", "waiting for input" },
	{ "brk munmap mremap madvise", "memory; mmap and mprotect stand below" },
	{ "futex set_robust_list rseq sched_yield sched_getaffinity exit exit_group gettid getpid restart_syscall",
	  "threads; clone stands below" },
	{ "rt_sigprocmask rt_sigaction rt_sigreturn rt_sigtimedwait rt_sigtimedwait_time64 sigaltstack",
	  "SIGTERM and SIGHUP, and an orderly abort()" },
	{ "clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64 nanosleep gettimeofday time", "clocks and pauses" },
	{ "getrandom geteuid sysinfo", "random bytes; who we are; how much memory there is (qsort() asks)" },
};

/* Beyond these, of the asker: connections of its own. Landlock says to which ports. */
static const struct group asker_groups[] = {
	{ "connect recvmmsg setsockopt pselect6", "HTTPS and DNS" },
	{ "pipe2 eventfd2 uname getuid getgid getegid fadvise64", "libraries" },
};

/* Calls that are allowed when (argument & mask) == value. */
static const struct only {
	const char *call_z;
	unsigned arg;
	uint64_t mask, value;
} only[] = {
	{ "mmap", 2, PROT_EXEC, 0 },
	{ "mmap2", 2, PROT_EXEC, 0 },
	{ "mprotect", 2, PROT_EXEC, 0 },
	{ "clone", 0, CLONE_THREAD | CLONE_VM | CLONE_SIGHAND, CLONE_THREAD | CLONE_VM | CLONE_SIGHAND },
	{ "prctl", 0, UINT32_MAX, PR_SET_NAME },
	{ "prlimit64", 2, UINT64_MAX, 0 }, /* asking only: no new limit */
	{ "setpriority", 0, UINT32_MAX, PRIO_PROCESS }, /* of the housekeeper, and of workers at something long; only ever lower */
	{ "sendto", 3, MSG_FASTOPEN, 0 },
	{ "setsockopt", 2, UINT32_MAX, SO_RCVLOWAT }, /* until a whole ClientHello has come */
};

/* The sockets that it may make; 0 is what fits the type. */
static const unsigned asker_families[] = { AF_INET, AF_INET6 };
static const unsigned asker_protocols[] = { 0, IPPROTO_TCP, IPPROTO_UDP };

static const struct only asker_only[] = {
	{ "sendmsg", 2, MSG_FASTOPEN, 0 },
	{ "sendmmsg", 3, MSG_FASTOPEN, 0 },
	{ "socketpair", 0, UINT32_MAX, AF_UNIX }, /* libcurl wakes itself */
	{ "ioctl", 1, UINT32_MAX, FIONREAD },     /* the resolver asks how long an answer is */
};

/* What fcntl() may do. F_SETOWN and F_SETSIG are not here: by them a descriptor sends any signal to any process of this user. */
static const unsigned fcntl_commands[] = {
	F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL, /* libraries look, and set what open() did not */
	F_GETLK, F_SETLK, F_OFD_SETLK,                       /* SQLite's locks and ours */
};

/* Calls that fail. With PROT_EXEC: a library that cannot be loaded any more, which is its caller's error and not the end. */
static const struct failing {
	const char *call_z;
	int err;
	unsigned arg;
	uint64_t mask, value;
} failing[] = {
	{ "clone3", ENOSYS, 0, 0, 0 }, /* its arguments cannot be looked at; glibc takes clone then */
	{ "mmap", EACCES, 2, PROT_EXEC, PROT_EXEC },
	{ "mmap2", EACCES, 2, PROT_EXEC, PROT_EXEC },
	{ "mprotect", EACCES, 2, PROT_EXEC, PROT_EXEC },
};

static const struct failing asker_failing[] = {
	{ "socket", EAFNOSUPPORT, 0, UINT32_MAX, AF_UNIX },    /* the resolver looks for a cache of names */
	{ "socket", EAFNOSUPPORT, 0, UINT32_MAX, AF_NETLINK }, /* and for addresses of this machine; it does without */
};

/* A number of our own processor, or a negative one. */
static int call_number(struct str name)
{
	char name_z[32] = "";

	if (name.n >= sizeof(name_z))
		return __NR_SCMP_ERROR;
	memcpy(name_z, name.p, name.n);
	return seccomp_syscall_resolve_name(name_z);
}

static int add(scmp_filter_ctx ctx, uint32_t action, struct str name, const struct scmp_arg_cmp *args, unsigned n)
{
	int nr = call_number(name);

	return nr < 0 ? 0 : seccomp_rule_add_array(ctx, action, nr, n, args);
}

static int add_groups(scmp_filter_ctx ctx, const struct group *v, size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		struct str rest = str_z(v[i].calls_z);
		struct str name;

		while (r == 0 && str_split(&rest, ' ', &name))
			r = add(ctx, SCMP_ACT_ALLOW, name, NULL, 0);
	}
	return r;
}

static int add_only(scmp_filter_ctx ctx, const struct only *v, size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct scmp_arg_cmp arg = { v[i].arg, SCMP_CMP_MASKED_EQ, v[i].mask, v[i].value };

		r = add(ctx, SCMP_ACT_ALLOW, str_z(v[i].call_z), &arg, 1);
	}
	return r;
}

static int add_failing(scmp_filter_ctx ctx, const struct failing *v, size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct scmp_arg_cmp arg = { v[i].arg, SCMP_CMP_MASKED_EQ, v[i].mask, v[i].value };

		r = add(ctx, SCMP_ACT_ERRNO((uint32_t)v[i].err), str_z(v[i].call_z), &arg, v[i].mask ? 1 : 0);
	}
	return r;
}

static int add_by_argument(scmp_filter_ctx ctx)
{
	/* abort() sends a signal to its own thread, and to nobody else. */
	const struct scmp_arg_cmp own = SCMP_A0(SCMP_CMP_MASKED_EQ, UINT32_MAX, (scmp_datum_t)getpid());
	int r = add(ctx, SCMP_ACT_ALLOW, S("tgkill"), &own, 1);

	if (r == 0)
		r = add_only(ctx, only, ARRAY_LEN(only));
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(fcntl_commands); i++) {
		const struct scmp_arg_cmp arg = { 1, SCMP_CMP_MASKED_EQ, UINT32_MAX, fcntl_commands[i] };

		r = add(ctx, SCMP_ACT_ALLOW, S("fcntl"), &arg, 1);
		if (r == 0)
			r = add(ctx, SCMP_ACT_ALLOW, S("fcntl64"), &arg, 1);
	}
	return r < 0 ? r : add_failing(ctx, failing, ARRAY_LEN(failing));
}

static int add_sockets(scmp_filter_ctx ctx)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(asker_families) * ARRAY_LEN(asker_protocols); i++) {
		const struct scmp_arg_cmp args[] = {
			{ 0, SCMP_CMP_MASKED_EQ, UINT32_MAX, asker_families[i % ARRAY_LEN(asker_families)] },
			{ 2, SCMP_CMP_MASKED_EQ, UINT32_MAX, asker_protocols[i / ARRAY_LEN(asker_families)] },
		};

		r = add(ctx, SCMP_ACT_ALLOW, S("socket"), args, ARRAY_LEN(args));
	}
	return r;
}

static int add_asker(scmp_filter_ctx ctx)
{
	int r = add_groups(ctx, asker_groups, ARRAY_LEN(asker_groups));

	if (r == 0)
		r = add_sockets(ctx);
	if (r == 0)
		r = add_only(ctx, asker_only, ARRAY_LEN(asker_only));
	return r < 0 ? r : add_failing(ctx, asker_failing, ARRAY_LEN(asker_failing));
}

static int enter(bool is_asker, struct fault *fault)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r = ctx ? seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) : -ENOMEM;

	if (r == 0)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	if (r == 0)
		r = add_groups(ctx, groups, ARRAY_LEN(groups));
	if (r == 0)
		r = add_by_argument(ctx);
	if (r == 0 && is_asker)
		r = add_asker(ctx);
	if (r == 0)
		r = seccomp_load(ctx);
	if (ctx)
		seccomp_release(ctx);
	if (r == 0)
		return 0;
	(void)fault_errno(fault, -r, "seccomp");
	return -E_CANNOT;
}

int server_seccomp_enter(struct fault *fault)
{
	return enter(false, fault);
}

int server_seccomp_enter_asker(struct fault *fault)
{
	return enter(true, fault);
}
