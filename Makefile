# One door: `make` prints the menu; CI calls the same targets.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ROWS ?= 100000
# Test processes; each starts servers of its own when it first needs them.
WORKERS ?= 2
export PYTHONDONTWRITEBYTECODE ?=

define PYTHON_IS_THERE
command -v $(PYTHON) >/dev/null || \
  { echo "Winnow needs Python 3.11 or newer, and there is no $(PYTHON) here: install it (Debian: sudo apt-get install -y python3 python3-venv) or name one: make PYTHON=/path/to/python3"; exit 1; }; \
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
  { echo "Winnow needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another: make PYTHON=python3.12"; exit 1; }
endef

# What `make clean` removes besides the data in .winnow.
CACHES := $(VENV) build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
# Every Python that is supported gets the same versions; what only some of them need carries a marker.
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
  --custom-compile-command 'make lock' $(if $(filter 1,$(UPGRADE)),--upgrade)

.DEFAULT_GOAL := help
.PHONY: help preflight browser demo test unit chaos up down clean install lock fix lint types contracts check docs assets bench corpora pollock ci

help: ## this menu
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

demo: preflight install ## a real import, end to end: starts everything, shows it, cleans up
	@$(BIN)/winnow demo

test: preflight browser install ## every test, on real servers started for them; T=path runs those of a file, folder or name
	@$(BIN)/pytest $(if $(T),$(T),-n $(WORKERS) --dist loadfile)

unit: install ## the tests that need no server, in seconds
	@$(BIN)/pytest -q tests/unit

chaos: install ## the tests that kill, with their seed printed; SEED=number runs them again with it
	@$(if $(SEED),WINNOW_CHAOS_SEED=$(SEED)) $(BIN)/pytest -s tests/chaos

up: preflight install ## start servers and services; they stay until `make down`
	@$(BIN)/winnow up

down: ## stop what `make up` started; the data stays
	@if [ -x $(BIN)/winnow ]; then $(BIN)/winnow down; fi

clean: ## stop, and remove all data, caches and the virtual environment; asks first, FORCE=1 does not
	@echo "To be removed from $(CURDIR):"
	@found=$$(ls -d .winnow $(CACHES) 2>/dev/null); \
	  if [ -n "$$found" ]; then du -sh $$found 2>/dev/null | sed 's/^/  /'; fi; echo "  and every __pycache__"
	@if [ -n "$$(ls -d .winnow/postgres/data .winnow/s3/data .winnow/kafka/data 2>/dev/null)" ] && [ "$(FORCE)" != 1 ]; then \
	  echo ".winnow holds data: the database, the files and the events of what was imported here."; \
	  if [ ! -t 0 ]; then echo "Nothing is removed. To remove it all: make clean FORCE=1"; exit 1; fi; \
	  read -r -p 'Type "yes" to remove it all: ' said; \
	  if [ "$$said" != yes ]; then echo "Nothing is removed."; exit 1; fi; fi
	@if [ -x $(BIN)/winnow ]; then $(BIN)/winnow down --json >/dev/null; fi
	@rm -rf .winnow $(CACHES) *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "Nothing runs any more; all of it is removed."

# What would keep the servers from starting is said before anything is installed.
preflight:
	@$(PYTHON_IS_THERE)
	@$(PYTHON) -m deploy.local.preflight

# Tests of the pages drive Chromium; T=path of other tests needs none.
browser:
	@$(if $(or $(if $(T),,all),$(findstring browser,$(T))),$(PYTHON) -m tests.harness.chromium,:)

install: $(VENV)/.installed ## the virtual environment, as locks/development.txt has it

$(VENV)/.installed: pyproject.toml locks/development.txt
	@$(PYTHON_IS_THERE)
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null; \
	  else echo "Python's venv module is missing: type  sudo apt-get install -y python3-venv"; exit 1; fi; }
	@echo "Installing into $(VENV) (once) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement locks/development.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@rm -rf *.egg-info # an older one would be found before what is installed, and say its version
	@touch $@

lock: install ## resolve pyproject.toml into locks/; what is locked stays where it can, UPGRADE=1 takes the newest
	@$(LOCK) --extra dev --output-file locks/development.txt pyproject.toml
	@$(LOCK) --constraint locks/development.txt --output-file locks/services.txt pyproject.toml
	@$(LOCK) --group java --output-file locks/java.txt
	@echo "locks/ is what pyproject.toml resolves to. Try it: make install check test"

fix: install ## ruff: what it can fix, and the format
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

lint: install ## ruff: rules and format
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: install ## mypy, strict
	@$(BIN)/mypy

contracts: install ## who may import whom
	@$(BIN)/lint-imports

check: lint types contracts ## lint, types and import contracts

docs: install ## write the generated documentation: event schemas, AsyncAPI, docs/events.md and the like
	@$(BIN)/python -m deploy.documents

assets: install ## take scripts, fonts and icons of the pages from npm packages again (needs Node; nothing else does)
	@command -v npm >/dev/null || { echo "Node and npm are needed for this alone: install them (Debian: sudo apt-get install -y nodejs npm)"; exit 1; }
	@npm ci --ignore-scripts --no-progress
	@$(BIN)/python -m deploy.assets

bench: install ## the benchmarks, as ratios against a floor measured in the same run (make bench ROWS=1000000)
	@$(BIN)/python -m tests.benchmarks.reader
	@$(BIN)/python -m tests.benchmarks.end_to_end --rows $(ROWS)
	@$(BIN)/python -m tests.benchmarks.crm --rows $(ROWS)
	@$(BIN)/python -m tests.benchmarks.guided --rows $(ROWS)
	@$(BIN)/python -m tests.benchmarks.small_files
	@$(BIN)/python -m tests.benchmarks.modes --rows $(ROWS)
	@$(BIN)/python -m tests.benchmarks.gateway
	@$(BIN)/python -m tests.benchmarks.beside --rows $$((3 * $(ROWS)))
	@$(BIN)/python -m tests.benchmarks.uploads

corpora: install ## a folder of any spreadsheets and text files against the reader (make corpora DIR=...)
	@$(BIN)/python -m tests.corpora $(or $(DIR),$(error Name a folder: make corpora DIR=...))

pollock: install ## the reader by the score of Pollock, a public benchmark (make pollock DIR=its polluted_files)
	@$(BIN)/python -m tests.corpora.pollock $(or $(DIR),$(error Name its folder: make pollock DIR=.../polluted_files))

ci: check test ## what CI runs
