"""What an installation needs: files in step with each other, a wheel that stands alone, a quick import."""

import ast
import email
import importlib.util
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml
from markdown_it import MarkdownIt
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

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


def build_wheel(source: Path, folder: Path) -> Path:
    """Build a wheel without a network: with the build backend that the test extra brings."""
    pytest.importorskip(
        "hatchling", reason="building the package needs hatchling, which the test extra brings"
    )
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-index", "--no-build-isolation", "--no-deps"]
    subprocess.run([*command, "-w", str(folder), str(source)], check=True, timeout=300)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    return build_wheel(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def metadata(wheel) -> email.message.Message:
    (name,) = (n for n in zipfile.ZipFile(wheel).namelist() if n.endswith(".dist-info/METADATA"))
    return email.message_from_bytes(zipfile.ZipFile(wheel).read(name))


def test_wheel_holds_the_package_and_nothing_beside_it(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} <= {
        "higgs_tutorial",
        f"higgs_tutorial-{PROJECT['version']}.dist-info",
    }
    assert "higgs_tutorial/physics/simulate.py" in names


def test_source_distribution_makes_the_same_wheel(wheel, tmp_path):
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path)]
    subprocess.run(command, check=True, timeout=300, cwd=ROOT, capture_output=True)
    (sources,) = tmp_path.glob("*.tar.gz")
    again = build_wheel(sources, tmp_path)
    contents = [
        {name: archive.read(name) for name in archive.namelist() if not name.endswith("/RECORD")}
        for archive in (zipfile.ZipFile(wheel), zipfile.ZipFile(again))
    ]
    assert contents[0].keys() == contents[1].keys()
    assert contents[0] == contents[1]


def test_what_an_index_shows_says_who_for_whom_and_where(metadata):
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert metadata["Author"] == ", ".join(author["name"] for author in citation["authors"])
    assert metadata["License-Expression"] == citation["license"]
    assert metadata.get_all("Project-URL") == [f"{name}, {url}" for name, url in PROJECT["urls"].items()]
    assert {"tensorflow", "HIGGS", "tutorial"} <= set(metadata["Keywords"].split(","))
    classifiers = metadata.get_all("Classifier")
    assert "Typing :: Typed" in classifiers
    minors = [line.rsplit(".", 1)[1] for line in classifiers if ":: Python :: 3." in line]
    assert [minor for minor in range(6, 20) if f"3.{minor}" in SpecifierSet(metadata["Requires-Python"])] == [
        int(minor) for minor in minors
    ]


def test_the_readme_of_an_index_leads_to_the_repositorys_files(metadata):
    assert metadata["Description-Content-Type"] == "text/markdown"
    tokens = MarkdownIt("commonmark").parse(metadata.get_payload(decode=True).decode())
    inner = [child for token in tokens for child in token.children or []]
    links = [token.attrs["href"] for token in inner if token.type == "link_open"]
    pictures = [token.attrs["src"] for token in inner if token.type == "image"]
    html = "".join(token.content for token in [*tokens, *inner] if token.type.startswith("html_"))
    assert not re.findall(r"(?:href|src)=", html)
    address = PROJECT["urls"]["Repository"]
    for form, found in (("blob", links), ("raw", pictures)):
        assert all(target.startswith("https://") for target in found)
        files = [t.removeprefix(f"{address}/{form}/main/") for t in found if t.startswith(f"{address}/")]
        assert files
        assert not [file for file in files if not (ROOT / file).is_file()]
    committed = (ROOT / "README.md").read_text(encoding="utf-8")
    wanted = MarkdownIt("commonmark").parse(committed)
    assert [token.type for token in tokens] == [token.type for token in wanted]


@pytest.mark.parametrize(
    ("readme", "with_address", "without"),
    [
        ("[a](docs/a.md)", "[a](https://git.org/me/it/blob/main/docs/a.md)", "a"),
        ("![b](b.png)", "![b](https://git.org/me/it/raw/main/b.png)", ""),
        ("[a\nb](a.md)", "[a\nb](https://git.org/me/it/blob/main/a.md)", "a\nb"),
        ("[![b](b.png)](https://b.org)", "[![b](https://git.org/me/it/raw/main/b.png)](https://b.org)", "[](https://b.org)"),
        ("[![b](b.png)](a)", "[![b](https://git.org/me/it/raw/main/b.png)](https://git.org/me/it/blob/main/a)", ""),
        ("[`f(x)[0]`](a.md)", "[`f(x)[0]`](https://git.org/me/it/blob/main/a.md)", "`f(x)[0]`"),
        ("`f[0](x)` [w](https://w.org)", "`f[0](x)` [w](https://w.org)", "`f[0](x)` [w](https://w.org)"),
        ("```python\nf[0](x)\n```", "```python\nf[0](x)\n```", "```python\nf[0](x)\n```"),
        ("[up](#top)", "[up](#top)", "[up](#top)"),
        (
            "<!-- badges -->\n[![b](https://b.org/b.png)](https://b.org)\n<!-- end of badges -->\n\nhello",
            "<!-- badges -->\n[![b](https://b.org/b.png)](https://b.org)\n<!-- end of badges -->\n\nhello",
            "hello",
        ),
    ],
)  # fmt: skip
def test_links_with_and_without_an_address(readme, with_address, without):
    pytest.importorskip("hatchling", reason="docs/pypi_readme.py is a part of the build")
    spec = importlib.util.spec_from_file_location("pypi_readme", ROOT / "docs" / "pypi_readme.py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    assert made.absolute(readme, "https://git.org/me/it") == with_address
    assert made.absolute(readme, None) == without


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


def test_what_the_package_says_to_install_needs_no_index_that_has_the_package():
    sources = [*(ROOT / "higgs_tutorial").rglob("*.py"), *(ROOT / "docs").glob("*.md"), ROOT / "README.md"]
    texts = "".join(file.read_text(encoding="utf-8") for file in sources)
    extras = set(re.findall(r'pip install\s+"higgs-tutorial\[(\w+)\]"', texts))
    assert {"notebooks", "slides", "export", "hep"} <= extras <= set(PROJECT["optional-dependencies"])
    command = [sys.executable, "-m", "pip", "--isolated", "install", "--no-index", "--dry-run"]
    wanted = f"higgs-tutorial[{','.join(sorted(extras))}]"
    run = subprocess.run([*command, wanted], capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr  # the test extra brings what these extras bring
    assert "Would install" not in run.stdout


def test_no_file_names_the_folder_that_it_was_written_in():
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listing.returncode:
        pytest.skip("not a git checkout")
    here = f"{ROOT}/".encode()
    for name in filter(None, listing.stdout.split("\0")):
        file = ROOT / name
        if file.is_file() and file.suffix in {".py", ".md", ".toml", ".yml", ".json", ".ipynb"}:
            assert here not in file.read_bytes(), name
