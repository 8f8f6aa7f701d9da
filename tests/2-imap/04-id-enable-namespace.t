# SPDX-License-Identifier: MIT
# RFC 5161 3.1, RFC 9051 6.1.2, 6.3.1, 6.3.12, RFC 2971 3, RFC 2342 5: NOOP, ENABLE, NAMESPACE, ID
A connect imap
A < * OK
A > a ID NIL
A < * ID (
A < a OK
A > b ID ("name" "test" "version" NIL)
A < * ID (*"name" *
A < b OK
A > c NAMESPACE
A < c BAD
A > d ENABLE IMAP4rev2
A < d BAD
A > e LOGIN bob@example.test demo
A < e OK
A > f NAMESPACE
A <= * NAMESPACE (("" "/")) (("Other Users/" "/")) NIL
A < f OK
A > g ENABLE CONDSTORE X-NOT-KNOWN
A <= * ENABLED CONDSTORE
A < g OK
A > h ENABLE IMAP4rev2
A <= * ENABLED IMAP4rev2
A < h OK
A > i ENABLE X-NOT-KNOWN
A < * ENABLED
A < i OK
A > j ENABLE
A < j BAD
A > k NOOP
A < k OK
A > l ID ("odd")
A < l BAD
