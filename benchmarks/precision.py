"""Does the AUC suffer from half precision? The ladder's rungs in bfloat16 against float32, with several seeds.

    python benchmarks/precision.py --out results/precision      # writes precision.md
    python benchmarks/precision.py --quick --out FOLDER         # a smoke test: tiny, printed only

Both precisions train the same networks of the quick profile (weights at the start, order of the events, dropout) on
the same simulated events, others for each seed. With its small batches only the widest rungs would compute in
bfloat16 by themselves, as the others gain nothing from it; here all rungs with hidden layers do. Each run is a
ladder of its own in the folder, and a call that was stopped goes on where it was.
"""

import argparse
import sys
from pathlib import Path
from statistics import mean

import numpy as np

from higgs_tutorial import ladder, load_model, predict
from higgs_tutorial.nn.engine import precision
from higgs_tutorial.nn.scoring import roc_auc_difference

HERE = Path(__file__).parent
PRECISIONS = ("float32", "bfloat16")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder of the runs; they go on from there")
    parser.add_argument("--rungs", help="names with commas between them; default all with hidden layers")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--events", type=int, help="default: the quick profile's")
    parser.add_argument("--epochs", type=int, help="default: the quick profile's")
    parser.add_argument("--batch-size", type=int, help="default: the quick profile's")
    parser.add_argument("--quick", action="store_true", help="a smoke test, printed only")
    asked = parser.parse_args()
    rungs = (
        asked.rungs.split(",") if asked.rungs else [name for name, r in ladder.LADDER.items() if r.num_layers]
    )
    settings = {"source": "simulated", "profile": "quick", "events": asked.events, "epochs": asked.epochs}
    settings["batch_size"] = asked.batch_size
    if asked.quick:
        settings |= {"events": 3_000, "epochs": 1}
        rungs, asked.seeds = rungs[:2], 1
    precision.WORTH_IT["bfloat16"] = 0
    by_processor = precision.multiplies_bfloat16()
    precision.multiplies_bfloat16 = lambda: True  # software will do, it only takes longer
    rows, events = {}, None
    for rung in rungs:  # all seeds of one rung first, so that a call that is stopped has whole rows
        for seed in range(asked.seeds):
            higgs = ladder.load_events(ladder.Settings(**settings, seed=seed))
            events = [higgs.train.n, higgs.test.n]
            rows.setdefault(rung, []).append(compare(rung, higgs, settings, seed, asked.out))
            print(rung, seed, rows[rung][-1], file=sys.stderr, flush=True)
    text = report(rows, events, asked.seeds, ladder.Settings(**settings).resolved(), by_processor)
    print(text)
    if not asked.quick:
        (HERE / "precision.md").write_text(text, encoding="utf-8")


def compare(rung, higgs, settings, seed, out):
    """Return the two AUCs on the test events, by how much bfloat16's is above float32's, and that one's error."""
    aucs, logits = [], []
    for name in PRECISIONS:
        folder = out / f"seed-{seed}" / f"{rung}-{name}"
        how = {**settings, "rungs": rung, "seed": seed, "precision": name}
        results = ladder.run(higgs=higgs, out=folder, resume=True, save_models=True, **how)
        aucs.append(results["rungs"][0]["test_auc"])
        model = load_model(ladder.RunFolder(folder).model(rung))
        logits.append(predict(model, higgs.test.x, logits=True))
    return (*aucs, *roc_auc_difference(higgs.test.y, logits[1], logits[0]))


def report(rows, events, seeds, settings, by_processor):
    """Return the table: a line a rung, means over the seeds."""
    lines = [
        "# bfloat16 against float32",
        "",
        f"ROC AUC on {events[1]:,} simulated test events after training on {events[0]:,} in batches of"
        f" {settings.batch_size} for {settings.epochs or 'the quick profile’s'} epochs, {seeds} seed(s), each with"
        " events of its own. Every rung computes its hidden layers in bfloat16 here, also where"
        " `train` would not, as it gains nothing; the products are those of"
        f" {'the processor' if by_processor else 'software, as this processor has none in bfloat16'}."
        " The difference is bfloat16's AUC less float32's on the same"
        " events, with its standard error (DeLong et al.), for each seed and for their mean. The spread between"
        " seeds is the standard deviation of float32's AUC: what another start and other events change.",
        "",
        "| rung | float32 | bfloat16 | difference of each seed, 10⁻⁴ | mean difference, 10⁻⁴ | spread, 10⁻⁴ |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for rung, found in rows.items():
        float32, bfloat16, differences, errors = (np.array(column) for column in zip(*found, strict=True))
        each = ", ".join(f"{1e4 * d:+.1f} ± {1e4 * e:.1f}" for d, e in zip(differences, errors, strict=True))
        error = np.sqrt(np.sum(errors**2)) / len(errors)
        spread = f"{1e4 * np.std(float32, ddof=1):.1f}" if len(found) > 1 else ""
        lines.append(
            f"| {rung} | {mean(float32):.4f} | {mean(bfloat16):.4f} | {each} |"
            f" {1e4 * mean(differences):+.1f} ± {1e4 * error:.1f} | {spread} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
