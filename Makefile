# Everything starts here: `make` lists what there is.
PYTHON ?= $(shell for p in python3.14 python3.13 python3.12 python3.11 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
CHECKED := app alerts analysis collectors models tests benchmarks alembic

.DEFAULT_GOAL := help
.PHONY: help up demo test check lint types contracts migrations format lock clean

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: $(VENV)/.installed ## Install what is missing, then run everything: pages, collectors, alerts, database
	@exec $(BIN)/cocoon up $(ARGS)

demo: $(VENV)/.installed ## Run everything with a story in it: a bank's app whose release breaks the login
	@exec $(BIN)/cocoon demo $(ARGS)

test: $(VENV)/.installed-dev ## Run the whole test suite on a Postgres of its own
	$(BIN)/python -m pytest -n auto --maxprocesses=4 $(ARGS)

check: lint types contracts migrations ## All checks that are not tests

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check $(CHECKED)
	$(BIN)/ruff format --check $(CHECKED)
	$(BIN)/djlint app/templates --lint --quiet
	$(BIN)/deptry .

types: $(VENV)/.installed-dev
	$(BIN)/mypy

contracts: $(VENV)/.installed-dev
	$(BIN)/lint-imports

migrations: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -q tests/migrations

format: $(VENV)/.installed-dev ## Put the code in its usual form
	$(BIN)/ruff check --fix-only --quiet $(CHECKED)
	$(BIN)/ruff format $(CHECKED)

lock: $(VENV)/.installed-dev ## Resolve the dependencies again and pin them by hash
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--group build pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--group build --group dev --group train pyproject.toml -o requirements-dev.lock

clean: ## Remove the virtual environment and caches, never the data
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache output

$(VENV)/pyvenv.cfg:
	@test -n "$(PYTHON)" || { echo "Cocoon needs Python 3.11 or later, and none was found: install it, or say make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv --without-pip $(VENV)

# pip of the machine installs into the virtual environment: no ensurepip is needed.
INSTALL = $(PYTHON) -m pip --python $(BIN)/python --disable-pip-version-check install --quiet --no-warn-script-location

$(VENV)/.installed: requirements.lock pyproject.toml | $(VENV)/pyvenv.cfg
	@echo "Installing Cocoon (once; a minute or so) …"
	@$(INSTALL) --require-hashes -r requirements.lock
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	@echo "Installing what the tests need (once) …"
	@$(INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@
