"""Notebooks as a reader runs them: in JupyterLab, with its own command Run All Cells."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from higgs_tutorial.cli.lessons import copy_notebooks

pytestmark = [pytest.mark.browser, pytest.mark.slow]
MODEL = "window.jupyterapp.shell.currentWidget.content.model.toJSON()"
RUN = """() => {
    window.allRun = null;
    window.jupyterapp.commands.execute("notebook:run-all-cells")
        .then(() => { window.allRun = "done"; }, error => { window.allRun = String(error); });
}"""
READY = """() => {
    const panel = window.jupyterapp && window.jupyterapp.shell.currentWidget;
    return panel && panel.context && panel.context.isReady && panel.sessionContext.isReady
        && panel.sessionContext.session && panel.sessionContext.session.kernel.status == "idle";
}"""


@pytest.fixture(scope="module")
def lessons(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copies of the notebooks without outputs, so that what is seen later was made there."""
    folder = tmp_path_factory.mktemp("lessons")
    for file in copy_notebooks(folder):
        notebook = nbformat.read(file, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.update(outputs=[], execution_count=None)
        nbformat.write(notebook, file)
    return folder


@pytest.fixture(scope="module")
def lab(lessons: Path, tmp_path_factory: pytest.TempPathFactory):
    """The address of a JupyterLab that serves `lessons` with no settings of the user's."""
    home = tmp_path_factory.mktemp("home")
    own = {f"JUPYTER_{kind}_DIR": str(home / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    own |= {
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "spaces"),
    }
    own |= {"HIGGS_DATA_DIR": str(home / "data"), "IPYTHONDIR": str(home / "ipython")}
    foreign = ("MPLBACKEND", "PYTHONWARNINGS", "HIGGS_PROFILE")
    environment = {name: value for name, value in os.environ.items() if name not in foreign} | own
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--port=0", "--allow-root"]
    command += ["--ip=127.0.0.1", "--IdentityProvider.token=", f"--ServerApp.root_dir={lessons}"]
    command += ["--expose-app-in-browser", "--LabApp.news_url=None"]
    command += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    with (home / "log").open("w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=lessons)
    try:
        yield _address(server, home)
    finally:
        server.terminate()
        server.wait(60)


def _address(server: subprocess.Popen, home: Path) -> str:
    for _ in range(600):
        for file in (home / "RUNTIME").glob("jpserver-*.json"):
            if file.stat().st_size:
                return json.loads(file.read_text())["url"]
        if server.poll() is not None:
            break
        time.sleep(0.1)
    pytest.fail((home / "log").read_text()[-3000:])


@pytest.mark.parametrize("number", ["01", "05", "12"])
def test_run_all_cells(number, lab, lessons, open_page):
    (file,) = lessons.glob(f"{number}_*.ipynb")
    page = open_page(strict=False)  # JupyterLab itself logs errors, as of settings that do not exist yet
    page.goto(f"{lab}lab/tree/{file.name}?reset")
    page.wait_for_function(READY, timeout=120_000)
    page.evaluate(RUN)
    page.wait_for_function("window.allRun !== null", timeout=400_000)
    assert page.evaluate("window.allRun") == "done"
    cells = [cell for cell in page.evaluate(MODEL)["cells"] if cell["cell_type"] == "code"]
    errors = [output for cell in cells for output in cell["outputs"] if output["output_type"] == "error"]
    assert errors == []
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    drawn = [place for place, cell in enumerate(cells) if _pictures(cell)]
    (committed,) = (source for source in _committed() if source.name == file.name)
    expected = [cell for cell in nbformat.read(committed, as_version=4).cells if cell.cell_type == "code"]
    assert drawn == [place for place, cell in enumerate(expected) if _pictures(cell)]
    assert drawn
    page.evaluate(
        "n => { const book = window.jupyterapp.shell.currentWidget.content;"
        " return book.scrollToItem(book.widgets.findIndex(c => c.model.id == n), 'start'); }",
        cells[drawn[0]]["id"],
    )
    picture = page.locator(".jp-OutputArea-output img").first
    picture.wait_for(state="visible", timeout=30_000)
    assert picture.evaluate("image => image.naturalWidth") > 100


SLIDER = """
from higgs_tutorial.draw.moving import slider

slider(lambda fig, value: fig.subplots().plot([0, value]), "a rate", [1.0, 2.0, 3.0], start=1.0)
"""


def test_a_slider_moves_its_picture(lab, lessons, open_page):
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(SLIDER)], metadata=kernel)
    nbformat.write(notebook, lessons / "slider.ipynb")
    page = open_page(strict=False)
    page.goto(f"{lab}lab/tree/slider.ipynb?reset")
    page.wait_for_function(READY, timeout=120_000)
    page.evaluate(RUN)
    picture = page.locator(".jp-OutputArea-output .widget-image, .jp-OutputArea-output img.jupyter-widgets")
    picture.first.wait_for(state="visible", timeout=60_000)
    before = picture.first.get_attribute("src")
    page.locator(".noUi-handle").first.press("ArrowRight")
    page.wait_for_function(
        "before => document.querySelector('img.widget-image').src != before", arg=before, timeout=30_000
    )
    assert page.locator(".widget-readout").first.inner_text() == "2"


def _pictures(cell: dict) -> int:
    return sum("image/png" in output.get("data", {}) for output in cell["outputs"])


def _committed() -> list[Path]:
    return sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
