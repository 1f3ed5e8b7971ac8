"""The page about the ladder at the talk's size: what came out, and what the whole of it would take elsewhere.

    higgs-tutorial ladder --profile talk --source simulated --out results/talk-scale --rungs logistic,…
    python benchmarks/talk_scale.py results/talk-scale --adopt ladder-results

reads `results.json`, draws its pictures and writes `README.md`. `--adopt` takes finished rungs of another run into it
first, say, of one in bfloat16 or on another machine: it must have the same settings and the same simulated events,
which another processor may round otherwise. A rung keeps what its run said.

Beside the folder, `beyond-the-talk` may hold the run of one rung with the ideas of the talk's last slide:

    higgs-tutorial ladder --profile talk --source simulated --rungs adam-6x200 --epochs 18 --learning-rate 0.01 \
        --schedule cosine --average ema --ensemble 3 --precision bfloat16 --out results/beyond-the-talk
"""

from __future__ import annotations

import argparse
import math
from itertools import pairwise
from pathlib import Path
from statistics import median

from training_peers import Rung

from higgs_tutorial import LADDER, ladder, plots, talk
from higgs_tutorial.cli import tables
from higgs_tutorial.ladder.schema import read_results
from higgs_tutorial.plots import is_cut_short, talk_beside

BATCH_SIZE = talk.BATCH_SIZE
OF_THE_RUNG = ("device", "versions", "fingerprint", "precision")
"""What may differ between the runs that a record was put together from."""
COMMAND = "higgs-tutorial ladder --profile talk --source simulated"
BEYOND = "beyond-the-talk"
"""The folder, beside the record's, of one rung with the ideas of the talk's last slide."""
TALK_TIME = {"rung": "adam-3x100", "minutes": 7.5, "epochs": 25}
GPU_RATE = 5e12
"""Floating-point operations a second that the model's GPU sustains: an assumption."""
GPU_STEP = 0.5e-3
"""Seconds that a step takes on it at least, for its some hundred small operations: an assumption."""
LINK, LATENCY = 50e9, 20e-6
"""Bytes a second of each GPU's link, and seconds a message takes: assumptions."""


def flops(name: str) -> float:
    """Floating-point operations an event of a rung, in the products of the hidden layers."""
    rung = LADDER[name]
    shape = (rung.num_layers, rung.size, rung.batch_norm, rung.keep_prob, rung.optimizer == "adam", 0)
    return Rung(name, *shape).flops()


def on_gpus(rung: dict, number: int) -> float:
    """Return the model's seconds of a step on that many GPUs, the batch divided among them."""
    compute = max(flops(rung["name"]) * BATCH_SIZE / number / GPU_RATE, GPU_STEP)
    if number == 1:
        return compute
    return compute + 2 * (number - 1) / number * 4 * rung["parameters"] / LINK + 2 * (number - 1) * LATENCY


def planned(rung: dict) -> int:
    return len(rung["talk"]["valid_auc"])


def adopt(results: dict, others: dict) -> None:
    """Take the finished rungs of another run into the results; each keeps what of its run differs.

    Raises:
        ValueError: if the other run had other settings or other events.
    """
    for key in {**results, **others}:
        if key not in (*OF_THE_RUNG, "rungs") and others.get(key) != results.get(key):
            raise ValueError(f"the other run has {key} {others.get(key)}, not {results.get(key)}")
    of_its_run = {key: others[key] for key in OF_THE_RUNG if others[key] != results[key]}
    rungs = {rung["name"]: rung for rung in results["rungs"]}
    for rung in others["rungs"]:
        if rung.get("test_auc") is not None:
            rungs[rung["name"]] = {**rung, **({"run": of_its_run} if of_its_run else {})}
    results["rungs"] = [rungs[name] for name in LADDER if name in rungs]


