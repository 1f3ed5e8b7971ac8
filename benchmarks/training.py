"""Examples per second of one epoch: ours against Keras, PyTorch, JAX and scikit-learn, in float32 and bfloat16.

Each competitor is a process that stays, and only one computes at a time. On every rung each has an untimed first
epoch, which compiles; the faster variant of each framework then takes turns with ours for some rounds. A ratio
is the median over rounds of ours to the best peer of the same round and the same precision; the matrix products
alone, timed in the same run, are the limit.

    python benchmarks/training.py            # the tables, into benchmarks/training.md: some twenty minutes
    python benchmarks/training.py --start    # the start's table alone, into the same file
    python benchmarks/training.py --rungs adam-6x200,adam-6x500 --keep    # these rows alone, into the same file
    python benchmarks/training.py --quick    # a smoke test: few events, one round, printed only
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from training_peers import BATCH_SIZE, PEERS, Rung

HERE = Path(__file__).parent
RUNGS = [
    Rung("logistic", 0, 0, False, 1.0, False, 1_000_000),
    Rung("nn-1x100", 1, 100, False, 1.0, False, 1_000_000),
    Rung("bn-1x100", 1, 100, True, 1.0, False, 1_000_000),
    Rung("adam-3x100", 3, 100, True, 1.0, True, 500_000),
    Rung("adam-6x100", 6, 100, True, 1.0, True, 250_000),
    Rung("adam-6x200", 6, 200, True, 1.0, True, 100_000),
    Rung("adam-6x500", 6, 500, True, 1.0, True, 50_000),
    Rung("dropout-6x500", 6, 500, True, 0.9, True, 50_000),
]
PRECISIONS = ("float32", "bfloat16")
WANTED = {
    "logistic": 1.3, "nn-1x100": 1.3, "bn-1x100": 1.3, "adam-3x100": 1.15, "adam-6x200": 1.0, "adam-6x500": 1.0,
}  # fmt: skip
START = ("logistic", "adam-3x100", "adam-6x100")
START_EVENTS = 200_000
START_HEADING = "## The start"
HEAD = (
    "| rung | precision | events | ours | Keras | PyTorch | JAX | scikit-learn | ours to best peer | wanted"
    " | share of products | ours to float32 | load |"
)


class Worker:
    """A competitor's process."""

    def __init__(self, name):
        command = [sys.executable, str(HERE / "training_peers.py"), name]
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=environment,
        )  # fmt: skip

    def ask(self, **command):
        """Send a command and return its answer."""
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the worker {self.process.args[-1]!r} died; run it alone to see why")
        return json.loads(answer)

    def close(self):
        """Let the process end."""
        self.process.stdin.close()
        self.process.wait()


def available(peers=None):
    """Return the competitors that are installed, or of those the ones asked for; ours is always there."""
    needs = {"torch": "torch", "torch.compile": "torch", "jax": "optax"}
    found = [name for name in PEERS if name not in needs or find_spec(needs[name])]
    return [name for name in found if peers is None or name == "ours" or name in peers]


def competitors(names, rung, precision):
    """Return those of ``names`` that can compute this rung in this precision."""
    able = [name for name in names if precision in PEERS[name].precisions]
    return [name for name in able if name != "sklearn" or not (rung.batch_norm or rung.keep_prob < 1)]


def measure(workers, rung, precision, rounds, cpu):
    """Return the seconds of the rounds by competitor, of the clock or of CPU time, and those of the products alone."""
    names = competitors(workers, rung, precision)
    for name in names:
        workers[name].ask(build=asdict(rung), precision=precision)
    trial = {name: workers[name].ask(epoch=1)[cpu] for name in names}
    families = {name: name.split()[0].split(".")[0] for name in names}
    chosen = [n for n in names if trial[n] == min(trial[o] for o in names if families[o] == families[n])]
    seconds = {name: [] for name in chosen}
    products = []
    for _ in range(rounds):
        for name in chosen:
            seconds[name].append(workers[name].ask(epoch=1)[cpu])
        products.append(min(workers["ours"].ask(products=asdict(rung), precision=precision)))
    return seconds, min(products) * rung.events / BATCH_SIZE


def table(rungs, rounds, log, names, cpu=False):
    """Yield the lines of rungs and precisions, each as soon as it is measured."""
    workers = {name: Worker(name) for name in names}
    for rung in rungs:
        float32 = None
        for precision in PRECISIONS if rung.num_layers else PRECISIONS[:1]:
            load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
            seconds, products = measure(workers, rung, precision, rounds, cpu)
            float32 = float32 or median(seconds["ours"])
            yield row(rung, precision, seconds, products, float32) + f" {load:.1f} |"
            log(f"{rung.name}, {precision}: {json.dumps(seconds)}")
    for worker in workers.values():
        worker.close()


def row(rung, precision, seconds, products, float32):
    """Return the line of a rung in a precision; ``float32`` are the seconds of our epoch in that one."""
    peers, own = [name for name in seconds if name != "ours"], median(seconds["ours"])
    ratios = [min(seconds[p][i] for p in peers) / taken for i, taken in enumerate(seconds["ours"])]
    rates = {name: rung.events / median(taken) for name, taken in seconds.items()}
    cells = " | ".join(_rate(rates, family) for family in ("keras", "torch", "jax", "sklearn"))
    wanted = f"{WANTED[rung.name]:.2f}" if rung.name in WANTED and precision == "float32" else ""
    share = f"{products / own:.0%}" if rung.num_layers else ""
    spread = f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    gain = f"{float32 / own:.2f}" if precision != "float32" else ""
    return (
        f"| {rung.name} | {precision} | {rung.events:,} | {rates['ours']:,.0f} | {cells} | {spread} |"
        f" {wanted} | {share} | {gain} |"
    )


def rows_of(text):
    """Return the lines of a report's table by rung and precision, none of a report with other columns."""
    if HEAD not in text:
        return {}
    lines = text.partition(HEAD)[2].partition(START_HEADING)[0].splitlines()
    return {_key(line): line for line in lines if line.startswith("| ") and "---" not in line}


def _key(line):
    return tuple(cell.strip() for cell in line.split("|")[1:3])


def _rate(rates, family):
    found = [(rate, name) for name, rate in rates.items() if name.startswith(family)]
    return f"{found[0][0]:,.0f} ({found[0][1]})" if found else ""


def start_table(rungs, rounds, log):
    """Yield the lines of the table of the first epoch, each in a fresh process."""
    yield "| rung | ours, s | Keras jit, s | Keras, s | Keras jit to ours |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    for rung in rungs:
        seconds = {"ours": [], "keras jit": [], "keras": []}
        for _ in range(rounds):
            for name, taken in seconds.items():
                worker = Worker(name)
                taken.append(worker.ask(build=asdict(rung)))
                worker.close()
        ratio = median(k / o for k, o in zip(seconds["keras jit"], seconds["ours"], strict=True))
        cells = " | ".join(f"{median(taken):.1f}" for taken in seconds.values())
        yield f"| {rung.name} | {cells} | {ratio:.2f} |"
        log(f"start of {rung.name}: {json.dumps(seconds)}")


def machine():
    model = next(
        (line.split(":")[1].strip() for line in _read("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor(),
    )
    flags = next((line for line in _read("/proc/cpuinfo") if line.startswith("flags")), "").split()
    vector = ", ".join(f for f in ("avx2", "fma", "avx512f", "avx512_bf16", "amx_tile") if f in flags)
    packages = []
    for name in ("tensorflow", "keras", "torch", "jax", "scikit-learn", "numpy"):
        try:
            packages.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            packages.append(f"no {name}")
    return f"{model}, {os.cpu_count()} cores ({vector}); Python {platform.python_version()}, {', '.join(packages)}."


def _read(path):
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def report(rows, rounds, start=""):
    """Return the page: the rows by rung and precision in the ladder's order, and the start's part as it is given."""
    order = [(rung.name, precision) for rung in RUNGS for precision in PRECISIONS]
    lines = [
        "# Training",
        "",
        f"Examples per second of one epoch of random events, 28 features, batches of {BATCH_SIZE:,}; medians of"
        f' {rounds} rounds. bfloat16 is mixed precision in each framework\'s own way: ours `precision="bfloat16"`,'
        " PyTorch's autocast, Keras's policy mixed_bfloat16, casts in JAX; a network without hidden layers has none."
        " The ratio is the median (and range) over the rounds of ours to the best peer of the same round and"
        " precision; of Keras and PyTorch the variant that was faster in a trial epoch takes part. Share of products:"
        " the time that the hidden layers' matrix products alone take in TensorFlow, to the time of the epoch. Load"
        " is the machine's average when the row began: other work slows all down, and PyTorch most.",
        "",
        f"Machine: {machine()}",
        "",
        HEAD,
        "| --- | --- " + "| ---: " * (HEAD.count("|") - 3) + "|",
        *(rows[key] for key in order if key in rows),
        "",
    ]
    return "\n".join(lines) + (f"\n{start}" if start else "")


def start_report(log):
    rungs = [replace(rung, events=START_EVENTS) for rung in RUNGS if rung.name in START]
    lines = [
        START_HEADING,
        "",
        f"Seconds to the end of the first epoch of {START_EVENTS:,} events in a fresh process, with tracing and"
        " compilation, without imports; medians of 3 rounds, and the last column is that of the rounds' ratios.",
        f"Load average at the start: {os.getloadavg()[0]:.1f}.",
        "",
        *start_table(rungs, 3, log),
        "",
        "Produced by `python benchmarks/training.py`.",
    ]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a smoke test, printed only")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rungs", help="names with commas between them; printed only, but for --keep")
    parser.add_argument("--keep", action="store_true", help="put the rows into the file and keep the others")
    parser.add_argument(
        "--peers", help=f"names with commas between them, of {', '.join(PEERS)}; printed only"
    )
    parser.add_argument("--events", type=int, help="of each rung; printed only")
    parser.add_argument(
        "--cpu",
        action="store_true",
        help="by CPU time on all cores, for a machine that others use; printed only",
    )
    parser.add_argument("--start", action="store_true", help="measure anew only the start, and keep the rest")
    arguments = parser.parse_args()
    log = lambda line: print(line, file=sys.stderr)  # noqa: E731
    if arguments.start:
        file = HERE / "training.md"
        before = file.read_text(encoding="utf-8").partition(START_HEADING)[0]
        file.write_text(before + start_report(log) + "\n", encoding="utf-8")
        return
    rungs, rounds = RUNGS, arguments.rounds
    if arguments.rungs:
        rungs = [rung for rung in RUNGS if rung.name in arguments.rungs.split(",")]
    if arguments.quick:
        rungs = [replace(rung, events=20_000) for rung in rungs if rung.name in ("logistic", "nn-1x100")]
        rounds = 1
    if arguments.events:
        rungs = [replace(rung, events=arguments.events) for rung in rungs]
    names = available(arguments.peers and arguments.peers.split(","))
    partly = any((arguments.quick, arguments.rungs, arguments.peers, arguments.events, arguments.cpu))
    file = HERE / "training.md"
    before = file.read_text(encoding="utf-8")
    rows = rows_of(before) if arguments.keep else {}
    start = "".join(before.partition(START_HEADING)[1:])
    for line in table(rungs, rounds, log, names, arguments.cpu):
        rows[_key(line)] = line
        if arguments.keep or not partly:  # at once: a run that is stopped has its rows
            file.write_text(report(rows, rounds, start), encoding="utf-8")
    if not partly:
        file.write_text(report(rows, rounds, start_report(log) + "\n"), encoding="utf-8")
    print(report(rows, rounds))


if __name__ == "__main__":
    main()
