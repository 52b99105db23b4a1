# Every target says after ## what it is for; `make help` prints that. Nothing here needs cgo.
GO       ?= go
FUZZTIME ?= 60s
# The end-to-end tests use the machine's one audit engine, and make storms, so they run by themselves, after the rest.
E2E       = ./tests/e2e ./tests/whose
ROOMS     = $(shell $(GO) list ./... 2>/dev/null | grep -v -e '/tests/e2e$$' -e '/tests/whose$$')

export CGO_ENABLED := 0

.DEFAULT_GOAL := build
.PHONY: help build run test unit oracle e2e test-kernels test-k8s bench lint fmt generate fuzz clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

build: ## the static binary, bin/vigil
	$(GO) build -trimpath -o bin/vigil ./cmd/vigil

run: build ## build and run vigil with its built-in defaults (root; Ctrl-C puts everything back)
	./bin/vigil run

test: build lint unit oracle e2e ## everything that says whether this is good: lint, all tests, the real kernel

unit: ## the tests of every room
	$(GO) test -timeout 20m $(ROOMS)

oracle: ## other people's code as judge of ours (a module of its own)
	@if [ -f tests/oracle/go.mod ]; then cd tests/oracle && $(GO) test ./...; fi

e2e: ## end to end on the real kernel, beside stock auditd and with real containers (root; takes the machine's audit engine)
	$(GO) test -count=1 -p 1 -timeout 14m $(E2E)

test-kernels: ## tests/identity on Debian's kernels 6.1 and 6.12 in virtual machines (qemu, about 6 minutes)
	tests/kernels/run.sh

test-k8s: ## vigil run on a node of a real Kubernetes in a virtual machine (root; the first time builds it, a quarter of an hour)
	tests/k8s/run.sh

bench: ## Go benchmarks of the hot rooms, then vigil against auditd on the real kernel (root, about 6 minutes)
	$(GO) test -run '^$$' -bench . -benchtime 0.5s -benchmem ./audit/... ./trail/... ./enrich/... ./forward/... ./ledger/...
	@if [ -f tests/oracle/go.mod ]; then cd tests/oracle && $(GO) test -run '^$$' -bench . -benchtime 0.5s -benchmem ./...; fi
	$(GO) run ./tests/bench -json bin/bench.json

lint: bin/staticcheck ## gofmt, go vet, staticcheck and the house rules of tests/house
	@unformatted=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); \
	  if [ -n "$$unformatted" ]; then echo "gofmt: not formatted:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	bin/staticcheck ./...
	$(GO) test ./tests/house

bin/staticcheck: tools/go.mod tools/go.sum
	cd tools && $(GO) build -o ../bin/staticcheck honnef.co/go/tools/cmd/staticcheck

fmt: ## format all Go files
	gofmt -w $$(git ls-files -co --exclude-standard '*.go')

generate: ## write the generated files again; `git diff` must stay empty
	$(GO) generate ./...

fuzz: ## every fuzz target for FUZZTIME (60s)
	@for package in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz'); do \
	    echo "== $$package $$target"; \
	    $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$package || exit 1; \
	  done; \
	done

clean: ## remove what the targets built
	rm -rf bin dist
