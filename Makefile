# SPDX-License-Identifier: MIT
# Martlet. `make` builds build/martlet, `make run` starts a demo server, `make test` tests all.
#
#   make SAN=address,undefined    the same, instrumented, in build/san-address_undefined
#   make build/test/mime_test     one room's unit tests and only what they need
#
# Nothing is generated in the tree. A new room, file or test needs no line here: files are found
# by their names (x_test.c, x_fuzz.c), rooms by the table in ARCHITECTURE.md.

CC = gcc
SAN =
PREFIX = /usr/local
DESTDIR =
FUZZ_SECONDS = 30
CRASH_ROUNDS = 200
OUT_KILLS = 100
WORLD_MESSAGES = 10000
POWER_CUTS = 330
FAULT_ROUNDS = 45
ARGS =

comma := ,
percent := %
B := build$(if $(SAN),/san-$(subst $(comma),_,$(SAN)))

WARN := -Wall -Wextra -Werror -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes \
	-Wformat=2 -Wundef -Wcast-qual
HARDEN := -fPIE -fstack-protector-strong -fstack-clash-protection -fcf-protection \
	-ftrivial-auto-var-init=zero
LDHARDEN := -pie -Wl,-z,relro,-z,now,-z,noexecstack
DIALECT := -std=gnu17 -D_GNU_SOURCE -Isrc -include src/base/banned.h
ifeq ($(SAN),)
OPT := -O2 -g -D_FORTIFY_SOURCE=3
else
# A fuzz variant names `fuzzer` too: its objects are instrumented without libFuzzer's main().
SANFLAGS := -fsanitize=$(subst fuzzer,fuzzer-no-link,$(SAN)) -fno-sanitize-recover=all
OPT := -O1 -g -fno-omit-frame-pointer $(if $(findstring address,$(SAN)),-DARENA_EXACT=1)
endif
# clang 14 has zero-init only behind a switch of its own.
CLANGFLAGS := $(if $(findstring clang,$(CC)),-enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang)
CFLAGS_ALL := $(DIALECT) $(WARN) $(OPT) $(HARDEN) $(SANFLAGS) $(CLANGFLAGS) $(CFLAGS)
LDFLAGS_ALL := $(LDHARDEN) $(SANFLAGS) -Wl,--as-needed $(LDFLAGS)
LIBS := -lcjose -lssl -lcrypto -lsqlite3 -lgsasl -lcrypt -largon2 -linih -ljansson -lutf8proc -lidn2 -lz \
	-lseccomp -lpthread

PKG_BUILD := gcc make pkg-config libssl-dev libsqlite3-dev libgsasl-dev libcrypt-dev libargon2-dev libinih-dev \
	libjansson-dev libcjose-dev libcurl4-openssl-dev libutf8proc-dev libidn2-dev zlib1g-dev libseccomp-dev libunbound-dev libexpat1-dev
# To run: the authorities that certificates are checked by; what the demo's lines call.
PKG_RUN := ca-certificates curl
PKG_TEST := libcmocka-dev python3 openssl swaks libnet-ssleay-perl isync msmtp fetchmail \
	offlineimap3 mutt nsd ldnsutils python3-dkim
PKG_FUZZ := clang libclang-rt-14-dev

# --- files ---------------------------------------------------------------------------------------

