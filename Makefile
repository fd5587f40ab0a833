# Needs Python 3.12 or newer, make and a network; everything else is fetched into .venv.

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000
WHO ?= admin
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: help setup run serve admin tend backup restore doctor evaluate screenshots bench bench-scale bench-crowd bench-fleet bench-sqlite test faults coverage mutants messages format lock settings clean

help:
	@echo "make setup    install, make the database, load the guide's content"
	@echo "make run      development server on http://$(HOST):$(PORT)/ (PORT=… for another port)"
	@echo "make serve    production server, on the same data"
	@echo "make admin    an administrator for /admin/ (WHO=… for another user name than admin)"
	@echo "make tend     keep the guide true: search index, promises, cited addresses, old sessions (LINKS=\"--limit 20\" …)"
	@echo "make backup   copy the whole database to .data/backups/, and look into the copy"
	@echo "make restore  bring a backup back: FILE=… (REPLACE=1 where a database is there already)"
	@echo "make doctor   what is wrong with this installation, and what to do"
	@echo "make test     every check and test; REQUIRE_ALL=1 when nothing may be left out"
	@echo "make evaluate how well the ad check reads labelled adverts (FILE=… for others)"
	@echo "make screenshots  the pictures of README and /about/, and of every type of page (in .data/artefacts/)"
	@echo "make bench    how fast it is, as ratios to the least Django page (ARGS=\"--rounds 1\" …)"
	@echo "make bench-crowd, bench-fleet, bench-sqlite   twice the readers it can serve; several machines, broken one by one; writers beside readers"
	@echo "make bench-scale  whether pages cost what they show or what the database holds (ARGS=\"60 1000\" …)"
	@echo "make faults   kill servers, fill disks, take databases away, besiege: what is left (four minutes)"
	@echo "make coverage which lines and branches no test reaches (browser and faults left aside)"
	@echo "make mutants  break the code of verdicts, ad check and workflow in small ways: does a test notice? (ONLY=\"glossary.verdict*\" …)"
	@echo "make messages LANGUAGE=de  the words of the interface, in config/locale/, for a translator"
	@echo "make format   bring the code into shape"
	@echo "make lock     resolve the dependencies anew after a change in pyproject.toml"
	@echo "make settings the table of settings in README, from the one in config/settings.py"
	@echo "make clean    remove what was installed; .data/ with the database stays"

# Made anew when missing or when the lock has changed; the stamp is written last, so a broken install starts over.
$(INSTALLED): requirements-dev.txt
	@$(if $(shell $(PYTHON) -c 'import sys; print("yes" if sys.version_info >= (3, 12) else "")' 2>/dev/null),,\
		$(error Python 3.12 or newer is needed, and $(PYTHON) is not that. Name one, as in: make PYTHON=python3.13))
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

setup: $(INSTALLED)
	@$(BIN)/python manage.py migrate --verbosity 0
	@$(BIN)/python manage.py load_content

run: setup
	@echo "The editors' desk is at http://$(HOST):$(PORT)/admin/; \"make admin\" makes an account for it."
	DEBUG=1 $(BIN)/python manage.py runserver $(HOST):$(PORT)

serve: setup
	@DEBUG=0 $(BIN)/python manage.py collectstatic --no-input --verbosity 0
	DEBUG=0 HOST=$(HOST) PORT=$(PORT) $(BIN)/python -m config.server

admin: setup
	@$(BIN)/python manage.py make_editor $(WHO) --role administrator

# What a scheduler runs (see the README); one that fails keeps none of the others from running.
tend: $(INSTALLED)
	@status=0; for task in rebuild_search check_content "check_links $(LINKS)" clearsessions; do \
		echo "== $$task"; $(BIN)/python manage.py $$task || status=1; done; exit $$status

backup: $(INSTALLED)
	@$(BIN)/python manage.py backup

restore: $(INSTALLED)
	@$(BIN)/python manage.py restore "$(FILE)" $(if $(REPLACE),--replace)

doctor: $(INSTALLED)
	@$(BIN)/python manage.py doctor

evaluate: setup
	@$(BIN)/python manage.py evaluate $(FILE)

# Looks at the site with Chromium; ARTEFACTS=… for another folder.
screenshots: $(INSTALLED)
	@$(BIN)/python .ci/screenshots.py

# Needs wrk and, for the figures behind it, nginx; an idle machine for figures worth keeping.
bench: $(INSTALLED)
	@$(BIN)/python -m tests.bench.reach $(ARGS)

bench-crowd: $(INSTALLED)
	@$(BIN)/python -m tests.bench.crowd $(ARGS)

# Needs redis-server and PostgreSQL's programs as well.
bench-fleet: $(INSTALLED)
	@$(BIN)/python -m tests.bench.fleet $(ARGS)

bench-sqlite: $(INSTALLED)
	@$(BIN)/python -m tests.bench.writers $(ARGS)

# Whether pages cost what they show or what the database holds: 60, 1,000 and 10,000 concepts, on both databases.
bench-scale: $(INSTALLED)
	@$(BIN)/python -m tests.bench.scale $(ARGS)

# The Nu HTML checker: a Java program that npm carries. Without npm, the test that needs it is left out and says so.
CHECKER := .venv/nu/node_modules/vnu-jar/build/dist/vnu.jar
$(CHECKER): | $(INSTALLED)
	@! command -v npm >/dev/null || npm install --silent --no-save --ignore-scripts --prefix .venv/nu vnu-jar@26.9.27 || true

test: $(INSTALLED) $(CHECKER)
	@$(BIN)/python .ci/test.py

# Whole installations, broken on purpose, on both databases: before each release, and after a change to what keeps them going.
faults: $(INSTALLED)
	@data=$$(mktemp -d); DATA_DIR=$$data $(BIN)/python -m pytest -q -p no:cacheprovider -m faults tests/faults; status=$$?; \
		rm -rf $$data; exit $$status

coverage: $(INSTALLED)
	@data=$$(mktemp -d); DATA_DIR=$$data $(BIN)/python -m pytest -q -p no:cacheprovider -m "not browser and not faults" \
		--cov=config --cov=glossary --cov=products --cov-branch --cov-report=term:skip-covered; status=$$?; rm -rf $$data; exit $$status

# Needs gettext's programs.
messages: $(INSTALLED)
	@test -n "$(LANGUAGE)" || { echo "Name the language, as in: make messages LANGUAGE=de"; exit 1; }
	@mkdir -p config/locale
	@for domain in django djangojs; do $(BIN)/python manage.py makemessages --domain $$domain --locale $(LANGUAGE) --no-obsolete \
		--ignore .venv --ignore .data --ignore tests --ignore "*.min.js" || exit 1; done

# Breaks the code in small ways and sees whether a test notices; which code, and with which tests, is in pyproject.toml.
mutants: $(INSTALLED)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check mutmut==3.8.1
	@data=$$(mktemp -d); DATA_DIR=$$data $(BIN)/mutmut run $(ONLY); $(BIN)/mutmut results; rm -rf $$data

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Pinned versions stay where they still fit; delete the two files first to take the newest of everything.
COMPILE = $(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-annotate --no-header

lock: $(INSTALLED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(COMPILE) pyproject.toml -o requirements.txt
	$(COMPILE) --group dev pyproject.toml -o requirements-dev.txt

settings: $(INSTALLED)
	@$(BIN)/python .ci/settings_table.py

clean:
	rm -rf .venv .pytest_cache .ruff_cache .data/static
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
