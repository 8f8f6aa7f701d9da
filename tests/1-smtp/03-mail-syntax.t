# SPDX-License-Identifier: MIT
# RFC 5321 4.1.1.2, 4.1.2: forms of the reverse-path that are taken, and forms that are refused
S connect smtp hello
S > MAIL FROM:<>
S < 250 2.1.0
S > RSET
S < 250 2.0.0
S > mail from:<carol@example.org>
S < 250
S > RSET
S < 250
S > MAIL FROM:<"carol brown"@example.org>
S < 250
S > RSET
S < 250
S > MAIL FROM:<carol@[192.0.2.1]>
S < 250
S > RSET
S < 250
# Appendix C: a source route is read and ignored
S > MAIL FROM:<@relay.example,@other.example:carol@example.org>
S < 250
S > RSET
S < 250
S > MAIL FROM:<carol!host%x+tag_/=?^`{|}~-#$&'*@example.org>
S < 250
S > RSET
S < 250
S > MAIL
S < 501 5.5.
S > MAIL FROM
S < 501 5.5.
S > MAIL FROM:
S < 501 5
S > MAIL TO:<carol@example.org>
S < 501 5
S > MAIL FROM:<carol@example.org
S < 501 5
S > MAIL FROM:<carol@@example.org>
S < 501 5
S > MAIL FROM:<carol..brown@example.org>
S < 501 5
S > MAIL FROM:<carol@exa mple.org>
S < 501 5
S > MAIL FROM:<carol@-example.org->
S < 5
S > MAIL FROM:<@>
S < 501 5
S > MAIL FROM:<carol@example.org> SIZE=
S < 501 5
S > MAIL FROM:<carol@example.org> BODY=9BIT
S < 501 5
# 4.1.1.11: 555 for a parameter that is not known
S > MAIL FROM:<carol@example.org> FROBNICATE=1
S < 555 5.5.4
S > NOOP
S < 250
