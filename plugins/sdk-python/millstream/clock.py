"""The time that records tell.

A plugin that imports this module needs the capability `clock`: `capabilities =
["clock"]` in its table of the configuration. Without that it does not go live. A
transform with state has the same time from `state.now()`, without the capability.
"""

from __future__ import annotations

from typing import Optional

from ._author import current

__all__ = ["now"]


def now() -> Optional[int]:
    """The time at the current record: the largest timestamp of the partition's
    records up to and including this one, in milliseconds since 1970-01-01 UTC; None
    if none of them had one.

    It never goes back, and is the same when the record is processed again. Between
    two records it stands still."""
    at = _at(current.record)
    return at if at >= 0 else None


def _at(record: int) -> int:
    """The time in tests; a component asks the host."""
    times = current.times
    return times[record] if record < len(times) else -1
