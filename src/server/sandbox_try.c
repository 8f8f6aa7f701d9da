/* SPDX-License-Identifier: MIT */
/*
 * For tests: what an intruder would do first, one attempt each, from inside of the server process (verb test.sandbox, only with
 * server.test_verbs) or of a process that has entered a part of the sandbox. By bare system calls, so that no library is in between.
 */
#include "server/sandbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/server_int.h"

struct attempt {
	const char *dir_z; /* the data directory */
	int port;          /* where somebody listens on loopback */
	int pid;           /* somebody else */
};

/* DIR/name; DIR is short in tests. */
static const char *in_dir(const struct attempt *t, const char *name_z, char path[4096])
{
	snprintf(path, 4096, "%s/%s", t->dir_z, name_z);
	return path;
}

static long open_path(const char *path_z, int flags)
{
	long fd = syscall(SYS_openat, AT_FDCWD, path_z, flags | O_CLOEXEC, 0600);

	if (fd >= 0)
		close((int)fd);
	return fd;
}

/* What must go on working. */
static long try_inside(const struct attempt *t)
{
	char path[4096], other[4096];

	if (open_path(in_dir(t, "try", path), O_RDWR | O_CREAT | O_EXCL) < 0)
		return -1;
	if (rename(path, in_dir(t, "try2", other)) < 0)
		return -1;
	return unlink(other);
}

static void *return_at_once(void *arg)
{
	return arg;
}

static long try_thread(const struct attempt *t)
{
	pthread_t thread;
	int err = pthread_create(&thread, NULL, return_at_once, NULL);

	(void)t;
	errno = err;
	return err ? -1 : pthread_join(thread, NULL);
}

static long try_read_names(const struct attempt *t)
{
	(void)t;
	return open_path("/etc/hosts", O_RDONLY);
}

static long try_read_passwd(const struct attempt *t)
{
	(void)t;
	return open_path("/etc/passwd", O_RDONLY);
}

static long try_read_root(const struct attempt *t)
{
	(void)t;
	return open_path("/", O_RDONLY | O_DIRECTORY);
}

static long try_read_above(const struct attempt *t)
{
	char path[4096];

	return open_path(in_dir(t, "../martlet.conf", path), O_RDONLY);
}

static long try_write_above(const struct attempt *t)
{
	char path[4096];

	return open_path(in_dir(t, "../intruder", path), O_WRONLY | O_CREAT);
}

static long try_write_tmp(const struct attempt *t)
{
	(void)t;
	return open_path("/tmp", O_WRONLY | O_TMPFILE);
}

static long try_move_above(const struct attempt *t)
{
	char path[4096], other[4096];
	int err;

	if (open_path(in_dir(t, "try", path), O_RDWR | O_CREAT) < 0)
		return -1;
	if (rename(path, in_dir(t, "../intruder", other)) == 0)
		return 0;
	err = errno;
	unlink(path);
	errno = err;
	return -1;
}

static long try_symlink(const struct attempt *t)
{
	char path[4096];

	if (symlink("/etc", in_dir(t, "etc", path)) < 0)
		return -1;
	return unlink(path);
}

static long try_exec(const struct attempt *t)
{
	char *const argv[] = { NULL };

	(void)t;
	return syscall(SYS_execve, "/bin/true", argv, argv);
}

static long try_fork(const struct attempt *t)
{
	long pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);

	(void)t;
	if (pid == 0)
		_exit(0);
	return pid;
}

static long try_ptrace(const struct attempt *t)
{
	return syscall(SYS_ptrace, 16 /* PTRACE_ATTACH */, t->pid, NULL, NULL);
}

static long try_kill(const struct attempt *t)
{
	return kill(t->pid, 0);
}

/* Input of a descriptor may be told to anybody by any signal, which needs no call that sends one. */
static long try_owner(const struct attempt *t)
{
	return fcntl(STDIN_FILENO, F_SETOWN, t->pid);
}

static long try_owner_signal(const struct attempt *t)
{
	(void)t;
	return fcntl(STDIN_FILENO, F_SETSIG, SIGKILL);
}

static long connect_to(const struct attempt *t, int (*call)(int, const struct sockaddr *, socklen_t))
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)t->port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (call == bind)
		to.sin_port = 0;
	r = fd < 0 ? -1 : call(fd, (const struct sockaddr *)&to, sizeof(to));
	if (fd >= 0)
		close(fd);
	return r;
}

static long try_connect(const struct attempt *t)
{
	return connect_to(t, connect);
}

/* A connection without connect(): Landlock does not see it. */
static int send_fast(int fd, const struct sockaddr *to, socklen_t n)
{
	return sendto(fd, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL, to, n) < 0 ? -1 : 0;
}

static long try_connect_fast(const struct attempt *t)
{
	return connect_to(t, send_fast);
}

