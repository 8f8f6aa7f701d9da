/* SPDX-License-Identifier: MIT */
/*
 * The parts of the sandbox one by one, each in a process of its own that cannot get out again: what Landlock alone refuses, what
 * the list of system calls alone refuses, and what happens when a kernel has neither. tests/clients/sandbox.py has the whole.
 */
#include "server/server_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/must.h"
#include "base/test.h"

#define DIED (-1)
#define CHILD_FAILED 255

static const char *data_dir(void)
{
	static char dir[4096];

	if (!dir[0]) {
		snprintf(dir, sizeof(dir), "%s/data", test_dir());
		assert_int_equal(mkdir(dir, 0700), 0);
	}
	return dir;
}

/* Somebody listens there as long as the test binary lives. */
static int port(void)
{
	static uint16_t p;
	int fd = -1;

	if (p == 0) {
		assert_int_equal(net_bind("127.0.0.1", 0, &fd, NULL), 0);
		assert_int_equal(net_bound_port(fd, &p), 0);
	}
	return p;
}

static int no_cage(void)
{
	return 0;
}

static int landlock_cage(void)
{
	struct fault fault = { 0 };
	int abi = 0;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || server_landlock_enter(data_dir(), &abi, &fault) < 0)
		return -1;
	return abi == 0 ? -1 : 0;
}

static int seccomp_cage(void)
{
	return server_seccomp_enter(SERVER_CAGE_SERVER, NULL);
}

static int helper_cage(enum server_cage who, uint16_t to)
{
	const struct server_doors doors = { .ports = &to, .n_ports = 1 };
	struct server_sandbox s;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || server_sandbox_helper_begin(&s, SERVER_SANDBOX_YES, who, &doors, NULL) < 0)
		return -1;
	return server_sandbox_helper_finish(&s, who, NULL);
}

static int asker_cage(void)
{
	return helper_cage(SERVER_CAGE_ASKER, port());
}

static int sender_cage(void)
{
	return helper_cage(SERVER_CAGE_SENDER, port());
}

static int fetcher_cage(void)
{
	return helper_cage(SERVER_CAGE_FETCHER, port());
}

/* The settings name other ports. */
static int other_asker_cage(void)
{
	return helper_cage(SERVER_CAGE_ASKER, 1);
}

static int other_sender_cage(void)
{
	return helper_cage(SERVER_CAGE_SENDER, 1);
}

static int other_fetcher_cage(void)
{
	return helper_cage(SERVER_CAGE_FETCHER, 1);
}

/* The errno of one attempt in a child that entered the cage; DIED: by SIGSYS. */
static int attempt(int (*enter)(void), const char *name_z)
{
	const char *dir = data_dir();
	int p = port();
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		int parent = getppid();
		int err = 0;

		_exit(enter() == 0 && server_sandbox_try(name_z, dir, p, parent, &err) == 0 ? err : CHILD_FAILED);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status)) {
		assert_int_equal(WTERMSIG(status), SIGSYS);
		return DIED;
	}
	assert_int_not_equal(WEXITSTATUS(status), CHILD_FAILED);
	return WEXITSTATUS(status);
}

static int landlock_version(void)
{
	const char *dir = data_dir(); /* ours to remove, not the child's */
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		int abi = 0;

		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		_exit(server_landlock_enter(dir, &abi, NULL) < 0 ? CHILD_FAILED : abi);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Each is possible without, so that "refused" means what it says. */
TEST(sandbox_landlock)
{
	static const struct {
		const char *name_z;
		int abi; /* since when it is refused */
		int want;
	} rows[] = {
		{ "inside", 0, 0 },
		{ "thread", 0, 0 },
		{ "read-passwd", 1, EACCES },
		{ "read-root", 1, EACCES },
		{ "write-above", 1, EACCES },
		{ "write-tmp", 1, EACCES },
		{ "move-above", 1, EACCES },
		{ "symlink", 1, EACCES },
		{ "exec", 1, EACCES },
		{ "connect", 4, EACCES },
		{ "bind", 4, EACCES },
		{ "kill", 6, EPERM },
	};
	int abi = landlock_version();

	if (abi == 0 || !server_sandbox_is_built())
		skip();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		test_row(rows[i].name_z);
		assert_int_equal(attempt(no_cage, rows[i].name_z), 0);
		if (abi >= rows[i].abi)
			assert_int_equal(attempt(landlock_cage, rows[i].name_z), rows[i].want);
	}
}

