"""One file from one address: retried, and resumed where the server answers ranges."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from higgs_tutorial.data.files import explained_write_errors, require_space
from higgs_tutorial.data.progress import progress_bar

CHUNK_BYTES = 2**20
TIMEOUT_SECONDS = (20, 60)
"""For the connection, and for each read."""


class FetchError(Exception):
    """An address does not give the file; the message says why."""


class _BrokenOff(Exception):
    """The transfer ended too early."""


def fetch(
    url: str, partial: Path, size: int | None, *, attempts: int, backoff: float, progress: bool = True
) -> None:
    """Download ``url`` into ``partial``, going on from what that file already holds.

    A server that answers a range request with the whole file (200) makes it start again. What was received
    stays in ``partial`` whatever happens.

    Args:
        url: the address.
        partial: the file to write.
        size: how many bytes there must be in the end; None if that is not known.
        attempts: how often to try while nothing more arrives than before.
        backoff: seconds before the second try; doubled each time.
        progress: whether to show a progress bar if standard error is a terminal.

    Raises:
        FetchError: if the address does not give a file of that size.
        OSError: if the disk is too small or a write fails.
    """
    busy = urllib3.Retry(
        total=attempts - 1,
        connect=min(1, attempts - 1),
        backoff_factor=backoff,
        status_forcelist=(429, 500, 502, 503, 504),
        respect_retry_after_header=False,
    )
    furthest, tries = _length(partial), 0
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=busy))
        session.mount("https://", HTTPAdapter(max_retries=busy))
        while True:
            try:
                return _attempt(session, url, partial, size, progress)
            except _BrokenOff as error:
                tries = 1 if _length(partial) > furthest else tries + 1
                furthest = max(furthest, _length(partial))
                if tries >= attempts:
                    raise FetchError(f"{error}, {tries} times in a row") from None
                time.sleep(backoff * 2 ** (tries - 1))


def _attempt(session: requests.Session, url: str, partial: Path, size: int | None, progress: bool) -> None:
    have = _length(partial)
    if have == size:
        return
    if size is not None and have > size:
        partial.unlink()
        have = 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        response = session.get(url, headers=headers, stream=True, timeout=TIMEOUT_SECONDS)
    except requests.RequestException as error:
        reason = getattr(error.args[0], "reason", None) if error.args else None
        raise FetchError(str(reason or error)) from error
    with response:
        start, total = _range(response, have)
        if response.status_code == 416:
            if total == have:
                return
            partial.unlink()
            raise _BrokenOff("the server cannot go on from what was there")
        if size is not None and total not in (None, size):
            raise FetchError(f"offers {total:,} bytes instead of {size:,}")
        total = size if total is None else total
        if total is not None:
            require_space(partial.parent, total - start, "the download")
        _receive(response, partial, start, total, progress)


def _range(response: requests.Response, have: int) -> tuple[int, int | None]:
    """Return where the body starts in the file, and how long the file is if the server says so."""
    status = response.status_code
    content_range = response.headers.get("Content-Range", "")
    if status == 206:
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", content_range)
        if not match or int(match[1]) != have:
            raise FetchError(f"asked to go on at byte {have:,}, it answers {content_range or 'no range'!r}")
        return have, int(match[2])
    if status == 416:
        match = re.fullmatch(r"bytes \*/(\d+)", content_range)
        return 0, int(match[1]) if match else None
    if status != 200:
        raise FetchError(f"HTTP {status} {response.reason}")
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdigit() else None


def _receive(
    response: requests.Response, partial: Path, start: int, total: int | None, progress: bool
) -> None:
    position, host = start, urlsplit(response.url).hostname
    with (
        progress_bar(f"Downloading from {host}", total, enabled=progress) as advance,
        explained_write_errors(partial.parent, "the download", "What was received is kept"),
        open(partial, "r+b" if start else "wb") as file,
    ):
        advance(start)
        file.seek(start)
        for chunk in _chunks(response):
            position += len(chunk)
            if total is not None and position > total:
                raise FetchError(f"sends more than {total:,} bytes")
            file.write(chunk)
            advance(len(chunk))
    if total is not None and position < total:
        raise _BrokenOff(f"the transfer broke off after {position:,} of {total:,} bytes")


def _chunks(response: requests.Response) -> Iterator[bytes]:
    """Yield the body's bytes as they are on the wire: a .gz file must not be inflated on the way."""
    try:
        yield from response.raw.stream(CHUNK_BYTES, decode_content=False)
    except (requests.RequestException, urllib3.exceptions.HTTPError, ConnectionError, TimeoutError) as error:
        raise _BrokenOff(f"the transfer broke off ({type(error).__name__})") from error


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
