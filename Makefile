# Everything is built from here with Go and make alone; `make help` lists the targets.
# Kept to what GNU make 3.81 and a POSIX shell understand, so that it also runs on macOS.

# Go runs as many jobs as there are cores by itself; make on top of it would only compete.
.NOTPARALLEL:
.DEFAULT_GOAL := help

GO ?= go
# The installed Go or a clear refusal; never a toolchain that is downloaded unasked.
export GOTOOLCHAIN := local
# Nothing is inherited from the environment. The version is stamped below: Go's own stamping
# refuses to build in a checkout that belongs to another user.
export GOFLAGS := -buildvcs=false

# The checkout may belong to another user than the one who runs make (containers, CI).
GIT := git -c 'safe.directory=*'

BIN   := $(CURDIR)/bin
TOOLS := $(BIN)/tools

PROMETHEUS := $(TOOLS)/prometheus
PROMTOOL   := $(TOOLS)/promtool
GOLANGCI   := $(TOOLS)/golangci-lint
GOFUMPT    := $(TOOLS)/gofumpt
BENCHSTAT  := $(TOOLS)/benchstat
UI         := $(TOOLS)/prometheus-ui

# What goes into `version` and ecs_scrape_build_info. Settable; the Dockerfile sets all four.
VERSION    ?= $(shell $(GIT) describe --tags --match 'v*' --dirty 2>/dev/null || echo 0.0.0-dev)
REVISION   ?= $(shell $(GIT) rev-parse HEAD 2>/dev/null || echo unknown)
BRANCH     ?= $(shell $(GIT) rev-parse --abbrev-ref HEAD 2>/dev/null || echo unknown)
BUILD_DATE ?= $(shell $(GIT) log -1 --format=%cI 2>/dev/null || echo unknown)

V := github.com/prometheus/common/version
LDFLAGS = -s -w -X $(V).Version=$(VERSION) -X $(V).Revision=$(REVISION) -X $(V).Branch=$(BRANCH) -X $(V).BuildDate=$(BUILD_DATE)
# Static, and equal bytes from equal sources wherever they lie.
BUILD = CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)'

.PHONY: help
help: ## print this list
	@echo 'usage: make TARGET [VARIABLE=VALUE]...'; echo
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo 'On a fresh machine `make demo` and `make test` need nothing but Go and make: they build the'
	@echo 'tools of tools.mod into bin/tools first, which takes some minutes, once.'

## ---- products

.PHONY: build build-scrape build-sim
build: build-scrape build-sim ## bin/ecs-scrape, the one static binary, and bin/ecs-sim, the simulated AWS account
build-scrape:
	@echo 'building bin/ecs-scrape $(VERSION)'
	@$(BUILD) -o $(BIN)/ecs-scrape ./cmd/ecs-scrape
build-sim:
	@echo 'building bin/ecs-sim $(VERSION)'
	@$(BUILD) -o $(BIN)/ecs-sim ./cmd/ecs-sim

# DEMO_FLAGS goes to `ecs-sim demo` as it is; see `bin/ecs-sim demo --help`.
DEMO_FLAGS ?=
.PHONY: demo
demo: build $(PROMETHEUS) ## the main job on a simulated AWS account, with a real Prometheus; Ctrl-C ends it (DEMO_FLAGS=...)
	@mkdir -p $(TOOLS); test -f $(UI)/static/mantine-ui/index.html || ! command -v npm >/dev/null || echo "demo: building Prometheus's web pages (half a minute, once)"
	@$(MAKE) --no-print-directory prometheus-ui >$(TOOLS)/prometheus-ui.log 2>&1 || \
	  echo 'demo: this Prometheus has no web pages (no Node.js, or see bin/tools/prometheus-ui.log); its API works'
	@exec $(BIN)/ecs-sim demo --ecs-scrape=$(BIN)/ecs-scrape --prometheus=$(PROMETHEUS) --prometheus-ui=$(UI) $(DEMO_FLAGS)

## ---- checks

