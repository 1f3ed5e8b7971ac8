"""Stopping a long run politely: Ctrl-C or SIGTERM once, and it ends after the epoch it is in."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable
from types import TracebackType


class Stopped(KeyboardInterrupt):
    """A run that was asked to stop has come to a place from which it can go on.

    Attributes:
        code: the exit code for it, 128 + the signal's number (130 for Ctrl-C).
    """

    def __init__(self, signum: int) -> None:
        super().__init__()
        self.code = 128 + signum


class PoliteStop:
    """Within this context the first Ctrl-C or SIGTERM is a request, and a second one ends the process.

    An epoch is one call into TensorFlow, during which Python handles no signal. So a thread watches for them
    and says at once what will happen; the run asks `check` where it can stop.
    """

    def __init__(self, say: Callable[[str], object], *, last_words: str) -> None:
        """Report to ``say``; ``last_words`` are for a process that ends at once."""
        self.say, self.last_words = say, last_words
        self.signum: int | None = None
        self._before: dict[int, object] = {}

    def __enter__(self) -> PoliteStop:
        if threading.current_thread() is not threading.main_thread():
            return self  # only the main thread may handle signals: whoever runs this elsewhere does it
        self._ours, self._theirs = socket.socketpair()
        self._theirs.setblocking(False)
        self._wakeup = signal.set_wakeup_fd(self._theirs.fileno(), warn_on_full_buffer=False)
        for signum in (signal.SIGINT, signal.SIGTERM):
            self._before[signum] = signal.signal(signum, lambda *_: None)
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._before:
            return
        for signum, handler in self._before.items():
            signal.signal(signum, handler)
        signal.set_wakeup_fd(self._wakeup)
        self._theirs.close()
        self._watcher.join()
        self._ours.close()

    def check(self) -> None:
        """Raise `Stopped` if a signal asked for it."""
        if self.signum is not None:
            raise Stopped(self.signum)

    def _watch(self) -> None:
        while data := self._ours.recv(1):
            signum = data[0]
            if signum not in self._before:
                continue
            if self.signum is not None:
                self.say(self.last_words)
                os._exit(128 + signum)
            self.signum = signum
            self.say("stopping after this epoch; once more to stop at once and lose it")
