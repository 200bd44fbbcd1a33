# make demo: set up and take the shipped model from NEURON to a gradient-based fit. make test: set up and run the tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The stamp depends on pyproject.toml, so that changed dependencies are installed anew.
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev

.PHONY: demo test test-all slow lint docs corpus clean

demo: $(INSTALLED)
	$(BIN)/nrn-diff demo

test: $(INSTALLED_DEV)
	$(BIN)/python -m pytest -n auto --dist worksteal

# Everything but `slow` and `corpus`: what decides whether a change is good.
test-all: $(INSTALLED_DEV)
	$(BIN)/python -m pytest -n auto --dist worksteal -m 'not slow and not corpus'

# What takes minutes rather than seconds: more seeds, ten thousand mutants, processes that are killed.
slow: $(INSTALLED_DEV)
	$(BIN)/python -m pytest -n auto --dist worksteal -m slow

lint: $(INSTALLED_DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

docs: $(INSTALLED_DEV)
	$(BIN)/mkdocs build --strict

corpus: $(INSTALLED_DEV)
	$(BIN)/python -m pip install --quiet -e '.[models]'
	$(BIN)/python -m pytest -m corpus

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("nrn_diff needs Python 3.11 or later; say make PYTHON=python3.11") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e .
	@touch $@

$(INSTALLED_DEV): $(INSTALLED)
	$(BIN)/python -m pip install --quiet -e '.[test,docs]'
	@touch $@

clean:
	rm -rf $(VENV) site build dist .pytest_cache .ruff_cache .mypy_cache
