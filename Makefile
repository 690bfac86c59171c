# Two commands matter: `make run` and `make test`. Both set everything up first; the second time that is quick.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

VENV := .venv
BIN := $(VENV)/bin
PYTHON := $(BIN)/python
STAMPS := $(VENV)/.stamps
# A uv that works (a version manager's shim may be there and fail), or our own in .tools.
UV := $(shell uv --version >/dev/null 2>&1 && command -v uv || echo .tools/bin/uv)
export UV_LINK_MODE := copy
# Containers often forbid it; then each process that a command or a test starts compiles all that it imports again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup run test lint types arrows unit suites templates bench exam reference synth lock browser npm console console-api console-checks clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(STAMPS)/installed ## Python 3.13 environment with locked dependencies

.tools/bin/uv:
	@echo "· no uv that works: installing one into .tools"
	@python3 -m venv .tools
	@.tools/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.5,<1' 2>.tools/log || { cat .tools/log; exit 1; }

ifeq ($(UV),.tools/bin/uv)
UV_READY := .tools/bin/uv
endif

$(STAMPS)/created: $(UV_READY)
	@test -x $(PYTHON) || { echo "· creating $(VENV)"; $(UV) venv --quiet --python '>=3.12,<3.14' $(VENV); }
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/locked: requirements/lock.txt | $(STAMPS)/created
	@echo "· installing locked packages"
	@VIRTUAL_ENV=$(VENV) $(UV) pip sync --quiet --require-hashes requirements/lock.txt
	@touch $@

# A test's client, in a directory of its own: what it asks for does not go together with what we lock.
$(STAMPS)/mt5linux: requirements/mt5linux.txt | $(STAMPS)/created
	@$(UV) pip install --quiet --no-deps --require-hashes --python $(PYTHON) --target $(VENV)/mt5linux --requirement requirements/mt5linux.txt
	@touch $@

$(STAMPS)/installed: pyproject.toml mt5_bridge/pyproject.toml $(STAMPS)/locked $(STAMPS)/mt5linux
	@echo "· installing tradeloom and its bridge"
	@VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --no-deps --no-build-isolation --editable . --editable ./mt5_bridge
	@touch $@

run: setup console ## import the examples, trade one on real bars, serve API and page
	@$(BIN)/tradeloom demo

test: setup npm console browser ## every check: lint, types, arrows, all test suites with coverage
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory --jobs=2 types arrows console-checks suites # mypy alone leaves a processor idle

lint: setup ## ruff: rules and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: setup ## mypy, strict
	@$(BIN)/mypy src mt5_bridge/src functions infra layers tests app.py

arrows: setup ## import-linter: what may import what
	@$(BIN)/lint-imports --no-cache

unit: setup ## the offline tests only
	@$(BIN)/pytest tests/unit

# A file stays on one worker, where its tests share their machine, bridge or database; files are taken in order, so that
# the small ones at the end fill all workers. Tests of whole machines wait for half of their time, so there are half as
# many workers again as processors.
WORKERS ?= $(shell n=$$(nproc 2>/dev/null || echo 2); echo $$(( n + n / 2 )))
suites: setup
	@rm -f .coverage .coverage.*
	@$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --cov --cov-report= tests
	@$(BIN)/coverage report --skip-covered --sort=cover --fail-under=85

templates: setup ## the cloud templates' tests
	@$(BIN)/pytest tests/infra

bench: setup ## speed, measured
	@$(PYTHON) -m tests.bench

exam: setup npm console browser ## the full figures, fixed seeds; writes docs/exam.json
	@TRADELOOM_EXAM=full $(BIN)/pytest tests -m exam --timeout 7200

reference: setup ## write the node reference, docs/nodes, from the nodes' declarations
	@$(PYTHON) -m tradeloom.nodes.reference docs/nodes

synth: setup ## the cloud's templates, offline and without Docker
	@$(PYTHON) app.py

lock: $(UV_READY) ## recompile requirements/lock.txt
	@$(UV) pip compile pyproject.toml --extra quant --extra broker --extra database --extra network --extra ml --extra sentiment --extra cloud --extra local --group dev \
		--universal --python-version 3.12 --generate-hashes --no-header --quiet --output-file requirements/lock.txt
	@! grep -nE 'https?://|--index-url|--extra-index-url' requirements/lock.txt

npm: $(STAMPS)/npm
$(STAMPS)/npm: tests/compiler/package-lock.json | $(STAMPS)/created
	@echo "· installing asl-validator"
	@npm ci --prefix tests/compiler --silent --no-audit --no-fund
	@touch $@

# The console, built into web/dist; anew only when something of it has changed.
console: web/dist/index.html ## build the console
$(STAMPS)/console: web/package-lock.json web/package.json | $(STAMPS)/created
	@echo "· installing the console's packages"
	@npm ci --prefix web --silent --no-audit --no-fund
	@touch $@
web/dist/index.html: $(STAMPS)/console $(shell find web/src web/public web/index.html web/vite.config.ts -type f)
	@echo "· building the console"
	@cd web && npx --no-install vite build --logLevel warn

console-checks: $(STAMPS)/console ## the console's lint, types and unit tests
	@cd web && npx --no-install biome check . && npx --no-install tsc --noEmit && npx --no-install vitest run --reporter=dot

console-api: setup $(STAMPS)/console ## write the API's document and the console's typed client
	@$(PYTHON) -m tests.console.api_document && npm run --silent --prefix web api

# The browser test needs Debian's Chromium; where it cannot be installed, that test says so and is skipped.
browser:
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && { \
		echo "· installing chromium"; apt-get update -qq >/dev/null && apt-get install -y -qq --no-install-recommends chromium >/dev/null 2>&1; } || true; }

clean: ## remove what setup and tests made
	@rm -rf $(VENV) .tools tests/compiler/node_modules web/node_modules web/dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache cdk.out .coverage .coverage.* build dist
