/* SPDX-License-Identifier: MIT */
/*
 * A Maildir with its folders: Maildir++ (".Sent.2024" beside cur and new), Dovecot's LAYOUT=fs (Sent/2024/cur), and what other
 * programs make of these (move_path_plain()). A message is known again by its file's name without flags and by its bytes.
 * INTERNALDATE is the file's time of change, as Dovecot has it.
 */
#include "move/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"

#define DEPTH_MAX 20

struct walk {
	const struct move_sink *sink;
	const char *path_z;
	const char *into_z;      /* name of the INBOX */
	bool has_folder;
	struct buf raw, message; /* of the message at hand */
	char where[4096];
};

static void say_bad(struct walk *w, const char *dir_z, const char *name_z, const char *why_z)
{
	snprintf(w->where, sizeof(w->where), "%s/%s%s%s", w->path_z, dir_z, *dir_z ? "/" : "", name_z);
	w->sink->bad(w->sink->ctx, w->where, why_z);
}

static const char *why(int r)
{
	switch (r) {
	case -E_CANNOT:
		return "neither a file nor a directory of its own (perhaps a symbolic link): left out";
	case -E_TOO_BIG:
		return "larger than 256 MiB";
	case -E_NOT_FOUND:
		return "gone while it was to be read";
	case -E_DENIED:
		return "may not be read";
	default:
		return "cannot be read";
	}
}

/* ---- one message ---- */

/* A mail program that still uses the folder has renamed it: its new name. */
static bool find_again(const struct move_folder *f, struct move_entry *e)
{
	int fd = move_open_dir(f->fd, "cur");
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;
	bool is_found = false;

	if (!dir) {
		move_close_fd(&fd);
		return false;
	}
	while (!is_found && (d = readdir(dir)) != NULL) {
		is_found = str_eq(move_file_name_parse(str_z(d->d_name)).base, str_of(e->file_z, e->base_n));
		if (is_found) {
			mem_free(e->file_z);
			e->file_z = mem_dup_z(str_z(d->d_name));
			e->is_new = false;
		}
	}
	closedir(dir);
	return is_found;
}

/* maildir_out.c: a message of ours with line ends that must stay. */
static bool is_as_is(const struct move_entry *e)
{
	return str_find(str_of(e->file_z, e->base_n), S(".martlet-as-is,")) >= 0;
}

static int read_message(struct walk *w, const struct move_folder *f, struct move_entry *e, int64_t *ret_date)
{
	char name[NAME_MAX + 8];
	int r = -E_NOT_FOUND;

	for (int turn = 0; turn < 2 && r == -E_NOT_FOUND; turn++) {
		if (turn > 0 && !find_again(f, e))
			break;
		snprintf(name, sizeof(name), "%s/%s", e->is_new ? "new" : "cur", e->file_z);
		buf_reset(&w->raw);
		r = move_read_file(f->fd, name, &w->raw, ret_date);
	}
	if (r < 0)
		return r;
	buf_reset(&w->message);
	if (is_as_is(e))
		buf_add(&w->message, buf_str(&w->raw));
	else
		move_add_crlf(&w->message, buf_str(&w->raw), 0);
	if (w->raw.cap > LIMIT_IMPORT_BATCH) /* it will not be needed soon */
		buf_fini(&w->raw);
	return buf_overflowed(&w->message) ? -E_TOO_BIG : 0;
}

static void read_flags(const struct move_folder *f, const struct move_entry *e, struct move_message *m)
{
	struct move_file_name n = move_file_name_parse(str_z(e->file_z));

	m->flags = n.flags;
	if (n.is_forwarded)
		m->keywords[m->n_keywords++] = S("$Forwarded");
	for (size_t i = 0; i < ARRAY_LEN(f->keywords_z); i++)
		if (n.letters >> i & 1 && f->keywords_z[i])
			m->keywords[m->n_keywords++] = str_z(f->keywords_z[i]);
}