def table(results: dict) -> list[str]:
    lines = [
        "| rung | what it adds | talk: valid AUC, HIGGS | here: valid AUC, simulated events | difference "
        "| above the rung before (talk) | here: train | here: test | epochs "
        "| seconds an epoch, median (fastest) |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for before, rung in zip([None, *results["rungs"]], results["rungs"], strict=False):
        said, seconds = talk_beside(results, rung), seconds_of(rung)
        talk_cell, epochs = f"{said:.3f}", f"{len(seconds)}"
        if is_cut_short(results, rung):
            talk_cell += f" after {len(seconds)} ({rung['talk']['valid_auc'][-1]:.3f})"
            epochs += f" of {planned(rung)}"
        cells = [
            f"`{rung['name']}`",
            LADDER[rung["name"]].idea,
            talk_cell,
            f"{rung['valid_auc']:.3f}",
            f"{rung['valid_auc'] - said:+.3f}",
            "{:+.3f} ({:+.3f})".format(*step(results, before, rung)) if before else "–",
            *(f"{rung[part]:.3f}" for part in ("train_auc", "test_auc")),
            epochs,
            f"{median(seconds):.1f} ({min(seconds):.1f})",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def seconds_of(rung: dict) -> list[float]:
    return [epoch["seconds"] for epoch in rung["epochs"]]


def pair(results: dict, before: dict, after: dict) -> tuple[list[float], list[float]]:
    """Return the validation AUCs of two rungs to be compared: the two here, and the two in the talk.

    They are of the last epochs or, if a rung was cut short, after as many epochs as both have.
    """
    rungs = before, after
    here = [[epoch["valid_auc"] for epoch in rung["epochs"]] for rung in rungs]
    said = [rung["talk"]["valid_auc"] for rung in rungs]
    if any(is_cut_short(results, rung) for rung in rungs):
        epochs = min(map(len, here))
        here, said = ([aucs[:epochs] for aucs in both] for both in (here, said))
    return [aucs[-1] for aucs in here], [aucs[-1] for aucs in said]


def step(results: dict, before: dict, after: dict) -> tuple[float, float]:
    """Return by how much the second rung is above the first: here, and in the talk; see `pair`."""
    here, said = pair(results, before, after)
    return here[1] - here[0], said[1] - said[0]


def compared(results: dict) -> list[str]:
    """Say in numbers what agrees and what differs."""
    rungs = results["rungs"]
    whole = [rung for rung in rungs if not is_cut_short(results, rung)]
    gains = [step(results, a, b) for a, b in pairwise(whole)]
    same = sum((ours > 0) == (theirs > 0) for ours, theirs in gains)
    errors = [rung["gain"]["error"] for rung in whole if "gain" in rung]
    apart = [rung["valid_auc"] - talk_beside(results, rung) for rung in rungs]
    noise = max(abs(rung["valid_auc"] - rung["test_auc"]) for rung in rungs)
    return [
        f"- Of the rungs that had all their epochs, {same} of {len(gains)} steps go the talk's way."
        + (f" The statistical error of such a step is at most {max(errors):.4f};" if errors else "")
        + " there is one training each, so how far another start would end is not known.",
        *at_the_same_epoch(results),
        f"- The differences to the talk's AUC are between {min(apart):+.3f} and {max(apart):+.3f}. These events are "
        "not HIGGS, so",
        "  the levels need not agree; the steps are what can be compared. How far trainings of equal size on both are",
        "  apart: [fidelity](../../benchmarks/fidelity.md). The simulation was tuned on 17,780 HIGGS events, to their",
        "  columns and to what boosted trees and logistic regression make of them; it never saw this ladder.",
        *overfitting(results),
        f"- Validation and test AUC differ by {noise:.4f} at most. The test events were looked at once, at the end.",
        "- When it evaluated, the talk, too, normalised with the mean and variance of each batch. Here a",
        "  batch-normalised network is evaluated with moving averages, which score each event by itself.",
    ]


def at_the_same_epoch(results: dict) -> list[str]:
    """Compare each rung that was cut short with the one before it, both after as many epochs."""
    lines = []
    for before, rung in pairwise(results["rungs"]):
        if is_cut_short(results, rung):
            epochs = min(len(before["epochs"]), len(rung["epochs"]))
            (auc_before, auc), (said_before, said) = pair(results, before, rung)
            lines.append(
                f"- After {epochs} epochs each, `{rung['name']}` has {auc:.3f} and `{before['name']}` "
                f"{auc_before:.3f}: {auc - auc_before:+.3f} (talk {said - said_before:+.3f})."
            )
    return lines


def overfitting(results: dict) -> list[str]:
    """Say how far training AUCs are above the validation AUCs, where the talk says it of its own."""
    gaps, slips, short = [], [], []
    for rung in results["rungs"]:
        name, said = f"`{rung['name']}`", rung["talk"]["train_auc"]
        if "slip" in (talk.RUNGS[rung["name"]].note or ""):
            slips.append(name)
        elif said is not None:
            here = f"{name} {rung['train_auc'] - rung['valid_auc']:+.3f}"
            theirs = f"talk {said - rung['talk']['valid_auc'][-1]:+.3f}"
            if is_cut_short(results, rung):
                short.append(rung["name"])
                here += f" after {len(rung['epochs'])} epochs"
                theirs += f" after {planned(rung)}"
            gaps.append(f"{here} ({theirs})")
    left_out = f" The talk's training AUC of {' and '.join(slips)} is probably a slip." if slips else ""
    lines = [f"- Overfitting, training AUC less validation AUC: {', '.join(gaps)}.{left_out}"] if gaps else []
    return [*lines, *with_fewer_events(short)]


def with_fewer_events(names: list[str]) -> list[str]:
    """Say what the gap of these rungs is in the quick profile's recorded run."""
    quick = ladder.recorded("quick")
    gaps = [
        f"`{rung['name']}` {rung['train_auc'] - rung['valid_auc']:+.3f} after {len(rung['epochs'])} epochs"
        for rung in quick["rungs"]
        if rung["name"] in names
    ]
    events = f"{quick['events']['train']:,} events to train on"
    said = f"- With few events these networks overfit far more. With {events}, [the quick run](../quick/results.json):"
    return [f"{said} {', '.join(gaps)}."] if gaps else []


def other_runs(results: dict) -> list[str]:
    """Say which rungs are of other runs, and in what these differ."""
    runs: dict[str, list[str]] = {}
    for rung in results["rungs"]:
        if run := rung.get("run"):
            said = [f"{key} {run[key]}" for key in ("device", "precision") if key in run]
            if "fingerprint" in run:
                said.append(
                    "on another kind of processor, which makes [slightly other events]"
                    "(../../benchmarks/processors.md) of the same seed"
                )
            if "versions" in run:
                said.append(", ".join(f"{name} {number}" for name, number in run["versions"].items()))
            runs.setdefault("; ".join(said), []).append(f"`{rung['name']}`")
    return [f"Trained in another run: {' and '.join(names)} ({said})." for said, names in runs.items()]


def times(results: dict) -> list[str]:
    """The time of the whole ladder, measured and modelled, a line a rung and the sum."""
    steps_an_epoch = math.ceil(results["events"]["train"] / BATCH_SIZE)
    lines = ["| rung | GFlop a step | steps | two CPU cores, min | one GPU, min | eight GPUs, min |"]
    lines += ["|---|--:|--:|--:|--:|--:|"]
    sums = [0.0, 0.0, 0.0]
    for rung in results["rungs"]:
        steps = steps_an_epoch * planned(rung)
        minutes = [
            planned(rung) * min(seconds_of(rung)) / 60,
            *(steps * on_gpus(rung, count) / 60 for count in (1, 8)),
        ]
        sums = [a + b for a, b in zip(sums, minutes, strict=True)]
        work = flops(rung["name"]) * BATCH_SIZE / 1e9
        cells = [f"`{rung['name']}`", f"{work:.1f}" if work else "–", f"{steps:,}"]
        lines.append(f"| {' | '.join([*cells, *(f'{time:.1f}' for time in minutes)])} |")
    return [*lines, f"| all {len(results['rungs'])} | | | {' | '.join(f'{time:.0f}' for time in sums)} |"]


def beyond(results: dict, further: dict) -> list[str]:
    """Set a rung that was trained with the ideas of the talk's last slide beside the same rung of the record.

    Raises:
        ValueError: if the two were not trained on as many events of the same simulator and seed.
    """
    for key in ("source", "simulator", "events", "seed", "batch_size"):
        if results.get(key) != further.get(key):
            raise ValueError(
                f"{BEYOND} has {key} {further.get(key)}, not {results.get(key)}: run it again like the others"
            )
    (rung,) = further["rungs"]
    (plain,) = (other for other in results["rungs"] if other["name"] == rung["name"])
    best = max(results["rungs"], key=lambda other: other["valid_auc"])
    alone = [member["valid_auc"] for member in rung["members"]]
    number, mean = len(alone), sum(alone) / len(alone)
    minutes = [sum(seconds_of(trained)) / 60 for trained in (plain, *rung["members"])]
    error = tables.auc_error(rung["test_auc"], *[further["events"]["test"] / 2] * 2)
    paper, paper_error = talk.AUC_TABLE["DN"]["complete"]
    talks_best = max(talk.RUNGS, key=lambda name: talk.RUNGS[name].valid_auc[-1])
    same = "the same" if further["fingerprint"] == results["fingerprint"] else "the same seed's"
    rate = f"{further['learning_rate']:g}"
    how = f"--epochs {len(rung['epochs'])} --learning-rate {rate} --schedule {further['schedule']}"
    how += f" --average {further['average']} --ensemble {number} --precision {further['precision']}"
    gaps = [f"{trained['train_auc'] - trained['valid_auc']:+.4f}" for trained in (rung, plain)]
    return [
        "## One more row, beyond the talk",
        "",
        f"What the ideas of the talk's last slide are worth at this size: `{rung['name']}` again, on {same} events,",
        f"with a learning rate that begins at {rate} and falls to zero, an exponential average of the weights, and the",
        f"mean prediction of {number} such networks, each with a seed of its own and {len(rung['epochs'])} epochs.",
        "",
        "| | train | valid | test | minutes of training |",
        "|---|--:|--:|--:|--:|",
        f"| `{plain['name']}`, as above | {three_aucs(plain)} | {minutes[0]:.0f} |",
        f"| each network alone | | {min(alone):.4f} to {max(alone):.4f} | | {median(minutes[1:]):.0f} |",
        f"| the {number} together | {three_aucs(rung)} | {sum(minutes[1:]):.0f} |",
        "",
        "```",
        f"{COMMAND} --rungs {rung['name']} {how} --out results/{BEYOND}",
        "```",
        "",
        f"- Rate and average gain {mean - plain['valid_auc']:+.4f} on average, the other networks "
        f"{rung['valid_auc'] - mean:+.4f}.",
        f"- All together is {rung['valid_auc'] - best['valid_auc']:+.4f} above the best rung here, `{best['name']}`.",
        f"  The test AUC's own error is {error:.4f}.",
        f"- The talk's best was {talk.RUNGS[talks_best].valid_auc[-1]:.3f}, `{talks_best}`. "
        f"The paper's deep network had {paper} ({paper_error}),",
        f"  both on HIGGS: here it is {rung['test_auc'] - paper:+.3f} from the paper's, on simulated events.",
        f"- Overfitting, training AUC less validation AUC: {gaps[0]}, where `{plain['name']}` above has {gaps[1]}.",
        f"- {further['device']}; the hidden layers were trained in {further['precision']} "
        "([what that costs](../../benchmarks/precision.md)).",
        f"  Every epoch is in [its results](../{BEYOND}/results.json).",
        "",
    ]


def three_aucs(rung: dict) -> str:
    return " | ".join(f"{rung[part]:.4f}" for part in ("train_auc", "valid_auc", "test_auc"))


def commands(results: dict, folder: str) -> list[str]:
    """Return the command of each run that the record was put together from."""
    runs: dict[tuple, list[str]] = {}
    for rung in results["rungs"]:
        precision = rung.get("run", {}).get("precision", results["precision"])
        how = f" --epochs {len(rung['epochs'])}" if is_cut_short(results, rung) else ""
        how += f" --precision {precision}" if precision != "float32" else ""
        runs.setdefault(("run" in rung, how), []).append(rung["name"])
    lines = []
    for (adopted, how), names in runs.items():
        out = "ladder-results" if adopted else folder
        lines.append(f"{COMMAND} --rungs {','.join(names)}{how} --out {out}")
        if adopted:
            lines.append(f"python benchmarks/talk_scale.py {folder} --adopt {out}")
    return lines


def page(folder: Path) -> str:
    results = read_results(folder / "results.json")
    about = (folder / "run.txt").read_text(encoding="utf-8") if (folder / "run.txt").exists() else ""
    versions = ", ".join(f"{name} {number}" for name, number in results["versions"].items())
    (timed,) = (rung for rung in results["rungs"] if rung["name"] == TALK_TIME["rung"])
    steps_then = TALK_TIME["epochs"] * math.ceil(talk.EVENTS["train"] / BATCH_SIZE)
    step_then = TALK_TIME["minutes"] * 60 / steps_then
    here = sum(seconds_of(timed)) / 60
    held_out = f"{results['events']['valid']:,} validation and {results['events']['test']:,} test events"
    file = folder.parent / BEYOND / "results.json"
    further = beyond(results, read_results(file)) if file.exists() else []
    return f"""# The ladder at the talk's size

The climb of R. Jozefowicz's talk "TensorFlow Introduction" once more, with as many events:
{tables.events_of(results)}, {held_out}, batches of {results["batch_size"]:,}, seed {results["seed"]}.
`adam-6x200` is a network with six hidden layers of 200 units, trained with Adam; `bn` has batch normalisation.

{chr(10).join(table(results))}

Where a rung had fewer epochs than in the talk, it stands beside the talk, and beside the rung before it, after as many;
in brackets is the talk's last AUC. Seconds are of training, without evaluation. Every epoch is in `results.json`.

![A step a rung, as high as its validation AUC, with the training AUC and the talk's beside](staircase.png)

![Validation AUC after each epoch, a panel a rung, over the talk's recorded curves](ladder.png)

{about}
{results["device"]}; {versions}. {" ".join(other_runs(results))}

```
{chr(10).join(commands(results, f"results/{folder.name}"))}
```

## What agrees with the talk, what differs

{chr(10).join(compared(results))}

{chr(10).join([*further, ""])}## What the whole ladder would take

The CPU's column is the fastest epoch of each rung above, times the talk's epochs.

**The GPU columns are a model and not measured.** They assume a GPU that sustains {GPU_RATE / 1e12:.0f} TFlop/s in the
products of the hidden layers, forward and backward, and needs at least {GPU_STEP * 1e3:.1f} ms for a step's many small
operations. Eight of them divide each batch, and add up the gradients around a ring with {LINK / 1e9:.0f} GB/s a link
and {LATENCY * 1e6:.0f} µs a message. The only GPU whose time is known is the talk's: a Tesla K40 took
{TALK_TIME["minutes"]:.1f} minutes for `{timed["name"]}`, {step_then * 1e3:.1f} ms a step, where the model's GPU takes
{on_gpus(timed, 1) * 1e3:.1f} ms and the two CPU cores here took {here:.1f} minutes.

{chr(10).join(times(results))}

Where a step takes the least that is assumed, eight GPUs only add the exchange, and take longer than one.

Produced by `python benchmarks/talk_scale.py results/{folder.name}`.
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where results.json is")
    parser.add_argument("--adopt", type=Path, help="folder of a run whose finished rungs are taken over")
    options = parser.parse_args()
    folder = options.folder
    results = read_results(folder / "results.json")
    if options.adopt:
        try:
            adopt(results, read_results(options.adopt / "results.json"))
        except ValueError as error:
            parser.error(str(error))
        ladder.write_json(folder / "results.json", results)
    plots.save_ladder(results, folder / "ladder.png")
    plots.save_staircase(results, folder / "staircase.png")
    (folder / "README.md").write_text(page(folder), encoding="utf-8")


if __name__ == "__main__":
    main()
