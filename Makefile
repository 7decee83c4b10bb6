# `make quickstart` and `make test` need Python 3.11+ and make; everything else is installed into .venv.
# The Linux build of torch brings CUDA along (4.8 GB on disk). For the CPU build:
#     make quickstart TORCH_BACKEND=cpu

PYTHON ?= python3
TORCH_BACKEND ?=
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
INSTALL = $(BIN)/uv pip install --quiet --constraint constraints.txt $(if $(TORCH_BACKEND),--torch-backend $(TORCH_BACKEND)) --python
TEST_ARGS ?=
# Two processes; tests that share a server or the trained sample stay in one of them (tests/conftest.py).
PYTEST = $(BIN)/python -m pytest --numprocesses 2 --dist loadscope --no-loadscope-reorder

# Where Python may not keep bytecode, each command compiles torch anew: 11 s of CPU instead of 5.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help quickstart test test-unit lint format wheel serve constraints clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1	\2/p' Makefile

quickstart: $(VENV)/.sample  ## from nothing to explained recommendations
	$(BIN)/trailmix quickstart

test: $(VENV)/.test  ## all tests: unit, integration, end to end
	$(PYTEST) $(TEST_ARGS)

test-unit: $(VENV)/.test  ## the unit tests alone: no server, one to two minutes
	$(PYTEST) tests/unit -m 'not slow' $(TEST_ARGS)

lint: $(VENV)/.test $(VENV)/.lint  ## format, style, types and layers, checked
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.lint  ## rewrite the code in the house style
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

wheel: $(VENV)/.uv  ## build the wheel, and run its command in an empty environment
	rm -rf build dist
	$(BIN)/uv build --quiet --wheel --out-dir dist
	$(BIN)/uv venv --quiet --python $(BIN)/python dist/venv
	$(INSTALL) dist/venv/bin/python dist/*.whl
	cd dist && venv/bin/trailmix --help
	cd dist && venv/bin/trailmix recommend --help

serve: $(VENV)/.sample  ## the HTTP service on http://127.0.0.1:8000
	$(BIN)/trailmix serve

constraints: $(VENV)/.uv  ## resolve the pinned versions anew
	$(BIN)/uv pip compile --quiet --universal --upgrade --all-extras --no-emit-index-url --no-header --no-annotate \
		--python-version 3.11 --output-file constraints.txt pyproject.toml

clean:  ## remove the environment and everything Trailmix made here
	-$(BIN)/trailmix graph stop
	rm -rf $(VENV) .trailmix build dist

$(VENV)/.uv:
	$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Trailmix needs Python 3.11 or newer; name it: make quickstart PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	touch $@

$(VENV)/.sample $(VENV)/.test $(VENV)/.lint: $(VENV)/.%: $(VENV)/.uv pyproject.toml constraints.txt
	$(INSTALL) $(BIN)/python --editable '.[$*]'
	touch $@
