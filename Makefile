# Everything a fresh clone needs is made by the first command that is called here; only Python >= 3.11, make and bash
# have to be on the machine. `make help` lists the commands.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
ARGS ?=
DATABASE_URL ?=

# Tests start hundreds of processes: each would compile the sources anew where the environment forbids to keep that.
export PYTHONDONTWRITEBYTECODE :=

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { command -v $$p; break; }; done)
BIN := .venv/bin
READY := .venv/.ready
WEB := $(BIN)/python web/build.py
BROWSER := .venv/.browser

$(READY): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Tollkeeper needs Python 3.11 or newer with its venv module; set PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "Setting up .venv with $(PYTHON) (once; a minute or so) ..."
	@test -x $(BIN)/pip || "$(PYTHON)" -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --group dev --editable .
	@touch $@

.PHONY: help setup demo web test test-web lint check-types architecture schema prices picture bench clean clean-demo
help: ## list these commands
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 24

setup: $(READY) ## make the virtual environment
	@echo "Ready: source .venv/bin/activate"

demo: web ## real usage, priced, booked and explained; serves http://127.0.0.1:8377 (ARGS=--once to end after the report)
	@$(BIN)/python -m demo $(ARGS)

EXAMPLES := example-recruiting example-ordering example-resume-builder example-interviews
.PHONY: $(EXAMPLES)
example-recruiting: ## a product that parses CVs, writes questions and holds interviews (ARGS=... for all: --help lists them)
example-ordering: ## a product that takes orders by chat and voice, with quotas
example-resume-builder: ## a product with free and paid plans, and limits on tokens
example-interviews: ## a product that sells interview credits ahead
$(EXAMPLES): web
	@$(BIN)/python -m examples.running $(@:example-%=%) $(ARGS)

web: $(READY) ## build the widgets and pages from web/, if they have changed
	@$(WEB)

test-web: web
	@$(WEB) run --silent check
	@$(WEB) run --silent test
	@$(WEB) run --silent size

$(BROWSER): $(READY)
	@$(BIN)/python -m tests.browser.chromium
	@touch $@

test: lint check-types test-web $(BROWSER) ## everything that CI runs (DATABASE_URL=postgresql://... to test against your own server)
	@TOLLKEEPER_TEST_DATABASE_URL="$(DATABASE_URL)" $(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

lint: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-cache > .venv/imports.log || { cat .venv/imports.log; exit 1; }

check-types: $(READY)
	@$(BIN)/pyright

schema: $(READY) ## write src/tollkeeper/db/schema.sql anew from the migrations
	@$(BIN)/python -m tests.database.dump_schema

prices: $(READY) ## note new rows of the price book, and write the table of providers anew
	@$(BIN)/python -m tests.unit.vectors.price_ids
	@$(BIN)/python -m tests.docs.provider_support

bench: web ## measure, and write the figures into bench/README.md
	@$(BIN)/python -m bench $(ARGS)

clean-demo: $(READY) ## remove the data that the demo has left, in its own marked folder (ARGS='--data ...' for another)
	@$(BIN)/python -m demo --clean $(ARGS)

clean: ## remove the virtual environment, caches and built pages
	rm -rf .venv .ruff_cache .pytest_cache .hypothesis web/node_modules src/tollkeeper/web/static
