"""README's commands exist and its snippet runs."""

import json
import re
import subprocess
import sys
from pathlib import Path

from old_tensorflow import quiet

from higgs_tutorial import ladder, talk

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_snippet_runs(tmp_path):
    (snippet,) = re.findall(r"```python\n(.+?)```", README, flags=re.DOTALL)
    run = subprocess.run(
        [sys.executable, "-c", snippet],
        cwd=tmp_path,
        env={"PATH": "", "HOME": str(tmp_path), "HIGGS_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (run.returncode, quiet(run.stderr.encode())) == (0, b"")
    auc = float(re.search(r"test AUC on simulated events: (0\.\d+)", run.stdout).group(1))
    assert auc > 0.6


def test_every_command_of_the_command_line_named_exists():
    from higgs_tutorial.cli import app

    known = {command.callback.__name__ for command in app.registered_commands}
    named = set(re.findall(r"higgs-tutorial ([a-z]+)", README))
    assert named
    assert named <= known


def test_every_link_to_a_file_leads_to_one():
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", README) + re.findall(r'src="(?!https?:)([^"]+)"', README)
    assert targets
    assert not [target for target in targets if not (ROOT / target).exists()]


def test_makefile_spells_the_same_lines():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("$(PYTHON)", "python3")
    lines = re.findall(r"^\$ (python3 -m venv .+)$", README, flags=re.MULTILINE)
    assert len(lines) == 3
    assert all(f"\t{line}\n" in makefile for line in lines)


def test_table_is_the_committed_runs():
    from higgs_tutorial.cli.tables import markdown

    results = json.loads((ROOT / "results" / "quick" / "results.json").read_text(encoding="utf-8"))
    (table,) = re.findall(r"<!-- results/quick -->\n(.+?)\n<!-- end", README, flags=re.DOTALL)
    assert table.strip() == markdown(results)


def test_every_notebook_is_linked_in_reading_order():
    linked = re.findall(r"\]\((notebooks/[^)]+)\)", README)
    assert linked == sorted(f"notebooks/{file.name}" for file in (ROOT / "notebooks").glob("*.ipynb"))


def test_the_first_picture_is_the_climb_at_the_talks_size():
    first = re.findall(r"!\[.+?\]\((.+?)\)", README.split("<!-- end of badges -->")[1])[0]
    assert first == "results/talk-scale/staircase.png"
    page = (ROOT / "results" / "talk-scale" / "README.md").read_text(encoding="utf-8")
    for rung in ladder.recorded("talk-scale")["rungs"]:
        (line,) = (
            line
            for line in page.splitlines()
            if line.startswith(f"| `{rung['name']}` | {talk.RUNGS[rung['name']].idea} |")
        )
        said = rung["talk"]["valid_auc"][len(rung["epochs"]) - 1]
        assert f"| {rung['valid_auc']:.3f} | {rung['valid_auc'] - said:+.3f} | " in line


def test_the_papers_table_is_the_recorded_runs():
    page = (ROOT / "results" / "paper-tables" / "README.md").read_text(encoding="utf-8")
    recorded = ladder.recorded("paper-tables")
    aucs = [recorded["trainings"][f"table DN low {seed}"]["auc"] for seed in range(5)]
    assert f"| DN | {sum(aucs) / 5:.4f} (" in page
