# Every target does its own set-up: a machine with Python >= 3.11 and make is enough.
# Recipes use relative paths only, so the checkout may lie under a path with spaces.

PYTHON ?= python3
VENV := .venv
LEAN := .venv-notorch
PY := $(VENV)/bin/python
LEAN_PY := $(LEAN)/bin/python
# The networks of the torchvision of torch 2.13, beside the environment: see from_torchvision.py.
THEIRS := build/torchvision
TORCHVISION := 0.28.0

# What must run where torch is not installed: named one by one, so that nothing drops out silently.
TORCH_FREE := scratch \
  parity_tests/torch_free \
  parity_tests/layers/test_data_gradient.py \
  parity_tests/layers/test_parameter.py \
  parity_tests/numeric/test_augment.py \
  parity_tests/numeric/test_bundled.py \
  parity_tests/numeric/test_conv_by_hand.py \
  parity_tests/numeric/test_colour.py \
  parity_tests/numeric/test_crops.py \
  parity_tests/numeric/test_data.py \
  parity_tests/numeric/test_data_files.py \
  parity_tests/numeric/test_decision_line.py \
  parity_tests/numeric/test_embedding.py \
  parity_tests/numeric/test_files.py \
  parity_tests/numeric/test_fold.py \
  parity_tests/numeric/test_formulas.py \
  parity_tests/numeric/test_gradcheck.py \
  parity_tests/numeric/test_gradcheck_nests.py \
  parity_tests/numeric/test_idx.py \
  parity_tests/numeric/test_in_parts.py \
  parity_tests/numeric/test_in_place.py \
  parity_tests/numeric/test_kernels.py \
  parity_tests/numeric/test_lr_range.py \
  parity_tests/numeric/test_normalise.py \
  parity_tests/numeric/test_npz.py \
  parity_tests/numeric/test_ops_layouts.py \
  parity_tests/numeric/test_ops_naive.py \
  parity_tests/numeric/test_ops_refusals.py \
  parity_tests/numeric/test_parts.py \
  parity_tests/numeric/test_pictures.py \
  parity_tests/numeric/test_predict_units.py \
  parity_tests/numeric/test_preprocess.py \
  parity_tests/numeric/test_recurrent.py \
  parity_tests/numeric/test_recurrent_parts.py \
  parity_tests/numeric/test_recurrent_refusals.py \
  parity_tests/numeric/test_run_pictures.py \
  parity_tests/numeric/test_scores.py \
  parity_tests/numeric/test_shapes.py \
  parity_tests/numeric/test_stopping.py \
  parity_tests/numeric/test_weights.py \
  parity_tests/numeric/test_winograd.py \
  parity_tests/training/test_bagging_script.py \
  parity_tests/training/test_output_files.py \
  parity_tests/training/test_presets.py \
  parity_tests/training/test_scratch_stops.py

# One thread per process: bit-equal sums, and two test workers do not fight for the cores.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-long test-full test-torchvision test-torch-free check bench mutants \
  report readme clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "The first target that needs it creates $(VENV) with the versions of constraints.txt."
	@echo "On Linux the plain torch wheel brings CUDA (several GB). For the CPU build, say once:"
	@echo "  PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu make demo"
	@echo "Another interpreter: make clean, then make demo PYTHON=python3.13"

demo: $(VENV)/.ready ## train LeNet-5 both ways on real digits, prove, export, write report.html
	$(PY) scripts/demo.py

test: $(VENV)/.ready ## run the tests (without the long ones)
	$(ONE_THREAD) $(PY) -m pytest -n 2 -m "not long and not full and not gpu"

test-long: $(VENV)/.ready ## run the long tests only
	$(ONE_THREAD) $(PY) -m pytest -m "long and not full and not gpu"

test-full: $(VENV)/.ready $(THEIRS)/.ready ## judge the published networks at full size, every tap (hours)
	$(ONE_THREAD) $(PY) -m pytest -m full parity_tests/models

test-torchvision: $(VENV)/.ready $(THEIRS)/.ready ## hold both twins against torchvision's networks (minutes)
	$(ONE_THREAD) $(PY) -m pytest -m full parity_tests/models/test_torchvision.py

test-torch-free: $(LEAN)/.ready ## run what needs no torch where there is no torch
	$(LEAN_PY) -c "import importlib.util as u, sys; sys.exit('$(LEAN) holds torch' if u.find_spec('torch') else 0)"
	$(ONE_THREAD) $(LEAN_PY) -m pytest -q -m "not long and not full and not gpu" $(TORCH_FREE)

check: $(VENV)/.ready ## ruff, formatting, mypy, import contracts, then the torch-free tests
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports --no-logo
	$(MAKE) --no-print-directory test-torch-free

bench: $(VENV)/.ready ## measure the speed of both twins: a table, build/bench.json and bench.png
	@mkdir -p build
	$(PY) scripts/bench.py --json build/bench.json --picture build/bench.png

mutants: $(VENV)/.ready ## plant faults in scratch and count who notices (an hour)
	@mkdir -p build
	$(ONE_THREAD) $(PY) scripts/mutants.py --json build/mutants.json

report: $(VENV)/.ready ## prove everything in both precisions, write build/report.html (half an hour)
	@mkdir -p build
	$(ONE_THREAD) $(PY) -m parity_tests --all --dtype both --json build/parity.json --html build/report.html \
	  $(if $(wildcard build/mutants.json),--mutants build/mutants.json)

readme: report ## measure everything, then write README's table and picture
	$(PY) scripts/bench.py --json build/bench.json
	$(PY) scripts/readme.py --parity build/parity.json --speed build/bench.json \
	  $(if $(wildcard build/mutants.json),--mutants build/mutants.json)

clean: ## remove the environments, caches and build products; runs and data stay
	rm -rf $(VENV) $(LEAN) build dist *.egg-info
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find scratch ref_torch parity_tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +

# $(call create,FOLDER): a virtual environment, after checking that there is a Python to make it with.
define create
	@command -v "$(PYTHON)" >/dev/null 2>&1 || { \
	  echo "$(PYTHON) is not installed or not on the PATH; install Python >= 3.11 or say make PYTHON=/path/to/python" >&2; exit 2; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python >= 3.11 is needed; $$("$(PYTHON)" --version 2>&1) is $(PYTHON); say make PYTHON=python3.11 or newer" >&2; exit 2; }
	@test -x $(1)/bin/python || "$(PYTHON)" -m venv $(1) || { \
	  echo "$(PYTHON) could not create $(1); on Debian and Ubuntu: apt install python3-venv" >&2; rm -rf $(1); exit 2; }
endef

$(VENV)/.ready: pyproject.toml constraints.txt
	$(call create,$(VENV))
	$(PY) -m pip install -c constraints.txt -e '.[torch,deploy,dev]'
	@touch $@

$(THEIRS)/.ready: $(VENV)/.ready
	rm -rf $(THEIRS)
	$(PY) -m pip install -q --no-deps --target $(THEIRS) torchvision==$(TORCHVISION)
	@touch $@

$(LEAN)/.ready: pyproject.toml constraints.txt
	$(call create,$(LEAN))
	$(LEAN_PY) -m pip install -q -c constraints.txt -e . pytest
	@touch $@
