# Everything one needs to type. `make run` shows the main job, `make test` proves it; both set up what is missing.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: run test setup tshark captures golden screenshots bench clean
.DEFAULT_GOAL := run

run: setup  ## the lab's live handshake on the ladder, offline; printed where there is no terminal
	@if [ -t 0 ] && [ -t 1 ]; then \
	  $(BIN)/tlsviz lab; \
	else \
	  $(BIN)/tlsviz lab && $(BIN)/tlsviz open captures/tls13.pcapng --ca captures/ca.pem; \
	fi

test: setup  ## lint, types, import contracts, tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@# Workers beyond the processors: many tests wait. What is compiled for one, the others need not.
	PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n auto --dist worksteal

setup: $(READY) tshark

$(READY): pyproject.toml tlsviz/__init__.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "tlsviz needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	@[ -x $(BIN)/python ] && $(BIN)/python -m pip --version >/dev/null 2>&1 || \
	  { rm -rf $(VENV); $(PYTHON) -m venv $(VENV) >/dev/null 2>&1; } || \
	  { rm -rf $(VENV); sh docs/install.sh python3-venv && $(PYTHON) -m venv $(VENV); }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@$(BIN)/python -m compileall -q tlsviz
	@touch $@

tshark:
	@command -v tshark >/dev/null || sh docs/install.sh tshark

captures: setup  ## make the sample captures anew, from the lab
	$(BIN)/python captures/make.py

golden: setup  ## write the annotated dumps of tests/golden anew
	$(BIN)/python tests/golden/make.py

screenshots: setup  ## make the pictures anew, from the sample captures
	$(BIN)/python screenshots/make.py

bench: setup  ## benchmarks: ratios against a peer in the same run
	@for bench in tests/benchmarks/*.py; do echo "$$bench"; $(BIN)/python $$bench; done

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
