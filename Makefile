# Everything a developer or a CI run does here. "make help" lists the targets.

GO       ?= go
PREFIX   ?= /usr/local
DESTDIR  ?=
FUZZTIME ?= 10s
BENCH    ?= .
ROUNDS   ?= 5
# Sessions of one run of qmqpd-random, or messages of one of incoming-random,
# and where the random numbers start.
N        ?= 2000
SEED     ?= 1
# What delays does: strace(1) has the form. 30 ms before a program is run, for example, or
# 2 ms after every third write: CALLS=write,sendto,sendmsg DELAY=delay_exit=2000:when=1+3
CALLS    ?= execve
DELAY    ?= delay_enter=30000

STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2

BUILD    = CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w"
# What runs without a Postfix.
UNIT     = $$($(GO) list ./... | grep -v /compat-tests)

# Of another user's clone git tells nothing, not even to root, and then go build
# ends. There the programs do without the revision.
NOVCS := $(if $(shell git rev-parse HEAD 2>/dev/null),,-buildvcs=false)

export GOFLAGS ?= -mod=readonly $(NOVCS)

.PHONY: help build demo test kill powercut delays race unit compat postfix qmqpd-random incoming-random params-random postconf-random postconf-products own-dir own-mail own-conf judge-coverage fuzz lint cross bench microbench table-speed docs install clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-17s %s\n", $$1, $$2 }' Makefile

build: ## build the programs into bin/
	@mkdir -p bin
	$(BUILD) -o bin/ ./cmd/...

demo: build ## deliver one message to a server of its own, and show all that happens
	bin/qmqpd demo

test: race compat ## unit tests under the race detector, then the compat tests

unit: ## unit tests
	$(GO) test $(UNIT)

race: compiler ## unit tests under the race detector
	CGO_ENABLED=1 $(GO) test -race $(UNIT)

# The race detector needs a C compiler, the only thing here that does.
.PHONY: compiler
compiler:
	@command -v $${CC:-cc} >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
		&& apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -qy --no-install-recommends install gcc libc6-dev; } \
		|| { echo "the race detector needs a C compiler" >&2; exit 1; }

# setup-postfix says 3 where no Postfix can be set up: the tests then skip, or
# fail under REQUIRE_POSTFIX=1. Run in its folder, go test shows what they print.
postfix: ## set up the private Postfix of the compat tests, if it is missing
	@compat-tests/setup-postfix || [ $$? = 3 ]

compat: postfix ## ours against a real Postfix
	$(GO) vet ./compat-tests/...
	$(GO) test -count=1 ./compat-tests/postfix ./compat-tests/standin ./compat-tests/judges
	cd compat-tests && $(GO) test -count=1 -timeout 20m
	cd compat-tests/dropin && $(GO) test -count=1 -timeout 20m

qmqpd-random: postfix ## N random sessions to the stock qmqpd and ours: make qmqpd-random N=20000 SEED=7
	cd compat-tests/dropin && QMQPD_RANDOM_SESSIONS=$(N) QMQPD_RANDOM_SEED=$(SEED) \
		$(GO) test -count=1 -timeout 0 -v -run '^TestRandomSessions$$'

incoming-random: postfix ## N random messages, and N more with random tables, to the stock qmqpd and cleanup and to ours
	cd compat-tests && QMQPD_COMPAT_MESSAGES=$(N) QMQPD_COMPAT_SEED=$(SEED) \
		$(GO) test -count=1 -timeout 0 -v -run '^TestIncomingRandom(Tables)?$$'

params-random: postfix ## N random main.cf files of each of three sorts to Postfix's parameter reading and ours
	cd compat-tests && PARAMS_RANDOM_CASES=$(N) PARAMS_RANDOM_SEED=$(SEED) \
		$(GO) test -count=1 -timeout 0 -run '^TestParams(Expand|Order|Files)$$'

postconf-random: postfix ## N random configurations to the stock postconf and ours
	cd compat-tests && POSTCONF_RANDOM_CASES=$(N) POSTCONF_RANDOM_SEED=$(SEED) \
		$(GO) test -count=1 -timeout 0 -v -run '^TestPostconfRandom$$'

postconf-products: postfix ## one of N pairs of options, with operands and configurations, to the stock postconf and ours
	cd compat-tests && POSTCONF_PRODUCTS=$(N) $(GO) test -count=1 -timeout 0 -v -run '^TestPostconfProducts$$'

