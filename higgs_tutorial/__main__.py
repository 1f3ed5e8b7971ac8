"""`python -m higgs_tutorial` is `higgs-tutorial`."""

from .cli import main

main()
