"""What a plugin writes, as lines of the daemon's log. Only a plugin that imports
`millstream.log` has this module."""

from __future__ import annotations

import io
import sys
import time
from types import ModuleType
from typing import Any, Callable, List

from .. import log
from .._author import current
from .._wire import LINE

#: Writes a line about a record: its index, the level and the words.
Write = Callable[[int, str, str], None]


class Lines(io.TextIOBase):
    """Standard output or standard error: each line is logged at one level."""

    encoding = "utf-8"

    def __init__(self, level: str, write: Write) -> None:
        self._level = level
        self._line = write
        self._record = current.record
        #: A line that has not ended.
        self._begun = ""

    def write(self, text: str) -> int:
        self.end_earlier()
        self._record = current.record
        *whole, rest = text.split("\n")
        for part in whole:
            self._line(self._record, self._level, self._begun + part)
            self._begun = ""
        # The host would not keep more.
        self._begun = (self._begun + rest)[:LINE]
        return len(text)

    def end(self) -> None:
        """Logs a line that has not ended: the record or the call has."""
        if self._begun:
            self._line(self._record, self._level, self._begun)
            self._begun = ""

    def end_earlier(self) -> None:
        """Ends a line of an earlier record."""
        if self._record != current.record:
            self.end()

    def writable(self) -> bool:
        return True


def connect(write: Write) -> List[Lines]:
    """Logs what the plugin writes from now on. The lines must be ended with each call."""
    before = [sys.stdout, sys.stderr]
    out, err = Lines("info", write), Lines("warn", write)

    def line(level: str, words: str) -> None:
        out.end_earlier()
        err.end_earlier()
        write(current.record, level, words)

    setattr(log, "_write", line)
    sys.stdout = sys.__stdout__ = out  # type: ignore[misc, assignment]
    sys.stderr = sys.__stderr__ = err  # type: ignore[misc, assignment]
    logging: Any = sys.modules.get("logging")
    if logging is not None:
        _connect_logging(logging, [*before, out, err], line)
    return [out, err]


def _connect_logging(
    logging: Any, streams: List[Any], line: Callable[[str, str], None]
) -> None:
    """What handlers would write to one of `streams` is logged at its own level."""
    emit = logging.StreamHandler.emit

    def emit_line(handler: Any, record: Any) -> None:
        if not any(handler.stream is stream for stream in streams):
            emit(handler, record)
            return
        try:
            for words in handler.format(record).split("\n"):
                line(_level(record.levelno), words)
        except Exception:
            handler.handleError(record)

    logging.StreamHandler.emit = emit_line
    if not logging.root.handlers:
        # The first message would add one that repeats the level.
        logging.root.addHandler(logging.StreamHandler())
    # A message has a time, and a plugin has no clock.
    still = ModuleType("time")
    vars(still).update(vars(time), time=lambda: 0.0, time_ns=lambda: 0)
    logging.time = still


def _level(number: int) -> str:
    """The level for one of `logging`."""
    if number >= 40:
        return "error"
    if number >= 30:
        return "warn"
    return "info" if number >= 20 else "debug"
