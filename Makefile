# Everything from a fresh clone: each target makes .venv and installs into it first, once.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
RUN := $(VENV)/bin
WORKERS ?= 2
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install demo test check format lint types imports fast-tests clean

help: ## what each target does
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

install: $(INSTALLED) ## make .venv and install Camshaft with its tools

$(INSTALLED): pyproject.toml setup.py constraints.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 12))' || { \
		echo "Camshaft needs Python 3.11 (PyBullet has no wheels for later versions); '$(PYTHON)' is not."; \
		echo "Name one: make PYTHON=/path/to/python3.11 ..."; exit 1; }
	@test -x $(RUN)/python || "$(PYTHON)" -m venv $(VENV)
	@if command -v uv >/dev/null 2>&1; then \
		uv pip install --compile-bytecode --python $(RUN)/python -c constraints.txt -e '.[dev]'; \
	else \
		$(RUN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[dev]'; \
	fi
	@mkdir -p $(VENV)/mypy && ln -sfn ../.. $(VENV)/mypy/camshaft # where mypy finds the checkout as one package
	@touch $@

demo: $(INSTALLED) ## the whole loop: record, clone, drive unseen roads, report
	$(RUN)/camshaft demo

test: $(INSTALLED) ## all tests
	$(RUN)/python -m pytest -n $(WORKERS) --dist loadfile

check: lint types imports fast-tests ## format, lint, types, import rule, fast tests

format: $(INSTALLED) ## rewrite the code in the project's format
	$(RUN)/ruff format .
	$(RUN)/ruff check --fix .

lint: $(INSTALLED)
	$(RUN)/ruff format --check .
	$(RUN)/ruff check .

types: $(INSTALLED)
	MYPYPATH=$(VENV)/mypy $(RUN)/mypy

imports: $(INSTALLED)
	$(RUN)/lint-imports

fast-tests: $(INSTALLED)
	$(RUN)/python -m pytest -n $(WORKERS) --dist loadfile -m "not slow"

clean: ## remove .venv and what the tools left
	rm -rf $(VENV) build *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
