# The README's lines, spelled shorter. Everything here is plain Python: see README.md.
PYTHON ?= python3

.PHONY: ladder test lint notebooks constraints

NOTEBOOKS ?= $(sort $(wildcard notebooks/*.ipynb))

ladder:
	$(PYTHON) -m venv .venv && .venv/bin/pip install -c constraints.txt -e . && .venv/bin/higgs-tutorial ladder

test:
	$(PYTHON) -m venv .venv && .venv/bin/pip install -c constraints.txt -e ".[test]" && .venv/bin/python -m pytest

lint:
	.venv/bin/ruff check . && .venv/bin/ruff format --check .

# Execute every notebook, or NOTEBOOKS="notebooks/04_higgs_data.ipynb", and keep its outputs.
notebooks:
	.venv/bin/python tests/notebooks/render.py $(NOTEBOOKS)

constraints:
	uv pip compile pyproject.toml --extra notebooks --extra test --extra docs --universal --python-version 3.10 \
	  --no-annotate --no-header --no-emit-index-url --no-emit-find-links --upgrade -o constraints.txt
