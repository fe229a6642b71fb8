# Every target first lets bootstrap.py install what is missing; when nothing is, that takes no time.
# BART runs from its checkout: the packages of .venv, the code of this folder.
python := .venv/bin/python
export PATH := $(PATH):$(CURDIR)/.tools/bin
# A terminal is for people; other places get JSON lines.
export BART_LOG_JSON ?= $(if $(MAKE_TERMOUT),false,true)
ifdef PORT
export BART_PORT := $(PORT)
endif

.PHONY: help run test lint bench chaos lock

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' Makefile

run: ## Serve the demo on http://127.0.0.1:8000 (PORT=8001 for another port); Ctrl-C stops it
	@python3 bootstrap.py && exec $(python) -m api serve --demo

test: ## The whole test suite (ARGS="-k photo" for a part of it)
	@python3 bootstrap.py --dev
	PYTHONHASHSEED=0 $(python) -m pytest $(parallel) $(ARGS)

# Two at once, each with a PostgreSQL of its own; both have to make the same list of tests, sets included.
parallel := -n logical --maxprocesses 2 --dist loadfile

lint: ## Style, types, imports, the committed schema, the migrations
	@python3 bootstrap.py --dev
	$(python) -m ruff check
	$(python) -m ruff format --check
	$(python) -m mypy --strict
	.venv/bin/lint-imports
	$(python) -m api schema --check
	$(python) -m api migrate --check

bench: ## All benchmarks (ONLY=submit for one)
	@python3 bootstrap.py --dev
	$(python) -m bench $(ONLY)

chaos: ## Break servers and databases while people write and watch (ARGS="--fault kill_server" for one)
	@python3 bootstrap.py --dev
	$(python) -m tests.chaos $(ARGS)

lock: ## Lock the packages that pyproject.toml names (ARGS=--upgrade for newer ones)
	@python3 bootstrap.py
	uv pip compile $(lock) $(ARGS) --output-file requirements.lock
	uv pip compile $(lock) $(ARGS) --output-file requirements-dev.lock --group dev --constraint requirements.lock

lock := pyproject.toml --universal --generate-hashes --no-header --quiet
