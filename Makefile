# The two commands a newcomer needs are `make score` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RESULT := out/recommendations.csv

.PHONY: score test lint types default notebooks bench experiments scoreboard clean fuzz

score: $(VENV)/.scoring ## Score the sample export with the shipped release.
	@mkdir -p $(dir $(RESULT))
	$(BIN)/classifier score data/samples/export.csv -o $(RESULT) --show 12

test: $(VENV)/.development lint types ## Lint, types, tests, doctests.
	$(BIN)/python -m pytest

lint: $(VENV)/.development
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.development
	$(BIN)/mypy

# With CLASSIFIER_MIRROR=FOLDER the corpora are taken from there, without a network.
default: $(VENV)/.development ## Train models/default again as it is shipped, and say whether its digest changed.
	$(BIN)/classifier corpora fetch
	$(BIN)/classifier train --out models/default --gate --test

bench: $(VENV)/.development ## Measure speed against other programs, each in its own environment: benchmarks/RESULTS.md.
	$(BIN)/python benchmarks/run.py

experiments: $(VENV)/.development ## One change of the recipe at a time, on dev messages: docs/experiments.md (an hour; goes on where it ended).
	$(BIN)/python benchmarks/experiments.py

scoreboard: $(VENV)/.development ## The shipped release against baselines trained on its rows: docs/scoreboard.md (ten minutes).
	$(BIN)/python benchmarks/scoreboard.py

notebooks: $(VENV)/.development ## Write notebooks/*.ipynb anew from their .py, without outputs.
	$(BIN)/jupytext --quiet --to ipynb notebooks/*.py

SECONDS_EACH ?= 60
fuzz: $(VENV)/.development ## Fuzz every target for SECONDS_EACH seconds (needs the extra "fuzz" for atheris).
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[fuzz]' || true
	$(BIN)/python fuzz/run.py $(SECONDS_EACH)

clean:
	rm -rf $(VENV) out build dist

# Each stamp is made anew when the project file changes.
$(VENV)/.scoring: pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.development: pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/.scoring
