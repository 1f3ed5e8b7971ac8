"""OpenML's HIGGS from a local server that stands in for OpenML: its form, made of simulated events."""

import gc
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from sklearn.datasets import _openml
from typer.testing import CliRunner

from higgs_tutorial import load, simulate
from higgs_tutorial.cli import app
from higgs_tutorial.data import openml, split_sizes
from higgs_tutorial.physics.features import COLUMNS

N = 60
X, Y = simulate(N, seed=6)
NAMES = [
    "class",
    *(name.replace("jet_", "jet").replace("_pt", "pt").replace("_eta", "eta") for name in COLUMNS),
]
NAMES = [
    name.replace("_phi", "phi").replace("_b-tag", "b-tag") if name.startswith("jet") else name
    for name in NAMES
]
NAMES = [{"leptoneta": "lepton_eta", "leptonpt": "lepton_pT"}.get(name, name) for name in NAMES]


class OpenML:
    """What the server answers, by address."""

    def __init__(self, address):
        self.address, self.asked, self.md5 = address, [], None
        self.names, self.rows = NAMES, [[int(y), *x] for y, x in zip(Y, X.tolist(), strict=True)]
        self.rows.append([1, *X[0, :8].tolist(), *["?"] * 20])  # the last row
        self.status = None

    def arff(self):
        lines = ["@RELATION higgs", *(f"@ATTRIBUTE {name} REAL" for name in self.names[1:])]
        lines.insert(1, f"@ATTRIBUTE {self.names[0]} {{0,1}}")
        return "\n".join([*lines, "@DATA", *(",".join(map(str, row)) for row in self.rows)]).encode() + b"\n"

    def answer(self, path):
        self.asked.append(path)
        if self.status:
            return None
        file = self.arff()
        features = [
            {"index": str(i), "name": name, "data_type": "numeric" if i else "nominal", "is_target": str(not i).lower(),
             "is_ignore": "false", "is_row_identifier": "false", "number_of_missing_values": "0"}
            for i, name in enumerate(self.names)
        ]  # fmt: skip
        features[0]["nominal_value"] = ["0", "1"]
        description = {
            "id": "23512", "name": "higgs", "version": "2", "description": "", "format": "ARFF", "status": "active",
            "file_id": "2063675",
            "url": f"{self.address}/data/v1/download/2063675/higgs.arff",
            "md5_checksum": self.md5 or hashlib.md5(file).hexdigest(),
        }  # fmt: skip
        return {
            "/data/23512": json.dumps({"data_set_description": description}).encode(),
            "/data/features/23512": json.dumps({"data_features": {"feature": features}}).encode(),
            "/data/qualities/23512": json.dumps(
                {"data_qualities": {"quality": [{"name": "NumberOfInstances", "value": str(len(self.rows))}]}}
            ).encode(),
            "/data/v1/download/2063675": file,
        }.get(path.removesuffix("/higgs.arff"))


