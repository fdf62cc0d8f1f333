# The few commands people and CI run.
SHELL := /bin/sh
CARGO ?= cargo
PIPES := $(notdir $(wildcard pipes/*))
ARCH ?= amd64
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
REVISION := $(shell git rev-parse HEAD 2>/dev/null)
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --pretty=%ct 2>/dev/null || echo 0)

.PHONY: help demo bootstrap test test-all check lint generate fuzz bench dist images clean

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-10s %s\n", $$1, $$2}'

demo: ## Scan an example tree, sign an image in memory, verify it: needs a Rust toolchain only
	@CARGO='$(CARGO)' ./examples/demo/run.sh

bootstrap: ## Install everything that tests and linters need (Debian packages need root)
	./tests/install.sh
	./tests/lint/install.sh >/dev/null

test: ## bootstrap, lint, and every test, those marked `#[ignore]` included
	$(MAKE) --no-print-directory bootstrap
	$(MAKE) --no-print-directory lint
	$(CARGO) test --workspace --locked -- --include-ignored

check: ## Formatting, clippy, and the tests that need neither root nor Debian packages
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	$(CARGO) test --workspace --locked

test-all: test ## test, and what does not fit: osv-scanner, a collector, Vault, policy engines, all of signing (needs BENCH_DATA)
	WHOLE_MATRIX=1 $(CARGO) test --workspace --locked --test sign_matrix -- --include-ignored
	./bench/agree.sh "$$(ls -t $${CARGO_TARGET_DIR:-target}/*/debug/security-pipe | head -n 1)"
	./tests/collector.sh "$$(ls -t $${CARGO_TARGET_DIR:-target}/*/debug/notify-pipe | head -n 1)"
	for script in vault admission; do \
		./tests/$$script.sh "$$(ls -t $${CARGO_TARGET_DIR:-target}/*/debug/sign-pipe | head -n 1)" || exit 1; \
	done

lint: ## Formatting, clippy, dependencies (licences, sources), workflows and pipelines
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	./tests/deny.sh
	./tests/lint/run.sh

generate: ## Rewrite the files that are made from the pipes' variables
	UPDATE=1 $(CARGO) test --workspace --test generated root_entry
	$(CARGO) test --workspace --no-run
	UPDATE=1 $(CARGO) test --workspace --test generated --test advice
	UPDATE=1 $(CARGO) test --workspace --lib the_page_of_reasons_is_fresh

SECONDS_EACH ?= 120
fuzz: ## Run every fuzz target for SECONDS_EACH seconds (120)
	./fuzz/run.sh $(SECONDS_EACH)

bench: ## Measure speed and size against peers, or with BASE=REV against a commit, into docs/benchmarks.md
	$(if $(BASE),./bench/against.sh '$(BASE)',./bench/run.sh)

dist: ## The binaries and files that images are made of, in dist/
	./Dockerfiles/dist.sh $(ARCH) $(PIPES)

images: dist ## All images, with buildah
	@for pipe in $(PIPES); do \
		ARCH=$(ARCH) VERSION=$(VERSION) REVISION=$(REVISION) ./Dockerfiles/build.sh $$pipe dist || exit 1; \
	done

clean:
	$(CARGO) clean
	rm -rf dist
