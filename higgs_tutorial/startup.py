"""How TensorFlow starts: under Keras, and without lines on standard error about what it does not find.

TensorFlow's C++ writes some lines while it is loaded, before it reads TF_CPP_MIN_LOG_LEVEL: without a GPU they look
like errors. They can only be held back around the import, so this package has to be imported before TensorFlow.
"""

from __future__ import annotations

import faulthandler
import importlib.abc
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

LEVEL = "TF_CPP_MIN_LOG_LEVEL"
"""0 shows all that TensorFlow logs, 1 no information, 2 no warnings, 3 no errors. Set by the user, it stays."""

_LINE = re.compile(rb"(?:([IWEF])\d{4} [\d:.]+ |\d{4}-\d\d-\d\d [\d:.]+: ([IWEF]) )")
_NOTICE = (
    b"WARNING: All log messages before absl::InitializeLog()",
    b"To enable the following instructions:",
)


def be_quiet() -> None:
    """Let TensorFlow start quietly when it is imported, now or later, by whomever."""
    if "tensorflow" in sys.modules or any(isinstance(finder, _Finder) for finder in sys.meta_path):
        return
    os.environ.setdefault(LEVEL, "3")
    sys.meta_path.insert(0, _Finder())


def be_quick() -> None:
    """Let TensorFlow start without what Keras and scikit-learn only offer: data frames as data, and Keras' pictures.

    They import pandas and Matplotlib where they are installed, which takes more than half a second. This is for a
    process that gives them nothing of the kind, as the command line is; whoever imports the two later gets them.
    """
    for finder in sys.meta_path:
        if isinstance(finder, _Finder):
            finder.hidden = ("matplotlib", "pandas")


@contextmanager
def _hidden(names: tuple[str, ...]) -> Iterator[None]:
    """Let modules that are not imported yet seem not to be installed."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # None makes `import` raise an ImportError
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds TensorFlow where the other finders do, and holds back what it logs while it is loaded.

    What `be_quick` hides is hidden from Keras and scikit-learn, too: TensorFlow 2.21 loads them, 2.18 does not.
    """

    hidden: tuple[str, ...] = ()

    def find_spec(self, name: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in ("tensorflow", "keras", "sklearn"):
            return None
        others = (finder for finder in sys.meta_path if finder is not self and hasattr(finder, "find_spec"))
        spec = next(filter(None, (finder.find_spec(name, path, target) for finder in others)), None)
        if spec is None or not hasattr(spec.loader, "exec_module"):
            return spec
        load = spec.loader.exec_module

        def load_quietly(module: ModuleType) -> None:
            with _log_held_back() if name == "tensorflow" else nullcontext(), _hidden(self.hidden):
                load(module)

        spec.loader.exec_module = load_quietly  # the loader itself stays: inspect and others need it
        return spec


@contextmanager
def _log_held_back() -> Iterator[None]:
    """Keep what is written to file descriptor 2 and pass it on afterwards, less the log lines below the level."""
    with ExitStack() as opened:
        try:
            said = opened.enter_context(tempfile.TemporaryFile())
            stderr = os.dup(2)
        except OSError:  # no room for a file, or no standard error: better some lines than no TensorFlow
            yield
            return
        opened.callback(os.close, stderr)
        level = _level()
        dump = not faulthandler.is_enabled()  # TensorFlow aborts on a processor that it was not built for
        if sys.stderr is not None:
            sys.stderr.flush()
        os.dup2(said.fileno(), 2)
        try:
            if dump:
                faulthandler.enable(stderr)
            yield
        except BaseException:
            level = min(level, 2)  # errors may say why
            raise
        finally:
            if dump:
                faulthandler.disable()
            if sys.stderr is not None:
                sys.stderr.flush()
            os.dup2(stderr, 2)
            said.seek(0)
            os.write(stderr, above(level, said.read()))


def _level() -> int:
    value = os.environ.get(LEVEL, "3")
    return int(value) if value.isdecimal() else 0


def above(level: int, said: bytes) -> bytes:
    """Return what is left of ``said`` without TensorFlow's log lines below this level."""

    def shown(line: bytes) -> bool:
        if level > 0 and line.startswith(_NOTICE):
            return False
        logged = _LINE.match(line)
        return logged is None or b"IWEF".index(logged[1] or logged[2]) >= level

    return b"".join(line for line in said.splitlines(keepends=True) if shown(line))


def require_tensorflow_backend() -> None:
    """Check that Keras computes, or will compute, with TensorFlow: the networks here are TensorFlow's.

    Raises:
        ImportError: if Keras was imported with another backend, or its settings name another one.
    """
    imported = sys.modules.get("keras")
    if config := getattr(imported, "config", None):
        if (backend := config.backend()) != "tensorflow":
            raise ImportError(
                f"Keras was imported with the backend {backend!r}, but higgs-tutorial needs the TensorFlow backend: "
                "start Python again with the environment variable KERAS_BACKEND=tensorflow"
            )
        return
    needs = "but higgs-tutorial needs the TensorFlow backend"
    if backend := os.environ.get("KERAS_BACKEND"):
        if backend != "tensorflow":
            raise ImportError(
                f"KERAS_BACKEND is {backend!r}, {needs}: set KERAS_BACKEND=tensorflow or unset it"
            )
        return
    file = _keras_home() / "keras.json"
    try:
        backend = json.loads(file.read_text(encoding="utf-8")).get("backend", "tensorflow")
    except (OSError, ValueError, AttributeError):  # Keras does without it, too
        return
    if backend != "tensorflow":
        raise ImportError(
            f'{file} names the backend {backend!r}, {needs}: write "backend": "tensorflow" there, '
            "or set the environment variable KERAS_BACKEND=tensorflow"
        )


def _keras_home() -> Path:
    """Return the folder of Keras' settings, which Keras finds so in ``keras/src/backend/config.py``."""
    if "KERAS_HOME" in os.environ:
        return Path(os.path.expanduser(os.environ["KERAS_HOME"]))
    home = os.path.expanduser("~")
    return Path(home if os.access(home, os.W_OK) else "/tmp", ".keras")


def start_tensorflow() -> None:
    """Import TensorFlow and look for its devices, for a command that will need both.

    Raises:
        ImportError: if Keras is set to another backend.
    """
    require_tensorflow_backend()
    be_quiet()
    import tensorflow as tf

    tf.config.list_physical_devices()
    tf.get_logger().setLevel("ERROR")  # warns of retracing where each network has its own graph
