# AI Ops Copilot. `make help` lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATA ?= data
UV := $(BIN)/uv
READY := $(VENV)/.ready

export PYTHONDONTWRITEBYTECODE ?= 1
export UV_NO_PROGRESS := 1

.PHONY: help setup run demo test lint format bench docs lock clean

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 12

setup: $(READY) ## make .venv with everything, aiops included

$(READY): requirements.lock requirements/bootstrap.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(UV) || $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.lock
	@VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --require-hashes -r requirements.lock
	@VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --no-deps --no-build-isolation -e .
	@touch $(READY)

ifeq ($(strip $(LOGS)),)
run: demo ## the demo, or your own logs: make run LOGS="/var/log/nginx/*.log app.log"
else
# LOGS is split as a shell splits words, and nothing of it is run. A path with a space or a quote
# is quoted once more: make run LOGS="'my app.log' /var/log/nginx/*.log"
define FOLLOW_LOGS
import os, shlex, sys
try:
    paths = shlex.split(os.environ["LOGS"])
except ValueError as error:
    sys.exit(f"""LOGS: {error}; quote such a path once more, as in LOGS="'my app.log' b.log" """)
watched = [word for path in paths for word in ("--watch", path)]
os.execv("$(BIN)/aiops", ["aiops", "up", "--data", os.environ["DATA"], *watched])
endef
export FOLLOW_LOGS LOGS DATA
run: setup
	@exec $(BIN)/python -c "$$FOLLOW_LOGS"
endif

demo: setup ## a few real services, one real fault, and what the copilot says about it
	@exec $(BIN)/aiops demo --data "$(DATA)"

test: setup ## all tests
	@$(BIN)/python -m pytest -n 2 --dist loadfile

lint: setup ## format, lint, types, import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: setup ## format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: setup ## the benchmarks that need nothing but this repository
	@$(BIN)/aiops bench ingest
	@for name in parsing rebuild retrieval; do echo "== $$name"; $(BIN)/python -m tests.benchmarks.bench_$$name || exit 1; done

docs: setup ## write docs/reference anew from the code
	@$(BIN)/python docs/generate_reference.py

lock: ## write requirements.lock anew from pyproject.toml
	@$(UV) pip compile --quiet --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --python-version 3.11 --group dev -o requirements.lock pyproject.toml
	@$(UV) pip compile --quiet --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --python-version 3.11 -o requirements/bootstrap.lock requirements/bootstrap.in

clean: ## remove the environment and the demo's data
	rm -rf $(VENV) $(DATA)
