# SPDX-License-Identifier: MIT
# explain reply: refusals of other servers in plain words (RFC 3463; known texts are in src/queue/explain_test.c)
martlet explain reply 550-5.7.26
out meaning: Neither SPF nor DKIM shows that the message is from its sender.
out sender: Tell your own postmaster*
out administrator: Publish an SPF record*
martlet explain reply 421-4.7.0-[TSS04]
out from: Yahoo
martlet explain reply 452-4.2.2 --json
out {"meaning":"The recipient's mailbox is full.","sender":"Ask the recipient by another way to make room, and send it again."}
martlet!2 explain reply
