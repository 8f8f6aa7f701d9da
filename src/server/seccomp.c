/* SPDX-License-Identifier: MIT */
/*
 * seccomp: the system calls that a serving process makes, in one table; any other ends the process at once (the supervisor starts
 * it again and says SIGSYS in the log; the kernel's log has the number). No sockets are made, nothing is executed, no process
 * is started, looked into or signalled, no memory becomes code, no user, limit or mount changes.
 *
 * A library may try a new call first and use an older one when there is none: such calls get an errno here. Calls that this
 * machine's libseccomp does not know are skipped, so the table may name what is newer than it, or of other processors.
 *
 * Helpers (helper.h) have the same table and, as their work, sockets of their own: TCP and UDP, as Landlock's rules of ports know
 * nothing of others (MPTCP reaches any TCP port), and no MSG_FASTOPEN, which connects past them. The fetcher asks no DNS, so it has TCP alone.
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

#define ALL (SERVER | HELPERS)
#define SERVER SERVER_CAGE_SERVER
#define ASKERS (SERVER_CAGE_ASKER | SERVER_CAGE_SENDER) /* of names */
#define HELPERS (ASKERS | FETCHER)
#define SENDER SERVER_CAGE_SENDER
#define FETCHER SERVER_CAGE_FETCHER

/* Named calls that are allowed whatever their arguments. */
static const struct group {
	unsigned who;        /* enum server_cage, any of them */
	const char *calls_z; /* separated by spaces */
	const char *why_z;
} groups[] = {
	{ ALL, "read pread64 write writev pwrite64 pwritev lseek close fstat fsync fdatasync ftruncate fallocate "
	  "getdents64 fchown fchmod fstatfs",
	  "open files: database, packs, spools, the log" },
	{ ALL, "open openat access faccessat faccessat2 stat lstat newfstatat fstatat64 statx readlink readlinkat getcwd "
	  "unlink unlinkat rename renameat renameat2 mkdir mkdirat",
	  "files by name: Landlock says which" },
	{ ALL, "accept accept4 recvfrom recvmsg shutdown getsockname getpeername getsockopt",
	  "connections of listeners that are there" },
	{ ALL, "epoll_wait epoll_pwait epoll_ctl poll ppoll", "waiting for input" },
	{ ALL, "brk munmap mremap madvise", "memory; mmap and mprotect stand below" },
	{ ALL, "futex set_robust_list rseq sched_yield sched_getaffinity exit exit_group gettid getpid restart_syscall",
	  "threads; clone stands below" },
	{ ALL, "rt_sigprocmask rt_sigaction rt_sigreturn rt_sigtimedwait rt_sigtimedwait_time64 sigaltstack",
	  "SIGTERM and SIGHUP, and an orderly abort()" },
	{ ALL, "clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64 nanosleep gettimeofday time", "clocks and pauses" },
	{ ALL, "getrandom geteuid sysinfo", "random bytes; who we are; how much memory there is (qsort() asks)" },
	{ SERVER, "memfd_create eventfd2", "a message on its way to the sender; waking the schedule" },
	/* Connections of its own: Landlock says to which ports. */
	{ HELPERS, "connect setsockopt", "HTTPS, SMTP and DNS" },
	{ ASKERS, "recvmmsg pselect6", "DNS" },
	{ HELPERS, "pipe2 eventfd2 uname getuid getgid getegid fadvise64", "libraries" },
	{ SENDER, "bind select _newselect epoll_create1", "DNS asks from ports by chance, mail leaves from an own address" },
};

/* Calls that are allowed when (argument & mask) == value. */
static const struct only {
	const char *call_z;
	unsigned who, arg;
	uint64_t mask, value;
} only[] = {
	{ "mmap", ALL, 2, PROT_EXEC, 0 },
	{ "mmap2", ALL, 2, PROT_EXEC, 0 },
	{ "mprotect", ALL, 2, PROT_EXEC, 0 },
	{ "clone", ALL, 0, CLONE_THREAD | CLONE_VM | CLONE_SIGHAND, CLONE_THREAD | CLONE_VM | CLONE_SIGHAND },
	{ "prctl", ALL, 0, UINT32_MAX, PR_SET_NAME },
	{ "prlimit64", ALL, 2, UINT64_MAX, 0 }, /* asking only: no new limit */
	{ "setpriority", ALL, 0, UINT32_MAX, PRIO_PROCESS }, /* of the housekeeper, and of workers at something long; only ever lower */
	{ "sendto", ALL, 3, MSG_FASTOPEN, 0 },
	{ "setsockopt", ALL, 2, UINT32_MAX, SO_RCVLOWAT }, /* until a whole ClientHello has come */
	{ "sendmsg", ALL, 2, MSG_FASTOPEN, 0 },
	{ "sendmmsg", ASKERS, 3, MSG_FASTOPEN, 0 },
	{ "socketpair", HELPERS, 0, UINT32_MAX, AF_UNIX }, /* libraries wake themselves; a question to the fetcher */
	{ "ioctl", ASKERS, 1, UINT32_MAX, FIONREAD },      /* the resolver asks how long an answer is */
};

/* The sockets that it may make; protocol 0 is what fits the type. */
static const unsigned helper_families[] = { AF_INET, AF_INET6 };
static const unsigned helper_protocols[] = { 0, IPPROTO_TCP, IPPROTO_UDP };
#define SOCK_TYPE_MASK 0xf /* beside SOCK_CLOEXEC and SOCK_NONBLOCK */

