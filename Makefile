# make help lists the targets; ./test runs every check without make.
.DEFAULT_GOAL := help
.PHONY: help setup run demo fix quick lint types house test coverage docs bench lock release

BIN := .venv/bin
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Make .venv with the locked tools and an editable FedSafe
	./test --setup

run: ## Three nodes on this machine, until Ctrl-C
	./run

demo: ## The same, ending after the main job
	./run --once

fix: ## Format, and mend what can be mended
	$(BIN)/ruff check --fix --quiet
	$(BIN)/ruff format --quiet

quick: ## What to run before each commit, in a few minutes
	./test --quick

lint: ## Style, licences
	./test --only lint

types: ## mypy --strict, then basedpyright for a second opinion
	./test --only types

house: ## No room may import a room above it
	./test --only house

test: ## The tests
	./test --only tests

coverage: ## The tests, traced: which branches they reach
	./test --only coverage

docs: ## Build the site into build/site
	./test --only docs

bench: setup ## One benchmark: make bench OF=lookup ARGS="--rounds 3"
	$(BIN)/python benchmarks/$(or $(OF),lookup).py $(ARGS)

lock: ## Renew both requirements files from pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade \
	  --exclude-newer "1 week" --generate-hashes --no-emit-index-url \
	  --extra openpgp --extra pdf --extra postgresql --extra sftp --group editable pyproject.toml --output-file requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade \
	  --exclude-newer "1 week" --generate-hashes --no-emit-index-url \
	  --extra openpgp --extra pdf --extra postgresql --extra sftp --group dev pyproject.toml --output-file requirements-dev.txt

release: setup ## Collect docs/changes into CHANGELOG.md, build dist/
	@git diff --quiet HEAD || { echo "commit first: the tree differs" >&2; exit 1; }
	! ls docs/changes/*.*.md >/dev/null 2>&1 || \
	  $(BIN)/towncrier build --yes --version "$(VERSION)"
	@grep -q "^## $(VERSION) " CHANGELOG.md || \
	  { echo "CHANGELOG.md says nothing of $(VERSION)" >&2; exit 1; }
	$(BIN)/python -m build --no-isolation
