"""`python -m higgs_tutorial` is `higgs-tutorial`."""

from higgs_tutorial.cli import main

main()
