"""Copying the notebooks out of the package, from this checkout."""

import pytest
from typer.testing import CliRunner

from higgs_tutorial.cli import app
from higgs_tutorial.cli.lessons import copy_notebooks, notebook_files


def test_all_are_copied_in_reading_order(tmp_path):
    copied = copy_notebooks(tmp_path / "a" / "lessons")
    assert [file.name for file in copied] == [file.name for file in notebook_files()]
    assert [file.read_bytes() for file in copied] == [file.read_bytes() for file in notebook_files()]
    assert sorted((tmp_path / "a" / "lessons").iterdir()) == copied


def test_again_is_no_conflict_and_brings_back_what_is_missing(tmp_path):
    first, *others = copy_notebooks(tmp_path)
    first.unlink()
    copy_notebooks(tmp_path)
    assert first.exists()
    assert all(file.exists() for file in others)


def test_a_changed_one_is_kept_and_nothing_is_copied(tmp_path):
    first, second, *_ = copy_notebooks(tmp_path)
    first.write_text("mine")
    second.unlink()
    with pytest.raises(FileExistsError, match=rf"{first.name}: .*--overwrite"):
        copy_notebooks(tmp_path)
    assert first.read_text() == "mine"
    assert not second.exists()


def test_a_changed_one_is_replaced_if_asked_for(tmp_path):
    first, *_ = copy_notebooks(tmp_path)
    first.write_text("mine")
    copy_notebooks(tmp_path, overwrite=True)
    assert first.read_bytes() == notebook_files()[0].read_bytes()


def test_a_file_in_the_folders_place(tmp_path):
    (tmp_path / "lessons").write_text("")
    with pytest.raises(NotADirectoryError, match="lessons is a file"):
        copy_notebooks(tmp_path / "lessons")


def test_a_failed_write_leaves_no_half_file(tmp_path, monkeypatch):
    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="no space"):
        copy_notebooks(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("installed", [True, False])
def test_the_command_says_what_to_run_next_in_order(installed, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object() if installed else None)
    run = CliRunner().invoke(app, ["notebooks", str(tmp_path / "my lessons")])
    lines = run.output.splitlines()
    assert lines[0] == f"{tmp_path / 'my lessons'}: {len(notebook_files())} notebooks"
    first = ['JupyterLab is not installed here; first run: pip install "higgs-tutorial[notebooks]"']
    assert lines[1:] == [
        *([] if installed else first),
        f"open them with: jupyter lab '{tmp_path / 'my lessons'}'",
    ]
