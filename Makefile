# `make` or `make help` lists what there is.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
AIRFLOW := .airflow

.DEFAULT_GOAL := help
.PHONY: help demo demo-recovery test test-full property faults mutants bench package airflow lint format ready clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | expand -t 14

demo: ready $(VENV)/.demo ## build a demo lake in ./demo and run the main job on it
	@rm -rf demo
	$(BIN)/r2d2 demo --dir demo

demo-recovery: ready $(VENV)/.demo ## the demo lake from find to purge and back (docs/recovery.md)
	@rm -rf demo
	@$(BIN)/python -c 'import pathlib, r2d2.demo.lake as demo; demo.build_demo(pathlib.Path("demo/lake"))'
	@PATH="$(CURDIR)/$(BIN):$$PATH" docs/recovery_demo.sh demo/lake demo/recovery

# Three processes, two of which often wait for a JVM; a file of tests in one of them: what it sets up is set up once
# (tests/scheduling.py).
PYTEST := $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

test: ready $(VENV)/.dev ## run the tests (a seeded sample of the long ones)
	$(PYTEST) -m "not full"

test-full: ready $(VENV)/.dev $(VENV)/.gpu airflow ## run all tests, the long ones in full
	R2D2_FULL=1 $(PYTEST)

N ?= 10000
property: ready $(VENV)/.dev ## compare at least N generated pairs with the oracle (make property N=10000)
	R2D2_PAIRS=$(N) $(BIN)/python -m pytest tests/property -s

FAULTS ?= all
faults: ready $(VENV)/.dev ## kill r2d2 at every call, let the power and stores fail (hours; FAULTS=20: 20 a case, FAULTS=kills: every kill)
	R2D2_FAULTS="$(FAULTS)" $(PYTEST) --dist load tests/recovery/faults

mutants: ready $(VENV)/.dev ## break the product in known ways and see which tests catch it (an hour)
	$(BIN)/python -m tests.mutants

BENCH ?=
bench: ready $(VENV)/.bench ## measure r2d2 against its rivals (make bench BENCH="--small --turns 1" to try it)
	$(BIN)/python -m benchmarks.run $(BENCH)

# Spark brings its own pyspark to every worker, which is as large as all the rest.
VERSION := $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' r2d2/version.py)
NEEDED := import tomllib; print(*(d for d in tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"] if "spark" not in d), sep="\n")
package: ready ## pack what Spark's workers need into dist/r2d2-env-VERSION.tar.gz (docs/deploy.md)
	@rm -rf build && mkdir -p build dist
	@$(PYTHON) -c '$(NEEDED)' > build/requirements.txt
	@$(PYTHON) -m venv build/environment && $(PYTHON) -m venv build/packer
	@build/packer/bin/python -I -m pip install --quiet --disable-pip-version-check venv-pack==0.2.0
	@build/environment/bin/python -I -m pip install --quiet --disable-pip-version-check -r build/requirements.txt
	@build/environment/bin/python -I -m pip install --quiet --disable-pip-version-check --no-deps .
	@cp -R jobs build/environment/jobs
	@build/packer/bin/venv-pack --quiet --force --prefix build/environment --output dist/r2d2-env-$(VERSION).tar.gz
	@echo dist/r2d2-env-$(VERSION).tar.gz

airflow: $(AIRFLOW)/.installed ## Airflow, in an environment of its own, for the tests of jobs/schedules

lint: $(VENV)/.dev ## ruff, mypy --strict, import directions
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev ## format the code and fix what ruff can fix
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove the virtual environments, the demo lake and what was built
	rm -rf $(VENV) $(AIRFLOW) demo build dist

# The first line that a machine without the right Python or Java prints says what to install.
ready:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11, 5) else "Python %d.%d.%d is too old: install Python 3.11.5 or newer, or run make PYTHON=/path/to/it" % sys.version_info[:3])'
	@$(PYTHON) r2d2/lake/java.py

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[demo]"
	@touch $@

$(VENV)/.dev: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	@touch $@

# 6 GB: torch comes with all that a GPU needs.
$(VENV)/.gpu: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[gpu]"
	@touch $@

$(VENV)/.bench: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[bench]"
	@touch $@

# uv because it takes a third of the time for 130 packages (20 s).
$(AIRFLOW)/.installed: jobs/schedules/airflow-requirements.txt
	$(PYTHON) -m venv $(AIRFLOW)
	$(AIRFLOW)/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	$(AIRFLOW)/bin/uv pip install --quiet --python $(AIRFLOW)/bin/python --requirement $<
	@touch $@
