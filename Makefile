# make demo and make test do all of their set-up themselves on Debian and Ubuntu.

GO      = .ci/go
TAGS    = seccomp,osusergo,netgo
VERSION = $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
SOURCES = $(shell find cmd runner isolate seccomp policy validate -name '*.go' -o -name '*.c' -o -name '*.h' -o -name '*.yaml') go.mod go.sum

# What builds for every system and without a C compiler.
PURE = ./policy/... ./validate/...

PREFIX   ?= /usr/local
APPARMOR ?= /etc/apparmor.d

FUZZTIME    ?= 3s
STATICCHECK ?= honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK ?= golang.org/x/vuln/cmd/govulncheck@v1.9.0
GOLANGCI    ?= github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

export CGO_ENABLED = 1

.PHONY: vectors peers containment build demo test bench deps deps-models deps-test deps-bench deps-vm deps-gpu clean install uninstall test-v2 lint vuln fuzz format vet portable unit race staticcheck vm nvml

build: bin/loadlock

# The binary is static (isolate/init_linux.go): the box's first process runs before any library exists inside.
bin/loadlock: $(SOURCES) | deps
	$(GO) build -trimpath -tags $(TAGS) -ldflags '-s -w -X main.version=$(VERSION)' -o $@ ./cmd/loadlock

deps:
	@.ci/deps build

deps-models:
	@.ci/deps build models

deps-test:
	@.ci/deps build models formats

deps-vm:
	@.ci/deps build vm

## deps-gpu: NVIDIA's nvidia-ctk; with it make test reads specs that are NVIDIA's own
deps-gpu:
	@.ci/deps build gpu

deps-bench:
	@.ci/deps build models bench

## demo: a hostile model refused, good ones loaded, and the hostile one contained
demo: deps-models bin/loadlock
	testdata/demo/demo.sh

## nvml: the program with NVIDIA's own library where it otherwise asks nvidia-smi: bin/loadlock-nvml, which is not static
nvml: export CGO_CFLAGS = -O2 -g -Wno-deprecated-declarations
nvml: deps
	$(GO) build -trimpath -tags $(TAGS),nvml -ldflags '-s -w -X main.version=$(VERSION)' -o bin/loadlock-nvml ./cmd/loadlock
	$(GO) vet -tags $(TAGS),nvml ./isolate/gpu/memory
	@.ci/test $(GO) -tags $(TAGS),nvml ./isolate/gpu/memory

## test: everything that tests this tree; REQUIRE=root,torch,… makes a skip for lack of that a failure
test: deps-test format vet portable staticcheck race unit nvml fuzz
	@echo "loadlock: make test passed$$([ "$$(id -u)" = 0 ] || echo ' (as an ordinary user: what needs root was skipped and said so)')"

format: deps
	@out=$$("$$($(GO) env GOROOT)/bin/gofmt" -l cmd runner isolate seccomp policy validate); \
	[ -z "$$out" ] || { echo "not gofmt-ed:"; echo "$$out"; exit 1; }

vet: deps
	$(GO) vet -tags $(TAGS) ./...

portable: deps
	CGO_ENABLED=0 GOOS=darwin $(GO) vet $(PURE)
	CGO_ENABLED=0 GOOS=linux GOARCH=arm64 $(GO) vet $(PURE) ./seccomp/...

unit: deps-test
	@.ci/test $(GO) -tags $(TAGS) -timeout 15m ./...

# Where goroutines meet: the scanners themselves are single-threaded, validate/all runs them beside each other.
race: deps-test
	$(GO) test -race -tags $(TAGS) -timeout 15m ./policy/... ./validate ./validate/all ./runner/...

staticcheck: deps
	$(GO) run $(STATICCHECK) -tags $(TAGS) ./...

## fuzz: every fuzz target for FUZZTIME
fuzz: deps
	@.ci/fuzz $(GO) $(TAGS) $(FUZZTIME)

## lint: what .golangci.yml asks for
lint: staticcheck
	$(GO) run $(GOLANGCI) run --build-tags $(TAGS) ./...

## vuln: known vulnerabilities in what is called; needs the vulnerability database from the network
vuln: deps
	$(GO) run $(GOVULNCHECK) -tags $(TAGS) ./...

## bench: loadlock beside bare Python, bwrap, crun and runc, interleaved; N=… sets the number of runs
bench: deps-bench bin/loadlock
	testdata/bench/bench.sh

## vectors: the test vectors of this tree as files, below .vectors
vectors: deps-test
	rm -rf .vectors && LOADLOCK_VECTORS=$(CURDIR)/.vectors $(GO) test -count=1 ./validate/... >/dev/null

## peers: loadlock beside the other scanners that can be found, on those files; N=… takes that many of each kind
peers: vectors bin/loadlock
	testdata/peers/peers.py bin/loadlock .vectors

## containment: loadlock's attacks under bwrap, firejail, runc and crun, as root; ID=… takes some checks
containment: bin/loadlock
	testdata/peers/containment.py bin/loadlock $(ID)

## test-v2: everything privileged on cgroup v2, without and under systemd, in QEMU with Debian's kernel; no KVM needed
test-v2: deps-vm bin/loadlock
	LOADLOCK=bin/loadlock testdata/vm/run.sh bare checks systemd suite

## vm: the quick part of that: without systemd and the Go tests
vm: deps-vm bin/loadlock
	LOADLOCK=bin/loadlock testdata/vm/run.sh bare checks

## install: the program, and on hosts with AppArmor the profile that Ubuntu wants; PREFIX and DESTDIR as everywhere
install: bin/loadlock
	install -D -m 755 bin/loadlock $(DESTDIR)$(PREFIX)/bin/loadlock
	@if [ -d $(APPARMOR) ] || [ -n "$(DESTDIR)" ]; then \
		mkdir -p $(DESTDIR)$(APPARMOR) && \
		sed 's|/usr/local/bin/loadlock|$(PREFIX)/bin/loadlock|' isolate/loadlock.apparmor >$(DESTDIR)$(APPARMOR)/loadlock && \
		echo "installed $(DESTDIR)$(APPARMOR)/loadlock"; \
		if [ -z "$(DESTDIR)" ] && [ "$$(cat /proc/sys/kernel/apparmor_restrict_unprivileged_userns 2>/dev/null)" = 1 ]; then apparmor_parser -r $(APPARMOR)/loadlock; fi; \
	fi

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/loadlock $(DESTDIR)$(APPARMOR)/loadlock

clean:
	rm -rf bin dist .demo .vectors
