# The environment, the checks and the demonstration. `make` alone lists the targets.
.DEFAULT_GOAL := help
.PHONY: help setup demo test bench lock messages trust clean

BIN := .venv/bin
DEMO ?= specs/berkeley.yaml
JOBS ?= 2

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 16

setup: ## make or refresh .venv (PYTHON=... names the interpreter)
	@bash scripts/bootstrap.sh

demo: setup ## fit one story and write its report under build/demo
	$(BIN)/dagreg fit $(DEMO) -o build/demo
	@echo "The report: build/demo/report.html" >&2

test: setup ## lint, types, layers, tests: what continuous integration runs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest -n $(JOBS) --durations=15

trust: setup ## the long comparison with brute force and peers
	DAGREG_TRUST=$${DAGREG_TRUST:-20000} $(BIN)/pytest -n $(JOBS) tests/test_graph_brute.py tests/test_identify_brute.py \
	    tests/test_identify_worlds.py tests/test_odd_tables.py

bench: setup ## identification and fits beside their peers, which are installed into build/bench-venv, one by one
	@test -x build/bench-venv/bin/python || $(BIN)/python -m venv build/bench-venv
	@build/bench-venv/bin/python -m pip install --quiet --disable-pip-version-check --editable .
	@for peer in ciflypy dowhy pathmc bambi; do \
	    build/bench-venv/bin/python -m pip install --quiet --disable-pip-version-check $$peer \
	        || echo "bench: could not install $$peer; the table says so" >&2; \
	done
	build/bench-venv/bin/python benchmarks/identification.py --write benchmarks/RESULTS.md
	build/bench-venv/bin/python benchmarks/fits.py --write benchmarks/RESULTS.md
	build/bench-venv/bin/python benchmarks/engines.py --write benchmarks/RESULTS.md

lock: setup ## resolve the dependencies again (addresses stay out of the file)
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.12 --generate-hashes \
	    --no-emit-index-url --no-emit-find-links --no-header --no-annotate \
	    --extra dev --output-file requirements.lock pyproject.toml
	@! grep -n '://' requirements.lock

messages: setup ## write docs/messages anew, a page for each code
	$(BIN)/python scripts/messages.py

clean: ## remove what the other targets made, .venv included
	rm -rf .venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
