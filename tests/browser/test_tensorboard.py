"""The page that notebook 03 shows: TensorBoard on the logs that the notebook writes.

`HIGGS_TENSORBOARD_PICTURE=higgs_tutorial/draw/tensorboard.png` writes the picture anew.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import nbformat
import pytest

from higgs_tutorial.cli.lessons import notebook_files

pytestmark = [pytest.mark.browser, pytest.mark.slow]
CELLS = ("setup", "line-data", "descent-code", "hessian", "summaries")  # of notebook 03: what writes the logs
WIDTH, HEIGHT = 1140, 1000


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The logs, written by the notebook's own code."""
    folder = tmp_path_factory.mktemp("tensorboard")
    (notebook,) = (file for file in notebook_files() if file.name.startswith("03"))
    cells = {cell.id: cell.source for cell in nbformat.read(notebook, as_version=4).cells}
    names: dict = {"folder": folder}
    for cell in CELLS:
        exec(compile(cells[cell], f"<{notebook.name}, {cell}>", "exec"), names)
    return folder / "logs"


@pytest.fixture
def address(logs: Path, tmp_path: Path) -> Iterator[str]:
    """Where TensorBoard serves them."""
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(logs)]
    command += ["--host=127.0.0.1", "--port=0", "--load_fast=false"]
    with (tmp_path / "said").open("w") as said, subprocess.Popen(command, stderr=said) as server:
        try:
            yield wait_for_address(tmp_path / "said", server)
        finally:
            server.terminate()


def wait_for_address(said: Path, server: subprocess.Popen, seconds: float = 120) -> str:
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        if found := re.search(r"http://127\.0\.0\.1:\d+/", said.read_text()):
            return found[0]
        time.sleep(0.5)
    raise AssertionError(said.read_text())


def test_the_page_is_the_one_in_the_notebook(address: str, open_page, tmp_path: Path):
    page = open_page(WIDTH, HEIGHT)
    page.goto(address)
    for name in ("zigzag", "too bold", "too careful"):
        page.get_by_text(name, exact=True).first.wait_for(timeout=60_000)
    page.locator("scalar-card, card-view").first.wait_for(timeout=60_000)
    page.locator("button", has_text="Settings").first.click()  # which closes them
    page.wait_for_timeout(3_000)  # curves are drawn in a canvas, of which nothing tells when it is done
    made = Path(os.environ.get("HIGGS_TENSORBOARD_PICTURE", tmp_path / "tensorboard.png"))
    page.screenshot(path=made)
    kept = files("higgs_tutorial.draw").joinpath("tensorboard.png").read_bytes()
    assert size(kept) == size(made.read_bytes()) == (WIDTH, HEIGHT)


def size(png: bytes) -> tuple[int, int]:
    """Width and height of a PNG, which its first block says."""
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")
