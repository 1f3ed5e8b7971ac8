# The README's lines, spelled shorter. Everything here is plain Python: see README.md.
PYTHON ?= python3

.PHONY: lowest ladder test site browser lint notebooks constraints

NOTEBOOKS ?= $(sort $(wildcard notebooks/*.ipynb))

ladder:
	$(PYTHON) -m venv .venv && .venv/bin/pip install -c constraints.txt -e . && .venv/bin/higgs-tutorial ladder

test:
	$(PYTHON) -m venv .venv && .venv/bin/pip install -c constraints.txt -e ".[test]" && .venv/bin/python -m pytest

site:
	$(PYTHON) -m venv .venv && .venv/bin/pip install -c constraints.txt -e ".[docs]" && .venv/bin/python docs/build.py

# The lowest version of every dependency in pyproject.toml: `make lowest PYTHON=python3.10 TESTS=tests/nn`. Warnings are
# no errors there: old packages warn of newer ones. uv is one command: pip install uv.
TESTS ?= tests
lowest:
	rm -f .lowest.txt && uv pip compile pyproject.toml --extra test --resolution lowest-direct --no-annotate --no-header \
	  --python $(PYTHON) -q -o .lowest.txt
	$(PYTHON) -m venv .venv-lowest && .venv-lowest/bin/pip install -r .lowest.txt && .venv-lowest/bin/pip install --no-deps -e .
	.venv-lowest/bin/python -m pytest -W default $(TESTS)

# The notebooks in JupyterLab, and the site, in a headless Chromium (Debian: apt install chromium).
browser:
	$(PYTHON) -m venv .venv && .venv/bin/pip install -c constraints.txt -e ".[test,browser]" && .venv/bin/python -m pytest -m browser

lint:
	.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/lint-imports

# Execute every notebook, or NOTEBOOKS="notebooks/04_higgs_data.ipynb", and keep its outputs.
notebooks:
	.venv/bin/python tests/notebooks/render.py $(NOTEBOOKS)

constraints:
	uv pip compile pyproject.toml --extra notebooks --extra test --extra docs --extra browser --universal --python-version 3.10 \
	  --no-annotate --no-header --no-emit-index-url --no-emit-find-links --upgrade -o constraints.txt