/* What fcntl() may do. F_SETOWN and F_SETSIG are not here: by them a descriptor sends any signal to any process of this user. */
static const unsigned fcntl_commands[] = {
	F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL, /* libraries look, and set what open() did not */
	F_GETLK, F_SETLK, F_OFD_SETLK,                       /* SQLite's locks and ours */
	F_ADD_SEALS, F_GET_SEALS,                            /* of a message on its way to the sender */
};

/* Calls that fail. With PROT_EXEC: a library that cannot be loaded any more, which is its caller's error and not the end. */
static const struct failing {
	unsigned who;
	const char *call_z;
	int err;
	unsigned arg;
	uint64_t mask, value;
} failing[] = {
	{ ALL, "clone3", ENOSYS, 0, 0, 0 }, /* its arguments cannot be looked at; glibc takes clone then */
	{ ALL, "mmap", EACCES, 2, PROT_EXEC, PROT_EXEC },
	{ ALL, "mmap2", EACCES, 2, PROT_EXEC, PROT_EXEC },
	{ ALL, "mprotect", EACCES, 2, PROT_EXEC, PROT_EXEC },
	{ HELPERS, "socket", EAFNOSUPPORT, 0, UINT32_MAX, AF_UNIX },    /* the resolver looks for a cache of names */
	{ HELPERS, "socket", EAFNOSUPPORT, 0, UINT32_MAX, AF_NETLINK }, /* and for addresses of this machine; it does without */
	{ FETCHER, "socket", EAFNOSUPPORT, 1, SOCK_TYPE_MASK, SOCK_DGRAM }, /* libcurl may look whether there is IPv6 */
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

static int add_groups(scmp_filter_ctx ctx, enum server_cage who)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(groups); i++) {
		struct str rest = str_z(groups[i].calls_z);
		struct str name;

		while (r == 0 && (groups[i].who & who) && str_split(&rest, ' ', &name))
			r = add(ctx, SCMP_ACT_ALLOW, name, NULL, 0);
	}
	return r;
}

static int add_only(scmp_filter_ctx ctx, enum server_cage who)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(only); i++) {
		const struct scmp_arg_cmp arg = { only[i].arg, SCMP_CMP_MASKED_EQ, only[i].mask, only[i].value };

		if (only[i].who & who)
			r = add(ctx, SCMP_ACT_ALLOW, str_z(only[i].call_z), &arg, 1);
	}
	return r;
}

static int add_failing(scmp_filter_ctx ctx, enum server_cage who)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(failing); i++) {
		const struct failing *f = &failing[i];
		const struct scmp_arg_cmp arg = { f->arg, SCMP_CMP_MASKED_EQ, f->mask, f->value };

		if (f->who & who)
			r = add(ctx, SCMP_ACT_ERRNO((uint32_t)f->err), str_z(f->call_z), &arg, f->mask ? 1 : 0);
	}
	return r;
}

static int add_by_argument(scmp_filter_ctx ctx, enum server_cage who)
{
	/* abort() sends a signal to its own thread, and to nobody else. */
	const struct scmp_arg_cmp own = SCMP_A0(SCMP_CMP_MASKED_EQ, UINT32_MAX, (scmp_datum_t)getpid());
	int r = add(ctx, SCMP_ACT_ALLOW, S("tgkill"), &own, 1);

	if (r == 0)
		r = add_only(ctx, who);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(fcntl_commands); i++) {
		const struct scmp_arg_cmp arg = { 1, SCMP_CMP_MASKED_EQ, UINT32_MAX, fcntl_commands[i] };

		r = add(ctx, SCMP_ACT_ALLOW, S("fcntl"), &arg, 1);
		if (r == 0)
			r = add(ctx, SCMP_ACT_ALLOW, S("fcntl64"), &arg, 1);
	}
	return r < 0 ? r : add_failing(ctx, who);
}

static int add_sockets(scmp_filter_ctx ctx, enum server_cage who)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(helper_families) * ARRAY_LEN(helper_protocols); i++) {
		const struct scmp_arg_cmp args[] = {
			{ 0, SCMP_CMP_MASKED_EQ, UINT32_MAX, helper_families[i % ARRAY_LEN(helper_families)] },
			{ 2, SCMP_CMP_MASKED_EQ, UINT32_MAX, helper_protocols[i / ARRAY_LEN(helper_families)] },
			{ 1, SCMP_CMP_MASKED_EQ, SOCK_TYPE_MASK, SOCK_STREAM },
		};

		r = add(ctx, SCMP_ACT_ALLOW, S("socket"), args, who == FETCHER ? 3 : 2);
	}
	return r;
}

int server_seccomp_enter(enum server_cage who, struct fault *fault)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	/* NULL: the kernel has no such thing, or lets nobody here use it */
	int r = ctx ? seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) : -ENOSYS;

	if (r == 0)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	if (r == 0)
		r = add_groups(ctx, who);
	if (r == 0)
		r = add_by_argument(ctx, who);
	if (r == 0 && (who & HELPERS))
		r = add_sockets(ctx, who);
	if (r == 0)
		r = seccomp_load(ctx);
	if (ctx)
		seccomp_release(ctx);
	if (r == 0)
		return 0;
	(void)fault_errno(fault, -r, "seccomp");
	return -E_CANNOT;
}
