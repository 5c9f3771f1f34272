# The everyday verbs. PYTHON is the interpreter of the environment: make check PYTHON=.venv/bin/python
PYTHON ?= python3

.PHONY: help check format test faults docs bench build changelog

help:     ## list the verbs
	@grep -E '^[a-z]+: ' $(MAKEFILE_LIST) | sed 's/:  *##/  /'

check:    ## format, lint and types, without changing a file
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy

format:   ## put the code in shape
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

test:     ## all tests, of the installed package
	$(PYTHON) -m pytest

faults:   ## try every fault, and write what became of each to docs/faults.md
	$(PYTHON) -m pytest tests/faults --fault-table docs/faults.md

docs:     ## the pages, to docs/_build/html; a warning is an error
	$(PYTHON) -m sphinx --fail-on-warning --keep-going -b html docs docs/_build/html

bench:    ## the measurements that benchmarks/RESULTS.md reports
	$(PYTHON) -m benchmarks

build:    ## source archive and, from it, the wheel, to dist/
	$(PYTHON) -m build

changelog: ## the section that changelog.d/ adds up to
	$(PYTHON) -m towncrier build --draft --version next
