# make quickstart   pre-train a tiny CharBERT on a real Wikipedia dump and watch it restore misspelled words
# make test         format, lint, types and tests
# make test-slow    the tests of several trainings, processes and exports, and the journeys below
# make journeys     what a newcomer types, from a fresh clone: research data, a table, a German Wikipedia
# make test-peers   the tests that transformers has for its own models and tokenizers, on ours
# make test-wheel   the library's tests on the built wheel, in an environment that holds nothing else
# make test-examples   the programs in examples/, in an environment with what they import
# make test-versions   the library's tests with two versions of torch and two of transformers, as a table
# make docs         the documentation site, in site/
# make format       format, and what lint can fix
# make clean        remove all that these make; other runs stay
PYTHON ?= python3
BIN := .venv/bin

# Of the pinned version; only the source distribution has the tests.
TRANSFORMERS := $(shell sed -n 's/^transformers==//p' constraints.txt)
PEERS := .venv/peers-$(TRANSFORMERS)
WHEEL := .venv/wheel
EXAMPLES := .venv/examples
VERSIONS := .venv/versions
VERSION_TESTS ?= tests/charbert
# The oldest that setup.cfg allows, and the pinned one.
versions = $(shell sed -n 's/^ *$(1) >=//p' setup.cfg) $(shell sed -n 's/^$(1)==//p' constraints.txt)

.PHONY: quickstart test test-slow journeys test-peers test-wheel test-examples test-versions docs format clean

quickstart: .venv/installed
	$(BIN)/python -m pretrain quickstart --output runs/quickstart --overwrite

test: .venv/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

test-slow: .venv/installed
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -m slow

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

test-versions:
	mkdir -p $(VERSIONS)
	grep -Ev "^(huggingface_hub|torch|transformers)==" constraints.txt > $(VERSIONS)/constraints.txt
	@status=0; table="| torch | transformers | tests |\n|---|---|---|"; \
	for torch in $(call versions,torch); do \
		env=$(VERSIONS)/torch-$$torch; $(PYTHON) -m venv $$env; \
		for transformers in $(call versions,transformers); do \
			log=$$env/transformers-$$transformers.log; \
			($$env/bin/python -m pip install --quiet --constraint $(VERSIONS)/constraints.txt torch==$$torch \
				transformers==$$transformers --editable ".[export,tuning]" pytest && \
			OMP_NUM_THREADS=1 $$env/bin/python -m pytest --quiet $(VERSION_TESTS)) > $$log 2>&1 || status=1; \
			table="$$table\n| $$torch | $$transformers | $$(tail -n 1 $$log) |"; \
		done; \
	done; printf "%b\n" "$$table"; exit $$status

# A warning is an error: a link to nowhere, a page that is missing in the navigation, an object that is gone.
docs: .venv/installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

format: .venv/installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf .venv build dist *.egg-info runs/quickstart site .mypy_cache .pytest_cache .ruff_cache

.venv/installed: setup.cfg constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@
