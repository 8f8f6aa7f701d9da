# SPDX-License-Identifier: MIT
# RFC 5255 3: LANGUAGE in all states, with the examples of 3.2; texts change, codes and data do not
set imap language = fr
A connect imap
A < * OK [CAPABILITY * LANGUAGE *] *
A > A001 LANGUAGE
A <= * LANGUAGE (en de fr i-default)
A < A001 OK
A > A002 LANGUAGE MUL
A <= A002 NO [CANNOT] that language is not supported
A > C001 LANGUAGE DE
A <= * LANGUAGE (de)
A <= C001 OK die Sprache ist gewechselt
A > C002 LOGIN bob@example.test wrong
A <= C002 NO [AUTHENTICATIONFAILED] die Anmeldung ist gescheitert
A > C003 LOGIN bob@example.test demo
A < C003 OK [CAPABILITY *] angemeldet
A > D001 LANGUAGE ES
A <= D001 NO [CANNOT] diese Sprache wird nicht unterstützt
A > D002 LANGUAGE DE-IT
A <= * LANGUAGE (de)
A < D002 OK die Sprache
A > a SELECT INBOX
A <... * OK [UIDNEXT 1] die nächste UID
A <... a OK [READ-WRITE] SELECT ausgeführt
A > b APPEND INBOX {1}
A <= + weiter
A > x
A <... b OK [APPENDUID * 1] APPEND ausgeführt
A > c CREATE INBOX
A <= c NO [ALREADYEXISTS] das gibt es schon
A > d IDLE
A <= + es wird gewartet
A > DONE
A < d OK IDLE ausgeführt
A > e FOO
A <= e BAD unbekannter Befehl
A > D003 LANGUAGE "default"
A <= * LANGUAGE (fr)
A <= D003 OK la langue est changée
A > E001 LANGUAGE ES-MX EN-CA DE
A <= * LANGUAGE (en)
A <= E001 OK language changed
A > f LANGUAGE de--at
A < f BAD
A > g LANGUAGE "de" fr_FR
A < g BAD
A > h NOOP
A <= h OK NOOP completed
A > i LANGUAGE "*"
A <= * LANGUAGE (i-default)
A < i OK
A > j LANGUAGE de i-default
A < * LANGUAGE (de)
A < j OK
# RFC 8437 4.1: a new user is spoken to in i-default
A > k UNAUTHENTICATE
A <= k OK UNAUTHENTICATE completed
A > l LANGUAGE fr
A < * LANGUAGE (fr)
A < l OK
A > m LOGOUT
A <= * BYE au revoir
A <= m OK LOGOUT terminé
A eof
# RFC 5255 3.1, 7: what was agreed before TLS does not count
B connect imap
B < * OK
B > a LANGUAGE de
B < * LANGUAGE (de)
B < a OK
B > b STARTTLS
B <= b OK TLS beginnt jetzt
B starttls
B > c NOOP
B <= c OK NOOP completed