# The race detector needs a C compiler on Linux. Without one the tests run all the same, and say so.
RACE ?= $(shell command -v gcc >/dev/null 2>&1 || command -v clang >/dev/null 2>&1 && echo -race)
# PKG and TESTFLAGS narrow a run: make test PKG=./spec/... TESTFLAGS='-run Decode -v'
PKG ?= ./...
TESTFLAGS ?=
# Modules of their own, so that what they run this program beside, or look at it with, is no dependency
# of the product. Without the race detector: nothing of their own runs at once, and all of OpenTelemetry
# would be built twice.
COMPARE := controller/compare
BROWSER := controller/web/browser
.PHONY: test
test: $(PROMETHEUS) $(PROMTOOL) ## every test: race detector, shuffled, a real Prometheus included (PKG=... TESTFLAGS=...)
	@test -n '$(RACE)' || echo 'test: no C compiler here, so the race detector stays off'
	@PROMETHEUS_BIN=$(PROMETHEUS) PROMTOOL_BIN=$(PROMTOOL) $(GO) test $(RACE) -shuffle=on -timeout=15m $(TESTFLAGS) $(PKG)
	@test '$(PKG)' != ./... || { cd $(COMPARE) && $(GO) test -shuffle=on -timeout=15m $(TESTFLAGS) ./...; }
	@test '$(PKG)' != ./... || { cd $(BROWSER) && $(GO) test -timeout=10m $(TESTFLAGS) ./...; }

.PHONY: screenshots
screenshots: $(PROMETHEUS) ## pictures of the pages into bin/screenshots, with a browser (CHROMIUM_BIN, else chromium)
	@cd $(BROWSER) && PROMETHEUS_BIN=$(PROMETHEUS) $(GO) test -count=1 -timeout=10m . -screenshots $(BIN)/screenshots

.PHONY: lint
lint: $(GOLANGCI) $(GOFUMPT) ## formatting, go vet and golangci-lint
	@out=$$($(GOFUMPT) -l cmd controller examples reconcile spec) || exit 1; \
	  test -z "$$out" || { echo 'lint: not formatted; run `make fmt`:'; echo "$$out"; exit 1; }
	$(GO) vet ./...
	$(GOLANGCI) run ./...
	cd $(COMPARE) && $(GO) vet ./...
	cd $(BROWSER) && $(GO) vet ./...

.PHONY: fmt
fmt: $(GOFUMPT) ## format every Go file
	$(GOFUMPT) -w cmd controller examples reconcile spec

# tools.mod is not tidied: beside go.mod its module would own this whole tree and take up the
# product's dependencies. That it is complete shows when the tools are built.
.PHONY: generate
generate: $(GOFUMPT) ## write everything that is generated, and tidy every go.mod
	$(GO) generate ./...
	$(GO) mod tidy
	cd $(COMPARE) && $(GO) mod tidy
	cd $(BROWSER) && $(GO) mod tidy

# Apart from generate, because it downloads the modules of thirty releases: for when the version in
# go.mod changes, or a release is added to cmd/releases.
.PHONY: releases
releases: ## read anew what each Prometheus release knows, from the releases' own modules
	$(GO) run ./cmd/releases --work=$(BIN)/releases --table=reconcile/validate/releases/table.txt
	$(GO) generate ./cmd/ecs-scrape

# In an unpacked archive, which git knows nothing of, the files are compared by checksum.
.PHONY: verify
verify: ## regenerate, then fail on a dirty tree and name the files
	@if $(GIT) rev-parse --is-inside-work-tree >/dev/null 2>&1; then \
	  state() { $(GIT) status --porcelain; }; before=; \
	else \
	  state() { find . \( -name .git -o -path ./bin \) -prune -o -type f -exec cksum {} + | sort; }; before=$$(state); \
	fi; \
	$(MAKE) --no-print-directory generate || exit 1; \
	after=$$(state) || exit 1; \
	if [ "$$after" != "$$before" ]; then \
	  echo 'verify: these files differ from what is committed; commit them, or what they are generated from:'; \
	  if [ -z "$$before" ]; then echo "$$after"; $(GIT) --no-pager diff --stat 2>/dev/null; \
	  else { echo "$$before"; echo "$$after"; } | sort | uniq -u | awk '{print $$3}' | sort -u; fi; \
	  exit 1; \
	fi

