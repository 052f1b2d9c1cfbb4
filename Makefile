# The two commands that matter: `make run` and `make test`. Everything else is a part of them.
.DEFAULT_GOAL := help
PYTHON ?= python3
UV_VERSION := 0.13.8
BIN := .venv/bin
# Where a machine forbids keeping compiled modules, every start compiles them all anew and takes three times as long.
unexport PYTHONDONTWRITEBYTECODE

.venv/installed: uv.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/uv sync --frozen --quiet --inexact --compile-bytecode
	touch $@

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:[^#]*##/\t/' | sort

setup: .venv/installed ## Make the virtual environment by the lock file

run: setup explorer-if-possible ## Serve with demo data on embedded PostgreSQL and Redis
	@$(BIN)/wingding run

test: setup ## Run the tests
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not outside"

# SHIFT is a number of hours or a moment, SEED gives the order. What was drawn is printed; given again, it repeats the run.
test-shifted: SEED := $(or $(SEED),$(shell date +%S%N))
test-shifted: setup ## Run the tests on another day and in another order; SHIFT, SEED and TESTS choose
	@SEED=$(SEED) $(BIN)/python -m tests.tools.shifted $(or $(SHIFT),random) $(BIN)/python -m pytest -n 2 \
		--dist worksteal -p randomly --randomly-seed=$(SEED) $(or $(TESTS),-m "not outside")

test-outside: setup ## Run the tests that need npm, a browser or many kills
	$(BIN)/python -m pytest -m outside

fuzz: setup ## Compare the engine with the reference on 20,000 random operations; FUZZ_CASES, FUZZ_SEED for others
	FUZZ_CASES=$${FUZZ_CASES:-20000} $(BIN)/python -m pytest tests/fuzz/test_oracle.py tests/api/core/test_viewer_can.py

lint: setup ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

schema: setup ## Write schema.graphql
	$(BIN)/wingding schema > schema.graphql

SCHEMA_LINT := .ci/schema-lint
$(SCHEMA_LINT)/node_modules/.package-lock.json: $(SCHEMA_LINT)/package-lock.json
	cd $(SCHEMA_LINT) && npm ci --no-audit --no-fund --silent

lint-schema: setup $(SCHEMA_LINT)/node_modules/.package-lock.json ## Lint schema.graphql and refuse changes that break clients
	$(BIN)/python -m tests.tools.schema_changes
	cd $(SCHEMA_LINT) && npm run --silent lint

release-schema: setup ## Make schema.graphql the schema of the last release (docs/schema-changes.md)
	$(BIN)/python -m tests.tools.schema_changes --release

migrate: setup ## Bring the database to the newest migration
	$(BIN)/wingding migrate

seed: setup ## Load demo data
	$(BIN)/wingding seed

bench: setup peers-if-possible ## Measure against other servers (benchmarks/README.md); QUICK=1 for a short pass
	$(BIN)/python -m benchmarks

PEERS := benchmarks/peers
$(PEERS)/node_modules/.package-lock.json: $(PEERS)/package-lock.json
	cd $(PEERS) && npm ci --no-audit --no-fund --silent

# Peers that are not installed are skipped by name.
peers-if-possible:
	@$(MAKE) --no-print-directory $(PEERS)/node_modules/.package-lock.json || true

explorer: explorer/dist/index.html ## Build GraphiQL

sbom: setup ## Write bills of materials (CycloneDX) into build/
	mkdir -p build
	$(BIN)/uv export --frozen --no-dev --quiet --format cyclonedx1.5 --output-file build/sbom-python.json >/dev/null
	cd explorer && npm sbom --sbom-format cyclonedx --package-lock-only > ../build/sbom-explorer.json

explorer/dist/index.html: explorer/package-lock.json explorer/build.mjs $(wildcard explorer/src/* explorer/src/*/*)
	cd explorer && npm ci --no-audit --no-fund && npm run build

explorer-if-possible:
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory explorer || true; fi

.PHONY: sbom help setup run test test-shifted test-outside bench peers-if-possible lint lint-schema schema release-schema migrate seed explorer explorer-if-possible
