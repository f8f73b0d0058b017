# Everything that is done with this project. The first use of a target makes the environment in
# .venv and installs what it needs; Python 3.11 or later with pip is all that must be there.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# pip may come without ensurepip (as in Debian's packages), so the environment borrows it.
INSTALL := $(PYTHON) -m pip --quiet --disable-pip-version-check --python $(BIN)/python install
DATA ?= data
FUZZ_SECONDS ?= 20
SOAK_SECONDS ?= 1800

.PHONY: help serve test check format interop bench bench-page bench-queue bench-idle bench-limits fuzz soak power-loss docs clean

help:
	@echo "make serve    run Posthouse here, on loopback, with the embedded store in ./$(DATA)"
	@echo "make test     all tests that need nothing but Python"
	@echo "make check    the linters: style, types, import rules"
	@echo "make format   put the code in its form"
	@echo "make interop  tests with other people's clients (installs them where it can)"
	@echo "make bench    figures beside other servers, where they are installed"
	@echo "make bench-page  put the newest figures into docs/explanation/performance.md"
	@echo "make bench-queue  100,000 waiting recipients, most of their next hops dead"
	@echo "make bench-idle   what connections cost that wait in IDLE, and how soon they are told"
	@echo "make bench-limits how others are served among 10,000 hostile clients"
	@echo "make fuzz     fuzz engines and parsers, FUZZ_SECONDS=$(FUZZ_SECONDS) each"
	@echo "make soak     long runs with faults, SOAK_SECONDS=$(SOAK_SECONDS)"
	@echo "make power-loss  lose the power at every sync of a run, and write the page about it"
	@echo "make docs     write the pages of docs/reference anew"
	@echo "make clean    remove the environment and what tools have left; not your mail"

serve: $(VENV)/.installed
	@exec $(BIN)/posthouse --data "$(DATA)" serve $(ARGS)

test: $(VENV)/.installed-dev
	@$(BIN)/python -m pytest -n 2 --dist worksteal -m "not soak and not interop" tests

check: $(VENV)/.installed-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports pyproject.toml

format: $(VENV)/.installed-dev
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

interop: $(VENV)/.installed-dev
	@$(BIN)/python tests/interop/install.py
	@$(BIN)/python -m pytest -m interop -rs tests/interop

bench: $(VENV)/.installed-dev
	@$(BIN)/python -m bench $(ARGS)

bench-page: $(VENV)/.installed-dev
	@$(BIN)/python -m bench.page $(ARGS)

bench-queue: $(VENV)/.installed-dev
	@$(BIN)/python -m bench.queue $(ARGS)

bench-idle: $(VENV)/.installed-dev
	@$(BIN)/python -m bench.idle $(ARGS)

bench-limits: $(VENV)/.installed-dev
	@$(BIN)/python -m bench.limits $(ARGS)

fuzz: $(VENV)/.installed-dev
	@FUZZ_SECONDS=$(FUZZ_SECONDS) $(BIN)/python -m tests.fuzz $(ARGS)

soak: $(VENV)/.installed-dev
	@SOAK_SECONDS=$(SOAK_SECONDS) $(BIN)/python -m pytest -m soak --timeout 7200 -s tests

power-loss: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.faults.report $(ARGS)

docs: $(VENV)/.installed-dev
	@$(BIN)/python -m docs.generate

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(BIN)/python:
	@echo "Making the environment in $(VENV) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Posthouse needs Python 3.11 or later; say which: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv --without-pip $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	@echo "Installing Posthouse ..."
	@$(INSTALL) --editable '.[fast]'
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	@echo "Installing Posthouse and what its tests need ..."
	@$(INSTALL) --editable '.[fast,dev]'
	@touch $@ $(VENV)/.installed