# Six runs are the fewest from which benchstat gives an interval at 95%.
BENCH ?= .
BENCHCOUNT ?= 6
# With BENCHBASE=FILE, an earlier bin/bench.txt, the summary is a comparison.
BENCHBASE ?=
# Those that take minutes, most of them of waiting for AWS's quotas, run once.
BENCHLONG := ^Benchmark(Process|Compare|First)$$
.PHONY: bench
bench: $(BENCHSTAT) ## benchmarks and their summary (BENCH=REGEXP BENCHCOUNT=6 BENCHBASE=FILE)
	@mkdir -p $(BIN)
	@$(GO) test -run '^$$' -bench '$(BENCH)' -skip '$(BENCHLONG)' -benchmem -count=$(BENCHCOUNT) -timeout=60m $(PKG) >$(BIN)/bench.txt || { cat $(BIN)/bench.txt; exit 1; }
	@$(BENCHSTAT) $(BENCHBASE) $(BIN)/bench.txt
	@test '$(PKG)' != ./... || $(MAKE) --no-print-directory bench-fleet

# What stands beside the long ones in their packages has run by then. One package after the other,
# because both measure time.
.PHONY: bench-fleet
bench-fleet: $(BENCHSTAT) $(PROMETHEUS) ## the long benchmarks alone, once: fleets of up to 50,000 tasks, and Prometheus's own discovery (BENCH=REGEXP)
	@mkdir -p $(BIN)
	@PROMETHEUS_BIN=$(PROMETHEUS) $(GO) test -p 1 -run '^$$' -bench '$(if $(filter .,$(BENCH)),$(BENCHLONG),$(BENCH))' -skip '^Benchmark(Restart|Memory)$$' \
	  -benchtime=1x -timeout=90m ./cmd/ecs-scrape ./controller/ecs >$(BIN)/bench-fleet.txt || { cat $(BIN)/bench-fleet.txt; exit 1; }
	@$(BENCHSTAT) $(BIN)/bench-fleet.txt

# A seed that a soak has printed plays the same draws again: make soak ECS_SCRAPE_SOAK_SEED=7. Go adds up
# what a duration names, so the limit is SOAK and twenty minutes more, for what each spell takes to heal.
SOAK ?= 10m
.PHONY: soak
soak: $(PROMETHEUS) $(PROMTOOL) ## churn, faults, edits, kills and restarts for ten minutes on 5,000 tasks; the report is bin/soak.txt (SOAK=1h)
	@mkdir -p $(BIN)
	@PROMETHEUS_BIN=$(PROMETHEUS) PROMTOOL_BIN=$(PROMTOOL) ECS_SCRAPE_SOAK=$(SOAK) ECS_SCRAPE_SOAK_REPORT=$(BIN)/soak.txt \
	  $(GO) test -count=1 -v -run '^TestSoak$$' -timeout=$(SOAK)20m ./cmd/ecs-scrape

## ---- container image

IMAGE ?= ecs-scrape:$(VERSION)
.PHONY: image
image: ## the container image, with Docker (IMAGE=name:tag)
	@command -v docker >/dev/null 2>&1 || { echo 'image: no docker here; `make image-check` builds and checks what would go into it'; exit 1; }
	docker build -t $(IMAGE) --build-arg VERSION=$(VERSION) --build-arg REVISION=$(REVISION) \
	  --build-arg BRANCH=$(BRANCH) --build-arg BUILD_DATE=$(BUILD_DATE) .

# An ELF file without an interpreter loads no library: it runs in an image that holds nothing else.
.PHONY: image-check
image-check: ## without Docker: the image's build command on the files that it would see, and whether the binary is static
	@set -e; dir=$(BIN)/image; rm -rf $$dir; mkdir -p $$dir; \
	cp -R go.mod go.sum Makefile cmd controller reconcile spec $$dir/; \
	find $$dir \( -name testdata -o -name '*_test.go' \) -prune -exec rm -rf {} +; \
	GOOS=linux $(MAKE) --no-print-directory -C $$dir build-scrape VERSION='$(VERSION)' REVISION='$(REVISION)' BRANCH='$(BRANCH)' BUILD_DATE='$(BUILD_DATE)'; \
	mv $$dir/bin/ecs-scrape $(BIN)/ecs-scrape-linux; rm -rf $$dir; \
	$(GO) version -m $(BIN)/ecs-scrape-linux | grep -q 'CGO_ENABLED=0' || { echo 'image-check: built with cgo'; exit 1; }; \
	if command -v readelf >/dev/null 2>&1; then \
	  ! readelf -lW $(BIN)/ecs-scrape-linux | grep -q INTERP || { echo 'image-check: not static'; exit 1; }; \
	elif [ "$$(uname)" = Linux ] && command -v ldd >/dev/null 2>&1; then \
	  ! ldd $(BIN)/ecs-scrape-linux >/dev/null 2>&1 || { echo 'image-check: not static'; exit 1; }; \
	fi; \
	echo "image-check: static, $$(wc -c <$(BIN)/ecs-scrape-linux | tr -d ' ') bytes"