own-dir:
	@[ -d "$(DIR)" ] || { echo "which folder? DIR=... must name one, not '$(DIR)'" >&2; exit 1; }

own-mail: own-dir postfix ## your messages, one in each file below DIR, to the stock qmqpd and cleanup and to ours
	dir=$$(realpath -- "$(DIR)") && cd compat-tests && QMQPD_COMPAT_MAIL=$$dir $(GO) test -count=1 -timeout 0 -run '^TestOwnMail$$'

own-conf: own-dir postfix ## your main.cf and master.cf, wherever they are below DIR, to the stock postconf, qmqpd and cleanup and to ours
	dir=$$(realpath -- "$(DIR)") && cd compat-tests && QMQPD_COMPAT_CONF=$$dir $(GO) test -count=1 -timeout 0 -run '^TestOwnConf' . ./dropin

judge-coverage: ## which lines of the real Postfix the compat tests have never made it run
	compat-tests/judge-coverage

kill: ## kill the stand-alone server N times while clients send: make kill N=500
	QMQPD_KILLS=$(N) $(GO) test -count=1 -timeout 0 -v -run '^TestKill$$' ./cmd/qmqpd

powercut: postfix ## cut the disk's power N times, and let writes to it fail: the stand-alone server and stock
	QMQPD_POWERCUTS=$(N) $(GO) test -count=1 -timeout 0 -v -run '^(TestPowerCut|TestDiskErrors)$$' ./compat-tests

# Windows between two system calls that a test or a program relies on come to light. Rows
# in which processes are traced or stopped cannot be under strace.
delays: postfix ## the dropin tests with DELAY in each of the system calls CALLS, by strace
	@command -v strace >/dev/null || { echo "strace is missing" >&2; exit 1; }
	cd compat-tests/dropin && $(GO) test -count=1 -timeout 0 -skip '/rows/.*/open_files|/rows/.*/reset_before_accept' \
		-exec 'strace -f --seccomp-bpf -qq -o /dev/null -e trace=$(CALLS) -e inject=$(CALLS):$(DELAY)'

# By default the first new input of a queue file's size is made smaller for up
# to a minute, in which nothing else is tried.
fuzz: ## every fuzz target for FUZZTIME
	@for package in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz'); do \
			echo "$$package $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$package || exit 1; \
		done; \
	done

lint: ## gofmt, go vet, staticcheck
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "gofmt: $$unformatted" >&2; exit 1; }
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...

# Each system and processor has the standard library compiled, which takes minutes
# the first time: too long for each change.
cross: ## what is for other systems and 32-bit processors builds there
	@for os in darwin freebsd netbsd openbsd; do \
		echo "GOOS=$$os $(GO) vet"; \
		GOOS=$$os GOARCH=amd64 CGO_ENABLED=0 $(GO) vet ./mainconf ./params/... ./queuefmt/... ./cmd/postconf-lite || exit 1; \
	done
	@for arch in 386 mips; do \
		echo "GOARCH=$$arch $(GO) build"; \
		GOARCH=$$arch CGO_ENABLED=0 $(GO) build ./... || exit 1; \
	done

bench: postfix ## ours and stock side by side, in one table; ROUNDS=5
	cd compat-tests/bench && QMQPD_BENCH=1 QMQPD_BENCH_ROUNDS=$(ROUNDS) $(GO) test -count=1 -timeout 0 -v -run '^TestTable$$'

microbench: ## the benchmarks of the packages, those that match BENCH
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./...

table-speed: postfix ## 100,000 lookups in each type of table, beside postmap's
	@cd compat-tests && QMQPD_TABLE_SPEED=1 $(GO) test -count=1 -v -run '^TestTableSpeed$$' .

docs: ## make the generated parts of the documentation again
	$(GO) generate ./...

install: build ## install the programs and manual pages below DESTDIR and PREFIX
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man8
	install -m 755 bin/qmqpd bin/postconf-lite $(DESTDIR)$(PREFIX)/sbin
	for page in docs/man/*.1; do [ ! -e $$page ] || install -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man1; done
	for page in docs/man/*.8; do [ ! -e $$page ] || install -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man8; done

clean: ## remove what was built
	rm -rf bin qmqpd-spool
