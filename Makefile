# One door: `make` prints the menu; CI calls the same targets.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ROWS ?= 100000
export PYTHONDONTWRITEBYTECODE ?=

define PYTHON_IS_THERE
command -v $(PYTHON) >/dev/null || \
  { echo "Winnow needs Python 3.11 or newer, and there is no $(PYTHON) here. Install it, or name another: make PYTHON=python3.12"; exit 1; }; \
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
  { echo "Winnow needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another: make PYTHON=python3.12"; exit 1; }
endef

.DEFAULT_GOAL := help
.PHONY: help preflight demo test up down clean install lint types contracts check docs bench ci

help: ## this menu
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

demo: preflight install ## a real import, end to end: starts everything, shows it, cleans up
	@$(BIN)/winnow demo

test: preflight install ## every test, on real servers started for them (fast ones first)
	@$(BIN)/pytest

up: preflight install ## start servers and services; they stay until `make down`
	@$(BIN)/winnow up

down: ## stop what `make up` started; the data stays
	@if [ -x $(BIN)/winnow ]; then $(BIN)/winnow down; fi

clean: ## stop, and remove all data, caches and the virtual environment
	@if [ -x $(BIN)/winnow ]; then $(BIN)/winnow down --json >/dev/null; fi
	@rm -rf .winnow $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "Nothing runs any more; all data, caches and $(VENV) are removed."

# What would keep the servers from starting is said before anything is installed.
preflight:
	@$(PYTHON_IS_THERE)
	@$(PYTHON) -m deploy.local.preflight

install: $(VENV)/.installed ## the virtual environment with everything pinned in constraints.txt

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON_IS_THERE)
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null; \
	  else echo "Python's venv module is missing: type  sudo apt-get install -y python3-venv"; exit 1; fi; }
	@echo "Installing into $(VENV) (once) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

lint: install ## ruff: rules and format
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: install ## mypy, strict
	@$(BIN)/mypy

contracts: install ## who may import whom
	@$(BIN)/lint-imports

check: lint types contracts ## lint, types and import contracts

docs: install ## write the generated papers: event schemas, AsyncAPI, docs/events.md
	@$(BIN)/python -m deploy.documents

bench: install ## the benchmark, as ratios against a floor measured in the same run (make bench ROWS=1000000)
	@$(BIN)/python -m tests.benchmarks.end_to_end --rows $(ROWS)

ci: check test ## what CI runs