## ---- tools, pinned in tools.mod, which is apart so that none of them becomes a dependency of the product

.PHONY: tools
tools: $(PROMETHEUS) $(PROMTOOL) $(GOLANGCI) $(GOFUMPT) $(BENCHSTAT) ## build the tools of tools.mod into bin/tools

# -modfile makes the tools' module stand in for go.mod, which is not read or written then.
TOOLBUILD = CGO_ENABLED=0 $(GO) build -modfile=tools.mod -trimpath
# All discovery mechanisms would triple the build and weigh 80 MB more. Left in: file and static,
# which are always there, and those that an operator's own scrape_configs in tests may name.
PROMTAGS := remove_all_sd,enable_aws_sd,enable_consul_sd,enable_dns_sd,netgo
# Where the module lies, found only when it is needed; its VERSION is what --version and the API then say.
PROMMODULE = $(shell $(GO) list -m -modfile=tools.mod -f '{{.Dir}}' github.com/prometheus/prometheus)

$(PROMETHEUS) $(PROMTOOL): tools.mod
	@echo 'building $(@F) (some minutes, once)'
	@$(GO) mod download -modfile=tools.mod github.com/prometheus/prometheus
	@$(TOOLBUILD) -tags $(PROMTAGS) -ldflags "-s -w -X $(V).Version=$$(cat $(PROMMODULE)/VERSION)" -o $@ github.com/prometheus/prometheus/cmd/$(@F) && touch $@

$(GOLANGCI): tools.mod
	@echo 'building $(@F) (some minutes, once)'
	@$(TOOLBUILD) -ldflags '-s -w' -o $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint && touch $@

$(GOFUMPT): tools.mod
	@$(TOOLBUILD) -o $@ mvdan.cc/gofumpt && touch $@

$(BENCHSTAT): tools.mod
	@$(TOOLBUILD) -o $@ golang.org/x/perf/cmd/benchstat && touch $@

# The module carries its pages as sources, which no Go build turns into pages; a Prometheus serves
# them from static/mantine-ui below its working directory. Built in a copy, because the module cache is
# read-only, with the package store inside it: half a gigabyte that does not outlive the build.
# Install scripts of packages are not run: the pages need none.
PNPM := 10.34.8
UIBUILD := $(TOOLS)/.prometheus-ui

.PHONY: prometheus-ui
prometheus-ui: $(UI)/static/mantine-ui/index.html ## Prometheus's web pages into bin/tools/prometheus-ui; needs Node.js 20.19 or later

$(UI)/static/mantine-ui/index.html: tools.mod
	@command -v npm >/dev/null 2>&1 || { echo 'prometheus-ui: no Node.js here; Prometheus works without its pages'; exit 1; }
	@$(GO) mod download -modfile=tools.mod github.com/prometheus/prometheus
	@set -e; rm -rf $(UIBUILD) $(UI); mkdir -p $(UIBUILD); trap 'rm -rf $(UIBUILD)' EXIT; trap 'exit 1' INT TERM; \
	cp -R $(PROMMODULE)/web/ui $(UIBUILD)/ui; chmod -R u+w $(UIBUILD)/ui; cd $(UIBUILD)/ui; \
	export npm_config_fetch_retries=1 CI=true PATH="$(UIBUILD)/pnpm/node_modules/.bin:$$PATH"; \
	npm install --prefix ../pnpm --no-fund --no-audit --ignore-scripts pnpm@$(PNPM); \
	pnpm install --frozen-lockfile --ignore-scripts --store-dir ../store; \
	bash build_ui.sh --mantine-ui; \
	mkdir -p $(UI); mv static $(UI)/static; touch $@

## ---- housekeeping

.PHONY: clean
clean: ## remove everything that make built
	rm -rf $(BIN)
