.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
BENCHES := $(filter-out alarm_cost alarm_days alarm_faults alarm_figures alarm_hours alarm_replay alarm_tables alarm_year estimates_peer figures gate_worlds pty_run slice_data slice_peers table trial_data,$(basename $(notdir $(wildcard tests/benchmarks/[a-z]*.py))))
# Tables of their own stand in docs/gates.md and docs/experiments.md.
TABLED := $(filter-out experiments gate_numbers tuner,$(BENCHES))
FLAGS ?=
# Tests of the screen wait for the terminal half of their time: two workers a core.
WORKERS ?= $(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN))))

.PHONY: help demo test coverage check integration bench bench-table bench-peers format clean

help:            ## what can be made here
	@grep -hE '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "midwatch needs Python 3.11 or newer; name one: make PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]' --constraint constraints.txt
	@touch $(STAMP)

demo: $(STAMP)   ## create .venv, seed a store with three models in trouble, open the program
	$(BIN)/midwatch demo

test: $(STAMP)   ## create .venv, run the tests
	$(BIN)/python -m pytest -n $(WORKERS)

coverage: $(STAMP) ## the tests again with branch coverage, which makes them slower by a third
	$(BIN)/python -m pytest --cov --cov-report=term:skip-covered -n $(WORKERS)

check: $(STAMP)  ## ruff, mypy strict, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

integration: $(STAMP) ## real terminals, users, processes (installs the system packages they need), and the long simulations
	tests/integration/system_packages.sh
	$(BIN)/python -m pytest tests/integration -m integration -p no:cacheprovider
	$(BIN)/python -m pytest tests/core -m simulation -n 2 -p no:cacheprovider

bench: $(STAMP)  ## every benchmark; one JSON object a line
	@for b in $(BENCHES); do $(BIN)/python tests/benchmarks/$$b.py $(FLAGS) || exit 1; done

bench-table: $(STAMP) ## the benchmarks again, their figures into the README (FLAGS=--quick takes fewer rows)
	@mkdir -p .bench
	@for b in $(TABLED); do $(BIN)/python tests/benchmarks/$$b.py $(FLAGS) > .bench/$$b.jsonl || exit 1; done
	$(BIN)/python tests/benchmarks/table.py $(TABLED:%=.bench/%.jsonl) --flags "$(FLAGS)" --into README.md

bench-peers:     ## the tools that benchmarks compare with, in an environment of their own
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check --requirement tests/benchmarks/peers.txt

format: $(STAMP) ## format and sort imports
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:           ## remove environments and caches
	rm -rf .venv .venv-peers .bench .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage .hypothesis
