"""The command line: `higgs-tutorial`, a module for each group of commands."""

from higgs_tutorial.cli import about, climb, data, models, runs, slides
from higgs_tutorial.cli.app import app, main

__all__ = ["about", "app", "climb", "data", "main", "models", "runs", "slides"]