/* Speaks to any TCP port, and is no TCP to Landlock. */
static long try_mptcp(const struct attempt *t)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP);

	(void)t;
	if (fd >= 0)
		close(fd);
	return fd;
}

static long try_udp(const struct attempt *t)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)t;
	if (fd >= 0)
		close(fd);
	return fd;
}

static long try_bind(const struct attempt *t)
{
	return connect_to(t, bind);
}

/* A port of one's own choice, as whoever wants to be called. */
static long try_bind_port(const struct attempt *t)
{
	const struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(61001), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r = fd < 0 ? -1 : bind(fd, (const struct sockaddr *)&at, sizeof(at));

	(void)t;
	if (fd >= 0)
		close(fd);
	return r;
}

static long try_unix_socket(const struct attempt *t)
{
	(void)t;
	return socket(AF_UNIX, SOCK_DGRAM, 0);
}

static long try_map_code(const struct attempt *t)
{
	(void)t;
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
}

static long try_make_code(const struct attempt *t)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)t;
	return p == MAP_FAILED ? -1 : mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

static long try_dumpable(const struct attempt *t)
{
	(void)t;
	return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

/* Calls of which the number alone must be refused; the arguments are nonsense. */
#define BARE(name) \
	static long try_##name(const struct attempt *t) \
	{ \
		(void)t; \
		return syscall(SYS_##name, 0, 0, 0, 0, 0); \
	}
BARE(setuid)
BARE(chroot)
BARE(mount)
BARE(unshare)
BARE(init_module)
BARE(keyctl)
BARE(bpf)
BARE(io_uring_setup)
BARE(userfaultfd)
BARE(perf_event_open)
BARE(process_vm_writev)
BARE(pidfd_open)
BARE(open_by_handle_at)
BARE(memfd_create)
BARE(setrlimit)
#undef BARE

static const struct {
	const char *name_z;
	long (*try)(const struct attempt *t);
} attempts[] = {
	{ "inside", try_inside },
	{ "thread", try_thread },
	{ "read-names", try_read_names },
	{ "read-passwd", try_read_passwd },
	{ "read-root", try_read_root },
	{ "read-above", try_read_above },
	{ "write-above", try_write_above },
	{ "write-tmp", try_write_tmp },
	{ "move-above", try_move_above },
	{ "symlink", try_symlink },
	{ "exec", try_exec },
	{ "fork", try_fork },
	{ "ptrace", try_ptrace },
	{ "kill", try_kill },
	{ "owner", try_owner },
	{ "owner-signal", try_owner_signal },
	{ "connect", try_connect },
	{ "connect-fast", try_connect_fast },
	{ "mptcp", try_mptcp },
	{ "udp", try_udp },
	{ "bind", try_bind },
	{ "bind-port", try_bind_port },
	{ "unix-socket", try_unix_socket },
	{ "map-code", try_map_code },
	{ "make-code", try_make_code },
	{ "dumpable", try_dumpable },
	{ "setuid", try_setuid },
	{ "chroot", try_chroot },
	{ "mount", try_mount },
	{ "unshare", try_unshare },
	{ "init_module", try_init_module },
	{ "keyctl", try_keyctl },
	{ "bpf", try_bpf },
	{ "io_uring_setup", try_io_uring_setup },
	{ "userfaultfd", try_userfaultfd },
	{ "perf_event_open", try_perf_event_open },
	{ "process_vm_writev", try_process_vm_writev },
	{ "pidfd_open", try_pidfd_open },
	{ "open_by_handle_at", try_open_by_handle_at },
	{ "memfd_create", try_memfd_create },
	{ "setrlimit", try_setrlimit },
};

int server_sandbox_try(const char *name_z, const char *dir_z, int port, int pid, int *ret_errno)
{
	const struct attempt t = { .dir_z = dir_z, .port = port, .pid = pid };

	for (size_t i = 0; i < ARRAY_LEN(attempts); i++) {
		if (!str_eq(str_z(attempts[i].name_z), str_z(name_z)))
			continue;
		errno = 0;
		*ret_errno = attempts[i].try(&t) < 0 ? errno : 0;
		return 0;
	}
	return -E_NOT_FOUND;
}

/* {"try": NAME, "port": N, "pid": N} -> {"errno": "EACCES"}, "" when it could be done; no answer when it is the end of the process. */
int admin_sandbox(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	int port = (int)json_integer_value(json_object_get(args, "port"));
	int pid = (int)json_integer_value(json_object_get(args, "pid"));
	struct str name = { 0 };
	int err = 0;
	int r = admin_arg(args, "try", &name, fault);

	if (r < 0)
		return r;
	r = server_sandbox_try(arena_z(a, name), ad->process->fixed->data_dir, port, pid, &err);
	if (r < 0)
		return fault_set(fault, r, "no such attempt: %.60s", arena_z(a, name));
	*ret = json_pack("{s:s}", "errno", err ? strerrorname_np(err) : "");
	return 0;
}
