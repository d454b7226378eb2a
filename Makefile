# The newest of these that runs and can make a virtual environment; `make PYTHON=…` overrides.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
UV ?= uv

.PHONY: demo test check format lock mutants

demo: .venv/.stamp
	.venv/bin/crmkit demo

test: .venv/.stamp
	.venv/bin/pytest

check: .venv/.stamp
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	.venv/bin/mypy
	.venv/bin/lint-imports

# Breaks the rules one by one and says which test notices; takes some minutes.
mutants: .venv/.stamp
	.venv/bin/python -m tests.house.mutants $(RULE)

format: .venv/.stamp
	.venv/bin/ruff format
	.venv/bin/ruff check --fix

lock:
	$(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 --extra dev --output-file requirements.lock pyproject.toml

# The lock is complete, so nothing has to be resolved; and only what is imported is compiled,
# which saves a newcomer half a minute.
unexport PYTHONDONTWRITEBYTECODE
.venv/.stamp: pyproject.toml requirements.lock
	@test -n "$(PYTHON)" || { echo "crmkit needs Python 3.11 or newer with venv." >&2; exit 1; }
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --no-deps --no-compile --require-hashes -r requirements.lock
	.venv/bin/pip install --quiet --no-build-isolation --no-deps -e .
	touch $@
