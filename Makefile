# `make demo` and `make test` do all their own set-up; nothing but Python 3.11+ and git is needed.

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
AGREEMENT := $(VENV)/.agreement

.PHONY: demo test test-all agreement mutate check docs site picture lock clean
.DEFAULT_GOAL := demo

demo: $(READY) ## run the main job on the sample crawl
	$(BIN)/thresher demo --folder demo

test: $(READY) ## static checks and the default test suite
	$(MAKE) --no-print-directory check
	$(BIN)/python -m pytest -q

test-all: $(AGREEMENT) ## everything, with the slow and the chaos tests
	$(MAKE) --no-print-directory check
	$(BIN)/python -m pytest -q -m "not slow and not chaos"
	$(BIN)/python -m pytest -q -m "slow or chaos" --timeout 900

agreement: $(AGREEMENT) ## install what datatrove's own filters need, to hold ours against them

mutate: $(READY) ## change the code that decides correctness and see whether a test notices: 90 minutes
	$(BIN)/python tests/mutation/mutate.py $(MUTATE)

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(READY) ## write the reference pages in docs/ again
	$(BIN)/python -m thresher.jobs.docs

site: $(READY) ## make a site of all pages in build/site; any broken link fails
	$(BIN)/python -m thresher.jobs.docs.site build/site

picture: demo ## take the picture of the demo's report again (needs Chromium)
	$(BIN)/python -m thresher.jobs.docs.picture demo/lake/report.html

lock: ## resolve requirements.lock again (needs uv)
	uv pip compile pyproject.toml --extra train --group models --group dev --group docs --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-annotate --no-emit-index-url --upgrade -o requirements.lock
	uv pip compile --group agreement -c requirements.lock --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-annotate --no-emit-index-url --upgrade -o agreement.lock

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Thresher needs Python 3.11, 3.12 or 3.13 on the PATH"; exit 2; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $(READY)

$(AGREEMENT): agreement.lock $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r agreement.lock
	touch $(AGREEMENT)

clean:
	rm -rf $(VENV) demo build *.egg-info
