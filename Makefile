# Two commands: `make demo` and `make test`. Both set up what they need.
# Every other target is listed by `make help`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
BUNDLE := dist/consultorio/consultorio
BUNDLED = $(shell find alembic desktop resources sync -name __pycache__ -prune -o -print)

.DEFAULT_GOAL := help
.PHONY: help setup system servers failures demo web-booking test lint format bench bench-sync bench-backup package package-test screenshots race mutations simulate simulate-mutations histories fuzz-archive fuzz-foreign trouble-backup trouble-upload restore-race clean

help: ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

setup: system $(STAMP) ## the virtual environment with the locked dependencies

system:
	@sh tests/support/system_libraries.sh

$(STAMP): requirements-dev.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Consultorio needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup ## a clinic with two workstations side by side, on an embedded server
	$(BIN)/python -m tests.demo

web-booking: setup ## books a slot "from the web" in the running demo
	$(BIN)/python -m tests.demo web-booking

servers:
	@sh tests/support/system_servers.sh

test: setup servers ## every test
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4

lint: setup ## style, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## formats the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup ## the figures of the design, as ratios in one run (build/bench.json)
	$(BIN)/python -m tests.bench

bench-sync: setup ## the same of the sync: first sync, offline work, a busy hour (build/bench-sync.json)
	$(BIN)/python -m tests.bench.sync

bench-backup: setup ## the same of backups: full, of a day, memory, many tenants (build/bench-backup.json)
	$(BIN)/python -m tests.bench.backup

failures: setup servers ## every failure case (docs/failures.md) on PostgreSQL 15, 16 and 18
	CONSULTORIO_FAILURES=all $(BIN)/python -m pytest tests/failures tests/sync_client tests/sync_server --numprocesses auto --maxprocesses 4

race: setup ## the long form of the double-booking race
	CONSULTORIO_RACE_ROUNDS=200 $(BIN)/python -m pytest tests/story/test_race.py -q

package: setup $(BUNDLE) ## the program as a folder that needs no Python (dist/consultorio)

$(BUNDLE): build.spec $(STAMP) $(BUNDLED) | system
	@mkdir -p build && touch build/begun
	$(BIN)/pyinstaller --noconfirm --log-level WARN build.spec
	@touch -r build/begun $@ # what changed meanwhile is for the next time

package-test: package ## starts the packaged program: joins, syncs, takes pictures
	$(BIN)/python -m tests.package_smoke

mutations: setup ## breaks a copy of the code on purpose, and sees that a test notices each time
	$(BIN)/python -m tests.mutations

# A variable, because a list that is written into a function would be several of its arguments.
ALL_VERSIONS = 15,16,18
SEEDS ?= 1000
FIRST_SEED ?= 1

simulate: setup ## whole worlds of chance, checked: SEEDS=10000 FIRST_SEED=1
	$(BIN)/python -m tests.simulation --seeds $(SEEDS) --first-seed $(FIRST_SEED)

simulate-mutations: setup ## a mistake in each rule, and which seed shows it
	$(BIN)/python -m tests.simulation --mutations

histories: setup ## real servers and caches, a bad network and kill -9: COUNT=1000 FIRST_SEED=1 VERSIONS=15,16,18
	$(BIN)/python -m tests.histories --count $(or $(COUNT),100) --first-seed $(or $(FIRST_SEED),1) --versions $(or $(VERSIONS),$(ALL_VERSIONS))

fuzz-archive: setup ## spoiled archives, in every layer: COUNT=1000000 FIRST_SEED=1; and every byte of one
	$(BIN)/python -m tests.fuzz_archive --count $(or $(COUNT),10000) --seed $(or $(FIRST_SEED),1)
	CONSULTORIO_ARCHIVE_BYTES=all $(BIN)/python -m pytest -q tests/backup/format/test_tampering.py -o timeout=3600

fuzz-foreign: setup ## spoiled backups of other programs, looked at and imported: RUNS=50 times 160 of them
	CONSULTORIO_FOREIGN=$(or $(RUNS),50) $(BIN)/python -m pytest -q tests/backup/foreign/test_hostile.py -k changed_byte --numprocesses auto --maxprocesses 4

trouble-backup: setup ## backups, restores and undos that are killed, cut or out of disk: RUNS=300 FIRST_SEED=1 VERSIONS=18
	$(BIN)/python -m tests.trouble_backup --runs $(or $(RUNS),300) --seed $(FIRST_SEED) --versions $(or $(VERSIONS),18)

trouble-upload: setup servers ## uploads that are killed, cut or out of disk, in every kind of place: RUNS=300
	CONSULTORIO_KILLS=$(or $(RUNS),300) $(BIN)/python -m pytest -q tests/backup/places/test_kills.py --numprocesses auto --maxprocesses 4

restore-race: setup ## five workstations, the web, a backup and a restore at once: RUNS=100 FIRST_SEED=1 VERSIONS=18
	$(BIN)/python -m tests.restore_race --runs $(or $(RUNS),100) --seed $(FIRST_SEED) --versions $(or $(VERSIONS),18)

screenshots: setup ## pictures of every screen into docs/screens
	$(BIN)/python -m tests.demo screenshots docs/screens

clean: ## removes what was built
	rm -rf build dist .demo
