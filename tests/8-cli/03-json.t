# SPDX-License-Identifier: MIT
# --json gives one line of JSON for scripts
deliver simple.eml bob
cli account list --json
out [{"address":"alice@example.test"*"messages":0*{"address":"bob@example.test"*"messages":1*}]
cli domain list --json
out [{*"example.test"*}]
cli alias list --json
out []
cli queue list --json
out []
cli account add carol@example.test --json < demo
out {"address":"carol@example.test"}
cli status --json
out {*"connections":*}
cli status
out connections: *
cli config check --json
out {"result":"*no mistakes","notes":[*]}
cli config show --json
out {"server":{"hostname":"localhost"*
cli!3 account remove nobody@example.test --json
out {"error":"NOT_FOUND"*
# arguments that cannot be split, too, and what is no command
cli!2 account list --frobnicate --json
out {"error":"USAGE","text":"account list: no option --frobnicate; see: martlet help account list"}*
martlet!2 frobnicate --json
out {"error":"USAGE","text":"no command frobnicate; see: martlet help"}
martlet!2 version --json x
out {"error":"USAGE","text":"version: one argument too many: x; see: martlet help version"}*
martlet!2 account lits --json
out {"error":"USAGE","text":"no command account lits; see: martlet help account"}*
martlet!2 queue list --json --to
out {"error":"USAGE","text":"queue list: a value must follow --to*
