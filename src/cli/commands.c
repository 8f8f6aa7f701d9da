/* SPDX-License-Identifier: MIT */
/* The table of subcommands. `martlet help` and the usage lines are printed from it. */
#include "cli/cli.h"

#define WHERE \
	{ "--config", "FILE", "settings file (default " CLI_DEFAULT_CONFIG ")" }, \
	{ "--dir", "DIR", "data directory of a demo" }
#define QUOTAS \
	{ "--quota", "SIZE", "largest total size of mail, such as 5G; 0 for no limit" }, \
	{ "--quota-messages", "N", "most messages; 0 for no limit" }, \
	{ "--quota-mailboxes", "N", "most mailboxes; 0 for no limit" }
#define JSON { "--json", NULL, "print the result as JSON" }
#define END { NULL, NULL, NULL }

static const struct cli_option config_options[] = { WHERE, JSON, END };
static const struct cli_option demo_options[] = {
	{ "--dir", "DIR", "where the demo keeps its data (default /tmp/martlet-demo-UID)" },
	{ "--port-offset", "N", "every port is the standard port + N (default 10000)" },
	END,
};
static const struct cli_option serve_options[] = { { "--config", "FILE", "settings file (default " CLI_DEFAULT_CONFIG ")" }, END };
static const struct cli_option admin_options[] = { WHERE, JSON, END };
static const struct cli_option fsck_options[] = {
	WHERE, JSON,
	{ "--repair", NULL, "repair what can be repaired" },
	{ "--remove-unreadable", NULL, "with --repair: take away messages of which nothing can be read" },
	{ "--data", "DIR", "check this data directory, such as a backup, instead of the server's" },
	END,
};
static const struct cli_option account_options[] = {
	WHERE, JSON,
	{ "--password-file", "FILE", "first line is the password (default: standard input)" },
	{ "--hash-file", "FILE", "first line is an imported hash such as {SHA512-CRYPT}$6$..." },
	QUOTAS,
	END,
};
static const struct cli_option quota_options[] = { WHERE, JSON, QUOTAS, END };
static const struct cli_option password_options[] = {
	WHERE, JSON,
	{ "--password-file", "FILE", "first line is the password (default: standard input)" },
	{ "--hash-file", "FILE", "first line is an imported hash such as {SHA512-CRYPT}$6$..." },
	END,
};
static const struct cli_option mailbox_list_options[] = {
	WHERE, JSON,
	{ "--subscribed", NULL, "only those that the account has subscribed to" },
	{ "--status", NULL, "also what else STATUS of IMAP tells: UIDs, modseq, id" },
	END,
};
static const struct cli_option mailbox_create_options[] = {
	WHERE, JSON,
	{ "--special-use", "USE", "what it is for: drafts, sent, junk, trash or archive" },
	{ "--subscribe", NULL, "subscribe to it too" },
	END,
};
static const struct cli_option mailbox_delete_options[] = {
	WHERE, JSON,
	{ "--recursive", NULL, "and all below it" },
	END,
};
static const struct cli_option import_options[] = {
	WHERE, JSON,
	{ "--into", "MAILBOX", "put an mbox, or the INBOX of a Maildir, into this mailbox" },
	{ "--mbox-quoting", "KIND", "mboxrd (default) or mboxo: what a '>' before From means" },
	{ "--password-file", "FILE", "of an IMAP server: first line is the password (default: standard input)" },
	{ "--ca-file", "FILE", "of an IMAP server: certificates to trust instead of the system's" },
	{ "--insecure", NULL, "of an IMAP server: take any certificate, and no TLS where there is none" },
	END,
};
static const struct cli_option export_options[] = {
	WHERE, JSON,
	{ "--mailbox", "MAILBOX", "only this one" },
	{ "--format", "KIND", "maildir (default), mbox or eml" },
	END,
};
static const struct cli_option send_options[] = {
	JSON,
	{ "--account", "NAME", "server, login and sender of an account of the file of servers" },
	{ "--profiles", "FILE", "the file of servers (default ~/.config/martlet/servers.ini)" },
	{ "--server", "HOST[:PORT]", "where to (port 25, with --tls implicit 465; auto: the best that works for mail programs)" },
	{ "--from", "ADDRESS", "envelope sender (default: the null one, or the account's)" },
	{ "--to", "ADDRESS", "a recipient; may be given several times" },
	{ "--subject", "TEXT", "make a message: standard input is its text, From and To are those above" },
	{ "--attach", "FILE", "make a message with this file; may be given several times" },
	{ "--tls", "KIND", "may (default), never, always, verify (the certificate too), implicit" },
	{ "--ca-file", "FILE", "certificates to trust instead of the system's" },
	{ "--insecure", NULL, "take any certificate, and log in without TLS where there is none" },
	{ "--user", "NAME", "log in" },
	{ "--password-file", "FILE", "first line is the password (-: standard input, before the message)" },
	{ "--lmtp", NULL, "speak LMTP" },
	{ "--helo", "NAME", "our name (default: the host's)" },
	{ "--notify", "KINDS", "ask for notifications (DSN): never, or success, failure, delay" },
	{ "--ret", "WHAT", "what comes back with one: full or hdrs" },
	{ "--envid", "ID", "the id of the envelope in one" },
	{ "--stop-after", "STAGE", "connect, tls, auth, mail, rcpt or data: go no further, read no message" },
	{ "--trace", NULL, "show the dialogue on standard error" },
	END,
};
static const struct cli_option fetch_options[] = {
	{ "--json", NULL, "print what happens as lines of JSON" },
	{ "--account", "NAME", "an account of the file of servers; may be given several times (default: all with a target)" },
	{ "--profiles", "FILE", "the file of servers (default ~/.config/martlet/servers.ini)" },
	{ "--server", "HOST[:PORT]", "without an account: where from" },
	{ "--protocol", "NAME", "imap (default) or pop3" },
	{ "--tls", "KIND", "implicit (default), starttls, never" },
	{ "--ca-file", "FILE", "certificates to trust instead of the system's" },
	{ "--insecure", NULL, "take any certificate, and log in without TLS where there is none" },
	{ "--user", "NAME", "log in as" },
	{ "--password-file", "FILE", "first line is the password (default: standard input)" },
	{ "--to", "TARGET", "maildir:DIRECTORY, mbox:FILE, stdout, or command:COMMAND" },
	{ "--state", "FILE", "what was fetched (default: beside the target)" },
	{ "--mailbox", "MAILBOX", "IMAP: this one; may be given several times (default: INBOX)" },
	{ "--delete", NULL, "delete on the server what is safe on the disk" },
	{ "--keep-days", "N", "the same, when it has been here for so many days" },
	{ "--idle", NULL, "IMAP: stay, and fetch mail as it comes" },
	{ "--sync", NULL, "IMAP and a Maildir: both ways, with flags and deletions" },
	{ "--allow-empty", NULL, "with --sync: also when all messages of one side are gone at once" },
	{ "--trace", NULL, "show the dialogue on standard error" },
	END,
};
static const struct cli_option sendmail_options[] = {
	{ "-t", NULL, "recipients are those of To, Cc and Bcc, and those given" },
	{ "-i", NULL, "a line that is a dot does not end the message" },
	{ "-f", "ADDRESS", "envelope sender (default: the caller; '<>': none)" },
	{ "-F", "NAME", "name for the From that is made" },
	{ "-N", "KINDS", "tell the sender of: never, or success, failure, delay" },
	{ "-R", "WHAT", "with a notification comes back: full or hdrs" },
	{ "-V", "ID", "envelope id for notifications" },
	{ "-S", "HOST[:PORT]", "the server (default: that of the account $MARTLET_ACCOUNT, $MARTLET_SENDMAIL_SERVER, localhost:25)" },
	{ "-v", NULL, "show the dialogue on standard error" },
	END,
};
#define PICK \
	{ "--to", "WHOM", "recipients with this address, or in this domain" }, \
	{ "--from", "WHOM", "of senders with this address, or in this domain; '<>': bounces" }, \
	{ "--state", "STATE", "waiting or held" }
