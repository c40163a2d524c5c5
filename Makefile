# Everything a newcomer needs: `make run` and `make test`. Both set up their own virtual environment first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.luna-ready
DEMO := demo
STUDY := study-demo
# One more than the cores of a small machine: consoles, children and disks are waited for in a third of the time.
WORKERS ?= 3
SELECT ?=
WORKSPACE ?=

export OMP_WAIT_POLICY := PASSIVE
export TOKENIZERS_PARALLELISM := false
# Set here or there against stray files; without bytecode each of the tests' two hundred processes would compile luna anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup run demo study test check lint pytest bench unsloth-cpu clean

help:  ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP)  ## make .venv with everything in it (llama.cpp is compiled for this machine: some 3 minutes on 2 cores)
	@$(if $(filter setup,$(MAKECMDGOALS)),cat $(STAMP),:)

$(STAMP): pyproject.toml $(wildcard .ci/*.py) .ci/llama.cmake .ci/preflight
	@sh .ci/preflight $(PYTHON) $(VENV)
	@$(PYTHON) .ci/setup.py $(VENV)

# On a GPU box `pip install 'luna-tui[unsloth]'` is right. On a CPU its metadata asks for a torchvision that does not load beside
# CPU torch, while on top of our own stack the two packages are all it takes.
unsloth-cpu:  ## Unsloth's CPU backend, on top of the installed stack
	@$(BIN)/python .ci/setup.py $(VENV) unsloth

run: setup  ## the console on the demo; without a terminal: one generation headless, and the report
	@test -f $(DEMO)/luna.toml || $(BIN)/luna-tui init $(DEMO) --demo
	@if [ -t 0 ] && [ -t 1 ]; then exec $(BIN)/luna-tui -w $(DEMO); fi; \
	$(BIN)/luna-tui -w $(DEMO) train && status=0 || status=$$?; \
	$(BIN)/luna-tui -w $(DEMO) lineage; exit $$status

demo: setup  ## the whole demo lineage, G0 to G3, in a fresh workspace
	@test -f $(DEMO)/luna.toml || $(BIN)/luna-tui init $(DEMO) --demo
	$(BIN)/luna-tui -w $(DEMO) train --generations 4

study: setup  ## micro-generations against one-shot training, three seeds, and the report (hours on a CPU; goes on where it was)
	@test -f $(STUDY)/luna.toml || { $(BIN)/luna-tui init $(STUDY) --demo && cp docs/study/luna.toml $(STUDY)/luna.toml; }
# What was interrupted goes on first; then the generations that the ledger does not have yet.
	@if ls -d $(STUDY)/models/generations/.staging-* >/dev/null 2>&1; then $(BIN)/luna-tui -w $(STUDY) train --resume; fi
	@missing=$$((4 - $$(tail -q -n +2 $(STUDY)/models/lineage_ledger.csv 2>/dev/null | wc -l))); \
	if [ $$missing -gt 0 ]; then $(BIN)/luna-tui -w $(STUDY) train --generations $$missing; fi
	$(BIN)/luna-tui -w $(STUDY) study --seeds 0,1,2
	$(BIN)/luna-tui -w $(STUDY) matrix --fill
	$(BIN)/luna-tui -w $(STUDY) report

test: setup  ## every test, real training included, three at a time; beside them format, lint, types and import rules
	@$(MAKE) --no-print-directory --jobs=2 lint pytest

check: setup  ## what every commit must pass: format, lint, types, import rules, fast tests
	@$(MAKE) --no-print-directory --jobs=2 lint pytest SELECT='-m "not slow and not gpu"'

lint:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports

# Who has finished early takes tests from who has not. Tests that must be alone wait for each other by themselves.
pytest:
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal $(SELECT)

bench: setup  ## every measured claim on this box, one JSON line each (hours; WORKSPACE=demo: of a lineage that is there)
	@$(BIN)/python bench/run_all.py $(WORKSPACE)

clean:  ## remove the virtual environment, the demo and the study workspace
	rm -rf $(VENV) $(DEMO) $(STUDY)
