"""download: from servers that break off, are busy, lie, or know no ranges."""

import gzip
import hashlib
import io
import os
import signal
import zipfile

import numpy as np
import pytest
from http_server import FileServer

from higgs_tutorial.data import download as download_module
from higgs_tutorial.data import files
from higgs_tutorial.data import transfer as fetch_module
from higgs_tutorial.data.download import DownloadError, download

CONTENTS = np.random.default_rng(0).bytes(300_000)
RIGHT = {"size": len(CONTENTS), "sha256": hashlib.sha256(CONTENTS).hexdigest()}
PARTIAL = ".HIGGS.csv.gz.partial"
DEAD = "http://127.0.0.1:9/HIGGS.csv.gz"

DOWNLOAD = f"""
import sys
from higgs_tutorial.data import transfer
from higgs_tutorial.data.download import download
transfer.CHUNK_BYTES = 10_000
print(download(sys.argv[1], urls=[sys.argv[2]], backoff=0.01, **{RIGHT!r}))
"""
KILLED = DOWNLOAD.replace(
    "print(",
    """
receive = transfer._chunks
def slow(response):
    import time
    for number, chunk in enumerate(receive(response)):
        yield chunk
        print("a chunk", flush=True)
        time.sleep(0.1)
transfer._chunks = slow
print(""",
)
LARGE_FILES_FORBIDDEN = f"""
import resource, sys
from higgs_tutorial.data.download import download
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    download(sys.argv[1], urls=[sys.argv[2]], **{RIGHT!r})
except OSError as error:
    print(error)
"""


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch):
    monkeypatch.setattr(fetch_module, "CHUNK_BYTES", 10_000)
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def server():
    with FileServer(CONTENTS) as running:
        yield running


def get(folder, *urls, **options):
    """Download quickly, and check what came."""
    path = download(folder, urls=urls, backoff=0.01, **(RIGHT | options))
    assert path == folder / "HIGGS.csv.gz"
    assert path.read_bytes() == CONTENTS
    assert sorted(os.listdir(folder)) == [".download.lock", "HIGGS.csv.gz"]
    return path


def failure(folder, *urls, **options):
    """The message of a download that fails; nothing may have the final name."""
    with pytest.raises(DownloadError) as caught:
        download(folder, urls=urls, backoff=0.01, **(RIGHT | options))
    assert not (folder / "HIGGS.csv.gz").exists()
    return str(caught.value)


def test_a_good_server(server, tmp_path):
    get(tmp_path / "new" / "folder", server.url())
    assert server.behaviour.asked == [None]


def test_what_is_there_and_right_is_not_asked_for(server, tmp_path):
    get(tmp_path, server.url())
    get(tmp_path, server.url())
    assert len(server.behaviour.asked) == 1


def test_what_is_there_and_wrong_is_replaced(server, tmp_path):
    (tmp_path / "HIGGS.csv.gz").write_bytes(CONTENTS[:-1] + b"x")
    get(tmp_path, server.url())


def test_the_data_folder_is_the_default(server, tmp_path, monkeypatch):
    monkeypatch.setenv("HIGGS_DATA_DIR", str(tmp_path))
    assert download(urls=[server.url()], **RIGHT) == tmp_path / "HIGGS.csv.gz"


def test_resumed_where_the_server_knows_ranges(server, tmp_path):
    server.behaviour.break_after = [120_000, 70_000]
    get(tmp_path, server.url())
    assert server.behaviour.asked == [None, "bytes=120000-", "bytes=190000-"]


def test_started_again_where_it_does_not(server, tmp_path):
    server.behaviour.ranges = False
    server.behaviour.break_after = [120_000, 70_000]
    get(tmp_path, server.url())
    assert server.behaviour.asked == [None, "bytes=120000-", "bytes=70000-"]


def test_resumed_by_the_next_call(server, tmp_path):
    server.behaviour.break_after = [120_000]
    message = failure(tmp_path, server.url(), attempts=1)
    assert f"{server.url()}: the transfer broke off" in message
    assert "Try again later (it goes on from what was received)" in message
    assert (tmp_path / PARTIAL).stat().st_size == 120_000
    get(tmp_path, server.url())
    assert server.behaviour.asked == [None, "bytes=120000-"]