static int give_message(struct walk *w, const struct move_folder *f, const char *dir_z, struct move_entry *e, struct fault *fault)
{
	struct move_message m = { .uid = e->uid, .where_z = w->where };
	int r = read_message(w, f, e, &m.date_s);

	if (r == 0 && w->message.n == 0)
		say_bad(w, dir_z, e->file_z, "an empty file");
	else if (r < 0)
		say_bad(w, dir_z, e->file_z, why(r));
	if (r < 0 || w->message.n == 0)
		return 0;
	snprintf(w->where, sizeof(w->where), "%s/%s%s%s/%s", w->path_z, dir_z, *dir_z ? "/" : "", e->is_new ? "new" : "cur",
		 e->file_z);
	m.bytes = buf_str(&w->message);
	if (m.date_s < 0)
		m.date_s = 0;
	read_flags(f, e, &m);
	move_key(S("maildir"), str_of(e->file_z, e->base_n), m.bytes, m.key);
	return w->sink->message(w->sink->ctx, &m, fault);
}

/* ---- one folder ---- */

static int give_folder(struct walk *w, int fd, const char *dir_z, struct str name, struct fault *fault)
{
	struct fault trouble = { 0 };
	struct move_folder f;
	int r = move_folder_read(fd, &f, &trouble);

	w->has_folder = true;
	if (r < 0) {
		say_bad(w, dir_z, "", trouble.text);
		r = 0;
	} else {
		const struct move_box box = { name, f.list.uidvalidity, f.list.uidnext, f.n };

		if (f.n_strange)
			say_bad(w, dir_z, "dovecot-uidlist", "has lines that are not understood; their messages get new UIDs");
		r = w->sink->box(w->sink->ctx, &box, fault);
		for (size_t i = 0; i < f.n && r == 0; i++)
			r = give_message(w, &f, dir_z, &f.v[i], fault);
	}
	move_folder_fini(&f);
	return r;
}

static int try_name(struct walk *w, int parent, const char *dir_z, const char *name_z, unsigned depth, struct fault *fault);

/* Folders below a directory. */
static int walk_dir(struct walk *w, int fd, const char *dir_z, unsigned depth, struct fault *fault)
{
	char **names = NULL;
	size_t n = depth > DEPTH_MAX ? 0 : move_list_names(fd, &names);
	int r = 0;

	if (depth > DEPTH_MAX)
		say_bad(w, dir_z, "", "too deep: what is in it is left out");
	for (size_t i = 0; i < n; i++) {
		if (r == 0)
			r = try_name(w, fd, dir_z, names[i], depth, fault);
		mem_free(names[i]);
	}
	mem_free(names);
	return r;
}

/* Does it begin with a folder of Maildir++? */
static bool is_plusplus(struct str path)
{
	struct str top;

	return path.p[0] == '.' && str_split(&path, '/', &top) && !(path.n > 0 && move_is_of_kmail(top));
}

/*
 * dir_z/name_z is a folder: its mailbox name, and a word when that is another one than on the disk. Maildir++ has ".Sent.2024"
 * (mbsync, where that is below INBOX: "..2024"); else the levels are directories.
 */
static void name_folder(struct walk *w, const char *path_z, struct buf *name)
{
	struct str path = str_z(path_z), top = { 0 };
	AUTO(buf_fini) struct buf plain = BUF_INIT(65536);
	AUTO(buf_fini) struct buf text = BUF_INIT(65536);
	bool is_same = true;

	if (is_plusplus(path)) {
		str_split(&path, '/', &top);
		top = str_skip(top, 1);
		if (top.n > 1 && top.p[0] == '.') {
			buf_add(name, S("INBOX"));
			top = str_skip(top, 1);
		}
		is_same = move_name_add(name, top, '.');
	}
	if (path.n > 0) {
		move_path_plain(&plain, path);
		is_same &= move_name_add(name, buf_str(&plain), '/');
	}
	is_same &= move_name_end(name);
	if (is_same)
		return;
	buf_printf(&text, "%s/%s cannot have that name here: it is %s", w->path_z, path_z, buf_z(name));
	w->sink->note(w->sink->ctx, buf_z(&text));
}