@pytest.fixture
def server(monkeypatch):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = served.answer(self.path)
            self.send_response(200 if body is not None else served.status or 404)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_):
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = OpenML(f"http://127.0.0.1:{http.server_address[1]}")
    prefix = f"{served.address}/"
    if hasattr(_openml, "_OPENML_PREFIX"):  # scikit-learn 1.6
        monkeypatch.setattr(_openml, "_OPENML_PREFIX", prefix)
        prefix = ""
    for name, path in (("INFO", ""), ("FEATURES", "features/"), ("QUALITIES", "qualities/")):
        monkeypatch.setattr(_openml, f"_DATA_{name}", f"{prefix}data/{path}{{}}")
    monkeypatch.setattr(_openml.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(openml, "ROWS", N)
    monkeypatch.setattr(openml.download_small, "__kwdefaults__", {"rows": N, "progress": True})
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield served
    http.shutdown()
    thread.join()
    http.server_close()
    gc.collect()  # a connection that was left open warns here, not in a later test


def test_its_names_are_those_of_the_columns_but_for_underscores():
    assert NAMES[:7] == [
        "class", "lepton_pT", "lepton_eta", "lepton_phi", "missing_energy_magnitude", "missing_energy_phi", "jet1pt",
    ]  # fmt: skip
    assert NAMES[9:11] == ["jet1b-tag", "jet2pt"]


def test_load_downloads_it_once_and_leaves_the_last_row_out(server, tmp_path):
    higgs = load("openml", data_dir=tmp_path)
    assert (higgs.train.n, higgs.valid.n, higgs.test.n) == split_sizes(N)
    np.testing.assert_array_equal(higgs.test.x, X[-3:])
    np.testing.assert_array_equal(higgs.test.y, Y[-3:])
    together = np.concatenate([higgs.train.x, higgs.valid.x])
    assert sorted(map(tuple, together.tolist())) == sorted(map(tuple, X[:-3].tolist()))
    assert (higgs.source, higgs.data) == ("openml", f"HIGGS events (OpenML's {N})")
    asked = len(server.asked)
    server.status = 503
    assert load("openml", data_dir=tmp_path, events=40).train.n == 36
    assert len(server.asked) == asked
    assert load("auto", data_dir=tmp_path, events=100).source == "simulated"
    with pytest.raises(FileNotFoundError):
        load("uci", data_dir=tmp_path)


def test_a_damaged_part_is_prepared_again_from_what_was_kept(server, tmp_path):
    openml.download_small(tmp_path)
    (tmp_path / "openml" / "higgs_valid.npy").write_bytes(b"\x93NUMPY")
    server.status = 503
    np.testing.assert_array_equal(load("openml", data_dir=tmp_path).test.x, X[-3:])


def test_the_command(server, tmp_path):
    run = CliRunner().invoke(app, ["download", "--small", "--data-dir", str(tmp_path)])
    assert (
        run.output == f"HIGGS events (OpenML's {N}): prepared; next: higgs-tutorial ladder --source openml\n"
    )
    server.status = 503
    run = CliRunner().invoke(app, ["download", "--small", "--data-dir", str(tmp_path / "other")])
    assert run.exit_code == 2
    assert run.output.startswith("error: OpenML's HIGGS (data set 23512) could not be downloaded (")


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        (
            {"status": 503},
            ConnectionError,
            "could not be downloaded .*Service Unavailable.*; try again later",
        ),
        ({"status": 404}, ConnectionError, "could not be downloaded .*Not Found.*; try again later"),
        (
            {"status": 412},
            ValueError,
            "what OpenML sends cannot be read: Dataset with data_id 23512 not found",
        ),
        ({"md5": "0" * 32}, ValueError, "its MD5 checksum is not the one that OpenML gives"),
        (
            {"rows": lambda rows: rows[5:]},
            ValueError,
            f"has {N - 5} rows without missing values instead of {N}",
        ),
        (
            {"rows": lambda rows: [*rows[:9], ["?", *rows[9][1:]], *rows[10:]]},
            ValueError,
            "row 10: 'class' is nan",
        ),
        (
            {"rows": lambda rows: [*rows[:9], [*rows[9][:28], "?"], *rows[10:]]},
            ValueError,
            "row 10: 'm_wwbb' is nan",
        ),
        (
            {"rows": lambda rows: [*rows[:9], [1, "word", *rows[9][2:]], *rows[10:]]},
            ValueError,
            "else than numbers",
        ),
        (
            {"names": ["class", "pT", *NAMES[2:]]},
            ValueError,
            "has no column 'lepton_pT'; its columns are: class, pT",
        ),
        ({"names": ["kind", *NAMES[1:]]}, ValueError, "has no label among its columns"),
    ],
)
def test_what_can_be_wrong_is_one_line_and_nothing_is_prepared(change, error, says, server, tmp_path):
    for name, value in change.items():
        setattr(server, name, value(getattr(server, name)) if callable(value) else value)
    with pytest.raises(error, match=says) as caught:
        load("openml", data_dir=tmp_path)
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "openml").glob("*.npy"))
    assert not (tmp_path / "openml" / "manifest.json").exists()


def test_an_answer_of_another_form(server, tmp_path):
    server.answer = lambda path: b"<html>hello</html>"
    with pytest.raises(ValueError, match=r"is damaged \(what OpenML sends cannot be read"):
        load("openml", data_dir=tmp_path)
    server.answer = lambda path: b"{}"
    with pytest.raises(ValueError, match=r"is damaged \(what OpenML sends cannot be read"):
        load("openml", data_dir=tmp_path)


def test_classes_in_quotes(server, tmp_path):
    server.rows = [[f"'{row[0]}'", *row[1:]] for row in server.rows]
    np.testing.assert_array_equal(load("openml", data_dir=tmp_path).test.y, Y[-3:])