TEST(sandbox_seccomp)
{
	static const struct {
		const char *name_z;
		int want;
	} rows[] = {
		{ "inside", 0 },
		{ "thread", 0 },
		{ "read-passwd", 0 }, /* files are Landlock's */
		{ "map-code", EACCES },
		{ "make-code", EACCES },
		{ "symlink", DIED },
		{ "exec", DIED },
		{ "fork", DIED },
		{ "ptrace", DIED },
		{ "kill", DIED },
		{ "owner", DIED },
		{ "owner-signal", DIED },
		{ "connect", DIED },
		{ "bind", DIED },
		{ "unix-socket", DIED },
		{ "dumpable", DIED },
		{ "setuid", DIED },
		{ "chroot", DIED },
		{ "mount", DIED },
		{ "unshare", DIED },
		{ "init_module", DIED },
		{ "keyctl", DIED },
		{ "bpf", DIED },
		{ "io_uring_setup", DIED },
		{ "userfaultfd", DIED },
		{ "perf_event_open", DIED },
		{ "process_vm_writev", DIED },
		{ "pidfd_open", DIED },
		{ "open_by_handle_at", DIED },
		{ "memfd_create", EFAULT }, /* for messages to the sender */
		{ "setrlimit", DIED },
	};

	if (!server_sandbox_is_built())
		skip();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		test_row(rows[i].name_z);
		assert_int_equal(attempt(seccomp_cage, rows[i].name_z), rows[i].want);
	}
}

struct row {
	const char *name_z;
	int abi; /* since when it is so */
	int want;
};

static void check_helper(const struct row *rows, size_t n, int (*enter)(void), int (*enter_other)(void))
{
	int abi = landlock_version();

	if (!server_sandbox_is_built())
		skip();
	for (size_t i = 0; i < n; i++) {
		test_row(rows[i].name_z);
		if (abi >= rows[i].abi)
			assert_int_equal(attempt(enter, rows[i].name_z), rows[i].want);
	}
	if (abi >= 4)
		assert_int_equal(attempt(enter_other, "connect"), EACCES);
}

/* Helpers call out to the ports of the settings, and have nothing of the data. */
#define OF_HELPERS \
	{ "connect", 0, 0 }, { "thread", 0, 0 }, { "inside", 1, EACCES }, { "read-passwd", 1, EACCES }, { "read-root", 1, EACCES }, \
	{ "write-tmp", 1, EACCES }, { "unix-socket", 0, EAFNOSUPPORT }, { "connect-fast", 0, DIED }, { "mptcp", 0, DIED }, \
	{ "exec", 0, DIED }, { "fork", 0, DIED }, { "ptrace", 0, DIED }, { "kill", 0, DIED }, { "owner", 0, DIED }, \
	{ "map-code", 0, EACCES }, { "make-code", 0, EACCES }, { "symlink", 0, DIED }, { "setuid", 0, DIED }, { "memfd_create", 0, DIED }, \
	{ "dumpable", 0, DIED }, { "setrlimit", 0, DIED }

TEST(sandbox_asker)
{
	static const struct row rows[] = { OF_HELPERS, { "udp", 0, 0 }, { "read-names", 1, 0 }, { "bind", 0, DIED } };

	check_helper(rows, ARRAY_LEN(rows), asker_cage, other_asker_cage);
}

/* The sender chooses the address that it comes from; it does not get a port by its number. */
TEST(sandbox_sender)
{
	static const struct row rows[] = { OF_HELPERS, { "udp", 0, 0 }, { "read-names", 1, 0 }, { "bind", 0, 0 }, { "bind-port", 4, EACCES } };

	check_helper(rows, ARRAY_LEN(rows), sender_cage, other_sender_cage);
}

/* It asks no DNS: only TCP, and not how names become addresses. */
TEST(sandbox_fetcher)
{
	static const struct row rows[] = { OF_HELPERS, { "udp", 0, EAFNOSUPPORT }, { "read-names", 1, EACCES }, { "bind", 0, DIED } };

	check_helper(rows, ARRAY_LEN(rows), fetcher_cage, other_fetcher_cage);
}