def test_gone_on_with_at_another_address(server, tmp_path):
    server.behaviour.break_after = [120_000]
    with FileServer(CONTENTS) as other:
        get(tmp_path, server.url(), other.url(), attempts=1)
        assert other.behaviour.asked == ["bytes=120000-"]


def test_a_server_that_always_breaks_off_at_the_same_place(server, tmp_path):
    server.behaviour.ranges = False
    server.behaviour.break_after = [50_000] * 20
    assert "3 times in a row" in failure(tmp_path, server.url(), attempts=3)
    assert len(server.behaviour.asked) == 3
    assert (tmp_path / PARTIAL).stat().st_size == 50_000


def test_a_busy_server(server, tmp_path):
    server.behaviour.busy = 2
    get(tmp_path, server.url())
    assert len(server.behaviour.asked) == 3


def test_a_server_that_stays_busy(server, tmp_path):
    server.behaviour.busy = 99
    assert "503" in failure(tmp_path, server.url(), attempts=3)
    assert len(server.behaviour.asked) == 3


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_server_without_the_file_is_asked_once(server, tmp_path, status):
    server.behaviour.status = status
    assert f"{server.url()}: HTTP {status}" in failure(tmp_path, server.url())
    assert len(server.behaviour.asked) == 1


def test_addresses_are_tried_in_order(server, tmp_path):
    with FileServer(b"something else") as wrong, FileServer(CONTENTS) as gone:
        gone.behaviour.status = 404
        get(tmp_path, DEAD, gone.url(), wrong.url(), server.url())
        assert gone.behaviour.asked == wrong.behaviour.asked == [None]


def test_the_error_lists_every_address(server, tmp_path):
    server.behaviour.status = 404
    with FileServer(b"something else") as wrong:
        message = failure(tmp_path, DEAD, server.url(), wrong.url())
        assert f"{wrong.url()}: offers 14 bytes instead of 300,000" in message
    assert f"{DEAD}: " in message
    assert f"{server.url()}: HTTP 404" in message
    assert str(tmp_path) in message


def test_wrong_bytes_are_deleted(server, tmp_path):
    server.behaviour.contents = CONTENTS[:-1] + bytes([CONTENTS[-1] ^ 1])
    message = failure(tmp_path, server.url())
    assert "the file has SHA-256" in message
    assert f"instead of {RIGHT['sha256']}; it was deleted" in message
    assert os.listdir(tmp_path) == [".download.lock"]
    assert len(server.behaviour.asked) == 1


def test_a_bad_beginning_is_thrown_away_and_all_of_it_fetched(server, tmp_path):
    (tmp_path / PARTIAL).write_bytes(bytes(100_000))
    get(tmp_path, server.url())
    assert server.behaviour.asked == ["bytes=100000-", None]


def test_a_complete_partial_needs_no_server(tmp_path):
    (tmp_path / PARTIAL).write_bytes(CONTENTS)
    get(tmp_path, DEAD)


def test_a_partial_that_is_too_long_is_thrown_away(server, tmp_path):
    (tmp_path / PARTIAL).write_bytes(CONTENTS + b"more")
    get(tmp_path, server.url())
    assert server.behaviour.asked == [None]


def test_an_answer_from_the_wrong_place_is_refused(server, tmp_path):
    (tmp_path / PARTIAL).write_bytes(CONTENTS[:1_000])
    server.behaviour.wrong_range = True
    assert "asked to go on at byte 1,000, it answers 'bytes 1001-" in failure(tmp_path, server.url())
    assert (tmp_path / PARTIAL).read_bytes() == CONTENTS[:1_000]


def test_a_server_that_declares_no_length(server, tmp_path):
    server.behaviour.with_length = False
    server.behaviour.break_after = [40_000]
    get(tmp_path, server.url())
    assert server.behaviour.asked == [None, "bytes=40000-"]


