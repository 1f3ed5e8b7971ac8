"""Imports run one way, from the command line down to the physics: the contracts are in pyproject.toml."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"


def test_every_import_keeps_the_contracts():
    run = subprocess.run([sys.executable, "-c", LINT], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr  # names the module, the line and the contract


LADDER = """
import sys
from higgs_tutorial.cli import main, story
note = story.Lines.on_epoch
def on_epoch(self, rung, epoch):
    note(self, rung, epoch)
    print("loaded:", sorted({"pandas", "matplotlib", "pyarrow", "polars", "optuna"} & set(sys.modules)))
story.Lines.on_epoch = on_epoch
sys.argv[1:] = "ladder --rungs logistic --epochs 1 --events 2000 --source simulated --out run".split()
try:
    main()
finally:
    import pandas, keras, matplotlib.pyplot
    from higgs_tutorial import History
    print("later:", len(History().to_frame()), matplotlib.get_backend())
"""


def test_the_first_epoch_waits_for_no_tables_and_pictures(tmp_path):
    """Keras imports pandas and Matplotlib if it finds them; the command line hides them from it, not from others."""
    run = subprocess.run([sys.executable, "-c", LADDER], cwd=tmp_path, capture_output=True, text=True)
    assert "\nloaded: []\n" in run.stdout, run.stdout + run.stderr
    assert (tmp_path / "run" / "ladder.png").is_file()
    assert run.stdout.endswith("later: 0 agg\n"), run.stdout + run.stderr
