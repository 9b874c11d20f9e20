# make help lists the targets; ./test runs every check without make.
.DEFAULT_GOAL := help
.PHONY: help setup fix lint types house test coverage docs lock

BIN := .venv/bin

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Make .venv with the locked tools and an editable FedSafe
	./test --setup

fix: ## Format, and mend what can be mended
	$(BIN)/ruff check --fix --quiet
	$(BIN)/ruff format --quiet

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

lock: ## Renew both requirements files from pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade \
	  --exclude-newer "1 week" --generate-hashes --no-emit-index-url \
	  --extra openpgp --extra pdf --extra postgresql --extra sftp --group editable pyproject.toml --output-file requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade \
	  --exclude-newer "1 week" --generate-hashes --no-emit-index-url \
	  --extra openpgp --extra pdf --extra postgresql --extra sftp --group dev pyproject.toml --output-file requirements-dev.txt
