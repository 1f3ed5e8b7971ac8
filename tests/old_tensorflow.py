"""What differs with the oldest TensorFlow that this package takes."""

from importlib.metadata import version

from packaging.version import Version

from higgs_tutorial.startup import above


def quiet(stderr: bytes) -> bytes:
    """Return standard error less what TensorFlow 2.18 logs when XLA starts, whatever level it is told."""
    return above(3, stderr) if Version(version("tensorflow")) < Version("2.19") else stderr
