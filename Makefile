# make quickstart   pre-train a tiny CharBERT on a real Wikipedia dump and watch it restore misspelled words
# make test         format, lint, types and tests
# make journeys     what a newcomer types, from a fresh clone: research data, a table, a German Wikipedia
# make test-peers   the tests that transformers has for its own models and tokenizers, on ours
# make test-wheel   the library's tests on the built wheel, in an environment that holds nothing else
# make test-examples   the programs in examples/, in an environment with what they import
# make docs         the documentation site, in site/
PYTHON ?= python3
BIN := .venv/bin

# Of the pinned version; only the source distribution has the tests.
TRANSFORMERS := $(shell sed -n 's/^transformers==//p' constraints.txt)
PEERS := .venv/peers-$(TRANSFORMERS)
WHEEL := .venv/wheel
EXAMPLES := .venv/examples

.PHONY: quickstart test journeys test-peers test-wheel test-examples docs format clean

# Threads that wait without spinning: six times faster where other programs use the cores too.
quickstart: .venv/installed
	OMP_WAIT_POLICY=passive $(BIN)/python -m pretrain.quickstart --output runs/quickstart --overwrite

test: .venv/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

journeys: .venv/installed
	$(BIN)/python -m pytest -m slow tests/journeys

test-peers: .venv/installed $(PEERS)/transformers_tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --quiet --override-ini addopts=--import-mode=importlib \
		--override-ini pythonpath=". tests/support $(PEERS)" -W ignore tests/peers/models.py tests/peers/tokenizers.py

$(PEERS)/transformers_tests:
	mkdir -p $(PEERS)/tests
	$(BIN)/python -m pip download --quiet --no-deps --no-binary :all: --dest $(PEERS) transformers==$(TRANSFORMERS)
	tar -xzf $(PEERS)/transformers-$(TRANSFORMERS).tar.gz --strip-components 2 -C $(PEERS)/tests \
		transformers-$(TRANSFORMERS)/tests
	touch $(PEERS)/tests/__init__.py
	mv $(PEERS)/tests $@

# Away from the checkout, so that only what the wheel holds is found.
test-wheel: .venv/installed
	rm -rf $(WHEEL)
	$(PYTHON) -m venv $(WHEEL)/env
	$(WHEEL)/env/bin/python -m pip install --quiet build
	$(WHEEL)/env/bin/python -m build --outdir $(WHEEL)/dist . > $(WHEEL)/build.log
	$(WHEEL)/env/bin/python -m pip install --quiet --constraint constraints.txt "$$(ls $(WHEEL)/dist/*.whl)[tuning]" pytest
	cp -r tests setup.cfg $(WHEEL)
	cd $(WHEEL) && OMP_NUM_THREADS=1 env/bin/python -m pytest --quiet tests/charbert

test-examples: $(EXAMPLES)/installed
	OMP_NUM_THREADS=1 $(EXAMPLES)/bin/python -m pytest --quiet tests/examples/programs.py

$(EXAMPLES)/installed: setup.cfg constraints.txt
	$(PYTHON) -m venv $(EXAMPLES)
	$(EXAMPLES)/bin/python -m pip install --quiet --constraint constraints.txt --editable ".[examples]" pytest
	touch $@

# A warning is an error: a link to nowhere, a page that is missing in the navigation, an object that is gone.
docs: .venv/installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

format: .venv/installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf .venv runs site .mypy_cache .pytest_cache .ruff_cache

.venv/installed: setup.cfg constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@
