"""A local HTTP server that serves one file, well or badly."""

import gc
import re
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Behaviour:
    """How the server answers, and what it was asked."""

    contents: bytes
    ranges: bool = True
    busy: int = 0
    """Requests to answer with 503 first."""
    break_after: list[int] = field(default_factory=list)
    """For each of the next answers, how many bytes of the body to send before the connection breaks."""
    status: int | None = None
    declared_length: int | None = None
    content_encoding: str | None = None
    wrong_range: bool = False
    with_length: bool = True
    raw: list[bytes] | None = None
    """The whole answer instead, piece by piece, with a pause of 0.05 seconds after each."""
    asked: list[str | None] = field(default_factory=list)
    """The Range header of every request, in order."""


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        how = self.server.behaviour
        how.asked.append(self.headers.get("Range"))
        if how.raw is not None:
            self.close_connection = True
            try:
                for piece in how.raw:
                    self.wfile.write(piece)
                    time.sleep(0.05)
            except OSError:
                pass  # the client has had enough
            return None
        if how.busy:
            how.busy -= 1
            return self._head(503, {"Content-Length": "0"})
        if how.status:
            return self._head(how.status, {"Content-Length": "0"})
        start, total = self._start(how), len(how.contents)
        if start >= total:
            return self._head(416, {"Content-Range": f"bytes */{total}", "Content-Length": "0"})
        body = how.contents[start:]
        length = how.declared_length or len(body)
        headers = {"Content-Length": str(length)} if how.with_length else {}
        if start:
            shift = start + 1 if how.wrong_range else start
            headers["Content-Range"] = f"bytes {shift}-{total - 1}/{total}"
        if how.content_encoding:
            headers["Content-Encoding"] = how.content_encoding
        self._head(206 if start else 200, headers)
        if how.break_after:
            body = body[: how.break_after.pop(0)]
        self.wfile.write(body)
        self.close_connection = True

    def _start(self, how):
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        return int(match[1]) if match and how.ranges else 0

    def _head(self, status, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_):
        pass


class FileServer(ThreadingHTTPServer):
    """Serves ``behaviour.contents`` under any path, in a thread, on a port of its own."""

    daemon_threads = True

    def __init__(self, contents):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behaviour = Behaviour(contents)
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02})

    def url(self, name="HIGGS.csv.gz"):
        return f"http://127.0.0.1:{self.server_address[1]}/{name}"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self._thread.join()
        self.server_close()
        gc.collect()  # a connection that was left open warns here, not in a later test
