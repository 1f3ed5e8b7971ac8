"""The code on the page "From 2016 to today" runs, block after block, and is today's."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "from-2016-to-today.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.+?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)


def test_the_blocks_run_in_one_process(tmp_path):
    code = "\n".join(f"{block}\nprint('block', {number})" for number, block in enumerate(BLOCKS))
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "HIGGS_DATA_DIR": str(tmp_path), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    assert run.stdout.split("\n")[-2] == f"block {len(BLOCKS) - 1}"


def test_each_block_asserts_something():
    assert len(BLOCKS) > 10
    silent = [block for block in BLOCKS if "assert " not in block]
    assert not silent, silent


def test_no_block_uses_what_is_gone():
    gone = r"compat\.v1|tf\.Session|tf\.placeholder|get_variable|variable_scope|feed_dict|\.eval\(\)|tf\.gradients"
    assert not [found for block in BLOCKS for found in re.findall(gone, block)]


def test_the_tables_links_lead_to_sections():
    sections = {
        re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^## (.+)$", PAGE, flags=re.MULTILINE)
    }
    linked = set(re.findall(r"\]\(#([^)]+)\)", PAGE))
    assert linked
    assert linked <= sections
