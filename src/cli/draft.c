/* SPDX-License-Identifier: MIT */
#include "cli/draft.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "cli/peer.h"

#define PIECE 65536

static bool is_option(const struct cli_args *args, size_t i, const char *name_z)
{
	return str_eq(str_z(args->options[i].name), str_z(name_z));
}

bool draft_is_wanted(const struct cli_args *args)
{
	return cli_option(args, "--subject") != NULL || cli_option(args, "--attach") != NULL;
}

/* ---- who ---- */

static bool is_address(const struct mime_address *a)
{
	return a->kind == MIME_ADDR_MAILBOX && a->mailbox.n > 0 && a->domain.n > 0;
}

/* Adds what one --to holds: one address, or a list. */
static int take_to(struct draft *draft, const char *text_z, struct arena *a, struct fault *fault)
{
	struct mime_addresses list, *to = &draft->d.to;

	if (str_z(text_z).n > LIMIT_MIME_HEADER_FIELD || mime_addresses_parse(a, str_z(text_z), &list) < 0) /* nobody is left out unheard */
		return fault_set(fault, -E_USAGE, "--to is too long");
	for (size_t i = 0; i < list.n; i++) {
		if (!is_address(&list.v[i]))
			return fault_set(fault, -E_USAGE, "--to %s: no address", text_z);
		if (to->n == CLI_OPTIONS_MAX)
			return fault_set(fault, -E_USAGE, "more than %d recipients",
					 CLI_OPTIONS_MAX);
		to->v[to->n++] = list.v[i];
	}
	return list.n > 0 ? 0 : fault_set(fault, -E_USAGE, "--to %s: no address", text_z);
}

int draft_addresses(struct draft *draft, const struct cli_args *args, const char *from_z, struct arena *a,
		    struct fault *fault)
{
	const char *said_z = cli_option(args, "--from");
	int r = 0;

	from_z = said_z != NULL ? said_z : from_z;
	if (from_z == NULL || mime_addresses_parse(a, str_z(from_z), &draft->d.from) < 0 ||
	    draft->d.from.n != 1 || !is_address(&draft->d.from.v[0]))
		return fault_set(
			fault, -E_USAGE,
			"--from must be one address when a message is made (--subject, --attach)");
	draft->d.to.v = ARENA_ARRAY(a, struct mime_address, CLI_OPTIONS_MAX);
	for (size_t i = 0; i < args->n_options && r == 0; i++)
		if (is_option(args, i, "--to"))
			r = take_to(draft, args->options[i].value, a, fault);
	return r;
}

struct str draft_addr_spec(const struct mime_address *address, struct arena *a)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(4096);
	struct str copy;

	mime_addr_spec(address, &text);
	copy = arena_str(a, buf_str(&text));
	return copy.p && !buf_overflowed(&text) ? copy : S("");
}

/* ---- what ---- */

int draft_read_file(FILE *f, const char *name_z, struct buf *out, struct fault *fault)
{
	char *p;
	size_t n;

	while ((p = buf_reserve(out, PIECE)) != NULL && (n = fread(p, 1, PIECE, f)) > 0)
		buf_commit(out, n);
	if (p == NULL)
		return fault_set(fault, -E_TOO_BIG, "%s is larger than a message may be", name_z);
	return ferror(f) ? fault_errno(fault, errno, "cannot read %s", name_z) : 0;
}

static int read_attachment(struct draft *draft, const char *path_z, struct fault *fault)
{
	struct buf *bytes = &draft->bytes[draft->n_files];
	const char *slash_z = strrchr(path_z, '/');
	FILE *f = fopen(path_z, "rb");
	struct stat st;
	int r;

	if (f == NULL)
		return fault_errno(fault, errno, "cannot read %s", path_z);
	draft->files[draft->n_files++].name = str_z(slash_z ? slash_z + 1 : path_z);
	buf_init(bytes, LIMIT_IMPORT_MESSAGE);
	r = fstat(fileno(f), &st) == 0 && S_ISDIR(st.st_mode)
		    ? fault_set(fault, -E_USAGE, "%s is a directory", path_z)
		    : draft_read_file(f, path_z, bytes, fault);
	draft->files[draft->n_files - 1].bytes = buf_str(bytes);
	fclose(f);
	return r;
}

static int read_attachments(struct draft *draft, const struct cli_args *args, struct fault *fault)
{
	int r = 0;

	draft->files = mem_alloc(args->n_options, sizeof(*draft->files));
	draft->bytes = mem_alloc(args->n_options, sizeof(*draft->bytes));
	for (size_t i = 0; i < args->n_options && r == 0; i++)
		if (is_option(args, i, "--attach"))
			r = read_attachment(draft, args->options[i].value, fault);
	draft->d.attachments = draft->files;
	draft->d.n_attachments = draft->n_files;
	return r;
}

int draft_zone_min(int64_t at_s)
{
	time_t now = (time_t)at_s;
	struct tm here;

	return localtime_r(&now, &here) != NULL ? (int)(here.tm_gmtoff / 60) : 0;
}

int draft_make(struct draft *draft, const struct cli_args *args, struct str text, struct buf *out,
	       struct fault *fault)
{
	char host_z[256];
	int r = read_attachments(draft, args, fault);

	if (r < 0)
		return r;
	peer_own_name(host_z, sizeof(host_z));
	draft->d.text = text;
	draft->d.subject = str_z(cli_option(args, "--subject"));
	draft->d.host = str_z(host_z);
	draft->d.sent_s = clock_wall_ms() / 1000;
	draft->d.zone_min = draft_zone_min(draft->d.sent_s);
	r = mime_compose(&draft->d, out);
	if (r == -E_SYNTAX)
		return fault_set(
			fault, -E_USAGE,
			"an address, the subject or the name of a file is not UTF-8, or holds a control character");
	return r < 0 ? fault_set(fault, -E_TOO_BIG, "the message is larger than %u bytes",
				 (unsigned)out->max)
		     : 0;
}

void draft_fini(struct draft *draft)
{
	for (size_t i = 0; i < draft->n_files; i++)
		buf_fini(&draft->bytes[i]);
	mem_free(draft->bytes);
	mem_free(draft->files);
}
