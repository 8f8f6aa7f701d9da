# SPDX-License-Identifier: MIT
# RFC 5257: annotations of messages, with the examples of the RFC
repeat 3 deliver simple.eml alice
A connect imap as alice
# 4.1, 4.2
A > a SELECT INBOX (ANNOTATE)
A <all a OK [READ-WRITE]
out * OK [ANNOTATIONS 65536]*
A > a EXAMINE INBOX (ANNOTATE)
A <all a OK [READ-ONLY]
out * OK [ANNOTATIONS READ-ONLY]*
A > a STORE 1 ANNOTATION (/comment (value.priv "x"))
A < a NO [NOPERM]
A > a SELECT INBOX
A <... a OK
# 4.5
A > a STORE 1 ANNOTATION (/comment (value.priv "My new comment"))
A < a OK
A > a STORE 1 ANNOTATION (/comment (value.shared NIL))
A < a OK
A > a STORE 1 ANNOTATION (/comment (value.priv "Get tix Tuesday") /altsubject (value.priv "Wots On"))
A < a OK
A > a STORE 1 ANNOTATION (/comment (value.priv "My new comment" value.shared "foo's bar"))
A < a OK
A > a FETCH 1 (ANNOTATION (/comment value))
A <= * 1 FETCH (ANNOTATION (/comment (value.priv "My new comment" value.shared "foo's bar")))
A < a OK
# 4.3
A > a STORE 2 ANNOTATION (/comment (value.priv "My comment") /altsubject (value.priv "Rhinoceroses!") /vendor/foobar/label.priv (value.priv "label43") /vendor/foobar/personality (value.priv "Tallulah Bankhead"))
A <... a OK
A > a UID FETCH 2 (UID ANNOTATION (/* (value.priv size.priv)))
A <= * 2 FETCH (UID 2 ANNOTATION (/altsubject (value.priv "Rhinoceroses!" size.priv "13") /comment (value.priv "My comment" size.priv "10") /vendor/foobar/label.priv (value.priv "label43" size.priv "7") /vendor/foobar/personality (value.priv "Tallulah Bankhead" size.priv "17")))
A < a OK
A > a STORE 3 ANNOTATION (/comment (value.shared "Patch Mangler") /altsubject (value.shared "Patches?  We don't need no steenkin patches!") /1/comment (value.shared "x"))
A <... a OK
A > a FETCH 3 (ANNOTATION (/% value.shared))
A <= * 3 FETCH (ANNOTATION (/altsubject (value.shared "Patches?  We don't need no steenkin patches!") /comment (value.shared "Patch Mangler")))
A < a OK
A > a FETCH 2 (ANNOTATION ((/comment /altsubject) value.priv))
A <= * 2 FETCH (ANNOTATION (/comment (value.priv "My comment") /altsubject (value.priv "Rhinoceroses!")))
A < a OK
# 4.4
A > a FETCH 2 (ANNOTATION (/comment value))
A <= * 2 FETCH (ANNOTATION (/comment (value.priv "My comment" value.shared NIL)))
A < a OK
A > a FETCH 2 (ANNOTATION ((/comment /altsubject) value))
A <= * 2 FETCH (ANNOTATION (/comment (value.priv "My comment" value.shared NIL) /altsubject (value.priv "Rhinoceroses!" value.shared NIL)))
A < a OK
A > a FETCH 2 (ANNOTATION (/comment (value size)))
A <= * 2 FETCH (ANNOTATION (/comment (value.priv "My comment" value.shared NIL size.priv "10" size.shared "0")))
A < a OK
# an entry that is not there; each is told once; nothing that matches: no such item
A > a FETCH 1:2 (FLAGS ANNOTATION (/nothing value.shared))
A <= * 1 FETCH (FLAGS () ANNOTATION (/nothing (value.shared NIL)))
A <= * 2 FETCH (FLAGS () ANNOTATION (/nothing (value.shared NIL)))
A < a OK
A > a FETCH 1 ANNOTATION ((/c% /comment /*) (value.priv value.priv))
A <= * 1 FETCH (ANNOTATION (/comment (value.priv "My new comment") /altsubject (value.priv "Wots On")))
A < a OK
A > a FETCH 2 (ANNOTATION (/* value.shared))
A <= * 2 FETCH (UID 2)
A < a OK
A > a FETCH 2 (RFC822.SIZE ANNOTATION (/* value.shared))
A < * 2 FETCH (RFC822.SIZE *)
A < a OK
# names are told apart by case
A > a STORE 2 ANNOTATION (/Comment (value.priv "upper"))
A <... a OK
A > a FETCH 2 (ANNOTATION ((/comment /Comment) value.priv))
A <= * 2 FETCH (ANNOTATION (/comment (value.priv "My comment") /Comment (value.priv "upper")))
A < a OK
# any octets; an empty value is one
A >> a STORE 2 ANNOTATION (/vendor/x/bin (value.priv ~{3+}\r\na\0b) /vendor/x/lines (value.priv {4+}\r\na\r\nb) /vendor/x/none (value.priv ""))\r\n
A <... a OK
A > a FETCH 2 (ANNOTATION (/vendor/x/* (value.priv size.priv)))
A <= * 2 FETCH (ANNOTATION (/vendor/x/bin (value.priv ~{3}
A <bytes 3
A <=  size.priv "3") /vendor/x/lines (value.priv {4}
A <bytes 4
A <=  size.priv "4") /vendor/x/none (value.priv "" size.priv "0")))
A < a OK
# 3.2.1: parts that are there
A > a STORE 2 ANNOTATION (/1/flags/seen (value.priv "1") /1/comment (value.priv "text"))
A <... a OK
A > a STORE 2 ANNOTATION (/2/comment (value.priv "text") /comment (value.priv "never"))
A < a BAD a message has no such part
A > a FETCH 1:2 (ANNOTATION ((/comment /2/comment) value.priv))
A <= * 1 FETCH (ANNOTATION (/comment (value.priv "My new comment") /2/comment (value.priv NIL)))
A <= * 2 FETCH (ANNOTATION (/comment (value.priv "My comment") /2/comment (value.priv NIL)))
A < a BAD a message has no such part
# all of them are gone
A > a STORE 1 ANNOTATION (/comment (value.priv NIL value.shared NIL) /altsubject (value.priv NIL))
A <... a OK
A > a FETCH 1 (ANNOTATION (* (value size)))
A <= * 1 FETCH (UID 1)
A < a OK
