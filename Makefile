# make quickstart   pre-train a tiny CharBERT on a real Wikipedia dump and watch it restore misspelled words
# make test         format, lint, types and tests
PYTHON ?= python3
BIN := .venv/bin

.PHONY: quickstart test format clean

# Threads that wait without spinning: six times faster where other programs use the cores too.
quickstart: .venv/installed
	OMP_WAIT_POLICY=passive $(BIN)/python -m pretrain.quickstart --output runs/quickstart --overwrite

test: .venv/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

format: .venv/installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf .venv runs .mypy_cache .pytest_cache .ruff_cache

.venv/installed: setup.cfg constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@
