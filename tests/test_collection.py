"""The tests themselves: any of their files can be run together, and what is skipped costs nothing."""

import os
import re
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent
NO_SITE = """
def pytest_fixture_setup(fixturedef):
    if fixturedef.argname in ("site", "lab"):
        raise AssertionError(f"{fixturedef.argname} was made for a test that is skipped")
"""


def pytest_run(config, *arguments, **environment):
    warnings = [f"-W{rule}" for rule in config.getoption("pythonwarnings") or ()]  # as this run was told
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        *warnings,
        *map(str, arguments),
    ]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=TESTS.parent,
        env={**os.environ, **environment},
        timeout=120,
    )


def test_files_of_all_folders_can_be_collected_in_any_order(pytestconfig):
    folders = sorted({file.parent for file in TESTS.rglob("test_*.py")} - {TESTS}, reverse=True)
    files = [TESTS / "nn" / "files" / "test_checkpoints.py", TESTS / "data" / "test_dataset.py"]
    files += [min(folder.glob("test_*.py")) for folder in folders]
    run = pytest_run(pytestconfig, "--collect-only", *files, Path(__file__))
    assert run.returncode == 0, run.stdout
    assert all(f"{file.parent.name}/{file.name}::" in run.stdout for file in files)


def test_a_skipped_browser_test_builds_no_site_and_starts_no_lab(tmp_path, pytestconfig):
    (tmp_path / "no_site.py").write_text(NO_SITE)
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    only = ("-p", "no_site", TESTS / "browser")
    run = pytest_run(pytestconfig, *only, PATH=str(tmp_path), HIGGS_CHROMIUM="", PYTHONPATH=path)
    assert run.returncode == 0, run.stdout
    assert re.search(r"^\d+ skipped(, \d+ warnings?)? in ", run.stdout, re.MULTILINE)
    assert "passed" not in run.stdout
