# The README's lines, spelled shorter. Everything here is plain Python: see README.md.
PYTHON ?= python3

.PHONY: ladder test site browser lint notebooks constraints

NOTEBOOKS ?= $(sort $(wildcard notebooks/*.ipynb))

ladder:
	$(PYTHON) -m venv .venv && .venv/bin/pip install -c constraints.txt -e . && .venv/bin/higgs-tutorial ladder

test:
	$(PYTHON) -m venv .venv && .venv/bin/pip install -c constraints.txt -e ".[test]" && .venv/bin/python -m pytest

site:
	$(PYTHON) -m venv .venv && .venv/bin/pip install -c constraints.txt -e ".[docs]" && .venv/bin/python docs/build.py

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
