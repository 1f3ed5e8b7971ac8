"""What an installation needs: files in step with each other, a wheel that stands alone, a quick import."""

import ast
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def constraints() -> list[Requirement]:
    return [Requirement(line) for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()]


def test_environment_repeats_the_dependencies():
    pip = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"][-1]["pip"]
    assert pip == [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["notebooks"]]


@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12", "3.13"])
def test_constraints_pin_every_dependency_once(python):
    environment = {"python_version": python, "python_full_version": f"{python}.5", "sys_platform": "linux"}
    pins = [pin for pin in constraints() if pin.marker is None or pin.marker.evaluate(environment)]
    names = [pin.name for pin in pins]
    assert len(names) == len(set(names))
    extras = PROJECT["optional-dependencies"]
    wanted = [
        Requirement(line)
        for line in [
            *PROJECT["dependencies"],
            *extras["notebooks"],
            *extras["test"],
            *extras["docs"],
            *extras["browser"],
        ]
    ]
    by_name = {pin.name: pin for pin in pins}
    for requirement in wanted:
        if requirement.marker is None or requirement.marker.evaluate(environment):
            (version,) = (spec.version for spec in by_name[requirement.name].specifier)
            assert requirement.specifier.contains(version), requirement


def test_constraints_hold_pins_and_no_addresses():
    for pin in constraints():
        assert pin.url is None
        assert [spec.operator for spec in pin.specifier] == ["=="]


def test_versions_agree():
    import higgs_tutorial

    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == PROJECT["version"] == higgs_tutorial.__version__


def test_import_starts_neither_tensorflow_nor_pandas():
    code = (
        "import sys, higgs_tutorial, higgs_tutorial.cli; "
        "print(sorted({'tensorflow', 'keras', 'pandas', 'sklearn', 'matplotlib'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_every_public_name_is_there():
    import higgs_tutorial

    for name in higgs_tutorial.__all__:
        assert getattr(higgs_tutorial, name).__doc__, name
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        higgs_tutorial.nothing  # noqa: B018


def test_type_checkers_see_every_public_name_where_it_comes_from():
    import higgs_tutorial

    stub = ast.parse((ROOT / "higgs_tutorial" / "__init__.pyi").read_text(encoding="utf-8"))
    seen = {
        name.asname: (node.module, name.name)
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }
    modules, names = higgs_tutorial._MODULES, higgs_tutorial._MODULE_OF
    wanted = {name: (f"higgs_tutorial.{module}", name) for name, module in names.items()}
    for name, module in modules.items():
        package, _, leaf = f"higgs_tutorial.{module}".rpartition(".")
        wanted[name] = (package, leaf)
    assert seen == wanted
    assert (ROOT / "higgs_tutorial" / "py.typed").exists()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(ROOT)]
    subprocess.run(command, check=True, timeout=300)
    return next(folder.glob("*.whl"))


def test_wheel_holds_the_package_and_nothing_beside_it(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} <= {
        "higgs_tutorial",
        f"higgs_tutorial-{PROJECT['version']}.dist-info",
    }
    assert "higgs_tutorial/physics/simulate.py" in names


def test_installed_package_works_outside_the_checkout(wheel, tmp_path):
    site = tmp_path / "site"
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(site), str(wheel)]
    subprocess.run(command, check=True, timeout=300)
    code = (
        "import higgs_tutorial, pathlib; from higgs_tutorial.data import data_folder;"
        "from higgs_tutorial import ladder; assert all(map(ladder.recorded, ladder.RECORDED));"
        "higgs = higgs_tutorial.load('simulated', events=2000);"
        "print(pathlib.Path(higgs_tutorial.__file__).parent.parent, higgs.train.n, data_folder())"
    )
    environment = {"PYTHONPATH": str(site), "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    where, events, folder = run.stdout.split()
    assert (where, events) == (str(site), "1200")
    assert Path(folder).is_relative_to(tmp_path / "cache")


def test_the_wheel_brings_the_notebooks(wheel, tmp_path):
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    command = [sys.executable, "-m", "higgs_tutorial", "notebooks", "lessons"]
    environment = {**os.environ, "PYTHONPATH": str(site)}
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=120)
    assert run.returncode == 0, run.stderr
    committed = sorted((ROOT / "notebooks").glob("*.ipynb"))
    assert sorted(file.name for file in (tmp_path / "lessons").iterdir()) == [file.name for file in committed]
    for file in committed:
        assert (site / "higgs_tutorial" / "notebooks" / file.name).read_bytes() == file.read_bytes()
        assert (tmp_path / "lessons" / file.name).read_bytes() == file.read_bytes()
    assert "jupyter lab lessons" in run.stdout


def test_no_file_names_the_folder_that_it_was_written_in():
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listing.returncode:
        pytest.skip("not a git checkout")
    here = f"{ROOT}/".encode()
    for name in filter(None, listing.stdout.split("\0")):
        file = ROOT / name
        if file.is_file() and file.suffix in {".py", ".md", ".toml", ".yml", ".json", ".ipynb"}:
            assert here not in file.read_bytes(), name