SRC_TEST := $(wildcard src/*/*_test.c)
SRC_FUZZ := $(wildcard src/*/*_fuzz.c)
SRC := $(filter-out $(SRC_TEST) $(SRC_FUZZ) src/base/test_main.c src/base/fuzz_replay.c, \
	$(wildcard src/*/*.c))
objs = $(patsubst src/%.c,$(B)/obj/%.o,$(1))
rooms_of = $(sort $(foreach f,$(1),$(word 2,$(subst /, ,$(f)))))

# conf:base net:base net:conf ...: each room with all the rooms below it, from ARCHITECTURE.md.
BELOW := $(shell awk -F'|' '$$2 ~ /^ *[0-9]+ *$$/ { \
	gsub(/[` ]/, "", $$3); room = $$3; n = split($$5, word, " "); has = ""; \
	for (i = 1; i <= n; i++) { \
		if (word[i] == "all") has = seen; \
		if (word[i] in below) has = has " " word[i] " " below[word[i]] } \
	below[room] = has; seen = seen " " room; \
	n = split(has, word, " "); split("", once); \
	for (i = 1; i <= n; i++) if (!once[word[i]]++) print room ":" word[i] }' ARCHITECTURE.md)
with_below = $(1) $(patsubst $(1):%,%,$(filter $(1):%,$(BELOW)))
room_has_src = $(foreach r,$(1),$(if $(filter src/$(r)/%,$(SRC)),$(r)))
archives = $(patsubst %,$(B)/lib/%.a,$(call room_has_src,$(call with_below,$(1))))

UNIT := $(patsubst %,$(B)/test/%_test,$(call rooms_of,$(SRC_TEST)))
# src/conf/conf_fuzz.c is the target conf_conf, src/smtp/session_fuzz.c smtp_session.
fuzz_name = $(subst /,_,$(patsubst src/%_fuzz.c,%,$(1)))
REPLAY := $(foreach f,$(SRC_FUZZ),$(B)/test/$(call fuzz_name,$(f))_replay)
FUZZ := $(foreach f,$(SRC_FUZZ),$(B)/fuzz/$(call fuzz_name,$(f)))

# --- targets -------------------------------------------------------------------------------------

.PHONY: all run test test-full test-binaries deps test-deps bench fuzz fuzz-run lint format install uninstall clean
.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:

all: $(B)/martlet

# For a make inside a recipe: all processors, unless the caller chose.
PARALLEL = $(if $(findstring --jobserver,$(MAKEFLAGS)),,-j$(shell nproc))

run:
	@$(MAKE) --no-print-directory deps
	@$(MAKE) --no-print-directory $(PARALLEL) all
	@exec $(B)/martlet demo $(ARGS)

test:
	@$(MAKE) --no-print-directory test-deps
	@$(MAKE) --no-print-directory $(PARALLEL) all test-binaries
	@tools/run-tests $(B)

# Minutes instead of seconds: the server killed under load, and while mail goes out, power cuts, a
# failing disk, the time of failed logins measured over many, hostile peers, a minute of noise, a
# minute of 50 sessions in one mailbox, clients against a model, thousands of damaged messages, a minute of mail to peers that
# die while both processes are killed, three hosts in a small world.
test-full: test
	@tests/crash/run --martlet $(B)/martlet --rounds $(CRASH_ROUNDS)
	@tests/crash/out --martlet $(B)/martlet --kills $(OUT_KILLS)
	@tests/crash/power --martlet $(B)/martlet --cuts $(POWER_CUTS)
	@tests/crash/faults --martlet $(B)/martlet --rounds $(FAULT_ROUNDS)
	@SASL_TIMING_TRIES=300 $(B)/test/sasl_test 'same_time*'
	@QUEUE_MANY=100000 $(B)/test/queue_test 'many_dead*' 2> /dev/null
	@tests/hostile/run --martlet $(B)/martlet
	@NOISE_SECONDS=60 tests/run --martlet $(B)/martlet noise
	@RELAY_SECONDS=60 tests/run --martlet $(B)/martlet relay_storm
	@tests/stress/run --martlet $(B)/martlet --seconds 60
	@tests/model/run --martlet $(B)/martlet --seeds 4 --seconds 20
	@tests/damage/run --martlet $(B)/martlet --seeds 5000
	@tests/world/run --martlet $(B)/martlet --messages $(WORLD_MESSAGES)

test-binaries: $(UNIT) $(REPLAY) $(B)/test/disk.so

# The network is only asked when something is missing.
need = dpkg-query -W -f '$${Status}\n' $(1) 2>/dev/null | grep -c '^install ok installed' \
	| grep -qx $(words $(1)) || tools/packages $(1)
deps:
	@$(call need,$(PKG_BUILD) $(PKG_RUN))
test-deps:
	@$(call need,$(PKG_BUILD) $(PKG_RUN) $(PKG_TEST))

fuzz:
	@$(call need,$(PKG_BUILD) $(PKG_FUZZ))
	@$(MAKE) --no-print-directory $(PARALLEL) CC=clang SAN=fuzzer,address,undefined fuzz-run
fuzz-run: $(FUZZ)
	@for f in $(FUZZ); do tools/fuzz-one $$f $(FUZZ_SECONDS) || exit 1; done

# Beside Postfix and Dovecot on loopback; see bench/README.md. As root, for a namespace of their own.
bench:
	@$(MAKE) --no-print-directory test-deps
	@$(MAKE) --no-print-directory $(PARALLEL) all $(B)/bench
	@bench/compare $(B) $(ARGS)

# What the analyzers are wrong about stands in tools/analyze and .clang-tidy.
lint:
	tools/layers
	tools/headers
	tools/rfcref
	tools/sizes
	tools/docs
	@if command -v codespell >/dev/null; then codespell -q 3 -L statics,nin,te,iif,fo --skip '*_test.c,*/language.c' \
		src bench docs tools dist Makefile *.md; else echo "codespell: not installed, left out"; fi
	tools/analyze

format:
	clang-format -i $(wildcard src/*/*.c src/*/*.h bench/*.c bench/*.h)

install: all
	install -D -m 755 $(B)/martlet $(DESTDIR)$(PREFIX)/bin/martlet
	for page in $(wildcard docs/*.[1-8]); do install -D -m 644 $$page \
		$(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/} || exit 1; done
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system $(DESTDIR)$(PREFIX)/share/doc/martlet
	sed 's|@PREFIX@|$(PREFIX)|g' dist/martlet.service \
		>$(DESTDIR)$(PREFIX)/lib/systemd/system/martlet.service
	$(B)/martlet config show --sample >$(DESTDIR)$(PREFIX)/share/doc/martlet/martlet.conf.sample

# What `install` made, and nothing else. Settings and mail stay: README.md says where they are.
uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/martlet $(DESTDIR)$(PREFIX)/lib/systemd/system/martlet.service
	rm -f $(foreach page,$(wildcard docs/*.[1-8]),$(DESTDIR)$(PREFIX)/share/man/man$(subst .,,$(suffix $(page)))/$(notdir $(page)))
	rm -f $(DESTDIR)$(PREFIX)/share/doc/martlet/martlet.conf.sample
	[ ! -d $(DESTDIR)$(PREFIX)/share/doc/martlet ] || rmdir --ignore-fail-on-non-empty $(DESTDIR)$(PREFIX)/share/doc/martlet

clean:
	rm -rf build

# --- how files are made (V=1 shows the commands) -------------------------------------------------

say = $(if $(V),,@printf '%-5s %s\n' $(1) $(2); )

$(B)/obj/%.o: src/%.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# The kernel brings code into memory 64 KB at a time: rooms that mail goes through stand side by side, the others behind them.
MAIL_ROOMS := base mime db store queue smtp net send server sasl mailauth conf
$(B)/martlet: $(call objs,$(foreach r,$(MAIL_ROOMS),$(filter src/$(r)/%,$(SRC))) $(filter-out $(MAIL_ROOMS:%=src/%/%),$(SRC)))
	$(call say,LINK,$@)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

$(B)/obj/bench/%.o: bench/%.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(CFLAGS_ALL) -Ibench -MMD -MP -c -o $@ $<

BENCH_OBJS := $(patsubst bench/%.c,$(B)/obj/bench/%.o,$(wildcard bench/*.c))
$(B)/bench: $(BENCH_OBJS) $(B)/lib/base.a
	$(call say,LINK,$@)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

.SECONDEXPANSION:

$(B)/lib/%.a: $$(call objs,$$(filter src/%/$$(percent),$$(SRC)))
	@mkdir -p $(@D)
	@rm -f $@
	@ar rcs $@ $^

define link
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(CC) $(LDFLAGS_ALL) $(1) -o $@ $(filter %.o,$^) \
		-Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(2) $(LIBS)
endef

# Goes under a server by LD_PRELOAD, so it is never instrumented; see tests/crash/README.md.
$(B)/test/disk.so: $(wildcard tests/crash/*.c tests/crash/*.h) Makefile
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(CC) -std=gnu17 -D_GNU_SOURCE $(WARN) -O2 -g -fPIC -shared -Itests/crash \
		-o $@ $(filter %.c,$^) -lpthread

define room_test
$(B)/test/$(1)_test: $(call objs,$(filter src/$(1)/%,$(SRC_TEST)) src/base/test_main.c) $(call archives,$(1))
	$$(call link,,-lcmocka)
endef
$(foreach r,$(call rooms_of,$(SRC_TEST)),$(eval $(call room_test,$(r))))

define fuzz_target
$(B)/test/$(2)_replay: $(call objs,$(1) src/base/fuzz_replay.c) $(call archives,$(3))
	$$(call link)
$(B)/fuzz/$(2): $(call objs,$(1)) $(call archives,$(3))
	$$(call link,-fsanitize=fuzzer)
endef
$(foreach f,$(SRC_FUZZ),$(eval $(call fuzz_target,$(f),$(call fuzz_name,$(f)),$(call rooms_of,$(f)))))

-include $(patsubst %.o,%.d,$(call objs,$(SRC) $(SRC_TEST) $(SRC_FUZZ) src/base/test_main.c src/base/fuzz_replay.c)) \
	$(BENCH_OBJS:.o=.d)