def test_a_server_that_sends_too_much(server, tmp_path):
    server.behaviour.with_length = False
    server.behaviour.contents = CONTENTS + b"more"
    assert "sends more than 300,000 bytes" in failure(tmp_path, server.url())


def test_a_gz_file_is_not_inflated_on_the_way(tmp_path):
    contents = gzip.compress(CONTENTS)
    with FileServer(contents) as server:
        server.behaviour.content_encoding = "gzip"
        sha256 = hashlib.sha256(contents).hexdigest()
        path = download(tmp_path, urls=[server.url()], size=len(contents), sha256=sha256)
    assert path.read_bytes() == contents


def zipped(name="HIGGS.csv.gz", contents=CONTENTS, method=zipfile.ZIP_STORED):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", method) as opened:
        opened.writestr("README", "the Higgs data set")
        opened.writestr(name, contents)
    return archive.getvalue()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("name", ["HIGGS.csv.gz", "higgs/HIGGS.csv.gz"])
def test_a_zip_archive(server, tmp_path, name, method):
    server.behaviour.contents = zipped(name, method=method)
    server.behaviour.break_after = [120_000]
    get(tmp_path, server.url("higgs.zip"))
    assert server.behaviour.asked == [None, "bytes=120000-"]


def test_a_complete_zip_archive_is_not_fetched_again(server, tmp_path):
    server.behaviour.contents = zipped()
    (tmp_path / ".HIGGS.csv.gz.zip.partial").write_bytes(zipped())
    get(tmp_path, server.url("higgs.zip"))
    assert server.behaviour.asked == [f"bytes={len(zipped())}-"]


def test_a_zip_that_grew_shorter_is_fetched_anew(server, tmp_path):
    server.behaviour.contents = zipped()
    (tmp_path / ".HIGGS.csv.gz.zip.partial").write_bytes(bytes(400_000))
    get(tmp_path, server.url("higgs.zip"))
    assert server.behaviour.asked == ["bytes=400000-", None]


@pytest.mark.parametrize(
    ("archive", "message"),
    [
        (b"not a zip archive", "File is not a zip file"),
        (zipped("another"), "has no such file"),
        (zipped(contents=b"short"), "has one of 5 bytes"),
        (zipped(contents=bytes(len(CONTENTS))), "the file has SHA-256"),
        (zipped().replace(CONTENTS[1_000:1_010], bytes(10)), "Bad CRC-32"),
    ],
    # not from the archives, whose bytes hold the time
    ids=["no archive", "another name", "short", "another file", "damaged"],
)
def test_bad_archives_are_deleted(server, tmp_path, archive, message):
    server.behaviour.contents = archive
    assert message in failure(tmp_path, server.url("higgs.zip"))
    assert os.listdir(tmp_path) == [".download.lock"]


def test_killed_half_way_and_run_again(server, tmp_path, start_python):
    process = start_python(KILLED, tmp_path, server.url())
    for _ in range(5):
        assert process.stdout.readline() == "a chunk\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait(120)
    received = (tmp_path / PARTIAL).stat().st_size
    assert 0 < received < len(CONTENTS)
    get(tmp_path, server.url())
    assert server.behaviour.asked == [None, f"bytes={received}-"]


def test_two_at_once_fetch_it_once(server, tmp_path, start_python):
    processes = [start_python(DOWNLOAD, tmp_path, server.url()) for _ in range(2)]
    for process in processes:
        output, errors = process.communicate(timeout=180)
        assert (output, errors) == (f"{tmp_path / 'HIGGS.csv.gz'}\n", "")
    assert server.behaviour.asked == [None]


def test_a_failed_write_keeps_what_was_received(server, tmp_path, start_python):
    output, errors = start_python(LARGE_FILES_FORBIDDEN, tmp_path, server.url()).communicate(timeout=180)
    assert errors == ""
    assert f"the download failed in {tmp_path}. What was received is kept" in output
    get(tmp_path, server.url())