/* Many systems have the file of their authorities elsewhere, behind a link. */
TEST(sandbox_sender_reads_authorities)
{
	char file[4096], link_to_it[4096];
	int status = 0, fd;
	pid_t pid;

	if (landlock_version() == 0 || !server_sandbox_is_built())
		skip();
	snprintf(file, sizeof(file), "%s/authorities", test_dir());
	snprintf(link_to_it, sizeof(link_to_it), "%s/link", test_dir());
	fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(symlink(file, link_to_it), 0);
	assert_int_equal(setenv("SSL_CERT_FILE", link_to_it, 1), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(sender_cage() < 0 ? CHILD_FAILED : open(link_to_it, O_RDONLY | O_CLOEXEC) < 0 ? errno : 0);
	unsetenv("SSL_CERT_FILE");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void *fork_when_told(void *arg)
{
	int *fds = arg;
	char byte;
	int err = 0;

	if (read(fds[0], &byte, 1) != 1 || server_sandbox_try("fork", "/", 0, 0, &err) < 0)
		_exit(CHILD_FAILED);
	return NULL;
}

/* A thread that was there before is bound as well. */
static void enter_beside_thread(void)
{
	pthread_t thread;
	int fds[2];

	if (pipe(fds) < 0 || pthread_create(&thread, NULL, fork_when_told, fds) != 0 || server_seccomp_enter(SERVER_CAGE_SERVER, NULL) < 0 ||
	    write(fds[1], "x", 1) != 1)
		_exit(CHILD_FAILED);
	pthread_join(thread, NULL);
	_exit(0);
}

TEST(sandbox_seccomp_older_threads)
{
	int status = 0;
	pid_t pid;

	if (!server_sandbox_is_built())
		skip();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		enter_beside_thread();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

/* A kernel without seccomp, played by seccomp; and one whose Landlock takes no more, after as many layers as there may be. */
static int make_old_kernel(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int abi = 1;

	if (!ctx || seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(seccomp), 0) < 0 ||
	    seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(prctl), 1, SCMP_A0(SCMP_CMP_EQ, PR_SET_SECCOMP, 0)) < 0 ||
	    seccomp_load(ctx) < 0)
		return -1;
	seccomp_release(ctx);
	for (int i = 0; i < 64 && abi > 0; i++)
		if (server_landlock_enter(data_dir(), &abi, NULL) < 0)
			return -1;
	return abi;
}

static void begin_and_finish(enum server_sandbox_mode mode, int *ret_begin, int *ret_finish, struct server_sandbox *s)
{
	struct fault fault = { 0 };

	*ret_begin = server_sandbox_begin(s, mode, data_dir(), &fault);
	*ret_finish = server_sandbox_finish(s, &fault);
}

/* Exit status: which of the expectations was wrong. */
static _Noreturn void try_old_kernel(void)
{
	struct server_sandbox s;
	int begin, finish;

	if (make_old_kernel() != 0)
		_exit(CHILD_FAILED);
	begin_and_finish(SERVER_SANDBOX_NO, &begin, &finish, &s);
	if (begin < 0 || finish < 0 || s.missing[0] || !str_eq(str_z(s.text), S("none")))
		_exit(1);
	begin_and_finish(SERVER_SANDBOX_YES, &begin, &finish, &s);
	if (begin < 0 || finish < 0 || !str_eq(str_z(s.text), S("none")))
		_exit(2);
	if (!str_starts(str_z(s.missing), S("Landlock: ")) || str_find(str_z(s.missing), S("; seccomp: ")) < 0)
		_exit(3);
	begin_and_finish(SERVER_SANDBOX_REQUIRED, &begin, &finish, &s);
	_exit(begin == -E_CANNOT && finish == -E_CANNOT ? 0 : 4);
}

TEST(sandbox_old_kernel)
{
	int status = 0;
	pid_t pid;

	if (!server_sandbox_is_built())
		skip();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		try_old_kernel();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* A process that finds a bug in itself still says so and aborts, and is not killed on the way. */
TEST(sandbox_lets_abort)
{
	char said[4096] = "";
	int status = 0;
	int fds[2];
	pid_t pid;

	if (!server_sandbox_is_built())
		skip();
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct server_sandbox s;
		int begin, finish;

		dup2(fds[1], STDERR_FILENO);
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		begin_and_finish(SERVER_SANDBOX_YES, &begin, &finish, &s);
		if (begin < 0 || finish < 0 || !s.has_seccomp)
			_exit(CHILD_FAILED);
		must(!"a bug");
	}
	close(fds[1]);
	assert_true(read(fds[0], said, sizeof(said) - 1) > 0);
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_true(str_find(str_z(said), S("a bug")) >= 0);
}

TEST(sandbox_gaps)
{
	char gaps[256];

	server_landlock_gaps(100, gaps, sizeof(gaps));
	assert_string_equal(gaps, "");
	server_landlock_gaps(2, gaps, sizeof(gaps)); /* Debian 12 */
	assert_string_equal(gaps, "truncating, TCP, device control, signals and abstract sockets");
	server_landlock_gaps(0, gaps, 10);
	assert_int_equal(strlen(gaps), 9);
}

/* At once, at once, then slower up to the maximum; a long life makes it quick again. */
TEST(restart_pauses)
{
	static const struct {
		int64_t lived_ms, max_ms, want_ms;
	} rows[] = {
		{ 100, 5000, 0 },    { 100, 5000, 50 },    { 100, 5000, 100 }, { 100, 5000, 200 }, { 4999, 5000, 400 },
		{ 5000, 5000, 0 },   { 100, 5000, 0 },     { 100, 5000, 50 },  { 100, 60, 60 },    { 100, 0, 0 },
		{ 100, 600000, 400 }, { 86400000, 5000, 0 },
	};
	unsigned n_short = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		n_short = server_n_short(n_short, rows[i].lived_ms);
		assert_int_equal(server_restart_pause_ms(n_short, rows[i].max_ms), rows[i].want_ms);
	}
	assert_int_equal(server_restart_pause_ms(UINT32_MAX, 600000), 600000);
}