#define ALL { "--all", NULL, "all that waits" }
static const struct cli_option pick_options[] = { WHERE, JSON, PICK, END };
static const struct cli_option manage_options[] = { WHERE, JSON, PICK, ALL, END };
static const struct cli_option remove_options[] = {
	WHERE, JSON, PICK, ALL,
	{ "--notify", NULL, "tell the senders" },
	END,
};
static const struct cli_option check_options[] = {
	WHERE, JSON,
	{ "--host", "HOST", "look at this one, and not at what the DNS names" },
	{ "--port", "N", "the port at which the hosts take mail (default: queue.port)" },
	{ "--rcpt", "ADDRESS", "ask the hosts whether they would take mail for it" },
	{ "--from", "ADDRESS", "from whom (default: <>)" },
	{ "--timeout", "SECONDS", "for all of it (default: 60)" },
	{ "--dns-only", NULL, "ask the DNS alone, connect to nobody" },
	END,
};
static const struct cli_option doctor_options[] = {
	WHERE, JSON,
	{ "--protocol", "NAME", "only this: imap, pop3, submission, smtp, lmtp or sieve; may be given several times" },
	{ "--port", "N", "only this port" },
	{ "--user", "NAME", "the name for the login (default: the address)" },
	{ "--password-file", "FILE", "log in too: first line is the password (-: standard input); sent only where the certificate verifies" },
	{ "--ca-file", "FILE", "certificates to trust instead of the system's" },
	{ "--timeout", "SECONDS", "for all of it (default: 10)" },
	{ "--all", NULL, "tell also of what was only a guess and is not there" },
	END,
};
#define ADDRESS { "--address", "IP", "of this host, seen from outside; may be given several times" }
static const struct cli_option check_domain_options[] = {
	WHERE, JSON,
	{ "--selector", "NAME", "look at this key of DKIM; may be given several times (default: usual names)" },
	{ "--dnsbl", "LIST", "ask this blocklist about the hosts; may be given several times (default: none)" },
	{ "--dns-only", NULL, "ask the DNS alone, connect to nobody" },
	{ "--timeout", "SECONDS", "for all of it (default: 30)" },
	{ "--for-this-server", NULL, "compare with what this server needs, as `dns` prints it" },
	ADDRESS, END,
};
static const struct cli_option dns_options[] = { WHERE, JSON, ADDRESS, END };
static const struct cli_option quickstart_options[] = {
	{ "--config", "FILE", "settings file (default " CLI_DEFAULT_CONFIG ")" },
	{ "--data", "DIR", "data directory (default: that of the settings)" },
	{ "--hostname", "NAME", "of this host (default: its own, else mail.DOMAIN)" },
	{ "--user", "NAME", "whom the server runs as (root: martlet; '': who starts it)" },
	ADDRESS,
	{ "--password-file", "FILE", "first line is the account's password (default: one is made)" },
	{ "--probe", "HOST[:PORT]", "mail server for the look at port 25; several times" },
	{ "--port-offset", "N", "to try it: on loopback, ports are the usual ones + N" },
	{ "--no-network", NULL, "do not look at port 25 and the DNS" },
	{ "--dry-run", NULL, "look, make nothing" },
	JSON, END,
};
static const struct cli_option show_options[] = {
	WHERE, JSON,
	{ "--sample", NULL, "all settings at their defaults, each with its explanation" },
	END,
};
static const struct cli_option no_options[] = { JSON, END };

