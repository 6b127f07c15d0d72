# The short commands. `make chat` runs the main job, `make test` the tests; each sets up what it needs.

VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)
PYTHON ?= python3
PACKAGE := $(shell git ls-files chains adapters evals ui 2>/dev/null)

.PHONY: install chat test weaviate format lint types docs bench build clean

install: $(VENV)/.dependencies $(VENV)/.package

# Dependencies first: they change seldom and take minutes; the package changes often and takes a second.
$(VENV)/.dependencies: constraints.txt pyproject.toml
ifdef UV
	test -x $(BIN)/python || uv venv --python '>=3.11' $(VENV)
	uv pip sync --python $(BIN)/python constraints.txt
else
	test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r constraints.txt
endif
	rm -f $(VENV)/.package
	touch $@

$(VENV)/.package: pyproject.toml README.md $(PACKAGE) $(VENV)/.dependencies
ifdef UV
	uv pip install --quiet --python $(BIN)/python --no-deps --reinstall-package ragweave .
else
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall .
endif
	touch $@

chat: install
	$(BIN)/ragweave chat README.md docs

test: install
	$(BIN)/pytest

weaviate: .tools/weaviate-server

.tools/weaviate-server:
	mkdir -p .tools
	GOBIN=$(CURDIR)/.tools go install github.com/weaviate/weaviate/cmd/weaviate-server@v1.39.0

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

types: install
	$(BIN)/mypy

docs: install
	$(BIN)/pytest tests/test_docs.py

bench: install
	$(BIN)/python benchmarks/retrieval.py
	$(BIN)/python benchmarks/answers.py
	$(BIN)/python benchmarks/ingest.py
	$(BIN)/python benchmarks/search.py
	$(BIN)/python benchmarks/imports.py
	$(BIN)/python benchmarks/formats.py
	$(BIN)/python benchmarks/chain.py
	$(BIN)/python benchmarks/adapters.py

build: install
	rm -rf dist
	$(BIN)/python -m build

clean:
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
