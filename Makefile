# make demo: the whole story on a real model.  make test: the whole test suite.  Both set themselves up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
COMPILE := pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --strip-extras

.PHONY: demo test check fast backends lint lock bench clean

demo: $(VENV)/.run
	$(BIN)/llmops-git demo

test: $(VENV)/.dev
	$(BIN)/pytest -q -n 2

check: lint test  ## everything that a merge needs

fast: $(VENV)/.dev  ## the tests that need no model
	$(BIN)/pytest -q -n 2 -m "not model and not slow"

backends: $(VENV)/.dev  ## a real Phoenix, MLflow and Presidio, and real attack sets: 2 GB, most of it in environments of their own
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "presidio-analyzer>=2.2.360"
	$(BIN)/pytest -q -m backends tests/runtime tests/guardrails

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/workflows.py --check
	$(BIN)/python scripts/lint_workflows.py

bench: $(VENV)/.dev  ## each figure against its floor in the same run; rewrites bench/results
	$(BIN)/python bench/releases/startup.py
	$(BIN)/python bench/releases/state.py
	$(BIN)/python bench/diff/measure.py
	$(BIN)/python bench/eval/bench.py
	$(BIN)/python -m bench.action.startup
	$(BIN)/python -m bench.operate.runtime

lock:  ## renew the locked requirements (needs pip-tools)
	$(COMPILE) --upgrade --extra embedded --output-file requirements/run.txt pyproject.toml requirements/build.in
	$(COMPILE) --upgrade --output-file requirements/dev.txt requirements/dev.in
	$(COMPILE) --upgrade --output-file requirements/action.txt pyproject.toml requirements/action.in
	$(COMPILE) --upgrade --output-file requirements/action-embedded.txt requirements/action-embedded.in

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements/run.txt pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	-@$(BIN)/python scripts/get_promtool.py
	@touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