const struct cli_command cli_commands[] = {
	{ .name = "serve", .usage = "", .options = serve_options, .run = cli_serve,
	  .help = "run the server in the foreground" },
	{ .name = "demo", .usage = "", .options = demo_options, .run = cli_demo,
	  .help = "run a throw-away server on loopback with two accounts" },

	{ .name = "account add", .usage = "ADDRESS", .options = account_options, .run = cli_admin,
	  .help = "make an account; its password is asked for or read",
	  .verb = "account.add", .arg_names = { "address" }, .n_required = 1 },
	{ .name = "account remove", .usage = "ADDRESS", .options = admin_options, .run = cli_admin,
	  .help = "remove an account and all its mail",
	  .verb = "account.remove", .arg_names = { "address" }, .n_required = 1 },
	{ .name = "account disable", .usage = "ADDRESS", .options = admin_options, .run = cli_admin,
	  .help = "shut an account out and cut it; mail still comes in",
	  .verb = "account.disable", .arg_names = { "address" }, .n_required = 1 },
	{ .name = "account enable", .usage = "ADDRESS", .options = admin_options, .run = cli_admin,
	  .help = "let an account log in again",
	  .verb = "account.enable", .arg_names = { "address" }, .n_required = 1 },
	{ .name = "account disconnect", .usage = "ADDRESS", .options = admin_options, .run = cli_admin,
	  .help = "cut an account's connections; its programs may log in again",
	  .verb = "account.disconnect", .arg_names = { "address" }, .n_required = 1 },
	{ .name = "account list", .usage = "", .options = admin_options, .run = cli_admin,
	  .help = "list the accounts", .verb = "account.list", .empty_z = "no accounts; see: martlet help account add" },
	{ .name = "account password", .usage = "ADDRESS", .options = password_options, .run = cli_admin,
	  .help = "set an account's password",
	  .verb = "account.password", .arg_names = { "address" }, .n_required = 1 },
	{ .name = "account quota", .usage = "ADDRESS", .options = quota_options, .run = cli_admin,
	  .help = "change the limits given; show what it uses and may use",
	  .verb = "account.quota", .arg_names = { "address" }, .n_required = 1 },

	{ .name = "alias add", .usage = "ALIAS TARGET", .options = admin_options, .run = cli_admin,
	  .help = "lead an address or @DOMAIN to an account, elsewhere or /null",
	  .verb = "alias.add", .arg_names = { "alias", "target" }, .n_required = 2 },
	{ .name = "alias remove", .usage = "ALIAS [TARGET]", .options = admin_options, .run = cli_admin,
	  .help = "remove one target of an alias, or the whole alias",
	  .verb = "alias.remove", .arg_names = { "alias", "target" }, .n_required = 1 },
	{ .name = "alias list", .usage = "", .options = admin_options, .run = cli_admin,
	  .help = "list the aliases", .verb = "alias.list", .empty_z = "no aliases" },

	{ .name = "mailbox list", .usage = "ADDRESS [PATTERN...]", .options = mailbox_list_options, .run = cli_admin,
	  .help = "list an account's mailboxes and their counts",
	  .verb = "mailbox.list", .arg_names = { "address" }, .rest_z = "patterns", .n_required = 1,
	  .empty_z = "no mailbox found" },
	{ .name = "mailbox create", .usage = "ADDRESS MAILBOX", .options = mailbox_create_options, .run = cli_admin,
	  .help = "make a mailbox, and those above it",
	  .verb = "mailbox.create", .arg_names = { "address", "mailbox" }, .n_required = 2 },
	{ .name = "mailbox delete", .usage = "ADDRESS MAILBOX", .options = mailbox_delete_options, .run = cli_admin,
	  .help = "delete a mailbox and its mail; those below it stay",
	  .verb = "mailbox.delete", .arg_names = { "address", "mailbox" }, .n_required = 2 },
	{ .name = "mailbox rename", .usage = "ADDRESS MAILBOX NEW-NAME", .options = admin_options, .run = cli_admin,
	  .help = "rename a mailbox and those below it",
	  .verb = "mailbox.rename", .arg_names = { "address", "mailbox", "new_name" }, .n_required = 3 },
	{ .name = "mailbox subscribe", .usage = "ADDRESS MAILBOX", .options = admin_options, .run = cli_admin,
	  .help = "let mail programs show it as subscribed",
	  .verb = "mailbox.subscribe", .arg_names = { "address", "mailbox" }, .n_required = 2 },
	{ .name = "mailbox unsubscribe", .usage = "ADDRESS MAILBOX", .options = admin_options, .run = cli_admin,
	  .help = "take that back; the mailbox stays",
	  .verb = "mailbox.unsubscribe", .arg_names = { "address", "mailbox" }, .n_required = 2 },

	{ .name = "acl list", .usage = "ADDRESS MAILBOX", .options = admin_options, .run = cli_admin,
	  .help = "list who may do what with a mailbox of an account",
	  .verb = "acl.list", .arg_names = { "address", "mailbox" }, .n_required = 2 },
	{ .name = "acl set", .usage = "ADDRESS MAILBOX IDENTIFIER RIGHTS", .options = admin_options, .run = cli_admin,
	  .help = "give rights (after --, -IDENTIFIER: take them away)",
	  .verb = "acl.set", .arg_names = { "address", "mailbox", "identifier", "rights" }, .n_required = 4 },
	{ .name = "acl remove", .usage = "ADDRESS MAILBOX IDENTIFIER", .options = admin_options, .run = cli_admin,
	  .help = "remove what was set for an account or anyone",
	  .verb = "acl.remove", .arg_names = { "address", "mailbox", "identifier" }, .n_required = 3 },

	{ .name = "domain add", .usage = "DOMAIN", .options = admin_options, .run = cli_admin,
	  .help = "take mail for a domain", .verb = "domain.add", .arg_names = { "domain" }, .n_required = 1 },
	{ .name = "domain remove", .usage = "DOMAIN", .options = admin_options, .run = cli_admin,
	  .help = "take no more mail for a domain", .verb = "domain.remove", .arg_names = { "domain" }, .n_required = 1 },
	{ .name = "domain list", .usage = "", .options = admin_options, .run = cli_admin,
	  .help = "list the domains", .verb = "domain.list", .empty_z = "no domains; see: martlet help domain add" },

	{ .name = "queue list", .usage = "[ID]", .options = pick_options, .run = cli_admin,
	  .help = "list the recipients elsewhere that wait", .verb = "queue.list", .arg_names = { "qid" }, .empty_z = "nothing found that waits" },
	{ .name = "queue show", .usage = "ID", .options = admin_options, .run = cli_admin,
	  .help = "show what came of the attempts for one message", .verb = "queue.show", .arg_names = { "qid" }, .n_required = 1 },
	{ .name = "queue retry", .usage = "[ID]", .options = manage_options, .run = cli_admin,
	  .help = "try now, whatever came of it before", .verb = "queue.retry", .arg_names = { "qid" } },
	{ .name = "queue hold", .usage = "[ID]", .options = manage_options, .run = cli_admin,
	  .help = "try no more until it is released", .verb = "queue.hold", .arg_names = { "qid" } },
	{ .name = "queue release", .usage = "[ID]", .options = manage_options, .run = cli_admin,
	  .help = "let what is held go on", .verb = "queue.release", .arg_names = { "qid" } },
	{ .name = "queue remove", .usage = "[ID]", .options = remove_options, .run = cli_admin,
	  .help = "never send it; with --notify its sender is told", .verb = "queue.remove", .arg_names = { "qid" } },
	{ .name = "queue flush", .usage = "", .options = admin_options, .run = cli_admin,
	  .help = "try all that waits now", .verb = "queue.retry", .switch_z = "all" },
	{ .name = "message trace", .usage = "ID-or-ADDRESS", .options = admin_options, .run = cli_trace,
	  .help = "tell the story of a message, by its ids or an address",
	  .verb = "message.trace", .arg_names = { "what" }, .n_required = 1 },
	{ .name = "explain reply", .usage = "TEXT", .options = no_options, .run = cli_explain,
	  .help = "say in plain words what a quoted refusal means; what to do" },
	{ .name = "auth list", .usage = "", .options = admin_options, .run = cli_admin,
	  .help = "list the addresses and accounts with failed logins", .verb = "auth.list", .empty_z = "no failed logins" },
	{ .name = "auth forget", .usage = "NAME", .options = admin_options, .run = cli_admin,
	  .help = "forget the failed logins of a name in that list",
	  .verb = "auth.forget", .arg_names = { "name" }, .n_required = 1 },
	{ .name = "fsck", .usage = "", .options = fsck_options, .run = cli_admin,
	  .help = "check all mail against itself: rows, counters, bodies", .verb = "fsck" },
	{ .name = "backup", .usage = "DIR", .options = admin_options, .run = cli_backup,
	  .help = "copy all data to DIR, or bring an earlier copy up to date", .n_required = 1 },
	{ .name = "import", .usage = "ACCOUNT SOURCE", .options = import_options, .run = cli_import,
	  .help = "bring mail from a Maildir, mbox or imaps://USER@HOST", .n_required = 2 },
	{ .name = "export", .usage = "ACCOUNT DIR", .options = export_options, .run = cli_export,
	  .help = "write mail to DIR, or add what is new to an earlier export", .n_required = 2 },
	{ .name = "fetch", .usage = "", .options = fetch_options, .run = cli_fetch,
	  .help = "bring new mail from other servers here" },
	{ .name = "send", .usage = "", .options = send_options, .run = cli_send,
	  .help = "hand the message on standard input to a server" },
	{ .name = "sendmail", .usage = "[-t] [-i] [-f ADDRESS] [-F NAME] [RECIPIENT...]", .options = sendmail_options,
	  .run_words = cli_sendmail, .help = "hand in a message as sendmail(1) does; also by that name" },
	{ .name = "compact", .usage = "", .options = admin_options, .run = cli_admin,
	  .help = "give the space of expunged mail back now", .verb = "compact" },
	{ .name = "status", .usage = "", .options = admin_options, .run = cli_admin,
	  .help = "the running server: connections, logins, disk, sandbox", .verb = "status" },

	{ .name = "check mx", .usage = "DOMAIN", .options = check_options, .run = cli_check,
	  .help = "tell where mail for a domain would go, without sending any", .n_required = 1 },
	{ .name = "check domain", .usage = "DOMAIN", .options = check_domain_options, .run = cli_check_domain,
	  .help = "tell what is wrong with what a domain publishes", .n_required = 1 },
	{ .name = "check", .usage = "ADDRESS-or-HOST", .options = doctor_options, .run = cli_doctor,
	  .help = "tell why it does not connect, and what to set", .n_required = 1 },

	{ .name = "quickstart", .usage = "ADDRESS", .options = quickstart_options, .run = cli_quickstart,
	  .help = "set up a server: settings, keys, account, records", .n_required = 1 },
	{ .name = "dns", .usage = "DOMAIN", .options = dns_options, .run = cli_dns,
	  .help = "print the records that a domain publishes for this server" },

	{ .name = "config show", .usage = "", .options = show_options, .run = cli_config,
	  .help = "print the settings in force" },
	{ .name = "config explain", .usage = "SECTION[.KEY]", .options = no_options, .run = cli_config,
	  .help = "explain one setting, or all of a section" },
	{ .name = "config check", .usage = "", .options = config_options, .run = cli_config,
	  .help = "check a settings file" },
	{ .name = "version", .usage = "", .options = no_options, .run = cli_version,
	  .help = "print the version" },
};
const size_t cli_n_commands = ARRAY_LEN(cli_commands);
