/* SPDX-License-Identifier: MIT */
/* Settings, certificates and keys: read from a directory, handed over a pair of sockets, and sets that are not whole. */
#include "server/server_int.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/test.h"

/* Valid for the next fifteen calls. */
static const char *in_dir(const char *name_z)
{
	static char paths[16][4096];
	static size_t turn;
	char *path = paths[turn++ % ARRAY_LEN(paths)];

	snprintf(path, sizeof(paths[0]), "%s/%s", test_dir(), name_z);
	return path;
}

static void write_file(const char *path_z, struct str bytes)
{
	FILE *f = fopen(path_z, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes.p, 1, bytes.n, f), bytes.n);
	assert_int_equal(fclose(f), 0);
}

/* A settings file that names the certificate and the key. */
static const char *write_conf(const char *cert_z, const char *key_z)
{
	const char *path = in_dir("martlet.conf");
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fprintf(f, "[listener \"imap\"]\nprotocol = imap\nport = 143\n[tls]\ncertificate = %s\nkey = %s\n", cert_z, key_z);
	assert_int_equal(fclose(f), 0);
	return path;
}

static void send_fd_of(int sock, struct str bytes)
{
	int fd = memfd_create("set", MFD_CLOEXEC);
	struct iovec iov = { "F", 1 };
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} m = { 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = m.room, .msg_controllen = sizeof(m.room) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	assert_int_equal(write(fd, bytes.p, bytes.n), bytes.n);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	assert_int_equal(sendmsg(sock, &msg, MSG_NOSIGNAL), 1);
	close(fd);
}

TEST(files_hand_over)
{
	const char *cert = in_dir("cert.pem"), *key = in_dir("key.pem"), *path;
	struct server_files *sent = NULL, *got = NULL;
	struct fault fault = { 0 };
	struct conf *conf = NULL;
	int pair[2];

	write_file(cert, S("a\0certificate\n"));
	write_file(key, S(""));
	path = write_conf(cert, key);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(server_files_receive(pair[1], &got, &fault), -E_NOT_FOUND);
	assert_int_equal(server_files_load(path, &conf, &sent, &fault), 0);
	assert_str_eq(str_z(((const struct server_tls_conf *)conf_get(conf, &server_tls_table))->key), str_z(key));
	assert_int_equal(server_files_send(pair[0], sent, &fault), 0);
	assert_int_equal(server_files_receive(pair[1], &got, &fault), 0);
	assert_str_eq(server_files_get(got, cert), S("a\0certificate\n"));
	assert_non_null(server_files_get(got, key).p);
	assert_int_equal(server_files_get(got, key).n, 0);
	assert_str_eq(server_files_get(got, path), server_files_get(sent, path));
	assert_null(server_files_get(got, "/elsewhere").p);
	assert_int_equal(server_files_receive(pair[1], &got, &fault), -E_NOT_FOUND);
	server_files_free(sent);
	server_files_free(got);
	conf_unref(conf);
	close(pair[0]);
	close(pair[1]);
}

TEST(files_that_cannot_be_read)
{
	const char *good = in_dir("good.pem"), *pipe = in_dir("pipe");
	const char *large = in_dir("large");
	const struct {
		const char *key;
		int want;
	} rows[] = {
		{ "/nonexistent/key.pem", -E_NOT_FOUND },
		{ test_dir(), -E_USAGE },
		{ pipe, -E_USAGE },
		{ large, -E_LIMIT },
	};

	write_file(good, S("certificate"));
	write_file(large, S(""));
	assert_int_equal(truncate(large, (4 << 20) + 1), 0);
	assert_int_equal(mkfifo(pipe, 0600), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct server_files *files = NULL;
		struct fault fault = { 0 };
		struct conf *conf = NULL;
		int r = server_files_load(write_conf(good, rows[i].key), &conf, &files, &fault);

		test_row(rows[i].key);
		assert_int_equal(r, rows[i].want);
		assert_non_null(strstr(fault.text, rows[i].key));
		assert_null(files);
		assert_null(conf);
	}
}

TEST(files_damaged)
{
	static const struct {
		const char *name;
		struct str bytes;
		int want;
	} rows[] = {
		{ "whole", STR_INIT("\2\0\0\0\1\0\0\0a\0x"), 0 },
		{ "empty", STR_INIT(""), -E_BUG },
		{ "half a head", STR_INIT("\2\0\0\0"), -E_BUG },
		{ "no name", STR_INIT("\0\0\0\0\1\0\0\0x"), -E_BUG },
		{ "name too long", STR_INIT("\4\0\0\0\0\0\0\0a\0x"), -E_BUG },
		{ "bytes cut", STR_INIT("\2\0\0\0\2\0\0\0a\0x"), -E_BUG },
		{ "huge lengths", STR_INIT("\2\0\0\0\377\377\377\377a\0x"), -E_BUG },
		{ "second one cut", STR_INIT("\2\0\0\0\1\0\0\0a\0x\2\0"), -E_BUG },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct server_files *files = NULL;
		struct fault fault = { 0 };
		int pair[2];

		test_row(rows[i].name);
		assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
		send_fd_of(pair[0], rows[i].bytes);
		assert_int_equal(server_files_receive(pair[1], &files, &fault), rows[i].want);
		if (rows[i].want == 0)
			assert_str_eq(server_files_get(files, "a"), S("x"));
		server_files_free(files);
		close(pair[0]);
		close(pair[1]);
	}
}

TEST(files_message_without_descriptor)
{
	struct server_files *files = NULL;
	struct fault fault = { 0 };
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(send(pair[0], "F", 1, 0), 1);
	assert_int_equal(server_files_receive(pair[1], &files, &fault), -E_CANNOT);
	assert_null(files);
	close(pair[0]);
	close(pair[1]);
}
