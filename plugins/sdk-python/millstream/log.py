"""Lines for the daemon's log.

A plugin that imports this module needs the capability `log`: `capabilities = ["log"]`
in its table of the configuration. Without that it does not go live.

>>> from millstream import log
>>> log.warn("odd total", -3)

The daemon adds the plugin, the partition and the offset of the record. It keeps the
first 1,024 bytes of a line and 100 lines of a call, and then ten lines a second. A
record that is processed again is logged again.

`print`, `sys.stdout` (info), `sys.stderr` (warn) and `logging` are logged too, each line
of theirs as one. A plugin that does not import this module has them discarded. In tests
without WebAssembly lines go to standard error.
"""

from __future__ import annotations

import sys

__all__ = ["debug", "error", "info", "warn"]


def error(*values: object) -> None:
    """Logs that something failed. Values are joined by a space, as `print` does."""
    _write("error", _joined(values))


def warn(*values: object) -> None:
    """Logs that something is odd."""
    _write("warn", _joined(values))


def info(*values: object) -> None:
    """Logs that something happened."""
    _write("info", _joined(values))


def debug(*values: object) -> None:
    """Logs for whoever looks for a fault."""
    _write("debug", _joined(values))


def _joined(values: tuple[object, ...]) -> str:
    return " ".join(map(str, values))


def _write(level: str, message: str) -> None:
    """Where lines go; a component has another one."""
    print(f"{level}: {message}", file=sys.stderr)
