"""The examples in the docstrings are run, as a user would type them, and no public name is without one."""

import doctest
import inspect
from importlib import import_module
from operator import attrgetter
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

import higgs_tutorial
import higgs_tutorial.physics.significance

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted(
    file.relative_to(ROOT)
    for file in (ROOT / "higgs_tutorial").rglob("*.py")
    if ">>> " in file.read_text(encoding="utf-8")
)
PUBLIC = [*higgs_tutorial.__all__, "physics.significance"]  # which is public as a module
DATA = {"LADDER"}  # a dictionary, explained where a Rung is


def examples(module):
    """Return the doctests of a module; they begin with nothing but what the module itself defines."""
    own = {n: part for n, part in vars(module).items() if getattr(part, "__module__", "") == module.__name__}
    return doctest.DocTestFinder(exclude_empty=True).find(module, globs={**own, "__name__": "__main__"})


@pytest.mark.parametrize("file", FILES, ids=str)
def test_the_examples_of(file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = import_module(".".join(file.with_suffix("").parts).removesuffix(".__init__"))
    runner, report = doctest.DocTestRunner(), []
    with mpl.rc_context():
        for example in examples(module):
            runner.run(example, out=report.append)
    plt.close("all")
    assert not runner.summarize(verbose=False).failed, "".join(report)
    assert runner.tries


def parts(thing):
    """Return what must have an example: the thing itself, or of a module the functions and classes that it offers."""
    if not inspect.ismodule(thing):
        return [thing]
    own = [n for n, part in vars(thing).items() if getattr(part, "__module__", "") == thing.__name__]
    offered = [getattr(thing, n) for n in getattr(thing, "__all__", own) if n[0] != "_"]
    return [part for part in offered if inspect.isfunction(part) or is_class(part)] or [thing]


def is_class(part):
    return inspect.isclass(part) and not issubclass(part, Exception)


@pytest.mark.parametrize("name", sorted({*PUBLIC} - DATA))
def test_every_public_name_has_an_example(name):
    public = attrgetter(name)(higgs_tutorial)
    silent = [part.__name__ for part in parts(public) if ">>> " not in (inspect.getdoc(part) or "")]
    assert silent == []