def test_too_small_a_disk_is_noticed_first(server, tmp_path, monkeypatch):
    usage = files.shutil.disk_usage(tmp_path)._replace(free=1_000)
    monkeypatch.setattr(files.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(OSError, match=r"the download needs 0.00 GB in .* HIGGS_DATA_DIR"):
        download(tmp_path, urls=[server.url()], **RIGHT)
    assert os.listdir(tmp_path) == [".download.lock"]


def test_what_is_pinned_is_the_uci_file():
    assert download_module.HIGGS_BYTES == 2_816_407_858
    assert download_module.HIGGS_SHA256.startswith("ea302c18")
    assert [url.rpartition("/")[2] for url in download_module.HIGGS_URLS] == [
        "HIGGS.csv.gz",
        "higgs.zip",
        "HIGGS.csv.gz",
    ]


def answer(*headers, body=CONTENTS, status="200 OK"):
    lines = [f"HTTP/1.1 {status}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


STRANGE = {
    "a length of 5,000 digits": [answer("Content-Length: " + "1" * 5_000)],
    "a length of superscripts": [answer("Content-Length: \u00b2")],
    "a negative length": [answer("Content-Length: -5")],
    "two lengths": [answer("Content-Length: 300000", "Content-Length: 5")],
    "a redirection to no address": [answer("Location: http://[::1", status="302 Found", body=b"")],
    "a redirection to nothing": [answer("Location: http://", status="302 Found", body=b"")],
    "a redirection to a strange port": [answer("Location: http://x:99999999/", status="302 Found", body=b"")],
    "a redirection to another protocol": [
        answer("Location: file:///etc/passwd", status="302 Found", body=b"")
    ],
    "endless redirections": [answer("Location: /again", "Content-Length: 0", status="302 Found", body=b"")],
    "416 at once": [answer("Content-Length: 0", status="416 Range Not Satisfiable", body=b"")],
    "416 and no bytes": [answer("Content-Range: bytes */0", "Content-Length: 0", status="416 No", body=b"")],
    "206 unasked": [
        answer("Content-Range: bytes 5-9/10", "Content-Length: 5", status="206 Partial", body=b"x" * 5)
    ],
    "no HTTP": [b"220 welcome to FTP\r\n" * 10],
    "nothing": [b""],
    "a thousand headers": [answer(*(f"X-{i}: y" for i in range(1_000)))],
    "escape sequences": [answer(status="404 \x1b[31mred\x07", body=b"")],
    "headers without end": [b"HTTP/1.1 200 OK\r\n", *[b"X: y\r\n"] * 40],
    "a few bytes a second": [answer("Content-Length: 300000", body=b"")]
    + [CONTENTS[i : i + 1] for i in range(40)],
}


@pytest.mark.parametrize("kind", STRANGE)
@pytest.mark.parametrize("name", ["HIGGS.csv.gz", "higgs.zip"])
def test_a_strange_server_is_left_for_the_next(kind, name, server, tmp_path, monkeypatch):
    monkeypatch.setattr(fetch_module, "HEADER_SECONDS", 0.5)
    monkeypatch.setattr(fetch_module, "SLOW_SECONDS", 0.3)
    with FileServer(CONTENTS) as strange:
        strange.behaviour.raw = STRANGE[kind]
        message = failure(tmp_path, strange.url(name), attempts=1) if "length" not in kind else ""
        assert "Traceback" not in message
        assert all(len(line) < 400 and line.isprintable() for line in message.splitlines())
        download(tmp_path, urls=[strange.url(name), server.url()], backoff=0.01, attempts=1, **RIGHT)
    assert (tmp_path / "HIGGS.csv.gz").read_bytes() == CONTENTS


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
@pytest.mark.parametrize("place", [0, 60, 150_000, -200, -60, -10])
def test_a_damaged_zip_falls_back_to_the_next_address(method, place, server, tmp_path):
    content = bytearray(zipped(method=method))
    content[place : place + 8 or None] = b"\xff" * 8
    with FileServer(bytes(content)) as damaged:
        get(tmp_path, damaged.url("higgs.zip"), server.url(), attempts=1)
