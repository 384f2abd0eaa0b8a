# make run: set everything up and run the quickstart recipe to its end.  make test: set up and pass all tests.
PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
# worker processes of the test run; tests that train share the two cores, so more is not faster
WORKERS ?= 2

.PHONY: run test check docs setup system clean

run: setup
	$(BIN)/bashgym run recipe=quickstart

setup: $(READY)

# a stamp, so that nothing is installed twice; pyproject.toml changes make it old
$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[cloud,dev]'
	touch $@

# what some tests need of the system; only where it can be installed without asking
system:
	@sh tests/system_packages.sh

test: setup system check
	$(BIN)/bashgym env create
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python docs/generate.py --check

# the generated pages of docs/ anew
docs: setup
	$(BIN)/python docs/generate.py

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .mypy_cache .hypothesis
