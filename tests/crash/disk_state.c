/* SPDX-License-Identifier: MIT */
/*
 * Control file, trace and known files of disk.so; see disk.h. All system calls are made directly,
 * past our own doors.
 */
#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define KNOWN 65536 /* a power of two */
#define TRACE_MAX ((uint64_t)4 << 30)

struct disk_shared *disk;
static char root[PATH_MAX];
static size_t root_n;
static int trace_fd = -1;

/* Open addressing; inode << 8 | class, 0 is free. */
static _Atomic uint64_t known[KNOWN];

_Noreturn void disk_die(const char *what_z)
{
	char text[300];
	int n = snprintf(text, sizeof(text), "ERROR: disk.so: %s (errno %d)\n", what_z, errno);

	syscall(SYS_write, STDERR_FILENO, text, (size_t)n);
	_exit(99);
}

/* ---- setting up ---- */

static void make_ready(void)
{
	pthread_mutexattr_t a;

	if (disk->is_ready)
		return;
	pthread_mutexattr_init(&a);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&disk->lock, &a);
	pthread_mutexattr_destroy(&a);
	if (!disk->random)
		disk->random = 88172645463325252u;
	disk->is_ready = 1;
}

static void open_trace(void)
{
	const char *path = getenv("MARTLET_DISK_TRACE");

	if (!path)
		return;
	trace_fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (trace_fd < 0)
		disk_die("cannot open the trace");
}

__attribute__((constructor)) static void set_up(void)
{
	const char *control = getenv("MARTLET_DISK"), *dir = getenv("MARTLET_DISK_ROOT");
	struct disk_shared *d;
	int fd;

	if (!control || !dir)
		return;
	root_n = strlen(dir);
	if (root_n >= sizeof(root))
		disk_die("the root's name is too long");
	memcpy(root, dir, root_n);
	fd = (int)syscall(SYS_openat, AT_FDCWD, control, O_RDWR | O_CLOEXEC, 0);
	if (fd < 0)
		disk_die("cannot open the control file");
	d = mmap(NULL, sizeof(*d), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (d == MAP_FAILED || d->magic != DISK_MAGIC)
		disk_die("this is no control file");
	disk = d;
	flock(fd, LOCK_EX);
	make_ready();
	flock(fd, LOCK_UN); /* the mapping would keep it */
	syscall(SYS_close, fd);
	open_trace();
}

void disk_lock(void)
{
	if (pthread_mutex_lock(&disk->lock) == EOWNERDEAD)
		pthread_mutex_consistent(&disk->lock);
}

void disk_unlock(void)
{
	pthread_mutex_unlock(&disk->lock);
}

/* ---- which files are ours ---- */

/* Where a name relative to a directory begins: that directory's own name. */
static bool dir_name(int dir_fd, char *out, size_t size)
{
	char link[32];
	ssize_t n;

	if (dir_fd == AT_FDCWD)
		return getcwd(out, size) != NULL;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", dir_fd);
	n = readlink(link, out, size - 1);
	if (n < 0)
		return false;
	out[n] = '\0';
	return true;
}

static bool below_root(const char *full, char *name, size_t size)
{
	if (strncmp(full, root, root_n) != 0 || (full[root_n] != '/' && full[root_n] != '\0'))
		return false;
	full += root_n + (full[root_n] == '/');
	snprintf(name, size, "%s", full);
	return true;
}

bool disk_name(int dir_fd, const char *path_z, char *name, size_t size)
{
	char dir[PATH_MAX], full[2 * PATH_MAX];
	int keep = errno;
	bool is_ours = false;

	if (!disk)
		return false;
	if (path_z[0] == '/') {
		is_ours = below_root(path_z, name, size);
	} else if (dir_name(dir_fd, dir, sizeof(dir))) {
		bool is_dir = path_z[0] == '\0' || strcmp(path_z, ".") == 0;

		snprintf(full, sizeof(full), "%s%s%s", dir, is_dir ? "" : "/",
			 is_dir ? "" : path_z);
		is_ours = below_root(full, name, size);
	}
	errno = keep;
	return is_ours;
}

static bool ends(const char *s, const char *tail)
{
	size_t n = strlen(s), k = strlen(tail);

	return n >= k && strcmp(s + n - k, tail) == 0;
}

enum disk_file disk_class(const char *name_z)
{
	static const struct {
		const char *tail;
		enum disk_file file;
	} tails[] = {
		{ ".db", DISK_DB },           { "-wal", DISK_WAL },   { "-shm", DISK_SHM },
		{ "-journal", DISK_JOURNAL }, { ".pack", DISK_PACK },
	};

	if (strncmp(name_z, "tmp/", 4) == 0)
		return DISK_TMP;
	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++)
		if (ends(name_z, tails[i].tail))
			return tails[i].file;
	return DISK_OTHER;
}

