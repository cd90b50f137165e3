# Every target works in a fresh clone with Go, Python 3.10+ and git. What it fetches stays below
# .cache (or $ZENML_UPGRADE_CACHE); system packages are installed only as root on Debian.
.PHONY: setup lint-setup test-setup build demo demo-rollback test test-full faults lint bench score image generate tools-lock
.DEFAULT_GOAL := build

# Tests and the demo judge repositories of their own, never the pull request that CI runs for.
unexport GITHUB_EVENT_NAME GITHUB_EVENT_PATH

export ZENML_UPGRADE_CACHE ?= $(CURDIR)/.cache
CACHE := $(ZENML_UPGRADE_CACHE)
export PATH := $(CACHE)/tools/bin:$(CACHE)/lint/bin:$(CACHE)/gobin:$(PATH)

# Runtime tools (uv, ty, pip, griffe), pinned with digests; GitHub's description and database servers for the tests.
setup:
	@sh tools/venv.sh $(CACHE)/tools tools/runtime.txt
	@if [ -f tools/github-description.sh ]; then sh tools/github-description.sh; fi
	@sh tools/packages.sh mariadbd=mariadb-server-core mariadb-dump=mariadb-client mydumper
	@sh tools/mysql.sh

lint-setup: setup
	@sh tools/venv.sh $(CACHE)/lint tools/lint.txt
	@sh tools/gobin.sh $(CACHE)/gobin golangci-lint actionlint
	@sh tools/packages.sh shellcheck

# What only tests need: a browser to look at comments with, a runner for workflows, an S3 server, an engine for containers.
test-setup: setup
	@sh tools/gobin.sh $(CACHE)/gobin act versitygw
	@sh tools/packages.sh chromium
	@sh tools/containers.sh base

build:
	CGO_ENABLED=0 go build -trimpath -o bin/zenml-upgrade .

# An old ZenML server with content is checked, tested against and upgraded; real parts throughout.
demo: setup build
	go run ./tools/demo

# The same upgrade with a new server that cannot become healthy: the rollback is automatic.
demo-rollback: setup build
	go run ./tools/demo --fail

test:
	@begin=$$(date +%s); $(MAKE) --no-print-directory test-setup build && go build ./... && \
	echo "set-up: $$(( $$(date +%s) - begin )) s"
	@go run ./tools/testreport -p 2 -timeout 60m ./...

# The long matrices too: every test that asks for ZENML_UPGRADE_FULL.
test-full: test-setup build
	@ZENML_UPGRADE_FULL=1 go run ./tools/testreport -p 2 -timeout 180m ./...

# Every kill point and every fault, on every kind of database; every kill point with real ZenML, too: some hours.
faults: test-setup build
	@ZENML_UPGRADE_FULL=1 go run ./tools/testreport -timeout 300m ./internal/faults

lint: lint-setup
	@sh tools/lint.sh

bench: setup build
	go test -run '^$$' -bench . -benchmem -p 1 ./...

# Recall and precision of the notes' classifier on the labelled releases in ../shared, when they are there.
score: setup
	go test ./internal/release -run TestScore -count=1 -v

# Both images, by docker or podman; ends with their sizes.
image:
	@sh tools/containers.sh base
	@sh tools/containers.sh build . slim full

# The root action.yml and the tables in READMEs, from actions/*/action.yml; the table of the workflows.
generate:
	go run ./tools/manifest
	go run ./tools/workflows

# Pins the newest versions of the Python tools, with digests.
tools-lock: setup
	for f in runtime lint; do uv pip compile --quiet --no-config --generate-hashes --universal --python-version 3.10 --no-emit-index-url --custom-compile-command "make tools-lock" tools/$$f.in -o tools/$$f.txt --upgrade; done
