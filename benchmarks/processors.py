"""Are a seed's events the same on another processor? NumPy's vector instructions are switched off to see.

    python benchmarks/processors.py

simulates twice, as it is and, in another process, with NumPy's baseline alone (no AVX2, no AVX-512), and writes
processors.md beside this file (or into --out). Functions such as the sine are then rounded otherwise in their last bit.
Where an event was about to be accepted or not, to that bit, the other process takes another one, and the rest of its
chunk moves.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from scipy.stats import ks_2samp

from higgs_tutorial import simulate
from higgs_tutorial.physics.simulate import SIMULATOR_VERSION

SIMULATE = "import sys, numpy; from higgs_tutorial import simulate; "
SIMULATE += "numpy.savez(sys.argv[1], *simulate(int(sys.argv[2])))"


def switched_off() -> list[str]:
    """Return what NumPy uses here beyond its baseline and so can be told not to use."""
    return np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])


def elsewhere(events: int, without: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the events of seed 0 as a processor without these instructions makes them."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "events.npz"
        environment = {**os.environ, "NPY_DISABLE_CPU_FEATURES": " ".join(without)}
        subprocess.run([sys.executable, "-c", SIMULATE, file, str(events)], check=True, env=environment)
        with np.load(file) as arrays:
            return arrays["arr_0"], arrays["arr_1"]


def report(events: int) -> str:
    without = switched_off()
    if not without:
        raise SystemExit("NumPy uses no instructions here that could be switched off")
    (x, y), (x_there, y_there) = simulate(events), elsewhere(events, without)
    apart = np.abs(x - x_there).max(axis=1) > 1e-4 * np.abs(x).max(axis=1)
    rounded = np.any(x != x_there, axis=1) & ~apart
    distance = max(ks_2samp(a, b, method="asymp").statistic for a, b in zip(x.T, x_there.T, strict=True))
    return f"""# The same seed on another processor

`python benchmarks/processors.py`: simulator {SIMULATOR_VERSION}, NumPy {np.__version__}, {events:,} events of seed 0,
with and without {" and ".join(without)}.

| | rows | share |
|---|--:|--:|
| the same to the last bit | {np.sum(~apart & ~rounded):,} | {np.mean(~apart & ~rounded):.1%} |
| the same event, rounded otherwise | {np.sum(rounded):,} | {np.mean(rounded):.1%} |
| another event | {np.sum(apart):,} | {np.mean(apart):.1%} |
| another label | {np.sum(y != y_there):,} | {np.mean(y != y_there):.1%} |

The largest Kolmogorov-Smirnov distance of a column between the two is {distance:.5f}; two samples that share no event
would have more than {1.36 * np.sqrt(2 / events):.5f} in one column of twenty.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    options = parser.parse_args()
    text = report(options.events)
    (options.out / "processors.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