static int try_name(struct walk *w, int parent, const char *dir_z, const char *name_z, unsigned depth, struct fault *fault)
{
	AUTO(buf_fini) struct buf name = BUF_INIT(65536);
	AUTO(move_close_fd) int fd = -1;
	char path[4096];
	struct stat st;
	int r = 0;

	if (move_is_part_of_folder(name_z) || fstatat(parent, name_z, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (S_ISLNK(st.st_mode) && fstatat(parent, name_z, &st, 0) == 0 && S_ISDIR(st.st_mode)) {
		say_bad(w, dir_z, name_z, why(-E_CANNOT));
		return 0;
	}
	if (!S_ISDIR(st.st_mode))
		return 0;
	fd = move_open_dir(parent, name_z);
	if (fd < 0) {
		say_bad(w, dir_z, name_z, why(fd));
		return 0;
	}
	if ((size_t)snprintf(path, sizeof(path), "%s%s%s", dir_z, *dir_z ? "/" : "", name_z) >= sizeof(path)) {
		say_bad(w, dir_z, name_z, "its path is too long: left out");
		return 0;
	}
	if (move_is_folder(fd)) {
		name_folder(w, path, &name);
		r = give_folder(w, fd, path, buf_str(&name), fault);
	} else if (name_z[0] == '.' && !move_is_of_kmail(str_z(name_z))) {
		return 0; /* something else, hidden */
	}
	if (r == 0)
		r = walk_dir(w, fd, path, depth + 1, fault);
	return r;
}

/* ---- all of it ---- */

static int give_subscriptions(struct walk *w, int fd, struct fault *fault)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(16u << 20);
	struct move_subscriptions s = { 0 };
	struct str rest;
	int r = move_read_file(fd, "subscriptions", &text, NULL);

	if (r < 0) {
		if (r != -E_NOT_FOUND)
			say_bad(w, "", "subscriptions", why(r));
		return 0;
	}
	rest = buf_str(&text);
	while (r == 0) {
		AUTO(buf_fini) struct buf line = BUF_INIT(65536);
		AUTO(buf_fini) struct buf name = BUF_INIT(65536);

		if (move_subscription_entry(&rest, &s, &line) != 1)
			break;
		/* Version 1 has names as clients see them; Maildir++ has '.' between levels unless it was set otherwise. */
		move_name_read(&name, buf_str(&line), s.is_v2 || str_chr(buf_str(&line), '/') >= 0 ? '/' : '.');
		r = w->sink->subscribed(w->sink->ctx, buf_str(&name), fault);
	}
	return r;
}

int move_maildir(const char *path_z, const char *into_z, const struct move_sink *sink, struct fault *fault)
{
	struct walk w = { .sink = sink, .path_z = path_z, .raw = BUF_INIT(LIMIT_IMPORT_MESSAGE),
			  .message = BUF_INIT(LIMIT_IMPORT_MESSAGE) };
	AUTO(move_close_fd) int fd = move_open_path(path_z, O_RDONLY | O_DIRECTORY | O_CLOEXEC, false, fault);
	int r = 0;

	if (fd < 0)
		return fd;
	if (move_is_folder(fd))
		r = give_folder(&w, fd, "", into_z ? str_z(into_z) : S("INBOX"), fault);
	if (r == 0 && !into_z)
		r = walk_dir(&w, fd, "", 0, fault);
	if (r == 0 && !into_z)
		r = give_subscriptions(&w, fd, fault);
	buf_fini(&w.raw);
	buf_fini(&w.message);
	if (r == 0 && !w.has_folder)
		r = fault_set(fault, -E_NOT_FOUND, "%s: there is no Maildir in it", path_z);
	return r;
}
