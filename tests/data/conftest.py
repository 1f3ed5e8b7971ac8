"""A file in HIGGS format, and a way to run a process that can be killed."""

import gzip
import os
import shutil
import subprocess
import sys

import pytest
from higgs_lines import make_rows, to_lines


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    for name in ("HIGGS_DATA_DIR", "HIGGS_PROFILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def rows():
    return make_rows(2_000)


@pytest.fixture(scope="session")
def csv_gz(rows, tmp_path_factory):
    path = tmp_path_factory.mktemp("csv") / "events.csv.gz"
    path.write_bytes(gzip.compress(b"\n".join(to_lines(rows)) + b"\n", 1))
    return path


@pytest.fixture
def start_python():
    """Start a Python process that runs a script and says what it does on standard output."""
    started = []

    def start(script, *arguments, under=()):
        process = subprocess.Popen(
            [*under, sys.executable, "-c", script, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={name: value for name, value in os.environ.items() if not name.startswith("HIGGS_")},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def run_on_small_disk(start_python, tmp_path):
    """Run a script whose first argument is the folder of a file system of 128 KiB; returns what it printed."""
    namespace = ["unshare", "--user", "--map-root-user", "--mount"]
    disk = tmp_path / "disk"
    command = ["mount", "-t", "tmpfs", "-o", "size=128k", "none", str(disk)]
    mount = f"import subprocess; subprocess.run({command}, check=True)"
    disk.mkdir()
    if not shutil.which("unshare") or start_python(mount, under=namespace).wait(120):
        pytest.skip("small file systems cannot be mounted here")

    def run(script, *arguments):
        process = start_python(f"{mount}\n{script}", disk, *arguments, under=namespace)
        output, errors = process.communicate(timeout=180)
        assert (process.returncode, errors) == (0, "")
        return output

    return run
