PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
INPUTS := pyproject.toml

.PHONY: plan test test-engines lint accuracy clean

plan: $(VENV)/installed        ## the main job: a real model on a real inventory
	$(BIN)/gpuplan plan llama-3.3-70b --on 2x8xH100-SXM --context 8192 --concurrency 64 -o plan.json

test: $(VENV)/developing       ## all tests that need no GPU and no engine
	$(BIN)/python -m pytest -n auto

test-engines: $(VENV)/developing ## exports before the engines' own parsers: 9 GB, 20 minutes
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[engines]'
	tests/export/acceptance/install.sh
	$(BIN)/python -m pytest -m engines

lint: $(VENV)/developing       ## format, lint, types
	$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy

accuracy: $(VENV)/developing   ## RUNS=files or folders of recorded runs: benchmarks/accuracy.md anew
	$(BIN)/python -m benchmarks.accuracy $(RUNS)

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(INPUTS) | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[report]'
	$(BIN)/python -m compileall -q planner    # where Python may not write bytecode, each start would compile it anew
	touch $@

$(VENV)/developing: $(INPUTS) | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	$(BIN)/python -m compileall -q planner
	touch $@ $(VENV)/installed

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache
