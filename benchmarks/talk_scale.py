"""The page about the ladder at the talk's size: what came out, and what the whole of it would take elsewhere.

    higgs-tutorial ladder --profile talk --source simulated --out results/talk-scale --rungs logistic,…
    python benchmarks/talk_scale.py results/talk-scale --adopt ladder-results

reads `results.json`, times some steps of all nine rungs (`steps.json`, made once), and writes `README.md`. `--adopt`
takes finished rungs of another run into it first, say, of one in bfloat16 or on another machine: it must have the same
settings and the same simulated events, which another processor may round otherwise. A rung keeps what its run said.
"""

import argparse
import json
import math
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import perf_counter

import keras
import numpy as np
from training import machine
from training_peers import Rung, make_events

import higgs_tutorial as ht
from higgs_tutorial import LADDER, ladder, plots, talk
from higgs_tutorial.cli import tables
from higgs_tutorial.ladder.schema import read_results

BATCH_SIZE, STEPS = talk.BATCH_SIZE, 16
OF_THE_RUNG = ("device", "versions", "fingerprint", "precision")
"""What may differ between the runs that a record was put together from."""
TALK_TIME = {"rung": "adam-3x100", "minutes": 7.5, "epochs": 25}
GPU_RATE = 5e12
"""Floating-point operations a second that the model's GPU sustains: an assumption."""
GPU_STEP = 0.5e-3
"""Seconds that a step takes on it at least, for its some hundred small operations: an assumption."""
LINK, LATENCY = 50e9, 20e-6
"""Bytes a second of each GPU's link, and seconds a message takes: assumptions."""


def flops(rung: ladder.Rung) -> float:
    """Floating-point operations an event, in the products of the hidden layers."""
    shape = (rung.num_layers, rung.size, rung.batch_norm, rung.keep_prob, rung.optimizer == "adam", 0)
    return Rung(rung.name, *shape).flops()


def measure_step(rung: ladder.Rung) -> float:
    """Return the seconds of a step here: the fastest of three short epochs."""
    x, y = make_events(STEPS * BATCH_SIZE)
    model, optimizer, events = rung.model(), rung.make_optimizer(), ht.Dataset(x, y)
    taken = []
    for seed in range(4):
        start = perf_counter()
        ht.train(model, events, optimizer, BATCH_SIZE, seed=seed)
        taken.append(perf_counter() - start)
    return min(taken[1:]) / STEPS


def steps_of(folder: Path) -> dict:
    """Return what was measured of the steps, from the folder's file or now."""
    file = folder / "steps.json"
    if not file.exists():
        seconds = {name: measure_step(rung) for name, rung in LADDER.items()}
        ladder.write_json(file, {"machine": machine(), "seconds": seconds})
    return json.loads(file.read_text(encoding="utf-8"))


def parameters(rung: ladder.Rung) -> int:
    model = rung.model()
    model(np.zeros([1, 28], np.float32), training=False)
    return sum(math.prod(variable.shape) for variable in model.trainable_variables)


def on_gpus(rung: ladder.Rung, number: int) -> float:
    """Return the model's seconds of a step on that many GPUs, the batch divided among them."""
    compute = max(flops(rung) * BATCH_SIZE / number / GPU_RATE, GPU_STEP)
    if number == 1:
        return compute
    return compute + 2 * (number - 1) / number * 4 * parameters(rung) / LINK + 2 * (number - 1) * LATENCY


def planned(rung: dict) -> int:
    return LADDER[rung["name"]].epochs["talk"]


def cut_short(rung: dict) -> bool:
    return len(rung["epochs"]) < planned(rung)


def talk_then(rung: dict) -> float:
    """Return the talk's AUC after as many epochs as the rung has."""
    return rung["talk"]["valid_auc"][len(rung["epochs"]) - 1]


def adopt(results: dict, others: dict) -> None:
    """Take the finished rungs of another run into the results; each keeps what of its run differs.

    Raises:
        ValueError: if the other run had other settings or other events.
    """
    for key in results:
        if key not in (*OF_THE_RUNG, "rungs") and others.get(key) != results[key]:
            raise ValueError(f"the other run has {key} {others.get(key)}, not {results[key]}")
    of_its_run = {key: others[key] for key in OF_THE_RUNG if others[key] != results[key]}
    rungs = {rung["name"]: rung for rung in results["rungs"]}
    for rung in others["rungs"]:
        if rung.get("test_auc") is not None:
            rungs[rung["name"]] = {**rung, **({"run": of_its_run} if of_its_run else {})}
    results["rungs"] = [rungs[name] for name in LADDER if name in rungs]


def table(results: dict) -> list[str]:
    lines = [
        "| rung | talk: valid AUC, HIGGS | here: valid AUC, simulated events | difference | here: train | here: test "
        "| epochs | seconds an epoch, median (fastest) |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for rung in results["rungs"]:
        said, seconds = talk_then(rung), [epoch["seconds"] for epoch in rung["epochs"]]
        aucs = (f"{rung[part]:.3f}" for part in ("train_auc", "test_auc"))
        epochs = f"{len(seconds)} of {planned(rung)}" if cut_short(rung) else f"{len(seconds)}"
        lines.append(
            f"| `{rung['name']}` | {said:.3f} | {rung['valid_auc']:.3f} | {rung['valid_auc'] - said:+.3f} "
            f"| {' | '.join(aucs)} | {epochs} | {median(seconds):.1f} ({min(seconds):.1f}) |"
        )
    return lines


def step(before: dict, after: dict) -> tuple[str, float, float]:
    """Return the second rung's name, and by how much it is above the first: here, and in the talk.

    Both after their last epoch or, if one was cut short, after as many epochs as both have.
    """
    here = [[epoch["valid_auc"] for epoch in rung["epochs"]] for rung in (before, after)]
    said = [rung["talk"]["valid_auc"] for rung in (before, after)]
    name = f"`{after['name']}`"
    if cut_short(before) or cut_short(after):
        epochs = min(len(aucs) for aucs in here)
        here, said = ([aucs[:epochs] for aucs in both] for both in (here, said))
        name += f" after {epochs} epochs"
    return name, here[1][-1] - here[0][-1], said[1][-1] - said[0][-1]


def compared(results: dict) -> list[str]:
    """Say in numbers what agrees and what differs."""
    rungs = results["rungs"]
    gains = [step(a, b) for a, b in pairwise(rungs)]
    same = sum((ours > 0) == (theirs > 0) for _, ours, theirs in gains)
    apart = max(rungs, key=lambda rung: abs(rung["valid_auc"] - talk_then(rung)))
    noise = max(abs(rung["valid_auc"] - rung["test_auc"]) for rung in rungs)
    return [
        f"- Every rung is compared with the one before it: {same} of {len(gains)} steps go the talk's way. The gains, "
        + ", ".join(f"{name} {ours:+.3f} (talk {theirs:+.3f})" for name, ours, theirs in gains)
        + ".",
        f"- No rung is further from the talk's AUC than {abs(apart['valid_auc'] - talk_then(apart)):.3f} "
        f"(`{apart['name']}`).",
        *overfitting(rungs),
        f"- Validation and test AUC differ by {noise:.4f} at most; the test events were used for nothing else.",
        "- The events are not HIGGS, so the third digit means nothing and the second one little. The simulation was",
        "  tuned on 17,780 HIGGS events, to their columns and to what boosted trees and a straight cut make of them;",
        "  it never saw this ladder. How close it is: [fidelity](../../benchmarks/fidelity.md).",
        "- The talk normalised with the statistics of the batch in evaluation, too. Here a batch-normalised network is",
        "  evaluated with moving averages, which score each event by itself.",
    ]


def overfitting(rungs: list[dict]) -> list[str]:
    """Say how far training AUCs are above the validation AUCs, where the talk says it of its own."""
    gaps = []
    for rung in rungs:
        if rung["talk"]["train_auc"] is not None:
            said = rung["talk"]["train_auc"] - rung["talk"]["valid_auc"][-1]
            when = f" after {len(rung['epochs'])} epochs" if cut_short(rung) else ""
            here = rung["train_auc"] - rung["valid_auc"]
            gaps.append(f"`{rung['name']}` {here:+.3f}{when} (talk {said:+.3f})")
    return [
        f"- Training AUC less validation AUC, in the talk after all epochs: {', '.join(gaps)}. The talk prints one",
        "  training AUC for `bn-3x100` and `adam-3x100`; for the first it is probably a slip.",
    ]


def other_runs(results: dict) -> list[str]:
    """Say which rungs are of other runs, and in what these differ."""
    lines = []
    for rung in results["rungs"]:
        if run := rung.get("run"):
            said = [f"{key} {run[key]}" for key in ("device", "precision") if key in run]
            if "fingerprint" in run:
                said.append("events that its processor rounded otherwise (benchmarks/processors.md)")
            if "versions" in run:
                said.append(", ".join(f"{name} {number}" for name, number in run["versions"].items()))
            lines.append(f"- `{rung['name']}` is of another run: {'; '.join(said)}.")
    return [*lines, ""] if lines else []


def times(results: dict, steps: dict) -> list[str]:
    """The model of the whole ladder's time, a line a rung and the sum."""
    n = results["events"]["train"]
    per_epoch = math.ceil(n / BATCH_SIZE)
    lines = ["| rung | GFlop a step | steps | two CPU cores, h | one GPU, min | eight GPUs, min |"]
    lines += ["|---|--:|--:|--:|--:|--:|"]
    sums = np.zeros(3)
    for name, rung in LADDER.items():
        number = per_epoch * rung.epochs["talk"]
        hours = number * steps["seconds"][name] / 3600
        gpu = [number * on_gpus(rung, count) / 60 for count in (1, 8)]
        sums += [hours, *gpu]
        work = flops(rung) * BATCH_SIZE / 1e9
        lines.append(f"| `{name}` | {work:.1f} | {number:,} | {hours:.2f} | {gpu[0]:.1f} | {gpu[1]:.1f} |")
    return [*lines, f"| all nine | | | {sums[0]:.1f} | {sums[1]:.0f} | {sums[2]:.0f} |"]


def page(folder: Path) -> str:
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    steps = steps_of(folder)
    about = (folder / "run.txt").read_text(encoding="utf-8") if (folder / "run.txt").exists() else ""
    names = ",".join(rung["name"] for rung in results["rungs"])
    versions = ", ".join(f"{name} {number}" for name, number in results["versions"].items())
    rung = LADDER[TALK_TIME["rung"]]
    steps_then = TALK_TIME["epochs"] * math.ceil(talk.EVENTS["train"] / BATCH_SIZE)
    step_then = TALK_TIME["minutes"] * 60 / steps_then
    rate_then = flops(rung) * BATCH_SIZE / step_then
    return f"""# The ladder at the talk's size

{tables.events_of(results)}, batches of {results["batch_size"]:,}, seed {results["seed"]}; {results["device"]}.
{versions}.

```
higgs-tutorial ladder --profile talk --source simulated --rungs {names} --out results/{folder.name}
```

{about}
{chr(10).join(table(results))}

The talk's AUC and the difference are after as many epochs as the rung has here.

{chr(10).join(other_runs(results))}
![Validation AUC after each epoch, a panel a rung, over the talk's recorded curves](ladder.png)

## What agrees with the talk, what differs

{chr(10).join(compared(results))}

## What the whole ladder would take: a model

For the CPU the model is: the time of a step, measured here for each rung on {STEPS} batches of random events
({steps["machine"]}), times the number of steps. Evaluation is not counted.

**The GPU columns are not measured.** They assume a GPU that sustains {GPU_RATE / 1e12:.0f} TFlop/s in the matrix
products and needs at least {GPU_STEP * 1e3:.1f} ms for a step's many small operations. Eight of them divide each
batch, and add up the gradients around a ring with {LINK / 1e9:.0f} GB/s a link and {LATENCY * 1e6:.0f} µs a message.
One measured point is the talk's own: a Tesla K40 took {step_then * 1e3:.1f} ms a step of `{rung.name}`,
{rate_then / 1e12:.2f} TFlop/s of such products.

{chr(10).join(times(results, steps))}

In the model most rungs are bound by the smallest step there is; there eight GPUs take longer than one.

Produced by `python benchmarks/talk_scale.py results/{folder.name}`.
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where results.json is")
    parser.add_argument("--adopt", type=Path, help="folder of a run whose finished rungs are taken over")
    options = parser.parse_args()
    folder = options.folder
    if options.adopt:
        results = read_results(folder / "results.json")
        try:
            adopt(results, read_results(options.adopt / "results.json"))
        except ValueError as error:
            parser.error(str(error))
        ladder.write_json(folder / "results.json", results)
    results = read_results(folder / "results.json")
    plots.save_ladder(results, folder / "ladder.png")
    plots.save_staircase(results, folder / "staircase.png")
    keras.utils.set_random_seed(0)
    (folder / "README.md").write_text(page(folder), encoding="utf-8")


if __name__ == "__main__":
    main()
