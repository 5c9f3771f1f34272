# The everyday verbs. PYTHON is the interpreter of the environment: make check PYTHON=.venv/bin/python
PYTHON ?= python3

.PHONY: help check format test quick windows faults lowest catalog picture docs bench build changelog

help:     ## list the verbs
	@awk -F': *## ' '/^[a-z]+: *##/ {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

check:    ## format, lint and types, without changing a file
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	for platform in linux darwin win32; do $(PYTHON) -m mypy --platform $$platform --cache-dir .mypy_cache/$$platform || exit 1; done
	$(PYTHON) -m pytest tests/typing

format:   ## put the code in shape
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

test:     ## all tests, of the installed package
	$(PYTHON) -m pytest -n auto

quick:    ## some tests of every kind, in a minute or two
	$(PYTHON) -m pytest tests/test_architecture.py tests/test_face.py tests/data/test_dataset.py tests/batches \
		tests/compat tests/registry tests/metrics/test_all_metrics.py tests/cache/test_npz.py tests/cli/test_program.py

windows:  ## commands, cache, faults and volumes under the file rules of Windows, which tests/windows_rules imitates
	PYTHONPATH=tests/windows_rules $(PYTHON) -m pytest -n auto tests/cache tests/data tests/faults tests/cli tests/volumes

faults:   ## try every fault, and write what became of each to docs/faults.md
	$(PYTHON) -m pytest tests/faults --fault-table docs/faults.md

catalog:  ## write the catalog of data sets to docs/catalog.md
	$(PYTHON) scripts/catalog_page.py

picture:  ## draw the picture of README.md from made-up images
	$(PYTHON) -m scripts.readme_picture

lowest:   ## the tests that a release of a dependency could break, with the oldest releases that are supported
	$(PYTHON) scripts/lowest.py --test

docs:     ## the pages, to docs/_build/html; a warning is an error
	# A fresh environment: otherwise the search index loses the index entries of pages that did not change.
	$(PYTHON) -m sphinx --fresh-env --fail-on-warning --keep-going -b html docs docs/_build/html

bench:    ## the measurements that benchmarks/RESULTS.md reports
	$(PYTHON) -m benchmarks

build:    ## source archive and, from it, the wheel, to dist/; then a look at both, and at the wheel installed
	rm -rf dist
	$(PYTHON) -m build
	$(PYTHON) -m twine check --strict dist/*
	$(PYTHON) scripts/check_packages.py dist

changelog: ## the section that changelog.d/ adds up to
	$(PYTHON) -m towncrier build --draft --version next
