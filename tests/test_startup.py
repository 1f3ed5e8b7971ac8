"""TensorFlow starts quietly, with the backend that Keras needs, and what matters is still said."""

import os
import subprocess
import sys

import pytest

from higgs_tutorial.startup import above

SAID = b"""\
WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
I0000 00:00:1795608420.688256    6448 port.cc:153] oneDNN custom operations are on.
To enable the following instructions: AVX2 FMA, rebuild TensorFlow.
W0000 00:00:1795608420.7    6448 x.cc:1] a warning
2026-11-25 12:00:00.123456: E external/local_xla/cuda.cc:9] failed call to cuInit
F0000 00:00:1795608420.8    6448 cpu.cc:1] built to use AVX
warning of another library
"""


def python(code, tmp_path, **environment):
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("TF_", "CUDA_", "KERAS"))
    }
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**kept, "HOME": str(tmp_path), "KERAS_HOME": str(tmp_path / "keras"), **environment},
        timeout=300,
    )


def test_log_lines_below_the_level_are_dropped_and_nothing_else():
    lines = SAID.splitlines(keepends=True)
    assert above(0, SAID) == SAID
    assert above(1, SAID).splitlines(keepends=True) == [lines[1], *lines[3:]][1:]
    assert above(2, SAID).splitlines(keepends=True) == lines[4:]
    assert above(3, SAID).splitlines(keepends=True) == lines[5:]


def test_what_others_write_while_tensorflow_loads_is_passed_on(tmp_path):
    package = tmp_path / "tensorflow"
    package.mkdir()
    (package / "__init__.py").write_text(
        "import os, sys\nos.write(2, b'I0000 00:00:1.5 1 a.cc:1] hello\\n')\nprint('mine', file=sys.stderr)\n"
    )
    code = "import sys\nsys.path.insert(0, '')\nimport higgs_tutorial, tensorflow\n"
    assert python(code, tmp_path).stderr == "mine\n"
    assert python(code, tmp_path, TF_CPP_MIN_LOG_LEVEL="0").stderr.endswith("hello\nmine\n")
    (package / "__init__.py").write_text(
        "import os\nos.write(2, b'E0000 00:00:1.5 1 a.cc:1] why\\n')\n1 / 0\n"
    )
    assert "a.cc:1] why\nTraceback" in python(code, tmp_path).stderr
    (package / "__init__.py").write_text("import os\nos.abort()\n")
    assert "Fatal Python error: Aborted" in python(code, tmp_path).stderr


FIT = "from higgs_tutorial import fit"


@pytest.mark.parametrize(
    "code", [FIT, "import higgs_tutorial.nn.layers", "from higgs_tutorial import HiggsClassifier"]
)
def test_another_backend_in_the_environment_is_refused(code, tmp_path):
    said = python(code, tmp_path, KERAS_BACKEND="jax").stderr.splitlines()[-1]
    assert said.startswith("ImportError: KERAS_BACKEND is 'jax'")
    assert said.endswith("needs the TensorFlow backend: set KERAS_BACKEND=tensorflow or unset it")


def test_another_backend_in_keras_json_is_refused_and_the_environment_wins(tmp_path):
    (tmp_path / "keras").mkdir()
    (tmp_path / "keras" / "keras.json").write_text('{"backend": "torch"}')
    said = python(FIT, tmp_path).stderr.splitlines()[-1]
    assert "keras.json names the backend 'torch'" in said
    assert "KERAS_BACKEND=tensorflow" in said
    assert python(FIT, tmp_path, KERAS_BACKEND="tensorflow").stderr == ""
    (tmp_path / "keras" / "keras.json").write_text("[1, 2")  # which Keras passes over
    assert python("import higgs_tutorial.startup as s; s.require_tensorflow_backend()", tmp_path).stderr == ""


def test_keras_imported_with_another_backend_is_refused(tmp_path):
    (tmp_path / "keras.py").write_text("class config:\n    backend = staticmethod(lambda: 'torch')\n")
    said = python(f"import sys; sys.path.insert(0, ''); import keras; {FIT}", tmp_path).stderr.splitlines()[
        -1
    ]
    assert "Keras was imported with the backend 'torch'" in said
    assert "start Python again with the environment variable KERAS_BACKEND=tensorflow" in said


@pytest.mark.parametrize("arguments", [["ladder", "--rungs", "logistic"], ["info"]])
def test_the_command_line_says_it_in_a_line(arguments, tmp_path):
    code = f"import sys; sys.argv = ['higgs-tutorial', *{arguments}]; from higgs_tutorial.cli import main; main()"
    run = python(code, tmp_path, KERAS_BACKEND="jax")
    assert run.returncode == 2
    assert run.stderr.startswith("error: KERAS_BACKEND is 'jax'")
    assert run.stderr.count("\n") == 1
    assert not (tmp_path / "ladder-results").exists()


def test_a_checkout_that_is_not_installed_says_so_in_a_line(tmp_path):
    hidden = "import importlib.metadata as m\ndef version(name): raise m.PackageNotFoundError(name)\n"
    hidden += "m.version = version\n"
    said = python(f"{hidden}import higgs_tutorial", tmp_path).stderr.splitlines()[-1]
    assert said.startswith("ImportError: higgs-tutorial is here, but not installed")
    assert "-m pip install -e" in said
    (tmp_path / "sitecustomize.py").write_text(hidden)
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    run = subprocess.run(
        [sys.executable, "-m", "higgs_tutorial", "info"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        timeout=60,
    )
    assert run.returncode == 2
    assert run.stderr.startswith("error: higgs-tutorial is here, but not installed")
    assert run.stderr.count("\n") == 1
