"""One file from one address: retried, and resumed where the server answers ranges."""

from __future__ import annotations

import queue
import re
import threading
import time
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from higgs_tutorial.data.files import explained_write_errors, require_space
from higgs_tutorial.data.progress import progress_bar
from higgs_tutorial.safe_text import one_line

CHUNK_BYTES = 2**20
TIMEOUT_SECONDS = (20, 60)
"""For the connection, and for each read."""


HEADER_SECONDS = 300.0
"""For the headers, all attempts and redirections together."""
SLOWEST, SLOW_SECONDS = 1000, 60.0
"""Bytes a second over so many seconds that a transfer must reach."""
_LENGTH = "[0-9]{1,18}"
_BAD_ANSWERS = (requests.RequestException, urllib3.exceptions.HTTPError, HTTPException, ValueError, OSError)
"""ValueError: of a redirection to what is no address."""


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
    with _respond(session, url, headers) as response:
        start, total = _range(response, have)
        if response.status_code == 416:
            if not have:
                raise FetchError("HTTP 416, although all of the file was asked for")
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


def _respond(session: requests.Session, url: str, headers: dict[str, str]) -> requests.Response:
    """Return the server's answer once its headers are there, in another thread, so that they have a time limit.

    The timeouts of a connection begin again with each byte that arrives.
    """
    answers: queue.SimpleQueue = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(session.get(url, headers=headers, stream=True, timeout=TIMEOUT_SECONDS))
        except Exception as error:
            answers.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=HEADER_SECONDS)
    except queue.Empty:
        raise FetchError(f"no complete headers within {HEADER_SECONDS:g} seconds") from None
    if isinstance(answer, _BAD_ANSWERS):
        reason = getattr(answer.args[0], "reason", None) if answer.args else None
        raise FetchError(one_line(reason or answer)) from answer
    if isinstance(answer, Exception):
        raise answer
    return answer


def _range(response: requests.Response, have: int) -> tuple[int, int | None]:
    """Return where the body starts in the file, and how long the file is if the server says so."""
    status = response.status_code
    content_range = response.headers.get("Content-Range", "")
    if status == 206:
        match = re.fullmatch(rf"bytes ({_LENGTH})-{_LENGTH}/({_LENGTH})", content_range)
        if not match or int(match[1]) != have:
            raise FetchError(
                f"asked to go on at byte {have:,}, it answers {one_line(content_range or 'no range')!r}"
            )
        return have, int(match[2])
    if status == 416:
        match = re.fullmatch(rf"bytes \*/({_LENGTH})", content_range)
        return 0, int(match[1]) if match else None
    if status != 200:
        raise FetchError(f"HTTP {status} {one_line(response.reason)}")
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if re.fullmatch(_LENGTH, length) else None


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
    start, received = time.monotonic(), 0
    while True:
        try:
            chunk = response.raw.read1(CHUNK_BYTES, decode_content=False)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, HTTPException) as error:
            raise _BrokenOff(f"the transfer broke off ({type(error).__name__})") from error
        if not chunk:
            return
        yield chunk
        received += len(chunk)
        seconds = time.monotonic() - start
        if seconds > SLOW_SECONDS:
            if received < SLOWEST * seconds:
                raise FetchError(f"sends less than {SLOWEST:,} bytes a second")
            start, received = time.monotonic(), 0


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
