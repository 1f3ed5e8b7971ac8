"""A program of a user's own passes a type checker, and a wrong one doesn't: the public names have types."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = """
import keras
from higgs_tutorial import LADDER, Ensemble, NeuralNetwork, evaluate, fit, load, predict, talk, to_keras

higgs = load("simulated", events=1000)
model = NeuralNetwork(1, 10)
history = fit(model, higgs, keras.optimizers.Adam(1e-3), epochs=1, batch_size=512)
auc: float = evaluate(model, higgs.test)
size: int = higgs.train.n
probabilities = predict(Ensemble([model]), higgs.test.x)
network = to_keras(Ensemble([model]))
rungs: list[str] = list(LADDER)
"""


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("", "Success: no issues found"),
        ("size = auc", 'expression has type "float", variable has type "int"'),
        ("import higgs_tutorial; higgs_tutorial.nothing", 'Module has no attribute "nothing"'),
    ],
)
def test_a_program_of_ones_own(line, says, tmp_path):
    pytest.importorskip("mypy", reason="needs mypy")
    (tmp_path / "program.py").write_text(PROGRAM + line)
    command = [sys.executable, "-m", "mypy", "--follow-imports=silent", "--ignore-missing-imports"]
    run = subprocess.run(
        [*command, f"--cache-dir={tmp_path.parent / 'mypy'}", "program.py"],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert says in run.stdout, run.stdout + run.stderr
    assert run.returncode == (1 if line else 0)
