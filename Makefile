# Two commands are enough: `make run` and `make test`. Both set everything up first, once.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup run sql test slow recovery bench evaluate maintain fmt lint types docs lock wheel clean

JOB ?= $(addprefix conf/bundle/,$(addsuffix .job.yml,embeddings simulation marketing mmm planning))
CONF ?= conf/local.yml
ARGS ?=
# Another Spark or Python path on this machine must not stand in for the one in .venv.
unexport SPARK_HOME SPARK_CONF_DIR PYSPARK_SUBMIT_ARGS PYTHONPATH PYTHONHOME
# Without bytecode kept, every process of every job would compile TensorFlow's Python again.
unexport PYTHONDONTWRITEBYTECODE
export PYSPARK_PYTHON := $(CURDIR)/.venv/bin/python
export PYSPARK_DRIVER_PYTHON := $(PYSPARK_PYTHON)
# TensorFlow's own warnings only: its advice on processors hides what the jobs say.
export TF_CPP_MIN_LOG_LEVEL ?= 2
# The Java that the set-up found: the default one of the machine may be another.
PY = JAVA_HOME="$$(cat .venv/java_home)" PATH="$(CURDIR)/.venv/bin:$$PATH" .venv/bin/python

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo '  ARGS="..." is handed on: make run ARGS="--from embed", make test ARGS="tests/test_bundle.py -x"'

setup: ## install everything into .venv; where it is in place, nothing happens
	@conf/setup/setup.sh

run: setup ## compute everything on this machine: embeddings, a simulated marketplace, marketing, media mix models, next month's plan (JOB=, CONF=, ARGS= change which, how, what part)
	@$(PY) -m pma.workflow run $(JOB) --var conf=$(CONF) $(ARGS)

# Q goes to the shell as it was typed, in the environment: neither make nor the shell reads a ` or $ in it.
sql: override export Q := $(value Q)
sql: setup ## ask the warehouse: make sql Q="SELECT * FROM bl.runs"
	@$(PY) -m pma.query --conf $(CONF) "$$Q" $(ARGS) 2> >(grep -v -E "WARN|log4j|log level|logging level" >&2)

test: setup ## run the tests
	@$(PY) -m pytest -m "not slow" $(ARGS)

slow: setup ## run the studies of minutes
	@$(PY) -m pytest -m slow -s $(ARGS)

recovery: setup ## fit worlds of known truth, and print what is right beside its bars
	@OMP_NUM_THREADS=1 $(PY) -m pytest tests/slow -m recovery -s $(ARGS)

bench: setup ## measure speed and memory, and print a table
	@$(PY) tests/bench/run.py $(ARGS)

evaluate: setup ## print the quality of the embeddings in the warehouse; measure it where it was not yet
	@$(PY) -m pma.workflow run conf/bundle/embeddings.job.yml --var conf=$(CONF) --only quality $(ARGS)

maintain: setup ## compact the tables and delete files that nothing reads any more
	@$(PY) -m pma.workflow run conf/bundle/maintenance.job.yml --var conf=$(CONF) $(ARGS)

fmt: setup ## format the code
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

lint: setup ## check style and types
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy

types: setup ## check types alone
	@$(PY) -m mypy

docs: setup ## write docs/tables.md and conf/base.yml from the declarations
	@$(PY) -m pma.catalogue docs/tables.md
	@$(PY) -m pma.defaults conf/base.yml

lock: setup ## resolve setup.py and conf/setup/build.in to conf/setup/requirements.lock; ARGS=--upgrade takes newer versions
	@$(PY) -m uv pip compile setup.py conf/setup/build.in --python-version 3.12 \
		--extra spark --extra dl --extra mmm --extra ray --extra demo --extra google --extra dev \
		--no-annotate --no-header --quiet --output-file conf/setup/requirements.lock $(ARGS)

wheel: setup ## build dist/*.whl, as the Databricks bundle does
	@$(PY) -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

clean: ## remove what was installed, built and cached here; the warehouse stays
	rm -rf .venv .cache build dist pma.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis spark-warehouse metastore_db
