# Each target does its own set-up, so that `git clone` and one command are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Another interpreter is another stamp, and so another environment in the same place.
STAMP := $(VENV)/.installed-$(shell $(PYTHON) -c 'import platform; print(platform.python_version())')

.PHONY: desk demo example test proof lint bench browser pictures lock clean
.DELETE_ON_ERROR:

# Goes on until Ctrl-C, and says which address to open.
desk: $(STAMP)
	@$(BIN)/journeytrace demo --keep

demo: $(STAMP)
	@$(BIN)/journeytrace demo

# A form to fill in, with both sides instrumented, and a collector behind it: examples/form.
example: $(STAMP)
	@$(BIN)/python examples/form/run.py

# Two at a time: most of what the tests take is waiting for the servers that they start.
test: lint
	tools/install-test-servers
	tools/install-browser-tools
	$(BIN)/pytest -n 2 --dist worksteal

# What takes long: more repetitions of what the tests try, and the benchmarks.
proof: $(STAMP)
	tools/install-test-servers
	tools/install-browser-tools
	$(BIN)/pytest -m proof -o timeout=3600 -o faulthandler_timeout=4000
	$(BIN)/python -m benchmarks

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP)
	$(BIN)/python -m benchmarks

# The script files that the collector and examples/form serve, anew from their sources.
browser: $(STAMP)
	tools/install-browser-tools
	PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix instrumentation/browser run script
	PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix instrumentation/browser run form

# What the README shows, from a real run.
pictures: $(STAMP)
	$(BIN)/python -m tools.pictures
	$(BIN)/python -m tools.desk_pictures

# Needs the network. docs/security.md says when, and how to look for known vulnerabilities.
lock:
	tools/lock

clean:
	rm -rf $(VENV)

# A bare Debian has python3 without venv; root gets it installed, anybody else is told.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "journeytrace needs Python 3.11 or newer; set PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq python3-venv; } || \
	  { echo "Python's venv module is missing: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