void disk_know(uint64_t ino, enum disk_file file)
{
	for (size_t i = 0, at = ino * 2654435761u; i < KNOWN; i++, at++) {
		uint64_t have = atomic_load(&known[at % KNOWN]);

		if (have && have >> 8 != ino)
			continue;
		atomic_store(&known[at % KNOWN], ino << 8 | file);
		return;
	}
	disk_die("too many files");
}

bool disk_of_fd(int fd, uint64_t *ret_ino, enum disk_file *ret_file)
{
	int keep = errno;
	struct stat st;

	if (!disk || fstat(fd, &st) < 0 || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))) {
		errno = keep;
		return false;
	}
	for (size_t i = 0, at = st.st_ino * 2654435761u; i < KNOWN; i++, at++) {
		uint64_t have = atomic_load(&known[at % KNOWN]);

		if (!have)
			return false;
		if (have >> 8 != st.st_ino)
			continue;
		*ret_ino = st.st_ino;
		*ret_file = (enum disk_file)(have & 0xff);
		return true;
	}
	return false;
}

/* ---- failing ---- */

uint32_t disk_random(uint32_t below)
{
	uint64_t x = disk->random;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	disk->random = x;
	return below ? (uint32_t)(x >> 20) % below : 0;
}

const struct disk_rule *disk_fails(enum disk_kind kind, enum disk_file file)
{
	for (size_t i = 0; i < DISK_RULES; i++) {
		struct disk_rule *r = &disk->rules[i];

		if (r->times == 0 || !(r->kinds & kind) || !(r->files & file))
			continue;
		if (r->after > 0) {
			r->after--;
			continue;
		}
		if (r->one_in > 1 && disk_random(r->one_in) != 0)
			continue;
		if (r->times > 0)
			r->times--;
		disk->failed++;
		return r;
	}
	return NULL;
}

/* ---- the trace ---- */

void disk_record(enum disk_record_type type, unsigned arg, uint64_t ino, uint64_t off,
		 const void *payload, size_t n)
{
	static const char zeros[8];
	struct timespec now;
	struct disk_record r;
	size_t pad = -n & 7;
	struct iovec iov[3] = { { &r, sizeof(r) },
				{ (void *)(uintptr_t)payload, n },
				{ (void *)(uintptr_t)zeros, pad } };
	uint64_t at = disk->end;

	clock_gettime(CLOCK_MONOTONIC, &now);
	r = (struct disk_record){
		.size = (uint32_t)(sizeof(r) + n + pad),
		.type = (uint16_t)type,
		.arg = (uint16_t)arg,
		.ino = ino,
		.off = off,
		.n = n,
		.mono_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000,
	};
	if (trace_fd >= 0) {
		if (at + r.size > TRACE_MAX)
			disk_die("the trace is too long");
		if (syscall(SYS_pwritev, trace_fd, iov, 3, at, 0) != (long)r.size)
			disk_die("cannot write the trace");
	}
	__atomic_store_n(&disk->end, at + r.size, __ATOMIC_RELEASE);
}
