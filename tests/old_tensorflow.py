"""What differs with the oldest TensorFlow that this package takes."""

from importlib.metadata import version

from packaging.version import Version

from higgs_tutorial.startup import above

LOGS_ALWAYS = Version(version("tensorflow")) < Version("2.19")
"""Whether it logs when XLA or a session starts, whatever level it is told."""


def quiet(stderr: bytes) -> bytes:
    """Return standard error less what TensorFlow 2.18 always logs."""
    return above(3, stderr) if LOGS_ALWAYS else stderr
