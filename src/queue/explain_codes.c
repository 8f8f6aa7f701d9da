/* SPDX-License-Identifier: MIT */
/*
 * What the enhanced codes mean (RFC 3463, and those registered since: RFC 5248, RFC 7372, RFC 7505, RFC 4954), and the codes alone where
 * there is no other (RFC 5321 4.2.3).
 */
#include "queue/explain_int.h"

#include "base/mem.h"

#define ASK_THEM "Ask the recipient, by another way, to have their postmaster look into it."
#define ASK_US "Tell your own postmaster, with this message: it is for your mail system to mend."
#define ADDRESS "Check the address for typing mistakes, and ask the recipient for the right one."
#define WAIT "Nothing: it is tried again. Send it again later if it came back."

const struct explain_row explain_codes[] = {
	{ "1.1", "", 0, { "", "There is no mailbox with that address.", ADDRESS, "" } },
	{ "1.2", "", 0, { "", "The part of the address behind the @ names no system that takes mail.", ADDRESS, "If it does exist, look at its MX and address records from here." } },
	{ "1.3", "", 0, { "", "The address is not written as an address has to be.", ADDRESS, "" } },
	{ "1.4", "", 0, { "", "The address fits more than one recipient there.", ADDRESS, "" } },
	{ "1.6", "", 0, { "", "The recipient has moved and left no new address.", ADDRESS, "" } },
	{ "1.7", "", 0, { "", "The sender's address is not one that the other side accepts.", "Check your own address in the settings of your mail program.", "Look at the reverse-path that was sent." } },
	{ "1.8", "", 0, { "", "The domain of the sender's address does not exist, or takes no mail.", ASK_US, "The sender's domain needs an MX or address record that others can look up." } },
	{ "1.9", "", 0, { "", "The message was passed on to a system that gives no notices.", "Nothing; ask the recipient if you need to be sure.", "" } },
	{ "1.10", "", 0, { "", "The recipient's domain says that it takes no mail at all (null MX).", ADDRESS, "" } },
	{ "2.1", "", 0, { "", "The mailbox is there but takes no mail, because it was disabled or closed.", "Reach the recipient by another way and ask for another address.", "" } },
	{ "2.2", "", 0, { "", "The recipient's mailbox is full.", "Ask the recipient by another way to make room, and send it again.", "" } },
	{ "2.3", "", 0, { "", "The message is longer than this recipient may receive.", "Send it again with smaller or without attachments, or share them by a link.", "" } },
	{ "2.4", "", 0, { "", "A mailing list there could not be resolved into its members.", ASK_THEM, "" } },
	{ "3.1", "", 0, { "", "The other mail system has no room left.", WAIT, "" } },
	{ "3.2", "", 0, { "", "The other mail system takes no mail at the moment.", WAIT, "" } },
	{ "3.3", "", 0, { "", "The other mail system cannot do something that the message needs.", "Send it in a simpler form: plain text, without special characters in addresses.", "" } },
	{ "3.4", "", 0, { "", "The message is longer than the other mail system takes.", "Send it again with smaller or without attachments, or share them by a link.", "" } },
	{ "3.5", "", 0, { "", "The other mail system is not set up rightly.", ASK_THEM, "" } },
	{ "4.1", "", 0, { "", "The other mail server does not answer.", WAIT, "If it goes on: is port 25 outward open, and are their addresses reachable?" } },
	{ "4.2", "", 0, { "", "The connection to the other mail server broke off.", WAIT, "If it is always at the same point, look for a firewall, or for a path that drops large packets." } },
	{ "4.3", "", 0, { "", "A directory that is needed to find the way did not answer.", WAIT, "Look at the DNS resolver that this host uses." } },
	{ "4.4", "", 0, { "", "There is no way to the recipient's domain.", ADDRESS, "Look at the MX records of the domain." } },
	{ "4.5", "", 0, { "", "The other mail system has too much to do.", WAIT, "" } },
	{ "4.6", "", 0, { "", "The message went in a circle between mail systems.", ASK_US, "Look at forwardings and at MX records that point to each other or to this host." } },
	{ "4.7", "", 0, { "", "The message was tried until its time was over.", "Check the address; if it is right, reach the recipient by another way.", "The trace of the message has each attempt and its reason." } },
	{ "5.1", "", 0, { "", "The other mail server did not know a command.", ASK_US, "" } },
	{ "5.2", "", 0, { "", "The other mail server did not understand what was sent to it.", ASK_US, "" } },
	{ "5.3", "", 0, { "", "There are more recipients than are taken at once.", "Send it to fewer recipients at a time.", "" } },
	{ "5.4", "", 0, { "", "The other mail server did not accept a parameter.", ASK_US, "" } },
	{ "6.1", "", 0, { "", "The other side does not take this kind of content.", "Send it in another format, or share it by a link.", "" } },
	{ "6.2", "", 0, { "", "The message would have to be converted, which is not allowed.", "Send it as plain text.", "" } },
	{ "6.3", "", 0, { "", "The message holds 8-bit characters, which the other side does not take, and cannot be converted, maybe because it is signed.",
			  "Send it unsigned, or as plain text.", "" } },
	{ "6.5", "", 0, { "", "Converting the message failed.", "Send it as plain text.", "" } },
	{ "6.7", "", 0, { "", "An address has other characters than ASCII, which the other side does not take.", "Use an address of the recipient in plain letters.", "" } },
	{ "6.9", "", 0, { "", "A header has other characters than ASCII, which the other side does not take.", "Use addresses in plain letters, for yourself as well.", "" } },
	{ "7.1", "", 0, { "", "The other side does not want this message: a rule there refuses it.", "Ask the recipient, by another way, to let your address through.", "Their text says which rule; often it is the reputation of this host, or SPF, DKIM or DMARC of the sender's domain." } },
	{ "7.2", "", 0, { "", "You may not write to that mailing list.", "Ask the owner of the list to let you.", "" } },
	{ "7.4", "", 0, { "", "The other side cannot do the security that was asked for.", ASK_US, "" } },
	{ "7.5", "", 0, { "", "The encryption of the connection failed.", WAIT, "Compare the TLS versions and certificates of both sides." } },
	{ "7.7", "", 0, { "", "The message was changed on its way.", "Send it again.", "" } },
	{ "7.8", "", 0, { "", "The name or password with which this host logs in there is wrong.", ASK_US, "Check the user and password of the route or relay host." } },
	{ "7.10", "", 0, { "", "The other side wants an encrypted connection.", ASK_US, "Set the TLS of the route to encrypt." } },
	{ "7.20", "", 0, { "", "The message has no DKIM signature that passes.", ASK_US, "Sign with DKIM, and publish the key." } },
	{ "7.21", "", 0, { "", "The message has no DKIM signature that the other side accepts.", ASK_US, "Sign with DKIM for the domain of From, and publish the key." } },
	{ "7.22", "", 0, { "", "The DKIM signature is not of the author's domain.", ASK_US, "Sign with the domain of the From header." } },
	{ "7.23", "", 0, { "", "This host may not send for the sender's domain: SPF fails.", ASK_US, "Add this host to the SPF record of the sender's domain." } },
	{ "7.24", "", 0, { "", "The SPF record of the sender's domain could not be evaluated.", ASK_US, "Mend the SPF record: at most 10 look-ups, no mistakes of syntax." } },
	{ "7.25", "", 0, { "", "The address of this host has no name, or one that does not lead back to it.", ASK_US, "Have the provider of the address set its PTR record to this host's name, and that name lead to the address." } },
	{ "7.26", "", 0, { "", "Neither SPF nor DKIM shows that the message is from its sender.", ASK_US, "Publish an SPF record with this host, and sign with DKIM." } },
	{ "7.27", "", 0, { "", "The sender's domain says that it takes no mail (null MX), so its mail is not taken either.", ASK_US, "Remove the null MX of the sender's domain, or use another sender." } },
	{ "7.28", "", 0, { "", "Too much mail of this kind came at once.", WAIT, "Send more slowly." } },
	{ "", "", 421, { "", "The other mail server is too busy, or closes, for now.", WAIT, "" } },
	{ "", "", 450, { "", "The mailbox cannot be used for now; often it is a first refusal of unknown hosts (greylisting).", WAIT, "" } },
	{ "", "", 451, { "", "The other mail server has trouble of its own for now.", WAIT, "" } },
	{ "", "", 452, { "", "The other side has no room for now.", WAIT, "" } },
	{ "", "", 521, { "", "The other host takes no mail at all.", ADDRESS, "" } },
	{ "", "", 530, { "", "The other side wants encryption or a login first.", ASK_US, "Is it a relay that asks for a user and password?" } },
	{ "", "", 535, { "", "The name or password with which this host logs in there is wrong.", ASK_US, "Check the user and password of the route or relay host." } },
	{ "", "", 550, { "", "The mailbox does not exist, or a rule of the other side refuses the message.", "Check the address; what the other server said tells which it is.", "" } },
	{ "", "", 551, { "", "The recipient is not there; maybe the text says where.", ADDRESS, "" } },
	{ "", "", 552, { "", "The message is too long, or the mailbox full.", "Send it again with smaller attachments, or ask the recipient to make room.", "" } },
	{ "", "", 553, { "", "An address is not one that the other side takes.", ADDRESS, "" } },
	{ "", "", 554, { "", "The other side refuses the message, or mail from this host.", "What the other server said tells why; your postmaster can help.", "" } },
	{ "", "", 2, { "", "The other side took the message.", "Nothing.", "" } },
	{ "", "", 4, { "", "A refusal for now.", WAIT, "" } },
	{ "", "", 5, { "", "A refusal for good.", "What the other server said tells why; your postmaster can help.", "" } },
	{ "", "", 0, { "", "Nothing is known about this reply.", "What was said tells why; your postmaster can help.", "" } },
};
const size_t explain_n_codes = ARRAY_LEN(explain_codes);
