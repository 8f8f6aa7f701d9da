# SPDX-License-Identifier: MIT
# Aliases: several accounts, catch-all, removal of one account or of the whole; domains in use stay
cli domain add example.net
cli alias add team@example.net alice@example.test
cli alias add team@example.net bob@example.test
cli!4 alias add team@example.net bob@example.test
cli!4 alias add alice@example.test bob@example.test
cli!4 account add team@example.net < demo
cli alias add @example.net bob@example.test
cli!3 alias add x@example.com bob@example.test
cli alias list
out team@example.net *alice@example.test
out team@example.net *bob@example.test
out @example.net *bob@example.test
cli!1 domain remove example.net
cli alias remove team@example.net alice@example.test
cli alias list
out! *alice@example.test
out team@example.net *bob@example.test
cli alias remove team@example.net
cli alias remove @example.net
cli domain remove example.net
cli alias list
out! *example.net*
# addresses elsewhere, and nowhere; local ones have to be accounts
cli alias add far@example.test Bob.B@Example.NET
cli alias add far@example.test /null
cli!4 alias add far@example.test Bob.B@example.net
cli!3 alias add far@example.test nobody@example.test
cli!2 alias add far@example.test "b b"@example.net
cli!2 alias add far@example.test /dev/null
cli alias list
out far@example.test *Bob.B@example.net
out far@example.test */null
cli!5 domain add example.net
cli alias remove far@example.test Bob.B@example.net
cli domain add example.net
cli domain remove example.net
cli!3 alias remove far@example.test Bob.B@example.net
cli alias remove far@example.test
# an account takes its aliases along
cli alias add b@example.test bob@example.test
cli account remove bob@example.test
cli alias list
out! *bob@example.test*
