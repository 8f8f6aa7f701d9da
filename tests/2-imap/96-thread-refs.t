# SPDX-License-Identifier: MIT
# THREAD=REFS (draft-ietf-morg-inthread): references alone make threads; the one with the latest arrival is the last
A connect imap as bob in INBOX
A > a CAPABILITY
A < * CAPABILITY * THREAD=REFERENCES THREAD=REFS
A < a OK
A > a1 THREAD REFS UTF-8 ALL
A <= * THREAD
A < a1 OK
A >> m1 APPEND INBOX " 1-Nov-2020 12:00:00 +0000" {37+}\r\nSubject: apple\r\nMessage-ID: <1@x>\r\n\r\n\r\n
A <all m1 OK
A >> m2 APPEND INBOX " 2-Nov-2020 12:00:00 +0000" {37+}\r\nSubject: apple\r\nMessage-ID: <2@x>\r\n\r\n\r\n
A <all m2 OK
A >> m3 APPEND INBOX " 3-Nov-2020 12:00:00 +0000" {60+}\r\nSubject: Re: apple\r\nMessage-ID: <3@x>\r\nReferences: <1@x>\r\n\r\n\r\n
A <all m3 OK
# two answers to what is not here, before all others
A >> m4 APPEND INBOX "31-Oct-2020 12:00:00 +0000" {43+}\r\nMessage-ID: <4@x>\r\nReferences: <gone@x>\r\n\r\n\r\n
A <all m4 OK
A >> m5 APPEND INBOX "31-Oct-2020 12:00:00 +0000" {43+}\r\nMessage-ID: <5@x>\r\nReferences: <gone@x>\r\n\r\n\r\n
A <all m5 OK
A > b THREAD REFERENCES UTF-8 ALL
A <= * THREAD ((4)(5))((1 3)(2))
A < b OK
A > b1 THREAD REFS UTF-8 ALL
A <= * THREAD ((4)(5))(2)(1 3)
A < b1 OK
# mail to an old thread makes it the last; of the same second the higher number is later
A >> m6 APPEND INBOX " 3-Nov-2020 12:00:00 +0000" {42+}\r\nMessage-ID: <6@x>\r\nReferences: <4@x>\r\n\r\n\r\n\r\n
A <all m6 OK
A > c UID THREAD REFS UTF-8 ALL
A <= * THREAD (2)(1 3)((4 6)(5))
A < c OK
# of the messages that are asked for
A > d THREAD REFS UTF-8 NOT 3 NOT 6
A <= * THREAD ((4)(5))(1)(2)
A < d OK
