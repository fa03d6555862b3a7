# geoclusters: `make` sets up an environment, runs the sample study and prints where the map is.
# Real files are targets, so that only what changed runs again. `make help` lists everything.

PYTHON ?= python3
VENV ?= .venv
OUT ?= out
RUN := $(VENV)/bin
STUDY ?=
SIZE ?= 1e7
EVALUATION ?= ../shared/data

# The folder of a run: out/<name of the study file>; the sample study's is out/sample.
NAME := $(if $(STUDY),$(notdir $(basename $(STUDY))),sample)
DIR ?= $(OUT)/$(NAME)

SOURCES := $(shell find geoclusters -name '*.py' -o -path '*assets*' -type f -o -path '*tables*' -type f 2>/dev/null)

.DEFAULT_GOAL := map
.DELETE_ON_ERROR:
.PHONY: map test extras clusters maps notebooks evaluate bench lint format screenshots clean help

map: $(DIR)/run.json ## Set up, run the sample study (or STUDY=my.toml), print where the map is
	@echo "The map is at $(DIR)/map.html"

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(RUN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(RUN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(RUN)/python -m pip install --quiet --group dev
	@touch $@

$(VENV)/.installed-peers: $(VENV)/.installed-dev
	$(RUN)/python -m pip install --quiet --group peers
	@touch $@

$(VENV)/.installed-spark: $(VENV)/.installed-dev
	$(RUN)/python -m pip install --quiet --group spark
	@touch $@

$(DIR)/run.json: $(STUDY) $(SOURCES) | $(VENV)/.installed
	$(RUN)/geoclusters run $(STUDY) --out $(DIR)

# New boundaries: RADIUS_KM, MIN_DENSITY, MERGE_GAP_KM, RESOLUTION are passed on when they are given.
CHANGES := $(if $(RADIUS_KM),--radius-km $(RADIUS_KM)) $(if $(MIN_DENSITY),--min-density $(MIN_DENSITY)) \
           $(if $(MERGE_GAP_KM),--merge-gap-km $(MERGE_GAP_KM)) $(if $(RESOLUTION),--resolution $(RESOLUTION))
TAG := $(if $(RADIUS_KM),-radius$(RADIUS_KM))$(if $(MIN_DENSITY),-density$(MIN_DENSITY))$(if \
       $(MERGE_GAP_KM),-gap$(MERGE_GAP_KM))$(if $(RESOLUTION),-res$(RESOLUTION))

clusters: $(DIR)$(TAG)/run.json ## Boundaries again with RADIUS_KM=… MIN_DENSITY=… MERGE_GAP_KM=… RESOLUTION=… (STUDY=my.toml)
	@echo "The map is at $(DIR)$(TAG)/map.html"

ifneq ($(TAG),)
$(DIR)$(TAG)/run.json: $(DIR)/run.json
	$(RUN)/geoclusters cluster $(DIR) $(CHANGES) --out $(DIR)$(TAG)
endif

maps: $(DIR)/run.json ## Draw the map and the pages again
	$(RUN)/geoclusters map $(DIR)

test: $(VENV)/.installed-dev ## Run the whole test suite (tests that want Chromium, the peers or Spark are skipped without them)
	$(RUN)/python -m pytest -n 3 --dist loadfile

extras: $(VENV)/.installed-dev $(VENV)/.installed-peers $(VENV)/.installed-spark ## Install all that tests can use: the peers of the benchmarks, Spark (which needs Java)

notebooks: $(VENV)/.installed-dev ## Run the notebooks
	$(RUN)/python -m pytest tests/test_notebook.py

evaluate: $(VENV)/.installed-dev ## Run the studies on real data, measure geocoding, ROR and population; fail when a figure falls under its floor
	$(RUN)/python benchmarks/evaluate.py --data $(EVALUATION) --out $(OUT)/evaluation

bench: $(VENV)/.installed-peers ## Measure against other libraries, into benchmarks/RESULTS.md: SIZE=1e6 (2 minutes), 1e7, 1e8
	$(RUN)/python benchmarks/report.py --size $(SIZE) --folder $(OUT)/bench

lint: $(VENV)/.installed-dev ## Check style and types
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy

format: $(VENV)/.installed-dev ## Format the code
	$(RUN)/ruff format .
	$(RUN)/ruff check --fix-only .

screenshots: $(DIR)/run.json $(VENV)/.installed-dev ## Take the pictures of README and docs
	$(RUN)/python scripts/screenshots.py $(DIR) docs/pictures

clean: ## Remove results; the environment stays
	rm -rf $(OUT)

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
