# SPDX-License-Identifier: MIT
# RFC 6409 6.1: the sender address must belong to who is logged in: its own, an alias of it, or either with +tag
cli domain add example.net
cli alias add sales@example.net alice@example.test
cli alias add info@example.net bob@example.test
S connect submission as alice
S > MAIL FROM:<bob@example.test>
S < 553 5.7.1
S > MAIL FROM:<alice@elsewhere.example>
S < 553 5.7.1
S > MAIL FROM:<info@example.net>
S < 553 5.7.1
S > MAIL FROM:<alice@example.test>
S < 250
S > RSET
S < 250
S > MAIL FROM:<ALICE@EXAMPLE.TEST>
S < 250
S > RSET
S < 250
S > MAIL FROM:<alice+shop@example.test>
S < 250
S > RSET
S < 250
S > MAIL FROM:<sales@example.net>
S < 250
S > RSET
S < 250
# notifications have no sender
S > MAIL FROM:<>
S < 250
