# SPDX-License-Identifier: MIT
# RFC 9051 6.4.4, RFC 3501 6.4.4: the search keys
A connect imap as bob
A > 1 APPEND INBOX (\Seen) "05-Jan-2026 08:09:10 +0000" {$size.simple.eml+}
A bytes simple.eml
A >
A < 1 OK
A > 2 APPEND INBOX (\Flagged $Work) "06-Jan-2026 23:59:59 +0000" {$size.multipart.eml+}
A bytes multipart.eml
A >
A < 2 OK
A > 3 APPEND INBOX (\Deleted \Answered \Draft) "07-Jan-2026 00:00:00 +0000" {$size.odd-headers.eml+}
A bytes odd-headers.eml
A >
A < 3 OK
A > 4 APPEND INBOX "08-Jan-2026 00:00:00 +0000" {$size.8bit.eml+}
A bytes 8bit.eml
A >
A < 4 OK
A > s SELECT INBOX
A <... s OK
A > k0 SEARCH ALL
A <= * SEARCH 1 2 3 4
A < k0 OK
A > k1 SEARCH SEEN
A <= * SEARCH 1
A < k1 OK
A > k2 SEARCH UNSEEN
A <= * SEARCH 2 3 4
A < k2 OK
A > k3 SEARCH FLAGGED
A <= * SEARCH 2
A < k3 OK
A > k4 SEARCH UNFLAGGED
A <= * SEARCH 1 3 4
A < k4 OK
A > k5 SEARCH DELETED
A <= * SEARCH 3
A < k5 OK
A > k6 SEARCH UNDELETED
A <= * SEARCH 1 2 4
A < k6 OK
A > k7 SEARCH ANSWERED
A <= * SEARCH 3
A < k7 OK
A > k8 SEARCH UNANSWERED
A <= * SEARCH 1 2 4
A < k8 OK
A > k9 SEARCH DRAFT
A <= * SEARCH 3
A < k9 OK
A > k10 SEARCH UNDRAFT
A <= * SEARCH 1 2 4
A < k10 OK
A > k11 SEARCH KEYWORD $Work
A <= * SEARCH 2
A < k11 OK
A > k12 SEARCH UNKEYWORD $Work
A <= * SEARCH 1 3 4
A < k12 OK
A > k13 SEARCH KEYWORD other
A <= * SEARCH
A < k13 OK
A > k14 SEARCH RECENT
A <= * SEARCH 1 2 3 4
A < k14 OK
A > k15 SEARCH NEW
A <= * SEARCH 2 3 4
A < k15 OK
A > k16 SEARCH OLD
A <= * SEARCH
A < k16 OK
A > k17 SEARCH 2:3
A <= * SEARCH 2 3
A < k17 OK
A > k18 SEARCH *
A <= * SEARCH 4
A < k18 OK
A > k19 SEARCH 4:2
A <= * SEARCH 2 3 4
A < k19 OK
A > k20 SEARCH UID 1,3
A <= * SEARCH 1 3
A < k20 OK
A > k21 SEARCH UID 4:*
A <= * SEARCH 4
A < k21 OK
A > k22 SEARCH BEFORE 06-Jan-2026
A <= * SEARCH 1
A < k22 OK
A > k23 SEARCH ON 6-Jan-2026
A <= * SEARCH 2
A < k23 OK
A > k24 SEARCH SINCE 07-Jan-2026
A <= * SEARCH 3 4
A < k24 OK
A > k25 SEARCH SENTBEFORE 24-Nov-2026
A <= * SEARCH 1
A < k25 OK
A > k26 SEARCH SENTON 24-Nov-2026
A <= * SEARCH 2
A < k26 OK
A > k27 SEARCH SENTSINCE 25-Nov-2026
A <= * SEARCH 3 4
A < k27 OK
A > k28 SEARCH LARGER 1200
A <= * SEARCH 2 3
A < k28 OK
A > k29 SEARCH SMALLER 400
A <= * SEARCH 1 4
A < k29 OK
A > k30 SEARCH FROM alice
A <= * SEARCH 1
A < k30 OK
A > k31 SEARCH FROM OFFICE
A <= * SEARCH 2
A < k31 OK
A > k32 SEARCH TO bob@example.test
A <= * SEARCH 1 2 4
A < k32 OK
A > k33 SEARCH CC two@
A <= * SEARCH 2
A < k33 OK
A > k34 SEARCH BCC x
A <= * SEARCH
A < k34 OK
A > k35 SEARCH SUBJECT "simple message"
A <= * SEARCH 1
A < k35 OK
A > k36 SEARCH SUBJECT SIMPLE
A <= * SEARCH 1
A < k36 OK
A > k37 SEARCH HEADER Message-ID multi-1
A <= * SEARCH 2
A < k37 OK
A > k38 SEARCH HEADER X-Empty ""
A <= * SEARCH 3
A < k38 OK
A > k39 SEARCH HEADER X-Missing x
A <= * SEARCH
A < k39 OK
A > k40 SEARCH HEADER Subject "folded at once and again"
A <= * SEARCH 3
A < k40 OK
A > k41 SEARCH BODY dot
A <= * SEARCH 1
A < k41 OK
A > k42 SEARCH TEXT "Hello Bob"
A <= * SEARCH 1
A < k42 OK
A > k43 SEARCH TEXT office@example
A <= * SEARCH 2
A < k43 OK
A > k44 SEARCH BODY office@example
A <= * SEARCH
A < k44 OK
A > k45 SEARCH NOT SEEN
A <= * SEARCH 2 3 4
A < k45 OK
A > k46 SEARCH OR SEEN FLAGGED
A <= * SEARCH 1 2
A < k46 OK
A > k47 SEARCH OR (SEEN FROM alice) NOT (1:3)
A <= * SEARCH 1 4
A < k47 OK
A > k48 SEARCH (SEEN) (1)
A <= * SEARCH 1
A < k48 OK
A > k49 SEARCH SEEN FLAGGED
A <= * SEARCH
A < k49 OK
A > k50 SEARCH NOT NOT SEEN
A <= * SEARCH 1
A < k50 OK
A > k51 SEARCH UNSEEN SINCE 1-Jan-2026 NOT FROM zoe
A <= * SEARCH 2 3
A < k51 OK
A > b0 SEARCH
A < b0 BAD
A > b1 SEARCH FROBNICATE
A < b1 BAD
A > b2 SEARCH SINCE yesterday
A < b2 BAD
A > b3 SEARCH OR SEEN
A < b3 BAD
A > b4 SEARCH (SEEN
A < b4 BAD
A > b5 SEARCH LARGER x
A < b5 BAD
A > b6 SEARCH ()
A < b6 BAD
A > b7 SEARCH NOT
A < b7 BAD
A > u UID SEARCH UNSEEN
A <= * SEARCH 2 3 4
A < u OK
