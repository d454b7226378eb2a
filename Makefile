# The newest of these that runs and can make a virtual environment; `make PYTHON=…` overrides.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
UV ?= uv

GRAPHIQL := crmkit/graph/graphiql

.PHONY: demo test soak bench bench-growth check mutants browser format lock environment runnable graphiql try-graphiql

# One fetches from PyPI while the other fetches from npm.
demo:
	@$(MAKE) --no-print-directory --jobs=2 runnable try-graphiql
	.venv/bin/crmkit demo

test:
	@$(MAKE) --no-print-directory --jobs=2 environment graphiql
	.venv/bin/pytest

# Asks ten thousand operations of both engines and of the oracle in tests/oracle, and ten thousand
# of a server, which may not grow by them; sends ten thousand requests that nobody should send;
# starts every subset of the bundled plugins; runs two thousand random programs of writes and nine
# hundred random operations on each engine; imports a file that makes a million rows; kills servers
# under load twenty times, and an upgrade at each of its statements; has a hundred clients listen
# while a thousand events are told; asks PostgreSQL, too, what is kept of documents and what
# becomes of a webhook whose worker dies; and tries other examples where `make test` tries the same.
soak: .venv/.stamp
	CRMKIT_SOAK=1 .venv/bin/pytest -n 0 tests/oracle tests/graph/test_memory.py tests/graph/test_fuzz.py \
		tests/cli/test_import_memory.py tests/processes \
		tests/host/test_upgrades.py tests/examples/test_cluster.py tests/plugins/test_subsets.py \
		tests/store/test_buffer.py tests/engine/test_generated.py tests/engine/test_paging.py \
		tests/values tests/tags tests/customers/test_addresses.py tests/customers/test_fields.py \
		tests/access/test_limits.py tests/graph/test_variables.py \
		$(addprefix tests/plugins/,feedback grading loyalty referrals tasks test_merging_adds_up.py)

# How fast all this is, beside what else answers the same questions: `make bench CUSTOMERS=20000
# ENGINE=postgresql ONLY=Q1,Q2 AGAINST=limit`. Databases are kept in .bench and used again.
BENCH := CUSTOMERS INTERACTIONS ENTRIES ENGINE ONLY AGAINST DATABASE ROUNDS SECONDS FOLDER
lower = $(shell echo $(1) | tr A-Z a-z)
OPTIONS = $(foreach each,$(BENCH),$(if $($(each)),--$(call lower,$(each)) "$($(each))"))
bench: .venv/.stamp
	$(INSTALL) --no-compile --require-hashes -r tests/benchmarks/requirements.lock
	.venv/bin/python -m tests.benchmarks $(OPTIONS)

# What the same questions cost with ten times as many customers, and what PostgreSQL reads.
bench-growth: .venv/.stamp
	.venv/bin/python -m tests.benchmarks.growth $(OPTIONS)

check: .venv/.stamp
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	.venv/bin/mypy
	.venv/bin/lint-imports

# Breaks the rules one by one and says which test notices; takes some minutes.
mutants: .venv/.stamp
	.venv/bin/python -m tests.house.mutants "$(RULE)"

# Tries GraphiQL in a Chromium of this machine; without what drives one, its tests are skipped.
browser: .venv/.stamp graphiql
	$(INSTALL) --no-compile --require-hashes -r tests/browser/requirements.lock
	.venv/bin/pytest -n 0 tests/browser

# Runs clients that others have written against `crmkit serve`; it takes node and npm.
clients: .venv/.stamp tests/clients/node_modules/.stamp tests/clients/generated/venv/.stamp
	.venv/bin/pytest -n 0 tests/clients/real_clients.py

tests/clients/node_modules/.stamp: $(addprefix tests/clients/,.npmrc package-lock.json)
	cd tests/clients && npm ci
	touch $@

# They want another graphql-core than ours.
tests/clients/generated/venv/.stamp: tests/clients/python.lock
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet --no-deps --require-hashes -r $<
	touch $@

format: .venv/.stamp
	.venv/bin/ruff format
	.venv/bin/ruff check --fix

lock:
	$(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 --extra dev --output-file requirements.lock pyproject.toml
	echo hatchling | $(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		--no-annotate --python-version 3.11 --constraint requirements.lock \
		--output-file requirements-run.lock pyproject.toml -
	for each in $(GRAPHIQL)/npm tests/clients; do (cd $$each && npm install --package-lock-only); done
	cd tests/benchmarks/postgraphile && npm install --package-lock-only
	for each in $(GRAPHIQL)/npm/node tests/browser/requirements tests/benchmarks/requirements; do \
		$(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
			--no-annotate --python-version 3.11 --output-file $$each.lock $$each.in; done

environment: .venv/.stamp
	@:

runnable: .venv/.run
	@:

graphiql: $(GRAPHIQL)/fetched/.stamp
	@:

# The demo is worth seeing where npm cannot be reached, too.
try-graphiql:
	@$(MAKE) --no-print-directory graphiql || \
		echo "Going on without GraphiQL, which is fetched from npm; make graphiql tries again." >&2

$(GRAPHIQL)/fetched/.stamp: $(addprefix $(GRAPHIQL)/npm/,.npmrc fetch node.lock package-lock.json)
	$(GRAPHIQL)/npm/fetch $(PYTHON)

# The locks are complete, so nothing has to be resolved; and only what is imported is compiled,
# which saves a newcomer half a minute. To see it run takes two thirds of what working on it takes.
unexport PYTHONDONTWRITEBYTECODE
INSTALL := .venv/bin/pip install --quiet --no-deps
.venv/.run: pyproject.toml requirements-run.lock
	@test -n "$(PYTHON)" || { echo "crmkit needs Python 3.11 or newer with venv." >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(INSTALL) --no-compile --require-hashes -r requirements-run.lock
	$(INSTALL) --no-build-isolation -e .
	touch $@

.venv/.stamp: .venv/.run requirements.lock
	$(INSTALL) --no-compile --require-hashes -r requirements.lock
	touch $@
